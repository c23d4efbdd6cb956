"""The whole graph, in-process: two datasets × two models through Dagster into DuckDB and back."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest

from faultmap_assets.automation.sensors import ASSETS_TAG
from faultmap_assets.cli.runner import RefreshOutcome
from faultmap_assets.definitions import defs
from faultmap_assets.defs.evals import queries
from faultmap_assets.graph.declarations import ASSET_GRAPH
from faultmap_assets.graph.partitions import dagster_key
from faultmap_assets.graph.scopes import Partition, Scope
from faultmap_assets.graph.staleness import stale_partitions
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.materializations import read_state
from tests.conftest import WEAKNESS, Project, eval_rows, make_project, write_csv

PAIRS = [(dataset, model) for dataset in ("kitchen", "school") for model in ("alpha", "beta")]


@pytest.fixture(autouse=True)
def _home(audited: tuple[Project, RefreshOutcome], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FAULTMAP_HOME", str(audited[0].settings.home))


def count(project: Project, table: str) -> int:
    return project.warehouse.query(f"SELECT count(*) AS n FROM {table}").to_pylist()[0]["n"]


def test_everything_is_made_once_and_nothing_fails(audited):
    _, outcome = audited
    assert outcome.failed == ()
    assert outcome.left == ()
    # Two datasets, two models, no production logs.
    partitions = {Scope.DATASET_MODEL: 4, Scope.DATASET: 2, Scope.DAY: 0, Scope.NONE: 1}
    assert len(outcome.made) == len(set(outcome.made)) == sum(partitions[node.scope] for node in ASSET_GRAPH)


def test_rows_are_accounted_for_in_every_table(audited):
    project, _ = audited
    assert count(project, "staging_rows") == count(project, "raw_evals") == count(project, "scores") == 240
    assert count(project, "prompt_embeddings") == count(project, "prompt_clusters") == 120
    assert count(project, "embedding_vectors") == 120
    assert count(project, "example_prompts") == 240
    failed = project.warehouse.query(
        "SELECT dataset, model, count(*) AS n FROM scores WHERE failed GROUP BY ALL ORDER BY ALL"
    ).to_pylist()
    # 18 of the weak topic, one of each other.
    assert [(row["dataset"], row["model"], row["n"]) for row in failed] == [(*pair, 20) for pair in PAIRS]


@pytest.mark.parametrize(("dataset", "model"), PAIRS)
def test_each_models_weakness_is_its_worst_slice(audited, dataset: str, model: str):
    project, _ = audited
    worst = queries.failure_slices(project.warehouse, [dataset], [model])[0]
    members = queries.slice_members(project.warehouse, Partition(dataset, model))[worst["slice_id"]]
    of_weak_topic = [member for member in members if member.startswith(WEAKNESS[model])]
    assert len(of_weak_topic) >= 0.9 * len(members)
    assert len(of_weak_topic) >= 15
    assert worst["size"] == len(members)
    assert worst["failure_rate"] == pytest.approx(worst["failures"] / worst["size"])
    # The baseline is the rest: 20 failures among 60 in all.
    assert worst["baseline_rate"] == pytest.approx((20 - worst["failures"]) / (60 - worst["size"]))
    assert worst["risk_difference"] == pytest.approx(worst["failure_rate"] - worst["baseline_rate"])
    assert worst["risk_difference_low"] < worst["risk_difference"] < worst["risk_difference_high"]
    assert worst["adjusted_p_value"] < 0.05
    assert (worst["name"], worst["named_by"]) == (f"category = {WEAKNESS[model]}", "metadata")
    assert worst["examples"][0]["failed"]


def test_which_model_wins_where(audited):
    project, _ = audited
    pairs = queries.comparisons(project.warehouse)
    assert [(pair["dataset"], pair["model_a"], pair["model_b"]) for pair in pairs] == [
        ("kitchen", "alpha", "beta"),
        ("school", "alpha", "beta"),
    ]
    for pair in pairs:
        # Each fails on 20 of 60, 18 of them in its weak topic: as many wins on either side, nobody wins over all.
        assert pair["compared"] == 60
        assert (pair["failure_rate_a"], pair["failure_rate_b"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
        assert pair["discordant_a_wins"] == pair["discordant_b_wins"]
        assert pair["winner"] not in ("alpha", "beta")
        winners = {one["winner"] for one in pair["slices"]}
        assert winners <= {"alpha", "beta", "unresolved"}
        assert winners & {"alpha", "beta"}


def test_dagster_knows_every_materialisation_with_its_data_version(audited):
    project, _ = audited
    with project.warehouse.read() as connection:
        state = read_state(connection)
    for node in ASSET_GRAPH:
        for partition in state.partitions(node.scope):
            key = dg.MultiPartitionKey(partition.columns) if partition.model else partition.key or None
            found = project.instance.fetch_materializations(
                dg.AssetRecordsFilter(dg.AssetKey(node.name), asset_partitions=[str(key)] if key else None), limit=5
            ).records
            assert len(found) == 1, node.name
            tags = found[0].event_log_entry.dagster_event.event_specific_data.materialization.tags
            assert tags["dagster/data_version"] == state.materialized[node.name, partition].data_version


def test_every_check_is_recorded_once_for_every_partition_and_none_stays_planned(audited):
    project, _ = audited
    with project.warehouse.read() as connection:
        state = read_state(connection)
    seen = set()
    for node in ASSET_GRAPH:
        if node.scope is Scope.DAY:
            continue
        verdicts = {str(dagster_key(one)) if one.key else None: "SUCCEEDED" for one in state.partitions(node.scope)}
        for check in defs.resolve_asset_graph().get_check_keys_for_assets({dg.AssetKey(node.name)}):
            history = project.instance.event_log_storage.get_asset_check_execution_history(check, limit=50)
            assert {record.partition: record.status.value for record in history} == verdicts, check
            assert len(history) == len(verdicts)
            seen.add(check.name)
    assert seen >= {"unique_ids", "quarantine_share", "complete_scores", "scored_share", "all_pairs"}


def test_lineage_in_dagster_is_the_lineage_of_staleness():
    graph = defs.resolve_asset_graph()
    for node in ASSET_GRAPH:
        parents = {key.to_user_string() for key in graph.get(dg.AssetKey(node.name)).parent_keys}
        assert parents == set(node.upstream)
        assert graph.get(dg.AssetKey(node.name)).code_version == node.code_version


def test_every_asset_is_described_grouped_and_has_its_own_table(audited):
    project, _ = audited
    for asset in defs.resolve_asset_graph().asset_nodes:
        assert asset.description
        assert asset.group_name != "default"
        assert asset.kinds
        assert asset.group_name == "production" or count(project, asset.key.to_user_string()) > 0


def test_metadata_has_counts_durations_and_pictures(audited):
    project, _ = audited
    pictures = {"scores": "histogram", "prompt_clusters": "map", "failure_slices": "map"}
    for name in (node.name for node in ASSET_GRAPH if node.scope is not Scope.DAY):
        metadata = project.instance.get_latest_materialization_event(dg.AssetKey(name)).asset_materialization.metadata
        assert metadata["dagster/row_count"].value > 0
        assert metadata["seconds"].value >= 0
        if name in pictures:
            assert metadata[pictures[name]].value.startswith("![](data:image/png;base64,")
    table = project.instance.get_latest_materialization_event(dg.AssetKey("failure_slices")).asset_materialization
    assert table.metadata["slices"].value.startswith("| slice |")


def test_report_and_its_twin_tell_the_same(audited):
    project, _ = audited
    content = json.loads((project.settings.report_folder / "audit_report.json").read_text())
    page = (project.settings.report_folder / "audit_report.html").read_text()
    assert [(audit["dataset"], audit["model"], audit["failures"]) for audit in content["audits"]] == [
        (*pair, 20) for pair in PAIRS
    ]
    for audit in content["audits"]:
        for found in audit["slices"]:
            assert found["slice_id"] in page


def test_a_second_audit_makes_nothing(audited):
    project, _ = audited
    project.ingest()
    runs = project.instance.get_runs_count()
    assert project.audit().made == ()
    assert project.instance.get_runs_count() == runs


@pytest.mark.slow
def test_same_data_same_seed_same_bytes(audited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first, _ = audited
    again = make_project(tmp_path)
    monkeypatch.setenv("FAULTMAP_HOME", str(again.settings.home))
    for dataset in ("kitchen", "school"):
        write_csv(again.evals / f"{dataset}.csv", list(reversed(eval_rows(dataset))))
    again.ingest()
    again.audit()
    pages = [(project.settings.report_folder / "audit_report.html").read_bytes() for project in (first, again)]
    assert pages[0] == pages[1]
    versions = []
    for project in (first, again):
        with project.warehouse.read() as connection:
            versions.append({key: made.data_version for key, made in read_state(connection).materialized.items()})
    assert versions[0] == versions[1]


@pytest.mark.slow
def test_new_results_of_one_model_make_only_what_depends_on_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = make_project(tmp_path)
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    for dataset in ("kitchen", "school"):
        write_csv(project.evals / f"{dataset}.csv", eval_rows(dataset))
    project.ingest()
    project.audit()
    # Another answer, another score, for one example of one model.
    changed = eval_rows("school", ["beta"])[:1]
    changed[0] |= {"output_text": "something else", "score": 1.0 - float(changed[0]["score"])}
    write_csv(project.evals / "update.csv", [{**row, "dataset": "school"} for row in changed])
    project.ingest()
    made = [(asset, partition.key) for asset, partition in project.audit().made]
    assert len(made) == len(set(made))
    # The prompts are the same: embeddings are looked at, and clusters stay.
    assert set(made) == {
        ("raw_evals", "school|beta"),
        ("scores", "school|beta"),
        ("prompt_embeddings", "school"),
        ("failure_slices", "school|beta"),
        ("model_comparisons", "school"),
        ("error_judgments", "school|beta"),
        ("dataset_quality", "school"),
        ("error_taxonomy", ""),
        ("error_signatures", ""),
        ("finding_history", ""),
        ("audit_report", ""),
    }
    for above, below in (("raw_evals", "scores"), ("scores", "failure_slices"), ("error_taxonomy", "error_signatures")):
        assets = [asset for asset, _ in made]
        assert assets.index(above) < assets.index(below)
    assert made[-1] == ("audit_report", "")


def test_a_failed_blocking_check_stops_what_is_below_and_names_itself(project: Project, monkeypatch):
    rows = eval_rows("school", ["alpha"])
    bad = [{**row, "example_id": f"bad-{number}", "score": "three"} for number, row in enumerate(rows)]
    more = [{**row, "example_id": f"worse-{number}", "score": "four"} for number, row in enumerate(rows)]
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    write_csv(project.evals / "school.csv", rows + bad + more)
    project.ingest()
    outcome = project.audit()
    assert outcome.made == ()
    assert "quarantine_share of raw_evals failed: 120 of 180 rows" in outcome.failed[0].reason
    assert project.audit().made == ()
    assert count(project, "raw_evals") == 60
    assert count(project, "scores") == 0


def test_a_changed_threshold_is_a_changed_verdict_without_new_embeddings(audited):
    project, _ = audited
    stricter = Settings.model_validate(
        {**project.settings.model_dump(), "datasets": {"school": {"success_threshold": 0.0}}}
    )
    with project.warehouse.read() as connection:
        stale = stale_partitions(read_state(connection), stricter)
    assert {(item.asset, item.partition.key) for item in stale} == {
        ("scores", "school|alpha"),
        ("scores", "school|beta"),
    }


def test_runs_tell_what_they_make(audited):
    project, _ = audited
    making = [run.tags[ASSETS_TAG].split(",") for run in project.instance.get_runs()]
    assert {asset for assets in making for asset in assets} == {
        node.name for node in ASSET_GRAPH if node.scope is not Scope.DAY
    }
    # What one run can make in a row, it makes.
    assert any({"raw_evals", "scores"} <= set(assets) for assets in making)
    assert any({"prompt_embeddings", "prompt_clusters", "model_comparisons"} <= set(assets) for assets in making)
