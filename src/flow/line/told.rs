//! Context, taken in: refused where it is malformed, unauthorised or provably old, and otherwise entered
//! before it has effect. What is merely unexpected is entered and raised, never refused.

use super::{Ending, Enter, Line, LineAction};
use crate::{
    config::plant::Authority,
    flow::{
        bind::{self, Change, Correction, History, bind},
        context::{self, Message, Origin, Phase, refusal},
    },
};
use record::{Draft, Hash, Quantity, Stamp, Trouble};

/// The same refusal of one unit is entered again only after this time: a mad source must not fill the disk.
const REFUSED_AGAIN_MS: i64 = 60_000;
/// A way to the source may be cut so long before it is told.
const CUT_MS: i64 = 60_000;

impl Line {
    /// A context message arrived.
    pub(super) fn context(&mut self, name: &str, via: Authority, bytes: &[u8], enter: &mut dyn Enter) {
        let Some(unit) = self.units.iter().position(|unit| unit.name == name) else {
            let known: Vec<&str> = self.units.iter().map(|unit| unit.name.as_str()).collect();
            let what = format!("there is no unit {name:?} at this gateway");
            let action = format!("units here: {}", known.join(", "));
            self.refuse(
                None,
                name,
                &refusal("context-unknown-unit", what, name, &action),
                enter,
            );
            return;
        };
        let digest = Hash::of(bytes);
        match self.acceptable(unit, via, bytes, digest) {
            Ok(None) => self.repeated(unit, enter),
            Ok(Some(message)) => {
                let number = message.number;
                let first = self.accept(unit, message, &Origin::of(via), Some(digest), enter);
                let text = serde_json::json!({ "number": number, "answer": "recorded", "seq": first });
                self.reply(unit, true, &text);
            }
            Err(trouble) => self.refuse(Some(unit), name, &trouble, enter),
        }
    }

    /// `Ok(None)`: the very message that was told last.
    fn acceptable(
        &self,
        at: usize,
        via: Authority,
        bytes: &[u8],
        digest: Hash,
    ) -> Result<Option<Message>, Trouble> {
        let unit = &self.units[at];
        if via != unit.authority {
            let what = "somebody else tells the context of this unit".to_owned();
            return Err(refusal(
                "context-not-its-authority",
                what,
                &unit.name,
                "tell it by the way its `authority` names",
            ));
        }
        let opened;
        let bytes = match &unit.key {
            Some(key) => {
                opened = context::signed::open(&unit.name, key, bytes)?;
                &opened[..]
            }
            None => bytes,
        };
        let message = context::read(&unit.name, bytes)?;
        if unit.digest == Some(digest) {
            return Ok(None);
        }
        // After a start the last message comes again; only its number is known then, and telling it once
        // more changes nothing that stands.
        let same_again = message.number == unit.number && unit.digest.is_none();
        if message.number <= unit.number && !same_again {
            let how = if message.number == unit.number {
                "was told otherwise before"
            } else {
                "is behind"
            };
            let what = format!(
                "context number {} {how}; the last was {}",
                message.number, unit.number
            );
            return Err(refusal(
                "context-old",
                what,
                &unit.name,
                "count up by one with every message of this unit",
            ));
        }
        Ok(Some(message))
    }

    fn repeated(&mut self, at: usize, enter: &mut dyn Enter) {
        self.hear(at, enter);
        let text =
            serde_json::json!({ "number": self.units[at].number, "answer": "recorded", "again": true });
        self.reply(at, true, &text);
    }

    /// Its authority was heard: what it told last still holds.
    pub(super) fn hear(&mut self, at: usize, enter: &mut dyn Enter) {
        let unit = &mut self.units[at];
        if let Some(doubt) = unit.doubt.take() {
            let before = unit.history.clone();
            // Said before it has effect: readings from now on are bound without doubt.
            let draft = Draft::new("allocation", self.now).with("unit", unit.name.as_str());
            let draft = match unit.history.current() {
                Some(batch) => draft.with("batch", &*batch.id),
                None => draft,
            };
            let (authority, number) = (unit.authority.word(), unit.number);
            let draft = draft.with("state", "confirmed").data("authority", authority);
            enter.enter(draft.data("number", number));
            self.bind_again(at, &before, (false, Some(doubt)), enter);
        }
        let unit = &mut self.units[at];
        unit.heard = Some(self.now);
        unit.unconfirmed = false;
        unit.cut = None;
    }

