-- The same prompts laid out in three dimensions; null until the clusters are made again.
ALTER TABLE prompt_clusters ADD COLUMN x_3d REAL;
ALTER TABLE prompt_clusters ADD COLUMN y_3d REAL;
ALTER TABLE prompt_clusters ADD COLUMN z_3d REAL;
