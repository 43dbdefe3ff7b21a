//! Asking and understanding, without a line: bytes to send come out, bytes heard go in. Any chunking of the
//! same bytes gives the same answers; what cannot be told for certain to be *this* answer is never one.

use crate::{
    driver::{Ask, Comes, Driver, Modbus, Read, ReadRole, Speaks, Text, TextAnswer, Then},
    frame::{Cut, Cutter},
    meaning::{Field, Fields, filled, judge},
    merge::{Merged, merged},
    modbus::{self, Head, Reply, Request, Table, exception_word},
    pattern::Found,
    registers::decode,
};
use record::{Answer, Failure};
use std::{collections::VecDeque, sync::Arc, time::Duration};

/// One question of one driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QuestionId(pub u16);

/// What a question is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It gives values.
    Values,
    /// It gives what other answers are judged by; ask it at connect, before values, and now and then.
    Settings,
    /// It says who the instrument is; ask it at connect and now and then.
    Identity,
}

/// A question and its pace.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// For [`Conversation::ask`].
    pub id: QuestionId,
    /// What it is for.
    pub role: Role,
    /// As an engineer would say it: `holding 0 to 4`; the characters that are sent.
    pub asks: String,
    /// What it gives.
    pub measures: Vec<String>,
    /// What it lets the instrument say about itself and how it is set.
    pub says: Vec<String>,
    /// The questions it stands for, where several reads are asked as one.
    pub parts: Vec<QuestionId>,
    /// How long an answer may take.
    pub answer_within: Duration,
    /// How long the line must rest after it.
    pub pause_after: Duration,
    /// Never more often than this.
    pub ask_at_most_every: Duration,
}

/// How the bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A serial line.
    Serial,
    /// The same bytes over TCP.
    Tcp,
    /// Modbus with a TCP header.
    ModbusTcp,
    /// Modbus with a check sum, over a serial line or TCP.
    ModbusRtu,
}

/// What belongs to the plant and not to the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversationOptions {
    /// Modbus unit id.
    pub unit_id: u8,
    /// How the bytes travel.
    pub transport: Transport,
}

/// How something heard is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeardAs {
    /// The answer to the question.
    Answer,
    /// The instrument speaks by itself, as its driver says it does.
    ByItself,
    /// The question is understood, its answer is still to come.
    MoreFollows,
    /// An answer to a question given up: too late, never a value.
    Late,
    /// A line the driver names as meaningless.
    Aside,
    /// A frame nobody asked for: perhaps another master on this line.
    Unasked,
    /// Bytes that are no frame.
    Noise,
}

/// Something heard.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// How it is to be taken.
    pub heard_as: HeardAs,
    /// The question it answers.
    pub question: Option<QuestionId>,
    /// The bytes, as they came.
    pub raw: Vec<u8>,
    /// Measure and answer; empty unless it is an answer or comes by itself.
    pub answers: Vec<(String, Answer)>,
    /// How it failed, if it failed.
    pub failure: Option<Failure>,
    /// With which exception it was refused, where the protocol has one.
    pub refused: Option<u8>,
    /// Who the instrument says it is.
    pub identity: Option<String>,
    /// What it says about itself and how it is set, by name: what must not change unseen.
    pub says: Vec<(String, String)>,
}

impl Heard {
    /// An answer somebody else heard and understood.
    pub fn answered(raw: Vec<u8>, answers: Vec<(String, Answer)>, failure: Option<Failure>) -> Self {
        Self {
            answers,
            failure,
            ..Self::new(HeardAs::Answer, raw)
        }
    }

    fn new(heard_as: HeardAs, raw: Vec<u8>) -> Self {
        Self {
            heard_as,
            question: None,
            raw,
            answers: Vec::new(),
            failure: None,
            refused: None,
            identity: None,
            says: Vec::new(),
        }
    }

    /// An answer that came after its question was given up.
    pub fn is_late(&self) -> bool {
        self.heard_as == HeardAs::Late
    }

    /// A frame nobody asked for.
    pub fn is_unasked(&self) -> bool {
        self.heard_as == HeardAs::Unasked
    }
}

