//! Asking and understanding, without a line: bytes to send come out, bytes heard go in. Any chunking of the
//! same bytes gives the same answers; what cannot be told for certain to be *this* answer is never one.

mod fields;
mod registers;
mod stages;
mod text;

pub(crate) use fields::{answered, answers_of, fields_in, fields_of, matching, words_of as in_words};

use crate::{
    command::{Command, Outcome},
    driver::{Comes, Driver, Measure, Modbus, ReadRole, Speaks, Text},
    frame::{Cutter, Ends},
    meaning::Fields,
    merge::{Merged, merged},
    modbus::{Table, Wire},
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
    /// It makes an instrument talk by itself, and nothing answers it: send it at connect, and again when the
    /// instrument has been silent for as long as [`Question::ask_at_most_every`] says.
    Start,
    /// It makes the instrument do something. Only where the configuration allows it, and never by itself.
    Command,
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
    /// The question is understood, its answer is still to come: by itself, or after what
    /// [`Conversation::go_on`] gives has been sent.
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
    /// What became of a command; `None` where nothing was to be done.
    pub outcome: Option<Outcome>,
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
            outcome: None,
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
    allowed: Vec<String>,
    /// What is to be sent before the answer can come, and how long after what was heard.
    next: Option<Duration>,
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
    Start(usize),
    Command(usize),
}

#[derive(Debug, Clone, Copy)]
struct Pending {
    id: QuestionId,
    asked: Asked,
    stage: Stage,
    request: Option<Wire>,
    transaction: u16,
    /// How often it may still be asked whether it is ready.
    tries: u32,
}

/// How far a question has come that takes several exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The command itself, or the one that opens the window of a read.
    Command(usize),
    /// Whether it has been carried out.
    Proof(usize),
    /// The question.
    Question,
}

/// Late answers are known by their number; a device that is later than this many questions is a stranger.
const REMEMBERED: usize = 256;

