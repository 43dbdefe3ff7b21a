//! What takes more than one question, and what is never asked at all: windows, pauses, streams that must be started.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Action, Asked, Event, Facts, Link, LinkOutput, Matching, Moment, Plan, next};
use driver::{Conversation, ConversationOptions, Driver, Player, PlayerOptions, Transport};
use record::Stamp;
use std::time::Duration;

const HEAD: &str = "format = 1\n[driver]\nname = \"one\"\nedition = 1\ntitle = \"One\"\nmaker = \"Nobody\"\nevidence = \"draft\"\n";

const STREAM: &str = r#"speaks = "text-over-serial"
[serial]
[measure.weight]
comes = "by itself"
start = "SIR"
start_again_after = "4 s"
units = ["g"]
answers = [ { reads = "S S {value:10} {unit}", quality = "good" } ]
[[sample]]
says = "a weight"
hear = "S S      12.50 g\r\n"
gives = { weight = "12.50 g" }
"#;

const SILENCE: &str = r#"speaks = "text-over-serial"
[serial]
ends_after = "50 ms"
[measure.weight]
comes = "by itself"
unit = "kg"
answers = [ { reads = "{value:6}", quality = "good" } ]
"#;

const WINDOW: &str = r#"speaks = "modbus"
[modbus]
[command.show]
writes = { table = "holding", first = 1024, values = [288] }
[[read]]
after = "show"
ready_when = "shown is 288"
table = "holding"
first = 0
count = 2
points = [
  { at = 0, field = "shown", is = "uint16" },
  { at = 1, measure = "gross", is = "uint16", one_count = "0.1 kg" },
]
"#;

struct Bench {
    link: Option<Link>,
    player: Player,
    now: Duration,
    sent: Vec<Vec<u8>>,
    /// What it said that it wrote.
    wrote: Vec<(String, Vec<u8>)>,
    /// What it said became of what a person ordered.
    outcomes: Vec<(u64, String)>,
    /// The instrument answers.
    deaf: bool,
    values: Vec<String>,
    times: Vec<Stamp>,
}

impl Bench {
    fn new(text: &str, transport: Transport, allow: &[&str]) -> Self {
        let driver = Driver::parse(&format!("{HEAD}{text}"), "one.toml").unwrap();
        let mut conversation = Conversation::new(
            &driver,
            ConversationOptions {
                unit_id: 1,
                transport,
            },
        );
        conversation.allow(allow.iter().copied());
        let asked = Asked {
            tag: "WT-1".into(),
            conversation,
            unit: Some(1),
            every: Duration::from_secs(1),
            known: Facts::default(),
            doubt: None,
            out_of_service: false,
            measures: driver.points().into_iter().map(|point| point.measure).collect(),
            talks: driver
                .points()
                .iter()
                .any(|point| point.comes == driver::Comes::ByItself),
        };
        let plan = Plan {
            name: "line".into(),
            matching: match transport {
                Transport::ModbusTcp => Matching::Number,
                Transport::ModbusRtu => Matching::Address,
                _ => Matching::Nothing,
            },
            speed: None,
            equipment: vec![asked],
            lent: false,
            seed: 1,
        };
        Self {
            link: Some(Link::new(plan, Duration::ZERO)),
            player: Player::new(
                &driver,
                PlayerOptions {
                    unit_id: 1,
                    transport,
                },
            ),
            now: Duration::ZERO,
            sent: Vec::new(),
            wrote: Vec::new(),
            outcomes: Vec::new(),
            deaf: false,
            values: Vec::new(),
            times: Vec::new(),
        }
    }

    fn at(&self) -> Moment {
        let stamp = Stamp::read("2026-11-20T12:00:00.000Z").unwrap();
        Moment {
            elapsed: self.now,
            now: stamp.plus_ms(self.now.as_millis() as i64),
        }
    }

