//! Checking what lies closed: one segment after the other, each with the page that follows it, so that chain and torn
//! tails are checked across files, and no more than one file is ever in memory.

use super::{
    ledger::{self, file_name, segment_name},
    needs::Disk,
};
use record::{
    KeySet, Stamp,
    verify::{Check, Problem, Scope},
};
use std::io;

/// How far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Closed segments that were checked, and all there were when it began.
    pub checked: u64,
    pub all: u64,
    /// When it was through.
    pub finished: Option<Stamp>,
    /// Segments that do not hold.
    pub damaged: u64,
}

impl Progress {
    /// In whole percent.
    pub fn percent(&self) -> u64 {
        (self.checked * 100).checked_div(self.all).unwrap_or(100)
    }
}

/// Checks one segment: forms, leaves, roots, seals, keys, the chain within it and into the next. Returns what does not
/// hold, in the order in which it lies.
pub fn segment(disk: &dyn Disk, keys: &KeySet, number: u64) -> io::Result<Vec<Problem>> {
    let all = ledger::segments(disk)?;
    let Some(at) = all.iter().position(|(known, _)| *known == number) else {
        return Err(io::Error::new(io::ErrorKind::NotFound, segment_name(number)));
    };
    let mut check = Check::new(keys.clone()).scope(Scope::Part);
    let name = file_name(number, all[at].1);
    check.segment(&name, all[at].1);
    ledger::chunks_of(disk, &name, &mut |bytes, all| check.feed(bytes, all))?;
    for (next, compressed) in &all[at + 1..] {
        let name = file_name(*next, *compressed);
        let head = ledger::first_page(disk, *next, *compressed, |page| page.bytes().to_vec())?;
        // A segment that holds no page has nothing to say about this one, but for a torn tail of its own.
        if let Some(bytes) = head {
            check.segment(&name, *compressed);
            check.feed(&bytes, true);
            break;
        }
    }
    let mut problems = check.finish().problems;
    problems.retain(|problem| problem.segment == name || problem.offset == 0);
    Ok(problems)
}

/// One problem in one line.
pub fn words(problem: &Problem) -> String {
    format!("{} at {}: {}", problem.segment, problem.offset, problem.what)
}
