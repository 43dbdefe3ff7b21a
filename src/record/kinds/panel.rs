use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "panel",
    says: "a browser is awaited as a panel, enrolled, revoked, or has the pen of its station",
    outside: &["panel", "state"],
    inside: &["station", "token", "by", "from", "before", "reason"],
    because: &[],
    at_once: true,
};
