//! GS1 element strings, as a scanner sends them: DataMatrix and Code 128. What cannot be read for certain is refused,
//! never guessed: above all a code whose group separators a scanner has swallowed.
//!
//! Rules: GS1 General Specifications, chapters 3 (application identifiers) and 7.12 (the century of a date).

use jiff::civil::Date;
use std::fmt;

/// The separator between an element of variable length and the next one, as scanners send FNC1.
pub const GS: char = '\u{1d}';

/// What an application identifier carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// So many digits; the last of them is a check digit.
    Checked(usize),
    Digits(usize),
    Date,
    /// Up to so many characters, until the separator.
    Text(usize),
    /// Up to so many digits, until the separator.
    Number(usize),
    /// Six digits; the last digit of the identifier says how many are decimals.
    Amount,
}

impl Form {
    /// Elements of these forms need no separator behind them.
    fn length(self) -> Option<usize> {
        match self {
            Self::Checked(length) | Self::Digits(length) => Some(length),
            Self::Date | Self::Amount => Some(6),
            Self::Text(_) | Self::Number(_) => None,
        }
    }
}

/// Identifiers with their forms. `n` at the end stands for any digit.
const TABLE: &[(&str, Form)] = &[
    ("00", Form::Checked(18)),
    ("01", Form::Checked(14)),
    ("02", Form::Checked(14)),
    ("10", Form::Text(20)),
    ("11", Form::Date),
    ("12", Form::Date),
    ("13", Form::Date),
    ("15", Form::Date),
    ("16", Form::Date),
    ("17", Form::Date),
    ("20", Form::Digits(2)),
    ("21", Form::Text(20)),
    ("22", Form::Text(20)),
    ("235", Form::Text(28)),
    ("240", Form::Text(30)),
    ("241", Form::Text(30)),
    ("242", Form::Number(6)),
    ("243", Form::Text(20)),
    ("250", Form::Text(30)),
    ("251", Form::Text(30)),
    ("30", Form::Number(8)),
    ("310n", Form::Amount),
    ("315n", Form::Amount),
    ("330n", Form::Amount),
    ("335n", Form::Amount),
    ("37", Form::Number(8)),
    ("400", Form::Text(30)),
    ("410", Form::Checked(13)),
    ("414", Form::Checked(13)),
    ("7003", Form::Digits(10)),
    ("8003", Form::Text(30)),
    ("8004", Form::Text(30)),
    ("8008", Form::Number(12)),
    ("90", Form::Text(30)),
    ("91", Form::Text(90)),
    ("92", Form::Text(90)),
    ("93", Form::Text(90)),
    ("94", Form::Text(90)),
    ("95", Form::Text(90)),
    ("96", Form::Text(90)),
    ("97", Form::Text(90)),
    ("98", Form::Text(90)),
    ("99", Form::Text(90)),
];

/// One element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    pub ai: String,
    pub value: String,
}

/// What a code says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elements(pub Vec<Element>);

/// Why a code cannot be read for certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsure {
    UnknownIdentifier(String),
    TooShort {
        ai: String,
    },
    TooLong {
        ai: String,
    },
    NotDigits {
        ai: String,
    },
    NotAllowed {
        ai: String,
        character: char,
    },
    CheckDigit {
        ai: String,
    },
    NoDate {
        ai: String,
        value: String,
    },
    Twice {
        ai: String,
    },
    /// Without its separators it can be read in two ways.
    Swallowed {
        ai: String,
        value: String,
        rest: String,
    },
    Nothing,
}

impl fmt::Display for Unsure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIdentifier(at) => write!(f, "no known identifier at {at:?}"),
            Self::TooShort { ai } => write!(f, "({ai}) is too short"),
            Self::TooLong { ai } => write!(f, "({ai}) is too long: a separator may be missing"),
            Self::NotDigits { ai } => write!(f, "({ai}) holds more than digits"),
            Self::NotAllowed { ai, character } => write!(f, "({ai}) holds {character:?}"),
            Self::CheckDigit { ai } => write!(f, "the check digit of ({ai}) is wrong"),
            Self::NoDate { ai, value } => write!(f, "({ai}) {value} is no date"),
            Self::Twice { ai } => write!(f, "({ai}) stands twice with different values"),
            Self::Swallowed { ai, value, rest } => {
                write!(
                    f,
                    "({ai}) may be {value:?} and then {rest:?}: a separator is missing"
                )
            }
            Self::Nothing => f.write_str("it says nothing"),
        }
    }
}

