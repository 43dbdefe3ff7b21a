//! Losing the server: what is waited for, when silence becomes a gap, and what people are told.

use super::{Action, HELD_LONG, Moment, Phase, ServerLink, begin::TOO_MANY_SESSIONS, publish::Subscription};
use crate::{
    config::plant::PointName,
    flow::{
        link::{Change, LinkOutput, Reading},
        needs::server::{Problem, ProblemKind},
    },
};
use record::{Answer, Failure};
use std::time::Duration;

/// A server without subscriptions that says nothing for so long is silent.
const AWAY: Duration = Duration::from_secs(3);

impl ServerLink {
    /// The connection is gone. The session may still be there, and what it holds for us.
    pub(super) fn lost(&mut self, at: Moment, problem: &Problem, out: &mut Vec<Action>) {
        match self.phase {
            Phase::Away { .. } | Phase::Resting => return,
            Phase::Beginning(_) => return self.cannot_begin(at, problem, out),
            Phase::Working => {}
        }
        if at.elapsed.saturating_sub(self.opened_at) >= HELD_LONG {
            self.reopen.succeeded();
        }
        let last = self.stations.iter().filter_map(|station| station.proven);
        self.away_since = Some(last.max_by_key(|moment| moment.elapsed).unwrap_or(at));
        self.declared = false;
        self.step_back(at, problem, out);
    }

    /// Beginning did not come to its end.
    pub(super) fn cannot_begin(&mut self, at: Moment, problem: &Problem, out: &mut Vec<Action>) {
        self.step_back(at, problem, out);
        let needs_a_person = matches!(
            problem.kind,
            ProblemKind::Login | ProblemKind::Untrusted | ProblemKind::NotOffered | ProblemKind::Here
        );
        // a connection that was lost a moment ago gets its time to come back; a person is needed at once
        if self.away_since.is_some() && !self.declared && !needs_a_person {
            return;
        }
        let because = words(problem);
        if self.told.as_ref() == Some(&because) {
            return;
        }
        let first = self.told.replace(because.clone()).is_none();
        if first || !self.declared {
            self.nobody_answers(at, out);
            self.declared = true;
        }
        let change = match problem.kind {
            ProblemKind::Login => Change::LoginRefused { because },
            ProblemKind::Untrusted => Change::Untrusted {
                because,
                fingerprint: problem
                    .certificate
                    .as_ref()
                    .map_or_else(String::new, |shown| shown.fingerprint.clone()),
                until: problem.certificate.as_ref().map(|shown| shown.until),
            },
            ProblemKind::NotOffered => Change::NotOffered { because },
            _ => Change::CannotOpen { because },
        };
        self.tell(at, change, out);
    }

    fn step_back(&mut self, at: Moment, problem: &Problem, out: &mut Vec<Action>) {
        out.push(Action::DropConnection);
        self.calls.clear();
        let wait = self.wait_for(problem);
        self.phase = Phase::Away {
            open_at: at.elapsed + wait,
        };
    }

    /// A subscription has said nothing, though the server is there: nothing of it is trusted any more.
    pub(super) fn quiet_for_too_long(&mut self, at: Moment, place: usize, out: &mut Vec<Action>) {
        let quiet = self.subscriptions[place].quiet(at.elapsed);
        out.push(Action::Renew);
        self.away_since
            .get_or_insert(self.subscriptions[place].heard.unwrap_or(at));
        self.forget_session();
        self.declare(
            at,
            &format!("no value and no sign of life for {} s", quiet.as_secs()),
            out,
        );
        let wait = self.reopen.failed();
        self.phase = Phase::Away {
            open_at: at.elapsed + wait,
        };
    }

    /// There is no session and nothing in it.
    pub(super) fn forget_session(&mut self) {
        self.has_session = false;
        self.calls.clear();
        self.subscriptions.iter_mut().for_each(Subscription::forget);
    }

    /// When silence becomes a gap.
    pub(super) fn declare_at(&self) -> Option<Duration> {
        let since = self.away_since.filter(|_| !self.declared)?;
        let patience = self.subscriptions.iter().map(Subscription::patience).max();
        Some(since.elapsed + patience.unwrap_or(AWAY))
    }

    pub(super) fn declare_silence(&mut self, at: Moment, out: &mut Vec<Action>) {
        if self.declare_at().is_some_and(|due| at.elapsed >= due) {
            self.declare(at, "the connection is gone", out);
        }
    }

    /// From now on it is a gap.
    pub(super) fn declare(&mut self, at: Moment, because: &str, out: &mut Vec<Action>) {
        if self.declared {
            return;
        }
        self.declared = true;
        self.nobody_answers(at, out);
        self.told = Some(because.to_owned());
        let change = Change::Unplugged {
            because: because.to_owned(),
        };
        let since = self.away_since.map_or(at, |since| Moment {
            elapsed: at.elapsed,
            ..since
        });
        self.tell(since, change, out);
    }

    fn nobody_answers(&mut self, at: Moment, out: &mut Vec<Action>) {
        let since = self.away_since.map_or(at.now, |since| since.now);
        for station in self
            .stations
            .iter_mut()
            .filter(|station| !station.asked.out_of_service)
        {
            station.last.clear();
            for measure in &station.asked.measures {
                out.push(Action::Give(LinkOutput::Reading(Reading {
                    point: PointName {
                        tag: station.asked.tag.clone(),
                        measure: measure.clone(),
                    },
                    answer: Answer::Bad(Failure::Silent.word().to_owned()),
                    failure: Some(Failure::Silent),
                    raw: Vec::new(),
                    time: at.now,
                    asked: since,
                    origin: None,
                })));
            }
        }
    }
}

/// What went wrong, with the server's own number.
fn words(problem: &Problem) -> String {
    let more = if problem.status == TOO_MANY_SESSIONS {
        "; all its sessions are taken, by another gateway or by one that was not closed"
    } else {
        ""
    };
    if problem.status == 0 {
        format!("{}{more}", problem.words)
    } else {
        format!("{} ({:08X}){more}", problem.words, problem.status)
    }
}
