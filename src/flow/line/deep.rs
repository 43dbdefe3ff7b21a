//! Context that comes later than memory reaches: a night without network. What was entered then is read
//! back from the ledger, one entry after the other, and only what is bound otherwise is kept in mind; so a
//! night costs no memory while it lasts.
//!
//! What became no entry then is gone; between what was entered, the rules of the right step are derived from
//! entered readings and the extremes of summaries.

use super::{
    Enter, Line,
    ending::How,
    late::Moved,
    recall::recalled_answer,
    unsure::Confirmed,
    watch::{Excursion, Judged, Pacing, worse},
};
use crate::flow::{
    bind::{Bound, History, bind},
    check::Verdict,
};
use record::{Amount, Answer, Draft, Line as Entry, Quantity, Stamp, Unit, Value};
use std::sync::Arc;

/// One look back.
struct Pass<'a> {
    unit: usize,
    before: &'a History,
    from: Stamp,
    until: Stamp,
    /// Since when what was entered in doubt is confirmed, if it is.
    doubt: Option<Stamp>,
    moved: &'a mut Moved,
    confirmed: &'a mut Confirmed,
    /// Excursions that go on, one for each watch of the unit.
    open: Vec<Option<Excursion>>,
    over: Vec<(usize, Excursion, Stamp)>,
    /// What covers the time of each watch, where it moved.
    covered: Vec<Vec<(Stamp, Stamp)>>,
}

/// How far back a look back goes.
pub(super) struct Reach {
    /// From when on something is bound otherwise.
    pub(super) from: Stamp,
    /// From here on memory holds everything.
    pub(super) until: Stamp,
    pub(super) doubt: Option<Stamp>,
}

impl Line {
    /// From when on memory holds every reading of a unit, and every interval from its begin.
    pub(super) fn floor(&self, unit: usize) -> Stamp {
        let watches = self.units[unit].watches.iter().map(|watch| &self.watches[*watch]);
        let forgotten = watches
            .clone()
            .filter_map(|watch| self.points[watch.point].forgotten)
            .max();
        let longest = watches.map(super::watch::Watch::longest).max().unwrap_or(0);
        forgotten.map_or(Stamp(i64::MIN), |forgotten| forgotten.plus_ms(longest + 1))
    }

    /// What lies before memory was not read back at the start.
    pub fn forgot_before(&mut self, time: Stamp) {
        for point in &mut self.points {
            point.forgotten = point.forgotten.max(Some(time));
        }
    }

    /// How many readings are in memory.
    pub fn remembered(&self) -> usize {
        self.points.iter().map(|point| point.past.len()).sum()
    }

    /// Binds again what was entered before memory begins.
    pub(super) fn deep(
        &mut self,
        unit: usize,
        before: &History,
        reach: &Reach,
        (moved, confirmed): (&mut Moved, &mut Confirmed),
        enter: &mut dyn Enter,
    ) {
        let watches = self.units[unit].watches.clone();
        let mut pass = Pass {
            unit,
            before,
            from: reach.from,
            until: reach.until,
            doubt: reach.doubt,
            moved,
            confirmed,
            open: vec![None; watches.len()],
            over: Vec::new(),
            covered: vec![Vec::new(); watches.len()],
        };
        let since = reach.doubt.map_or(reach.from, |doubt| doubt.min(reach.from));
        enter.earlier(since, &mut |entry| self.look_at(&mut pass, entry));
        let Pass {
            open,
            mut over,
            covered,
            ..
        } = pass;
        for (at, excursion) in open.into_iter().enumerate() {
            over.extend(excursion.map(|excursion| (watches[at], excursion, reach.until)));
        }
        for (watch, excursion, ended) in over {
            self.past_excursion(watch, excursion, ended, enter);
        }
        for (at, spans) in covered.into_iter().enumerate() {
            self.past_gaps(watches[at], before, reach, spans, enter);
        }
    }

