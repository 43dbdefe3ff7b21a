//! `steelyard run`: the gateway as a daemon, against a real broker.

use crate::{
    cli::{Command, life, say},
    ports::{
        files::{SystemFiles, configuration},
        machine,
        mqtt::Mqtt,
    },
};
use clap::{Arg, ArgAction, ArgMatches};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

pub(crate) const COMMAND: Command = Command {
    name: "run",
    about: "Runs the gateway: captures, seals, delivers until receipted",
    args,
    run,
    order: 10,
};

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("config")
                .value_name("CONFIG")
                .default_value("/etc/steelyard/steelyard.toml")
                .help("The configuration; its drivers lie in drivers/ beside it"),
        )
        .arg(Arg::new("log-json").long("log-json").action(ArgAction::SetTrue).help("Log as JSON, one event a line"))
        .after_help(
            "The configuration accepted last runs, whatever the file says by now; `steelyard apply` changes it.\n\
             Exit code: 0 stopped in order, 3 it could not start or must not go on.",
        )
}

/// How long a stop waits for receipts: what has none yet is sent again at the next start.
const WAIT_FOR_RECEIPTS: Duration = Duration::from_secs(5);

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    life::log(matches.get_flag("log-json"), "info");
    let path = PathBuf::from(matches.get_one::<String>("config").map_or("", String::as_str));
    let source = configuration(&SystemFiles, &path)?;
    let runtime = life::runtime()?;
    runtime.block_on(async {
        let outside = life::outside();
        let open = life::open(source, &outside).await?;
        let name = open.plant.gateway.name.clone();
        let mut whole = life::start(open, outside, Arc::new(Mqtt), None).await?;
        let page = whole.web.map(|at| format!(", http://{at}/")).unwrap_or_default();
        machine::ready(&format!("recording{page}"));
        say(&format!("{name} is recording{page}"));
        tokio::select! {
            () = life::told_to_stop() => {
                whole.stop(WAIT_FOR_RECEIPTS).await?;
                say(&format!("{name} stopped in order"));
                Ok(ExitCode::SUCCESS)
            }
            trouble = whole.running.ended() => Err(trouble),
        }
    })
}
