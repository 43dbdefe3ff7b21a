//! What can be wrong with an instrument or its line, on request.

use super::motion::Dice;
use std::{fmt, str::FromStr, time::Duration};

/// One trouble, until it is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does not answer.
    Silent,
    /// Its answers arrive as noise.
    Garbage,
    /// Its answers arrive in pieces.
    Split,
    /// The answer before comes once more behind each answer.
    Glued,
    /// Its answers come so much later.
    Late(Duration),
    /// Another unit answers in its place.
    WrongUnit,
    /// It refuses with this code.
    Exception(u8),
    /// The plug is out.
    Unplugged,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str("silent"),
            Self::Garbage => f.write_str("garbage"),
            Self::Split => f.write_str("split"),
            Self::Glued => f.write_str("glued"),
            Self::Late(by) => write!(f, "late:{} ms", by.as_millis()),
            Self::WrongUnit => f.write_str("wrong-unit"),
            Self::Exception(code) => write!(f, "exception:{code}"),
            Self::Unplugged => f.write_str("unplugged"),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, with) = text
            .split_once(':')
            .map_or((text, None), |(word, with)| (word, Some(with.trim())));
        match (word, with) {
            ("silent", None) => Ok(Self::Silent),
            ("garbage", None) => Ok(Self::Garbage),
            ("split", None) => Ok(Self::Split),
            ("glued", None) => Ok(Self::Glued),
            ("wrong-unit", None) => Ok(Self::WrongUnit),
            ("unplugged", None) => Ok(Self::Unplugged),
            ("late", Some(by)) => {
                let (number, unit) = by.split_once(' ').unwrap_or((by, "ms"));
                let ms = match unit {
                    "ms" => 1,
                    "s" => 1000,
                    _ => return Err(format!("\"{by}\" is no time; write `late:800 ms`")),
                };
                let number: u64 = number
                    .parse()
                    .map_err(|_| format!("\"{by}\" is no time; write `late:800 ms`"))?;
                Ok(Self::Late(Duration::from_millis(number.saturating_mul(ms))))
            }
            ("exception", Some(code)) => code
                .parse()
                .map(Self::Exception)
                .map_err(|_| format!("\"{code}\" is no code; write `exception:6`")),
            _ => Err(format!(
                "\"{text}\" is no fault; there are silent, garbage, split, glued, late:800 ms, wrong-unit, exception:6, unplugged"
            )),
        }
    }
}

/// Noise of the same length.
pub(super) fn garbage(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    bytes.iter().map(|_| dice.roll() as u8).collect()
}

/// The same answer from the unit next door. A line of text has no unit; it is left as it is.
pub(super) fn from_next_door(bytes: &[u8], form: Form) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match form {
        Form::ModbusTcp => {
            if let Some(unit) = bytes.get_mut(6) {
                *unit = unit.wrapping_add(1);
            }
        }
        Form::ModbusRtu => {
            if bytes.len() > 3 {
                bytes[0] = bytes[0].wrapping_add(1);
                sign(&mut bytes);
            }
        }
        Form::Text => {}
    }
    bytes
}

/// A refusal in place of the answer. A line of text has no codes; it is left as it is.
pub(super) fn refusal(bytes: &[u8], form: Form, code: u8) -> Vec<u8> {
    match (form, bytes) {
        (Form::ModbusTcp, [a, b, _, _, _, _, unit, function, ..]) => {
            vec![*a, *b, 0, 0, 0, 3, *unit, function | 0x80, code]
        }
        (Form::ModbusRtu, [unit, function, ..]) => {
            let mut frame = vec![*unit, function | 0x80, code, 0, 0];
            sign(&mut frame);
            frame
        }
        _ => bytes.to_vec(),
    }
}

fn sign(frame: &mut [u8]) {
    let body = frame.len() - 2;
    let sum = driver::crc16(&frame[..body]).to_le_bytes();
    frame[body..].copy_from_slice(&sum);
}

/// How frames look on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    ModbusTcp,
    ModbusRtu,
    Text,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_written_as_it_is_read() {
        let all = "silent garbage split glued wrong-unit exception:6 unplugged";
        for word in all.split(' ').chain(["late:800 ms"]) {
            assert_eq!(
                word.parse::<Fault>().map(|fault| fault.to_string()).as_deref(),
                Ok(word)
            );
        }
        assert_eq!("late:2 s".parse(), Ok(Fault::Late(Duration::from_secs(2))));
        for word in ["", "deaf", "late", "late:soon", "exception:busy", "silent:1"] {
            assert!(word.parse::<Fault>().is_err(), "{word}");
        }
    }

    #[test]
    fn a_refusal_is_one_the_manual_would_know() {
        assert_eq!(
            refusal(&[1, 4, 8, 2, 0xD5], Form::ModbusRtu, 6),
            [0x01, 0x84, 0x06, 0xC3, 0x02]
        );
        assert_eq!(
            refusal(&[0, 9, 0, 0, 0, 5, 1, 4, 2, 0, 7], Form::ModbusTcp, 2),
            [0, 9, 0, 0, 0, 3, 1, 0x84, 2]
        );
    }
}
