use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "signature",
    says: "a person signs, with a meaning",
    outside: &[
        "unit", "batch", "step", "run", "meaning", "target", "closing", "seqs", "count", "person",
    ],
    inside: &["name", "roles", "method", "zone", "local", "panel", "text"],
    because: &[],
    at_once: true,
};
