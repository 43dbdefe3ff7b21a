-- What a record store holds. Pages are kept byte for byte as they were sealed; everything else
-- here can be made from them again, except what people decided (enrolment) and what was refused.

CREATE TABLE store (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    use  TEXT NOT NULL                          -- production, qualification, training or demo; never mixed
) STRICT;

CREATE TABLE ledger (
    id       INTEGER PRIMARY KEY,
    gateway  TEXT NOT NULL,
    ledger   TEXT NOT NULL,
    UNIQUE (gateway, ledger)
) STRICT;

CREATE TABLE page (
    id      INTEGER PRIMARY KEY,
    ledger  INTEGER NOT NULL REFERENCES ledger,
    epoch   INTEGER NOT NULL,
    page    INTEGER NOT NULL,
    first   INTEGER NOT NULL,                   -- number of its first entry
    count   INTEGER NOT NULL,
    seal    BLOB NOT NULL,                      -- SHA-256 of the seal line
    prev    BLOB,                               -- the same of the page before
    kid     BLOB NOT NULL,                      -- thumbprint of the key that sealed it
    opens   INTEGER NOT NULL,                   -- 1 where a ledger or an epoch begins
    sealed  TEXT NOT NULL,
    stored  TEXT NOT NULL,
    bytes   BLOB NOT NULL                       -- last, so that looking at the rest reads none of it
) STRICT;

CREATE UNIQUE INDEX page_place ON page (ledger, epoch, page, opens);
CREATE UNIQUE INDEX page_once ON page (ledger, epoch, page);

CREATE TABLE entry (
    page   INTEGER NOT NULL REFERENCES page,
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,                    -- its line within the page: first byte and length
    long   INTEGER NOT NULL,
    kind   TEXT NOT NULL,
    time   TEXT NOT NULL,
    unit   TEXT,
    batch  TEXT,
    step   TEXT,
    run    INTEGER,
    point  TEXT,
    PRIMARY KEY (page, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX entry_batch ON entry (batch, page, seq) WHERE batch IS NOT NULL;

-- Where the old key hands over to a new one, which counts only after this place.
CREATE TABLE handover (
    ledger  INTEGER NOT NULL REFERENCES ledger,
    epoch   INTEGER NOT NULL,
    page    INTEGER NOT NULL,
    old     BLOB NOT NULL,
    x       TEXT NOT NULL,
    PRIMARY KEY (ledger, epoch, page)
) STRICT, WITHOUT ROWID;

-- Pages that contradict one that is held: same place, another seal. Never receipted.
CREATE TABLE fork (
    ledger  INTEGER NOT NULL REFERENCES ledger,
    epoch   INTEGER NOT NULL,
    page    INTEGER NOT NULL,
    seal    BLOB NOT NULL,
    heard   TEXT NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY (ledger, epoch, page, seal)
) STRICT;

CREATE TABLE quarantine (
    id       INTEGER PRIMARY KEY,
    hash     BLOB NOT NULL,                     -- SHA-256 of the bytes
    gateway  TEXT NOT NULL,
    reason   TEXT NOT NULL,
    because  TEXT NOT NULL,
    heard    TEXT NOT NULL,
    times    INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    bytes    BLOB NOT NULL,
    UNIQUE (hash, reason)
) STRICT;

-- For people with an SQL client: an entry with its line and its place in the world.
CREATE VIEW entry_line AS
SELECT ledger.gateway, ledger.ledger, page.epoch, page.page, entry.seq, entry.kind, entry.time, entry.unit,
       entry.batch, entry.step, entry.run, entry.point,
       CAST(substr(page.bytes, entry.at + 1, entry.long) AS TEXT) AS line
FROM entry JOIN page ON page.id = entry.page JOIN ledger ON ledger.id = page.ledger;

-- Pages missing before a page that is held. Where a ledger or an epoch begins, nothing is missing.
CREATE VIEW hole AS
SELECT ledger, epoch, coalesce(last, 0) + 1 AS first_missing, page - 1 AS last_missing
FROM (
    SELECT ledger, epoch, page, opens, lag(page) OVER (PARTITION BY ledger, epoch ORDER BY page) AS last
    FROM page INDEXED BY page_place
)
WHERE opens = 0 AND page - 1 > coalesce(last, 0);

-- Neighbours within an epoch whose chain or numbers do not fit.
CREATE VIEW broken AS
SELECT next.ledger, next.epoch, next.page,
       CASE WHEN next.prev IS NOT this.seal THEN 'its seal names another page before it'
            ELSE 'its entries do not begin where those of the page before it end' END AS what
FROM page AS next JOIN page AS this
  ON this.ledger = next.ledger AND this.epoch = next.epoch AND this.page = next.page - 1
WHERE next.opens = 0 AND (next.prev IS NOT this.seal OR next.first <> this.first + this.count)
UNION ALL
SELECT page.ledger, page.epoch, page.page, 'it was sealed by a key that had been replaced'
FROM handover JOIN page
  ON page.ledger = handover.ledger AND page.kid = handover.old
 AND (page.epoch, page.page) > (handover.epoch, handover.page);
