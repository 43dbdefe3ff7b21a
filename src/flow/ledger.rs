//! The ledger on disk: append-only segments of pages, the one durable truth.
//!
//! A segment is made ahead of need, filled with line feeds and synced, then written over, so it is valid text
//! at every moment and a sync touches no metadata. A page never shares a 4 KiB block with one captured before
//! it. A failed write or sync is never retried on the same descriptor: the process ends, starts again and reads
//! back what is there. Opening never edits a segment in place.

use super::{
    needs::{Disk, DiskFile},
    seal::{Head, SealedPage},
};
use record::{Hash, Page, PublicKey, Scanner, Stamp, Trouble};
use sha2::{Digest, Sha256};
use std::{io, sync::Arc};

/// The blocks a page may not share.
pub const BLOCK: u64 = 4096;
const FILL: usize = 1 << 20;
/// Room kept on the disk, and the short segment that takes its place when there is none left.
const RESERVE: &str = "reserve";
const SHORT: u64 = 4 << 20;

/// Where a page lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub epoch: u64,
    pub page: u64,
    pub first: u64,
    pub count: u64,
    pub segment: u64,
    pub offset: u64,
    pub length: u64,
    pub seal: Hash,
    pub sealed: Stamp,
}

/// The name of a segment.
pub fn segment_name(number: u64) -> String {
    format!("segment-{number:06}.pages")
}

/// The name of a segment's file as it stands, plain or compressed.
pub fn file_name(number: u64, compressed: bool) -> String {
    let plain = segment_name(number);
    if compressed { format!("{plain}.gz") } else { plain }
}

/// The number in a segment's name, and whether it is compressed.
pub fn segment_number(name: &str) -> Option<(u64, bool)> {
    let (stem, compressed) = match name.strip_suffix(".pages.gz") {
        Some(stem) => (stem, true),
        None => (name.strip_suffix(".pages")?, false),
    };
    let digits = stem.strip_prefix("segment-")?;
    (digits.len() >= 6 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| Some((digits.parse().ok()?, compressed)))?
}

/// Appends pages.
pub struct Writer {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    segment: u64,
    file: Option<Box<dyn DiskFile>>,
    offset: u64,
    /// How long the segment is that is being written.
    size: u64,
    /// A segment made ahead of need, opened.
    ahead: Option<(u64, Box<dyn DiskFile>)>,
    /// Room is kept for the entries that say that there is none.
    reserve: bool,
    /// After a failed write or sync nothing more is written through this writer.
    poisoned: bool,
}

impl Writer {
    fn new(disk: Arc<dyn Disk>, segment_bytes: u64, segment: u64) -> Self {
        Self {
            disk,
            segment_bytes,
            segment,
            file: None,
            offset: 0,
            size: 0,
            ahead: None,
            reserve: false,
            poisoned: false,
        }
    }

    /// Writes a page and makes it durable. Only when this returns is anything on it captured.
    pub fn append(&mut self, page: &SealedPage) -> Result<Place, Trouble> {
        if self.poisoned {
            return Err(self.failed(io::Error::other("an earlier write or sync failed")));
        }
        self.append_or(page).map_err(|error| {
            self.poisoned = true;
            self.failed(error)
        })
    }

    fn append_or(&mut self, page: &SealedPage) -> io::Result<Place> {
        let length = page.bytes.len() as u64;
        if self.file.is_some() && self.offset + length > self.size {
            self.file = None;
            self.segment += 1;
        }
        if self.file.is_none() {
            let file = match self.ahead.take() {
                Some((number, file)) if number == self.segment => file,
                _ => self.make_or_reserved(length)?,
            };
            self.size = file.len()?;
            self.file = Some(file);
            self.offset = 0;
        }
        let Some(file) = self.file.as_mut() else {
            return Err(io::Error::other("no segment is open"));
        };
        file.write_at(&page.bytes, self.offset)?;
        file.sync_data()?;
        let place = Place {
            epoch: page.head.epoch,
            page: page.head.page,
            first: page.first,
            count: page.count,
            segment: self.segment,
            offset: self.offset,
            length,
            // holds because a page was sealed before it came here
            seal: page.head.seal.unwrap_or_default(),
            sealed: page.sealed,
        };
        self.offset = (self.offset + length).next_multiple_of(BLOCK);
        Ok(place)
    }

