//! `steelyard key`: the gateway's public key, for enrolment at the record store. Made here where there is none yet, so
//! that both sides can know each other before the first start.

use crate::{
    cli::{Command, life, say},
    config,
    daemon::opening::signing_key,
    flow::{ledger, needs::Files},
    ports::{
        disk::Directory,
        files::{SystemFiles, configuration},
    },
};
use clap::{Arg, ArgMatches};
use record::{KeySet, Role, Trouble};
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "key",
    about: "Shows the gateway's public key for enrolment, and makes it before a first start",
    args,
    run,
    order: 62,
};

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("config")
                .value_name("CONFIG")
                .default_value("/etc/steelyard/steelyard.toml")
                .value_parser(clap::value_parser!(PathBuf))
                .help("The gateway's configuration"),
        )
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Writes the public key there, for the record store's [gateway.NAME] key"),
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let plant = config::read(source.clone()).map_err(|complaints| {
        let words: Vec<String> = complaints
            .iter()
            .map(|complaint| source.render(complaint))
            .collect();
        Trouble::new(
            "key-not-shown",
            format!("the configuration cannot be used\n{}", words.join("\n")),
        )
        .at(path.display())
        .means("no key was made and nothing was changed")
        .so("mend it, run `steelyard check`, then ask again")
    })?;
    // A ledger that holds anything was sealed by a key; another one would never fit it.
    let begun = Directory::look(&plant.gateway.ledger)
        .is_ok_and(|disk| ledger::segments(&disk).is_ok_and(|segments| !segments.is_empty()));
    let key = signing_key(&plant.gateway.signing_key, !begun, &life::outside())?;
    let mut set = KeySet::default();
    set.add(key.public().clone(), Role::Page)?;
    say(&format!("gateway      {}", plant.gateway.name));
    say(&format!("fingerprint  {}", key.public().thumbprint()));
    match matches.get_one::<PathBuf>("out") {
        None => say(&set.to_jwks()),
        Some(out) => {
            SystemFiles
                .write(out, set.to_jwks().as_bytes())
                .map_err(|error| {
                    Trouble::new(
                        "key-not-written",
                        format!("the public key cannot be written: {error}"),
                    )
                    .at(out.display())
                    .means("the key itself is made and safe; only this copy is missing")
                    .so("name another file")
                })?;
            say(&format!("written to   {}", out.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}
