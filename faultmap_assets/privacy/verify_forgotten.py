"""Looks whether anything of somebody is left under the state folder, and says what it looked at.

What is looked for are the ids themselves, and the texts of their rows as the source files still say them: the warehouse
has no rows any more that could tell. Every file is searched as bytes, so that free blocks and write-ahead logs count;
what this project packs (the parts of a report) is unpacked first; and every value of a database is read as well, for
DuckDB keeps texts compressed. What is compressed in a free block of DuckDB cannot be seen; `forget` leaves none.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from faultmap_assets.ingestion.redaction import Subject, privacy_of
from faultmap_assets.ingestion.staging import ingest_file
from faultmap_assets.privacy.forget_rows import TEXT_COLUMNS, collect_rows, with_pseudonyms
from faultmap_assets.privacy.forget_runs import is_sqlite
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse, open_warehouse
from faultmap_core.base.errors import ConfigurationError, FaultmapError

MIN_TEXT, MIN_ID = 20, 6
"""Shorter texts are everybody's; shorter ids stand in bytes by chance, so they are only compared with whole values."""

_START = 48
_PACKED = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")
_READ_ROWS = 10_000


@dataclass(frozen=True)
class Term:
    """One thing to look for. Attributes: what: for people; forms: the bytes it may stand as; whole: of an id."""

    what: str
    forms: tuple[bytes, ...]
    whole: str = ""


@dataclass(frozen=True)
class Sought:
    """What is looked for. Attributes: shared: texts that other rows of the sources say, too; short: too short ones."""

    terms: tuple[Term, ...]
    shared: int = 0
    short: int = 0


@dataclass
class Search:
    """What was looked at, and what was found.

    Attributes:
        files, bytes: read as they are; unpacked: packed parts of them; values: of databases.
        free_blocks: of the warehouse, see above.
        found: (file, where in it, what).
    """

    files: int = 0
    bytes: int = 0
    unpacked: int = 0
    values: int = 0
    free_blocks: int = 0
    found: list[tuple[str, str, str]] = field(default_factory=list)


def sought(settings: Settings, subjects: Sequence[Subject], sources: Sequence[Path]) -> Sought:
    """Return the ids, and the texts that these files deliver of them.

    Raises: ConfigurationError where a file cannot be read, neither as evals nor as a log.
    """
    names = dict.fromkeys(one.value for one in with_pseudonyms(subjects))
    terms = [Term(f"the id {name}", _id_forms(name), name) for name in names]
    own: set[str] = set()
    others: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(sources):
            mine, rest = _texts_of(settings, subjects, path, Path(folder) / str(number))
            own |= mine
            others |= rest
    long = sorted(text for text in own if len(text) >= MIN_TEXT)
    alone = [text for text in long if text not in others]
    elsewhere = "\n".join(_line(text) for text in others)
    for text in alone:
        start = _line(text)[:_START]
        # A quotation may be cut; where others begin alike its beginning says nothing.
        forms = {*_forms(text), *(_forms(start) if start not in elsewhere else ())}
        terms.append(Term(f"the text “{start[:40]} …”", tuple(sorted(forms))))
    return Sought(tuple(terms), len(long) - len(alone), len(own) - len(long))


def verify(settings: Settings, wanted: Sought) -> Search:
    """Search everything under the state folder, and the warehouse where it lies elsewhere.

    Raises: WarehouseError, ConfigurationError where something there cannot be read.
    """
    search = Search()
    roots = {settings.home.resolve(), settings.warehouse_path.resolve().parent}
    beside = settings.warehouse_path.name
    files = {
        path
        for root in roots
        for path in root.rglob("*")
        if path.is_file()
        and not path.is_symlink()
        and (path.is_relative_to(settings.home.resolve()) or path.name.startswith((beside, f".{beside}")))
    }
    for path in sorted(files):
        _search_bytes(path, wanted.terms, search)
        if is_sqlite(path):
            _search_sqlite(path, wanted.terms, search)
    if settings.warehouse_path.exists():
        _search_warehouse(open_warehouse(settings), wanted.terms, search)
    search.found = sorted(set(search.found))
    return search


def _texts_of(settings: Settings, subjects: Sequence[Subject], path: Path, folder: Path) -> tuple[set[str], set[str]]:
    """Return the texts of the subjects' rows in a file, and those of all others; read as evals and as a log."""
    own: set[str] = set()
    others: set[str] = set()
    reasons = []
    for number, options in enumerate((settings.log_options(), settings.eval_options())):
        warehouse = Warehouse(folder / f"{number}.duckdb")
        try:
            ingest_file(warehouse, path, options, privacy=privacy_of(settings, options))
        except FaultmapError as error:
            reasons.append(" ".join(str(error).split()))
            continue
        with warehouse.read() as connection:
            collect_rows(connection, subjects)
            columns = ", ".join(TEXT_COLUMNS)
            mine = connection.execute(f"SELECT {columns} FROM forgotten_rows").fetchall()
            rest = connection.execute(
                f"""SELECT {columns} FROM staging_rows
                ANTI JOIN forgotten_rows USING (staging_id, dataset, model, example_id, epoch)"""
            ).fetchall()
        own |= {text for row in mine for text in row if text}
        others |= {text for row in rest for text in row if text}
    if len(reasons) == 2:
        raise ConfigurationError(f"{path}: cannot be read, neither as a log nor as evals: {reasons[0]}")
    return own, others


