//! `steelyard user add|revoke|unlock|role|badge|password|list`: people, made on the machine itself. There is no default and no shared account.

use crate::{
    cli::{COULD_NOT, Command, acts, err, life, say},
    daemon::acts::{
        Asked, add_user::AddUser, user_badge::UserBadge, user_password::UserPassword,
        user_revoke::UserRevoke, user_role::UserRole, user_unlock::UserUnlock,
    },
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
use record::Trouble;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "user",
    about: "Adds people, lists them, and changes what they may do",
    args,
    run,
    order: 60,
};

fn id() -> Arg {
    Arg::new("id")
        .value_name("ID")
        .required(true)
        .help("The plant-wide id, such as p-17")
}

fn role() -> Arg {
    Arg::new("role")
        .long("role")
        .value_name("ROLE")
        .required(true)
        .action(ArgAction::Append)
        .value_parser(clap::builder::PossibleValuesParser::new(ROLES.iter().copied()))
        .help("What the person may do; may be given more than once")
}

fn file(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help(help)
}

fn args(command: clap::Command) -> clap::Command {
    let word =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("TEXT").help(help);
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("add")
                .about("Adds a person, or gives one another name, role or password")
                .arg(id())
                .arg(word("name", "Full name, as it is printed beside a signature").required(true))
                .arg(role())
                .arg(acts::password_file())
                .arg(
                    Arg::new("must-change")
                        .long("must-change")
                        .action(ArgAction::SetTrue)
                        .help("Whoever types the password is not the person: it opens one session, in which it is changed, and signs nothing"),
                )
                .arg(word("by", "Who does it: a person's id").default_value("machine"))
                .arg(word("reason", "Why").default_value("added on the machine"))
                .arg(acts::config_arg()),
        )
        .subcommand(acts::who_args(
            clap::Command::new("revoke")
                .about("Takes the account from somebody who left or must not act any more")
                .arg(id())
                .arg(word("reason", "Why").required(true))
                .arg(acts::config_arg()),
        ))
        .subcommand(acts::who_args(
            clap::Command::new("unlock")
                .about("Ends the lock of an account after wrong tries; the gateway must run")
                .arg(id())
                .arg(word("reason", "Why").required(true))
                .arg(acts::config_arg()),
        ))
        .subcommand(acts::who_args(
            clap::Command::new("role")
                .about("Gives somebody other roles; name and password stay")
                .arg(id())
                .arg(role())
                .arg(word("reason", "Why").required(true))
                .arg(acts::config_arg()),
        ))
        .subcommand(acts::who_args(
            clap::Command::new("badge")
                .about("Gives somebody a badge with a PIN for enrolled panels, or takes every badge away; the gateway must run")
                .arg(id())
                .arg(
                    Arg::new("withdraw")
                        .long("withdraw")
                        .action(ArgAction::SetTrue)
                        .conflicts_with_all(["code-file", "pin-file"])
                        .help("Take every badge away: lost, or found by another"),
                )
                .arg(file("code-file", "A file with what a scanner reads off the badge").required_unless_present("withdraw"))
                .arg(file("pin-file", "A file of mode 0600 with the PIN, 6 to 12 digits").required_unless_present("withdraw"))
                .arg(
                    Arg::new("until")
                        .long("until")
                        .value_name("TIME")
                        .help("A temporary badge: until when, such as 2026-11-20T22:00:00.000Z, at most 24 hours from now"),
                )
                .arg(word("reason", "Why").required(true))
                .arg(acts::config_arg()),
        ))
        .subcommand(acts::who_args(
            clap::Command::new("password")
                .about("Another password: one's own, or somebody's, who then has to change it; the gateway must run")
                .arg(id())
                .arg(file("new-password-file", "A file of mode 0600 with the new password").required(true))
                .arg(acts::config_arg()),
        ))
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
    match name {
        "list" => list(&source),
        "add" => add(source, matches),
        "badge" => badge(&source, matches),
        "password" => password(&source, matches),
        _ => change(source, name, matches),
    }
}

