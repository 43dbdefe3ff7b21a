//! Rows 3, 5 and 6: the power goes – at work, in a first start, while a segment is made, while it recovers.

use super::Row;
use crate::{
    bench::{Bench, compare, link, look_at_image},
    disk::{Cut, Disk, Image, Trap, mountable},
    gateway::{Gateway, Launch},
    outcome::{Done, Stop, Tally, failed},
    seed::Dice,
};
use std::{
    thread,
    time::{Duration, Instant},
};

pub(super) const CUT: Row = Row {
    number: 3,
    name: "power cut",
    trials: [200, 5000, 20_000],
    run: cut,
};
pub(super) const FIRST_START_AND_ROLL: Row = Row {
    number: 5,
    name: "power cut in a first start and while a segment is made",
    trials: [40, 400, 2000],
    run: first_start_and_roll,
};
pub(super) const TWICE: Row = Row {
    number: 6,
    name: "power cut while it recovers from one",
    trials: [30, 500, 2000],
    run: twice,
};

/// The table's figure for a start after a power cut.
const START_WITHIN: Duration = Duration::from_secs(5);
/// Images of one run.
const PER_RUN: u64 = 25;

fn kind_of_cut(dice: &mut Dice) -> Cut {
    Cut {
        torn: dice.falls(1, 3),
        garbage: dice.falls(1, 3),
    }
}

/// Runs a gateway on a disk with a volatile cache, and takes images while it works: each with what was said to be
/// captured before the power went.
fn images(launch: &Launch, disk: &Disk, count: u64, dice: &mut Dice) -> Done<Vec<(Image, u64)>> {
    link(&launch.state, disk.at())?;
    let gateway = launch.ready()?;
    gateway.until(20, "something is captured", |status| status.captured > 8)?;
    let mut images = Vec::new();
    for _ in 0..count {
        thread::sleep(Duration::from_micros(dice.from_to(500, 40_000)));
        let known = gateway.until(5, "it answers", |_| true)?.captured;
        let cut = kind_of_cut(dice);
        images.push((disk.image(dice, cut), known));
    }
    gateway.kill();
    Ok(images)
}

fn cut(bench: &mut Bench) -> Done<Tally> {
    mountable()?;
    let place = bench.place("power")?;
    let controllers = bench.controllers(4)?;
    let launch = bench.alone(&place, &controllers)?;
    let limit = bench.limit(START_WITHIN);
    let (mut tally, mut slowest, mut base) = (Tally::default(), Duration::ZERO, None::<Image>);
    let mut run = 0;
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(run);
        let disk = match &base {
            Some(image) if run % 8 != 0 => Disk::holding(&place.join("disk"), image, dice.for_trial(1))?,
            _ => Disk::empty(&place.join("disk"), dice.for_trial(1))?,
        };
        let taken = images(
            &launch,
            &disk,
            PER_RUN.min(bench.trials - tally.trials),
            &mut dice,
        )?;
        drop(disk);
        for (number, (image, known)) in taken.iter().enumerate() {
            let what = format!("run {run}, image {number}");
            let (found, after) = look_at_image(&launch, image, *known, &what, limit)?;
            slowest = slowest.max(after);
            tally.add(found);
        }
        base = Some(Image::read(&launch.state)?);
        run += 1;
    }
    let control = control(bench, &launch)?;
    tally.control = Some(control);
    tally.note = format!("slowest start after a cut {} ms", slowest.as_millis());
    Ok(tally)
}

/// The negative control: on a disk that lies about syncs, this very test must find losses.
fn control(bench: &Bench, launch: &Launch) -> Done<String> {
    let mut dice = bench.dice.for_trial(u64::MAX);
    let disk = Disk::empty(&launch.state.with_file_name("lying"), dice.for_trial(1))?;
    disk.lie();
    let taken = images(launch, &disk, 12, &mut dice)?;
    drop(disk);
    let mut caught = 0;
    for (image, known) in &taken {
        let quick = Launch {
            ready_within: Duration::from_secs(5),
            ..launch.clone()
        };
        let (found, _) = look_at_image(&quick, image, *known, "control", START_WITHIN * 4)?;
        caught += u64::from(!found.holds());
    }
    if caught * 2 < taken.len() as u64 {
        return failed(format!(
            "the negative control did not fail: on a disk that lies only {caught} of {} images were bad",
            taken.len()
        ));
    }
    Ok(format!(
        "a disk that lies: {caught} of {} images bad, as they must be",
        taken.len()
    ))
}

/// Runs until the trap closes; the image, and what was said to be captured before it.
fn trapped(launch: &Launch, disk: &Disk, within: Duration) -> Done<Option<(Image, u64)>> {
    link(&launch.state, disk.at())?;
    // The trap may close before it is ready; then nothing new was said to be captured before the cut.
    let gateway = launch.ready()?;
    let known = watch(&gateway, disk, within);
    gateway.kill();
    Ok(known)
}

