//! Lines to equipment: what is asked when, and that no answer is ever taken for another question's.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod line;
mod real;
mod told;

use driver::Transport;
use line::{METER, World, answer, asks, ms, plan, sealed};
use std::{cell::RefCell, rc::Rc, time::Duration};
use steelyard::flow::link::{Change, Event, Facts, Order};

/// A far end whose every answer carries another value, and what the last question's value was.
#[derive(Default)]
struct Truth {
    next: u32,
    last: (u8, u8, u32),
}

impl Truth {
    fn value(&mut self, question: &[u8]) -> u32 {
        self.next += 1;
        let (unit, first) = asks(question);
        self.last = (unit, first, self.next);
        self.next
    }
}

#[test]
fn a_late_answer_over_tcp_costs_one_reading_and_not_the_connection() {
    let mut asked = 0;
    let peer = move |_, question: &[u8]| {
        asked += 1;
        // the third answer comes 250 ms after its time
        vec![(if asked == 3 { ms(350) } else { ms(5) }, answer(question, asked))]
    };
    let mut world = World::new(
        plan(METER, Transport::ModbusTcp, &["WT-1"], ms(200)),
        Box::new(peer),
    );
    world.run(ms(2000));
    assert_eq!(world.opens.len(), 1);
    assert_eq!(world.words("one")[..3], ["1 kg", "bad: silent", "5 kg"]);
    assert_eq!(
        world
            .readings
            .iter()
            .filter(|(_, reading)| reading.failure.is_some())
            .count(),
        1
    );
    assert_eq!(world.link().counts().next().unwrap().1.late, 1);
    assert!(world.news.is_empty(), "{:?}", world.news);
}

#[test]
fn a_stream_that_lost_its_beat_is_made_anew() {
    let mut asked = 0;
    let peer = move |_, question: &[u8]| {
        asked += 1;
        vec![(
            ms(5),
            if asked == 3 {
                b"HTTP/1.1 400 Bad Request".to_vec()
            } else {
                answer(question, asked)
            },
        )]
    };
    let mut world = World::new(
        plan(METER, Transport::ModbusTcp, &["WT-1"], ms(200)),
        Box::new(peer),
    );
    world.run(ms(2000));
    assert_eq!(world.opens.len(), 2);
    assert_eq!(world.words("one")[..3], ["1 kg", "bad: garbled", "5 kg"]);
}

#[test]
fn a_short_answer_is_no_answer() {
    for transport in [Transport::ModbusTcp, Transport::ModbusRtu] {
        let peer = move |_, question: &[u8]| {
            let short = if question.len() == 8 {
                sealed(&[&question[..2], &[2, 0, 9][..]].concat())
            } else {
                [&question[..4], &[0, 5], &question[6..8], &[2, 0, 9][..]].concat()
            };
            vec![(ms(5), short)]
        };
        let mut world = World::new(plan(METER, transport, &["WT-1"], ms(200)), Box::new(peer));
        world.run(ms(1000));
        assert_eq!(world.words("one"), ["bad: unexpected"], "{transport:?}");
        assert_eq!(world.words("two"), ["bad: unexpected"], "{transport:?}");
    }
}

#[test]
fn a_late_answer_on_a_serial_line_is_waited_out() {
    let mut asked = 0;
    let peer = move |_, question: &[u8]| {
        asked += 1;
        vec![(if asked == 3 { ms(300) } else { ms(5) }, answer(question, asked))]
    };
    let mut world = World::new(
        plan(METER, Transport::ModbusRtu, &["WT-1"], ms(200)),
        Box::new(peer),
    );
    world.run(ms(3000));
    let counts = *world.link().counts().next().unwrap().1;
    assert_eq!((counts.silent, counts.late), (1, 1));
    assert_eq!(world.words("one")[..3], ["1 kg", "bad: silent", "5 kg"]);
    assert!(world.news.is_empty(), "{:?}", world.news);
}

