"""Show a taxonomy written by ErrorMap, or by our `error-map`, on the same page as a report."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faultmap_assets.report.content import SCHEMA_VERSION
from faultmap_assets.report.examples import PLACES
from faultmap_assets.report.memo import memo
from faultmap_assets.report.run_facts import FILE_COUNTS
from faultmap_assets.report.scope import Row, Scope
from faultmap_core.base.errors import EvalFileError
from faultmap_core.base.records import strict
from faultmap_core.error_analysis.taxonomy.taxonomy import UNCLASSIFIED

MOST_BYTES = 500_000_000
MOST_DEPTH = 50
VIEWS = ("taxonomy", "examples")
"""What of the page there is something to see in."""

_EXPECTED = "expected the tree that ErrorMap writes: exp_name=construct_taxonomy_recursively__exp_id=….json"
_ABOUT_EXAMPLE = ("dataset", "model", "example_id", "input_text", "output_text", "score", "correct_answer")
_ABOUT_JUDGMENT = ("judge_model", "judge_response", "error_title", "error_summary", "outcome", "reason", "description")
_OUTCOMES = frozenset({"error", "whole_solution_incorrect", "no_error_found", "failed"})


@dataclass
class _Read:
    """What was read of a tree: categories, parents before children, and the answers whose errors are its leaves."""

    categories: dict[str, Row] = field(default_factory=dict)
    answers: list[Row] = field(default_factory=list)
    keys: set[tuple[str, str, str]] = field(default_factory=set)


class ErrorMapView:
    """A taxonomy file as the page sees it.

    Raises: EvalFileError where it cannot be read or is no such tree.
    """

    labels = False

    def __init__(self, path: Path) -> None:
        self.content = tree_content(read_tree(path), path.name)


def read_tree(path: Path) -> Mapping[str, Any]:
    """Return the root of the tree in a file. Raises EvalFileError that names the file and what is wrong."""
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise EvalFileError(f"{path}: {size / 1e6:,.0f} MB; a taxonomy has at most {MOST_BYTES / 1e6:,.0f} MB")
        tree = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise EvalFileError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())[:200]
        raise EvalFileError(f"{path}: no JSON ({reason}); {_EXPECTED}") from error
    fault = _fault(tree)
    if fault:
        raise EvalFileError(f"{path}: {fault}; {_EXPECTED}")
    return dict(strict(tree))


def _fault(tree: Any) -> str:
    """Return what about a value is not as in a tree, "" for nothing."""
    if not isinstance(tree, dict) or not isinstance(tree.get("children"), list):
        return "no taxonomy: it has no root with a name and children"
    if not tree["children"]:
        return "the tree is empty: it holds no error"
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if not isinstance(node, dict) or not isinstance(node.get("name"), str):
            return f"a node at depth {depth} has no name"
        if not isinstance(node.get("children", []), list) or not isinstance(node.get("info", {}), dict):
            return f"node {node['name'][:80]!r}: children is no list, or info no object"
        if depth > MOST_DEPTH:
            return f"nested deeper than {MOST_DEPTH} levels"
        waiting += [(child, depth + 1) for child in node.get("children", [])]
    return ""


def tree_content(tree: Mapping[str, Any], name: str) -> Row:
    """Return the document of a tree; each leaf is one error, and what has no category is unclassified."""
    read = _Read()
    _gather(read, tree, None, 0)
    read.answers.sort(key=lambda row: (row["dataset"], row["example_id"], row["model"]))
    counts = _counts(read)
    errors = len(read.answers)
    totals: Counter[str] = Counter()
    for (category_id, _, _), number in counts.items():
        totals[category_id] += number
    content: Row = {
        "schema_version": SCHEMA_VERSION,
        "scope": Scope().to_dict(),
        "audits": list(_audits(read)),
        "changes": None,
        **{key: [] for key in ("comparisons", "signatures", "judging", "coverage", "production_slices", "topic_drift")},
        **{key: [] for key in ("quality", "trends", "quarantined")},
        "taxonomy": {
            "version": name,
            "method": "given",
            "built_from": errors,
            "errors": errors,
            "unclassified": sum(row["category_id"] == UNCLASSIFIED for row in read.answers),
            "categories": [
                {**row, "errors": totals[key], "share": totals[key] / errors}
                for key, row in read.categories.items()
                if totals[key]
            ],
            "counts": [
                {"category_id": category_id, "dataset": dataset, "model": model, "errors": number}
                for (category_id, dataset, model), number in sorted(counts.items())
            ],
            "quality": {},
        },
        "run": {
            "seed": None,
            "parameters": {},
            "versions": {},
            "files": {**dict.fromkeys(FILE_COUNTS, 0), "ledger": ""},
            "assets": [],
            "embedders": [],
            "spent": [],
        },
        "examples": {"total": errors, "shown": errors, "sampled": False, "seed": 0, "rows": read.answers},
    }
    return {**content, "memo": memo(content)}


def _gather(read: _Read, node: Mapping[str, Any], category_id: str | None, depth: int) -> None:
    for child in node.get("children", []):
        info = child.get("info", {})
        # A category that nothing fell into has a description and no more.
        if not child.get("children") and not (info and set(info) <= {"description"}):
            read.answers.append(_answer(read, child["name"], info, category_id or UNCLASSIFIED))
            continue
        # Ids of the file are long and may hold anything; a place in the tree is short, and its parents' come first.
        own = f"{category_id}/{len(read.categories)}" if category_id else str(len(read.categories))
        read.categories[own] = {
            "category_id": own,
            "parent_id": category_id,
            "name": child["name"] or "(no name)",
            "description": _text(info.get("description")) or "",
            "depth": depth + 1,
            "other": child["name"].strip().casefold() == "other",
            "examples": [],
        }
        _gather(read, child, own, depth + 1)


def _answer(read: _Read, name: str, info: Mapping[str, Any], category_id: str) -> Row:
    dataset, model = _text(info.get("dataset")) or "errors", _text(info.get("model")) or "model"
    wanted = _text(info.get("example_id")) or f"error {len(read.answers) + 1}"
    example_id, copy = wanted, 1
    while (dataset, model, example_id) in read.keys:
        copy += 1
        example_id = f"{wanted} ({copy})"
    read.keys.add((dataset, model, example_id))
    judged = _reply(info.get("judge_response"))
    final = judged.get("final_answer")
    summary = final.get("error_summary") if isinstance(final, dict) else None
    outcome = info.get("outcome")
    score = info.get("score")
    return {
        "dataset": dataset,
        "model": model,
        "example_id": example_id,
        "score": score if isinstance(score, int | float) and not isinstance(score, bool) else None,
        "failed": True,
        "epochs": 1,
        "prompt": _text(info.get("input_text")),
        "full_prompt": None,
        "response": _text(info.get("output_text")),
        "reference": _text(info.get("correct_answer")),
        "metadata": {key: value for key, value in info.items() if key not in (*_ABOUT_EXAMPLE, *_ABOUT_JUDGMENT)},
        "slices": [],
        "category_id": category_id,
        "judgment": {
            "outcome": outcome if outcome in _OUTCOMES else "error",
            "error_title": _text(info.get("error_title")) or name,
            "error_summary": _text(info.get("error_summary")) or _text(summary),
            "judged_by": _text(info.get("judge_model")) or "a judge that the file does not name",
            "criteria": list(_criteria(judged)),
            "reason": _text(info.get("reason")),
        },
        "label": None,
        **dict.fromkeys(PLACES),
    }


def _reply(reply: Any) -> Mapping[str, Any]:
    """Return a judge's reply, which ErrorMap keeps as JSON in a text."""
    if isinstance(reply, str):
        try:
            reply = json.loads(reply)
        except (ValueError, RecursionError):
            return {}
    return strict(reply) if isinstance(reply, dict) else {}


