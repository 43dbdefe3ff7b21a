//! A night without network: steps go on, nobody tells, and in the morning every entry stands where it belongs.

use super::world::{World, agrees, at, clock, message, plant, reading};
use record::Stamp;
use std::time::Duration;
use steelyard::{
    config::plant::{Authority, Plant},
    flow::line::LineEvent,
};

const CAPTURES: &str = "
    MX-3:emulsify TC-1.temp every 5 68.0/69.0/71.5/72.0 °C missing 15
    MX-3:cool     TC-1.temp every reading -/-/70.5/71.0 °C missing 3
";

/// What really runs, in minutes: step, run, begin, end.
const NIGHT: [(&str, u32, i64, i64); 4] = [
    ("emulsify", 1, 0, 60),
    ("cool", 1, 60, 150),
    ("emulsify", 2, 150, 300),
    ("cool", 2, 300, 470),
];

fn minute(minute: i64) -> Stamp {
    at("00:00").plus_ms(minute * 60_000)
}

/// The history as its source would tell it at a minute.
fn told(number: u64, now: i64, over: bool) -> Vec<u8> {
    let runs: Vec<String> = NIGHT
        .iter()
        .filter(|(_, _, from, _)| *from <= now)
        .map(|(step, run, from, to)| {
            let end = if *to <= now {
                format!("-{}", clock(minute(*to)))
            } else {
                String::new()
            };
            format!("{step}/{run} {}{end}", clock(minute(*from)))
        })
        .collect();
    let batch = if over {
        format!("B-1 complete 00:00-{}", clock(minute(now)))
    } else {
        "B-1 running 00:00".to_owned()
    };
    message(number, minute(now), &format!("{batch} 7 : {}", runs.join(", "))).into_bytes()
}

fn context(world: &mut World, now: Stamp, bytes: Vec<u8>) {
    let (unit, via) = ("MX-3".to_owned(), Authority::Mqtt);
    world.event(LineEvent::Context {
        unit,
        via,
        bytes,
        now,
    });
}

/// Reads once a second; the most that was ever in memory.
fn pass(world: &mut World, from: i64, until: i64) -> usize {
    let mut most = 0;
    for second in from * 60..until * 60 {
        let now = at("00:00").plus_ms(second * 1000 + 500);
        let value = 690 + (second * 7) % 25;
        let text = format!("{}.{} °C", value / 10, value % 10);
        world.event(LineEvent::Reading(reading("TC-1.temp", now, &text)));
        world.event(LineEvent::Tick { now });
        most = most.max(world.line.remembered());
    }
    most
}

fn night() -> Plant {
    let mut plant = plant(1000, CAPTURES);
    plant.units[0].lease = Some(Duration::from_secs(600));
    plant
}

/// Where every reading should stand.
fn truth(time: Stamp) -> String {
    if time >= minute(480) {
        return format!("{} ", clock(time));
    }
    let place = NIGHT
        .iter()
        .find(|(_, _, from, to)| minute(*from) <= time && time < minute(*to))
        .map_or("B-1 /".to_owned(), |(step, run, ..)| format!("B-1 {step}/{run}"));
    format!("{} {place}", clock(time))
}

fn all_stand_where_they_belong(world: &World) {
    let mut count = 0;
    for (at, (draft, _)) in world.recorder.entries.iter().enumerate() {
        if draft.kind() == "reading" {
            count += 1;
            let standing = world.standing_of(at);
            assert_eq!(
                format!("{} {standing}", clock(draft.time)),
                truth(draft.time),
                "entry {}",
                at + 1
            );
        }
    }
    assert!(count > 4_000, "a night is more than {count} entries");
    for (step, run, ..) in NIGHT {
        let last = world.recorder.entries.iter().rev().find(|(draft, _)| {
            draft.kind() == "verdict"
                && draft.text("step") == Some(step)
                && World::run_of(draft) == i64::from(run)
        });
        assert!(last.is_some(), "{step} run {run} has its verdict");
    }
}

