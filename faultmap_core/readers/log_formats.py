"""How is a production log laid out? Rows with a mapping, spans, or an export of Langfuse, told by their content."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from faultmap_core.evals import RowError
from faultmap_core.logs import LogFormat, LogOptions, LogTableBuilder
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.documents import is_json, json_objects
from faultmap_core.readers.langfuse import is_langfuse, langfuse_rows
from faultmap_core.readers.otel import is_span
from faultmap_core.readers.spans import span_rows
from faultmap_core.readers.tables import with_columns
from faultmap_core.readers.tabular import READ_ERRORS, EvalBatch, build_batches, file_error, table_rows

_LOOKED_AT = 20


def read_log_file(path: Path, options: LogOptions) -> Iterator[EvalBatch]:
    """Read one production log; the batches' rows have `LOG_SCHEMA`. Raises as `read_eval_file` does."""
    source = options.dataset_name or "production"
    try:
        layout = log_layout(path, options)
    except READ_ERRORS as error:
        raise file_error(path, error) from error
    if layout == "rows":
        # One JSON document is read as its objects; lines, CSV and Parquet as they are.
        document = path.name.lower().removesuffix(".gz").endswith(".json")
        account = LineAccount()
        found = json_objects(path) if document else table_rows(path, account=account)
        try:
            rows, options = with_columns(path, found, options)
        except READ_ERRORS as error:
            raise file_error(path, error) from error
        yield from build_batches(path, rows, LogTableBuilder(options, fallback_dataset=source), account)
        return
    # Those readers name their columns as we do.
    builder = LogTableBuilder(replace(options, column_map={}), fallback_dataset=source)
    rows = span_rows(path, options) if layout == "spans" else langfuse_rows(path, options)
    yield from build_batches(path, rows, builder)


def log_layout(path: Path, options: LogOptions) -> LogFormat:
    """Tell how a log is laid out: as the options say, else by its first objects.

    What has the columns that the options name is rows, whatever else it looks like.
    """
    if options.format != "auto":
        return options.format
    if not is_json(path):
        return "rows"
    for _, found in itertools.islice(json_objects(path), _LOOKED_AT):
        if isinstance(found, RowError):
            continue
        if _has_columns(found, options):
            return "rows"
        if is_span(found):
            return "spans"
        if is_langfuse(found):
            return "langfuse"
    return "rows"


def _has_columns(row: Mapping[str, Any], options: LogOptions) -> bool:
    return all(options.column_map.get(name, name) in row for name in options.required_fields)
