//! Rows to values, and pages to columns.

use super::column;
use crate::flow::needs::{
    Contradiction, FoundEntry, Handover, Hole, LedgerCount, PageId, PageRow, QuarantineRow, Span,
};
use record::{Hash, PublicKey, Stamp};
use sqlx::{Error, Row, postgres::PgRow};

/// The entries of many pages, column by column: an array each, unnested by one statement.
#[derive(Default)]
pub(super) struct Entries {
    pub(super) pages: Vec<i64>,
    pub(super) seqs: Vec<i64>,
    pub(super) ats: Vec<i32>,
    pub(super) longs: Vec<i32>,
    pub(super) runs: Vec<Option<i64>>,
    pub(super) kinds: Vec<String>,
    pub(super) times: Vec<String>,
    pub(super) units: Vec<Option<String>>,
    pub(super) batches: Vec<Option<String>>,
    pub(super) steps: Vec<Option<String>>,
    pub(super) points: Vec<Option<String>>,
}

impl Entries {
    pub(super) fn add(&mut self, row: i64, page: &PageRow) {
        for entry in &page.entries {
            let [kind, time, unit, batch, step, point] = entry.words.map(|span| word(&page.bytes, span));
            self.pages.push(row);
            self.seqs.push(entry.seq as i64);
            self.ats.push(entry.line.at as i32);
            self.longs.push(entry.line.long as i32);
            self.runs.push(entry.run);
            self.kinds.push(kind.unwrap_or_default());
            self.times.push(time.unwrap_or_default());
            self.units.push(unit);
            self.batches.push(batch);
            self.steps.push(step);
            self.points.push(point);
        }
    }
}

/// A member of a line, read: its escapes are JSON's own.
fn word(bytes: &[u8], span: Span) -> Option<String> {
    if span.long == 0 {
        return None;
    }
    let (at, long) = (span.at as usize, span.long as usize);
    // holds because every line of a page was read as UTF-8
    let text = std::str::from_utf8(bytes.get(at..at + long)?).ok()?;
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    serde_json::from_str(&format!("\"{text}\"")).ok().map(column)
}

pub(super) fn place(row: &PgRow) -> Result<PageId, Error> {
    Ok(PageId {
        gateway: row.try_get(0)?,
        ledger: row.try_get(1)?,
        epoch: number(row, 2)?,
        page: number(row, 3)?,
    })
}

pub(super) fn number(row: &PgRow, index: usize) -> Result<u64, Error> {
    row.try_get::<i64, _>(index).map(|number| number.max(0) as u64)
}

pub(super) fn hash(row: &PgRow, index: usize) -> Result<Hash, Error> {
    let bytes: Vec<u8> = row.try_get(index)?;
    bytes
        .try_into()
        .map(Hash)
        .map_err(|_| damaged("a hash is not 32 bytes"))
}

/// A time that was asked for as milliseconds since 1970.
pub(super) fn stamp(row: &PgRow, index: usize) -> Result<Stamp, Error> {
    row.try_get(index).map(Stamp)
}

pub(super) fn handover(row: &PgRow) -> Result<Handover, Error> {
    let x: String = row.try_get(5)?;
    Ok(Handover {
        at: place(row)?,
        old: hash(row, 4)?,
        new: PublicKey::read_x(x.as_bytes()).ok_or_else(|| damaged("a key is none"))?,
    })
}

pub(super) fn count(row: &PgRow) -> Result<LedgerCount, Error> {
    Ok(LedgerCount {
        gateway: row.try_get(0)?,
        ledger: row.try_get(1)?,
        pages: number(row, 2)?,
        entries: number(row, 3)?,
        stored: stamp(row, 4)?,
        newest: (number(row, 5)?, number(row, 6)?),
    })
}

pub(super) fn hole(row: &PgRow) -> Result<Hole, Error> {
    Ok(Hole {
        from: place(row)?,
        to: number(row, 4)?,
    })
}

pub(super) fn contradiction(row: &PgRow) -> Result<Contradiction, Error> {
    Ok(Contradiction {
        at: place(row)?,
        what: row.try_get(4)?,
    })
}

pub(super) fn quarantined(row: &PgRow) -> Result<QuarantineRow, Error> {
    Ok(QuarantineRow {
        gateway: row.try_get(0)?,
        reason: row.try_get(1)?,
        because: row.try_get(2)?,
        heard: stamp(row, 3)?,
        times: number(row, 4)?,
        bytes: row.try_get(5)?,
    })
}

/// The lines of one page that were asked for: its bytes, numbers, and where each line lies.
pub(super) fn cut(row: &PgRow) -> Result<Vec<FoundEntry>, Error> {
    let page = place(row)?;
    let bytes: Vec<u8> = row.try_get(4)?;
    let (seqs, ats, longs): (Vec<i64>, Vec<i32>, Vec<i32>) =
        (row.try_get(5)?, row.try_get(6)?, row.try_get(7)?);
    seqs.iter()
        .zip(ats.iter().zip(&longs))
        .map(|(seq, (at, long))| {
            let line = bytes
                .get(*at as usize..(*at + *long) as usize)
                .and_then(|line| std::str::from_utf8(line).ok())
                .ok_or_else(|| damaged("an entry lies outside its page"))?;
            Ok(FoundEntry {
                page: page.clone(),
                seq: *seq as u64,
                line: line.to_owned(),
            })
        })
        .collect()
}

/// The lines of a whole page that lie in a range of numbers.
pub(super) fn between(row: &PgRow, seqs: (u64, u64)) -> Result<Vec<FoundEntry>, Error> {
    let page = place(row)?;
    let bytes: Vec<u8> = row.try_get(4)?;
    let first = number(row, 5)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| damaged("a page is not text"))?;
    Ok(text
        .lines()
        .skip(1)
        .zip(first..)
        .filter(|(_, seq)| (seqs.0..=seqs.1).contains(seq))
        .map(|(line, seq)| FoundEntry {
            page: page.clone(),
            seq,
            line: line.to_owned(),
        })
        .collect())
}

fn damaged(what: &'static str) -> Error {
    Error::Protocol(format!("the database is damaged: {what}"))
}
