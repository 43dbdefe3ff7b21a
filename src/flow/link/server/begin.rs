//! Beginning: channel, session, namespaces, what is left of the subscriptions there were, and whatever has to be made
//! anew. One call after the other, so that a weak server is never asked two things at once.

use super::{
    Action, Moment, Phase, ServerLink, Stage,
    calls::Purpose,
    items::{NO_SUCH_NODE, State},
    publish::MISSED_MOST,
};
use crate::flow::{
    link::Change,
    needs::server::{Call, Greeting, Problem, ProblemKind, Reply, Trusted},
};
use std::time::Duration;

/// A session that nobody speaks in for so long is the server's to end.
const SESSION_MS: u32 = 60_000;
/// The server no longer holds a message that is asked for again.
const NOT_AVAILABLE: u32 = 0x807B_0000;

impl ServerLink {
    pub(super) fn open(&mut self, at: Moment, out: &mut Vec<Action>) {
        self.calls.clear();
        self.stage(at, Stage::Open, Call::Open, out);
    }

    fn stage(&mut self, at: Moment, stage: Stage, call: Call, out: &mut Vec<Action>) {
        self.phase = Phase::Beginning(stage);
        self.calls.make(at, Purpose::Stage, call, out);
    }

    /// An answer to one step of beginning.
    pub(super) fn staged(&mut self, at: Moment, answer: Result<Reply, Problem>, out: &mut Vec<Action>) {
        let Phase::Beginning(stage) = self.phase else {
            return;
        };
        match (stage, answer) {
            (Stage::Open, Ok(Reply::Opened(greeting))) => {
                self.greeted(at, greeting, out);
                if self.has_session {
                    self.stage(at, Stage::TakeUp, Call::TakeUp, out);
                } else {
                    self.begin(at, out);
                }
            }
            (Stage::TakeUp, Ok(_)) => self.catch_up(at, 0, out),
            (Stage::TakeUp, Err(problem)) if problem.kind == ProblemKind::Refused => {
                self.has_session = false;
                self.begin(at, out);
            }
            (Stage::Begin, Ok(_)) => {
                self.has_session = true;
                self.stage(at, Stage::Namespaces, Call::Namespaces, out);
            }
            (Stage::Namespaces, Ok(Reply::Namespaces(uris))) => self.named(at, uris, out),
            (Stage::Transfer, Ok(Reply::Transferred(results))) => {
                if results.iter().all(Result::is_ok) {
                    self.catch_up(at, 0, out);
                } else {
                    self.anew(at, "the server did not keep the subscriptions", out);
                }
            }
            (Stage::Transfer, Err(problem)) if problem.kind == ProblemKind::Refused => {
                self.anew(at, "the server did not keep the subscriptions", out);
            }
            (Stage::CatchUp(place), Ok(Reply::Published(published))) => {
                let subscription = &mut self.subscriptions[place];
                subscription.fetched += 1;
                // a server that answers with something else has nothing more
                let asked_for = !published.keep_alive && published.number == subscription.expected;
                let more = asked_for && subscription.fetched < MISSED_MOST;
                if asked_for {
                    self.take_in_order(at, place, published, out);
                }
                self.catch_up(at, if more { place } else { place + 1 }, out);
            }
            (Stage::CatchUp(place), Err(problem)) if problem.status == NOT_AVAILABLE => {
                self.catch_up(at, place + 1, out);
            }
            (Stage::CatchUp(_), Err(problem)) if problem.kind == ProblemKind::Refused => {
                self.anew(at, "the server did not keep the subscriptions", out);
            }
            (_, Err(problem)) => self.cannot_begin(at, &problem, out),
            (_, Ok(_)) => {
                let problem = Problem::new(ProblemKind::Garbled, "another answer than the one asked for");
                self.cannot_begin(at, &problem, out);
            }
        }
    }

