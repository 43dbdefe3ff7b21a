use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "excursion",
    says: "a limit is broken: opened, and closed with its extreme and length",
    outside: &[
        "unit", "batch", "step", "run", "point", "role", "state", "limits", "opened",
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
    ],
    because: &[],
    at_once: true,
};
