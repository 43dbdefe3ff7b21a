use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "gap",
    says: "silence: from `time` to `until` nothing could be read",
    outside: &[
        "unit", "batch", "step", "run", "point", "role", "until", "because",
    ],
    inside: &["asked", "refused", "garbled", "unexpected", "note"],
    because: &[
        "silent",
        "refused",
        "garbled",
        "unexpected",
        "unplugged",
        "power-loss",
        "stopped",
        "out-of-service",
        "lent",
        "clock",
        "disk-full",
        "another-instrument",
        "no-room",
        "not-captured",
        "overflow",
    ],
    at_once: false,
};
