"""How do the tables of DeepEval, Ragas, LangSmith and MLflow become eval rows?

These tools hand out a data frame, which people save as CSV, JSONL, JSON or Parquet. Its columns are recognised by their
names; `--map FIELD=COLUMN` wins over them. None of the tables names its model (`--model-name`), and where it has no
ids they come from the prompts, so that the tables of two models meet.
Sources: the columns of `EvaluationResult.to_pandas` (ragas 0.1 to 0.4), `ExperimentResults.to_pandas` (langsmith 0.2 to
0.6), `eval_results_table` (mlflow 2) and `result_df` (mlflow 3), and `testCases` of `.latest_test_run.json` (deepeval).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faultmap_core.column_paths import MISSING, column_problem, value_at
from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, RowError
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.messages import answered, asked
from faultmap_core.readers.raw_rows import NumberedRow, ScorerChoice, add_metadata, named_scores, set_error
from faultmap_core.readers.tabular import open_text, table_rows

# What documents put their rows into.
_LISTS = frozenset({"testCases", "test_cases", "test_results", "testResults", "results", "data", "rows"})


@dataclass(frozen=True)
class _Frame:
    """The columns of one tool's table.

    Attributes:
        fields: our field -> columns, the likeliest first; a name that ends in `.` stands for all that begin so.
        score: how a score's column is named, with a group `name`; None takes every further column of numbers.
        passed_over: columns of numbers that are no scores.
    """

    fields: Mapping[str, tuple[str, ...]]
    score: re.Pattern[str] | None = None
    passed_over: frozenset[str] = field(default_factory=frozenset)


_FRAMES: Mapping[str, _Frame] = {
    "ragas": _Frame(
        {
            "example_id": ("example_id", "sample_id", "id"),
            "input_text": ("user_input", "question"),
            "output_text": ("response", "answer"),
            "correct_answer": ("reference", "ground_truth", "ground_truths"),
        },
        passed_over=frozenset({"Unnamed: 0", "index", ""}),
    ),
    "deepeval": _Frame(
        {
            "example_id": ("name",),
            "input_text": ("input",),
            "output_text": ("actual_output", "actualOutput"),
            "correct_answer": ("expected_output", "expectedOutput"),
        },
        re.compile(r"(?P<name>score|success)|(?:metric|score)[._](?P<metric>.+)"),
    ),
    "langsmith": _Frame(
        {
            "example_id": ("example_id", "reference_example_id"),
            "input_text": ("inputs.", "inputs", "input"),
            "output_text": ("outputs.", "outputs", "output"),
            "correct_answer": ("reference.", "reference_outputs.", "reference"),
        },
        re.compile(r"feedback\.(?P<name>.+)"),
    ),
    "mlflow": _Frame(
        {
            "example_id": ("example_id", "dataset_record_id"),
            "input_text": ("inputs", "request", "inputs/", "question"),
            "output_text": ("outputs", "response", "predictions", "output"),
            "correct_answer": ("expected_response/value", "targets", "ground_truth", "expectations"),
        },
        re.compile(r"(?P<name>(?!expected_).+?)(?:/v\d+)?/(?:score|value)"),
    ),
}


def frame_rows(path: Path, options: EvalOptions, name: str) -> Iterator[NumberedRow]:
    """Read the table of one of the four tools; raises EvalFileError where it has no column of prompts."""
    frame = _FRAMES[name]
    scorers = ScorerChoice(options.scorer)
    checked = False
    unseen, columns = set(options.column_map.values()), dict[str, None]()
    for line, raw in _raw_rows(path):
        if isinstance(raw, RowError):
            yield line, raw
            continue
        if not checked:
            _check_prompts(path, frame, options, raw, name)
            checked = True
        if unseen:
            columns.update(dict.fromkeys(raw))
            unseen = {column for column in unseen if value_at(raw, column) is MISSING}
        try:
            yield line, _row(frame, options, raw, scorers)
        except RecursionError:
            yield line, RowError("its values are nested too deeply")
    if unseen and columns:
        raise EvalFileError(f"{path}: {column_problem(min(unseen), list(columns))}")
    scorers.check(path)


def document_rows(path: Path, account: LineAccount | None = None) -> Iterator[NumberedRow]:
    """Yield the rows of a JSON document: an array of objects, or an object that holds one; `account` counts them."""
    account = account or LineAccount()
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        if stream.peek() == "[":
            yield from _items(stream, account)
            return
        found = False
        if stream.peek() == "{":
            for member in stream.members():
                if member in _LISTS and stream.peek() == "[" and not found:
                    found = True
                    yield from _items(stream, account)
        if not found:
            raise EvalFileError(
                f"{path}: expected an array of objects, or an object that holds one as {sorted(_LISTS)}"
            )


def _items(stream: JsonStream, account: LineAccount) -> Iterator[NumberedRow]:
    for position in stream.items():
        account.records += 1
        try:
            value = stream.value()
        except RowError as error:
            yield position + 1, error
            continue
        if isinstance(value, dict):
            yield position + 1, value
        else:
            yield position + 1, RowError(f"a JSON {type(value).__name__}, expected an object")


def _raw_rows(path: Path) -> Iterator[NumberedRow]:
    if path.name.lower().removesuffix(".gz").endswith(".json"):
        yield from document_rows(path)
    else:
        yield from table_rows(path)


def _check_prompts(path: Path, frame: _Frame, options: EvalOptions, raw: Mapping[str, Any], name: str) -> None:
    columns = _columns(frame, options, "input_text")
    if not any(_taken(raw, column) for column in columns):
        present = ", ".join(repr(str(column)[:60]) for column in list(raw)[:12])
        raise EvalFileError(
            f"{path}: no table of {name}: no column {' or '.join(columns)}; it has {present}. Use `--map input=COLUMN`"
        )


def _columns(frame: _Frame, options: EvalOptions, name: str) -> tuple[str, ...]:
    return (options.column_map[name],) if name in options.column_map else frame.fields.get(name, (name,))


def _taken(raw: Mapping[str, Any], column: str) -> dict[str, Any]:
    """Return the row's values that a column name, or the beginning of several, stands for."""
    if column.endswith((".", "/")):
        return {name[len(column) :]: value for name, value in raw.items() if name.startswith(column)}
    value = value_at(raw, column)
    return {} if value is MISSING else {column: value}


