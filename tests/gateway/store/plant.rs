//! A gateway as a record store sees it: pages with seals, made from nothing but the record crate.

use record::{Draft, Hash, PublicKey, Seal, SecretKey, Signer, Stamp, Tree};
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};
use steelyard::store::{Enrolled, Enrolment};

pub(crate) const NOW: Stamp = Stamp(1_795_000_000_000);

pub(crate) fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

/// The key under which the record store of these tests gives receipts.
pub(crate) fn receipt_key() -> SecretKey {
    key(200)
}

/// A ledger that grows page by page.
pub(crate) struct Ledger {
    pub(crate) gateway: String,
    pub(crate) id: String,
    pub(crate) usage: String,
    pub(crate) key: SecretKey,
    pub(crate) epoch: u64,
    pub(crate) page: u64,
    pub(crate) seq: u64,
    pub(crate) prev: Option<Hash>,
}

impl Ledger {
    pub(crate) fn new(gateway: &str, seed: u8) -> Self {
        Self {
            gateway: gateway.into(),
            id: format!("ledger of {gateway}"),
            usage: "demo".into(),
            key: key(seed),
            epoch: 1,
            page: 1,
            seq: 1,
            prev: None,
        }
    }

    /// The same ledger at the same place: the clone of a disk.
    pub(crate) fn copy(&self) -> Self {
        let key = SecretKey::from_pem(&self.key.to_pem().unwrap()).unwrap();
        Self {
            gateway: self.gateway.clone(),
            id: self.id.clone(),
            usage: self.usage.clone(),
            key,
            ..*self
        }
    }

    /// The next page, with these entries.
    pub(crate) fn seal(&mut self, entries: &[Draft]) -> Vec<u8> {
        let (mut tree, mut lines) = (Tree::default(), Vec::new());
        for (index, entry) in entries.iter().enumerate() {
            tree.push(
                entry
                    .write(self.seq + index as u64, [index as u8; 16], &mut lines)
                    .unwrap(),
            );
            lines.push(b'\n');
        }
        let seal = Seal {
            gateway: self.gateway.clone(),
            ledger: self.id.clone(),
            usage: self.usage.clone(),
            software: "0.1.0".into(),
            epoch: self.epoch,
            page: self.page,
            first: self.seq,
            count: entries.len() as u64,
            root: tree.root(),
            prev: self.prev,
            config: None,
            sealed: NOW,
            zone: "Europe/Berlin".into(),
            boot: "b00t".into(),
            clock: "unknown".into(),
            clock_error_ms: 0,
        };
        let mut page = seal.write(&self.key).unwrap();
        self.prev = Some(Hash::of(&page));
        self.page += 1;
        self.seq += entries.len() as u64;
        page.push(b'\n');
        page.extend_from_slice(&lines);
        page
    }

    /// The next page with so many readings of a batch.
    pub(crate) fn readings(&mut self, batch: &str, count: usize) -> Vec<u8> {
        let entries: Vec<Draft> = (0..count).map(|n| reading(batch, n)).collect();
        self.seal(&entries)
    }

    /// The last page under the present key; from here on the next one seals.
    pub(crate) fn hand_over(&mut self, to: SecretKey) -> Vec<u8> {
        let entry = Draft::new("key", NOW)
            .with("new", to.public().thumbprint())
            .with("x", to.public().x())
            .with("because", "yearly");
        let page = self.seal(&[reading("B-1", 0), entry]);
        self.key = to;
        page
    }

    /// The first page under the new key.
    pub(crate) fn take_over(&mut self, old: &PublicKey) -> Vec<u8> {
        let entry = Draft::new("key", NOW)
            .with("old", old.thumbprint())
            .with("because", "yearly");
        self.seal(&[entry, reading("B-1", 1)])
    }
}

pub(crate) fn reading(batch: &str, n: usize) -> Draft {
    Draft::new("reading", NOW.plus_ms(n as i64))
        .with("unit", "MX-3")
        .with("batch", batch)
        .with("step", "emulsify")
        .with("run", 1_u32)
        .with("point", "TC-3105.temperature")
        .with("role", "product-temperature")
        .with("quality", "good")
        .with("verdict", "within")
        .with("limits", "rev 7")
        .data("value", format!("{}.{}", 68 + n % 4, n % 10))
        .data("in", "Cel")
        .data("raw", "02AC")
}

/// The gateways of these ledgers, enrolled with the keys they have now.
pub(crate) fn enrolled(ledgers: &[&Ledger]) -> Enrolment {
    Enrolment {
        usage: "demo".into(),
        gateways: ledgers
            .iter()
            .map(|ledger| {
                let keys = vec![ledger.key.public().clone()];
                (
                    ledger.gateway.clone(),
                    Enrolled {
                        keys,
                        ledgers: Vec::new(),
                    },
                )
            })
            .collect(),
    }
}

/// A directory of one test alone; gone with it.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let place = std::env::temp_dir().join(format!("steelyard-store-{}-{number}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        Self(place)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("store.sqlite")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
