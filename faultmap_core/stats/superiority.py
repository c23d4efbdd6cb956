"""Probability of superiority: how often a value from inside a region is greater than one from outside.

It is what the rank-sum test tests, with an interval that inverts that test.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HALVINGS = 60


def probability_of_superiority(
    values: Floats, weights: Floats, inside: NDArray[np.bool_], level: float = 0.95
) -> tuple[float, float, float]:
    """Return (estimate, low, high) of P(inside > outside) + P(inside = outside) / 2.

    Args:
        values: (n,) finite; weights: (n,) shares of an observation, > 0; inside: (n,) the region; level in (0, 1).
    Returns: three numbers in [0, 1]; (0.5, 0.0, 1.0) where a side is empty, nothing varies, or there is no more than
        one observation.
    Source: Newcombe (2006), Statistics in Medicine 25, 559-573, method 5, scaled to the rank-sum test's own standard
        error (ties and weights) and its continuity correction, so that at 1/2 it is that test: the interval excludes
        1/2 exactly where `concentration.rank_p_values` is below (1 - level) / 2 on that side.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    size, outside = float(weights[inside].sum()), float(weights[~inside].sum())
    total = size + outside
    ranks = rankdata(values)
    middle = float((weights * ranks).sum() / total) if total > 0 else 0.0
    variance = float((weights * (ranks - middle) ** 2).sum())
    if size <= 0 or outside <= 0 or variance <= 0 or total <= 1.0:
        return 0.5, 0.0, 1.0
    scale = total / (size * outside * len(values))
    difference = float((weights * ranks)[inside].sum()) - size * middle
    spread = (size * outside * variance / (total * (total - 1.0))) ** 0.5
    z = float(ndtri(0.5 + level / 2.0))
    estimate = float(np.clip(0.5 + scale * difference, 0.0, 1.0))
    reach = z * spread * scale

    def lower(seen: float) -> float:
        low, high = 0.0, seen
        for _ in range(_HALVINGS):
            at = (low + high) / 2.0
            if seen - 0.5 * scale - at > reach * _shape(at, total) ** 0.5:
                low = at
            else:
                high = at
        return (low + high) / 2.0

    return estimate, lower(estimate), 1.0 - lower(1.0 - estimate)


def _shape(at: float, total: float) -> float:
    """Return how much the statistic varies where the probability is `at`, as a share of how much it does at 1/2."""

    def variance(p: float) -> float:
        return p * (1.0 - p) * (1.0 + (total / 2.0 - 1.0) * ((1.0 - p) / (2.0 - p) + p / (1.0 + p)))

    return max(variance(at), 0.0) / variance(0.5)
