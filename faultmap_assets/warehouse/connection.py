"""The DuckDB file in which everything is kept, written so that nobody ever sees half of it.

One DuckDB file. Compute outside of the connection; then open, write in one transaction, close. Other writers are
waited for. Readers open it read-only. What the tables of an asset mean is declared with the asset; a table or column
that is declared and that no migration made is added when the file is opened.
"""

from __future__ import annotations

import errno
import hashlib
import json
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from faultmap_assets.graph.declarations import Table, declared_tables
from faultmap_assets.settings import Settings
from faultmap_core.base.errors import WarehouseError, WarehouseLockedError, WarehouseVersionError

Connection = duckdb.DuckDBPyConnection

# The last one is told to a thread while another one of the same process opens or closes the file.
_LOCKED = re.compile(
    r"could not set lock|different configuration|being used by another process|unique file handle conflict",
    re.IGNORECASE,
)
_HOLDER = re.compile(r"held in (.+?\(PID \d+\))")
_INTERRUPTED = "Query interrupted"
_DECLARED = 0
"""In the place of a migration's number: the row that says which declarations the tables follow."""
_MIGRATION = re.compile(r"(\d{3})_\w+\.sql")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.02, 1.0


@dataclass(frozen=True)
class Warehouse:
    """The DuckDB file of one project.

    Attributes:
        path: the file; made, with its folder, at the first write.
        lock_timeout_seconds: how long to wait for another writer.
        memory_limit_mb: DuckDB's own memory; above it DuckDB spills to disk.
    """

    path: Path
    lock_timeout_seconds: float = 120.0
    memory_limit_mb: int = 1000

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open for writing, in one transaction that is committed at the end and rolled back on any error.

        Raises:
            WarehouseLockedError: another process held the file for longer than `lock_timeout_seconds`.
            WarehouseVersionError: the file was written by a newer version.
            WarehouseError: the file cannot be opened or written (no permission, full disk, no DuckDB file).
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WarehouseError(f"warehouse {self.path}: its folder cannot be made: {error.strerror}") from error
        with self._open(read_only=False) as connection:
            _migrate(connection, self.path)
            connection.execute("BEGIN TRANSACTION")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                _rollback(connection)
                raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open read-only; a warehouse that does not exist yet is made first. Raises as `write` does."""
        if not self.path.exists():
            with self.write():
                pass
        with self._open(read_only=True) as connection:
            if _schema_of(connection) != (_latest_version(), _declared_digest()):
                connection.close()
                with self.write():
                    pass
                with self._open(read_only=True) as migrated:
                    yield migrated
                return
            yield connection

    def rewrite(self) -> None:
        """Write the file anew, without the bytes of deleted rows that DuckDB leaves in its free blocks.

        Another process that waits for the file meanwhile finds the new one; a process that is killed leaves the old
        one. No other thread of this process may use the warehouse meanwhile.
        Raises: WarehouseError as `write` does, or where there is no room for a second file; nothing is lost.
        """
        fresh = self.path.with_name(f".{self.path.name}.fresh")
        try:
            with self._open(read_only=False) as connection:
                fresh.unlink(missing_ok=True)
                row = connection.execute("SELECT current_database()").fetchone()
                # Names and paths are no bound values here.
                own = '"' + str(row[0] if row else "").replace('"', '""') + '"'
                place = "'" + str(fresh).replace("'", "''") + "'"
                connection.execute(f"ATTACH {place} AS fresh_file")
                connection.execute(f"COPY FROM DATABASE {own} TO fresh_file")
                connection.execute("DETACH fresh_file")
                fresh.replace(self.path)
                # Who opened the old file a moment ago has been told by now that it is locked, and opens the new one.
                time.sleep(_LONGEST_WAIT_SECONDS / 10)
        except OSError as error:
            raise WarehouseError(f"warehouse {self.path}: cannot be written anew: {error.strerror or error}") from error
        finally:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Return the rows of one SELECT; values go in as `$name` parameters."""
        with self.read() as connection:
            return connection.execute(sql, parameters or {}).to_arrow_table()

    @contextmanager
    def _open(self, *, read_only: bool) -> Iterator[Connection]:
        connection = self._connect(read_only=read_only)
        try:
            # In an interactive process DuckDB would draw on standard output.
            connection.execute("SET enable_progress_bar = false")
            yield connection
        except (duckdb.IOException, duckdb.FatalException, duckdb.OutOfMemoryException) as error:
            raise WarehouseError(f"warehouse {self.path}: {_one_line(error)}{_remedy(error)}") from error
        except BaseException as error:
            # Of a query that is given up half-way, DuckDB's threads would work on and delay the end of the process.
            with suppress(duckdb.Error):
                connection.interrupt()
            # DuckDB asks for signals while it works, and raises this in the place of what their handler raised.
            if isinstance(error, RuntimeError) and _INTERRUPTED in str(error):
                raise KeyboardInterrupt from error
            raise
        finally:
            connection.close()

    def _connect(self, *, read_only: bool) -> Connection:
        deadline = time.monotonic() + self.lock_timeout_seconds
        wait = _FIRST_WAIT_SECONDS
        # Jitter for politeness alone: results never depend on it.
        jitter = random.Random(threading.get_ident() ^ time.monotonic_ns())
        while True:
            try:
                return duckdb.connect(str(self.path), read_only=read_only, config=self._config())
            except duckdb.Error as error:
                if not _LOCKED.search(str(error)):
                    raise WarehouseError(f"warehouse {self.path}: cannot be opened: {_one_line(error)}") from error
                if time.monotonic() >= deadline:
                    holder = _HOLDER.search(str(error))
                    raise WarehouseLockedError(
                        f"warehouse {self.path}: {holder[1] if holder else 'another process'} has held it for"
                        f" {self.lock_timeout_seconds:g} s; wait for it, or raise warehouse.lock_timeout_seconds"
                    ) from error
            time.sleep(wait * jitter.uniform(0.5, 1.5))
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)

    def _config(self) -> dict[str, Any]:
        return {
            "memory_limit": f"{self.memory_limit_mb}MB",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }


