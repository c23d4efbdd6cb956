"""Test which of two models is better on the same prompts, by how much, and how sure that is.

Tests and intervals for paired outcomes; counts or differences in, probabilities and bounds out. What they are asked
about is left to `comparison`.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from numpy.typing import ArrayLike

from faultmap_core.stats.exact_tests import mcnemar_midp

# Sums of fractional wins are sums of means of copies: this much of a count is rounding, not evidence.
_SLACK = 1e-9
# Flipped sums are taken in single precision; sums this close to the one seen count as equal to it.
_ROUNDING = 1e-6
_EXACT_PAIRS = 14
_RESAMPLES = 9_999
_MOST_SIGNS = 200_000_000
_CHUNK_SIGNS = 2_000_000
_HALVINGS = 80


def mcnemar_of_means(wins_a: float, wins_b: float) -> float:
    """Two-sided mid-p McNemar test where wins are means of copies and so need not be whole.

    Args: wins_a, wins_b: >= 0. They are rounded against the finding: the greater one down, the smaller one up.
    Returns: p in (0, 1]; 1.0 where rounding leaves no difference. See `statistics.mcnemar_midp`.
    """
    less, more = math.ceil(min(wins_a, wins_b) - _SLACK), math.floor(max(wins_a, wins_b) + _SLACK)
    if less >= more:
        return 1.0
    # A tail below the smallest float is still no proof: p stays above 0.
    return max(mcnemar_midp(less, more), sys.float_info.min)


def tango_interval(wins_a: float, wins_b: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Score interval of the difference of two paired proportions, P(only A right) - P(only B right).

    Args: wins_a, wins_b: >= 0 (fractions allowed), their sum at most `n`; n: pairs, > 0; level in (0, 1).
    Returns: (low, high) in [-1, 1], around (wins_a - wins_b) / n.
    Source: Tango (1998), Statistics in Medicine 17, eq. 12; the limits are found by bisection.
    """
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2.0))
    estimate = (wins_a - wins_b) / n
    low = _score_limit(wins_a, wins_b, n, z, -1.0, estimate)
    high = -_score_limit(wins_b, wins_a, n, z, -1.0, -estimate)
    return low, high


def _score_limit(b: float, c: float, n: float, z: float, low: float, high: float) -> float:
    """Return the smallest difference that a score test does not reject; the statistic falls from `low` to `high`."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if _tango_statistic(b, c, n, middle) > z:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _tango_statistic(b: float, c: float, n: float, difference: float) -> float:
    first = 2.0 * n
    second = -b - c + (2.0 * n - b + c) * difference
    third = -c * difference * (1.0 - difference)
    share = (np.sqrt(max(second**2 - 4.0 * first * third, 0.0)) - second) / (2.0 * first)
    variance = n * (2.0 * share + difference * (1.0 - difference))
    distance = b - c - n * difference
    if variance <= 0.0:
        return 0.0 if distance <= 0.0 else np.inf
    return float(distance / np.sqrt(variance))


def sign_flip(differences: ArrayLike, *, seed: int = 0) -> float:
    """Two-sided permutation test that paired differences are symmetric about 0 (Fisher, 1935).

    Args:
        differences: (n,) finite score of A minus score of B per pair; zeros say nothing and are left out.
        seed: for the flips drawn.
    Returns:
        p in (0, 1]; 1.0 where no pair differs. Exact for up to 14 pairs that differ; otherwise (1 + hits) / (1 + R)
        over R random flips, R = 9,999 (fewer above 20,000 pairs). Where no flip reaches the sum seen, Hoeffding's bound
        (1963, theorem 2) is given if it is smaller.
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[values != 0.0]
    n = len(values)
    if n == 0:
        return 1.0
    seen = abs(float(values.sum())) - _ROUNDING * float(np.abs(values).sum())
    if n <= _EXACT_PAIRS:
        signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        return float((np.abs(signs @ values) >= seen).mean())
    rng = np.random.default_rng(seed)
    flips = int(max(999, min(_RESAMPLES, _MOST_SIGNS // n)))
    rows = max(1, _CHUNK_SIGNS // n)
    hits = 0
    for first in range(0, flips, rows):
        flipped = rng.integers(0, 2, size=(min(rows, flips - first), n), dtype=np.int8)
        sums = values.sum() - 2.0 * (flipped.astype(np.float32) @ values.astype(np.float32))
        hits += int((np.abs(sums) >= seen).sum())
    p = (1 + hits) / (1 + flips)
    if hits:
        return p
    bound = 2.0 * float(np.exp(-(seen**2) / (2.0 * float((values**2).sum()))))
    return max(min(p, bound), sys.float_info.min)


def mean_interval(differences: ArrayLike, worth: float, level: float = 0.95) -> tuple[float, float]:
    """Student's interval of the mean of paired differences (Student, 1908).

    Args: differences: (n,) finite; worth: how many independent observations they are, at most n; level in (0, 1).
    Returns: (low, high); (-inf, inf) where there is no more than one observation.
    """
    from scipy.special import stdtrit

    values = np.asarray(differences, dtype=np.float64)
    if worth <= 1.0 or len(values) < 2:
        return float("-inf"), float("inf")
    half = float(stdtrit(worth - 1.0, 0.5 + level / 2.0)) * float(values.std(ddof=1)) / math.sqrt(worth)
    mean = float(values.mean())
    return mean - half, mean + half
