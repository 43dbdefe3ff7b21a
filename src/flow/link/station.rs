//! One instrument on a line: its questions and their slots, whether it is silent, who it says it is.

use super::{
    Facts, LinkOutput, Moment, Reading,
    apart::{Merging, together},
    commanded::Ordered,
    identity::{Identity, SERIAL_NUMBER},
    pace::{Backoff, Slots},
};
use crate::config::plant::PointName;
use driver::{Conversation, Heard, HeardAs, Question, Role};
use record::{Answer, Failure, Stamp};
use std::time::Duration;

/// One instrument and how it is to be asked.
#[derive(Debug)]
pub struct Asked {
    pub tag: String,
    pub conversation: Conversation,
    /// Modbus unit id.
    pub unit: Option<u8>,
    /// How often; a driver may allow less.
    pub every: Duration,
    /// What it is known to say about itself and how it is set; with the configured serial number, if there is one.
    pub known: Facts,
    /// Why its values do not count until a person confirms.
    pub doubt: Option<&'static str>,
    /// A person said so: nothing is asked of it.
    pub out_of_service: bool,
    /// Measures it gives when asked, or by itself: silent when the line is.
    pub measures: Vec<String>,
    /// It also talks by itself, so that saying nothing for a while is silence.
    pub talks: bool,
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub asked: u64,
    pub answered: u64,
    pub silent: u64,
    pub refused: u64,
    pub garbled: u64,
    pub unexpected: u64,
    /// Answers that came after their time and were thrown away.
    pub late: u64,
    /// Slots in which it should have been asked and was not.
    pub missed: u64,
    /// Bytes that belong to no frame.
    pub noise: u64,
}

/// What came out of some bytes.
#[derive(Debug, Default)]
pub(super) struct Listened {
    /// The answer to the question.
    pub(super) answer: Option<Heard>,
    /// What came by itself.
    pub(super) outputs: Vec<LinkOutput>,
    /// Frames that nobody asked for.
    pub(super) foreign: Vec<u8>,
    /// The question has been understood, and its answer is still to come.
    pub(super) more: bool,
}

#[derive(Debug)]
pub(super) struct Station {
    pub(super) asked: Asked,
    pub(super) counts: Counts,
    pub(super) questions: Vec<Asking>,
    pub(super) silence: Silence,
    pub(super) identity: Identity,
    /// What a person may have it do, and its place among the questions.
    pub(super) commands: Vec<(String, usize)>,
    pub(super) order: Option<Ordered>,
    /// The question as it left: how long, and the number its driver gave it.
    pub(super) sent: (usize, [u8; 2]),
    /// The last question that made the instrument do something, until it is told.
    written: Option<(String, Vec<u8>)>,
    /// An answer to an earlier question may still come until then.
    pub(super) owed_until: Duration,
}

/// One question and its slots.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) question: Question,
    pub(super) merging: Merging,
    pub(super) slots: Slots,
    pub(super) failing: Option<(Failure, Stamp)>,
    pub(super) bad_in_row: u32,
    pub(super) good_in_row: u32,
}

/// Whether it answers at all.
#[derive(Debug)]
pub(super) struct Silence {
    pub(super) in_row: u32,
    /// It has answered since the line was opened.
    pub(super) heard: bool,
    /// When it last spoke, for one that talks by itself.
    pub(super) spoke: Duration,
    /// When it last answered at all.
    pub(super) last: Option<Moment>,
    pub(super) first: Option<Stamp>,
    pub(super) since: Option<Stamp>,
    pub(super) backoff: Backoff,
    pub(super) probe_at: Duration,
    pub(super) probe: usize,
}

