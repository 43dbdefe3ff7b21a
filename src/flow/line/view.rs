//! What the screens show of the units: every point in exactly one state, with its reason in plain words.

use super::{
    Line, Point, Unit,
    memory::as_number,
    watch::{Pacing, Watch},
};
use crate::flow::{
    bind::{Batch, Bound, bind},
    board::{Call, LimitsView, PointState, PointView, UnitState, UnitView, Urgency},
    check::{self, Band, Verdict},
    prints,
};
use record::{Answer, Stamp, Value};

/// A batch that another one displaced without its end is asked about.
fn displaced(unit: &Unit, batch: &Batch) -> Call {
    let name = &unit.name;
    Call {
        id: format!("displaced-{name}-{}", batch.id),
        urgency: Urgency::Look,
        what: format!(
            "{name}: {} was never told to be over, and another batch is in the unit",
            batch.id
        ),
        record: "It is not closed. Readings since are bound to the batch that came after it.".to_owned(),
        action: format!(
            "End it at its source, or by name: steelyard context {name} complete batch {}",
            batch.id
        ),
        since: unit.history.until(&batch.id).unwrap_or(batch.started),
    }
}

/// So many values make a trend.
const TREND: usize = 120;

impl Line {
    /// The units as they are now, and what calls for a person, most urgent first.
    pub fn view(&self, now: Stamp) -> (Vec<UnitView>, Vec<Call>) {
        let mut calls = Vec::new();
        let units = self
            .units
            .iter()
            .map(|unit| self.unit_view(unit, now, &mut calls))
            .collect();
        calls.sort_by_key(|call: &Call| (call.urgency, call.since));
        (units, calls)
    }

    fn unit_view(&self, unit: &Unit, now: Stamp, calls: &mut Vec<Call>) -> UnitView {
        let place = bind(&unit.history, now);
        let lost = unit
            .history
            .batches()
            .last()
            .filter(|batch| batch.lost.is_some() && !batch.state.is_over());
        let state = if lost.is_some() || (unit.unconfirmed && place.batch.is_some()) {
            UnitState::ContextLost
        } else if place.held {
            UnitState::Held
        } else if place.batch.is_some() {
            UnitState::Running
        } else {
            UnitState::Idle
        };
        if state == UnitState::ContextLost {
            calls.push(Self::context_call(unit, lost.map(|batch| &*batch.id), now));
        }
        calls.extend(unit.history.displaced().map(|batch| displaced(unit, batch)));
        let points = unit
            .watches
            .iter()
            .map(|watch| self.point_view(&self.watches[*watch], unit, place, now, calls));
        UnitView {
            name: unit.name.clone(),
            title: unit.title.clone(),
            state,
            batch: place.batch.as_deref().map(str::to_owned),
            step: step_title(unit, place),
            run: place.runs.first().map_or(0, |(_, run)| *run),
            step_since: if place.runs.is_empty() {
                None
            } else {
                unit.history.place_since(now)
            },
            context_number: unit.number,
            points: points.collect(),
        }
    }

    fn context_call(unit: &Unit, lost: Option<&str>, now: Stamp) -> Call {
        let what = match lost {
            Some(batch) => format!(
                "{}: {batch} was never told to be over, but the unit is told to be free",
                unit.name
            ),
            None => format!("{}: the source of batch and step is silent", unit.name),
        };
        let record = if lost.is_some() {
            "Readings are bound to no batch until the source tells more."
        } else {
            "Readings stay bound to what was told last; an exception says that it is unconfirmed."
        };
        Call {
            id: format!("context-{}", unit.name),
            urgency: Urgency::Look,
            what,
            record: record.to_owned(),
            action: "See whether the source of the context is running.".to_owned(),
            since: unit.heard.unwrap_or(now),
        }
    }

