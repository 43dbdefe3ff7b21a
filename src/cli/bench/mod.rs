//! The benchmarks that need no second program: the figures of the product, measured through the code that runs in
//! a plant, on the machine a person stands at. `docs/benchmarks.md` says how to repeat and read them.
//!
//! They measure and never judge: a figure below its target is a line like any other. They must never touch a
//! ledger that is there: everything happens in a directory of its own, which is removed at the end.

mod decode;
#[cfg(feature = "embedded-broker")]
mod drain;
mod far;
mod judge;
mod links;
mod nodes;
mod pages;
#[cfg(feature = "embedded-broker")]
mod seal;
mod segments;
mod start;
mod store;
mod sync;
mod verify;

use crate::ports::files;
use record::Trouble;
use serde_json::{Map, Value, json};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Their names, in the order in which they run.
pub(super) const NAMES: &[&str] = &[
    #[cfg(feature = "embedded-broker")]
    "seal",
    "sync",
    "verify",
    "decode",
    "nodes",
    "judge",
    "store",
    "start",
    "segments",
    #[cfg(feature = "embedded-broker")]
    "drain",
    "links",
];

/// One figure.
#[derive(Debug)]
pub(super) struct Figure {
    /// Of which benchmark: `seal`.
    pub name: &'static str,
    pub value: f64,
    /// `entries/s`.
    pub unit: &'static str,
    /// What it should reach, where the product promises it.
    pub target: Option<f64>,
    /// The target is what it may be at most.
    pub at_most: bool,
    /// Under which conditions, in words.
    pub said: String,
    /// The same for a script.
    pub conditions: Vec<(&'static str, f64)>,
}

impl Figure {
    fn reached(&self) -> Option<bool> {
        self.target.map(|target| {
            if self.at_most {
                self.value <= target
            } else {
                self.value >= target
            }
        })
    }

    /// One line for people.
    pub(super) fn words(&self) -> String {
        let figure = format!("{} {}", grouped(self.value), self.unit);
        let target = match (self.target, self.reached()) {
            (Some(target), Some(true)) => format!("target {}, reached", grouped(target)),
            (Some(target), _) => format!("target {}, missed", grouped(target)),
            (None, _) => "no target".to_owned(),
        };
        format!("{:<7} {figure:>20}   {target:<24} {}", self.name, self.said)
    }

    /// One object for scripts.
    pub(super) fn as_json(&self) -> Value {
        let numbers = self
            .conditions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)));
        json!({
            "name": self.name,
            "figure": (self.value * 10.0).round() / 10.0,
            "unit": self.unit,
            "target": self.target,
            "reached": self.reached(),
            "says": self.said,
            "conditions": numbers.collect::<Map<_, _>>(),
        })
    }
}

/// What a person asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// Where files are made.
    pub place: &'a Path,
    /// How long each stretch takes, about.
    pub length: Duration,
    /// A PostgreSQL server to measure as well.
    pub server: Option<&'a str>,
    /// Entries that wait before the drain.
    pub backlog: u64,
    /// Entries of the ledger that `start` starts on.
    pub entries: u64,
}

/// Measures one of [`NAMES`].
pub(super) async fn measure(name: &str, wish: &Wish<'_>) -> Result<Vec<Figure>, Trouble> {
    let Wish { place, length, .. } = *wish;
    match name {
        "start" => Ok(vec![start::measure(&place.join(name), wish.entries).await?]),
        #[cfg(feature = "embedded-broker")]
        "seal" => Ok(vec![seal::measure(&place.join(name), length).await?]),
        "sync" => {
            let place = place.join(name);
            Ok(vec![beside(move || sync::measure(&place, length)).await?])
        }
        "decode" => beside(move || decode::measure(length)).await,
        "nodes" => beside(move || nodes::measure(length)).await,
        "links" => links::measure(length).await,
        "judge" => Ok(vec![beside(move || judge::measure(length)).await?]),
        "verify" => beside(move || verify::measure(length)).await,
        "segments" => {
            let place = place.join(name);
            beside(move || segments::measure(&place)).await
        }
        #[cfg(feature = "embedded-broker")]
        "drain" => drain::measure(&place.join(name), wish.backlog, length).await,
        _ => store::measure(&place.join(name), wish.server, length).await,
    }
}

/// Work that does not wait for anything runs beside the tasks, as in the daemon.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(not_measured("a part of the benchmark ended before its end")))
}

fn not_measured(why: impl std::fmt::Display) -> Trouble {
    Trouble::new("not-measured", format!("this could not be measured: {why}"))
        .means("there is no figure; no ledger of a plant was touched")
        .so("name a directory with room on the disk in question: steelyard bench --data DIR")
}

/// A directory of its own, removed with everything in it when it is dropped.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    /// Makes it below this directory.
    pub(super) fn below(directory: &Path) -> Result<Self, Trouble> {
        let path = directory.join(format!("steelyard-bench-{}", std::process::id()));
        files::make_directory(&path).map_err(|error| not_measured(error).at(path.display()))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // holds because what could not be removed stands where the output says
        let _ = files::remove_directory(&self.0);
    }
}

