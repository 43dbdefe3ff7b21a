//! Subscriptions: what is asked of them, the order of their messages, and their sign of life. A message that is
//! missing is asked for again; one that cannot be had any more is a gap.

use super::{Action, Moment, Phase, ServerLink, calls::Purpose, items::State};
use crate::flow::{
    link::Change,
    needs::server::{self, Call, Deadband, Filter, Problem, ProblemKind, Published, Reply, Watched, Wish},
};
use driver::nodes::{Asking, ItemId, NodeValue, Trigger};
use std::{collections::BTreeMap, time::Duration};

/// Messages that may come before one that is missing.
const EARLY: usize = 32;
/// So long a message may be overtaken by the next.
const OVERTAKEN: Duration = Duration::from_millis(250);
/// Messages fetched after a lost connection, at most.
pub(super) const MISSED_MOST: u32 = 10_000;
/// After an answer that makes no sense, this pause.
const PAUSE: Duration = Duration::from_secs(1);

const TOO_MANY_PUBLISHES: u32 = 0x8078_0000;
const NO_SUBSCRIPTION: u32 = 0x8079_0000;
const NO_SUCH_SUBSCRIPTION: u32 = 0x8028_0000;
const NO_SUCH_SESSION: u32 = 0x8025_0000;
const SESSION_CLOSED: u32 = 0x8026_0000;

/// One subscription with the items in it.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) station: usize,
    pub(super) items: Vec<usize>,
    pub(super) wish: Wish,
    pub(super) id: Option<u32>,
    /// How often it says at least that it is alive, by the server's own word.
    alive_every: Duration,
    /// The number of the message that comes next.
    pub(super) expected: u32,
    early: BTreeMap<u32, (Published, Duration)>,
    pub(super) heard: Option<Moment>,
    seen: Vec<u32>,
    pub(super) fetched: u32,
    /// Whether a first message came.
    begun: bool,
}

impl Subscription {
    pub(super) fn new(station: usize, items: Vec<usize>, asking: &Asking, every: Duration) -> Self {
        let interval = asking.publish.max(Duration::from_millis(10));
        // its sign of life is what makes an unchanged value a reading: at the pace of readings
        let alive = asking.keep_alive.min(every).max(interval);
        let keep_alive = (alive.as_millis() / interval.as_millis()).clamp(1, 1000) as u32;
        // it outlives a connection that is lost for a minute
        let lifetime = (60_000 / interval.as_millis())
            .max(u128::from(keep_alive) * 10)
            .min(100_000) as u32;
        Self {
            station,
            items,
            wish: Wish {
                interval_ms: u32::try_from(interval.as_millis()).unwrap_or(u32::MAX),
                keep_alive,
                lifetime,
                most: asking.values_per_delivery,
            },
            id: None,
            alive_every: interval * keep_alive,
            expected: 1,
            early: BTreeMap::new(),
            heard: None,
            seen: Vec::new(),
            fetched: 0,
            begun: false,
        }
    }

    pub(super) fn forget(&mut self) {
        self.id = None;
        self.expected = 1;
        self.begun = false;
        self.early.clear();
        self.seen.clear();
        self.heard = None;
    }

    pub(super) fn alive(&mut self, at: Moment) {
        self.heard = Some(at);
    }

    /// Three signs of life that did not come.
    pub(super) fn patience(&self) -> Duration {
        (self.alive_every * 3).max(Duration::from_secs(1))
    }

    pub(super) fn overdue_at(&self) -> Duration {
        match (self.id, self.heard) {
            (Some(_), Some(heard)) => heard.elapsed + self.patience(),
            _ => Duration::MAX,
        }
    }

    pub(super) fn is_overdue(&self, now: Duration) -> bool {
        now >= self.overdue_at()
    }

    pub(super) fn quiet(&self, now: Duration) -> Duration {
        self.heard
            .map_or(Duration::ZERO, |heard| now.saturating_sub(heard.elapsed))
    }

    /// When a message that others have overtaken counts as missing.
    pub(super) fn missed_at(&self) -> Option<Duration> {
        self.early.values().map(|(_, came)| *came + OVERTAKEN).min()
    }
}

