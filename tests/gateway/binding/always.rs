//! What holds for every history and every lateness.

use super::world::{World, at, clock, message, reading};
use proptest::prelude::*;
use record::{Draft, Stamp, Word, read_ranges};
use std::collections::{BTreeMap, BTreeSet};
use steelyard::{
    config::plant::Authority,
    flow::{
        context::compose::{Of, Said, What},
        line::LineEvent,
    },
};

pub(super) const EACH: &str = "
    MX-3:emulsify TC-1.temp every reading 68.0/69.0/71.5/72.0 °C missing 3
    MX-3:cool     TC-1.temp every reading -/-/70.5/71.0 °C missing 3
";

const SOME: &str = "
    MX-3:emulsify TC-1.temp every 5 68.0/69.0/71.5/72.0 °C missing 3
    MX-3:cool     TC-1.temp every change -/-/70.5/71.0 °C missing 3
";

/// One stretch of a day: a step or nothing, in the batch or the next one.
#[derive(Debug, Clone)]
pub(super) struct Stretch {
    /// 0 emulsify, 1 cool, 2 no step, 3 the batch ends and another begins.
    pub(super) what: u8,
    pub(super) seconds: i64,
    /// How late the message at its begin comes.
    pub(super) late: i64,
}

/// What the authority tells: when it is true, and the text of it.
#[derive(Debug)]
pub(super) struct Told {
    true_at: i64,
    late: i64,
    text: String,
}

impl Told {
    pub(super) fn true_at(&self) -> i64 {
        self.true_at
    }

