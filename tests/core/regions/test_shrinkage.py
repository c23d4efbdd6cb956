"""Estimates after selection: against numerical integration, and against the truth in simulations."""

import numpy as np
import pytest
from scipy import integrate, stats

from faultmap_core.regions.labels import Label
from faultmap_core.regions.search import Candidates
from faultmap_core.regions.shrinkage import shrunken_difference, spread_of_regions


def nodes(sizes):
    """Candidates that are one leaf node each under a root."""
    ends = np.cumsum(sizes)
    start, end = np.concatenate(([0], ends - sizes)), np.concatenate(([ends[-1]], ends))
    parent = np.concatenate(([-1], np.zeros(len(sizes), dtype=np.int64)))
    return Candidates(np.arange(ends[-1]), start, end, parent=parent)


@pytest.mark.parametrize(
    ("rate", "size", "rest", "spread"), [(0.6, 20, 0.15, 0.1), (0.9, 12.5, 0.3, 0.05), (0, 8, 0.2, 0.2)]
)
def test_the_estimate_is_the_posterior_mean(rate, size, rest, spread):
    def density(theta):
        prior = stats.laplace.pdf(theta, rest, 0.9 * spread)
        return prior * theta ** (rate * size) * (1 - theta) ** ((1 - rate) * size)

    points = sorted({rest, rate * 0.98 + 0.01})
    whole = integrate.quad(density, 0, 1, points=points)[0]
    mean = integrate.quad(lambda theta: theta * density(theta), 0, 1, points=points)[0] / whole
    assert shrunken_difference(rate, size, rest, spread) == pytest.approx(mean - rest, abs=1e-4)


def test_much_evidence_is_hardly_shrunken_and_little_is_much():
    assert shrunken_difference(0.6, 5_000, 0.1, 0.1) == pytest.approx(0.5, abs=0.005)
    assert shrunken_difference(0.6, 10, 0.1, 0.02) < 0.1
    assert shrunken_difference(0.05, 40, 0.3, 0.1) < 0
    assert 0 < shrunken_difference(1.0, 30, 0.2, 0.1) < 0.8


@pytest.mark.parametrize("spread", [0.05, 0.12, 0.2])
def test_the_spread_of_rates_is_found(spread):
    rng = np.random.default_rng(1)
    mean = 0.3
    strength = mean * (1 - mean) / spread**2 - 1
    found = []
    for _ in range(40):
        sizes = rng.integers(10, 30, 200)
        rates = rng.beta(mean * strength, (1 - mean) * strength, len(sizes))
        failed = (rng.random(sizes.sum()) < np.repeat(rates, sizes)).astype(float)
        found.append(spread_of_regions(nodes(sizes), Label(failed, np.ones(len(failed))), 10))
    assert np.mean(found) == pytest.approx(spread, rel=0.08)


def test_equal_rates_have_hardly_any_spread_and_nothing_to_measure_has_the_least():
    rng = np.random.default_rng(2)
    sizes = np.full(300, 12)
    failed = (rng.random(3_600) < 0.2).astype(float)
    assert spread_of_regions(nodes(sizes), Label(failed, np.ones(3_600)), 10) < 0.06
    assert spread_of_regions(nodes(sizes), Label(np.zeros(3_600), np.zeros(3_600)), 10) == 0.02
    alone = Candidates(np.arange(4), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    assert spread_of_regions(alone, Label(np.ones(4), np.ones(4)), 10) == 0.02
