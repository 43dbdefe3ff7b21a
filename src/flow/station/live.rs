//! One scale as it is heard: its last readings, whether it is still, and which of them may be captured.
//!
//! Still means: it says so itself and shows the same for 0.8 s; or, where the plant allows it for a scale that cannot
//! say so, at least five different readings over at least 2 s lie within one division.

use crate::{
    config::station::{Scale, Stability},
    flow::{line::Reading, prints},
};
use record::{Answer, Stamp, Unit, Value};
use rust_decimal::Decimal;
use std::collections::VecDeque;

/// How long a scale has to show the same.
pub const HELD_MS: i64 = 800;
/// Older than this, a reading is not captured and its number is not shown.
pub const FRESH_MS: i64 = 1000;
/// Where stability is inferred: how many readings over how long.
const INFERRED: (usize, i64) = (5, 2000);
/// What is kept in mind of a scale.
const KEPT_MS: i64 = 4000;
const KEPT: usize = 256;
/// The reason every driver gives for a moving weight.
const MOVING: &str = "not settled";

/// What a scale showed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub number: u64,
    /// By the clock that only runs forward.
    pub at_ms: i64,
    pub time: Stamp,
    pub shows: Shows,
    pub raw: Vec<u8>,
    used: bool,
}

/// What it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shows {
    /// A weight with the digits of the display, in the unit of the scale.
    Weight {
        number: Decimal,
        text: String,
        stable: bool,
    },
    /// A weight in another unit than the scale's: somebody changed it there.
    OtherUnit(Unit),
    Doubtful(String),
    Bad(String),
}

/// Whether a scale is still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Still {
    No,
    /// Long enough to be captured; `inferred` where the scale did not say so itself.
    Yes {
        inferred: bool,
    },
}

/// Why a reading cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// Nothing has this number, or it is not kept any more.
    Unknown,
    TooOld {
        age_ms: i64,
    },
    Moving,
    Superseded,
    /// A print counts once.
    Used,
    OtherUnit(Unit),
    Doubtful(String),
    Bad(String),
}

/// A reading that may be captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub number: u64,
    pub time: Stamp,
    pub weight: Decimal,
    pub text: String,
    pub raw: Vec<u8>,
    pub inferred: bool,
    pub printed: bool,
    pub age_ms: i64,
}

/// One scale.
#[derive(Debug, Clone)]
pub struct Live {
    unit: Unit,
    stability: Stability,
    pub printed: bool,
    number: u64,
    seen: VecDeque<Seen>,
    /// Its own tare and gross, where they are read: value and when.
    pub device_tare: Option<(Decimal, i64)>,
    pub gross: Option<(Decimal, i64)>,
    /// It stopped answering.
    pub silent: bool,
}

impl Live {
    pub fn new(scale: &Scale) -> Self {
        Self {
            unit: scale.unit(),
            stability: scale.stability,
            printed: scale.printed,
            number: 0,
            seen: VecDeque::new(),
            device_tare: None,
            gross: None,
            silent: false,
        }
    }

    /// It showed something.
    pub fn hear(&mut self, reading: &Reading, at_ms: i64) {
        self.silent = false;
        self.number += 1;
        let shows = match &reading.answer {
            Answer::Good(value) => self.weight(value, true),
            Answer::Uncertain(value, because) if because == MOVING => self.weight(value, false),
            Answer::Uncertain(_, because) => Shows::Doubtful(because.clone()),
            Answer::Bad(because) => Shows::Bad(because.clone()),
        };
        self.seen.push_back(Seen {
            number: self.number,
            at_ms,
            time: reading.time,
            shows,
            raw: reading.raw.clone(),
            used: false,
        });
        while self.seen.len() > KEPT
            || self.seen.len() > 1
                && self
                    .seen
                    .front()
                    .is_some_and(|seen| !self.printed && at_ms - seen.at_ms > KEPT_MS)
        {
            self.seen.pop_front();
        }
    }

    /// Another point of the same scale: its tare, or its gross.
    pub fn hear_beside(&self, reading: &Reading) -> Option<Decimal> {
        match &reading.answer {
            Answer::Good(Value::Quantity(quantity)) => quantity.number_in(self.unit),
            _ => None,
        }
    }

    fn weight(&self, value: &Value, stable: bool) -> Shows {
        match value {
            Value::Quantity(quantity) if quantity.unit == self.unit => Shows::Weight {
                number: quantity.amount.number(),
                text: quantity.amount.to_string(),
                stable,
            },
            Value::Quantity(quantity) => Shows::OtherUnit(quantity.unit),
            Value::Text(text) => Shows::Bad(text.clone()),
        }
    }

    /// The last reading, while it is young enough to be looked at.
    pub fn now(&self, now_ms: i64) -> Option<&Seen> {
        let most = if self.printed {
            prints::COUNTS_FOR_MS
        } else {
            FRESH_MS
        };
        self.seen
            .back()
            .filter(|seen| now_ms - seen.at_ms <= most && !seen.used)
    }

