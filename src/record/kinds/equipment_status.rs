use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "equipment-status",
    says: "equipment says who it is, is doubted, confirmed, exchanged, lent, goes out of service or comes back",
    outside: &["equipment", "state", "until", "because"],
    inside: &["by", "reason", "serial_number", "found", "known", "configured"],
    because: &[
        "out-of-service",
        "in-service",
        "exchanged",
        "lent",
        "returned",
        "another-instrument",
        "settings-changed",
        "identified",
        "confirmed",
        "long-silence",
    ],
    at_once: true,
};
