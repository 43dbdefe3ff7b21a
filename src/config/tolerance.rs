//! A target and what it may miss it by: `12.50 kg`, `± 0.5 %`, `-5 to +10 g`, and the window that leaves on a
//! scale of a given division.
//!
//! Exact decimals. The window is rounded inwards to what the display can show, so that no value the display
//! shows as inside lies outside.

use super::sentence::{Placed, Slip, amount, slip, unit, whole, words};
use record::{Quantity, Unit};
use rust_decimal::Decimal;

const FORMS: &str = "write \"± 0.5 %\", \"± 10 g\" or \"-5 to +10 g\": what it may miss the target by";
const QUANTITY_FORMS: &str = "write an amount, a blank and a unit: \"12.50 kg\"";

/// `12.50 kg`: one amount with its unit.
pub fn quantity(text: &str) -> Result<Placed, Slip> {
    let words = words(text);
    let Some(first) = words.first() else {
        return Err(slip(
            "number-without-unit",
            "an amount with its unit belongs here",
            whole(text),
            QUANTITY_FORMS,
        ));
    };
    let (amount, at) = amount(first).map_err(|problem| problem.or_write(QUANTITY_FORMS))?;
    if words.len() == 1 {
        return Err(slip(
            "number-without-unit",
            "a number without its unit",
            at,
            QUANTITY_FORMS,
        ));
    }
    let (unit, _) = unit(text, &words, 1)?;
    Ok(Placed {
        quantity: Quantity { amount, unit },
        at,
    })
}

/// How far a value may lie below and above its target. Both amounts are positive, in one unit: of the target's
/// kind, or per cent of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tolerance {
    pub below: Quantity,
    pub above: Quantity,
}

/// Of two tolerances, which one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whichever {
    Greater,
    Lesser,
}

/// Reads `± 0.5 %`, `+- 10 g`, `-5 to +10 g`, `-0 to +2 %`.
pub fn tolerance(text: &str) -> Result<Tolerance, Slip> {
    let spread = text.replace('±', "± ").replace("+-", "± ").replace("+/-", "± ");
    // Places in the text shift with the blanks put in; where they did, the whole text is marked.
    let mend = |problem: Slip| {
        if spread == text {
            problem
        } else {
            Slip {
                at: whole(text),
                ..problem
            }
        }
    };
    let all = words(&spread);
    let word = |at: usize| all.get(at).map_or("", |(word, _)| *word);
    let signed = |at: usize, sign: char| -> Result<_, Slip> {
        let (written, place) = all
            .get(at)
            .ok_or_else(|| slip("sentence-unknown", "this is no tolerance", whole(text), FORMS))?;
        let digits = written
            .strip_prefix(sign)
            .or_else(|| (*written == "0").then_some("0"));
        let digits = digits.ok_or_else(|| {
            let what = format!("{written:?} does not begin with {sign}");
            mend(slip("sentence-unknown", what, place.clone(), FORMS))
        })?;
        Ok(amount(&(digits, place.clone()))
            .map_err(|problem| mend(problem.or_write(FORMS)))?
            .0)
    };
    let (below, above, rest) = if word(0) == "±" {
        let Some(first) = all.get(1) else {
            return Err(slip(
                "sentence-unknown",
                "this is no tolerance",
                whole(text),
                FORMS,
            ));
        };
        let (both, _) = amount(first).map_err(|problem| mend(problem.or_write(FORMS)))?;
        (both.clone(), both, 2)
    } else if word(1) == "to" {
        (signed(0, '-')?, signed(2, '+')?, 3)
    } else {
        return Err(slip(
            "sentence-unknown",
            "this is no tolerance",
            whole(text),
            FORMS,
        ));
    };
    if below.number().is_sign_negative() || above.number().is_sign_negative() {
        return Err(slip(
            "sentence-unknown",
            "a tolerance has no sign of its own",
            whole(text),
            FORMS,
        ));
    }
    if below.number().is_zero() && above.number().is_zero() {
        return Err(slip(
            "tolerance-zero",
            "a tolerance of nothing can never be met",
            whole(text),
            FORMS,
        ));
    }
    let (unit, _) = unit(&spread, &all, rest).map_err(mend)?;
    Ok(Tolerance {
        below: Quantity { amount: below, unit },
        above: Quantity { amount: above, unit },
    })
}

impl Tolerance {
    /// What lies between target and limit, below and above, as numbers in the unit of the target.
    pub fn around(&self, target: &Quantity) -> Option<(Decimal, Decimal)> {
        let part = |part: &Quantity| {
            if part.unit.dimension() == "ratio" && target.unit.dimension() != "ratio" {
                let share = part.number_in(Unit::named("%")?)?;
                target
                    .amount
                    .number()
                    .abs()
                    .checked_mul(share)?
                    .checked_div(Decimal::ONE_HUNDRED)
            } else {
                difference_in(part, target.unit)
            }
        };
        Some((part(&self.below)?, part(&self.above)?))
    }
}