    pub fn last(&self) -> Option<&Seen> {
        self.seen.back()
    }

    /// Whether it was still at its last reading.
    pub fn still(&self, division: Decimal) -> Still {
        match self.seen.len() {
            0 => Still::No,
            all => self.still_at(all - 1, division),
        }
    }

    /// Whether it was still at one of its readings, looking back from there.
    fn still_at(&self, at: usize, division: Decimal) -> Still {
        let Some(Seen {
            shows: Shows::Weight { number, stable, .. },
            at_ms,
            ..
        }) = self.seen.get(at)
        else {
            return Still::No;
        };
        let flagged = self.stability == Stability::Flag;
        if flagged && !stable {
            return Still::No;
        }
        if self.printed {
            return Still::Yes { inferred: !flagged };
        }
        let (mut low, mut high, mut count, mut since) = (*number, *number, 0, *at_ms);
        for seen in self.seen.range(..=at).rev() {
            let Shows::Weight { number, stable, .. } = &seen.shows else {
                break;
            };
            // A hole in what was heard is no stillness.
            if flagged && !stable || since - seen.at_ms > FRESH_MS {
                break;
            }
            (low, high) = (low.min(*number), high.max(*number));
            if high - low > division {
                break;
            }
            (count, since) = (count + 1, seen.at_ms);
        }
        let held = at_ms - since;
        let enough = match self.stability {
            Stability::Flag => held >= HELD_MS,
            Stability::Inferred => count >= INFERRED.0 && held >= INFERRED.1,
        };
        if enough {
            Still::Yes { inferred: !flagged }
        } else {
            Still::No
        }
    }

    /// Whether the reading of this number may be captured now: still, young, and not superseded by another.
    pub fn take(&mut self, number: u64, division: Decimal, now_ms: i64) -> Result<Taken, NotTaken> {
        let at = self.seen.iter().position(|seen| seen.number == number);
        let at = at.ok_or(NotTaken::Unknown)?;
        let seen = &self.seen[at];
        let age_ms = now_ms - seen.at_ms;
        let most = if self.printed {
            prints::COUNTS_FOR_MS
        } else {
            FRESH_MS
        };
        let (weight, text) = match &seen.shows {
            Shows::Weight { number, text, .. } => (*number, text.clone()),
            Shows::OtherUnit(unit) => return Err(NotTaken::OtherUnit(*unit)),
            Shows::Doubtful(because) => return Err(NotTaken::Doubtful(because.clone())),
            Shows::Bad(because) => return Err(NotTaken::Bad(because.clone())),
        };
        if seen.used {
            return Err(NotTaken::Used);
        }
        if !(0..=most).contains(&age_ms) {
            return Err(NotTaken::TooOld { age_ms });
        }
        let other = |later: &Seen| !matches!(&later.shows, Shows::Weight { number, .. } if *number == weight);
        if self.seen.range(at + 1..).any(other) || self.printed && at + 1 < self.seen.len() {
            return Err(NotTaken::Superseded);
        }
        let Still::Yes { inferred } = self.still_at(at, division) else {
            return Err(NotTaken::Moving);
        };
        // What came after it says the same; where one of those says that it moves, it moves.
        if !self.printed && self.still(division) == Still::No {
            return Err(NotTaken::Moving);
        }
        let (time, raw) = (seen.time, seen.raw.clone());
        self.seen[at].used = self.printed;
        Ok(Taken {
            number,
            time,
            weight,
            text,
            raw,
            inferred,
            printed: self.printed,
            age_ms,
        })
    }

