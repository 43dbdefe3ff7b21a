//! What stands in registers: types, byte and word orders, both ways. Counts stay whole numbers; a float is
//! shown with the fewest digits that give the same float again.

use crate::meaning::Field;

/// How one value lies in registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Is {
    /// One register, signed.
    Int16,
    /// One register.
    Uint16,
    /// Two registers, signed.
    Int32,
    /// Two registers.
    Uint32,
    /// Four registers, signed.
    Int64,
    /// Four registers.
    Uint64,
    /// Two registers, IEEE 754.
    Float32,
    /// Four registers, IEEE 754.
    Float64,
    /// One register of flags.
    Bits,
    /// Two registers of flags.
    Bits32,
    /// One coil or discrete input.
    Bit,
    /// One register, a decimal digit in each half byte.
    Bcd16,
    /// Two registers, a decimal digit in each half byte.
    Bcd32,
    /// Two registers: low + 10000 × high, low first.
    Mod10000,
    /// Two characters a register.
    Text(u16),
}

impl Is {
    pub(crate) fn words() -> &'static [(&'static str, Self)] {
        &[
            ("int16", Self::Int16),
            ("uint16", Self::Uint16),
            ("int32", Self::Int32),
            ("uint32", Self::Uint32),
            ("int64", Self::Int64),
            ("uint64", Self::Uint64),
            ("float32", Self::Float32),
            ("float64", Self::Float64),
            ("bits", Self::Bits),
            ("bits32", Self::Bits32),
            ("bit", Self::Bit),
            ("bcd16", Self::Bcd16),
            ("bcd32", Self::Bcd32),
            ("mod10000", Self::Mod10000),
            ("text", Self::Text(1)),
        ]
    }

    pub(crate) fn word(self) -> &'static str {
        let plain = if let Self::Text(_) = self {
            Self::Text(1)
        } else {
            self
        };
        Self::words()
            .iter()
            .find(|(_, is)| *is == plain)
            .map_or("", |(word, _)| word)
    }

    /// Registers (or bits, for a bit).
    pub(crate) fn width(self) -> u16 {
        match self {
            Self::Int16 | Self::Uint16 | Self::Bits | Self::Bit | Self::Bcd16 => 1,
            Self::Int32 | Self::Uint32 | Self::Float32 | Self::Bits32 | Self::Bcd32 | Self::Mod10000 => 2,
            Self::Int64 | Self::Uint64 | Self::Float64 => 4,
            Self::Text(registers) => registers,
        }
    }

    pub(crate) fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }
}

/// Some bits of a number, where one value lies across others: `bits = "0 to 16"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) low: u8,
    pub(crate) high: u8,
}

impl Slice {
    /// Reads `0 to 16`, or `7`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (low, high) = text.split_once(" to ").unwrap_or((text, text));
        let (low, high) = (low.parse().ok()?, high.parse().ok()?);
        (low <= high && high < 64).then_some(Self { low, high })
    }

    fn mask(self) -> i128 {
        (1_i128 << (self.high - self.low + 1)) - 1
    }

    /// The number in these bits.
    pub(crate) fn of(self, count: i128) -> i128 {
        count >> self.low & self.mask()
    }

    /// The whole with this number in these bits, the others left as they are.
    pub(crate) fn put(self, whole: i128, number: i128) -> Option<i128> {
        let fits = (0..=self.mask()).contains(&number);
        fits.then_some((whole & !(self.mask() << self.low)) | (number << self.low))
    }
}

/// In which order the bytes of a value travel; `ABCD` is the highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Order {
    /// Highest first.
    #[default]
    Abcd,
    /// Low word first.
    Cdab,
    /// High word first, bytes of each word swapped.
    Badc,
    /// Lowest first.
    Dcba,
}

impl Order {
    pub(crate) fn words() -> &'static [(&'static str, Self)] {
        &[
            ("ABCD", Self::Abcd),
            ("CDAB", Self::Cdab),
            ("BADC", Self::Badc),
            ("DCBA", Self::Dcba),
        ]
    }

    /// From the wire to highest first, and back: each of the four undoes itself.
    fn turn(self, bytes: &mut [u8]) {
        if matches!(self, Self::Badc | Self::Dcba) {
            bytes.chunks_exact_mut(2).for_each(|word| word.swap(0, 1));
        }
        if matches!(self, Self::Cdab | Self::Dcba) && bytes.len() > 2 {
            let words = bytes.len() / 2;
            for word in 0..words / 2 {
                let other = words - 1 - word;
                bytes.swap(word * 2, other * 2);
                bytes.swap(word * 2 + 1, other * 2 + 1);
            }
        }
    }
}

