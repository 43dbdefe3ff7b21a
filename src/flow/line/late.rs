//! Context that came too late, or corrects what was told: what was bound otherwise is bound again.
//!
//! Entries are never changed: `binding` entries detach them from where they were and attach them to where
//! they belong, with the verdict that counts there. Readings that became no entry, because nobody asked for
//! them as it seemed then, become entries now. What comes out is what would have come out had the context
//! been in time; only the bindings tell that it was not.

use super::{
    Enter, Entries, Line,
    deep::Reach,
    ending::How,
    memory::{Other, Past},
    unsure::Confirmed,
    watch::{Excursion, Interval, Pacing},
};
use crate::flow::{
    bind::{Bound, History, bind},
    check::Verdict,
};
use record::{Amount, Draft, Hash, Quality, Stamp, Value};
use rust_decimal::Decimal;
use std::sync::Arc;

/// What is bound otherwise now, by place and verdict.
#[derive(Debug, Default)]
pub(super) struct Moved {
    detached: Vec<(Arc<Bound>, Entries)>,
    attached: Vec<(Arc<Bound>, Option<Verdict>, Entries)>,
}

impl Moved {
    pub(super) fn detach(&mut self, place: &Arc<Bound>, entry: (u64, Hash)) {
        if place.batch.is_none() {
            return;
        }
        match self
            .detached
            .iter_mut()
            .find(|(known, _)| known.same_place(place))
        {
            Some((_, entries)) => entries.push(entry),
            None => self.detached.push((place.clone(), vec![entry])),
        }
    }

    pub(super) fn attach(&mut self, place: &Arc<Bound>, verdict: Option<Verdict>, entry: (u64, Hash)) {
        if place.batch.is_none() {
            return;
        }
        let alike = |known: &Arc<Bound>, said: Option<Verdict>| known.same_place(place) && said == verdict;
        match self
            .attached
            .iter_mut()
            .find(|(known, said, _)| alike(known, *said))
        {
            Some((_, _, entries)) => entries.push(entry),
            None => self.attached.push((place.clone(), verdict, vec![entry])),
        }
    }

    /// Everything that is bound otherwise.
    pub(super) fn seqs(&self) -> impl Iterator<Item = u64> {
        let detached = self.detached.iter().flat_map(|(_, entries)| entries);
        let attached = self.attached.iter().flat_map(|(_, _, entries)| entries);
        detached.chain(attached).map(|(seq, _)| *seq)
    }

    fn count(&self) -> usize {
        let detached: usize = self.detached.iter().map(|(_, entries)| entries.len()).sum();
        let attached: usize = self.attached.iter().map(|(_, _, entries)| entries.len()).sum();
        detached.max(attached)
    }
}

impl Line {
    /// Binds again what the new history of a unit binds otherwise than the one before, and confirms what was
    /// entered in doubt since then and is not bound otherwise.
    pub(super) fn bind_again(
        &mut self,
        unit: usize,
        before: &History,
        (corrected, doubt): (bool, Option<Stamp>),
        enter: &mut dyn Enter,
    ) {
        let from = self.units[unit].history.differs_from(before);
        let until = self.floor(unit);
        let (mut moved, mut confirmed) = (Moved::default(), Confirmed::default());
        if [from, doubt].iter().flatten().any(|from| *from < until) {
            let reach = Reach {
                from: from.unwrap_or(until),
                until,
                doubt,
            };
            self.attach_shared(true, enter);
            self.deep(unit, before, &reach, (&mut moved, &mut confirmed), enter);
            self.remember_deep(unit, &reach, enter);
        }
        if let Some(from) = from {
            self.recent_again(unit, from.max(until), &mut moved, enter);
            for (was, place, verdict, entry) in self.hands_again(unit, from) {
                moved.detach(&was, entry);
                moved.attach(&place, Some(verdict), entry);
            }
        }
        if let Some(doubt) = doubt {
            self.confirm_recent(unit, doubt.max(until), &moved, &mut confirmed);
        }
        if let Some(from) = from {
            self.say_moved(unit, from, corrected, &moved, enter);
        }
        self.say_confirmed(unit, confirmed, enter);
    }

