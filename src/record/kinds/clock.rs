use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "clock",
    says: "the clock steps, gains or loses synchronisation",
    outside: &["because"],
    inside: &["step_ms", "error_ms", "before", "after", "by"],
    because: &["synchronised", "lost", "step", "checked", "unknown"],
    at_once: true,
};
