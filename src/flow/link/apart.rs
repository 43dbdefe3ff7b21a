//! Reads that were asked as one, and what happens when the instrument refuses them so: each is asked by
//! itself, the refused ones are found and told once, the others go on. Seldom, all are asked as one again.

use super::{Change, LinkOutput, Moment, station::Station};
use driver::{Heard, Question};
use record::Failure;
use std::time::Duration;

/// How one question stands to those it is merged from, or into.
#[derive(Debug, Default)]
pub(super) struct Merging {
    /// The questions it stands for, by place.
    pub(super) parts: Vec<usize>,
    /// The question that stands for it.
    pub(super) whole: Option<usize>,
    /// It was refused and is asked in parts; as one again not before.
    apart: Option<Duration>,
    /// How each part fared since it was taken apart: refused or not.
    found: Vec<(usize, bool)>,
    told: bool,
    because: String,
}

/// Gives the questions of an instrument their places: those that stand for others behind them all.
pub(super) fn together(single: Vec<Question>, merged: Vec<Question>) -> Vec<(Question, Merging)> {
    let mut all: Vec<(Question, Merging)> = single
        .into_iter()
        .map(|question| (question, Merging::default()))
        .collect();
    for question in merged {
        let place = all.len();
        let parts: Vec<usize> = (0..place)
            .filter(|at| question.parts.contains(&all[*at].0.id))
            .collect();
        for part in &parts {
            all[*part].1.whole = Some(place);
        }
        let merging = Merging {
            parts,
            ..Merging::default()
        };
        all.push((question, merging));
    }
    all
}

impl Station {
    /// When a question is due; `None` for one that is asked along with others, or in its parts.
    pub(super) fn due_of(&self, place: usize) -> Option<Duration> {
        if let Some(due) = self.command_due(place) {
            return due;
        }
        let asking = &self.questions[place];
        match asking.merging.whole {
            Some(whole) if self.questions[whole].merging.apart.is_none() => None,
            _ => Some(asking.merging.apart.unwrap_or_else(|| asking.slots.due())),
        }
    }

    /// Whether a question is one of those that are asked now.
    pub(super) fn is_asked_now(&self, place: usize) -> bool {
        self.questions[place].merging.apart.is_none() && self.due_of(place).is_some()
    }

    /// A question that was taken apart and is tried as one again has no slots behind it.
    pub(super) fn tried_as_one(&mut self, place: usize, now: Duration) {
        if self.questions[place].merging.apart.is_some() {
            self.questions[place].slots.again_at(now);
        }
    }

    /// An answer to several reads at once: refused, they are taken apart, and no value is lost to it.
    pub(super) fn comes_apart(&mut self, at: Moment, place: usize, heard: &Heard) -> bool {
        let meant = heard.failure == Some(Failure::Refused)
            && heard.refused.is_some_and(|code| (1..=3).contains(&code));
        let merging = &mut self.questions[place].merging;
        if merging.parts.is_empty() || !meant {
            return false;
        }
        merging.apart = Some(at.elapsed + TOGETHER_AGAIN);
        merging.found.clear();
        merging.because = driver::exception_word(heard.refused.unwrap_or_default());
        for part in merging.parts.clone() {
            self.questions[part].slots.again_at(at.elapsed);
        }
        true
    }

    /// An answer to several reads at once: given, they stay together.
    pub(super) fn stays_together(&mut self, at: Moment, place: usize) -> Vec<LinkOutput> {
        let merging = &mut self.questions[place].merging;
        if merging.parts.is_empty() || merging.apart.take().is_none() {
            return Vec::new();
        }
        merging.told = false;
        let parts = merging.parts.clone();
        for part in parts {
            self.questions[part].failing = None;
        }
        let asks = self.questions[place].question.asks.clone();
        vec![self.news(at, Change::ReadTogether { asks })]
    }

    /// One of the parts was answered or refused; once all were, a person is told which are refused.
    pub(super) fn part_found(&mut self, at: Moment, part: usize, refused: bool) -> Vec<LinkOutput> {
        let Some(whole) = self.questions[part].merging.whole else {
            return Vec::new();
        };
        let merging = &mut self.questions[whole].merging;
        if merging.apart.is_none() || merging.told || merging.found.iter().any(|(known, _)| *known == part) {
            return Vec::new();
        }
        merging.found.push((part, refused));
        let all = merging.found.len() == merging.parts.len();
        merging.told = all;
        if refused {
            // told with the others, in one sentence
            self.questions[part].failing = Some((Failure::Refused, at.now));
        }
        if !all {
            return Vec::new();
        }
        let merging = &self.questions[whole].merging;
        let named = |part: &usize| {
            let question = &self.questions[*part].question;
            if question.measures.is_empty() {
                question.asks.clone()
            } else {
                format!("{} ({})", question.asks, question.measures.join(", "))
            }
        };
        let refused: Vec<usize> = merging
            .found
            .iter()
            .filter(|(_, refused)| *refused)
            .map(|(part, _)| *part)
            .collect();
        let change = Change::ReadApart {
            asks: self.questions[whole].question.asks.clone(),
            because: merging.because.clone(),
            refused: refused.iter().map(named).collect(),
            kept: merging.parts.len() - refused.len(),
        };
        vec![self.news(at, change)]
    }
}

/// How soon reads that were refused as one are asked as one again: firmware is changed in days, not in minutes.
const TOGETHER_AGAIN: Duration = Duration::from_hours(1);
