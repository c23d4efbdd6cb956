"""Estimate failure rates of dependent rows: rows of one session, and days that differ from one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ConfigurationError

Floats = NDArray[np.float64]

_SLACK = 1e-9


@dataclass(frozen=True)
class Rate:
    """A share of rows with something bad about them.

    Attributes: failures: >= 0, fractions allowed (means of repeats); trials: >= failures; design_effect: >= 1, by how
        many times fewer independent rows there are (see `rate_of`).
    """

    failures: float
    trials: float
    design_effect: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.failures <= self.trials + _SLACK or not np.isfinite(self.trials):
            raise ConfigurationError(f"{self.failures} failures of {self.trials}; expected 0 to as many as there are")
        if not 1.0 <= self.design_effect < np.inf:
            raise ConfigurationError(f"design_effect is {self.design_effect}; expected 1 or more")

    @property
    def rate(self) -> float:
        """Share of failures, 0.0 without trials."""
        return self.failures / self.trials if self.trials > 0 else 0.0

    @property
    def worth(self) -> float:
        """Independent rows that the trials are worth."""
        return self.trials / self.design_effect


def rate_of(failed: ArrayLike, groups: Sequence[str | None] | None = None, *, least_design_effect: float = 1.0) -> Rate:
    """Return the failure rate of rows and what they are worth where rows of one group hang together.

    Args:
        failed: (n,) in [0, 1], NaN for rows without an outcome (left out).
        groups: n session or user ids, None for a row of its own.
        least_design_effect: of a longer window of the same traffic; a single day's own estimate is noisy.
    Source: variance of a ratio over clusters (Kish, 1965, ch. 6) over the binomial variance, as in Rao and Scott
        (1992); never below 1.
    """
    outcome = np.asarray(failed, dtype=np.float64)
    if groups is not None and len(groups) != len(outcome):
        raise ConfigurationError(f"{len(groups)} groups for {len(outcome)} outcomes")
    kept = np.flatnonzero(np.isfinite(outcome))
    outcome = outcome[kept]
    effect = least_design_effect
    if groups is not None:
        known: dict[str | int, int] = {}
        names = [groups[row] or row for row in kept.tolist()]
        number = np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)
        effect = max(effect, _design_effect(outcome, number))
    return Rate(float(outcome.sum()), float(len(outcome)), max(effect, 1.0))


def _design_effect(outcome: Floats, number: NDArray[np.int64]) -> float:
    sizes = np.bincount(number).astype(np.float64)
    n, groups = float(len(outcome)), len(sizes)
    rate = float(outcome.mean()) if n else 0.0
    binomial = rate * (1.0 - rate) / max(n - 1.0, 1.0)
    if groups < 2 or binomial <= 0.0:
        # Nothing to estimate from: rows of one group count as one.
        return float((sizes**2).sum() / n) if n else 1.0
    residual = np.bincount(number, weights=outcome) - rate * sizes
    return float(groups / (groups - 1.0) * (residual**2).sum() / n**2 / binomial)


def between_day_variance(days: Sequence[Rate]) -> float:
    """Return how much a rate varies from day to day beyond sampling (weekdays, outages, campaigns), as a variance.

    Source: DerSimonian and Laird (1986), weights by each day's worth; 0.0 for fewer than three days.
    """
    worth = np.array([day.worth for day in days if day.trials > 0])
    rates = np.array([day.rate for day in days if day.trials > 0])
    if len(worth) < 3:
        return 0.0
    middle = float((worth * rates).sum() / worth.sum())
    sampling = middle * (1.0 - middle)
    # Cochran's Q with the sampling variance taken out of the weights.
    q = float((worth * (rates - middle) ** 2).sum())
    spread = float(worth.sum() - (worth**2).sum() / worth.sum())
    return max(0.0, (q - (len(worth) - 1) * sampling) / spread) if spread > 0 else 0.0