impl Station {
    pub(super) fn new(asked: Asked, now: Duration, place: (usize, usize), seed: u64) -> Self {
        let all = together(asked.conversation.questions(), asked.conversation.merged());
        let slot = asked.every / (place.1.max(1) as u32);
        let count = all.len().max(1) as u32;
        let spread = |at: usize| slot * place.0 as u32 + slot / count * at as u32;
        let mut questions: Vec<Asking> = all
            .into_iter()
            .enumerate()
            .map(|(at, (question, merging))| {
                // values are spread over the interval, so that not all fall due in the same moment
                let values = question.role == Role::Values;
                let period = match question.role {
                    Role::Values => asked.every,
                    // only silence makes it due, and whoever speaks puts it off
                    Role::Start => question.ask_at_most_every,
                    _ => NOW_AND_THEN,
                };
                let period = period.max(question.ask_at_most_every);
                let first = if values { now + spread(at) } else { now };
                let slots = Slots::new(period, first);
                Asking {
                    question,
                    merging,
                    slots,
                    failing: None,
                    bad_in_row: 0,
                    good_in_row: 0,
                }
            })
            .collect();
        let mut commands = Vec::new();
        for (name, question) in asked.conversation.commands() {
            commands.push((name, questions.len()));
            questions.push(Asking {
                question,
                merging: Merging::default(),
                slots: Slots::new(NOW_AND_THEN, now),
                failing: None,
                bad_in_row: 0,
                good_in_row: 0,
            });
        }
        let seed = seed.wrapping_mul(31).wrapping_add(place.0 as u64 + 1);
        Self {
            identity: Identity::new(&asked.conversation, asked.known.clone(), asked.doubt),
            asked,
            counts: Counts::default(),
            questions,
            silence: Silence {
                in_row: 0,
                heard: false,
                spoke: now,
                last: None,
                first: None,
                since: None,
                backoff: Backoff::new(PROBE.0, PROBE.1, seed),
                probe_at: now,
                probe: 0,
            },
            commands,
            order: None,
            sent: (0, [0; 2]),
            written: None,
            owed_until: Duration::ZERO,
        }
    }

    pub(super) fn tag(&self) -> &str {
        &self.asked.tag
    }

    pub(super) fn unit(&self) -> Option<u8> {
        self.asked.unit
    }

    /// It is only probed: nothing is expected from it until it speaks.
    pub(super) fn is_silent(&self) -> bool {
        self.silence.since.is_some()
    }

    pub(super) fn is_asked(&self) -> bool {
        self.questions.len() > self.commands.len()
    }

    /// When it is to be asked next; `None` for one that only speaks by itself.
    pub(super) fn due(&self) -> Option<Duration> {
        if self.asked.out_of_service {
            return None;
        }
        let due = (0..self.questions.len())
            .filter_map(|place| self.due_of(place))
            .min()?;
        Some(if self.is_silent() {
            self.silence.probe_at
        } else {
            due
        })
    }

    /// When one that talks by itself has been quiet for too long.
    pub(super) fn overdue_at(&self) -> Option<Duration> {
        let talks = self.asked.talks && !self.is_silent() && !self.asked.out_of_service;
        talks.then(|| self.silence.spoke + (self.asked.every * 3).max(TALKS_WITHIN))
    }
}

// ---------------------------------------------------------------- asking

impl Station {
    /// Takes the slot that is due, identity first, and gives the bytes.
    pub(super) fn ask(&mut self, now: Duration) -> (usize, Vec<u8>) {
        let place = self.which(now);
        self.tried_as_one(place, now);
        self.order_goes_out(place);
        let asking = &mut self.questions[place];
        if asking.question.role != Role::Command {
            let missed = asking.slots.take(now);
            if self.silence.since.is_none() {
                self.counts.missed += missed;
            }
        }
        self.counts.asked += 1;
        self.asked.conversation.forget();
        let bytes = self.asked.conversation.ask(asking.question.id);
        self.numbered_as(&bytes);
        (place, bytes)
    }

    fn which(&mut self, now: Duration) -> usize {
        let count = self.questions.len();
        if self.is_silent() {
            let next = (1..=count).map(|step| (self.silence.probe + step) % count);
            let next = { next }.find(|place| self.is_asked_now(*place));
            self.silence.probe = next.unwrap_or_default();
            return self.silence.probe;
        }
        let first = |values: bool| {
            let them =
                (0..count).filter(|place| values || self.questions[*place].question.role != Role::Values);
            them.filter_map(|place| Some((self.due_of(place)?, place))).min()
        };
        let who = first(false).filter(|(due, _)| now >= *due);
        who.or_else(|| first(true)).map_or(0, |(_, place)| place)
    }

    /// The question never left; its slot is gone and counts as missed.
    pub(super) fn take_back(&mut self, now: Duration) {
        self.order_stays();
        self.counts.asked -= 1;
        self.counts.missed += 1;
        self.asked.conversation.forget();
        self.silence.probe_at = now + PROBE.0;
    }

    /// What was written to it with the last question, once.
    pub(super) fn wrote(&mut self) -> Option<(String, Vec<u8>)> {
        self.written.take()
    }

