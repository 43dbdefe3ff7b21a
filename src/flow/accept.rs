//! The side-by-side: ten readings a person reads off a display, each beside what was captured at that moment. Ten
//! that agree make one equipment `plant` with one driver, byte for byte; any change of that driver takes it back.
//!
//! Pure: pairs in, entries out; and from the entries of the ledger, who is accepted.

use crate::config::plant::{Equipment, Plant};
use driver::Evidence;
use record::{Answer, Draft, Line, Stamp, Trouble, Value, b64};
use rust_decimal::{Decimal, RoundingStrategy};
use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

/// So many pairs are needed, and all of them must agree.
pub const PAIRS: usize = 10;

/// What a display showed, and what was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub measure: String,
    /// As a person read it: `12.34`, or with its unit `12.34 kg`.
    pub shown: String,
    pub captured: Answer,
    /// When the captured value was true.
    pub time: Stamp,
    /// The bytes it was read from.
    pub raw: Vec<u8>,
}

impl Pair {
    /// Whether the two are the same: what was captured, rounded to the digits of the display, is what it showed, in
    /// the unit it showed where it shows one. A value in doubt agrees with nothing.
    pub fn agrees(&self) -> bool {
        let Answer::Good(value) = &self.captured else {
            return false;
        };
        let shown = self.shown.trim();
        let quantity = match value {
            Value::Text(text) => return text.eq_ignore_ascii_case(shown),
            Value::Quantity(quantity) => quantity,
        };
        let (digits, unit) = match shown.split_once(char::is_whitespace) {
            Some((digits, unit)) => (digits, Some(unit.trim())),
            None => (shown, None),
        };
        if unit.is_some_and(|unit| unit != quantity.unit.shown() && unit != quantity.unit.ucum()) {
            return false;
        }
        let digits = digits.trim_start_matches('+').replace(',', ".");
        let Ok(display) = Decimal::from_str(&digits) else {
            return false;
        };
        let captured = quantity.amount.number();
        [
            RoundingStrategy::MidpointAwayFromZero,
            RoundingStrategy::MidpointNearestEven,
            RoundingStrategy::MidpointTowardZero,
        ]
        .into_iter()
        .any(|way| captured.round_dp_with_strategy(display.scale(), way) == display)
    }
}

/// What a side-by-side comes to.
pub struct Outcome {
    pub accepted: bool,
    /// The comparisons, to be entered one after the other.
    pub comparisons: Vec<Draft>,
    agree: usize,
    different: usize,
}

/// Looks at the pairs of one equipment. Fewer than ten prove nothing and are refused before anything is entered.
pub fn side_by_side(equipment: &Equipment, pairs: &[Pair], by: &str) -> Result<Outcome, Trouble> {
    if pairs.len() < PAIRS {
        return Err(Trouble::new(
            "too-few-pairs",
            format!("{} readings were compared; {PAIRS} are needed", pairs.len()),
        )
        .at(&equipment.tag)
        .means("nothing was entered; the equipment rests on what its driver rests on")
        .so("compare ten, at values as far apart as the process will need them"));
    }
    let known = equipment.driver.points();
    if let Some(stray) = pairs
        .iter()
        .find(|pair| !known.iter().any(|point| point.measure == pair.measure))
    {
        return Err(Trouble::new(
            "no-such-point",
            format!("{} has no point {:?}", equipment.tag, stray.measure),
        )
        .means("nothing was entered"));
    }
    let agree = pairs.iter().filter(|pair| pair.agrees()).count();
    let different: BTreeSet<(&str, &str)> = pairs
        .iter()
        .map(|pair| (pair.measure.as_str(), pair.shown.trim()))
        .collect();
    let comparison = |pair: &Pair| {
        let state = if pair.agrees() { "agrees" } else { "differs" };
        Draft::new("comparison", pair.time)
            .with("equipment", equipment.tag.as_str())
            .with("point", format!("{}.{}", equipment.tag, pair.measure))
            .with("state", state)
            .data("by", by)
            .data("shown", pair.shown.trim())
            .data("captured", pair.captured.to_string())
            .data("raw", hex(&pair.raw))
    };
    Ok(Outcome {
        accepted: agree == pairs.len(),
        comparisons: pairs.iter().map(comparison).collect(),
        agree,
        different: different.len(),
    })
}

