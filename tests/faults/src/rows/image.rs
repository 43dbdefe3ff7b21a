//! Rows 14 and 15: an old image of the disk is put back, and two clones of one box run at once.

use super::Row;
use crate::{
    bench::{Bench, clear, put},
    disk::{Image, which},
    ledger::Held,
    mqtt::Double,
    outcome::{Done, Tally, skipped},
    plant::Setting,
};
use std::{collections::BTreeSet, ffi::OsString, time::Duration};

pub(super) const RESTORED: Row = Row {
    number: 14,
    name: "an old image is restored",
    trials: [4, 50, 200],
    run: restored,
};
pub(super) const CLONES: Row = Row {
    number: 15,
    name: "two clones at once",
    trials: [2, 20, 50],
    run: clones,
};

fn restored(bench: &mut Bench) -> Done<Tally> {
    let controllers = bench.controllers(2)?;
    let mut tally = Tally::default();
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(tally.trials);
        let place = bench.place("restored")?;
        let double = Double::start(&dice)?;
        let key = place.join("store.jwks");
        double.write_key(&key)?;
        let setting = Setting {
            broker: format!("mqtt://127.0.0.1:{}", double.port),
            ..Setting::alone(key)
        };
        let launch = bench.launch(&place, &setting, &controllers)?;
        let gateway = launch.ready()?;
        gateway.until(20, "receipts come", |status| status.receipted > 10)?;
        gateway.stop(Duration::from_secs(20))?;
        let old = Image::read(&launch.state)?;
        let gateway = launch.ready()?;
        let more = dice.from_to(20, 60);
        let reached = gateway.until(20, "it goes on", |status| status.receipted > 10 + more)?;
        gateway.stop(Duration::from_secs(20))?;
        let before = Held::read(&launch.ledger)?;
        let first: BTreeSet<u64> = before.entries.iter().map(|entry| entry.seq).collect();
        // The disk as it was; in half of the trials its newest words on how far it reached come with it.
        let mark = std::fs::read(launch.ledger.join("high-water"))?;
        put(&old, &launch.state)?;
        let knows = dice.falls(1, 2);
        if knows {
            std::fs::write(launch.ledger.join("high-water"), mark)?;
        }
        let gateway = launch.ready()?;
        gateway.until(20, "it goes on after the image", |status| status.captured > 5)?;
        std::thread::sleep(Duration::from_secs(3));
        let log = gateway.log();
        gateway.kill();
        let what = format!(
            "trial {}, {}",
            tally.trials,
            if knows { "with its mark" } else { "as a whole" }
        );
        let after = Held::read(&launch.ledger)?;
        if knows {
            if after.count("epoch", "restored-image") != 1 {
                tally.complain(format!("{what}: no new epoch: {:?}", after.report.epochs));
            }
            let reused = after
                .entries
                .iter()
                .filter(|entry| entry.epoch > 1 && first.contains(&entry.seq))
                .count();
            if reused > 0 {
                tally.complain(format!("{what}: {reused} numbers were given a second time"));
            }
        } else if !told_of_fork(&log) {
            // Nothing on the disk can know; the record store's receipts for pages this one made otherwise must tell.
            tally.complain(format!(
                "{what}: neither a new epoch nor a fork was told (reached {})",
                reached.captured
            ));
        }
        let kept = double.told(|told| {
            let same = |(place, bytes): (&(u64, u64), &Vec<u8>)| {
                told.pages
                    .iter()
                    .any(|((_, epoch, page), held)| (*epoch, *page) == *place && held == bytes)
            };
            before.pages.iter().all(same)
        });
        if !kept {
            tally.complain(format!("{what}: a page at the record store was overwritten"));
        }
        tally.trials += 1;
        tally.struck += 1;
    }
    tally.note = "a mark kept: a new epoch, no number twice; the whole image: the fork is told".into();
    Ok(tally)
}

/// Whether a gateway told that the record store holds another history.
fn told_of_fork(log: &str) -> bool {
    log.contains("fork") || log.contains("another seal")
}

fn clones(bench: &mut Bench) -> Done<Tally> {
    let Some(unshare) = which("unshare") else {
        return skipped("no unshare here (Debian: util-linux)");
    };
    if !rustix::process::geteuid().is_root() {
        return skipped("not root: two boxes with one path cannot be told apart");
    }
    let controllers = bench.controllers(2)?;
    let mut tally = Tally::default();
    while bench.goes_on(tally.trials) {
        let place = bench.place("clones")?;
        let double = Double::start(&bench.dice.for_trial(tally.trials))?;
        let key = place.join("store.jwks");
        double.write_key(&key)?;
        let setting = Setting {
            broker: format!("mqtt://127.0.0.1:{}", double.port),
            ..Setting::alone(key)
        };
        let launch = bench.launch(&place, &setting, &controllers)?;
        let gateway = launch.ready()?;
        gateway.until(20, "receipts come", |status| status.receipted > 10)?;
        gateway.stop(Duration::from_secs(20))?;
        let twin = place.join("twin");
        clear(&twin)?;
        Image::read(&launch.state)?.write(&twin)?;
        // The twin sees its own disk at the very same path, as a second box does.
        let bind = format!(
            "mount --bind {} {} && exec \"$@\"",
            twin.display(),
            launch.state.display()
        );
        let mut second = launch.clone();
        second.log = place.join("twin.log");
        second.ledger = twin.join("ledger");
        second.before = [
            unshare.as_os_str(),
            "-m".as_ref(),
            "sh".as_ref(),
            "-c".as_ref(),
            bind.as_ref(),
            "sh".as_ref(),
        ]
        .map(OsString::from)
        .to_vec();
        let (one, two) = (launch.ready()?, second.ready()?);
        let by = std::time::Instant::now() + Duration::from_secs(60);
        while !(told_of_fork(&one.log()) || told_of_fork(&two.log())) && std::time::Instant::now() < by {
            std::thread::sleep(Duration::from_millis(100));
        }
        let what = format!("trial {}", tally.trials);
        if !(told_of_fork(&one.log()) || told_of_fork(&two.log())) {
            tally.complain(format!("{what}: neither of two clones told anything within 60 s"));
        }
        if double.told(|told| told.forks.is_empty()) {
            tally.complain(format!("{what}: the record store saw no fork"));
        }
        one.kill();
        two.kill();
        for ledger in [&launch.ledger, &second.ledger] {
            let held = Held::read(ledger)?;
            if !held.report.problems.is_empty() {
                tally.unverified += 1;
                tally.complain(format!("{what}: {}", held.problems()));
            }
        }
        tally.trials += 1;
        tally.struck += 1;
    }
    tally.note = "the fork was told, both histories are whole".into();
    Ok(tally)
}
