"""The real deployment: `faultmap ui`, a file dropped into the watched folder, and nobody who asks for anything.

Live: `make test-live`. The page is opened where Chromium and Playwright are there; a helper process that is killed is
one that this test's deployment started.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from faultmap_assets.graph.staleness import stale_partitions
from faultmap_assets.kit.instance import LANGUAGE_MODEL_POOL, WRITER_POOL, open_instance
from faultmap_assets.warehouse.materializations import read_state
from tests.conftest import eval_rows, write_csv
from tests.llm_server import LlmServer, serving
from tests.reliability_live import ENDED, WORKING, Deployment, Run, deployed, free_port, running
from tests.reliability_project import ENVIRONMENT, ReliabilityProject, steady_judge
from tests.scripted import asked_for

pytestmark = pytest.mark.live

WATCHED = {
    "watch": {"interval_seconds": 5, "settle_seconds": 1},
    "automation": {"interval_seconds": 5},
}


@pytest.fixture(scope="module")
def server() -> Iterator[LlmServer]:
    with serving(LlmServer(steady_judge)) as running:
        yield running


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: LlmServer) -> ReliabilityProject:
    made = ReliabilityProject(tmp_path_factory.mktemp("live") / "project", server, **WATCHED)
    made.make(models=(), logs=False)
    made.evals.mkdir()
    return made


@pytest.fixture(scope="module")
def deployment(project: ReliabilityProject) -> Iterator[Deployment]:
    with deployed(project.folder, ENVIRONMENT) as running:
        yield running


def calm(deployment: Deployment, project: ReliabilityProject, files: int) -> bool:
    """Say whether all files were read, nothing is stale and no run is under way."""
    if any(run.status not in ENDED for run in deployment.runs()):
        return False
    with project.warehouse.read() as connection:
        read = connection.execute("SELECT count(*) FROM source_files").fetchone()
        state = read_state(connection)
    return read == (files,) and not stale_partitions(state, project.settings)


def deliver(project: ReliabilityProject, dataset: str, *models: str) -> int:
    """Drop a file for each model, whole at once; return how many files there are."""
    for model in models:
        rows = [{**row, "dataset": dataset} for row in eval_rows(dataset, [model])]
        hidden = write_csv(project.folder / "elsewhere.csv", rows)
        hidden.replace(project.evals / f"{dataset}-{model}.csv")
    return len(list(project.evals.iterdir()))


def rows_of(project: ReliabilityProject, sql: str) -> list[tuple[object, ...]]:
    with project.warehouse.read() as connection:
        return connection.execute(sql).fetchall()


def test_a_dropped_file_is_audited_and_a_second_models_file_remakes_only_what_depends_on_it(
    deployment: Deployment, project: ReliabilityProject, server: LlmServer, tmp_path: Path
) -> None:
    deployment.wait_for("calm before", lambda: calm(deployment, project, len(list(project.evals.iterdir()))))
    started = time.monotonic()
    files = deliver(project, "school", "alpha")
    deployment.wait_for("the first file", lambda: calm(deployment, project, files))
    first = time.monotonic() - started
    # 20 of 60 fail, 18 of them arithmetic (see conftest.eval_rows).
    assert rows_of(
        project, "SELECT count(*), count(*) FILTER (failed) FROM scores WHERE (dataset, model) = ('school', 'alpha')"
    ) == [(60, 20)]
    assert rows_of(project, "SELECT size, failures, named_by FROM failure_slices WHERE dataset = 'school'") == [
        (20, 18, "openai/test")
    ]
    assert rows_of(project, "SELECT count(*) FROM error_judgments WHERE dataset = 'school'") == [(20,)]
    assert (project.settings.report_folder / "audit_report.html").is_file()
    before = Counter(deployment.materializations())
    runs_before = {run.run_id for run in deployment.runs()}

    started = time.monotonic()
    files = deliver(project, "school", "beta")
    deployment.wait_for("the second file", lambda: calm(deployment, project, files))
    second = time.monotonic() - started
    made = Counter(deployment.materializations()) - before
    assert dict(made) == dict.fromkeys(expected_of_a_second_model(), 1)
    new_runs = [run for run in deployment.runs() if run.run_id not in runs_before]
    assert {run.status for run in new_runs} == {"SUCCESS"}
    assert rows_of(
        project, "SELECT model, count(*) FROM scores WHERE dataset = 'school' GROUP BY ALL ORDER BY ALL"
    ) == [
        ("alpha", 60),
        ("beta", 60),
    ]
    assert rows_of(project, "SELECT count(*) FROM model_comparisons WHERE dataset = 'school'") == [(1,)]
    told = f"first file {first:.0f} s, second file {second:.0f} s, {len(new_runs)} runs for {len(made)} partitions"
    (tmp_path / "times.txt").write_text(told)
    look_at_the_page(deployment, tmp_path / "failure_slices.png")


def expected_of_a_second_model() -> set[tuple[str, str]]:
    """What the second model's file makes, each once: its own, what compares models, and what tells of everything.

    The other model's scores, judgments and slices stay, and so do the clusters: the prompts are the same.
    """
    own = {(asset, "school|beta") for asset in ("raw_evals", "scores", "error_judgments", "failure_slices")}
    of_the_dataset = {(asset, "school") for asset in ("prompt_embeddings", "model_comparisons", "dataset_quality")}
    of_all = {(asset, "") for asset in ("error_taxonomy", "error_signatures", "finding_history", "audit_report")}
    return own | of_the_dataset | of_all


def look_at_the_page(deployment: Deployment, picture: Path) -> None:
    """Open the asset's page in Chromium; what it shows is asserted, and kept as a picture to be looked at."""
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        return
    if chromium is None:
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{deployment.address}/assets/failure_slices?view=overview", timeout=120_000)
        page.get_by_text("Regions of a dataset's prompts").first.wait_for(timeout=120_000)
        page.get_by_text("school|beta").first.wait_for(timeout=120_000)
        page.wait_for_timeout(3_000)
        page.screenshot(path=str(picture))
        text = page.inner_text("body")
        browser.close()
    assert problems == []
    # The newest materialisation, with what it tells.
    for part in ("failure_slices", "school|beta", "excess", "cooking", "staleness_sensor"):
        assert part in text, text


