//! `steelyard watch`: the line, live in the terminal.

use crate::{
    cli::{
        Command,
        watch::{self, Wish},
    },
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgAction, ArgMatches};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "watch",
    about: "Shows the line live in the terminal: values, quality, verdict, age, trend",
    args,
    run,
    order: 36,
};

fn args(command: clap::Command) -> clap::Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    command
        .arg(
            Arg::new("points")
                .value_name("POINT")
                .action(ArgAction::Append)
                .num_args(0..)
                .help("Only these: a point, a tag, a role or a unit"),
        )
        .arg(crate::cli::acts::config_arg())
        .arg(flag("json").help("One object per change on a line of its own, for a script"))
        .arg(flag("once").help("Everything once, and then no more"))
        .after_help(
            "It shows the board of the gateway that runs and asks no equipment anything. In a pipe or a file it\n\
             writes one line per change. Keys: q ends, j and k or the arrows scroll.\n\n\
             steelyard watch\n\
             steelyard watch TC-3105 WT-3101.weight\n\
             steelyard watch --json | jq .value",
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let wish = Wish {
        points: matches
            .get_many::<String>("points")
            .unwrap_or_default()
            .cloned()
            .collect(),
        json: matches.get_flag("json"),
        once: matches.get_flag("once"),
    };
    watch::watch(&source, &wish)
}
