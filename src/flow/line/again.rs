//! What an entry must say, derived anew from the entries before it.
//!
//! Give every line to [`Line::derive`] before [`Line::recall`]: the line then knows exactly what the gateway had
//! entered when it wrote this one. Binding and judging are the same functions that made the entry, so a difference
//! means that the entry, or the program, is another one than it was.

use super::{
    Line,
    books::{Books, Figures, Was},
    memory::Past,
    recall,
};
use crate::flow::{
    bind::{Bound, bind},
    check::Verdict,
    line::{Reading, watch::Pacing},
};
use record::{Amount, Draft, Line as Entry, Stamp, Value, Word};
use std::sync::Arc;

/// What comes out when an entry is derived anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Derived {
    /// It follows from what came before, and says the same.
    Same,
    /// It says otherwise than what follows.
    Other(Difference),
    /// It is what everything else follows from: told, read or done by somebody.
    Given,
    /// It follows from readings that are no entries themselves.
    Not(&'static str),
}

/// One member that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub member: &'static str,
    pub recorded: String,
    pub derived: String,
}

/// Compares one member after the other and keeps the first that differs.
struct Comparison<'a> {
    entry: &'a Entry<'a>,
    found: Option<Difference>,
}

impl<'a> Comparison<'a> {
    fn of(entry: &'a Entry<'a>) -> Self {
        Self { entry, found: None }
    }

    fn says(&mut self, member: &'static str, recorded: Option<String>, derived: Option<String>) {
        if self.found.is_none() && recorded != derived {
            self.found = Some(Difference {
                member,
                recorded: recorded.unwrap_or_default(),
                derived: derived.unwrap_or_default(),
            });
        }
    }

    /// A member outside `data`.
    fn outside(&mut self, member: &'static str, derived: Option<String>) {
        let recorded = self
            .entry
            .text(member)
            .or_else(|| self.entry.int(member).map(|number| number.to_string()));
        self.says(member, recorded, derived);
    }

    /// A member inside `data`.
    fn inside(&mut self, member: &'static str, derived: Option<String>) {
        let recorded = self
            .entry
            .data_text(member)
            .or_else(|| self.entry.data_int(member).map(|number| number.to_string()));
        self.says(member, recorded, derived);
    }

    /// Every member of both, but those that cannot follow.
    fn whole(&mut self, derived: &Draft, but: &[&str]) {
        for (members, recorded, outside) in [
            (derived.outside(), self.entry.members(), true),
            (derived.inside(), self.entry.data_members(), false),
        ] {
            for (name, word) in members.iter().filter(|(name, _)| !but.contains(name)) {
                let derived = Some(shown(word));
                if outside {
                    self.outside(name, derived);
                } else {
                    self.inside(name, derived);
                }
            }
            let head = ["seq", "kind", "time", "salt"];
            let more = recorded.iter().find(|(name, _)| {
                !head.contains(name) && !but.contains(name) && !members.iter().any(|(known, _)| known == name)
            });
            if let Some((name, value)) = more.filter(|_| self.found.is_none()) {
                self.found = Some(Difference {
                    member: "a member nothing leads to",
                    recorded: format!("{name}: {value}"),
                    derived: String::new(),
                });
            }
        }
    }

    fn done(self) -> Derived {
        self.found.map_or(Derived::Same, Derived::Other)
    }
}

fn shown(word: &Word) -> String {
    match word {
        Word::Text(text) => text.clone(),
        Word::Int(number) => number.to_string(),
    }
}

impl Line {
    /// What an entry must say. `before` holds what was entered earlier.
    pub fn derive(&self, entry: &Entry<'_>, before: &Books) -> Derived {
        let Some(time) = entry.raw("time").and_then(Stamp::read) else {
            return Derived::Given;
        };
        let unit = entry
            .text("unit")
            .and_then(|name| self.units.iter().position(|unit| unit.name == name));
        match (entry.kind(), unit) {
            ("reading", _) => self.derive_reading(entry, time),
            ("summary", Some(unit)) => {
                self.derive_place(entry, unit, time, "readings between the captured ones")
            }
            ("gap", Some(unit)) => self.derive_place(entry, unit, time, "what the line was asked meanwhile"),
            ("excursion", Some(unit)) => self.derive_excursion(entry, unit, time),
            ("binding", Some(unit)) => self.derive_binding(entry, unit, before),
            ("verdict", Some(unit)) => self.derive_verdict(entry, unit, time, before),
            _ => Derived::Given,
        }
    }

