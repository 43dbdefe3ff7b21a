//! One point as one unit sees it: its pace, its limits, its excursions.
//!
//! Pure: told one judged reading after the other, it says what becomes an entry. It enters nothing itself,
//! and a reading that becomes no entry costs no allocation.

use crate::{
    config::plant::{Capture, Limits, Pace},
    flow::{
        bind::Bound,
        check::{self, Band, Verdict},
    },
};
use record::{Amount, Answer, Line, Quality, Stamp, Unit, Value};
use rust_decimal::Decimal;
use std::sync::Arc;

/// So many readings before and after an excursion are entries of their own.
pub(super) const AROUND: usize = 10;

/// A point in a unit.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) unit: usize,
    pub(super) point: usize,
    pub(super) role: String,
    asked: Vec<Capture>,
    /// What a batch's control recipe asks for, by batch and revision.
    controls: Vec<(Arc<str>, Arc<str>, Vec<Capture>)>,
    without_step: i64,
    every: i64,
    /// It comes when somebody presses a key: silence is waiting, and every print is an entry.
    pub(super) printed: bool,
    /// Where the machine stands; `None` until the first moment it is told.
    pub(super) place: Option<Arc<Bound>>,
    pub(super) rule: Rule,
    /// The last moment told.
    pub(super) at: Option<Stamp>,
    /// Until here readings and gaps cover the time.
    pub(super) covered: Stamp,
    /// Figures of the active runs, by index into the unit's.
    pub(super) tallies: Vec<usize>,
    /// The rules of the place that look at this: by index into the unit's, and which of their roles it is.
    pub(super) feeds: Vec<(usize, usize)>,
    pub(super) interval: Option<Interval>,
    pub(super) excursion: Option<Excursion>,
    /// Readings still to be entered after an excursion.
    after: Option<(u64, usize)>,
    last: Option<Answer>,
    quality: Quality,
    seldom: i64,
    /// The place whose reviewer was told of the silence that goes on.
    pub(super) told_silent: Option<Arc<Bound>>,
}

/// What holds for a point in one place.
#[derive(Debug, Default, Clone)]
pub(super) struct Rule {
    pub(super) pace: Pacing,
    limits: Vec<Limits>,
    /// Silence longer than this is a gap; `None`: silence is no news.
    pub(super) missing: Option<i64>,
    /// The limits in the unit of the last reading.
    band: Option<(Unit, Option<Arc<Band>>)>,
}

/// What becomes an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Pacing {
    /// Nobody asked for it here.
    #[default]
    Never,
    EveryReading,
    OnChange,
    /// The last of each interval, with a summary of all.
    Every(i64),
    OnDemand,
    /// The first of each interval, because no step is known.
    Seldom(i64),
}

/// A reading with its judgement, for one watch.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) place: Arc<Bound>,
    pub(super) verdict: Verdict,
    pub(super) why: &'static str,
    pub(super) band: Option<Arc<Band>>,
    /// The limits of a rule that judged it too, where the capture has none.
    pub(super) ruled: Option<Arc<Band>>,
}

/// The interval that is being collected.
#[derive(Debug, Clone)]
pub(super) struct Interval {
    pub(super) slot: i64,
    pub(super) from: Stamp,
    pub(super) until: Stamp,
    /// The last reading in it.
    pub(super) last: u64,
    pub(super) counts: [u64; 3],
    pub(super) unit: Option<Unit>,
    pub(super) min: Decimal,
    pub(super) max: Decimal,
    sum: Decimal,
    numbers: u64,
    pub(super) verdict: Verdict,
}

/// A limit that is being broken.
#[derive(Debug, Clone)]
pub(super) struct Excursion {
    /// Number of the entry that opened it.
    pub(super) seq: u64,
    pub(super) side: Verdict,
    pub(super) started: Stamp,
    pub(super) extreme: Amount,
    /// The reading that holds the extreme.
    pub(super) extreme_at: u64,
    pub(super) band: Arc<Band>,
    pub(super) count: u64,
    /// Beyond the limit times milliseconds, twice; and how far beyond at the last reading.
    pub(super) area: Decimal,
    pub(super) last: (Stamp, Decimal),
    pub(super) place: Arc<Bound>,
}

