//! What a scanner made of a test code, and what has to be changed on it. Pure: a code in, findings out.
//!
//! A scanner on a keyboard's plug types keys, not signs. When it types as on one country's keyboard and the panel reads
//! as another's, signs turn into others: the same wrong way each time, and that way says which setting it is.

use crate::web::words::Say;

/// Every sign that codes of ours and GS1's are made of, and those that differ between keyboards.
pub(super) const LETTERS: &str = "STEELYARD:TEST-azqwmyz/AZQWMYZ=0123456789+()";
/// A GTIN, a lot with letters, the separator it needs, an expiry.
pub(super) const GS1: &str = "010401234567890110L-88213y\u{1d}17280331";

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// As it should be.
    Good,
    /// No Enter came behind the code.
    NoEnter,
    /// The group separator between the parts of a GS1 code was swallowed.
    NoSeparator,
    /// It came as another sign.
    OtherSeparator,
    /// The scanner types as on an American keyboard, and the panel reads a German, French or Spanish one.
    German,
    French,
    Spanish,
    /// Capitals and small letters are exchanged.
    Capitals,
    /// All letters came as capitals (or small ones).
    OneCase,
    /// Something stands before or behind the code.
    Around,
    /// It is none of the test codes.
    Unknown,
}

impl Finding {
    /// What it is called, and what to change.
    pub(super) fn words(self) -> (Say, Say) {
        match self {
            Self::Good => (Say::ScanGood, Say::ScanGoodDo),
            Self::NoEnter => (Say::ScanNoEnter, Say::ScanNoEnterDo),
            Self::NoSeparator => (Say::ScanNoSeparator, Say::ScanNoSeparatorDo),
            Self::OtherSeparator => (Say::ScanOtherSeparator, Say::ScanOtherSeparatorDo),
            Self::German => (Say::ScanGerman, Say::ScanKeyboardDo),
            Self::French => (Say::ScanFrench, Say::ScanKeyboardDo),
            Self::Spanish => (Say::ScanSpanish, Say::ScanKeyboardDo),
            Self::Capitals => (Say::ScanCapitals, Say::ScanCapitalsDo),
            Self::OneCase => (Say::ScanOneCase, Say::ScanOneCaseDo),
            Self::Around => (Say::ScanAround, Say::ScanAroundDo),
            Self::Unknown => (Say::ScanUnknown, Say::ScanUnknownDo),
        }
    }
}

/// Keys of an American keyboard, and what the others make of them.
const AMERICAN: &str = "yzYZ-/=:;()+?aqwmAQWM0123456789";
const GERMAN: &str = "zyZY\u{df}-\u{b4}\u{d6}\u{f6})=`_aqwmAQWM0123456789";
const FRENCH: &str = "ywYW)!=Mm90+\u{a7}qaz,QAZ?\u{e0}&\u{e9}\"'(-\u{e8}_\u{e7}";
const SPANISH: &str = "yzYZ'-\u{a1}\u{d1}\u{f1})=\u{bf}_aqwmAQWM0123456789";

/// What the code says of the scanner: the first thing to mend stands first.
pub(super) fn judge(code: &str, enter: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    if !enter {
        found.push(Finding::NoEnter);
    }
    // What GS1 symbols are announced by is welcome, and so is its absence.
    let bare = ["]d2", "]C1", "]Q3", "]d1"]
        .iter()
        .find_map(|prefix| code.strip_prefix(prefix))
        .unwrap_or(code)
        .trim_matches('\u{1d}');
    match reading(bare) {
        Some(more) => found.extend(more),
        None => found.push(Finding::Unknown),
    }
    if found.is_empty() {
        found.push(Finding::Good);
    }
    found
}

fn reading(code: &str) -> Option<Vec<Finding>> {
    let ways: [(Option<Finding>, fn(&str) -> String); 4] = [
        (None, str::to_owned),
        (Some(Finding::German), |text| typed(text, GERMAN)),
        (Some(Finding::French), |text| typed(text, FRENCH)),
        (Some(Finding::Spanish), |text| typed(text, SPANISH)),
    ];
    for (keyboard, type_as) in ways {
        for test in [LETTERS, GS1] {
            if let Some(rest) = compare(code, test, type_as) {
                return Some(keyboard.into_iter().chain(rest).collect());
            }
        }
    }
    None
}

