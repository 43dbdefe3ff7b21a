//! `steelyard context UNIT …`: a person says what happens in a unit, where that is a person's to say.

use crate::{
    cli::{Command, acts, life},
    daemon::acts::{Asked, context::Context},
    flow::context::compose::What,
    ports::files::{SystemFiles, configuration},
};
use clap::{Arg, ArgMatches, builder::PossibleValuesParser};
use record::Trouble;
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "context",
    about: "Says what happens in a unit: where persons tell it, or while its source is away",
    args,
    run,
    order: 55,
};

fn args(command: clap::Command) -> clap::Command {
    let text =
        |name: &'static str, help: &'static str| Arg::new(name).long(name).value_name("TEXT").help(help);
    let words: Vec<&'static str> = What::ALL.iter().map(|(word, _)| *word).collect();
    let command = command
        .arg(
            Arg::new("unit")
                .value_name("UNIT")
                .required(true)
                .help("The unit, such as MX-3"),
        )
        .arg(
            Arg::new("what")
                .value_name("WHAT")
                .required(true)
                .value_parser(PossibleValuesParser::new(words))
                .help("What happens"),
        )
        .arg(
            Arg::new("of")
                .value_name("OF")
                .required(true)
                .value_parser(PossibleValuesParser::new(["batch", "step"]))
                .help("To the batch or to a step of it"),
        )
        .arg(
            Arg::new("id")
                .value_name("ID")
                .help("Id of the batch or of the step; without it, the batch in the unit"),
        )
        .arg(text("reason", "Why a person says it").required(true))
        .arg(text(
            "at",
            "When it took place, with its offset; now where it is not said",
        ))
        .arg(text("title", "The step as people call it"))
        .arg(text("product", "What the batch makes"))
        .arg(text("recipe", "Its recipe"))
        .arg(text("revision", "Its recipe's revision"))
        .arg(text("size", "Its size: \"60.0 kg\""))
        .arg(acts::config_arg());
    acts::who_args(command).after_help(
        "  steelyard context MX-3 start batch B-2611-042 --recipe hand-cream --revision 7 --by p-17 --reason \"MES is down\"\n\
         \u{20} steelyard context MX-3 start step emulsify --by p-17 --reason \"MES is down\"\n\
         \u{20} steelyard context MX-3 complete step emulsify --by p-17 --reason \"MES is down\"\n\n\
         Every word is an entry with who and why. When the source is back, its history holds.\n\
         Exit code: 0 it is entered, 1 it is not, and why.",
    )
}

/// The act, with who does it.
#[derive(Serialize)]
struct Request {
    #[serde(flatten)]
    said: Context,
    by: String,
    secret: String,
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = matches.get_one::<PathBuf>("config").cloned().unwrap_or_default();
    let source = configuration(&SystemFiles, &path)?;
    let said = said(matches);
    let (by, secret) = acts::who(matches)?;
    let request = Asked::to("context", &Request { said, by, secret });
    life::runtime()?.block_on(acts::done(&source, &request))
}

fn said(matches: &ArgMatches) -> Context {
    let word = |name: &str| matches.get_one::<String>(name).cloned();
    let text = |name: &str| word(name).unwrap_or_default();
    let step = text("of") == "step";
    Context {
        unit: text("unit"),
        what: text("what"),
        step: step.then(|| text("id")),
        batch: word("id").filter(|_| !step),
        title: text("title"),
        product: text("product"),
        recipe: text("recipe"),
        revision: text("revision"),
        size: text("size"),
        at: word("at"),
        reason: text("reason"),
    }
}
