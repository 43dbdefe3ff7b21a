//! One physical line to equipment, as a state machine: when what is asked, what an answer is believed to
//! be, and what a person is told.
//!
//! One owner per line. It never asks two questions at once, never takes an answer for another question's,
//! never lets a silent instrument slow the others, never spins. No clock, no socket: [`next`] gets events
//! and gives actions; the task around it only carries them out. See docs/decisions/0010-links.md.

mod apart;
mod ask;
mod commanded;
#[cfg(test)]
mod exchanges;
mod hear;
mod identity;
mod news;
mod numbered;
mod orders;
mod pace;
pub mod plan;
pub mod server;
pub mod standing;
mod state;
mod station;

pub use identity::{Facts, SERIAL_NUMBER};
pub use news::{Change, News};
pub use orders::Order;
pub use standing::{Standing, Standings};
pub use station::{Asked, Counts};

use crate::config::plant::PointName;
use driver::Heard;
use numbered::Numbered;
use pace::{Backoff, Budget};
use record::{Answer, Failure, Stamp};
use station::Station;
use std::time::Duration;

/// One answer of one point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub point: PointName,
    pub answer: Answer,
    /// How the question failed, if it did. A value that is merely bad (overload) is no failure.
    pub failure: Option<Failure>,
    /// The bytes it was read from, as they came.
    pub raw: Vec<u8>,
    /// When its last byte came; when the waiting was over, if none came.
    pub time: Stamp,
    /// When the question went out; for what comes by itself, the same as `time`.
    pub asked: Stamp,
    /// What the server says of a value it only passes on.
    pub origin: Option<Box<Origin>>,
}

/// What an OPC UA server says beside a value: the times of both its clocks, and its own word on how good it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// When the source made the value, by the source's clock.
    pub source: Option<Stamp>,
    /// When the server last knew it, by the server's clock.
    pub server: Option<Stamp>,
    /// How far the server's clock was ahead of ours when it sent this, in milliseconds.
    pub ahead_ms: Option<i64>,
    /// The status code, all 32 bits.
    pub status: u32,
    /// The server said that nothing had changed; the value came earlier.
    pub unchanged: bool,
}

/// What a line gives to those behind it.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkOutput {
    Reading(Reading),
    News(News),
    /// Something was written to equipment: sent, whatever becomes of it.
    Wrote {
        tag: String,
        command: String,
        bytes: Vec<u8>,
        at: Stamp,
    },
    /// What became of a command that a person gave.
    Commanded(Commanded),
    /// Values of a point were there and did not reach us: since then nobody knows what was.
    Lost {
        point: PointName,
        since: Stamp,
        note: String,
    },
}

/// What became of a command that a person gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Commanded {
    pub tag: String,
    pub command: String,
    /// The entry that says who asked for it.
    pub number: u64,
    /// What its answer proves; or why it was not sent at all.
    pub outcome: Result<driver::Outcome, &'static str>,
    /// The answer, as it came.
    pub raw: Vec<u8>,
    pub at: Stamp,
}

/// What goes over one line.
#[derive(Debug)]
pub struct Plan {
    /// As people name it: `10.30.4.15:502`.
    pub name: String,
    pub matching: Matching,
    /// Bits per second where there is a wire, for the time a question takes to leave.
    pub speed: Option<u32>,
    pub equipment: Vec<Asked>,
    /// Lent to somebody else: closed until it is taken back.
    pub lent: bool,
    /// Makes waiting times differ between lines.
    pub seed: u64,
}

/// What tells that an answer belongs to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matching {
    /// A number that is in both: Modbus TCP.
    Number,
    /// The unit's address, and nothing else: Modbus RTU. Time has to do the rest.
    Address,
    /// Nothing at all: one instrument on its own line.
    Nothing,
}

/// A moment, by both clocks: the first for pace, the second for labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub elapsed: Duration,
    pub now: Stamp,
}