def open_warehouse(settings: Settings) -> Warehouse:
    """Return the warehouse that the settings name."""
    return Warehouse(
        settings.warehouse_path, settings.warehouse.lock_timeout_seconds, settings.warehouse.memory_limit_mb
    )


def replace_partition(connection: Connection, table: str, partition: Mapping[str, str], rows: pa.Table) -> None:
    """Put `rows` in the place of a table's rows of one partition. An empty `partition` means the whole table."""
    delete_partition(connection, table, partition)
    insert(connection, table, rows)


def delete_partition(connection: Connection, table: str, partition: Mapping[str, str]) -> None:
    """Delete a table's rows of one partition."""
    condition = " AND ".join(f"{_identifier(column)} = ${_identifier(column)}" for column in partition)
    connection.execute(
        f"DELETE FROM {_identifier(table)}" + (f" WHERE {condition}" if condition else ""), dict(partition)
    )


def insert(connection: Connection, table: str, rows: pa.Table) -> None:
    """Append `rows`, matched by column name; the types are those of the table's migration."""
    if not rows.num_rows:
        return
    columns = ", ".join(_identifier(name) for name in rows.column_names)
    connection.register("incoming_rows", rows)
    try:
        connection.execute(f"INSERT INTO {_identifier(table)} ({columns}) SELECT {columns} FROM incoming_rows")
    finally:
        connection.unregister("incoming_rows")


