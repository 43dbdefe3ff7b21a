//! `kill -9` in the middle of storing: what was receipted is there, what comes again is not doubled.

use super::{
    kept::{open, take},
    plant::{Ledger, Scratch, enrolled},
};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const PLACE: &str = "STEELYARD_TEST_STORE_TO_KILL";
const PAGES: usize = 240;

fn pages() -> (Ledger, Vec<Vec<u8>>) {
    let mut line = Ledger::new("line-3", 1);
    let pages = (0..PAGES).map(|_| line.readings("B-1", 20)).collect();
    (line, pages)
}

/// The process that is killed: it runs only when the test below starts it. It sends everything from the
/// beginning, as a gateway without receipts does, and notes each page once its receipt is made.
#[tokio::test]
async fn the_store_that_is_killed() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let (line, pages) = pages();
    let enrolment = enrolled(&[&line]);
    let store = open(place.as_ref()).await;
    let mut noted = OpenOptions::new()
        .append(true)
        .create(true)
        .open(format!("{place}.receipts"))
        .unwrap();
    for (index, page) in pages.iter().enumerate() {
        let (_, words) = take(&store, &enrolment, &[page]).await;
        assert_eq!(words.len(), 1);
        writeln!(noted, "{}", index + 1).unwrap();
    }
}

/// The highest page whose receipt was noted. A line that was cut off was read by nobody.
fn receipted(database: &Path) -> u64 {
    let noted = fs::read_to_string(database.with_extension("sqlite.receipts")).unwrap_or_default();
    let whole = noted
        .split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'));
    whole.filter_map(|line| line.parse().ok()).max().unwrap_or(0)
}

#[tokio::test]
async fn a_killed_store_has_every_page_it_receipted_and_doubles_none() {
    let scratch = Scratch::new();
    let database = scratch.database();
    let (line, pages) = pages();
    let enrolment = enrolled(&[&line]);
    for round in 0..6_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::killed::the_store_that_is_killed"])
            .env(PLACE, &database)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while receipted(&database) < 30 * (round + 1) {
            assert!(
                begun.elapsed() < Duration::from_secs(30),
                "round {round}: the store does not get on"
            );
            sleep(Duration::from_micros(500 + 100 * round));
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let receipted = receipted(&database);
        let store = open(&database).await;
        let count = store.counts().await.unwrap().remove(0);
        assert!(
            count.pages >= receipted,
            "round {round}: {receipted} receipts, {} pages held",
            count.pages
        );
        assert!(
            count.pages < PAGES as u64,
            "round {round}: the kill came too late to prove anything"
        );
        assert_eq!(
            count.entries,
            count.pages * 20,
            "round {round}: a page without its entries"
        );
        assert_eq!(count.newest, (1, count.pages), "round {round}: a hole");
    }
    let store = open(&database).await;
    for page in &pages {
        take(&store, &enrolment, &[page]).await;
    }
    let counts = store.counts().await.unwrap();
    assert_eq!(
        (counts[0].pages, counts[0].entries),
        (PAGES as u64, PAGES as u64 * 20)
    );
}
