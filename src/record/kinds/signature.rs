use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "signature",
    says: "a person signs, with a meaning",
    outside: &["unit", "batch", "step", "run", "meaning", "target", "person"],
    inside: &["name", "method", "zone", "text"],
    because: &[],
    at_once: true,
};
