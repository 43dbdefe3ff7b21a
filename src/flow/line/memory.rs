//! What was read and entered of late, so that context that comes late can still bind it.
//!
//! Bounded: of every point the readings of the last fifteen minutes, entered or not, up to a share of 50,000
//! a unit. What is forgotten and was entered is in the ledger, and is read back when context reaches so far.

use super::{
    Enter, Entered, Line, Reading,
    watch::{Excursion, Judged},
};
use crate::flow::{bind::Bound, check::Verdict, link::Origin};
use record::{Amount, Answer, Draft, Hash, Stamp, Value};
use std::{fmt::Write, sync::Arc};

/// Readings that became no entry are kept so long.
const KEPT_MS: i64 = 15 * 60_000;
/// Entries kept per unit.
const KEPT: usize = 50_000;
/// Batches kept in mind of every unit.
pub(super) const BATCHES: usize = 32;
/// Figures of runs kept of every unit, before those of forgotten batches go.
const TALLIES: usize = 1_000;
/// At least so many readings are kept of every point.
const KEPT_OF_POINT: usize = 1_000;

/// One reading, held or taken.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) reading: Reading,
    /// One for each watch of the point, once taken. The first stands by itself: most points have one.
    pub(super) first: Option<Judged>,
    pub(super) more: Vec<Judged>,
    /// Counted as one the captures asked for, by bits of the watches.
    pub(super) counted: u64,
    pub(super) entered: Option<Written>,
}

/// A reading that is an entry.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) seq: u64,
    pub(super) leaf: Hash,
    /// It says itself that its context was in doubt.
    pub(super) doubtful: bool,
    /// Where it is bound now, for each watch, and the verdict that counts there.
    pub(super) places: Vec<(Arc<Bound>, Verdict)>,
}

/// Another entry about a point: a gap, an excursion, an exception, a summary.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) seq: u64,
    pub(super) leaf: Hash,
    pub(super) kind: &'static str,
    pub(super) watch: usize,
    pub(super) from: Stamp,
    pub(super) until: Stamp,
    /// Where it is bound now; a gap may lie in several runs.
    pub(super) places: Vec<Arc<Bound>>,
    /// The excursion that this entry closes.
    pub(super) closes: Option<Box<Excursion>>,
    /// It followed from what is being taken again, and has not followed from it again yet.
    pub(super) stale: bool,
}

impl Past {
    pub(super) fn new(reading: Reading) -> Self {
        Self {
            reading,
            first: None,
            more: Vec::new(),
            counted: 0,
            entered: None,
        }
    }

    pub(super) fn judged(&self, slot: usize) -> Option<&Judged> {
        if slot == 0 {
            self.first.as_ref()
        } else {
            self.more.get(slot - 1)
        }
    }

    pub(super) fn judge(&mut self, slot: usize, judged: Judged) {
        if slot == 0 {
            self.first = Some(judged);
        } else if let Some(place) = self.more.get_mut(slot - 1) {
            *place = judged;
        } else {
            self.more.push(judged);
        }
    }

    fn all(&self) -> impl Iterator<Item = &Judged> {
        self.first.iter().chain(&self.more)
    }
}

impl Line {
    /// Enters a reading, once. `None` when it was forgotten meanwhile.
    pub(super) fn enter_reading(
        &mut self,
        point: usize,
        serial: u64,
        around: Option<u64>,
        enter: &mut dyn Enter,
    ) -> Option<u64> {
        let at = serial.checked_sub(self.points[point].base)? as usize;
        let past = self.points[point].past.get(at)?;
        if let Some(written) = &past.entered {
            return Some(written.seq);
        }
        past.first.as_ref()?;
        let draft = self.reading_draft(point, past, around);
        let Entered { seq, leaf } = enter.enter(draft);
        self.booked.entered += 1;
        let past = self.points[point].past.get_mut(at)?;
        let places: Vec<(Arc<Bound>, Verdict)> = past
            .all()
            .map(|judged| (judged.place.clone(), judged.verdict))
            .collect();
        if batches(&places) > 1 {
            let watches = &self.points[point].watches;
            for (watch, (place, verdict)) in watches
                .iter()
                .zip(&places)
                .filter(|(_, (place, _))| place.batch.is_some())
            {
                let unit = self.watches[*watch].unit;
                let (place, verdict) = (place.clone(), *verdict);
                self.units[unit].shared.push(super::Shared {
                    seq,
                    leaf,
                    place,
                    verdict,
                    since: self.now,
                });
            }
        }
        let doubtful = self.count_doubts(point, at, &places);
        let past = self.points[point].past.get_mut(at)?;
        past.entered = Some(Written {
            seq,
            leaf,
            doubtful,
            places,
        });
        Some(seq)
    }

