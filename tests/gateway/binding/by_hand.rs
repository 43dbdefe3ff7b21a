//! Values by hand and calibration, where readings are bound and judged.

use super::world::{World, at};
use record::{Draft, Quantity, Value};
use steelyard::{
    config::plant::{PointName, WhenOver},
    flow::{
        enter::Enter,
        line::{LineEvent, by_hand::ByHand},
    },
};

const EACH: &str = "
    MX-3:emulsify TC-1.temp every reading 68.0/69.0/71.5/72.0 °C missing 30
";

fn hand(value: &str, time: &str, now: &str, second: Option<&str>, corrects: Option<u64>) -> LineEvent {
    LineEvent::ByHand(ByHand {
        unit: "MX-3".into(),
        role: "temp".into(),
        point: PointName {
            tag: "TC-1".into(),
            measure: "temp".into(),
        },
        value: Value::Quantity(Quantity::read(value).unwrap()),
        time: at(time),
        paper: "BR-12".into(),
        by: "p-3".into(),
        reason: "the line was cut".into(),
        second: second.map(str::to_owned),
        corrects,
        now: at(now),
    })
}

/// What a world has entered of some kinds, in order: kind, place, state, verdict.
fn entered(world: &World, kinds: &[&str]) -> Vec<String> {
    let drafts = world.recorder.entries.iter().map(|(draft, _)| draft);
    drafts
        .filter(|draft| kinds.contains(&draft.kind()))
        .map(|draft| {
            let words = ["batch", "step", "state", "because", "verdict"];
            let said: Vec<&str> = words.iter().filter_map(|name| draft.text(name)).collect();
            format!("{} {}", draft.kind(), said.join(" "))
        })
        .collect()
}

fn figures(world: &World) -> Vec<String> {
    let verdicts = world
        .recorder
        .entries
        .iter()
        .filter(|(draft, _)| draft.kind() == "verdict");
    verdicts
        .map(|(draft, _)| {
            let of = |name: &str| {
                let all = draft.outside().iter().chain(draft.inside());
                let found = all
                    .filter(|(other, _)| *other == name)
                    .map(|(_, word)| format!("{word:?}"));
                found.collect::<String>().replace("Int(", "").replace(')', "")
            };
            let names = [
                "captured",
                "by_hand",
                "unverified",
                "within",
                "above",
                "exceptions",
            ];
            names.map(|name| format!("{name} {}", of(name))).join(", ")
        })
        .collect()
}

#[test]
fn a_value_by_hand_binds_by_its_time_and_counts_once_another_has_verified_it() {
    let mut world = World::new(0, EACH);
    world.tell(
        "00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
         00:01 TC-1.temp 70.0 °C
         00:10 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:09, cool/1 00:09
         00:11 tick",
    );
    world.event(hand("70.4 °C", "00:05", "00:20", None, None));
    assert_eq!(
        entered(&world, &["manual", "exception"]),
        [
            "manual B-1 emulsify unverified not-judged",
            "exception B-1 emulsify value-by-hand"
        ]
    );
    assert!(
        figures(&world)
            .last()
            .unwrap()
            .starts_with("captured 1, by_hand 0, unverified 1, within 1")
    );
    let seq = 1 + world
        .recorder
        .entries
        .iter()
        .position(|(draft, _)| draft.kind() == "manual")
        .unwrap() as u64;
    let (by, now) = ("p-4".to_owned(), at("00:30"));
    world.event(LineEvent::HandVerified { seq, by, now });
    assert!(entered(&world, &["manual"]).contains(&"manual B-1 emulsify verified within".to_owned()));
    assert_eq!(
        figures(&world).last().unwrap(),
        "captured 2, by_hand 1, unverified 0, within 2, above 0, exceptions 1"
    );
    // A correction takes its place; what it corrects stands, and counts no more.
    world.event(hand("72.4 °C", "00:05", "00:40", Some("p-4"), Some(seq)));
    assert_eq!(
        figures(&world).last().unwrap(),
        "captured 2, by_hand 1, unverified 0, within 1, above 1, exceptions 2"
    );
    let report = world.replayed();
    assert_eq!((report.different, report.differences), (0, Vec::new()));
}

