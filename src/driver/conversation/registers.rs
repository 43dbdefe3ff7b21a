//! Registers: which frame answers the question, on TCP and on RTU, and what it says.

use super::{
    Asked, Conversation, Heard, HeardAs, Pending, Stage,
    fields::{answers_of, fields_at, fields_of, identity_of, says_of},
};
use crate::{
    command::Does,
    driver::{Modbus, Read, ReadRole},
    meaning::Fields,
    modbus::{self, Head, Reply, Wire, exception_word},
};
use record::Failure;

impl Conversation {
    pub(super) fn tcp(&mut self, modbus: &Modbus) -> Option<Heard> {
        if !self.trusted {
            self.buffer.clear();
            return None;
        }
        let (transaction, length) = match modbus::head(&self.buffer) {
            Head::Partial => return None,
            Head::Lost => {
                self.trusted = false;
                let raw = std::mem::take(&mut self.buffer);
                return Some(match self.pending.take() {
                    Some(pending) => self.failed(pending, raw, Failure::Garbled, Failure::Garbled.word()),
                    None => Heard {
                        failure: Some(Failure::Garbled),
                        ..Heard::new(HeardAs::Noise, raw)
                    },
                });
            }
            Head::Frame { transaction, length } => (transaction, length),
        };
        let raw: Vec<u8> = self.buffer.drain(..length).collect();
        if let Some(pending) = self.pending.filter(|pending| pending.transaction == transaction) {
            self.pending = None;
            let body = raw[6..].to_vec();
            return Some(self.understood(modbus, pending, &body, raw));
        }
        if let Some(at) = self.given_up.iter().position(|old| *old == transaction) {
            self.given_up.remove(at);
            return Some(Heard::new(HeardAs::Late, raw));
        }
        Some(Heard {
            failure: Some(Failure::Unexpected),
            ..Heard::new(HeardAs::Unasked, raw)
        })
    }

    /// Looks after every byte whether a frame ends with it. Ours is found wherever it begins; a frame that is
    /// not ours is only seen from the beginning of what was heard.
    pub(super) fn rtu(&mut self, modbus: &Modbus, heard: &mut Vec<Heard>) {
        let ours = self.pending.and_then(|pending| Some((pending, pending.request?)));
        if ours.is_some_and(|(_, request)| under_way(&self.buffer, request)) {
            return;
        }
        if let Some((pending, request)) = ours {
            for length in [5, request.answer_bytes() + 2] {
                let Some(start) = self.buffer.len().checked_sub(length) else {
                    continue;
                };
                let frame = &self.buffer[start..];
                let shaped = if length == 5 {
                    frame.starts_with(&[request.unit(), request.function() | 0x80])
                } else {
                    request.begins(frame)
                };
                if !shaped {
                    continue;
                }
                let sound = modbus::unsealed(frame).is_some();
                if !sound && start > 0 {
                    continue;
                }
                let raw: Vec<u8> = self.buffer.drain(start..).collect();
                self.noise(heard);
                self.pending = None;
                heard.push(if sound {
                    let body = raw[..raw.len() - 2].to_vec();
                    self.understood(modbus, pending, &body, raw)
                } else {
                    self.failed(pending, raw, Failure::Garbled, Failure::Garbled.word())
                });
                return;
            }
        }
        if let Some(ours) = foreign(&self.buffer, ours.map(|(_, request)| request)) {
            let raw = std::mem::take(&mut self.buffer);
            heard.push(match (ours, self.pending) {
                (true, Some(pending)) => {
                    self.pending = None;
                    self.failed(pending, raw, Failure::Unexpected, Failure::Unexpected.word())
                }
                _ => Heard {
                    failure: Some(Failure::Unexpected),
                    ..Heard::new(HeardAs::Unasked, raw)
                },
            });
        } else if self.buffer.len() > 2 * LONGEST_RTU {
            let kept = self.buffer.split_off(LONGEST_RTU);
            self.noise(heard);
            self.buffer = kept;
        }
    }

    /// What lies in the buffer is no frame.
    fn noise(&mut self, heard: &mut Vec<Heard>) {
        if !self.buffer.is_empty() {
            let raw = std::mem::take(&mut self.buffer);
            heard.push(Heard {
                failure: Some(Failure::Garbled),
                ..Heard::new(HeardAs::Noise, raw)
            });
        }
    }

