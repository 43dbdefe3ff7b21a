//! `steelyard master import|list|show`: what the plant says of its orders, lots, containers, check weights and people.

use crate::{
    cli::{COULD_NOT, Command, acts, err, life, say},
    config::Source,
    daemon::{
        acts::{Asked, master_import::MasterImport},
        master,
    },
    flow::{
        master::{Kind, shelf, words},
        needs::Files,
    },
    ports::{
        disk::Directory,
        files::{SystemFiles, configuration},
        index::Kept,
    },
};
use clap::{Arg, ArgAction, ArgMatches, builder::PossibleValuesParser};
use record::Trouble;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "master",
    about: "Takes in and shows orders, lots, containers, check weights and people",
    args,
    run,
    order: 64,
};

fn args(command: clap::Command) -> clap::Command {
    let kind = || {
        Arg::new("kind")
            .value_name("KIND")
            .required(true)
            .value_parser(PossibleValuesParser::new(Kind::ALL.map(Kind::word)))
            .help("Which")
    };
    let json = || {
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("For a script")
    };
    let word =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("TEXT").help(help);
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("import")
                .about("Takes a CSV file, or shows what it would change")
                .arg(kind())
                .arg(
                    Arg::new("file")
                        .value_name("FILE.csv")
                        .required(true)
                        .value_parser(clap::value_parser!(PathBuf))
                        .help("One line of headings, then a row for each item"),
                )
                .arg(
                    Arg::new("preview")
                        .long("preview")
                        .action(ArgAction::SetTrue)
                        .conflicts_with_all(["by", "reason"])
                        .help("Only show what it would change"),
                )
                .arg(
                    Arg::new("whole").long("whole").action(ArgAction::SetTrue).help(
                        "The file names all there are of its source: what it does not name is retracted",
                    ),
                )
                .arg(word(
                    "source",
                    "Who says so, where that is not the person who takes it in",
                ))
                .arg(word("by", "Who takes it in: a person's id").required_unless_present("preview"))
                .arg(word("reason", "Why").required_unless_present("preview"))
                .arg(acts::password_file())
                .arg(acts::config_arg()),
        )
        .subcommand(
            clap::Command::new("list")
                .about("Everything known of a kind, with its age; the daemon need not run")
                .arg(kind())
                .arg(json())
                .arg(acts::config_arg()),
        )
        .subcommand(
            clap::Command::new("show")
                .about("One item as it is known")
                .arg(kind())
                .arg(Arg::new("id").value_name("ID").required(true))
                .arg(acts::config_arg()),
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let Some((name, matches)) = matches.subcommand() else {
        return Ok(ExitCode::from(2));
    };
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let kind = matches
        .get_one::<String>("kind")
        .and_then(|word| Kind::named(word));
    let Some(kind) = kind else {
        return Ok(ExitCode::from(2));
    };
    match name {
        "import" => import(&source, kind, matches),
        _ => show(&source, kind, matches),
    }
}

fn import(source: &Source, kind: Kind, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let path = matches.get_one::<PathBuf>("file").cloned().unwrap_or_default();
    let cannot = |why: String| {
        Trouble::new("master-file", format!("this file cannot be read: {why}"))
            .at(path.display())
            .means("nothing was taken from it")
            .so("save it as CSV in UTF-8")
    };
    let bytes = SystemFiles
        .read(&path)
        .map_err(|error| cannot(error.to_string()))?;
    let file = String::from_utf8(bytes).map_err(|_| cannot("it is not text in UTF-8".into()))?;
    let preview = matches.get_flag("preview");
    let (by, secret) = if preview {
        Default::default()
    } else {
        acts::who(matches)?
    };
    let said = match text("source") {
        source if source.is_empty() && preview => "file".to_owned(),
        source if source.is_empty() => by.clone(),
        source => source,
    };
    let asked = Asked::to(
        "master-import",
        &MasterImport {
            kind: kind.word().to_owned(),
            file: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            text: file,
            whole: matches.get_flag("whole"),
            preview,
            source: said,
            reason: text("reason"),
            by,
            secret,
        },
    );
    life::runtime()?.block_on(acts::done(source, &asked))
}

/// From the ledger and the files beside it.
fn show(source: &Source, kind: Kind, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = acts::ledger_of(source)?;
    let disk = Directory::look(&path)?;
    let mut kept = Vec::new();
    crate::evidence::Folder::open(&disk)?.each_page(|page| {
        let master = page
            .entries()
            .filter(|line| line.kind() == "master" && line.raw("held").is_some());
        kept.extend(master.map(|line| Kept {
            seq: line.seq(),
            kind: "master".to_owned(),
            line: line.bytes().to_vec(),
        }));
    })?;
    let recalled = master::recall(&kept, &path.join(shelf::FOLDER));
    let now = life::outside().clock.now();
    for trouble in recalled
        .troubles
        .iter()
        .filter(|trouble| trouble.what.contains(kind.word()))
    {
        err(&trouble.to_string());
    }
    let id = matches.try_get_one::<String>("id").ok().flatten();
    if let Some(id) = id {
        let found = words::as_json(&recalled.store, kind, Some(id), now);
        let Some(item) = found["items"].get(0) else {
            return Err(Trouble::new(
                "master-unusable",
                format!("nobody has said anything of {} {id}", kind.one()),
            )
            .at(path.display())
            .means("it cannot be used")
            .so("have its source send it, or import it"));
        };
        say(&serde_json::to_string_pretty(item).unwrap_or_default());
    } else if matches.get_flag("json") {
        say(&words::as_json(&recalled.store, kind, None, now).to_string());
    } else {
        say(&words::list(&recalled.store, kind, now));
    }
    Ok(if recalled.troubles.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(COULD_NOT)
    })
}
