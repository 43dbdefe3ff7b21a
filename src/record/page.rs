//! A page: the entries of one durable commit under one seal. It is what is stored, what is published as one
//! message, and what is archived.

use crate::{
    flat::{self, Refused, refuse},
    hash::{Hash, Tree},
    line::{Form, Line, Reader},
    seal::SealLine,
};

/// The biggest page any writer makes: 1,024 KiB of entries and a seal line, with room to spare.
pub const BIGGEST_PAGE: usize = 1_200 * 1024;

/// A whole page whose form and root hold. The signature is asked for separately, by who knows the keys.
#[derive(Debug)]
pub struct Page<'a> {
    bytes: &'a [u8],
    seal: SealLine<'a>,
    leaves: Vec<Hash>,
    lines: Vec<Mark<'a>>,
    forms: [u64; 3],
}

/// One line of a page with the two members that everybody asks for; read once.
#[derive(Debug, Clone, Copy)]
pub struct Mark<'a> {
    /// The line, without line feed.
    pub line: &'a [u8],
    /// Its kind; empty on a bare line.
    pub kind: &'a [u8],
    /// The batch it names, as written; empty where it names none.
    pub batch: &'a [u8],
}

/// What stands at the beginning of some bytes.
#[derive(Debug)]
pub enum Taken<'a> {
    /// A whole page, and how many bytes it takes.
    Page(Page<'a>, usize),
    /// The beginning of something that may be a page; more bytes would tell.
    Unfinished,
    /// No page.
    Refused(Refused),
}

/// Takes one page from the beginning of `bytes`. `all` says that no more bytes follow.
pub fn take<'a>(bytes: &'a [u8], all: bool, reader: &mut Reader) -> Taken<'a> {
    match take_or(bytes, all, reader) {
        Ok(Some((page, length))) => Taken::Page(page, length),
        Ok(None) if all => Taken::Refused(Refused {
            why: "the page ends before its last entry",
            at: bytes.len(),
        }),
        Ok(None) if bytes.len() > BIGGEST_PAGE => Taken::Refused(Refused {
            why: "longer than any page",
            at: BIGGEST_PAGE,
        }),
        Ok(None) => Taken::Unfinished,
        Err(refused) => Taken::Refused(refused),
    }
}

fn take_or<'a>(
    bytes: &'a [u8],
    all: bool,
    reader: &mut Reader,
) -> Result<Option<(Page<'a>, usize)>, Refused> {
    let Some(end) = line_end(bytes, 0)? else {
        return Ok(None);
    };
    let seal = SealLine::read(&bytes[..end])?;
    let (first, count) = (seal.seal().first, seal.seal().count);
    if !all && !holds_lines(&bytes[end + 1..], count) {
        return Ok(None);
    }
    let mut tree = Tree::default();
    let room = usize::try_from(count)
        .unwrap_or(usize::MAX)
        .min(bytes.len() / 16 + 1);
    let (mut leaves, mut lines) = (Vec::with_capacity(room), Vec::with_capacity(room));
    let mut forms = [0; 3];
    let mut at = end + 1;
    for index in 0..count {
        let Some(end) = line_end(bytes, at)? else {
            return Ok(None);
        };
        let text = &bytes[at..end];
        let found = reader.read(text).map_err(|refused| Refused {
            at: at + refused.at,
            ..refused
        })?;
        if found.seq != first + index {
            return refuse("an entry's number is not the page's first and its place", at);
        }
        forms[found.form as usize] += 1;
        tree.push(found.leaf);
        leaves.push(found.leaf);
        let word = |name| reader.text_of(text, name).unwrap_or_default();
        lines.push(Mark {
            line: text,
            kind: word("kind"),
            batch: word("batch"),
        });
        at = end + 1;
    }
    if tree.root() != seal.seal().root {
        return refuse("the entries are not those that were sealed", 0);
    }
    Ok(Some((
        Page {
            bytes: &bytes[..at],
            seal,
            leaves,
            lines,
            forms,
        },
        at,
    )))
}

/// Whether so many lines end in these bytes: a page that has not all come yet is not read twice.
fn holds_lines(bytes: &[u8], count: u64) -> bool {
    let mut found = 0;
    for part in bytes.chunks(255) {
        found += u64::from(part.iter().fold(0_u8, |sum, byte| sum + u8::from(*byte == b'\n')));
        if found >= count {
            return true;
        }
    }
    false
}

/// Where the line that begins at `at` ends. An empty or endless line is no line of a page.
fn line_end(bytes: &[u8], at: usize) -> Result<Option<usize>, Refused> {
    const LONGEST_SEAL: usize = 16 * 1024;
    let longest = if at == 0 {
        LONGEST_SEAL
    } else {
        crate::line::LONGEST
    };
    let window = &bytes[at.min(bytes.len())..(at + longest + 1).min(bytes.len())];
    match flat::find(window, 0, b'\n') {
        Some(0) => refuse("an empty line within a page", at),
        Some(length) => Ok(Some(at + length)),
        None if window.len() > longest => refuse("a line longer than any line of a page", at),
        None => Ok(None),
    }
}