def _criteria(judged: Mapping[str, Any]) -> Iterator[Row]:
    criteria = judged.get("required_criteria")
    for one in criteria if isinstance(criteria, list) else ():
        if isinstance(one, dict):
            yield {
                "criterion": _text(one.get("criterion")) or "",
                "present": bool(one.get("present_in_wrong")),
                "quality": (_text(one.get("quality")) or "").replace(" ", "_"),
                "evidence": _text(one.get("evidence")) or "",
                # ErrorMap does not look whether it is there.
                "evidence_found": bool(one.get("evidence_found", True)),
                "comment": _text(one.get("comment")) or "",
            }


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _counts(read: _Read) -> Counter[tuple[str, str, str]]:
    """Return the errors of each dataset and model in each category and what is below it."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in read.answers:
        at: str | None = row["category_id"] if row["category_id"] in read.categories else None
        while at is not None:
            counts[at, row["dataset"], row["model"]] += 1
            at = read.categories[at]["parent_id"]
    return counts


def _audits(read: _Read) -> Iterator[Row]:
    found = Counter((row["dataset"], row["model"]) for row in read.answers)
    rates = dict.fromkeys(("failure_rate", "failure_rate_low", "failure_rate_high"))
    for (dataset, model), errors in sorted(found.items()):
        # The file does not say of how many.
        yield {
            "dataset": dataset,
            "model": model,
            "examples": errors,
            "scored": 0,
            "failures": errors,
            **rates,
            "slices": [],
        }