impl ServerLink {
    pub(super) fn watch_item(&self, place: usize) -> Option<server::Item> {
        let item = &self.items[place];
        let wanted = self.wanted(item)?;
        let deadband = wanted.deadband.map(|deadband| match deadband {
            driver::nodes::Deadband::Absolute(size) => Deadband::Absolute(size),
            driver::nodes::Deadband::Percent(size) => Deadband::Percent(size),
        });
        Some(server::Item {
            handle: place as u32,
            target: self.target(place)?,
            sampling_ms: wanted.sampling.as_secs_f64() * 1000.0,
            queue: wanted.queue.max(1),
            filter: Filter {
                each_time: wanted.trigger == Trigger::Timestamp,
                deadband,
            },
        })
    }

    pub(super) fn subscribed(
        &mut self,
        at: Moment,
        place: usize,
        answer: Result<Reply, Problem>,
        out: &mut Vec<Action>,
    ) {
        match answer {
            Ok(Reply::Subscribed {
                id,
                interval_ms,
                keep_alive,
                ..
            }) => {
                let subscription = &mut self.subscriptions[place];
                subscription.forget();
                subscription.id = Some(id);
                subscription.heard = Some(at);
                let interval = Duration::from_secs_f64((interval_ms / 1000.0).clamp(0.001, 86_400.0));
                subscription.alive_every = interval * keep_alive.clamp(1, 100_000);
                let (asked, station) = (subscription.wish.interval_ms, subscription.station);
                if interval_ms > f64::from(asked) * 1.01 {
                    let what = "deliveries".to_owned();
                    self.revised(
                        at,
                        station,
                        what,
                        format!("{asked} ms"),
                        format!("{interval_ms} ms"),
                        out,
                    );
                }
                self.begin_items(at, out);
            }
            Ok(_) => {
                let problem = Problem::new(ProblemKind::Garbled, "another answer than the one asked for");
                self.lost(at, &problem, out);
            }
            Err(problem) if problem.kind == ProblemKind::Refused => {
                for item in self.subscriptions[place].items.clone() {
                    if matches!(self.items[item].state, State::Found(_)) {
                        self.refuse(at, item, problem.status, out);
                    }
                }
                self.begin_items(at, out);
            }
            Err(problem) => self.lost(at, &problem, out),
        }
    }

    pub(super) fn watched(
        &mut self,
        at: Moment,
        place: usize,
        items: &[usize],
        answer: Result<Reply, Problem>,
        out: &mut Vec<Action>,
    ) {
        let results: Vec<Result<Watched, u32>> = match answer {
            Ok(Reply::Watched(results)) => results,
            Ok(_) => vec![Err(NO_SUBSCRIPTION); items.len()],
            Err(problem) if problem.kind == ProblemKind::Refused => vec![Err(problem.status); items.len()],
            Err(problem) => return self.lost(at, &problem, out),
        };
        let station = self.subscriptions[place].station;
        let mut slower: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for (item, result) in items.iter().zip(results) {
            let Some(node) = self.items[*item].node().cloned() else {
                continue;
            };
            match result {
                Err(status) => self.refuse(at, *item, status, out),
                Ok(watched) => {
                    self.items[*item].state = State::Watched(node);
                    self.accept(at, *item, out);
                    if let Some(wanted) = self.wanted(&self.items[*item]) {
                        let asked = wanted.sampling.as_secs_f64() * 1000.0;
                        let names = wanted.names.join(", ");
                        if asked > 0.0 && watched.sampling_ms > asked * 1.01 {
                            let got = format!("{} ms", watched.sampling_ms);
                            slower
                                .entry((format!("sampling {asked} ms"), got))
                                .or_default()
                                .push(names);
                        } else if watched.queue < wanted.queue {
                            let asked = format!("{} values kept", wanted.queue);
                            slower
                                .entry((asked, watched.queue.to_string()))
                                .or_default()
                                .push(names);
                        }
                    }
                }
            }
        }
        for ((asked, got), names) in slower {
            let what = match names.len() {
                0..=5 => names.join(", "),
                many => format!("{} and {} more", names[..5].join(", "), many - 5),
            };
            self.revised(at, station, what, asked, got, out);
        }
        self.begin_items(at, out);
    }

