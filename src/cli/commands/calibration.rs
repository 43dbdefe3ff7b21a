//! `steelyard calibration TAG`: what a calibration found and left, against which standard, until when.

use crate::{
    cli::{Command, acts, life},
    daemon::acts::{Asked, calibrate::Calibrate},
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgMatches};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "calibration",
    about: "Enters a calibration; names every batch that one out of limits puts in question",
    args,
    run,
    order: 44,
};

fn args(command: clap::Command) -> clap::Command {
    let word = |name: &'static str, kind: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(kind).help(help)
    };
    acts::who_args(
        command
            .arg(
                Arg::new("tag")
                    .value_name("TAG")
                    .required(true)
                    .help("The instrument"),
            )
            .arg(
                word(
                    "as-found",
                    "TEXT",
                    "\"within\" or \"out\", then what was found: \"out: 101.3 °C at 100.0 °C\"",
                )
                .required(true),
            )
            .arg(word("as-left", "TEXT", "The same after it was adjusted").required(true))
            .arg(word("standard", "TEXT", "The standard, with its certificate").required(true))
            .arg(
                word(
                    "due",
                    "DATE",
                    "The last day it may be used, in the plant's zone: 2027-03-31",
                )
                .required(true),
            )
            .arg(word(
                "at",
                "TIME",
                "When it was done, where that is not now: \"2026-11-20 10:15\"",
            ))
            .arg(word("reason", "TEXT", "Why, where it was not the routine").default_value("routine")),
    )
    .arg(acts::config_arg())
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let (by, secret) = acts::who(matches)?;
    let asked = Asked::to(
        "calibrate",
        &Calibrate {
            tag: text("tag"),
            found: text("as-found"),
            left: text("as-left"),
            standard: text("standard"),
            due: text("due"),
            at: matches.get_one::<String>("at").cloned(),
            reason: text("reason"),
            by,
            secret,
        },
    );
    life::runtime()?.block_on(acts::done(&source, &asked))
}
