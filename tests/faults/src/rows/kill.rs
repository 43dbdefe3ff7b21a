//! Row 1: `kill -9` in the middle of the work, and in the middle of a start.

use super::Row;
use crate::{
    bench::{Bench, compare},
    outcome::{Done, Tally},
};
use std::{thread, time::Duration};

pub(super) const FLAT_OUT: Row = Row {
    number: 1,
    name: "kill -9 flat out",
    trials: [100, 1000, 10_000],
    run: flat_out,
};

fn flat_out(bench: &mut Bench) -> Done<Tally> {
    let place = bench.place("kill")?;
    let controllers = bench.controllers(6)?;
    let launch = bench.alone(&place, &controllers)?;
    let (mut tally, mut known, mut slowest) = (Tally::default(), 0, Duration::ZERO);
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(tally.trials);
        if dice.falls(1, 4) {
            launch.killed_after(Duration::from_millis(dice.from_to(1, 60)))?;
        }
        let gateway = launch.ready()?;
        slowest = slowest.max(gateway.ready_after);
        let says = gateway.until(10, "it answers", |_| true)?.captured;
        if says < known {
            tally.complain(format!(
                "kill {}: {known} were captured, now it says {says}",
                tally.trials
            ));
        }
        let more = says + dice.from_to(1, 60);
        gateway.until(20, "capture goes on", |status| status.captured >= more)?;
        thread::sleep(Duration::from_millis(dice.from_to(2, 30)));
        known = gateway.status().map_or(known, |status| status.captured);
        gateway.kill();
        tally.trials += 1;
        tally.struck += 1;
    }
    let held = compare(&mut tally, "at the end", &launch.ledger, known)?;
    for (number, controller) in (1..).zip(&controllers) {
        let wrong = controller.not_said(&held.readings(&format!("TC-{number}.temperature")));
        if wrong > 0 {
            tally.complain(format!(
                "{wrong} values of TC-{number} were never said, or not in this order"
            ));
        }
    }
    tally.note = format!(
        "{} entries on {} pages; slowest start {} ms",
        held.entries.len(),
        held.pages.len(),
        slowest.as_millis()
    );
    Ok(tally)
}
