//! The rules of a step, judged: one file per kind.
//!
//! Pure: told one reading, moment or passing of time after the other, a [`Judge`] says what a reviewer must look
//! at. Nothing is learned and nothing is guessed: a doubtful reading never counts as in range, and nothing is
//! credited over a gap. `docs/reference/rules.md` has every semantics; `tests/cases/rules/` proves them.

mod completeness;
mod hold_time;
mod lethality;
mod limits;
mod plausibility;
mod rate;
mod reconciliation;
mod redundancy;
mod sequence;
mod spc;
mod stability;
mod stretch;
mod target;
mod time_in_range;
mod total;
mod words;

#[cfg(test)]
mod cases;

pub use words::span;

use super::check::{Band, Verdict};
use crate::config::rule::{Asks, Moment, Rule};
use record::{Amount, Answer, Quantity, Stamp, Unit, Value};
use rust_decimal::Decimal;
use std::sync::Arc;
use words::Words;

/// What happens to a rule.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A point of the rule answered; which of its roles, in the order of [`Judge::roles`].
    Reading {
        role: usize,
        time: Stamp,
        answer: &'a Answer,
    },
    /// The run goes on hold, or goes on.
    Held { time: Stamp, held: bool },
    /// A moment of the batch.
    Happened { moment: &'a Moment, time: Stamp },
    /// Time passes without anything.
    Clock { now: Stamp },
    /// The run, or for rules over a batch the batch, is over.
    End { time: Stamp },
}

/// How a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It begins, and goes on.
    Begun,
    /// What begun is over.
    Over,
    /// It is of one moment.
    Once,
    /// What begun has lasted so long that people are called. An attribute, no finding of its own.
    Alarm,
    /// The call is no longer needed.
    Calm,
}

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Limit,
    HoldTime,
    Weighing,
    Sequence,
    Instrument,
    Integrity,
    /// Worth a look; nothing failed.
    Trend,
}

impl Class {
    /// The word of the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::HoldTime => "hold-time",
            Self::Weighing => "weighing",
            Self::Sequence => "sequence",
            Self::Instrument => "instrument",
            Self::Integrity => "integrity",
            Self::Trend => "trend",
        }
    }
}

/// Something a reviewer must look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub state: State,
    pub class: Class,
    /// A word of the `exception` entry.
    pub because: &'static str,
    /// Which role of the rule.
    pub role: usize,
    pub from: Stamp,
    pub until: Stamp,
    /// For limits: on which side.
    pub side: Option<Verdict>,
    pub extreme: Option<Decimal>,
    pub extreme_time: Stamp,
    pub limit: Option<Decimal>,
    pub unit: Option<Unit>,
    /// Beyond the limit, times seconds.
    pub area: Option<Decimal>,
    pub count: u64,
    /// Since when people are called.
    pub alarm: Option<Stamp>,
    pub says: String,
}

impl Finding {
    /// A finding of one moment.
    fn once(class: Class, because: &'static str, time: Stamp, says: String) -> Self {
        Self {
            state: State::Once,
            class,
            because,
            role: 0,
            from: time,
            until: time,
            side: None,
            extreme: None,
            extreme_time: time,
            limit: None,
            unit: None,
            area: None,
            count: 0,
            alarm: None,
            says,
        }
    }
}

/// How a rule came out at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Met,
    NotMet,
    /// Nothing that counts was read.
    NotJudged,
}

/// One rule in one run of a step, or in one batch.
#[derive(Debug, Clone)]
pub struct Judge {
    pub rule: Arc<Rule>,
    kind: Kind,
    begun: Stamp,
    held: bool,
    /// Readings that counted and could be trusted.
    seen: u64,
    found: u64,
    /// It was found that it cannot be judged.
    unjudged: bool,
    ended: bool,
    /// The last entered state, to enter only what changed.
    pub said: String,
}

#[derive(Debug, Clone)]
enum Kind {
    Limits(limits::Limits),
    TimeInRange(time_in_range::TimeInRange),
    HoldTime(hold_time::HoldTime),
    Target(target::Window),
    Stability(stability::Stability),
    Completeness(completeness::Completeness),
    Rate(rate::Rate),
    Total(total::Total),
    Reconciliation(reconciliation::Reconciliation),
    Sequence(sequence::Sequence),
    Lethality(lethality::Lethality),
    Redundancy(redundancy::Redundancy),
    Plausibility(plausibility::Plausibility),
    Spc(Box<spc::Spc>),
}

