//! Frames that say themselves how long they are.

/// Where the length stands in a frame, and what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LengthInside {
    /// Its first byte, counted from 0, the start mark among them.
    pub(crate) at: usize,
    pub(crate) is: LengthIs,
    /// Bytes of the whole frame that it does not count.
    pub(crate) adds: usize,
    /// What promises more is no frame.
    pub(crate) longest: usize,
}

/// How a length is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LengthIs {
    Byte,
    TwoBytes,
    TwoBytesLowFirst,
    Digits(u8),
    HexDigits(u8),
}

impl LengthIs {
    pub(crate) fn words() -> &'static [(&'static str, Self)] {
        &[
            ("byte", Self::Byte),
            ("two bytes", Self::TwoBytes),
            ("two bytes, low first", Self::TwoBytesLowFirst),
            ("two digits", Self::Digits(2)),
            ("three digits", Self::Digits(3)),
            ("two hex digits", Self::HexDigits(2)),
        ]
    }

    pub(crate) fn len(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::TwoBytes | Self::TwoBytesLowFirst => 2,
            Self::Digits(digits) | Self::HexDigits(digits) => usize::from(digits),
        }
    }

    fn read(self, bytes: &[u8]) -> Option<usize> {
        let number = |radix| {
            let digits = bytes.iter().all(u8::is_ascii_hexdigit);
            let text = std::str::from_utf8(bytes).ok().filter(|_| digits)?;
            usize::from_str_radix(text, radix).ok()
        };
        match self {
            Self::Digits(_) => number(10),
            Self::HexDigits(_) => number(16),
            Self::TwoBytesLowFirst => Some(
                bytes
                    .iter()
                    .rev()
                    .fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            ),
            Self::Byte | Self::TwoBytes => {
                Some(bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
            }
        }
    }
}

/// What the beginning of a frame promises.
pub(crate) enum Promise {
    /// The length has not come yet.
    Open,
    /// So many bytes in all.
    Whole(usize),
    /// No frame is that long, or that short.
    None,
}

impl LengthInside {
    /// What the beginning of a frame promises; `behind` bytes at least follow the length.
    pub(crate) fn promise(self, frame: &[u8], behind: usize) -> Promise {
        let end = self.at + self.is.len();
        let Some(bytes) = frame.get(self.at..end) else {
            return Promise::Open;
        };
        let whole = self.is.read(bytes).map(|counted| counted + self.adds);
        match whole.filter(|whole| (end + behind..=self.longest).contains(whole)) {
            Some(whole) => Promise::Whole(whole),
            None => Promise::None,
        }
    }

    /// Puts the length into a frame that has room for it.
    pub(crate) fn write(self, frame: &mut [u8]) {
        let counted = frame.len().saturating_sub(self.adds);
        let bytes = match self.is {
            LengthIs::Byte => vec![counted as u8],
            LengthIs::TwoBytes => (counted as u16).to_be_bytes().to_vec(),
            LengthIs::TwoBytesLowFirst => (counted as u16).to_le_bytes().to_vec(),
            LengthIs::Digits(digits) => {
                format!("{counted:0width$}", width = usize::from(digits)).into_bytes()
            }
            LengthIs::HexDigits(digits) => {
                format!("{counted:0width$X}", width = usize::from(digits)).into_bytes()
            }
        };
        if let Some(place) = frame.get_mut(self.at..self.at + bytes.len()) {
            place.copy_from_slice(&bytes);
        }
    }
}
