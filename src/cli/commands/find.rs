//! `steelyard find serial|modbus|opcua`: what is connected, and which driver understands it.

use super::drivers;
use crate::cli::{
    Command,
    find::{self, modbus, serial},
};
#[cfg(feature = "opcua")]
use crate::config::server::Identity;
use crate::config::server::{Security, Start};
use clap::{Arg, ArgAction, ArgMatches};
use driver::{Handshake, LineSettings};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode, time::Duration};

pub(crate) const COMMAND: Command = Command {
    name: "find",
    about: "Finds what is connected, and which driver understands it",
    args,
    run,
    order: 34,
};

fn args(command: clap::Command) -> clap::Command {
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let value = |name: &'static str, shown: &'static str| Arg::new(name).long(name).value_name(shown);
    let units = |default: &'static str| {
        value("units", "IDS")
            .default_value(default)
            .value_parser(|text: &str| unit_ids(text))
            .help("Modbus addresses to ask: 1-247, or 1,5,17")
    };
    let json = || flag("json").help("One object per line, for a script");
    let config = || {
        crate::cli::acts::config_arg()
            .help("Whose lines are left alone while its gateway runs, and whose drivers/ are tried too")
    };
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("serial")
                .about("What hangs on the serial ports: listens first, and asks only with --send")
                .arg(
                    value("port", "PATH")
                        .value_parser(clap::value_parser!(PathBuf))
                        .action(ArgAction::Append)
                        .help("Only this port; else all of them"),
                )
                .arg(flag("send").help("Sends every driver's questions at its settings, then asks for Modbus units"))
                .arg(units("1-8"))
                .arg(
                    value("listen", "SECONDS")
                        .default_value("3")
                        .value_parser(clap::value_parser!(u64).range(1..=60))
                        .help("How long each setting is listened to"),
                )
                .arg(json())
                .arg(config())
                .after_help(
                    "Ports are named by the adapter's serial number, which stays the same wherever it is plugged in; an\n\
                     adapter without one is named by its socket, with a warning. A port that is in use is left alone.\n\
                     Opening a port can reset an instrument that listens to its control wires.\n\n\
                     Exit code: 0 something was found, 1 nothing, 3 it could not be looked for.",
                ),
        )
        .subcommand(opcua_args())
        .subcommand(
            clap::Command::new("modbus")
                .about("Which units answer, who they say they are, and which drivers understand them")
                .arg(
                    Arg::new("at")
                        .value_name("HOST|PORT")
                        .required(true)
                        .help("HOST, HOST:PORT (502 if absent), or the path of a serial port with a bus on it"),
                )
                .arg(units("1-32"))
                .arg(
                    value("line", "SETTINGS")
                        .default_value("19200 8E1")
                        .value_parser(|text: &str| settings(text))
                        .help("Settings of a serial port"),
                )
                .arg(flag("yes").help("Does not ask before it opens the connection"))
                .arg(json())
                .arg(config())
                .after_help(
                    "It opens one connection, asks one question at a time, and only reads. A line that a gateway of this\n\
                     machine uses is left alone. Elsewhere it asks before it connects, because many controllers have a\n\
                     single connection.\n\n\
                     Exit code: 0 something was found, 1 nothing, 3 it could not be looked for.",
                ),
        )
}

