//! The end of a step and of a batch: a `verdict` of figures for each run, the gateway's own entries attached,
//! and one closing entry over everything that names the batch.

use super::{Ending, Enter, Line, LineAction, Own, Shared};
use crate::flow::{bind::Bound, check::Verdict};
use record::{Draft, Hash, Stamp, Tree, Trouble, ranges};
use std::sync::Arc;

/// Entries of the gateway that are kept in mind for the batches they fall into.
const KEPT: usize = 10_000;
/// Closed batches that are kept in mind.
const CLOSED_KEPT: usize = 64;
/// Readings shared by batches are attached at least this often.
const SHARED_MS: i64 = 10_000;
/// At most so many entries in one binding: its `seqs` must fit a line.
const BOUND_AT_ONCE: usize = 2_000;

/// How entries are bound by a `binding` entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    state: &'static str,
    because: &'static str,
    /// The verdict that counts where they are attached.
    verdict: Option<Verdict>,
}

impl How {
    pub(super) fn attached(because: &'static str, verdict: Option<Verdict>) -> Self {
        Self {
            state: "attached",
            because,
            verdict,
        }
    }

    pub(super) fn to_state(self, state: &'static str) -> Self {
        Self { state, ..self }
    }

    pub(super) fn detached(because: &'static str) -> Self {
        Self {
            state: "detached",
            because,
            verdict: None,
        }
    }
}

impl Line {
    pub(super) fn own(&mut self, seq: u64, leaf: Hash, time: Stamp) {
        self.own.push_back(Own { seq, leaf, time });
        if self.own.len() > KEPT {
            self.own.pop_front();
        }
    }

    /// Says verdicts and closes batches whose end has settled; with `all`, at once.
    pub(super) fn endings(&mut self, all: bool, enter: &mut dyn Enter) {
        self.batch_rules(all, enter);
        for unit in 0..self.units.len() {
            self.verdicts(unit, all, enter);
            for at in 0..self.units[unit].endings.len() {
                let ending = &self.units[unit].endings[at];
                if ending.draft.is_some() && self.settled(unit, ending.at, all) {
                    let batch = ending.batch.clone();
                    let from = self.units[unit]
                        .history
                        .batch(&batch)
                        .map_or(ending.at, |batch| batch.started);
                    let until = ending.at;
                    self.attach_shared(true, enter);
                    self.attach_own(unit, &batch, (from, until), enter);
                    self.close(unit, at, enter);
                }
            }
        }
    }

    /// Whether no reading of `time` can come any more, as far as waiting tells.
    fn settled(&self, unit: usize, time: Stamp, all: bool) -> bool {
        let taken = |watch: &usize| self.watches[*watch].at.is_none_or(|at| at >= time);
        all || (self.now.ms_since(time) >= self.settle && self.units[unit].watches.iter().all(taken))
    }

    /// The verdict of every run that is over and has none, or whose figures changed since.
    fn verdicts(&mut self, unit: usize, all: bool, enter: &mut dyn Enter) {
        let mut due = Vec::new();
        for batch in self.units[unit].history.batches() {
            for run in &batch.runs {
                let Some(until) = self.units[unit].history.run_until(&batch.id, run) else {
                    continue;
                };
                let over = run.ended.is_some() || batch.state.is_over();
                if over && self.settled(unit, until, all) {
                    due.push((batch.id.clone(), run.step.clone(), run.run, run.started, until));
                }
            }
        }
        for (batch, step, run, from, until) in due {
            let tally = self.units[unit].tally(&batch, &step, run);
            let known = &self.units[unit].tallies[tally];
            // A batch closed before the last start has had its verdicts.
            let closed = |ending: &Ending| ending.batch == batch && ending.draft.is_none();
            let said_before = known.said.is_none() && self.units[unit].endings.iter().any(closed);
            if !said_before && (known.said.is_none() || known.changed) {
                // What the figures count must stand in the record before them.
                self.attach_shared(true, enter);
                self.verdict(unit, tally, from, until, enter);
            }
        }
    }

    fn verdict(&mut self, at: usize, tally: usize, from: Stamp, until: Stamp, enter: &mut dyn Enter) {
        let known = self.units[at].tallies[tally].clone();
        let place = Bound {
            batch: Some(known.batch.clone()),
            revision: self.units[at].history.revision(&known.batch, until),
            runs: vec![(known.step.clone(), known.run)],
            step: known.step.to_string(),
            held: false,
        };
        let watches = self.units[at].watches.iter().map(|watch| &self.watches[*watch]);
        let expected: u64 = watches
            .clone()
            .map(|watch| watch.expected(&place, from, until))
            .sum();
        let limits: usize = watches.map(|watch| watch.rule_in(&place).rules()).sum();
        let [met, not_met, not_judged] = self.end_rules(at, &place, until, enter);
        let rules = limits as u64 + met + not_met + not_judged;
        let known = self.units[at].tallies[tally].clone();
        let taken: u64 = known.qualities.iter().sum();
        if taken == 0 && known.said.is_none() {
            let says = if expected == 0 {
                "no capture asks for anything in this step"
            } else {
                "nothing was read in this step"
            };
            let draft = self
                .placed(Draft::new("exception", until), at, &place)
                .with("because", "no-samples");
            enter.enter(draft.data("says", says));
            self.units[at].tallies[tally].exceptions += 1;
        }
        let known = self.units[at].tallies[tally].clone();
        let mut draft = self
            .placed(Draft::new("verdict", until), at, &place)
            .with("expected", expected)
            .with("captured", known.captured)
            .with("gaps", known.gaps)
            .with("exceptions", known.exceptions + known.excursions)
            .data("rules", rules)
            .data("by_hand", known.by_hand)
            .data("unverified", known.unverified)
            .data("rules_met", met)
            .data("rules_not_met", not_met)
            .data("rules_not_judged", not_judged)
            .data("excursions", known.excursions)
            .data("boundary", known.boundary)
            .data("doubtful", known.qualities[1])
            .data("bad", known.qualities[2]);
        for (name, verdict) in [
            ("within", Verdict::Within),
            ("warning", Verdict::Warning),
            ("below", Verdict::Below),
            ("above", Verdict::Above),
            ("not_judged", Verdict::NotJudged),
        ] {
            draft = draft.data(name, known.verdicts[verdict as usize]);
        }
        if let Some(seq) = known.said {
            draft = draft.with("supersedes", seq);
        }
        let entered = enter.enter(draft);
        let known = &mut self.units[at].tallies[tally];
        known.said = Some(entered.seq);
        known.changed = false;
    }

