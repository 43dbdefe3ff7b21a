//! What the authority of a unit tells: batch, steps and their runs, numbered, in one JSON message.
//!
//! Reading a message decides only whether it is well formed. Whether it is old, unexpected or late is
//! for [`super::line`] to say, which knows what was told before. `docs/reference/context.md` is the page
//! for whoever writes such messages. Nothing here guesses: what is not understood is refused by name.

pub mod compose;
pub mod points;
pub mod signed;

use crate::config::plant::Authority;
use record::{Stamp, Trouble};
use serde::Deserialize;
use std::sync::Arc;

/// The longest message that is looked at.
pub const LONGEST: usize = 256 * 1024;
/// The most runs one message may tell; a batch with more is not one batch.
pub const MOST_RUNS: usize = 10_000;

/// One message, well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Counted up by one per unit.
    pub number: u64,
    /// When the source sent it, by its own clock.
    pub sent: Stamp,
    /// Who says so, for the record: `mes`.
    pub source: String,
    /// What runs in the unit; `None`: nothing.
    pub batch: Option<Batch>,
    /// Every run of this batch in this unit so far, in the order of their start.
    pub runs: Vec<Run>,
    /// The batch's recipe, whole, where it comes with the context.
    pub recipe_file: Option<Arc<str>>,
}

/// By which way a message came, and what belongs to that way; for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub authority: Authority,
    /// The person who said it, and why.
    pub by: Option<(String, String)>,
    /// The change counter it was agreed on with.
    pub counter: Option<String>,
    /// Its new moments may lie so many milliseconds earlier.
    pub unsure: i64,
    /// What else a reviewer should know.
    pub note: Option<String>,
}

impl Origin {
    /// A message that somebody wrote, told by this way.
    pub fn of(authority: Authority) -> Self {
        Self {
            authority,
            by: None,
            counter: None,
            unsure: 0,
            note: None,
        }
    }
}

/// The batch as told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub id: Arc<str>,
    pub product: String,
    pub recipe: String,
    pub revision: String,
    pub size: String,
    pub state: Phase,
    /// Since when it is in this state, where told.
    pub since: Option<Stamp>,
    pub started: Stamp,
    pub ended: Option<Stamp>,
}

/// One run of one step as told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub step: Arc<str>,
    pub title: String,
    pub run: u32,
    pub state: Phase,
    pub since: Option<Stamp>,
    pub started: Stamp,
    pub ended: Option<Stamp>,
}

/// The states of a batch and of a run. A source that knows others maps them before it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Running,
    Held,
    Complete,
    Stopped,
    Aborted,
}

impl Phase {
    /// The word of the message and of the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Held => "held",
            Self::Complete => "complete",
            Self::Stopped => "stopped",
            Self::Aborted => "aborted",
        }
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        [
            Self::Running,
            Self::Held,
            Self::Complete,
            Self::Stopped,
            Self::Aborted,
        ]
        .into_iter()
        .find(|phase| phase.word() == word)
    }

    /// Whether nothing more can come.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Complete | Self::Stopped | Self::Aborted)
    }
}

/// Reads one message for `unit`, or says in four parts why not.
pub fn read(unit: &str, bytes: &[u8]) -> Result<Message, Trouble> {
    if bytes.len() > LONGEST {
        let what = format!(
            "a context message of {} KiB is longer than 256 KiB",
            bytes.len() / 1024
        );
        return Err(refusal(
            "context-too-large",
            what,
            unit,
            "send the runs of this one batch only",
        ));
    }
    let written: Written = serde_json::from_slice(bytes).map_err(|problem| {
        let what = match problem.classify() {
            serde_json::error::Category::Data => format!("the context message is not as agreed: {problem}"),
            _ => format!("the context message is not JSON: {problem}"),
        };
        refusal(
            "context-not-understood",
            what,
            unit,
            "docs/reference/context.md shows a message that is",
        )
    })?;
    written.meant().map_err(|what| {
        refusal(
            "context-not-understood",
            what,
            unit,
            "docs/reference/context.md says what each member must hold",
        )
    })
}

/// A refusal in four parts; every one has the same consequence.
pub fn refusal(name: &'static str, what: String, unit: &str, action: &str) -> Trouble {
    Trouble::new(name, what)
        .at(format!("context of unit {unit}"))
        .means("nothing was changed: readings stay bound to what was told last")
        .so(action)
}

