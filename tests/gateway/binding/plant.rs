//! A whole plant in one process: equipment, a controller that tells late, a disk that loses power or fills up, a broker
//! that comes and goes, a record store that refuses, forgets and is slow, forged receipts, a clock that steps. Time,
//! disk and network are simulated; recorder, line, page maker, ledger, outbox and receipts are the gateway's own.
//!
//! One seed is one day; on even ones the power is cut as well. After it: what was said to be captured is in the ledger, the ledger is in the store, once and in
//! order; the books balance; every reading stands where it would have stood had the context never been late; the ledger
//! verifies; and a replay comes to the same.
#![allow(clippy::print_stdout)] // a day is shown to whoever asks for it

use super::{
    always::{EACH, Stretch, Told, day},
    world::{at, message, plant, reading},
};
use crate::world::disk::{Seed, SimDisk};
use record::{
    Hash, KeySet, Line as Entry, Page, Receipt, Refusal, Role, SecretKey, Signer, Stamp, StoreWord, Trouble,
    read_ranges, verify::Check,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};
use steelyard::{
    config::plant::Authority,
    flow::{
        books::Readings,
        enter::{BatchSum, Enter, Recorder},
        ledger::{self, Ending, Place, Writer},
        line::{Line, LineEvent, books::Books},
        needs::{Disk, Random},
        outbox::{Action, Counts, Event, Outbox},
        replay::Replay,
        room::Room,
        seal::{Identity, PageMaker},
    },
};

const SEGMENT: u64 = 64 * 1024;
const RECEIPTS: &str = "receipts.jws";
const STOP_BELOW: u64 = 40 * 1024;

struct Salt;
impl Random for Salt {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Trouble> {
        (0..)
            .zip(bytes)
            .for_each(|(i, byte): (usize, _)| *byte = (i * 13) as u8);
        Ok(())
    }
}

fn key(number: u8) -> Arc<SecretKey> {
    Arc::new(SecretKey::from_seed(&[number; 32]))
}

fn keys() -> KeySet {
    let mut keys = KeySet::default();
    keys.add(key(1).public().clone(), Role::Page).unwrap();
    keys.add(key(2).public().clone(), Role::Receipt).unwrap();
    keys
}

/// What is wrong with the gateway on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bug {
    None,
    /// Syncs say they did, and did not.
    SyncSkipped,
    /// Receipts count before their signature is looked at.
    ReceiptsUnverified,
    /// A reading in fifty is dropped between the link and the line.
    ReadingDropped,
}

/// A gateway's process: everything in here is gone when the power goes.
struct Gateway {
    line: Line,
    recorder: Recorder,
    maker: PageMaker,
    writer: Writer,
    outbox: Outbox,
    readings: Readings,
    receipts: u64,
    room: Room,
    stopped: Option<Stamp>,
    page_refused: Vec<(u64, String)>,
}

/// On the wire: due at, what.
enum Wire {
    Page(u64, u64, Vec<u8>),
    Word(Vec<u8>),
}

struct Plant {
    bug: Bug,
    seed: Seed,
    number: u64,
    disk: SimDisk,
    gateway: Option<Gateway>,
    /// Milliseconds since ten o'clock, and how far the wall clock is off.
    now: i64,
    off: i64,
    back_at: i64,
    was: Option<Stamp>,
    broker: bool,
    connected: bool,
    wire: Vec<(i64, Wire)>,
    store: BTreeMap<(u64, u64), Vec<u8>>,
    refused: BTreeSet<(u64, u64)>,
    doubled: u64,
    /// Number and leaf of everything that was said to be captured.
    captured: BTreeMap<u64, Hash>,
    told: usize,
    dropped: u64,
    calm: bool,
    faults: BTreeMap<&'static str, u64>,
    steps_clock: bool,
}