impl<'a> Page<'a> {
    /// Reads exactly one page, as one message brings it.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Refused> {
        match take(bytes, true, &mut Reader::default()) {
            Taken::Page(page, length) if length == bytes.len() => Ok(page),
            Taken::Page(_, length) => refuse("something stands after the page", length),
            Taken::Refused(refused) => Err(refused),
            Taken::Unfinished => refuse("the page ends before its last entry", bytes.len()),
        }
    }

    /// Its seal.
    pub fn seal(&self) -> &SealLine<'a> {
        &self.seal
    }

    /// All of it: seal line and entries, each with its line feed.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The entries' lines, each with its kind and batch.
    pub fn marks(&self) -> &[Mark<'a>] {
        &self.lines
    }

    /// The entries, read.
    pub fn entries(&self) -> impl Iterator<Item = Line<'a>> + '_ {
        // holds because every line was read when the page was
        self.lines.iter().filter_map(|mark| Line::read(mark.line).ok())
    }

    /// Their leaves.
    pub fn leaves(&self) -> &[Hash] {
        &self.leaves
    }

    /// How many lines stand in this form.
    pub fn in_form(&self, form: Form) -> u64 {
        self.forms[form as usize]
    }

    /// Whether every line is full, as it must be in a ledger, on MQTT and in a record store.
    pub fn is_full(&self) -> bool {
        self.in_form(Form::Full) == self.seal.seal().count
    }
}

/// What a segment holds, piece by piece.
#[derive(Debug)]
pub enum Piece<'a> {
    /// A whole page at this offset.
    Page(u64, Page<'a>),
    /// Bytes at this offset that are neither a page nor line feeds alone. What follows directly
    /// and is no page either comes as a further piece.
    Junk(u64, &'a [u8]),
}

/// Finds the pages of a segment in bytes that come in any chunks, and goes on behind damage:
/// a page is found wherever a line begins one.
#[derive(Debug, Default)]
pub struct Scanner {
    buffer: Vec<u8>,
    base: u64,
    reader: Reader,
}

impl Scanner {
    /// Begins a new segment.
    pub fn begin(&mut self) {
        self.buffer.clear();
        self.base = 0;
    }

    /// Feeds the next bytes; `all` says that none follow. `found` gets every piece, in order.
    pub fn feed(&mut self, bytes: &[u8], all: bool, mut found: impl FnMut(Piece<'_>)) {
        self.buffer.extend_from_slice(bytes);
        let buffer = &self.buffer[..];
        let mut at = 0;
        loop {
            at += buffer[at..].iter().take_while(|byte| **byte == b'\n').count();
            if at == buffer.len() {
                break;
            }
            match take(&buffer[at..], all, &mut self.reader) {
                Taken::Page(page, length) => {
                    found(Piece::Page(self.base + at as u64, page));
                    at += length;
                }
                Taken::Unfinished => break,
                Taken::Refused(_) => {
                    let end = next_seal(buffer, at);
                    found(Piece::Junk(self.base + at as u64, &buffer[at..end]));
                    at = end;
                }
            }
        }
        self.base += at as u64;
        self.buffer.drain(..at);
    }
}

/// Where the next line begins that may be a seal, behind the line at `at`.
fn next_seal(bytes: &[u8], at: usize) -> usize {
    let mut at = at;
    loop {
        match flat::find(bytes, at, b'\n') {
            None => return bytes.len(),
            Some(end) => at = end + 1,
        }
        // The base64url of `{"` begins every seal.
        if bytes[at..].starts_with(b"eyJ") {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Draft, SecretKey, Stamp, seal::Seal};

    fn page(number: u64) -> Vec<u8> {
        let mut lines = Vec::new();
        let leaf = Draft::new("comment", Stamp(0))
            .data("text", "hello")
            .write(number, [1; 16], &mut lines)
            .unwrap();
        lines.push(b'\n');
        let seal = Seal {
            gateway: "g".into(),
            ledger: "l".into(),
            usage: "demo".into(),
            software: "1".into(),
            epoch: 1,
            page: number,
            first: number,
            count: 1,
            root: leaf,
            prev: None,
            config: None,
            sealed: Stamp(0),
            zone: "UTC".into(),
            boot: "b".into(),
            clock: "unknown".into(),
            clock_error_ms: 0,
        };
        let mut bytes = seal.write(&SecretKey::from_seed(&[1; 32])).unwrap();
        bytes.push(b'\n');
        bytes.extend_from_slice(&lines);
        bytes
    }

    #[test]
    fn pages_are_found_in_any_chunks_and_behind_damage() {
        let (one, two, three) = (page(1), page(2), page(3));
        let mut damaged = two.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        let segment = [
            b"\n\n",
            &one[..],
            b"\n",
            &damaged,
            b"\n\n",
            &three,
            &two[..50],
            b"\n\n\n",
        ]
        .concat();
        for chunk in [1, 7, 100, 4096] {
            let (mut pages, mut junk) = (Vec::new(), Vec::new());
            let mut scanner = Scanner::default();
            let mut note = |piece: Piece<'_>| match piece {
                Piece::Page(offset, page) => pages.push((offset, page.seal().seal().page)),
                Piece::Junk(_, bytes) => junk.extend_from_slice(bytes),
            };
            for bytes in segment.chunks(chunk) {
                scanner.feed(bytes, false, &mut note);
            }
            scanner.feed(&[], true, &mut note);
            let behind = 2 + one.len() + 1 + damaged.len() + 2;
            assert_eq!(pages, [(2, 1), (behind as u64, 3)], "in chunks of {chunk}");
            let text = |bytes: &[u8]| bytes.iter().filter(|b| **b != b'\n').count();
            assert_eq!(text(&junk), text(&damaged) + 50, "in chunks of {chunk}");
        }
    }
}
