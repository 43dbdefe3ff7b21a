//! How a value is told to move by itself, in words: `weight settles 0.00 to 100.00 g in 2 s`.

use super::{Motion, Moving};
use driver::Driver;
use record::Quantity;
use std::time::Duration;

/// The forms there are, for help and for mistakes.
pub const FORMS: &str = "\"weight 10.0 to 12.5 kg in 30 s\", \"temperature around 72.0 by 1.5 °C every 60 s\", \"weight settles 0.00 to 100.00 g in 2 s\"";

impl Moving {
    /// Reads one of the three forms. A unit that is left out is the driver's first.
    pub fn read(text: &str, driver: &Driver) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let no = || format!("\"{text}\" is no motion; write {FORMS}");
        let (measure, rest) = words.split_first().ok_or_else(no)?;
        let known = driver
            .points()
            .into_iter()
            .find(|point| point.measure == *measure);
        let point = known.ok_or_else(|| format!("there is no measure {measure:?}"))?;
        let settles = rest.first() == Some(&"settles");
        let rest = if settles { &rest[1..] } else { rest };
        let (first, second, unit, time) = match rest {
            ["around", first, "by", second, unit @ .., "every", number, scale] => {
                (first, second, unit, (number, scale))
            }
            [first, "to", second, unit @ .., "in", number, scale] => (first, second, unit, (number, scale)),
            _ => return Err(no()),
        };
        let number = |text: &str| text.parse::<f64>().map_err(|_| no());
        let (a, b) = (number(first)?, number(second)?);
        let over = span(time.0, time.1).ok_or_else(no)?;
        let unit = match unit {
            [] => point
                .units
                .first()
                .map(|unit| unit.shown().to_owned())
                .unwrap_or_default(),
            [one] => (*one).to_owned(),
            _ => return Err(no()),
        };
        let motion = match rest[0] {
            "around" => Motion::Wave {
                around: a,
                swing: b,
                period: over,
                noise: b / 20.0,
            },
            _ if settles => Motion::Settle {
                from: a,
                to: b,
                within: over / 5,
                noise: 0.0,
            },
            _ => Motion::Ramp { from: a, to: b, over },
        };
        let decimals = |text: &str| text.split_once('.').map_or(0, |(_, digits)| digits.len());
        let unsettled = settles.then(|| unsettled(driver)).flatten();
        Ok(Self {
            measure: (*measure).to_owned(),
            motion,
            decimals: decimals(first).max(decimals(second)),
            unit,
            unsettled,
        })
    }

    /// Every number of a driver swings a little around what its samples show.
    pub fn all(driver: &Driver) -> Vec<Self> {
        let good = |measure: &str| {
            let mut words = driver.samples.iter().flat_map(|sample| &sample.gives);
            words.find_map(|(name, words)| {
                let [one] = words.as_slice() else { return None };
                (name == measure).then(|| Quantity::read(one)).flatten()
            })
        };
        let moving = |(place, measure): (usize, String)| {
            let shown = good(&measure)?;
            let text = shown.amount.as_str().to_owned();
            let around: f64 = text.parse().ok()?;
            Some(Self {
                measure,
                motion: Motion::Wave {
                    around,
                    swing: (around.abs() / 50.0).max(0.1),
                    period: Duration::from_secs(20 + 7 * place as u64),
                    noise: around.abs() / 500.0,
                },
                decimals: text.split_once('.').map_or(0, |(_, digits)| digits.len()),
                unit: shown.unit.shown().to_owned(),
                unsettled: None,
            })
        };
        let measures = driver.points().into_iter().map(|point| point.measure);
        measures.enumerate().filter_map(moving).collect()
    }
}

/// The word of this driver for a value that has not come to rest.
fn unsettled(driver: &Driver) -> Option<String> {
    let words = driver
        .samples
        .iter()
        .flat_map(|sample| &sample.gives)
        .flat_map(|(_, words)| words);
    words
        .filter_map(|words| words.split_once(", uncertain: "))
        .map(|(_, because)| because.to_owned())
        .find(|because| because == "not settled")
}

fn span(number: &str, scale: &str) -> Option<Duration> {
    let number: f64 = number.parse().ok()?;
    let ms = match scale {
        "ms" => number,
        "s" => number * 1000.0,
        "min" => number * 60_000.0,
        _ => return None,
    };
    (ms > 0.0 && ms < 1e9).then(|| Duration::from_millis(ms as u64))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn builtin(name: &str) -> Driver {
        let wanted = format!("{name}.toml");
        let (file, text) = driver::builtin()
            .iter()
            .find(|(file, _)| *file == wanted)
            .unwrap();
        Driver::parse(text, file).unwrap()
    }

    #[test]
    fn a_motion_is_told_in_words() {
        let scale = builtin("mt-sics-balance");
        let pan = Moving::read("weight settles 0.00 to 100.00 g in 2 s", &scale).unwrap();
        assert_eq!((pan.decimals, pan.unit.as_str()), (2, "g"));
        assert_eq!(pan.unsettled.as_deref(), Some("not settled"));
        assert!((pan.motion.at(Duration::from_secs(4), 1) - 100.0).abs() < 0.1);
        let ramp = Moving::read("weight 10 to 12.5 kg in 30 s", &scale).unwrap();
        assert_eq!((ramp.decimals, ramp.unit.as_str()), (1, "kg"));
        let wave = Moving::read("temperature around 72.0 by 1.5 every 60 s", &builtin("tc200")).unwrap();
        assert_eq!(wave.unit, "°C");
        for wrong in [
            "",
            "weight",
            "weight 1 to 2",
            "weight 1 to 2 kg in 3 moons",
            "height 1 to 2 in 3 s",
            "weight up",
        ] {
            assert!(Moving::read(wrong, &scale).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_number_of_a_driver_can_move_by_itself() {
        let all = Moving::all(&builtin("tc200"));
        let names: Vec<&str> = all.iter().map(|moving| moving.measure.as_str()).collect();
        assert_eq!(names, ["temperature", "setpoint", "output"]);
    }
}
