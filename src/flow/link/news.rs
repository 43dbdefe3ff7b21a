//! What a person is told about a line and its equipment: once per change of state, in four parts.

use record::{Failure, Stamp, Trouble};

/// One change of state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The line, as people name it.
    pub link: String,
    /// The equipment it is about; all on the line where the line itself changed.
    pub tags: Vec<String>,
    pub at: Stamp,
    pub change: Change,
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The line is open again.
    Opened,
    /// The line cannot be opened; why.
    CannotOpen { because: String },
    /// The line was open and is gone; why.
    Unplugged { because: String },
    /// Questions in a row without answer.
    Silent {
        since: Stamp,
        questions: u32,
        waited_ms: u64,
    },
    /// It answers, and the answer is of no use: refused, garbled or unexpected.
    Failing {
        failure: Failure,
        because: String,
        raw: Vec<u8>,
    },
    /// It answers as it should again.
    Back { since: Stamp, was: Failure },
    /// It says who it is.
    Identified { says: String },
    /// It is not the instrument that is configured.
    AnotherInstrument { says: String, configured: String },
    /// It is the configured one again.
    SameInstrument { says: String },
    /// Frames on the line that nobody here asked for.
    AnotherMaster { heard: Vec<u8> },
    /// No such frames for a while.
    AloneAgain,
    /// A merged question was refused and is asked in parts from now on.
    Split { measures: Vec<String> },
}

impl News {
    /// Whether it is good news: something that had failed works again.
    pub fn is_recovery(&self) -> bool {
        matches!(
            self.change,
            Change::Opened
                | Change::Back { .. }
                | Change::Identified { .. }
                | Change::SameInstrument { .. }
                | Change::AloneAgain
        )
    }

    /// What happened, where, what it means for the record, and what to do.
    pub fn words(&self) -> Trouble {
        let who = self.tags.join(", ");
        let (name, what, record, action): (&'static str, String, String, String) = match &self.change {
            Change::Opened => ("line-open", format!("{} is open again", self.link), going_on(), String::new()),
            Change::CannotOpen { because } => (
                "cannot-open-line",
                format!("{} cannot be opened: {because}", self.link),
                gap(&who),
                "tried again at least every 5 s; is the adapter plugged in, is the far end powered?".into(),
            ),
            Change::Unplugged { because } => (
                "line-lost",
                format!("{} is gone: {because}", self.link),
                gap(&who),
                "opened again by itself; is the plug in, is the far end powered?".into(),
            ),
            Change::Silent { since, questions, waited_ms } => (
                "silent",
                format!("{who} is silent since {since}: {questions} question{} in a row without answer ({waited_ms} ms each)", s(*questions)),
                gap(&who),
                format!("asked again every few seconds; is {who} powered, does it answer?   steelyard try {who}"),
            ),
            Change::Failing { failure, because, raw } => failing(*failure, &who, because, raw),
            Change::Back { since, was } => {
                ("answers-again", format!("{who} answers again; it was {was} since {since}"), going_on(), String::new())
            }
            Change::Identified { says } => (
                "identified",
                format!("{who} says it is {says}"),
                "nothing is configured to compare it with".into(),
                format!("write serial_number = \"{says}\" into [equipment.{who}], so that an exchange is noticed"),
            ),
            Change::AnotherInstrument { says, configured } => (
                "another-instrument",
                format!("{who} is another instrument: it says {says}, the configuration says {configured}"),
                format!("values from {who} are entered as doubtful and count for nothing"),
                "put the qualified instrument back, or have the exchange confirmed and configured".into(),
            ),
            Change::SameInstrument { says } => {
                ("same-instrument", format!("{who} is the configured instrument again: {says}"), going_on(), String::new())
            }
            Change::AnotherMaster { heard } => (
                "another-master",
                format!("another master asks on {}: {} was heard, and nobody here asked for it", self.link, hex(heard)),
                format!("answers from {who} are not believed until the line has been ours for 10 s: nobody can say whose they are"),
                "find the second master (a panel, a service tool, a converter that echoes) and take it off this line".into(),
            ),
            Change::AloneAgain => ("alone-again", format!("{} is ours again", self.link), going_on(), String::new()),
            Change::Split { measures } => (
                "question-split",
                format!("{who} refuses to give {} in one answer; they are asked for one by one", measures.join(", ")),
                "values of one instant are now read one after the other".into(),
                "split the [[read]] in the driver, so that this is not found out again at every start".into(),
            ),
        };
        Trouble::new(name, what).at(&self.link).means(record).so(action)
    }
}

fn failing(failure: Failure, who: &str, because: &str, raw: &[u8]) -> (&'static str, String, String, String) {
    let kept = format!("no value of {who} is entered; the bytes are kept");
    let try_it = format!("steelyard try {who}   shows bytes beside meaning");
    match failure {
        Failure::Refused => ("refused", format!("{who} refuses: {because}"), kept, try_it),
        Failure::Garbled => (
            "garbled",
            format!("answers of {who} arrive damaged: {}", hex(raw)),
            kept,
            format!("look at cable, screen, termination, and at speed and parity on both sides; {try_it}"),
        ),
        Failure::Unexpected | Failure::Silent => (
            "unexpected",
            format!("{who} says something its driver does not know: {}", hex(raw)),
            kept,
            format!("compare the manual with the driver; {try_it}"),
        ),
    }
}

fn gap(who: &str) -> String {
    format!("{who}: entered as a gap from now on; no value is carried on")
}

fn going_on() -> String {
    "the gap ends with the first good answer".into()
}

fn s(count: u32) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Bytes as an engineer reads them, at most 32 of them.
pub(super) fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".into();
    }
    let shown: Vec<String> = bytes.iter().take(32).map(|byte| format!("{byte:02X}")).collect();
    let more = if bytes.len() > 32 { " …" } else { "" };
    format!("{}{more}", shown.join(" "))
}
