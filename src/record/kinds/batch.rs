use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "batch",
    says: "a batch begins, changes state, or ends with its closing",
    outside: &["unit", "batch", "state", "because", "closing", "count", "root"],
    inside: &[
        "product",
        "recipe",
        "revision",
        "size",
        "in",
        "authority",
        "number",
        "source",
        "started",
        "ended",
        "sent",
        "by",
        "reason",
        "counter",
        "unsure_ms",
        "note",
    ],
    because: &[],
    at_once: true,
};
