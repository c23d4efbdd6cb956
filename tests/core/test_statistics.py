"""The tests and intervals against scipy, statsmodels and published tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from faultmap_core import statistics

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