fn disk_of(disk: &SimDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

fn pages(disk: &SimDisk, mut each: impl FnMut(u64, u64, &Page<'_>)) {
    for (number, compressed) in ledger::segments(disk).unwrap() {
        ledger::read_segment(disk, &ledger::file_name(number, compressed), |offset, piece| {
            if let Ok(page) = piece {
                each(number, offset, &page);
            }
        })
        .unwrap();
    }
}

impl Gateway {
    /// Starts as the daemon does: how the ledger ended, what it holds, what is receipted, what has to be said first.
    fn start(disk: &SimDisk, now: Stamp, was: Option<Stamp>, life: u64) -> Result<Self, Trouble> {
        let known = |kid: &Hash| (*kid == key(1).public().thumbprint()).then(|| key(1).public().clone());
        let opened = ledger::open(&disk_of(disk), SEGMENT, known)?;
        let identity = Identity {
            gateway: "line-3".into(),
            ledger: "l".into(),
            usage: "demo".into(),
            software: "0.1.0".into(),
            zone: "UTC".into(),
            boot: format!("boot-{life}"),
        };
        let mut line = Line::new(&plant(0, EACH));
        let mut sums: HashMap<String, BatchSum> = HashMap::new();
        let (mut places, mut lines) = (Vec::new(), Vec::new());
        pages(disk, |segment, offset, page| {
            places.push(place_of(segment, offset, page));
            for (entry, leaf) in page.entries().zip(page.leaves()) {
                if let Some(batch) = entry.text("batch") {
                    let sum = sums.entry(batch).or_default();
                    sum.tree.push(*leaf);
                    sum.closings += u64::from(entry.int("closing").is_some());
                }
                lines.push(entry.bytes().to_vec());
            }
        });
        let entries: Vec<Entry<'_>> = lines.iter().map(|line| Entry::read(line).unwrap()).collect();
        let told = entries
            .iter()
            .filter(|entry| matches!(entry.kind(), "batch" | "step" | "allocation"));
        told.for_each(|entry| line.recall(entry));
        let mut books = Books::default();
        for entry in &entries {
            books.take(&line, entry);
            line.recall(entry);
        }
        line.count_by(&books);
        let mut outbox = Outbox::new(8, false, Counts::default());
        let (held, end) = receipted(disk);
        for place in places {
            if !held.contains(&(place.epoch, place.page)) {
                outbox.next(Event::Captured(place), Duration::ZERO);
            }
        }
        let mut recorder = Recorder::new(opened.head.seq, sums, Arc::new(Salt));
        let back = disk.clone();
        recorder.look_back(Box::new(move |since, each| {
            ledger::since(&back, since, each).unwrap();
        }));
        let mut gateway = Self {
            line,
            recorder,
            maker: PageMaker::new(identity, key(1), opened.head, Duration::from_secs(1), 6_000),
            writer: opened.writer,
            outbox,
            readings: Readings::default(),
            receipts: end,
            room: Room::Enough,
            stopped: None,
            page_refused: Vec::new(),
        };
        gateway.explain(opened.ending, now);
        if let Some(was) = was {
            let (from, until) = (was.min(now), now);
            let because = "power-loss";
            gateway.event(LineEvent::WasOff { from, until, because });
        }
        Ok(gateway)
    }

    fn explain(&mut self, ending: Ending, now: Stamp) {
        let Ending::Torn(torn) = ending else {
            assert!(
                !matches!(ending, Ending::Damaged(_)),
                "a power cut is no damage: {ending:?}"
            );
            return;
        };
        for torn in torn {
            let draft = record::Draft::new("exception", now).with("because", "torn-tail");
            let draft = draft
                .with("segment", torn.segment.as_str())
                .with("offset", torn.offset);
            self.recorder
                .enter(draft.with("length", torn.length).with("sha256", torn.sha256));
        }
    }

    fn event(&mut self, event: LineEvent) {
        self.line.next(event, &mut self.recorder);
    }
}

fn place_of(segment: u64, offset: u64, page: &Page<'_>) -> Place {
    let said = page.seal().seal();
    Place {
        epoch: said.epoch,
        page: said.page,
        first: said.first,
        count: said.count,
        segment,
        offset,
        length: page.bytes().len() as u64,
        seal: page.seal().hash(),
        sealed: said.sealed,
    }
}

/// Pages whose receipt is kept, and where the next one is written.
fn receipted(disk: &SimDisk) -> (BTreeSet<(u64, u64)>, u64) {
    let mut held = BTreeSet::new();
    let bytes = disk.read(RECEIPTS).unwrap_or_default();
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let keys = keys();
    for line in bytes[..whole]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        // What the power tore is no receipt; the page comes again.
        if let Ok(StoreWord::Receipt(receipt)) = StoreWord::read(line, |kid| keys.find(kid, Role::Receipt)) {
            held.insert((receipt.epoch, receipt.page));
        }
    }
    (held, whole as u64)
}

impl Plant {
    fn new(number: u64, bug: Bug) -> Self {
        let disk = SimDisk::default();
        if bug == Bug::SyncSkipped {
            disk.lie_about_syncs();
        }
        let mut seed = Seed(number);
        let steps_clock = seed.below(4) == 0;
        Self {
            bug,
            seed,
            number,
            disk,
            gateway: None,
            now: 0,
            off: 0,
            back_at: 0,
            was: None,
            broker: true,
            connected: false,
            wire: Vec::new(),
            store: BTreeMap::new(),
            refused: BTreeSet::new(),
            doubled: 0,
            captured: BTreeMap::new(),
            told: 0,
            dropped: 0,
            calm: false,
            faults: BTreeMap::new(),
            steps_clock,
        }
    }

    fn wall(&self) -> Stamp {
        at("00:00").plus_ms(self.now + self.off)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.now as u64)
    }

    /// One day: a batch or several, told late or in time, with faults; then calm, until nothing is under way.
    fn live(&mut self) -> Vec<String> {
        let (stretches, late) = self.stretches();
        let told = day(&stretches);
        let end = told.last().map_or(0, Told::true_at) * 1000;
        while self.now < end + 150_000 {
            self.calm = self.now > end + 20_000;
            self.fault();
            self.step(&told, late, end);
            self.now += 500;
        }
        let drained = self.now + 120_000;
        while self.now < drained
            && self
                .gateway
                .as_ref()
                .is_none_or(|gateway| gateway.outbox.pending() > 0)
        {
            self.step(&told, late, end);
            self.now += 500;
        }
        self.judge(&told)
    }

    fn stretches(&mut self) -> (Vec<Stretch>, bool) {
        let late = !self.steps_clock && self.seed.below(2) == 0;
        let many = 2 + self.seed.below(5);
        let mut made = Vec::new();
        for _ in 0..many {
            let lateness = if late { self.seed.below(40) as i64 } else { 0 };
            made.push(Stretch {
                what: self.seed.below(4) as u8,
                seconds: 5 + self.seed.below(25) as i64,
                late: lateness,
            });
        }
        (made, late)
    }

    fn note(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    fn fault(&mut self) {
        if self.calm {
            self.disk.holds_at_most(None);
            self.broker = true;
            return;
        }
        match self.seed.below(220) {
            0 | 1 if self.number.is_multiple_of(2) && self.gateway.is_some() => {
                self.note("power cut");
                self.disk.cut_power_after(self.seed.below(12));
            }
            2..=4 if self.broker => {
                self.note("broker lost");
                (self.broker, self.connected) = (false, false);
                self.wire.clear();
                if let Some(gateway) = &mut self.gateway {
                    gateway
                        .outbox
                        .next(Event::Lost, Duration::from_millis(self.now as u64));
                }
            }
            5..=14 => self.broker = true,
            15 if self.steps_clock => {
                self.note("clock step");
                self.off += self.seed.below(120_000) as i64 - 60_000;
            }
            16 | 17 => {
                self.note("disk full");
                self.disk
                    .holds_at_most(Some(self.disk.used() + self.seed.below(80_000)));
            }
            18..=21 => self.disk.holds_at_most(None),
            22 => {
                self.note("forged receipt");
                self.forge();
            }
            _ => {}
        }
    }

    /// A receipt for a page that is under way, by a key that is not the record store's.
    fn forge(&mut self) {
        let oldest = self.gateway.as_ref().and_then(|gateway| gateway.outbox.oldest());
        let Some(place) = oldest else { return };
        let word = receipt(&place, self.wall()).write(key(9).as_ref()).unwrap();
        self.wire.push((self.now, Wire::Word(word)));
    }

    fn step(&mut self, told: &[Told], late: bool, end: i64) {
        if self.gateway.is_none() && self.now >= self.back_at {
            self.start();
        }
        self.context(told, late);
        self.equipment(end);
        if let Err(()) = self.work() {
            self.die();
        }
        self.network();
        self.balance();
    }

    fn start(&mut self) {
        let life = self.now as u64;
        match Gateway::start(&self.disk, self.wall(), self.was, life) {
            Ok(gateway) => {
                self.gateway = Some(gateway);
                self.connected = false;
                // Retained: the authority's last word is told again.
                self.told = 0;
            }
            Err(_) => self.die(),
        }
    }

    /// The power is gone; somebody brings it back.
    fn die(&mut self) {
        self.was = Some(self.wall());
        self.gateway = None;
        let garbage = self.seed.below(2) == 0;
        self.disk = self.disk.crash(&mut self.seed, garbage);
        if self.bug == Bug::SyncSkipped {
            self.disk.lie_about_syncs();
        }
        self.back_at = self.now + 1_000 + self.seed.below(15_000) as i64;
        self.wire.retain(|(_, wire)| matches!(wire, Wire::Page(..)));
    }

    /// The authority tells; through a broker that is gone nothing comes, and afterwards its last word.
    fn context(&mut self, told: &[Told], late: bool) {
        let (wall_off, now) = (self.off, self.now);
        let Some(gateway) = self.gateway.as_mut().filter(|_| self.broker) else {
            return;
        };
        let due = |told: &Told| (told.true_at() + if late { told.late() } else { 0 }) * 1000;
        let mut reach = 0;
        let mut last = None;
        for (at, one) in told.iter().enumerate() {
            reach = due(one).max(reach);
            if reach <= now {
                last = Some(at);
            }
        }
        let Some(last) = last.filter(|last| last + 1 > self.told) else {
            return;
        };
        // Every message carries the whole history of its batch, but only of that one.
        for (at, told) in told.iter().enumerate().take(last + 1).skip(self.told) {
            let bytes = message(at as u64 + 1, at_stamp(told.true_at()), told.text()).into_bytes();
            let now = at_ms(now + wall_off);
            let unit = "MX-3".to_owned();
            gateway.event(LineEvent::Context {
                unit,
                via: Authority::Mqtt,
                bytes,
                now,
            });
        }
        self.told = last + 1;
    }

    fn equipment(&mut self, end: i64) {
        let now = self.wall();
        let silent = self.seed.below(12) == 0 && !self.calm;
        let (number, bug) = (self.number, self.bug);
        let value = 690 + (self.seed.below(26)) as i64;
        let Some(gateway) = &mut self.gateway else { return };
        if self.now % 1000 == 0 && self.now < end + 5_000 {
            if silent {
                *self.faults.entry("silence").or_default() += 1;
            } else {
                let text = format!("{}.{} °C", value / 10, value % 10);
                gateway.readings.read += 1;
                if gateway.stopped.is_some() {
                    gateway.readings.kept_out += 1;
                } else if bug == Bug::ReadingDropped && (self.now / 1000 + number as i64) % 50 == 0 {
                    self.dropped += 1;
                } else {
                    gateway.event(LineEvent::Reading(reading("TC-1.temp", now, &text)));
                }
            }
        }
        gateway.event(LineEvent::Tick { now });
    }

    /// Room is looked at, what was entered is sealed and written.
    fn work(&mut self) -> Result<(), ()> {
        let (wall, elapsed) = (self.wall(), self.elapsed());
        let Some(gateway) = &mut self.gateway else {
            return Ok(());
        };
        if self.now % 5_000 == 0 {
            let free = self.disk.free().map_err(drop)?;
            let was = gateway.room;
            gateway.room = was.next(None, free, STOP_BELOW);
            match (was, gateway.room) {
                (Room::None, Room::None) => {}
                (_, Room::None) => {
                    gateway.stopped = Some(wall);
                    gateway
                        .recorder
                        .enter(record::Draft::new("exception", wall).with("because", "capture-stopped"));
                }
                (Room::None, _) => {
                    let from = gateway.stopped.take().unwrap_or(wall).min(wall);
                    gateway
                        .recorder
                        .enter(record::Draft::new("exception", wall).with("because", "capture-resumed"));
                    gateway.event(LineEvent::WasOff {
                        from,
                        until: wall,
                        because: "no-room",
                    });
                }
                _ => {}
            }
        }
        let (page_now, mut out) = (elapsed, Vec::new());
        for (page, because) in std::mem::take(&mut gateway.page_refused) {
            let draft = record::Draft::new("exception", wall).with("because", "page-refused");
            gateway
                .recorder
                .enter(draft.with("about", format!("page {page}")).data("says", because));
        }
        for line in gateway.recorder.take() {
            gateway.readings.numbered += u64::from(line.kind == "reading");
            gateway.maker.add(line, page_now).unwrap();
        }
        while gateway.maker.due_in(page_now).is_some_and(|wait| wait.is_zero()) {
            let Some(page) = gateway.maker.make(wall, ("unknown", 0), page_now).unwrap() else {
                break;
            };
            let place = gateway.writer.append(&page).map_err(drop)?;
            for line in &page.lines {
                self.captured.insert(line.seq, line.leaf);
                gateway.readings.captured += u64::from(line.kind == "reading");
            }
            out.extend(gateway.outbox.next(Event::Captured(place), page_now));
        }
        gateway.writer.make_ahead().map_err(drop)?;
        if self.broker && !self.connected {
            self.connected = true;
            out.extend(gateway.outbox.next(Event::Connected, page_now));
        }
        if self.now % 2_000 == 0 {
            out.extend(gateway.outbox.next(Event::Tick, page_now));
        }
        self.carry_out(out)
    }

    fn carry_out(&mut self, actions: Vec<Action>) -> Result<(), ()> {
        let elapsed = self.elapsed();
        let mut more = actions;
        while !more.is_empty() {
            for action in std::mem::take(&mut more) {
                let Some(gateway) = &mut self.gateway else {
                    return Ok(());
                };
                match action {
                    Action::Publish(place) => {
                        let mut bytes = vec![0; place.length as usize];
                        let file = self
                            .disk
                            .open_read(&ledger::segment_name(place.segment))
                            .map_err(drop)?;
                        file.read_at(&mut bytes, place.offset).map_err(drop)?;
                        let due = self.now + 20 + self.seed.below(3_000) as i64;
                        // A broker may lose what it took, or carry it twice.
                        let times = match self.seed.below(12) {
                            0 if !self.calm => 0,
                            1 => 2,
                            _ => 1,
                        };
                        for time in 0..times {
                            self.wire.push((
                                due + time * 700,
                                Wire::Page(place.epoch, place.page, bytes.clone()),
                            ));
                        }
                        more.extend(gateway.outbox.next(Event::Handed(place.page, true), elapsed));
                    }
                    Action::SetAside(place, because) => {
                        self.refused.insert((place.epoch, place.page));
                        gateway.page_refused.push((place.page, because));
                    }
                    Action::Keep(_) | Action::NoReceipt { .. } => {}
                    Action::Fork(place) => panic!("a fork at page {}: nobody else seals here", place.page),
                }
            }
        }
        Ok(())
    }

    /// What is due on the wire arrives: pages at the store, words at the gateway.
    fn network(&mut self) {
        if !self.broker {
            return;
        }
        let now = self.now;
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.wire)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.wire = later;
        for (_, wire) in due {
            match wire {
                Wire::Page(epoch, page, bytes) => self.store(epoch, page, bytes),
                Wire::Word(word) => {
                    if self.hear(&word).is_err() {
                        self.die();
                    }
                }
            }
        }
    }

    /// The store verifies, keeps once, and says so – later, twice, or not at all.
    fn store(&mut self, epoch: u64, number: u64, bytes: Vec<u8>) {
        let mut found = None;
        record::Scanner::default().feed(&bytes, true, |piece| {
            if let record::Piece::Page(_, page) = piece {
                found = Some(place_of(1, 0, &page));
            }
        });
        let place = found.unwrap_or_else(|| panic!("page {number} arrived damaged"));
        let poison = self.number % 7 == 3 && number == 2;
        let word = if poison {
            let page = receipt(&place, self.wall());
            Refusal {
                page,
                because: "batch unknown".into(),
            }
            .write(key(2).as_ref())
        } else {
            match self.store.get(&(epoch, number)) {
                Some(known) if *known != bytes => self.doubled += 1,
                _ => _ = self.store.insert((epoch, number), bytes),
            }
            receipt(&place, self.wall()).write(key(2).as_ref())
        };
        if self.seed.below(10) > 0 || self.calm {
            let due = self.now + 20 + self.seed.below(2_000) as i64;
            self.wire.push((due, Wire::Word(word.unwrap())));
        }
    }

    /// A word of the store, or of somebody who would like to be it.
    fn hear(&mut self, word: &[u8]) -> Result<(), ()> {
        let keys = keys();
        let Some(gateway) = &mut self.gateway else {
            return Ok(());
        };
        let read = StoreWord::read(word, |kid| {
            let forged =
                (self.bug == Bug::ReceiptsUnverified && *kid == key(9).public().thumbprint()).then_some(());
            keys.find(kid, Role::Receipt)
                .or_else(|| forged.map(|()| FORGER.get_or_init(|| key(9).public().clone())))
        });
        let Ok(said) = read else { return Ok(()) };
        let page = match &said {
            StoreWord::Receipt(receipt) => Some(receipt.page),
            _ => None,
        };
        let actions = gateway
            .outbox
            .next(Event::Said(said), Duration::from_millis(self.now as u64));
        // Kept and synced before anything else happens because of it.
        if let Some(page) = page.filter(|page| actions.contains(&Action::Keep(*page))) {
            let mut bytes = word.to_vec();
            bytes.push(b'\n');
            let at = gateway.receipts;
            let names = self.disk.list().map_err(drop)?;
            let mut file = if names.iter().any(|name| name == RECEIPTS) {
                self.disk.open(RECEIPTS).map_err(drop)?
            } else {
                self.disk.create(RECEIPTS).map_err(drop)?
            };
            match file
                .write_at(&bytes, at)
                .and_then(|()| file.sync_all())
                .and_then(|()| self.disk.sync_dir())
            {
                Ok(()) => gateway.receipts += bytes.len() as u64,
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                    // It comes again when there is room: the page is sent once more after the next start.
                    _ = page;
                }
                Err(_) => return Err(()),
            }
        }
        self.carry_out(actions)
    }

    fn balance(&mut self) {
        if self.bug == Bug::ReadingDropped {
            return;
        }
        if let Some(gateway) = &self.gateway {
            // What was entered since the last page is numbered, and handed on with the next one.
            let line = gateway.line.booked();
            let mut readings = gateway.readings;
            readings.numbered = readings.numbered.max(line.entered);
            assert_eq!(readings.against(&line), Ok(()), "{}", self.name());
        }
    }

    fn name(&self) -> String {
        format!("plant {} at {} ms, {:?}", self.number, self.now, self.faults)
    }
}

