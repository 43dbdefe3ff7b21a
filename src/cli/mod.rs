//! The command line: one file per command in `commands/`, found by listing.
//!
//! Exit codes: 0 all is well; 1 what was looked at is not as it should be; 2 the words were not
//! understood; 3 it could not be done.

mod acts;
mod backup;
mod bench;
mod bus;
mod deliver;
#[cfg(feature = "embedded-broker")]
mod demo;
#[cfg(feature = "embedded-broker")]
mod drill;
mod find;
mod life;
mod owner;
#[cfg(feature = "opcua-simulator")]
mod playing_nodes;
mod register_map;
mod screens;
mod trying;
mod watch;

use clap::ArgMatches;
use record::Trouble;
use std::{ffi::OsString, io::Write, process::ExitCode};

mod commands {
    use super::Command;
    include!(concat!(env!("OUT_DIR"), "/commands.rs"));
}

/// What was looked at is not as it should be.
pub const NOT_RIGHT: u8 = 1;
/// It could not be done.
pub const COULD_NOT: u8 = 3;

/// One command: its word, its line of help, its arguments, and what it does.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) args: fn(clap::Command) -> clap::Command,
    pub(crate) run: fn(&ArgMatches) -> Result<ExitCode, Trouble>,
    /// Its place in `--help`, in the order a newcomer needs them.
    pub(crate) order: usize,
}

/// Runs one command line.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match program().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(problem) => {
            // holds because clap's own print decides between the two outputs; a closed pipe is no trouble
            let _ = problem.print();
            return ExitCode::from(if problem.use_stderr() { 2 } else { 0 });
        }
    };
    let Some((name, matches)) = matches.subcommand() else {
        return ExitCode::from(2);
    };
    let Some(command) = commands::ALL.iter().find(|command| command.name == name) else {
        return ExitCode::from(2);
    };
    match (command.run)(matches) {
        Ok(code) => code,
        Err(trouble) => {
            err(&trouble.to_string());
            ExitCode::from(COULD_NOT)
        }
    }
}

/// The whole command line, for parsing, help and completions.
pub fn program() -> clap::Command {
    let mut program = clap::Command::new("steelyard")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Captures process values beside a production line, binds them to the batch step,\nseals them, and delivers them until receipted.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true);
    for command in commands::ALL {
        let sub = clap::Command::new(command.name)
            .about(command.about)
            .display_order(command.order);
        program = program.subcommand((command.args)(sub));
    }
    program
}

/// A line for the person who asked. A closed pipe is no trouble: whoever read has enough.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// A line beside the answer: progress, a warning, a trouble.
pub(crate) fn err(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
