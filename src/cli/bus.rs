//! Modbus questions without a driver: registers as they are, and who an instrument says it is. For the bench
//! only; what is recorded goes through drivers.
//!
//! Asks one question at a time on one connection, and never writes.

use crate::{
    flow::needs::{Clock, Link},
    ports::clock::SystemClock,
};
use std::{io, time::Duration};

/// One open line with Modbus on it.
pub(crate) struct Bus {
    line: Box<dyn Link>,
    framing: Framing,
    number: u16,
    within: Duration,
}

/// How a question travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Tcp,
    Rtu,
}

/// What came of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Silent,
    /// It is there, and says no with this code.
    Refused(u8),
    /// Bytes that are no answer to this question.
    Garbled(Vec<u8>),
    /// What stands behind the function code.
    Answer(Vec<u8>),
}

/// Who an instrument says it is (function 43/14).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identification {
    pub(crate) vendor: String,
    pub(crate) product: String,
    pub(crate) revision: String,
}

impl Bus {
    pub(crate) fn new(line: Box<dyn Link>, framing: Framing, within: Duration) -> Self {
        Self {
            line,
            framing,
            number: 0,
            within,
        }
    }

    /// The line itself, for a conversation in between.
    pub(crate) fn line(&mut self) -> &mut dyn Link {
        &mut *self.line
    }

    /// Registers from `first` on, or why there are none.
    pub(crate) async fn registers(
        &mut self,
        unit: u8,
        function: u8,
        first: u16,
        count: u16,
    ) -> io::Result<Result<Vec<u16>, Said>> {
        let ([a, b], [c, d]) = (first.to_be_bytes(), count.to_be_bytes());
        Ok(match self.ask(unit, &[function, a, b, c, d]).await? {
            Said::Answer(said) => match said.split_first() {
                Some((bytes, values))
                    if usize::from(*bytes) == values.len() && values.len() == usize::from(count) * 2 =>
                {
                    Ok(values
                        .chunks_exact(2)
                        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                        .collect())
                }
                _ => Err(Said::Garbled(said)),
            },
            other => Err(other),
        })
    }

    /// Who it says it is; most instruments do not know the question.
    pub(crate) async fn identification(&mut self, unit: u8) -> io::Result<Result<Identification, Said>> {
        Ok(match self.ask(unit, &[0x2B, 0x0E, 1, 0]).await? {
            Said::Answer(said) => identification(&said).ok_or(Said::Garbled(said)),
            other => Err(other),
        })
    }

    /// One question.
    pub(crate) async fn ask(&mut self, unit: u8, question: &[u8]) -> io::Result<Said> {
        self.line.discard()?;
        self.number = self.number.wrapping_add(1);
        let bytes = framed(self.framing, self.number, unit, question);
        self.line.send(&bytes).await?;
        let clock = SystemClock::new();
        let until = clock.elapsed() + self.within;
        let mut heard = Vec::new();
        loop {
            let left = until.saturating_sub(clock.elapsed());
            tokio::select! {
                biased;
                count = self.line.receive(&mut heard) => if count? == 0 {
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "it closed the connection"));
                },
                () = clock.sleep(left) => {
                    if self.framing == Framing::Rtu {
                        // a late answer must not be taken for the next one
                        clock.sleep(self.within.min(LATE)).await;
                        self.line.discard()?;
                    }
                    return Ok(if heard.is_empty() { Said::Silent } else { Said::Garbled(heard) });
                }
            }
            if let Some(said) = understood(self.framing, self.number, unit, question[0], &mut heard) {
                if self.framing == Framing::Rtu {
                    clock.sleep(PAUSE).await;
                }
                return Ok(said);
            }
        }
    }
}

fn framed(framing: Framing, number: u16, unit: u8, question: &[u8]) -> Vec<u8> {
    let body: Vec<u8> = std::iter::once(unit).chain(question.iter().copied()).collect();
    match framing {
        Framing::Tcp => {
            let mut bytes = number.to_be_bytes().to_vec();
            bytes.extend([0, 0]);
            bytes.extend((body.len() as u16).to_be_bytes());
            bytes.extend(body);
            bytes
        }
        Framing::Rtu => {
            let sum = driver::crc16(&body).to_le_bytes();
            [body.as_slice(), &sum].concat()
        }
    }
}

