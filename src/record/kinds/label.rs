use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "label",
    says: "a label: printed, printed again, not printed, or read back from its container",
    outside: &["unit", "batch", "step", "station", "state", "because", "about"],
    inside: &[
        "order",
        "line",
        "number",
        "code",
        "container",
        "printer",
        "reason",
        "by",
        "text",
    ],
    because: &[],
    at_once: true,
};
