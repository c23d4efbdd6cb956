"""Export rows of the warehouse as CSV that no spreadsheet executes, JSONL or Parquet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.errors import ConfigurationError, WarehouseError
from faultmap_core.base.records import strict

EXPORTABLE = (
    "failure_slices",
    "failure_slice_members",
    "model_comparisons",
    "model_comparison_slices",
    "scores",
    "raw_evals",
    "prompt_embeddings",
    "prompt_clusters",
    "quarantine",
)
_WITHOUT_MODEL = frozenset({"prompt_embeddings", "prompt_clusters", "model_comparisons", "model_comparison_slices"})
_BATCH_ROWS = 10_000
# A cell that starts so is a formula to a spreadsheet.
_FORMULA = r"^([=+\-@\t\r\n])"


def export_table(
    warehouse: Warehouse,
    table: str,
    target: Path,
    datasets: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
) -> int:
    """Write the rows of one table, in a stable order; return their number.

    Raises:
        ConfigurationError: the table is not one of `EXPORTABLE`, the target's format is unknown, or the table has no
            models to choose from.
        WarehouseError: the file cannot be written; a former one is left as it was.
    """
    if table not in EXPORTABLE:
        raise ConfigurationError(f"table {table!r} cannot be exported; choose one of {', '.join(EXPORTABLE)}")
    if models and table in _WITHOUT_MODEL:
        raise ConfigurationError(f"{table} is not partitioned by model; leave --model out")
    _check_target(target)
    conditions, parameters = ["true"], {}
    for column, chosen in (("dataset", datasets), ("model", models)):
        if chosen:
            conditions.append(f"list_contains(${column}, {column})")
            parameters[column] = list(chosen)
    rows = warehouse.query(f"SELECT * FROM {table} WHERE {' AND '.join(conditions)} ORDER BY ALL", parameters)
    write_rows(rows, target)
    return int(rows.num_rows)


def write_rows(rows: pa.Table, target: Path) -> None:
    """Write rows as the target's name says; a former file is replaced in one step.

    Raises: ConfigurationError on an unknown format; WarehouseError where it cannot be written, a former one stands.
    """
    _check_target(target)
    temporary = target.with_name(f".{target.name}.part")
    try:
        _write(rows, temporary, target.suffix)
        temporary.replace(target)
    except OSError as error:
        raise WarehouseError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _check_target(target: Path) -> None:
    if not target.resolve().parent.is_dir():
        raise WarehouseError(f"{target}: cannot be written: its folder does not exist; make it first")
    if target.suffix not in (".csv", ".jsonl", ".parquet"):
        raise ConfigurationError(f"{target}: unknown format; name it .csv, .jsonl or .parquet")


def _write(rows: pa.Table, path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pq.write_table(rows, path, compression="zstd")
    elif suffix == ".csv":
        pacsv.write_csv(_defused(rows), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as stream:
            for batch in rows.to_batches(max_chunksize=_BATCH_ROWS):
                stream.writelines(json.dumps(strict(row), ensure_ascii=False) + "\n" for row in batch.to_pylist())


def _defused(rows: pa.Table) -> pa.Table:
    """Put an apostrophe before text that a spreadsheet would take for a formula."""
    for index, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            safe = pc.replace_substring_regex(rows.column(index), _FORMULA, r"'\1")
            rows = rows.set_column(index, field, safe)
    return rows
