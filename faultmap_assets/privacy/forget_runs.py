"""Takes the texts of results out of Dagster's own storage: events with names and examples, logs of runs, ticks.

Which event quotes whom cannot be told, so all events go, and the warehouse's record is reported again. Runs stay in the
list, without their logs; what was set in Dagster (schedules and sensors that are on, limits of pools) stays, too.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import dagster as dg

from faultmap_assets.kit.instance import open_instance, telling_instance_trouble
from faultmap_assets.kit.rebuild import rebuild_instance
from faultmap_assets.settings import Settings
from faultmap_core.base.errors import WarehouseError

SQLITE_START = b"SQLite format 3\x00"
_NO_RUN = ""
_BUSY_SECONDS = 30.0


def forget_runs(settings: Settings) -> bool:
    """Delete Dagster's events, logs and ticks, and report what the warehouse holds; return whether there were any.

    Raises: ConfigurationError, WarehouseError where its files cannot be written; running it again goes on.
    """
    folder = settings.home / "dagster"
    if not folder.exists():
        return False
    with open_instance(settings) as instance, telling_instance_trouble(settings):
        _delete_events(instance)
        _delete_ticks(instance)
    _delete_logs(folder / "storage")
    for path in sorted(folder.rglob("*")):
        if is_sqlite(path):
            write_sqlite_anew(path)
    with open_instance(settings) as instance, telling_instance_trouble(settings):
        rebuild_instance(settings, instance)
    return True


def _delete_events(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    pools = storage.get_pool_limits()
    # Events of no run lie in a file whose name begins with a dot, which `wipe` does not see.
    storage.delete_events(_NO_RUN)
    storage.wipe()
    # The slots of pools go with the events, their limits stay: without slots no run would ever start.
    for pool in pools:
        storage.delete_concurrency_limit(pool.name)
        if not pool.from_default:
            storage.set_concurrency_slots(pool.name, pool.limit)


def _delete_ticks(instance: dg.DagsterInstance) -> None:
    """A tick keeps the message of what went wrong in it."""
    if instance.schedule_storage is not None:
        for state in instance.schedule_storage.all_instigator_state():
            instance.schedule_storage.purge_ticks(state.instigator_origin_id, state.selector_id, time.time())


def _delete_logs(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise WarehouseError(f"{folder}: the logs of runs cannot be deleted: {error.strerror}") from error


def is_sqlite(path: Path) -> bool:
    """Say whether a file is a database of SQLite."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(SQLITE_START)) == SQLITE_START


def write_sqlite_anew(path: Path) -> None:
    """Leave no bytes of deleted rows: neither in free pages nor in the write-ahead log.

    Raises: WarehouseError where somebody else holds the file, or it cannot be written.
    """
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise WarehouseError(
            f"{path}: cannot be written anew: {error}; the rows are deleted, but the file may still hold bytes of them"
        ) from error
