//! The gateway at work: one task that owns the line, the numbers and the board, and hears everything.
//!
//! It decides little itself: the line binds and judges, the recorder numbers, the sealer makes durable, delivery
//! delivers. Nothing is said to be captured before the sealer said so.

mod books;
mod captured;
pub(super) mod clocks;
mod commands;
mod due;
pub(super) mod equipment;
mod figures;
mod heard;
mod links;
mod proven;
mod room;
mod show;
pub(super) mod stations;

use super::{
    acts::Control,
    delivery::{DeliveryView, FromDelivery, ToDelivery},
    indexing::{ToIndex, facts_of},
    link_set::LinkSet,
    master::{Arrived, Ready},
    proving::Damaged,
    sealing::{FromSealer, ToSealer},
    tap::Tap,
};
use crate::{
    config::plant::Plant,
    flow::{
        accept::Accepted,
        access::Access,
        board::{Board, Call, Urgency},
        clock::{BoundClock, ClockWatch},
        enter::{Enter, Entered, Recorder},
        line::{Line, LineAction, LineEvent},
        link::{LinkOutput, Standings},
        master::{Kind, Store},
        needs::{Clock, Disk, Message},
        people::{Panels, People, Spent},
        proof::Progress,
        pulse::Heart,
        room::Room,
    },
    ports::machine,
};
use record::{Draft, Hash, Stamp, Trouble};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot, watch};