    /// Of what memory holds: takes it again from `from` on.
    fn recent_again(&mut self, unit: usize, from: Stamp, moved: &mut Moved, enter: &mut dyn Enter) {
        let watches = self.units[unit].watches.clone();
        if !watches
            .iter()
            .any(|watch| self.watches[*watch].at.is_some_and(|at| at >= from))
        {
            return;
        }
        self.attach_shared(true, enter);
        self.others_again(unit, from, moved);
        self.rules_back(unit, from);
        for watch in watches {
            if let Some(at) = self.watches[watch].at.filter(|at| *at >= from) {
                if self.watches[watch].interval_over(from.plus_ms(-1)) {
                    self.flush(watch, enter);
                }
                self.rewind(watch, from);
                self.take_again(watch, from, at, enter);
                self.readings_again(watch, from, moved);
            }
        }
        self.drop_stale(unit, moved);
        self.rules_drop_stale(unit, moved);
    }

    /// Gaps, excursions, exceptions and summaries from `from` on.
    fn others_again(&mut self, unit: usize, from: Stamp, moved: &mut Moved) {
        let mut others = std::mem::take(&mut self.units[unit].others);
        let ends_before = |other: &Other| other.until < from || (other.kind == "gap" && other.until == from);
        for other in others.iter_mut().filter(|other| !ends_before(other)) {
            for old in &other.places {
                self.units[unit].count(old, |tally| match other.kind {
                    "gap" => tally.gaps = tally.gaps.saturating_sub(1),
                    "excursion" => tally.excursions = tally.excursions.saturating_sub(1),
                    "exception" => tally.exceptions = tally.exceptions.saturating_sub(1),
                    _ => {}
                });
            }
            if !matches!(other.kind, "gap" | "exception") {
                // These follow from limits and intervals of their place: they are derived again.
                other.stale = true;
                continue;
            }
            let places = self.lies_in(unit, other);
            let entry = (other.seq, other.leaf);
            for old in other
                .places
                .iter()
                .filter(|old| !places.iter().any(|place| place.same_place(old)))
            {
                moved.detach(old, entry);
            }
            for place in &places {
                if !other.places.iter().any(|old| old.same_place(place)) {
                    moved.attach(place, None, entry);
                }
                self.units[unit].count(place, |tally| match other.kind {
                    "gap" => tally.gaps += 1,
                    _ => tally.exceptions += 1,
                });
            }
            other.places = places;
        }
        self.units[unit].others = others;
    }

    /// Every place an entry lies in. A gap lies only where it is one: so much silence as a step allows is none there.
    pub(super) fn lies_in(&self, unit: usize, other: &Other) -> Vec<Arc<Bound>> {
        let history = &self.units[unit].history;
        self.places_of(history, other.watch, other.kind, (other.from, other.until))
    }

    /// The same by any history.
    pub(super) fn places_of(
        &self,
        history: &History,
        watch: usize,
        kind: &str,
        span: (Stamp, Stamp),
    ) -> Vec<Arc<Bound>> {
        let mut ends = history.boundaries(span.0, span.1);
        ends.push(span.1);
        let mut from = span.0;
        let mut places: Vec<Arc<Bound>> = Vec::new();
        for until in ends {
            let place = bind(history, from);
            let counts = kind != "gap"
                || self.watches[watch]
                    .rule_in(place)
                    .missing
                    .is_some_and(|missing| until.ms_since(from) > missing);
            if counts && !places.iter().any(|known| known.same_place(place)) {
                places.push(place.clone());
            }
            from = until;
        }
        places
    }

    /// What did not follow again from what was taken again stands nowhere any more.
    fn drop_stale(&mut self, unit: usize, moved: &mut Moved) {
        for other in self.units[unit].others.iter_mut().filter(|other| other.stale) {
            for place in other.places.drain(..) {
                moved.detach(&place, (other.seq, other.leaf));
            }
            other.stale = false;
        }
    }

