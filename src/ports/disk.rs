//! A directory on a real disk, as the ledger needs it: one owner, files of mode 0600, names made durable.

use crate::flow::needs::{Disk, DiskFile};
use record::Trouble;
use rustix::fs::{Advice, FlockOperation, StatVfs, fadvise, flock, statvfs};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

/// One directory.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// Held as long as this lives, when it was taken: a second owner is refused.
    _lock: Option<File>,
}

impl Directory {
    /// Takes the directory for writing, making it (mode 0700) where it does not exist. Only one process may.
    pub fn take(path: &Path) -> Result<Self, Trouble> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(path).map_err(|error| cannot(path, &error))?;
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path.join("lock"));
        let lock = lock.map_err(|error| cannot(path, &error))?;
        if owned(&lock) {
            settle(path).map_err(|error| cannot(path, &error))?;
            return Ok(Self {
                path: path.to_owned(),
                _lock: Some(lock),
            });
        }
        Err(Trouble::new("ledger-in-use", "another process holds this ledger")
            .at(path.display())
            .means("nothing was changed; the other process goes on recording")
            .so("stop the other gateway first (systemctl stop steelyard), or name another ledger"))
    }

    /// Makes a directory for something that leaves the ledger. One that holds anything already is refused:
    /// nobody could tell afterwards what came from where.
    pub fn make(path: &Path) -> Result<Self, Trouble> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        let empty = made.and_then(|()| Ok(fs::read_dir(path)?.next().is_none()));
        let trouble = match empty {
            Ok(true) => {
                return Ok(Self {
                    path: path.to_owned(),
                    _lock: None,
                });
            }
            Ok(false) => Trouble::new("folder-in-use", "this folder holds something already"),
            Err(error) => Trouble::new("folder-unusable", format!("this folder cannot be made: {error}")),
        };
        Err(trouble
            .at(path.display())
            .means("nothing was written; the ledger was not touched")
            .so("name a folder that does not exist yet"))
    }

    /// Looks at the directory without taking it.
    pub fn look(path: &Path) -> Result<Self, Trouble> {
        if path.is_dir() {
            return Ok(Self {
                path: path.to_owned(),
                _lock: None,
            });
        }
        Err(Trouble::new("no-such-ledger", "there is no ledger here")
            .at(path.display())
            .means("nothing was read and nothing was changed")
            .so("name the directory that holds segment-000001.pages"))
    }
}

/// Makes what is read from now on what the disk holds. After a failed sync the kernel takes its cache for written: a
/// page that never reached the disk reads as whole, the next sync says yes, and the power cut after that takes it
/// away. So what can be written still is synced, and its cache is dropped, before anything is read back.
fn settle(path: &Path) -> io::Result<()> {
    let mut names: Vec<_> = fs::read_dir(path)?
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    names.sort();
    let segment = |name: &str| name.starts_with("segment-") && name.ends_with(".pages");
    let open = |name: &&OsString| segment(&name.to_string_lossy());
    let newest = names.iter().rev().filter(open).take(OPEN_SEGMENTS);
    let beside = names
        .iter()
        .filter(|name| *name == "high-water" || *name == "receipts.jws");
    for name in newest.chain(beside) {
        let file = OpenOptions::new().read(true).write(true).open(path.join(name))?;
        file.sync_all()?;
        // holds because a disk that takes no advice keeps no cache of its own that could deceive
        let _ = fadvise(&file, 0, None, Advice::DontNeed);
    }
    Ok(())
}

/// Segments that can have been written when a process ended: the one, the one before it where the roll was under
/// way, and the one made ahead.
const OPEN_SEGMENTS: usize = 3;

/// Takes the lock. A program that was just started from the process before may hold it for a moment still, so it is
/// asked for a second long.
fn owned(lock: &File) -> bool {
    for _ in 0..20 {
        if flock(lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn cannot(path: &Path, error: &io::Error) -> Trouble {
    Trouble::new(
        "ledger-unusable",
        format!("the ledger's directory cannot be used: {error}"),
    )
    .at(path.display())
    .means("nothing is captured until it can be")
    .so("make the directory and give it to the gateway's user, mode 0700")
}

impl Disk for Directory {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let path = self.path.join(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(Box::new(OpenFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenFile(
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(self.path.join(name))?,
        )))
    }

    fn open_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenFile(File::open(self.path.join(name))?)))
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn free(&self) -> io::Result<u64> {
        let StatVfs {
            f_bavail, f_frsize, ..
        } = statvfs(&self.path)?;
        Ok(f_bavail.saturating_mul(f_frsize))
    }

    fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

#[derive(Debug)]
struct OpenFile(File);

impl DiskFile for OpenFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.0.read_at(&mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(length) => done += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
