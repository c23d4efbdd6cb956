"""Read the tables of DeepEval, Ragas, LangSmith and MLflow as eval rows.

These tools hand out a data frame, which people save as CSV, JSONL, JSON or Parquet. Its columns are recognised by their
names; `--map FIELD=COLUMN` wins over them. None of the tables names its model (`--model-name`), and where it has no
ids they come from the prompts, so that the tables of two models meet.
Sources: the columns of `EvaluationResult.to_pandas` (ragas 0.1 to 0.4), `ExperimentResults.to_pandas` (langsmith 0.2 to
0.6), `eval_results_table` (mlflow 2, pandas' `split` layout) and `result_df` (mlflow 3), and the test cases of
`.latest_test_run.json` (deepeval, under `testRunData` from version 1 on, there also as JSON inside of JSON).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faultmap_core.column_paths import MISSING, column_problem, value_at
from faultmap_core.errors import EvalFileError
from faultmap_core.evals import FIELDS, EvalOptions, RowError
from faultmap_core.readers import deepeval
from faultmap_core.readers.column_names import NAMES, has_outcome, is_own_table
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.frame_scores import SUCCESS, ScoreColumns, metric_error
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.raw_rows import NumberedRow, ScorerChoice, add_metadata, plain, set_error
from faultmap_core.readers.reconciliation import Tally, ToolSummary
from faultmap_core.readers.tabular import open_text, table_rows
from faultmap_core.unwrapping import unwrap_answer

_LANGSMITH_ONLY = frozenset({"inputs", "outputs", "reference_outputs"})
_MLFLOW_ONLY = re.compile(r"(?:.+/v\d+/(?:score|justification))|(?:.+/(?:value|rationale))")
_RAGAS_ONLY = frozenset(
    {
        "contexts", "retrieved_contexts", "faithfulness", "answer_relevancy",
        "context_precision", "context_recall", "answer_correctness", "answer_similarity",
    }
)  # fmt: skip
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
            "example_id": ("example_id", "sample_id", *NAMES["example_id"]),
            "input_text": ("user_input", "question"),
            "output_text": ("response", "answer"),
            "correct_answer": ("reference", "ground_truth", "ground_truths"),
        },
        passed_over=frozenset({"Unnamed: 0", "index", ""}),
    ),
    "deepeval": _Frame(
        {
            "example_id": ("name", "example_id", *NAMES["example_id"]),
            "input_text": ("input",),
            "output_text": ("actual_output", "actualOutput"),
            "correct_answer": ("expected_output", "expectedOutput", *NAMES["correct_answer"]),
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


def frame_of(columns: Collection[str]) -> str | None:
    """Return whose table has these columns; None where they are nobody's in particular.

    A table with an outcome under a name of its own (`score`, `passed`) is somebody's own, whatever else it holds: none
    of the tools writes one, but DeepEval, whose outcome is `success`.
    """
    names = set(columns)
    if names & {"actual_output", "actualOutput"} and "input" in names:
        is_own = has_outcome(names - {SUCCESS}) or names & {"accuracy", "correctness"}
        return None if is_own else "deepeval"
    if any(name.startswith("feedback.") for name in names):
        return "langsmith"
    if any(_MLFLOW_ONLY.fullmatch(name) for name in names) and not is_own_table(names):
        return "mlflow"
    if has_outcome(names):
        return None
    if names >= _LANGSMITH_ONLY:
        return "langsmith"
    asked_and_answered = "user_input" in names and "response" in names
    if asked_and_answered or (names & {"user_input", "question"} and names & _RAGAS_ONLY):
        return "ragas"
    return None


def frame_rows(
    path: Path, options: EvalOptions, name: str, account: LineAccount
) -> Generator[NumberedRow, None, list[ToolSummary]]:
    """Read the table of one of the four tools; raises EvalFileError where it has no column of prompts."""
    frame = _FRAMES[name]
    columns = ScoreColumns(
        name,
        frame.score,
        (raw for _, raw in raw_table_rows(path, name) if not isinstance(raw, RowError)),
        options.column_map.get("score"),
        {*frame.passed_over, *_own_columns(frame, options)},
    )
    scorers, tally = ScorerChoice(options.scorer, columns.order, sure=True), Tally()
    checked = False
    unseen, seen = set(options.column_map.values()), dict[str, None]()
    for line, raw in raw_table_rows(path, name, account):
        if isinstance(raw, RowError):
            yield line, raw
            continue
        if not checked:
            _check_prompts(path, frame, options, raw, name)
            checked = True
        if unseen:
            seen.update(dict.fromkeys(raw))
            unseen = {column for column in unseen if value_at(raw, column) is MISSING}
        try:
            scores, used = columns.of(raw)
            said = {"passed": scores[SUCCESS].passed} if SUCCESS in scores else {}
            tally.add(said, {name: plain(one) for name, one in scores.items()})
            yield line, _row(frame, options, raw, scores, used, scorers)
        except RecursionError:
            yield line, RowError("its values are nested too deeply")
    if unseen and seen:
        raise EvalFileError(f"{path}: {column_problem(min(unseen), list(seen))}")
    scorers.check(path)
    return deepeval.compared(path, tally) if name == "deepeval" else []


def document_rows(path: Path, account: LineAccount | None = None) -> Iterator[NumberedRow]:
    """Yield the rows of a JSON document: an array of objects, an object that holds one, or pandas' `split` layout.

    Args: account: counts them.
    """
    account = account or LineAccount()
    columns = _split_columns(path)
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
                    yield from _items(stream, account, columns)
        if not found:
            raise EvalFileError(
                f"{path}: expected an array of objects, or an object that holds one as {sorted(_LISTS)}"
            )


def _split_columns(path: Path) -> list[str] | None:
    """Return the columns of a table in pandas' `split` layout, None where the document is laid out otherwise."""
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        if stream.peek() != "{":
            return None
        for member in stream.members():
            if member == "columns" and stream.peek() == "[":
                columns = stream.value()
                return [str(name) for name in columns] if isinstance(columns, list) else None
    return None