    /// The next page begins a segment of its own, as a new epoch does.
    pub fn begin_segment(&mut self) {
        if self.file.take().is_some() {
            self.segment += 1;
        }
    }

    /// Makes the next segment ahead of need, so that no page waits for it. Call when there is time.
    pub fn make_ahead(&mut self) -> Result<(), Trouble> {
        let next = if self.file.is_some() {
            self.segment + 1
        } else {
            self.segment
        };
        if self.ahead.as_ref().is_some_and(|(number, _)| *number == next) {
            return Ok(());
        }
        match self
            .make(next, self.segment_bytes)
            .and_then(|file| self.keep_reserve().map(|()| file))
        {
            Ok(file) => self.ahead = Some((next, file)),
            // A full disk costs nothing as long as the present segment has room: it is tried again.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {}
            Err(error) => return Err(self.failed(error)),
        }
        Ok(())
    }

    /// The next segment; where there is no room for one, a short one in the room that was kept for that.
    fn make_or_reserved(&mut self, length: u64) -> io::Result<Box<dyn DiskFile>> {
        match self.make(self.segment, self.segment_bytes.max(length)) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                if self.disk.list()?.iter().any(|name| name == RESERVE) {
                    self.disk.remove(RESERVE)?;
                    self.disk.sync_dir()?;
                }
                self.reserve = false;
                self.make(self.segment, SHORT.min(self.segment_bytes).max(length))
            }
            made => made,
        }
    }

    /// Keeps room for the entries that say that there is none.
    fn keep_reserve(&mut self) -> io::Result<()> {
        if self.reserve {
            return Ok(());
        }
        if !self.disk.list()?.iter().any(|name| name == RESERVE) {
            let size = (2 * SHORT).min(self.segment_bytes);
            self.fill(RESERVE, size)?;
            self.disk.sync_dir()?;
        }
        self.reserve = true;
        Ok(())
    }

    /// A segment filled with line feeds, durable with its name.
    fn make(&self, number: u64, size: u64) -> io::Result<Box<dyn DiskFile>> {
        let (name, temporary) = (segment_name(number), format!("segment-{number:06}.making"));
        if self.disk.list()?.contains(&temporary) {
            // A segment that was being made when the power went holds nothing but line feeds.
            self.disk.remove(&temporary)?;
        }
        let file = self.fill(&temporary, size.next_multiple_of(BLOCK))?;
        self.disk.rename(&temporary, &name)?;
        self.disk.sync_dir()?;
        Ok(file)
    }

    /// A new file of line feeds, synced. Where there is no room for it nothing is left of it.
    fn fill(&self, name: &str, size: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut file = self.disk.create(name)?;
        let fill = vec![b'\n'; FILL.min(size as usize)];
        let mut written = || -> io::Result<()> {
            let mut at = 0;
            while at < size {
                let part = fill.len().min((size - at) as usize);
                file.write_at(&fill[..part], at)?;
                at += part as u64;
            }
            file.sync_all()
        };
        if let Err(error) = written() {
            if error.kind() == io::ErrorKind::StorageFull {
                // holds because what cannot be removed now is removed before it is made again
                let _ = self.disk.remove(name);
            }
            return Err(error);
        }
        Ok(file)
    }

    /// The segment that is being written.
    pub fn segment(&self) -> u64 {
        self.segment
    }

    /// Whether a write or sync failed. The process must end and start again.
    pub fn is_poisoned(&self) -> bool {
        self.poisoned
    }

    fn failed(&self, error: io::Error) -> Trouble {
        Trouble::new("disk-write-failed", format!("a page could not be made durable: {error}"))
            .at(self.disk.path().join(segment_name(self.segment)).display())
            .means("nothing of this page counts as captured; what was captured before is untouched")
            .so("look at the disk (full, failing, gone?); the gateway ends, starts again and reads back what is there")
    }
}

/// How a ledger was found when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// No page yet.
    Empty,
    /// The last page is whole.
    Whole,
    /// Bytes after the last whole page that are no page, with nothing valid behind them: a page that was being
    /// written when the power went – more than one, where it went again before the next page was whole. Copied to
    /// quarantine; the next page begins with one entry for each.
    Torn(Vec<Torn>),
    /// Something else is neither page nor line feed, or the chain does not hold: a new epoch must begin.
    Damaged(String),
}

