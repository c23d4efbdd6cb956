"""Read CSV, JSONL and Parquet files as eval rows, in bounded memory and with the line of each row.

Files are streamed, gzip included. What is wrong with one row is that row's problem (`RowError`); what is wrong with
the file as a whole is one `EvalFileError`.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import re
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from faultmap_core.base.errors import EmptyFileError, EvalFileError
from faultmap_core.data.eval_table import EvalTableBuilder, KeyConflicts, RejectedRow, Row, RowError
from faultmap_core.readers.files.archives import open_gzip
from faultmap_core.readers.files.conservation import FileSize, LineAccount, count_lines
from faultmap_core.readers.files.csv_records import CsvRecords
from faultmap_core.readers.files.json_stream import decode_value
from faultmap_core.readers.files.parquet_rows import open_parquet, parquet_rows
from faultmap_core.readers.rows.reconciliation import ToolSummary

TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
"""The formats read here; text formats also with `.gz` behind."""

_BATCH_ROWS = 2_000
_BATCH_CHARACTERS = 8_000_000
_MAX_FIELD_CHARACTERS = 32_000_000
_READ_BYTES = 1 << 20
# A few may stand in a text that was cut or padded; of UTF-16 without its mark and of binary files they are many.
_MAX_NUL_SHARE, _MAX_CONTROL_SHARE = 0.1, 0.05
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Only encodings that people still export from; a free guess finds exotic ones.
_LEGACY_ENCODINGS = ["cp1252", "cp1250", "cp1251", "shift_jis", "gb18030", "euc_kr", "big5"]
# How `surrogateescape` shows a byte that is no UTF-8.
_UNDECODABLE = re.compile("[\udc80-\udcff]")
READ_ERRORS = (OSError, EOFError, zlib.error, UnicodeError, pa.ArrowException)

NumberedRow = tuple[int, Row | RowError]


@dataclass(frozen=True)
class EvalBatch:
    """Some rows of a file.

    Attributes:
        rows: accepted rows, `EVAL_SCHEMA`.
        rejected: rows that are not fit to be counted.
        conflicts: set on the last batch alone: lines, of any batch, that share their key.
        summaries: set on the last batch alone: the tool's own figures for the file beside ours.
        size: set on the last batch alone: the file's bytes and lines, and what became of the lines.
    """

    rows: pa.Table
    rejected: list[RejectedRow]
    conflicts: KeyConflicts | None = None
    summaries: tuple[ToolSummary, ...] = ()
    size: FileSize | None = None

    @property
    def rows_read(self) -> int:
        """Rows of the file that this batch accounts for."""
        return int(self.rows.num_rows) + len(self.rejected)


def hash_of_bytes(path: Path) -> str:
    """Return the 32 hex digits that identify a file's bytes. Raises EvalFileError where it cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as stream:
            while block := stream.read(_READ_BYTES):
                digest.update(block)
    except OSError as error:
        raise EvalFileError(f"{path}: {_reason(error)}") from error
    return digest.hexdigest()


def dataset_of(path: Path) -> str:
    """Return the dataset that a file name stands for: the name without its format's suffixes."""
    name = _without_gz(path)
    return name.removesuffix(Path(name).suffix)


def build_batches(
    path: Path, numbered_rows: Iterator[NumberedRow], builder: EvalTableBuilder, account: LineAccount | None = None
) -> Iterator[EvalBatch]:
    """Turn the raw rows of one file into batches; raises as `formats.read_eval_file` does.

    Args:
        numbered_rows: each with a number of its own, by which people find it (its line). A generator may return the
            comparisons with its tool's own summary.
        account: what the reader of the rows says that it did with each line; it must add up.
    """
    account = account or LineAccount()
    kept = rows_seen = 0
    summaries: list[ToolSummary] = []
    first_rejected: RejectedRow | None = None
    try:
        for numbered in _batched(_with_summaries(numbered_rows, summaries)):
            rows_seen += len(numbered)
            rows, rejected = builder.table(numbered)
            kept += rows.num_rows
            first_rejected = first_rejected or next(iter(rejected), None)
            yield EvalBatch(rows, rejected)
        size = FileSize(path.stat().st_size, physical_lines(path))
    except READ_ERRORS as error:
        raise file_error(path, error) from error
    if problem := builder.problem():
        raise EvalFileError(f"{path}: {problem}; nothing of the file is stored")
    if not kept and first_rejected is None:
        raise EmptyFileError(f"{path}: the file holds no rows")
    if not kept and first_rejected is not None:
        raise EvalFileError(
            f"{path}: no row can be used; the first, on line {first_rejected.line}: {first_rejected.reason}"
        )
    account.check(path, size.physical_lines, rows_seen)
    records = account.records if account.one_row_each else 0
    size = replace(size, records=records or rows_seen, account=account)
    yield EvalBatch(builder.table([])[0], [], builder.conflicts(), tuple(summaries), size)


