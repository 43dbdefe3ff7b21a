use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "step",
    says: "a run of a step begins, changes state, or ends",
    outside: &["unit", "batch", "step", "run", "state", "because"],
    inside: &[
        "title",
        "authority",
        "number",
        "started",
        "ended",
        "sent",
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
