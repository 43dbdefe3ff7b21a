use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "access",
    says: "somebody signed in, out, or was refused",
    outside: &["state", "because"],
    inside: &["person", "by", "method", "from", "what"],
    because: &[
        "signed-in",
        "signed-out",
        "refused",
        "locked",
        "unlocked",
        "user-added",
        "roles-changed",
        "revoked",
    ],
    at_once: true,
};
