use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "command",
    says: "something is written to equipment: a person asked for it, or a value can only be read after it; and what became of it",
    outside: &["equipment", "command", "state", "about"],
    inside: &["raw", "says", "by", "reason"],
    because: &[],
    at_once: false,
};