/// A difference in another unit: 1 K of difference is 1 °C, though 1 K is not.
pub fn difference_in(difference: &Quantity, unit: Unit) -> Option<Decimal> {
    if difference.unit == unit {
        return Some(difference.amount.number());
    }
    let there = difference.number_in(unit)?;
    let nothing = difference.unit.convert(Decimal::ZERO, unit)?;
    Some(there.checked_sub(nothing)?.round_dp(12).normalize())
}

/// The lowest and the highest value that count as on target, in the unit of the target.
///
/// With a division both are rounded inwards to it; `Err` holds the exact limits where no value of the display
/// lies between them any more.
pub fn window(
    target: &Quantity,
    tolerance: &Tolerance,
    other: Option<(&Tolerance, Whichever)>,
    division: Option<&Quantity>,
) -> Result<(Decimal, Decimal), Option<(Decimal, Decimal)>> {
    let (mut below, mut above) = tolerance.around(target).ok_or(None)?;
    if let Some((other, whichever)) = other {
        let (b, a) = other.around(target).ok_or(None)?;
        (below, above) = match whichever {
            Whichever::Greater => (below.max(b), above.max(a)),
            Whichever::Lesser => (below.min(b), above.min(a)),
        };
    }
    let exact = target.amount.number();
    let low = exact.checked_sub(below).ok_or(None)?;
    let high = exact.checked_add(above).ok_or(None)?;
    let Some(division) = division else {
        return Ok((low, high));
    };
    let step = difference_in(division, target.unit)
        .filter(|step| *step > Decimal::ZERO)
        .ok_or(None)?;
    let inwards = |number: Decimal, up: bool| {
        let steps = number.checked_div(step)?;
        let steps = if up { steps.ceil() } else { steps.floor() };
        steps.checked_mul(step).map(|number| number.normalize())
    };
    let (from, to) = (inwards(low, true).ok_or(None)?, inwards(high, false).ok_or(None)?);
    if from > to {
        Err(Some((low, high)))
    } else {
        Ok((from, to))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// `target | tolerance | or, whichever | division | window`
    #[test]
    fn the_window_is_rounded_inwards_to_what_the_display_can_show() {
        let table = "
            12.500 kg | ± 0.5 %      |                  | -       | 12.4375 to 12.5625
            12.500 kg | ± 0.5 %      |                  | 0.005 kg| 12.44 to 12.56
            12.500 kg | ± 0.5 %      |                  | 5 g     | 12.44 to 12.56
            12.500 kg | ± 62.5 g     |                  | 0.001 kg| 12.438 to 12.562
            100.0 g   | -5 to +10 g  |                  | 0.1 g   | 95 to 110
            100.0 g   | -0 to +2 %   |                  | 0.5 g   | 100 to 102
            100.0 g   | ± 1 %        | ± 2 g greater    | 0.1 g   | 98 to 102
            100.0 g   | ± 1 %        | ± 2 g lesser     | 0.1 g   | 99 to 101
            100.0 g   | ±1%          |                  | 0.1 g   | not-a-number
            10.03 g   | ± 0.02 g     |                  | 0.1 g   | none
            10.05 g   | ± 0.05 g     |                  | 0.1 g   | 10 to 10.1
            70.0 °C   | ± 2 K        |                  | 0.1 °C  | 68 to 72
            70.0 °C   | ± 9 °F       |                  | 0.1 °C  | 65 to 75
            -20.0 °C  | ± 10 %       |                  | -       | -22 to -18
            0.0 g     | ± 0 g        |                  | -       | tolerance-zero
            10.0 g    | 5 to 10 g    |                  | -       | sentence-unknown
            10.0 g    | 10 g         |                  | -       | sentence-unknown
            10.0 g    | ± 2 °C       |                  | -       | no limits
        ";
        for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let [target, allowed, other, division, expected] =
                <[&str; 5]>::try_from(row.split('|').map(str::trim).collect::<Vec<_>>()).unwrap();
            let target = Quantity::read(target).unwrap();
            let division = Quantity::read(division);
            let said = tolerance(allowed).map(|allowed| {
                let other = other.rsplit_once(' ').map(|(other, word)| {
                    let which = if word == "greater" {
                        Whichever::Greater
                    } else {
                        Whichever::Lesser
                    };
                    (tolerance(other).unwrap(), which)
                });
                let other = other.as_ref().map(|(other, which)| (other, *which));
                match window(&target, &allowed, other, division.as_ref()) {
                    Ok((low, high)) => format!("{} to {}", low.normalize(), high.normalize()),
                    Err(Some(_)) => "none".to_owned(),
                    Err(None) => "no limits".to_owned(),
                }
            });
            assert_eq!(
                said.unwrap_or_else(|slip| slip.name.to_owned()),
                expected,
                "{row}"
            );
        }
    }

    #[test]
    fn a_quantity_is_an_amount_and_its_unit() {
        assert_eq!(quantity("12.50 kg").unwrap().quantity.to_string(), "12.50 kg");
        assert_eq!(quantity("12.50").unwrap_err().name, "number-without-unit");
        assert_eq!(quantity("12,50 kg").unwrap_err().name, "not-a-number");
        assert_eq!(quantity("").unwrap_err().name, "number-without-unit");
    }
}
