//! Checking a whole ledger: every page, the chain, epochs, keys, bindings, closings and receipts.
//!
//! Fed with bytes in any chunks; says at the end, in plain facts, what holds and what does not. It goes on
//! behind damage, so that it can name what is still proven.

use crate::{
    entry::read_ranges,
    flat,
    hash::{Hash, Tree},
    key::{KeySet, Role},
    line::{Form, Line},
    page::{Page, Piece, Scanner},
    receipt::StoreWord,
};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// What is looked at, and so what it must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// A whole ledger: every page from the first on, full lines only.
    #[default]
    Ledger,
    /// Evidence about a batch: the pages that concern it, in any form of a line.
    Evidence,
    /// Some segments of a ledger, without what came before them.
    Part,
}

/// Something that does not hold, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// File.
    pub segment: String,
    /// Byte offset in it.
    pub offset: u64,
    /// Page, where it is known.
    pub page: Option<u64>,
    /// First and last entry concerned, where they are known.
    pub entries: Option<(u64, u64)>,
    /// In words.
    pub what: String,
}

/// A batch that was closed: one seal proves it complete up to here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The batch.
    pub batch: String,
    /// 1, 2, 3 …
    pub closing: u64,
    /// Entries it covers.
    pub count: u64,
    /// Root over their leaves.
    pub root: Hash,
    /// The entry that says so.
    pub seq: u64,
    /// Whether count and root are those of the entries found.
    pub holds: bool,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Gateway, ledger id and use, from the first seal.
    pub gateway: String,
    /// Id of the ledger.
    pub ledger: String,
    /// `production`, `demo` …
    pub usage: String,
    /// Whole pages whose seal holds.
    pub pages: u64,
    /// Entries on them.
    pub entries: u64,
    /// How many of them stand in full, withheld, and bare.
    pub forms: [u64; 3],
    /// First and last page number.
    pub page_range: Option<(u64, u64)>,
    /// First and last entry number.
    pub entry_range: Option<(u64, u64)>,
    /// Epochs begun, with the reason each gives (the first has none).
    pub epochs: Vec<(u64, String)>,
    /// Keys that sealed, in order of their first page.
    pub sealed_by: Vec<Hash>,
    /// The same in runs: within a run each key hands over to the next, so that one expected key vouches
    /// for its whole run. A new run begins where a new epoch has another key.
    pub runs: Vec<Vec<Hash>>,
    /// Keys that signed receipts.
    pub receipted_by: Vec<Hash>,
    /// Receipts that hold.
    pub receipts: u64,
    /// Pages without a receipt.
    pub unreceipted: u64,
    /// Torn tails that the ledger itself explains.
    pub torn_tails: u64,
    /// Closings, in order.
    pub closings: Vec<Closing>,
    /// Entries that name a batch and come after its last closing, by batch.
    pub after_closing: Vec<(String, u64)>,
    /// Entries of batches that have no closing here, by batch.
    pub open: Vec<(String, u64)>,
    /// Bindings checked against the leaves they name.
    pub bindings: u64,
    /// Closings and bindings of a part that speak of entries before it; they prove nothing here.
    pub unchecked: u64,
    /// What does not hold; empty means whole and unaltered.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether everything holds.
    pub fn holds(&self) -> bool {
        self.problems.is_empty() && self.pages > 0
    }
}

/// The last page that held.
#[derive(Debug, Clone)]
struct Last {
    hash: Hash,
    epoch: u64,
    page: u64,
    last: u64,
    kid: Hash,
    config: Option<Hash>,
    new_key: Option<Hash>,
}

/// Bytes after the last whole page of a segment, without the line feeds around them.
#[derive(Debug)]
struct Rest {
    segment: String,
    compressed: bool,
    offset: u64,
    length: u64,
    feeds: u64,
    hasher: Sha256,
}

impl Rest {
    fn stated_by(&self, line: &Line<'_>) -> bool {
        let hash = Hash(self.hasher.clone().finalize().into());
        is_torn_tail(line)
            && line
                .text("segment")
                .is_some_and(|name| name == self.segment.trim_end_matches(".gz"))
            && (self.compressed || line.int("offset") == Some(self.offset as i64))
            && line.int("length") == Some(self.length as i64)
            && line.raw("sha256") == Some(hash.to_string().as_str())
    }
}