/// A reading as a rule sees it.
#[derive(Debug, Clone, Copy)]
struct Sight<'a> {
    role: usize,
    time: Stamp,
    /// The value of a good reading; `None`: it cannot be trusted.
    shown: Option<&'a Quantity>,
}

impl Sight<'_> {
    /// The number in a unit, where the reading can be trusted.
    fn number(&self, unit: Unit) -> Option<Decimal> {
        number_in(self.shown?, unit)
    }
}

/// A number in a unit; twelve digits after the point where it is converted.
fn number_in(quantity: &Quantity, unit: Unit) -> Option<Decimal> {
    if quantity.unit == unit {
        return Some(quantity.amount.number());
    }
    Some(quantity.number_in(unit)?.round_dp(12).normalize())
}

/// A limit of a rule in a unit.
fn limit_in(limit: Option<&Quantity>, unit: Unit) -> Option<Decimal> {
    number_in(limit?, unit)
}

impl Judge {
    /// A rule at the begin of its run.
    pub fn new(rule: Arc<Rule>, begun: Stamp) -> Self {
        let kind = match &rule.asks {
            Asks::Limits(asks) => Kind::Limits(limits::Limits::new(asks)),
            Asks::TimeInRange(asks) => Kind::TimeInRange(time_in_range::TimeInRange::new(asks)),
            Asks::HoldTime(_) => Kind::HoldTime(hold_time::HoldTime::default()),
            Asks::Target(asks) => Kind::Target(target::Window::of_target(asks)),
            Asks::MinWeight(asks) => Kind::Target(target::Window::of_weight(asks)),
            Asks::Stability(_) => Kind::Stability(stability::Stability::new(begun)),
            Asks::Completeness(_) => Kind::Completeness(completeness::Completeness::new(begun)),
            Asks::Rate(asks) => Kind::Rate(rate::Rate::new(asks)),
            Asks::Total(asks) => Kind::Total(total::Total::new(asks)),
            Asks::Reconciliation(asks) => Kind::Reconciliation(reconciliation::Reconciliation::new(asks)),
            Asks::Sequence(asks) => Kind::Sequence(sequence::Sequence::new(asks)),
            Asks::Lethality(_) => Kind::Lethality(lethality::Lethality::default()),
            Asks::Redundancy(_) => Kind::Redundancy(redundancy::Redundancy::default()),
            Asks::Plausibility(asks) => Kind::Plausibility(plausibility::Plausibility::new(asks)),
            Asks::Spc(asks) => Kind::Spc(Box::new(spc::Spc::new(asks))),
        };
        Self {
            rule,
            kind,
            begun,
            held: false,
            seen: 0,
            found: 0,
            unjudged: false,
            ended: false,
            said: String::new(),
        }
    }

    /// The roles a rule looks at, in the order of [`Event::Reading`].
    pub fn roles(rule: &Rule) -> Vec<&str> {
        match &rule.asks {
            Asks::Limits(asks) => vec![&asks.of],
            Asks::TimeInRange(asks) => vec![&asks.of],
            Asks::Target(asks) => vec![&asks.of],
            Asks::MinWeight(asks) => vec![&asks.of],
            Asks::Stability(asks) => vec![&asks.of],
            Asks::Completeness(asks) => vec![&asks.of],
            Asks::Rate(asks) => vec![&asks.of],
            Asks::Total(asks) => vec![&asks.of],
            Asks::Lethality(asks) => vec![&asks.of],
            Asks::Plausibility(asks) => vec![&asks.of],
            Asks::Spc(asks) => vec![&asks.of],
            Asks::Redundancy(asks) => vec![&asks.of, &asks.and],
            Asks::Reconciliation(asks) => asks
                .inputs
                .iter()
                .chain(&asks.outputs)
                .map(String::as_str)
                .collect(),
            Asks::HoldTime(_) | Asks::Sequence(_) => Vec::new(),
        }
    }

    /// Whether a rule is judged over the batch rather than over one run of its step.
    pub fn over_batch(rule: &Rule) -> bool {
        matches!(rule.asks, Asks::HoldTime(_) | Asks::Sequence(_))
    }

