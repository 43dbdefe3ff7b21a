use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "epoch",
    says: "the ledger was opened anew; the chain breaks here and says why",
    outside: &["because", "last_page", "last_seq"],
    inside: &["by", "reason", "found"],
    because: &[
        "damage",
        "restored-image",
        "lost-key",
        "clone",
        "another-ledger",
        "new-disk",
    ],
    at_once: true,
};
