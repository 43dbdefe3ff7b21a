//! Modbus TCP frames, cut and matched by their transaction number, for one whole connection.
//!
//! The number is the link's own and rises over everything asked on the connection, so the answer of one
//! instrument behind a gateway can never pass for that of another, however late it comes. A header that
//! cannot be one means that the stream lost its beat: from there on nothing on it may be believed.

/// One connection's beat.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    buffer: Vec<u8>,
    last: u16,
    held: Option<Vec<u8>>,
    /// Frames in a row that were not the awaited one.
    strangers: usize,
}

/// What the stream gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// A frame with the number asked last, as it came.
    Answer(Vec<u8>),
    /// A whole frame with another number: late, or nobody's.
    Late(Vec<u8>),
    /// The stream cannot be trusted any more.
    Broken(Vec<u8>),
}

impl Numbered {
    /// A new connection: what was half heard belongs to the old one. Numbers go on rising.
    pub(super) fn reopened(&mut self) {
        self.buffer.clear();
        self.held = None;
    }

    /// Puts the next number into a question.
    pub(super) fn number(&mut self, question: &mut [u8]) {
        self.last = self.last.wrapping_add(1);
        if let Some(place) = question.get_mut(..2) {
            place.copy_from_slice(&self.last.to_be_bytes());
        }
    }

    /// No answer is awaited: the next frame with the last number is late as well.
    pub(super) fn forget(&mut self) {
        self.last = self.last.wrapping_add(1);
        self.held = None;
    }

    /// Cuts what has arrived. An answer with the beginning of something behind it is held until that
    /// has proved to be a frame: otherwise the two may have run into each other, and neither is believed.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Vec<Cut> {
        self.buffer.extend_from_slice(bytes);
        let mut cuts = Vec::new();
        while let Some(length) = frame_length(&self.buffer) {
            let Ok(length) = length else {
                cuts.clear();
                self.held = None;
                cuts.push(Cut::Broken(std::mem::take(&mut self.buffer)));
                return cuts;
            };
            if self.buffer.len() < length {
                break;
            }
            let frame: Vec<u8> = self.buffer.drain(..length).collect();
            let number = u16::from_be_bytes([frame[0], frame[1]]);
            if number != self.last {
                self.strangers += 1;
                cuts.push(Cut::Late(frame));
                if self.strangers > FLOOD {
                    self.strangers = 0;
                    cuts.push(Cut::Broken(std::mem::take(&mut self.buffer)));
                    return cuts;
                }
            } else if self.held.is_none() {
                self.held = Some(frame);
            }
        }
        if self.buffer.is_empty() {
            if self.held.is_some() {
                self.strangers = 0;
            }
            cuts.extend(self.held.take().map(Cut::Answer));
        }
        cuts
    }
}

/// So many frames in a row that nobody waits for are no answers that came late.
const FLOOD: usize = 100;

/// How long the first frame is, as soon as that can be known; `Err` where it cannot be a frame.
fn frame_length(buffer: &[u8]) -> Option<Result<usize, ()>> {
    let protocol_wrong = buffer.iter().skip(2).take(2).any(|byte| *byte != 0);
    if protocol_wrong {
        return Some(Err(()));
    }
    let length = usize::from(u16::from_be_bytes([*buffer.get(4)?, *buffer.get(5)?]));
    // unit id, function and at least one byte; at most what a Modbus PDU holds
    Some(if (3..=254).contains(&length) {
        Ok(6 + length)
    } else {
        Err(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u16, pdu: &[u8]) -> Vec<u8> {
        let mut frame = number.to_be_bytes().to_vec();
        frame.extend([0, 0, 0, pdu.len() as u8]);
        frame.extend(pdu);
        frame
    }

    fn asked(times: u16) -> Numbered {
        let mut stream = Numbered::default();
        for _ in 0..times {
            stream.number(&mut [0; 12]);
        }
        stream
    }

    #[test]
    fn a_late_answer_is_told_from_the_right_one_in_any_chunking() {
        let (late, right) = (frame(1, &[1, 3, 2, 0, 7]), frame(2, &[1, 3, 2, 0, 9]));
        let both = [late.clone(), right.clone()].concat();
        for cut in 0..both.len() {
            let mut stream = asked(2);
            let mut cuts = stream.hear(&both[..cut]);
            cuts.extend(stream.hear(&both[cut..]));
            assert_eq!(
                cuts,
                vec![Cut::Late(late.clone()), Cut::Answer(right.clone())],
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn after_a_timeout_even_the_last_number_is_late() {
        let mut stream = asked(1);
        stream.forget();
        assert_eq!(
            stream.hear(&frame(1, &[1, 3, 2, 0, 7])),
            vec![Cut::Late(frame(1, &[1, 3, 2, 0, 7]))]
        );
    }

    #[test]
    fn an_answer_waits_for_what_is_glued_behind_it() {
        let (right, late) = (frame(2, &[1, 3, 2, 0, 9]), frame(1, &[1, 3, 2, 0, 7]));
        let mut stream = asked(2);
        assert_eq!(stream.hear(&[&right[..], &late[..5]].concat()), vec![]);
        assert_eq!(stream.hear(&late[5..]), vec![Cut::Late(late), Cut::Answer(right)]);
    }

    #[test]
    fn a_frame_cut_short_takes_the_stream_with_it() {
        let mut short = frame(2, &[1, 3, 2, 0, 9]);
        short.truncate(9);
        let heard = [short, frame(1, &[1, 3, 2, 0, 7])].concat();
        assert!(matches!(asked(2).hear(&heard)[..], [Cut::Broken(_)]));
        assert!(matches!(asked(1).hear(b"HTTP/1.1 400 Bad")[..], [Cut::Broken(_)]));
    }
}
