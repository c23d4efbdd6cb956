"""What leaves the warehouse says what stood in it, and no spreadsheet executes it."""

from __future__ import annotations

import csv
import json
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faultmap_assets.warehouse.connection import Warehouse, insert
from faultmap_assets.warehouse.export import EXPORTABLE, export_table
from faultmap_core.base.errors import ConfigurationError, WarehouseError

TEXTS = ["plain", 'two\nlines, "quoted"; so', "", "é 日本 😀", "a\u2028b", "\\n"]
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=cmd|" /C calc"!A0']


def score_rows(dataset="d", model="m", n=3):
    return [
        {
            "dataset": dataset, "model": model, "example_id": f"{number:03d}", "score": score, "epochs": 1,
            "scored_epochs": 1, "failed": failed, "score_mode": "given", "success_threshold": 0.5,
        }
        for number, (score, failed) in enumerate([(1 / 3, True), (None, None), (1.2345678901234567e-15, True)][:n])
    ]  # fmt: skip


def quarantine_rows(texts):
    return [
        {"staging_id": "s", "path": "p", "line": line, "reason": "r", "excerpt": text, "dataset": "d", "model": None,
         "quarantined_at": datetime(2026, 1, 2, 3, 4, 5)}
        for line, text in enumerate(texts)
    ]  # fmt: skip


@pytest.fixture
def warehouse(tmp_path):
    made = Warehouse(tmp_path / "w.duckdb")
    with made.write() as connection:
        scores = [row for dataset in "ed" for model in "nm" for row in score_rows(dataset, model)]
        insert(connection, "scores", pa.Table.from_pylist(scores))
        insert(connection, "quarantine", pa.Table.from_pylist(quarantine_rows(TEXTS + FORMULAS)))
    return made


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def read_jsonl(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_scores_come_back_as_they_were(warehouse, tmp_path, suffix):
    target = tmp_path / f"out.{suffix}"
    assert export_table(warehouse, "scores", target, ["d"], ["m"]) == 3
    rows = read_jsonl(target) if suffix == "jsonl" else pq.read_table(target).to_pylist()
    assert rows == score_rows()


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_texts_come_back_as_they_were(warehouse, tmp_path, suffix):
    target = tmp_path / f"out.{suffix}"
    assert export_table(warehouse, "quarantine", target) == len(TEXTS) + len(FORMULAS)
    rows = read_jsonl(target) if suffix == "jsonl" else pq.read_table(target).to_pylist()
    assert [row["excerpt"] for row in rows] == TEXTS + FORMULAS
    assert {str(row["quarantined_at"]) for row in rows} == {"2026-01-02 03:04:05"}


def test_csv_numbers_and_texts(warehouse, tmp_path):
    target = tmp_path / "out.csv"
    export_table(warehouse, "scores", target, ["d"], ["m"])
    rows = read_csv(target)
    assert [row["example_id"] for row in rows] == ["000", "001", "002"]
    assert [row["score"] and float(row["score"]) for row in rows] == [1 / 3, "", 1.2345678901234567e-15]
    export_table(warehouse, "quarantine", target)
    assert [row["excerpt"] for row in read_csv(target)[: len(TEXTS)]] == TEXTS


def test_no_csv_cell_is_a_formula(warehouse, tmp_path):
    target = tmp_path / "out.csv"
    export_table(warehouse, "quarantine", target)
    rows = read_csv(target)
    assert [row["excerpt"] for row in rows[len(TEXTS) :]] == [f"'{formula}" for formula in FORMULAS]
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_rows_are_chosen_and_sorted(warehouse, tmp_path):
    target = tmp_path / "out.csv"

    def keys(datasets=None, models=None):
        export_table(warehouse, "scores", target, datasets, models)
        return [(row["dataset"], row["model"], row["example_id"]) for row in read_csv(target)]

    assert keys() == sorted((d, m, f"00{n}") for d in "de" for m in "mn" for n in range(3))
    assert {key[:2] for key in keys(["d"])} == {("d", "m"), ("d", "n")}
    assert {key[:2] for key in keys(models=["n"])} == {("d", "n"), ("e", "n")}
    assert {key[:2] for key in keys(["d", "e"], ["m"])} == {("d", "m"), ("e", "m")}
    assert keys(["missing' OR true --"]) == []


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("table", EXPORTABLE)
def test_every_table_can_be_exported_empty(tmp_path, table, suffix):
    target = tmp_path / f"out.{suffix}"
    assert export_table(Warehouse(tmp_path / "w.duckdb"), table, target) == 0
    content = target.read_bytes()
    assert (content == b"") == (suffix == "jsonl")


def test_the_same_rows_are_the_same_bytes(warehouse, tmp_path):
    for suffix in ("csv", "jsonl", "parquet"):
        first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
        export_table(warehouse, "scores", first)
        export_table(warehouse, "scores", second)
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("table", "name", "models", "told"),
    [
        ("materializations", "a.csv", None, "'materializations' cannot be exported; choose one of failure_slices"),
        ("scores; DROP TABLE scores", "a.csv", None, "cannot be exported"),
        ("scores", "a.xlsx", None, "unknown format; name it .csv, .jsonl or .parquet"),
        ("scores", "a", None, "unknown format"),
        ("prompt_clusters", "a.csv", ["m"], "prompt_clusters is not partitioned by model; leave --model out"),
    ],
)
def test_what_cannot_be_exported_is_said(warehouse, tmp_path, table, name, models, told):
    with pytest.raises(ConfigurationError, match=told):
        export_table(warehouse, table, tmp_path / name, models=models)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_failing_write_leaves_the_former_file(warehouse, tmp_path, suffix):
    target = tmp_path / "out" / f"a.{suffix}"
    target.parent.mkdir()
    export_table(warehouse, "scores", target)
    former = target.read_bytes()
    blocker = target.with_name(f".{target.name}.part")
    blocker.mkdir()
    with pytest.raises(WarehouseError, match=f"{target.name}: cannot be written"):
        export_table(warehouse, "quarantine", target)
    assert target.read_bytes() == former
    blocker.rmdir()
    export_table(warehouse, "quarantine", target)
    assert target.read_bytes() != former
    assert [entry.name for entry in target.parent.iterdir()] == [target.name]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("folder", ["missing", "file"])
def test_a_place_that_cannot_be_written_is_named(warehouse, tmp_path, folder, suffix):
    (tmp_path / "file").write_text("")
    with pytest.raises(WarehouseError, match=f"{folder}/a.{suffix}: cannot be written: "):
        export_table(warehouse, "scores", tmp_path / folder / f"a.{suffix}")


def test_a_folder_is_not_overwritten(warehouse, tmp_path):
    target = tmp_path / "folder.csv"
    target.mkdir()
    with pytest.raises(WarehouseError, match="cannot be written: Is a directory"):
        export_table(warehouse, "scores", target)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder.csv", "w.duckdb"]
