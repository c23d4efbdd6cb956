"""Inspects an eval file or a log without storing it: what it is, how it is understood, what is missing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from faultmap_core.evals import EvalOptions, RowError
from faultmap_core.file_facts import FactsCollector, FileFacts
from faultmap_core.logs import LogOptions, time_of
from faultmap_core.metrics import Metric
from faultmap_core.prompts import prompt_id
from faultmap_core.readers import EvalBatch, read_eval_file, read_log_file
from faultmap_core.readers.formats import format_of
from faultmap_core.readers.frames import raw_table_rows
from faultmap_core.readers.log_formats import log_layout
from faultmap_core.readers.tabular import READ_ERRORS, file_error

FORMAT_NAMES: Mapping[str, str] = {
    "table": "a table with one answer a row",
    "inspect": "a log of Inspect AI",
    "lm-eval": "samples of lm-evaluation-harness",
    "helm": "a HELM run",
    "promptfoo": "results of promptfoo",
    "openai-evals": "a log of OpenAI evals",
    "every-eval-ever": "records of Every Eval Ever",
    "deepeval": "a test run of DeepEval",
    "ragas": "a table of Ragas",
    "langsmith": "an experiment of LangSmith",
    "mlflow": "a table of MLflow",
    "openai-batch": "the output of a batch API",
    "swe-bench": "a report of SWE-bench",
    "azure": "an evaluation of Azure AI",
    "promptfoo-csv": "a table of promptfoo",
    "mt-bench": "judgments of MT-Bench or Arena-Hard",
    "humaneval": "results of HumanEval or EvalPlus",
    "opencompass": "predictions of OpenCompass",
    "lighteval": "details of lighteval",
    "tau-bench": "runs of tau-bench",
    "swe-agent": "a trajectory of SWE-agent",
    "mmlu-pro": "answers of MMLU-Pro",
    "alpaca-eval": "annotations of AlpacaEval",
    "wide-table": "a table with a group of columns for each model",
    "rows": "a production log with one request a row",
    "spans": "spans of OpenTelemetry",
    "langfuse": "an export of Langfuse",
}
"""Format -> what it is in words."""

_SHOWN_FIELDS = (
    "example_id", "model", "input_text", "output_text", "score", "passed", "correct_answer", "timestamp", "session_id",
    "user_id",
)  # fmt: skip
# Formats whose rows have columns of their own; where the parts of a tool's log stand, the tool decides.
_TABLES = frozenset({"table", "deepeval", "ragas", "langsmith", "mlflow", "rows"})
_STAND_IN = "unnamed model"
_LOOKED_AT = 50
_MIN_SHARE = 0.5


@dataclass(frozen=True)
class FileInspection:
    """What a file looks like from outside.

    Attributes:
        path: the file.
        format: one of `evals.FORMATS`, or a layout of logs.
        facts: the counts over all rows.
        columns: our field -> the column that it was taken from, where the file has columns and one fits.
        other_columns: further columns, which become metadata.
        first_row: the first row as it would be stored.
        model_missing: rows that name no model and no option does.
        ids_missing: no row has an id of its own.
    """

    path: Path
    format: str
    facts: FileFacts
    columns: Mapping[str, str]
    other_columns: tuple[str, ...]
    first_row: Mapping[str, Any]
    model_missing: bool
    ids_missing: bool

    @property
    def format_name(self) -> str:
        """The format in words."""
        return FORMAT_NAMES.get(self.format, self.format)


def inspect_file(path: Path, options: EvalOptions) -> FileInspection:
    """Read a file whole, store nothing, and say what it holds.

    What no option says and the file does not either (a model's name, ids) is stood in for and reported as missing.

    Raises: EvalFileError as `read_eval_file` does, for what nothing can stand in for.
    """
    format_name, read = _opened(path, options)
    collector = FactsCollector()
    first: list[dict[str, Any]] = []
    for batch in read:
        collector.add(batch.rows, batch.rejected)
        first += batch.rows.slice(0, max(0, _LOOKED_AT - len(first))).to_pylist()
    facts = collector.facts()
    raw = dict(itertools.islice(_raw_rows(path, format_name), _LOOKED_AT))
    columns = column_sources(first, raw)
    # Other formats have ids, or take them from the prompts by themselves.
    needs_ids = format_name == "table" and not isinstance(options, LogOptions) and not options.generate_ids
    return FileInspection(
        path,
        format_name,
        facts,
        columns,
        tuple(sorted({str(name) for row in raw.values() for name in row} - set(columns.values()))),
        first[0] if first else {},
        options.model_name is None and _STAND_IN in facts.models,
        needs_ids and _ids_are_generated(first),
    )


def format_name(path: Path, options: EvalOptions) -> str:
    """Return how a file is read with these options: one of `FORMAT_NAMES`. Raises EvalFileError."""
    try:
        if isinstance(options, LogOptions):
            return log_layout(path, options)
        return options.format or format_of(path, options)
    except READ_ERRORS as error:
        raise file_error(path, error) from error


def _opened(path: Path, options: EvalOptions) -> tuple[str, Iterator[EvalBatch]]:
    """Return a file's format and its batches, read with a name for what may be missing."""
    name = format_name(path, options)
    if isinstance(options, LogOptions):
        return name, read_log_file(path, options)
    named = replace(options, model_name=options.model_name or _STAND_IN, generate_ids=True, format=name)
    return name, read_eval_file(path, named)


def column_sources(rows: Sequence[Mapping[str, Any]], raw: Mapping[int, Mapping[str, Any]]) -> dict[str, str]:
    """Find the column that each of our fields was taken from, by its values.

    Args: rows: as read, with their `line`; raw: line -> cells of the file.
    """
    sources: dict[str, str] = {}
    for name in _SHOWN_FIELDS:
        agreeing: dict[str, int] = {}
        filled = 0
        told = {str(row.get(name)) for row in rows}
        for row in rows:
            value, cells = row.get(name), raw.get(row["line"])
            if value is None or value == "" or cells is None:
                continue
            filled += 1
            for column, cell in cells.items():
                agreeing[str(column)] = agreeing.get(str(column), 0) + _same(value, cell)
        # A column of the field's own name goes before others that happen to hold the same.
        metrics = _metric_names(rows)
        best = max(agreeing, key=lambda column: (agreeing[column], column == name or column in metrics), default=None)
        # Of scores that are all the same, any column that holds that number would do: there the name decides.
        named = best == name or best in metrics
        if best is not None and agreeing[best] > _MIN_SHARE * filled and (named or len(told) > 1 or name != "score"):
            sources[name] = best
    return sources


def _metric_names(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the metrics that scored the rows: a tool's table has a column of that name."""
    return {Metric.from_json(text).name for text in {row.get("metric") for row in rows} if text}


def _same(value: Any, cell: Any) -> bool:
    if isinstance(value, str):
        return isinstance(cell, str | int | float) and str(cell).strip() == value.strip()
    if isinstance(cell, bool) != isinstance(value, bool) and not isinstance(cell, str):
        return False
    if isinstance(value, datetime):
        return _is_time(value, cell)
    try:
        return float(cell) == float(value)
    except (TypeError, ValueError):
        return str(cell).strip().casefold() == str(value).casefold()


def _is_time(value: datetime, cell: Any) -> bool:
    try:
        return time_of(cell).replace(tzinfo=None) == value
    except RowError:
        return False


def _raw_rows(path: Path, format_name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if format_name in _TABLES:
        for line, row in raw_table_rows(path, format_name):
            if not isinstance(row, RowError):
                yield line, row


def _ids_are_generated(rows: Sequence[Mapping[str, Any]]) -> bool:
    return bool(rows) and all(row["example_id"].partition("-")[0] == prompt_id(row["input_text"])[:16] for row in rows)
