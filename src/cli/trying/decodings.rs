//! Everything that registers can mean: each type in each order, beside each other, and which of them gives
//! what a display shows. Pure: registers in, words out.
//!
//! It never decides. Several decodings may give the same digits by chance; a second value on the display,
//! far from the first, leaves the true one.

use rust_decimal::Decimal;
use std::{fmt, str::FromStr};

/// Registers that were read in one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registers {
    /// `holding` or `input`.
    pub(crate) table: &'static str,
    /// Address of the first, as it travels.
    pub(crate) first: u16,
    pub(crate) values: Vec<u16>,
}

/// One way to read some of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decoding {
    pub(crate) table: &'static str,
    /// Address as it travels.
    pub(crate) register: u16,
    pub(crate) is: &'static str,
    pub(crate) order: &'static str,
    /// Exact, with every digit; `None` for a float that is no number.
    pub(crate) value: Option<Decimal>,
    /// As shown.
    pub(crate) text: String,
    pub(crate) float: bool,
}

/// A decoding that gives what the display shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Match {
    pub(crate) decoding: Decoding,
    /// What one count is worth: `0.01`; 1 where the value is the value.
    pub(crate) one_count: Decimal,
    /// How far-fetched it is; the least first.
    pub(crate) far: u32,
}

/// The orders of bytes, as drivers name them.
pub(crate) const ORDERS: [&str; 4] = ["ABCD", "CDAB", "BADC", "DCBA"];

/// Types of one, of two and of four registers.
const ONE: [&str; 3] = ["int16", "uint16", "bcd16"];
const TWO: [&str; 5] = ["int32", "uint32", "float32", "bcd32", "mod10000"];
const FOUR: [&str; 3] = ["int64", "uint64", "float64"];

impl Registers {
    /// Every way to read them.
    pub(crate) fn all(&self) -> Vec<Decoding> {
        let mut all = Vec::new();
        for at in 0..self.values.len() {
            for is in ONE {
                all.extend(
                    ["ABCD", "BADC"]
                        .iter()
                        .filter_map(|order| self.one(at, is, order)),
                );
            }
            for is in TWO.iter().chain(&FOUR) {
                all.extend(ORDERS.iter().filter_map(|order| self.one(at, is, order)));
            }
        }
        all
    }

    /// One way to read the value that begins `at` registers behind the first.
    pub(crate) fn one(&self, at: usize, is: &'static str, order: &'static str) -> Option<Decoding> {
        let words = self.values.get(at..at + width(is))?;
        let bytes = turned(words, order);
        let whole = bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let (value, text) = match is {
            "int16" => count(i128::from(whole as u16 as i16)),
            "int32" => count(i128::from(whole as u32 as i32)),
            "int64" => count(i128::from(whole as i64)),
            "float32" => float(f32::from_bits(whole as u32)),
            "float64" => float(f64::from_bits(whole)),
            "bcd16" | "bcd32" => count(bcd(&bytes)?),
            "mod10000" => {
                // low first, high behind it, whatever the order of their bytes
                let (low, high) = (whole >> 16, whole & 0xFFFF);
                if low > 9999 || high > 9999 {
                    return None;
                }
                count(i128::from(low + high * 10_000))
            }
            _ => count(i128::from(whole)),
        };
        Some(Decoding {
            table: self.table,
            register: self.first.wrapping_add(at as u16),
            is,
            order,
            value,
            text,
            float: is.starts_with("float"),
        })
    }

    /// The decodings that give what the display shows, the likeliest first.
    pub(crate) fn showing(&self, shown: &str) -> Option<Vec<Match>> {
        let display = Decimal::from_str(shown.trim().trim_start_matches('+')).ok()?;
        let mut found: Vec<Match> = self
            .all()
            .into_iter()
            .filter_map(|decoding| gives(decoding, display))
            .collect();
        found.sort_by_key(|one| (one.far, one.decoding.register));
        let mut kept: Vec<Match> = Vec::new();
        for one in found {
            // signed, unsigned and both orders of a register say the same as long as they say the same
            let same = |other: &Match| {
                other.decoding.register == one.decoding.register
                    && other.decoding.text == one.decoding.text
                    && width(other.decoding.is) == width(one.decoding.is)
                    && other.decoding.order == one.decoding.order
                    && other.one_count == one.one_count
                    && other.decoding.float == one.decoding.float
            };
            if !kept.iter().any(same) {
                kept.push(one);
            }
        }
        Some(kept)
    }
}