fn is_torn_tail(line: &Line<'_>) -> bool {
    line.kind() == "exception" && line.raw("because") == Some("torn-tail")
}

#[derive(Debug, Default)]
struct Batch {
    tree: Tree,
    closings: u64,
    after: u64,
}

/// Checks one ledger.
#[derive(Debug)]
pub struct Check {
    keys: KeySet,
    scanner: Scanner,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    scope: Scope,
    report: Report,
    segment: String,
    compressed: bool,
    first_of_segment: bool,
    last: Option<Last>,
    rests: Vec<Rest>,
    broken: bool,
    batches: HashMap<Vec<u8>, Batch>,
    seals: HashMap<(u64, u64), Hash>,
    receipted: HashSet<(u64, u64)>,
    leaves: Vec<Hash>,
    leaves_from: Vec<(u64, usize)>,
}

impl Check {
    /// Begins with the keys that lie beside the ledger, or better those from the enrolment sheet.
    pub fn new(keys: KeySet) -> Self {
        Self {
            keys,
            scanner: Scanner::default(),
            state: State::default(),
        }
    }

    /// Says that less than a whole ledger is looked at.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.state.scope = scope;
        self
    }

    /// Begins a segment, in the order of their names.
    pub fn segment(&mut self, name: &str, compressed: bool) {
        self.scanner.begin();
        name.clone_into(&mut self.state.segment);
        self.state.compressed = compressed;
        self.state.first_of_segment = true;
    }

    /// Feeds the next bytes of the segment; `all` says that none follow.
    pub fn feed(&mut self, bytes: &[u8], all: bool) {
        let (state, keys) = (&mut self.state, &self.keys);
        self.scanner.feed(bytes, all, |piece| match piece {
            Piece::Page(offset, page) => state.page(offset, &page, keys),
            Piece::Junk(offset, bytes) => state.junk(offset, bytes),
        });
    }

    /// One line of `receipts.jws`, after all segments.
    pub fn receipt(&mut self, line: &[u8], number: usize) {
        let state = &mut self.state;
        let mut wrong = |what: String| {
            let problem = Problem {
                segment: "receipts.jws".to_owned(),
                offset: number as u64,
                page: None,
                entries: None,
                what: format!("line {number}: {what}"),
            };
            state.report.problems.push(problem);
        };
        let word = StoreWord::read(line, |kid| self.keys.find(kid, Role::Receipt));
        let receipt = match word {
            Ok(StoreWord::Receipt(receipt)) => receipt,
            Ok(_) => return wrong("not a receipt".to_owned()),
            Err(refused) => return wrong(format!("no receipt of this record store: {refused}")),
        };
        if receipt.gateway != state.report.gateway || receipt.ledger != state.report.ledger {
            return wrong("a receipt for another ledger".to_owned());
        }
        match state.seals.get(&(receipt.epoch, receipt.page)) {
            None => wrong(format!(
                "a receipt for page {}, which this ledger does not hold",
                receipt.page
            )),
            Some(seal) if *seal != receipt.seal => {
                wrong(format!(
                    "the record store holds another page {} than this ledger",
                    receipt.page
                ));
            }
            Some(_) => {
                if let Some(kid) = kid_of(line).filter(|kid| !state.report.receipted_by.contains(kid)) {
                    state.report.receipted_by.push(kid);
                }
                state.receipted.insert((receipt.epoch, receipt.page));
                state.report.receipts += 1;
            }
        }
    }

    /// What was found.
    pub fn finish(mut self) -> Report {
        self.state.rest_unexplained();
        let mut report = self.state.report;
        report.unreceipted = report.pages.saturating_sub(self.state.receipted.len() as u64);
        let closed = self
            .state
            .batches
            .iter()
            .filter(|(_, batch)| batch.closings > 0 && batch.after > 0);
        report.after_closing = closed
            .map(|(name, batch)| (flat::unescape(name), batch.after))
            .collect();
        report.after_closing.sort();
        let open = self.state.batches.iter().filter(|(_, batch)| batch.closings == 0);
        report.open = open
            .map(|(name, batch)| (flat::unescape(name), batch.after))
            .collect();
        report.open.sort();
        report
    }
}