/// As written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    number: u64,
    sent: String,
    source: String,
    batch: Option<WrittenBatch>,
    #[serde(default)]
    runs: Vec<WrittenRun>,
    recipe_file: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBatch {
    id: String,
    #[serde(default)]
    product: String,
    #[serde(default)]
    recipe: String,
    #[serde(default)]
    revision: String,
    #[serde(default)]
    size: String,
    state: Phase,
    since: Option<String>,
    started: String,
    ended: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRun {
    step: String,
    #[serde(default)]
    title: String,
    run: u32,
    state: Phase,
    since: Option<String>,
    started: String,
    ended: Option<String>,
}

impl Written {
    fn meant(self) -> Result<Message, String> {
        if self.number == 0 || self.number > 1 << 53 {
            return Err(format!(
                "`number` counts from 1 to 2^53; {} is outside",
                self.number
            ));
        }
        if self.batch.is_none() && !self.runs.is_empty() {
            return Err("`runs` are told without a `batch` they belong to".to_owned());
        }
        if self.runs.len() > MOST_RUNS {
            return Err(format!(
                "{} runs are more than the {MOST_RUNS} of one batch",
                self.runs.len()
            ));
        }
        let batch = self.batch.map(WrittenBatch::meant).transpose()?;
        let runs: Vec<Run> = self
            .runs
            .into_iter()
            .map(WrittenRun::meant)
            .collect::<Result<_, _>>()?;
        for (at, run) in runs.iter().enumerate() {
            if runs[..at]
                .iter()
                .any(|other| other.step == run.step && other.run == run.run)
            {
                return Err(format!("run {} of step {} stands twice", run.run, run.step));
            }
        }
        Ok(Message {
            number: self.number,
            sent: moment("sent", &self.sent)?,
            source: name("source", &self.source)?,
            batch,
            runs,
            recipe_file: self.recipe_file.map(Into::into),
        })
    }
}

impl WrittenBatch {
    fn meant(self) -> Result<Batch, String> {
        let ended = end("batch", self.state, self.ended.as_deref())?;
        Ok(Batch {
            id: name("batch.id", &self.id)?.into(),
            product: words("batch.product", self.product)?,
            recipe: words("batch.recipe", self.recipe)?,
            revision: words("batch.revision", self.revision)?,
            size: words("batch.size", self.size)?,
            state: self.state,
            since: self
                .since
                .as_deref()
                .map(|text| moment("batch.since", text))
                .transpose()?,
            started: moment("batch.started", &self.started)?,
            ended,
        })
    }
}

impl WrittenRun {
    fn meant(self) -> Result<Run, String> {
        let step = name("step", &self.step)?;
        if step.contains('+') {
            return Err(format!(
                "step {step:?} holds a +, which joins steps that run side by side"
            ));
        }
        if self.run == 0 {
            return Err(format!("runs of step {step} count from 1"));
        }
        Ok(Run {
            title: words("title", self.title)?,
            run: self.run,
            state: self.state,
            since: self
                .since
                .as_deref()
                .map(|text| moment("since", text))
                .transpose()?,
            started: moment("started", &self.started)?,
            ended: end(&step, self.state, self.ended.as_deref())?,
            step: step.into(),
        })
    }
}

/// An end belongs to a state that is over, and to no other.
fn end(of: &str, state: Phase, ended: Option<&str>) -> Result<Option<Stamp>, String> {
    match (state.is_over(), ended) {
        (true, Some(text)) => moment("ended", text).map(Some),
        (false, None) => Ok(None),
        (true, None) => Err(format!("{of} is {} but has no `ended`", state.word())),
        (false, Some(_)) => Err(format!("{of} is {} but has an `ended`", state.word())),
    }
}

/// Any RFC 3339 moment with its offset; a local time without one is not a moment.
fn moment(of: &str, text: &str) -> Result<Stamp, String> {
    Stamp::read(text)
        .or_else(|| {
            text.parse::<jiff::Timestamp>()
                .ok()
                .map(|at| Stamp(at.as_millisecond()))
        })
        .ok_or_else(|| {
            format!("`{of}` is no moment with its offset: {text:?}; 2026-11-20T10:15:03.000Z would be one")
        })
}

fn name(of: &str, text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err(format!("`{of}` is empty"));
    }
    words(of, text.to_owned())
}

