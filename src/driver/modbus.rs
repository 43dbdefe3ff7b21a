//! Modbus on the wire: questions for reading, what a declared command writes, answers, exceptions, both framings.

/// The four tables of an instrument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Function 1.
    Coil,
    /// Function 2.
    Discrete,
    /// Function 4.
    Input,
    /// Function 3.
    Holding,
}

impl Table {
    pub(crate) fn words() -> &'static [(&'static str, Self)] {
        &[
            ("coil", Self::Coil),
            ("discrete", Self::Discrete),
            ("input", Self::Input),
            ("holding", Self::Holding),
        ]
    }

    /// As a driver writes it.
    pub(crate) fn word(self) -> &'static str {
        let known = Self::words().iter().find(|(_, table)| *table == self);
        known.map_or("", |(word, _)| word)
    }

    /// The function code that reads it.
    pub fn function(self) -> u8 {
        match self {
            Self::Coil => 1,
            Self::Discrete => 2,
            Self::Holding => 3,
            Self::Input => 4,
        }
    }

    pub(crate) fn of_function(function: u8) -> Option<Self> {
        Self::words()
            .iter()
            .map(|(_, table)| *table)
            .find(|table| table.function() == function)
    }

    /// Whether it holds single bits.
    pub(crate) fn is_bits(self) -> bool {
        matches!(self, Self::Coil | Self::Discrete)
    }

    /// How many may be read at once.
    pub(crate) fn most(self) -> u16 {
        if self.is_bits() { 2000 } else { 125 }
    }

    /// How many bytes so many of them take.
    pub(crate) fn bytes(self, count: u16) -> usize {
        if self.is_bits() {
            usize::from(count).div_ceil(8)
        } else {
            usize::from(count) * 2
        }
    }
}

/// CRC-16 of an RTU frame; it travels low byte first.
///
/// ```
/// assert_eq!(driver::crc16(&[0x01, 0x04, 0, 0, 0, 4]).to_le_bytes(), [0xF1, 0xC9]);
/// ```
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 }
        })
    })
}

/// What an exception means: `busy`, `no such register`.
pub fn exception_word(code: u8) -> String {
    EXCEPTIONS
        .iter()
        .find(|(known, _)| *known == code)
        .map_or_else(|| format!("code {code}"), |(_, word)| (*word).to_owned())
}

pub(crate) fn exception_code(word: &str) -> Option<u8> {
    EXCEPTIONS
        .iter()
        .find(|(_, known)| *known == word)
        .map(|(code, _)| *code)
}

const EXCEPTIONS: &[(u8, &str)] = &[
    (1, "unknown function"),
    (2, "no such register"),
    (3, "value not allowed"),
    (4, "failed inside"),
    (5, "still working"),
    (6, "busy"),
    (8, "memory fault"),
    (10, "gateway has no path"),
    (11, "nothing behind the gateway"),
];

/// A question: which registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) unit: u8,
    pub(crate) table: Table,
    pub(crate) first: u16,
    pub(crate) count: u16,
}

impl Request {
    pub(crate) fn pdu(self) -> [u8; 6] {
        let ([a, b], [c, d]) = (self.first.to_be_bytes(), self.count.to_be_bytes());
        [self.unit, self.table.function(), a, b, c, d]
    }

    /// Bytes of an answer with values: unit, function, byte count, values.
    pub(crate) fn answer_bytes(self) -> usize {
        3 + self.table.bytes(self.count)
    }

    /// Reads unit, function, first and count; anything else is `None`.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let [unit, function, a, b, c, d] = body else {
            return None;
        };
        let table = Table::of_function(*function)?;
        Some(Self {
            unit: *unit,
            table,
            first: u16::from_be_bytes([*a, *b]),
            count: u16::from_be_bytes([*c, *d]),
        })
    }

    /// What an answer (unit, function, rest) says to this question.
    pub(crate) fn understand(self, body: &[u8]) -> Reply {
        match body {
            [unit, function, rest @ ..] if *unit == self.unit && *function == self.table.function() => {
                match rest {
                    [count, values @ ..]
                        if usize::from(*count) == values.len()
                            && values.len() == self.table.bytes(self.count) =>
                    {
                        Reply::Values(values.to_vec())
                    }
                    _ => Reply::Unexpected,
                }
            }
            [unit, function, code] if *unit == self.unit && *function == self.table.function() | 0x80 => {
                Reply::Refused(*code)
            }
            _ => Reply::Unexpected,
        }
    }
}