    pub(super) fn sent_bytes(&self) -> usize {
        self.sent.0
    }

    pub(super) fn answer_within(&self, question: usize) -> Duration {
        self.questions[question].question.answer_within
    }

    pub(super) fn pause(&self, question: usize) -> Duration {
        self.questions[question].question.pause_after
    }

    /// Until when an answer to the question just given up may still come.
    pub(super) fn late_until(&mut self, now: Duration, question: usize) -> Duration {
        let until = now + (self.answer_within(question) * 2).max(LATE_AT_LEAST);
        self.owed_until = until + LATE_AT_LEAST;
        self.silence.probe_at = self.silence.probe_at.max(until);
        until
    }

    /// Whether an answer given up may still be under way.
    pub(super) fn owes(&self, now: Duration) -> bool {
        now < self.owed_until
    }
}

// ---------------------------------------------------------------- hearing

impl Station {
    /// Bytes of a line without numbers.
    pub(super) fn hear(&mut self, at: Moment, bytes: &[u8]) -> Listened {
        let mut listened = Listened::default();
        for heard in self.asked.conversation.hear(bytes) {
            self.sort(at, heard, &mut listened);
        }
        listened
    }

    /// How long a pause ends what lies here.
    pub(super) fn quiet_after(&self) -> Option<Duration> {
        self.asked.conversation.quiet_after()
    }

    /// The line was quiet for that long; `at` is when its last byte came.
    pub(super) fn quiet(&mut self, at: Moment) -> Listened {
        let mut listened = Listened::default();
        for heard in self.asked.conversation.quiet() {
            self.sort(at, heard, &mut listened);
        }
        listened
    }

    /// What has to be sent before the answer can come, and how long after what was heard.
    pub(super) fn goes_on(&mut self) -> Option<(Vec<u8>, Duration)> {
        let (bytes, after) = self.asked.conversation.go_on()?;
        self.numbered_as(&bytes);
        Some((bytes, after))
    }

    fn numbered_as(&mut self, bytes: &[u8]) {
        let number = [
            bytes.first().copied().unwrap_or(0),
            bytes.get(1).copied().unwrap_or(0),
        ];
        self.sent = (bytes.len(), number);
        let command = self.asked.conversation.writing().map(str::to_owned);
        self.written = command.map(|command| (command, bytes.to_vec()));
    }

    /// It has been told to talk by itself: nothing answers that, and it is told again if it stays silent.
    pub(super) fn was_started(&mut self, now: Duration, question: usize) -> bool {
        let asking = &self.questions[question].question;
        if asking.role != Role::Start {
            return false;
        }
        self.counts.asked -= 1;
        self.silence.probe_at = now + asking.ask_at_most_every;
        true
    }

    /// A frame that carries the number of our question.
    pub(super) fn hear_frame(&mut self, at: Moment, frame: &[u8]) -> Listened {
        let mut frame = frame.to_vec();
        frame[..2].copy_from_slice(&self.sent.1);
        let mut listened = self.hear(at, &frame);
        if let Some(heard) = &mut listened.answer {
            heard.raw.clear(); // the caller has the bytes as they came
        }
        listened
    }

