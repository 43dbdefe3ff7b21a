//! The one strict reading of JSON the record knows: one flat object, no blank between tokens, names that
//! are what they look like, no name twice, whole numbers, few escapes. What this refuses, every reader refuses.

use std::fmt;

/// Why bytes are not what they claim to be, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// In words.
    pub why: &'static str,
    /// Byte offset in what was read.
    pub at: usize,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {})", self.why, self.at)
    }
}

impl std::error::Error for Refused {}

pub(crate) fn refuse<T>(why: &'static str, at: usize) -> Result<T, Refused> {
    Err(Refused { why, at })
}

/// The largest number, either side of zero: 2⁵³.
pub const LARGEST: i64 = 1 << 53;

/// What a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A string; the span is between its quotes.
    Text,
    /// A whole number.
    Int(i64),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// An object, whose members follow; only where the caller allows it.
    Object,
}

/// One member: where its name and value stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) name: (u32, u32),
    pub(crate) value: (u32, u32),
    /// What it holds.
    pub(crate) holds: Holds,
}

impl Member {
    pub(crate) fn name<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        &text[self.name.0 as usize..self.name.1 as usize]
    }

    pub(crate) fn value<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        &text[self.value.0 as usize..self.value.1 as usize]
    }
}

/// Reads one flat object that begins at `at`; its members are appended to `members`.
/// Returns the place after its closing brace. `text` must be valid UTF-8 (see [`utf8`]).
pub(crate) fn object(text: &[u8], at: usize, members: &mut Vec<Member>) -> Result<usize, Refused> {
    let first = members.len();
    let mut at = expect(text, at, b'{', "an object begins with {")?;
    if text.get(at) == Some(&b'}') {
        return Ok(at + 1);
    }
    let mut seen = 0_u64;
    loop {
        let (name, after) = member_name(text, at)?;
        no_name_twice(text, &members[first..], name, &mut seen)?;
        let (holds, value, after) = scalar(text, after)?;
        members.push(Member { name, value, holds });
        match text.get(after) {
            Some(b',') => at = after + 1,
            Some(b'}') => return Ok(after + 1),
            _ => return refuse("after a member stands , or }", after),
        }
    }
}

/// A member's name with its colon; returns its span and the place after the colon.
pub(crate) fn member_name(text: &[u8], at: usize) -> Result<((u32, u32), usize), Refused> {
    let begin = expect(text, at, b'"', "a member name begins with a quote")?;
    let mut end = begin;
    if !text.get(end).is_some_and(u8::is_ascii_lowercase) {
        return refuse("a member name begins with a small letter", end);
    }
    while text.get(end).is_some_and(|byte| OF_A_NAME[*byte as usize]) {
        end += 1;
    }
    let after = expect(
        text,
        end,
        b'"',
        "a member name holds small letters, digits and _ only",
    )?;
    let after = expect(text, after, b':', "after a member name stands a colon")?;
    Ok(((begin as u32, end as u32), after))
}

/// What a member name consists of.
static OF_A_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8, b'a'..=b'z' | b'0'..=b'9' | b'_');
        byte += 1;
    }
    table
};

/// Refuses a name that stands among `members` already. `seen` is a filter that makes this cheap.
pub(crate) fn no_name_twice(
    text: &[u8],
    members: &[Member],
    name: (u32, u32),
    seen: &mut u64,
) -> Result<(), Refused> {
    let bytes = &text[name.0 as usize..name.1 as usize];
    let letter = |at: usize| bytes.get(at).map_or(0, |byte| u32::from(*byte));
    let ends = letter(0) * 7 + letter(bytes.len().wrapping_sub(1));
    let bit = 1_u64 << ((ends + letter(bytes.len() / 2) * 3 + bytes.len() as u32 * 11) & 63);
    if *seen & bit != 0 && members.iter().any(|member| member.name(text) == bytes) {
        return refuse("a member name stands twice", name.0 as usize);
    }
    *seen |= bit;
    Ok(())
}

/// A string, whole number, `true`, `false` or `null`; returns what it holds, its span, and the place after it.
pub(crate) fn scalar(text: &[u8], at: usize) -> Result<(Holds, (u32, u32), usize), Refused> {
    match text.get(at) {
        Some(b'"') => {
            let end = string(text, at + 1)?;
            Ok((Holds::Text, (at as u32 + 1, end as u32), end + 1))
        }
        Some(b'-' | b'0'..=b'9') => {
            let (number, end) = integer(text, at)?;
            Ok((Holds::Int(number), (at as u32, end as u32), end))
        }
        _ => {
            for (word, holds) in [
                ("true", Holds::Bool(true)),
                ("false", Holds::Bool(false)),
                ("null", Holds::Null),
            ] {
                if text[at.min(text.len())..].starts_with(word.as_bytes()) {
                    let end = at + word.len();
                    return Ok((holds, (at as u32, end as u32), end));
                }
            }
            refuse(
                "a value is a string, a whole number, true, false or null; nothing nests",
                at,
            )
        }
    }
}

/// From after the opening quote to the closing quote; returns the place of the closing quote.
fn string(text: &[u8], mut at: usize) -> Result<usize, Refused> {
    loop {
        at = plain(text, at);
        match text.get(at) {
            None => return refuse("a string does not end", at),
            Some(b'"') => return Ok(at),
            Some(b'\\') => at = escape(text, at)?,
            Some(byte) if *byte < 0x20 => return refuse("a control character stands unescaped", at),
            Some(_) => at += 1,
        }
    }
}

