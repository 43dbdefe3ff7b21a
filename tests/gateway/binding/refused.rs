//! Context that is refused changes nothing that was recorded, says why in four parts, and leaves the rest running.

use super::world::{World, agrees, at, message};
use steelyard::{
    config::plant::Authority,
    flow::{
        board::{PointState, UnitState},
        line::LineEvent,
    },
};

const EACH: &str = "MX-3:emulsify TC-1.temp every reading 68.0/69.0/71.5/72.0 °C missing 3";
const RUNNING: &str = "B-1 running 00:00 7 : emulsify/1 00:00";

fn tell(world: &mut World, unit: &str, time: &str, bytes: Vec<u8>) -> String {
    let (unit, via, now) = (unit.to_owned(), Authority::Mqtt, at(time));
    world.event(LineEvent::Context {
        unit,
        via,
        bytes,
        now,
    });
    world.replies.last().unwrap().clone()
}

#[test]
fn what_is_refused_changes_nothing_and_says_why() {
    let mut world = World::new(0, EACH);
    let at_zero = |number: u64, text: &str| message(number, at("00:00"), text).into_bytes();
    assert!(tell(&mut world, "MX-3", "00:00", at_zero(5, RUNNING)).contains(r#""answer":"recorded""#));
    world.tell("00:01 TC-1.temp 70.0 °C");
    let cases: [(&str, &str, Vec<u8>, &str); 5] = [
        ("00:02", "MX-9", at_zero(6, RUNNING), "context-unknown-unit"),
        (
            "00:03",
            "MX-3",
            b"step 4, running".to_vec(),
            "context-not-understood",
        ),
        ("00:04", "MX-3", vec![b' '; 300_000], "context-too-large"),
        ("00:05", "MX-3", at_zero(4, RUNNING), "context-old"),
        ("00:06", "MX-3", at_zero(5, "B-2 running 00:00"), "context-old"),
    ];
    for (time, unit, bytes, because) in cases {
        let reply: serde_json::Value = serde_json::from_str(&tell(&mut world, unit, time, bytes)).unwrap();
        assert_eq!(reply["answer"], "refused");
        assert_eq!(reply["because"], because);
        for part in ["what", "where", "record", "do"] {
            assert!(
                reply[part].as_str().is_some_and(|part| !part.is_empty()),
                "{because} has no {part}"
            );
        }
    }
    let told = world.tell("00:07 TC-1.temp 70.0 °C");
    agrees(
        &told,
        "
        4 exception 00:03 B-1 emulsify/1 context-refused
        5 exception 00:04 B-1 emulsify/1 context-refused
        6 exception 00:05 B-1 emulsify/1 context-refused
        7 gap       00:01 B-1 emulsify/1 until 00:07 silent
        8 reading   00:07 B-1 emulsify/1 within = 70.0
        ",
    );
}

#[test]
fn the_same_message_again_is_accepted_and_a_jump_is_raised() {
    let mut world = World::new(0, EACH);
    let first = message(1, at("00:00"), RUNNING).into_bytes();
    tell(&mut world, "MX-3", "00:00", first.clone());
    assert!(tell(&mut world, "MX-3", "00:01", first).contains(r#""again":true"#));
    let later = message(7, at("00:02"), RUNNING).into_bytes();
    assert!(tell(&mut world, "MX-3", "00:02", later).contains(r#""answer":"recorded""#));
    agrees(
        &world.told(),
        "
        1 batch      00:00 B-1 running
        2 step       00:00 B-1 emulsify/1 running
        3 allocation 00:02 B-1 confirmed
        4 exception  00:02 B-1 emulsify/1 context-jump expected 2
        ",
    );
}

#[test]
fn a_source_whose_clock_is_ahead_cannot_tell_the_future() {
    let mut world = World::new(0, EACH);
    let ahead = message(1, at("10:00"), "B-1 running 09:59 7 : emulsify/1 09:59").into_bytes();
    tell(&mut world, "MX-3", "00:00", ahead);
    agrees(
        &world.tell("00:01 TC-1.temp 70.0 °C"),
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 exception 00:00 B-1 emulsify/1 context-unexpected
        4 reading   00:01 B-1 emulsify/1 within = 70.0
        ",
    );
}

#[test]
fn every_point_is_in_exactly_one_state_with_its_reason() {
    let mut world = World::new(0, EACH);
    let state = |world: &World, time: &str| {
        let (units, calls) = world.line.view(at(time));
        let point = &units[0].points[0];
        let calls: Vec<String> = calls.into_iter().map(|call| call.id).collect();
        (
            units[0].state,
            point.state,
            point.because.clone(),
            calls.join(" "),
        )
    };
    let near = "near-MX-3-TC-1.temp".to_owned();
    let out = "excursion-MX-3-TC-1.temp".to_owned();
    let words = |text: &str| text.to_owned();
    let waiting = words("nothing has been heard since the start");
    assert_eq!(
        state(&world, "00:00"),
        (UnitState::Idle, PointState::Waiting, waiting, words(""))
    );
    world.tell("00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00\n00:01 TC-1.temp 70.0 °C");
    assert_eq!(
        state(&world, "00:01"),
        (UnitState::Running, PointState::Normal, words(""), words(""))
    );
    world.tell("00:02 TC-1.temp 71.6 °C");
    let because = words("71.6 °C, near the limit of 72.0 °C");
    assert_eq!(
        state(&world, "00:02"),
        (UnitState::Running, PointState::NearLimit, because, near)
    );
    world.tell("00:03 TC-1.temp 72.4 °C\n00:05 TC-1.temp 72.5 °C");
    let because = words("72.5 °C, above 72.0 °C for 2 s");
    assert_eq!(
        state(&world, "00:05"),
        (UnitState::Running, PointState::OutOfLimits, because, out)
    );
    let stale = words("stale-MX-3-TC-1.temp");
    let because = words("no new value for 4 s");
    assert_eq!(
        state(&world, "00:09"),
        (UnitState::Running, PointState::Stale, because, stale)
    );
    world.tell("00:10 failed TC-1.temp refused\n00:11 failed TC-1.temp refused");
    let silent = words("silent-MX-3-TC-1.temp");
    let because = words("refused for 6 s");
    assert_eq!(
        state(&world, "00:11"),
        (UnitState::Running, PointState::Silent, because, silent)
    );
    world.tell("00:12 TC-1.temp bad: sensor break\n00:13 MX-3 nothing");
    let calls = words("context-MX-3 bad-MX-3-TC-1.temp");
    assert_eq!(
        state(&world, "00:13"),
        (
            UnitState::ContextLost,
            PointState::Bad,
            words("sensor break"),
            calls
        )
    );
}
