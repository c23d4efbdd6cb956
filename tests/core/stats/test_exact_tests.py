"""The tests and intervals against scipy, statsmodels and published tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from faultmap_core.stats import exact_tests as statistics

TABLES = [(3, 10, 30, 200), (0, 10, 30, 200), (10, 10, 30, 200), (40, 120, 300, 1500), (9, 50, 400, 4000), (1, 1, 1, 2)]


@pytest.mark.parametrize(("k", "n", "successes", "total"), TABLES)
def test_hypergeometric_tail_matches_scipy(k, n, successes, total):
    above, point = statistics.hypergeometric_tail(k, n, successes, total)
    reference = stats.hypergeom(total, successes, n)
    assert above == pytest.approx(reference.sf(k), rel=1e-9, abs=1e-300)
    assert point == pytest.approx(reference.pmf(k), rel=1e-9)
    assert statistics.midp_greater(k, n, successes, total) == pytest.approx(
        reference.sf(k) + reference.pmf(k) / 2, rel=1e-9
    )


@pytest.mark.parametrize(("k", "n", "successes", "total"), TABLES)
def test_fisher_greater_matches_scipy(k, n, successes, total):
    table = [[k, n - k], [successes - k, total - n - successes + k]]
    assert statistics.fisher_greater(k, n, successes, total) == pytest.approx(
        stats.fisher_exact(table, alternative="greater").pvalue, rel=1e-9
    )


@pytest.mark.parametrize(("k", "n", "successes", "total"), [(20, 50, 300, 1500), (8, 20, 60, 200), (60, 100, 220, 400)])
def test_chi2_greater_is_half_of_scipys_two_sided_p(k, n, successes, total):
    table = [[k, n - k], [successes - k, total - n - successes + k]]
    two_sided = stats.chi2_contingency(table, correction=True).pvalue
    assert statistics.chi2_greater(k, n, successes, total) == pytest.approx(two_sided / 2, rel=1e-9)


def test_tails_of_large_tables_neither_overflow_nor_vanish():
    # The series towards the mean grows without bound; only the one away from it may be summed.
    above, point = statistics.hypergeometric_tail([500, 40_000], [50_000, 50_000], 60_000, 100_000)
    assert above.tolist() == [1.0, 0.0]
    assert point.tolist() == [0.0, 0.0]
    middle, _ = statistics.hypergeometric_tail(30_050, 50_000, 60_000, 100_000)
    assert middle == pytest.approx(stats.hypergeom(100_000, 60_000, 50_000).sf(30_050), rel=1e-8)


def test_tail_takes_many_tables_at_once_and_repeats():
    k, n = np.array([[3, 4], [3, 3]]), np.array([[10, 10], [10, 10]])
    above, _ = statistics.hypergeometric_tail(k, n, 30, 200)
    assert above.shape == (2, 2)
    assert above[0, 0] == above[1, 0] == pytest.approx(stats.hypergeom(200, 30, 10).sf(3))


@given(st.integers(2, 300), st.data())
def test_tails_of_one_table_and_its_mirror_add_up(total, data):
    n, good = data.draw(st.integers(1, total)), data.draw(st.integers(0, total))
    k = data.draw(st.integers(max(0, n + good - total), min(n, good)))
    up, down = statistics.midp_greater(k, n, good, total), statistics.midp_greater(n - k, n, total - good, total)
    assert up + down == pytest.approx(1.0, abs=1e-9)


def test_mcnemar_midp_matches_published_example():
    # Fagerland et al. 2013, table 2: 1 and 7 discordant pairs, mid-p 0.0391
    assert statistics.mcnemar_midp(1, 7) == pytest.approx(0.0391, abs=5e-5)


def test_mcnemar_midp_edges():
    assert statistics.mcnemar_midp(0, 0) == 1.0
    # Equal counts: twice the lower tail is 1 + P(X = k), less P(X = k).
    assert statistics.mcnemar_midp(4, 4) == pytest.approx(1.0)
    assert statistics.mcnemar_midp(3, 12) == statistics.mcnemar_midp(12, 3)


def test_benjamini_hochberg_matches_statsmodels():
    p = np.random.default_rng(0).uniform(size=50) ** 2
    assert statistics.benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1], rel=1e-12)
    assert len(statistics.benjamini_hochberg([])) == 0


@pytest.mark.parametrize(("k", "n", "level"), [(0, 10, 0.95), (10, 10, 0.9), (37, 120, 0.999)])
def test_wilson_interval_matches_statsmodels(k, n, level):
    expected = proportion_confint(k, n, alpha=1 - level, method="wilson")
    assert statistics.wilson_interval(k / n, n, level) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("counts", [(7, 20, 15, 100), (0, 12, 3, 50), (30, 30, 1, 40)])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_newcombe_interval_matches_statsmodels(counts, level):
    a, n, b, m = counts
    low, high = statistics.newcombe_interval(a / n, n, b / m, m, level)
    expected = confint_proportions_2indep(a, n, b, m, method="newcomb", compare="diff", alpha=1 - level)
    assert (low, high) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("level", [0.9, 0.99])
def test_mean_difference_interval_matches_scipys_welch(level):
    rng = np.random.default_rng(0)
    a, b = rng.normal(1.0, 2.0, 25), rng.normal(0.0, 0.5, 60)
    found = statistics.mean_difference_interval(a, np.ones(25), b, np.ones(60), level)
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(level)
    assert found == pytest.approx((expected.low, expected.high), rel=1e-9)


def test_mean_difference_interval_edges():
    one = np.ones(1)
    assert statistics.mean_difference_interval(one, one, one, one) == (float("-inf"), float("inf"))
    same = np.ones(5)
    assert statistics.mean_difference_interval(2 * same, same, same, same) == (1.0, 1.0)


def test_minimum_detectable_effect_has_its_power():
    # Simulated: regions of 80 among 1,000 with rate .2 elsewhere, a mid-p test at .001.
    effect = statistics.minimum_detectable_effect(80, 1000, 0.2, 0.001)
    rng = np.random.default_rng(0)
    inside, rest = rng.binomial(80, 0.2 + effect, 4000), rng.binomial(920, 0.2, 4000)
    found = statistics.midp_greater(inside, np.full(4000, 80), inside + rest, np.full(4000, 1000)) <= 0.001
    assert found.mean() == pytest.approx(0.8, abs=0.03)


def test_minimum_detectable_effect_is_none_where_nothing_is_detectable():
    assert statistics.minimum_detectable_effect(3, 1000, 0.5, 1e-6) is None
    assert statistics.minimum_detectable_effect(10, 10, 0.5, 0.05) is None
    assert statistics.minimum_detectable_effect(10, 100, 1.0, 0.05) is None
    small, large = (statistics.minimum_detectable_effect(n, 5000, 0.2, 1e-4) for n in (30, 300))
    assert small > large


def test_midp_is_closer_to_its_level_than_fisher_and_not_above_it():
    # Exact size over all outcomes of 2x2 tables with 15 of 60 inside, for several rates.
    k, rest = np.meshgrid(np.arange(16), np.arange(46), indexing="ij")
    size = np.full(k.shape, 15)
    total = np.full(k.shape, 60)
    midp = statistics.midp_greater(k, size, k + rest, total) <= 0.05
    fisher = statistics.fisher_greater(k, size, k + rest, total) <= 0.05
    for rate in (0.1, 0.2, 0.3, 0.5):
        chance = stats.binom.pmf(k, 15, rate) * stats.binom.pmf(rest, 45, rate)
        assert (chance * fisher).sum() < (chance * midp).sum() <= 0.06