/// What somebody beside may want to hear: the terminal of the demo.
#[derive(Debug, Clone)]
pub enum Told {
    /// A change of state, in four parts.
    Say(Trouble),
    /// An entry that is no reading is captured.
    Captured { kind: &'static str, line: Vec<u8> },
    /// The record store has a page.
    Connected(bool),
}

/// The gateway's core.
pub(crate) struct Core {
    pub clock: Arc<dyn Clock>,
    /// The same clock, to be told what receipts say of it.
    pub bound: Arc<BoundClock>,
    pub disk: Arc<dyn Disk>,
    pub plant: Plant,
    pub line: Line,
    pub recorder: Recorder,
    pub people: People,
    pub panels: Panels,
    /// People and panels as the screens know them.
    pub access: watch::Sender<Arc<Access>>,
    /// What the plant says of its orders, lots, containers, check weights and people.
    pub master: watch::Sender<Arc<Store>>,
    pub to_master: mpsc::UnboundedSender<Arrived>,
    pub sealer: SyncSender<ToSealer>,
    pub index: mpsc::UnboundedSender<ToIndex>,
    pub delivery: mpsc::UnboundedSender<ToDelivery>,
    pub view: watch::Receiver<DeliveryView>,
    pub board: watch::Sender<Arc<Board>>,
    pub told: Option<mpsc::UnboundedSender<Told>>,
    pub topic: String,
    pub links: LinkSet,
    pub stations: stations::Stations,
    /// How far the check of closed segments is.
    pub proof: watch::Receiver<Progress>,
    pub state: State,
}

/// What the core keeps in mind.
#[derive(Default)]
pub(crate) struct State {
    /// The number of the last entry that is captured.
    pub captured: u64,
    /// Numbers up to it that no entry has: epochs begin above what may have been given.
    pub never_given: u64,
    pub last_page: u64,
    pub epoch: u64,
    pub last_sealed: Option<Stamp>,
    pub broker_lost_since: Option<Stamp>,
    /// What waits for an entry to be captured: replies to context, answers to acts.
    pub waiting: VecDeque<(u64, Waiter)>,
    /// Commands that persons gave and that are under way.
    pub orders: commands::Orders,
    /// Whether capture is alive.
    pub heart: Heart,
    /// Calls of the gateway itself: name, call.
    pub calls: Vec<Call>,
    pub readings: VecDeque<(Duration, u64)>,
    pub bytes: VecDeque<(Duration, u64)>,
    pub room: Room,
    /// Batches that began, by unit, since room was looked at.
    pub begun: Vec<(String, String)>,
    pub books: books::Kept,
    pub stopped_since: Option<Stamp>,
    pub stopped_because: String,
    pub clock: ClockWatch,
    /// Figures on their way beside the ledger: they wait until everything they count is captured.
    pub figures: figures::Waiting,
    pub last_status: Duration,
    pub last_look: Duration,
    pub last_alive: Duration,
    pub last_captured_at: Duration,
    pub free: Option<u64>,
    /// What was told of calibrations that end.
    pub due_told: HashMap<String, i32>,
    /// The files of master data that count.
    pub master_held: Vec<(Kind, Hash)>,
    /// The last refusal of master data that was entered.
    pub master_refused: Option<(Kind, String, Stamp)>,
    /// Context over HTTP of the last second, and the last refused try of each unit.
    pub context_puts: VecDeque<Duration>,
    pub context_refused: HashMap<String, Duration>,
    /// Argon2id runs made already for the act at hand.
    pub spent: Spent,
    /// Versions of people and panels that the screens were told last.
    pub access_shown: (u64, u64),
    /// How each instrument stands, as the record says it.
    pub standings: Standings,
    /// Somebody at the bench, listening in.
    pub tap: Tap,
    /// Equipment whose display was compared with what is captured.
    pub accepted: Accepted,
}

pub(crate) enum Waiter {
    Say(Message),
    Answer(oneshot::Sender<Result<String, Trouble>>, Result<String, Trouble>),
}

/// The books go on from what the ledger holds.
pub(super) fn books_from(tallies: crate::ports::index::Tallies) -> books::Kept {
    books::Kept::from(tallies)
}

/// What the core hears.
pub(crate) struct Ears {
    pub links: mpsc::Receiver<LinkOutput>,
    pub sealer: mpsc::UnboundedReceiver<FromSealer>,
    pub delivery: mpsc::UnboundedReceiver<FromDelivery>,
    pub control: mpsc::Receiver<Control>,
    pub master: mpsc::Receiver<Ready>,
    pub printed: mpsc::UnboundedReceiver<stations::Printed>,
    pub damaged: mpsc::Receiver<Damaged>,
    pub stop: watch::Receiver<bool>,
}

const TICK: Duration = Duration::from_millis(100);
/// A status that no longer comes, or whose heartbeat stands still, means not recording.
const STATUS_EVERY: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_secs(5);

impl Core {
    /// Works until told to stop; ends when everything entered is captured.
    pub(super) async fn run(mut self, mut ears: Ears) -> Result<(), Trouble> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let mut stop = ears.stop.clone();
            tokio::select! {
                biased;
                () = told_to(&mut stop) => return self.stop(ears).await,
                Some(word) = ears.sealer.recv() => self.sealed(word)?,
                Some(word) = ears.delivery.recv() => self.delivered(word)?,
                Some(control) = ears.control.recv() => self.control(control, &mut ears).await?,
                Some(ready) = ears.master.recv() => self.master_ready(ready)?,
                Some(printed) = ears.printed.recv() => self.printed(printed)?,
                Some(damaged) = ears.damaged.recv() => self.damaged(damaged, &mut ears).await?,
                Some(output) = ears.links.recv() => {
                    self.link(output)?;
                    for _ in 0..256 {
                        let Ok(output) = ears.links.try_recv() else { break };
                        self.link(output)?;
                    }
                }
                _ = tick.tick() => self.tick()?,
            }
        }
    }

    pub(super) fn event(&mut self, event: LineEvent) -> Result<(), Trouble> {
        let actions = self.line.next(event, &mut self.recorder);
        let last = self.recorder.next() - 1;
        self.hand_on()?;
        for action in actions {
            match action {
                LineAction::Reply { unit, accepted, text } => {
                    tracing::info!(unit, accepted, "context");
                    let text = self.reply(text);
                    let message = Message {
                        topic: format!("{}/context/{unit}/reply", self.topic),
                        payload: text.into_bytes(),
                        ..Message::default()
                    };
                    self.when_captured(last, Waiter::Say(message));
                }
                LineAction::Say(trouble) => self.say(trouble),
            }
        }
        Ok(())
    }

    /// What answers a context message also says when no new batch is welcome.
    fn reply(&self, text: String) -> String {
        if self.welcomes_batches() {
            return text;
        }
        let Ok(serde_json::Value::Object(mut words)) = serde_json::from_str(&text) else {
            return text;
        };
        let room = "no new batch is welcome: there is room for less than 6 h";
        words.insert("room".into(), room.into());
        serde_json::Value::Object(words).to_string()
    }

    /// Enters something of the gateway's own.
    pub(super) fn enter(&mut self, draft: Draft) -> Result<Entered, Trouble> {
        let (kind, time) = (draft.kind(), draft.time);
        let entered = self.recorder.enter(draft);
        self.hand_on()?;
        if matches!(
            kind,
            "start" | "stop" | "clock" | "configuration" | "key" | "epoch"
        ) {
            let Entered { seq, leaf } = entered;
            self.event(LineEvent::GatewayEntry {
                seq,
                leaf,
                kind: kind.into(),
                time,
            })?;
        }
        Ok(entered)
    }

    /// Hands what was entered to the sealer. A slow disk makes the line wait here, which is the honest place.
    pub(super) fn hand_on(&mut self) -> Result<(), Trouble> {
        for line in self.recorder.take() {
            self.state.books.readings.numbered += u64::from(line.kind == "reading");
            tokio::task::block_in_place(|| self.sealer.send(ToSealer::Line(line))).map_err(|_| {
                Trouble::new("sealer-gone", "the sealer has ended")
                    .means("nothing more is captured; what was captured is untouched")
                    .so("the gateway ends, starts again and reads back what is there")
            })?;
        }
        for trouble in self.recorder.troubles() {
            self.say(trouble);
        }
        Ok(())
    }

    pub(super) fn when_captured(&mut self, seq: u64, waiter: Waiter) {
        if seq <= self.state.captured {
            self.answer(waiter);
        } else {
            self.state.waiting.push_back((seq, waiter));
        }
    }

    fn answer(&mut self, waiter: Waiter) {
        match waiter {
            // holds because when delivery has ended the source asks again
            Waiter::Say(message) => drop(self.delivery.send(ToDelivery::Say(message))),
            // holds because who asked may have gone; the act is in the record all the same
            Waiter::Answer(to, text) => drop(to.send(text)),
        }
    }

    pub(super) fn say(&mut self, trouble: Trouble) {
        tracing::warn!(
            name = trouble.name,
            place = trouble.place,
            record = trouble.record,
            r#do = trouble.action,
            "{}",
            trouble.what
        );
        self.tell(Told::Say(trouble));
    }

    /// Says something that stays on the screen until somebody did something about it.
    pub(super) fn alarm(&mut self, trouble: Trouble) {
        let now = self.clock.now();
        self.call(trouble.name.to_owned(), Urgency::Act, &trouble, now);
        self.say(trouble);
    }

    fn tell(&self, told: Told) {
        if let Some(to) = &self.told {
            // holds because a terminal that has gone needs nothing any more
            let _ = to.send(told);
        }
    }

    pub(super) fn call(&mut self, id: String, urgency: Urgency, words: &Trouble, since: Stamp) {
        self.state.calls.retain(|call| call.id != id);
        self.state.calls.push(Call {
            id,
            urgency,
            what: words.what.clone(),
            record: words.record.clone(),
            action: words.action.clone(),
            since,
        });
    }

    fn tick(&mut self) -> Result<(), Trouble> {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        self.clocks(now, elapsed)?;
        self.event(LineEvent::Tick { now })?;
        self.equipment_time(now)?;
        self.stations_pass()?;
        self.orders_overdue()?;
        if elapsed.saturating_sub(self.state.last_look) >= LOOK_EVERY {
            self.state.last_look = elapsed;
            self.room(now)?;
            self.books(now)?;
            self.calibrations_due(now);
        }
        if elapsed.saturating_sub(self.state.last_status) >= STATUS_EVERY {
            self.state.last_status = elapsed;
            self.status(now);
        }
        self.keep_figures(false);
        self.alive(elapsed);
        self.show(now);
        Ok(())
    }

    /// The service manager hears of us only while what is entered also becomes durable.
    fn alive(&mut self, elapsed: Duration) {
        let all_captured = self.recorder.next() - 1 == self.state.captured;
        let moving = elapsed.saturating_sub(self.state.last_captured_at) < Duration::from_secs(10);
        if (all_captured || moving) && elapsed.saturating_sub(self.state.last_alive) >= Duration::from_secs(1)
        {
            self.state.last_alive = elapsed;
            machine::alive();
        }
    }

    /// Waits until everything entered is captured, and the index knows it.
    pub(super) async fn settle(&mut self, ears: &mut Ears) -> Result<(), Trouble> {
        self.hand_on()?;
        while self.state.captured + 1 < self.recorder.next() {
            let Some(word) = ears.sealer.recv().await else {
                break;
            };
            self.sealed(word)?;
        }
        let (done, wait) = oneshot::channel();
        if self.index.send(ToIndex::Flush(done)).is_ok() {
            // holds because an index that ended is made again at the next start
            let _ = wait.await;
        }
        Ok(())
    }

    /// Stops in order: what is held is entered, then the stop, then everything is sealed.
    async fn stop(mut self, mut ears: Ears) -> Result<(), Trouble> {
        machine::stopping();
        self.links.stop_all().await;
        while let Ok(output) = ears.links.try_recv() {
            self.link(output)?;
        }
        let now = self.clock.now();
        self.event(LineEvent::Stopping { now })?;
        self.enter(Draft::new("stop", now).with("because", "asked"))?;
        self.hand_on()?;
        self.keep_figures(true);
        // holds because a sealer that failed says so below
        let _ = self.sealer.send(ToSealer::Stop);
        while let Some(word) = ears.sealer.recv().await {
            if matches!(word, FromSealer::Ended) {
                break;
            }
            self.sealed(word)?;
        }
        self.show(now);
        Ok(())
    }
}

/// Waits until it is said that the gateway stops, or until nobody can say so any more.
async fn told_to(stop: &mut watch::Receiver<bool>) {
    // holds because either way there is nothing to wait for any more
    let _ = stop.wait_for(|stop| *stop).await;
}
