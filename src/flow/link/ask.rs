//! Asking: who is next, and what it means when nobody answers.

use super::{Action, Link, LinkOutput, Matching, Moment, Phase, Question};
use std::time::Duration;

impl Link {
    /// After every event: opens or asks, if it is time.
    pub(super) fn go_on(&mut self, at: Moment, out: &mut Vec<Action>) {
        let outputs = self.orders_in_time(at);
        self.give(outputs, out);
        match self.phase {
            Phase::Closed { open_at } if at.elapsed >= open_at => {
                self.phase = Phase::Opening;
                out.push(Action::Open);
            }
            Phase::Idle { not_before } if at.elapsed >= not_before => {
                if let Some(station) = self.choose(at.elapsed) {
                    self.ask(at, station, out);
                }
            }
            _ => {}
        }
    }

    /// The living in the order in which they are due, so that none is asked twice while another waits;
    /// the silent ones within their budget.
    pub(super) fn choose(&self, now: Duration) -> Option<usize> {
        let first = |silent: bool| {
            let due = self
                .stations
                .iter()
                .enumerate()
                .filter(|(_, station)| station.is_silent() == silent);
            due.filter_map(|(place, station)| Some((station.due()?, place)))
                .min()
        };
        let living = first(false);
        let silent = first(true).filter(|(due, _)| now >= *due);
        let may_probe = living.is_none() || now >= self.budget.again_at();
        let probe = silent.filter(|_| may_probe);
        probe
            .or_else(|| living.filter(|(due, _)| now >= *due))
            .map(|(_, place)| place)
    }

    pub(super) fn ask(&mut self, at: Moment, station: usize, out: &mut Vec<Action>) {
        let (place, mut bytes) = self.stations[station].ask(at.elapsed);
        if self.plan.matching == Matching::Number {
            self.numbered.number(&mut bytes);
        }
        out.push(Action::Send {
            bytes,
            drain: self.plan.matching != Matching::Number,
        });
        self.phase = Phase::Sending(Question {
            station,
            place,
            asked: at,
        });
    }

    pub(super) fn sent(&mut self, at: Moment, out: &mut Vec<Action>) {
        if let Phase::Sending(question) = self.phase {
            let station = &mut self.stations[question.station];
            if let Some((command, bytes)) = station.wrote() {
                station.order_left();
                out.push(Action::Give(LinkOutput::Wrote {
                    tag: station.tag().to_owned(),
                    command,
                    bytes,
                    at: at.now,
                }));
            }
            if self.stations[question.station].was_started(at.elapsed, question.place) {
                self.phase = Phase::Idle {
                    not_before: at.elapsed,
                };
                return;
            }
            let station = &self.stations[question.station];
            let bits = (station.sent_bytes() * 11) as u32;
            let wire = self.plan.speed.map_or(Duration::ZERO, |speed| {
                Duration::from_secs(1) * bits / speed.max(1)
            });
            let deadline = at.elapsed + wire + station.answer_within(question.place);
            self.phase = Phase::Waiting { question, deadline };
        }
    }

    /// The next question of an exchange under way.
    pub(super) fn ask_on(&mut self, question: Question, mut bytes: Vec<u8>, out: &mut Vec<Action>) {
        if self.plan.matching == Matching::Number {
            self.numbered.number(&mut bytes);
        }
        out.push(Action::Send {
            bytes,
            drain: self.plan.matching == Matching::Address,
        });
        self.phase = Phase::Sending(question);
    }

    /// The line spoke before it was asked: nothing was sent, and it must be quiet first.
    pub(super) fn not_quiet(&mut self, at: Moment, bytes: Vec<u8>, out: &mut Vec<Action>) {
        if let Phase::Sending(question) = self.phase {
            self.stations[question.station].take_back(at.elapsed);
            self.phase = Phase::Idle {
                not_before: at.elapsed,
            };
            self.unasked(at, &bytes, out);
        }
    }

    /// The waiting is over.
    pub(super) fn unanswered(&mut self, at: Moment, question: Question, out: &mut Vec<Action>) {
        let station = &mut self.stations[question.station];
        let was_silent = station.is_silent();
        let cost = at.elapsed.saturating_sub(question.asked.elapsed);
        let outputs = station.unanswered(at, question.asked, question.place);
        let late = station.late_until(at.elapsed, question.place);
        self.give(outputs, out);
        self.numbered.forget();
        if was_silent {
            self.budget.spent(at.elapsed, cost);
        } else {
            self.budget.used(question.asked.elapsed, at.elapsed);
        }
        let by_itself =
            self.plan.matching == Matching::Number || (was_silent && self.plan.matching == Matching::Address);
        self.phase = if by_itself {
            // its number, or the address of a unit that is not asked again before, tells a late answer apart
            Phase::Idle {
                not_before: at.elapsed,
            }
        } else {
            Phase::Quarantine { until: late }
        };
        let hopeless = self
            .stations
            .iter()
            .filter(|station| !station.asked.out_of_service)
            .all(|station| station.is_silent() && station.is_asked());
        if hopeless && self.renew_at.is_none() {
            self.renew_at = Some(at.elapsed + self.renew.failed());
        }
    }
}
