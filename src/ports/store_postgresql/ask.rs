//! Questions. Times are asked for as milliseconds, as the record counts them.

use super::{LOCK, StorePostgresql, rows};
use crate::flow::needs::{Contradiction, FoundEntry, Hole, LedgerCount, PageId, QuarantineRow};
use record::Trouble;
use sqlx::{query, raw_sql};

/// What is whole now counts behind the front, and what does not fit there is kept: in one statement, so that all of
/// it sees the same pages.
const ADVANCE: &str = "
WITH gap AS (
    SELECT ledger, epoch, min(page) AS page FROM ahead
    WHERE NOT opens AND page - 1 > coalesce(last, front) GROUP BY ledger, epoch
), passed AS (
    SELECT ahead.* FROM ahead LEFT JOIN gap USING (ledger, epoch)
    WHERE gap.page IS NULL OR ahead.page < gap.page
), kept AS (
    INSERT INTO broken SELECT misfit.* FROM misfit JOIN passed USING (ledger, epoch, page) ON CONFLICT DO NOTHING
)
UPDATE front SET page = new.page, pages = front.pages + new.pages, entries = front.entries + new.entries
FROM (SELECT ledger, epoch, max(page) AS page, count(*) AS pages, sum(count)::int8 AS entries
      FROM passed GROUP BY ledger, epoch) AS new
WHERE front.ledger = new.ledger AND front.epoch = new.epoch";

