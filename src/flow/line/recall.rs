//! After a restart the state is built again from the ledger: give every line from the first entry of the
//! oldest batch that may still be open, in order, before the first event.
//!
//! Nothing is entered here. A message that comes again afterwards changes only what is not in the ledger yet,
//! so a stop between two entries of one message loses neither.

use super::{
    Line, Reading,
    memory::{Other, Past, Written},
    watch::Judged,
};
use crate::{
    config::plant::PointName,
    flow::{
        bind::{Bound, bind},
        check::Verdict,
        context::Phase,
        link::Origin,
    },
};
use record::{Amount, Answer, Line as Entry, Quantity, Stamp, Unit, Value, read_ranges};
use std::{collections::BTreeMap, sync::Arc};

/// By number: unit, where it is bound by what was told, and how it is judged there.
pub(super) type Elsewhere = BTreeMap<u64, (usize, Arc<Bound>, Verdict)>;

/// Kinds that the gateway enters about itself.
const OWN: &[&str] = &["start", "stop", "clock", "configuration", "key", "epoch"];

impl Line {
    /// Takes in one full line of the ledger.
    pub fn recall(&mut self, line: &Entry<'_>) {
        self.note(line);
        let Some(time) = line.raw("time").and_then(Stamp::read) else {
            return;
        };
        if OWN.contains(&line.kind()) {
            self.own(line.seq(), line.leaf(), time);
            return;
        }
        if matches!(line.kind(), "file" | "recipe" | "signature") {
            self.recall_recipe(line, time);
            return;
        }
        self.recall_drafts(line);
        let unit = line
            .text("unit")
            .and_then(|name| self.units.iter().position(|unit| unit.name == name));
        if let Some(unit) = unit {
            let number = line
                .data_int("number")
                .filter(|_| matches!(line.kind(), "batch" | "step" | "allocation"));
            let known = &mut self.units[unit];
            known.number = known.number.max(number.unwrap_or(0).max(0) as u64);
            self.recall_teller(unit, line, time);
        }
        if let ("exception", Some(unit)) = (line.kind(), unit) {
            self.recall_doubt(unit, line, time);
        }
        match (line.kind(), unit) {
            ("batch", Some(unit)) => self.recall_batch(unit, line, time),
            ("step", Some(unit)) => self.recall_step(unit, line, time),
            ("allocation", Some(unit)) if line.raw("state") == Some("released") => {
                let state = line.data_text("note").and_then(|word| Phase::named(&word));
                if let (Some(batch), Some(state)) = (line.text("batch"), state) {
                    self.units[unit].history.recall_over(&batch, state, time);
                }
            }
            ("allocation", Some(unit)) => {
                if let Some(batch) = line.text("batch") {
                    let history = &mut self.units[unit].history;
                    match line.raw("state") {
                        Some("lost") => history.recall_lost(&batch, time),
                        Some("found") => _ = history.found(&batch, time),
                        _ => {}
                    }
                }
            }
            ("reading", unit) => self.recall_reading(unit, line, time),
            ("summary", Some(unit)) if self.recall_rule(unit, line, time) => {}
            ("exception" | "excursion", Some(unit)) if self.recall_found(unit, line, time) => {}
            ("weighing" | "addition", Some(_)) => {
                if let Some((batch, material)) = line.text("batch").zip(line.data_text("material")) {
                    self.happened(&batch, format!("{} of {material}", line.kind()), time);
                }
            }
            ("gap" | "exception" | "excursion" | "summary", Some(unit)) => {
                self.recall_told(line);
                self.recall_other(unit, line, time);
            }
            ("manual", Some(unit)) => self.recall_hand(unit, line, time),
            ("calibration", _) => self.recall_calibration(line),
            ("verdict", Some(unit)) => self.recall_verdict(unit, line),
            ("binding", Some(_)) => self.recall_binding(line),
            _ => {}
        }
    }

