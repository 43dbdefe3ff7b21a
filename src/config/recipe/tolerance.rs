//! `± 0.5 %`, `+ 10 g - 5 g`, `greater of ± 5 g and ± 0.5 %`: how far a weight may be from its target.
//!
//! Exact decimals throughout. The limits are rounded inward to the division of the scale that weighs, so that
//! no weight is taken that the recipe does not allow.

use crate::config::sentence::{self, Slip};
use record::{Quantity, Unit};
use rust_decimal::Decimal;
use std::{fmt, ops::Range};

const FORMS: &str = "write \"± 0.5 %\", \"± 5 g\", \"+ 10 g - 5 g\", or \"greater of ± 5 g and ± 0.5 %\" (also \"lesser of\")";

/// How far a weight may be from its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tolerance {
    One(Deviation),
    /// On each side the wider of the two.
    GreaterOf(Deviation, Deviation),
    /// On each side the narrower of the two.
    LesserOf(Deviation, Deviation),
}

/// How far below and above; each in a unit of the target, or in percent of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    pub below: Quantity,
    pub above: Quantity,
}

/// What is in tolerance, in the unit of the target. A limit itself is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub low: Decimal,
    pub high: Decimal,
}

impl Window {
    /// What of it a scale of this division can show; None where it can show nothing of it.
    pub fn on(self, division: Decimal) -> Option<Self> {
        if division <= Decimal::ZERO {
            return None;
        }
        let low = self.low.checked_div(division)?.ceil().checked_mul(division)?;
        let high = self.high.checked_div(division)?.floor().checked_mul(division)?;
        (low <= high).then_some(Self { low, high })
    }

    pub fn has(self, number: Decimal) -> bool {
        self.low <= number && number <= self.high
    }
}

impl Tolerance {
    /// The window around a target; None where the units do not fit.
    pub fn around(&self, target: &Quantity) -> Option<Window> {
        let (below, above) = match self {
            Self::One(one) => one.of(target)?,
            Self::GreaterOf(one, other) => {
                let (one, other) = (one.of(target)?, other.of(target)?);
                (one.0.max(other.0), one.1.max(other.1))
            }
            Self::LesserOf(one, other) => {
                let (one, other) = (one.of(target)?, other.of(target)?);
                (one.0.min(other.0), one.1.min(other.1))
            }
        };
        let number = target.amount.number();
        Some(Window {
            low: number.checked_sub(below)?.normalize(),
            high: number.checked_add(above)?.normalize(),
        })
    }
}

impl Deviation {
    fn of(&self, target: &Quantity) -> Option<(Decimal, Decimal)> {
        Some((share(&self.below, target)?, share(&self.above, target)?))
    }
}

/// A deviation in the unit of the target.
fn share(deviation: &Quantity, target: &Quantity) -> Option<Decimal> {
    if deviation.unit.ucum() == "%" {
        let hundredth = deviation.amount.number().checked_div(Decimal::ONE_HUNDRED)?;
        return target.amount.number().checked_mul(hundredth);
    }
    deviation.number_in(target.unit)
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(one) => one.fmt(f),
            Self::GreaterOf(one, other) => write!(f, "greater of {one} and {other}"),
            Self::LesserOf(one, other) => write!(f, "lesser of {one} and {other}"),
        }
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.below == self.above {
            write!(f, "± {}", self.above)
        } else {
            write!(f, "+ {} - {}", self.above, self.below)
        }
    }
}

/// Reads a tolerance.
pub(super) fn read(text: &str) -> Result<Tolerance, Slip> {
    let words = sentence::words(text);
    let word = |at: usize| words.get(at).map_or("", |(word, _)| *word);
    match (word(0), word(1)) {
        (how @ ("greater" | "lesser"), "of") => {
            let Some(and) = words.iter().position(|(word, _)| *word == "and") else {
                return Err(unknown("there is no second tolerance after `and`", 0..text.len()));
            };
            let one = deviation(text, words.get(2..and).unwrap_or_default())?;
            let other = deviation(text, words.get(and + 1..).unwrap_or_default())?;
            Ok(if how == "greater" {
                Tolerance::GreaterOf(one, other)
            } else {
                Tolerance::LesserOf(one, other)
            })
        }
        _ => deviation(text, &words).map(Tolerance::One),
    }
}

/// Reads a tolerance as orders write it: as in a recipe, or as `-20 g to +50 g`, with or without a blank after the sign.
pub fn tolerance_of(text: &str) -> Option<Tolerance> {
    let text = text.trim();
    if let Some((below, above)) = text.split_once(" to ") {
        let (below, above) = (below.trim().strip_prefix('-')?, above.trim().strip_prefix('+')?);
        let unit = above.trim().split_once(' ')?.1;
        let below = if below.trim().contains(' ') {
            below.trim().to_owned()
        } else {
            format!("{} {unit}", below.trim())
        };
        return read(&format!("+ {} - {below}", above.trim())).ok();
    }
    read(&text.replace("+/-", "± ").replace('±', "± ")).ok()
}

type Word<'a> = (&'a str, Range<usize>);

