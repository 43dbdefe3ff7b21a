//! Where one frame ends and the next begins. Bytes go in one at a time, so that any chunking of the
//! same bytes gives the same frames; after garbage the next whole frame is found.

mod check;
mod cut;
mod inside;
#[cfg(test)]
mod tests;

pub(crate) use check::{Check, Checked, Covers, Stands, Written};
pub(crate) use cut::{Cut, Cutter};
pub(crate) use inside::{LengthInside, LengthIs};

use std::time::Duration;

/// How frames are told apart on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Framing {
    pub(crate) starts_with: Vec<u8>,
    pub(crate) ends_with: Vec<u8>,
    /// Put behind every question.
    pub(crate) sends_with: Vec<u8>,
    pub(crate) ends: Ends,
    pub(crate) check: Option<Checked>,
    /// The eighth bit is parity or nothing.
    pub(crate) seven_bits: bool,
    /// Whole frames that follow no other rule.
    pub(crate) or_exactly: Vec<Vec<u8>>,
}

/// What decides that a frame is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    /// The bytes behind it.
    Mark,
    /// So many bytes in all.
    Length(usize),
    /// A number inside says how many.
    Inside(LengthInside),
    /// Nothing came for so long.
    Silence(Duration),
}

/// Longer than any line of an instrument; what is longer has lost its end.
pub(crate) const LONGEST: usize = 512;

impl Framing {
    /// Lines, and nothing special about them.
    pub(crate) fn plain() -> Self {
        Self {
            starts_with: Vec::new(),
            ends_with: b"\r\n".to_vec(),
            sends_with: Vec::new(),
            ends: Ends::Mark,
            check: None,
            seven_bits: false,
            or_exactly: Vec::new(),
        }
    }

    /// A frame around this content, as the instrument would send it.
    pub(crate) fn wrap(&self, content: &[u8]) -> Vec<u8> {
        if self.or_exactly.iter().any(|whole| whole == content) {
            return content.to_vec();
        }
        let sum = self
            .check
            .map(|check| check.over(&self.starts_with, content, &self.ends_with))
            .unwrap_or_default();
        let mut frame = [self.starts_with.as_slice(), content].concat();
        match self.check {
            Some(check) if check.stands == Stands::BehindTheEnd => {
                frame.extend(&self.ends_with);
                frame.extend(sum);
            }
            _ => {
                frame.extend(sum);
                frame.extend(&self.ends_with);
            }
        }
        if let Ends::Inside(length) = self.ends {
            length.write(&mut frame);
            self.seal_again(&mut frame);
        }
        frame
    }

    /// The length was put in after the check was made; where the check covers it, it must be made again.
    fn seal_again(&self, frame: &mut [u8]) {
        let Some(check) = self.check else { return };
        let sums = check.len();
        let content = self.starts_with.len()..frame.len() - sums - self.ends_with.len();
        let sum = check.over(&self.starts_with, &frame[content.clone()], &self.ends_with);
        let at = match check.stands {
            Stands::BehindTheEnd => frame.len() - sums,
            Stands::BeforeTheEnd => content.end,
        };
        frame[at..at + sums].copy_from_slice(&sum);
    }

    /// The content of a whole frame; `None` when it does not end as it should or its check fails.
    pub(crate) fn opened<'f>(&self, frame: &'f [u8]) -> Option<&'f [u8]> {
        let body = frame.strip_prefix(self.starts_with.as_slice())?;
        let Some(check) = self.check else {
            return body.strip_suffix(self.ends_with.as_slice());
        };
        let (content, sent) = match check.stands {
            Stands::BehindTheEnd => {
                let (body, sent) = body.split_at_checked(body.len().checked_sub(check.len())?)?;
                (body.strip_suffix(self.ends_with.as_slice())?, sent)
            }
            Stands::BeforeTheEnd => {
                let body = body.strip_suffix(self.ends_with.as_slice())?;
                body.split_at_checked(body.len().checked_sub(check.len())?)?
            }
        };
        check
            .holds(&self.starts_with, content, &self.ends_with, sent)
            .then_some(content)
    }

    /// Bytes of a frame that says nothing.
    pub(crate) fn least(&self) -> usize {
        self.starts_with.len() + self.ends_with.len() + self.check.map_or(0, Checked::len)
    }

    /// Whether a frame of these bytes ends as it should, whatever its check says.
    pub(crate) fn shaped(&self, frame: &[u8]) -> bool {
        let behind = match self.check {
            Some(check) if check.stands == Stands::BehindTheEnd => check.len(),
            _ => 0,
        };
        let end = frame.len().saturating_sub(behind);
        frame.starts_with(&self.starts_with) && frame[..end].ends_with(&self.ends_with)
    }
}

/// Whether these bytes begin a frame, as far as they go.
pub(crate) fn begins(bytes: &[u8], start: &[u8]) -> bool {
    let known = bytes.len().min(start.len());
    bytes[..known] == start[..known]
}