fn receipt_key() -> &'static record::PublicKey {
    static KEY: std::sync::OnceLock<record::PublicKey> = std::sync::OnceLock::new();
    KEY.get_or_init(|| key(2).public().clone())
}

static FORGER: std::sync::OnceLock<record::PublicKey> = std::sync::OnceLock::new();

fn receipt(place: &Place, stored: Stamp) -> Receipt {
    Receipt {
        gateway: "line-3".into(),
        ledger: "l".into(),
        epoch: place.epoch,
        page: place.page,
        seal: place.seal,
        stored,
    }
}

fn at_ms(ms: i64) -> Stamp {
    at("00:00").plus_ms(ms)
}

/// Half a second, so that no reading falls on a boundary.
fn at_stamp(seconds: i64) -> Stamp {
    at_ms(seconds * 1000 + 500)
}

/// Everything that does not hold, in words.
impl Plant {
    fn judge(&mut self, told: &[Told]) -> Vec<String> {
        let mut wrong = Vec::new();
        let (mut seen, mut last, mut lines, mut on_disk) = (BTreeMap::new(), 0, Vec::new(), BTreeMap::new());
        pages(&self.disk, |_, _, page| {
            let seal = page.seal().seal();
            on_disk.insert((seal.epoch, seal.page), page.bytes().to_vec());
            for (entry, leaf) in page.entries().zip(page.leaves()) {
                if entry.seq() <= last {
                    wrong.push(format!("entry {} stands behind {last}", entry.seq()));
                }
                last = entry.seq();
                seen.insert(entry.seq(), *leaf);
                lines.push(entry.bytes().to_vec());
            }
        });
        let lost = self
            .captured
            .iter()
            .filter(|(seq, leaf)| seen.get(seq) != Some(leaf));
        let lost: Vec<u64> = lost.map(|(seq, _)| *seq).collect();
        if !lost.is_empty() {
            wrong.push(format!("captured and not in the ledger: {lost:?}"));
        }
        for (id, bytes) in &on_disk {
            let held = self.store.get(id);
            if held != Some(bytes) && !self.refused.contains(id) {
                let what = if held.is_some() { "otherwise" } else { "not" };
                wrong.push(format!("page {id:?} is {what} in the store"));
            }
        }
        let foreign: Vec<_> = self.store.keys().filter(|id| !on_disk.contains_key(id)).collect();
        if !foreign.is_empty() || self.doubled > 0 {
            wrong.push(format!(
                "in the store and not in the ledger: {foreign:?}; {} doubled",
                self.doubled
            ));
        }
        wrong.extend(self.verified());
        let entries: Vec<Entry<'_>> = lines.iter().map(|line| Entry::read(line).unwrap()).collect();
        // Where the power was cut, what became no entry before it is nowhere, and context that comes later still cannot
        // bind as if it had come in time (docs/decisions/0027-engine-room.md says what is open there).
        if !self.faults.contains_key("power cut") {
            wrong.extend(self.replayed(&entries));
            if !self.steps_clock {
                wrong.extend(misplaced(&entries, told));
            }
        }
        wrong
    }

