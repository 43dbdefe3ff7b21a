use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "file",
    says: "the contents of one of those files, in parts",
    outside: &["batch", "name", "part", "of"],
    inside: &["text"],
    because: &[],
    at_once: false,
};
