//! Readings, taken one after the other in the order of their time once they have settled.

use super::{
    Enter, Line, LineAction, Reading,
    memory::{Past, amount, limits},
    watch::{AROUND, Excursion, Interval, Taken},
};
use crate::flow::{
    bind::{Bound, bind},
    check::Verdict,
};
use record::{Draft, Stamp, Trouble, Value};
use rust_decimal::Decimal;
use std::sync::Arc;

impl Line {
    /// A point answered.
    pub(super) fn read(&mut self, reading: Reading, enter: &mut dyn Enter) {
        self.time(reading.read);
        self.context_point(&reading, enter);
        let Some(point) = self.index.get(&reading.point).copied() else {
            return;
        };
        self.booked.came += 1;
        if self.points[point].declared.is_some() {
            self.booked.declared += 1;
            return;
        }
        self.heard(point, reading.time, true);
        self.points[point].past.push_back(Past::new(reading));
        self.release(point, false, enter);
        self.make_room(point);
    }

    /// Takes what was held long enough. A clock that steps back releases too: nothing waits for it to come round.
    pub(super) fn release(&mut self, point: usize, all: bool, enter: &mut dyn Enter) {
        loop {
            let held = &self.points[point];
            let at = (held.next - held.base) as usize;
            let Some(past) = held.past.get(at) else { return };
            let waited = self.now.ms_since(past.reading.read);
            let crowded = held.past.len() - at > 10_000;
            if !(all || crowded || waited >= self.settle || waited < 0) {
                return;
            }
            self.points[point].next += 1;
            self.take(point, at, enter);
        }
    }

    /// Takes one reading in every unit that looks at its point.
    pub(super) fn take(&mut self, point: usize, at: usize, enter: &mut dyn Enter) {
        for slot in 0..self.points[point].watches.len() {
            let watch = self.points[point].watches[slot];
            let time = self.points[point].past[at].reading.time;
            self.go(watch, time, enter);
            self.close_gap(watch, time, enter);
            self.judge(point, at, slot, watch);
        }
        for slot in 0..self.points[point].watches.len() {
            let watch = self.points[point].watches[slot];
            self.take_in(point, at, slot, watch, enter);
        }
    }

    /// Binds and judges; no entry, no allocation.
    pub(super) fn judge(&mut self, point: usize, at: usize, slot: usize, watch_at: usize) {
        let time = self.points[point].past[at].reading.time;
        let watch = &mut self.watches[watch_at];
        let place = bind(&self.units[watch.unit].history, time);
        let straggler = watch.place.as_ref().is_some_and(|here| !here.same_place(place));
        let past = &self.points[point].past[at];
        let judged = if straggler {
            watch.judge_in(place, &past.reading.answer)
        } else {
            watch.judge(&past.reading.answer)
        };
        let judged = self.marked(point, time, judged);
        self.points[point].past[at].judge(slot, judged);
        if !straggler {
            self.feed(point, at, slot, watch_at);
        }
    }

    pub(super) fn take_in(
        &mut self,
        point: usize,
        at: usize,
        slot: usize,
        watch_at: usize,
        enter: &mut dyn Enter,
    ) {
        let serial = self.points[point].base + at as u64;
        let past = &self.points[point].past[at];
        let Some(judged) = past.judged(slot) else { return };
        let time = past.reading.time;
        let watch = &mut self.watches[watch_at];
        let straggler = watch
            .place
            .as_ref()
            .is_some_and(|here| !here.same_place(&judged.place));
        let taken = if straggler {
            watch.step_aside(judged)
        } else {
            watch.step(serial, time, &past.reading.answer, judged)
        };
        let out = straggler && judged.verdict.is_out();
        let (verdict, quality) = (judged.verdict as usize, past.reading.answer.quality() as usize);
        let unit = &mut self.units[watch.unit];
        if straggler {
            let place = judged.place.clone();
            unit.count(&place, |tally| {
                tally.count(verdict, quality, u64::from(taken.counted));
            });
        } else if watch.wants() {
            for tally in &watch.tallies {
                unit.tallies[*tally].count(verdict, quality, u64::from(taken.counted));
            }
        }
        if taken.counted && slot < 64 {
            self.points[point].past[at].counted |= 1 << slot;
        }
        if !taken.is_nothing() {
            self.act(point, serial, watch_at, taken, enter);
        }
        if out {
            self.lone_excursion(point, serial, watch_at, slot, enter);
        }
        if !self.found.is_empty() {
            self.enter_found(enter);
        }
    }

