//! Sentences as values: `70.0 to 75.0 °C`, `at least 68 °C`, `5 s`, `96 KiB`, `2 GiB free`, `19200 8E1`.
//!
//! One small parser with places inside the string, so that a complaint marks the word at fault.
//! Nothing is guessed: a number without its unit, a unit of something else, a third form are refused.

use super::near::nearest;
use record::{Amount, Quantity, Unit};
use std::{fmt, ops::Range, time::Duration};

/// What is wrong with a sentence, and where inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slip {
    /// Name of the complaint.
    pub name: &'static str,
    /// What is wrong, one line.
    pub what: String,
    /// Bytes within the sentence.
    pub at: Range<usize>,
    /// What to write.
    pub help: String,
}

/// An amount with its unit, and where both stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub quantity: Quantity,
    /// The digits.
    pub at: Range<usize>,
}

/// What a value must be: two limits, or one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Band {
    pub low: Option<Placed>,
    pub high: Option<Placed>,
    pub unit: Unit,
    /// Where the unit stands.
    pub unit_at: Range<usize>,
}

/// Settings of a serial line as written: `19200 8E1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    pub speed: u32,
    pub data_bits: u8,
    pub parity: char,
    pub stop_bits: u8,
}

impl fmt::Display for LineSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}{}{}",
            self.speed, self.data_bits, self.parity, self.stop_bits
        )
    }
}

const BAND_FORMS: &str =
    "write \"70.0 to 75.0 °C\", \"at least 68 °C\" or \"at most 40 °C\": the unit once, at the end";
const TIME_FORMS: &str = "write an amount and a unit of time: \"500 ms\", \"5 s\", \"2 min\", \"8 h\"";
const SIZE_FORMS: &str = "write an amount and a unit of size: \"96 KiB\", \"64 MiB\", \"2 GiB\"";
const LINE_FORMS: &str =
    "write speed, then data bits, parity (N, E or O) and stop bits: \"9600 8N1\", \"19200 8E1\"";

const DIGITS: &str = "write digits, with a point before the decimals where there are any: 70.0";

/// Longest time any key takes: a year. Beyond it lies a slip of the finger.
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// `70.0 to 75.0 °C`, `at least 68 °C`, `at most 40 °C`.
pub fn band(text: &str) -> Result<Band, Slip> {
    let words = words(text);
    let word = |number: usize| words.get(number).map_or("", |(word, _)| *word);
    let (low, high, rest) = match (word(0), word(1)) {
        ("at", "least") => (words.get(2), None, 3),
        ("at", "most") => (None, words.get(2), 3),
        (_, "to") => (words.first(), words.get(2), 3),
        _ => return Err(no_band(text, &words)),
    };
    let low = low.map(amount).transpose()?;
    let high = high.map(amount).transpose()?;
    if low.is_none() && high.is_none() || word(1) == "to" && high.is_none() {
        return Err(slip(
            "sentence-unknown",
            "this sentence stops too early",
            whole(text),
            BAND_FORMS,
        ));
    }
    let (unit, unit_at) = unit(text, &words, rest)?;
    let placed = |part: Option<(Amount, Range<usize>)>| {
        part.map(|(amount, at)| Placed {
            quantity: Quantity { amount, unit },
            at,
        })
    };
    let band = Band {
        low: placed(low),
        high: placed(high),
        unit,
        unit_at,
    };
    if let (Some(low), Some(high)) = (&band.low, &band.high)
        && low.quantity.amount.number() > high.quantity.amount.number()
    {
        let what = format!(
            "the lower limit {} is above the upper limit {}",
            low.quantity.amount, high.quantity.amount
        );
        return Err(Slip {
            name: "limits-reversed",
            what,
            at: low.at.clone(),
            help: "write the lower limit first".into(),
        });
    }
    Ok(band)
}

