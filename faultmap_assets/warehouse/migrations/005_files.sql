-- Rows that were never staged: of forgotten ids, or of days that are older than what is kept.
ALTER TABLE stagings ADD COLUMN rows_left_out BIGINT DEFAULT 0;

-- What was taken out of the texts of one staging before it was stored, by kind.
CREATE TABLE redactions (
    staging_id VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    day VARCHAR,
    kind VARCHAR NOT NULL,
    found BIGINT NOT NULL
);

-- What the file sensor knows of the watched folders. state: settling (seen, not stable yet), read, bad (with the
-- reason; not tried again until it changes), missing (no longer there). read_as: how it was read.
CREATE TABLE watched_files (
    path VARCHAR PRIMARY KEY,
    pattern VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    bytes BIGINT NOT NULL,
    modified_ns BIGINT NOT NULL,
    read_as VARCHAR NOT NULL,
    state VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    since TIMESTAMP NOT NULL
);

-- Digests of ids, users and sessions whose rows are never to come back.
CREATE TABLE forgotten (
    digest VARCHAR PRIMARY KEY,
    forgotten_at TIMESTAMP NOT NULL
);

-- Somebody asked for the partition to be made again although nothing changed.
ALTER TABLE materializations ADD COLUMN again BOOLEAN DEFAULT false;
