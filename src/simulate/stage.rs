//! The instruments of one line: what they are asked, what they answer, and what is wrong with them.

use super::{
    Options,
    fault::{self, Fault, Form},
    motion::{Dice, Motion},
};
use driver::{Driver, Player, PlayerOptions, Transport};
use record::{Answer, Quantity, Value};
use std::time::Duration;

/// A value that moves by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Moving {
    pub measure: String,
    pub motion: Motion,
    /// Digits behind the point.
    pub decimals: usize,
    /// As shown: `°C`.
    pub unit: String,
    /// What the instrument says of a value that has not come to rest: `not settled`.
    pub unsettled: Option<String>,
}

impl Moving {
    pub(super) fn answer(&self, time: Duration, seed: u64) -> Option<Answer> {
        let now = self.motion.at(time, seed);
        let value = Value::Quantity(Quantity::read(&format!("{now:.*} {}", self.decimals, self.unit))?);
        let digit = 10_f64.powi(-(self.decimals as i32));
        let goal = match self.motion {
            Motion::Settle { to, .. } | Motion::Ramp { to, .. } => to,
            Motion::Steady(_) | Motion::Wave { .. } => now,
        };
        Some(match &self.unsettled {
            Some(because) if (now - goal).abs() > digit * 2.0 => Answer::Uncertain(value, because.clone()),
            _ => Answer::Good(value),
        })
    }
}

/// Reads an answer in the words of samples and screens.
pub fn answer(words: &str) -> Answer {
    if let Some(because) = words.strip_prefix("bad: ") {
        return Answer::Bad(because.to_owned());
    }
    let value =
        |text: &str| Quantity::read(text).map_or_else(|| Value::Text(text.to_owned()), Value::Quantity);
    match words.split_once(", uncertain: ") {
        Some((text, because)) => Answer::Uncertain(value(text), because.to_owned()),
        None => Answer::Good(value(words)),
    }
}

/// One instrument.
#[derive(Debug)]
pub(super) struct Actor {
    pub(super) player: Player,
    pub(super) fault: Option<Fault>,
    pub(super) asked: u64,
    pub(super) speaks_every: Duration,
    unit: u8,
    moving: Vec<(Moving, Duration)>,
    seed: u64,
    dice: Dice,
    before: Vec<u8>,
}

impl Actor {
    pub(super) fn new(driver: &Driver, options: &Options, transport: Transport, began: Duration) -> Self {
        let mut player = Player::new(
            driver,
            PlayerOptions {
                unit_id: options.unit_id,
                transport,
            },
        );
        if let Some(number) = &options.serial_number {
            player.set_identity(number);
        }
        Self {
            player,
            fault: None,
            asked: 0,
            speaks_every: options.speaks_every,
            unit: options.unit_id,
            moving: options
                .moving
                .iter()
                .map(|moving| (moving.clone(), began))
                .collect(),
            seed: options.seed,
            dice: Dice::new(options.seed),
            before: Vec::new(),
        }
    }

    pub(super) fn set(&mut self, measure: &str, words: &str) -> Result<(), String> {
        self.moving.retain(|(moving, _)| moving.measure != measure);
        self.player.set(measure, answer(words))
    }

    pub(super) fn moves(&mut self, moving: Moving, now: Duration) {
        self.moving.retain(|(known, _)| known.measure != moving.measure);
        self.moving.push((moving, now));
    }

    fn moved(&mut self, now: Duration) {
        for (place, (moving, began)) in self.moving.iter().enumerate() {
            let seed = self.seed.wrapping_add(place as u64);
            if let Some(answer) = moving.answer(now.saturating_sub(*began), seed) {
                // A value the instrument cannot show stays where it was, as its display would.
                let _ = self.player.set(&moving.measure, answer);
            }
        }
    }

    fn hear(&mut self, now: Duration, bytes: &[u8], form: Form) -> Vec<(Duration, Vec<u8>)> {
        self.moved(now);
        let reply = self.player.hear(bytes);
        if reply.is_empty() {
            return Vec::new();
        }
        self.asked += 1;
        self.spoil(reply, form)
    }

