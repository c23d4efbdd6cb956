"""Staleness is a pure comparison: what is requested, in which order, for which change."""

from __future__ import annotations

import pytest

from faultmap_assets.graph.declarations import ASSET_GRAPH, NODES
from faultmap_assets.graph.scopes import Partition, Scope
from faultmap_assets.graph.staleness import (
    AssetPartition,
    Inputs,
    Materialization,
    WarehouseState,
    plan_runs,
    stale_partitions,
)
from faultmap_assets.settings import Settings

DATASETS, MODELS = ("d1", "d2", "d3"), ("m1", "m2", "m3")
SOURCES = {Partition(dataset, model): f"{dataset}{model}" for dataset in DATASETS for model in MODELS}


def make(state: WarehouseState, settings: Settings, *items: AssetPartition, versions: dict[str, str] | None = None):
    """Return the state after making `items` in order; data versions are the inputs' unless `versions` names them."""
    materialized = dict(state.materialized)
    for asset, partition in items:
        inputs = WarehouseState(state.sources, materialized).inputs(NODES[asset], partition, settings)
        version = (versions or {}).get(asset, inputs.digest)
        materialized[asset, partition] = Materialization(version, inputs)
    return WarehouseState(state.sources, materialized)


def settled(settings: Settings, sources: dict[Partition, str] = SOURCES) -> WarehouseState:
    state = WarehouseState(sources)
    return make(state, settings, *[(n.name, p) for n in ASSET_GRAPH for p in state.partitions(n.scope)])


def follow(state: WarehouseState, settings: Settings, versions: dict[str, str] | None = None) -> list[str]:
    """Make what is planned until nothing is; return every run in order as `assets key`."""
    runs = []
    for _ in range(50):
        planned = plan_runs(stale_partitions(state, settings))
        if not planned:
            assert stale_partitions(state, settings) == []
            return runs
        for run in planned:
            runs.append(f"{'+'.join(run.assets)} {run.partition.key}".strip())
            state = make(state, settings, *[(asset, run.partition) for asset in run.assets], versions=versions)
    raise AssertionError("requests never end")


def test_a_settled_warehouse_has_nothing_to_do():
    assert stale_partitions(settled(Settings()), Settings()) == []


def test_an_empty_warehouse_is_made_in_order_without_a_partition_twice():
    runs = follow(WarehouseState({Partition("d1", "m1"): "a", Partition("d1", "m2"): "b"}), Settings())
    assert runs == [
        "raw_evals+scores+error_judgments d1|m1",
        "raw_evals+scores+error_judgments d1|m2",
        "prompt_embeddings+prompt_clusters+model_comparisons+dataset_quality d1",
        "error_taxonomy",
        "failure_slices d1|m1",
        "failure_slices d1|m2",
        "error_signatures+finding_history+audit_report",
    ]


def test_one_models_new_results_on_known_prompts_touch_only_what_depends_on_them():
    settings = Settings()
    before = settled(settings)
    state = WarehouseState({**SOURCES, Partition("d2", "m3"): "new"}, before.materialized)
    # The prompts did not change, so the embeddings' data version does not either: the wave stops there.
    unchanged = {"prompt_embeddings": before.materialized["prompt_embeddings", Partition("d2")].data_version}
    assert follow(state, settings, unchanged) == [
        "raw_evals d2|m3",
        "scores+error_judgments d2|m3",
        "prompt_embeddings d2",
        "failure_slices d2|m3",
        "model_comparisons+dataset_quality d2",
        "error_taxonomy",
        "error_signatures+finding_history+audit_report",
    ]


def test_a_changed_threshold_makes_scores_and_what_follows_and_no_embedding():
    before = settled(Settings())
    changed = Settings.model_validate({"datasets": {"d1": {"success_threshold": 0.7}}})
    assert follow(before, changed) == [
        *[f"scores d1|{model}" for model in MODELS],
        *[f"failure_slices+error_judgments d1|{model}" for model in MODELS],
        "model_comparisons d1",
        "dataset_quality d1",
        "error_taxonomy+error_signatures+finding_history",
        "audit_report",
    ]


def test_a_new_embedder_makes_embeddings_and_what_follows_and_no_scores():
    runs = follow(settled(Settings()), Settings.model_validate({"embedding": {"model": "all-MiniLM-L6-v2"}}))
    assert runs == [
        *[f"prompt_embeddings {dataset}" for dataset in DATASETS],
        *[f"prompt_clusters {dataset}" for dataset in DATASETS],
        *[f"failure_slices {dataset}|{model}" for dataset in DATASETS for model in MODELS],
        *[f"model_comparisons {dataset}" for dataset in DATASETS],
        "error_signatures+finding_history+audit_report",
    ]