/// Whether a code is meant as GS1: by what the scanner says before it, by a separator, or by written brackets.
pub fn is_gs1(code: &str) -> bool {
    bare(code).is_some() || code.contains(GS) || bracketed(code)
}

/// Without what a scanner says about the kind of symbol; None where it says nothing of GS1.
fn bare(code: &str) -> Option<&str> {
    ["]d2", "]C1", "]Q3", "]e0"]
        .iter()
        .find_map(|mark| code.strip_prefix(mark))
}

fn bracketed(code: &str) -> bool {
    let digits = code.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    digits.is_some_and(|(ai, _)| (2..=4).contains(&ai.len()) && ai.bytes().all(|b| b.is_ascii_digit()))
}

/// Reads a code.
pub fn parse(code: &str) -> Result<Elements, Unsure> {
    let code = bare(code).unwrap_or(code);
    let found = if bracketed(code) {
        written(code)?
    } else {
        let code = code.strip_prefix(GS).unwrap_or(code);
        sent(code)?
    };
    if found.is_empty() {
        return Err(Unsure::Nothing);
    }
    for (at, element) in found.iter().enumerate() {
        let again = found[..at].iter().find(|other| other.ai == element.ai);
        if again.is_some_and(|other| other.value != element.value) {
            return Err(Unsure::Twice {
                ai: element.ai.clone(),
            });
        }
    }
    Ok(Elements(found))
}

/// `(01)09521234543213(10)ABC`: as it is printed below a symbol, and as people type it.
fn written(code: &str) -> Result<Vec<Element>, Unsure> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(after) = rest.strip_prefix('(') {
        let (ai, value) = after
            .split_once(')')
            .ok_or_else(|| Unsure::UnknownIdentifier(rest.to_owned()))?;
        // A bracket inside a value begins the next element only where an identifier stands in it.
        let end = value
            .match_indices('(')
            .map(|(at, _)| at)
            .find(|at| bracketed(&value[*at..]))
            .unwrap_or(value.len());
        let form = form_of(ai).ok_or_else(|| Unsure::UnknownIdentifier(ai.to_owned()))?;
        found.push(element(ai, form, &value[..end])?);
        rest = &value[end..];
    }
    if rest.is_empty() {
        Ok(found)
    } else {
        Err(Unsure::UnknownIdentifier(rest.to_owned()))
    }
}

fn sent(code: &str) -> Result<Vec<Element>, Unsure> {
    let separated = code.contains(GS);
    let mut found = Vec::new();
    let mut rest = code;
    while !rest.is_empty() {
        let (ai, form) = begins_with(rest).ok_or_else(|| Unsure::UnknownIdentifier(start(rest)))?;
        let after = &rest[ai.len()..];
        let (value, next) = if let Some(length) = form.length() {
            let value = after
                .get(..length)
                .filter(|value| !value.contains(GS))
                .ok_or_else(|| Unsure::TooShort { ai: ai.to_owned() })?;
            let next = &after[length..];
            (value, next.strip_prefix(GS).unwrap_or(next))
        } else {
            after.split_once(GS).unwrap_or((after, ""))
        };
        found.push(element(ai, form, value)?);
        if form.length().is_none() && !separated {
            swallowed(ai, value, &found)?;
        }
        rest = next;
    }
    Ok(found)
}

fn start(text: &str) -> String {
    text.chars().take(4).collect()
}

/// Where a code has no separator at all, its last element reaches to the end. It can be read in a second way where
/// what stands at its end is a whole element that proves itself: a date, a number with its check digit, a weight.
fn swallowed(ai: &str, value: &str, before: &[Element]) -> Result<(), Unsure> {
    for (at, _) in value.char_indices().skip(1) {
        let rest = &value[at..];
        let Some((next, form)) = begins_with(rest) else {
            continue;
        };
        let proves_itself = matches!(form, Form::Checked(_) | Form::Date | Form::Amount);
        if !proves_itself || before.iter().any(|element| element.ai == next) {
            continue;
        }
        if fixed_to_the_end(rest) {
            return Err(Unsure::Swallowed {
                ai: ai.to_owned(),
                value: value[..at].to_owned(),
                rest: rest.to_owned(),
            });
        }
    }
    Ok(())
}

