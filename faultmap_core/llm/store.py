"""Replies that arrived and calls that were made: cache, ledger and reservations in one SQLite file.

A reply and its row of the ledger are one transaction, made before anything else happens with the reply, so that a
killed process forgets nothing. Several threads and several processes may share a file.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faultmap_core.base.errors import LanguageModelError
from faultmap_core.llm.calls import CallRecord, Purpose

SCHEMA_VERSION = 1
BUSY_SECONDS = 30.0
MOST_BOUND_VALUES = 500

SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    digest BLOB PRIMARY KEY,
    text TEXT NOT NULL,
    model TEXT NOT NULL,
    at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS calls (
    call_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    asset TEXT NOT NULL,
    partition TEXT NOT NULL,
    model TEXT NOT NULL,
    template TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cost REAL,
    seconds REAL NOT NULL,
    cached INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    attempts INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS reserved (
    reservation_id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    calls INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    cost REAL NOT NULL
);
"""

INSERT_CALL = """
INSERT INTO calls
    (at, asset, partition, model, template, prompt_tokens, completion_tokens, cost, seconds, cached, outcome, attempts)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True)
class Spent:
    """Calls, tokens and US dollars; `cost` leaves out what is unknown."""

    calls: int = 0
    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.calls + other.calls, self.tokens + other.tokens, self.cost + other.cost)


@dataclass(frozen=True)
class CallEntry:
    """What the ledger is told of one call: a reply that arrived, or a request that was given up."""

    purpose: Purpose
    model: str
    template: str
    outcome: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0
    seconds: float = 0.0
    cached: bool = False
    attempts: int = 0

    def row(self, at: float) -> tuple[object, ...]:
        """Return the values of `INSERT_CALL`."""
        return (
            at,
            self.purpose.asset,
            self.purpose.partition,
            self.model,
            self.template,
            self.prompt_tokens,
            self.completion_tokens,
            self.cost,
            self.seconds,
            self.cached,
            self.outcome,
            self.attempts,
        )


class CallStore:
    """Cache of successful replies, ledger of calls and reservations of budgets.

    path: the SQLite file, made with its folder when it is not there; None: in memory, for this object alone.
    Raises LanguageModelError where the file cannot be opened, read or written.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._depth = 0
        self._open()

    def __enter__(self) -> CallStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; garbage collection does it, too."""
        self._finalizer()

    def calls(self, after: int = 0) -> list[CallRecord]:
        """Return the ledger's rows with a `call_id` above `after`, oldest first."""
        statement = """
            SELECT call_id, at, asset, partition, model, template, prompt_tokens, completion_tokens, cost, seconds,
                   cached, outcome, attempts
            FROM calls WHERE call_id > ? ORDER BY call_id
        """
        with self.transaction("DEFERRED") as connection:
            rows = connection.execute(statement, (after,)).fetchall()
        return [_call_record(*row) for row in rows]

    def replies(self, digests: Sequence[bytes]) -> dict[bytes, str]:
        """Return the cached text of those digests that have one."""
        found: dict[bytes, str] = {}
        with self.transaction("DEFERRED") as connection:
            for start in range(0, len(digests), MOST_BOUND_VALUES):
                block = digests[start : start + MOST_BOUND_VALUES]
                marks = ",".join("?" * len(block))
                found.update(connection.execute(f"SELECT digest, text FROM replies WHERE digest IN ({marks})", block))
        return found

    def record(
        self, entry: CallEntry, *, digest: bytes | None = None, text: str = "", reservations: Iterable[int] = ()
    ) -> None:
        """Write a call into the ledger, with its reply into the cache when `digest` is given, and end `reservations`.

        A reservation that was lowered to no tokens and no cost goes; another one stays, without its call (the row
        counts it): that call ended without an answer, and what it cost is not known.
        """
        at = time.time()
        with self.transaction() as connection:
            connection.execute(INSERT_CALL, entry.row(at))
            if digest is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?)", (digest, text, entry.model, at)
                )
            for number in reservations:
                connection.execute("UPDATE reserved SET calls = 0 WHERE reservation_id = ?", (number,))
                connection.execute("DELETE FROM reserved WHERE reservation_id = ? AND tokens = 0", (number,))

    def record_all(self, entries: Sequence[CallEntry]) -> None:
        """Write calls into the ledger at once."""
        at = time.time()
        with self.transaction() as connection:
            connection.executemany(INSERT_CALL, (entry.row(at) for entry in entries))

    def spent(self, since: float, after: int) -> tuple[int, Spent]:
        """Sum up the ledger's rows above id `after` that are not older than `since`; return the last id, too."""
        statement = """
            SELECT coalesce(max(call_id), :after), coalesce(sum(attempts) FILTER (WHERE at >= :since), 0),
                   coalesce(sum(prompt_tokens + completion_tokens) FILTER (WHERE at >= :since), 0),
                   coalesce(sum(cost) FILTER (WHERE at >= :since), 0.0)
            FROM calls WHERE call_id > :after
        """
        with self.transaction("DEFERRED") as connection:
            values = {"after": after, "since": since}
            last, calls, tokens, cost = connection.execute(statement, values).fetchone()
        return last, Spent(calls, tokens, cost)

    def reserved(self, since: float) -> Spent:
        """Sum up what is reserved, not older than `since`."""
        statement = """
            SELECT coalesce(sum(calls), 0), coalesce(sum(tokens), 0), coalesce(sum(cost), 0.0)
            FROM reserved WHERE at >= ?
        """
        with self.transaction("DEFERRED") as connection:
            return Spent(*connection.execute(statement, (since,)).fetchone())

    def reserve(self, most: Spent) -> int:
        """Reserve what a call may take at most; return the reservation's number."""
        with self.transaction() as connection:
            values = (time.time(), most.calls, most.tokens, most.cost)
            cursor = connection.execute("INSERT INTO reserved (at, calls, tokens, cost) VALUES (?, ?, ?, ?)", values)
            return int(cursor.lastrowid or 0)

    def lower(self, reservation: int) -> None:
        """Lower a reservation to a call without tokens and cost, when what the call took is known."""
        with self.transaction() as connection:
            connection.execute("UPDATE reserved SET tokens = 0, cost = 0 WHERE reservation_id = ?", (reservation,))

    def forget(self, texts: Iterable[str]) -> int:
        """Delete the cached replies that quote one of `texts`, also as JSON; return their number.

        Requests are kept as digests alone. The ledger, which holds no text, stays; the file is written anew, so that
        it holds no bytes of what was deleted.
        """
        forms = {
            form
            for text in texts
            for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
        }
        with self.transaction() as connection:
            found = {
                row[0]
                for form in sorted(forms)
                for row in connection.execute("SELECT digest FROM replies WHERE instr(text, ?)", (form,))
            }
            connection.executemany("DELETE FROM replies WHERE digest = ?", ((digest,) for digest in sorted(found)))
        if found:
            self._write_anew()
        return len(found)

    def _write_anew(self) -> None:
        with self._lock:
            try:
                self._connection.execute("VACUUM")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                raise self._error(error) from error

    @contextmanager
    def transaction(self, kind: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """Hold the connection for one transaction; an inner one is part of the outer one."""
        with self._lock:
            if self._pid != os.getpid():
                self._open_after_fork()
            self._depth += 1
            try:
                yield self._begin(kind)
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._roll_back()
                raise self._error(error) from error
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._depth -= 1

    def _begin(self, kind: str) -> sqlite3.Connection:
        if self._depth == 1:
            self._connection.execute(f"BEGIN {kind}")
        return self._connection

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            pass

    def _open_after_fork(self) -> None:
        """Open the file anew: SQLite forbids to use, or even to close, the connection of the parent process."""
        self._finalizer.detach()
        self._inherited = self._connection
        self._open()

    def _open(self) -> None:
        self._pid = os.getpid()
        try:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self.path or ":memory:", timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from error
        self._finalizer = weakref.finalize(self, self._connection.close)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        try:
            _write_ahead(self._connection)
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._connection.executescript(
                    f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
                )
        except sqlite3.Error as error:
            raise self._error(error) from error
        if version > SCHEMA_VERSION:
            raise LanguageModelError(
                f"The call store {self.path} has version {version}, written by a newer faultmap; this one reads up to "
                f"version {SCHEMA_VERSION}: update faultmap, or name another file."
            )

    def _error(self, error: Exception) -> LanguageModelError:
        return LanguageModelError(
            f"The call store {self.path or 'in memory'} cannot be used: {error}; see whether the file is a call store, "
            "its disk has room and no other process keeps it locked."
        )


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn on WAL. Changing the mode does not wait for another process that does the same, so that we must.

    `synchronous = NORMAL` keeps every commit when the process is killed; a power cut may take the last ones.
    """
    for _ in range(100):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.05)
    connection.execute("PRAGMA synchronous = NORMAL")


def _call_record(call_id: int, at: float, *values: Any) -> CallRecord:
    *texts_and_numbers, cached, outcome, attempts = values
    fields = (*texts_and_numbers, bool(cached), outcome, attempts)
    return CallRecord(call_id, datetime.fromtimestamp(at, UTC), *fields)
