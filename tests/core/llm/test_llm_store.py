"""Cache and ledger in one file: what is written together, read by others, and refused."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from faultmap_core.base.errors import LanguageModelError
from faultmap_core.llm import CallStore, Purpose
from faultmap_core.llm.store import CallEntry, Spent


def entry(**fields: object) -> CallEntry:
    return CallEntry(Purpose("judgments", "gsm8k|alpha"), "openai/test", "judge@1", **{"outcome": "ok", **fields})  # type: ignore[arg-type]


def digest(number: int) -> bytes:
    return number.to_bytes(32, "big")


def test_a_call_and_its_reply_are_there_when_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "calls.sqlite"
    with CallStore(path) as store:
        tokens = {"prompt_tokens": 10, "completion_tokens": 5, "cost": None, "seconds": 0.25, "attempts": 2}
        store.record(entry(**tokens), digest=digest(1), text="réply \x00 \N{PILE OF POO}")
        store.record(entry(outcome="timeout", attempts=5))
    with CallStore(path) as store:
        assert store.replies([digest(1), digest(2)]) == {digest(1): "réply \x00 \N{PILE OF POO}"}
        first, second = store.calls()
        assert store.calls(after=first.call_id) == [second]
    assert (first.asset, first.partition) == ("judgments", "gsm8k|alpha")
    assert (first.model, first.template, first.outcome) == ("openai/test", "judge@1", "ok")
    assert (first.prompt_tokens, first.completion_tokens, first.cost) == (10, 5, None)
    assert (first.seconds, first.cached, first.attempts) == (0.25, False, 2)
    assert timedelta(0) <= datetime.now(UTC) - first.at < timedelta(minutes=1)
    assert (second.outcome, second.cost, second.attempts) == ("timeout", 0.0, 5)


def test_the_cache_is_read_in_bulk() -> None:
    store = CallStore()
    for number in range(1200):
        store.record(entry(), digest=digest(number), text=str(number))
    found = store.replies([digest(number) for number in range(2000)])
    assert found == {digest(number): str(number) for number in range(1200)}


def test_a_call_and_its_reply_are_written_together_or_not_at_all() -> None:
    store = CallStore()
    with pytest.raises(LanguageModelError):
        store.record(entry(), digest=digest(1), text=None)  # type: ignore[arg-type]
    assert store.calls() == []
    assert store.replies([digest(1)]) == {}
    store.record(entry())
    assert len(store.calls()) == 1


def test_threads_share_a_store() -> None:
    store = CallStore()

    def write(start: int) -> None:
        for number in range(start, start + 50):
            store.record(entry(), digest=digest(number), text=str(number))

    threads = [threading.Thread(target=write, args=(100 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.calls()) == 400


def _write_in_process(path: Path, start: int, count: int) -> None:
    with CallStore(path) as store:
        for number in range(start, start + count):
            store.record(entry(attempts=1), digest=digest(number), text=str(number))


def test_processes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_in_process, args=(path, 100 * number, 60)) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with CallStore(path) as store:
        assert store.spent(0.0, 0) == (180, Spent(calls=180))
        assert len(store.replies([digest(number) for number in range(300)])) == 180


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_writes_through_a_connection_of_its_own(tmp_path: Path) -> None:
    with CallStore(tmp_path / "calls.sqlite") as store:
        store.record(entry())
        child = os.fork()
        if child == 0:
            store.record(entry(outcome="child"))
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        store.record(entry(outcome="parent"))
        assert [call.outcome for call in store.calls()] == ["ok", "child", "parent"]


def test_a_file_that_is_no_store_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    path.write_text("this is a letter to my grandmother, not a database " * 50)
    with pytest.raises(LanguageModelError, match=r"calls\.sqlite cannot be used: file is not a database"):
        CallStore(path)


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    CallStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LanguageModelError, match="version 99, written by a newer faultmap"):
        CallStore(path)


def test_the_file_is_written_ahead(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    CallStore(path).close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
