//! A backup of a gateway: its ledger as far as it goes, receipts, public keys, configuration, and a list of it all.
//!
//! Taken while the gateway records. Receipts are copied first and pages after, so no receipt names a page that is not
//! there; of the segment being written only whole pages are taken. Nothing in the ledger is touched.

mod manifest;

pub(super) use manifest::{MANIFEST, Manifest};

use crate::{
    config::{self, Source},
    evidence::{self, Expected, Folder},
    flow::{
        ledger,
        needs::{Disk, DiskFile, Files},
    },
    ports::{
        disk::Directory,
        files::{self, SystemFiles},
    },
};
use manifest::Copied;
use record::{Piece, Scanner, Trouble};
use sha2::{Digest, Sha256};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Below the backup: the configuration as it is written.
pub(super) const CONFIGURATION: &str = "configuration";
/// Below the backup, only where somebody asked for it: the gateway's secret key.
pub(super) const SECRET: &str = "signing.key";
const RECEIPTS: &str = "receipts.jws";
const KEYS: &str = "keys.jwks";
const PIECE: usize = 1 << 20;
/// A segment may be compressed while it is being copied: then the list is read again, so often at most.
const AGAIN: usize = 5;

/// Copies everything; what an earlier backup in the same place has of closed segments stays.
pub(super) fn make(source: &Source, ledger: &Path, to: &Path, with_keys: bool) -> Result<Manifest, Trouble> {
    let from = Directory::look(ledger)?;
    let into = Directory::take(to)?;
    let before = Manifest::of(&into)?;
    let id = ledger::id(&from)
        .map_err(|error| cannot(ledger, &error))?
        .ok_or_else(|| nothing(ledger))?;
    if let Some(before) = before.as_ref().filter(|before| before.ledger != id) {
        return Err(Trouble::new(
            "backup-of-another",
            format!(
                "this directory holds a backup of the ledger {} of {}",
                before.ledger, before.gateway
            ),
        )
        .at(to.display())
        .means("nothing was written; both the ledger and that backup are as they were")
        .so("name a directory of its own for each gateway"));
    }
    let mut made = Copies {
        from: &from,
        into: &into,
        before: before.as_ref(),
        files: Vec::new(),
    };
    made.receipts()?;
    made.segments()?;
    made.whole(KEYS)?;
    let mut files = made.files;
    write_configuration(source, &to.join(CONFIGURATION))?;
    let secret = to.join(SECRET);
    if SystemFiles.read(&secret).is_ok() {
        files::remove_file(&secret).map_err(|error| cannot(&secret, &error))?;
    }
    if with_keys {
        copy_secret(source, &secret)?;
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let manifest = Manifest::about(&into, id, files, with_keys)?;
    manifest.write(&into)?;
    Ok(manifest)
}

/// Whether what lies there is what was copied, and a ledger that holds.
pub(super) fn check(at: &Path, manifest: &Manifest) -> Result<evidence::Finding, Trouble> {
    let disk = Directory::look(at)?;
    for file in &manifest.files {
        let (size, sha256) = sum(&disk, &file.name).map_err(|error| cannot(&at.join(&file.name), &error))?;
        if (size, sha256.as_str()) != (file.size, file.sha256.as_str()) {
            return Err(
                Trouble::new("backup-damaged", format!("{} is not what was copied", file.name))
                    .at(at.join(&file.name).display())
                    .means("nothing was made from this backup; the gateway's own disk is not concerned")
                    .so("take another backup, or copy this one again from where it came"),
            );
        }
    }
    let name = at.display().to_string();
    Ok(evidence::verify(
        &Folder::open(&disk)?,
        &name,
        &Expected::default(),
    ))
}

struct Copies<'a> {
    from: &'a Directory,
    into: &'a Directory,
    before: Option<&'a Manifest>,
    files: Vec<Copied>,
}

