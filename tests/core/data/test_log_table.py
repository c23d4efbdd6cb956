"""Production logs: what a row of a log is, and from which files it comes."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faultmap_core.base.errors import ConfigurationError, EvalFileError
from faultmap_core.data.log_table import LOG_SCHEMA, LogOptions
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
        ((20_758 * 86_400 + 84_600) * 10**6, "2026-11-01", 23),
        ((20_758 * 86_400 + 84_600) * 10**9, "2026-11-01", 23),
        ("2026-11-01 23:30:00 UTC", "2026-11-01", 23),
        ("2026-11-01 23:30:00.000 +0000 UTC", "2026-11-01", 23),
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


def hello(number: int, **more: object) -> dict:
    return {"timestamp": "2026-11-01", "prompt": "hi", "response": "Hello!", "n": number, **more}


def ids_of(path: Path, rows: list[dict]) -> list[str]:
    accepted, rejected = read(path, rows)
    assert rejected == []
    return [row["example_id"] for row in accepted]


@pytest.mark.parametrize(
    "row",
    [
        lambda number: {"timestamp": "2026-11-01T10:00:00Z", "prompt": "hi", "response": "Hello!"},
        lambda number: {"timestamp": "2026-11-01T10:00:00Z", "prompt": "hi", "user_id": f"u{number}"},
        lambda number: {"timestamp": "2026-11-01T10:00:00Z", "prompt": "hi", "session_id": f"s{number}"},
        lambda number: {"timestamp": "2026-11-01T10:00:00Z", "prompt": "hi", "model": f"m{number}"},
        lambda number: {"timestamp": "2026-11-01T10:00:00.123Z", "prompt": "hi", "feedback": "up" if number else ""},
        lambda number: {"timestamp": "2026-11-01", "prompt": "hi", "user_id": "u"},
    ],
    ids=["copies", "users", "sessions", "models", "feedback", "dates"],
)
def test_without_ids_every_line_is_a_request(tmp_path: Path, row):
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row(number)) + "\n" for number in range(50)))
    batches = list(read_log_file(tmp_path / "log.jsonl", LogOptions()))
    rows = [one for batch in batches for one in batch.rows.to_pylist()]
    assert len({(one["model"], one["example_id"]) for one in rows}) == 50
    assert (batches[-1].conflicts.repeated, batches[-1].conflicts.conflicting) == ((), {})


def test_what_is_delivered_again_has_the_ids_that_it_had(tmp_path: Path):
    rows = [hello(number) for number in range(5)] + [hello(9, timestamp="2026-11-02", prompt="bye")]
    ids = ids_of(tmp_path / "log.jsonl", rows)
    assert ids_of(tmp_path / "copy.jsonl", rows) == ids
    # The file grew, and a rotated name took the old lines.
    assert ids_of(tmp_path / "log.jsonl.1.jsonl", [*rows, hello(10)])[:6] == ids
    # The next export of the last days begins later; whole days keep their ids.
    assert ids_of(tmp_path / "window.jsonl", rows[5:]) == ids[5:]
    # Feedback that came later belongs to the row that it came to.
    assert ids_of(tmp_path / "rated.jsonl", [{**row, "feedback": "down"} for row in rows]) == ids
    (tmp_path / "log.jsonl.gz").write_bytes(gzip.compress((tmp_path / "copy.jsonl").read_bytes()))
    zipped = [one for batch in read_log_file(tmp_path / "log.jsonl.gz", LogOptions()) for one in batch.rows.to_pylist()]
    assert [row["example_id"] for row in zipped] == ids


def test_identical_lines_of_two_servers_stay_two_requests(tmp_path: Path):
    first = ids_of(tmp_path / "a.jsonl", [hello(0, prompt="first of a"), hello(1), hello(2)])
    second = ids_of(tmp_path / "b.jsonl", [hello(0, prompt="first of b"), hello(1), hello(2)])
    assert len({*first, *second}) == 6
    # What one person asked in one second is one request, whichever file tells it.
    person = {"timestamp": "2026-11-01T10:00:01Z", "user_id": "u1", "prompt": "hi"}
    first = ids_of(tmp_path / "a.jsonl", [hello(0, prompt="first of a"), person])
    second = ids_of(tmp_path / "b.jsonl", [hello(0, prompt="first of b"), person])
    assert first[1] == second[1]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"created_at": "T", "question": "Q", "answer": "A", "user": "u", "session": "s"}, "u s None"),
        ({"ts": "T", "query": "Q", "output": "A", "userId": "u", "conversationId": "s", "id": "7"}, "u s 7"),
        ({"Time": "T", "Input": "Q", "Output": "A", "User ID": "u", "thread_id": "s", "MODEL": "m"}, "u s None"),
        ({"date": "T", "message": "Q", "reply": "A", "customer_id": "u", "chat_id": "s"}, "u s None"),
        ({"timestamp": "T", "prompt": "Q", "input": "not it", "response": "A", "uid": "u", "session_id": "s"},
         "u s None"),
        ({"timestamp": "T", "prompt": None, "input": "Q", "completion": "A", "user": {"id": "u", "plan": "pro"},
          "session_id": "s"}, "u s None"),
        ({"datetime": "T", "chatInput": "Q", "output": {"text": "A"}, "user_name": "u", "sessionId": "s"}, "u s None"),
        ({"startTime": "T", "messages": [{"role": "user", "content": "Q"}], "choices": 1, "result": "A",
          "username": "u", "conversation_id": "s", "requestId": "r"}, "u s r"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet", "json"])
def test_names_that_anybody_would_use_need_no_mapping(tmp_path: Path, row: dict, expected: str, suffix: str):
    row = {name: ROW["timestamp"] if value == "T" else value for name, value in row.items()}
    path = tmp_path / f"log.{suffix}"
    cells = {name: json.dumps(cell) if isinstance(cell, dict | list) else cell for name, cell in row.items()}
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist([row]), path)
    elif suffix == "csv":
        with path.open("w", newline="") as stream:
            csv.writer(stream).writerows([cells.keys(), cells.values()])
    else:
        path.write_text(json.dumps([row] if suffix == "json" else row))
    (accepted,) = [one for batch in read_log_file(path, LogOptions()) for one in batch.rows.to_pylist()]
    assert (accepted["question_text"] or accepted["input_text"], accepted["output_text"]) == ("Q", "A")
    user, session, identifier = expected.split()
    assert (accepted["user_id"], accepted["session_id"]) == (user, session)
    assert identifier == "None" or accepted["example_id"] == identifier
    assert accepted["model"] == row.get("MODEL", "production")
    assert "T" not in accepted["metadata"]


def test_a_mapping_goes_before_the_known_names(tmp_path: Path):
    row = {"time": ROW["timestamp"], "question": "not it", "asked": "Q", "answer": "A"}
    (accepted,), _ = read(tmp_path / "log.jsonl", [row], column_map={"input_text": "asked"})
    assert (accepted["input_text"], accepted["output_text"]) == ("Q", "A")
    assert json.loads(accepted["metadata"]) == {"question": "not it"}


def test_a_day_and_a_time_of_day_may_stand_in_two_columns(tmp_path: Path):
    (accepted,), _ = read(tmp_path / "log.jsonl", [{"date": "2026-11-01", "time": "9:30", "query": "Q"}])
    assert accepted["timestamp"] == datetime(2026, 11, 1, 9, 30)


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
