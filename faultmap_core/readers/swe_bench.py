"""Read the report of the SWE-bench harness, with the predictions and the problems beside it, as eval rows.

The report (`MODEL.RUN.json`) lists instance ids: resolved passes; unresolved, an empty patch and a run that ended in an
error (a patch that cannot be applied, a time-out) fail, as in the harness's resolution rate. Instances that were never
submitted are no rows. Patches come from the predictions (`instance_id`, `model_name_or_path`, `model_patch`) beside it,
problem texts from a file with `instance_id` and `problem_statement`; without one the prompt is the instance's name.
Source: https://github.com/SWE-bench/SWE-bench, `swebench/harness/reporting.py`, schema 1 and 2.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, RowError
from faultmap_core.metrics import Metric
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.objects import good_objects, siblings
from faultmap_core.readers.raw_rows import NumberedRow
from faultmap_core.readers.reconciliation import ToolSummary, compare_count
from faultmap_core.readers.shapes import Shape, shape_of
from faultmap_core.readers.tabular import dataset_of, open_text

DATASET = "swe-bench"
RESOLVED = Metric("resolved", 0.0, 1.0)
# The report's list -> the outcome's name and whether it passes.
_OUTCOMES = {
    "resolved_ids": ("resolved", True),
    "unresolved_ids": ("unresolved", False),
    "empty_patch_ids": ("empty patch", False),
    "error_ids": ("error", False),
    # The leaderboard's older results.json.
    "resolved": ("resolved", True),
    "no_generation": ("empty patch", False),
}
_COUNTS = {"resolved_instances": "resolved", "unresolved_instances": "unresolved",
           "empty_patch_instances": "empty patch", "error_instances": "error"}  # fmt: skip
_SUBMITTED = ("submitted_ids", "generated", "with_logs")
_MEMBERS = frozenset({*_OUTCOMES, *_COUNTS, *_SUBMITTED, "submitted_instances"})
_PREDICTION = frozenset({"instance_id", "model_patch"})


def is_report(shape: Shape) -> bool:
    """Say whether a file is the harness's report of a run."""
    new = "resolved_ids" in shape.keys and bool(shape.keys & {"unresolved_ids", "submitted_ids", "completed_ids"})
    return not shape.in_list and not shape.in_table and (new or {"resolved", "no_generation"} <= shape.keys)


def is_predictions(shape: Shape) -> bool:
    """Say whether a file holds predictions: lines, an array, or an object of them by instance."""
    return shape.keys >= _PREDICTION or (
        not shape.in_list and any(names >= _PREDICTION for names in shape.inside.values())
    )


def is_problems(shape: Shape) -> bool:
    """Say whether a file holds the benchmark's problems."""
    return {"instance_id", "problem_statement"} <= shape.keys


def fits(shape: Shape) -> bool:
    """Say whether a file is a report, or predictions without one."""
    return is_report(shape) or is_predictions(shape)


def superseded(path: Path) -> bool:
    """Say whether a file is predictions beside a report, which reads them."""
    return is_predictions(shape_of(path)) and _first(siblings(path), is_report) is not None


def companions(path: Path) -> list[Path]:
    """Return the predictions and the problems that lie beside a report."""
    beside = siblings(path)
    found = [_predictions_file(path, beside) if is_report(shape_of(path)) else None, _first(beside, is_problems)]
    return [one for one in found if one is not None]


def rows(
    path: Path, options: EvalOptions, _account: LineAccount
) -> Generator[NumberedRow, None, Sequence[ToolSummary]]:
    """Read one report, or predictions alone, whose rows are unscored."""
    beside = siblings(path)
    report = _read_report(path) if not is_predictions(shape_of(path)) else None
    source = path if report is None else _predictions_file(path, beside)
    predictions = dict(_predictions(source)) if source else {}
    wanted = report.outcomes if report else predictions
    problems = problem_texts(_first(beside, is_problems), wanted)
    named = options.model_name or _model_of(path)
    for number, instance in enumerate(wanted, start=1):
        prediction = predictions.get(instance, {})
        row: dict[str, Any] = {
            "dataset": options.dataset_name or DATASET,
            "model": _text(prediction.get("model_name_or_path")) or named,
            "example_id": instance,
            "input_text": problems.get(instance) or f"SWE-bench instance {instance}",
            "output_text": prediction.get("model_patch"),
            "repo": repository(instance),
        }
        outcomes = report.outcomes[instance] if report else []
        if len(outcomes) > 1:
            yield number, RowError(f"{instance} stands in two lists of the report: {' and '.join(outcomes)}")
            continue
        if outcomes:
            set_outcome(row, outcomes[0])
        yield number, row
    return list(report.summaries()) if report else []


