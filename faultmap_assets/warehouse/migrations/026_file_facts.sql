-- What a file is and holds, in counts (a line of JSON, see `faultmap_core.data.file_facts`); null for what was staged before.
ALTER TABLE stagings ADD COLUMN format VARCHAR;
ALTER TABLE stagings ADD COLUMN facts VARCHAR;