    /// Enters what one reading leads to.
    fn act(&mut self, point: usize, serial: u64, watch: usize, taken: Taken, enter: &mut dyn Enter) {
        if let Some(interval) = taken.flush {
            self.end_interval(watch, &interval, enter);
        }
        if let Some(excursion) = taken.closed {
            let time = self.time_of(point, serial);
            self.end_excursion(watch, &excursion, time, enter);
        }
        if taken.enter {
            self.enter_reading(point, serial, taken.around, enter);
        }
        if taken.opened {
            self.begin_excursion(point, serial, watch, enter);
        }
        if taken.doubt {
            let Some(place) = self.watches[watch]
                .place
                .clone()
                .filter(|place| place.batch.is_some())
            else {
                return;
            };
            let answer = &self.points[point].past[(serial - self.points[point].base) as usize]
                .reading
                .answer;
            let because = if answer.value().is_some() {
                "doubtful-value"
            } else {
                "bad-value"
            };
            let says = answer.because().unwrap_or_default().to_owned();
            let time = self.time_of(point, serial);
            self.except(watch, place, because, &says, time, enter);
        }
    }

    fn time_of(&self, point: usize, serial: u64) -> Stamp {
        let point = &self.points[point];
        let at = serial.saturating_sub(point.base) as usize;
        point.past.get(at).map_or(self.now, |past| past.reading.time)
    }

    fn begin_excursion(&mut self, point: usize, serial: u64, watch: usize, enter: &mut dyn Enter) {
        let Some(excursion) = self.watches[watch].excursion.clone() else {
            return;
        };
        let span = (excursion.started, excursion.started);
        if let Some(seq) = self.known(watch, "excursion", span, &excursion.place) {
            if let Some(open) = &mut self.watches[watch].excursion {
                open.seq = seq;
            }
            self.units[self.watches[watch].unit].count(&excursion.place, |tally| tally.excursions += 1);
            return;
        }
        let draft = self.excursion_draft(watch, &excursion, excursion.started, "open");
        let entered = enter.enter(draft);
        if let Some(open) = &mut self.watches[watch].excursion {
            open.seq = entered.seq;
        }
        self.units[self.watches[watch].unit].count(&excursion.place, |tally| tally.excursions += 1);
        self.say_excursion(watch, &excursion);
        self.remember(watch, "excursion", span, entered, excursion.place);
        for before in serial.saturating_sub(AROUND as u64)..serial {
            self.enter_reading(point, before, Some(entered.seq), enter);
        }
    }

    /// A reading that came too late to belong to a course of others, and breaks a limit.
    fn lone_excursion(
        &mut self,
        point: usize,
        serial: u64,
        watch: usize,
        slot: usize,
        enter: &mut dyn Enter,
    ) {
        let past = &self.points[point].past[(serial - self.points[point].base) as usize];
        let (Some(judged), Some(Value::Quantity(shown))) = (past.judged(slot), past.reading.answer.value())
        else {
            return;
        };
        let (Some(band), time) = (judged.band.clone(), past.reading.time) else {
            return;
        };
        let mut excursion = Excursion {
            seq: 0,
            side: judged.verdict,
            started: time,
            extreme: shown.amount.clone(),
            extreme_at: serial,
            band,
            count: 1,
            area: Decimal::ZERO,
            last: (time, Decimal::ZERO),
            place: judged.place.clone(),
        };
        let entered = enter.enter(self.excursion_draft(watch, &excursion, time, "open"));
        excursion.seq = entered.seq;
        self.units[self.watches[watch].unit].count(&excursion.place, |tally| tally.excursions += 1);
        self.remember(watch, "excursion", (time, time), entered, excursion.place.clone());
        self.end_excursion(watch, &excursion, time, enter);
    }

    fn end_excursion(&mut self, watch: usize, excursion: &Excursion, ended: Stamp, enter: &mut dyn Enter) {
        if self
            .known(watch, "closed", (excursion.started, ended), &excursion.place)
            .is_some()
        {
            return;
        }
        // The worst reading is an entry of its own, with its bytes.
        self.enter_reading(
            self.watches[watch].point,
            excursion.extreme_at,
            Some(excursion.seq),
            enter,
        );
        let draft = self.excursion_over(watch, excursion, ended);
        let entered = enter.enter(draft);
        self.say_over(watch, excursion, ended);
        self.remember(
            watch,
            "closed",
            (excursion.started, ended),
            entered,
            excursion.place.clone(),
        );
        let others = &mut self.units[self.watches[watch].unit].others;
        if let Some(closed) = others.back_mut() {
            closed.closes = Some(Box::new(excursion.clone()));
        }
    }

