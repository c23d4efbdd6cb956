-- What of a slice's excess is to be expected in new data: it was selected for showing much. Slices found before have none
-- until they are made again.
ALTER TABLE failure_slices ADD COLUMN estimated_risk_difference DOUBLE;
ALTER TABLE failure_slices ADD COLUMN estimated_excess_failures DOUBLE;
ALTER TABLE production_slices ADD COLUMN estimated_risk_difference DOUBLE;
ALTER TABLE production_slices ADD COLUMN estimated_excess_failures DOUBLE;
