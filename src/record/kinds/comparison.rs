use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "comparison",
    says: "what a person read off a display beside what was captured at that moment",
    outside: &["equipment", "point", "state"],
    inside: &["by", "shown", "captured", "raw"],
    because: &[],
    at_once: true,
};
