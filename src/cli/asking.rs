//! Asks one real instrument, question by question, and shows bytes beside meaning.

use crate::{
    cli::{NOT_RIGHT, say},
    config::plant::Equipment,
    flow::{
        link::Plan,
        needs::{Clock, Link, Links},
    },
    ports::{clock::SystemClock, links::SystemLinks},
};
use driver::{Conversation, Heard, HeardAs, Question, Role};
use record::{Failure, Trouble};
use serde_json::json;
use std::{fmt::Write, io, process::ExitCode, time::Duration};

/// What came of all questions.
#[derive(Default)]
struct Tally {
    answered: u32,
    failures: [u32; 4],
    latencies: Vec<Duration>,
    another: Option<String>,
}

const FAILURES: [Failure; 4] = [
    Failure::Silent,
    Failure::Refused,
    Failure::Garbled,
    Failure::Unexpected,
];

pub(crate) fn ask(equipment: &Equipment, times: u32, json: bool) -> Result<ExitCode, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|problem| Trouble::new("cannot-try", problem.to_string()).means("nothing was asked"))?;
    runtime.block_on(talk(equipment, times, json))
}

async fn talk(equipment: &Equipment, times: u32, json: bool) -> Result<ExitCode, Trouble> {
    let (address, mut plan) = Plan::of(equipment);
    let Some(asked) = plan.equipment.pop() else {
        return Ok(ExitCode::from(NOT_RIGHT));
    };
    let cannot = |problem: io::Error| {
        Trouble::new(
            "cannot-open-line",
            format!("{} cannot be reached: {problem}", equipment.tag),
        )
        .at(&plan.name)
        .means("nothing was asked; what is recorded is not concerned")
        .so(what_to_do(problem.kind()))
    };
    let mut line = SystemLinks.open(&address).await.map_err(cannot)?;
    let mut conversation = asked.conversation;
    let mut questions = conversation.questions();
    questions.sort_by_key(|question| question.role == Role::Values);
    let mut tally = Tally::default();
    if !json {
        say(&format!(
            "{} ({}) at {}, driver {} edition {}",
            equipment.tag, equipment.title, plan.name, equipment.driver.name, equipment.edition
        ));
    }
    for round in 0..times {
        for question in questions
            .iter()
            .filter(|question| round == 0 || question.role == Role::Values)
        {
            let exchange = one(&mut *line, &mut conversation, question)
                .await
                .map_err(cannot)?;
            tally.count(equipment, &exchange);
            show(&exchange, json);
            SystemClock::new().sleep(exchange.rest(question)).await;
        }
    }
    if questions.is_empty() {
        hear_only(&mut *line, &mut conversation, &mut tally, equipment, json)
            .await
            .map_err(cannot)?;
    }
    say(&tally.shown(equipment, json));
    let fine =
        tally.failures.iter().all(|count| *count == 0) && tally.answered > 0 && tally.another.is_none();
    Ok(if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}

fn what_to_do(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ResourceBusy => {
            "a gateway that is running holds the line: stop it, or look at the point on its screen"
        }
        io::ErrorKind::NotFound => "plug it in; its name stands in /dev/serial/by-id",
        io::ErrorKind::PermissionDenied => {
            "run it as the service user, or as a member of the group `dialout`"
        }
        _ => "is it powered, is the address right, does another program hold its only connection?",
    }
}

/// One question and what came of it.
struct Exchange {
    sent: Vec<u8>,
    heard: Vec<Heard>,
    raw: Vec<u8>,
    latency: Duration,
}

impl Exchange {
    fn answer(&self) -> Option<&Heard> {
        self.heard
            .iter()
            .find(|heard| matches!(heard.heard_as, HeardAs::Answer | HeardAs::ByItself))
    }

    /// After silence the line rests, so that a late answer is not taken for the next one.
    fn rest(&self, question: &Question) -> Duration {
        let silent = self
            .answer()
            .is_none_or(|heard| heard.failure == Some(Failure::Silent));
        let late = (question.answer_within * 2).max(Duration::from_millis(500));
        if silent {
            late
        } else {
            question.pause_after.max(Duration::from_millis(20))
        }
    }
}

async fn one(
    line: &mut dyn Link,
    conversation: &mut Conversation,
    question: &Question,
) -> io::Result<Exchange> {
    let clock = SystemClock::new();
    line.discard()?;
    conversation.forget();
    let sent = conversation.ask(question.id);
    line.send(&sent).await?;
    let began = clock.elapsed();
    let mut exchange = Exchange {
        sent,
        heard: Vec::new(),
        raw: Vec::new(),
        latency: Duration::ZERO,
    };
    while conversation.is_waiting() {
        let left = question
            .answer_within
            .saturating_sub(clock.elapsed().saturating_sub(began));
        let mut bytes = Vec::new();
        tokio::select! {
            biased;
            count = line.receive(&mut bytes) => {
                if count? == 0 {
                    return Err(io::Error::other("the far end is gone"));
                }
                exchange.heard.extend(conversation.hear(&bytes));
                exchange.raw.append(&mut bytes);
            }
            () = clock.sleep(left) => exchange.heard.extend(conversation.give_up()),
        }
    }
    exchange.latency = clock.elapsed().saturating_sub(began);
    Ok(exchange)
}

