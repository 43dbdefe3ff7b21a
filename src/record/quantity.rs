//! Amounts with every digit the display showed, and the units they are in.
//!
//! An amount is text first and a decimal second: `100.00` stays `100.00`. Binary floats never
//! touch a value that a display showed.

use rust_decimal::Decimal;
use std::{fmt, str::FromStr};

/// A decimal number exactly as the instrument showed it.
///
/// ```
/// use record::Amount;
/// let shown = Amount::read("100.00").unwrap();
/// assert_eq!(shown.as_str(), "100.00");
/// assert!(Amount::read("1_000").is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    text: String,
    number: Decimal,
}

impl Amount {
    /// Reads `-?digits(.digits)?` and nothing else: no plus, no exponent, no blank, no underscore.
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, part) = digits
            .split_once('.')
            .map_or((digits, None), |(whole, part)| (whole, Some(part)));
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || part.is_some_and(|p| !all_digits(p)) || digits.len() > 28 {
            return None;
        }
        Some(Self {
            text: text.to_owned(),
            number: Decimal::from_str(text).ok()?,
        })
    }

    /// An amount computed by us (a register scaled, a mean): shown with the digits of its scale.
    pub fn of(number: Decimal) -> Self {
        Self {
            text: number.to_string(),
            number,
        }
    }

    /// A count of a register with so many implied decimals: `counted(724, 1)` is `72.4`.
    pub fn counted(count: i64, decimals: u32) -> Self {
        Self::of(Decimal::new(count, decimals.min(28)))
    }

    /// The digits as shown.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number, for comparing and computing.
    pub fn number(&self) -> Decimal {
        self.number
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A unit of measure: one row of our table. The record writes its UCUM code.
#[derive(Debug, Clone, Copy)]
pub struct Unit(&'static Row);

#[derive(Debug)]
struct Row {
    ucum: &'static str,
    shown: &'static str,
    dimension: &'static str,
    /// `base = (amount + offset) * factor`, as exact decimals in text.
    factor: &'static str,
    offset: &'static str,
    also: &'static [&'static str],
}

impl Unit {
    /// By UCUM code (`Cel`), by what people write (`°C`), or by a common other spelling.
    ///
    /// ```
    /// use record::Unit;
    /// assert_eq!(Unit::named("°C").unwrap().ucum(), "Cel");
    /// assert_eq!(Unit::named("kg").unwrap().shown(), "kg");
    /// assert!(Unit::named("furlong").is_none());
    /// ```
    pub fn named(name: &str) -> Option<Self> {
        TABLE
            .iter()
            .find(|row| row.ucum == name || row.shown == name || row.also.contains(&name))
            .map(Self)
    }

    /// The code the record writes.
    pub fn ucum(self) -> &'static str {
        self.0.ucum
    }

    /// What a screen shows.
    pub fn shown(self) -> &'static str {
        self.0.shown
    }

    /// What it measures; amounts convert only within one dimension.
    pub fn dimension(self) -> &'static str {
        self.0.dimension
    }

    /// Every name that is understood, for a message that offers them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(Self)
    }

    /// `number`, given in this unit, in `other`; `None` between dimensions.
    pub fn convert(self, number: Decimal, other: Self) -> Option<Decimal> {
        if self.0.dimension != other.0.dimension {
            return None;
        }
        if self == other {
            return Some(number);
        }
        let exact = |text: &str| Decimal::from_str(text).ok();
        let base = number
            .checked_add(exact(self.0.offset)?)?
            .checked_mul(exact(self.0.factor)?)?;
        base.checked_div(exact(other.0.factor)?)?
            .checked_sub(exact(other.0.offset)?)
    }
}

impl PartialEq for Unit {
    fn eq(&self, other: &Self) -> bool {
        self.0.ucum == other.0.ucum
    }
}

impl Eq for Unit {}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.shown)
    }
}

/// An amount with its unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// How much, digits kept.
    pub amount: Amount,
    /// Of what.
    pub unit: Unit,
}

impl Quantity {
    /// Reads `72.4 °C` or `100.00 g`: an amount, a blank, a unit of the table.
    ///
    /// ```
    /// use record::Quantity;
    /// assert_eq!(Quantity::read("72.4 °C").unwrap().to_string(), "72.4 °C");
    /// assert!(Quantity::read("72.4").is_none());
    /// ```
    pub fn read(text: &str) -> Option<Self> {
        let (amount, unit) = text.trim().split_once(' ')?;
        Some(Self {
            amount: Amount::read(amount)?,
            unit: Unit::named(unit.trim())?,
        })
    }

    /// The number in another unit of the same dimension.
    pub fn number_in(&self, unit: Unit) -> Option<Decimal> {
        self.unit.convert(self.amount.number(), unit)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.unit)
    }
}

