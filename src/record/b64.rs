//! base64url without padding, canonical: one text for one sequence of bytes, anything else is refused.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NONE: u8 = 255;
static VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut table = [NONE; 256];
    let mut at = 0;
    while at < 64 {
        table[LETTERS[at] as usize] = at as u8;
        at += 1;
    }
    table
}

/// Bytes as text.
///
/// ```
/// assert_eq!(record::b64::encode(b"\xff\xfe"), "__4");
/// ```
pub fn encode(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    encode_into(bytes, &mut text);
    // holds because every letter is ASCII
    String::from_utf8(text).unwrap_or_default()
}

/// Appends bytes as text.
pub fn encode_into(bytes: &[u8], text: &mut Vec<u8>) {
    let letter = |value: u32| LETTERS[(value & 63) as usize];
    let mut chunks = bytes.chunks_exact(3);
    for chunk in &mut chunks {
        let word = u32::from(chunk[0]) << 16 | u32::from(chunk[1]) << 8 | u32::from(chunk[2]);
        text.extend_from_slice(&[
            letter(word >> 18),
            letter(word >> 12),
            letter(word >> 6),
            letter(word),
        ]);
    }
    match chunks.remainder() {
        [a] => {
            let word = u32::from(*a) << 16;
            text.extend_from_slice(&[letter(word >> 18), letter(word >> 12)]);
        }
        [a, b] => {
            let word = u32::from(*a) << 16 | u32::from(*b) << 8;
            text.extend_from_slice(&[letter(word >> 18), letter(word >> 12), letter(word >> 6)]);
        }
        _ => {}
    }
}

/// The 43 letters of a hash, without a detour over the heap.
pub(crate) fn encode_32(bytes: &[u8; 32]) -> [u8; 43] {
    let letter = |value: u32| LETTERS[(value & 63) as usize];
    let mut text = [0; 43];
    for (four, three) in text.chunks_exact_mut(4).zip(bytes.chunks_exact(3)) {
        let word = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        four.copy_from_slice(&[
            letter(word >> 18),
            letter(word >> 12),
            letter(word >> 6),
            letter(word),
        ]);
    }
    let rest = u32::from(bytes[30]) << 16 | u32::from(bytes[31]) << 8;
    text[40..].copy_from_slice(&[letter(rest >> 18), letter(rest >> 12), letter(rest >> 6)]);
    text
}

/// Text as bytes; `None` for padding, foreign letters, an impossible length, or spare bits that are not zero.
///
/// ```
/// assert_eq!(record::b64::decode(b"__4"), Some(vec![0xff, 0xfe]));
/// assert_eq!(record::b64::decode(b"__5"), None); // the same bytes written another way
/// ```
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let value = |letter: u8| -> Option<u32> {
        let value = VALUES[letter as usize];
        (value != NONE).then_some(u32::from(value))
    };
    let mut chunks = text.chunks_exact(4);
    for chunk in &mut chunks {
        let word = value(chunk[0])? << 18 | value(chunk[1])? << 12 | value(chunk[2])? << 6 | value(chunk[3])?;
        bytes.extend_from_slice(&[(word >> 16) as u8, (word >> 8) as u8, word as u8]);
    }
    match chunks.remainder() {
        [] => {}
        [a, b] => {
            let word = value(*a)? << 6 | value(*b)?;
            if word & 0xf != 0 {
                return None;
            }
            bytes.push((word >> 4) as u8);
        }
        [a, b, c] => {
            let word = value(*a)? << 12 | value(*b)? << 6 | value(*c)?;
            if word & 0x3 != 0 {
                return None;
            }
            bytes.extend_from_slice(&[(word >> 10) as u8, (word >> 2) as u8]);
        }
        _ => return None,
    }
    Some(bytes)
}

/// Exactly 32 bytes: a hash, a public key.
pub fn decode_32(text: &[u8]) -> Option<[u8; 32]> {
    if text.len() != 43 {
        return None;
    }
    decode(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_for_one_sequence_of_bytes() {
        for len in 0..40_usize {
            let bytes: Vec<u8> = (0..len).map(|i| (i * 37 + 11) as u8).collect();
            let text = encode(&bytes);
            assert_eq!(decode(text.as_bytes()), Some(bytes.clone()));
            if let Ok(hash) = <[u8; 32]>::try_from(&bytes[..]) {
                assert_eq!(encode_32(&hash), text.as_bytes());
            }
            if let Some(last) = text.len().checked_sub(1) {
                let others = LETTERS.iter().filter(|letter| {
                    let mut other = text.clone().into_bytes();
                    other[last] = **letter;
                    other != text.as_bytes() && decode(&other) == decode(text.as_bytes())
                });
                assert_eq!(others.count(), 0, "{text} can be written another way");
            }
        }
    }

    #[test]
    fn padding_and_foreign_letters_are_refused() {
        for text in ["_w==", "a", "ab+d", "ab/d", "abc\n", "aB c"] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
    }
}
