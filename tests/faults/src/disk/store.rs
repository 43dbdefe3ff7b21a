//! The model of the disk: two planes for every file (what a program reads, what the platter holds), and for every
//! directory the names it knows and those that would survive.

use super::{Cut, Image, SECTOR};
use crate::seed::Dice;
use std::{
    collections::{BTreeMap, HashMap},
    ffi::{OsStr, OsString},
};

/// The root directory.
pub(super) const ROOT: u64 = 1;

/// What kind of thing a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    Socket,
}

/// What can be counted, and made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `pwrite`.
    Write,
    /// `fsync` or `fdatasync` of a file.
    Sync,
    /// `fsync` of a directory.
    SyncDirectory,
    /// A new file.
    Create,
    /// A file under another name.
    Rename,
    /// A name taken away.
    Remove,
    /// A file made longer or shorter.
    Resize,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Input/output error. After a failed sync the cache counts as clean, as ext4, XFS and Btrfs have it: what the
    /// platter really holds of it is chance, and the next sync succeeds.
    Broken,
    /// No space.
    Full,
    /// Half of the bytes are taken; whoever wrote asks for the rest again.
    Short,
}

/// One call that fails.
#[derive(Debug, Clone)]
pub struct Fault {
    pub operation: Operation,
    /// The n-th of these from now on, counted from one.
    pub nth: u64,
    /// Only calls on files whose name begins so.
    pub on: &'static str,
    pub what: What,
}

/// A fault that came true.
#[derive(Debug, Clone)]
pub struct Strike {
    pub name: String,
    pub at: std::time::Instant,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) mode: u16,
    /// What a program reads.
    pub(super) live: Vec<u8>,
    /// What the platter holds.
    pub(super) durable: Vec<u8>,
    /// What each sector was since the last sync, version after version.
    pub(super) versions: BTreeMap<usize, Vec<Vec<u8>>>,
    pub(super) names: BTreeMap<OsString, u64>,
    pub(super) durable_names: BTreeMap<OsString, u64>,
    /// Changes of names since the last sync of this directory: name, and what it then led to.
    pub(super) renamed: Vec<Vec<(OsString, Option<u64>)>>,
    /// The name it had last, for faults that look for one.
    pub(super) called: String,
}

impl Node {
    fn new(kind: Kind, mode: u16, called: &OsStr) -> Self {
        Self {
            kind,
            mode,
            live: Vec::new(),
            durable: Vec::new(),
            versions: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            renamed: Vec::new(),
            called: called.to_string_lossy().into_owned(),
        }
    }

    fn note(&mut self, from: usize, to: usize) {
        for sector in from / SECTOR..to.div_ceil(SECTOR) {
            let begin = sector * SECTOR;
            let mut bytes = vec![0; SECTOR];
            if let Some(held) = self.live.get(begin..(begin + SECTOR).min(self.live.len())) {
                bytes[..held.len()].copy_from_slice(held);
            }
            self.versions.entry(sector).or_default().push(bytes);
        }
    }

    fn promote(&mut self) {
        self.durable.resize(self.live.len(), 0);
        for sector in std::mem::take(&mut self.versions).into_keys() {
            let begin = sector * SECTOR;
            let end = (begin + SECTOR).min(self.live.len());
            if begin < end {
                self.durable[begin..end].copy_from_slice(&self.live[begin..end]);
            }
        }
    }
}

/// The disk.
#[derive(Debug)]
pub struct Store {
    pub(super) nodes: HashMap<u64, Node>,
    next: u64,
    /// Syncs say yes and do nothing: the negative control.
    pub lies: bool,
    /// The disk is gone: every call fails.
    pub gone: bool,
    /// So many bytes fit.
    pub room: u64,
    faults: Vec<Fault>,
    /// The faults that came true.
    pub strikes: Vec<Strike>,
    /// Calls that change something, since the disk was made.
    pub calls: u64,
    /// At this call an image is taken.
    trap: Option<Trap>,
    /// What a trap took.
    pub trapped: Option<Image>,
    dice: Dice,
}

/// The moment at which an image is taken: before the n-th changing call on a file whose name begins so.
#[derive(Debug, Clone, Copy)]
pub struct Trap {
    pub nth: u64,
    pub on: &'static str,
    pub cut: Cut,
}

/// A POSIX error number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Errno(pub(super) i32);

pub(super) const ENOENT: Errno = Errno(2);
pub(super) const EIO: Errno = Errno(5);
pub(super) const EEXIST: Errno = Errno(17);
pub(super) const ENOTEMPTY: Errno = Errno(39);
pub(super) const ENOSPC: Errno = Errno(28);

