//! To which run of which step of which batch a moment of a unit belongs.
//!
//! Binding is (the unit's batch ∩ its active run) × the reading's own time: a pure function over what the
//! authority told, so replaying it gives the identical result. A moment nobody told about is bound to
//! nothing; nothing is ever carried on or guessed. `docs/decisions/0011-binding.md` has the reasons.

use super::context::{self, Message, Phase};
use record::Stamp;
use std::{fmt, sync::Arc};

/// What was told about one unit, the newest word of each batch.
#[derive(Debug, Clone, Default)]
pub struct History {
    batches: Vec<Batch>,
    spans: Vec<Span>,
    /// Under which revision a batch runs from when on, where a control recipe says so.
    under: Vec<(Arc<str>, Stamp, Arc<str>)>,
    nothing: Arc<Bound>,
    /// Boundaries, and by how many milliseconds each may lie earlier or later, in the order of time.
    unsure: Vec<(Stamp, i64, i64)>,
    /// The most any of them may be off.
    widest: i64,
}

/// One batch in this unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub id: Arc<str>,
    pub product: String,
    pub recipe: String,
    pub revision: String,
    pub size: String,
    pub state: Phase,
    pub started: Stamp,
    pub ended: Option<Stamp>,
    /// Since when nothing is known of it, though it was never told to be over.
    pub lost: Option<Stamp>,
    /// In the order told.
    pub runs: Vec<Run>,
    held: Vec<(Stamp, Option<Stamp>)>,
    /// Stretches of which nobody knows what ran.
    unknown: Vec<(Stamp, Stamp)>,
}

/// One run of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub step: Arc<str>,
    pub title: String,
    pub run: u32,
    pub state: Phase,
    pub started: Stamp,
    pub ended: Option<Stamp>,
    held: Vec<(Stamp, Option<Stamp>)>,
}

/// From a moment on, until the next span begins.
#[derive(Debug, Clone)]
struct Span {
    from: Stamp,
    bound: Arc<Bound>,
}

/// Where a moment belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bound {
    pub batch: Option<Arc<str>>,
    pub revision: Arc<str>,
    /// The active runs, in the order told; several when steps run side by side.
    pub runs: Vec<(Arc<str>, u32)>,
    /// Their names joined by `+`, made once.
    pub step: String,
    /// A run or the whole batch is on hold.
    pub held: bool,
}

impl Bound {
    /// Whether both name the same runs of the same batch; a hold changes no place.
    pub fn same_place(&self, other: &Self) -> bool {
        self.batch == other.batch && self.runs == other.runs
    }

    /// The run's number, where all active runs have the same.
    pub fn run(&self) -> Option<u32> {
        let (_, first) = self.runs.first()?;
        self.runs.iter().all(|(_, run)| run == first).then_some(*first)
    }

    /// Whether this run of this batch is among the active ones.
    pub fn has(&self, batch: &str, step: &str, run: u32) -> bool {
        self.batch.as_deref() == Some(batch) && self.runs.iter().any(|(s, r)| **s == *step && *r == run)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(batch) = &self.batch else {
            return f.write_str("-");
        };
        f.write_str(batch)?;
        for (at, (step, run)) in self.runs.iter().enumerate() {
            write!(f, "{}{step}/{run}", if at == 0 { " " } else { "+" })?;
        }
        Ok(())
    }
}

/// One difference between what was told before and now, in the order it goes into the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A batch is told for the first time, or goes on after its end.
    Batch {
        batch: Arc<str>,
        state: Phase,
        time: Stamp,
    },
    /// A run begins, changes its state, or ends.
    Run {
        batch: Arc<str>,
        step: Arc<str>,
        run: u32,
        state: Phase,
        time: Stamp,
    },
    /// A run told before is told otherwise, or no more.
    Corrected {
        batch: Arc<str>,
        step: Arc<str>,
        run: u32,
        what: Correction,
        time: Stamp,
    },
    /// A batch is over.
    Over {
        batch: Arc<str>,
        state: Phase,
        time: Stamp,
    },
    /// The unit is free although its batch was never told to be over.
    Lost { batch: Arc<str>, time: Stamp },
    /// The unit is free.
    Free { time: Stamp },
    /// Something a reviewer must look at.
    Odd {
        batch: Option<Arc<str>>,
        time: Stamp,
        what: String,
    },
}

