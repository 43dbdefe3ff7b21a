//! What must hold for every driver, whatever the bytes: any chunking gives the same answers, after garbage the
//! next frame is found, nothing panics, and what a driver plays it understands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    Comes, Conversation, ConversationOptions, Driver, Heard, HeardAs, Player, PlayerOptions, Speaks,
    Transport, builtin,
    sample::{conversation_of, question_of},
};
use proptest::prelude::*;
use record::{Amount, Answer, Quantity, Value};
use rust_decimal::Decimal;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn no_mistake_in_a_driver_file_brings_anything_down(
        which in 0_usize..1000,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..6, 0_usize..WORDS.len()), 1..4),
    ) {
        let (file, text) = builtin()[which % builtin().len()];
        let mut chars: Vec<char> = text.chars().collect();
        for (place, gone, word) in &edits {
            let at = place.index(chars.len());
            let end = (at + gone).min(chars.len());
            chars.splice(at..end, WORDS[*word].chars());
        }
        let text: String = chars.into_iter().collect();
        match Driver::parse(&text, file) {
            Err(complaints) => {
                prop_assert!(!complaints.is_empty());
                for (place, _) in complaints.iter().flat_map(|complaint| &complaint.marks) {
                    prop_assert!(text.get(place.clone()).is_some(), "{place:?} is no place in the text");
                }
            }
            Ok(driver) => {
                crate::lint(&driver);
                for transport in transports(&driver) {
                    let mut player = Player::new(&driver, options(*transport));
                    let mut talk = Conversation::new(&driver, to_talk(*transport));
                    for point in driver.points() {
                        for unit in &point.units {
                            let amount = Amount::of(Decimal::new(-12_345, 3));
                            let _ = player.set(&point.measure, Answer::Good(Value::Quantity(Quantity { amount, unit: *unit })));
                        }
                    }
                    for question in talk.questions() {
                        let reply = player.hear(&talk.ask(question.id));
                        talk.hear(&reply);
                        talk.hear(&player.speak());
                    }
                }
            }
        }
    }
}

/// What people mistype.
const WORDS: &[&str] = &[
    "",
    "0",
    "1",
    "-",
    "65535",
    "99999999999",
    "\"",
    "{",
    "}",
    "{value}",
    "{unit}",
    "{_:300}",
    "\n",
    "=",
    "[",
    "]",
    ",",
    "int32",
    "float64",
    " is set",
    "bit 63",
    "bits 0 to 63 are 0",
    "0xFFFFFFFFFFFFFFFF",
    "é",
    "°",
    "\\u0000",
    "text",
    "bit",
    "-40",
    "1e400",
    " and ",
    "less 0x20",
];

/// Every shipped driver, and one for every way of framing that none of them has.
fn drivers() -> Vec<Driver> {
    let shipped = builtin()
        .iter()
        .map(|(file, text)| Driver::parse(text, file).expect(file));
    shipped.chain(crate::hard::framings()).collect()
}

fn transports(driver: &Driver) -> &'static [Transport] {
    match driver.speaks {
        Speaks::Text(_) => &[Transport::Serial],
        Speaks::Modbus(_) => &[Transport::ModbusTcp, Transport::ModbusRtu],
        Speaks::Nodes(_) => &[],
    }
}