/// A torn tail, exactly as the record states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    pub segment: String,
    pub offset: u64,
    pub length: u64,
    pub sha256: Hash,
}

/// A ledger that was opened.
pub struct Opened {
    pub writer: Writer,
    pub head: Head,
    pub ending: Ending,
    /// Gateway, ledger id, use and last sealing key, from the last page; none for a new ledger.
    pub last: Option<LastPage>,
}

/// What the last whole page says of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastPage {
    pub gateway: String,
    pub ledger: String,
    pub usage: String,
    pub kid: Hash,
    pub sealed: Stamp,
    pub boot: String,
    /// The key that must seal the next page, when the last one handed over.
    pub new_key: Option<Hash>,
}

/// Opens a ledger: reads the newest segment that holds anything, whole, and decides how it ended. `known` finds
/// public keys this gateway has sealed with.
pub fn open(
    disk: &Arc<dyn Disk>,
    segment_bytes: u64,
    known: impl Fn(&Hash) -> Option<PublicKey>,
) -> Result<Opened, Trouble> {
    let numbers = segments(disk.as_ref()).map_err(|error| unreadable(disk.as_ref(), &error))?;
    let mut blank = None;
    let mut tails = Vec::new();
    for (number, compressed) in numbers.iter().rev().copied() {
        let name = file_name(number, compressed);
        let tail =
            read_tail(disk.as_ref(), &name, &known).map_err(|error| unreadable(disk.as_ref(), &error))?;
        if tail.is_blank() {
            // Below a segment that holds something a blank one is never written again.
            blank = if tails.is_empty() { Some(number) } else { blank };
            continue;
        }
        let holds_a_page = tail.last.is_some();
        tails.push(tail);
        if holds_a_page {
            break;
        }
    }
    tails.reverse();
    let highest = numbers.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let ending = ending(disk.as_ref(), &tails)?;
    // After a clean end writing goes on behind the last page; else a blank segment made ahead is used, or a new one:
    // one that holds anything but whole pages is never written again.
    let mut writer = match (&ending, tails.last()) {
        (Ending::Whole, Some(tail))
            if segment_number(&tail.name).is_some_and(|(_, compressed)| !compressed) =>
        {
            go_on(disk, segment_bytes, tail).map_err(|error| unreadable(disk.as_ref(), &error))?
        }
        _ => Writer::new(disk.clone(), segment_bytes, blank.unwrap_or(highest + 1)),
    };
    let ahead = if writer.file.is_some() {
        writer.segment + 1
    } else {
        writer.segment
    };
    match blank
        .filter(|number| *number == ahead)
        .and_then(|number| reuse(disk.as_ref(), number, segment_bytes))
    {
        Some(file) => writer.ahead = Some((ahead, file)),
        None if writer.file.is_none() => writer.segment = highest + 1,
        None => {}
    }
    let last = tails.into_iter().find_map(|tail| tail.last);
    let head = last.as_ref().map_or_else(Head::start, |(head, _)| *head);
    Ok(Opened {
        writer,
        head,
        ending,
        last: last.map(|(_, last)| last),
    })
}

/// Opens the newest segment to write behind its last page. What is in it is made durable first: a page that was written
/// and not synced before a crash counts from now on.
fn go_on(disk: &Arc<dyn Disk>, segment_bytes: u64, tail: &Tail) -> io::Result<Writer> {
    let number = segment_number(&tail.name).map_or(1, |(number, _)| number);
    let mut writer = Writer::new(disk.clone(), segment_bytes, number);
    let mut file = disk.open(&tail.name)?;
    file.sync_all()?;
    writer.size = file.len()?;
    writer.offset = tail.end.next_multiple_of(BLOCK);
    writer.file = Some(file);
    Ok(writer)
}

/// A blank segment of the right size, opened for writing.
fn reuse(disk: &dyn Disk, number: u64, segment_bytes: u64) -> Option<Box<dyn DiskFile>> {
    let file = disk.open(&segment_name(number)).ok()?;
    (file.len().ok()? == segment_bytes.next_multiple_of(BLOCK)).then_some(file)
}