/// How a run was told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// It began or ended at another time.
    Times,
    /// It is not in the history any more.
    Withdrawn,
}

impl Change {
    /// When it took place, by the source.
    pub fn time(&self) -> Stamp {
        match self {
            Self::Batch { time, .. }
            | Self::Run { time, .. }
            | Self::Corrected { time, .. }
            | Self::Over { time, .. }
            | Self::Lost { time, .. }
            | Self::Free { time }
            | Self::Odd { time, .. } => *time,
        }
    }
}

/// Binds a moment. The newest span is looked at first: nearly every reading is of now.
pub fn bind(history: &History, time: Stamp) -> &Arc<Bound> {
    match history.spans.last() {
        Some(span) if span.from <= time => return &span.bound,
        None => return &history.nothing,
        Some(_) => {}
    }
    let after = history.spans.partition_point(|span| span.from <= time);
    after
        .checked_sub(1)
        .map_or(&history.nothing, |at| &history.spans[at].bound)
}

impl History {
    /// Takes in a message and says what it changed. The same message again changes nothing.
    pub fn tell(&mut self, message: &Message) -> Vec<Change> {
        let mut changes = Vec::new();
        match &message.batch {
            None => self.free(message.sent, &mut changes),
            Some(told) => self.tell_batch(told, message, &mut changes),
        }
        self.lay_out();
        changes.sort_by_key(|change| (change.time(), matches!(change, Change::Odd { .. })));
        changes
    }

    /// From now on this batch runs under a revision, whatever is told of it.
    pub fn under(&mut self, batch: &Arc<str>, from: Stamp, label: &Arc<str>) {
        let known = &self.batches;
        self.under
            .retain(|(other, ..)| other == batch || known.iter().any(|batch| batch.id == *other));
        self.under.push((batch.clone(), from, label.clone()));
        self.lay_out();
    }

    /// The revision a batch runs under at a time.
    pub fn revision(&self, batch: &str, at: Stamp) -> Arc<str> {
        let under = self.under.iter().rev();
        let label = under
            .into_iter()
            .find(|(of, from, _)| **of == *batch && *from <= at);
        match label {
            Some((.., label)) => label.clone(),
            None => self
                .batch(batch)
                .map_or_else(|| "".into(), |batch| batch.revision.as_str().into()),
        }
    }

    /// All batches told, oldest first.
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// One batch.
    pub fn batch(&self, id: &str) -> Option<&Batch> {
        self.batches.iter().find(|batch| *batch.id == *id)
    }

    /// The moments within `(from, until)` at which the binding changes its place.
    pub fn boundaries(&self, from: Stamp, until: Stamp) -> Vec<Stamp> {
        let mut before = bind(self, from);
        let mut found = Vec::new();
        for span in self
            .spans
            .iter()
            .filter(|span| span.from > from && span.from < until)
        {
            if !span.bound.same_place(before) {
                found.push(span.from);
            }
            before = &span.bound;
        }
        found
    }

    /// Begin of the stretch without change of place that `time` lies in; `None`: from ever.
    pub fn place_since(&self, time: Stamp) -> Option<Stamp> {
        let at = self
            .spans
            .partition_point(|span| span.from <= time)
            .checked_sub(1)?;
        let mut since = self.spans[at].from;
        for span in self.spans[..at].iter().rev() {
            if !span.bound.same_place(&self.spans[at].bound) {
                return Some(since);
            }
            since = span.from;
        }
        if self.spans[at].bound.batch.is_none() {
            None
        } else {
            Some(since)
        }
    }

    /// When the batch leaves the unit: its own end, the begin of the next, or when it was lost.
    pub fn until(&self, id: &str) -> Option<Stamp> {
        let at = self.batches.iter().position(|batch| *batch.id == *id)?;
        let next = self.batches[at + 1..].iter().map(|batch| batch.started).min();
        let batch = &self.batches[at];
        [batch.ended, batch.lost, next].into_iter().flatten().min()
    }

    /// When the run ends, by its own word or because its batch left the unit.
    pub fn run_until(&self, batch: &str, run: &Run) -> Option<Stamp> {
        [run.ended, self.until(batch)].into_iter().flatten().min()
    }

