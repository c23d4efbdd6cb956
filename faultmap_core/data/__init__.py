"""Rows of evals and logs: their tables, columns, prompts, metrics and redaction."""
