use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "trust",
    says: "a person trusts the certificate of a server, or does not any more",
    outside: &["state", "because"],
    inside: &["fingerprint", "subject", "until", "by", "reason"],
    because: &["accepted", "removed"],
    at_once: true,
};