    fn understood(&mut self, modbus: &Modbus, pending: Pending, body: &[u8], raw: Vec<u8>) -> Heard {
        let Some(request) = pending.request else {
            return Heard {
                failure: Some(Failure::Unexpected),
                ..Heard::new(HeardAs::Unasked, raw)
            };
        };
        match request.understand(body) {
            Reply::Unexpected => self.failed(pending, raw, Failure::Unexpected, Failure::Unexpected.word()),
            Reply::Refused(code) => {
                let because = format!("refused, {}", exception_word(code));
                Heard {
                    refused: Some(code),
                    ..self.failed(pending, raw, Failure::Refused, &because)
                }
            }
            Reply::Written => self.goes_on(pending, raw),
            Reply::Values(values) => match (pending.stage, pending.asked) {
                (Stage::Proof(at), _) => self.proven(modbus, pending, at, &values, raw),
                (_, Asked::Read(at)) => self.read(modbus, pending, &[at], &values, raw),
                (_, Asked::Merged(at)) => {
                    let parts = self.merged[at].parts.clone();
                    self.read(modbus, pending, &parts, &values, raw)
                }
                _ => self.failed(pending, raw, Failure::Unexpected, Failure::Unexpected.word()),
            },
        }
    }

    fn read(
        &mut self,
        modbus: &Modbus,
        pending: Pending,
        parts: &[usize],
        values: &[u8],
        raw: Vec<u8>,
    ) -> Heard {
        let mut heard = Heard {
            question: Some(pending.id),
            ..Heard::new(HeardAs::Answer, Vec::new())
        };
        for part in parts {
            let read = &modbus.reads[*part];
            let values = match pending.asked {
                Asked::Merged(at) => self.merged[at].of(read, values),
                _ => values,
            };
            let fields = fields_of(read, values, &self.settings);
            let ready = read.window.as_ref().and_then(|window| window.ready_when.as_ref());
            if ready.is_some_and(|when| when.holds(&fields) != Some(true)) {
                return self.not_yet(pending, raw);
            }
            match read.role {
                ReadRole::Values => {}
                ReadRole::Settings => self.keep_settings(read, &fields),
                ReadRole::Identity => heard.identity = heard.identity.or_else(|| identity_of(read, &fields)),
            }
            if read.role != ReadRole::Values {
                heard.says.extend(says_of(read, &fields));
            }
            heard.answers.extend(answers_of(read, &fields));
        }
        heard.raw = raw;
        heard
    }

    /// The registers in which an instrument says what became of a command.
    fn proven(&mut self, modbus: &Modbus, pending: Pending, at: usize, values: &[u8], raw: Vec<u8>) -> Heard {
        let Does::Writes {
            proof: Some(proof), ..
        } = &modbus.commands[at].does
        else {
            return self.goes_on(pending, raw);
        };
        let fields = fields_at(proof.table, &proof.points, values, &Fields::default());
        if let Some(because) = proof.refusal(&fields) {
            return self.failed(pending, raw, Failure::Refused, because);
        }
        if proof.done_when.holds(&fields) == Some(true) {
            return self.goes_on(pending, raw);
        }
        self.not_yet(pending, raw)
    }

    fn keep_settings(&mut self, read: &Read, fields: &Fields) {
        for point in &read.points {
            if let Some(field) = fields.get(&point.name) {
                self.settings.put(&point.name, field.clone());
            }
        }
    }
}

const LONGEST_RTU: usize = 256;

/// Whether the awaited answer has begun and not ended. Its first bytes can by chance be a sound frame of
/// their own, and for that one value it would happen every time.
fn under_way(buffer: &[u8], ours: Wire) -> bool {
    ours.begins(buffer) && buffer.len() < ours.answer_bytes() + 2
}

/// A sound frame that is not the awaited answer; `Some(true)` when it comes from the unit and function asked.
fn foreign(buffer: &[u8], ours: Option<Wire>) -> Option<bool> {
    let [unit, function, third, ..] = buffer else {
        return None;
    };
    let answer = 5 + usize::from(*third);
    let shaped = match function {
        1..=4 => buffer.len() == 8 || buffer.len() == answer,
        5 | 6 | 15 | 16 => {
            buffer.len() == 8 || buffer.len() == 9 + buffer.get(6).map_or(256, |count| usize::from(*count))
        }
        0x81..=0x90 => buffer.len() == 5,
        _ => false,
    };
    if !shaped || modbus::unsealed(buffer).is_none() {
        return None;
    }
    Some(ours.is_some_and(|ours| {
        let wanted = if matches!(ours, Wire::Write(_)) { 8 } else { answer };
        ours.unit() == *unit && ours.function() == *function && buffer.len() == wanted
    }))
}
