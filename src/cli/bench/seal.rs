//! Sealing at full speed: entered, sealed, synced, and published through a broker to someone who listens. Every
//! part is the daemon's own: recorder, sealer, index, outbox, delivery, session. Only the readings are made up, and
//! the broker's acknowledgement stands in for the record store's receipt.

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
        needs::{Broker, Clock, Disk, FromBroker, Login, Session},
        outbox::Outbox,
    },
    ports::{
        broker::Embedded, clock::SystemClock, disk::Directory, index::Index, mqtt::Mqtt, random::SystemRandom,
    },
};
use record::{KeySet, Trouble};
use std::{
    path::Path,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

/// The defaults of a plant: bytes of a full page and of a segment, pages under way, lines that wait.
const PAGE: usize = 96 << 10;
const SEGMENT: u64 = 64 << 20;
const WINDOW: usize = 64;
const LINES: usize = 65_536;
/// Nothing arrived for so long: something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn measure(place: &Path, length: Duration) -> Result<Figure, Trouble> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let disk: Arc<dyn Disk> = Arc::new(Directory::take(place)?);
    let (url, broker) = Embedded::start(0).await?;
    let listening = Login::plain(&url, "bench-listener", vec![format!("steelyard/{GATEWAY}/pages")]);
    let (to_here, mut arrivals) = mpsc::unbounded_channel();
    let listener = tokio::spawn(listen(Mqtt.connect(&listening).await?, to_here));

    let (lines, from_core) = std::sync::mpsc::sync_channel(LINES);
    let (sealer_out, from_sealer) = mpsc::unbounded_channel();
    let sealer = Sealer {
        maker: maker(key()?, PAGE),
        writer: ledger::open(&disk, SEGMENT, |_| None)?.writer,
        high_water: HighWater::open(disk.as_ref()).map_err(not_measured)?.0,
        clock: clock.clone(),
        input: from_core,
        output: sealer_out,
    };
    sealer.start().map_err(not_measured)?;
    let (to_index, index_in) = mpsc::unbounded_channel();
    let index = Index::open(&place.join("index.sqlite"), LEDGER).await?;
    let indexed = tokio::spawn(indexing::follow(index.clone(), None, index_in));
    let (to_delivery, delivery_in) = mpsc::unbounded_channel();
    let (delivery_out, from_delivery) = mpsc::unbounded_channel();
    let counts = index.counts().await?;
    let delivery = Delivery {
        broker: Arc::new(Mqtt),
        login: Login::plain(&url, "bench-gateway", Vec::new()),
        clock: clock.clone(),
        random: Arc::new(SystemRandom),
        disk,
        index,
        marks: to_index.clone(),
        keys: KeySet::default(),
        topic: format!("steelyard/{GATEWAY}"),
        gateway: GATEWAY.to_owned(),
        ledger: LEDGER.to_owned(),
        outbox: Outbox::new(WINDOW, true, counts),
        input: delivery_in,
        output: delivery_out,
        view: watch::channel(DeliveryView::default()).0,
    };
    let delivery = tokio::spawn(delivery.run());
    let core = tokio::spawn(hand_on(from_sealer, to_index, to_delivery, from_delivery));

    // The first page finds the segment made, the broker connected and the index open.
    let mut entering = Entering::new(lines);
    entering.one()?;
    let first = next(&mut arrivals).await?;
    let begun = clock.elapsed();
    let entered = tokio::task::spawn_blocking(move || entering.during(length));
    let (mut entries, mut pages, mut bytes) = (0, 0, 0);
    let mut total = None;
    tokio::pin!(entered);
    while total.is_none_or(|total| entries < total) {
        tokio::select! {
            done = &mut entered, if total.is_none() => {
                let done = done.map_err(not_measured)??;
                total = Some(done - first.entries);
            }
            arrival = next(&mut arrivals) => {
                let arrival = arrival?;
                entries += arrival.entries;
                pages += 1;
                bytes += arrival.bytes;
            }
        }
    }
    let took = clock.elapsed().saturating_sub(begun);
    core.await.map_err(not_measured)??;
    delivery.await.map_err(not_measured)??;
    indexed.await.map_err(not_measured)?;
    listener.abort();
    broker.stop().await;
    let each = entries as f64 / f64::from(pages.max(1));
    Ok(Figure {
        name: "seal",
        value: per_second(entries, took),
        unit: "entries/s",
        target: Some(100_000.0),
        at_most: false,
        said: format!(
            "{each:.0} entries a page, sealed, synced, indexed and published; all arrived at a subscriber after {:.1} s",
            took.as_secs_f64()
        ),
        conditions: vec![
            ("entries", entries as f64),
            ("pages", f64::from(pages)),
            ("entries_per_page", each),
            ("megabytes_per_second", per_second(bytes, took) / 1e6),
            ("seconds", took.as_secs_f64()),
        ],
    })
}