    /// Puts a watch back to just before `from`.
    fn rewind(&mut self, at: usize, from: Stamp) {
        let unit = self.watches[at].unit;
        self.uncount(at, from);
        let earlier = from.plus_ms(-1);
        let place = bind(&self.units[unit].history, earlier).clone();
        let excursion = self
            .open_at(at, from)
            .filter(|excursion| excursion.place.same_place(&place));
        let (point, slot) = self.slot(at);
        let held = &self.points[point];
        let taken = held.past.iter().zip(held.base..held.next);
        let before: Vec<(&Past, u64)> = taken.filter(|(past, _)| past.reading.time < from).collect();
        let last = before.iter().map(|(past, _)| past.reading.time).max();
        let quality = before
            .last()
            .map_or(Quality::Good, |(past, _)| past.reading.answer.quality());
        let gaps = self.units[unit]
            .others
            .iter()
            .filter(|other| other.kind == "gap" && other.watch == at);
        let gap = gaps.filter(|gap| gap.until <= from).map(|gap| gap.until).max();
        let since = self.units[unit].history.place_since(earlier);
        // Where readings were forgotten already, nothing is said about silence between them.
        let forgotten = last.is_none() && held.base > 0;
        let known = last.max(gap).max(since).max(self.begun).filter(|_| !forgotten);
        let covered = known.unwrap_or(earlier).min(earlier);
        let interval = match self.watches[at].rule_in(&place).pace {
            Pacing::Every(every) => {
                let slot_of = earlier.0.div_euclid(every);
                let since = self.units[unit]
                    .history
                    .place_since(earlier)
                    .unwrap_or(Stamp(i64::MIN));
                let inside = before.iter().filter(|(past, _)| {
                    past.reading.time >= since && past.reading.time.0.div_euclid(every) == slot_of
                });
                let facts = inside.filter_map(|(past, serial)| {
                    let verdict = past.judged(slot)?.verdict;
                    Some((*serial, past.reading.time, &past.reading.answer, verdict))
                });
                Interval::of(slot_of, facts)
            }
            _ => None,
        };
        let watch = &mut self.watches[at];
        watch.rewound(interval, excursion, quality);
        watch.at = Some(earlier);
        watch.covered = covered;
        self.enter_place(at, place);
    }

    /// The excursion that was open just before `from`, as far as it had come then.
    fn open_at(&self, at: usize, from: Stamp) -> Option<Excursion> {
        let watch = &self.watches[at];
        let others = &self.units[watch.unit].others;
        let closed = others
            .iter()
            .rev()
            .filter(|other| other.watch == at && other.until >= from);
        let closed = closed
            .filter(|other| !other.places.is_empty())
            .filter_map(|other| other.closes.as_deref());
        let mut excursion = watch
            .excursion
            .iter()
            .chain(closed)
            .find(|excursion| excursion.started < from)?
            .clone();
        let (point, slot) = self.slot(at);
        let held = &self.points[point];
        let outside = held.past.iter().zip(held.base..held.next).filter(|(past, _)| {
            let time = past.reading.time;
            let judged = past.judged(slot).map(|judged| judged.verdict);
            time >= excursion.started && time < from && judged == Some(excursion.side)
        });
        let shown = outside.filter_map(|(past, serial)| match past.reading.answer.value() {
            Some(Value::Quantity(shown)) if shown.unit == excursion.band.unit => {
                Some((shown.amount.clone(), serial))
            }
            _ => None,
        });
        let shown: Vec<(Amount, u64)> = shown.collect();
        let course: Vec<(Stamp, Decimal)> = shown
            .iter()
            .filter_map(|(amount, serial)| {
                let past = held.past.get(serial.checked_sub(held.base)? as usize)?;
                Some((past.reading.time, amount.number()))
            })
            .collect();
        let above = excursion.side == Verdict::Above;
        let count = shown.len() as u64;
        let beyond = |a: &Amount, b: &Amount| {
            if above {
                b.number() > a.number()
            } else {
                b.number() < a.number()
            }
        };
        if let Some((extreme, serial)) = shown
            .into_iter()
            .reduce(|a, b| if beyond(&a.0, &b.0) { b } else { a })
        {
            (excursion.extreme, excursion.extreme_at, excursion.count) = (extreme, serial, count);
            (excursion.area, excursion.last) = (Decimal::ZERO, (excursion.started, Decimal::ZERO));
            for (time, number) in course {
                let far = excursion.beyond(number);
                excursion.cover(time, far);
            }
        }
        Some(excursion)
    }

