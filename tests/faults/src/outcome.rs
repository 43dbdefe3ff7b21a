//! What a row of the table came to: figures, a reason for having skipped, or what does not hold.

use serde_json::{Value, json};
use std::{fmt, io};

/// Why a row ended before its end.
#[derive(Debug)]
pub enum Stop {
    /// This machine lacks what the rig needs; nobody's fault, and counted.
    Skipped(String),
    /// Something that must hold does not, or the rig itself broke.
    Failed(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped(why) => write!(f, "SKIPPED: {why}"),
            Self::Failed(why) => write!(f, "FAILED: {why}"),
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(format!("the rig: {error}"))
    }
}

impl From<record::Trouble> for Stop {
    fn from(trouble: record::Trouble) -> Self {
        Self::Failed(trouble.to_string())
    }
}

/// A result of the rig.
pub type Done<T> = Result<T, Stop>;

/// Says that something does not hold.
pub fn failed<T>(why: impl Into<String>) -> Done<T> {
    Err(Stop::Failed(why.into()))
}

/// Says that this machine cannot.
pub fn skipped<T>(why: impl Into<String>) -> Done<T> {
    Err(Stop::Skipped(why.into()))
}

/// What was counted. "Lost" always means: said to be captured, then missing.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub trials: u64,
    pub lost: u64,
    pub doubled: u64,
    pub unverified: u64,
    pub hung: u64,
    /// The trials in which the rig really did the harm it was to do; a row in which nothing was harmed proves nothing.
    pub struck: u64,
    /// How the negative control went, where there is one.
    pub control: Option<String>,
    /// Figures for people.
    pub note: String,
    /// The first things that did not hold, with their trial.
    pub wrong: Vec<String>,
}

impl Tally {
    /// Something does not hold. The first ten are kept in words.
    pub fn complain(&mut self, what: impl Into<String>) {
        if self.wrong.len() < 10 {
            self.wrong.push(what.into());
        }
    }

    /// Takes what a trial found.
    pub fn add(&mut self, other: Self) {
        self.trials += other.trials;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.unverified += other.unverified;
        self.hung += other.hung;
        self.struck += other.struck;
        self.control = self.control.take().or(other.control);
        if !other.note.is_empty() {
            self.note = other.note;
        }
        for wrong in other.wrong {
            self.complain(wrong);
        }
    }

    /// Whether everything held.
    pub fn holds(&self) -> bool {
        self.lost + self.doubled + self.unverified + self.hung == 0
            && self.wrong.is_empty()
            && (self.trials == 0 || self.struck > 0)
    }

    /// As one line of the result file.
    pub fn json(&self) -> Value {
        json!({
            "trials": self.trials, "struck": self.struck, "lost": self.lost, "doubled": self.doubled,
            "unverified": self.unverified, "hung": self.hung, "control": self.control, "note": self.note,
            "wrong": self.wrong,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_harmed_nothing_proves_nothing() {
        let mut tally = Tally {
            trials: 5,
            ..Tally::default()
        };
        assert!(!tally.holds());
        tally.struck = 1;
        assert!(tally.holds());
        tally.complain("one page is missing");
        assert!(!tally.holds());
    }
}