/// A conversation with one instrument.
///
/// ```
/// use driver::*;
/// let (file, text) = builtin().iter().find(|(file, _)| *file == "mt-sics-balance.toml").unwrap();
/// let balance = Driver::parse(text, file).unwrap();
/// let options = ConversationOptions { unit_id: 1, transport: Transport::Serial };
/// let mut talk = Conversation::new(&balance, options);
/// let weight = talk.questions().into_iter().find(|question| question.role == Role::Values).unwrap();
/// assert_eq!(talk.ask(weight.id), b"SI\r\n");
/// let heard = talk.hear(b"S S     100.00 g\r\n");
/// assert_eq!(heard[0].answers[0].1.to_string(), "100.00 g");
/// ```
#[derive(Debug, Clone)]
pub struct Conversation {
    speaks: Spoken,
    unit: u8,
    transport: Transport,
    asked: Vec<Asked>,
    merged: Arc<[Merged]>,
    pending: Option<Pending>,
    cutter: Cutter,
    buffer: Vec<u8>,
    transaction: u16,
    given_up: VecDeque<u16>,
    settings: Fields,
    trusted: bool,
}

#[derive(Debug, Clone)]
enum Spoken {
    Text(Arc<Text>),
    Modbus(Arc<Modbus>),
}

/// What lies behind a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Measure(usize),
    Identity,
    Read(usize),
    Merged(usize),
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    id: QuestionId,
    asked: Asked,
    request: Option<Request>,
    transaction: u16,
}

/// Late answers are known by their number; a device that is later than this many questions is a stranger.
const REMEMBERED: usize = 256;

impl Conversation {
    /// Begins a conversation.
    pub fn new(driver: &Driver, options: ConversationOptions) -> Self {
        let (speaks, asked, merged) = match &driver.speaks {
            Speaks::Text(text) => {
                let mut asked: Vec<Asked> = (0..text.asks.len()).map(Asked::Measure).collect();
                asked.extend(text.identity.iter().map(|_| Asked::Identity));
                (Spoken::Text(text.clone()), asked, Vec::new())
            }
            Speaks::Modbus(modbus) => {
                let merged = merged(modbus);
                let mut asked: Vec<Asked> = (0..modbus.reads.len()).map(Asked::Read).collect();
                asked.extend((0..merged.len()).map(Asked::Merged));
                (Spoken::Modbus(modbus.clone()), asked, merged)
            }
        };
        Self {
            speaks,
            unit: options.unit_id,
            transport: options.transport,
            asked,
            merged: merged.into(),
            pending: None,
            cutter: Cutter::default(),
            buffer: Vec::new(),
            transaction: 0,
            given_up: VecDeque::new(),
            settings: Fields::default(),
            trusted: true,
        }
    }

    /// Everything that can be asked, in the order of the file. What comes by itself is no question.
    pub fn questions(&self) -> Vec<Question> {
        let mut questions = self.all();
        questions.retain(|question| question.parts.is_empty());
        questions
    }

    /// Questions that stand for several, where the driver allows reads to be asked as one. Whoever asks one of
    /// them leaves its parts alone, until the instrument refuses it.
    pub fn merged(&self) -> Vec<Question> {
        let mut questions = self.all();
        questions.retain(|question| !question.parts.is_empty());
        questions
    }

    fn all(&self) -> Vec<Question> {
        self.asked
            .iter()
            .enumerate()
            .filter_map(|(id, asked)| self.question(QuestionId(id as u16), *asked))
            .collect()
    }

