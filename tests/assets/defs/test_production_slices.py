"""Feedback in the graph: windows of days, slices in them, and which days late data reaches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from faultmap_assets.definitions import defs
from faultmap_assets.defs.production import queries as production_queries
from faultmap_assets.defs.production.queries import Window
from faultmap_assets.graph.declarations import NODES
from faultmap_assets.graph.partitions import days
from faultmap_assets.graph.scopes import Partition, window_of
from faultmap_assets.graph.staleness import Inputs, Materialization, WarehouseState, plan_runs, stale_partitions
from faultmap_assets.ingestion.staging import ingest_file
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.materializations import read_state
from faultmap_core.embedding.static import StaticEmbedder
from tests.conftest import Project, make_project, topics

DAYS = [f"2026-11-{day:02d}" for day in range(1, 11)]
WEEK = {"production": {"window_days": 3}}


def write_day(folder: Path, day: str, *, bad: str = "cooking", model: str = "bot", feedback: bool = True) -> Path:
    """Write 60 rows, 20 of each topic; 18 of the bad one's and one of each other's are thumbed down."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day}.jsonl"
    rows = []
    for topic, prompts in topics("school").items():
        for number, prompt in enumerate(prompts):
            good = number < 2 if topic == bad else number > 0
            row = {
                "id": f"{topic}-{number}", "timestamp": f"{day}T10:00:00Z", "prompt": f"{prompt} On day {day[-2:]}.",
                "response": "…", "model": model, "session_id": f"{day}-{topic}-{number}",
            }  # fmt: skip
            rows.append(row | ({"feedback": "up" if good else "down"} if feedback else {}))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def deliver(project: Project, *paths: Path) -> None:
    for path in paths:
        ingest_file(project.warehouse, path, project.settings.log_options())


def made(project: Project) -> list[tuple[str, str]]:
    outcome = project.audit()
    assert outcome.failed == outcome.left == ()
    return [(asset, partition.key) for asset, partition in outcome.made]


def state_of(settings: Settings, dates: list[str], blocked: str | None = None) -> WarehouseState:
    """A state in which production_logs of the days are made, one of them blocked perhaps."""
    state = WarehouseState({Partition(day=day): day for day in dates})
    materialized = {}
    for day in dates:
        partition = Partition(day=day)
        inputs = state.inputs(NODES["production_logs"], partition, settings)
        check = "unique_log_ids" if day == blocked else None
        materialized["production_logs", partition] = Materialization(day, inputs, check)
    return WarehouseState(state.sources, materialized)


def test_a_window_is_the_day_and_those_before_it_that_have_logs():
    settings = Settings.model_validate(WEEK)
    state = state_of(settings, ["2026-02-26", "2026-02-28", "2026-03-01", "2026-03-02"])
    read = {
        name: [p.day for _, p in state.upstream(NODES[name], Partition(day="2026-03-01"), settings)]
        for name in ("production_slices", "topic_drift")
    }
    assert read == {
        # February has 28 days: 27, 28, 1 and the three days before; nothing later.
        "production_slices": ["2026-02-28", "2026-03-01"],
        "topic_drift": ["2026-02-26", "2026-02-28", "2026-03-01"],
    }
    assert window_of("2024-03-01", 3) == ["2024-02-28", "2024-02-29", "2024-03-01"]
    one_day = [p.day for _, p in state.upstream(NODES["coverage_gaps"], Partition(day="2026-03-01"), settings) if p.day]
    assert one_day == ["2026-03-01"]


def test_late_data_reaches_its_day_and_the_days_whose_window_holds_it():
    settings = Settings.model_validate(WEEK)
    state = state_of(settings, DAYS)
    for _ in range(5):
        for run in plan_runs(stale_partitions(state, settings)):
            for asset in run.assets:
                inputs = state.inputs(NODES[asset], run.partition, settings)
                changed = {(asset, run.partition): Materialization(inputs.digest, inputs)}
                state = WarehouseState(state.sources, {**state.materialized, **changed})
    assert stale_partitions(state, settings) == []
    late = WarehouseState({**state.sources, Partition(day=DAYS[4]): "late"}, state.materialized)
    (first,) = stale_partitions(late, settings)
    assert (first.asset, first.partition.day) == ("production_logs", DAYS[4])
    remade = {("production_logs", Partition(day=DAYS[4])): Materialization("late", first.inputs)}
    after = stale_partitions(WarehouseState(late.sources, {**late.materialized, **remade}), settings)
    found: dict[str, list[str]] = {}
    for item in after:
        found.setdefault(item.asset, []).append(item.partition.day)
    assert found["coverage_gaps"] == [DAYS[4]]
    assert found["production_slices"] == DAYS[4:7]
    # Two windows of three days hold it: this one and the one before.
    assert found["topic_drift"] == DAYS[4:10]


