use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "excursion",
    says: "a limit is broken: opened, and closed with its extreme and length",
    outside: &[
        "unit", "batch", "step", "run", "point", "role", "state", "limits", "opened", "class", "severity",
        "rule", "evidence",
    ],
    inside: &[
        "extreme",
        "limit",
        "side",
        "in",
        "started",
        "ended",
        "duration_ms",
        "count",
        "area",
        "alarm",
        "says",
    ],
    because: &[],
    at_once: true,
};