/// What happened to the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Time passed.
    Tick,
    Opened,
    OpenFailed(String),
    /// The question has been handed to the wire.
    Sent,
    /// Bytes were found on the line just before sending; nothing was sent.
    NotQuiet(Vec<u8>),
    Heard(Vec<u8>),
    /// The far end is gone, or the line failed; why.
    Unplugged(String),
    /// A person said something about the line or its equipment.
    Told(Order),
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Open,
    /// Send; where `drain` says so, only after nothing was found waiting on the line.
    Send {
        bytes: Vec<u8>,
        drain: bool,
    },
    Close,
    Give(LinkOutput),
}

/// One line and all that is known about it.
#[derive(Debug)]
pub struct Link {
    plan: Wire,
    stations: Vec<Station>,
    phase: Phase,
    numbered: Numbered,
    budget: Budget,
    reopen: Backoff,
    renew: Backoff,
    renew_at: Option<Duration>,
    opened_at: Duration,
    /// What was last told about the line itself, so that one trouble is one event.
    told: Option<String>,
    lent: bool,
    foreign: Foreign,
    /// When a pause ends a frame, and when its last byte came.
    pause: Option<(Duration, Moment)>,
}

#[derive(Debug)]
struct Wire {
    name: String,
    matching: Matching,
    speed: Option<u32>,
}

/// Another master on the line: frames that nobody here asked for.
#[derive(Debug, Default)]
struct Foreign {
    burst: Vec<u8>,
    /// When answers of ours came that nobody waited for.
    strays: Vec<Duration>,
    refused_until: Option<Duration>,
    /// Since when the line has not been quiet though it should be, and whether that was told.
    restless_since: Option<Duration>,
    never_rests: bool,
}

#[derive(Debug)]
enum Phase {
    Closed {
        open_at: Duration,
    },
    /// Closed on purpose, until a person says otherwise.
    Resting,
    Opening,
    /// Open and nothing asked; the next question not before.
    Idle {
        not_before: Duration,
    },
    Sending(Question),
    /// The exchange under way goes on with another question, then.
    GoingOn {
        question: Question,
        at: Duration,
        bytes: Vec<u8>,
    },
    Waiting {
        question: Question,
        deadline: Duration,
    },
    /// The answer is here; it counts when nothing follows it.
    Settling {
        question: Question,
        until: Duration,
        heard: Heard,
        came: Moment,
    },
    /// Whatever is still under way must be over first.
    Quarantine {
        until: Duration,
    },
}

#[derive(Debug, Clone, Copy)]
struct Question {
    station: usize,
    place: usize,
    asked: Moment,
}

impl Link {
    pub fn new(plan: Plan, at: Duration) -> Self {
        let count = plan.equipment.len();
        let stations = plan
            .equipment
            .into_iter()
            .enumerate()
            .map(|(place, asked)| Station::new(asked, at, (place, count), plan.seed))
            .collect();
        let mut link = Self {
            plan: Wire {
                name: plan.name,
                matching: plan.matching,
                speed: plan.speed,
            },
            stations,
            phase: Phase::Closed { open_at: at },
            numbered: Numbered::default(),
            budget: Budget::default(),
            reopen: Backoff::new(REOPEN.0, REOPEN.1, plan.seed),
            renew: Backoff::new(RENEW.0, RENEW.1, !plan.seed),
            renew_at: None,
            opened_at: at,
            told: None,
            lent: plan.lent,
            foreign: Foreign::default(),
            pause: None,
        };
        if link.rests_on_purpose() {
            link.phase = Phase::Resting;
        }
        link
    }

    /// As people name it.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// What was counted, by tag.
    pub fn counts(&self) -> impl Iterator<Item = (&str, &Counts)> {
        self.stations
            .iter()
            .map(|station| (station.tag(), &station.counts))
    }

    /// When the line wants a [`Event::Tick`]; `None` while only the far end can say something.
    pub fn wake(&self) -> Option<Duration> {
        let pause = self.pause.map(|(ends, _)| ends);
        self.wake_by_phase().into_iter().chain(pause).min()
    }

