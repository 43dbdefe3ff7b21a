//! `steelyard evidence`: one batch in a folder that needs neither daemon nor database.

use super::Command;
use crate::{
    cli::{NOT_RIGHT, say},
    evidence::{Expected, Gathered, Rules, gather, uncovered},
    ports::disk::Directory,
};
use clap::{Arg, ArgAction, ArgGroup, ArgMatches};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "evidence",
    about: "Draws the evidence about a batch out of a ledger; or withholds from evidence",
    args,
    run,
    order: 55,
};

fn args(command: clap::Command) -> clap::Command {
    let folder = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("DIR")
            .value_parser(clap::value_parser!(PathBuf))
            .help(help)
    };
    command
        .arg(
            Arg::new("batch")
                .value_name("BATCH")
                .required_unless_present("from")
                .conflicts_with("from")
                .help("The batch as its entries name it"),
        )
        .arg(folder(
            "data",
            "The ledger's directory, or the data directory that holds it",
        ))
        .arg(folder("from", "An evidence folder, to withhold more from it"))
        .group(ArgGroup::new("source").args(["data", "from"]).required(true))
        .arg(folder("out", "Where to write: a folder that does not exist yet").required(true))
        .arg(
            Arg::new("withhold")
                .long("withhold")
                .value_name("WHAT")
                .action(ArgAction::Append)
                .value_parser(["values", "persons", "all"])
                .help("Leave hashes in place of values, of persons, or of all that can be withheld"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("One line of JSON, as `verify --json` gives for the new folder"),
        )
        .after_help("Exit code 0: written, and it holds. 1: written, but it does not hold.")
}

fn run(words: &ArgMatches) -> Result<ExitCode, Trouble> {
    let batch = words.get_one::<String>("batch").map(String::as_str);
    let path = |name| words.get_one::<PathBuf>(name);
    // holds because the group is required
    let Some(source) = path("data").or(path("from")) else {
        return Ok(ExitCode::from(2));
    };
    let Some(out) = path("out") else {
        return Ok(ExitCode::from(2));
    };
    let hidden = words.get_many::<String>("withhold").into_iter().flatten();
    let rules = Rules::read(hidden.map(String::as_str)).unwrap_or_default();
    let gathered = super::verify::with_folder(source, |folder| {
        gather(folder, batch, rules, &Directory::make(out)?)
    })?;
    let finding = super::verify::look(out, &Expected::default());
    if words.get_flag("json") {
        say(&super::verify::as_json(&finding).to_string());
    } else {
        if let Some(batch) = batch {
            say(&drawn(batch, &gathered));
        }
        say(&finding.words());
    }
    Ok(if finding.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}

fn drawn(batch: &str, gathered: &Gathered) -> String {
    let Gathered {
        entries,
        bound,
        pages,
        closing,
        after,
        ..
    } = gathered;
    let complete = match (closing, after) {
        (0, _) => "the batch has no closing yet, so nothing proves that these are all".to_owned(),
        (closing, 0) => format!("complete as of closing {closing}"),
        (closing, after) => {
            format!("complete as of closing {closing}; {}", uncovered(*after, ""))
        }
    };
    format!("{batch}: {entries} entries and {bound} bound to it, on {pages} pages; {complete}")
}
