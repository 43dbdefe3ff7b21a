//! After an outage: so many entries wait on the disk, the record store comes back, and pages go on to be captured.
//!
//! Every part is the product's own: recorder, sealer, index, outbox, delivery, broker sessions, and a record store on
//! SQLite with signed receipts, all on this machine. Measured is how fast receipts come for the backlog, and how long
//! a page captured meanwhile waits for its own, beside the same without any backlog.

use super::{
    Figure, not_measured,
    pages::{GATEWAY, LEDGER, Readings, key, maker, recorder},
    per_second,
};
use crate::{
    daemon::{
        delivery::{Delivery, DeliveryView, FromDelivery, ToDelivery},
        indexing::{self, ToIndex, facts_of},
        sealing::{FromSealer, Sealer, ToSealer},
    },
    flow::{
        enter::{Enter, Recorder},
        high_water::HighWater,
        ledger,
        needs::{Broker, Clock, Disk, FromBroker, Login, Message, Session, Waiting},
        outbox::Outbox,
    },
    ports::{
        broker::Embedded, clock::SystemClock, disk::Directory, files, index::Index, mqtt::Mqtt,
        random::SystemRandom,
    },
    store::{self, Database, Enrolled, Enrolment, Needs, Options},
};
use record::{KeySet, Role, SecretKey, Signer, StoreWord, Trouble};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc::SyncSender},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

/// What a line makes: a page a second with forty entries or so; the backlog of three days has ten million.
const PAGE: usize = 14 << 10;
const SEGMENT: u64 = 64 << 20;
const WINDOW: usize = 64;
const LINES: usize = 65_536;
/// Captured meanwhile: this often, so many entries. More often than in a plant, for the sake of a ninety-ninth percentile.
const LIVE_EVERY: Duration = Duration::from_millis(50);
const LIVE_ENTRIES: u64 = 5;
/// No receipt for so long: something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn measure(place: &Path, backlog: u64, length: Duration) -> Result<Vec<Figure>, Trouble> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    files::make_directory(place).map_err(not_measured)?;
    let (gateway, receipts) = (key()?, key()?);
    let mut plant = Plant::start(&place.join("ledger"), &clock, gateway.clone()).await?;
    plant.capture(backlog).await?;
    let waits = plant.captured;

    let (url, broker) = Embedded::start(0).await?;
    let keys = vec![gateway.public().clone()];
    let enrolled = Enrolled {
        keys,
        ledgers: Vec::new(),
    };
    let options = Options {
        database: Database::Sqlite(place.join("store.sqlite")),
        enrolment: Enrolment {
            usage: "demo".to_owned(),
            gateways: BTreeMap::from([(GATEWAY.to_owned(), enrolled)]),
        },
        broker: Login::plain(&url, "bench-store", Vec::new()),
        topics: "steelyard".to_owned(),
        share: None,
    };
    let needs = Needs {
        broker: Arc::new(Mqtt),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        signer: receipts.clone(),
    };
    let store = store::start(options, needs).await?;
    let begun = clock.elapsed();
    plant.deliver(&url, &clock, receipts.as_ref()).await?;

    // While it drains.
    let mut seen = 0;
    let mut still = begun;
    while plant.receipted_of(waits.pages) < waits.pages {
        plant.live().await?;
        let now = plant.receipted_of(waits.pages);
        if now > seen {
            (seen, still) = (now, clock.elapsed());
        } else if clock.elapsed().saturating_sub(still) > PATIENCE {
            return Err(not_measured("no receipts came any more"));
        }
        sleep(LIVE_EVERY).await;
    }
    let took = plant.last_of(waits.pages).saturating_sub(begun);
    plant.settled().await?;
    let during = plant.latencies(waits.pages);
    // And when nothing else is to be done.
    let (quiet_from, until) = (
        plant.captured.pages,
        clock.elapsed() + length.max(Duration::from_millis(500)),
    );
    while clock.elapsed() < until {
        plant.live().await?;
        sleep(LIVE_EVERY).await;
    }
    plant.settled().await?;
    let quiet = plant.latencies(quiet_from);
    plant.tasks.shutdown().await;
    store.stop().await;
    broker.stop().await;
    Ok(vec![rate(waits, took), growth(&during, &quiet)])
}

