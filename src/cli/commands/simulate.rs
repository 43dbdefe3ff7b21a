//! `steelyard simulate`: be the instrument, from its own driver, with values and faults on request.

use super::drivers;
use crate::{
    cli::{Command, err, say},
    flow::needs::Clock,
    ports::clock::SystemClock,
    simulate::{FORMS, Fault, Instrument, Moving, On, Options},
};
use clap::{Arg, ArgAction, ArgMatches};
use driver::{Driver, Speaks};
use record::Trouble;
use std::{io::BufRead, path::PathBuf, process::ExitCode, sync::Arc};

pub(crate) const COMMAND: Command = Command {
    name: "simulate",
    about: "Is the instrument: speaks as its driver says it would, with faults on request",
    args,
    run,
    order: 60,
};

fn args(command: clap::Command) -> clap::Command {
    let many = |arg: Arg| arg.action(ArgAction::Append);
    command
        .arg(
            Arg::new("driver")
                .value_name("DRIVER")
                .required(true)
                .help("A driver by name, or its file"),
        )
        .arg(
            Arg::new("on")
                .long("on")
                .value_name("WHERE")
                .default_value("pty")
                .help("pty, pty:PATH, tcp:PORT or tcp:HOST:PORT, opc.tcp:PORT or opc.tcp:HOST:PORT; port 0 takes any free one"),
        )
        .arg(many(
            Arg::new("set")
                .long("set")
                .value_name("MEASURE=VALUE")
                .help("As on the display: \"weight=12.50 g\", \"weight=bad: overload\""),
        ))
        .arg(many(
            Arg::new("move")
                .long("move")
                .value_name("HOW")
                .help(format!("A value that moves by itself: {FORMS}")),
        ))
        .arg(
            Arg::new("moving")
                .long("moving")
                .action(ArgAction::SetTrue)
                .help("Every number swings a little by itself"),
        )
        .arg(many(
            Arg::new("fault")
                .long("fault")
                .value_name("FAULT")
                .help("silent, garbage, split, glued, \"late:800 ms\", wrong-unit, exception:6, unplugged; of a server silent, unplugged, \"late:800 ms\", \"clock:30 s\", wrong-unit, gone:MEASURE, restart, strangers:3"),
        ))
        .arg(
            Arg::new("unit-id")
                .long("unit-id")
                .value_name("IDS")
                .value_delimiter(',')
                .value_parser(clap::value_parser!(u8))
                .default_value("1")
                .help("Modbus unit ids that answer, with commas between"),
        )
        .arg(
            Arg::new("serial-number")
                .long("serial-number")
                .value_name("NUMBER")
                .help("Who it says it is"),
        )
        .arg(
            Arg::new("user")
                .long("user")
                .value_name("NAME:PASSWORD")
                .help("Of an OPC UA server: who may read; without it anybody may"),
        )
        .arg(
            Arg::new("own")
                .long("own")
                .value_name("DIR")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Of an OPC UA server: where its certificate and key are kept [default: a directory for temporary files]"),
        )
        .arg(
            Arg::new("sessions")
                .long("sessions")
                .value_name("N")
                .value_parser(clap::value_parser!(u16).range(1..))
                .help("Of an OPC UA server: so many sessions, and no more [default: 20]"),
        )
        .arg(
            Arg::new("unprotected")
                .long("unprotected")
                .action(ArgAction::SetTrue)
                .help("Of an OPC UA server: an endpoint without protection beside the others"),
        )
        .after_help(
            "While it runs, a line on standard input changes it; `ok:` or `no:` answers each:\n\
             \x20 set weight 12.34          a value, in the driver's unit where none is said\n\
             \x20 weight = bad: overload    any answer, in the words of samples\n\
             \x20 move weight 0 to 5 kg in 10 s\n\
             \x20 fault late:800 ms         until `clear`\n\
             \x20 state overload            everything that can have this reason has it\n\
             \x20 exchange B598877001       another instrument of the same kind\n\
             It ends with Ctrl-C.\n\n\
             steelyard simulate mt-sics-balance --set \"weight=100.00 g\"\n\
             steelyard simulate opc-ua-scales --on opc.tcp:4840 --user line3:secret --moving\n\
             steelyard simulate tc200 --on tcp:5020 --moving --fault \"late:800 ms\"",
        )
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let name = matches.get_one::<String>("driver").map_or("", String::as_str);
    let driver = drivers::find(name)?;
    let on = place(matches.get_one::<String>("on").map_or("pty", String::as_str));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .worker_threads(2)
        .build();
    let runtime = runtime.map_err(|problem| cannot(&driver, &problem.to_string()))?;
    if let Speaks::Nodes(_) = driver.speaks {
        return runtime.block_on(serve(&driver, matches));
    }
    runtime.block_on(play(&driver, on, matches))
}

/// A driver of nodes is played as a server, where this build has one.
#[cfg(feature = "opcua-simulator")]
async fn serve(driver: &Driver, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let on = matches
        .get_one::<String>("on")
        .map_or("opc.tcp:4840", String::as_str);
    // the default is a pseudo terminal, on which no server can be
    let on = if on == "pty" { "opc.tcp:4840" } else { on };
    crate::cli::playing_nodes::play(driver, on, matches).await
}

#[cfg(not(feature = "opcua-simulator"))]
async fn serve(driver: &Driver, _matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    Err(Trouble::new(
        "no-simulator",
        format!(
            "this program was built without the OPC UA server that would play {}",
            driver.name
        ),
    )
    .means("nothing is played; no record is concerned")
    .so("the package leaves it out; cargo run -- simulate has it, or build with --features opcua-simulator"))
}

