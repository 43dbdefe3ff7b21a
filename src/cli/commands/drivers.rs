//! `steelyard drivers`: which instruments are understood, how each is, and where to begin with another.

use crate::{
    cli::{
        Command,
        register_map::{self, About, Wrong},
        say,
    },
    config,
    flow::needs::Files,
    ports::files::SystemFiles,
};
use clap::{Arg, ArgAction, ArgMatches};
use driver::{Driver, Speaks};
use record::Trouble;
use serde_json::json;
use std::{
    io::{BufRead, IsTerminal},
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(crate) const COMMAND: Command = Command {
    name: "drivers",
    about: "Lists the instruments that are understood, shows one, or begins a new one",
    args,
    run,
    order: 70,
};

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(Arg::new("name").value_name("NAME").help("Shows this driver, word for word; `new` begins one, `schema` is for editors"))
        .arg(
            Arg::new("speaks")
                .long("speaks")
                .value_name("HOW")
                .value_parser(["text", "modbus", "opc-ua"])
                .default_value("modbus")
                .help("With `new`: how the instrument speaks"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("One object per driver on a line of its own"))
        .arg(
            Arg::new("registers")
                .long("registers")
                .value_name("CSV")
                .value_parser(clap::value_parser!(PathBuf))
                .help("With `new`: a register map from a spreadsheet"),
        )
        .arg(word("title", "TEXT", "With `new`: as on the type plate, without the maker's name"))
        .arg(word("maker", "TEXT", "With `new`: the maker"))
        .arg(word("manual", "TEXT", "With `new`: which manual, which page"))
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("With `new`: writes there; the driver gets the file's name. What is there already is compared first"),
        )
        .arg(Arg::new("yes").long("yes").action(ArgAction::SetTrue).help("With `new --out`: replaces what is there without asking"))
        .after_help(format!(
            "steelyard drivers new --speaks text --out drivers/new-scale.toml\n\
             steelyard drivers new --registers map.csv --out drivers/new-skid.toml\n\
             steelyard try drivers/new-scale.toml\n\n\
             Columns of a register map, named in its first line, in any order, with , ; or tabs between:\n{}",
            register_map::COLUMNS
        ))
}