fn rate(waits: Captured, took: Duration) -> Figure {
    let each = waits.entries as f64 / waits.pages.max(1) as f64;
    Figure {
        name: "drain",
        value: per_second(waits.entries, took),
        unit: "entries/s",
        target: Some(100_000.0),
        at_most: false,
        said: format!(
            "{} entries on pages of {each:.0} receipted by a store on SQLite, broker beside it, {} pages/s",
            super::grouped(waits.entries as f64),
            super::grouped(per_second(waits.pages, took))
        ),
        conditions: vec![
            ("entries", waits.entries as f64),
            ("pages", waits.pages as f64),
            ("entries_per_page", each),
            ("pages_per_second", per_second(waits.pages, took)),
            ("seconds", took.as_secs_f64()),
        ],
    }
}

/// How much longer a page waits for its receipt while the backlog drains. A page collects for a second before it is
/// sealed; that second is in both.
fn growth(during: &[Duration], quiet: &[Duration]) -> Figure {
    let sealing = Duration::from_secs(1);
    let (during_99, quiet_99) = (percentile(during, 99), percentile(quiet, 99));
    let ratio = (sealing + during_99).as_secs_f64() / (sealing + quiet_99).as_secs_f64();
    Figure {
        name: "drain",
        value: ratio,
        unit: "times as long",
        target: Some(2.0),
        at_most: true,
        said: format!(
            "a page captured meanwhile, from its first entry to its receipt: p99 {:.0} ms while it drains, {:.0} ms otherwise, and the second it collects",
            during_99.as_secs_f64() * 1e3,
            quiet_99.as_secs_f64() * 1e3
        ),
        conditions: vec![
            ("p99_draining_ms", during_99.as_secs_f64() * 1e3),
            ("p99_otherwise_ms", quiet_99.as_secs_f64() * 1e3),
            ("p50_draining_ms", percentile(during, 50).as_secs_f64() * 1e3),
            ("pages_draining", during.len() as f64),
            ("pages_otherwise", quiet.len() as f64),
        ],
    }
}

fn percentile(times: &[Duration], of: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = (times.len() * of).div_ceil(100).max(1) - 1;
    times.get(at).copied().unwrap_or_default()
}

#[derive(Debug, Clone, Copy, Default)]
struct Captured {
    pages: u64,
    entries: u64,
}

/// The gateway's parts.
struct Plant {
    recorder: Recorder,
    readings: Readings,
    clock: Arc<dyn Clock>,
    lines: SyncSender<ToSealer>,
    sealed: mpsc::UnboundedReceiver<FromSealer>,
    disk: Arc<dyn Disk>,
    index: Index,
    to_index: mpsc::UnboundedSender<ToIndex>,
    delivery: Option<mpsc::UnboundedSender<ToDelivery>>,
    captured: Captured,
    /// When each page was captured, and when its receipt was here.
    times: Arc<Mutex<HashMap<u64, (Duration, Option<Duration>)>>>,
    tasks: JoinSet<()>,
}

