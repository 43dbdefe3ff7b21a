//! A stretch of readings on the wrong side of something: from when, how far, how long, and since when people
//! are called.

use super::{Class, Finding, State};
use crate::flow::check::Verdict;
use record::{Stamp, Unit};
use rust_decimal::Decimal;

/// What is wrong with one reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wrong {
    pub(super) side: Verdict,
    pub(super) value: Decimal,
    pub(super) limit: Decimal,
    pub(super) unit: Unit,
}

/// What the stretches of a rule have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct About {
    pub(super) class: Class,
    pub(super) because: &'static str,
    /// How the value is called: `change per min`, `difference`.
    pub(super) what: &'static str,
    /// A stretch shorter than this is none.
    pub(super) after_ms: i64,
}

/// At most one open stretch.
#[derive(Debug, Clone, Default)]
pub(super) struct Stretch {
    open: Option<Open>,
}

#[derive(Debug, Clone)]
struct Open {
    since: Stamp,
    last: (Stamp, Decimal),
    wrong: Wrong,
    worst_at: Stamp,
    area: Decimal,
    count: u64,
    told: bool,
    alarm: Option<Stamp>,
}

impl Stretch {
    /// Since when something is wrong.
    pub(super) fn since(&self) -> Option<Stamp> {
        self.open.as_ref().map(|open| open.since)
    }

    /// People are called from now on.
    pub(super) fn alarm(&mut self, about: About, time: Stamp, found: &mut Vec<Finding>) {
        if let Some(open) = &mut self.open {
            open.alarm = Some(time);
            found.push(open.finding(about, State::Alarm, time));
        }
    }

    /// One reading: wrong, or not.
    pub(super) fn read(&mut self, about: About, time: Stamp, wrong: Option<Wrong>, found: &mut Vec<Finding>) {
        match (&mut self.open, wrong) {
            (Some(open), Some(wrong)) if open.wrong.side == wrong.side && open.wrong.unit == wrong.unit => {
                open.add(time, wrong);
            }
            (_, wrong) => {
                self.end(about, time, found);
                self.open = wrong.map(|wrong| Open {
                    since: time,
                    last: (time, beyond(wrong)),
                    wrong,
                    worst_at: time,
                    area: Decimal::ZERO,
                    count: 1,
                    told: false,
                    alarm: None,
                });
            }
        }
        if let Some(open) = self
            .open
            .as_mut()
            .filter(|open| !open.told && time.ms_since(open.since) >= about.after_ms)
        {
            open.told = true;
            found.push(open.finding(about, State::Begun, time));
        }
    }

    /// The stretch is over, if there is one.
    pub(super) fn end(&mut self, about: About, time: Stamp, found: &mut Vec<Finding>) {
        if let Some(mut open) = self.open.take().filter(|open| open.told) {
            // From the last reading beyond the limit to the limit itself.
            open.cover(time, Decimal::ZERO);
            found.push(open.finding(about, State::Over, time));
        }
    }
}

fn beyond(wrong: Wrong) -> Decimal {
    wrong.value.checked_sub(wrong.limit).unwrap_or_default().abs()
}

impl Open {
    fn add(&mut self, time: Stamp, wrong: Wrong) {
        self.count += 1;
        let far = beyond(wrong);
        self.cover(time, far);
        if far > beyond(self.wrong) {
            self.wrong = wrong;
            self.worst_at = time;
        }
    }

    fn cover(&mut self, time: Stamp, far: Decimal) {
        let ms = Decimal::from(time.ms_since(self.last.0).max(0));
        let added = self.last.1.checked_add(far).and_then(|sum| sum.checked_mul(ms));
        self.area = added
            .and_then(|added| self.area.checked_add(added))
            .unwrap_or(self.area);
        self.last = (time, far);
    }

    fn finding(&self, about: About, state: State, until: Stamp) -> Finding {
        let Wrong {
            side,
            value,
            limit,
            unit,
        } = self.wrong;
        let what = if about.what.is_empty() {
            String::new()
        } else {
            format!("{} ", about.what)
        };
        let mut says = format!("{what}{value} {unit}, {} {limit} {unit}", side.word());
        if state == State::Over {
            says += &format!(", for {}", super::span(until.ms_since(self.since)));
        }
        let two_seconds = Decimal::from(2000);
        Finding {
            state,
            class: about.class,
            because: about.because,
            role: 0,
            from: self.since,
            until,
            side: Some(side),
            extreme: Some(value),
            extreme_time: self.worst_at,
            limit: Some(limit),
            unit: Some(unit),
            area: self
                .area
                .checked_div(two_seconds)
                .map(|area| area.round_dp(3).normalize()),
            count: self.count,
            alarm: self.alarm,
            says,
        }
    }
}
