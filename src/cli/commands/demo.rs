//! `steelyard demo`: a whole line on this machine, with nothing to install.

use crate::{
    cli::{Command, NOT_RIGHT, demo, life, say},
    config::sentence,
};
use clap::{Arg, ArgAction, ArgMatches};
use record::Trouble;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode, time::Duration};

pub(crate) const COMMAND: Command = Command {
    name: "demo",
    about: "Plays a whole line on this machine: equipment, broker, gateway, record store, web page",
    args,
    run,
    order: 1,
};

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("for")
                .long("for")
                .value_name("TIME")
                .default_value("60s")
                .value_parser(length)
                .help("How long the batch takes: 20s, 2min"),
        )
        .arg(
            Arg::new("data")
                .long("data")
                .value_name("DIR")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Where everything is written [default: a new directory in steelyard-demo]"),
        )
        .arg(
            Arg::new("port")
                .long("port")
                .value_name("PORT")
                .default_value("0")
                .value_parser(clap::value_parser!(u16))
                .help("Port of the web page; 0 takes any"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("End with one object on one line"),
        )
        .after_help(
            "Exit code: 0 everything captured was receipted and verified, 1 not, 3 it could not be played.",
        )
}

fn length(text: &str) -> Result<Duration, String> {
    let spaced = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) if !text.contains(' ') => format!("{} {}", &text[..at], &text[at..]),
        _ => text.to_owned(),
    };
    let length = sentence::duration(&spaced).map_err(|slip| slip.what)?;
    if length < Duration::from_secs(5) || length > Duration::from_hours(24) {
        return Err("a batch takes between 5 s and 24 h".to_owned());
    }
    Ok(length)
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    life::log(false, "error");
    let json = matches.get_flag("json");
    let wish = demo::Wish {
        length: matches
            .get_one::<Duration>("for")
            .copied()
            .unwrap_or(Duration::from_secs(60)),
        data: matches
            .get_one::<PathBuf>("data")
            .cloned()
            .unwrap_or_else(demo::new_place),
        port: matches.get_one::<u16>("port").copied().unwrap_or(0),
        json,
    };
    let outcome = life::runtime()?.block_on(demo::run(&wish))?;
    if json {
        let object = json!({
            "captured": outcome.captured,
            "sealed": outcome.sealed,
            "delivered": outcome.delivered,
            "receipted": outcome.receipted,
            "lost": outcome.lost,
            "verified": outcome.verified,
            "batch": outcome.batch,
            "ledger": outcome.ledger.display().to_string(),
            "url": outcome.url,
        });
        say(&object.to_string());
    }
    let whole = outcome.verified && outcome.lost == 0 && outcome.receipted == outcome.captured;
    Ok(if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}
