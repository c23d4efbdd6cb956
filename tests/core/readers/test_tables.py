"""Tables as anybody writes them: names of columns, paths into them, words for verdicts, scores of another range."""

from __future__ import annotations

import csv
import datetime
import decimal
import json
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import EvalOptions
from faultmap_core.data.log_table import LogOptions
from faultmap_core.readers import read_eval_file, read_log_file

OWN = ("example_id", "model", "input_text", "output_text")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows in the format that the path's suffix names."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(
                {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in row.items()}
                for row in rows
            )
    else:
        lines = [json.dumps(row) for row in rows]
        path.write_text(f"[{','.join(lines)}]" if path.suffix == ".json" else "\n".join(lines))
    return path


def read(path: Path, **options):
    batches = list(read_eval_file(path, EvalOptions(**options)))
    return (
        [row for batch in batches for row in batch.rows.to_pylist()],
        [row for batch in batches for row in batch.rejected],
    )


def problem(path: Path, **options) -> str:
    with pytest.raises(EvalFileError) as caught:
        read(path, **options)
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert "\n" not in told
    return told.removeprefix(f"{path}: ")


def own(**more: Any) -> dict[str, Any]:
    return {"example_id": "1", "model": "m", "input_text": "q", "output_text": "a", **more}


# Which column is what, as a person who reads its name would say.
NAMED = [
    ("id,question,answer,expected,passed", "id", "question", "answer", "expected"),
    ("ID,Question,Model Answer,Ground-Truth,is_correct", "ID", "Question", "Model Answer", "Ground-Truth"),
    ("question_id,prompt,completion,target,correct", "question_id", "prompt", "completion", "target"),
    ("sample_id,query,response,reference,grade", "sample_id", "query", "response", "reference"),
    ("id,instruction,output,label,score", "id", "instruction", "output", "label"),
    ("id,input,prediction,ground_truth,success", "id", "input", "prediction", "ground_truth"),
    ("id,question,response,answer,passed", "id", "question", "response", "answer"),
    ("id,question,output,answer,passed", "id", "question", "output", "answer"),
    ("id,question,answer,ground_truth,passed", "id", "question", "answer", "ground_truth"),
    ("task_id,problem,generation,solution,verdict", "task_id", "problem", "generation", "solution"),
    ("id,user_input,actual_output,expected_output,pass", "id", "user_input", "actual_output", "expected_output"),
]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet"])
@pytest.mark.parametrize(("names", "example_id", "prompt", "answer", "reference"), NAMED)
def test_names_that_anybody_would_use(tmp_path, suffix, names, example_id, prompt, answer, reference):
    columns = names.split(",")
    outcome = columns[-1]
    rows = [
        {name: f"{name} {n}" for name in columns} | {outcome: n % 2 if outcome in ("score", "grade") else n % 2 == 1}
        for n in range(4)
    ]
    found, rejected = read(write(tmp_path / f"t.{suffix}", rows), model_name="m")
    assert not rejected
    assert [(row["example_id"], row["input_text"], row["output_text"], row["correct_answer"]) for row in found] == [
        (f"{example_id} {n}", f"{prompt} {n}", f"{answer} {n}", f"{reference} {n}") for n in range(4)
    ]
    assert [row["score"] for row in found] == [0, 1, 0, 1]
    if outcome not in ("score", "grade"):
        assert [row["passed"] for row in found] == [False, True, False, True]


def test_own_names_and_the_map_go_before_other_names(tmp_path):
    row = own(question="not this", response="nor this", id="nor this", score=1, grade=0)
    (found,), _ = read(write(tmp_path / "t.jsonl", [row]))
    assert [found[name] for name in OWN] == ["1", "m", "q", "a"]
    assert found["score"] == 1
    named = {"input_text": "question", "output_text": "grade"}
    (found,), _ = read(write(tmp_path / "u.jsonl", [row]), column_map=named)
    assert (found["input_text"], found["output_text"]) == ("not this", "0")