/// Whether a text is nothing but elements that prove themselves, perhaps with one of variable length at its end.
fn fixed_to_the_end(text: &str) -> bool {
    let Some((ai, form)) = begins_with(text) else {
        return false;
    };
    let after = &text[ai.len()..];
    let Some(length) = form.length() else {
        return element(ai, form, after).is_ok();
    };
    let Some(value) = after.get(..length) else {
        return false;
    };
    element(ai, form, value).is_ok() && (after.len() == length || fixed_to_the_end(&after[length..]))
}

fn form_of(ai: &str) -> Option<Form> {
    begins_with(ai)
        .filter(|(whole, _)| whole.len() == ai.len())
        .map(|(_, form)| form)
}

/// The identifier a text begins with.
fn begins_with(text: &str) -> Option<(&str, Form)> {
    TABLE.iter().find_map(|(ai, form)| {
        let length = ai.len();
        let own = text.get(..length)?;
        let same = match ai.strip_suffix('n') {
            Some(ai) => own.strip_prefix(ai)?.bytes().all(|b| b.is_ascii_digit()),
            None => own == *ai,
        };
        same.then_some((own, *form))
    })
}

fn element(ai: &str, form: Form, value: &str) -> Result<Element, Unsure> {
    let ai = ai.to_owned();
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    if value.is_empty() {
        return Err(Unsure::TooShort { ai });
    }
    match form {
        Form::Text(most) | Form::Number(most) if value.chars().count() > most => {
            return Err(Unsure::TooLong { ai });
        }
        Form::Text(_) => {
            if let Some(character) = value.chars().find(|c| !allowed(*c)) {
                return Err(Unsure::NotAllowed { ai, character });
            }
        }
        _ if !digits => return Err(Unsure::NotDigits { ai }),
        Form::Checked(length) | Form::Digits(length) if value.len() != length => {
            return Err(Unsure::TooShort { ai });
        }
        Form::Amount if value.len() != 6 => return Err(Unsure::TooShort { ai }),
        Form::Checked(_) if check_digit(&value[..value.len() - 1]) != value.as_bytes()[value.len() - 1] => {
            return Err(Unsure::CheckDigit { ai });
        }
        // The year may be any: whether the date is one does not depend on the century.
        Form::Date if date(value, 2026).is_none() => {
            return Err(Unsure::NoDate {
                ai,
                value: value.to_owned(),
            });
        }
        _ => {}
    }
    Ok(Element {
        ai,
        value: value.to_owned(),
    })
}

/// The characters of GS1's set 82.
fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!\"%&'()*+,-./:;<=>?_".contains(c)
}

/// The check digit of a number, as a character.
pub fn check_digit(digits: &str) -> u8 {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| u32::from(digit - b'0') * if at % 2 == 0 { 3 } else { 1 })
        .sum();
    b'0' + ((10 - sum % 10) % 10) as u8
}

/// `YYMMDD` as a day. The century is the one that lies nearest to this year: up to 49 years ahead, 50 back. Day 00 is
/// the last of its month.
pub fn date(text: &str, this_year: i16) -> Option<Date> {
    if text.len() != 6 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| text[from..from + 2].parse::<i16>().ok();
    let (two, month, day) = (part(0)?, part(2)?, part(4)?);
    let century = this_year - this_year % 100;
    let year = match two - this_year % 100 {
        51..=99 => century - 100 + two,
        -99..=-50 => century + 100 + two,
        _ => century + two,
    };
    let month = i8::try_from(month).ok()?;
    if day == 0 {
        return Some(Date::new(year, month, 1).ok()?.last_of_month());
    }
    Date::new(year, month, i8::try_from(day).ok()?).ok()
}

impl Elements {
    pub fn get(&self, ai: &str) -> Option<&str> {
        let found = self.0.iter().find(|element| element.ai == ai);
        found.map(|element| element.value.as_str())
    }

    /// The last day of use (17).
    pub fn expires(&self, this_year: i16) -> Option<Date> {
        date(self.get("17")?, this_year)
    }

