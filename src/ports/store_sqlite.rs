//! A record store in one SQLite file: for a line or a small plant.
//!
//! Write-ahead log with full synchronisation, both set and read back; a library older than 3.51.3 is
//! refused, because its log can be damaged. One connection writes, each act `BEGIN IMMEDIATE`; after any
//! trouble the connection is thrown away and a new one reads what is really there. Questions have a
//! connection of their own, which can write nothing.

use crate::flow::needs::{
    Contradiction, ForkRow, FoundEntry, Handover, Held, Hole, LedgerCount, PageId, PageRow, PageStore,
    QuarantineRow, Standing, StoreWork, Waiting,
};
use record::{Hash, Trouble};
use sqlx::{
    Connection, Executor, Row, SqliteConnection, query, raw_sql,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous},
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

mod rows;

/// The first SQLite whose log cannot be damaged by two connections resetting it at once.
const OLDEST: (u32, u32, u32) = (3, 51, 3);
/// Room for what was refused. Beyond it is counted and told, not kept.
const QUARANTINE_ROWS: i64 = 2_000;
const QUARANTINE_BYTES: i64 = 256 << 20;

/// A record store in one file.
#[derive(Clone)]
pub struct StoreSqlite {
    writer: Arc<Mutex<Writer>>,
    reader: Arc<Mutex<SqliteConnection>>,
    path: PathBuf,
}

/// The writing connection and what it remembers between acts.
struct Writer {
    path: PathBuf,
    connection: Option<SqliteConnection>,
    /// An act was begun and not ended: what stands in the connection must not count.
    open: bool,
    /// Row numbers of ledgers, as far as they are known to be committed.
    ledgers: HashMap<(String, String), i64>,
}

impl StoreSqlite {
    /// Opens the file, making it where there is none, brings it up to date, and refuses another `use`.
    /// `migrations` are named SQL texts in the order in which they apply.
    pub async fn open(
        path: &Path,
        usage: &str,
        migrations: &[(&'static str, &'static str)],
    ) -> Result<Self, Trouble> {
        let mut connection = connect(path, true).await?;
        suitable(&mut connection, path).await?;
        migrate(&mut connection, path, migrations).await?;
        one_use(&mut connection, path, usage).await?;
        let reader = connect(path, false).await?;
        let writer = Writer {
            path: path.to_owned(),
            connection: Some(connection),
            open: false,
            ledgers: HashMap::new(),
        };
        Ok(Self {
            writer: Arc::new(Mutex::new(writer)),
            reader: Arc::new(Mutex::new(reader)),
            path: path.to_owned(),
        })
    }

    /// Opens a file that is there, for questions. What a newer program needs of it is brought up to date.
    pub async fn look(
        path: &Path,
        usage: &str,
        migrations: &[(&'static str, &'static str)],
    ) -> Result<Self, Trouble> {
        if !path.exists() {
            return Err(
                Trouble::new("no-store", "there is no record store's database here")
                    .at(path.display())
                    .means("nothing was made and nothing was changed")
                    .so("name the file of a record store that has run, or start it: steelyard store CONFIG"),
            );
        }
        Self::open(path, usage, migrations).await
    }

    /// Asks one question of the reading connection.
    async fn ask<T>(
        &self,
        sql: &'static str,
        words: &[&str],
        read: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, Trouble> {
        let mut reader = self.reader.lock().await;
        let mut asked = query(sql);
        for word in words {
            asked = asked.bind((*word).to_owned());
        }
        let rows = asked.fetch_all(&mut *reader).await;
        rows.and_then(|rows| rows.iter().map(read).collect())
            .map_err(|problem| failed(&self.path, "read", &problem))
    }
}

async fn connect(path: &Path, writing: bool) -> Result<SqliteConnection, Trouble> {
    let mut options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(writing)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(20))
        .pragma("cache_size", "-32768")
        .foreign_keys(writing);
    if !writing {
        options = options.pragma("query_only", "1");
    }
    SqliteConnection::connect_with(&options)
        .await
        .map_err(|problem| failed(path, "open", &problem))
}

