//! One OPC UA server and the one session with it, as a state machine: when it is asked, what counts as life, and in
//! which order a lost connection is mended.
//!
//! Never two attempts in one slot, never a second session beside the first, never a value carried over a time in
//! which nobody said that it still held. No clock, no socket: [`next`] gets events and gives actions; the task
//! around it only carries them out. See docs/decisions/0023.

mod begin;
mod calls;
mod hear;
mod held;
mod items;
mod lost;
mod plan;
mod publish;
mod reading;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

pub use items::node_name;
pub use plan::{AskedNodes, ServerPlan, address, application};

use super::{Change, Commanded, LinkOutput, Moment, News, Order, pace::Backoff};
use crate::flow::needs::server::{Call, Greeting, Problem, Reply};
use calls::Calls;
use items::{Item, Station};
use publish::Subscription;
use std::{collections::HashMap, time::Duration};

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// Time passed.
    Tick,
    /// An answer to the call of this number; 0 is the connection itself.
    Answered(u64, Result<Reply, Problem>),
    /// A person said something about the equipment.
    Told(Order),
}

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Call(u64, Call),
    /// Let the connection go; the session may still be taken up.
    DropConnection,
    /// End session and connection in order, and begin anew with nothing.
    Renew,
    Give(LinkOutput),
}

/// One server and all that is known about it.
#[derive(Debug)]
pub struct ServerLink {
    name: String,
    stations: Vec<Station>,
    items: Vec<Item>,
    subscriptions: Vec<Subscription>,
    phase: Phase,
    calls: Calls,
    reopen: Backoff,
    /// Numbers of this session's namespaces, by URI.
    namespaces: HashMap<String, u16>,
    /// The URIs of the session before, to notice that nodes have to be found anew.
    uris: Vec<String>,
    greeting: Greeting,
    /// Whether there is a session that a new connection may take up.
    has_session: bool,
    opened_at: Duration,
    /// Since when nothing has been heard of the server, while there is no working session.
    away_since: Option<Moment>,
    /// Whether the silence is a gap by now.
    declared: bool,
    /// What was last told about the server itself, so that one trouble is one event.
    told: Option<String>,
    lent: bool,
    /// How far the server's clock is ahead of ours, in milliseconds, and whether that was told.
    ahead_ms: Option<i64>,
    skew_told: bool,
    publishes_at_most: usize,
    publish_not_before: Duration,
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    /// No connection; the next attempt not before.
    Away {
        open_at: Duration,
    },
    /// Closed on purpose, until a person says otherwise.
    Resting,
    /// One call after the other, until everything is as it should be.
    Beginning(Stage),
    Working,
}

/// What is being done to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    TakeUp,
    Begin,
    Namespaces,
    Transfer,
    /// Fetching what was missed meanwhile, subscription by subscription.
    CatchUp(usize),
    Find,
}

impl ServerLink {
    pub fn new(plan: ServerPlan, at: Duration) -> Self {
        let mut link = Self {
            reopen: Backoff::new(REOPEN.0, REOPEN.1, plan.seed),
            name: plan.name,
            stations: Vec::new(),
            items: Vec::new(),
            subscriptions: Vec::new(),
            phase: Phase::Away { open_at: at },
            calls: Calls::default(),
            namespaces: HashMap::new(),
            uris: Vec::new(),
            greeting: Greeting::default(),
            has_session: false,
            opened_at: at,
            away_since: None,
            declared: false,
            told: None,
            lent: plan.lent,
            ahead_ms: None,
            skew_told: false,
            publishes_at_most: PUBLISHES,
            publish_not_before: Duration::ZERO,
        };
        for asked in plan.equipment {
            link.add(asked, at);
        }
        if link.rests_on_purpose() {
            link.phase = Phase::Resting;
        }
        link
    }

    /// As people name it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When the link wants a [`Event::Tick`].
    pub fn wake(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Resting => None,
            Phase::Away { open_at } => [Some(*open_at), self.declare_at()].into_iter().flatten().min(),
            Phase::Beginning(_) => [self.calls.overdue_at(), self.declare_at()]
                .into_iter()
                .flatten()
                .min(),
            Phase::Working => {
                let watched = self.subscriptions.iter().map(Subscription::overdue_at);
                let early = self.subscriptions.iter().filter_map(Subscription::missed_at);
                let stations = self.stations.iter().flat_map(Station::due);
                let retry = self.items.iter().filter_map(Item::retry_at);
                watched
                    .chain(early)
                    .chain(stations)
                    .chain(retry)
                    .chain(self.calls.overdue_at())
                    .min()
            }
        }
    }

    fn rests_on_purpose(&self) -> bool {
        self.lent || self.stations.iter().all(|station| station.asked.out_of_service)
    }

    fn tell(&self, at: Moment, change: Change, out: &mut Vec<Action>) {
        let in_service = self
            .stations
            .iter()
            .filter(|station| !station.asked.out_of_service);
        out.push(Action::Give(LinkOutput::News(News {
            link: self.name.clone(),
            tags: in_service.map(|station| station.asked.tag.clone()).collect(),
            at: at.now,
            change,
        })));
    }

    fn tell_of(&self, at: Moment, station: usize, change: Change, out: &mut Vec<Action>) {
        out.push(Action::Give(LinkOutput::News(News {
            link: self.name.clone(),
            tags: vec![self.stations[station].asked.tag.clone()],
            at: at.now,
            change,
        })));
    }
}

