//! Acts on a gateway from the machine itself: through the running gateway, or, where none runs, on its ledger.

use super::{COULD_NOT, err, life, say};
use crate::{
    config::{self, Source},
    daemon::{
        acts::{
            Asked, Reply,
            apply::{Apply, acceptable},
        },
        opening::{self, Open, Outside, TakeOver},
        sealing::{FromSealer, Sealer, ToSealer},
    },
    flow::needs::Files,
    flow::people::{People, Person},
    flow::seal::PageMaker,
    ports::{control, files::SystemFiles, terminal::Hidden},
};
use clap::{Arg, ArgMatches};
use record::{Draft, Line, Trouble};
use std::{
    io::{BufRead, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};
use tokio::sync::mpsc;

/// The ledger a configuration names.
pub(super) fn ledger_of(source: &Source) -> Result<PathBuf, Trouble> {
    let named = source
        .text
        .parse::<toml::Table>()
        .ok()
        .and_then(|table| Some(PathBuf::from(table.get("gateway")?.get("ledger")?.as_str()?)));
    named.ok_or_else(|| {
        Trouble::new("no-such-ledger", "this configuration names no ledger")
            .at(&source.name)
            .means("nothing was read and nothing was changed")
            .so("write ledger = \"/var/lib/steelyard/…\" into [gateway]")
    })
}

/// Asks the running gateway; `None` when none runs.
pub(super) async fn ask(source: &Source, asked: &Asked) -> Result<Option<Reply>, Trouble> {
    let Some(answer) = control::ask(&ledger_of(source)?, &asked.line()).await? else {
        return Ok(None);
    };
    serde_json::from_str(&answer).map(Some).map_err(|_| {
        Trouble::new(
            "gateway-not-reached",
            "the running gateway gave no answer that can be read",
        )
        .means("whether it was done is not known here; the ledger says it")
        .so("look with `steelyard ledger show --last 5`")
    })
}

/// Has the running gateway do something, and says what came of it. There must be one: what the act needs is only
/// known to a gateway at work.
pub(super) async fn done(source: &Source, asked: &Asked) -> Result<ExitCode, Trouble> {
    match ask(source, asked).await? {
        Some(reply) if reply.done => {
            say(&reply.text);
            Ok(ExitCode::SUCCESS)
        }
        Some(reply) => {
            // The gateway has said it in four parts already.
            err(&reply.text);
            Ok(ExitCode::from(COULD_NOT))
        }
        None => Err(
            Trouble::new("gateway-not-running", "no gateway runs on this ledger")
                .at(ledger_of(source)?.display())
                .means("nothing was done and nothing was entered")
                .so("start it with `steelyard run`, then try again"),
        ),
    }
}

/// The words for who does something: `--by` and where the password comes from.
pub(super) fn who_args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("by")
                .long("by")
                .value_name("ID")
                .required(true)
                .help("Who: a person's id"),
        )
        .arg(password_file())
}

pub(super) fn password_file() -> Arg {
    Arg::new("password-file")
        .long("password-file")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .help("A file of mode 0600 with the password; without it, it is read from standard input")
}

/// Which configuration a command is about.
pub(super) fn config_arg() -> Arg {
    Arg::new("config")
        .long("config")
        .value_name("CONFIG")
        .default_value("/etc/steelyard/steelyard.toml")
        .value_parser(clap::value_parser!(PathBuf))
        .help("The gateway's configuration")
}

/// Id and password of who does something.
pub(super) fn who(matches: &ArgMatches) -> Result<(String, String), Trouble> {
    let by = matches.get_one::<String>("by").cloned().unwrap_or_default();
    Ok((by, secret(matches.get_one::<PathBuf>("password-file"))?))
}

/// From a file nobody else can read, or one line of standard input. Never from the command line, where others see it.
pub(super) fn secret(file: Option<&PathBuf>) -> Result<String, Trouble> {
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
        .means("nothing was done")
        .so("give it on standard input, or in a file with --password-file")
    })?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Enters another configuration while no gateway runs; says what is different.