    fn speak(&mut self, now: Duration, form: Form) -> Vec<(Duration, Vec<u8>)> {
        self.moved(now);
        let said = self.player.speak();
        if said.is_empty() {
            Vec::new()
        } else {
            self.spoil(said, form)
        }
    }

    /// What becomes of an answer, each part so much later.
    fn spoil(&mut self, reply: Vec<u8>, form: Form) -> Vec<(Duration, Vec<u8>)> {
        let before = std::mem::replace(&mut self.before, reply.clone());
        let now = Duration::ZERO;
        match self.fault {
            None | Some(Fault::Unplugged) => vec![(now, reply)],
            Some(Fault::Silent) => Vec::new(),
            Some(Fault::Garbage) => vec![(now, fault::garbage(&reply, &mut self.dice))],
            Some(Fault::Split) => {
                let pieces = reply.chunks(3).zip(0..);
                pieces
                    .map(|(piece, place)| (PIECES_APART * place, piece.to_vec()))
                    .collect()
            }
            Some(Fault::Glued) => vec![(now, [reply, before].concat())],
            Some(Fault::Late(by)) => vec![(by, reply)],
            Some(Fault::WrongUnit) => vec![(now, fault::from_next_door(&reply, form))],
            Some(Fault::Exception(code)) => vec![(now, fault::refusal(&reply, form, code))],
        }
    }
}

/// Everybody on one line.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) actors: Vec<Actor>,
    form: Form,
}

impl Stage {
    pub(super) fn new(actors: Vec<Actor>, form: Form) -> Self {
        Self { actors, form }
    }

    /// What comes back, each part so much later. `heard` keeps what is not yet a whole question.
    pub(super) fn hear(&mut self, now: Duration, heard: &mut Vec<u8>) -> Vec<(Duration, Vec<u8>)> {
        let form = self.form;
        let mut replies = Vec::new();
        while let Some((unit, question)) = question(heard, form) {
            for actor in self
                .actors
                .iter_mut()
                .filter(|actor| unit.is_none_or(|unit| unit == actor.unit))
            {
                replies.extend(actor.hear(now, &question, form));
            }
        }
        replies
    }

    pub(super) fn speak(&mut self, now: Duration) -> Vec<(Duration, Vec<u8>)> {
        let form = self.form;
        self.actors
            .iter_mut()
            .flat_map(|actor| actor.speak(now, form))
            .collect()
    }

    pub(super) fn speaks_every(&self) -> Duration {
        self.actors
            .iter()
            .map(|actor| actor.speaks_every)
            .min()
            .unwrap_or(Duration::from_secs(1))
    }
}

/// Takes the next whole question, with the unit it is for.
fn question(heard: &mut Vec<u8>, form: Form) -> Option<(Option<u8>, Vec<u8>)> {
    match form {
        Form::Text if heard.is_empty() => None,
        Form::Text => Some((None, std::mem::take(heard))),
        Form::ModbusTcp => {
            let length = 6 + usize::from(u16::from_be_bytes([*heard.get(4)?, *heard.get(5)?]));
            if heard.len() < length {
                return None;
            }
            let question: Vec<u8> = heard.drain(..length).collect();
            Some((question.get(6).copied(), question))
        }
        Form::ModbusRtu => {
            let whole = |end: &usize| {
                let (body, sum) = heard[end - 8..*end].split_at(6);
                driver::crc16(body).to_le_bytes() == sum
            };
            let Some(end) = (8..=heard.len()).find(whole) else {
                let keep = heard.len().saturating_sub(256);
                heard.drain(..keep);
                return None;
            };
            let question = heard[end - 8..end].to_vec();
            heard.drain(..end);
            Some((question.first().copied(), question))
        }
    }
}

/// Between the pieces of a split answer.
const PIECES_APART: Duration = Duration::from_millis(5);
