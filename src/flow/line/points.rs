//! Context from points of the equipment: what they show becomes a message like any other, with its history.

use super::{Enter, Line, Reading, told::told_by};
use crate::{
    config::plant::Authority,
    flow::context::{
        Origin,
        compose::{self, Head, Shown},
        points::Found,
    },
};
use record::{Draft, Stamp};

/// Equipment whose points were not agreed on for so long is silent, where no lease is written.
pub(super) const LEASE_MS: i64 = 60_000;

impl Line {
    /// A point answered; perhaps one that tells context.
    pub(super) fn context_point(&mut self, reading: &Reading, enter: &mut dyn Enter) {
        for at in 0..self.units.len() {
            let unit = &mut self.units[at];
            if unit.authority != Authority::Points {
                continue;
            }
            let found = unit
                .watcher
                .as_mut()
                .and_then(|watcher| watcher.read(&reading.point, &reading.answer, reading.time));
            match found {
                None => {}
                Some(Found::Same) => self.hear(at, enter),
                Some(Found::Lost { since, why, unknown }) => self.points_lost(at, since, why, unknown, enter),
                Some(Found::Shows {
                    shown,
                    counter,
                    since,
                    unsure,
                    unchanged,
                }) => {
                    let mut origin = Origin::of(Authority::Points);
                    origin.counter = Some(counter);
                    origin.unsure = unsure;
                    self.points_show(at, &shown, since, unchanged, &origin, enter);
                }
            }
        }
    }

    fn points_show(
        &mut self,
        at: usize,
        shown: &Shown,
        since: Stamp,
        unchanged: bool,
        origin: &Origin,
        enter: &mut dyn Enter,
    ) {
        let head = self.head(at, since);
        let message = compose::observed(&self.units[at].history, shown, head);
        let lost = self.units[at]
            .history
            .current()
            .filter(|batch| batch.lost.is_some() && !unchanged)
            .map(|batch| batch.id.clone());
        if let Some(batch) = lost {
            // What ran in between nobody knows; that it is over is an entry before it has effect.
            let draft = Draft::new("allocation", since).with("unit", self.units[at].name.as_str());
            let draft = draft.with("batch", &*batch).with("state", "found");
            enter.enter(told_by(draft, (&message, origin)));
            self.units[at].history.found(&batch, since);
        }
        self.accept(at, message, origin, None, enter);
    }

    fn points_lost(&mut self, at: usize, since: Stamp, why: String, unknown: bool, enter: &mut dyn Enter) {
        self.hear(at, enter);
        if unknown {
            self.odd(at, "context-unexpected", &why, since, None, enter);
        }
        let running = self.units[at].history.current();
        if running.is_none_or(|batch| batch.lost.is_some()) {
            return;
        }
        let message = self.head(at, since).nothing();
        let mut origin = Origin::of(Authority::Points);
        origin.note = Some(why);
        self.accept(at, message, &origin, None, enter);
    }

    /// Head of the next message that nobody wrote.
    fn head(&self, at: usize, sent: Stamp) -> Head {
        let unit = &self.units[at];
        Head {
            number: unit.number + 1,
            sent,
            source: unit
                .watcher
                .as_ref()
                .map_or_else(String::new, |watcher| watcher.source().to_owned()),
        }
    }
}