def test_a_blocked_day_holds_back_its_own_windows_end_and_no_other():
    settings = Settings.model_validate(WEEK)
    state = state_of(settings, DAYS[:4], blocked=DAYS[1])
    ready = {
        (item.asset, item.partition.day): item.waits_for
        for item in stale_partitions(state, settings)
        if item.asset == "production_slices"
    }
    assert {day for (_, day), waits in ready.items() if not waits} == {DAYS[0], DAYS[2], DAYS[3]}
    alone = stale_partitions(state_of(settings, DAYS[:2], blocked=DAYS[0]), settings)
    assert [(item.partition.day, item.waits_for) for item in alone if item.asset == "production_slices"] == [
        (DAYS[0], (("production_logs", Partition(day=DAYS[0])),)),
        (DAYS[1], ()),
    ]
    assert ready["production_slices", DAYS[1]] == (("production_logs", Partition(day=DAYS[1])),)


def test_dagster_maps_a_day_onto_the_same_window():
    graph = defs.resolve_asset_graph()
    for name in ("production_slices", "topic_drift"):
        mapping = graph.get_partition_mapping(dg.AssetKey(name), dg.AssetKey("production_logs"))
        upstream = mapping.get_upstream_mapped_partitions_result_for_partitions(
            days.subset_with_partition_keys(["2026-03-01"]), days, days
        ).partitions_subset
        assert sorted(upstream.get_partition_keys()) == window_of("2026-03-01", NODES[name].window_days(Settings()))


@dataclass(frozen=True)
class Produced:
    """Three days of logs, audited, and then a late row of the second."""

    project: Project
    first: list[tuple[str, str]]
    again: list[tuple[str, str]]
    embedded_again: list[str]


@pytest.fixture(scope="module")
def produced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Produced]:
    folder = tmp_path_factory.mktemp("feedback")
    embedded: list[str] = []
    embed = StaticEmbedder.embed

    def counting(self: StaticEmbedder, texts, usage="query") -> np.ndarray:
        embedded.extend(texts)
        return embed(self, texts, usage)

    with pytest.MonkeyPatch.context() as patch:
        project = make_project(folder, **WEEK)
        patch.setenv("FAULTMAP_HOME", str(project.settings.home))
        patch.setenv("FAULTMAP_SETTINGS", str(settings_file(folder, project)))
        patch.setattr(StaticEmbedder, "embed", counting)
        deliver(project, *[write_day(folder / "logs", day) for day in DAYS[:3]])
        first = made(project)
        embedded.clear()
        late = folder / "late.jsonl"
        row = {"id": "late", "timestamp": f"{DAYS[1]}T20:00:00Z", "prompt": "Is it late?", "feedback": "meh"}
        late.write_text(json.dumps(row) + "\n", encoding="utf-8")
        deliver(project, late)
        again = made(project)
        with project.instance:
            # A copy: other tests of this module embed too while the patch stands.
            yield Produced(project, first, again, list(embedded))


def settings_file(folder: Path, project: Project, **production: object) -> Path:
    """Runs read the settings' file, as in the real processes."""
    path = folder / "faultmap.yaml"
    changes = {"home": str(project.settings.home), "production": {"window_days": 3, **production}}
    path.write_text(json.dumps(changes), encoding="utf-8")
    return path


def test_the_topic_with_bad_feedback_is_the_slice(produced: Produced):
    project = produced.project
    assert [key for asset, key in produced.first if asset == "production_slices"] == DAYS[:3]
    *_, last = production_queries.production_slices(project.warehouse)
    assert (last["first_day"], last["days"], last["rows"], last["with_feedback"]) == (DAYS[0], 3, 181, 180)
    # 18 + 1 + 1 of 60, three days; of the late row nobody knows.
    assert (last["failures"], last["failure_rate"]) == (60, pytest.approx(1 / 3))
    worst = last["slices"][0]
    assert all("cook" in prompt["prompt"] for prompt in worst["examples"] if prompt["failed"])
    assert worst["failure_rate"] == pytest.approx(worst["failures"] / worst["size"])
    assert worst["baseline_rate"] == pytest.approx((60 - worst["failures"]) / (180 - worst["size"]))
    members = project.warehouse.query(
        "SELECT m.log_day, l.metadata FROM production_slice_members m JOIN production_logs l"
        " ON l.day = m.log_day AND (l.source, l.model, l.log_id) = (m.source, m.model, m.log_id)"
        " WHERE m.day = $day AND m.slice_id = $slice",
        {"day": DAYS[2], "slice": worst["slice_id"]},
    ).to_pylist()
    assert len(members) == worst["size"]
    assert {row["log_day"] for row in members} == set(DAYS[:3])
    assert sum(json.loads(row["metadata"])["feedback"] == "down" for row in members) == worst["failures"]


