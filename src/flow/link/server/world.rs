//! A simulated server with the faults of real ones: it restarts, forgets, loses messages, revises, refuses and
//! renumbers. Counts attempts and sessions, so that nobody has to believe that there is one.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Action, AskedNodes, Event, ServerLink, ServerPlan, next};
use crate::flow::{
    link::{Change, LinkOutput, Moment, Reading},
    needs::server::{Call, Greeting, Node, NodeName, Problem, ProblemKind, Published, Reply, Watched},
};
use driver::{
    Driver,
    nodes::{NodeData, NodeHearing, NodeValue, Scalar},
};
use record::Stamp;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

pub(super) const DRIVER: &str = r#"
format = 1
[driver]
name = "two-values"
edition = 1
title = "Two values"
maker = "Example"
speaks = "opc-ua"
evidence = "draft"
[opc_ua]
namespaces = { plant = "urn:example:plant" }
[[nodes]]
points = [ { node = "plant;s=Temperature", measure = "temperature", is = "float64", unit = "°C" } ]
[[nodes]]
points = [ { node = "plant;s=Pressure", measure = "pressure", is = "float64", unit = "bar" } ]
"#;

/// What goes wrong.
#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) down: bool,
    pub(super) wrong_password: bool,
    pub(super) untrusted: bool,
    /// Sessions of before are not known any more.
    pub(super) forgets_sessions: bool,
    pub(super) forgets_subscriptions: bool,
    /// The server holds its tongue: no data, no sign of life.
    pub(super) mute: bool,
    pub(super) without: BTreeSet<String>,
    pub(super) sampling_ms: Option<f64>,
    /// The clock of the server, ahead of ours.
    pub(super) ahead_ms: i64,
    /// This many messages are lost on the way.
    pub(super) loses: u32,
    /// And cannot be had again.
    pub(super) loses_for_good: bool,
}

#[derive(Debug)]
pub(super) struct World {
    link: Option<ServerLink>,
    pub(super) now: Duration,
    pub(super) faults: Faults,
    pub(super) namespaces: Vec<String>,
    pub(super) opened: Vec<Duration>,
    pub(super) logins: u32,
    pub(super) sessions: BTreeSet<u32>,
    pub(super) most_sessions: usize,
    session: Option<u32>,
    connected: bool,
    subscription: Option<(u32, u32)>,
    next_id: u32,
    watched: BTreeMap<u32, String>,
    waiting: VecDeque<u64>,
    queued: Vec<(u32, NodeValue)>,
    kept: BTreeMap<u32, Published>,
    sent_at: Duration,
    answers: VecDeque<(Duration, u64, Result<Reply, Problem>)>,
    pub(super) readings: Vec<Reading>,
    pub(super) news: Vec<Change>,
    pub(super) lost: Vec<String>,
}

const START: i64 = 1_800_000_000_000;

impl World {
    pub(super) fn new() -> Self {
        let driver = Driver::parse(DRIVER, "two-values.toml").unwrap();
        let asked = AskedNodes {
            tag: "MX-3".into(),
            hearing: NodeHearing::new(&driver).unwrap(),
            starts: BTreeMap::new(),
            every: Duration::from_secs(1),
            known: BTreeMap::new(),
            doubt: None,
            out_of_service: false,
            measures: vec!["temperature".into(), "pressure".into()],
        };
        let plan = ServerPlan {
            name: "opc.tcp://10.30.4.20:4840".into(),
            equipment: vec![asked],
            lent: false,
            seed: 7,
        };
        Self {
            link: Some(ServerLink::new(plan, Duration::ZERO)),
            now: Duration::ZERO,
            faults: Faults::default(),
            namespaces: vec![
                "http://opcfoundation.org/UA/".into(),
                "urn:other".into(),
                "urn:example:plant".into(),
            ],
            opened: Vec::new(),
            logins: 0,
            sessions: BTreeSet::new(),
            most_sessions: 0,
            session: None,
            connected: false,
            subscription: None,
            next_id: 100,
            watched: BTreeMap::new(),
            waiting: VecDeque::new(),
            queued: Vec::new(),
            kept: BTreeMap::new(),
            sent_at: Duration::ZERO,
            answers: VecDeque::new(),
            readings: Vec::new(),
            news: Vec::new(),
            lost: Vec::new(),
        }
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp(START + self.now.as_millis() as i64)
    }

