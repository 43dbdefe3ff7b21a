//! How one line of an instrument reads: `S S {value} {unit}`. Literal text with fields in it, each field
//! with a width where the maker's table gives one. Digits are found, never repaired.

use std::{fmt, ops::Range};

/// One way a frame can read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Pattern {
    text: String,
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(Vec<u8>),
    Field(Slot),
}

/// A place in a pattern that is filled by the instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Least and most bytes; `None` for as many as there are.
    pub(crate) width: Option<(usize, usize)>,
}

/// What may stand in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Digits with sign and point, padded with blanks.
    Number,
    /// One of the driver's unit words.
    Unit,
    /// Anything.
    Any,
}

/// How numbers are written on this line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digits {
    /// `.` or `,`.
    pub(crate) mark: u8,
    /// Bytes without meaning inside a number: the brackets around a digit that is not verified.
    pub(crate) drops: Vec<u8>,
    /// Zeros in front are padding, as blanks are.
    pub(crate) zero_padded: bool,
}

impl Default for Digits {
    fn default() -> Self {
        Self {
            mark: b'.',
            drops: Vec::new(),
            zero_padded: false,
        }
    }
}

/// What a pattern found: each field and where.
pub(crate) type Found = Vec<(String, Range<usize>)>;

/// Why a pattern cannot be read, and where in its text.
pub(crate) struct BadPattern {
    pub(crate) why: &'static str,
    pub(crate) at: Range<usize>,
}

impl Pattern {
    /// Reads `S S {value:10} {unit}`; `{{` is a brace. `kind` says what a name may hold.
    pub(crate) fn parse(text: &str, kind: impl Fn(&str) -> Kind) -> Result<Self, BadPattern> {
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == '{' && chars.peek().is_some_and(|(_, next)| *next == '{') {
                chars.next();
                literal.push(b'{');
                continue;
            }
            if c != '{' {
                let byte = u8::try_from(u32::from(c)).map_err(|_| BadPattern {
                    why: "only characters of one byte can be on the wire",
                    at: at..at + c.len_utf8(),
                })?;
                literal.push(byte);
                continue;
            }
            let Some(length) = text[at..].find('}') else {
                return Err(BadPattern {
                    why: "this brace is never closed",
                    at: at..text.len(),
                });
            };
            let place = at..at + length + 1;
            let slot = slot(&text[at + 1..at + length], &kind).ok_or(BadPattern {
                why: "a field is a name, or a name and a width: {value}, {value:10}, {tare:8..10}",
                at: place.clone(),
            })?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Field(slot));
            while chars.peek().is_some_and(|(next, _)| *next < place.end) {
                chars.next();
            }
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self {
            text: text.to_owned(),
            pieces,
        })
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Field(slot) => Some(slot),
            Piece::Literal(_) => None,
        })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.slots().any(|slot| slot.name == name)
    }

    /// Whether the whole line reads like this, and what stands in the fields.
    pub(crate) fn matches(&self, line: &[u8], units: &[Vec<u8>], digits: &Digits) -> Option<Found> {
        let mut found = Vec::new();
        Match { line, units, digits }
            .from(&self.pieces, 0, &mut found)
            .then_some(found)
    }

    /// Writes a line of this pattern; `fill` gives the bytes of a field.
    pub(crate) fn render(&self, mut fill: impl FnMut(&Slot) -> Vec<u8>) -> Vec<u8> {
        let mut line = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(bytes) => line.extend_from_slice(bytes),
                Piece::Field(slot) => line.extend(fill(slot)),
            }
        }
        line
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn slot(text: &str, kind: &impl Fn(&str) -> Kind) -> Option<Slot> {
    let (name, width) = text
        .split_once(':')
        .map_or((text, None), |(name, width)| (name, Some(width)));
    let plain = name == "_" || is_name(name);
    let width = match width {
        None => None,
        Some(width) => {
            let (least, most) = width.split_once("..").unwrap_or((width, width));
            let (least, most) = (least.parse().ok()?, most.parse().ok()?);
            if most == 0 || least > most || most > crate::frame::LONGEST {
                return None;
            }
            Some((least, most))
        }
    };
    plain.then(|| Slot {
        name: name.to_owned(),
        kind: if name == "_" { Kind::Any } else { kind(name) },
        width,
    })
}

/// `temperature`, `serial_number`, `phase_2`.
pub(crate) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

struct Match<'a> {
    line: &'a [u8],
    units: &'a [Vec<u8>],
    digits: &'a Digits,
}

