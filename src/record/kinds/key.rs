use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "key",
    says: "the sealing key changes: the last of the old, the first of the new",
    outside: &["new", "x", "old", "because"],
    inside: &["by", "reason"],
    because: &[],
    at_once: true,
};
