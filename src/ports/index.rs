//! The index beside the ledger: where pages lie, how batches stand, what the record store has receipted.
//!
//! SQLite through sqlx. Everything in it can be rebuilt from segments and receipts at any time, so whatever is
//! wrong with it, it is thrown away and made again; nothing else is lost with it.

use crate::flow::{enter::BatchSum, ledger::Place, outbox::Counts};
use record::{Hash, Stamp, Tree, Trouble};
use sqlx::{
    Row, SqlitePool,
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

/// What one page adds.
#[derive(Debug, Clone)]
pub struct PageFacts {
    pub place: Place,
    /// Leaves by the batch they name, in order, with the closings among them.
    pub batches: Vec<(String, Vec<Hash>, u64)>,
    pub kept: Vec<Kept>,
}

/// Kinds whose lines the index keeps: context, configuration, people, and what the gateway says of itself.
pub const KEPT: &[&str] = &[
    "batch",
    "step",
    "allocation",
    "binding",
    "configuration",
    "file",
    "signature",
    "recipe",
    "person",
    "panel",
    "access",
    "key",
    "epoch",
    "start",
    "stop",
    "clock",
    "calibration",
    "master",
    "equipment-status",
    "acceptance",
    "excursion",
    "verdict",
    "weighing",
    "scale-check",
    "clearance",
    "label",
];

const EDITION: &str = "3";

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS page (
    page INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL,
    segment INTEGER NOT NULL, place INTEGER NOT NULL, length INTEGER NOT NULL, seal BLOB NOT NULL,
    sealed INTEGER NOT NULL, state INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS page_pending ON page (page) WHERE state = 0;
CREATE INDEX IF NOT EXISTS page_first ON page (first);
CREATE TABLE IF NOT EXISTS batch (
    name TEXT PRIMARY KEY, size INTEGER NOT NULL, closings INTEGER NOT NULL, frontier BLOB NOT NULL,
    last_page INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batch_page (batch TEXT, page INTEGER, PRIMARY KEY (batch, page)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, line BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS kept_kind ON kept (kind, seq);
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
        let write = sqlx::query(
            "INSERT INTO note VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        );
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
        let mut tx = self.0.begin_with("BEGIN IMMEDIATE").await.map_err(broken)?;
        let mut sums: HashMap<&str, (BatchSum, u64)> = HashMap::new();
        for facts in pages {
            let p = &facts.place;
            sqlx::query("INSERT OR IGNORE INTO page VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)")
                .bind(p.page as i64)
                .bind(p.epoch as i64)
                .bind(p.first as i64)
                .bind(p.count as i64)
                .bind(p.segment as i64)
                .bind(p.offset as i64)
                .bind(p.length as i64)
                .bind(&p.seal.0[..])
                .bind(p.sealed.0)
                .execute(&mut *tx)
                .await
                .map_err(broken)?;
            for (name, leaves, closings) in &facts.batches {
                if !sums.contains_key(name.as_str()) {
                    let row = sqlx::query("SELECT * FROM batch WHERE name = ?")
                        .bind(name)
                        .fetch_optional(&mut *tx)
                        .await;
                    let known = row.map_err(broken)?.as_ref().and_then(batch);
                    sums.insert(name, known.unwrap_or_default());
                }
                let Some((sum, last_page)) = sums.get_mut(name.as_str()) else {
                    continue;
                };
                if *last_page < p.page {
                    leaves.iter().for_each(|leaf| sum.tree.push(*leaf));
                    sum.closings += closings;
                    *last_page = p.page;
                }
                let add = sqlx::query("INSERT OR IGNORE INTO batch_page VALUES (?, ?)");
                add.bind(name)
                    .bind(p.page as i64)
                    .execute(&mut *tx)
                    .await
                    .map_err(broken)?;
            }
            for kept in &facts.kept {
                let add = sqlx::query("INSERT OR IGNORE INTO kept VALUES (?, ?, ?)");
                let add = add.bind(kept.seq as i64).bind(&kept.kind).bind(&kept.line[..]);
                add.execute(&mut *tx).await.map_err(broken)?;
            }
        }
        for (name, (sum, last_page)) in sums {
            let frontier: Vec<u8> = sum.tree.frontier().iter().flat_map(|hash| hash.0).collect();
            sqlx::query("INSERT OR REPLACE INTO batch VALUES (?, ?, ?, ?, ?)")
                .bind(name)
                .bind(sum.tree.size() as i64)
                .bind(sum.closings as i64)
                .bind(frontier)
                .bind(last_page as i64)
                .execute(&mut *tx)
                .await
                .map_err(broken)?;
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
        let list = format!(
            "[{}]",
            pages.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
        );
        let write = sqlx::query("UPDATE page SET state = ? WHERE page IN (SELECT value FROM json_each(?))");
        write
            .bind(i64::from(state))
            .bind(list)
            .execute(&self.0)
            .await
            .map(drop)
            .map_err(broken)
    }

    /// Entries receipted and set aside, for the books.
    pub async fn counts(&self) -> Result<Counts, Trouble> {
        let rows = sqlx::query(
            "SELECT state, COUNT(*), COALESCE(SUM(count), 0) FROM page WHERE state > 0 GROUP BY state",
        );
        let mut counts = Counts::default();
        for row in rows.fetch_all(&self.0).await.map_err(broken)? {
            let (pages, entries) = (row.get::<i64, _>(1) as u64, row.get::<i64, _>(2) as u64);
            match row.get::<i64, _>(0) {
                1 => (counts.receipted_pages, counts.receipted, counts.delivered) = (pages, entries, entries),
                _ => (counts.set_aside_pages, counts.set_aside) = (pages, entries),
            }
        }
        Ok(counts)
    }

    /// The page before which every page is receipted or set aside: segments below it may be compressed.
    pub async fn first_pending(&self) -> Result<Option<Place>, Trouble> {
        Ok(self.pending(0, 1).await?.into_iter().next())
    }

    /// How every batch stands that is not closed, and any that was touched on one of the last pages.
    pub async fn open_batches(&self) -> Result<HashMap<String, BatchSum>, Trouble> {
        let rows = sqlx::query(
            "SELECT * FROM batch WHERE closings = 0 OR last_page > (SELECT MAX(page) - 1000 FROM page)",
        );
        let rows = rows.fetch_all(&self.0).await.map_err(broken)?;
        Ok(rows
            .iter()
            .filter_map(|row| Some((row.get("name"), batch(row)?.0)))
            .collect())
    }

    /// The first page that names any batch that is not closed yet.
    pub async fn first_page_of_open_batches(&self) -> Result<Option<Place>, Trouble> {
        let row = sqlx::query(
            "SELECT * FROM page WHERE page = (SELECT MIN(batch_page.page) FROM batch_page
             JOIN batch ON batch.name = batch_page.batch WHERE batch.closings = 0)",
        );
        Ok(row
            .fetch_optional(&self.0)
            .await
            .map_err(broken)?
            .as_ref()
            .map(place))
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
        let kept = |row: &SqliteRow| Kept {
            seq: row.get::<i64, _>(0) as u64,
            kind: row.get(1),
            line: row.get(2),
        };
        Ok(rows.iter().map(kept).collect())
    }

    /// Closes it in order.
    pub async fn close(&self) {
        self.0.close().await;
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

fn batch(row: &SqliteRow) -> Option<(BatchSum, u64)> {
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
    };
    Some((sum, row.get::<i64, _>("last_page") as u64))
}

/// Below this version two connections can corrupt a WAL file.
fn at_least_3_51_3(version: &str) -> Result<(), Trouble> {
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if numbers >= vec![3, 51, 3] {
        return Ok(());
    }
    Err(broken(format!("SQLite {version} is older than 3.51.3")))
}