    fn begin(&mut self, at: Moment, out: &mut Vec<Action>) {
        self.stage(
            at,
            Stage::Begin,
            Call::Begin {
                timeout_ms: SESSION_MS,
            },
            out,
        );
    }

    fn greeted(&mut self, at: Moment, greeting: Greeting, out: &mut Vec<Action>) {
        let over =
            greeting.trusted == Trusted::PinnedAndOver && self.greeting.trusted != Trusted::PinnedAndOver;
        self.greeting = greeting;
        if over && let Some(shown) = &self.greeting.certificate {
            let change = Change::CertificateOver {
                fingerprint: shown.fingerprint.clone(),
                until: shown.until,
            };
            self.tell(at, change, out);
        }
        self.warn_of_ends(at, out);
    }

    /// The numbers of this session's namespaces; what was found by others is found anew.
    fn named(&mut self, at: Moment, uris: Vec<String>, out: &mut Vec<Action>) {
        let number = |(number, uri): (usize, &String)| Some((uri.clone(), u16::try_from(number).ok()?));
        self.namespaces = uris.iter().enumerate().filter_map(number).collect();
        let same = self.uris == uris;
        self.uris = uris;
        let kept: Vec<u32> = self.subscriptions.iter().filter_map(|one| one.id).collect();
        if same && !kept.is_empty() && kept.len() == self.subscriptions.len() {
            self.stage(at, Stage::Transfer, Call::Transfer { subscriptions: kept }, out);
        } else {
            self.anew(at, "the server began anew", out);
        }
    }

    /// Fetches what the server still holds for us, before anything new.
    fn catch_up(&mut self, at: Moment, place: usize, out: &mut Vec<Action>) {
        let Some(subscription) = self.subscriptions.get_mut(place) else {
            return self.working(at, out);
        };
        subscription.alive(at);
        let (Some(id), number) = (subscription.id, subscription.expected) else {
            return self.anew(at, "a subscription was not complete", out);
        };
        let call = Call::Republish {
            subscription: id,
            number,
        };
        self.stage(at, Stage::CatchUp(place), call, out);
    }

    /// Everything is made anew; whatever lay between is a gap.
    pub(super) fn anew(&mut self, at: Moment, because: &str, out: &mut Vec<Action>) {
        if self.away_since.is_some() {
            self.declare(at, because, out);
        }
        for station in &mut self.stations {
            station.asked.hearing.forget();
            station.identity.reopened();
            station.last.clear();
            station.proven = None;
            station.heard = None;
            station.who_at = at.elapsed;
        }
        for subscription in &mut self.subscriptions {
            subscription.forget();
        }
        for item in &mut self.items {
            item.state = State::Wanted;
        }
        self.begin_items(at, out);
    }

    /// Finds, subscribes and watches whatever still has to be; then works.
    pub(super) fn begin_items(&mut self, at: Moment, out: &mut Vec<Action>) {
        if self.phase != Phase::Working {
            self.phase = Phase::Beginning(Stage::Find);
        }
        let mut look_up: Option<(usize, Vec<usize>)> = None;
        let mut paths = Vec::new();
        for item in 0..self.items.len() {
            let station = self.items[item].station;
            if self.items[item].state != State::Wanted || self.stations[station].asked.out_of_service {
                continue;
            }
            match self.placed(item) {
                Err(status) => self.refuse(at, item, status, out),
                Ok((node, path)) if path.is_empty() => self.items[item].state = State::Found(node),
                Ok(path) => {
                    let most = self.per_call(station);
                    let (of, list) = look_up.get_or_insert_with(|| (station, Vec::new()));
                    if *of == station && list.len() < most {
                        list.push(item);
                        paths.push(path);
                    }
                }
            }
        }
        if let Some((_, items)) = look_up {
            self.calls.make(at, Purpose::Find(items), Call::Find(paths), out);
            return;
        }
        self.begin_subscriptions(at, out);
    }

