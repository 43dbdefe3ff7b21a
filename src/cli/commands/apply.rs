//! `steelyard apply`: make the configuration on disk the one that runs. Shows the difference first; entered with who
//! and why; what is not different is not touched.

use crate::{
    cli::{COULD_NOT, Command, NOT_RIGHT, acts, err, life, say},
    config,
    daemon::acts::{
        Asked,
        apply::{Apply, acceptable},
    },
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgAction, ArgMatches};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "apply",
    about: "Makes the configuration on disk the one that runs: difference, reason, person",
    args,
    run,
    order: 30,
};

fn args(command: clap::Command) -> clap::Command {
    let word =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("TEXT").help(help);
    command
        .arg(
            Arg::new("config")
                .value_name("CONFIG")
                .default_value("/etc/steelyard/steelyard.toml")
                .value_parser(clap::value_parser!(PathBuf))
                .help("The configuration; its drivers lie in drivers/ beside it"),
        )
        .arg(word("by", "Who: a person's id").required_unless_present("show"))
        .arg(word("reason", "Why, in a sentence a reviewer understands").required_unless_present("show"))
        .arg(
            Arg::new("show")
                .long("show")
                .action(ArgAction::SetTrue)
                .help("Only show the difference"),
        )
        .after_help(
            "Exit code: 0 applied, or no difference; 1 there is a difference (with --show); 3 refused.",
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let act = Apply::new(&source, text("by"), text("reason"));
    if matches.get_flag("show") {
        return show(&act);
    }
    let request = Asked::to("apply", &act);
    life::runtime()?.block_on(async {
        match acts::ask(&source, &request).await? {
            Some(reply) if reply.done => say(&told(&reply.text)),
            Some(reply) => {
                // The gateway has said it in four parts already.
                err(&reply.text);
                return Ok(ExitCode::from(COULD_NOT));
            }
            None => {
                let changes = acts::apply_while_stopped(&act).await?;
                say(&told(&changes));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn told(changes: &str) -> String {
    if changes.is_empty() {
        "applied; nothing that runs is different".into()
    } else {
        format!("applied:\n{changes}")
    }
}

/// The difference between what was accepted last and what stands on the disk; nothing is changed.
fn show(act: &Apply) -> Result<ExitCode, Trouble> {
    let ledger = acts::ledger_of(&act.source())?;
    let accepted = crate::daemon::opening::accepted_in(&ledger, &act.source().name)?;
    let changes: Vec<String> = match &accepted {
        None => vec!["nothing was accepted yet: the first start takes this file".to_owned()],
        Some(accepted) => {
            let running = config::read(accepted.clone()).map_err(|_| {
                Trouble::new(
                    "configuration-broken",
                    "the configuration in the ledger cannot be read by this version",
                )
                .at(ledger.display())
                .means("nothing was changed")
                .so("use the version that accepted it")
            })?;
            let plant = acceptable(act, &running)?;
            config::difference(&running, &plant)
                .into_iter()
                .map(|change| change.says)
                .collect()
        }
    };
    if changes.is_empty() {
        say("no difference");
        return Ok(ExitCode::SUCCESS);
    }
    say(&changes.join("\n"));
    Ok(ExitCode::from(NOT_RIGHT))
}
