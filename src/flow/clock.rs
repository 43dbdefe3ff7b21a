//! What is known about the wall clock, and what follows from it. Order never comes from it.
//!
//! Three things tell that it is wrong: the clock that never steps, beside it; the ledger, whose last entry cannot be
//! in the future; and the receipts of the record store, which was reached between sealing and hearing of it. The
//! last bounds the error also where no time server is.

use super::needs::{Clock, Sync, Waiting};
use record::Stamp;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// One look at both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    pub now: Stamp,
    /// By the clock that never steps.
    pub elapsed: Duration,
    pub sync: Sync,
    /// More than this is a step.
    pub may_differ: Duration,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It stepped: by so much, from and to.
    Step { ms: i64, before: Stamp },
    /// It is kept, or no longer kept, by somebody.
    Kept(Sync),
    /// It stands before the last entry, which was sealed by this same clock.
    BehindTheLedger { last: Stamp },
    /// It stands before this program was written: at 1970, mostly.
    BeforeEverything,
    /// The record store's receipts say that it is wrong, by at least so much.
    Differs { ms: i64 },
    /// They no longer say so.
    AgreesAgain,
}

/// What is remembered of the clock.
#[derive(Debug, Default)]
pub struct ClockWatch {
    offset: Option<i64>,
    kept: Option<Sync>,
    implausible: bool,
    receipts: Receipts,
    differs: bool,
}

/// This program did not exist before; a clock that says so was never set.
pub const WRITTEN: Stamp = Stamp(1_767_225_600_000); // 2026-01-01

impl ClockWatch {
    /// The first look of a run: against the last entry of the ledger.
    pub fn start(&mut self, look: Look, last: Option<Stamp>) -> Vec<Finding> {
        let mut findings = self.look(look);
        let behind = last.filter(|last| look.now.plus_ms(look.may_differ.as_millis() as i64) < *last);
        findings.extend(behind.map(|last| Finding::BehindTheLedger { last }));
        findings
    }

    /// To be called many times a second.
    pub fn look(&mut self, look: Look) -> Vec<Finding> {
        let mut findings = Vec::new();
        let offset = look.now.0 - look.elapsed.as_millis() as i64;
        let ms = offset - *self.offset.get_or_insert(offset);
        if ms.abs() > look.may_differ.as_millis() as i64 {
            self.offset = Some(offset);
            // what receipts said was about the clock as it was
            self.receipts = Receipts::default();
            findings.push(Finding::Step {
                ms,
                before: look.now.plus_ms(-ms),
            });
        }
        if self.kept.is_some_and(|was| was != look.sync) {
            findings.push(Finding::Kept(look.sync));
        }
        self.kept = Some(look.sync);
        let implausible = look.now < WRITTEN;
        if implausible && !self.implausible {
            findings.push(Finding::BeforeEverything);
        }
        self.implausible = implausible;
        findings
    }

    /// The record store had a page that was sealed then; we know it now. Between the two it stamped it.
    pub fn receipted(&mut self, look: Look, sealed: Stamp, stored: Stamp) -> Option<Finding> {
        self.receipts.take(look, sealed, stored);
        let off = self.receipts.off(look.elapsed)?;
        let differs = off.unsigned_abs() > look.may_differ.as_millis() as u64;
        if std::mem::replace(&mut self.differs, differs) == differs {
            return None;
        }
        Some(if differs {
            Finding::Differs { ms: off }
        } else {
            Finding::AgreesAgain
        })
    }

    /// How far off it may be, as the record store's clock says; `None` while no receipt says anything.
    pub fn bound_ms(&self, elapsed: Duration) -> Option<u32> {
        self.receipts.bound(elapsed)
    }
}

/// The tightest thing receipts said of late: ours minus theirs lies between the two.
#[derive(Debug, Default)]
struct Receipts {
    said: Option<(i64, i64, Duration)>,
}

/// A crystal of no merit is off by this much; what a receipt said widens by it.
const DRIFT_PPM: u64 = 100;

impl Receipts {
    fn take(&mut self, look: Look, sealed: Stamp, stored: Stamp) {
        let (low, high) = (sealed.0 - stored.0, look.now.0 - stored.0);
        if low > high {
            return; // the clock stepped in between
        }
        let (low, high) = match self.said_at(look.elapsed) {
            // two that contradict each other: one of the clocks has moved, and the newer one counts
            Some((was_low, was_high)) if low.max(was_low) <= high.min(was_high) => {
                (low.max(was_low), high.min(was_high))
            }
            _ => (low, high),
        };
        self.said = Some((low, high, look.elapsed));
    }

    fn said_at(&self, elapsed: Duration) -> Option<(i64, i64)> {
        let (low, high, at) = self.said?;
        let wider = (elapsed.saturating_sub(at).as_millis() as u64 * DRIFT_PPM / 1_000_000) as i64 + 1;
        Some((low - wider, high + wider))
    }

    /// How far off it is at least; 0 while the two may agree.
    fn off(&self, elapsed: Duration) -> Option<i64> {
        let (low, high) = self.said_at(elapsed)?;
        Some(match () {
            () if low > 0 => low,
            () if high < 0 => high,
            () => 0,
        })
    }

    fn bound(&self, elapsed: Duration) -> Option<u32> {
        let (low, high) = self.said_at(elapsed)?;
        u32::try_from(low.unsigned_abs().max(high.unsigned_abs())).ok()
    }
}

/// The machine's clock with what receipts say about it, where nobody keeps it.
pub struct BoundClock {
    inner: Arc<dyn Clock>,
    /// In milliseconds; [`u32::MAX`] while nothing is known.
    bound: AtomicU32,
}

