//! The rules of a recipe at work in the line: one judge per rule and run of a step, told every bound reading in the
//! order of its time. What it finds becomes an entry with everything a reviewer needs.
//!
//! Nothing is kept beside the ledger: a rule with memory enters its state, and goes on from there after a
//! restart. When context comes late, a judge goes back to how it stood before, and is told again.

mod batch;
mod found;
mod state;

use super::{
    Enter, Line,
    watch::{Judged, worse},
};
use crate::{
    config::{
        recipe::Recipe,
        rule::{Moment, Rule},
    },
    flow::{
        bind::Bound,
        rules::{Event, Finding, Judge, Outcome, State},
    },
};
pub(super) use found::Found;
use record::{Answer, Hash, Stamp};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// What the recipes at hand ask, step by step.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// By recipe and revision.
    recipes: HashMap<(String, String), Steps>,
    /// By batch, where it runs by a control recipe of its own.
    batches: HashMap<Arc<str>, Steps>,
}

type Steps = Arc<HashMap<String, Vec<Arc<Rule>>>>;

/// One rule in one run, or over one batch.
#[derive(Debug)]
pub(super) struct Ruled {
    pub(super) place: Arc<Bound>,
    pub(super) judge: Judge,
    held: bool,
    /// The last moment it was told.
    fed: Option<Stamp>,
    /// What it led to, in the order entered.
    pub(super) said: Vec<Said>,
    /// How it stood at moments before, to go back to.
    snapshots: VecDeque<(Stamp, Judge)>,
    stated: Option<Stamp>,
    over: bool,
}

/// An entry that a rule led to.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) state: State,
    pub(super) because: String,
    pub(super) from: Stamp,
    pub(super) until: Stamp,
    pub(super) says: String,
    pub(super) seq: u64,
    leaf: Hash,
    /// It followed from what is being taken again, and has not followed from it again yet.
    stale: bool,
    /// It was entered before the gateway started, and nobody knows yet whether it goes on.
    before: bool,
}

impl Book {
    fn steps(recipe: &Recipe) -> Steps {
        let steps = recipe.steps.iter().map(|step| {
            let rules = step.rules.iter().cloned().map(Arc::new).collect();
            (step.id.clone(), rules)
        });
        Arc::new(steps.collect())
    }
}

impl Line {
    /// What a recipe asks, for every batch that names it and its revision.
    pub fn learn(&mut self, recipe: &Recipe) {
        let name = (recipe.id.clone(), recipe.revision.clone());
        self.book.recipes.insert(name, Book::steps(recipe));
    }

    /// What one batch is judged by: its own control recipe, scaled or changed.
    pub fn learn_for(&mut self, batch: &str, recipe: &Recipe) {
        self.book.batches.insert(batch.into(), Book::steps(recipe));
    }

    /// The rules of a batch, step by step.
    fn rules_of(&self, unit: usize, batch: &str) -> Option<Steps> {
        if let Some(steps) = self.book.batches.get(batch) {
            return Some(steps.clone());
        }
        if let Some(control) = self.control(batch, self.now) {
            if !control.holds {
                return None;
            }
            if let Some(recipe) = &control.recipe {
                return Some(Book::steps(recipe));
            }
        }
        let told = self.units[unit].history.batch(batch)?;
        let name = (told.recipe.clone(), told.revision.clone());
        self.book.recipes.get(&name).cloned()
    }

