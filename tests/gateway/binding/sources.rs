//! The four ways a unit's context comes: points of the equipment and persons tell as messages do, and what
//! each does not know is bound to nothing.

use super::world::{World, agrees, at, plant};
use std::time::Duration;
use steelyard::{
    config::plant::{Authority, ContextPoints, Plant, PointName, Reported},
    flow::context::compose::{Of, Said, What},
};

const EACH: &str = "
    MX-3:emulsify TC-1.temp every reading 68.0/69.0/71.5/72.0 °C missing 9
    MX-3:cool     TC-1.temp every reading -/-/-/40.0 °C missing 9
";

fn point(measure: &str) -> PointName {
    PointName {
        tag: "PLC".to_owned(),
        measure: measure.to_owned(),
    }
}

fn by_points() -> Plant {
    let mut plant = plant(0, EACH);
    plant.units[0].authority = Authority::Points;
    plant.units[0].lease = Some(Duration::from_secs(60));
    plant.units[0].context.points = Some(ContextPoints {
        batch: point("batch"),
        step: point("step"),
        state: Some(point("state")),
        batch_state: Some(point("whole")),
        counter: point("changes"),
        steps: vec![
            ("10".to_owned(), "emulsify".to_owned()),
            ("20".to_owned(), "cool".to_owned()),
        ],
        states: vec![
            ("1".to_owned(), Reported::Idle),
            ("2".to_owned(), Reported::Running),
            ("3".to_owned(), Reported::Complete),
            ("9".to_owned(), Reported::Held),
            ("13".to_owned(), Reported::Aborted),
        ],
    });
    plant
}

/// `00:01 B-1 10 2 2 7`: one poll of batch, step, state, the batch's state and the counter.
fn polls(world: &mut World, story: &str) {
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (time, shown) = line.split_once(' ').unwrap();
        if shown.starts_with("TC") || shown == "tick" {
            world.tell(line);
            continue;
        }
        let words: Vec<&str> = shown.split_whitespace().collect();
        for (name, word) in ["batch", "step", "state", "whole", "changes"].iter().zip(words) {
            let answer = if word == "bad" {
                "bad: sensor break".to_owned()
            } else {
                word.replace('~', " ")
            };
            world.tell_line(&format!("{time} PLC.{name} {answer}"));
        }
    }
}

#[test]
fn points_of_the_equipment_tell_a_batch_from_begin_to_end() {
    let mut world = World::of(by_points());
    polls(
        &mut world,
        "
        00:00 B-1 10 2 2 1
        00:01 B-1 10 2 2 1
        00:02 TC-1.temp 70.0 °C
        00:03 B-1 10 9 2 2
        00:04 B-1 10 9 2 2
        00:05 TC-1.temp 70.0 °C
        00:06 B-1 10 2 2 3
        00:07 B-1 10 2 2 3
        00:08 B-1 20 2 2 4
        00:09 B-1 20 2 2 4
        00:10 TC-1.temp 39.0 °C
        00:11 B-1 20 3 2 5
        00:12 B-1 20 3 2 5
        00:13 B-1 10 2 2 6
        00:14 B-1 10 2 2 6
        00:15 TC-1.temp 70.0 °C
        00:16 B-1 10 3 3 7
        00:17 B-1 10 3 3 7
        00:18 TC-1.temp 70.0 °C
        00:19 tick
        ",
    );
    agrees(
        &world.told_of(&["batch", "step", "reading", "exception", "allocation"]),
        "
        batch     00:00 B-1 running
        step      00:00 B-1 emulsify/1 running
        reading   00:02 B-1 emulsify/1 within = 70.0
        step      00:03 B-1 emulsify/1 held
        reading   00:05 B-1 emulsify/1 held within = 70.0
        step      00:06 B-1 emulsify/1 running
        step      00:08 B-1 emulsify/1 complete
        step      00:08 B-1 cool/1 running
        reading   00:10 B-1 cool/1 within = 39.0
        step      00:11 B-1 cool/1 complete
        step      00:13 B-1 emulsify/2 running
        reading   00:15 B-1 emulsify/2 within = 70.0
        step      00:16 B-1 emulsify/2 complete
        allocation 00:16 B-1 released
        reading   00:18 not-judged: no-step = 70.0
        batch     00:16 B-1 complete closing 1 count 17
        ",
    );
}

