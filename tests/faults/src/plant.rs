//! A small plant: temperature controllers on Modbus TCP, and the configuration of a gateway beside them. Every answer
//! has a temperature of its own, noted before it is sent.

use crate::outcome::Done;
use std::{
    fmt::Write as _,
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

/// A controller, and what it said.
#[derive(Clone)]
pub struct Controller {
    pub port: u16,
    said: Arc<Mutex<Vec<u32>>>,
    silent: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
}

impl Controller {
    /// Listens on a port of its own until the process ends.
    pub fn start() -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let controller = Self {
            port: listener.local_addr()?.port(),
            said: Arc::default(),
            silent: Arc::default(),
            asked: Arc::default(),
        };
        let own = controller.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                // holds because a connection that breaks is opened again by whoever asks
                thread::spawn(move || drop(own.serve(stream)));
            }
        });
        Ok(controller)
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        loop {
            let mut head = [0; 7];
            stream.read_exact(&mut head)?;
            let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
            let mut body = vec![0; length.saturating_sub(1)];
            stream.read_exact(&mut body)?;
            self.asked.fetch_add(1, Ordering::Relaxed);
            if self.silent.load(Ordering::Relaxed) {
                continue;
            }
            let said = self.answer(&body);
            let mut frame = head[..4].to_vec();
            frame.extend((said.len() as u16 + 1).to_be_bytes());
            frame.push(head[6]);
            frame.extend(said);
            stream.write_all(&frame)?;
        }
    }

    /// Function 4, four registers from 0: temperature, set-point, output, status.
    fn answer(&self, body: &[u8]) -> Vec<u8> {
        match body {
            [4, 0, 0, 0, 4] => {
                let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                let temperature = 200 + (said.len() % 400) as u32;
                said.push(temperature);
                let mut answer = vec![4, 8];
                for word in [temperature as u16, 300, 413, 1] {
                    answer.extend(word.to_be_bytes());
                }
                answer
            }
            [function, ..] => vec![function | 0x80, 2],
            [] => Vec::new(),
        }
    }

    /// Says nothing from now on, or speaks again.
    pub fn silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }

    /// How often it was asked.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Whether these values were said, each once and in this order; how many are not.
    pub fn not_said(&self, values: &[String]) -> usize {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = said.iter();
        let said = |value: &&String| {
            let wanted = |said: &&u32| format!("{}.{}", **said / 10, **said % 10) == **value;
            rest.by_ref().find(wanted).is_none()
        };
        values.iter().filter(said).count()
    }
}

/// How a gateway is set up.
#[derive(Debug, Clone)]
pub struct Setting {
    pub name: String,
    pub broker: String,
    /// The key whose receipts count.
    pub store_key: PathBuf,
    pub seal_within: &'static str,
    pub every: &'static str,
    pub stop_below: &'static str,
    pub zone: &'static str,
    pub window: u32,
}

impl Setting {
    /// Flat out, with nobody at the broker's port.
    pub fn alone(store_key: PathBuf) -> Self {
        Self {
            name: "line-9".into(),
            broker: "mqtt://127.0.0.1:1".into(),
            store_key,
            seal_within: "10 ms",
            every: "20 ms",
            stop_below: "1 MiB",
            zone: "UTC",
            window: 64,
        }
    }

    /// Writes the configuration: what the gateway makes lies in `place/state`, so that
    /// all of it can lie on a disk of ours.
    pub fn write(&self, place: &Path, controllers: &[Controller]) -> Done<PathBuf> {
        let mut text = format!(
            r#"format = 1

[gateway]
name               = "{name}"
plant              = "Test"
use                = "qualification"
zone               = "{zone}"
ledger             = "{place}/state/ledger"
signing_key        = "{place}/state/gateway.key"
stop_capture_below = "{below}"
seal_within        = "{seal}"
segment_size       = "4 MiB"
settle             = "100 ms"

[record_store]
broker = "{broker}"
key    = "{key}"
window = {window}

[unit.MX-1]
title        = "Mixer"
kind         = "mixer"
without_step = "{every}"

[unit.MX-1.roles]
"#,
            name = self.name,
            zone = self.zone,
            place = place.display(),
            below = self.stop_below,
            seal = self.seal_within,
            broker = self.broker,
            key = self.store_key.display(),
            window = self.window,
            every = self.every,
        );
        for number in 1..=controllers.len() {
            // holds because a string takes whatever is written into it
            let _ = writeln!(text, "temperature-{number} = \"TC-{number}.temperature\"");
        }
        for (number, controller) in (1..).zip(controllers) {
            let _ = write!(
                text,
                r#"
[equipment.TC-{number}]
title             = "Temperature {number}"
driver            = "tc200"
edition           = 2
modbus_tcp        = "127.0.0.1:{port}"
unit_id           = 1
every             = "{every}"
record_with_draft = true

[[capture]]
at            = "MX-1"
what          = "temperature-{number}"
every         = "reading"
must_be       = "10.0 to 70.0 °C"
missing_after = "2 s"
"#,
                port = controller.port,
                every = self.every,
            );
        }
        text.push_str("\n[web]\nlisten = \"127.0.0.1:0\"\n");
        let path = place.join("steelyard.toml");
        fs::write(&path, text)?;
        Ok(path)
    }
}
