use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "summary",
    says: "an interval of readings in numbers; also the state of a rule with memory",
    outside: &[
        "unit", "batch", "step", "run", "point", "role", "until", "verdict", "limits",
    ],
    inside: &[
        "count",
        "min",
        "max",
        "mean",
        "in",
        "good",
        "uncertain",
        "bad",
        "rule",
        "state",
    ],
    because: &[],
    at_once: false,
};
