//! What people say about a line, what a driver lets be merged, and settings that must not change unseen.

use super::line::{World, ms, plan, sealed};
use driver::Transport;
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};
use steelyard::flow::link::{Change, Event, Facts, Order};

/// A map of single registers, some of them settings, that may be asked as one over a hole of one register.
const MAP: &str = r#"
format = 1
[driver]
name     = "map"
edition  = 1
title    = "Map of registers"
maker    = "Example Controls"
speaks   = "modbus"
evidence = "draft"
manual   = "none"
[modbus]
answer_within = "100 ms"
pause_between = "10 ms"
merge_over    = 1
[[read]]
table = "holding"
first = 100
count = 1
holds = "settings"
points = [ { at = 0, field = "unit_code", is = "uint16" } ]
[[read]]
table = "holding"
first = 0
count = 1
points = [ { at = 0, measure = "one", is = "uint16", one_count = "1 kg" } ]
[[read]]
table = "holding"
first = 2
count = 1
points = [ { at = 0, measure = "two", is = "uint16", one_count = "1 kg" } ]
[[read]]
table = "holding"
first = 3
count = 1
points = [ { at = 0, measure = "three", is = "uint16", one_count = "1 kg" } ]
"#;

/// A far end with these registers; any other is refused with exception 2.
fn registers(
    image: &Rc<RefCell<BTreeMap<u16, u16>>>,
    asked: &Rc<RefCell<Vec<(u16, u16)>>>,
) -> super::line::Peer {
    let (image, asked) = (Rc::clone(image), Rc::clone(asked));
    Box::new(move |_, question: &[u8]| {
        let word = |at: usize| u16::from_be_bytes([question[at], question[at + 1]]);
        let (first, count) = (word(2), word(4));
        asked.borrow_mut().push((first, count));
        let image = image.borrow();
        let values: Option<Vec<u16>> = (first..first + count).map(|at| image.get(&at).copied()).collect();
        let body = match values {
            None => vec![question[0], 0x83, 2],
            Some(values) => {
                let mut body = vec![question[0], 3, (values.len() * 2) as u8];
                body.extend(values.iter().flat_map(|value| value.to_be_bytes()));
                body
            }
        };
        vec![(ms(5), sealed(&body))]
    })
}

type Image = Rc<RefCell<BTreeMap<u16, u16>>>;
type Questions = Rc<RefCell<Vec<(u16, u16)>>>;

fn world(image: &[(u16, u16)]) -> (World, Image, Questions) {
    let image = Rc::new(RefCell::new(image.iter().copied().collect()));
    let asked = Rc::new(RefCell::new(Vec::new()));
    let plan = plan(MAP, Transport::ModbusRtu, &["TC-1"], ms(500));
    (World::new(plan, registers(&image, &asked)), image, asked)
}

#[test]
fn registers_that_may_be_merged_are_asked_as_one() {
    let (mut world, _, asked) = world(&[(0, 1), (1, 0), (2, 2), (3, 3), (100, 2)]);
    world.run(ms(3000));
    assert_eq!(world.words("one"), ["1 kg"]);
    assert_eq!(world.words("three"), ["3 kg"]);
    let values: Vec<(u16, u16)> = asked.borrow().iter().copied().filter(|ask| ask.0 < 100).collect();
    assert!(values.iter().all(|ask| *ask == (0, 4)), "{values:?}");
    assert!(values.len() >= 5, "{values:?}");
}

#[test]
fn what_is_refused_as_one_is_asked_one_by_one_and_told_once() {
    // register 2 is not there on this model
    let (mut world, image, asked) = world(&[(0, 1), (1, 0), (3, 3), (100, 2)]);
    world.run(Duration::from_mins(10));
    assert_eq!(
        world.words("one"),
        ["1 kg"],
        "no value is lost to being taken apart"
    );
    assert_eq!(world.words("three"), ["3 kg"]);
    assert_eq!(world.words("two"), ["bad: refused, no such register"]);
    let told: Vec<&Change> = world.news.iter().map(|(_, change)| change).collect();
    let apart = told
        .iter()
        .filter(|change| !matches!(change, Change::Identified { .. }))
        .collect::<Vec<_>>();
    let [Change::ReadApart { refused, kept, .. }] = apart[..] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (refused.as_slice(), *kept),
        (&["holding 2 (two)".to_owned()][..], 2)
    );
    let pace = world
        .readings
        .iter()
        .filter(|(at, reading)| reading.point.measure == "one" && *at > Duration::from_mins(5));
    assert!(pace.count() >= 598, "alone, it keeps its pace");
    let merged = asked.borrow().iter().filter(|ask| **ask == (0, 4)).count();
    assert_eq!(merged, 1, "as one it is tried seldom");

    image.borrow_mut().insert(2, 2);
    world.readings.clear();
    world.run(Duration::from_mins(61));
    world.readings.clear();
    asked.borrow_mut().clear();
    world.run(Duration::from_mins(62));
    assert_eq!(world.words("two"), ["2 kg"]);
    assert!(
        asked.borrow().iter().all(|ask| *ask == (0, 4)),
        "{:?}",
        asked.borrow()
    );
    assert!(matches!(
        world.news.last().unwrap().1,
        Change::ReadTogether { .. }
    ));
}

