"""The layout of a production log: rows with columns, spans, or an export of Langfuse, recognised by the content."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from faultmap_core.column_names import columns_by_field
from faultmap_core.column_paths import MISSING, one_line, value_at
from faultmap_core.errors import EvalFileError
from faultmap_core.evals import RowError
from faultmap_core.logs import LOG_ALIASES, LogFormat, LogOptions, LogTableBuilder
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.documents import is_json, json_objects, log_objects
from faultmap_core.readers.langfuse import is_langfuse, langfuse_rows
from faultmap_core.readers.otel import is_span
from faultmap_core.readers.raw_rows import NumberedRow
from faultmap_core.readers.spans import span_rows
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
        account = LineAccount()
        yield from build_batches(path, _rows(path, options, account), LogTableBuilder(options, source), account)
        return
    # Those readers name their columns as we do.
    builder = LogTableBuilder(replace(options, column_map={}), fallback_dataset=source, aliases={})
    account = LineAccount(one_row_each=False)
    read = span_rows if layout == "spans" else langfuse_rows
    yield from build_batches(path, read(path, options, account), builder, account)


def _rows(path: Path, options: LogOptions, account: LineAccount) -> Iterator[NumberedRow]:
    """Yield the rows of a file; one JSON document is read as its objects, lines, CSV and Parquet as they are."""
    if path.name.lower().removesuffix(".gz").endswith(".json"):
        yield from json_objects(path, account)
        return
    is_unchecked = not is_json(path)
    for number, row in table_rows(path, account=account):
        if is_unchecked and not isinstance(row, RowError):
            _check_columns(path, row, options)
            is_unchecked = False
        yield number, row


def _check_columns(path: Path, row: Mapping[str, Any], options: LogOptions) -> None:
    found = columns_by_field(row, LOG_ALIASES)
    for name in ("input_text", "timestamp"):
        column = options.column_map.get(name)
        if value_at(row, column) is MISSING if column else name not in found:
            there = ", ".join(one_line(str(one)) for one in list(row)[:12])
            known = "" if column else f", nor {', '.join(LOG_ALIASES[name][1:6])} or the like"
            raise EvalFileError(
                f"{path}: no column {column or name!r}{known}; it has {there}. Use `--map {name}=COLUMN`"
            )


def log_layout(path: Path, options: LogOptions) -> LogFormat:
    """Tell how a log is laid out: as the options say, else by its first objects.

    What has the columns that the options name is rows, whatever else it looks like.
    """
    if options.format != "auto":
        return options.format
    for _, found in itertools.islice(log_objects(path), _LOOKED_AT):
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
    """Say whether a row has the columns of its prompt and time as they were mapped, or by their plainest names."""
    plain = {"input_text": "prompt", "timestamp": "timestamp"}
    return all(options.column_map.get(name, column) in row for name, column in plain.items())