impl Conversation {
    /// Begins a conversation.
    pub fn new(driver: &Driver, options: ConversationOptions) -> Self {
        let (speaks, mut asked, merged) = match &driver.speaks {
            Speaks::Text(text) => {
                let mut asked: Vec<Asked> = (0..text.asks.len()).map(Asked::Measure).collect();
                asked.extend(text.identity.iter().map(|_| Asked::Identity));
                let starts = text.asks.iter().enumerate();
                asked.extend(starts.filter_map(|(at, ask)| ask.start.as_ref().map(|_| Asked::Start(at))));
                (Spoken::Text(text.clone()), asked, Vec::new())
            }
            Speaks::Modbus(modbus) => {
                let merged = merged(modbus);
                let mut asked: Vec<Asked> = (0..modbus.reads.len()).map(Asked::Read).collect();
                asked.extend((0..merged.len()).map(Asked::Merged));
                (Spoken::Modbus(modbus.clone()), asked, merged)
            }
            Speaks::Nodes(_) => (Spoken::Text(Arc::new(Text::nothing())), Vec::new(), Vec::new()),
        };
        asked.extend((0..driver.speaks.commands().len()).map(Asked::Command));
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
            allowed: Vec::new(),
            next: None,
        }
    }

    /// Lets these commands be sent. Without it none ever is, and what needs one is no question.
    pub fn allow(&mut self, names: impl IntoIterator<Item = impl Into<String>>) {
        self.allowed = names.into_iter().map(Into::into).collect();
    }

    /// Everything that can be asked, in the order of the file. What comes by itself is no question, and what
    /// needs a command that is not allowed cannot be asked.
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
        let all = self.asked.iter().enumerate();
        all.filter(|(_, asked)| !matches!(asked, Asked::Command(_)) && self.may(**asked))
            .filter_map(|(id, asked)| self.question(QuestionId(id as u16), *asked))
            .collect()
    }

    /// The commands that are allowed, by name: to be asked like any question, when a person wants it.
    pub fn commands(&self) -> Vec<(String, Question)> {
        let all = self.asked.iter().enumerate();
        all.filter(|(_, asked)| self.may(**asked))
            .filter_map(|(id, asked)| {
                let Asked::Command(at) = asked else { return None };
                let name = self.speaks.commands().get(*at)?.name.clone();
                Some((name, self.question(QuestionId(id as u16), *asked)?))
            })
            .collect()
    }

    /// Whether nothing has to be written for it, or what has to is allowed.
    fn may(&self, asked: Asked) -> bool {
        let allowed = |at: usize| {
            let command = self.speaks.commands().get(at);
            command.is_some_and(|command| self.allowed.contains(&command.name))
        };
        self.needs(asked).is_none_or(allowed)
    }

    /// The command that goes before it.
    fn needs(&self, asked: Asked) -> Option<usize> {
        match (&self.speaks, asked) {
            (_, Asked::Command(at)) => Some(at),
            (Spoken::Text(text), Asked::Measure(at)) => text.asks[at].after,
            (Spoken::Modbus(modbus), Asked::Read(at)) => {
                modbus.reads[at].window.as_ref().map(|window| window.after)
            }
            _ => None,
        }
    }

    // one arm for each thing that can be asked: apart, nobody would see that none is missing
    #[allow(clippy::too_many_lines)]
    fn question(&self, id: QuestionId, asked: Asked) -> Option<Question> {
        let names = |measures: &[Measure]| measures.iter().map(|m| m.name.clone()).collect();
        let mut question = Question {
            id,
            role: Role::Values,
            asks: String::new(),
            measures: Vec::new(),
            says: Vec::new(),
            parts: Vec::new(),
            answer_within: Duration::ZERO,
            pause_after: Duration::ZERO,
            ask_at_most_every: Duration::from_mins(5),
        };
        match (&self.speaks, asked) {
            (Spoken::Text(text), Asked::Measure(at)) => {
                let ask = &text.asks[at];
                if ask.comes != Comes::WhenAsked {
                    return None;
                }
                question.asks = printed(ask.send.as_deref());
                question.measures = names(&ask.measures);
                question.answer_within = ask.answer_within;
                question.pause_after = ask.pause_after;
                question.ask_at_most_every = ask.at_most_every;
            }
            (Spoken::Text(text), Asked::Identity) => {
                let identity = text.identity.as_ref()?;
                let names = identity.reads.slots().map(|slot| slot.name.clone());
                question.role = Role::Identity;
                question.asks = printed(Some(&identity.send));
                question.says = names.filter(|name| name != "_").collect();
                question.answer_within = identity.answer_within;
            }
            (Spoken::Text(text), Asked::Start(at)) => {
                let start = text.asks[at].start.as_ref()?;
                question.role = Role::Start;
                question.asks = printed(Some(&start.send));
                question.ask_at_most_every = start.again_after;
            }
            (Spoken::Modbus(modbus), Asked::Read(at)) => {
                let read = &modbus.reads[at];
                question.role = match read.role {
                    ReadRole::Values => Role::Values,
                    ReadRole::Settings => Role::Settings,
                    ReadRole::Identity => Role::Identity,
                };
                question.asks = registers_in_words(read.table, read.first, read.count);
                question.measures = names(&read.measures);
                question.says = fields::said_by(read);
                question.answer_within = modbus.answer_within;
                question.pause_after = modbus.pause_between;
                question.ask_at_most_every = read.at_most_every;
            }
            (Spoken::Modbus(modbus), Asked::Merged(at)) => {
                let merged = &self.merged[at];
                let parts = || merged.parts.iter().map(|part| &modbus.reads[*part]);
                question = Question {
                    asks: registers_in_words(merged.table, merged.first, merged.count),
                    measures: parts().flat_map(|read| names(&read.measures)).collect(),
                    says: parts().flat_map(fields::said_by).collect(),
                    parts: merged.parts.iter().map(|part| QuestionId(*part as u16)).collect(),
                    ..self.question(id, Asked::Read(*merged.parts.first()?))?
                };
            }
            (speaks, Asked::Command(at)) => {
                let command = speaks.commands().get(at)?;
                question.role = Role::Command;
                question.asks.clone_from(&command.name);
                question.answer_within = command.answer_within;
                question.pause_after = command.pause_after;
                question.ask_at_most_every = command.at_most_every;
            }
            _ => return None,
        }
        Some(question)
    }

    /// The bytes to send. A question still open is given up first. No bytes for an id that is no question, or
    /// that would write what is not allowed.
    pub fn ask(&mut self, id: QuestionId) -> Vec<u8> {
        self.remember_given_up();
        let asked = self.asked.get(usize::from(id.0)).copied();
        let Some(asked) = asked.filter(|asked| self.may(*asked)) else {
            return Vec::new();
        };
        let stage = self.needs(asked).map_or(Stage::Question, Stage::Command);
        self.sent(Pending {
            id,
            asked,
            stage,
            request: None,
            transaction: 0,
            tries: self.tries(asked, stage),
        })
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

    /// How long a pause ends a frame, where nothing else does and something is under way. The line must then
    /// call [`Conversation::quiet`] once nothing has come for that long.
    pub fn quiet_after(&self) -> Option<Duration> {
        match &self.speaks {
            Spoken::Text(text) => match text.framing.ends {
                Ends::Silence(pause) => self.cutter.is_under_way().then_some(pause),
                _ => None,
            },
            Spoken::Modbus(_) => None,
        }
    }

    /// The line has been quiet for as long as ends a frame: what lies here is one, or damaged.
    pub fn quiet(&mut self) -> Vec<Heard> {
        let Spoken::Text(text) = self.speaks.clone() else {
            return Vec::new();
        };
        let mut cuts = Vec::new();
        self.cutter.quiet(&text.framing, &mut cuts);
        cuts.into_iter().map(|cut| self.text_cut(&text, cut)).collect()
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
        if raw.is_empty() && self.goes_unanswered(pending) {
            return Some(Heard {
                question: Some(pending.id),
                outcome: Some(Outcome::Sent),
                ..Heard::new(HeardAs::Answer, raw)
            });
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
        self.next = None;
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
            outcome: matches!(pending.asked, Asked::Command(_)).then(|| match failure {
                Failure::Refused => Outcome::Refused(because.to_owned()),
                failure => Outcome::Unproven(failure),
            }),
            ..Heard::new(HeardAs::Answer, raw)
        }
    }
}

fn registers_in_words(table: Table, first: u16, count: u16) -> String {
    let name = table.word();
    match u32::from(first) + u32::from(count.max(1)) - 1 {
        last if last == u32::from(first) => format!("{name} {first}"),
        last => format!("{name} {first} to {last}"),
    }
}

fn printed(send: Option<&[u8]>) -> String {
    send.unwrap_or_default().escape_ascii().to_string()
}

impl Spoken {
    fn commands(&self) -> &[Command] {
        match self {
            Self::Text(text) => &text.commands,
            Self::Modbus(modbus) => &modbus.commands,
        }
    }
}
