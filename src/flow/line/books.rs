//! Which entries belong to which run, by the entries alone: what each says of its place, and what bindings said of it
//! later. The figures of a run follow from it, whatever the gateway had in mind when it wrote them.

use super::{Line, recall};
use crate::flow::{
    bind::{Bound, bind},
    check::Verdict,
};
use record::{Answer, Line as Entry, Stamp, read_ranges};
use std::collections::BTreeMap;

/// One run of a step of a batch.
type Run = (String, String, u32);

/// Everything that may still be bound elsewhere, or counted.
#[derive(Debug, Default)]
pub struct Books {
    entries: BTreeMap<u64, Kept>,
}

/// An entry that counts somewhere.
#[derive(Debug, Clone)]
struct Kept {
    counts: Counts,
    places: Vec<(Run, Verdict)>,
}

#[derive(Debug, Clone)]
enum Counts {
    Reading(Was),
    Gap,
    Exception,
    Excursion,
    /// A value by hand that another person has verified.
    Hand,
}

/// A reading that was entered, as far as later entries rest on it.
#[derive(Debug, Clone)]
pub struct Was {
    pub(super) point: usize,
    pub(super) time: Stamp,
    pub(super) answer: Answer,
}

/// A run in figures.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Figures {
    pub(super) readings: u64,
    pub(super) gaps: u64,
    pub(super) exceptions: u64,
    pub(super) excursions: u64,
    pub(super) verdicts: [u64; 5],
}

impl Books {
    /// A reading, where it was entered and is remembered.
    pub(super) fn reading(&self, seq: u64) -> Option<&Was> {
        match &self.entries.get(&seq)?.counts {
            Counts::Reading(was) => Some(was),
            _ => None,
        }
    }

    /// Takes in one full line of the ledger, which `line` does not know yet.
    pub fn take(&mut self, line: &Line, entry: &Entry<'_>) {
        let counts = match entry.kind() {
            "binding" => return self.bound(line, entry),
            "reading" => match line.was(entry) {
                Some(was) => Counts::Reading(was),
                None => return,
            },
            "manual" => return self.by_hand(line, entry),
            "gap" => Counts::Gap,
            "exception" => Counts::Exception,
            "excursion" if entry.raw("state") == Some("open") => Counts::Excursion,
            _ => return,
        };
        let word = entry.raw("verdict").and_then(Verdict::named);
        let verdict = word.unwrap_or(Verdict::NotJudged);
        let places = runs_of(line, entry)
            .into_iter()
            .map(|run| (run, verdict))
            .collect();
        self.entries.insert(entry.seq(), Kept { counts, places });
    }

    /// It counts once it is verified, under its first entry, and no more once another took its place.
    fn by_hand(&mut self, line: &Line, entry: &Entry<'_>) {
        let number = |name| entry.int(name).and_then(|seq| u64::try_from(seq).ok());
        if let Some(seq) = number("corrects") {
            self.entries.remove(&seq);
        }
        if entry.raw("state") != Some("verified") {
            return;
        }
        let word = entry.raw("verdict").and_then(Verdict::named);
        let verdict = word.unwrap_or(Verdict::NotJudged);
        let places = runs_of(line, entry)
            .into_iter()
            .map(|run| (run, verdict))
            .collect();
        let counts = Counts::Hand;
        self.entries
            .insert(number("about").unwrap_or(entry.seq()), Kept { counts, places });
    }

    fn bound(&mut self, line: &Line, entry: &Entry<'_>) {
        let Some(ranges) = entry.raw("seqs").and_then(read_ranges) else {
            return;
        };
        if entry.raw("state") == Some("confirmed") {
            return;
        }
        let attached = entry.raw("state") == Some("attached");
        let runs = runs_of(line, entry);
        let word = entry.raw("verdict").and_then(Verdict::named);
        for (from, to) in ranges {
            for (_, kept) in self.entries.range_mut(from..=to) {
                let own = kept.places.first().map(|(_, verdict)| *verdict);
                let verdict = word.or(own).unwrap_or(Verdict::NotJudged);
                kept.places.retain(|(run, _)| !runs.contains(run));
                if attached {
                    kept.places.extend(runs.iter().map(|run| (run.clone(), verdict)));
                }
            }
        }
    }