    fn question(&self, id: QuestionId, asked: Asked) -> Option<Question> {
        let names = |measures: &[crate::driver::Measure]| measures.iter().map(|m| m.name.clone()).collect();
        match (&self.speaks, asked) {
            (Spoken::Text(text), Asked::Measure(at)) => {
                let ask = &text.asks[at];
                (ask.comes == Comes::WhenAsked).then(|| Question {
                    id,
                    role: Role::Values,
                    asks: printed(ask.send.as_deref()),
                    measures: names(&ask.measures),
                    says: Vec::new(),
                    parts: Vec::new(),
                    answer_within: ask.answer_within,
                    pause_after: ask.pause_after,
                    ask_at_most_every: ask.at_most_every,
                })
            }
            (Spoken::Text(text), Asked::Identity) => text.identity.as_ref().map(|identity| Question {
                id,
                role: Role::Identity,
                asks: printed(Some(&identity.send)),
                measures: Vec::new(),
                says: identity
                    .reads
                    .slots()
                    .map(|slot| slot.name.clone())
                    .filter(|name| name != "_")
                    .collect(),
                parts: Vec::new(),
                answer_within: identity.answer_within,
                pause_after: Duration::ZERO,
                ask_at_most_every: Duration::from_mins(5),
            }),
            (Spoken::Modbus(modbus), Asked::Read(at)) => {
                let read = &modbus.reads[at];
                let role = match read.role {
                    ReadRole::Values => Role::Values,
                    ReadRole::Settings => Role::Settings,
                    ReadRole::Identity => Role::Identity,
                };
                Some(Question {
                    id,
                    role,
                    asks: registers(read.table, read.first, read.count),
                    measures: names(&read.measures),
                    says: said_by(read),
                    parts: Vec::new(),
                    answer_within: modbus.answer_within,
                    pause_after: modbus.pause_between,
                    ask_at_most_every: read.at_most_every,
                })
            }
            (Spoken::Modbus(modbus), Asked::Merged(at)) => {
                let merged = &self.merged[at];
                let first = self.question(id, Asked::Read(merged.parts[0]))?;
                let measures = merged
                    .parts
                    .iter()
                    .flat_map(|part| names(&modbus.reads[*part].measures));
                Some(Question {
                    asks: registers(merged.table, merged.first, merged.count),
                    measures: measures.collect(),
                    says: merged
                        .parts
                        .iter()
                        .flat_map(|part| said_by(&modbus.reads[*part]))
                        .collect(),
                    parts: merged.parts.iter().map(|part| QuestionId(*part as u16)).collect(),
                    ..first
                })
            }
            _ => None,
        }
    }

    /// The bytes to send. A question still open is given up first. No bytes for an id that is no question.
    pub fn ask(&mut self, id: QuestionId) -> Vec<u8> {
        self.remember_given_up();
        let Some(asked) = self.asked.get(usize::from(id.0)).copied() else {
            return Vec::new();
        };
        let mut pending = Pending {
            id,
            asked,
            request: None,
            transaction: 0,
        };
        let bytes = match (&self.speaks, asked) {
            (Spoken::Text(text), Asked::Measure(at)) => match &text.asks[at].send {
                Some(send) => [send.as_slice(), &text.framing.sends_with].concat(),
                None => return Vec::new(),
            },
            (Spoken::Text(text), Asked::Identity) => match &text.identity {
                Some(identity) => [identity.send.as_slice(), &text.framing.sends_with].concat(),
                None => return Vec::new(),
            },
            (Spoken::Modbus(modbus), Asked::Read(_) | Asked::Merged(_)) => {
                let (table, first, count) = match asked {
                    Asked::Merged(at) => {
                        let merged = &self.merged[at];
                        (merged.table, merged.first, merged.count)
                    }
                    Asked::Read(at) => {
                        let read = &modbus.reads[at];
                        (read.table, read.first, read.count)
                    }
                    Asked::Measure(_) | Asked::Identity => return Vec::new(),
                };
                let request = Request {
                    unit: self.unit,
                    table,
                    first,
                    count,
                };
                pending.request = Some(request);
                if self.transport != Transport::ModbusTcp {
                    // what lies here came before the question and can only be mistaken for its answer
                    self.buffer.clear();
                }
                if self.transport == Transport::ModbusTcp {
                    self.transaction = self.transaction.wrapping_add(1);
                    pending.transaction = self.transaction;
                    self.given_up.retain(|old| *old != pending.transaction);
                    request.tcp(pending.transaction)
                } else {
                    request.rtu()
                }
            }
            _ => return Vec::new(),
        };
        self.pending = Some(pending);
        bytes
    }

