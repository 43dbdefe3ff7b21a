//! What an entry says, by the names of its members: the same for one that is being entered and for one that is read
//! back. A station changes only by what it has entered, so after a restart it stands where its entries stand.

use record::{Draft, Line, Quantity, Stamp, Word};
use std::collections::BTreeMap;

/// One entry.
#[derive(Debug, Clone)]
pub struct Note {
    pub kind: String,
    pub seq: u64,
    pub time: Stamp,
    members: BTreeMap<String, String>,
}

impl Note {
    /// One that has just been entered.
    pub fn of(draft: &Draft, seq: u64) -> Self {
        let text = |word: &Word| match word {
            Word::Text(text) => text.clone(),
            Word::Int(number) => number.to_string(),
        };
        let members = draft.outside().iter().chain(draft.inside());
        Self {
            kind: draft.kind().to_owned(),
            seq,
            time: draft.time,
            members: members
                .map(|(name, word)| ((*name).to_owned(), text(word)))
                .collect(),
        }
    }

    /// One that is read back.
    pub fn read(line: &Line<'_>) -> Option<Self> {
        let members = line.members().into_iter().chain(line.data_members());
        Some(Self {
            kind: line.kind().to_owned(),
            seq: line.seq(),
            time: line.raw("time").and_then(Stamp::read)?,
            members: members.map(|(name, text)| (name.to_owned(), text)).collect(),
        })
    }

    /// A member; empty where it is not there.
    pub fn get(&self, name: &str) -> &str {
        self.members.get(name).map_or("", String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    pub fn int(&self, name: &str) -> Option<u64> {
        self.get(name).parse().ok()
    }

    /// An amount in the unit that `in` names.
    pub fn amount(&self, name: &str) -> Option<Quantity> {
        Some(Quantity {
            amount: record::Amount::read(self.get(name))?,
            unit: record::Unit::named(self.get("in"))?,
        })
    }

    /// An amount that carries its own unit.
    pub fn quantity(&self, name: &str) -> Option<Quantity> {
        Quantity::read(self.get(name))
    }
}