def test_a_day_of_logs_is_made_once_and_waits_for_the_tests_that_it_is_held_against():
    settings = Settings()
    sources = {Partition("d1", "m1"): "a", Partition(day="2026-11-01"): "b", Partition(day="2026-11-02"): "c"}
    assert follow(WarehouseState(sources), settings) == [
        "raw_evals+scores+error_judgments d1|m1",
        "production_logs+production_slices+topic_drift 2026-11-01",
        "production_logs 2026-11-02",
        "prompt_embeddings+prompt_clusters+model_comparisons+dataset_quality d1",
        # Its window holds the first day, too.
        "production_slices+topic_drift 2026-11-02",
        "error_taxonomy",
        "failure_slices d1|m1",
        "coverage_gaps 2026-11-01",
        "coverage_gaps 2026-11-02",
        "error_signatures+finding_history+audit_report",
    ]
    late = WarehouseState({**sources, Partition(day="2026-11-02"): "later"}, settled(settings, sources).materialized)
    assert follow(late, settings) == [
        "production_logs 2026-11-02",
        "coverage_gaps+production_slices+topic_drift 2026-11-02",
        "finding_history+audit_report",
    ]


def test_a_changed_code_version_is_a_reason():
    settings = Settings()
    state = settled(settings)
    key = ("scores", Partition("d1", "m1"))
    record = state.materialized[key]
    old = Inputs("0", record.inputs.settings, record.inputs.upstream)
    state = WarehouseState(SOURCES, {**state.materialized, key: Materialization(record.data_version, old)})
    (item,) = stale_partitions(state, settings)
    assert (item.asset, item.reason) == ("scores", f"its code changed (version 0 to {record.inputs.code_version})")
    assert old.digest != record.inputs.digest


def test_where_branches_join_nothing_is_made_before_both_are_settled():
    settings = Settings.model_validate({"datasets": {"d1": {"success_threshold": 0.7}}})
    state = settled(Settings())
    # Scores (by the threshold) and clusters (dropped) change at once: slices wait for both.
    dropped = {key: made for key, made in state.materialized.items() if key != ("prompt_clusters", Partition("d1"))}
    state = WarehouseState(SOURCES, dropped)
    first = [f"{'+'.join(run.assets)} {run.partition.key}" for run in plan_runs(stale_partitions(state, settings))]
    assert first == [*[f"scores d1|{model}" for model in MODELS], "prompt_clusters d1"]


def test_what_is_in_progress_is_neither_requested_again_nor_passed_by():
    settings = Settings()
    state = WarehouseState({Partition("d1", "m1"): "a"})
    making = {("raw_evals", Partition("d1", "m1")), ("scores", Partition("d1", "m1"))}
    assert plan_runs(stale_partitions(state, settings, making), making) == []


def test_a_failed_blocking_check_holds_back_everything_below():
    settings = Settings()
    source = {Partition("d1", "m1"): "a"}
    state = make(WarehouseState(source), settings, ("raw_evals", Partition("d1", "m1")))
    record = state.materialized["raw_evals", Partition("d1", "m1")]
    blocked = Materialization(record.data_version, record.inputs, blocked_by="quarantine_share")
    state = WarehouseState(source, {("raw_evals", Partition("d1", "m1")): blocked})
    stale = stale_partitions(state, settings)
    assert plan_runs(stale) == []
    assert {item.asset for item in stale if item.waits_for} == {
        "scores",
        "prompt_embeddings",
        "prompt_clusters",
        "failure_slices",
        "model_comparisons",
        "error_judgments",
        "dataset_quality",
        "error_taxonomy",
        "error_signatures",
        "finding_history",
        "audit_report",
    }


def test_a_blocked_partition_holds_back_its_own_chain_and_no_other():
    settings = Settings()
    sources = {Partition("d1", "m1"): "a", Partition("d1", "m2"): "b"}
    state = make(WarehouseState(sources), settings, ("raw_evals", Partition("d1", "m1")))
    record = state.materialized["raw_evals", Partition("d1", "m1")]
    blocked = Materialization(record.data_version, record.inputs, blocked_by="quarantine_share")
    state = WarehouseState(sources, {("raw_evals", Partition("d1", "m1")): blocked})
    runs = []
    while planned := plan_runs(stale_partitions(state, settings)):
        for run in planned:
            runs.append(f"{'+'.join(run.assets)} {run.partition.key}".strip())
            state = make(state, settings, *[(asset, run.partition) for asset in run.assets])
    assert runs == [
        "raw_evals+scores+error_judgments d1|m2",
        "prompt_embeddings+prompt_clusters+model_comparisons+dataset_quality d1",
        "error_taxonomy",
        "failure_slices d1|m2",
        "error_signatures+finding_history+audit_report",
    ]
    left = [(item.asset, item.partition.key) for item in stale_partitions(state, settings)]
    assert left == [("scores", "d1|m1"), ("failure_slices", "d1|m1"), ("error_judgments", "d1|m1")]


