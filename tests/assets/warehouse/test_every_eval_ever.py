"""Scored rows leave the warehouse as Every Eval Ever's records, and come back as the rows that they were."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from faultmap_assets.warehouse.connection import Warehouse, insert
from faultmap_assets.warehouse.every_eval_ever import export_every_eval_ever
from faultmap_core.base.errors import ConfigurationError, WarehouseError
from faultmap_core.data.eval_table import EvalOptions
from faultmap_core.readers import read_eval_file


@pytest.fixture
def warehouse(tmp_path):
    made = Warehouse(tmp_path / "w.duckdb")
    columns = made.query("SELECT column_name FROM (DESCRIBE raw_evals)").column(0).to_pylist()
    shared = dict.fromkeys(columns, "x") | {
        "dataset": "d", "question_text": None, "input_text": "2+2?", "output_text": "4", "correct_answer": "4",
        "metadata": '{"level": 3}', "source_line": 1, "passed": None, "metric": None,
    }  # fmt: skip
    scores = [("m", "000", 1, 0.25), ("m", "000", 2, 0.75), ("m", "001", 1, None), ("other", "000", 1, 1.0)]
    rows = [shared | dict(zip(("model", "example_id", "epoch", "score"), one, strict=True)) for one in scores]
    with made.write() as connection:
        insert(connection, "raw_evals", pa.Table.from_pylist(rows))
    return made


def test_scored_rows_leave_as_records_and_come_back(warehouse, tmp_path):
    target = tmp_path / "d_samples.jsonl"
    assert export_every_eval_ever(warehouse, target, models=["m"]) == (2, 1)
    records = [json.loads(line) for line in target.read_text().splitlines()]
    assert [record["evaluation"] for record in records] == [
        {"score": 0.25, "is_correct": False}, {"score": 0.75, "is_correct": True},
    ]  # fmt: skip
    again = [row for batch in read_eval_file(target, EvalOptions()) for row in batch.rows.to_pylist()]
    assert [(row["dataset"], row["model"], row["example_id"], row["epoch"], row["score"]) for row in again] == [
        ("d", "m", "000", 1, 0.25), ("d", "m", "000", 2, 0.75),
    ]  # fmt: skip
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("higher", "threshold", "verdicts", "correct"),
    [
        (True, 0.5, 0, [False, True]),
        (False, 0.5, 0, [True, False]),
        (True, 0.8, 0, [False, False]),
        # The tool's verdict goes before the threshold, unless the settings set one (then no verdict was counted).
        (True, 0.5, 1, [True, True]),
    ],
)
def test_what_is_correct_is_what_the_tool_or_the_metric_says(warehouse, tmp_path, higher, threshold, verdicts, correct):
    with warehouse.write() as connection:
        connection.execute("UPDATE raw_evals SET passed = true WHERE score = 0.25")
        connection.execute(
            "INSERT INTO metrics VALUES ('d', 'm', 'f1', 0, 1, $higher, NULL, $threshold, 'tool', 3, $verdicts, 0)",
            {"higher": higher, "threshold": threshold, "verdicts": verdicts},
        )
    export_every_eval_ever(warehouse, tmp_path / "x.jsonl", datasets=["d"], models=["m"])
    records = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert [record["evaluation"]["is_correct"] for record in records] == correct


def test_what_cannot_be_written_is_an_error(warehouse, tmp_path):
    with pytest.raises(ConfigurationError, match=r"name it \.jsonl"):
        export_every_eval_ever(warehouse, tmp_path / "x.csv")
    with pytest.raises(WarehouseError, match="its folder does not exist"):
        export_every_eval_ever(warehouse, tmp_path / "no" / "x.jsonl")