impl BoundClock {
    pub fn new(inner: Arc<dyn Clock>) -> Self {
        Self {
            inner,
            bound: AtomicU32::new(u32::MAX),
        }
    }

    pub fn bound(&self, ms: Option<u32>) {
        self.bound.store(ms.unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

impl Clock for BoundClock {
    fn now(&self) -> Stamp {
        self.inner.now()
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }

    /// Nobody says that it is kept; how far it may be off, the receipts say. 0 beside `unknown` states no bound.
    fn sync(&self) -> (Sync, u32) {
        let (sync, error) = self.inner.sync();
        let bound = self.bound.load(Ordering::Relaxed);
        match sync {
            Sync::Synchronised => (sync, error),
            _ if bound == u32::MAX => (sync, error),
            _ => (sync, error.max(bound)),
        }
    }

    fn sleep(&self, time: Duration) -> Waiting<'static, ()> {
        self.inner.sleep(time)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const NOON: i64 = 1_795_176_000_000;

    /// The wall clock is off by so many milliseconds.
    fn look(elapsed: u64, off: i64) -> Look {
        Look {
            now: Stamp(NOON + elapsed as i64 + off),
            elapsed: Duration::from_millis(elapsed),
            sync: Sync::Unknown,
            may_differ: Duration::from_millis(500),
        }
    }

    #[test]
    fn a_clock_that_is_set_while_we_run_is_found_once_with_both_times() {
        let mut watch = ClockWatch::default();
        assert_eq!(watch.start(look(0, 0), None), []);
        assert_eq!(watch.look(look(100, 499)), []);
        let back = -30 * 86_400_000;
        let step = Finding::Step {
            ms: back,
            before: Stamp(NOON + 200),
        };
        assert_eq!(watch.look(look(200, back)), [step]);
        assert_eq!(watch.look(look(300, back)), []);
    }

    #[test]
    fn a_start_before_the_last_entry_is_found_and_so_is_1970() {
        let last = Some(Stamp(NOON));
        let mut watch = ClockWatch::default();
        assert_eq!(watch.start(look(0, -400), last), [], "within what it may differ");
        let mut watch = ClockWatch::default();
        let behind = Finding::BehindTheLedger { last: Stamp(NOON) };
        assert_eq!(watch.start(look(0, -60_000), last), std::slice::from_ref(&behind));
        let mut watch = ClockWatch::default();
        assert_eq!(
            watch.start(look(0, -NOON), last),
            [Finding::BeforeEverything, behind]
        );
        assert_eq!(watch.look(look(100, -NOON)), [], "said once");
    }

    #[test]
    fn gaining_and_losing_a_time_server_is_found() {
        let mut watch = ClockWatch::default();
        let kept = |sync, elapsed| Look {
            sync,
            ..look(elapsed, 0)
        };
        assert_eq!(watch.start(kept(Sync::Unsynchronised, 0), None), []);
        assert_eq!(
            watch.look(kept(Sync::Synchronised, 100)),
            [Finding::Kept(Sync::Synchronised)]
        );
        assert_eq!(watch.look(kept(Sync::Synchronised, 200)), []);
        assert_eq!(
            watch.look(kept(Sync::Unsynchronised, 300)),
            [Finding::Kept(Sync::Unsynchronised)]
        );
    }

    /// A page sealed at `sealed` is stored 20 ms later and its receipt is here 30 ms after that.
    fn receipt(watch: &mut ClockWatch, sealed: u64, off: i64) -> Option<Finding> {
        let stored = Stamp(NOON + sealed as i64 + 20);
        let by_us = Stamp(NOON + sealed as i64 + off);
        watch.receipted(look(sealed + 50, off), by_us, stored)
    }

    #[test]
    fn without_a_time_server_receipts_bound_the_error() {
        let mut watch = ClockWatch::default();
        assert_eq!(watch.bound_ms(Duration::ZERO), None);
        assert_eq!(receipt(&mut watch, 1000, 0), None);
        assert!((30..=60).contains(&watch.bound_ms(Duration::from_millis(1050)).unwrap()));
        let hour = Duration::from_secs(3600);
        assert!(
            (380..=430).contains(&watch.bound_ms(hour).unwrap()),
            "it widens: a crystal drifts"
        );
    }

    #[test]
    fn a_clock_that_is_minutes_off_is_found_by_the_first_receipt_and_its_mending_too() {
        let mut watch = ClockWatch::default();
        let found = receipt(&mut watch, 1000, 240_000);
        assert!(
            matches!(found, Some(Finding::Differs { ms }) if (239_900..=240_000).contains(&ms)),
            "{found:?}"
        );
        assert_eq!(receipt(&mut watch, 2000, 240_000), None, "said once");
        watch.look(look(2500, 240_000));
        assert!(matches!(watch.look(look(3000, 0))[..], [Finding::Step { .. }]));
        assert_eq!(receipt(&mut watch, 4000, 0), Some(Finding::AgreesAgain));
    }

    #[test]
    fn a_receipt_after_a_night_without_network_says_little_and_accuses_nobody() {
        let mut watch = ClockWatch::default();
        let night = 8 * 3_600_000;
        let stored = Stamp(NOON + night as i64);
        assert_eq!(watch.receipted(look(night, 0), Stamp(NOON), stored), None);
        let bound = watch.bound_ms(Duration::from_millis(night)).unwrap();
        assert!(u64::from(bound) >= night, "{bound}");
        assert_eq!(receipt(&mut watch, night + 1000, 0), None);
        assert!(
            watch.bound_ms(Duration::from_millis(night + 1050)).unwrap() < 100,
            "and the next one says it"
        );
    }
}
