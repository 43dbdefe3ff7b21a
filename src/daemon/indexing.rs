//! The index follows the ledger: what each page adds, and what a start finds missing.

use crate::{
    flow::{
        enter::Numbered,
        ledger::{self, Place},
        needs::Disk,
    },
    ports::index::{Fact, Index, KEPT, Kept, PageFacts, Tallies},
    ports::machine,
};
use record::{Hash, Line, Page, Trouble};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// To the index.
pub enum ToIndex {
    /// A page was captured.
    Page(PageFacts),
    /// Pages are receipted (1) or set aside (2).
    Mark(Vec<u64>, u8),
    /// The figures of every run as of an entry that is captured, so that a restart need not count them anew.
    Figures(String),
    /// Say when everything before this is in.
    Flush(oneshot::Sender<()>),
    /// How many entries were captured when this was sent: say how they stand.
    Books(oneshot::Sender<Tallies>),
}

/// The word under which figures are kept.
pub const FIGURES: &str = "figures";

/// What a page just sealed adds.
pub fn facts_of(place: Place, lines: Vec<Numbered>) -> PageFacts {
    let mut facts = nothing_at(place);
    for line in lines {
        let read = wanted(line.kind).then(|| Line::read(&line.line).ok()).flatten();
        if let Some(batch) = &line.batch {
            let closing =
                line.kind == "batch" && read.as_ref().is_some_and(|read| read.int("closing").is_some());
            add_leaf(&mut facts, batch, line.leaf, closing);
        }
        if let Some(read) = read {
            add_line(&mut facts, &read);
        }
    }
    facts
}

/// What a page read from the ledger adds.
pub fn facts_read(place: Place, page: &Page<'_>) -> PageFacts {
    let mut facts = nothing_at(place);
    for (line, leaf) in page.entries().zip(page.leaves()) {
        if let Some(batch) = line.text("batch") {
            let closing = line.kind() == "batch" && line.int("closing").is_some();
            add_leaf(&mut facts, &batch, *leaf, closing);
        }
        if wanted(line.kind()) {
            add_line(&mut facts, &line);
        }
    }
    facts
}

fn nothing_at(place: Place) -> PageFacts {
    PageFacts {
        place,
        batches: Vec::new(),
        kept: Vec::new(),
        standing: Vec::new(),
    }
}

/// Whether lines of this kind are kept for ever, or as long as their batch is open. Of readings, gaps and comments
/// there are too many, and a restart needs none of the old ones.
fn wanted(kind: &str) -> bool {
    !matches!(kind, "reading" | "gap" | "comment" | "binding" | "clock")
}

fn add_line(facts: &mut PageFacts, line: &Line<'_>) {
    let batch = line.text("batch");
    let fact = |what| Fact {
        kept: Kept {
            seq: line.seq(),
            kind: line.kind().to_owned(),
            line: line.bytes().to_vec(),
        },
        batch: batch.clone(),
        what,
    };
    // a recipe sealed with a batch is read back with the batch
    let kept = KEPT.contains(&line.kind()) && !(line.kind() == "file" && batch.is_some());
    if kept {
        facts.kept.push(fact(last_word(line)));
    }
    // What was weighed is the station's and the line's: a rule may count from it.
    if (!kept || line.kind() == "weighing")
        && batch.is_some()
        && (line.kind() != "summary" || line.data_text("rule").is_some())
    {
        facts.standing.push(fact(None));
    }
}