fn opcua_args() -> clap::Command {
    let value = |name: &'static str, shown: &'static str| Arg::new(name).long(name).value_name(shown);
    let path = |name: &'static str| value(name, "FILE").value_parser(clap::value_parser!(PathBuf));
    clap::Command::new("opcua")
        .about("What an OPC UA server offers, what lies inside, and a driver for what you choose")
        .arg(Arg::new("url").value_name("URL").required(true).help("opc.tcp://HOST:4840"))
        .arg(
            value("security", "TEXT")
                .value_parser(|text: &str| Security::read(text))
                .help("Looks inside with exactly this security, one of those it offers: \"Basic256Sha256, sign and encrypt\""),
        )
        .arg(Arg::new("anonymous").long("anonymous").action(ArgAction::SetTrue).help("Logs in as nobody in particular"))
        .arg(value("user", "NAME").requires("password-file").help("Logs in by name"))
        .arg(path("password-file").help("A file of mode 0600 with the password"))
        .arg(path("user-certificate").requires("user-key").help("Logs in by a certificate"))
        .arg(path("user-key").help("Its private key, a file of mode 0600"))
        .arg(
            value("from", "NODE")
                .value_parser(|text: &str| Start::read(text))
                .help("Begins there instead of at Objects: nsu=URI;s=NAME"),
        )
        .arg(
            value("depth", "N")
                .default_value("4")
                .value_parser(clap::value_parser!(u64).range(1..=20))
                .help("How far down"),
        )
        .arg(
            value("choose", "NODE")
                .action(ArgAction::Append)
                .help("A node for the driver, by its name or address as shown; may be said several times"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("One object per line, for a script"))
        .arg(crate::cli::acts::config_arg().help("Whose certificate and trust list are used"))
        .after_help(
            "Without --security it only asks what is offered, as everybody may, and logs in nowhere. It reads and never\n\
             writes. A server whose certificate nobody has accepted is not logged in to: steelyard trust accept.\n\n\
             Exit code: 0 something was found, 1 nothing, 3 it could not be looked for.",
        )
}

#[cfg(feature = "opcua")]
fn find_opcua(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    use crate::cli::find::opcua;
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    let identity = match (text("user"), path("user-certificate")) {
        (Some(name), _) => path("password-file").map(|password_file| Identity::User { name, password_file }),
        (None, Some(certificate)) => path("user-key").map(|private_key| Identity::Certificate {
            certificate,
            private_key,
        }),
        (None, None) => matches.get_flag("anonymous").then_some(Identity::Anonymous),
    };
    opcua::find(&opcua::Wish {
        url: text("url").unwrap_or_default(),
        security: matches.get_one::<Security>("security").copied(),
        identity,
        from: matches.get_one::<Start>("from").cloned(),
        depth: matches.get_one::<u64>("depth").map_or(4, |depth| *depth as usize),
        choose: matches.get_many("choose").unwrap_or_default().cloned().collect(),
        json: matches.get_flag("json"),
        config: path("config").unwrap_or_default(),
    })
}

#[cfg(not(feature = "opcua"))]
fn find_opcua(_: &ArgMatches) -> Result<ExitCode, Trouble> {
    Err(crate::ports::trust::without_opcua())
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let (which, matches) = match matches.subcommand() {
        Some(one) => one,
        None => return Ok(ExitCode::from(2)),
    };
    if which == "opcua" {
        return find_opcua(matches);
    }
    let config = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let units = matches.get_one::<Vec<u8>>("units").cloned().unwrap_or_default();
    let json = matches.get_flag("json");
    let drivers = find::drivers(&config, drivers::all());
    if which == "serial" {
        let wish = serial::Wish {
            ports: matches.get_many("port").unwrap_or_default().cloned().collect(),
            send: matches.get_flag("send"),
            units,
            listen: Duration::from_secs(matches.get_one::<u64>("listen").copied().unwrap_or(3)),
            json,
            config,
        };
        return serial::find(&wish, &drivers);
    }
    let wish = modbus::Wish {
        at: matches.get_one::<String>("at").cloned().unwrap_or_default(),
        units,
        line: match matches.get_one::<LineSettings>("line") {
            Some(line) => *line,
            None => settings("19200 8E1").map_err(|why| Trouble::new("cannot-find", why))?,
        },
        yes: matches.get_flag("yes"),
        json,
        config,
    };
    modbus::find(&wish, &drivers)
}

/// `1-247`, `1,5,17`, `1-8,32`.
fn unit_ids(text: &str) -> Result<Vec<u8>, String> {
    let help = || format!("\"{text}\" names no addresses; write 1-247 or 1,5,17");
    let mut all = Vec::new();
    for part in text.split(',') {
        let number = |text: &str| text.trim().parse::<u8>().map_err(|_| help());
        match part.split_once('-') {
            Some((from, to)) => {
                let (from, to) = (number(from)?, number(to)?);
                if from > to {
                    return Err(help());
                }
                all.extend(from..=to);
            }
            None => all.push(number(part)?),
        }
    }
    Ok(all)
}

fn settings(text: &str) -> Result<LineSettings, String> {
    let read = || {
        let (speed, frame) = text.trim().split_once(' ')?;
        LineSettings::read(speed.parse().ok()?, frame.trim(), Handshake::None)
    };
    read().ok_or_else(|| format!("\"{text}\" are no settings; write \"19200 8E1\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_named_as_a_person_would() {
        assert_eq!(unit_ids("1-3,7"), Ok(vec![1, 2, 3, 7]));
        for wrong in ["", "0-", "5-2", "300", "one"] {
            assert!(unit_ids(wrong).is_err(), "{wrong}");
        }
    }
}
