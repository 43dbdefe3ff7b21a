//! What is kept is kept once, byte for byte, and found again.

use super::plant::{Ledger, NOW, Scratch, enrolled, key, reading, receipt_key};
use record::{Draft, Page, Signer, StoreWord, Tree};
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use std::{path::Path, sync::Arc, time::Duration};
use steelyard::{
    flow::needs::{PageId, PageStore},
    ports::{
        clock::SystemClock,
        store_postgresql::{Address, StorePostgresql},
        store_sqlite::StoreSqlite,
    },
    store::{
        Database, Enrolment,
        act::{self, Made},
        bench, find, judge,
    },
};

/// The store under test: a SQLite file, or a database of that name on the server that
/// `STEELYARD_TEST_POSTGRESQL` names (`postgresql://postgres@127.0.0.1:5432`).
pub(super) async fn database(path: &Path) -> Database {
    let Ok(server) = std::env::var("STEELYARD_TEST_POSTGRESQL") else {
        return Database::Sqlite(path.to_owned());
    };
    let name: String = path
        .parent()
        .unwrap()
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .replace('-', "_");
    let mut connection = PgConnection::connect(&format!("{server}/postgres"))
        .await
        .unwrap();
    // that it is there already is as good
    let _ = raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await;
    Database::Postgresql(Address {
        url: format!("{server}/{name}"),
        password: None,
        trust: None,
    })
}

pub(super) async fn open(path: &Path) -> Arc<dyn PageStore> {
    database(path).await.open("demo").await.unwrap()
}

/// One act: these pages in one commit. What it made of them, and its words, checked.
pub(super) async fn take(
    store: &Arc<dyn PageStore>,
    enrolment: &Enrolment,
    pages: &[&[u8]],
) -> (Made, Vec<StoreWord>) {
    take_at(store, enrolment, pages, 0).await
}

async fn take_at(
    store: &Arc<dyn PageStore>,
    enrolment: &Enrolment,
    pages: &[&[u8]],
    ms: i64,
) -> (Made, Vec<StoreWord>) {
    let signer = receipt_key();
    let arrived = pages
        .iter()
        .map(|page| judge::open("line-3", page.to_vec()))
        .collect();
    let (made, replies) = act::take(&**store, enrolment, &signer, arrived, NOW.plus_ms(ms))
        .await
        .unwrap();
    let known = |kid: &record::Hash| (*kid == signer.public().thumbprint()).then(|| signer.public());
    (
        made,
        replies
            .iter()
            .map(|(_, line)| StoreWord::read(line, known).unwrap())
            .collect(),
    )
}

fn made(pages: u64, entries: u64, known: u64) -> Made {
    Made {
        pages,
        entries,
        known,
        ..Made::default()
    }
}

#[tokio::test]
async fn a_page_sent_twice_is_stored_once_and_receipted_twice_alike() {
    let scratch = Scratch::new();
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let (one, two) = (line.readings("B-1", 3), line.readings("B-1", 2));
    let store = open(&scratch.database()).await;
    let (first, receipts) = take(&store, &enrolment, &[&one, &two, &one]).await;
    assert_eq!(first, made(2, 5, 1), "also within one act");
    assert_eq!(receipts.len(), 3);
    let StoreWord::Receipt(receipt) = &receipts[0] else {
        panic!("{receipts:?}")
    };
    assert_eq!(
        (receipt.page, receipt.seal),
        (1, Page::read(&one).unwrap().seal().hash())
    );
    drop(store);

    let store = open(&scratch.database()).await;
    let (again, second) = take_at(&store, &enrolment, &[&one, &two], 60_000).await;
    assert_eq!(again, made(0, 0, 2));
    assert_eq!(
        second[..],
        receipts[..2],
        "the same words, with the time of the first"
    );
    let counts = store.counts().await.unwrap();
    assert_eq!(
        (counts.len(), counts[0].pages, counts[0].entries, counts[0].newest),
        (1, 2, 5, (1, 2))
    );
    let id = PageId {
        gateway: "line-3".into(),
        ledger: line.id.clone(),
        epoch: 1,
        page: 2,
    };
    assert_eq!(store.page(&id).await.unwrap(), Some(two), "byte for byte");
}

