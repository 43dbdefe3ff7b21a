//! Being the instrument, from its own driver: on a pseudo terminal or a TCP port, with values that can be
//! set or move by themselves, and with faults on request.
//!
//! Demo, tests and training stand on it. It never knows more of an instrument than its driver says, so it
//! proves the line and the gateway, never the driver: that is for samples and for the real instrument.

mod fault;
mod line;
mod motion;
mod moving;
#[cfg(feature = "opcua-simulator")]
mod nodes;
mod stage;

pub use fault::Fault;
pub use motion::{Dice, Motion};
pub use moving::FORMS;
#[cfg(feature = "opcua-simulator")]
pub use nodes::{NODE_FAULTS, NodeFault, PlayedNodes};
pub use stage::{Moving, answer};

use crate::flow::needs::{Address, Clock, Handshake, Line};
use driver::{Driver, Speaks, Transport};
use fault::Form;
use stage::{Actor, Stage};
use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::JoinHandle};

/// Where an instrument is played.
#[derive(Debug, Clone)]
pub enum On {
    /// On a pseudo terminal; with a name, it has the same path again after unplugging.
    Pty(Option<PathBuf>),
    /// On a TCP port, raw or Modbus TCP as its driver speaks: `127.0.0.1:0` takes any free one.
    Tcp(String),
}

/// How one instrument is played.
#[derive(Debug, Clone)]
pub struct Options {
    /// Modbus unit id.
    pub unit_id: u8,
    /// Its serial number; else that of its driver's samples.
    pub serial_number: Option<String>,
    /// Values that move by themselves.
    pub moving: Vec<Moving>,
    /// How often it speaks, if it is one that speaks by itself.
    pub speaks_every: Duration,
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            unit_id: 1,
            serial_number: None,
            moving: Vec::new(),
            speaks_every: Duration::from_millis(500),
            seed: 1,
        }
    }
}

/// One instrument that is being played. Dropping the last handle of a line ends it.
#[derive(Debug, Clone)]
pub struct Instrument {
    stage: Arc<Mutex<Stage>>,
    place: usize,
    line: Arc<Played>,
}

#[derive(Debug)]
struct Played {
    at: Where,
    plug: watch::Sender<bool>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
enum Where {
    Pty(Arc<Mutex<PathBuf>>),
    Tcp(String),
}

impl Drop for Played {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Instrument {
    /// Plays one instrument on a line of its own.
    pub async fn start(driver: &Driver, on: On, options: Options, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let mut all = Self::start_all(&[(driver, options)], on, clock).await?;
        all.pop().ok_or_else(|| io::Error::other("nothing to play"))
    }

    /// Plays several instruments on one line, told apart by their unit ids.
    pub async fn start_all(
        cast: &[(&Driver, Options)],
        on: On,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Vec<Self>> {
        let registers = cast
            .iter()
            .all(|(driver, _)| matches!(driver.speaks, Speaks::Modbus(_)));
        if cast.is_empty() || (cast.len() > 1 && !registers) {
            let text = "only Modbus instruments can share a line";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let (transport, form) = match (&on, registers) {
            (On::Tcp(_), true) => (Transport::ModbusTcp, Form::ModbusTcp),
            (On::Tcp(_), false) => (Transport::Tcp, Form::Text),
            (On::Pty(_), true) => (Transport::ModbusRtu, Form::ModbusRtu),
            (On::Pty(_), false) => (Transport::Serial, Form::Text),
        };
        let began = clock.elapsed();
        let actors = cast
            .iter()
            .map(|(driver, options)| Actor::new(driver, options, transport, began));
        let stage = Arc::new(Mutex::new(Stage::new(actors.collect(), form)));
        let (plug, plugged) = watch::channel(true);
        let (at, task) = match on {
            On::Pty(name) => {
                let (path, task) = line::on_pty(name, Arc::clone(&stage), clock, plugged)?;
                (Where::Pty(path), task)
            }
            On::Tcp(address) => {
                let (address, task) = line::on_tcp(&address, Arc::clone(&stage), clock, plugged).await?;
                (Where::Tcp(address), task)
            }
        };
        let line = Arc::new(Played { at, plug, task });
        let instrument = |place| Self {
            stage: Arc::clone(&stage),
            place,
            line: Arc::clone(&line),
        };
        Ok((0..cast.len()).map(instrument).collect())
    }

    /// Where it is, as a configuration names it: a path, or host and port.
    pub fn address(&self) -> String {
        match &self.line.at {
            Where::Pty(path) => path
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .display()
                .to_string(),
            Where::Tcp(address) => address.clone(),
        }
    }

    /// Where it is, for opening it.
    pub fn reached_at(&self) -> Address {
        match &self.line.at {
            Where::Pty(_) => Address::Serial(PathBuf::from(self.address()), WITHOUT_WIRE),
            Where::Tcp(address) => Address::Tcp(address.clone()),
        }
    }

    /// From now on it says this, in the words of samples and screens: `72.4 °C`, `bad: overload`. A value
    /// that moved by itself stays. `Err` says why this kind of instrument never would.
    pub fn set(&self, measure: &str, words: &str) -> Result<(), String> {
        self.actor(|actor| actor.set(measure, words))
    }

    /// From now on this value moves by itself.
    pub fn moves(&self, moving: Moving, now: Duration) {
        self.actor(|actor| actor.moves(moving, now));
    }

    /// A state by its reason, as [`driver::Player::set_state`] has it: `good`, `refused, busy`, `overload`.
    pub fn state(&self, because: &str) -> Result<(), String> {
        self.actor(|actor| actor.player.set_state(because))
    }

    /// Its serial number from now on: an exchange.
    pub fn exchange(&self, serial_number: &str) {
        self.actor(|actor| actor.player.set_identity(serial_number));
    }

    /// Something is wrong from now on. Pulling the plug takes the whole line.
    pub fn fault(&self, fault: Fault) {
        if fault == Fault::Unplugged {
            self.line.plug.send_replace(false);
        } else {
            self.actor(|actor| actor.fault = Some(fault));
        }
    }

    /// All is well again.
    pub fn clear(&self) {
        self.actor(|actor| actor.fault = None);
        self.line.plug.send_replace(true);
    }

    /// How many questions it was asked.
    pub fn asked(&self) -> u64 {
        self.actor(|actor| actor.asked)
    }

    fn actor<T>(&self, act: impl FnOnce(&mut Actor) -> T) -> T {
        act(&mut stage(&self.stage).actors[self.place])
    }
}

fn stage(shared: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pseudo terminal has no speed.
const WITHOUT_WIRE: Line = Line {
    speed: 115_200,
    data_bits: 8,
    parity: 'N',
    stop_bits: 1,
    handshake: Handshake::None,
};
