"""Exports of Langfuse as production logs: traces, observations, pages of the API, blob exports."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.log_table import LogOptions
from faultmap_core.readers import read_log_file

TIME = "2026-11-01T10:00:00.123Z"


def read(path: Path, content: object) -> tuple[list[dict], list[str]]:
    lines = content if isinstance(content, list) and path.suffix == ".jsonl" else None
    text = "".join(json.dumps(row) + "\n" for row in lines) if lines is not None else json.dumps(content, indent=1)
    path.write_text(text, encoding="utf-8")
    batches = list(read_log_file(path, LogOptions()))
    accepted = [row for batch in batches for row in batch.rows.to_pylist()]
    return accepted, [f"{row.line}: {row.reason}" for batch in batches for row in batch.rejected]


def trace(number: int, **more: object) -> dict:
    return {
        "id": f"trace-{number}", "projectId": "p", "name": "chat", "timestamp": TIME, "environment": "default",
        "tags": ["web", "beta"], "bookmarked": False, "release": "1.2", "version": None, "userId": "u1",
        "sessionId": "s1", "public": False, "input": {"messages": [{"role": "user", "content": "Where is it?"}]},
        "output": {"role": "assistant", "content": "Here."}, "metadata": {"plan": "pro", "blob": {"deep": 1}}, **more,
    }  # fmt: skip


def observation(number: int, kind: str, parent: int | None = None, **more: object) -> dict:
    return {
        "id": f"o{number}", "traceId": "trace-1", "type": kind, "name": f"step {number}", "startTime": TIME,
        "endTime": TIME, "parentObservationId": f"o{parent}" if parent else None, "level": "DEFAULT",
        "statusMessage": None, "input": f"input {number}", "output": f"output {number}", "model": None, **more,
    }  # fmt: skip


def test_a_trace_is_a_row_with_its_scores_and_the_model_of_its_generation(tmp_path: Path):
    scores = [
        {"name": "user-rating", "value": 2, "dataType": "NUMERIC"},
        {"name": "verdict", "value": 0, "stringValue": "bad", "dataType": "CATEGORICAL"},
    ]
    steps = [observation(1, "SPAN"), observation(2, "GENERATION", 1, model="gpt-x")]
    (row,), rejected = read(tmp_path / "trace.json", trace(1, observations=steps, scores=scores))
    assert rejected == []
    assert (row["example_id"], row["question_text"], row["output_text"]) == ("trace-1", "Where is it?", "Here.")
    assert (row["model"], row["session_id"], row["user_id"], row["day"]) == ("gpt-x", "s1", "u1", "2026-11-01")
    metadata = json.loads(row["metadata"])
    assert (metadata["score.user-rating"], metadata["score.verdict"]) == (2, "bad")
    assert (metadata["plan"], metadata["tags"], metadata["release"]) == ("pro", "web, beta", "1.2")
    assert "blob" not in metadata


@pytest.mark.parametrize(
    "wrap",
    [
        lambda rows: {"data": rows, "meta": {"page": 1}},
        lambda rows: rows,
        lambda rows: {"traces": rows},
    ],
    ids=["page", "array", "session"],
)
def test_documents_hold_their_traces_in_several_ways(tmp_path: Path, wrap):
    rows = [trace(1, scores=["score-id"], observations=["o1"]), trace(2)]
    accepted, rejected = read(tmp_path / "export.json", wrap(rows))
    assert ([row["example_id"] for row in accepted], rejected) == (["trace-1", "trace-2"], [])
    assert [row["line"] for row in accepted] == [1, 2]


def test_the_download_of_the_page_and_lines(tmp_path: Path):
    (row,), _ = read(tmp_path / "trace.json", {"trace": trace(1), "observations": [observation(1, "GENERATION")]})
    assert row["example_id"] == "trace-1"
    rows, _ = read(tmp_path / "traces.jsonl", [trace(1), trace(2)])
    assert len(rows) == 2
    rows, _ = read(tmp_path / "traces.json", trace(1))
    assert len(rows) == 1


def test_of_observations_the_outermost_generations_agents_and_chains_are_rows(tmp_path: Path):
    steps = [
        observation(1, "SPAN", input=None),
        observation(2, "AGENT", 1),
        observation(3, "GENERATION", 2, model="m"),
        observation(4, "TOOL", 2),
        observation(5, "SPAN", 1),
        observation(6, "RETRIEVER", 1),
        observation(7, "GENERATION", 1, level="ERROR", statusMessage="timeout", sessionId="s8"),
    ]
    rows, rejected = read(tmp_path / "observations.jsonl", steps)
    assert rejected == []
    assert [(row["example_id"], row["input_text"], row["model"]) for row in rows] == [
        ("o2", "input 2", "m"),
        ("o7", "input 7", "production"),
    ]
    assert [json.loads(row["metadata"])["error"] for row in rows] == [False, True]
    assert [row["session_id"] for row in rows] == ["s8", "s8"]


def test_a_span_that_holds_a_generation_stands_for_it(tmp_path: Path):
    rows, _ = read(tmp_path / "o.jsonl", [observation(1, "SPAN"), observation(2, "GENERATION", 1, model="m")])
    assert [(row["example_id"], row["model"]) for row in rows] == [("o1", "m")]


def test_blob_exports_name_their_columns_in_snake_case(tmp_path: Path):
    row = {
        "id": "o1", "trace_id": "t", "type": "GENERATION", "start_time": TIME, "parent_observation_id": None,
        "provided_model_name": "m", "input": json.dumps([{"role": "user", "content": "Why?"}]), "output": "So.",
        "session_id": "s", "user_id": "u", "level": "DEFAULT",
    }  # fmt: skip
    (found,), _ = read(tmp_path / "observations.jsonl", [row])
    assert (found["question_text"], found["model"], found["session_id"], found["user_id"]) == ("Why?", "m", "s", "u")


def test_bad_entries_are_quarantined(tmp_path: Path):
    rows = [trace(1), {"projectId": "p", "input": "x"}, trace(2, timestamp=None), trace(3, timestamp="soon")]
    accepted, rejected = read(tmp_path / "traces.jsonl", rows)
    assert [row["example_id"] for row in accepted] == ["trace-1"]
    assert [one.partition(":")[0] for one in rejected] == ["2", "3", "4"]
    assert "it has no id" in rejected[0]
    assert "timestamp is missing" in rejected[1]


def test_an_export_without_requests_says_so(tmp_path: Path):
    with pytest.raises(EvalFileError, match="neither a trace with an input nor a generation"):
        read(tmp_path / "o.jsonl", [observation(1, "TOOL"), observation(2, "EVENT")])


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_of_traces_is_recognised_and_its_cells_are_decoded(tmp_path: Path, suffix: str):
    rows = [
        trace(1, tags=json.dumps(["web", "beta"]), metadata=json.dumps({"plan": "pro"}), scores=json.dumps({"nps": 3}),
              input=json.dumps({"args": [], "kwargs": {"question": "Where is it?", "user_id": "u1"}}),
              output=json.dumps({"role": "assistant", "content": "Here."})),
        trace(2, tags="[]", metadata="{}", scores="{}", input="Where is it?", output="Here."),
    ]  # fmt: skip
    path = tmp_path / f"traces.{suffix}"
    if suffix == "csv":
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    found = [row for batch in read_log_file(path, LogOptions()) for row in batch.rows.to_pylist()]
    assert [
        (row["example_id"], row["question_text"] or row["input_text"], row["output_text"], row["user_id"])
        for row in found
    ] == [("trace-1", "Where is it?", "Here.", "u1"), ("trace-2", "Where is it?", "Here.", "u1")]
    metadata = json.loads(found[0]["metadata"])
    assert (metadata["tags"], metadata["plan"], metadata["score.nps"]) == ("web, beta", "pro", 3)
    assert "tags" not in json.loads(found[1]["metadata"])