/// The core's part: readings become lines, as fast as the sealer takes them.
struct Entering {
    recorder: Recorder,
    readings: Readings,
    clock: SystemClock,
    lines: SyncSender<ToSealer>,
}

impl Entering {
    fn new(lines: SyncSender<ToSealer>) -> Self {
        Self {
            recorder: recorder(),
            readings: Readings::default(),
            clock: SystemClock::new(),
            lines,
        }
    }

    fn one(&mut self) -> Result<(), Trouble> {
        self.recorder.enter(self.readings.next(self.clock.now()));
        for line in self.recorder.take() {
            self.lines
                .send(ToSealer::Line(line))
                .map_err(|_| not_measured("the sealer ended"))?;
        }
        Ok(())
    }

    /// How many were entered in all when the time is over.
    fn during(mut self, length: Duration) -> Result<u64, Trouble> {
        let begun = self.clock.elapsed();
        while self.clock.elapsed().saturating_sub(begun) < length {
            for _ in 0..100 {
                self.one()?;
            }
        }
        // holds because a sealer that ended says why itself
        let _ = self.lines.send(ToSealer::Stop);
        Ok(self.recorder.next() - 1)
    }
}

/// What the gateway does with a captured page; at the end delivery is told to finish.
async fn hand_on(
    mut sealed: mpsc::UnboundedReceiver<FromSealer>,
    index: mpsc::UnboundedSender<ToIndex>,
    delivery: mpsc::UnboundedSender<ToDelivery>,
    mut delivered: mpsc::UnboundedReceiver<FromDelivery>,
) -> Result<(), Trouble> {
    loop {
        tokio::select! {
            word = sealed.recv() => match word {
                Some(FromSealer::Captured(place, lines)) => {
                    // holds because delivery and index say themselves why they ended
                    let _ = index.send(ToIndex::Page(facts_of(place, lines)));
                    let _ = delivery.send(ToDelivery::Captured(place));
                }
                Some(FromSealer::Failed(trouble)) => return Err(trouble),
                Some(FromSealer::Ended) | None => break,
            },
            Some(FromDelivery::Failed(trouble) | FromDelivery::Lost(trouble)) = delivered.recv() => return Err(trouble),
        }
    }
    // holds because delivery that ended needs no word
    let _ = delivery.send(ToDelivery::Finish(PATIENCE));
    Ok(())
}

/// A page that arrived at the subscriber.
struct Arrival {
    entries: u64,
    bytes: u64,
}

async fn listen(mut session: Box<dyn Session>, arrivals: mpsc::UnboundedSender<Result<Arrival, Trouble>>) {
    loop {
        let word = match session.next().await {
            FromBroker::Arrived(_, page, _) => Ok(Arrival {
                // The first line is the seal, and behind the last line feed is nothing.
                entries: (page.split(|byte| *byte == b'\n').count() as u64).saturating_sub(2),
                bytes: page.len() as u64,
            }),
            FromBroker::Taken(..) => continue,
            FromBroker::Gone(trouble) => Err(trouble),
        };
        let over = word.is_err();
        if arrivals.send(word).is_err() || over {
            return;
        }
    }
}

async fn next(arrivals: &mut mpsc::UnboundedReceiver<Result<Arrival, Trouble>>) -> Result<Arrival, Trouble> {
    match timeout(PATIENCE, arrivals.recv()).await {
        Ok(Some(arrival)) => arrival,
        _ => Err(not_measured("no page arrived at the subscriber")),
    }
}
