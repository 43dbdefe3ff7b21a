//! Asking in turn: servers without subscriptions, and who the instrument is.

use super::{Action, Moment, ServerLink, WHO_AGAIN, calls::Purpose, items::State};
use crate::flow::needs::server::{Call, Problem, ProblemKind, Reply};
use driver::{Role, nodes::ItemId};

impl ServerLink {
    pub(super) fn read_due(&mut self, at: Moment, out: &mut Vec<Action>) {
        for place in 0..self.stations.len() {
            if self.stations[place].asked.out_of_service {
                continue;
            }
            if self.stations[place].who_at <= at.elapsed {
                self.stations[place].who_at = at.elapsed + WHO_AGAIN;
                self.ask_who(at, place, out);
            }
            let due = self.stations[place]
                .reads
                .as_mut()
                .filter(|slots| slots.due() <= at.elapsed);
            if let Some(slots) = due {
                slots.take(at.elapsed);
                let under_way = self
                    .calls
                    .count(|purpose| matches!(purpose, Purpose::Read(station, _) if *station == place));
                // a server that is slower than its slots misses some; they are not caught up
                if under_way == 0 {
                    self.read_all(at, place, out);
                }
            }
        }
    }

    fn ready(&self, place: usize, of: impl Fn(Role) -> bool) -> Vec<usize> {
        (0..self.items.len())
            .filter(|item| {
                let item = &self.items[*item];
                item.station == place && of(item.role) && matches!(item.state, State::Watched(_))
            })
            .collect()
    }

    fn read_all(&mut self, at: Moment, place: usize, out: &mut Vec<Action>) {
        let items = self.ready(place, |role| role != Role::Identity);
        for part in items.chunks(self.per_call(place)) {
            let targets = part.iter().filter_map(|item| self.target(*item)).collect();
            self.calls
                .make(at, Purpose::Read(place, part.to_vec()), Call::Read(targets), out);
        }
    }

    fn ask_who(&mut self, at: Moment, place: usize, out: &mut Vec<Action>) {
        let items = self.ready(place, |role| role == Role::Identity);
        for part in items.chunks(self.per_call(place)) {
            let targets = part.iter().filter_map(|item| self.target(*item)).collect();
            self.calls
                .make(at, Purpose::Who(place, part.to_vec()), Call::Read(targets), out);
        }
    }

    pub(super) fn was_read(
        &mut self,
        at: Moment,
        place: usize,
        items: &[usize],
        answer: Result<Reply, Problem>,
        out: &mut Vec<Action>,
    ) {
        match answer {
            Ok(Reply::Values(values)) => {
                self.stations[place].proven = Some(at);
                let delivery: Vec<(ItemId, _)> = items
                    .iter()
                    .map(|item| self.items[*item].id)
                    .zip(values)
                    .collect();
                let heard = self.stations[place].asked.hearing.hear(&delivery);
                self.heard(at, place, heard, None, out);
                self.stations[place].heard = Some(at.now);
            }
            Ok(_) => {}
            Err(problem) if problem.kind == ProblemKind::Refused => {
                for item in items {
                    self.refuse(at, *item, problem.status, out);
                }
            }
            Err(problem) => return self.lost(at, &problem, out),
        }
        self.work(at, out);
    }

    pub(super) fn said_who(
        &mut self,
        at: Moment,
        place: usize,
        items: &[usize],
        answer: Result<Reply, Problem>,
        out: &mut Vec<Action>,
    ) {
        match answer {
            Ok(Reply::Values(values)) => {
                let delivery: Vec<(ItemId, _)> = items
                    .iter()
                    .map(|item| self.items[*item].id)
                    .zip(values)
                    .collect();
                let heard = self.stations[place].asked.hearing.hear(&delivery);
                self.heard(at, place, heard, None, out);
            }
            Err(problem) if matches!(problem.kind, ProblemKind::Lost | ProblemKind::Garbled) => {
                return self.lost(at, &problem, out);
            }
            _ => {}
        }
        self.work(at, out);
    }
}
