use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "reading",
    says: "one answer of one point: value or reason, bound and judged",
    outside: &[
        "unit", "batch", "step", "run", "point", "role", "quality", "verdict", "limits", "state", "around",
        "context", "boundary",
    ],
    inside: &[
        "because",
        "value",
        "in",
        "raw",
        "read",
        "low",
        "high",
        "warn_low",
        "warn_high",
        "late_ms",
        "source",
        "server",
        "status",
        "ahead_ms",
        "unchanged",
    ],
    because: &[],
    at_once: false,
};
