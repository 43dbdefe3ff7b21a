//! Prints: what a scale says when somebody presses its print key. One print is one candidate: usable once, and
//! only for a while, so that yesterday's paper is never today's weight.

use crate::config::plant::PointName;
use record::{Answer, Stamp};
use std::collections::BTreeMap;

/// How long a print may be used: as long as somebody stands at the scale with it.
pub const COUNTS_FOR_MS: i64 = 120_000;

/// The last print of each point.
#[derive(Debug, Clone, Default)]
pub struct Prints(BTreeMap<PointName, Print>);

/// One print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    pub answer: Answer,
    pub raw: Vec<u8>,
    /// When its last byte came.
    pub time: Stamp,
    used: bool,
}

/// Why there is nothing to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPrint {
    /// Nobody has pressed the key yet.
    Waiting,
    /// The last one has been used.
    Used,
    /// The last one is too old.
    TooOld,
}

impl Prints {
    /// Somebody pressed the key. What was printed before can be used no more: nobody would know which is meant.
    pub fn hear(&mut self, point: PointName, answer: Answer, raw: Vec<u8>, time: Stamp) {
        let print = Print {
            answer,
            raw,
            time,
            used: false,
        };
        self.0.insert(point, print);
    }

    /// Uses the last print, once.
    pub fn take(&mut self, point: &PointName, now: Stamp) -> Result<Print, NoPrint> {
        let print = self.0.get_mut(point).ok_or(NoPrint::Waiting)?;
        if print.used {
            return Err(NoPrint::Used);
        }
        if !counts(print.time, now) {
            return Err(NoPrint::TooOld);
        }
        print.used = true;
        Ok(print.clone())
    }
}

/// Whether a print of then still counts now; one from the future is of another clock and does not.
pub fn counts(time: Stamp, now: Stamp) -> bool {
    (0..=COUNTS_FOR_MS).contains(&now.ms_since(time))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use record::Value;

    fn weight() -> PointName {
        PointName {
            tag: "WT-1".into(),
            measure: "weight".into(),
        }
    }

    fn print(prints: &mut Prints, words: &str, at: i64) {
        let answer = Answer::Good(Value::Text(words.into()));
        prints.hear(weight(), answer, words.as_bytes().to_vec(), Stamp(at));
    }

    #[test]
    fn one_print_is_one_weight() {
        let mut prints = Prints::default();
        assert_eq!(prints.take(&weight(), Stamp(0)), Err(NoPrint::Waiting));
        print(&mut prints, "one", 1000);
        assert_eq!(prints.take(&weight(), Stamp(2000)).unwrap().raw, b"one");
        assert_eq!(prints.take(&weight(), Stamp(2100)), Err(NoPrint::Used));
        print(&mut prints, "two", 3000);
        assert_eq!(prints.take(&weight(), Stamp(3500)).unwrap().raw, b"two");
    }

    #[test]
    fn an_old_print_is_paper() {
        let mut prints = Prints::default();
        print(&mut prints, "one", 0);
        let late = Stamp(COUNTS_FOR_MS + 1);
        assert_eq!(prints.take(&weight(), late), Err(NoPrint::TooOld));
        assert_eq!(prints.take(&weight(), Stamp(-1)), Err(NoPrint::TooOld));
    }
}
