//! Exceptions and excursions of late, and who has acknowledged them. Acknowledging says that a person has seen it;
//! what it means for the batch is decided where the record is reviewed, never here.

use super::Line;
use record::{Draft, Line as Entry, Stamp};
use std::collections::BTreeMap;

/// So many are kept in mind.
const KEPT: usize = 10_000;

/// By number.
#[derive(Debug, Default)]
pub(super) struct Notes(BTreeMap<u64, Noted>);

/// One exception or excursion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    pub unit: String,
    pub batch: String,
    pub step: String,
    pub run: i64,
    pub kind: &'static str,
    pub says: String,
    /// Who has acknowledged it, and when.
    pub seen: Option<(String, Stamp)>,
}

impl Line {
    /// Takes note of an entry that is in the ledger.
    pub fn note(&mut self, line: &Entry<'_>) {
        let of = |name: &str| line.text(name).unwrap_or_default();
        let kind = match line.kind() {
            // What closes an excursion says more about the one that opened it.
            "excursion" | "exception" if line.raw("state") == Some("closed") => return,
            "excursion" => "excursion",
            "exception" => "exception",
            "acknowledgement" => {
                let about = line.int("about").and_then(|about| u64::try_from(about).ok());
                let by = line.data_text("by").unwrap_or_default();
                let time = line.raw("time").and_then(Stamp::read);
                if let Some((noted, time)) = about.and_then(|about| self.noted.0.get_mut(&about)).zip(time) {
                    noted.seen = Some((by, time));
                }
                return;
            }
            _ => return,
        };
        let because = of("because");
        let says = line.data_text("says").filter(|says| !says.is_empty());
        let noted = Noted {
            unit: of("unit"),
            batch: of("batch"),
            step: of("step"),
            run: line.int("run").unwrap_or(0),
            kind,
            says: says.unwrap_or_else(|| format!("{} {because}", of("point")).trim().to_owned()),
            seen: None,
        };
        self.noted.0.insert(line.seq(), noted);
        if self.noted.0.len() > KEPT {
            self.noted.0.pop_first();
        }
    }

    /// An exception or excursion by its number.
    pub fn noted(&self, seq: u64) -> Option<&Noted> {
        self.noted.0.get(&seq)
    }

    /// Everything noted that nobody has acknowledged, oldest first.
    pub fn unseen(&self) -> impl Iterator<Item = (u64, &Noted)> {
        let unseen = self.noted.0.iter().filter(|(_, noted)| noted.seen.is_none());
        unseen.map(|(seq, noted)| (*seq, noted))
    }

    /// A sentence about who has acknowledged it, to go behind another; empty while nobody has.
    pub(super) fn seen_by(&self, seq: u64) -> String {
        match self.noted(seq).and_then(|noted| noted.seen.as_ref()) {
            Some((by, _)) => format!(" Acknowledged by {by}."),
            None => String::new(),
        }
    }
}

impl Noted {
    /// The entry that says who has seen it and why that is enough for now.
    pub fn acknowledgement(&self, seq: u64, by: &str, reason: &str, reference: &str, now: Stamp) -> Draft {
        let mut draft = Draft::new("acknowledgement", now)
            .with("unit", self.unit.as_str())
            .with("batch", self.batch.as_str())
            .with("step", self.step.as_str());
        if self.run > 0 {
            draft = draft.with("run", self.run);
        }
        draft
            .with("about", seq)
            .data("by", by)
            .data("reason", reason)
            .data("reference", reference)
    }
}