def test_a_chosen_score_is_not_overruled_by_a_verdict(tmp_path):
    path = write(tmp_path / "t.csv", [own(faithfulness=0.9, passed_=1, correct="no")])
    (found,), _ = read(path, column_map={"score": "faithfulness"})
    assert (found["score"], found["passed"]) == (0.9, None)


@pytest.mark.parametrize("columns", [("output", "response"), ("prediction", "completion")])
def test_two_columns_that_could_be_the_answer_are_an_error(tmp_path, columns):
    rows = [{"id": n, "question": "q", "passed": 1, **{name: f"{name} {n}" for name in columns}} for n in range(3)]
    told = problem(write(tmp_path / "t.csv", rows), model_name="m")
    assert "could both be the model's answer; say which is: `--map output=COLUMN`" in told
    found, _ = read(tmp_path / "t.csv", model_name="m", column_map={"output_text": columns[1]})
    assert [row["output_text"] for row in found] == [f"{columns[1]} {n}" for n in range(3)]
    same = [{**row, columns[1]: row[columns[0]]} for row in rows]
    assert len(read(write(tmp_path / "u.csv", same), model_name="m")[0]) == 3


def test_an_instruction_with_an_input_is_an_error(tmp_path):
    rows = [{"id": 1, "instruction": "translate", "input": "word", "output": "mot", "passed": True}]
    assert "could both be the prompt" in problem(write(tmp_path / "t.csv", rows), model_name="m")


def test_what_stays_the_same_for_each_prompt_is_the_reference(tmp_path):
    # Two models, four prompts: `output` is the same for both, `answer` is each model's own.
    rows = [
        {"id": n, "model": model, "question": f"q {n}", "output": f"gold {n}", "answer": f"{model} says {n}",
         "passed": 1}
        for model in ("a", "b") for n in range(4)
    ]  # fmt: skip
    found, _ = read(write(tmp_path / "t.csv", rows))
    assert {row["output_text"] for row in found} == {f"{model} says {n}" for model in "ab" for n in range(4)}


@pytest.mark.parametrize(
    ("values", "passed", "reference"),
    [
        (["correct", "incorrect", "correct"], [True, False, True], None),
        (["yes", "no", "no"], [None] * 3, ["yes", "no", "no"]),
        (["A", "B", "C"], [None] * 3, ["A", "B", "C"]),
    ],
)
def test_a_label_is_a_verdict_or_a_reference_by_its_content(tmp_path, values, passed, reference):
    rows = [{"id": n, "question": "q", "answer": "a", "label": value} for n, value in enumerate(values)]
    found, _ = read(write(tmp_path / "t.csv", rows), model_name="m")
    assert [row["passed"] for row in found] == passed
    assert [row["correct_answer"] for row in found] == (reference or [None] * 3)


@pytest.mark.parametrize(
    ("values", "field"), [(["yes", "no"], "passed"), (["Paris", "Rome"], "correct_answer"), ([0.25, 0.5], "score")]
)
def test_correct_is_a_verdict_the_correct_answer_or_a_score(tmp_path, values, field):
    rows = [{"id": n, "question": "q", "response": "a", "correct": value} for n, value in enumerate(values)]
    found, _ = read(write(tmp_path / "t.jsonl", rows), model_name="m")
    expected = [True, False] if field == "passed" else values
    assert [row[field] for row in found] == expected


def test_the_id_that_models_share_is_the_id(tmp_path):
    rows = [
        {"id": n + 10 * (model == "b"), "question_id": f"q{n}", "task_id": "sums", "model": model, "question": "q",
         "response": "a", "passed": True}
        for model in ("a", "b") for n in range(4)
    ]  # fmt: skip
    found, _ = read(write(tmp_path / "t.csv", rows))
    assert {row["example_id"] for row in found} == {"q0", "q1", "q2", "q3"}


