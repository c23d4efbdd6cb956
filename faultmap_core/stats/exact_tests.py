"""The tests, corrections and intervals that every question of "where" uses, vectorised over regions.

Counts in, probabilities out. Where scipy or statsmodels have the method for one table at a time, the tests compare
with them; here it runs on tens of thousands of tables at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

# Terms of a tail that are smaller than this share of its sum no longer change it.
_NEGLIGIBLE = 1e-17


def hypergeometric_tail(k: ArrayLike, n: ArrayLike, successes: ArrayLike, total: ArrayLike) -> tuple[Floats, Floats]:
    """Return P(X > k) and P(X = k) for X ~ Hypergeometric(total, successes, n), elementwise.

    Args:
        k: observed successes in the region; n: its size; successes: in all; total: size of all. Whole numbers with
            max(0, n - (total - successes)) <= k <= min(n, successes), broadcast against each other.
    Returns:
        Two arrays of the broadcast shape, each in [0, 1].
    """
    from scipy.special import gammaln

    shape = np.broadcast_shapes(np.shape(k), np.shape(n), np.shape(successes), np.shape(total))
    columns = [np.broadcast_to(np.asarray(one, dtype=np.float64), shape).ravel() for one in (k, n, successes, total)]
    table, inverse = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
    x, drawn, good, everything = table.T
    bad = everything - good

    def log_choose(a: Floats, b: Floats) -> Floats:
        return np.asarray(gammaln(a + 1) - gammaln(b + 1) - gammaln(a - b + 1), dtype=np.float64)

    point = np.exp(log_choose(good, x) + log_choose(bad, drawn - x) - log_choose(everything, drawn))
    # The tail away from the mean is short and has no cancellation; the other one is its complement.
    upward = x * everything >= drawn * good
    start, same, other = np.where(upward, x, drawn - x), np.where(upward, good, bad), np.where(upward, bad, good)
    away = point * _series(start, drawn, same, other)
    above = np.clip(np.where(upward, away, 1.0 - away - point), 0.0, 1.0)
    return above[inverse.ravel()].reshape(shape), np.minimum(point, 1.0)[inverse.ravel()].reshape(shape)


def _series(x: Floats, drawn: Floats, good: Floats, bad: Floats) -> Floats:
    """Sum over j > x of P(j) / P(x), by the ratio of neighbouring terms."""
    total = np.zeros(len(x))
    active: NDArray[np.int64] = np.arange(len(x))
    j, term, sums = x.copy(), np.ones(len(x)), total.copy()
    d, g, b = drawn, good, bad
    while len(active):
        for _ in range(16):
            term = term * (g - j) * (d - j) / ((j + 1.0) * np.maximum(b - d + j + 1.0, 1.0))
            term = np.maximum(term, 0.0)
            sums = sums + term
            j = j + 1.0
        total[active] = sums
        going = term > _NEGLIGIBLE * sums
        active = active[going]
        j, term, sums, d, g, b = (one[going] for one in (j, term, sums, d, g, b))
    return total


def midp_greater(k: ArrayLike, n: ArrayLike, successes: ArrayLike, total: ArrayLike) -> Floats:
    """One-sided mid-p of a 2x2 table: P(X > k) + P(X = k) / 2 (Lancaster, 1961). Arguments as `hypergeometric_tail`."""
    above, point = hypergeometric_tail(k, n, successes, total)
    return above + 0.5 * point


def fisher_greater(k: ArrayLike, n: ArrayLike, successes: ArrayLike, total: ArrayLike) -> Floats:
    """One-sided Fisher exact test: P(X >= k). Arguments as `hypergeometric_tail`."""
    above, point = hypergeometric_tail(k, n, successes, total)
    return np.minimum(above + point, 1.0)


def chi2_greater(k: ArrayLike, n: ArrayLike, successes: ArrayLike, total: ArrayLike) -> Floats:
    """One-sided chi-squared test with Yates' correction (half the two-sided p; 1 - half below the rest's rate).

    Arguments as `hypergeometric_tail`, but k and successes may be fractions. 1.0 where a margin is 0.
    """
    from scipy.special import ndtr

    columns = [np.asarray(one, dtype=np.float64) for one in (k, n, successes, total)]
    a, size, good, everything = np.broadcast_arrays(*columns)
    difference = a * everything - size * good
    corrected = np.sign(difference) * np.maximum(np.abs(difference) - everything / 2.0, 0.0)
    margins = size * (everything - size) * good * (everything - good)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = corrected * np.sqrt(everything / margins)
    return np.where(margins > 0, ndtr(-np.where(margins > 0, z, 0.0)), 1.0)


def mcnemar_midp(wins_a: int, wins_b: int) -> float:
    """Two-sided mid-p McNemar test on discordant pairs.

    Args: wins_a, wins_b: counts >= 0 of pairs that only A, only B got right.
    Returns: p in (0, 1]; 1.0 where no pair is discordant.
    Source: Fagerland, Lydersen, Laake (2013), eq. 4.
    """
    from scipy.special import bdtr

    low, pairs = min(wins_a, wins_b), wins_a + wins_b
    if pairs == 0:
        return 1.0
    return min(1.0, 2.0 * float(bdtr(low, pairs, 0.5)) - _binomial_half(low, pairs))


def _binomial_half(k: int, n: int) -> float:
    """P(X = k) for X ~ Binomial(n, 1/2)."""
    from scipy.special import gammaln

    return float(np.exp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * np.log(2.0)))


def benjamini_hochberg(p_values: ArrayLike) -> Floats:
    """Adjusted p-values that control the false discovery rate (Benjamini and Hochberg, 1995); n may be 0."""
    p = np.asarray(p_values, dtype=np.float64)
    m = len(p)
    order = np.argsort(p, kind="stable")
    scaled = p[order] * m / np.arange(1, m + 1)
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def wilson_interval(rate: ArrayLike, n: ArrayLike, level: ArrayLike = 0.95) -> tuple[Floats, Floats]:
    """Score interval of a proportion (Wilson, 1927): `rate` in [0, 1], `n` > 0, whole or not, `level` in (0, 1)."""
    from scipy.special import ndtri

    p, size = np.asarray(rate, dtype=np.float64), np.asarray(n, dtype=np.float64)
    z = ndtri(0.5 + np.asarray(level, dtype=np.float64) / 2.0)
    spread = z * np.sqrt(p * (1.0 - p) / size + z**2 / (4.0 * size**2))
    scale = 1.0 + z**2 / size
    middle = p + z**2 / (2.0 * size)
    return np.maximum((middle - spread) / scale, 0.0), np.minimum((middle + spread) / scale, 1.0)


def newcombe_interval(
    rate_a: ArrayLike, n_a: ArrayLike, rate_b: ArrayLike, n_b: ArrayLike, level: ArrayLike = 0.95
) -> tuple[Floats, Floats]:
    """Interval of rate_a - rate_b for independent groups (Newcombe, 1998, method 10: hybrid of Wilson scores).

    Args: rates in [0, 1]; sizes > 0 (effective sizes need not be whole); `level` in (0, 1).
    """
    a, b = np.asarray(rate_a, dtype=np.float64), np.asarray(rate_b, dtype=np.float64)
    low_a, high_a = wilson_interval(a, n_a, level)
    low_b, high_b = wilson_interval(b, n_b, level)
    low = a - b - np.sqrt((a - low_a) ** 2 + (high_b - b) ** 2)
    high = a - b + np.sqrt((high_a - a) ** 2 + (b - low_b) ** 2)
    return np.maximum(low, -1.0), np.minimum(high, 1.0)


def mean_difference_interval(
    a: Floats, weights_a: Floats, b: Floats, weights_b: Floats, level: float = 0.95
) -> tuple[float, float]:
    """Interval of mean(a) - mean(b) for unequal variances (Welch, 1947); weights are shares of an observation, > 0.

    Returns: (-inf, inf) where a side has no more than one observation's weight.
    """
    from scipy.special import stdtrit

    n, m = float(weights_a.sum()), float(weights_b.sum())
    if n <= 1.0 or m <= 1.0:
        return float("-inf"), float("inf")
    mean_a, mean_b = float((weights_a * a).sum() / n), float((weights_b * b).sum() / m)
    error_a = float((weights_a * (a - mean_a) ** 2).sum()) / (n - 1.0) / n
    error_b = float((weights_b * (b - mean_b) ** 2).sum()) / (m - 1.0) / m
    error = error_a + error_b
    if error == 0.0:
        return mean_a - mean_b, mean_a - mean_b
    freedom = error**2 / (error_a**2 / (n - 1.0) + error_b**2 / (m - 1.0))
    reach = float(stdtrit(freedom, 0.5 + level / 2.0)) * error**0.5
    return mean_a - mean_b - reach, mean_a - mean_b + reach


def minimum_detectable_effect(
    size: float, total: float, rate: float, p_needed: float, power: float = 0.8
) -> float | None:
    """Smallest excess of a region's success rate over the rest's that the mid-p test finds with `power`.

    Args:
        size: trials in the region; total: in all (> size), fractions are cut; rate: the rest's rate, in [0, 1].
        p_needed: what the test must reach, for instance the significance level over the number of candidates.
    Returns: a difference in (0, 1 - rate], None where even a rate of 1 would not be found.
    Source: the least significant count k is found by bisection with the rest at its expected count; the rate at which
        k or more are drawn with `power` is a quantile of the Beta distribution (Clopper and Pearson, 1934).
    """
    from scipy.special import betaincinv

    inside, everything = int(size), int(total)
    outside = round(rate * (everything - inside))
    if inside < 1 or everything <= inside or rate >= 1.0:
        return None

    def significant(count: int) -> bool:
        return float(midp_greater(count, inside, count + outside, everything)) <= p_needed

    low, high = 0, inside
    if not significant(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if significant(middle) else (middle, high)
    effect = float(betaincinv(high, inside - high + 1, power)) - rate
    return effect if 0.0 < effect <= 1.0 - rate else None
