//! An entry before it is a line: its members in any order, written in the order of its kind.

use crate::{flat, hash::Hash, kind::Kind, line, stamp::Stamp, trouble::Trouble};

/// A value of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A string.
    Text(String),
    /// A whole number within 2⁵³.
    Int(i64),
}

impl From<&str> for Word {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Word {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Word {
    fn from(number: i64) -> Self {
        Self::Int(number.clamp(-flat::LARGEST, flat::LARGEST))
    }
}

impl From<u64> for Word {
    fn from(number: u64) -> Self {
        Self::Int(number.min(flat::LARGEST as u64) as i64)
    }
}

impl From<u32> for Word {
    fn from(number: u32) -> Self {
        Self::Int(i64::from(number))
    }
}

impl From<usize> for Word {
    fn from(number: usize) -> Self {
        Self::from(number as u64)
    }
}

impl From<Stamp> for Word {
    fn from(stamp: Stamp) -> Self {
        Self::Text(stamp.to_string())
    }
}

impl From<Hash> for Word {
    fn from(hash: Hash) -> Self {
        Self::Text(hash.to_string())
    }
}

/// An entry that has no number yet.
///
/// ```
/// use record::{Draft, Stamp};
/// let draft = Draft::new("comment", Stamp(0)).with("batch", "B-1").data("text", "hello");
/// assert_eq!(draft.text("batch"), Some("B-1"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    kind: &'static str,
    /// When it was true.
    pub time: Stamp,
    outside: Vec<(&'static str, Word)>,
    inside: Vec<(&'static str, Word)>,
}

impl Draft {
    /// Begins an entry of a kind of the table.
    pub fn new(kind: &'static str, time: Stamp) -> Self {
        debug_assert!(Kind::named(kind).is_some(), "no kind {kind}");
        Self {
            kind,
            time,
            outside: Vec::with_capacity(10),
            inside: Vec::with_capacity(8),
        }
    }

    /// Adds a member outside `data`, what a stranger may see. An empty text adds nothing.
    #[must_use]
    pub fn with(mut self, name: &'static str, word: impl Into<Word>) -> Self {
        self.set(name, word);
        self
    }

    /// Adds a member outside `data` in place.
    pub fn set(&mut self, name: &'static str, word: impl Into<Word>) {
        debug_assert!(
            Kind::named(self.kind).is_some_and(|kind| kind.outside.contains(&name)),
            "{} has no {name}",
            self.kind
        );
        let word = word.into();
        if word != Word::Text(String::new()) {
            self.outside.retain(|(other, _)| *other != name);
            self.outside.push((name, word));
        }
    }

    /// Adds a member inside `data`, what can be withheld. An empty text adds nothing.
    #[must_use]
    pub fn data(mut self, name: &'static str, word: impl Into<Word>) -> Self {
        debug_assert!(
            Kind::named(self.kind).is_some_and(|kind| kind.inside.contains(&name)),
            "data of {} has no {name}",
            self.kind
        );
        let word = word.into();
        if word != Word::Text(String::new()) {
            self.inside.retain(|(other, _)| *other != name);
            self.inside.push((name, word));
        }
        self
    }

    /// Its kind.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// A text member outside `data`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.outside.iter().find_map(|(other, word)| match word {
            Word::Text(text) if *other == name => Some(text.as_str()),
            _ => None,
        })
    }