/// `5 s`, `500 ms`, `2 min`, `8 h`: longer than nothing, in whole milliseconds.
pub fn duration(text: &str) -> Result<Duration, Slip> {
    let words = words(text);
    let Some(first) = words.first() else {
        return Err(slip(
            "number-without-unit",
            "an amount of time belongs here",
            whole(text),
            TIME_FORMS,
        ));
    };
    let (number, at) = amount(first).map_err(|problem| problem.or_write(TIME_FORMS))?;
    if words.len() == 1 {
        return Err(slip(
            "number-without-unit",
            "a number without its unit",
            at,
            TIME_FORMS,
        ));
    }
    let (unit, unit_at) = unit(text, &words, 1).map_err(|problem| Slip {
        help: TIME_FORMS.into(),
        ..problem
    })?;
    let seconds = Unit::named("s").and_then(|second| unit.convert(number.number(), second));
    let Some(seconds) = seconds else {
        let what = format!("{unit} is a unit of {}, a time belongs here", unit.dimension());
        return Err(slip("unit-of-something-else", what, unit_at, TIME_FORMS));
    };
    let milliseconds = seconds
        .checked_mul(1000.into())
        .filter(rust_decimal::Decimal::is_integer);
    let time = milliseconds
        .and_then(|ms| u64::try_from(ms).ok())
        .map(Duration::from_millis);
    match time {
        Some(time) if !time.is_zero() && time <= LONGEST => Ok(time),
        _ => {
            let what = format!("{number} {unit} is no time that can be kept here");
            Err(slip(
                "out-of-range",
                what,
                at,
                "write a time of at least 1 ms and at most 366 d",
            ))
        }
    }
}

/// The roles a person may have.
pub const ROLES: &[&str] = &["operator", "verifier", "supervisor", "engineer", "reviewer"];

/// `supervisor`, `operator or supervisor`: who may do something.
pub fn roles(text: &str) -> Result<Vec<String>, Slip> {
    let mut roles = Vec::new();
    for (at, (word, place)) in words(text).into_iter().enumerate() {
        let known = at % 2 == 0 && ROLES.contains(&word);
        if !known && (at % 2 == 0 || word != "or") {
            let help = format!(
                "write one role, or several with \"or\" between them: \"operator or supervisor\"; roles are {}",
                ROLES.join(", ")
            );
            return Err(slip(
                "sentence-unknown",
                format!("{word:?} is no role"),
                place,
                help,
            ));
        }
        if known {
            roles.push(word.to_owned());
        }
    }
    if roles.is_empty() || words(text).len().is_multiple_of(2) {
        return Err(slip(
            "sentence-unknown",
            "this sentence stops too early",
            whole(text),
            "write a role, such as \"supervisor\"",
        ));
    }
    Ok(roles)
}

/// `24 h old`, `30 d old`: how old something may be.
pub fn age(text: &str) -> Result<Duration, Slip> {
    let Some(time) = text.trim_end().strip_suffix(" old") else {
        return Err(slip(
            "sentence-unknown",
            "this does not say how old something may be",
            whole(text),
            "write an amount, a unit of time and the word old: \"24 h old\", \"30 d old\"",
        ));
    };
    duration(time)
}