def test_grades_that_are_no_numbers_are_no_scores(tmp_path):
    rows = [{"id": n, "question": "q", "answer": "a", "grade": grade} for n, grade in enumerate(["A+", "B", "C"])]
    found, _ = read(write(tmp_path / "t.csv", rows), model_name="m")
    assert [row["score"] for row in found] == [None] * 3
    letters = [own(example_id=str(n), score=grade) for n, grade in enumerate("ABCF")]
    assert "scores are letters (A, B, C, F)" in problem(write(tmp_path / "u.csv", letters))


def test_logs_have_names_of_their_own(tmp_path):
    row = {"created_at": "2026-01-05T10:00:00", "query": "why?", "answer": "so", "user": "u", "request_id": "r"}
    for suffix in ("csv", "jsonl", "parquet"):
        batches = list(read_log_file(write(tmp_path / f"l.{suffix}", [row]), LogOptions()))
        (found,) = [row for batch in batches for row in batch.rows.to_pylist()]
        assert (found["input_text"], found["output_text"], found["user_id"], found["example_id"], found["day"]) == (
            "why?", "so", "u", "r", "2026-01-05",
        )  # fmt: skip


CHAT = {"id": "1", "model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q?"}],
        "choices": [{"text": "a!", "a.b": {"c": [[7, 8]]}}], "meta": {"score": 1}}  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet"])
@pytest.mark.parametrize(
    ("prompt", "answer"),
    [("messages.1.content", "choices[0].text"), ("messages[-1].content", "choices.0.text"),
     ("messages[1][content]", "choices[0].a.b.c[0][1]")],
)  # fmt: skip
def test_the_map_takes_paths(tmp_path, suffix, prompt, answer):
    columns = {"input_text": prompt, "output_text": answer, "score": "meta.score"}
    path = write(tmp_path / f"t.{suffix}", [CHAT])
    if prompt == "messages[1][content]":
        assert "no column 'messages[1][content]' in any row" in problem(path, column_map=columns)
        return
    (found,), _ = read(path, column_map=columns)
    assert (found["input_text"], found["output_text"], found["score"]) == ("q?", "a!", 1.0)


def test_a_key_may_hold_dots(tmp_path):
    (found,), _ = read(write(tmp_path / "t.jsonl", [CHAT]), column_map={"output_text": "choices[0].a.b.c[0][1]"})
    assert found["output_text"] == "8"
    row = own() | {"inputs.question": "dotted"}
    (found,), _ = read(write(tmp_path / "u.csv", [row]), column_map={"input_text": "inputs.question"})
    assert found["input_text"] == "dotted"


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet"])
def test_a_mapped_column_that_no_row_has_is_an_error_with_the_nearest_names(tmp_path, suffix):
    path = write(tmp_path / f"t.{suffix}", [own(reference_text="r", example_id=str(n)) for n in range(300)])
    told = problem(path, column_map={"correct_answer": "refrence_text"})
    assert "no column 'refrence_text' in any row; did you mean 'reference_text'" in told
    assert "no column 'meta.x' in any row" in problem(path, column_map={"correct_answer": "meta.x"})


@pytest.mark.parametrize("name", ["ragas", "lm-eval", "promptfoo"])
def test_a_mapped_column_that_no_row_of_a_tool_has_is_an_error(tmp_path, name):
    from tests.log_files import lm_eval_sample, promptfoo_result, write_lm_eval, write_promptfoo

    path = {
        "ragas": lambda: write(tmp_path / "r.csv", [{"user_input": "q", "response": "a", "faithfulness": 1}]),
        "lm-eval": lambda: write_lm_eval(tmp_path, lm_eval_sample(0)),
        "promptfoo": lambda: write_promptfoo(tmp_path / "p.json", promptfoo_result(0)),
    }[name]()
    assert "no column 'nosuch' in any row" in problem(
        path, format=name, model_name="m", column_map={"correct_answer": "nosuch"}
    )


WORDS = {
    True: ["pass", "Passed", "CORRECT", "right", "yes", "true", "C", "Y", "t", " success ", "✓", True],
    False: ["fail", "FAILED", "incorrect", "Wrong", "no", "False", "i", "N", "f", "failure", "❌", False],
}