    /// What memory still holds of the time that was bound again from the ledger stands there as well.
    pub(super) fn remember_deep(&mut self, unit: usize, reach: &Reach, enter: &mut dyn Enter) {
        for watch in self.units[unit].watches.clone() {
            let (point, slot) = self.slot(watch);
            let history = &self.units[unit].history;
            let base = self.points[point].base;
            let past = self.points[point].past.iter_mut().zip(base..);
            let mut wanted = Vec::new();
            let inside = |past: &super::memory::Past| {
                past.reading.time >= reach.from && past.reading.time < reach.until && past.first.is_some()
            };
            for (past, serial) in past.filter(|(past, _)| inside(past)) {
                let place = bind(history, past.reading.time);
                let judged = self.watches[watch].judge_in(place, &past.reading.answer);
                let stands = (judged.place.clone(), judged.verdict);
                let every = self.watches[watch].rule_in(&judged.place).pace == Pacing::EveryReading;
                if every && past.entered.is_none() {
                    wanted.push((serial, past.reading.answer.quality() as usize, stands.clone()));
                }
                past.judge(slot, judged);
                let written = past
                    .entered
                    .as_mut()
                    .and_then(|written| written.places.get_mut(slot));
                if let Some(written) = written {
                    *written = stands;
                }
            }
            for (serial, quality, (place, verdict)) in wanted {
                self.enter_reading(point, serial, None, enter);
                self.units[unit].count(&place, |tally| tally.count(verdict as usize, quality, 1));
            }
        }
        let mut others = std::mem::take(&mut self.units[unit].others);
        for other in others.iter_mut().filter(|other| other.until < reach.until) {
            let places = self.lies_in(unit, other);
            if matches!(other.kind, "gap" | "exception" | "summary") {
                other.places = places;
            } else {
                // These followed from the limits of the place they were in.
                other
                    .places
                    .retain(|old| places.iter().any(|new| new.same_place(old)));
            }
        }
        self.units[unit].others = others;
    }

    fn look_at(&mut self, pass: &mut Pass<'_>, entry: &Entry<'_>) {
        let Some(time) = entry.raw("time").and_then(Stamp::read) else {
            return;
        };
        let until = entry.raw("until").and_then(Stamp::read).unwrap_or(time);
        let reaches = until > pass.until || (until == pass.until && entry.kind() != "gap");
        if reaches {
            return;
        }
        let Some((at, watch)) = self.watch_named(pass.unit, entry) else {
            return;
        };
        match entry.kind() {
            "reading" => self.past_reading(pass, at, watch, entry, time),
            "gap" | "exception" | "summary" => self.past_other(pass, at, watch, entry, (time, until)),
            "excursion" => {
                let (old, new) = (
                    bind(pass.before, time),
                    bind(&self.units[pass.unit].history, time),
                );
                if time >= pass.from && !old.same_place(new) {
                    pass.moved.detach(old, (entry.seq(), entry.leaf()));
                    if entry.raw("state") == Some("open") {
                        let old = old.clone();
                        self.units[pass.unit].count(&old, |tally| {
                            tally.excursions = tally.excursions.saturating_sub(1);
                        });
                    }
                }
            }
            _ => {}
        }
    }

    /// The watch of this unit an entry is about, and its place among the unit's.
    fn watch_named(&self, unit: usize, entry: &Entry<'_>) -> Option<(usize, usize)> {
        let point = self.point_named(&entry.text("point")?)?;
        if entry
            .text("unit")
            .is_some_and(|name| name != self.units[unit].name)
        {
            return None;
        }
        let watches = self.units[unit].watches.iter().copied().enumerate();
        watches
            .into_iter()
            .find(|(_, watch)| self.watches[*watch].point == point)
    }

