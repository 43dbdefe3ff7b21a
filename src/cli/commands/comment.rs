//! `steelyard comment`: a person's words, about a batch, a unit or an entry.

use crate::{
    cli::{Command, acts, life},
    daemon::acts::{Asked, comment::Comment},
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgMatches};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "comment",
    about: "Enters a comment about a batch, a unit or an entry",
    args,
    run,
    order: 41,
};

fn args(command: clap::Command) -> clap::Command {
    let word = |name: &'static str, kind: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(kind).help(help)
    };
    acts::who_args(
        command
            .arg(
                Arg::new("text")
                    .value_name("TEXT")
                    .required(true)
                    .help("What there is to say"),
            )
            .arg(word("batch", "BATCH", "About a batch"))
            .arg(word("unit", "UNIT", "About a unit"))
            .arg(word("about", "SEQ", "About an entry").value_parser(clap::value_parser!(u64).range(1..))),
    )
    .arg(acts::config_arg())
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let (by, secret) = acts::who(matches)?;
    let asked = Asked::to(
        "comment",
        &Comment {
            text: text("text").unwrap_or_default(),
            unit: text("unit"),
            batch: text("batch"),
            about: matches.get_one::<u64>("about").copied(),
            by,
            secret,
        },
    );
    life::runtime()?.block_on(acts::done(&source, &asked))
}