/// Asks what is really in force: a pragma that does not apply says nothing when it is set.
async fn suitable(connection: &mut SqliteConnection, path: &Path) -> Result<(), Trouble> {
    let row =
        query("SELECT sqlite_version(), (SELECT journal_mode FROM pragma_journal_mode), (SELECT synchronous FROM pragma_synchronous)")
            .fetch_one(&mut *connection)
            .await
            .map_err(|problem| failed(path, "open", &problem))?;
    let (version, journal, synchronous): (String, String, i64) = (row.get(0), row.get(1), row.get(2));
    let unfit = |what: String, action: &str| {
        Trouble::new("store-unfit", what)
            .at(path.display())
            .means("no page is taken or receipted; the gateways keep theirs")
            .so(action)
    };
    if rows::version(&version).is_none_or(|version| version < OLDEST) {
        return Err(unfit(
            format!("SQLite {version} is linked, whose log can be damaged; 3.51.3 or newer is needed"),
            "install a steelyard that brings its own SQLite",
        ));
    }
    if journal != "wal" || synchronous != 2 {
        return Err(unfit(
            format!("SQLite does not write safely here (journal {journal}, synchronous {synchronous})"),
            "put the database on a local disk; network file systems cannot hold it",
        ));
    }
    Ok(())
}