    /// The earliest moment that the two histories bind differently; `None` when there is none.
    pub fn differs_from(&self, other: &Self) -> Option<Stamp> {
        let mut moments: Vec<Stamp> = self
            .spans
            .iter()
            .chain(&other.spans)
            .map(|span| span.from)
            .collect();
        moments.sort_unstable();
        moments
            .into_iter()
            .find(|at| !bind(self, *at).same_place(bind(other, *at)))
    }

    /// Forgets batches that are over, but for the last `keep`.
    pub fn forget(&mut self, keep: usize) {
        while self.batches.len() > keep && self.batches[0].state.is_over() {
            self.batches.remove(0);
        }
        if let Some(oldest) = self.batches.first().map(|batch| batch.started) {
            self.unsure.retain(|(known, ..)| *known >= oldest);
        }
        let widest = self.unsure.iter().map(|(_, earlier, later)| *earlier.max(later));
        self.widest = widest.max().unwrap_or(0);
        self.lay_out();
    }

    /// A batch as the record has it.
    pub fn recall_batch(&mut self, told: &context::Batch) {
        let at = self
            .batches
            .iter()
            .position(|batch| batch.id == told.id)
            .unwrap_or_else(|| {
                self.batches.push(Batch::unknown(told));
                self.batches.len() - 1
            });
        self.batches[at].lost = None;
        self.batches[at].tell(told, told.started);
        self.batches.sort_by_key(|batch| batch.started);
        self.lay_out();
    }

    /// A run as the record has it.
    pub fn recall_run(&mut self, batch: &str, told: &context::Run) {
        let Some(batch) = self.batches.iter_mut().find(|known| *known.id == *batch) else {
            return;
        };
        let known = batch
            .runs
            .iter()
            .position(|known| known.step == told.step && known.run == told.run);
        let run = Run::told(told, known.map(|at| &batch.runs[at]), told.started);
        match known {
            Some(at) => batch.runs[at] = run,
            None => batch.runs.push(run),
        }
        self.lay_out();
    }

    /// A run that was told no more.
    pub fn recall_withdrawn(&mut self, batch: &str, step: &str, run: u32) {
        if let Some(batch) = self.batches.iter_mut().find(|known| *known.id == *batch) {
            batch
                .runs
                .retain(|known| *known.step != *step || known.run != run);
        }
        self.lay_out();
    }

    /// A boundary may lie so much earlier, or later.
    pub fn note_unsure(&mut self, time: Stamp, earlier: i64, later: i64) {
        if earlier <= 0 && later <= 0 {
            return;
        }
        let at = self.unsure.partition_point(|(known, ..)| *known <= time);
        match at.checked_sub(1).map(|at| &mut self.unsure[at]) {
            Some((known, before, after)) if *known == time => {
                (*before, *after) = ((*before).max(earlier), (*after).max(later));
            }
            _ => self.unsure.insert(at, (time, earlier, later)),
        }
        self.widest = self.widest.max(earlier).max(later);
    }

    /// How far a moment lies from a boundary that is no more certain than that.
    pub fn unsure_at(&self, time: Stamp) -> Option<u64> {
        let (last, ..) = self.unsure.last()?;
        if time > last.plus_ms(self.widest) {
            return None;
        }
        let first = self
            .unsure
            .partition_point(|(known, ..)| *known < time.plus_ms(-self.widest));
        let near = self.unsure[first..].iter();
        let near = near.take_while(|(known, ..)| *known <= time.plus_ms(self.widest));
        near.filter_map(|(known, earlier, later)| {
            let apart = time.ms_since(*known);
            (-*earlier < apart && apart < *later).then_some(apart.unsigned_abs())
        })
        .min()
    }

    /// The batch that is in the unit: the newest that is not over.
    pub fn current(&self) -> Option<&Batch> {
        self.batches.last().filter(|batch| !batch.state.is_over())
    }

    /// Batches that another one displaced, and that were never told to be over.
    pub fn displaced(&self) -> impl Iterator<Item = &Batch> {
        let older = self.batches.len().saturating_sub(1);
        self.batches[..older]
            .iter()
            .filter(|batch| !batch.state.is_over())
    }

    /// Something is known again of a batch that was lost, and nothing of the time between.
    pub fn found(&mut self, batch: &str, time: Stamp) -> bool {
        let Some(batch) = self.batches.iter_mut().find(|known| *known.id == *batch) else {
            return false;
        };
        let Some(lost) = batch.lost.take() else {
            return false;
        };
        batch.unknown.push((lost, time.max(lost)));
        self.lay_out();
        true
    }

