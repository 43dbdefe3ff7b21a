//! A whole line for a drill: one instrument, an embedded broker, the gateway, the record store, and a batch that runs.

use super::not_drilled;
use crate::{
    cli::life::{self, Whole},
    config::Source,
    daemon::opening,
    flow::{
        board::Board,
        needs::{Broker, Clock, Files, Login, Message, PageId},
    },
    ports::{broker::Embedded, clock::SystemClock, files::SystemFiles, mqtt::Mqtt, random::SystemRandom},
    simulate::{Instrument, Motion, Moving, On, Options},
    store::{self, Enrolled, Enrolment},
};
use driver::Driver;
use record::{KeySet, Role, Trouble};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;

const NAME: &str = "drill";

/// Everything that runs.
pub(super) struct Line {
    pub clock: Arc<SystemClock>,
    pub ledger: PathBuf,
    pub whole: Whole,
    pub board: watch::Receiver<Arc<Board>>,
    store: store::Running,
    broker: Option<Embedded>,
    port: u16,
    _instrument: Instrument,
}

impl Line {
    /// Starts it; capture stops when less than this is free.
    pub(super) async fn start(place: &Path, stop_below: u64) -> Result<Self, Trouble> {
        let clock = Arc::new(SystemClock::new());
        let outside = life::outside();
        let (url, broker) = Embedded::start(0).await?;
        let port = broker.address().port();
        let instrument = instrument(clock.clone()).await?;

        let gateway_key = opening::signing_key(&place.join("gateway.key"), true, &outside)?;
        let store_key = opening::signing_key(&place.join("record-store.key"), true, &outside)?;
        let mut keys = KeySet::default();
        keys.add(store_key.public().clone(), Role::Receipt)?;
        let written = SystemFiles.write(&place.join("record-store.jwk"), keys.to_jwks().as_bytes());
        written.map_err(not_drilled)?;
        let enrolled = Enrolled {
            keys: vec![gateway_key.public().clone()],
            ledgers: Vec::new(),
        };
        let store = store::start(
            store::Options {
                database: store::Database::Sqlite(place.join("record-store.sqlite")),
                enrolment: Enrolment {
                    usage: "demo".into(),
                    gateways: BTreeMap::from([(NAME.to_owned(), enrolled)]),
                },
                broker: Login::plain(&url, "drill-record-store", Vec::new()),
                topics: "steelyard".into(),
                share: None,
            },
            store::Needs {
                broker: Arc::new(Mqtt),
                clock: clock.clone(),
                random: Arc::new(SystemRandom),
                signer: store_key,
            },
        )
        .await?;
        let open = life::open(source(place, &url, &instrument.address(), stop_below), &outside).await?;
        let ledger = open.plant.gateway.ledger.clone();
        let whole = life::start(open, outside, Arc::new(Mqtt), None).await?;
        let board = whole.running.board.clone();
        let line = Self {
            clock,
            ledger,
            whole,
            board,
            store,
            broker: Some(broker),
            port,
            _instrument: instrument,
        };
        line.begin_batch(&url).await?;
        Ok(line)
    }

    /// A batch and a step, as the record store would tell them.
    async fn begin_batch(&self, url: &str) -> Result<(), Trouble> {
        let mut session = Mqtt.connect(&Login::plain(url, "drill-mes", Vec::new())).await?;
        let now = self.clock.now();
        let text = format!(
            r#"{{"number":1,"sent":"{now}","source":"drill","batch":{{"id":"B-DRILL","revision":"1","state":"running","started":"{now}"}},"runs":[{{"step":"hold","run":1,"state":"running","started":"{now}"}}]}}"#
        );
        let message = Message {
            topic: format!("steelyard/{NAME}/context/MX-1"),
            payload: text.into_bytes(),
            retain: true,
            ..Message::default()
        };
        if session.publish(message).is_err() {
            return Err(not_drilled("the batch could not be told"));
        }
        let begun = self.wait(Duration::from_secs(10), |board| {
            board.units.iter().any(|unit| unit.batch.is_some())
        });
        let begun = tokio::select! {
            begun = begun => begun,
            () = async { loop { session.next().await; } } => false,
        };
        session.close().await;
        if begun {
            return Ok(());
        }
        Err(not_drilled("the batch did not begin within 10 s"))
    }

