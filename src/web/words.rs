//! Every word the screens say, in one catalogue: `languages/`, one file per language, found by listing.
//!
//! English names the keys; the tests at the bottom hold the keys and placeholders of the others against it. `{name}`
//! is replaced; `{name:one|many}` chooses by the number given under that name. The record keeps its own words: what
//! stands in entries is never translated there.
//!
//! What comes from elsewhere (titles of units, names of batches, the sentences of a call) is shown as it
//! is written there; [`typeset`] only mends its typography.

use axum::http::{HeaderMap, header};
use record::Unit;
use std::fmt::Write;

/// Keeps a number and its unit on one line.
pub(crate) const NO_BREAK: char = '\u{a0}';
/// The true minus sign.
pub(crate) const MINUS: char = '\u{2212}';

/// A language with its habits of writing numbers.
pub(crate) struct Tongue {
    /// For `<html lang>`.
    pub(crate) code: &'static str,
    pub(crate) decimal: char,
    /// Between groups of three digits before the decimal sign.
    pub(crate) thousands: &'static str,
    /// Names of the months as they stand after a day, January first.
    pub(crate) months: [&'static str; 12],
    /// What it calls itself.
    pub(crate) name: &'static str,
    /// In the order of the keys; empty where the language lacks one.
    texts: &'static [&'static str],
    /// Whether a count of nothing takes the first form, as in French.
    zero_is_one: bool,
}

/// What fills a placeholder.
pub(crate) enum Fill {
    Text(String),
    Count(u64),
}

impl From<String> for Fill {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Fill {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Fill {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl Tongue {
    /// The language of that code (`de`, `de-AT`), when there is one.
    pub(crate) fn named(code: &str) -> Option<&'static Self> {
        let primary = code.trim().split(['-', '_']).next().unwrap_or_default();
        TONGUES
            .iter()
            .copied()
            .find(|tongue| tongue.code.eq_ignore_ascii_case(primary))
    }

    /// What a page asks for: the language chosen on it, else the first of the browser's that is known, else English.
    pub(crate) fn asked(headers: &HeaderMap) -> &'static Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let chosen = text(header::COOKIE)
            .unwrap_or_default()
            .split(';')
            .filter_map(|pair| pair.trim().strip_prefix("language="))
            .find_map(Self::named);
        chosen
            .or_else(|| {
                let accepted = text(header::ACCEPT_LANGUAGE).unwrap_or_default();
                accepted
                    .split(',')
                    .filter_map(|one| one.split(';').next())
                    .find_map(Self::named)
            })
            .unwrap_or(&ENGLISH)
    }

    /// English says what another language lacks: a screen without a word would be worse.
    fn text(&self, key: Say) -> &'static str {
        match self.texts.get(key as usize) {
            Some(text) if !text.is_empty() => text,
            _ => ENGLISH.texts.get(key as usize).copied().unwrap_or_default(),
        }
    }

    fn is_one(&self, count: u64) -> bool {
        count == 1 || (count == 0 && self.zero_is_one)
    }

    /// A message without placeholders.
    pub(crate) fn say(&self, key: Say) -> String {
        self.tell(key, &[])
    }

    /// A message with its placeholders filled.
    pub(crate) fn tell(&self, key: Say, fills: &[(&str, Fill)]) -> String {
        let mut out = String::new();
        let mut rest = self.text(key);
        while let Some((before, hole, after)) = next_hole(rest) {
            out.push_str(before);
            let (name, forms) = hole
                .split_once(':')
                .map_or((hole, None), |(name, forms)| (name, Some(forms)));
            match (
                fills
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, fill)| fill),
                forms,
            ) {
                (Some(Fill::Count(count)), Some(forms)) => {
                    let (one, many) = forms.split_once('|').unwrap_or((forms, forms));
                    out.push_str(if self.is_one(*count) { one } else { many });
                }
                (Some(Fill::Count(count)), None) => out.push_str(&self.count(*count)),
                (Some(Fill::Text(text)), _) => out.push_str(text),
                // A hole nobody fills stays visible, so that the first look at the page finds it.
                (None, _) => out.push_str(hole),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// `1,287`.
    pub(crate) fn count(&self, count: u64) -> String {
        self.grouped(&count.to_string())
    }

    /// An amount as the instrument showed it, every digit kept, in this language's signs: `−1,234.50`.
    /// What isn't a plain number is only typeset.
    pub(crate) fn amount(&self, text: &str) -> String {
        if record::Amount::read(text).is_none() {
            return typeset(text);
        }
        let (minus, digits) = text
            .strip_prefix('-')
            .map_or(("", text), |digits| ("\u{2212}", digits));
        let (whole, part) = digits
            .split_once('.')
            .map_or((digits, None), |(whole, part)| (whole, Some(part)));
        let mut out = format!("{minus}{}", self.grouped(whole));
        if let Some(part) = part {
            let _ = write!(out, "{}{part}", self.decimal);
        }
        out
    }

    fn grouped(&self, digits: &str) -> String {
        let mut out = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push_str(self.thousands);
            }
            out.push(digit);
        }
        out
    }
}

/// A sentence made elsewhere: true minus before digits, no break between a number and its unit.
pub(crate) fn typeset(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            out.push(if is_unit(word) && out.ends_with(|c: char| c.is_ascii_digit()) {
                NO_BREAK
            } else {
                ' '
            });
        }
        match word.strip_prefix('-') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                out.push(MINUS);
                out.push_str(rest);
            }
            _ => out.push_str(word),
        }
    }
    out
}

