"""From bytes to records: archives, CSV, JSON and Parquet."""
