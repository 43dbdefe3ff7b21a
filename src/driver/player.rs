//! Plays the instrument a driver describes: the demo, the tests and `steelyard simulate` stand on it. It
//! never says what its own driver would understand otherwise: each answer is read back before it is taken.

use crate::{
    command::{Carried, Command, Does, Proof},
    conversation::{Transport, answered, answers_of, fields_in, fields_of, matching},
    driver::{Ask, Driver, Modbus, Read, ReadRole, Sample, Speaks, Text, TextAnswer, Then},
    frame::Cut,
    meaning::{Doubt, Field, Fields, Making},
    merge::merged,
    modbus::{self, Request, Table, exception_code},
    pattern::{Kind, Pattern, Slot},
    registers::{decode, encode},
};
use record::{Answer, Quality};
use std::{collections::BTreeMap, sync::Arc};

/// What belongs to the place where an instrument is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayerOptions {
    /// Modbus unit id.
    pub unit_id: u8,
    /// How the bytes travel.
    pub transport: Transport,
}

/// Plays one instrument.
///
/// ```
/// use driver::*;
/// let (file, text) = builtin().iter().find(|(file, _)| *file == "mt-sics-balance.toml").unwrap();
/// let balance = Driver::parse(text, file).unwrap();
/// let mut player = Player::new(&balance, PlayerOptions { unit_id: 1, transport: Transport::Serial });
/// let weight = record::Answer::Good(record::Value::Quantity(record::Quantity::read("12.50 g").unwrap()));
/// player.set("weight", weight).unwrap();
/// assert_eq!(player.hear(b"SI\r\n"), b"S S      12.50 g\r\n");
/// player.set_state("overload").unwrap();
/// assert_eq!(player.hear(b"SI\r\n"), b"S +\r\n");
/// ```
#[derive(Debug, Clone)]
pub struct Player {
    played: Played,
    unit: u8,
    transport: Transport,
    mood: Mood,
    buffer: Vec<u8>,
    commanded: Vec<String>,
}

#[derive(Debug, Clone)]
enum Played {
    Text(Box<PlayedText>),
    Modbus(Box<PlayedModbus>),
}

/// How it behaves apart from its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Silent,
    Garbled,
    Refusing(u8),
}

impl Player {
    /// An instrument in the state of the driver's first good sample.
    pub fn new(driver: &Driver, options: PlayerOptions) -> Self {
        let played = match &driver.speaks {
            Speaks::Text(text) => Played::Text(Box::new(PlayedText::new(driver, text))),
            Speaks::Modbus(modbus) => Played::Modbus(Box::new(PlayedModbus::new(driver, modbus))),
            // nodes are played as values, not as bytes
            Speaks::Nodes(_) => Played::Text(Box::new(PlayedText::new(driver, &Arc::new(Text::nothing())))),
        };
        Self {
            played,
            unit: options.unit_id,
            transport: options.transport,
            mood: Mood::Well,
            buffer: Vec::new(),
            commanded: Vec::new(),
        }
    }

    /// From now on it answers this. `Err` says why an instrument of this kind never would; nothing changes then.
    pub fn set(&mut self, measure: &str, answer: Answer) -> Result<(), String> {
        match &mut self.played {
            Played::Text(text) => text.set(measure, answer),
            Played::Modbus(modbus) => modbus.set(measure, answer),
        }
    }

    /// Puts it into a state by its reason: `good`, `silent`, `garbled`, `refused, busy`, or any `because` of its
    /// driver, for every measure that can have it.
    pub fn set_state(&mut self, because: &str) -> Result<(), String> {
        self.mood = match because {
            "good" => Mood::Well,
            "silent" => Mood::Silent,
            "garbled" => Mood::Garbled,
            other => match other.strip_prefix("refused, ").and_then(exception_code) {
                Some(code) if matches!(self.played, Played::Modbus(_)) => Mood::Refusing(code),
                _ => return self.set_all(because),
            },
        };
        Ok(())
    }