fn is_unit(word: &str) -> bool {
    let bare = word.trim_end_matches([',', '.', ';', ':', ')']);
    !bare.starts_with(|c: char| c.is_ascii_digit()) && Unit::named(bare).is_some()
}

fn next_hole(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (hole, after) = rest.split_once('}')?;
    Some((before, hole, after))
}

include!(concat!(env!("OUT_DIR"), "/words.rs"));

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_number_is_written_as_the_language_writes_it_and_keeps_every_digit() {
        let german = Tongue {
            code: "de",
            decimal: ',',
            thousands: ".",
            ..ENGLISH
        };
        for (text, in_english, in_german) in [
            ("72.40", "72.40", "72,40"),
            ("-0.610", "\u{2212}0.610", "\u{2212}0,610"),
            ("2398", "2,398", "2.398"),
            ("-1234567.0", "\u{2212}1,234,567.0", "\u{2212}1.234.567,0"),
            ("ON", "ON", "ON"),
        ] {
            assert_eq!(ENGLISH.amount(text), in_english);
            assert_eq!(german.amount(text), in_german);
        }
    }

    #[test]
    fn a_sentence_from_elsewhere_gets_true_minus_and_no_break_before_units() {
        assert_eq!(
            typeset("-5.0 °C, below 2 °C for 38 s in MX-3"),
            "\u{2212}5.0\u{a0}°C, below 2\u{a0}°C for 38\u{a0}s in MX-3"
        );
    }

    #[test]
    fn one_entry_is_an_entry_and_two_are_entries() {
        let tell = |count: u64| ENGLISH.tell(Say::HeldMeansNoRate, &[("count", count.into())]);
        assert!(tell(1).contains("1 entry is sealed"), "{}", tell(1));
        assert!(tell(2140).contains("2,140 entries are sealed"), "{}", tell(2140));
    }

    #[test]
    fn every_message_closes_what_it_opens() {
        for (name, key) in ALL {
            for tongue in TONGUES {
                let text = tongue.text(*key);
                let code = tongue.code;
                assert_eq!(
                    text.matches('{').count(),
                    text.matches('}').count(),
                    "{code} {name}"
                );
                assert!(!text.is_empty(), "{code} {name}");
                assert!(
                    !text.contains('\''),
                    "{code} {name}: a typographic apostrophe, please"
                );
            }
        }
    }

    /// Names of the holes of a message, each once, in the order of the alphabet.
    fn holes(text: &'static str) -> std::collections::BTreeSet<&'static str> {
        let mut found = std::collections::BTreeSet::new();
        let mut rest = text;
        while let Some((_, hole, after)) = next_hole(rest) {
            found.insert(hole.split(':').next().unwrap());
            rest = after;
        }
        found
    }

    /// A template says nothing of its own: two words in a row between quotes are a sentence that nobody translates.
    #[test]
    fn no_template_of_a_station_holds_a_bare_sentence() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
        let mut wrong = Vec::new();
        for folder in ["dispense", "scanner"] {
            for file in std::fs::read_dir(here.join(folder)).unwrap() {
                let path = file.unwrap().path();
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                let mut before = ["", ""];
                for (line, number) in code.lines().zip(1..) {
                    let said = line.split("//").next().unwrap();
                    // What the core says in its own words, what a browser reads, attributes: not for people.
                    let apart = [
                        "Trouble::new",
                        ".means(",
                        ".so(",
                        "content=",
                        "class",
                        "mark ",
                        "format!(",
                    ];
                    let inside_trouble = before
                        .iter()
                        .any(|line| line.trim_end().ends_with("Trouble::new("));
                    before = [before[1], line];
                    let inside = said.split('"').skip(1).step_by(2);
                    let bare = inside.filter(|text| {
                        let words: Vec<&str> = text.split(' ').filter(|word| word.len() > 2).collect();
                        words.len() >= 2 && words.iter().all(|word| word.chars().all(char::is_alphabetic))
                    });
                    let bare: Vec<&str> = bare.collect();
                    if !bare.is_empty() && !inside_trouble && !apart.iter().any(|known| said.contains(known))
                    {
                        wrong.push(format!("{}:{number}: {bare:?}", path.display()));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_language_says_everything_and_fills_the_same_holes() {
        let mut wrong = Vec::new();
        assert!(TONGUES.len() >= 4, "English, German, Spanish, French");
        for tongue in TONGUES {
            for (name, key) in ALL {
                let own = tongue.texts[*key as usize];
                if own.is_empty() {
                    wrong.push(format!("{}: {name} is missing", tongue.code));
                } else if holes(own) != holes(ENGLISH.text(*key)) {
                    wrong.push(format!("{}: {name} fills {:?}", tongue.code, holes(own)));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn the_chosen_language_goes_before_the_browsers_and_an_unknown_one_is_english() {
        let asked = |cookie: &str, accepted: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, cookie.parse().unwrap());
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            Tongue::asked(&headers).code
        };
        for (cookie, accepted, code) in [("", "", "en"), ("language=../../etc", "", "en")] {
            assert_eq!(asked(cookie, accepted), code, "{cookie:?} {accepted:?}");
        }
    }
}