/// Numbers of the segments, ascending, each with whether it stands compressed. Where both forms stand (the power
/// went between the two), the plain one is the one.
pub fn segments(disk: &dyn Disk) -> io::Result<Vec<(u64, bool)>> {
    let mut found: Vec<(u64, bool)> = disk
        .list()?
        .iter()
        .filter_map(|name| segment_number(name))
        .collect();
    found.sort_unstable();
    found.dedup_by_key(|(number, _)| *number);
    Ok(found)
}

/// Gives every entry on pages sealed since a moment, oldest first. Whole segments before it are not read.
pub fn since(disk: &dyn Disk, from: Stamp, each: &mut dyn FnMut(&record::Line<'_>)) -> io::Result<()> {
    let all = segments(disk)?;
    let mut first = 0;
    for (at, (number, compressed)) in all.iter().enumerate().rev() {
        let begun = first_page(disk, *number, *compressed, |page| page.seal().seal().sealed)?;
        if begun.is_some_and(|begun| begun < from) {
            first = at;
            break;
        }
    }
    for (number, compressed) in &all[first..] {
        read_segment(disk, &file_name(*number, *compressed), |_, piece| {
            let Ok(page) = piece else { return };
            if page.seal().seal().sealed >= from {
                page.entries().for_each(|entry| each(&entry));
            }
        })?;
    }
    Ok(())
}

/// The id of the ledger, from its first page; none where nothing was captured yet.
pub fn id(disk: &dyn Disk) -> io::Result<Option<String>> {
    for (number, compressed) in segments(disk)? {
        let found = first_page(disk, number, compressed, |page| page.seal().seal().ledger.clone())?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Something of the first page of a segment, without reading the rest.
pub(super) fn first_page<T>(
    disk: &dyn Disk,
    number: u64,
    compressed: bool,
    look: impl Fn(&Page<'_>) -> T,
) -> io::Result<Option<T>> {
    let mut reader = SegmentReader {
        file: disk.open_read(&file_name(number, compressed))?,
        at: 0,
    };
    let mut bytes = Vec::new();
    let most = 2 * record::BIGGEST_PAGE as u64;
    if compressed {
        let reader = flate2::read::MultiGzDecoder::new(io::BufReader::new(reader));
        io::Read::read_to_end(&mut io::Read::take(reader, most), &mut bytes)?;
    } else {
        io::Read::read_to_end(&mut io::Read::take(&mut reader, most), &mut bytes)?;
    }
    let mut found = None;
    Scanner::default().feed(&bytes, false, |piece| {
        if let record::Piece::Page(_, page) = piece {
            found.get_or_insert_with(|| look(&page));
        }
    });
    Ok(found)
}

#[derive(Default)]
struct Tail {
    name: String,
    last: Option<(Head, LastPage)>,
    /// Bytes behind the last whole page, with their offset.
    junk: Vec<(u64, Vec<u8>)>,
    wrong: Option<String>,
    /// Where its last page ends.
    end: u64,
}

impl Tail {
    fn is_blank(&self) -> bool {
        self.last.is_none() && self.junk.is_empty()
    }

    /// The bytes behind the last whole page, from the first to the last that is no line feed, and where they begin.
    fn rest(&self) -> (u64, Vec<u8>) {
        let offset = self.junk.first().map_or(0, |(at, _)| *at);
        let mut bytes = Vec::new();
        for (at, piece) in &self.junk {
            bytes.resize((at - offset) as usize, b'\n');
            bytes.extend_from_slice(piece);
        }
        let text = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == b'\n').count();
        bytes.truncate(text);
        (offset, bytes)
    }
}

fn read_tail(disk: &dyn Disk, name: &str, known: &impl Fn(&Hash) -> Option<PublicKey>) -> io::Result<Tail> {
    let mut tail = Tail {
        name: name.to_owned(),
        ..Tail::default()
    };
    let mut before: Option<Head> = None;
    read_segment(disk, name, |offset, piece| match piece {
        Ok(page) => {
            if !tail.junk.is_empty() {
                tail.wrong = Some(format!(
                    "{name} holds bytes that are no page at {}",
                    tail.junk[0].0
                ));
                tail.junk.clear();
            }
            let seal = page.seal();
            let said = seal.seal();
            let signed = known(&seal.kid()).is_some_and(|key| seal.signed_by(&key));
            let follows = before.is_none_or(|head| {
                said.page == head.page + 1 && said.first == head.seq + 1 && said.prev == head.seal
                    || said.epoch == head.epoch + 1
            });
            if !signed || !follows || !page.is_full() {
                tail.wrong = Some(format!("page {} in {name} at {offset} does not hold", said.page));
            }
            let head = Head {
                epoch: said.epoch,
                page: said.page,
                seq: said.last(),
                seal: Some(seal.hash()),
                config: said.config,
            };
            before = Some(head);
            tail.end = offset + page.bytes().len() as u64;
            tail.last = Some((head, last_page(&page)));
        }
        Err(junk) => tail.junk.push((offset, junk.to_vec())),
    })?;
    Ok(tail)
}

fn last_page(page: &Page<'_>) -> LastPage {
    let said = page.seal().seal();
    let hands_over = page
        .marks()
        .last()
        .filter(|mark| mark.kind == b"key")
        .and_then(|mark| {
            let line = record::Line::read(mark.line).ok()?;
            Hash::read(line.raw("new")?.as_bytes())
        });
    LastPage {
        gateway: said.gateway.clone(),
        ledger: said.ledger.clone(),
        usage: said.usage.clone(),
        kid: page.seal().kid(),
        sealed: said.sealed,
        boot: said.boot.clone(),
        new_key: hands_over,
    }
}

/// Reads a segment, plain or compressed, in chunks; `found` gets each page (`Ok`) or bytes that are none (`Err`).
pub fn read_segment(
    disk: &dyn Disk,
    name: &str,
    found: impl FnMut(u64, Result<Page<'_>, &[u8]>),
) -> io::Result<()> {
    read_segment_from(disk, name, 0, found)
}

/// The same from an offset on, at which a page begins; a compressed one is always read whole.
pub fn read_segment_from(
    disk: &dyn Disk,
    name: &str,
    from: u64,
    mut found: impl FnMut(u64, Result<Page<'_>, &[u8]>),
) -> io::Result<()> {
    let from = if name.ends_with(".gz") { 0 } else { from };
    let mut scanner = Scanner::default();
    let mut each = |bytes: &[u8], all: bool| {
        scanner.feed(bytes, all, |piece| match piece {
            record::Piece::Page(offset, page) => found(from + offset, Ok(page)),
            record::Piece::Junk(offset, bytes) => found(from + offset, Err(bytes)),
        });
    };
    chunks_from(disk, name, from, &mut each)
}

/// The bytes of a segment, unpacked, in chunks; the last call says that none follow.
pub(super) fn chunks_of(disk: &dyn Disk, name: &str, each: &mut dyn FnMut(&[u8], bool)) -> io::Result<()> {
    chunks_from(disk, name, 0, each)
}

fn chunks_from(disk: &dyn Disk, name: &str, from: u64, each: &mut dyn FnMut(&[u8], bool)) -> io::Result<()> {
    let mut reader = SegmentReader {
        file: disk.open_read(name)?,
        at: from,
    };
    if name.ends_with(".gz") {
        chunks(
            &mut flate2::read::MultiGzDecoder::new(io::BufReader::new(reader)),
            each,
        )
    } else {
        chunks(&mut reader, each)
    }
}

fn chunks(from: &mut dyn io::Read, each: &mut dyn FnMut(&[u8], bool)) -> io::Result<()> {
    let mut chunk = vec![0; 256 * 1024];
    loop {
        match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => each(&chunk[..length], false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    each(&[], true);
    Ok(())
}

struct SegmentReader {
    file: Box<dyn DiskFile>,
    at: u64,
}

impl io::Read for SegmentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

/// Decides how the ledger ended, and copies torn tails to quarantine. `tails` begins with the newest segment that
/// holds a page; behind it stand those that hold only bytes.
fn ending(disk: &dyn Disk, tails: &[Tail]) -> Result<Ending, Trouble> {
    if let Some(wrong) = tails.iter().find_map(|tail| tail.wrong.clone()) {
        return Ok(Ending::Damaged(wrong));
    }
    let mut torn = Vec::new();
    for tail in tails.iter().filter(|tail| !tail.junk.is_empty()) {
        let (offset, bytes) = tail.rest();
        if bytes.len() > record::BIGGEST_PAGE {
            return Ok(Ending::Damaged(format!(
                "{} bytes in {} at {offset} are no page",
                bytes.len(),
                tail.name
            )));
        }
        let length = bytes.len() as u64;
        let found = Torn {
            segment: tail.name.clone(),
            offset,
            length,
            sha256: Hash::of(&bytes),
        };
        quarantine(disk, &found, &bytes).map_err(|error| unreadable(disk, &error))?;
        torn.push(found);
    }
    Ok(match (torn.is_empty(), tails.is_empty()) {
        (false, _) => Ending::Torn(torn),
        (true, true) => Ending::Empty,
        (true, false) => Ending::Whole,
    })
}

/// Keeps a copy of a torn tail beside the segments. The segment itself stays as it is.
fn quarantine(disk: &dyn Disk, torn: &Torn, bytes: &[u8]) -> io::Result<()> {
    let name = format!(
        "quarantine-{}-{}.bytes",
        torn.segment.trim_end_matches(".pages"),
        torn.offset
    );
    if disk.list()?.contains(&name) {
        return Ok(());
    }
    let mut file = disk.create(&name)?;
    file.write_at(bytes, 0)?;
    file.sync_all()?;
    disk.sync_dir()
}

/// What a person is told when the ledger cannot be read.
pub fn unreadable(disk: &dyn Disk, error: &io::Error) -> Trouble {
    Trouble::new("ledger-unreadable", format!("the ledger cannot be read: {error}"))
        .at(disk.path().display())
        .means("nothing was changed; nothing is captured until it can be read")
        .so("check that the directory exists, belongs to the gateway's user, and that its disk answers")
}

/// Compresses a closed segment: under a temporary name, read back and compared, synced, renamed, the directory
/// synced, and only then does the plain file go. Runs of line feeds shrink to one, except behind the last whole
/// page, where a torn tail must keep every byte. Returns bytes before and after.
pub fn compress(disk: &dyn Disk, number: u64) -> Result<(u64, u64), Trouble> {
    compress_or(disk, number).map_err(|error| {
        Trouble::new(
            "compress-failed",
            format!("a closed segment could not be compressed: {error}"),
        )
        .at(disk.path().join(segment_name(number)).display())
        .means("nothing is lost: the plain segment stays as it is and is used")
        .so("nothing, if the disk is nearly full; otherwise look at the disk. It is tried again later")
    })
}

fn compress_or(disk: &dyn Disk, number: u64) -> io::Result<(u64, u64)> {
    let plain = segment_name(number);
    let (packed, temporary) = (format!("{plain}.gz"), format!("segment-{number:06}.packing"));
    let before = disk.open_read(&plain)?.len()?;
    for leftover in [&temporary, &packed] {
        if disk.list()?.contains(leftover) {
            disk.remove(leftover)?;
        }
    }
    let file = disk.create(&temporary)?;
    let mut encoder = flate2::write::GzEncoder::new(Appending { file, at: 0 }, flate2::Compression::new(6));
    let (mut written, mut failed, mut foreign) = (Sha256::new(), Ok(()), false);
    read_segment(disk, &plain, |_, piece| match piece {
        Ok(page) if failed.is_ok() => {
            written.update(page.bytes());
            failed = io::Write::write_all(&mut encoder, page.bytes());
        }
        Ok(_) => {}
        Err(_) => foreign = true,
    })?;
    failed?;
    let mut out = encoder.finish()?;
    if foreign {
        // A torn tail or damage: the bytes stay exactly as they lie.
        drop(out);
        disk.remove(&temporary)?;
        return Ok((before, before));
    }
    out.file.sync_all()?;
    let after = out.at;
    let mut back = Sha256::new();
    let reader = SegmentReader {
        file: disk.open_read(&temporary)?,
        at: 0,
    };
    chunks(
        &mut flate2::read::MultiGzDecoder::new(io::BufReader::new(reader)),
        &mut |bytes, _| back.update(bytes),
    )?;
    if back.finalize() != written.finalize() {
        return Err(io::Error::other("what was read back is not what was written"));
    }
    disk.rename(&temporary, &packed)?;
    disk.sync_dir()?;
    disk.remove(&plain)?;
    disk.sync_dir()?;
    Ok((before, after))
}

/// Writes to the end of a new file.
struct Appending {
    file: Box<dyn DiskFile>,
    at: u64,
}

impl io::Write for Appending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(bytes, self.at)?;
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