    fn set_all(&mut self, because: &str) -> Result<(), String> {
        let measures = match &self.played {
            Played::Text(text) => text
                .text
                .asks
                .iter()
                .flat_map(|ask| &ask.measures)
                .map(|m| m.name.clone())
                .collect(),
            Played::Modbus(modbus) => modbus.measures(),
        };
        let mut any = false;
        for measure in measures {
            any |= self.set(&measure, Answer::Bad(because.to_owned())).is_ok();
        }
        if any {
            Ok(())
        } else {
            Err(format!("nothing in this driver is ever bad because {because:?}"))
        }
    }

    /// Its serial number from now on.
    pub fn set_identity(&mut self, serial_number: &str) {
        match &mut self.played {
            Played::Text(text) => serial_number.clone_into(&mut text.identity),
            Played::Modbus(modbus) => modbus.set_identity(serial_number),
        }
    }

    /// What it answers to these bytes, together with those before.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut replies = Vec::new();
        for byte in bytes {
            self.buffer.push(*byte);
            let reply = match &mut self.played {
                Played::Text(text) => text.reply(&mut self.buffer, &mut self.commanded),
                Played::Modbus(modbus) => {
                    let at = (self.unit, self.transport, self.mood);
                    modbus.reply(&mut self.buffer, at, &mut self.commanded)
                }
            };
            let Some(mut reply) = reply else { continue };
            match self.mood {
                Mood::Silent => reply.clear(),
                Mood::Garbled => damage(&mut reply, self.transport),
                Mood::Well | Mood::Refusing(_) => {}
            }
            replies.append(&mut reply);
        }
        replies
    }

    /// The commands it was given since this was asked last, by name. What they do to its values is for whoever
    /// plays it to decide.
    pub fn take_commands(&mut self) -> Vec<String> {
        std::mem::take(&mut self.commanded)
    }

    /// One frame of an instrument that talks by itself, or at the press of its print key; empty for others.
    pub fn speak(&mut self) -> Vec<u8> {
        let Played::Text(text) = &self.played else {
            return Vec::new();
        };
        let mut said = text.speak();
        match self.mood {
            Mood::Silent => said.clear(),
            Mood::Garbled => damage(&mut said, self.transport),
            Mood::Well | Mood::Refusing(_) => {}
        }
        said
    }
}

/// One flipped bit, where it hurts.
fn damage(reply: &mut [u8], transport: Transport) {
    let at = if transport == Transport::ModbusTcp {
        2
    } else {
        reply.len() / 2
    };
    if let Some(byte) = reply.get_mut(at) {
        *byte ^= 0x10;
    }
}

// ---------------------------------------------------------------- characters

#[derive(Debug, Clone)]
struct PlayedText {
    text: Arc<Text>,
    /// The content of its next frame, for each question.
    lines: Vec<Vec<u8>>,
    /// For each question and each of its answers a line from a sample, to copy widths and columns from.
    models: Vec<Vec<Option<Vec<u8>>>>,
    identity: String,
    /// What it says when it has done a command.
    done: Vec<Vec<u8>>,
    /// For each question, whether it talks by itself already.
    talking: Vec<bool>,
}

