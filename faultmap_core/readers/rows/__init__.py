"""From records to eval rows: what the readers of all tools share."""
