//! `steelyard user add|list`: people, made on the machine itself. There is no default and no shared account.

use crate::{
    cli::{COULD_NOT, Command, acts, err, life, say},
    daemon::requests::Request,
    flow::{
        needs::{Files, Random},
        people::{NewPerson, People, ROLES},
    },
    ports::{
        files::{SystemFiles, configuration},
        random::SystemRandom,
        terminal::Hidden,
    },
};
use clap::{Arg, ArgAction, ArgMatches};
use record::{Line, Trouble, b64};
use std::{
    io::{BufRead, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

pub(crate) const COMMAND: Command = Command {
    name: "user",
    about: "Adds people and lists them",
    args,
    run,
    order: 60,
};

fn args(command: clap::Command) -> clap::Command {
    let config = || {
        Arg::new("config")
            .long("config")
            .value_name("CONFIG")
            .default_value("/etc/steelyard/steelyard.toml")
            .value_parser(clap::value_parser!(PathBuf))
            .help("The gateway's configuration")
    };
    let word =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("TEXT").help(help);
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("add")
                .about("Adds a person, or gives one another name, role or password")
                .arg(Arg::new("id").value_name("ID").required(true).help("The plant-wide id, such as p-17"))
                .arg(word("name", "Full name, as it is printed beside a signature").required(true))
                .arg(
                    Arg::new("role")
                        .long("role")
                        .value_name("ROLE")
                        .required(true)
                        .action(ArgAction::Append)
                        .value_parser(clap::builder::PossibleValuesParser::new(ROLES.iter().copied()))
                        .help("What the person may do; may be given more than once"),
                )
                .arg(
                    Arg::new("password-file")
                        .long("password-file")
                        .value_name("FILE")
                        .value_parser(clap::value_parser!(PathBuf))
                        .help("A file of mode 0600 with the password; without it, it is read from standard input"),
                )
                .arg(word("by", "Who does it: a person's id").default_value("machine"))
                .arg(word("reason", "Why").default_value("added on the machine"))
                .arg(config()),
        )
        .subcommand(clap::Command::new("list").about("Everybody this gateway knows, from its ledger").arg(config()))
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let Some((name, matches)) = matches.subcommand() else {
        return Ok(ExitCode::from(2));
    };
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    if name == "list" {
        list(&source)
    } else {
        add(source, matches)
    }
}

fn add(source: crate::config::Source, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let roles: Vec<String> = matches
        .get_many::<String>("role")
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    let secret = secret(matches.get_one::<PathBuf>("password-file"))?;
    let mut salt = [0; 16];
    SystemRandom.fill(&mut salt)?;
    let person = NewPerson {
        id: text("id"),
        name: text("name"),
        roles,
        secret,
        by: text("by"),
        reason: text("reason"),
        salt,
    };
    // Whatever is wrong is said before anything is asked of a gateway.
    People::default().add(&person, record::Stamp(0))?;
    let request = Request::AddUser {
        id: person.id.clone(),
        name: person.name.clone(),
        roles: person.roles.clone(),
        secret: person.secret.clone(),
        by: person.by.clone(),
        reason: person.reason.clone(),
        salt: b64::encode(&salt),
    };
    life::runtime()?.block_on(async {
        match acts::ask(&source, &request).await? {
            Some(reply) if reply.done => say(&reply.text),
            Some(reply) => {
                // The gateway has said it in four parts already.
                err(&reply.text);
                return Ok(ExitCode::from(COULD_NOT));
            }
            None => {
                acts::while_stopped(source, |open| {
                    let mut people = People::default();
                    for kept in &open.kept {
                        if let Ok(line) = Line::read(&kept.line) {
                            people.recall(&line);
                        }
                    }
                    let now = open.now;
                    for draft in people.add(&person, now)? {
                        open.enter_own(draft);
                    }
                    Ok(())
                })
                .await?;
                say(&format!("{} is entered", person.id));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn list(source: &crate::config::Source) -> Result<ExitCode, Trouble> {
    let disk = crate::ports::disk::Directory::look(&acts::ledger_of(source)?)?;
    let mut people = People::default();
    crate::evidence::Folder::open(&disk)?
        .each_page(|page| page.entries().for_each(|line| people.recall(&line)))?;
    for person in people.iter() {
        say(&format!(
            "{:<12} {:<30} {}",
            person.id,
            person.name,
            person.roles.join(", ")
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// From a file nobody else can read, or one line of standard input. Never from the command line, where others see it.
fn secret(file: Option<&PathBuf>) -> Result<String, Trouble> {
    if let Some(file) = file {
        let bytes = SystemFiles.read_secret(file)?;
        return Ok(String::from_utf8_lossy(&bytes)
            .trim_end_matches(['\r', '\n'])
            .to_owned());
    }
    let input = std::io::stdin();
    let hidden = input.is_terminal().then(Hidden::begin);
    if hidden.is_some() {
        let mut error = std::io::stderr().lock();
        // holds because a prompt that cannot be shown is no reason not to read
        let _ = write!(error, "Password: ");
        let _ = error.flush();
    }
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    drop(hidden);
    read.map_err(|error| {
        Trouble::new(
            "password-unusable",
            format!("the password cannot be read: {error}"),
        )
        .means("nobody was added")
        .so("give it on standard input, or in a file with --password-file")
    })?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