/// How a code differs from what a test code should have become; `None` when it is another code.
fn compare(code: &str, test: &str, type_as: fn(&str) -> String) -> Option<Vec<Finding>> {
    let whole = type_as(test);
    let gone: String = whole.chars().filter(|sign| *sign != '\u{1d}').collect();
    let swapped: String = whole.chars().map(swap_case).collect();
    if code == whole {
        return Some(vec![]);
    }
    if test.contains('\u{1d}') {
        if code == gone {
            return Some(vec![Finding::NoSeparator]);
        }
        let (before, behind) = whole.split_once('\u{1d}')?;
        let between = code
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(behind));
        if between.is_some_and(|between| (1..=6).contains(&between.chars().count())) {
            return Some(vec![Finding::OtherSeparator]);
        }
    }
    if code == swapped {
        return Some(vec![Finding::Capitals]);
    }
    if code == whole.to_uppercase() || code == whole.to_lowercase() {
        return Some(vec![Finding::OneCase]);
    }
    let around = code.contains(&whole) && code.chars().count() <= whole.chars().count() + 8;
    around.then(|| vec![Finding::Around])
}

fn swap_case(sign: char) -> char {
    if sign.is_ascii_lowercase() {
        sign.to_ascii_uppercase()
    } else {
        sign.to_ascii_lowercase()
    }
}

/// What a panel with another keyboard reads when the keys of an American one are pressed.
fn typed(text: &str, keyboard: &str) -> String {
    text.chars()
        .map(|sign| {
            AMERICAN
                .chars()
                .position(|known| known == sign)
                .and_then(|at| keyboard.chars().nth(at))
                .unwrap_or(sign)
        })
        .collect()
}

/// The code as people can compare it: what has no sign is named.
pub(super) fn visible(code: &str) -> String {
    let mut out = String::new();
    for sign in code.chars().take(200) {
        match sign {
            '\u{1d}' => out.push('␝'),
            sign if sign.is_control() => out.push('�'),
            sign => out.push(sign),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyboards_are_told_key_by_key() {
        for keyboard in [GERMAN, FRENCH, SPANISH] {
            assert_eq!(keyboard.chars().count(), AMERICAN.chars().count(), "{keyboard}");
        }
    }

    #[test]
    fn a_scanner_that_is_set_well_is_told_so() {
        for code in [
            LETTERS.to_owned(),
            GS1.to_owned(),
            format!("]d2{GS1}"),
            format!("\u{1d}{GS1}"),
        ] {
            assert_eq!(judge(&code, true), [Finding::Good], "{code:?}");
        }
    }

    #[test]
    fn every_wrong_setting_is_found_by_what_it_does_to_the_codes() {
        let no_separator = GS1.replace('\u{1d}', "");
        let other = GS1.replace('\u{1d}', "<GS>");
        for (code, enter, found) in [
            (no_separator.clone(), true, vec![Finding::NoSeparator]),
            (other, true, vec![Finding::OtherSeparator]),
            (LETTERS.to_owned(), false, vec![Finding::NoEnter]),
            (typed(LETTERS, GERMAN), true, vec![Finding::German]),
            (typed(LETTERS, FRENCH), true, vec![Finding::French]),
            (typed(LETTERS, SPANISH), true, vec![Finding::Spanish]),
            (
                typed(&no_separator, GERMAN),
                true,
                vec![Finding::German, Finding::NoSeparator],
            ),
            (
                LETTERS.chars().map(swap_case).collect(),
                true,
                vec![Finding::Capitals],
            ),
            (LETTERS.to_uppercase(), true, vec![Finding::OneCase]),
            (format!("X{LETTERS}Y"), true, vec![Finding::Around]),
            ("4006381333931".to_owned(), true, vec![Finding::Unknown]),
            (String::new(), false, vec![Finding::NoEnter, Finding::Unknown]),
        ] {
            assert_eq!(judge(&code, enter), found, "{code:?}");
        }
    }

    #[test]
    fn a_german_panel_reads_zet_for_ypsilon() {
        assert!(typed("STEELYARD:y", GERMAN).starts_with("STEELZARD\u{d6}z"));
        assert_eq!(typed("0123456789", FRENCH), "à&é\"'(-è_ç");
    }

    #[test]
    fn what_has_no_sign_is_shown_all_the_same() {
        assert_eq!(visible("a\u{1d}b\u{7}"), "a␝b�");
    }
}