/// How many registers a type takes.
pub(crate) fn width(is: &str) -> usize {
    match is {
        "int16" | "uint16" | "bcd16" => 1,
        "int64" | "uint64" | "float64" => 4,
        _ => 2,
    }
}

/// Whether this decoding shows so, and with which scale.
fn gives(decoding: Decoding, display: Decimal) -> Option<Match> {
    let value = decoding.value?;
    let decimals = display.scale();
    if decoding.float {
        // a display rounds what a float carries
        let near = value.round_dp(decimals) == display.round_dp(decimals);
        let tiny = value.is_zero() != display.is_zero();
        return (near && !tiny).then(|| Match {
            far: far(&decoding),
            one_count: Decimal::ONE,
            decoding,
        });
    }
    for places in 0..=6_u32 {
        for up in [false, true] {
            let worth = if up {
                Decimal::from(10_u64.pow(places))
            } else {
                Decimal::new(1, places)
            };
            if up && (places == 0 || places > 3) {
                continue;
            }
            if value.checked_mul(worth) == Some(display) {
                let odd = if !up && places == decimals {
                    0
                } else {
                    10 + places.abs_diff(decimals)
                };
                return Some(Match {
                    far: far(&decoding) + odd,
                    one_count: worth,
                    decoding,
                });
            }
        }
    }
    None
}

/// The usual ways first: plain counts, then floats, high byte first, then the rest.
fn far(decoding: &Decoding) -> u32 {
    let order = match decoding.order {
        "ABCD" => 0,
        "CDAB" => 1,
        _ => 6,
    };
    let kind = match decoding.is {
        "int16" | "float32" => 0,
        "uint16" => 1,
        "int32" | "uint32" => 2,
        "float64" => 3,
        _ => 5,
    };
    order + kind
}

