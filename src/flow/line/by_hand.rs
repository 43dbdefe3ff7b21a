//! Values a person entered: read off a display, or carried over from paper. They bind by the time at which they were
//! true, like readings that come late, and are marked for ever. They count in no figure until a second person has
//! verified them; every one is an exception for whoever reviews the batch.

use super::{Enter, Line, watch::Judged};
use crate::{
    config::plant::PointName,
    flow::{
        bind::{Bound, bind},
        check::Verdict,
    },
};
use record::{Amount, Answer, Draft, Hash, Line as Entry, Quantity, Stamp, Trouble, Unit, Value};
use std::sync::Arc;

/// So many are kept in mind of every unit, to be verified or bound again.
const KEPT: usize = 1_000;

/// A value a person entered.
#[derive(Debug, Clone, PartialEq)]
pub struct ByHand {
    pub unit: String,
    pub role: String,
    pub point: PointName,
    pub value: Value,
    /// When it was true.
    pub time: Stamp,
    /// The paper it stands on.
    pub paper: String,
    pub by: String,
    pub reason: String,
    /// Who has compared it.
    pub second: Option<String>,
    /// The entry it takes the place of.
    pub corrects: Option<u64>,
    pub now: Stamp,
}

/// One of them, as it stands in the record.
#[derive(Debug, Clone)]
pub struct Hand {
    pub seq: u64,
    leaf: Hash,
    watch: usize,
    pub time: Stamp,
    pub value: Value,
    pub by: String,
    place: Arc<Bound>,
    verdict: Verdict,
    pub state: State,
}

/// Whether it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Unverified,
    Verified,
    /// Another entry took its place.
    Corrected,
}

impl Line {
    /// One that may still be verified or corrected.
    pub fn hand(&self, seq: u64) -> Option<&Hand> {
        self.units
            .iter()
            .flat_map(|unit| &unit.by_hand)
            .find(|hand| hand.seq == seq)
    }

    /// Whether a unit has, or had of late, a batch of this name.
    pub fn knows_batch(&self, batch: &str) -> bool {
        self.units.iter().any(|unit| unit.history.batch(batch).is_some())
    }

    /// The watch of a role and point in a unit.
    fn watch_of(&self, unit: &str, role: &str, point: &PointName) -> Option<usize> {
        let known = |watch: &super::Watch| {
            self.units[watch.unit].name == unit
                && watch.role == role
                && self.points[watch.point].name == *point
        };
        self.watches.iter().position(known)
    }

    pub(super) fn by_hand(&mut self, hand: ByHand, enter: &mut dyn Enter) {
        let Some(watch) = self.watch_of(&hand.unit, &hand.role, &hand.point) else {
            return;
        };
        let unit = self.watches[watch].unit;
        let place = bind(&self.units[unit].history, hand.time).clone();
        let judged = self.watches[watch].judge_in(&place, &Answer::Good(hand.value.clone()));
        let state = if hand.second.is_some() {
            State::Verified
        } else {
            State::Unverified
        };
        let draft = self.hand_draft(watch, &hand, &judged, state);
        let entered = enter.enter(draft);
        if let Some(seq) = hand.corrects {
            self.take_back(unit, seq);
        }
        self.count_hand(unit, &place, judged.verdict, state, true);
        let known = &mut self.units[unit].by_hand;
        known.push_back(Hand {
            seq: entered.seq,
            leaf: entered.leaf,
            watch,
            time: hand.time,
            value: hand.value.clone(),
            by: hand.by.clone(),
            place: place.clone(),
            verdict: judged.verdict,
            state,
        });
        if known.len() > KEPT {
            known.pop_front();
        }
        let says = format!(
            "{}: {} was entered by hand as entry {}{}",
            hand.role,
            shown(&hand.value),
            entered.seq,
            if judged.verdict.is_out() {
                ", and is out of its limits"
            } else {
                ""
            }
        );
        if place.batch.is_some() {
            // Each by itself, also where two are about the same moment: the second corrects the first.
            let draft = self
                .about(Draft::new("exception", hand.time), watch, &place)
                .with("because", "value-by-hand")
                .with("about", entered.seq)
                .data("says", says)
                .data("by", hand.by.as_str());
            let entered = enter.enter(draft);
            self.units[unit].count(&place, |tally| tally.exceptions += 1);
            self.remember(watch, "exception", (hand.time, hand.time), entered, place);
        }
        self.endings(false, enter);
    }

