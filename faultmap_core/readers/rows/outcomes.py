"""Give a row its tool's verdict and the identity of its metric, and its score where the dataset's range holds it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import EvalOptions
from faultmap_core.data.metrics import Metric

_VERDICTS = {"pass": True, "passed": True, "true": True, "yes": True, "fail": False, "failed": False, "false": False,
             "no": False}  # fmt: skip


def verdict_of(value: Any) -> bool | None:
    """Return a tool's word or truth value for pass and fail, None where it says neither."""
    if isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1)):
        return bool(value)
    return _VERDICTS.get(value.strip().casefold()) if isinstance(value, str) else None


def number_or_none(value: Any) -> float | None:
    """Return a number, also written as text; None where it is none."""
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def set_outcome(row: dict[str, Any], options: EvalOptions, metric: Metric, score: Any, passed: bool | None) -> None:
    """Give the row score, verdict and metric.

    A score of a scale that the dataset's score_range does not hold (1 to 5 in 0 to 1) is kept in the metadata, and the
    verdict is the outcome; without a verdict the score stays, and the row says that the range must be set.
    """
    dataset = row.get("dataset")
    low, high = options.score_ranges.get(dataset if isinstance(dataset, str) else "", options.default_score_range)
    known = metric.low is not None and metric.high is not None
    inside = low <= metric.low and metric.high <= high if known else _within(score, low, high)  # type: ignore[operator]
    row["passed"] = passed
    if inside or passed is None:
        row["score"], row["metric"] = score, metric
        return
    row["score"] = high if passed else low
    row["metric"] = replace(metric, name=f"{metric.name}_result", low=low, high=high, higher_is_better=True,
                            threshold=None)  # fmt: skip
    if score is not None:
        others = row.get("scores")
        row["scores"] = {**(others if isinstance(others, Mapping) else {}), metric.name: score}


def check_range(path: Path, options: EvalOptions, dataset: str, metric: Metric) -> None:
    """Raise EvalFileError where the dataset's score_range does not hold the scores that alone tell the outcome."""
    low, high = options.score_ranges.get(dataset, options.default_score_range)
    if metric.low is not None and metric.high is not None and not (low <= metric.low and metric.high <= high):
        raise EvalFileError(
            f"{path}: scores run from {metric.low:g} to {metric.high:g}; set datasets.{dataset}.score_range:"
            f" [{metric.low:g}, {metric.high:g}] in faultmap.yaml"
        )


def _within(score: Any, low: float, high: float) -> bool:
    number = number_or_none(score)
    return number is None or low <= number <= high
