"""Test the concentration of a label in each of many regions: one p-value per region, all at once.

Binary labels: mid-p, Fisher's or the chi-squared test of the region against what is outside of it. Graded labels
(scores, means of repeats): the rank-sum test. What regions there are and which to take is left to `regions`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faultmap_core.stats import exact_tests as statistics
from faultmap_core.stats.rank_tail import RankPopulation, upper_tail

Alternative = Literal["greater", "less", "two-sided"]
Test = Literal["midp", "fisher", "chi2"]
TESTS: tuple[Test, ...] = ("midp", "fisher", "chi2")

Floats = NDArray[np.float64]

# Candidates this little above the rest have p > .3: they count as tests and can never be the smallest p.
_HOPELESS_Z = 0.5


def binary_p_values(
    hits: Floats, sizes: Floats, successes: float, total: float, test: Test, alternative: Alternative
) -> Floats:
    """Return (m,) p-values of regions with `hits` of `sizes` trials, of `successes` of `total` in all.

    1.0 where the label is not concentrated in the direction looked for. Fractions of trials (means of copies, weighted
    units) are rounded against the finding.
    """
    if alternative == "two-sided":
        up = _binary_greater(hits, sizes, successes, total, test)
        down = _binary_greater(sizes - hits, sizes, total - successes, total, test)
        return np.minimum(1.0, 2.0 * np.minimum(up, down))
    if alternative == "less":
        return _binary_greater(sizes - hits, sizes, total - successes, total, test)
    return _binary_greater(hits, sizes, successes, total, test)


def _binary_greater(hits: Floats, sizes: Floats, successes: float, total: float, test: Test) -> Floats:
    p = np.ones(len(hits))
    if not 0.0 < successes < total:
        return p
    rate = successes / total
    spread = np.sqrt(sizes * rate * (1 - rate) * (total - sizes) / max(total - 1.0, 1.0))
    worth = hits - sizes * rate > _HOPELESS_Z * spread
    if test == "chi2":
        p[worth] = statistics.chi2_greater(hits[worth], sizes[worth], successes, total)
        return p
    # Fewer hits inside, more in all.
    slack = 1e-9 * max(total, 1.0)
    k, n = np.floor(hits[worth] + slack), np.ceil(sizes[worth] - slack)
    whole = np.ceil(total - slack)
    good = np.minimum(np.ceil(successes - slack), whole)
    tail = statistics.midp_greater if test == "midp" else statistics.fisher_greater
    p[worth] = tail(np.clip(k, np.maximum(0.0, n - (whole - good)), np.minimum(n, good)), n, good, whole)
    return p


def rank_p_values(population: RankPopulation, sums: Floats, sizes: Floats, alternative: Alternative) -> Floats:
    """Return (m,) mid-p values of the rank-sum test (Wilcoxon, 1945) of regions against what is outside of them.

    Args:
        population: of everything that takes part.
        sums, sizes: (m,) sums of weight * score (`population.scores`) and of weight over each region.
    Returns: see `rank_tail` for how the tail is found; two-sided twice the smaller tail.
    """
    if alternative == "greater":
        return upper_tail(population, sums, sizes)
    down = upper_tail(population.upside_down(), -sums, sizes)
    if alternative == "less":
        return down
    return np.minimum(1.0, 2.0 * np.minimum(upper_tail(population, sums, sizes), down))