fn words(of: &str, text: String) -> Result<String, String> {
    if text.chars().count() > 200 {
        return Err(format!("`{of}` is longer than 200 characters"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("`{of}` holds a control character"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const BATCH: &str = r#""batch":{"id":"B-1","state":"running","started":"2026-11-20T10:00:00.000Z"}"#;

    fn message(rest: &str) -> String {
        format!(r#"{{"number":3,"sent":"2026-11-20T10:15:00.000Z","source":"mes",{rest}}}"#)
    }

    #[test]
    fn a_message_is_read_whole() {
        let text = message(
            r#""batch":{"id":"B-2611-042","product":"Hand cream 50 ml","recipe":"hand-cream","revision":"7","size":"60.0 kg","state":"running","started":"2026-11-20T10:00:00.000Z","ended":null},
            "runs":[{"step":"charge-water","title":"Charge water","run":1,"state":"complete","started":"2026-11-20T11:00:00+01:00","ended":"2026-11-20T10:10:00Z"},
            {"step":"emulsify","run":1,"state":"running","started":"2026-11-20T10:10:00.000Z"}]"#,
        );
        let message = read("MX-3", text.as_bytes()).unwrap();
        assert_eq!((message.number, message.source.as_str()), (3, "mes"));
        assert_eq!(message.batch.unwrap().revision, "7");
        let runs: Vec<String> = message
            .runs
            .iter()
            .map(|run| {
                format!(
                    "{} {} {} {} {:?}",
                    run.step,
                    run.run,
                    run.state.word(),
                    run.started,
                    run.ended.map(|e| e.to_string())
                )
            })
            .collect();
        assert_eq!(
            runs,
            [
                r#"charge-water 1 complete 2026-11-20T10:00:00.000Z Some("2026-11-20T10:10:00.000Z")"#,
                "emulsify 1 running 2026-11-20T10:10:00.000Z None",
            ]
        );
    }

    #[test]
    fn a_free_unit_is_told_by_null() {
        assert_eq!(
            read("MX-3", message(r#""batch":null"#).as_bytes()).unwrap().batch,
            None
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_reason() {
        let run = |rest: &str| message(&format!(r#"{BATCH},"runs":[{{"step":"a",{rest}}}]"#));
        let cases = [
            ("step 4, running".to_owned(), "not JSON"),
            ("{}".to_owned(), "missing field `number`"),
            ("[1]".to_owned(), "not as agreed"),
            (message(r#""batch":null,"stat":1"#), "unknown field `stat`"),
            (message(r#""batch":null,"batch":null"#), "duplicate field `batch`"),
            (
                message(r#""batch":{"id":"","state":"running","started":"2026-11-20T10:00:00.000Z"}"#),
                "`batch.id` is empty",
            ),
            (
                message(r#""batch":{"id":"B","state":"going","started":"2026-11-20T10:00:00.000Z"}"#),
                "unknown variant `going`",
            ),
            (
                message(r#""batch":{"id":"B","state":"running","started":"2026-11-20 10:00"}"#),
                "no moment",
            ),
            (
                message(r#""batch":{"id":"B","state":"complete","started":"2026-11-20T10:00:00.000Z"}"#),
                "has no `ended`",
            ),
            (
                run(r#""run":0,"state":"running","started":"2026-11-20T10:00:00Z""#),
                "count from 1",
            ),
            (
                run(
                    r#""run":1,"state":"running","started":"2026-11-20T10:00:00Z","ended":"2026-11-20T10:00:00Z""#,
                ),
                "has an `ended`",
            ),
            (
                message(&format!(
                    r#"{BATCH},"runs":[{{"step":"a+b","run":1,"state":"running","started":"2026-11-20T10:00:00Z"}}]"#
                )),
                "side by side",
            ),
            (
                message(
                    r#""batch":null,"runs":[{"step":"a","run":1,"state":"running","started":"2026-11-20T10:00:00Z"}]"#,
                ),
                "without a `batch`",
            ),
            (
                message(&format!(
                    r#"{BATCH},"runs":[{0},{0}]"#,
                    r#"{"step":"a","run":1,"state":"running","started":"2026-11-20T10:00:00Z"}"#
                )),
                "stands twice",
            ),
            (
                message(r#""batch":null"#).replace("\"number\":3", "\"number\":0"),
                "counts from 1",
            ),
            (
                format!("{}{}", message(r#""batch":null"#), " ".repeat(LONGEST)),
                "longer than 256 KiB",
            ),
        ];
        for (text, reason) in cases {
            let trouble = read("MX-3", text.as_bytes()).unwrap_err();
            assert!(
                trouble.what.contains(reason),
                "{:.80}\n gives {}\n not {reason}",
                text,
                trouble.what
            );
            assert!(
                !trouble.record.is_empty() && !trouble.action.is_empty() && trouble.place.contains("MX-3")
            );
        }
    }
}