    /// One event; what is found is added to `found`.
    pub fn next(&mut self, event: Event<'_>, found: &mut Vec<Finding>) {
        if self.ended {
            return;
        }
        let before = found.len();
        match event {
            Event::Reading { role, time, answer } => {
                if self.rule.counts_in.counts(self.held) {
                    self.read(role, time, answer, found);
                }
            }
            Event::Held { time, held } => self.hold(time, held, found),
            Event::Happened { moment, time } => match (&mut self.kind, &self.rule.asks) {
                (Kind::HoldTime(state), Asks::HoldTime(asks)) => state.happened(asks, moment, time, found),
                (Kind::Sequence(state), Asks::Sequence(asks)) => state.happened(asks, moment, time, found),
                _ => {}
            },
            Event::Clock { now } => self.clock(now, found),
            Event::End { time } => {
                self.end(time, found);
                self.ended = true;
            }
        }
        let counts = |finding: &&Finding| matches!(finding.state, State::Begun | State::Once);
        self.found += found[before..]
            .iter()
            .filter(counts)
            .filter(|finding| finding.class != Class::Trend && finding.because != "not-judged")
            .count() as u64;
        self.unjudged |= found[before..]
            .iter()
            .any(|finding| finding.because == "not-judged");
    }

    fn read(&mut self, role: usize, time: Stamp, answer: &Answer, found: &mut Vec<Finding>) {
        let shown = match answer {
            Answer::Good(Value::Quantity(quantity)) => Some(quantity),
            _ => None,
        };
        let sight = Sight { role, time, shown };
        self.seen += u64::from(shown.is_some());
        match (&mut self.kind, &self.rule.asks) {
            (Kind::Limits(state), Asks::Limits(asks)) => state.read(asks, &sight, found),
            (Kind::TimeInRange(state), Asks::TimeInRange(asks)) => state.read(asks, &sight, found),
            (Kind::Target(state), _) => state.read(&sight, found),
            (Kind::Stability(state), Asks::Stability(asks)) => state.read(asks, &sight, found),
            (Kind::Completeness(state), Asks::Completeness(asks)) => state.read(asks, &sight, found),
            (Kind::Rate(state), Asks::Rate(asks)) => state.read(asks, &sight, found),
            (Kind::Total(state), Asks::Total(asks)) => state.read(asks, &sight),
            (Kind::Reconciliation(state), _) => state.read(&sight),
            (Kind::Lethality(state), Asks::Lethality(asks)) => state.read(asks, &sight, found),
            (Kind::Redundancy(state), Asks::Redundancy(asks)) => state.read(asks, &sight, found),
            (Kind::Plausibility(state), Asks::Plausibility(asks)) => state.read(asks, &sight, found),
            (Kind::Spc(state), Asks::Spc(_)) => state.read(&sight, found),
            _ => {}
        }
    }

    /// Most rules need no word about it: what does not count is to them as if it had not been read, and their
    /// own rule about gaps says the rest.
    fn hold(&mut self, time: Stamp, held: bool, found: &mut Vec<Finding>) {
        let (before, after) = (
            self.rule.counts_in.counts(self.held),
            self.rule.counts_in.counts(held),
        );
        self.held = held;
        if before == after {
            return;
        }
        match (&mut self.kind, &self.rule.asks) {
            (Kind::Completeness(state), Asks::Completeness(asks)) => state.counts(asks, time, after, found),
            (Kind::Stability(state), _) => state.counts(time, after),
            _ => {}
        }
    }

    fn clock(&mut self, now: Stamp, found: &mut Vec<Finding>) {
        match (&mut self.kind, &self.rule.asks) {
            (Kind::HoldTime(state), Asks::HoldTime(asks)) => state.clock(asks, now, found),
            (Kind::Stability(state), Asks::Stability(asks)) => state.clock(asks, now, found),
            (Kind::Completeness(state), Asks::Completeness(asks)) => state.clock(asks, now, found),
            _ => {}
        }
    }

    fn end(&mut self, time: Stamp, found: &mut Vec<Finding>) {
        match (&mut self.kind, &self.rule.asks) {
            (Kind::Limits(state), _) => state.end(time, found),
            (Kind::TimeInRange(state), Asks::TimeInRange(asks)) => state.end(asks, time, found),
            (Kind::HoldTime(state), Asks::HoldTime(asks)) => state.end(asks, time, found),
            (Kind::Target(state), _) => state.end(time, found),
            (Kind::Stability(state), Asks::Stability(asks)) => state.end(asks, time, found),
            (Kind::Completeness(state), Asks::Completeness(asks)) => state.end(asks, time, found),
            (Kind::Rate(state), _) => state.end(time, found),
            (Kind::Total(state), Asks::Total(asks)) => state.end(asks, time, found),
            (Kind::Reconciliation(state), Asks::Reconciliation(asks)) => state.end(asks, time, found),
            (Kind::Sequence(state), Asks::Sequence(asks)) => state.end(asks, time, found),
            (Kind::Lethality(state), Asks::Lethality(asks)) => state.end(asks, time, found),
            (Kind::Redundancy(state), _) => state.end(time, found),
            (Kind::Plausibility(state), _) => state.end(time, found),
            _ => {}
        }
    }