    /// Bound and judged once more, by its own time and by what was told when it was entered.
    fn derive_reading(&self, entry: &Entry<'_>, time: Stamp) -> Derived {
        let Some(Was { point, answer, .. }) = self.was(entry) else {
            return Derived::Not("a point that the configuration does not know");
        };
        let read = entry.data_text("read").and_then(|text| Stamp::read(&text));
        let mut past = Past::new(Reading {
            point: self.points[point].name.clone(),
            answer,
            raw: entry
                .data_text("raw")
                .map(|text| recall::unhex(&text))
                .unwrap_or_default(),
            time,
            read: read.unwrap_or(time),
            origin: recall::origin(entry),
        });
        for (slot, at) in self.points[point].watches.iter().enumerate() {
            let watch = &self.watches[*at];
            let place = bind(&self.units[watch.unit].history, time);
            let judged = watch.judge_in(place, &past.reading.answer);
            let judged = self.ruled_alone(*at, judged, &past.reading.answer);
            past.judge(slot, self.marked(point, time, judged));
        }
        let around = entry.int("around").and_then(|seq| u64::try_from(seq).ok());
        let mut comparison = Comparison::of(entry);
        // How late it was entered is a matter of the day, not of the readings.
        comparison.whole(&self.reading_draft(point, &past, around), &["late_ms"]);
        comparison.done()
    }

    /// Of an entry about a point over some time, its place follows; its figures do not.
    fn derive_place(&self, entry: &Entry<'_>, unit: usize, time: Stamp, because: &'static str) -> Derived {
        let place = bind(&self.units[unit].history, time);
        match Self::compare_place(entry, place).done() {
            Derived::Same => Derived::Not(because),
            other => other,
        }
    }

    fn compare_place<'a>(entry: &'a Entry<'a>, place: &Bound) -> Comparison<'a> {
        let mut comparison = Comparison::of(entry);
        let batch = place.batch.as_deref().map(str::to_owned);
        let step = batch
            .as_ref()
            .map(|_| place.step.clone())
            .filter(|step| !step.is_empty());
        let run = batch.as_ref().and(place.run()).map(|run| run.to_string());
        comparison.outside("batch", batch);
        comparison.outside("step", step);
        comparison.outside("run", run);
        comparison
    }

    fn derive_excursion(&self, entry: &Entry<'_>, unit: usize, time: Stamp) -> Derived {
        if entry.text("rule").is_some() {
            return Derived::Not("rules are told every reading, entered or not");
        }
        let Some(point) = entry.text("point").and_then(|name| self.point_named(&name)) else {
            return Derived::Not("a point that the configuration does not know");
        };
        let role = entry.text("role").unwrap_or_default();
        let watch = self.units[unit].watches.iter().map(|at| &self.watches[*at]);
        let Some(watch) = watch
            .clone()
            .find(|watch| watch.point == point && watch.role == role)
        else {
            return Derived::Not("a role that the unit does not have");
        };
        let mut comparison = Comparison::of(entry);
        if entry.raw("state") == Some("open") {
            let held = self.points[point].past.iter().rev();
            let Some(reading) = held
                .map(|past| &past.reading)
                .find(|reading| reading.time == time)
            else {
                return Derived::Not("the reading that opened it was no entry");
            };
            let judged = watch.judge_in(bind(&self.units[unit].history, time), &reading.answer);
            let judged = self.marked(point, time, judged);
            comparison.inside("side", Some(judged.verdict.word().to_owned()));
            if let Some(Value::Quantity(shown)) = reading.answer.value() {
                comparison.inside("extreme", Some(shown.amount.to_string()));
            }
            let limit = judged.band.as_ref().and_then(|band| band.broken(judged.verdict));
            comparison.inside("limit", limit.map(ToString::to_string));
            return comparison.done();
        }
        let stamp = |name: &str| entry.data_text(name).and_then(|text| Stamp::read(&text));
        let opened = entry.int("opened").and_then(|seq| u64::try_from(seq).ok());
        let (Some(started), Some(ended), Some(_)) = (stamp("started"), stamp("ended"), opened) else {
            return Derived::Not("an excursion over a time that is not said");
        };
        comparison.inside("duration_ms", Some(ended.ms_since(started).to_string()));
        let side = entry.data_text("side").and_then(|word| Verdict::named(&word));
        if let (Some(worst), Some(recorded)) = (
            self.worst(point, side, (started, ended)),
            entry.data_text("extreme").and_then(|text| Amount::read(&text)),
        ) {
            if worst.number() != recorded.number() {
                comparison.inside("extreme", Some(worst.to_string()));
            }
        }
        comparison.done()
    }

    /// The value furthest out among the readings entered between two moments.
    fn worst(&self, point: usize, side: Option<Verdict>, span: (Stamp, Stamp)) -> Option<Amount> {
        let within = self.points[point]
            .past
            .iter()
            .filter(|past| past.reading.time >= span.0 && past.reading.time <= span.1);
        let amounts = within.filter_map(|past| match past.reading.answer.value() {
            Some(Value::Quantity(shown)) => Some(shown.amount.clone()),
            _ => None,
        });
        if side? == Verdict::Above {
            amounts.max_by_key(Amount::number)
        } else {
            amounts.min_by_key(Amount::number)
        }
    }