    pub(super) fn late(&self) -> i64 {
        self.late
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

pub(super) fn stretches() -> impl Strategy<Value = Vec<Stretch>> {
    let stretch = (0..4_u8, 1..40_i64, prop_oneof![Just(0), 0..3_i64, 0..120_i64]);
    prop::collection::vec(
        stretch.prop_map(|(what, seconds, late)| Stretch { what, seconds, late }),
        1..10,
    )
}

/// Readings: one a second but where it is silent, mostly within limits.
pub(super) fn readings() -> impl Strategy<Value = Vec<(bool, i64)>> {
    let value = prop_oneof![4 => 690..716_i64, 1 => 670..735_i64];
    prop::collection::vec((prop::bool::weighted(0.85), value), 60..300)
}

/// Half a second, so that no reading falls on a boundary.
fn stamp(seconds: i64) -> Stamp {
    at("00:00").plus_ms(seconds * 1000 + 500)
}

pub(super) fn day(stretches: &[Stretch]) -> Vec<Told> {
    let (mut told, mut now, mut batch, mut begun) = (Vec::new(), 5, 1, 5);
    let mut runs: Vec<(&str, i64, i64, Option<i64>)> = Vec::new();
    let text = |batch: i64, begun: i64, ended: Option<i64>, runs: &[(&str, i64, i64, Option<i64>)]| {
        let span = |from: i64, to: Option<i64>| {
            format!(
                "{}{}",
                clock(stamp(from)),
                to.map_or(String::new(), |to| format!("-{}", clock(stamp(to))))
            )
        };
        let runs: Vec<String> = runs
            .iter()
            .map(|(step, run, from, to)| format!("{step}/{run} {}", span(*from, *to)))
            .collect();
        let state = if ended.is_some() { "complete" } else { "running" };
        format!("B-{batch} {state} {} 7 : {}", span(begun, ended), runs.join(", "))
    };
    for stretch in stretches {
        if let Some(last) = runs.last_mut().filter(|run| run.3.is_none()) {
            last.3 = Some(now);
        }
        if stretch.what == 3 {
            told.push(Told {
                true_at: now,
                late: stretch.late,
                text: text(batch, begun, Some(now), &runs),
            });
            (batch, begun) = (batch + 1, now);
            runs.clear();
        }
        if stretch.what < 2 {
            let step = ["emulsify", "cool"][usize::from(stretch.what)];
            let run = runs.iter().filter(|run| run.0 == step).count() as i64 + 1;
            runs.push((step, run, now, None));
        }
        told.push(Told {
            true_at: now,
            late: stretch.late,
            text: text(batch, begun, None, &runs),
        });
        now += stretch.seconds;
    }
    if let Some(last) = runs.last_mut().filter(|run| run.3.is_none()) {
        last.3 = Some(now);
    }
    told.push(Told {
        true_at: now,
        late: 0,
        text: text(batch, begun, Some(now), &runs),
    });
    told
}

/// Lives the day second by second.
fn live((settle, captures): (u64, &str), told: &[Told], readings: &[(bool, i64)], late: bool) -> World {
    live_and((settle, captures), told, readings, late, &mut |_, _| {})
}

/// The same, while something else happens at the end of each second.
pub(super) fn live_and(
    (settle, captures): (u64, &str),
    told: &[Told],
    readings: &[(bool, i64)],
    late: bool,
    and: &mut dyn FnMut(&mut World, i64),
) -> World {
    let mut world = World::new(settle, captures);
    let end = told.last().map_or(0, |told| told.true_at);
    let (mut next, mut number) = (0, 0);
    let mut not_before = 0;
    for second in 0..end + 130 {
        world.event(LineEvent::Tick {
            now: at("00:00").plus_ms(second * 1000),
        });
        if let Some((true, value)) = readings.get(second as usize).filter(|_| second < end + 5) {
            let text = format!("{}.{} °C", value / 10, value % 10);
            world.event(LineEvent::Reading(reading(
                "TC-1.temp",
                at("00:00").plus_ms(second * 1000),
                &text,
            )));
        }
        while let Some(message) = told.get(next) {
            let due = (message.true_at + if late { message.late } else { 0 }).max(not_before);
            if due > second {
                break;
            }
            not_before = due;
            next += 1;
            number += 1;
            let bytes = self::message(number, stamp(message.true_at), &message.text).into_bytes();
            let (unit, via, now) = ("MX-3".to_owned(), Authority::Mqtt, stamp(second));
            world.event(LineEvent::Context {
                unit,
                via,
                bytes,
                now,
            });
        }
        and(&mut world, second);
    }
    world
}

/// Where every entry stands in the end, from the ledger alone: inline members and bindings.
pub(super) fn bound(world: &World) -> BTreeMap<u64, BTreeMap<String, String>> {
    let mut places: BTreeMap<u64, BTreeMap<String, String>> = BTreeMap::new();
    for (at, (draft, _)) in world.recorder.entries.iter().enumerate() {
        let seq = at as u64 + 1;
        let place = place(draft);
        if draft.kind() == "binding" && draft.text("state") == Some("confirmed") {
            for (first, last) in read_ranges(draft.text("seqs").unwrap()).unwrap() {
                for seq in first..=last {
                    let stands = places.get(&seq).is_some_and(|of| of.contains_key(&place));
                    assert!(stands, "{seq} was confirmed in {place}, where it was not");
                }
            }
        } else if draft.kind() == "binding" {
            for (first, last) in read_ranges(draft.text("seqs").unwrap()).unwrap() {
                for seq in first..=last {
                    let of = places.entry(seq).or_default();
                    if draft.text("state") == Some("attached") {
                        of.insert(
                            place.clone(),
                            draft.text("verdict").unwrap_or_default().to_owned(),
                        );
                    } else {
                        assert!(
                            of.remove(&place).is_some(),
                            "{seq} was detached from {place}, where it was not"
                        );
                    }
                }
            }
        } else if draft.text("batch").is_some() {
            let verdict = draft.text("verdict").unwrap_or_default().to_owned();
            places.entry(seq).or_default().insert(place, verdict);
        }
    }
    places
}

fn place(draft: &Draft) -> String {
    let run = number(draft, "run").map_or(String::new(), |run| run.to_string());
    format!(
        "{} {}/{run}",
        draft.text("batch").unwrap_or_default(),
        draft.text("step").unwrap_or_default()
    )
}

pub(super) fn number(draft: &Draft, name: &str) -> Option<i64> {
    draft
        .outside()
        .iter()
        .find(|(other, _)| *other == name)
        .and_then(|(_, word)| match word {
            Word::Int(number) => Some(*number),
            Word::Text(_) => None,
        })
}

/// Readings by their time, with where they stand and how they are judged there.
fn readings_of(world: &World) -> BTreeMap<Stamp, String> {
    let places = bound(world);
    let mut found = BTreeMap::new();
    for (at, (draft, _)) in world.recorder.entries.iter().enumerate() {
        if draft.kind() == "reading" {
            let here = places.get(&(at as u64 + 1)).filter(|places| !places.is_empty());
            let here = here.map_or(String::new(), |places| format!("{places:?}"));
            assert!(
                found.insert(draft.time, here).is_none(),
                "the reading of {} is entered twice",
                draft.time
            );
        }
    }
    found
}

/// Excursions where they stand, and the last word on every run; what says that it was late left out.
pub(super) fn outcome(world: &World) -> BTreeSet<String> {
    let places = bound(world);
    let mut found = BTreeSet::new();
    let mut verdicts: BTreeMap<String, String> = BTreeMap::new();
    for (at, (draft, _)) in world.recorder.entries.iter().enumerate() {
        let here = places.get(&(at as u64 + 1)).filter(|places| !places.is_empty());
        match (draft.kind(), here) {
            ("excursion", Some(places)) => {
                let places: Vec<&String> = places.keys().collect();
                let inside: Vec<String> = draft
                    .inside()
                    .iter()
                    .map(|(name, word)| format!("{name} {word:?}"))
                    .collect();
                found.insert(format!(
                    "{} {} {places:?} {}",
                    draft.text("state").unwrap(),
                    clock(draft.time),
                    inside.join(" ")
                ));
            }
            ("verdict", _) => {
                let figures = ["expected", "captured", "gaps"].map(|name| number(draft, name).unwrap());
                let skip = |name: &str| !matches!(name, "note" | "boundary");
                let inside: Vec<String> = draft
                    .inside()
                    .iter()
                    .filter(|(name, _)| skip(name))
                    .map(|(name, word)| format!("{name} {word:?}"))
                    .collect();
                verdicts.insert(place(draft), format!("{figures:?} {}", inside.join(" ")));
            }
            _ => {}
        }
    }
    found.extend(
        verdicts
            .into_iter()
            .map(|(place, figures)| format!("{place}: {figures}")),
    );
    found
}

/// Between neighbours in a run lies never more than `missing_after` that no gap covers.
fn covered(world: &World) {
    let mut runs: BTreeMap<String, (Stamp, Stamp)> = BTreeMap::new();
    let mut heard: BTreeMap<String, Vec<(Stamp, Stamp)>> = BTreeMap::new();
    let places = bound(world);
    for (at, (draft, _)) in world.recorder.entries.iter().enumerate() {
        match draft.kind() {
            "step" if draft.text("state") == Some("running") => {
                runs.insert(place(draft), (draft.time, draft.time));
            }
            "step" => runs.get_mut(&place(draft)).unwrap().1 = draft.time,
            "reading" | "gap" => {
                let until = draft
                    .text("until")
                    .map_or(draft.time, |until| Stamp::read(until).unwrap());
                for here in places.get(&(at as u64 + 1)).into_iter().flat_map(BTreeMap::keys) {
                    heard.entry(here.clone()).or_default().push((draft.time, until));
                }
            }
            _ => {}
        }
    }
    for (place, (from, until)) in runs {
        let mut spans = heard.remove(&place).unwrap_or_default();
        spans.sort_unstable();
        let mut known = from;
        for (begin, end) in spans.into_iter().chain([(until, until)]) {
            assert!(
                begin.ms_since(known) <= 3_000,
                "{place}: nothing covers {} to {}",
                clock(known),
                clock(begin)
            );
            known = known.max(end);
        }
    }
}

/// The same day, said by a person who is the authority: each thing by itself, and late.
fn live_by_person(stretches: &[Stretch], captures: &str, readings: &[(bool, i64)]) -> World {
    let mut plant = super::world::plant(0, captures);
    plant.units[0].authority = Authority::Person;
    let mut world = World::of(plant);
    let says = sayings(stretches);
    let end = says.last().map_or(0, |said| said.0);
    let (mut next, mut not_before) = (0, 0);
    for second in 0..end + 130 {
        let now = at("00:00").plus_ms(second * 1000);
        world.event(LineEvent::Tick { now });
        if let Some((true, value)) = readings.get(second as usize).filter(|_| second < end + 5) {
            let text = format!("{}.{} °C", value / 10, value % 10);
            world.event(LineEvent::Reading(reading("TC-1.temp", now, &text)));
        }
        while let Some((true_at, late, what, of)) = says.get(next) {
            let due = (true_at + late).max(not_before);
            if due > second {
                break;
            }
            (not_before, next) = (due, next + 1);
            let said = Said {
                what: *what,
                of: of.clone(),
                at: stamp(*true_at),
            };
            let (line, recorder) = (&mut world.line, &mut world.recorder);
            line.said("MX-3", &said, "p-17", "as it is", stamp(second), recorder)
                .unwrap();
        }
    }
    world
}

/// What happens, when, and how late it is said.
fn sayings(stretches: &[Stretch]) -> Vec<(i64, i64, What, Of)> {
    let batch = |number: i64| Of::Batch {
        id: Some(format!("B-{number}")),
        product: String::new(),
        recipe: String::new(),
        revision: "7".to_owned(),
        size: String::new(),
    };
    let step = |id: &str| Of::Step {
        id: id.to_owned(),
        title: String::new(),
    };
    let (mut says, mut now, mut number) = (vec![(5, 0, What::Start, batch(1))], 5, 1);
    let mut open: Option<&str> = None;
    for stretch in stretches {
        if let Some(id) = open.take() {
            says.push((now, stretch.late, What::Complete, step(id)));
        }
        if stretch.what == 3 {
            says.push((now, stretch.late, What::Complete, batch(number)));
            number += 1;
            says.push((now, stretch.late, What::Start, batch(number)));
        }
        if stretch.what < 2 {
            let id = ["emulsify", "cool"][usize::from(stretch.what)];
            says.push((now, stretch.late, What::Start, step(id)));
            open = Some(id);
        }
        now += stretch.seconds;
    }
    if let Some(id) = open {
        says.push((now, 0, What::Complete, step(id)));
    }
    says.push((now, 0, What::Complete, batch(number)));
    says
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn late_context_binds_in_the_end_as_if_it_had_been_in_time(
        stretches in stretches(),
        readings in readings(),
        settle in prop_oneof![Just(0_u64), Just(2_000)],
        captures in prop_oneof![Just(EACH), Just(SOME)],
    ) {
        let told = day(&stretches);
        let in_time = live((settle, captures), &told, &readings, false);
        let late = live((settle, captures), &told, &readings, true);
        let (expected, found) = (readings_of(&in_time), readings_of(&late));
        for (time, places) in &expected {
            prop_assert_eq!(found.get(time), Some(places), "the reading of {}", clock(*time));
        }
        // Entered only because it was thought to belong to a step: it must belong to none now.
        let extra = found.iter().filter(|(time, _)| captures == EACH && !expected.contains_key(*time));
        for (time, places) in extra {
            prop_assert!(!places.contains("emulsify") && !places.contains("cool"), "{} stands in {}", clock(*time), places);
        }
        prop_assert_eq!(outcome(&late), outcome(&in_time));
        if captures == EACH {
            covered(&in_time);
            covered(&late);
        }
    }

    #[test]
    fn whoever_tells_it_and_however_late_every_reading_ends_where_it_belongs(
        stretches in stretches(),
        readings in readings(),
    ) {
        let told = day(&stretches);
        let in_time = live((0, EACH), &told, &readings, false);
        let by_person = live_by_person(&stretches, EACH, &readings);
        let (expected, found) = (readings_of(&in_time), readings_of(&by_person));
        for (time, places) in &expected {
            prop_assert_eq!(found.get(time), Some(places), "the reading of {}", clock(*time));
        }
        prop_assert_eq!(outcome(&by_person), outcome(&in_time));
    }
}
