//! What the stations need from outside: time, disk, broker, links, the store and randomness.
//!
//! `ports` fulfils these with the real thing; the tests with a simulated world that has seeds and faults.
//! Nothing above `ports` may reach the outside any other way; `tests/floors.rs` looks.

pub mod server;

use super::people::{Given, Proven, Refused, Spent};
use record::{Hash, PublicKey, Stamp, Trouble};
use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

/// A future that can be kept in a box; the form of every asynchronous need.
pub type Waiting<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

// ---------------------------------------------------------------- time

/// What is known about the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Kept by a time server.
    Synchronised,
    /// Not kept by anyone.
    Unsynchronised,
    /// Nobody can say.
    Unknown,
}

impl Sync {
    /// The word in the seal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Synchronised => "synchronised",
            Self::Unsynchronised => "unsynchronised",
            Self::Unknown => "unknown",
        }
    }
}

/// Time. Order never comes from it, only labels and pace.
pub trait Clock: Send + std::marker::Sync {
    /// The wall clock, UTC.
    fn now(&self) -> Stamp;
    /// Time since some fixed moment; never steps.
    fn elapsed(&self) -> Duration;
    /// Whether the wall clock is kept, and how far off it may be, in milliseconds.
    fn sync(&self) -> (Sync, u32);
    /// Waits.
    fn sleep(&self, time: Duration) -> Waiting<'static, ()>;
}

/// Randomness, for salts, ids and jitter.
pub trait Random: Send + std::marker::Sync {
    /// Fills the bytes.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Trouble>;
}

// ---------------------------------------------------------------- disk

/// A disk with nothing but what the ledger needs. Names are relative to one directory.
pub trait Disk: Send + std::marker::Sync {
    /// Names in the directory, sorted.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes a new file (mode 0600) and refuses one that exists.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing file for reading and writing in place.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Opens an existing file for reading only.
    fn open_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;
    /// The whole file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// Renames within the directory.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names durable.
    fn sync_dir(&self) -> io::Result<()>;
    /// Bytes free for us.
    fn free(&self) -> io::Result<u64>;
    /// Where it lies, for messages and for the index beside it.
    fn path(&self) -> PathBuf;
}

/// One open file.
pub trait DiskFile: Send {
    /// Reads up to `buffer.len()` bytes at `offset`; fewer only at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes` at `offset`.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes the bytes durable (`fdatasync`).
    fn sync_data(&mut self) -> io::Result<()>;
    /// Makes bytes and length durable (`fsync`).
    fn sync_all(&mut self) -> io::Result<()>;
    /// How long it is.
    fn len(&self) -> io::Result<u64>;
    /// Whether it holds nothing.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

// ---------------------------------------------------------------- links to equipment

/// Where equipment is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A serial port by its stable path, with its line settings.
    Serial(PathBuf, Line),
    /// A byte stream over TCP: Modbus TCP, or a serial server.
    Tcp(String),
}

/// Settings of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Line {
    /// Bits per second.
    pub speed: u32,
    /// 7 or 8.
    pub data_bits: u8,
    /// `'N'`, `'E'` or `'O'`.
    pub parity: char,
    /// 1 or 2.
    pub stop_bits: u8,
    /// Flow control.
    pub handshake: Handshake,
}

/// Flow control of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Handshake {
    /// None.
    None,
    /// XON/XOFF characters.
    XonXoff,
    /// RTS/CTS wires.
    RtsCts,
}

/// Opens physical lines.
pub trait Links: Send + std::marker::Sync {
    /// Opens one line, exclusively.
    fn open<'a>(&'a self, address: &'a Address) -> Waiting<'a, io::Result<Box<dyn Link>>>;
}

/// One open physical line: bytes out, bytes in. Framing and meaning are the driver's.
pub trait Link: Send {
    /// Sends all bytes.
    fn send<'a>(&'a mut self, bytes: &'a [u8]) -> Waiting<'a, io::Result<()>>;
    /// Waits for bytes and appends them to `into`. `Ok(0)` means unplugged: close, back off, reopen.
    fn receive<'a>(&'a mut self, into: &'a mut Vec<u8>) -> Waiting<'a, io::Result<usize>>;
    /// Throws away what has arrived and was not read; says how many bytes that was.
    fn discard(&mut self) -> io::Result<usize>;
}

