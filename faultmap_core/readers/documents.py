"""The objects of a log file, each with the number by which people find it: of lines, a document, or a table.

A document may be an array, an object that holds one, or a data frame as pandas writes it (`to_json` in any orient).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faultmap_core.column_names import columns_by_field
from faultmap_core.evals import RowError
from faultmap_core.logs import LOG_ALIASES
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.tabular import jsonl_rows, open_text, table_rows

NumberedObject = tuple[int, dict[str, Any] | RowError]

# What documents put their rows into: pages of an API, and OTLP's exports.
LOG_LISTS = ("data", "resourceSpans", "spans", "traces")
"""Members of a document that hold its rows."""
_FIRST_CHARACTERS = 4_000_000
_SPAN_COLUMNS = ("attributes.", "context.")


def is_json(path: Path) -> bool:
    """Say whether a file is JSON or JSONL by its name."""
    return path.name.lower().removesuffix(".gz").endswith((".json", ".jsonl", ".ndjson"))


def log_objects(path: Path, account: LineAccount | None = None) -> Iterator[NumberedObject]:
    """Yield the objects of a log file: of JSON as `json_objects`, of CSV and Parquet its rows, empty cells as None.

    Args: account: takes the count of lines, where the file has lines.
    """
    if is_json(path):
        yield from json_objects(path, account)
        return
    for number, row in table_rows(path, account=account):
        if isinstance(row, RowError):
            yield number, row
        else:
            yield number, {name: None if value == "" else value for name, value in row.items()}


def is_column_of_spans(name: str) -> bool:
    """Say whether a name is that of a column in a table of spans, as Phoenix exports it."""
    return name.startswith(_SPAN_COLUMNS)


def json_objects(path: Path, account: LineAccount | None = None) -> Iterator[NumberedObject]:
    """Yield the objects of a JSONL file by line, of a JSON document (an array, or an object that holds one) by place.

    Args: account: takes the count of lines, where the file has lines.
    Raises: EvalFileError where a document is no JSON or is cut off.
    """
    lines = not path.name.lower().removesuffix(".gz").endswith(".json") or _first_line_is_an_object(path)
    for number, row in jsonl_rows(path, account) if lines else _document(path):
        yield number, row if isinstance(row, RowError) else dict(row)


def _first_line_is_an_object(path: Path) -> bool:
    """A `.json` file may hold lines; a document that stands on one line reads the same, unless it wraps its rows."""
    with open_text(path) as stream:
        first = next((line for line in iter(lambda: stream.readline(_FIRST_CHARACTERS), "") if line.strip()), "")
        more = any(line.strip() for line in itertools.islice(iter(lambda: stream.readline(_FIRST_CHARACTERS), ""), 3))
    try:
        return isinstance(json.loads(first), dict) and more
    except (ValueError, RecursionError):
        return False


def _document(path: Path) -> Iterator[NumberedObject]:
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        number = 0
        if stream.peek() == "[":
            for number in (position + 1 for position in stream.items()):
                yield number, _object(stream)
            return
        rest: dict[str, Any] = {}
        for name in stream.members():
            if name in LOG_LISTS and stream.peek() == "[":
                for _ in stream.items():
                    number += 1
                    found = _object(stream, rest.get("columns"))
                    yield number, {name: [found]} if name == "resourceSpans" and isinstance(found, dict) else found
            else:
                rest[name] = stream.value()
        if not number:
            yield from enumerate(_rows_of_frame(rest) or [rest], start=1)


def _rows_of_frame(members: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a data frame whose columns, or whose rows, are the members; none where it is no frame."""
    values = list(members.values())
    if len(values) > 1 and all(isinstance(one, list) and len(one) == len(values[0]) for one in values):
        return [dict(zip(members, row, strict=True)) for row in zip(*values, strict=True)]
    if not values or not all(isinstance(one, dict) and one and one.keys() == values[0].keys() for one in values):
        return []
    if _are_columns(values[0]) and not _are_columns(members):
        rows = dict(members)
    elif _are_columns(members) and len(values) > 1:
        rows = {index: {name: column[index] for name, column in members.items()} for index in values[0]}
    else:
        return []
    # Phoenix's frames have the ids of the spans for their index.
    has_ids = any(name in row for row in rows.values() for name in ("context.span_id", "context"))
    is_frame_of_spans = any(map(is_column_of_spans, next(iter(rows.values()))))
    return [row if has_ids or not is_frame_of_spans else {"context.span_id": i, **row} for i, row in rows.items()]


def _are_columns(members: Mapping[str, Any]) -> bool:
    found = columns_by_field(members, LOG_ALIASES)
    return any(map(is_column_of_spans, members)) or ("input_text" in found and "timestamp" in found)


def _object(stream: JsonStream, columns: Any = None) -> dict[str, Any] | RowError:
    try:
        value = stream.value()
    except RowError as error:
        return error
    if isinstance(value, list) and isinstance(columns, list) and len(value) == len(columns):
        # The rows of a data frame that pandas split into columns and data.
        return dict(zip(map(str, columns), value, strict=True))
    return value if isinstance(value, dict) else RowError(f"a JSON {type(value).__name__}, expected an object")
