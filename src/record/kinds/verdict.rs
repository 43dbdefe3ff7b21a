use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "verdict",
    says: "a step in figures: expected, captured, gaps, exceptions",
    outside: &[
        "unit",
        "batch",
        "step",
        "run",
        "expected",
        "captured",
        "gaps",
        "exceptions",
        "supersedes",
    ],
    inside: &[
        "rules",
        "within",
        "warning",
        "below",
        "above",
        "not_judged",
        "excursions",
        "doubtful",
        "bad",
        "boundary",
        "unconfirmed",
        "note",
    ],
    because: &[],
    at_once: true,
};
