//! Runs the samples of a driver: what was heard, through the same conversation that serves the plant, must
//! give what the sample promises, in the same words.

use crate::{
    Driver,
    conversation::{
        Conversation, ConversationOptions, Heard, HeardAs, Question, QuestionId, Role, Transport,
    },
    driver::{Sample, Speaks},
};
use std::ops::Range;

/// How one sample went.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleResult {
    /// The sample's sentence.
    pub says: String,
    /// Measure, what was promised, what came.
    pub answers: Vec<(String, Vec<String>, Vec<String>)>,
    /// Why it could not be run at all.
    pub trouble: Option<String>,
    /// Where it stands in the file.
    pub span: Range<usize>,
}

impl SampleResult {
    /// Whether everything came as promised.
    pub fn passed(&self) -> bool {
        self.trouble.is_none() && self.answers.iter().all(|(_, promised, gave)| promised == gave)
    }
}

/// Runs every sample.
///
/// ```
/// for (file, text) in driver::builtin() {
///     let driver = driver::Driver::parse(text, file).unwrap();
///     assert!(driver::run_samples(&driver).iter().all(|result| result.passed()), "{file}");
/// }
/// ```
pub fn run_samples(driver: &Driver) -> Vec<SampleResult> {
    driver
        .samples
        .iter()
        .map(|sample| run_sample(driver, sample))
        .collect()
}

pub(crate) fn run_sample(driver: &Driver, sample: &Sample) -> SampleResult {
    let result = |answers, trouble| SampleResult {
        says: sample.says.clone(),
        answers,
        trouble,
        span: sample.span.clone(),
    };
    if let Speaks::Nodes(_) = driver.speaks {
        return match crate::nodes::sample_readings(driver, &String::from_utf8_lossy(&sample.hear)) {
            Ok(gave) => result(compared(sample, &gave), None),
            Err(wrong) => result(Vec::new(), Some(wrong)),
        };
    }
    let mut talk = conversation_of(driver, sample);
    for (send, hear) in &sample.before {
        match question_of(&mut talk, send) {
            Some(id) => {
                talk.ask(id);
                heard_in(&mut talk, hear, &[]);
                talk.forget();
            }
            None => return result(Vec::new(), Some(nobody_asks(driver, send))),
        }
    }
    let asked = if sample.send.is_empty() {
        None
    } else {
        match question_of(&mut talk, &sample.send) {
            Some(id) => Some(id),
            None => return result(Vec::new(), Some(nobody_asks(driver, &sample.send))),
        }
    };
    if let Some(id) = asked {
        talk.ask(id);
    }
    let command = asked.and_then(|id| command_of(&talk, id));
    let mut gave: Vec<(String, String)> = Vec::new();
    let mut heard = heard_in(&mut talk, &sample.hear, &sample.pauses);
    for (send, hear) in &sample.then {
        let sent = talk.go_on().map(|(bytes, _)| bytes).unwrap_or_default();
        if sent != *send {
            let sent = if sent.is_empty() {
                "nothing".to_owned()
            } else {
                shown(driver, &sent)
            };
            let trouble = format!("then it sends {sent}, and not {}", shown(driver, send));
            return result(Vec::new(), Some(trouble));
        }
        heard.extend(heard_in(&mut talk, hear, &[]));
    }
    for one in heard.into_iter().chain(talk.give_up()) {
        if let (Some(outcome), Some(name)) = (&one.outcome, &command) {
            gave.push((name.clone(), outcome.to_string()));
        }
        if matches!(one.heard_as, HeardAs::Answer | HeardAs::ByItself) {
            gave.extend(
                one.answers
                    .into_iter()
                    .map(|(measure, answer)| (measure, answer.to_string())),
            );
        }
        gave.extend(
            one.identity
                .map(|identity| ("serial_number".to_owned(), identity)),
        );
    }
    result(compared(sample, &gave), None)
}

/// Measure, what was promised, what came.
fn compared(sample: &Sample, gave: &[(String, String)]) -> Vec<(String, Vec<String>, Vec<String>)> {
    let of = |measure: &String| {
        let gave = gave.iter().filter(|(name, _)| name == measure);
        gave.map(|(_, words)| words.clone()).collect()
    };
    let gives = sample.gives.iter();
    gives
        .map(|(measure, promised)| (measure.clone(), promised.clone(), of(measure)))
        .collect()
}

