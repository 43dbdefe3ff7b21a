//! What the commands that run something share: the runtime, the log, the gateway with its web page and its socket.

use super::screens;
use crate::{
    daemon::{
        acts,
        gateway::Told,
        opening::{self, Open, Outside, Refusal},
        start::{self, Running, World},
    },
    flow::{needs::Broker, signal},
    ports::{self, clock::SystemClock, files::SystemFiles, links::SystemLinks, random::SystemRandom},
};
use record::Trouble;
use std::{net::SocketAddr, sync::Arc};
use tokio::{sync::mpsc, task::JoinHandle};

/// The runtime of a gateway: two threads carry a line, as two cores do.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    ports::machine::room_for_files()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.map_err(|error| {
        Trouble::new(
            "no-runtime",
            format!("the program cannot start its threads: {error}"),
        )
    })
}

/// The log: one event per change of state, on standard error, for people or (`json`) for machines.
pub(super) fn log(json: bool, level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("STEELYARD_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(format!("{level},{QUIET}")));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // holds because a log that stands already is as good
    let _ = if json {
        log.json().try_init()
    } else {
        log.try_init()
    };
}

/// The outside world of this machine.
pub(super) fn outside() -> Outside {
    Outside {
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        files: Arc::new(SystemFiles),
    }
}

/// A gateway with everything around it.
pub(super) struct Whole {
    pub running: Running,
    pub web: Option<SocketAddr>,
    beside: Vec<JoinHandle<()>>,
}

/// A library that says each failed attempt: what has changed is said once, by the link itself.
const QUIET: &str = "opcua_client=off,opcua_core=off,opcua_crypto=off,opcua_types=off";

/// All reasons not to start, as one trouble.
pub(super) fn not_started(refusals: &[Refusal]) -> Trouble {
    match refusals {
        [one] => Trouble::new("not-started", "the gateway does not start").means(one.0.clone()),
        many => {
            let words: Vec<&str> = many.iter().map(|refusal| refusal.0.as_str()).collect();
            Trouble::new(
                "not-started",
                format!("the gateway does not start, for {} reasons", many.len()),
            )
            .means(words.join("\n"))
        }
    }
}

/// Starts a gateway on an open ledger.
pub(super) async fn start(
    open: Open,
    outside: Outside,
    broker: Arc<dyn Broker>,
    told: Option<mpsc::UnboundedSender<Told>>,
) -> Result<Whole, Trouble> {
    let settings = open.plant.web.clone();
    let (gateway, zone_of_key) = (
        open.plant.gateway.name.clone(),
        open.plant.gateway.signing_key.clone(),
    );
    let signal = open.plant.signal.clone();
    let clock = outside.clock.clone();
    let ledger = open.plant.gateway.ledger.clone();
    let gate_outside = outside.clone();
    let world = World {
        outside,
        links: Arc::new(SystemLinks),
        servers: ports::servers::servers(Arc::new(SystemClock::new())),
        broker,
        told,
    };
    let running = start::start(open, world).await?;
    let mut beside = Vec::new();
    let mut web = None;
    if let Some(address) = &settings.listen {
        let outside = &gate_outside;
        let screens = screens::Screens {
            address: address.clone(),
            own: zone_of_key.with_file_name("web"),
            gateway,
            settings: settings.clone(),
        };
        match screens.serve(&running, outside).await {
            Ok((at, task)) => {
                web = Some(at);
                beside.push(task);
            }
            // A page that cannot be shown never stops a capture.
            Err(trouble) => tracing::error!(name = trouble.name, "{trouble}"),
        }
    }
    if let Some(signal) = signal {
        let board = running.board.clone();
        let answer = move |question: &[u8]| {
            let registers = signal::registers(&board.borrow(), &signal.units, clock.elapsed());
            signal::answer(question, &registers)
        };
        let say = |trouble: Trouble| tracing::error!(name = trouble.name, "{trouble}");
        beside.push(tokio::spawn(ports::signal::serve(signal.listen, answer, say)));
    }
    let core = running.control.clone();
    beside.push(tokio::spawn(async move {
        let answer = |line| {
            let core = core.clone();
            async move { acts::answer(line, &core).await }
        };
        if let Err(error) = ports::control::listen(ledger, answer).await {
            tracing::error!(%error, "the control socket ended; capture goes on");
        }
    }));
    Ok(Whole { running, web, beside })
}

impl Whole {
    /// Stops in order, waiting up to `within` for receipts.
    pub(super) async fn stop(self, within: std::time::Duration) -> Result<(), Trouble> {
        self.beside.iter().for_each(JoinHandle::abort);
        self.running.stop(within).await
    }
}

/// Opens a ledger for the configuration in these files.
pub(super) async fn open(source: crate::config::Source, outside: &Outside) -> Result<Open, Trouble> {
    opening::open(source, true, outside)
        .await
        .map_err(|refusals| not_started(&refusals))
}

/// Waits for Ctrl-C or the service manager's word to stop.
pub(super) async fn told_to_stop() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(_) => return drop(tokio::signal::ctrl_c().await),
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
