//! Rows 27 to 30: a clock that steps, little memory, little processor, a process that is stopped for a while, no file
//! descriptors, no threads.

use super::Row;
use crate::{
    bench::{Bench, compare},
    disk::which,
    gateway::{Gateway, Launch, Started},
    outcome::{Done, Tally, skipped},
};
use rustix::process::Signal;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

pub(super) const CLOCK: Row = Row {
    number: 27,
    name: "the clock steps from -30 d to +2 h, and starts in 1970",
    trials: [6, 200, 1000],
    run: clock,
};
pub(super) const MEMORY: Row = Row {
    number: 28,
    name: "64 MiB of memory, and killed for want of it",
    trials: [3, 100, 300],
    run: memory,
};
pub(super) const PROCESSOR: Row = Row {
    number: 29,
    name: "a tenth of a processor; stopped for 30 s",
    trials: [2, 50, 200],
    run: processor,
};
pub(super) const NOTHING_LEFT: Row = Row {
    number: 30,
    name: "no file descriptors, no threads",
    trials: [6, 20, 50],
    run: nothing_left,
};

/// Debian's libfaketime. The program's own clock stays as it ships: no switch of ours is in it.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

fn clock(bench: &mut Bench) -> Done<Tally> {
    let library = [FAKETIME, "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let Some(library) = library else {
        return skipped("no libfaketime here (Debian: libfaketime)");
    };
    let place = bench.place("clock")?;
    let file = place.join("time");
    fs::write(&file, "+0\n")?;
    let controllers = bench.controllers(2)?;
    let mut launch = bench.alone(&place, &controllers)?;
    launch.environment = [
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", &file.to_string_lossy()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]
    .map(|(name, value)| (OsString::from(name), OsString::from(value)))
    .to_vec();
    let (mut tally, mut known, mut steps) = (Tally::default(), 0, 0);
    let mut gateway = launch.ready()?;
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(tally.trials);
        let before = gateway.until(20, "capture goes on", |status| status.captured > known + 5)?;
        let to = [-30 * 86_400, 7200, -3600, 2, -2, 0][tally.trials as usize % 6];
        if tally.trials % 6 == 5 && dice.falls(1, 2) {
            // No battery: a boot in 1970.
            gateway.kill();
            fs::write(&file, "-1750000000\n")?;
            gateway = launch.ready()?;
        } else {
            fs::write(&file, format!("{to:+}\n"))?;
            steps += 1;
        }
        let what = format!("trial {}, clock {to:+} s", tally.trials);
        let after = gateway.until(20, "capture goes on after the step", |status| {
            status.captured > before.captured + 10
        });
        if let Err(why) = after {
            tally.hung += 1;
            tally.complain(format!("{what}: {why}"));
        }
        thread::sleep(Duration::from_millis(1200));
        known = gateway.until(5, "it answers", |_| true)?.captured;
        tally.trials += 1;
        tally.struck += 1;
    }
    gateway.stop(Duration::from_secs(20))?;
    let held = compare(&mut tally, "in the end", &launch.ledger, known)?;
    let entered = held.entries.iter().filter(|entry| entry.kind == "clock").count();
    if entered < steps {
        tally.complain(format!("{steps} steps, and only {entered} entries of the clock"));
    }
    let disordered = held
        .entries
        .windows(2)
        .filter(|pair| pair[1].seq != pair[0].seq + 1)
        .count();
    if disordered > 0 {
        tally.complain(format!("{disordered} entries are out of their order"));
    }
    tally.note = format!(
        "{steps} steps, {entered} entries of the clock, {} entries in order",
        held.entries.len()
    );
    Ok(tally)
}

/// A control group of the first version, which may limit what runs in it.
struct Cage(PathBuf);

impl Cage {
    fn make(kind: &str, limit: &str, value: &str) -> Done<Self> {
        let path = Path::new("/sys/fs/cgroup")
            .join(kind)
            .join(format!("sy-{}", std::process::id()));
        if !path.parent().is_some_and(|parent| parent.join("tasks").exists()) {
            return skipped(format!("no control group {kind} of the first version here"));
        }
        if fs::create_dir_all(&path)
            .and_then(|()| fs::write(path.join(limit), value))
            .is_err()
        {
            return skipped(format!("the control group {kind} cannot be used (root?)"));
        }
        Ok(Self(path))
    }

    /// The same start, in here.
    fn around(&self, launch: &Launch) -> Launch {
        let mut caged = launch.clone();
        let enter = format!("echo $$ > {}/tasks && exec \"$@\"", self.0.display());
        caged.before = ["sh", "-c", &enter, "sh"].map(OsString::from).to_vec();
        caged.ready_within = Duration::from_secs(120);
        caged
    }

    fn set(&self, limit: &str, value: &str) -> Done<()> {
        fs::write(self.0.join(limit), value)?;
        Ok(())
    }
}

