-- Example ids that both models of a pair have an outcome for, but each on another prompt: these are no pairs.
ALTER TABLE model_comparisons ADD COLUMN other_prompts INTEGER DEFAULT 0;
