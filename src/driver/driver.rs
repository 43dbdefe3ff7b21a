//! A driver as meant: what a file in `drivers/` says about one kind of instrument. Equipment facts only:
//! no tags, no ports, no limits.

use crate::modbus::Table;
use crate::{
    Complaint,
    command::{Command, CommandInfo, Does, Window},
    frame::Framing,
    meaning::{Doubt, Making},
    nodes::Nodes,
    pattern::{Pattern, Slot},
    registers::{Is, Order, Slice},
};
use record::{Quality, Unit};
use sha2::{Digest, Sha256};
use std::{ops::Range, sync::Arc, time::Duration};

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// Every driver that is compiled in: file name and text.
///
/// ```
/// let (file, text) = driver::builtin()[0];
/// assert!(driver::Driver::parse(text, file).is_ok());
/// ```
pub fn builtin() -> &'static [(&'static str, &'static str)] {
    BUILTIN
}

/// How a kind of instrument speaks.
#[derive(Debug, Clone)]
pub struct Driver {
    /// As the configuration names it: `mt-sics-balance`.
    pub name: String,
    /// Raised with every change of meaning; the record names it.
    pub edition: u32,
    /// As on the type plate, without the maker's name.
    pub title: String,
    /// Who makes it.
    pub maker: String,
    /// The maker's manual or manuals.
    pub manual: String,
    /// What it rests on.
    pub evidence: Evidence,
    /// The way it speaks.
    pub speaks: Speaks,
    /// What it needs to be known about.
    pub caveats: Vec<Caveat>,
    /// Its proof.
    pub samples: Vec<Sample>,
    pub(crate) file: String,
    pub(crate) text: Arc<str>,
}

/// What a driver rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// Shows values, records only where the configuration names it.
    Draft,
    /// Manuals agree and all samples pass.
    Documented,
    /// Seen right on a bench.
    Bench,
    /// Compared with the display in the plant.
    Plant,
}

impl Evidence {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Documented => "documented",
            Self::Bench => "bench",
            Self::Plant => "plant",
        }
    }
}

/// The ways of speaking.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Speaks {
    /// Frames of characters or bytes, over a serial line or TCP.
    Text(Arc<Text>),
    /// Registers over Modbus, TCP or RTU.
    Modbus(Arc<Modbus>),
    /// Nodes of an OPC UA server.
    Nodes(Arc<Nodes>),
}

impl Speaks {
    pub(crate) fn commands(&self) -> &[Command] {
        match self {
            Self::Text(text) => &text.commands,
            Self::Modbus(modbus) => &modbus.commands,
            Self::Nodes(_) => &[],
        }
    }

    /// What samples may show beside measures: what a server says about itself.
    pub(crate) fn told(&self) -> Vec<String> {
        let Self::Nodes(nodes) = self else {
            return Vec::new();
        };
        let told = nodes.groups.iter().filter(|group| group.role != ReadRole::Values);
        told.flat_map(|group| group.points.iter().map(|point| point.name.to_string()))
            .collect()
    }
}

/// A quirk with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caveat {
    /// What is odd.
    pub says: String,
    /// What to do.
    pub so: String,
    /// Who saw it, when, on which firmware.
    pub seen: String,
    /// Kinds of sample that are missing because the instrument sends no such thing, or nobody knows what it sends.
    pub no_samples_of: Vec<String>,
}

/// What the samples of a driver that comes with the program must show, or a caveat explain.
pub(crate) const KINDS_OF_SAMPLE: &[&str] = &[
    "stable",
    "unstable",
    "negative",
    "net or tare",
    "overload",
    "underload",
    "error",
    "damaged",
    "truncated",
    "glued",
    "refused",
];

/// A recorded exchange and what it must give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What it shows, as a sentence.
    pub says: String,
    /// What was asked; empty when nothing was.
    pub send: Vec<u8>,
    /// What was heard.
    pub hear: Vec<u8>,
    /// Measure and the words of its answer, in the order they come.
    pub gives: Vec<(String, Vec<String>)>,
    pub(crate) before: Vec<(Vec<u8>, Vec<u8>)>,
    /// How the same exchange goes on.
    pub(crate) then: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where in what was heard the line was quiet.
    pub(crate) pauses: Vec<usize>,
    pub(crate) span: Range<usize>,
    pub(crate) gives_span: Range<usize>,
}

/// One point a driver gives.
#[derive(Debug, Clone, PartialEq)]
pub struct PointInfo {
    /// `weight`.
    pub measure: String,
    /// For people.
    pub title: String,
    /// The unit, where it is always the same.
    pub unit: Option<Unit>,
    /// Every unit it may come in; empty for words.
    pub units: Vec<Unit>,
    /// How it comes.
    pub comes: Comes,
}

/// How values come from an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Comes {
    /// It is asked.
    #[default]
    WhenAsked,
    /// It talks by itself; silence is a gap.
    ByItself,
    /// It speaks when a person presses its print key; silence is no gap.
    WhenPrinted,
}

