use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "stop",
    says: "the gateway stopped in order",
    outside: &["because"],
    inside: &["by", "note"],
    because: &["asked", "failing", "upgrade"],
    at_once: true,
};
