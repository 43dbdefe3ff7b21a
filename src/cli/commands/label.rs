//! `steelyard label`: a test label, for setting up a printer and a scanner before anything is weighed.

use crate::{
    cli::{Command, life, say},
    flow::{
        gs1::{Element, Elements},
        label::{Label, picture, zpl},
    },
    ports::printer,
};
use clap::{Arg, ArgMatches};
use record::Trouble;
use std::{io::Write, process::ExitCode};

pub(crate) const COMMAND: Command = Command {
    name: "label",
    about: "Writes or prints a test label, to set up a printer and a scanner",
    args,
    run,
    order: 75,
};

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("printer")
                .long("printer")
                .value_name("HOST:PORT")
                .help("Send it to this printer's raw socket, as a station would"),
        )
        .arg(
            Arg::new("as")
                .long("as")
                .value_parser(["zpl", "png", "pdf"])
                .default_value("zpl")
                .help("Without a printer, write it to standard output in this form"),
        )
        .after_help(
            "The label says that it is no label of a material.\n\
             Exit code: 0 written or taken by the printer, 1 it was not.",
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let label = test_label();
    if let Some(address) = matches.get_one::<String>("printer") {
        let sent = life::runtime()?.block_on(printer::print(address, zpl::write(&label).as_bytes()));
        sent.map_err(|error| {
            Trouble::new("label-not-printed", format!("the label was not printed: {error}"))
                .at(address)
                .means("nothing of the record is touched; a station would say “No label” and go on")
                .so("is it switched on, has it paper, is this its raw socket (mostly port 9100)?")
        })?;
        say(&format!("printed; scan it, it says {}", label.code.written()));
        return Ok(ExitCode::SUCCESS);
    }
    let bytes = match matches.get_one::<String>("as").map(String::as_str) {
        Some("png") => picture::draw(&label).png().unwrap_or_default(),
        Some("pdf") => picture::draw(&label).pdf(),
        _ => zpl::write(&label).into_bytes(),
    };
    std::io::stdout().write_all(&bytes).map_err(|error| {
        Trouble::new(
            "label-not-printed",
            format!("the label could not be written: {error}"),
        )
        .means("nothing of the record is touched")
        .so("write it to a file: steelyard label --as png > label.png")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn test_label() -> Label {
    let element = |ai: &str, value: &str| Element {
        ai: ai.to_owned(),
        value: value.to_owned(),
    };
    Label {
        usage: "test".to_owned(),
        material: "RM-0000".to_owned(),
        title: "Test label".to_owned(),
        batch: "B-TEST".to_owned(),
        lot: "L-YZ_1".to_owned(),
        container: "P-0000".to_owned(),
        net: "1.234 kg".to_owned(),
        number: 1,
        code: Elements(vec![
            element("240", "RM-0000"),
            element("10", "L-YZ_1"),
            element("21", "TEST-1"),
            element("3103", "001234"),
            element("91", "ORDER-1"),
            element("92", "10"),
            element("99", "TEST"),
        ]),
        ..Label::default()
    }
}