fn deviation(text: &str, words: &[Word<'_>]) -> Result<Deviation, Slip> {
    let Some((sign, at)) = words.first() else {
        return Err(unknown("this tolerance stops too early", 0..text.len()));
    };
    match *sign {
        "±" | "+/-" => {
            let both = part(text, words.get(1..).unwrap_or_default(), at)?;
            not_nothing(text, &both, &both)?;
            Ok(Deviation {
                below: both.clone(),
                above: both,
            })
        }
        "+" => {
            let minus = words.iter().position(|(word, _)| matches!(*word, "-" | "−"));
            let Some(minus) = minus else {
                return Err(unknown(
                    "this tolerance says only how much more is allowed",
                    at.clone(),
                ));
            };
            let above = part(text, words.get(1..minus).unwrap_or_default(), at)?;
            let below = part(text, words.get(minus + 1..).unwrap_or_default(), at)?;
            not_nothing(text, &below, &above)?;
            Ok(Deviation { below, above })
        }
        _ => Err(unknown("this is no tolerance", at.clone())),
    }
}

fn part(text: &str, words: &[Word<'_>], sign: &Range<usize>) -> Result<Quantity, Slip> {
    let Some(first) = words.first() else {
        return Err(unknown("an amount belongs after this sign", sign.clone()));
    };
    let (amount, at) = sentence::amount(first).map_err(|problem| problem.or_write(FORMS))?;
    if words.len() == 1 {
        return Err(Slip {
            name: "number-without-unit",
            what: "a number without its unit".into(),
            at,
            help: FORMS.into(),
        });
    }
    let (unit, _): (Unit, _) = sentence::unit(text, words, 1)?;
    if amount.number() < Decimal::ZERO {
        return Err(unknown("the sign stands before the blank", at));
    }
    Ok(Quantity { amount, unit })
}

/// No scale and no hand meets a target exactly.
fn not_nothing(text: &str, below: &Quantity, above: &Quantity) -> Result<(), Slip> {
    if below.amount.number().is_zero() && above.amount.number().is_zero() {
        return Err(Slip {
            name: "out-of-range",
            what: "a tolerance of nothing cannot be met".into(),
            at: 0..text.len(),
            help: FORMS.into(),
        });
    }
    Ok(())
}

fn unknown(what: &str, at: Range<usize>) -> Slip {
    Slip {
        name: "sentence-unknown",
        what: what.into(),
        at,
        help: FORMS.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_order_may_write_its_tolerance_in_either_way() {
        for (text, expected) in [
            ("± 0.5 %", Some("± 0.5 %")),
            ("±0.5 %", Some("± 0.5 %")),
            ("+/-50 g", Some("± 50 g")),
            ("-20 g to +50 g", Some("+ 50 g - 20 g")),
            ("-5 to +10 g", Some("+ 10 g - 5 g")),
            ("+ 10 g - 5 g", Some("+ 10 g - 5 g")),
            (
                "greater of ± 5 g and ± 0.5 %",
                Some("greater of ± 5 g and ± 0.5 %"),
            ),
            ("20 g to 50 g", None),
            ("0.5 %", None),
            ("± 0 g", None),
        ] {
            let read = tolerance_of(text).map(|read| read.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_tolerance_gives_a_window_that_is_rounded_inward_to_what_the_scale_shows() {
        // target | tolerance | division | window | window on the scale
        let table = "
            4.80 kg  | ± 0.5 %                        | 0.001 kg | 4.776 4.824     | 4.776 4.824
            4.80 kg  | ± 0.5 %                        | 0.005 kg | 4.776 4.824     | 4.78 4.82
            100.0 g  | + 1.0 g - 0.5 g                | 0.1 g    | 99.5 101        | 99.5 101
            100.0 g  | + 0 g - 0.5 %                  | 0.1 g    | 99.5 100        | 99.5 100
            100.0 g  | greater of ± 0.2 g and ± 0.5 % | 0.1 g    | 99.5 100.5      | 99.5 100.5
            100.0 g  | lesser of ± 0.2 g and ± 0.5 %  | 0.1 g    | 99.8 100.2      | 99.8 100.2
            100.0 g  | greater of + 2 g - 0.1 g and ± 0.5 % | 0.1 g | 99.5 102      | 99.5 102
            1.000 kg | ± 250 mg                       | 0.1 g    | 0.99975 1.00025 | 0.9998 1.0002
            50.03 g  | ± 10 mg                        | 0.1 g    | 50.02 50.04     | none
            3.0 g    | ± 0.05 g                       | 2 g      | 2.95 3.05       | none
            ";
        for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let target = Quantity::read(cells[0]).unwrap();
            let tolerance = read(cells[1]).unwrap();
            let division = Quantity::read(cells[2]).unwrap().number_in(target.unit).unwrap();
            let window = tolerance.around(&target).unwrap();
            assert_eq!(format!("{} {}", window.low, window.high), cells[3], "{row}");
            let shown = window.on(division).map_or_else(
                || "none".to_owned(),
                |window| format!("{} {}", window.low.normalize(), window.high.normalize()),
            );
            assert_eq!(shown, cells[4], "{row}");
            assert_eq!(
                read(&tolerance.to_string()).unwrap(),
                tolerance,
                "said as it is read"
            );
        }
    }

    #[test]
    fn what_is_no_tolerance_is_answered_with_its_forms() {
        let cases = [
            ("0.5 %", "sentence-unknown"),
            ("± 0.5", "number-without-unit"),
            ("± 0 %", "out-of-range"),
            ("+ 0 g - 0 g", "out-of-range"),
            ("+ 5 g", "sentence-unknown"),
            ("± -5 g", "sentence-unknown"),
            ("± five g", "not-a-number"),
            ("± 5 gramms", "unknown-unit"),
            ("greater of ± 5 g", "sentence-unknown"),
            ("greater of ± 5 g and", "sentence-unknown"),
            ("", "sentence-unknown"),
        ];
        for (text, name) in cases {
            assert_eq!(read(text).unwrap_err().name, name, "{text}");
        }
    }

    #[test]
    fn a_tolerance_of_something_else_fits_no_target() {
        let target = Quantity::read("4.80 kg").unwrap();
        assert_eq!(read("± 5 °C").unwrap().around(&target), None);
    }
}
