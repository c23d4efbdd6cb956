"""Interpret the feedback in production logs: thumbs, ratings and error flags, as failed or passed.

Which column says what is the user's decision (`FeedbackRule`); a value that no rule knows is counted, never guessed.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import ConfigurationError

Floats = NDArray[np.float64]
FeedbackValue = str | bool | int | float

SCORE = "score"
"""The column that is the log's own score, and no metadata."""

_SHOWN_CHARACTERS = 40


@dataclass(frozen=True)
class FeedbackRule:
    """What the values of one column mean: either lists of values, or a threshold.

    Attributes:
        column: "score", a metadata column, or a path into one (`feedback.thumbs`).
        good, bad: values that mean passed, failed; case and the kind of number do not matter (1, 1.0 and "1" are one).
        success_threshold: a number below it is a failure, or above it where not `higher_is_better`.
    Raises: ConfigurationError where the rule says nothing, both, or one value on both sides.
    """

    column: str
    good: tuple[FeedbackValue, ...] = ()
    bad: tuple[FeedbackValue, ...] = ()
    success_threshold: float | None = None
    higher_is_better: bool = True

    def __post_init__(self) -> None:
        what = f"feedback {self.column!r}"
        listed = bool(self.good or self.bad)
        if listed == (self.success_threshold is not None):
            both = "both" if listed else "neither"
            raise ConfigurationError(f"{what} has {both}: give lists of good and bad values, or a success_threshold")
        if self.success_threshold is not None and not math.isfinite(self.success_threshold):
            raise ConfigurationError(f"{what}: success_threshold is {self.success_threshold}; expected a finite number")
        twice = sorted({_folded(value) for value in self.good} & {_folded(value) for value in self.bad})
        if twice:
            raise ConfigurationError(f"{what}: {twice[0]!r} is both good and bad")

    @cached_property
    def _verdicts(self) -> Mapping[str, bool]:
        return {**{_folded(one): False for one in self.good}, **{_folded(one): True for one in self.bad}}

    def failed(self, value: Any) -> bool | None:
        """Say whether a value means a failure; None where the rule does not know it."""
        if self.success_threshold is None:
            return self._verdicts.get(_folded(value))
        number = _number(value)
        if number is None:
            return None
        return number < self.success_threshold if self.higher_is_better else number > self.success_threshold


@dataclass(frozen=True)
class Feedback:
    """What n rows say.

    Attributes:
        failed: (n,) 1.0 failed, 0.0 passed, NaN where nobody said.
        told: column -> rows that it decided or helped to decide.
        unknown: column -> value (shortened) -> rows, for values that no rule knows.
    """

    failed: Floats
    told: Mapping[str, int]
    unknown: Mapping[str, Mapping[str, int]]

    @property
    def known(self) -> int:
        """Rows of which somebody said how it went."""
        return int(np.isfinite(self.failed).sum())

    @property
    def not_understood(self) -> int:
        """Values that no rule knows."""
        return sum(sum(values.values()) for values in self.unknown.values())


def read_feedback(rules: Sequence[FeedbackRule], scores: Floats, documents: Sequence[str]) -> Feedback:
    """Read how each row went: failed where any rule says so, else passed where one says so.

    Args:
        scores: (n,) the rows' scores, NaN where there is none.
        documents: the rows' metadata, n JSON objects.
    Raises: ConfigurationError where there is not one document per score.
    """
    if len(scores) != len(documents):
        raise ConfigurationError(f"feedback: {len(documents)} documents for {len(scores)} scores")
    failed = np.full(len(documents), np.nan)
    told: Counter[str] = Counter()
    unknown: dict[str, Counter[str]] = {}
    for row, (score, document) in enumerate(zip(scores.tolist(), documents, strict=True)):
        metadata = json.loads(document)
        for rule in rules:
            value = score if rule.column == SCORE and not math.isnan(score) else _value_at(metadata, rule.column)
            if value is None or value == "":
                continue
            verdict = rule.failed(value)
            if verdict is None:
                unknown.setdefault(rule.column, Counter())[_folded(value)[:_SHOWN_CHARACTERS]] += 1
                continue
            told[rule.column] += 1
            failed[row] = 1.0 if verdict or failed[row] == 1.0 else 0.0
    return Feedback(failed, dict(sorted(told.items())), {name: dict(found) for name, found in sorted(unknown.items())})


def _value_at(metadata: Any, column: str) -> Any:
    """Return a column's value: its own, or one inside of it along the dots."""
    if not isinstance(metadata, dict):
        return None
    if column in metadata:
        return metadata[column]
    # The longest key that fits wins, so that names which hold dots themselves are found.
    parts = column.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        inside = metadata.get(".".join(parts[:cut]))
        if isinstance(inside, dict):
            return _value_at(inside, ".".join(parts[cut:]))
    return None


def _folded(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    text = text.strip().casefold()
    number = _number(text) if text[:1] in "+-.0123456789" else None
    return str(int(number)) if number is not None and number.is_integer() and abs(number) < 2**53 else text


def _number(value: Any) -> float | None:
    """Return a finite number, None where it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