    fn event(&mut self, event: Event) {
        let (link, actions) = next(self.link.take().unwrap(), self.at(), event);
        self.link = Some(link);
        for action in actions {
            match action {
                Action::Open => self.event(Event::Opened),
                Action::Send { bytes, .. } => {
                    self.sent.push(bytes.clone());
                    self.event(Event::Sent);
                    let reply = self.player.hear(&bytes);
                    if !reply.is_empty() && !self.deaf {
                        self.event(Event::Heard(reply));
                    }
                }
                Action::Give(LinkOutput::Wrote { command, bytes, .. }) => self.wrote.push((command, bytes)),
                Action::Give(LinkOutput::Commanded(commanded)) => {
                    let outcome = match commanded.outcome {
                        Ok(outcome) => outcome.to_string(),
                        Err(because) => format!("not sent: {because}"),
                    };
                    self.outcomes.push((commanded.number, outcome));
                }
                Action::Give(LinkOutput::Reading(reading)) => {
                    self.values.push(reading.answer.to_string());
                    self.times.push(reading.time);
                }
                _ => {}
            }
        }
    }

    fn until(&mut self, end: u64) {
        let end = Duration::from_millis(end);
        self.event(Event::Tick);
        while let Some(wake) = self.link.as_ref().unwrap().wake().filter(|wake| *wake <= end) {
            self.now = wake.max(self.now + Duration::from_millis(1));
            self.event(Event::Tick);
        }
        self.now = end;
    }
}

#[test]
fn a_scale_is_told_to_talk_when_the_line_opens_and_again_when_it_has_been_silent() {
    let mut bench = Bench::new(STREAM, Transport::Serial, &[]);
    bench.until(500);
    assert_eq!(bench.sent, [b"SIR\r\n"]);
    for round in 1..10 {
        bench.until(500 * round + 250);
        let said = bench.player.speak();
        bench.event(Event::Heard(said));
    }
    assert_eq!(bench.sent.len(), 1, "it talks, and is left alone");
    assert_eq!(bench.values, ["12.50 g"; 9]);
    bench.until(11_000);
    assert!(bench.sent.len() >= 2, "silent for 4 s, it is told again");
    assert!(bench.sent.iter().all(|sent| sent == b"SIR\r\n"));
}

#[test]
fn a_frame_ended_by_a_pause_is_a_reading_of_the_moment_of_its_last_byte() {
    let mut bench = Bench::new(SILENCE, Transport::Serial, &[]);
    bench.until(1000);
    bench.event(Event::Heard(b"  12".to_vec()));
    bench.until(1030);
    bench.event(Event::Heard(b".5".to_vec()));
    let last = bench.at().now;
    bench.until(1070);
    assert_eq!(bench.values, Vec::<String>::new(), "40 ms are no pause here");
    bench.until(1090);
    assert_eq!(bench.values, ["12.5 kg"]);
    assert_eq!(bench.times, [last]);
}

#[test]
fn a_window_is_opened_before_each_value_and_only_where_that_is_allowed() {
    for transport in [Transport::ModbusTcp, Transport::ModbusRtu] {
        let mut bench = Bench::new(WINDOW, transport, &["show"]);
        bench.until(4500);
        let function = if transport == Transport::ModbusTcp { 7 } else { 1 };
        let written = |sent: &Vec<u8>| sent[function] == 6;
        assert!(bench.values.len() >= 4, "{:?}", bench.values);
        assert!(
            bench.values.iter().all(|value| value == "0.0 kg"),
            "{:?}",
            bench.values
        );
        assert_eq!(
            bench.sent.iter().filter(|sent| written(sent)).count(),
            bench.values.len()
        );
        assert_eq!(bench.sent.len(), bench.values.len() * 2);
        // Every write is told with its bytes, to be an entry; nothing else is.
        let writes = bench
            .sent
            .iter()
            .filter(|sent| written(sent))
            .map(|sent| &sent[function..]);
        let told = bench.wrote.iter().map(|(command, bytes)| {
            assert_eq!(command, "show");
            &bytes[function..]
        });
        assert!(told.eq(writes), "{:?}", bench.wrote);

        let mut shut = Bench::new(WINDOW, transport, &[]);
        shut.until(5000);
        assert_eq!(
            shut.sent,
            Vec::<Vec<u8>>::new(),
            "nothing is written, and nothing asked in vain"
        );
    }
}

