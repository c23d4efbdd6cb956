"""Write ErrorMap's result files: its names, its columns, and the tree that its viewer opens.

Each file is written whole or not at all. What a spreadsheet would run as a formula is defused in the CSV files, and no
secret of the configuration reaches any file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faultmap_core.base.atomic_write import replacing
from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import strict
from faultmap_core.compat.errormap.model import scrubbed
from faultmap_core.compat.errormap.records import EvalRecord, PreparedData, QuarantinedRow
from faultmap_core.error_analysis.judging.pipeline import Judgment
from faultmap_core.error_analysis.taxonomy.taxonomy import UNCLASSIFIED, Category, Classification

ROOT = "LLM Errors"
UNCLASSIFIED_NAME = "Unclassified"
NOT_JUDGED_NAME = "Not judged"
NO_ERROR_NAME = "No error found"

_DESCRIPTIONS = {
    UNCLASSIFIED_NAME: "Judged errors that no category took.",
    NOT_JUDGED_NAME: "The judge gave no usable reply; these errors are asked about again in the next run.",
    NO_ERROR_NAME: "Failed by their score, but the judge found nothing wrong: look at the score or the reference.",
}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
DATA_COLUMNS = ("example_id", "model", "output_text", "score", "input_text", "correct_answer", "dataset")
_JUDGMENT_COLUMNS = (
    "judge_model", "judge_response", "template_used", "inference_success", "full_response", "outcome", "error_title",
    "error_summary", "reason", "signals", "contrast_models",
)  # fmt: skip
_LEAF_COLUMNS = (
    "dataset", "example_id", "model", "input_text", "output_text", "score", "judge_model", "judge_response",
    "error_title", "error_summary", "outcome", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class JudgedError:
    """One sampled error with its judgment and the names and descriptions of its categories, from the top down."""

    record: EvalRecord
    judgment: Judgment
    place: tuple[Category, ...]


@dataclass(frozen=True)
class OutputFiles:
    """Where everything stands; `quarantine` is None where no row was quarantined."""

    config: Path
    data_preparation: Path
    single_error: Path
    taxonomy_csv: Path
    taxonomy_json: Path
    quarantine: Path | None


def placed(judged: Sequence[tuple[EvalRecord, Judgment]], classification: Classification) -> list[JudgedError]:
    """Return each judged error with its path of categories; what is in no category gets one that says why."""
    known = {category.category_id: category for category in classification.taxonomy.categories}
    return [
        JudgedError(record, judgment, _path(record, judgment, classification, known)) for record, judgment in judged
    ]


def write_files(
    folder: Path,
    exp_id: str,
    config: Mapping[str, Any],
    data: PreparedData,
    errors: Sequence[JudgedError],
    columns_kept: Sequence[str],
    secrets: frozenset[str],
) -> OutputFiles:
    """Write everything; return where. Raises ConfigurationError where the folder cannot be written."""
    files = OutputFiles(
        config=folder / f"config__exp_id={exp_id}.json",
        data_preparation=folder / f"exp_name=data_preparation__exp_id={exp_id}.csv",
        single_error=folder / f"exp_name=single_error__exp_id={exp_id}.csv",
        taxonomy_csv=folder / f"exp_name=construct_taxonomy_recursively__exp_id={exp_id}.csv",
        taxonomy_json=folder / f"exp_name=construct_taxonomy_recursively__exp_id={exp_id}.json",
        quarantine=folder / f"exp_name=quarantine__exp_id={exp_id}.csv",
    )
    rows = [_judged_row(error, secrets) for error in errors]
    sampled = {error.record.record_id for error in errors}
    try:
        _write_json(files.config, config)
        _write_csv(files.data_preparation, _data_rows(data.records, sampled), DATA_COLUMNS)
        _write_csv(files.single_error, _single_rows(errors, rows), (*DATA_COLUMNS, *_JUDGMENT_COLUMNS))
        _write_csv(files.taxonomy_csv, _leaf_rows(errors, rows, columns_kept), _LEAF_COLUMNS)
        _write_json(files.taxonomy_json, error_tree(errors, rows))
        return _with_quarantine(files, data.quarantined)
    except OSError as error:
        raise ConfigurationError(f"output_dir {str(folder)!r} cannot be written: {error.strerror or error}") from error


def error_tree(errors: Sequence[JudgedError], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the tree of categories with every error as a leaf, in ErrorMap's shape.

    A node is {id, name, info, children, parent}; ids are paths and `parent` is an id, "" at the root. A node's count is
    the number of leaves under it.
    """
    root = _node(ROOT, ROOT, {"description": ""}, "")
    inner: dict[tuple[str, ...], dict[str, Any]] = {(): root}
    for error, row in zip(errors, rows, strict=True):
        path: tuple[str, ...] = ()
        for category in error.place:
            parent, path = inner[path], (*path, category.category_id)
            if path not in inner:
                info = {"description": category.description}
                inner[path] = _node(f"{ROOT}/{category.category_id}", category.name, info, parent["id"])
                parent["children"].append(inner[path])
        info = {name: row[name] for name in _LEAF_COLUMNS if row[name] is not None}
        name = error.judgment.error_title or error.place[-1].name
        leaf_id = f"{inner[path]['id']}/{error.record.record_id}"
        inner[path]["children"].append(_node(leaf_id, name, info, inner[path]["id"]))
    return root