impl Store {
    /// An empty disk.
    pub fn new(dice: Dice) -> Self {
        let mut nodes = HashMap::new();
        nodes.insert(ROOT, Node::new(Kind::Directory, 0o700, OsStr::new("/")));
        Self {
            nodes,
            next: ROOT + 1,
            lies: false,
            gone: false,
            room: 1 << 30,
            faults: Vec::new(),
            strikes: Vec::new(),
            calls: 0,
            trap: None,
            trapped: None,
            dice,
        }
    }

    /// A disk that holds what a power cut left.
    pub fn holding(image: &Image, dice: Dice) -> Self {
        let mut store = Self::new(dice);
        for (path, file) in &image.files {
            let mut parent = ROOT;
            let mut parts: Vec<&OsStr> = path.iter().collect();
            let last = parts.pop().unwrap_or_default();
            for part in parts {
                parent = match store.find(parent, part) {
                    Some(id) => id,
                    None => store.place(parent, part, Kind::Directory, 0o700),
                };
            }
            let kind = if file.is_some() {
                Kind::File
            } else {
                Kind::Directory
            };
            let id = store.place(parent, last, kind, if file.is_some() { 0o600 } else { 0o700 });
            if let (Some(node), Some(bytes)) = (store.nodes.get_mut(&id), file) {
                node.live.clone_from(bytes);
                node.durable.clone_from(bytes);
            }
        }
        for node in store.nodes.values_mut() {
            node.durable_names = node.names.clone();
            node.renamed.clear();
        }
        store
    }

    fn place(&mut self, parent: u64, name: &OsStr, kind: Kind, mode: u16) -> u64 {
        let id = self.next;
        self.next += 1;
        self.nodes.insert(id, Node::new(kind, mode, name));
        if let Some(directory) = self.nodes.get_mut(&parent) {
            directory.names.insert(name.to_owned(), id);
            directory.renamed.push(vec![(name.to_owned(), Some(id))]);
        }
        id
    }

