"""Dagster's pages on 127.0.0.1, answered to themselves alone."""