    fn reply(&mut self, at: usize, accepted: bool, text: &serde_json::Value) {
        let (unit, text) = (self.units[at].name.clone(), text.to_string());
        self.actions.push(LineAction::Reply { unit, accepted, text });
    }

    fn refuse(&mut self, at: Option<usize>, name: &str, trouble: &Trouble, enter: &mut dyn Enter) {
        let again = at.is_some_and(|at| {
            let unit = &mut self.units[at];
            let again = unit.refused.is_some_and(|(other, when)| {
                other == trouble.name && self.now.ms_since(when).abs() < REFUSED_AGAIN_MS
            });
            unit.refused = if again {
                unit.refused
            } else {
                Some((trouble.name, self.now))
            };
            again
        });
        if let Some(at) = at.filter(|_| !again) {
            let place = bind(&self.units[at].history, self.now).clone();
            let draft = self.placed(Draft::new("exception", self.now), at, &place);
            enter.enter(
                draft
                    .with("because", "context-refused")
                    .data("text", trouble.name)
                    .data("says", shortened(&trouble.what)),
            );
            self.units[at].count(&place, |tally| tally.exceptions += 1);
        }
        if !again {
            self.actions.push(LineAction::Say(trouble.clone()));
        }
        let text = serde_json::json!({
            "answer": "refused",
            "because": trouble.name,
            "what": trouble.what,
            "where": trouble.place,
            "record": trouble.record,
            "do": trouble.action,
        });
        self.actions.push(LineAction::Reply {
            unit: name.to_owned(),
            accepted: false,
            text: text.to_string(),
        });
    }

    /// Takes a message in, whoever told it: every change is an entry before it has effect. Gives the number of
    /// the first.
    pub(super) fn accept(
        &mut self,
        at: usize,
        mut message: Message,
        origin: &Origin,
        digest: Option<Hash>,
        enter: &mut dyn Enter,
    ) -> Option<u64> {
        // What waits longer than `settle` is entered by what was known when it should have been.
        for point in 0..self.points.len() {
            self.release(point, false, enter);
        }
        let ahead = self.held_back(&mut message);
        let origin = &Origin {
            unsure: self.skew(at, &message, origin),
            ..origin.clone()
        };
        let mut doubt = None;
        let before = self.units[at].history.clone();
        let mut first = None;
        if origin.authority == self.units[at].authority {
            doubt = self.units[at].doubted_since();
            self.units[at].doubt = None;
            self.hear(at, enter);
            first = self.reconcile(at, &message, origin, enter);
        }
        let unit = &mut self.units[at];
        let mut changes = unit.history.tell(&message);
        // What happened within a batch is entered before its end.
        changes.sort_by_key(|change| matches!(change, Change::Over { .. }));
        let new = message
            .batch
            .as_ref()
            .is_some_and(|batch| before.batch(&batch.id).is_none());
        let jump = (unit.number > 0 && message.number > unit.number + 1).then_some(unit.number);
        let again = message.number == unit.number;
        unit.number = message.number;
        unit.digest = digest.or(unit.digest);
        self.note_unsure(at, &changes, origin);
        self.give_control(at, &message, new, enter);
        for change in &changes {
            let entered = self.change(at, change, &message, origin, enter);
            self.against_recipe(at, change, enter);
            first = first.or(entered);
            if let Change::Batch {
                batch,
                state: Phase::Running,
                time,
            } = change
            {
                self.say_drafts(at, batch, *time, enter);
            }
        }
        if changes.is_empty() && (!again || doubt.is_some()) {
            first = Some(self.confirm(at, &message, origin, enter));
        }
        if let Some(last) = jump {
            let says = format!("number {} came after {last}", message.number);
            self.odd(
                at,
                "context-jump",
                &says,
                self.now,
                Some((last + 1, &message)),
                enter,
            );
        }
        if let Some(ms) = ahead {
            let says = format!(
                "the clock of {} is {ms} ms ahead of ours; its times count from when they arrived",
                message.source
            );
            self.odd(at, "context-unexpected", &says, self.now, None, enter);
        }
        let corrected = changes
            .iter()
            .any(|change| matches!(change, Change::Corrected { .. }));
        self.bind_again(at, &before, (corrected, doubt), enter);
        for watch in self.units[at].watches.clone() {
            // The next reading finds its place anew: spans were laid out again.
            self.refresh(watch);
        }
        self.endings(false, enter);
        first
    }

