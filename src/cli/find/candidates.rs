//! Which drivers understand what is on a line: each asks its own questions, and its answers speak for it or not.

use crate::{
    cli::trying::exchange::{self, Exchange},
    flow::needs::{Clock, Link},
    ports::clock::SystemClock,
};
use driver::{Conversation, ConversationOptions, Driver, Heard, HeardAs, Role, Speaks, Transport};
use record::{Quality, Value};
use serde_json::json;
use std::io;

/// One driver that understood something.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) driver: Driver,
    /// Answers with a value, and answers in all.
    pub(super) good: usize,
    pub(super) all: usize,
    pub(super) identity: Option<String>,
    /// Measure and words of its answers.
    pub(super) answers: Vec<(String, String)>,
    /// Values that are not zero: a register that is not there often reads as zero.
    telling: usize,
}

impl Candidate {
    fn new(driver: &Driver) -> Self {
        Self {
            driver: driver.clone(),
            good: 0,
            all: 0,
            identity: None,
            answers: Vec::new(),
            telling: 0,
        }
    }

    fn hear(&mut self, heard: &Heard) {
        if let Some(identity) = &heard.identity {
            self.identity = Some(identity.clone());
        }
        for (measure, answer) in &heard.answers {
            self.all += 1;
            self.good += usize::from(answer.quality() != Quality::Bad);
            let zero = |value: &Value| matches!(value, Value::Quantity(quantity) if quantity.amount.number().is_zero());
            self.telling += usize::from(answer.value().is_some_and(|value| !zero(value)));
            let words = answer.to_string();
            match self.answers.iter_mut().find(|(known, _)| known == measure) {
                Some((_, known)) => *known = words,
                None => self.answers.push((measure.clone(), words)),
            }
        }
    }

    /// Understood means: something with a value, or who it is.
    fn understands(&self) -> bool {
        self.good > 0 || self.identity.is_some()
    }

    /// The likeliest has the highest.
    fn weight(&self) -> (bool, usize, usize, usize) {
        let template = self.driver.title.contains("template");
        let share = (self.good * 100).checked_div(self.all).unwrap_or(0);
        (
            !template,
            share,
            usize::from(self.identity.is_some()),
            self.telling,
        )
    }

    /// In words, with its values.
    pub(super) fn in_words(&self) -> String {
        let values: Vec<String> = self
            .answers
            .iter()
            .take(6)
            .map(|(measure, words)| format!("{measure} {words}"))
            .collect();
        format!(
            "{} edition {} ({}): {} of {} answers have a value\n      {}",
            self.driver.name,
            self.driver.edition,
            self.driver.evidence.word(),
            self.good,
            self.all,
            values.join(" · ")
        )
    }

    pub(super) fn json(&self) -> serde_json::Value {
        json!({
            "driver": self.driver.name, "edition": self.driver.edition, "good": self.good, "answers": self.all,
            "serial_number": self.identity,
            "values": self.answers.iter().map(|(measure, words)| json!({"measure": measure, "answer": words})).collect::<Vec<_>>(),
        })
    }
}

/// The likeliest first; those that only got refusals are left out where others got values.
pub(super) fn sorted(mut found: Vec<Candidate>) -> Vec<Candidate> {
    if found.iter().any(|candidate| candidate.good > 0) {
        found.retain(|candidate| candidate.good > 0);
    }
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.weight()));
    found
}

/// Which of these drivers talk by themselves as these bytes do.
pub(super) fn that_hear<'d>(drivers: impl Iterator<Item = &'d Driver>, bytes: &[u8]) -> Vec<Candidate> {
    let found = drivers.filter_map(|driver| {
        if !matches!(driver.speaks, Speaks::Text(_)) {
            return None;
        }
        let options = ConversationOptions {
            unit_id: 0,
            transport: Transport::Serial,
        };
        let mut candidate = Candidate::new(driver);
        let heard = Conversation::new(driver, options).hear(bytes);
        let by_itself = heard.iter().filter(|heard| heard.heard_as == HeardAs::ByItself);
        by_itself.for_each(|heard| candidate.hear(heard));
        candidate.understands().then_some(candidate)
    });
    sorted(found.collect())
}

/// Asks as this driver would. `None` when it does not understand; the first refusal or silence decides.
pub(super) async fn that_asks(
    driver: &Driver,
    options: ConversationOptions,
    line: &mut dyn Link,
) -> io::Result<Option<Candidate>> {
    let mut conversation = Conversation::new(driver, options);
    let mut questions = conversation.questions();
    if questions.is_empty() {
        return Ok(None);
    }
    questions.sort_by_key(|question| question.role == Role::Values);
    let mut candidate = Candidate::new(driver);
    for question in &questions {
        let exchange: Exchange = exchange::one(line, &mut conversation, question).await?;
        SystemClock::new().sleep(exchange.rest(question)).await;
        if exchange.failure().is_some() {
            return Ok(None);
        }
        exchange.heard.iter().for_each(|heard| candidate.hear(heard));
    }
    Ok(candidate.understands().then_some(candidate))
}

/// The block of a configuration for it; 6 lines at most.
pub(super) fn block(candidate: &Candidate, key: &str, at: &str, more: &[(&str, String)]) -> String {
    let mut pairs = vec![
        ("driver", format!("\"{}\"", candidate.driver.name)),
        ("edition", candidate.driver.edition.to_string()),
        (key, format!("\"{at}\"")),
    ];
    pairs.extend(more.iter().map(|(key, value)| (*key, value.clone())));
    if let Some(number) = &candidate.identity {
        pairs.push(("serial_number", format!("\"{number}\"")));
    }
    let wide = pairs.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
    let mut lines = vec!["[equipment.NEW]".to_owned()];
    lines.extend(pairs.iter().map(|(key, value)| format!("{key:wide$} = {value}")));
    lines.join("\n")
}
