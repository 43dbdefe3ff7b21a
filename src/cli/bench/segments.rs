//! What an entry weighs for years: bytes in a closed, compressed segment. Made by the ledger's own writer and closed by
//! its own packing, of readings as a plant records them.

use super::{
    Figure, not_measured,
    pages::{Pages, key},
};
use crate::{
    flow::{ledger, needs::Disk},
    ports::disk::Directory,
};
use record::Trouble;
use std::{path::Path, sync::Arc};

/// Small segments: what they hold is the same, and there are two of each to make.
const SEGMENT: u64 = 8 << 20;

/// Entries a page, and what the product promises for it.
const CASES: &[(usize, Option<f64>)] = &[(1, Some(250.0)), (20, Some(60.0)), (200, None)];

pub(super) fn measure(place: &Path) -> Result<Vec<Figure>, Trouble> {
    weigh(place, SEGMENT)
}

pub(super) fn weigh(place: &Path, segment: u64) -> Result<Vec<Figure>, Trouble> {
    CASES
        .iter()
        .map(|(each, target)| one(&place.join(each.to_string()), segment, *each, *target))
        .collect()
}

fn one(place: &Path, segment: u64, each: usize, target: Option<f64>) -> Result<Figure, Trouble> {
    let disk: Arc<dyn Disk> = Arc::new(Directory::take(place)?);
    let mut writer = ledger::open(&disk, segment, |_| None)?.writer;
    let mut pages = Pages::new(key()?, each);
    let (mut entries, mut bytes) = (0, 0);
    loop {
        let page = pages.next()?;
        let lies = writer.append(&page)?;
        if lies.segment > 1 {
            break;
        }
        entries += page.count;
        bytes += page.bytes.len() as u64;
    }
    let (before, after) = ledger::compress(disk.as_ref(), 1)?;
    if after >= before {
        return Err(not_measured("the closed segment was not compressed"));
    }
    let entries = entries as f64;
    Ok(Figure {
        name: "segments",
        value: after as f64 / entries,
        unit: "bytes/entry",
        target,
        at_most: true,
        said: format!(
            "{each} entries a page, closed and compressed; {:.0} bytes as text, {:.0} on the disk while it was open",
            bytes as f64 / entries,
            before as f64 / entries
        ),
        conditions: vec![
            ("entries", entries),
            ("entries_per_page", each as f64),
            ("text_bytes_per_entry", bytes as f64 / entries),
            ("open_bytes_per_entry", before as f64 / entries),
        ],
    })
}