def table_rows(path: Path, *, account: LineAccount | None = None) -> Iterator[NumberedRow]:
    """Yield the raw rows of a CSV, JSONL or Parquet file with their line numbers.

    Args: account: takes the count of lines and records.
    """
    account = account or LineAccount()
    suffix = Path(_without_gz(path)).suffix.lower()
    if suffix == ".parquet" and not _is_gzip(path):
        yield from _parquet_rows(path, account)
    elif suffix in (".csv", ".tsv"):
        yield from _csv_rows(path, account)
    elif suffix in (".jsonl", ".ndjson"):
        yield from jsonl_rows(path, account)
    else:
        raise EvalFileError(f"{path}: unknown format; expected one of {', '.join(TABLE_SUFFIXES)}, text also as .gz")


def _with_summaries(rows: Iterator[NumberedRow], summaries: list[ToolSummary]) -> Iterator[NumberedRow]:
    # Only what a generator returns; an iterator without an end value returns nothing.
    returned: Any = yield from cast(Generator[NumberedRow, None, Any], rows)
    summaries.extend(returned or ())


def _batched(rows: Iterator[NumberedRow]) -> Iterator[list[NumberedRow]]:
    batch: list[NumberedRow] = []
    characters = 0
    for line, row in rows:
        batch.append((line, row))
        if not isinstance(row, RowError):
            characters += _characters(row)
        if len(batch) >= _BATCH_ROWS or characters >= _BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _characters(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_characters, value.values()))
    return sum(map(_characters, value)) if isinstance(value, list) else 0


def _csv_rows(path: Path, account: LineAccount) -> Iterator[NumberedRow]:
    with open_text(path) as stream:
        records = CsvRecords(stream, str(path), account)
        _check_header(path, records.header)
        for line, cells in records:
            if isinstance(cells, RowError):
                yield line, cells
            elif problem := next(filter(None, map(_text_problem, cells)), None):
                yield line, RowError(problem)
            else:
                yield line, dict(zip(records.header, cells, strict=True))


def table_header(path: Path) -> list[str]:
    """Return the columns that a CSV file names in its first line; none of another file."""
    if Path(_without_gz(path)).suffix.lower() not in (".csv", ".tsv"):
        return []
    with open_text(path) as stream:
        return CsvRecords(stream, str(path), LineAccount()).header


def jsonl_rows(path: Path, account: LineAccount | None = None) -> Iterator[NumberedRow]:
    """Yield the objects of a JSONL file with their line numbers; what is none is a `RowError`.

    Args: account: takes the count of lines and records.
    """
    account = account or LineAccount()
    account.by_line = True
    with open_text(path) as stream:
        line = 0
        while text := stream.readline(_MAX_FIELD_CHARACTERS):
            line += 1
            if len(text) == _MAX_FIELD_CHARACTERS:
                raise EvalFileError(f"{path}: line {line} is longer than {_MAX_FIELD_CHARACTERS:,} characters")
            if not text.strip():
                account.blank += 1
                continue
            account.in_records += 1
            account.records += 1
            yield line, _json_line(text)


def _json_line(text: str) -> Row | RowError:
    if problem := _text_problem(text):
        return RowError(problem)
    try:
        row = decode_value(text)
    except RowError as error:
        return error
    return row if isinstance(row, dict) else RowError(f"a JSON {type(row).__name__}, expected an object")


