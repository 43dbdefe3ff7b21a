//! Entry points for fuzzing: what must hold whatever bytes come. `fuzz/` calls them from a fuzzer, the tests below
//! from a mutator of their own, so that a machine without a fuzzer can search as long as it likes:
//!
//! ```text
//! STEELYARD_FUZZ_SECONDS=3600 STEELYARD_FUZZ_SEED=7 cargo test --release -p driver --lib fuzz -- --nocapture
//! ```

use crate::{
    Conversation, ConversationOptions, Driver, Heard, Player, PlayerOptions, Speaks, Transport, builtin,
    modbus::{sealed, wrapped},
};
use record::Quality;
use std::sync::OnceLock;

fn drivers() -> &'static [Driver] {
    static DRIVERS: OnceLock<Vec<Driver>> = OnceLock::new();
    DRIVERS.get_or_init(|| {
        let all = builtin()
            .iter()
            .filter_map(|(file, text)| Driver::parse(text, file).ok());
        all.collect()
    })
}

fn pick(drivers: &[&'static Driver], choice: u8) -> Option<&'static Driver> {
    drivers.get(usize::from(choice) % drivers.len().max(1)).copied()
}

fn talk(driver: &Driver, transport: Transport) -> Conversation {
    let mut talk = Conversation::new(
        driver,
        ConversationOptions {
            unit_id: 1,
            transport,
        },
    );
    talk.allow(driver.commands().into_iter().map(|command| command.name));
    talk
}

/// Frames of text: any chunking gives the same, and what is bad has no value.
///
/// # Panics
///
/// When one of the laws does not hold; that is what it is for.
pub fn frames(data: &[u8]) {
    let [choice, cut, asked, bytes @ ..] = data else {
        return;
    };
    let texts: Vec<&'static Driver> = drivers()
        .iter()
        .filter(|driver| matches!(driver.speaks, Speaks::Text(_)))
        .collect();
    let Some(driver) = pick(&texts, *choice) else {
        return;
    };
    let hear = |step: usize| {
        let mut talk = talk(driver, Transport::Serial);
        let questions = talk.questions();
        if let Some(question) = questions.get(usize::from(*asked) % questions.len().max(1)) {
            talk.ask(question.id);
        }
        let mut heard: Vec<Heard> = bytes
            .chunks(step.max(1))
            .flat_map(|chunk| talk.hear(chunk))
            .collect();
        heard.extend(talk.quiet());
        heard.extend(talk.give_up());
        heard
    };
    let whole = hear(bytes.len());
    assert_eq!(hear(usize::from(*cut)), whole, "{}: chunking", driver.name);
    whole.iter().for_each(honest);
    Player::new(
        driver,
        PlayerOptions {
            unit_id: 1,
            transport: Transport::Serial,
        },
    )
    .hear(bytes);
}

/// Registers: any bytes at all, and any bytes in a frame that is sound around them.
///
/// # Panics
///
/// When one of the laws does not hold; that is what it is for.
pub fn registers(data: &[u8]) {
    let [choice, cut, asked, bytes @ ..] = data else {
        return;
    };
    let maps: Vec<&'static Driver> = drivers()
        .iter()
        .filter(|driver| matches!(driver.speaks, Speaks::Modbus(_)))
        .collect();
    let Some(driver) = pick(&maps, *choice) else {
        return;
    };
    for transport in [Transport::ModbusTcp, Transport::ModbusRtu] {
        let questions = talk(driver, transport).questions();
        let Some(question) = questions.get(usize::from(*asked) % questions.len().max(1)) else {
            return;
        };
        let hear = |frame: &[u8], step: usize| {
            let mut talk = talk(driver, transport);
            talk.ask(question.id);
            let mut heard: Vec<Heard> = frame
                .chunks(step.max(1))
                .flat_map(|chunk| talk.hear(chunk))
                .collect();
            heard.extend(talk.give_up());
            heard
        };
        for frame in [bytes.to_vec(), sound(driver, transport, question, bytes)] {
            let whole = hear(&frame, frame.len());
            assert_eq!(
                hear(&frame, usize::from(*cut)),
                whole,
                "{}: chunking",
                driver.name
            );
            whole.iter().for_each(honest);
        }
        Player::new(
            driver,
            PlayerOptions {
                unit_id: 1,
                transport,
            },
        )
        .hear(bytes);
    }
}

/// The awaited answer with these bytes as its registers, as far as they go.
fn sound(driver: &Driver, transport: Transport, question: &crate::Question, bytes: &[u8]) -> Vec<u8> {
    let mut player = Player::new(
        driver,
        PlayerOptions {
            unit_id: 1,
            transport,
        },
    );
    let mut body = player.hear(&talk(driver, transport).ask(question.id));
    let tcp = transport == Transport::ModbusTcp;
    if tcp {
        body.drain(..body.len().min(6));
    } else {
        body.truncate(body.len().saturating_sub(2));
    }
    for (place, byte) in body.iter_mut().skip(3).zip(bytes) {
        *place = *byte;
    }
    if tcp { wrapped(1, &body) } else { sealed(&body) }
}

/// What failed has no value, and what is bad says why.
fn honest(heard: &Heard) {
    for (measure, answer) in &heard.answers {
        assert!(
            heard.failure.is_none() || answer.value().is_none(),
            "{measure}: {heard:?}"
        );
        let bad = answer.quality() == Quality::Bad;
        assert_eq!(bad, answer.value().is_none(), "{measure}: {heard:?}");
        assert!(
            !bad || answer.because().is_some_and(|because| !because.is_empty()),
            "{measure}: {heard:?}"
        );
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::print_stderr,
        reason = "a search says how far it came, and with which seed it failed"
    )]
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::{
        env,
        panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
        time::{Duration, Instant},
    };

    /// xorshift64*: the same seed, the same day.
    struct Chance(u64);

    impl Chance {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
        }

        fn below(&mut self, end: usize) -> usize {
            (self.next() >> 33) as usize % end.max(1)
        }
    }

    /// What real instruments said, in every shipped sample.
    fn corpus() -> Vec<Vec<u8>> {
        let samples = drivers().iter().flat_map(|driver| &driver.samples);
        samples
            .map(|sample| sample.hear.clone())
            .filter(|hear| !hear.is_empty())
            .collect()
    }

    fn mutated(corpus: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
        let mut bytes = corpus[chance.below(corpus.len())].clone();
        for _ in 0..chance.below(6) {
            let at = chance.below(bytes.len() + 1);
            match chance.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
                1 if at < bytes.len() => {
                    bytes.remove(at);
                }
                2 => bytes.insert(at, SHARP[chance.below(SHARP.len())]),
                3 => bytes.truncate(at),
                4 => {
                    let other = &corpus[chance.below(corpus.len())];
                    bytes.splice(at..at, other.iter().copied().take(64));
                }
                _ => bytes.insert(at, chance.next() as u8),
            }
        }
        bytes.truncate(600);
        let head = [
            chance.next() as u8,
            1 + chance.below(20) as u8,
            chance.next() as u8,
        ];
        [head.as_slice(), &bytes].concat()
    }

    /// Bytes that mean something to somebody.
    const SHARP: &[u8] = &[
        0, 2, 3, 6, 10, 13, 21, 27, b' ', b'-', b'.', b'9', 0x7F, 0x80, 0x83, 0xFF,
    ];

    fn search(what: fn(&[u8]), lengths: u64) {
        let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let seconds = number("STEELYARD_FUZZ_SECONDS").unwrap_or(lengths);
        let seed = number("STEELYARD_FUZZ_SEED").unwrap_or(20_261_120);
        let corpus = corpus();
        let mut chance = Chance(seed | 1);
        let (begun, mut tried) = (Instant::now(), 0_u64);
        while begun.elapsed() < Duration::from_secs(seconds) || tried < 200 {
            let input = mutated(&corpus, &mut chance);
            if let Err(why) = catch_unwind(AssertUnwindSafe(|| what(&input))) {
                eprintln!("seed {seed}, input {tried}: {}", crate::sample::hex(&input));
                resume_unwind(why);
            }
            tried += 1;
        }
        eprintln!("{tried} inputs from seed {seed}");
    }

    #[test]
    fn no_frame_brings_a_conversation_down_or_becomes_a_value_by_half() {
        search(frames, 2);
    }

    #[test]
    fn no_registers_bring_a_conversation_down_or_become_a_value_by_half() {
        search(registers, 2);
    }

    #[test]
    fn an_input_too_short_to_mean_anything_is_let_go() {
        for data in [[].as_slice(), &[1], &[1, 2], &[1, 2, 3]] {
            frames(data);
            registers(data);
        }
    }
}
