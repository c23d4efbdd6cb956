"""Read the CSV export of promptfoo (`-o results.csv`, or the web page's) as eval rows.

A line is a test; for each provider and prompt it has a column `[provider] prompt` with the output, followed by Status,
Score, Named Scores, `Metric: NAME`, Grader Reason and Comment (older exports: the output alone, which begins with
`[PASS]`, `[FAIL]` or `[ERROR]`). Each provider's output is a row. Status decides what passed; ERROR is no failure.
Source: https://github.com/promptfoo/promptfoo, `src/util/eval/evalTableUtils.ts` (0.119) and `src/csv.ts` (0.90).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, RowError, text_of
from faultmap_core.metrics import Metric
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.csv_records import CsvRecords
from faultmap_core.readers.outcomes import number_or_none, set_outcome
from faultmap_core.readers.parquet_rows import open_parquet, parquet_rows
from faultmap_core.readers.raw_rows import NumberedRow, ScorerChoice, add_metadata, set_error
from faultmap_core.readers.shapes import Shape
from faultmap_core.readers.tabular import dataset_of, open_text

_OUTPUT = re.compile(r"\[(?P<provider>[^\]]+)\] (?P<prompt>.*)", re.DOTALL)
_MARK = re.compile(r"\[(?P<status>PASS|FAIL|ERROR)\]\s?(?:\((?P<score>[\d.]+)\)\s)?", re.I)
_ABOUT_AN_OUTPUT = {"Status": "status", "Score": "score", "Named Scores": "named", "Grader Reason": "reason",
                    "Comment": "comment"}  # fmt: skip
_METRIC = "Metric: "
_NUMBERED = re.compile(r"(Status|Score|Named Scores|Metric: .*|Grader Reason|Comment)\.[0-9]+")
_VARIABLE = re.compile(r"\{\{-?\s*([\w.]+)(?:\s*\|[^}]*)?\s*-?\}\}")
_EXPECTED = ("__expected", "expected", "expected_output", "reference", "answer")
_PROMPTS = ("prompt", "query", "question", "input", "message")


def is_promptfoo_csv(shape: Shape) -> bool:
    """Say whether a table's columns are those of the export."""
    if not shape.in_table:
        return False
    # Older exports have no Status; providers are named `openai:gpt-4o`.
    outputs = any((found := _OUTPUT.fullmatch(key)) and ":" in found["provider"] for key in shape.keys)
    return outputs or {"Status", "Score", "Grader Reason"} <= shape.keys


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Iterator[NumberedRow]:
    """Read one export; a row's number counts the outputs along each line, line by line."""
    scorers = ScorerChoice(options.scorer)
    dataset = options.dataset_name or dataset_of(path)
    with _records(path, account) as (header, records):
        variables, outputs = _columns(header)
        if not outputs:
            raise EvalFileError(f"{path}: no export of promptfoo: no column `[provider] prompt` or Status in it")
        templates = list(dict.fromkeys(one.prompt for one in outputs))
        number, test = 0, 0
        for line, cells in records:
            test += 1
            if isinstance(cells, RowError):
                number += 1
                yield number, RowError(f"line {line}: {cells}")
                continue
            values = {name: cells[index] for name, index in variables.items()}
            for output in outputs:
                number += 1
                row = _row(output, cells, values)
                # A test is one example for all providers, each prompt template another.
                example_id = f"{test}-{templates.index(output.prompt)}" if len(templates) > 1 else str(test)
                row.update(dataset=dataset, example_id=example_id)
                _score(row, output, cells, options, scorers)
                yield number, row
    scorers.check(path)


@contextmanager
def _records(
    path: Path, account: LineAccount
) -> Iterator[tuple[list[str], Iterator[tuple[int, list[str] | RowError]]]]:
    """Open a table, CSV or Parquet, as its columns and the texts of its rows, each with its line or number."""
    if path.name.lower().endswith(".parquet"):
        with open_parquet(path) as parquet:
            yield parquet.schema_arrow.names, enumerate(_texts(parquet, account), start=1)
        return
    with open_text(path) as stream:
        records = CsvRecords(stream, str(path), account)
        yield records.header, iter(records)