    /// A source whose clock is provably ahead: its moments cannot be later than their arrival.
    fn held_back(&self, message: &mut Message) -> Option<i64> {
        let ahead = message.sent.ms_since(self.now);
        if ahead <= self.clock_may_differ {
            return None;
        }
        let now = self.now;
        let back = |stamp: &mut Stamp| *stamp = (*stamp).min(now);
        back(&mut message.sent);
        if let Some(batch) = &mut message.batch {
            back(&mut batch.started);
            batch.ended.iter_mut().chain(&mut batch.since).for_each(back);
        }
        for run in &mut message.runs {
            back(&mut run.started);
            run.ended.iter_mut().chain(&mut run.since).for_each(back);
        }
        Some(ahead)
    }

    /// Enters one change; its number where it is an entry at once.
    fn change(
        &mut self,
        at: usize,
        change: &Change,
        message: &Message,
        origin: &Origin,
        enter: &mut dyn Enter,
    ) -> Option<u64> {
        let unit = &self.units[at];
        let history = &unit.history;
        let draft = match change {
            Change::Batch { batch, state, time } => {
                let told = history.batch(batch)?;
                let draft = batch_draft(told, *state, *time, &unit.name, (message, origin));
                self.say_change(at, format!("batch {batch} is {}", state.word()), *time);
                draft
            }
            Change::Over { batch, state, time } => {
                let told = history.batch(batch)?;
                let draft = batch_draft(told, *state, *time, &unit.name, (message, origin));
                // The closing waits until nothing of the batch can come any more; that it leaves the unit is entered
                // now, because readings are bound by it from now on.
                let left = Draft::new("allocation", *time)
                    .with("unit", unit.name.as_str())
                    .with("batch", &**batch)
                    .with("state", "released")
                    .data("note", state.word());
                let left = told_by(left, (message, origin));
                let (batch, draft, at_time) = (batch.clone(), Some(draft), *time);
                let endings = &mut self.units[at].endings;
                endings.retain(|ending| ending.batch != batch);
                endings.push(Ending {
                    batch: batch.clone(),
                    draft,
                    at: at_time,
                });
                self.say_change(at, format!("batch {batch} is {}", state.word()), *time);
                left
            }
            Change::Run {
                batch,
                step,
                run,
                state,
                time,
            } => {
                let told = history
                    .batch(batch)?
                    .runs
                    .iter()
                    .find(|told| told.step == *step && told.run == *run)?;
                let draft = run_draft(told, batch, state.word(), *time, &unit.name, (message, origin));
                self.say_change(
                    at,
                    format!("{batch}: {step} run {run} is {}", state.word()),
                    *time,
                );
                draft
            }
            Change::Corrected {
                batch,
                step,
                run,
                what,
                time,
            } => {
                let says = match what {
                    Correction::Times => format!("{step} run {run} is told with other times"),
                    Correction::Withdrawn => format!("{step} run {run} is told no more"),
                };
                let told = history
                    .batch(batch)?
                    .runs
                    .iter()
                    .find(|told| told.step == *step && told.run == *run);
                let draft = match told {
                    Some(told) => run_draft(
                        told,
                        batch,
                        told.state.word(),
                        *time,
                        &unit.name,
                        (message, origin),
                    )
                    .with("because", "corrected"),
                    None => withdrawn(batch, step, *run, *time, &unit.name, (message, origin)),
                };
                let entered = enter.enter(draft);
                self.odd(at, "context-unexpected", &says, *time, None, enter);
                return Some(entered.seq);
            }
            Change::Lost { batch, time } => {
                let says = match &origin.note {
                    Some(why) => format!("nothing is known of {batch} any more: {why}"),
                    None => format!(
                        "{} says the unit is free, but never that {batch} is over",
                        message.source
                    ),
                };
                let draft = told_by(
                    Draft::new("allocation", *time).with("unit", unit.name.as_str()),
                    (message, origin),
                )
                .with("batch", &**batch)
                .with("state", "lost");
                let entered = enter.enter(draft);
                self.odd(at, "context-lost", &says, *time, None, enter);
                return Some(entered.seq);
            }
            Change::Free { time } => told_by(
                Draft::new("allocation", *time).with("unit", unit.name.as_str()),
                (message, origin),
            )
            .with("state", "free"),
            Change::Odd { time, what, .. } => {
                self.odd(at, "context-unexpected", what, *time, None, enter);
                return None;
            }
        };
        Some(enter.enter(draft).seq)
    }

