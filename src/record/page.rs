//! A page: the entries of one durable commit under one seal. It is what is stored, what is published as one
//! message, and what is archived.

use crate::{
    flat::{Refused, refuse},
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
    lines: Vec<&'a [u8]>,
    forms: [u64; 3],
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
    match take_or(bytes, reader) {
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

fn take_or<'a>(bytes: &'a [u8], reader: &mut Reader) -> Result<Option<(Page<'a>, usize)>, Refused> {
    let Some(end) = line_end(bytes, 0)? else {
        return Ok(None);
    };
    let seal = SealLine::read(&bytes[..end])?;
    let (first, count) = (seal.seal().first, seal.seal().count);
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
        lines.push(text);
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

/// Where the line that begins at `at` ends. An empty or endless line is no line of a page.
fn line_end(bytes: &[u8], at: usize) -> Result<Option<usize>, Refused> {
    const LONGEST_SEAL: usize = 16 * 1024;
    let longest = if at == 0 {
        LONGEST_SEAL
    } else {
        crate::line::LONGEST
    };
    let window = &bytes[at.min(bytes.len())..(at + longest + 1).min(bytes.len())];
    match window.iter().position(|byte| *byte == b'\n') {
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

    /// The entries' lines, without line feeds.
    pub fn lines(&self) -> &[&'a [u8]] {
        &self.lines
    }

    /// The entries, read.
    pub fn entries(&self) -> impl Iterator<Item = Line<'a>> + '_ {
        // holds because every line was read when the page was
        self.lines.iter().filter_map(|line| Line::read(line).ok())
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
