//! The gateway at work: one task that owns the line, the numbers and the board, and hears everything.
//!
//! It decides little itself: the line binds and judges, the recorder numbers, the sealer makes durable, delivery
//! delivers. Nothing is said to be captured before the sealer said so.

use super::{
    control::{Asked, Control},
    delivery::{DeliveryView, FromDelivery, ToDelivery},
    indexing::{ToIndex, facts_of},
    sealing::{FromSealer, ToSealer},
    start::LinkSet,
};
use crate::{
    config::plant::{Authority, Plant},
    flow::{
        board::{Board, Call, RecordView, Urgency},
        enter::{Enter, Entered, Recorder},
        ledger::Place,
        line::{self, Line, LineAction, LineEvent},
        link::{Change, LinkOutput, News},
        needs::{Clock, Disk, Message},
        people::People,
    },
    ports::machine,
};
use record::{Draft, Failure, Line as Entry, Stamp, Trouble, Unit};
use std::{
    collections::VecDeque,
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
pub(super) struct Core {
    pub clock: Arc<dyn Clock>,
    pub disk: Arc<dyn Disk>,
    pub plant: Plant,
    pub line: Line,
    pub recorder: Recorder,
    pub people: People,
    pub sealer: SyncSender<ToSealer>,
    pub index: mpsc::UnboundedSender<ToIndex>,
    pub delivery: mpsc::UnboundedSender<ToDelivery>,
    pub view: watch::Receiver<DeliveryView>,
    pub board: watch::Sender<Arc<Board>>,
    pub told: Option<mpsc::UnboundedSender<Told>>,
    pub topic: String,
    pub links: LinkSet,
    pub state: State,
}

/// What the core keeps in mind.
#[derive(Default)]
pub(super) struct State {
    pub captured: u64,
    pub last_page: u64,
    pub epoch: u64,
    pub last_sealed: Option<Stamp>,
    pub broker_lost_since: Option<Stamp>,
    /// What waits for an entry to be captured: replies to context, answers to acts.
    pub waiting: VecDeque<(u64, Waiter)>,
    /// Calls of the gateway itself: name, call.
    pub calls: Vec<Call>,
    pub readings: VecDeque<(Duration, u64)>,
    pub bytes: VecDeque<(Duration, u64)>,
    pub stopped_since: Option<Stamp>,
    pub stopped_because: String,
    pub clock_offset: Option<i64>,
    pub was_synchronised: Option<&'static str>,
    pub last_status: Duration,
    pub last_look: Duration,
    pub last_alive: Duration,
    pub last_captured_at: Duration,
    pub free: Option<u64>,
}

pub(super) enum Waiter {
    Say(Message),
    Answer(oneshot::Sender<Result<String, Trouble>>, String),
}

/// What the core hears.
pub(super) struct Ears {
    pub links: mpsc::Receiver<LinkOutput>,
    pub sealer: mpsc::UnboundedReceiver<FromSealer>,
    pub delivery: mpsc::UnboundedReceiver<FromDelivery>,
    pub control: mpsc::Receiver<Control>,
    pub stop: watch::Receiver<bool>,
}

const TICK: Duration = Duration::from_millis(100);
const STATUS_EVERY: Duration = Duration::from_secs(10);
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
            Waiter::Answer(to, text) => drop(to.send(Ok(text))),
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

    fn link(&mut self, output: LinkOutput) -> Result<(), Trouble> {
        match output {
            LinkOutput::Reading(reading) => {
                self.count_reading();
                if self.state.stopped_since.is_some() {
                    return Ok(());
                }
                let now = self.clock.now();
                let event = match reading.failure {
                    Some(failure) => LineEvent::Failed {
                        point: reading.point,
                        since: reading.asked,
                        because: failure.word(),
                        note: reading.answer.because().unwrap_or_default().to_owned(),
                        now,
                    },
                    None => LineEvent::Reading(line::Reading {
                        point: reading.point,
                        answer: reading.answer,
                        raw: reading.raw,
                        time: reading.time,
                        read: now,
                    }),
                };
                self.event(event)
            }
            LinkOutput::News(news) => self.news(&news),
        }
    }

    fn count_reading(&mut self) {
        let second = Duration::from_secs(self.clock.elapsed().as_secs());
        match self.state.readings.back_mut() {
            Some((at, count)) if *at == second => *count += 1,
            _ => self.state.readings.push_back((second, 1)),
        }
        while self.state.readings.len() > 11 {
            self.state.readings.pop_front();
        }
    }

    /// A change on a line: said once; what it means for each point is the line's to say.
    fn news(&mut self, news: &News) -> Result<(), Trouble> {
        let words = news.words();
        let now = self.clock.now();
        let failed: Option<(&'static str, String)> = match &news.change {
            Change::Unplugged { because } | Change::CannotOpen { because } => {
                Some(("unplugged", because.clone()))
            }
            Change::Silent { .. } => Some((Failure::Silent.word(), String::new())),
            _ => None,
        };
        if let Some((because, note)) = failed {
            let points = self
                .plant
                .units
                .iter()
                .flat_map(|unit| unit.roles.iter().map(|(_, point)| point.clone()));
            let points: Vec<_> = points.filter(|point| news.tags.contains(&point.tag)).collect();
            for point in points {
                self.event(LineEvent::Failed {
                    point,
                    since: news.at,
                    because,
                    note: note.clone(),
                    now,
                })?;
            }
        }
        if let Change::AnotherInstrument { says, configured } = &news.change {
            for tag in &news.tags {
                let draft = Draft::new("equipment-status", now).with("equipment", tag.as_str());
                let draft = draft
                    .with("state", "doubtful")
                    .with("because", "another-instrument");
                self.enter(
                    draft
                        .data("found", says.as_str())
                        .data("serial_number", configured.as_str()),
                )?;
            }
        }
        let id = format!("link-{}", news.link);
        self.state.calls.retain(|call| call.id != id);
        if matches!(
            news.change,
            Change::AnotherInstrument { .. } | Change::AnotherMaster { .. }
        ) {
            self.call(id, Urgency::Doubt, &words, now);
        }
        if news.is_recovery() {
            tracing::info!(name = words.name, place = words.place, "{}", words.what);
            self.tell(Told::Say(words));
        } else {
            self.say(words);
        }
        Ok(())
    }

    fn call(&mut self, id: String, urgency: Urgency, words: &Trouble, since: Stamp) {
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

    pub(super) fn sealed(&mut self, word: FromSealer) -> Result<(), Trouble> {
        match word {
            FromSealer::Captured(place, lines) => {
                self.captured(&place);
                for line in lines
                    .iter()
                    .filter(|line| line.kind != "reading" && line.kind != "file")
                {
                    self.remember(line.kind, &line.line);
                    self.tell(Told::Captured {
                        kind: line.kind,
                        line: line.line.clone(),
                    });
                }
                // holds because an index that ended is made again at the next start
                let _ = self.index.send(ToIndex::Page(facts_of(place, lines)));
                // holds because delivery that ended goes on from the ledger at the next start
                let _ = self.delivery.send(ToDelivery::Captured(place));
                Ok(())
            }
            FromSealer::Ended => Ok(()),
            FromSealer::Failed(trouble) => Err(trouble),
        }
    }

    /// An excursion that is over still calls for somebody to look, until the next batch begins in its unit.
    fn remember(&mut self, kind: &str, line: &[u8]) {
        if !matches!(kind, "excursion" | "batch") {
            return;
        }
        let Ok(line) = Entry::read(line) else { return };
        let of = |name| line.text(name).unwrap_or_default();
        let unit = format!("over-{}-", of("unit"));
        if kind == "batch" && of("state") == "running" {
            self.state.calls.retain(|call| !call.id.starts_with(&unit));
        }
        let (Some(opened), Some(since)) = (line.int("opened"), Stamp::read(&of("time"))) else {
            return;
        };
        let data = |name| line.data_text(name).unwrap_or_default();
        let shown = Unit::named(&data("in")).map_or_else(|| data("in"), |unit| unit.shown().to_owned());
        let seconds = (line.data_int("duration_ms").unwrap_or_default() + 500) / 1000;
        let (side, limit) = (data("side"), data("limit"));
        let words = Trouble::new(
            "excursion-over",
            format!("{} was {side} {limit} {shown} for {seconds} s", of("role")),
        )
        .means(format!(
            "It came to {} {shown}. Stored as excursion {opened}.",
            data("extreme")
        ))
        .so("Quality looks at it when the batch is reviewed.");
        self.call(format!("{unit}{opened}"), Urgency::Look, &words, since);
    }

    fn captured(&mut self, place: &Place) {
        let now = self.clock.elapsed();
        let state = &mut self.state;
        state.captured = place.first + place.count - 1;
        state.last_page = place.page;
        state.epoch = place.epoch;
        state.last_sealed = Some(place.sealed);
        state.last_captured_at = now;
        let second = Duration::from_secs(now.as_secs());
        let bytes = place.length.next_multiple_of(crate::flow::ledger::BLOCK);
        match state.bytes.back_mut() {
            Some((at, sum)) if *at == second => *sum += bytes,
            _ => state.bytes.push_back((second, bytes)),
        }
        while state.bytes.len() > 600 {
            state.bytes.pop_front();
        }
        while self
            .state
            .waiting
            .front()
            .is_some_and(|(seq, _)| *seq <= self.state.captured)
        {
            if let Some((_, waiter)) = self.state.waiting.pop_front() {
                self.answer(waiter);
            }
        }
    }

    fn delivered(&mut self, word: FromDelivery) -> Result<(), Trouble> {
        let now = self.clock.now();
        match word {
            FromDelivery::Connected => {
                self.state.broker_lost_since = None;
                tracing::info!("the broker is connected");
                self.tell(Told::Connected(true));
                self.status(now);
                Ok(())
            }
            FromDelivery::Lost(trouble) => {
                self.state.broker_lost_since.get_or_insert(now);
                self.tell(Told::Connected(false));
                self.say(trouble.means(
                    "nothing is lost: entries are sealed and kept here until the record store has them",
                ));
                for unit in self
                    .plant
                    .units
                    .iter()
                    .map(|unit| unit.name.clone())
                    .collect::<Vec<_>>()
                {
                    self.event(LineEvent::ContextSourceSilent { unit, now })?;
                }
                Ok(())
            }
            FromDelivery::Arrived { topic, payload } => self.arrived(&topic, payload, now),
            FromDelivery::SetAside(place, because) => {
                let draft = Draft::new("exception", now).with("because", "page-refused");
                let draft = draft
                    .with("about", format!("page {}", place.page))
                    .data("says", because.as_str());
                self.enter(draft)?;
                let words = Trouble::new(
                    "page-refused",
                    format!("the record store refused page {}: {because}", place.page),
                )
                .means(format!(
                    "entries {} to {} are kept, sealed, and set aside; the rest goes on",
                    place.first,
                    place.first + place.count - 1
                ))
                .so("settle the reason at the record store, then send the page again");
                self.call(format!("refused-{}", place.page), Urgency::Act, &words, now);
                self.say(words);
                Ok(())
            }
            FromDelivery::Fork(place) => {
                let draft = Draft::new("exception", now).with("because", "store-fork");
                self.enter(draft.with("about", format!("page {}", place.page)))?;
                let words = Trouble::new("store-fork", format!("the record store holds another page {} under this ledger's name", place.page))
                    .means("delivery stops; capture goes on, and both histories are kept")
                    .so("find the second gateway or the restored image that seals under this name, and tell quality");
                self.call("fork".into(), Urgency::Act, &words, now);
                self.say(words);
                Ok(())
            }
            FromDelivery::NoReceipt(page, since) => {
                tracing::warn!(
                    page,
                    seconds = since.as_secs(),
                    "delivered, but not receipted; sent again"
                );
                Ok(())
            }
            FromDelivery::NotTheStore(why) => {
                tracing::warn!(
                    why,
                    "a word on the receipts topic is not the record store's; it counts for nothing"
                );
                Ok(())
            }
            FromDelivery::Failed(trouble) => Err(trouble),
        }
    }

    fn arrived(&mut self, topic: &str, payload: Vec<u8>, now: Stamp) -> Result<(), Trouble> {
        let prefix = format!("{}/context/", self.topic);
        match topic.strip_prefix(&prefix) {
            Some(unit) if !unit.contains('/') => self.event(LineEvent::Context {
                unit: unit.to_owned(),
                via: Authority::Mqtt,
                bytes: payload,
                now,
            }),
            _ => Ok(()),
        }
    }

    fn tick(&mut self) -> Result<(), Trouble> {
        let (now, elapsed) = (self.clock.now(), self.clock.elapsed());
        self.clocks(now, elapsed)?;
        self.event(LineEvent::Tick { now })?;
        if elapsed.saturating_sub(self.state.last_look) >= LOOK_EVERY {
            self.state.last_look = elapsed;
            self.room(now)?;
        }
        if elapsed.saturating_sub(self.state.last_status) >= STATUS_EVERY {
            self.state.last_status = elapsed;
            self.status(now);
        }
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

    /// The wall clock against the one that never steps.
    fn clocks(&mut self, now: Stamp, elapsed: Duration) -> Result<(), Trouble> {
        let offset = now.0 - elapsed.as_millis() as i64;
        let before = *self.state.clock_offset.get_or_insert(offset);
        let step = offset - before;
        let limit = self.plant.gateway.clock_may_differ_by.as_millis() as i64;
        if step.abs() > limit {
            self.state.clock_offset = Some(offset);
            let draft = Draft::new("clock", now)
                .with("because", "step")
                .data("step_ms", step);
            self.enter(draft.data("before", now.plus_ms(-step)).data("after", now))?;
            self.say(
                Trouble::new("clock-step", format!("the clock stepped by {step} ms"))
                    .means("order is certain, it never comes from the clock; the step is an entry")
                    .so("find out who set the clock; a time server should keep it"),
            );
        }
        let (sync, error) = self.clock.sync();
        let word = sync.word();
        let was = *self.state.was_synchronised.get_or_insert(word);
        if was != word {
            self.state.was_synchronised = Some(word);
            let because = match word {
                "synchronised" => "synchronised",
                "unsynchronised" => "lost",
                _ => "unknown",
            };
            self.enter(
                Draft::new("clock", now)
                    .with("because", because)
                    .data("error_ms", error),
            )?;
        }
        Ok(())
    }

    /// Room on the disk: capture stops visibly before there is none, and resumes by itself.
    fn room(&mut self, now: Stamp) -> Result<(), Trouble> {
        let Ok(free) = self.disk.free() else { return Ok(()) };
        self.state.free = Some(free);
        let below = free < self.plant.gateway.stop_capture_below;
        match (below, self.state.stopped_since) {
            (true, None) => {
                self.enter(
                    Draft::new("exception", now)
                        .with("because", "capture-stopped")
                        .data("found", free),
                )?;
                self.state.stopped_since = Some(now);
                self.state.stopped_because = format!("{} MiB are free, below stop_capture_below", free >> 20);
                let words = Trouble::new("capture-stopped", format!("capture has stopped: {}", self.state.stopped_because))
                    .means("nothing captured is lost; from now on readings are a gap, which is entered when capture resumes")
                    .so("make room on the disk, or bring the record store back; capture resumes by itself");
                self.call("capture-stopped".into(), Urgency::Act, &words, now);
                self.say(words);
            }
            (false, Some(since)) => {
                self.state.stopped_since = None;
                self.state.stopped_because.clear();
                self.state.calls.retain(|call| call.id != "capture-stopped");
                self.enter(Draft::new("exception", now).with("because", "capture-resumed"))?;
                self.event(LineEvent::WasOff {
                    from: since,
                    until: now,
                    because: "no-room",
                })?;
                self.say(
                    Trouble::new("capture-resumed", "capture goes on: there is room again")
                        .means("the time between is a gap in the record"),
                );
            }
            _ => {}
        }
        Ok(())
    }

    /// Room in hours at the present rate.
    fn hours_left(&self) -> Option<f64> {
        let (first, last) = (self.state.bytes.front()?.0, self.clock.elapsed());
        let seconds = last.saturating_sub(first).as_secs_f64();
        if seconds < 10.0 {
            return None;
        }
        let sum: u64 = self.state.bytes.iter().map(|(_, bytes)| bytes).sum();
        let room = self
            .state
            .free?
            .saturating_sub(self.plant.gateway.stop_capture_below);
        Some(room as f64 / (sum as f64 / seconds) / 3600.0)
    }

    fn record_view(&self) -> RecordView {
        let view = self.view.borrow();
        let (sync, error) = self.clock.sync();
        RecordView {
            captured: self.state.captured,
            sealed: self.state.captured,
            delivered: view.counts.delivered,
            receipted: view.counts.receipted,
            last_sealed: self.state.last_sealed,
            oldest_pending: view.oldest.map(|place| place.sealed),
            set_aside: view.counts.set_aside_pages,
            broker_connected: view.connected,
            broker_lost_since: self.state.broker_lost_since,
            clock: sync.word().to_owned(),
            clock_error_ms: error,
            hours_left: self.hours_left(),
            capturing: self.state.stopped_since.is_none(),
            stopped_because: self.state.stopped_because.clone(),
            last_page: self.state.last_page,
            epoch: self.state.epoch,
        }
    }

    pub(super) fn show(&mut self, now: Stamp) {
        let (units, mut calls) = self.line.view(now);
        calls.extend(self.state.calls.iter().cloned());
        calls.sort_by(|a, b| a.urgency.cmp(&b.urgency).then(a.since.cmp(&b.since)));
        let seconds = Duration::from_secs(self.clock.elapsed().as_secs());
        let recent = self
            .state
            .readings
            .iter()
            .filter(|(at, _)| *at < seconds && *at + Duration::from_secs(10) >= seconds);
        let (count, span) = recent.fold((0, 0), |(count, span), (_, more)| (count + more, span + 1));
        let board = Board {
            gateway: self.plant.gateway.name.clone(),
            plant: self.plant.gateway.plant.clone(),
            usage: self.plant.gateway.usage.word().to_owned(),
            units,
            calls,
            record: self.record_view(),
            now,
            zone: self.plant.gateway.zone.clone(),
            readings_per_second: count as f64 / f64::from(span.max(1)),
        };
        self.board.send_replace(Arc::new(board));
    }

    /// The retained word on `…/status`.
    pub(super) fn status(&mut self, now: Stamp) {
        let record = self.record_view();
        let units: serde_json::Map<String, serde_json::Value> = self
            .plant
            .units
            .iter()
            .map(|unit| (unit.name.clone(), record.capturing.into()))
            .collect();
        let status = serde_json::json!({
            "alive": true,
            "at": now.to_string(),
            "gateway": self.plant.gateway.name,
            "use": self.plant.gateway.usage.word(),
            "version": env!("CARGO_PKG_VERSION"),
            "recording": units,
            "epoch": record.epoch,
            "page": record.last_page,
            "captured": record.captured,
            "pending": record.captured.saturating_sub(record.receipted),
            "set_aside_pages": record.set_aside,
            "hours_left": record.hours_left,
            "clock": record.clock,
            "clock_error_ms": record.clock_error_ms,
        });
        let message = Message {
            topic: format!("{}/status", self.topic),
            payload: status.to_string().into_bytes(),
            retain: true,
            ..Message::default()
        };
        // holds because status is said again every ten seconds
        let _ = self.delivery.send(ToDelivery::Say(message));
    }

    async fn control(&mut self, control: Control, ears: &mut Ears) -> Result<(), Trouble> {
        let Control { asked, answer } = control;
        match asked {
            Asked::Status => {
                let record = self.record_view();
                let text = serde_json::json!({
                    "captured": record.captured, "delivered": record.delivered, "receipted": record.receipted,
                    "page": record.last_page, "epoch": record.epoch, "capturing": record.capturing,
                    "broker_connected": record.broker_connected, "set_aside_pages": record.set_aside,
                });
                // holds because who asked may have gone
                let _ = answer.send(Ok(text.to_string()));
                Ok(())
            }
            Asked::Apply(act) => self.apply(act, answer, ears).await,
            Asked::AddUser(draft) => self.add_user(draft, answer),
            Asked::Close { batch } => {
                self.event(LineEvent::CloseAgain {
                    batch,
                    because: "evidence",
                    now: self.clock.now(),
                })?;
                let last = self.recorder.next() - 1;
                self.when_captured(last, Waiter::Answer(answer, last.to_string()));
                Ok(())
            }
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
        self.links.stop_all();
        while let Ok(output) = ears.links.try_recv() {
            self.link(output)?;
        }
        let now = self.clock.now();
        self.event(LineEvent::Stopping { now })?;
        self.enter(Draft::new("stop", now).with("because", "asked"))?;
        self.hand_on()?;
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