/// `96 KiB`, `64 MiB`, `2 GiB`, and `2 GiB free` where space on a disk is meant.
pub fn size(text: &str, last: Option<&str>) -> Result<u64, Slip> {
    let words = words(text);
    let Some(first) = words.first() else {
        return Err(slip(
            "number-without-unit",
            "an amount of bytes belongs here",
            whole(text),
            SIZE_FORMS,
        ));
    };
    let (number, at) = amount(first).map_err(|problem| problem.or_write(SIZE_FORMS))?;
    let Some((unit, unit_at)) = words.get(1).cloned() else {
        return Err(slip(
            "number-without-unit",
            "a number without its unit",
            at,
            SIZE_FORMS,
        ));
    };
    let factor = match unit {
        "KiB" => 1u64 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => {
            let meant = nearest(unit, ["KiB", "MiB", "GiB", "TiB"]);
            let meant = meant.map_or_else(String::new, |meant| format!("did you mean {meant}?\n"));
            return Err(slip(
                "unknown-unit",
                format!("{unit:?} is no unit of size"),
                unit_at,
                format!("{meant}{SIZE_FORMS}"),
            ));
        }
    };
    let enough = match (words.get(2), last) {
        (None, _) => true,
        (Some((word, _)), Some(last)) => *word == last && words.len() == 3,
        (Some(_), None) => false,
    };
    if !enough {
        let at = words.get(2).map_or(whole(text), |(_, at)| at.start..text.len());
        return Err(slip(
            "sentence-unknown",
            "this is more than a size",
            at,
            SIZE_FORMS,
        ));
    }
    let bytes = number
        .number()
        .checked_mul(factor.into())
        .filter(rust_decimal::Decimal::is_integer);
    match bytes.and_then(|bytes| u64::try_from(bytes).ok()) {
        Some(bytes) if bytes > 0 => Ok(bytes),
        _ => Err(slip(
            "out-of-range",
            format!("{number} {unit} is no size"),
            at,
            SIZE_FORMS,
        )),
    }
}

/// `9600 8N1`.
pub fn line(text: &str) -> Result<LineSettings, Slip> {
    let refuse = |what: &str, at: Range<usize>| Err(slip("line-settings-unknown", what, at, LINE_FORMS));
    let words = words(text);
    let [(speed, speed_at), (frame, frame_at)] = words.as_slice() else {
        return refuse("these are no settings of a serial line", whole(text));
    };
    let Some(speed) = speed
        .parse()
        .ok()
        .filter(|speed| (50..=4_000_000).contains(speed))
    else {
        return refuse("this is no speed of a serial line", speed_at.clone());
    };
    let [
        data_bits @ (b'7' | b'8'),
        parity @ (b'N' | b'E' | b'O'),
        stop_bits @ (b'1' | b'2'),
    ] = *frame.as_bytes()
    else {
        return refuse("these are no data bits, parity and stop bits", frame_at.clone());
    };
    Ok(LineSettings {
        speed,
        data_bits: data_bits - b'0',
        parity: char::from(parity),
        stop_bits: stop_bits - b'0',
    })
}

/// A time as a person would write it: `5 s`, `2 min`, `1.5 s` as `1500 ms`.
pub fn time(time: Duration) -> String {
    let ms = time.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")];
    let whole = units
        .iter()
        .find(|(size, _)| ms >= *size && ms.is_multiple_of(*size));
    whole.map_or_else(
        || format!("{ms} ms"),
        |(size, unit)| format!("{} {unit}", ms / size),
    )
}

/// A size as a person would write it: `96 KiB`.
pub fn bytes(bytes: u64) -> String {
    let units = [
        (1u64 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ];
    let whole = units
        .iter()
        .find(|(size, _)| bytes >= *size && bytes.is_multiple_of(*size));
    whole.map_or_else(
        || format!("{bytes} bytes"),
        |(size, unit)| format!("{} {unit}", bytes / size),
    )
}

// ---------------------------------------------------------------- words

impl Slip {
    /// The forms of this sentence, where nothing better is known than to write digits.
    pub(super) fn or_write(self, forms: &str) -> Self {
        if self.help == DIGITS {
            Self {
                help: forms.to_owned(),
                ..self
            }
        } else {
            self
        }
    }
}

pub(super) type Word<'a> = (&'a str, Range<usize>);

pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, c.is_whitespace()) {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                words.push((&text[from..at], from..at));
                start = None;
            }
            _ => {}
        }
    }
    words
}

pub(super) fn amount((word, at): &Word<'_>) -> Result<(Amount, Range<usize>), Slip> {
    if let Some(amount) = Amount::read(word) {
        return Ok((amount, at.clone()));
    }
    let help = if word.contains(',') && Amount::read(&word.replace(',', ".")).is_some() {
        format!("write the decimal point as a point: {}", word.replace(',', "."))
    } else if word.chars().next().is_some_and(|c| c.is_ascii_digit()) && word.chars().any(char::is_alphabetic)
    {
        "put a blank between the number and its unit".to_owned()
    } else {
        DIGITS.to_owned()
    };
    Err(slip(
        "not-a-number",
        format!("{word:?} is not a number"),
        at.clone(),
        help,
    ))
}