fn word(name: &'static str, shown: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(shown).help(help)
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    match matches.get_one::<String>("name").map(String::as_str) {
        None => {
            for driver in all() {
                say(&if matches.get_flag("json") {
                    as_json(&driver).to_string()
                } else {
                    in_words(&driver)
                });
            }
        }
        Some("schema") => say(driver::schema().trim_end()),
        Some("new") => {
            return begin(matches);
        }
        Some(name) => {
            let driver = find(name)?;
            say(if matches.get_flag("json") {
                as_json(&driver).to_string()
            } else {
                driver.text().to_owned()
            }
            .trim_end());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A new driver: from a register map, or from a template; onto standard output, or into a file.
fn begin(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let out = matches.get_one::<PathBuf>("out");
    let named = out.and_then(|out| out.file_stem()).and_then(|name| name.to_str());
    let name = named.unwrap_or("new-instrument").to_owned();
    let given = |key: &str| matches.get_one::<String>(key).cloned();
    let text = if let Some(map) = matches.get_one::<PathBuf>("registers") {
        let about = About {
            title: given("title").unwrap_or_else(|| "As on the type plate, without the maker's name".into()),
            maker: given("maker").unwrap_or_else(|| "The maker".into()),
            manual: given("manual").unwrap_or_else(|| "Title and page of the register list".into()),
            name,
        };
        from_map(map, &about)?
    } else {
        let template = match matches.get_one::<String>("speaks").map(String::as_str) {
            Some("modbus") => NEW_MODBUS,
            Some("opc-ua") => NEW_OPC_UA,
            _ => NEW_TEXT,
        };
        let mut text = template.replace("new-instrument", &name);
        for (key, template) in [
            ("title", "As on the type plate, without the maker's name"),
            ("maker", "The maker"),
        ] {
            if let Some(words) = given(key) {
                text = text.replacen(&format!("{template:?}"), &format!("{words:?}"), 1);
            }
        }
        text
    };
    let Some(out) = out else {
        say(text.trim_end());
        return Ok(ExitCode::SUCCESS);
    };
    put(out, &text, matches.get_flag("yes"))
}

fn from_map(map: &Path, about: &About) -> Result<String, Trouble> {
    let cannot = |why: String| {
        Trouble::new(
            "map-not-usable",
            format!("the register map cannot be read: {why}"),
        )
        .at(map.display())
        .means("nothing was written")
        .so("save it as CSV in UTF-8; steelyard drivers --help says what its columns mean")
    };
    let bytes = SystemFiles
        .read(map)
        .map_err(|problem| cannot(problem.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| cannot("it is not text in UTF-8".into()))?;
    let rows = register_map::read(&text).map_err(|wrong| {
        for Wrong { line, what } in &wrong {
            say(&format!("{}:{line}: {what}", map.display()));
        }
        let many = if wrong.len() == 1 {
            "one line is".to_owned()
        } else {
            format!("{} lines are", wrong.len())
        };
        cannot(format!("{many} wrong, see above"))
    })?;
    register_map::driver_file(&rows, about)
}

/// Writes a file; one that is there is compared first, and replaced only when somebody agrees.
fn put(out: &Path, text: &str, agreed: bool) -> Result<ExitCode, Trouble> {
    if let Ok(old) = SystemFiles.read(out) {
        let old = String::from_utf8_lossy(&old).into_owned();
        let difference = register_map::difference(&old, text);
        if difference.is_empty() {
            say(&format!(
                "{} is as it would be written; nothing was changed",
                out.display()
            ));
            return Ok(ExitCode::SUCCESS);
        }
        say(&format!("{} is there already; this would change:", out.display()));
        say(&difference.join("\n"));
        if !agreed && !agrees() {
            return Err(Trouble::new(
                "file-there",
                "the file is there already, and nobody agreed to replace it",
            )
            .at(out.display())
            .means("it is unchanged")
            .so("say --yes to replace it, raise its edition, or name another file"));
        }
    }
    SystemFiles.write(out, text.as_bytes()).map_err(|problem| {
        Trouble::new(
            "file-not-written",
            format!("the driver cannot be written: {problem}"),
        )
        .at(out.display())
        .means("nothing was changed")
        .so("name a file in a folder that is there and may be written")
    })?;
    say(&format!(
        "{0} is written; steelyard try {0}   says what is still wrong",
        out.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn agrees() -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    crate::ports::terminal::show("Replace it? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

fn in_words(driver: &Driver) -> String {
    let mut points: Vec<String> = driver.points().into_iter().map(|point| point.measure).collect();
    let more = points.len().saturating_sub(MOST_NAMED);
    points.truncate(MOST_NAMED);
    if more > 0 {
        points.push(format!("{more} more"));
    }
    format!(
        "{:20}  edition {}  {:10}  {}: {}: {}",
        driver.name,
        driver.edition,
        driver.evidence.word(),
        driver.maker,
        driver.title,
        points.join(", ")
    )
}

/// Measures named in the list; the driver itself names all.
const MOST_NAMED: usize = 4;

/// Drivers this word may have meant: part of a name, of a maker or of what is on the type plate.
fn meant<'d>(word: &str, all: &'d [Driver]) -> Vec<&'d str> {
    let word = word.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&word);
    all.iter()
        .filter(|driver| has(&driver.name) || has(&driver.maker) || has(&driver.title))
        .map(|driver| driver.name.as_str())
        .collect()
}

fn as_json(driver: &Driver) -> serde_json::Value {
    json!({
        "driver": driver.name,
        "edition": driver.edition,
        "evidence": driver.evidence.word(),
        "title": driver.title,
        "maker": driver.maker,
        "speaks": match &driver.speaks { Speaks::Modbus(_) => "modbus", Speaks::Nodes(_) => "opc-ua", _ => "text" },
        "points": driver.points().iter().map(|point| json!({
            "measure": point.measure,
            "units": point.units.iter().map(|unit| unit.shown()).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "samples": driver.samples.len(),
        "source": driver.manual,
        "caveats": driver.caveats.iter().map(|caveat| json!({
            "says": caveat.says,
            "so": caveat.so,
            "seen": caveat.seen,
        })).collect::<Vec<_>>(),
    })
}

/// Every driver that came with the program.
pub(super) fn all() -> Vec<Driver> {
    let read = |(file, text): &(&str, &str)| Driver::parse(text, &format!("drivers/{file}")).ok();
    driver::builtin().iter().filter_map(read).collect()
}

/// A driver by its file, or by its name: in `drivers/` here, else of those that came with the program.
pub(super) fn find(name: &str) -> Result<Driver, Trouble> {
    let path = PathBuf::from(name);
    if name.ends_with(".toml") || name.contains('/') {
        return read(&path);
    }
    let here = Path::new("drivers").join(format!("{name}.toml"));
    if SystemFiles.read(&here).is_ok() {
        return read(&here);
    }
    let all = all();
    let names: Vec<&str> = all.iter().map(|driver| driver.name.as_str()).collect();
    let near = config::nearest(name, names.iter().copied());
    let offer = match (meant(name, &all), near) {
        (meant, _) if !meant.is_empty() => format!("did you mean {}?", meant.join(", ")),
        (_, Some(near)) => format!("did you mean {near}?"),
        _ => format!("there are {}", names.join(", ")),
    };
    let known = all.iter().find(|driver| driver.name == name).cloned();
    known.ok_or_else(|| {
        Trouble::new("no-such-driver", format!("there is no driver named {name:?}"))
            .at("drivers/, and the drivers of this program")
            .means("nothing was asked and nothing was changed")
            .so(offer)
    })
}

/// Reads one file; what is wrong with it is shown all at once.
pub(super) fn read(path: &Path) -> Result<Driver, Trouble> {
    let shown = path.display().to_string();
    let unreadable = |why: String| {
        Trouble::new("no-driver-file", format!("this driver cannot be read: {why}"))
            .at(&shown)
            .means("nothing was asked and nothing was changed")
            .so("name a file in drivers/, or a driver from `steelyard drivers`")
    };
    let bytes = SystemFiles
        .read(path)
        .map_err(|problem| unreadable(problem.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not text in UTF-8".into()))?;
    Driver::parse(&text, &shown).map_err(|complaints| {
        let all: Vec<String> = complaints
            .iter()
            .map(|complaint| config::render(complaint, Some(&text)))
            .collect();
        say(all.join("\n").trim_end());
        let many = if complaints.len() == 1 {
            "one thing is".into()
        } else {
            format!("{} things are", complaints.len())
        };
        Trouble::new("driver-not-read", format!("{many} wrong with this driver"))
            .at(&shown)
            .means("nothing is recorded with it until it reads well")
            .so("see above, one message per mistake")
    })
}

const NEW_TEXT: &str = include_str!("../templates/new-text.toml");
const NEW_MODBUS: &str = include_str!("../templates/new-modbus.toml");
const NEW_OPC_UA: &str = include_str!("../templates/new-opc-ua.toml");

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_maker_leads_to_its_drivers() {
        let all = all();
        assert_eq!(meant("Ohaus", &all), ["ohaus-defender", "ohaus-scout"]);
        assert!(meant("sics", &all).contains(&"mt-sics-balance"));
        assert_eq!(meant("teapot", &all), [] as [&str; 0]);
        let meter = all.iter().find(|driver| driver.name == "eastron-sdm630").unwrap();
        assert!(
            in_words(meter).ends_with("current_l1, 9 more"),
            "{}",
            in_words(meter)
        );
    }

    #[test]
    fn a_new_driver_begins_as_one_that_proves_itself() {
        for text in [NEW_TEXT, NEW_MODBUS, NEW_OPC_UA] {
            let driver = Driver::parse(text, "drivers/new-instrument.toml").unwrap();
            let complaints = driver::lint(&driver);
            let words: Vec<String> = complaints
                .iter()
                .map(|one| config::render(one, Some(text)))
                .collect();
            assert!(complaints.is_empty(), "{}", words.join("\n"));
        }
    }
}