impl PlayedText {
    fn new(driver: &Driver, text: &Arc<Text>) -> Self {
        let frames: Vec<Vec<u8>> = driver
            .samples
            .iter()
            .flat_map(|sample| contents(text, sample))
            .collect();
        let model = |ask: &Ask, answer: &TextAnswer| {
            let fits = |line: &&Vec<u8>| {
                matching(ask, line)
                    .iter()
                    .any(|(other, _)| other.span == answer.span)
            };
            frames.iter().find(fits).cloned()
        };
        let models: Vec<Vec<_>> = text
            .asks
            .iter()
            .map(|ask| ask.answers.iter().map(|answer| model(ask, answer)).collect())
            .collect();
        let good = |ask: &Ask| {
            let all_good = |line: &&Vec<u8>| {
                answered(ask, line).is_some_and(|(then, answers)| {
                    then != Then::MoreFollows
                        && answers
                            .iter()
                            .all(|(_, answer)| answer.quality() == Quality::Good)
                })
            };
            let any_value = |line: &&Vec<u8>| {
                answered(ask, line)
                    .is_some_and(|(_, answers)| answers.iter().all(|(_, answer)| answer.value().is_some()))
            };
            let first = frames
                .iter()
                .find(all_good)
                .or_else(|| frames.iter().find(any_value));
            first.cloned().unwrap_or_default()
        };
        let lines = text.asks.iter().map(good).collect();
        let identity = driver
            .samples
            .iter()
            .flat_map(|sample| &sample.gives)
            .find(|(name, _)| name == "serial_number")
            .and_then(|(_, words)| words.first().cloned())
            .unwrap_or_else(|| "1000001".to_owned());
        let done = text.commands.iter().map(|command| carried_out(command, &frames));
        Self {
            text: text.clone(),
            lines,
            models,
            identity,
            done: done.collect(),
            talking: text.asks.iter().map(|ask| ask.start.is_none()).collect(),
        }
    }

    fn set(&mut self, measure: &str, answer: Answer) -> Result<(), String> {
        let at = self
            .text
            .asks
            .iter()
            .position(|ask| ask.measures.iter().any(|known| known.name == measure));
        let at = at.ok_or_else(|| format!("there is no measure {measure:?}"))?;
        let ask = &self.text.asks[at];
        let mut others: BTreeMap<String, Answer> = answered(ask, &self.lines[at])
            .map(|(_, answers)| answers.into_iter().collect())
            .unwrap_or_default();
        others.insert(measure.to_owned(), answer.clone());
        // what else its answers carry stays as it is, unless the two cannot be said at once
        let alone = BTreeMap::from([(measure.to_owned(), answer.clone())]);
        let line = [others, alone]
            .iter()
            .find_map(|wanted| self.line_saying(at, wanted));
        self.lines[at] = line.ok_or_else(|| format!("this instrument never says {measure} is {answer}"))?;
        Ok(())
    }

    /// A line that its own driver reads as all of this.
    fn line_saying(&self, at: usize, wanted: &BTreeMap<String, Answer>) -> Option<Vec<u8>> {
        let ask = &self.text.asks[at];
        ask.answers
            .iter()
            .zip(&self.models[at])
            .find_map(|(kind, model)| {
                let line = line_for(ask, kind, model.as_deref(), wanted)?;
                let (then, said) = answered(ask, &line)?;
                let says = |(name, answer)| said.iter().any(|(known, said)| known == name && said == answer);
                (then != Then::MoreFollows && wanted.iter().all(says)).then_some(line)
            })
    }

    fn reply(&mut self, buffer: &mut Vec<u8>, commanded: &mut Vec<String>) -> Option<Vec<u8>> {
        let text = self.text.clone();
        let framing = &text.framing;
        for (at, command) in text.commands.iter().enumerate() {
            let Does::Sends { send, .. } = &command.does else {
                continue;
            };
            if buffer.ends_with(&[send.as_slice(), &framing.sends_with].concat()) {
                buffer.clear();
                commanded.push(command.name.clone());
                return Some(framing.wrap(&self.done[at]));
            }
        }
        for (at, ask) in text.asks.iter().enumerate() {
            let Some(start) = &ask.start else { continue };
            if buffer.ends_with(&[start.send.as_slice(), &framing.sends_with].concat()) {
                buffer.clear();
                self.talking[at] = true;
                return None;
            }
        }
        for (at, ask) in self.text.asks.iter().enumerate() {
            let Some(send) = &ask.send else { continue };
            if buffer.ends_with(&[send.as_slice(), &framing.sends_with].concat()) {
                buffer.clear();
                return Some(self.answer(at));
            }
        }
        if let Some(identity) = &self.text.identity
            && buffer.ends_with(&[identity.send.as_slice(), &framing.sends_with].concat())
        {
            buffer.clear();
            return Some(framing.wrap(&self.identified(&identity.reads)));
        }
        let whole = !framing.sends_with.is_empty() && buffer.ends_with(&framing.sends_with);
        if whole || buffer.len() > 256 {
            buffer.clear();
            return whole.then(|| self.refusal()).flatten();
        }
        None
    }