impl Plant {
    async fn start(place: &Path, clock: &Arc<dyn Clock>, gateway: Arc<SecretKey>) -> Result<Self, Trouble> {
        let disk: Arc<dyn Disk> = Arc::new(Directory::take(place)?);
        let (lines, from_core) = std::sync::mpsc::sync_channel(LINES);
        let (sealer_out, sealed) = mpsc::unbounded_channel();
        let sealer = Sealer {
            maker: maker(gateway, PAGE),
            writer: ledger::open(&disk, SEGMENT, |_| None)?.writer,
            high_water: HighWater::open(disk.as_ref()).map_err(not_measured)?.0,
            clock: clock.clone(),
            input: from_core,
            output: sealer_out,
        };
        sealer.start().map_err(not_measured)?;
        let index = Index::open(&place.join("index.sqlite"), LEDGER).await?;
        let (to_index, index_in) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let following = index.clone();
        tasks.spawn(indexing::follow(following, None, index_in));
        Ok(Self {
            recorder: recorder(),
            readings: Readings::default(),
            clock: clock.clone(),
            lines,
            sealed,
            disk,
            index,
            to_index,
            delivery: None,
            captured: Captured::default(),
            times: Arc::default(),
            tasks,
        })
    }

    /// So many entries are captured while nobody takes them.
    async fn capture(&mut self, entries: u64) -> Result<(), Trouble> {
        let wanted = self.captured.entries + entries;
        let mut entered = self.captured.entries;
        while self.captured.entries < wanted {
            if entered < wanted {
                for _ in 0..1000.min(wanted - entered) {
                    self.recorder.enter(self.readings.next(self.clock.now()));
                    entered += 1;
                }
                let (lines, made) = (self.lines.clone(), self.recorder.take());
                super::beside(move || {
                    made.into_iter().try_for_each(|line| {
                        lines
                            .send(ToSealer::Line(line))
                            .map_err(|_| not_measured("the sealer ended"))
                    })
                })
                .await?;
            } else {
                sleep(Duration::from_millis(5)).await;
            }
            self.hand_on()?;
        }
        let (done, flushed) = tokio::sync::oneshot::channel();
        // holds because an index that ended says so by dropping the answer
        let _ = self.to_index.send(ToIndex::Flush(done));
        flushed.await.map_err(not_measured)
    }

    /// A few entries now; what was sealed meanwhile goes on.
    async fn live(&mut self) -> Result<(), Trouble> {
        for _ in 0..LIVE_ENTRIES {
            self.recorder.enter(self.readings.next(self.clock.now()));
        }
        for line in self.recorder.take() {
            self.lines
                .try_send(ToSealer::Line(line))
                .map_err(|_| not_measured("the sealer does not follow"))?;
        }
        self.hand_on()
    }

    /// What the gateway does with a captured page.
    fn hand_on(&mut self) -> Result<(), Trouble> {
        while let Ok(word) = self.sealed.try_recv() {
            match word {
                FromSealer::Captured(place, lines) => {
                    self.captured.pages += 1;
                    self.captured.entries += place.count;
                    let now = self.clock.elapsed();
                    self.times
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(place.page, (now, None));
                    // holds because index and delivery say themselves why they ended
                    let _ = self.to_index.send(ToIndex::Page(facts_of(place, lines)));
                    if let Some(delivery) = &self.delivery {
                        let _ = delivery.send(ToDelivery::Captured(place));
                    }
                }
                FromSealer::Failed(trouble) => return Err(trouble),
                FromSealer::Ended => return Err(not_measured("the sealer ended")),
            }
        }
        Ok(())
    }

    /// The record store is back.
    async fn deliver(
        &mut self,
        url: &str,
        clock: &Arc<dyn Clock>,
        receipts: &SecretKey,
    ) -> Result<(), Trouble> {
        let mut keys = KeySet::default();
        keys.add(receipts.public().clone(), Role::Receipt)?;
        let mut outbox = Outbox::new(WINDOW, false, self.index.counts().await?);
        outbox.has_more();
        let (to_delivery, input) = mpsc::unbounded_channel();
        let (output, mut said) = mpsc::unbounded_channel();
        let topic = format!("steelyard/{GATEWAY}");
        let watching = Watching {
            times: self.times.clone(),
            clock: clock.clone(),
            keys: keys.clone(),
        };
        let delivery = Delivery {
            broker: Arc::new(watching),
            login: Login::plain(url, "bench-gateway", vec![format!("{topic}/receipts")]),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            disk: self.disk.clone(),
            index: self.index.clone(),
            marks: self.to_index.clone(),
            keys,
            topic,
            gateway: GATEWAY.to_owned(),
            ledger: LEDGER.to_owned(),
            outbox,
            input,
            output,
            view: watch::channel(DeliveryView::default()).0,
        };
        self.tasks.spawn(async move { drop(delivery.run().await) });
        self.tasks.spawn(async move {
            while let Some(word) = said.recv().await {
                if let FromDelivery::Lost(trouble) | FromDelivery::Failed(trouble) = word {
                    tracing::error!("{trouble}");
                }
            }
        });
        self.delivery = Some(to_delivery);
        Ok(())
    }

