//! Hearing: which bytes are the answer to the question, and which are anything else.

use super::{
    Action, Change, Link, Matching, Moment, Phase, QUIET, Question, numbered::Cut, station::Listened,
};
use driver::Heard;
use record::Failure;
use std::time::Duration;

impl Link {
    pub(super) fn heard(&mut self, at: Moment, bytes: Vec<u8>, out: &mut Vec<Action>) {
        if self.plan.matching == Matching::Number {
            return self.heard_numbered(at, &bytes, out);
        }
        match std::mem::replace(&mut self.phase, Phase::Opening) {
            Phase::Waiting { question, deadline } => {
                self.phase = Phase::Waiting { question, deadline };
                self.heard_while_waiting(at, question, &bytes, out);
            }
            Phase::Settling { question, heard, .. } => {
                self.phase = Phase::Idle {
                    not_before: at.elapsed,
                };
                self.doubt(at, question, heard.raw, &bytes, out);
            }
            Phase::GoingOn {
                question,
                at: then,
                bytes: next,
            } if self.plan.matching == Matching::Nothing => {
                self.phase = Phase::GoingOn {
                    question,
                    at: then,
                    bytes: next,
                };
                let listened = self.stations[question.station].hear(at, &bytes);
                self.give(listened.outputs, out);
            }
            // between two questions of one exchange nothing should come: which frame is whose, nobody can say
            Phase::GoingOn { question, .. } => {
                self.phase = Phase::Idle {
                    not_before: at.elapsed,
                };
                self.doubt(at, question, Vec::new(), &bytes, out);
            }
            Phase::Quarantine { until } => {
                self.phase = Phase::Quarantine {
                    until: until.max(at.elapsed + QUIET),
                };
                self.restless(at, &bytes, out);
            }
            Phase::Idle { not_before } => {
                self.phase = Phase::Idle { not_before };
                self.unasked(at, &bytes, out);
            }
            Phase::Sending(question) => {
                // Faster than the wire: it was on its way before the question was.
                self.stations[question.station].take_back(at.elapsed);
                self.phase = Phase::Idle {
                    not_before: at.elapsed,
                };
                self.unasked(at, &bytes, out);
            }
            closed => self.phase = closed, // what a line says that is closed, nobody hears
        }
    }

    pub(super) fn heard_while_waiting(
        &mut self,
        at: Moment,
        question: Question,
        bytes: &[u8],
        out: &mut Vec<Action>,
    ) {
        let listened = self.stations[question.station].hear(at, bytes);
        self.listened(at, question, listened, out);
    }

    /// What came of the bytes heard while an answer is awaited.
    pub(super) fn listened(
        &mut self,
        at: Moment,
        question: Question,
        listened: Listened,
        out: &mut Vec<Action>,
    ) {
        let pause = self.stations[question.station].pause(question.place);
        self.give(listened.outputs, out);
        if listened.more
            && listened.answer.is_none()
            && listened.foreign.is_empty()
            && self.goes_on(at, question)
        {
            return;
        }
        if self.plan.matching == Matching::Nothing {
            if let Some(heard) = listened.answer {
                self.phase = Phase::Idle {
                    not_before: at.elapsed + pause,
                };
                self.believe(at, question, &heard, out);
            }
            return;
        }
        match listened.answer {
            Some(heard) if listened.foreign.is_empty() => {
                let until = at.elapsed + pause.max(QUIET);
                self.phase = Phase::Settling {
                    question,
                    until,
                    heard,
                    came: at,
                };
            }
            Some(heard) => {
                self.phase = Phase::Idle {
                    not_before: at.elapsed,
                };
                self.doubt(at, question, heard.raw, &listened.foreign, out);
            }
            None if listened.foreign.is_empty() => {}
            None => {
                let waiting = std::mem::replace(&mut self.phase, Phase::Opening);
                self.foreign.burst = listened.foreign;
                self.judge_burst(at, out);
                self.phase = waiting;
            }
        }
    }

    /// The exchange goes on with another question, if it does not go on by itself.
    fn goes_on(&mut self, at: Moment, question: Question) -> bool {
        let next = self.stations[question.station].goes_on();
        let Some((bytes, after)) = next else { return false };
        let after = if self.plan.matching == Matching::Number {
            after
        } else {
            after.max(QUIET)
        };
        self.phase = Phase::GoingOn {
            question,
            at: at.elapsed + after,
            bytes,
        };
        true
    }

