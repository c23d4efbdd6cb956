"""The Dagster project: `faultmap_core`'s answers as assets, partitioned by dataset and model, kept in DuckDB."""
