//! `steelyard replay`: derive again all that follows from what was read and told, and compare it with the record.

use super::Command;
use crate::{
    cli::{NOT_RIGHT, err, say},
    flow::replay::{Replay, Report},
};
use clap::{Arg, ArgAction, ArgMatches};
use record::Trouble;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "replay",
    about: "Derives again all that follows from what was read and told, and compares it",
    args,
    run,
    order: 45,
};

/// Differences shown before the rest is only counted.
const SHOWN: usize = 20;

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("data")
                .long("data")
                .value_name("DIR")
                .required(true)
                .value_parser(clap::value_parser!(PathBuf))
                .help("The ledger's directory, or the data directory that holds it"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("One line of JSON: entries, identical, not_derivable, different"),
        )
        .after_help(
            "Every reading is bound and judged once more, by the configuration and the context the ledger itself\n\
             holds; every binding, excursion, verdict and closing is derived once more. Each member is compared,\n\
             but the salt. Nothing is changed, and no gateway is needed.\n\n\
             Exit code 0: nothing is different. 1: something is, or could not be replayed.",
        )
}

fn run(words: &ArgMatches) -> Result<ExitCode, Trouble> {
    // holds because the argument is required
    let Some(path) = words.get_one::<PathBuf>("data") else {
        return Ok(ExitCode::from(2));
    };
    let report = super::verify::with_folder(path, |folder| {
        let mut replay = Replay::default();
        folder.each_page(|page| page.entries().for_each(|entry| replay.take(&entry)))?;
        Ok(replay.end())
    })?;
    if words.get_flag("json") {
        say(&as_json(&report).to_string());
    } else {
        tell(&report);
    }
    let right = report.different == 0 && report.troubles.is_empty();
    Ok(if right {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}

fn as_json(report: &Report) -> serde_json::Value {
    let not: u64 = report.not_derivable.values().sum();
    let differences: Vec<_> = report
        .differences
        .iter()
        .map(|(seq, kind, difference)| {
            json!({
                "seq": seq, "kind": kind, "member": difference.member,
                "recorded": difference.recorded, "derived": difference.derived,
            })
        })
        .collect();
    json!({
        "entries": report.entries,
        "identical": report.identical,
        "not_derivable": report.given + not,
        "different": report.different,
        "given": report.given,
        "because": report.not_derivable,
        "differences": differences,
        "troubles": report.troubles,
    })
}

fn tell(report: &Report) {
    for (seq, kind, difference) in report.differences.iter().take(SHOWN) {
        err(&format!(
            "entry {seq} ({kind}): {} is \"{}\" in the record; what follows is \"{}\"",
            difference.member, difference.recorded, difference.derived
        ));
    }
    for trouble in &report.troubles {
        err(trouble);
    }
    let not: u64 = report.not_derivable.values().sum();
    say(&format!(
        "{} entries: {} derived again and identical, {} different",
        report.entries, report.identical, report.different
    ));
    say(&format!(
        "{} were read, told or done, and are what the rest follows from; {not} rest on what is no entry:",
        report.given
    ));
    for (why, count) in &report.not_derivable {
        say(&format!("  {count:>8}  {why}"));
    }
    if report.different > 0 {
        say(
            "a difference means that the entry, or this program, is not what it was: show it to quality before relying on either",
        );
    }
}
