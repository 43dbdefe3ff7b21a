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
        Self::giving(gives.collect(), known, doubt)
    }

    pub(super) fn giving(gives: BTreeSet<String>, known: Facts, doubt: Option<&'static str>) -> Self {
        Self {
            gives,
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

    /// Compares what is said with what is known; and whether it is to be asked once more.
    pub(super) fn says(&mut self, role: Role, says: &[(String, String)]) -> (Vec<Change>, bool) {
        let mut fresh = Vec::new();
        let mut changes = Vec::new();
        let mut again = false;
        for (name, words) in says {
            let known = self.known.get(name).cloned();
            match known {
                None => {
                    self.known.insert(name.clone(), words.clone());
                    fresh.push((name.clone(), words.clone()));
                }
                Some(known) if known == *words => {
                    if self.suspect.as_ref().is_some_and(|(suspect, _)| suspect == name) {
                        self.suspect = None;
                    }
                    if self.told.remove(name).is_some() {
                        changes.push(Change::SameInstrument {
                            name: name.clone(),
                            says: words.clone(),
                        });
                    }
                }
                Some(known) => {
                    let suspect = Some((name.clone(), words.clone()));
                    if self.suspect != suspect && self.told.get(name) != Some(words) {
                        self.suspect = suspect;
                        again = true;
                        continue;
                    }
                    self.suspect = None;
                    if self.told.insert(name.clone(), words.clone()).as_ref() == Some(words) {
                        self.heard.insert(name.clone(), words.clone());
                        continue;
                    }
                    let (name, says) = (name.clone(), words.clone());
                    if role == Role::Settings {
                        self.doubt.get_or_insert(SETTINGS_CHANGED);
                        changes.push(Change::SettingsChanged { name, says, known });
                    } else {
                        self.doubt = Some(ANOTHER);
                        changes.push(Change::AnotherInstrument { name, says, known });
                    }
                }
            }
            self.heard.insert(name.clone(), words.clone());
        }
        if !fresh.is_empty() {
            changes.insert(0, Change::Identified { says: fresh });
        }
        (changes, again)
    }

    /// A person has said what is known from now on.
    pub(super) fn is_known(&mut self, known: Facts) {
        self.known = known;
        self.doubt = None;
        self.told.clear();
        self.reopened();
    }

    /// As far as it can be trusted.
    pub(super) fn trusted(&self, answer: Answer) -> Answer {
        let Some(because) = self.because() else {
            return answer;
        };
        match answer {
            Answer::Good(value) | Answer::Uncertain(value, _) => Answer::Uncertain(value, because.to_owned()),
            Answer::Bad(why) => Answer::Bad(why),
        }
    }
}

impl Station {
    /// A value counts only when it is known whose it is.
    pub(super) fn trusted(&self, answer: Answer) -> Answer {
        self.identity.trusted(answer)
    }

    /// Compares what it says with what is known.
    pub(super) fn says(&mut self, at: Moment, role: Role, says: &[(String, String)]) -> Vec<LinkOutput> {
        let (changes, again) = self.identity.says(role, says);
        if again {
            self.ask_who_again(at.elapsed);
        }
        changes.into_iter().map(|change| self.news(at, change)).collect()
    }

    /// A person has said what is known from now on; it is compared at once.
    pub(super) fn known(&mut self, at: Moment, known: Facts) {
        self.identity.is_known(known);
        self.ask_who_again(at.elapsed);
    }
}

/// Why values do not count, in the words of a reading.
pub(super) const ANOTHER: &str = "another instrument";
pub(super) const SETTINGS_CHANGED: &str = "settings changed";
const NOT_CONFIRMED: &str = "identity not confirmed";
const SETTINGS_NOT_CONFIRMED: &str = "settings not confirmed";