    /// All members outside `data`, as set.
    pub fn outside(&self) -> &[(&'static str, Word)] {
        &self.outside
    }

    /// All members inside `data`, as set.
    pub fn inside(&self) -> &[(&'static str, Word)] {
        &self.inside
    }

    /// Writes the line, without line feed, to the end of `out`, and says its leaf.
    /// Refuses only what would make a line longer than every reader accepts.
    pub fn write(&self, seq: u64, salt: [u8; 16], out: &mut Vec<u8>) -> Result<Hash, Trouble> {
        let begin = out.len();
        let kind = Kind::named(self.kind);
        out.extend_from_slice(b"{\"seq\":");
        flat::number(seq as i64, out);
        out.extend_from_slice(b",\"kind\":");
        flat::quote(self.kind, out);
        out.extend_from_slice(b",\"time\":");
        flat::quote(&self.time.to_string(), out);
        members(&self.outside, kind.map_or(&[], |kind| kind.outside), out);
        out.extend_from_slice(b",\"data\":");
        let data = out.len();
        out.extend_from_slice(b"{\"salt\":\"");
        crate::b64::encode_into(&salt, out);
        out.push(b'"');
        members(&self.inside, kind.map_or(&[], |kind| kind.inside), out);
        out.push(b'}');
        let hash = Hash::of(&out[data..]).text();
        let leaf = Hash::leaf(&out[begin..data], &hash);
        out.push(b'}');
        if out.len() - begin > line::LONGEST {
            let length = out.len() - begin;
            out.truncate(begin);
            return Err(Trouble::new(
                "entry-too-long",
                format!("an entry of {length} bytes is longer than any reader accepts"),
            )
            .at(format!("kind {}", self.kind))
            .means("this entry was not written; everything else goes on")
            .so("report this with the entry's kind: a line holds at most 64 KiB"));
        }
        Ok(leaf)
    }
}

/// Members in the order of the kind's table; a member the table does not know comes last.
fn members(members: &[(&'static str, Word)], order: &[&str], out: &mut Vec<u8>) {
    let mut put = |name: &str, word: &Word| {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        match word {
            Word::Text(text) => flat::quote(text, out),
            Word::Int(number) => flat::number(*number, out),
        }
    };
    for name in order {
        if let Some((name, word)) = members.iter().find(|(other, _)| other == name) {
            put(name, word);
        }
    }
    for (name, word) in members.iter().filter(|(name, _)| !order.contains(name)) {
        put(name, word);
    }
}

/// Ascending ranges of numbers as `binding` writes them: `1041-1050,1060`.
///
/// ```
/// assert_eq!(record::ranges(&[4, 5, 6, 9]), "4-6,9");
/// assert_eq!(record::read_ranges("4-6,9"), Some(vec![(4, 6), (9, 9)]));
/// assert_eq!(record::read_ranges("9,4"), None);
/// ```
pub fn ranges(seqs: &[u64]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while at < seqs.len() {
        let first = seqs[at];
        let mut last = first;
        while at + 1 < seqs.len() && seqs[at + 1] == last + 1 {
            at += 1;
            last = seqs[at];
        }
        at += 1;
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(&first.to_string());
        if last > first {
            text.push('-');
            text.push_str(&last.to_string());
        }
    }
    text
}

/// Reads ascending ranges; `None` for anything that `ranges` would not write.
pub fn read_ranges(text: &str) -> Option<Vec<(u64, u64)>> {
    let mut found: Vec<(u64, u64)> = Vec::new();
    for part in text.split(',') {
        let number = |text: &str| -> Option<u64> {
            let plain =
                !text.is_empty() && !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
            if plain { text.parse().ok() } else { None }
        };
        let (first, last) = match part.split_once('-') {
            None => (number(part)?, number(part)?),
            Some((first, last)) => (number(first)?, number(last)?),
        };
        let single_written_as_range = part.contains('-') && first == last;
        if last < first
            || single_written_as_range
            || found.last().is_some_and(|(_, before)| first <= *before + 1)
        {
            return None;
        }
        found.push((first, last));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::line::Line;

    #[test]
    fn members_stand_in_the_order_of_their_kind() {
        let draft = Draft::new("reading", Stamp::read("2026-11-20T10:15:03.120Z").unwrap())
            .data("in", "Cel")
            .data("value", "68.4")
            .with("verdict", "within")
            .with("unit", "MX-3");
        let mut out = Vec::new();
        let leaf = draft.write(1041, [0; 16], &mut out).unwrap();
        let text = String::from_utf8(out.clone()).unwrap();
        assert_eq!(
            text,
            r#"{"seq":1041,"kind":"reading","time":"2026-11-20T10:15:03.120Z","unit":"MX-3","verdict":"within","data":{"salt":"AAAAAAAAAAAAAAAAAAAAAA","value":"68.4","in":"Cel"}}"#
        );
        assert_eq!(Line::read(&out).unwrap().leaf(), leaf);
    }

    #[test]
    fn a_line_nobody_would_read_is_never_written() {
        let mut out = b"before".to_vec();
        let draft = Draft::new("comment", Stamp(0)).data("text", "x".repeat(70_000));
        assert!(draft.write(1, [0; 16], &mut out).is_err());
        assert_eq!(out, b"before");
    }

    #[test]
    fn ranges_are_read_as_they_are_written() {
        for text in ["1", "1-2", "1-3,5", "7,9-11"] {
            let read = read_ranges(text).unwrap();
            let seqs: Vec<u64> = read.iter().flat_map(|(first, last)| *first..=*last).collect();
            assert_eq!(ranges(&seqs), text);
        }
        for text in ["", "0", "01", "3-1", "2-2", "1,2", "1-3,3", "a", "1,", "-1"] {
            assert_eq!(read_ranges(text), None, "{text:?}");
        }
    }
}