def _texts(parquet: pq.ParquetFile, account: LineAccount) -> Iterator[list[str] | RowError]:
    for row in parquet_rows(parquet, account):
        try:
            yield [text_of(value, name) or "" for name, value in row.items()]
        except RowError as error:
            yield error


@dataclass(frozen=True)
class _Output:
    """One provider's columns: of its output, and what is said of it (`_ABOUT_AN_OUTPUT`, and named metrics)."""

    provider: str | None
    prompt: str
    column: int
    about: dict[str, int]
    metrics: dict[str, int]


def _columns(header: Sequence[str]) -> tuple[dict[str, int], list[_Output]]:
    """Return the variables' columns, and the outputs with what belongs to each."""
    variables: dict[str, int] = {}
    outputs: list[_Output] = []
    # pandas numbers columns of one name; every output has a Status.
    numbered = ((name, _NUMBERED.fullmatch(name)) for name in header)
    header = [found[1] if found and found[1] in header else name for name, found in numbered]
    for index, name in enumerate(header):
        found = _OUTPUT.fullmatch(name)
        follows = header[index + 1] if index + 1 < len(header) else ""
        if found or follows == "Status":
            provider, prompt = (found["provider"], found["prompt"]) if found else (None, name)
            outputs.append(_Output(provider, prompt, index, {}, {}))
        elif outputs and name in _ABOUT_AN_OUTPUT:
            outputs[-1].about.setdefault(_ABOUT_AN_OUTPUT[name], index)
        elif outputs and name.startswith(_METRIC):
            outputs[-1].metrics.setdefault(name.removeprefix(_METRIC), index)
        else:
            variables.setdefault(name, index)
    return variables, outputs


def _row(output: _Output, cells: Sequence[str], values: Mapping[str, str]) -> dict[str, Any]:
    said = cells[output.column]
    if "status" not in output.about:
        said = _MARK.sub("", said, count=1)
    expected = next((values[name] for name in _EXPECTED if values.get(name)), None)
    row: dict[str, Any] = {
        "model": output.provider,
        "input_text": _prompt(output.prompt, values),
        "output_text": said,
        "correct_answer": expected,
    }
    add_metadata(row, {name: value for name, value in values.items() if name and value}, "vars")
    return row


def _prompt(template: str, values: Mapping[str, str]) -> str:
    """Fill the variables in; a label that names none is followed by what varies."""
    filled = _VARIABLE.sub(lambda found: values.get(found[1], found[0]), template)
    if filled != template:
        return filled
    asked = next((values[name] for name in _PROMPTS if values.get(name)), None)
    given = [value for name, value in values.items() if value and name != "Description" and name not in _EXPECTED]
    return asked or "\n".join(given) or template


def _score(
    row: dict[str, Any], output: _Output, cells: Sequence[str], options: EvalOptions, scorers: ScorerChoice
) -> None:
    def about(name: str) -> str:
        return cells[output.about[name]].strip() if name in output.about else ""

    mark = _MARK.match(cells[output.column])
    status = about("status").upper() if "status" in output.about else (mark["status"].upper() if mark else "")
    passed = {"PASS": True, "FAIL": False}.get(status)
    score = number_or_none(about("score") or (mark and mark["score"]) or None)
    named = {name: number_or_none(cells[index]) for name, index in output.metrics.items()}
    for name, value in _named_scores(about("named")).items():
        named.setdefault(name, number_or_none(value))
    own = float(passed) if score is None and passed is not None else score
    scorers.apply(row, {"score": own, **{name: value for name, value in named.items() if value is not None}})
    chosen = scorers.chosen
    if chosen == "score":
        set_outcome(row, options, Metric("score", 0.0, 1.0), own, passed)
    elif row["score"] is not None:
        row["metric"] = Metric(str(chosen))
    if reason := about("reason"):
        row["scored_explanation"] = reason
    if comment := about("comment"):
        row["comment"] = comment
    if status == "ERROR":
        row["passed"] = None
        set_error(row, reason or cells[output.column] or "the provider failed")


def _named_scores(text: str) -> dict[str, Any]:
    try:
        named = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return named if isinstance(named, dict) else {}
