//! When what is asked: fixed slots without drift, fair between the instruments of one line, with a
//! budget for those that are silent, so that a dead one never slows the others.

use std::time::Duration;

/// Slots of one question: `start + n * period`, whatever happens in between.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    period: Duration,
    due: Duration,
}

impl Slots {
    pub(super) fn new(period: Duration, first: Duration) -> Self {
        Self {
            period: period.max(SHORTEST),
            due: first,
        }
    }

    pub(super) fn due(&self) -> Duration {
        self.due
    }

    /// Moves the slots, so that the next one is then.
    pub(super) fn again_at(&mut self, due: Duration) {
        self.due = due;
    }

    /// Takes the slot that is due and moves on to the first one after `now`. Says how many were
    /// missed on the way: they are counted, never caught up.
    pub(super) fn take(&mut self, now: Duration) -> u64 {
        let behind = now.saturating_sub(self.due);
        let missed = (behind.as_nanos() / self.period.as_nanos()) as u64;
        self.due += self.period * (missed as u32).saturating_add(1);
        missed
    }
}

const SHORTEST: Duration = Duration::from_millis(1);

/// Waiting times that double from one failure to the next, each a little random, so that instruments
/// behind one switch do not all come back in the same millisecond.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    least: Duration,
    most: Duration,
    failures: u32,
    seed: u64,
}

impl Backoff {
    pub(super) fn new(least: Duration, most: Duration, seed: u64) -> Self {
        Self {
            least,
            most,
            failures: 0,
            seed,
        }
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// How long to wait now: never longer than `most`, never shorter than three quarters of its step.
    pub(super) fn failed(&mut self) -> Duration {
        let step = self
            .least
            .saturating_mul(1 << self.failures.min(16))
            .min(self.most);
        self.failures = self.failures.saturating_add(1);
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed ^= mixed >> 31;
        step.saturating_sub(step / 4 * (mixed % 1024) as u32 / 1024)
    }
}

/// How much of a line's time may go to instruments that do not answer.
///
/// A failed probe blocks the line for its whole waiting time. It may take an eighth of what the living
/// leave free, and one part in 40 where they leave nothing: the living keep at least 97 % of their rate.
#[derive(Debug, Clone, Default)]
pub(super) struct Budget {
    /// Share of the line's time the living used lately, 0 to 1.
    busy: f64,
    seen_until: Duration,
    again_at: Duration,
}

impl Budget {
    /// The living used the line from `from` to `until`.
    pub(super) fn used(&mut self, from: Duration, until: Duration) {
        let whole = until.saturating_sub(self.seen_until).as_secs_f64();
        let used = until.saturating_sub(from).as_secs_f64();
        if whole > 0.0 {
            // a mean over about five seconds
            let weight = (whole / 5.0).min(1.0);
            self.busy += weight * ((used / whole).min(1.0) - self.busy);
            self.seen_until = until;
        }
    }

    /// A probe cost so much.
    pub(super) fn spent(&mut self, now: Duration, cost: Duration) {
        let share = ((1.0 - self.busy) / 8.0).max(1.0 / 40.0);
        self.again_at = now + cost.div_f64(share);
    }

    pub(super) fn again_at(&self) -> Duration {
        self.again_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn slots_do_not_drift_and_missed_ones_are_counted_not_caught_up() {
        let mut slots = Slots::new(ms(100), ms(1000));
        assert_eq!((slots.take(ms(1007)), slots.due()), (0, ms(1100)));
        assert_eq!((slots.take(ms(1100)), slots.due()), (0, ms(1200)));
        assert_eq!((slots.take(ms(1555)), slots.due()), (3, ms(1600)));
    }

    #[test]
    fn waiting_doubles_up_to_its_most_and_starts_again_after_success() {
        let mut backoff = Backoff::new(ms(200), ms(5000), 7);
        for step in [200, 400, 800, 1600, 3200, 5000, 5000] {
            let wait = backoff.failed();
            assert!(wait <= ms(step) && wait >= ms(step * 3 / 4), "{wait:?} at {step}");
        }
        backoff.succeeded();
        assert!(backoff.failed() <= ms(200));
    }

    #[test]
    fn a_busy_line_spends_one_part_in_forty_on_the_dead() {
        let mut budget = Budget::default();
        for second in 0..60 {
            budget.used(ms(second * 1000), ms(second * 1000 + 1000));
        }
        budget.spent(ms(60_000), ms(300));
        let wait = budget.again_at().saturating_sub(ms(60_000));
        assert!(wait > ms(11_500) && wait <= ms(12_000), "{wait:?}");
    }
}
