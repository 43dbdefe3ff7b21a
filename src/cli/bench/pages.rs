//! What the benchmarks record: the readings of a mixer, as a plant records them, and pages of them in memory.

use crate::{
    flow::{
        enter::{Enter, Recorder},
        ledger::BLOCK,
        needs::{Clock, Random},
        seal::{Head, Identity, PageMaker, SealedPage},
    },
    ports::{clock::SystemClock, machine, random::SystemRandom},
};
use record::{Draft, KeySet, PublicKey, Role, SecretKey, Signer, Stamp, Trouble, verify::Check};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// The gateway's name.
pub(super) const GATEWAY: &str = "bench";
/// The ledger's id.
pub(super) const LEDGER: &str = "bench";

/// Readings of one temperature in one step of one batch.
#[derive(Debug, Default)]
pub(super) struct Readings(u64);

impl Readings {
    pub(super) fn next(&mut self, now: Stamp) -> Draft {
        self.0 += 1;
        let tenths = 700 + self.0 % 40;
        Draft::new("reading", now)
            .with("unit", "MX-3")
            .with("batch", "B-2611-042")
            .with("step", "emulsify")
            .with("run", 1_u64)
            .with("point", "TC-3105.temperature")
            .with("role", "product-temperature")
            .with("quality", "good")
            .with("verdict", "within")
            .with("limits", "rev 7")
            .data("value", format!("{}.{}", tenths / 10, tenths % 10))
            .data("in", "Cel")
            .data("raw", format!("{tenths:04X}"))
            .data("read", now.plus_ms(13))
            .data("low", "68.0")
            .data("high", "76.0")
    }
}

/// What every seal says.
pub(super) fn identity() -> Identity {
    of_gateway(GATEWAY)
}

fn of_gateway(name: &str) -> Identity {
    Identity {
        gateway: name.to_owned(),
        ledger: LEDGER.to_owned(),
        usage: "demo".to_owned(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
        zone: "UTC".to_owned(),
        boot: machine::boot(),
    }
}

/// A fresh key.
pub(super) fn key() -> Result<Arc<SecretKey>, Trouble> {
    let mut seed = [0; 32];
    SystemRandom.fill(&mut seed)?;
    Ok(Arc::new(SecretKey::from_seed(&seed)))
}

/// Gives numbers, from the first.
pub(super) fn recorder() -> Recorder {
    Recorder::new(0, HashMap::new(), Arc::new(SystemRandom))
}

/// Makes pages, from the first, up to this many bytes each.
pub(super) fn maker(key: Arc<SecretKey>, full: usize) -> PageMaker {
    PageMaker::new(identity(), key, Head::start(), Duration::from_secs(1), full)
}

/// Pages made in memory, one after the other.
pub(super) struct Pages {
    recorder: Recorder,
    maker: PageMaker,
    readings: Readings,
    clock: SystemClock,
    each: usize,
}

impl Pages {
    /// With so many entries each.
    pub(super) fn new(key: Arc<SecretKey>, each: usize) -> Self {
        Self::of(key, each, GATEWAY)
    }

    /// The same of a gateway with this name.
    pub(super) fn of(key: Arc<SecretKey>, each: usize, gateway: &str) -> Self {
        let within = Duration::from_secs(1);
        Self {
            recorder: recorder(),
            maker: PageMaker::new(of_gateway(gateway), key, Head::start(), within, usize::MAX),
            readings: Readings::default(),
            clock: SystemClock::new(),
            each,
        }
    }

    pub(super) fn next(&mut self) -> Result<SealedPage, Trouble> {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        for _ in 0..self.each {
            self.recorder.enter(self.readings.next(now));
        }
        for line in self.recorder.take() {
            self.maker.add(line, elapsed)?;
        }
        let made = self.maker.make(now, ("unknown", 0), elapsed)?;
        made.ok_or_else(|| super::not_measured("a page of no entries was asked for"))
    }
}

/// A whole ledger in memory, as its segment stands on the disk.
pub(super) struct Ledger {
    bytes: Vec<u8>,
    key: PublicKey,
}

impl Ledger {
    /// So many pages of so many entries.
    pub(super) fn made(each: usize, pages: u64) -> Result<Self, Trouble> {
        let key = key()?;
        let mut making = Pages::new(key.clone(), each);
        let mut bytes = Vec::new();
        for _ in 0..pages {
            bytes.extend_from_slice(&making.next()?.bytes);
            bytes.resize(bytes.len().next_multiple_of(BLOCK as usize), b'\n');
        }
        Ok(Self {
            bytes,
            key: key.public().clone(),
        })
    }

    /// Everything `steelyard verify` checks, in chunks as it reads them.
    pub(super) fn check(&self) -> record::verify::Report {
        let mut keys = KeySet::default();
        // holds because the set is empty before
        let _ = keys.add(self.key.clone(), Role::Page);
        let mut check = Check::new(keys);
        check.segment("segment-000001.pages", false);
        for chunk in self.bytes.chunks(CHUNK) {
            check.feed(chunk, false);
        }
        check.feed(&[], true);
        check.finish()
    }
}

/// `evidence` reads a segment in pieces like this.
const CHUNK: usize = 256 << 10;
