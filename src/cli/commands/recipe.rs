//! `steelyard recipe list|show|check|approve|change`: what products ask of each step, and who says that it holds.

use crate::{
    cli::{Command, NOT_RIGHT, acts, life, say},
    config::{self, Source, recipe},
    daemon::acts::{Asked, recipe_approve::RecipeApprove, recipe_change::RecipeChange},
    flow::{
        control::{Shelf, fingerprint},
        ledger,
        needs::Files,
    },
    ports::{
        disk::Directory,
        files::{SystemFiles, configuration},
    },
};
use clap::{Arg, ArgAction, ArgMatches};
use record::Trouble;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(crate) const COMMAND: Command = Command {
    name: "recipe",
    about: "Lists recipes, checks and approves them, and changes the one a batch runs under",
    args,
    run,
    order: 62,
};

fn args(command: clap::Command) -> clap::Command {
    let file = || {
        Arg::new("file")
            .value_name("FILE")
            .required(true)
            .value_parser(clap::value_parser!(PathBuf))
            .help("The recipe's file")
    };
    let reason = || {
        Arg::new("reason")
            .long("reason")
            .value_name("TEXT")
            .required(true)
            .help("Why")
    };
    let json = || {
        Arg::new("json")
            .long("json")
            .action(ArgAction::SetTrue)
            .help("One object per line, for a script")
    };
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("list")
                .about("Every recipe this gateway knows, and who approved it; read from its ledger")
                .arg(json())
                .arg(acts::config_arg()),
        )
        .subcommand(
            clap::Command::new("show")
                .about("One recipe, word for word, as it lies in the ledger")
                .arg(Arg::new("recipe").value_name("ID").required(true).help("Its id"))
                .arg(
                    Arg::new("revision")
                        .value_name("REVISION")
                        .required(true)
                        .help("Its revision"),
                )
                .arg(acts::config_arg()),
        )
        .subcommand(
            clap::Command::new("check")
                .about("Says everything that is wrong with a recipe; with --config also for this plant")
                .arg(file())
                .arg(
                    Arg::new("config")
                        .long("config")
                        .value_name("CONFIG")
                        .value_parser(clap::value_parser!(PathBuf))
                        .help("The plant it is to run in"),
                ),
        )
        .subcommand(acts::who_args(
            clap::Command::new("approve")
                .about("Enters a recipe and a person's signature over its SHA-256; the gateway must run")
                .arg(file())
                .arg(reason())
                .arg(acts::config_arg()),
        ))
        .subcommand(
            acts::who_args(
                clap::Command::new("change")
                    .about("Changes the control recipe of a batch that runs: two persons and a reason")
                    .arg(
                        Arg::new("batch")
                            .value_name("BATCH")
                            .required(true)
                            .help("The batch"),
                    )
                    .arg(file())
                    .arg(reason())
                    .arg(
                        Arg::new("from")
                            .long("from")
                            .value_name("TIME")
                            .help("Since when it counts; now where left out"),
                    )
                    .arg(
                        Arg::new("second")
                            .long("second")
                            .value_name("ID")
                            .required(true)
                            .help("The second person's id"),
                    ),
            )
            .arg(
                Arg::new("second-password-file")
                    .long("second-password-file")
                    .value_name("FILE")
                    .value_parser(clap::value_parser!(PathBuf))
                    .help(
                        "A file of mode 0600 with the second person's password; without it, standard input",
                    ),
            )
            .arg(acts::config_arg()),
        )
        .after_help(
            "Exit code: 0 done; 1 something is wrong with the recipe (check); 3 refused or not reached.",
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    match matches.subcommand() {
        Some(("list", matches)) => list(matches),
        Some(("show", matches)) => show(matches),
        Some(("check", matches)) => check(matches),
        Some(("approve", matches)) => approve(matches),
        Some(("change", matches)) => change(matches),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn source_of(matches: &ArgMatches) -> Result<Source, Trouble> {
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    configuration(&SystemFiles, &path)
}

fn word(matches: &ArgMatches, name: &str) -> String {
    matches.get_one::<String>(name).cloned().unwrap_or_default()
}

fn text_of(path: &Path) -> Result<String, Trouble> {
    let cannot = |why: String| {
        Trouble::new("recipe-not-read", format!("this recipe cannot be read: {why}"))
            .at(path.display())
            .means("nothing was entered and nothing was changed")
            .so("name the file of a recipe, as text in UTF-8")
    };
    let bytes = SystemFiles
        .read(path)
        .map_err(|error| cannot(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| cannot("it is not text in UTF-8".into()))
}

/// What the ledger knows, without taking it: a gateway may be at work on it.
fn shelf(source: &Source) -> Result<Shelf, Trouble> {
    let recipes: Vec<recipe::Recipe> = source
        .recipes
        .iter()
        .filter_map(|(name, text)| recipe::read(&config::recipe_name(name), text).ok())
        .collect();
    let mut shelf = Shelf::of(&recipes);
    let Ok(disk) = Directory::look(&acts::ledger_of(source)?) else {
        return Ok(shelf);
    };
    let unreadable = |error: std::io::Error| ledger::unreadable(&disk, &error);
    for (number, compressed) in ledger::segments(&disk).map_err(unreadable)? {
        let file = ledger::file_name(number, compressed);
        ledger::read_segment(&disk, &file, |_, piece| {
            let Ok(page) = piece else { return };
            let marks = page.marks();
            for mark in marks
                .iter()
                .filter(|mark| matches!(mark.kind, b"file" | b"signature"))
            {
                if let Ok(line) = record::Line::read(mark.line) {
                    shelf.recall(&line);
                }
            }
        })
        .map_err(unreadable)?;
    }
    Ok(shelf)
}

fn list(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let shelf = shelf(&source_of(matches)?)?;
    for (known, approval) in shelf.known() {
        let (recipe, approval) = (
            &known.recipe,
            approval.map(|by| (by.person.clone(), by.time.to_string())),
        );
        if matches.get_flag("json") {
            let line = json!({
                "recipe": recipe.id,
                "revision": recipe.revision,
                "product": recipe.product,
                "sha256": known.fingerprint,
                "configured": known.configured,
                "approved_by": approval.as_ref().map(|(person, _)| person),
                "approved": approval.as_ref().map(|(_, time)| time),
            });
            say(&line.to_string());
            continue;
        }
        let approved = approval.map_or_else(
            || "not approved".to_owned(),
            |(person, time)| format!("approved by {person}, {time}"),
        );
        say(&format!(
            "{} rev {}  {}  {approved}",
            recipe.id, recipe.revision, recipe.product
        ));
    }
    if shelf.is_empty() && !matches.get_flag("json") {
        say("no recipe is known here; name a directory as `recipes` in [gateway], or approve one");
    }
    Ok(ExitCode::SUCCESS)
}

fn show(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let (id, revision) = (word(matches, "recipe"), word(matches, "revision"));
    let shelf = shelf(&source_of(matches)?)?;
    let named = shelf
        .known()
        .filter(|(known, _)| known.recipe.same_revision_as(&id, &revision));
    // the one that would hold: the newest approval, else what lies there
    let Some((known, _)) = named.max_by_key(|(_, approval)| approval.map(|by| by.seq)) else {
        return Err(
            Trouble::new("no-such-recipe", format!("{id} rev {revision} is not known here"))
                .means("nothing was changed")
                .so("`steelyard recipe list` shows those that are"),
        );
    };
    say(known.recipe.text.trim_end());
    Ok(ExitCode::SUCCESS)
}

fn check(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("file").cloned().unwrap_or_default();
    let text = text_of(&path)?;
    let name = path.display().to_string();
    let mut warned = Vec::new();
    let wrong = match recipe::read(&name, &text) {
        Err(wrong) => wrong,
        Ok(recipe) => match matches.get_one::<PathBuf>("config") {
            None => Vec::new(),
            Some(config) => {
                let source = configuration(&SystemFiles, config)?;
                let bare = Source {
                    recipes: Vec::new(),
                    ..source.clone()
                };
                match config::read(bare) {
                    Err(complaints) => complaints
                        .into_iter()
                        .map(|complaint| complaint.note("in the configuration"))
                        .collect(),
                    Ok(plant) => {
                        let (wrong, beside) = recipe::against(&recipe, &plant);
                        warned = beside;
                        wrong
                    }
                }
            }
        },
    };
    for complaint in &wrong {
        let text = (complaint.file == name).then_some(text.as_str());
        say(config::render(complaint, text).trim_end());
        say("");
    }
    for warning in &warned {
        say(config::render_warning(warning, Some(&text)).trim_end());
        say("");
    }
    if wrong.is_empty() {
        say(&format!("{name} is in order ({})", fingerprint(&text)));
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::from(NOT_RIGHT))
}

fn approve(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("file").cloned().unwrap_or_default();
    let text = text_of(&path)?;
    let source = source_of(matches)?;
    let (by, secret) = acts::who(matches)?;
    let act = RecipeApprove {
        file: path.display().to_string(),
        text,
        reason: word(matches, "reason"),
        by,
        secret,
    };
    let asked = Asked::to("recipe-approve", &act);
    life::runtime()?.block_on(acts::done(&source, &asked))
}

fn change(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("file").cloned().unwrap_or_default();
    let text = text_of(&path)?;
    let source = source_of(matches)?;
    let (by, secret) = acts::who(matches)?;
    let act = RecipeChange {
        batch: word(matches, "batch"),
        file: path.display().to_string(),
        text,
        from: matches.get_one::<String>("from").cloned(),
        reason: word(matches, "reason"),
        by,
        secret,
        second: word(matches, "second"),
        second_secret: acts::secret(matches.get_one::<PathBuf>("second-password-file"))?,
    };
    let asked = Asked::to("recipe-change", &act);
    life::runtime()?.block_on(acts::done(&source, &asked))
}