/// A conversation as the sample has it: samples of Modbus are RTU frames, their first byte the unit.
pub(crate) fn conversation_of(driver: &Driver, sample: &Sample) -> Conversation {
    let (unit_id, transport) = match driver.speaks {
        Speaks::Text(_) => (0, Transport::Serial),
        Speaks::Modbus(_) => (sample.send.first().copied().unwrap_or(1), Transport::ModbusRtu),
        Speaks::Nodes(_) => (0, Transport::Tcp),
    };
    let mut talk = Conversation::new(driver, ConversationOptions { unit_id, transport });
    // a sample shows what happens where everything is allowed
    talk.allow(driver.commands().into_iter().map(|command| command.name));
    talk
}

/// Everything heard in these bytes, with pauses where the line was quiet, and behind the last byte.
pub(crate) fn heard_in(talk: &mut Conversation, bytes: &[u8], pauses: &[usize]) -> Vec<Heard> {
    let mut heard = Vec::new();
    let ends = pauses.iter().copied().chain([bytes.len()]);
    let mut from = 0;
    for end in ends {
        heard.extend(talk.hear(bytes.get(from..end).unwrap_or_default()));
        heard.extend(talk.quiet());
        from = end;
    }
    heard
}

fn command_of(talk: &Conversation, id: QuestionId) -> Option<String> {
    let commands = talk.commands().into_iter();
    commands
        .filter(|(_, question)| question.id == id)
        .map(|(name, _)| name)
        .next()
}

fn asked(talk: &Conversation) -> impl Iterator<Item = Question> {
    let commands = talk.commands().into_iter().map(|(_, question)| question);
    talk.questions().into_iter().chain(commands)
}

/// The question whose bytes these are.
pub(crate) fn question_of(talk: &mut Conversation, send: &[u8]) -> Option<QuestionId> {
    let all: Vec<Question> = asked(talk).collect();
    let found = all.iter().find(|question| {
        let bytes = talk.ask(question.id);
        talk.forget();
        bytes == send
    });
    found.map(|question| question.id)
}

fn nobody_asks(driver: &Driver, send: &[u8]) -> String {
    let mut talk = conversation_of(
        driver,
        &Sample {
            send: send.to_vec(),
            says: String::new(),
            hear: Vec::new(),
            gives: Vec::new(),
            before: Vec::new(),
            then: Vec::new(),
            pauses: Vec::new(),
            span: 0..0,
            gives_span: 0..0,
        },
    );
    let all: Vec<Question> = asked(&talk).collect();
    let questions: Vec<String> = all
        .iter()
        .map(|question| {
            let what = match question.role {
                Role::Identity => "identity".to_owned(),
                Role::Start => "to begin".to_owned(),
                Role::Command => command_of(&talk, question.id).unwrap_or_default(),
                _ => question.measures.join(", "),
            };
            format!("{what}: {}", shown(driver, &talk.ask(question.id)))
        })
        .collect();
    format!(
        "no question of this driver sends {}; it sends {}",
        shown(driver, send),
        questions.join(" · ")
    )
}

/// Bytes as the driver's samples write them.
pub(crate) fn shown(driver: &Driver, bytes: &[u8]) -> String {
    match &driver.speaks {
        Speaks::Nodes(_) => String::from_utf8_lossy(bytes).into_owned(),
        Speaks::Text(text) if !text.in_bytes => {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            format!("{text:?}")
        }
        _ => hex(bytes),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn every_shipped_driver_gives_what_its_samples_promise() {
        let mut wrong = Vec::new();
        for (file, text) in crate::builtin() {
            let driver = match Driver::parse(text, file) {
                Ok(driver) => driver,
                Err(complaints) => {
                    wrong.extend(
                        complaints
                            .into_iter()
                            .map(|complaint| format!("{file}: {complaint:?}")),
                    );
                    continue;
                }
            };
            assert!(!driver.samples.is_empty(), "{file} has no samples");
            for result in run_samples(&driver).into_iter().filter(|result| !result.passed()) {
                wrong.push(format!("{file}: {result:#?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
