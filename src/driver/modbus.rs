//! Modbus on the wire: questions for reading, answers, exceptions, both framings. Nothing here writes
//! to equipment.

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
    fn pdu(self) -> [u8; 6] {
        let ([a, b], [c, d]) = (self.first.to_be_bytes(), self.count.to_be_bytes());
        [self.unit, self.table.function(), a, b, c, d]
    }

    pub(crate) fn rtu(self) -> Vec<u8> {
        sealed(&self.pdu())
    }

    pub(crate) fn tcp(self, transaction: u16) -> Vec<u8> {
        wrapped(transaction, &self.pdu())
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

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    Values(Vec<u8>),
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