    /// A batch that nobody but a person told, and that its authority knows nothing of.
    pub fn withdraw(&mut self, batch: &str) -> bool {
        let before = self.batches.len();
        self.batches.retain(|known| *known.id != *batch);
        self.lay_out();
        self.batches.len() < before
    }

    /// A batch that was told to be over; its closing comes later.
    pub fn recall_over(&mut self, batch: &str, state: Phase, time: Stamp) {
        if let Some(batch) = self.batches.iter_mut().find(|known| *known.id == *batch) {
            batch.state = state;
            batch.ended = Some(time.max(batch.started));
        }
        self.lay_out();
    }

    /// A batch that left the unit without an end.
    pub fn recall_lost(&mut self, batch: &str, time: Stamp) {
        if let Some(batch) = self.batches.iter_mut().find(|known| *known.id == *batch) {
            batch.lost = Some(time.max(batch.started));
        }
        self.lay_out();
    }

    fn free(&mut self, sent: Stamp, changes: &mut Vec<Change>) {
        let Some(batch) = self.batches.last_mut().filter(|batch| !batch.state.is_over()) else {
            changes.push(Change::Free { time: sent });
            return;
        };
        if batch.lost.is_none() {
            batch.lost = Some(sent.max(batch.started));
            changes.push(Change::Lost {
                batch: batch.id.clone(),
                time: sent,
            });
        }
    }

    fn tell_batch(&mut self, told: &context::Batch, message: &Message, changes: &mut Vec<Change>) {
        let at = if let Some(at) = self.batches.iter().position(|batch| batch.id == told.id) {
            at
        } else {
            self.note_displaced(told, changes);
            let at = self
                .batches
                .partition_point(|batch| batch.started <= told.started);
            self.batches.insert(at, Batch::unknown(told));
            changes.push(Change::Batch {
                batch: told.id.clone(),
                state: Phase::Running,
                time: told.started,
            });
            at
        };
        // A batch that another one displaced may well be told to be over.
        if at + 1 < self.batches.len() && !told.state.is_over() {
            let what = format!(
                "{} is told again although {} came after it",
                told.id,
                self.batches[at + 1].id
            );
            odd(changes, told, message.sent, what);
        }
        let before = self.batches[at].clone();
        let batch = &mut self.batches[at];
        batch.lost = None;
        batch.tell(told, message.sent);
        told_states(&before, batch, message.sent, changes);
        batch.runs.clear();
        for run in &message.runs {
            let known = before
                .runs
                .iter()
                .find(|known| known.step == run.step && known.run == run.run);
            batch.runs.push(Run::told(run, known, message.sent));
        }
        run_changes(&before, batch, message.sent, changes);
        odd_runs(batch, changes);
        self.batches.sort_by_key(|batch| batch.started);
    }

    fn note_displaced(&self, told: &context::Batch, changes: &mut Vec<Change>) {
        let Some(last) = self.batches.last() else { return };
        if !last.state.is_over() {
            odd(
                changes,
                told,
                told.started,
                format!("{} began although {} was never told to be over", told.id, last.id),
            );
        } else if last.ended.is_some_and(|ended| ended > told.started) {
            odd(
                changes,
                told,
                told.started,
                format!("{} began before {} ended", told.id, last.id),
            );
        }
    }

    /// Lays the spans out anew: a pure function of the batches.
    fn lay_out(&mut self) {
        self.spans.clear();
        let last = self.batches.len();
        for at in 0..last {
            let batch = &self.batches[at];
            let until = self.until(&batch.id);
            let until = until.unwrap_or(Stamp(i64::MAX));
            if batch.started >= until {
                continue;
            }
            let mut moments = vec![batch.started];
            let inner = batch.runs.iter().flat_map(|run| {
                let held = run.held.iter().flat_map(|(from, to)| [Some(*from), *to]);
                [Some(run.started), run.ended].into_iter().chain(held)
            });
            let held = batch.held.iter().flat_map(|(from, to)| [Some(*from), *to]);
            let unknown = batch
                .unknown
                .iter()
                .flat_map(|(from, to)| [Some(*from), Some(*to)]);
            let under = self.under.iter().filter(|(of, ..)| *of == batch.id);
            let changes = under.map(|(_, from, _)| Some(*from));
            moments.extend(
                inner
                    .chain(held)
                    .chain(unknown)
                    .chain(changes)
                    .flatten()
                    .filter(|moment| *moment > batch.started && *moment < until),
            );
            moments.sort_unstable();
            moments.dedup();
            for from in moments {
                let bound = Bound {
                    revision: self.revision(&batch.id, from),
                    ..batch.at(from)
                };
                if self.spans.last().is_none_or(|span| *span.bound != bound) {
                    self.spans.push(Span {
                        from,
                        bound: Arc::new(bound),
                    });
                }
            }
            if until.0 != i64::MAX {
                self.spans.push(Span {
                    from: until,
                    bound: self.nothing.clone(),
                });
            }
        }
    }
}

