//! What lies in a directory: the segments of a ledger, or the pages of evidence; keys; receipts.

use crate::flow::needs::{Disk, DiskFile};
use flate2::read::MultiGzDecoder;
use record::{KeySet, Page, Piece, Scanner, Trouble, verify::Scope};
use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// The pages of an evidence folder.
pub const EVIDENCE: &str = "evidence.pages";
/// The keys, beside segments and in every evidence folder.
pub const KEYS: &str = "keys.jwks";
/// The receipts, likewise.
pub const RECEIPTS: &str = "receipts.jws";

/// How much is read at once. A page is longer at most by a little, and is put together by the scanner.
const PIECE: usize = 256 * 1024;
/// No receipt is longer.
const LONGEST_RECEIPT: u64 = 64 * 1024;

/// A ledger, evidence, or one file of either.
pub struct Folder<'a> {
    disk: &'a dyn Disk,
    files: Vec<String>,
    scope: Scope,
    /// How long `receipts.jws` was before anything else was looked at. A gateway may be recording while we
    /// read: what it is given receipts for from here on may lie on pages we have passed already.
    receipts: u64,
}

impl<'a> Folder<'a> {
    /// A directory: a ledger if it holds segments, else evidence.
    pub fn open(disk: &'a dyn Disk) -> Result<Self, Trouble> {
        let receipts = disk.open_read(RECEIPTS).and_then(|file| file.len()).unwrap_or(0);
        let names = disk.list().map_err(|error| unreadable(&disk.path(), &error))?;
        let mut files: Vec<String> = names.iter().filter(|name| is_segment(name)).cloned().collect();
        let mut scope = Scope::Ledger;
        if files.is_empty() {
            files = names
                .iter()
                .filter(|name| name.ends_with(".pages"))
                .cloned()
                .collect();
            scope = Scope::Evidence;
        }
        // Between compressing and removing, both forms lie there; the plain one is the one that was written.
        let plain = files.clone();
        files.retain(|name| {
            name.strip_suffix(".gz")
                .is_none_or(|name| !plain.iter().any(|other| other == name))
        });
        if files.is_empty() {
            return Err(nothing_here(&disk.path()));
        }
        Ok(Self {
            disk,
            files,
            scope,
            receipts,
        })
    }

    /// One file of a directory: a segment without its neighbours, or evidence.
    pub fn only(disk: &'a dyn Disk, name: &str) -> Result<Self, Trouble> {
        if !name.ends_with(".pages") && !is_segment(name) {
            return Err(nothing_here(&disk.path().join(name)));
        }
        let whole = Self::open(disk)?;
        let scope = if is_segment(name) {
            Scope::Part
        } else {
            Scope::Evidence
        };
        // Receipts are for the whole; beside one segment of several most of them would name strangers.
        let receipts = if scope == Scope::Evidence {
            whole.receipts
        } else {
            0
        };
        Ok(Self {
            files: vec![name.to_owned()],
            scope,
            receipts,
            ..whole
        })
    }

    /// What it is.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Where it lies.
    pub fn path(&self) -> std::path::PathBuf {
        self.disk.path()
    }

    /// The keys beside it.
    pub fn keys(&self) -> Result<KeySet, Trouble> {
        let place = self.disk.path().join(KEYS);
        let bytes = self.disk.read(KEYS).map_err(|error| unreadable(&place, &error))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            Trouble::new("keys-unusable", "the keys are not text")
                .at(place.display())
                .means("nothing sealed or receipted under these keys can be checked")
                .so("fetch keys.jwks again from the gateway or the enrolment sheet")
        })?;
        KeySet::read(&text).map_err(|trouble| trouble.at(place.display()))
    }

    /// Hands over the bytes of every file of pages in order: its name, whether it is compressed, the bytes,
    /// and whether they are its last.
    pub fn each_piece(&self, mut take: impl FnMut(&str, bool, &[u8], bool)) -> Result<(), Trouble> {
        let mut buffer = vec![0; PIECE];
        for name in &self.files {
            let mut bytes = self.reader(name)?;
            loop {
                let length = fill(&mut *bytes, &mut buffer)
                    .map_err(|error| unreadable(&self.disk.path().join(name), &error))?;
                let last = length < buffer.len();
                take(name, name.ends_with(".gz"), &buffer[..length], last);
                if last {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Hands over every whole page in order. What is no page is passed over; `verify` speaks of it.
    pub fn each_page(&self, mut take: impl FnMut(&Page<'_>)) -> Result<(), Trouble> {
        let mut scanner = Scanner::default();
        self.each_piece(|_, _, bytes, last| {
            scanner.feed(bytes, last, |piece| {
                if let Piece::Page(_, page) = piece {
                    take(&page);
                }
            });
            if last {
                scanner.begin();
            }
        })
    }

    /// Hands over every line of the receipts with its number.
    pub fn each_receipt(&self, mut take: impl FnMut(&[u8], usize)) -> Result<(), Trouble> {
        if self.receipts == 0 {
            return Ok(());
        }
        let failed = |error: io::Error| unreadable(&self.disk.path().join(RECEIPTS), &error);
        let mut lines = BufReader::with_capacity(PIECE, self.reader(RECEIPTS)?.take(self.receipts));
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let length = (&mut lines)
                .take(LONGEST_RECEIPT)
                .read_until(b'\n', &mut line)
                .map_err(failed)?;
            if length == 0 {
                break;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            if !text.is_empty() {
                take(text, number);
            }
        }
        Ok(())
    }

    fn reader(&self, name: &str) -> Result<Box<dyn Read>, Trouble> {
        let file = self
            .disk
            .open_read(name)
            .map_err(|error| unreadable(&self.disk.path().join(name), &error))?;
        let bytes = FromStart { file, at: 0 };
        if name.ends_with(".gz") {
            return Ok(Box::new(MultiGzDecoder::new(BufReader::with_capacity(
                PIECE, bytes,
            ))));
        }
        Ok(Box::new(bytes))
    }
}

/// `segment-000001.pages`, or its compressed form.
fn is_segment(name: &str) -> bool {
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let number = name
        .strip_prefix("segment-")
        .and_then(|name| name.strip_suffix(".pages"));
    number.is_some_and(|number| number.len() == 6 && number.bytes().all(|digit| digit.is_ascii_digit()))
}

fn unreadable(place: &Path, error: &io::Error) -> Trouble {
    Trouble::new("evidence-unreadable", format!("this cannot be read: {error}"))
        .at(place.display())
        .means("nothing can be said about what was not read")
        .so("look whether the file is there, is whole, and may be read")
}

fn nothing_here(place: &Path) -> Trouble {
    Trouble::new("no-record-here", "there is no record here")
        .at(place.display())
        .means("nothing was read and nothing was changed")
        .so("name a directory with segment-000001.pages or evidence.pages, or one such file")
}

/// A file from its beginning on.
struct FromStart {
    file: Box<dyn DiskFile>,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

/// Fills the buffer; fewer bytes only at the end.
fn fill(bytes: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match bytes.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
