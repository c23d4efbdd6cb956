"""The science: where, why and on what language models fail. Knows neither Dagster nor DuckDB."""
