//! What came of all questions, and, where something is wrong, what it may be: in the order in which a person
//! at the instrument should look.

use super::exchange::Exchange;
use crate::{
    config::plant::{Equipment, Link},
    flow::link::Plan,
};
use driver::Speaks;
use record::Failure;
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

/// Counts of all exchanges.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) answered: u32,
    failures: [u32; 4],
    latencies: Vec<Duration>,
    another: Option<String>,
    /// What refusals and unexpected answers said.
    said: BTreeSet<String>,
    /// Bytes came, though no answer did.
    something: bool,
}

const FAILURES: [Failure; 4] = [
    Failure::Silent,
    Failure::Refused,
    Failure::Garbled,
    Failure::Unexpected,
];

impl Tally {
    pub(super) fn count(&mut self, equipment: &Equipment, exchange: &Exchange) {
        if let (Some(configured), Some(says)) = (&equipment.serial_number, exchange.identity())
            && configured != says
        {
            self.another = Some(says.to_owned());
        }
        let Some(failure) = exchange.failure() else {
            self.answered += 1;
            if !exchange.sent.is_empty() {
                self.latencies.push(exchange.latency);
            }
            return;
        };
        if let Some(place) = FAILURES.iter().position(|known| *known == failure) {
            self.failures[place] += 1;
        }
        self.something |= !exchange.raw.is_empty();
        if failure == Failure::Refused {
            let answers = exchange.answer().into_iter().flat_map(|heard| &heard.answers);
            self.said
                .extend(answers.filter_map(|(_, answer)| answer.because().map(str::to_owned)));
        }
    }

    /// Whether everything was answered, by the instrument that is configured.
    pub(super) fn is_fine(&self) -> bool {
        self.failures.iter().all(|count| *count == 0) && self.answered > 0 && self.another.is_none()
    }

    /// Whether nothing was asked at all.
    pub(super) fn is_empty(&self) -> bool {
        self.answered == 0 && self.failures.iter().all(|count| *count == 0)
    }

    fn of(&self, failure: Failure) -> u32 {
        FAILURES
            .iter()
            .zip(self.failures)
            .find(|(known, _)| **known == failure)
            .map_or(0, |(_, count)| count)
    }

    /// Median and longest, in milliseconds.
    fn latency(&self) -> (f64, f64) {
        let mut sorted = self.latencies.clone();
        sorted.sort();
        let ms = |at: usize| {
            let time = sorted.get(at).copied().unwrap_or_default();
            (time.as_secs_f64() * 10_000.0).round() / 10.0
        };
        (ms(sorted.len() / 2), ms(sorted.len().saturating_sub(1)))
    }

    pub(super) fn json(&self, equipment: &Equipment) -> serde_json::Value {
        let (median, longest) = self.latency();
        let mut object = json!({
            "tag": equipment.tag, "answered": self.answered, "median_ms": median, "longest_ms": longest,
            "another_instrument": self.another, "causes": self.causes(equipment),
        });
        for (failure, count) in FAILURES.iter().zip(self.failures) {
            object[failure.word()] = json!(count);
        }
        object
    }

    pub(super) fn shown(&self, equipment: &Equipment) -> String {
        let failures: Vec<String> = FAILURES
            .iter()
            .zip(self.failures)
            .map(|(failure, count)| format!("{count} {failure}"))
            .collect();
        let (median, longest) = self.latency();
        let mut text = format!("{} answered, {}", self.answered, failures.join(", "));
        if !self.latencies.is_empty() {
            text.push_str(&format!("; median {median} ms, longest {longest} ms"));
        }
        if let (Some(says), Some(configured)) = (&self.another, &equipment.serial_number) {
            text.push_str(&format!(
                "\nit is another instrument: it says {says}, the configuration says {configured}; its values would count for nothing"
            ));
        }
        for cause in self.causes(equipment) {
            text.push_str(&format!("\n  {cause}"));
        }
        text
    }

    /// What may be the matter, one line each.
    fn causes(&self, equipment: &Equipment) -> Vec<String> {
        let mut causes = Vec::new();
        if self.of(Failure::Silent) > 0 {
            causes.extend(self.silent(equipment));
        }
        if self.of(Failure::Refused) > 0 {
            let said: Vec<&str> = self.said.iter().map(String::as_str).collect();
            causes.push(format!(
                "it answered, and said no ({}): another model or firmware than the driver {} describes, or a function \
                 that is switched off in its menu",
                said.join("; "),
                equipment.driver.name
            ));
        }
        if self.of(Failure::Garbled) > 0 {
            causes.push(match serial(equipment) {
                Some(settings) => format!(
                    "bytes came damaged: are speed and frame {settings} at the instrument too; is the cable shielded and \
                     away from drives; does a second program or master ask on this line?"
                ),
                None => "bytes came damaged: is this the port for this protocol (Modbus TCP, or RTU behind a serial \
                         server), and do the serial server's settings fit the instrument?"
                    .to_owned(),
            });
        }
        if self.of(Failure::Unexpected) > 0 {
            causes.push(format!(
                "it answered in order, but not as {} edition {} says: another output format or unit in its menu, or an \
                 answer the driver lacks; the bytes are above, `steelyard drivers {}` shows the driver",
                equipment.driver.name, equipment.edition, equipment.driver.name
            ));
        }
        causes
    }

    fn silent(&self, equipment: &Equipment) -> Vec<String> {
        if self.answered > 0 {
            return vec![format!(
                "{} of {} questions had no answer in time: a loose plug, an instrument that is busy with its keys, or \
                 one that needs longer than the driver's answer_within",
                self.of(Failure::Silent),
                self.of(Failure::Silent) + self.answered
            )];
        }
        if self.something {
            return vec![
                "bytes came, but none was an answer to a question: does it talk by itself, or does another master ask \
                 on this line?"
                    .to_owned(),
            ];
        }
        let mut causes = vec!["nothing came back. In this order:".to_owned()];
        causes.push("- is it switched on, and the cable in at both ends?".to_owned());
        match serial(equipment) {
            Some(settings) => {
                causes.push(format!("- does its menu say {settings} too?"));
                causes.push(
                    "- are its lines crossed where they must be (RXD to TXD), A and B not swapped?"
                        .to_owned(),
                );
            }
            None => causes.push(
                "- does another program hold its connection? Many instruments answer only one.".to_owned(),
            ),
        }
        if matches!(equipment.driver.speaks, Speaks::Modbus(_)) {
            causes.push(format!(
                "- is its address {}? `steelyard find modbus` asks all of them.",
                equipment.unit_id.unwrap_or(1)
            ));
        } else {
            causes.push(
                "- is it set to answer questions, not to print at a key or to send by itself?".to_owned(),
            );
        }
        causes
    }
}

/// Settings of the wire, where there is one.
fn serial(equipment: &Equipment) -> Option<String> {
    match &equipment.link {
        Link::Serial { .. } | Link::ModbusRtu { .. } => match Plan::of(equipment).0 {
            crate::flow::needs::Address::Serial(_, line) => Some(format!(
                "{} {}{}{}",
                line.speed, line.data_bits, line.parity, line.stop_bits
            )),
            crate::flow::needs::Address::Tcp(_) => None,
        },
        Link::Tcp(_) | Link::ModbusTcp(_) | Link::ModbusRtuTcp(_) | Link::OpcUa(_) => None,
    }
}
