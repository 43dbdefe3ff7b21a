//! `steelyard ledger show|verify|status|deliver`: what lies on the disk, read without any database.

use crate::{
    cli::{Command, NOT_RIGHT, acts, deliver, err, life, say},
    daemon::acts::{Asked, Reply},
    evidence::{self, Expected, Folder},
    flow::ledger,
    flow::needs::Disk,
    ports::{
        control,
        disk::Directory,
        files::{SystemFiles, configuration},
    },
};
use clap::{Arg, ArgAction, ArgMatches};
use record::{Line, Trouble};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

pub(crate) const COMMAND: Command = Command {
    name: "ledger",
    about: "Shows a ledger, verifies it, says how it stands, delivers what an old disk still has",
    args,
    run,
    order: 40,
};

fn args(command: clap::Command) -> clap::Command {
    let place = || {
        Arg::new("place")
            .value_name("LEDGER|CONFIG")
            .default_value("/etc/steelyard/steelyard.toml")
            .value_parser(clap::value_parser!(PathBuf))
            .help("The ledger's directory, or the configuration that names it")
    };
    let json = || {
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("JSON, one object a line")
    };
    let filter =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("NAME").help(help);
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("show")
                .about("The entries, one a line, in their order")
                .arg(place())
                .arg(filter("batch", "Only entries that name this batch"))
                .arg(filter("kind", "Only entries of this kind"))
                .arg(filter("point", "Only entries of this point"))
                .arg(
                    Arg::new("last")
                        .long("last")
                        .value_name("N")
                        .value_parser(clap::value_parser!(usize))
                        .help("Only the last N of them"),
                )
                .arg(json()),
        )
        .subcommand(
            clap::Command::new("verify")
                .about("The same as `steelyard verify` on this ledger")
                .arg(place())
                .arg(json()),
        )
        .subcommand(
            clap::Command::new("status")
                .about("Pages, entries, receipts, segments; and what the running gateway says")
                .arg(place())
                .arg(json()),
        )
        .subcommand(
            clap::Command::new("deliver")
                .about("Delivers what an old disk still has: every page without receipt, until each has one")
                .arg(
                    Arg::new("place")
                        .value_name("DIR")
                        .required(true)
                        .value_parser(clap::value_parser!(PathBuf))
                        .help("The old ledger's directory; no gateway may run on it"),
                )
                .arg(acts::config_arg())
                .arg(
                    Arg::new("patience")
                        .long("patience")
                        .value_name("SECONDS")
                        .default_value("120")
                        .value_parser(clap::value_parser!(u64).range(5..=86_400))
                        .help("Gives up when no receipt comes for so long"),
                )
                .arg(json())
                .after_help("Exit code: 0 all of it is receipted, 1 the record store refused pages, 3 it could not be done."),
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let Some((name, matches)) = matches.subcommand() else {
        return Ok(ExitCode::from(2));
    };
    let place = matches.get_one::<PathBuf>("place").cloned().unwrap_or_default();
    if name == "deliver" {
        return deliver(matches, &place);
    }
    let path = directory(&place)?;
    let disk = Directory::look(&path)?;
    match name {
        "show" => show(&disk, matches),
        "verify" => verify(&disk, &path, matches.get_flag("json")),
        _ => status(&disk, &path, matches.get_flag("json")),
    }
}

fn deliver(matches: &ArgMatches, old: &Path) -> Result<ExitCode, Trouble> {
    let config = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &config)?;
    let plant = crate::config::read(source.clone()).map_err(|complaints| {
        complaints
            .iter()
            .for_each(|complaint| err(&source.render(complaint)));
        Trouble::new("no-configuration", "the configuration cannot be used")
            .at(&source.name)
            .means("nothing was sent; the old ledger was not touched")
            .so("mend it: steelyard check")
    })?;
    let patience = Duration::from_secs(matches.get_one::<u64>("patience").copied().unwrap_or(120));
    let done = life::runtime()?.block_on(deliver::deliver(&plant, old, patience))?;
    if matches.get_flag("json") {
        let refused: Vec<_> = done
            .refused
            .iter()
            .map(|(page, because)| json!({"page": page, "because": because}))
            .collect();
        let object = json!({
            "pages": done.pages, "entries": done.entries, "receipted_before": done.before, "refused": refused,
            "receipts_kept": done.kept,
        });
        say(&object.to_string());
    } else {
        say(&format!(
            "{} pages with {} entries delivered and receipted; {} were before",
            done.pages, done.entries, done.before
        ));
        for (page, because) in &done.refused {
            say(&format!("page {page} was refused: {because}"));
        }
        if !done.kept {
            err("this disk cannot be written: the receipts stand at the record store only");
        }
    }
    Ok(if done.refused.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}

/// A ledger's directory as it is, or the one a configuration names.
fn directory(place: &Path) -> Result<PathBuf, Trouble> {
    if place.is_dir() {
        return Ok(place.to_owned());
    }
    acts::ledger_of(&configuration(&SystemFiles, place)?)
}

fn show(disk: &Directory, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let wanted = |name: &str| matches.get_one::<String>(name).cloned();
    let (batch, kind, point) = (wanted("batch"), wanted("kind"), wanted("point"));
    let last = matches.get_one::<usize>("last").copied();
    let json = matches.get_flag("json");
    let mut kept = std::collections::VecDeque::new();
    let folder = Folder::open(disk)?;
    folder.each_page(|page| {
        for line in page.entries() {
            let fits = |name: &str, wanted: &Option<String>| {
                wanted
                    .as_ref()
                    .is_none_or(|wanted| line.text(name).as_ref() == Some(wanted))
            };
            if !fits("batch", &batch) || !fits("kind", &kind) || !fits("point", &point) {
                continue;
            }
            let text = if json {
                String::from_utf8_lossy(line.bytes()).into_owned()
            } else {
                in_words(&line)
            };
            match last {
                None => say(&text),
                Some(most) => {
                    kept.push_back(text);
                    if kept.len() > most {
                        kept.pop_front();
                    }
                }
            }
        }
    })?;
    kept.iter().for_each(|text| say(text));
    Ok(ExitCode::SUCCESS)
}