    /// What these bytes, together with those before, say.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        match self.speaks.clone() {
            Spoken::Text(text) => {
                let mut cuts = Vec::new();
                for byte in bytes {
                    self.cutter.push(&text.framing, *byte, &mut cuts);
                    heard.extend(cuts.drain(..).map(|cut| self.text_cut(&text, cut)));
                }
            }
            Spoken::Modbus(modbus) => {
                for byte in bytes {
                    self.buffer.push(*byte);
                    if self.transport == Transport::ModbusTcp {
                        heard.extend(self.tcp(&modbus));
                    } else {
                        self.rtu(&modbus, &mut heard);
                    }
                }
            }
        }
        heard
    }

    /// The time for an answer is over: its points are bad, silent when nothing came, garbled when something
    /// did. `None` when nothing was asked. An answer that comes later is late.
    pub fn give_up(&mut self) -> Option<Heard> {
        let pending = self.pending?;
        self.remember_given_up();
        let mut raw = self.cutter.clear();
        // on TCP the rest of a frame is still to come and must be waited for; elsewhere it is lost
        if self.transport != Transport::ModbusTcp {
            raw.append(&mut self.buffer);
        }
        let failure = if raw.is_empty() {
            Failure::Silent
        } else {
            Failure::Garbled
        };
        Some(self.failed(pending, raw, failure, failure.word()))
    }

    /// Throws away what was heard and not understood, after a drain or a reconnect. Nothing is open afterwards.
    pub fn forget(&mut self) -> Vec<u8> {
        self.remember_given_up();
        self.trusted = true;
        let mut raw = self.cutter.clear();
        raw.append(&mut self.buffer);
        raw
    }

    /// Whether the stream can still be cut into frames; if not, close it, [`Conversation::forget`], open again.
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// Whether an answer is awaited.
    pub fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    fn remember_given_up(&mut self) {
        if let Some(pending) = self.pending.take()
            && pending.request.is_some()
            && self.transport == Transport::ModbusTcp
        {
            self.given_up.push_back(pending.transaction);
            while self.given_up.len() > REMEMBERED {
                self.given_up.pop_front();
            }
        }
    }

    /// All measures of the question are bad for this reason.
    fn failed(&self, pending: Pending, raw: Vec<u8>, failure: Failure, because: &str) -> Heard {
        let measures = self
            .question(pending.id, pending.asked)
            .map(|question| question.measures)
            .unwrap_or_default();
        Heard {
            question: Some(pending.id),
            answers: measures
                .into_iter()
                .map(|measure| (measure, Answer::Bad(because.to_owned())))
                .collect(),
            failure: Some(failure),
            ..Heard::new(HeardAs::Answer, raw)
        }
    }

    // ------------------------------------------------------------ characters

    fn text_cut(&mut self, text: &Text, cut: Cut) -> Heard {
        match cut {
            Cut::Frame { content, raw } => self.line(text, &content, raw),
            Cut::Damaged(raw) => self.damaged(text, raw),
            Cut::Noise(raw) => Heard {
                failure: Some(Failure::Garbled),
                ..Heard::new(HeardAs::Noise, raw)
            },
        }
    }

    fn damaged(&mut self, text: &Text, raw: Vec<u8>) -> Heard {
        if let Some(pending) = self.pending.take() {
            return self.failed(pending, raw, Failure::Garbled, Failure::Garbled.word());
        }
        match by_itself(text) {
            Some(_) => unsaid(text, raw, Failure::Garbled),
            None => Heard {
                failure: Some(Failure::Garbled),
                ..Heard::new(HeardAs::Noise, raw)
            },
        }
    }

    fn line(&mut self, text: &Text, content: &[u8], raw: Vec<u8>) -> Heard {
        if let Some(pending) = self.pending {
            return self.line_while_waiting(text, pending, content, raw);
        }
        if text.asides.iter().any(|aside| reads_as(aside, content)) {
            return Heard::new(HeardAs::Aside, raw);
        }
        for ask in text.asks.iter().filter(|ask| ask.send.is_none()) {
            if let Some((_, answers)) = answered(ask, content) {
                return Heard {
                    answers,
                    ..Heard::new(HeardAs::ByItself, raw)
                };
            }
        }
        if by_itself(text).is_some() {
            return unsaid(text, raw, Failure::Unexpected);
        }
        Heard {
            identity: identity_in(text, content),
            failure: Some(Failure::Unexpected),
            ..Heard::new(HeardAs::Unasked, raw)
        }
    }

    fn line_while_waiting(&mut self, text: &Text, pending: Pending, content: &[u8], raw: Vec<u8>) -> Heard {
        match pending.asked {
            Asked::Identity => {
                if let Some(identity) = identity_in(text, content) {
                    self.pending = None;
                    return Heard {
                        question: Some(pending.id),
                        says: says_in(text, content),
                        identity: Some(identity),
                        ..Heard::new(HeardAs::Answer, raw)
                    };
                }
                // a line that is always a no, whatever was asked, is a no to this as well
                let no =
                    |ask: &Ask| answered(ask, content).is_some_and(|(then, _)| matches!(then, Then::Bad(_)));
                if text.asks.iter().any(no) {
                    self.pending = None;
                    return self.failed(pending, raw, Failure::Refused, Failure::Refused.word());
                }
            }
            Asked::Measure(at) => {
                if let Some((then, answers)) = answered(&text.asks[at], content) {
                    if then == Then::MoreFollows {
                        return Heard {
                            question: Some(pending.id),
                            ..Heard::new(HeardAs::MoreFollows, raw)
                        };
                    }
                    self.pending = None;
                    return Heard {
                        question: Some(pending.id),
                        answers,
                        ..Heard::new(HeardAs::Answer, raw)
                    };
                }
            }
            Asked::Read(_) | Asked::Merged(_) => {}
        }
        if text.asides.iter().any(|aside| reads_as(aside, content)) {
            return Heard::new(HeardAs::Aside, raw);
        }
        for ask in text.asks.iter().filter(|ask| ask.send.is_none()) {
            if let Some((_, answers)) = answered(ask, content) {
                return Heard {
                    answers,
                    ..Heard::new(HeardAs::ByItself, raw)
                };
            }
        }
        // an answer of another question cannot be this one's: it is late, or nobody asked for it
        let identity = identity_in(text, content);
        if identity.is_some() || text.asks.iter().any(|ask| answered(ask, content).is_some()) {
            return Heard {
                identity,
                failure: Some(Failure::Unexpected),
                ..Heard::new(HeardAs::Unasked, raw)
            };
        }
        self.pending = None;
        self.failed(pending, raw, Failure::Unexpected, Failure::Unexpected.word())
    }

    // ------------------------------------------------------------ registers

    fn tcp(&mut self, modbus: &Modbus) -> Option<Heard> {
        if !self.trusted {
            self.buffer.clear();
            return None;
        }
        let (transaction, length) = match modbus::head(&self.buffer) {
            Head::Partial => return None,
            Head::Lost => {
                self.trusted = false;
                let raw = std::mem::take(&mut self.buffer);
                return Some(match self.pending.take() {
                    Some(pending) => self.failed(pending, raw, Failure::Garbled, Failure::Garbled.word()),
                    None => Heard {
                        failure: Some(Failure::Garbled),
                        ..Heard::new(HeardAs::Noise, raw)
                    },
                });
            }
            Head::Frame { transaction, length } => (transaction, length),
        };
        let raw: Vec<u8> = self.buffer.drain(..length).collect();
        if let Some(pending) = self.pending.filter(|pending| pending.transaction == transaction) {
            self.pending = None;
            let body = raw[6..].to_vec();
            return Some(self.understood(modbus, pending, &body, raw));
        }
        if let Some(at) = self.given_up.iter().position(|old| *old == transaction) {
            self.given_up.remove(at);
            return Some(Heard::new(HeardAs::Late, raw));
        }
        Some(Heard {
            failure: Some(Failure::Unexpected),
            ..Heard::new(HeardAs::Unasked, raw)
        })
    }

    /// Looks after every byte whether a frame ends with it. Ours is found wherever it begins; a frame that is
    /// not ours is only seen from the beginning of what was heard.
    fn rtu(&mut self, modbus: &Modbus, heard: &mut Vec<Heard>) {
        let ours = self.pending.and_then(|pending| Some((pending, pending.request?)));
        if ours.is_some_and(|(_, request)| under_way(&self.buffer, request)) {
            return;
        }
        if let Some((pending, request)) = ours {
            for length in [5, request.answer_bytes() + 2] {
                let Some(start) = self.buffer.len().checked_sub(length) else {
                    continue;
                };
                let frame = &self.buffer[start..];
                let wanted = if length == 5 {
                    request.table.function() | 0x80
                } else {
                    request.table.function()
                };
                let shaped = frame[0] == request.unit
                    && frame[1] == wanted
                    && (length == 5 || usize::from(frame[2]) == length - 5);
                if !shaped {
                    continue;
                }
                let sound = modbus::unsealed(frame).is_some();
                if !sound && start > 0 {
                    continue;
                }
                let raw: Vec<u8> = self.buffer.drain(start..).collect();
                self.noise(heard);
                self.pending = None;
                heard.push(if sound {
                    let body = raw[..raw.len() - 2].to_vec();
                    self.understood(modbus, pending, &body, raw)
                } else {
                    self.failed(pending, raw, Failure::Garbled, Failure::Garbled.word())
                });
                return;
            }
        }
        if let Some(ours) = foreign(&self.buffer, ours.map(|(_, request)| request)) {
            let raw = std::mem::take(&mut self.buffer);
            heard.push(match (ours, self.pending) {
                (true, Some(pending)) => {
                    self.pending = None;
                    self.failed(pending, raw, Failure::Unexpected, Failure::Unexpected.word())
                }
                _ => Heard {
                    failure: Some(Failure::Unexpected),
                    ..Heard::new(HeardAs::Unasked, raw)
                },
            });
        } else if self.buffer.len() > 2 * LONGEST_RTU {
            let kept = self.buffer.split_off(LONGEST_RTU);
            self.noise(heard);
            self.buffer = kept;
        }
    }

    /// What lies in the buffer is no frame.
    fn noise(&mut self, heard: &mut Vec<Heard>) {
        if !self.buffer.is_empty() {
            let raw = std::mem::take(&mut self.buffer);
            heard.push(Heard {
                failure: Some(Failure::Garbled),
                ..Heard::new(HeardAs::Noise, raw)
            });
        }
    }

    fn understood(&mut self, modbus: &Modbus, pending: Pending, body: &[u8], raw: Vec<u8>) -> Heard {
        let parts = match pending.asked {
            Asked::Read(at) => vec![at],
            Asked::Merged(at) => self.merged[at].parts.clone(),
            Asked::Measure(_) | Asked::Identity => Vec::new(),
        };
        let Some(request) = pending.request.filter(|_| !parts.is_empty()) else {
            return Heard {
                failure: Some(Failure::Unexpected),
                ..Heard::new(HeardAs::Unasked, raw)
            };
        };
        let values = match request.understand(body) {
            Reply::Unexpected => {
                return self.failed(pending, raw, Failure::Unexpected, Failure::Unexpected.word());
            }
            Reply::Refused(code) => {
                let because = format!("refused, {}", exception_word(code));
                return Heard {
                    refused: Some(code),
                    ..self.failed(pending, raw, Failure::Refused, &because)
                };
            }
            Reply::Values(values) => values,
        };
        let mut heard = Heard {
            question: Some(pending.id),
            ..Heard::new(HeardAs::Answer, raw)
        };
        for part in parts {
            let read = &modbus.reads[part];
            let values = match pending.asked {
                Asked::Merged(at) => self.merged[at].of(read, &values),
                _ => &values,
            };
            let fields = fields_of(read, values, &self.settings);
            match read.role {
                ReadRole::Values => {}
                ReadRole::Settings => self.keep_settings(read, &fields),
                ReadRole::Identity => heard.identity = heard.identity.or_else(|| identity_of(read, &fields)),
            }
            if read.role != ReadRole::Values {
                heard.says.extend(says_of(read, &fields));
            }
            heard.answers.extend(answers_of(read, &fields));
        }
        heard
    }

    fn keep_settings(&mut self, read: &Read, fields: &Fields) {
        for point in &read.points {
            if let Some(field) = fields.get(&point.name) {
                self.settings.put(&point.name, field.clone());
            }
        }
    }
}