def set_outcome(row: dict[str, Any], outcome: str) -> None:
    """Give a row the harness's verdict."""
    passed = outcome == "resolved"
    row.update(passed=passed, score=float(passed), metric=RESOLVED, outcome=outcome)


def outcomes_of(report: Path) -> Mapping[str, list[str]]:
    """Return instance -> the lists of a report in which it stands."""
    return _read_report(report).outcomes


def problem_texts(path: Path | None, wanted: Iterable[str]) -> dict[str, str]:
    """Return instance -> problem, of the wanted instances."""
    if path is None:
        return {}
    ids = set(wanted)
    found: dict[str, str] = {}
    for problem in good_objects(path):
        instance, text = problem.get("instance_id"), problem.get("problem_statement")
        if isinstance(instance, str) and instance in ids and isinstance(text, str):
            found[instance] = text
    return found


def repository(instance: str) -> str | None:
    """Return the repository that an instance's name tells, `django/django` of `django__django-11099`."""
    owner, separator, rest = instance.partition("__")
    name = rest.rpartition("-")[0]
    return f"{owner}/{name}" if separator and name else None


@dataclass(frozen=True)
class _Report:
    """What a report says: its counts, and for each submitted instance the lists in which it stands."""

    counts: Mapping[str, Any]
    outcomes: Mapping[str, list[str]]

    def summaries(self) -> Iterator[ToolSummary]:
        """Compare the report's counts with its lists."""
        for name, outcome in _COUNTS.items():
            yield from compare_count(name, self.counts.get(name), sum(outcome in of for of in self.outcomes.values()))
        yield from compare_count("submitted_instances", self.counts.get("submitted_instances"), len(self.outcomes))


def _read_report(path: Path) -> _Report:
    with open_text(path) as text:
        read = JsonStream(text, str(path)).head(_MEMBERS)
    outcomes: dict[str, list[str]] = {}
    for name, (outcome, _) in _OUTCOMES.items():
        for instance in dict.fromkeys(_ids(read.get(name))):
            outcomes.setdefault(instance, []).append(outcome)
    # The older results name no failures, only what was generated and what was resolved.
    for name in _SUBMITTED:
        for instance in _ids(read.get(name)):
            outcomes.setdefault(instance, ["unresolved"])
    if not outcomes:
        raise EvalFileError(f"{path}: no report of SWE-bench: its lists of ids (resolved_ids …) are empty or missing")
    return _Report(read, outcomes)


def _ids(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str) and one] if isinstance(value, list) else []


def _predictions_file(path: Path, beside: Sequence[Path]) -> Path | None:
    """Return the predictions beside a report: those of the model that its name begins with, else the only ones."""
    found = [one for one in beside if _fits(one, is_predictions)]
    for one in found:
        _, first = next(_predictions(one), ("", {}))
        model = _text(first.get("model_name_or_path"))
        if model and path.name.startswith(model.replace("/", "__")):
            return one
    return found[0] if len(found) == 1 else None


def _predictions(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for prediction in good_objects(path):
        if isinstance(instance := prediction.get("instance_id"), str):
            yield instance, prediction
            continue
        # One object of all predictions, by instance (`preds.json`).
        for name, one in prediction.items():
            if isinstance(one, Mapping) and "model_patch" in one:
                yield name, one


def _first(paths: Sequence[Path], kind: Any) -> Path | None:
    return next((one for one in paths if _fits(one, kind)), None)


def _fits(path: Path, kind: Any) -> bool:
    try:
        return bool(kind(shape_of(path)))
    except OSError:
        return False


def _model_of(path: Path) -> str:
    """Return the model that the report's name begins with: `org__model.run.json`."""
    name = dataset_of(path)
    return (name.rpartition(".")[0] or name).replace("__", "/")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