#[test]
fn frames_nobody_asked_for_are_another_master_and_nothing_is_believed() {
    let peer = |_, question: &[u8]| vec![(ms(5), answer(question, 7))];
    let mut world = World::new(
        plan(METER, Transport::ModbusRtu, &["WT-1"], ms(500)),
        Box::new(peer),
    );
    world.run(ms(1900));
    assert_eq!(world.words("one"), ["7 kg"]);
    world.comes(ms(20), &sealed(&[9, 3, 0, 0, 0, 2]));
    world.run(ms(5000));
    assert_eq!(world.words("one"), ["7 kg", "bad: another master on this line"]);
    world.run(ms(20_000));
    assert_eq!(
        world.words("one"),
        ["7 kg", "bad: another master on this line", "7 kg"]
    );
    let told: Vec<bool> = world
        .news
        .iter()
        .map(|(_, change)| matches!(change, Change::AnotherMaster { .. }))
        .collect();
    assert_eq!(told, [true, false], "{:?}", world.news);
}

#[test]
fn noise_between_questions_is_no_other_master() {
    let peer = |_, question: &[u8]| vec![(ms(5), answer(question, 7))];
    let mut world = World::new(
        plan(METER, Transport::ModbusRtu, &["WT-1"], ms(500)),
        Box::new(peer),
    );
    world.run(ms(1900));
    world.comes(ms(20), &[0xFF, 0x00, 0x13]);
    world.run(ms(5000));
    assert_eq!(world.words("one"), ["7 kg"]);
    assert_eq!(world.link().counts().next().unwrap().1.noise, 3);
}

#[test]
fn eight_dead_units_of_thirty_two_do_not_slow_the_living() {
    for transport in [Transport::ModbusRtu, Transport::ModbusTcp] {
        let tags: Vec<String> = (1..=32).map(|unit| format!("U-{unit:02}")).collect();
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let rate = |dead: u8| {
            let mut value = 0;
            let peer = move |_, question: &[u8]| {
                value += 1;
                if asks(question).0 <= dead {
                    vec![]
                } else {
                    vec![(ms(8), answer(question, value))]
                }
            };
            // 64 questions of about 30 ms each: a line near its limit
            let mut world = World::new(plan(METER, transport, &tags, ms(2400)), Box::new(peer));
            world.run(Duration::from_mins(1));
            let before = tags[8..].iter().map(|tag| world.good(tag)).collect::<Vec<_>>();
            world.run(Duration::from_mins(6));
            tags[8..]
                .iter()
                .zip(before)
                .map(|(tag, before)| world.good(tag) - before)
                .collect::<Vec<_>>()
        };
        for (alone, beside) in rate(0).into_iter().zip(rate(8)) {
            assert!(beside * 100 >= alone * 95, "{transport:?}: {beside} of {alone}");
        }
    }
}

#[test]
fn a_dead_unit_that_comes_back_is_heard_within_its_budget() {
    let peer = |now: Duration, question: &[u8]| {
        if asks(question).0 == 2 && now < Duration::from_secs(30) {
            vec![]
        } else {
            vec![(ms(8), answer(question, 5))]
        }
    };
    let mut world = World::new(
        plan(METER, Transport::ModbusRtu, &["A", "B", "C"], ms(1000)),
        Box::new(peer),
    );
    world.run(Duration::from_mins(1));
    let told: Vec<&(Duration, Change)> = world.news.iter().collect();
    assert!(matches!(told[0].1, Change::Silent { .. }), "{told:?}");
    assert!(matches!(told[1].1, Change::Back { .. }), "{told:?}");
    assert!(told[1].0 < Duration::from_secs(40), "{told:?}");
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn questions_keep_their_slots_without_drift() {
    let times = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&times);
    let peer = move |now: Duration, question: &[u8]| {
        if asks(question).1 == 0 {
            seen.borrow_mut().push(now);
        }
        vec![(ms(7), answer(question, 5))]
    };
    let mut world = World::new(plan(METER, Transport::ModbusTcp, &["A"], ms(250)), Box::new(peer));
    world.run(Duration::from_mins(10));
    let times = times.borrow();
    assert!(times.len() >= 2399, "{}", times.len());
    let late = times.iter().map(|at| at.as_millis() % 250).max().unwrap();
    assert!(late <= 20, "{late} ms after its slot");
}

