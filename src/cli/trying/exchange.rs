//! One question to one instrument, and what came of it: bytes, meaning, and how long it took.

use crate::{
    cli::trying::decodings::Registers,
    flow::needs::{Clock, Link},
    ports::clock::SystemClock,
};
use driver::{Conversation, Heard, HeardAs, Question, Role};
use record::{Failure, Stamp};
use std::{io, time::Duration};

/// One question and its answer; for one that speaks by itself, what it said.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) role: Role,
    pub(crate) sent: Vec<u8>,
    pub(crate) heard: Vec<Heard>,
    /// Everything that came, answer or not.
    pub(crate) raw: Vec<u8>,
    pub(crate) latency: Duration,
    /// When its last byte came, by the clock of who asked.
    pub(crate) time: Stamp,
}

impl Exchange {
    /// What was said by itself.
    pub(crate) fn by_itself(heard: Heard) -> Self {
        Self {
            role: Role::Values,
            sent: Vec::new(),
            raw: heard.raw.clone(),
            heard: vec![heard],
            latency: Duration::ZERO,
            time: SystemClock::new().now(),
        }
    }

    /// The answer among what was heard.
    pub(crate) fn answer(&self) -> Option<&Heard> {
        self.heard
            .iter()
            .find(|heard| matches!(heard.heard_as, HeardAs::Answer | HeardAs::ByItself))
    }

    /// How it failed, if it failed.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.answer().map_or(Some(Failure::Silent), |heard| heard.failure)
    }

    /// Who it says it is.
    pub(crate) fn identity(&self) -> Option<&str> {
        self.heard.iter().find_map(|heard| heard.identity.as_deref())
    }

    /// After silence the line rests, so that a late answer is not taken for the next one.
    pub(crate) fn rest(&self, question: &Question) -> Duration {
        if self.failure() == Some(Failure::Silent) {
            (question.answer_within * 2).max(Duration::from_millis(500))
        } else {
            question.pause_after.max(Duration::from_millis(20))
        }
    }

    /// The registers of a Modbus answer, where one came.
    pub(crate) fn registers(&self) -> Option<Registers> {
        let [_, function, a, b, c, d] = *body(&self.sent)? else {
            return None;
        };
        let table = match function {
            3 => "holding",
            4 => "input",
            _ => return None,
        };
        let count = usize::from(u16::from_be_bytes([c, d]));
        let answer = &self.answer().filter(|heard| heard.failure.is_none())?.raw;
        let tcp = self.sent.len() == 12;
        let values = answer.get(if tcp { 9 } else { 3 }..)?.get(..count * 2)?;
        Some(Registers {
            table,
            first: u16::from_be_bytes([a, b]),
            values: values
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect(),
        })
    }
}

/// Unit, function, first and count of a Modbus question.
fn body(sent: &[u8]) -> Option<&[u8]> {
    match sent.len() {
        12 => Some(&sent[6..12]),
        8 => Some(&sent[..6]),
        _ => None,
    }
}

/// A frame as samples of Modbus have it: RTU, whatever it travelled on.
pub(crate) fn as_rtu(frame: &[u8]) -> Vec<u8> {
    let body = frame.get(6..).unwrap_or_default();
    [body, &driver::crc16(body).to_le_bytes()].concat()
}

/// Asks one question and waits for what comes.
pub(crate) async fn one(
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
        role: question.role,
        sent,
        heard: Vec::new(),
        raw: Vec::new(),
        latency: Duration::ZERO,
        time: Stamp(0),
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
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the far end is gone"));
                }
                exchange.heard.extend(conversation.hear(&bytes));
                exchange.raw.append(&mut bytes);
            }
            () = clock.sleep(left) => exchange.heard.extend(conversation.give_up()),
        }
    }
    exchange.latency = clock.elapsed().saturating_sub(began);
    exchange.time = clock.now();
    Ok(exchange)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_registers_of_an_answer_are_those_that_were_asked_for() {
        let heard = |raw: &[u8]| Heard::answered(raw.to_vec(), Vec::new(), None);
        let rtu = Exchange {
            role: Role::Values,
            sent: vec![1, 4, 0, 10, 0, 2, 0, 0],
            raw: Vec::new(),
            heard: vec![heard(&[1, 4, 4, 2, 0xD4, 0, 7, 0, 0])],
            latency: Duration::ZERO,
            time: Stamp(0),
        };
        let read = rtu.registers().unwrap();
        assert_eq!(
            (read.table, read.first, read.values),
            ("input", 10, vec![0x02D4, 7])
        );
        let tcp = Exchange {
            sent: vec![0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1],
            heard: vec![heard(&[0, 1, 0, 0, 0, 5, 1, 3, 2, 2, 0xD4])],
            ..rtu
        };
        assert_eq!(tcp.registers().unwrap().values, vec![0x02D4]);
        assert_eq!(as_rtu(&tcp.sent), [1, 3, 0, 0, 0, 1, 0x84, 0x0A]);
    }
}