    fn identified(&self, reads: &Pattern) -> Vec<u8> {
        reads.render(|slot| {
            if slot.name == "serial_number" {
                self.identity.clone().into_bytes()
            } else {
                b"0".to_vec()
            }
        })
    }

    fn answer(&self, at: usize) -> Vec<u8> {
        let ask = &self.text.asks[at];
        let mut bytes = Vec::new();
        if let Some(first) = ask.answers.iter().find(|answer| answer.then == Then::MoreFollows) {
            bytes = self.text.framing.wrap(
                &first
                    .reads
                    .render(|slot| vec![b' '; slot.width.map_or(1, |(least, _)| least)]),
            );
        }
        bytes.extend(self.text.framing.wrap(&self.lines[at]));
        bytes
    }

    /// What it says to a question it does not know.
    fn refusal(&self) -> Option<Vec<u8>> {
        let refused =
            |answer: &&TextAnswer| matches!(&answer.then, Then::Bad(because) if because == "command refused");
        let answer = self.text.asks.iter().flat_map(|ask| &ask.answers).find(refused)?;
        Some(self.text.framing.wrap(&answer.reads.render(|_| b" ".to_vec())))
    }

    fn speak(&self) -> Vec<u8> {
        let by_itself = self
            .text
            .asks
            .iter()
            .zip(&self.lines)
            .zip(&self.talking)
            .filter(|((ask, _), talking)| ask.send.is_none() && **talking);
        by_itself
            .flat_map(|((_, line), _)| self.text.framing.wrap(line))
            .collect()
    }
}

/// A line that says that a command has been carried out, as a sample shows it.
fn carried_out(command: &Command, frames: &[Vec<u8>]) -> Vec<u8> {
    let Does::Sends { answers, .. } = &command.does else {
        return Vec::new();
    };
    let Some(answer) = answers.iter().find(|answer| answer.then == Carried::Out) else {
        return Vec::new();
    };
    let plain = crate::pattern::Digits::default();
    let shown = frames
        .iter()
        .find(|line| answer.reads.matches(line, &[], &plain).is_some());
    shown.cloned().unwrap_or_else(|| {
        answer
            .reads
            .render(|slot| vec![b' '; slot.width.map_or(1, |(least, _)| least)])
    })
}

/// The frames in what a sample heard.
pub(crate) fn contents(text: &Text, sample: &Sample) -> Vec<Vec<u8>> {
    let mut cutter = crate::frame::Cutter::default();
    let mut cuts = Vec::new();
    let mut hears = vec![(sample.hear.as_slice(), sample.pauses.as_slice())];
    hears.extend(
        sample
            .then
            .iter()
            .map(|(_, hear)| (hear.as_slice(), &[] as &[usize])),
    );
    for (bytes, pauses) in hears {
        for (at, byte) in bytes.iter().enumerate() {
            if pauses.contains(&at) {
                cutter.quiet(&text.framing, &mut cuts);
            }
            cutter.push(&text.framing, *byte, &mut cuts);
        }
        cutter.quiet(&text.framing, &mut cuts);
    }
    cuts.into_iter()
        .filter_map(|cut| match cut {
            Cut::Frame { content, .. } => Some(content),
            _ => None,
        })
        .collect()
}