#[tokio::test]
async fn what_was_begun_and_not_committed_never_was() {
    let scratch = Scratch::new();
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let page = line.readings("B-1", 3);
    let store = open(&scratch.database()).await;
    let judge::Arrived::Page(opened) = judge::open("line-3", page.clone()) else {
        panic!()
    };
    let mut work = store.begin().await.unwrap();
    work.keep(&[opened.into_row(NOW)]).await.unwrap();
    drop(work);
    assert!(store.counts().await.unwrap().is_empty());
    assert_eq!(
        take(&store, &enrolment, &[&page]).await.0,
        made(1, 3, 0),
        "and the store goes on"
    );
}

#[tokio::test]
async fn a_fork_is_kept_beside_the_page_it_contradicts_and_refused() {
    let scratch = Scratch::new();
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let store = open(&scratch.database()).await;
    let mut clone = line.copy();
    let (here, there) = (line.readings("B-1", 1), clone.readings("B-2", 1));
    let (both, words) = take(&store, &enrolment, &[&here, &there]).await;
    assert_eq!((both.pages, both.forks), (1, 1));
    let [StoreWord::Receipt(receipt), StoreWord::Refusal(refusal)] = &words[..] else {
        panic!("{words:?}")
    };
    assert_ne!(receipt.seal, refusal.page.seal);
    assert!(
        refusal.because.contains("is held here with another seal"),
        "{}",
        refusal.because
    );
    take(&store, &enrolment, &[&there]).await;
    let found = store.contradictions().await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].at.page, found[0].what.as_str()),
        (1, "another page was sent for this place")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pages_for_one_place_brought_to_two_stores_at_once_get_one_receipt() {
    let scratch = Scratch::new();
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let (one, two) = (open(&scratch.database()).await, open(&scratch.database()).await);
    for round in 0..40 {
        let mut clone = line.copy();
        let (here, there) = (line.readings("B-1", 2), clone.readings("B-2", 2));
        let (here, there) = ([&here[..]], [&there[..]]);
        let (first, second) = tokio::join!(take(&one, &enrolment, &here), take(&two, &enrolment, &there));
        let sum = |of: fn(&Made) -> u64| of(&first.0) + of(&second.0);
        assert_eq!(
            (
                sum(|made| made.pages),
                sum(|made| made.entries),
                sum(|made| made.forks)
            ),
            (1, 2, 1),
            "round {round}"
        );
        let receipts = |words: &[StoreWord]| {
            words
                .iter()
                .filter(|word| matches!(word, StoreWord::Receipt(_)))
                .count()
        };
        assert_eq!(receipts(&first.1) + receipts(&second.1), 1, "round {round}");
        // whoever lost goes on from the page that is held
        if first.0.pages == 0 {
            line = clone;
        }
        // and the same page, brought to both, is kept once and receipted alike
        let page = line.readings("B-1", 1);
        let page = [&page[..]];
        let (first, second) = tokio::join!(
            take_at(&one, &enrolment, &page, 1),
            take_at(&two, &enrolment, &page, 2)
        );
        assert_eq!(
            (first.0.pages + second.0.pages, first.0.known + second.0.known),
            (1, 1),
            "round {round}"
        );
        assert_eq!(first.1, second.1, "round {round}: one receipt, given twice");
    }
    assert_eq!(one.counts().await.unwrap()[0].pages, 80);
    assert!(one.holes().await.unwrap().is_empty());
    assert_eq!(one.contradictions().await.unwrap().len(), 40, "the forks");
}

#[tokio::test]
async fn no_character_of_a_name_keeps_a_page_out() {
    let scratch = Scratch::new();
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let store = open(&scratch.database()).await;
    let page = line.readings("B\0\u{1f}\"\\ü-1", 2);
    assert_eq!(take(&store, &enrolment, &[&page]).await.0, made(1, 2, 0));
    let id = PageId {
        gateway: "line-3".into(),
        ledger: line.id.clone(),
        epoch: 1,
        page: 1,
    };
    assert_eq!(store.page(&id).await.unwrap(), Some(page), "byte for byte");
}