// ---------------------------------------------------------------- broker

/// How to reach a broker and who we are there.
#[derive(Debug, Clone)]
pub struct Login {
    /// `mqtt://host:1883` or `mqtts://host:8883`.
    pub url: String,
    /// Our client id.
    pub client: String,
    /// User name, if any.
    pub user: Option<String>,
    /// Where the password is, mode 0600.
    pub password_file: Option<PathBuf>,
    /// CA certificates that sign the broker's certificate (PEM).
    pub trust: Option<PathBuf>,
    /// Our certificate chain (PEM).
    pub certificate: Option<PathBuf>,
    /// Our private key (PEM), mode 0600.
    pub private_key: Option<PathBuf>,
    /// MQTT 3.1.1 in place of 5.
    pub version_3: bool,
    /// Retained message the broker publishes when we vanish: topic, payload.
    pub will: Option<(String, Vec<u8>)>,
    /// Topic filters to subscribe to at connect, QoS 1. May be a shared subscription (`$share/…`).
    pub subscribe: Vec<String>,
    /// Largest packet either side may send, in bytes.
    pub largest: usize,
}

impl Login {
    /// Nobody in particular at a broker of this machine: what the demo and the benchmarks need.
    pub fn plain(url: &str, client: &str, subscribe: Vec<String>) -> Self {
        Self {
            url: url.to_owned(),
            client: client.to_owned(),
            user: None,
            password_file: None,
            trust: None,
            certificate: None,
            private_key: None,
            version_3: false,
            will: None,
            subscribe,
            largest: 1_300_000,
        }
    }
}

/// Opens sessions with a broker. Every session is a fresh pipe; nothing of value lives in it.
pub trait Broker: Send + std::marker::Sync {
    /// Connects, subscribes, and returns once both are acknowledged.
    fn connect<'a>(&'a self, login: &'a Login) -> Waiting<'a, Result<Box<dyn Session>, Trouble>>;
}

/// One message to publish, QoS 1.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// Topic.
    pub topic: String,
    /// Payload.
    pub payload: Vec<u8>,
    /// Kept by the broker for later subscribers.
    pub retain: bool,
    /// MQTT 5 content type.
    pub content_type: Option<&'static str>,
    /// MQTT 5 user properties.
    pub properties: Vec<(&'static str, String)>,
    /// The publisher's own number for it; comes back in [`FromBroker::Taken`]. 0 when nobody asks.
    pub token: u64,
}

/// What comes from the broker.
#[derive(Debug)]
pub enum FromBroker {
    /// Somebody published: topic, payload, retained.
    Arrived(String, Vec<u8>, bool),
    /// The broker acknowledged a publish by its token, and says whether anyone is subscribed
    /// (`false` only when it knows that nobody is). Progress, never storage.
    Taken(u64, bool),
    /// The session is over, and why. Nothing follows.
    Gone(Trouble),
}

/// One session with a broker.
pub trait Session: Send {
    /// Hands over a message without waiting; `Err` gives it back when the pipe is full or gone.
    fn publish(&mut self, message: Message) -> Result<(), Message>;
    /// The next event.
    fn next(&mut self) -> Waiting<'_, FromBroker>;
    /// Says goodbye in order, so that the will is not published.
    fn close(self: Box<Self>) -> Waiting<'static, ()>;
}

// ---------------------------------------------------------------- people

/// Where it is known who people are, and whether somebody is who they say. Local accounts, rebuilt from entries, fulfil
/// it; a directory of the plant (LDAP, OIDC) can stand in front of them and be asked first. What it said last may be
/// used for [`Directory::offline_at_most`] while it is away.
pub trait Directory: Send {
    /// Proves somebody by what they give; a refusal carries the entries that say so.
    fn prove_given(&mut self, given: &Given, spent: &Spent, now: Stamp) -> Result<Proven, Refused>;
    /// The Argon2id run that will need, so that it can be made away from whoever hears readings: secret and hash.
    fn to_spend(&self, given: &Given) -> (String, String);
    /// How old what is known here may be; none where nobody else knows better.
    fn offline_at_most(&self) -> Option<Duration> {
        None
    }
}