/// Settings of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    /// Bits per second.
    pub speed: u32,
    /// 7 or 8.
    pub data_bits: u8,
    /// `'N'`, `'E'` or `'O'`.
    pub parity: char,
    /// 1 or 2.
    pub stop_bits: u8,
    /// Flow control.
    pub handshake: Handshake,
}

impl LineSettings {
    /// Of what has no line of its own.
    pub(crate) fn none() -> Self {
        Self {
            speed: 9600,
            data_bits: 8,
            parity: 'N',
            stop_bits: 1,
            handshake: Handshake::None,
        }
    }

    /// Reads `8N1`.
    ///
    /// ```
    /// let line = driver::LineSettings::read(9600, "7E1", driver::Handshake::None).unwrap();
    /// assert_eq!((line.data_bits, line.parity, line.stop_bits), (7, 'E', 1));
    /// ```
    pub fn read(speed: u32, frame: &str, handshake: Handshake) -> Option<Self> {
        let [
            data @ (b'7' | b'8'),
            parity @ (b'N' | b'E' | b'O'),
            stop @ (b'1' | b'2'),
        ] = frame.as_bytes()
        else {
            return None;
        };
        Some(Self {
            speed,
            data_bits: data - b'0',
            parity: char::from(*parity),
            stop_bits: stop - b'0',
            handshake,
        })
    }
}

/// Flow control of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Handshake {
    /// None.
    #[default]
    None,
    /// XON/XOFF characters.
    XonXoff,
    /// RTS/CTS wires.
    RtsCts,
}

/// An instrument that speaks in frames of characters or bytes.
#[derive(Debug, Clone)]
pub struct Text {
    pub(crate) line: LineSettings,
    pub(crate) framing: Framing,
    pub(crate) asks: Vec<Ask>,
    pub(crate) identity: Option<TextIdentity>,
    /// Lines that say nothing about a value.
    pub(crate) asides: Vec<Pattern>,
    pub(crate) commands: Vec<Command>,
    /// Samples are written as hexadecimal pairs.
    pub(crate) in_bytes: bool,
}

impl Text {
    /// One that is never asked and says nothing: nodes are no conversation in bytes.
    pub(crate) fn nothing() -> Self {
        Self {
            line: LineSettings::none(),
            framing: Framing::plain(),
            asks: Vec::new(),
            identity: None,
            asides: Vec::new(),
            commands: Vec::new(),
            in_bytes: true,
        }
    }
}

/// One question, or one kind of frame that comes by itself, and the measures it gives.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) send: Option<Vec<u8>>,
    pub(crate) comes: Comes,
    /// What makes it talk by itself.
    pub(crate) start: Option<Start>,
    /// The command that goes before it, among those of the driver.
    pub(crate) after: Option<usize>,
    pub(crate) answer_within: Duration,
    pub(crate) pause_after: Duration,
    pub(crate) at_most_every: Duration,
    pub(crate) measures: Vec<Measure>,
    pub(crate) answers: Vec<TextAnswer>,
    pub(crate) doubts: Vec<Doubt>,
    /// Unit words on the wire.
    pub(crate) units: Vec<Vec<u8>>,
}

/// What makes an instrument talk by itself.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    pub(crate) send: Vec<u8>,
    /// It is sent again after so long a silence.
    pub(crate) again_after: Duration,
}

/// One value.
#[derive(Debug, Clone)]
pub(crate) struct Measure {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) making: Making,
    pub(crate) span: Range<usize>,
}

impl Measure {
    fn info(&self, comes: Comes) -> PointInfo {
        let units = self
            .making
            .unit
            .as_ref()
            .map(crate::meaning::UnitFrom::all)
            .unwrap_or_default();
        let unit = units
            .first()
            .copied()
            .filter(|first| units.iter().all(|unit| unit == first));
        PointInfo {
            measure: self.name.clone(),
            title: self.title.clone(),
            unit,
            units,
            comes,
        }
    }
}

/// One way an instrument answers a question.
#[derive(Debug, Clone)]
pub(crate) struct TextAnswer {
    pub(crate) reads: Pattern,
    pub(crate) then: Then,
    pub(crate) span: Range<usize>,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    /// The values in it, in doubt or not.
    Gives { doubt: Option<String> },
    /// No value.
    Bad(String),
    /// The answer proper is still to come.
    MoreFollows,
}

impl Then {
    pub(crate) fn quality(&self) -> Option<Quality> {
        match self {
            Self::Gives { doubt: None } => Some(Quality::Good),
            Self::Gives { doubt: Some(_) } => Some(Quality::Uncertain),
            Self::Bad(_) => Some(Quality::Bad),
            Self::MoreFollows => None,
        }
    }
}

