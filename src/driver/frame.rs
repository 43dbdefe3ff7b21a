//! Where one frame ends and the next begins. Bytes go in one at a time, so that any chunking of the
//! same bytes gives the same frames; after garbage the next whole frame is found.

/// How frames are told apart on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Framing {
    pub(crate) starts_with: Vec<u8>,
    pub(crate) ends_with: Vec<u8>,
    /// Put behind every question.
    pub(crate) sends_with: Vec<u8>,
    /// Bytes of a frame in all, where it is fixed.
    pub(crate) length: Option<usize>,
    pub(crate) check: Option<Check>,
    /// The eighth bit is parity or nothing.
    pub(crate) seven_bits: bool,
    /// Whole frames that follow no other rule.
    pub(crate) or_exactly: Vec<Vec<u8>>,
}

impl Framing {
    /// A frame around this content, as the instrument would send it.
    pub(crate) fn wrap(&self, content: &[u8]) -> Vec<u8> {
        if self.or_exactly.iter().any(|whole| whole == content) {
            return content.to_vec();
        }
        let mut frame = [self.starts_with.as_slice(), content].concat();
        match self.check {
            // behind a fixed frame its check stands last; on a line it stands before the end
            Some(check) if self.length.is_some() => {
                frame.extend(&self.ends_with);
                frame.extend(check.over(&frame.clone()));
            }
            check => {
                frame.extend(check.map(|check| check.over(content)).unwrap_or_default());
                frame.extend(&self.ends_with);
            }
        }
        frame
    }
}

/// A check over a frame; it stands last.
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

    /// The bytes that belong behind `body`.
    pub(crate) fn over(self, body: &[u8]) -> Vec<u8> {
        let sum = body.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        match self {
            Self::MinusSum7 => vec![sum.wrapping_neg() & 0x7F],
            Self::MinusSum8 => vec![sum.wrapping_neg()],
            Self::Sum8 => vec![sum],
            Self::Xor => vec![body.iter().fold(0, |all, byte| all ^ byte)],
            Self::Crc16 => crate::crc16(body).to_le_bytes().to_vec(),
        }
    }
}

/// What came out of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cut {
    /// A frame: what stands between its delimiters, and all its bytes.
    Frame { content: Vec<u8>, raw: Vec<u8> },
    /// It has the shape of a frame, but its check fails or its start is missing.
    Damaged(Vec<u8>),
    /// Bytes that belong to no frame.
    Noise(Vec<u8>),
}

/// Longer than any line of an instrument; what is longer has lost its end.
pub(crate) const LONGEST: usize = 512;

/// Cuts a stream of bytes into frames.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cutter {
    raw: Vec<u8>,
    noise: Vec<u8>,
}

impl Cutter {
    pub(crate) fn push(&mut self, framing: &Framing, byte: u8, out: &mut Vec<Cut>) {
        self.raw.push(byte);
        if framing.length.is_some() {
            self.fixed(framing, out);
        } else {
            self.delimited(framing, out);
        }
    }

    pub(crate) fn clear(&mut self) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.noise);
        all.append(&mut self.raw);
        all
    }

    fn seen(&self, framing: &Framing) -> Vec<u8> {
        let mask = if framing.seven_bits { 0x7F } else { 0xFF };
        self.raw.iter().map(|byte| byte & mask).collect()
    }

    fn delimited(&mut self, framing: &Framing, out: &mut Vec<Cut>) {
        // NUL between frames is the filler of old printers; inside a line it would be damage, and no line has it
        if self.raw == [0] {
            self.raw.clear();
            return;
        }
        let seen = self.seen(framing);
        if framing.or_exactly.contains(&seen) {
            let raw = std::mem::take(&mut self.raw);
            out.push(Cut::Frame { content: seen, raw });
            return;
        }
        if seen.ends_with(&framing.ends_with) {
            self.ended(framing, &seen, out);
        } else if self.raw.len() > LONGEST {
            out.push(Cut::Noise(std::mem::take(&mut self.raw)));
        }
    }

    fn ended(&mut self, framing: &Framing, seen: &[u8], out: &mut Vec<Cut>) {
        let mut raw = std::mem::take(&mut self.raw);
        let body = seen.len() - framing.ends_with.len();
        let start = if framing.starts_with.is_empty() {
            0
        } else {
            match (0..body)
                .rev()
                .find(|at| seen[*at..body].starts_with(&framing.starts_with))
            {
                Some(at) => at,
                // Cardinal puts its end mark in front: a delimiter alone is no frame
                None if body == 0 => {
                    self.noise.append(&mut raw);
                    return;
                }
                None => return out.push(Cut::Damaged(raw)),
            }
        };
        if start > 0 {
            out.push(Cut::Noise(raw.drain(..start).collect()));
        }
        let content = &seen[start + framing.starts_with.len()..body];
        if framing.starts_with.is_empty() && content.is_empty() {
            return; // an empty line says nothing
        }
        match framing.check {
            None => out.push(Cut::Frame {
                content: content.to_vec(),
                raw,
            }),
            Some(check) => {
                let (body, sent) = content.split_at(content.len().saturating_sub(check.len()));
                if check.over(body) == sent {
                    out.push(Cut::Frame {
                        content: body.to_vec(),
                        raw,
                    });
                } else {
                    out.push(Cut::Damaged(raw));
                }
            }
        }
    }

    /// Fixed length: a delimiter may occur inside, even as the check, so length decides and not the delimiter.
    fn fixed(&mut self, framing: &Framing, out: &mut Vec<Cut>) {
        let length = framing.length.unwrap_or(1);
        loop {
            let seen = self.seen(framing);
            let start = (0..seen.len())
                .find(|at| begins(&seen[*at..], &framing.starts_with))
                .unwrap_or(seen.len());
            self.noise.extend(self.raw.drain(..start));
            if self.noise.len() > LONGEST {
                out.push(Cut::Noise(std::mem::take(&mut self.noise)));
            }
            if self.raw.len() < length {
                return;
            }
            let frame = &seen[start..start + length];
            let checked = framing.check.map_or(0, Check::len);
            let end = length - checked - framing.ends_with.len();
            let shaped = frame[end..].starts_with(&framing.ends_with);
            let sound = framing.check.is_none_or(|check| {
                let sum = check.over(&frame[..length - checked]);
                sum == frame[length - checked..]
            });
            if shaped && sound {
                if !self.noise.is_empty() {
                    out.push(Cut::Noise(std::mem::take(&mut self.noise)));
                }
                let content = frame[framing.starts_with.len()..end].to_vec();
                out.push(Cut::Frame {
                    content,
                    raw: self.raw.drain(..length).collect(),
                });
            } else {
                if shaped {
                    out.push(Cut::Damaged(self.raw[..length].to_vec()));
                }
                self.noise.extend(self.raw.drain(..1));
            }
        }
    }
}

/// Whether these bytes begin a frame, as far as they go.
fn begins(bytes: &[u8], start: &[u8]) -> bool {
    let known = bytes.len().min(start.len());
    bytes[..known] == start[..known]
}
