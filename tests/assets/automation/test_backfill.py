"""A part of everything, made again from the command line: `faultmap audit --since --dataset --model --force`."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from faultmap_assets.automation.backfill import backfill
from faultmap_assets.automation.selection import Selection
from faultmap_assets.automation.sensors import ASSETS_TAG
from faultmap_assets.cli import app
from faultmap_assets.cli.runner import refresh_stale
from faultmap_assets.definitions import defs
from faultmap_assets.graph.declarations import ASSET_GRAPH
from faultmap_assets.graph.scopes import Partition, Scope
from faultmap_assets.ingestion.staging import ingest_file
from faultmap_assets.settings import load_settings
from tests.assets.automation.test_sensor import tick
from tests.conftest import DISHES, Project, eval_rows, make_project, write_csv

WHOLE = {node.name for node in ASSET_GRAPH if node.scope is Scope.NONE}
BY_DAY = {node.name for node in ASSET_GRAPH if node.scope is Scope.DAY}
BY_MODEL = {node.name for node in ASSET_GRAPH if node.scope is Scope.DATASET_MODEL}
BY_DATASET = {node.name for node in ASSET_GRAPH if node.scope is Scope.DATASET}
DAYS = ("2025-11-03", "2025-11-04", "2025-11-05")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder with two datasets, two models and three days of logs, audited."""
    folder = tmp_path_factory.mktemp("backfill")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        project = make_project(folder)
        patch.setenv("FAULTMAP_HOME", str(project.settings.home))
        for dataset in ("school", "kitchen"):
            write_csv(project.evals / f"{dataset}.csv", eval_rows(dataset))
        project.ingest()
        logs = folder / "logs.jsonl"
        rows = [
            {"id": f"{day}-{dish}", "timestamp": f"{day}T10:00:00Z", "prompt": f"Why {dish}?", "response": "Because."}
            for day in DAYS
            for dish in DISHES.split()[:6]
        ]
        logs.write_text("".join(json.dumps(row) + "\n" for row in rows))
        ingest_file(project.warehouse, logs, project.settings.log_options())
        with project.instance:
            outcome = project.audit()
        assert outcome.failed == outcome.left == ()
        yield folder


@pytest.fixture
def audited_copy(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A copy of the template of one's own."""
    shutil.copytree(template, tmp_path / "copy", symlinks=True)
    project = make_project(tmp_path / "copy")
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    with project.instance:
        yield project


def audit(*options: str) -> Result:
    return CliRunner().invoke(app, ["audit", *options, "--json"])


def made(result: Result) -> set[tuple[str, str]]:
    assert result.exit_code == 0, result.output
    return {(asset, key) for asset, key in json.loads(result.stdout)["made"]}


@pytest.mark.slow
def test_without_force_nothing_that_is_fresh_is_made(audited_copy: Project):
    assert made(audit("--dataset", "school")) == set()


@pytest.mark.slow
def test_force_makes_one_models_partitions_of_one_dataset_again(audited_copy: Project):
    found = made(audit("--dataset", "school", "--model", "alpha", "--force"))
    of_partitions = {(asset, key) for asset, key in found if key}
    expected = {(asset, "school|alpha") for asset in BY_MODEL} | {(asset, "school") for asset in BY_DATASET}
    assert of_partitions == expected
    # The same results as before: nothing follows of them, and nothing is stale.
    assert {asset for asset, key in found if not key} == set()
    assert made(audit()) == set()


@pytest.mark.slow
def test_since_makes_days_again_and_no_evals(audited_copy: Project):
    found = made(audit("--since", DAYS[1], "--force"))
    assert {(asset, key) for asset, key in found if key} == {(asset, day) for asset in BY_DAY for day in DAYS[1:]}


@pytest.mark.slow
def test_a_dataset_alone_is_made_while_another_is_stale(audited_copy: Project):
    for dataset in ("school", "kitchen"):
        rows = eval_rows(dataset, ["beta"])[:1]
        rows[0] |= {"output_text": "something else"}
        path = write_csv(audited_copy.evals / f"new-{dataset}.csv", [{**row, "dataset": dataset} for row in rows])
        ingest_file(audited_copy.warehouse, path, audited_copy.settings.eval_options())
    found = made(audit("--dataset", "school"))
    assert {key for _, key in found if key} == {"school", "school|beta"}
    # The report is made of what there is, and made anew once the rest is.
    assert ("audit_report", "") in found
    rest = made(audit())
    assert {key for _, key in rest if key} == {"kitchen", "kitchen|beta"}
    assert ("audit_report", "") in rest
    assert made(audit()) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ["--dataset", "scool"],
            "--dataset scool: there is none of that name; there are kitchen, school; did you mean school?",
        ),
        (["--model", "gamma"], "--model gamma: there is none of that name; there are alpha, beta"),
        (["--since", "yesterday"], "--since yesterday: expected a day such as 2026-01-31"),
    ],
)
def test_what_cannot_be_selected_is_told(audited_copy: Project, options: list[str], told: str):
    result = audit(*options)
    assert (result.exit_code, result.stderr.strip()) == (2, f"error: {told}")