fn watch(gateway: &Gateway, disk: &Disk, within: Duration) -> Option<(Image, u64)> {
    let (by, mut known) = (Instant::now() + within, 0);
    while Instant::now() < by {
        if let Some(image) = disk.trapped() {
            return Some((image, known));
        }
        let says = gateway.status();
        match disk.trapped() {
            Some(image) => return Some((image, known)),
            None => known = says.map_or(known, |status| status.captured),
        }
        // Who asks without end takes the time that capture needs.
        thread::sleep(Duration::from_millis(3));
    }
    None
}

fn first_start_and_roll(bench: &mut Bench) -> Done<Tally> {
    mountable()?;
    let place = bench.place("first")?;
    let controllers = bench.controllers(4)?;
    let launch = bench.alone(&place, &controllers)?;
    let limit = bench.limit(START_WITHIN);
    let mut tally = Tally::default();
    let half = bench.trials / 2;
    // Call after call of a first start, from the first file on.
    let (mut call, mut first) = (0, 0);
    while first < half && bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(tally.trials);
        call += if bench.trials < 200 {
            dice.from_to(1, 12)
        } else {
            1
        };
        let disk = Disk::empty(&place.join("disk"), dice.for_trial(1))?;
        disk.set_trap(Trap {
            nth: call,
            on: "",
            cut: kind_of_cut(&mut dice),
        });
        let found = trapped(&launch, &disk, Duration::from_secs(3))?;
        drop(disk);
        if let Some((image, known)) = found {
            let what = format!("first start, call {call}");
            tally.add(look_at_image(&launch, &image, known, &what, limit)?.0);
        } else {
            call = 0;
        }
        first += 1;
    }
    let almost = almost_full(bench, &launch)?;
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(tally.trials);
        let disk = Disk::holding(&place.join("disk"), &almost, dice.for_trial(1))?;
        // Made, filled a MiB at a time, synced, renamed: seven calls.
        let nth = dice.from_to(1, 7);
        disk.set_trap(Trap {
            nth,
            on: "segment-000003",
            cut: kind_of_cut(&mut dice),
        });
        let found = trapped(&launch, &disk, Duration::from_secs(60))?;
        drop(disk);
        let Some((image, known)) = found else {
            return failed("no third segment was made within 60 s");
        };
        let what = format!("segment made, call {nth}");
        tally.add(look_at_image(&launch, &image, known, &what, limit)?.0);
    }
    tally.note = format!("{first} in first starts, the rest while a segment was made");
    Ok(tally)
}

/// A ledger whose first segment is nearly full.
fn almost_full(bench: &Bench, launch: &Launch) -> Done<Image> {
    let disk = Disk::empty(&launch.state.with_file_name("disk"), bench.dice.for_trial(7))?;
    link(&launch.state, disk.at())?;
    let gateway = launch.ready()?;
    let begun = Instant::now();
    loop {
        let segments = crate::ledger::segments(&launch.ledger)?;
        let used = segments.first().map_or(0, |(_, bytes)| {
            bytes.iter().rposition(|byte| *byte != b'\n').unwrap_or(0)
        });
        if used > (4 << 20) - 100 * 1024 {
            break;
        }
        if begun.elapsed() > Duration::from_secs(120) {
            return failed("a segment does not fill");
        }
        thread::sleep(Duration::from_millis(200));
    }
    gateway.stop(Duration::from_secs(10))?;
    Ok(disk.image(&mut bench.dice.for_trial(8), Cut::default()))
}

fn twice(bench: &mut Bench) -> Done<Tally> {
    mountable()?;
    let place = bench.place("twice")?;
    let controllers = bench.controllers(4)?;
    let launch = bench.alone(&place, &controllers)?;
    let limit = bench.limit(START_WITHIN);
    let (mut tally, mut run) = (Tally::default(), 0);
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(run);
        run += 1;
        let disk = Disk::empty(&place.join("disk"), dice.for_trial(1))?;
        let outer = images(&launch, &disk, 5, &mut dice)?;
        drop(disk);
        for (image, known) in outer {
            let disk = Disk::holding(&place.join("disk"), &image, dice.for_trial(2))?;
            let nth = dice.from_to(1, 60);
            disk.set_trap(Trap {
                nth,
                on: "",
                cut: kind_of_cut(&mut dice),
            });
            let inner = match trapped(&launch, &disk, Duration::from_secs(5)) {
                Err(Stop::Failed(why)) => {
                    tally.complain(format!("run {run}: it does not start after the first cut: {why}"));
                    continue;
                }
                other => other?,
            };
            drop(disk);
            let Some((again, known_again)) = inner else {
                continue;
            };
            let what = format!("run {run}, cut again at call {nth}");
            let known = known.max(known_again);
            tally.add(look_at_image(&launch, &again, known, &what, limit)?.0);
        }
    }
    // The last one goes on as if nothing had been.
    let gateway = launch.ready()?;
    let known = gateway
        .until(10, "it goes on", |status| status.captured > 0)?
        .captured;
    gateway.stop(Duration::from_secs(10))?;
    compare(&mut tally, "in the end", &launch.ledger, known)?;
    Ok(tally)
}