    /// The server does otherwise than it was asked: told once for each difference.
    fn revised(
        &mut self,
        at: Moment,
        station: usize,
        what: String,
        asked: String,
        got: String,
        out: &mut Vec<Action>,
    ) {
        let key = format!("{what}: {asked}, {got}");
        let told = &mut self.stations[station].revised;
        if !told.contains(&key) {
            told.push(key);
            self.tell_of(at, station, Change::Revised { what, asked, got }, out);
        }
    }

    /// Keeps questions for news with the server, so that it always has one to answer.
    pub(super) fn keep_publishing(&mut self, at: Moment, out: &mut Vec<Action>) {
        let alive = self.subscriptions.iter().filter(|one| one.id.is_some());
        let longest = alive.clone().map(Subscription::patience).max();
        let wanted = alive.count();
        let Some(longest) = longest else { return };
        let wanted = (wanted + 1).min(self.publishes_at_most);
        let within_ms = u32::try_from(longest.as_millis())
            .unwrap_or(u32::MAX)
            .saturating_add(5_000);
        while self.calls.count(|purpose| *purpose == Purpose::Publish) < wanted {
            if self.publish_not_before > at.elapsed {
                return;
            }
            let seen = self.subscriptions.iter_mut().filter_map(|one| {
                let id = one.id?;
                Some(
                    one.seen
                        .drain(..)
                        .map(move |number| (id, number))
                        .collect::<Vec<_>>(),
                )
            });
            let seen = seen.flatten().collect();
            self.calls
                .make(at, Purpose::Publish, Call::Publish { seen, within_ms }, out);
        }
    }

    pub(super) fn published(&mut self, at: Moment, answer: Result<Reply, Problem>, out: &mut Vec<Action>) {
        match answer {
            Ok(Reply::Published(published)) => self.message(at, published, out),
            Ok(_) => self.publish_not_before = at.elapsed + PAUSE,
            Err(problem) => self.not_published(at, &problem, out),
        }
        if self.phase == Phase::Working {
            self.work(at, out);
        }
    }

    fn not_published(&mut self, at: Moment, problem: &Problem, out: &mut Vec<Action>) {
        match (problem.kind, problem.status) {
            (_, TOO_MANY_PUBLISHES) => {
                let left = self.calls.count(|purpose| *purpose == Purpose::Publish);
                self.publishes_at_most = left.max(1);
                self.publish_not_before = at.elapsed + PAUSE;
            }
            (_, NO_SUBSCRIPTION | NO_SUCH_SUBSCRIPTION) => {
                self.over(at, "the server ended the subscription", out);
            }
            (_, NO_SUCH_SESSION | SESSION_CLOSED) => {
                self.has_session = false;
                self.lost(at, problem, out);
            }
            (ProblemKind::Lost | ProblemKind::Garbled, _) => self.lost(at, problem, out),
            _ => self.publish_not_before = at.elapsed + PAUSE,
        }
    }

    /// The subscriptions are over, and the session is not.
    fn over(&mut self, at: Moment, because: &str, out: &mut Vec<Action>) {
        let last = self.stations.iter().filter_map(|station| station.proven);
        self.away_since = Some(last.max_by_key(|moment| moment.elapsed).unwrap_or(at));
        self.declared = false;
        self.phase = Phase::Beginning(super::Stage::Find);
        self.calls.clear();
        self.anew(at, because, out);
    }

    fn message(&mut self, at: Moment, published: Published, out: &mut Vec<Action>) {
        let found = self
            .subscriptions
            .iter()
            .position(|one| one.id == Some(published.subscription));
        let Some(place) = found else { return };
        self.subscriptions[place].alive(at);
        self.server_clock(at, place, &published, out);
        if let Some(status) = published.over {
            return self.over(
                at,
                &format!("the server ended the subscription ({status:08X})"),
                out,
            );
        }
        self.take_in_order(at, place, published, out);
    }

