//! What becomes of a page that arrived: stored, known already, a fork, too early, or refused.
//!
//! Pure: bytes and what is known in, a decision out. No clock, no database, no network.

use crate::flow::needs::{EntryRow, ForkRow, Handover, Held, PageId, PageRow, QuarantineRow, Span, Standing};
use record::{Form, Hash, Line, Page, PublicKey, Reader, Seal, SealLine, Stamp};
use std::collections::{BTreeMap, BTreeSet};

/// A gateway as a person enrolled it.
#[derive(Debug, Clone, Default)]
pub struct Enrolled {
    /// The keys that count for it, beside those they hand over to.
    pub keys: Vec<PublicKey>,
    /// Its ledgers by id. Empty: the first that is heard of, and no other.
    pub ledgers: Vec<String>,
}

/// What people decided.
#[derive(Debug, Clone, Default)]
pub struct Enrolment {
    /// `production`, `qualification`, `training` or `demo`. A record store never mixes them.
    pub usage: String,
    /// By gateway.
    pub gateways: BTreeMap<String, Enrolled>,
}

/// A message as it arrived, read as far as it can be read without knowing any key.
#[derive(Debug)]
pub enum Arrived {
    /// A page whose form and root hold.
    Page(Box<Opened>),
    /// Bytes that are no page, or no longer the page that was sealed.
    Damaged {
        /// What its seal claims, where that much can be read.
        seal: Option<(PageId, Hash)>,
        /// Whose topic it came on.
        gateway: String,
        /// What is wrong.
        why: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// A page whose form and root hold.
#[derive(Debug)]
pub struct Opened {
    id: PageId,
    seal: Seal,
    hash: Hash,
    kid: Hash,
    full: bool,
    entries: Vec<EntryRow>,
    /// The first entry is `epoch`, so nothing has to stand before it.
    opens: bool,
    /// The first entry is `key` and names the old key.
    takes_over: Option<Hash>,
    /// The last entry is `key` and names the new key.
    hands_over: Option<PublicKey>,
    bytes: Vec<u8>,
}

/// Why a page is refused: a stable name, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// `key-not-enrolled`.
    pub name: &'static str,
    /// The sentence.
    pub words: String,
    /// Whether it is told to the gateway at once. A page that may have been damaged on its way is not
    /// held against the gateway, which has a whole one: it is sent again first.
    pub at_once: bool,
}

/// What becomes of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Stored; with the change of key it announces.
    Store(Option<Box<Handover>>),
    /// Held already: the receipt is given again.
    Known(Held),
    /// The place is held by a page with this seal. Both are kept, this one is never receipted.
    Fork(Held),
    /// The page that announces its key is still missing. It will be sent again.
    Early,
    /// Not stored.
    Refuse(Reason),
}

/// Reads what arrived on the topic of `gateway`.
pub fn open(gateway: &str, bytes: Vec<u8>) -> Arrived {
    let read = match Page::read(&bytes) {
        Ok(page) => Ok(opened(&page)),
        Err(refused) => Err(refused.to_string()),
    };
    match read {
        Ok(opened) => Arrived::Page(Box::new(Opened { bytes, ..opened })),
        Err(why) => {
            let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let seal = SealLine::read(line)
                .ok()
                .map(|seal| (place(seal.seal()), seal.hash()));
            Arrived::Damaged {
                seal,
                gateway: gateway.to_owned(),
                why,
                bytes,
            }
        }
    }
}

fn place(seal: &Seal) -> PageId {
    PageId {
        gateway: seal.gateway.clone(),
        ledger: seal.ledger.clone(),
        epoch: seal.epoch,
        page: seal.page,
    }
}

/// Everything but the bytes themselves, which still belong to who reads them.
fn opened(page: &Page<'_>) -> Opened {
    let (line, bytes) = (page.seal(), page.bytes());
    let mut reader = Reader::default();
    let mut at = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let mut entries = Vec::with_capacity(page.leaves().len());
    while at < bytes.len() {
        let long = bytes[at..]
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(bytes.len() - at);
        entries.push(row(&mut reader, bytes, at, long));
        at += long + 1;
    }
    let of_kind = |row: Option<&EntryRow>, kind: &[u8]| {
        let row = row.filter(|row| cut(bytes, row.words[0]) == kind)?;
        Line::read(cut(bytes, row.line)).ok()
    };
    let first_key = of_kind(entries.first(), b"key");
    let last_key = of_kind(entries.last(), b"key");
    Opened {
        id: place(line.seal()),
        hash: line.hash(),
        kid: line.kid(),
        full: page.in_form(Form::Full) == line.seal().count,
        opens: of_kind(entries.first(), b"epoch").is_some()
            || (line.seal().page == 1 && line.seal().prev.is_none()),
        takes_over: first_key.and_then(|key| Hash::read(key.raw("old")?.as_bytes())),
        hands_over: last_key.and_then(|key| {
            let new = PublicKey::read_x(key.raw("x")?.as_bytes())?;
            (Hash::read(key.raw("new")?.as_bytes()) == Some(new.thumbprint())).then_some(new)
        }),
        seal: line.seal().clone(),
        entries,
        bytes: Vec::new(),
    }
}

