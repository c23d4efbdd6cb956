"""Sets a damaged warehouse aside and begins a new one with what can still be read and cannot be made again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa

from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import insert, open_warehouse
from faultmap_core.base.errors import WarehouseError, WarehouseLockedError, WarehouseVersionError

KEPT = ("forgotten", "judgment_labels", "acknowledgements")
"""Tables that no file can bring back: what people said, and whom the project has promised to forget."""

_CREATED = re.compile(r"^CREATE TABLE (\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Repair:
    """What became of a damaged warehouse.

    Attributes:
        set_aside: where the damaged file is now.
        rescued: table -> rows taken over into the new one, of `KEPT`.
        lost: those of `KEPT` that could not be read.
        evals, logs: the files that the damaged warehouse had read, as far as it still says so.
    """

    set_aside: Path
    rescued: Mapping[str, int]
    lost: tuple[str, ...]
    evals: tuple[str, ...]
    logs: tuple[str, ...]


def damage_of(settings: Settings) -> str:
    """Return why the warehouse cannot be used, in one line; empty where every table of it can be read.

    Raises: WarehouseLockedError, WarehouseVersionError: these are no damage.
    """
    if not settings.warehouse_path.exists():
        return ""
    try:
        with open_warehouse(settings).read() as connection:
            for table in _tables():
                # Counted by content, so that every block is read, and nothing of it is held.
                connection.execute(f"SELECT count(*), bit_xor(hash(t)) FROM {table} AS t").fetchone()
    except (WarehouseLockedError, WarehouseVersionError):
        raise
    except (WarehouseError, duckdb.Error) as error:
        return " ".join(str(error).split())[:400]
    return ""


def repair_warehouse(settings: Settings) -> Repair:
    """Move a damaged warehouse aside, make a new one, and take over what is in `KEPT`.

    Nothing is deleted. Raises: WarehouseError where the file cannot be moved or the new one not be made.
    """
    path = settings.warehouse_path
    kept, evals, logs = _readable(settings)
    target = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    try:
        path.rename(target)
        with suppress(FileNotFoundError):
            path.with_name(f"{path.name}.wal").rename(target.with_name(f"{target.name}.wal"))
    except OSError as error:
        raise WarehouseError(f"warehouse {path}: cannot be set aside: {error.strerror}; nothing was changed") from error
    with open_warehouse(settings).write() as connection:
        for table, rows in kept.items():
            insert(connection, table, rows)
    lost = tuple(table for table in KEPT if table not in kept)
    return Repair(target, {table: rows.num_rows for table, rows in kept.items()}, lost, evals, logs)


def _tables() -> list[str]:
    folder = files("faultmap_assets.warehouse") / "migrations"
    texts = [entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return sorted({name for text in texts for name in _CREATED.findall(text)})


def _readable(settings: Settings) -> tuple[dict[str, pa.Table], tuple[str, ...], tuple[str, ...]]:
    """Return what of a damaged file can be read: the tables of `KEPT`, and the paths of eval files and of logs."""
    kept = {table: rows for table in KEPT if (rows := _table(settings, f"SELECT * FROM {table}")) is not None}
    of_days = "SELECT DISTINCT path FROM source_files JOIN staging_partitions USING (staging_id) WHERE day IS {} NULL"
    paths = []
    for condition in ("", "NOT"):
        rows = _table(settings, of_days.format(condition))
        paths.append(tuple(sorted(rows.column("path").to_pylist())) if rows is not None else ())
    return kept, paths[0], paths[1]


def _table(settings: Settings, sql: str) -> pa.Table | None:
    """Read rows past whatever is damaged elsewhere; each opens the file anew, for an error may close it."""
    with suppress(duckdb.Error):
        connection = duckdb.connect(str(settings.warehouse_path), read_only=True)
        try:
            return connection.execute(sql).to_arrow_table()
        finally:
            connection.close()
    return None
