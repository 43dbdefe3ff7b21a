//! Judging a reading against the limits in force.
//!
//! Pure: the same answer and the same limits give the same verdict, on the gateway today and in an
//! inspection ten years from now. A limit itself is inside. A doubtful answer is never judged, because a
//! verdict on a value nobody trusts would look like evidence.

use crate::config::plant::Limits;
use record::{Amount, Answer, Quantity, Unit, Value};
use rust_decimal::Decimal;

/// The one word of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    Within,
    /// Inside the limits, outside the warning band.
    Warning,
    Below,
    Above,
    NotJudged,
}

impl Verdict {
    /// Every verdict, in the order of the record's figures.
    pub const ALL: [Self; 5] = [
        Self::Within,
        Self::Warning,
        Self::Below,
        Self::Above,
        Self::NotJudged,
    ];

    /// The word of the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Within => "within",
            Self::Warning => "warning",
            Self::Below => "below",
            Self::Above => "above",
            Self::NotJudged => "not-judged",
        }
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.word() == word)
    }

    /// Whether a limit is broken.
    pub fn is_out(self) -> bool {
        matches!(self, Self::Below | Self::Above)
    }
}

/// Limits made ready for one unit of measure, so that judging a reading compares and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    pub unit: Unit,
    pub low: Option<Amount>,
    pub high: Option<Amount>,
    pub warn_low: Option<Amount>,
    pub warn_high: Option<Amount>,
}

impl Band {
    /// The limits in `unit`; `None` when one of them cannot be said in it.
    pub fn of(limits: &Limits, unit: Unit) -> Option<Self> {
        let in_unit = |limit: &Option<Quantity>| -> Option<Option<Amount>> {
            match limit {
                None => Some(None),
                Some(quantity) if quantity.unit == unit => Some(Some(quantity.amount.clone())),
                // Twelve digits after the point: 22.0 °C is 71.6 °F, not 71.59999999999999999999999968,
                // and a reading of 71.6 °F is on the limit, not beyond it.
                Some(quantity) => quantity
                    .number_in(unit)
                    .map(|number| Some(Amount::of(number.round_dp(12).normalize()))),
            }
        };
        Some(Self {
            unit,
            low: in_unit(&limits.low)?,
            high: in_unit(&limits.high)?,
            warn_low: in_unit(&limits.warn_low)?,
            warn_high: in_unit(&limits.warn_high)?,
        })
    }

    /// What holds where both hold: steps side by side, each with its own limits.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let higher = |a: Option<Amount>, b: Option<Amount>| either(a, b, |a, b| a >= b);
        let lower = |a: Option<Amount>, b: Option<Amount>| either(a, b, |a, b| a <= b);
        Self {
            unit: self.unit,
            low: higher(self.low, other.low),
            high: lower(self.high, other.high),
            warn_low: higher(self.warn_low, other.warn_low),
            warn_high: lower(self.warn_high, other.warn_high),
        }
    }

    /// Judges a number in the unit of this band.
    pub fn judge(&self, number: Decimal) -> Verdict {
        let under = |limit: &Option<Amount>| limit.as_ref().is_some_and(|limit| number < limit.number());
        let over = |limit: &Option<Amount>| limit.as_ref().is_some_and(|limit| number > limit.number());
        if under(&self.low) {
            Verdict::Below
        } else if over(&self.high) {
            Verdict::Above
        } else if under(&self.warn_low) || over(&self.warn_high) {
            Verdict::Warning
        } else {
            Verdict::Within
        }
    }

    /// The limit that a verdict is about.
    pub fn broken(&self, verdict: Verdict) -> Option<&Amount> {
        match verdict {
            Verdict::Below => self.low.as_ref(),
            Verdict::Above => self.high.as_ref(),
            _ => None,
        }
    }
}

fn either(a: Option<Amount>, b: Option<Amount>, first: impl Fn(Decimal, Decimal) -> bool) -> Option<Amount> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if first(a.number(), b.number()) { a } else { b }),
        (a, b) => a.or(b),
    }
}

