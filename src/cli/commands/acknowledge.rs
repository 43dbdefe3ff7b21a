//! `steelyard acknowledge SEQ`: a named person has seen an exception or excursion, and says why that is enough.

use crate::{
    cli::{Command, acts, life},
    daemon::acts::{Asked, acknowledge::Acknowledge},
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgMatches};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "acknowledge",
    about: "Says that a person has seen an exception or excursion, and why that is enough for now",
    args,
    run,
    order: 45,
};

fn args(command: clap::Command) -> clap::Command {
    let word =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("TEXT").help(help);
    acts::who_args(
        command
            .arg(
                Arg::new("seq")
                    .value_name("SEQ")
                    .required(true)
                    .value_parser(clap::value_parser!(u64))
                    .help("The number of the exception or excursion"),
            )
            .arg(
                word(
                    "reason",
                    "What was seen and done, in a sentence a reviewer understands",
                )
                .required(true),
            )
            .arg(word(
                "reference",
                "Under what it is followed up: the number of a deviation",
            ))
            .arg(acts::config_arg()),
    )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let word = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let (by, secret) = acts::who(matches)?;
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let asked = Asked::to(
        "acknowledge",
        &Acknowledge {
            about: matches.get_one::<u64>("seq").copied().unwrap_or_default(),
            reason: word("reason"),
            reference: word("reference"),
            by,
            secret,
        },
    );
    let source = configuration(&SystemFiles, &path)?;
    life::runtime()?.block_on(async { acts::done(&source, &asked).await })
}