    fn wake_by_phase(&self) -> Option<Duration> {
        match &self.phase {
            Phase::GoingOn { at, .. } => Some(*at),
            Phase::Closed { open_at } => Some(*open_at),
            Phase::Resting | Phase::Opening | Phase::Sending(_) => None,
            Phase::Waiting { deadline, .. } => Some(*deadline),
            Phase::Settling { until, .. } | Phase::Quarantine { until } => Some(*until),
            Phase::Idle { not_before } => {
                let due = self.next_due().into_iter().chain(self.renew_at).min();
                let overdue = self.stations.iter().filter_map(Station::overdue_at).min();
                due.into_iter()
                    .chain(overdue)
                    .min()
                    .map(|due| due.max(*not_before))
            }
        }
    }

    fn next_due(&self) -> Option<Duration> {
        let living = self
            .stations
            .iter()
            .filter(|station| !station.is_silent())
            .filter_map(Station::due)
            .min();
        let silent = self
            .stations
            .iter()
            .filter(|station| station.is_silent())
            .filter_map(Station::due)
            .min();
        let silent = silent.map(|due| {
            if living.is_some() {
                due.max(self.budget.again_at())
            } else {
                due
            }
        });
        living.into_iter().chain(silent).min()
    }
}

/// What follows from an event.
pub fn next(mut link: Link, at: Moment, event: Event) -> (Link, Vec<Action>) {
    let mut out = Vec::new();
    match event {
        Event::Tick => link.tick(at, &mut out),
        Event::Opened => link.opened(at, &mut out),
        Event::OpenFailed(because) => link.open_failed(at, because, &mut out),
        Event::Sent => link.sent(at, &mut out),
        Event::NotQuiet(bytes) => link.not_quiet(at, bytes, &mut out),
        Event::Heard(bytes) => {
            link.heard(at, bytes, &mut out);
            link.pause = match link.plan.matching {
                Matching::Nothing if !link.is_closed() => {
                    let pause = link.stations.first().and_then(Station::quiet_after);
                    pause.map(|pause| (at.elapsed + pause, at))
                }
                _ => None,
            };
            // a far end that never stops talking must not stop the clock
            if link.wake().is_some_and(|wake| wake <= at.elapsed) {
                link.tick(at, &mut out);
            }
        }
        Event::Unplugged(because) => link.lost(at, Change::Unplugged { because }, &mut out),
        Event::Told(order) => link.told(at, order, &mut out),
    }
    link.go_on(at, &mut out);
    (link, out)
}

// ---------------------------------------------------------------- the line itself

impl Link {
    fn tick(&mut self, at: Moment, out: &mut Vec<Action>) {
        let now = at.elapsed;
        if self.pause.is_some_and(|(ends, _)| now >= ends) {
            self.quiet(out);
        }
        match std::mem::replace(&mut self.phase, Phase::Opening) {
            Phase::GoingOn {
                question,
                at: then,
                bytes,
            } if now >= then => self.ask_on(question, bytes, out),
            Phase::Waiting { question, deadline } if now >= deadline => self.unanswered(at, question, out),
            Phase::Settling {
                question,
                until,
                heard,
                came,
            } if now >= until => {
                let rest = self.stations[question.station].rest();
                self.phase = Phase::Idle { not_before: now };
                if rest.is_empty() {
                    self.believe(came, question, &heard, out);
                } else {
                    self.doubt(at, question, heard.raw, &rest, out);
                }
            }
            Phase::Quarantine { until } if now >= until => {
                self.phase = Phase::Idle { not_before: now };
                self.rests(at, out);
            }
            Phase::Idle { not_before } if now >= not_before => {
                self.phase = Phase::Idle { not_before };
                if self.renew_at.is_some_and(|renew| now >= renew) {
                    self.renew(at, out);
                }
            }
            same => self.phase = same,
        }
        self.all_quiet_again(at, out);
        if self.is_closed() {
            return;
        }
        for place in 0..self.stations.len() {
            let outputs = self.stations[place].overdue(at);
            self.give(outputs, out);
        }
    }

    fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed { .. } | Phase::Opening | Phase::Resting)
    }

    fn opened(&mut self, at: Moment, out: &mut Vec<Action>) {
        if self.rests_on_purpose() {
            out.push(Action::Close);
            self.phase = Phase::Resting;
            return;
        }
        self.numbered.reopened();
        self.foreign.burst.clear();
        self.foreign.restless_since = None;
        self.foreign.never_rests = false;
        self.opened_at = at.elapsed;
        self.renew_at = None;
        for station in &mut self.stations {
            station.reopened(at.elapsed);
        }
        if self.told.take().is_some() {
            self.tell(at, Change::Opened, out);
        }
        // What a far end says first (a banner, the tail of an old answer) is no answer.
        self.phase = match self.plan.matching {
            Matching::Number => Phase::Idle {
                not_before: at.elapsed,
            },
            _ => Phase::Quarantine {
                until: at.elapsed + QUIET,
            },
        };
    }

    fn open_failed(&mut self, at: Moment, because: String, out: &mut Vec<Action>) {
        if self.rests_on_purpose() {
            self.phase = Phase::Resting;
            return;
        }
        self.phase = Phase::Closed {
            open_at: at.elapsed + self.reopen.failed(),
        };
        if self.told.as_ref() != Some(&because) {
            if self.told.is_none() {
                self.nobody_answers(at, out);
            }
            self.told = Some(because.clone());
            self.tell(at, Change::CannotOpen { because }, out);
        }
    }

    /// The line is gone. Everything on it is silent from now on, and says so once.
    fn lost(&mut self, at: Moment, change: Change, out: &mut Vec<Action>) {
        if self.is_closed() {
            return;
        }
        if at.elapsed.saturating_sub(self.opened_at) >= HELD_LONG {
            self.reopen.succeeded();
        }
        out.push(Action::Close);
        self.phase = Phase::Closed {
            open_at: at.elapsed + self.reopen.failed(),
        };
        if self.told.is_none() {
            self.told = Some(String::new());
            self.nobody_answers(at, out);
            self.tell(at, change, out);
        }
    }

    fn nobody_answers(&mut self, at: Moment, out: &mut Vec<Action>) {
        for station in self
            .stations
            .iter_mut()
            .filter(|station| !station.asked.out_of_service)
        {
            out.extend(station.cut_off(at).into_iter().map(Action::Give));
        }
    }

    /// Everything on the line is silent, and the line itself says nothing: a far end may hold a dead
    /// connection. Made anew seldom, since many controllers have one connection and keep it for a minute.
    fn renew(&mut self, at: Moment, out: &mut Vec<Action>) {
        self.renew_at = None;
        if self
            .stations
            .iter()
            .any(|station| !station.is_silent() && !station.asked.out_of_service)
        {
            return;
        }
        out.push(Action::Close);
        self.phase = Phase::Closed { open_at: at.elapsed };
    }

    fn tell(&self, at: Moment, change: Change, out: &mut Vec<Action>) {
        let tags = self
            .stations
            .iter()
            .filter(|station| !station.asked.out_of_service)
            .map(|station| station.tag().to_owned())
            .collect();
        out.push(Action::Give(LinkOutput::News(News {
            link: self.plan.name.clone(),
            tags,
            at: at.now,
            change,
        })));
    }

    fn give(&self, outputs: Vec<LinkOutput>, out: &mut Vec<Action>) {
        out.extend(outputs.into_iter().map(|mut output| {
            if let LinkOutput::News(news) = &mut output {
                news.link.clone_from(&self.plan.name);
            }
            Action::Give(output)
        }));
    }
}

/// Reopening a line: often enough that a plug put back is noticed within 5 s, seldom enough to cost nothing.
const REOPEN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Making a connection anew on which everything is silent.
const RENEW: (Duration, Duration) = (Duration::from_secs(10), Duration::from_mins(1));
/// A line that stood this long was a good one.
const HELD_LONG: Duration = Duration::from_secs(10);
/// A pause that ends a burst. USB adapters deliver in lumps of up to 16 ms.
const QUIET: Duration = Duration::from_millis(20);
