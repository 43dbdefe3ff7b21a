//! Far ends to measure the links with: real sockets on loopback, answers made of nothing but the question.

use crate::{
    flow::needs::{Clock, Link},
    ports::{clock::SystemClock, tcp::Listener},
};
use record::Trouble;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// When questions for the first register came, connection by connection.
pub(super) type Seen = Arc<Mutex<Vec<Vec<Duration>>>>;

/// A far end, where it is reached, and what it saw.
pub(super) struct FarEnd {
    pub(super) address: String,
    pub(super) seen: Seen,
}

/// How it behaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// Frames with a check sum in place of a header.
    pub(super) rtu: bool,
    /// What the instrument and its wire take.
    pub(super) takes: Duration,
    /// Units up to this one never answer.
    pub(super) dead: u8,
}

impl FarEnd {
    /// Listens, and answers every read with registers that hold their own address.
    pub(super) async fn open(manner: Manner) -> Result<Self, Trouble> {
        let listener = Listener::open("127.0.0.1:0").await.map_err(super::not_measured)?;
        let address = listener.address().map_err(super::not_measured)?.to_string();
        let seen = Seen::default();
        let all = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok(line) = listener.accept().await {
                tokio::spawn(answer(line, manner, Arc::clone(&all)));
            }
        });
        Ok(Self { address, seen })
    }
}

async fn answer(mut line: impl Link, manner: Manner, seen: Seen) {
    let clock = SystemClock::new();
    let place = {
        let mut all = seen.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Vec::new());
        all.len() - 1
    };
    let mut heard = Vec::new();
    while line.receive(&mut heard).await.is_ok_and(|count| count > 0) {
        let length = if manner.rtu { 8 } else { 12 };
        while heard.len() >= length {
            let question: Vec<u8> = heard.drain(..length).collect();
            let body = if manner.rtu {
                &question[..6]
            } else {
                &question[6..]
            };
            let [unit, function, a, b, c, d] = *body else {
                return;
            };
            let (first, count) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            if first == 0 {
                let mut all = seen.lock().unwrap_or_else(PoisonError::into_inner);
                all[place].push(clock.elapsed());
            }
            if unit <= manner.dead {
                continue;
            }
            let mut answer = vec![unit, function, (count * 2) as u8];
            answer.extend(
                (first..first.saturating_add(count)).flat_map(|at| (0x4100 | at & 0xFF).to_be_bytes()),
            );
            let answer = if manner.rtu {
                let check = driver::crc16(&answer).to_le_bytes();
                [&answer[..], &check].concat()
            } else {
                let length = (answer.len() as u16).to_be_bytes();
                [&question[..4], &length, &answer].concat()
            };
            if !manner.takes.is_zero() {
                clock.sleep(manner.takes).await;
            }
            if line.send(&answer).await.is_err() {
                return;
            }
        }
    }
}

/// A driver of so many floats, in reads of at most fifty.
pub(super) fn floats(count: usize) -> Result<driver::Driver, Trouble> {
    let mut text = String::from(
        "format = 1\n[driver]\nname = \"bench\"\nedition = 1\ntitle = \"Floats\"\nmaker = \"None\"\n\
         speaks = \"modbus\"\nevidence = \"draft\"\nmanual = \"none\"\n[modbus]\nanswer_within = \"100 ms\"\n\
         pause_between = \"0 ms\"\n",
    );
    for first in (0..count).step_by(50) {
        let here = (count - first).min(50);
        text += &format!(
            "[[read]]\ntable = \"holding\"\nfirst = {}\ncount = {}\npoints = [\n",
            first * 2,
            here * 2
        );
        for at in 0..here {
            text += &format!(
                "{{ at = {}, measure = \"m{}\", is = \"float32\", unit = \"°C\" }},\n",
                at * 2,
                first + at
            );
        }
        text += "]\n";
    }
    driver::Driver::parse(&text, "bench.toml")
        .map_err(|complaints| super::not_measured(format!("its driver has {} complaints", complaints.len())))
}
