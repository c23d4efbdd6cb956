"""Tables of people's own are read as tables, however much their columns remind of a tool's."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from faultmap_core.data.eval_table import EvalOptions
from faultmap_core.readers import read_eval_file
from faultmap_core.readers.formats import format_of

# Name: columns, then which of them hold id, prompt, answer and outcome; the others are of tools' files.
TABLES = {
    "humaneval": ("task_id model prompt completion passed", "task_id", "prompt", "completion", "passed"),
    "humaneval code": ("task_id model question solution response passed", "task_id", "question", "response", "passed"),
    "judge beside the model": (
        "id model prompt model_output model_version judge_output judge_score score",
        "id", "prompt", "model_output", "score",
    ),
    "no system": (
        "id question response first_answer first_answer_score second_answer second_answer_score model score",
        "id", "question", "response", "score",
    ),
    "names of models": (
        "id model_name question llm_answer llm_model judge_answer judge_label score",
        "id", "question", "llm_answer", "score",
    ),
    "tools of an agent": (
        "id model input agent_response agent_name tool_response tool_name passed",
        "id", "input", "agent_response", "passed",
    ),
    "mt-bench": ("question_id model prompt response judgment score", "question_id", "prompt", "response", "score"),
    "options": ("question_id model_id question choices answer score", "question_id", "question", "answer", "score"),
    "mmlu-pro": (
        "question_id question options answer_index pred model response is_correct",
        "question_id", "question", "response", "is_correct",
    ),
    "batch": ("custom_id id model prompt response error score", "id", "prompt", "response", "score"),
    "lighteval": ("id model prompt doc metric model_response score", "id", "prompt", "model_response", "score"),
    "tau-bench": ("task_id model prompt output traj reward", "task_id", "prompt", "output", "reward"),
    "alpaca": (
        "id model instruction output_1 output_2 preference output score", "id", "instruction", "output", "score",
    ),
    "l-eval": ("id model query gt model_pred response score", "id", "query", "response", "score"),
    "evalplus": ("id model prompt output eval hash date score", "id", "prompt", "output", "score"),
    "rag": ("id model question contexts answer ground_truth score", "id", "question", "answer", "score"),
    "rag, words": ("id model_name user_input response confidence passed", "id", "user_input", "response", "passed"),
    "a metric of ragas": ("id llm question context_recall answer is_correct", "id", "question", "answer", "is_correct"),
    "deepeval": ("id model input actual_output expected_output passed", "id", "input", "actual_output", "passed"),
    "deepeval, a score": ("id llm input actual_output accuracy", "id", "input", "actual_output", "accuracy"),
    "langsmith": (
        "id model inputs outputs reference_outputs input output score", "id", "input", "output", "score",
    ),
    "mlflow": ("id model prompt output config/value score", "id", "prompt", "output", "score"),
}  # fmt: skip
VERDICTS = ("passed", "is_correct")


def rows_of(columns: str, prompt: str, outcome: str) -> list[dict[str, object]]:
    rows = []
    for number in range(12):
        row: dict[str, object] = {name: f"{name} {number}" for name in columns.split()}
        for name in row:
            if name in ("model", "model_name", "model_id", "llm"):
                row[name] = "gpt-x"
            elif name in ("judge_score", "first_answer_score", "second_answer_score", "confidence", "context_recall"):
                row[name] = number / 50
        row[prompt] = f"what is {number}, really?"
        row[outcome] = number % 3 == 0 if outcome in VERDICTS else number / 16
        rows.append(row)
    return rows


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet"])
@pytest.mark.parametrize("name", TABLES)
def test_a_table_with_columns_like_a_tools_is_a_table(tmp_path: Path, name: str, ending: str) -> None:
    columns, identity, prompt, answer, outcome = TABLES[name]
    rows, path = rows_of(columns, prompt, outcome), tmp_path / f"t.{ending}"
    if ending == "csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    elif ending == "parquet":
        pd.DataFrame(rows).to_parquet(path, index=False)
    else:
        lines = [json.dumps(row) for row in rows]
        path.write_text("\n".join(lines) if ending == "jsonl" else f"[{','.join(lines)}]")
    assert format_of(path) == "table"
    found = [row for batch in read_eval_file(path, EvalOptions()) for row in batch.rows.to_pylist()]
    names = ("example_id", "model", "input_text", "output_text", "score")
    assert [tuple(row[name] for name in names) for row in found] == [
        (row[identity], "gpt-x", row[prompt], row[answer], float(row[outcome])) for row in rows
    ]


def test_a_tools_table_with_a_model_written_beside_it_keeps_its_scores(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    pd.DataFrame(
        [{"qid": f"q{n}", "model_name": "gpt-x", "user_input": f"q {n}?", "response": "", "faithfulness": n / 4}
         for n in range(4)]
    ).to_csv(path, index=False)  # fmt: skip
    found = [row for batch in read_eval_file(path, EvalOptions()) for row in batch.rows.to_pylist()]
    assert format_of(path) == "ragas"
    assert [(row["example_id"], row["model"], row["score"]) for row in found] == [
        (f"q{n}", "gpt-x", n / 4) for n in range(4)
    ]