fn kid_of(line: &[u8]) -> Option<Hash> {
    let header = crate::b64::decode(line.split(|byte| *byte == b'.').next()?)?;
    let text = String::from_utf8(header).ok()?;
    Hash::read(text.split_once("\"kid\":\"")?.1.get(..43)?.as_bytes())
}

impl State {
    fn problem(&mut self, offset: u64, page: Option<&Page<'_>>, what: impl Into<String>) {
        let seal = page.map(|page| page.seal().seal());
        self.report.problems.push(Problem {
            segment: self.segment.clone(),
            offset,
            page: seal.map(|seal| seal.page),
            entries: seal.map(|seal| (seal.first, seal.last())),
            what: what.into(),
        });
    }

    /// Bytes that are no page: a torn tail, if the next segment explains them; else damage.
    fn junk(&mut self, offset: u64, bytes: &[u8]) {
        if self.rests.last().is_none_or(|rest| rest.segment != self.segment) {
            self.rests.push(Rest {
                segment: self.segment.clone(),
                compressed: self.compressed,
                offset,
                length: 0,
                feeds: 0,
                hasher: Sha256::new(),
            });
        }
        // holds because one was pushed where there was none
        let Some(rest) = self.rests.last_mut() else { return };
        // Line feeds between two pieces of the same rest were skipped by the scanner.
        rest.feeds = offset.saturating_sub(rest.offset + rest.length);
        let text = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == b'\n').count();
        for _ in 0..rest.feeds {
            rest.hasher.update(b"\n");
        }
        rest.hasher.update(&bytes[..text]);
        rest.length += rest.feeds + text as u64;
    }

    /// The bytes left over are no torn tail: name them.
    fn rest_unexplained(&mut self) {
        let next = self.last.as_ref().map_or(1, |last| last.page + 1);
        for rest in self.rests.drain(..) {
            self.broken = true;
            self.report.problems.push(Problem {
                segment: rest.segment,
                offset: rest.offset,
                page: Some(next),
                entries: None,
                what: format!(
                    "{} bytes are no page: page {next} was changed, or cut off and not yet explained",
                    rest.length
                ),
            });
        }
    }

    fn page(&mut self, offset: u64, page: &Page<'_>, keys: &KeySet) {
        let seal = page.seal().seal();
        let kid = page.seal().kid();
        let signed = keys
            .find(&kid, Role::Page)
            .is_some_and(|key| page.seal().signed_by(key));
        if !signed {
            // The chain goes on over it, so that one bad seal is one complaint.
            let why = if keys.find(&kid, Role::Page).is_some() {
                "its signature does not hold"
            } else {
                "its key is not known as this gateway's"
            };
            self.problem(
                offset,
                Some(page),
                format!("page {} does not hold: {why}", seal.page),
            );
        }
        if !page.is_full() && self.scope != Scope::Evidence {
            self.problem(
                offset,
                Some(page),
                "a ledger holds full lines only; some here are withheld or bare",
            );
        }
        let first = page.entries().next();
        self.torn_tails(page);
        self.chain(offset, page, first.as_ref());
        self.key_rule(offset, page, first.as_ref());
        let config = self.config_rule(offset, page);
        self.first_only(offset, page);
        self.entries(offset, page);
        if signed {
            self.count(page, first.as_ref());
        }
        self.last = Some(Last {
            hash: page.seal().hash(),
            epoch: seal.epoch,
            page: seal.page,
            last: seal.last(),
            kid,
            config,
            new_key: new_key(page),
        });
        self.first_of_segment = false;
        self.broken = false;
    }

    fn count(&mut self, page: &Page<'_>, first: Option<&Line<'_>>) {
        let seal = page.seal().seal();
        let kid = page.seal().kid();
        let handed_over = first.is_some_and(|line| line.kind() != "epoch")
            && self.last.as_ref().is_some_and(|last| last.new_key == Some(kid));
        let same = self.last.as_ref().is_some_and(|last| last.kid == kid);
        let report = &mut self.report;
        if report.pages == 0 {
            (report.gateway, report.ledger, report.usage) =
                (seal.gateway.clone(), seal.ledger.clone(), seal.usage.clone());
            report.epochs.push((seal.epoch, String::new()));
        }
        report.pages += 1;
        report.entries += seal.count;
        for form in [Form::Full, Form::Withheld, Form::Bare] {
            report.forms[form as usize] += page.in_form(form);
        }
        report.page_range = Some((report.page_range.map_or(seal.page, |range| range.0), seal.page));
        report.entry_range = Some((
            report.entry_range.map_or(seal.first, |range| range.0),
            seal.last(),
        ));
        if !report.sealed_by.contains(&kid) {
            report.sealed_by.push(kid);
        }
        match report.runs.last_mut() {
            Some(run) if handed_over && !run.contains(&kid) => run.push(kid),
            Some(_) if handed_over || same => {}
            _ => report.runs.push(vec![kid]),
        }
        self.seals.insert((seal.epoch, seal.page), page.seal().hash());
    }

    /// Accepts the bytes left over before this page only if its first entries state them exactly,
    /// one for each segment that ends in such bytes.
    fn torn_tails(&mut self, page: &Page<'_>) {
        let mut lines = page.entries();
        if self.rests.is_empty() {
            if self.scope == Scope::Ledger && lines.next().is_some_and(|line| is_torn_tail(&line)) {
                self.problem(0, Some(page), "a torn tail is stated that is not there");
            }
            return;
        }
        let stated = self.first_of_segment
            && self.scope != Scope::Evidence
            && self
                .rests
                .iter()
                .all(|rest| lines.next().is_some_and(|line| rest.stated_by(&line)));
        if stated {
            self.report.torn_tails += self.rests.len() as u64;
            self.rests.clear();
        } else {
            self.rest_unexplained();
        }
    }

    fn chain(&mut self, offset: u64, page: &Page<'_>, first: Option<&Line<'_>>) {
        let seal = page.seal().seal();
        let begins_epoch = first.filter(|line| line.kind() == "epoch");
        let Some(last) = self.last.clone() else {
            let begins = seal.page == 1 && seal.first == 1 && seal.prev.is_none();
            if !begins && self.scope == Scope::Ledger {
                self.problem(
                    offset,
                    Some(page),
                    format!(
                        "the ledger begins at page {}: what came before is not here",
                        seal.page
                    ),
                );
            }
            return;
        };
        if self.report.pages > 0
            && (seal.gateway != self.report.gateway
                || seal.ledger != self.report.ledger
                || seal.usage != self.report.usage)
        {
            self.problem(
                offset,
                Some(page),
                "another gateway, ledger or use than the pages before",
            );
        }
        if seal.epoch == last.epoch {
            if begins_epoch.is_some() {
                self.problem(
                    offset,
                    Some(page),
                    "an epoch entry stands in an epoch that goes on",
                );
            }
            let follows =
                seal.page == last.page + 1 && seal.first == last.last + 1 && seal.prev == Some(last.hash);
            let behind = seal.page > last.page + 1 && seal.first > last.last;
            if !follows && self.scope == Scope::Evidence && behind {
                return;
            }
            if !follows && !(self.broken && behind) {
                self.problem(offset, Some(page), not_following(&last, seal.page, seal.first));
            } else if !follows {
                // The damage before it was named already; say which entries are gone with it.
                if let Some(problem) = self.report.problems.last_mut() {
                    problem.page = Some(last.page + 1);
                    problem.entries = Some((last.last + 1, seal.first - 1));
                }
            }
            return;
        }
        let opens = self.first_of_segment || self.scope == Scope::Evidence;
        let Some(epoch) = begins_epoch.filter(|_| seal.epoch == last.epoch + 1 && opens) else {
            self.problem(
                offset,
                Some(page),
                format!(
                    "epoch {} begins without an epoch entry at the head of a segment",
                    seal.epoch
                ),
            );
            return;
        };
        let number = |name: &str| epoch.int(name).unwrap_or(-1).max(0) as u64;
        let (last_page, last_seq) = (number("last_page"), number("last_seq"));
        let above =
            last_page >= last.page && last_seq >= last.last && seal.page > last_page && seal.first > last_seq;
        let linked = seal.prev.is_none() || seal.prev == Some(last.hash) || self.scope == Scope::Evidence;
        if !above || !linked {
            self.problem(
                offset,
                Some(page),
                "a new epoch does not go on above what was known before it",
            );
        }
        self.report
            .epochs
            .push((seal.epoch, epoch.text("because").unwrap_or_default()));
    }

    /// A new key counts only where the old one hands over, or where a new epoch begins.
    fn key_rule(&mut self, offset: u64, page: &Page<'_>, first: Option<&Line<'_>>) {
        let Some(last) = &self.last else { return };
        let kid = page.seal().kid();
        let takes_over = first
            .filter(|line| line.kind() == "key")
            .and_then(|line| Hash::read(line.raw("old")?.as_bytes()));
        let right = page.seal().seal().epoch > last.epoch
            || match last.new_key {
                Some(new) => kid == new && takes_over == Some(last.kid),
                None => kid == last.kid && takes_over.is_none(),
            };
        if !right && !self.broken {
            self.problem(
                offset,
                Some(page),
                "the sealing key changed without the old key handing over to it",
            );
        }
    }

    /// The configuration entry in force: it begins a page, and every later seal names its leaf.
    fn config_rule(&mut self, offset: u64, page: &Page<'_>) -> Option<Hash> {
        let seal = page.seal().seal();
        let begins = page
            .marks()
            .first()
            .is_some_and(|mark| mark.kind == b"configuration");
        let expected = if begins {
            page.leaves().first().copied()
        } else {
            self.last.as_ref().and_then(|last| last.config)
        };
        let new_epoch = self.last.as_ref().is_some_and(|last| last.epoch < seal.epoch);
        let free = self.last.is_none() && !begins && seal.page > 1 || self.broken;
        if seal.config != expected && !(new_epoch && seal.config.is_none()) && !free {
            self.problem(
                offset,
                Some(page),
                "the seal names another configuration than the one in force",
            );
        }
        seal.config
    }

    /// What changes the terms for all that follows stands at the head of a page, or not at all.
    fn first_only(&mut self, offset: u64, page: &Page<'_>) {
        let mut within = page.marks().iter().skip(1).map(|mark| mark.kind);
        if within.any(|kind| matches!(kind, b"configuration" | b"epoch")) {
            self.problem(
                offset,
                Some(page),
                "a configuration or epoch entry does not begin its page",
            );
        }
    }

    /// Counts entries into their batches, and checks bindings and closings.
    fn entries(&mut self, offset: u64, page: &Page<'_>) {
        let first = page.seal().seal().first;
        let contiguous = self
            .leaves_from
            .last()
            .is_some_and(|(from, at)| from + (self.leaves.len() - at) as u64 == first);
        if !contiguous {
            self.leaves_from.push((first, self.leaves.len()));
        }
        for (mark, leaf) in page.marks().iter().zip(page.leaves()) {
            match mark.kind {
                b"batch" => self.closing(offset, page, mark.line),
                b"binding" => self.binding(offset, page, mark.line),
                _ => {}
            }
            self.leaves.push(*leaf);
            if !mark.batch.is_empty() {
                let batch = match self.batches.get_mut(mark.batch) {
                    Some(batch) => batch,
                    None => self.batches.entry(mark.batch.to_vec()).or_default(),
                };
                batch.tree.push(*leaf);
                batch.after += 1;
            }
            if mark.kind == b"batch"
                && let Some(batch) = self
                    .batches
                    .get_mut(mark.batch)
                    .filter(|_| contains_closing(mark.line))
            {
                batch.after = 0;
            }
        }
    }

    fn closing(&mut self, offset: u64, page: &Page<'_>, text: &[u8]) {
        let Ok(line) = Line::read(text) else { return };
        let Some(number) = line.int("closing") else { return };
        let name = line.raw("batch").unwrap_or_default();
        let begins_late = self.first_seq() > 1;
        let batch = self.batches.entry(name.as_bytes().to_vec()).or_default();
        batch.closings += 1;
        let stated = (
            line.int("count"),
            line.raw("root").and_then(|root| Hash::read(root.as_bytes())),
        );
        let found = (Some(batch.tree.size() as i64), Some(batch.tree.root()));
        let mut holds = stated == found && number == batch.closings as i64;
        let begun_before = self.scope == Scope::Part
            && begins_late
            && (stated.0 > found.0 || number > batch.closings as i64);
        if begun_before {
            holds = false;
            batch.closings = number.max(1) as u64;
            self.report.unchecked += 1;
        }
        self.report.closings.push(Closing {
            batch: line.text("batch").unwrap_or_default(),
            closing: number.max(0) as u64,
            count: stated.0.unwrap_or(0).max(0) as u64,
            root: stated.1.unwrap_or_default(),
            seq: line.seq(),
            holds,
        });
        if !holds && !begun_before {
            let what = format!("closing {number} of batch {name} does not cover the entries that are here");
            self.problem(offset, Some(page), what);
        }
    }

    fn binding(&mut self, offset: u64, page: &Page<'_>, text: &[u8]) {
        let Ok(line) = Line::read(text) else { return };
        let holds = self.binding_holds(&line);
        if holds.is_none() && self.scope == Scope::Part && names_before(&line, self.first_seq()) {
            self.report.unchecked += 1;
            return;
        }
        self.report.bindings += 1;
        if holds != Some(true) {
            let what = format!("binding {} does not name the entries that are here", line.seq());
            self.problem(offset, Some(page), what);
        }
    }

    fn binding_holds(&self, line: &Line<'_>) -> Option<bool> {
        let mut tree = Tree::default();
        for (first, last) in read_ranges(line.raw("seqs")?)? {
            for seq in first..=last {
                tree.push(*self.leaf(seq)?);
            }
        }
        Some(
            line.int("count") == Some(tree.size() as i64)
                && line.raw("root") == Some(tree.root().to_string().as_str()),
        )
    }

    fn first_seq(&self) -> u64 {
        self.leaves_from.first().map_or(1, |(from, _)| *from)
    }

    fn leaf(&self, seq: u64) -> Option<&Hash> {
        let at = self
            .leaves_from
            .partition_point(|(from, _)| *from <= seq)
            .checked_sub(1)?;
        let (from, index) = self.leaves_from[at];
        let index = index + usize::try_from(seq - from).ok()?;
        let end = self
            .leaves_from
            .get(at + 1)
            .map_or(self.leaves.len(), |(_, next)| *next);
        self.leaves[..end].get(index)
    }
}

fn names_before(binding: &Line<'_>, seq: u64) -> bool {
    let first = binding
        .raw("seqs")
        .and_then(read_ranges)
        .and_then(|ranges| ranges.first().copied());
    first.is_some_and(|(first, _)| first < seq)
}

fn contains_closing(line: &[u8]) -> bool {
    Line::read(line).is_ok_and(|line| line.int("closing").is_some())
}

fn new_key(page: &Page<'_>) -> Option<Hash> {
    let last = page.marks().last().filter(|mark| mark.kind == b"key")?;
    let line = Line::read(last.line).ok()?;
    let (new, x) = (
        Hash::read(line.raw("new")?.as_bytes())?,
        crate::key::PublicKey::read_x(line.raw("x")?.as_bytes())?,
    );
    (x.thumbprint() == new).then_some(new)
}

fn not_following(last: &Last, page: u64, first: u64) -> String {
    if page > last.page + 1 {
        format!(
            "pages {} to {} are missing (entries {} to {})",
            last.page + 1,
            page - 1,
            last.last + 1,
            first.saturating_sub(1)
        )
    } else {
        format!(
            "page {page} does not follow page {}: something stands twice, was swapped, or was cut out",
            last.page
        )
    }
}