def _items(stream: JsonStream, account: LineAccount, columns: Sequence[str] | None = None) -> Iterator[NumberedRow]:
    for position in stream.items():
        account.records += 1
        try:
            value = stream.value()
        except RowError as error:
            yield position + 1, error
            continue
        if columns is not None and isinstance(value, list):
            if len(value) == len(columns):
                yield position + 1, dict(zip(columns, value, strict=True))
            else:
                yield position + 1, RowError(f"{len(value)} values where `columns` names {len(columns)}")
        elif isinstance(value, dict):
            yield position + 1, value
        else:
            yield position + 1, RowError(f"a JSON {type(value).__name__}, expected an object")


def raw_table_rows(path: Path, name: str = "table", account: LineAccount | None = None) -> Iterator[NumberedRow]:
    """Yield the rows of a tool's table (CSV, JSONL, JSON, Parquet) as they are, whatever their columns."""
    if not path.name.lower().removesuffix(".gz").endswith(".json"):
        yield from table_rows(path, account=account)
    elif name == "deepeval" and deepeval.is_test_run(path):
        yield from deepeval.test_cases(path)
    else:
        yield from document_rows(path, account)


def _own_columns(frame: _Frame, options: EvalOptions) -> Iterator[str]:
    """Yield the columns that a field is read from."""
    for name in FIELDS:
        yield from _columns(frame, options, name)


def _check_prompts(path: Path, frame: _Frame, options: EvalOptions, raw: Mapping[str, Any], name: str) -> None:
    columns = _columns(frame, options, "input_text")
    if not any(_taken(raw, column) for column in columns):
        present = ", ".join(repr(str(column)[:60]) for column in list(raw)[:12])
        raise EvalFileError(
            f"{path}: no table of {name}: no column {' or '.join(columns)}; it has {present}. Use `--map input=COLUMN`"
        )


def _columns(frame: _Frame, options: EvalOptions, name: str) -> tuple[str, ...]:
    if name in options.column_map:
        return (options.column_map[name],)
    # None of the tools writes the model down; people do, when they put tables together.
    return frame.fields.get(name, ("model", *NAMES["model"]) if name == "model" and not options.model_name else (name,))


def _taken(raw: Mapping[str, Any], column: str) -> dict[str, Any]:
    """Return the row's values that a column name, or the beginning of several, stands for."""
    if column.endswith((".", "/")):
        return {name[len(column) :]: value for name, value in raw.items() if name.startswith(column)}
    value = value_at(raw, column)
    return {} if value is MISSING else {column: value}


def _row(
    frame: _Frame,
    options: EvalOptions,
    raw: Mapping[str, Any],
    scores: Mapping[str, Any],
    used: set[str],
    scorers: ScorerChoice,
) -> dict[str, Any]:
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
        "input_text": value_of("input_text"),
        "output_text": unwrap_answer(value_of("output_text")),
        "correct_answer": unwrap_answer(value_of("correct_answer")),
    }
    scorers.apply(row, scores)
    error = raw.get("error") or raw.get("run_error")
    if isinstance(error, str) and error.strip() and error.strip().lower() not in ("nan", "none", "null"):
        set_error(row, error)
    elif told := metric_error(raw):
        set_error(row, told)
    add_metadata(row, {name: value for name, value in raw.items() if name not in used and name != "error"}, "column")
    return row
