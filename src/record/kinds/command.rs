use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "command",
    says: "something was written to equipment, because its driver needs it before a value can be read",
    outside: &["equipment", "command", "state"],
    inside: &["raw"],
    because: &[],
    at_once: false,
};
