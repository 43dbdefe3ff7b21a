//! `steelyard explain`: any message, in words. The words are those of `docs/reference/messages.md`.

use crate::{
    cli::{Command, say},
    config,
};
use clap::{Arg, ArgMatches};
use record::Trouble;
use std::process::ExitCode;

pub(crate) const COMMAND: Command = Command {
    name: "explain",
    about: "Explains a message by the name it shows in brackets",
    args,
    run,
    order: 90,
};

/// Every message with its explanation, one section each.
const MESSAGES: &str = include_str!("../../../docs/reference/messages.md");

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .help("As in error[warning-outside-limits]; without it, every name is listed"),
        )
        .after_help("Exit code: 0 it is explained, 3 there is no message of this name.")
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let Some(name) = matches.get_one::<String>("name") else {
        sections().for_each(|(name, words)| say(&format!("{name:<28} {}", first_sentence(words))));
        return Ok(ExitCode::SUCCESS);
    };
    // people paste what they see: `error[name]`, `[name]` or the bare name
    let name = name
        .rsplit('[')
        .next()
        .unwrap_or(name)
        .trim_end_matches([']', ':'])
        .trim();
    let Some((name, words)) = sections().find(|(known, _)| *known == name) else {
        return Err(unknown(name));
    };
    say(&format!("{name}\n\n{}", words.trim()));
    Ok(ExitCode::SUCCESS)
}

/// Name and words of each message, in the order of the page.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    MESSAGES.split("\n### ").skip(1).filter_map(|section| {
        let (name, words) = section.split_once('\n')?;
        // a heading of the next chapter ends the words of this one
        Some((name.trim(), words.split("\n## ").next().unwrap_or(words).trim()))
    })
}

fn first_sentence(words: &str) -> String {
    let line = words.lines().next().unwrap_or("");
    line.split_once(". ")
        .map_or(line, |(sentence, _)| sentence)
        .trim_end_matches('.')
        .to_owned()
}

fn unknown(name: &str) -> Trouble {
    let meant = config::nearest(name, sections().map(|(name, _)| name));
    let meant = meant.map_or_else(String::new, |meant| format!("did you mean {meant}?  "));
    Trouble::new("no-such-message", format!("there is no message named {name:?}"))
        .means("nothing was looked at and nothing was changed")
        .so(format!("{meant}steelyard explain lists every name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_explained_in_at_least_a_sentence() {
        let mut names = Vec::new();
        for (name, words) in sections() {
            assert!(
                words.len() > 40 && words.trim_end().ends_with(['.', '`', '"']),
                "{name}: {words:?}"
            );
            names.push(name);
        }
        assert!(names.len() > 60, "the page is there");
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), names.len(), "no name stands twice");
    }

    #[test]
    fn a_name_that_is_almost_right_is_answered_with_the_right_one() {
        assert!(
            unknown("warning-outside-limit")
                .action
                .starts_with("did you mean warning-outside-limits?")
        );
    }
}
