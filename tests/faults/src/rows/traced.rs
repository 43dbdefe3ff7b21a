//! Row 2: killed at every system call of a scripted run; rows 7 and 8 once more without any disk of ours: the calls
//! themselves fail. By `strace -e inject`.

use super::Row;
use crate::{
    bench::{Bench, compare},
    disk::which,
    gateway::Started,
    outcome::{Done, Tally, skipped},
};
use std::{
    ffi::OsString,
    time::{Duration, Instant},
};

pub(super) const EVERY_CALL: Row = Row {
    number: 2,
    name: "killed at every system call of a scripted run",
    trials: [40, 2000, 10_000],
    run: every_call,
};

/// The calls that change a disk or tell somebody, and the reads of a start.
const CALLS: &[&str] = &[
    "pwrite64",
    "fdatasync",
    "fsync",
    "openat",
    "rename",
    "unlink",
    "ftruncate",
    "write",
    "sendto",
    "flock",
    "fcntl",
    "pread64",
    "bind",
    "connect",
    "mmap",
    "writev",
    "mkdir",
    "chmod",
    "futex",
    "epoll_ctl",
];

fn every_call(bench: &mut Bench) -> Done<Tally> {
    let Some(strace) = which("strace") else {
        return skipped("no strace here (Debian: strace)");
    };
    let place = bench.place("traced")?;
    let controllers = bench.controllers(2)?;
    let launch = bench.alone(&place, &controllers)?;
    let (mut tally, mut known, mut index) = (Tally::default(), 0, 0_u64);
    // With few trials the indexes are spread, so that start, work and stop are all met.
    let (rounds, mut spread) = (bench.trials.div_ceil(CALLS.len() as u64), Vec::new());
    for round in 0..rounds {
        spread.extend(CALLS.iter().map(|call| (*call, round)));
    }
    let (mut at_start, mut at_work) = (0, 0);
    for (call, round) in spread {
        if !bench.goes_on(tally.trials) {
            break;
        }
        let mut dice = bench.dice.for_trial(tally.trials);
        index = if rounds < 100 {
            round * 9 + dice.from_to(1, 9)
        } else {
            round + 1
        };
        if tally.trials % 10 == 0 {
            // A first start is a run of its own.
            crate::bench::clear(&launch.state)?;
            known = 0;
        }
        let words: [OsString; 8] = [
            strace.clone().into(),
            "-f".into(),
            "-qq".into(),
            "-o".into(),
            "/dev/null".into(),
            "-e".into(),
            format!("trace={call}").into(),
            "-e".into(),
        ];
        let mut traced = launch.clone();
        traced.before = words.to_vec();
        traced
            .before
            .push(format!("inject={call}:signal=SIGKILL:when={index}").into());
        let what = format!("{call} number {index}");
        match traced.start()? {
            Started::Ended(code) => {
                at_start += 1;
                tally.struck += 1;
                if code == Some(3) {
                    tally.complain(format!("{what}: it did not start"));
                }
            }
            Started::Ready(mut gateway) => {
                let by = Instant::now() + Duration::from_millis(700);
                while gateway.runs() && Instant::now() < by {
                    known = gateway
                        .status()
                        .map_or(known, |status| status.captured.max(known));
                }
                if !gateway.runs() {
                    at_work += 1;
                    tally.struck += 1;
                }
                gateway.kill();
            }
        }
        let gateway = launch.ready()?;
        let says = gateway
            .until(10, "it answers", |status| status.captured > 0)?
            .captured;
        gateway.kill();
        if says < known {
            tally.complain(format!("{what}: {known} were captured, now it says {says}"));
        }
        known = says;
        compare(&mut tally, &what, &launch.ledger, known)?;
        tally.trials += 1;
    }
    tally.note = format!("{at_start} killed in a start, {at_work} at work; up to call {index} of each kind");
    Ok(tally)
}
