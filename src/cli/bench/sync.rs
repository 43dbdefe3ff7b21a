//! One entry a page: what a seal and a page of its own cost beside the disk's own rate. The two are measured in
//! turns of a fraction of a second, so that whatever else the disk does slows both alike.

use super::{
    Figure, not_measured,
    pages::{Readings, key, maker, recorder},
    per_second,
};
use crate::{
    daemon::sealing::{FromSealer, Sealer, ToSealer},
    flow::{
        enter::{Enter, Recorder},
        high_water::HighWater,
        ledger::{self, BLOCK},
        needs::{Clock, Disk, DiskFile},
    },
    ports::{clock::SystemClock, disk::Directory},
};
use record::Trouble;
use std::{
    path::Path,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};
use tokio::sync::mpsc::UnboundedReceiver;

const SEGMENT: u64 = 64 << 20;
const TURN: Duration = Duration::from_millis(250);
/// A page of one entry: a seal line and a reading.
const PAGE: usize = 1200;

pub(super) fn measure(place: &Path, length: Duration) -> Result<Figure, Trouble> {
    let disk: Arc<dyn Disk> = Arc::new(Directory::take(place)?);
    let clock = SystemClock::new();
    let mut bare = Bare::prepared(disk.as_ref()).map_err(not_measured)?;
    let mut sealed = Sealed::start(&disk)?;
    sealed.pages(10)?;
    let (mut syncs, mut alone) = (0, Duration::ZERO);
    let (mut pages, mut under_seal) = (0, Duration::ZERO);
    while alone + under_seal < length || pages == 0 {
        let (done, took) = bare.turn(&clock).map_err(not_measured)?;
        syncs += done;
        alone += took;
        let begun = clock.elapsed();
        sealed.pages(done)?;
        pages += done;
        under_seal += clock.elapsed().saturating_sub(begun);
    }
    let (disk_rate, page_rate) = (per_second(syncs, alone), per_second(pages, under_seal));
    Ok(Figure {
        name: "sync",
        value: page_rate / disk_rate * 100.0,
        unit: "% of the disk",
        target: Some(80.0),
        at_most: false,
        said: format!(
            "one entry a page: {} pages/s, where the disk alone syncs {} blocks/s",
            super::grouped(page_rate),
            super::grouped(disk_rate)
        ),
        conditions: vec![
            ("pages", pages as f64),
            ("pages_per_second", page_rate),
            ("disk_syncs_per_second", disk_rate),
            ("seconds", (alone + under_seal).as_secs_f64()),
        ],
    })
}

/// The disk alone: a prepared file written over and synced, as a segment is.
struct Bare {
    file: Box<dyn DiskFile>,
    at: u64,
}

impl Bare {
    fn prepared(disk: &dyn Disk) -> std::io::Result<Self> {
        let mut file = disk.create("bare")?;
        let fill = vec![b'\n'; 1 << 20];
        for at in (0..SEGMENT).step_by(fill.len()) {
            file.write_at(&fill, at)?;
        }
        file.sync_all()?;
        disk.sync_dir()?;
        Ok(Self { file, at: 0 })
    }

    fn turn(&mut self, clock: &SystemClock) -> std::io::Result<(u64, Duration)> {
        let page = [b'x'; PAGE];
        let begun = clock.elapsed();
        let mut done = 0;
        loop {
            self.file.write_at(&page, self.at)?;
            self.file.sync_data()?;
            self.at = (self.at + BLOCK) % SEGMENT;
            done += 1;
            let took = clock.elapsed().saturating_sub(begun);
            if took >= TURN {
                return Ok((done, took));
            }
        }
    }
}

/// The gateway's own way, with pages that hold no more than one entry.
struct Sealed {
    recorder: Recorder,
    readings: Readings,
    clock: SystemClock,
    input: SyncSender<ToSealer>,
    output: UnboundedReceiver<FromSealer>,
}

impl Sealed {
    fn start(disk: &Arc<dyn Disk>) -> Result<Self, Trouble> {
        let (input, from_here) = std::sync::mpsc::sync_channel(65_536);
        let (to_here, output) = tokio::sync::mpsc::unbounded_channel();
        let sealer = Sealer {
            maker: maker(key()?, 1),
            writer: ledger::open(disk, SEGMENT, |_| None)?.writer,
            high_water: HighWater::open(disk.as_ref()).map_err(not_measured)?.0,
            clock: Arc::new(SystemClock::new()),
            input: from_here,
            output: to_here,
        };
        sealer.start().map_err(not_measured)?;
        Ok(Self {
            recorder: recorder(),
            readings: Readings::default(),
            clock: SystemClock::new(),
            input,
            output,
        })
    }

    /// Enters so many, and returns when the last is captured.
    fn pages(&mut self, count: u64) -> Result<(), Trouble> {
        for _ in 0..count {
            self.recorder.enter(self.readings.next(self.clock.now()));
            for line in self.recorder.take() {
                // holds because a sealer that ended says why, below
                let _ = self.input.send(ToSealer::Line(line));
            }
        }
        for _ in 0..count {
            match self.output.blocking_recv() {
                Some(FromSealer::Captured(place, _)) if place.count == 1 => {}
                Some(FromSealer::Failed(trouble)) => return Err(trouble),
                _ => return Err(not_measured("a page does not hold one entry")),
            }
        }
        Ok(())
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        // holds because a sealer that ended already needs no word
        let _ = self.input.send(ToSealer::Stop);
        while self.output.blocking_recv().is_some() {}
    }
}