    /// Takes in what an entry from before memory begins still means: an open excursion, doubt, a recipe, a value by hand.
    /// Figures are put back by themselves, and what a late context changes there is read back from the ledger.
    pub fn recall_standing(&mut self, line: &Entry<'_>) {
        self.note(line);
        let Some(time) = line.raw("time").and_then(Stamp::read) else {
            return;
        };
        let unit = line
            .text("unit")
            .and_then(|name| self.units.iter().position(|unit| unit.name == name));
        self.recall_drafts(line);
        match (line.kind(), unit) {
            ("file" | "recipe" | "signature", _) => self.recall_recipe(line, time),
            ("exception", Some(unit)) => {
                self.recall_doubt(unit, line, time);
                self.recall_told(line);
                self.recall_found(unit, line, time);
            }
            ("excursion", Some(unit)) if !self.recall_found(unit, line, time) => {
                self.recall_open(unit, line, time);
            }
            ("summary", Some(unit)) => _ = self.recall_rule(unit, line, time),
            ("weighing" | "addition", Some(_)) => {
                if let Some((batch, material)) = line.text("batch").zip(line.data_text("material")) {
                    self.happened(&batch, format!("{} of {material}", line.kind()), time);
                }
            }
            ("manual", Some(unit)) => self.recall_hand(unit, line, time),
            ("verdict", Some(unit)) => self.recall_verdict(unit, line),
            _ => {}
        }
    }

    /// An excursion that begins or ends.
    fn recall_open(&mut self, unit: usize, line: &Entry<'_>, time: Stamp) {
        let point = line.text("point").and_then(|name| self.point_named(&name));
        let role = line.text("role").unwrap_or_default();
        let watch = self.units[unit].watches.iter().copied().find(|watch| {
            let watch = &self.watches[*watch];
            Some(watch.point) == point && watch.role == role
        });
        let Some(watch) = watch else { return };
        if line.raw("state") == Some("open") {
            self.watches[watch].recall_excursion(line, time);
        } else {
            self.watches[watch].excursion = None;
        }
    }

    /// What was told late moved readings: by now they are bound where they belong, and here it says how they are judged
    /// there.
    fn recall_binding(&mut self, line: &Entry<'_>) {
        let verdict = line.raw("verdict").and_then(Verdict::named);
        let (Some(verdict), Some(ranges)) = (verdict, line.raw("seqs").and_then(read_ranges)) else {
            return;
        };
        let (Some(batch), Some(step)) = (line.text("batch"), line.text("step")) else {
            return;
        };
        if line.raw("state") != Some("attached") {
            return;
        }
        for (from, to) in ranges {
            let here: Vec<u64> = self.elsewhere.range(from..=to).map(|(seq, _)| *seq).collect();
            for seq in here {
                let Some((unit, place, counted)) = self.elsewhere.get_mut(&seq) else {
                    continue;
                };
                if place.batch.as_deref() != Some(batch.as_str()) || place.step != step || *counted == verdict
                {
                    continue;
                }
                let (unit, place, old) = (*unit, place.clone(), std::mem::replace(counted, verdict));
                self.units[unit].count(&place, |tally| {
                    tally.verdicts[old as usize] = tally.verdicts[old as usize].saturating_sub(1);
                    tally.verdicts[verdict as usize] += 1;
                });
                self.judged_again(seq, &place, verdict);
            }
        }
    }

    /// The same for what is in memory.
    fn judged_again(&mut self, seq: u64, place: &Arc<Bound>, verdict: Verdict) {
        let mut memory = self.points.iter_mut().flat_map(|point| point.past.iter_mut());
        let Some(past) = memory.find(|past| past.entered.as_ref().is_some_and(|written| written.seq == seq))
        else {
            return;
        };
        for judged in past.first.iter_mut().chain(&mut past.more) {
            if judged.place.same_place(place) {
                judged.verdict = verdict;
            }
        }
        for stands in past.entered.iter_mut().flat_map(|written| &mut written.places) {
            if stands.0.same_place(place) {
                stands.1 = verdict;
            }
        }
    }

