//! A record store in PostgreSQL: for a plant, with as many processes on it as it needs.
//!
//! Nothing here trusts that it writes alone: the table `place` has one row for each page of the world, and whoever
//! comes second with a page learns it from the database in the very statement that would have kept it. A server that
//! does not make commits durable is refused. After any trouble the connection is thrown away.

use crate::flow::needs::{
    Contradiction, FoundEntry, Hole, LedgerCount, PageId, PageStore, QuarantineRow, StoreWork, Waiting,
};
use record::{Stamp, Trouble};
use sqlx::{
    PgConnection, PgPool, Row, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
    query, raw_sql,
};
use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

mod ask;
mod rows;
mod work;

/// The first server that can do all that is asked of it here.
const OLDEST: i32 = 140_000;
/// Connections of one process: one writes, the others answer questions.
const CONNECTIONS: u32 = 4;
/// Among all advisory locks of a database, ours: bringing up to date, partitions, the front.
const LOCK: i32 = 0x5174;
/// How long a question or an act may take before something is wrong.
const PATIENCE: Duration = Duration::from_secs(20);

/// How to reach a database, but for the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `postgresql://steelyard@db.essen.example/steelyard`.
    pub url: String,
    /// The password as it stands in its file.
    pub password: Option<Vec<u8>>,
    /// Whom to trust as the server over TLS; without it the line is not encrypted.
    pub trust: Option<PathBuf>,
}

/// A record store in a PostgreSQL database.
#[derive(Clone)]
pub struct StorePostgresql {
    pool: PgPool,
    shown: Arc<str>,
    known: Arc<Mutex<Known>>,
}

/// What is known to be committed, so that it need not be asked for again.
#[derive(Default)]
struct Known {
    /// Row numbers of ledgers.
    ledgers: HashMap<(String, String), i64>,
    /// Epochs that have a front.
    fronts: HashSet<(i64, u64)>,
    /// Months that have partitions.
    months: HashSet<String>,
}

impl StorePostgresql {
    /// Connects, brings the schema up to date, and refuses another `use`. `migrations` are named SQL texts in the
    /// order in which they apply.
    pub async fn open(
        address: &Address,
        usage: &str,
        migrations: &[(&'static str, &'static str)],
    ) -> Result<Self, Trouble> {
        let options = options(address)?;
        let shown: Arc<str> = shown(&options).into();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(|problem| failed(&shown, "open", &problem))?;
        let store = Self {
            pool,
            shown,
            known: Arc::default(),
        };
        let mut tx = store.transaction("open").await?;
        suitable(&mut tx, &store.shown).await?;
        migrate(&mut tx, &store.shown, migrations).await?;
        one_use(&mut tx, &store.shown, usage).await?;
        tx.commit()
            .await
            .map_err(|problem| failed(&store.shown, "open", &problem))?;
        Ok(store)
    }

    /// Connects to a database in which a record store has worked, for questions.
    pub async fn look(
        address: &Address,
        usage: &str,
        migrations: &[(&'static str, &'static str)],
    ) -> Result<Self, Trouble> {
        let options = options(address)?;
        let shown = shown(&options);
        let at = |problem: sqlx::Error| failed(&shown, "open", &problem);
        let mut connection = <PgConnection as sqlx::Connection>::connect_with(&options)
            .await
            .map_err(at)?;
        let there: bool = query("SELECT to_regclass('migration') IS NOT NULL")
            .fetch_one(&mut connection)
            .await
            .map_err(at)?
            .get(0);
        if !there {
            return Err(
                Trouble::new("no-store", "there is no record store in this database")
                    .at(&shown)
                    .means("nothing was made and nothing was changed")
                    .so("name the database of a record store that has run, or start it: steelyard store CONFIG"),
            );
        }
        Self::open(address, usage, migrations).await
    }

    fn failed(&self, doing: &str, problem: &sqlx::Error) -> Trouble {
        failed(&self.shown, doing, problem)
    }