/// The value in these bytes; `None` where they cannot be one (a BCD digit above nine).
pub(crate) fn decode(is: Is, order: Order, wire: &[u8]) -> Option<Field> {
    if let Is::Text(_) = is {
        let mut bytes = wire.to_vec();
        if matches!(order, Order::Badc | Order::Dcba) {
            Order::Badc.turn(&mut bytes);
        }
        let end = bytes
            .iter()
            .position(|byte| matches!(byte, 0 | 0xFF))
            .unwrap_or(bytes.len());
        return Some(Field::Text(bytes[..end].trim_ascii().to_vec()));
    }
    let mut buffer = [0_u8; 8];
    let bytes = buffer.get_mut(..wire.len())?;
    bytes.copy_from_slice(wire);
    order.turn(bytes);
    let whole = bytes.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let count = match is {
        Is::Int16 => i128::from(whole as u16 as i16),
        Is::Int32 => i128::from(whole as u32 as i32),
        Is::Int64 => i128::from(whole as i64),
        Is::Float32 => {
            let number = f32::from_bits(whole as u32);
            return Some(float(f64::from(number), number.to_string(), true));
        }
        Is::Float64 => {
            let number = f64::from_bits(whole);
            return Some(float(number, number.to_string(), false));
        }
        Is::Bcd16 | Is::Bcd32 => bcd(bytes)?,
        Is::Mod10000 => {
            let (high, low) = (whole & 0xFFFF, whole >> 16);
            if low > 9999 {
                return None;
            }
            i128::from(low + high * 10_000)
        }
        _ => i128::from(whole),
    };
    Some(Field::Count(count))
}

/// A float as shown. Below 10⁻²⁰ it is the noise of a computation and no display would show it; and a zero
/// has no sign.
pub(crate) fn float(number: f64, text: String, single: bool) -> Field {
    let text = if number.abs() < 1e-20 {
        "0".to_owned()
    } else {
        text
    };
    Field::Float { number, text, single }
}

fn bcd(bytes: &[u8]) -> Option<i128> {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .try_fold(0_i128, |sum, digit| {
            (digit < 10).then(|| sum * 10 + i128::from(digit))
        })
}

/// The bytes that travel for a value; `None` where it does not fit.
pub(crate) fn encode(is: Is, order: Order, field: &Field) -> Option<Vec<u8>> {
    let mut bytes = match (is, field) {
        (Is::Text(registers), Field::Text(text)) => {
            let mut bytes = text.clone();
            bytes.resize(usize::from(registers) * 2, 0);
            if matches!(order, Order::Badc | Order::Dcba) {
                Order::Badc.turn(&mut bytes);
            }
            return Some(bytes);
        }
        (Is::Float32, Field::Float { text, .. }) => {
            text.parse::<f32>().ok()?.to_bits().to_be_bytes().to_vec()
        }
        (Is::Float64, Field::Float { text, .. }) => {
            text.parse::<f64>().ok()?.to_bits().to_be_bytes().to_vec()
        }
        (_, Field::Count(count)) => whole_bytes(is, *count)?,
        _ => return None,
    };
    order.turn(&mut bytes);
    Some(bytes)
}

