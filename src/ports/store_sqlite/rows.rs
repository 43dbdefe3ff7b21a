//! Rows to values and back.

use crate::flow::needs::{
    Contradiction, FoundEntry, Handover, Hole, LedgerCount, PageId, PageRow, QuarantineRow, Span,
};
use record::{Hash, PublicKey, Stamp};
use sqlx::{Error, Row, sqlite::SqliteRow};
use std::{collections::BTreeSet, fmt::Write};

/// The entries of many pages as one JSON text. The words of a line are copied as they stand: the
/// record's escapes are JSON's own.
#[derive(Default)]
pub(super) struct Entries(Vec<u8>);

impl Entries {
    pub(super) fn add(&mut self, row: i64, page: &PageRow) {
        for entry in &page.entries {
            let mut numbers = String::with_capacity(48);
            // holds because writing into a String cannot fail
            let _ = write!(
                numbers,
                "[{row},{},{},{}",
                entry.seq, entry.line.at, entry.line.long
            );
            self.0.push(if self.0.is_empty() { b'[' } else { b',' });
            self.0.extend_from_slice(numbers.as_bytes());
            let [kind, time, unit, batch, step, point] = entry.words;
            for span in [kind, time] {
                self.word(&page.bytes, span, b"\"\"");
            }
            for span in [unit, batch, step] {
                self.word(&page.bytes, span, b"null");
            }
            self.0.push(b',');
            match entry.run {
                Some(run) => self.0.extend_from_slice(run.to_string().as_bytes()),
                None => self.0.extend_from_slice(b"null"),
            }
            self.word(&page.bytes, point, b"null");
            self.0.push(b']');
        }
    }

    fn word(&mut self, bytes: &[u8], span: Span, absent: &[u8]) {
        self.0.push(b',');
        let (at, long) = (span.at as usize, span.long as usize);
        match bytes.get(at..at + long) {
            Some(word) if long > 0 => {
                self.0.push(b'"');
                self.0.extend_from_slice(word);
                self.0.push(b'"');
            }
            _ => self.0.extend_from_slice(absent),
        }
    }

    pub(super) fn into_json(mut self) -> String {
        self.0
            .extend_from_slice(if self.0.is_empty() { b"[]" } else { b"]" });
        // holds because every line of a page was read as UTF-8
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

/// The places asked about, as JSON.
pub(super) fn places(pages: &[PageId]) -> String {
    let places: Vec<_> = pages
        .iter()
        .map(|id| (&id.gateway, &id.ledger, id.epoch, id.page))
        .collect();
    serde_json::to_string(&places).unwrap_or_default()
}

/// The gateways asked about, each once, as JSON.
pub(super) fn gateways(pages: &[PageId]) -> String {
    let names: BTreeSet<_> = pages.iter().map(|id| &id.gateway).collect();
    serde_json::to_string(&names).unwrap_or_default()
}

/// `3.51.3` as numbers.
pub(super) fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

pub(super) fn place(row: &SqliteRow) -> Result<PageId, Error> {
    Ok(PageId {
        gateway: row.try_get(0)?,
        ledger: row.try_get(1)?,
        epoch: number(row, 2)?,
        page: number(row, 3)?,
    })
}

pub(super) fn number(row: &SqliteRow, index: usize) -> Result<u64, Error> {
    row.try_get::<i64, _>(index).map(|number| number.max(0) as u64)
}

pub(super) fn hash(row: &SqliteRow, index: usize) -> Result<Hash, Error> {
    let bytes: Vec<u8> = row.try_get(index)?;
    bytes
        .try_into()
        .map(Hash)
        .map_err(|_| damaged("a hash is not 32 bytes"))
}

pub(super) fn stamp(row: &SqliteRow, index: usize) -> Result<Stamp, Error> {
    let text: String = row.try_get(index)?;
    Stamp::read(&text).ok_or_else(|| damaged("a time is not in the form of the record"))
}

pub(super) fn handover(row: &SqliteRow) -> Result<Handover, Error> {
    let x: String = row.try_get(5)?;
    Ok(Handover {
        at: place(row)?,
        old: hash(row, 4)?,
        new: PublicKey::read_x(x.as_bytes()).ok_or_else(|| damaged("a key is none"))?,
    })
}

pub(super) fn count(row: &SqliteRow) -> Result<LedgerCount, Error> {
    Ok(LedgerCount {
        gateway: row.try_get(0)?,
        ledger: row.try_get(1)?,
        pages: number(row, 2)?,
        entries: number(row, 3)?,
        stored: stamp(row, 4)?,
        newest: (number(row, 5)?, number(row, 6)?),
    })
}

pub(super) fn hole(row: &SqliteRow) -> Result<Hole, Error> {
    Ok(Hole {
        from: place(row)?,
        to: number(row, 4)?,
    })
}

pub(super) fn contradiction(row: &SqliteRow) -> Result<Contradiction, Error> {
    Ok(Contradiction {
        at: place(row)?,
        what: row.try_get(4)?,
    })
}

pub(super) fn quarantined(row: &SqliteRow) -> Result<QuarantineRow, Error> {
    Ok(QuarantineRow {
        gateway: row.try_get(0)?,
        reason: row.try_get(1)?,
        because: row.try_get(2)?,
        heard: stamp(row, 3)?,
        times: number(row, 4)?,
        bytes: row.try_get(5)?,
    })
}

pub(super) fn found(row: &SqliteRow) -> Result<FoundEntry, Error> {
    Ok(FoundEntry {
        page: place(row)?,
        seq: number(row, 4)?,
        line: row.try_get(5)?,
    })
}

fn damaged(what: &'static str) -> Error {
    Error::Protocol(format!("the database is damaged: {what}"))
}
