//! `plausibility`: outside the physical range, stuck, or jumping. A fault of the instrument, never of the process.

use super::{
    Class, Finding, Sight, State, shown,
    stretch::{About, Stretch, Wrong},
    words::{ms, span},
};
use crate::{
    config::{rule, tolerance::difference_in},
    flow::check::Verdict,
};
use record::{Amount, Stamp};
use rust_decimal::Decimal;

const ABOUT: About = About {
    class: Class::Instrument,
    because: "implausible",
    what: "",
    after_ms: 0,
};

#[derive(Debug, Clone)]
pub(super) struct Plausibility {
    low: Option<Decimal>,
    high: Option<Decimal>,
    stretch: Stretch,
    last: Option<(Stamp, Amount)>,
    same_since: Stamp,
    stuck: bool,
}

impl Plausibility {
    pub(super) fn new(asks: &rule::Plausibility) -> Self {
        let side =
            |side: &Option<record::Quantity>| asks.unit.and_then(|unit| super::limit_in(side.as_ref(), unit));
        Self {
            low: side(&asks.low),
            high: side(&asks.high),
            stretch: Stretch::default(),
            last: None,
            same_since: Stamp(0),
            stuck: false,
        }
    }

    pub(super) fn read(&mut self, asks: &rule::Plausibility, sight: &Sight<'_>, found: &mut Vec<Finding>) {
        let Some(quantity) = sight.shown else {
            self.moves(sight.time, found);
            self.last = None;
            return;
        };
        if let Some((unit, number)) = asks.unit.and_then(|unit| Some((unit, sight.number(unit)?))) {
            let wrong = |side, limit| Wrong {
                side,
                value: number,
                limit,
                unit,
            };
            let wrong = match (self.low, self.high) {
                (Some(low), _) if number < low => Some(wrong(Verdict::Below, low)),
                (_, Some(high)) if number > high => Some(wrong(Verdict::Above, high)),
                _ => None,
            };
            self.stretch.read(ABOUT, sight.time, wrong, found);
        }
        let near = |last: Stamp| (0..=ms(asks.max_sample_gap)).contains(&sight.time.ms_since(last));
        let before = self.last.take().filter(|(last, _)| near(*last));
        match &before {
            Some((_, before)) if *before == quantity.amount => self.stays(asks, sight.time, found),
            Some((_, before)) => {
                Self::jump(asks, sight, before, found);
                self.moves(sight.time, found);
            }
            None => self.moves(sight.time, found),
        }
        // The same digits need no copy of their own.
        self.last = match before {
            Some((_, same)) if same == quantity.amount => Some((sight.time, same)),
            _ => Some((sight.time, quantity.amount.clone())),
        };
    }

    fn stays(&mut self, asks: &rule::Plausibility, time: Stamp, found: &mut Vec<Finding>) {
        let Some(after) = asks.stuck_after.filter(|_| !self.stuck) else {
            return;
        };
        if time.ms_since(self.same_since) >= ms(after) {
            self.stuck = true;
            found.push(self.finding(State::Begun, time));
        }
    }

    fn moves(&mut self, time: Stamp, found: &mut Vec<Finding>) {
        if std::mem::take(&mut self.stuck) {
            found.push(self.finding(State::Over, time));
        }
        self.same_since = time;
    }

    fn finding(&self, state: State, time: Stamp) -> Finding {
        let says = format!("the same digits for {}", span(time.ms_since(self.same_since)));
        Finding {
            state,
            from: self.same_since,
            ..Finding::once(Class::Instrument, "stuck", time, says)
        }
    }

    fn jump(asks: &rule::Plausibility, sight: &Sight<'_>, before: &Amount, found: &mut Vec<Finding>) {
        let (Some(jump), Some(quantity)) = (&asks.jump, sight.shown) else {
            return;
        };
        let Some(most) = difference_in(jump, quantity.unit) else {
            return;
        };
        let by = (quantity.amount.number() - before.number()).abs();
        if by > most {
            let unit = quantity.unit;
            let says = format!("from {before} to {} {unit} in one reading", quantity.amount);
            found.push(Finding {
                extreme: Some(by),
                limit: Some(most),
                unit: Some(unit),
                says: format!("{says}, at most {} {unit}", shown(most)),
                ..Finding::once(Class::Instrument, "jump", sight.time, String::new())
            });
        }
    }

    pub(super) fn end(&mut self, time: Stamp, found: &mut Vec<Finding>) {
        self.stretch.end(ABOUT, time, found);
        self.moves(time, found);
    }
}