impl StorePostgresql {
    /// Moves the front, unless another process is at it just now.
    async fn advance(&self) -> Result<(), Trouble> {
        let at = |problem| self.failed("look for holes", &problem);
        let mut tx = self.transaction("look for holes").await?;
        let ours: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1, 3)")
            .bind(LOCK)
            .fetch_one(&mut *tx)
            .await
            .map_err(at)?;
        if ours {
            raw_sql(ADVANCE).execute(&mut *tx).await.map_err(at)?;
            tx.commit().await.map_err(at)?;
        }
        Ok(())
    }

    pub(super) async fn ask_counts(&self) -> Result<Vec<LedgerCount>, Trouble> {
        let rows = query(
            "SELECT ledger.gateway, ledger.ledger, (coalesce(behind.pages, 0) + coalesce(new.pages, 0))::int8,
                    (coalesce(behind.entries, 0) + coalesce(new.entries, 0))::int8,
                    (extract(epoch FROM newest.stored) * 1000)::int8, newest.epoch, newest.page
             FROM ledger
             CROSS JOIN LATERAL (SELECT epoch, page, stored FROM place WHERE place.ledger = ledger.id
                                 ORDER BY epoch DESC, page DESC LIMIT 1) AS newest
             LEFT JOIN (SELECT ledger, sum(pages) AS pages, sum(entries) AS entries FROM front GROUP BY ledger)
                  AS behind ON behind.ledger = ledger.id
             LEFT JOIN (SELECT ledger, count(*) AS pages, sum(count) AS entries FROM ahead GROUP BY ledger)
                  AS new ON new.ledger = ledger.id
             ORDER BY ledger.gateway, ledger.id",
        )
        .fetch_all(&self.pool)
        .await;
        rows.and_then(|rows| rows.iter().map(rows::count).collect())
            .map_err(|problem| self.failed("read", &problem))
    }

    pub(super) async fn ask_holes(&self) -> Result<Vec<Hole>, Trouble> {
        self.advance().await?;
        let rows = query(
            "SELECT ledger.gateway, ledger.ledger, hole.epoch, hole.first_missing, hole.last_missing
             FROM hole JOIN ledger ON ledger.id = hole.ledger ORDER BY 1, ledger.id, 3, 4",
        )
        .fetch_all(&self.pool)
        .await;
        rows.and_then(|rows| rows.iter().map(rows::hole).collect())
            .map_err(|problem| self.failed("read", &problem))
    }

    pub(super) async fn ask_contradictions(&self) -> Result<Vec<Contradiction>, Trouble> {
        let rows = query(
            "SELECT ledger.gateway, ledger.ledger, epoch, page, what FROM (
                SELECT ledger, epoch, page, 'another page was sent for this place' AS what FROM fork
                UNION SELECT * FROM broken UNION SELECT * FROM misfit
             ) AS found JOIN ledger ON ledger.id = found.ledger ORDER BY 1, ledger.id, 3, 4, 5",
        )
        .fetch_all(&self.pool)
        .await;
        rows.and_then(|rows| rows.iter().map(rows::contradiction).collect())
            .map_err(|problem| self.failed("read", &problem))
    }

    pub(super) async fn ask_quarantine(&self, most: u32) -> Result<Vec<QuarantineRow>, Trouble> {
        let rows = query(
            "SELECT gateway, reason, because, (extract(epoch FROM heard) * 1000)::int8, times, bytes
             FROM quarantine ORDER BY id DESC LIMIT $1",
        )
        .bind(i64::from(most))
        .fetch_all(&self.pool)
        .await;
        rows.and_then(|rows| rows.iter().map(rows::quarantined).collect())
            .map_err(|problem| self.failed("read", &problem))
    }

    pub(super) async fn ask_page(&self, id: &PageId) -> Result<Option<Vec<u8>>, Trouble> {
        sqlx::query_scalar(
            "SELECT page.bytes FROM ledger JOIN place ON place.ledger = ledger.id
             JOIN page ON page.id = place.id AND page.stored = place.stored
             WHERE gateway = $1 AND ledger.ledger = $2 AND epoch = $3 AND place.page = $4",
        )
        .bind(&id.gateway)
        .bind(&id.ledger)
        .bind(id.epoch as i64)
        .bind(id.page as i64)
        .fetch_optional(&self.pool)
        .await
        .map_err(|problem| self.failed("read", &problem))
    }

    /// Each page is read once, and its lines are cut out here.
    pub(super) async fn ask_entries_of(&self, batch: &str) -> Result<Vec<FoundEntry>, Trouble> {
        let rows = query(
            "SELECT ledger.gateway, ledger.ledger, place.epoch, place.page, page.bytes, found.seqs, found.ats, found.longs
             FROM (SELECT page, stored, array_agg(seq ORDER BY seq) AS seqs, array_agg(at ORDER BY seq) AS ats,
                          array_agg(long ORDER BY seq) AS longs
                   FROM entry WHERE batch = $1 GROUP BY page, stored) AS found
             JOIN place ON place.id = found.page
             JOIN page ON page.id = found.page AND page.stored = found.stored
             JOIN ledger ON ledger.id = place.ledger
             ORDER BY ledger.gateway, ledger.id, place.epoch, place.page",
        )
        .bind(super::column(batch.to_owned()))
        .fetch_all(&self.pool)
        .await;
        let pages: Result<Vec<_>, _> = rows.and_then(|rows| rows.iter().map(rows::cut).collect());
        pages
            .map(|pages| pages.into_iter().flatten().collect())
            .map_err(|problem| self.failed("read", &problem))
    }

    /// Numbers rise over a ledger, so the pages lie side by side in the index.
    pub(super) async fn ask_entries_between(
        &self,
        gateway: &str,
        ledger: &str,
        seqs: (u64, u64),
    ) -> Result<Vec<FoundEntry>, Trouble> {
        let (low, high) = (
            i64::try_from(seqs.0).unwrap_or(i64::MAX),
            i64::try_from(seqs.1).unwrap_or(i64::MAX),
        );
        let rows = query(
            "SELECT ledger.gateway, ledger.ledger, place.epoch, place.page, page.bytes, place.first
             FROM ledger
             JOIN place ON place.ledger = ledger.id AND place.first <= $4
              AND place.first >= coalesce((SELECT max(first) FROM place AS before
                                           WHERE before.ledger = ledger.id AND before.first <= $3), $3)
             JOIN page ON page.id = place.id AND page.stored = place.stored
             WHERE gateway = $1 AND ledger.ledger = $2 AND place.first + place.count > $3
             ORDER BY place.epoch, place.first",
        )
        .bind(gateway)
        .bind(ledger)
        .bind(low)
        .bind(high)
        .fetch_all(&self.pool)
        .await;
        let pages: Result<Vec<_>, _> =
            rows.and_then(|rows| rows.iter().map(|row| rows::between(row, seqs)).collect());
        pages
            .map(|pages| pages.into_iter().flatten().collect())
            .map_err(|problem| self.failed("read", &problem))
    }
}