/// A line of this kind that says what is wanted, as far as this kind can.
fn line_for(
    ask: &Ask,
    kind: &TextAnswer,
    model: Option<&[u8]>,
    wanted: &BTreeMap<String, Answer>,
) -> Option<Vec<u8>> {
    let found = model.and_then(|line| {
        Some((
            line,
            kind.reads
                .matches(line, &ask.units, &ask.measures[0].making.digits)?,
        ))
    });
    let mut fields = found
        .as_ref()
        .map(|(line, found)| fields_in(ask, kind, found, line))
        .unwrap_or_default();
    if let Then::Bad(template) = &kind.then {
        let because = wanted.values().find_map(|answer| match answer {
            Answer::Bad(because) => reasons(template, because),
            _ => None,
        })?;
        for (name, text) in because {
            fields.put(&name, Field::Text(text));
        }
    } else {
        ask.doubts
            .iter()
            .for_each(|doubt| doubt.when.make(&mut fields, false));
        for measure in &ask.measures {
            if let Some(value) = wanted.get(&measure.name).and_then(Answer::value) {
                measure.making.unmake(value, None, &mut fields).ok()?;
            }
        }
        for (measure, answer) in wanted {
            doubt_for(measure, answer, &ask.doubts, &mut fields);
        }
    }
    let mut model_slots = found
        .into_iter()
        .flat_map(|(line, found)| found.into_iter().map(move |(_, place)| line[place].to_vec()));
    Some(kind.reads.render(|slot| {
        let model = model_slots.next();
        let text = match fields.get(ask.fields_of(slot)) {
            Some(Field::Text(text)) if slot.name != "_" => text.clone(),
            _ => model.clone().unwrap_or_default(),
        };
        fitted(slot, text, model.as_deref(), &ask.measures[0].making)
    }))
}

/// The fields of `error {code}` that make it this reason.
fn reasons(template: &str, because: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let pattern = Pattern::parse(template, |_| Kind::Any).ok()?;
    let found = pattern.matches(because.as_bytes(), &[], &crate::pattern::Digits::default())?;
    Some(
        found
            .into_iter()
            .map(|(name, place)| (name, because.as_bytes()[place].to_vec()))
            .collect(),
    )
}

/// Makes the doubt true that gives this answer.
fn doubt_for(measure: &str, answer: &Answer, doubts: &[Doubt], fields: &mut Fields) {
    let Some(because) = answer.because() else { return };
    let about =
        |doubt: &&Doubt| doubt.about.iter().any(|name| name == measure) && doubt.quality == answer.quality();
    if let Some(doubt) = doubts
        .iter()
        .filter(about)
        .find(|doubt| reasons(&doubt.because, because).is_some())
    {
        for (name, text) in reasons(&doubt.because, because).unwrap_or_default() {
            let number = std::str::from_utf8(&text).ok().and_then(crate::meaning::whole);
            fields.put(&name, number.map_or(Field::Text(text), Field::Count));
        }
        doubt.when.make(fields, true);
    }
}

/// Text in its column, padded as in the model line.
fn fitted(slot: &Slot, text: Vec<u8>, model: Option<&[u8]>, making: &Making) -> Vec<u8> {
    let width = match (slot.width, model) {
        (_, Some(model)) => model.len(),
        (Some((least, _)), None) => least,
        (None, None) if slot.kind == Kind::Number => 10,
        (None, None) => text.len(),
    };
    let missing = width.saturating_sub(text.len());
    if slot.kind != Kind::Number {
        let right = model.is_some_and(|model| model.starts_with(b" ") && slot.kind == Kind::Unit);
        let pad = vec![b' '; if slot.width.is_some() { missing } else { 0 }];
        return if right {
            [pad, text].concat()
        } else {
            [text, pad].concat()
        };
    }
    let shown: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'.' { making.digits.mark } else { *byte })
        .collect();
    let signed =
        model.is_some_and(|model| matches!(model.first(), Some(b'+' | b'-')) && slot.width.is_some());
    let pad = if making.digits.zero_padded { b'0' } else { b' ' };
    if signed || (making.digits.zero_padded && shown.starts_with(b"-")) {
        let (sign, digits) = match shown.split_first() {
            Some((b'-', digits)) => (b'-', digits.to_vec()),
            Some((b'+', digits)) => (b'+', digits.to_vec()),
            _ => (b'+', shown.clone()),
        };
        let missing = width.saturating_sub(digits.len() + 1);
        return [vec![sign], vec![pad; missing], digits].concat();
    }
    [vec![pad; missing], shown].concat()
}

// ---------------------------------------------------------------- registers