/// From the wire to highest byte first.
fn turned(words: &[u16], order: &str) -> Vec<u8> {
    let mut words: Vec<u16> = words.to_vec();
    if matches!(order, "CDAB" | "DCBA") {
        words.reverse();
    }
    if matches!(order, "BADC" | "DCBA") {
        words.iter_mut().for_each(|word| *word = word.swap_bytes());
    }
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn count(number: i128) -> (Option<Decimal>, String) {
    (
        Decimal::try_from_i128_with_scale(number, 0).ok(),
        number.to_string(),
    )
}

/// The fewest digits that give the same float again; a number nobody would show stays out of the table.
fn float<F: fmt::Display + fmt::LowerExp + Copy + Into<f64>>(number: F) -> (Option<Decimal>, String) {
    let wide: f64 = number.into();
    if !wide.is_finite() {
        return (None, "no number".to_owned());
    }
    let text = number.to_string();
    if wide != 0.0 && (wide.abs() < 1e-6 || wide.abs() >= 1e12) {
        return (None, format!("{number:.3e}"));
    }
    (Decimal::from_str(&text).ok(), text)
}

fn bcd(bytes: &[u8]) -> Option<i128> {
    let mut digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.try_fold(0_i128, |sum, digit| {
        (digit < 10).then(|| sum * 10 + i128::from(digit))
    })
}

impl Match {
    /// Whether another answer still gives what the display shows now, read the same way.
    pub(crate) fn still(&self, registers: &[Registers], shown: &str) -> bool {
        let Ok(display) = Decimal::from_str(shown.trim().trim_start_matches('+')) else {
            return false;
        };
        let here = registers.iter().find_map(|read| {
            let at = self.decoding.register.checked_sub(read.first)?;
            (read.table == self.decoding.table)
                .then(|| read.one(usize::from(at), self.decoding.is, self.decoding.order))?
        });
        let Some(value) = here.as_ref().and_then(|decoding| decoding.value) else {
            return false;
        };
        if self.decoding.float {
            let decimals = display.scale();
            return value.round_dp(decimals) == display.round_dp(decimals);
        }
        value.checked_mul(self.one_count) == Some(display)
    }

    /// The line of a driver that reads it so; `at` counts from the first register of its read.
    pub(crate) fn line(&self, first: u16) -> String {
        let worth = if self.decoding.float {
            "unit = \"…\"".to_owned()
        } else {
            format!("one_count = \"{} …\"", self.one_count.normalize())
        };
        let order = if self.decoding.order == "ABCD" {
            String::new()
        } else {
            format!(", order = \"{}\"", self.decoding.order)
        };
        format!(
            "{{ at = {}, measure = \"…\", is = \"{}\"{order}, {worth} }}",
            self.decoding.register - first,
            self.decoding.is
        )
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decoding {
            table,
            register,
            is,
            order,
            text,
            ..
        } = &self.decoding;
        write!(f, "{table} {register:5}  {is:8} {order}  {text}")?;
        if self.one_count != Decimal::ONE {
            write!(f, "  × {}", self.one_count)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn holding(values: &[u16]) -> Registers {
        Registers {
            table: "holding",
            first: 100,
            values: values.to_vec(),
        }
    }

    #[test]
    fn what_the_display_shows_is_found_in_each_type_and_order() {
        let table: &[(&[u16], &str, &str, &str, &str)] = &[
            (&[1234], "12.34", "int16", "ABCD", "0.01"),
            (
                &[0x10000_u32.wrapping_sub(50) as u16],
                "-5.0",
                "int16",
                "ABCD",
                "0.1",
            ),
            (&[40_000], "4000.0", "uint16", "ABCD", "0.1"),
            (&[0x1234], "12.34", "bcd16", "ABCD", "0.01"),
            (&[0xD204], "12.34", "int16", "BADC", "0.01"),
            (&[0x4145, 0x70A4], "12.34", "float32", "ABCD", "1"),
            (&[0x70A4, 0x4145], "12.34", "float32", "CDAB", "1"),
            (&[0x4541, 0xA470], "12.34", "float32", "BADC", "1"),
            (&[0xA470, 0x4541], "12.34", "float32", "DCBA", "1"),
            (&[0x0012, 0xD687], "1234.567", "int32", "ABCD", "0.001"),
            (&[0xD687, 0x0012], "1234.567", "int32", "CDAB", "0.001"),
            (&[0x0123, 0x4567], "12345.67", "bcd32", "ABCD", "0.01"),
            (&[4567, 123], "1234.567", "mod10000", "ABCD", "0.001"),
            (&[0x4028, 0xAE14, 0x7AE1, 0x47AE], "12.34", "float64", "ABCD", "1"),
            (&[12], "12000", "int16", "ABCD", "1000"),
        ];
        for (values, shown, is, order, one_count) in table {
            let found = holding(values).showing(shown).unwrap();
            let hit = found.iter().find(|one| {
                one.decoding.is == *is
                    && one.decoding.order == *order
                    && one.one_count.normalize() == Decimal::from_str(one_count).unwrap()
                    && one.decoding.register == 100
            });
            assert!(hit.is_some(), "{shown} as {is} {order}: {found:#?}");
        }
    }

    #[test]
    fn the_likeliest_decoding_comes_first() {
        let found = holding(&[7, 0x4145, 0x70A4, 1234, 0xFFFF])
            .showing("12.34")
            .unwrap();
        assert_eq!(
            (found[0].decoding.register, found[0].decoding.is),
            (101, "float32"),
            "{found:#?}"
        );
        assert_eq!(
            (found[1].decoding.register, found[1].decoding.is),
            (103, "int16"),
            "{found:#?}"
        );
    }

    #[test]
    fn a_second_value_on_the_display_leaves_the_true_decoding() {
        let found = holding(&[0, 1234]).showing("12.34").unwrap();
        assert!(found.len() > 1, "int32 and int16 both say so: {found:#?}");
        let later = [holding(&[1, 9000])];
        let left: Vec<&Match> = found.iter().filter(|one| one.still(&later, "745.36")).collect();
        assert_eq!(left.len(), 1, "{left:#?}");
        assert_eq!(left[0].decoding.is, "int32");
        assert_eq!(
            left[0].line(100),
            "{ at = 0, measure = \"…\", is = \"int32\", one_count = \"0.01 …\" }"
        );
    }

    #[test]
    fn what_is_no_number_on_a_display_finds_nothing() {
        assert!(holding(&[1]).showing("OL").is_none());
        assert_eq!(holding(&[0x7FC0, 0]).showing("12.34").unwrap(), Vec::new());
    }

    #[test]
    fn no_register_is_read_behind_the_last() {
        let all = holding(&[1, 2]).all();
        assert!(all.iter().all(|one| width(one.is) <= 2));
        assert!(!all.iter().any(|one| one.register == 101 && width(one.is) == 2));
    }
}
