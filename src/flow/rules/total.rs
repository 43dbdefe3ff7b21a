//! `total`: a flow over its time by trapezoids, or what a counter went on by. Over a gap a flow adds nothing,
//! and the total is an estimate from then on.

use super::{
    Class, Finding, Sight, shown,
    words::{Words, ms},
};
use crate::{
    config::rule::{self, Reset, Source, parts},
    flow::check::Verdict,
};
use record::{Stamp, Unit};
use rust_decimal::Decimal;

#[derive(Debug, Clone)]
pub(super) struct Total {
    unit: Unit,
    low: Option<Decimal>,
    high: Option<Decimal>,
    /// In the unit of the total.
    sum: Decimal,
    last: Option<(Stamp, Decimal)>,
    unit_read: Option<Unit>,
    estimate: Option<&'static str>,
    broken: bool,
}

impl Total {
    pub(super) fn new(asks: &rule::Total) -> Self {
        Self {
            unit: asks.unit,
            low: super::limit_in(asks.low.as_ref(), asks.unit),
            high: super::limit_in(asks.high.as_ref(), asks.unit),
            sum: Decimal::ZERO,
            last: None,
            unit_read: None,
            estimate: None,
            broken: false,
        }
    }

    pub(super) fn read(&mut self, asks: &rule::Total, sight: &Sight<'_>) {
        match &asks.source {
            Source::Flow => self.flow(asks, sight),
            Source::Counter { rollover, reset } => {
                let rollover = super::limit_in(rollover.as_ref(), self.unit);
                self.counter(rollover, *reset, sight);
            }
        }
    }

    fn flow(&mut self, asks: &rule::Total, sight: &Sight<'_>) {
        let Some((quantity, (amount, per))) = sight
            .shown
            .and_then(|quantity| Some((quantity, parts(quantity.unit)?)))
        else {
            self.gap("doubtful-readings");
            return;
        };
        let number = quantity.amount.number();
        if self.unit_read.is_some_and(|unit| unit != quantity.unit) {
            self.gap("another-unit");
        }
        self.unit_read = Some(quantity.unit);
        if let Some((time, before)) = self.last {
            let length = sight.time.ms_since(time);
            if (0..=ms(asks.max_sample_gap)).contains(&length) {
                let added = before
                    .checked_add(number)
                    .and_then(|both| both.checked_mul(length.into()))
                    .and_then(|area| area.checked_div(Decimal::from(2 * ms(per))))
                    .and_then(|added| amount.convert(added, self.unit))
                    .and_then(|added| self.sum.checked_add(added));
                match added {
                    Some(sum) => self.sum = sum,
                    None => self.broken = true,
                }
            } else {
                self.estimate.get_or_insert("a-gap");
            }
        } else if self.sum > Decimal::ZERO {
            self.estimate.get_or_insert("a-gap");
        }
        self.last = Some((sight.time, number));
    }

    fn gap(&mut self, why: &'static str) {
        if self.last.take().is_some() {
            self.estimate.get_or_insert(why);
        }
    }

    /// A counter counts on by itself while nobody reads it: a gap takes nothing away.
    fn counter(&mut self, rollover: Option<Decimal>, reset: Reset, sight: &Sight<'_>) {
        let Some(number) = sight.number(self.unit) else {
            return;
        };
        if let Some((_, before)) = self.last {
            let step = number - before;
            let round = rollover
                .and_then(|rollover| step.checked_add(rollover).map(|step| (step, rollover)))
                .filter(|(step, rollover)| *step >= Decimal::ZERO && *step * Decimal::TWO <= *rollover)
                .map(|(step, _)| step);
            let step = match (step >= Decimal::ZERO, round, reset) {
                (true, ..) => step,
                (false, Some(round), _) => round,
                (false, None, Reset::Restart) => {
                    self.estimate.get_or_insert("set-back");
                    number.max(Decimal::ZERO)
                }
                (false, None, Reset::Refuse) => {
                    self.broken = true;
                    Decimal::ZERO
                }
            };
            self.sum = self.sum.checked_add(step).unwrap_or(self.sum);
        }
        self.last = Some((sight.time, number));
    }

    pub(super) fn end(&mut self, _asks: &rule::Total, time: Stamp, found: &mut Vec<Finding>) {
        let (sum, unit) = (self.sum.round_dp(6).normalize(), self.unit);
        if self.broken || self.last.is_none() && self.sum.is_zero() {
            let says = if self.broken {
                format!("the counter fell: the total of {sum} {unit} cannot be trusted")
            } else {
                "nothing was read that adds up".to_owned()
            };
            found.push(Finding::once(Class::Limit, "not-judged", time, says));
            return;
        }
        let out = match (self.low, self.high) {
            (Some(low), _) if sum < low => Some((Verdict::Below, low)),
            (_, Some(high)) if sum > high => Some((Verdict::Above, high)),
            _ => None,
        };
        let estimate = self.estimate.map_or_else(String::new, |why| {
            format!(", an estimate because of {}", why.replace('-', " "))
        });
        if let Some((side, limit)) = out {
            let says = format!("{sum} {unit}, {} {} {unit}{estimate}", side.word(), shown(limit));
            found.push(Finding {
                side: Some(side),
                extreme: Some(sum),
                limit: Some(limit),
                unit: Some(unit),
                ..Finding::once(Class::Limit, "total", time, says)
            });
        } else if self.estimate.is_some() {
            let says = format!("{sum} {unit}{estimate}");
            found.push(Finding::once(Class::Limit, "estimate", time, says));
        }
    }

    pub(super) fn stands(&self, asks: &rule::Total) -> String {
        let about = if self.estimate.is_some() { "about " } else { "" };
        format!("{about}{} {}", self.sum.round_dp(3).normalize(), asks.unit)
    }

    pub(super) fn remember(&self, words: &mut Words) {
        words.put("sum", self.sum);
        words.put("broken", u8::from(self.broken));
        if let Some(why) = self.estimate {
            words.put("estimate", why);
        }
        if let Some((time, number)) = self.last {
            words.put("last", time);
            words.put("value", number);
        }
    }

    /// A flow begins anew, and the total is an estimate. A counter goes on from what it showed.
    pub(super) fn recall(&mut self, words: &Words) {
        self.sum = words.get("sum").unwrap_or_default();
        self.broken = words.get::<u8>("broken") == Some(1);
        self.estimate = words.word("estimate").map(|why| {
            ["a-gap", "doubtful-readings", "another-unit", "set-back"]
                .into_iter()
                .find(|known| *known == why)
                .unwrap_or("a-gap")
        });
        self.last = words.time("last").zip(words.get("value"));
    }
}