    fn verified(&self) -> Vec<String> {
        let mut check = Check::new(keys());
        for (number, compressed) in ledger::segments(&self.disk).unwrap() {
            let name = ledger::file_name(number, compressed);
            check.segment(&name, compressed);
            check.feed(&self.disk.read(&name).unwrap(), true);
        }
        let bytes = self.disk.read(RECEIPTS).unwrap_or_default();
        for (line, number) in bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .zip(1..)
        {
            // What the power tore is no receipt; the daemon leaves it out of a copy when it starts.
            if StoreWord::read(line, |kid| keys().find(kid, Role::Receipt).map(|_| receipt_key())).is_ok() {
                check.receipt(line, number);
            }
        }
        check
            .finish()
            .problems
            .iter()
            .map(|problem| format!("{problem:?}"))
            .collect()
    }

    fn replayed(&self, entries: &[Entry<'_>]) -> Vec<String> {
        let mut replay = Replay::under(Line::new(&plant(0, EACH)));
        entries.iter().for_each(|entry| replay.take(entry));
        // A clock that was set back brings the same times twice; which of two boundaries a reading is near is then
        // marked by what memory still holds, and a replay may hold another one (0027, what is left).
        let stepped = self.faults.contains_key("clock step");
        let mark = |said: &str| said.starts_with("boundary: ");
        replay
            .end()
            .differences
            .iter()
            .filter(|(_, _, difference)| {
                !stepped || !(mark(&difference.recorded) || mark(&difference.derived))
            })
            .map(|difference| format!("a replay differs: {difference:?}"))
            .collect()
    }
}

/// Readings that do not stand where they would have stood had the context come in time.
fn misplaced(entries: &[Entry<'_>], told: &[Told]) -> Vec<String> {
    let mut places: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    let place = |entry: &Entry<'_>| {
        let of = |name: &str| entry.text(name).unwrap_or_default();
        format!("{} {}/{}", of("batch"), of("step"), entry.int("run").unwrap_or(0))
    };
    for entry in entries {
        if entry.kind() == "binding" {
            for (from, to) in entry.raw("seqs").and_then(read_ranges).unwrap() {
                for seq in from..=to {
                    let of = places.entry(seq).or_default();
                    match entry.raw("state") {
                        Some("attached") => _ = of.insert(place(entry)),
                        Some("detached") => _ = of.remove(&place(entry)),
                        _ => {}
                    }
                }
            }
        } else if entry.raw("batch").is_some() {
            places.entry(entry.seq()).or_default().insert(place(entry));
        }
    }
    let mut wrong = Vec::new();
    for entry in entries.iter().filter(|entry| entry.kind() == "reading") {
        let time = Stamp::read(entry.raw("time").unwrap()).unwrap();
        let expected = truth(told, time);
        let found = places.get(&entry.seq()).cloned().unwrap_or_default();
        let found: Vec<String> = found.into_iter().collect();
        if found != expected {
            wrong.push(format!(
                "the reading of {time} stands in {found:?}, and belongs to {expected:?}"
            ));
        }
    }
    wrong
}

/// Where a moment belongs, by the last word of the authority about each batch.
fn truth(told: &[Told], time: Stamp) -> Vec<String> {
    let mut last: BTreeMap<String, (&str, &Told)> = BTreeMap::new();
    for one in told {
        let id = one.text().split(' ').next().unwrap().to_owned();
        last.insert(id, (one.text(), one));
    }
    let span = |text: &str| {
        let (from, to) = text
            .split_once('-')
            .map_or((text, None), |(from, to)| (from, Some(to)));
        (at(from), to.map(at))
    };
    let within = |(from, to): (Stamp, Option<Stamp>)| time >= from && to.is_none_or(|to| time < to);
    let mut found = Vec::new();
    for (id, (text, _)) in last {
        let (head, runs) = text.split_once(" : ").unwrap_or((text, ""));
        let words: Vec<&str> = head.split_whitespace().collect();
        if !within(span(words[2])) {
            continue;
        }
        let runs: Vec<(&str, &str)> = runs
            .split(", ")
            .filter_map(|run| run.trim().split_once(' '))
            .filter(|(_, times)| within(span(times)))
            .collect();
        found.push(match runs.first() {
            Some((run, _)) => format!("{id} {run}"),
            None => format!("{id} /0"),
        });
    }
    found
}

/// What went wrong on one day.
fn lived(number: u64, bug: Bug) -> (Vec<String>, Plant) {
    let mut plant = Plant::new(number, bug);
    let wrong = plant.live();
    (wrong, plant)
}

/// Days that failed once, and run for ever: `plant 123` in `tests/seeds.txt`.
fn known() -> Vec<u64> {
    let text = include_str!("../../seeds.txt");
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("plant "));
    lines
        .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
        .collect()
}