#[derive(Debug, Clone)]
struct PlayedModbus {
    modbus: Arc<Modbus>,
    image: BTreeMap<(u8, u16), u16>,
}

impl PlayedModbus {
    fn new(driver: &Driver, modbus: &Arc<Modbus>) -> Self {
        let mut played = Self {
            modbus: modbus.clone(),
            image: BTreeMap::new(),
        };
        for read in &modbus.reads {
            for register in 0..read.count {
                played
                    .image
                    .entry((read.table.function(), read.first.wrapping_add(register)))
                    .or_insert(0);
            }
            if let Some(values) = first_good(driver, read) {
                played.store(read, &values);
            }
        }
        for command in &modbus.commands {
            let Does::Writes {
                proof: Some(proof), ..
            } = &command.does
            else {
                continue;
            };
            for register in 0..proof.count {
                let place = (proof.table.function(), proof.first.wrapping_add(register));
                played.image.entry(place).or_insert(0);
            }
        }
        // who may be asked over a hole has something there
        for merged in merged(modbus) {
            for register in 0..merged.count {
                let at = (merged.table.function(), merged.first.wrapping_add(register));
                played.image.entry(at).or_insert(0);
            }
        }
        played
    }

    fn measures(&self) -> Vec<String> {
        self.modbus
            .reads
            .iter()
            .flat_map(|read| &read.measures)
            .map(|measure| measure.name.clone())
            .collect()
    }

    fn store(&mut self, read: &Read, values: &[u8]) {
        for register in 0..read.count {
            let at = usize::from(register);
            let word = if read.table.is_bits() {
                values.get(at / 8).map(|byte| u16::from(byte >> (at % 8) & 1))
            } else {
                values
                    .get(at * 2..at * 2 + 2)
                    .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            };
            if let Some(word) = word {
                self.image
                    .insert((read.table.function(), read.first.wrapping_add(register)), word);
            }
        }
    }

    /// The bytes an answer would carry; `None` where a register is not there.
    fn values(&self, request: Request) -> Option<Vec<u8>> {
        let words = (0..request.count).map(|register| {
            self.image
                .get(&(request.table.function(), request.first.checked_add(register)?))
                .copied()
        });
        let words: Vec<u16> = words.collect::<Option<_>>()?;
        if !request.table.is_bits() {
            return Some(words.iter().flat_map(|word| word.to_be_bytes()).collect());
        }
        let mut bytes = vec![0_u8; words.len().div_ceil(8)];
        words
            .iter()
            .enumerate()
            .for_each(|(at, bit)| bytes[at / 8] |= (*bit as u8 & 1) << (at % 8));
        Some(bytes)
    }

    fn request(read: &Read) -> Request {
        Request {
            unit: 0,
            table: read.table,
            first: read.first,
            count: read.count,
        }
    }

    /// Everything in the registers, and what is set by the settings.
    fn fields(&self) -> Fields {
        let mut settings_first: Vec<&Read> = self.modbus.reads.iter().collect();
        settings_first.sort_by_key(|read| read.role != ReadRole::Settings);
        settings_first
            .into_iter()
            .fold(Fields::default(), |fields, read| {
                fields_of(
                    read,
                    &self.values(Self::request(read)).unwrap_or_default(),
                    &fields,
                )
            })
    }

    fn said(&self, read: &Read) -> Vec<(String, Answer)> {
        answers_of(read, &self.fields())
    }

