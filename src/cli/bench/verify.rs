//! Verifying: form, leaves, roots, seals, chain and batches of a ledger in memory, on one core.

use super::{Figure, pages::Ledger, per_second};
use crate::{flow::needs::Clock, ports::clock::SystemClock};
use record::Trouble;
use std::time::Duration;

/// Full pages as they grow under load, and pages of one entry.
pub(super) fn measure(length: Duration) -> Result<Vec<Figure>, Trouble> {
    let (each, full) = (200, Ledger::made(200, 500)?);
    let (entries, took) = again_and_again(&full, length)?;
    let many = Figure {
        name: "verify",
        value: per_second(entries, took),
        unit: "entries/s",
        target: Some(500_000.0),
        said: format!("on one core, {each} entries a page, from memory"),
        conditions: vec![
            ("entries", entries as f64),
            ("entries_per_page", f64::from(each)),
            ("seconds", took.as_secs_f64()),
        ],
    };
    drop(full);
    let (pages, took) = again_and_again(&Ledger::made(1, 10_000)?, length)?;
    let single = Figure {
        name: "verify",
        value: per_second(pages, took),
        unit: "pages/s",
        target: Some(10_000.0),
        said: "on one core, one entry a page, from memory".to_owned(),
        conditions: vec![
            ("pages", pages as f64),
            ("entries_per_page", 1.0),
            ("seconds", took.as_secs_f64()),
        ],
    };
    Ok(vec![many, single])
}

/// Entries verified, and how long that took. Every round checks the whole ledger, and it must hold each time.
fn again_and_again(ledger: &Ledger, length: Duration) -> Result<(u64, Duration), Trouble> {
    let clock = SystemClock::new();
    let begun = clock.elapsed();
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
            return Ok((entries, took));
        }
    }
}