/// Days on which a replay is known to come to something else than the gateway did, not mended yet: what differs stands in
/// docs/decisions/0027. Everything else must hold on them as well.
const OPEN: &[u64] = &[469, 1641, 1913, 3731, 3873];

#[test]
fn a_plant_through_thousands_of_days_loses_nothing_doubles_nothing_and_balances() {
    let (days, most) = if cfg!(debug_assertions) {
        (60, Duration::from_secs(60))
    } else {
        (4_000, Duration::from_secs(80))
    };
    let days = std::env::var("STEELYARD_DAYS").map_or(days, |days| days.parse().unwrap());
    let begun = Instant::now();
    let (mut lived_through, mut faults, mut batches) = (0, BTreeMap::<&str, u64>::new(), 0);
    for number in known().into_iter().chain(0..days) {
        if begun.elapsed() > most {
            break;
        }
        let (mut wrong, plant) = lived(number, Bug::None);
        if OPEN.contains(&number) {
            wrong.retain(|wrong| !wrong.starts_with("a replay differs"));
        }
        if std::env::var("STEELYARD_DAYS_ALL").is_ok() && !wrong.is_empty() {
            println!("plant {number}: {}", wrong.join("\n    "));
            continue;
        }
        assert!(
            wrong.is_empty(),
            "plant {number} (write this line into tests/seeds.txt), {:?}:\n{}",
            plant.faults,
            wrong.join("\n")
        );
        for (fault, times) in plant.faults {
            *faults.entry(fault).or_default() += times;
        }
        batches += plant.captured.len();
        lived_through += 1;
    }
    println!("{lived_through} days, {batches} entries, {faults:?}");
    for fault in [
        "power cut",
        "broker lost",
        "clock step",
        "disk full",
        "forged receipt",
        "silence",
    ] {
        assert!(
            faults.get(fault).is_some_and(|times| *times > 5),
            "{fault} hardly happened: {faults:?}"
        );
    }
}

