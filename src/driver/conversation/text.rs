//! Lines of text: which of them answers the question, and what it says.

use super::{Asked, Conversation, Heard, HeardAs, Pending, Stage, fields::answered};
use crate::{
    command::{Carried, Does},
    driver::{Ask, Text, Then},
    frame::Cut,
};
use record::{Answer, Failure};

impl Conversation {
    pub(super) fn text_cut(&mut self, text: &Text, cut: Cut) -> Heard {
        match cut {
            Cut::Frame { content, raw } => self.line(text, &content, raw),
            Cut::Damaged(raw) => self.damaged(text, raw),
            Cut::Noise(raw) => Heard {
                failure: Some(Failure::Garbled),
                ..Heard::new(HeardAs::Noise, raw)
            },
        }
    }

    fn damaged(&mut self, text: &Text, raw: Vec<u8>) -> Heard {
        if let Some(pending) = self.pending.take() {
            return self.failed(pending, raw, Failure::Garbled, Failure::Garbled.word());
        }
        match by_itself(text) {
            Some(_) => unsaid(text, raw, Failure::Garbled),
            None => Heard {
                failure: Some(Failure::Garbled),
                ..Heard::new(HeardAs::Noise, raw)
            },
        }
    }

    fn line(&mut self, text: &Text, content: &[u8], raw: Vec<u8>) -> Heard {
        if let Some(pending) = self.pending {
            return self.line_while_waiting(text, pending, content, raw);
        }
        if text.asides.iter().any(|aside| reads_as(aside, content)) {
            return Heard::new(HeardAs::Aside, raw);
        }
        for ask in text.asks.iter().filter(|ask| ask.send.is_none()) {
            if let Some((_, answers)) = answered(ask, content) {
                return Heard {
                    answers,
                    ..Heard::new(HeardAs::ByItself, raw)
                };
            }
        }
        if by_itself(text).is_some() {
            return unsaid(text, raw, Failure::Unexpected);
        }
        Heard {
            identity: identity_in(text, content),
            failure: Some(Failure::Unexpected),
            ..Heard::new(HeardAs::Unasked, raw)
        }
    }

    fn line_while_waiting(&mut self, text: &Text, pending: Pending, content: &[u8], raw: Vec<u8>) -> Heard {
        if let Stage::Command(at) = pending.stage {
            if let Some(heard) = self.commanded(text, pending, at, content, &raw) {
                return heard;
            }
            return self.not_awaited(text, pending, content, raw);
        }
        match pending.asked {
            Asked::Identity => {
                if let Some(identity) = identity_in(text, content) {
                    self.pending = None;
                    return Heard {
                        question: Some(pending.id),
                        says: says_in(text, content),
                        identity: Some(identity),
                        ..Heard::new(HeardAs::Answer, raw)
                    };
                }
                // a line that is always a no, whatever was asked, is a no to this as well
                let no =
                    |ask: &Ask| answered(ask, content).is_some_and(|(then, _)| matches!(then, Then::Bad(_)));
                if text.asks.iter().any(no) {
                    self.pending = None;
                    return self.failed(pending, raw, Failure::Refused, Failure::Refused.word());
                }
            }
            Asked::Measure(at) => {
                if let Some((then, answers)) = answered(&text.asks[at], content) {
                    if then == Then::MoreFollows {
                        return Heard {
                            question: Some(pending.id),
                            ..Heard::new(HeardAs::MoreFollows, raw)
                        };
                    }
                    self.pending = None;
                    return Heard {
                        question: Some(pending.id),
                        answers,
                        ..Heard::new(HeardAs::Answer, raw)
                    };
                }
            }
            Asked::Read(_) | Asked::Merged(_) | Asked::Start(_) | Asked::Command(_) => {}
        }
        self.not_awaited(text, pending, content, raw)
    }

    /// A line that answers the command under way.
    fn commanded(
        &mut self,
        text: &Text,
        pending: Pending,
        at: usize,
        content: &[u8],
        raw: &[u8],
    ) -> Option<Heard> {
        let Does::Sends { answers, .. } = &text.commands.get(at)?.does else {
            return None;
        };
        let answer = answers.iter().find(|answer| reads_as(&answer.reads, content))?;
        self.pending = None;
        Some(match &answer.then {
            Carried::Out => self.goes_on(pending, raw.to_vec()),
            Carried::Refused(because) => self.failed(pending, raw.to_vec(), Failure::Refused, because),
            Carried::MoreFollows => {
                self.pending = Some(pending);
                Heard {
                    question: Some(pending.id),
                    ..Heard::new(HeardAs::MoreFollows, raw.to_vec())
                }
            }
        })
    }

    /// A line that does not answer what is awaited.
    fn not_awaited(&mut self, text: &Text, pending: Pending, content: &[u8], raw: Vec<u8>) -> Heard {
        if text.asides.iter().any(|aside| reads_as(aside, content)) {
            return Heard::new(HeardAs::Aside, raw);
        }
        for ask in text.asks.iter().filter(|ask| ask.send.is_none()) {
            if let Some((_, answers)) = answered(ask, content) {
                return Heard {
                    answers,
                    ..Heard::new(HeardAs::ByItself, raw)
                };
            }
        }
        // an answer of another question cannot be this one's: it is late, or nobody asked for it
        let identity = identity_in(text, content);
        if identity.is_some() || text.asks.iter().any(|ask| answered(ask, content).is_some()) {
            return Heard {
                identity,
                failure: Some(Failure::Unexpected),
                ..Heard::new(HeardAs::Unasked, raw)
            };
        }
        self.pending = None;
        self.failed(pending, raw, Failure::Unexpected, Failure::Unexpected.word())
    }
}

fn reads_as(pattern: &crate::pattern::Pattern, content: &[u8]) -> bool {
    pattern
        .matches(content, &[], &crate::pattern::Digits::default())
        .is_some()
}

fn by_itself(text: &Text) -> Option<&Ask> {
    text.asks.iter().find(|ask| ask.send.is_none())
}

/// An instrument that talks by itself said something that is not in the driver: its points are bad.
fn unsaid(text: &Text, raw: Vec<u8>, failure: Failure) -> Heard {
    let asks = text.asks.iter().filter(|ask| ask.send.is_none());
    let answers = asks
        .flat_map(|ask| &ask.measures)
        .map(|measure| (measure.name.clone(), Answer::Bad(failure.word().to_owned())))
        .collect();
    Heard {
        answers,
        failure: Some(failure),
        ..Heard::new(HeardAs::ByItself, raw)
    }
}

fn identity_in(text: &Text, content: &[u8]) -> Option<String> {
    let identity = text.identity.as_ref()?;
    let found = identity
        .reads
        .matches(content, &[], &crate::pattern::Digits::default())?;
    let (_, place) = found.into_iter().find(|(name, _)| name == "serial_number")?;
    Some(String::from_utf8_lossy(content[place].trim_ascii()).into_owned())
}

/// Everything it says about itself.
fn says_in(text: &Text, content: &[u8]) -> Vec<(String, String)> {
    let plain = crate::pattern::Digits::default();
    let found = text
        .identity
        .as_ref()
        .and_then(|identity| identity.reads.matches(content, &[], &plain));
    let named = found.into_iter().flatten().filter(|(name, _)| name != "_");
    named
        .map(|(name, place)| {
            let words = String::from_utf8_lossy(content[place].trim_ascii()).into_owned();
            (name, words)
        })
        .collect()
}
