//! Draws the evidence about one batch out of a ledger: its entries and all it has bound in full, the other
//! lines of the same pages as number and leaf alone, and the pages that link keys, epochs and configurations.
//!
//! Three passes over plain files, in bounded memory: what concerns the batch, which configurations were in
//! force on those pages, and writing.

use super::{
    folder::{EVIDENCE, Folder, KEYS, RECEIPTS},
    withhold::Rules,
    words,
};
use crate::flow::needs::{Disk, DiskFile};
use record::{Hash, Line, Page, Role, StoreWord, Trouble, read_ranges};
use std::{
    collections::{BTreeSet, HashSet},
    io,
};

/// What went into the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Entries that name the batch.
    pub entries: u64,
    /// Entries attached to it by bindings.
    pub bound: u64,
    /// Pages written.
    pub pages: u64,
    /// The first of them.
    pub first_page: u64,
    /// The last closing, 0 when the batch was never closed.
    pub closing: u64,
    /// Entries about the batch after that closing: nothing proves them complete.
    pub after: u64,
}

/// Writes evidence into an empty folder. `batch` is left out when the source is evidence already and only
/// something is withheld from it.
pub fn gather(
    source: &Folder<'_>,
    batch: Option<&str>,
    rules: Rules,
    out: &dyn Disk,
) -> Result<Gathered, Trouble> {
    let mut survey = Survey::default();
    if let Some(batch) = batch {
        survey.look(source, batch)?;
        if survey.gathered.entries == 0 {
            return Err(
                Trouble::new("no-such-batch", format!("no entry here names batch {batch}"))
                    .at(source.path().display())
                    .means("no evidence was written")
                    .so("compare the name with `steelyard ledger show`; it is case-sensitive"),
            );
        }
        survey.link(source)?;
    }
    let mut writer = Writer::new(out)?;
    source.each_page(|page| {
        if batch.is_none() || survey.wants(page) {
            writer.page(page, |line| survey.form(line, batch.is_some(), rules));
        }
    })?;
    let kept = writer.finish()?;
    let cannot = |error: io::Error| cannot_write(out, &error);
    let keys = source.keys()?;
    put(out, KEYS, keys.to_jwks().as_bytes()).map_err(cannot)?;
    let mut receipts = Vec::new();
    source.each_receipt(|line, _| {
        let word = StoreWord::read(line, |kid| keys.find(kid, Role::Receipt));
        if matches!(word, Ok(StoreWord::Receipt(receipt)) if kept.contains(&(receipt.epoch, receipt.page))) {
            receipts.extend_from_slice(line);
            receipts.push(b'\n');
        }
    })?;
    put(out, RECEIPTS, &receipts).map_err(cannot)?;
    let mut gathered = survey.gathered;
    gathered.pages = kept.len() as u64;
    gathered.first_page = kept.iter().map(|(_, page)| *page).min().unwrap_or_default();
    put(
        out,
        "VERIFY.txt",
        words::verify_txt(batch, &gathered, rules).as_bytes(),
    )
    .map_err(cannot)?;
    out.sync_dir().map_err(cannot)?;
    Ok(gathered)
}

/// What concerns the batch, found in the first two passes.
#[derive(Default)]
struct Survey {
    gathered: Gathered,
    wanted: Ranges,
    named: BTreeSet<String>,
    persons: Vec<(String, u64)>,
    configurations: Vec<(Hash, Ranges)>,
}

impl Survey {
    fn look(&mut self, source: &Folder<'_>, batch: &str) -> Result<(), Trouble> {
        source.each_page(|page| {
            for (mark, leaf) in page.marks().iter().zip(page.leaves()) {
                let about = !mark.batch.is_empty();
                let asked = about || matches!(mark.kind, b"person" | b"configuration" | b"file");
                let Some(line) = asked.then(|| Line::read(mark.line).ok()).flatten() else {
                    continue;
                };
                if about && line.text("batch").as_deref() == Some(batch) {
                    self.of_batch(&line);
                }
                match mark.kind {
                    b"person" => self
                        .persons
                        .extend(line.text("person").map(|id| (id, line.seq()))),
                    b"configuration" => self.configurations.push((*leaf, Ranges::of(line.seq()))),
                    b"file" => {
                        if let Some((_, seqs)) = self.configurations.last_mut() {
                            seqs.add(line.seq(), line.seq());
                        }
                    }
                    _ => {}
                }
            }
        })?;
        for (id, seq) in &self.persons {
            if self.named.contains(id) {
                self.wanted.add(*seq, *seq);
            }
        }
        self.wanted.sort();
        Ok(())
    }

    fn of_batch(&mut self, line: &Line<'_>) {
        self.gathered.entries += 1;
        self.gathered.after += 1;
        self.wanted.add(line.seq(), line.seq());
        if line.kind() == "binding" {
            for (first, last) in line.raw("seqs").and_then(read_ranges).unwrap_or_default() {
                self.wanted.add(first, last);
                self.gathered.bound += last - first + 1;
            }
        }
        if let Some(closing) = line.int("closing").filter(|_| line.kind() == "batch") {
            (self.gathered.closing, self.gathered.after) = (closing.max(0) as u64, 0);
        }
        let who = ["by", "verified_by", "person"]
            .iter()
            .filter_map(|name| line.data_text(name));
        self.named.extend(who.chain(line.text("person")));
    }