/// What one reading leads to.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// An interval is over: its last reading and its summary become entries.
    pub(super) flush: Option<Interval>,
    /// This reading becomes an entry.
    pub(super) enter: bool,
    /// It is one of those the capture asked for.
    pub(super) counted: bool,
    /// It stands before or after this excursion.
    pub(super) around: Option<u64>,
    pub(super) closed: Option<Excursion>,
    pub(super) opened: bool,
    /// It was good until now.
    pub(super) doubt: bool,
}

impl Taken {
    pub(super) fn is_nothing(&self) -> bool {
        !self.enter && self.flush.is_none() && self.closed.is_none() && !self.opened && !self.doubt
    }
}

impl Watch {
    pub(super) fn new(
        unit: usize,
        point: usize,
        role: &str,
        asked: Vec<Capture>,
        without_step: i64,
        every: i64,
    ) -> Self {
        Self {
            unit,
            point,
            role: role.to_owned(),
            asked,
            controls: Vec::new(),
            without_step: without_step.max(1),
            every: every.max(1),
            printed: false,
            place: None,
            rule: Rule::default(),
            at: None,
            covered: Stamp(i64::MIN / 4),
            tallies: Vec::new(),
            feeds: Vec::new(),
            interval: None,
            excursion: None,
            after: None,
            last: None,
            quality: Quality::Good,
            seldom: i64::MIN,
            told_silent: None,
        }
    }

    /// What holds in a place: a capture of the step and one of the whole batch may both hold; the denser
    /// pace and the narrower limits count then.
    pub(super) fn rule_in(&self, place: &Bound) -> Rule {
        let known = place.batch.is_some();
        let mut rule = Rule::default();
        for capture in self.asked_in(place) {
            let holds = match &capture.during {
                None => known,
                Some(step) => place.runs.iter().any(|(active, _)| **active == **step),
            };
            if !holds {
                continue;
            }
            let pace = match capture.pace {
                Pace::EveryReading => Pacing::EveryReading,
                Pace::OnChange => Pacing::OnChange,
                Pace::Every(every) => Pacing::Every((every.as_millis() as i64).max(1)),
                Pace::OnDemand => Pacing::OnDemand,
            };
            if pace.rank() < rule.pace.rank() {
                rule.pace = pace;
            }
            rule.limits.extend(capture.limits.clone());
            if pace != Pacing::OnDemand {
                let missing = capture.missing_after.as_millis() as i64;
                rule.missing = Some(rule.missing.map_or(missing, |other| other.min(missing)));
            }
        }
        if rule.pace == Pacing::Never && place.runs.is_empty() && !self.only_on_demand() {
            rule.pace = Pacing::Seldom(self.without_step);
            rule.missing = Some(self.without_step.saturating_mul(3).max(3_000));
        }
        if self.printed {
            rule.missing = None;
            if rule.pace != Pacing::Never {
                rule.pace = Pacing::OnDemand;
            }
        }
        rule
    }

    /// What is asked for in a place: by the control recipe of its batch, else by the configuration.
    fn asked_in(&self, place: &Bound) -> &[Capture] {
        let mut controls = self.controls.iter().rev();
        let control = controls
            .find(|(batch, label, _)| place.batch.as_ref() == Some(batch) && *label == place.revision);
        control.map_or(&self.asked, |(.., asked)| asked)
    }

    /// What the configuration asks for.
    pub(super) fn configured(&self) -> &[Capture] {
        &self.asked
    }

    /// A batch runs under a control recipe, which asks for this.
    pub(super) fn under(&mut self, batch: &Arc<str>, label: &Arc<str>, asked: Vec<Capture>) {
        self.controls.push((batch.clone(), label.clone(), asked));
    }

    pub(super) fn forget_controls(&mut self, keep: impl Fn(&Arc<str>) -> bool) {
        self.controls.retain(|(batch, ..)| keep(batch));
    }

