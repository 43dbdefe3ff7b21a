//! `steelyard user add|list`: people, made on the machine itself. There is no default and no shared account.

use crate::{
    cli::{COULD_NOT, Command, acts, err, life, say},
    daemon::acts::{Asked, add_user::AddUser},
    flow::{
        needs::Random,
        people::{NewPerson, People, ROLES},
    },
    ports::{
        files::{SystemFiles, configuration},
        random::SystemRandom,
    },
};
use clap::{Arg, ArgAction, ArgMatches};
use record::{Line, Trouble};
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "user",
    about: "Adds people and lists them",
    args,
    run,
    order: 60,
};

fn args(command: clap::Command) -> clap::Command {
    let word =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("TEXT").help(help);
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("add")
                .about("Adds a person, or gives one another name, role or password")
                .arg(
                    Arg::new("id")
                        .value_name("ID")
                        .required(true)
                        .help("The plant-wide id, such as p-17"),
                )
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
                .arg(acts::password_file())
                .arg(word("by", "Who does it: a person's id").default_value("machine"))
                .arg(word("reason", "Why").default_value("added on the machine"))
                .arg(acts::config_arg()),
        )
        .subcommand(
            clap::Command::new("list")
                .about("Everybody this gateway knows, from its ledger")
                .arg(acts::config_arg()),
        )
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
    let secret = acts::secret(matches.get_one::<PathBuf>("password-file"))?;
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
    let request = Asked::to("add-user", &AddUser::from(&person));
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