    /// It does not answer any more: nothing it said before is shown or captured.
    pub fn fall_silent(&mut self) {
        self.silent = true;
        self.seen.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::{plant::PointName, station::Division};
    use record::Quantity;

    fn scale(stability: Stability, printed: bool) -> Live {
        Live::new(&Scale {
            point: PointName {
                tag: "WT-1".into(),
                measure: "weight".into(),
            },
            title: String::new(),
            gross: None,
            device_tare: None,
            divisions: vec![Division {
                step: Decimal::ONE,
                up_to: Decimal::from(6200),
            }],
            least: Quantity::read("100 g").unwrap(),
            check_weights: Vec::new(),
            stability,
            printed,
        })
    }

    /// `1000` is stable, `1000~` moves, `1000 kg` has its own unit.
    fn hear(live: &mut Live, said: &str, at: i64) {
        let (said, moving) = said.strip_suffix('~').map_or((said, false), |said| (said, true));
        let text = if said.contains(' ') {
            said.to_owned()
        } else {
            format!("{said} g")
        };
        let value = Value::Quantity(Quantity::read(&text).unwrap());
        let answer = if moving {
            Answer::Uncertain(value, MOVING.into())
        } else {
            Answer::Good(value)
        };
        let reading = Reading {
            point: PointName {
                tag: "WT-1".into(),
                measure: "weight".into(),
            },
            answer,
            raw: Vec::new(),
            time: Stamp(at),
            read: Stamp(at),
            origin: None,
        };
        live.hear(&reading, at);
    }

    fn play(live: &mut Live, said: &[&str], every: i64) -> i64 {
        for (at, said) in said.iter().enumerate() {
            hear(live, said, at as i64 * every);
        }
        (said.len() as i64 - 1) * every
    }

    #[test]
    fn a_weight_is_still_after_it_was_held_for_eight_tenths_of_a_second() {
        for (said, still) in [
            (
                &["500", "500", "500", "500", "500", "500", "500", "500"][..],
                false,
            ),
            (
                &["500", "500", "500", "500", "500", "500", "500", "500", "500"][..],
                true,
            ),
            (
                &["500", "500", "500", "500", "500~", "500", "500", "500", "500"][..],
                false,
            ),
            (
                &["498", "499", "500", "501", "500", "500", "500", "500", "500"][..],
                false,
            ),
            (
                &["500", "501", "500", "501", "500", "501", "500", "501", "500"][..],
                true,
            ),
            (
                &["500", "500", "500", "500", "500", "500", "500", "500", "500 kg"][..],
                false,
            ),
        ] {
            let mut live = scale(Stability::Flag, false);
            play(&mut live, said, 100);
            assert_eq!(live.still(Decimal::ONE) != Still::No, still, "{said:?}");
        }
    }

    #[test]
    fn stillness_that_is_inferred_takes_five_readings_over_two_seconds() {
        let mut live = scale(Stability::Inferred, false);
        play(&mut live, &["500", "500~", "501", "500"], 600);
        assert_eq!(live.still(Decimal::ONE), Still::No);
        hear(&mut live, "500", 2400);
        assert_eq!(live.still(Decimal::ONE), Still::Yes { inferred: true });
        hear(&mut live, "502", 2500);
        assert_eq!(live.still(Decimal::ONE), Still::No);
    }

    #[test]
    fn a_hole_between_two_readings_is_no_stillness() {
        let mut live = scale(Stability::Flag, false);
        hear(&mut live, "500", 0);
        hear(&mut live, "500", 1500);
        assert_eq!(live.still(Decimal::ONE), Still::No);
        hear(&mut live, "500", 2300);
        assert_ne!(live.still(Decimal::ONE), Still::No);
    }

    #[test]
    fn a_capture_names_a_reading_and_that_one_alone() {
        let mut live = scale(Stability::Flag, false);
        let end = play(&mut live, &["500"; 10], 100);
        assert_eq!(live.take(99, Decimal::ONE, end), Err(NotTaken::Unknown));
        assert_eq!(live.take(3, Decimal::ONE, end), Err(NotTaken::Moving));
        assert_eq!(live.take(10, Decimal::ONE, end + 50).unwrap().text, "500");
        assert_eq!(
            live.take(10, Decimal::ONE, end + 1001),
            Err(NotTaken::TooOld { age_ms: 1001 })
        );
        hear(&mut live, "500", end + 100);
        assert!(
            live.take(10, Decimal::ONE, end + 150).is_ok(),
            "another that says the same"
        );
        hear(&mut live, "501", end + 200);
        assert_eq!(live.take(10, Decimal::ONE, end + 250), Err(NotTaken::Superseded));
        hear(&mut live, "501~", end + 300);
        assert_eq!(live.take(12, Decimal::ONE, end + 350), Err(NotTaken::Moving));
    }

    #[test]
    fn a_print_is_one_candidate_once_within_its_time() {
        let mut live = scale(Stability::Flag, true);
        hear(&mut live, "500", 0);
        assert_eq!(
            live.take(1, Decimal::ONE, prints::COUNTS_FOR_MS + 1),
            Err(NotTaken::TooOld {
                age_ms: prints::COUNTS_FOR_MS + 1
            })
        );
        assert!(live.take(1, Decimal::ONE, 60_000).unwrap().printed);
        assert_eq!(live.take(1, Decimal::ONE, 60_001), Err(NotTaken::Used));
        hear(&mut live, "500", 70_000);
        hear(&mut live, "502", 71_000);
        assert_eq!(live.take(2, Decimal::ONE, 71_100), Err(NotTaken::Superseded));
        assert!(live.take(3, Decimal::ONE, 71_200).is_ok());
    }

    #[test]
    fn a_scale_that_fell_silent_has_no_number_to_show() {
        let mut live = scale(Stability::Flag, false);
        let end = play(&mut live, &["500"; 10], 100);
        assert!(live.now(end + 900).is_some());
        assert!(live.now(end + 1100).is_none());
        live.fall_silent();
        assert!(live.now(end).is_none());
    }
}
