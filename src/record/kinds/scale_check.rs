use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "scale-check",
    says: "a scale against its zero and its check weights",
    outside: &["unit", "point", "station", "state", "verdict"],
    inside: &[
        "weight",
        "certificate",
        "nominal",
        "value",
        "in",
        "raw",
        "low",
        "high",
        "reading",
        "by",
    ],
    because: &[],
    at_once: true,
};
