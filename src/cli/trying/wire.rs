//! Where exchanges come from: a line of our own, or the gateway that owns it.

use super::exchange::{self, Exchange};
use crate::{
    cli::acts,
    config::{Source, plant::Equipment},
    daemon::acts::{
        Asked,
        listen::{Heard as Listened, HeardReading, Listen},
    },
    flow::{
        link::Plan,
        needs::{Clock, Link, Links},
    },
    ports::{clock::SystemClock, links::SystemLinks},
    simulate,
};
use driver::{Conversation, Heard, Question, Role};
use record::{Failure, Stamp, Trouble};
use std::{io, time::Duration};

/// A way to exchanges.
pub(super) enum Wire {
    Own(Own),
    Gateway(Gateway),
}

/// A line of our own, for as long as the bench works.
pub(super) struct Own {
    line: Box<dyn Link>,
    name: String,
    tag: String,
    conversation: Conversation,
    questions: Vec<Question>,
    first: bool,
}

/// What the gateway hears, as it hears it.
pub(super) struct Gateway {
    source: Source,
    tag: String,
    conversation: Conversation,
    questions: Vec<Question>,
}

impl Wire {
    /// Opens the line of this equipment.
    pub(super) async fn own(equipment: &Equipment) -> Result<Self, Trouble> {
        let (address, mut plan) = Plan::of(equipment);
        let tag = equipment.tag.clone();
        let Some(asked) = plan.equipment.pop() else {
            return Err(cannot(&tag, &plan.name, &io::Error::other("it has no line")));
        };
        let line = SystemLinks
            .open(&address)
            .await
            .map_err(|problem| cannot(&tag, &plan.name, &problem))?;
        let conversation = asked.conversation;
        Ok(Self::Own(Own {
            line,
            name: plan.name,
            tag,
            questions: in_order(&conversation),
            conversation,
            first: true,
        }))
    }

    /// Listens in on the gateway that owns the line.
    pub(super) fn gateway(source: &Source, equipment: &Equipment) -> Option<Self> {
        let conversation = Plan::of(equipment).1.equipment.pop()?.conversation;
        Some(Self::Gateway(Gateway {
            source: source.clone(),
            tag: equipment.tag.clone(),
            questions: in_order(&conversation),
            conversation,
        }))
    }

    /// Whether it is never asked, and only speaks by itself.
    pub(super) fn only_hears(&self) -> bool {
        match self {
            Self::Own(own) => own.questions.is_empty(),
            Self::Gateway(_) => false,
        }
    }

    /// Every question once, or what is said within a while.
    pub(super) async fn round(&mut self, within: Duration) -> Result<Vec<Exchange>, Trouble> {
        match self {
            Self::Own(own) => {
                let heard = if own.questions.is_empty() {
                    own.hear(within).await
                } else {
                    own.ask().await
                };
                heard.map_err(|problem| cannot(&own.tag, &own.name, &problem))
            }
            Self::Gateway(gateway) => gateway.hear(within).await,
        }
    }
}

/// Who it is and its settings before its values, because values are judged by them.
fn in_order(conversation: &Conversation) -> Vec<Question> {
    let mut questions = conversation.questions();
    questions.sort_by_key(|question| question.role == Role::Values);
    questions
}

impl Own {
    async fn ask(&mut self) -> io::Result<Vec<Exchange>> {
        let mut round = Vec::new();
        let first = std::mem::take(&mut self.first);
        for question in &self.questions {
            if !first && question.role != Role::Values {
                continue;
            }
            let exchange = exchange::one(&mut *self.line, &mut self.conversation, question).await?;
            SystemClock::new().sleep(exchange.rest(question)).await;
            round.push(exchange);
        }
        Ok(round)
    }

    async fn hear(&mut self, within: Duration) -> io::Result<Vec<Exchange>> {
        let clock = SystemClock::new();
        let until = clock.elapsed() + within;
        let mut round = Vec::new();
        while round.is_empty() {
            let mut raw = Vec::new();
            tokio::select! {
                count = self.line.receive(&mut raw) => if count? == 0 {
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the far end is gone"));
                },
                () = clock.sleep(until.saturating_sub(clock.elapsed())) => break,
            }
            round.extend(self.conversation.hear(&raw).into_iter().map(Exchange::by_itself));
        }
        Ok(round)
    }
}