def test_slices_are_not_named_after_the_feedback_itself(produced: Produced):
    project = produced.project
    names = [one["name"] for day in production_queries.production_slices(project.warehouse) for one in day["slices"]]
    assert names
    assert not [name for name in names if "feedback" in name]


def test_late_data_is_audited_again_with_its_windows_and_known_vectors_are_not_computed(produced: Produced):
    assert [one for one in produced.again if one[1]] == [
        ("production_logs", DAYS[1]),
        ("coverage_gaps", DAYS[1]),
        ("production_slices", DAYS[1]),
        ("topic_drift", DAYS[1]),
        ("production_slices", DAYS[2]),
        ("topic_drift", DAYS[2]),
    ]
    assert produced.embedded_again == ["Is it late?"]


def test_feedback_that_nobody_explained_is_a_warning(produced: Produced):
    second, third = production_queries.production_slices(produced.project.warehouse, DAYS[1:3])
    assert [day["not_understood"] for day in (second, third)] == [1, 1]
    (record,) = produced.project.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey("production_slices"), "feedback_understood"), limit=1
    )
    told = record.event.dagster_event.asset_check_evaluation_data
    assert not told.passed
    assert "feedback has 'meh'" in told.description


@pytest.mark.slow
def test_days_without_feedback_are_a_valid_empty_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = make_project(tmp_path)
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    deliver(project, write_day(tmp_path / "logs", DAYS[0], feedback=False))
    made(project)
    (day,) = production_queries.production_slices(project.warehouse)
    assert (day["rows"], day["with_feedback"], day["failure_rate"], day["slices"]) == (60, 0, None, [])
    assert "None of the 60 rows of this window says how the answer went" in day["note"]
    (drift,) = production_queries.topic_drift(project.warehouse)
    assert (drift["topics"], drift["rows"], drift["previous_rows"]) == ([], 60, 0)
    assert drift["note"]


def test_a_large_window_is_sampled_the_same_way_every_time(produced: Produced):
    project = produced.project
    window = Window.ending(DAYS[2], 3)
    total = project.warehouse.query("SELECT count(*) AS n FROM production_logs").to_pylist()[0]["n"]
    drawn = [production_queries.window_rows(project.warehouse, window, 100, seed) for seed in (0, 0, 1)]
    assert [rows.rows.num_rows for rows in drawn] == [100, 100, 100]
    assert drawn[0].rows.equals(drawn[1].rows)
    assert not drawn[0].rows.equals(drawn[2].rows)
    assert (drawn[0].total, drawn[0].sampled) == (total, 100)
    rules = [feedback.rule() for feedback in project.settings.production.feedback]
    some = production_queries.feedback_rows(project.warehouse, window, rules, 50, 0)
    assert (some.taken.rows.num_rows, len(some.failed), some.with_feedback, some.failures) == (50, 50, 180, 60)
    for row, failed in zip(some.taken.rows.to_pylist(), some.failed, strict=True):
        assert (json.loads(row["metadata"])["feedback"] == "down") == (failed == 1.0)


@pytest.mark.slow
def test_a_day_with_repeated_keys_is_left_out_of_the_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = make_project(tmp_path, **WEEK)
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    monkeypatch.setenv("FAULTMAP_SETTINGS", str(settings_file(tmp_path, project)))
    good = write_day(tmp_path / "logs", DAYS[1])
    broken = tmp_path / "logs" / "broken.jsonl"
    rows = [
        {
            "id": "same",
            "epoch": epoch,
            "timestamp": f"{DAYS[0]}T10:00:00Z",
            "prompt": f"What {epoch}?",
            "feedback": "up",
        }
        for epoch in (1, 2)
    ]
    broken.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    deliver(project, good, broken)
    outcome = project.audit()
    assert outcome.blocked == ((("production_logs", Partition(day=DAYS[0])), "unique_log_ids"),)
    assert [(asset, p.day) for asset, p in outcome.made if asset == "production_slices"] == [
        ("production_slices", DAYS[1])
    ]
    (day,) = production_queries.production_slices(project.warehouse)
    assert (day["days"], day["rows"]) == (1, 60)


def test_what_a_record_says_of_its_inputs_holds_the_window(produced: Produced):
    project = produced.project
    with project.warehouse.read() as connection:
        state = read_state(connection)
    recorded: Inputs = state.materialized["production_slices", Partition(day=DAYS[2])].inputs
    assert recorded == state.inputs(
        NODES["production_slices"], Partition(day=DAYS[2]), Settings.model_validate({**WEEK, "home": "x"})
    )
