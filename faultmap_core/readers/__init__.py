"""Readers: one module per file format, each yields batches of the eval table."""

from faultmap_core.readers.tabular import (
    EVAL_SUFFIXES,
    EvalBatch,
    content_hash,
    dataset_of,
    read_eval_file,
    read_log_file,
)

__all__ = ["EVAL_SUFFIXES", "EvalBatch", "content_hash", "dataset_of", "read_eval_file", "read_log_file"]