/// `1234567.8` as `1,234,568`; below a thousand with one digit behind the point.
fn grouped(value: f64) -> String {
    if value < 1000.0 {
        return format!("{value:.1}").trim_end_matches(".0").to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn per_second(count: u64, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_figure_is_read_at_a_glance() {
        let figure = |value, target| Figure {
            name: "seal",
            value,
            unit: "entries/s",
            target,
            at_most: false,
            said: "240 entries a page".into(),
            conditions: vec![("pages", 12.0)],
        };
        assert_eq!(
            figure(123_456.7, Some(100_000.0)).words(),
            "seal       123,457 entries/s   target 100,000, reached  240 entries a page"
        );
        assert!(
            figure(99_999.0, Some(100_000.0))
                .words()
                .contains("target 100,000, missed")
        );
        assert!(figure(81.24, None).words().contains("81.2 entries/s   no target"));
        let object = figure(99_999.0, Some(100_000.0)).as_json();
        assert_eq!(
            (&object["reached"], &object["conditions"]["pages"]),
            (&json!(false), &json!(12.0))
        );
    }

    #[test]
    fn what_a_benchmark_wrote_is_gone_afterwards() {
        let place = Place::below(&std::env::temp_dir()).unwrap();
        let path = place.path().to_owned();
        files::make_directory(&path.join("seal")).unwrap();
        assert!(path.is_dir());
        drop(place);
        assert!(!path.exists());
    }

    #[test]
    fn a_ledger_made_for_measuring_holds_like_any_other() {
        for (each, pages) in [(1, 7), (250, 3)] {
            let made = pages::Ledger::made(each, pages).unwrap();
            let report = made.check();
            assert!(report.holds(), "{:?}", report.problems);
            assert_eq!((report.pages, report.entries), (pages, pages * each as u64));
        }
    }

    #[test]
    fn one_entry_a_page_is_measured_beside_its_disk() {
        let place = Place::below(&std::env::temp_dir().join("one-entry-a-page")).unwrap();
        let figure = sync::measure(&place.path().join("sync"), Duration::from_millis(200)).unwrap();
        let of = |name: &str| {
            figure
                .conditions
                .iter()
                .find(|(known, _)| *known == name)
                .unwrap()
                .1
        };
        assert!(of("pages") > 0.0 && of("disk_syncs_per_second") > 0.0);
        let ratio = of("pages_per_second") / of("disk_syncs_per_second") * 100.0;
        assert!((figure.value - ratio).abs() < 0.001, "{figure:?}");
    }

    #[cfg(feature = "embedded-broker")]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_entry_that_was_sealed_for_the_figure_arrives_at_the_subscriber() {
        let place = Place::below(&std::env::temp_dir().join("sealed-and-published")).unwrap();
        let figure = seal::measure(&place.path().join("seal"), Duration::from_millis(300))
            .await
            .unwrap();
        let of = |name: &str| {
            figure
                .conditions
                .iter()
                .find(|(known, _)| *known == name)
                .unwrap()
                .1
        };
        assert!(figure.value > 0.0 && of("entries") > 0.0);
        assert!(of("entries") / of("seconds") - figure.value < 1.0, "{figure:?}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_start_is_measured_on_a_ledger_that_holds_and_a_thousand_open_steps() {
        let place = Place::below(&std::env::temp_dir().join("grown-ledger")).unwrap();
        let figure = start::measure(&place.path().join("start"), 3_000).await.unwrap();
        let of = |name: &str| {
            let all = figure.conditions.iter();
            all.clone().find(|(known, _)| *known == name).unwrap().1
        };
        assert_eq!((of("open_steps"), of("units")), (1000.0, 50.0));
        let ledger = place.path().join("start/bench.ledger");
        let folder = crate::ports::disk::Directory::look(&ledger).unwrap();
        let folder = crate::evidence::Folder::open(&folder).unwrap();
        let finding = crate::evidence::verify(&folder, "bench", &crate::evidence::Expected::default());
        assert!(finding.holds(), "{}", finding.words());
        assert!(finding.report.entries > 3_000, "{}", finding.report.entries);
    }

    #[test]
    fn registers_become_readings_while_they_are_counted() {
        let figures = decode::measure(Duration::from_millis(50)).unwrap();
        assert_eq!(figures.len(), 2);
        assert!(figures.iter().all(|figure| figure.value > 0.0), "{figures:?}");
    }

    #[test]
    fn a_closed_segment_is_weighed_by_its_entries() {
        let place = Place::below(&std::env::temp_dir().join("segments")).unwrap();
        let figures = segments::weigh(&place.path().join("segments"), 1 << 20).unwrap();
        let bytes: Vec<f64> = figures.iter().map(|figure| figure.value).collect();
        assert_eq!(bytes.len(), 3);
        // many on a page share its seal, and no entry is without its salt
        assert!(
            bytes[0] > bytes[1] && bytes[1] > bytes[2] && bytes[2] > 16.0,
            "{figures:?}"
        );
    }

    #[cfg(feature = "embedded-broker")]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_backlog_is_drained_while_pages_go_on_to_be_captured() {
        let place = Place::below(&std::env::temp_dir().join("drained")).unwrap();
        let figures = drain::measure(&place.path().join("drain"), 4_000, Duration::from_millis(800))
            .await
            .unwrap();
        assert_eq!(figures.len(), 2);
        assert!(figures.iter().all(|figure| figure.value > 0.0), "{figures:?}");
    }

    #[tokio::test]
    async fn the_record_store_is_measured_on_pages_it_takes() {
        let place = Place::below(&std::env::temp_dir().join("record-store")).unwrap();
        let figures = store::measure(&place.path().join("store"), None, Duration::from_millis(50))
            .await
            .unwrap();
        assert_eq!(figures.len(), 3);
        assert!(figures.iter().all(|figure| figure.value > 0.0), "{figures:?}");
    }
}