#[tokio::test]
async fn holes_and_broken_chains_are_seen_where_neighbours_meet() {
    let scratch = Scratch::new();
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let store = open(&scratch.database()).await;
    let pages: Vec<_> = (0..8).map(|_| line.readings("B-1", 2)).collect();
    let send = |indexes: &[usize]| {
        indexes
            .iter()
            .map(|index| pages[*index].clone())
            .collect::<Vec<_>>()
    };
    let sent = send(&[2, 3, 6]);
    take(
        &store,
        &enrolment,
        &sent.iter().map(Vec::as_slice).collect::<Vec<_>>(),
    )
    .await;
    let holes = |holes: Vec<steelyard::flow::needs::Hole>| {
        holes
            .iter()
            .map(|hole| (hole.from.epoch, hole.from.page, hole.to))
            .collect::<Vec<_>>()
    };
    assert_eq!(holes(store.holes().await.unwrap()), [(1, 1, 2), (1, 5, 6)]);
    let sent = send(&[0, 1, 4, 5, 7]);
    take(
        &store,
        &enrolment,
        &sent.iter().map(Vec::as_slice).collect::<Vec<_>>(),
    )
    .await;
    assert_eq!(holes(store.holes().await.unwrap()), []);
    assert_eq!(store.contradictions().await.unwrap(), []);

    // a new epoch goes on above the old one: nothing is missing between the two
    (line.epoch, line.page, line.seq, line.prev) = (2, 20, 100, None);
    let epoch = line.seal(&[Draft::new("epoch", NOW).with("because", "damage")]);
    // the same key, but not the page that went before it
    line.prev = Some(record::Hash::of(b"another page"));
    let wrong = line.readings("B-1", 1);
    take(&store, &enrolment, &[&epoch, &wrong]).await;
    assert_eq!(holes(store.holes().await.unwrap()), []);
    let found = store.contradictions().await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].at.page, found[0].what.as_str()),
        (21, "its seal names another page before it")
    );
}