    fn receipts(&self, of: impl Fn(u64) -> bool) -> Vec<(Duration, Option<Duration>)> {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times
            .iter()
            .filter(|(page, _)| of(**page))
            .map(|(_, times)| *times)
            .collect()
    }

    /// Pages up to this one that have their receipt.
    fn receipted_of(&self, last: u64) -> u64 {
        let pages = self.receipts(|page| page <= last);
        pages.iter().filter(|(_, receipt)| receipt.is_some()).count() as u64
    }

    /// When the last receipt of them came.
    fn last_of(&self, last: u64) -> Duration {
        let pages = self.receipts(|page| page <= last);
        pages
            .iter()
            .filter_map(|(_, receipt)| *receipt)
            .max()
            .unwrap_or_default()
    }

    /// Waits until every page has its receipt.
    async fn settled(&mut self) -> Result<(), Trouble> {
        let all = async {
            loop {
                self.hand_on()?;
                let pages = self.captured.pages;
                if self.receipted_of(pages) == pages {
                    return Ok(());
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, all)
            .await
            .unwrap_or_else(|_| Err(not_measured("not every page was receipted")))
    }

    /// From capture to receipt, for every page after this one.
    fn latencies(&self, after: u64) -> Vec<Duration> {
        let pages = self.receipts(|page| page > after);
        pages
            .iter()
            .filter_map(|(captured, receipt)| Some((*receipt)?.saturating_sub(*captured)))
            .collect()
    }
}

/// The real broker, and a note of when a receipt came.
struct Watching {
    times: Arc<Mutex<HashMap<u64, (Duration, Option<Duration>)>>>,
    clock: Arc<dyn Clock>,
    keys: KeySet,
}

impl Broker for Watching {
    fn connect<'a>(&'a self, login: &'a Login) -> Waiting<'a, Result<Box<dyn Session>, Trouble>> {
        Box::pin(async move {
            let session = Watched {
                inner: Mqtt.connect(login).await?,
                times: self.times.clone(),
                clock: self.clock.clone(),
                keys: self.keys.clone(),
            };
            Ok(Box::new(session) as Box<dyn Session>)
        })
    }
}

struct Watched {
    inner: Box<dyn Session>,
    times: Arc<Mutex<HashMap<u64, (Duration, Option<Duration>)>>>,
    clock: Arc<dyn Clock>,
    keys: KeySet,
}

impl Session for Watched {
    fn publish(&mut self, message: Message) -> Result<(), Message> {
        self.inner.publish(message)
    }

    fn next(&mut self) -> Waiting<'_, FromBroker> {
        Box::pin(async move {
            let word = self.inner.next().await;
            if let FromBroker::Arrived(_, payload, _) = &word
                && let Ok(StoreWord::Receipt(receipt)) =
                    StoreWord::read(payload, |kid| self.keys.find(kid, Role::Receipt))
            {
                let now = self.clock.elapsed();
                let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((_, came)) = times.get_mut(&receipt.page) {
                    came.get_or_insert(now);
                }
            }
            word
        })
    }

    fn close(self: Box<Self>) -> Waiting<'static, ()> {
        self.inner.close()
    }
}