impl Drop for Cage {
    fn drop(&mut self) {
        for _ in 0..50 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn memory(bench: &mut Bench) -> Done<Tally> {
    let cage = Cage::make("memory", "memory.limit_in_bytes", "67108864")?;
    let place = bench.place("memory")?;
    let controllers = bench.controllers(6)?;
    let launch = bench.alone(&place, &controllers)?;
    let caged = cage.around(&launch);
    let (mut tally, mut known, mut most, mut killed) = (Tally::default(), 0, 0, 0);
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(tally.trials);
        let gateway = caged.ready()?;
        let says = gateway.until(60, "it answers", |_| true)?.captured;
        if says < known {
            tally.complain(format!(
                "trial {}: {known} were captured, now it says {says}",
                tally.trials
            ));
        }
        let more = dice.from_to(50, 300);
        known = gateway
            .until(60, "it works in 64 MiB", |status| status.captured > says + more)?
            .captured;
        most = most.max(gateway.resident());
        gateway.kill();
        // And then there is not even that: the kernel kills it, in its start or at work.
        cage.set("memory.limit_in_bytes", &(dice.from_to(6, 30) << 20).to_string())?;
        match caged.start()? {
            Started::Ended(_) => killed += 1,
            Started::Ready(mut gateway) => {
                let by = Instant::now() + Duration::from_secs(3);
                while gateway.runs() && Instant::now() < by {
                    known = gateway
                        .status()
                        .map_or(known, |status| status.captured.max(known));
                }
                killed += u64::from(!gateway.runs());
                gateway.kill();
            }
        }
        cage.set("memory.limit_in_bytes", "67108864")?;
        tally.trials += 1;
        tally.struck += 1;
    }
    let gateway = caged.ready()?;
    gateway.until(60, "it goes on", |status| status.captured > known)?;
    gateway.kill();
    compare(&mut tally, "in the end", &launch.ledger, known)?;
    tally.note = format!(
        "at most {} MiB resident; {killed} killed for want of memory",
        most / 1024
    );
    Ok(tally)
}

fn processor(bench: &mut Bench) -> Done<Tally> {
    let cage = Cage::make("cpu", "cpu.cfs_quota_us", "10000")?;
    cage.set("cpu.cfs_period_us", "100000")?;
    let place = bench.place("processor")?;
    let controllers = bench.controllers(2)?;
    let launch = bench.alone(&place, &controllers)?;
    let caged = cage.around(&launch);
    let mut tally = Tally::default();
    let gateway = caged.ready()?;
    let mut known = gateway
        .until(60, "it works on a tenth", |status| status.captured > 20)?
        .captured;
    let pause = if bench.trials > 10 { 30 } else { 5 };
    while bench.goes_on(tally.trials) {
        let asked: u64 = controllers.iter().map(crate::plant::Controller::asked).sum();
        gateway.signal(Signal::STOP);
        thread::sleep(Duration::from_millis(200));
        let stopped: u64 = controllers.iter().map(crate::plant::Controller::asked).sum();
        thread::sleep(Duration::from_secs(pause));
        gateway.signal(Signal::CONT);
        let after = gateway.until(60, "it goes on", |status| status.captured > known + 10);
        if let Err(why) = after {
            tally.hung += 1;
            tally.complain(why.to_string());
            break;
        }
        thread::sleep(Duration::from_secs(1));
        known = gateway.until(20, "it answers", |_| true)?.captured;
        let since: u64 = controllers.iter().map(crate::plant::Controller::asked).sum();
        // At 20 ms a question each, a pause that was made up for would show as a flood.
        if since - stopped > (stopped - asked) + 2 * 60 * 50 {
            tally.complain("what was missed was asked for afterwards");
        }
        tally.trials += 1;
        tally.struck += 1;
    }
    end(gateway)?;
    let held = compare(&mut tally, "in the end", &launch.ledger, known)?;
    let gaps = held.count("gap", "");
    if pause > 2 && (gaps as u64) < tally.trials {
        tally.complain(format!(
            "stopped {} times for {pause} s, and only {gaps} gaps",
            tally.trials
        ));
    }
    tally.note = format!(
        "{} pauses of {pause} s on a tenth of a processor, {gaps} gaps entered",
        tally.trials
    );
    Ok(tally)
}

fn end(gateway: Gateway) -> Done<()> {
    gateway.stop(Duration::from_secs(60))
}

fn nothing_left(bench: &mut Bench) -> Done<Tally> {
    let Some(prlimit) = which("prlimit") else {
        return skipped("no prlimit here (Debian: util-linux)");
    };
    let place = bench.place("nothing")?;
    let controllers = bench.controllers(2)?;
    let launch = bench.alone(&place, &controllers)?;
    let (mut tally, mut refused, mut worked, mut known) = (Tally::default(), 0, 0, 0);
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(tally.trials);
        let limit = if tally.trials % 2 == 0 {
            format!("--nofile={}", dice.from_to(5, 24))
        } else {
            // Threads are limited by address space: each wants its stack.
            format!("--as={}", dice.from_to(60, 240) << 20)
        };
        let what = format!("trial {}, {limit}", tally.trials);
        let mut limited = launch.clone();
        limited.before = vec![prlimit.clone().into(), limit.into(), "--".into()];
        match limited.start()? {
            Started::Ended(Some(3 | 1 | 127)) => refused += 1,
            // Rust ends a process that finds no memory at all.
            Started::Ended(None) if tally.trials % 2 == 1 => refused += 1,
            Started::Ended(code) => {
                tally.complain(format!("{what}: exit code {code:?}, not a refusal in words"));
            }
            Started::Ready(mut gateway) => {
                worked += 1;
                let by = Instant::now() + Duration::from_secs(2);
                while gateway.runs() && Instant::now() < by {
                    known = gateway
                        .status()
                        .map_or(known, |status| status.captured.max(known));
                }
                gateway.kill();
            }
        }
        let gateway = launch.ready()?;
        let says = gateway.until(20, "it works again", |status| status.captured >= known.max(1))?;
        known = says.captured;
        gateway.kill();
        tally.trials += 1;
        tally.struck += 1;
    }
    compare(&mut tally, "in the end", &launch.ledger, known)?;
    tally.note = format!("{refused} refused to start, {worked} worked with what there was; all recovered");
    Ok(tally)
}
