"""What is killed, crowded out or refused loses nothing: real processes, real signals, a really full disk.

Slow: `make test-reliability`. The processes are forks of one that has imported everything (`reliability_worker`).
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from faultmap_core.base.errors import WarehouseVersionError
from tests.llm_server import LlmServer, serving
from tests.reliability_project import (
    ENVIRONMENT,
    MAX_CONCURRENT,
    ROWS_MADE,
    ReliabilityProject,
    differences,
    remount,
    small_disk,
    steady_judge,
)
from tests.reliability_worker import ROOT, Ended, Worker, forking

pytestmark = pytest.mark.slow

KILLS = 20
SEED = 20250601


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with forking(tmp_path_factory.mktemp("output")) as started:
        yield started


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with serving(LlmServer(steady_judge, latency=0.1)) as running:
        yield running


def succeeded(ended: Ended) -> None:
    assert ended.code == 0, ended.errors
    assert ended.errors.strip() == ""


def told_in_one_line(ended: Ended, *parts: str) -> str:
    """Assert that a command failed and said why, in lines of its own; return what it said."""
    assert ended.code in (1, 2), (ended.code, ended.output, ended.errors)
    assert "Traceback" not in ended.errors, ended.errors
    lines = [line for line in ended.errors.splitlines() if line.strip()]
    assert lines
    assert all(line.startswith("error: ") for line in lines), lines
    for part in parts:
        assert part in ended.errors, ended.errors
    return ended.errors


def bodies(server: LlmServer) -> set[str]:
    return {json.dumps(body, sort_keys=True) for body in server.requests}


# Killed.


def test_a_kill_at_any_moment_loses_nothing_and_no_reply_is_asked_for_twice(
    worker: Worker, server: LlmServer, tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """20 times: SIGKILL at a random moment of a whole audit, then the audit again."""
    project = ReliabilityProject(tmp_path / "project", server)
    project.make()
    began = time.monotonic()
    succeeded(worker.run(project.folder, "audit", environment=ENVIRONMENT))
    whole = time.monotonic() - began
    expected, asked = project.contents(), bodies(server)
    assert len(asked) == server.count > 40
    moments = random.Random(SEED)
    killed_after: list[int] = []
    for _ in range(3 * KILLS):
        if len(killed_after) == KILLS:
            break
        project.make()
        server.reset()
        if not _killed(worker, project, moments.uniform(0.0, whole)):
            continue
        killed_after.append(project.made())
        first, stored = bodies(server), project.stored_replies()
        # What was under way, and nothing else, had not arrived.
        assert 0 <= len(first) - stored <= MAX_CONCURRENT
        server.reset()
        succeeded(worker.run(project.folder, "audit", environment=ENVIRONMENT))
        assert len(bodies(server)) == server.count
        assert len(first & bodies(server)) == len(first) - stored
        assert first | bodies(server) == asked
        assert differences(project.contents(), expected) == []
        project.nothing_is_stuck()
    assert len(killed_after) == KILLS
    # At the beginning, at the end and between.
    record_testsuite_property("seconds of an audit", round(whole, 1))
    record_testsuite_property("partitions made when it was killed", sorted(killed_after))
    assert len(set(killed_after)) >= 5


def _killed(worker: Worker, project: ReliabilityProject, seconds: float) -> bool:
    """Start an audit and kill it; say whether it was still there to be killed."""
    started = worker.start(project.folder, "audit", environment=ENVIRONMENT)
    time.sleep(seconds)
    os.kill(started.number, signal.SIGKILL)
    return started.wait().code == -signal.SIGKILL


# Eight at once.

_READ = """
import json, sys, threading
from pathlib import Path
from faultmap_assets.warehouse.connection import Warehouse

TABLES = {
    "raw_evals": "raw_evals", "scores": "scores", "prompt_embeddings": "prompt_embeddings",
    "prompt_clusters": "prompt_clusters", "error_judgments": "error_judgments", "dataset_quality": "dataset_quality",
}
LOOK = " UNION ALL ".join(
    f"SELECT '{table}' AS asset, dataset, count(*) AS rows, (SELECT count(*) FROM materializations m"
    f" WHERE m.asset = '{table}' AND m.partition_key IN (dataset, dataset || '|alpha')) AS made"
    f" FROM {table} GROUP BY dataset" for table in TABLES
) + " UNION ALL SELECT asset, split_part(partition_key, '|', 1), rows, 1 FROM materializations WHERE asset IN (" + (
    ", ".join(f"'{table}'" for table in TABLES) + ")"
)
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
warehouse = Warehouse(Path(sys.argv[1]), lock_timeout_seconds=600)
seen, looks = set(), 0
while not ended.is_set():
    with warehouse.read() as connection:
        rows = connection.execute(LOOK).fetchall()
    looks += 1
    seen.update(rows)
    ended.wait(0.05)