/// The answer in these bytes, once it is whole. Late answers to earlier questions are thrown away on TCP.
fn understood(framing: Framing, number: u16, unit: u8, function: u8, heard: &mut Vec<u8>) -> Option<Said> {
    let body = match framing {
        Framing::Tcp => loop {
            let length = 6 + usize::from(u16::from_be_bytes([*heard.get(4)?, *heard.get(5)?]));
            if heard.len() < length {
                return None;
            }
            let frame: Vec<u8> = heard.drain(..length).collect();
            if frame.starts_with(&number.to_be_bytes()) && frame.len() > 7 {
                break frame[6..].to_vec();
            }
        },
        Framing::Rtu => whole_rtu(heard)?,
    };
    match body.as_slice() {
        [from, said, rest @ ..] if *from == unit && *said == function => Some(Said::Answer(rest.to_vec())),
        [from, said, code] if *from == unit && *said == function | 0x80 => Some(Said::Refused(*code)),
        _ => Some(Said::Garbled(body)),
    }
}

/// Unit, function and the rest, without the check sum, once a whole frame is there.
fn whole_rtu(heard: &[u8]) -> Option<Vec<u8>> {
    let length = match heard.get(1)? {
        1..=4 => 5 + usize::from(*heard.get(2)?),
        0x81..=0xFF => 5,
        _ => heard.len(),
    };
    let frame = heard.get(..length).filter(|frame| frame.len() >= 5)?;
    let (body, sum) = frame.split_at(frame.len() - 2);
    (driver::crc16(body).to_le_bytes() == sum).then(|| body.to_vec())
}

/// Objects 0, 1 and 2: vendor, product, revision.
fn identification(said: &[u8]) -> Option<Identification> {
    let [0x0E, _, _, _, _, count, rest @ ..] = said else {
        return None;
    };
    let mut known = Identification::default();
    let mut rest = rest;
    for _ in 0..*count {
        let [id, length, after @ ..] = rest else {
            return None;
        };
        let text = after.get(..usize::from(*length))?;
        let text = String::from_utf8_lossy(text).trim().to_owned();
        match id {
            0 => known.vendor = text,
            1 => known.product = text,
            2 => known.revision = text,
            _ => {}
        }
        rest = &after[usize::from(*length)..];
    }
    Some(known)
}

/// Between two questions on a wire.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a wire rests after silence.
const LATE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn an_answer_counts_only_whole_and_from_the_unit_that_was_asked() {
        let answer = framed(Framing::Rtu, 0, 1, &[3, 2, 0x04, 0xD2]);
        for cut in 0..answer.len() {
            assert_eq!(
                understood(Framing::Rtu, 0, 1, 3, &mut answer[..cut].to_vec()),
                None,
                "{cut}"
            );
        }
        assert_eq!(
            understood(Framing::Rtu, 0, 1, 3, &mut answer.clone()),
            Some(Said::Answer(vec![2, 0x04, 0xD2]))
        );
        assert!(matches!(
            understood(Framing::Rtu, 0, 2, 3, &mut answer.clone()),
            Some(Said::Garbled(_))
        ));
        let mut refused = framed(Framing::Rtu, 0, 1, &[0x83, 2]);
        assert_eq!(
            understood(Framing::Rtu, 0, 1, 3, &mut refused),
            Some(Said::Refused(2))
        );
    }

    #[test]
    fn a_late_answer_over_tcp_is_not_the_next_one() {
        let mut heard = framed(Framing::Tcp, 6, 1, &[3, 2, 0, 1]);
        heard.extend(framed(Framing::Tcp, 7, 1, &[3, 2, 0, 2]));
        assert_eq!(
            understood(Framing::Tcp, 7, 1, 3, &mut heard),
            Some(Said::Answer(vec![2, 0, 2]))
        );
    }

    #[test]
    fn who_it_is_is_read_from_its_objects() {
        let mut said = vec![0x0E, 1, 1, 0, 0, 3];
        for (id, text) in [(0, "Example"), (1, "TC200"), (2, "1.06")] {
            said.extend([id, text.len() as u8]);
            said.extend(text.as_bytes());
        }
        let known = identification(&said).unwrap();
        assert_eq!(
            (&*known.vendor, &*known.product, &*known.revision),
            ("Example", "TC200", "1.06")
        );
        assert_eq!(identification(&said[..9]), None);
    }
}
