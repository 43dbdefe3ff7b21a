//! `redundancy`: each reading of the first point is compared with the nearest of the second. A disagreement is a
//! fault of an instrument, and says nothing about the process.

use super::{
    Class, Finding, Sight,
    stretch::{About, Stretch, Wrong},
    words::ms,
};
use crate::{
    config::{rule, tolerance::difference_in},
    flow::check::Verdict,
};
use record::{Stamp, Unit};
use rust_decimal::Decimal;
use std::collections::VecDeque;

/// So many readings of a point wait for the other at most.
const WAITING: usize = 1_000;

#[derive(Debug, Clone, Default)]
pub(super) struct Redundancy {
    /// Of each point, readings that the other may still be compared with.
    readings: [VecDeque<(Stamp, Decimal)>; 2],
    unit: Option<Unit>,
    stretch: Stretch,
    after_ms: i64,
    compared: bool,
}

impl Redundancy {
    fn about(&self) -> About {
        About {
            class: Class::Instrument,
            because: "disagree",
            what: "difference",
            after_ms: self.after_ms,
        }
    }

    pub(super) fn read(&mut self, asks: &rule::Redundancy, sight: &Sight<'_>, found: &mut Vec<Finding>) {
        self.after_ms = ms(asks.longer_than);
        let Some(quantity) = sight.shown else { return };
        let unit = *self.unit.get_or_insert(quantity.unit);
        let (Some(number), Some(side)) = (sight.number(unit), self.readings.get_mut(sight.role)) else {
            return;
        };
        side.push_back((sight.time, number));
        if side.len() > WAITING {
            side.pop_front();
        }
        self.compare(asks, unit, found);
    }

    /// Whatever order the two arrive in, the same pairs are compared.
    fn compare(&mut self, asks: &rule::Redundancy, unit: Unit, found: &mut Vec<Finding>) {
        let apart = ms(asks.at_most_apart);
        while let Some((time, number)) = self.readings[0].front().copied() {
            let others = &self.readings[1];
            let newest = self.readings[0].back().map_or(time, |(newest, _)| *newest);
            let beyond = others.back().is_some_and(|(other, _)| *other >= time);
            if !beyond && newest.ms_since(time) <= apart {
                return;
            }
            let nearest = others
                .iter()
                .min_by_key(|(other, _)| other.ms_since(time).abs())
                .filter(|(other, _)| other.ms_since(time).abs() <= apart);
            let within = difference_in(&asks.within, unit);
            if let (Some((_, other)), Some(within)) = (nearest, within) {
                self.compared = true;
                let difference = (number - other).abs();
                let wrong = (difference > within).then_some(Wrong {
                    side: Verdict::Above,
                    value: difference,
                    limit: within,
                    unit,
                });
                self.stretch.read(self.about(), time, wrong, found);
            }
            self.readings[0].pop_front();
            let oldest = time.plus_ms(-apart);
            while self.readings[1].front().is_some_and(|(other, _)| *other < oldest) {
                self.readings[1].pop_front();
            }
        }
    }

    pub(super) fn earned(&self) -> bool {
        self.compared
    }

    pub(super) fn end(&mut self, time: Stamp, found: &mut Vec<Finding>) {
        self.stretch.end(self.about(), time, found);
    }
}
