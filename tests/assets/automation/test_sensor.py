"""The staleness sensor: what it requests tick by tick, and that it never asks for ever."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._daemon.types import DaemonHeartbeat

from faultmap_assets.automation.sensors import JOBS, failed_attempts, staleness_sensor
from faultmap_assets.definitions import defs
from faultmap_assets.graph.scopes import Scope
from faultmap_assets.graph.staleness import plan_runs, stale_partitions
from faultmap_assets.kit.instance import PROCESS_TAG, close_dead_runs
from faultmap_assets.warehouse.materializations import read_state
from faultmap_core.base.errors import EmbeddingError
from tests.conftest import Project, eval_rows, write_csv


def tick(project: Project) -> list[dg.RunRequest]:
    context = dg.build_sensor_context(instance=project.instance, definitions=defs)
    with partition_loading_context(dynamic_partitions_store=project.instance):
        return list(staleness_sensor.evaluate_tick(context).run_requests)


@pytest.fixture
def delivered(project: Project) -> Project:
    write_csv(project.evals / "school.csv", eval_rows("school"))
    project.ingest()
    return project


def test_nothing_is_requested_from_an_empty_warehouse(project: Project):
    assert tick(project) == []


def test_new_files_request_what_can_be_made_first(delivered: Project):
    requests = tick(delivered)
    assert [(r.job_name, str(r.partition_key)) for r in requests] == [
        ("refresh_dataset_model", "school|alpha"),
        ("refresh_dataset_model", "school|beta"),
    ]
    for request in requests:
        made = [key.to_user_string() for key in request.asset_selection]
        assert made == ["raw_evals", "scores", "error_judgments"]
    assert delivered.instance.get_dynamic_partitions("dataset") == ["school"]
    assert sorted(delivered.instance.get_dynamic_partitions("model")) == ["alpha", "beta"]


def test_the_same_state_requests_the_same_run_keys(delivered: Project):
    assert [r.run_key for r in tick(delivered)] == [r.run_key for r in tick(delivered)]


def _add_run(project: Project, request: dg.RunRequest, status: DagsterRunStatus, **tags: str) -> dg.DagsterRun:
    run = dg.DagsterRun(job_name=str(request.job_name), tags={**request.tags, **tags}, status=status)
    return project.instance.add_run(run)


def test_what_is_being_made_is_not_requested_again(delivered: Project):
    first = tick(delivered)[0]
    _add_run(delivered, first, DagsterRunStatus.STARTED)
    assert [str(r.partition_key) for r in tick(delivered)] == ["school|beta"]


def test_a_failing_partition_is_tried_a_bounded_number_of_times(delivered: Project):
    keys = []
    for _ in range(10):
        requests = [r for r in tick(delivered) if str(r.partition_key) == "school|alpha"]
        if not requests:
            break
        keys.append(requests[0].run_key)
        _add_run(delivered, requests[0], DagsterRunStatus.FAILURE)
    assert len(keys) == len(set(keys)) == delivered.settings.automation.max_attempts == 3
    with delivered.warehouse.read() as connection:
        planned = plan_runs(stale_partitions(read_state(connection), delivered.settings))
    assert [failed_attempts(delivered.instance, run) for run in planned] == [3, 0]


def test_new_content_is_tried_again_after_giving_up(delivered: Project):
    for _ in range(3):
        for request in tick(delivered):
            _add_run(delivered, request, DagsterRunStatus.FAILURE)
    assert tick(delivered) == []
    write_csv(delivered.evals / "school.csv", eval_rows("school")[:-1])
    delivered.ingest()
    assert [str(r.partition_key) for r in tick(delivered)] == ["school|beta"]


def test_runs_of_dead_processes_are_closed_and_others_are_not(delivered: Project):
    first, second = tick(delivered)
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    host = socket.gethostname()
    dead = _add_run(delivered, first, DagsterRunStatus.STARTED, **{PROCESS_TAG: f"{host}:{finished.pid}"})
    alive = _add_run(delivered, second, DagsterRunStatus.STARTED, **{PROCESS_TAG: f"{host}:{os.getpid()}"})
    assert close_dead_runs(delivered.instance) == 1
    assert delivered.instance.get_run_by_id(dead.run_id).status is DagsterRunStatus.FAILURE
    assert delivered.instance.get_run_by_id(alive.run_id).status is DagsterRunStatus.STARTED


@pytest.mark.parametrize("status", [DagsterRunStatus.STARTED, DagsterRunStatus.NOT_STARTED, DagsterRunStatus.CANCELING])
def test_runs_of_a_daemon_that_is_gone_are_closed(delivered: Project, monkeypatch: pytest.MonkeyPatch, status):
    run = _add_run(delivered, tick(delivered)[0], status)
    assert close_dead_runs(delivered.instance) == 0
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 600)
    delivered.instance.add_daemon_heartbeat(DaemonHeartbeat(now + 580, "SENSOR", "id"))
    assert close_dead_runs(delivered.instance) == 0
    delivered.instance.add_daemon_heartbeat(DaemonHeartbeat(now + 300, "SENSOR", "id"))
    assert close_dead_runs(delivered.instance) == 1
    assert delivered.instance.get_run_by_id(run.run_id).status is DagsterRunStatus.FAILURE


def test_an_interrupt_ends_the_audit_and_not_one_run_alone(delivered: Project, monkeypatch: pytest.MonkeyPatch):
    interrupted = []

    def interrupt(*args: object) -> None:
        interrupted.append(args)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    monkeypatch.setattr("faultmap_assets.kit.checks.unique_ids", interrupt)
    with pytest.raises(KeyboardInterrupt):
        delivered.audit()
    assert len(interrupted) == 1


def test_an_error_of_ours_is_told_and_not_the_cause_of_it(delivered: Project, monkeypatch: pytest.MonkeyPatch):
    def fail(*args: object) -> None:
        try:
            raise ModuleNotFoundError("No module named 'x'")
        except ModuleNotFoundError as error:
            raise EmbeddingError("embedder 'y' needs: pip install 'faultmap-assets[local]'") from error

    monkeypatch.setattr("faultmap_assets.kit.checks.unique_ids", fail)
    reasons = {failure.reason for failure in delivered.audit().failed}
    assert reasons == {"embedder 'y' needs: pip install 'faultmap-assets[local]'"}


def test_there_is_one_job_for_each_kind_of_partition():
    assert set(JOBS) == set(Scope)
    for job in JOBS.values():
        assert defs.resolve_job_def(job.name)
