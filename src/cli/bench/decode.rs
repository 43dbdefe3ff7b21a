//! Decoding: whole answers of Modbus TCP, from the bytes to readings with unit and quality, on one core. Each
//! answer is a whole read of registers, as a controller with many values is asked.

use super::{Figure, grouped, per_second};
use crate::{
    flow::needs::Clock,
    ports::clock::{self, SystemClock},
};
use driver::{Conversation, ConversationOptions, Driver, Player, PlayerOptions, Transport};
use record::Trouble;
use std::{fmt::Write, time::Duration};

/// Counts of one register, and floats of two.
pub(super) fn measure(length: Duration) -> Result<Vec<Figure>, Trouble> {
    let counts = Device::of(120, "int16", "one_count = \"0.1 °C\"", 1)?;
    let floats = Device::of(60, "float32", "unit = \"°C\"", 2)?;
    Ok(vec![counts.measured(length)?, floats.measured(length)?])
}

/// An instrument that says nothing but values, and one answer of it.
struct Device {
    talk: Conversation,
    question: driver::QuestionId,
    answer: Vec<u8>,
    is: &'static str,
    readings: u64,
    registers: u64,
}

impl Device {
    fn of(readings: u16, is: &'static str, unit: &str, width: u16) -> Result<Self, Trouble> {
        let mut points = String::new();
        for reading in 0..readings {
            // holds because writing into a text does not fail
            let _ = writeln!(
                points,
                "{{ at = {}, measure = \"value_{reading}\", is = \"{is}\", {unit} }},",
                reading * width
            );
        }
        let text = format!(
            "format = 1\n[driver]\nname = \"bench\"\nedition = 1\ntitle = \"Values\"\nmaker = \"None\"\nspeaks = \"modbus\"\n\
             evidence = \"draft\"\n[modbus]\n[[read]]\ntable = \"holding\"\nfirst = 0\ncount = {}\npoints = [\n{points}]\n",
            readings * width
        );
        let made = Driver::parse(&text, "bench.toml");
        let driver = made.map_err(|_| super::not_measured("the driver that was made for it is none"))?;
        let transport = Transport::ModbusTcp;
        let mut talk = Conversation::new(
            &driver,
            ConversationOptions {
                unit_id: 1,
                transport,
            },
        );
        let mut player = Player::new(
            &driver,
            PlayerOptions {
                unit_id: 1,
                transport,
            },
        );
        for reading in 0..readings {
            let shown = record::Quantity::read(&format!("{}.5 °C", reading * 7));
            let value = shown.map(|quantity| record::Answer::Good(record::Value::Quantity(quantity)));
            let set = value.map(|value| player.set(&format!("value_{reading}"), value));
            if !matches!(set, Some(Ok(()))) {
                return Err(super::not_measured(
                    "the instrument that was made for it cannot be set",
                ));
            }
        }
        let question = talk.questions().first().map(|question| question.id);
        let question = question.ok_or_else(|| super::not_measured("nothing is asked"))?;
        let answer = player.hear(&talk.ask(question));
        Ok(Self {
            talk,
            question,
            answer,
            is,
            readings: u64::from(readings),
            registers: u64::from(readings * width),
        })
    }

    /// Asks and hears again and again; every reading must be a good value.
    fn measured(mut self, length: Duration) -> Result<Figure, Trouble> {
        let clock = SystemClock::new();
        let (begun, before) = (clock.elapsed(), clock::on_the_core());
        let mut readings = 0;
        loop {
            for _ in 0..100 {
                let number = self.talk.ask(self.question);
                self.answer[..2].copy_from_slice(&number[..2]);
                let heard = self.talk.hear(&self.answer);
                let answers = heard.iter().flat_map(|heard| &heard.answers);
                let good = answers
                    .filter(|(_, answer)| answer.quality() == record::Quality::Good)
                    .count();
                if good as u64 != self.readings {
                    return Err(super::not_measured("an answer was not understood"));
                }
                readings += self.readings;
            }
            let took = clock.elapsed().saturating_sub(begun);
            if took >= length {
                let on_the_core = clock::on_the_core().saturating_sub(before);
                return Ok(self.figure(readings, took, on_the_core));
            }
        }
    }

    fn figure(&self, readings: u64, took: Duration, on_the_core: Duration) -> Figure {
        let registers = readings * self.registers / self.readings;
        let share = on_the_core.as_secs_f64() / took.as_secs_f64().max(1e-9);
        Figure {
            name: "decode",
            value: per_second(registers, took),
            unit: "registers/s",
            target: Some(2_000_000.0),
            at_most: false,
            said: format!(
                "{} of {} in one answer, {} readings/s, on one core that was ours {:.0} % of the time ({} registers/s of that)",
                self.readings,
                self.is,
                grouped(per_second(readings, took)),
                share * 100.0,
                grouped(per_second(registers, on_the_core))
            ),
            conditions: vec![
                ("readings", readings as f64),
                ("readings_per_answer", self.readings as f64),
                ("readings_per_second", per_second(readings, took)),
                ("share_of_the_core", share),
                ("per_second_of_the_core", per_second(registers, on_the_core)),
                ("seconds", took.as_secs_f64()),
            ],
        }
    }
}
