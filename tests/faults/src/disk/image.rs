//! What a power cut leaves, as files: written where a program can start on them.

use super::{
    SECTOR, Store,
    store::{Kind, Node, ROOT},
};
use crate::seed::Dice;
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// How the power goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cut {
    /// A sector that was being written holds the beginning of the new and the end of the old.
    pub torn: bool,
    /// A sector that was being written holds anything.
    pub garbage: bool,
}

/// The files of a disk; a directory holds nothing.
#[derive(Debug, Clone, Default)]
pub struct Image {
    pub(super) files: BTreeMap<PathBuf, Option<Vec<u8>>>,
}

impl Image {
    pub(super) fn of(store: &Store, dice: &mut Dice, cut: Cut) -> Self {
        let mut image = Self::default();
        image.walk(store, ROOT, Path::new(""), dice, cut);
        image
    }

    fn walk(&mut self, store: &Store, id: u64, path: &Path, dice: &mut Dice, cut: Cut) {
        let Some(node) = store.nodes.get(&id) else { return };
        for (name, id) in names(node, dice) {
            let path = path.join(name);
            let Some(node) = store.nodes.get(&id) else {
                continue;
            };
            match node.kind {
                Kind::Directory => {
                    self.files.insert(path.clone(), None);
                    self.walk(store, id, &path, dice, cut);
                }
                Kind::File => {
                    self.files.insert(path, Some(bytes(node, dice, cut)));
                }
                Kind::Socket => {}
            }
        }
    }

    /// Writes it as plain files into an empty directory.
    pub fn write(&self, into: &Path) -> io::Result<()> {
        let make = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        make(into)?;
        for (path, file) in &self.files {
            let path = into.join(path);
            match file {
                None => make(&path)?,
                Some(bytes) => {
                    let mut options = fs::OpenOptions::new();
                    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
                    io::Write::write_all(&mut file, bytes)?;
                }
            }
        }
        Ok(())
    }

    /// The files of a directory, as if a power cut had left them.
    pub fn read(from: &Path) -> io::Result<Self> {
        let mut image = Self::default();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(from.join(&folder))? {
                let entry = entry?;
                let (path, kind) = (folder.join(entry.file_name()), entry.file_type()?);
                if kind.is_dir() {
                    image.files.insert(path.clone(), None);
                    folders.push(path);
                } else if kind.is_file() {
                    image.files.insert(path, Some(fs::read(entry.path())?));
                }
            }
        }
        Ok(image)
    }

    /// How many files it holds.
    pub fn count(&self) -> usize {
        self.files.values().flatten().count()
    }
}

/// The names a directory has after the cut: a journal keeps the changes up to some moment.
fn names(node: &Node, dice: &mut Dice) -> BTreeMap<OsString, u64> {
    let mut names = node.durable_names.clone();
    let kept = dice.below(node.renamed.len() as u64 + 1) as usize;
    for change in &node.renamed[..kept] {
        for (name, id) in change {
            match id {
                Some(id) => names.insert(name.clone(), *id),
                None => names.remove(name),
            };
        }
    }
    names
}

