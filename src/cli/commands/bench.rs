//! `steelyard bench`: what this machine does, in the figures the product promises.

use crate::{
    cli::{Command, bench, err, life, say},
    flow::needs::Files,
    ports::files::SystemFiles,
};
use clap::{Arg, ArgAction, ArgMatches, builder::PossibleValuesParser};
use record::Trouble;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};

pub(crate) const COMMAND: Command = Command {
    name: "bench",
    about: "Measures on this machine: sealing, syncing, verifying, decoding, judging, storing, draining, starting, asking equipment",
    args,
    run,
    order: 80,
};

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .num_args(0..)
                .value_parser(PossibleValuesParser::new(bench::NAMES))
                .help("Only these; without a name, all of them one after the other"),
        )
        .arg(
            Arg::new("seconds")
                .long("seconds")
                .value_name("N")
                .default_value("5")
                .value_parser(clap::value_parser!(u64).range(1..=3600))
                .help("How long each stretch takes"),
        )
        .arg(
            Arg::new("data")
                .long("data")
                .value_name("DIR")
                .value_parser(clap::value_parser!(PathBuf))
                .help("On the disk that is to be measured [default: the directory for temporary files]; a directory is made in it and removed again"),
        )
        .arg(
            Arg::new("entries")
                .long("entries")
                .value_name("N")
                .default_value("200000")
                .value_parser(clap::value_parser!(u64).range(2_000..=1_000_000_000))
                .help("How many entries the ledger holds that `start` starts on"),
        )
        .arg(
            Arg::new("postgresql")
                .long("postgresql")
                .value_name("URL")
                .help("store: on this PostgreSQL server as well: postgresql://USER@HOST/DATABASE, an empty database that is left full"),
        )
        .arg(
            Arg::new("backlog")
                .long("backlog")
                .value_name("ENTRIES")
                .default_value("1000000")
                .value_parser(clap::value_parser!(u64).range(1_000..=100_000_000))
                .help("drain: so many entries wait when the record store comes back"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("One object a line for each figure"),
        )
        .after_help("Exit code: 0 measured, whatever the figures are, 3 it could not be measured.\ndocs/benchmarks.md says what each figure is.")
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    life::log(false, "error");
    let json = matches.get_flag("json");
    let length = Duration::from_secs(matches.get_one::<u64>("seconds").copied().unwrap_or(5));
    let entries = matches.get_one::<u64>("entries").copied().unwrap_or(200_000);
    let data = matches.get_one::<PathBuf>("data").cloned();
    let place = bench::Place::below(&data.unwrap_or_else(std::env::temp_dir))?;
    let mut names: Vec<&String> = matches.get_many("name").into_iter().flatten().collect();
    let all: Vec<String> = bench::NAMES.iter().map(|name| (*name).to_owned()).collect();
    if names.is_empty() {
        names = all.iter().collect();
    }
    if !json {
        say(&conditions(place.path()));
    }
    let wish = bench::Wish {
        place: place.path(),
        length,
        server: matches.get_one::<String>("postgresql").map(String::as_str),
        entries,
        backlog: matches.get_one::<u64>("backlog").copied().unwrap_or(1_000_000),
    };
    let runtime = life::runtime()?;
    let measured = runtime.block_on(async {
        let measuring = async {
            for name in names {
                for figure in bench::measure(name, &wish).await? {
                    say(&if json {
                        figure.as_json().to_string()
                    } else {
                        figure.words()
                    });
                }
            }
            Ok(ExitCode::SUCCESS)
        };
        tokio::select! {
            measured = measuring => measured,
            () = life::told_to_stop() => {
                err("interrupted; what was written for measuring is removed");
                Ok(ExitCode::SUCCESS)
            }
        }
    });
    // What still runs after an interruption has nothing left to measure.
    runtime.shutdown_background();
    measured
}

/// Under which conditions everything is measured.
fn conditions(place: &Path) -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let load = SystemFiles
        .read(Path::new("/proc/loadavg"))
        .ok()
        .and_then(|text| String::from_utf8(text).ok())
        .and_then(|text| text.split(' ').next().map(str::to_owned));
    let built = if cfg!(debug_assertions) {
        "; a DEBUG build, whose figures mean nothing"
    } else {
        ""
    };
    format!(
        "{cores} cores, load {} before, files in {}{built}",
        load.as_deref().unwrap_or("unknown"),
        place.display()
    )
}
