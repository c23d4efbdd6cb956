"""Estimate the share of production that the tests cover, and the distance that is too far, from distances alone.

The yardstick is the tests' own leave-one-out distances: how far a prompt of a tested kind lies from the other tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Fewer tests give no distribution to measure with.
LEAST_TESTS = 10
_THRESHOLDS = 61
# The share of the tests within the smallest distance looked at: for the estimate, and for its bounds. Below, a quotient
# is noise; above, the uncovered prompts come in.
_ESTIMATE_FROM, _LOW_FROM, _HIGH_FROM = 0.3, 0.15, 0.5
# The greatest distance holds all tests by construction and so is no fair measure.
_UP_TO = 0.98
# One-sided 95 % below.
_Z_LOW = 1.645
# The smallest of many noisy quotients is below 1 though all is covered. What it then is, is drawn; the estimate is 1
# from the upper of these quantiles on and the quotient itself below the lower one. The upper bound lets the quotient be
# the third.
_SURELY_LESS, _AS_GOOD_AS_ALL, _EXTREME = 0.05, 0.35, 0.01
_DRAWS = 400
# Tests that are each other's nearest share a distance: as a measure they are worth fewer (bench/coverage_full.py).
_TESTS_PER_OBSERVATION = 1.5
_OUTLIER_RATE = 0.1


@dataclass(frozen=True)
class CoverageEstimate:
    """Attributes: score: share of production that is covered, in [0, 1]; low, high: bounds, low <= score <= high."""

    score: float
    low: float
    high: float


def estimate_coverage(
    production: ArrayLike, tests: ArrayLike, weights: ArrayLike | None = None, copied: float = 0.0
) -> CoverageEstimate:
    """Estimate the share of production prompts that are drawn from what the tests cover.

    Covered prompts are as far from the tests as tests are from each other, uncovered ones farther. The share of
    production within a distance is then at least the covered share times the share of tests within it, and equal to it
    while the uncovered lie beyond: the smallest quotient over distances estimates the covered share.

    Args:
        production: (n,) distances of production prompts to the tests, without the copies of tests.
        tests: (m,) leave-one-out distances of the tests, measured alike.
        weights: (n,) > 0, rows per production prompt; 1 where None.
        copied: share of production rows that are copies of a test, in [0, 1]; they are covered.
    Returns: with fewer than 10 tests or no prompts only what the copies prove: (copied, copied, 1).
    Source: the quotient is the estimate of a mixture's proportion of Blanchard, Lee, Scott (2010), eq. 7, over balls
        around the tests; the lower bound by the delta method on its logarithm, one-sided 95 %; the estimate and the
        upper bound against the quotients that full coverage gives, drawn with a fixed seed.
    """
    there, yardstick = np.asarray(production, dtype=np.float64), np.sort(np.asarray(tests, dtype=np.float64))
    if copied >= 1.0:
        return CoverageEstimate(1.0, 1.0, 1.0)
    if len(yardstick) < LEAST_TESTS or not len(there):
        return CoverageEstimate(copied, copied, 1.0)
    rows = np.ones(len(there)) if weights is None else np.asarray(weights, dtype=np.float64)
    n, m = float(rows.sum() ** 2 / (rows**2).sum()), len(yardstick)
    quantile = np.linspace(_LOW_FROM, _UP_TO, _THRESHOLDS)
    distance = np.quantile(yardstick, quantile)
    order = np.argsort(there, kind="stable")
    running = np.concatenate(([0.0], np.cumsum(rows[order]))) / rows.sum()
    within = (running[np.searchsorted(there[order], distance, side="right")] * n + 0.5) / (n + 1.0)
    expected = (np.searchsorted(yardstick, distance, side="right") + 0.5) / (m + 1.0)
    quotient = within / expected
    error = np.sqrt((1.0 - within) / (within * n) + (1.0 - expected) / (expected * m))

    def smallest(values: Floats, start: float) -> Floats:
        return np.asarray(values[..., quantile >= start - 1e-9].min(axis=-1), dtype=np.float64)

    covered = _quotients_of_full_coverage(n, m / _TESTS_PER_OBSERVATION, quantile)
    score = _stretched(float(smallest(quotient, _ESTIMATE_FROM)), smallest(covered, _ESTIMATE_FROM))
    low = float(smallest(quotient * np.exp(-_Z_LOW * error), _LOW_FROM))
    high = float(smallest(quotient, _HIGH_FROM) / np.quantile(smallest(covered, _HIGH_FROM), _EXTREME))

    def of_all(share: float) -> float:
        return copied + (1.0 - copied) * min(1.0, share)

    return CoverageEstimate(of_all(score), of_all(min(low, score)), of_all(max(high, score)))


def _quotients_of_full_coverage(n: float, m: float, quantile: Floats) -> Floats:
    """Draw (draws, quantiles) quotients as they come out where production and tests have one distribution.

    The shares of production between the tests' quantiles are Dirichlet, the prompts among them multinomial.
    """
    rng = np.random.default_rng(0)
    tests, prompts = max(m, 2.0), max(round(n), 1)
    place = quantile * (tests - 1.0) + 1.0
    gaps = np.diff(np.concatenate(([0.0], place, [tests + 1.0])))
    shares = rng.dirichlet(gaps, _DRAWS)
    within = np.cumsum(rng.multinomial(prompts, shares), axis=1)[:, :-1]
    return np.asarray((within + 0.5) / (prompts + 1.0) / ((place + 0.5) / (tests + 1.0)), dtype=np.float64)


def _stretched(quotient: float, covered: Floats) -> float:
    """Map a smallest quotient to a share: those that full coverage would often give lie nearer to 1 than they seem."""
    least, enough = (min(float(one), 1.0) for one in np.quantile(covered, (_SURELY_LESS, _AS_GOOD_AS_ALL)))
    if quotient >= enough:
        return 1.0
    return quotient if quotient <= least else least + (quotient - least) / (enough - least) * (1.0 - least)


def outlier_threshold(production: ArrayLike, tests: ArrayLike) -> float:
    """Return the distance beyond which a single production prompt is an outlier.

    Args: production: (n,) distances to the nearest test; tests: (m,) leave-one-out distances, both >= 0.
    Returns: the smallest distance beyond which at most a tenth of the prompts is what the tests' own distances
        explain (Benjamini-Hochberg on conformal p-values; Bates et al., 2023); where no distance is enough, the
        greatest leave-one-out distance; 0.0 without tests.
    """
    there, yardstick = np.sort(np.asarray(production, dtype=np.float64)), np.asarray(tests, dtype=np.float64)
    if not len(yardstick):
        return 0.0
    greatest = float(yardstick.max())
    if not len(there):
        return greatest
    ordered = np.sort(yardstick)
    # For each prompt: how many tests lie at least as far, and how many prompts do.
    p = (1.0 + len(ordered) - np.searchsorted(ordered, there, side="left")) / (1.0 + len(ordered))
    beyond = len(there) - np.searchsorted(there, there, side="left")
    enough = np.flatnonzero(p * len(there) / beyond <= _OUTLIER_RATE)
    if not len(enough):
        return greatest
    first = float(there[enough[0]])
    lower = there[there < first]
    return min(greatest, float(lower[-1]) if len(lower) else float(np.nextafter(first, 0.0)))