const fn row(
    ucum: &'static str,
    shown: &'static str,
    dimension: &'static str,
    factor: &'static str,
    also: &'static [&'static str],
) -> Row {
    Row {
        ucum,
        shown,
        dimension,
        factor,
        offset: "0",
        also,
    }
}

/// Exact factors to one base unit per dimension. `gr`, `t`, `T`, `G`, `K` and `C` mean different
/// things to different makers, so letters of frames belong to the driver, never here.
static TABLE: &[Row] = &[
    row("kg", "kg", "mass", "1", &["Kg", "KG"]),
    row("g", "g", "mass", "0.001", &[]),
    row("mg", "mg", "mass", "0.000001", &[]),
    row("ug", "µg", "mass", "0.000000001", &["μg"]),
    row("t", "t", "mass", "1000", &[]),
    row("[lb_av]", "lb", "mass", "0.45359237", &["LB"]),
    row("[oz_av]", "oz", "mass", "0.028349523125", &[]),
    row("[oz_tr]", "oz t", "mass", "0.0311034768", &["ozt"]),
    row("[car_m]", "ct", "mass", "0.0002", &[]),
    row("Cel", "°C", "temperature", "1", &["degC"]),
    Row {
        ucum: "K",
        shown: "K",
        dimension: "temperature",
        factor: "1",
        offset: "-273.15",
        also: &["kelvin"],
    },
    Row {
        ucum: "[degF]",
        shown: "°F",
        dimension: "temperature",
        factor: "0.5555555555555555555555555556",
        offset: "-32",
        also: &["degF"],
    },
    row("s", "s", "time", "1", &[]),
    row("ms", "ms", "time", "0.001", &[]),
    row("min", "min", "time", "60", &[]),
    row("h", "h", "time", "3600", &[]),
    row("d", "d", "time", "86400", &["days", "day"]),
    row("/min", "rpm", "speed of rotation", "1", &["r/min", "1/min"]),
    row("A", "A", "current", "1", &[]),
    row("mA", "mA", "current", "0.001", &[]),
    row("V", "V", "voltage", "1", &[]),
    row("mV", "mV", "voltage", "0.001", &[]),
    row("W", "W", "power", "1", &[]),
    row("kW", "kW", "power", "1000", &[]),
    row("kW.h", "kWh", "energy", "3600000", &["kWh"]),
    row("N", "N", "force", "1", &[]),
    row("N.m", "N·m", "torque", "1", &["Nm"]),
    row("Hz", "Hz", "frequency", "1", &[]),
    row("bar", "bar", "pressure", "100000", &[]),
    row("mbar", "mbar", "pressure", "100", &[]),
    row("kPa", "kPa", "pressure", "1000", &[]),
    row("Pa", "Pa", "pressure", "1", &[]),
    row("L", "L", "volume", "1", &["l"]),
    row("mL", "mL", "volume", "0.001", &["ml"]),
    row("L/min", "L/min", "volume flow", "1", &["l/min"]),
    row("kg/h", "kg/h", "mass flow", "1", &[]),
    row("kg/s", "kg/s", "mass flow", "3600", &[]),
    row("mPa.s", "mPa·s", "viscosity", "1", &["cP"]),
    row("[pH]", "pH", "acidity", "1", &[]),
    row("%", "%", "ratio", "1", &[]),
    row("1", "pcs", "count", "1", &["pieces"]),
    row("kg/m3", "kg/m³", "density", "1", &[]),
    row("g/L", "g/L", "density", "1", &[]),
    row("uS/cm", "µS/cm", "conductivity", "1", &[]),
    row("mS/cm", "mS/cm", "conductivity", "1000", &[]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_of_the_display_is_kept() {
        for text in ["100.00", "-1.25", "0", "-0.00", "00012.30"] {
            assert_eq!(Amount::read(text).map(|a| a.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn nothing_but_digits_is_a_number() {
        for text in [
            "", "-", "1_000", ".5", "5.", "+1.50", "1e3", " 1", "1 ", "1,5", "--1", "NaN",
        ] {
            assert_eq!(Amount::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn units_convert_within_their_dimension_only() {
        let in_unit = |text: &str, unit: &str| {
            Some(
                Quantity::read(text)?
                    .number_in(Unit::named(unit)?)?
                    .round_dp(6)
                    .normalize()
                    .to_string(),
            )
        };
        assert_eq!(in_unit("1.5 kg", "g").as_deref(), Some("1500"));
        assert_eq!(in_unit("162.32 °F", "°C").as_deref(), Some("72.4"));
        assert_eq!(in_unit("293.15 K", "°C").as_deref(), Some("20"));
        assert_eq!(in_unit("1.5 kg", "°C"), None);
    }

    #[test]
    fn no_name_means_two_units() {
        for unit in Unit::all() {
            for name in [unit.ucum(), unit.shown()] {
                assert_eq!(Unit::named(name).map(Unit::ucum), Some(unit.ucum()), "{name}");
            }
        }
    }
}