/// The bytes of a file after the cut: each sector that was not synced is any of its versions, or the one before.
fn bytes(node: &Node, dice: &mut Dice, cut: Cut) -> Vec<u8> {
    let mut bytes = node.durable.clone();
    if node.live.len() != bytes.len() && dice.falls(1, 2) {
        bytes.resize(node.live.len(), 0);
    }
    for (sector, versions) in &node.versions {
        let kept = dice.below(versions.len() as u64 + 1) as usize;
        let Some(version) = kept.checked_sub(1).map(|index| &versions[index]) else {
            continue;
        };
        let begin = sector * SECTOR;
        let end = (begin + SECTOR).min(bytes.len());
        if begin >= end {
            continue;
        }
        let whole = &mut bytes[begin..end];
        let upto = if cut.torn && dice.falls(1, 4) {
            dice.below(whole.len() as u64) as usize
        } else {
            whole.len()
        };
        whole[..upto].copy_from_slice(&version[..upto]);
        if cut.garbage && dice.falls(1, 2) {
            dice.fill(whole);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::ffi::OsStr;

    fn disk() -> (Store, u64) {
        let mut store = Store::new(Dice::new(1));
        let id = store
            .make(ROOT, OsStr::new("segment"), Kind::File, 0o600)
            .unwrap();
        (store, id)
    }

    fn images(store: &Store) -> Vec<Image> {
        (0..64)
            .map(|seed| store.image(&mut Dice::new(seed), Cut::default()))
            .collect()
    }

    fn held(image: &Image) -> Option<Vec<u8>> {
        image.files.get(Path::new("segment")).cloned().flatten()
    }

    #[test]
    fn what_was_synced_with_its_name_is_there_after_every_cut() {
        let (mut store, id) = disk();
        store.write(id, 0, &[7; 2048]).unwrap();
        store.sync(id).unwrap();
        store.sync_directory(ROOT).unwrap();
        store.write(id, 2048, &[8; 2048]).unwrap();
        for image in images(&store) {
            assert_eq!(held(&image).unwrap()[..2048], [7; 2048]);
        }
    }

    #[test]
    fn what_was_not_synced_is_there_in_some_images_and_in_part_in_others() {
        let (mut store, id) = disk();
        store.sync_directory(ROOT).unwrap();
        store.write(id, 0, &[7; 2048]).unwrap();
        let found: Vec<Vec<u8>> = images(&store).iter().filter_map(held).collect();
        assert!(found.iter().any(Vec::is_empty));
        let in_part = |bytes: &Vec<u8>| bytes.contains(&7) && bytes.contains(&0);
        assert!(found.iter().any(in_part));
    }

    #[test]
    fn a_name_is_lost_when_its_directory_was_not_synced() {
        let (mut store, id) = disk();
        store.write(id, 0, &[7; 512]).unwrap();
        store.sync(id).unwrap();
        let found = images(&store).iter().filter_map(held).count();
        assert!(found > 0 && found < 64, "{found} of 64 images have the name");
    }

    #[test]
    fn a_rename_is_whole_or_did_not_happen() {
        let (mut store, id) = disk();
        store.write(id, 0, &[7; 512]).unwrap();
        store.sync(id).unwrap();
        store.sync_directory(ROOT).unwrap();
        store
            .rename((ROOT, OsStr::new("segment")), (ROOT, OsStr::new("closed")), false)
            .unwrap();
        for image in images(&store) {
            assert_eq!(image.count(), 1);
        }
    }

    #[test]
    fn a_disk_that_lies_loses_what_it_said_it_had() {
        let (mut store, id) = disk();
        store.lies = true;
        store.write(id, 0, &[7; 512]).unwrap();
        store.sync(id).unwrap();
        store.sync_directory(ROOT).unwrap();
        let whole = |image: &&Image| held(image).is_some_and(|bytes| bytes == [7; 512]);
        let images = images(&store);
        let kept = images.iter().filter(whole).count();
        assert!(kept < 40, "{kept} of 64 kept");
    }

    #[test]
    fn after_a_failed_sync_the_next_one_succeeds_and_proves_nothing() {
        let (mut store, id) = disk();
        store.write(id, 0, &[1; 4096]).unwrap();
        store.sync(id).unwrap();
        store.sync_directory(ROOT).unwrap();
        store.write(id, 0, &[7; 4096]).unwrap();
        store.fail(super::super::Fault {
            operation: super::super::Operation::Sync,
            nth: 1,
            on: "",
            what: super::super::What::Broken,
        });
        assert!(store.sync(id).is_err());
        assert!(store.sync(id).is_ok());
        let bytes = held(&store.image(&mut Dice::new(3), Cut::default())).unwrap();
        assert!(bytes.contains(&1), "all of it reached the platter by chance");
    }

    #[test]
    fn an_image_can_be_put_under_a_program_again() {
        let (mut store, id) = disk();
        store.write(id, 0, &[7; 700]).unwrap();
        store.sync(id).unwrap();
        store
            .make(ROOT, OsStr::new("folder"), Kind::Directory, 0o700)
            .unwrap();
        store.sync_directory(ROOT).unwrap();
        let image = store.image(&mut Dice::new(1), Cut::default());
        let again = Store::holding(&image, Dice::new(2)).image(&mut Dice::new(2), Cut::default());
        assert_eq!(again.files, image.files);
    }
}