def _line(text: str) -> str:
    return " ".join(text.split())


def _forms(text: str) -> set[bytes]:
    """A text as it is, on one line, inside of JSON (once and twice), and escaped for HTML and for Markdown tables."""
    plain = {text, _line(text)}
    plain |= {one.replace("|", "\\|") for one in plain}
    plain |= {html.escape(one) for one in plain}
    for _ in range(2):
        plain |= {json.dumps(one, ensure_ascii=ascii_only)[1:-1] for one in plain for ascii_only in (True, False)}
    return {one.encode("utf-8", "replace") for one in plain}


def _id_forms(name: str) -> tuple[bytes, ...]:
    return tuple(sorted(_forms(name))) if len(name) >= MIN_ID else ()


def _search_bytes(path: Path, terms: Sequence[Term], search: Search) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; nothing can be said of it") from error
    search.files += 1
    search.bytes += len(content)
    search.found += [(str(path), "bytes", term.what) for term in terms if any(form in content for form in term.forms)]
    for part in _unpacked(content):
        search.unpacked += 1
        search.found += [
            (str(path), "packed part", term.what)
            for term in terms
            if any(form in part for form in term.forms) or (term.whole and _is_value(term.whole, part))
        ]


def _unpacked(content: bytes) -> Iterator[bytes]:
    """Yield what is packed in a file: base64 of a zlib stream, as in a report."""
    for match in _PACKED.finditer(content):
        try:
            yield zlib.decompress(base64.b64decode(match[0], validate=True))
        except (binascii.Error, zlib.error):
            continue


def _is_value(name: str, content: bytes) -> bool:
    return json.dumps(name, ensure_ascii=False).encode() in content


def _search_sqlite(path: Path, terms: Sequence[Term], search: Search) -> None:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                rows = connection.execute('SELECT * FROM "' + table.replace('"', '""') + '"')
                while some := rows.fetchmany(_READ_ROWS):
                    _search_values(str(path), table, some, terms, search)
    except sqlite3.Error as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}; nothing can be said of it") from error


def _search_warehouse(warehouse: Warehouse, terms: Sequence[Term], search: Search) -> None:
    with warehouse.read() as connection:
        size = connection.execute("SELECT free_blocks FROM pragma_database_size()").fetchone()
        search.free_blocks = int(size[0]) if size else 0
        columns: dict[str, list[str]] = {}
        for table, column in connection.execute(
            """SELECT table_name, column_name FROM duckdb_columns()
            WHERE database_name = current_database() AND NOT internal AND data_type = 'VARCHAR' ORDER BY ALL"""
        ).fetchall():
            columns.setdefault(table, []).append(f'"{column}"')
        for table, names in columns.items():
            rows = connection.execute(f'SELECT {", ".join(names)} FROM "{table}"')
            while some := rows.fetchmany(_READ_ROWS):
                _search_values(str(warehouse.path), table, some, terms, search)


def _search_values(
    path: str, table: str, rows: Sequence[Sequence[object]], terms: Sequence[Term], search: Search
) -> None:
    values = [
        value if isinstance(value, bytes) else value.encode("utf-8", "replace")
        for row in rows
        for value in row
        if isinstance(value, str | bytes)
    ]
    search.values += len(values)
    # One search over many values; no form holds the byte between them.
    content = b"\x00".join([b"", *values, b""])
    for term in terms:
        whole = term.whole.encode("utf-8", "replace")
        is_there = any(form in content for form in term.forms)
        if is_there or (whole and (b"\x00" + whole + b"\x00" in content or _is_value(term.whole, content))):
            search.found.append((path, f"table {table}", term.what))


def summary(wanted: Sought, search: Search) -> Mapping[str, object]:
    """Return what was looked for, looked at and found, for JSON."""
    return {
        "looked_for": {
            "ids": sum(1 for term in wanted.terms if term.whole),
            "texts": sum(1 for term in wanted.terms if not term.whole),
            "texts_that_others_say_too": wanted.shared,
            "texts_too_short": wanted.short,
        },
        "looked_at": {
            "files": search.files,
            "bytes": search.bytes,
            "packed_parts": search.unpacked,
            "values": search.values,
            "free_blocks": search.free_blocks,
        },
        "found": [dict(zip(("file", "where", "what"), one, strict=True)) for one in search.found],
    }