#[test]
fn an_unplugged_line_is_tried_at_least_every_five_seconds_and_never_in_a_loop() {
    let peer = |_, question: &[u8]| vec![(ms(5), answer(question, 7))];
    let mut world = World::new(
        plan(METER, Transport::ModbusRtu, &["WT-1"], ms(500)),
        Box::new(peer),
    );
    world.run(ms(2000));
    world.plugged = false;
    world.happens(Event::Unplugged("the far end is gone".into()));
    assert_eq!(world.words("two"), ["7 kg", "bad: silent"]);
    let events = world.events;
    world.run(ms(62_000));
    assert!(
        world.events - events < 100,
        "{} events in a minute",
        world.events - events
    );
    for pair in world.opens[1..].windows(2) {
        assert!(pair[1].saturating_sub(pair[0]) <= ms(5000), "{:?}", world.opens);
    }
    world.plugged = true;
    world.run(ms(67_500));
    assert_eq!(world.words("two"), ["7 kg", "bad: silent", "7 kg"]);
    let told: Vec<String> = world
        .news
        .iter()
        .map(|(_, change)| format!("{change:?}").chars().take(6).collect())
        .collect();
    assert_eq!(told, ["Unplug", "Cannot", "Opened"]);
}

#[test]
fn a_line_on_which_everything_is_silent_is_made_anew_seldom() {
    let mut world = World::new(
        plan(METER, Transport::ModbusTcp, &["A", "B"], ms(500)),
        Box::new(|_, _| vec![]),
    );
    world.run(Duration::from_mins(10));
    assert!((8..=30).contains(&world.opens.len()), "{}", world.opens.len());
    assert_eq!(world.news.len(), 2, "{:?}", world.news);
}

/// Small seeded dice; the seed is the whole case.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// 100,000 answers (`STEELYARD_REPLIES=1000000` for more) by a far end that delays, repeats, swaps, truncates, splits and invents.
#[test]
fn no_answer_is_ever_taken_for_another_questions() {
    for (transport, seed) in [(Transport::ModbusTcp, 11), (Transport::ModbusRtu, 12)] {
        let truth = Rc::new(RefCell::new(Truth::default()));
        let known = Rc::clone(&truth);
        let mut dice = Dice(0x9E37_79B9 + seed);
        let mut before: Vec<u8> = Vec::new();
        let peer = move |_: Duration, question: &[u8]| {
            let value = known.borrow_mut().value(question);
            let right = answer(question, value);
            let old = std::mem::replace(&mut before, right.clone());
            let soon = ms(1 + dice.below(60));
            match dice.below(64) {
                // late, but within what a line is quarantined for
                0 => vec![(ms(101 + dice.below(400)), right)],
                // twice: at once, or a moment later
                1 => vec![(soon, [right.clone(), right].concat())],
                2 => vec![(soon, right.clone()), (soon + ms(dice.below(9)), right)],
                // the answer before once more, then this one
                3 => vec![(soon, old.clone()), (soon + ms(dice.below(9)), right)],
                4 => vec![(soon, [old, right].concat())],
                // cut short
                5 => vec![(soon, right[..dice.below(right.len() as u64) as usize].to_vec())],
                // in pieces
                6 => {
                    let cut = dice.below(right.len() as u64) as usize;
                    vec![
                        (soon, right[..cut].to_vec()),
                        (soon + ms(dice.below(30)), right[cut..].to_vec()),
                    ]
                }
                // from the unit next door
                7 if dice.below(32) == 0 => {
                    let mut other = right;
                    let place = if question.len() == 8 { 0 } else { 6 };
                    other[place] += 1;
                    if question.len() == 8 {
                        let body = other.len() - 2;
                        other = sealed(&other[..body]);
                    }
                    vec![(soon, other)]
                }
                8 => vec![],
                _ => vec![(soon, right)],
            }
        };
        let plan = plan(METER, transport, &["WT-1", "WT-2"], ms(20));
        let mut world = World::new(plan, Box::new(peer));
        let good = Rc::new(RefCell::new(0_u64));
        let (count, asked) = (Rc::clone(&good), Rc::clone(&truth));
        world.check = Some(Box::new(move |reading| {
            let Some(value) = reading.answer.value() else {
                return;
            };
            let of = (
                if reading.point.tag == "WT-1" { 1 } else { 2 },
                if reading.point.measure == "one" { 0 } else { 10 },
                value.to_string().trim_end_matches(" kg").parse().unwrap(),
            );
            assert_eq!(of, asked.borrow().last, "a value for another question");
            *count.borrow_mut() += 1;
        }));
        let replies = std::env::var("STEELYARD_REPLIES")
            .ok()
            .and_then(|count| count.parse().ok());
        while world.asked < replies.unwrap_or(100_000) {
            world.run(world.now + Duration::from_secs(10));
            world.news.clear();
        }
        assert!(
            *good.borrow() > 20_000,
            "{transport:?}: only {} values",
            good.borrow()
        );
    }
}

