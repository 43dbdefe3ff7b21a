//! Calibration in every judgement: what an instrument read after its due date carries the mark, and by policy counts
//! for nothing. The date passing in mid-batch is one exception for each instrument and batch.

use super::{Enter, Line, watch::Judged};
use crate::{
    config::plant::WhenOver,
    flow::{check::Verdict, local::Until},
};
use jiff::tz::TimeZone;
use record::{Line as Entry, Stamp};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// The mark of a reading.
pub const OVER: &str = "calibration-over";
/// The mark of a reading by an instrument that was left out of its limits.
pub const OUT: &str = "out-of-calibration";

/// How an instrument stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    /// The last day, as it was written.
    until: Option<Until>,
    /// The first moment that is too late.
    ends: Option<Stamp>,
    /// It was left out of its limits.
    out: bool,
}

/// What the line knows of calibration.
#[derive(Debug)]
pub(super) struct Calibrations {
    zone: TimeZone,
    when_over: WhenOver,
    /// Of each instrument, since when, in order.
    standing: HashMap<String, Vec<(Stamp, Standing)>>,
    /// Instruments and batches that have had their exception.
    told: HashSet<(String, Arc<str>)>,
}

impl Calibrations {
    pub(super) fn new(plant: &crate::config::plant::Plant) -> Self {
        let mut known = Self {
            zone: crate::flow::local::zone(&plant.gateway.zone),
            when_over: plant.gateway.when_calibration_is_over,
            standing: HashMap::new(),
            told: HashSet::new(),
        };
        for (tag, equipment) in &plant.equipment {
            let until = equipment.calibrated_till.as_deref().and_then(Until::read);
            known.set(tag, until, false, Stamp(i64::MIN));
        }
        known
    }

    fn set(&mut self, tag: &str, until: Option<Until>, out: bool, since: Stamp) {
        let ends = until.as_ref().map(|until| until.ends(&self.zone));
        let known = self.standing.entry(tag.to_owned()).or_default();
        let standing = Standing { until, ends, out };
        if !known.contains(&(since, standing.clone())) {
            known.push((since, standing));
            // Of two said of the same moment the later counts.
            known.sort_by_key(|(since, _)| *since);
        }
    }

    /// How an instrument stood at a moment.
    fn at(&self, tag: &str, time: Stamp) -> Option<&Standing> {
        let known = self.standing.get(tag)?;
        let last = known.iter().rev().find(|(since, _)| *since <= time);
        last.map(|(_, standing)| standing)
    }

    /// What marks a reading of this moment; nothing where the instrument is in order, or where nobody said until when.
    pub(super) fn mark(&self, tag: &str, time: Stamp) -> Option<&'static str> {
        let standing = self.at(tag, time)?;
        if standing.out {
            Some(OUT)
        } else if standing.ends.is_some_and(|ends| time >= ends) {
            Some(OVER)
        } else {
            None
        }
    }
}

impl Line {
    /// Takes in a `calibration` entry: from then on it says how the instrument stands.
    pub fn calibrated(&mut self, tag: &str, until: Option<&str>, out: bool, since: Stamp) {
        self.calibrations
            .set(tag, until.and_then(Until::read), out, since);
    }

    /// What speaks against the calibration of an instrument now.
    pub fn calibration_mark(&self, tag: &str, now: Stamp) -> Option<&'static str> {
        self.calibrations.mark(tag, now)
    }

    /// Every instrument whose last day is known, with the days that are left: negative when it is over.
    pub fn calibrations_due(&self, now: Stamp) -> Vec<(String, String, i32)> {
        let known = &self.calibrations;
        let mut due: Vec<(String, String, i32)> = known
            .standing
            .keys()
            .filter_map(|tag| {
                let until = known.at(tag, now)?.until.as_ref()?;
                Some((tag.clone(), until.to_string(), until.days_left(now, &known.zone)?))
            })
            .collect();
        due.sort();
        due
    }

    pub(super) fn recall_calibration(&mut self, line: &Entry<'_>) {
        if let Some(tag) = line.text("equipment") {
            let until = line.text("until");
            let since = line.raw("time").and_then(Stamp::read).unwrap_or(self.now);
            self.calibrated(&tag, until.as_deref(), line.raw("state") == Some("out"), since);
        }
    }

    pub(super) fn recall_told(&mut self, line: &Entry<'_>) {
        if !line.raw("because").is_some_and(|because| because == OVER) {
            return;
        }
        let point = line.text("point").unwrap_or_default();
        let tag = point.rsplit_once('.').map_or(point.as_str(), |(tag, _)| tag);
        if let Some(batch) = line.text("batch") {
            self.calibrations
                .told
                .insert((tag.to_owned(), batch.as_str().into()));
        }
    }

    /// How calibration changes a judgement.
    pub(super) fn marked(&self, point: usize, time: Stamp, mut judged: Judged) -> Judged {
        let Some(mark) = self.calibrations.mark(&self.points[point].name.tag, time) else {
            return judged;
        };
        // What is known to be out of its limits never counts as within; what is only overdue does by policy.
        let counts = mark == OVER && self.calibrations.when_over == WhenOver::Exception;
        if !counts && judged.verdict != Verdict::NotJudged {
            judged.verdict = Verdict::NotJudged;
            judged.why = mark;
        } else if judged.why.is_empty() {
            judged.why = mark;
        }
        judged
    }

    /// One exception for each instrument and batch in which its calibration is over.
    pub(super) fn calibration_over(&mut self, enter: &mut dyn Enter) {
        let now = self.now;
        let mut due = Vec::new();
        for (at, watch) in self.watches.iter().enumerate() {
            let tag = &self.points[watch.point].name.tag;
            let Some(place) = watch.place.as_ref().filter(|place| place.batch.is_some()) else {
                continue;
            };
            if self.calibrations.mark(tag, now).is_some() {
                due.push((at, tag.clone(), place.clone()));
            }
        }
        for (watch, tag, place) in due {
            let Some(batch) = place.batch.clone() else {
                continue;
            };
            if !self.calibrations.told.insert((tag.clone(), batch)) {
                continue;
            }
            let standing = self.calibrations.at(&tag, now);
            let out = standing.is_some_and(|standing| standing.out);
            let until = standing
                .and_then(|standing| standing.until.as_ref())
                .filter(|_| !out);
            let says = match until {
                Some(until) => format!("{tag} was calibrated until {until}"),
                None => format!("{tag} was left out of its limits at its last calibration"),
            };
            let counts = !out && self.calibrations.when_over == WhenOver::Exception;
            let says = if counts {
                format!("{says}; its readings are marked and judged")
            } else {
                format!("{says}; its readings are marked and count for nothing")
            };
            self.except(watch, place, OVER, &says, now, enter);
        }
    }
}