/// Judges one answer, and says why where it does not.
pub fn judge(answer: &Answer, band: Option<&Band>) -> (Verdict, &'static str) {
    let value = match answer {
        Answer::Good(value) => value,
        Answer::Uncertain(..) => return (Verdict::NotJudged, "doubtful"),
        Answer::Bad(_) => return (Verdict::NotJudged, "bad"),
    };
    let Some(band) = band else {
        return (Verdict::NotJudged, "no-limits");
    };
    match value {
        Value::Quantity(quantity) if quantity.unit == band.unit => (band.judge(quantity.amount.number()), ""),
        Value::Quantity(_) => (Verdict::NotJudged, "unit"),
        Value::Text(_) => (Verdict::NotJudged, "no-number"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn limits(row: &str) -> Limits {
        let [low, warn_low, warn_high, high] = <[Option<Quantity>; 4]>::try_from(
            row.split(" / ")
                .map(|text| Quantity::read(text.trim()))
                .collect::<Vec<_>>(),
        )
        .unwrap();
        Limits {
            low,
            high,
            warn_low,
            warn_high,
        }
    }

    fn answer(text: &str) -> Answer {
        if let Some(because) = text.strip_prefix("bad: ") {
            return Answer::Bad(because.to_owned());
        }
        let value =
            |text: &str| Quantity::read(text).map_or_else(|| Value::Text(text.to_owned()), Value::Quantity);
        match text.split_once(", uncertain: ") {
            Some((shown, because)) => Answer::Uncertain(value(shown), because.to_owned()),
            None => Answer::Good(value(text)),
        }
    }

    /// `low / warn low / warn high / high | reading | verdict`
    fn agrees_with_table(table: &str) {
        for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let [asked, shown, expected] =
                <[&str; 3]>::try_from(row.split('|').map(str::trim).collect::<Vec<_>>()).unwrap();
            let shown = answer(shown);
            let unit = match shown.value() {
                Some(Value::Quantity(quantity)) => quantity.unit,
                _ => Unit::named("Cel").unwrap(),
            };
            let band = Band::of(&limits(asked), unit);
            let (verdict, why) = judge(&shown, band.as_ref());
            let said = if why.is_empty() {
                verdict.word().to_owned()
            } else {
                format!("{}: {why}", verdict.word())
            };
            assert_eq!(said, expected, "{row}");
        }
    }

    #[test]
    fn a_reading_is_judged_only_when_it_can_be_trusted() {
        agrees_with_table(
            "
            68.0 °C / 69.0 °C / 71.5 °C / 72.0 °C | 70.0 °C                         | within
            68.0 °C / 69.0 °C / 71.5 °C / 72.0 °C | 68.0 °C                         | warning
            68.0 °C / 69.0 °C / 71.5 °C / 72.0 °C | 67.9 °C                         | below
            68.0 °C / 69.0 °C / 71.5 °C / 72.0 °C | 72.0 °C                         | warning
            68.0 °C / 69.0 °C / 71.5 °C / 72.0 °C | 72.0000 °C                      | warning
            68.0 °C / 69.0 °C / 71.5 °C / 72.0 °C | 72.0001 °C                      | above
            68.0 °C / 69.0 °C / 71.5 °C / 72.0 °C | 71.5 °C                         | within
            68.0 °C / 69.0 °C / 71.5 °C / 72.0 °C | 71.6 °C                         | warning
            68.0 °C / 69.0 °C / 71.5 °C / 72.0 °C | 70.0 °C, uncertain: self-tuning | not-judged: doubtful
            68.0 °C / 69.0 °C / 71.5 °C / 72.0 °C | bad: sensor break               | not-judged: bad
            68.0 °C / 69.0 °C / 71.5 °C / 72.0 °C | emulsify                        | not-judged: no-number
            68.0 °C / - / - / -                   | 200.0 °C                        | within
            68.0 °C / - / - / -                   | 67.99 °C                        | below
            - / - / - / 100.0 mg                  | 0.1 g                           | within
            - / - / - / 100.0 mg                  | 0.1001 g                        | above
            22.0 °C / - / - / 22.0 °C             | 71.6 °F                         | within
            22.0 °C / - / - / 22.0 °C             | 71.61 °F                        | above
            22.0 °C / - / - / 22.0 °C             | 71.59 °F                        | below
            - / - / - / 100.0 mg                  | 20.0 °C                         | not-judged: no-limits
            -5.0 °C / - / - / 0.0 °C              | -0.0 °C                         | within
            ",
        );
    }

    #[test]
    fn steps_side_by_side_leave_the_narrower_band() {
        let unit = Unit::named("Cel").unwrap();
        let wide = Band::of(&limits("60.0 °C / - / - / 80.0 °C"), unit).unwrap();
        let narrow = Band::of(&limits("- / - / 70.0 °C / 72.0 °C"), unit).unwrap();
        let both = wide.and(narrow);
        assert_eq!(both.low.unwrap().as_str(), "60.0");
        assert_eq!(both.high.unwrap().as_str(), "72.0");
        assert_eq!(both.warn_high.unwrap().as_str(), "70.0");
    }
}