    /// A message that changes nothing is still what was told: its number must survive a restart.
    fn confirm(&mut self, at: usize, message: &Message, origin: &Origin, enter: &mut dyn Enter) -> u64 {
        let batch = message.batch.as_ref().map_or("", |batch| &batch.id);
        let draft = Draft::new("allocation", message.sent)
            .with("unit", self.units[at].name.as_str())
            .with("batch", batch);
        enter
            .enter(told_by(draft.with("state", "confirmed"), (message, origin)))
            .seq
    }

    fn say_change(&mut self, at: usize, what: String, time: Stamp) {
        let unit = &self.units[at].name;
        self.actions.push(LineAction::Say(
            Trouble::new("context", what)
                .at(format!("{unit}, since {time}"))
                .means("readings from then on are bound to it")
                .so("nothing"),
        ));
    }

    /// Raises something about the context of a unit.
    pub(super) fn odd(
        &mut self,
        at: usize,
        because: &'static str,
        says: &str,
        time: Stamp,
        jump: Option<(u64, &Message)>,
        enter: &mut dyn Enter,
    ) {
        let place = bind(&self.units[at].history, time).clone();
        let mut draft = self
            .placed(Draft::new("exception", time), at, &place)
            .with("because", because)
            .data("says", shortened(says));
        if let Some((expected, message)) = jump {
            draft = draft
                .data("expected", expected)
                .data("found", message.number)
                .data("source", message.source.as_str());
        }
        enter.enter(draft);
        self.units[at].count(&place, |tally| tally.exceptions += 1);
        self.actions.push(LineAction::Say(
            Trouble::new(because, says)
                .at(format!("context of unit {}", self.units[at].name))
                .means("it is recorded as told, and a reviewer will look at it")
                .so("see whether its source tells what really happens"),
        ));
    }

    /// The way to the source is cut.
    /// Whether that matters, its lease says: connections come and go.
    pub(super) fn source_silent(&mut self, name: &str) {
        let now = self.now;
        if let Some(unit) = self
            .units
            .iter_mut()
            .find(|unit| unit.name == name && unit.heard.is_some())
        {
            unit.cut.get_or_insert(now);
        }
    }

    /// A source silent beyond its lease; without one, a way that stays cut.
    pub(super) fn leases(&mut self, enter: &mut dyn Enter) {
        for at in 0..self.units.len() {
            let unit = &self.units[at];
            let silent = unit
                .lease
                .zip(
                    unit.heard
                        .or(self.begun.filter(|_| unit.history.current().is_some())),
                )
                .is_some_and(|(lease, heard)| self.now.ms_since(heard) > lease);
            let cut = unit
                .cut
                .is_some_and(|cut| self.now.ms_since(cut) > unit.lease.unwrap_or(CUT_MS));
            if silent || cut {
                self.unconfirmed(at, enter);
            }
        }
    }