/// What is written: which coils or registers, and what into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Writing {
    pub(crate) table: Table,
    pub(crate) first: u16,
    pub(crate) values: Vec<u16>,
    /// 5, 6, 15 or 16.
    pub(crate) function: u8,
}

impl Writing {
    pub(crate) fn body(&self, unit: u8) -> Vec<u8> {
        let [a, b] = self.first.to_be_bytes();
        let mut body = vec![unit, self.function, a, b];
        let first = self.values.first().copied().unwrap_or_default();
        match self.function {
            5 => body.extend(if first == 0 { [0, 0] } else { [0xFF, 0] }),
            6 => body.extend(first.to_be_bytes()),
            15 => {
                let mut bits = vec![0_u8; self.values.len().div_ceil(8)];
                for (at, _) in self.values.iter().enumerate().filter(|(_, value)| **value != 0) {
                    bits[at / 8] |= 1 << (at % 8);
                }
                body.extend((self.values.len() as u16).to_be_bytes());
                body.push(bits.len() as u8);
                body.extend(bits);
            }
            _ => {
                body.extend((self.values.len() as u16).to_be_bytes());
                body.push((self.values.len() * 2) as u8);
                body.extend(self.values.iter().flat_map(|value| value.to_be_bytes()));
            }
        }
        body
    }

    /// What an instrument answers that has written it: the first six bytes come back.
    pub(crate) fn answer(&self, unit: u8) -> [u8; 6] {
        let body = self.body(unit);
        std::array::from_fn(|at| body.get(at).copied().unwrap_or_default())
    }

    /// Reads what a master writes; anything else is `None`.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let [_, function @ (5 | 6 | 15 | 16), a, b, rest @ ..] = body else {
            return None;
        };
        let words = |bytes: &[u8]| -> Vec<u16> {
            bytes
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                .collect()
        };
        let values = match (function, rest) {
            (5, [high, 0]) => vec![u16::from(*high == 0xFF)],
            (6, [_, _]) => words(rest),
            (15, [c, d, bytes, bits @ ..]) => {
                let count = usize::from(u16::from_be_bytes([*c, *d]));
                let whole = bits.len() == usize::from(*bytes) && bits.len() == count.div_ceil(8);
                let bit = |at: usize| u16::from(bits[at / 8] >> (at % 8) & 1);
                whole.then(|| (0..count).map(bit).collect())?
            }
            (16, [c, d, bytes, registers @ ..]) => {
                let count = usize::from(u16::from_be_bytes([*c, *d]));
                let whole = registers.len() == usize::from(*bytes) && registers.len() == count * 2;
                whole.then(|| words(registers))?
            }
            _ => return None,
        };
        Some(Self {
            table: if matches!(function, 5 | 15) {
                Table::Coil
            } else {
                Table::Holding
            },
            first: u16::from_be_bytes([*a, *b]),
            values,
            function: *function,
        })
    }
}

/// What goes over the wire and must be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Read(Request),
    /// With the answer it must have.
    Write([u8; 6]),
}

impl Wire {
    pub(crate) fn unit(self) -> u8 {
        match self {
            Self::Read(request) => request.unit,
            Self::Write(answer) => answer[0],
        }
    }

    pub(crate) fn function(self) -> u8 {
        match self {
            Self::Read(request) => request.table.function(),
            Self::Write(answer) => answer[1],
        }
    }

    /// Bytes of an answer that is no refusal, without its check sum.
    pub(crate) fn answer_bytes(self) -> usize {
        match self {
            Self::Read(request) => request.answer_bytes(),
            Self::Write(answer) => answer.len(),
        }
    }

    /// Whether a frame begins as the awaited answer does.
    pub(crate) fn begins(self, frame: &[u8]) -> bool {
        match self {
            Self::Read(request) => {
                let count = request.answer_bytes() - 3;
                frame.starts_with(&[request.unit, request.table.function(), count as u8])
            }
            Self::Write(answer) => frame.starts_with(&answer[..2]),
        }
    }

    /// What an answer (unit, function, rest) says to it.
    pub(crate) fn understand(self, body: &[u8]) -> Reply {
        match self {
            Self::Read(request) => request.understand(body),
            Self::Write(answer) => match body {
                body if body == answer => Reply::Written,
                [unit, function, code] if *unit == answer[0] && *function == answer[1] | 0x80 => {
                    Reply::Refused(*code)
                }
                _ => Reply::Unexpected,
            },
        }
    }
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Values(Vec<u8>),
    /// What was written has been taken.
    Written,
    Refused(u8),
    /// Well formed, but no answer to this question.
    Unexpected,
}

