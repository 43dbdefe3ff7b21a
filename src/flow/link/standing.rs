//! How each instrument stands: what it is known to say about itself, whether that is in doubt, and whether it
//! is out of service or lent. Made from `equipment-status` entries alone, so that a restart changes nothing.

use super::{
    Facts, SERIAL_NUMBER,
    identity::{ANOTHER, SETTINGS_CHANGED},
};
use record::{Draft, Line, Stamp};
use std::collections::BTreeMap;

/// Every instrument of which the record says something, by tag.
#[derive(Debug, Clone, Default)]
pub struct Standings(BTreeMap<String, Standing>);

/// How one instrument stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// What it is known to say.
    known: Facts,
    /// The serial number that was configured when a person last said what is known.
    configured: Option<String>,
    pub doubt: Option<Doubt>,
    pub out: Option<Away>,
    pub lent: Option<Away>,
    /// A person is asked whether it is still the same instrument, since then.
    pub to_confirm: Option<Stamp>,
}

/// Why values do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// In the words of a reading.
    pub because: &'static str,
    pub since: Stamp,
    /// What it says instead.
    pub found: Facts,
}

/// Until when, because of whom and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    pub since: Stamp,
    pub until: Stamp,
    pub by: String,
    pub reason: String,
}

impl Standings {
    /// Takes in one entry; others than `equipment-status` say nothing here.
    pub fn recall(&mut self, line: &Line<'_>) {
        let (Some(tag), Some(state)) = (line.text("equipment"), line.text("state")) else {
            return;
        };
        if line.kind() != "equipment-status" {
            return;
        }
        let Some(time) = line.text("time").as_deref().and_then(Stamp::read) else {
            return;
        };
        let data = |name: &str| line.data_text(name).unwrap_or_default();
        let away = || {
            Some(Away {
                since: time,
                until: line.text("until").as_deref().and_then(Stamp::read)?,
                by: data("by"),
                reason: data("reason"),
            })
        };
        let found = facts(&data("found"));
        let standing = self.0.entry(tag).or_default();
        match state.as_str() {
            "out-of-service" => standing.out = away(),
            "in-service" => standing.out = None,
            "lent" => standing.lent = away(),
            "returned" => standing.lent = None,
            "doubtful" => {
                let because = match line.text("because").as_deref() {
                    Some("settings-changed") => SETTINGS_CHANGED,
                    _ => ANOTHER,
                };
                standing.doubted(because, time, found);
            }
            "to-confirm" => standing.to_confirm = Some(time),
            "known" => {
                standing.known = found;
                if line.text("because").as_deref() != Some("identified") {
                    standing.doubt = None;
                    standing.to_confirm = None;
                    standing.configured = line.data_text("configured");
                }
            }
            _ => {}
        }
    }

    pub fn of(&self, tag: &str) -> Standing {
        self.0.get(tag).cloned().unwrap_or_default()
    }

    pub fn all(&self) -> impl Iterator<Item = (&str, &Standing)> {
        self.0.iter().map(|(tag, standing)| (tag.as_str(), standing))
    }

    /// Whose time is over, and in which state they are then.
    pub fn over(&self, now: Stamp) -> Vec<(String, &'static str)> {
        let over = |away: &Option<Away>| away.as_ref().is_some_and(|away| away.until <= now);
        let mut all = Vec::new();
        for (tag, standing) in &self.0 {
            if over(&standing.out) {
                all.push((tag.clone(), "in-service"));
            }
            if over(&standing.lent) {
                all.push((tag.clone(), "returned"));
            }
        }
        all
    }
}

impl Standing {
    /// What it must say: what a person confirmed, or what it said first; and the configured serial number,
    /// unless a person confirmed another one while that was configured.
    pub fn expected(&self, configured: Option<&str>) -> Facts {
        let mut known = self.known.clone();
        if let Some(configured) = configured
            && self.configured.as_deref() != Some(configured)
        {
            known.insert(SERIAL_NUMBER.to_owned(), configured.to_owned());
        }
        known
    }

