//! The golden ledgers: made from the design alone, by a program that shares no code with ours.

#![allow(clippy::unwrap_used)]

use crate::{
    key::KeySet,
    verify::{Check, Report},
};
use std::{fs, path::Path};

/// Every so many bits: no divisor of anything, so that every kind of place is visited. The mutants' chapter visits more.
const STEP: usize = if cfg!(debug_assertions) { 211 } else { 13 };

/// A ledger in memory: segments by name, keys, receipts.
#[derive(Clone)]
struct Ledger {
    segments: Vec<(String, Vec<u8>)>,
    keys: String,
    receipts: Vec<u8>,
}

fn golden(name: &str) -> Ledger {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/golden")
        .join(name);
    let mut segments: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "pages"))
        .map(|path| {
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .collect();
    segments.sort();
    let read = |file: &str| fs::read(dir.join(file)).unwrap();
    Ledger {
        segments,
        keys: String::from_utf8(read("keys.jwks")).unwrap(),
        receipts: read("receipts.jws"),
    }
}

fn check(ledger: &Ledger) -> Option<Report> {
    let mut check = Check::new(KeySet::read(&ledger.keys).ok()?);
    for (name, bytes) in &ledger.segments {
        check.segment(name, false);
        for chunk in bytes.chunks(1000) {
            check.feed(chunk, false);
        }
        check.feed(&[], true);
    }
    let lines = ledger
        .receipts
        .split(|byte| *byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.is_empty());
    lines.for_each(|(at, line)| check.receipt(line, at + 1));
    Some(check.finish())
}

fn holds(ledger: &Ledger) -> bool {
    check(ledger).is_some_and(|report| report.holds())
}

#[test]
fn the_golden_ledgers_are_whole_and_unaltered() {
    let one = check(&golden("ledger-1")).unwrap();
    assert_eq!(one.problems, []);
    assert_eq!(
        (
            one.pages,
            one.entries,
            one.receipts,
            one.unreceipted,
            one.bindings
        ),
        (12, 24, 12, 0, 2)
    );
    let closing = &one.closings[0];
    assert_eq!(
        (
            closing.batch.as_str(),
            closing.closing,
            closing.count,
            closing.holds
        ),
        ("B-2611-042", 1, 14, true)
    );
    assert_eq!(
        closing.root.to_string(),
        "yXdBjlmNjapfjNsvfSuVOkXSBnFfPqPISBpGPIAR3EQ"
    );
    assert_eq!(one.sealed_by.len(), 2, "the key changed once");

    let two = check(&golden("ledger-2")).unwrap();
    assert_eq!(two.problems, []);
    assert_eq!(
        (two.pages, two.entries, two.receipts, two.torn_tails),
        (7, 10, 7, 1)
    );
    assert_eq!(two.epochs, [(1, String::new()), (2, "restored-image".to_owned())]);
}

#[test]
fn no_flipped_bit_of_a_segment_or_receipt_goes_unseen() {
    for name in ["ledger-1", "ledger-2"] {
        let whole = golden(name);
        for segment in 0..whole.segments.len() {
            for bit in (0..whole.segments[segment].1.len() * 8).step_by(STEP) {
                let mut changed = whole.clone();
                changed.segments[segment].1[bit / 8] ^= 1 << (bit % 8);
                assert!(!holds(&changed), "{name}, segment {segment}, bit {bit}");
            }
        }
        for bit in (0..whole.receipts.len() * 8).step_by(STEP) {
            let mut changed = whole.clone();
            changed.receipts[bit / 8] ^= 1 << (bit % 8);
            assert!(!holds(&changed), "{name}, receipts, bit {bit}");
        }
    }
}

#[test]
fn no_line_of_a_segment_is_removed_doubled_or_swapped_unseen() {
    for name in ["ledger-1", "ledger-2"] {
        let whole = golden(name);
        for segment in 0..whole.segments.len() {
            let bytes = &whole.segments[segment].1;
            let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            let written = |line: &[u8]| line != b"\n";
            let refused = |what: &str, at: usize, lines: &[&[u8]]| {
                let mut changed = whole.clone();
                changed.segments[segment].1 = lines.concat();
                assert!(!holds(&changed), "{name}, segment {segment}, line {at} {what}");
            };
            for at in (0..lines.len()).filter(|at| written(lines[*at])) {
                let mut removed = lines.clone();
                removed.remove(at);
                refused("removed", at, &removed);
                let mut doubled = lines.clone();
                doubled.insert(at, lines[at]);
                refused("doubled", at, &doubled);
                for other in (at + 1..lines.len()).filter(|other| written(lines[*other])) {
                    let mut swapped = lines.clone();
                    swapped.swap(at, other);
                    refused("swapped", at, &swapped);
                }
            }
        }
    }
}

#[test]
fn no_flipped_bit_of_a_key_goes_unseen() {
    for name in ["ledger-1", "ledger-2"] {
        let whole = golden(name);
        for member in ["\"kty\"", "\"crv\"", "\"x\"", "\"kid\""] {
            for (at, _) in whole.keys.match_indices(member) {
                let end = at + whole.keys[at..].find('\n').unwrap();
                let value = whole.keys[at..end].trim_end_matches(',').len();
                for bit in at * 8..(at + value) * 8 {
                    let mut keys = whole.keys.clone().into_bytes();
                    keys[bit / 8] ^= 1 << (bit % 8);
                    // A blank before the value may become nothing else, and a bit that leaves JSON is refused there.
                    let Ok(keys) = String::from_utf8(keys) else {
                        continue;
                    };
                    assert!(
                        !holds(&Ledger {
                            keys,
                            ..whole.clone()
                        }),
                        "{name}, {member}, bit {}",
                        bit % 8
                    );
                }
            }
        }
    }
}

#[test]
fn receipts_are_a_set_and_a_missing_one_means_not_yet() {
    let mut ledger = golden("ledger-1");
    let mut lines: Vec<&[u8]> = ledger.receipts.split_inclusive(|byte| *byte == b'\n').collect();
    lines.reverse();
    lines.pop();
    ledger.receipts = lines.concat();
    let report = check(&ledger).unwrap();
    assert_eq!(report.problems, []);
    assert_eq!((report.receipts, report.unreceipted), (11, 1));
}
