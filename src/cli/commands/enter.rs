//! `steelyard enter`: a value by hand, read off a display or carried over from paper, and its verification.

use crate::{
    cli::{Command, acts, life},
    daemon::acts::{Asked, enter::Enter, verify_hand::VerifyHand},
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgMatches};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "enter",
    about: "Enters a value by hand, or verifies one that another person entered",
    args,
    run,
    order: 40,
};

fn args(command: clap::Command) -> clap::Command {
    let word = |name: &'static str, kind: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(kind).help(help)
    };
    let number = |name: &'static str, help: &'static str| {
        word(name, "SEQ", help).value_parser(clap::value_parser!(u64).range(1..))
    };
    acts::who_args(
        command
            .arg(
                Arg::new("what")
                    .value_name("POINT|ROLE")
                    .required_unless_present("verify")
                    .help("A point as TAG.measure, or a role of a unit"),
            )
            .arg(
                Arg::new("value")
                    .value_name("VALUE")
                    .required_unless_present("verify")
                    .allow_hyphen_values(true)
                    .help("With its unit and every digit that was shown: \"68.4 °C\""),
            )
            .arg(word("unit", "UNIT", "Which unit, where several have the role"))
            .arg(
                word(
                    "at",
                    "TIME",
                    "When it was true: \"2026-11-20 10:15\" by the plant's clock, or with its offset",
                )
                .required_unless_present("verify"),
            )
            .arg(
                word(
                    "paper",
                    "REF",
                    "The paper it stands on, where it was carried over",
                )
                .default_value(""),
            )
            .arg(word("reason", "TEXT", "Why it is entered by hand").required_unless_present("verify"))
            .arg(number("corrects", "The entry it takes the place of"))
            .arg(word("second", "ID", "Another person, who has compared it").requires("second-password-file"))
            .arg(
                word(
                    "second-password-file",
                    "FILE",
                    "A file of mode 0600 with that person's password",
                )
                .value_parser(clap::value_parser!(PathBuf)),
            )
            .arg(
                number(
                    "verify",
                    "The entry that --by has compared with where it came from",
                )
                .conflicts_with_all(["what", "value", "at", "corrects", "second"]),
            ),
    )
    .arg(acts::config_arg())
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let (by, secret) = acts::who(matches)?;
    let asked = if let Some(seq) = matches.get_one::<u64>("verify") {
        Asked::to(
            "verify-hand",
            &VerifyHand {
                seq: *seq,
                by,
                secret,
            },
        )
    } else {
        let file = matches.get_one::<PathBuf>("second-password-file");
        let second_secret = file.map(|file| acts::secret(Some(file))).transpose()?;
        Asked::to(
            "enter",
            &Enter {
                what: text("what").unwrap_or_default(),
                unit: text("unit"),
                value: text("value").unwrap_or_default(),
                at: text("at").unwrap_or_default(),
                paper: text("paper").unwrap_or_default(),
                reason: text("reason").unwrap_or_default(),
                corrects: matches.get_one::<u64>("corrects").copied(),
                by,
                secret,
                second: text("second"),
                second_secret,
            },
        )
    };
    life::runtime()?.block_on(acts::done(&source, &asked))
}