impl Batch {
    fn unknown(told: &context::Batch) -> Self {
        Self {
            id: told.id.clone(),
            product: told.product.clone(),
            recipe: told.recipe.clone(),
            revision: told.revision.clone(),
            size: told.size.clone(),
            state: Phase::Running,
            started: told.started,
            ended: None,
            lost: None,
            runs: Vec::new(),
            held: Vec::new(),
            unknown: Vec::new(),
        }
    }

    fn tell(&mut self, told: &context::Batch, sent: Stamp) {
        let since = told.since.unwrap_or(sent);
        hold(&mut self.held, told.state, since);
        let held = std::mem::take(&mut self.held);
        let runs = std::mem::take(&mut self.runs);
        let unknown = std::mem::take(&mut self.unknown);
        *self = Self {
            state: told.state,
            ended: told.ended,
            held,
            runs,
            unknown,
            ..Self::unknown(told)
        };
    }

    fn at(&self, time: Stamp) -> Bound {
        if self
            .unknown
            .iter()
            .any(|(from, until)| *from <= time && time < *until)
        {
            return Bound::default();
        }
        let active: Vec<&Run> = self
            .runs
            .iter()
            .filter(|run| run.started <= time && run.ended.is_none_or(|ended| time < ended))
            .collect();
        let mut step = String::new();
        for (at, run) in active.iter().enumerate() {
            if active[..at].iter().any(|other| other.step == run.step) {
                continue;
            }
            if !step.is_empty() {
                step.push('+');
            }
            step.push_str(&run.step);
        }
        Bound {
            batch: Some(self.id.clone()),
            revision: self.revision.as_str().into(),
            held: is_held(&self.held, time) || active.iter().any(|run| is_held(&run.held, time)),
            runs: active.iter().map(|run| (run.step.clone(), run.run)).collect(),
            step,
        }
    }
}

impl Run {
    fn told(told: &context::Run, known: Option<&Self>, sent: Stamp) -> Self {
        let mut held = known.map(|known| known.held.clone()).unwrap_or_default();
        hold(
            &mut held,
            told.state,
            told.since.unwrap_or(sent).max(told.started),
        );
        Self {
            step: told.step.clone(),
            title: told.title.clone(),
            run: told.run,
            state: told.state,
            started: told.started,
            ended: told.ended,
            held,
        }
    }
}

/// Opens or ends a hold as the state says.
fn hold(held: &mut Vec<(Stamp, Option<Stamp>)>, state: Phase, since: Stamp) {
    let open = held.last_mut().filter(|(_, until)| until.is_none());
    match (state == Phase::Held, open) {
        (true, None) => held.push((since, None)),
        (false, Some((from, until))) => *until = Some(since.max(*from)),
        _ => {}
    }
}

fn is_held(held: &[(Stamp, Option<Stamp>)], time: Stamp) -> bool {
    held.iter()
        .any(|(from, until)| *from <= time && until.is_none_or(|until| time < until))
}

fn odd(changes: &mut Vec<Change>, told: &context::Batch, time: Stamp, what: String) {
    changes.push(Change::Odd {
        batch: Some(told.id.clone()),
        time,
        what,
    });
}