// ---------------------------------------------------------------- who is there

/// A balance in virtual time that answers who it is as `says`, or not at all.
fn balance(says: &Rc<RefCell<Option<&'static str>>>) -> World {
    let text = driver::builtin()
        .iter()
        .find(|(file, _)| *file == "mt-sics-balance.toml")
        .unwrap()
        .1;
    let mut plan = plan(text, Transport::Serial, &["WT-1"], ms(200));
    plan.equipment[0].known = Facts::from([("serial_number".into(), "B512345678".into())]);
    let says = Rc::clone(says);
    let peer = move |_, question: &[u8]| match (question, *says.borrow()) {
        (b"I4\r\n", None) => vec![],
        (b"I4\r\n", Some(number)) => vec![(ms(5), format!("I4 A \"{number}\"\r\n").into_bytes())],
        _ => vec![(ms(5), b"S S     100.00 g\r\n".to_vec())],
    };
    World::new(plan, Box::new(peer))
}

#[test]
fn a_swapped_scale_counts_for_nothing() {
    let says = Rc::new(RefCell::new(Some("B512345678")));
    let mut world = balance(&says);
    world.run(ms(3000));
    assert_eq!(world.words("weight"), ["100.00 g"]);
    *says.borrow_mut() = Some("B598877001");
    world.happens(Event::Unplugged("the far end is gone".into()));
    world.readings.clear();
    world.run(ms(6000));
    assert_eq!(world.words("weight"), ["100.00 g, uncertain: another instrument"]);
    assert!(
        world
            .news
            .iter()
            .any(|(_, change)| matches!(change, Change::AnotherInstrument { .. }))
    );
    // Put back, it is still for a person to say that all is well again.
    *says.borrow_mut() = Some("B512345678");
    world.happens(Event::Unplugged("the far end is gone".into()));
    world.readings.clear();
    world.run(ms(9000));
    assert_eq!(world.words("weight"), ["100.00 g, uncertain: another instrument"]);
    assert!(matches!(
        world.news.last().unwrap().1,
        Change::SameInstrument { .. }
    ));
    world.readings.clear();
    world.happens(Event::Told(Order::Known {
        tag: "WT-1".into(),
        known: Facts::from([("serial_number".into(), "B512345678".into())]),
    }));
    world.run(ms(12_000));
    assert_eq!(
        world.words("weight"),
        ["100.00 g, uncertain: identity not confirmed", "100.00 g"]
    );
}

#[test]
fn a_serial_number_damaged_on_its_way_puts_nothing_in_doubt_for_long() {
    let says = Rc::new(RefCell::new(Some("B512345678")));
    let mut world = balance(&says);
    world.run(ms(3000));
    *says.borrow_mut() = Some("B512345679");
    world.run(ms(300_002)); // every five minutes it is asked who it is
    // asked a second time, it says what is known
    *says.borrow_mut() = Some("B512345678");
    world.run(world.now + ms(2000));
    assert_eq!(world.words("weight"), ["100.00 g"]);
    assert!(world.news.is_empty(), "{:?}", world.news);
}

