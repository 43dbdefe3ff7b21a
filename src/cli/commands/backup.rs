//! `steelyard backup`: a copy of a gateway from which a spare can take over.

use crate::{
    cli::{Command, NOT_RIGHT, acts, backup, say},
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgAction, ArgMatches};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "backup",
    about: "Copies a gateway, also while it records: ledger, receipts, configuration",
    args,
    run,
    order: 44,
};

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("to")
                .long("to")
                .value_name("DIR")
                .required(true)
                .value_parser(clap::value_parser!(PathBuf))
                .help("Where it goes: a new directory, or an earlier backup of the same gateway, which is brought up to date"),
        )
        .arg(
            Arg::new("with-keys")
                .long("with-keys")
                .action(ArgAction::SetTrue)
                .help("The secret signing key as well. A spare does not need it; whoever has it can seal as this gateway"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("What was copied, for scripts"),
        )
        .arg(acts::config_arg())
        .after_help("Exit code: 0 copied and verified, 1 copied, and what was copied does not verify, 3 it could not be done.\ndocs/manual/recovery.md says what comes after.")
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let to = matches.get_one::<PathBuf>("to").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let ledger = acts::ledger_of(&source)?;
    let manifest = backup::make(&source, &ledger, &to, matches.get_flag("with-keys"))?;
    let finding = backup::check(&to, &manifest)?;
    if matches.get_flag("json") {
        let mut object = serde_json::json!(manifest);
        object["verified"] = finding.holds().into();
        say(&object.to_string());
    } else {
        let keys = if manifest.with_keys {
            "THE SECRET KEY IS IN IT: whoever has it can seal as this gateway"
        } else {
            "the secret key is not in it; a spare makes its own"
        };
        say(&format!(
            "{}: {} pages to page {} of epoch {}, sealed {}, {} receipts, in {}\n{keys}",
            manifest.gateway,
            manifest.pages,
            manifest.last_page,
            manifest.epoch,
            manifest.last_sealed,
            manifest.receipts,
            to.display()
        ));
        say(&finding.words());
    }
    Ok(if finding.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}