    fn point_view(
        &self,
        watch: &Watch,
        unit: &Unit,
        place: &Bound,
        now: Stamp,
        calls: &mut Vec<Call>,
    ) -> PointView {
        let point = &self.points[watch.point];
        let mut rule = watch.rule_in(place);
        let last = point.past.back().map(|past| &past.reading);
        let band = last.and_then(|reading| rule.shown(&reading.answer));
        let verdict = last.map(|reading| check::judge(&reading.answer, band.as_deref()).0);
        let quiet = last.is_some_and(|reading| {
            rule.missing
                .is_some_and(|missing| now.ms_since(reading.time) > missing)
        });
        let (failed, note) = point.failing();
        let away = point.away();
        let state = match (last, verdict) {
            _ if away.is_some() => PointState::OutOfService,
            _ if failed => PointState::Silent,
            (None, _) if rule.pace == Pacing::OnDemand => PointState::WaitingForPrint,
            (Some(reading), _) if watch.printed && !prints::counts(reading.time, now) => {
                PointState::WaitingForPrint
            }
            (None, _) => PointState::Waiting,
            _ if quiet => PointState::Stale,
            (Some(reading), Some(verdict)) => state_of(&reading.answer, verdict, rule.pace),
            (Some(_), None) => PointState::Waiting,
        };
        let since = match state {
            PointState::Silent | PointState::Stale => last.map(|reading| reading.time),
            PointState::Waiting | PointState::WaitingForPrint => self.begun,
            _ => point.since(|answer| {
                state_of(answer, check::judge(answer, band.as_deref()).0, rule.pace) == state
            }),
        };
        let because = because(
            state,
            last.map(|reading| &reading.answer),
            band.as_deref(),
            verdict,
            away.unwrap_or(note),
            since,
            now,
        );
        if let Some(call) = self.call(watch, unit, state, &because, since.unwrap_or(now)) {
            calls.push(call);
        }
        let (value, shown_unit) = shown(last.map(|reading| &reading.answer));
        PointView {
            point: point.name.to_string(),
            role: watch.role.clone(),
            title: point.title.clone(),
            value,
            unit: shown_unit,
            state,
            because,
            time: last.map(|reading| reading.time),
            since,
            limits: band.as_deref().map(limits_view),
            trend: point.trend(),
        }
    }

    fn call(
        &self,
        watch: &Watch,
        unit: &Unit,
        state: PointState,
        because: &str,
        since: Stamp,
    ) -> Option<Call> {
        let point = &self.points[watch.point].name;
        let (urgency, word, record, action) = match state {
            PointState::OutOfLimits => (
                Urgency::Act,
                "excursion",
                match &watch.excursion {
                    Some(excursion) => {
                        let seen = self.seen_by(excursion.seq);
                        format!("Stored as excursion {}.{seen}", excursion.seq)
                    }
                    None => "Stored as an excursion.".to_owned(),
                },
                "Bring it back, then acknowledge with a comment.",
            ),
            PointState::NearLimit => (
                Urgency::Look,
                "near",
                "Nothing to record yet.".to_owned(),
                "Watch it.",
            ),
            PointState::Silent => (
                Urgency::Doubt,
                "silent",
                "The gap is recorded; no value is carried on. What is sealed stays safe.".to_owned(),
                "Check power and cable. It reconnects by itself.",
            ),
            PointState::Stale => (
                Urgency::Doubt,
                "stale",
                "The last value no longer counts. The gap is recorded.".to_owned(),
                "Wait a moment. If it stays, check the equipment.",
            ),
            PointState::Bad => (
                Urgency::Doubt,
                "bad",
                "Readings are stored as bad and never count as in limits.".to_owned(),
                "Call maintenance.",
            ),
            PointState::Doubtful => (
                Urgency::Doubt,
                "doubtful",
                "Readings are stored as doubtful. Quality sees them as an exception.".to_owned(),
                "Check the equipment with the engineer.",
            ),
            _ => return None,
        };
        let what = format!("{}, {}: {because}", unit.name, watch.role);
        let id = format!("{word}-{}-{point}", unit.name);
        Some(Call {
            id,
            urgency,
            what,
            record,
            action: action.to_owned(),
            since,
        })
    }
}

impl Point {
    fn trend(&self) -> Vec<f64> {
        let first = self.past.len().saturating_sub(TREND);
        self.past
            .iter()
            .skip(first)
            .map(|past| as_number(&past.reading.answer))
            .collect()
    }