impl Ask {
    pub(crate) fn fields_of<'s>(&'s self, slot: &'s Slot) -> &'s str {
        if slot.name == "value" {
            &self.measures[0].making.from
        } else {
            &slot.name
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct TextIdentity {
    pub(crate) send: Vec<u8>,
    pub(crate) reads: Pattern,
    pub(crate) answer_within: Duration,
}

/// An instrument that speaks in registers.
#[derive(Debug, Clone)]
pub struct Modbus {
    pub(crate) line: LineSettings,
    pub(crate) answer_within: Duration,
    pub(crate) pause_between: Duration,
    /// How many registers it gives at once.
    pub(crate) at_most: Option<u16>,
    /// Reads may be asked as one over so many registers nobody wants; `None`: never.
    pub(crate) merge_over: Option<u16>,
    pub(crate) reads: Vec<Read>,
    pub(crate) commands: Vec<Command>,
}

/// One request: all its points share one answer.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) role: ReadRole,
    pub(crate) table: Table,
    pub(crate) first: u16,
    pub(crate) count: u16,
    pub(crate) window: Option<Window>,
    pub(crate) at_most_every: Duration,
    /// Never asked along with another.
    pub(crate) alone: bool,
    pub(crate) points: Vec<RegisterPoint>,
    pub(crate) measures: Vec<Measure>,
    pub(crate) doubts: Vec<Doubt>,
    pub(crate) span: Range<usize>,
}

/// What a read is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadRole {
    Values,
    /// Read at connect and now and then; other reads may refer to its fields.
    Settings,
    Identity,
}

/// One field in registers.
#[derive(Debug, Clone)]
pub(crate) struct RegisterPoint {
    pub(crate) at: u16,
    pub(crate) name: String,
    /// The same, to be handed on with every answer.
    pub(crate) key: Arc<str>,
    pub(crate) is: Is,
    pub(crate) order: Order,
    /// Only these of its bits.
    pub(crate) slice: Option<Slice>,
    pub(crate) span: Range<usize>,
}

impl Driver {
    /// Reads a driver file. Every complaint at once, or a driver that is consistent in itself; whether it
    /// is *true* is for its samples to show ([`crate::lint`]).
    pub fn parse(text: &str, file: &str) -> Result<Self, Vec<Complaint>> {
        crate::read::driver(text, file)
    }

    /// What it gives, in the order of the file.
    pub fn points(&self) -> Vec<PointInfo> {
        match &self.speaks {
            Speaks::Text(text) => text
                .asks
                .iter()
                .flat_map(|ask| ask.measures.iter().map(|measure| measure.info(ask.comes)))
                .collect(),
            Speaks::Modbus(modbus) => modbus
                .reads
                .iter()
                .flat_map(|read| read.measures.iter().map(|measure| measure.info(Comes::WhenAsked)))
                .collect(),
            Speaks::Nodes(nodes) => {
                let measures = nodes.groups.iter().flat_map(|group| &group.measures);
                measures.map(|measure| measure.info(Comes::WhenAsked)).collect()
            }
        }
    }

    /// What it can be told to do, in the order of the file. Nothing of it is sent unless a configuration allows it.
    pub fn commands(&self) -> Vec<CommandInfo> {
        let opens = |at: usize| -> Vec<String> {
            let measures: Vec<&Measure> = match &self.speaks {
                Speaks::Text(text) => {
                    let asks = text.asks.iter().filter(|ask| ask.after == Some(at));
                    asks.flat_map(|ask| &ask.measures).collect()
                }
                Speaks::Modbus(modbus) => {
                    let after = |read: &&Read| read.window.as_ref().is_some_and(|window| window.after == at);
                    modbus
                        .reads
                        .iter()
                        .filter(after)
                        .flat_map(|read| &read.measures)
                        .collect()
                }
                Speaks::Nodes(_) => Vec::new(),
            };
            measures.into_iter().map(|measure| measure.name.clone()).collect()
        };
        let commands = self.speaks.commands().iter().enumerate();
        commands
            .map(|(at, command)| CommandInfo {
                name: command.name.clone(),
                title: command.title.clone(),
                opens: opens(at),
                writes: match &command.does {
                    Does::Sends { send, .. } => crate::sample::shown(self, send),
                    Does::Writes { writing, .. } => {
                        let table = writing.table.word();
                        let values: Vec<String> = writing.values.iter().map(u16::to_string).collect();
                        format!("{} into {table} {}", values.join(", "), writing.first)
                    }
                },
            })
            .collect()
    }

    /// Serial line settings as they leave the factory.
    pub fn line(&self) -> LineSettings {
        match &self.speaks {
            Speaks::Text(text) => text.line,
            Speaks::Modbus(modbus) => modbus.line,
            Speaks::Nodes(_) => LineSettings::none(),
        }
    }

    /// SHA-256 of the file's text.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file it was read from, as it was named.
    pub fn file(&self) -> &str {
        &self.file
    }
}
