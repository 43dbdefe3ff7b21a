//! Verifying: form, leaves, roots, seals, chain and batches of a ledger in memory, on one core.

use super::{Figure, grouped, pages::Ledger, per_second};
use crate::{
    flow::needs::Clock,
    ports::clock::{self, SystemClock},
};
use record::Trouble;
use std::time::Duration;

/// Full pages as they grow under load, and pages of one entry.
pub(super) fn measure(length: Duration) -> Result<Vec<Figure>, Trouble> {
    let many = again_and_again(&Ledger::made(200, 500)?, length)?;
    let single = again_and_again(&Ledger::made(1, 10_000)?, length)?;
    Ok(vec![
        many.figure("entries/s", 500_000.0, 200),
        single.figure("pages/s", 10_000.0, 1),
    ])
}

/// What was verified, how long that took, and how much of it this thread had a core.
struct Verified {
    entries: u64,
    took: Duration,
    on_the_core: Duration,
}

impl Verified {
    fn figure(&self, unit: &'static str, target: f64, each: u32) -> Figure {
        let share = self.on_the_core.as_secs_f64() / self.took.as_secs_f64();
        let of_the_core = per_second(self.entries, self.on_the_core);
        Figure {
            name: "verify",
            value: per_second(self.entries, self.took),
            unit,
            target: Some(target),
            at_most: false,
            said: format!(
                "{each} to a page, from memory, on one core that was ours {:.0} % of the time ({} {unit} of that)",
                share * 100.0,
                grouped(of_the_core)
            ),
            conditions: vec![
                ("entries", self.entries as f64),
                ("entries_per_page", f64::from(each)),
                ("share_of_the_core", share),
                ("per_second_of_the_core", of_the_core),
                ("seconds", self.took.as_secs_f64()),
            ],
        }
    }
}

/// Every round checks the whole ledger, and it must hold each time.
fn again_and_again(ledger: &Ledger, length: Duration) -> Result<Verified, Trouble> {
    let clock = SystemClock::new();
    let (begun, before) = (clock.elapsed(), clock::on_the_core());
    let mut entries = 0;
    loop {
        let report = ledger.check();
        if !report.holds() {
            return Err(super::not_measured(
                "the ledger that was made for it does not hold",
            ));
        }
        entries += report.entries;
        let took = clock.elapsed().saturating_sub(begun);
        if took >= length {
            let on_the_core = clock::on_the_core().saturating_sub(before);
            return Ok(Verified {
                entries,
                took,
                on_the_core,
            });
        }
    }
}