/// The unit is everything from word `from` on: `N·m`, but also `oz t`.
pub(super) fn unit(text: &str, words: &[Word<'_>], from: usize) -> Result<(Unit, Range<usize>), Slip> {
    let Some((_, first)) = words.get(from) else {
        return Err(slip(
            "number-without-unit",
            "a number without its unit",
            whole(text),
            BAND_FORMS,
        ));
    };
    let at = first.start..words.last().map_or(first.end, |(_, last)| last.end);
    let name = &text[at.clone()];
    if let Some(unit) = Unit::named(name) {
        return Ok((unit, at));
    }
    let meant = Unit::all()
        .map(Unit::shown)
        .find(|shown| shown.eq_ignore_ascii_case(name));
    let alike = name
        .replace(['º', '˚'], "°")
        .replace('℃', "°C")
        .replace('℉', "°F");
    let meant = meant.or_else(|| Unit::named(&alike).map(Unit::shown));
    let meant =
        meant.or_else(|| nearest(name, Unit::all().map(Unit::shown)).filter(|_| name.chars().count() > 3));
    let known = Unit::all().map(Unit::shown).collect::<Vec<_>>().join(", ");
    let help = meant.map_or_else(String::new, |meant| format!("did you mean {meant}?\n"))
        + "units that are known: "
        + &known;
    Err(slip(
        "unknown-unit",
        format!("{name:?} is no unit that is known here"),
        at,
        help,
    ))
}

fn no_band(text: &str, words: &[Word<'_>]) -> Slip {
    let only_number = words.len() == 1
        && words
            .first()
            .is_some_and(|(word, _)| Amount::read(word).is_some());
    if only_number {
        return slip(
            "number-without-unit",
            "a number without its unit",
            whole(text),
            BAND_FORMS,
        );
    }
    slip(
        "sentence-unknown",
        "this is no sentence about limits",
        whole(text),
        BAND_FORMS,
    )
}

pub(super) fn whole(text: &str) -> Range<usize> {
    0..text.len()
}

pub(super) fn slip(
    name: &'static str,
    what: impl Into<String>,
    at: Range<usize>,
    help: impl Into<String>,
) -> Slip {
    Slip {
        name,
        what: what.into(),
        at,
        help: help.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    /// Each row: the sentence, a bar, what is understood or what is wrong and where.
    fn agrees_with_table(read: impl Fn(&str) -> String, table: &str) {
        for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let (sentence, expected) = row.split_once('|').expect("a bar in each row");
            assert_eq!(read(sentence.trim()), expected.trim(), "{sentence}");
        }
    }

    fn wrong(text: &str, slip: &Slip) -> String {
        format!("{} at {:?}", slip.name, &text[slip.at.clone()])
    }

    #[test]
    fn limits_are_read_as_they_are_spoken() {
        let read = |text: &str| match band(text) {
            Ok(band) => {
                let part =
                    |placed: Option<Placed>| placed.map_or("-".into(), |placed| placed.quantity.to_string());
                format!("{} .. {}", part(band.low), part(band.high))
            }
            Err(problem) => wrong(text, &problem),
        };
        agrees_with_table(
            read,
            r#"
            70.0 to 75.0 °C    | 70.0 °C .. 75.0 °C
            at least 68 °C     | 68 °C .. -
            at most 40.00 °C   | - .. 40.00 °C
            -5 to 5 degC       | -5 °C .. 5 °C
            0 to 12 N·m        | 0 N·m .. 12 N·m
            1 to 2 oz t        | 1 oz t .. 2 oz t
            70 to 70 °C        | 70 °C .. 70 °C
            75.0 to 70.0 °C    | limits-reversed at "75.0"
            70.0 to 75.0       | number-without-unit at "70.0 to 75.0"
            70                 | number-without-unit at "70"
            70,0 to 75,0 °C    | not-a-number at "70,0"
            70.0 to 75.0°C     | not-a-number at "75.0°C"
            70.0 to 75.0 C     | unknown-unit at "C"
            70.0 to 75.0 celsius | unknown-unit at "celsius"
            70.0 to            | sentence-unknown at "70.0 to"
            at least           | sentence-unknown at "at least"
            at least °C        | not-a-number at "°C"
            70.0–75.0 °C       | sentence-unknown at "70.0–75.0 °C"
            over 70 °C         | sentence-unknown at "over 70 °C"
                               | sentence-unknown at ""
            "#,
        );
    }

    #[test]
    fn times_need_a_unit_of_time() {
        let read = |text: &str| match duration(text) {
            Ok(duration) => time(duration),
            Err(problem) => wrong(text, &problem),
        };
        agrees_with_table(
            read,
            r#"
            5 s        | 5 s
            500 ms     | 500 ms
            0.5 s      | 500 ms
            90 s       | 90 s
            120 s      | 2 min
            8 h        | 8 h
            1 d        | 1 d
            5          | number-without-unit at "5"
            5 °C       | unit-of-something-else at "°C"
            5 sec      | unknown-unit at "sec"
            5s         | not-a-number at "5s"
            soon       | not-a-number at "soon"
            0 s        | out-of-range at "0"
            -1 s       | out-of-range at "-1"
            0.1 ms     | out-of-range at "0.1"
            400 d      | out-of-range at "400"
                       | number-without-unit at ""
            "#,
        );
    }

    #[test]
    fn sizes_need_a_unit_of_size() {
        let read = |text: &str| match size(text, Some("free")) {
            Ok(size) => bytes(size),
            Err(problem) => wrong(text, &problem),
        };
        agrees_with_table(
            read,
            r#"
            96 KiB      | 96 KiB
            64 MiB      | 64 MiB
            2 GiB free  | 2 GiB
            1024 KiB    | 1 MiB
            0.5 MiB     | 512 KiB
            96          | number-without-unit at "96"
            96 KB       | unknown-unit at "KB"
            96KiB       | not-a-number at "96KiB"
            2 GiB used  | sentence-unknown at "used"
            2 GiB free of all | sentence-unknown at "free of all"
            0 KiB       | out-of-range at "0"
            -1 KiB      | out-of-range at "-1"
            99999999999 TiB | out-of-range at "99999999999"
            "#,
        );
        assert!(size("2 GiB free", None).is_err(), "only space on a disk is free");
    }

    #[test]
    fn line_settings_are_speed_and_frame() {
        let read = |text: &str| match line(text) {
            Ok(line) => line.to_string(),
            Err(problem) => wrong(text, &problem),
        };
        agrees_with_table(
            read,
            r#"
            9600 8N1   | 9600 8N1
            19200 7E2  | 19200 7E2
            fast 8N1   | line-settings-unknown at "fast"
            9600 9N1   | line-settings-unknown at "9N1"
            9600       | line-settings-unknown at "9600"
            0 8N1      | line-settings-unknown at "0"
            "#,
        );
    }

    #[test]
    fn a_comma_is_answered_with_the_point() {
        assert_eq!(
            band("70,5 to 75 °C").unwrap_err().help,
            "write the decimal point as a point: 70.5"
        );
    }

    #[test]
    fn a_wrong_unit_is_answered_with_the_right_one() {
        assert!(
            size("96 KB", None)
                .unwrap_err()
                .help
                .starts_with("did you mean KiB?")
        );
        assert!(
            band("1 to 2 C")
                .unwrap_err()
                .help
                .starts_with("units that are known"),
            "C is not guessed"
        );
        assert!(
            band("1 to 2 KG/H")
                .unwrap_err()
                .help
                .starts_with("did you mean kg/h?")
        );
    }
}