    /// Readings are bound by their own time, so a binding names only such as belong, or no longer belong, there.
    fn derive_binding(&self, entry: &Entry<'_>, unit: usize, before: &Books) -> Derived {
        let Some(seqs) = entry.raw("seqs").and_then(record::read_ranges) else {
            return Derived::Other(Difference {
                member: "seqs",
                recorded: entry.text("seqs").unwrap_or_default(),
                derived: "ascending ranges".into(),
            });
        };
        let attached = entry.raw("state") != Some("detached");
        if entry.text("step").is_none() {
            // Of the whole batch: entries of the gateway itself, readings between the steps.
            return Derived::Same;
        }
        for seq in seqs.into_iter().flat_map(|(from, to)| from..=to) {
            let Some(was) = before.reading(seq) else { continue };
            let place = bind(&self.units[unit].history, was.time);
            let here = matches!(Self::compare_place(entry, place).done(), Derived::Same);
            if here != attached {
                return Derived::Other(Difference {
                    member: "seqs",
                    recorded: format!("{seq} is {}", if attached { "attached" } else { "detached" }),
                    derived: format!("{seq} belongs to {place}"),
                });
            }
            if let Some(verdict) = entry.raw("verdict").filter(|_| attached) {
                let derived = self.judged_there(unit, was, place);
                if derived.is_some_and(|derived| derived.word() != verdict) {
                    return Derived::Other(Difference {
                        member: "verdict",
                        recorded: verdict.to_owned(),
                        derived: format!("{seq} is {}", derived.map_or("", Verdict::word)),
                    });
                }
            }
        }
        Derived::Same
    }

    fn judged_there(&self, unit: usize, was: &Was, place: &Arc<Bound>) -> Option<Verdict> {
        let mut watches = self.units[unit].watches.iter().copied();
        let at = watches.find(|at| self.watches[*at].point == was.point)?;
        let judged = self.watches[at].judge_in(place, &was.answer);
        let judged = self.ruled_alone(at, judged, &was.answer);
        Some(self.marked(was.point, was.time, judged).verdict)
    }

    /// The figures of a run, as far as every reading they count is an entry.
    fn derive_verdict(&self, entry: &Entry<'_>, unit: usize, time: Stamp, before: &Books) -> Derived {
        let (Some(batch), Some(step), Some(run)) =
            (entry.text("batch"), entry.text("step"), entry.int("run"))
        else {
            return Derived::Not("a run that is not named");
        };
        let known = &self.units[unit];
        let told = known.history.batch(&batch);
        let Some(told) = told.and_then(|batch| {
            batch
                .runs
                .iter()
                .find(|told| *told.step == *step && i64::from(told.run) == run)
        }) else {
            return Derived::Not("a run that is no longer told");
        };
        let until = known.history.run_until(&batch, told).unwrap_or(time);
        let place = Bound {
            batch: Some(batch.as_str().into()),
            revision: known.history.revision(&batch, until),
            runs: vec![(told.step.clone(), told.run)],
            step: step.clone(),
            ..Bound::default()
        };
        let watches: Vec<_> = known.watches.iter().map(|at| &self.watches[*at]).collect();
        let expected: u64 = watches
            .iter()
            .map(|watch| watch.expected(&place, told.started, until))
            .sum();
        let mut comparison = Comparison::of(entry);
        comparison.outside("expected", Some(expected.to_string()));
        let every = self.enters_every_in(unit, &place);
        figures(&mut comparison, before.figures(&batch, &step, told.run), every);
        match comparison.done() {
            Derived::Same if !every => Derived::Not("verdicts of readings that are no entries"),
            other => other,
        }
    }
}

impl Line {
    /// Whether every reading of a run becomes an entry, so that its figures follow from entries.
    pub(super) fn enters_every_reading(&self, unit: usize, batch: &str, step: &str, run: u32) -> bool {
        let history = &self.units[unit].history;
        let told = history.batch(batch);
        let told = told.and_then(|batch| {
            let mut runs = batch.runs.iter();
            runs.find(|told| *told.step == *step && told.run == run)
        });
        told.is_some_and(|told| {
            let place = Bound {
                batch: Some(batch.into()),
                revision: history.revision(batch, told.started),
                runs: vec![(told.step.clone(), told.run)],
                step: step.to_owned(),
                ..Bound::default()
            };
            self.enters_every_in(unit, &place)
        })
    }

    fn enters_every_in(&self, unit: usize, place: &Bound) -> bool {
        let watches = self.units[unit].watches.iter().map(|at| &self.watches[*at]);
        watches.into_iter().all(|watch| {
            matches!(
                watch.rule_in(place).pace,
                Pacing::Never | Pacing::EveryReading | Pacing::OnDemand
            )
        })
    }
}

fn figures(comparison: &mut Comparison<'_>, of: Figures, every: bool) {
    let text = |count: u64| Some(count.to_string());
    comparison.outside("gaps", text(of.gaps));
    comparison.outside("exceptions", text(of.exceptions + of.excursions));
    comparison.inside("excursions", text(of.excursions));
    if !every {
        return;
    }
    comparison.outside("captured", text(of.readings));
    for (name, verdict) in [
        ("within", Verdict::Within),
        ("warning", Verdict::Warning),
        ("below", Verdict::Below),
        ("above", Verdict::Above),
        ("not_judged", Verdict::NotJudged),
    ] {
        comparison.inside(name, text(of.verdicts[verdict as usize]));
    }
}
