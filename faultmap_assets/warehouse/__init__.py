"""The DuckDB file: its connection, migrations, records of materializations, exports."""
