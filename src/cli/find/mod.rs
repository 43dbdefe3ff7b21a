//! What is connected, and which driver understands it. Listens before it asks, asks only what a person allowed,
//! reads and never writes, and leaves alone what somebody else uses.

mod candidates;
pub(super) mod modbus;
#[cfg(feature = "opcua")]
pub(super) mod opcua;
pub(super) mod serial;

use super::{err, owner, say};
use crate::{
    config,
    flow::needs::Address,
    ports::{
        files::{SystemFiles, configuration},
        terminal,
    },
};
use driver::Driver;
use record::Trouble;
use std::{
    io::{BufRead, IsTerminal, Write},
    path::Path,
};

/// Drivers at hand: a site's own before those that came with the program.
pub(super) fn drivers(config: &Path, builtin: Vec<Driver>) -> Vec<Driver> {
    let own = configuration(&SystemFiles, config).map_or_else(|_| Vec::new(), |source| source.drivers);
    let mut all: Vec<Driver> = own
        .iter()
        .filter_map(|(file, text)| Driver::parse(text, &format!("drivers/{file}")).ok())
        .collect();
    for driver in builtin {
        if !all.iter().any(|known| known.name == driver.name) {
            all.push(driver);
        }
    }
    all
}

/// The tag under which a gateway of this machine uses this line, if it does.
async fn in_use(config: &Path, address: &Address) -> Result<Option<String>, Trouble> {
    let Ok(source) = configuration(&SystemFiles, config) else {
        return Ok(None);
    };
    let Ok(plant) = config::read(source.clone()) else {
        return Ok(None);
    };
    owner::holder(&source, &plant, address).await
}

/// Asks a person; without one, `agreed` has to say it.
fn allowed(what: &str, agreed: bool) -> Result<(), Trouble> {
    if agreed {
        return Ok(());
    }
    let refused = || {
        Trouble::new("not-asked", "nobody agreed to it")
            .means("nothing was opened and nothing was sent")
            .so("say --yes where it is known that nobody else needs this connection")
    };
    if !std::io::stdin().is_terminal() {
        return Err(refused());
    }
    terminal::show(&format!("{what}\nGo on? [y/N] "));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(refused())
    }
}

/// What is going on, for a person who waits; scripts hear nothing of it.
struct Progress {
    shown: bool,
}

impl Progress {
    fn begin(json: bool) -> Self {
        Self {
            shown: !json && std::io::stderr().is_terminal(),
        }
    }

    /// Replaces the line that stands there.
    fn says(&self, text: &str) {
        if self.shown {
            let mut out = std::io::stderr().lock();
            // holds because progress that cannot be shown is no reason to stop
            let _ = write!(out, "\r\x1b[K  {text} …");
            let _ = out.flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            // holds because progress that cannot be shown is no reason to stop
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// A line about something that was left alone.
fn left_alone(json: bool, what: &str, why: &str) {
    if json {
        say(&serde_json::json!({ "left_alone": what, "because": why }).to_string());
    } else {
        err(&format!("{what}: left alone, {why}"));
    }
}
