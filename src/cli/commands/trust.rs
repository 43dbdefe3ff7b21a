//! `steelyard trust …`: which OPC UA servers are believed to be who they say they are, and what they may believe of us.
//! Nothing is accepted by itself; a named person compares fingerprints and says so.

use crate::flow::needs::Clock;
use crate::{
    cli::{Command, acts, life, say},
    config,
    daemon::acts::{Asked, trust_accept::Trust},
    flow::link::server::application,
    ports::{
        clock::SystemClock,
        files::{SystemFiles, configuration},
        trust::{self, Shown},
    },
};
use clap::{Arg, ArgAction, ArgMatches};
use record::Trouble;
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "trust",
    about: "Shows and changes which OPC UA servers are trusted; shows our own certificate",
    args,
    run,
    order: 64,
};

fn args(command: clap::Command) -> clap::Command {
    let json = || {
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("As JSON")
    };
    let fingerprint = || {
        Arg::new("fingerprint")
            .value_name("FINGERPRINT")
            .required(true)
            .help("SHA-256 of the certificate, or its first characters; colons and spaces do not matter")
    };
    let reason = || {
        Arg::new("reason")
            .long("reason")
            .value_name("TEXT")
            .required(true)
            .help("Why, and against what it was compared; it is a part of the record")
    };
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("list")
                .about("Every certificate here: trusted, issuers, rejected, our own")
                .arg(json())
                .arg(acts::config_arg()),
        )
        .subcommand(
            clap::Command::new("show")
                .about("One certificate, with what both sides compare")
                .arg(fingerprint())
                .arg(json())
                .arg(acts::config_arg()),
        )
        .subcommand(
            acts::who_args(clap::Command::new("accept").about("Trusts a server's certificate; entered with who and why"))
                .arg(fingerprint())
                .arg(reason())
                .arg(acts::config_arg()),
        )
        .subcommand(
            acts::who_args(clap::Command::new("remove").about("Stops trusting a server's certificate; entered with who and why"))
                .arg(fingerprint())
                .arg(reason())
                .arg(acts::config_arg()),
        )
        .subcommand(
            clap::Command::new("own")
                .about("Our own certificate, for the server's trust list; made where there is none yet")
                .arg(json())
                .arg(
                    Arg::new("out")
                        .long("out")
                        .value_name("FILE")
                        .value_parser(clap::value_parser!(PathBuf))
                        .help("Writes the certificate there, to be given to the server"),
                )
                .arg(acts::config_arg()),
        )
        .after_help(
            "A server's certificate appears under \"rejected\" once the gateway has asked the server. Compare its\n\
             fingerprint with the one the server shows at its own panel or engineering tool, never with one that came\n\
             over the same network.\n\n\
             Exit code: 0 done, 1 no such certificate in the list, 3 it could not be done.",
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let Some((name, matches)) = matches.subcommand() else {
        return Ok(ExitCode::from(2));
    };
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let fingerprint = || {
        matches
            .get_one::<String>("fingerprint")
            .cloned()
            .unwrap_or_default()
    };
    if matches!(name, "accept" | "remove") {
        let (by, secret) = acts::who(matches)?;
        let reason = matches.get_one::<String>("reason").cloned().unwrap_or_default();
        let act = ByWhom {
            by,
            secret,
            what: Trust {
                fingerprint: fingerprint(),
                reason,
            },
        };
        let asked = Asked::to(&format!("trust-{name}"), &act);
        return life::runtime()?.block_on(acts::done(&source, &asked));
    }
    let plant = config::read(source.clone()).map_err(|complaints| {
        let words: Vec<String> = complaints
            .iter()
            .map(|complaint| source.render(complaint))
            .collect();
        Trouble::new(
            "trust-list",
            format!("the configuration cannot be used\n{}", words.join("\n")),
        )
        .at(path.display())
        .means("nothing was changed")
        .so("mend it, run `steelyard check`, then ask again")
    })?;
    let folder = plant.gateway.trust.clone();
    let json = matches.get_flag("json");
    match name {
        "show" => show(&[trust::one(&folder, &fingerprint())?], json),
        "own" => {
            trust::own(&folder, &application(&plant.gateway.name))?;
            let mut own = trust::list(&folder)?;
            own.retain(|shown| shown.role == "own");
            if let (Some(out), Some(shown)) = (matches.get_one::<PathBuf>("out"), own.first()) {
                copy(&shown.file, out)?;
            }
            show(&own, json);
        }
        _ => {
            let all = trust::list(&folder)?;
            if all.is_empty() && !json {
                say(&format!("no certificates in {}", folder.display()));
            }
            if json {
                show(&all, json);
            } else {
                all.iter().for_each(in_one_line);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct ByWhom {
    by: String,
    secret: String,
    #[serde(flatten)]
    what: Trust,
}

fn copy(from: &std::path::Path, to: &std::path::Path) -> Result<(), Trouble> {
    use crate::flow::needs::Files;
    let cannot = |error: std::io::Error| {
        Trouble::new("own-certificate", format!("the copy cannot be written: {error}"))
            .at(to.display())
            .means("the certificate itself is safe; only this copy is missing")
            .so("name another file")
    };
    let bytes = SystemFiles.read(from).map_err(cannot)?;
    SystemFiles.write(to, &bytes).map_err(cannot)
}

fn in_one_line(shown: &Shown) {
    let known = &shown.certificate;
    say(&format!(
        "{:9} {}  {:40} until {}{}",
        shown.role,
        grouped(&known.fingerprint[..known.fingerprint.len().min(16)]),
        known.subject,
        day(&known.until.to_string()),
        ending(known.until),
    ));
}

fn ending(until: record::Stamp) -> String {
    let days = until.ms_since(SystemClock::new().now()).div_euclid(86_400_000);
    match days {
        ..0 => "  ended".to_owned(),
        0..=90 => format!("  ends in {days} days"),
        _ => String::new(),
    }
}

fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}

fn show(all: &[Shown], json: bool) {
    if json {
        let of = |shown: &Shown| {
            let known = &shown.certificate;
            serde_json::json!({
                "role": shown.role, "fingerprint": known.fingerprint, "thumbprint": known.thumbprint,
                "subject": known.subject, "application_uri": known.application_uri, "hosts": known.hosts,
                "from": known.from.to_string(), "until": known.until.to_string(), "key_bits": known.key_bits,
                "authority": known.is_authority, "file": shown.file.display().to_string(),
            })
        };
        say(&serde_json::Value::Array(all.iter().map(of).collect()).to_string());
        return;
    }
    for shown in all {
        let known = &shown.certificate;
        say(&format!("{} ({})", known.subject, shown.role));
        say(&format!("  SHA-256      {}", grouped(&known.fingerprint)));
        say(&format!(
            "  SHA-1        {}   (what servers show as thumbprint)",
            grouped(&known.thumbprint)
        ));
        say(&format!(
            "  application  {}",
            known.application_uri.as_deref().unwrap_or("says nothing")
        ));
        say(&format!("  made for     {}", known.hosts.join(", ")));
        say(&format!(
            "  counts       from {} until {}{}",
            day(&known.from.to_string()),
            day(&known.until.to_string()),
            ending(known.until)
        ));
        say(&format!(
            "  key          RSA, {} bits{}",
            known.key_bits,
            if known.is_authority { "; signs others" } else { "" }
        ));
        say(&format!("  file         {}", shown.file.display()));
    }
}

/// `AB:CD:…`, as servers and browsers show it.
fn grouped(hex: &str) -> String {
    let pairs: Vec<String> = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).to_ascii_uppercase())
        .collect();
    pairs.join(":")
}
