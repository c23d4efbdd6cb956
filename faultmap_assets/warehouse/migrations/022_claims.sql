-- What a slice's test was of. Of scores tested by ranks: their means, and the chance that an answer from inside is worse.
ALTER TABLE failure_slices ADD COLUMN statistic VARCHAR DEFAULT 'failure rate';
ALTER TABLE failure_slices ADD COLUMN mean_score DOUBLE;
ALTER TABLE failure_slices ADD COLUMN baseline_score DOUBLE;
ALTER TABLE failure_slices ADD COLUMN superiority DOUBLE;
ALTER TABLE failure_slices ADD COLUMN superiority_low DOUBLE;
ALTER TABLE failure_slices ADD COLUMN superiority_high DOUBLE;
ALTER TABLE production_slices ADD COLUMN statistic VARCHAR DEFAULT 'failure rate';
ALTER TABLE production_slices ADD COLUMN mean_score DOUBLE;
ALTER TABLE production_slices ADD COLUMN baseline_score DOUBLE;
ALTER TABLE production_slices ADD COLUMN superiority DOUBLE;
ALTER TABLE production_slices ADD COLUMN superiority_low DOUBLE;
ALTER TABLE production_slices ADD COLUMN superiority_high DOUBLE;