    fn doubted(&mut self, because: &'static str, since: Stamp, found: Facts) {
        let doubt = self.doubt.get_or_insert(Doubt {
            because,
            since,
            found: Facts::new(),
        });
        if because == ANOTHER {
            doubt.because = ANOTHER;
        }
        doubt.found.extend(found);
    }

    /// What is known once a person has confirmed what it says.
    pub fn confirmed(&self, configured: Option<&str>) -> Facts {
        let mut known = self.expected(configured);
        known.extend(self.doubt.iter().flat_map(|doubt| doubt.found.clone()));
        known
    }
}

/// The beginning of an entry about one instrument.
pub fn entry(tag: &str, state: &'static str, because: &'static str, now: Stamp) -> Draft {
    Draft::new("equipment-status", now)
        .with("equipment", tag)
        .with("state", state)
        .with("because", because)
}

/// Facts as an entry has them: `serial_number is B512345678; unit is kg`.
pub fn in_words(facts: &Facts) -> String {
    let words = facts
        .iter()
        .map(|(name, words)| format!("{name} is {}", words.replace(';', ",")));
    words.collect::<Vec<_>>().join("; ")
}

fn facts(words: &str) -> Facts {
    let named = words.split("; ").filter_map(|fact| fact.split_once(" is "));
    named
        .map(|(name, words)| (name.to_owned(), words.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn recalled(drafts: &[Draft]) -> Standings {
        let mut standings = Standings::default();
        for (seq, draft) in drafts.iter().enumerate() {
            let mut bytes = Vec::new();
            draft.write(seq as u64 + 1, [7; 16], &mut bytes).unwrap();
            let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            standings.recall(&Line::read(text).unwrap());
        }
        standings
    }

    fn known(words: &str, because: &'static str) -> Draft {
        entry("WT-1", "known", because, Stamp(1000)).data("found", words)
    }

    #[test]
    fn what_an_instrument_said_first_is_known_after_a_restart() {
        let standings = recalled(&[known("serial_number is B1; unit is kg", "identified")]);
        let expected = standings.of("WT-1").expected(None);
        assert_eq!(in_words(&expected), "serial_number is B1; unit is kg");
        assert_eq!(
            in_words(&standings.of("WT-1").expected(Some("B2"))),
            "serial_number is B2; unit is kg"
        );
    }

    #[test]
    fn a_doubt_stands_until_a_person_confirms_and_then_what_was_found_is_known() {
        let doubt =
            entry("WT-1", "doubtful", "another-instrument", Stamp(2000)).data("found", "serial_number is B2");
        let standings = recalled(&[
            known("serial_number is B1; unit is kg", "identified"),
            doubt.clone(),
        ]);
        let standing = standings.of("WT-1");
        assert_eq!(standing.doubt.as_ref().unwrap().because, "another instrument");
        let confirmed = in_words(&standing.confirmed(Some("B1")));
        assert_eq!(confirmed, "serial_number is B2; unit is kg");
        let act = known(&confirmed, "confirmed").data("configured", "B1");
        let standing = recalled(&[known("serial_number is B1", "identified"), doubt, act]).of("WT-1");
        assert!(standing.doubt.is_none());
        assert_eq!(standing.expected(Some("B1"))["serial_number"], "B2");
        assert_eq!(
            standing.expected(Some("B3"))["serial_number"],
            "B3",
            "a number configured later counts again"
        );
    }

    #[test]
    fn out_of_service_ends_by_itself() {
        let out = entry("WT-1", "out-of-service", "out-of-service", Stamp(1000))
            .with("until", Stamp(61_000))
            .data("by", "p-17")
            .data("reason", "calibration");
        let standings = recalled(std::slice::from_ref(&out));
        assert_eq!(standings.of("WT-1").out.as_ref().unwrap().by, "p-17");
        assert!(standings.over(Stamp(60_999)).is_empty());
        assert_eq!(standings.over(Stamp(61_000)), [("WT-1".to_owned(), "in-service")]);
        let back = entry("WT-1", "in-service", "in-service", Stamp(61_000));
        assert!(recalled(&[out, back]).of("WT-1").out.is_none());
    }
}
