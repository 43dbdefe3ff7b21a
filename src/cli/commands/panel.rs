//! `steelyard panel add|list|revoke`: which browsers may capture, decided on the machine itself.

use crate::{
    cli::{Command, acts, err, life, say},
    config::{self, Source},
    daemon::acts::{Asked, panel_add::PanelAdd, panel_revoke::PanelRevoke},
    flow::{
        needs::Random,
        people::{CODE_LETTERS, Panels},
    },
    ports::{
        files::{SystemFiles, configuration},
        listen,
        random::SystemRandom,
    },
};
use clap::{Arg, ArgAction, ArgMatches};
use record::Trouble;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "panel",
    about: "Enrols the browsers at which may be captured, lists and revokes them",
    args,
    run,
    order: 61,
};

fn args(command: clap::Command) -> clap::Command {
    let name = || {
        Arg::new("name")
            .value_name("NAME")
            .required(true)
            .help("As it stands on the panel itself, such as booth-2-left")
    };
    let reason = Arg::new("reason").long("reason").value_name("TEXT").help("Why");
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(acts::who_args(
            clap::Command::new("add")
                .about("Prints a code that makes a browser this panel, once, within 15 minutes; the gateway must run")
                .arg(name())
                .arg(
                    Arg::new("station")
                        .long("station")
                        .value_name("STATION")
                        .required(true)
                        .help("Where it stands: a station or a unit of the configuration"),
                )
                .arg(reason.clone().default_value("enrolled on the machine"))
                .arg(acts::config_arg()),
        ))
        .subcommand(acts::who_args(
            clap::Command::new("revoke")
                .about("Takes its right to capture from a panel; the gateway must run")
                .arg(name())
                .arg(reason.required(true))
                .arg(acts::config_arg()),
        ))
        .subcommand(
            clap::Command::new("list")
                .about("Every panel, from the ledger: where it stands, who sits there, which has the pen")
                .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("One JSON object a line"))
                .arg(acts::config_arg()),
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let Some((name, matches)) = matches.subcommand() else {
        return Ok(ExitCode::from(2));
    };
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    match name {
        "add" => add(&source, matches),
        "revoke" => revoke(&source, matches),
        _ => list(&source, matches.get_flag("json")),
    }
}

fn text(matches: &ArgMatches, name: &str) -> String {
    matches.get_one::<String>(name).cloned().unwrap_or_default()
}

fn add(source: &Source, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let (by, secret) = acts::who(matches)?;
    let code = code()?;
    let what = PanelAdd {
        name: text(matches, "name"),
        station: text(matches, "station"),
        code: code.clone(),
        reason: text(matches, "reason"),
        by,
        secret,
    };
    let done = life::runtime()?.block_on(acts::done(source, &Asked::to("panel-add", &what)))?;
    if done != ExitCode::SUCCESS {
        return Ok(done);
    }
    say("");
    say(&format!("  code         {code}"));
    say(&format!("  type it at   {}", where_to(source)));
    if let Some(fingerprint) = fingerprint(source) {
        say(&format!("  certificate  {fingerprint}"));
        err(
            "Compare the certificate with the one the browser shows (SHA-256), then accept it there and type the code.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn revoke(source: &Source, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let (by, secret) = acts::who(matches)?;
    let what = PanelRevoke {
        name: text(matches, "name"),
        reason: text(matches, "reason"),
        by,
        secret,
    };
    life::runtime()?.block_on(acts::done(source, &Asked::to("panel-revoke", &what)))
}

/// Twelve letters nobody takes for one another: 60 random bits.
fn code() -> Result<String, Trouble> {
    let mut bytes = [0; 12];
    SystemRandom.fill(&mut bytes)?;
    let letters: String = bytes
        .iter()
        .map(|byte| char::from(CODE_LETTERS[usize::from(byte % 32)]))
        .collect();
    Ok(format!("{}-{}-{}", &letters[..4], &letters[4..8], &letters[8..]))
}

fn where_to(source: &Source) -> String {
    let listens = config::read(source.clone())
        .ok()
        .and_then(|plant| plant.web.listen);
    match listens {
        Some(at) if listen::is_loopback(&at) => format!("http://{at}/enrol"),
        Some(at) => format!(
            "https://GATEWAY:{}/enrol",
            at.rsplit(':').next().unwrap_or_default()
        ),
        None => "no screens are served: write [web] into the configuration".to_owned(),
    }
}

/// The certificate of the screens, where there is one.
fn fingerprint(source: &Source) -> Option<String> {
    let plant = config::read(source.clone()).ok()?;
    let at = plant.web.listen.as_ref().filter(|at| !listen::is_loopback(at))?;
    tracing::debug!(at, "the screens are served to others");
    crate::cli::screens::certificate_of(&plant).map(|certificate| certificate.fingerprint())
}

fn list(source: &Source, json: bool) -> Result<ExitCode, Trouble> {
    let disk = crate::ports::disk::Directory::look(&acts::ledger_of(source)?)?;
    let mut panels = Panels::default();
    crate::evidence::Folder::open(&disk)?
        .each_page(|page| page.entries().for_each(|line| panels.recall(&line)))?;
    for panel in panels.iter() {
        let (sits, pen) = (
            panels.sitting(&panel.name),
            panels.pen(&panel.station) == Some(panel.name.as_str()),
        );
        let enrolled = panel.enrolled.map(|then| then.to_string());
        if json {
            let line = json!({
                "panel": panel.name, "station": panel.station, "enrolled": enrolled, "person": sits, "pen": pen,
            });
            say(&line.to_string());
            continue;
        }
        say(&format!(
            "{:<20} {:<20} enrolled {}  {}{}",
            panel.name,
            panel.station,
            enrolled.unwrap_or_default(),
            if pen { "has the pen  " } else { "" },
            sits.map(|person| format!("{person} sits there"))
                .unwrap_or_default()
        ));
    }
    if !json && panels.iter().next().is_none() {
        say("no panel is enrolled; `steelyard panel add` makes a browser one");
    }
    Ok(ExitCode::SUCCESS)
}
