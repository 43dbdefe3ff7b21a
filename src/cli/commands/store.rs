//! `steelyard store`: the record store's side, and questions to it.

use crate::{
    cli::{Command, NOT_RIGHT, err, say},
    config::{self, store_file},
    flow::needs::{Contradiction, Files, Hole, LedgerCount, PageStore, QuarantineRow},
    ports::{clock::SystemClock, files::SystemFiles, mqtt::Mqtt, random::SystemRandom},
    store::{self, Needs, Options, find, settings},
};
use clap::{Arg, ArgAction, ArgMatches};
use driver::Complaint;
use record::{Signer, Trouble};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};
use tokio::signal::unix::{SignalKind, signal};

pub(crate) const COMMAND: Command = Command {
    name: "store",
    about: "Is the record store's side: takes pages, keeps them, gives receipts",
    args,
    run,
    order: 70,
};

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("config")
                .value_name("CONFIG")
                .required(true)
                .value_parser(clap::value_parser!(PathBuf))
                .help("The record store's file: /etc/steelyard/store.toml"),
        )
        .arg(
            Arg::new("status")
                .long("status")
                .action(ArgAction::SetTrue)
                .help("What is held, what is missing, what was refused; takes no pages"),
        )
        .arg(
            Arg::new("batch")
                .long("batch")
                .value_name("BATCH")
                .conflicts_with("status")
                .help("The entries of a batch, line by line as they were sealed; takes no pages"),
        )
        .arg(
            Arg::new("gaps")
                .long("gaps")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["status", "batch"])
                .help("Only what is missing: pages between pages that are held; takes no pages"),
        )
        .arg(
            Arg::new("forks")
                .long("forks")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["status", "batch"])
                .help("Only what contradicts: second pages for one place, broken chains; takes no pages"),
        )
        .arg(
            Arg::new("quarantine")
                .long("quarantine")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["status", "batch"])
                .help("Only what was refused, with its reasons; takes no pages"),
        )
        .arg(
            Arg::new("gateway")
                .long("gateway")
                .value_name("NAME")
                .conflicts_with("batch")
                .help("With the questions above and --status: only about this gateway"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("For scripts"),
        )
        .after_help(
            "Without a question it works until it is told to stop.\n\
             Exit code: 0 all is well; 1 pages are missing, contradict each other or were refused, as far as was \
             asked, or the file has mistakes; 3 it could not be done.",
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let Some(path) = matches.get_one::<PathBuf>("config") else {
        return Ok(ExitCode::from(2));
    };
    let name = path.display().to_string();
    let text = SystemFiles
        .read(path)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            Trouble::new("no-store-file", "the record store's file cannot be read as text")
                .at(&name)
                .means("no page is taken or receipted; the gateways keep theirs")
                .so("name the file: steelyard store /etc/steelyard/store.toml")
        })?;
    let read = store_file::read(&name, &text);
    let read =
        read.and_then(|file| settings::options(&file, &name, &SystemFiles).map(|options| (file, options)));
    let (file, options) = match read {
        Ok(read) => read,
        Err(complaints) => {
            told(&complaints, &text);
            return Ok(ExitCode::from(NOT_RIGHT));
        }
    };
    for warning in &file.warnings {
        err(&config::render_warning(warning, Some(&text)));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|problem| {
            Trouble::new(
                "no-runtime",
                format!("the program cannot start its threads: {problem}"),
            )
            .means("no page is taken or receipted; the gateways keep theirs")
            .so("look at the limits of this machine: threads, memory")
        })?;
    let json = matches.get_flag("json");
    runtime.block_on(async {
        let asked = |name: &str| matches.get_flag(name);
        let whole = asked("status");
        if whole || asked("gaps") || asked("forks") || asked("quarantine") || matches.contains_id("gateway") {
            let question = Question {
                ledgers: whole || !(asked("gaps") || asked("forks") || asked("quarantine")),
                gaps: whole || asked("gaps"),
                forks: whole || asked("forks"),
                quarantine: whole || asked("quarantine"),
                gateway: matches.get_one::<String>("gateway").cloned(),
            };
            return status(&options, &question, json).await;
        }
        if let Some(batch) = matches.get_one::<String>("batch") {
            return entries(&options, batch, json).await;
        }
        work(&file.signing_key, options, json).await
    })
}