def _node(node_id: str, name: str, info: Mapping[str, Any], parent: str) -> dict[str, Any]:
    return {"id": node_id, "name": name, "info": dict(info), "children": [], "parent": parent}


def _path(
    record: EvalRecord, judgment: Judgment, classification: Classification, known: Mapping[str, Category]
) -> tuple[Category, ...]:
    if judgment.outcome in ("failed", "no_error_found"):
        return (_beside(NOT_JUDGED_NAME if judgment.outcome == "failed" else NO_ERROR_NAME),)
    place = classification.assignments.get(record.record_id, UNCLASSIFIED)
    path: list[Category] = []
    at = known.get(place)
    while at is not None:
        path.insert(0, at)
        at = known.get(at.parent_id or "")
    return tuple(path) or (_beside(UNCLASSIFIED_NAME),)


def _beside(name: str) -> Category:
    # A category's own id never begins with "(".
    return Category(f"({name.lower()})", None, name, _DESCRIPTIONS[name], 1)


def judge_response(judgment: Judgment) -> dict[str, Any]:
    """Return a judgment as ErrorMap's judge replies: required criteria, then the final answer."""
    return {
        "required_criteria": [
            {
                "criterion": criterion.criterion,
                "present_in_wrong": criterion.present,
                "quality": criterion.quality.replace("_", " "),
                "evidence": criterion.evidence,
                "evidence_found": criterion.evidence_found,
                "comment": criterion.comment,
            }
            for criterion in judgment.criteria
        ],
        "final_answer": {"error_summary": judgment.error_summary, "error_title": judgment.error_title},
    }


def _data_row(record: EvalRecord) -> dict[str, Any]:
    own = {name: getattr(record, name) for name in DATA_COLUMNS}
    own |= {"epoch": record.epoch} if record.epoch != 1 else {}
    taken = {*own, *_JUDGMENT_COLUMNS, "error", "sampled"}
    others = {f"input_{name}" if name in taken else name: value for name, value in record.other.items()}
    return {**others, **own}


def _data_rows(records: Iterable[EvalRecord], sampled: Container[str]) -> list[dict[str, Any]]:
    return [{**_data_row(row), "error": row.error, "sampled": row.record_id in sampled} for row in records]


def _judged_row(error: JudgedError, secrets: frozenset[str]) -> dict[str, Any]:
    judgment = error.judgment
    failed = judgment.outcome == "failed"
    answered = {
        "judge_model": judgment.judged_by,
        "judge_response": "" if failed else json.dumps(strict(judge_response(judgment)), ensure_ascii=False),
        "full_response": judgment.raw_reply,
        "error_title": judgment.error_title,
        "error_summary": judgment.error_summary,
        "reason": judgment.reason,
    }
    return {
        **_data_row(error.record),
        **{name: scrubbed(text, secrets) for name, text in answered.items()},
        "template_used": "rules" if judgment.judged_by == "rules" else "judge",
        "inference_success": not failed,
        "outcome": judgment.outcome,
        "signals": " ".join(judgment.signals),
        "contrast_models": json.dumps(judgment.contrast_models, ensure_ascii=False),
    }


def _single_rows(errors: Sequence[JudgedError], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "error": error.record.error} for error, row in zip(errors, rows, strict=True)]


def _leaf_rows(
    errors: Sequence[JudgedError], rows: Sequence[Mapping[str, Any]], columns_kept: Sequence[str]
) -> list[dict[str, Any]]:
    kept = (*_LEAF_COLUMNS, *(name for name in columns_kept if name not in _LEAF_COLUMNS))
    leaves: list[dict[str, Any]] = []
    for error, row in zip(errors, rows, strict=True):
        leaf = {name: row.get(name) for name in kept}
        leaf["category_depth_0"] = json.dumps({"description": "", "name": ROOT})
        for depth, category in enumerate(error.place, start=1):
            described = {"description": category.description, "name": category.name}
            leaf[f"category_depth_{depth}"] = json.dumps(described, ensure_ascii=False)
        leaves.append(leaf)
    return leaves


def _with_quarantine(files: OutputFiles, quarantined: Sequence[QuarantinedRow]) -> OutputFiles:
    assert files.quarantine is not None
    if quarantined:
        rows = [{"dataset": row.dataset, "line": row.line, "reason": row.reason} for row in quarantined]
        _write_csv(files.quarantine, rows, ("dataset", "line", "reason"))
        return files
    files.quarantine.unlink(missing_ok=True)
    return OutputFiles(**{**vars(files), "quarantine": None})


def _write_json(path: Path, content: Any) -> None:
    with replacing(path) as stream:
        stream.write(json.dumps(strict(content), ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]], first: Sequence[str]) -> None:
    further = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in first]
    deep = sorted((name for name in further if name.startswith("category_depth_")), key=lambda name: (len(name), name))
    columns = [*first, *(name for name in further if name not in deep), *deep]
    with replacing(path) as stream:
        writer = csv.writer(stream)
        writer.writerow([_cell(name) for name in columns])
        writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict | tuple):
        value = json.dumps(strict(value), ensure_ascii=False)
    if isinstance(value, str):
        value = value.replace("\0", "\ufffd")
        return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
    return value
