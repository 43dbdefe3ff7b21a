//! `steelyard sign BATCH`: a person's signature over a batch or over entries; `--show` says how the signatures stand.

use crate::{
    cli::{COULD_NOT, Command, NOT_RIGHT, acts, err, life, say},
    config::Source,
    daemon::acts::{
        Asked,
        sign::{Sign, SignedAs},
    },
    flow::{
        people::Given,
        signing::{Meaning, Signed, Standing},
    },
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgAction, ArgMatches, builder::PossibleValuesParser};
use record::Trouble;
use serde::Serialize;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "sign",
    about: "Signs a batch or entries with a meaning, in the name of a proven person; or shows how signatures stand",
    args,
    run,
    order: 56,
};

fn args(command: clap::Command) -> clap::Command {
    let meanings = [
        "perform",
        "performed",
        "verify",
        "verified",
        "acknowledge",
        "acknowledged",
        "review",
        "reviewed",
        "approve",
        "approved",
    ];
    command
        .arg(
            Arg::new("batch")
                .value_name("BATCH")
                .required_unless_present("entries")
                .help("The batch as its entries name it"),
        )
        .arg(
            Arg::new("meaning")
                .long("meaning")
                .value_name("MEANING")
                .required_unless_present("show")
                .value_parser(PossibleValuesParser::new(meanings))
                .hide_possible_values(true)
                .help("perform, verify, acknowledge, review or approve"),
        )
        .arg(
            Arg::new("entries")
                .long("entries")
                .value_name("NUMBERS")
                .help("Sign these entries, such as 1041-1050,1060, in place of the whole batch"),
        )
        .arg(
            Arg::new("text")
                .long("text")
                .value_name("TEXT")
                .default_value("")
                .help("What stands beside the signature"),
        )
        .arg(
            Arg::new("by")
                .long("by")
                .value_name("ID")
                .required_unless_present("show")
                .help("Who: a person's id"),
        )
        .arg(acts::password_file())
        .arg(
            Arg::new("show")
                .long("show")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["meaning", "entries", "by"])
                .help("Show the batch's signatures and what came after them, from the ledger"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("One JSON object a line"))
        .arg(acts::config_arg())
        .after_help(
            "Reviewing and approving need the password; what else is enough stands in [people].\n\
             A batch is signed as of a closing that is made for it: what comes later is not signed, and is said to be so.\n\
             Exit code of --show: 0 all that is there is signed, 1 something is not, or a signature does not fit.",
        )
}

/// What proves the person goes with what is signed.
#[derive(Serialize)]
struct Request {
    #[serde(flatten)]
    sign: Sign,
    #[serde(flatten)]
    given: Given,
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    if matches.get_flag("show") {
        return show(
            &source,
            &text("batch").unwrap_or_default(),
            matches.get_flag("json"),
        );
    }
    let (by, secret) = acts::who(matches)?;
    let request = Request {
        sign: Sign {
            batch: text("batch"),
            entries: text("entries"),
            meaning: text("meaning").unwrap_or_default(),
            text: text("text").unwrap_or_default(),
        },
        given: Given::Password { by, secret },
    };
    let asked = Asked::to("sign", &request);
    let reply = life::runtime()?.block_on(acts::ask(&source, &asked))?;
    let Some(reply) = reply else {
        return Err(
            Trouble::new("gateway-not-running", "no gateway runs on this ledger")
                .at(acts::ledger_of(&source)?.display())
                .means("nothing was signed")
                .so("start it with `steelyard run`, then sign again"),
        );
    };
    if !reply.done {
        err(&reply.text);
        return Ok(ExitCode::from(COULD_NOT));
    }
    match serde_json::from_str::<SignedAs>(&reply.text) {
        Ok(signed) if !matches.get_flag("json") => say(&format!("entry {}: {}", signed.seq, signed.says)),
        _ => say(&reply.text),
    }
    Ok(ExitCode::SUCCESS)
}

fn show(source: &Source, batch: &str, json: bool) -> Result<ExitCode, Trouble> {
    let disk = crate::ports::disk::Directory::look(&acts::ledger_of(source)?)?;
    let mut standing = Standing::default();
    let mut known = false;
    crate::evidence::Folder::open(&disk)?.each_page(|page| {
        for line in page
            .entries()
            .filter(|line| line.text("batch").as_deref() == Some(batch))
        {
            known = true;
            standing.take(&line);
        }
    })?;
    if !known {
        return Err(
            Trouble::new("signature-refused", format!("this ledger has no batch {batch:?}"))
                .means("nothing was looked at")
                .so("name a batch as the record has it"),
        );
    }
    let signatures = standing.signatures();
    for signed in &signatures {
        if json {
            say(&as_json(signed).to_string());
        } else {
            say(&format!(
                "{:<13} {} ({}), {}, with {}: {}",
                signed.meaning,
                signed.name,
                signed.person,
                signed.local,
                signed.method,
                signed.words()
            ));
        }
    }
    if signatures.is_empty() && !json {
        say(&format!("{batch} is not signed"));
    }
    let settled = signatures.iter().any(|signed| signed.holds && signed.since == 0)
        && signatures.iter().all(|signed| signed.holds);
    Ok(if settled {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}

fn as_json(signed: &Signed) -> serde_json::Value {
    json!({
        "entry": signed.seq, "meaning": signed.meaning, "person": signed.person, "name": signed.name,
        "time": signed.time.to_string(), "local": signed.local, "method": signed.method, "text": signed.text,
        "closing": signed.closing, "holds": signed.holds, "since": signed.since,
        "recorded": Meaning::named(&signed.meaning).is_some(),
    })
}
