//! Checks: what is summed up, where the sum stands, and how it is written.

/// A check as one line uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) check: Check,
    pub(crate) covers: Covers,
    pub(crate) stands: Stands,
    pub(crate) written: Written,
}

/// How a check is summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// The low seven bits of all bytes, the check among them, add up to zero.
    MinusSum7,
    /// All bytes, the check among them, add up to zero.
    MinusSum8,
    /// Sum of the bytes before it.
    Sum8,
    /// Exclusive or of the bytes before it.
    Xor,
    /// CRC-16 as Modbus has it, low byte first.
    Crc16,
}

/// What a check is made over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Covers {
    pub(crate) start: bool,
    pub(crate) end: bool,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    BeforeTheEnd,
    BehindTheEnd,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Bytes,
    /// Two digits a byte, the highest first.
    HexDigits,
}

impl Check {
    pub(crate) fn words() -> &'static [(&'static str, Self)] {
        &[
            ("minus-sum-7", Self::MinusSum7),
            ("minus-sum-8", Self::MinusSum8),
            ("sum-8", Self::Sum8),
            ("xor", Self::Xor),
            ("crc-16", Self::Crc16),
        ]
    }

    fn len(self) -> usize {
        if self == Self::Crc16 { 2 } else { 1 }
    }

    /// The bytes of the check over these.
    fn over(self, bytes: impl Iterator<Item = u8>) -> Vec<u8> {
        if self == Self::Crc16 {
            let all: Vec<u8> = bytes.collect();
            return crate::crc16(&all).to_le_bytes().to_vec();
        }
        if self == Self::Xor {
            return vec![bytes.fold(0, |all, byte| all ^ byte)];
        }
        let sum = bytes.fold(0_u8, u8::wrapping_add);
        vec![match self {
            Self::MinusSum7 => sum.wrapping_neg() & 0x7F,
            Self::MinusSum8 => sum.wrapping_neg(),
            _ => sum,
        }]
    }
}

impl Covers {
    pub(crate) fn words() -> &'static [(&'static str, Self)] {
        const fn covers(start: bool, end: bool) -> Covers {
            Covers { start, end }
        }
        const WORDS: &[(&str, Covers)] = &[
            ("content", covers(false, false)),
            ("start and content", covers(true, false)),
            ("content and end", covers(false, true)),
            ("start, content and end", covers(true, true)),
        ];
        WORDS
    }
}

impl Stands {
    pub(crate) fn words() -> &'static [(&'static str, Self)] {
        &[
            ("before the end", Self::BeforeTheEnd),
            ("behind the end", Self::BehindTheEnd),
        ]
    }
}

impl Written {
    pub(crate) fn words() -> &'static [(&'static str, Self)] {
        &[("bytes", Self::Bytes), ("hex digits", Self::HexDigits)]
    }
}

impl Checked {
    /// Bytes it takes on the wire.
    pub(crate) fn len(self) -> usize {
        match self.written {
            Written::Bytes => self.check.len(),
            Written::HexDigits => self.check.len() * 2,
        }
    }

    /// What belongs on the wire for a frame of these parts.
    pub(crate) fn over(self, start: &[u8], content: &[u8], end: &[u8]) -> Vec<u8> {
        let start = if self.covers.start { start } else { &[] };
        let end = if self.covers.end { end } else { &[] };
        let sum = self.check.over([start, content, end].concat().into_iter());
        match self.written {
            Written::Bytes => sum,
            // the low byte of a CRC goes first as bytes, and last where people write it as a number
            Written::HexDigits => sum
                .iter()
                .rev()
                .flat_map(|byte| format!("{byte:02X}").into_bytes())
                .collect(),
        }
    }

    /// Whether this was sent for a frame of these parts. Small letters are digits as well.
    pub(crate) fn holds(self, start: &[u8], content: &[u8], end: &[u8], sent: &[u8]) -> bool {
        let wanted = self.over(start, content, end);
        match self.written {
            Written::Bytes => wanted == sent,
            Written::HexDigits => wanted == sent.to_ascii_uppercase(),
        }
    }
}