impl Match<'_> {
    fn from(&self, pieces: &[Piece], at: usize, found: &mut Found) -> bool {
        let Some((piece, rest)) = pieces.split_first() else {
            return at == self.line.len();
        };
        match piece {
            Piece::Literal(bytes) => {
                self.line[at..].starts_with(bytes) && self.from(rest, at + bytes.len(), found)
            }
            Piece::Field(slot) => {
                let (least, most) = slot.width.unwrap_or((1, self.line.len() - at));
                for end in (at + least)..=(at + most).min(self.line.len()) {
                    if !self.fits(slot, at..end) {
                        continue;
                    }
                    found.push((slot.name.clone(), at..end));
                    if self.from(rest, end, found) {
                        return true;
                    }
                    found.pop();
                }
                false
            }
        }
    }

    fn fits(&self, slot: &Slot, place: Range<usize>) -> bool {
        let bytes = &self.line[place];
        match slot.kind {
            Kind::Any => true,
            Kind::Unit if slot.width.is_some() => self.units.iter().any(|unit| unit == bytes.trim_ascii()),
            Kind::Unit => self.units.iter().any(|unit| unit == bytes),
            // without a width, blanks behind the digits belong to what follows
            Kind::Number if slot.width.is_none() && bytes.ends_with(b" ") => false,
            Kind::Number => number(bytes, self.digits).is_some(),
        }
    }
}

/// The digits of a number as shown: blanks around it and behind its sign are padding, a plus says nothing.
/// Anything else than digits with at most one point between them is no number.
pub(crate) fn number(bytes: &[u8], digits: &Digits) -> Option<String> {
    let mut bytes = bytes.trim_ascii();
    let mut text = String::new();
    match bytes.first()? {
        b'-' => {
            text.push('-');
            bytes = &bytes[1..];
        }
        b'+' => bytes = &bytes[1..],
        _ => {}
    }
    let mut plain: Vec<u8> = bytes.trim_ascii_start().to_vec();
    plain.retain(|byte| !digits.drops.contains(byte));
    if digits.mark != b'.' {
        if plain.contains(&b'.') {
            return None;
        }
        plain
            .iter_mut()
            .filter(|byte| **byte == digits.mark)
            .for_each(|byte| *byte = b'.');
    }
    let mut plain = std::str::from_utf8(&plain).ok()?;
    if digits.zero_padded {
        let whole = plain.split('.').next().unwrap_or_default().len();
        let zeros = plain
            .bytes()
            .take(whole.saturating_sub(1))
            .take_while(|byte| *byte == b'0')
            .count();
        plain = &plain[zeros..];
    }
    text.push_str(plain);
    record::Amount::read(&text).map(|amount| amount.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn kind(name: &str) -> Kind {
        match name {
            "value" | "tare" => Kind::Number,
            "unit" => Kind::Unit,
            _ => Kind::Any,
        }
    }

    fn reads(pattern: &str, line: &str) -> Option<Vec<String>> {
        let pattern = Pattern::parse(pattern, kind).ok().unwrap();
        let units = [b"g".to_vec(), b"kg".to_vec()];
        let found = pattern.matches(line.as_bytes(), &units, &Digits::default())?;
        Some(
            found
                .into_iter()
                .map(|(name, place)| format!("{name}={}", line[place].trim()))
                .collect(),
        )
    }

    #[test]
    fn a_line_is_read_whole_or_not_at_all() {
        let weight = "S S {value} {unit}";
        assert_eq!(
            reads(weight, "S S     100.00 g").unwrap(),
            ["value=100.00", "unit=g"]
        );
        assert_eq!(
            reads(weight, "S S      -1.25 kg").unwrap(),
            ["value=-1.25", "unit=kg"]
        );
        for line in [
            "S S     100.00 g ",
            "S S     1?0.00 g",
            "S S     100.00 oz",
            "S D     100.00 g",
            "S S 1 0 g",
        ] {
            assert_eq!(reads(weight, line), None, "{line}");
        }
    }

    #[test]
    fn columns_hold_what_their_width_says() {
        assert_eq!(
            reads("{value:9}{unit:3}", "+00123.45  g").unwrap(),
            ["value=+00123.45", "unit=g"]
        );
        assert_eq!(reads("{value:9}{unit:3}", "+00123.45 g"), None);
    }

    #[test]
    fn padding_and_plus_are_no_digits() {
        let plain = Digits::default();
        let padded = Digits {
            zero_padded: true,
            ..Digits::default()
        };
        let comma = Digits {
            mark: b',',
            ..Digits::default()
        };
        let brackets = Digits {
            drops: b"[]".to_vec(),
            ..Digits::default()
        };
        assert_eq!(number(b"+   1255.7", &plain).unwrap(), "1255.7");
        assert_eq!(number(b"-    0.42", &plain).unwrap(), "-0.42");
        assert_eq!(number(b"+00123.45", &padded).unwrap(), "123.45");
        assert_eq!(number(b"-00000.12", &padded).unwrap(), "-0.12");
        assert_eq!(number(b"12,50", &comma).unwrap(), "12.50");
        assert_eq!(number(b"123.5[6]", &brackets).unwrap(), "123.56");
        for damaged in ["", "-", "1 2", "1.2.3", "12,5", "1-"] {
            assert_eq!(number(damaged.as_bytes(), &plain), None, "{damaged:?}");
        }
    }
}
