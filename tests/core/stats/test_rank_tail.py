"""The rank-sum test's tail against exact enumeration, exact convolution and scipy, ties and weights included."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy import stats

from faultmap_core.stats.concentration import rank_p_values
from faultmap_core.stats.rank_tail import RankPopulation, upper_tail


def floats(*values):
    return np.array(values, dtype=float)


def p_of(values, inside, alternative="greater", weights=None):
    """The p of one region, `inside` a mask."""
    weights = np.ones(len(values)) if weights is None else weights
    population = RankPopulation.of(values, weights)
    sums = floats((population.scores * weights)[inside].sum())
    return float(rank_p_values(population, sums, floats(weights[inside].sum()), alternative)[0])


def exact_mid_p(scores, counts, size):
    """All sums of `size` draws without replacement from whole `scores` with `counts`: sum -> mid-p."""
    ways = {(0, 0): 1}
    for score, count in zip(scores, counts, strict=True):
        more: dict[tuple[int, int], int] = {}
        for (drawn, total), before in ways.items():
            for k in range(min(count, size - drawn) + 1):
                at = drawn + k, total + k * score
                more[at] = more.get(at, 0) + before * comb(count, k)
        ways = more
    of_size = {total: number for (drawn, total), number in ways.items() if drawn == size}
    everything, above, mid_p = sum(of_size.values()), 0, {}
    for total in sorted(of_size, reverse=True):
        mid_p[total] = (above + of_size[total] / 2) / everything
        above += of_size[total]
    return mid_p


POPULATIONS = {
    "no ties": [1] * 60,
    "four of five at the best": [800] + [20] * 10,
    "nine of ten at the best": [900] + [10] * 10,
    "95 % at the best": [950] + [5] * 10,
    "99 % at the best": [990] + [1] * 10,
    "five values": [100, 200, 300, 200, 200],
    "two values": [900, 100],
    "three values, most in the middle": [25, 950, 25],
    "most in the middle": [10] * 5 + [900] + [10] * 5,
    "most in the middle, uneven": [5] * 4 + [800] + [45] * 4,
    "a second spike": [550, 400, 50],
    "few prompts": [30] + [3] * 10,
}

EXACT = ("two values", "95 % at the best", "99 % at the best", "three values, most in the middle")


@pytest.mark.parametrize("size", [10, 25])
@pytest.mark.parametrize("name", POPULATIONS)
def test_tails_match_exact_counts_down_to_one_in_a_million(name, size):
    counts = POPULATIONS[name]
    values = np.repeat(np.arange(len(counts), dtype=float), counts)
    population = RankPopulation.of(values, np.ones(len(values)))
    exact = exact_mid_p(population.values.astype(int).tolist(), population.weights.astype(int).tolist(), size)
    sums = np.array([total for total, p in exact.items() if 1e-6 < p < 0.05], dtype=float)
    expected = np.array([exact[int(total)] for total in sums])
    found = upper_tail(population, sums, np.full(len(sums), float(size)))
    # Smooth approximations of sums on a coarse lattice lie within a half; the normal tail is off by up to 10**7.
    assert np.exp(np.abs(np.log(found / expected))).max() < 1.5
    if name in EXACT:
        assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_without_ties_it_is_scipys_exact_test_as_mid_p(alternative):
    rng = np.random.default_rng(0)
    values = rng.normal(size=40)
    values[:12] += {"greater": 1.0, "less": -1.0, "two-sided": -0.9}[alternative]
    inside = np.arange(40) < 12

    def scipys(sample, alternative):
        return stats.mannwhitneyu(sample, values[~inside], alternative=alternative, method="exact")

    # P(U >= u) and P(U > u) = 1 - P(U <= u): their mean is the mid-p.
    up = (scipys(values[inside], "greater").pvalue + 1 - scipys(values[inside], "less").pvalue) / 2
    expected = {"greater": up, "less": 1 - up, "two-sided": 2 * min(up, 1 - up)}[alternative]
    assert p_of(values, inside, alternative) == pytest.approx(expected, rel=0.02)


def test_a_small_population_with_ties_matches_all_its_samples():
    values = floats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 3, 4)
    ranks = stats.rankdata(values)
    sums = np.array([ranks[list(one)].sum() for one in combinations(range(16), 4)])
    for one in ((11, 12, 13, 14), (12, 13, 14, 15), (0, 13, 14, 15), (0, 1, 14, 15)):
        seen = ranks[list(one)].sum()
        inside = np.isin(np.arange(16), one)
        expected = (sums > seen + 1e-9).mean() + (np.abs(sums - seen) < 1e-9).mean() / 2
        assert p_of(values, inside) == pytest.approx(expected, rel=1e-6)


def test_nothing_to_compare_is_no_evidence():
    assert p_of(np.ones(10), np.arange(10) < 5) == 1.0
    assert p_of(np.arange(10.0), np.ones(10, dtype=bool)) == 1.0
    assert p_of(np.arange(10.0), np.zeros(10, dtype=bool)) == 1.0
    assert len(upper_tail(RankPopulation.of(np.zeros(0), np.zeros(0)), np.zeros(0), np.zeros(0))) == 0


def test_the_greatest_and_the_smallest_sum_have_a_p_of_their_own():
    values = np.repeat([0.0, 1.0, 2.0, 3.0], [30, 30, 30, 30])
    top, bottom = values == 3.0, values == 0.0
    assert 0.0 < p_of(values, top) < 1e-20
    assert p_of(values, bottom) == pytest.approx(1.0)
    assert 0.0 < p_of(values, bottom, "less") < 1e-20


@pytest.mark.parametrize("spike", [0.3, 0.85])
def test_units_that_count_for_half_are_the_evidence_of_half_as_many(spike):
    rng = np.random.default_rng(3)
    values = np.sort(np.where(rng.random(1_000) < spike, 0.0, rng.random(1_000)))
    inside = np.zeros(1_000, dtype=bool)
    inside[[-400, -399, -350, -349, -300, -299, -250, -249, -200, -199, -150, -149, -100, -99, -50, -49, -20, -19]] = (
        True
    )
    weights = np.full(1_000, 0.5)
    assert p_of(values, inside) < p_of(values, inside, weights=weights) < 0.2
    assert p_of(values, inside, weights=weights) == pytest.approx(p_of(values[::2], inside[::2]), rel=0.1)