const LONGEST_RTU: usize = 256;

/// Whether the awaited answer has begun and not ended. Its first bytes can by chance be a sound frame of
/// their own, and for that one value it would happen every time.
fn under_way(buffer: &[u8], ours: Request) -> bool {
    let whole = ours.answer_bytes() + 2;
    let header = [ours.unit, ours.table.function(), (whole - 5) as u8];
    buffer.starts_with(&header) && buffer.len() < whole
}

/// A sound frame that is not the awaited answer; `Some(true)` when it comes from the unit and function asked.
fn foreign(buffer: &[u8], ours: Option<Request>) -> Option<bool> {
    let [unit, function, third, ..] = buffer else {
        return None;
    };
    let answer = 5 + usize::from(*third);
    let shaped = match function {
        1..=4 => buffer.len() == 8 || buffer.len() == answer,
        5 | 6 | 15 | 16 => {
            buffer.len() == 8 || buffer.len() == 9 + buffer.get(6).map_or(256, |count| usize::from(*count))
        }
        0x81..=0x90 => buffer.len() == 5,
        _ => false,
    };
    if !shaped || modbus::unsealed(buffer).is_none() {
        return None;
    }
    Some(ours.is_some_and(|ours| {
        ours.unit == *unit && ours.table.function() == *function && buffer.len() == answer
    }))
}