// ---------------------------------------------------------------- files people own

/// Files outside the ledger: configuration, keys, drivers, evidence.
pub trait Files: Send + std::marker::Sync {
    /// Reads a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Reads a secret; refuses one that others can read.
    fn read_secret(&self, path: &Path) -> Result<Vec<u8>, Trouble>;
    /// Writes a new file, mode 0600, synced with its directory; refuses one that exists.
    fn write_secret(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Writes a file whole: under another name, synced, renamed.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Names in a directory, sorted; an absent one has none.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
}

// ---------------------------------------------------------------- record store

/// Which page of the world: a number is only unique within its epoch of its ledger of its gateway.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageId {
    /// The gateway's name.
    pub gateway: String,
    /// Id of the ledger.
    pub ledger: String,
    /// Epoch of the ledger.
    pub epoch: u64,
    /// Page number.
    pub page: u64,
}

/// A page the record store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Hash of its seal line.
    pub seal: Hash,
    /// When it was stored.
    pub stored: Stamp,
}

/// A place in a ledger where the old key hands over to a new one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The last page under the old key, whose last entry announces the new one.
    pub at: PageId,
    /// Thumbprint of the old key.
    pub old: Hash,
    /// The new key.
    pub new: PublicKey,
}

/// What the record store knows that a page is judged by.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Pages it holds, of those it was asked about.
    pub pages: HashMap<PageId, Held>,
    /// Ledgers it knows of the gateways it was asked about: gateway, ledger.
    pub ledgers: BTreeSet<(String, String)>,
    /// Changes of key in these ledgers, in order.
    pub handovers: Vec<Handover>,
}

/// A stretch of a page's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Where it begins.
    pub at: u32,
    /// How long it is; 0 stands for a member that is not there.
    pub long: u32,
}

/// One entry of a page, as the record store finds it again: members as they stand in its line.
#[derive(Debug, Clone, Default)]
pub struct EntryRow {
    /// Its number.
    pub seq: u64,
    /// The whole line.
    pub line: Span,
    /// `kind`, `time`, `unit`, `batch`, `step` and `point`, with their escapes as written.
    pub words: [Span; 6],
    /// Which execution of the step.
    pub run: Option<i64>,
}

/// A page to be kept, byte for byte, with what it is found by.
#[derive(Debug, Clone)]
pub struct PageRow {
    /// Which page.
    pub id: PageId,
    /// Number of its first entry.
    pub first: u64,
    /// Hash of its seal line.
    pub seal: Hash,
    /// Hash of the seal line before it.
    pub prev: Option<Hash>,
    /// Thumbprint of the key that sealed it.
    pub kid: Hash,
    /// Whether a ledger or an epoch begins with it, so that nothing is missing before it.
    pub opens: bool,
    /// When it was sealed, by the gateway's clock.
    pub sealed: Stamp,
    /// When it was stored.
    pub stored: Stamp,
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its entries.
    pub entries: Vec<EntryRow>,
}

/// A page that contradicts one that is held: same place, another seal. Kept, never receipted.
#[derive(Debug, Clone)]
pub struct ForkRow {
    /// The place.
    pub id: PageId,
    /// Hash of its own seal line.
    pub seal: Hash,
    /// When it was heard first.
    pub heard: Stamp,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// Something that was not stored, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// The gateway it names, or whose topic it came on.
    pub gateway: String,
    /// Stable name of the reason: `key-not-enrolled`.
    pub reason: String,
    /// The reason in words.
    pub because: String,
    /// When it was heard first.
    pub heard: Stamp,
    /// How often it was heard.
    pub times: u64,
    /// The bytes as they came.
    pub bytes: Vec<u8>,
}

