//! One act of writing: a transaction, and a handful of statements however many pages there are.

use super::{LOCK, StorePostgresql, rows};
use crate::flow::needs::{
    ForkRow, Handover, Held, PageId, PageRow, QuarantineRow, Standing, StoreWork, Waiting,
};
use record::{Hash, Stamp, Trouble};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, Transaction, query, raw_sql};
use std::collections::{BTreeSet, HashMap};

/// Room for what was refused. Beyond it is counted and told, not kept.
const QUARANTINE_ROWS: i64 = 2_000;
const QUARANTINE_BYTES: i64 = 256 << 20;

pub(super) struct Work {
    store: StorePostgresql,
    tx: Transaction<'static, Postgres>,
    /// Made in this act, and known to all only once it is committed.
    ledgers: HashMap<(String, String), i64>,
    fronts: BTreeSet<(i64, u64)>,
}

impl Work {
    pub(super) fn new(store: StorePostgresql, tx: Transaction<'static, Postgres>) -> Self {
        Self {
            store,
            tx,
            ledgers: HashMap::new(),
            fronts: BTreeSet::new(),
        }
    }

    fn connection(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    fn failed(&self, problem: &sqlx::Error) -> Trouble {
        self.store.failed("write", problem)
    }

    fn known_ledger(&self, name: &(String, String)) -> Option<i64> {
        self.ledgers
            .get(name)
            .copied()
            .or_else(|| self.store.known(|known| known.ledgers.get(name).copied()))
    }

    /// The row number of a ledger, made where there is none yet.
    async fn ledger(&mut self, id: &PageId) -> Result<i64, Trouble> {
        let name = (id.gateway.clone(), id.ledger.clone());
        if let Some(row) = self.known_ledger(&name) {
            return Ok(row);
        }
        let row: i64 = sqlx::query_scalar(
            "INSERT INTO ledger (gateway, ledger) VALUES ($1, $2)
             ON CONFLICT (gateway, ledger) DO UPDATE SET ledger = excluded.ledger RETURNING id",
        )
        .bind(&name.0)
        .bind(&name.1)
        .fetch_one(self.connection())
        .await
        .map_err(|problem| self.failed(&problem))?;
        self.ledgers.insert(name, row);
        Ok(row)
    }

    /// An epoch that is new here gets its front.
    async fn front(&mut self, ledger: i64, epoch: u64) -> Result<(), Trouble> {
        let key = (ledger, epoch);
        if self.fronts.contains(&key) || self.store.known(|known| known.fronts.contains(&key)) {
            return Ok(());
        }
        query("INSERT INTO front VALUES ($1, $2, 0, 0, 0) ON CONFLICT DO NOTHING")
            .bind(ledger)
            .bind(epoch as i64)
            .execute(self.connection())
            .await
            .map_err(|problem| self.failed(&problem))?;
        self.fronts.insert(key);
        Ok(())
    }

    /// The partitions of the month in which these pages are stored. Made once a month, in a transaction of its own.
    async fn partition(&mut self, stored: Stamp) -> Result<(), Trouble> {
        let month = StorePostgresql::month(stored);
        if self.store.known(|known| known.months.contains(&month)) {
            return Ok(());
        }
        let name = month.replace('-', "_");
        let mut tx = self.store.transaction("write").await?;
        let at = |problem| self.store.failed("make room for a new month", &problem);
        query("SELECT pg_advisory_xact_lock($1, 2)")
            .bind(LOCK)
            .execute(&mut *tx)
            .await
            .map_err(at)?;
        for table in ["page", "entry"] {
            let there: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
                .bind(format!("{table}_{name}"))
                .fetch_one(&mut *tx)
                .await
                .map_err(at)?;
            if !there {
                // the name is digits and an underscore; attached, so that nobody who reads has to wait
                raw_sql(AssertSqlSafe(format!(
                    "CREATE TABLE {table}_{name} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMPRESSION);
                     ALTER TABLE {table} ATTACH PARTITION {table}_{name}
                     FOR VALUES FROM ('{month}-01') TO (timestamptz '{month}-01' + interval '1 month')"
                )))
                .execute(&mut *tx)
                .await
                .map_err(at)?;
            }
        }
        tx.commit().await.map_err(at)?;
        self.store.known(|known| known.months.insert(month));
        Ok(())
    }

    /// Asks for the ledgers of these gateways, with their changes of key.
    async fn ledgers_of(&mut self, gateways: &[String], standing: &mut Standing) -> Result<(), Trouble> {
        let rows = query(
            "SELECT ledger.gateway, ledger.ledger, handover.epoch, handover.page, handover.old, handover.x
             FROM ledger LEFT JOIN handover ON handover.ledger = ledger.id
             WHERE ledger.gateway = ANY ($1)
             ORDER BY ledger.id, handover.epoch, handover.page",
        )
        .bind(gateways)
        .fetch_all(self.connection())
        .await
        .map_err(|problem| self.failed(&problem))?;
        standing.ledgers.clear();
        standing.handovers.clear();
        for row in &rows {
            standing.ledgers.insert((row.get(0), row.get(1)));
            if row.get::<Option<i64>, _>(2).is_some() {
                standing
                    .handovers
                    .push(rows::handover(row).map_err(|problem| self.failed(&problem))?);
            }
        }
        Ok(())
    }

    async fn held(&mut self, pages: &[PageId], standing: &mut Standing) -> Result<(), Trouble> {
        let column = |of: fn(&PageId) -> &str| pages.iter().map(|id| of(id).to_owned()).collect::<Vec<_>>();
        let found = query(
            "SELECT ledger.gateway, ledger.ledger, place.epoch, place.page, place.seal,
                    (extract(epoch FROM place.stored) * 1000)::int8
             FROM unnest($1::text[], $2::text[], $3::int8[], $4::int8[]) AS asked (gateway, ledger, epoch, page)
             JOIN ledger ON ledger.gateway = asked.gateway AND ledger.ledger = asked.ledger
             JOIN place ON place.ledger = ledger.id AND place.epoch = asked.epoch
                       AND place.page = ANY (ARRAY[asked.page, asked.page - 1])",
        )
        .bind(column(|id| &id.gateway))
        .bind(column(|id| &id.ledger))
        .bind(pages.iter().map(|id| id.epoch as i64).collect::<Vec<_>>())
        .bind(pages.iter().map(|id| id.page as i64).collect::<Vec<_>>())
        .fetch_all(self.connection())
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
        Ok(())
    }

    /// Takes the places of these pages; their ids, and which of them somebody else has taken meanwhile.
    async fn take_places(&mut self, pages: &[&PageRow]) -> Result<Vec<Option<i64>>, Trouble> {
        let mut ledgers = Vec::with_capacity(pages.len());
        for page in pages {
            let ledger = self.ledger(&page.id).await?;
            self.front(ledger, page.id.epoch).await?;
            ledgers.push(ledger);
        }
        let numbers = |of: fn(&PageRow) -> u64| pages.iter().map(|page| of(page) as i64).collect::<Vec<_>>();
        let rows = query(
            "INSERT INTO place (ledger, epoch, page, first, count, opens, stored, seal, prev, kid)
             SELECT ledger, epoch, page, first, count, opens, timestamptz 'epoch' + stored * interval '1 millisecond',
                    seal, prev, kid
             FROM unnest($1::int8[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::bool[], $7::int8[],
                         $8::bytea[], $9::bytea[], $10::bytea[])
                  AS new (ledger, epoch, page, first, count, opens, stored, seal, prev, kid)
             ON CONFLICT DO NOTHING RETURNING ledger, epoch, page, id",
        )
        .bind(&ledgers)
        .bind(numbers(|page| page.id.epoch))
        .bind(numbers(|page| page.id.page))
        .bind(numbers(|page| page.first))
        .bind(numbers(|page| page.entries.len() as u64))
        .bind(pages.iter().map(|page| page.opens).collect::<Vec<_>>())
        .bind(pages.iter().map(|page| page.stored.0).collect::<Vec<_>>())
        .bind(pages.iter().map(|page| &page.seal.0[..]).collect::<Vec<_>>())
        .bind(
            pages
                .iter()
                .map(|page| page.prev.map(|prev| prev.0.to_vec()))
                .collect::<Vec<_>>(),
        )
        .bind(pages.iter().map(|page| &page.kid.0[..]).collect::<Vec<_>>())
        .fetch_all(self.connection())
        .await
        .map_err(|problem| self.failed(&problem))?;
        let taken: HashMap<(i64, i64, i64), i64> = rows
            .iter()
            .map(|row| ((row.get(0), row.get(1), row.get(2)), row.get(3)))
            .collect();
        Ok(pages
            .iter()
            .zip(&ledgers)
            .map(|(page, ledger)| {
                taken
                    .get(&(*ledger, page.id.epoch as i64, page.id.page as i64))
                    .copied()
            })
            .collect())
    }

    async fn write_pages(&mut self, stored: Stamp, pages: &[(i64, &PageRow)]) -> Result<(), Trouble> {
        self.partition(stored).await?;
        query(
            "INSERT INTO page (id, stored, sealed, bytes)
             SELECT id, timestamptz 'epoch' + $2 * interval '1 millisecond',
                    timestamptz 'epoch' + sealed * interval '1 millisecond', bytes
             FROM unnest($1::int8[], $3::int8[], $4::bytea[]) AS new (id, sealed, bytes)",
        )
        .bind(pages.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(stored.0)
        .bind(pages.iter().map(|(_, page)| page.sealed.0).collect::<Vec<_>>())
        .bind(pages.iter().map(|(_, page)| &page.bytes[..]).collect::<Vec<_>>())
        .execute(self.connection())
        .await
        .map_err(|problem| self.failed(&problem))?;
        let mut entries = rows::Entries::default();
        for (id, page) in pages {
            entries.add(*id, page);
        }
        query(
            "INSERT INTO entry (page, stored, seq, at, long, run, kind, time, unit, batch, step, point)
             SELECT page, timestamptz 'epoch' + $12 * interval '1 millisecond', seq, at, long, run, kind, time, unit,
                    batch, step, point
             FROM unnest($1::int8[], $2::int8[], $3::int4[], $4::int4[], $5::int8[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::text[], $11::text[])
                  AS new (page, seq, at, long, run, kind, time, unit, batch, step, point)",
        )
        .bind(entries.pages)
        .bind(entries.seqs)
        .bind(entries.ats)
        .bind(entries.longs)
        .bind(entries.runs)
        .bind(entries.kinds)
        .bind(entries.times)
        .bind(entries.units)
        .bind(entries.batches)
        .bind(entries.steps)
        .bind(entries.points)
        .bind(stored.0)
        .execute(self.connection())
        .await
        .map_err(|problem| self.failed(&problem))?;
        Ok(())
    }
}

impl StoreWork for Work {
    fn standing<'a>(&'a mut self, pages: &'a [PageId]) -> Waiting<'a, Result<Standing, Trouble>> {
        Box::pin(async move {
            let mut standing = Standing::default();
            if pages.is_empty() {
                return Ok(standing);
            }
            let gateways: BTreeSet<_> = pages.iter().map(|id| id.gateway.clone()).collect();
            let gateways: Vec<_> = gateways.into_iter().collect();
            self.ledgers_of(&gateways, &mut standing).await?;
            // The first ledger that is heard of is the gateway's ledger: that is for one process at a time.
            let new: Vec<String> = gateways
                .iter()
                .filter(|name| !standing.ledgers.iter().any(|(known, _)| known == *name))
                .cloned()
                .collect();
            if !new.is_empty() {
                query(
                    "SELECT pg_advisory_xact_lock($1, hashtext(name)) FROM unnest($2::text[]) AS new (name)",
                )
                .bind(LOCK + 1)
                .bind(&new)
                .execute(self.connection())
                .await
                .map_err(|problem| self.failed(&problem))?;
                self.ledgers_of(&gateways, &mut standing).await?;
            }
            self.held(pages, &mut standing).await?;
            Ok(standing)
        })
    }

    fn keep<'a>(&'a mut self, pages: &'a [PageRow]) -> Waiting<'a, Result<Vec<(PageId, Held)>, Trouble>> {
        Box::pin(async move {
            // always in the same order, so that two processes never wait for each other in a circle
            let mut order: Vec<&PageRow> = pages.iter().collect();
            order.sort_by(|one, other| one.id.cmp(&other.id));
            let ids = self.take_places(&order).await?;
            let mut kept: Vec<(i64, &PageRow)> = Vec::with_capacity(order.len());
            let mut taken = Vec::new();
            for (page, id) in order.into_iter().zip(ids) {
                match id {
                    Some(id) => kept.push((id, page)),
                    None => taken.push(page.id.clone()),
                }
            }
            for same in kept.chunk_by(|one, other| one.1.stored == other.1.stored) {
                self.write_pages(same[0].1.stored, same).await?;
            }
            if taken.is_empty() {
                return Ok(Vec::new());
            }
            // whoever was first has committed by now: the statement above waited for that
            let mut standing = Standing::default();
            self.held(&taken, &mut standing).await?;
            Ok(taken
                .into_iter()
                .filter_map(|id| standing.pages.get(&id).map(|held| (id.clone(), *held)))
                .collect())
        })
    }

    fn hand_over<'a>(&'a mut self, handover: &'a Handover) -> Waiting<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let ledger = self.ledger(&handover.at).await?;
            query("INSERT INTO handover (ledger, epoch, page, old, x) VALUES ($1, $2, $3, $4, $5)")
                .bind(ledger)
                .bind(handover.at.epoch as i64)
                .bind(handover.at.page as i64)
                .bind(&handover.old.0[..])
                .bind(handover.new.x())
                .execute(self.connection())
                .await
                .map_err(|problem| self.failed(&problem))?;
            Ok(())
        })
    }

    fn fork<'a>(&'a mut self, fork: &'a ForkRow) -> Waiting<'a, Result<(), Trouble>> {
        Box::pin(async move {
            let ledger = self.ledger(&fork.id).await?;
            query(
                "INSERT INTO fork (ledger, epoch, page, seal, heard, bytes)
                 VALUES ($1, $2, $3, $4, timestamptz 'epoch' + $5 * interval '1 millisecond', $6)
                 ON CONFLICT DO NOTHING",
            )
            .bind(ledger)
            .bind(fork.id.epoch as i64)
            .bind(fork.id.page as i64)
            .bind(&fork.seal.0[..])
            .bind(fork.heard.0)
            .bind(&fork.bytes)
            .execute(self.connection())
            .await
            .map_err(|problem| self.failed(&problem))?;
            Ok(())
        })
    }

    fn set_aside<'a>(&'a mut self, row: &'a QuarantineRow) -> Waiting<'a, Result<u64, Trouble>> {
        Box::pin(async move {
            let heard: Option<i64> = sqlx::query_scalar(
                "INSERT INTO quarantine (hash, gateway, reason, because, heard, times, size, bytes)
                 SELECT $1, $2, $3, $4, timestamptz 'epoch' + $5::int8 * interval '1 millisecond', $6, $7::int8, $8
                 WHERE EXISTS (SELECT 1 FROM quarantine WHERE hash = $1 AND reason = $3)
                    OR (SELECT count(*) < $9 AND coalesce(sum(size), 0) + $7::int8 <= $10 FROM quarantine)
                 ON CONFLICT (hash, reason) DO UPDATE SET times = quarantine.times + excluded.times RETURNING times",
            )
            .bind(&Hash::of(&row.bytes).0[..])
            .bind(super::column(row.gateway.clone()))
            .bind(&row.reason)
            .bind(super::column(row.because.clone()))
            .bind(row.heard.0)
            .bind(row.times as i64)
            .bind(row.bytes.len() as i64)
            .bind(&row.bytes)
            .bind(QUARANTINE_ROWS)
            .bind(QUARANTINE_BYTES)
            .fetch_optional(self.connection())
            .await
            .map_err(|problem| self.failed(&problem))?;
            Ok(heard.map_or(row.times, |times| times as u64))
        })
    }

    fn release<'a>(&'a mut self, row: &'a QuarantineRow) -> Waiting<'a, Result<(), Trouble>> {
        Box::pin(async move {
            query("DELETE FROM quarantine WHERE hash = $1")
                .bind(&Hash::of(&row.bytes).0[..])
                .execute(self.connection())
                .await
                .map_err(|problem| self.failed(&problem))?;
            Ok(())
        })
    }

    fn commit(self: Box<Self>) -> Waiting<'static, Result<(), Trouble>> {
        Box::pin(async move {
            let Self {
                store,
                tx,
                ledgers,
                fronts,
            } = *self;
            tx.commit()
                .await
                .map_err(|problem| store.failed("write", &problem))?;
            store.known(|known| {
                known.ledgers.extend(ledgers);
                known.fronts.extend(fronts);
            });
            Ok(())
        })
    }
}