/// What became of the batch itself.
fn told_states(before: &Batch, now: &Batch, sent: Stamp, changes: &mut Vec<Change>) {
    let id = &now.id;
    if before.started != now.started {
        let what = format!("{id} began at {}, not at {}", now.started, before.started);
        changes.push(Change::Odd {
            batch: Some(id.clone()),
            time: now.started,
            what,
        });
        changes.push(Change::Batch {
            batch: id.clone(),
            state: Phase::Running,
            time: now.started,
        });
    }
    if before.state.is_over() && !now.state.is_over() {
        let what = format!("{id} goes on although it was told to be {}", before.state.word());
        changes.push(Change::Odd {
            batch: Some(id.clone()),
            time: sent,
            what,
        });
    }
    if now.state.is_over() {
        if before.state != now.state || before.ended != now.ended {
            let time = now.ended.unwrap_or(sent);
            changes.push(Change::Over {
                batch: id.clone(),
                state: now.state,
                time,
            });
        }
    } else if before.state != now.state || before.lost.is_some() {
        let time = now
            .held
            .last()
            .map_or(sent, |(from, until)| until.unwrap_or(*from));
        let time = if before.lost.is_some() || before.state.is_over() {
            sent
        } else {
            time
        };
        changes.push(Change::Batch {
            batch: id.clone(),
            state: now.state,
            time,
        });
    }
}

/// What became of its runs.
fn run_changes(before: &Batch, now: &Batch, sent: Stamp, changes: &mut Vec<Change>) {
    let id = &now.id;
    for run in &now.runs {
        let entry = |state, time| Change::Run {
            batch: id.clone(),
            step: run.step.clone(),
            run: run.run,
            state,
            time,
        };
        let Some(known) = before
            .runs
            .iter()
            .find(|known| known.step == run.step && known.run == run.run)
        else {
            changes.push(entry(Phase::Running, run.started));
            if run.state != Phase::Running {
                changes.push(entry(
                    run.state,
                    run.ended
                        .or(run.held.last().map(|(from, _)| *from))
                        .unwrap_or(sent),
                ));
            }
            continue;
        };
        let moved = known.started != run.started || (known.ended.is_some() && known.ended != run.ended);
        if moved {
            let (step, number) = (run.step.clone(), run.run);
            let what = Correction::Times;
            changes.push(Change::Corrected {
                batch: id.clone(),
                step,
                run: number,
                what,
                time: run.started,
            });
        }
        if known.state != run.state {
            let held = run.held.last().map(|(from, until)| until.unwrap_or(*from));
            changes.push(entry(run.state, run.ended.or(held).unwrap_or(sent)));
        }
    }
    for known in &before.runs {
        if !now
            .runs
            .iter()
            .any(|run| run.step == known.step && run.run == known.run)
        {
            let (step, run) = (known.step.clone(), known.run);
            let what = Correction::Withdrawn;
            changes.push(Change::Corrected {
                batch: id.clone(),
                step,
                run,
                what,
                time: known.started,
            });
        }
    }
}

/// What is unexpected in the history itself; told once, when the run is new or has changed.
fn odd_runs(batch: &Batch, changes: &mut Vec<Change>) {
    let touched = |run: &Run| {
        changes.iter().any(|change| match change {
            Change::Run {
                step, run: number, ..
            }
            | Change::Corrected {
                step, run: number, ..
            } => *step == run.step && *number == run.run,
            _ => false,
        })
    };
    let mut found = Vec::new();
    let mut say = |run: &Run, what: String| {
        found.push(Change::Odd {
            batch: Some(batch.id.clone()),
            time: run.started,
            what,
        });
    };
    let ends = |run: &Run| run.ended.or(batch.ended);
    for run in batch.runs.iter().filter(|run| touched(run)) {
        let name = format!("{} run {}", run.step, run.run);
        if run.ended.is_some_and(|ended| ended < run.started) {
            say(run, format!("{name} ends before it starts"));
        }
        if run.started < batch.started || batch.ended.is_some_and(|ended| run.started > ended) {
            say(run, format!("{name} starts outside its batch"));
        }
        if run.run > 1
            && !batch
                .runs
                .iter()
                .any(|other| other.step == run.step && other.run == run.run - 1)
        {
            say(run, format!("{name} comes without run {}", run.run - 1));
        }
        let twice = batch.runs.iter().any(|other| {
            other.step == run.step
                && other.run < run.run
                && ends(other).is_none_or(|ended| ended > run.started)
        });
        if twice {
            say(run, format!("{name} begins while an earlier run of it goes on"));
        }
    }
    if batch.state.is_over() {
        for run in batch.runs.iter().filter(|run| !run.state.is_over()) {
            if changes.iter().any(|change| matches!(change, Change::Over { .. })) {
                say(
                    run,
                    format!("{} run {} was not over when its batch was", run.step, run.run),
                );
            }
        }
    }
    changes.append(&mut found);
}

#[cfg(test)]
mod tests;
