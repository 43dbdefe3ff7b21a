use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "configuration",
    says: "the configuration in force from this page on: every file with its SHA-256",
    outside: &["because"],
    inside: &["files", "by", "reason", "changes"],
    because: &["first-start", "applied", "restored"],
    at_once: true,
};
