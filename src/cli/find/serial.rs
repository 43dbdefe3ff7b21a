//! What hangs on the serial ports of this machine: listens first; asks only where a person said so.

use super::{Progress, candidates, in_use, left_alone};
use crate::{
    cli::{
        NOT_RIGHT,
        bus::{Bus, Framing, Said},
        err,
        find::candidates::Candidate,
        say,
    },
    flow::needs::{Address, Clock, Handshake, Line, Link, Links},
    ports::{
        clock::SystemClock,
        links::SystemLinks,
        serial_list::{Port, serial_ports},
    },
};
use driver::{ConversationOptions, Driver, LineSettings, Speaks, Transport};
use record::Trouble;
use serde_json::json;
use std::{io, path::PathBuf, process::ExitCode, time::Duration};

/// What a person wants to know.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// Only these; none: all.
    pub(crate) ports: Vec<PathBuf>,
    pub(crate) send: bool,
    pub(crate) units: Vec<u8>,
    pub(crate) listen: Duration,
    pub(crate) json: bool,
    pub(crate) config: PathBuf,
}

/// What was found on one port.
struct Found {
    settings: LineSettings,
    unit: Option<u8>,
    candidates: Vec<Candidate>,
}

/// Looks at each port, and says what is there.
pub(crate) fn find(wish: &Wish, drivers: &[Driver]) -> Result<ExitCode, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|problem| Trouble::new("cannot-find", problem.to_string()).means("nothing was sent"))?;
    runtime.block_on(look(wish, drivers))
}

