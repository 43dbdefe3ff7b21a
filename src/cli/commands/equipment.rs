//! `steelyard equipment …`: how each instrument stands, and what a person says about it: confirmed, exchanged, out of
//! service, its port lent to a service tool. Each is an entry with who and why.

use crate::{
    cli::{COULD_NOT, Command, acts, err, life, say},
    config,
    daemon::acts::{
        Asked, equipment_command::Command as Order, equipment_confirm::Confirm,
        equipment_exchanged::Exchanged, equipment_in_service::InService, equipment_lend::Lend,
        equipment_out_of_service::OutOfService, equipment_return::Return,
    },
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgAction, ArgMatches};
use record::{Stamp, Trouble};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode, time::Duration};

pub(crate) const COMMAND: Command = Command {
    name: "equipment",
    about: "Shows how equipment stands; confirms, exchanges, takes out of service, lends a port",
    args,
    run,
    order: 55,
};

fn args(command: clap::Command) -> clap::Command {
    let word = |name: &'static str, what: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(what).help(help)
    };
    let reason = || word("reason", "TEXT", "Why; it is a part of the record").required(true);
    let tag = || {
        Arg::new("tag")
            .value_name("TAG")
            .required(true)
            .help("The equipment")
    };
    let of = || {
        Arg::new("tag")
            .value_name("TAG|PORT")
            .required(true)
            .help("Equipment, or a port as the configuration names it")
    };
    let act = |name: &'static str, about: &'static str| {
        acts::who_args(clap::Command::new(name).about(about)).arg(acts::config_arg())
    };
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("list")
                .about("How each instrument stands")
                .arg(
                    Arg::new("json")
                        .long("json")
                        .action(ArgAction::SetTrue)
                        .help("As JSON"),
                )
                .arg(acts::config_arg()),
        )
        .subcommand(
            act(
                "confirm",
                "Confirms that it is the right instrument, rightly set; its values count again",
            )
            .arg(tag())
            .arg(reason()),
        )
        .subcommand(
            act(
                "exchanged",
                "Declares that it was exchanged, where it cannot say so itself",
            )
            .arg(tag())
            .arg(word("serial-number", "NUMBER", "As on its type plate").required(true))
            .arg(
                word(
                    "calibrated-till",
                    "DATE",
                    "Until when it is calibrated: 2027-03-31",
                )
                .required(true),
            )
            .arg(reason()),
        )
        .subcommand(
            act(
                "out-of-service",
                "Asks it nothing until then: no alarm, a declared gap",
            )
            .arg(tag())
            .arg(word("until", "TIME", "In plant time: \"2026-11-21 06:00\"").required_unless_present("for"))
            .arg(word("for", "SPAN", "Instead of --until: \"2 h\"").conflicts_with("until"))
            .arg(reason()),
        )
        .subcommand(
            act("in-service", "Asks it again, before its time is over")
                .arg(tag())
                .arg(reason()),
        )
        .subcommand(
            act(
                "lend",
                "Leaves its port to a service tool for a while; takes it back by itself",
            )
            .arg(of())
            .arg(word("for", "SPAN", "How long, an hour at most").default_value("10 min"))
            .arg(word("reason", "TEXT", "Why").default_value("service")),
        )
        .subcommand(
            act(
                "command",
                "Has it do what its driver declares and its configuration allows: zero, tare",
            )
            .arg(tag())
            .arg(
                Arg::new("command")
                    .value_name("COMMAND")
                    .required(true)
                    .help("As `steelyard drivers NAME` shows it: tare"),
            )
            .arg(word("reason", "TEXT", "Why, where that is not plain").default_value("")),
        )
        .subcommand(act("return", "Gives a lent port back at once").arg(of()))
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let Some((name, matches)) = matches.subcommand() else {
        return Ok(ExitCode::from(2));
    };
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    if name == "list" {
        return list(&source, matches.get_flag("json"));
    }
    let given = |name: &str| matches.get_one::<String>(name).cloned();
    let text = |name: &str| given(name).unwrap_or_default();
    let equipment = text("tag");
    let span = || match given("for") {
        Some(written) => span(&written).map(Some),
        None => Ok(None),
    };
    let act = match name {
        "confirm" => with_who(
            matches,
            Confirm {
                equipment,
                reason: text("reason"),
            },
        ),
        "exchanged" => with_who(
            matches,
            Exchanged {
                equipment,
                serial_number: text("serial-number"),
                calibrated_till: text("calibrated-till"),
                reason: text("reason"),
            },
        ),
        "out-of-service" => {
            let until = match span()? {
                Some(span) => now_and(span),
                None => moment(&source, &text("until"))?,
            };
            with_who(
                matches,
                OutOfService {
                    equipment,
                    until: until.to_string(),
                    reason: text("reason"),
                },
            )
        }
        "command" => with_who(
            matches,
            Order {
                equipment,
                command: text("command"),
                reason: text("reason"),
            },
        ),
        "in-service" => with_who(
            matches,
            InService {
                equipment,
                reason: text("reason"),
            },
        ),
        "lend" => with_who(
            matches,
            Lend {
                of: equipment,
                seconds: span()?.unwrap_or_default().as_secs(),
                reason: text("reason"),
            },
        ),
        _ => with_who(matches, Return { of: equipment }),
    }?;
    let asked = Asked::to(&format!("equipment-{name}"), &act);
    life::runtime()?.block_on(acts::done(&source, &asked))
}

