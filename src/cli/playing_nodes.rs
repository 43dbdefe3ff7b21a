//! `steelyard simulate` of a driver that speaks OPC UA: the server, what a person says to it, and the block of a
//! configuration that reaches it.

use crate::{
    cli::{err, say},
    ports::{clock::SystemClock, opcua_play::ServerOptions},
    simulate::{Moving, NodeFault, PlayedNodes},
};
use clap::ArgMatches;
use driver::Driver;
use record::Trouble;
use std::{io::BufRead, path::PathBuf, process::ExitCode, sync::Arc};

/// Plays until Ctrl-C.
pub(crate) async fn play(driver: &Driver, on: &str, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let wrong = |why: String| super::commands::simulate::cannot(driver, &why);
    let options = options(on, matches).map_err(wrong)?;
    let (unprotected, user) = (options.unprotected, options.user.clone());
    let played = PlayedNodes::start(driver, options, Arc::new(SystemClock::new())).await;
    let played = played.map_err(|why| wrong(why.to_string()))?;
    for pair in matches.get_many::<String>("set").unwrap_or_default() {
        command(&played, driver, pair).await.map_err(wrong)?;
    }
    if matches.get_flag("moving") {
        Moving::all(driver)
            .into_iter()
            .for_each(|moving| played.moves(moving));
    }
    for how in matches.get_many::<String>("move").unwrap_or_default() {
        played.moves(Moving::read(how, driver).map_err(wrong)?);
    }
    for fault in matches.get_many::<String>("fault").unwrap_or_default() {
        let fault: NodeFault = fault.parse().map_err(wrong)?;
        played.fault(fault).await.map_err(wrong)?;
    }
    say(&format!("{} is at {}", driver.title, played.address()));
    say(&block(driver, &played, user.as_ref(), unprotected));
    let (lines, mut said) = tokio::sync::mpsc::unbounded_channel::<String>();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line.trim().to_owned()).is_err() {
                break;
            }
        }
    });
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
            Some(line) = said.recv() => {
                if line.is_empty() {
                    continue;
                }
                match command(&played, driver, &line).await {
                    Ok(()) => say(&format!("ok: {line}")),
                    Err(why) => err(&format!("no: {why}")),
                }
            }
        }
    }
}

/// `opc.tcp:4840` or `opc.tcp:0.0.0.0:4840`.
fn options(on: &str, matches: &ArgMatches) -> Result<ServerOptions, String> {
    let place = on.strip_prefix("opc.tcp:").unwrap_or("0").trim_start_matches('/');
    let (host, port) = place.rsplit_once(':').unwrap_or(("127.0.0.1", place));
    let port: u16 = port
        .parse()
        .map_err(|_| format!("{on:?} is no place for a server; write --on opc.tcp:4840"))?;
    let user = match matches.get_one::<String>("user") {
        None => None,
        Some(pair) => match pair.split_once(':') {
            Some((user, password)) if !user.is_empty() => Some((user.to_owned(), password.to_owned())),
            _ => return Err("a user is written NAME:PASSWORD".to_owned()),
        },
    };
    let own = matches.get_one::<PathBuf>("own").cloned();
    Ok(ServerOptions {
        own: own.unwrap_or_else(|| std::env::temp_dir().join(format!("steelyard-simulate-{port}"))),
        user,
        unprotected: matches.get_flag("unprotected"),
        sessions: matches
            .get_one::<u16>("sessions")
            .map_or(20, |sessions| usize::from(*sessions)),
        strangers: 0,
        host: host.to_owned(),
        port,
    })
}

fn block(
    driver: &Driver,
    played: &PlayedNodes,
    user: Option<&(String, String)>,
    unprotected: bool,
) -> String {
    let mut text = format!(
        "\n[equipment.PLAYED]\ndriver    = \"{}\"\nedition   = {}\nopcua     = \"{}\"\nsecurity  = \"{}\"\n",
        driver.name,
        driver.edition,
        played.address(),
        if unprotected {
            "none"
        } else {
            "Basic256Sha256, sign and encrypt"
        }
    );
    text.push_str(&match user {
        Some((user, _)) => format!("user      = \"{user}\"\npassword_file = \"secrets/played\"\n"),
        None => "anonymous = true\n".to_owned(),
    });
    if let driver::Speaks::Nodes(nodes) = &driver.speaks {
        let open = nodes.starts.iter().filter(|start| start.at.is_none());
        let starts: Vec<String> = open
            .map(|start| {
                let uri = crate::ports::opcua_play::own_namespace(&driver.name);
                format!("{} = \"nsu={uri};s={}\"", start.name, start.name)
            })
            .collect();
        if !starts.is_empty() {
            text.push_str(&format!("starts    = {{ {} }}\n", starts.join(", ")));
        }
    }
    text
}

async fn command(played: &PlayedNodes, driver: &Driver, line: &str) -> Result<(), String> {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("clear", "") => played.clear().await,
        ("fault", word) => played.fault(word.trim().parse()?).await,
        ("state", because) => played.state(because.trim()),
        ("move", how) => {
            played.moves(Moving::read(how, driver)?);
            Ok(())
        }
        ("set", pair) => set(played, driver, pair),
        _ => set(played, driver, line),
    }
}

/// A bare number is in the driver's own unit.
fn set(played: &PlayedNodes, driver: &Driver, pair: &str) -> Result<(), String> {
    let split = pair.trim().split_once(['=', ' ']);
    let (measure, words) =
        split.ok_or("say `set weight 12.34`, `weight = value`, `move …`, `fault …`, `state …` or `clear`")?;
    let (measure, words) = (measure.trim(), words.trim().trim_start_matches('=').trim());
    let point = driver.points().into_iter().find(|point| point.measure == measure);
    let unit = point.and_then(|point| point.units.first().copied());
    match unit.filter(|_| words.parse::<f64>().is_ok()) {
        Some(unit) => played.set(measure, &format!("{words} {}", unit.shown())),
        None => played.set(measure, words),
    }
}