fn row(reader: &mut Reader, bytes: &[u8], at: usize, long: usize) -> EntryRow {
    let line = &bytes[at..at + long];
    // holds because every line was read when the page was
    let seq = reader.read(line).map_or(0, |found| found.seq);
    let span = |name: &str| {
        let word = reader.text_of(line, name)?;
        let begin = word.as_ptr() as usize - bytes.as_ptr() as usize;
        Some(Span {
            at: begin as u32,
            long: word.len() as u32,
        })
    };
    EntryRow {
        seq,
        line: Span {
            at: at as u32,
            long: long as u32,
        },
        words: ["kind", "time", "unit", "batch", "step", "point"].map(|name| span(name).unwrap_or_default()),
        run: reader.int_of(line, "run"),
    }
}

fn cut(bytes: &[u8], span: Span) -> &[u8] {
    bytes
        .get(span.at as usize..(span.at + span.long) as usize)
        .unwrap_or_default()
}

/// Decides about one page. What it decides has to be told to `standing` (see [`remember`]) before the
/// next page of the same act is judged.
pub fn next(enrolment: &Enrolment, standing: &Standing, page: &Opened) -> Decision {
    let Some(enrolled) = enrolment.gateways.get(&page.id.gateway) else {
        return refuse(
            "gateway-unknown",
            format!("no gateway with the name {} is enrolled here", page.id.gateway),
        );
    };
    let key = match key_of(enrolled, standing, page) {
        Ok(Some(key)) => key,
        Ok(None) => return Decision::Early,
        Err(words) => return refuse("key-not-enrolled", words),
    };
    let line = page.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if !SealLine::read(line).is_ok_and(|line| line.signed_by(key)) {
        return damaged("seal-broken", "the seal was not made by the key it names");
    }
    if !page.full {
        return damaged(
            "entries-withheld",
            "entries of the page are withheld; a record store takes whole pages only",
        );
    }
    if page.seal.usage != enrolment.usage {
        return refuse(
            "other-use",
            format!(
                "this record store holds {}, the ledger is for {}",
                enrolment.usage, page.seal.usage
            ),
        );
    }
    if let Some(words) = other_ledger(enrolled, standing, page) {
        return refuse("ledger-not-enrolled", words);
    }
    match standing.pages.get(&page.id) {
        Some(held) if held.seal == page.hash => Decision::Known(*held),
        Some(held) => Decision::Fork(*held),
        None => Decision::Store(page.hands_over.clone().map(|new| {
            Box::new(Handover {
                at: page.id.clone(),
                old: page.kid,
                new,
            })
        })),
    }
}

fn refuse(name: &'static str, words: String) -> Decision {
    Decision::Refuse(Reason {
        name,
        words,
        at_once: true,
    })
}

fn damaged(name: &'static str, words: &str) -> Decision {
    Decision::Refuse(Reason {
        name,
        words: words.to_owned(),
        at_once: false,
    })
}

/// Why damaged bytes are not stored.
pub fn damage(why: &str) -> Reason {
    Reason {
        name: "page-damaged",
        words: format!("the page is not whole: {why}"),
        at_once: false,
    }
}

/// The key this page has to be sealed by. `None`: the page that announces it is still missing.
fn key_of<'a>(
    enrolled: &'a Enrolled,
    standing: &'a Standing,
    page: &Opened,
) -> Result<Option<&'a PublicKey>, String> {
    let (id, kid) = (&page.id, page.kid);
    let here = standing
        .handovers
        .iter()
        .filter(|change| change.at.gateway == id.gateway && change.at.ledger == id.ledger);
    let after = |change: &Handover| (id.epoch, id.page) > (change.at.epoch, change.at.page);
    if let Some(change) = here.clone().find(|change| change.old == kid && after(change)) {
        return Err(format!(
            "the key {kid} was replaced on page {} by {}",
            change.at.page,
            change.new.thumbprint()
        ));
    }
    if let Some(change) = here.into_iter().find(|change| change.new.thumbprint() == kid) {
        let next = change.at.epoch == id.epoch && change.at.page + 1 == id.page;
        if !after(change) {
            return Err(format!("the key {kid} counts only after page {}", change.at.page));
        }
        if next && page.takes_over != Some(change.old) {
            return Err(format!(
                "the first page of the key {kid} does not say which key it replaces"
            ));
        }
        if !stands(enrolled, standing, change, 64) {
            return Err(format!("the key {kid} replaces a key that is enrolled no longer"));
        }
        return Ok(Some(&change.new));
    }
    if let Some(key) = enrolled.keys.iter().find(|key| key.thumbprint() == kid) {
        return Ok(Some(key));
    }
    let before = PageId {
        page: id.page.saturating_sub(1),
        ..id.clone()
    };
    let known = standing
        .ledgers
        .contains(&(id.gateway.clone(), id.ledger.clone()));
    if known && !page.opens && !standing.pages.contains_key(&before) {
        return Ok(None);
    }
    Err(format!("the key {kid} is not enrolled for {}", id.gateway))
}