/// `1041  2026-11-20T10:15:03.120Z  reading  MX-3 · B-2611-042 · emulsify  TC-3105.temperature 68.4 Cel, within`.
fn in_words(line: &Line<'_>) -> String {
    let outside = line.members();
    let value = |name: &str| {
        outside
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.clone())
    };
    let place: Vec<String> = ["unit", "batch", "step"]
        .iter()
        .filter_map(|name| value(name))
        .collect();
    let rest: Vec<String> = outside
        .iter()
        .filter(|(name, _)| !matches!(*name, "seq" | "kind" | "time" | "unit" | "batch" | "step" | "run"))
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let inside: Vec<String> = line
        .data_members()
        .iter()
        .filter(|(name, _)| *name != "salt" && *name != "hash" && *name != "text")
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    let time = value("time").unwrap_or_default();
    format!(
        "{:>8}  {time}  {:<13} {}  {} | {}",
        line.seq(),
        line.kind(),
        place.join(" · "),
        rest.join(", "),
        inside.join(", ")
    )
}

fn verify(disk: &Directory, path: &Path, json: bool) -> Result<ExitCode, Trouble> {
    let finding = evidence::verify(
        &Folder::open(disk)?,
        &path.display().to_string(),
        &Expected::default(),
    );
    if json {
        let report = &finding.report;
        let object = json!({
            "holds": finding.holds(), "pages": report.pages, "entries": report.entries, "receipts": report.receipts,
            "unreceipted": report.unreceipted, "problems": report.problems.len(),
        });
        say(&object.to_string());
    } else {
        say(&finding.words());
    }
    Ok(if finding.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}

fn status(disk: &Directory, path: &Path, json: bool) -> Result<ExitCode, Trouble> {
    let unreadable = |error: std::io::Error| ledger::unreadable(disk, &error);
    let segments = ledger::segments(disk).map_err(unreadable)?;
    let (mut pages, mut entries, mut last) = (0_u64, 0_u64, None);
    Folder::open(disk)?.each_page(|page| {
        pages += 1;
        entries += page.seal().seal().count;
        last = Some(page.seal().seal().clone());
    })?;
    let mut receipts = 0_u64;
    Folder::open(disk)?.each_receipt(|_, _| receipts += 1)?;
    let running = ask(path)?;
    if json {
        let said = running
            .as_ref()
            .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        let object = json!({
            "ledger": path.display().to_string(), "segments": segments.len(), "pages": pages, "entries": entries,
            "receipts": receipts, "last_page": last.as_ref().map(|seal| seal.page),
            "last_sealed": last.as_ref().map(|seal| seal.sealed.to_string()), "free": disk.free().ok(), "running": said,
        });
        say(&object.to_string());
        return Ok(ExitCode::SUCCESS);
    }
    match &last {
        None => say("nothing is captured here yet"),
        Some(seal) => say(&format!(
            "{}: {entries} entries on {pages} pages in {} segments, {receipts} receipts\nlast: page {} with entry {}, sealed {}, use {}",
            seal.gateway,
            segments.len(),
            seal.page,
            seal.last(),
            seal.sealed,
            seal.usage
        )),
    }
    match running {
        Some(text) => say(&running_words(&text)),
        None => err("no gateway runs on it just now"),
    }
    Ok(ExitCode::SUCCESS)
}

/// What the running gateway says of itself, for people.
fn running_words(text: &str) -> String {
    let Ok(said) = serde_json::from_str::<serde_json::Value>(text) else {
        return format!("the gateway runs: {text}");
    };
    let count = |name: &str| said["books"][name].as_u64().unwrap_or_default();
    let balanced = if said["books"]["balanced"] == true {
        "the books balance"
    } else {
        "THE BOOKS DO NOT BALANCE"
    };
    let capturing = if said["capturing"] == true {
        "is recording"
    } else {
        "has STOPPED recording"
    };
    let room = said["hours_left"].as_f64().map_or_else(
        || "not known yet".to_owned(),
        |hours| format!("{hours:.0} h at the present rate"),
    );
    format!(
        "the gateway runs and {capturing}; room: {room}\n\
         {balanced}: {} read since its start = {} entered + {} summarised + {} in gaps + {} held\n\
         \u{20}                  {} entries captured = {} receipted + {} pending + {} set aside\n\
         closed segments checked since its start: {} of {}, {} of them damaged",
        count("read"),
        count("read_entered"),
        count("summarised"),
        count("in_gaps"),
        count("held"),
        count("entered"),
        count("receipted"),
        count("pending"),
        count("set_aside"),
        said["checked_segments"],
        said["closed_segments"],
        said["damaged_segments"],
    )
}

fn ask(path: &Path) -> Result<Option<String>, Trouble> {
    let request = Asked::to("status", &()).line();
    let runtime = life::runtime()?;
    let answer = runtime.block_on(control::ask(path, &request));
    // A socket that may not be opened is no reason not to show what the disk says.
    let Ok(Some(answer)) = answer else { return Ok(None) };
    Ok(serde_json::from_str::<Reply>(&answer)
        .ok()
        .map(|reply| reply.text))
}
