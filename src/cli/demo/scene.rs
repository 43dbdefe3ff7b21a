//! What happens on the demo's line: the instruments, each played from its own driver, and the batch that a record
//! store would tell. A limit is broken on purpose, and the scale goes silent and comes back.

use crate::{
    flow::needs::{Broker, Clock, Login, Message, Session},
    ports::{clock::SystemClock, mqtt::Mqtt},
    simulate::{Fault, Instrument, Motion, Moving, On, Options},
};
use driver::Driver;
use record::{Stamp, Trouble};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The instruments.
pub(super) struct Scene {
    clock: Arc<SystemClock>,
    temperature: Instrument,
    drive: Instrument,
    scale: Instrument,
    /// Where the temperature was sent last.
    sent_to: Mutex<f64>,
}

impl Scene {
    /// Sets the instruments up, each on a line of its own.
    pub(super) async fn set(data: &Path, clock: Arc<SystemClock>) -> Result<Self, Trouble> {
        let any = || On::Tcp("127.0.0.1:0".into());
        let play = async |file: &str, on: On, moving: Vec<Moving>| {
            let driver = builtin(file)?;
            let options = Options {
                moving,
                ..Options::default()
            };
            Instrument::start(&driver, on, options, clock.clone())
                .await
                .map_err(|error| cannot_play(file, &error.to_string()))
        };
        let temperature = play(
            "tc200.toml",
            any(),
            vec![
                wave("temperature", 20.0, 0.2, 1, "°C"),
                wave("setpoint", 20.0, 0.0, 1, "°C"),
                wave("output", 0.0, 0.0, 1, "%"),
            ],
        )
        .await?;
        let drive = play("mixer-drive.toml", any(), drive_at(0.0)).await?;
        let tty = data.join("scale.tty");
        let scale = play("mt-sics-balance.toml", On::Pty(Some(tty)), vec![pan(0.0, 0.0)]).await?;
        Ok(Self {
            clock,
            temperature,
            drive,
            scale,
            sent_to: Mutex::new(20.0),
        })
    }

    pub(super) fn temperature_at(&self) -> String {
        self.temperature.address()
    }

    pub(super) fn drive_at(&self) -> String {
        self.drive.address()
    }

    pub(super) fn scale_at(&self) -> String {
        self.scale.address()
    }

    fn moves(&self, instrument: &Instrument, all: Vec<Moving>) {
        all.into_iter()
            .for_each(|moving| instrument.moves(moving, self.clock.elapsed()));
    }

    /// Plays one batch in this time.
    pub(super) async fn play(&self, url: &str, batch: &str, length: Duration) -> Result<(), Trouble> {
        let mut teller = Teller::begin(url, batch, self.clock.clone()).await?;
        // The first second is the gateway's: opening, sealing its first page.
        self.clock.sleep(Duration::from_millis(500)).await;
        for act in ACTS {
            self.act(act, &mut teller, length).await?;
        }
        // Late enough that what was held for late context is entered too.
        self.clock.sleep(Duration::from_millis(2500)).await;
        teller.end().await;
        Ok(())
    }

    async fn act(&self, act: &Act, teller: &mut Teller, length: Duration) -> Result<(), Trouble> {
        match act {
            Act::Step(unit, step, title) => teller.step(unit, step, title).await?,
            Act::Done(unit) => teller.done(unit).await?,
            Act::Temperature(to) => {
                let within = length / 25;
                let moving = |from: f64| Moving {
                    measure: "temperature".into(),
                    motion: Motion::Settle {
                        from,
                        to: *to,
                        within,
                        noise: 0.15,
                    },
                    decimals: 1,
                    unit: "°C".into(),
                    unsettled: None,
                };
                let mut sent_to = self.sent_to.lock().unwrap_or_else(PoisonError::into_inner);
                let from = std::mem::replace(&mut *sent_to, *to);
                self.moves(
                    &self.temperature,
                    vec![moving(from), wave("setpoint", *to, 0.0, 1, "°C")],
                );
            }
            Act::Drive(speed) => self.moves(&self.drive, drive_at(*speed)),
            Act::Pan(from, to) => self.moves(&self.scale, vec![pan(*from, *to)]),
            Act::ScaleSilent => self.scale.fault(Fault::Silent),
            Act::ScaleBack => self.scale.clear(),
            Act::Wait(share) => self.clock.sleep(length.mul_f64(*share)).await,
        }
        Ok(())
    }
}