/// Whether the chain of handovers behind a key begins with a key that is still enrolled.
fn stands(enrolled: &Enrolled, standing: &Standing, change: &Handover, depth: usize) -> bool {
    let same =
        |other: &&Handover| other.at.gateway == change.at.gateway && other.at.ledger == change.at.ledger;
    enrolled
        .keys
        .iter()
        .any(|key| [change.old, change.new.thumbprint()].contains(&key.thumbprint()))
        || (depth > 0
            && standing
                .handovers
                .iter()
                .filter(same)
                .find(|other| other.new.thumbprint() == change.old)
                .is_some_and(|other| stands(enrolled, standing, other, depth - 1)))
}

/// Why a ledger other than the known one does not count, in words a person can act on.
fn other_ledger(enrolled: &Enrolled, standing: &Standing, page: &Opened) -> Option<String> {
    let (gateway, ledger) = (&page.id.gateway, &page.id.ledger);
    if enrolled.ledgers.contains(ledger) {
        return None;
    }
    let known = standing
        .ledgers
        .iter()
        .filter(|(name, _)| name == gateway)
        .map(|(_, id)| id);
    let expected: BTreeSet<&String> = known.chain(&enrolled.ledgers).collect();
    if expected.is_empty() || (enrolled.ledgers.is_empty() && expected.contains(ledger)) {
        return None;
    }
    let names: Vec<&str> = expected
        .into_iter()
        .filter(|name| *name != ledger)
        .map(String::as_str)
        .collect();
    Some(format!(
        "{gateway} sends from the ledger {ledger}, and {} is known here; a new disk or a second gateway with this \
         name has to be enrolled by a person",
        names.join(", ")
    ))
}

/// Tells `standing` what was decided, so that the next page of the same act is judged by it.
pub fn remember(standing: &mut Standing, page: &Opened, decision: &Decision, now: Stamp) {
    if let Decision::Store(handover) = decision {
        let held = Held {
            seal: page.hash,
            stored: now,
        };
        standing.pages.insert(page.id.clone(), held);
        standing
            .ledgers
            .insert((page.id.gateway.clone(), page.id.ledger.clone()));
        standing.handovers.extend(handover.as_deref().cloned());
    }
}

impl Opened {
    /// Which page it is.
    pub fn id(&self) -> &PageId {
        &self.id
    }

    /// The hash of its seal line.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// How many entries it has.
    pub fn count(&self) -> u64 {
        self.seal.count
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// As it is stored.
    pub fn into_row(self, stored: Stamp) -> PageRow {
        PageRow {
            first: self.seal.first,
            seal: self.hash,
            prev: self.seal.prev,
            kid: self.kid,
            opens: self.opens,
            sealed: self.seal.sealed,
            stored,
            bytes: self.bytes,
            entries: self.entries,
            id: self.id,
        }
    }

    /// As it is kept beside the page it contradicts.
    pub fn into_fork(self, heard: Stamp) -> ForkRow {
        ForkRow {
            id: self.id,
            seal: self.hash,
            heard,
            bytes: self.bytes,
        }
    }

    /// As it is set aside.
    pub fn into_quarantine(self, reason: &Reason, heard: Stamp) -> QuarantineRow {
        set_aside(self.id.gateway, self.bytes, reason, heard)
    }
}

/// Bytes that are set aside.
pub fn set_aside(gateway: String, bytes: Vec<u8>, reason: &Reason, heard: Stamp) -> QuarantineRow {
    QuarantineRow {
        gateway,
        reason: reason.name.to_owned(),
        because: reason.words.clone(),
        heard,
        times: 1,
        bytes,
    }
}

/// Reasons that a person can take away by enrolling something; what was refused for them is judged again
/// at the next start.
pub const BY_PEOPLE: &[&str] = &["gateway-unknown", "key-not-enrolled", "ledger-not-enrolled"];