fn told(complaints: &[Complaint], text: &str) {
    for complaint in complaints {
        err(&config::render(complaint, Some(text)));
    }
}

/// Takes pages until the machine or a person says stop.
async fn work(key: &Path, options: Options, json: bool) -> Result<ExitCode, Trouble> {
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_target(false);
    // holds because a log that stands already is as good
    let _ = if json {
        log.json().try_init()
    } else {
        log.try_init()
    };
    let (signer, made) = settings::receipt_key(key, &SystemFiles, &SystemRandom)?;
    let public = key.with_extension("jwk");
    if made {
        err(&format!("a receipt key was made: {}", key.display()));
    }
    err(&format!(
        "receipts are signed with the key {} ({})\n  do: name this file as `key` in [record_store] of each gateway",
        signer.public().thumbprint(),
        public.display()
    ));
    let needs = Needs {
        broker: Arc::new(Mqtt),
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        signer: Arc::new(signer),
    };
    let stop = |kind| {
        signal(kind).map_err(|problem| {
            Trouble::new(
                "no-signals",
                format!("the program cannot be told to stop: {problem}"),
            )
            .means("no page is taken or receipted; the gateways keep theirs")
            .so("start it again; if it happens again, look at the limits of this machine")
        })
    };
    let (mut interrupt, mut terminate) = (stop(SignalKind::interrupt())?, stop(SignalKind::terminate())?);
    let running = store::start(options, needs).await?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    let made = running.status().borrow().made;
    running.stop().await;
    err(&format!(
        "stopped: {} pages with {} entries stored, {} known already, {} refused, {} forks",
        made.pages, made.entries, made.known, made.refused, made.forks
    ));
    Ok(ExitCode::SUCCESS)
}

async fn open(options: &Options) -> Result<Arc<dyn PageStore>, Trouble> {
    options.database.look(&options.enrolment.usage).await
}

async fn entries(options: &Options, batch: &str, json: bool) -> Result<ExitCode, Trouble> {
    let found = find::batch(&*open(options).await?, batch).await?;
    for entry in &found.entries {
        say(&entry.line);
    }
    if !json {
        err(&format!(
            "{} entries of batch {batch}; {} attached and {} detached by bindings",
            found.entries.len(),
            found.attached,
            found.detached
        ));
    }
    Ok(ExitCode::from(if found.entries.is_empty() {
        NOT_RIGHT
    } else {
        0
    }))
}

/// All that a person asks first.
#[derive(Default)]
struct Seen {
    counts: Vec<LedgerCount>,
    holes: Vec<Hole>,
    contradictions: Vec<Contradiction>,
    quarantine: Vec<QuarantineRow>,
}

/// What somebody wants to know.
#[derive(Debug, Clone)]
struct Question {
    ledgers: bool,
    gaps: bool,
    forks: bool,
    quarantine: bool,
    gateway: Option<String>,
}

impl Question {
    /// A question about one gateway and nothing in particular is about everything of it.
    fn whole(self) -> Self {
        if self.gaps || self.forks || self.quarantine {
            return self;
        }
        Self {
            gaps: true,
            forks: true,
            quarantine: true,
            ..self
        }
    }
}

async fn status(options: &Options, question: &Question, json: bool) -> Result<ExitCode, Trouble> {
    let question = question.clone().whole();
    let pages = open(options).await?;
    let wanted = |gateway: &String| question.gateway.as_ref().is_none_or(|only| only == gateway);
    let mut seen = Seen::default();
    if question.ledgers {
        seen.counts = pages.counts().await?;
        seen.counts.retain(|count| wanted(&count.gateway));
    }
    if question.gaps {
        seen.holes = pages.holes().await?;
        seen.holes.retain(|hole| wanted(&hole.from.gateway));
    }
    if question.forks {
        seen.contradictions = pages.contradictions().await?;
        seen.contradictions.retain(|one| wanted(&one.at.gateway));
    }
    if question.quarantine {
        seen.quarantine = pages.quarantine(1000).await?;
        seen.quarantine.retain(|row| wanted(&row.gateway));
    }
    say(&if json {
        seen.as_json(options, &question)
    } else {
        seen.in_words(options, &question)
    });
    let well = seen.holes.is_empty() && seen.contradictions.is_empty() && seen.quarantine.is_empty();
    Ok(ExitCode::from(if well { 0 } else { NOT_RIGHT }))
}