fn whole_bytes(is: Is, count: i128) -> Option<Vec<u8>> {
    Some(match is {
        Is::Int16 => i16::try_from(count).ok()?.to_be_bytes().to_vec(),
        Is::Uint16 | Is::Bits | Is::Bit => u16::try_from(count).ok()?.to_be_bytes().to_vec(),
        Is::Int32 => i32::try_from(count).ok()?.to_be_bytes().to_vec(),
        Is::Uint32 | Is::Bits32 => u32::try_from(count).ok()?.to_be_bytes().to_vec(),
        Is::Int64 => i64::try_from(count).ok()?.to_be_bytes().to_vec(),
        Is::Uint64 => u64::try_from(count).ok()?.to_be_bytes().to_vec(),
        Is::Float32 => (count as f32).to_bits().to_be_bytes().to_vec(),
        Is::Float64 => (count as f64).to_bits().to_be_bytes().to_vec(),
        Is::Bcd16 | Is::Bcd32 => {
            let digits = usize::from(is.width()) * 4;
            let text = format!("{count:0digits$}");
            if count < 0 || text.len() > digits {
                return None;
            }
            text.as_bytes()
                .chunks_exact(2)
                .map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0'))
                .collect()
        }
        Is::Mod10000 => {
            let high = u16::try_from(count.div_euclid(10_000)).ok()?;
            let low = u16::try_from(count.rem_euclid(10_000)).ok()?;
            [low.to_be_bytes(), high.to_be_bytes()].concat()
        }
        Is::Text(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex.split(' ')
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect()
    }

    fn shown(field: &Field) -> String {
        match field {
            Field::Count(count) => count.to_string(),
            Field::Float { text, .. } => text.clone(),
            Field::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn one_number_is_found_in_every_order_its_maker_may_have_chosen() {
        // value | type | ABCD | CDAB | BADC | DCBA
        let table = "
            1234.5     | float32 | 44 9A 50 00 | 50 00 44 9A | 9A 44 00 50 | 00 50 9A 44
            20         | float32 | 41 A0 00 00 | 00 00 41 A0 | A0 41 00 00 | 00 00 A0 41
            -0.25      | float32 | BE 80 00 00 | 00 00 BE 80 | 80 BE 00 00 | 00 00 80 BE
            123456     | float32 | 47 F1 20 00 | 20 00 47 F1 | F1 47 00 20 | 00 20 F1 47
            123456789  | int32   | 07 5B CD 15 | CD 15 07 5B | 5B 07 15 CD | 15 CD 5B 07
            -2         | int32   | FF FF FF FE | FF FE FF FF | FF FF FE FF | FE FF FF FF
            70000      | int32   | 00 01 11 70 | 11 70 00 01 | 01 00 70 11 | 70 11 01 00
            123456.789 | float64 | 40 FE 24 0C 9F BE 76 C9 | 76 C9 9F BE 24 0C 40 FE | FE 40 0C 24 BE 9F C9 76 | C9 76 BE 9F 0C 24 FE 40
            1234       | bcd16   | 12 34 | 12 34 | 34 12 | 34 12
            12345678   | bcd32   | 12 34 56 78 | 56 78 12 34 | 34 12 78 56 | 78 56 34 12
            70000      | mod10000| 00 00 00 07 | 00 07 00 00 | 00 00 07 00 | 07 00 00 00";
        for row in table.lines().filter(|row| row.contains('|')) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let is = Is::words().iter().find(|(word, _)| *word == cells[1]).unwrap().1;
            for (cell, (word, order)) in cells[2..].iter().zip(Order::words()) {
                let field = decode(is, *order, &bytes(cell)).unwrap();
                assert_eq!(shown(&field), cells[0], "{row} {word}");
                assert_eq!(encode(is, *order, &field).unwrap(), bytes(cell), "{row} {word}");
            }
        }
    }

    #[test]
    fn a_digit_above_nine_is_no_decimal() {
        assert!(decode(Is::Bcd16, Order::Abcd, &[0x12, 0x3A]).is_none());
        assert!(decode(Is::Mod10000, Order::Abcd, &[0x27, 0x10, 0, 0]).is_none());
    }

    #[test]
    fn the_noise_of_a_computation_is_zero_and_zero_has_no_sign() {
        for bits in [-0.0_f32, 1e-30, -1e-38] {
            let field = decode(Is::Float32, Order::Abcd, &bits.to_be_bytes()).unwrap();
            assert_eq!(shown(&field), "0");
        }
        let field = decode(Is::Float32, Order::Abcd, &0.000_012_5_f32.to_be_bytes()).unwrap();
        assert_eq!(shown(&field), "0.0000125");
    }

    #[test]
    fn text_in_registers_ends_at_its_filler() {
        let field = decode(Is::Text(3), Order::Abcd, b"B512\0\xFF").unwrap();
        assert_eq!(shown(&field), "B512");
        assert_eq!(shown(&decode(Is::Text(2), Order::Badc, b"5B21").unwrap()), "B512");
    }
}