fn reads_as(pattern: &crate::pattern::Pattern, content: &[u8]) -> bool {
    pattern
        .matches(content, &[], &crate::pattern::Digits::default())
        .is_some()
}

fn by_itself(text: &Text) -> Option<&Ask> {
    text.asks.iter().find(|ask| ask.send.is_none())
}

/// An instrument that talks by itself said something that is not in the driver: its points are bad.
fn unsaid(text: &Text, raw: Vec<u8>, failure: Failure) -> Heard {
    let asks = text.asks.iter().filter(|ask| ask.send.is_none());
    let answers = asks
        .flat_map(|ask| &ask.measures)
        .map(|measure| (measure.name.clone(), Answer::Bad(failure.word().to_owned())))
        .collect();
    Heard {
        answers,
        failure: Some(failure),
        ..Heard::new(HeardAs::ByItself, raw)
    }
}

fn identity_in(text: &Text, content: &[u8]) -> Option<String> {
    let identity = text.identity.as_ref()?;
    let found = identity
        .reads
        .matches(content, &[], &crate::pattern::Digits::default())?;
    let (_, place) = found.into_iter().find(|(name, _)| name == "serial_number")?;
    Some(String::from_utf8_lossy(content[place].trim_ascii()).into_owned())
}

/// Everything it says about itself.
fn says_in(text: &Text, content: &[u8]) -> Vec<(String, String)> {
    let found = text.identity.as_ref().and_then(|identity| {
        identity
            .reads
            .matches(content, &[], &crate::pattern::Digits::default())
    });
    let named = found.into_iter().flatten().filter(|(name, _)| name != "_");
    named
        .map(|(name, place)| {
            let words = String::from_utf8_lossy(content[place].trim_ascii()).into_owned();
            (name, words)
        })
        .collect()
}