@pytest.mark.parametrize(("passed", "word"), [(passed, word) for passed, words in WORDS.items() for word in words])
@pytest.mark.parametrize("column", ["score", "passed"])
def test_words_are_verdicts(tmp_path, passed, word, column):
    (found,), _ = read(write(tmp_path / "t.jsonl", [own(**{column: word})]), default_score_range=(1.0, 5.0))
    assert (found["passed"], found["score"]) == (passed, 5.0 if passed else 1.0)


@pytest.mark.parametrize(
    ("value", "bounds", "score"),
    [("85%", (0, 1), 0.85), ("85 %", (0, 100), 85), ("12,5%", (0, 1), 0.125), ("100%", (1, 5), 5), ("0%", (1, 5), 1)],
)
def test_percentages_are_shares_of_the_range(tmp_path, value, bounds, score):
    (found,), _ = read(write(tmp_path / "t.jsonl", [own(score=value)]), default_score_range=bounds)
    assert found["score"] == pytest.approx(score)
    assert found["passed"] is None


def test_where_lower_is_better_a_word_keeps_its_meaning(tmp_path):
    # "yes" says that what the metric measures is there; "pass" says that the answer is good.
    rows = [own(example_id=str(n), score=word) for n, word in enumerate(["yes", "no", "pass", "fail"])]
    found, _ = read(write(tmp_path / "t.csv", rows), default_higher_is_better=False)
    assert [(row["score"], row["passed"]) for row in found] == [(1, False), (0, True), (0, True), (1, False)]


def scored(*scores: float | str) -> list[dict[str, Any]]:
    return [own(example_id=str(n), score=score) for n, score in enumerate(scores)]


@pytest.mark.parametrize(
    ("scores", "told"),
    [
        ([1, 2, 3, 4, 5] * 10, ("scores run from 1 to 5", "[1, 5]")),
        ([10, 9, 1, 1, 1, 1], ("scores run from 1 to 10", "[1, 10]")),
        ([0, 50, 100], ("scores run from 0 to 100", "[0, 100]")),
        ([-1, 0, 1] * 30, ("scores run from -1 to 1", "[-1, 1]")),
        ([1] * 97 + [5] * 3, ("scores run from 1 to 5", "[1, 5]")),
        ([7.5], ("scores run from 7.5 to 7.5", "[1, 10]")),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "parquet"])
def test_scores_of_another_range_are_the_file_s_problem(tmp_path, suffix, scores, told):
    found = problem(write(tmp_path / f"quiz.{suffix}", scored(*map(float, scores))))
    assert found.startswith(told[0])
    assert f'set score_range, in faultmap.yaml: datasets: {{"quiz": {{score_range: {told[1]}}}}}' in found
    assert "nothing of the file is stored" in found


def test_the_range_that_is_advised_reads_the_file(tmp_path):
    path = write(tmp_path / "quiz.csv", scored(1, 2, 5))
    rows, rejected = read(path, score_ranges={"quiz": (1.0, 5.0)})
    assert ([row["score"] for row in rows], rejected) == ([1, 2, 5], [])


@pytest.mark.parametrize("outliers", [1, 3])
def test_lone_outliers_are_their_rows_problem(tmp_path, outliers):
    rows, rejected = read(write(tmp_path / "quiz.csv", scored(*[0, 1] * 150, *[7] * outliers)))
    assert (len(rows), len(rejected)) == (300, outliers)
    assert "score 7 is outside of [0, 1]" in rejected[0].reason
    assert len(read(write(tmp_path / "few.csv", scored(*[1] * 19, 7)))[1]) == 1
    assert "scores run from 1 to 7" in problem(write(tmp_path / "fewer.csv", scored(*[1] * 18, 7)))


