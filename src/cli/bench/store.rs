//! The record store: pages from memory, judged, kept in SQLite on this disk or on a PostgreSQL server, receipts signed.

use super::{
    Figure, beside, not_measured,
    pages::{Pages, key},
};
use crate::{
    flow::needs::Random,
    ports::{clock::SystemClock, files, random::SystemRandom, store_postgresql::Address},
    store::{Database, Enrolled, Enrolment, bench},
};
use record::{Signer, Trouble};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Entries a page: a fast line, and what the figures are promised for.
const EACH: &[usize] = &[200, 100, 20];
/// As many to a commit as the running store takes when so many wait.
const TOGETHER: usize = 128;

/// On SQLite, and, where a server is named, on PostgreSQL. Its database has to be empty or of `use` demo: a record
/// store never mixes uses, so a plant's own is refused.
pub(super) async fn measure(
    place: &Path,
    server: Option<&str>,
    length: Duration,
) -> Result<Vec<Figure>, Trouble> {
    files::make_directory(place).map_err(not_measured)?;
    let mut figures = Vec::new();
    for each in EACH {
        let database = Database::Sqlite(place.join(format!("store-{each}.sqlite")));
        figures.push(one(&database, *each, length).await?);
        if let Some(url) = server {
            let database = Database::Postgresql(Address {
                url: url.to_owned(),
                password: None,
                trust: None,
            });
            figures.push(one(&database, *each, length).await?);
        }
    }
    Ok(figures)
}

/// About so long: the pages are made before, so many that the rate of a first stretch fills the time.
async fn one(database: &Database, each: usize, length: Duration) -> Result<Figure, Trouble> {
    let (gateway, receipts, name) = (key()?, key()?, random_name()?);
    let enrolled = Enrolled {
        keys: vec![gateway.public().clone()],
        ledgers: Vec::new(),
    };
    let enrolment = Enrolment {
        usage: "demo".to_owned(),
        gateways: BTreeMap::from([(name.clone(), enrolled)]),
    };
    let store = database.open("demo").await?;
    let clock = SystemClock::new();
    let mut pages = Pages::of(gateway, each, &name);
    let (mut stored, mut took, mut many) = (0, Duration::ZERO, TOGETHER);
    let (mut held, mut bytes) = (0, 0);
    while took < length {
        let (made, back) = beside(move || {
            let made: Result<Vec<_>, _> = (0..many).map(|_| pages.next().map(|page| page.bytes)).collect();
            Ok((made?, pages))
        })
        .await?;
        pages = back;
        bytes += made.iter().map(Vec::len).sum::<usize>();
        held += made.len();
        let measured = bench::ingest(&*store, &enrolment, receipts.as_ref(), &clock, made, TOGETHER).await?;
        if measured.pages != many as u64 {
            return Err(not_measured("the record store did not take every page"));
        }
        stored += measured.entries;
        took += measured.took;
        many = 4 * TOGETHER;
    }
    let (engine, target) = match database {
        Database::Sqlite(_) => ("SQLite", 100_000.0),
        Database::Postgresql(_) => ("PostgreSQL", 50_000.0),
    };
    Ok(Figure {
        name: "store",
        value: super::per_second(stored, took),
        unit: "entries/s",
        target: (each >= 100).then_some(target),
        at_most: false,
        said: format!(
            "{engine}: {each} entries a page, {} pages/s, {:.0} bytes a page, {TOGETHER} pages a commit, synced, receipts signed",
            super::grouped(super::per_second(held as u64, took)),
            bytes as f64 / held.max(1) as f64
        ),
        conditions: vec![
            ("entries", stored as f64),
            ("entries_per_page", each as f64),
            ("pages_per_second", super::per_second(held as u64, took)),
            ("bytes_per_page", bytes as f64 / held.max(1) as f64),
            ("pages_per_commit", TOGETHER as f64),
            ("seconds", took.as_secs_f64()),
        ],
    })
}

/// A server may hold what an earlier measurement left: each has a gateway of its own.
fn random_name() -> Result<String, Trouble> {
    let mut bytes = [0; 6];
    SystemRandom.fill(&mut bytes)?;
    Ok(format!("bench-{}", record::b64::encode(&bytes)))
}