    /// Adds the configurations, with their files, that the seals of the wanted pages name.
    fn link(&mut self, source: &Folder<'_>) -> Result<(), Trouble> {
        let mut in_force = HashSet::new();
        source.each_page(|page| {
            if self.wants(page) {
                in_force.extend(page.seal().seal().config);
            }
        })?;
        for (_, seqs) in self
            .configurations
            .iter()
            .filter(|(leaf, _)| in_force.contains(leaf))
        {
            for (first, last) in &seqs.0 {
                self.wanted.add(*first, *last);
            }
        }
        self.wanted.sort();
        Ok(())
    }

    /// A page with something of the batch, or one on which keys or epochs change: without those a reader
    /// could not go from the key of that day to the one on the enrolment sheet.
    fn wants(&self, page: &Page<'_>) -> bool {
        let seal = page.seal().seal();
        let links = || {
            let mut marks = page.marks().iter();
            let (first, last) = (marks.next(), page.marks().last());
            [first, last].into_iter().flatten().any(|mark| is_link(mark.kind))
        };
        self.wanted.touches(seal.first, seal.last()) || links()
    }

    fn form(&self, line: &Line<'_>, chosen: bool, rules: Rules) -> Vec<u8> {
        let seq = line.seq();
        if !chosen || self.wanted.touches(seq, seq) || is_link(line.kind().as_bytes()) {
            rules.apply(line)
        } else {
            line.bare()
        }
    }
}

fn is_link(kind: &[u8]) -> bool {
    matches!(kind, b"key" | b"epoch")
}

/// Numbers of entries as ranges, in order once sorted.
#[derive(Debug, Clone, Default)]
struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    fn of(seq: u64) -> Self {
        Self(vec![(seq, seq)])
    }

    fn add(&mut self, first: u64, last: u64) {
        match self.0.last_mut() {
            Some((_, end)) if *end + 1 == first => *end = last,
            _ => self.0.push((first, last)),
        }
    }

    fn sort(&mut self) {
        self.0.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(self.0.len());
        for (first, last) in self.0.drain(..) {
            match merged.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = (*end).max(last),
                _ => merged.push((first, last)),
            }
        }
        self.0 = merged;
    }

    fn touches(&self, first: u64, last: u64) -> bool {
        let at = self.0.partition_point(|(_, end)| *end < first);
        self.0.get(at).is_some_and(|(begin, _)| *begin <= last)
    }
}

/// Writes pages one after the other.
struct Writer<'a> {
    disk: &'a dyn Disk,
    file: Box<dyn DiskFile>,
    buffer: Vec<u8>,
    at: u64,
    kept: HashSet<(u64, u64)>,
    failed: Option<io::Error>,
}

impl<'a> Writer<'a> {
    const FULL: usize = 1 << 20;

    fn new(disk: &'a dyn Disk) -> Result<Self, Trouble> {
        let file = disk
            .create(EVIDENCE)
            .map_err(|error| cannot_write(disk, &error))?;
        Ok(Self {
            disk,
            file,
            buffer: Vec::with_capacity(Self::FULL),
            at: 0,
            kept: HashSet::new(),
            failed: None,
        })
    }

    fn page(&mut self, page: &Page<'_>, form: impl Fn(&Line<'_>) -> Vec<u8>) {
        let seal = page.bytes().split_inclusive(|byte| *byte == b'\n').next();
        self.buffer.extend_from_slice(seal.unwrap_or_default());
        for line in page.entries() {
            self.buffer.extend_from_slice(&form(&line));
            self.buffer.push(b'\n');
        }
        self.buffer.push(b'\n');
        let seal = page.seal().seal();
        self.kept.insert((seal.epoch, seal.page));
        if self.buffer.len() >= Self::FULL {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.file.write_at(&self.buffer, self.at).err();
        }
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
    }

    fn finish(mut self) -> Result<HashSet<(u64, u64)>, Trouble> {
        self.flush();
        let written = self.failed.take().map_or_else(|| self.file.sync_all(), Err);
        written.map_err(|error| cannot_write(self.disk, &error))?;
        Ok(self.kept)
    }
}

fn put(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = disk.create(name)?;
    file.write_at(bytes, 0)?;
    file.sync_all()
}

fn cannot_write(disk: &dyn Disk, error: &io::Error) -> Trouble {
    Trouble::new(
        "evidence-not-written",
        format!("the evidence cannot be written: {error}"),
    )
    .at(disk.path().display())
    .means("the ledger was only read; this folder is not whole and proves nothing")
    .so("name another folder that does not exist yet, on a disk with room")
}

#[cfg(test)]
mod tests {
    use super::Ranges;

    #[test]
    fn ranges_know_what_they_touch() {
        let mut ranges = Ranges::default();
        for (first, last) in [(20, 25), (1, 1), (2, 4), (4, 6), (9, 9)] {
            ranges.add(first, last);
        }
        ranges.sort();
        assert_eq!(ranges.0, [(1, 6), (9, 9), (20, 25)]);
        let touched: Vec<u64> = (1..30).filter(|seq| ranges.touches(*seq, *seq)).collect();
        assert_eq!(touched, [1, 2, 3, 4, 5, 6, 9, 20, 21, 22, 23, 24, 25]);
        assert!(ranges.touches(7, 9) && ranges.touches(10, 20) && !ranges.touches(7, 8));
    }
}