impl Seen {
    fn in_words(&self, options: &Options, question: &Question) -> String {
        let mut lines = vec![format!(
            "{}, {} records",
            options.database.shown(),
            options.enrolment.usage
        )];
        let asked = |gateway: &&String| {
            question.ledgers && question.gateway.as_ref().is_none_or(|only| only == *gateway)
        };
        for gateway in options.enrolment.gateways.keys().filter(asked) {
            if !self.counts.iter().any(|count| &count.gateway == gateway) {
                lines.push(format!("{gateway}: nothing yet"));
            }
        }
        for LedgerCount {
            gateway,
            ledger,
            pages,
            entries,
            newest,
            stored,
        } in &self.counts
        {
            lines.push(format!(
                "{gateway}: {entries} entries on {pages} pages, newest page {} of epoch {}, stored {stored} (ledger {ledger})",
                newest.1, newest.0
            ));
        }
        for Hole { from, to } in &self.holes {
            let pages = if *to == from.page {
                format!("page {to} is")
            } else {
                format!("pages {} to {to} are", from.page)
            };
            lines.push(format!(
                "missing: {}: {pages} not here (epoch {})",
                from.gateway, from.epoch
            ));
        }
        for Contradiction { at, what } in &self.contradictions {
            lines.push(format!(
                "contradiction: {}: page {} of epoch {}: {what}",
                at.gateway, at.page, at.epoch
            ));
        }
        for row in &self.quarantine {
            let times = if row.times == 1 {
                "once".into()
            } else {
                format!("{} times", row.times)
            };
            lines.push(format!(
                "refused: {}: {} ({}, {times} since {})",
                row.gateway, row.because, row.reason, row.heard
            ));
        }
        if self.holes.is_empty() && self.contradictions.is_empty() && self.quarantine.is_empty() {
            let parts = [
                (question.gaps, "nothing is missing"),
                (question.forks, "nothing contradicts"),
                (question.quarantine, "nothing was refused"),
            ];
            let said: Vec<_> = parts
                .iter()
                .filter(|(asked, _)| *asked)
                .map(|(_, words)| *words)
                .collect();
            lines.push(said.join(", "));
        }
        lines.join("\n")
    }

    fn as_json(&self, options: &Options, question: &Question) -> String {
        let ledgers: Vec<_> = self
            .counts
            .iter()
            .map(|count| {
                serde_json::json!({
                    "gateway": count.gateway, "ledger": count.ledger, "pages": count.pages, "entries": count.entries,
                    "newest": {"epoch": count.newest.0, "page": count.newest.1}, "stored": count.stored.to_string(),
                })
            })
            .collect();
        let holes: Vec<_> = self
            .holes
            .iter()
            .map(|hole| {
                let from = &hole.from;
                serde_json::json!({
                    "gateway": from.gateway, "ledger": from.ledger, "epoch": from.epoch, "from": from.page, "to": hole.to,
                })
            })
            .collect();
        let contradictions: Vec<_> = self
            .contradictions
            .iter()
            .map(|one| {
                let at = &one.at;
                serde_json::json!({
                    "gateway": at.gateway, "ledger": at.ledger, "epoch": at.epoch, "page": at.page, "what": one.what,
                })
            })
            .collect();
        let quarantine: Vec<_> = self
            .quarantine
            .iter()
            .map(|row| {
                serde_json::json!({
                    "gateway": row.gateway, "reason": row.reason, "because": row.because,
                    "heard": row.heard.to_string(), "times": row.times, "bytes": row.bytes.len(),
                })
            })
            .collect();
        let mut object = serde_json::json!({
            "database": options.database.shown(), "use": options.enrolment.usage,
        });
        // what was not asked is not there, so that nobody takes it for empty
        for (asked, name, rows) in [
            (question.ledgers, "ledgers", ledgers),
            (question.gaps, "holes", holes),
            (question.forks, "contradictions", contradictions),
            (question.quarantine, "quarantine", quarantine),
        ] {
            if asked {
                object[name] = rows.into();
            }
        }
        object.to_string()
    }
}