/// What follows from an event.
pub fn next(mut link: ServerLink, at: Moment, event: Event) -> (ServerLink, Vec<Action>) {
    let mut out = Vec::new();
    match event {
        Event::Tick => link.tick(at, &mut out),
        Event::Answered(0, answer) => {
            if let Err(problem) = answer {
                link.lost(at, &problem, &mut out);
            }
        }
        Event::Answered(number, answer) => link.answered(at, number, answer, &mut out),
        Event::Told(order) => link.person(at, order, &mut out),
    }
    (link, out)
}

impl ServerLink {
    fn tick(&mut self, at: Moment, out: &mut Vec<Action>) {
        self.declare_silence(at, out);
        match self.phase {
            Phase::Away { open_at } if at.elapsed >= open_at => self.open(at, out),
            Phase::Beginning(_) if self.calls.overdue_at().is_some_and(|due| at.elapsed >= due) => {
                let problem = Problem::new(
                    crate::flow::needs::server::ProblemKind::Silent,
                    "it does not answer any more",
                );
                self.lost(at, &problem, out);
            }
            Phase::Working => self.work(at, out),
            _ => {}
        }
    }

    fn work(&mut self, at: Moment, out: &mut Vec<Action>) {
        if let Some(place) = self
            .subscriptions
            .iter()
            .position(|one| one.is_overdue(at.elapsed))
        {
            return self.quiet_for_too_long(at, place, out);
        }
        self.calls.forget_overdue(at.elapsed);
        self.fetch_missed(at, out);
        self.keep_publishing(at, out);
        self.retry_failed(at, out);
        self.read_due(at, out);
        self.hold(at, out);
    }

    fn person(&mut self, at: Moment, order: Order, out: &mut Vec<Action>) {
        match order {
            Order::Lend => self.lent = true,
            Order::TakeBack => self.lent = false,
            Order::Renew if self.phase == Phase::Working => {
                out.push(Action::Renew);
                self.away_since = Some(at);
                self.forget_session();
                self.phase = Phase::Away { open_at: at.elapsed };
            }
            Order::Renew => {}
            Order::OutOfService(tag) => self.out_of_service(&tag, true),
            Order::InService(tag) => self.out_of_service(&tag, false),
            Order::Command { tag, command, number } => {
                // writing over OPC UA is not built: nothing is sent, and that is said
                out.push(Action::Give(LinkOutput::Commanded(Commanded {
                    tag,
                    command,
                    number,
                    outcome: Err(NO_WRITING),
                    raw: Vec::new(),
                    at: at.now,
                })));
            }
            Order::Known { tag, known } => {
                if let Some(station) = self.stations.iter_mut().find(|station| station.asked.tag == tag) {
                    station.identity.is_known(known);
                    station.who_at = at.elapsed;
                }
            }
        }
        match (self.rests_on_purpose(), &self.phase) {
            (true, Phase::Resting) => {}
            (true, _) => {
                out.push(Action::Renew);
                self.forget_session();
                self.phase = Phase::Resting;
            }
            (false, Phase::Resting) => {
                self.told = None;
                self.phase = Phase::Away { open_at: at.elapsed };
            }
            (false, _) => {}
        }
    }

    fn out_of_service(&mut self, tag: &str, out: bool) {
        for station in self
            .stations
            .iter_mut()
            .filter(|station| station.asked.tag == tag)
        {
            station.asked.out_of_service = out;
        }
    }
}

/// Connecting again: often enough that a server that is back is noticed within 3 s, seldom enough to cost it nothing.
const REOPEN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_millis(2500));
/// What needs a person is tried again this seldom: three tries with a wrong password may lock an account.
const NEEDS_A_PERSON: Duration = Duration::from_mins(15);
/// A session that worked this long was a good one.
const HELD_LONG: Duration = Duration::from_secs(10);
/// A node that was refused is asked for again after this time.
const RETRY: Duration = Duration::from_mins(1);
/// How often a server is asked for news in advance.
const PUBLISHES: usize = 8;
/// Why a command to a server is not sent.
const NO_WRITING: &str = "commands over OPC UA are not sent";
/// Who it is, is asked again after this time.
const WHO_AGAIN: Duration = Duration::from_mins(5);
