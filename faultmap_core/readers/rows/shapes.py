"""The names that stand at the beginning of a file: of its first object's members, or of its columns.

They tell which tool wrote a file without reading it, so folders of ten thousand files can be looked through.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import RowError
from faultmap_core.readers.files.archives import ZipLog
from faultmap_core.readers.files.json_stream import JsonStream, TextSource
from faultmap_core.readers.rows.tabular import open_bytes

_LOOKED_AT_CHARACTERS = 262_144
_JSON = (".json", ".jsonl", ".ndjson", ".traj")


@dataclass(frozen=True)
class Shape:
    """The names at the beginning of a file.

    Attributes:
        keys: of the first object (of a line, of an array's first item, of a document), or the columns of a table.
        inside: member -> the names in it: of an object, or of an array's first object.
        in_list: whether the object is an item of an array.
        in_table: whether these are columns.
        in_zip: whether the object stands in the first JSON entry of a zip file.
    """

    keys: frozenset[str] = frozenset()
    inside: Mapping[str, frozenset[str]] = field(default_factory=dict)
    in_list: bool = False
    in_table: bool = False
    in_zip: bool = False


def shape_of(path: Path) -> Shape:
    """Return the names at a file's beginning, none where it is nothing that is understood. Raises OSError."""
    stat = path.stat()
    return _shape(str(path), stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=20_000)
def _shape(name: str, _size: int, _modified_ns: int) -> Shape:
    path = Path(name)
    ending = path.name.lower().removesuffix(".gz")
    try:
        if ending.endswith(_JSON):
            with _decoded(path) as text:
                return _of_text(text, name)
        if ending.endswith((".csv", ".tsv")):
            with _decoded(path) as text:
                header = text.readline(_LOOKED_AT_CHARACTERS)
            delimiter = max(",\t;", key=header.count)
            return Shape(frozenset(next(csv.reader([header], delimiter=delimiter), [])), in_table=True)
        if path.name.lower().endswith(".parquet"):
            return Shape(frozenset(pq.read_schema(path).names), in_table=True)
        if ending.endswith(".zip"):
            return _of_zip(path)
    except (EvalFileError, csv.Error, EOFError, UnicodeError, pa.ArrowException):
        # It is reported by the reader that is asked to read it.
        return Shape()
    return Shape()


def _of_zip(path: Path) -> Shape:
    with ZipLog(path) as archive:
        entry = next((entry for entry in archive.names if entry.lower().endswith((".json", ".jsonl"))), None)
        if entry is None:
            return Shape()
        with archive.text(entry) as text:
            found = _of_text(text, str(path))
    return Shape(found.keys, found.inside, found.in_list, in_zip=True)


def _decoded(path: Path) -> IO[str]:
    return io.TextIOWrapper(open_bytes(path), encoding="utf-8-sig", errors="replace")


def _of_text(text: TextSource, name: str) -> Shape:
    stream = JsonStream(Beginning(text, _LOOKED_AT_CHARACTERS), name, whole=False)
    keys: set[str] = set()
    inside: dict[str, frozenset[str]] = {}
    in_list = stream.peek() == "["
    try:
        if in_list:
            for _ in stream.items():
                _note(stream, keys, inside)
                break
        else:
            _note(stream, keys, inside)
    except (EvalFileError, RowError):
        # What is looked at ends here.
        pass
    return Shape(frozenset(keys), inside, in_list)


def _note(stream: JsonStream, keys: set[str], inside: dict[str, frozenset[str]]) -> None:
    if stream.peek() != "{":
        return
    for member in stream.members():
        keys.add(member)
        names: set[str] = set()
        try:
            if stream.peek() == "{":
                names.update(_names(stream, names))
            elif stream.peek() == "[":
                for position in stream.items():
                    if position == 0 and stream.peek() == "{":
                        names.update(_names(stream, names))
        finally:
            if names:
                inside[member] = frozenset(names)


def _names(stream: JsonStream, names: set[str]) -> set[str]:
    for name in stream.members():
        names.add(name)
    return names


class Beginning:
    """The first characters of a document; a file's format stands there."""

    def __init__(self, text: TextSource, limit: int) -> None:
        self._text, self._left = text, limit

    def read(self, size: int, /) -> str:
        """Return at most `size` characters."""
        block = self._text.read(min(size, self._left))
        self._left -= len(block)
        return block