    /// A second person has compared a value with where it came from: from now on it counts.
    pub(super) fn hand_verified(&mut self, seq: u64, by: &str, enter: &mut dyn Enter) {
        let Some((unit, at)) = self.hand_at(seq) else {
            return;
        };
        let hand = self.units[unit].by_hand[at].clone();
        if hand.state != State::Unverified {
            return;
        }
        let judged = self.watches[hand.watch].judge_in(&hand.place, &Answer::Good(hand.value.clone()));
        let draft = valued(
            self.about(Draft::new("manual", hand.time), hand.watch, &hand.place),
            &hand.value,
        );
        let draft = judgement(draft, &judged)
            .with("state", "verified")
            .with("about", seq)
            .data("by", hand.by.as_str())
            .data("verified_by", by)
            .data("entered", self.now);
        enter.enter(draft);
        self.count_hand(unit, &hand.place, hand.verdict, State::Unverified, false);
        self.count_hand(unit, &hand.place, judged.verdict, State::Verified, true);
        let hand = &mut self.units[unit].by_hand[at];
        (hand.state, hand.verdict) = (State::Verified, judged.verdict);
        self.endings(false, enter);
    }

    fn hand_at(&self, seq: u64) -> Option<(usize, usize)> {
        self.units.iter().enumerate().find_map(|(unit, known)| {
            let at = known.by_hand.iter().position(|hand| hand.seq == seq)?;
            Some((unit, at))
        })
    }

    /// What another entry took the place of counts no more.
    fn take_back(&mut self, unit: usize, seq: u64) {
        let Some(at) = self.units[unit].by_hand.iter().position(|hand| hand.seq == seq) else {
            return;
        };
        let hand = self.units[unit].by_hand[at].clone();
        self.count_hand(unit, &hand.place, hand.verdict, hand.state, false);
        self.units[unit].by_hand[at].state = State::Corrected;
    }

    /// In the figures of the step: what is verified with its verdict, what is not as open.
    fn count_hand(&mut self, unit: usize, place: &Bound, verdict: Verdict, state: State, more: bool) {
        let step = |number: &mut u64| {
            *number = if more {
                *number + 1
            } else {
                number.saturating_sub(1)
            }
        };
        self.units[unit].count(place, |tally| match state {
            State::Corrected => {}
            State::Unverified => step(&mut tally.unverified),
            State::Verified => {
                step(&mut tally.by_hand);
                step(&mut tally.captured);
                step(&mut tally.verdicts[verdict as usize]);
                step(&mut tally.qualities[0]);
            }
        });
    }

    fn hand_draft(&self, watch: usize, hand: &ByHand, judged: &Judged, state: State) -> Draft {
        let mut draft = valued(
            self.about(Draft::new("manual", hand.time), watch, &judged.place),
            &hand.value,
        );
        draft = match state {
            State::Verified => judgement(draft, judged).with("state", "verified"),
            _ => draft
                .with("verdict", Verdict::NotJudged.word())
                .with("state", "unverified"),
        };
        if let Some(seq) = hand.corrects {
            draft = draft.with("corrects", seq);
        }
        if !hand.paper.is_empty() {
            draft = draft.data("paper", hand.paper.as_str());
        }
        if let Some(second) = &hand.second {
            draft = draft.data("verified_by", second.as_str());
        }
        draft
            .data("by", hand.by.as_str())
            .data("reason", hand.reason.as_str())
            .data("entered", hand.now)
            .data("late_ms", hand.now.ms_since(hand.time).max(0))
    }

    /// Binds again what the new history binds otherwise.
    pub(super) fn hands_again(
        &mut self,
        unit: usize,
        from: Stamp,
    ) -> Vec<(Arc<Bound>, Arc<Bound>, Verdict, (u64, Hash))> {
        let mut moved = Vec::new();
        for at in 0..self.units[unit].by_hand.len() {
            let hand = self.units[unit].by_hand[at].clone();
            if hand.time < from {
                continue;
            }
            let place = bind(&self.units[unit].history, hand.time).clone();
            if place.same_place(&hand.place) {
                continue;
            }
            let judged = self.watches[hand.watch].judge_in(&place, &Answer::Good(hand.value.clone()));
            self.count_hand(unit, &hand.place, hand.verdict, hand.state, false);
            self.count_hand(unit, &place, judged.verdict, hand.state, true);
            let verdict = if hand.state == State::Verified {
                judged.verdict
            } else {
                Verdict::NotJudged
            };
            moved.push((hand.place.clone(), place.clone(), verdict, (hand.seq, hand.leaf)));
            let hand = &mut self.units[unit].by_hand[at];
            (hand.place, hand.verdict) = (place, judged.verdict);
        }
        moved
    }

