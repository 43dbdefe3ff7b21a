//! One server and its faults, in simulated time.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::world::World;
use crate::flow::link::Order;
use driver::nodes::{NodeData, NodeValue, Scalar};
use record::Answer;
use std::time::Duration;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn working() -> World {
    let mut world = World::new();
    world.pass(s(3));
    assert!(!world.of("temperature", 0).is_empty(), "{:?}", world.news);
    world
}

#[test]
fn a_value_that_does_not_change_is_a_reading_as_long_as_the_server_says_it_lives() {
    let mut world = working();
    let before = world.readings.len();
    world.pass(s(10));
    let held = &world.readings[before..];
    let count = held
        .iter()
        .filter(|reading| reading.point.measure == "temperature")
        .count();
    assert!((8..=12).contains(&count), "{count} readings in ten seconds");
    assert!(
        held.iter()
            .all(|reading| reading.origin.as_ref().unwrap().unchanged)
    );
    assert!(
        held.iter()
            .all(|reading| reading.answer.to_string().starts_with("20"))
    );
    // and each has its own time, within the second before it was given
    let times: Vec<_> = held
        .iter()
        .filter(|reading| reading.point.measure == "pressure")
        .map(|reading| reading.time)
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
}

#[test]
fn a_change_is_a_reading_at_once_with_the_time_of_its_source() {
    let mut world = working();
    world.change("Temperature", 72.4);
    let source = world.stamp();
    world.pass(s(1));
    let reading = world
        .readings
        .iter()
        .find(|reading| reading.answer.to_string() == "72.4 °C")
        .unwrap();
    assert_eq!(reading.time, source);
    assert_eq!(reading.origin.as_ref().unwrap().source, Some(source));
    assert!(!reading.origin.as_ref().unwrap().unchanged);
}

#[test]
fn a_server_down_for_an_hour_is_tried_once_in_each_slot_and_has_one_session_afterwards() {
    let mut world = working();
    world.pass(s(60));
    world.go_down();
    let before = world.opened.len();
    world.pass(s(3600));
    let tries = &world.opened[before..];
    assert!(tries.len() >= 1400, "it is tried all the time: {}", tries.len());
    for pair in tries.windows(2).skip(4) {
        let between = pair[1].saturating_sub(pair[0]);
        assert!(
            between >= Duration::from_millis(1800),
            "two attempts within {between:?}"
        );
    }
    assert!(tries.len() <= 2000, "{} attempts in an hour", tries.len());
    world.faults.down = false;
    let (back, before) = (world.now, world.readings.len());
    world.pass(s(3));
    assert_eq!(world.sessions.len(), 1, "one session afterwards");
    assert_eq!(world.most_sessions, 1, "and never two");
    assert!(
        world
            .of("temperature", before)
            .iter()
            .any(|answer| answer == "20.5 °C"),
        "a value within 3 s of {back:?}"
    );
}

#[test]
fn a_connection_lost_for_a_moment_costs_no_value_and_makes_no_gap() {
    let mut world = working();
    let (before, news) = (world.readings.len(), world.news.len());
    world.cut();
    for value in [70.5, 71.5, 72.5] {
        world.change("Temperature", value);
        world.pass(Duration::from_millis(100));
    }
    world.pass(s(3));
    let answers = world.of("temperature", before);
    for value in ["70.5 °C", "71.5 °C", "72.5 °C"] {
        assert!(
            answers.iter().any(|answer| answer == value),
            "{value} in {answers:?}"
        );
    }
    assert!(
        !answers.iter().any(|answer| answer.contains("bad")),
        "{answers:?}"
    );
    assert_eq!(world.news.len(), news, "{:?}", world.news);
    assert_eq!(
        (world.logins, world.most_sessions),
        (1, 1),
        "the old session was taken up"
    );
}

#[test]
fn a_session_that_the_server_forgot_is_made_anew_and_its_subscriptions_are_transferred() {
    let mut world = working();
    let before = world.readings.len();
    world.faults.forgets_sessions = true;
    world.cut();
    world.pass(s(4));
    assert_eq!((world.logins, world.most_sessions), (2, 1));
    assert!(
        !world
            .of("temperature", before)
            .iter()
            .any(|answer| answer.contains("bad"))
    );
}

#[test]
fn what_the_server_did_not_keep_is_made_anew_and_declared_a_gap() {
    let mut world = working();
    let before = world.readings.len();
    world.faults.forgets_sessions = true;
    world.faults.forgets_subscriptions = true;
    world.cut();
    world.pass(s(4));
    let answers = world.of("temperature", before);
    let silent = answers
        .iter()
        .position(|answer| answer == "bad: silent")
        .expect("a gap is declared");
    assert!(
        answers[silent..].iter().any(|answer| answer == "20.5 °C"),
        "and values follow: {answers:?}"
    );
    assert!(world.news_names().contains(&"line-lost"), "{:?}", world.news);
}

#[test]
fn a_server_that_is_there_and_says_nothing_is_left_and_begun_anew() {
    let mut world = working();
    let before = world.readings.len();
    world.faults.mute = true;
    world.pass(s(6));
    assert!(
        world
            .of("temperature", before)
            .contains(&"bad: silent".to_owned()),
        "silence is told, not carried on"
    );
    assert!(world.logins >= 2, "the session is made anew");
    assert_eq!(world.most_sessions, 1);
    world.faults.mute = false;
    let before = world.readings.len();
    world.pass(s(6));
    assert!(world.of("temperature", before).contains(&"20.5 °C".to_owned()));
}