    /// A watch comes to a place: the rules there are told what it sees.
    pub(super) fn rules_enter(&mut self, at: usize) {
        let Some(place) = self.watches[at].place.clone() else {
            return;
        };
        let mut feeds = std::mem::take(&mut self.watches[at].feeds);
        feeds.clear();
        let unit = self.watches[at].unit;
        if let Some((batch, steps)) = place
            .batch
            .clone()
            .and_then(|batch| Some((batch.clone(), self.rules_of(unit, &batch)?)))
        {
            for (step, run) in &place.runs {
                let Some(rules) = steps.get(&**step).filter(|rules| !rules.is_empty()) else {
                    continue;
                };
                self.begin_rules(unit, &batch, step, *run, rules);
                let watch = &self.watches[at];
                let name = self.points[watch.point].name.to_string();
                for (ruled, known) in self.units[unit].ruled.iter().enumerate() {
                    if !known.place.has(&batch, step, *run) {
                        continue;
                    }
                    let roles = Judge::roles(&known.judge.rule);
                    let looks = |role: &&str| **role == watch.role || **role == name;
                    feeds.extend(
                        roles
                            .iter()
                            .enumerate()
                            .filter(|(_, role)| looks(role))
                            .map(|(role, _)| (ruled, role)),
                    );
                }
            }
        }
        self.watches[at].feeds = feeds;
    }