    /// Waits until the board is so; false when it is not within this time.
    pub(super) async fn wait(&self, within: Duration, so: impl Fn(&Board) -> bool) -> bool {
        let until = self.clock.elapsed() + within;
        while self.clock.elapsed() < until {
            if so(&self.board.borrow()) {
                return true;
            }
            self.clock.sleep(Duration::from_millis(50)).await;
        }
        false
    }

    pub(super) async fn stop_broker(&mut self) {
        if let Some(broker) = self.broker.take() {
            broker.stop().await;
        }
    }

    /// Starts a broker that knows nothing, where the old one was.
    pub(super) async fn start_broker(&mut self) -> Result<(), Trouble> {
        self.broker = Some(Embedded::start(self.port).await?.1);
        Ok(())
    }

    pub(super) fn captured(&self) -> u64 {
        self.board.borrow().record.captured
    }

    /// Stops in order, and compares page by page what the ledger has with what the record store holds: how many entries
    /// it does not hold, and how many it holds beyond the ledger's.
    pub(super) async fn end(self) -> Result<(u64, u64), Trouble> {
        let Self {
            whole, store, ledger, ..
        } = self;
        whole.stop(Duration::from_secs(20)).await?;
        let pages = store.pages();
        let disk = crate::ports::disk::Directory::look(&ledger)?;
        let mut held: Vec<(PageId, Vec<u8>, u64)> = Vec::new();
        crate::evidence::Folder::open(&disk)?.each_page(|page| {
            let seal = page.seal().seal();
            let id = PageId {
                gateway: seal.gateway.clone(),
                ledger: seal.ledger.clone(),
                epoch: seal.epoch,
                page: seal.page,
            };
            held.push((id, page.bytes().to_vec(), seal.count));
        })?;
        let (mut lost, mut entries) = (0, 0);
        for (id, bytes, count) in held {
            entries += count;
            if pages.page(&id).await? != Some(bytes) {
                lost += count;
            }
        }
        let stored: u64 = pages.counts().await?.iter().map(|count| count.entries).sum();
        store.stop().await;
        Ok((lost, stored.saturating_sub(entries - lost)))
    }
}

async fn instrument(clock: Arc<SystemClock>) -> Result<Instrument, Trouble> {
    let found = driver::builtin().iter().find(|(name, _)| *name == "tc200.toml");
    let driver = found.and_then(|(name, text)| Driver::parse(text, name).ok());
    let driver =
        driver.ok_or_else(|| not_drilled("the driver of the simulated instrument cannot be read"))?;
    let moving = |measure: &str, around: f64, unit: &str| Moving {
        measure: measure.into(),
        motion: Motion::Wave {
            around,
            swing: 1.5,
            period: Duration::from_secs(7),
            noise: 0.2,
        },
        decimals: 1,
        unit: unit.into(),
        unsettled: None,
    };
    let options = Options {
        moving: vec![
            moving("temperature", 72.0, "°C"),
            moving("setpoint", 72.0, "°C"),
            moving("output", 40.0, "%"),
        ],
        ..Options::default()
    };
    let started = Instrument::start(&driver, On::Tcp("127.0.0.1:0".into()), options, clock).await;
    started.map_err(not_drilled)
}

fn source(place: &Path, url: &str, instrument: &str, stop_below: u64) -> Source {
    let dir = place.display();
    let below = stop_below >> 20;
    let text = format!(
        r#"format = 1
[gateway]
name = "{NAME}"
plant = "Drill"
use = "demo"
ledger = "{dir}/drill.ledger"
signing_key = "{dir}/gateway.key"
segment_size = "4 MiB"
stop_capture_below = "{below} MiB free"
settle = "500 ms"

[record_store]
broker = "{url}"
key = "{dir}/record-store.jwk"

[equipment.TC-1]
driver = "tc200"
edition = 2
modbus_tcp = "{instrument}"
unit_id = 1
every = "100 ms"
record_with_draft = true

[unit.MX-1]
kind = "mixer"
authority = "mqtt"

[unit.MX-1.roles]
temperature = "TC-1.temperature"
output = "TC-1.output"

[[capture]]
during = "hold"
at = "MX-1"
what = "temperature"
every = "reading"
must_be = "60.0 to 80.0 °C"

[[capture]]
during = "hold"
at = "MX-1"
what = "output"
every = "reading"
"#
    );
    Source {
        name: format!("{dir}/steelyard.toml"),
        text,
        drivers: Vec::new(),
        recipes: Vec::new(),
    }
}