    /// How often it is captured in a place.
    pub(super) fn pace_in(&self, place: &Bound) -> Pacing {
        if self
            .place
            .as_ref()
            .is_some_and(|here| here.same_place(place) && here.revision == place.revision)
        {
            self.rule.pace
        } else {
            self.rule_in(place).pace
        }
    }

    /// The longest interval that is collected anywhere.
    pub(super) fn longest(&self) -> i64 {
        let controls = self.controls.iter().flat_map(|(.., asked)| asked);
        let every = self
            .asked
            .iter()
            .chain(controls)
            .map(|capture| match capture.pace {
                Pace::Every(every) => every.as_millis() as i64,
                _ => 0,
            });
        every.max().unwrap_or(0)
    }

    fn only_on_demand(&self) -> bool {
        !self.asked.is_empty() && self.asked.iter().all(|capture| capture.pace == Pace::OnDemand)
    }

    /// How many readings the captures of a step ask for between two moments.
    pub(super) fn expected(&self, place: &Bound, from: Stamp, until: Stamp) -> u64 {
        let length = until.ms_since(from).max(0);
        let expected = match self.rule_in(place).pace {
            Pacing::EveryReading | Pacing::OnChange => length / self.every,
            Pacing::Every(every) if length > 0 => {
                (until.0 - 1).div_euclid(every) - from.0.div_euclid(every) + 1
            }
            _ => 0,
        };
        expected as u64
    }

    /// Goes to another place. What was collected in the last one must have been taken away before.
    pub(super) fn enter(&mut self, place: Arc<Bound>) {
        let moved = self
            .place
            .as_ref()
            .is_none_or(|before| !before.same_place(&place));
        if moved
            || self
                .place
                .as_ref()
                .is_none_or(|before| before.revision != place.revision)
        {
            self.rule = self.rule_in(&place);
        }
        if moved {
            self.after = None;
            self.last = None;
            self.seldom = i64::MIN;
        }
        self.place = Some(place);
    }

    /// Goes back: what was collected since is collected again.
    pub(super) fn rewound(
        &mut self,
        interval: Option<Interval>,
        excursion: Option<Excursion>,
        quality: Quality,
    ) {
        self.interval = interval;
        self.excursion = excursion;
        self.quality = quality;
        self.after = None;
        self.last = None;
        self.seldom = i64::MIN;
    }

    /// An excursion that was open when the gateway stopped is still open.
    pub(super) fn recall_excursion(&mut self, line: &Line<'_>, time: Stamp) {
        let word = |name: &str| line.data_text(name);
        let extreme = word("extreme").and_then(|text| Amount::read(&text));
        let unit = word("in").and_then(|code| Unit::named(&code));
        let side = word("side").and_then(|word| Verdict::named(&word));
        let (Some(extreme), Some(unit), Some(side)) = (extreme, unit, side) else {
            return;
        };
        let limit = word("limit").and_then(|text| Amount::read(&text));
        let (low, high) = if side == Verdict::Below {
            (limit, None)
        } else {
            (None, limit)
        };
        let band = Arc::new(Band {
            unit,
            low,
            high,
            warn_low: None,
            warn_high: None,
        });
        let runs = line.text("step").zip(line.int("run"));
        let place = Bound {
            batch: line.text("batch").map(|batch| batch.as_str().into()),
            revision: line
                .raw("limits")
                .and_then(|limits| limits.strip_prefix("rev "))
                .unwrap_or("")
                .into(),
            runs: runs
                .iter()
                .map(|(step, run)| (step.as_str().into(), *run as u32))
                .collect(),
            step: line.text("step").unwrap_or_default(),
            held: false,
        };
        let (started, place) = (time, Arc::new(place));
        let (seq, extreme_at, count) = (line.seq(), u64::MAX, 1);
        let mut excursion = Excursion {
            seq,
            side,
            started,
            extreme,
            extreme_at,
            band,
            count,
            area: Decimal::ZERO,
            last: (started, Decimal::ZERO),
            place,
        };
        excursion.last.1 = excursion.beyond(excursion.extreme.number());
        self.excursion = Some(excursion);
    }

