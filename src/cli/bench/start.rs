//! A start on a ledger that has grown: opened, recalled and ready, with every page pending and a thousand steps open.
//!
//! The ledger is made by the gateway's own recorder, page maker and index; only the syncs are left out while it is made.

use super::{Figure, beside, not_measured};
use crate::{
    config::{Source, plant::Authority},
    daemon::{
        indexing::{FIGURES, facts_of},
        opening::{self, Open, Outside},
        start::{self, World},
    },
    flow::{
        enter::Enter,
        ledger::Writer,
        line::{Line, LineEvent},
        needs::{Clock, Disk, DiskFile},
        seal::{Identity, PageMaker, SealedPage},
    },
    ports::{
        clock::SystemClock,
        files::{self, SystemFiles},
        index::Index,
        links::SystemLinks,
        mqtt::Mqtt,
        random::SystemRandom,
        servers::servers,
    },
};
use record::{Draft, Signer, Stamp, Trouble};
use std::{
    fmt::Write,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Units, and steps side by side in each.
const UNITS: u64 = 50;
const STEPS: u64 = 20;
/// Readings of a page.
const EACH: u64 = 100;

/// Makes the ledger, then starts on it.
pub(super) async fn measure(place: &Path, entries: u64) -> Result<Figure, Trouble> {
    files::make_directory(place).map_err(not_measured)?;
    let outside = Outside {
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        files: Arc::new(SystemFiles),
    };
    let source = source(place);
    let open = open(&source, &outside).await?;
    let (index, ledger) = (open.index.clone(), open.plant.gateway.ledger.clone());
    make(open, entries).await?;
    index.close().await;

    let clock = outside.clock.clone();
    let begun = clock.elapsed();
    let open = self::open(&source, &outside).await?;
    let opened = clock.elapsed();
    let world = World {
        outside,
        links: Arc::new(SystemLinks),
        servers: servers(Arc::new(SystemClock::new())),
        broker: Arc::new(Mqtt),
        told: None,
    };
    let mut running = start::start(open, world).await?;
    running.board.changed().await.map_err(not_measured)?;
    let ready = clock.elapsed();
    let shown = running.board.borrow().units.len() as f64;
    running.stop(Duration::ZERO).await?;
    let bytes = length_of(&ledger);
    let took = ready.saturating_sub(begun);
    Ok(Figure {
        name: "start",
        value: took.as_secs_f64() * 1e3,
        unit: "ms",
        target: Some(2_000.0),
        at_most: true,
        said: format!(
            "from nothing to ready on a ledger of {entries} entries, all pending, {} steps open; {} MiB on the disk",
            UNITS * STEPS,
            bytes >> 20
        ),
        conditions: vec![
            ("entries", entries as f64),
            ("open_steps", (UNITS * STEPS) as f64),
            ("units", shown),
            ("opening_ms", opened.saturating_sub(begun).as_secs_f64() * 1e3),
            ("ledger_bytes", bytes as f64),
        ],
    })
}

async fn open(source: &Source, outside: &Outside) -> Result<Open, Trouble> {
    let opened = opening::open(source.clone(), true, outside).await;
    opened.map_err(|refusals| {
        let words: Vec<String> = refusals.into_iter().map(|refusal| refusal.0).collect();
        not_measured(words.join("\n"))
    })
}

fn length_of(ledger: &Path) -> u64 {
    let disk = crate::ports::disk::Directory::look(ledger);
    let names = disk.as_ref().map(|disk| disk.list().unwrap_or_default());
    let pages = names.unwrap_or_default();
    let pages = pages
        .iter()
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "pages"));
    disk.map_or(0, |disk| {
        pages
            .filter_map(|name| disk.open_read(name).ok()?.len().ok())
            .sum()
    })
}

fn source(place: &Path) -> Source {
    let dir = place.display();
    let mut text = format!(
        "format = 1\n[gateway]\nname = \"bench\"\nplant = \"bench\"\nuse = \"demo\"\nledger = \"{dir}/bench.ledger\"\n\
         signing_key = \"{dir}/bench.key\"\nstop_capture_below = \"1 MiB free\"\n\
         [record_store]\nbroker = \"mqtt://127.0.0.1:1\"\nrelease_on = \"broker\"\n\
         [equipment.TC-1]\ndriver = \"tc200\"\nedition = 2\nmodbus_tcp = \"127.0.0.1:1\"\nrecord_with_draft = true\n"
    );
    for unit in 0..UNITS {
        // holds because writing to a String never fails
        let _ = write!(
            text,
            "[unit.U-{unit}]\nkind = \"mixer\"\nauthority = \"mqtt\"\n[unit.U-{unit}.roles]\ntemperature = \"TC-1.temperature\"\n"
        );
    }
    Source {
        name: format!("{dir}/steelyard.toml"),
        text,
        drivers: Vec::new(),
        recipes: Vec::new(),
    }
}

