"""Production logs: what a row of a log is, and from which files it comes."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime
from pathlib import Path

import pytest

from faultmap_core.errors import ConfigurationError, EvalFileError
from faultmap_core.logs import LOG_SCHEMA, LogOptions
from faultmap_core.readers import read_log_file

ROW = {"id": "a-1", "timestamp": "2026-11-01T23:30:00Z", "prompt": "How do I fry an egg?", "response": "In a pan."}


def read(path: Path, rows: list[object], **options: object) -> tuple[list[dict], list[str]]:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    batches = list(read_log_file(path, LogOptions(**options)))
    accepted = [row for batch in batches for row in batch.rows.to_pylist()]
    return accepted, [f"{row.line}: {row.reason}" for batch in batches for row in batch.rejected]


def test_a_row_has_a_time_a_day_and_what_an_eval_row_has(tmp_path: Path):
    (row,), rejected = read(tmp_path / "log.jsonl", [{**ROW, "session_id": "s1", "feedback": "up", "model": "m"}])
    assert rejected == []
    assert set(row) == set(LOG_SCHEMA.names)
    assert (row["day"], row["timestamp"]) == ("2026-11-01", datetime(2026, 11, 1, 23, 30))
    assert (row["dataset"], row["model"], row["example_id"]) == ("production", "m", "a-1")
    assert (row["input_text"], row["output_text"], row["session_id"]) == (ROW["prompt"], ROW["response"], "s1")
    assert json.loads(row["metadata"]) == {"feedback": "up"}


@pytest.mark.parametrize(
    ("timestamp", "day", "hour"),
    [
        ("2026-11-01T23:30:00Z", "2026-11-01", 23),
        ("2026-11-01T23:30:00+02:00", "2026-11-01", 21),
        ("2026-11-01T23:30:00-02:00", "2026-11-02", 1),
        ("2026-11-01 23:30:00", "2026-11-01", 23),
        # 2026-11-01T23:30:00Z is 1793575800 seconds after 1970: 20,758 days and 84,600 seconds.
        (20_758 * 86_400 + 84_600, "2026-11-01", 23),
        ((20_758 * 86_400 + 84_600) * 1000, "2026-11-01", 23),
        (str(20_758 * 86_400 + 84_600), "2026-11-01", 23),
    ],
)
def test_times_are_read_into_utc(tmp_path: Path, timestamp: object, day: str, hour: int):
    (row,), _ = read(tmp_path / "log.jsonl", [{**ROW, "timestamp": timestamp}])
    assert (row["day"], row["timestamp"].hour) == (day, hour)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timestamp": None}, "timestamp is missing"),
        ({"timestamp": "yesterday"}, "timestamp 'yesterday' is neither ISO 8601 nor seconds since 1970"),
        ({"timestamp": "1999-01-01T00:00:00Z"}, "lies before logs.first_day, 2020-01-01"),
        ({"timestamp": "2999-01-01T00:00:00Z"}, "lies in the future"),
        ({"prompt": ""}, "input_text is missing"),
        ({"prompt": {"user_id": "u1"}}, "input_text is missing: it holds nothing but ids and settings"),
    ],
)
def test_a_bad_row_is_rejected_with_its_line_and_reason(tmp_path: Path, change: dict, reason: str):
    accepted, rejected = read(tmp_path / "log.jsonl", [ROW, {**ROW, "id": "a-2", **change}])
    assert len(accepted) == 1
    assert len(rejected) == 1
    assert rejected[0].startswith("2: ")
    assert reason in rejected[0]


def test_without_ids_rows_are_told_apart_by_time_and_text(tmp_path: Path):
    rows = [{name: value for name, value in ROW.items() if name != "id"} for _ in range(3)]
    rows[1]["timestamp"] = "2026-11-01T23:31:00Z"
    accepted, _ = read(tmp_path / "log.jsonl", rows)
    ids = [row["example_id"] for row in accepted]
    assert ids[0] == ids[2] != ids[1]
    # The third line says the same as the first at the same moment: it is one row, delivered twice.
    batches = list(read_log_file(tmp_path / "log.jsonl", LogOptions()))
    assert batches[-1].conflicts.repeated == (3,)


def test_a_chat_is_asked_by_its_last_user_turn(tmp_path: Path):
    chat = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello"},
        {"role": "user", "content": "Why?"},
    ]
    (row,), _ = read(tmp_path / "log.jsonl", [{**ROW, "prompt": chat}])
    assert row["question_text"] == "Why?"


def test_columns_by_other_names(tmp_path: Path):
    row = {"when": ROW["timestamp"], "q": "What?", "who": "s9"}
    mapped = {"timestamp": "when", "input_text": "q", "session_id": "who"}
    (accepted,), _ = read(tmp_path / "log.jsonl", [row], column_map=mapped, dataset_name="mobile", model_name="bot")
    assert (accepted["input_text"], accepted["session_id"]) == ("What?", "s9")
    assert (accepted["dataset"], accepted["model"]) == ("mobile", "bot")


def test_csv_and_gzip_are_read_too(tmp_path: Path):
    text = "timestamp,prompt\n2026-11-01T10:00:00Z,007 what is that?\n"
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(text.encode()))
    rows = [row for batch in read_log_file(tmp_path / "log.csv.gz", LogOptions()) for row in batch.rows.to_pylist()]
    assert [row["input_text"] for row in rows] == ["007 what is that?"]


def test_a_file_without_times_is_unreadable(tmp_path: Path):
    (tmp_path / "log.csv").write_text("prompt\nhello\n")
    with pytest.raises(EvalFileError, match="no column 'timestamp'"):
        list(read_log_file(tmp_path / "log.csv", LogOptions()))


def test_options_that_read_differently_have_another_digest():
    digests = {
        LogOptions().digest(),
        LogOptions(first_day=date(2021, 1, 1)).digest(),
        LogOptions(model_name="m").digest(),
        LogOptions(column_map={"input_text": "q"}).digest(),
    }
    assert len(digests) == 4
    with pytest.raises(ConfigurationError, match="'colour' is no field"):
        LogOptions(column_map={"colour": "c"})
