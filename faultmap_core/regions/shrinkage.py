"""Estimate how much a region that was found really differs, now that it is known to be the most extreme of many.

What a selected region shows is too much in the mean: it was selected for showing it. Under a prior for all regions the
posterior does not care that one was selected (Dawid, 1994; Efron, 2011, "Tweedie's formula and selection bias").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faultmap_core.regions.labels import Label
from faultmap_core.regions.search import Candidates

Floats = NDArray[np.float64]

# Regions never differ by less than this in the mean, whatever the estimate says: it has noise of its own.
_LEAST_SPREAD = 0.02
# Scale of the Laplace prior for a spread of 1. With its own standard deviation it would be .71; the mean error over
# planted slices is smallest a little above (bench/slices_estimates.py).
_SCALE = 0.9
_GRID = 1_000


def spread_of_regions(candidates: Candidates, label: Label, min_size: int) -> float:
    """Estimate the standard deviation of regions' true rates, by the method of moments.

    The regions are the smallest nodes with `min_size` trials or more, which do not overlap; without a tree, the sets.

    Returns: a standard deviation of rates, at least .02.
    """
    sizes, hits = candidates.sums(label.trials), candidates.sums(label.successes)
    large = np.flatnonzero(sizes >= min_size)
    nodes = large[large < len(candidates.start)]
    if len(nodes) and candidates.parent is not None:
        above = candidates.parent[nodes]
        large = nodes[~np.isin(nodes, above)]
    total = float(label.trials.sum())
    if not len(large) or total <= 0:
        return _LEAST_SPREAD
    rate = float(label.successes.sum() / total)
    counted = label.trials > 0
    outcome = label.successes[counted] / label.trials[counted]
    within = float((label.trials[counted] * (outcome - rate) ** 2).sum() / total)
    n, k = sizes[large], hits[large]
    pairs = float((n * np.maximum(n - 1.0, 0.0)).sum())
    between = float(((k - n * rate) ** 2 - n * within).sum()) / pairs if pairs > 0 else 0.0
    return float(np.sqrt(max(between, _LEAST_SPREAD**2)))


def shrunken_difference(rate: float, size: float, rest_rate: float, spread: float) -> float:
    """Return the posterior mean of a region's rate less the rest's.

    Args:
        rate: share of successes inside, of `size` (> 0) observations, fractions allowed; rest_rate: outside, taken as
            known; spread: of the prior around it (`spread_of_regions`).
    Returns: a difference between 0 and the one observed, or nearly so at the ends of the scale.
    Source: a Laplace prior around the rest's rate keeps large effects where a normal one would halve them (Johnstone
        and Silverman, 2004); binomial likelihood, summed over a grid.
    """
    theta = (np.arange(_GRID) + 0.5) / _GRID
    likelihood = size * (rate * np.log(theta) + (1.0 - rate) * np.log1p(-theta))
    posterior = likelihood - np.abs(theta - rest_rate) / (_SCALE * spread)
    weight = np.exp(posterior - posterior.max())
    return float((weight * (theta - rest_rate)).sum() / weight.sum())