pub(super) async fn apply_while_stopped(act: &Apply) -> Result<String, Trouble> {
    while_stopped(act.source(), |open| {
        let plant = acceptable(act, &open.plant)?;
        let changes = config::difference(&open.plant, &plant)
            .into_iter()
            .map(|change| change.says);
        let (now, changes) = (open.now, changes.collect::<Vec<_>>());
        opening::enter_configuration(
            open,
            "applied",
            &plant.files,
            &act.by,
            &act.reason,
            &changes.join("; "),
            now,
        );
        Ok(changes.join("\n"))
    })
    .await
}

/// Everybody a ledger knows that no gateway holds.
pub(super) fn people_of(open: &Open) -> People {
    let mut people = People::default();
    for kept in &open.kept {
        if let Ok(line) = Line::read(&kept.line) {
            people.recall(&line);
        }
    }
    people
}

/// Proves who acts on a ledger that no gateway holds, in one of these roles; a refused try is an entry.
pub(super) fn prove_in(
    open: &mut Open,
    people: &mut People,
    (by, secret): (&str, &str),
    roles: &[&str],
    what: &str,
) -> Result<Person, Trouble> {
    let now = open.now;
    let allowed = |person: &Person| person.roles.iter().any(|role| roles.contains(&role.as_str()));
    let proven = people.prove(by, secret, now).and_then(|person| {
        if allowed(&person) {
            Ok(person)
        } else {
            Err(Trouble::new(
                "not-allowed",
                format!(
                    "{} may not do this: it needs the role {}",
                    person.name,
                    roles.join(" or ")
                ),
            )
            .at(&person.id)
            .means("nothing was done; the try is an entry")
            .so("ask somebody who has the role"))
        }
    });
    if proven.is_err() {
        let draft = Draft::new("access", now)
            .with("state", "refused")
            .with("because", "refused");
        open.enter_own(draft.data("person", by).data("what", what));
    }
    proven
}

/// Opens the ledger while no gateway runs, lets `act` enter what it has to, and makes it durable.
pub(super) async fn while_stopped<T>(
    source: Source,
    act: impl FnOnce(&mut Open) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let outside = life::outside();
    let open = opening::open(source, false, &outside)
        .await
        .map_err(|refusals| life::not_started(&refusals))?;
    finished(open, &outside, act).await
}

/// Opens the copy of a ledger that ended elsewhere, for a gateway that goes on here with a new key and a new epoch.
pub(super) async fn taking_over<T>(
    source: Source,
    declared: TakeOver,
    act: impl FnOnce(&mut Open) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let outside = life::outside();
    let open = opening::take_over(source, &declared, &outside)
        .await
        .map_err(|refusals| life::not_started(&refusals))?;
    finished(open, &outside, act).await
}

/// Lets `act` enter what it has to, and makes it durable.
async fn finished<T>(
    mut open: Open,
    outside: &Outside,
    act: impl FnOnce(&mut Open) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let done = act(&mut open)?;
    let now = outside.clock.now();
    open.stop(now);
    let lines = open.recorder.take();
    let maker = PageMaker::new(
        open.identity.clone(),
        open.signer.clone(),
        open.head,
        open.plant.gateway.seal_within,
        open.plant.gateway.page_bytes,
    );
    let (input, from_here) = std::sync::mpsc::sync_channel(lines.len() + 1);
    let (output, mut sealed) = mpsc::unbounded_channel();
    for line in lines {
        // holds because the channel has room for all of them
        let _ = input.try_send(ToSealer::Line(line));
    }
    // holds because the channel has room for it
    let _ = input.try_send(ToSealer::Stop);
    let sealer = Sealer {
        maker,
        writer: open.writer,
        high_water: open.high_water,
        clock: outside.clock.clone(),
        input: from_here,
        output,
    };
    sealer
        .start()
        .map_err(|error| Trouble::new("no-thread", format!("the sealer's thread cannot start: {error}")))?;
    while let Some(word) = sealed.recv().await {
        match word {
            FromSealer::Captured(..) => {}
            FromSealer::Ended => return Ok(done),
            FromSealer::Failed(trouble) => return Err(trouble),
        }
    }
    Err(Trouble::new(
        "sealer-gone",
        "the sealer ended before everything was captured",
    ))
}
