//! Opening a gateway's ledger: whose it is, how it ended, what the index lacks, what has to be entered first.
//!
//! Used by the daemon at its start and by the acts of the command line while no daemon runs; both find the
//! same facts and enter the same explanations.

use super::indexing;
use crate::{
    config::{
        Source,
        plant::{Plant, SourceFile},
    },
    flow::{
        enter::{Enter, Entered, Recorder},
        files::enter_file,
        high_water::HighWater,
        ledger::{self, Ending, Writer},
        needs::{Clock, Disk, Files, Random},
        seal::{Head, Identity},
    },
    ports::{
        disk::Directory,
        index::{Index, Kept},
        machine,
    },
};
use record::{Draft, Hash, KeySet, Line, PublicKey, Role, SecretKey, Signer, Stamp, StoreWord, Trouble, b64};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// What opening needs from outside.
#[derive(Clone)]
pub struct Outside {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub files: Arc<dyn Files>,
}

/// A ledger that is open for one writer.
pub struct Open {
    pub plant: Plant,
    pub disk: Arc<dyn Disk>,
    pub index: Index,
    pub writer: Writer,
    pub high_water: HighWater,
    pub identity: Identity,
    pub signer: Arc<dyn Signer>,
    pub head: Head,
    pub recorder: Recorder,
    pub keys: KeySet,
    /// What was entered already and waits to be sealed: torn tails, epochs, the start.
    pub own: Vec<(Entered, &'static str, Stamp)>,
    /// Lines the index kept, for people and context.
    pub kept: Vec<Kept>,
    /// When the gateway was last known to work, and why it was off; none at a first start.
    pub was_off: Option<(Stamp, &'static str)>,
    /// What a person should know.
    pub troubles: Vec<Trouble>,
    /// When it was opened.
    pub now: Stamp,
}

/// Opens the ledger of this configuration, or makes it. `on_disk` is the configuration as it stands in its file now;
/// the last accepted one runs. That the two differ is an alarm, except to an act that is about to change it.
pub async fn open(on_disk: Source, alarm: bool, outside: &Outside) -> Result<Open, Vec<Refusal>> {
    let written = crate::config::read(on_disk.clone());
    let directory = match &written {
        Ok(plant) => plant.gateway.ledger.clone(),
        Err(complaints) => ledger_of(&on_disk.text).ok_or_else(|| refused(&on_disk, complaints))?,
    };
    let disk: Arc<dyn Disk> = Arc::new(Directory::take(&directory).map_err(one)?);
    let fresh = ledger::segments(disk.as_ref()).map_or(true, |segments| segments.is_empty());
    let known = match &written {
        // Only a first start has nothing to fall back on.
        Err(complaints) if fresh => return Err(refused(&on_disk, complaints)),
        _ => Known::of(disk.as_ref()).await.map_err(one)?,
    };
    match written {
        Ok(plant) => open_with(plant, Some(on_disk), known, disk, alarm, outside).await,
        Err(complaints) => {
            let found = refused(&on_disk, &complaints);
            open_accepted(&on_disk, found, known, disk, outside).await
        }
    }
}

/// What the index knows of a ledger that is there, once it has caught up with it. It is opened once at a start.
struct Known {
    index: Option<Index>,
    kept: Vec<Kept>,
}

impl Known {
    async fn of(disk: &dyn Disk) -> Result<Self, Trouble> {
        let Some(ledger) = ledger::id(disk).map_err(|error| ledger::unreadable(disk, &error))? else {
            return Ok(Self {
                index: None,
                kept: Vec::new(),
            });
        };
        let index = indexing::open(disk, &ledger).await?;
        let kept = index.kept_now().await?;
        Ok(Self {
            index: Some(index),
            kept,
        })
    }
}

/// A person's word that this machine goes on for another one, whose ledger was copied here.
#[derive(Debug, Clone)]
pub struct TakeOver {
    pub by: String,
    pub reason: String,
    /// What it goes on from.
    pub found: String,
}

/// The numbers after a take-over begin so many pages above what is known here: the dead box may have given more than its
/// backup knows, and no number is given twice. At a page a second it is a third of a year.
const TAKE_OVER_ROOM: u64 = 10_000_000;
/// And so many entries: forty a second for most of a year.
const TAKE_OVER_ENTRIES: u64 = 1_000_000_000;

/// Opens a ledger that was copied from another machine, under a new key and in a new epoch. Nothing but a person's word
/// leads here.
pub async fn take_over(
    on_disk: Source,
    declared: &TakeOver,
    outside: &Outside,
) -> Result<Open, Vec<Refusal>> {
    let plant = crate::config::read(on_disk.clone()).map_err(|complaints| refused(&on_disk, &complaints))?;
    let disk: Arc<dyn Disk> = Arc::new(Directory::take(&plant.gateway.ledger).map_err(one)?);
    let known = Known::of(disk.as_ref()).await.map_err(one)?;
    open_ledger(plant, known, disk, Some(declared), outside)
        .await
        .map_err(one)
}

/// A reason not to start, already in words.
#[derive(Debug, Clone)]
pub struct Refusal(pub String);

fn one(trouble: Trouble) -> Vec<Refusal> {
    vec![Refusal(trouble.to_string())]
}

fn refused(source: &Source, complaints: &[driver::Complaint]) -> Vec<Refusal> {
    complaints
        .iter()
        .map(|complaint| Refusal(source.render(complaint)))
        .collect()
}

/// The ledger a configuration names, when the rest of it cannot be understood: the one line that says it, even where
/// the file as a whole is no TOML any more.
fn ledger_of(text: &str) -> Option<PathBuf> {
    let says = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("ledger")?.trim_start().strip_prefix('='))?;
    let quoted = says.trim_start().strip_prefix('"')?;
    quoted.split_once('"').map(|(path, _)| PathBuf::from(path))
}

/// The file on disk cannot be understood; the last accepted configuration runs, and that is an alarm.
async fn open_accepted(
    on_disk: &Source,
    found: Vec<Refusal>,
    known: Known,
    disk: Arc<dyn Disk>,
    outside: &Outside,
) -> Result<Open, Vec<Refusal>> {
    let Some(source) = accepted(&known.kept, &on_disk.name) else {
        return Err(found);
    };
    let plant = crate::config::read(source.clone()).map_err(|complaints| refused(&source, &complaints))?;
    let mut open = open_with(plant, None, known, disk, true, outside).await?;
    open.troubles.push(
        Trouble::new("configuration-broken", "the configuration on disk cannot be used")
            .at(&on_disk.name)
            .means("the last accepted configuration runs; nothing that was recorded changes")
            .so("run `steelyard check` on it, mend it, then `steelyard apply`"),
    );
    open.differs(&on_disk.name, "broken", outside.clock.now());
    Ok(open)
}

async fn open_with(
    plant: Plant,
    on_disk: Option<Source>,
    known: Known,
    disk: Arc<dyn Disk>,
    alarm: bool,
    outside: &Outside,
) -> Result<Open, Vec<Refusal>> {
    let first_start = known.kept.is_empty();
    // The last accepted configuration runs, whatever the file says by now.
    let mut plant = plant;
    let mut differs = None;
    if let Some(source) = &on_disk {
        if let Some(running) = accepted(&known.kept, &source.name) {
            if let Ok(accepted) = crate::config::read(running) {
                let path = disk.path();
                same_gateway(
                    &plant,
                    &accepted.gateway.name,
                    accepted.gateway.usage.word(),
                    &path,
                )
                .map_err(one)?;
                if accepted.files != plant.files {
                    differs = Some(source.name.clone());
                }
                plant = accepted;
            }
        }
    }
    let mut open = open_ledger(plant, known, disk, None, outside)
        .await
        .map_err(one)?;
    let now = outside.clock.now();
    if first_start {
        let files = open.plant.files.clone();
        open.configuration("first-start", &files, "machine", "", "", now);
    } else if let Some(name) = differs.filter(|_| alarm) {
        open.differs(&name, "differing", now);
    }
    Ok(open)
}

/// The files of the newest configuration in the ledger.
fn accepted(kept: &[Kept], name: &str) -> Option<Source> {
    let kept: Vec<&Kept> = kept
        .iter()
        .filter(|kept| matches!(kept.kind.as_str(), "configuration" | "file"))
        .collect();
    let begin = kept.iter().rposition(|kept| kept.kind == "configuration")?;
    let listed = Line::read(&kept[begin].line).ok()?.data_text("files")?;
    let listed = listed.split("; ").count();
    let mut files: Vec<(String, String)> = Vec::new();
    for kept in &kept[begin + 1..] {
        let line = Line::read(&kept.line).ok()?;
        let (file, text) = (line.text("name")?, line.data_text("text")?);
        // what follows the files of the configuration was entered for another reason
        let new = files.iter().all(|(known, _)| *known != file);
        if new && files.len() == listed {
            break;
        }
        match files.iter_mut().find(|(known, _)| *known == file) {
            Some((_, whole)) => whole.push_str(&text),
            None => files.push((file, text)),
        }
    }
    Source::recorded(name, files)
}

async fn open_ledger(
    plant: Plant,
    known: Known,
    disk: Arc<dyn Disk>,
    declared: Option<&TakeOver>,
    outside: &Outside,
) -> Result<Open, Trouble> {
    let fresh = ledger::segments(disk.as_ref()).map_or(true, |segments| segments.is_empty());
    let signer = signing_key(&plant.gateway.signing_key, fresh || declared.is_some(), outside)?;
    let mut keys = known_keys(disk.as_ref(), signer.public())?;
    for key in receipt_keys(&plant, outside.files.as_ref())? {
        keys.add(key, Role::Receipt)?;
    }
    let find = |kid: &Hash| keys.find(kid, Role::Page).cloned();
    let opened = ledger::open(&disk, plant.gateway.segment_bytes, find)?;
    if let Some(last) = &opened.last {
        match declared {
            None => whose(&plant, last, signer.public(), disk.as_ref())?,
            Some(_) => same_gateway(&plant, &last.gateway, &last.usage, &disk.path())?,
        }
    }
    let ledger = match &opened.last {
        Some(last) => last.ledger.clone(),
        None => new_id(outside.random.as_ref())?,
    };
    let index = match known.index {
        Some(index) => index,
        None => indexing::open(disk.as_ref(), &ledger).await?,
    };
    let usable = |error: std::io::Error| {
        Trouble::new(
            "ledger-unusable",
            format!("the high-water mark cannot be used: {error}"),
        )
        .at(disk.path().display())
        .means("nothing is captured until it can be")
        .so("give the directory and its files to the gateway's user")
    };
    let (high_water, highest) = HighWater::open(disk.as_ref()).map_err(usable)?;
    let kept = known.kept;
    let batches = index.open_batches().await?;
    let receipted = last_receipt(disk.as_ref(), &keys);
    let highest = highest.map(|(_, page, seq)| (page, seq));
    let head = opened.head;
    let above = [highest, receipted]
        .into_iter()
        .flatten()
        .max()
        .filter(|(page, _)| *page > head.page);
    // A receipt names no entry: leave room for as many as the lost pages can have held. A hole in the numbers is
    // said by the epoch entry; a number given twice could never be told apart.
    let above = above.map(|(page, seq)| (page, seq.max(head.seq + (page - head.page) * MOST_ENTRIES)));
    let above = match declared {
        None => above,
        Some(_) => {
            let (page, seq) = above.unwrap_or((head.page, head.seq));
            Some((page + TAKE_OVER_ROOM, seq + TAKE_OVER_ENTRIES))
        }
    };
    let start = above.map_or(head.seq, |(_, seq)| seq);
    let identity = Identity {
        gateway: plant.gateway.name.clone(),
        ledger,
        usage: plant.gateway.usage.word().to_owned(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
        zone: plant.gateway.zone.clone(),
        boot: machine::boot(),
    };
    let mut open = Open {
        recorder: Recorder::new(start, batches, outside.random.clone()),
        was_off: opened
            .last
            .as_ref()
            .map(|last| why_off(&kept, last, &identity.boot)),
        plant,
        disk,
        index,
        writer: opened.writer,
        high_water,
        identity,
        signer,
        head,
        keys,
        own: Vec::new(),
        kept,
        troubles: Vec::new(),
        now: outside.clock.now(),
    };
    open.explain(opened.ending, above, declared, outside.clock.now());
    open.start(outside.clock.now());
    write_keys(&open)?;
    Ok(open)
}

impl Open {
    fn enter(&mut self, draft: Draft) -> Entered {
        let (kind, time) = (draft.kind(), draft.time);
        let entered = self.recorder.enter(draft);
        self.own.push((entered, kind, time));
        entered
    }

    /// Says how the ledger was found, before anything else is entered.
    fn explain(
        &mut self,
        ending: Ending,
        above: Option<(u64, u64)>,
        declared: Option<&TakeOver>,
        now: Stamp,
    ) {
        let damaged = match &ending {
            _ if declared.is_some() => declared.map(|act| ("new-disk", act.found.clone())),
            Ending::Damaged(found) => Some(("damage", found.clone())),
            _ => above.map(|(page, _)| {
                (
                    "restored-image",
                    format!(
                        "the ledger once reached page {page}; here it ends at {}",
                        self.head.page
                    ),
                )
            }),
        };
        if let Some((because, found)) = damaged {
            let (page, seq) = above.unwrap_or((self.head.page, self.head.seq));
            let (page, seq) = (page.max(self.head.page), seq.max(self.head.seq));
            self.head = Head {
                page,
                seq,
                ..self.head
            };
            self.writer.begin_segment();
            let epoch = Draft::new("epoch", now)
                .with("because", because)
                .with("last_page", page)
                .with("last_seq", seq);
            let epoch = match declared {
                Some(act) => epoch.data("by", &*act.by).data("reason", &*act.reason),
                None => {
                    self.troubles.push(new_epoch(because, &found, &self.disk.path()));
                    epoch
                }
            };
            self.enter(epoch.data("found", found));
        } else if let Ending::Torn(tails) = ending {
            for torn in tails {
                let draft = Draft::new("exception", now).with("because", "torn-tail");
                let draft = draft
                    .with("segment", torn.segment.as_str())
                    .with("offset", torn.offset);
                self.enter(draft.with("length", torn.length).with("sha256", torn.sha256));
            }
        }
    }

    fn start(&mut self, now: Stamp) {
        let because = match self.was_off {
            None => "first-start",
            Some((_, "stopped")) => "restart",
            Some((_, why)) => why,
        };
        let because = if because == "restarted" { "crash" } else { because };
        let draft = Draft::new("start", now)
            .with("because", because)
            .data("host", machine::host());
        let draft = draft.data("version", env!("CARGO_PKG_VERSION"));
        let draft = match self.was_off {
            Some((since, _)) => draft.data("was_off_ms", now.ms_since(since)),
            None => draft,
        };
        self.enter(draft);
    }

    /// Enters a configuration: every file with its SHA-256, then their contents.
    pub fn configuration(
        &mut self,
        because: &str,
        files: &[SourceFile],
        by: &str,
        reason: &str,
        changes: &str,
        now: Stamp,
    ) -> Entered {
        enter_configuration(self, because, files, by, reason, changes, now)
    }

    /// The file on disk is not what runs: an alarm, and not applied.
    fn differs(&mut self, name: &str, how: &str, now: Stamp) {
        self.troubles.push(
            Trouble::new(
                "configuration-differs",
                format!("the configuration on disk is not the one that runs ({how})"),
            )
            .at(name)
            .means("the last accepted configuration runs; what it records is unchanged")
            .so("`steelyard apply` makes the file on disk the one that runs, or put the accepted one back"),
        );
        let draft = Draft::new("exception", now).with("because", "configuration-differs");
        self.enter(draft.data("file", name).data("found", how));
    }
}

impl Open {
    /// Enters something of the gateway's own while no gateway runs.
    pub fn enter_own(&mut self, draft: Draft) -> Entered {
        Self::enter(self, draft)
    }

    /// Ends what was done while no gateway runs, so that the next start finds a stop and no crash.
    pub fn stop(&mut self, now: Stamp) {
        Self::enter(
            self,
            Draft::new("stop", now)
                .with("because", "asked")
                .data("note", "an act while no gateway ran"),
        );
    }
}

/// The configuration that a ledger accepted last, without taking the ledger.
pub fn accepted_in(ledger: &Path, name: &str) -> Result<Option<Source>, Trouble> {
    let Ok(disk) = Directory::look(ledger) else {
        return Ok(None);
    };
    let all = ledger::segments(&disk).map_err(|error| ledger::unreadable(&disk, &error))?;
    let mut kept: Vec<Kept> = Vec::new();
    // From the newest back to the segment in which the last configuration begins; its files may go on behind it.
    for (number, compressed) in all.into_iter().rev() {
        let mut here = configuration_of(&disk, &ledger::file_name(number, compressed))?;
        let begins = here.iter().any(|kept| kept.kind == "configuration");
        here.append(&mut kept);
        kept = here;
        if begins {
            break;
        }
    }
    Ok(accepted(&kept, name))
}

/// `configuration` and `file` lines of one segment, from the last configuration in it on.
fn configuration_of(disk: &dyn Disk, file: &str) -> Result<Vec<Kept>, Trouble> {
    let mut kept = Vec::new();
    let read = ledger::read_segment(disk, file, |_, piece| {
        let Ok(page) = piece else { return };
        let wanted = |kind: &[u8]| matches!(kind, b"configuration" | b"file");
        for mark in page.marks().iter().filter(|mark| wanted(mark.kind)) {
            if mark.kind == b"configuration" {
                kept.clear();
            }
            let Ok(line) = Line::read(mark.line) else { continue };
            kept.push(Kept {
                seq: line.seq(),
                kind: line.kind().to_owned(),
                line: mark.line.to_vec(),
            });
        }
    });
    read.map_err(|error| ledger::unreadable(disk, &error))?;
    Ok(kept)
}

impl Enter for Open {
    fn enter(&mut self, draft: Draft) -> Entered {
        Self::enter(self, draft)
    }

    fn close(&mut self, draft: Draft, batch: &str) -> Entered {
        self.recorder.close(draft, batch)
    }
}

/// Enters a configuration through whoever enters.
pub fn enter_configuration(
    enter: &mut dyn Enter,
    because: &str,
    files: &[SourceFile],
    by: &str,
    reason: &str,
    changes: &str,
    now: Stamp,
) -> Entered {
    let list: Vec<String> = files
        .iter()
        .map(|file| {
            let hash: String = Hash::of(file.text.as_bytes())
                .0
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            let edition = file
                .edition
                .map(|edition| format!(" edition {edition}"))
                .unwrap_or_default();
            format!("{}{edition} sha256:{hash}", file.name)
        })
        .collect();
    let draft = Draft::new("configuration", now).with("because", because);
    let entered = enter.enter(
        draft
            .data("files", list.join("; "))
            .data("by", by)
            .data("reason", reason)
            .data("changes", changes),
    );
    for file in files {
        enter_file(enter, &file.name, &file.text, None, now);
    }
    entered
}

fn new_epoch(because: &str, found: &str, path: &Path) -> Trouble {
    let what = format!("a new epoch begins: {found}");
    let trouble = if because == "damage" {
        Trouble::new("ledger-damaged", what)
    } else {
        Trouble::new("ledger-restored", what)
    };
    trouble
        .at(path.display())
        .means(
            "nothing is overwritten and no number is given twice; what is whole is still delivered, \
             and the break stays visible for ever",
        )
        .so("run `steelyard verify` on the ledger, keep the files as they are, and tell quality")
}

const UNTOUCHED: &str =
    "nothing was changed: not one byte is written into a ledger that is not this gateway's";

/// Refuses a ledger that is another gateway's, or of another use.
fn same_gateway(plant: &Plant, gateway: &str, usage: &str, path: &Path) -> Result<(), Trouble> {
    let (name, wanted) = (&plant.gateway.name, plant.gateway.usage.word());
    if gateway != name {
        let what = format!("this ledger belongs to the gateway {gateway:?}, not to {name:?}");
        return Err(Trouble::new("ledger-of-another-gateway", what)
            .at(path.display())
            .means(UNTOUCHED)
            .so("name this gateway's own ledger, or an empty directory for a new one"));
    }
    if usage != wanted {
        let what = format!("this ledger is for {usage:?}, the configuration says {wanted:?}");
        return Err(Trouble::new("ledger-of-another-use", what)
            .at(path.display())
            .means(UNTOUCHED)
            .so("a ledger keeps its use for ever: name another directory for another use"));
    }
    Ok(())
}

/// Refuses a ledger that is another gateway's, of another use, or sealed by a key that is not here.
fn whose(plant: &Plant, last: &ledger::LastPage, key: &PublicKey, disk: &dyn Disk) -> Result<(), Trouble> {
    same_gateway(plant, &last.gateway, &last.usage, &disk.path())?;
    let expected = last.new_key.unwrap_or(last.kid);
    if expected != key.thumbprint() {
        return Err(Trouble::new("ledger-key-missing", format!("the key that seals this ledger ({expected}) is not the one in the configuration ({})", key.thumbprint()))
            .at(plant.gateway.signing_key.display())
            .means(UNTOUCHED)
            .so("put the gateway's key back from its backup; a key that is lost for good needs a new epoch, enrolled by a person"));
    }
    Ok(())
}

/// Why it was off, and since when: the last `stop`, or a power cut, or a crash within the same boot.
fn why_off(kept: &[Kept], last: &ledger::LastPage, boot: &str) -> (Stamp, &'static str) {
    let newest = kept
        .iter()
        .rev()
        .find(|kept| matches!(kept.kind.as_str(), "start" | "stop"));
    let stopped = newest.is_some_and(|kept| kept.kind == "stop");
    let why = if stopped {
        "stopped"
    } else if last.boot == boot {
        "restarted"
    } else {
        "power-loss"
    };
    (last.sealed, why)
}

/// More entries than any page can hold.
const MOST_ENTRIES: u64 = 32 * 1024;

/// The page the newest receipt names.
fn last_receipt(disk: &dyn Disk, keys: &KeySet) -> Option<(u64, u64)> {
    let file = disk.open_read(RECEIPTS).ok()?;
    let mut bytes = vec![0; 64 * 1024];
    let from = file.len().ok()?.saturating_sub(bytes.len() as u64);
    let length = file.read_at(&mut bytes, from).ok()?;
    let last = bytes[..length]
        .split(|byte| *byte == b'\n')
        .rev()
        .find(|line| !line.is_empty())?;
    match StoreWord::read(last, |kid| keys.find(kid, Role::Receipt)) {
        Ok(StoreWord::Receipt(receipt)) => Some((receipt.page, 0)),
        _ => None,
    }
}

/// Receipts, beside the segments.
pub const RECEIPTS: &str = "receipts.jws";
/// Public keys, beside the segments.
pub const KEYS: &str = "keys.jwks";

fn known_keys(disk: &dyn Disk, own: &PublicKey) -> Result<KeySet, Trouble> {
    let mut keys = match disk.read(KEYS) {
        Ok(bytes) => KeySet::read(&String::from_utf8_lossy(&bytes)).unwrap_or_default(),
        Err(_) => KeySet::default(),
    };
    keys.add(own.clone(), Role::Page)?;
    Ok(keys)
}

fn write_keys(open: &Open) -> Result<(), Trouble> {
    let path = open.disk.path().join(KEYS);
    let files = crate::ports::files::SystemFiles;
    if files
        .read(&path)
        .is_ok_and(|bytes| bytes == open.keys.to_jwks().into_bytes())
    {
        return Ok(());
    }
    files
        .write(&path, open.keys.to_jwks().as_bytes())
        .map_err(|error| {
            Trouble::new(
                "keys-not-written",
                format!("the public keys cannot be written beside the ledger: {error}"),
            )
            .at(path.display())
            .means("the record can be sealed, but nobody could check it")
            .so("give the directory to the gateway's user")
        })
}

/// The keys whose receipts count.
pub fn receipt_keys(plant: &Plant, files: &dyn Files) -> Result<Vec<PublicKey>, Trouble> {
    let Some(path) = &plant.record_store.key else {
        return Ok(Vec::new());
    };
    let cannot = |why: String| {
        Trouble::new(
            "store-key-unusable",
            format!("the record store's key cannot be used: {why}"),
        )
        .at(path.display())
        .means("no receipt could be checked, so nothing would ever be released")
        .so("fetch the record store's public key (steelyard store prints where it is) and name it as key")
    };
    let bytes = files.read(path).map_err(|error| cannot(error.to_string()))?;
    let set = KeySet::read(&String::from_utf8_lossy(&bytes)).map_err(|trouble| cannot(trouble.what))?;
    let keys: Vec<PublicKey> = set
        .iter()
        .filter(|(_, role)| *role == Role::Receipt)
        .map(|(key, _)| key.clone())
        .collect();
    if keys.is_empty() {
        Err(cannot("it holds no key of role receipt".into()))
    } else {
        Ok(keys)
    }
}

/// The gateway's key: read from its file, or made at a first start.
pub fn signing_key(path: &Path, fresh: bool, outside: &Outside) -> Result<Arc<dyn Signer>, Trouble> {
    let cannot = |why: String| {
        Trouble::new(
            "signing-key-unusable",
            format!("the signing key cannot be used: {why}"),
        )
        .at(path.display())
        .means("nothing is captured without a seal")
        .so("restore the key from its backup, mode 0600, owned by the gateway's user")
    };
    match outside.files.read(path) {
        Ok(_) => {
            let pem = outside.files.read_secret(path)?;
            let key = SecretKey::from_pem(&String::from_utf8_lossy(&pem));
            Ok(Arc::new(key.ok_or_else(|| {
                cannot("it is no Ed25519 key in PKCS#8 PEM".into())
            })?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && fresh => {
            let mut seed = [0; 32];
            outside.random.fill(&mut seed)?;
            let key = SecretKey::from_seed(&seed);
            let pem = key
                .to_pem()
                .ok_or_else(|| cannot("it cannot be written as PEM".into()))?;
            outside
                .files
                .write_secret(path, pem.as_bytes())
                .map_err(|error| cannot(error.to_string()))?;
            Ok(Arc::new(key))
        }
        Err(error) => Err(cannot(error.to_string())),
    }
}

fn new_id(random: &dyn Random) -> Result<String, Trouble> {
    let mut bytes = [0; 12];
    random.fill(&mut bytes)?;
    Ok(b64::encode(&bytes))
}
