//! What a ledger holds, proven with the `record` crate alone: every page, every number, in order.

use crate::outcome::Done;
use record::{
    KeySet, Piece, Scanner,
    verify::{Check, Report},
};
use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

/// The segments of a ledger in order, with their contents.
pub fn segments(ledger: &Path) -> Done<Vec<(PathBuf, Vec<u8>)>> {
    let mut found: Vec<PathBuf> = fs::read_dir(ledger)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("segment-") && (name.ends_with(".pages") || name.ends_with(".pages.gz"))
        })
        .collect();
    found.sort();
    // Where both forms stand (the power went between the two), the plain one is the one.
    let number = |path: &PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy()[..14].to_owned())
    };
    found.dedup_by_key(|path| number(path));
    let mut segments = Vec::new();
    for path in found {
        let bytes = fs::read(&path)?;
        let bytes = if path.extension().is_some_and(|word| word == "gz") {
            let mut plain = Vec::new();
            flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut plain)?;
            plain
        } else {
            bytes
        };
        segments.push((path, bytes));
    }
    Ok(segments)
}

/// One entry, as far as the rig looks at it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub seq: u64,
    pub epoch: u64,
    pub page: u64,
    pub kind: String,
    pub because: String,
    pub point: String,
    pub value: String,
    pub time: String,
}

/// What a ledger holds.
#[derive(Debug, Default)]
pub struct Held {
    pub entries: Vec<Entry>,
    /// The bytes of each page by its place.
    pub pages: BTreeMap<(u64, u64), Vec<u8>>,
    pub report: Report,
}

impl Held {
    /// Reads and verifies a ledger.
    pub fn read(ledger: &Path) -> Done<Self> {
        let keys = fs::read_to_string(ledger.join("keys.jwks")).unwrap_or_default();
        Self::of(&segments(ledger)?, KeySet::read(&keys).unwrap_or_default())
    }

    /// The same from bytes in memory.
    pub fn of(segments: &[(PathBuf, Vec<u8>)], keys: KeySet) -> Done<Self> {
        let (mut held, mut check) = (Self::default(), Check::new(keys));
        for (path, bytes) in segments {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            check.segment(&name, name.ends_with(".gz"));
            check.feed(bytes, true);
            let mut scanner = Scanner::default();
            scanner.begin();
            scanner.feed(bytes, true, |piece| {
                let Piece::Page(_, page) = piece else { return };
                let seal = page.seal().seal();
                let (epoch, number) = (seal.epoch, seal.page);
                held.pages.insert((epoch, number), page.bytes().to_vec());
                held.entries.extend(page.entries().map(|line| Entry {
                    seq: line.seq(),
                    epoch,
                    page: number,
                    kind: line.kind().to_owned(),
                    because: line.text("because").unwrap_or_default(),
                    point: line.text("point").unwrap_or_default(),
                    value: line.data_text("value").unwrap_or_default(),
                    time: line.text("time").unwrap_or_default(),
                }));
            });
        }
        held.report = check.finish();
        Ok(held)
    }

    /// How many of the entries 1 to `captured` are missing.
    pub fn missing(&self, captured: u64) -> u64 {
        let mut there = vec![false; captured as usize + 1];
        for entry in &self.entries {
            if let Some(place) = there.get_mut(entry.seq as usize) {
                *place = true;
            }
        }
        there.iter().skip(1).filter(|there| !**there).count() as u64
    }

    /// How many numbers stand twice.
    pub fn doubled(&self) -> u64 {
        let mut numbers: Vec<u64> = self.entries.iter().map(|entry| entry.seq).collect();
        numbers.sort_unstable();
        numbers.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64
    }

    /// Good readings of one point, in the order in which they were taken.
    pub fn readings(&self, point: &str) -> Vec<String> {
        let mut found: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| entry.kind == "reading" && entry.point == point && !entry.value.is_empty())
            .collect();
        found.sort_by(|a, b| a.time.cmp(&b.time).then(a.seq.cmp(&b.seq)));
        found.into_iter().map(|entry| entry.value.clone()).collect()
    }

    /// How many entries have this kind and reason.
    pub fn count(&self, kind: &str, because: &str) -> usize {
        let like = |entry: &&Entry| entry.kind == kind && (because.is_empty() || entry.because == because);
        self.entries.iter().filter(like).count()
    }

    /// The problems, in a few words.
    pub fn problems(&self) -> String {
        let words = self.report.problems.iter().take(3);
        words
            .map(|problem| format!("{} at {}: {}", problem.segment, problem.offset, problem.what))
            .collect::<Vec<_>>()
            .join("; ")
    }
}
