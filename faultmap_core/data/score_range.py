"""Decides whether scores outside of the allowed range are lone outliers or mean that the range is set wrongly."""

from __future__ import annotations

import math
from dataclasses import dataclass

MAX_OUTLIER_SHARE = 0.01
"""Up to this share of a dataset's scores, or one score among at least `MIN_SCORES_FOR_ONE`, are outliers."""

MIN_SCORES_FOR_ONE = 20

ROUNDING = 1e-6
"""Of the range's width: a score that lies no further outside of it was rounded there."""

# What people grade by, narrower first.
_SCALES = ((0, 1), (-1, 1), (0, 2), (0, 3), (1, 4), (0, 4), (1, 5), (0, 5), (1, 6), (1, 7), (1, 10), (0, 10), (0, 100))


def without_rounding(score: float, low: float, high: float) -> float:
    """Return a score that rounding took over the end of its range as that end, any other as it is."""
    slack = ROUNDING * (high - low)
    if low - slack <= score < low:
        return low
    return high if high < score <= high + slack else score


@dataclass
class ScoresSeen:
    """The finite scores of one dataset in one file: how many lie inside of the allowed range, and where they run."""

    allowed: tuple[float, float]
    inside: int = 0
    outside: int = 0
    lowest: float = math.inf
    highest: float = -math.inf

    def note(self, score: float, *, inside: bool) -> None:
        """Count one score; an infinite one says nothing about the range."""
        if math.isfinite(score):
            self.inside += inside
            self.outside += not inside
            self.lowest, self.highest = min(self.lowest, score), max(self.highest, score)

    @property
    def are_of_another_range(self) -> bool:
        """Whether more scores are outside than lone outliers explain."""
        if self.outside == 1 and self.inside + 1 >= MIN_SCORES_FOR_ONE:
            return False
        return self.outside > MAX_OUTLIER_SHARE * (self.inside + self.outside)

    @property
    def likely_range(self) -> tuple[float, float]:
        """The narrowest usual scale that holds all scores, else the whole numbers around them."""
        holding = [scale for scale in _SCALES if scale[0] <= self.lowest and self.highest <= scale[1]]
        if holding:
            return min(holding, key=lambda scale: scale[1] - scale[0])
        return math.floor(self.lowest), math.ceil(self.highest)


def range_problem(seen: ScoresSeen, remedy: str) -> str:
    """Say in one line that scores are of another range than the one that is set."""
    return (
        f"scores run from {seen.lowest:g} to {seen.highest:g}, outside of [{seen.allowed[0]:g}, {seen.allowed[1]:g}]"
        f" ({seen.outside:,} of {seen.inside + seen.outside:,}); {remedy}"
    )