    /// The number of an entry that says this already, where something is derived a second time.
    pub(super) fn known(
        &mut self,
        watch: usize,
        kind: &str,
        span: (Stamp, Stamp),
        place: &Bound,
    ) -> Option<u64> {
        let others = &mut self.units[self.watches[watch].unit].others;
        let same = others.iter_mut().rev().find(|other| {
            other.watch == watch
                && other.kind == kind
                && (other.from, other.until) == span
                && other.places.iter().any(|known| known.same_place(place))
        });
        same.map(|other| {
            other.stale = false;
            other.seq
        })
    }

    fn say_excursion(&mut self, watch: usize, excursion: &Excursion) {
        let (watch, shown) = (&self.watches[watch], excursion.band.unit.shown());
        let limit = excursion
            .band
            .broken(excursion.side)
            .map(ToString::to_string)
            .unwrap_or_default();
        let what = format!(
            "{}: {} {shown}, {} {limit} {shown}",
            watch.role,
            excursion.extreme,
            excursion.side.word()
        );
        self.actions.push(LineAction::Say(
            Trouble::new("excursion", what)
                .at(format!("{}, {}", self.units[watch.unit].name, excursion.place))
                .means("entered as an excursion with the readings around it")
                .so("bring it back, then acknowledge with a comment"),
        ));
    }

    fn say_over(&mut self, watch: usize, excursion: &Excursion, ended: Stamp) {
        let (watch, shown) = (&self.watches[watch], excursion.band.unit.shown());
        let seconds = ended.ms_since(excursion.started) / 1000;
        let what = format!(
            "{}: the excursion to {} {shown} is over after {seconds} s",
            watch.role, excursion.extreme
        );
        self.actions.push(LineAction::Say(
            Trouble::new("excursion-over", what)
                .at(format!("{}, {}", self.units[watch.unit].name, excursion.place))
                .means("entered with its extreme and its length")
                .so("acknowledge with a comment"),
        ));
    }

    /// The entry that closes an excursion.
    pub(super) fn excursion_over(&self, watch: usize, excursion: &Excursion, ended: Stamp) -> Draft {
        self.excursion_draft(watch, excursion, ended, "closed")
            .with("opened", excursion.seq)
            .data("started", excursion.started)
            .data("ended", ended)
            .data("duration_ms", ended.ms_since(excursion.started))
            .data("count", excursion.count)
            .data("area", amount(excursion.area_until(ended)))
            .with(
                "evidence",
                self.evidence_between(self.watches[watch].point, excursion.started, ended),
            )
    }

    pub(super) fn excursion_draft(
        &self,
        watch: usize,
        excursion: &Excursion,
        time: Stamp,
        state: &str,
    ) -> Draft {
        let limit = excursion
            .band
            .broken(excursion.side)
            .map(ToString::to_string)
            .unwrap_or_default();
        self.about(Draft::new("excursion", time), watch, &excursion.place)
            .with("state", state)
            .with("limits", limits(&excursion.place))
            .with("class", "limit")
            .with("severity", "major")
            .data("extreme", excursion.extreme.as_str())
            .data("limit", limit)
            .data("side", excursion.side.word())
            .data("in", excursion.band.unit.ucum())
    }

    /// The last reading of an interval, and all of them in figures.
    fn end_interval(&mut self, at: usize, interval: &Interval, enter: &mut dyn Enter) {
        let point = self.watches[at].point;
        self.enter_reading(point, interval.last, None, enter);
        self.count_last(at, interval.last);
        if interval.count() < 2 {
            return;
        }
        let Some(place) = self.watches[at].place.clone() else {
            return;
        };
        if self
            .known(at, "summary", (interval.from, interval.until), &place)
            .is_some()
        {
            return;
        }
        let mut draft = self
            .about(Draft::new("summary", interval.from), at, &place)
            .with("until", interval.until)
            .with("verdict", interval.verdict.word())
            .data("count", interval.count())
            .data("good", interval.counts[0])
            .data("uncertain", interval.counts[1])
            .data("bad", interval.counts[2]);
        if interval.verdict != Verdict::NotJudged {
            draft = draft.with("limits", limits(&place));
        }
        if let (Some(unit), Some(mean)) = (interval.unit, interval.mean()) {
            draft = draft
                .data("min", amount(interval.min))
                .data("max", amount(interval.max))
                .data("mean", amount(mean))
                .data("in", unit.ucum());
        }
        let entered = enter.enter(draft);
        self.remember(at, "summary", (interval.from, interval.until), entered, place);
    }