    fn past_reading(&mut self, pass: &mut Pass<'_>, at: usize, watch: usize, entry: &Entry<'_>, time: Stamp) {
        let old = bind(pass.before, time).clone();
        let new = bind(&self.units[pass.unit].history, time).clone();
        let number = (entry.seq(), entry.leaf());
        if time < pass.from || old.same_place(&new) {
            let doubtful = pass.doubt.is_some_and(|doubt| doubt <= time) && entry.raw("context").is_some();
            if doubtful && new.batch.is_some() {
                pass.confirmed.push(&new, number);
            }
            self.past_over(pass, at, watch, time);
            return;
        }
        let Some(answer) = recalled_answer(entry) else {
            return;
        };
        let judged = self.watches[watch].judge_in(&new, &answer);
        let was = self.watches[watch].judge_in(&old, &answer).verdict;
        pass.moved.detach(&old, number);
        pass.moved.attach(&new, Some(judged.verdict), number);
        pass.covered[at].push((time, time));
        let quality = answer.quality() as usize;
        let around = entry.int("around").is_some();
        let captured = |pace: Pacing| match pace {
            Pacing::Never | Pacing::Seldom(_) => 0,
            Pacing::Every(_) => u64::from(!around),
            _ => 1,
        };
        let (left, came) = (
            self.watches[watch].rule_in(&old).pace,
            self.watches[watch].rule_in(&new).pace,
        );
        let unit = &mut self.units[pass.unit];
        if left != Pacing::Never {
            unit.count(&old, |tally| {
                tally.verdicts[was as usize] = tally.verdicts[was as usize].saturating_sub(1);
                tally.qualities[quality] = tally.qualities[quality].saturating_sub(1);
                tally.captured = tally.captured.saturating_sub(captured(left));
            });
        }
        if came != Pacing::Never {
            unit.count(&new, |tally| {
                tally.count(judged.verdict as usize, quality, captured(came));
            });
        }
        self.past_course(pass, at, watch, (&judged, &answer), time);
    }

    /// Whether a reading opens, carries on or ends an excursion.
    fn past_course(
        &self,
        pass: &mut Pass<'_>,
        at: usize,
        watch: usize,
        (judged, answer): (&Judged, &Answer),
        time: Stamp,
    ) {
        let goes_on = pass.open[at]
            .as_ref()
            .is_some_and(|open| open.side == judged.verdict && open.place.same_place(&judged.place));
        if !goes_on {
            self.past_over(pass, at, watch, time);
        }
        let (Some(Value::Quantity(shown)), Some(band)) = (answer.value(), &judged.band) else {
            return;
        };
        if !judged.verdict.is_out() {
            return;
        }
        match &mut pass.open[at] {
            Some(open) => {
                open.count += 1;
                let above = open.side == Verdict::Above;
                let number = shown.amount.number();
                open.cover(time, open.beyond(number));
                if (number > open.extreme.number()) == above && number != open.extreme.number() {
                    open.extreme = shown.amount.clone();
                }
            }
            none => {
                let mut first = Excursion {
                    seq: 0,
                    side: judged.verdict,
                    started: time,
                    extreme: shown.amount.clone(),
                    extreme_at: u64::MAX,
                    band: band.clone(),
                    count: 1,
                    area: rust_decimal::Decimal::ZERO,
                    last: (time, rust_decimal::Decimal::ZERO),
                    place: judged.place.clone(),
                };
                first.last.1 = first.beyond(shown.amount.number());
                *none = Some(first);
            }
        }
    }

    /// An excursion ends with the next reading, or with its place.
    fn past_over(&self, pass: &mut Pass<'_>, at: usize, watch: usize, time: Stamp) {
        if let Some(excursion) = pass.open[at].take() {
            let history = &self.units[pass.unit].history;
            let left = history.boundaries(excursion.started, time).into_iter().next();
            pass.over.push((watch, excursion, left.unwrap_or(time)));
        }
    }

    fn past_excursion(
        &mut self,
        watch: usize,
        mut excursion: Excursion,
        ended: Stamp,
        enter: &mut dyn Enter,
    ) {
        let draft = self.excursion_draft(watch, &excursion, excursion.started, "open");
        excursion.seq = enter.enter(draft).seq;
        let place = excursion.place.clone();
        self.units[self.watches[watch].unit].count(&place, |tally| tally.excursions += 1);
        let draft = self.excursion_over(watch, &excursion, ended);
        enter.enter(draft);
    }