/// Body and check sum.
pub(crate) fn sealed(body: &[u8]) -> Vec<u8> {
    let mut frame = body.to_vec();
    frame.extend(crc16(body).to_le_bytes());
    frame
}

/// The body of an RTU frame, if its check sum holds.
pub(crate) fn unsealed(frame: &[u8]) -> Option<&[u8]> {
    let (body, sum) = frame.split_at_checked(frame.len().checked_sub(2)?)?;
    (sum == crc16(body).to_le_bytes()).then_some(body)
}

/// Body behind a TCP header.
pub(crate) fn wrapped(transaction: u16, body: &[u8]) -> Vec<u8> {
    let mut frame = transaction.to_be_bytes().to_vec();
    frame.extend([0, 0]);
    frame.extend((body.len() as u16).to_be_bytes());
    frame.extend(body);
    frame
}

/// What begins a TCP stream: a whole frame, the beginning of one, or nothing that can be trusted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    Frame { transaction: u16, length: usize },
    Partial,
    Lost,
}

pub(crate) fn head(bytes: &[u8]) -> Head {
    let at = |place: usize| bytes.get(place).copied();
    if at(2).is_some_and(|b| b != 0) || at(3).is_some_and(|b| b != 0) || at(4).is_some_and(|b| b > 0) {
        return Head::Lost;
    }
    let Some(length) = at(5) else { return Head::Partial };
    if !(3..=254).contains(&length) {
        return Head::Lost;
    }
    let whole = 6 + usize::from(length);
    if bytes.len() < whole {
        Head::Partial
    } else {
        Head::Frame {
            transaction: u16::from_be_bytes([bytes[0], bytes[1]]),
            length: whole,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex.split_whitespace()
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect()
    }

    #[test]
    fn exchanges_of_real_instruments_are_understood() {
        // question | answer | values
        let table = "
            01 03 00 06 00 05 65 C8 | 01 03 0A 0C 00 00 00 30 39 00 00 27 10 67 40 | 0C 00 00 00 30 39 00 00 27 10
            01 03 00 06 00 05 65 C8 | 01 03 0A 00 04 00 0F 42 3F 00 0F 42 3F B2 E2 | 00 04 00 0F 42 3F 00 0F 42 3F
            01 04 00 00 00 05 30 09 | 01 04 0A 00 00 30 39 00 00 01 F4 00 25 FA BF | 00 00 30 39 00 00 01 F4 00 25
            01 03 00 00 00 03 05 CB | 01 03 06 00 00 30 39 00 02 7F B9             | 00 00 30 39 00 02
            01 03 00 00 00 04 44 09 | 01 03 08 01 20 40 09 42 F6 E6 66 99 18       | 01 20 40 09 42 F6 E6 66
            01 03 20 00 00 04 4F C9 | 01 03 08 41 45 70 A4 41 20 00 00 2B F0       | 41 45 70 A4 41 20 00 00
            01 03 00 01 00 05 D4 09 | 01 03 0A 00 EB 00 FA 00 00 01 AF 00 FA 75 D3 | 00 EB 00 FA 00 00 01 AF 00 FA
            01 03 20 00 00 02 CF CB | 01 03 04 FF 9C 00 00 0A 09                   | FF 9C 00 00
            01 03 70 00 00 02 DE CB | 01 03 04 8E 52 7D B4 51 ED                   | 8E 52 7D B4
            01 03 01 68 00 02 44 2B | 01 03 04 00 00 42 96 4A FD                   | 00 00 42 96
            01 03 3F 01 00 01 D9 DE | 01 03 02 01 F4 B8 53                         | 01 F4
            01 03 C4 17 00 01 09 3E | 01 03 02 0F 07 FC 76                         | 0F 07
            01 03 00 03 00 03 F5 CB | 01 03 06 03 37 27 10 13 88 D2 A5             | 03 37 27 10 13 88
            01 03 0C 81 00 02 97 73 | 01 03 04 06 37 01 F4 4B 62                   | 06 37 01 F4
            01 03 00 17 00 05 35 CD | 01 03 0A 13 88 05 D7 01 38 04 12 00 A3 F5 40 | 13 88 05 D7 01 38 04 12 00 A3
            01 04 00 34 00 02 30 05 | 01 04 04 44 9A 50 00 F3 5B                   | 44 9A 50 00
            02 03 0C 1E 00 04 27 6C | 02 03 08 00 28 02 58 01 F4 00 00 52 B0       | 00 28 02 58 01 F4 00 00
            01 03 12 2F 00 02 F0 BA | 01 03 04 00 00 41 A0 CA 1B                   | 00 00 41 A0";
        for row in table.lines().filter(|row| row.contains('|')) {
            let cells: Vec<Vec<u8>> = row.split('|').map(bytes).collect();
            let asked = Request::read(unsealed(&cells[0]).expect(row)).expect(row);
            assert_eq!(sealed(&asked.pdu()), cells[0], "{row}");
            let answer = unsealed(&cells[1]).expect(row);
            assert_eq!(asked.understand(answer), Reply::Values(cells[2].clone()), "{row}");
            // the same exchange behind a TCP header
            assert_eq!(
                head(&wrapped(9, &asked.pdu())),
                Head::Frame {
                    transaction: 9,
                    length: 12
                },
                "{row}"
            );
        }
    }

    #[test]
    fn what_is_written_is_what_the_standard_says_and_is_read_back_as_meant() {
        // function | first | values | question | answer
        let table = "
            5  | 172 | 1             | 11 05 00 AC FF 00 | 11 05 00 AC FF 00
            5  | 172 | 0             | 11 05 00 AC 00 00 | 11 05 00 AC 00 00
            6  | 1   | 3             | 11 06 00 01 00 03 | 11 06 00 01 00 03
            15 | 19  | 1 0 1 1 0 0 1 1 1 0 | 11 0F 00 13 00 0A 02 CD 01 | 11 0F 00 13 00 0A
            16 | 1   | 10 258        | 11 10 00 01 00 02 04 00 0A 01 02 | 11 10 00 01 00 02";
        for row in table.lines().filter(|row| row.contains('|')) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let function: u8 = cells[0].parse().unwrap();
            let writing = Writing {
                table: if matches!(function, 5 | 15) {
                    Table::Coil
                } else {
                    Table::Holding
                },
                first: cells[1].parse().unwrap(),
                values: cells[2]
                    .split_whitespace()
                    .map(|value| value.parse().unwrap())
                    .collect(),
                function,
            };
            assert_eq!(writing.body(0x11), bytes(cells[3]), "{row}");
            assert_eq!(Writing::read(&bytes(cells[3])), Some(writing.clone()), "{row}");
            let wire = Wire::Write(writing.answer(0x11));
            assert_eq!(wire.understand(&bytes(cells[4])), Reply::Written, "{row}");
            assert_eq!(
                wire.understand(&[0x11, function | 0x80, 6]),
                Reply::Refused(6),
                "{row}"
            );
            // another unit, another place, another count: never the answer to what was written
            for at in 0..5 {
                let mut other = bytes(cells[4]);
                other[at] ^= 1;
                assert_eq!(wire.understand(&other), Reply::Unexpected, "{row} {at}");
            }
        }
    }

    #[test]
    fn an_answer_that_differs_in_anything_is_not_the_answer() {
        let asked = Request {
            unit: 1,
            table: Table::Holding,
            first: 0,
            count: 2,
        };
        for (answer, meaning) in [
            ("01 03 04 00 00 41 A0", Reply::Values(bytes("00 00 41 A0"))),
            ("01 83 02", Reply::Refused(2)),
            ("02 03 04 00 00 41 A0", Reply::Unexpected),
            ("01 04 04 00 00 41 A0", Reply::Unexpected),
            ("01 03 02 41 A0", Reply::Unexpected),
            ("01 03 06 00 00 41 A0 00 00", Reply::Unexpected),
            ("01 03 04 00 00 41", Reply::Unexpected),
            ("01 84 02", Reply::Unexpected),
            ("02 83 02", Reply::Unexpected),
            ("01 83", Reply::Unexpected),
            ("01", Reply::Unexpected),
        ] {
            assert_eq!(asked.understand(&bytes(answer)), meaning, "{answer}");
        }
    }

    #[test]
    fn a_stream_that_lost_its_beat_is_not_believed() {
        assert_eq!(
            head(&bytes("00 01 00 00 00 03 01 83 02")),
            Head::Frame {
                transaction: 1,
                length: 9
            }
        );
        assert_eq!(head(&bytes("00 01 00 00 00 05 01 83 02")), Head::Partial);
        assert_eq!(head(&bytes("00 01 00 07")), Head::Lost);
        assert_eq!(head(&bytes("00 01 00 00 01")), Head::Lost);
        assert_eq!(head(&bytes("00 01 00 00 00 02")), Head::Lost);
        assert_eq!(head(&bytes("00 01 00 00 00 FF")), Head::Lost);
    }
}