impl Outcome {
    /// The entry that says what it came to, over comparisons with these numbers.
    pub fn acceptance(
        &self,
        equipment: &Equipment,
        (first, last): (u64, u64),
        (by, reason): (&str, &str),
        now: Stamp,
    ) -> Draft {
        Draft::new("acceptance", now)
            .with("equipment", equipment.tag.as_str())
            .with("state", if self.accepted { "accepted" } else { "not-accepted" })
            .with("driver", equipment.driver.name.as_str())
            .with("edition", u64::from(equipment.edition))
            .with("sha256", digest(equipment))
            .with("count", self.comparisons.len() as u64)
            .with("agree", self.agree as u64)
            .with("seqs", format!("{first}-{last}"))
            .with("because", "side-by-side")
            .data("by", by)
            .data("reason", reason)
            .data("different", self.different as u64)
    }

    /// For whoever did it.
    pub fn in_words(&self, equipment: &Equipment) -> String {
        let Equipment {
            tag, driver, edition, ..
        } = equipment;
        let count = self.comparisons.len();
        let mut text = if self.accepted {
            format!(
                "{tag} is accepted: {count} of {count} agree. With {} edition {edition} its evidence is `plant`, until \
                 that file changes; batches carry no exception for a draft any more",
                driver.name
            )
        } else {
            format!(
                "{tag} is not accepted: {} of {count} differ. All of them are entered; it rests on its driver's own evidence, \
                 {}, and an earlier acceptance is taken back",
                count - self.agree,
                driver.evidence.word()
            )
        };
        if self.different < 3 {
            text.push_str(&format!(
                "\nonly {} different value{} compared: a reviewer will ask for more of the range",
                self.different,
                if self.different == 1 { " was" } else { "s were" }
            ));
        }
        text
    }
}

/// Which equipment is accepted, with which driver.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted(BTreeMap<String, (String, u64, String)>);

impl Accepted {
    /// Takes in one line of the ledger; only `acceptance` entries say anything here. A comparison that failed later
    /// takes back what was accepted before.
    pub fn recall(&mut self, line: &Line<'_>) {
        if line.kind() != "acceptance" {
            return;
        }
        let Some(tag) = line.text("equipment") else { return };
        let with = (|| {
            let accepted = line.raw("state")? == "accepted";
            let (driver, sha256) = (line.text("driver")?, line.text("sha256")?);
            let edition = u64::try_from(line.int("edition")?).ok()?;
            accepted.then_some((driver, edition, sha256))
        })();
        match with {
            Some(with) => drop(self.0.insert(tag, with)),
            None => drop(self.0.remove(&tag)),
        }
    }

    /// What a side-by-side came to, once it is entered.
    pub fn judged(&mut self, equipment: &Equipment, accepted: bool) {
        let with = (
            equipment.driver.name.clone(),
            u64::from(equipment.edition),
            digest(equipment),
        );
        if accepted {
            self.0.insert(equipment.tag.clone(), with);
        } else {
            self.0.remove(&equipment.tag);
        }
    }

    /// Whether this equipment was accepted with this very driver.
    pub fn holds(&self, equipment: &Equipment) -> bool {
        self.0
            .get(&equipment.tag)
            .is_some_and(|(driver, edition, sha256)| {
                *driver == equipment.driver.name
                    && *edition == u64::from(equipment.edition)
                    && *sha256 == digest(equipment)
            })
    }

    /// What this equipment rests on.
    pub fn evidence(&self, equipment: &Equipment) -> Evidence {
        if self.holds(equipment) {
            Evidence::Plant
        } else {
            equipment.driver.evidence
        }
    }

    /// Equipment whose values are recorded though they rest on a draft: unit, and what to say in each of its batches.
    pub fn drafts(&self, plant: &Plant) -> Vec<(String, String)> {
        let mut drafts = BTreeSet::new();
        for capture in &plant.captures {
            if let Some(equipment) = plant.equipment.get(&capture.point.tag)
                && self.evidence(equipment) == Evidence::Draft
            {
                let says = format!(
                    "{} is recorded with a draft: {} edition {}",
                    equipment.tag, equipment.driver.name, equipment.edition
                );
                drafts.insert((capture.at.clone(), says));
            }
        }
        drafts.into_iter().collect()
    }
}

