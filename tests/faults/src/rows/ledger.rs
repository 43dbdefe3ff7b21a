//! Rows 11 and 12: a closed ledger with one bit turned, and with its parts taken away, doubled, swapped. Through the
//! verifier in this process, and at times through the program.

use super::Row;
use crate::{
    bench::Bench,
    ledger::{Held, segments},
    outcome::{Done, Tally, failed},
};
use record::{KeySet, Piece, Scanner};
use std::{fs, path::PathBuf, process::Command, time::Duration};

pub(super) const BITS: Row = Row {
    number: 11,
    name: "one bit turned in a closed ledger",
    // At night every bit: more trials than bits end with the last bit.
    trials: [2000, 8 << 20, 24 << 20],
    run: bits,
};
pub(super) const MUTANTS: Row = Row {
    number: 12,
    name: "pages and segments taken away, doubled, swapped, cut",
    trials: [500, 10_000, 100_000],
    run: mutants,
};

/// A ledger made for this: closed in order, two runs. Its segments without the blank ends, and its keys.
fn closed(bench: &Bench, name: &str, entries: u64) -> Done<(Vec<(PathBuf, Vec<u8>)>, KeySet, PathBuf)> {
    let place = bench.place(name)?;
    let launch = bench.alone(&place, &bench.controllers(4)?)?;
    for run in 1..=2 {
        let gateway = launch.ready()?;
        gateway.until(120, "the ledger grows", |status| {
            status.captured >= entries * run / 2
        })?;
        gateway.stop(Duration::from_secs(20))?;
    }
    let mut all = segments(&launch.ledger)?;
    for (_, bytes) in &mut all {
        let end = bytes
            .iter()
            .rposition(|byte| *byte != b'\n')
            .map_or(0, |end| end + 2);
        bytes.truncate(end);
    }
    let keys = KeySet::read(&fs::read_to_string(launch.ledger.join("keys.jwks"))?)?;
    let whole = Held::of(&all, keys.clone())?;
    if !whole.report.holds() {
        return failed(format!("the ledger itself does not hold: {}", whole.problems()));
    }
    Ok((all, keys, launch.ledger))
}

fn bits(bench: &mut Bench) -> Done<Tally> {
    let (mut all, keys, ledger) = closed(bench, "bits", 60)?;
    // Every bit that is not blank: in a blank a line feed stands for nothing, which is looked at too, but once a page.
    let mut places: Vec<(usize, usize)> = Vec::new();
    for (segment, (_, bytes)) in all.iter().enumerate() {
        let interesting =
            |at: &usize| bytes[*at] != b'\n' || at.is_multiple_of(97) || *at > 0 && bytes[at - 1] != b'\n';
        places.extend((0..bytes.len()).filter(interesting).map(|at| (segment, at)));
    }
    let total = places.len() as u64 * 8;
    let step = (total / bench.trials.max(1)).max(1);
    let (mut tally, mut at) = (Tally::default(), bench.dice.below(step));
    while at < total && bench.goes_on(tally.trials) {
        let (segment, byte) = places[(at / 8) as usize];
        all[segment].1[byte] ^= 1 << (at % 8);
        let turned = Held::of(&all, keys.clone())?;
        all[segment].1[byte] ^= 1 << (at % 8);
        tally.trials += 1;
        if turned.report.problems.is_empty() {
            tally.unverified += 1;
            tally.complain(format!(
                "bit {} of byte {byte} of segment {segment} was turned unseen",
                at % 8
            ));
        } else {
            tally.struck += 1;
        }
        at += step;
    }
    // A few of them through the program itself, which must say so by its exit code and name the segment.
    let mut by_program = 0;
    for (segment, byte) in places.iter().step_by(places.len() / 8 + 1) {
        let path = &all[*segment].0;
        let whole = fs::read(path)?;
        let mut turned = whole.clone();
        turned[*byte] ^= 4;
        fs::write(path, turned)?;
        let said = Command::new(&bench.steelyard)
            .arg("verify")
            .arg(&ledger)
            .output()?;
        fs::write(path, whole)?;
        let words = String::from_utf8_lossy(&said.stdout).into_owned();
        if said.status.code() != Some(1) || !words.contains("segment-") {
            tally.complain(format!(
                "byte {byte}: `steelyard verify` ended with {:?}: {words}",
                said.status.code()
            ));
        }
        by_program += 1;
    }
    tally.note = format!("{total} bits, every {step}. of them; {by_program} through `steelyard verify`");
    Ok(tally)
}

fn mutants(bench: &mut Bench) -> Done<Tally> {
    let (all, keys, _) = closed(bench, "mutants", 120)?;
    let mut pages: Vec<Vec<u8>> = Vec::new();
    for (_, bytes) in &all {
        let mut scanner = Scanner::default();
        scanner.begin();
        scanner.feed(bytes, true, |piece| {
            if let Piece::Page(_, page) = piece {
                pages.push(page.bytes().to_vec());
            }
        });
    }
    let name = PathBuf::from("segment-000001.pages");
    let whole = Held::of(&[(name.clone(), pages.concat())], keys.clone())?;
    if !whole.report.holds() {
        return failed(format!("the pages alone do not hold: {}", whole.problems()));
    }
    let (mut tally, count) = (Tally::default(), pages.len() as u64);
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(tally.trials);
        let mut mutant = pages.clone();
        let (one, other) = (dice.below(count) as usize, dice.below(count) as usize);
        let what = match dice.below(6) {
            // The end alone may be missing unseen: a chain cannot see it. That is what receipts and the mark are for.
            0 if one + 1 < mutant.len() => {
                mutant.remove(one);
                "taken away"
            }
            1 if one != other => {
                mutant.swap(one, other);
                "swapped"
            }
            2 => {
                let page = mutant[one].clone();
                mutant.insert(one, page);
                "doubled"
            }
            3 if one != other => {
                mutant[one] = mutant[other].clone();
                "replaced by another"
            }
            4 => {
                let upto = dice.from_to(1, mutant[one].len() as u64 - 2) as usize;
                mutant[one].truncate(upto);
                "cut short"
            }
            _ => {
                let mut lines: Vec<Vec<u8>> = mutant[one]
                    .split_inclusive(|byte| *byte == b'\n')
                    .map(<[u8]>::to_vec)
                    .collect();
                let line = dice.below(lines.len() as u64) as usize;
                lines.remove(line);
                mutant[one] = lines.concat();
                "short of a line"
            }
        };
        let found = Held::of(&[(name.clone(), mutant.concat())], keys.clone())?;
        tally.trials += 1;
        if found.report.problems.is_empty() && mutant != pages {
            tally.unverified += 1;
            tally.complain(format!(
                "trial {}: page {one} {what}, and nobody saw it",
                tally.trials
            ));
        }
        tally.struck += 1;
    }
    tally.note = format!("{count} pages; taken away, doubled, swapped, replaced, cut short, short of a line");
    Ok(tally)
}
