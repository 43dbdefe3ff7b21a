use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "weighing",
    says: "one weighing, captured, rejected or aborted",
    outside: &[
        "unit", "batch", "step", "run", "point", "role", "state", "verdict", "because",
    ],
    inside: &[
        "material",
        "lot",
        "container",
        "target",
        "value",
        "in",
        "raw",
        "gross",
        "tare",
        "net",
        "low",
        "high",
        "by",
        "verified_by",
        "scale",
    ],
    because: &[],
    at_once: true,
};
