use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "person",
    says: "who a person id is, with which roles",
    outside: &["person", "state"],
    inside: &[
        "name", "roles", "by", "reason", "method", "hash", "initial", "badge", "pin", "until",
    ],
    because: &[],
    at_once: true,
};