    /// A reading entered while an excursion is open carries it on.
    pub(super) fn recall_beyond(&mut self, answer: &Answer, time: Stamp, verdict: Verdict) {
        let Some(open) = &mut self.excursion else { return };
        let Some(Value::Quantity(shown)) = answer.value() else {
            return;
        };
        if verdict != open.side || time <= open.last.0 || shown.unit != open.band.unit {
            return;
        }
        open.count += 1;
        let number = shown.amount.number();
        open.cover(time, open.beyond(number));
        let further = match open.side {
            Verdict::Below => number < open.extreme.number(),
            _ => number > open.extreme.number(),
        };
        if further {
            open.extreme = shown.amount.clone();
        }
    }

    /// Judges an answer in the present place.
    pub(super) fn judge(&mut self, answer: &Answer) -> Judged {
        let place = self.place.clone().unwrap_or_default();
        let band = self.rule.band_for(answer);
        let (verdict, why) = check::judge(answer, band.as_deref());
        let why = self.rule.why(why, &place, answer);
        Judged {
            place,
            verdict,
            why,
            band,
            ruled: None,
        }
    }

    /// The readings from now on stand after this entry.
    pub(super) fn follow(&mut self, seq: u64) {
        self.after = Some((seq, AROUND));
    }

    /// Judges an answer that is older than the place: it came late, by itself.
    pub(super) fn judge_in(&self, place: &Arc<Bound>, answer: &Answer) -> Judged {
        let mut rule = self.rule_in(place);
        let band = rule.band_for(answer);
        let (verdict, why) = check::judge(answer, band.as_deref());
        let why = rule.why(why, place, answer);
        Judged {
            place: place.clone(),
            verdict,
            why,
            band,
            ruled: None,
        }
    }

    /// A reading older than the place is entered where it belongs and moves nothing.
    pub(super) fn step_aside(&self, judged: &Judged) -> Taken {
        let asked = self.rule_in(&judged.place).pace != Pacing::Never;
        Taken {
            enter: asked,
            counted: asked,
            ..Taken::default()
        }
    }

    /// Whether anybody asked for this point here.
    pub(super) fn wants(&self) -> bool {
        self.rule.pace != Pacing::Never
    }

    /// Whether the interval being collected has ended by `until`.
    pub(super) fn interval_over(&self, until: Stamp) -> bool {
        match (&self.interval, self.rule.pace) {
            (Some(interval), Pacing::Every(every)) => (interval.slot + 1).saturating_mul(every) <= until.0,
            _ => false,
        }
    }

    /// One reading, in the order of time.
    pub(super) fn step(&mut self, serial: u64, time: Stamp, answer: &Answer, judged: &Judged) -> Taken {
        let mut taken = Taken::default();
        if self.rule.pace == Pacing::Never {
            return taken;
        }
        let quality = answer.quality();
        taken.doubt = self.quality == Quality::Good && quality != Quality::Good;
        let changed = self.quality != quality;
        self.quality = quality;
        self.pace(serial, time, answer, judged, &mut taken);
        taken.enter |= changed && quality != Quality::Good;
        self.excursions(serial, time, answer, judged, &mut taken);
        if let Some((seq, left)) = self.after.filter(|_| !taken.opened) {
            taken.enter = true;
            taken.around = Some(seq);
            self.after = (left > 1).then(|| (seq, left - 1));
        }
        taken
    }

    fn pace(&mut self, serial: u64, time: Stamp, answer: &Answer, judged: &Judged, taken: &mut Taken) {
        match self.rule.pace {
            Pacing::Never => {}
            Pacing::EveryReading | Pacing::OnDemand => {
                taken.enter = true;
                taken.counted = true;
            }
            Pacing::OnChange => {
                taken.counted = true;
                if self.last.as_ref() != Some(answer) {
                    taken.enter = true;
                    self.last = Some(answer.clone());
                }
            }
            Pacing::Seldom(every) => {
                let slot = time.0.div_euclid(every);
                taken.enter = slot != self.seldom;
                self.seldom = slot;
            }
            Pacing::Every(every) => {
                let slot = time.0.div_euclid(every);
                match &mut self.interval {
                    Some(interval) if interval.slot == slot => {
                        interval.add(serial, time, answer, judged.verdict);
                    }
                    _ => {
                        taken.flush = self.interval.replace(Interval::begin(
                            slot,
                            serial,
                            time,
                            answer,
                            judged.verdict,
                        ));
                    }
                }
            }
        }
    }