/// What a line says the last word about, where only the last word counts.
fn last_word(line: &Line<'_>) -> Option<String> {
    let word = |name: &str| line.text(name).unwrap_or_default();
    match line.kind() {
        "start" | "stop" => Some(String::new()),
        "master" => Some(word("items")),
        "equipment-status" => Some(format!(
            "{} {} {}",
            word("equipment"),
            word("state"),
            word("because")
        )),
        // Wrong tries are counted, so each of them counts.
        "access" if line.raw("because") != Some("wrong-secret") => {
            let data = |name: &str| line.data_text(name).unwrap_or_default();
            Some(format!(
                "{} {} {}",
                data("person"),
                data("panel"),
                word("because")
            ))
        }
        _ => None,
    }
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
    let mut missing = ledger::segments(disk).map_err(unreadable)?;
    missing.retain(|(number, _)| *number >= from);
    for (at, (number, compressed)) in missing.iter().copied().enumerate() {
        let name = ledger::file_name(number, compressed);
        // Behind the last known page only; a compressed segment is read whole.
        let behind = last.filter(|place| place.segment == number && !compressed);
        let offset = behind.map_or(0, |place| {
            (place.offset + place.length).next_multiple_of(ledger::BLOCK)
        });
        let mut found = Vec::new();
        ledger::read_segment_from(disk, &name, offset, |offset, piece| {
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
        for part in found.chunks(2_000) {
            index.add(part).await?;
        }
        added += found.len() as u64;
        if missing.len() > 3 {
            let percent = (at + 1) * 100 / missing.len();
            tracing::info!(percent, pages = added, "the index is made again from the ledger");
            machine::progress(&format!("the index is made again: {percent} %"));
        }
    }
    Ok(added)
}

/// What waits to be written into the index.
#[derive(Default)]
struct Waiting {
    pages: Vec<PageFacts>,
    marks: Vec<(Vec<u64>, u8)>,
    figures: Option<String>,
    answers: Vec<Answer>,
    /// How often it could not be written.
    failed: u32,
}

enum Answer {
    Done(oneshot::Sender<()>),
    Books(oneshot::Sender<Tallies>),
}

impl Waiting {
    fn take(&mut self, word: ToIndex) {
        match word {
            ToIndex::Page(facts) => self.pages.push(facts),
            ToIndex::Mark(pages, state) => self.marks.push((pages, state)),
            ToIndex::Figures(text) => self.figures = Some(text),
            ToIndex::Flush(done) => self.answers.push(Answer::Done(done)),
            ToIndex::Books(to) => self.answers.push(Answer::Books(to)),
        }
    }

    fn is_empty(&self) -> bool {
        self.pages.is_empty() && self.marks.is_empty() && self.figures.is_none() && self.answers.is_empty()
    }

    /// Receipts and questions do not wait for more pages to come.
    fn is_due(&self) -> bool {
        self.pages.len() >= MANY || !self.marks.is_empty() || !self.answers.is_empty()
    }

    fn is_full(&self) -> bool {
        self.pages.len() >= MANY || self.marks.len() >= MANY
    }
}

/// Follows the ledger until nobody sends any more. A failing index loses nothing: it is made again at the next start.
/// `disk` says how far the receipts go that it knows; without it the next start reads them all.
pub async fn follow(index: Index, disk: Option<Arc<dyn Disk>>, mut input: mpsc::UnboundedReceiver<ToIndex>) {
    let mut waiting = Waiting::default();
    let mut broken = false;
    loop {
        tokio::select! {
            word = input.recv() => match word {
                Some(word) => waiting.take(word),
                None => {
                    write(&index, disk.as_deref(), &mut waiting, true, &mut broken).await;
                    return;
                }
            },
            () = tokio::time::sleep(WRITE_AFTER), if !waiting.is_empty() => {
                write(&index, disk.as_deref(), &mut waiting, input.is_empty(), &mut broken).await;
                continue;
            }
        }
        while !waiting.is_full() || waiting.failed > 0 {
            let Ok(word) = input.try_recv() else { break };
            waiting.take(word);
        }
        if waiting.is_due() {
            write(
                &index,
                disk.as_deref(),
                &mut waiting,
                input.is_empty(),
                &mut broken,
            )
            .await;
        }
    }
}

/// Writes what waits. `all` says that nothing else is on its way, so every receipt that is kept is known here – but for
/// those of the last moment, which a start reads again.
async fn write(index: &Index, disk: Option<&dyn Disk>, waiting: &mut Waiting, all: bool, broken: &mut bool) {
    let mut work = std::mem::take(waiting);
    let mut words = Vec::new();
    words.extend(work.figures.clone().map(|text| (FIGURES, text)));
    if let Some(length) = disk
        .filter(|_| all && !work.marks.is_empty())
        .and_then(receipts_long)
    {
        words.push(("receipts-read", length.to_string()));
    }
    if !*broken && !(work.pages.is_empty() && work.marks.is_empty() && words.is_empty()) {
        if let Err(trouble) = index.take_in(&work.pages, &work.marks, &words).await {
            // A full disk gives room again: until then it waits in memory. A hole in the index would be worse than its
            // end: after too many what follows is read from the ledger at the next start.
            *broken = work.pages.len() + work.marks.len() > TOO_MANY;
            if work.failed == 0 || *broken {
                tracing::error!(name = trouble.name, "{trouble}");
            }
            if !*broken {
                waiting.pages = std::mem::take(&mut work.pages);
                waiting.marks = std::mem::take(&mut work.marks);
                waiting.figures = work.figures.take();
                waiting.failed = work.failed + 1;
            }
        }
    }
    for answer in work.answers {
        match answer {
            // holds because who does not wait any more needs no answer
            Answer::Done(done) => _ = done.send(()),
            Answer::Books(to) if !*broken => {
                if let Ok(tallies) = index.tallies().await {
                    // holds because who does not wait any more needs no answer
                    let _ = to.send(tallies);
                }
            }
            Answer::Books(_) => {}
        }
    }
}

fn receipts_long(disk: &dyn Disk) -> Option<u64> {
    disk.open_read(super::opening::RECEIPTS).ok()?.len().ok()
}

/// The index may be this much behind the ledger.
const WRITE_AFTER: Duration = Duration::from_millis(200);
const MANY: usize = 200;
/// More than this is not kept in memory while the index cannot be written.
const TOO_MANY: usize = 100_000;
