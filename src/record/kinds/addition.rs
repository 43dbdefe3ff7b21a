use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "addition",
    says: "a material goes into the batch",
    outside: &["unit", "batch", "step", "run", "state"],
    inside: &["material", "lot", "container", "value", "in", "by", "verified_by"],
    because: &[],
    at_once: true,
};