    fn excursions(&mut self, serial: u64, time: Stamp, answer: &Answer, judged: &Judged, taken: &mut Taken) {
        let Some(Value::Quantity(shown)) = answer.value().filter(|_| answer.quality() == Quality::Good)
        else {
            return;
        };
        let Some(band) = &judged.band else { return };
        // A rule may judge it too, and enters its own excursions.
        let verdict = if judged.ruled.is_some() && judged.verdict != Verdict::NotJudged {
            band.judge(shown.amount.number())
        } else {
            judged.verdict
        };
        if let Some(excursion) = &mut self.excursion {
            if excursion.side == verdict {
                excursion.count += 1;
                excursion.cover(time, excursion.beyond(shown.amount.number()));
                let worse = match verdict {
                    Verdict::Above => shown.amount.number() > excursion.extreme.number(),
                    _ => shown.amount.number() < excursion.extreme.number(),
                };
                if worse && excursion.band.unit == shown.unit {
                    excursion.extreme = shown.amount.clone();
                    excursion.extreme_at = serial;
                }
                return;
            }
            self.after = Some((excursion.seq, AROUND));
            taken.closed = self.excursion.take();
        }
        if verdict.is_out() {
            self.after = None;
            taken.opened = true;
            taken.enter = true;
            let mut excursion = Excursion {
                seq: 0,
                side: verdict,
                started: time,
                extreme: shown.amount.clone(),
                extreme_at: serial,
                band: band.clone(),
                count: 1,
                area: Decimal::ZERO,
                last: (time, Decimal::ZERO),
                place: judged.place.clone(),
            };
            excursion.last.1 = excursion.beyond(shown.amount.number());
            self.excursion = Some(excursion);
        }
    }
}

impl Excursion {
    /// How far a number lies beyond the limit that is broken.
    pub(super) fn beyond(&self, number: Decimal) -> Decimal {
        let limit = self.band.broken(self.side).map(Amount::number);
        limit
            .and_then(|limit| number.checked_sub(limit))
            .unwrap_or_default()
            .abs()
    }

    /// Adds what lies beyond the limit up to a moment.
    pub(super) fn cover(&mut self, time: Stamp, far: Decimal) {
        let ms = Decimal::from(time.ms_since(self.last.0).max(0));
        let added = self.last.1.checked_add(far).and_then(|sum| sum.checked_mul(ms));
        self.area = added
            .and_then(|added| self.area.checked_add(added))
            .unwrap_or(self.area);
        self.last = (time, far);
    }

    /// Beyond the limit times seconds, from the last reading beyond it straight to the limit.
    pub(super) fn area_until(&self, ended: Stamp) -> Decimal {
        let mut whole = self.clone();
        whole.cover(ended, Decimal::ZERO);
        let area = whole.area.checked_div(Decimal::from(2000)).unwrap_or_default();
        area.round_dp(3).normalize()
    }
}

impl Pacing {
    /// The denser, the lower.
    fn rank(self) -> i64 {
        match self {
            Self::EveryReading => 0,
            Self::OnChange => 1,
            Self::Every(every) => every.saturating_add(2),
            Self::Seldom(_) | Self::OnDemand => i64::MAX - 1,
            Self::Never => i64::MAX,
        }
    }
}

