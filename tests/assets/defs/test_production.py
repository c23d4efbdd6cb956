"""Production in the graph: days are partitions, and what the tests never ask is found."""

from __future__ import annotations

import csv
import json
import re
from datetime import datetime
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from faultmap_assets.cli import app
from faultmap_assets.definitions import defs
from faultmap_assets.defs.evals import queries
from faultmap_assets.defs.production.gap_tests import export_tests
from faultmap_assets.graph.scopes import Partition, Scope
from faultmap_assets.graph.staleness import stale_partitions
from faultmap_assets.ingestion.staging import find_source_files, ingest_file
from faultmap_assets.warehouse.connection import insert
from faultmap_assets.warehouse.materializations import read_state
from faultmap_core.base.errors import ConfigurationError, WarehouseError
from tests.conftest import Project, eval_rows, make_project, topics, write_csv

TRIPS = [f"What should I pack for a trip of {days} days to the {place}?" for days in (2, 5, 9, 14) for place in (
    "mountains", "seaside", "desert", "city", "islands", "forest")]  # fmt: skip


EXPECTED_CHECKS = {
    "production_logs": {"unique_log_ids"},
    "coverage_gaps": {"every_prompt_judged", "tests_present"},
}


def write_logs(folder: Path, day: str, prompts: list[str], models: tuple[str, ...] = ("bot",)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{day}.jsonl"
    rows = [
        {
            "id": f"{folder.name}-{day}-{number}",
            "model": model,
            "timestamp": f"{day}T10:{number % 60:02d}:00Z",
            "prompt": prompt,
            "response": "…",
        }
        for number, prompt in enumerate(prompts)
        for model in models
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def familiar_prompts() -> list[str]:
    return [f"{prompt} Thanks." for prompts in topics("school").values() for prompt in prompts]


def deliver(project: Project, folder: Path) -> None:
    for path in find_source_files([str(folder)]):
        ingest_file(project.warehouse, path, project.settings.log_options())


def latest_check(project: Project, asset: str, check: str) -> dg.AssetCheckEvaluation:
    (record,) = project.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey(asset), check), limit=1
    )
    return record.event.dagster_event.asset_check_evaluation_data


@pytest.fixture(scope="module")
def produced(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("production")
    with pytest.MonkeyPatch.context() as patch:
        project = make_project(folder)
        patch.setenv("FAULTMAP_HOME", str(project.settings.home))
        write_csv(project.evals / "school.csv", eval_rows("school"))
        project.ingest()
        write_logs(folder / "logs", "2026-11-01", familiar_prompts())
        write_logs(folder / "logs", "2026-11-02", familiar_prompts() + TRIPS)
        deliver(project, folder / "logs")
        outcome = project.audit()
        with project.instance:
            yield project, outcome, folder


def test_days_are_made_and_recorded(produced):
    project, outcome, _ = produced
    assert outcome.failed == outcome.left == ()
    made = [(asset, partition.key) for asset, partition in outcome.made if partition.day]
    assert sorted(made) == [
        (asset, day)
        for asset in ("coverage_gaps", "production_logs", "production_slices", "topic_drift")
        for day in ("2026-11-01", "2026-11-02")
    ]
    with project.warehouse.read() as connection:
        state = read_state(connection)
    assert state.partitions(Scope.DAY) == [Partition(day="2026-11-01"), Partition(day="2026-11-02")]


@pytest.mark.parametrize("asset", ["production_logs", "coverage_gaps"])
def test_every_check_of_a_day_is_recorded_once_and_none_stays_planned(produced, asset: str):
    project, _, _ = produced
    checks = defs.resolve_asset_graph().get_check_keys_for_assets({dg.AssetKey(asset)})
    assert {check.name for check in checks} >= EXPECTED_CHECKS[asset]
    for check in checks:
        history = project.instance.event_log_storage.get_asset_check_execution_history(check, limit=50)
        assert [(record.partition, record.status.value) for record in history] == [
            ("2026-11-02", "SUCCEEDED"),
            ("2026-11-01", "SUCCEEDED"),
        ]
        for record in history:
            judged = record.event.dagster_event.asset_check_evaluation_data.target_materialization_data
            (event,) = project.instance.fetch_materializations(
                dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[record.partition]), limit=5
            ).records
            assert judged.run_id == event.run_id


def test_rows_are_accounted_for(produced):
    project, _, _ = produced
    rows = project.warehouse.query(
        "SELECT day, count(*) AS n FROM production_logs GROUP BY day ORDER BY day"
    ).to_pylist()
    assert [(row["day"], row["n"]) for row in rows] == [("2026-11-01", 60), ("2026-11-02", 60 + len(TRIPS))]
    prompts = project.warehouse.query("SELECT day, count(*) AS n FROM coverage_prompts GROUP BY day ORDER BY day")
    assert [row["n"] for row in prompts.to_pylist()] == [60, 60 + len(TRIPS)]


