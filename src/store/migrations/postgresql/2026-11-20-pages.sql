-- What a record store holds, on PostgreSQL. Pages are kept byte for byte as they were sealed.
--
-- `place` arbitrates: one row for each page of the world, never dropped, so that two processes cannot both keep a
-- page, and a page whose bytes have gone by the retention rule is still known, receipted alike, and guarded against
-- forks. What is bulky lies in partitions by the month in which it was stored.

CREATE TABLE store (
    one  integer PRIMARY KEY CHECK (one = 1),
    use  text NOT NULL                            -- production, qualification, training or demo; never mixed
);

CREATE TABLE ledger (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway  text COLLATE "C" NOT NULL,
    ledger   text COLLATE "C" NOT NULL,
    UNIQUE (gateway, ledger)
);

CREATE TABLE place (
    ledger  bigint NOT NULL REFERENCES ledger,
    epoch   bigint NOT NULL,
    page    bigint NOT NULL,
    id      bigint GENERATED ALWAYS AS IDENTITY,
    first   bigint NOT NULL,                      -- number of its first entry
    count   bigint NOT NULL,
    opens   boolean NOT NULL,                     -- where a ledger or an epoch begins
    stored  timestamptz NOT NULL,
    seal    bytea NOT NULL,                       -- SHA-256 of the seal line
    prev    bytea,                                -- the same of the page before
    kid     bytea NOT NULL,                       -- thumbprint of the key that sealed it
    PRIMARY KEY (ledger, epoch, page)
);

-- By its own id in the order of storing; by numbers, for questions about a range of entries.
CREATE INDEX place_id ON place (id);
CREATE INDEX place_first ON place (ledger, first);

CREATE TABLE page (
    id      bigint NOT NULL,                      -- of its place
    stored  timestamptz NOT NULL,
    sealed  timestamptz NOT NULL,
    bytes   bytea NOT NULL
) PARTITION BY RANGE (stored);

CREATE INDEX page_id ON page (id);

-- Pages are text: the quicker compression where this server has it, else its own.
DO $$ BEGIN
    ALTER TABLE page ALTER COLUMN bytes SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN NULL;
END $$;

CREATE TABLE entry (
    page    bigint NOT NULL,                      -- id of the place
    stored  timestamptz NOT NULL,
    seq     bigint NOT NULL,
    at      integer NOT NULL,                     -- its line within the page: first byte and length
    long    integer NOT NULL,
    run     bigint,
    kind    text COLLATE "C" NOT NULL,
    time    text COLLATE "C" NOT NULL,            -- as in its line
    unit    text COLLATE "C",
    batch   text COLLATE "C",
    step    text COLLATE "C",
    point   text COLLATE "C"
) PARTITION BY RANGE (stored);

-- Equal batches share their place in the index; pages rise with time, so a coarse index is enough for them.
CREATE INDEX entry_batch ON entry (batch) WHERE batch IS NOT NULL;
CREATE INDEX entry_page ON entry USING brin (page) WITH (pages_per_range = 16);

-- Where the old key hands over to a new one, which counts only after this place.
CREATE TABLE handover (
    ledger  bigint NOT NULL REFERENCES ledger,
    epoch   bigint NOT NULL,
    page    bigint NOT NULL,
    old     bytea NOT NULL,
    x       text NOT NULL,
    PRIMARY KEY (ledger, epoch, page)
);

-- Pages that contradict one that is held: same place, another seal. Never receipted.
CREATE TABLE fork (
    ledger  bigint NOT NULL REFERENCES ledger,
    epoch   bigint NOT NULL,
    page    bigint NOT NULL,
    seal    bytea NOT NULL,
    heard   timestamptz NOT NULL,
    bytes   bytea NOT NULL,
    PRIMARY KEY (ledger, epoch, page, seal)
);

CREATE TABLE quarantine (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash     bytea NOT NULL,                      -- SHA-256 of the bytes
    gateway  text NOT NULL,
    reason   text NOT NULL,
    because  text NOT NULL,
    heard    timestamptz NOT NULL,
    times    bigint NOT NULL,
    size     bigint NOT NULL,
    bytes    bytea NOT NULL,
    UNIQUE (hash, reason)
);

-- How far an epoch is known to be whole: everything up to `page` is held and was compared with its neighbours, so
-- that a look for holes reads only what came since. Everything here can be made again from `place`.
CREATE TABLE front (
    ledger   bigint NOT NULL REFERENCES ledger,
    epoch    bigint NOT NULL,
    page     bigint NOT NULL,
    pages    bigint NOT NULL,
    entries  bigint NOT NULL,
    PRIMARY KEY (ledger, epoch)
);

-- Neighbours behind the front that do not fit.
CREATE TABLE broken (
    ledger  bigint NOT NULL REFERENCES ledger,
    epoch   bigint NOT NULL,
    page    bigint NOT NULL,
    what    text NOT NULL,
    PRIMARY KEY (ledger, epoch, page, what)
);

-- For people with an SQL client: an entry with its line and its place in the world.
CREATE VIEW entry_line AS
SELECT ledger.gateway, ledger.ledger, place.epoch, place.page, entry.seq, entry.kind, entry.time, entry.unit,
       entry.batch, entry.step, entry.run, entry.point,
       convert_from(substr(page.bytes, entry.at + 1, entry.long), 'UTF8') AS line
FROM entry
JOIN place ON place.id = entry.page
JOIN page ON page.id = entry.page AND page.stored = entry.stored
JOIN ledger ON ledger.id = place.ledger;

-- What came since the front, with the page before it that is held.
CREATE VIEW ahead AS
SELECT place.*, front.page AS front, lag(place.page) OVER epochs AS last
FROM front CROSS JOIN LATERAL (
    SELECT * FROM place
    WHERE place.ledger = front.ledger AND place.epoch = front.epoch AND place.page > front.page
    OFFSET 0                                      -- each epoch by its index, never the whole table
) AS place
WINDOW epochs AS (PARTITION BY place.ledger, place.epoch ORDER BY place.page);

-- Pages missing before a page that is held. Where a ledger or an epoch begins, nothing is missing.
CREATE VIEW hole AS
SELECT ledger, epoch, coalesce(last, front) + 1 AS first_missing, page - 1 AS last_missing
FROM ahead
WHERE NOT opens AND page - 1 > coalesce(last, front);

-- The same neighbours as the table `broken`, ahead of the front.
CREATE VIEW misfit AS
SELECT next.ledger, next.epoch, next.page,
       CASE WHEN next.prev IS DISTINCT FROM this.seal THEN 'its seal names another page before it'
            ELSE 'its entries do not begin where those of the page before it end' END AS what
FROM ahead AS next
JOIN place AS this ON this.ledger = next.ledger AND this.epoch = next.epoch AND this.page = next.page - 1
WHERE NOT next.opens AND (next.prev IS DISTINCT FROM this.seal OR next.first <> this.first + this.count)
UNION ALL
SELECT next.ledger, next.epoch, next.page, 'it was sealed by a key that had been replaced'
FROM ahead AS next
JOIN handover ON handover.ledger = next.ledger AND handover.old = next.kid
 AND (next.epoch, next.page) > (handover.epoch, handover.page);