/// Pages missing within an epoch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hole {
    /// The first missing page.
    pub from: PageId,
    /// The number of the last missing page.
    pub to: u64,
}

/// Two neighbours that do not fit together, or a place held by two pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// The place.
    pub at: PageId,
    /// What does not fit, in words.
    pub what: String,
}

/// What is held of one ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerCount {
    /// The gateway's name.
    pub gateway: String,
    /// Id of the ledger.
    pub ledger: String,
    /// Pages held.
    pub pages: u64,
    /// Entries held.
    pub entries: u64,
    /// The newest page, by epoch and number.
    pub newest: (u64, u64),
    /// When the last page was stored.
    pub stored: Stamp,
}

/// An entry found in the record store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEntry {
    /// The page it stands on.
    pub page: PageId,
    /// Its number.
    pub seq: u64,
    /// Its line.
    pub line: String,
}

/// Where the record store keeps what it was given: one act of writing at a time, and questions beside it.
pub trait PageStore: Send + std::marker::Sync {
    /// Begins an act of writing. Nothing of it counts before [`StoreWork::commit`] has returned; dropped
    /// before that, it never was.
    fn begin(&self) -> Waiting<'_, Result<Box<dyn StoreWork>, Trouble>>;
    /// What is held, ledger by ledger.
    fn counts(&self) -> Waiting<'_, Result<Vec<LedgerCount>, Trouble>>;
    /// Pages missing between pages that are held.
    fn holes(&self) -> Waiting<'_, Result<Vec<Hole>, Trouble>>;
    /// Forks, and neighbours whose chain does not fit.
    fn contradictions(&self) -> Waiting<'_, Result<Vec<Contradiction>, Trouble>>;
    /// What was not stored, newest first, at most so many.
    fn quarantine(&self, most: u32) -> Waiting<'_, Result<Vec<QuarantineRow>, Trouble>>;
    /// One page, byte for byte.
    fn page<'a>(&'a self, id: &'a PageId) -> Waiting<'a, Result<Option<Vec<u8>>, Trouble>>;
    /// The entries that name this batch, in the order of their ledgers.
    fn entries_of<'a>(&'a self, batch: &'a str) -> Waiting<'a, Result<Vec<FoundEntry>, Trouble>>;
    /// The entries of one ledger whose numbers lie in this range.
    fn entries_between<'a>(
        &'a self,
        gateway: &'a str,
        ledger: &'a str,
        seqs: (u64, u64),
    ) -> Waiting<'a, Result<Vec<FoundEntry>, Trouble>>;
}

/// One act of writing into the record store.
pub trait StoreWork: Send {
    /// What is known about these pages, the pages before them, and their gateways.
    fn standing<'a>(&'a mut self, pages: &'a [PageId]) -> Waiting<'a, Result<Standing, Trouble>>;
    /// Keeps pages with their entries; but for those whose place another process has taken since
    /// [`StoreWork::standing`] was asked, which are handed back with what is held there.
    fn keep<'a>(&'a mut self, pages: &'a [PageRow]) -> Waiting<'a, Result<Vec<(PageId, Held)>, Trouble>>;
    /// Keeps a change of key.
    fn hand_over<'a>(&'a mut self, handover: &'a Handover) -> Waiting<'a, Result<(), Trouble>>;
    /// Keeps a fork beside the page it contradicts.
    fn fork<'a>(&'a mut self, fork: &'a ForkRow) -> Waiting<'a, Result<(), Trouble>>;
    /// Keeps what is not stored, and says how often it has been heard by now.
    fn set_aside<'a>(&'a mut self, row: &'a QuarantineRow) -> Waiting<'a, Result<u64, Trouble>>;
    /// Takes bytes out of quarantine, because they are kept as a page now.
    fn release<'a>(&'a mut self, row: &'a QuarantineRow) -> Waiting<'a, Result<(), Trouble>>;
    /// Makes all of it durable.
    fn commit(self: Box<Self>) -> Waiting<'static, Result<(), Trouble>>;
}
