use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "allocation",
    says: "a unit is given to a batch, or freed",
    outside: &["unit", "batch", "state", "because"],
    inside: &[
        "authority",
        "number",
        "source",
        "by",
        "reason",
        "counter",
        "unsure_ms",
        "note",
    ],
    because: &[],
    at_once: true,
};
