use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "scale-check",
    says: "a scale against its check weights",
    outside: &["unit", "point", "state", "verdict"],
    inside: &["weight", "nominal", "value", "in", "low", "high", "by"],
    because: &[],
    at_once: true,
};