    /// Where nodes are.
    pub(super) fn found(
        &mut self,
        at: Moment,
        items: &[usize],
        answer: Result<Reply, Problem>,
        out: &mut Vec<Action>,
    ) {
        let results = match answer {
            Ok(Reply::Found(results)) => results,
            Ok(_) => vec![Err(NO_SUCH_NODE); items.len()],
            Err(problem) if problem.kind == ProblemKind::Refused => vec![Err(problem.status); items.len()],
            Err(problem) => return self.lost(at, &problem, out),
        };
        for (item, result) in items.iter().zip(results) {
            match result {
                Ok(node) => self.items[*item].state = State::Found(node),
                Err(status) => self.refuse(at, *item, status, out),
            }
        }
        self.begin_items(at, out);
    }

    fn begin_subscriptions(&mut self, at: Moment, out: &mut Vec<Action>) {
        for place in 0..self.subscriptions.len() {
            let subscription = &self.subscriptions[place];
            if self.stations[subscription.station].asked.out_of_service {
                continue;
            }
            let ready: Vec<usize> = subscription
                .items
                .iter()
                .copied()
                .filter(|item| matches!(self.items[*item].state, State::Found(_)))
                .take(self.per_call(subscription.station))
                .collect();
            if ready.is_empty() {
                continue;
            }
            let Some(id) = subscription.id else {
                let wish = subscription.wish;
                self.calls
                    .make(at, Purpose::Subscribe(place), Call::Subscribe(wish), out);
                return;
            };
            let items = ready.iter().filter_map(|item| self.watch_item(*item)).collect();
            let call = Call::Watch {
                subscription: id,
                items,
            };
            self.calls.make(at, Purpose::Watch(place, ready), call, out);
            return;
        }
        for place in 0..self.items.len() {
            let item = &self.items[place];
            let by_reading =
                self.stations[item.station].reads.is_some() || item.role == driver::Role::Identity;
            if let (State::Found(node), true) = (&item.state, by_reading) {
                self.items[place].state = State::Watched(node.clone());
            }
        }
        if self.phase != Phase::Working {
            self.working(at, out);
        }
    }

    /// Everything is as it should be.
    fn working(&mut self, at: Moment, out: &mut Vec<Action>) {
        self.phase = Phase::Working;
        self.opened_at = at.elapsed;
        self.away_since = None;
        self.declared = false;
        if self.told.take().is_some() {
            self.tell(at, Change::Opened, out);
        }
        for subscription in &mut self.subscriptions {
            subscription.alive(at);
            subscription.fetched = 0;
        }
        self.work(at, out);
    }

    /// Certificates that end within 90, 30 and 7 days: theirs and ours.
    pub(super) fn warn_of_ends(&mut self, at: Moment, out: &mut Vec<Action>) {
        let ends = [
            (true, self.greeting.own.as_ref()),
            (false, self.greeting.certificate.as_ref()),
        ];
        let ending: Vec<Change> = ends
            .into_iter()
            .filter_map(|(own, shown)| {
                let shown = shown?;
                let days = shown.until.ms_since(at.now).div_euclid(86_400_000);
                (0..=90).contains(&days).then(|| Change::CertificateEnds {
                    own,
                    fingerprint: shown.fingerprint.clone(),
                    until: shown.until,
                    days,
                })
            })
            .collect();
        for change in ending {
            self.tell(at, change, out);
        }
    }

    /// Waits before the next attempt, by who is at fault.
    pub(super) fn wait_for(&mut self, problem: &Problem) -> Duration {
        match problem.kind {
            ProblemKind::Login => super::NEEDS_A_PERSON,
            ProblemKind::Untrusted => Duration::from_secs(5),
            ProblemKind::NotOffered | ProblemKind::Here => Duration::from_secs(30),
            // a server whose sessions are all taken gets no better by being asked
            _ if problem.status == TOO_MANY_SESSIONS => Duration::from_secs(10),
            _ => self.reopen.failed(),
        }
    }
}

pub(super) const TOO_MANY_SESSIONS: u32 = 0x8056_0000;