/// SHA-256 of the driver's file, as the record writes hashes.
fn digest(equipment: &Equipment) -> String {
    b64::encode(&equipment.driver.sha256())
}

/// Bytes as an entry writes them.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::{self, Source};
    use record::Quantity;

    fn pair(shown: &str, captured: &str) -> Pair {
        let value = Quantity::read(captured).map_or_else(|| Value::Text(captured.into()), Value::Quantity);
        Pair {
            measure: "temperature".into(),
            shown: shown.into(),
            captured: Answer::Good(value),
            time: Stamp(1_000),
            raw: vec![2, 0xD4],
        }
    }

    #[test]
    fn a_display_and_a_reading_agree_in_every_digit_the_display_has() {
        let table = "
            72.4    | 72.4 °C   | yes
            72.4 °C | 72.4 °C   | yes
            72.4 °F | 72.4 °C   | no
            72.4    | 72.4399 °C| yes
            72.4    | 72.45 °C  | yes
            72.5    | 72.45 °C  | yes
            72.4    | 72.46 °C  | no
            72.40   | 72.4 °C   | yes
            72,4    | 72.4 °C   | yes
            -5.0    | -5.0 °C   | yes
            5.0     | -5.0 °C   | no
            724     | 72.4 °C   | no
            heating | heating   | yes
            OL      | 72.4 °C   | no";
        for row in table.lines().filter(|row| row.contains('|')) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let agrees = pair(cells[0], cells[1]).agrees();
            assert_eq!(if agrees { "yes" } else { "no" }, cells[2], "{row}");
        }
        let doubtful = Pair {
            captured: Answer::Uncertain(Value::Text("72.4".into()), "not settled".into()),
            ..pair("72.4", "72.4 °C")
        };
        assert!(!doubtful.agrees());
    }

    fn plant() -> Plant {
        let mut source = Source::example();
        source.drivers.clear();
        config::read(source).unwrap()
    }

    #[test]
    fn ten_that_agree_make_it_plant_until_the_driver_changes() {
        let plant = plant();
        let equipment = &plant.equipment["TC-3105"];
        let mut accepted = Accepted::default();
        assert_eq!(accepted.evidence(equipment), Evidence::Draft);
        let before = accepted.drafts(&plant);
        assert!(
            before
                .iter()
                .any(|(unit, says)| unit == "MX-3" && says.contains("TC-3105"))
        );
        let nine = vec![pair("72.4", "72.4 °C"); 9];
        assert!(side_by_side(equipment, &nine, "e.braun").is_err());
        let ten = vec![pair("72.4", "72.4 °C"); 10];
        let outcome = side_by_side(equipment, &ten, "e.braun").unwrap();
        assert!(outcome.accepted);
        accepted.judged(equipment, outcome.accepted);
        assert_eq!(accepted.evidence(equipment), Evidence::Plant);
        assert!(
            !accepted
                .drafts(&plant)
                .iter()
                .any(|(_, says)| says.contains("TC-3105"))
        );
        let mut other = equipment.clone();
        let text = format!("{}\n# a word more\n", other.driver.text());
        other.driver = driver::Driver::parse(&text, other.driver.file()).unwrap();
        assert_eq!(
            accepted.evidence(&other),
            Evidence::Draft,
            "another hash is another driver"
        );
    }

    #[test]
    fn one_that_differs_is_recorded_and_accepts_nothing() {
        let plant = plant();
        let equipment = &plant.equipment["TC-3105"];
        let mut pairs = vec![pair("72.4", "72.4 °C"); 9];
        pairs.push(pair("72.4", "73.4 °C"));
        let outcome = side_by_side(equipment, &pairs, "e.braun").unwrap();
        assert!(!outcome.accepted);
        assert_eq!(outcome.comparisons.len(), 10);
        assert!(outcome.in_words(equipment).contains("1 of 10 differ"));
    }
}