    /// Since when the answers have been like the last one.
    fn since(&self, alike: impl Fn(&Answer) -> bool) -> Option<Stamp> {
        let like = self
            .past
            .iter()
            .rev()
            .take_while(|past| alike(&past.reading.answer));
        like.last().map(|past| past.reading.time)
    }
}

fn state_of(answer: &Answer, verdict: Verdict, pace: Pacing) -> PointState {
    match (answer, verdict) {
        (Answer::Bad(_), _) => PointState::Bad,
        (Answer::Uncertain(..), _) => PointState::Doubtful,
        (_, _) if pace == Pacing::Never => PointState::Normal,
        (_, Verdict::Below | Verdict::Above) => PointState::OutOfLimits,
        (_, Verdict::Warning) => PointState::NearLimit,
        _ => PointState::Normal,
    }
}

fn because(
    state: PointState,
    answer: Option<&Answer>,
    band: Option<&Band>,
    verdict: Option<Verdict>,
    note: String,
    since: Option<Stamp>,
    now: Stamp,
) -> String {
    let seconds = since.map_or(0, |since| now.ms_since(since).max(0) / 1000);
    let value = answer
        .and_then(Answer::value)
        .map(ToString::to_string)
        .unwrap_or_default();
    let limit = |limit: Option<&record::Amount>| {
        limit
            .zip(band)
            .map(|(limit, band)| format!("{limit} {}", band.unit.shown()))
            .unwrap_or_default()
    };
    match state {
        PointState::Normal => String::new(),
        PointState::Waiting => "nothing has been heard since the start".to_owned(),
        PointState::WaitingForPrint => "waiting for print".to_owned(),
        PointState::Silent if since.is_none() => format!("{note}, never heard since the start"),
        PointState::Silent => format!("{note} for {seconds} s"),
        PointState::Stale => format!("no new value for {seconds} s"),
        PointState::Doubtful | PointState::Bad => {
            answer.and_then(Answer::because).unwrap_or_default().to_owned()
        }
        PointState::OutOfLimits => {
            let side = verdict.unwrap_or(Verdict::Above);
            let broken = limit(band.and_then(|band| band.broken(side)));
            format!("{value}, {} {broken} for {seconds} s", side.word())
        }
        PointState::NearLimit => {
            let nearest = band.and_then(|band| nearest(answer, band));
            format!("{value}, near the limit of {}", limit(nearest))
        }
        PointState::OutOfService => note,
    }
}

/// The limit on the side where the warning is.
fn nearest<'a>(answer: Option<&Answer>, band: &'a Band) -> Option<&'a record::Amount> {
    let Some(Value::Quantity(shown)) = answer.and_then(Answer::value) else {
        return None;
    };
    let high = band
        .warn_high
        .as_ref()
        .is_some_and(|limit| shown.amount.number() > limit.number());
    if high {
        band.high.as_ref().or(band.warn_high.as_ref())
    } else {
        band.low.as_ref().or(band.warn_low.as_ref())
    }
}

fn shown(answer: Option<&Answer>) -> (String, String) {
    match answer.and_then(Answer::value) {
        Some(Value::Quantity(quantity)) => (quantity.amount.to_string(), quantity.unit.shown().to_owned()),
        Some(Value::Text(text)) => (text.clone(), String::new()),
        None => (String::new(), String::new()),
    }
}

fn limits_view(band: &Band) -> LimitsView {
    let text = |limit: &Option<record::Amount>| limit.as_ref().map(ToString::to_string);
    LimitsView {
        low: text(&band.low),
        high: text(&band.high),
        warn_low: text(&band.warn_low),
        warn_high: text(&band.warn_high),
    }
}

/// The steps as people call them.
fn step_title(unit: &Unit, place: &Bound) -> Option<String> {
    let batch = unit.history.batch(place.batch.as_deref()?)?;
    let titles: Vec<&str> = place
        .runs
        .iter()
        .map(|(step, number)| {
            let run = batch
                .runs
                .iter()
                .find(|run| run.step == *step && run.run == *number);
            run.map_or(&**step, |run| {
                if run.title.is_empty() {
                    &*run.step
                } else {
                    run.title.as_str()
                }
            })
        })
        .collect();
    (!titles.is_empty()).then(|| titles.join(" + "))
}