fn place(text: &str) -> On {
    match text.split_once(':') {
        Some(("tcp", at)) if at.contains(':') => On::Tcp(at.to_owned()),
        Some(("tcp", port)) => On::Tcp(format!("127.0.0.1:{port}")),
        Some(("pty", path)) => On::Pty(Some(PathBuf::from(path))),
        _ => On::Pty(None),
    }
}

async fn play(driver: &Driver, on: On, matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let options = |unit_id: &u8| {
        let serial_number = matches.get_one::<String>("serial-number").cloned();
        (
            driver,
            Options {
                unit_id: *unit_id,
                serial_number,
                ..Options::default()
            },
        )
    };
    let cast: Vec<_> = matches
        .get_many::<u8>("unit-id")
        .unwrap_or_default()
        .map(options)
        .collect();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let all = Instrument::start_all(&cast, on, clock.clone())
        .await
        .map_err(|problem| cannot(driver, &problem.to_string()))?;
    let stage = Stage {
        driver: driver.clone(),
        all: all.clone(),
        clock,
    };
    let wrong = |why: String| cannot(driver, &why);
    for pair in matches.get_many::<String>("set").unwrap_or_default() {
        stage.command(pair).map_err(wrong)?;
    }
    if matches.get_flag("moving") {
        Moving::all(driver)
            .into_iter()
            .for_each(|moving| stage.moves(&moving));
    }
    for how in matches.get_many::<String>("move").unwrap_or_default() {
        stage.moves(&Moving::read(how, driver).map_err(wrong)?);
    }
    for fault in matches.get_many::<String>("fault").unwrap_or_default() {
        let fault: Fault = fault.parse().map_err(wrong)?;
        all.iter().for_each(|played| played.fault(fault));
    }
    say(&format!("{} is at {}", driver.title, all[0].address()));
    say(&format!(
        "\n[equipment.PLAYED]\ndriver  = \"{}\"\nedition = {}\n{}",
        driver.name,
        driver.edition,
        key(driver, &all[0])
    ));
    listen(stage);
    // Without a signal to wait for, it would end at once; the reason is of no use to anyone.
    let _ = tokio::signal::ctrl_c().await;
    Ok(ExitCode::SUCCESS)
}

fn key(driver: &Driver, played: &Instrument) -> String {
    let modbus = matches!(driver.speaks, Speaks::Modbus(_));
    let tcp = matches!(played.reached_at(), crate::flow::needs::Address::Tcp(_));
    let word = match (modbus, tcp) {
        (true, true) => "modbus_tcp",
        (true, false) => "modbus_rtu",
        (false, true) => "tcp    ",
        (false, false) => "serial ",
    };
    format!("{word} = \"{}\"", played.address())
}

/// Standard input on a thread of its own: its reading cannot be interrupted, and must not hold anything up.
fn listen(stage: Stage) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if line.trim().is_empty() {
                continue;
            }
            match stage.command(line.trim()) {
                Ok(()) => say(&format!("ok: {}", line.trim())),
                Err(why) => err(&format!("no: {why}")),
            }
        }
    });
}

/// Everything that is played, and what a person says to it.
struct Stage {
    driver: Driver,
    all: Vec<Instrument>,
    clock: Arc<dyn Clock>,
}

impl Stage {
    fn each(&self, act: impl Fn(&Instrument) -> Result<(), String>) -> Result<(), String> {
        self.all.iter().try_for_each(act)
    }

    fn moves(&self, moving: &Moving) {
        self.all
            .iter()
            .for_each(|played| played.moves(moving.clone(), self.clock.elapsed()));
    }

    /// `set weight 12.34`, `weight = 12.50 g`, `move …`, `fault silent`, `state overload`, `exchange NUMBER`, `clear`.
    fn command(&self, line: &str) -> Result<(), String> {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("clear", "") => self.each(|played| {
                played.clear();
                played.state("good")
            }),
            ("fault", word) => {
                let fault: Fault = word.trim().parse()?;
                self.each(|played| {
                    played.fault(fault);
                    Ok(())
                })
            }
            ("state", because) => self.each(|played| played.state(because.trim())),
            ("exchange", number) => self.each(|played| {
                played.exchange(number.trim());
                Ok(())
            }),
            ("move", how) => {
                self.moves(&Moving::read(how, &self.driver)?);
                Ok(())
            }
            ("set", pair) => {
                let (measure, words) = pair
                    .trim()
                    .split_once(['=', ' '])
                    .ok_or("say `set weight 12.34`")?;
                self.set(measure, words)
            }
            _ => {
                let (measure, words) = line.split_once('=').ok_or(
                    "say `set weight 12.34`, `weight = value`, `move …`, `fault …`, `state …`, `exchange …` or `clear`",
                )?;
                self.set(measure, words)
            }
        }
    }

    /// A bare number is in the driver's own unit.
    fn set(&self, measure: &str, words: &str) -> Result<(), String> {
        let (measure, words) = (measure.trim(), words.trim().trim_start_matches('=').trim());
        let point = self
            .driver
            .points()
            .into_iter()
            .find(|point| point.measure == measure);
        let unit = point.and_then(|point| point.units.first().copied());
        let bare = words.parse::<f64>().is_ok();
        let words = match unit.filter(|_| bare) {
            Some(unit) => format!("{words} {}", unit.shown()),
            None => words.to_owned(),
        };
        self.each(|played| played.set(measure, &words))
    }
}

pub(crate) fn cannot(driver: &Driver, why: &str) -> Trouble {
    Trouble::new(
        "cannot-simulate",
        format!("{} cannot be played: {why}", driver.name),
    )
    .means("nothing is played; no record is concerned")
    .so("steelyard simulate --help   says where and what")
}
