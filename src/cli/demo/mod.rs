//! The demo: a whole line in one process. Simulated equipment, an embedded broker, the gateway, the record store and
//! the web page – the same parts that run in a plant, with nothing to install.

mod plant;
mod scene;
mod terminal;

use super::{acts, life};
use crate::{
    config::Source,
    daemon::{acts::apply::Apply, gateway::Told, opening},
    evidence::{self, Expected, Folder},
    flow::needs::{Files, Login},
    ports::{
        broker::Embedded, clock::SystemClock, disk::Directory, files::SystemFiles, mqtt::Mqtt,
        random::SystemRandom,
    },
    store::{self, Enrolled, Enrolment},
};
use record::{KeySet, Role, Trouble};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use terminal::Terminal;
use tokio::sync::mpsc;

/// What was asked for.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub length: Duration,
    pub data: PathBuf,
    pub port: u16,
    pub json: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub captured: u64,
    pub sealed: u64,
    pub delivered: u64,
    pub receipted: u64,
    pub lost: u64,
    pub verified: bool,
    pub batch: String,
    pub ledger: PathBuf,
    pub url: String,
    pub interrupted: bool,
}

/// How long the end waits for receipts.
const WAIT_FOR_RECEIPTS: Duration = Duration::from_secs(10);
const NAME: &str = "demo-line";

/// A directory of its own for each run, so that a second one beside the first works.
pub(super) fn new_place() -> PathBuf {
    let now = clock_text(&SystemClock::new());
    PathBuf::from(format!("steelyard-demo/{now}-{}", std::process::id()))
}

/// Runs it.
pub(super) async fn run(wish: &Wish) -> Result<Outcome, Trouble> {
    let terminal = Terminal::new(wish.json);
    let wish = Wish {
        data: std::path::absolute(&wish.data).unwrap_or_else(|_| wish.data.clone()),
        ..wish.clone()
    };
    make(&wish.data)?;
    terminal.opening(&wish.data);
    let outside = life::outside();
    let clock: Arc<SystemClock> = Arc::new(SystemClock::new());

    let (broker, _broker) = Embedded::start(0).await?;
    let url = if broker.contains("://") {
        broker
    } else {
        format!("mqtt://{broker}")
    };
    let scene = scene::Scene::set(&wish.data, clock.clone()).await?;

    // Each side makes its key and learns the other's public half: the two halves of a tally stick.
    let gateway_key = opening::signing_key(&wish.data.join("gateway.key"), true, &outside)?;
    let store_key = opening::signing_key(&wish.data.join("record-store.key"), true, &outside)?;
    let mut receipt_keys = KeySet::default();
    receipt_keys.add(store_key.public().clone(), Role::Receipt)?;
    write(&wish.data.join("record-store.jwk"), &receipt_keys.to_jwks())?;

    let enrolled = Enrolled {
        keys: vec![gateway_key.public().clone()],
        ledgers: Vec::new(),
    };
    let record_store = store::start(
        store::Options {
            database: store::Database::Sqlite(wish.data.join("record-store.sqlite")),
            enrolment: Enrolment {
                usage: "demo".into(),
                gateways: BTreeMap::from([(NAME.to_owned(), enrolled)]),
            },
            broker: Login::plain(&url, "demo-record-store", Vec::new()),
            topics: "steelyard".into(),
            share: None,
        },
        store::Needs {
            broker: Arc::new(Mqtt),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            signer: store_key.clone(),
        },
    )
    .await?;

    let text = plant::configuration(&wish.data, &url, &scene, wish.port);
    let config = wish.data.join("steelyard.toml");
    write(&config, &text)?;
    let source = Source {
        name: config.display().to_string(),
        text,
        drivers: Vec::new(),
        recipes: Vec::new(),
    };
    if opening::accepted_in(&wish.data.join("line.ledger"), &source.name)?.is_some() {
        // A demo that goes on in its ledger has its equipment at other addresses: a change like any other.
        let reason = "the addresses of this run of the demo".to_owned();
        acts::apply_while_stopped(&Apply::new(&source, "demo".into(), reason)).await?;
    }
    let open = life::open(source, &outside).await?;
    let ledger = open.plant.gateway.ledger.clone();
    let already = open.head.seq;
    let (told, news) = mpsc::unbounded_channel::<Told>();
    let mut whole = life::start(open, outside, Arc::new(Mqtt), Some(told)).await?;
    let page = whole.web.map(|at| format!("http://{at}/")).unwrap_or_default();
    terminal.started(&page);

    let batch = format!("B-DEMO-{}", &clock_text(clock.as_ref()));
    let board = whole.running.board.clone();
    let watching = terminal.watch(news, board.clone(), clock.clone());
    let played = tokio::select! {
        played = scene.play(&url, &batch, wish.length) => Some(played),
        () = life::told_to_stop() => None,
        trouble = whole.running.ended() => return Err(trouble),
    };
    let interrupted = played.is_none();
    if let Some(Err(trouble)) = played {
        return Err(trouble);
    }
    let delivery = whole.running.delivery_view.clone();
    whole.stop(WAIT_FOR_RECEIPTS).await?;
    watching.abort();
    let counts = delivery.borrow().counts;
    let captured = board.borrow().record.captured.saturating_sub(already);
    let held = record_store.status().borrow().made.entries;
    record_store.stop().await;
    drop(scene);

    let expected = Expected {
        gateway: vec![gateway_key.public().thumbprint()],
        store: vec![store_key.public().thumbprint()],
    };
    let disk = Directory::look(&ledger)?;
    let finding = evidence::verify(&Folder::open(&disk)?, &ledger.display().to_string(), &expected);
    let outcome = Outcome {
        captured,
        sealed: captured,
        // Of this run: what was there before is receipted first.
        delivered: counts.delivered.saturating_sub(already),
        receipted: counts.receipted.saturating_sub(already),
        // What the record store itself says it holds decides, not what the gateway believes.
        lost: captured.saturating_sub(held),
        verified: finding.holds(),
        batch,
        ledger,
        url: page,
        interrupted,
    };
    terminal.ending(&outcome, &finding);
    Ok(outcome)
}

fn clock_text(clock: &dyn crate::flow::needs::Clock) -> String {
    clock
        .now()
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .skip(2)
        .take(12)
        .collect()
}

fn make(dir: &std::path::Path) -> Result<(), Trouble> {
    crate::ports::files::make_directory(dir).map_err(|error| cannot_write(dir, &error))
}

fn write(path: &std::path::Path, text: &str) -> Result<(), Trouble> {
    SystemFiles
        .write(path, text.as_bytes())
        .map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &std::path::Path, error: &std::io::Error) -> Trouble {
    Trouble::new("demo-no-place", format!("the demo cannot write here: {error}"))
        .at(path.display())
        .means("nothing was recorded")
        .so("name a directory with --data")
}