    /// What lies behind an answer and is no part of it.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        self.asked.conversation.forget()
    }

    fn sort(&mut self, at: Moment, heard: Heard, listened: &mut Listened) {
        if self.asked.out_of_service {
            return;
        }
        match heard.heard_as {
            HeardAs::Answer if listened.answer.is_none() => listened.answer = Some(heard),
            HeardAs::ByItself => {
                self.silence.spoke = at.elapsed;
                for asking in &mut self.questions {
                    if asking.question.role == Role::Start {
                        asking
                            .slots
                            .again_at(at.elapsed + asking.question.ask_at_most_every);
                    }
                }
                if let Some(failure) = heard.failure {
                    self.count(failure);
                }
                listened.outputs.extend(self.is_back(at));
                listened.outputs.extend(self.readings(at, at, &heard));
            }
            HeardAs::Unasked | HeardAs::Answer => {
                // some instruments say who they are when they are switched on
                if let Some(says) = &heard.identity {
                    let says = [(SERIAL_NUMBER.to_owned(), says.clone())];
                    listened.outputs.extend(self.says(at, Role::Identity, &says));
                }
                listened.foreign.extend(heard.raw);
            }
            HeardAs::Late => self.counts.late += 1,
            HeardAs::Noise => self.counts.noise += heard.raw.len() as u64,
            HeardAs::MoreFollows => listened.more = true,
            HeardAs::Aside => {}
        }
    }

    /// The answer stands.
    pub(super) fn answered(
        &mut self,
        at: Moment,
        asked: Moment,
        question: usize,
        heard: &Heard,
    ) -> Vec<LinkOutput> {
        self.silence.spoke = at.elapsed;
        self.owed_until = Duration::ZERO;
        let mut outputs = Vec::new();
        outputs.extend(self.is_back(at));
        let role = self.questions[question].question.role;
        if role == Role::Command {
            outputs.extend(self.carried_out(at, question, heard));
            return outputs;
        }
        outputs.extend(self.says(at, role, &heard.says));
        match heard.failure {
            None => {
                self.counts.answered += 1;
                outputs.extend(self.part_found(at, question, false));
                outputs.extend(self.stays_together(at, question));
                outputs.extend(self.works(at, question));
            }
            Some(failure) => {
                self.count(failure);
                if self.comes_apart(at, question, heard) {
                    return outputs;
                }
                outputs.extend(self.part_found(at, question, failure == Failure::Refused));
                outputs.extend(self.fails(at, question, failure, heard));
            }
        }
        outputs.extend(self.readings(at, asked, heard));
        outputs
    }

    /// The waiting is over.
    pub(super) fn unanswered(&mut self, at: Moment, asked: Moment, question: usize) -> Vec<LinkOutput> {
        let Some(heard) = self.asked.conversation.give_up() else {
            return Vec::new();
        };
        if self.questions[question].question.role == Role::Command {
            return self.carried_out(at, question, &heard).into_iter().collect();
        }
        let failure = heard.failure.unwrap_or(Failure::Silent);
        self.count(failure);
        if self.questions[question].question.role != Role::Values {
            self.questions[question].slots.again_at(at.elapsed + ASK_AGAIN);
        }
        let mut outputs = Vec::new();
        if failure == Failure::Silent {
            outputs.extend(self.says_nothing(at, asked, self.answer_within(question)));
        } else {
            outputs.extend(self.is_back(at));
            outputs.extend(self.fails(at, question, failure, &heard));
        }
        outputs.extend(self.readings(at, asked, &heard));
        outputs
    }

    /// Bytes came, and nobody can say that they are the answer.
    pub(super) fn doubted(
        &mut self,
        at: Moment,
        asked: Moment,
        question: usize,
        (failure, because, raw): (Failure, &str, Vec<u8>),
    ) -> Vec<LinkOutput> {
        self.count(failure);
        self.asked.conversation.forget();
        if self.questions[question].question.role == Role::Command {
            let heard = Heard::answered(raw, Vec::new(), Some(failure));
            return self.carried_out(at, question, &heard).into_iter().collect();
        }
        let measures = self.questions[question].question.measures.clone();
        let readings = measures.into_iter().map(|measure| {
            let answer = Answer::Bad(because.to_owned());
            let failure = Some(failure);
            LinkOutput::Reading(Reading {
                point: self.point(measure),
                answer,
                failure,
                raw: raw.clone(),
                time: at.now,
                asked: asked.now,
                origin: None,
            })
        });
        readings.collect()
    }

    fn readings(&self, at: Moment, asked: Moment, heard: &Heard) -> Vec<LinkOutput> {
        let reading = |(measure, answer): &(String, Answer)| {
            LinkOutput::Reading(Reading {
                point: self.point(measure.clone()),
                answer: self.trusted(answer.clone()),
                failure: heard.failure,
                raw: heard.raw.clone(),
                time: at.now,
                asked: asked.now,
                origin: None,
            })
        };
        heard.answers.iter().map(reading).collect()
    }

    pub(super) fn point(&self, measure: String) -> PointName {
        PointName {
            tag: self.asked.tag.clone(),
            measure,
        }
    }
}

/// How often identity and settings are asked for while all is well, and how soon again after a failure.
const NOW_AND_THEN: Duration = Duration::from_mins(5);
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// How often a silent instrument is asked whether it is there.
const PROBE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// However quick an instrument should be, its answer may be this late.
const LATE_AT_LEAST: Duration = Duration::from_millis(500);
/// One that talks by itself may be quiet this long.
const TALKS_WITHIN: Duration = Duration::from_secs(3);
