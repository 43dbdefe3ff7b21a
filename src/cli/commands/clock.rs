//! `steelyard clock check`: the gateway's clock beside one that a person trusts, where no time server is.

use crate::{
    cli::{Command, acts, life},
    config,
    daemon::acts::{Asked, clock_check::Check},
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgMatches};
use record::Trouble;
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "clock",
    about: "Compares the gateway's clock with one that a person trusts; the comparison is an entry",
    args,
    run,
    order: 57,
};

fn args(command: clap::Command) -> clap::Command {
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            acts::who_args(
                clap::Command::new("check")
                    .about("Enters what a clock you trust shows at this moment, beside the gateway's own"),
            )
            .arg(
                Arg::new("shows")
                    .long("shows")
                    .value_name("TIME")
                    .required(true)
                    .help("What it shows as you press Enter, in plant time: 14:03:10"),
            )
            .arg(acts::config_arg()),
        )
}

#[derive(Serialize)]
struct ByWhom {
    by: String,
    secret: String,
    #[serde(flatten)]
    what: Check,
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let Some((_, matches)) = matches.subcommand() else {
        return Ok(ExitCode::from(2));
    };
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source: config::Source = configuration(&SystemFiles, &path)?;
    let (by, secret) = acts::who(matches)?;
    let shows = matches.get_one::<String>("shows").cloned().unwrap_or_default();
    let asked = Asked::to(
        "clock-check",
        &ByWhom {
            by,
            secret,
            what: Check { shows },
        },
    );
    life::runtime()?.block_on(acts::done(&source, &asked))
}