def batches(connection: Connection, sql: str, parameters: Mapping[str, Any], batch_rows: int) -> Iterator[pa.Table]:
    """Yield the rows of one SELECT, in its order, as tables of at most `batch_rows` rows.

    DuckDB keeps the rows, spilled to disk where there are many. It is never asked for a stream of them: a reader, or a
    batch of one, that outlives its connection makes the next opening of the file in this process wait for ever, deaf
    to signals.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE batched_rows AS {sql}", dict(parameters))
    row = connection.execute("SELECT count(*) FROM batched_rows").fetchone()
    for first in range(0, int(row[0]) if row else 0, batch_rows):
        yield connection.execute(
            "SELECT * FROM batched_rows WHERE rowid >= $first AND rowid < $end ORDER BY rowid",
            {"first": first, "end": first + batch_rows},
        ).to_arrow_table()
    connection.execute("DROP TABLE batched_rows")


def _identifier(name: str) -> str:
    """Names of tables and columns are ours; anything else is a defect, never a query."""
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError(f"{name!r} is no identifier")
    return name


def _migrations() -> list[tuple[int, str, str]]:
    folder = files("faultmap_assets.warehouse") / "migrations"
    return sorted(
        (int(match[1]), entry.name, entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if (match := _MIGRATION.fullmatch(entry.name))
    )


@cache
def _latest_version() -> int:
    return _migrations()[-1][0]


@cache
def _declared_digest() -> str:
    """Changes when a declaration names another table or column."""
    told = [[table.name, *((name, one.type) for name, one in table.columns.items())] for table in _declared()]
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=8).hexdigest()


def _declared() -> list[Table]:
    return list(declared_tables().values())


def _schema_of(connection: Connection) -> tuple[int, str]:
    """Return the newest migration that was applied, and the digest of the declarations that the tables follow."""
    try:
        row = connection.execute(
            "SELECT coalesce(max(version), 0), coalesce(max(name) FILTER (version = $declared), '')"
            " FROM schema_migrations",
            {"declared": _DECLARED},
        ).fetchone()
    except duckdb.CatalogException:
        # A new file. Looking the table up first would read the whole catalogue at every opening.
        return 0, ""
    return (int(row[0]), str(row[1])) if row else (0, "")


def _migrate(connection: Connection, path: Path) -> None:
    present, declared = _schema_of(connection)
    latest = _latest_version()
    if present > latest:
        raise WarehouseVersionError(
            f"warehouse {path}: written by a newer version of this project (schema {present}, this one knows"
            f" {latest}); upgrade faultmap-assets, or choose another --home"
        )
    if (present, declared) == (latest, _declared_digest()):
        return
    connection.execute("BEGIN TRANSACTION")
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL, applied_at TIMESTAMP NOT NULL)"
        )
        for version, name, sql in _migrations():
            if version > present:
                connection.execute(sql)
                connection.execute(
                    "INSERT INTO schema_migrations VALUES ($version, $name, current_localtimestamp())",
                    {"version": version, "name": name},
                )
        _add_what_is_declared(connection)
        connection.execute("COMMIT")
    except BaseException:
        _rollback(connection)
        raise


def _add_what_is_declared(connection: Connection) -> None:
    """Add the tables and columns that declarations name and no migration made; nothing is ever taken away."""
    present: dict[str, set[str]] = {}
    for table, column in connection.execute("SELECT table_name, column_name FROM duckdb_columns()").fetchall():
        present.setdefault(table, set()).add(column)
    for declared in _declared():
        name = _identifier(declared.name)
        columns = {_identifier(column): one.type for column, one in declared.columns.items()}
        if name not in present:
            told = ", ".join(f"{column} {type_name}" for column, type_name in columns.items())
            connection.execute(f"CREATE TABLE {name} ({told})")
            continue
        for column in [column for column in columns if column not in present[name]]:
            connection.execute(f"ALTER TABLE {name} ADD COLUMN {column} {columns[column]}")
    connection.execute(
        "INSERT OR REPLACE INTO schema_migrations VALUES ($declared, $name, current_localtimestamp())",
        {"declared": _DECLARED, "name": _declared_digest()},
    )


def _rollback(connection: Connection) -> None:
    try:
        connection.execute("ROLLBACK")
    except duckdb.Error:
        # The transaction is gone already (a fatal error closed it); the first error is the one to tell.
        return


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:400]


def _remedy(error: Exception) -> str:
    full = "No space left" in str(error) or errno.errorcode[errno.ENOSPC] in str(error)
    return "; free some space and run it again, nothing was changed" if full else ""
