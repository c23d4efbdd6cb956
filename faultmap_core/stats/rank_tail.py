"""The rank-sum test's tail for small regions and many ties, where the normal distribution is wrong by powers of ten.

Under the hypothesis a region is a sample without replacement of everything that takes part. Where one tied value holds
at least half, how many of a small region lie beside it is hypergeometric, and what those add is convolved exactly;
everywhere else a double saddlepoint approximation gives the tail. All tails are mid-p, as for failures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.stats.exact_tests import midp_greater

Floats = NDArray[np.float64]

# Ranks are rounded to this many steps: a hundredth of the range is less than any test sees, and sums become whole.
_STEPS = 128
# From here on the normal tail is good enough: such a region is never the finding.
_LARGE_P = 0.25
# Regions with at most this many values expected beside the common one are summed exactly: there the sum jumps from one
# count to the next, and a smooth approximation misses by up to a factor of two.
_FEW_BESIDE, _COMMON_SHARE = 12.0, 0.5
_COUNTED_TO = 44
# So few values beside the common one are drawn without replacement.
_DRAWN_EXACTLY = 120
_ITERATIONS, _HALVINGS = 40, 30
_CONVERGED = 1e-9


@dataclass(frozen=True)
class RankPopulation:
    """Everything that takes part in a rank-sum test.

    Attributes:
        scores: (n,) whole numbers, mid-ranks in steps from the commonest value, which is 0; 0 for what takes no part.
        values, weights: (v,) the distinct scores, ascending, and the weight of each.
    """

    scores: Floats
    values: Floats
    weights: Floats

    @classmethod
    def of(cls, values: ArrayLike, weights: ArrayLike) -> RankPopulation:
        """Rank (n,) finite `values`; those of weight 0 take no part."""
        from scipy.stats import rankdata

        everything, weight = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
        part = weight > 0
        scores = np.zeros(len(everything))
        if not part.any():
            return cls(scores, np.zeros(0), np.zeros(0))
        ranks = rankdata(everything[part])
        distinct, place = np.unique(ranks, return_inverse=True)
        common = distinct[int(np.argmax(np.bincount(place, weights=weight[part])))]
        step = max(float(distinct[-1] - distinct[0]) / _STEPS, 0.5)
        scores[part] = np.round((ranks - common) / step)
        known, place = np.unique(scores[part], return_inverse=True)
        return cls(scores, known, np.bincount(place, weights=weight[part]).astype(np.float64))

    def upside_down(self) -> RankPopulation:
        """Return the same with every score negated."""
        return RankPopulation(-self.scores, -self.values[::-1], self.weights[::-1])


def upper_tail(population: RankPopulation, sums: Floats, sizes: Floats) -> Floats:
    """Return (m,) mid-p of a sum of scores as great or greater, for regions of `sizes` in total weight.

    1.0 where a region or what is outside of it is empty, or all scores are equal.
    """
    from scipy.special import ndtr

    total = float(population.weights.sum())
    p = np.ones(len(sums))
    if len(population.values) < 2:
        return p
    mean = float(population.weights @ population.values / total)
    variance = float(population.weights @ (population.values - mean) ** 2)
    usable = (sizes > 1e-9) & (total - sizes > 1e-9)
    size, above = sizes[usable], sums[usable] - sizes[usable] * mean
    normal = ndtr(-above / np.sqrt(size * (total - size) * variance / (total * max(total - 1.0, 1.0))))
    small = normal < _LARGE_P
    tail = normal.copy()
    tail[small] = _small_tail(population, above[small] + size[small] * mean, size[small])
    p[usable] = tail
    return p


def _small_tail(population: RankPopulation, sums: Floats, sizes: Floats) -> Floats:
    total = float(population.weights.sum())
    beside = 1.0 - float(population.weights[population.values == 0.0].sum()) / total
    if len(population.values) == 2:
        return _two_values(population, sums, sizes)
    few = (sizes * beside <= _FEW_BESIDE) & (beside <= _COMMON_SHARE)
    p = np.ones(len(sums))
    if few.any():
        p[few] = _counted(population, sums[few], sizes[few])
    if not few.all():
        p[~few] = _saddlepoint(population, sums[~few], sizes[~few])
    return p


def _two_values(population: RankPopulation, sums: Floats, sizes: Floats) -> Floats:
    """The hypergeometric distribution itself; fractions of weights are rounded against the finding."""
    low, high = population.values
    good, total = _whole(float(population.weights[1])), _whole(float(population.weights.sum()))
    n = np.minimum(np.ceil(sizes - 1e-9), total)
    hits = np.floor((sums - sizes * low) / (high - low) + 1e-9)
    possible = np.clip(hits, np.maximum(0.0, n - (total - good)), np.minimum(n, good))
    return midp_greater(possible, n, good, total)


def _whole(weight: float) -> float:
    return float(np.ceil(weight - 1e-9))


def _counted(population: RankPopulation, sums: Floats, sizes: Floats) -> Floats:
    """Sum over k, how many of a region lie beside the commonest value, P(k) * P(their scores sum to that much).

    Of fractional sizes the excess over the mean is kept, and the size rounded up.
    """
    total = float(population.weights.sum())
    mean = float(population.weights @ population.values / total)
    n = np.ceil(sizes - 1e-9)
    wanted = sums + (n - sizes) * mean
    there = population.values != 0.0
    values, weights = population.values[there], population.weights[there]
    beside, everything = _whole(float(weights.sum())), _whole(total)
    most = int(min(n.max(), beside, _COUNTED_TO))
    chance = _hypergeometric(most, n, beside, everything)
    # Of more than are counted, all are taken to reach the sum.
    p = np.maximum(1.0 - chance.sum(axis=1), 0.0) if most == _COUNTED_TO else np.zeros(len(n))
    for k, point in enumerate(_sums_of(values - values.min(), weights, most)):
        p += chance[:, k] * _mid_tail(point, wanted - k * values.min())
    return np.asarray(np.minimum(p, 1.0), dtype=np.float64)


def _hypergeometric(most: int, n: Floats, good: float, everything: float) -> Floats:
    """Return (m, most + 1) chances that n draws without replacement from `everything` hold 0, 1, … of `good`."""
    from scipy.special import gammaln

    log_factorial = gammaln(np.arange(int(everything) + 1) + 1.0)
    k, drawn = np.arange(most + 1)[None, :], n.astype(np.int64)[:, None]
    bad = int(everything - good)
    possible = (k <= drawn) & (drawn - k <= bad)
    rest = np.where(possible, drawn - k, 0)

    def log_choose(of: int, chosen: NDArray[np.int64]) -> Floats:
        return np.asarray(log_factorial[of] - log_factorial[chosen] - log_factorial[of - chosen], dtype=np.float64)

    log_chance = log_choose(int(good), k) + log_choose(bad, rest) - log_choose(int(everything), drawn)
    return np.where(possible, np.exp(log_chance), 0.0)


def _sums_of(values: Floats, weights: Floats, most: int) -> Iterator[Floats]:
    """Yield for k = 0 … `most` the distribution over 0, 1, … of the sum of k of `values` (whole, >= 0).

    Without replacement where there are few; of many or of fractional weights with it, which spreads the sum wider.
    """
    steps = values.astype(np.int64)
    if weights.sum() <= _DRAWN_EXACTLY and (weights == np.round(weights)).all():
        ways = np.zeros((most + 1, most * int(steps.max()) + 1))
        ways[0, 0] = 1.0
        for step in np.repeat(steps, weights.astype(np.int64)):
            ways[1:, step:] += ways[:-1, : ways.shape[1] - step].copy()
        for row in ways:
            yield row / row.sum()
        return
    one = np.zeros(int(steps.max()) + 1)
    one[steps] = weights / weights.sum()
    point = np.ones(1)
    for _ in range(most + 1):
        yield point
        point = np.convolve(point, one)


def _mid_tail(point: Floats, wanted: Floats) -> Floats:
    """P(X > wanted) + P(X = wanted) / 2 for X with P(X = i) = point[i]; between whole numbers the tail is level."""
    above = np.concatenate((np.cumsum(point[::-1])[::-1], [0.0]))
    whole = np.abs(wanted - np.round(wanted)) < 1e-6
    reached = np.clip(np.where(whole, np.round(wanted), np.ceil(wanted)), 0, len(point)).astype(np.int64)
    beyond = np.clip(np.where(whole, np.round(wanted) + 1, np.ceil(wanted)), 0, len(point)).astype(np.int64)
    return np.asarray((above[reached] + above[beyond]) / 2.0, dtype=np.float64)


def _saddlepoint(population: RankPopulation, sums: Floats, sizes: Floats) -> Floats:
    """Skovgaard's (1987) tail of a sum of independent draws given that their number is the region's size.

    Source: Skovgaard (1987), Journal of Applied Probability 24, eq. 3.3; for samples without replacement Booth and
    Butler (1990), Biometrika 77. Weights enter as repeats of a value.
    """
    from scipy.special import ndtr

    total = float(population.weights.sum())
    mean = float(population.weights @ population.values / total)
    spread = float(np.sqrt(population.weights @ (population.values - mean) ** 2 / total))
    # At the greatest possible sum there is no saddlepoint; half a step below it the tail is that of the greatest sum.
    sums = np.minimum(sums, _greatest(population, sizes) - 0.5)
    z = (population.values - mean) / spread
    share = sizes / total
    b, value, determinant = _dual(z, population.weights, sizes, (sums - sizes * mean) / spread)
    w = np.sqrt(np.maximum(2.0 * value, 1e-12))
    u = b * np.sqrt(determinant / (total * share * (1.0 - share)))
    density = np.exp(-(w**2) / 2.0) / np.sqrt(2.0 * np.pi)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = ndtr(-w) + density * (1.0 / u - 1.0 / w)
    # Chernoff's bound where the sum is so near to the greatest that the formula breaks down.
    broken = ~(np.isfinite(p) & (p > 0.0) & (u > 0.0))
    return np.asarray(np.clip(np.where(broken, np.exp(-value), p), 0.0, 1.0), dtype=np.float64)


def _greatest(population: RankPopulation, sizes: Floats) -> Floats:
    """Return the greatest sums that regions of these sizes can have."""
    weight = np.concatenate(([0.0], np.cumsum(population.weights[::-1])))
    reached = np.concatenate(([0.0], np.cumsum((population.weights * population.values)[::-1])))
    return np.asarray(np.interp(sizes, weight, reached), dtype=np.float64)


def _dual(z: Floats, weights: Floats, sizes: Floats, sums: Floats) -> tuple[Floats, Floats, Floats]:
    """Maximise a * sizes + b * sums - K(a, b) by damped Newton steps; return b, the maximum and det K''(a, b).

    K(a, b) = sum of weights * log(1 - share + share * exp(a + b z)) is convex, so every step that is short enough
    raises the value.
    """
    share = sizes / weights.sum()
    inside, outside = np.log(share)[:, None], np.log1p(-share)[:, None]
    a, b = np.zeros(len(sizes)), np.minimum(sums / (weights.sum() * share * (1.0 - share)), 3.0)

    def look(a: Floats, b: Floats) -> tuple[Floats, Floats]:
        exponent = inside + a[:, None] + b[:, None] * z
        log_sum = np.logaddexp(outside, exponent)
        return np.exp(exponent - log_sum), a * sizes + b * sums - log_sum @ weights

    chosen, value = look(a, b)
    for turn in range(_ITERATIONS + 1):
        variance = chosen * (1.0 - chosen)
        slope_a, slope_b = sizes - chosen @ weights, sums - chosen @ (weights * z)
        aa, ab, bb = variance @ weights, variance @ (weights * z), variance @ (weights * z * z)
        determinant = np.maximum(aa * bb - ab**2, 1e-300)
        step_a, step_b = (bb * slope_a - ab * slope_b) / determinant, (aa * slope_b - ab * slope_a) / determinant
        if turn == _ITERATIONS or (slope_a * step_a + slope_b * step_b < _CONVERGED).all():
            break
        length = np.ones(len(sizes))
        for _ in range(_HALVINGS):
            _, risen = look(a + length * step_a, b + length * step_b)
            worse = ~(risen >= value - 1e-10 * np.maximum(np.abs(value), 1.0))
            if not worse.any():
                break
            length = np.where(worse, length / 2.0, length)
        length = np.where(worse, 0.0, length)
        a, b = a + length * step_a, b + length * step_b
        chosen, value = look(a, b)
    return b, value, determinant
