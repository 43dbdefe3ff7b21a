//! Which units answer behind an address, who they say they are, and which drivers understand them. One connection,
//! one question at a time.

use super::{Progress, allowed, candidates, in_use};
use crate::{
    cli::{
        NOT_RIGHT,
        bus::{Bus, Framing, Identification, Said},
        find::candidates::Candidate,
        say,
    },
    flow::needs::{Address, Handshake, Line, Links},
    ports::links::SystemLinks,
};
use driver::{ConversationOptions, Driver, LineSettings, Speaks, Transport};
use record::Trouble;
use serde_json::json;
use std::{io, path::PathBuf, process::ExitCode, time::Duration};

/// What a person wants to know.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// `10.30.4.15`, `10.30.4.15:502`, or the path of a serial port.
    pub(crate) at: String,
    pub(crate) units: Vec<u8>,
    /// Settings of a serial port: `19200 8E1`.
    pub(crate) line: LineSettings,
    pub(crate) yes: bool,
    pub(crate) json: bool,
    pub(crate) config: PathBuf,
}

/// One unit that is there.
struct Unit {
    id: u8,
    identification: Option<Identification>,
    /// Its first registers, or why there are none.
    said: String,
    candidates: Vec<Candidate>,
}

/// Looks, and says what is there.
pub(crate) fn find(wish: &Wish, drivers: &[Driver]) -> Result<ExitCode, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|problem| Trouble::new("cannot-find", problem.to_string()).means("nothing was sent"))?;
    runtime.block_on(look(wish, drivers))
}

async fn look(wish: &Wish, drivers: &[Driver]) -> Result<ExitCode, Trouble> {
    let (address, framing, at) = place(wish);
    if let Some(tag) = in_use(&wish.config, &address).await? {
        return Err(Trouble::new(
            "line-held",
            format!("a gateway runs and uses this line, as {tag}"),
        )
        .at(at)
        .means("nothing was opened and nothing was sent; capture goes on undisturbed")
        .so(format!(
            "steelyard try {tag}   listens in; to look for more, stop the gateway"
        )));
    }
    if !on_this_machine(&wish.at) {
        allowed(
            &format!(
                "This opens one connection to {at} and asks up to {} questions, reading only.\n\
                 Many controllers have a single connection: whoever else talks to it now may lose theirs.",
                wish.units.len() * 3
            ),
            wish.yes,
        )?;
    }
    let cannot = |problem: io::Error| {
        Trouble::new("cannot-open-line", format!("{at} cannot be reached: {problem}"))
            .at(&at)
            .means("nothing was asked; what is recorded is not concerned")
            .so("is it powered, is the address right (the port of Modbus TCP is 502), does another program hold it?")
    };
    let line = SystemLinks.open(&address).await.map_err(cannot)?;
    let mut bus = Bus::new(line, framing, WITHIN);
    let search = Search {
        progress: Progress::begin(wish.json),
        framing,
    };
    let mut found = Vec::new();
    for id in &wish.units {
        search.progress.says(&format!(
            "unit {id} of {}, {} found",
            wish.units.len(),
            found.len()
        ));
        match search.unit(&mut bus, *id, drivers).await {
            Ok(Some(unit)) => found.push(unit),
            Ok(None) => {}
            Err(problem) if problem.kind() == io::ErrorKind::ConnectionAborted => {
                // some close at a question they do not know
                let line = SystemLinks.open(&address).await.map_err(cannot)?;
                bus = Bus::new(line, framing, WITHIN);
            }
            Err(problem) => return Err(cannot(problem)),
        }
    }
    drop(search);
    told(wish, &at, framing, &found);
    Ok(if found.is_empty() {
        ExitCode::from(NOT_RIGHT)
    } else {
        ExitCode::SUCCESS
    })
}

fn place(wish: &Wish) -> (Address, Framing, String) {
    if wish.at.contains('/') {
        let LineSettings {
            speed,
            data_bits,
            parity,
            stop_bits,
            ..
        } = wish.line;
        let line = Line {
            speed,
            data_bits,
            parity,
            stop_bits,
            handshake: Handshake::None,
        };
        return (
            Address::Serial(wish.at.clone().into(), line),
            Framing::Rtu,
            wish.at.clone(),
        );
    }
    let at = if wish.at.contains(':') {
        wish.at.clone()
    } else {
        format!("{}:502", wish.at)
    };
    (Address::Tcp(at.clone()), Framing::Tcp, at)
}