/// What is asked, with who asks.
#[derive(Serialize)]
struct ByWhom<T> {
    by: String,
    secret: String,
    #[serde(flatten)]
    what: T,
}

fn with_who<T: Serialize>(matches: &ArgMatches, what: T) -> Result<serde_json::Value, Trouble> {
    let (by, secret) = acts::who(matches)?;
    serde_json::to_value(ByWhom { by, secret, what })
        .map_err(|error| Trouble::new("request-not-understood", error.to_string()).means("nothing was done"))
}

fn list(source: &config::Source, json: bool) -> Result<ExitCode, Trouble> {
    let reply = life::runtime()?.block_on(acts::ask(source, &Asked::to("equipment", &())))?;
    let reply = reply.ok_or_else(|| {
        Trouble::new("gateway-not-running", "no gateway runs on this ledger")
            .means("how equipment stands is only known to a gateway at work")
            .so("start it with `steelyard run`, then try again")
    })?;
    if !reply.done {
        err(&reply.text);
        return Ok(ExitCode::from(COULD_NOT));
    }
    if json {
        say(&reply.text);
        return Ok(ExitCode::SUCCESS);
    }
    let all: Vec<serde_json::Value> = serde_json::from_str(&reply.text).unwrap_or_default();
    for one in &all {
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        say(&format!(
            "{:12} {:16} {:28} {}",
            text("tag"),
            text("state"),
            text("port"),
            text("known")
        ));
        for name in ["out_of_service", "lent"] {
            if let Some(until) = one[name]["until"].as_str() {
                let (by, reason) = (one[name]["by"].as_str(), one[name]["reason"].as_str());
                let (by, reason) = (by.unwrap_or_default(), reason.unwrap_or_default());
                say(&format!("{:12} until {until}, by {by}: {reason}", ""));
            }
        }
        if !one["doubt"].is_null() {
            say(&format!("{:12} {}", "", text("doubt")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn span(written: &str) -> Result<Duration, Trouble> {
    config::sentence::duration(written).map_err(|_| {
        Trouble::new("no-such-time", format!("{written:?} is no span of time"))
            .means("nothing was done")
            .so("write a number and s, min or h: \"10 min\"")
    })
}

fn now_and(span: Duration) -> Stamp {
    use crate::flow::needs::Clock;
    crate::ports::clock::SystemClock::new()
        .now()
        .plus_ms(span.as_millis() as i64)
}

/// A moment as people of the plant write it.
fn moment(source: &config::Source, written: &str) -> Result<Stamp, Trouble> {
    if let Some(stamp) = Stamp::read(written) {
        return Ok(stamp);
    }
    let zone = source
        .text
        .parse::<toml::Table>()
        .ok()
        .and_then(|table| Some(table.get("gateway")?.get("zone")?.as_str()?.to_owned()));
    let zone = zone.and_then(|name| jiff::tz::TimeZone::get(&name).ok());
    let zone = zone.unwrap_or(jiff::tz::TimeZone::UTC);
    let civil = written.trim().replace(' ', "T").parse::<jiff::civil::DateTime>();
    let moment = civil.ok().and_then(|civil| civil.to_zoned(zone).ok());
    moment
        .map(|moment| Stamp(moment.timestamp().as_millisecond()))
        .ok_or_else(|| {
            Trouble::new("no-such-time", format!("{written:?} is no time"))
                .means("nothing was done")
                .so("write it in plant time, as \"2026-11-21 06:00\"; or --for \"2 h\"")
        })
}