#[tokio::test]
async fn what_is_refused_is_set_aside_and_judged_again_when_a_person_has_enrolled_it() {
    let scratch = Scratch::new();
    let (mut line, mut other) = (Ledger::new("line-3", 1), Ledger::new("line-4", 2));
    let enrolment = enrolled(&[&line]);
    let store = open(&scratch.database()).await;
    let page = other.readings("B-1", 2);
    let (first, words) = take(&store, &enrolment, &[&page, &line.readings("B-1", 1)]).await;
    assert_eq!((first.refused, first.pages), (1, 1), "the rest goes on");
    assert!(words.iter().any(|word| matches!(word, StoreWord::Refusal(refusal)
        if refusal.because == "no gateway with the name line-4 is enrolled here" && refusal.page.page == 1)));
    take(&store, &enrolment, &[&page]).await;
    let aside = store.quarantine(10).await.unwrap();
    assert_eq!(
        (aside.len(), aside[0].times, aside[0].reason.as_str()),
        (1, 2, "gateway-unknown")
    );
    assert_eq!(aside[0].bytes, page);

    let both = enrolled(&[&line, &other]);
    let signer = receipt_key();
    assert_eq!(
        act::reconsider(&*store, &enrolment, &signer, NOW)
            .await
            .unwrap()
            .0,
        Made::default()
    );
    let (again, words) = act::reconsider(&*store, &both, &signer, NOW).await.unwrap();
    assert_eq!(
        (again, words.len(), words[0].0.as_str()),
        (made(1, 2, 0), 1, "line-4")
    );
    assert!(store.quarantine(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_page_damaged_on_its_way_is_held_against_nobody_until_it_comes_like_this_again_and_again() {
    let scratch = Scratch::new();
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let store = open(&scratch.database()).await;
    let whole = line.readings("B-1", 2);
    let damaged = String::from_utf8(whole.clone())
        .unwrap()
        .replace("68.0", "68.1")
        .into_bytes();
    for _ in 0..2 {
        let (made, words) = take(&store, &enrolment, &[&damaged]).await;
        assert_eq!((made.refused, words.len()), (1, 0));
    }
    let (_, words) = take(&store, &enrolment, &[&damaged]).await;
    assert!(matches!(&words[..], [StoreWord::Refusal(_)]), "{words:?}");
    assert_eq!(take(&store, &enrolment, &[&whole]).await.0, made(1, 2, 0));
}

#[tokio::test]
async fn a_batch_is_found_with_what_was_bound_to_it_later() {
    let scratch = Scratch::new();
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let store = open(&scratch.database()).await;
    let first = line.seal(&[
        reading("B-1", 0),
        reading("B-2", 1),
        reading("", 2),
        reading("B \"quoted\" ü", 3),
    ]);
    let binding = |batch: &str, state: &str, seqs: &str| {
        Draft::new("binding", NOW)
            .with("batch", batch)
            .with("state", state)
            .with("because", "context-late")
            .with("seqs", seqs)
            .with("count", 2_u64)
            .with("root", Tree::default().root())
    };
    let second = line.seal(&[binding("B-1", "attached", "2-3"), binding("B-2", "detached", "2")]);
    take(&store, &enrolment, &[&first, &second]).await;
    let seqs = |found: &find::BatchFound| found.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>();
    let one = find::batch(&*store, "B-1").await.unwrap();
    assert_eq!((seqs(&one), one.attached, one.detached), (vec![1, 2, 3, 5], 2, 0));
    let two = find::batch(&*store, "B-2").await.unwrap();
    assert_eq!((seqs(&two), two.attached, two.detached), (vec![6], 0, 1));
    let quoted = find::batch(&*store, "B \"quoted\" ü").await.unwrap();
    assert_eq!(seqs(&quoted), [4]);
    let line = String::from_utf8(first)
        .unwrap()
        .lines()
        .nth(4)
        .unwrap()
        .to_owned();
    assert_eq!(quoted.entries[0].line, line, "the line as it was sealed");
}

#[tokio::test]
async fn a_changed_key_is_remembered_over_a_restart() {
    let scratch = Scratch::new();
    let mut line = Ledger::new("line-3", 1);
    let old = line.key.public().clone();
    let enrolment = enrolled(&[&line]);
    let (announces, takes_over) = (line.hand_over(key(2)), line.take_over(&old));
    let next = line.readings("B-1", 1);
    let store = open(&scratch.database()).await;
    assert_eq!(
        take(&store, &enrolment, &[&takes_over]).await.0.refused,
        1,
        "nothing is known of this ledger yet"
    );
    assert_eq!(
        take(&store, &enrolment, &[&announces, &takes_over]).await.0.pages,
        2,
        "in one act"
    );
    drop(store);
    let store = open(&scratch.database()).await;
    assert_eq!(take(&store, &enrolment, &[&next]).await.0.pages, 1);
}

#[tokio::test]
async fn uses_are_never_mixed_and_a_newer_database_is_left_alone() {
    let scratch = Scratch::new();
    drop(open(&scratch.database()).await);
    let database = database(&scratch.database()).await;
    let other = database.open("production").await.err().unwrap();
    assert_eq!(
        other.what,
        "this database holds demo records, and is to be opened for production"
    );
    let older = match &database {
        Database::Sqlite(path) => StoreSqlite::open(path, "demo", &[]).await.err(),
        Database::Postgresql(address) => StorePostgresql::open(address, "demo", &[]).await.err(),
    };
    let older = older.unwrap();
    assert!(
        older
            .what
            .starts_with("this database was written by a newer steelyard (2026-"),
        "{older}"
    );
    for nowhere in [
        Database::Sqlite("/nowhere/at/all.sqlite".into()),
        Database::Postgresql(Address {
            url: "postgresql://nobody:geheim@127.0.0.1:1/nothing".into(),
            password: None,
            trust: None,
        }),
    ] {
        let trouble = nowhere.open("demo").await.err().unwrap();
        assert_eq!(trouble.name, "store-failed");
        assert!(!trouble.to_string().contains("geheim"), "{trouble}");
    }
}

#[tokio::test]
async fn the_benchmark_counts_what_it_stored() {
    let scratch = Scratch::new();
    let mut line = Ledger::new("line-3", 1);
    let enrolment = enrolled(&[&line]);
    let pages = (0..20).map(|_| line.readings("B-1", 10)).collect();
    let store = open(&scratch.database()).await;
    let clock = SystemClock::new();
    let measured = bench::ingest(&*store, &enrolment, &receipt_key(), &clock, pages, 8)
        .await
        .unwrap();
    assert_eq!((measured.pages, measured.entries), (20, 200));
    assert!(measured.took > Duration::ZERO && measured.entries_per_second() > 0.0);
    assert_eq!(store.counts().await.unwrap()[0].entries, 200);
}