async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    migrations: &[(&'static str, &'static str)],
) -> Result<(), Trouble> {
    let at = |problem: sqlx::Error| failed(path, "bring up to date", &problem);
    connection
        .execute("BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
        .await
        .map_err(at)?;
    let applied: Vec<String> = query("SELECT name FROM migration ORDER BY name")
        .fetch_all(&mut *connection)
        .await
        .map_err(at)?
        .iter()
        .map(|row| row.get(0))
        .collect();
    if let Some(unknown) = applied
        .iter()
        .find(|name| !migrations.iter().any(|(known, _)| known == name))
    {
        return Err(Trouble::new(
            "store-too-new",
            format!("this database was written by a newer steelyard ({unknown})"),
        )
        .at(path.display())
        .means("no page is taken or receipted; the gateways keep theirs; nothing was changed")
        .so("start the newer version again, or restore the database from before it"));
    }
    for (name, sql) in migrations {
        if !applied.iter().any(|known| known == name) {
            raw_sql(*sql).execute(&mut *connection).await.map_err(at)?;
            query("INSERT INTO migration VALUES (?1)")
                .bind(*name)
                .execute(&mut *connection)
                .await
                .map_err(at)?;
        }
    }
    connection.execute("COMMIT").await.map_err(at)?;
    Ok(())
}

/// A record store never mixes uses: the first one stands in the file for good.
async fn one_use(connection: &mut SqliteConnection, path: &Path, usage: &str) -> Result<(), Trouble> {
    let at = |problem: sqlx::Error| failed(path, "open", &problem);
    query("INSERT INTO store VALUES (1, ?1) ON CONFLICT DO NOTHING")
        .bind(usage.to_owned())
        .execute(&mut *connection)
        .await
        .map_err(at)?;
    let made_for: String = query("SELECT use FROM store")
        .fetch_one(&mut *connection)
        .await
        .map_err(at)?
        .get(0);
    if made_for == usage {
        return Ok(());
    }
    Err(Trouble::new(
        "store-other-use",
        format!("this database holds {made_for} records, and is to be opened for {usage}"),
    )
    .at(path.display())
    .means("no page is taken or receipted; nothing was changed")
    .so(format!(
        "name another database for {usage}, or write `use = \"{made_for}\"`"
    )))
}

fn failed(path: &Path, doing: &str, problem: &sqlx::Error) -> Trouble {
    Trouble::new(
        "store-failed",
        format!("the record store's database could not {doing}: {problem}"),
    )
    .at(path.display())
    .means("nothing is receipted that is not stored; the gateways keep their pages and send them again")
    .so("is the disk full, read-only or failing? is another program holding the database?")
}

// ---------------------------------------------------------------- writing

impl Writer {
    /// A connection in which nothing is begun.
    async fn ready(&mut self) -> Result<&mut SqliteConnection, Trouble> {
        if self.open {
            // a connection that failed in the middle is not asked again: what stands on disk is the truth
            self.connection = None;
            self.open = false;
            self.ledgers.clear();
        }
        if self.connection.is_none() {
            let mut connection = connect(&self.path, true).await?;
            suitable(&mut connection, &self.path).await?;
            self.connection = Some(connection);
        }
        self.connection
            .as_mut()
            .ok_or_else(|| failed(&self.path, "open", &sqlx::Error::WorkerCrashed))
    }
}

struct Work {
    writer: OwnedMutexGuard<Writer>,
}

impl Work {
    fn connection(&mut self) -> Result<&mut SqliteConnection, Trouble> {
        let Writer { connection, path, .. } = &mut *self.writer;
        connection
            .as_mut()
            .ok_or_else(|| failed(path, "write", &sqlx::Error::WorkerCrashed))
    }

    fn failed(&self, problem: &sqlx::Error) -> Trouble {
        failed(&self.writer.path, "write", problem)
    }

    /// The row number of a ledger, made where there is none yet.
    async fn ledger(&mut self, id: &PageId) -> Result<i64, Trouble> {
        let name = (id.gateway.clone(), id.ledger.clone());
        if let Some(row) = self.writer.ledgers.get(&name) {
            return Ok(*row);
        }
        let row = query(
            "INSERT INTO ledger (gateway, ledger) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET ledger = excluded.ledger RETURNING id",
        )
        .bind(name.0.clone())
        .bind(name.1.clone())
        .fetch_one(self.connection()?)
        .await
        .map_err(|problem| self.failed(&problem))?
        .get(0);
        self.writer.ledgers.insert(name, row);
        Ok(row)
    }

    async fn page(&mut self, page: &PageRow) -> Result<i64, Trouble> {
        let ledger = self.ledger(&page.id).await?;
        let row = query(
            "INSERT INTO page (ledger, epoch, page, first, count, seal, prev, kid, opens, sealed, stored, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING id",
        )
        .bind(ledger)
        .bind(page.id.epoch as i64)
        .bind(page.id.page as i64)
        .bind(page.first as i64)
        .bind(page.entries.len() as i64)
        .bind(page.seal.0.to_vec())
        .bind(page.prev.map(|prev| prev.0.to_vec()))
        .bind(page.kid.0.to_vec())
        .bind(i64::from(page.opens))
        .bind(page.sealed.to_string())
        .bind(page.stored.to_string())
        .bind(page.bytes.clone())
        .fetch_one(self.connection()?)
        .await
        .map_err(|problem| self.failed(&problem))?;
        Ok(row.get(0))
    }
}

impl StoreWork for Work {
    fn standing<'a>(&'a mut self, pages: &'a [PageId]) -> Waiting<'a, Result<Standing, Trouble>> {
        Box::pin(async move {
            let mut standing = Standing::default();
            let asked = rows::places(pages);
            let found = query(
                "SELECT ledger.gateway, ledger.ledger, page.epoch, page.page, page.seal, page.stored
                 FROM json_each(?1) AS asked
                 JOIN ledger ON ledger.gateway = asked.value ->> 0 AND ledger.ledger = asked.value ->> 1
                 JOIN page ON page.ledger = ledger.id AND page.epoch = asked.value ->> 2
                          AND page.page IN (asked.value ->> 3, (asked.value ->> 3) - 1)",
            )
            .bind(asked)
            .fetch_all(self.connection()?)
            .await
            .map_err(|problem| self.failed(&problem))?;
            for row in &found {
                let id = rows::place(row).map_err(|problem| self.failed(&problem))?;
                let held = Held {
                    seal: rows::hash(row, 4).map_err(|problem| self.failed(&problem))?,
                    stored: rows::stamp(row, 5).map_err(|problem| self.failed(&problem))?,
                };
                standing.pages.insert(id, held);
            }
            let gateways = rows::gateways(pages);
            let ledgers = query(
                "SELECT ledger.gateway, ledger.ledger, handover.epoch, handover.page, handover.old, handover.x
                 FROM ledger LEFT JOIN handover ON handover.ledger = ledger.id
                 WHERE ledger.gateway IN (SELECT value FROM json_each(?1))
                 ORDER BY ledger.id, handover.epoch, handover.page",
            )
            .bind(gateways)
            .fetch_all(self.connection()?)
            .await
            .map_err(|problem| self.failed(&problem))?;
            for row in &ledgers {
                standing.ledgers.insert((row.get(0), row.get(1)));
                if row.get::<Option<i64>, _>(2).is_some() {
                    standing
                        .handovers
                        .push(rows::handover(row).map_err(|problem| self.failed(&problem))?);
                }
            }
            Ok(standing)
        })
    }

    /// Whoever writes writes alone, so no place can be taken meanwhile.
    fn keep<'a>(&'a mut self, pages: &'a [PageRow]) -> Waiting<'a, Result<Vec<(PageId, Held)>, Trouble>> {
        Box::pin(async move {
            let mut entries = rows::Entries::default();
            for page in pages {
                let row = self.page(page).await?;
                entries.add(row, page);
            }
            // one statement for the entries of all pages: a statement costs more than a row
            query(
                "INSERT INTO entry (page, seq, at, long, kind, time, unit, batch, step, run, point)
                 SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                        value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10
                 FROM jsonb_each(?1)",
            )
            .bind(entries.into_json())
            .execute(self.connection()?)
            .await
            .map_err(|problem| self.failed(&problem))?;
            Ok(Vec::new())
        })
    }

    fn hand_over<'a>(&'a mut self, handover: &'a Handover) -> Waiting<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let ledger = self.ledger(&handover.at).await?;
            query("INSERT INTO handover (ledger, epoch, page, old, x) VALUES (?1, ?2, ?3, ?4, ?5)")
                .bind(ledger)
                .bind(handover.at.epoch as i64)
                .bind(handover.at.page as i64)
                .bind(handover.old.0.to_vec())
                .bind(handover.new.x())
                .execute(self.connection()?)
                .await
                .map_err(|problem| self.failed(&problem))?;
            Ok(())
        })
    }

    fn fork<'a>(&'a mut self, fork: &'a ForkRow) -> Waiting<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let ledger = self.ledger(&fork.id).await?;
            query(
                "INSERT INTO fork (ledger, epoch, page, seal, heard, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT DO NOTHING",
            )
            .bind(ledger)
            .bind(fork.id.epoch as i64)
            .bind(fork.id.page as i64)
            .bind(fork.seal.0.to_vec())
            .bind(fork.heard.to_string())
            .bind(fork.bytes.clone())
            .execute(self.connection()?)
            .await
            .map_err(|problem| self.failed(&problem))?;
            Ok(())
        })
    }

    fn set_aside<'a>(&'a mut self, row: &'a QuarantineRow) -> Waiting<'a, Result<u64, Trouble>> {
        Box::pin(async move {
            let heard = query(
                "INSERT INTO quarantine (hash, gateway, reason, because, heard, times, size, bytes)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
                 WHERE EXISTS (SELECT 1 FROM quarantine WHERE hash = ?1 AND reason = ?3)
                    OR (SELECT count(*) < ?9 AND coalesce(sum(size), 0) + ?7 <= ?10 FROM quarantine)
                 ON CONFLICT DO UPDATE SET times = times + excluded.times RETURNING times",
            )
            .bind(Hash::of(&row.bytes).0.to_vec())
            .bind(row.gateway.clone())
            .bind(row.reason.clone())
            .bind(row.because.clone())
            .bind(row.heard.to_string())
            .bind(row.times as i64)
            .bind(row.bytes.len() as i64)
            .bind(row.bytes.clone())
            .bind(QUARANTINE_ROWS)
            .bind(QUARANTINE_BYTES)
            .fetch_optional(self.connection()?)
            .await
            .map_err(|problem| self.failed(&problem))?;
            Ok(heard.map_or(row.times, |row| row.get::<i64, _>(0) as u64))
        })
    }

    fn release<'a>(&'a mut self, row: &'a QuarantineRow) -> Waiting<'a, Result<(), Trouble>> {
        Box::pin(async move {
            query("DELETE FROM quarantine WHERE hash = ?1")
                .bind(Hash::of(&row.bytes).0.to_vec())
                .execute(self.connection()?)
                .await
                .map_err(|problem| self.failed(&problem))?;
            Ok(())
        })
    }

    fn commit(mut self: Box<Self>) -> Waiting<'static, Result<(), Trouble>> {
        Box::pin(async move {
            let done = self.connection()?.execute("COMMIT").await;
            done.map_err(|problem| self.failed(&problem))?;
            self.writer.open = false;
            Ok(())
        })
    }
}