    /// Takes in only what an entry counts for in the figures of its runs; for what lies before memory begins.
    /// Context must have been taken in before.
    pub fn recall_figures(&mut self, line: &Entry<'_>) {
        let kind = line.kind();
        if !matches!(kind, "reading" | "gap" | "exception" | "excursion" | "verdict") {
            return;
        }
        let Some(time) = line.raw("time").and_then(Stamp::read) else {
            return;
        };
        let unit = line
            .text("unit")
            .and_then(|name| self.units.iter().position(|unit| unit.name == name));
        if let ("exception", Some(unit)) = (kind, unit) {
            self.recall_doubt(unit, line, time);
        }
        match (kind, unit) {
            ("verdict", Some(unit)) => self.recall_verdict(unit, line),
            ("reading", _) => self.reading_figures(unit, line, time),
            (_, Some(unit)) => {
                let place = bind(&self.units[unit].history, time).clone();
                let opens = line.raw("state") == Some("open");
                self.units[unit].count(&place, |tally| match kind {
                    "gap" => tally.gaps += 1,
                    "exception" => tally.exceptions += 1,
                    _ => tally.excursions += u64::from(opens),
                });
            }
            _ => {}
        }
    }

    fn reading_figures(&mut self, unit: Option<usize>, line: &Entry<'_>, time: Stamp) {
        let Some(point) = line.text("point").and_then(|name| self.point_named(&name)) else {
            return;
        };
        let verdict = line.raw("verdict").and_then(Verdict::named);
        let verdict = verdict.unwrap_or(Verdict::NotJudged) as usize;
        let quality = match line.raw("quality") {
            Some("good") => record::Quality::Good,
            Some("uncertain") => record::Quality::Uncertain,
            _ => record::Quality::Bad,
        } as usize;
        let around = line.int("around").is_some();
        for watch in self.points[point].watches.clone() {
            let known = &self.watches[watch];
            if unit.is_some_and(|unit| unit != known.unit) {
                continue;
            }
            let at = known.unit;
            let place = bind(&self.units[at].history, time).clone();
            let pace = known.pace_in(&place);
            if pace != super::watch::Pacing::Never {
                let captured = !(around && matches!(pace, super::watch::Pacing::Every(_)));
                self.units[at].count(&place, |tally| {
                    tally.count(verdict, quality, u64::from(captured));
                });
            }
        }
    }

    fn recall_batch(&mut self, unit: usize, line: &Entry<'_>, time: Stamp) {
        if line.raw("state") == Some("withdrawn") {
            let batch = line.text("batch").unwrap_or_default();
            self.units[unit].history.withdraw(&batch);
            return;
        }
        let (Some(id), Some(state)) = (line.text("batch"), line.raw("state").and_then(Phase::named)) else {
            return;
        };
        let word = |name: &str| line.data_text(name).unwrap_or_default();
        let size = match (word("size"), word("in")) {
            (size, code) if code.is_empty() => size,
            (size, code) => {
                let shown = Unit::named(&code)
                    .map(|unit| unit.shown().to_owned())
                    .unwrap_or(code);
                format!("{size} {shown}")
            }
        };
        let stamp = |name: &str| line.data_text(name).and_then(|text| Stamp::read(&text));
        let told = crate::flow::context::Batch {
            id: id.as_str().into(),
            product: word("product"),
            recipe: word("recipe"),
            revision: word("revision"),
            size,
            state,
            since: Some(time),
            started: stamp("started").unwrap_or(time),
            ended: state.is_over().then(|| stamp("ended").unwrap_or(time)),
        };
        if line.int("closing").is_some() {
            self.closed_before(unit, &id, time);
        }
        if stamp("started").is_some() {
            self.units[unit].history.recall_batch(&told);
            self.units[unit].history.forget(super::memory::BATCHES);
        }
    }

