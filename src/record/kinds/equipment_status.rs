use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "equipment-status",
    says: "equipment goes out of service, comes back, is exchanged or lent",
    outside: &["equipment", "state", "until", "because"],
    inside: &["by", "reason", "serial_number", "found"],
    because: &[
        "out-of-service",
        "in-service",
        "exchanged",
        "lent",
        "returned",
        "another-instrument",
    ],
    at_once: true,
};