    fn set(&mut self, measure: &str, answer: Answer) -> Result<(), String> {
        let modbus = self.modbus.clone();
        let read = modbus
            .reads
            .iter()
            .find(|read| read.measures.iter().any(|known| known.name == measure));
        let read = read.ok_or_else(|| format!("there is no measure {measure:?}"))?;
        let before = self.fields();
        let mut fields = before.clone();
        for doubt in read
            .doubts
            .iter()
            .filter(|doubt| doubt.about.iter().any(|about| about == measure))
        {
            doubt.when.make(&mut fields, false);
        }
        let making = &read
            .measures
            .iter()
            .find(|known| known.name == measure)
            .ok_or("no such measure")?
            .making;
        let is = read
            .points
            .iter()
            .find(|point| point.name == measure)
            .map(|point| point.is);
        if let Some(value) = answer.value() {
            making.unmake(value, is, &mut fields)?;
        }
        doubt_for(measure, &answer, &read.doubts, &mut fields);
        let old = self.image.clone();
        let written = modbus
            .reads
            .iter()
            .all(|read| self.write_changed(read, &before, &fields).is_some());
        if !written {
            self.image = old;
            return Err(format!("{answer} does not fit its register"));
        }
        if self
            .said(read)
            .iter()
            .any(|(name, said)| name == measure && *said == answer)
        {
            return Ok(());
        }
        self.image = old;
        Err(format!("this instrument never says {measure} is {answer}"))
    }

    fn write_changed(&mut self, read: &Read, before: &Fields, after: &Fields) -> Option<()> {
        for point in &read.points {
            let (Some(field), old) = (after.get(&point.name), before.get(&point.name)) else {
                continue;
            };
            if Some(field) == old {
                continue;
            }
            let function = read.table.function();
            let first = read.first + point.at;
            if read.table.is_bits() {
                self.image
                    .insert((function, first), u16::from(*field != Field::Count(0)));
                continue;
            }
            let bytes = match (point.slice, field) {
                (Some(slice), Field::Count(count)) => {
                    let wire = self.values(Request {
                        first,
                        count: point.is.width(),
                        ..Self::request(read)
                    })?;
                    let Field::Count(whole) = decode(point.is, point.order, &wire)? else {
                        return None;
                    };
                    encode(point.is, point.order, &Field::Count(slice.put(whole, *count)?))?
                }
                _ => encode(point.is, point.order, field)?,
            };
            for (at, pair) in bytes.chunks_exact(2).enumerate() {
                self.image.insert(
                    (function, first + at as u16),
                    u16::from_be_bytes([pair[0], pair[1]]),
                );
            }
        }
        Some(())
    }

    fn set_identity(&mut self, serial_number: &str) {
        let modbus = self.modbus.clone();
        let before = self.fields();
        let mut after = before.clone();
        let field = match before.get("serial_number") {
            Some(Field::Count(_)) => Field::Count(serial_number.parse().unwrap_or_default()),
            _ => Field::Text(serial_number.as_bytes().to_vec()),
        };
        after.put("serial_number", field);
        for read in modbus.reads.iter().filter(|read| read.role == ReadRole::Identity) {
            let _ = self.write_changed(read, &before, &after);
        }
    }

    fn reply(
        &mut self,
        buffer: &mut Vec<u8>,
        (unit, transport, mood): (u8, Transport, Mood),
        commanded: &mut Vec<String>,
    ) -> Option<Vec<u8>> {
        if transport == Transport::ModbusTcp {
            return match modbus::head(buffer) {
                modbus::Head::Partial => None,
                modbus::Head::Lost => {
                    buffer.clear();
                    None
                }
                modbus::Head::Frame { transaction, length } => {
                    let frame: Vec<u8> = buffer.drain(..length).collect();
                    let body = &frame[6..];
                    (body[0] == unit).then(|| modbus::wrapped(transaction, &self.body(body, mood, commanded)))
                }
            };
        }
        let writes = self
            .modbus
            .commands
            .iter()
            .filter_map(|command| match &command.does {
                Does::Writes { writing, .. } => Some(writing.body(unit).len() + 2),
                Does::Sends { .. } => None,
            });
        let body = std::iter::once(8).chain(writes).find_map(|length| {
            let start = buffer.len().checked_sub(length)?;
            modbus::unsealed(&buffer[start..]).filter(|body| body[0] == unit)
        })?;
        let body = body.to_vec();
        let reply = modbus::sealed(&self.body(&body, mood, commanded));
        buffer.clear();
        Some(reply)
    }

