//! The seal: the gateway's digital signature over a page. It is the first line of the page.

use crate::{
    flat::{Refused, refuse},
    hash::Hash,
    jws::{self, Jws, Payload},
    key::{PublicKey, Signer},
    stamp::Stamp,
    trouble::Trouble,
};

const TYPE: &str = "steelyard-page";
const MEMBERS: &[&str] = &[
    "gateway",
    "ledger",
    "use",
    "software",
    "epoch",
    "page",
    "first",
    "count",
    "root",
    "prev",
    "config",
    "sealed",
    "zone",
    "boot",
    "clock",
    "clock_error_ms",
];
const USES: &[&str] = &["production", "qualification", "training", "demo"];
const CLOCKS: &[&str] = &["synchronised", "unsynchronised", "unknown"];

/// What a seal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The gateway's name.
    pub gateway: String,
    /// Random id of the ledger, made once.
    pub ledger: String,
    /// `production`, `qualification`, `training` or `demo`; fixed when the ledger is made.
    pub usage: String,
    /// Version of the software that sealed.
    pub software: String,
    /// Epoch of the ledger.
    pub epoch: u64,
    /// Page number.
    pub page: u64,
    /// Number of the first entry.
    pub first: u64,
    /// How many entries, at least one.
    pub count: u64,
    /// Merkle root over their leaves.
    pub root: Hash,
    /// Hash of the previous page's seal line; none on the first.
    pub prev: Option<Hash>,
    /// Leaf of the configuration entry in force; none before the first.
    pub config: Option<Hash>,
    /// When it was sealed, by the gateway's clock.
    pub sealed: Stamp,
    /// Time zone of the plant.
    pub zone: String,
    /// Id of this boot of the machine, so that a power cut is told from a restart.
    pub boot: String,
    /// `synchronised`, `unsynchronised` or `unknown`.
    pub clock: String,
    /// How far off the clock may be.
    pub clock_error_ms: u64,
}

impl Seal {
    /// Number of the last entry.
    pub fn last(&self) -> u64 {
        self.first + self.count - 1
    }

    /// Seals: the line, without line feed.
    pub fn write(&self, signer: &dyn Signer) -> Result<Vec<u8>, Trouble> {
        let payload = Payload::new()
            .text("gateway", &self.gateway)
            .text("ledger", &self.ledger)
            .text("use", &self.usage)
            .text("software", &self.software)
            .number("epoch", self.epoch)
            .number("page", self.page)
            .number("first", self.first)
            .number("count", self.count)
            .hash("root", Some(self.root))
            .hash("prev", self.prev)
            .hash("config", self.config)
            .text("sealed", &self.sealed.to_string())
            .text("zone", &self.zone)
            .text("boot", &self.boot)
            .text("clock", &self.clock)
            .number("clock_error_ms", self.clock_error_ms)
            .done();
        jws::write(TYPE, &payload, signer)
    }
}

/// A seal line that is well formed. It proves nothing until a key says so.
#[derive(Debug)]
pub struct SealLine<'a> {
    jws: Jws<'a>,
    hash: Hash,
    seal: Seal,
}

impl<'a> SealLine<'a> {
    /// Reads a seal line, without line feed.
    pub fn read(line: &'a [u8]) -> Result<Self, Refused> {
        let jws = Jws::read(line, TYPE, MEMBERS)?;
        let said = &jws.payload;
        let word = |name: &'static str, words: &[&str]| -> Result<String, Refused> {
            let text = said.text(name)?;
            if words.contains(&text.as_str()) {
                Ok(text)
            } else {
                refuse("a word the record does not know", 0)
            }
        };
        let at_least_one = |name: &'static str| match said.number(name)? {
            0 => refuse("a number that begins with 1 is 0", 0),
            number => Ok(number),
        };
        let sealed = Stamp::read(&said.text("sealed")?);
        let seal = Seal {
            gateway: said.text("gateway")?,
            ledger: said.text("ledger")?,
            usage: word("use", USES)?,
            software: said.text("software")?,
            epoch: at_least_one("epoch")?,
            page: at_least_one("page")?,
            first: at_least_one("first")?,
            count: at_least_one("count")?,
            root: said.hash("root")?,
            prev: said.hash_or_none("prev")?,
            config: said.hash_or_none("config")?,
            sealed: sealed.map_or_else(|| refuse("a time is not in the form of the record", 0), Ok)?,
            zone: said.text("zone")?,
            boot: said.text("boot")?,
            clock: word("clock", CLOCKS)?,
            clock_error_ms: said.number("clock_error_ms")?,
        };
        Ok(Self {
            jws,
            hash: Hash::of(line),
            seal,
        })
    }

    /// What it says.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// The thumbprint of the key it names.
    pub fn kid(&self) -> Hash {
        self.jws.kid
    }

    /// The hash of the line: what the next page's `prev` and the receipt name.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Whether this key made it.
    pub fn signed_by(&self, key: &PublicKey) -> bool {
        self.jws.signed_by(key)
    }
}