/// One thing that happens.
enum Act {
    Step(&'static str, &'static str, &'static str),
    Done(&'static str),
    Temperature(f64),
    Drive(f64),
    Pan(f64, f64),
    ScaleSilent,
    ScaleBack,
    /// This share of the whole time passes.
    Wait(f64),
}

/// The play. The shares add up to a little less than the whole: starting and ending take time too.
const ACTS: &[Act] = &[
    Act::Step("MX-3", "charge-water", "Charge water"),
    Act::Step("Booth 2", "weigh", "Weigh raw material"),
    Act::Pan(0.0, 250.12),
    Act::Wait(0.10),
    Act::Temperature(68.0),
    Act::Step("MX-3", "heat", "Heat"),
    Act::Wait(0.12),
    Act::ScaleSilent,
    Act::Temperature(72.5),
    Act::Wait(0.08),
    Act::Drive(1500.0),
    Act::Step("MX-3", "emulsify", "Emulsify"),
    Act::Wait(0.08),
    Act::ScaleBack,
    Act::Pan(250.12, 500.04),
    Act::Wait(0.06),
    Act::Temperature(76.4),
    Act::Wait(0.12),
    Act::Temperature(72.4),
    Act::Wait(0.12),
    Act::Done("Booth 2"),
    Act::Drive(90.0),
    Act::Temperature(35.0),
    Act::Step("MX-3", "cool-down", "Cool down"),
    Act::Wait(0.12),
    Act::Done("MX-3"),
];

fn wave(measure: &str, around: f64, noise: f64, decimals: usize, unit: &str) -> Moving {
    let motion = Motion::Wave {
        around,
        swing: noise,
        period: Duration::from_secs(7),
        noise,
    };
    Moving {
        measure: measure.into(),
        motion,
        decimals,
        unit: unit.into(),
        unsettled: None,
    }
}

fn drive_at(speed: f64) -> Vec<Moving> {
    let share = speed / 1500.0;
    vec![
        wave("speed", speed, 8.0 * share, 0, "rpm"),
        wave("current", 1.2 + 10.0 * share, 0.2 * share, 1, "A"),
        wave("torque", 4.0 + 38.0 * share, 0.8 * share, 1, "N·m"),
    ]
}

fn pan(from: f64, to: f64) -> Moving {
    Moving {
        measure: "weight".into(),
        motion: Motion::Settle {
            from,
            to,
            within: Duration::from_millis(700),
            noise: 0.0,
        },
        decimals: 2,
        unit: "g".into(),
        unsettled: Some("not settled".into()),
    }
}

fn builtin(file: &str) -> Result<Driver, Trouble> {
    let found = driver::builtin().iter().find(|(name, _)| *name == file);
    let text = found
        .map(|(_, text)| *text)
        .ok_or_else(|| cannot_play(file, "it is not built in"))?;
    Driver::parse(text, file).map_err(|_| cannot_play(file, "its driver cannot be read"))
}

fn cannot_play(file: &str, why: &str) -> Trouble {
    Trouble::new(
        "demo-no-instrument",
        format!("an instrument cannot be played: {why}"),
    )
    .at(file)
    .means("nothing was recorded")
    .so("may this user open pseudo terminals and loopback ports?")
}

/// Tells the batch as a record store would: numbered, with the whole run history each time, retained.
struct Teller {
    session: Box<dyn Session>,
    clock: Arc<SystemClock>,
    batch: String,
    units: Vec<Told>,
}

struct Told {
    unit: &'static str,
    number: u64,
    started: Stamp,
    ended: Option<Stamp>,
    runs: Vec<(&'static str, &'static str, Stamp, Option<Stamp>)>,
}

impl Teller {
    async fn begin(url: &str, batch: &str, clock: Arc<SystemClock>) -> Result<Self, Trouble> {
        let session = Mqtt.connect(&Login::plain(url, "demo-mes", Vec::new())).await?;
        Ok(Self {
            session,
            clock,
            batch: batch.to_owned(),
            units: Vec::new(),
        })
    }

    /// The step before ends where this one begins.
    async fn step(
        &mut self,
        unit: &'static str,
        step: &'static str,
        title: &'static str,
    ) -> Result<(), Trouble> {
        let now = self.clock.now();
        let at = self
            .units
            .iter()
            .position(|told| told.unit == unit)
            .unwrap_or_else(|| {
                // Numbers go on over every demo on the same broker; the clock is as good a source as any.
                let number = (now.0 / 1000) as u64;
                self.units.push(Told {
                    unit,
                    number,
                    started: now,
                    ended: None,
                    runs: Vec::new(),
                });
                self.units.len() - 1
            });
        let told = &mut self.units[at];
        if let Some(last) = told.runs.last_mut() {
            last.3 = Some(now);
        }
        told.runs.push((step, title, now, None));
        self.tell(at, now).await
    }

    async fn done(&mut self, unit: &'static str) -> Result<(), Trouble> {
        let now = self.clock.now();
        let Some(at) = self.units.iter().position(|told| told.unit == unit) else {
            return Ok(());
        };
        let told = &mut self.units[at];
        told.ended = Some(now);
        if let Some(last) = told.runs.last_mut() {
            last.3 = Some(now);
        }
        self.tell(at, now).await
    }

    async fn tell(&mut self, at: usize, now: Stamp) -> Result<(), Trouble> {
        let told = &mut self.units[at];
        told.number += 1;
        let payload = message(told, &self.batch, now).to_string().into_bytes();
        let topic = format!("steelyard/{}/context/{}", super::NAME, told.unit);
        let message = Message {
            topic,
            payload,
            retain: true,
            ..Message::default()
        };
        let full = || {
            Trouble::new("demo-broker-full", "the demo's broker takes no more messages")
                .means("the batch of the demo cannot go on; what was recorded stays")
                .so("run the demo again")
        };
        self.session.publish(message).map_err(|_| full())
    }

    async fn end(self) {
        self.session.close().await;
    }
}

fn message(told: &Told, batch: &str, now: Stamp) -> Value {
    let time = |at: Option<Stamp>| at.map(|at| at.to_string());
    let runs: Vec<Value> = told
        .runs
        .iter()
        .map(|(step, title, started, ended)| {
            let state = if ended.is_some() { "complete" } else { "running" };
            let mut run = json!({ "step": step, "title": title, "run": 1, "state": state, "started": started.to_string() });
            if let Some(ended) = time(*ended) {
                run["ended"] = ended.into();
            }
            run
        })
        .collect();
    let state = if told.ended.is_some() {
        "complete"
    } else {
        "running"
    };
    let mut batch = json!({
        "id": batch, "product": "Hand cream 50 ml", "recipe": "hand-cream", "revision": "7", "size": "60.0 kg",
        "state": state, "started": told.started.to_string(),
    });
    if let Some(ended) = time(told.ended) {
        batch["ended"] = ended.into();
    }
    json!({ "number": told.number, "sent": now.to_string(), "source": "demo-mes", "batch": batch, "runs": runs })
}
