"""Which runs does nobody work on any more, and who may open Dagster's storage when?"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster import DagsterRunStatus

from faultmap_assets.definitions import defs
from faultmap_assets.kit.instance import (
    LANGUAGE_MODEL_POOL,
    PROCESS_TAG,
    WRITER_POOL,
    close_dead_runs,
    open_instance,
    prepare_home,
    process_tag,
)
from faultmap_assets.settings import Settings
from faultmap_core.base.errors import ConfigurationError
from tests.conftest import Project

_CODE_SERVER = ".dagster/grpc_info"

_OPEN = """
import sys
from pathlib import Path
from faultmap_assets.kit.instance import prepare_home
from faultmap_assets.settings import Settings
sys.stdin.readline()
prepare_home(Settings(home=Path(sys.argv[1])))
"""


def started(project: Project, parent: dg.DagsterRun | None = None, **tags: str) -> dg.DagsterRun:
    run = dg.DagsterRun(
        job_name="refresh_dataset",
        status=DagsterRunStatus.STARTED,
        tags=tags,
        parent_run_id=parent.run_id if parent else None,
        root_run_id=parent.run_id if parent else None,
    )
    return project.instance.add_run(run)


def tagged(project: Project, tag: str, parent: dg.DagsterRun | None = None) -> dg.DagsterRun:
    return started(project, parent, **{PROCESS_TAG: tag})


def status(project: Project, run: dg.DagsterRun) -> DagsterRunStatus:
    found = project.instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_a_number_that_was_given_to_another_process_is_no_sign_of_life(project: Project) -> None:
    own = process_tag()
    assert own.startswith(f"{socket.gethostname()}:{os.getpid()}:")
    alive = tagged(project, own)
    reused = tagged(project, f"{socket.gethostname()}:{os.getpid()}:1")
    elsewhere = tagged(project, f"another-machine:{os.getpid()}:1")
    assert close_dead_runs(project.instance) == 1
    assert status(project, reused) is DagsterRunStatus.FAILURE
    assert status(project, alive) is status(project, elsewhere) is DagsterRunStatus.STARTED


def test_a_process_that_ended_and_was_not_waited_for_is_dead(project: Project) -> None:
    with subprocess.Popen([sys.executable, "-c", "print(1)"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        tagged(project, f"{socket.gethostname()}:{process.pid}:")
        assert close_dead_runs(project.instance) == 1


def test_a_run_that_is_executed_again_is_not_taken_for_its_dead_parent(project: Project) -> None:
    tag = f"{socket.gethostname()}:{2**22 + 1}:1"
    parent = tagged(project, tag)
    assert close_dead_runs(project.instance) == 1
    again = tagged(project, tag, parent)
    assert close_dead_runs(project.instance) == 0
    assert status(project, again) is DagsterRunStatus.STARTED


@pytest.mark.parametrize("tag", ["", "nonsense", "host:", "host:x:y", "::", "a:-1:2"])
def test_a_tag_that_names_no_process_is_left_to_the_daemon(project: Project, tag: str) -> None:
    tagged(project, tag)
    assert close_dead_runs(project.instance) == 0


def test_a_run_whose_code_server_is_gone_is_dead(project: Project, tmp_path: Path) -> None:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        served = started(project, **{_CODE_SERVER: json.dumps({"host": "127.0.0.1", "port": port})})
        orphan = started(project, **{_CODE_SERVER: json.dumps({"host": "127.0.0.1", "socket": str(tmp_path / "no")})})
        unreadable = started(project, **{_CODE_SERVER: "{"})
        assert close_dead_runs(project.instance) == 1
        assert status(project, orphan) is DagsterRunStatus.FAILURE
        assert status(project, served) is status(project, unreadable) is DagsterRunStatus.STARTED
    assert close_dead_runs(project.instance) == 1
    assert status(project, served) is DagsterRunStatus.FAILURE


@pytest.mark.slow
def test_processes_that_make_the_same_home_at_once_do_not_spoil_it(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", _OPEN, str(tmp_path / "var")]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        process.communicate(b"\n")
    assert [process.returncode for process in processes] == [0, 0, 0]
    # Two at once used to leave two rows, and no process could open the storage ever after.
    for database in (tmp_path / "var" / "dagster").rglob("*.db"):
        with closing(sqlite3.connect(database)) as connection:
            assert len(connection.execute("SELECT * FROM alembic_version").fetchall()) == 1, database


def test_a_storage_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "var")
    folder = prepare_home(settings)
    (folder / "schedules" / "schedules.db").write_bytes(b"this is no database\n" * 300)
    with pytest.raises(ConfigurationError) as caught:
        open_instance(settings)
    assert "\n" not in str(caught.value)
    for part in ("dagster", "file is not a database", "every result that was finished is kept"):
        assert part in str(caught.value)


def test_the_pools_are_those_that_the_instance_limits(project: Project) -> None:
    config = project.instance.get_concurrency_config()
    assert config.pool_config.pool_granularity is not None
    assert config.pool_config.pool_granularity.value == "run"
    assert config.pool_config.default_pool_limit == 1
    content = yaml.safe_load(Path(project.instance.root_directory, "dagster.yaml").read_text("utf-8"))
    assert content["run_retries"] == {"enabled": False}
    graph = defs.get_repository_def().asset_graph
    pools = {key.to_user_string(): pool for key in graph.get_all_asset_keys() for pool in graph.get(key).pools}
    assert pools == {
        "raw_evals": WRITER_POOL,
        "production_logs": WRITER_POOL,
        "error_judgments": LANGUAGE_MODEL_POOL,
        "error_taxonomy": LANGUAGE_MODEL_POOL,
    }
