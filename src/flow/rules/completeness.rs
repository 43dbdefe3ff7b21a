//! `completeness`: enough good readings, none too far apart. Time in a state that does not count is not expected
//! to hold any.

use super::{
    Class, Finding, Sight,
    words::{Words, ms, span},
};
use crate::config::rule;
use record::Stamp;
use rust_decimal::Decimal;

#[derive(Debug, Clone)]
pub(super) struct Completeness {
    count: u64,
    /// The last good reading, or since when readings are waited for; `None` while nothing counts.
    last: Option<Stamp>,
    /// Since when it counts; `None` while it does not.
    since: Option<Stamp>,
    /// Milliseconds that counted before.
    counted: i64,
    told: bool,
}

impl Completeness {
    pub(super) fn new(begun: Stamp) -> Self {
        Self {
            count: 0,
            last: Some(begun),
            since: Some(begun),
            counted: 0,
            told: false,
        }
    }

    pub(super) fn read(&mut self, asks: &rule::Completeness, sight: &Sight<'_>, found: &mut Vec<Finding>) {
        if sight.shown.is_none() {
            return;
        }
        self.clock(asks, sight.time, found);
        self.told = false;
        self.count += 1;
        self.last = self.last.max(Some(sight.time));
    }

    /// Said once for each gap, as soon as it is too long.
    pub(super) fn clock(&mut self, asks: &rule::Completeness, now: Stamp, found: &mut Vec<Finding>) {
        let (Some(most), Some(last)) = (asks.max_gap, self.last) else {
            return;
        };
        if self.told || now.ms_since(last) <= ms(most) {
            return;
        }
        self.told = true;
        let says = format!("no reading for longer than {}", span(ms(most)));
        found.push(Finding {
            from: last,
            ..Finding::once(Class::Integrity, "gap-long", now, says)
        });
    }

    pub(super) fn counts(
        &mut self,
        asks: &rule::Completeness,
        time: Stamp,
        counts: bool,
        found: &mut Vec<Finding>,
    ) {
        if counts {
            (self.last, self.since) = (Some(time), Some(time));
        } else {
            self.clock(asks, time, found);
            self.counted += self.since.map_or(0, |since| time.ms_since(since).max(0));
            (self.last, self.since) = (None, None);
        }
        self.told = false;
    }

    pub(super) fn end(&mut self, asks: &rule::Completeness, time: Stamp, found: &mut Vec<Finding>) {
        self.counts(asks, time, false, found);
        let expected = asks.one_in.map_or(0, |one_in| self.counted / ms(one_in).max(1));
        let share = Decimal::from(expected)
            .checked_mul(asks.share)
            .and_then(|share| share.checked_div(Decimal::ONE_HUNDRED));
        let asked = share
            .unwrap_or_default()
            .ceil()
            .max(Decimal::from(asks.readings.unwrap_or(0)));
        if Decimal::from(self.count) < asked {
            let says = format!("{} readings, at least {asked} were asked", self.count);
            found.push(Finding {
                count: self.count,
                ..Finding::once(Class::Integrity, "incomplete", time, says)
            });
        }
    }

    pub(super) fn remember(&self, words: &mut Words) {
        words.put("count", self.count);
        words.put("counted_ms", self.counted);
        words.put_time("last", self.last);
        words.put_time("since", self.since);
    }

    pub(super) fn recall(&mut self, words: &Words) {
        self.count = words.get("count").unwrap_or(0);
        self.counted = words.get("counted_ms").unwrap_or(0);
        self.last = words.time("last");
        self.since = words.time("since");
    }
}