    fn unconfirmed(&mut self, at: usize, enter: &mut dyn Enter) {
        if self.units[at].unconfirmed {
            return;
        }
        self.units[at].unconfirmed = true;
        self.units[at].doubt.get_or_insert(self.now);
        let says = "the source of context is silent; what it told last still holds";
        self.odd(at, "context-unconfirmed", says, self.now, None, enter);
    }

    /// The place of a watch, after the spans were laid out again without moving it.
    pub(super) fn refresh(&mut self, watch: usize) {
        let watch = &mut self.watches[watch];
        let Some(at) = watch.at else { return };
        let place = bind(&self.units[watch.unit].history, at);
        if watch.place.as_ref().is_some_and(|here| here.same_place(place)) {
            watch.enter(place.clone());
        }
    }

    /// What was told about a unit.
    pub fn history(&self, unit: &str) -> Option<&History> {
        self.units
            .iter()
            .find(|other| other.name == unit)
            .map(|unit| &unit.history)
    }
}

/// What a context entry says about who told it.
type Teller<'a> = (&'a Message, &'a Origin);

pub(super) fn told_by(draft: Draft, (message, origin): Teller<'_>) -> Draft {
    let mut draft = draft
        .data("authority", origin.authority.word())
        .data("number", message.number)
        .data("source", message.source.as_str());
    if let Some((by, reason)) = &origin.by {
        draft = draft.data("by", by.as_str()).data("reason", shortened(reason));
    }
    if let Some(counter) = &origin.counter {
        draft = draft.data("counter", shortened(counter));
    }
    if origin.unsure > 0 {
        draft = draft.data("unsure_ms", origin.unsure);
    }
    match &origin.note {
        Some(note) => draft.data("note", shortened(note)),
        None => draft,
    }
}

fn batch_draft(told: &bind::Batch, state: Phase, time: Stamp, unit: &str, teller: Teller<'_>) -> Draft {
    let draft = Draft::new("batch", time)
        .with("unit", unit)
        .with("batch", &*told.id)
        .with("state", state.word());
    let draft = told_by(draft, teller)
        .data("product", told.product.as_str())
        .data("recipe", told.recipe.as_str())
        .data("revision", told.revision.as_str())
        .data("started", told.started)
        .data("sent", teller.0.sent);
    let draft = match told.ended {
        Some(ended) => draft.data("ended", ended),
        None => draft,
    };
    match Quantity::read(&told.size) {
        Some(size) => draft
            .data("size", size.amount.as_str())
            .data("in", size.unit.ucum()),
        None => draft.data("size", told.size.as_str()),
    }
}

fn run_draft(
    told: &bind::Run,
    batch: &str,
    state: &str,
    time: Stamp,
    unit: &str,
    teller: Teller<'_>,
) -> Draft {
    let draft = Draft::new("step", time)
        .with("unit", unit)
        .with("batch", batch)
        .with("step", &*told.step)
        .with("run", told.run)
        .with("state", state);
    let draft = told_by(draft, teller)
        .data("title", told.title.as_str())
        .data("started", told.started)
        .data("sent", teller.0.sent);
    match told.ended {
        Some(ended) => draft.data("ended", ended),
        None => draft,
    }
}

fn withdrawn(batch: &str, step: &str, run: u32, time: Stamp, unit: &str, teller: Teller<'_>) -> Draft {
    let draft = Draft::new("step", time)
        .with("unit", unit)
        .with("batch", batch)
        .with("step", step)
        .with("run", run);
    told_by(
        draft.with("state", "withdrawn").with("because", "corrected"),
        teller,
    )
    .data("sent", teller.0.sent)
}

/// A sentence that fits an entry, whoever wrote parts of it.
pub(super) fn shortened(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(400)
        .collect()
}