async fn look(wish: &Wish, drivers: &[Driver]) -> Result<ExitCode, Trouble> {
    let ports = ports(wish);
    if ports.is_empty() {
        return Err(Trouble::new("no-serial-ports", "this machine has no serial ports")
            .at("/dev/serial, /dev/tty…")
            .means("nothing was opened")
            .so("plug the adapter in; in a virtual machine, pass it through; --port PATH names one yourself"));
    }
    if wish.send && !wish.json {
        err(
            "--send: each driver's questions are sent. They read and never set anything on the instruments they are \
             written for; another instrument may take them for something else, so let nobody weigh meanwhile.",
        );
    }
    let mut any = false;
    for port in &ports {
        if let Some(found) = one(wish, drivers, port).await? {
            any = true;
            told(wish, port, &found);
        }
    }
    Ok(if any {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}

fn ports(wish: &Wish) -> Vec<Port> {
    if wish.ports.is_empty() {
        return serial_ports();
    }
    let known = serial_ports();
    let named = |path: &PathBuf| {
        let known = known
            .iter()
            .find(|port| port.path == *path || port.now == *path)
            .cloned();
        known.unwrap_or_else(|| Port {
            path: path.clone(),
            now: path.clone(),
            stable: true, // somebody named it
            title: String::new(),
        })
    };
    wish.ports.iter().map(named).collect()
}

async fn one(wish: &Wish, drivers: &[Driver], port: &Port) -> Result<Option<Found>, Trouble> {
    let shown = port.path.display().to_string();
    if let Some(tag) = in_use(&wish.config, &address(port, settings(9600, "8N1"))).await? {
        left_alone(wish.json, &shown, &format!("a gateway runs and uses it as {tag}"));
        return Ok(None);
    }
    if !wish.json {
        let title = if port.title.is_empty() {
            String::new()
        } else {
            format!(" ({})", port.title)
        };
        say(&format!("{shown}{title}, now {}", port.now.display()));
        if !port.stable {
            say(
                "  warning: this adapter has no serial number. It is named by its socket: plugged in elsewhere it has \
                 another name, and another adapter in this socket has this one. Do not exchange them unseen.",
            );
        }
    }
    let progress = Progress::begin(wish.json);
    let talking = match listen(wish, drivers, port, &progress).await {
        Ok(talking) => talking,
        Err(problem) => {
            drop(progress);
            left_alone(wish.json, &shown, &problem.to_string());
            return Ok(None);
        }
    };
    if let Talking::Understood(found) = talking {
        return Ok(Some(found));
    }
    let asked = if wish.send {
        ask(wish, drivers, port, &progress).await
    } else {
        Ok(None)
    };
    drop(progress);
    match asked {
        Ok(Some(found)) => return Ok(Some(found)),
        Ok(None) => {}
        Err(problem) => {
            left_alone(wish.json, &shown, &problem.to_string());
            return Ok(None);
        }
    }
    nothing(wish, &shown, &talking);
    Ok(None)
}

fn nothing(wish: &Wish, shown: &str, talking: &Talking) {
    let (word, text) = match (talking, wish.send) {
        (Talking::Noise(bytes), _) => (
            "not-understood",
            format!(
                "it talks by itself, but no driver understands it: {}",
                bytes.escape_ascii()
            ),
        ),
        (_, false) => (
            "quiet",
            "nothing was heard. What waits to be asked stays quiet; --send asks".to_owned(),
        ),
        (_, true) => (
            "quiet",
            "nothing answered. Is it powered, the cable crossed where it must be, its interface switched on?"
                .to_owned(),
        ),
    };
    if wish.json {
        say(&json!({ "port": shown, "found": null, "because": word }).to_string());
    } else {
        say(&format!("  {text}"));
    }
}

enum Talking {
    Understood(Found),
    /// It talks, in a way nobody knows.
    Noise(Vec<u8>),
    Quiet,
}

/// Listens with each driver's settings. What is quiet at one speed is quiet at all of them.
async fn listen(wish: &Wish, drivers: &[Driver], port: &Port, progress: &Progress) -> io::Result<Talking> {
    let mut noise = Vec::new();
    for settings in all_settings(drivers, false) {
        progress.says(&format!("listening at {}", words(settings)));
        let mut line = SystemLinks.open(&address(port, settings)).await?;
        let heard = hear(&mut *line, wish.listen).await?;
        drop(line);
        if heard.is_empty() {
            return Ok(if noise.is_empty() {
                Talking::Quiet
            } else {
                Talking::Noise(noise)
            });
        }
        let candidates = candidates::that_hear(drivers.iter(), &heard);
        if !candidates.is_empty() {
            return Ok(Talking::Understood(Found {
                settings,
                unit: None,
                candidates,
            }));
        }
        if noise.is_empty() {
            noise = heard[..heard.len().min(60)].to_vec();
        }
    }
    Ok(Talking::Noise(noise))
}

async fn hear(line: &mut dyn Link, within: Duration) -> io::Result<Vec<u8>> {
    let clock = SystemClock::new();
    let until = clock.elapsed() + within;
    let mut heard = Vec::new();
    loop {
        tokio::select! {
            count = line.receive(&mut heard) => if count? == 0 {
                return Err(io::Error::other("it was pulled out meanwhile"));
            },
            () = clock.sleep(until.saturating_sub(clock.elapsed())) => return Ok(heard),
        }
        if heard.len() > 4096 {
            return Ok(heard);
        }
    }
}

/// Asks every driver's questions at that driver's settings, then for units on a bus.
async fn ask(wish: &Wish, drivers: &[Driver], port: &Port, progress: &Progress) -> io::Result<Option<Found>> {
    for settings in all_settings(drivers, false) {
        let mut line = SystemLinks.open(&address(port, settings)).await?;
        let mut candidates = Vec::new();
        let here = drivers
            .iter()
            .filter(|driver| matches!(driver.speaks, Speaks::Text(_)) && same(driver.line(), settings));
        for driver in here {
            progress.says(&format!("asking at {} as {} would", words(settings), driver.name));
            let options = ConversationOptions {
                unit_id: 0,
                transport: Transport::Serial,
            };
            candidates.extend(candidates::that_asks(driver, options, &mut *line).await?);
        }
        if !candidates.is_empty() {
            return Ok(Some(Found {
                settings,
                unit: None,
                candidates: candidates::sorted(candidates),
            }));
        }
    }
    for settings in all_settings(drivers, true) {
        let line = SystemLinks.open(&address(port, settings)).await?;
        let mut bus = Bus::new(line, Framing::Rtu, WITHIN);
        for unit in &wish.units {
            progress.says(&format!("asking for Modbus unit {unit} at {}", words(settings)));
            if matches!(
                bus.registers(*unit, 3, 0, 1).await?,
                Err(Said::Silent | Said::Garbled(_))
            ) {
                continue;
            }
            let mut candidates = Vec::new();
            for driver in drivers
                .iter()
                .filter(|driver| matches!(driver.speaks, Speaks::Modbus(_)))
            {
                progress.says(&format!(
                    "unit {unit} is there; does {} understand it?",
                    driver.name
                ));
                let options = ConversationOptions {
                    unit_id: *unit,
                    transport: Transport::ModbusRtu,
                };
                candidates.extend(candidates::that_asks(driver, options, bus.line()).await?);
            }
            return Ok(Some(Found {
                settings,
                unit: Some(*unit),
                candidates: candidates::sorted(candidates),
            }));
        }
    }
    Ok(None)
}

fn told(wish: &Wish, port: &Port, found: &Found) {
    let path = port.path.display().to_string();
    if wish.json {
        say(&json!({
            "port": path, "stable": port.stable, "settings": words(found.settings), "unit": found.unit,
            "drivers": found.candidates.iter().map(Candidate::json).collect::<Vec<_>>(),
        })
        .to_string());
        return;
    }
    let unit = found
        .unit
        .map(|unit| format!(", Modbus unit {unit}"))
        .unwrap_or_default();
    say(&format!("  found at {}{unit}", words(found.settings)));
    for candidate in found.candidates.iter().take(4) {
        say(&format!("  understood by {}", candidate.in_words()));
    }
    let Some(best) = found.candidates.first() else {
        say("  it answers, but no driver understands it: steelyard drivers new begins one");
        if let Some(unit) = found.unit {
            say(&format!(
                "  its registers: steelyard try --at {path} --line \"{}\" --unit-id {unit} --registers holding:0+50",
                words(found.settings)
            ));
        }
        return;
    };
    let mut more = Vec::new();
    if !same(best.driver.line(), found.settings) {
        more.push(("line", format!("\"{}\"", words(found.settings))));
    }
    more.extend(found.unit.map(|unit| ("unit_id", unit.to_string())));
    let key = if found.unit.is_some() {
        "modbus_rtu"
    } else {
        "serial"
    };
    say(&format!(
        "  compare with the display; then, for the configuration:\n\n{}\n",
        candidates::block(best, key, &path, &more)
    ));
}

/// The settings worth trying, those of most drivers first, each once.
fn all_settings(drivers: &[Driver], registers: bool) -> Vec<LineSettings> {
    let mut counted: Vec<(LineSettings, usize)> = Vec::new();
    let speak = |driver: &&Driver| matches!(driver.speaks, Speaks::Modbus(_)) == registers;
    for driver in drivers.iter().filter(speak) {
        let settings = driver.line();
        match counted.iter_mut().find(|(known, _)| same(*known, settings)) {
            Some((_, count)) => *count += 1,
            None => counted.push((settings, 1)),
        }
    }
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counted.into_iter().map(|(settings, _)| settings).collect()
}

fn same(one: LineSettings, other: LineSettings) -> bool {
    (one.speed, one.data_bits, one.parity, one.stop_bits)
        == (other.speed, other.data_bits, other.parity, other.stop_bits)
}

fn settings(speed: u32, frame: &str) -> LineSettings {
    LineSettings::read(speed, frame, driver::Handshake::None).unwrap_or(LineSettings {
        speed,
        data_bits: 8,
        parity: 'N',
        stop_bits: 1,
        handshake: driver::Handshake::None,
    })
}

fn words(settings: LineSettings) -> String {
    format!(
        "{} {}{}{}",
        settings.speed, settings.data_bits, settings.parity, settings.stop_bits
    )
}

fn address(port: &Port, settings: LineSettings) -> Address {
    let line = Line {
        speed: settings.speed,
        data_bits: settings.data_bits,
        parity: settings.parity,
        stop_bits: settings.stop_bits,
        handshake: Handshake::None,
    };
    Address::Serial(port.path.clone(), line)
}

/// How long a unit on a bus may take.
const WITHIN: Duration = Duration::from_millis(300);