/// A program of this machine has as many connections as it likes.
fn on_this_machine(at: &str) -> bool {
    let host = at.rsplit_once(':').map_or(at, |(host, _)| host);
    host == "localhost" || host.starts_with("127.") || host == "[::1]" || at.contains('/')
}

struct Search {
    progress: Progress,
    framing: Framing,
}

impl Search {
    async fn unit(&self, bus: &mut Bus, id: u8, drivers: &[Driver]) -> io::Result<Option<Unit>> {
        let Some(said) = there(bus, id).await? else {
            return Ok(None);
        };
        let identification = bus.identification(id).await?.ok();
        let mut understood = Vec::new();
        let options = ConversationOptions {
            unit_id: id,
            transport: match self.framing {
                Framing::Tcp => Transport::ModbusTcp,
                Framing::Rtu => Transport::ModbusRtu,
            },
        };
        for driver in drivers
            .iter()
            .filter(|driver| matches!(driver.speaks, Speaks::Modbus(_)))
        {
            self.progress.says(&format!(
                "unit {id} is there; does {} understand it?",
                driver.name
            ));
            understood.extend(candidates::that_asks(driver, options, bus.line()).await?);
        }
        Ok(Some(Unit {
            id,
            identification,
            said,
            candidates: candidates::sorted(understood),
        }))
    }
}

/// What a unit says to a plain question; `None` when nobody is there. Some servers refuse for units they do not
/// have, with code 4 or the two codes of gateways.
async fn there(bus: &mut Bus, id: u8) -> io::Result<Option<String>> {
    let mut refused = None;
    for (function, table) in [(3, "holding"), (4, "input")] {
        match bus.registers(id, function, 0, 1).await? {
            Ok(values) => return Ok(Some(format!("{table} register 0 holds {}", values[0]))),
            Err(Said::Refused(4 | 10 | 11)) => return Ok(None),
            Err(Said::Refused(code)) => {
                refused = Some(format!(
                    "it refuses register 0 ({})",
                    driver::exception_word(code)
                ));
            }
            Err(Said::Silent) if refused.is_none() => return Ok(None),
            Err(_) => {}
        }
    }
    Ok(refused)
}

fn told(wish: &Wish, at: &str, framing: Framing, found: &[Unit]) {
    if wish.json {
        for unit in found {
            say(&json!({
                "unit": unit.id, "says": unit.said,
                "vendor": unit.identification.as_ref().map(|known| &known.vendor),
                "product": unit.identification.as_ref().map(|known| &known.product),
                "revision": unit.identification.as_ref().map(|known| &known.revision),
                "drivers": unit.candidates.iter().map(Candidate::json).collect::<Vec<_>>(),
            })
            .to_string());
        }
        return;
    }
    if found.is_empty() {
        say(&format!(
            "{at} can be reached, but none of the {} units that were asked is there.\n\
             Ask more of them with --units 1-247; behind a gateway the address is set at the instrument.",
            wish.units.len()
        ));
        return;
    }
    for unit in found {
        say(&format!("unit {}: {}", unit.id, unit.said));
        if let Some(known) = &unit.identification {
            let words = [&known.vendor, &known.product, &known.revision];
            let words: Vec<&str> = words
                .into_iter()
                .map(String::as_str)
                .filter(|word| !word.is_empty())
                .collect();
            say(&format!("  it says it is {}", words.join(", ")));
        }
        for candidate in unit.candidates.iter().take(MOST) {
            say(&format!("  understood by {}", candidate.in_words()));
        }
        if unit.candidates.is_empty() {
            say(&format!(
                "  no driver understands it. Begin one: steelyard drivers new\n  and look at its registers: steelyard try --at {at} --unit-id {} --registers holding:0+50 --shows …",
                unit.id
            ));
        }
    }
    if let Some((unit, best)) = found
        .iter()
        .find_map(|unit| Some((unit, unit.candidates.first()?)))
    {
        let key = if framing == Framing::Tcp {
            "modbus_tcp"
        } else {
            "modbus_rtu"
        };
        let unit_id = ("unit_id", unit.id.to_string());
        say(&format!(
            "\nCompare the values with the display: registers fit more than one driver. Then, for the configuration:\n\n{}",
            candidates::block(best, key, at, &[unit_id])
        ));
    }
}

/// How long a unit may take.
const WITHIN: Duration = Duration::from_millis(400);
/// More candidates than this say nothing.
const MOST: usize = 4;
