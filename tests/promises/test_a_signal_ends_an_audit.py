"""An interrupt or a terminate ends a command at any moment, with its exit code and nothing half-written."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from faultmap_assets.cli.supervision import GRACE_SECONDS
from faultmap_assets.warehouse.connection import Warehouse

from ..conftest import eval_rows, write_csv

# No process of these tests takes as long by itself; on a busy machine everything takes longer.
_PATIENCE = 120

_SUPERVISED = """
import sys
from faultmap_assets.cli.supervision import supervised
def command():
    {body}
supervised(command)
"""
_TELL = "print('busy', flush=True)"


def start(body: str) -> subprocess.Popen[str]:
    """Start a supervised command, and return when it is busy."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SUPERVISED.format(body=body)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "busy\n"
    return process


BUSY = {
    "compiled code that keeps the interpreter to itself": f"import ctypes; {_TELL}; ctypes.PyDLL(None).sleep(100000)",
    "a query": f"import duckdb; {_TELL}; duckdb.sql('SELECT count(*) FROM range(2000000) a, range(1000000) b"
    " WHERE (a.range * b.range) % 7 = 3').fetchall()",
    "Python": f"{_TELL}\n    while True: pass",
    "a command that ignores its signals": "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    f" signal.signal(signal.SIGTERM, signal.SIG_IGN); {_TELL}\n    while True: signal.pause()",
}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("work", BUSY)
def test_whatever_it_is_doing(work: str, number: signal.Signals, code: int):
    process = start(BUSY[work])
    process.send_signal(number)
    process.communicate(timeout=_PATIENCE)
    assert process.returncode == code


def test_a_terminals_interrupt_reaches_both_and_counts_once():
    caught = f"try:\n        {_TELL}\n        while True: pass\n    except KeyboardInterrupt:\n        print('once')"
    process = start(caught)
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=_PATIENCE)
    # A second interrupt would have ended it while it told of the first.
    assert (out, process.returncode) == ("once\n", 0)


@pytest.mark.parametrize(("ending", "code"), [("sys.exit(3)", 3), ("pass", 0), ("sys.exit('no')", 1), ("1 / 0", 1)])
def test_its_own_exit_code_is_kept(ending: str, code: int):
    process = start(f"{_TELL}\n    {ending}")
    process.communicate(timeout=_PATIENCE)
    assert process.returncode == code


def test_nothing_is_left_behind_where_the_parent_is_killed():
    process = start("import os, signal; print('busy', flush=True); print(os.getpid(), flush=True)\n    signal.pause()")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    # The child holds the other end of its output until it is gone.
    process.communicate(timeout=_PATIENCE)
    assert _ends(child)


def _ends(process: int) -> bool:
    for _ in range(_PATIENCE * 10):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_the_grace_leaves_room_within_five_seconds():
    assert GRACE_SECONDS <= 4.5


def test_an_interrupted_query_is_an_interrupt_and_no_failed_query(tmp_path: Path):
    warehouse = Warehouse(tmp_path / "w.duckdb")
    with warehouse.write():
        pass
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            _endless_query(warehouse)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    with warehouse.write() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def _endless_query(warehouse: Warehouse) -> None:
    with warehouse.read() as connection:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        connection.execute(
            "SELECT count(*) FROM range(2000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3"
        ).to_arrow_table()


@pytest.mark.slow
def test_an_audit_at_many_moments(tmp_path: Path):
    """Each audit is stopped at another moment of its course; the last one goes on from there and finishes."""
    for dataset in ("school", "kitchen"):
        write_csv(tmp_path / "evals" / f"{dataset}.csv", eval_rows(dataset))
    moments = random.Random(8)
    command = [sys.executable, "-m", "faultmap_assets.cli", "audit", "evals", "--home", "var"]
    stopped = 0
    for trial in range(24):
        number = (signal.SIGINT, signal.SIGTERM)[trial % 2]
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            start_new_session=True,
        )
        try:
            process.communicate(timeout=moments.uniform(0.5, 25))
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            process.communicate(timeout=_PATIENCE)
            assert process.returncode in (128 + number, 0)
            stopped += process.returncode != 0
        half = [path for path in (tmp_path / "var").rglob("*") if path.name.endswith((".tmp", ".fresh", ".part"))]
        assert half == []
        warehouse = tmp_path / "var" / "faultmap.duckdb"
        if warehouse.exists():
            with duckdb.connect(str(warehouse)) as connection:
                connection.execute("SELECT count(*) FROM duckdb_tables()")
    assert stopped >= 5
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "alpha on school" in done.stdout
