"""The objects of a file whatever its layout is, and of a file beside it by their keys.

Layouts: lines of JSON, a JSON array, a document with the array in one of its members, CSV, Parquet.
"""

from __future__ import annotations

import heapq
import itertools
import os
import shutil
import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from faultmap_core.column_paths import MISSING, column_problem, value_at
from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, Row, RowError
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import MAX_VALUE_CHARACTERS, JsonStream, decode_value
from faultmap_core.readers.raw_rows import NumberedRow
from faultmap_core.readers.tabular import READ_ERRORS, file_error, jsonl_rows, open_bytes, open_text, table_rows

_DOCUMENTS = (".json", ".traj")
_LINES = (".jsonl", ".ndjson")


class MappedColumns:
    """The columns that somebody named, each of which some row must have."""

    def __init__(self, options: EvalOptions) -> None:
        self._unseen = set(options.named_columns)
        self._seen: dict[str, None] = {}

    def note(self, raw: Row) -> None:
        """Look for them in one row as it stands in the file."""
        if self._unseen:
            self._seen.update(dict.fromkeys(map(str, raw)))
            self._unseen = {column for column in self._unseen if value_at(raw, column) is MISSING}

    def check(self, path: Path) -> None:
        """Raise EvalFileError where one of them is in no row."""
        if self._unseen and self._seen:
            raise EvalFileError(f"{path}: {column_problem(min(self._unseen), list(self._seen))}")


def objects_of(path: Path, member: str | None = None, account: LineAccount | None = None) -> Iterator[NumberedRow]:
    """Yield a file's objects with their lines or positions.

    Args:
        member: of a document, the member that holds the array; None takes an array's items, or the document itself.
        account: takes the count of lines, where the file has lines.
    """
    ending = path.name.lower().removesuffix(".gz")
    if ending.endswith(_LINES):
        yield from jsonl_rows(path, account)
    elif ending.endswith(_DOCUMENTS):
        with open_text(path) as text:
            yield from stream_objects(JsonStream(text, str(path)), member)
    else:
        yield from table_rows(path, account=account)


def good_objects(path: Path) -> Iterator[Row]:
    """Yield the objects of a file that lies beside another; what is none is passed over. Raises EvalFileError."""
    try:
        for _, found in objects_of(path):
            if not isinstance(found, RowError):
                yield found
    except READ_ERRORS as error:
        raise file_error(path, error) from error


def stream_objects(stream: JsonStream, member: str | None = None) -> Iterator[NumberedRow]:
    """Yield the objects of a JSON text as `objects_of` does."""
    if member is not None and stream.peek() == "{":
        for name in stream.members():
            if name == member and stream.peek() == "[":
                yield from _items(stream)
    elif stream.peek() == "[":
        yield from _items(stream)
    else:
        yield 1, object_or_error(stream)


def _items(stream: JsonStream) -> Iterator[NumberedRow]:
    for position in stream.items():
        yield position + 1, object_or_error(stream)


def object_or_error(stream: JsonStream) -> Row | RowError:
    """Decode the next value; what is no object is a `RowError`."""
    try:
        value = stream.value()
    except RowError as error:
        return error
    return value if isinstance(value, dict) else RowError(f"a JSON {type(value).__name__}, expected an object")


def seekable(path: Path) -> IO[bytes]:
    """Open a file for reading at any place, gzip unpacked into a temporary file."""
    stream = open_bytes(path)
    if path.suffix.lower() != ".gz":
        return stream
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115
    with stream:
        shutil.copyfileobj(stream, unpacked)
    unpacked.seek(0)
    return unpacked


class LinesByKey:
    """The objects of JSONL files by a key: only their places are held in memory. Used as a context manager.

    Of several lines with one key the first counts; what is no object is passed over.
    """

    def __init__(self, paths: Sequence[Path], key_of: Callable[[Mapping[str, Any]], Any]) -> None:
        self._streams: list[IO[bytes]] = []
        self._of_key: dict[str, int] = {}
        self._places, self._files = array("Q"), array("L")
        try:
            for path in paths:
                self._streams.append(seekable(path))
                self._index(self._streams[-1], key_of)
        except BaseException:
            self.close()
            raise

    def _index(self, stream: IO[bytes], key_of: Callable[[Mapping[str, Any]], Any]) -> None:
        place = 0
        while raw := stream.readline(MAX_VALUE_CHARACTERS):
            row = _decoded(raw)
            key = key_of(row) if isinstance(row, dict) else None
            if isinstance(key, str | int) and str(key) not in self._of_key:
                self._of_key[str(key)] = len(self._places)
                self._places.append(place)
                self._files.append(len(self._streams) - 1)
            place += len(raw)

    def __enter__(self) -> LinesByKey:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        for stream in self._streams:
            stream.close()

    def __len__(self) -> int:
        return len(self._of_key)

    def get(self, key: Any) -> dict[str, Any] | None:
        """Return the object with a key, None where there is none."""
        entry = self._of_key.get(str(key))
        if entry is None:
            return None
        stream = self._streams[self._files[entry]]
        stream.seek(self._places[entry])
        row = _decoded(stream.readline(MAX_VALUE_CHARACTERS))
        return row if isinstance(row, dict) else None


def _decoded(raw: bytes) -> Any:
    text = raw.decode("utf-8-sig", "replace").strip()
    try:
        return decode_value(text) if text else None
    except RowError:
        return None


def siblings(path: Path, folder: Path | None = None, limit: int = 50) -> list[Path]:
    """Return the files of rows (JSON, JSONL, Parquet) beside a file, at most `limit`, the likest by name first."""
    folder = folder or path.parent
    try:
        names = _json_names(str(folder), folder.stat().st_mtime_ns)
    except OSError:
        return []
    alike = heapq.nsmallest(limit + 1, names, key=lambda name: (-_shared(name, path.name), name))
    return [folder / name for name in alike if folder / name != path][:limit]


@lru_cache(maxsize=1_000)
def _json_names(folder: str, _modified_ns: int) -> list[str]:
    names = os.listdir(folder)  # noqa: PTH208
    return [name for name in names if name.lower().removesuffix(".gz").endswith((*_LINES, ".json", ".parquet"))]


def _shared(first: str, second: str) -> int:
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False))
    return sum(1 for _ in same)
