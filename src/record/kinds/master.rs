use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "master",
    says: "master data comes, by kind of item, in figures and with the SHA-256 of what is held then; or one item as it was used",
    outside: &[
        "unit", "batch", "step", "run", "items", "state", "because", "about", "sha256", "held",
    ],
    inside: &[
        "source",
        "sent",
        "whole",
        "new",
        "replaced",
        "retracted",
        "confirmed",
        "refused",
        "names",
        "file",
        "by",
        "reason",
        "id",
        "revision",
        "said",
        "arrived",
        "age_ms",
        "against",
        "content",
    ],
    because: &["told", "imported", "retracted", "confirmed"],
    at_once: true,
};
