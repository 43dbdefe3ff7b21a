//! Deriving again all that follows from what was read and told, and comparing it with what was entered.
//!
//! Pure: it is given every line of a ledger in order. The configuration in force comes out of the ledger as well, so
//! a replay needs nothing but the record. It changes nothing and decides nothing: a difference is for people.

use super::{
    enter::BatchSum,
    line::{
        Line,
        again::{Derived, Difference},
        books::Books,
    },
};
use crate::config::{self, Source};
use record::{Hash, Line as Entry, Tree, read_ranges};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Entries that bindings may still name. What reaches further back is said not to be derivable.
const KEPT: usize = 400_000;
/// Lines that a changed configuration is told again.
const RECENT: usize = 100_000;
/// Differences that are told one by one.
const TOLD: usize = 100;

/// What came out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    pub entries: u64,
    /// Derived again, and the same in every member but the salt.
    pub identical: u64,
    /// What everything else follows from: read, told, done by somebody.
    pub given: u64,
    /// Follows from readings that are no entries, by reason.
    pub not_derivable: BTreeMap<&'static str, u64>,
    pub different: u64,
    /// The first of them.
    pub differences: Vec<(u64, String, Difference)>,
    /// What could not be replayed at all, in words.
    pub troubles: Vec<String>,
}

/// A replay under way.
#[derive(Default)]
pub struct Replay {
    line: Option<Line>,
    /// The configuration that is being read: its files as far as they came.
    files: Option<(usize, Vec<(String, String)>)>,
    sums: HashMap<String, BatchSum>,
    /// Leaves of the newest entries, and what of them counts where.
    leaves: VecDeque<(u64, Hash)>,
    books: Books,
    /// What was told about the units, and the newest lines of any kind: a new configuration is told them again, as
    /// the gateway does when a change is applied.
    told: Vec<(u64, Vec<u8>)>,
    recent: VecDeque<(u64, Vec<u8>)>,
    report: Report,
}

impl Replay {
    /// Begins with what is in force, for a ledger that does not hold its configuration.
    pub fn under(line: Line) -> Self {
        Self {
            line: Some(line),
            ..Self::default()
        }
    }

    /// Takes the next line of the ledger.
    pub fn take(&mut self, entry: &Entry<'_>) {
        if entry.kind() != "file" {
            self.configured();
        }
        self.report.entries += 1;
        let derived = self.derive(entry);
        self.count(entry, derived);
        self.recall(entry);
    }

    /// What came out of all of it.
    pub fn end(mut self) -> Report {
        self.configured();
        self.report
    }

    fn derive(&self, entry: &Entry<'_>) -> Derived {
        match entry.kind() {
            "batch" if entry.int("closing").is_some() => return self.closing(entry),
            "binding" => {
                if let Some(other) = self.rooted(entry) {
                    return other;
                }
            }
            _ => {}
        }
        match &self.line {
            Some(line) => line.derive(entry, &self.books),
            None => Derived::Given,
        }
    }

    /// A closing covers every entry before it that names the batch, and no other.
    fn closing(&self, entry: &Entry<'_>) -> Derived {
        let none = BatchSum::default();
        let batch = entry.text("batch").unwrap_or_default();
        let sum = self.sums.get(&batch).unwrap_or(&none);
        let says = [
            (
                "closing",
                (sum.closings + 1).to_string(),
                entry.int("closing").map(|n| n.to_string()),
            ),
            (
                "count",
                sum.tree.size().to_string(),
                entry.int("count").map(|n| n.to_string()),
            ),
            ("root", sum.tree.root().to_string(), entry.text("root")),
        ];
        let other = says
            .into_iter()
            .find(|(_, derived, recorded)| recorded.as_ref() != Some(derived));
        other.map_or(Derived::Same, |(member, derived, recorded)| {
            Derived::Other(Difference {
                member,
                recorded: recorded.unwrap_or_default(),
                derived,
            })
        })
    }

