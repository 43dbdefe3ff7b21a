//! `spc`: Nelson's run rules over a centre and a deviation that are fixed. They show a trend and fail nothing.

use super::{Class, Finding, Sight};
use crate::config::{rule, tolerance::difference_in};
use record::Unit;
use rust_decimal::Decimal;
use std::cmp::Ordering;

const SAYS: [&str; 8] = [
    "one value beyond three deviations",
    "nine in a row on one side of the centre",
    "six in a row rising or falling",
    "fourteen in a row going up and down",
    "two of three beyond two deviations on one side",
    "four of five beyond one deviation on one side",
    "fifteen in a row within one deviation",
    "eight in a row beyond one deviation, on both sides",
];

#[derive(Debug, Clone)]
pub(super) struct Spc {
    unit: Unit,
    centre: Decimal,
    sigma: Decimal,
    asked: u8,
    last: Option<Decimal>,
    /// Rules that hold at the last reading: each is told when it begins to.
    holding: u8,
    side: (i8, u32),
    going: (i8, u32),
    turns: u32,
    inside: u32,
    outside: u32,
    /// Sides the readings of `outside` were on: 1 above, 2 below.
    sides: u8,
    /// The last five readings, newest in the lowest bits: beyond one and two deviations, above and below.
    beyond: [u8; 4],
}

impl Spc {
    pub(super) fn new(asks: &rule::Spc) -> Self {
        let unit = asks.centre.unit;
        Self {
            unit,
            centre: asks.centre.amount.number(),
            sigma: difference_in(&asks.sigma, unit).unwrap_or_default(),
            asked: asks.rules,
            last: None,
            holding: 0,
            side: (0, 0),
            going: (0, 0),
            turns: 0,
            inside: 0,
            outside: 0,
            sides: 0,
            beyond: [0; 4],
        }
    }

    pub(super) fn read(&mut self, sight: &Sight<'_>, found: &mut Vec<Finding>) {
        // A reading that cannot be trusted ends every row.
        let Some(number) = sight.number(self.unit) else {
            let fresh = Self {
                last: None,
                holding: 0,
                side: (0, 0),
                going: (0, 0),
                turns: 0,
                inside: 0,
                outside: 0,
                sides: 0,
                beyond: [0; 4],
                ..*self
            };
            *self = fresh;
            return;
        };
        let holding = self.count(number) & self.asked;
        let begun = holding & !self.holding;
        self.holding = holding;
        self.last = Some(number);
        for rule in (0..8).filter(|rule| begun & (1 << rule) != 0) {
            let says = format!("Nelson {}: {}", rule + 1, SAYS[rule]);
            found.push(Finding {
                extreme: Some(number),
                unit: Some(self.unit),
                ..Finding::once(Class::Trend, "trend", sight.time, says)
            });
        }
    }

    /// Which rules hold with this reading, as bits.
    fn count(&mut self, number: Decimal) -> u8 {
        let off = number - self.centre;
        let far = off.abs();
        let side = sign(off.cmp(&Decimal::ZERO));
        self.side = row(self.side, side);
        let way = self.last.map_or(0, |last| sign(number.cmp(&last)));
        let turned = way != 0 && self.going.0 == -way;
        self.turns = match (turned, way) {
            (true, _) => self.turns + 1,
            (false, 0) => 0,
            (false, _) => 1,
        };
        self.going = row(self.going, way);
        let within_one = far <= self.sigma;
        self.inside = if within_one { self.inside + 1 } else { 0 };
        self.outside = if within_one { 0 } else { self.outside + 1 };
        let bit = if side > 0 { 1 } else { 2 };
        self.sides = if within_one { 0 } else { self.sides | bit };
        let beyond = [
            side > 0 && far > self.sigma,
            side < 0 && far > self.sigma,
            side > 0 && far > self.sigma * Decimal::TWO,
            side < 0 && far > self.sigma * Decimal::TWO,
        ];
        for (bits, is) in self.beyond.iter_mut().zip(beyond) {
            *bits = (*bits << 1 | u8::from(is)) & 0b1_1111;
        }
        let of = |bits: u8, last: u8| (bits & last).count_ones();
        let holds = [
            far > self.sigma * Decimal::from(3),
            self.side.0 != 0 && self.side.1 >= 9,
            // Six values in a row are five steps.
            self.going.0 != 0 && self.going.1 >= 5,
            // Fourteen values are thirteen steps, each against the one before.
            self.turns >= 13,
            (beyond[2] && of(self.beyond[2], 0b111) >= 2) || (beyond[3] && of(self.beyond[3], 0b111) >= 2),
            (beyond[0] && of(self.beyond[0], 0b1_1111) >= 4)
                || (beyond[1] && of(self.beyond[1], 0b1_1111) >= 4),
            self.inside >= 15,
            self.outside >= 8 && self.sides == 3,
        ];
        holds
            .iter()
            .enumerate()
            .fold(0, |bits, (at, holds)| bits | u8::from(*holds) << at)
    }
}

fn sign(ordering: Ordering) -> i8 {
    match ordering {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

/// One more of the same, or the first of another.
fn row((known, count): (i8, u32), now: i8) -> (i8, u32) {
    if known == now {
        (known, count + 1)
    } else {
        (now, 1)
    }
}
