//! What a backup says of itself: `backup.json`.

use super::{cannot, nothing};
use crate::{
    evidence::Folder,
    flow::needs::{Clock, Disk, Files},
    ports::{clock::SystemClock, disk::Directory, files::SystemFiles},
};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(in crate::cli) const MANIFEST: &str = "backup.json";

/// One file of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct Copied {
    pub name: String,
    pub size: u64,
    pub sha256: String,
}

/// The whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct Manifest {
    pub format: u32,
    pub made: String,
    pub software: String,
    pub gateway: String,
    pub ledger: String,
    #[serde(rename = "use")]
    pub usage: String,
    pub epoch: u64,
    pub pages: u64,
    pub last_page: u64,
    pub last_seq: u64,
    pub last_sealed: String,
    pub receipts: u64,
    /// Whether the secret key is in it.
    pub with_keys: bool,
    pub files: Vec<Copied>,
}

impl Manifest {
    /// What the copied pages say of themselves.
    pub(super) fn about(
        disk: &Directory,
        ledger: String,
        files: Vec<Copied>,
        with_keys: bool,
    ) -> Result<Self, Trouble> {
        let folder = Folder::open(disk)?;
        let (mut pages, mut last, mut receipts) = (0, None, 0);
        folder.each_page(|page| {
            pages += 1;
            last = Some(page.seal().seal().clone());
        })?;
        folder.each_receipt(|_, _| receipts += 1)?;
        let last = last.ok_or_else(|| nothing(&disk.path()))?;
        Ok(Self {
            format: 1,
            made: SystemClock::new().now().to_string(),
            software: env!("CARGO_PKG_VERSION").to_owned(),
            last_seq: last.last(),
            gateway: last.gateway,
            ledger,
            usage: last.usage,
            epoch: last.epoch,
            pages,
            last_page: last.page,
            last_sealed: last.sealed.to_string(),
            receipts,
            with_keys,
            files,
        })
    }

    /// The one that lies there; none in a fresh directory.
    pub(in crate::cli) fn of(disk: &Directory) -> Result<Option<Self>, Trouble> {
        let Ok(bytes) = disk.read(MANIFEST) else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            Trouble::new("backup-damaged", format!("{MANIFEST} cannot be read: {error}"))
                .at(disk.path().join(MANIFEST).display())
                .means("nothing was made from this backup and nothing was written into it")
                .so("take another backup into a new directory")
        })
    }

    pub(super) fn file(&self, name: &str) -> Option<&Copied> {
        self.files.iter().find(|file| file.name == name)
    }

    /// Last of all: a backup without it is not whole.
    pub(super) fn write(&self, disk: &Directory) -> Result<(), Trouble> {
        let path = disk.path().join(MANIFEST);
        // holds because it is made of texts and numbers
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        SystemFiles
            .write(&path, format!("{text}\n").as_bytes())
            .map_err(|error| cannot(&path, &error))
    }
}