/// Goes over bytes that stand for themselves, eight at a time, and stops at the first quote, backslash or control
/// character, or where fewer than eight are left.
fn plain(text: &[u8], mut at: usize) -> usize {
    while let Some(word) = eight(text, at) {
        let control = word.wrapping_sub(EACH * 0x20) & !word & TOP;
        let found = control | holds(word, b'"') | holds(word, b'\\');
        if found != 0 {
            // A borrow can only mark bytes above the first that is really there.
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at
}

/// Where this byte stands first at or behind `at`.
pub(crate) fn find(text: &[u8], mut at: usize, byte: u8) -> Option<usize> {
    while let Some(word) = eight(text, at) {
        let found = holds(word, byte);
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = text.get(at..)?;
    rest.iter()
        .position(|other| *other == byte)
        .map(|found| at + found)
}

fn eight(text: &[u8], at: usize) -> Option<u64> {
    let bytes = text.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes))
}

/// The top bit of each byte of the word that is this byte, at least of the first such.
fn holds(word: u64, byte: u8) -> u64 {
    let other = word ^ (EACH * u64::from(byte));
    other.wrapping_sub(EACH) & !other & TOP
}

const EACH: u64 = 0x0101_0101_0101_0101;
const TOP: u64 = 0x8080_8080_8080_8080;

/// One escape at its backslash; returns the place after it.
fn escape(text: &[u8], at: usize) -> Result<usize, Refused> {
    match text.get(at + 1) {
        Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let digits = text.get(at + 2..at + 6).unwrap_or_default();
            let control = digits.len() == 4
                && digits.starts_with(b"00")
                && matches!(digits[2], b'0' | b'1')
                && digits[3].is_ascii_hexdigit();
            if control {
                Ok(at + 6)
            } else {
                refuse("only control characters are escaped by number", at)
            }
        }
        _ => refuse("an escape the record does not know", at),
    }
}

fn integer(text: &[u8], at: usize) -> Result<(i64, usize), Refused> {
    let negative = text[at] == b'-';
    let begin = at + usize::from(negative);
    let mut end = begin;
    let mut number = 0_i64;
    while let Some(digit @ b'0'..=b'9') = text.get(end) {
        number = number * 10 + i64::from(digit - b'0');
        if number > LARGEST {
            return refuse("a number beyond 2^53", at);
        }
        end += 1;
    }
    if end == begin {
        return refuse("a number has digits", at);
    }
    if text[begin] == b'0' && (end > begin + 1 || negative) {
        return refuse("a number with a leading zero", at);
    }
    Ok((if negative { -number } else { number }, end))
}

pub(crate) fn expect(text: &[u8], at: usize, byte: u8, why: &'static str) -> Result<usize, Refused> {
    if text.get(at) == Some(&byte) {
        Ok(at + 1)
    } else {
        refuse(why, at)
    }
}

/// Valid UTF-8 without a byte order mark anywhere.
pub(crate) fn utf8(text: &[u8]) -> Result<&str, Refused> {
    let valid = match std::str::from_utf8(text) {
        Ok(valid) => valid,
        Err(error) => return refuse("not valid UTF-8", error.valid_up_to()),
    };
    if !valid.is_ascii()
        && let Some(at) = valid.find('\u{feff}')
    {
        return refuse("a byte order mark", at);
    }
    Ok(valid)
}

/// The text of a string member, its escapes resolved. `raw` must have been read by this module.
pub(crate) fn unescape(raw: &[u8]) -> String {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw).into_owned();
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        if raw[at] != b'\\' {
            out.push(raw[at]);
            at += 1;
            continue;
        }
        let (byte, length) = match raw.get(at + 1) {
            Some(b'b') => (8, 2),
            Some(b'f') => (12, 2),
            Some(b'n') => (10, 2),
            Some(b'r') => (13, 2),
            Some(b't') => (9, 2),
            Some(b'u') => {
                let digits = std::str::from_utf8(&raw[at + 4..at + 6]).unwrap_or("0");
                (u8::from_str_radix(digits, 16).unwrap_or(0), 6)
            }
            Some(other) => (*other, 2),
            None => (b'\\', 1),
        };
        out.push(byte);
        at += length;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends text between quotes, escaped the one way the record writes.
pub(crate) fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends a whole number.
pub(crate) fn number(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_ends_a_stretch_of_plain_bytes_is_found_wherever_it_stands() {
        for byte in 0..=255_u8 {
            for length in 0..20 {
                for place in 0..length {
                    let mut text = vec![b'!'; length];
                    text[place] = byte;
                    let stops = byte < 0x20 || byte == b'"' || byte == b'\\';
                    let at = plain(&text, 0);
                    assert!(
                        at <= length && (!stops || at <= place),
                        "{byte} at {place} of {length}"
                    );
                    assert!(
                        stops && at == place || length - at < 8,
                        "{byte} at {place} of {length}"
                    );
                    if byte != b'!' {
                        assert_eq!(find(&text, 0, byte), Some(place));
                        assert_eq!(find(&text, place + 1, byte), None);
                    }
                }
            }
        }
        assert_eq!(find(b"a line\n", 99, b'\n'), None);
    }

    #[test]
    fn two_hits_in_eight_bytes_give_the_first() {
        for first in 0..8 {
            for second in first..8 {
                let mut text = *b"!!!!!!!!";
                (text[second], text[first]) = (b'#', b'"');
                assert_eq!(plain(&text, 0), first);
                assert_eq!(find(&text, 0, b'"'), Some(first));
            }
        }
    }
}
