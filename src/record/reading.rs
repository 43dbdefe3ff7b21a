//! What one point of one instrument answered: a value that can be trusted, one that cannot, or none –
//! and why. A bad reading holds no number, so nobody can judge by it.

use crate::quantity::Quantity;
use std::fmt;

/// Whether an answer can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// As the instrument means it.
    Good,
    /// There is a value, but nobody should judge by it.
    Uncertain,
    /// There is no value.
    Bad,
}

impl Quality {
    /// The word of the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Uncertain => "uncertain",
            Self::Bad => "bad",
        }
    }
}

/// What was measured: a quantity, or a word (a phase name, a state, an identity).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// An amount with its unit.
    Quantity(Quantity),
    /// A text or state.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(quantity) => quantity.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// One answer of one point. The words of [`fmt::Display`] are the words of driver samples,
/// screens and the record: `72.4 °C`, `99.87 g, uncertain: not settled`, `bad: overload`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A value that can be trusted.
    Good(Value),
    /// A value, and why it is in doubt.
    Uncertain(Value, String),
    /// No value, and why.
    Bad(String),
}

impl Answer {
    /// How far it can be trusted.
    pub fn quality(&self) -> Quality {
        match self {
            Self::Good(_) => Quality::Good,
            Self::Uncertain(..) => Quality::Uncertain,
            Self::Bad(_) => Quality::Bad,
        }
    }

    /// The value, where there is one.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Good(value) | Self::Uncertain(value, _) => Some(value),
            Self::Bad(_) => None,
        }
    }

    /// Why it is not good.
    pub fn because(&self) -> Option<&str> {
        match self {
            Self::Good(_) => None,
            Self::Uncertain(_, because) | Self::Bad(because) => Some(because),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good(value) => value.fmt(f),
            Self::Uncertain(value, because) => write!(f, "{value}, uncertain: {because}"),
            Self::Bad(because) => write!(f, "bad: {because}"),
        }
    }
}

/// How equipment fails: four words everywhere, in types, logs, records and screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// No answer.
    Silent,
    /// It said no.
    Refused,
    /// The answer was damaged.
    Garbled,
    /// Well formed, but not in the driver.
    Unexpected,
}

impl Failure {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Refused => "refused",
            Self::Garbled => "garbled",
            Self::Unexpected => "unexpected",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