    fn recall_step(&mut self, unit: usize, line: &Entry<'_>, time: Stamp) {
        let (Some(batch), Some(step), Some(run)) = (line.text("batch"), line.text("step"), line.int("run"))
        else {
            return;
        };
        let stamp = |name: &str| line.data_text(name).and_then(|text| Stamp::read(&text));
        let run = run.max(0) as u32;
        let Some(state) = line.raw("state").and_then(Phase::named) else {
            self.units[unit].history.recall_withdrawn(&batch, &step, run);
            return;
        };
        let told = crate::flow::context::Run {
            step: step.as_str().into(),
            title: line.data_text("title").unwrap_or_default(),
            run,
            state,
            since: Some(time),
            started: stamp("started").unwrap_or(time),
            ended: state.is_over().then(|| stamp("ended").unwrap_or(time)),
        };
        self.units[unit].history.recall_run(&batch, &told);
    }

    fn recall_reading(&mut self, unit: Option<usize>, line: &Entry<'_>, time: Stamp) {
        let Some(point) = line.text("point").and_then(|name| self.point_named(&name)) else {
            return;
        };
        let Some(answer) = recalled_answer(line) else {
            return;
        };
        let read = line
            .data_text("read")
            .and_then(|text| Stamp::read(&text))
            .unwrap_or(time);
        let verdict = line
            .raw("verdict")
            .and_then(Verdict::named)
            .unwrap_or(Verdict::NotJudged);
        let raw = line.data_text("raw").map(|text| unhex(&text)).unwrap_or_default();
        let name = self.points[point].name.clone();
        let quality = answer.quality() as usize;
        let mut past = Past::new(Reading {
            point: name,
            answer,
            raw,
            time,
            read,
            origin: origin(line),
        });
        let mut places = Vec::new();
        for (slot, watch) in self.points[point].watches.clone().into_iter().enumerate() {
            let known = &mut self.watches[watch];
            known.recall_beyond(&past.reading.answer, time, verdict);
            known.at = known.at.max(Some(time));
            known.covered = known.covered.max(time);
            let place = if unit.is_none_or(|unit| unit == known.unit) {
                bind(&self.units[known.unit].history, time).clone()
            } else {
                Arc::new(Bound::default())
            };
            let asked = known.rule_in(&place).pace;
            if asked != super::watch::Pacing::Never {
                let around = line.int("around").is_some();
                let captured = !(around && matches!(asked, super::watch::Pacing::Every(_)));
                let known_unit = known.unit;
                self.units[known_unit].count(&place, |tally| {
                    tally.count(verdict as usize, quality, u64::from(captured));
                });
                if captured && slot < 64 {
                    past.counted |= 1 << slot;
                }
                let own = (line.text("batch"), line.text("step").unwrap_or_default());
                if place.batch.is_some()
                    && own != (place.batch.as_deref().map(str::to_owned), place.step.clone())
                {
                    self.elsewhere
                        .insert(line.seq(), (known_unit, place.clone(), verdict));
                }
            }
            places.push((place.clone(), verdict));
            past.judge(
                slot,
                Judged {
                    place,
                    verdict,
                    why: "",
                    band: None,
                    ruled: None,
                },
            );
        }
        past.entered = Some(Written {
            seq: line.seq(),
            leaf: line.leaf(),
            doubtful: line.raw("context").is_some(),
            places,
        });
        let held = &mut self.points[point];
        held.heard = held.heard.max(Some(time));
        held.past.push_back(past);
        held.next += 1;
        self.make_room(point);
    }