#[test]
fn a_scale_that_does_not_say_who_it_is_is_doubted_until_it_does() {
    let says = Rc::new(RefCell::new(None));
    let mut world = balance(&says);
    world.run(ms(20_000));
    let words = world.words("weight");
    assert_eq!(words, ["100.00 g, uncertain: identity not confirmed"]);
    *says.borrow_mut() = Some("B512345678");
    world.run(ms(60_000));
    assert_eq!(world.words("weight").last().unwrap(), "100.00 g");
}

#[test]
fn a_scale_switched_on_under_another_number_is_noticed_at_once() {
    let says = Rc::new(RefCell::new(Some("B512345678")));
    let mut world = balance(&says);
    world.run(ms(3050));
    *says.borrow_mut() = Some("B598877001");
    world.comes(ms(60), b"I4 A \"B598877001\"\r\n");
    world.run(ms(6000));
    assert_eq!(
        world.words("weight"),
        ["100.00 g", "100.00 g, uncertain: another instrument"]
    );
}

#[test]
fn a_scale_that_talks_by_itself_is_silent_when_it_stops() {
    let (file, text) = driver::builtin()
        .iter()
        .find(|(file, _)| *file == "mt-continuous.toml")
        .unwrap();
    let scale = driver::Driver::parse(text, file).unwrap();
    let options = driver::PlayerOptions {
        unit_id: 1,
        transport: Transport::Serial,
    };
    let mut player = driver::Player::new(&scale, options);
    let mut plan = plan(text, Transport::Serial, &["WT-2"], ms(500));
    plan.equipment[0].talks = true;
    let mut world = World::new(plan, Box::new(|_, _| vec![]));
    for _ in 0..20 {
        world.comes(ms(100), &player.speak());
        world.run(world.now + ms(150));
    }
    let measure = scale.points()[0].measure.clone();
    let words = world.words(&measure);
    assert!(words.len() == 1 && !words[0].starts_with("bad"), "{words:?}");
    assert!(world.news.is_empty(), "{:?}", world.news);
    world.run(world.now + ms(10_000));
    assert_eq!(world.words(&measure).last().unwrap(), "bad: silent");
    assert!(
        matches!(world.news[..], [(_, Change::Silent { .. })]),
        "{:?}",
        world.news
    );
    world.comes(ms(10), &player.speak());
    world.run(world.now + ms(100));
    assert_eq!(world.words(&measure).last(), words.first());
    assert!(matches!(world.news[1].1, Change::Back { .. }), "{:?}", world.news);
}

// ---------------------------------------------------------------- too much

#[test]
fn a_line_that_never_rests_is_told_once_and_asked_again_when_it_does() {
    let peer = |_, question: &[u8]| vec![(ms(5), answer(question, 7))];
    let mut world = World::new(
        plan(METER, Transport::ModbusRtu, &["WT-1"], ms(500)),
        Box::new(peer),
    );
    world.run(ms(2000));
    for after in 0..20_000 {
        world.comes(ms(after), &[0x55]);
    }
    world.run(ms(21_000));
    assert_eq!(
        world.words("one"),
        ["7 kg", "bad: more than one answer", "bad: silent"]
    );
    world.run(ms(26_000));
    assert_eq!(world.words("one").last().unwrap(), "7 kg");
    let told: Vec<bool> = world
        .news
        .iter()
        .map(|(_, change)| matches!(change, Change::NeverRests { .. }))
        .collect();
    assert_eq!(told, [true, false], "{:?}", world.news);
}

#[test]
fn a_far_end_that_floods_does_not_stop_the_clock() {
    let flood: Vec<(Duration, Vec<u8>)> = (0..2000)
        .map(|place| (ms(place / 10), vec![0xEE, 0xEE, 0, 0, 0, 5, 9, 3, 2, 0, 1]))
        .collect();
    let peer = move |now: Duration, question: &[u8]| {
        if now < ms(3000) {
            flood.clone()
        } else {
            vec![(ms(5), answer(question, 7))]
        }
    };
    let mut world = World::new(
        plan(METER, Transport::ModbusTcp, &["WT-1"], ms(500)),
        Box::new(peer),
    );
    world.run(ms(20_000));
    assert_eq!(world.words("one").last().unwrap(), "7 kg");
    assert!((2..12).contains(&world.opens.len()), "{:?}", world.opens);
}