    /// The far end is cut off; whatever was under way is lost.
    pub(super) fn cut(&mut self) {
        self.connected = false;
        self.waiting.clear();
        self.answers.clear();
        let problem = Problem::new(ProblemKind::Lost, "the connection is gone");
        self.answers.push_back((self.now, 0, Err(problem)));
    }

    /// The server goes down and forgets everything.
    pub(super) fn go_down(&mut self) {
        self.faults.down = true;
        self.sessions.clear();
        self.session = None;
        self.subscription = None;
        self.kept.clear();
        self.cut();
    }

    /// A value changes.
    pub(super) fn change(&mut self, node: &str, value: f64) {
        let value = NodeValue {
            data: NodeData::Scalar(Scalar::Double(value)),
            status: 0,
            source_time: Some(self.stamp().plus_ms(self.faults.ahead_ms)),
            server_time: Some(self.stamp().plus_ms(self.faults.ahead_ms)),
        };
        self.queue(node, value);
    }

    pub(super) fn queue(&mut self, node: &str, value: NodeValue) {
        let handle = self
            .watched
            .iter()
            .find(|(_, name)| *name == node)
            .map(|(handle, _)| *handle);
        if let Some(handle) = handle {
            self.queued.push((handle, value));
        }
    }

    /// Lets time pass in steps of 10 ms.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.publish();
            while let Some(due) = self.answers.front().filter(|(at, ..)| *at <= self.now).cloned() {
                self.answers.pop_front();
                self.step(Event::Answered(due.1, due.2));
            }
            let wake = self.link.as_ref().and_then(ServerLink::wake);
            if wake.is_some_and(|wake| wake <= self.now) {
                self.step(Event::Tick);
            }
            self.now += Duration::from_millis(10);
        }
    }

    pub(super) fn told(&mut self, order: crate::flow::link::Order) {
        self.step(Event::Told(order));
    }

    fn step(&mut self, event: Event) {
        let at = Moment {
            elapsed: self.now,
            now: self.stamp(),
        };
        let (link, actions) = next(self.link.take().unwrap(), at, event);
        self.link = Some(link);
        for action in actions {
            match action {
                Action::Call(number, call) => self.call(number, call),
                Action::DropConnection => {
                    self.connected = false;
                    self.waiting.clear();
                    self.answers.clear();
                }
                Action::Renew => {
                    if let Some(session) = self.session.take() {
                        self.sessions.remove(&session);
                    }
                    self.subscription = None;
                    self.connected = false;
                    self.waiting.clear();
                    self.answers.clear();
                }
                Action::Give(LinkOutput::Reading(reading)) => self.readings.push(reading),
                Action::Give(LinkOutput::News(news)) => self.news.push(news.change),
                Action::Give(LinkOutput::Lost { point, note, .. }) => {
                    self.lost.push(format!("{point}: {note}"));
                }
                Action::Give(_) => {}
            }
        }
    }

    fn call(&mut self, number: u64, call: Call) {
        let refused = |status: u32| {
            Err(Problem {
                status,
                ..Problem::new(ProblemKind::Refused, "no")
            })
        };
        let answer = match call {
            Call::Open => {
                self.opened.push(self.now);
                if self.faults.down {
                    Err(Problem::new(ProblemKind::Silent, "nobody answers"))
                } else if self.faults.untrusted {
                    Err(Problem::new(ProblemKind::Untrusted, "nobody has accepted it"))
                } else {
                    self.connected = true;
                    Ok(Reply::Opened(Greeting::default()))
                }
            }
            Call::TakeUp if self.session.is_some() && !self.faults.forgets_sessions => Ok(Reply::TakenUp),
            Call::TakeUp => refused(0x8025_0000),
            Call::Begin { .. } => {
                self.logins += 1;
                if self.faults.wrong_password {
                    Err(Problem {
                        status: 0x801F_0000,
                        ..Problem::new(ProblemKind::Login, "BadUserAccessDenied")
                    })
                } else {
                    if let Some(old) = self.session.take() {
                        self.sessions.remove(&old);
                    }
                    self.next_id += 1;
                    self.session = Some(self.next_id);
                    self.sessions.insert(self.next_id);
                    self.most_sessions = self.most_sessions.max(self.sessions.len());
                    Ok(Reply::Begun { timeout_ms: 60_000.0 })
                }
            }
            Call::Namespaces => Ok(Reply::Namespaces(self.namespaces.clone())),
            Call::Transfer { .. } if self.faults.forgets_subscriptions || self.subscription.is_none() => {
                refused(0x8028_0000)
            }
            Call::Transfer { subscriptions } => {
                Ok(Reply::Transferred(vec![Ok(Vec::new()); subscriptions.len()]))
            }
            Call::Subscribe(wish) => {
                self.next_id += 1;
                self.subscription = Some((self.next_id, 1));
                self.watched.clear();
                self.kept.clear();
                self.sent_at = self.now;
                Ok(Reply::Subscribed {
                    id: self.next_id,
                    interval_ms: f64::from(wish.interval_ms),
                    keep_alive: wish.keep_alive,
                    lifetime: wish.lifetime,
                })
            }
            Call::Watch { items, .. } => {
                let mut results = Vec::new();
                for item in items {
                    let NodeName::Text(name) = &item.target.node.id else {
                        panic!("a text was asked for")
                    };
                    assert_eq!(
                        self.namespaces[usize::from(item.target.node.namespace)],
                        "urn:example:plant"
                    );
                    if self.faults.without.contains(name) {
                        results.push(Err(0x8034_0000));
                        continue;
                    }
                    self.watched.insert(item.handle, name.clone());
                    results.push(Ok(Watched {
                        sampling_ms: self.faults.sampling_ms.unwrap_or(item.sampling_ms),
                        queue: item.queue,
                    }));
                    self.change(&name.clone(), 20.5);
                }
                Ok(Reply::Watched(results))
            }
            Call::Publish { seen, .. } => {
                for (_, number) in seen {
                    self.kept.remove(&number);
                }
                self.waiting.push_back(number);
                return;
            }
            Call::Republish { number: wanted, .. } => {
                match self.kept.get(&wanted).filter(|_| !self.faults.loses_for_good) {
                    Some(kept) => Ok(Reply::Published(kept.clone())),
                    None if self.faults.forgets_subscriptions || self.subscription.is_none() => {
                        refused(0x8028_0000)
                    }
                    None => refused(0x807B_0000),
                }
            }
            Call::Find(paths) => Ok(Reply::Found(vec![Ok(Node::standard(1)); paths.len()])),
            Call::Read(targets) => Ok(Reply::Values(vec![
                NodeValue::without(0x8034_0000);
                targets.len()
            ])),
            Call::Browse(_) => Ok(Reply::Browsed(Vec::new())),
        };
        self.answers
            .push_back((self.now + Duration::from_millis(10), number, answer));
    }

    /// The server's own side: a message when something changed, a sign of life each second.
    fn publish(&mut self) {
        let Some((id, number)) = self
            .subscription
            .filter(|_| self.connected || !self.queued.is_empty())
        else {
            return;
        };
        if self.faults.mute || self.faults.down {
            return;
        }
        let due = self.now >= self.sent_at + Duration::from_millis(500);
        let sign = self.now >= self.sent_at + Duration::from_secs(1);
        if !(due && !self.queued.is_empty() || sign) {
            return;
        }
        let Some(waiting) = self.waiting.pop_front().filter(|_| self.connected) else {
            return;
        };
        self.sent_at = self.now;
        let changes = std::mem::take(&mut self.queued);
        let message = Published {
            subscription: id,
            number,
            keep_alive: changes.is_empty(),
            changes,
            over: None,
            sent: Some(self.stamp().plus_ms(self.faults.ahead_ms)),
        };
        if !message.keep_alive {
            self.kept.insert(number, message.clone());
            self.subscription = Some((id, number + 1));
            if self.faults.loses > 0 {
                self.faults.loses -= 1;
                self.waiting.push_front(waiting);
                return;
            }
        }
        self.answers
            .push_back((self.now, waiting, Ok(Reply::Published(message))));
    }

    /// The readings of one measure since some place in the list.
    pub(super) fn of(&self, measure: &str, since: usize) -> Vec<String> {
        let wanted = self.readings[since..]
            .iter()
            .filter(|reading| reading.point.measure == measure);
        wanted.map(|reading| reading.answer.to_string()).collect()
    }

    pub(super) fn news_names(&self) -> Vec<&'static str> {
        let words = |change: &Change| {
            crate::flow::link::News {
                link: String::new(),
                tags: vec!["MX-3".into()],
                at: self.stamp(),
                change: change.clone(),
            }
            .words()
            .name
        };
        self.news.iter().map(words).collect()
    }
}