impl Copies<'_> {
    /// Whole lines only: the last one may be in the middle of being written.
    fn receipts(&mut self) -> Result<(), Trouble> {
        let Ok(mut bytes) = self.from.read(RECEIPTS) else {
            return Ok(());
        };
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        bytes.truncate(whole);
        self.put(RECEIPTS, &mut &bytes[..])
    }

    fn whole(&mut self, name: &str) -> Result<(), Trouble> {
        let bytes = self
            .from
            .read(name)
            .map_err(|error| cannot(&self.from.path().join(name), &error))?;
        self.put(name, &mut &bytes[..])
    }

    fn segments(&mut self) -> Result<(), Trouble> {
        let unreadable = |error| cannot(&self.from.path(), &error);
        let mut done = 0;
        for _ in 0..AGAIN {
            let segments = ledger::segments(self.from).map_err(unreadable)?;
            let last = segments.iter().map(|(number, _)| *number).max().unwrap_or(0);
            let mut vanished = false;
            for (number, compressed) in segments {
                if number <= done {
                    continue;
                }
                let copied = if number + 1 >= last && !compressed {
                    // it may be written to just now, or have been made ahead of need
                    self.pages(number)
                } else {
                    self.closed(number, compressed)
                };
                match copied {
                    Ok(()) => done = number,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        vanished = true;
                        break;
                    }
                    Err(error) => return Err(unreadable(error)),
                }
            }
            if !vanished {
                return Ok(());
            }
        }
        Err(unreadable(io::Error::other(
            "segments went while they were copied",
        )))
    }

    /// A closed segment as it lies, byte for byte.
    fn closed(&mut self, number: u64, compressed: bool) -> io::Result<()> {
        let name = ledger::file_name(number, compressed);
        let size = self.from.open_read(&name)?.len()?;
        let known = self
            .before
            .and_then(|before| before.file(&name))
            .filter(|known| known.size == size);
        let there = self.into.open_read(&name).and_then(|file| file.len()).ok();
        if let Some(known) = known.filter(|_| there == Some(size)) {
            self.files.push(known.clone());
            return Ok(());
        }
        // an earlier backup may have it from before it was compressed
        let other = ledger::file_name(number, !compressed);
        if self.into.open_read(&other).is_ok() {
            self.into.remove(&other)?;
        }
        let mut reader = Reading {
            file: self.from.open_read(&name)?,
            at: 0,
        };
        self.copy(&name, &mut reader)
    }

    /// The whole pages of a segment that is open.
    fn pages(&mut self, number: u64) -> io::Result<()> {
        let name = ledger::file_name(number, false);
        let mut bytes = self.from.read(&name)?;
        let (mut scanner, mut end) = (Scanner::default(), 0);
        scanner.feed(&bytes, true, |piece| {
            if let Piece::Page(at, page) = piece {
                end = at as usize + page.bytes().len();
            }
        });
        bytes.truncate(end);
        if bytes.is_empty() {
            return Ok(());
        }
        self.copy(&name, &mut &bytes[..])
    }

    fn put(&mut self, name: &str, from: &mut dyn io::Read) -> Result<(), Trouble> {
        self.copy(name, from)
            .map_err(|error| cannot(&self.into.path().join(name), &error))
    }

    /// Under another name, synced, renamed.
    fn copy(&mut self, name: &str, from: &mut dyn io::Read) -> io::Result<()> {
        let temporary = format!("{name}.copying");
        if self.into.open_read(&temporary).is_ok() {
            self.into.remove(&temporary)?;
        }
        let mut file = self.into.create(&temporary)?;
        let (mut sum, mut at, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
        loop {
            let length = from.read(&mut piece)?;
            if length == 0 {
                break;
            }
            file.write_at(&piece[..length], at)?;
            sum.update(&piece[..length]);
            at += length as u64;
        }
        file.sync_all()?;
        self.into.rename(&temporary, name)?;
        self.into.sync_dir()?;
        self.files.push(Copied {
            name: name.to_owned(),
            size: at,
            sha256: hex(&sum.finalize()),
        });
        Ok(())
    }
}

struct Reading {
    file: Box<dyn DiskFile>,
    at: u64,
}

impl io::Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}

fn sum(disk: &dyn Disk, name: &str) -> io::Result<(u64, String)> {
    let mut reader = Reading {
        file: disk.open_read(name)?,
        at: 0,
    };
    let (mut sum, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        let length = io::Read::read(&mut reader, &mut piece)?;
        if length == 0 {
            return Ok((reader.at, hex(&sum.finalize())));
        }
        sum.update(&piece[..length]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The configuration as it is written on this machine, with the site's drivers and recipes.
fn write_configuration(source: &Source, to: &Path) -> Result<(), Trouble> {
    let mut texts = vec![(PathBuf::from("steelyard.toml"), &source.text)];
    for (folder, files) in [("drivers", &source.drivers), ("recipes", &source.recipes)] {
        texts.extend(
            files
                .iter()
                .map(|(name, text)| (Path::new(folder).join(name), text)),
        );
    }
    for (name, text) in texts {
        let path = to.join(name);
        let made = path.parent().map_or(Ok(()), files::make_directory);
        made.and_then(|()| SystemFiles.write(&path, text.as_bytes()))
            .map_err(|error| cannot(&path, &error))?;
    }
    Ok(())
}

fn copy_secret(source: &Source, to: &Path) -> Result<(), Trouble> {
    let plant = config::read(source.clone()).map_err(|_| {
        Trouble::new(
            "backup-failed",
            "the configuration cannot be read, so the signing key cannot be found",
        )
        .at(&source.name)
        .means("the rest is copied; the key is not")
        .so("run `steelyard check` on it, or take the backup without --with-keys")
    })?;
    let secret = SystemFiles.read_secret(&plant.gateway.signing_key)?;
    SystemFiles
        .write_secret(to, &secret)
        .map_err(|error| cannot(to, &error))
}

fn nothing(at: &Path) -> Trouble {
    Trouble::new("nothing-captured", "nothing is captured here yet")
        .at(at.display())
        .means("there is nothing to copy")
        .so("name the ledger's configuration")
}

fn cannot(at: &Path, error: &io::Error) -> Trouble {
    Trouble::new("backup-failed", format!("this could not be copied: {error}"))
        .at(at.display())
        .means("the backup is not whole; the ledger was not touched")
        .so("look at the room and the rights there, and take it again")
}
