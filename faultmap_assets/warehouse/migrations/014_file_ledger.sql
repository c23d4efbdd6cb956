-- What each file holds, before any of it becomes a row: the size of it, and what its reader did with each line. The rows
-- stand in `stagings`; physical_lines are counted in the bytes, the other lines by the reader. Of a file without lines
-- (Parquet, zip), and of one that was read before this table existed, they are null.
CREATE TABLE file_ledger (
    staging_id VARCHAR PRIMARY KEY,
    bytes BIGINT NOT NULL,
    physical_lines BIGINT,
    header_lines BIGINT,
    blank_lines BIGINT,
    record_lines BIGINT,
    lines_set_aside BIGINT,
    set_aside VARCHAR NOT NULL,
    records BIGINT NOT NULL
);