    /// Forgets what lies before an entry.
    pub fn forget(&mut self, seq: u64) {
        self.entries.remove(&seq);
    }

    pub(super) fn figures(&self, batch: &str, step: &str, run: u32) -> Figures {
        let mut figures = Figures::default();
        for kept in self.entries.values() {
            let here = |(known, _): &&(Run, Verdict)| known.0 == batch && known.1 == step && known.2 == run;
            let Some((_, verdict)) = kept.places.iter().find(here) else {
                continue;
            };
            match kept.counts {
                Counts::Reading(_) | Counts::Hand => {
                    figures.readings += 1;
                    figures.verdicts[*verdict as usize] += 1;
                }
                Counts::Gap => figures.gaps += 1,
                Counts::Exception => figures.exceptions += 1,
                Counts::Excursion => figures.excursions += 1,
            }
        }
        figures
    }
}

/// Entries that are kept in mind while a ledger is read back: more are never open at once but where an index was lost.
const MOST: usize = 500_000;

impl Books {
    /// Whether so much was taken in that figures by it would leave something out.
    pub fn are_full(&self) -> bool {
        self.entries.len() >= MOST
    }
}

impl Line {
    /// After everything was recalled: runs whose readings are all entries count what the entries and bindings say.
    pub fn count_by(&mut self, books: &Books) {
        if books.are_full() {
            return;
        }
        for unit in 0..self.units.len() {
            for at in 0..self.units[unit].tallies.len() {
                let tally = &self.units[unit].tallies[at];
                let (batch, step, run) = (tally.batch.clone(), tally.step.clone(), tally.run);
                let figures = books.figures(&batch, &step, run);
                let every = self.enters_every_reading(unit, &batch, &step, run);
                let tally = &mut self.units[unit].tallies[at];
                tally.gaps = figures.gaps;
                tally.exceptions = figures.exceptions;
                tally.excursions = figures.excursions;
                if every {
                    tally.captured = figures.readings.saturating_sub(tally.by_hand);
                    tally.verdicts = figures.verdicts;
                }
            }
        }
    }
}

/// The runs an entry names. Steps side by side are joined by `+`; where their runs have different numbers, the entry
/// names none, and what was told of that moment says it.
fn runs_of(line: &Line, entry: &Entry<'_>) -> Vec<Run> {
    let (Some(batch), Some(step)) = (entry.text("batch"), entry.text("step")) else {
        return Vec::new();
    };
    if let Some(run) = entry.int("run").and_then(|run| u32::try_from(run).ok()) {
        return step
            .split('+')
            .map(|step| (batch.clone(), step.to_owned(), run))
            .collect();
    }
    let place = entry
        .raw("time")
        .and_then(Stamp::read)
        .and_then(|time| line.place(entry, time));
    let runs = place.map(|place| place.runs.clone()).unwrap_or_default();
    let named = runs
        .into_iter()
        .filter(|(known, _)| step.split('+').any(|step| step == &**known));
    named
        .map(|(step, run)| (batch.clone(), step.to_string(), run))
        .collect()
}

impl Line {
    /// What later entries need to know of a reading.
    pub(super) fn was(&self, entry: &Entry<'_>) -> Option<Was> {
        let time = entry.raw("time").and_then(Stamp::read)?;
        let point = self.point_named(&entry.text("point")?)?;
        let answer = recall::recalled_answer(entry)?;
        Some(Was { point, time, answer })
    }

    /// Where a moment belongs in the unit an entry names.
    fn place(&self, entry: &Entry<'_>, time: Stamp) -> Option<&Bound> {
        let name = entry.text("unit")?;
        let unit = self.units.iter().find(|unit| unit.name == name)?;
        Some(bind(&unit.history, time))
    }
}