    /// A pause is over that ends a frame; what it ended came when its last byte did.
    pub(super) fn quiet(&mut self, out: &mut Vec<Action>) {
        let Some((_, came)) = self.pause.take() else {
            return;
        };
        let Some(station) = self.stations.first_mut() else {
            return;
        };
        let listened = station.quiet(came);
        match self.phase {
            Phase::Waiting { question, .. } => self.listened(came, question, listened, out),
            _ => self.give(listened.outputs, out),
        }
    }

    /// Two frames where one was asked for: which of them is ours, nobody can say.
    pub(super) fn doubt(
        &mut self,
        at: Moment,
        question: Question,
        mut raw: Vec<u8>,
        more: &[u8],
        out: &mut Vec<Action>,
    ) {
        raw.extend_from_slice(more);
        let doubt = (Failure::Unexpected, MORE_THAN_ASKED, raw);
        let outputs = self.stations[question.station].doubted(at, question.asked, question.place, doubt);
        self.give(outputs, out);
        self.unasked(at, more, out);
    }

    pub(super) fn heard_numbered(&mut self, at: Moment, bytes: &[u8], out: &mut Vec<Action>) {
        for cut in self.numbered.hear(bytes) {
            match cut {
                Cut::Answer(frame) => {
                    let Phase::Waiting { question, .. } = self.phase else {
                        continue;
                    };
                    let pause = self.stations[question.station].pause(question.place);
                    let listened = self.stations[question.station].hear_frame(at, &frame);
                    let Some(mut heard) = listened.answer else {
                        if listened.more {
                            self.goes_on(at, question);
                        }
                        continue;
                    };
                    heard.raw = frame;
                    self.phase = Phase::Idle {
                        not_before: at.elapsed + pause,
                    };
                    self.believe(at, question, &heard, out);
                }
                Cut::Late(frame) => {
                    if let Some(station) = self
                        .stations
                        .iter_mut()
                        .find(|station| station.unit() == frame.get(6).copied())
                    {
                        station.counts.late += 1;
                    }
                }
                Cut::Broken(raw) => {
                    if let Phase::Waiting { question, .. } = self.phase {
                        let garbled = (Failure::Garbled, Failure::Garbled.word(), raw);
                        let station = &mut self.stations[question.station];
                        let outputs = station.doubted(at, question.asked, question.place, garbled);
                        self.give(outputs, out);
                    }
                    out.push(Action::Close);
                    self.phase = Phase::Closed {
                        open_at: at.elapsed + self.reopen.failed(),
                    };
                    return;
                }
            }
        }
    }

    /// The answer stands.
    pub(super) fn believe(&mut self, at: Moment, question: Question, heard: &Heard, out: &mut Vec<Action>) {
        self.reopen.succeeded();
        self.renew.succeeded();
        self.renew_at = None;
        self.budget.used(question.asked.elapsed, at.elapsed);
        let station = &mut self.stations[question.station];
        let outputs = if self.foreign.refused_until.is_some() {
            let doubt = (Failure::Unexpected, ANOTHER_MASTER, heard.raw.clone());
            station.doubted(at, question.asked, question.place, doubt)
        } else {
            station.answered(at, question.asked, question.place, heard)
        };
        self.give(outputs, out);
    }

    /// Bytes that nobody asked for.
    pub(super) fn unasked(&mut self, at: Moment, bytes: &[u8], out: &mut Vec<Action>) {
        if self.plan.matching == Matching::Nothing {
            let outputs = self
                .stations
                .first_mut()
                .map(|station| station.hear(at, bytes).outputs);
            self.give(outputs.unwrap_or_default(), out);
            return;
        }
        self.phase = Phase::Quarantine {
            until: at.elapsed + QUIET,
        };
        self.restless(at, bytes, out);
    }

