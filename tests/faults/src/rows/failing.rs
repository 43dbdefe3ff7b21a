//! Rows 7 to 10: a disk that fails – a sync, a write, no space, gone altogether.

use super::Row;
use crate::{
    bench::{Bench, compare, link, look_at_image},
    disk::{Cut, Disk, Fault, Operation, What, mountable},
    gateway::{Launch, Started},
    outcome::{Done, Tally},
};
use std::{
    thread,
    time::{Duration, Instant},
};

pub(super) const SYNC: Row = Row {
    number: 7,
    name: "a sync fails, the next succeeds",
    trials: [50, 500, 2000],
    run: sync,
};
pub(super) const WRITE: Row = Row {
    number: 8,
    name: "a write is short, fails, or finds no space",
    trials: [50, 500, 2000],
    run: write,
};
pub(super) const FULL: Row = Row {
    number: 9,
    name: "disk full, and space returned",
    trials: [5, 50, 500],
    run: full,
};
pub(super) const VANISHED: Row = Row {
    number: 10,
    name: "the disk vanishes",
    trials: [10, 100, 300],
    run: vanished,
};

/// A process that cannot make a page durable must have ended after this.
const END_WITHIN: Duration = Duration::from_secs(1);

fn sync(bench: &mut Bench) -> Done<Tally> {
    each_index(bench, "sync", |_| (Operation::Sync, What::Broken))
}

fn write(bench: &mut Bench) -> Done<Tally> {
    each_index(bench, "write", |trial| {
        let what = [What::Broken, What::Full, What::Short][trial as usize % 3];
        (Operation::Write, what)
    })
}

/// The n-th call fails, n after n: of the whole start and some work after it.
fn each_index(bench: &mut Bench, what: &str, fault: fn(u64) -> (Operation, What)) -> Done<Tally> {
    mountable()?;
    let place = bench.place(what)?;
    let controllers = bench.controllers(4)?;
    let launch = bench.alone(&place, &controllers)?;
    let (mut tally, mut ended, mut went_on) = (Tally::default(), 0, 0);
    while bench.goes_on(tally.trials) {
        let trial = tally.trials;
        let mut dice = bench.dice.for_trial(trial);
        let (operation, how) = fault(trial);
        // Indexes follow one another; half of them count only what is written to the ledger itself.
        let fault = Fault {
            operation,
            nth: trial / 2 + 1,
            on: if trial % 2 == 0 { "" } else { "segment-" },
            what: how,
        };
        let name = format!("{what} {} on {:?}, {how:?}", fault.nth, fault.on);
        let disk = Disk::empty(&place.join("disk"), dice.for_trial(1))?;
        link(&launch.state, disk.at())?;
        disk.fail(fault);
        let (known, end) = until_struck(bench, &mut tally, &name, &launch, &disk, how)?;
        match end {
            End::Ended => ended += 1,
            End::WentOn => went_on += 1,
        }
        // The page cache still shows what was written; the platter may not hold it. The gateway starts on the one,
        // goes on, and then the power goes.
        let known = go_on(&mut tally, &name, &launch, known)?;
        let image = disk.image(&mut dice, Cut::default());
        drop(disk);
        let (mut found, _) =
            look_at_image(&launch, &image, known, &name, bench.limit(Duration::from_secs(5)))?;
        found.struck = 0;
        tally.add(found);
    }
    tally.note = format!("{ended} ended, {went_on} went on: what failed was not the ledger");
    Ok(tally)
}

enum End {
    Ended,
    WentOn,
}

/// Runs until the fault came true and the process has drawn its conclusion; what was said to be captured.
fn until_struck(
    bench: &Bench,
    tally: &mut Tally,
    name: &str,
    launch: &Launch,
    disk: &Disk,
    how: What,
) -> Done<(u64, End)> {
    let mut gateway = match launch.start()? {
        Started::Ready(gateway) => gateway,
        Started::Ended(code) => {
            // In the middle of a first start: it refuses in words, and nothing was said to be captured.
            tally.struck += u64::from(!disk.strikes().is_empty());
            if code != Some(3) {
                tally.complain(format!(
                    "{name}: exit code {code:?} instead of a refusal in words"
                ));
            }
            return Ok((0, End::Ended));
        }
    };
    let (mut known, by) = (0, Instant::now() + Duration::from_secs(8));
    while disk.strikes().is_empty() && Instant::now() < by && gateway.runs() {
        known = gateway.status().map_or(known, |status| status.captured);
    }
    let Some(strike) = disk.strikes().first().cloned() else {
        gateway.kill();
        return Ok((known, End::WentOn));
    };
    tally.struck += 1;
    // A short write is asked for again and whole in the end, a full disk is waited for; and what is not the ledger can be
    // made again.
    let must_end = !matches!(how, What::Short | What::Full) && strike.name.starts_with("segment-");
    let limit = bench.limit(END_WITHIN);
    let (mut last, mut ended) = (known, false);
    while strike.at.elapsed() < limit && !ended {
        last = gateway.status().map_or(last, |status| status.captured);
        ended = !gateway.runs();
    }
    if must_end && !ended {
        tally.complain(format!(
            "{name}: {} failed, and it still runs after {limit:?}",
            strike.name
        ));
    }
    if ended {
        let code = gateway.ended_within(Duration::ZERO)?;
        if code != Some(3) {
            tally.complain(format!(
                "{name}: it ended with {code:?} after {} failed",
                strike.name
            ));
        }
    }
    gateway.kill();
    Ok((last.max(known), if ended { End::Ended } else { End::WentOn }))
}

