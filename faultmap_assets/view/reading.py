"""Open the warehouse read-only for one request and a bounded time, so that a writer soon gets in."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from typing import Any

import duckdb
import pyarrow as pa

from faultmap_assets.warehouse.connection import Connection, Warehouse
from faultmap_core.base.errors import WarehouseError

LONGEST_READ_SECONDS = 30.0
_AGAIN_SECONDS = 0.05


@dataclass(frozen=True)
class OpenedWarehouse(Warehouse):
    """A warehouse whose queries all see one state of it, through one connection."""

    connection: Connection | None = field(default=None, repr=False, compare=False)

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Return the rows of one SELECT."""
        assert self.connection is not None
        return self.connection.execute(sql, dict(parameters or {})).to_arrow_table()


@contextmanager
def opened(warehouse: Warehouse, *, seconds: float = LONGEST_READ_SECONDS) -> Iterator[OpenedWarehouse]:
    """Open a warehouse for the queries of one request.

    Raises: WarehouseError where it is gone or cannot be read, or the queries take longer than `seconds`;
        WarehouseLockedError as `Warehouse.read` does.
    """
    if not warehouse.path.exists():
        raise WarehouseError(f"no warehouse at {warehouse.path} any more; `faultmap audit FILE` makes it")
    with warehouse.read() as connection:
        done = threading.Event()
        threading.Thread(target=_interrupt_after, args=(connection, seconds, done), daemon=True).start()
        own = {part.name: getattr(warehouse, part.name) for part in fields(Warehouse)}
        try:
            yield OpenedWarehouse(**own, connection=connection)
        except duckdb.InterruptException as error:
            raise WarehouseError(
                f"reading took longer than {seconds:g} s and was stopped, so that nobody waits for it;"
                " choose a dataset, a model or a slice first"
            ) from error
        finally:
            done.set()


def _interrupt_after(connection: Connection, seconds: float, done: threading.Event) -> None:
    if done.wait(seconds):
        return
    # Between two statements an interruption is lost.
    while not done.wait(_AGAIN_SECONDS):
        with suppress(duckdb.Error):
            connection.interrupt()