    async fn transaction(&self, doing: &str) -> Result<Transaction<'static, sqlx::Postgres>, Trouble> {
        self.pool
            .begin()
            .await
            .map_err(|problem| self.failed(doing, &problem))
    }

    /// The month of a time: `2026-11`.
    fn month(stored: Stamp) -> String {
        stored.to_string()[..7].to_owned()
    }

    fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl PageStore for StorePostgresql {
    fn begin(&self) -> Waiting<'_, Result<Box<dyn StoreWork>, Trouble>> {
        Box::pin(async move {
            let tx = self.transaction("write").await?;
            Ok(Box::new(work::Work::new(self.clone(), tx)) as Box<dyn StoreWork>)
        })
    }

    fn counts(&self) -> Waiting<'_, Result<Vec<LedgerCount>, Trouble>> {
        Box::pin(self.ask_counts())
    }

    fn holes(&self) -> Waiting<'_, Result<Vec<Hole>, Trouble>> {
        Box::pin(self.ask_holes())
    }

    fn contradictions(&self) -> Waiting<'_, Result<Vec<Contradiction>, Trouble>> {
        Box::pin(self.ask_contradictions())
    }

    fn quarantine(&self, most: u32) -> Waiting<'_, Result<Vec<QuarantineRow>, Trouble>> {
        Box::pin(self.ask_quarantine(most))
    }

    fn page<'a>(&'a self, id: &'a PageId) -> Waiting<'a, Result<Option<Vec<u8>>, Trouble>> {
        Box::pin(self.ask_page(id))
    }

    fn entries_of<'a>(&'a self, batch: &'a str) -> Waiting<'a, Result<Vec<FoundEntry>, Trouble>> {
        Box::pin(self.ask_entries_of(batch))
    }

    fn entries_between<'a>(
        &'a self,
        gateway: &'a str,
        ledger: &'a str,
        seqs: (u64, u64),
    ) -> Waiting<'a, Result<Vec<FoundEntry>, Trouble>> {
        Box::pin(self.ask_entries_between(gateway, ledger, seqs))
    }
}

// ---------------------------------------------------------------- opening

/// Where it connects to, and how. The address decides; the environment (`PGPORT`, `PGUSER`) only fills in what it leaves
/// out.
fn options(address: &Address) -> Result<PgConnectOptions, Trouble> {
    let mut options = PgConnectOptions::from_str(&address.url).map_err(|problem| {
        Trouble::new(
            "store-failed",
            format!("this is no address of a PostgreSQL database: {problem}"),
        )
        .means("no page is taken or receipted; the gateways keep theirs")
        .so("write postgresql://USER@HOST/DATABASE, or postgresql:///DATABASE?host=/run/postgresql&user=USER")
    })?;
    options = options.application_name("steelyard store").options([
        ("synchronous_commit", "on"),
        ("timezone", "UTC"),
        ("client_min_messages", "warning"),
        ("statement_timeout", "600000"),
        ("lock_timeout", "20000"),
        ("idle_in_transaction_session_timeout", "60000"),
    ]);
    if let Some(password) = &address.password {
        let password = String::from_utf8_lossy(password);
        options = options.password(password.trim_end_matches(['\r', '\n']));
    }
    Ok(match &address.trust {
        Some(trust) => options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(trust),
        None => options.ssl_mode(PgSslMode::Disable),
    })
}

/// The address as it may be shown: no password.
fn shown(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(
        || options.get_host().to_owned(),
        |path| path.display().to_string(),
    );
    format!(
        "postgresql://{}@{host}:{}/{}",
        options.get_username(),
        options.get_port(),
        options.get_database().unwrap_or(options.get_username())
    )
}

fn failed(shown: &str, doing: &str, problem: &sqlx::Error) -> Trouble {
    Trouble::new(
        "store-failed",
        format!("the record store's database could not {doing}: {problem}"),
    )
    .at(shown)
    .means("nothing is receipted that is not stored; the gateways keep their pages and send them again")
    .so("is the server up and reachable, and does the user own this database? the server's log says more")
}

