//! `time-in-range`: credited is the time between two readings in range, no further apart than the greatest gap.
//! The crossing is taken at the reading: less is credited than may have been, never more.

use super::{
    Class, Finding, Sight,
    words::{Words, ms, span},
};
use crate::config::rule::{self, How};
use record::{Stamp, Unit};
use rust_decimal::Decimal;

#[derive(Debug, Clone)]
pub(super) struct TimeInRange {
    unit: Unit,
    low: Option<Decimal>,
    high: Option<Decimal>,
    /// The last reading that counted, and whether it was in range.
    last: Option<(Stamp, bool)>,
    /// Present stretch, longest stretch, and sum, in milliseconds.
    stretch: i64,
    longest: i64,
    sum: i64,
    /// The last moment in range before the present stay outside.
    left: Option<Stamp>,
    excursions: u32,
    too_long: bool,
}

impl TimeInRange {
    pub(super) fn new(asks: &rule::TimeInRange) -> Self {
        Self {
            unit: asks.unit,
            low: super::limit_in(asks.low.as_ref(), asks.unit),
            high: super::limit_in(asks.high.as_ref(), asks.unit),
            last: None,
            stretch: 0,
            longest: 0,
            sum: 0,
            left: None,
            excursions: 0,
            too_long: false,
        }
    }

    fn credited(&self, asks: &rule::TimeInRange) -> i64 {
        match asks.how {
            How::Continuous => self.longest,
            How::Cumulative => self.sum,
        }
    }

    pub(super) fn read(&mut self, asks: &rule::TimeInRange, sight: &Sight<'_>, found: &mut Vec<Finding>) {
        let time = sight.time;
        let inside = sight.number(self.unit).is_some_and(|number| {
            self.low.is_none_or(|low| number >= low) && self.high.is_none_or(|high| number <= high)
        });
        let before = self
            .last
            .filter(|(last, _)| (0..=ms(asks.max_sample_gap)).contains(&time.ms_since(*last)));
        if before.is_none() {
            self.break_off();
        }
        match (before, inside) {
            (Some((last, true)), true) => {
                let credit = time.ms_since(last);
                self.stretch += credit;
                self.sum += credit;
            }
            (Some((last, true)), false) => self.left = Some(last),
            (Some((_, false)), true) => self.come_back(asks, time),
            _ => {}
        }
        if !inside {
            let away = self.left.map_or(0, |left| time.ms_since(left));
            if asks.max_excursion.is_none_or(|longest| away > ms(longest)) {
                self.break_off();
            }
        }
        self.last = Some((time, inside));
        self.longest = self.longest.max(self.stretch);
        if let Some(most) = asks
            .at_most
            .filter(|most| !self.too_long && self.credited(asks) > ms(*most))
        {
            self.too_long = true;
            let says = format!(
                "in range for {}, at most {} were asked",
                span(self.credited(asks)),
                span(ms(most))
            );
            found.push(Finding::once(Class::Limit, "time-long", time, says));
        }
    }

    /// Back in range: a short stay outside leaves the stretch as it was, and is not credited.
    fn come_back(&mut self, asks: &rule::TimeInRange, time: Stamp) {
        let Some(left) = self.left.take() else { return };
        self.excursions += 1;
        let short = asks
            .max_excursion
            .is_some_and(|longest| time.ms_since(left) <= ms(longest));
        let few = asks.max_excursions.is_none_or(|most| self.excursions <= most);
        if !(short && few) {
            self.break_off();
        }
    }

    fn break_off(&mut self) {
        self.stretch = 0;
        self.excursions = 0;
        self.left = None;
    }

    pub(super) fn end(&mut self, asks: &rule::TimeInRange, time: Stamp, found: &mut Vec<Finding>) {
        let credited = self.credited(asks);
        if credited < ms(asks.at_least) {
            let says = format!(
                "in range for {}, at least {} were asked",
                span(credited),
                span(ms(asks.at_least))
            );
            found.push(Finding::once(Class::Limit, "time-short", time, says));
        }
    }

    pub(super) fn stands(&self, asks: &rule::TimeInRange) -> String {
        let credited = match asks.how {
            How::Continuous if self.longest < ms(asks.at_least) => self.stretch,
            _ => self.credited(asks),
        };
        format!("{} of {}", span(credited), span(ms(asks.at_least)))
    }

    pub(super) fn remember(&self, words: &mut Words) {
        words.put("stretch_ms", self.stretch);
        words.put("longest_ms", self.longest);
        words.put("sum_ms", self.sum);
        words.put("excursions", self.excursions);
        words.put("too_long", u8::from(self.too_long));
        words.put_time("last", self.last.map(|(time, _)| time));
    }

    /// The last reading before is taken for one outside: nothing is credited over the time between.
    pub(super) fn recall(&mut self, words: &Words) {
        self.longest = words.get("longest_ms").unwrap_or(0);
        self.sum = words.get("sum_ms").unwrap_or(0);
        self.too_long = words.get::<u8>("too_long") == Some(1);
        self.break_off();
        self.last = words.time("last").map(|time| (time, false));
    }
}