def test_the_topic_that_no_test_asks_is_the_gap(produced):
    project, _, _ = produced
    first, second = queries.coverage(project.warehouse)
    assert first["gaps"] == []
    (gap,) = [gap for gap in second["gaps"] if gap["kind"] == "gap"]
    assert gap["tests"] <= 1
    assert gap["traffic_share"] == pytest.approx(gap["size"] / (60 + len(TRIPS)))
    assert all("pack for a trip" in prompt for prompt in gap["representative_prompts"])
    in_gap = (
        project.warehouse.query(
            "SELECT l.prompt_text FROM coverage_prompts c JOIN production_logs l USING (day, source, log_id)"
            " WHERE c.gap_id = $gap",
            {"gap": gap["gap_id"]},
        )
        .column("prompt_text")
        .to_pylist()
    )
    assert len(in_gap) == gap["size"]
    assert sum(prompt in TRIPS for prompt in in_gap) >= 0.9 * len(in_gap)
    assert len(in_gap) >= 0.8 * len(TRIPS)


def test_coverage_lies_in_its_range_and_counts_every_prompt(produced):
    project, _, _ = produced
    for day in queries.coverage(project.warehouse):
        assert 0 <= day["coverage_low"] <= day["coverage"] <= day["coverage_high"] <= 1
        assert day["covered"] + day["in_gaps"] + day["undetermined"] == pytest.approx(1)
    # 60 of 84 prompts of the second day are of tested kinds.
    assert day["coverage_low"] <= 60 / 84 <= day["coverage_high"]


@pytest.mark.slow
def test_late_data_audits_its_day_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = make_project(tmp_path)
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    for day in ("2026-11-01", "2026-11-02"):
        write_logs(tmp_path / "logs", day, TRIPS)
    deliver(project, tmp_path / "logs")
    project.audit()
    late = tmp_path / "late"
    write_logs(late, "2026-11-01", ["One more question about arithmetic: 7 plus 8?"])
    deliver(project, late)
    with project.warehouse.read() as connection:
        stale = stale_partitions(read_state(connection), project.settings)
    assert [(item.asset, item.partition.key) for item in stale] == [("production_logs", "2026-11-01")]
    made = [(asset, partition.key) for asset, partition in project.audit().made if partition.day]
    # Windows that hold the day follow it (test_production_slices); no other day's log or coverage is made again.
    assert [one for one in made if one[0] in ("production_logs", "coverage_gaps")] == [
        ("production_logs", "2026-11-01"),
        ("coverage_gaps", "2026-11-01"),
    ]


def test_the_report_tells_the_gap(produced):
    project, _, _ = produced
    content = json.loads((project.settings.report_folder / "audit_report.json").read_text())
    (gap,) = [gap for day in content["coverage"] for gap in day["gaps"] if gap["kind"] == "gap"]
    assert any("pack for a trip" in prompt for prompt in gap["representative_prompts"])


@pytest.mark.slow
def test_logs_without_any_test_suite_are_a_valid_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = make_project(tmp_path)
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    # Each request was answered by two models under one id.
    write_logs(tmp_path / "logs", "2026-11-03", TRIPS, ("bot", "new bot"))
    deliver(project, tmp_path / "logs")
    outcome = project.audit()
    assert outcome.failed == ()
    (day,) = queries.coverage(project.warehouse)
    assert (day["tests"], day["production"]) == (0, 2 * len(TRIPS))
    verdicts_of = project.warehouse.query(
        "SELECT count(*) AS n, count(DISTINCT (source, log_id, model)) AS keys FROM coverage_prompts"
        " JOIN production_logs USING (day, source, log_id, model)"
    )
    assert verdicts_of.to_pylist() == [{"n": 2 * len(TRIPS), "keys": 2 * len(TRIPS)}]
    assert day["coverage_low"] <= day["coverage_high"]
    verdicts = {name: latest_check(project, "coverage_gaps", name) for name in ("every_prompt_judged", "tests_present")}
    assert verdicts["every_prompt_judged"].passed
    # A warning: the day is audited all the same, and nothing below it waits.
    assert not verdicts["tests_present"].passed
    assert verdicts["tests_present"].severity is dg.AssetCheckSeverity.WARN
    assert outcome.blocked == outcome.left == ()


def test_a_day_whose_keys_are_not_unique_is_held_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = make_project(tmp_path)
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    # Two epochs of one request: a log knows no repeats, so the request would count twice.
    rows = [
        {"id": f"r{number // 2}", "epoch": number % 2, "timestamp": "2026-11-04T10:00:00Z", "prompt": prompt}
        for number, prompt in enumerate(TRIPS)
    ]
    path = tmp_path / "logs" / "repeats.jsonl"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    deliver(project, path.parent)
    outcome = project.audit()
    day = Partition(day="2026-11-04")
    assert outcome.blocked == ((("production_logs", day), "unique_log_ids"),)
    assert ("coverage_gaps", day) in [(item.asset, item.partition) for item in outcome.left]
    assert queries.coverage(project.warehouse) == []
    assert not latest_check(project, "production_logs", "unique_log_ids").passed