    /// Net weight in kilograms (310n), as digits.
    pub fn net_kg(&self) -> Option<String> {
        let found = self.0.iter().find(|element| element.ai.starts_with("310"))?;
        let decimals = usize::from(found.ai.as_bytes().get(3)? - b'0');
        amount(&found.value, decimals)
    }

    /// In writing: `(01)…(10)…`.
    pub fn written(&self) -> String {
        let each = self.0.iter();
        each.map(|element| format!("({}){}", element.ai, element.value))
            .collect()
    }

    /// As a symbol carries it, without the FNC1 at its beginning: a separator behind each element of variable length
    /// that another one follows.
    pub fn carried(&self) -> String {
        let mut text = String::new();
        for (at, element) in self.0.iter().enumerate() {
            text.push_str(&element.ai);
            text.push_str(&element.value);
            let variable = form_of(&element.ai).is_none_or(|form| form.length().is_none());
            if variable && at + 1 < self.0.len() {
                text.push(GS);
            }
        }
        text
    }
}

fn amount(digits: &str, decimals: usize) -> Option<String> {
    let number: i64 = digits.parse().ok()?;
    let decimals = u32::try_from(decimals).ok().filter(|decimals| *decimals <= 6)?;
    Some(rust_decimal::Decimal::new(number, decimals).to_string())
}

/// The code of the scanner's set-up page: letters that other keyboard layouts swap, and a separator in the middle.
pub const TEST: &str = "10YZ-10/A\u{1d}21yz_99";

/// What a scanner did to the test code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagnosis {
    Good,
    /// The separator between two fields is missing.
    Swallowed,
    /// It came as another character.
    Replaced(char),
    /// Y and Z, or `-` and `/`, are swapped: the scanner types for another keyboard.
    Layout,
    /// Capitals and small letters are swapped: caps lock.
    Capitals,
    Other,
}