/// Starts on the same disk, works a little, and is killed; what was said to be captured by then.
fn go_on(tally: &mut Tally, name: &str, launch: &Launch, known: u64) -> Done<u64> {
    let gateway = launch.ready()?;
    let says = gateway
        .until(10, "it goes on", |status| status.captured > 5)?
        .captured;
    if says < known {
        tally.complain(format!(
            "{name}: {known} were said to be captured, after the restart {says}"
        ));
    }
    let on = gateway.until(10, "it goes on", |status| status.captured > says + 5)?;
    gateway.kill();
    Ok(on.captured.max(known))
}

fn full(bench: &mut Bench) -> Done<Tally> {
    mountable()?;
    let place = bench.place("full")?;
    let controllers = bench.controllers(4)?;
    let launch = bench.alone(&place, &controllers)?;
    let mut tally = Tally::default();
    let (mut slowest_stop, mut slowest_back) = (Duration::ZERO, Duration::ZERO);
    while bench.goes_on(tally.trials) {
        let trial = tally.trials;
        let mut dice = bench.dice.for_trial(trial);
        let disk = Disk::empty(&place.join("disk"), dice.for_trial(1))?;
        link(&launch.state, disk.at())?;
        let mut gateway = launch.ready()?;
        gateway.until(20, "something is captured", |status| status.captured > 10)?;
        // Space goes at once: a little is left, or none at all.
        disk.leave_room(if trial % 2 == 0 { dice.below(1 << 20) } else { 0 });
        let begun = Instant::now();
        gateway.until(15, "capture stops", |status| !status.capturing)?;
        slowest_stop = slowest_stop.max(begun.elapsed());
        thread::sleep(Duration::from_millis(dice.from_to(200, 1500)));
        let stopped = gateway
            .until(5, "it answers while it is stopped", |_| true)?
            .captured;
        disk.leave_room(64 << 20);
        let begun = Instant::now();
        let back = gateway.until(15, "capture goes on by itself", |status| {
            status.capturing && status.captured > stopped + 5
        })?;
        slowest_back = slowest_back.max(begun.elapsed());
        if begun.elapsed() > Duration::from_secs(10) {
            tally.complain(format!(
                "trial {trial}: it went on only after {:?}",
                begun.elapsed()
            ));
        }
        if !gateway.runs() {
            tally.complain(format!("trial {trial}: it was started again"));
        }
        // What was missed is entered once what came before it has settled.
        thread::sleep(Duration::from_secs(1));
        let image = disk.image(&mut dice, Cut::default());
        gateway.kill();
        drop(disk);
        let what = format!("trial {trial}");
        let limit = bench.limit(Duration::from_secs(5));
        tally.add(look_at_image(&launch, &image, back.captured, &what, limit)?.0);
        let held = crate::ledger::Held::read(&launch.ledger)?;
        for because in ["capture-stopped", "capture-resumed"] {
            if held.count("exception", because) == 0 {
                tally.complain(format!("{what}: no entry says {because}"));
            }
        }
        if held.count("gap", "no-room") == 0 {
            tally.complain(format!("{what}: the time without room is no gap"));
        }
    }
    tally.note = format!(
        "stopped after at most {} ms, went on after at most {} ms, without a restart",
        slowest_stop.as_millis(),
        slowest_back.as_millis()
    );
    Ok(tally)
}

fn vanished(bench: &mut Bench) -> Done<Tally> {
    mountable()?;
    let place = bench.place("vanished")?;
    let controllers = bench.controllers(4)?;
    let launch = bench.alone(&place, &controllers)?;
    let (mut tally, mut slowest) = (Tally::default(), Duration::ZERO);
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(tally.trials);
        let disk = Disk::empty(&place.join("disk"), dice.for_trial(1))?;
        link(&launch.state, disk.at())?;
        let mut gateway = launch.ready()?;
        gateway.until(20, "something is captured", |status| status.captured > 10)?;
        thread::sleep(Duration::from_millis(dice.from_to(1, 300)));
        let known = gateway.until(5, "it answers", |_| true)?.captured;
        disk.gone(true);
        let begun = Instant::now();
        let code = gateway.ended_within(bench.limit(Duration::from_secs(2)))?;
        slowest = slowest.max(begun.elapsed());
        let what = format!("trial {}", tally.trials);
        if code != Some(3) {
            tally.complain(format!("{what}: exit code {code:?}"));
        }
        if !gateway.log().contains("disk-write-failed") {
            tally.complain(format!("{what}: it did not say that the disk failed"));
        }
        gateway.kill();
        disk.gone(false);
        let known = go_on(&mut tally, &what, &launch, known)?;
        compare(&mut tally, &what, &launch.ledger, known)?;
        tally.trials += 1;
        tally.struck += 1;
    }
    tally.note = format!("ended after at most {} ms", slowest.as_millis());
    Ok(tally)
}
