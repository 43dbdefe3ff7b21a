//! Who an instrument says it is, and how it says it is set: what would make plausible wrong numbers if it
//! changed unseen. Compared at connect, when it comes back, and every few minutes.
//!
//! The first words count as known and are told; other words are asked for a second time, since one damaged
//! character is weather. Said twice, they put every value in doubt until a person confirms.

use super::{Change, LinkOutput, Moment, station::Station};
use driver::{Conversation, Role};
use record::Answer;
use std::collections::{BTreeMap, BTreeSet};

/// Names and the words they were heard in.
pub type Facts = BTreeMap<String, String>;

/// The fact a configuration can name.
pub const SERIAL_NUMBER: &str = "serial_number";

#[derive(Debug, Default)]
pub(super) struct Identity {
    /// What its driver can ask for.
    gives: BTreeSet<String>,
    /// What it must say.
    known: Facts,
    /// What it said since the line was opened, or since it came back.
    heard: Facts,
    /// Said once, and different from what is known.
    suspect: Option<(String, String)>,
    /// Why no value counts.
    doubt: Option<&'static str>,
    /// What was told, so that it is told once.
    told: Facts,
}

impl Identity {
    pub(super) fn new(conversation: &Conversation, known: Facts, doubt: Option<&'static str>) -> Self {
        let gives = conversation
            .questions()
            .into_iter()
            .flat_map(|question| question.says);
        Self {
            gives: gives.collect(),
            known,
            doubt,
            ..Self::default()
        }
    }

    /// Whether it can be asked at all.
    pub(super) fn can_be_asked(&self) -> bool {
        !self.gives.is_empty()
    }

    /// The line was opened, or it was away: whoever is there now has to say so again.
    pub(super) fn reopened(&mut self) {
        self.heard.clear();
        self.suspect = None;
    }

    /// Why a value cannot be trusted, if it cannot.
    fn because(&self) -> Option<&'static str> {
        if self.doubt.is_some() {
            return self.doubt;
        }
        if self.suspect.is_some() {
            return Some(NOT_CONFIRMED);
        }
        let mut open = self
            .known
            .keys()
            .filter(|name| self.gives.contains(*name) && !self.heard.contains_key(*name));
        if self.known.contains_key(SERIAL_NUMBER)
            && self.gives.contains(SERIAL_NUMBER)
            && !self.heard.contains_key(SERIAL_NUMBER)
        {
            return Some(NOT_CONFIRMED);
        }
        open.next().map(|_| SETTINGS_NOT_CONFIRMED)
    }
}

impl Station {
    /// A value counts only when it is known whose it is.
    pub(super) fn trusted(&self, answer: Answer) -> Answer {
        let Some(because) = self.identity.because() else {
            return answer;
        };
        match answer {
            Answer::Good(value) | Answer::Uncertain(value, _) => Answer::Uncertain(value, because.to_owned()),
            Answer::Bad(why) => Answer::Bad(why),
        }
    }

    /// Compares what it says with what is known.
    pub(super) fn says(&mut self, at: Moment, role: Role, says: &[(String, String)]) -> Vec<LinkOutput> {
        let mut fresh = Vec::new();
        let mut changes = Vec::new();
        let mut again = false;
        for (name, words) in says {
            let known = self.identity.known.get(name).cloned();
            match known {
                None => {
                    self.identity.known.insert(name.clone(), words.clone());
                    fresh.push((name.clone(), words.clone()));
                }
                Some(known) if known == *words => {
                    if self
                        .identity
                        .suspect
                        .as_ref()
                        .is_some_and(|(suspect, _)| suspect == name)
                    {
                        self.identity.suspect = None;
                    }
                    if self.identity.told.remove(name).is_some() {
                        changes.push(Change::SameInstrument {
                            name: name.clone(),
                            says: words.clone(),
                        });
                    }
                }
                Some(known) => {
                    let suspect = Some((name.clone(), words.clone()));
                    if self.identity.suspect != suspect && self.identity.told.get(name) != Some(words) {
                        self.identity.suspect = suspect;
                        again = true;
                        continue;
                    }
                    self.identity.suspect = None;
                    if self.identity.told.insert(name.clone(), words.clone()).as_ref() == Some(words) {
                        self.identity.heard.insert(name.clone(), words.clone());
                        continue;
                    }
                    let (name, says) = (name.clone(), words.clone());
                    if role == Role::Settings {
                        self.identity.doubt.get_or_insert(SETTINGS_CHANGED);
                        changes.push(Change::SettingsChanged { name, says, known });
                    } else {
                        self.identity.doubt = Some(ANOTHER);
                        changes.push(Change::AnotherInstrument { name, says, known });
                    }
                }
            }
            self.identity.heard.insert(name.clone(), words.clone());
        }
        if again {
            self.ask_who_again(at.elapsed);
        }
        if !fresh.is_empty() {
            changes.insert(0, Change::Identified { says: fresh });
        }
        changes.into_iter().map(|change| self.news(at, change)).collect()
    }

    /// A person has said what is known from now on; it is compared at once.
    pub(super) fn known(&mut self, at: Moment, known: Facts) {
        self.identity.known = known;
        self.identity.doubt = None;
        self.identity.told.clear();
        self.identity.reopened();
        self.ask_who_again(at.elapsed);
    }
}

/// Why values do not count, in the words of a reading.
pub(super) const ANOTHER: &str = "another instrument";
pub(super) const SETTINGS_CHANGED: &str = "settings changed";
const NOT_CONFIRMED: &str = "identity not confirmed";
const SETTINGS_NOT_CONFIRMED: &str = "settings not confirmed";