    fn recall_other(&mut self, unit: usize, line: &Entry<'_>, time: Stamp) {
        let until = line.raw("until").and_then(Stamp::read).unwrap_or(time);
        // What is about no point stands where it says; only what was read moves with its time.
        let named = line.raw("point").is_none().then(|| named_place(line)).flatten();
        let place = named.unwrap_or_else(|| bind(&self.units[unit].history, time).clone());
        let kind = match line.kind() {
            "gap" => "gap",
            "summary" => "summary",
            "excursion" if line.raw("state") == Some("open") => "excursion",
            "excursion" => "closed",
            _ => "exception",
        };
        // What names no step is the whole batch's.
        let of_a_step = line.raw("step").is_some();
        self.units[unit].count(&place, |tally| match kind {
            "gap" => tally.gaps += 1,
            "excursion" => tally.excursions += 1,
            "exception" if of_a_step => tally.exceptions += 1,
            _ => {}
        });
        let point = line.text("point").and_then(|name| self.point_named(&name));
        let role = line.text("role").unwrap_or_default();
        let watch = self.units[unit].watches.iter().copied().find(|watch| {
            let watch = &self.watches[*watch];
            Some(watch.point) == point && watch.role == role
        });
        let Some(watch) = watch else { return };
        if kind == "gap" {
            let known = &mut self.watches[watch];
            known.covered = known.covered.max(until);
            known.at = known.at.max(Some(until));
        }
        let (seq, leaf) = (line.seq(), line.leaf());
        let from = if kind == "closed" {
            line.data_text("started")
                .and_then(|text| Stamp::read(&text))
                .unwrap_or(time)
        } else {
            time
        };
        let until = if kind == "closed" { time } else { until };
        self.units[unit].others.push_back(Other {
            seq,
            leaf,
            kind,
            watch,
            from,
            until,
            places: vec![place],
            closes: None,
            stale: false,
        });
        match kind {
            "excursion" => self.watches[watch].recall_excursion(line, time),
            "closed" => {
                let closes = self.watches[watch].excursion.take().map(Box::new);
                if let Some(closed) = self.units[unit].others.back_mut() {
                    closed.closes = closes;
                }
            }
            _ => {}
        }
    }

    fn recall_verdict(&mut self, unit: usize, line: &Entry<'_>) {
        let (Some(batch), Some(step), Some(run)) = (line.text("batch"), line.text("step"), line.int("run"))
        else {
            return;
        };
        let at = self.units[unit].tally(&batch.as_str().into(), &step.as_str().into(), run.max(0) as u32);
        let tally = &mut self.units[unit].tallies[at];
        tally.said = Some(line.seq());
        tally.changed = false;
    }

    pub(super) fn point_named(&self, name: &str) -> Option<usize> {
        let (tag, measure) = name.rsplit_once('.')?;
        self.index
            .get(&PointName {
                tag: tag.to_owned(),
                measure: measure.to_owned(),
            })
            .copied()
    }
}

/// The place an entry names by itself.
fn named_place(line: &Entry<'_>) -> Option<Arc<Bound>> {
    let (batch, step) = (line.text("batch")?, line.text("step")?);
    let run = u32::try_from(line.int("run")?).ok()?;
    Some(Arc::new(Bound {
        batch: Some(batch.as_str().into()),
        runs: step.split('+').map(|step| (step.into(), run)).collect(),
        step,
        ..Bound::default()
    }))
}

pub(super) fn recalled_answer(line: &Entry<'_>) -> Option<Answer> {
    let value = line.data_text("value").map(|text| {
        let unit = line.data_text("in").and_then(|code| Unit::named(&code));
        match (Amount::read(&text), unit) {
            (Some(amount), Some(unit)) => Value::Quantity(Quantity { amount, unit }),
            _ => Value::Text(text),
        }
    });
    let because = line.data_text("because").unwrap_or_default();
    match (line.raw("quality")?, value) {
        ("good", Some(value)) => Some(Answer::Good(value)),
        ("uncertain", Some(value)) => Some(Answer::Uncertain(value, because)),
        ("bad", _) => Some(Answer::Bad(because)),
        _ => None,
    }
}

/// What the server had said of a value, as the entry has it.
pub(super) fn origin(line: &Entry<'_>) -> Option<Box<Origin>> {
    let time = |name: &str| line.data_text(name).as_deref().and_then(Stamp::read);
    let status = line.data_text("status")?;
    Some(Box::new(Origin {
        source: time("source"),
        server: time("server"),
        ahead_ms: line.data_int("ahead_ms"),
        status: u32::from_str_radix(&status, 16).ok()?,
        unchanged: line.data_text("unchanged").is_some(),
    }))
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let pair = |at: usize| {
        text.get(at..at + 2)
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
    };
    (0..text.len()).step_by(2).map_while(pair).collect()
}
