//! What state an instrument is in, and what a person is told when that changes: once.

use super::{Change, LinkOutput, Moment, News, Reading, station::Station};
use driver::{Heard, Role};
use record::{Answer, Failure};
use std::time::Duration;

impl Station {
    /// The line is open: who is there now must be asked, whatever was known.
    pub(super) fn reopened(&mut self, now: Duration) {
        self.asked.conversation.forget();
        self.silence.heard = false;
        self.silence.in_row = 0;
        self.silence.spoke = now;
        self.silence.probe_at = now;
        self.owed_until = Duration::ZERO;
        self.ask_who_again(now);
        self.identity.reopened();
    }

    /// The line is gone: every point says so, once.
    pub(super) fn cut_off(&mut self, at: Moment) -> Vec<LinkOutput> {
        self.asked.conversation.forget();
        let bad = |measure: &String| {
            LinkOutput::Reading(Reading {
                point: self.point(measure.clone()),
                answer: Answer::Bad(Failure::Silent.word().to_owned()),
                failure: Some(Failure::Silent),
                raw: Vec::new(),
                time: at.now,
                asked: at.now,
                origin: None,
            })
        };
        let mut outputs: Vec<LinkOutput> = self.asked.measures.iter().map(bad).collect();
        outputs.extend(self.order_ends(at, true));
        outputs
    }

    /// One that talks by itself has said nothing for too long.
    pub(super) fn overdue(&mut self, at: Moment) -> Vec<LinkOutput> {
        if self.overdue_at().is_none_or(|due| at.elapsed < due) {
            return Vec::new();
        }
        let waited = at.elapsed.saturating_sub(self.silence.spoke);
        self.counts.silent += 1;
        self.silence.heard = false;
        let mut outputs = self.says_nothing(at, at, waited);
        outputs.extend(self.cut_off(at));
        outputs
    }

    /// Three in a row, or the first since the line was opened, make it silent.
    pub(super) fn says_nothing(&mut self, at: Moment, asked: Moment, waited: Duration) -> Vec<LinkOutput> {
        let silence = &mut self.silence;
        silence.in_row += 1;
        silence.first.get_or_insert(asked.now);
        if silence.since.is_some() {
            silence.probe_at = at.elapsed + silence.backoff.failed();
            return Vec::new();
        }
        if silence.heard && silence.in_row < IN_A_ROW {
            return Vec::new();
        }
        let since = silence.first.unwrap_or(asked.now);
        silence.since = Some(since);
        silence.probe_at = at.elapsed + silence.backoff.failed();
        let (questions, waited_ms) = (silence.in_row, waited.as_millis() as u64);
        vec![self.news(
            at,
            Change::Silent {
                since,
                questions,
                waited_ms,
            },
        )]
    }

    pub(super) fn is_back(&mut self, at: Moment) -> Vec<LinkOutput> {
        let mut outputs = self.was_away_for_long(at);
        self.silence.in_row = 0;
        self.silence.first = None;
        self.silence.heard = true;
        self.silence.backoff.succeeded();
        let Some(since) = self.silence.since.take() else {
            return outputs;
        };
        // who was away for long may have been exchanged
        self.ask_who_again(at.elapsed);
        self.identity.reopened();
        outputs.push(self.news(
            at,
            Change::Back {
                since,
                was: Failure::Silent,
            },
        ));
        outputs
    }

    /// One that cannot say who it is may have been exchanged while it was away: a person is asked.
    fn was_away_for_long(&mut self, at: Moment) -> Vec<LinkOutput> {
        let before = self.silence.last.replace(at);
        let away = before.filter(|before| at.elapsed.saturating_sub(before.elapsed) >= LONG);
        match away {
            Some(before) if !self.identity.can_be_asked() => {
                vec![self.news(at, Change::LongAway { since: before.now })]
            }
            _ => Vec::new(),
        }
    }

    /// Who it is and how it is set is asked at the next occasion.
    pub(super) fn ask_who_again(&mut self, now: Duration) {
        for asking in &mut self.questions {
            if asking.question.role != Role::Values {
                asking.slots.again_at(now);
            }
        }
    }

    pub(super) fn fails(
        &mut self,
        at: Moment,
        question: usize,
        failure: Failure,
        heard: &Heard,
    ) -> Vec<LinkOutput> {
        let asking = &mut self.questions[question];
        asking.bad_in_row += 1;
        asking.good_in_row = 0;
        // one damaged frame is weather; a refusal is meant
        let told = asking.failing.is_some_and(|(known, _)| known == failure);
        if told || (failure == Failure::Garbled && asking.bad_in_row < IN_A_ROW) {
            return Vec::new();
        }
        asking.failing = Some((failure, at.now));
        let because = heard
            .answers
            .first()
            .and_then(|(_, answer)| answer.because())
            .unwrap_or(failure.word())
            .to_owned();
        vec![self.news(
            at,
            Change::Failing {
                failure,
                because,
                raw: heard.raw.clone(),
            },
        )]
    }

    pub(super) fn works(&mut self, at: Moment, question: usize) -> Vec<LinkOutput> {
        let asking = &mut self.questions[question];
        asking.bad_in_row = 0;
        asking.good_in_row = asking.good_in_row.saturating_add(1);
        if asking.good_in_row < IN_A_ROW {
            return Vec::new();
        }
        let back = asking
            .failing
            .take()
            .map(|(was, since)| Change::Back { since, was });
        back.map(|change| self.news(at, change)).into_iter().collect()
    }

    pub(super) fn news(&self, at: Moment, change: Change) -> LinkOutput {
        // the line's own name is put in by the line
        LinkOutput::News(News {
            link: String::new(),
            tags: vec![self.asked.tag.clone()],
            at: at.now,
            change,
        })
    }

    pub(super) fn count(&mut self, failure: Failure) {
        match failure {
            Failure::Silent => self.counts.silent += 1,
            Failure::Refused => self.counts.refused += 1,
            Failure::Garbled => self.counts.garbled += 1,
            Failure::Unexpected => self.counts.unexpected += 1,
        }
    }
}

/// So many failures in a row are a state and no accident.
const IN_A_ROW: u32 = 3;
/// Away for this long, an instrument may have been exchanged.
const LONG: Duration = Duration::from_mins(10);