/// Everything heard, whatever chunks it came in: what matters is what was said, with which bytes, and where
/// the line was quiet.
fn heard_in(talk: &mut Conversation, bytes: &[u8], pauses: &[usize], cuts: &[usize]) -> Vec<Heard> {
    let cuts = cuts.iter().map(|cut| cut % (bytes.len() + 1));
    let mut places: Vec<usize> = cuts
        .chain(pauses.iter().copied())
        .chain([0, bytes.len()])
        .collect();
    places.sort_unstable();
    let mut heard = Vec::new();
    for pair in places.windows(2) {
        heard.extend(talk.hear(&bytes[pair[0]..pair[1]]));
        if pauses.contains(&pair[1]) {
            heard.extend(talk.quiet());
        }
    }
    heard.extend(talk.give_up());
    heard
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn any_chunking_of_the_same_bytes_gives_the_same_answers(
        cuts in proptest::collection::vec(0_usize..400, 0..12),
        noise in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        for driver in drivers() {
            for sample in &driver.samples {
                let bytes = [sample.hear.as_slice(), &noise, &sample.hear].concat();
                let mut whole = conversation_of(&driver, sample);
                let mut pieces = conversation_of(&driver, sample);
                if let Some(id) = question_of(&mut whole, &sample.send) {
                    whole.ask(id);
                    question_of(&mut pieces, &sample.send);
                    pieces.ask(id);
                }
                let (once, noisy) = (sample.hear.len(), sample.hear.len() + noise.len());
                let mut pauses = sample.pauses.clone();
                pauses.extend([once, noisy]);
                pauses.extend(sample.pauses.iter().map(|pause| noisy + pause));
                pauses.push(bytes.len());
                let expected = heard_in(&mut whole, &bytes, &pauses, &[]);
                prop_assert_eq!(heard_in(&mut pieces, &bytes, &pauses, &cuts), expected, "{}: {}", driver.name, sample.says);
            }
        }
    }

    #[test]
    fn after_any_garbage_the_next_frame_but_one_is_understood(noise in proptest::collection::vec(any::<u8>(), 0..60)) {
        for driver in drivers().iter().filter(|driver| matches!(driver.speaks, Speaks::Text(_))) {
            let mut player = Player::new(driver, options(Transport::Serial));
            let mut talk = Conversation::new(driver, to_talk(Transport::Serial));
            let question = talk.questions().into_iter().find(|question| !question.measures.is_empty());
            let (frame, id) = match &question {
                Some(question) => (player.hear(&talk.ask(question.id)), Some(question.id)),
                None => (player.speak(), None),
            };
            talk.forget();
            talk.hear(&noise);
            // one frame may be lost to the garbage before it, the one after it never
            id.map(|id| talk.ask(id));
            talk.hear(&frame);
            talk.quiet();
            id.map(|id| talk.ask(id));
            let mut heard = talk.hear(&frame);
            heard.extend(talk.quiet());
            let values = heard.iter().flat_map(|heard| &heard.answers).filter(|(_, answer)| answer.value().is_some());
            prop_assert!(values.count() > 0, "{}: {heard:?}", driver.name);
        }
    }

    #[test]
    fn no_bytes_bring_a_conversation_or_a_player_down(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for driver in drivers() {
            for transport in transports(&driver) {
                let mut talk = Conversation::new(&driver, to_talk(*transport));
                for question in talk.questions() {
                    let asked = talk.ask(question.id);
                    talk.hear(&bytes);
                    talk.forget();
                    // a header that fits, followed by anything
                    talk.ask(question.id);
                    talk.hear(&[&asked[..asked.len().min(8)], &bytes].concat());
                    talk.forget();
                }
                Player::new(&driver, options(*transport)).hear(&bytes);
            }
        }
    }

    #[test]
    fn an_answer_whose_header_differs_in_anything_is_never_a_value(at in 0_usize..9, flip in 1_u8..=255) {
        for driver in drivers().iter().filter(|driver| matches!(driver.speaks, Speaks::Modbus(_))) {
            let mut player = Player::new(driver, options(Transport::ModbusTcp));
            let mut talk = Conversation::new(driver, to_talk(Transport::ModbusTcp));
            for question in talk.questions() {
                let mut reply = player.hear(&talk.ask(question.id));
                reply[at] ^= flip;
                let heard = heard_in(&mut talk, &reply, &[], &[]);
                let values = heard.iter().flat_map(|heard| &heard.answers).filter(|(_, answer)| answer.value().is_some());
                prop_assert_eq!(values.count(), 0, "{}: {:?}", driver.name, heard);
                talk.forget();
            }
        }
    }

    #[test]
    fn a_damaged_answer_in_registers_is_never_a_value(at in 0_usize..64, flip in 1_u8..=255) {
        for driver in drivers().iter().filter(|driver| matches!(driver.speaks, Speaks::Modbus(_))) {
            let mut player = Player::new(driver, options(Transport::ModbusRtu));
            let mut talk = Conversation::new(driver, to_talk(Transport::ModbusRtu));
            for question in talk.questions() {
                let mut reply = player.hear(&talk.ask(question.id));
                let at = at % reply.len();
                reply[at] ^= flip;
                let heard = heard_in(&mut talk, &reply, &[], &[]);
                let values = heard.iter().flat_map(|heard| &heard.answers).filter(|(_, answer)| answer.value().is_some());
                prop_assert_eq!(values.count(), 0, "{}: {:?}", driver.name, heard);
            }
        }
    }

    #[test]
    fn what_a_driver_plays_it_understands(count in -99_999_i64..1_000_000, decimals in 0_u32..5) {
        for driver in drivers() {
            for transport in transports(&driver) {
                let mut player = Player::new(&driver, options(*transport));
                for point in driver.points() {
                    for unit in &point.units {
                        let amount = Amount::of(Decimal::new(count, decimals));
                        let wanted = Answer::Good(Value::Quantity(Quantity { amount, unit: *unit }));
                        if player.set(&point.measure, wanted.clone()).is_ok() {
                            prop_assert_eq!(said(&driver, &mut player, *transport, &point.measure), Some(wanted));
                        }
                    }
                }
            }
        }
    }
}

fn options(transport: Transport) -> PlayerOptions {
    PlayerOptions {
        unit_id: 7,
        transport,
    }
}