def test_rounding_is_no_problem(tmp_path):
    rows, rejected = read(write(tmp_path / "quiz.jsonl", scored(1.0000001, -1e-9, 0.5, 1.0000000000000002)))
    assert ([row["score"] for row in rows], rejected) == ([1, 0, 0.5, 1], [])
    assert "scores run from" in problem(write(tmp_path / "more.jsonl", scored(1.001, 1.001)))


def test_an_infinite_score_says_nothing_of_the_range(tmp_path):
    rows, rejected = read(write(tmp_path / "quiz.csv", scored("inf", 1, "-inf", 0)))
    assert (len(rows), len(rejected)) == (2, 2)


def test_the_scores_of_a_log_have_a_range_of_their_own(tmp_path):
    rows = [{"timestamp": "2026-01-05", "prompt": f"q {n}", "score": n % 5 + 1} for n in range(20)]
    with pytest.raises(EvalFileError, match=r"scores run from 1 to 5.*logs: \{score_range: \[1, 5\]\}"):
        list(read_log_file(write(tmp_path / "l.csv", rows), LogOptions()))


def parquet_columns() -> dict[str, pa.Array]:
    """Four rows; the last three of each column Python cannot hold."""
    days = pa.array([0, 2**31 - 1, -(2**31) + 1, 10**9], pa.int32()).cast(pa.date32())
    seconds = pa.array([0, 10**15, -(10**15), 2**53]).cast(pa.timestamp("ms"))
    broken = pa.StringArray.from_buffers(
        4, pa.py_buffer(struct.pack("<5i", 0, 1, 3, 4, 5)), pa.py_buffer(b"a\xff\xfe\xff\xff")
    )
    return {
        "days": days,
        "seconds": seconds,
        "nested": pa.ListArray.from_arrays(pa.array([0, 1, 2, 3, 4], pa.int32()), days),
        "inside": pa.StructArray.from_arrays([days], ["day"]),
        "broken": broken,
        "span": pa.array([0, 2**62, -(2**62), 2**61]).cast(pa.duration("ms")),
        "exact": pa.array([decimal.Decimal("1.5")] * 4, pa.decimal128(38, 10)),
        "bytes": pa.array([b"a", b"\xff", b"\xfe", b""]),
    }


@pytest.mark.parametrize("column", list(parquet_columns()))
@pytest.mark.parametrize("field", [None, "output_text", "correct_answer"])
def test_a_value_that_python_refuses_costs_its_cell(tmp_path, column, field):
    rows = pa.Table.from_pylist([own(example_id=str(n)) for n in range(4)])
    rows = rows.append_column(column, parquet_columns()[column])
    path = tmp_path / "t.parquet"
    pq.write_table(rows, path)
    found, rejected = read(path, **({"column_map": {field: column}} if field else {"generate_ids": True}))
    assert (len(found), rejected) == (4, [])
    assert found[0]["input_text"] == "q"


def test_dates_and_bytes_are_texts(tmp_path):
    path = write(
        tmp_path / "t.parquet", [own(output_text=datetime.date(2026, 1, 5), correct_answer="caf\u00e9".encode())]
    )
    (found,), _ = read(path)
    assert (found["output_text"], found["correct_answer"]) == ("2026-01-05", "café")


def test_bytes_that_are_no_text_cost_their_cell(tmp_path):
    # Invalid UTF-8 in a column of texts: Arrow writes it, Python cannot read it.
    table = pa.table(
        {name: parquet_columns()["broken"] if name == "output_text" else ["1", "2", "3", "4"] for name in OWN}
    )
    pq.write_table(table, tmp_path / "t.parquet")
    found, rejected = read(tmp_path / "t.parquet")
    assert [row["output_text"] for row in found] == ["a", "\ufffd\ufffd", "\ufffd", "\ufffd"]
    assert not rejected


def test_a_damaged_page_is_an_error(tmp_path):
    table = pa.table({name: [f"{name} {n}" for n in range(5_000)] for name in OWN})
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 40] = b"\xff" * 40
    path.write_bytes(bytes(content))
    assert problem(path)