    pub(super) fn recall_hand(&mut self, unit: usize, line: &Entry<'_>, time: Stamp) {
        if let Some(about) = line.int("about") {
            let verdict = line
                .raw("verdict")
                .and_then(Verdict::named)
                .unwrap_or(Verdict::NotJudged);
            if let Some((unit, at)) = self.hand_at(about.max(0) as u64) {
                let hand = self.units[unit].by_hand[at].clone();
                self.count_hand(unit, &hand.place, hand.verdict, hand.state, false);
                self.count_hand(unit, &hand.place, verdict, State::Verified, true);
                let hand = &mut self.units[unit].by_hand[at];
                (hand.state, hand.verdict) = (State::Verified, verdict);
            }
            return;
        }
        let point = line.text("point").unwrap_or_default();
        let Some((tag, measure)) = point.rsplit_once('.') else {
            return;
        };
        let point = PointName {
            tag: tag.to_owned(),
            measure: measure.to_owned(),
        };
        let (name, role) = (
            self.units[unit].name.clone(),
            line.text("role").unwrap_or_default(),
        );
        let Some(watch) = self.watch_of(&name, &role, &point) else {
            return;
        };
        let Some(value) = value_of(line) else { return };
        let place = bind(&self.units[unit].history, time).clone();
        let judged = self.watches[watch].judge_in(&place, &Answer::Good(value.clone()));
        let state = match line.raw("state") {
            Some("verified") => State::Verified,
            _ => State::Unverified,
        };
        if let Some(seq) = line.int("corrects") {
            self.take_back(unit, seq.max(0) as u64);
        }
        self.count_hand(unit, &place, judged.verdict, state, true);
        self.units[unit].by_hand.push_back(Hand {
            seq: line.seq(),
            leaf: line.leaf(),
            watch,
            time,
            value,
            by: line.data_text("by").unwrap_or_default(),
            place,
            verdict: judged.verdict,
            state,
        });
    }
}

fn value_of(line: &Entry<'_>) -> Option<Value> {
    let text = line.data_text("value")?;
    let unit = line.data_text("in").and_then(|code| Unit::named(&code));
    Some(match (Amount::read(&text), unit) {
        (Some(amount), Some(unit)) => Value::Quantity(Quantity { amount, unit }),
        _ => Value::Text(text),
    })
}

fn valued(draft: Draft, value: &Value) -> Draft {
    match value {
        Value::Quantity(quantity) => draft
            .data("value", quantity.amount.as_str())
            .data("in", quantity.unit.ucum()),
        Value::Text(text) => draft.data("value", text.as_str()),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Quantity(quantity) => quantity.to_string(),
        Value::Text(text) => text.clone(),
    }
}

fn judgement(draft: Draft, judged: &Judged) -> Draft {
    let draft = draft.with("verdict", judged.verdict.word());
    if judged.verdict == Verdict::NotJudged {
        return draft;
    }
    draft.with("limits", super::memory::limits(&judged.place))
}

/// A value as a person writes it, in a unit the point can have.
pub fn read_value(text: &str, units: &[Unit], at: &str) -> Result<Value, Trouble> {
    let refused = |what: String, action: String| {
        Err(Trouble::new("value-refused", what)
            .at(at)
            .means("nothing was entered")
            .so(action))
    };
    let text = text.trim();
    if units.is_empty() {
        return if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
            refused(
                "this is no word that can be entered".to_owned(),
                "write what the display shows".to_owned(),
            )
        } else {
            Ok(Value::Text(text.to_owned()))
        };
    }
    let known: Vec<&str> = units.iter().map(|unit| unit.shown()).collect();
    let known = known.join(", ");
    let Some(quantity) = Quantity::read(text) else {
        let comma = if text.contains(',') {
            "; decimals have a point"
        } else {
            ""
        };
        return refused(
            format!("{text:?} is no value with its unit"),
            format!("write the digits as they were shown, and the unit, one of: {known}{comma}"),
        );
    };
    let same_kind = units
        .iter()
        .any(|unit| unit.dimension() == quantity.unit.dimension());
    if !same_kind {
        return refused(
            format!(
                "{} is a unit of {}, and {at} is none",
                quantity.unit,
                quantity.unit.dimension()
            ),
            format!("write it in one of: {known}"),
        );
    }
    if !units.contains(&quantity.unit) {
        return refused(
            format!("{at} comes in {known}, not in {}", quantity.unit),
            "write it as it was shown and in that unit; nothing is converted by hand or by us".to_owned(),
        );
    }
    Ok(Value::Quantity(quantity))
}