/// The ledger: what a first start enters, a thousand running steps, then readings of them one after the other.
async fn make(open: Open, entries: u64) -> Result<(), Trouble> {
    let index = open.index.clone();
    let (pages, from_maker) = std::sync::mpsc::sync_channel::<(crate::flow::ledger::Place, SealedPage)>(256);
    let indexing = tokio::spawn(follow(index.clone(), from_maker));
    let figures = beside(move || fill(open, entries, &pages)).await?;
    indexing.await.map_err(not_measured)??;
    index.set(FIGURES, &figures).await
}

async fn follow(
    index: Index,
    pages: std::sync::mpsc::Receiver<(crate::flow::ledger::Place, SealedPage)>,
) -> Result<(), Trouble> {
    loop {
        let waited = tokio::task::block_in_place(|| pages.recv());
        let Ok(first) = waited else { return Ok(()) };
        let batch: Vec<_> = std::iter::once(first)
            .chain(pages.try_iter().take(2_000))
            .map(|(place, page)| facts_of(place, page.lines))
            .collect();
        index.add(&batch).await?;
    }
}

fn fill(
    mut open: Open,
    entries: u64,
    pages: &std::sync::mpsc::SyncSender<(crate::flow::ledger::Place, SealedPage)>,
) -> Result<String, Trouble> {
    let clock = SystemClock::new();
    let now = clock.now();
    let identity: Identity = open.identity.clone();
    let signer: Arc<dyn Signer> = open.signer.clone();
    let mut maker = PageMaker::new(identity, signer, open.head, Duration::from_secs(1), usize::MAX);
    // Sealed by the same recorder, written through a disk that does not wait.
    let slow: Arc<dyn Disk> = open.disk.clone();
    let unsynced: Arc<dyn Disk> = Arc::new(Unsynced(slow));
    let opened = crate::flow::ledger::open(&unsynced, open.plant.gateway.segment_bytes, |_| None)?;
    let mut writer: Writer = opened.writer;
    let mut line = Line::new(&open.plant);
    for unit in 0..UNITS {
        line.next(context(unit, now), &mut open.recorder);
    }
    let first = open.recorder.next();
    let mut flush = |open: &mut Open| -> Result<(), Trouble> {
        for line in open.recorder.take() {
            maker.add(line, clock.elapsed())?;
        }
        if let Some(page) = maker.make(now, ("unknown", 0), clock.elapsed())? {
            let place = writer.append(&page)?;
            pages
                .send((place, page))
                .map_err(|_| not_measured("the index ended"))?;
        }
        Ok(())
    };
    flush(&mut open)?;
    for number in first..=entries.max(first) {
        open.recorder.enter(reading(number, now));
        if number % EACH == 0 {
            flush(&mut open)?;
        }
    }
    flush(&mut open)?;
    open.high_water.mark(&maker.head()).map_err(not_measured)?;
    let figures = line.figures(open.recorder.next() - 1);
    serde_json::to_string(&figures).map_err(not_measured)
}

fn context(unit: u64, now: Stamp) -> LineEvent {
    let runs: Vec<String> = (0..STEPS)
        .map(|step| format!(r#"{{"step":"step-{step}","run":1,"state":"running","started":"{now}"}}"#))
        .collect();
    let text = format!(
        r#"{{"number":1,"sent":"{now}","source":"mes","batch":{{"id":"B-{unit}","revision":"7","state":"running","started":"{now}"}},"runs":[{}]}}"#,
        runs.join(",")
    );
    LineEvent::Context {
        unit: format!("U-{unit}"),
        via: Authority::Mqtt,
        bytes: text.into_bytes(),
        now,
    }
}

fn reading(number: u64, now: Stamp) -> Draft {
    let (unit, step) = (number % UNITS, number / UNITS % STEPS);
    Draft::new("reading", now)
        .with("unit", format!("U-{unit}"))
        .with("batch", format!("B-{unit}"))
        .with("step", format!("step-{step}"))
        .with("run", 1_u64)
        .with("point", "TC-1.temperature")
        .with("role", "temperature")
        .with("quality", "good")
        .with("verdict", "not-judged")
        .data("value", format!("{}.{}", 68 + number % 4, number % 10))
        .data("in", "Cel")
        .data("raw", format!("{:04X}", number % 4096))
        .data("read", now)
}

/// A disk that says it has synced. Only for a ledger nobody rests on.
struct Unsynced(Arc<dyn Disk>);

struct UnsyncedFile(Box<dyn DiskFile>);

impl Disk for Unsynced {
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(UnsyncedFile(self.0.create(name)?)))
    }
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(UnsyncedFile(self.0.open(name)?)))
    }
    fn open_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.0.open_read(name)
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.0.read(name)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
    fn sync_dir(&self) -> io::Result<()> {
        Ok(())
    }
    fn free(&self) -> io::Result<u64> {
        self.0.free()
    }
    fn path(&self) -> PathBuf {
        self.0.path()
    }
}

impl DiskFile for UnsyncedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_at(bytes, offset)
    }
    fn sync_data(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn sync_all(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
}
