//! What is not certain about a binding, said on the reading itself: that the source of context was silent,
//! and that a boundary told may lie on the other side of the reading. What is marked so is confirmed, or
//! corrected, by `binding` entries when the source is back.

use super::{Enter, Entries, Line, ending::How, late::Moved};
use crate::{
    config::plant::Authority,
    flow::{
        bind::{Bound, Change},
        context::{Message, Origin},
    },
};
use record::{Draft, Stamp};
use std::{collections::HashSet, sync::Arc};

/// A skew that was proven holds for so long.
const PROVEN_MS: i64 = 24 * 3_600_000;

/// Entries that stay where they are, by place.
#[derive(Debug, Default)]
pub(super) struct Confirmed(Vec<(Arc<Bound>, Entries)>);

impl Confirmed {
    pub(super) fn push(&mut self, place: &Arc<Bound>, entry: (u64, record::Hash)) {
        match self.0.iter_mut().find(|(known, _)| known.same_place(place)) {
            Some((_, entries)) => entries.push(entry),
            None => self.0.push((place.clone(), vec![entry])),
        }
    }
}

impl Line {
    /// How far the new moments of a message may be off. A source's times count as its own only where a message
    /// that came in time has shown its clock; a message that comes late proves nothing by itself.
    pub(super) fn skew(&mut self, at: usize, message: &Message, origin: &Origin) -> i64 {
        if !matches!(origin.authority, Authority::Mqtt | Authority::Http) {
            return origin.unsure;
        }
        let apart = message.sent.ms_since(self.now).abs();
        let (now, bound) = (self.now, self.clock_may_differ);
        let unit = &mut self.units[at];
        if apart <= bound {
            unit.proven = Some(now);
            return bound;
        }
        let proven = unit
            .proven
            .is_some_and(|proven| now.ms_since(proven).abs() <= PROVEN_MS);
        if proven { bound } else { apart.min(PROVEN_MS) }
    }

    /// Keeps in mind which boundaries are how far from certain.
    pub(super) fn note_unsure(&mut self, at: usize, changes: &[Change], origin: &Origin) {
        // Points show a change only after it was; a clock may be off either way.
        let after = if origin.authority == Authority::Points {
            0
        } else {
            origin.unsure
        };
        let history = &mut self.units[at].history;
        for change in changes
            .iter()
            .filter(|change| !matches!(change, Change::Odd { .. }))
        {
            history.note_unsure(change.time(), origin.unsure, after);
        }
    }

    /// What a reading must say about its context, beside where it is bound.
    pub(super) fn doubts(&self, unit: usize, time: Stamp, draft: Draft) -> Draft {
        let unit = &self.units[unit];
        let draft = match unit.history.unsure_at(time) {
            Some(apart) => draft.with("boundary", apart),
            None => draft,
        };
        match unit.doubt_of(time) {
            Some(word) => draft.with("context", word),
            None => draft,
        }
    }

    /// Of what memory holds: what was entered in doubt and stands where it stood.
    pub(super) fn confirm_recent(
        &mut self,
        unit: usize,
        from: Stamp,
        moved: &Moved,
        confirmed: &mut Confirmed,
    ) {
        let gone: HashSet<u64> = moved.seqs().collect();
        for watch in self.units[unit].watches.clone() {
            let (point, slot) = self.slot(watch);
            let past = self.points[point].past.iter();
            for past in past.filter(|past| past.reading.time >= from) {
                let Some(written) = past.entered.as_ref().filter(|written| written.doubtful) else {
                    continue;
                };
                let Some((place, _)) = written.places.get(slot) else {
                    continue;
                };
                if place.batch.is_some() && !gone.contains(&written.seq) {
                    confirmed.push(place, (written.seq, written.leaf));
                }
            }
        }
    }

    /// The source is back: what it does not tell otherwise is confirmed.
    pub(super) fn say_confirmed(&mut self, unit: usize, confirmed: Confirmed, enter: &mut dyn Enter) {
        for (place, entries) in confirmed.0 {
            self.bind_entries(unit, &place, How::confirmed(), entries, enter);
        }
    }
}

impl super::Unit {
    /// Why a reading of this moment is bound in doubt.
    pub(super) fn doubt_of(&self, time: Stamp) -> Option<&'static str> {
        if self.fallback.as_ref().is_some_and(|told| told.since <= time) {
            Some("by-person")
        } else if self.doubt.is_some_and(|since| since <= time) {
            Some("unconfirmed")
        } else {
            None
        }
    }

    /// Since when anything was bound in doubt; asked when the authority is heard again.
    pub(super) fn doubted_since(&self) -> Option<Stamp> {
        let told = self.fallback.as_ref().map(|told| told.since);
        [self.doubt, told].into_iter().flatten().min()
    }
}