def _row(frame: _Frame, options: EvalOptions, raw: Mapping[str, Any], scorers: ScorerChoice) -> dict[str, Any]:
    used: set[str] = set()

    def value_of(name: str) -> Any:
        for column in _columns(frame, options, name):
            if values := _taken(raw, column):
                used.update(key for key in raw if key == column or (column[-1:] in "./" and key.startswith(column)))
                return next(iter(values.values())) if len(values) == 1 else values
        return None

    row: dict[str, Any] = {
        "dataset": value_of("dataset"),
        "model": value_of("model"),
        "example_id": value_of("example_id"),
        "epoch": value_of("epoch"),
        "input_text": asked(value_of("input_text")),
        "output_text": answered(value_of("output_text")),
        "correct_answer": answered(value_of("correct_answer")),
    }
    scores = _scores(frame, options, raw, used)
    scorers.apply(row, scores)
    error = raw.get("error") or raw.get("run_error")
    if isinstance(error, str) and error.strip() and error.strip().lower() not in ("nan", "none", "null"):
        set_error(row, error)
    add_metadata(row, {name: value for name, value in raw.items() if name not in used and name != "error"}, "column")
    return row


def _scores(frame: _Frame, options: EvalOptions, raw: Mapping[str, Any], used: set[str]) -> dict[str, Any]:
    if "score" in options.column_map:
        used.add(options.column_map["score"])
        return {options.column_map["score"]: raw.get(options.column_map["score"])}
    scores: dict[str, Any] = _metrics_data(raw, used)
    for column, value in raw.items():
        if column in used or column in frame.passed_over:
            continue
        if frame.score is None:
            if _is_number(value):
                scores[column] = value
                used.add(column)
        elif found := frame.score.fullmatch(column):
            name = found.groupdict().get("metric") or found["name"]
            # DeepEval's verdicts are truth values, MLflow's "yes" and "no".
            scores.update(named_scores(name, value) if not isinstance(value, Mapping | list) else {})
            used.add(column)
    return scores


def _metrics_data(raw: Mapping[str, Any], used: set[str]) -> dict[str, Any]:
    """Return the scores of DeepEval's metrics, which stand in one column as a list of objects."""
    scores = {}
    for column in ("metrics_data", "metricsData"):
        listed = raw.get(column)
        if isinstance(listed, str):
            try:
                listed = json.loads(listed)
            except (ValueError, RecursionError):
                continue
        for metric in listed if isinstance(listed, list) else []:
            if isinstance(metric, dict) and isinstance(name := metric.get("name"), str):
                scores[name] = metric.get("score")
                used.add(column)
    return scores


def _is_number(value: Any) -> bool:
    if isinstance(value, bool | int | float):
        return True
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
