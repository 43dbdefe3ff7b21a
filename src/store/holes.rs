//! When to ask a gateway to send again: a hole that stays is asked for, then less and less often.
//!
//! Pure: holes and the time in, requests out.

use crate::flow::needs::{Hole, PageId};
use std::{collections::HashMap, time::Duration};

/// A page that comes late is no hole yet.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two requests for the same page: at first, and at most.
const ASK_EVERY: Duration = Duration::from_secs(30);
const ASK_AT_LEAST_EVERY: Duration = Duration::from_mins(10);

/// What was asked for, by gateway, ledger and epoch.
#[derive(Debug, Default)]
pub struct Asked(HashMap<(String, String, u64), Patience>);

#[derive(Debug)]
struct Patience {
    from: u64,
    ask_at: Duration,
    wait: Duration,
}

impl Asked {
    /// Forgets when it asked, so that everything missing is asked for at once: after a new connection.
    pub fn afresh(&mut self) {
        for patience in self.0.values_mut() {
            patience.ask_at = Duration::ZERO;
            patience.wait = ASK_EVERY;
        }
    }

    /// The first missing page of each epoch that is to be asked for now. `at_start`: what is missing then
    /// was not just overtaken.
    pub fn next(&mut self, holes: &[Hole], now: Duration, at_start: bool) -> Vec<PageId> {
        let mut first: HashMap<_, &Hole> = HashMap::new();
        for hole in holes {
            let id = &hole.from;
            let place = (id.gateway.clone(), id.ledger.clone(), id.epoch);
            let known = first.entry(place).or_insert(hole);
            if id.page < known.from.page {
                *known = hole;
            }
        }
        self.0.retain(|place, _| first.contains_key(place));
        let mut wanted = Vec::new();
        for (place, hole) in first {
            let fresh = Patience {
                from: hole.from.page,
                ask_at: if at_start { now } else { now + PATIENCE },
                wait: ASK_EVERY,
            };
            let patience = self.0.entry(place).or_insert(fresh);
            if patience.from != hole.from.page {
                // it moves: what was asked for is coming
                *patience = Patience {
                    from: hole.from.page,
                    ask_at: now + ASK_EVERY,
                    wait: ASK_EVERY,
                };
            }
            if now >= patience.ask_at {
                patience.ask_at = now + patience.wait;
                patience.wait = (patience.wait * 2).min(ASK_AT_LEAST_EVERY);
                wanted.push(hole.from.clone());
            }
        }
        wanted.sort();
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hole(from: u64, to: u64) -> Hole {
        let from = PageId {
            gateway: "line-3".into(),
            ledger: "L".into(),
            epoch: 1,
            page: from,
        };
        Hole { from, to }
    }

    fn pages(asked: &[PageId]) -> Vec<u64> {
        asked.iter().map(|id| id.page).collect()
    }

    #[test]
    fn a_page_that_is_only_late_is_never_asked_for() {
        let mut asked = Asked::default();
        assert!(
            asked
                .next(&[hole(7, 7)], Duration::from_secs(100), false)
                .is_empty()
        );
        assert!(
            asked
                .next(&[hole(7, 7)], Duration::from_secs(104), false)
                .is_empty()
        );
        assert!(asked.next(&[], Duration::from_secs(105), false).is_empty());
        assert!(
            asked
                .next(&[hole(9, 9)], Duration::from_secs(106), false)
                .is_empty(),
            "another hole"
        );
    }

    #[test]
    fn a_hole_that_stays_is_asked_for_less_and_less_often() {
        let mut asked = Asked::default();
        let mut times = Vec::new();
        for second in 0..2000 {
            if !asked
                .next(&[hole(7, 8), hole(12, 12)], Duration::from_secs(second), false)
                .is_empty()
            {
                times.push(second);
            }
        }
        assert_eq!(times, [5, 35, 95, 215, 455, 935, 1535]);
    }

    #[test]
    fn what_is_missing_at_start_is_asked_for_at_once_from_the_first_missing_page() {
        let now = Duration::from_secs(50);
        let mut asked = Asked::default();
        assert_eq!(pages(&asked.next(&[hole(12, 12), hole(7, 8)], now, true)), [7]);
        assert!(asked.next(&[hole(7, 8)], now, true).is_empty());
        asked.afresh();
        assert_eq!(
            pages(&asked.next(&[hole(7, 8)], now, false)),
            [7],
            "after a new connection"
        );
    }
}
