//! `steelyard drill`: proves on this machine that nothing is lost.

use crate::cli::{Command, NOT_RIGHT, drill, err, life, say};
use clap::{Arg, ArgAction, ArgMatches, builder::PossibleValuesParser};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "drill",
    about: "Proves on this machine that nothing is lost: an outage, a power cut, a full disk",
    args,
    run,
    order: 75,
};

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("name")
                .value_name("DRILL")
                .required(true)
                .value_parser(PossibleValuesParser::new(drill::NAMES))
                .help("outage: the broker is gone and comes back; power: killed in mid-write; full: no room on the disk"),
        )
        .arg(
            Arg::new("on")
                .long("on")
                .value_name("DIR")
                .value_parser(clap::value_parser!(PathBuf))
                .help("On the disk that is to be tried [default: the directory for temporary files]; a folder is made in it and removed again"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("One object: captured, lost, doubled, verified, passed"),
        )
        .arg(
            Arg::new("writer")
                .long("writer")
                .value_name("DIR")
                .hide(true)
                .value_parser(clap::value_parser!(PathBuf)),
        )
        .after_help(
            "Takes less than a minute, and touches no ledger of a plant.\n\
             Exit code: 0 passed, 1 something was lost or did not hold, 3 it could not be drilled.",
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    life::log(false, "off");
    let runtime = life::runtime()?;
    if let Some(place) = matches.get_one::<PathBuf>("writer") {
        runtime.block_on(drill::write_until_killed(place))?;
        return Ok(ExitCode::SUCCESS);
    }
    let name = matches.get_one::<String>("name").map_or("outage", String::as_str);
    let json = matches.get_flag("json");
    let on = matches
        .get_one::<PathBuf>("on")
        .cloned()
        .unwrap_or_else(std::env::temp_dir);
    let on = std::path::absolute(&on).unwrap_or(on);
    let tell = |text: &str| {
        if !json {
            err(text);
        }
    };
    let drilled = runtime.block_on(async {
        tokio::select! {
            drilled = drill::run(name, &on, &tell) => drilled.map(Some),
            () = life::told_to_stop() => Ok(None),
        }
    });
    runtime.shutdown_background();
    let Some(outcome) = drilled? else {
        err("interrupted; nothing is proven, and the folder of the drill is left where it is");
        return Ok(ExitCode::from(NOT_RIGHT));
    };
    say(&if json {
        outcome.as_json().to_string()
    } else {
        outcome.words()
    });
    Ok(if outcome.passed() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}
