//! `stability`: at rest is a value whose readings over a window lie within a band, and which the instrument
//! itself calls settled. Without that word it may be inferred, from five readings over two seconds at least.

use super::{
    Class, Finding, Sight, State,
    words::{ms, span},
};
use crate::config::{rule, tolerance::difference_in};
use record::{Stamp, Unit};
use rust_decimal::Decimal;
use std::collections::VecDeque;

const INFERRED_READINGS: usize = 5;
const INFERRED_MS: i64 = 2_000;

#[derive(Debug, Clone)]
pub(super) struct Stability {
    readings: VecDeque<(Stamp, Decimal)>,
    unit: Option<Unit>,
    /// Not at rest since then; `None`: at rest, or it does not count.
    moving: Option<Stamp>,
    told: bool,
}

impl Stability {
    pub(super) fn new(begun: Stamp) -> Self {
        Self {
            readings: VecDeque::new(),
            unit: None,
            moving: Some(begun),
            told: false,
        }
    }

    pub(super) fn read(&mut self, asks: &rule::Stability, sight: &Sight<'_>, found: &mut Vec<Finding>) {
        if self.at_rest(asks, sight) {
            if self.told {
                found.push(self.finding(State::Over, sight.time, asks));
            }
            self.told = false;
            self.moving = None;
        } else {
            self.moving.get_or_insert(sight.time);
            self.clock(asks, sight.time, found);
        }
    }

    fn at_rest(&mut self, asks: &rule::Stability, sight: &Sight<'_>) -> bool {
        let Some(quantity) = sight.shown else {
            self.readings.clear();
            return false;
        };
        let over = if asks.inferred {
            ms(asks.over).max(INFERRED_MS)
        } else {
            ms(asks.over)
        };
        let broken = self
            .readings
            .back()
            .is_some_and(|(last, _)| !(0..=ms(asks.over)).contains(&sight.time.ms_since(*last)));
        if broken || self.unit.is_some_and(|unit| unit != quantity.unit) {
            self.readings.clear();
        }
        self.unit = Some(quantity.unit);
        self.readings.push_back((sight.time, quantity.amount.number()));
        // One reading from before the window stays, so that the window is covered whole.
        while self
            .readings
            .get(1)
            .is_some_and(|(second, _)| sight.time.ms_since(*second) >= over)
        {
            self.readings.pop_front();
        }
        let Some((first, _)) = self.readings.front() else {
            return false;
        };
        let enough = if asks.inferred { INFERRED_READINGS } else { 2 };
        if sight.time.ms_since(*first) < over || self.readings.len() < enough {
            return false;
        }
        let numbers = || self.readings.iter().map(|(_, number)| *number);
        let spread = numbers().max().zip(numbers().min()).map(|(max, min)| max - min);
        let within = difference_in(&asks.within, quantity.unit);
        spread
            .zip(within)
            .is_some_and(|(spread, within)| spread <= within)
    }

    pub(super) fn clock(&mut self, asks: &rule::Stability, now: Stamp, found: &mut Vec<Finding>) {
        let Some(moving) = self.moving.filter(|_| !self.told) else {
            return;
        };
        if now.ms_since(moving) > ms(asks.timeout) {
            self.told = true;
            found.push(self.finding(State::Begun, now, asks));
        }
    }

    pub(super) fn counts(&mut self, time: Stamp, counts: bool) {
        self.readings.clear();
        self.moving = counts.then_some(time);
    }

    pub(super) fn end(&mut self, asks: &rule::Stability, time: Stamp, found: &mut Vec<Finding>) {
        if self.told {
            found.push(self.finding(State::Over, time, asks));
        }
    }

    fn finding(&self, state: State, time: Stamp, asks: &rule::Stability) -> Finding {
        let from = self.moving.unwrap_or(time);
        let says = format!(
            "not at rest for {}, within {}",
            span(time.ms_since(from)),
            asks.within
        );
        Finding {
            state,
            from,
            ..Finding::once(Class::Weighing, "not-settled", time, says)
        }
    }
}