    /// Gaps and exceptions lie in every run they touch; summaries too, judged there by their extremes.
    fn past_other(
        &mut self,
        pass: &mut Pass<'_>,
        at: usize,
        watch: usize,
        entry: &Entry<'_>,
        span: (Stamp, Stamp),
    ) {
        if span.1 < pass.from {
            return;
        }
        let kind = entry.kind().to_owned();
        let old = self.places_of(pass.before, watch, &kind, span);
        let new = self.places_of(&self.units[pass.unit].history, watch, &kind, span);
        let number = (entry.seq(), entry.leaf());
        if kind == "gap" {
            pass.covered[at].push(span);
        }
        let gone = old
            .iter()
            .filter(|old| !new.iter().any(|new| new.same_place(old)));
        for place in gone {
            pass.moved.detach(place, number);
            self.units[pass.unit].count(place, |tally| match kind.as_str() {
                "gap" => tally.gaps = tally.gaps.saturating_sub(1),
                "exception" => tally.exceptions = tally.exceptions.saturating_sub(1),
                _ => {}
            });
        }
        for place in new
            .iter()
            .filter(|new| !old.iter().any(|old| old.same_place(new)))
        {
            let verdict = (kind == "summary").then(|| self.extremes(watch, place, entry));
            pass.moved.attach(place, verdict, number);
            self.units[pass.unit].count(place, |tally| match kind.as_str() {
                "gap" => tally.gaps += 1,
                "exception" => tally.exceptions += 1,
                _ => {}
            });
        }
    }

    /// How an interval is judged in a place: by its lowest and its highest.
    fn extremes(&self, watch: usize, place: &Arc<Bound>, entry: &Entry<'_>) -> Verdict {
        let unit = entry.data_text("in").and_then(|code| Unit::named(&code));
        let shown = ["min", "max"]
            .iter()
            .filter_map(|name| Amount::read(&entry.data_text(name)?));
        let verdicts = shown.zip(std::iter::repeat(unit)).filter_map(|(amount, unit)| {
            let answer = Answer::Good(Value::Quantity(Quantity { amount, unit: unit? }));
            Some(self.watches[watch].judge_in(place, &answer).verdict)
        });
        verdicts.fold(Verdict::NotJudged, worse)
    }

    /// Where a step asks for more than was captured while it was thought to be another, that is a gap.
    fn past_gaps(
        &mut self,
        watch: usize,
        before: &History,
        reach: &Reach,
        mut spans: Vec<(Stamp, Stamp)>,
        enter: &mut dyn Enter,
    ) {
        spans.sort_unstable();
        let unit = self.watches[watch].unit;
        let history = &self.units[unit].history;
        let mut edges = history.boundaries(reach.from, reach.until);
        edges.extend(before.boundaries(reach.from, reach.until));
        edges.extend([reach.from, reach.until]);
        edges.sort_unstable();
        edges.dedup();
        let mut gaps: Vec<(Arc<Bound>, Stamp, Stamp)> = Vec::new();
        for pair in edges.windows(2) {
            let (from, until) = (pair[0], pair[1]);
            let place = bind(history, from);
            let Some(missing) = self.watches[watch].rule_in(place).missing else {
                continue;
            };
            if place.batch.is_none() || place.same_place(bind(before, from)) {
                continue;
            }
            let mut known = from;
            let inside = spans.iter().filter(|span| span.1 >= from && span.0 < until);
            for (begin, end) in inside.copied().chain([(until, until)]) {
                if begin.ms_since(known) > missing {
                    gaps.push((place.clone(), known, begin));
                }
                known = known.max(end.min(until));
            }
        }
        for (place, from, until) in gaps {
            let draft = self
                .about(Draft::new("gap", from), watch, &place)
                .with("until", until)
                .with("because", "not-captured");
            enter.enter(draft);
            self.units[unit].count(&place, |tally| tally.gaps += 1);
        }
    }
}

impl How {
    /// Bound in doubt, and rightly.
    pub(super) fn confirmed() -> Self {
        Self::attached("context-confirmed", None).to_state("confirmed")
    }
}
