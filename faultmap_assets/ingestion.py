"""How do files become staged rows, each parsed once in its life?

A file is identified by its bytes and by how it is read. Parsing happens outside of the warehouse, into a temporary
file; then one short transaction takes it over. Nothing of a file that cannot be read is stored.
"""

from __future__ import annotations

import glob
import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from faultmap_assets.warehouse import Connection, Warehouse, insert
from faultmap_core.errors import ConfigurationError, WarehouseError
from faultmap_core.evals import EVAL_SCHEMA, EvalOptions, KeyConflicts, RejectedRow
from faultmap_core.readers import EVAL_SUFFIXES, content_hash, dataset_of, read_eval_file

Progress = Callable[[int], None]

_PARTITION_TABLES = {
    "dataset_model": ("raw_evals", "scores", "example_prompts", "failure_slices", "failure_slice_members"),
    "dataset": ("prompt_embeddings", "prompt_clusters", "prompt_cluster_nodes"),
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


def find_eval_files(patterns: Sequence[str]) -> list[Path]:
    """Return the eval files that paths, folders and globs name: oldest first, so that newer ones supersede.

    Raises: ConfigurationError where one of them matches nothing.
    """
    found: set[Path] = set()
    for pattern in patterns:
        path = Path(pattern)
        if path.is_file():
            matches = [path]
        elif path.is_dir():
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
    staging_id = _staging_id(digest, path, options)
    with warehouse.read() as connection:
        known = _staged(connection, staging_id)
        unchanged = connection.execute(
            "SELECT 1 FROM eval_files WHERE path = $path AND staging_id = $staging_id",
            {"path": str(path), "staging_id": staging_id},
        ).fetchone()
    if known and unchanged:
        return _ingested(warehouse, path, staging_id, news=False)
    stat = path.stat()
    try:
        with tempfile.TemporaryDirectory(prefix="staging-", dir=warehouse.path.parent) as folder:
            parsed = None if known else _parse(path, options, Path(folder) / "rows.parquet", progress)
            with warehouse.write() as connection:
                if parsed is not None and not _staged(connection, staging_id):
                    _stage(connection, staging_id, path, parsed)
                connection.execute(
                    """INSERT OR REPLACE INTO eval_files VALUES ($path, $staging_id, $content_hash,
                    nextval('eval_file_sequence'), $bytes, $modified_at, $read_at)""",
                    {
                        "path": str(path),
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
    rows_read: int
    rejected: list[RejectedRow]
    conflicts: KeyConflicts


def _parse(path: Path, options: EvalOptions, rows_path: Path, progress: Progress | None) -> _ParsedFile:
    rows_read = 0
    rejected: list[RejectedRow] = []
    conflicts = KeyConflicts((), {})
    with pq.ParquetWriter(rows_path, EVAL_SCHEMA, compression="zstd") as writer:
        for batch in read_eval_file(path, options):
            writer.write_table(batch.rows)
            rejected += batch.rejected
            conflicts = batch.conflicts or conflicts
            rows_read += batch.rows_read
            if progress:
                progress(rows_read)
    return _ParsedFile(rows_path, rows_read, rejected, conflicts)


def _stage(connection: Connection, staging_id: str, path: Path, parsed: _ParsedFile) -> None:
    conflicts = parsed.conflicts
    left_out = pa.table({"line": pa.array([*conflicts.repeated, *conflicts.conflicting], pa.int64())})
    connection.register("left_out", left_out)
    columns = ", ".join(EVAL_SCHEMA.names)
    connection.execute(
        f"""INSERT INTO eval_staging_rows (staging_id, {columns})
        SELECT $staging_id, {columns} FROM read_parquet($rows) ANTI JOIN left_out USING (line)""",
        {"staging_id": staging_id, "rows": str(parsed.rows_path)},
    )
    connection.execute(
        """INSERT INTO eval_staging_partitions
        SELECT staging_id, dataset, model, count(*), md5(string_agg(row_digest, '' ORDER BY example_id, epoch))
        FROM eval_staging_rows WHERE staging_id = $staging_id GROUP BY ALL""",
        {"staging_id": staging_id},
    )
    quarantined = [*parsed.rejected, *_conflicting_rows(connection, parsed)]
    connection.unregister("left_out")
    insert(connection, "quarantine", _quarantine_table(staging_id, path, quarantined))
    kept = parsed.rows_read - len(quarantined) - len(conflicts.repeated)
    connection.execute(
        "INSERT INTO eval_stagings VALUES ($staging_id, $read, $kept, $quarantined, $repeated)",
        {
            "staging_id": staging_id,
            "read": parsed.rows_read,
            "kept": kept,
            "quarantined": len(quarantined),
            "repeated": len(conflicts.repeated),
        },
    )


def _conflicting_rows(connection: Connection, parsed: _ParsedFile) -> list[RejectedRow]:
    if not parsed.conflicts.conflicting:
        return []
    rows = connection.execute(
        """SELECT line, left(input_text, 200), dataset, model FROM read_parquet($rows) SEMI JOIN left_out USING (line)
        ORDER BY line""",
        {"rows": str(parsed.rows_path)},
    ).fetchall()
    reasons = parsed.conflicts.conflicting
    return [
        RejectedRow(line, reasons[line], excerpt, dataset, model)
        for line, excerpt, dataset, model in rows
        if line in reasons
    ]


def _quarantine_table(staging_id: str, path: Path, rows: Sequence[RejectedRow]) -> pa.Table:
    now = _now()
    return pa.table(
        {
            "staging_id": pa.array([staging_id] * len(rows), pa.string()),
            "path": pa.array([str(path)] * len(rows), pa.string()),
            "line": pa.array([row.line for row in rows], pa.int64()),
            "reason": pa.array([row.reason for row in rows], pa.string()),
            "excerpt": pa.array([row.excerpt for row in rows], pa.string()),
            "dataset": pa.array([row.dataset for row in rows], pa.string()),
            "model": pa.array([row.model for row in rows], pa.string()),
            "quarantined_at": pa.array([now] * len(rows), pa.timestamp("us")),
        }
    )


def _drop_what_no_file_delivers(connection: Connection) -> None:
    """Forget stagings that no path stands for any more, and partitions that no staging delivers any more."""
    for table in ("eval_staging_rows", "eval_staging_partitions", "eval_stagings", "quarantine"):
        connection.execute(f"DELETE FROM {table} WHERE staging_id NOT IN (SELECT staging_id FROM eval_files)")
    for table in _PARTITION_TABLES["dataset_model"]:
        connection.execute(
            f"DELETE FROM {table} WHERE (dataset, model) NOT IN (SELECT (dataset, model) FROM eval_staging_partitions)"
        )
    for table in _PARTITION_TABLES["dataset"]:
        connection.execute(f"DELETE FROM {table} WHERE dataset NOT IN (SELECT dataset FROM eval_staging_partitions)")
    connection.execute(
        """DELETE FROM materializations WHERE partition_key <> ''
        AND partition_key NOT IN (SELECT dataset || '|' || model FROM eval_staging_partitions)
        AND partition_key NOT IN (SELECT dataset FROM eval_staging_partitions)"""
    )


def _staged(connection: Connection, staging_id: str) -> bool:
    row = connection.execute(
        "SELECT 1 FROM eval_stagings WHERE staging_id = $staging_id", {"staging_id": staging_id}
    ).fetchone()
    return row is not None


def _ingested(warehouse: Warehouse, path: Path, staging_id: str, *, news: bool) -> IngestedFile:
    with warehouse.read() as connection:
        parameters = {"staging_id": staging_id}
        counts = connection.execute(
            """SELECT rows_read, rows_kept, rows_quarantined, rows_repeated FROM eval_stagings
            WHERE staging_id = $staging_id""",
            parameters,
        ).fetchone()
        partitions = connection.execute(
            "SELECT dataset, model FROM eval_staging_partitions WHERE staging_id = $staging_id ORDER BY ALL",
            parameters,
        ).fetchall()
    if counts is None:
        raise WarehouseError(f"warehouse {warehouse.path}: {path} was removed while it was read; run it again")
    read, kept, quarantined, repeated = counts
    return IngestedFile(path, news, read, kept, quarantined, repeated, tuple((row[0], row[1]) for row in partitions))


def _staging_id(digest: str, path: Path, options: EvalOptions) -> str:
    identity = "\0".join([digest, options.digest(), dataset_of(path)])
    return hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _is_eval_file(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.is_file() and path.name.lower().removesuffix(".gz").endswith(EVAL_SUFFIXES)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