print(json.dumps({"looks": looks, "seen": sorted(seen)}))
"""


def test_eight_processes_audit_into_one_warehouse_and_a_reader_never_sees_half_a_partition(
    worker: Worker, tmp_path: Path
) -> None:
    names = [f"d{number}" for number in range(8)]
    project = ReliabilityProject(tmp_path / "project", warehouse={"lock_timeout_seconds": 600})
    project.make(models=())
    files = {name: project.deliver("alpha", name) for name in names}
    reader = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _READ, str(project.warehouse.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with reader:
        started = [worker.start(project.folder, "audit", str(files[name]), "--dataset", name) for name in names]
        for one in started:
            succeeded(one.wait())
        seen = json.loads(reader.communicate("")[0])
    assert reader.returncode == 0
    assert seen["looks"] > 20
    # 60 prompts of which 20 fail (see conftest.eval_rows); every look saw all of a partition with its record, or none.
    complete = {"raw_evals": 60, "scores": 60, "prompt_embeddings": 60, "prompt_clusters": 60, "error_judgments": 20}
    for asset, dataset, rows, made in seen["seen"]:
        assert made == 1, (asset, dataset, rows)
        assert rows == complete.get(asset, rows), (asset, dataset)
    assert {(asset, dataset) for asset, dataset, _, _ in seen["seen"]} >= {
        (asset, name) for asset in complete for name in names
    }
    project.nothing_is_stuck()
    # What is made of everything was made of what was there; nothing is stale after one more audit, and nothing doubled.
    succeeded(worker.run(project.folder, "audit"))
    counts = project.warehouse.query(
        "SELECT dataset, count(*) AS n, count(DISTINCT example_id) AS d FROM scores GROUP BY ALL ORDER BY ALL"
    ).to_pylist()
    assert counts == [{"dataset": name, "n": 60, "d": 60} for name in names]
    alone = ReliabilityProject(tmp_path / "alone")
    alone.make(models=())
    for name in names:
        alone.deliver("alpha", name)
    succeeded(worker.run(alone.folder, "audit"))
    assert differences(_results_of(project), _results_of(alone)) == []


def _results_of(project: ReliabilityProject) -> dict[str, list[tuple[object, ...]]]:
    """What a person sees of the results, without where and in which order the files were read."""
    statements = {
        "failure_slices": "SELECT * FROM failure_slices",
        "prompt_clusters": "SELECT * FROM prompt_clusters",
        "error_judgments": "SELECT * FROM error_judgments",
        "error_signatures": "SELECT * FROM error_signatures",
        "dataset_quality": "SELECT * FROM dataset_quality",
        "materializations": f"SELECT asset, partition_key, {ROWS_MADE}, blocked_by, pending FROM materializations",
    }
    with project.warehouse.read() as connection:
        return {name: sorted(connection.execute(sql).fetchall(), key=repr) for name, sql in statements.items()}


# A disk without room, a folder that may not be written to.


def test_a_full_disk_is_told_and_leaves_the_results_as_they_were(worker: Worker, tmp_path: Path) -> None:
    """With nothing left, and with so much left that other things than the first write find no room."""
    with small_disk(tmp_path / "disk", 60) as mounted:
        if not mounted:
            pytest.skip("this user may not mount a small file system")
        project = ReliabilityProject(tmp_path / "disk" / "project")
        project.make(models=("alpha",), logs=False)
        succeeded(worker.run(project.folder, "audit"))
        before = project.contents()
        shutil.copytree(project.folder, tmp_path / "before", symlinks=True)
        project.deliver("beta")
        succeeded(worker.run(project.folder, "audit"))
        expected = project.contents()
        for left_kilobytes in (0, 100, 700, 2500):
            shutil.rmtree(project.folder)
            shutil.copytree(tmp_path / "before", project.folder, symlinks=True)
            project.deliver("beta")
            filler = tmp_path / "disk" / "filler"
            _fill(filler, left_kilobytes)
            told = told_in_one_line(worker.run(project.folder, "audit"))
            assert re.search("No space left|disk has room|disk is full", told), told
            # What was finished before the disk was full may stand there, whole; what was there is there.
            after = project.contents()
            for table in ("raw_evals", "scores", "failure_slices", "error_judgments"):
                assert [row for row in after[table] if "alpha" in row] == before[table], table
            filler.unlink()
            succeeded(worker.run(project.folder, "audit"))
            # The report tells when the audit before was.
            assert differences(project.contents(), expected, without="audit_report") == []
            project.nothing_is_stuck()


def _fill(path: Path, left_kilobytes: int) -> None:
    status = os.statvfs(path.parent)
    size = status.f_bavail * status.f_frsize - 1024 * left_kilobytes
    with path.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, size)


@pytest.mark.parametrize("kilobytes", [64, 256])
def test_a_file_that_may_not_grow_is_told_and_leaves_the_results_as_they_were(
    worker: Worker, tmp_path: Path, kilobytes: int
) -> None:
    """What a quota does, without any privilege: RLIMIT_FSIZE refuses what would make a file larger than that."""
    project = ReliabilityProject(tmp_path / "project")
    project.make(models=("alpha",), logs=False)
    succeeded(worker.run(project.folder, "audit"))
    before = project.contents()
    assert project.warehouse.path.stat().st_size > 2 * 2**20
    project.deliver("beta")
    told = told_in_one_line(worker.run(project.folder, "audit", file_bytes=1024 * kilobytes))
    assert re.search(r"faultmap\.duckdb|Dagster's record of the runs", told), told
    after = project.contents()
    for table in ("raw_evals", "scores", "failure_slices", "error_judgments"):
        assert [row for row in after[table] if "alpha" in row] == before[table], table
    succeeded(worker.run(project.folder, "audit"))
    project.nothing_is_stuck()


def test_a_read_only_folder_is_told_and_can_be_read(worker: Worker, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 60) as mounted:
        if not mounted:
            pytest.skip("this user may not mount a small file system")
        project = ReliabilityProject(tmp_path / "disk" / "project")
        project.make(models=("alpha",), logs=False)
        succeeded(worker.run(project.folder, "audit"))
        before = project.contents()
        project.deliver("beta")
        assert remount(tmp_path / "disk", "ro")
        told = told_in_one_line(worker.run(project.folder, "audit"), "Read-only file system")
        assert "faultmap.duckdb" in told
        read = worker.run(project.folder, "slices", "--json")
        succeeded(read)
        assert [row["name"] for row in json.loads(read.output)] == ["category = arithmetic"]
        succeeded(worker.run(project.folder, "status"))
        told_in_one_line(
            worker.run(project.folder, "audit", str(project.evals / "school-alpha.csv")), "may be written to"
        )
        assert differences(project.contents(), before) == []
        assert remount(tmp_path / "disk", "rw")
        succeeded(worker.run(project.folder, "audit"))


# Files that are not what they should be.


def test_a_newer_warehouse_is_refused_and_left_alone(worker: Worker, tmp_path: Path) -> None:
    project = ReliabilityProject(tmp_path / "project")
    project.make(models=("alpha",), logs=False)
    succeeded(worker.run(project.folder, "audit", "--without-model"))
    with project.warehouse.write() as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (999, '999_future.sql', current_localtimestamp())")
    content = project.warehouse.path.read_bytes()
    project.deliver("beta")
    for command in (["audit"], ["audit", "--force"], ["slices"], ["status"], ["export", "x.csv"]):
        ended = worker.run(project.folder, *command)
        told_in_one_line(ended, "newer version", "schema 999", "upgrade faultmap-assets")
        assert ended.code == 2
    assert project.warehouse.path.read_bytes() == content
    with pytest.raises(WarehouseVersionError):
        project.contents()


@pytest.mark.parametrize("damage", ["no database", "half a page", "a page of zeros"])
def test_a_damaged_call_store_is_told_and_nothing_else_is_lost(
    worker: Worker, server: LlmServer, tmp_path: Path, damage: str
) -> None:
    project = ReliabilityProject(tmp_path / "project", server)
    project.make(models=("alpha",), logs=False)
    succeeded(worker.run(project.folder, "audit", environment=ENVIRONMENT))
    before = project.contents()
    store = project.settings.call_store_path
    _damage(store, damage)
    project.deliver("beta")
    told_in_one_line(
        worker.run(project.folder, "audit", environment=ENVIRONMENT), f"The call store {store}", "cannot be used"
    )
    after = project.contents()
    for table in ("scores", "failure_slices", "error_judgments", "error_taxonomy"):
        assert [row for row in after[table] if row in before[table]] == before[table], table
    # Its replies are gone with it; everything that was made of them is not, and is not asked for again.
    for path in store.parent.glob(f"{store.name}*"):
        path.unlink()
    server.reset()
    succeeded(worker.run(project.folder, "audit", environment=ENVIRONMENT))
    judged = {"alpha": 20, "beta": 20}
    rows = project.warehouse.query("SELECT model, count(*) AS n FROM error_judgments GROUP BY ALL").to_pylist()
    assert {row["model"]: row["n"] for row in rows} == judged
    # School has no question of beta's failures that alpha's judgments answer, but for the one both fail alike.
    assert sum("error_title" in json.dumps(body) for body in server.requests) in (19, 20)


def _damage(path: Path, damage: str) -> None:
    # What is in the log beside it is no part of the damage.
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    assert len(content) >= 6 * 4096
    if damage == "no database":
        path.write_bytes(b"this is no database\n" * 500)
    elif damage == "half a page":
        path.write_bytes(content[: len(content) // 2 + 100])
    else:
        path.write_bytes(content[:4096] + bytes(len(content) - 4096))
