//! `lethality`: `Σ Δt · 10^((T − reference) / z)` in minutes; of two neighbours the cooler one counts. The power
//! is computed in decimals, so that every machine comes to the same digits.

use super::{
    Class, Finding, Sight,
    words::{Words, ms, span},
};
use crate::config::rule;
use record::{Stamp, Unit};
use rust_decimal::Decimal;

/// Powers of temperatures that were just asked for: an instrument shows few different digits in a row.
const KEPT: usize = 64;

#[derive(Debug, Clone, Default)]
pub(super) struct Lethality {
    /// Milliseconds at the reference temperature.
    dose: Decimal,
    last: Option<(Stamp, Decimal)>,
    /// Time over which nothing could be credited because of gaps.
    lost: i64,
    too_much: bool,
    powers: Vec<(Decimal, Decimal)>,
}

impl Lethality {
    pub(super) fn read(&mut self, asks: &rule::Lethality, sight: &Sight<'_>, found: &mut Vec<Finding>) {
        let number = Unit::named("Cel").and_then(|celsius| sight.number(celsius));
        let before = std::mem::replace(&mut self.last, number.map(|number| (sight.time, number)));
        let (Some((time, before)), Some(number)) = (before, number) else {
            return;
        };
        let length = sight.time.ms_since(time);
        if !(0..=ms(asks.max_sample_gap)).contains(&length) {
            self.lost += length.max(0);
            return;
        }
        let cooler = before.min(number);
        if asks.from.is_some_and(|from| cooler < from) {
            return;
        }
        let added = self
            .power(asks, cooler)
            .and_then(|power| power.checked_mul(length.into()));
        self.dose = added
            .and_then(|added| self.dose.checked_add(added))
            .unwrap_or(self.dose);
        if let Some(most) = asks
            .at_most
            .filter(|most| !self.too_much && self.dose > ms(*most).into())
        {
            self.too_much = true;
            let says = format!("{} min, at most {} were asked", self.minutes(), span(ms(most)));
            found.push(Finding::once(Class::Limit, "lethality-high", sight.time, says));
        }
    }

    fn power(&mut self, asks: &rule::Lethality, number: Decimal) -> Option<Decimal> {
        if let Some((_, power)) = self.powers.iter().find(|(known, _)| *known == number) {
            return Some(*power);
        }
        let exponent = number.checked_sub(asks.reference)?.checked_div(asks.z)?;
        let power = power_of_ten(exponent)?;
        if self.powers.len() >= KEPT {
            self.powers.clear();
        }
        self.powers.push((number, power));
        Some(power)
    }

    /// The dose in minutes, three digits after the point, never more than was reached.
    fn minutes(&self) -> Decimal {
        let minutes = self.dose.checked_div(Decimal::from(60_000)).unwrap_or_default();
        minutes.trunc_with_scale(3).normalize()
    }

    pub(super) fn end(&mut self, asks: &rule::Lethality, time: Stamp, found: &mut Vec<Finding>) {
        if self.dose.round_dp(6) < ms(asks.at_least).into() {
            let lost = if self.lost > 0 {
                format!("; over gaps of {} nothing was credited", span(self.lost))
            } else {
                String::new()
            };
            let says = format!(
                "{} min, at least {} were asked{lost}",
                self.minutes(),
                span(ms(asks.at_least))
            );
            found.push(Finding {
                extreme: Some(self.minutes()),
                unit: Unit::named("min"),
                ..Finding::once(Class::Limit, "lethality-low", time, says)
            });
        }
    }

    pub(super) fn stands(&self, asks: &rule::Lethality) -> String {
        format!("{} min of {}", self.minutes(), span(ms(asks.at_least)))
    }

    pub(super) fn remember(&self, words: &mut Words) {
        words.put("dose_ms", self.dose.normalize());
        words.put("lost_ms", self.lost);
        words.put("too_much", u8::from(self.too_much));
    }

    pub(super) fn recall(&mut self, words: &Words) {
        self.dose = words.get("dose_ms").unwrap_or_default();
        self.lost = words.get("lost_ms").unwrap_or(0);
        self.too_much = words.get::<u8>("too_much") == Some(1);
        self.last = None;
    }
}

/// 10^x to fifteen digits after the point; `None` beyond 10^12.
pub(super) fn power_of_ten(exponent: Decimal) -> Option<Decimal> {
    let whole = exponent.floor();
    let part = exponent - whole;
    let whole: i64 = whole.try_into().ok()?;
    if whole > 12 {
        return None;
    }
    if whole < -15 {
        return Some(Decimal::ZERO);
    }
    // ln 10 / 8, so that the series is short; then three squarings.
    let eighth = Decimal::from_i128_with_scale(2_878_231_366_242_557_105_022_489_318, 28);
    let x = part.checked_mul(eighth)?;
    let (mut sum, mut term) = (Decimal::ONE, Decimal::ONE);
    for n in 1..=24u32 {
        term = term.checked_mul(x)?.checked_div(n.into())?;
        sum = sum.checked_add(term)?;
    }
    for _ in 0..3 {
        sum = sum.checked_mul(sum)?;
    }
    let scale = Decimal::from(10i64.pow(whole.unsigned_abs() as u32));
    let power = if whole < 0 {
        sum.checked_div(scale)?
    } else {
        sum.checked_mul(scale)?
    };
    Some(power.round_dp(15).normalize())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_power_of_ten_is_the_same_digits_on_every_machine() {
        for (exponent, power) in [
            ("0", "1"),
            ("1", "10"),
            ("-1", "0.1"),
            ("0.5", "3.162277660168379"),
            ("-0.5", "0.316227766016838"),
            ("0.30102999566398119521", "2"),
            ("-0.011", "0.974989637717387"),
            ("-0.311", "0.488652359342834"),
            ("-16", "0"),
        ] {
            let found = power_of_ten(exponent.parse().unwrap()).unwrap();
            assert_eq!(found.to_string(), power, "10^{exponent}");
        }
        assert_eq!(power_of_ten(Decimal::from(13)), None);
    }
}
