"""Inspects an eval file or a log without storing it: what it is, how it is understood, what is missing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from faultmap_core.decimal_commas import decimal_comma
from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, RowError
from faultmap_core.file_facts import FactsCollector, FileFacts
from faultmap_core.logs import LogOptions, time_of
from faultmap_core.metrics import Metric
from faultmap_core.prompts import prompt_id
from faultmap_core.readers import EvalBatch, read_eval_file, read_log_file
from faultmap_core.readers.formats import format_of
from faultmap_core.readers.frames import raw_table_rows
from faultmap_core.readers.log_formats import log_layout
from faultmap_core.readers.tabular import READ_ERRORS, file_error, table_header

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
_ANY_RANGE = (-1e300, 1e300)


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
        decimal_commas: scores are written with decimal commas.
        refusal: why an audit would store nothing of the file, and what to do about it; empty where it would.
        raw_row: the first row as it stands in the file, where it has columns.
    """

    path: Path
    format: str
    facts: FileFacts
    columns: Mapping[str, str]
    other_columns: tuple[str, ...]
    first_row: Mapping[str, Any]
    model_missing: bool
    ids_missing: bool
    decimal_commas: bool = False
    refusal: str = ""
    raw_row: Mapping[str, Any] = field(default_factory=dict)

    @property
    def format_name(self) -> str:
        """The format in words."""
        return FORMAT_NAMES.get(self.format, self.format)


def inspect_file(path: Path, options: EvalOptions) -> FileInspection:
    """Read a file whole, store nothing, and say what it holds.

    What no option says and the file does not either (a model's name, ids) is stood in for and reported as missing. A
    file that an audit would refuse is shown as far as it can be read, with the reason.

    Raises: EvalFileError where nobody can tell what the file is.
    """
    name = format_name(path, options)
    raw = _raw_rows(path, name)
    facts, first, refusal = _read(path, options, name)
    if refusal:
        # Scores of another range refuse all of their rows: what else the file holds is seen with any range allowed.
        wide = replace(options, score_ranges={}, default_score_range=_ANY_RANGE)
        seen, shown, trouble = _read(path, wide, name)
        if trouble:
            # Nothing stands in for what is missing here, so that all of it is named at once.
            refusal = _read(path, options, name, stand_in=False)[2] or refusal
        else:
            facts, first = seen, shown
    columns = column_sources(first, raw)
    # Other formats have ids, or take them from the prompts by themselves.
    needs_ids = name == "table" and not isinstance(options, LogOptions) and not options.generate_ids
    scores = [row.get(columns["score"]) for row in raw.values()] if "score" in columns else []
    return FileInspection(
        path,
        name,
        facts,
        columns,
        _others(path, name, raw, columns),
        first[0] if first else {},
        options.model_name is None and _STAND_IN in facts.models,
        needs_ids and _ids_are_generated(first),
        any(decimal_comma(score) is not None for score in scores),
        refusal,
        next(iter(raw.values()), {}),
    )


def _others(
    path: Path, format_name: str, raw: Mapping[int, Mapping[str, Any]], columns: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the columns that are no field; of a table of which no row can be read, those of its header."""
    names = {str(column) for row in raw.values() for column in row}
    if not names and format_name in _TABLES:
        try:
            names = set(table_header(path))
        except (EvalFileError, *READ_ERRORS):
            names = set()
    return tuple(sorted(names - set(columns.values())))


def _read(
    path: Path, options: EvalOptions, format_name: str, *, stand_in: bool = True
) -> tuple[FileFacts, list[dict[str, Any]], str]:
    """Return the facts of a file and its first rows, as far as they were read, and why not further.

    Args: stand_in: read with a name for a model and ids that may be missing.
    """
    collector = FactsCollector()
    first: list[dict[str, Any]] = []
    refusal = ""
    try:
        for batch in _opened(path, _named(options) if stand_in else options, format_name):
            collector.add(batch.rows, batch.rejected)
            first += batch.rows.slice(0, max(0, _LOOKED_AT - len(first))).to_pylist()
    except EvalFileError as error:
        refusal = str(error).removeprefix(f"{path}: ").removesuffix("; nothing of the file is stored")
    return collector.facts(), first, refusal


def format_name(path: Path, options: EvalOptions) -> str:
    """Return how a file is read with these options: one of `FORMAT_NAMES`. Raises EvalFileError."""
    try:
        if isinstance(options, LogOptions):
            return log_layout(path, options)
        return options.format or format_of(path, options)
    except READ_ERRORS as error:
        raise file_error(path, error) from error


def _opened(path: Path, options: EvalOptions, format_name: str) -> Iterator[EvalBatch]:
    if isinstance(options, LogOptions):
        return read_log_file(path, options)
    return read_eval_file(path, replace(options, format=format_name))


def _named(options: EvalOptions) -> EvalOptions:
    if isinstance(options, LogOptions):
        return options
    return replace(options, model_name=options.model_name or _STAND_IN, generate_ids=True)


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
    decimal = decimal_comma(cell)
    try:
        return float(cell if decimal is None else decimal) == float(value)
    except (TypeError, ValueError):
        return str(cell).strip().casefold() == str(value).casefold()


def _is_time(value: datetime, cell: Any) -> bool:
    try:
        return time_of(cell).replace(tzinfo=None) == value
    except RowError:
        return False


def _raw_rows(path: Path, format_name: str) -> dict[int, Mapping[str, Any]]:
    """Return the first rows of a table by their lines; none of a file that is no table or that cannot be read."""
    if format_name not in _TABLES:
        return {}
    try:
        rows = itertools.islice(raw_table_rows(path, format_name), _LOOKED_AT)
        return {line: row for line, row in rows if not isinstance(row, RowError)}
    except (EvalFileError, *READ_ERRORS):
        # Reading it whole says why.
        return {}


def _ids_are_generated(rows: Sequence[Mapping[str, Any]]) -> bool:
    return bool(rows) and all(row["example_id"].partition("-")[0] == prompt_id(row["input_text"])[:16] for row in rows)
