//! A line in virtual time: the state machine on one side, a scripted far end on the other.

use driver::{Conversation, ConversationOptions, Driver, Transport};
use record::{Answer, Stamp};
use std::{collections::BTreeMap, time::Duration};
use steelyard::flow::link::{
    self, Action, Asked, Change, Event, Link, LinkOutput, Matching, Moment, Plan, Reading,
};

/// A meter with two reads of the same shape, so that a mix-up shows: nothing but the value tells them apart.
pub(super) const METER: &str = r#"
format = 1
[driver]
name     = "meter"
edition  = 1
title    = "Meter of two values"
maker    = "Example Controls"
speaks   = "modbus"
evidence = "draft"
manual   = "none"
[modbus]
answer_within = "100 ms"
pause_between = "10 ms"
[[read]]
table = "holding"
first = 0
count = 2
points = [ { at = 0, measure = "one", is = "uint32", one_count = "1 kg" } ]
[[read]]
table = "holding"
first = 10
count = 2
points = [ { at = 0, measure = "two", is = "uint32", one_count = "1 kg" } ]
"#;

/// What a far end does with a question: bytes, each so much later.
pub(super) type Peer = Box<dyn FnMut(Duration, &[u8]) -> Vec<(Duration, Vec<u8>)>>;

/// Looks at a reading.
pub(super) type Check = Box<dyn FnMut(&Reading)>;

pub(super) struct World {
    link: Option<Link>,
    pub(super) now: Duration,
    coming: BTreeMap<(Duration, u64), Vec<u8>>,
    order: u64,
    pub(super) peer: Peer,
    /// Whether the line can be opened.
    pub(super) plugged: bool,
    pub(super) opens: Vec<Duration>,
    pub(super) asked: u64,
    pub(super) events: u64,
    pub(super) readings: Vec<(Duration, Reading)>,
    /// Looks at every reading in the moment it is given.
    pub(super) check: Option<Check>,
    pub(super) news: Vec<(Duration, Change)>,
}

impl World {
    pub(super) fn new(plan: Plan, peer: Peer) -> Self {
        Self {
            link: Some(Link::new(plan, Duration::ZERO)),
            now: Duration::ZERO,
            coming: BTreeMap::new(),
            order: 0,
            peer,
            plugged: true,
            opens: Vec::new(),
            asked: 0,
            events: 0,
            readings: Vec::new(),
            check: None,
            news: Vec::new(),
        }
    }

    pub(super) fn link(&self) -> &Link {
        self.link.as_ref().unwrap()
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, until: Duration) {
        loop {
            let wake = self.link().wake();
            let bytes = self.coming.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = wake.into_iter().chain(bytes).min().filter(|at| *at <= until) else {
                break;
            };
            self.now = self.now.max(next);
            let event = match bytes {
                Some(at) if at <= self.now => Event::Heard(self.coming.pop_first().unwrap().1),
                _ => Event::Tick,
            };
            self.happens(event);
        }
        self.now = until;
    }

    /// Something comes over the line that nobody asked for.
    pub(super) fn comes(&mut self, after: Duration, bytes: &[u8]) {
        self.order += 1;
        self.coming.insert((self.now + after, self.order), bytes.to_vec());
    }

    pub(super) fn happens(&mut self, event: Event) {
        let mut next = Some(event);
        while let Some(event) = next.take() {
            self.events += 1;
            let at = self.moment();
            let (link, actions) = link::next(self.link.take().unwrap(), at, event);
            self.link = Some(link);
            for action in actions {
                match action {
                    Action::Open => {
                        self.opens.push(self.now);
                        next = Some(if self.plugged {
                            Event::Opened
                        } else {
                            Event::OpenFailed("not there".into())
                        });
                    }
                    Action::Close => self.coming.clear(),
                    Action::Send { bytes, .. } => {
                        self.asked += 1;
                        for (after, answer) in (self.peer)(self.now, &bytes) {
                            self.comes(after, &answer);
                        }
                        next = Some(Event::Sent);
                    }
                    Action::Give(LinkOutput::Reading(reading)) => match &mut self.check {
                        Some(check) => check(&reading),
                        None => self.readings.push((self.now, reading)),
                    },
                    Action::Give(LinkOutput::Wrote { command, .. }) => {
                        panic!("{command} was written, and nobody allowed it")
                    }
                    Action::Give(LinkOutput::Commanded(commanded)) => {
                        panic!("{} was ordered by nobody", commanded.command)
                    }
                    Action::Give(LinkOutput::Lost { point, .. }) => {
                        panic!("values of {point} were lost on a line that keeps none")
                    }
                    Action::Give(LinkOutput::News(news)) => {
                        assert!(!news.words().what.is_empty());
                        self.news.push((self.now, news.change));
                    }
                }
            }
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            elapsed: self.now,
            now: Stamp(1_800_000_000_000 + self.now.as_millis() as i64),
        }
    }

    /// Answers of one point as words, with repetitions left out.
    pub(super) fn words(&self, measure: &str) -> Vec<String> {
        let all = self
            .readings
            .iter()
            .filter(|(_, reading)| reading.point.measure == measure);
        let mut words: Vec<String> = all.map(|(_, reading)| reading.answer.to_string()).collect();
        words.dedup();
        words
    }

    pub(super) fn good(&self, tag: &str) -> usize {
        let good = |reading: &&(Duration, Reading)| {
            reading.1.point.tag == tag && matches!(reading.1.answer, Answer::Good(_))
        };
        self.readings.iter().filter(good).count()
    }
}

pub(super) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A line with such instruments at units 1, 2, 3 …
pub(super) fn plan(text: &str, transport: Transport, tags: &[&str], every: Duration) -> Plan {
    let driver = Driver::parse(text, "meter.toml").unwrap();
    let equipment = tags.iter().zip(1..).map(|(tag, unit)| Asked {
        tag: (*tag).to_owned(),
        conversation: Conversation::new(
            &driver,
            ConversationOptions {
                unit_id: unit,
                transport,
            },
        ),
        unit: Some(unit),
        every,
        known: BTreeMap::new(),
        doubt: None,
        out_of_service: false,
        measures: driver.points().into_iter().map(|point| point.measure).collect(),
        talks: false,
    });
    let matching = match transport {
        Transport::ModbusTcp => Matching::Number,
        Transport::ModbusRtu => Matching::Address,
        _ => Matching::Nothing,
    };
    Plan {
        name: "the line".into(),
        matching,
        speed: None,
        equipment: equipment.collect(),
        lent: false,
        seed: 7,
    }
}

/// The answer to a question for two registers: this value.
pub(super) fn answer(question: &[u8], value: u32) -> Vec<u8> {
    let number = value.to_be_bytes();
    if question.len() == 8 {
        return sealed(&[&question[..2], &[4], &number[..]].concat());
    }
    [&question[..4], &[0, 7], &question[6..8], &[4], &number[..]].concat()
}

pub(super) fn sealed(body: &[u8]) -> Vec<u8> {
    [body, &driver::crc16(body).to_le_bytes()].concat()
}

/// Unit and first register of a question.
pub(super) fn asks(question: &[u8]) -> (u8, u8) {
    if question.len() == 8 {
        (question[0], question[3])
    } else {
        (question[6], question[9])
    }
}
