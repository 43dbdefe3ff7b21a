//! The index follows the ledger: what each page adds, and what a start finds missing.

use crate::{
    flow::{
        enter::Numbered,
        ledger::{self, Place},
        needs::Disk,
    },
    ports::index::{Index, KEPT, Kept, PageFacts},
};
use record::{Hash, Line, Page, Trouble};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// To the index.
pub enum ToIndex {
    /// A page was captured.
    Page(PageFacts),
    /// Pages are receipted (1) or set aside (2).
    Mark(Vec<u64>, u8),
    /// Say when everything before this is in.
    Flush(oneshot::Sender<()>),
}

/// What a page just sealed adds.
pub fn facts_of(place: Place, lines: Vec<Numbered>) -> PageFacts {
    let mut facts = PageFacts {
        place,
        batches: Vec::new(),
        kept: Vec::new(),
    };
    for line in lines {
        if let Some(batch) = &line.batch {
            let closing = line.kind == "batch" && has_closing(&line.line);
            add_leaf(&mut facts, batch, line.leaf, closing);
        }
        // a recipe sealed with a batch is read back with the batch
        if KEPT.contains(&line.kind) && !(line.kind == "file" && line.batch.is_some()) {
            facts.kept.push(Kept {
                seq: line.seq,
                kind: line.kind.to_owned(),
                line: line.line,
            });
        }
    }
    facts
}

/// What a page read from the ledger adds.
pub fn facts_read(place: Place, page: &Page<'_>) -> PageFacts {
    let mut facts = PageFacts {
        place,
        batches: Vec::new(),
        kept: Vec::new(),
    };
    for (line, leaf) in page.entries().zip(page.leaves()) {
        if let Some(batch) = line.text("batch") {
            add_leaf(
                &mut facts,
                &batch,
                *leaf,
                line.kind() == "batch" && line.int("closing").is_some(),
            );
        }
        if KEPT.contains(&line.kind()) && !(line.kind() == "file" && line.raw("batch").is_some()) {
            facts.kept.push(Kept {
                seq: line.seq(),
                kind: line.kind().to_owned(),
                line: line.bytes().to_vec(),
            });
        }
    }
    facts
}

fn has_closing(line: &[u8]) -> bool {
    Line::read(line).is_ok_and(|line| line.int("closing").is_some())
}

fn add_leaf(facts: &mut PageFacts, batch: &str, leaf: Hash, closing: bool) {
    let known = facts.batches.iter().position(|(name, ..)| name == batch);
    let at = known.unwrap_or_else(|| {
        facts.batches.push((batch.to_owned(), Vec::new(), 0));
        facts.batches.len() - 1
    });
    facts.batches[at].1.push(leaf);
    facts.batches[at].2 += u64::from(closing);
}

/// The index beside the segments.
pub const INDEX: &str = "index.sqlite";

/// Opens the index of a ledger and brings it up to the segments. One that knows a page the ledger does not hold where it
/// says – a restored image, a damaged segment – is thrown away and made again.
pub async fn open(disk: &dyn Disk, ledger: &str) -> Result<Index, Trouble> {
    let path = disk.path().join(INDEX);
    let mut index = Index::open(&path, ledger).await?;
    if let Some(place) = index.last().await? {
        if !stands(disk, &place) {
            tracing::warn!(
                page = place.page,
                "the index knows a page this ledger does not hold; it is made again"
            );
            index.close().await;
            index = Index::anew(&path, ledger).await?;
        }
    }
    catch_up(&index, disk).await?;
    Ok(index)
}

/// Whether this page stands in the ledger.
fn stands(disk: &dyn Disk, place: &Place) -> bool {
    let plain = ledger::segment_name(place.segment);
    let mut seal = vec![0; 16 * 1024];
    if let Ok(file) = disk.open_read(&plain) {
        let read = file.read_at(&mut seal, place.offset).unwrap_or(0);
        let line = seal[..read]
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        return Hash::of(line) == place.seal;
    }
    let mut found = false;
    let read = ledger::read_segment(disk, &format!("{plain}.gz"), |_, piece| {
        found |= piece.is_ok_and(|page| page.seal().hash() == place.seal);
    });
    read.is_ok() && found
}

/// Brings the index up to the ledger: only what it lacks is read. Returns how many pages that were.
pub async fn catch_up(index: &Index, disk: &dyn Disk) -> Result<u64, Trouble> {
    let last = index.last().await?;
    let (from, known) = last.map_or((0, 0), |place| (place.segment, place.page));
    let unreadable = |error: std::io::Error| ledger::unreadable(disk, &error);
    let mut added = 0;
    for (number, compressed) in ledger::segments(disk).map_err(unreadable)? {
        if number < from {
            continue;
        }
        let name = ledger::file_name(number, compressed);
        let mut found = Vec::new();
        ledger::read_segment(disk, &name, |offset, piece| {
            let Ok(page) = piece else { return };
            let said = page.seal().seal();
            if said.page > known {
                let place = Place {
                    epoch: said.epoch,
                    page: said.page,
                    first: said.first,
                    count: said.count,
                    segment: number,
                    offset,
                    length: page.bytes().len() as u64,
                    seal: page.seal().hash(),
                    sealed: said.sealed,
                };
                found.push(facts_read(place, &page));
            }
        })
        .map_err(unreadable)?;
        for part in found.chunks(500) {
            index.add(part).await?;
        }
        added += found.len() as u64;
    }
    Ok(added)
}

/// Follows the ledger until nobody sends any more. A failing index loses nothing: it is made again at the next start.
pub async fn follow(index: Index, mut input: mpsc::UnboundedReceiver<ToIndex>) {
    let mut waiting = Vec::new();
    let mut broken = false;
    loop {
        let word = tokio::select! {
            word = input.recv() => word,
            () = tokio::time::sleep(WRITE_AFTER), if !waiting.is_empty() => {
                write(&index, &mut waiting, &mut broken).await;
                continue;
            }
        };
        match word {
            Some(ToIndex::Page(facts)) => {
                waiting.push(facts);
                if waiting.len() >= MANY {
                    write(&index, &mut waiting, &mut broken).await;
                }
            }
            Some(ToIndex::Mark(pages, state)) => {
                write(&index, &mut waiting, &mut broken).await;
                if let Err(trouble) = index.mark(&pages, state).await {
                    // The receipts file is the truth; the index is brought up to it at the next start.
                    tracing::warn!(name = trouble.name, "{trouble}");
                }
            }
            Some(ToIndex::Flush(done)) => {
                write(&index, &mut waiting, &mut broken).await;
                // holds because who does not wait any more needs no answer
                let _ = done.send(());
            }
            None => {
                write(&index, &mut waiting, &mut broken).await;
                return;
            }
        }
    }
}

async fn write(index: &Index, waiting: &mut Vec<PageFacts>, broken: &mut bool) {
    if !waiting.is_empty() && !*broken {
        if let Err(trouble) = index.add(waiting).await {
            tracing::error!(name = trouble.name, "{trouble}");
            // A hole in the index would be worse than its end: what follows is read from the ledger at the next start.
            *broken = true;
        }
    }
    waiting.clear();
}

/// The index may be this much behind the ledger.
const WRITE_AFTER: Duration = Duration::from_millis(200);
const MANY: usize = 200;
