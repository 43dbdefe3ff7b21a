//! `steelyard try`: a driver proves itself with its samples; or the real instrument is asked, and bytes are
//! shown beside meaning. Nothing is recorded, nothing is written to equipment.

use super::drivers;
use crate::{
    cli::{Command, NOT_RIGHT, asking, say},
    config,
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgAction, ArgMatches};
use driver::Driver;
use record::Trouble;
use serde_json::json;
use std::{path::Path, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "try",
    about: "Runs a driver's samples; or asks a real instrument and shows bytes beside meaning",
    args,
    run,
    order: 30,
};

fn args(command: clap::Command) -> clap::Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    command
        .arg(
            Arg::new("what")
                .value_name("DRIVER|TAG")
                .required_unless_present("all")
                .help("A driver by name or file, or a tag of the configuration"),
        )
        .arg(
            flag("all")
                .conflicts_with("what")
                .help("Every driver that came with the program"),
        )
        .arg(flag("json").help("One object per line, for a script"))
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .default_value("/etc/steelyard/steelyard.toml")
                .help("Where the tag stands"),
        )
        .arg(
            Arg::new("times")
                .long("times")
                .value_name("N")
                .value_parser(clap::value_parser!(u32).range(1..))
                .default_value("3")
                .help("How often a real instrument is asked each question"),
        )
        .after_help("Exit code: 0 all as promised, 1 not, 3 it could not be tried.")
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let json = matches.get_flag("json");
    if matches.get_flag("all") {
        return Ok(prove(&drivers::all(), json));
    }
    let what = matches.get_one::<String>("what").map_or("", String::as_str);
    let config = matches.get_one::<String>("config").map_or("", String::as_str);
    match drivers::find(what) {
        Ok(driver) => Ok(prove(&[driver], json)),
        Err(trouble) if trouble.name == "no-such-driver" => {
            let explicit = matches.value_source("config") == Some(clap::parser::ValueSource::CommandLine);
            if !explicit
                && what
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit())
            {
                return Err(trouble); // tags of plants have capitals; driver names never
            }
            let times = matches.get_one::<u32>("times").copied().unwrap_or(3);
            ask(what, Path::new(config), times, json)
        }
        Err(trouble) => Err(trouble),
    }
}

/// Runs the samples, and whatever else is wrong or missing in a driver.
fn prove(all: &[Driver], json: bool) -> ExitCode {
    let (mut samples, mut failed, mut wrong) = (0, 0, 0);
    for driver in all {
        let results = driver::run_samples(driver);
        let bad = results.iter().filter(|result| !result.passed()).count();
        let complaints = driver::lint(driver);
        samples += results.len();
        failed += bad;
        wrong += usize::from(bad > 0 || !complaints.is_empty());
        if json {
            for result in results.iter().filter(|result| !result.passed()) {
                say(&json!({
                    "driver": driver.name,
                    "sample": result.says,
                    "trouble": result.trouble,
                    "answers": result.answers.iter().map(|(measure, promised, gave)|
                        json!({"measure": measure, "promised": promised, "gave": gave})).collect::<Vec<_>>(),
                })
                .to_string());
            }
            for complaint in &complaints {
                say(
                    &json!({"driver": driver.name, "complaint": complaint.name, "what": complaint.what})
                        .to_string(),
                );
            }
            continue;
        }
        for complaint in &complaints {
            say(&config::render(complaint, Some(driver.text())));
        }
        let evidence = driver.evidence.word();
        let head = format!(
            "{} edition {} ({evidence}): {} samples",
            driver.name,
            driver.edition,
            results.len()
        );
        say(&match (bad, complaints.len()) {
            (0, 0) => format!("{head}, all as promised"),
            (0, 1) => format!("{head}, all as promised; one thing is missing, see above"),
            (0, missing) => format!("{head}, all as promised; {missing} things are missing, see above"),
            (bad, _) => {
                format!("{head}, {bad} not as promised; nothing is recorded with it until they agree")
            }
        });
    }
    if json {
        say(&format!(
            "{{\"drivers\":{},\"samples\":{samples},\"failed\":{failed}}}",
            all.len()
        ));
    } else if all.len() > 1 {
        say(&format!(
            "{} drivers, {samples} samples, {failed} not as promised",
            all.len()
        ));
    }
    if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    }
}

fn ask(tag: &str, path: &Path, times: u32, json: bool) -> Result<ExitCode, Trouble> {
    let source = configuration(&SystemFiles, path)?;
    let plant = config::read(source.clone()).map_err(|complaints| {
        for complaint in &complaints {
            say(&source.render(complaint));
        }
        Trouble::new("configuration-not-read", "this configuration cannot be read")
            .at(path.display())
            .means("nothing was asked")
            .so("see above, one message per mistake; `steelyard check` says the same")
    })?;
    let Some(equipment) = plant.equipment.get(tag) else {
        let tags: Vec<&str> = plant.equipment.keys().map(String::as_str).collect();
        return Err(Trouble::new(
            "no-such-equipment",
            format!("no driver and no equipment is named {tag:?}"),
        )
        .at(path.display())
        .means("nothing was asked")
        .so(format!("equipment in this file: {}", tags.join(", "))));
    };
    asking::ask(equipment, times, json)
}
