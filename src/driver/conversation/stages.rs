//! What takes several exchanges: a command and its proof, a window that is opened before it is read.

use super::{Asked, Conversation, Heard, HeardAs, Pending, Spoken, Stage, Transport};
use crate::{
    command::{Does, Outcome},
    modbus::{Request, Wire, sealed, wrapped},
};
use record::Failure;
use std::time::Duration;

impl Conversation {
    /// What must be sent so that the answer can come, and how long after what was heard last. To be called after
    /// something was heard as [`HeardAs::MoreFollows`]; `None` when the answer comes by itself.
    pub fn go_on(&mut self) -> Option<(Vec<u8>, Duration)> {
        let after = self.next.take()?;
        let pending = self.pending.take()?;
        Some((self.sent(pending), after))
    }

    /// The bytes of a stage, and what is awaited from then on.
    pub(super) fn sent(&mut self, mut pending: Pending) -> Vec<u8> {
        let bytes = match (&self.speaks, pending.stage, pending.asked) {
            (Spoken::Text(text), stage, asked) => {
                let send = match (stage, asked) {
                    (Stage::Command(at), _) => match text.commands.get(at).map(|command| &command.does) {
                        Some(Does::Sends { send, .. }) => Some(send),
                        _ => None,
                    },
                    (_, Asked::Measure(at)) => text.asks[at].send.as_ref(),
                    (_, Asked::Start(at)) => text.asks[at].start.as_ref().map(|start| &start.send),
                    (_, Asked::Identity) => text.identity.as_ref().map(|identity| &identity.send),
                    _ => None,
                };
                let Some(send) = send else { return Vec::new() };
                [send.as_slice(), &text.framing.sends_with].concat()
            }
            (Spoken::Modbus(_), _, _) => {
                let Some((body, wire)) = self.written_or_read(pending) else {
                    return Vec::new();
                };
                pending.request = Some(wire);
                if self.transport == Transport::ModbusTcp {
                    self.transaction = self.transaction.wrapping_add(1);
                    pending.transaction = self.transaction;
                    self.given_up.retain(|old| *old != pending.transaction);
                    wrapped(pending.transaction, &body)
                } else {
                    // what lies here came before the question and can only be mistaken for its answer
                    self.buffer.clear();
                    sealed(&body)
                }
            }
        };
        // nothing answers a start: what comes afterwards comes by itself
        let awaited = !matches!(pending.asked, Asked::Start(_));
        self.pending = awaited.then_some(pending);
        bytes
    }

    /// The command that was just sent, where what was sent makes the instrument do something.
    pub fn writing(&self) -> Option<&str> {
        let Some(Stage::Command(at)) = self.pending.as_ref().map(|pending| pending.stage) else {
            return None;
        };
        let command = self.speaks.commands().get(at)?;
        Some(&command.name)
    }

    fn written_or_read(&self, pending: Pending) -> Option<(Vec<u8>, Wire)> {
        let Spoken::Modbus(modbus) = &self.speaks else {
            return None;
        };
        let request = |table, first, count| {
            let request = Request {
                unit: self.unit,
                table,
                first,
                count,
            };
            Some((request.pdu().to_vec(), Wire::Read(request)))
        };
        match (pending.stage, pending.asked) {
            (Stage::Command(at), _) => match &modbus.commands.get(at)?.does {
                Does::Writes { writing, .. } => {
                    Some((writing.body(self.unit), Wire::Write(writing.answer(self.unit))))
                }
                Does::Sends { .. } => None,
            },
            (Stage::Proof(at), _) => match &modbus.commands.get(at)?.does {
                Does::Writes {
                    proof: Some(proof), ..
                } => request(proof.table, proof.first, proof.count),
                _ => None,
            },
            (Stage::Question, Asked::Read(at)) => {
                let read = modbus.reads.get(at)?;
                request(read.table, read.first, read.count)
            }
            (Stage::Question, Asked::Merged(at)) => {
                let merged = self.merged.get(at)?;
                request(merged.table, merged.first, merged.count)
            }
            _ => None,
        }
    }

    /// A stage is over: the next one, or the end.
    pub(super) fn goes_on(&mut self, mut pending: Pending, raw: Vec<u8>) -> Heard {
        let next = match pending.stage {
            Stage::Command(at) if self.has_proof(at) => Some(Stage::Proof(at)),
            Stage::Command(_) | Stage::Proof(_) if !matches!(pending.asked, Asked::Command(_)) => {
                Some(Stage::Question)
            }
            _ => None,
        };
        let Some(stage) = next else {
            self.pending = None;
            return Heard {
                question: Some(pending.id),
                outcome: Some(Outcome::Done),
                ..Heard::new(HeardAs::Answer, raw)
            };
        };
        pending.stage = stage;
        pending.tries = self.tries(pending.asked, stage);
        self.once_more(pending, raw)
    }

    /// The instrument is not ready: it is asked again, until it has had its time.
    pub(super) fn not_yet(&mut self, mut pending: Pending, raw: Vec<u8>) -> Heard {
        pending.tries = pending.tries.saturating_sub(1);
        if pending.tries == 0 {
            return self.failed(pending, raw, Failure::Refused, "refused, not ready");
        }
        self.once_more(pending, raw)
    }

    fn once_more(&mut self, pending: Pending, raw: Vec<u8>) -> Heard {
        self.pending = Some(pending);
        self.next = Some(self.breath());
        Heard {
            question: Some(pending.id),
            ..Heard::new(HeardAs::MoreFollows, raw)
        }
    }

    /// Nothing ever answers this command.
    pub(super) fn goes_unanswered(&self, pending: Pending) -> bool {
        let Stage::Command(at) = pending.stage else {
            return false;
        };
        let command = self.speaks.commands().get(at).map(|command| &command.does);
        matches!(command, Some(Does::Sends { answers, .. }) if answers.is_empty())
    }

    fn has_proof(&self, at: usize) -> bool {
        let command = self.speaks.commands().get(at);
        command.is_some_and(|command| matches!(command.does, Does::Writes { proof: Some(_), .. }))
    }

    /// Between two questions of one exchange.
    fn breath(&self) -> Duration {
        match &self.speaks {
            Spoken::Modbus(modbus) => modbus.pause_between,
            Spoken::Text(_) => Duration::ZERO,
        }
        .max(BREATH)
    }

    /// How often it may be asked whether it is ready.
    pub(super) fn tries(&self, asked: Asked, stage: Stage) -> u32 {
        let Spoken::Modbus(modbus) = &self.speaks else {
            return 1;
        };
        let within = match (stage, asked) {
            (Stage::Proof(at), _) => match modbus.commands.get(at).map(|command| &command.does) {
                Some(Does::Writes {
                    proof: Some(proof), ..
                }) => Some(proof.within),
                _ => None,
            },
            (Stage::Question, Asked::Read(at)) => modbus
                .reads
                .get(at)
                .and_then(|read| read.window.as_ref())
                .map(|window| window.within),
            _ => None,
        };
        within.map_or(1, |within| {
            let breaths = within.as_millis() / self.breath().as_millis().max(1);
            u32::try_from(breaths).unwrap_or(u32::MAX).max(1)
        })
    }
}

/// An instrument that is asked more often whether it has finished has less time to finish.
const BREATH: Duration = Duration::from_millis(50);
