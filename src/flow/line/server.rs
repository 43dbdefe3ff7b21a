//! What an OPC UA server does otherwise than was agreed: an exception in each batch it concerns. Values that were
//! there and did not reach us are a gap of their own, however short.

use super::{Enter, Line};
use crate::{config::plant::PointName, flow::bind::bind};
use record::{Draft, Stamp};
use std::collections::BTreeSet;

impl Line {
    /// Said of equipment: once in each unit that looks at it, in the batch that runs there.
    pub(super) fn of_equipment(
        &mut self,
        tags: &[String],
        because: &'static str,
        says: &str,
        now: Stamp,
        enter: &mut dyn Enter,
    ) {
        let mut units = BTreeSet::new();
        for watch in &self.watches {
            if tags.contains(&self.points[watch.point].name.tag) {
                units.insert(watch.unit);
            }
        }
        let draft = || {
            Draft::new("exception", now)
                .with("because", because)
                .with("about", tags.join(", "))
                .data("says", says)
        };
        if units.is_empty() {
            enter.enter(draft());
            return;
        }
        for at in units {
            let place = bind(&self.units[at].history, now).clone();
            let mut about = Draft::new("exception", now).with("unit", self.units[at].name.as_str());
            if let Some(batch) = &place.batch {
                about = about.with("batch", &**batch);
            }
            let about = about.with("because", because).with("about", tags.join(", "));
            // It is the batch's, not the step's that happens to run.
            enter.enter(about.data("says", says));
        }
    }

    /// From the last reading of a point until now values were there and did not reach us.
    pub(super) fn values_lost(
        &mut self,
        point: &PointName,
        since: Stamp,
        note: &str,
        now: Stamp,
        enter: &mut dyn Enter,
    ) {
        let Some(at) = self.index.get(point).copied() else {
            return;
        };
        for watch in self.points[at].watches.clone() {
            let unit = self.watches[watch].unit;
            let place = bind(&self.units[unit].history, since).clone();
            let draft = self
                .about(Draft::new("gap", since), watch, &place)
                .with("until", now)
                .with("because", "overflow")
                .data("note", note);
            let entered = enter.enter(draft);
            self.units[unit].count(&place, |tally| tally.gaps += 1);
            self.remember(watch, "gap", (since, now), entered, place);
        }
    }
}