def exported(project: Project, target: Path, gaps: list[str] | None = None) -> list[dict[str, str]]:
    number = export_tests(project.warehouse, target, gaps)
    if target.suffix == ".csv":
        with target.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    else:
        rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == number
    return rows


def test_the_prompts_of_a_gap_become_test_cases(produced, tmp_path: Path):
    project, _, _ = produced
    (gap,) = [gap for day in queries.coverage(project.warehouse) for gap in day["gaps"] if gap["kind"] == "gap"]
    rows = exported(project, tmp_path / "tests.jsonl")
    assert list(rows[0]) == ["example_id", "input_text", "gap", "gap_id", "source_day", "source", "log_id"]
    logged = {
        row["log_id"]: row["prompt_text"]
        for row in project.warehouse.query("SELECT log_id, prompt_text FROM production_logs").to_pylist()
    }
    assert len(rows) == gap["prompts"]
    for row in rows:
        assert row["input_text"] == logged[row["log_id"]]
        assert (row["gap"], row["gap_id"], row["source_day"]) == (gap["name"], gap["gap_id"], "2026-11-02")
    assert len({row["example_id"] for row in rows}) == len(rows)
    assert exported(project, tmp_path / "again.jsonl", [gap["gap_id"][:6]]) == rows


def test_test_cases_in_csv_are_executed_by_no_spreadsheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = make_project(tmp_path)
    monkeypatch.setenv("FAULTMAP_HOME", str(project.settings.home))
    hostile = '=HYPERLINK("http://example.org")'
    # One gap on two days; the same prompt in other white space is one test case.
    day, later = "2026-11-01", "2026-11-02"
    for number, (date, text) in enumerate([(day, hostile), (day, f"  {hostile}"), (later, hostile), (later, "@x")]):
        key = {"day": date, "source": "s", "log_id": str(number), "model": "m"}
        log = {**key, "timestamp": datetime(2026, 11, 1), "prompt_text": text, "response_text": "",
               "metadata": "{}", "source_path": "p", "source_line": 1, "row_digest": "d"}  # fmt: skip
        gap = {
            "day": date, "gap_id": "abc123", "rank": 1, "kind": "gap", "name": "+gap", "description": "", "size": 1,
            "prompts": 1, "traffic_share": 1.0, "tests": 0, "expected_tests": 1.0, "named_by": "keywords",
            "representative_prompts": "[]", "nearest_tests": "[]",
        }  # fmt: skip
        with project.warehouse.write() as connection:
            insert(connection, "production_logs", pa.Table.from_pylist([log]))
            judged = {**key, "status": "gap", "gap_id": "abc123"}
            insert(connection, "coverage_prompts", pa.Table.from_pylist([judged]))
            if number in (0, 2):
                insert(connection, "coverage_gaps", pa.Table.from_pylist([gap]))
    rows = exported(project, tmp_path / "tests.csv")
    assert [(row["input_text"], row["gap"], row["log_id"]) for row in rows] == [
        (f"'{hostile}", "'+gap", "0"),
        ("'@x", "'+gap", "3"),
    ]
    assert exported(project, tmp_path / "raw.jsonl")[0]["input_text"] == hostile


@pytest.mark.parametrize(
    ("name", "gaps", "told"),
    [
        ("tests.xlsx", None, "unknown format; name it .csv or .jsonl"),
        ("tests.csv", ["zzz"], "gap 'zzz' is not there; `faultmap coverage` shows the ids"),
        ("tests.csv", [""], "gap '' is not there"),
    ],
)
def test_what_cannot_be_exported_is_told(produced, tmp_path: Path, name: str, gaps: list[str] | None, told: str):
    project, _, _ = produced
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        export_tests(project.warehouse, tmp_path / name, gaps)
    assert not (tmp_path / name).exists()


def test_a_missing_folder_and_a_former_file_are_left_as_they_are(produced, tmp_path: Path):
    project, _, _ = produced
    with pytest.raises(WarehouseError, match="its folder does not exist"):
        export_tests(project.warehouse, tmp_path / "nowhere" / "tests.csv")


def test_the_command_exports_and_tells_how_many(produced, tmp_path: Path):
    project, _, _ = produced
    target, home = tmp_path / "new-tests.jsonl", str(project.settings.home)
    outcome = CliRunner().invoke(app, ["coverage", "--export-tests", str(target), "--home", home])
    assert outcome.exit_code == 0, outcome.output
    rows = target.read_text(encoding="utf-8").splitlines()
    assert f"{len(rows)} test cases in" in outcome.output
    alone = CliRunner().invoke(app, ["coverage", "--gap", "abc", "--home", home])
    assert alone.exit_code == 2
    assert "give --export-tests FILE, too" in alone.output
