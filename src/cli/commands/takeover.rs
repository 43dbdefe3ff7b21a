//! `steelyard takeover`: a spare goes on where a dead box's backup ends, as a declared act.

use crate::{
    cli::{Command, acts, backup, life, say},
    config,
    daemon::opening::{self, TakeOver},
    flow::{ledger, needs::Files},
    ports::{
        disk::Directory,
        files::{self, SystemFiles, configuration},
    },
};
use clap::{Arg, ArgMatches};
use record::Trouble;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(crate) const COMMAND: Command = Command {
    name: "takeover",
    about: "Makes this machine go on for a dead one, from its backup: new key, new epoch, who and why",
    args,
    run,
    order: 45,
};

fn args(command: clap::Command) -> clap::Command {
    acts::who_args(
        command
            .arg(
                Arg::new("backup")
                    .value_name("BACKUP")
                    .required(true)
                    .value_parser(clap::value_parser!(PathBuf))
                    .help("The directory that `steelyard backup` made"),
            )
            .arg(
                Arg::new("because")
                    .long("because")
                    .value_name("TEXT")
                    .required(true)
                    .help("Why: it stands in the record"),
            ),
    )
    .arg(acts::config_arg())
    .after_help(
        "The person is one whom the dead gateway knew, with the role supervisor or engineer.\n\
         Where there is no configuration at CONFIG yet, the one in the backup is written there.\n\
         Exit code: 0 done, 3 it could not be done; then nothing is left of it.\n\
         docs/manual/recovery.md walks through it.",
    )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let from = matches.get_one::<PathBuf>("backup").cloned().unwrap_or_default();
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let manifest = backup::Manifest::of(&Directory::look(&from)?)?.ok_or_else(|| {
        Trouble::new("no-backup", format!("there is no {} here", backup::MANIFEST))
            .at(from.display())
            .means("nothing was made and nothing was changed")
            .so("name the directory that `steelyard backup --to DIR` made; one without that file was never finished")
    })?;
    let finding = backup::check(&from, &manifest)?;
    if !finding.holds() {
        say(&finding.words());
    }
    if matches!(SystemFiles.read(&path), Err(error) if error.kind() == std::io::ErrorKind::NotFound) {
        put_configuration(&from.join(backup::CONFIGURATION), &path)?;
    }
    let source = configuration(&SystemFiles, &path)?;
    let to = acts::ledger_of(&source)?;
    let empty = Directory::look(&to).map_or(true, |disk| {
        ledger::segments(&disk).is_ok_and(|segments| segments.is_empty())
    });
    if !empty {
        return Err(Trouble::new("ledger-in-the-way", "there is a ledger already where this one would go")
            .at(to.display())
            .means("nothing was written: no ledger is ever written over")
            .so("a gateway with a ledger of its own takes over from nobody; use a machine without one, or move it away first"));
    }
    let (by, secret) = acts::who(matches)?;
    let act = TakeOver {
        by: by.clone(),
        reason: text("because"),
        found: format!(
            "taken over from the backup of {}, which ends with page {} of epoch {}",
            manifest.made, manifest.last_page, manifest.epoch
        ),
    };
    let done = copy(&from, &to, &manifest).and_then(|()| {
        let doing = acts::taking_over(source.clone(), act, |open| {
            let mut people = acts::people_of(open);
            acts::prove_in(
                open,
                &mut people,
                (&by, &secret),
                &["supervisor", "engineer"],
                "takeover",
            )?;
            // the last accepted configuration runs: from here on it is this machine's
            let (files, now, reason) = (open.plant.files.clone(), open.now, text("because"));
            opening::enter_configuration(
                open,
                "applied",
                &files,
                &by,
                &reason,
                "as it stands on the spare",
                now,
            );
            Ok((
                open.signer.public().thumbprint().to_string(),
                open.identity.gateway.clone(),
            ))
        });
        life::runtime()?.block_on(doing)
    });
    let (key, gateway) = match done {
        Ok(done) => done,
        Err(trouble) => {
            // holds because nothing stood there before; a copy that goes nowhere would only be in the way
            let _ = files::remove_directory(&to);
            return Err(trouble);
        }
    };
    say(&format!(
        "{gateway} goes on here, in epoch {} of its ledger, sealed by a new key\n\
         key: {key}\n\
         do: at the record store, put {}/{} in place of the key of [gateway.{gateway}], after comparing this fingerprint,\n    \
         start the store again, then start this gateway: systemctl start steelyard\n\
         do: when the old disk can be read, deliver what it still has: steelyard ledger deliver DIR --config {}",
        manifest.epoch + 1,
        to.display(),
        "keys.jwks",
        path.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Everything of the ledger; what a gateway makes for itself (index, marks) is made again.
fn copy(from: &Path, to: &Path, manifest: &backup::Manifest) -> Result<(), Trouble> {
    let cannot = |at: PathBuf, error: std::io::Error| {
        Trouble::new("takeover-failed", format!("this could not be copied: {error}"))
            .at(at.display())
            .means("the spare has not taken over; the backup is as it was")
            .so("look at the room and the rights there, and do it again")
    };
    files::make_directory(to).map_err(|error| cannot(to.to_owned(), error))?;
    for file in &manifest.files {
        files::copy(&from.join(&file.name), &to.join(&file.name))
            .map_err(|error| cannot(to.join(&file.name), error))?;
    }
    Ok(())
}

/// The configuration, its drivers beside it, and its recipes where it says.
fn put_configuration(from: &Path, path: &Path) -> Result<(), Trouble> {
    let source = configuration(&SystemFiles, &from.join("steelyard.toml"))?;
    let cannot = |at: &Path, error: std::io::Error| {
        Trouble::new(
            "takeover-failed",
            format!("the configuration could not be written: {error}"),
        )
        .at(at.display())
        .means("the spare has not taken over; the backup is as it was")
        .so("make the directory, or put the configuration there yourself")
    };
    let put = |at: &Path, text: &str| {
        let made = at.parent().map_or(Ok(()), files::make_directory);
        made.and_then(|()| SystemFiles.write(at, text.as_bytes()))
            .map_err(|error| cannot(at, error))
    };
    let beside = path.parent().unwrap_or(Path::new("/"));
    for (name, text) in &source.drivers {
        put(&beside.join("drivers").join(name), text)?;
    }
    if let Some(recipes) = config::recipes_of(&source.text) {
        let kept = from.join("recipes");
        for name in SystemFiles.list(&kept).map_err(|error| cannot(&kept, error))? {
            let bytes = SystemFiles
                .read(&kept.join(&name))
                .map_err(|error| cannot(&kept, error))?;
            put(&recipes.join(&name), &String::from_utf8_lossy(&bytes))?;
        }
    }
    put(path, &source.text)
}