    /// What it does when something is written: only what its driver says it can be told.
    fn told(&mut self, writing: &modbus::Writing) -> Option<String> {
        let modbus = self.modbus.clone();
        let known = |command: &&Command| matches!(&command.does, Does::Writes { writing: known, .. } if known == writing);
        let at = modbus.commands.iter().position(|command| known(&command))?;
        let command = &modbus.commands[at];
        for (value, place) in writing.values.iter().zip(writing.first..) {
            self.image.insert((writing.table.function(), place), *value);
        }
        let before = self.fields();
        let mut after = before.clone();
        let opened = modbus.reads.iter().filter_map(|read| read.window.as_ref());
        for when in opened
            .filter(|window| window.after == at)
            .filter_map(|window| window.ready_when.as_ref())
        {
            when.make(&mut after, true);
        }
        for read in &modbus.reads {
            self.write_changed(read, &before, &after);
        }
        if let Does::Writes {
            proof: Some(proof), ..
        } = &command.does
        {
            self.prove(proof);
        }
        Some(command.name.clone())
    }

    /// Its registers say that the command has been carried out.
    fn prove(&mut self, proof: &Proof) {
        let read = Read {
            role: ReadRole::Values,
            table: proof.table,
            first: proof.first,
            count: proof.count,
            window: None,
            alone: true,
            at_most_every: proof.within,
            points: proof.points.clone(),
            measures: Vec::new(),
            doubts: Vec::new(),
            span: 0..0,
        };
        let values = self.values(Self::request(&read)).unwrap_or_default();
        let before = fields_of(&read, &values, &Fields::default());
        let mut after = before.clone();
        for (when, _) in &proof.refused {
            when.make(&mut after, false);
        }
        proof.done_when.make(&mut after, true);
        self.write_changed(&read, &before, &after);
    }

    fn body(&mut self, asked: &[u8], mood: Mood, commanded: &mut Vec<String>) -> Vec<u8> {
        let (unit, function) = (asked[0], asked.get(1).copied().unwrap_or_default());
        let refused = |code| vec![unit, function | 0x80, code];
        if let Mood::Refusing(code) = mood {
            return refused(code);
        }
        if let Some(writing) = modbus::Writing::read(asked) {
            let Some(name) = self.told(&writing) else {
                return refused(2);
            };
            commanded.push(name);
            return writing.answer(unit).to_vec();
        }
        if Table::of_function(function).is_none() {
            return refused(1);
        }
        let Some(request) = Request::read(asked) else {
            return refused(3);
        };
        if request.count == 0 || request.count > request.table.most() {
            return refused(3);
        }
        match self.values(request) {
            None => refused(2),
            Some(values) => [vec![unit, function, values.len() as u8], values].concat(),
        }
    }
}

/// The values of the first sample of this read that is good throughout; else of any that has values.
fn first_good(driver: &Driver, read: &Read) -> Option<Vec<u8>> {
    let of_this = |send: &[u8], hear: &[u8]| {
        let asked = Request::read(modbus::unsealed(send)?)?;
        let same = asked.table == read.table && asked.first == read.first && asked.count == read.count;
        match asked.understand(modbus::unsealed(hear)?) {
            modbus::Reply::Values(values) if same => Some(values),
            _ => None,
        }
    };
    let before = driver
        .samples
        .iter()
        .flat_map(|sample| &sample.before)
        .find_map(|(send, hear)| of_this(send, hear));
    let exchanges = |sample: &Sample| -> Option<Vec<u8>> {
        let first = of_this(&sample.send, &sample.hear);
        // of a window that opens late, the last answer counts
        let then = sample.then.iter().rev();
        first.or_else(|| then.clone().find_map(|(send, hear)| of_this(send, hear)))
    };
    let good = driver
        .samples
        .iter()
        .filter(|sample| {
            sample
                .gives
                .iter()
                .flat_map(|(_, words)| words)
                .all(|words| !words.contains("bad: ") && !words.contains("uncertain: "))
        })
        .find_map(exchanges);
    before
        .or(good)
        .or_else(|| driver.samples.iter().find_map(exchanges))
}