    /// Takes what was counted from `from` on out of the figures.
    fn uncount(&mut self, at: usize, from: Stamp) {
        let (point, slot) = self.slot(at);
        let unit = self.watches[at].unit;
        let held = &mut self.points[point];
        let taken = (held.next - held.base) as usize;
        for past in held
            .past
            .iter_mut()
            .take(taken)
            .filter(|past| past.reading.time >= from)
        {
            let bit = if slot < 64 { 1 << slot } else { 0 };
            let captured = u64::from(past.counted & bit != 0);
            past.counted &= !bit;
            let quality = past.reading.answer.quality() as usize;
            let Some(judged) = past.judged(slot) else { continue };
            if self.watches[at].rule_in(&judged.place).pace == Pacing::Never {
                continue;
            }
            let verdict = judged.verdict as usize;
            self.units[unit].count(&judged.place.clone(), |tally| {
                tally.verdicts[verdict] = tally.verdicts[verdict].saturating_sub(1);
                tally.qualities[quality] = tally.qualities[quality].saturating_sub(1);
                tally.captured = tally.captured.saturating_sub(captured);
            });
        }
    }

    /// Takes the readings of a watch once more, in the order of their time.
    fn take_again(&mut self, at: usize, from: Stamp, until: Stamp, enter: &mut dyn Enter) {
        let (point, slot) = self.slot(at);
        let held = &self.points[point];
        let taken = (held.next - held.base) as usize;
        let mut again: Vec<(Stamp, u64)> = (held.past.iter().take(taken).zip(held.base..))
            .filter(|(past, _)| past.reading.time >= from)
            .map(|(past, serial)| (past.reading.time, serial))
            .collect();
        again.sort_by_key(|(time, _)| *time);
        for (time, serial) in again {
            let Some(place) = serial.checked_sub(self.points[point].base) else {
                continue;
            };
            self.go(at, time, enter);
            self.close_gap(at, time, enter);
            self.judge(point, place as usize, slot, at);
            self.take_in(point, place as usize, slot, at, enter);
        }
        self.go(at, until, enter);
    }

    /// Entered readings from `from` on: where they were bound, and where they are now.
    fn readings_again(&mut self, at: usize, from: Stamp, moved: &mut Moved) {
        let (point, slot) = self.slot(at);
        for past in self.points[point]
            .past
            .iter_mut()
            .filter(|past| past.reading.time >= from)
        {
            let Some(judged) = past.judged(slot) else { continue };
            let now = (judged.place.clone(), judged.verdict);
            let Some(written) = &mut past.entered else {
                continue;
            };
            let entry = (written.seq, written.leaf);
            let Some(was) = written.places.get_mut(slot) else {
                continue;
            };
            if !was.0.same_place(&now.0) {
                moved.detach(&was.0, entry);
                moved.attach(&now.0, Some(now.1), entry);
            }
            *was = now;
        }
    }

    fn say_moved(&mut self, unit: usize, from: Stamp, corrected: bool, moved: &Moved, enter: &mut dyn Enter) {
        let because = if corrected {
            "context-corrected"
        } else {
            "context-late"
        };
        for (place, entries) in &moved.detached {
            self.bind_entries(unit, place, How::detached(because), entries.clone(), enter);
        }
        for (place, verdict, entries) in &moved.attached {
            self.bind_entries(
                unit,
                place,
                How::attached(because, *verdict),
                entries.clone(),
                enter,
            );
        }
        let count = moved.count();
        if count == 0 {
            return;
        }
        let place = bind(&self.units[unit].history, from).clone();
        let late = self.now.ms_since(from).max(0);
        let says =
            format!("{count} entries were bound again: what holds since {from} was told {late} ms later");
        let draft = self
            .placed(Draft::new("exception", self.now), unit, &place)
            .with("because", "context-late");
        enter.enter(draft.data("says", says));
        self.units[unit].count(&place, |tally| tally.exceptions += 1);
    }

    /// The point of a watch, and which of the point's watches it is.
    pub(super) fn slot(&self, at: usize) -> (usize, usize) {
        let point = self.watches[at].point;
        (
            point,
            self.points[point]
                .watches
                .iter()
                .position(|other| *other == at)
                .unwrap_or(0),
        )
    }
}
