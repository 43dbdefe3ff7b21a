//! A disk that loses power: what was synced stays, of everything else any part may stay, be torn, or go.
//!
//! Bytes are kept in sectors of 512. A sync of a file makes its present bytes durable; a sync of the directory makes
//! its present names durable. A crash keeps, of every sector written since the last sync, either the old or the new,
//! by a seed – and with `garbage` also neither.

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use steelyard::flow::needs::{Disk, DiskFile};

const SECTOR: usize = 512;

#[derive(Clone, Default, Debug)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Default, Debug)]
struct Inside {
    /// Files by a number of their own; names point at them.
    files: BTreeMap<u64, Content>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    next: u64,
    /// Every call counts down; at zero this call fails with this error.
    fail_in: Option<(u64, io::ErrorKind)>,
    /// It goes on failing: the power is gone.
    for_good: bool,
    /// Syncs do nothing: the negative control.
    lying: bool,
    /// Bytes it holds at most.
    room: Option<u64>,
}

impl Inside {
    fn used(&self) -> u64 {
        let named = self.names.values();
        named.map(|number| self.files[number].now.len() as u64).sum()
    }
}

/// A simulated disk.
#[derive(Clone, Default, Debug)]
pub struct SimDisk(Arc<Mutex<Inside>>);

/// A small generator: one seed replays the day.
pub struct Seed(pub u64);

impl Seed {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}

impl SimDisk {
    fn with<T>(&self, act: impl FnOnce(&mut Inside) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    fn call<T>(&self, act: impl FnOnce(&mut Inside) -> io::Result<T>) -> io::Result<T> {
        self.with(|inside| {
            if let Some((left, kind)) = &mut inside.fail_in {
                if *left == 0 {
                    let kind = *kind;
                    if !inside.for_good {
                        inside.fail_in = None;
                    }
                    return Err(kind.into());
                }
                *left -= 1;
            }
            act(inside)
        })
    }

    /// The call after so many others fails.
    pub fn fail_after(&self, calls: u64, kind: io::ErrorKind) {
        self.with(|inside| inside.fail_in = Some((calls, kind)));
    }

    /// After so many calls the power is gone: every further call fails.
    pub fn cut_power_after(&self, calls: u64) {
        self.fail_after(calls, io::ErrorKind::BrokenPipe);
        self.with(|inside| inside.for_good = true);
    }

    /// It holds so many bytes and no more; none: as many as anybody writes.
    pub fn holds_at_most(&self, room: Option<u64>) {
        self.with(|inside| inside.room = room);
    }

    /// What is on it.
    pub fn used(&self) -> u64 {
        self.with(|inside| inside.used())
    }

    /// Syncs say they did, and did not.
    pub fn lie_about_syncs(&self) {
        self.with(|inside| inside.lying = true);
    }

    /// What another machine finds on the disk after the power went.
    pub fn crash(&self, seed: &mut Seed, garbage: bool) -> Self {
        self.with(|inside| {
            let mut after = Inside {
                next: inside.next,
                ..Inside::default()
            };
            for (number, content) in &inside.files {
                let bytes = survive(content, seed, garbage);
                after.files.insert(
                    *number,
                    Content {
                        now: bytes.clone(),
                        durable: bytes,
                    },
                );
            }
            // Names that were not made durable may have come through or not.
            let mut names = inside.durable_names.clone();
            for (name, number) in &inside.names {
                if seed.below(2) == 0 {
                    names.insert(name.clone(), *number);
                }
            }
            for name in inside.durable_names.keys() {
                if !inside.names.contains_key(name) && seed.below(2) == 0 {
                    names.remove(name);
                }
            }
            after.durable_names = names.clone();
            after.names = names;
            Self(Arc::new(Mutex::new(after)))
        })
    }

    /// The bytes of a file, changed in place; for damage on purpose.
    pub fn damage(&self, name: &str, act: impl FnOnce(&mut Vec<u8>)) {
        self.with(|inside| {
            let number = inside.names[name];
            let content = inside.files.get_mut(&number).unwrap();
            act(&mut content.now);
            content.durable = content.now.clone();
        });
    }
}

fn survive(content: &Content, seed: &mut Seed, garbage: bool) -> Vec<u8> {
    let length = content.now.len().max(content.durable.len());
    let mut bytes = content.durable.clone();
    bytes.resize(length, 0);
    let mut new = content.now.clone();
    new.resize(length, 0);
    for at in (0..length).step_by(SECTOR) {
        let end = (at + SECTOR).min(length);
        if bytes[at..end] == new[at..end] {
            continue;
        }
        match seed.below(if garbage { 3 } else { 2 }) {
            0 => {}
            1 => bytes[at..end].copy_from_slice(&new[at..end]),
            _ => bytes[at..end]
                .iter_mut()
                .for_each(|byte| *byte = seed.next() as u8),
        }
    }
    if content.durable.len() < content.now.len() && seed.below(2) == 0 {
        bytes.truncate(content.durable.len());
    }
    bytes
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.call(|inside| Ok(inside.names.keys().cloned().collect()))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let number = self.call(|inside| {
            if inside.names.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            inside.next += 1;
            let number = inside.next;
            inside.files.insert(number, Content::default());
            inside.names.insert(name.to_owned(), number);
            Ok(number)
        })?;
        Ok(Box::new(SimFile(self.clone(), number)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let found = self.call(|inside| Ok(inside.names.get(name).copied()))?;
        let number = found.ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimFile(self.clone(), number)))
    }

    fn open_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.open(name)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.call(|inside| {
            let number = inside.names.get(name).copied().ok_or(io::ErrorKind::NotFound)?;
            Ok(inside.files[&number].now.clone())
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.call(|inside| {
            let number = inside.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            inside.names.insert(to.to_owned(), number);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.call(|inside| {
            inside.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
            Ok(())
        })
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.call(|inside| {
            if !inside.lying {
                inside.durable_names = inside.names.clone();
            }
            Ok(())
        })
    }

    fn free(&self) -> io::Result<u64> {
        self.call(|inside| {
            Ok(inside
                .room
                .map_or(1 << 40, |room| room.saturating_sub(inside.used())))
        })
    }

    fn path(&self) -> PathBuf {
        PathBuf::from("simulated")
    }
}

#[derive(Debug)]
struct SimFile(SimDisk, u64);

impl SimFile {
    fn sync(&self) -> io::Result<()> {
        self.0.call(|inside| {
            if !inside.lying {
                let content = inside.files.get_mut(&self.1).unwrap();
                content.durable = content.now.clone();
            }
            Ok(())
        })
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.call(|inside| {
            let bytes = &inside.files[&self.1].now;
            let from = (offset as usize).min(bytes.len());
            let length = buffer.len().min(bytes.len() - from);
            buffer[..length].copy_from_slice(&bytes[from..from + length]);
            Ok(length)
        })
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.call(|inside| {
            let end = offset as usize + bytes.len();
            let more = end.saturating_sub(inside.files[&self.1].now.len()) as u64;
            if more > 0 && inside.room.is_some_and(|room| inside.used() + more > room) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let content = inside.files.get_mut(&self.1).unwrap();
            if content.now.len() < end {
                content.now.resize(end, 0);
            }
            content.now[offset as usize..end].copy_from_slice(bytes);
            Ok(())
        })
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.sync()
    }

    fn len(&self) -> io::Result<u64> {
        self.0.call(|inside| Ok(inside.files[&self.1].now.len() as u64))
    }
}
