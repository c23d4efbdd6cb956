"""Read wide tables, with a group of columns for each model or system, as eval rows: one for each group and line.

A group is a name before `_response`, `_answer`, `_output`, `_prediction` … (`baseline_rag_responses`); its other
columns are its scores (`baseline_rag_metric_sas`) and its reference (`baseline_rag_ground_truth_answers`). Question,
context and ids stand in columns of their own. This is how Haystack writes `comparative_detailed_report`.
Source: https://github.com/deepset-ai/haystack, `EvaluationRunResult`, 2.3 to 2.8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, RowError
from faultmap_core.metrics import Metric
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.objects import MappedColumns, objects_of
from faultmap_core.readers.outcomes import number_or_none
from faultmap_core.readers.raw_rows import NumberedRow, ScorerChoice, add_metadata, text_or_json
from faultmap_core.readers.shapes import Shape
from faultmap_core.readers.tabular import dataset_of

_ANSWER = re.compile(
    r"(?P<group>.+?)(?P<separator>[_.:/ -])(?:responses?|answers?|outputs?|predictions?|completions?|generations?)",
    re.I,
)
_REFERENCE = re.compile(
    r"(?:ground_?truth|expected|reference|gold|correct)(?:[_ ](?:answers?|outputs?|responses?))?s?", re.I
)
# Not systems, but kinds of answers that a table of one system has.
_NO_SYSTEM = re.compile(
    r"(?:.*[_.:/ -])?(?:ground[_ ]?truth|expected|correct|reference|gold|golden|true|target|ideal|actual|chosen|"
    r"rejected|raw|parsed|extracted|final|human|user|input|retrieved|best|incorrect)",
    re.I,
)
_PROMPTS = ("question", "questions", "query", "queries", "prompt", "prompts", "input", "input_text", "instruction",
            "user_input")  # fmt: skip
_IDS = ("example_id", "id", "question_id", "query_id", "sample_id")
# What is said of a system and is no score of its answer.
_NO_METRIC = re.compile(r"(?:.*_)?(?:name|version|model|id|type|source|text|prompt|comment|date)", re.I)
_METRIC = re.compile(r"(?:metric[_.:/ -])?(?P<name>.+)", re.I)


@dataclass
class _Group:
    """One system's columns."""

    answer: str
    reference: str | None = None
    scores: dict[str, str] = field(default_factory=dict)


def is_wide_table(shape: Shape) -> bool:
    """Say whether a table has a question and at least two groups with scores of their own."""
    groups = [group for group in _groups(shape.keys).values() if group.scores]
    return len(groups) >= 2 and any(key.casefold() in _PROMPTS for key in shape.keys)


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Iterator[NumberedRow]:
    """Read one table; a row's number counts the groups along each line, line by line."""
    scorers, mapped = ScorerChoice(options.scorer), MappedColumns(options)
    dataset = options.dataset_name or dataset_of(path)
    number = 0
    for line, raw in objects_of(path, account=account):
        if isinstance(raw, RowError):
            number += 1
            yield number, RowError(f"line {line}: {raw}")
            continue
        mapped.note(raw)
        groups = _groups(raw)
        if not groups:
            raise EvalFileError(
                f"{path}: no wide table: no two columns such as MODEL_response; it has"
                f" {', '.join(repr(str(column)[:60]) for column in list(raw)[:12])}"
            )
        shared = _shared(raw, groups, options)
        for name, group in groups.items():
            number += 1
            row = {"dataset": dataset, "model": name, **shared, **_said(raw, group, shared)}
            scores = {metric: number_or_none(raw.get(column)) for metric, column in group.scores.items()}
            scorers.apply(row, scores)
            if row["score"] is not None:
                row["metric"] = Metric(str(scorers.chosen), source="default")
            yield number, row
    mapped.check(path)
    scorers.check(path)


def _groups(columns: Any) -> dict[str, _Group]:
    """Return the systems by their names, at least two; none where the columns are of one system."""
    found = {column: match for column in columns if (match := _ANSWER.fullmatch(column))}
    groups = {
        match["group"]: _Group(column) for column, match in found.items() if not _NO_SYSTEM.fullmatch(match["group"])
    }
    separators = {match["group"]: match["separator"] for match in found.values()}
    if len(groups) < 2:
        return {}
    for column in columns:
        # Of `rag` and `rag_large` the longer name has the column.
        name = max((one for one in groups if column.startswith(one + separators[one])), key=len, default=None)
        if name is None or column == groups[name].answer:
            continue
        rest = column[len(name) + 1 :]
        if _REFERENCE.fullmatch(rest):
            groups[name].reference = groups[name].reference or column
        elif not _NO_METRIC.fullmatch(rest) and (found_metric := _METRIC.fullmatch(rest)):
            groups[name].scores.setdefault(found_metric["name"], column)
    return groups


def _shared(raw: Mapping[str, Any], groups: Mapping[str, _Group], options: EvalOptions) -> dict[str, Any]:
    """Return what all systems of a line have in common."""

    def column_of(name: str, known: tuple[str, ...]) -> str | None:
        mapped = options.column_map.get(name)
        return mapped or next((column for column in raw if column.casefold() in known), None)

    prompt, identity = column_of("input_text", _PROMPTS), column_of("example_id", _IDS)
    reference = options.column_map.get("correct_answer") or next(
        (column for column in raw if _REFERENCE.fullmatch(column)), None
    )
    taken = {prompt, identity, reference, *_columns(groups)}
    row: dict[str, Any] = {
        "input_text": text_or_json(raw.get(prompt or "")),
        "example_id": text_or_json(raw.get(identity or "")),
        "correct_answer": raw.get(reference or ""),
    }
    add_metadata(row, {name: value for name, value in raw.items() if name not in taken}, "column")
    return row


def _said(raw: Mapping[str, Any], group: _Group, shared: Mapping[str, Any]) -> dict[str, Any]:
    own = raw.get(group.reference) if group.reference else None
    return {
        "output_text": text_or_json(raw.get(group.answer)),
        "correct_answer": shared["correct_answer"] if own in (None, "") else own,
    }


def _columns(groups: Mapping[str, _Group]) -> Iterator[str | None]:
    for group in groups.values():
        yield from (group.answer, group.reference, *group.scores.values())