fn to_talk(transport: Transport) -> ConversationOptions {
    ConversationOptions {
        unit_id: 7,
        transport,
    }
}

/// What the player says of one measure, through the conversation of the same driver.
fn said(driver: &Driver, player: &mut Player, transport: Transport, measure: &str) -> Option<Answer> {
    let mut talk = Conversation::new(driver, to_talk(transport));
    talk.allow(driver.commands().into_iter().map(|command| command.name));
    let mut heard = Vec::new();
    let questions = talk.questions();
    for question in questions
        .iter()
        .filter(|question| question.role != crate::Role::Identity)
    {
        let bytes = player.hear(&talk.ask(question.id));
        heard.extend(talk.hear(&bytes));
        while let Some((bytes, _)) = talk.go_on() {
            heard.extend(talk.hear(&player.hear(&bytes)));
        }
    }
    heard.extend(talk.hear(&player.speak()));
    heard.extend(talk.quiet());
    let answers = heard
        .into_iter()
        .filter(|heard| matches!(heard.heard_as, HeardAs::Answer | HeardAs::ByItself));
    answers
        .flat_map(|heard| heard.answers)
        .find(|(name, _)| name == measure)
        .map(|(_, answer)| answer)
}

/// What the engine says by itself, and no instrument can be set to.
const OURS: &[&str] = &["garbled", "unexpected", "silent", "not a number"];

/// The answer these words stand for.
fn meant(words: &str) -> Answer {
    let value =
        |text: &str| Quantity::read(text).map_or_else(|| Value::Text(text.to_owned()), Value::Quantity);
    match (words.strip_prefix("bad: "), words.split_once(", uncertain: ")) {
        (Some(because), _) => Answer::Bad(because.to_owned()),
        (None, Some((text, because))) => Answer::Uncertain(value(text), because.to_owned()),
        (None, None) => Answer::Good(value(words)),
    }
}