/// An instrument that only speaks by itself is listened to for a while.
async fn hear_only(
    line: &mut dyn Link,
    conversation: &mut Conversation,
    tally: &mut Tally,
    equipment: &Equipment,
    json: bool,
) -> io::Result<()> {
    let clock = SystemClock::new();
    let until = clock.elapsed() + LISTEN;
    if !json {
        say(&format!(
            "it is not asked, it speaks by itself: listening for {} s",
            LISTEN.as_secs()
        ));
    }
    while clock.elapsed() < until {
        let mut raw = Vec::new();
        tokio::select! {
            count = line.receive(&mut raw) => if count? == 0 { return Err(io::Error::other("the far end is gone")) },
            () = clock.sleep(until.saturating_sub(clock.elapsed())) => break,
        }
        for heard in conversation.hear(&raw) {
            let raw = heard.raw.clone();
            let exchange = Exchange {
                sent: Vec::new(),
                heard: vec![heard],
                raw,
                latency: Duration::ZERO,
            };
            tally.count(equipment, &exchange);
            show(&exchange, json);
        }
    }
    Ok(())
}

fn show(exchange: &Exchange, json: bool) {
    let answers = exchange
        .answer()
        .map(|heard| heard.answers.clone())
        .unwrap_or_default();
    let identity = exchange.heard.iter().find_map(|heard| heard.identity.clone());
    let ms = exchange.latency.as_secs_f64() * 1000.0;
    if json {
        let answers: serde_json::Map<_, _> = answers
            .into_iter()
            .map(|(measure, answer)| (measure, json!(answer.to_string())))
            .collect();
        say(&json!({
            "sent": hex(&exchange.sent), "heard": hex(&exchange.raw), "ms": (ms * 10.0).round() / 10.0,
            "answers": answers, "identity": identity,
            "failure": exchange.answer().and_then(|heard| heard.failure).map(Failure::word),
        })
        .to_string());
        return;
    }
    if !exchange.sent.is_empty() {
        say(&format!("  sent   {}", both(&exchange.sent)));
    }
    say(&format!("  heard  {}   {ms:.1} ms", both(&exchange.raw)));
    for (measure, answer) in answers {
        say(&format!("         {measure} = {answer}"));
    }
    if let Some(identity) = identity {
        say(&format!("         serial number = {identity}"));
    }
}

impl Tally {
    fn count(&mut self, equipment: &Equipment, exchange: &Exchange) {
        if let (Some(configured), Some(says)) = (
            &equipment.serial_number,
            exchange.heard.iter().find_map(|heard| heard.identity.clone()),
        ) && *configured != says
        {
            self.another = Some(says);
        }
        let failure = match exchange.answer() {
            Some(heard) => heard.failure,
            None => Some(Failure::Silent),
        };
        if let Some(place) = failure.and_then(|failure| FAILURES.iter().position(|known| *known == failure)) {
            self.failures[place] += 1;
        } else {
            self.answered += 1;
            self.latencies.push(exchange.latency);
        }
    }

    fn shown(&self, equipment: &Equipment, json: bool) -> String {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        let ms = |at: usize| {
            sorted
                .get(at)
                .map_or(0.0, |time| (time.as_secs_f64() * 10_000.0).round() / 10.0)
        };
        let (median, longest) = (ms(sorted.len() / 2), ms(sorted.len().saturating_sub(1)));
        if json {
            let mut object = json!({
                "tag": equipment.tag, "answered": self.answered, "median_ms": median, "longest_ms": longest,
                "another_instrument": self.another,
            });
            for (failure, count) in FAILURES.iter().zip(self.failures) {
                object[failure.word()] = json!(count);
            }
            return object.to_string();
        }
        let failures: Vec<String> = FAILURES
            .iter()
            .zip(self.failures)
            .map(|(failure, count)| format!("{count} {failure}"))
            .collect();
        let mut text = format!(
            "{} answered, {}; median {median} ms, longest {longest} ms",
            self.answered,
            failures.join(", ")
        );
        if let (Some(says), Some(configured)) = (&self.another, &equipment.serial_number) {
            let _ = write!(
                text,
                "\nit is another instrument: it says {says}, the configuration says {configured}; its values would count for nothing"
            );
        }
        text
    }
}

/// Bytes as numbers, and as text where they are text.
fn both(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".into();
    }
    let printable = bytes
        .iter()
        .all(|byte| matches!(byte, 0x20..=0x7E | b'\r' | b'\n' | 0x02 | 0x03 | 0x1B));
    let text = if printable {
        format!("   \"{}\"", bytes.escape_ascii())
    } else {
        String::new()
    };
    format!("{}{text}", hex(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// How long one that speaks by itself is listened to.
const LISTEN: Duration = Duration::from_secs(5);