#[test]
fn a_unit_that_was_changed_puts_every_value_in_doubt_until_a_person_confirms() {
    let (mut world, image, _) = world(&[(0, 1), (1, 0), (2, 2), (3, 3), (100, 2)]);
    world.run(ms(3000));
    let Change::Identified { says } = &world.news[0].1 else {
        panic!("{:?}", world.news)
    };
    assert_eq!(says[..], [("unit_code".to_owned(), "2".to_owned())]);
    image.borrow_mut().insert(100, 15);
    world.run(Duration::from_secs(299));
    world.readings.clear();
    world.run(Duration::from_secs(330));
    let words = world.words("one");
    assert_eq!(
        words.last().unwrap(),
        "1 kg, uncertain: settings changed",
        "{words:?}"
    );
    assert!(
        matches!(&world.news[1].1, Change::SettingsChanged { name, says, known }
        if name == "unit_code" && says == "15" && known == "2")
    );
    assert_eq!(world.news.len(), 2, "told once: {:?}", world.news);
    world.happens(Event::Told(Order::Known {
        tag: "TC-1".into(),
        known: Facts::from([("unit_code".into(), "15".into())]),
    }));
    world.run(Duration::from_secs(332));
    world.readings.clear();
    world.run(Duration::from_mins(20));
    assert_eq!(world.words("one"), ["1 kg"]);
}

#[test]
fn a_doubt_survives_a_restart_whatever_the_instrument_says_then() {
    let image = Rc::new(RefCell::new(BTreeMap::from([
        (0, 1),
        (1, 0),
        (2, 2),
        (3, 3),
        (100, 2),
    ])));
    let mut plan = plan(MAP, Transport::ModbusRtu, &["TC-1"], ms(500));
    plan.equipment[0].known = Facts::from([("unit_code".into(), "2".into())]);
    plan.equipment[0].doubt = Some("settings changed");
    let mut world = World::new(plan, registers(&image, &Rc::default()));
    world.run(ms(5000));
    assert_eq!(world.words("one"), ["1 kg, uncertain: settings changed"]);
}

#[test]
fn out_of_service_means_no_question_no_news_and_no_reading() {
    let (mut world, _, asked) = world(&[(0, 1), (1, 0), (2, 2), (3, 3), (100, 2)]);
    world.run(ms(3000));
    world.happens(Event::Told(Order::OutOfService("TC-1".into())));
    let (questions, readings, news) = (asked.borrow().len(), world.readings.len(), world.news.len());
    world.plugged = false;
    world.run(Duration::from_mins(10));
    assert_eq!(asked.borrow().len(), questions);
    assert_eq!(
        (world.readings.len(), world.news.len()),
        (readings, news),
        "{:?}",
        world.news
    );
    world.plugged = true;
    world.readings.clear();
    world.happens(Event::Told(Order::InService("TC-1".into())));
    world.run(Duration::from_mins(10) + ms(3000));
    assert_eq!(world.words("one").last().unwrap(), "1 kg");
}

#[test]
fn beside_one_out_of_service_the_others_go_on() {
    let image = Rc::new(RefCell::new(BTreeMap::from([
        (0, 1),
        (1, 0),
        (2, 2),
        (3, 3),
        (100, 2),
    ])));
    let plan = plan(MAP, Transport::ModbusRtu, &["TC-1", "TC-2"], ms(500));
    let mut world = World::new(plan, registers(&image, &Rc::default()));
    world.run(ms(3000));
    world.happens(Event::Told(Order::OutOfService("TC-1".into())));
    world.readings.clear();
    world.run(ms(13_000));
    assert!(
        world
            .readings
            .iter()
            .all(|(_, reading)| reading.point.tag == "TC-2")
    );
    assert!(world.good("TC-2") >= 57, "{}", world.good("TC-2"));
}