#[test]
fn everything_a_sample_promises_can_be_played_and_is_understood() {
    let mut missing = Vec::new();
    for driver in drivers() {
        for transport in transports(&driver) {
            for sample in driver.samples.iter().filter(|sample| sample.before.is_empty()) {
                for (measure, words) in &sample.gives {
                    let wanted = words.first().map(|words| meant(words));
                    let is_measure = driver.points().iter().any(|point| point.measure == *measure);
                    let Some(wanted) = wanted.filter(|_| is_measure) else {
                        continue;
                    };
                    if wanted.because().is_some_and(|because| OURS.contains(&because)) {
                        continue;
                    }
                    let mut player = Player::new(&driver, options(*transport));
                    let refused = wanted
                        .because()
                        .filter(|because| because.starts_with("refused, "));
                    let set = match refused {
                        Some(because) if matches!(driver.speaks, Speaks::Modbus(_)) => {
                            player.set_state(because)
                        }
                        _ => player.set(measure, wanted.clone()),
                    };
                    let heard = said(&driver, &mut player, *transport, measure);
                    if set.is_err() || heard.as_ref() != Some(&wanted) {
                        missing.push(format!("{} {measure} {wanted}: {set:?} {heard:?}", driver.name));
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_command_of_every_driver_can_be_played_and_says_that_it_was_done() {
    let mut tried = 0;
    for driver in drivers() {
        for transport in transports(&driver) {
            let mut player = Player::new(&driver, options(*transport));
            let mut talk = Conversation::new(&driver, to_talk(*transport));
            let names: Vec<String> = driver
                .commands()
                .into_iter()
                .map(|command| command.name)
                .collect();
            talk.allow(names.clone());
            for (name, question) in talk.commands() {
                let mut heard = talk.hear(&player.hear(&talk.clone().ask(question.id)));
                talk.forget();
                let asked = talk.ask(question.id);
                heard.extend(talk.hear(&player.hear(&asked)));
                while let Some((bytes, _)) = talk.go_on() {
                    heard.extend(talk.hear(&player.hear(&bytes)));
                }
                heard.extend(talk.give_up());
                let outcome = heard.into_iter().find_map(|heard| heard.outcome);
                let done = matches!(outcome, Some(crate::Outcome::Done | crate::Outcome::Sent));
                assert!(done, "{} {name}: {outcome:?}", driver.name);
                assert!(player.take_commands().contains(&name));
                tried += 1;
            }
        }
    }
    assert!(tried > 5);
}

#[test]
fn a_late_answer_is_never_taken_for_the_next() {
    let driver = drivers()
        .into_iter()
        .find(|driver| driver.name == "tc200")
        .unwrap();
    let mut player = Player::new(&driver, options(Transport::ModbusTcp));
    let mut talk = Conversation::new(&driver, to_talk(Transport::ModbusTcp));
    let id = talk.questions()[0].id;
    let late = player.hear(&talk.ask(id));
    assert_eq!(talk.give_up().unwrap().answers[0].1.to_string(), "bad: silent");
    player
        .set(
            "temperature",
            Answer::Good(Value::Quantity(Quantity::read("20.0 °C").unwrap())),
        )
        .unwrap();
    let answer = player.hear(&talk.ask(id));
    let heard = talk.hear(&[late, answer].concat());
    assert!(heard[0].is_late() && heard[0].answers.is_empty(), "{heard:?}");
    assert_eq!(heard[1].answers[0].1.to_string(), "20.0 °C");
}

#[test]
fn a_value_whose_first_bytes_look_like_a_whole_frame_is_a_value() {
    // once in 65,536 values the first eight of nine bytes carry a sound check sum of their own
    let driver = drivers()
        .into_iter()
        .find(|driver| driver.name == "jumo-diratron")
        .unwrap();
    let unlucky = (0..=u16::MAX).find_map(|word| {
        let [a, b] = word.to_be_bytes();
        let six = [7, 3, 4, a, b, 0x42];
        let [low, high] = crate::crc16(&six).to_le_bytes();
        let answer = crate::modbus::sealed(&[7, 3, 4, a, b, 0x42, low]);
        (answer[7] == high).then_some(answer)
    });
    let answer = unlucky.unwrap();
    assert!(crate::modbus::unsealed(&answer[..8]).is_some());
    let mut talk = Conversation::new(&driver, to_talk(Transport::ModbusRtu));
    talk.ask(talk.questions()[0].id);
    let heard = talk.hear(&answer);
    assert!(
        heard.len() == 1 && heard[0].answers[0].1.value().is_some(),
        "{heard:?}"
    );
}

#[test]
fn a_frame_nobody_asked_for_is_said_to_be_one() {
    let driver = drivers()
        .into_iter()
        .find(|driver| driver.name == "tc200")
        .unwrap();
    for transport in [Transport::ModbusTcp, Transport::ModbusRtu] {
        let mut player = Player::new(&driver, options(transport));
        let mut other = Conversation::new(&driver, to_talk(transport));
        let mut talk = Conversation::new(&driver, to_talk(transport));
        let frame = player.hear(&other.ask(other.questions()[0].id));
        let heard = talk.hear(&frame);
        assert!(
            heard.len() == 1 && heard[0].is_unasked(),
            "{transport:?} {heard:?}"
        );
    }
}

#[test]
fn a_serial_number_that_comes_unasked_does_not_disturb_the_weight() {
    let driver = drivers()
        .into_iter()
        .find(|driver| driver.name == "mt-sics-balance")
        .unwrap();
    let mut talk = Conversation::new(&driver, to_talk(Transport::Serial));
    let weight = talk.questions()[0].id;
    talk.ask(weight);
    let heard = talk.hear(b"I4 A \"B512345678\"\r\nS S      12.50 g\r\n");
    assert!(heard[0].is_unasked());
    assert_eq!(heard[0].identity.as_deref(), Some("B512345678"));
    assert_eq!(heard[1].answers[0].1.to_string(), "12.50 g");
}

#[test]
fn a_scale_that_will_not_say_who_it_is_has_refused_and_is_not_silent() {
    let driver = drivers()
        .into_iter()
        .find(|driver| driver.name == "mt-sics-balance")
        .unwrap();
    let mut talk = Conversation::new(&driver, to_talk(Transport::Serial));
    let identity = talk
        .questions()
        .into_iter()
        .find(|question| question.role == crate::Role::Identity)
        .unwrap();
    talk.ask(identity.id);
    let heard = talk.hear(b"ES\r\n");
    assert_eq!(heard[0].failure, Some(record::Failure::Refused));
    assert!(!talk.is_waiting() && heard[0].identity.is_none());
    // a weight that comes instead is late, and the question stays open
    talk.ask(identity.id);
    let heard = talk.hear(b"S S      12.50 g\r\nI4 A \"B1\"\r\n");
    assert!(heard[0].is_unasked() && heard[0].answers.is_empty());
    assert_eq!(heard[1].identity.as_deref(), Some("B1"));
}

#[test]
fn what_comes_by_itself_is_no_question() {
    for driver in drivers()
        .into_iter()
        .filter(|driver| !matches!(driver.speaks, Speaks::Nodes(_)))
    {
        let mut talk = Conversation::new(&driver, to_talk(Transport::Serial));
        talk.allow(driver.commands().into_iter().map(|command| command.name));
        let asked: Vec<String> = talk
            .questions()
            .into_iter()
            .flat_map(|question| question.measures)
            .collect();
        for point in driver.points() {
            assert_eq!(
                asked.contains(&point.measure),
                point.comes == Comes::WhenAsked,
                "{} {}",
                driver.name,
                point.measure
            );
        }
    }
}
