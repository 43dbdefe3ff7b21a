//! `target` and `min-weight`: a value within a window, judged at the end or each time.

use super::{Class, Finding, Sight, shown, words::Words};
use crate::{
    config::rule::{self, Judged},
    flow::check::Verdict,
};
use record::{Stamp, Unit};
use rust_decimal::Decimal;

/// The window, in its unit, and the last value that counted.
#[derive(Debug, Clone)]
pub(super) struct Window {
    low: Option<Decimal>,
    high: Option<Decimal>,
    unit: Unit,
    judged: Judged,
    words: [&'static str; 2],
    last: Option<(Stamp, Decimal)>,
}

impl Window {
    pub(super) fn of_target(asks: &rule::Target) -> Self {
        let window = asks.window().ok();
        Self {
            low: window.map(|(low, _)| low),
            high: window.map(|(_, high)| high),
            unit: asks.target.unit,
            judged: asks.judged,
            words: ["off-target", "off-target"],
            last: None,
        }
    }

    pub(super) fn of_weight(asks: &rule::MinWeight) -> Self {
        let unit = asks.at_least.unit;
        Self {
            low: Some(asks.at_least.amount.number()),
            high: super::limit_in(asks.at_most.as_ref(), unit),
            unit,
            judged: asks.judged,
            words: ["too-light", "too-heavy"],
            last: None,
        }
    }

    pub(super) fn read(&mut self, sight: &Sight<'_>, found: &mut Vec<Finding>) {
        let Some(number) = sight.number(self.unit) else {
            return;
        };
        self.last = Some((sight.time, number));
        if self.judged == Judged::Every {
            self.judge(sight.time, number, found);
        }
    }

    fn judge(&self, time: Stamp, number: Decimal, found: &mut Vec<Finding>) {
        let (side, limit, because) = match (self.low, self.high) {
            (Some(low), _) if number < low => (Verdict::Below, low, self.words[0]),
            (_, Some(high)) if number > high => (Verdict::Above, high, self.words[1]),
            _ => return,
        };
        let unit = self.unit;
        let says = format!(
            "{} {unit}, {} {} {unit}",
            shown(number),
            side.word(),
            shown(limit)
        );
        found.push(Finding {
            side: Some(side),
            extreme: Some(number),
            limit: Some(limit),
            unit: Some(unit),
            count: 1,
            ..Finding::once(Class::Weighing, because, time, says)
        });
    }

    pub(super) fn end(&mut self, time: Stamp, found: &mut Vec<Finding>) {
        match self.last {
            Some((at, number)) if self.judged == Judged::AtEnd => self.judge(at, number, found),
            Some(_) => {}
            None => {
                let says = "no value that counts was read".to_owned();
                found.push(Finding::once(Class::Weighing, "not-judged", time, says));
            }
        }
    }

    pub(super) fn remember(&self, words: &mut Words) {
        words.put_time("last", self.last.map(|(time, _)| time));
        if let Some((_, number)) = self.last {
            words.put("value", number);
        }
    }

    pub(super) fn recall(&mut self, words: &Words) {
        self.last = words.time("last").zip(words.get("value"));
    }
}