#[test]
fn an_unknown_step_is_bound_to_nothing_and_never_to_the_step_before() {
    let mut world = World::of(by_points());
    polls(
        &mut world,
        "
        00:00 B-1 10 2 2 1
        00:01 B-1 10 2 2 1
        00:02 TC-1.temp 70.0 °C
        00:03 B-1 77 2 2 2
        00:04 B-1 77 2 2 2
        00:05 TC-1.temp 70.0 °C
        00:06 B-1 20 2 2 3
        00:07 B-1 20 2 2 3
        00:08 TC-1.temp 39.0 °C
        ",
    );
    agrees(
        &world.told_of(&["batch", "step", "reading", "exception", "allocation", "binding"]),
        "
        batch      00:00 B-1 running
        step       00:00 B-1 emulsify/1 running
        reading    00:02 B-1 emulsify/1 within = 70.0
        exception  00:03 B-1 emulsify/1 context-unexpected
        allocation 00:03 B-1 lost
        exception  00:03 context-lost
        reading    00:05 not-judged: no-step = 70.0
        allocation 00:06 B-1 found
        step       00:03 B-1 emulsify/1 complete
        step       00:06 B-1 cool/1 running
        reading    00:08 B-1 cool/1 within = 39.0
        ",
    );
}

#[test]
fn zero_empty_or_bad_loses_context_and_ends_nothing() {
    for lost in [
        "00:03 0 10 2 2 1",
        "00:03 B-1 0 2 2 1",
        "00:03 B-1 bad 2 2 1",
        "00:03 ~ 10 2 2 1",
    ] {
        let mut world = World::of(by_points());
        let again = lost.replace("00:03", "00:04");
        polls(
            &mut world,
            &format!(
                "
                00:00 B-1 10 2 2 1
                00:01 B-1 10 2 2 1
                00:02 TC-1.temp 70.0 °C
                {lost}
                {again}
                00:05 TC-1.temp 70.0 °C
                00:06 B-1 10 2 2 1
                00:07 B-1 10 2 2 1
                00:08 TC-1.temp 70.0 °C
                "
            ),
        );
        // The counter proves that nothing changed meanwhile: what was read is attached again.
        let told = world.told_of(&["batch", "step", "allocation", "reading"]);
        assert!(told.contains("lost"), "{lost}: {told}");
        assert!(
            !told.contains("complete") && !told.contains("stopped"),
            "{lost}: {told}"
        );
        let standing = world.standing();
        assert_eq!(
            standing,
            [
                "00:02 B-1 emulsify/1",
                "00:05 B-1 emulsify/1",
                "00:08 B-1 emulsify/1"
            ],
            "{lost}"
        );
    }
}

#[test]
fn after_a_restart_the_counter_says_whether_anything_changed() {
    let mut world = World::of(by_points());
    polls(
        &mut world,
        "00:00 B-1 10 2 2 1\n00:01 B-1 10 2 2 1\n00:02 TC-1.temp 70.0 °C",
    );
    world.restart_of(by_points());
    polls(
        &mut world,
        "
        00:10 B-1 10 2 2 1
        00:11 B-1 10 2 2 1
        00:12 TC-1.temp 70.0 °C
        00:13 B-1 20 2 2 2
        00:14 B-1 20 2 2 2
        00:15 TC-1.temp 39.0 °C
        ",
    );
    agrees(
        &world.told_of(&["batch", "step", "reading", "exception", "allocation"]),
        "
        batch      00:00 B-1 running
        step       00:00 B-1 emulsify/1 running
        reading    00:02 B-1 emulsify/1 within = 70.0
        allocation 00:10 B-1 confirmed
        reading    00:12 B-1 emulsify/1 within = 70.0
        step       00:13 B-1 emulsify/1 complete
        step       00:13 B-1 cool/1 running
        reading    00:15 B-1 cool/1 within = 39.0
        ",
    );
}

fn batch(id: Option<&str>) -> Of {
    Of::Batch {
        id: id.map(str::to_owned),
        product: String::new(),
        recipe: String::new(),
        revision: "7".to_owned(),
        size: String::new(),
    }
}

fn step(id: &str) -> Of {
    Of::Step {
        id: id.to_owned(),
        title: String::new(),
    }
}

fn say(world: &mut World, time: &str, what: What, of: Of) -> Result<String, String> {
    let said = Said {
        what,
        of,
        at: at(time),
    };
    let (line, recorder) = (&mut world.line, &mut world.recorder);
    line.said("MX-3", &said, "p-17", "the MES is down", at(time), recorder)
        .map_err(|trouble| trouble.what)
}