def _parquet_rows(path: Path, account: LineAccount) -> Iterator[NumberedRow]:
    with open_parquet(path) as parquet:
        _check_header(path, parquet.schema_arrow.names)
        yield from enumerate(parquet_rows(parquet, account), start=1)


def _check_header(path: Path, header: list[str]) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise EvalFileError(f"{path}: two columns are named {_shown(twice[0])!r}; rename one")


def _text_problem(text: str) -> str | None:
    broken = not text.isascii() and _UNDECODABLE.search(text)
    return "holds bytes that are no UTF-8, as the rest of the file is" if broken else None


def physical_lines(path: Path) -> int | None:
    """Count the lines of a text file in its bytes, gzip unpacked; None of a file that is no text (Parquet, zip)."""
    with open_bytes(path) as stream:
        if stream.read(4) in (b"PAR1", b"PK\x03\x04"):
            return None
    with open_bytes(path) as stream:
        return count_lines(stream)


def open_text(path: Path) -> IO[str]:
    """Open a text file, gzip included, in the encoding that it turns out to have."""
    encoding = _encoding(path)
    # A damaged character in UTF-8 is the trouble of its row alone.
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    # newline="" leaves line ends inside quoted fields as they are.
    if _is_gzip(path):
        return io.TextIOWrapper(open_gzip(path), encoding=encoding, errors=errors, newline="")
    return path.open("r", encoding=encoding, errors=errors, newline="")


def _encoding(path: Path) -> str:
    """Find a text file's encoding: by its byte-order mark, UTF-8 where its text is, else the likeliest legacy."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    ascii_so_far = True
    with open_bytes(path) as stream:
        sample = stream.read(_READ_BYTES)
        for mark, encoding in _BOMS:
            if sample.startswith(mark):
                return encoding
        if _is_binary(sample):
            raise EvalFileError(f"{path}: this is no text file (it holds NUL bytes)")
        block = sample
        try:
            while block:
                ascii_so_far = decoder.decode(block).isascii() and ascii_so_far
                sample, block = block, stream.read(_READ_BYTES)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            sample = block or sample
            return "utf-8" if not ascii_so_far or _mostly_utf8(sample) else _legacy_encoding(sample)
    return "utf-8"


def _is_binary(sample: bytes) -> bool:
    """Say whether bytes are no text: many are NUL, as in UTF-16 without its mark, or some beside much that is odd."""
    # What a crash leaves at the end of a file that was grown and never filled is one bad line.
    sample = sample.rstrip(b"\0")
    nul_bytes = sample.count(b"\0")
    if not nul_bytes:
        return False
    control = sum(sample.count(byte) for byte in range(1, 32) if byte not in b"\t\n\r\f\x1b")
    return nul_bytes > _MAX_NUL_SHARE * len(sample) or control > _MAX_CONTROL_SHARE * len(sample)


def _mostly_utf8(sample: bytes) -> bool:
    text = sample.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    return sum(not character.isascii() for character in text) > 2 * broken


def _legacy_encoding(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    telling = b"\n".join(line for line in sample.split(b"\n") if not line.isascii())
    matches = from_bytes(telling, cp_isolation=_LEGACY_ENCODINGS)
    best = matches.best()
    if best is None:
        return "latin-1"
    # Short texts fit several encodings equally well: then the commoner one.
    level = {
        name
        for match in matches
        if match.chaos <= best.chaos + 0.01 and match.coherence >= best.coherence
        for name in match.could_be_from_charset
    }
    return next((name for name in _LEGACY_ENCODINGS if name in level), best.encoding)


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading, gzip unpacked."""
    return open_gzip(path) if _is_gzip(path) else path.open("rb")


def _is_gzip(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _without_gz(path: Path) -> str:
    return path.stem if _is_gzip(path) else path.name


def _shown(name: str) -> str:
    """A column's name as one line that any terminal can print."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name)[:60]


def file_error(path: Path, error: Exception) -> EvalFileError:
    """Return the error that a file cannot be read at all, for one of `READ_ERRORS`."""
    return EvalFileError(f"{path}: {_reason(error)}")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text: Any = str(error).strip() or type(error).__name__
    return " ".join(str(text).split())[:300]
