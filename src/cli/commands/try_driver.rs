//! `steelyard try`: a driver proves itself with its samples; or the real instrument is asked, and bytes are
//! shown beside meaning. Nothing is recorded, nothing is written to equipment.

use super::drivers;
use crate::{
    cli::{
        Command, NOT_RIGHT, say,
        trying::{self, Comparing, Wanted, Wish},
    },
    config::{self, Source, plant::Equipment},
    flow::needs::Files,
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgAction, ArgMatches};
use driver::Driver;
use record::Trouble;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(crate) const COMMAND: Command = Command {
    name: "try",
    about: "Runs a driver's samples; or asks a real instrument and shows bytes beside meaning",
    args,
    run,
    order: 30,
};

fn args(command: clap::Command) -> clap::Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let value = |name: &'static str, shown: &'static str| Arg::new(name).long(name).value_name(shown);
    command
        .arg(
            Arg::new("what")
                .value_name("DRIVER|TAG")
                .required_unless_present_any(["all", "at"])
                .help("A driver by name or file, or a tag of the configuration"),
        )
        .arg(
            flag("all")
                .conflicts_with("what")
                .help("Every driver that came with the program"),
        )
        .arg(flag("json").help("One object per line, for a script"))
        .arg(
            value("config", "FILE")
                .default_value("/etc/steelyard/steelyard.toml")
                .help("Where the tag stands; samples are saved into drivers/ beside it"),
        )
        .arg(
            value("times", "N")
                .value_parser(clap::value_parser!(u32).range(1..))
                .help("How often a real instrument is asked each question. On a terminal without it: until q; else 3"),
        )
        .arg(value("at", "WHERE").conflicts_with("all").help(
            "Asks an instrument that stands in no configuration: HOST:PORT, or a serial port's path",
        ))
        .arg(
            value("unit-id", "ID")
                .value_parser(clap::value_parser!(u8))
                .requires("at")
                .help("With --at: its Modbus address [default: 1]"),
        )
        .arg(value("line", "SETTINGS").requires("at").help("With --at and a serial port: \"19200 8E1\"; else the driver's"))
        .arg(
            value("shows", "DIGITS")
                .action(ArgAction::Append)
                .help("What its display shows now: names the registers, types, orders and scales that give it"),
        )
        .arg(
            value("registers", "WHICH")
                .action(ArgAction::Append)
                .value_parser(|text: &str| Wanted::read(text))
                .help("Looks at these too, whatever the driver reads: holding:0+50, input:100-120"),
        )
        .arg(flag("orders").help("Registers in every type and byte order, beside each other"))
        .arg(
            value("save", "SAYS")
                .num_args(0..=1)
                .default_missing_value("")
                .help("Saves what it answers as a sample in drivers/ beside the configuration; SAYS is its sentence"),
        )
        .arg(
            flag("accept")
                .requires("by")
                .help("Compares ten readings of the display with what is captured, and enters what came of it"),
        )
        .arg(value("by", "ID").requires("accept").help("With --accept: who reads the display"))
        .arg(crate::cli::acts::password_file().requires("accept"))
        .arg(
            value("reason", "TEXT")
                .requires("accept")
                .default_value("side-by-side at the instrument")
                .help("With --accept: why now"),
        )
        .arg(
            value("reading", "[MEASURE=]SHOWN")
                .action(ArgAction::Append)
                .requires("accept")
                .help("With --accept, for scripts: what the display shows, ten times or more"),
        )
        .arg(
            value("readings", "FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .requires("accept")
                .help("With --accept, for scripts: the same, one a line"),
        )
        .after_help(
            "On a terminal: s saves the last exchange as a sample, o shows all types and orders, space holds, q ends.\n\
             Where a gateway runs and owns the line, it listens in on what the gateway asks, and asks nothing itself.\n\n\
             steelyard try --all                              every driver proves itself\n\
             steelyard try drivers/new-scale.toml             one driver, one message per mistake\n\
             steelyard try WT-3101                            bytes beside meaning\n\
             steelyard try WT-3101 --accept --by e.braun      ten readings, side by side: its evidence becomes `plant`\n\
             steelyard try tc200 --at 10.30.4.15:502          without a configuration\n\
             steelyard try --at 10.30.4.15:502 --registers holding:0+50 --shows 12.34\n\n\
             Exit code: 0 all as promised, 1 not, 3 it could not be tried.",
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let json = matches.get_flag("json");
    if matches.get_flag("all") {
        return Ok(prove(&drivers::all(), json));
    }
    let what = matches.get_one::<String>("what").map(String::as_str);
    if let Some(at) = matches.get_one::<String>("at") {
        return at_place(matches, what, at);
    }
    let what = what.unwrap_or_default();
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
            let wish = wish(matches);
            let (source, equipment) = equipment(what, &wish.config)?;
            if matches.get_flag("accept") {
                return trying::accept(&source, &equipment, &comparing(matches)?);
            }
            trying::ask(Some(&source), &equipment, &wish)
        }
        Err(trouble) => Err(trouble),
    }
}

