"""Measure how well an eval set, and each of its items, tells models apart.

The power of McNemar's test, from the number of prompts and from how often two models disagree; the discrimination of
items.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import _Record

Floats = NDArray[np.float64]

# Of fewer models every order is a trend, and one model that is right by luck against the trend is no evidence.
_LEAST_MODELS = 4
_LEAST_PER_SIDE = 2


@dataclass(frozen=True)
class Resolution(_Record):
    """What an eval set can tell apart.

    Attributes:
        pairs: pairs of models compared; prompts: distinct prompts that the typical pair has in common.
        discordance: share of prompts on which the typical (median) pair of models disagrees, in [0, 1].
        difference: the smallest difference of two models' success rates that is found significant at
            `significance_level` with `power`, for the typical pair; smallest, largest: over the pairs. None where even
            the greatest would not be found.
    """

    pairs: int
    prompts: int
    discordance: float
    difference: float | None
    smallest: float | None
    largest: float | None
    significance_level: float
    power: float


def minimum_detectable_difference(
    n: int, discordance: float, significance_level: float = 0.05, power: float = 0.8
) -> float | None:
    """Smallest difference of two paired success rates that McNemar's two-sided test finds with `power`.

    Args:
        n: pairs, >= 0; discordance: the share of pairs in which only one of the two is right, in [0, 1].
    Returns:
        A difference in (0, 1], None where n is too small for any. A difference above the discordance needs more
        disagreement than there is; then it is the one at which all disagreements favour one side.
    Source: Connor (1987), Biometrics 43: n = (z_a sqrt(psi) + z_b sqrt(psi - d^2))^2 / d^2, solved for d.
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    if not (0.0 <= discordance <= 1.0 and 0.0 < significance_level < 1.0 and 0.5 <= power < 1.0 and n >= 0):
        raise ConfigurationError(
            f"n {n}, discordance {discordance}, level {significance_level}, power {power}: expected n >= 0, a "
            "discordance in [0, 1], a level in (0, 1), a power in [0.5, 1)"
        )
    a, b = float(ndtri(1.0 - significance_level / 2.0)), float(ndtri(power))
    if n <= a**2:
        return None
    root = a * math.sqrt(n) + b * math.sqrt(n - a**2 + b**2)
    difference = math.sqrt(discordance) * root / (n + b**2)
    if 0.0 < difference <= discordance:
        return difference
    return float(brentq(lambda d: a + b * math.sqrt(1.0 - d) - math.sqrt(d * n), 0.0, 1.0))


def resolution(passed: Floats, significance_level: float = 0.05, power: float = 0.8) -> Resolution | None:
    """Return what a table of outcomes can tell apart, None where no two models have a prompt in common.

    Args: passed: (prompts, models) in [0, 1], NaN where unknown.
    """
    found = []
    for one, other in combinations(range(passed.shape[1]), 2):
        a, b = passed[:, one], passed[:, other]
        known = ~np.isnan(a) & ~np.isnan(b)
        n = int(known.sum())
        if n:
            apart = float(np.abs(a[known] - b[known]).mean())
            found.append((apart, n, minimum_detectable_difference(n, apart, significance_level, power)))
    if not found:
        return None
    found.sort(key=lambda pair: pair[:2])
    # Of an even number of pairs the less favourable of the middle ones.
    discordance, prompts, difference = found[len(found) // 2]
    every = [one[2] for one in found]
    known_differences = [one for one in every if one is not None]
    return Resolution(
        pairs=len(found),
        prompts=prompts,
        discordance=discordance,
        difference=difference,
        smallest=min(known_differences, default=None),
        largest=None if None in every else max(known_differences),
        significance_level=significance_level,
        power=power,
    )


def item_rest_correlations(passed: Floats) -> Floats:
    """Correlate each item's outcomes with the models' success on all other items.

    Args: passed: (items, models) 1.0, 0.0 or NaN.
    Returns:
        (items,) in [-1, 1], over the models with an outcome; NaN with fewer than four of them, with fewer than two
        that pass or that fail, or where the rest does not tell them apart.
    Source: corrected point-biserial, Henrysson (1963), Psychometrika 28.
    """
    known = ~np.isnan(passed)
    values = np.where(known, passed, 0.0)
    others = np.maximum(known.sum(axis=0) - 1, 1)
    rest = (values.sum(axis=0) - values) / others
    n = known.sum(axis=1)
    right = values.sum(axis=1)
    usable = (n >= _LEAST_MODELS) & (right >= _LEAST_PER_SIDE) & (n - right >= _LEAST_PER_SIDE)
    count = np.maximum(n, 1)[:, None]

    def centred(table: Floats) -> Floats:
        return np.where(known, table - np.where(known, table, 0.0).sum(axis=1, keepdims=True) / count, 0.0)

    x, y = centred(values), centred(rest)
    spread = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    usable &= spread > 1e-12
    return np.where(usable, (x * y).sum(axis=1) / np.where(usable, spread, 1.0), np.nan)