const SCALE: &str = r#"speaks = "text-over-serial"
[serial]
[command.tare]
send = "T"
answers = [
  { reads = "T S {tared:10} {unit}", then = "done" },
  { reads = "T I", then = "refused", because = "not executable" },
]
[measure.weight]
send = "SI"
units = ["g"]
answers = [ { reads = "S S {value:10} {unit}", quality = "good" } ]
[[sample]]
says = "a weight"
send = "SI"
hear = "S S      12.50 g\r\n"
gives = { weight = "12.50 g" }
[[sample]]
says = "tared"
send = "T"
hear = "T S      12.50 g\r\n"
gives = { tare = "done" }
"#;

impl Bench {
    fn order(&mut self, command: &str, number: u64) {
        let order = super::Order::Command {
            tag: "WT-1".into(),
            command: command.into(),
            number,
        };
        self.event(Event::Told(order));
    }

    fn sent_of(&self, text: &[u8]) -> usize {
        self.sent.iter().filter(|sent| sent.as_slice() == text).count()
    }
}

#[test]
fn a_tare_that_a_person_orders_is_sent_once_and_proven_by_its_answer() {
    let mut bench = Bench::new(SCALE, Transport::Serial, &["tare"]);
    bench.until(2500);
    let values = bench.values.len();
    bench.order("tare", 41);
    bench.until(2600);
    assert_eq!(bench.outcomes, [(41, "done".to_owned())]);
    assert_eq!(
        bench.wrote,
        [("tare".to_owned(), b"T\r\n".to_vec())],
        "what is written is told, to be an entry"
    );
    bench.until(9000);
    assert_eq!(bench.sent_of(b"T\r\n"), 1, "and never again by itself");
    assert!(bench.values.len() >= values + 6, "readings go on beside it");
}

#[test]
fn what_the_configuration_does_not_allow_is_never_sent() {
    let mut bench = Bench::new(SCALE, Transport::Serial, &[]);
    bench.until(2500);
    bench.order("tare", 41);
    bench.order("format-disk", 42);
    bench.until(9000);
    let not = "not sent: its configuration does not allow it".to_owned();
    assert_eq!(bench.outcomes, [(41, not.clone()), (42, not)]);
    assert_eq!(bench.sent_of(b"T\r\n"), 0);
}

#[test]
fn a_tare_nobody_answers_is_not_proven_and_is_not_repeated() {
    let mut bench = Bench::new(SCALE, Transport::Serial, &["tare"]);
    bench.until(2500);
    bench.deaf = true;
    bench.order("tare", 41);
    bench.order("tare", 42);
    bench.until(3000);
    let outcomes = std::mem::take(&mut bench.outcomes);
    let busy = (42, "not sent: another command is still under way".to_owned());
    assert_eq!(outcomes.first(), Some(&busy), "one at a time");
    bench.until(20_000);
    let later: Vec<_> = outcomes
        .into_iter()
        .skip(1)
        .chain(std::mem::take(&mut bench.outcomes))
        .collect();
    assert_eq!(later, [(41, "not proven: silent".to_owned())]);
    bench.order("tare", 43);
    assert_eq!(bench.outcomes, [(43, "not sent: it does not answer".to_owned())]);
    assert_eq!(bench.sent_of(b"T\r\n"), 1);
}

#[test]
fn an_order_does_not_outlive_the_line_it_was_given_on() {
    let mut bench = Bench::new(SCALE, Transport::Serial, &["tare"]);
    bench.until(2500);
    bench.deaf = true;
    bench.order("tare", 41);
    bench.event(Event::Unplugged("pulled".into()));
    assert_eq!(bench.outcomes, [(41, "not proven: silent".to_owned())]);
    bench.order("tare", 42);
    assert_eq!(
        bench.outcomes[1],
        (42, "not sent: its line is not open".to_owned())
    );
    bench.deaf = false;
    bench.until(20_000);
    assert_eq!(
        bench.sent_of(b"T\r\n"),
        1,
        "a line that is back does not tare what stands there now"
    );
}