fn said_by(read: &Read) -> Vec<String> {
    let points = read.points.iter().filter(|_| read.role != ReadRole::Values);
    points.map(|point| point.name.clone()).collect()
}

fn says_of(read: &Read, fields: &Fields) -> Vec<(String, String)> {
    let says = read.points.iter().filter_map(|point| {
        let words = words_of(fields.get(&point.name)?);
        Some((point.name.clone(), words))
    });
    says.collect()
}

fn words_of(field: &Field) -> String {
    match field {
        Field::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Field::Count(count) => count.to_string(),
        Field::Float { text, .. } => text.clone(),
    }
}

fn registers(table: Table, first: u16, count: u16) -> String {
    let name = Table::words()
        .iter()
        .find(|(_, known)| *known == table)
        .map_or("", |(word, _)| word);
    match u32::from(first) + u32::from(count.max(1)) - 1 {
        last if last == u32::from(first) => format!("{name} {first}"),
        last => format!("{name} {first} to {last}"),
    }
}

fn printed(send: Option<&[u8]>) -> String {
    send.unwrap_or_default().escape_ascii().to_string()
}

/// Every answer of the question this line can be.
pub(crate) fn matching<'a>(ask: &'a Ask, content: &[u8]) -> Vec<(&'a TextAnswer, Found)> {
    let digits = &ask.measures[0].making.digits;
    ask.answers
        .iter()
        .filter_map(|answer| {
            answer
                .reads
                .matches(content, &ask.units, digits)
                .map(|found| (answer, found))
        })
        .collect()
}

