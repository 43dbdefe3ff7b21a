//! The record store: pages from memory, judged, kept in SQLite on this disk, receipts signed.

use super::{
    Figure, beside, not_measured,
    pages::{GATEWAY, Pages, key},
};
use crate::{
    ports::{clock::SystemClock, files, store_sqlite::StoreSqlite},
    store::{Enrolled, Enrolment, bench, schema},
};
use record::{Signer, Trouble};
use std::{collections::BTreeMap, path::Path, time::Duration};

const EACH: usize = 200;
/// As many to a commit as the running store takes when so many wait.
const TOGETHER: usize = 128;

/// About so long: the pages are made before, so many that the rate of a first stretch fills the time.
pub(super) async fn measure(place: &Path, length: Duration) -> Result<Figure, Trouble> {
    files::make_directory(place).map_err(not_measured)?;
    let (gateway, receipts) = (key()?, key()?);
    let enrolled = Enrolled {
        keys: vec![gateway.public().clone()],
        ledgers: Vec::new(),
    };
    let enrolment = Enrolment {
        usage: "demo".to_owned(),
        gateways: BTreeMap::from([(GATEWAY.to_owned(), enrolled)]),
    };
    let store = StoreSqlite::open(&place.join("store.sqlite"), "demo", schema()).await?;
    let clock = SystemClock::new();
    let mut pages = Pages::new(gateway, EACH);
    let (mut stored, mut took, mut many) = (0, Duration::ZERO, TOGETHER);
    while took < length {
        let (made, back) = beside(move || {
            let made: Result<Vec<_>, _> = (0..many).map(|_| pages.next().map(|page| page.bytes)).collect();
            Ok((made?, pages))
        })
        .await?;
        pages = back;
        let measured = bench::ingest(&store, &enrolment, receipts.as_ref(), &clock, made, TOGETHER).await?;
        if measured.pages != many as u64 {
            return Err(not_measured("the record store did not take every page"));
        }
        stored += measured.entries;
        took += measured.took;
        many = 4 * TOGETHER;
    }
    Ok(Figure {
        name: "store",
        value: super::per_second(stored, took),
        unit: "entries/s",
        target: None,
        at_most: false,
        said: format!("{EACH} entries a page, {TOGETHER} pages a commit, SQLite synced, receipts signed"),
        conditions: vec![
            ("entries", stored as f64),
            ("entries_per_page", EACH as f64),
            ("pages_per_commit", TOGETHER as f64),
            ("seconds", took.as_secs_f64()),
        ],
    })
}