impl Rule {
    /// The limits in the unit the answer came in; made once per unit.
    fn band_for(&mut self, answer: &Answer) -> Option<Arc<Band>> {
        if self.limits.is_empty() {
            return None;
        }
        let Some(Value::Quantity(quantity)) = answer.value() else {
            return None;
        };
        let unit = quantity.unit;
        match &self.band {
            Some((known, band)) if *known == unit => band.clone(),
            _ => {
                let bands: Option<Vec<Band>> =
                    self.limits.iter().map(|limits| Band::of(limits, unit)).collect();
                let band = bands
                    .and_then(|bands| bands.into_iter().reduce(Band::and))
                    .map(Arc::new);
                self.band = Some((unit, band.clone()));
                band
            }
        }
    }

    /// Why nothing was judged, as exactly as it is known.
    fn why(&self, why: &'static str, place: &Bound, answer: &Answer) -> &'static str {
        match why {
            "no-limits" if place.runs.is_empty() => "no-step",
            "no-limits" if matches!(answer.value(), Some(Value::Text(_))) => "no-number",
            "no-limits" if !self.limits.is_empty() => "unit",
            why => why,
        }
    }

    /// The limits as a screen shows them.
    pub(super) fn shown(&mut self, answer: &Answer) -> Option<Arc<Band>> {
        self.band_for(answer)
    }

    pub(super) fn rules(&self) -> usize {
        self.limits.len()
    }
}

impl Interval {
    fn begin(slot: i64, serial: u64, time: Stamp, answer: &Answer, verdict: Verdict) -> Self {
        let mut interval = Self {
            slot,
            from: time,
            until: time,
            last: serial,
            counts: [0; 3],
            unit: None,
            min: Decimal::ZERO,
            max: Decimal::ZERO,
            sum: Decimal::ZERO,
            numbers: 0,
            verdict,
        };
        interval.add(serial, time, answer, verdict);
        interval
    }

    /// An interval made again from its readings; `None` where there are none.
    pub(super) fn of<'a>(
        slot: i64,
        readings: impl Iterator<Item = (u64, Stamp, &'a Answer, Verdict)>,
    ) -> Option<Self> {
        readings.fold(None, |interval, (serial, time, answer, verdict)| match interval {
            None => Some(Self::begin(slot, serial, time, answer, verdict)),
            Some(mut interval) => {
                interval.add(serial, time, answer, verdict);
                Some(interval)
            }
        })
    }

    fn add(&mut self, serial: u64, time: Stamp, answer: &Answer, verdict: Verdict) {
        self.last = serial;
        self.until = time;
        self.verdict = worse(self.verdict, verdict);
        self.counts[answer.quality() as usize] += 1;
        let Answer::Good(Value::Quantity(quantity)) = answer else {
            return;
        };
        let unit = *self.unit.get_or_insert(quantity.unit);
        let Some(number) = quantity.number_in(unit) else {
            return;
        };
        let Some(sum) = self.sum.checked_add(number) else {
            return;
        };
        if self.numbers == 0 || number < self.min {
            self.min = number;
        }
        if self.numbers == 0 || number > self.max {
            self.max = number;
        }
        self.sum = sum;
        self.numbers += 1;
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The mean, with two digits more than the readings have; `None` without a good number.
    pub(super) fn mean(&self) -> Option<Decimal> {
        let digits = self.min.scale().max(self.max.scale()).max(self.sum.scale());
        let mean = self.sum.checked_div(Decimal::from(self.numbers))?;
        let mut mean = mean.round_dp(digits + 2);
        mean.rescale(digits + 2);
        Some(mean)
    }
}

impl Judged {
    /// The limits of a rule judged it too: the worse verdict counts.
    pub(super) fn ruled_too(mut self, verdict: Verdict, band: Option<Arc<Band>>) -> Self {
        self.verdict = worse(self.verdict, verdict);
        if self.verdict != Verdict::NotJudged {
            self.why = "";
        }
        self.ruled = band;
        self
    }
}

/// The verdict that a reviewer would look at first.
pub(super) fn worse(a: Verdict, b: Verdict) -> Verdict {
    let weight = |verdict: Verdict| match verdict {
        Verdict::NotJudged => 0,
        Verdict::Within => 1,
        Verdict::Warning => 2,
        Verdict::Below | Verdict::Above => 3,
    };
    if weight(b) > weight(a) { b } else { a }
}
