//! `steelyard uselog UNIT`: the equipment use log, out of the ledger; the daemon need not run.

use crate::{
    cli::{Command, acts, say},
    config,
    daemon::opening,
    flow::{local, use_log},
    ports::{
        disk::Directory,
        files::{SystemFiles, configuration},
    },
};
use clap::{Arg, ArgAction, ArgMatches};
use record::{Stamp, Trouble};
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "uselog",
    about: "The use log of a unit: batches, steps, and what was done to its instruments",
    args,
    run,
    order: 46,
};

fn args(command: clap::Command) -> clap::Command {
    let word =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("WHEN").help(help);
    command
        .arg(
            Arg::new("unit")
                .value_name("UNIT")
                .required(true)
                .help("The unit, as the configuration names it"),
        )
        .arg(word(
            "from",
            "The first day, 2026-11-20, or a moment; in the plant's zone",
        ))
        .arg(word("to", "The last day, or a moment"))
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("For a script"),
        )
        .arg(
            Arg::new("csv")
                .long("csv")
                .action(ArgAction::SetTrue)
                .conflicts_with("json")
                .help("For a spreadsheet"),
        )
        .arg(acts::config_arg())
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let ledger = acts::ledger_of(&source)?;
    // The configuration that ran counts; the file on disk where nothing was accepted yet.
    let accepted = opening::accepted_in(&ledger, &source.name)?.unwrap_or(source);
    let plant = config::read(accepted).map_err(|_| {
        Trouble::new("configuration-broken", "the configuration cannot be used")
            .at(path.display())
            .means("nothing was read")
            .so("run `steelyard check` on it")
    })?;
    let name = matches.get_one::<String>("unit").cloned().unwrap_or_default();
    let Some(unit) = plant.units.iter().find(|unit| unit.name == name) else {
        let known: Vec<&str> = plant.units.iter().map(|unit| unit.name.as_str()).collect();
        return Err(Trouble::new(
            "unit-unknown",
            format!("there is no unit {name:?} at this gateway"),
        )
        .at(path.display())
        .means("nothing was read")
        .so(format!("units here: {}", known.join(", "))));
    };
    let zone = local::zone(&plant.gateway.zone);
    let bound = |name: &str, end: bool| -> Result<Option<Stamp>, Trouble> {
        let Some(text) = matches.get_one::<String>(name) else {
            return Ok(None);
        };
        use_log::bound(text, &zone, end).map(Some).map_err(|what| {
            Trouble::new("value-refused", what)
                .at(format!("--{name}"))
                .means("nothing was read")
                .so("write a day, 2026-11-20, or a moment, \"2026-11-20 10:15\"")
        })
    };
    let (from, until) = (bound("from", false)?, bound("to", true)?);
    let captures = plant.captures.iter().filter(|capture| capture.at == unit.name);
    let points = unit
        .roles
        .iter()
        .map(|(_, point)| point)
        .chain(captures.map(|capture| &capture.point));
    let tags = points.map(|point| point.tag.clone()).collect();
    let mut log = use_log::UseLog::new(&unit.name, tags);
    let disk = Directory::look(&ledger)?;
    crate::evidence::Folder::open(&disk)?
        .each_page(|page| page.entries().for_each(|line| log.take(&line)))?;
    let rows = log.rows(from, until);
    if matches.get_flag("json") {
        say(&use_log::as_json(&unit.name, &rows, &zone).to_string());
    } else if matches.get_flag("csv") {
        say(&use_log::csv(&rows, &zone));
    } else {
        say(&use_log::table(&rows, &zone));
    }
    Ok(ExitCode::SUCCESS)
}
