//! The kinds of entries: one file each in `kinds/`, and one table in `docs/reference/record.md` that a
//! test compares with them. Kinds and members stay open: a verifier accepts and shows what it does not know.

/// One kind of entry.
#[derive(Debug)]
pub struct Kind {
    /// The word in the record.
    pub name: &'static str,
    /// What it says, in one line.
    pub says: &'static str,
    /// Members outside `data`, in the order they are written, after `seq`, `kind` and `time`.
    pub outside: &'static [&'static str],
    /// Members inside `data`, in the order they are written, after `salt`.
    pub inside: &'static [&'static str],
    /// Words of `because`, where they are a closed list; empty where it is free or absent.
    pub because: &'static [&'static str],
    /// Whether it is sealed at once rather than within `seal_within`.
    pub at_once: bool,
}

impl Kind {
    /// A kind by its name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.binary_search_by(|kind| kind.name.cmp(name))
            .ok()
            .map(|at| &ALL[at])
    }

    /// Every kind, by name.
    pub fn all() -> &'static [Self] {
        ALL
    }
}

include!(concat!(env!("OUT_DIR"), "/kinds.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in Kind::all() {
            assert_eq!(
                Kind::named(kind.name).map(|found| found.name),
                Some(kind.name),
                "the file is named otherwise"
            );
            assert!(!kind.says.is_empty());
        }
    }
}
