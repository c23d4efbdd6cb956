"""Assets of production logs: rows, coverage gaps, topics, feedback slices."""