/// Asks what is really in force: a commit that is not durable must never be receipted.
async fn suitable(connection: &mut PgConnection, shown: &str) -> Result<(), Trouble> {
    let row = query(
        "SELECT current_setting('server_version_num')::int4, current_setting('fsync'),
                current_setting('synchronous_commit'), current_setting('full_page_writes'),
                current_setting('server_encoding'), current_setting('server_version')",
    )
    .fetch_one(connection)
    .await
    .map_err(|problem| failed(shown, "open", &problem))?;
    let word = |index: usize| row.get::<String, _>(index);
    let unfit = |what: String, action: &str| {
        Err(Trouble::new("store-unfit", what)
            .at(shown)
            .means("no page is taken or receipted; the gateways keep theirs")
            .so(action))
    };
    if row.get::<i32, _>(0) < OLDEST {
        return unfit(
            format!("PostgreSQL {} is older than 14", word(5)),
            "install PostgreSQL 14 or newer",
        );
    }
    if word(1) != "on" || word(3) != "on" || !["on", "remote_apply"].contains(&word(2).as_str()) {
        return unfit(
            format!(
                "this server does not make commits durable (fsync {}, synchronous_commit {}, full_page_writes {})",
                word(1),
                word(2),
                word(3)
            ),
            "set all three to on in postgresql.conf; a receipt must never be given for what a power cut takes away",
        );
    }
    if word(4) != "UTF8" {
        return unfit(
            format!("this database holds {} text, and the record is UTF-8", word(4)),
            "make the database with ENCODING 'UTF8'",
        );
    }
    Ok(())
}

async fn migrate(
    connection: &mut PgConnection,
    shown: &str,
    migrations: &[(&'static str, &'static str)],
) -> Result<(), Trouble> {
    let at = |problem: sqlx::Error| failed(shown, "bring up to date", &problem);
    // several processes may start at once: one of them does it
    query("SELECT pg_advisory_xact_lock($1, 1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await
        .map_err(at)?;
    raw_sql(
        "CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
    )
    .execute(&mut *connection)
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
        .at(shown)
        .means("no page is taken or receipted; the gateways keep theirs; nothing was changed")
        .so("start the newer version again, or restore the database from before it"));
    }
    for (name, sql) in migrations {
        if !applied.iter().any(|known| known == name) {
            raw_sql(*sql).execute(&mut *connection).await.map_err(at)?;
            query("INSERT INTO migration (name) VALUES ($1)")
                .bind(*name)
                .execute(&mut *connection)
                .await
                .map_err(at)?;
        }
    }
    Ok(())
}

/// A record store never mixes uses: the first one stands in the database for good.
async fn one_use(connection: &mut PgConnection, shown: &str, usage: &str) -> Result<(), Trouble> {
    let at = |problem: sqlx::Error| failed(shown, "open", &problem);
    query("INSERT INTO store VALUES (1, $1) ON CONFLICT DO NOTHING")
        .bind(usage)
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
    .at(shown)
    .means("no page is taken or receipted; nothing was changed")
    .so(format!(
        "name another database for {usage}, or write `use = \"{made_for}\"`"
    )))
}

/// A text as it may stand in a column: the one character that PostgreSQL does not hold is replaced there. The line
/// itself is kept byte for byte.
fn column(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    }
}

/// Whether a text names a PostgreSQL database rather than a file.
pub fn is_address(text: &str) -> bool {
    text.starts_with("postgresql://") || text.starts_with("postgres://")
}

impl Address {
    /// As it may be shown: without a password.
    pub fn shown(&self) -> String {
        PgConnectOptions::from_str(&self.url)
            .map_or_else(|_| "postgresql://…".to_owned(), |options| shown(&options))
    }
}
