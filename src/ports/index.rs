//! The index beside the ledger: where pages lie, how batches stand, what the record store has receipted.
//!
//! SQLite through sqlx. Everything in it can be rebuilt from segments and receipts at any time, so whatever is
//! wrong with it, it is thrown away and made again; nothing else is lost with it.

use crate::flow::{enter::BatchSum, ledger::Place, outbox::Counts};
use record::{Hash, Stamp, Tree, Trouble};
use sqlx::{
    Row, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use std::{collections::HashMap, path::Path, time::Duration};

/// The index of one ledger.
#[derive(Debug, Clone)]
pub struct Index(SqlitePool);

/// An entry whose line the index keeps, so that a start need not read the ledger for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub seq: u64,
    pub kind: String,
    pub line: Vec<u8>,
}

/// A line the index keeps, with what it is found and dropped by.
#[derive(Debug, Clone)]
pub struct Fact {
    pub kept: Kept,
    /// The batch it names.
    pub batch: Option<String>,
    /// What it says the last word about; a later line about the same takes its place.
    pub what: Option<String>,
}

/// What one page adds.
#[derive(Debug, Clone)]
pub struct PageFacts {
    pub place: Place,
    /// Leaves by the batch they name, in order, with the closings among them.
    pub batches: Vec<(String, Vec<Hash>, u64)>,
    pub kept: Vec<Fact>,
    /// What still counts as long as its batch is open: found problems, values by hand, recipes.
    pub standing: Vec<Fact>,
}

/// Pages and entries, by how they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tallies {
    /// Without receipt.
    pub pending: (u64, u64),
    pub receipted: (u64, u64),
    pub set_aside: (u64, u64),
}

impl Tallies {
    /// Entries in all.
    pub fn entries(&self) -> u64 {
        self.pending.1 + self.receipted.1 + self.set_aside.1
    }
}

/// Kinds whose lines the index keeps: context, configuration, people, and what the gateway says of itself.
pub const KEPT: &[&str] = &[
    "batch",
    "step",
    "allocation",
    "configuration",
    "file",
    "signature",
    "person",
    "panel",
    "access",
    "key",
    "epoch",
    "start",
    "stop",
    "calibration",
    "master",
    "equipment-status",
    "acceptance",
    "weighing",
    "scale-check",
    "clearance",
    "label",
];

/// Batches whose context a start takes in: every open one, and of those that are closed the last so many.
const BATCHES: u32 = 400;