/// `STEELYARD_DAY=25 cargo test one_day -- --nocapture` shows every entry of a day.
#[test]
fn one_day_can_be_looked_at() {
    let Ok(number) = std::env::var("STEELYARD_DAY") else {
        return;
    };
    let (wrong, plant) = lived(number.parse().unwrap(), Bug::None);
    pages(&plant.disk, |_, _, page| {
        let seal = page.seal().seal();
        println!("page {} of {}, {}", seal.page, seal.boot, seal.sealed);
        for entry in page.entries() {
            println!("  {}", String::from_utf8_lossy(entry.bytes()));
        }
    });
    println!("{:?}\n{}", plant.faults, wrong.join("\n"));
}

#[test]
fn the_plant_finds_a_gateway_that_is_wrong_on_purpose() {
    for bug in [Bug::SyncSkipped, Bug::ReceiptsUnverified] {
        let caught = (0..40).any(|number| {
            let day = std::panic::catch_unwind(|| lived(number, bug));
            day.map_or(true, |(wrong, _)| !wrong.is_empty())
        });
        assert!(caught, "{bug:?} was not found: the test above could not fail");
    }
}

#[test]
fn a_reading_that_is_dropped_shows_in_the_books() {
    let mut caught = 0;
    for number in 0..10 {
        let (_, plant) = lived(number, Bug::ReadingDropped);
        let Some(gateway) = plant.gateway else { continue };
        let balance = gateway.readings.against(&gateway.line.booked());
        // What was dropped before the last start was counted by a process that is gone.
        caught += u64::from(balance.is_err());
        assert!(plant.dropped > 0 || balance.is_ok());
    }
    assert!(caught > 3, "{caught} of 10 days showed it");
}
