//! Drills: the outage, the power cut and the full disk, played on this machine with the parts that run in a plant, and
//! counted afterwards: what was captured, what the record store holds, and whether the ledger verifies.
//!
//! Everything happens in a folder of its own below the one that is named; no ledger of a plant is touched.

mod full;
mod line;
mod outage;
mod power;

use crate::{
    evidence::{self, Expected, Folder},
    flow::needs::Disk,
    ports::{disk::Directory, files},
};
pub(super) use power::write_until_killed;
use record::Trouble;
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::Duration,
};

/// Their names.
pub(super) const NAMES: &[&str] = &["outage", "power", "full"];

/// What came of a drill.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub drill: &'static str,
    /// Entries that were said to be captured.
    pub captured: u64,
    /// Of them, those that are nowhere any more.
    pub lost: u64,
    /// Entries that are there twice.
    pub doubled: u64,
    /// Whether the ledger verifies, whole.
    pub verified: bool,
    /// What else has to be so, and whether it was.
    pub also: Vec<(String, bool)>,
    /// What happened, in the order it did.
    pub story: Vec<String>,
    /// Figures for a script.
    pub figures: Vec<(&'static str, f64)>,
    pub place: PathBuf,
}

impl Outcome {
    /// Nothing lost, nothing doubled, verified, and everything else as it should be.
    pub(super) fn passed(&self) -> bool {
        self.captured > 0
            && self.lost == 0
            && self.doubled == 0
            && self.verified
            && self.also.iter().all(|(_, so)| *so)
    }

    /// One page for people.
    pub(super) fn words(&self) -> String {
        let mark = |so: bool| if so { "yes" } else { "NO " };
        let mut text = format!("Drill: {}\n\nWhat happened\n", self.drill);
        for line in &self.story {
            text.push_str(&format!("  {line}\n"));
        }
        text.push_str("\nWhat came of it\n");
        text.push_str(&format!(
            "  {:>10} entries were said to be captured\n",
            self.captured
        ));
        text.push_str(&format!("  {:>10} of them are lost\n", self.lost));
        text.push_str(&format!("  {:>10} are there twice\n", self.doubled));
        text.push_str(&format!(
            "  {:>10} the ledger verifies: forms, leaves, roots, seals and chain of every page\n",
            mark(self.verified)
        ));
        for (says, so) in &self.also {
            text.push_str(&format!("  {:>10} {says}\n", mark(*so)));
        }
        let end = if self.passed() {
            "PASSED. The folder of the drill is removed."
        } else {
            "FAILED. The folder of the drill is kept:"
        };
        text.push_str(&format!("\n{end}"));
        if !self.passed() {
            text.push_str(&format!(
                "\n  {}\nKeep it, and report it with the output of `steelyard verify`: nothing of this may happen.",
                self.place.display()
            ));
        }
        text
    }

    /// One object for scripts.
    pub(super) fn as_json(&self) -> Value {
        let mut object = json!({
            "drill": self.drill,
            "captured": self.captured,
            "lost": self.lost,
            "doubled": self.doubled,
            "verified": self.verified,
            "passed": self.passed(),
            "also": self.also.iter().map(|(says, so)| json!({ "says": says, "holds": so })).collect::<Vec<_>>(),
        });
        for (name, value) in &self.figures {
            object[*name] = json!(value);
        }
        if !self.passed() {
            object["place"] = json!(self.place.display().to_string());
        }
        object
    }
}

/// Runs one of [`NAMES`] in a new folder below `on`.
pub(super) async fn run(name: &str, on: &Path, tell: &dyn Fn(&str)) -> Result<Outcome, Trouble> {
    let place = on.join(format!("steelyard-drill-{name}-{}", std::process::id()));
    files::make_directory(&place).map_err(|error| not_drilled(error).at(place.display()))?;
    let drilled = match name {
        "outage" => Box::pin(outage::drill(&place, tell)).await,
        "power" => power::drill(&place, tell).await,
        _ => Box::pin(full::drill(&place, tell)).await,
    };
    let keep = matches!(&drilled, Ok(outcome) if !outcome.passed());
    if !keep {
        // holds because what could not be removed stands where the folder was named
        let _ = files::remove_directory(&place);
    }
    drilled.map(|outcome| Outcome { place, ..outcome })
}

fn not_drilled(why: impl std::fmt::Display) -> Trouble {
    Trouble::new("not-drilled", format!("this could not be drilled: {why}"))
        .means("nothing is proven, and nothing is disproven; no ledger of a plant was touched")
        .so("name a folder on the disk in question, with room and for you to write: steelyard drill NAME --on DIR")
}

/// What a ledger holds: whether it verifies, its last entry, and how many numbers stand there twice.
struct Looked {
    verified: bool,
    last: u64,
    entries: u64,
    doubled: u64,
    /// The words of a verifier that found something.
    words: String,
}

fn look(ledger: &Path) -> Result<Looked, Trouble> {
    let disk = Directory::look(ledger)?;
    let folder = Folder::open(&disk)?;
    let finding = evidence::verify(&folder, &ledger.display().to_string(), &Expected::default());
    let (mut seen, mut doubled, mut last) = (HashSet::new(), 0, 0);
    Folder::open(&disk)?.each_page(|page| {
        for line in page.entries() {
            doubled += u64::from(!seen.insert(line.seq()));
            last = last.max(line.seq());
        }
    })?;
    Ok(Looked {
        verified: finding.holds(),
        last,
        entries: seen.len() as u64,
        doubled,
        words: finding.words(),
    })
}

/// How many entries of a ledger are of this kind and for this reason.
fn entries_of(ledger: &Path, kind: &str, because: &str) -> Result<u64, Trouble> {
    let disk = Directory::look(ledger)?;
    let mut found = 0;
    Folder::open(&disk)?.each_page(|page| {
        let fits = page.entries();
        found += fits
            .filter(|line| line.kind() == kind && line.raw("because") == Some(because))
            .count() as u64;
    })?;
    Ok(found)
}

fn free_on(place: &Path) -> Result<u64, Trouble> {
    Directory::look(place)?.free().map_err(not_drilled)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_passes_only_when_nothing_is_lost_or_doubled_and_all_else_holds() {
        let good = || Outcome {
            drill: "power",
            captured: 10,
            verified: true,
            also: vec![("it resumed by itself".into(), true)],
            ..Outcome::default()
        };
        assert!(good().passed());
        for spoil in [
            |outcome: &mut Outcome| outcome.captured = 0,
            |outcome: &mut Outcome| outcome.lost = 1,
            |outcome: &mut Outcome| outcome.doubled = 1,
            |outcome: &mut Outcome| outcome.verified = false,
            |outcome: &mut Outcome| outcome.also[0].1 = false,
        ] {
            let mut outcome = good();
            spoil(&mut outcome);
            assert!(!outcome.passed(), "{outcome:?}");
            assert!(outcome.words().contains("FAILED"), "{}", outcome.words());
            assert_eq!(outcome.as_json()["passed"], false);
        }
        assert!(good().words().contains("PASSED"));
    }
}
