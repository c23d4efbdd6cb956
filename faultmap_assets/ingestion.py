"""How do files become staged rows, each parsed once in its life?

A file is identified by its bytes and by how it is read. Parsing happens outside of the warehouse, into a temporary
file; then one short transaction takes it over. Nothing of a file that cannot be read is stored.
"""

from __future__ import annotations

import glob
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from faultmap_assets.warehouse import Connection, Warehouse
from faultmap_core.errors import ConfigurationError, WarehouseError
from faultmap_core.evals import EVAL_SCHEMA, EvalOptions, KeyConflicts, RejectedRow
from faultmap_core.logs import LOG_SCHEMA, LogOptions
from faultmap_core.readers import EVAL_SUFFIXES, content_hash, dataset_of, read_eval_file, read_log_file

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

_PARTITION_TABLES = {
    "dataset_model": (
        "raw_evals",
        "scores",
        "score_parts",
        "example_prompts",
        "failure_slices",
        "failure_slice_members",
        "error_judgments",
        "error_signals",
    ),
    "dataset": (
        "prompt_embeddings",
        "prompt_clusters",
        "prompt_cluster_nodes",
        "model_comparisons",
        "model_comparison_slices",
        "dataset_quality",
        "dataset_quality_items",
    ),
    "day": ("production_logs", "coverage_gaps", "coverage_prompts", "coverage_summaries"),
}


@dataclass(frozen=True)
class IngestedFile:
    """What became of one file.

    Attributes:
        news: False where the file was known already; its counts are those of the first reading.
        rows_read: equals kept + quarantined + repeated.
    """

    path: Path
    news: bool
    rows_read: int
    rows_kept: int
    rows_quarantined: int
    rows_repeated: int
    partitions: tuple[tuple[str, str], ...]


def find_source_files(patterns: Sequence[str]) -> list[Path]:
    """Return the eval files that paths, folders and globs name: oldest first, so that newer ones supersede.

    Raises: ConfigurationError where one of them matches nothing.
    """
    found: set[Path] = set()
    for pattern in patterns:
        path = Path(pattern)
        # Not Path.is_file: it raises where a name is too long.
        if os.path.isfile(path):  # noqa: PTH113
            matches = [path]
        elif os.path.isdir(path):  # noqa: PTH112
            matches = [file for file in path.rglob("*") if _is_eval_file(file, path)]
        else:
            # A pattern may be absolute, which Path.glob refuses.
            names = glob.glob(pattern, recursive=True)  # noqa: PTH207
            matches = [Path(name) for name in names if Path(name).is_file()]
        if not matches:
            raise ConfigurationError(
                f"{pattern}: no eval file there; expected a file, a folder or a glob of {', '.join(EVAL_SUFFIXES)}"
            )
        found.update(match.resolve() for match in matches)
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, str(path)))


def ingest_file(
    warehouse: Warehouse, path: Path, options: EvalOptions, progress: Progress | None = None
) -> IngestedFile:
    """Stage the rows of one file, unless the same bytes were staged before.

    Args:
        progress: called with the number of rows read so far.
    Raises:
        EvalFileError: the file cannot be read; the warehouse is as before.
        WarehouseError: the warehouse cannot be written; it is as before.
    """
    digest = content_hash(path)
    stored_path = _stored_path(path)
    staging_id = _staging_id(digest, path, options)
    with warehouse.read() as connection:
        known = _staged(connection, staging_id)
        unchanged = connection.execute(
            "SELECT 1 FROM source_files WHERE path = $path AND staging_id = $staging_id",
            {"path": stored_path, "staging_id": staging_id},
        ).fetchone()
    if known and unchanged:
        return _ingested(warehouse, path, staging_id, news=False)
    try:
        stat = path.stat()
        with tempfile.TemporaryDirectory(prefix="staging-", dir=warehouse.path.parent) as folder:
            parsed = None if known else _parse(path, options, Path(folder), progress)
            with warehouse.write() as connection:
                if parsed is not None and not _staged(connection, staging_id):
                    _stage(connection, staging_id, stored_path, parsed)
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
                _drop_what_no_file_delivers(connection)
    except OSError as error:
        raise WarehouseError(
            f"warehouse {warehouse.path}: cannot stage {path}: {error.strerror or error}; nothing was changed"
        ) from error
    return _ingested(warehouse, path, staging_id, news=True)


@dataclass(frozen=True)
class _ParsedFile:
    rows_path: Path
    rejected_path: Path
    schema: pa.Schema
    rows_read: int
    conflicts: KeyConflicts


def _parse(path: Path, options: EvalOptions, folder: Path, progress: Progress | None) -> _ParsedFile:
    rows_path, rejected_path = folder / "rows.parquet", folder / "rejected.parquet"
    rows_read = 0
    conflicts = KeyConflicts((), {})
    if isinstance(options, LogOptions):
        schema, batches = LOG_SCHEMA, read_log_file(path, options)
    else:
        schema, batches = EVAL_SCHEMA, read_eval_file(path, options)
    with (
        pq.ParquetWriter(rows_path, schema, compression="zstd") as rows_writer,
        pq.ParquetWriter(rejected_path, _REJECTED_SCHEMA, compression="zstd") as rejected_writer,
    ):
        for batch in batches:
            rows_writer.write_table(batch.rows)
            if batch.rejected:
                rejected_writer.write_table(_rejected_table(batch.rejected))
            conflicts = batch.conflicts or conflicts
            rows_read += batch.rows_read
            if progress:
                progress(rows_read)
    return _ParsedFile(rows_path, rejected_path, schema, rows_read, conflicts)