/// Changes an account in the name of a proven supervisor, on the running gateway or on the ledger it left.
fn change(source: crate::config::Source, name: &str, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
    let roles = matches.try_get_many::<String>("role").ok().flatten();
    let roles: Vec<String> = roles.into_iter().flatten().cloned().collect();
    let (id, reason) = (text("id"), text("reason"));
    let (by, secret) = acts::who(matches)?;
    let asked = match name {
        "revoke" => {
            let (id, reason, by, secret) = (id.clone(), reason.clone(), by.clone(), secret.clone());
            Asked::to(
                "user-revoke",
                &UserRevoke {
                    id,
                    reason,
                    by,
                    secret,
                },
            )
        }
        "unlock" => {
            let (id, reason, by, secret) = (id.clone(), reason.clone(), by.clone(), secret.clone());
            Asked::to(
                "user-unlock",
                &UserUnlock {
                    id,
                    reason,
                    by,
                    secret,
                },
            )
        }
        _ => {
            let (id, reason, by, secret) = (id.clone(), reason.clone(), by.clone(), secret.clone());
            let roles = roles.clone();
            Asked::to(
                "user-role",
                &UserRole {
                    id,
                    roles,
                    reason,
                    by,
                    secret,
                },
            )
        }
    };
    life::runtime()?.block_on(async {
        let Some(reply) = acts::ask(&source, &asked).await? else {
            if name == "unlock" {
                // A lock lasts a quarter of an hour and does not outlive the gateway.
                return acts::done(&source, &asked).await;
            }
            let says = acts::while_stopped(source, |open| {
                let now = open.now;
                let mut people = acts::people_of(open);
                if let Err(trouble) = acts::prove_in(open, &mut people, (&by, &secret), &["supervisor"], name)
                {
                    // The refused try is an entry, so the act ends in order.
                    return Ok(Err(trouble));
                }
                let drafts = match name {
                    "revoke" => people.revoke(&id, &by, &reason, now)?,
                    _ => people.set_roles(&id, &roles, &by, &reason, now)?,
                };
                for draft in drafts {
                    open.enter_own(draft);
                }
                Ok(Ok(format!("{id}: entered")))
            })
            .await?;
            say(&says?);
            return Ok(ExitCode::SUCCESS);
        };
        if reply.done {
            say(&reply.text);
            return Ok(ExitCode::SUCCESS);
        }
        err(&reply.text);
        Ok(ExitCode::from(COULD_NOT))
    })
}

fn salt() -> Result<String, Trouble> {
    let mut salt = [0; 16];
    SystemRandom.fill(&mut salt)?;
    Ok(record::b64::encode(&salt))
}

fn badge(source: &crate::config::Source, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let secret_of = |name: &str| acts::secret(matches.get_one::<PathBuf>(name));
    let withdraw = matches.get_flag("withdraw");
    let (by, secret) = acts::who(matches)?;
    let what = UserBadge {
        id: text("id").unwrap_or_default(),
        code: if withdraw {
            None
        } else {
            Some(secret_of("code-file")?)
        },
        new_pin: if withdraw {
            String::new()
        } else {
            secret_of("pin-file")?
        },
        until: text("until"),
        reason: text("reason").unwrap_or_default(),
        salt: salt()?,
        by,
        secret,
    };
    life::runtime()?.block_on(acts::done(source, &Asked::to("user-badge", &what)))
}

fn password(source: &crate::config::Source, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let new = acts::secret(matches.get_one::<PathBuf>("new-password-file"))?;
    let (by, secret) = acts::who(matches)?;
    let what = UserPassword {
        id: matches.get_one::<String>("id").cloned().unwrap_or_default(),
        new,
        salt: salt()?,
        by,
        secret,
    };
    life::runtime()?.block_on(acts::done(source, &Asked::to("user-password", &what)))
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
        initial: matches.get_flag("must-change"),
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
                    let mut people = acts::people_of(open);
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
