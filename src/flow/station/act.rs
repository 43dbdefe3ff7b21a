//! What a person does at a station. Each is one request from a panel, guarded by role and panel before it comes here,
//! and refused here where the line is not so far: a screen that is wrong can never enter what is wrong.

use serde::{Deserialize, Serialize};

/// One act. As JSON: `{"act": "capture", "reading": 118}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Act {
    /// A code from the scanner or typed, whatever is waited for: a command card, an order, a lot, a container, a check
    /// weight, a label that proves itself. `how`: `scanned` or `typed`.
    Scan {
        code: String,
        #[serde(default)]
        how: How,
    },
    /// Line clearance: every question of the checklist is answered with yes, and signed.
    Clear { answers: Vec<bool> },
    /// Begins the check of a scale. Its zero comes first, then each check weight that is scanned.
    CheckBegin { scale: String },
    /// Takes what the scale shows now for what is asked: empty, or the check weight on it.
    CheckTake { reading: u64 },
    /// Begins or goes on with a line of an order.
    Open { order: String, line: String },
    /// Weighs on another scale of this station.
    Scale { scale: String },
    /// The empty container is weighed.
    Tare { reading: u64 },
    /// The container's weight is taken from master data; flagged.
    TareKnown,
    /// The scale's own zero, before anything stands on it.
    Zero,
    /// The net weight of this reading. `part`: less than the line needs, and another container or lot follows.
    Capture {
        reading: u64,
        #[serde(default)]
        part: bool,
    },
    /// A whole container without weighing it, by its label; what it holds.
    Full { amount: String },
    /// Pieces, counted.
    Count { pieces: u64 },
    /// What is on the scale is not used: out of tolerance, spilt, wrong.
    Reject { reason: String },
    /// Too much, and kept as it is: with a reason, by somebody who may.
    Keep { reading: u64, reason: String },
    /// The second person has compared and signs.
    Verify,
    /// The second person does not agree; the weight is rejected.
    Disagree { reason: String },
    /// Prints the label, or prints it again with a reason.
    Label {
        #[serde(default)]
        reason: String,
    },
    /// Nothing is left in the source container.
    SourceEmpty,
    /// What is left in the source container, weighed.
    SourceLeft { reading: u64 },
    /// The line is complete; the next may begin.
    Next,
    /// Goes on later, perhaps elsewhere.
    Hold { reason: String },
    /// This line ends here, unfinished.
    Abort { reason: String },
    /// Somebody else goes on.
    HandOver,
    /// This panel works here now, and the other only looks.
    TakePen,
    /// A person says what is not right. It is an exception for whoever reviews the batch.
    Problem { text: String },
    /// An authorised person uses what master data speaks against, with a reason.
    Override { code: String, reason: String },
}

/// How a code came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    #[default]
    Scanned,
    Typed,
}

impl How {
    pub fn word(self) -> &'static str {
        match self {
            Self::Scanned => "scanned",
            Self::Typed => "typed",
        }
    }
}

/// What a command card says: a plain code with this before the word, as the product prints it.
pub const CARD: &str = "STEELYARD:";

impl Act {
    /// The act as a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Scan { .. } => "scan",
            Self::Clear { .. } => "clear",
            Self::CheckBegin { .. } => "check-begin",
            Self::CheckTake { .. } => "check-take",
            Self::Open { .. } => "open",
            Self::Scale { .. } => "scale",
            Self::Tare { .. } => "tare",
            Self::TareKnown => "tare-known",
            Self::Zero => "zero",
            Self::Capture { .. } => "capture",
            Self::Full { .. } => "full",
            Self::Count { .. } => "count",
            Self::Reject { .. } => "reject",
            Self::Keep { .. } => "keep",
            Self::Verify => "verify",
            Self::Disagree { .. } => "disagree",
            Self::Label { .. } => "label",
            Self::SourceEmpty => "source-empty",
            Self::SourceLeft { .. } => "source-left",
            Self::Next => "next",
            Self::Hold { .. } => "hold",
            Self::Abort { .. } => "abort",
            Self::HandOver => "hand-over",
            Self::TakePen => "take-pen",
            Self::Problem { .. } => "problem",
            Self::Override { .. } => "override",
        }
    }
}
