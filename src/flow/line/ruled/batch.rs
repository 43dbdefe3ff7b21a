//! Rules over a batch: hold times and sequences. They are judged from what was told about all its runs, in whatever
//! unit, each time anew: telling them again gives the identical findings, and only new ones are entered.

use super::{Line, Ruled, Steps};
use crate::{
    config::rule::Moment,
    flow::{
        bind::Bound,
        line::Enter,
        rules::{Event, Judge},
    },
};
use record::Stamp;
use std::{collections::VecDeque, sync::Arc};

impl Line {
    /// Judges the rules over every batch that is not closed. With `all`, nothing more is waited for.
    pub(in crate::flow::line) fn batch_rules(&mut self, all: bool, enter: &mut dyn Enter) {
        if self.book.recipes.is_empty() && self.book.batches.is_empty() {
            return;
        }
        for unit in 0..self.units.len() {
            let batches: Vec<Arc<str>> = self.units[unit]
                .history
                .batches()
                .iter()
                .map(|batch| batch.id.clone())
                .collect();
            for batch in batches {
                // It is judged in the first unit that knows it.
                let first = self
                    .units
                    .iter()
                    .position(|unit| unit.history.batch(&batch).is_some());
                if first == Some(unit) && !self.closed(unit, &batch) {
                    self.judge_batch(unit, &batch, all);
                }
            }
        }
        self.enter_found(enter);
    }

    fn closed(&self, unit: usize, batch: &str) -> bool {
        let endings = &self.units[unit].endings;
        endings
            .iter()
            .any(|ending| *ending.batch == *batch && ending.draft.is_none())
    }

    pub(super) fn begin_batch_rules(&mut self, unit: usize, batch: &Arc<str>, steps: &Steps) {
        let known = self.units[unit]
            .ruled
            .iter()
            .any(|known| known.place.runs.is_empty() && known.place.batch.as_ref() == Some(batch));
        let Some(told) = self.units[unit].history.batch(batch).filter(|_| !known) else {
            return;
        };
        let (begun, revision) = (told.started, Arc::<str>::from(told.revision.as_str()));
        let place = Arc::new(Bound {
            batch: Some(batch.clone()),
            revision,
            ..Bound::default()
        });
        let mut all: Vec<_> = steps
            .iter()
            .flat_map(|(step, rules)| rules.iter().map(move |rule| (step, rule)))
            .filter(|(_, rule)| Judge::over_batch(rule))
            .collect();
        all.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
        for (_, rule) in all {
            self.units[unit].ruled.push(Ruled {
                place: place.clone(),
                judge: Judge::new(rule.clone(), begun),
                held: false,
                fed: None,
                said: Vec::new(),
                snapshots: VecDeque::new(),
                stated: None,
                over: false,
            });
        }
    }

    fn judge_batch(&mut self, unit: usize, batch: &Arc<str>, all: bool) {
        let Some(steps) = self.rules_of(unit, batch) else {
            return;
        };
        self.begin_batch_rules(unit, batch, &steps);
        let settled = if all {
            self.now
        } else {
            self.now.plus_ms(-self.settle)
        };
        let (moments, over) = self.moments_of(batch, settled);
        for at in 0..self.units[unit].ruled.len() {
            let known = &mut self.units[unit].ruled[at];
            if !known.place.runs.is_empty() || known.place.batch.as_ref() != Some(batch) {
                continue;
            }
            let mut judge = Judge::new(known.judge.rule.clone(), known.judge.begun());
            for (time, _, moment) in &moments {
                judge.next(Event::Clock { now: *time }, &mut self.findings);
                judge.next(Event::Happened { moment, time: *time }, &mut self.findings);
            }
            judge.next(
                Event::Clock {
                    now: over.unwrap_or(settled),
                },
                &mut self.findings,
            );
            if let Some(time) = over {
                judge.next(Event::End { time }, &mut self.findings);
            }
            known.judge = judge;
            // An open timer runs out at a moment that does not move with the looking.
            self.collect(unit, at);
        }
    }

    /// What happened in a batch up to a moment, in order, and when it was over in every unit.
    fn moments_of(&self, batch: &Arc<str>, until: Stamp) -> (Vec<(Stamp, bool, Moment)>, Option<Stamp>) {
        let mut moments = Vec::new();
        let (mut over, mut everywhere) = (None, true);
        let mut started: Option<Stamp> = None;
        for unit in &self.units {
            let Some(told) = unit.history.batch(batch) else {
                continue;
            };
            started = Some(started.map_or(told.started, |other| other.min(told.started)));
            let end = unit.history.until(batch).filter(|_| told.state.is_over());
            everywhere &= end.is_some();
            over = over.max(end);
            for run in &told.runs {
                moments.push((run.started, true, Moment::StepStart(run.step.to_string())));
                if let Some(end) = unit.history.run_until(batch, run) {
                    moments.push((end, false, Moment::StepEnd(run.step.to_string())));
                }
            }
        }
        let own = self.moments.iter().filter(|(of, ..)| of == batch);
        moments.extend(own.map(|(_, moment, time)| (*time, true, moment.clone())));
        moments.extend(started.map(|started| (started, true, Moment::BatchStart)));
        let over = over.filter(|over| everywhere && *over <= until);
        moments.extend(over.map(|over| (over, false, Moment::BatchEnd)));
        moments.retain(|(time, ..)| *time <= until);
        // At one moment, what ends ends before what begins begins.
        moments.sort_by_key(|(time, begins, _)| (*time, *begins));
        (moments, over)
    }
}