def test_a_run_killed_while_it_judges_is_made_again_and_its_pools_let_one_run_in_at_a_time(
    deployment: Deployment, project: ReliabilityProject, server: LlmServer
) -> None:
    deployment.wait_for("calm before", lambda: calm(deployment, project, len(list(project.evals.iterdir()))))
    server.reset()
    server.hold()
    deliver(project, "kitchen", "alpha", "beta")

    def of_kitchen(status: frozenset[str] | None = None) -> list[Run]:
        runs = [run for run in deployment.runs() if run.partition.startswith("kitchen|") and "raw_evals" in run.assets]
        return [run for run in runs if status is None or run.status in status]

    deployment.wait_for("two runs, one of them judging", lambda: len(of_kitchen()) == 2 and server.count > 0)
    # Two runs may be in progress, and this one does nothing but wait: only its pools keep the other one out.
    for _ in range(12):
        assert [run.status for run in of_kitchen(frozenset({"QUEUED"}))] == ["QUEUED"]
        assert len(of_kitchen(WORKING)) == 1
        time.sleep(1)
    (judging,) = of_kitchen(WORKING)
    assert judging.process is not None
    asked = server.count
    os.kill(judging.process, signal.SIGKILL)
    deployment.wait_for("the killed run is noticed", lambda: of_kitchen(frozenset({"FAILURE"})), every=0.2)
    server.release()
    deployment.wait_for(
        "both are judged",
        lambda: rows_of(project, "SELECT count(*) FROM error_judgments WHERE dataset = 'kitchen'") == [(40,)],
    )
    assert [run.run_id for run in of_kitchen(frozenset({"FAILURE"}))] == [judging.run_id]
    made = Counter(deployment.materializations())
    for asset in ("raw_evals", "scores", "error_judgments"):
        for model in ("alpha", "beta"):
            assert made[asset, f"kitchen|{model}"] == 1, (asset, model)
    judgments = [body for body in server.requests if asked_for(body) == "judgment"]
    assert len(judgments) <= 40 + asked
    with open_instance(project.settings) as instance:
        storage = instance.event_log_storage
        assert storage.get_concurrency_run_ids() == set()
        assert {WRITER_POOL, LANGUAGE_MODEL_POOL} <= storage.get_concurrency_keys()


def test_the_services_of_the_compose_file_work_together(tmp_path: Path) -> None:
    """Without containers: the commands as they stand there, but for addresses; then a run that the daemon makes."""
    source = ReliabilityProject(tmp_path / "project", **WATCHED)
    source.make(models=("alpha",), logs=False)
    folder = Path(__file__).parents[1] / "deploy"
    services = yaml.safe_load((folder / "compose.yaml").read_text("utf-8"))["services"]
    assert set(services) == {"code", "daemon", "webserver"}
    ports = {"4000": str(free_port()), "3000": str(free_port())}
    workspace = tmp_path / "workspace.yaml"
    content = (folder / "workspace.yaml").read_text("utf-8")
    workspace.write_text(content.replace("host: code", "host: 127.0.0.1").replace("4000", ports["4000"]))
    replaced = {**ports, "0.0.0.0": "127.0.0.1", "/opt/faultmap/workspace.yaml": str(workspace)}
    programs = Path(sys.executable).parent

    def here(command: list[str]) -> list[str]:
        return [str(programs / command[0]), *(replaced.get(part, part) for part in command[1:])]

    health = services["code"]["healthcheck"]["test"]
    assert health[0] == "CMD"
    for name in ("daemon", "webserver"):
        assert services[name]["depends_on"] == {"code": {"condition": "service_healthy"}}
    prepare = (folder / "entrypoint.sh").read_text("utf-8").partition("python -c '")[2].partition("'")[0]
    state = {"FAULTMAP_HOME": str(source.settings.home), "DAGSTER_HOME": str(source.settings.home / "dagster")}
    environment = {**state, "PYTHONWARNINGS": "ignore", "DAGSTER_DISABLE_TELEMETRY": "1"}
    subprocess.run([sys.executable, "-c", prepare], cwd=source.folder, env={**os.environ, **environment}, check=True)
    commands = [here(services[name]["command"]) for name in ("code", "daemon", "webserver")]
    with running(commands, source.folder, environment, int(ports["3000"]), here(health[1:])) as deployment:
        deployment.wait_for("scores", lambda: ("scores", "school|alpha") in deployment.materializations())
    assert rows_of(source, "SELECT count(*) FROM scores") == [(60,)]
