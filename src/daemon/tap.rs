//! Listening in: what one equipment answers, byte for byte, for a person at the bench while the gateway goes on.
//!
//! One owner per line stays the rule: the bench asks nothing, it hears what the gateway hears. Nothing is kept
//! unless somebody listens, and never for longer than they do.

use crate::flow::link::Reading;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Who is listened to, and what was heard since it was last asked for.
#[derive(Default)]
pub(crate) struct Tap(Mutex<Option<Open>>);

struct Open {
    tag: String,
    until: Duration,
    heard: VecDeque<Reading>,
    /// All that was heard while somebody listened: what a side-by-side may name.
    all: VecDeque<Reading>,
}

impl Tap {
    /// A reading went by.
    pub(crate) fn hear(&self, reading: &Reading, now: Duration) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *open {
            Some(tap) if tap.until < now => *open = None,
            Some(tap) if tap.tag == reading.point.tag => {
                tap.heard.push_back(reading.clone());
                tap.all.push_back(reading.clone());
                if tap.all.len() > MOST_OF_ALL {
                    tap.all.pop_front();
                }
                if tap.heard.len() > MOST {
                    tap.heard.pop_front();
                }
            }
            _ => {}
        }
    }

    /// What was heard of this equipment since this was asked last. The last who asks is the one who listens.
    pub(crate) fn take(&self, tag: &str, now: Duration) -> Vec<Reading> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (heard, all) = match open.take() {
            Some(tap) if tap.tag == tag && tap.until >= now => (tap.heard.into(), tap.all),
            _ => (Vec::new(), VecDeque::new()),
        };
        *open = Some(Open {
            tag: tag.to_owned(),
            until: now + LISTENS,
            heard: VecDeque::new(),
            all,
        });
        heard
    }

    /// Whether this was heard while somebody listened.
    pub(crate) fn heard(&self, tag: &str, measure: &str, words: &str, time: i64) -> bool {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().is_some_and(|tap| {
            tap.tag == tag
                && tap.all.iter().any(|reading| {
                    reading.point.measure == measure
                        && reading.time.0 == time
                        && reading.answer.to_string() == words
                })
        })
    }
}

/// Readings kept for somebody who asks seldom.
const MOST: usize = 1000;
/// Readings a side-by-side may name: ten minutes of a quick scale.
const MOST_OF_ALL: usize = 8000;
/// Who has not asked for so long has gone.
const LISTENS: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::plant::PointName;
    use record::{Answer, Stamp};

    fn reading(tag: &str, seconds: i64) -> Reading {
        Reading {
            point: PointName {
                tag: tag.into(),
                measure: "weight".into(),
            },
            answer: Answer::Bad("overload".into()),
            failure: None,
            raw: Vec::new(),
            time: Stamp(seconds * 1000),
            asked: Stamp(seconds * 1000),
            origin: None,
        }
    }

    #[test]
    fn nothing_is_kept_unless_somebody_listens() {
        let tap = Tap::default();
        let at = Duration::from_secs;
        tap.hear(&reading("WT-3101", 1), at(1));
        assert!(tap.take("WT-3101", at(2)).is_empty());
        tap.hear(&reading("WT-3101", 3), at(3));
        tap.hear(&reading("TC-3105", 3), at(3));
        assert_eq!(tap.take("WT-3101", at(4)).len(), 1);
        assert!(tap.heard("WT-3101", "weight", "bad: overload", 3_000));
        assert!(
            !tap.heard("WT-3101", "weight", "12.0 g", 3_000),
            "nobody said that"
        );
        assert!(tap.take("WT-3101", at(5)).is_empty(), "each is heard once");
        tap.hear(&reading("WT-3101", 40), at(40));
        assert!(
            tap.take("WT-3101", at(41)).is_empty(),
            "who went away is forgotten"
        );
    }
}
