"""Which JSON objects does a file hold, one a line or in one document? Each with the number by which people find it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from faultmap_core.evals import RowError
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.tabular import jsonl_rows, open_text

NumberedObject = tuple[int, dict[str, Any] | RowError]

# What documents put their rows into: pages of an API, and OTLP's exports.
LOG_LISTS = ("data", "resourceSpans", "spans", "traces")
"""Members of a document that hold its rows."""
_FIRST_CHARACTERS = 4_000_000


def is_json(path: Path) -> bool:
    """Say whether a file is JSON or JSONL by its name."""
    return path.name.lower().removesuffix(".gz").endswith((".json", ".jsonl", ".ndjson"))


def json_objects(path: Path) -> Iterator[NumberedObject]:
    """Yield the objects of a JSONL file by line, of a JSON document (an array, or an object that holds one) by place.

    Raises: EvalFileError where a document is no JSON or is cut off.
    """
    lines = not path.name.lower().removesuffix(".gz").endswith(".json") or _first_line_is_an_object(path)
    for number, row in jsonl_rows(path) if lines else _document(path):
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
                    found = _object(stream)
                    yield number, {name: [found]} if name == "resourceSpans" and isinstance(found, dict) else found
            else:
                rest[name] = stream.value()
        if not number:
            yield 1, rest


def _object(stream: JsonStream) -> dict[str, Any] | RowError:
    try:
        value = stream.value()
    except RowError as error:
        return error
    return value if isinstance(value, dict) else RowError(f"a JSON {type(value).__name__}, expected an object")