    /// Bytes on a line that should rest. One that never does can ask nobody, and says so once.
    fn restless(&mut self, at: Moment, bytes: &[u8], out: &mut Vec<Action>) {
        let room = BURST.saturating_sub(self.foreign.burst.len());
        self.foreign.burst.extend(bytes.iter().take(room));
        let since = *self.foreign.restless_since.get_or_insert(at.elapsed);
        if at.elapsed.saturating_sub(since) >= NEVER_RESTS && !self.foreign.never_rests {
            self.foreign.never_rests = true;
            self.nobody_answers(at, out);
            let heard = self.foreign.burst.clone();
            self.tell(at, Change::NeverRests { heard }, out);
        }
    }

    /// The line rests at last.
    pub(super) fn rests(&mut self, at: Moment, out: &mut Vec<Action>) {
        self.foreign.restless_since = None;
        if std::mem::take(&mut self.foreign.never_rests) {
            self.tell(at, Change::AloneAgain, out);
        }
        self.judge_burst(at, out);
    }

    /// A burst is over: noise, a late answer of ours, or another master.
    pub(super) fn judge_burst(&mut self, at: Moment, out: &mut Vec<Action>) {
        let burst = std::mem::take(&mut self.foreign.burst);
        if burst.is_empty() {
            return;
        }
        if self.plan.matching == Matching::Nothing {
            // in a quarantine: what was asked for is late, what was not has no question to belong to
            self.stations
                .iter_mut()
                .for_each(|station| station.counts.late += 1);
            return;
        }
        let Some(frame) = sound_frame(&burst) else {
            self.stations
                .iter_mut()
                .for_each(|station| station.counts.noise += burst.len() as u64);
            return;
        };
        let ours = self
            .stations
            .iter_mut()
            .find(|station| station.unit() == Some(frame[0]));
        if let Some(station) = ours.filter(|_| !is_question(frame)) {
            station.counts.late += 1;
            if station.owes(at.elapsed) {
                return;
            }
            // An answer of ours that nobody waits for: once it is an echo, again and again it is asked for elsewhere.
            self.foreign
                .strays
                .retain(|stray| at.elapsed.saturating_sub(*stray) < ALONE_AGAIN);
            self.foreign.strays.push(at.elapsed);
            self.phase = Phase::Quarantine {
                until: at.elapsed + REST,
            };
            if self.foreign.strays.len() < STRAYS {
                return;
            }
        }
        let first = self.foreign.refused_until.is_none();
        self.foreign.refused_until = Some(at.elapsed + ALONE_AGAIN);
        if first {
            self.tell(at, Change::AnotherMaster { heard: burst }, out);
        }
    }

    pub(super) fn all_quiet_again(&mut self, at: Moment, out: &mut Vec<Action>) {
        if self
            .foreign
            .refused_until
            .is_some_and(|until| at.elapsed >= until)
        {
            self.foreign.refused_until = None;
            self.tell(at, Change::AloneAgain, out);
        }
    }
}

/// The longest RTU frame with a sound check in these bytes.
fn sound_frame(bytes: &[u8]) -> Option<&[u8]> {
    let sound = |frame: &&[u8]| {
        let (body, sum) = frame.split_at(frame.len() - 2);
        driver::crc16(body).to_le_bytes() == sum
    };
    (4..=bytes.len().min(256))
        .rev()
        .find_map(|length| bytes.windows(length).find(sound))
}

/// Whether a frame is what a master sends, and not what an instrument answers.
fn is_question(frame: &[u8]) -> bool {
    match frame {
        [_, 1 | 2, bytes, ..] => frame.len() == 8 && *bytes != 3,
        [_, 3..=6, ..] => frame.len() == 8,
        [_, function, ..] => *function < 0x80,
        _ => false,
    }
}

/// What is kept of a burst, for judging and for showing.
const BURST: usize = 512;
/// A line that is never quiet for this long cannot be asked anything.
const NEVER_RESTS: Duration = Duration::from_secs(3);
/// How long a line rests after an answer that nobody waited for.
const REST: Duration = Duration::from_millis(500);
/// So many of them within [`ALONE_AGAIN`] are another master.
const STRAYS: usize = 10;
/// Without a foreign frame for this long, the line is ours again.
const ALONE_AGAIN: Duration = Duration::from_secs(10);
/// Why an answer is not believed.
const ANOTHER_MASTER: &str = "another master on this line";
const MORE_THAN_ASKED: &str = "more than one answer";
