-- A trace and its steps may be delivered in two files; together they are one request.
ALTER TABLE staging_rows ADD COLUMN trace_id VARCHAR;
ALTER TABLE staging_rows ADD COLUMN is_whole_trace BOOLEAN;