#[test]
fn a_lent_port_is_closed_until_it_is_taken_back() {
    let (mut world, _, asked) = world(&[(0, 1), (1, 0), (2, 2), (3, 3), (100, 2)]);
    world.run(ms(3000));
    world.happens(Event::Told(Order::Lend));
    let (opens, questions, news) = (world.opens.len(), asked.borrow().len(), world.news.len());
    world.run(Duration::from_mins(10));
    assert_eq!(
        (world.opens.len(), asked.borrow().len(), world.news.len()),
        (opens, questions, news)
    );
    world.readings.clear();
    world.happens(Event::Told(Order::TakeBack));
    world.run(Duration::from_mins(10) + ms(1500));
    assert_eq!(world.words("one").last().unwrap(), "1 kg");
    assert_eq!(world.opens.len(), opens + 1);
}

#[test]
fn one_that_cannot_say_who_it_is_is_asked_about_after_a_long_silence() {
    let answers = Rc::new(RefCell::new(true));
    let seen = Rc::clone(&answers);
    let peer = move |_: Duration, question: &[u8]| {
        if *seen.borrow() {
            vec![(ms(5), super::line::answer(question, 7))]
        } else {
            vec![]
        }
    };
    let mut world = World::new(
        plan(super::line::METER, Transport::ModbusRtu, &["WT-1"], ms(500)),
        Box::new(peer),
    );
    let mut away = |from: u64, until: u64| {
        world.run(Duration::from_secs(from));
        *answers.borrow_mut() = false;
        world.run(Duration::from_secs(until));
        *answers.borrow_mut() = true;
        world.run(Duration::from_secs(until + 20));
        let asked = world
            .news
            .iter()
            .filter(|(_, change)| matches!(change, Change::LongAway { .. }));
        asked.count()
    };
    assert_eq!(away(10, 300), 0, "five minutes are no exchange");
    assert_eq!(away(400, 1100), 1);
}

#[test]
fn a_streamed_reading_is_true_when_its_last_byte_came() {
    let (file, text) = driver::builtin()
        .iter()
        .find(|(file, _)| *file == "mt-continuous.toml")
        .unwrap();
    let scale = driver::Driver::parse(text, file).unwrap();
    let options = driver::PlayerOptions {
        unit_id: 1,
        transport: Transport::Serial,
    };
    let frame = driver::Player::new(&scale, options).speak();
    let mut plan = plan(text, Transport::Serial, &["WT-2"], ms(500));
    plan.equipment[0].talks = true;
    let mut world = World::new(plan, Box::new(|_, _| vec![]));
    world.run(ms(1000));
    let (first, rest) = frame.split_at(5);
    let (middle, last) = rest.split_at(rest.len() - 1);
    for (after, bytes) in [(0, first), (40, middle), (137, last)] {
        world.comes(ms(after), bytes);
    }
    world.run(ms(2000));
    let (_, reading) = &world.readings[0];
    assert_eq!(reading.time.0, 1_800_000_001_137);
    assert_eq!(reading.time, reading.asked, "nobody asked for it");
}

/// A scale that speaks when its print key is pressed, and never else.
const PRINTS: &str = r#"
format = 1
[driver]
name     = "prints"
edition  = 1
title    = "Scale with a print key"
maker    = "Example"
speaks   = "text-over-serial"
evidence = "draft"
manual   = "none"
[serial]
speed = 9600
frame = "8N1"
[measure.weight]
comes   = "when printed"
units   = ["g"]
answers = [ { reads = "{value} {unit}", quality = "good" } ]
"#;

#[test]
fn a_scale_that_only_prints_is_never_silent() {
    let mut plan = plan(PRINTS, Transport::Serial, &["WT-3"], ms(500));
    plan.equipment[0].measures.clear();
    let mut world = World::new(plan, Box::new(|_, _| vec![]));
    world.run(Duration::from_mins(30));
    assert!(world.readings.is_empty() && world.asked == 0, "{:?}", world.news);
    world.comes(ms(0), b"  100.00 g\r\n");
    world.run(world.now + ms(100));
    assert_eq!(world.words("weight"), ["100.00 g"]);
    world.run(world.now + Duration::from_mins(5));
    assert_eq!(world.readings.len(), 1, "one print is one reading");
    assert!(world.news.is_empty(), "{:?}", world.news);
}
