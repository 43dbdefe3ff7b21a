use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "acceptance",
    says: "whether equipment was accepted after its display was compared with what is captured",
    outside: &[
        "equipment",
        "state",
        "driver",
        "edition",
        "sha256",
        "count",
        "agree",
        "seqs",
        "because",
    ],
    inside: &["by", "reason", "different"],
    because: &["side-by-side"],
    at_once: true,
};
