use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "clock",
    says: "the clock steps, gains or loses synchronisation, is wrong by what the ledger or receipts say, or is checked by a person",
    outside: &["because"],
    inside: &["step_ms", "error_ms", "before", "after", "by"],
    because: &[
        "synchronised",
        "lost",
        "step",
        "checked",
        "unknown",
        "behind",
        "implausible",
        "differs",
        "agrees",
    ],
    at_once: true,
};