#[test]
fn a_person_who_is_the_authority_tells_every_command() {
    let mut plant = plant(0, EACH);
    plant.units[0].authority = Authority::Person;
    let mut world = World::of(plant);
    assert_eq!(
        say(&mut world, "00:00", What::Start, step("emulsify")),
        Err("no batch runs in this unit".to_owned())
    );
    say(&mut world, "00:00", What::Start, batch(Some("B-1"))).unwrap();
    say(&mut world, "00:01", What::Start, step("emulsify")).unwrap();
    assert_eq!(
        say(&mut world, "00:02", What::Start, step("emulsify")),
        Err("run 1 of emulsify is not over".to_owned())
    );
    say(&mut world, "00:02", What::Hold, step("emulsify")).unwrap();
    say(&mut world, "00:03", What::Restart, step("emulsify")).unwrap();
    say(&mut world, "00:04", What::Abort, step("emulsify")).unwrap();
    say(&mut world, "00:05", What::Start, step("emulsify")).unwrap();
    say(&mut world, "00:06", What::Complete, step("emulsify")).unwrap();
    say(&mut world, "00:07", What::Hold, batch(None)).unwrap();
    say(&mut world, "00:08", What::Restart, batch(None)).unwrap();
    say(&mut world, "00:09", What::Stop, batch(None)).unwrap();
    agrees(
        &world.told_of(&["batch", "step", "allocation"]),
        "
        batch     00:00 B-1 running
        step      00:01 B-1 emulsify/1 running
        step      00:02 B-1 emulsify/1 held
        step      00:03 B-1 emulsify/1 running
        step      00:04 B-1 emulsify/1 aborted
        step      00:05 B-1 emulsify/2 running
        step      00:06 B-1 emulsify/2 complete
        batch     00:07 B-1 held
        batch     00:08 B-1 running
        allocation 00:09 B-1 released
        batch     00:09 B-1 stopped closing 1 count 14
        ",
    );
}

#[test]
fn a_person_stands_in_only_while_the_authority_is_away_and_its_history_wins() {
    let mut world = World::of(plant(0, EACH));
    world.tell("00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00\n00:01 TC-1.temp 70.0 °C");
    let refused = say(&mut world, "00:02", What::Complete, step("emulsify")).unwrap_err();
    assert!(refused.contains("told by mqtt, which is there"), "{refused}");
    world.tell("00:03 cut MX-3");
    say(&mut world, "00:04", What::Complete, step("emulsify")).unwrap();
    say(&mut world, "00:04", What::Start, step("cool")).unwrap();
    world.tell("00:05 TC-1.temp 39.0 °C\n00:08 TC-1.temp 38.0 °C");
    // The MES knows better when the step changed.
    world.tell("00:09 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:06, cool/1 00:06");
    assert_eq!(
        world.standing(),
        ["00:01 B-1 emulsify/1", "00:05 B-1 emulsify/1", "00:08 B-1 cool/1"]
    );
    let told = world.told_of(&["exception"]);
    assert!(
        told.contains("context-by-person") && told.contains("context-reconciled"),
        "{told}"
    );
    let refused = say(&mut world, "00:10", What::Complete, step("cool")).unwrap_err();
    assert!(refused.contains("which is there"), "it is back: {refused}");
}

#[test]
fn a_batch_that_only_a_person_told_is_withdrawn_when_the_authority_knows_another() {
    let mut world = World::of(plant(0, EACH));
    world.tell("00:00 MX-3 B-1 complete 00:00-00:01 7\n00:02 cut MX-3");
    say(&mut world, "00:03", What::Start, batch(Some("B-typo"))).unwrap();
    say(&mut world, "00:03", What::Start, step("emulsify")).unwrap();
    world.tell(
        "00:05 TC-1.temp 70.0 °C\n00:06 MX-3 B-2 running 00:03 7 : emulsify/1 00:03\n00:07 TC-1.temp 70.0 °C",
    );
    assert_eq!(world.standing(), ["00:05 B-2 emulsify/1", "00:07 B-2 emulsify/1"]);
    assert!(world.told_of(&["batch"]).contains("B-typo withdrawn corrected"));
}

#[test]
fn a_displaced_batch_calls_for_a_person_who_can_end_it() {
    let mut world = World::of(plant(0, EACH));
    world.tell(
        "00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
         00:01 TC-1.temp 70.0 °C
         00:05 MX-3 B-2 running 00:04 7",
    );
    let calls = |world: &World| -> Vec<String> {
        world
            .line
            .view(at("00:06"))
            .1
            .into_iter()
            .map(|call| call.id)
            .collect()
    };
    assert!(
        calls(&world).contains(&"displaced-MX-3-B-1".to_owned()),
        "{:?}",
        calls(&world)
    );
    say(&mut world, "00:06", What::Complete, batch(Some("B-1"))).unwrap();
    world.tell("00:07 tick");
    assert!(!calls(&world).contains(&"displaced-MX-3-B-1".to_owned()));
    agrees(
        &world.told_of(&["batch", "step"]),
        "
        batch     00:00 B-1 running
        step      00:00 B-1 emulsify/1 running
        batch     00:04 B-2 running
        step      00:04 B-1 emulsify/1 complete
        batch     00:04 B-1 complete closing 1 count 6
        ",
    );
}
