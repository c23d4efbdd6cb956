"""What several deliveries say of one day: each request once, none lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from faultmap_assets.ingestion.file_ledger import count_partition
from faultmap_assets.ingestion.log_rows import newest_logs
from faultmap_assets.ingestion.staging import ingest_file
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.log_table import LogOptions
from faultmap_core.readers import read_log_file

CASES = next((found for up in Path(__file__).parents if (found := up / "shared" / "cases").is_dir()), Path("no-cases"))
DAY = "2026-11-01"
QUESTION = "How do I reset my password?"


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    home = tmp_path / "var"
    home.mkdir()
    return Warehouse(Settings(home=home).warehouse_path)


def deliver(warehouse: Warehouse, path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ingest_file(warehouse, path, LogOptions())
    return path


def requests(warehouse: Warehouse, day: str = DAY) -> list[dict[str, Any]]:
    with warehouse.read() as connection:
        rows = newest_logs(connection, day, "production").to_pylist()
        ledger = count_partition(connection, {"day": day})
    assert ledger.staged == ledger.present == len(rows) + ledger.superseded
    assert ledger.unbalanced == ()
    return rows


def trace(number: int, time: str = f"{DAY}T10:00:00.123Z", **more: object) -> dict[str, Any]:
    return {
        "id": f"t{number}", "timestamp": time, "name": "chat", "projectId": "p", "bookmarked": False,
        "sessionId": "s1", "userId": "u1", "input": QUESTION, "output": "Click reset.", **more,
    }  # fmt: skip


def generation(number: int, time: str = f"{DAY}T10:00:00.200Z", **more: object) -> dict[str, Any]:
    chat = [{"role": "user", "content": QUESTION}]
    return {
        "id": f"o{number}", "traceId": f"t{number}", "type": "GENERATION", "startTime": time, "projectId": "p",
        "name": "llm", "model": "gpt-x", "input": chat,
        "output": {"role": "assistant", "content": "Click reset."}, **more,
    }  # fmt: skip


@pytest.mark.parametrize("traces_first", [True, False])
def test_a_trace_and_its_observations_in_two_files_are_one_request(
    tmp_path: Path, warehouse: Warehouse, traces_first: bool
):
    deliveries = [("traces.jsonl", trace), ("observations.jsonl", generation)]
    for name, make in deliveries if traces_first else reversed(deliveries):
        deliver(warehouse, tmp_path / "logs" / name, make(1), make(2))
    rows = requests(warehouse)
    assert [(row["log_id"], row["model"], row["session_id"], row["user_id"]) for row in rows] == [
        ("t1", "gpt-x", "s1", "u1"), ("t2", "gpt-x", "s1", "u1"),
    ]  # fmt: skip


def test_a_trace_that_says_nothing_leaves_its_observations(tmp_path: Path, warehouse: Warehouse):
    deliver(warehouse, tmp_path / "traces.jsonl", trace(1), trace(2, input=None))
    deliver(warehouse, tmp_path / "observations.jsonl", generation(1), generation(2), generation(3))
    assert [row["log_id"] for row in requests(warehouse)] == ["o2", "o3", "t1"]


def test_an_observation_past_midnight_belongs_to_its_trace(tmp_path: Path, warehouse: Warehouse):
    deliver(warehouse, tmp_path / "traces.jsonl", trace(1, f"{DAY}T23:59:59.900Z"))
    deliver(warehouse, tmp_path / "observations.jsonl", generation(1, "2026-11-02T00:00:00.100Z"))
    assert [row["log_id"] for row in requests(warehouse)] == ["t1"]
    assert requests(warehouse, "2026-11-02") == []


def test_a_trace_that_is_no_longer_delivered_stands_for_nothing(tmp_path: Path, warehouse: Warehouse):
    path = deliver(warehouse, tmp_path / "traces.jsonl", trace(1))
    deliver(warehouse, tmp_path / "observations.jsonl", generation(1))
    deliver(warehouse, path, trace(5))
    assert [row["log_id"] for row in requests(warehouse)] == ["o1", "t5"]


def test_spans_of_one_trace_in_two_files_are_one_request(tmp_path: Path, warehouse: Warehouse):
    def span(span_id: str, parent: str | None, kind: str) -> dict[str, Any]:
        return {
            "context": {"trace_id": "t1", "span_id": span_id}, "parent_id": parent, "name": "x",
            "start_time": f"{DAY}T10:00:00Z", "attributes": {"openinference.span.kind": kind, "input.value": QUESTION},
        }  # fmt: skip

    # Children end, and are exported, before their parents.
    deliver(warehouse, tmp_path / "1.jsonl", span("c", "b", "LLM"))
    deliver(warehouse, tmp_path / "2.jsonl", span("b", "a", "CHAIN"), span("a", None, "AGENT"))
    assert [row["log_id"] for row in requests(warehouse)] == ["t1:a"]


def test_deliveries_without_ids_double_and_lose_nothing(tmp_path: Path, warehouse: Warehouse):
    def hello(number: int) -> dict[str, Any]:
        return {"date": DAY, "question": "hi" if number else "first of all", "answer": "Hello!"}

    rows = [hello(number) for number in range(20)]
    path = deliver(warehouse, tmp_path / "app.jsonl", *rows)
    assert len(requests(warehouse)) == 20
    deliver(warehouse, tmp_path / "copy.jsonl", *rows)
    deliver(warehouse, tmp_path / "longer.jsonl", *rows, hello(20))
    assert len(requests(warehouse)) == 21
    # Rotated: the old lines have a new name, the old name has new lines.
    deliver(warehouse, tmp_path / "app.jsonl.1.jsonl", *rows, hello(20))
    deliver(warehouse, path, {**hello(1), "question": "after the rotation"}, hello(1))
    assert len(requests(warehouse)) == 23
    deliver(warehouse, tmp_path / "other-server.jsonl", {**hello(1), "question": "of another server"}, *rows[1:])
    assert len(requests(warehouse)) == 43


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not there")
@pytest.mark.parametrize(
    ("names", "day", "expected"),
    [
        (["logs_users_same_second.jsonl"], "2026-11-01", 360),
        (["logs_date_only.jsonl"], "2026-11-01", 120),
        (["logs_date_only.jsonl"], "2026-11-03", 120),
        (["langfuse_traces.jsonl", "langfuse_observations.jsonl"], "2026-11-20", 1),
        (["langfuse.csv"], "2025-11-20", 2),
        (["spans.jsonl", "spans.csv", "spans.parquet", "spans.json"], "2026-02-03", 2),
    ],
)
def test_the_cases(warehouse: Warehouse, names: list[str], day: str, expected: int):
    for name in names:
        ingested = ingest_file(warehouse, CASES / name, LogOptions())
        assert ingested.rows_quarantined == ingested.rows_repeated == 0
    assert len(requests(warehouse, day)) == expected


def test_a_columns_name_of_several_lines_is_told_in_one(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text('"two\nlines",b\n1,2\n')
    with pytest.raises(EvalFileError) as caught:
        list(read_log_file(path, LogOptions()))
    assert str(caught.value).isprintable()
    assert "two\ufffdlines" in str(caught.value)