def test_what_a_model_did_not_answer_makes_stale_and_holds_nothing_back():
    settings = Settings()
    state = settled(settings)
    key = ("error_judgments", Partition("d1", "m1"))
    record = state.materialized[key]
    waiting = Materialization(record.data_version, record.inputs, pending=12)
    stale = stale_partitions(WarehouseState(SOURCES, {**state.materialized, key: waiting}), settings)
    assert [(item.asset, item.partition.key, item.reason, item.pending_only) for item in stale] == [
        ("error_judgments", "d1|m1", "12 rows wait for the language model", True)
    ]


def test_a_model_and_its_prompts_are_a_reason_where_they_are_asked():
    before = settled(Settings())
    named = Settings.model_validate({"language_model": {"model": "openai/gpt-4o-mini"}})
    assert {item.asset for item in stale_partitions(before, named) if not item.waits_for} == {
        "failure_slices",
        "model_comparisons",
        "error_judgments",
    }
    richer = Settings.model_validate({"language_model": {"model": "openai/gpt-4o-mini", "budget": {"cost_usd": 9}}})
    assert stale_partitions(settled(named), richer) == []


def test_a_raised_limit_makes_a_blocked_partition_anew():
    state = settled(Settings())
    lenient = Settings.model_validate({"evals": {"max_quarantine_share": 0.9}})
    assert {item.asset for item in stale_partitions(state, lenient)} == {"raw_evals"}


def test_what_was_set_aside_is_a_reason_to_write_the_report_anew():
    state = settled(Settings())
    more = WarehouseState(state.sources, state.materialized, quarantine="more rows")
    assert [(item.asset, item.reason) for item in stale_partitions(more, Settings())] == [
        ("finding_history", "quarantine changed"),
        ("audit_report", "quarantine changed"),
    ]


def test_a_vanished_source_changes_what_fans_in():
    settings = Settings()
    before = settled(settings)
    left = {partition: digest for partition, digest in SOURCES.items() if partition != Partition("d3", "m3")}
    stale = [
        (item.asset, item.partition.key)
        for item in stale_partitions(WarehouseState(left, before.materialized), settings)
    ]
    assert stale == [
        ("prompt_embeddings", "d3"),
        ("model_comparisons", "d3"),
        ("dataset_quality", "d3"),
        ("error_taxonomy", ""),
        ("error_signatures", ""),
        ("finding_history", ""),
        ("audit_report", ""),
    ]


@pytest.mark.parametrize("scope", list(Scope))
def test_every_asset_stands_after_what_it_reads(scope: Scope):
    names = [node.name for node in ASSET_GRAPH]
    for node in ASSET_GRAPH:
        if node.scope is scope:
            assert all(names.index(above) < names.index(node.name) for above in node.upstream)


def test_inputs_survive_being_recorded():
    inputs = Inputs("3", "abc", {"scores": "x", "prompt_clusters": "ü"})
    assert Inputs.from_json(inputs.to_json()) == inputs


def test_what_was_asked_for_again_is_stale_although_nothing_changed():
    settings = Settings()
    state = settled(settings)
    key = ("scores", Partition("d1", "m1"))
    record = state.materialized[key]
    again = Materialization(record.data_version, record.inputs, again=True)
    (item,) = stale_partitions(WarehouseState(SOURCES, {**state.materialized, key: again}), settings)
    assert (item.asset, item.partition, item.reason) == (*key, "asked for again")


def test_the_same_inputs_in_the_place_of_another_result_are_another_run():
    # From A to B and back to A: the third run has the inputs of the first, and must not be taken for it.
    settings = Settings()
    state = settled(settings)
    key = ("scores", Partition("d1", "m1"))
    inputs = state.materialized[key].inputs
    changed = Inputs(inputs.code_version, "other", inputs.upstream)
    digests = set()
    for run_id in ("first", "second"):
        record = Materialization("v", changed, run_id=run_id)
        found = stale_partitions(WarehouseState(SOURCES, {**state.materialized, key: record}), settings)
        digests |= {run.digest for run in plan_runs(found) if "scores" in run.assets}
    assert len(digests) == 2