    /// The judges of a run, made when it is first seen.
    fn begin_rules(&mut self, unit: usize, batch: &Arc<str>, step: &Arc<str>, run: u32, rules: &[Arc<Rule>]) {
        let known = &self.units[unit];
        if known.ruled.iter().any(|ruled| ruled.place.has(batch, step, run)) {
            return;
        }
        let told = known.history.batch(batch);
        let begun = told
            .and_then(|batch| {
                batch
                    .runs
                    .iter()
                    .find(|told| told.step == *step && told.run == run)
            })
            .map_or(self.now, |told| told.started);
        let revision: Arc<str> = told.map_or("", |batch| &batch.revision).into();
        let place = Arc::new(Bound {
            batch: Some(batch.clone()),
            revision,
            runs: vec![(step.clone(), run)],
            step: step.to_string(),
            held: false,
        });
        for rule in rules.iter().filter(|rule| !Judge::over_batch(rule)) {
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

    /// Tells a judged reading to every rule of its place. Nothing is entered yet.
    pub(super) fn feed(&mut self, point: usize, at: usize, slot: usize, watch: usize) {
        if self.watches[watch].feeds.is_empty() {
            return;
        }
        let unit = self.watches[watch].unit;
        let held_readings = &mut self.points[point];
        let serial = held_readings.base + at as u64;
        let past = &mut held_readings.past[at];
        let Some(held) = past.judged(slot).map(|judged| judged.place.held) else {
            return;
        };
        let time = past.reading.time;
        let (mut verdict, mut band) = (None, None);
        for (ruled, role) in &self.watches[watch].feeds {
            let known = &mut self.units[unit].ruled[*ruled];
            known.tell(time, held, *role, &past.reading.answer, &mut self.findings);
            if let Some(said) = known.judge.verdict() {
                verdict = Some(verdict.map_or(said, |other| worse(other, said)));
                band = known.judge.band().or(band);
            }
            for finding in self.findings.drain(..) {
                self.found.push(Found {
                    unit,
                    ruled: *ruled,
                    watch: Some(watch),
                    serial: Some(serial),
                    finding,
                });
            }
        }
        let judged = past.judged(slot).cloned();
        if let Some((verdict, judged)) = verdict.zip(judged) {
            let judged = self.marked(point, time, judged.ruled_too(verdict, band));
            self.points[point].past[at].judge(slot, judged);
        }
    }

    /// A judgement with what the limits among the rules of its place say, without telling them.
    pub(super) fn ruled_alone(&self, watch: usize, mut judged: Judged, answer: &Answer) -> Judged {
        let (place, watch) = (judged.place.clone(), &self.watches[watch]);
        let Some(steps) = place
            .batch
            .as_deref()
            .and_then(|batch| self.rules_of(watch.unit, batch))
        else {
            return judged;
        };
        let name = self.points[watch.point].name.to_string();
        for rule in place
            .runs
            .iter()
            .filter_map(|(step, _)| steps.get(&**step))
            .flatten()
        {
            let looks = Judge::roles(rule)
                .iter()
                .any(|role| **role == watch.role || **role == name);
            if let Some((verdict, band)) = looks.then(|| Judge::alone(rule, place.held, answer)).flatten() {
                judged = judged.ruled_too(verdict, band);
            }
        }
        judged
    }

    /// Time passes: rules that wait for something notice that it has not come, and states are entered.
    pub(super) fn pass_rules(&mut self, enter: &mut dyn Enter) {
        let settled = self.now.plus_ms(-self.settle);
        for unit in 0..self.units.len() {
            for ruled in 0..self.units[unit].ruled.len() {
                let known = &mut self.units[unit].ruled[ruled];
                if known.over || known.place.runs.is_empty() {
                    continue;
                }
                known
                    .judge
                    .next(Event::Clock { now: settled }, &mut self.findings);
                self.collect(unit, ruled);
            }
        }
        self.enter_found(enter);
        self.batch_rules(false, enter);
        self.enter_states(enter);
    }

    fn collect(&mut self, unit: usize, ruled: usize) {
        let watch = self.watch_of_rule(unit, ruled);
        for finding in self.findings.drain(..) {
            self.found.push(Found {
                unit,
                ruled,
                watch,
                serial: None,
                finding,
            });
        }
    }

    /// The watch of the first role of a rule.
    fn watch_of_rule(&self, unit: usize, ruled: usize) -> Option<usize> {
        let rule = &self.units[unit].ruled[ruled].judge.rule;
        let role = Judge::roles(rule).first().copied()?;
        self.units[unit].watches.iter().copied().find(|watch| {
            let watch = &self.watches[*watch];
            watch.role == role || self.points[watch.point].name.to_string() == role
        })
    }

    /// The run is over: its rules come to their ends. How they came out: met, not met, not judged.
    pub(super) fn end_rules(
        &mut self,
        unit: usize,
        place: &Bound,
        until: Stamp,
        enter: &mut dyn Enter,
    ) -> [u64; 3] {
        for ruled in 0..self.units[unit].ruled.len() {
            let known = &mut self.units[unit].ruled[ruled];
            if known.over || !known.place.same_place(place) {
                continue;
            }
            known.over = true;
            known.judge.next(Event::End { time: until }, &mut self.findings);
            self.collect(unit, ruled);
        }
        self.enter_found(enter);
        let mut outcomes = [0; 3];
        for known in self.units[unit]
            .ruled
            .iter()
            .filter(|known| known.place.same_place(place))
        {
            outcomes[match known.judge.outcome() {
                Outcome::Met => 0,
                Outcome::NotMet => 1,
                Outcome::NotJudged => 2,
            }] += 1;
        }
        outcomes
    }

    /// Forgets the rules of batches that are forgotten.
    pub(super) fn forget_rules(&mut self) {
        for unit in 0..self.units.len() {
            let known = &mut self.units[unit];
            let (history, before) = (&known.history, known.ruled.len());
            let kept = |ruled: &Ruled| {
                ruled
                    .place
                    .batch
                    .as_deref()
                    .is_some_and(|batch| history.batch(batch).is_some())
            };
            known.ruled.retain(kept);
            if known.ruled.len() < before {
                for watch in known.watches.clone() {
                    self.rules_enter(watch);
                }
            }
        }
        let units = &self.units;
        self.book
            .batches
            .retain(|batch, _| units.iter().any(|unit| unit.history.batch(batch).is_some()));
        self.moments
            .retain(|(batch, ..)| units.iter().any(|unit| unit.history.batch(batch).is_some()));
    }

    /// Something of a batch happened that is no step: `weighing of water`.
    pub fn happened(&mut self, batch: &str, what: String, time: Stamp) {
        self.moments.push((batch.into(), Moment::Happened(what), time));
    }
}

impl Ruled {
    fn tell(&mut self, time: Stamp, held: bool, role: usize, answer: &Answer, findings: &mut Vec<Finding>) {
        if held != self.held {
            self.held = held;
            self.judge.next(Event::Held { time, held }, findings);
        }
        self.judge.next(Event::Reading { role, time, answer }, findings);
        self.fed = self.fed.max(Some(time));
    }
}
