use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "start",
    says: "the gateway started",
    outside: &["because"],
    inside: &["host", "version", "was_off_ms", "config"],
    because: &[
        "first-start",
        "asked",
        "power-loss",
        "crash",
        "restart",
        "upgrade",
    ],
    at_once: true,
};
