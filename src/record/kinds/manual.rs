use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "manual",
    says: "a value a person entered by hand",
    outside: &["unit", "batch", "step", "run", "point", "role", "verdict"],
    inside: &["value", "in", "by", "reason", "measured", "source", "verified_by"],
    because: &[],
    at_once: true,
};
