-- What the tool that wrote a file said of a row: its verdict, and what the score measures (a line of JSON).
ALTER TABLE staging_rows ADD COLUMN passed BOOLEAN;
ALTER TABLE staging_rows ADD COLUMN metric VARCHAR;
ALTER TABLE raw_evals ADD COLUMN passed BOOLEAN;
ALTER TABLE raw_evals ADD COLUMN metric VARCHAR;
