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
        "by_hand",
        "unverified",
        "within",
        "warning",
        "below",
        "above",
        "not_judged",
        "excursions",
        "doubtful",
        "bad",
        "boundary",
        "note",
    ],
    because: &[],
    at_once: true,
};