// ---------------------------------------------------------------- asking

impl PageStore for StoreSqlite {
    fn begin(&self) -> Waiting<'_, Result<Box<dyn StoreWork>, Trouble>> {
        Box::pin(async move {
            let mut writer = Arc::clone(&self.writer).lock_owned().await;
            let begun = writer.ready().await?.execute("BEGIN IMMEDIATE").await;
            begun.map_err(|problem| failed(&self.path, "write", &problem))?;
            writer.open = true;
            Ok(Box::new(Work { writer }) as Box<dyn StoreWork>)
        })
    }

    fn counts(&self) -> Waiting<'_, Result<Vec<LedgerCount>, Trouble>> {
        Box::pin(self.ask(
            "SELECT ledger.gateway, ledger.ledger, count(*), sum(page.count), max(page.stored), newest.epoch, newest.page
             FROM ledger JOIN page ON page.ledger = ledger.id
             JOIN (SELECT ledger, epoch, page,
                          row_number() OVER (PARTITION BY ledger ORDER BY epoch DESC, page DESC) AS back
                   FROM page) AS newest ON newest.ledger = ledger.id AND newest.back = 1
             GROUP BY ledger.id ORDER BY ledger.gateway, ledger.id",
            &[],
            rows::count,
        ))
    }

    fn holes(&self) -> Waiting<'_, Result<Vec<Hole>, Trouble>> {
        Box::pin(self.ask(
            "SELECT ledger.gateway, ledger.ledger, hole.epoch, hole.first_missing, hole.last_missing
             FROM hole JOIN ledger ON ledger.id = hole.ledger ORDER BY 1, ledger.id, 3, 4",
            &[],
            rows::hole,
        ))
    }

    fn contradictions(&self) -> Waiting<'_, Result<Vec<Contradiction>, Trouble>> {
        Box::pin(self.ask(
            "SELECT ledger.gateway, ledger.ledger, epoch, page, what FROM (
                SELECT ledger, epoch, page, 'another page was sent for this place' AS what FROM fork
                UNION ALL SELECT ledger, epoch, page, what FROM broken
             ) AS found JOIN ledger ON ledger.id = found.ledger ORDER BY 1, ledger.id, 3, 4",
            &[],
            rows::contradiction,
        ))
    }

    fn quarantine(&self, most: u32) -> Waiting<'_, Result<Vec<QuarantineRow>, Trouble>> {
        Box::pin(async move {
            self.ask(
                "SELECT gateway, reason, because, heard, times, bytes FROM quarantine
                 ORDER BY id DESC LIMIT CAST(?1 AS INTEGER)",
                &[&most.to_string()],
                rows::quarantined,
            )
            .await
        })
    }

    fn page<'a>(&'a self, id: &'a PageId) -> Waiting<'a, Result<Option<Vec<u8>>, Trouble>> {
        Box::pin(async move {
            let found = self
                .ask(
                    "SELECT page.bytes FROM page JOIN ledger ON ledger.id = page.ledger
                     WHERE gateway = ?1 AND ledger.ledger = ?2
                       AND epoch = CAST(?3 AS INTEGER) AND page = CAST(?4 AS INTEGER)",
                    &[
                        &id.gateway,
                        &id.ledger,
                        &id.epoch.to_string(),
                        &id.page.to_string(),
                    ],
                    |row| row.try_get::<Vec<u8>, _>(0),
                )
                .await?;
            Ok(found.into_iter().next())
        })
    }

    fn entries_of<'a>(&'a self, batch: &'a str) -> Waiting<'a, Result<Vec<FoundEntry>, Trouble>> {
        Box::pin(async move {
            self.ask(
                "SELECT gateway, ledger.ledger, epoch, page.page, seq,
                        CAST(substr(bytes, at + 1, long) AS TEXT)
                 FROM entry JOIN page ON page.id = entry.page JOIN ledger ON ledger.id = page.ledger
                 WHERE batch = ?1 ORDER BY gateway, ledger.id, epoch, seq",
                &[batch],
                rows::found,
            )
            .await
        })
    }

    fn entries_between<'a>(
        &'a self,
        gateway: &'a str,
        ledger: &'a str,
        seqs: (u64, u64),
    ) -> Waiting<'a, Result<Vec<FoundEntry>, Trouble>> {
        Box::pin(async move {
            self.ask(
                "SELECT gateway, ledger.ledger, epoch, page.page, seq,
                        CAST(substr(bytes, at + 1, long) AS TEXT)
                 FROM ledger JOIN page ON page.ledger = ledger.id JOIN entry ON entry.page = page.id
                 WHERE gateway = ?1 AND ledger.ledger = ?2
                   AND first <= CAST(?4 AS INTEGER) AND first + count > CAST(?3 AS INTEGER)
                   AND seq BETWEEN CAST(?3 AS INTEGER) AND CAST(?4 AS INTEGER)
                 ORDER BY epoch, seq",
                &[gateway, ledger, &seqs.0.to_string(), &seqs.1.to_string()],
                rows::found,
            )
            .await
        })
    }
}