    /// Of an interval its last reading counts as the one asked for; once, however often it is taken.
    fn count_last(&mut self, at: usize, serial: u64) {
        let (point, slot) = self.slot(at);
        let held = &mut self.points[point];
        let bit = if slot < 64 { 1 << slot } else { 0 };
        let past = serial
            .checked_sub(held.base)
            .and_then(|place| held.past.get_mut(place as usize));
        if past.as_ref().is_some_and(|past| past.counted & bit != 0) {
            return;
        }
        if let Some(past) = past {
            past.counted |= bit;
        }
        let watch = &self.watches[at];
        for tally in &watch.tallies {
            self.units[watch.unit].tallies[*tally].captured += 1;
            self.units[watch.unit].tallies[*tally].changed = true;
        }
    }

    /// Enters what a watch has collected and not yet said.
    pub(super) fn flush(&mut self, at: usize, enter: &mut dyn Enter) {
        if let Some(interval) = self.watches[at].interval.take() {
            self.end_interval(at, &interval, enter);
        }
    }

    /// Moves a watch on to `time`, through every boundary on the way; each ends what the last place began.
    pub(super) fn go(&mut self, at: usize, time: Stamp, enter: &mut dyn Enter) {
        let unit = self.watches[at].unit;
        let begun = self.begun.unwrap_or(time).min(time);
        if self.watches[at].place.is_none() {
            let from = self.watches[at].at.unwrap_or(begun).min(time);
            let place = bind(&self.units[unit].history, from).clone();
            self.watches[at].covered = self.watches[at].covered.max(from);
            self.watches[at].at = Some(from);
            self.enter_place(at, place);
        }
        let from = self.watches[at].at.unwrap_or(begun);
        if time < from {
            return;
        }
        let bound = bind(&self.units[unit].history, time);
        if !self.watches[at]
            .place
            .as_ref()
            .is_some_and(|place| Arc::ptr_eq(place, bound))
        {
            let bound = bound.clone();
            for boundary in self.units[unit].history.boundaries(from, time.plus_ms(1)) {
                self.leave(at, boundary, enter);
                let place = bind(&self.units[unit].history, boundary).clone();
                self.enter_place(at, place);
            }
            self.enter_place(at, bound);
        }
        self.watches[at].at = Some(time);
    }

    /// A boundary ends interval, excursion and gap.
    fn leave(&mut self, at: usize, boundary: Stamp, enter: &mut dyn Enter) {
        self.flush(at, enter);
        if let Some(excursion) = self.watches[at].excursion.take() {
            self.end_excursion(at, &excursion, boundary, enter);
        }
        self.close_gap(at, boundary, enter);
    }

    pub(super) fn enter_place(&mut self, at: usize, place: Arc<Bound>) {
        let watch = &mut self.watches[at];
        let unit = &mut self.units[watch.unit];
        watch.tallies.clear();
        if let Some(batch) = &place.batch {
            for (step, run) in &place.runs {
                watch.tallies.push(unit.tally(batch, step, *run));
            }
        }
        watch.enter(place);
        self.rules_enter(at);
    }

    /// Time passes for a watch without a reading, never beyond what is still held.
    pub(super) fn advance(&mut self, at: usize, enter: &mut dyn Enter) {
        let point = &self.points[self.watches[at].point];
        let held = point
            .past
            .get((point.next - point.base) as usize)
            .map(|past| past.reading.time);
        let until = self.now.plus_ms(-self.settle);
        let until = held.map_or(until, |held| until.min(held.plus_ms(-1)));
        if self.watches[at].at.is_none_or(|at| at < until) && self.begun.is_some_and(|begun| begun <= until) {
            self.go(at, until, enter);
        }
        let slot_over = self.watches[at].interval_over(until);
        if slot_over {
            self.flush(at, enter);
        }
    }
}