    /// The next call like this one fails.
    pub fn fail(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Takes an image when the trap closes.
    pub fn set_trap(&mut self, trap: Trap) {
        self.trap = Some(trap);
        self.trapped = None;
    }

    /// Bytes that are taken.
    pub fn used(&self) -> u64 {
        self.nodes.values().map(|node| node.live.len() as u64).sum()
    }

    pub(super) fn find(&self, parent: u64, name: &OsStr) -> Option<u64> {
        self.nodes.get(&parent)?.names.get(name).copied()
    }

    /// Counts a changing call; says how it is to fail, if so.
    fn count(&mut self, operation: Operation, name: &str) -> Result<Option<What>, Errno> {
        if self.gone {
            return Err(EIO);
        }
        if let Some(trap) = self.trap.as_mut().filter(|trap| name.starts_with(trap.on)) {
            trap.nth = trap.nth.saturating_sub(1);
            if trap.nth == 0 {
                let (cut, mut dice) = (trap.cut, self.dice.for_trial(self.calls));
                self.trap = None;
                self.trapped = Some(self.image(&mut dice, cut));
            }
        }
        self.calls += 1;
        let mut found = None;
        self.faults.retain_mut(|fault| {
            if fault.operation != operation || !name.starts_with(fault.on) {
                return true;
            }
            fault.nth -= 1;
            if fault.nth == 0 {
                found = Some(fault.what);
            }
            fault.nth > 0
        });
        if found.is_some() {
            self.strikes.push(Strike {
                name: name.to_owned(),
                at: std::time::Instant::now(),
            });
        }
        match found {
            Some(What::Full) => Err(ENOSPC),
            Some(What::Broken) if operation != Operation::Sync => Err(EIO),
            other => Ok(other),
        }
    }

    fn called(&self, id: u64) -> String {
        self.nodes
            .get(&id)
            .map(|node| node.called.clone())
            .unwrap_or_default()
    }

    pub(super) fn make(&mut self, parent: u64, name: &OsStr, kind: Kind, mode: u16) -> Result<u64, Errno> {
        self.count(Operation::Create, &name.to_string_lossy())?;
        if self.find(parent, name).is_some() {
            return Err(EEXIST);
        }
        Ok(self.place(parent, name, kind, mode))
    }

    pub(super) fn write(&mut self, id: u64, offset: usize, bytes: &[u8]) -> Result<usize, Errno> {
        let name = self.called(id);
        let short = self.count(Operation::Write, &name)?.is_some();
        let mut count = if short { bytes.len() / 2 } else { bytes.len() };
        let held = self.nodes.get(&id).ok_or(ENOENT)?.live.len();
        let more = (offset + count).saturating_sub(held) as u64;
        let room = self.room.saturating_sub(self.used());
        if more > room {
            // As real disks do it: what fits is written, and where nothing fits there is no space.
            count = count.saturating_sub((more - room) as usize);
            if count == 0 {
                return Err(ENOSPC);
            }
        }
        let node = self.nodes.get_mut(&id).ok_or(ENOENT)?;
        if node.live.len() < offset + count {
            node.live.resize(offset + count, 0);
        }
        node.live[offset..offset + count].copy_from_slice(&bytes[..count]);
        node.note(offset, offset + count);
        Ok(count)
    }

    pub(super) fn resize(&mut self, id: u64, length: usize) -> Result<(), Errno> {
        let name = self.called(id);
        self.count(Operation::Resize, &name)?;
        let room = self.room.saturating_sub(self.used());
        let node = self.nodes.get_mut(&id).ok_or(ENOENT)?;
        let before = node.live.len();
        if length.saturating_sub(before) as u64 > room {
            return Err(ENOSPC);
        }
        node.live.resize(length, 0);
        let (from, to) = (before.min(length), before.max(length));
        node.note(from, to.min(node.live.len().max(from)));
        Ok(())
    }

    pub(super) fn sync(&mut self, id: u64) -> Result<(), Errno> {
        let name = self.called(id);
        let broken = self.count(Operation::Sync, &name)?.is_some();
        let lies = self.lies;
        let dice = &mut self.dice;
        let node = self.nodes.get_mut(&id).ok_or(ENOENT)?;
        if broken {
            // What reached the platter is chance; what did not is gone, and the cache says that it is clean.
            for (sector, versions) in std::mem::take(&mut node.versions) {
                let (begin, end) = (sector * SECTOR, ((sector + 1) * SECTOR).min(node.durable.len()));
                if let Some(last) = versions.last().filter(|_| begin < end && dice.falls(1, 2)) {
                    node.durable[begin..end].copy_from_slice(&last[..end - begin]);
                }
            }
            node.live.clone_from(&node.durable);
            return Err(EIO);
        }
        if !lies {
            node.promote();
        }
        Ok(())
    }

    pub(super) fn sync_directory(&mut self, id: u64) -> Result<(), Errno> {
        let name = self.called(id);
        if self.count(Operation::SyncDirectory, &name)?.is_some() {
            return Err(EIO);
        }
        if !self.lies {
            let node = self.nodes.get_mut(&id).ok_or(ENOENT)?;
            node.renamed.clear();
            node.durable_names = node.names.clone();
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr), keep: bool) -> Result<(), Errno> {
        self.count(Operation::Rename, &from.1.to_string_lossy())?;
        let id = self.find(from.0, from.1).ok_or(ENOENT)?;
        if keep && self.find(to.0, to.1).is_some() {
            return Err(EEXIST);
        }
        if let Some(node) = self.nodes.get_mut(&id) {
            node.called = to.1.to_string_lossy().into_owned();
        }
        if let Some(directory) = self.nodes.get_mut(&from.0) {
            directory.names.remove(from.1);
            if from.0 != to.0 {
                directory.renamed.push(vec![(from.1.to_owned(), None)]);
            }
        }
        if let Some(directory) = self.nodes.get_mut(&to.0) {
            directory.names.insert(to.1.to_owned(), id);
            let mut change = vec![(to.1.to_owned(), Some(id))];
            if from.0 == to.0 {
                // One change, whole or not at all: that is what a rename promises.
                change.push((from.1.to_owned(), None));
            }
            directory.renamed.push(change);
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, parent: u64, name: &OsStr, directory: bool) -> Result<(), Errno> {
        self.count(Operation::Remove, &name.to_string_lossy())?;
        let id = self.find(parent, name).ok_or(ENOENT)?;
        if directory && self.nodes.get(&id).is_some_and(|node| !node.names.is_empty()) {
            return Err(ENOTEMPTY);
        }
        if let Some(node) = self.nodes.get_mut(&parent) {
            node.names.remove(name);
            node.renamed.push(vec![(name.to_owned(), None)]);
        }
        Ok(())
    }

    /// What a power cut at this moment leaves.
    pub fn image(&self, dice: &mut Dice, cut: Cut) -> Image {
        Image::of(self, dice, cut)
    }
}