@pytest.mark.slow
def test_few_runs_make_many_partitions(audited_copy: Project):
    before = audited_copy.instance.get_runs_count()
    outcome = refresh_stale(
        audited_copy.settings, audited_copy.instance, selection=Selection(since=DAYS[0]), force=True
    )
    days = [item for item in outcome.made if item[1].day]
    # One run for each day, however many assets there are.
    assert len(days) == len(BY_DAY) * len(DAYS)
    assert audited_copy.instance.get_runs_count() - before <= 2 * len(DAYS) + 2


def run_backfill(project: Project, **config: object) -> bool:
    return (
        defs.resolve_job_def(backfill.name)
        .execute_in_process(
            instance=project.instance,
            run_config={"ops": {"mark_to_make_again": {"config": config}}},
            raise_on_error=False,
        )
        .success
    )


@pytest.mark.slow
def test_the_job_of_the_ui_has_the_sensor_request_what_it_marks(audited_copy: Project):
    assert tick(audited_copy) == []
    assert run_backfill(audited_copy, assets=["coverage_gaps", "topic_drift"], since=DAYS[1])
    requested = {(str(request.partition_key), request.tags[ASSETS_TAG]) for request in tick(audited_copy)}
    assert requested == {(day, "coverage_gaps,topic_drift") for day in DAYS[1:]}
    assert not run_backfill(audited_copy, assets=["coverage"])


@pytest.mark.parametrize(
    ("selection", "asset", "partition", "holds", "means"),
    [
        (Selection(), "scores", Partition("d", "m"), True, True),
        (Selection(), "audit_report", Partition(), True, True),
        (Selection(datasets=["d"]), "scores", Partition("d", "m"), True, True),
        (Selection(datasets=["d"]), "scores", Partition("e", "m"), False, False),
        (Selection(datasets=["d"]), "audit_report", Partition(), True, False),
        (Selection(datasets=["d"]), "coverage_gaps", Partition(day="2026-01-02"), True, False),
        (Selection(models=["m"]), "prompt_clusters", Partition("d"), True, False),
        (Selection(since="2026-01-02"), "coverage_gaps", Partition(day="2026-01-02"), True, True),
        (Selection(since="2026-01-02"), "coverage_gaps", Partition(day="2026-01-01"), False, False),
        (Selection(since="2026-01-02"), "scores", Partition("d", "m"), True, False),
        (Selection(assets=["scores"]), "raw_evals", Partition("d", "m"), False, False),
    ],
)
def test_what_a_selection_holds_and_what_it_asks_for(
    selection: Selection, asset: str, partition: Partition, holds: bool, means: bool
):
    assert (selection.holds(asset, partition), selection.means(asset, partition)) == (holds, means)


def test_an_audit_ends_where_the_settings_change_while_it_runs(project: Project, monkeypatch: pytest.MonkeyPatch):
    """Runs read the settings anew; the audit holds what it read at its start, and must not make things for ever."""
    write_csv(project.evals / "school.csv", eval_rows("school", ["alpha"]))
    project.ingest()
    changed = project.evals.parent / "changed.yaml"
    changed.write_text("clusters: {map: pca}\n")
    monkeypatch.setenv("FAULTMAP_SETTINGS", str(changed))
    assets = {"raw_evals", "prompt_embeddings", "prompt_clusters"}
    outcome = refresh_stale(project.settings, project.instance, selection=Selection(assets=assets))
    # Once more when what is above it is known; then from equal inputs.
    assert Counter(asset for asset, _ in outcome.made) == Counter([*assets, "prompt_clusters"])
    assert not outcome.failed
    assert [(item.asset, item.reason) for item in outcome.left] == [("prompt_clusters", "its settings changed")]
    # The next audit reads the file as it is now, and finds everything made.
    settings = project.settings.model_copy(update={"clusters": load_settings(changed).clusters})
    assert not refresh_stale(settings, project.instance, selection=Selection(assets=assets)).made
