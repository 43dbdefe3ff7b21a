//! The figures of every run as of one entry, so that a restart goes on counting where it was: what was read and became no
//! entry is counted too, and however much was entered, nothing of it is read again.
//!
//! They are kept beside the ledger, never in it: whoever has none counts anew from the entries.

use super::{Line, Tally};
use record::{Line as Entry, read_ranges};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// The last entry that is counted.
    pub seq: u64,
    units: BTreeMap<String, Vec<Run>>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    batch: String,
    step: String,
    run: u32,
    /// Captured, gaps, exceptions, excursions, by hand, unverified, at a boundary.
    counts: [u64; 7],
    verdicts: [u64; 5],
    qualities: [u64; 3],
    said: Option<u64>,
    changed: bool,
}

impl Figures {
    /// Whether an entry behind them says something about entries they have counted already: then they are as of another
    /// day, and what they count is counted anew.
    pub fn are_changed_by(&self, entry: &Entry<'_>) -> bool {
        entry.kind() == "binding"
            && entry.raw("step").is_some()
            && entry.raw("state") != Some("confirmed")
            && entry
                .raw("seqs")
                .and_then(read_ranges)
                .is_none_or(|ranges| ranges.iter().any(|(from, _)| *from <= self.seq))
    }
}

impl Line {
    /// The figures as they stand, after the entry with this number.
    pub fn figures(&self, seq: u64) -> Figures {
        let units = self
            .units
            .iter()
            .map(|unit| (unit.name.clone(), unit.tallies.iter().map(run_of).collect()));
        Figures {
            seq,
            units: units.collect(),
        }
    }

    /// Puts back figures from before a restart, in place of what was counted so far.
    pub fn put_figures(&mut self, figures: &Figures) {
        for at in 0..self.units.len() {
            let unit = &mut self.units[at];
            let known = figures.units.get(&unit.name);
            unit.tallies = known.into_iter().flatten().map(tally_of).collect();
            for watch in unit.watches.clone() {
                if let Some(place) = self.watches[watch].place.clone() {
                    self.enter_place(watch, place);
                }
            }
        }
    }
}

fn run_of(tally: &Tally) -> Run {
    Run {
        batch: tally.batch.to_string(),
        step: tally.step.to_string(),
        run: tally.run,
        counts: [
            tally.captured,
            tally.gaps,
            tally.exceptions,
            tally.excursions,
            tally.by_hand,
            tally.unverified,
            tally.boundary,
        ],
        verdicts: tally.verdicts,
        qualities: tally.qualities,
        said: tally.said,
        changed: tally.changed,
    }
}

fn tally_of(run: &Run) -> Tally {
    let [
        captured,
        gaps,
        exceptions,
        excursions,
        by_hand,
        unverified,
        boundary,
    ] = run.counts;
    Tally {
        batch: run.batch.as_str().into(),
        step: run.step.as_str().into(),
        run: run.run,
        captured,
        gaps,
        exceptions,
        excursions,
        by_hand,
        unverified,
        verdicts: run.verdicts,
        qualities: run.qualities,
        boundary,
        said: run.said,
        changed: run.changed,
    }
}