/// Compares what came with the test code.
pub fn diagnose(came: &str) -> Diagnosis {
    let came = bare(came).unwrap_or(came);
    let came = came.strip_prefix(GS).unwrap_or(came).trim_end();
    let (before, after) = TEST.split_once(GS).unwrap_or((TEST, ""));
    if came == TEST {
        return Diagnosis::Good;
    }
    if came == format!("{before}{after}") {
        return Diagnosis::Swallowed;
    }
    if let Some(between) = came
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after))
        .filter(|between| between.chars().count() == 1)
    {
        return between
            .chars()
            .next()
            .map_or(Diagnosis::Other, Diagnosis::Replaced);
    }
    if came.to_lowercase() == TEST.to_lowercase() {
        return Diagnosis::Capitals;
    }
    let plain = |text: &str| -> Vec<char> {
        let mut letters: Vec<char> = text
            .chars()
            .filter(char::is_ascii_alphabetic)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        letters.sort_unstable();
        letters
    };
    if plain(came) == plain(TEST) {
        return Diagnosis::Layout;
    }
    Diagnosis::Other
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_is_read_as_its_label_says() {
        // code, with | for the separator | what it says
        let table = [
            ("0109521234543213", "(01)09521234543213"),
            ("]d20109521234543213", "(01)09521234543213"),
            ("]C10109521234543213|10ABC123", "(01)09521234543213(10)ABC123"),
            (
                "|010952123454321310ABC123|17281231",
                "(01)09521234543213(10)ABC123(17)281231",
            ),
            ("010952123454321317281200", "(01)09521234543213(17)281200"),
            ("10ABC|21S1|310300125030025", "(10)ABC(21)S1(3103)001250(30)025"),
            ("240RM-1043|10L-88213", "(240)RM-1043(10)L-88213"),
            ("(01)09521234543213(10)AB(C)1", "(01)09521234543213(10)AB(C)1"),
            ("00095212345432132106", "CheckDigit"),
            ("010952123454321", "TooShort"),
            ("0109521234543214", "CheckDigit"),
            ("17281331", "NoDate"),
            ("17280230", "NoDate"),
            ("101234567890123456789012345", "TooLong"),
            ("10A|10B", "Twice"),
            ("10A|10A", "(10)A(10)A"),
            ("55ABC", "UnknownIdentifier"),
            ("10ABC#", "NotAllowed"),
            ("30ABC", "NotDigits"),
            ("10", "TooShort"),
            ("", "Nothing"),
            // The scanner swallowed the separator behind the lot.
            ("10ABC17281231", "Swallowed"),
            ("10ABC0109521234543213", "Swallowed"),
            ("10AB310300125017281231", "Swallowed"),
            ("10ABC310300125017281231", "TooLong"),
            // What looks like an identifier but proves nothing stays part of the lot.
            ("10ABC179999", "(10)ABC179999"),
            ("10ABC17281399", "(10)ABC17281399"),
            // A code with separators is what it says.
            ("10ABC17281231|21X", "(10)ABC17281231(21)X"),
        ];
        for (code, expected) in table {
            let said = match parse(&code.replace('|', "\u{1d}")) {
                Ok(elements) => elements.written(),
                Err(unsure) => format!("{unsure:?}"),
            };
            assert!(
                said == expected || !expected.starts_with('(') && said.starts_with(expected),
                "{code}: {said}"
            );
        }
    }

    #[test]
    fn a_date_lies_in_the_nearest_century_and_day_nought_ends_its_month() {
        for (text, year, expected) in [
            ("281231", 2026, "2028-12-31"),
            ("280200", 2026, "2028-02-29"),
            ("270200", 2026, "2027-02-28"),
            ("760101", 2026, "2076-01-01"),
            ("770101", 2026, "1977-01-01"),
            ("010101", 2098, "2101-01-01"),
            ("480101", 2098, "2148-01-01"),
            ("490101", 2098, "2049-01-01"),
        ] {
            assert_eq!(
                date(text, year).unwrap().to_string(),
                expected,
                "{text} in {year}"
            );
        }
        for text in ["281301", "280230", "2812", "28123a", "280001"] {
            assert_eq!(date(text, 2026), None, "{text}");
        }
    }

    #[test]
    fn a_weight_has_the_decimals_its_identifier_says() {
        for (code, expected) in [
            ("3103001250", "1.250"),
            ("3100001250", "1250"),
            ("3106001250", "0.001250"),
        ] {
            assert_eq!(parse(code).unwrap().net_kg().unwrap(), expected);
        }
        assert_eq!(parse("3109001250").unwrap().net_kg(), None);
    }

    #[test]
    fn a_scanner_that_is_set_up_wrongly_is_told_how() {
        assert_eq!(diagnose(TEST), Diagnosis::Good);
        assert_eq!(diagnose(&format!("]d2{TEST}")), Diagnosis::Good);
        assert_eq!(diagnose("10YZ-10/A21yz_99"), Diagnosis::Swallowed);
        assert_eq!(diagnose("10YZ-10/A|21yz_99"), Diagnosis::Replaced('|'));
        assert_eq!(diagnose("10ZYß10-A\u{1d}21zy?99"), Diagnosis::Layout);
        assert_eq!(diagnose("10yz-10/a\u{1d}21YZ_99"), Diagnosis::Capitals);
        assert_eq!(diagnose("hello"), Diagnosis::Other);
    }

    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec(proptest::char::range('!', 'z'), 1..15).prop_map(|chars| {
            let kept: String = chars.into_iter().filter(|c| allowed(*c)).collect();
            format!("A{kept}")
        })
    }

    proptest! {
        #[test]
        fn what_a_label_carries_is_read_back_as_it_was(
            item in 0u64..9_999_999_999_999, lot in text(), serial in text(), grams in 0u32..999_999
        ) {
            let item = format!("{item:013}");
            let item = format!("{item}{}", char::from(check_digit(&item)));
            let element = |ai: &str, value: &str| Element { ai: ai.into(), value: value.into() };
            let label = Elements(vec![
                element("01", &item), element("10", &lot), element("3103", &format!("{grams:06}")), element("21", &serial),
            ]);
            prop_assert_eq!(&parse(&format!("]d2{}", label.carried())).unwrap(), &label);
        }

        #[test]
        fn no_code_brings_the_reader_down(code in "\\PC{0,60}") {
            let _ = parse(&code);
            let _ = parse(&format!("]d2{code}\u{1d}{code}"));
            let _ = diagnose(&code);
        }

        #[test]
        fn a_swallowed_separator_before_a_date_is_always_noticed(lot in text(), month in 1u8..13, day in 1u8..29) {
            let code = format!("10{lot}17{:02}{month:02}{day:02}", 28);
            prop_assert!(parse(&code).is_err(), "{}", code);
        }
    }
}
