"""Readers: one module per file format, each yields batches of the eval table."""

from faultmap_core.readers.files.conservation import FileSize
from faultmap_core.readers.formats import EVAL_SUFFIXES, companions, content_hash, is_eval_file, read_eval_file
from faultmap_core.readers.log_formats import read_log_file
from faultmap_core.readers.rows.tabular import EvalBatch, dataset_of

__all__ = [
    "EVAL_SUFFIXES",
    "EvalBatch",
    "FileSize",
    "companions",
    "content_hash",
    "dataset_of",
    "is_eval_file",
    "read_eval_file",
    "read_log_file",
]