    /// The gateway's own entries that fell into the batch.
    fn attach_own(&mut self, unit: usize, batch: &Arc<str>, span: (Stamp, Stamp), enter: &mut dyn Enter) {
        let within = |own: &&Own| own.time >= span.0 && own.time <= span.1;
        let entries: Vec<(u64, Hash)> = self
            .own
            .iter()
            .filter(within)
            .map(|own| (own.seq, own.leaf))
            .collect();
        let place = Bound {
            batch: Some(batch.clone()),
            ..Bound::default()
        };
        self.bind_entries(unit, &place, How::attached("gateway", None), entries, enter);
    }

    fn close(&mut self, unit: usize, at: usize, enter: &mut dyn Enter) {
        let ending = &mut self.units[unit].endings[at];
        let Some(draft) = ending.draft.take() else { return };
        let batch = ending.batch.clone();
        enter.close(draft, &batch);
        self.actions.push(LineAction::Say(
            Trouble::new("batch-closed", format!("batch {batch} is closed"))
                .at(&self.units[unit].name)
                .means("its closing entry counts and covers every entry that names it")
                .so("steelyard evidence"),
        ));
    }

    /// Covers what came after the last closing.
    pub(super) fn close_again(&mut self, batch: &str, because: &'static str, enter: &mut dyn Enter) {
        for unit in 0..self.units.len() {
            let now = self.now;
            let Some(at) = self.units[unit]
                .endings
                .iter()
                .position(|ending| *ending.batch == *batch)
            else {
                continue;
            };
            let ending = &mut self.units[unit].endings[at];
            if ending.draft.is_none() {
                let state = self.units[unit]
                    .history
                    .batch(batch)
                    .map_or("complete", |batch| batch.state.word());
                let draft = Draft::new("batch", now)
                    .with("unit", self.units[unit].name.as_str())
                    .with("batch", batch);
                self.units[unit].endings[at].draft =
                    Some(draft.with("state", state).with("because", because));
                self.close(unit, at, enter);
            }
            return;
        }
    }

    /// Attaches readings of shared points to each of their batches.
    pub(super) fn attach_shared(&mut self, all: bool, enter: &mut dyn Enter) {
        for unit in 0..self.units.len() {
            let due = self.units[unit].shared.first().is_some_and(|first| {
                all || self.now.ms_since(first.since) >= SHARED_MS
                    || self.units[unit].shared.len() >= BOUND_AT_ONCE
            });
            if !due {
                continue;
            }
            let mut shared = std::mem::take(&mut self.units[unit].shared);
            while let Some(first) = shared.first().cloned() {
                let alike =
                    |other: &Shared| other.place.same_place(&first.place) && other.verdict == first.verdict;
                let (these, rest): (Vec<Shared>, Vec<Shared>) = shared.into_iter().partition(alike);
                shared = rest;
                let entries = these.iter().map(|shared| (shared.seq, shared.leaf)).collect();
                self.bind_entries(
                    unit,
                    &first.place,
                    How::attached("shared", Some(first.verdict)),
                    entries,
                    enter,
                );
            }
        }
    }

    /// Attaches or detaches entries, in as many bindings as their numbers need.
    pub(super) fn bind_entries(
        &mut self,
        unit: usize,
        place: &Bound,
        how: How,
        mut entries: Vec<(u64, Hash)>,
        enter: &mut dyn Enter,
    ) {
        entries.sort_unstable_by_key(|(seq, _)| *seq);
        entries.dedup_by_key(|(seq, _)| *seq);
        for part in entries.chunks(BOUND_AT_ONCE) {
            let seqs: Vec<u64> = part.iter().map(|(seq, _)| *seq).collect();
            let tree: Tree = part.iter().map(|(_, leaf)| *leaf).collect();
            let mut draft = self
                .placed(Draft::new("binding", self.now), unit, place)
                .with("state", how.state)
                .with("because", how.because)
                .with("seqs", ranges(&seqs))
                .with("count", part.len())
                .with("root", tree.root())
                .data("by", "rule");
            if let Some(verdict) = how.verdict {
                draft = draft.with("verdict", verdict.word());
                if verdict != Verdict::NotJudged {
                    draft = draft.with("limits", super::memory::limits(place));
                }
            }
            enter.enter(draft);
        }
    }

    /// A batch that was closed before a restart.
    pub(super) fn closed_before(&mut self, unit: usize, batch: &str, at: Stamp) {
        let endings = &mut self.units[unit].endings;
        endings.retain(|ending| *ending.batch != *batch);
        endings.push(Ending {
            batch: batch.into(),
            draft: None,
            at,
        });
        if endings.len() > CLOSED_KEPT {
            endings.remove(0);
        }
    }
}