    /// Whether the entry says that its context was in doubt; a boundary it lies at counts in its run.
    fn count_doubts(&mut self, point: usize, at: usize, places: &[(Arc<Bound>, Verdict)]) -> bool {
        let time = self.points[point].past[at].reading.time;
        let mut doubtful = false;
        for (slot, (place, _)) in places.iter().enumerate() {
            let Some(watch) = self.points[point].watches.get(slot) else {
                continue;
            };
            let unit = &mut self.units[self.watches[*watch].unit];
            doubtful |= unit.doubt_of(time).is_some();
            if unit.history.unsure_at(time).is_some() {
                unit.count(place, |tally| tally.boundary += 1);
            }
        }
        doubtful
    }

    pub(super) fn reading_draft(&self, point: usize, past: &Past, around: Option<u64>) -> Draft {
        let reading = &past.reading;
        let places: Vec<(Arc<Bound>, Verdict)> = past
            .all()
            .map(|judged| (judged.place.clone(), judged.verdict))
            .collect();
        let mut draft =
            Draft::new("reading", reading.time).with("point", self.points[point].name.to_string());
        if let Some(seq) = around {
            draft = draft.with("around", seq);
        }
        // Of several batches it names none, so that nothing is counted twice, and is judged by none:
        // bindings attach it to each, with the verdict there.
        let known = past
            .all()
            .enumerate()
            .find(|(_, judged)| judged.place.batch.is_some());
        let own = known.or_else(|| past.all().enumerate().next().filter(|_| places.len() == 1));
        let why = match own.filter(|_| batches(&places) < 2) {
            None if batches(&places) > 1 => "shared",
            None => past.first.as_ref().map_or("", |judged| judged.why),
            Some((_, judged)) => judged.why,
        };
        if let Some((slot, judged)) = own.filter(|_| batches(&places) < 2) {
            if let Some(watch) = self.points[point]
                .watches
                .get(slot)
                .map(|watch| &self.watches[*watch])
            {
                draft = self
                    .placed(draft, watch.unit, &judged.place)
                    .with("role", watch.role.as_str());
                draft = self.doubts(watch.unit, reading.time, draft);
            }
            if judged.place.held {
                draft = draft.with("state", "held");
            }
            draft = judgement(draft, judged);
        } else {
            draft = draft.with("verdict", Verdict::NotJudged.word());
        }
        answered(draft, reading, why, self.now, self.settle)
    }

    /// Keeps an entry about a point in mind.
    pub(super) fn remember(
        &mut self,
        watch: usize,
        kind: &'static str,
        span: (Stamp, Stamp),
        entered: Entered,
        place: Arc<Bound>,
    ) {
        let unit = &mut self.units[self.watches[watch].unit];
        let Entered { seq, leaf } = entered;
        unit.others.push_back(Other {
            seq,
            leaf,
            kind,
            watch,
            from: span.0,
            until: span.1,
            places: vec![place],
            closes: None,
            stale: false,
        });
        if unit.others.len() > KEPT {
            unit.others.pop_front();
        }
    }

    /// Forgets what is too old or too much. Never what is still held.
    pub(super) fn prune(&mut self) {
        if self.now.ms_since(self.pruned).abs() < 60_000 {
            return;
        }
        self.pruned = self.now;
        let old = self.now.plus_ms(-KEPT_MS);
        for at in 0..self.points.len() {
            let points = self.points[at]
                .watches
                .iter()
                .map(|watch| self.units[self.watches[*watch].unit].watches.len());
            let share = (KEPT / points.max().unwrap_or(1).max(1)).max(KEPT_OF_POINT);
            let point = &self.points[at];
            let keep_from = point.past.len().saturating_sub(super::watch::AROUND + 1) as u64 + point.base;
            let end = point.next.min(keep_from);
            while self.points[at].base < end {
                let point = &self.points[at];
                let forget = point
                    .past
                    .front()
                    .is_some_and(|past| point.past.len() > share || past.reading.time < old);
                if !forget {
                    break;
                }
                self.forget_one(at);
            }
        }
        for unit in &mut self.units {
            unit.history.forget(BATCHES);
        }
        self.forget_tallies();
        self.forget_rules();
    }