const EDITION: &str = "4";

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS page (
    page INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
    segment INTEGER NOT NULL, place INTEGER NOT NULL, length INTEGER NOT NULL, seal BLOB NOT NULL,
    sealed INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS page_pending ON page (page) WHERE state = 0;
CREATE INDEX IF NOT EXISTS page_first ON page (first);
CREATE TABLE IF NOT EXISTS tally (state INTEGER PRIMARY KEY, pages INTEGER NOT NULL, entries INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS batch (
    name TEXT PRIMARY KEY, size INTEGER NOT NULL, closings INTEGER NOT NULL, frontier BLOB NOT NULL,
    first_page INTEGER NOT NULL, last_page INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS batch_last ON batch (last_page);
CREATE INDEX IF NOT EXISTS batch_open ON batch (first_page) WHERE closings = 0;
CREATE TABLE IF NOT EXISTS kept (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, batch TEXT, what TEXT, line BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS kept_kind ON kept (kind, seq);
CREATE INDEX IF NOT EXISTS kept_what ON kept (kind, what) WHERE what IS NOT NULL;
CREATE INDEX IF NOT EXISTS kept_batch ON kept (batch) WHERE batch IS NOT NULL;
CREATE TABLE IF NOT EXISTS standing (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, batch TEXT NOT NULL, line BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS standing_batch ON standing (batch);
";

fn broken(error: impl std::fmt::Display) -> Trouble {
    Trouble::new(
        "index-broken",
        format!("the index beside the ledger cannot be used: {error}"),
    )
    .means("nothing is lost: the index holds only what the ledger and the receipts say")
    .so("restart the gateway; delete the index if it stays so, it is made again")
}

impl Index {
    /// Opens the index, or makes it. One that cannot be used, or is of another ledger, is thrown away.
    pub async fn open(path: &Path, ledger: &str) -> Result<Self, Trouble> {
        match Self::open_or(path, ledger).await {
            Ok(index) => Ok(index),
            Err(_) => Self::anew(path, ledger).await,
        }
    }

    /// Throws the index away and begins an empty one.
    pub async fn anew(path: &Path, ledger: &str) -> Result<Self, Trouble> {
        for end in ["", "-wal", "-shm"] {
            let mut file = path.as_os_str().to_owned();
            file.push(end);
            // holds because what cannot be removed shows when it is opened again
            let _ = std::fs::remove_file(&file);
        }
        Self::open_or(path, ledger).await
    }

    async fn open_or(path: &Path, ledger: &str) -> Result<Self, Trouble> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await
            .map_err(broken)?;
        let version: String = sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&pool)
            .await
            .map_err(broken)?;
        at_least_3_51_3(&version)?;
        sqlx::raw_sql(TABLES).execute(&pool).await.map_err(broken)?;
        let index = Self(pool);
        for (name, value) in [("edition", EDITION), ("ledger", ledger)] {
            match index.note(name).await? {
                Some(known) if known != value => {
                    index.0.close().await;
                    return Err(broken(format!("{name} is {known}")));
                }
                Some(_) => {}
                None => index.set(name, value).await?,
            }
        }
        Ok(index)
    }

    /// A word the index keeps about the ledger as a whole.
    pub async fn note(&self, name: &str) -> Result<Option<String>, Trouble> {
        sqlx::query_scalar("SELECT value FROM note WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.0)
            .await
            .map_err(broken)
    }

    /// Keeps a word.
    pub async fn set(&self, name: &str, value: &str) -> Result<(), Trouble> {
        let write = sqlx::query(SET);
        write
            .bind(name)
            .bind(value)
            .execute(&self.0)
            .await
            .map(drop)
            .map_err(broken)
    }

    /// The last page it knows: where it lies.
    pub async fn last(&self) -> Result<Option<Place>, Trouble> {
        let row = sqlx::query("SELECT * FROM page ORDER BY page DESC LIMIT 1")
            .fetch_optional(&self.0)
            .await;
        Ok(row.map_err(broken)?.as_ref().map(place))
    }

    /// Adds pages, in order, in one transaction.
    pub async fn add(&self, pages: &[PageFacts]) -> Result<(), Trouble> {
        self.take_in(pages, &[], &[]).await
    }

    /// Takes in pages, then marks of pages (1 receipted, 2 set aside), then words, in one transaction.
    pub async fn take_in(
        &self,
        pages: &[PageFacts],
        marks: &[(Vec<u64>, u8)],
        words: &[(&str, String)],
    ) -> Result<(), Trouble> {
        let mut tx = self.0.begin_with("BEGIN IMMEDIATE").await.map_err(broken)?;
        add_pages(&mut tx, pages).await.map_err(broken)?;
        for (pages, state) in marks {
            mark_pages(&mut tx, pages, *state).await.map_err(broken)?;
        }
        for (name, value) in words {
            let write = sqlx::query(SET).bind(*name).bind(value);
            write.execute(&mut *tx).await.map_err(broken)?;
        }
        tx.commit().await.map_err(broken)
    }

    /// Pages without receipt above a number, in order.
    pub async fn pending(&self, above: u64, limit: u32) -> Result<Vec<Place>, Trouble> {
        let rows = sqlx::query("SELECT * FROM page WHERE state = 0 AND page > ? ORDER BY page LIMIT ?");
        let rows = rows
            .bind(above as i64)
            .bind(limit)
            .fetch_all(&self.0)
            .await
            .map_err(broken)?;
        Ok(rows.iter().map(place).collect())
    }

    /// Marks pages as receipted (1) or set aside (2).
    pub async fn mark(&self, pages: &[u64], state: u8) -> Result<(), Trouble> {
        self.take_in(&[], &[(pages.to_vec(), state)], &[]).await
    }

    /// Pages and entries by how they stand: kept as they come, never counted anew.
    pub async fn tallies(&self) -> Result<Tallies, Trouble> {
        let rows = sqlx::query("SELECT state, pages, entries FROM tally");
        let mut tallies = Tallies::default();
        for row in rows.fetch_all(&self.0).await.map_err(broken)? {
            let both = (row.get::<i64, _>(1) as u64, row.get::<i64, _>(2) as u64);
            match row.get::<i64, _>(0) {
                0 => tallies.pending = both,
                1 => tallies.receipted = both,
                _ => tallies.set_aside = both,
            }
        }
        Ok(tallies)
    }

    /// Entries receipted and set aside, for the books.
    pub async fn counts(&self) -> Result<Counts, Trouble> {
        let tallies = self.tallies().await?;
        Ok(Counts {
            delivered: tallies.receipted.1,
            receipted: tallies.receipted.1,
            receipted_pages: tallies.receipted.0,
            set_aside: tallies.set_aside.1,
            set_aside_pages: tallies.set_aside.0,
        })
    }

    /// Numbers of entries that were never given: an epoch begins above all that may have been, and the books count what is
    /// there. `reached` is where numbering goes on now, which may be above the last page again.
    pub async fn never_given(&self, reached: u64) -> Result<u64, Trouble> {
        let left_out: i64 = sqlx::query_scalar(
            "SELECT COALESCE(SUM(page.first - (SELECT before.first + before.count FROM page AS before
                                               WHERE before.page < page.page ORDER BY before.page DESC LIMIT 1)), 0)
             FROM kept JOIN page ON page.first = kept.seq WHERE kept.kind = 'epoch'",
        )
        .fetch_one(&self.0)
        .await
        .map_err(broken)?;
        let last = self
            .last()
            .await?
            .map_or(0, |place| place.first + place.count - 1);
        Ok(left_out.max(0) as u64 + reached.saturating_sub(last))
    }

    /// The page before which every page is receipted or set aside: segments below it may be compressed.
    pub async fn first_pending(&self) -> Result<Option<Place>, Trouble> {
        Ok(self.pending(0, 1).await?.into_iter().next())
    }

    /// When the page was sealed on which an entry stands.
    pub async fn sealed_with(&self, seq: u64) -> Result<Option<Stamp>, Trouble> {
        let row = sqlx::query("SELECT * FROM page WHERE first <= ? ORDER BY first DESC LIMIT 1");
        let row = row
            .bind(seq as i64)
            .fetch_optional(&self.0)
            .await
            .map_err(broken)?;
        Ok(row.as_ref().map(|row| place(row).sealed))
    }

    /// How every batch stands that is not closed, and any that was touched on one of the last pages.
    pub async fn open_batches(&self) -> Result<HashMap<String, BatchSum>, Trouble> {
        let rows = sqlx::query(
            "SELECT * FROM batch WHERE closings = 0
             UNION SELECT * FROM batch WHERE last_page > (SELECT MAX(page) - 1000 FROM page)",
        );
        let rows = rows.fetch_all(&self.0).await.map_err(broken)?;
        Ok(rows
            .iter()
            .filter_map(|row| Some((row.get("name"), batch(row)?.0)))
            .collect())
    }

    /// The first page that names any batch that is not closed yet.
    pub async fn first_page_of_open_batches(&self) -> Result<Option<Place>, Trouble> {
        self.one_page(
            "SELECT * FROM page WHERE page = (SELECT MIN(first_page) FROM batch WHERE closings = 0)",
            0,
        )
        .await
    }

    /// The page that holds an entry, or the last one before it.
    pub async fn page_of(&self, seq: u64) -> Result<Option<Place>, Trouble> {
        self.one_page(
            "SELECT * FROM page WHERE first <= ? ORDER BY first DESC LIMIT 1",
            seq,
        )
        .await
    }

    async fn one_page(&self, query: &'static str, number: u64) -> Result<Option<Place>, Trouble> {
        let row = sqlx::query(query)
            .bind(number as i64)
            .fetch_optional(&self.0)
            .await;
        Ok(row.map_err(broken)?.as_ref().map(place))
    }

    /// How one batch stands.
    pub async fn batch(&self, name: &str) -> Result<Option<BatchSum>, Trouble> {
        let row = sqlx::query("SELECT * FROM batch WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.0)
            .await;
        Ok(row.map_err(broken)?.as_ref().and_then(batch).map(|(sum, _)| sum))
    }

    /// Lines of these kinds, in the order of their numbers.
    pub async fn kept(&self, kinds: &[&str]) -> Result<Vec<Kept>, Trouble> {
        let list = format!(
            "[{}]",
            kinds
                .iter()
                .map(|kind| format!("\"{kind}\""))
                .collect::<Vec<_>>()
                .join(",")
        );
        let rows = sqlx::query(
            "SELECT seq, kind, line FROM kept WHERE kind IN (SELECT value FROM json_each(?)) ORDER BY seq",
        );
        let rows = rows.bind(list).fetch_all(&self.0).await.map_err(broken)?;
        Ok(rows.iter().map(kept).collect())
    }

    /// What a start has to know: everything kept that is no batch's, and of batches the open ones and the last ones.
    /// However long the ledger, this does not grow with it.
    pub async fn kept_now(&self) -> Result<Vec<Kept>, Trouble> {
        let rows = sqlx::query(
            "WITH near AS (SELECT name FROM batch WHERE closings = 0
                UNION SELECT name FROM (SELECT name FROM batch ORDER BY last_page DESC LIMIT ?))
             SELECT seq, kind, line FROM kept WHERE batch IS NULL
             UNION ALL SELECT seq, kind, line FROM near JOIN kept ON kept.batch = near.name
             ORDER BY seq",
        );
        let rows = rows.bind(BATCHES).fetch_all(&self.0).await.map_err(broken)?;
        Ok(rows.iter().map(kept).collect())
    }

    /// What still stands in open batches from before an entry, in order: problems found, values by hand, recipes.
    pub async fn standing_before(&self, seq: u64) -> Result<Vec<Kept>, Trouble> {
        let rows = sqlx::query("SELECT seq, kind, line FROM standing WHERE seq < ? ORDER BY seq");
        let rows = rows.bind(seq as i64).fetch_all(&self.0).await.map_err(broken)?;
        Ok(rows.iter().map(kept).collect())
    }

    /// Closes it in order.
    pub async fn close(&self) {
        self.0.close().await;
    }
}

const SET: &str = "INSERT INTO note VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

const COUNT: &str = "INSERT INTO tally VALUES (?, ?, ?)
    ON CONFLICT (state) DO UPDATE SET pages = pages + excluded.pages, entries = entries + excluded.entries";

type Work = SqliteConnection;

async fn add_pages(tx: &mut Work, pages: &[PageFacts]) -> Result<(), sqlx::Error> {
    let mut sums: HashMap<&str, BatchRow> = HashMap::new();
    let mut new = (0_i64, 0_i64);
    for facts in pages {
        if add_page(tx, &facts.place).await? {
            new = (new.0 + 1, new.1 + facts.place.count as i64);
        }
        for (name, leaves, closings) in &facts.batches {
            if !sums.contains_key(name.as_str()) {
                let row = sqlx::query("SELECT * FROM batch WHERE name = ?").bind(name);
                let known = row.fetch_optional(&mut *tx).await?.as_ref().and_then(batch_row);
                sums.insert(name, known.unwrap_or_default());
            }
            if let Some(known) = sums.get_mut(name.as_str()) {
                known.add(facts.place.page, leaves, *closings);
            }
        }
        for fact in &facts.kept {
            keep(tx, fact).await?;
        }
        for fact in &facts.standing {
            let add = sqlx::query("INSERT OR IGNORE INTO standing VALUES (?, ?, ?, ?)");
            let add = add
                .bind(fact.kept.seq as i64)
                .bind(&fact.kept.kind)
                .bind(&fact.batch);
            add.bind(&fact.kept.line[..]).execute(&mut *tx).await?;
        }
    }
    if new.0 > 0 {
        let count = sqlx::query(COUNT).bind(0).bind(new.0).bind(new.1);
        count.execute(&mut *tx).await?;
    }
    for (name, known) in sums {
        put_batch(tx, name, &known).await?;
    }
    Ok(())
}

/// Whether it was not known before.
async fn add_page(tx: &mut Work, p: &Place) -> Result<bool, sqlx::Error> {
    let add = sqlx::query("INSERT OR IGNORE INTO page VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)")
        .bind(p.page as i64)
        .bind(p.epoch as i64)
        .bind(p.first as i64)
        .bind(p.count as i64)
        .bind(p.segment as i64)
        .bind(p.offset as i64)
        .bind(p.length as i64)
        .bind(&p.seal.0[..])
        .bind(p.sealed.0);
    Ok(add.execute(&mut *tx).await?.rows_affected() > 0)
}

/// Keeps a line; it takes the place of an earlier one that says the last word about the same.
async fn keep(tx: &mut Work, fact: &Fact) -> Result<(), sqlx::Error> {
    let kept = &fact.kept;
    if let Some(what) = &fact.what {
        let drop = sqlx::query("DELETE FROM kept WHERE kind = ? AND what = ? AND seq < ?");
        let drop = drop.bind(&kept.kind).bind(what).bind(kept.seq as i64);
        drop.execute(&mut *tx).await?;
    }
    let add = sqlx::query("INSERT OR IGNORE INTO kept VALUES (?, ?, ?, ?, ?)");
    let add = add.bind(kept.seq as i64).bind(&kept.kind).bind(&fact.batch);
    let add = add.bind(&fact.what).bind(&kept.line[..]);
    add.execute(&mut *tx).await.map(drop)
}

async fn put_batch(tx: &mut Work, name: &str, known: &BatchRow) -> Result<(), sqlx::Error> {
    let frontier: Vec<u8> = known.sum.tree.frontier().iter().flat_map(|hash| hash.0).collect();
    let put = sqlx::query("INSERT OR REPLACE INTO batch VALUES (?, ?, ?, ?, ?, ?)")
        .bind(name)
        .bind(known.sum.tree.size() as i64)
        .bind(known.sum.closings as i64)
        .bind(frontier)
        .bind(known.first_page as i64)
        .bind(known.last_page as i64);
    put.execute(&mut *tx).await?;
    if known.sum.closings > 0 {
        let drop = sqlx::query("DELETE FROM standing WHERE batch = ?").bind(name);
        drop.execute(&mut *tx).await?;
    }
    Ok(())
}

async fn mark_pages(tx: &mut Work, pages: &[u64], state: u8) -> Result<(), sqlx::Error> {
    let list = format!(
        "[{}]",
        pages.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
    );
    let was = sqlx::query(
        "SELECT state, COUNT(*), SUM(count) FROM page
         WHERE page IN (SELECT value FROM json_each(?)) AND state <> ? GROUP BY state",
    );
    let was = was.bind(&list).bind(i64::from(state)).fetch_all(&mut *tx).await?;
    for row in was {
        let (from, pages, entries): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        for (state, pages, entries) in [(from, -pages, -entries), (i64::from(state), pages, entries)] {
            let count = sqlx::query(COUNT).bind(state).bind(pages).bind(entries);
            count.execute(&mut *tx).await?;
        }
    }
    let write = sqlx::query("UPDATE page SET state = ? WHERE page IN (SELECT value FROM json_each(?))");
    let write = write.bind(i64::from(state)).bind(list);
    write.execute(&mut *tx).await.map(drop)
}

fn kept(row: &SqliteRow) -> Kept {
    Kept {
        seq: row.get::<i64, _>(0) as u64,
        kind: row.get(1),
        line: row.get(2),
    }
}

fn place(row: &SqliteRow) -> Place {
    let number = |name: &str| row.get::<i64, _>(name) as u64;
    let seal: Vec<u8> = row.get("seal");
    Place {
        epoch: number("epoch"),
        page: number("page"),
        first: number("first"),
        count: number("count"),
        segment: number("segment"),
        offset: number("place"),
        length: number("length"),
        seal: seal.try_into().map(Hash).unwrap_or_default(),
        sealed: Stamp(row.get("sealed")),
    }
}

/// How a batch stands in its table.
#[derive(Default)]
struct BatchRow {
    sum: BatchSum,
    first_page: u64,
    last_page: u64,
}

impl BatchRow {
    fn add(&mut self, page: u64, leaves: &[Hash], closings: u64) {
        if self.last_page >= page {
            return;
        }
        leaves.iter().for_each(|leaf| self.sum.tree.push(*leaf));
        self.sum.closings += closings;
        if self.first_page == 0 {
            self.first_page = page;
        }
        self.last_page = page;
    }
}

fn batch(row: &SqliteRow) -> Option<(BatchSum, u64)> {
    batch_row(row).map(|known| (known.sum, known.last_page))
}

fn batch_row(row: &SqliteRow) -> Option<BatchRow> {
    let bytes: Vec<u8> = row.get("frontier");
    let frontier = bytes
        .chunks(32)
        .map(|hash| hash.try_into().map(Hash))
        .collect::<Result<_, _>>()
        .ok()?;
    let tree = Tree::resume(row.get::<i64, _>("size") as u64, frontier)?;
    let sum = BatchSum {
        tree,
        closings: row.get::<i64, _>("closings") as u64,
        closed: None,
    };
    Some(BatchRow {
        sum,
        first_page: row.get::<i64, _>("first_page") as u64,
        last_page: row.get::<i64, _>("last_page") as u64,
    })
}

/// Below this version two connections can corrupt a WAL file.
fn at_least_3_51_3(version: &str) -> Result<(), Trouble> {
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if numbers >= vec![3, 51, 3] {
        return Ok(());
    }
    Err(broken(format!("SQLite {version} is older than 3.51.3")))
}