/// The answer of this line, and its values. A line that fits two answers with different meaning has none:
/// the driver is ambiguous, and its linter says so.
pub(crate) fn answered(ask: &Ask, content: &[u8]) -> Option<(Then, Vec<(String, Answer)>)> {
    let matching = matching(ask, content);
    let (answer, found) = matching.first()?;
    if matching.iter().any(|(other, _)| other.then != answer.then) {
        let bad = ask
            .measures
            .iter()
            .map(|measure| (measure.name.clone(), Answer::Bad("ambiguous".to_owned())));
        return Some((Then::Bad("ambiguous".to_owned()), bad.collect()));
    }
    let fields = fields_in(ask, answer, found, content);
    let answers = ask
        .measures
        .iter()
        .map(|measure| {
            let said = match &answer.then {
                Then::Bad(because) => Answer::Bad(filled(because, &fields)),
                Then::MoreFollows => Answer::Bad(String::new()),
                Then::Gives { doubt } => {
                    let judged = judge(&measure.name, measure.making.make(&fields), &ask.doubts, &fields);
                    match (judged, doubt) {
                        (Answer::Good(value), Some(because)) => {
                            Answer::Uncertain(value, filled(because, &fields))
                        }
                        (judged, _) => judged,
                    }
                }
            };
            (measure.name.clone(), said)
        })
        .collect();
    Some((answer.then.clone(), answers))
}

/// The fields of a line, under their own names; `{value}` under the measure's.
pub(crate) fn fields_in(ask: &Ask, answer: &TextAnswer, found: &Found, content: &[u8]) -> Fields {
    let mut fields = Fields::default();
    for (slot, (name, place)) in answer.reads.slots().zip(found) {
        if name != "_" {
            fields.put(ask.fields_of(slot), Field::Text(content[place.clone()].to_vec()));
        }
    }
    fields
}

/// The fields of an answer in registers, after those of the settings.
pub(crate) fn fields_of(read: &Read, values: &[u8], settings: &Fields) -> Fields {
    let mut fields = settings.clone();
    for point in &read.points {
        if let Some(field) = field_at(read.table, point, values) {
            fields.put(&point.name, field);
        }
    }
    fields
}

fn field_at(table: Table, point: &crate::driver::RegisterPoint, values: &[u8]) -> Option<Field> {
    let at = usize::from(point.at);
    if table.is_bits() {
        let byte = values.get(at / 8)?;
        return Some(Field::Count(i128::from(byte >> (at % 8) & 1)));
    }
    decode(
        point.is,
        point.order,
        values.get(at * 2..at * 2 + usize::from(point.is.width()) * 2)?,
    )
}

pub(crate) fn answers_of(read: &Read, fields: &Fields) -> Vec<(String, Answer)> {
    read.measures
        .iter()
        .map(|measure| {
            let answer = judge(&measure.name, measure.making.make(fields), &read.doubts, fields);
            (measure.name.clone(), answer)
        })
        .collect()
}

fn identity_of(read: &Read, fields: &Fields) -> Option<String> {
    let point = read.points.iter().find(|point| point.name == "serial_number")?;
    Some(words_of(fields.get(&point.name)?))
}
