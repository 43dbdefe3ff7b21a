use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "manual",
    says: "a value a person entered by hand, or that another has verified it",
    outside: &[
        "unit", "batch", "step", "run", "point", "role", "state", "verdict", "limits", "corrects", "about",
    ],
    inside: &[
        "value",
        "in",
        "by",
        "reason",
        "paper",
        "measured",
        "source",
        "verified_by",
        "entered",
        "late_ms",
    ],
    because: &[],
    at_once: true,
};