    fn forget_tallies(&mut self) {
        for unit in 0..self.units.len() {
            let known = &mut self.units[unit];
            if known.tallies.len() <= TALLIES {
                continue;
            }
            let history = &known.history;
            known
                .tallies
                .retain(|tally| history.batch(&tally.batch).is_some());
            for watch in known.watches.clone() {
                if let Some(place) = self.watches[watch].place.clone() {
                    self.enter_place(watch, place);
                }
            }
        }
    }

    /// Makes room at once when a point talks faster than is remembered.
    pub(super) fn make_room(&mut self, at: usize) {
        let point = &self.points[at];
        if point.past.len() > KEPT && point.base < point.next {
            self.forget_one(at);
        }
    }
}

/// How many batches these places name.
fn batches(places: &[(Arc<Bound>, Verdict)]) -> usize {
    let mut names: Vec<&str> = places
        .iter()
        .filter_map(|(place, _)| place.batch.as_deref())
        .collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

/// The verdict and the limits it rests on.
fn judgement(draft: Draft, judged: &Judged) -> Draft {
    let mut draft = draft.with("verdict", judged.verdict.word());
    let Some(band) = judged
        .band
        .as_ref()
        .or(judged.ruled.as_ref())
        .filter(|_| judged.verdict != Verdict::NotJudged)
    else {
        return draft;
    };
    draft = draft.with("limits", limits(&judged.place));
    let limits = [
        ("low", &band.low),
        ("high", &band.high),
        ("warn_low", &band.warn_low),
        ("warn_high", &band.warn_high),
    ];
    for (name, limit) in limits {
        if let Some(limit) = limit {
            draft = draft.data(name, limit.as_str());
        }
    }
    draft
}

/// Which limits were in force: the revision of the recipe where it is known, else the configuration's.
pub(super) fn limits(place: &Bound) -> String {
    if place.revision.is_empty() {
        "config".to_owned()
    } else {
        format!("rev {}", place.revision)
    }
}

/// The answer itself, with the bytes behind it.
fn answered(draft: Draft, reading: &Reading, why: &str, now: Stamp, settle: i64) -> Draft {
    let mut draft = draft.with("quality", reading.answer.quality().word());
    draft = draft.data("because", reading.answer.because().unwrap_or(why));
    draft = match reading.answer.value() {
        Some(Value::Quantity(quantity)) => draft
            .data("value", quantity.amount.as_str())
            .data("in", quantity.unit.ucum()),
        Some(Value::Text(text)) => draft.data("value", text.as_str()),
        None => draft,
    };
    let late = now.ms_since(reading.read).max(0);
    if late > settle + 2_000 {
        draft = draft.data("late_ms", late);
    }
    if let Some(origin) = &reading.origin {
        draft = said(draft, origin);
    }
    draft.data("raw", hex(&reading.raw)).data("read", reading.read)
}

/// The three times side by side, and the server's own word on the value.
fn said(mut draft: Draft, origin: &Origin) -> Draft {
    if let Some(source) = origin.source {
        draft = draft.data("source", source);
    }
    if let Some(server) = origin.server {
        draft = draft.data("server", server);
    }
    if let Some(ahead) = origin.ahead_ms {
        draft = draft.data("ahead_ms", ahead);
    }
    if origin.unchanged {
        draft = draft.data("unchanged", "yes");
    }
    draft.data("status", format!("{:08X}", origin.status))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // holds because writing to a String never fails
        let _ = write!(text, "{byte:02X}");
    }
    text
}

/// An amount as an entry writes it.
pub(super) fn amount(number: rust_decimal::Decimal) -> String {
    Amount::of(number).to_string()
}

/// The answer of a reading as a number in `f64`, for a trend line only.
pub(super) fn as_number(answer: &Answer) -> f64 {
    use rust_decimal::prelude::ToPrimitive;
    match answer {
        Answer::Good(Value::Quantity(quantity)) => quantity.amount.number().to_f64().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}
