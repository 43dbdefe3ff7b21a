//! `steelyard verify`: what a ledger or evidence proves, on a machine that has never seen the gateway.

use super::Command;
use crate::{
    cli::{NOT_RIGHT, say},
    evidence::{Expected, Finding, Folder, verify},
    flow::needs::Disk,
    ports::disk::Directory,
};
use clap::{Arg, ArgAction, ArgMatches};
use record::{Hash, Trouble, verify::Scope};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(crate) const COMMAND: Command = Command {
    name: "verify",
    about: "Checks a ledger or evidence, anywhere: what is proven, and what is not",
    args,
    run,
    order: 50,
};

fn args(command: clap::Command) -> clap::Command {
    let key = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("FINGERPRINT")
            .action(ArgAction::Append)
            .value_parser(fingerprint)
            .help(help)
    };
    command
        .arg(
            Arg::new("path")
                .value_name("FILE|DIR")
                .required(true)
                .num_args(1..)
                .value_parser(clap::value_parser!(PathBuf))
                .help("A ledger's directory, an evidence folder, or one file of either"),
        )
        .arg(key(
            "gateway-key",
            "The gateway's key as it stands on the enrolment sheet",
        ))
        .arg(key(
            "store-key",
            "The record store's key as it stands on the enrolment sheet",
        ))
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("One line of JSON for each"),
        )
        .after_help("Exit code 0: everything holds. 1: something does not.")
}

fn fingerprint(text: &str) -> Result<Hash, String> {
    Hash::read(text.as_bytes())
        .ok_or_else(|| "a fingerprint has 43 letters, as in keys.jwks under kid".to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "every command has this form")]
fn run(words: &ArgMatches) -> Result<ExitCode, Trouble> {
    let keys = |name| words.get_many(name).into_iter().flatten().copied().collect();
    let expected = Expected {
        gateway: keys("gateway-key"),
        store: keys("store-key"),
    };
    let mut all_hold = true;
    for path in words.get_many::<PathBuf>("path").into_iter().flatten() {
        let finding = look(path, &expected);
        all_hold &= finding.holds();
        if words.get_flag("json") {
            say(&as_json(&finding).to_string());
        } else {
            say(&finding.words());
        }
    }
    Ok(if all_hold {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}

/// A directory, a data directory with a `ledger` in it, or one file. What cannot be read is a finding too:
/// the others on the command line are still looked at.
pub(super) fn look(path: &Path, expected: &Expected) -> Finding {
    let name = path.display().to_string();
    let looked = with_folder(path, |folder| Ok(verify(folder, &name, expected)));
    looked.unwrap_or_else(|trouble| Finding::unread(&name, trouble))
}

/// Opens what a person named and hands it over.
pub(super) fn with_folder<T>(
    path: &Path,
    use_it: impl FnOnce(&Folder<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    if let Ok(directory) = Directory::look(path) {
        return match Folder::open(&directory) {
            Ok(folder) => use_it(&folder),
            Err(trouble) => match ledger_in(&directory) {
                Some(inner) => use_it(&Folder::open(&Directory::look(&inner)?)?),
                None => Err(trouble),
            },
        };
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = Directory::look(parent.unwrap_or(Path::new(".")))?;
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    use_it(&Folder::only(&directory, name)?)
}

/// The one ledger of a data directory: `ledger`, `line.ledger`.
fn ledger_in(data: &Directory) -> Option<PathBuf> {
    let names = data.list().ok()?;
    let mut ledgers = names.iter().filter(|name| name.ends_with("ledger"));
    let only = ledgers.next().filter(|_| ledgers.next().is_none());
    only.map(|name| data.path().join(name))
}

pub(super) fn as_json(finding: &Finding) -> Value {
    let report = &finding.report;
    let hashes = |keys: &[Hash]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "path": finding.name,
        "holds": finding.holds(),
        "scope": match finding.scope {
            Scope::Ledger => "ledger",
            Scope::Evidence => "evidence",
            Scope::Part => "part",
        },
        "gateway": report.gateway,
        "ledger": report.ledger,
        "use": report.usage,
        "pages": report.pages,
        "entries": report.entries,
        "full": report.forms[0],
        "withheld": report.forms[1],
        "bare": report.forms[2],
        "receipts": report.receipts,
        "unreceipted": report.unreceipted,
        "torn_tails": report.torn_tails,
        "bindings": report.bindings,
        "unchecked": report.unchecked,
        "epochs": report.epochs.iter().map(|(epoch, because)| json!({"epoch": epoch, "because": because})).collect::<Vec<_>>(),
        "closings": report.closings.iter().map(|closing| json!({
            "batch": closing.batch,
            "closing": closing.closing,
            "count": closing.count,
            "root": closing.root.to_string(),
            "seq": closing.seq,
            "holds": closing.holds,
        })).collect::<Vec<_>>(),
        "after_closing": report.after_closing.iter().map(|(batch, count)| json!({"batch": batch, "count": count})).collect::<Vec<_>>(),
        "open": report.open.iter().map(|(batch, count)| json!({"batch": batch, "count": count})).collect::<Vec<_>>(),
        "sealed_by": report.runs.iter().map(|run| hashes(run)).collect::<Vec<_>>(),
        "receipted_by": hashes(&report.receipted_by),
        "keys_expected": finding.gateway_known,
        "strangers": finding.strangers,
        "unread": finding.unread.as_ref().map(|trouble| trouble.what.clone()),
        "problems": report.problems.iter().map(|problem| json!({
            "file": problem.segment,
            "offset": problem.offset,
            "page": problem.page,
            "first": problem.entries.map(|(first, _)| first),
            "last": problem.entries.map(|(_, last)| last),
            "what": problem.what,
        })).collect::<Vec<_>>(),
    })
}