#[test]
fn a_night_without_network_ends_with_every_entry_bound_to_the_step_that_ran() {
    let mut world = World::of(night());
    context(&mut world, minute(0), told(1, 0, false));
    let evening = pass(&mut world, 0, 5);
    world.event(LineEvent::ContextSourceSilent {
        unit: "MX-3".to_owned(),
        now: minute(5),
    });
    let most = pass(&mut world, 5, 480);
    // A quarter of an hour of one point, one reading a second, and a minute until it is pruned.
    assert!(
        evening <= 301 && most <= 16 * 60 + 30,
        "{most} readings were in memory"
    );
    context(&mut world, minute(480), told(2, 480, true));
    pass(&mut world, 480, 481);
    all_stand_where_they_belong(&world);
    // Read without a word of its source, and rightly bound: confirmed.
    let confirmed = world.told_of(&["binding"]);
    assert!(
        confirmed.contains("emulsify/1 confirmed context-confirmed"),
        "{confirmed:.2000}"
    );
    assert!(
        confirmed.contains("cool/2 attached context-late"),
        "{confirmed:.2000}"
    );
}

#[test]
fn a_restart_in_the_night_reaches_as_far_back() {
    let mut world = World::of(night());
    context(&mut world, minute(0), told(1, 0, false));
    pass(&mut world, 0, 200);
    world.restart_late(night(), minute(195));
    pass(&mut world, 200, 480);
    context(&mut world, minute(480), told(2, 480, true));
    pass(&mut world, 480, 481);
    all_stand_where_they_belong(&world);
}

#[test]
fn while_its_source_is_silent_every_reading_says_so_until_it_is_confirmed() {
    let mut plant = plant(0, "MX-3:emulsify TC-1.temp every reading missing 30");
    plant.units[0].lease = Some(Duration::from_secs(10));
    let mut world = World::of(plant);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:05 TC-1.temp 70.0 °C
        00:11 tick
        00:12 TC-1.temp 70.0 °C
        00:13 TC-1.temp 70.0 °C
        00:14 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:15 TC-1.temp 70.0 °C
        ",
    );
    agrees(
        &told,
        "
        1 batch     00:00 B-1 running
        2 step      00:00 B-1 emulsify/1 running
        3 reading   00:05 B-1 emulsify/1 not-judged: no-limits = 70.0
        4 exception 00:11 B-1 emulsify/1 context-unconfirmed
        5 reading   00:12 B-1 emulsify/1 context unconfirmed not-judged: no-limits = 70.0
        6 reading   00:13 B-1 emulsify/1 context unconfirmed not-judged: no-limits = 70.0
        7 allocation 00:14 B-1 confirmed
        8 binding   00:14 B-1 emulsify/1 confirmed context-confirmed seqs 5-6 count 2
        9 reading   00:15 B-1 emulsify/1 not-judged: no-limits = 70.0
        ",
    );
}

#[test]
fn a_reading_at_a_boundary_is_marked_and_counted() {
    let mut world = World::new(2000, "MX-3:* TC-1.temp every reading missing 30");
    world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:01.800 TC-1.temp 70.0 °C
        00:02.300 TC-1.temp 70.0 °C
        00:03 TC-1.temp 70.0 °C
        00:03.100 MX-3 B-1 running 00:00 7 : emulsify/1 00:00-00:02, cool/1 00:02
        00:08 tick
        ",
    );
    let marked: Vec<String> = world
        .recorder
        .entries
        .iter()
        .filter(|(draft, _)| draft.kind() == "reading")
        .map(|(draft, _)| {
            let boundary = draft.outside().iter().find(|(name, _)| *name == "boundary");
            format!(
                "{} {:?}",
                clock(draft.time),
                boundary.map(|(_, word)| format!("{word:?}"))
            )
        })
        .collect();
    assert_eq!(
        marked,
        [
            "00:01 None",
            "00:01.800 Some(\"Int(200)\")",
            "00:02.300 Some(\"Int(300)\")",
            "00:03 None"
        ]
    );
}
