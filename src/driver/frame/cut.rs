//! Cuts a stream of bytes into frames, byte by byte.

use super::{Ends, Framing, LONGEST, LengthInside, begins, check::Stands, inside::Promise};

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

/// What has come and is no frame yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cutter {
    raw: Vec<u8>,
    noise: Vec<u8>,
    /// What lies here begins where a sound frame ended.
    in_step: bool,
}

impl Cutter {
    pub(crate) fn push(&mut self, framing: &Framing, byte: u8, out: &mut Vec<Cut>) {
        self.raw.push(byte);
        match framing.ends {
            Ends::Mark => self.marked(framing, out),
            Ends::Length(length) => self.fixed(framing, length, out),
            Ends::Inside(length) => self.inside(framing, length, out),
            Ends::Silence(_) => self.gathered(out),
        }
    }

    /// The line was quiet for as long as ends a frame.
    pub(crate) fn quiet(&mut self, framing: &Framing, out: &mut Vec<Cut>) {
        if !matches!(framing.ends, Ends::Silence(_)) || self.raw.is_empty() {
            return;
        }
        let seen = self.seen(framing);
        let raw = std::mem::take(&mut self.raw);
        if framing.or_exactly.contains(&seen) {
            out.push(Cut::Frame { content: seen, raw });
            return;
        }
        // what ran into a frame from before stands in front of it
        let found = (0..seen.len()).find_map(|at| Some((at, framing.opened(&seen[at..])?)));
        let found = found.filter(|(at, _)| *at == 0 || !framing.starts_with.is_empty());
        match found {
            Some((at, content)) => {
                if at > 0 {
                    out.push(Cut::Noise(raw[..at].to_vec()));
                }
                out.push(Cut::Frame {
                    content: content.to_vec(),
                    raw: raw[at..].to_vec(),
                });
            }
            None => out.push(Cut::Damaged(raw)),
        }
    }

    /// Whether something lies here that a pause would end.
    pub(crate) fn is_under_way(&self) -> bool {
        !self.raw.is_empty()
    }

    pub(crate) fn clear(&mut self) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.noise);
        all.append(&mut self.raw);
        self.in_step = false;
        all
    }

    fn seen(&self, framing: &Framing) -> Vec<u8> {
        let mask = if framing.seven_bits { 0x7F } else { 0xFF };
        self.raw.iter().map(|byte| byte & mask).collect()
    }

    // ------------------------------------------------------------ an end mark

    fn marked(&mut self, framing: &Framing, out: &mut Vec<Cut>) {
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
        let behind = match framing.check {
            Some(check) if check.stands == Stands::BehindTheEnd => check.len(),
            _ => 0,
        };
        let end = seen.len().saturating_sub(behind);
        if seen[..end].ends_with(&framing.ends_with) {
            self.ended(framing, &seen, end - framing.ends_with.len(), out);
        } else if self.raw.len() > LONGEST {
            out.push(Cut::Noise(std::mem::take(&mut self.raw)));
        }
    }

    /// `body` is where the end mark begins.
    fn ended(&mut self, framing: &Framing, seen: &[u8], body: usize, out: &mut Vec<Cut>) {
        let mut raw = std::mem::take(&mut self.raw);
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
        if framing.starts_with.is_empty() && body == start {
            return; // an empty line says nothing
        }
        out.push(match framing.opened(&seen[start..]) {
            Some(content) => Cut::Frame {
                content: content.to_vec(),
                raw,
            },
            None => Cut::Damaged(raw),
        });
    }

    // ------------------------------------------------------------ a length

    /// Fixed length: a delimiter may occur inside, even as the check, so length decides and not the delimiter.
    fn fixed(&mut self, framing: &Framing, length: usize, out: &mut Vec<Cut>) {
        loop {
            let seen = self.seen(framing);
            let start = self.skipped(framing, &seen, out);
            if self.raw.len() < length {
                return;
            }
            let frame = &seen[start..start + length];
            if let Some(content) = framing.opened(frame) {
                self.frame(content.to_vec(), length, out);
            } else {
                if framing.shaped(frame) {
                    out.push(Cut::Damaged(self.raw[..length].to_vec()));
                }
                self.noise.extend(self.raw.drain(..1));
            }
        }
    }

    /// The length stands inside. Behind a sound frame the next one is believed about its length; after anything
    /// else every byte that could begin a frame is tried, so that a damaged length does not swallow what follows.
    fn inside(&mut self, framing: &Framing, length: LengthInside, out: &mut Vec<Cut>) {
        loop {
            let seen = self.seen(framing);
            let skipped = self.skipped(framing, &seen, out);
            if skipped > 0 {
                self.in_step = false;
            }
            let seen = &seen[skipped..];
            let starts = (0..seen.len()).filter(|at| begins(&seen[*at..], &framing.starts_with));
            let behind = framing.least() - framing.starts_with.len();
            let mut found = None;
            for at in starts {
                match length.promise(&seen[at..], behind) {
                    Promise::Whole(whole) if at + whole <= seen.len() => {
                        let content = framing.opened(&seen[at..at + whole]);
                        found = content.map(|content| (at, whole, Some(content.to_vec())));
                        if at == 0 && found.is_none() {
                            found = Some((0, whole, None));
                        }
                    }
                    Promise::None if at == 0 => found = Some((0, 0, None)),
                    _ if at == 0 && self.in_step => return,
                    _ => {}
                }
                if found.is_some() {
                    break;
                }
            }
            match found {
                None => return,
                Some((at, whole, Some(content))) => {
                    self.noise.extend(self.raw.drain(..at));
                    self.frame(content, whole, out);
                }
                Some((_, whole, None)) => {
                    if whole > 0 && self.noise.is_empty() {
                        out.push(Cut::Damaged(self.raw[..whole].to_vec()));
                    }
                    self.noise.extend(self.raw.drain(..1));
                    self.in_step = false;
                }
            }
        }
    }

    /// Puts aside what cannot begin a frame, and says how much that was.
    fn skipped(&mut self, framing: &Framing, seen: &[u8], out: &mut Vec<Cut>) -> usize {
        let start = (0..seen.len())
            .find(|at| begins(&seen[*at..], &framing.starts_with))
            .unwrap_or(seen.len());
        self.noise.extend(self.raw.drain(..start));
        if self.noise.len() > LONGEST {
            out.push(Cut::Noise(std::mem::take(&mut self.noise)));
        }
        start
    }

    fn frame(&mut self, content: Vec<u8>, length: usize, out: &mut Vec<Cut>) {
        if !self.noise.is_empty() {
            out.push(Cut::Noise(std::mem::take(&mut self.noise)));
        }
        let raw = self.raw.drain(..length).collect();
        out.push(Cut::Frame { content, raw });
        self.in_step = true;
    }

    // ------------------------------------------------------------ a pause

    /// Only time tells where such a frame ends. What is longer than any frame has lost its pause.
    fn gathered(&mut self, out: &mut Vec<Cut>) {
        if self.raw.len() > LONGEST {
            out.push(Cut::Noise(std::mem::take(&mut self.raw)));
        }
    }
}
