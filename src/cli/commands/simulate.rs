//! `steelyard simulate`: be the instrument, from its own driver, with values and faults on request.

use super::drivers;
use crate::{
    cli::{Command, err, say},
    flow::needs::Clock,
    ports::clock::SystemClock,
    simulate::{Fault, Instrument, On, Options},
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
        .arg(Arg::new("driver").value_name("DRIVER").required(true).help("A driver by name, or its file"))
        .arg(
            Arg::new("on")
                .long("on")
                .value_name("WHERE")
                .default_value("pty")
                .help("pty, pty:PATH, tcp:PORT or tcp:HOST:PORT; port 0 takes any free one"),
        )
        .arg(many(Arg::new("set").long("set").value_name("MEASURE=VALUE").help("As on the display: \"weight=12.50 g\", \"weight=bad: overload\"")))
        .arg(Arg::new("fault").long("fault").value_name("FAULT").value_parser(|word: &str| word.parse::<Fault>()).help("silent, garbage, split, glued, \"late:800 ms\", wrong-unit, exception:6, unplugged"))
        .arg(Arg::new("unit-id").long("unit-id").value_name("IDS").value_delimiter(',').value_parser(clap::value_parser!(u8)).default_value("1").help("Modbus unit ids that answer, with commas between"))
        .arg(Arg::new("serial-number").long("serial-number").value_name("NUMBER").help("Who it says it is"))
        .after_help("While it runs, a line on standard input changes it: `weight = 99.8 g`, `fault late:800 ms`, `state overload`,\n`exchange B598877001`, `clear`. It ends with Ctrl-C.")
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
    runtime.block_on(play(&driver, on, matches))
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
    let all = Instrument::start_all(&cast, on, clock)
        .await
        .map_err(|problem| cannot(driver, &problem.to_string()))?;
    for pair in matches.get_many::<String>("set").unwrap_or_default() {
        command(&all, pair).map_err(|why| cannot(driver, &why))?;
    }
    if let Some(fault) = matches.get_one::<Fault>("fault") {
        for played in &all {
            played.fault(*fault);
        }
    }
    say(&format!("{} is at {}", driver.title, all[0].address()));
    say(&format!(
        "\n[equipment.PLAYED]\ndriver  = \"{}\"\nedition = {}\n{}",
        driver.name,
        driver.edition,
        key(driver, &all[0])
    ));
    listen(all.clone());
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
fn listen(all: Vec<Instrument>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if line.trim().is_empty() {
                continue;
            }
            match command(&all, line.trim()) {
                Ok(()) => say(&format!("ok: {}", line.trim())),
                Err(why) => err(&format!("no: {why}")),
            }
        }
    });
}

/// `[UNIT:]weight = 12.50 g`, `fault silent`, `state overload`, `exchange NUMBER`, `clear`.
fn command(all: &[Instrument], line: &str) -> Result<(), String> {
    let each = |act: &dyn Fn(&Instrument) -> Result<(), String>| all.iter().try_for_each(act);
    match line.split_once(' ').unwrap_or((line, "")) {
        ("clear", "") => each(&|played| {
            played.clear();
            played.state("good")
        }),
        ("fault", word) => {
            let fault: Fault = word.trim().parse()?;
            each(&|played| {
                played.fault(fault);
                Ok(())
            })
        }
        ("state", because) => each(&|played| played.state(because.trim())),
        ("exchange", number) => each(&|played| {
            played.exchange(number.trim());
            Ok(())
        }),
        _ => {
            let (measure, words) = line
                .split_once('=')
                .ok_or("say `measure = value`, `fault …`, `state …`, `exchange …` or `clear`")?;
            each(&|played| played.set(measure.trim(), words.trim()))
        }
    }
}

fn cannot(driver: &Driver, why: &str) -> Trouble {
    Trouble::new(
        "cannot-simulate",
        format!("{} cannot be played: {why}", driver.name),
    )
    .means("nothing is played; no record is concerned")
    .so("steelyard simulate --help   says where and what")
}
