"""Read files into staged rows; the same content is parsed only once.

A file is identified by its bytes and by how it is read. Parsing happens outside of the warehouse, into a temporary
file; then one short transaction takes it over. Nothing of a file that cannot be read is stored.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from faultmap_assets.graph.declarations import tables_by_keys
from faultmap_assets.ingestion.file_ledger import record_file
from faultmap_assets.ingestion.reconciliations import record_summaries
from faultmap_assets.ingestion.redaction import (
    NO_PRIVACY,
    Privacy,
    RedactionCounts,
    blank_forgotten_excerpts,
    forgotten_condition,
    redact_rejected,
    redact_rows,
    redaction_table,
    somebody_was_forgotten,
)
from faultmap_assets.ingestion.scanning import FoundFile, find_files, oldest_first
from faultmap_assets.warehouse.connection import Connection, Warehouse, insert
from faultmap_core.base.errors import ConfigurationError, EvalFileError, FaultmapError, WarehouseError
from faultmap_core.data.eval_table import EVAL_SCHEMA, EvalOptions, KeyConflicts, RejectedRow
from faultmap_core.data.file_facts import FactsCollector, FileFacts
from faultmap_core.data.log_table import LOG_SCHEMA, LogOptions
from faultmap_core.data.redaction import Redactor
from faultmap_core.readers import (
    EVAL_SUFFIXES,
    EvalBatch,
    FileSize,
    content_hash,
    dataset_of,
    read_eval_file,
    read_log_file,
)
from faultmap_core.readers.inspection import format_name
from faultmap_core.readers.rows.reconciliation import ToolSummary

Progress = Callable[[int], None]

_REJECTED_SCHEMA = pa.schema(
    [
        pa.field("line", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("excerpt", pa.string()),
        pa.field("dataset", pa.string()),
        pa.field("model", pa.string()),
    ]
)


@dataclass(frozen=True)
class IngestedFile:
    """What became of one file.

    Attributes:
        news: False where the file was known already; its counts are those of the first reading.
        rows_read: equals kept + quarantined + repeated + left out.
        rows_left_out: rows of forgotten ids, and of days of logs that are older than what is kept.
        format: how it was read; facts: what it holds; empty and None for what was read by an earlier version.
    """

    path: Path
    news: bool
    rows_read: int
    rows_kept: int
    rows_quarantined: int
    rows_repeated: int
    rows_left_out: int
    partitions: tuple[tuple[str, str], ...]
    format: str = ""
    facts: FileFacts | None = None


def find_source_files(patterns: Sequence[str]) -> list[Path]:
    """Return the eval files that paths, folders and globs name: oldest first, so that newer ones supersede.

    Raises: ConfigurationError where one of them matches nothing.
    """
    found: list[FoundFile] = []
    for pattern in patterns:
        try:
            matches = find_files(pattern)
        except OSError as error:
            raise ConfigurationError(f"{pattern}: cannot be listed: {error.strerror}") from error
        if not matches:
            raise ConfigurationError(
                f"{pattern}: no eval file there; expected a file, a folder or a glob of {', '.join(EVAL_SUFFIXES)}"
            )
        found += matches
    return [file.path for file in oldest_first(found)]


def ingest_file(
    warehouse: Warehouse,
    path: Path,
    options: EvalOptions,
    progress: Progress | None = None,
    privacy: Privacy = NO_PRIVACY,
) -> IngestedFile:
    """Stage the rows of one file, unless the same bytes were staged before.

    Args:
        progress: called with the number of rows read so far.
        privacy: what of it is never stored; where there are settings, `privacy_of(settings, options)`.
    Raises:
        EvalFileError: the file cannot be read; the warehouse is as before.
        WarehouseError: the warehouse cannot be written; it is as before.
    """
    digest = content_hash(path)
    stored_path = stored_path_of(path)
    staging_id = _staging_id(digest, path, options, privacy)
    with warehouse.read() as connection:
        known = _staged(connection, staging_id)
        if known and _standing_for(connection, stored_path) == staging_id:
            return _ingested(connection, path, staging_id, news=False)
    try:
        stat = path.stat()
        with tempfile.TemporaryDirectory(prefix="staging-", dir=warehouse.path.parent) as folder:
            parsed = None if known else _parse(path, options, Path(folder), progress, privacy)
            with warehouse.write() as connection:
                if parsed is not None and not _staged(connection, staging_id):
                    _stage(connection, staging_id, stored_path, parsed, privacy.keep_from)
                before = _standing_for(connection, stored_path)
                connection.execute(
                    """INSERT OR REPLACE INTO source_files VALUES ($path, $staging_id, $content_hash,
                    nextval('source_file_sequence'), $bytes, $modified_at, $read_at)""",
                    {
                        "path": stored_path,
                        "staging_id": staging_id,
                        "content_hash": digest,
                        "bytes": stat.st_size,
                        "modified_at": datetime.fromtimestamp(stat.st_mtime, UTC).replace(tzinfo=None),
                        "read_at": _now(),
                    },
                )
                if before not in (None, staging_id):
                    drop_what_no_file_delivers(connection)
                return _ingested(connection, path, staging_id, news=True)
    except OSError as error:
        raise WarehouseError(
            f"warehouse {warehouse.path}: cannot stage {path}: {error.strerror or error}; nothing was changed"
        ) from error


@dataclass(frozen=True)
class _ParsedFile:
    rows_path: Path
    rejected_path: Path
    schema: pa.Schema
    rows_read: int
    conflicts: KeyConflicts
    redactions: RedactionCounts
    size: FileSize
    summaries: tuple[ToolSummary, ...]
    facts: FileFacts
    format: str


def _parse(path: Path, options: EvalOptions, folder: Path, progress: Progress | None, privacy: Privacy) -> _ParsedFile:
    """Raises EvalFileError where the file cannot be read, whatever the reason: it must not stop the others."""
    try:
        return _parsed(path, options, folder, progress, privacy)
    except (FaultmapError, MemoryError, OSError):
        raise
    except Exception as error:
        # A defect of ours that one file brings to light.
        told = " ".join(str(error).split())[:200]
        raise EvalFileError(f"{path}: reading it failed unexpectedly: {type(error).__name__}: {told}") from error


def _parsed(path: Path, options: EvalOptions, folder: Path, progress: Progress | None, privacy: Privacy) -> _ParsedFile:
    rows_path, rejected_path = folder / "rows.parquet", folder / "rejected.parquet"
    rows_read = rows_kept = 0
    conflicts, size = KeyConflicts((), {}), FileSize(0, None)
    summaries: tuple[ToolSummary, ...] = ()
    redactions: RedactionCounts = Counter()
    collector = FactsCollector()
    if isinstance(options, LogOptions):
        schema, batches = LOG_SCHEMA, read_log_file(path, options)
    else:
        schema, batches = EVAL_SCHEMA, read_eval_file(path, options)
    with (
        pq.ParquetWriter(rows_path, schema, compression="zstd") as rows_writer,
        pq.ParquetWriter(rejected_path, _REJECTED_SCHEMA, compression="zstd") as rejected_writer,
    ):
        for batch in _redacted(path, batches, privacy.redactor, redactions):
            rows_writer.write_table(batch.rows)
            if batch.rejected:
                rejected_writer.write_table(_rejected_table(batch.rejected))
            conflicts, size = batch.conflicts or conflicts, batch.size or size
            summaries += batch.summaries
            collector.add(batch.rows, batch.rejected)
            rows_read += batch.rows_read
            rows_kept += batch.rows.num_rows
            if progress:
                progress(rows_read)
    if rows_kept == len(conflicts.repeated) + len(conflicts.conflicting):
        reason = next(iter(conflicts.conflicting.values()))
        raise EvalFileError(f"{path}: no row can be used; the first: {reason}")
    # Why rows were set aside stands in the quarantine.
    facts = replace(collector.facts(), reasons={})
    return _ParsedFile(
        rows_path,
        rejected_path,
        schema,
        rows_read,
        conflicts,
        redactions,
        size,
        summaries,
        facts,
        format_name(path, options),
    )


def _redacted(
    path: Path, batches: Iterator[EvalBatch], redactor: Redactor | None, found: RedactionCounts
) -> Iterator[EvalBatch]:
    """Take out of rows, rejected rows and error messages what must not be stored, before anything is written."""
    if redactor is None:
        yield from batches
        return
    try:
        for batch in batches:
            rows = redact_rows(batch.rows, redactor, found)
            yield replace(batch, rows=rows, rejected=redact_rejected(batch.rejected, redactor))
    except EvalFileError as error:
        raise EvalFileError(f"{path}: {redactor(str(error).removeprefix(f'{path}: '))}") from None


def _stage(
    connection: Connection, staging_id: str, stored_path: str, parsed: _ParsedFile, keep_from: str | None
) -> None:
    repeated, conflicting = parsed.conflicts.repeated, parsed.conflicts.conflicting
    left_out = {
        "line": pa.array([*repeated, *conflicting], pa.int64()),
        "conflict": pa.array([*[None] * len(repeated), *conflicting.values()], pa.string()),
    }
    connection.register("left_out", pa.table(left_out))
    # Every thread holds a row group of long texts, outside of DuckDB's memory limit.
    connection.execute("SET threads = 1")
    columns = ", ".join(parsed.schema.names)
    unwanted = _unwanted(connection, parsed.schema.names, keep_from)
    rows_kept = _changed_rows(
        connection,
        f"""INSERT INTO staging_rows (staging_id, {columns})
        SELECT $staging_id, {columns} FROM read_parquet($rows) ANTI JOIN left_out USING (line) WHERE NOT {unwanted}""",
        {"staging_id": staging_id, "rows": str(parsed.rows_path)},
    )
    count_staged_partitions(connection, staging_id)
    rows_quarantined = _changed_rows(
        connection,
        f"""INSERT INTO quarantine
        SELECT $staging_id, $path, line, reason, excerpt, dataset, model, $now FROM read_parquet($rejected)
        UNION ALL
        SELECT $staging_id, $path, line, conflict, left(input_text, 200), dataset, model, $now
        FROM read_parquet($rows) JOIN left_out USING (line) WHERE conflict IS NOT NULL AND NOT {unwanted}
        ORDER BY line""",
        {
            "staging_id": staging_id,
            "path": stored_path,
            "now": _now(),
            "rows": str(parsed.rows_path),
            "rejected": str(parsed.rejected_path),
        },
    )
    connection.unregister("left_out")
    record_summaries(connection, staging_id, parsed.summaries)
    if parsed.redactions:
        insert(connection, "redactions", redaction_table(staging_id, parsed.redactions))
    if somebody_was_forgotten(connection):
        blank_forgotten_excerpts(connection, staging_id)
    record_file(connection, staging_id, parsed.size)
    connection.execute(
        """INSERT INTO stagings (staging_id, rows_read, rows_kept, rows_quarantined, rows_repeated, rows_left_out,
            format, facts)
        VALUES ($staging_id, $read, $kept, $quarantined, $repeated, $read - $kept - $quarantined - $repeated, $format,
            $facts)""",
        {
            "staging_id": staging_id,
            "read": parsed.rows_read,
            "kept": rows_kept,
            "quarantined": rows_quarantined,
            "repeated": len(repeated),
            "format": parsed.format,
            "facts": parsed.facts.to_json(),
        },
    )


def _unwanted(connection: Connection, names: Sequence[str], keep_from: str | None) -> str:
    """Return SQL that is true for rows that are not to be staged at all."""
    conditions = ["false"]
    if keep_from is not None and "day" in names:
        # A date that we made ourselves; checked because it is no bound value here.
        conditions.append(f"day < '{date.fromisoformat(keep_from)}'")
    if somebody_was_forgotten(connection):
        conditions.append(forgotten_condition(names))
    return f"({' OR '.join(conditions)})"


def count_staged_partitions(connection: Connection, staging_id: str) -> None:
    """Write anew which partitions a staging delivers, with how many rows and under which digest."""
    parameters = {"staging_id": staging_id}
    connection.execute("DELETE FROM staging_partitions WHERE staging_id = $staging_id", parameters)
    # Keys are distinct within a staging, so no two digests cancel out; unlike a sorted list, this takes no memory.
    connection.execute(
        """INSERT INTO staging_partitions
        SELECT staging_id, dataset, model, day, count(*), md5(bit_xor(md5_number(row_digest))::VARCHAR)
        FROM staging_rows WHERE staging_id = $staging_id GROUP BY ALL""",
        parameters,
    )


def drop_files(warehouse: Warehouse, paths: Sequence[str]) -> int:
    """Forget what files said, with all that was made of it alone; return how many of these stored paths were known."""
    with warehouse.write() as connection:
        known = sum(
            _changed_rows(connection, "DELETE FROM source_files WHERE path = $path", {"path": path}) for path in paths
        )
        drop_what_no_file_delivers(connection)
    return known


def _changed_rows(connection: Connection, sql: str, parameters: dict[str, object]) -> int:
    row = connection.execute(sql, parameters).fetchone()
    return int(row[0]) if row else 0


def _rejected_table(rows: Sequence[RejectedRow]) -> pa.Table:
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=_REJECTED_SCHEMA)


def drop_what_no_file_delivers(connection: Connection) -> None:
    """Forget stagings that no path stands for any more, and partitions that no staging delivers any more."""
    for table in (
        "staging_rows",
        "staging_partitions",
        "stagings",
        "file_ledger",
        "quarantine",
        "reconciliations",
        "redactions",
    ):
        connection.execute(f"DELETE FROM {table} WHERE staging_id NOT IN (SELECT staging_id FROM source_files)")
    # Of several paths with the same content the first names it; it may have been changed since.
    connection.execute(
        """UPDATE quarantine SET path = named.path
        FROM (SELECT staging_id, arg_min(path, sequence) AS path FROM source_files GROUP BY staging_id) AS named
        WHERE named.staging_id = quarantine.staging_id AND named.path <> quarantine.path"""
    )
    for table in tables_by_keys("dataset", "model"):
        connection.execute(
            f"DELETE FROM {table} WHERE (dataset, model) NOT IN"
            " (SELECT (dataset, model) FROM staging_partitions WHERE day IS NULL)"
        )
    for table in tables_by_keys("dataset"):
        connection.execute(
            f"DELETE FROM {table} WHERE dataset NOT IN (SELECT dataset FROM staging_partitions WHERE day IS NULL)"
        )
    for table in tables_by_keys("day"):
        connection.execute(
            f"DELETE FROM {table} WHERE day NOT IN (SELECT day FROM staging_partitions WHERE day IS NOT NULL)"
        )
    connection.execute(
        """DELETE FROM materializations WHERE partition_key <> ''
        AND partition_key NOT IN (SELECT dataset || '|' || model FROM staging_partitions WHERE day IS NULL)
        AND partition_key NOT IN (SELECT dataset FROM staging_partitions WHERE day IS NULL)
        AND partition_key NOT IN (SELECT day FROM staging_partitions WHERE day IS NOT NULL)"""
    )


def _staged(connection: Connection, staging_id: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM stagings WHERE staging_id = $staging_id", {"staging_id": staging_id}
    ).fetchone()
    return row is not None


def _standing_for(connection: Connection, stored_path: str) -> str | None:
    row = connection.execute("SELECT staging_id FROM source_files WHERE path = $path", {"path": stored_path}).fetchone()
    return str(row[0]) if row else None


def _ingested(connection: Connection, path: Path, staging_id: str, *, news: bool) -> IngestedFile:
    """Raises WarehouseError where another process has just deleted the staging, as that of a removed file."""
    parameters = {"staging_id": staging_id}
    counts = connection.execute(
        """SELECT rows_read, rows_kept, rows_quarantined, rows_repeated, rows_left_out, format, facts FROM stagings
        WHERE staging_id = $staging_id""",
        parameters,
    ).fetchone()
    if counts is None:
        raise WarehouseError(f"{path}: another process removed what it said while it was read; run it again")
    partitions = connection.execute(
        "SELECT DISTINCT dataset, model FROM staging_partitions WHERE staging_id = $staging_id ORDER BY ALL",
        parameters,
    ).fetchall()
    read, kept, quarantined, repeated, left_out, format_, facts = counts
    keys = tuple((row[0], row[1]) for row in partitions)
    known = FileFacts.from_json(facts) if facts else None
    return IngestedFile(path, news, read, kept, quarantined, repeated, left_out or 0, keys, format_ or "", known)


def read_as(options: EvalOptions, privacy: Privacy) -> str:
    """Return 32 hex digits that change whenever the same bytes would be staged differently."""
    identity = "\0".join([options.digest(), *([privacy.identity] if privacy.identity else [])])
    return hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()


def _staging_id(digest: str, path: Path, options: EvalOptions, privacy: Privacy) -> str:
    identity = "\0".join([digest, read_as(options, privacy), dataset_of(path)])
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def stored_path_of(path: Path) -> str:
    """A file name may hold bytes that are no text; they are stored as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