#[test]
fn after_a_restart_a_value_by_hand_can_still_be_verified() {
    let mut world = World::new(0, EACH);
    world.tell(
        "00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
         00:01 TC-1.temp 70.0 °C",
    );
    world.event(hand("70.4 °C", "00:05", "00:06", None, None));
    let seq = 1 + world
        .recorder
        .entries
        .iter()
        .position(|(draft, _)| draft.kind() == "manual")
        .unwrap() as u64;
    world.restart(0, EACH);
    assert!(world.line.hand(seq).is_some());
    let (by, now) = ("p-4".to_owned(), at("00:30"));
    world.event(LineEvent::HandVerified { seq, by, now });
    world.tell("00:40 MX-3 B-1 complete 00:00-00:35 7 : emulsify/1 00:00-00:35\n00:41 tick");
    assert!(
        figures(&world)
            .last()
            .unwrap()
            .starts_with("captured 2, by_hand 1, unverified 0, within 2")
    );
}

#[test]
fn context_that_comes_late_binds_a_value_by_hand_again() {
    let mut world = World::new(0, EACH);
    world.tell("00:00 MX-3 B-1 running 00:00 7 : cool/1 00:00\n00:01 TC-1.temp 70.0 °C");
    world.event(hand("72.4 °C", "00:05", "00:06", Some("p-4"), None));
    assert_eq!(
        entered(&world, &["manual"]),
        ["manual B-1 cool verified not-judged"]
    );
    world.tell("00:10 MX-3 B-1 running 00:00 7 : cool/1 00:00-00:04, emulsify/1 00:04\n00:11 tick");
    let bindings = entered(&world, &["binding"]);
    assert!(
        bindings.contains(&"binding B-1 emulsify attached context-late above".to_owned()),
        "{bindings:?}"
    );
    assert!(
        bindings
            .iter()
            .any(|binding| binding.starts_with("binding B-1 cool detached")),
        "{bindings:?}"
    );
}

/// A day on which the calibration of TC-1 ends at 00:05, or was left out of its limits then.
fn overdue(policy: WhenOver, out: bool) -> World {
    let mut plant = super::world::plant(0, EACH);
    plant.gateway.when_calibration_is_over = policy;
    let mut world = World::of(plant);
    let until = at("00:05").to_string();
    let state = if out { "out" } else { "within" };
    let since = if out { at("00:05") } else { at("00:00") };
    let until = if out { at("50:00").to_string() } else { until };
    let draft = Draft::new("calibration", since)
        .with("equipment", "TC-1")
        .with("state", state)
        .with("until", until.as_str());
    world.recorder.enter(draft);
    world.line.calibrated("TC-1", Some(&until), out, since);
    world.tell(
        "00:01 MX-3 B-1 running 00:01 7 : emulsify/1 00:01
         00:04 TC-1.temp 70.0 °C
         00:05 TC-1.temp 70.1 °C
         00:06 TC-1.temp 72.4 °C
         00:08 tick",
    );
    world
}

#[test]
fn a_due_date_that_passes_in_mid_batch_is_one_exception_and_a_mark_and_by_policy_the_end_of_judging() {
    for (policy, out, verdicts) in [
        (WhenOver::Exception, false, ["within", "within", "above"]),
        (WhenOver::Stop, false, ["within", "not-judged", "not-judged"]),
        (WhenOver::Exception, true, ["within", "not-judged", "not-judged"]),
    ] {
        let world = overdue(policy, out);
        let readings: Vec<&Draft> = world.recorder.entries.iter().map(|(draft, _)| draft).collect();
        let readings: Vec<&&Draft> = readings
            .iter()
            .filter(|draft| draft.kind() == "reading")
            .collect();
        let said: Vec<&str> = readings
            .iter()
            .filter_map(|draft| draft.text("verdict"))
            .collect();
        assert_eq!(said, verdicts, "{policy:?} {out}");
        let marked = readings
            .iter()
            .filter(|draft| draft.inside().iter().any(|(name, _)| *name == "because"))
            .count();
        assert_eq!(marked, 2, "{policy:?} {out}");
        let exceptions = entered(&world, &["exception"]);
        let over = exceptions
            .iter()
            .filter(|row| row.contains("calibration-over"))
            .count();
        assert_eq!(over, 1, "{exceptions:?}");
        let report = world.replayed();
        assert_eq!(
            (report.different, report.differences),
            (0, Vec::new()),
            "{policy:?} {out}"
        );
    }
}