def _stage(connection: Connection, staging_id: str, stored_path: str, parsed: _ParsedFile) -> None:
    repeated, conflicting = parsed.conflicts.repeated, parsed.conflicts.conflicting
    left_out = {
        "line": pa.array([*repeated, *conflicting], pa.int64()),
        "conflict": pa.array([*[None] * len(repeated), *conflicting.values()], pa.string()),
    }
    connection.register("left_out", pa.table(left_out))
    # Every thread holds a row group of long texts, outside of DuckDB's memory limit.
    connection.execute("SET threads = 1")
    columns = ", ".join(parsed.schema.names)
    rows_kept = _changed_rows(
        connection,
        f"""INSERT INTO staging_rows (staging_id, {columns})
        SELECT $staging_id, {columns} FROM read_parquet($rows) ANTI JOIN left_out USING (line)""",
        {"staging_id": staging_id, "rows": str(parsed.rows_path)},
    )
    # Keys are distinct within a staging, so no two digests cancel out; unlike a sorted list, this takes no memory.
    connection.execute(
        """INSERT INTO staging_partitions
        SELECT staging_id, dataset, model, day, count(*), md5(bit_xor(md5_number(row_digest))::VARCHAR)
        FROM staging_rows WHERE staging_id = $staging_id GROUP BY ALL""",
        {"staging_id": staging_id},
    )
    rows_quarantined = _changed_rows(
        connection,
        """INSERT INTO quarantine
        SELECT $staging_id, $path, line, reason, excerpt, dataset, model, $now FROM read_parquet($rejected)
        UNION ALL
        SELECT $staging_id, $path, line, conflict, left(input_text, 200), dataset, model, $now
        FROM read_parquet($rows) JOIN left_out USING (line) WHERE conflict IS NOT NULL
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
    connection.execute(
        "INSERT INTO stagings VALUES ($staging_id, $read, $kept, $quarantined, $repeated)",
        {
            "staging_id": staging_id,
            "read": parsed.rows_read,
            "kept": rows_kept,
            "quarantined": rows_quarantined,
            "repeated": len(repeated),
        },
    )


def _changed_rows(connection: Connection, sql: str, parameters: dict[str, object]) -> int:
    row = connection.execute(sql, parameters).fetchone()
    return int(row[0]) if row else 0


def _rejected_table(rows: Sequence[RejectedRow]) -> pa.Table:
    return pa.Table.from_pylist([asdict(row) for row in rows], schema=_REJECTED_SCHEMA)


def _drop_what_no_file_delivers(connection: Connection) -> None:
    """Forget stagings that no path stands for any more, and partitions that no staging delivers any more."""
    for table in ("staging_rows", "staging_partitions", "stagings", "quarantine"):
        connection.execute(f"DELETE FROM {table} WHERE staging_id NOT IN (SELECT staging_id FROM source_files)")
    # Of several paths with the same content the first names it; it may have been changed since.
    connection.execute(
        """UPDATE quarantine SET path = named.path
        FROM (SELECT staging_id, arg_min(path, sequence) AS path FROM source_files GROUP BY staging_id) AS named
        WHERE named.staging_id = quarantine.staging_id AND named.path <> quarantine.path"""
    )
    for table in _PARTITION_TABLES["dataset_model"]:
        connection.execute(
            f"DELETE FROM {table} WHERE (dataset, model) NOT IN"
            " (SELECT (dataset, model) FROM staging_partitions WHERE day IS NULL)"
        )
    for table in _PARTITION_TABLES["dataset"]:
        connection.execute(
            f"DELETE FROM {table} WHERE dataset NOT IN (SELECT dataset FROM staging_partitions WHERE day IS NULL)"
        )
    for table in _PARTITION_TABLES["day"]:
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


def _ingested(warehouse: Warehouse, path: Path, staging_id: str, *, news: bool) -> IngestedFile:
    with warehouse.read() as connection:
        parameters = {"staging_id": staging_id}
        counts = connection.execute(
            """SELECT rows_read, rows_kept, rows_quarantined, rows_repeated FROM stagings
            WHERE staging_id = $staging_id""",
            parameters,
        ).fetchone()
        partitions = connection.execute(
            "SELECT DISTINCT dataset, model FROM staging_partitions WHERE staging_id = $staging_id ORDER BY ALL",
            parameters,
        ).fetchall()
    if counts is None:
        raise WarehouseError(f"warehouse {warehouse.path}: {path} was removed while it was read; run it again")
    read, kept, quarantined, repeated = counts
    return IngestedFile(path, news, read, kept, quarantined, repeated, tuple((row[0], row[1]) for row in partitions))


def _staging_id(digest: str, path: Path, options: EvalOptions) -> str:
    identity = "\0".join([digest, options.digest(), dataset_of(path)])
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _stored_path(path: Path) -> str:
    """A file name may hold bytes that are no text; they are stored as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _is_eval_file(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.is_file() and path.name.lower().removesuffix(".gz").endswith(EVAL_SUFFIXES)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
