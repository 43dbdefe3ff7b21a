//! What a driver can have an instrument do: zero, tare, or open the window in which a value can be read. Nothing
//! of it is ever sent unless the configuration names it, and what proves it stands in the driver.

use crate::{
    driver::RegisterPoint,
    meaning::{Fields, When},
    modbus::{Table, Writing},
    pattern::Pattern,
};
use record::Failure;
use std::{fmt, ops::Range, time::Duration};

/// One command.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) does: Does,
    pub(crate) answer_within: Duration,
    pub(crate) pause_after: Duration,
    pub(crate) at_most_every: Duration,
    pub(crate) span: Range<usize>,
}

/// How it is given.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    /// A line of text, and how it is answered; by nothing, where there are no answers.
    Sends {
        send: Vec<u8>,
        answers: Vec<CommandAnswer>,
    },
    /// Registers, and where it shows that they were heeded.
    Writes {
        writing: Writing,
        proof: Option<Box<Proof>>,
    },
}

/// One way a line of text answers a command.
#[derive(Debug, Clone)]
pub(crate) struct CommandAnswer {
    pub(crate) reads: Pattern,
    pub(crate) then: Carried,
    pub(crate) span: Range<usize>,
}

/// What an answer to a command says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carried {
    Out,
    Refused(String),
    /// It is understood, and the answer proper is still to come.
    MoreFollows,
}

/// Registers in which an instrument says that it has done what was written.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    pub(crate) table: Table,
    pub(crate) first: u16,
    pub(crate) count: u16,
    pub(crate) points: Vec<RegisterPoint>,
    pub(crate) done_when: When,
    pub(crate) refused: Vec<(When, String)>,
    pub(crate) within: Duration,
}

impl Proof {
    /// The reason of the first refusal that holds.
    pub(crate) fn refusal(&self, fields: &Fields) -> Option<&str> {
        let holds = |(when, _): &&(When, String)| when.holds(fields) == Some(true);
        self.refused
            .iter()
            .find(holds)
            .map(|(_, because)| because.as_str())
    }
}

/// A read that only tells something after a command, and only when it says so itself.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// Which command goes before it, among those of the driver.
    pub(crate) after: usize,
    /// What must hold in the answer itself; else it is asked again.
    pub(crate) ready_when: Option<When>,
    pub(crate) within: Duration,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The instrument says that it did it.
    Done,
    /// The instrument says that it did not, and why.
    Refused(String),
    /// It was sent, and this kind of instrument never says what became of it.
    Sent,
    /// Nobody can say whether it did.
    Unproven(Failure),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Sent => f.write_str("sent"),
            // a refusal on Modbus has the word already
            Self::Refused(because) if because.starts_with("refused, ") => f.write_str(because),
            Self::Refused(because) => write!(f, "refused: {because}"),
            Self::Unproven(failure) => write!(f, "not proven: {}", failure.word()),
        }
    }
}

/// A command as a configuration names it.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandInfo {
    /// `tare`.
    pub name: String,
    /// For people.
    pub title: String,
    /// What can only be read after it; empty for what only a person asks for.
    pub opens: Vec<String>,
    /// The bytes or registers it writes, as a person reads them.
    pub writes: String,
}