    /// The root of a binding is over the leaves of the entries it names.
    fn rooted(&self, entry: &Entry<'_>) -> Option<Derived> {
        let seqs = entry.raw("seqs").and_then(read_ranges)?;
        let seqs: Vec<u64> = seqs.into_iter().flat_map(|(from, to)| from..=to).collect();
        let begin = self.leaves.front().map_or(u64::MAX, |(seq, _)| *seq);
        if seqs.iter().any(|seq| *seq < begin) {
            return Some(Derived::Not("it reaches further back than a replay remembers"));
        }
        let leaf = |seq: &u64| {
            let at = self.leaves.binary_search_by_key(seq, |(known, _)| *known).ok()?;
            Some(self.leaves[at].1)
        };
        let leaves: Option<Tree> = seqs.iter().map(leaf).collect();
        let root = leaves.map(|tree| tree.root().to_string()).unwrap_or_default();
        let (count, recorded) = (
            seqs.len().to_string(),
            entry.int("count").map(|count| count.to_string()),
        );
        for (member, derived, recorded) in [("root", root, entry.text("root")), ("count", count, recorded)] {
            if recorded.as_ref() != Some(&derived) {
                return Some(Derived::Other(Difference {
                    member,
                    recorded: recorded.unwrap_or_default(),
                    derived,
                }));
            }
        }
        None
    }

    fn count(&mut self, entry: &Entry<'_>, derived: Derived) {
        let report = &mut self.report;
        match derived {
            Derived::Same => report.identical += 1,
            Derived::Given => report.given += 1,
            Derived::Not(why) => *report.not_derivable.entry(why).or_default() += 1,
            Derived::Other(difference) => {
                report.different += 1;
                if report.differences.len() < TOLD {
                    report
                        .differences
                        .push((entry.seq(), entry.kind().to_owned(), difference));
                }
            }
        }
    }

    fn recall(&mut self, entry: &Entry<'_>) {
        if let Some(batch) = entry.text("batch") {
            let sum = self.sums.entry(batch).or_default();
            if entry.kind() == "batch" && entry.int("closing").is_some() {
                sum.closings += 1;
            }
            sum.tree.push(entry.leaf());
        }
        self.leaves.push_back((entry.seq(), entry.leaf()));
        if self.leaves.len() > KEPT {
            if let Some((seq, _)) = self.leaves.pop_front() {
                self.books.forget(seq);
            }
        }
        match entry.kind() {
            "configuration" => {
                let listed = entry.data_text("files").unwrap_or_default();
                self.files = Some((listed.split("; ").count(), Vec::new()));
            }
            "file" => self.file(entry),
            _ => {}
        }
        if let Some(line) = &mut self.line {
            self.books.take(line, entry);
            line.recall(entry);
        }
        if matches!(
            entry.kind(),
            "batch" | "step" | "allocation" | "file" | "recipe" | "signature"
        ) {
            self.told.push((entry.seq(), entry.bytes().to_vec()));
        }
        self.recent.push_back((entry.seq(), entry.bytes().to_vec()));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    fn file(&mut self, entry: &Entry<'_>) {
        let (Some((listed, files)), Some(name)) = (&mut self.files, entry.text("name")) else {
            return;
        };
        let new = files.iter().all(|(known, _)| *known != name);
        if new && files.len() == *listed {
            // What follows the files of the configuration was entered for another reason.
            return;
        }
        let text = entry.data_text("text").unwrap_or_default();
        match files.iter_mut().find(|(known, _)| *known == name) {
            Some((_, whole)) => whole.push_str(&text),
            None => files.push((name, text)),
        }
    }

    /// A configuration is whole once something else follows: from then on it is in force.
    fn configured(&mut self) {
        let Some((_, files)) = self.files.take().filter(|(_, files)| !files.is_empty()) else {
            return;
        };
        let Some(source) = Source::recorded("steelyard.toml", files) else {
            return;
        };
        match config::read(source) {
            Ok(plant) => {
                let mut line = Line::new(&plant);
                let begin = self.recent.front().map_or(u64::MAX, |(seq, _)| *seq);
                let older = self.told.iter().filter(|(seq, _)| *seq < begin);
                for (_, told) in older.chain(&self.recent) {
                    if let Ok(entry) = Entry::read(told) {
                        line.recall(&entry);
                    }
                }
                self.line = Some(line);
            }
            Err(complaints) => {
                self.line = None;
                let first = complaints.first().map(|complaint| complaint.what.clone());
                self.report.troubles.push(format!(
                    "the configuration before entry {} cannot be read by this version: {}",
                    self.report.entries,
                    first.unwrap_or_default()
                ));
            }
        }
    }
}
