use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "recipe",
    says: "the control recipe of a batch, or a change of it; its contents are the `file` entries before",
    outside: &["unit", "batch", "state", "change"],
    inside: &[
        "recipe",
        "revision",
        "file",
        "sha256",
        "size",
        "in",
        "approved_by",
        "signature",
        "from",
        "by",
        "second",
        "reason",
        "changes",
    ],
    because: &[],
    at_once: true,
};
