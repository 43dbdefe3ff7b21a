use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "comment",
    says: "a person's words",
    outside: &["unit", "batch", "step", "run", "about"],
    inside: &["text", "by"],
    because: &[],
    at_once: false,
};