fn wish(matches: &ArgMatches) -> Wish {
    let many = |name| {
        matches
            .get_many::<String>(name)
            .unwrap_or_default()
            .cloned()
            .collect()
    };
    Wish {
        only_registers: false,
        times: matches.get_one::<u32>("times").copied(),
        json: matches.get_flag("json"),
        orders: matches.get_flag("orders"),
        shows: many("shows"),
        registers: matches
            .get_many("registers")
            .unwrap_or_default()
            .copied()
            .collect(),
        save: matches.get_one::<String>("save").cloned(),
        config: matches
            .get_one::<String>("config")
            .map(PathBuf::from)
            .unwrap_or_default(),
    }
}

fn comparing(matches: &ArgMatches) -> Result<Comparing, Trouble> {
    let mut readings: Vec<String> = matches.get_many("reading").unwrap_or_default().cloned().collect();
    if let Some(file) = matches.get_one::<PathBuf>("readings") {
        let bytes = SystemFiles.read(file).map_err(|problem| {
            Trouble::new("no-readings", format!("the readings cannot be read: {problem}"))
                .at(file.display())
                .means("nothing was compared and nothing was entered")
                .so("one reading a line, as on the display: weight=100.00 g")
        })?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        readings.extend(lines.filter(|line| !line.starts_with('#')).map(str::to_owned));
    }
    let text = |name| matches.get_one::<String>(name).cloned().unwrap_or_default();
    Ok(Comparing {
        by: text("by"),
        password_file: matches.get_one::<PathBuf>("password-file").cloned(),
        reason: text("reason"),
        readings,
        json: matches.get_flag("json"),
    })
}

/// An instrument that stands in no configuration yet.
fn at_place(matches: &ArgMatches, what: Option<&str>, at: &str) -> Result<ExitCode, Trouble> {
    let mut wish = wish(matches);
    wish.only_registers = what.is_none();
    let driver = match what {
        Some(name) => drivers::find(name)?,
        None => Driver::parse(NO_DRIVER, "drivers/none.toml").map_err(|_| nothing_to_ask())?,
    };
    if what.is_none() && wish.registers.is_empty() {
        return Err(nothing_to_ask());
    }
    let equipment = trying::bench_equipment(
        driver,
        at,
        matches.get_one::<u8>("unit-id").copied(),
        matches.get_one::<String>("line"),
    )?;
    // a gateway of this machine may own the line
    if let Ok(source) = configuration(&SystemFiles, &wish.config)
        && let Ok(plant) = config::read(source.clone())
    {
        trying::not_held(&source, &plant, &equipment)?;
    }
    trying::ask(None, &equipment, &wish)
}

fn nothing_to_ask() -> Trouble {
    Trouble::new("nothing-to-ask", "without a driver it is not known what to ask")
        .means("nothing was asked")
        .so("name a driver before --at, or registers: --registers holding:0+50")
}

/// Registers and nothing else: the questions come with `--registers`.
const NO_DRIVER: &str = r#"
format = 1
[driver]
name = "none"
edition = 1
title = "registers as they are"
maker = "any"
speaks = "modbus"
evidence = "draft"
manual = "none"
[modbus]
[[read]]
table = "holding"
first = 0
count = 1
points = [{ at = 0, measure = "register", is = "uint16", one_count = "1 %" }]
"#;

/// One equipment of the configuration.
pub(super) fn equipment(tag: &str, path: &Path) -> Result<(Source, Equipment), Trouble> {
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
    Ok((source, equipment.clone()))
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