    /// Messages count in the order of their numbers.
    pub(super) fn take_in_order(
        &mut self,
        at: Moment,
        place: usize,
        published: Published,
        out: &mut Vec<Action>,
    ) {
        let expected = self.subscriptions[place].expected;
        let ahead = published.number.wrapping_sub(expected);
        if published.keep_alive {
            // it carries the number of the message that comes next
            // some servers give the number of the last one instead
            if ahead == 0 || ahead == u32::MAX {
                self.proven(at, place);
            } else if ahead < u32::MAX / 2 && self.subscriptions[place].early.is_empty() {
                let early = (published, at.elapsed);
                self.subscriptions[place].early.insert(early.0.number, early);
            }
            return;
        }
        let subscription = &mut self.subscriptions[place];
        if published.number == 0 && !subscription.begun {
            // the standard begins with 1, and not every server does
            subscription.expected = 0;
        } else if ahead >= u32::MAX / 2 {
            return; // known already
        }
        subscription.begun = true;
        if subscription.early.len() >= EARLY {
            subscription.early.clear();
        }
        subscription
            .early
            .insert(published.number, (published, at.elapsed));
        loop {
            let subscription = &mut self.subscriptions[place];
            let number = subscription.expected;
            let Some((next, _)) = subscription.early.remove(&number) else {
                break;
            };
            if next.keep_alive {
                self.proven(at, place);
                continue;
            }
            subscription.expected = if number == u32::MAX { 1 } else { number + 1 };
            subscription.seen.push(number);
            self.proven(at, place);
            self.changes(at, place, next, out);
        }
    }

    fn proven(&mut self, at: Moment, place: usize) {
        let station = self.subscriptions[place].station;
        self.stations[station].proven = Some(at);
    }

    fn changes(&mut self, at: Moment, place: usize, published: Published, out: &mut Vec<Action>) {
        let station = self.subscriptions[place].station;
        let delivery: Vec<(ItemId, NodeValue)> = published
            .changes
            .into_iter()
            .filter_map(|(handle, value)| {
                let item = self.items.get(handle as usize)?;
                (item.station == station).then_some((item.id, value))
            })
            .collect();
        if delivery.is_empty() {
            return;
        }
        let heard = self.stations[station].asked.hearing.hear(&delivery);
        self.heard(at, station, heard, Some(place), out);
        self.stations[station].heard = Some(at.now);
    }

    /// A message is missing: it is asked for again.
    pub(super) fn fetch_missed(&mut self, at: Moment, out: &mut Vec<Action>) {
        for place in 0..self.subscriptions.len() {
            let subscription = &self.subscriptions[place];
            let missed = subscription.missed_at().is_some_and(|due| at.elapsed >= due);
            let Some(id) = subscription.id.filter(|_| missed) else {
                continue;
            };
            if self.calls.count(|purpose| *purpose == Purpose::Republish(place)) > 0 {
                continue;
            }
            let call = Call::Republish {
                subscription: id,
                number: subscription.expected,
            };
            self.calls.make(at, Purpose::Republish(place), call, out);
        }
    }

    pub(super) fn republished(
        &mut self,
        at: Moment,
        place: usize,
        answer: Result<Reply, Problem>,
        out: &mut Vec<Action>,
    ) {
        match answer {
            Ok(Reply::Published(published)) => self.take_in_order(at, place, published, out),
            Err(problem) if matches!(problem.kind, ProblemKind::Lost | ProblemKind::Garbled) => {
                return self.lost(at, &problem, out);
            }
            _ => {
                // it cannot be had any more: what it held is a gap, and the next one counts
                let subscription = &mut self.subscriptions[place];
                let next = subscription.early.keys().next().copied();
                if let Some(next) = next {
                    subscription.expected = next;
                    let station = subscription.station;
                    self.all_lost(at, station, out);
                    if let Some((early, _)) = self.subscriptions[place].early.remove(&next) {
                        self.take_in_order(at, place, early, out);
                    }
                }
            }
        }
        self.work(at, out);
    }

    /// An answer to a call.
    pub(super) fn answered(
        &mut self,
        at: Moment,
        number: u64,
        answer: Result<Reply, Problem>,
        out: &mut Vec<Action>,
    ) {
        let Some(purpose) = self.calls.take(number) else {
            return;
        };
        match purpose {
            Purpose::Stage => self.staged(at, answer, out),
            Purpose::Find(items) => self.found(at, &items, answer, out),
            Purpose::Subscribe(place) => self.subscribed(at, place, answer, out),
            Purpose::Watch(place, items) => self.watched(at, place, &items, answer, out),
            Purpose::Publish => self.published(at, answer, out),
            Purpose::Republish(place) => self.republished(at, place, answer, out),
            Purpose::Read(station, items) => self.was_read(at, station, &items, answer, out),
            Purpose::Who(station, items) => self.said_who(at, station, &items, answer, out),
        }
    }
}