    /// Whether there was anything to judge.
    fn earned(&self) -> bool {
        match &self.kind {
            Kind::HoldTime(state) => state.earned(),
            Kind::Sequence(state) => state.earned(),
            Kind::Rate(state) => state.earned(),
            Kind::Redundancy(state) => state.earned(),
            _ => self.seen > 0,
        }
    }

    /// How it came out. A rule that nothing was told about is not judged; that nothing was found is earned.
    pub fn outcome(&self) -> Outcome {
        if self.found > 0 {
            Outcome::NotMet
        } else if self.unjudged || !self.earned() {
            Outcome::NotJudged
        } else {
            Outcome::Met
        }
    }

    /// Whether it can be told where it stands now: the verdict of the last reading, for limits.
    pub fn verdict(&self) -> Option<Verdict> {
        match &self.kind {
            Kind::Limits(state) => state.verdict(),
            _ => None,
        }
    }

    /// What the limits of a rule say of one answer by itself, and in which limits; `None` where it says nothing.
    pub fn alone(rule: &Arc<Rule>, held: bool, answer: &Answer) -> Option<(Verdict, Option<Arc<Band>>)> {
        if !matches!(rule.asks, Asks::Limits(_)) {
            return None;
        }
        let (time, mut none) = (Stamp(0), Vec::new());
        let mut judge = Self::new(rule.clone(), time);
        judge.next(Event::Held { time, held }, &mut none);
        judge.next(
            Event::Reading {
                role: 0,
                time,
                answer,
            },
            &mut none,
        );
        Some((judge.verdict()?, judge.band()))
    }

    /// The limits it compares with, in the unit of the last reading.
    pub fn band(&self) -> Option<Arc<Band>> {
        match &self.kind {
            Kind::Limits(state) => state.band(),
            _ => None,
        }
    }

    /// Where it stands, in words for a screen: `7 min 20 s of 10 min`.
    pub fn stands(&self) -> String {
        match (&self.kind, &self.rule.asks) {
            (Kind::TimeInRange(state), Asks::TimeInRange(asks)) => state.stands(asks),
            (Kind::HoldTime(state), Asks::HoldTime(asks)) => state.stands(asks),
            (Kind::Total(state), Asks::Total(asks)) => state.stands(asks),
            (Kind::Lethality(state), Asks::Lethality(asks)) => state.stands(asks),
            _ => String::new(),
        }
    }

    /// What a restart must know to go on, as words of one line; empty for a rule without memory.
    pub fn state(&self) -> String {
        let mut words = Words::default();
        match &self.kind {
            Kind::TimeInRange(state) => state.remember(&mut words),
            Kind::HoldTime(state) => state.remember(&mut words),
            Kind::Target(state) => state.remember(&mut words),
            Kind::Completeness(state) => state.remember(&mut words),
            Kind::Total(state) => state.remember(&mut words),
            Kind::Reconciliation(state) => state.remember(&mut words),
            Kind::Sequence(state) => state.remember(&mut words),
            Kind::Lethality(state) => state.remember(&mut words),
            Kind::Limits(_)
            | Kind::Stability(_)
            | Kind::Rate(_)
            | Kind::Redundancy(_)
            | Kind::Plausibility(_)
            | Kind::Spc(_) => return String::new(),
        }
        words.put("seen", self.seen);
        words.put("found", self.found);
        words.text
    }

    /// Goes on from a state that was entered before a restart. What was read in between is a gap.
    pub fn recall(&mut self, state: &str) {
        let words = Words {
            text: state.to_owned(),
        };
        match &mut self.kind {
            Kind::TimeInRange(state) => state.recall(&words),
            Kind::HoldTime(state) => state.recall(&words),
            Kind::Target(state) => state.recall(&words),
            Kind::Completeness(state) => state.recall(&words),
            Kind::Total(state) => state.recall(&words),
            Kind::Reconciliation(state) => state.recall(&words),
            Kind::Sequence(state) => state.recall(&words),
            Kind::Lethality(state) => state.recall(&words),
            _ => {}
        }
        self.seen = words.get("seen").unwrap_or(0);
        self.found = words.get("found").unwrap_or(0);
        self.said = words.text;
    }

    /// When its run began.
    pub fn begun(&self) -> Stamp {
        self.begun
    }
}

/// A number as an entry writes it.
fn shown(number: Decimal) -> String {
    Amount::of(number).to_string()
}
