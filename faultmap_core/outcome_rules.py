"""Decide by which metric, threshold and direction the rows of one model on one dataset fail.

What the user says goes before what a tool states, and that before the middle of the range. A dataset has one metric: of
rows with several, the one with the most rows counts, the others have no outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from faultmap_core.metrics import UNSTATED, VERDICT, Metric, UserRule


@dataclass(frozen=True, eq=False)
class OutcomeRule:
    """By what the rows of one model on one dataset fail.

    Attributes:
        metric: its identity, with what the user set; its threshold is None where neither tool nor user gives one.
        threshold: a score on its wrong side fails, where there is no verdict.
        counted: (rows,) true where a row is of this metric, or of none that is stated.
        others: name -> rows of other metrics.
    """

    metric: Metric
    threshold: float
    counted: NDArray[np.bool_]
    others: Mapping[str, int]


def outcome_rule(metrics: Sequence[Metric | None], user: UserRule, *, has_unstated_scores: bool = False) -> OutcomeRule:
    """Return the rule for rows with these metrics; None is a row whose metric nobody states, or without a score.

    Args: has_unstated_scores: whether some row has a score whose metric nobody states. A row of the same table whose
        cell for the score is empty, and which has a verdict, is then no row of another metric.
    """
    if has_unstated_scores:
        metrics = [None if metric == VERDICT else metric for metric in metrics]
    rows = Counter(metric for metric in metrics if metric is not None)
    of_name: Counter[str] = Counter()
    for metric, number in rows.items():
        of_name[metric.name] += number
    if not of_name:
        return _rule(Metric("score", source=UNSTATED), np.ones(len(metrics), dtype=np.bool_), {}, user)
    name = min(of_name, key=lambda one: (-of_name[one], one))
    own = sorted((one for one in rows if one.name == name), key=lambda one: (-rows[one], one.to_json()))
    counted = np.array([metric is None or metric.name == name for metric in metrics], dtype=np.bool_)
    others = {other: of_name[other] for other in sorted(of_name) if other != name}
    return _rule(_completed(own), counted, others, user)


def _completed(metrics: Sequence[Metric]) -> Metric:
    """Return the first metric, with what only others of its name say."""
    first = metrics[0]
    for other in metrics[1:]:
        if first.low is None and first.high is None:
            first = replace(first, low=other.low, high=other.high)
        if first.threshold is None:
            first = replace(first, threshold=other.threshold)
    return first


def _rule(metric: Metric, counted: NDArray[np.bool_], others: Mapping[str, int], user: UserRule) -> OutcomeRule:
    stated = metric
    if user.higher_is_better is not None:
        stated = replace(stated, higher_is_better=user.higher_is_better)
    if user.score_range is not None:
        stated = replace(stated, low=user.score_range[0], high=user.score_range[1], threshold=None)
    if user.threshold is not None:
        stated = replace(stated, threshold=user.threshold)
    if stated != metric and metric.source != UNSTATED:
        stated = replace(stated, source="settings")
    threshold = stated.threshold
    if threshold is None and stated.low is not None and stated.high is not None:
        threshold = (stated.low + stated.high) / 2
    return OutcomeRule(stated, user.default_threshold if threshold is None else threshold, counted, others)