#[test]
fn a_wrong_password_is_tried_four_times_an_hour_and_told_once() {
    let mut world = World::new();
    world.faults.wrong_password = true;
    world.pass(s(3600));
    assert!((4..=5).contains(&world.logins), "{} logins", world.logins);
    let told = world
        .news_names()
        .iter()
        .filter(|name| **name == "login-refused")
        .count();
    assert_eq!(told, 1);
    assert!(world.sessions.is_empty());
}

#[test]
fn a_server_that_is_not_trusted_is_not_logged_in_to_until_a_person_accepts_it() {
    let mut world = World::new();
    world.faults.untrusted = true;
    world.pass(s(60));
    assert_eq!(world.logins, 0, "no password goes to a stranger");
    assert_eq!(world.news_names(), ["server-untrusted"]);
    world.faults.untrusted = false;
    world.pass(s(8));
    assert!(world.of("temperature", 0).contains(&"20.5 °C".to_owned()));
}

#[test]
fn a_node_that_is_refused_holds_up_no_other_and_is_asked_for_again() {
    let mut world = World::new();
    world.faults.without.insert("Pressure".into());
    world.pass(s(5));
    assert!(world.of("temperature", 0).contains(&"20.5 °C".to_owned()));
    assert!(
        world
            .of("pressure", 0)
            .iter()
            .all(|answer| answer.contains("no such node")),
        "{:?}",
        world.of("pressure", 0)
    );
    assert_eq!(world.news_names(), ["point-refused"]);
    world.faults.without.clear();
    let before = world.readings.len();
    world.pass(s(70));
    assert!(
        world
            .of("pressure", before)
            .contains(&"20.5 °C".replace("°C", "bar")),
        "{:?}",
        world.of("pressure", before).last()
    );
    assert!(world.news_names().contains(&"point-given"));
}

#[test]
fn a_server_that_samples_slower_than_asked_is_told_once() {
    let mut world = World::new();
    world.faults.sampling_ms = Some(60_000.0);
    world.pass(s(30));
    let told = world
        .news_names()
        .iter()
        .filter(|name| **name == "server-revised")
        .count();
    assert_eq!(told, 1, "{:?}", world.news);
}

#[test]
fn namespaces_in_another_order_after_a_restart_lead_to_the_same_nodes() {
    let mut world = working();
    world.go_down();
    world.pass(s(5));
    world.faults.down = false;
    // the simulated server itself checks that a node is asked for in the right namespace
    world.namespaces = vec![
        "http://opcfoundation.org/UA/".into(),
        "urn:example:plant".into(),
        "urn:other".into(),
    ];
    let before = world.readings.len();
    world.pass(s(5));
    assert!(world.of("temperature", before).contains(&"20.5 °C".to_owned()));
}

#[test]
fn a_message_that_is_lost_is_fetched_and_one_that_cannot_be_had_is_a_gap() {
    let mut world = working();
    let before = world.readings.len();
    world.faults.loses = 1;
    world.change("Temperature", 71.5);
    world.pass(s(1));
    world.change("Temperature", 72.5);
    world.pass(s(2));
    let answers = world.of("temperature", before);
    let at = |wanted: &str| answers.iter().position(|answer| answer == wanted);
    assert!(at("71.5 °C").unwrap() < at("72.5 °C").unwrap(), "{answers:?}");
    assert!(world.lost.is_empty());
    world.faults.loses = 1;
    world.faults.loses_for_good = true;
    world.change("Temperature", 73.5);
    world.pass(s(1));
    world.change("Temperature", 74.5);
    world.pass(s(2));
    assert!(!world.lost.is_empty(), "a gap says that something is missing");
    assert!(world.of("temperature", before).contains(&"74.5 °C".to_owned()));
}

#[test]
fn values_that_overflowed_at_the_server_are_a_gap() {
    let mut world = working();
    let value = NodeValue {
        status: 0x0000_0480,
        ..NodeValue::of(NodeData::Scalar(Scalar::Double(75.0)))
    };
    world.queue("Temperature", value);
    world.pass(s(1));
    assert_eq!(
        world.lost,
        ["MX-3.temperature: its queue at the server overflowed"]
    );
    assert!(world.news_names().contains(&"values-lost"));
}

#[test]
fn a_clock_that_is_far_off_is_told_and_its_times_are_kept_beside_ours() {
    let mut world = World::new();
    world.faults.ahead_ms = 90_000;
    world.pass(s(3));
    world.change("Temperature", 72.4);
    world.pass(s(1));
    let reading = world
        .readings
        .iter()
        .find(|reading| reading.answer.to_string() == "72.4 °C")
        .unwrap();
    let origin = reading.origin.as_ref().unwrap();
    assert!(reading.time <= world.stamp(), "the time is ours");
    assert!(origin.source.unwrap() > world.stamp(), "the source's is kept");
    assert!(origin.ahead_ms.unwrap() > 80_000);
    let told = world
        .news_names()
        .iter()
        .filter(|name| **name == "server-clock")
        .count();
    assert_eq!(told, 1);
}

#[test]
fn equipment_out_of_service_has_no_session_and_gets_one_when_it_is_back() {
    let mut world = working();
    world.told(Order::OutOfService("MX-3".into()));
    assert!(world.sessions.is_empty(), "the session is closed");
    let (before, tries) = (world.readings.len(), world.opened.len());
    world.pass(s(60));
    assert_eq!(
        (world.readings.len(), world.opened.len()),
        (before, tries),
        "and nothing is asked"
    );
    world.told(Order::InService("MX-3".into()));
    world.pass(s(3));
    assert!(matches!(world.readings.last().unwrap().answer, Answer::Good(_)));
}