impl Gateway {
    async fn hear(&mut self, within: Duration) -> Result<Vec<Exchange>, Trouble> {
        let clock = SystemClock::new();
        let until = clock.elapsed() + within;
        loop {
            let asked = Asked::to(
                "listen",
                &Listen {
                    tag: self.tag.clone(),
                },
            );
            let reply = acts::ask(&self.source, &asked).await?;
            let heard: Option<Listened> = reply
                .filter(|reply| reply.done)
                .and_then(|reply| serde_json::from_str(&reply.text).ok());
            let Some(heard) = heard else {
                return Err(Trouble::new("gateway-not-running", "the gateway ended meanwhile")
                    .at(&self.tag)
                    .means("what was captured until then is in the ledger")
                    .so("try again: without a gateway the bench asks the instrument itself"));
            };
            if !heard.readings.is_empty() {
                return Ok(self.exchanges(heard.readings));
            }
            if clock.elapsed() >= until {
                return Ok(Vec::new());
            }
            clock.sleep(POLL).await;
        }
    }

    /// Readings of one answer are one exchange again.
    fn exchanges(&mut self, readings: Vec<HeardReading>) -> Vec<Exchange> {
        let mut round: Vec<(i64, i64, Exchange)> = Vec::new();
        for reading in readings {
            let answer = (reading.measure.clone(), simulate::answer(&reading.answer));
            let (asked, time) = (reading.asked, reading.time);
            if let Some((_, _, exchange)) = round
                .iter_mut()
                .find(|(then, came, exchange)| (*then, *came) == (asked, time) && exchange.raw == reading.raw)
            {
                exchange
                    .heard
                    .iter_mut()
                    .for_each(|heard| heard.answers.push(answer.clone()));
                continue;
            }
            round.push((asked, time, self.exchange(reading, answer)));
        }
        round.into_iter().map(|(_, _, exchange)| exchange).collect()
    }

    fn exchange(&mut self, reading: HeardReading, answer: (String, record::Answer)) -> Exchange {
        let question = self
            .questions
            .iter()
            .find(|question| question.measures.contains(&reading.measure));
        let mut sent = question.map_or_else(Vec::new, |question| self.conversation.ask(question.id));
        if sent.len() == 12 && reading.raw.len() > 7 {
            // the gateway counts its questions itself
            sent[..2].copy_from_slice(&reading.raw[..2]);
        }
        let failure = reading.failure.as_deref().and_then(failure);
        let silent = failure == Some(Failure::Silent);
        Exchange {
            role: Role::Values,
            sent,
            heard: vec![Heard::answered(reading.raw.clone(), vec![answer], failure)],
            raw: if silent { Vec::new() } else { reading.raw },
            latency: Duration::from_millis(reading.time.saturating_sub(reading.asked).max(0) as u64),
            time: Stamp(reading.time),
        }
    }
}

fn failure(word: &str) -> Option<Failure> {
    [
        Failure::Silent,
        Failure::Refused,
        Failure::Garbled,
        Failure::Unexpected,
    ]
    .into_iter()
    .find(|failure| failure.word() == word)
}

fn cannot(tag: &str, line: &str, problem: &io::Error) -> Trouble {
    Trouble::new("cannot-open-line", format!("{tag} cannot be reached: {problem}"))
        .at(line)
        .means("what is recorded is not concerned")
        .so(match problem.kind() {
            io::ErrorKind::ResourceBusy => {
                "close the program that holds it; a gateway of another configuration listens in with --config"
            }
            io::ErrorKind::NotFound => "plug it in; its name stands in /dev/serial/by-id",
            io::ErrorKind::PermissionDenied => {
                "run it as the service user, or as a member of the group `dialout`"
            }
            io::ErrorKind::ConnectionRefused => {
                "is the address right, and is its service switched on? The port of Modbus TCP is 502"
            }
            io::ErrorKind::ConnectionAborted => {
                "is it powered; does another program hold its only connection?"
            }
            _ => "is it powered, is the address right, does another program hold its only connection?",
        })
}

/// How often the gateway is asked what it heard.
const POLL: Duration = Duration::from_millis(200);
