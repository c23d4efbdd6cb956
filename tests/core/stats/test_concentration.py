"""Many p-values at once against scipy's tests of one table or sample at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from faultmap_core.stats.concentration import binary_p_values


def floats(*values):
    return np.array(values, dtype=float)


def test_binary_p_values_match_scipys_fisher():
    hits, sizes = floats(12, 9, 3), floats(20, 30, 25)
    found = binary_p_values(hits, sizes, 40.0, 200.0, "fisher", "greater")
    for k, n, p in zip(hits, sizes, found, strict=True):
        table = [[k, n - k], [40 - k, 160 - n + k]]
        expected = stats.fisher_exact(np.array(table, dtype=int), alternative="greater").pvalue
        # What is hardly above the rest is not computed and counts as 1.
        assert p == pytest.approx(expected, rel=1e-9) or (p == 1.0 and expected > 0.25)


def test_fractions_are_rounded_against_the_finding():
    exact = binary_p_values(floats(12), floats(20), 40.0, 200.0, "midp", "greater")
    fraction = binary_p_values(floats(12.9), floats(20), 40.0, 200.0, "midp", "greater")
    lighter = binary_p_values(floats(11.5), floats(19.2), 40.0, 200.0, "midp", "greater")
    assert fraction == pytest.approx(exact)
    assert lighter[0] >= exact[0]


@settings(max_examples=50, deadline=None)
@given(st.integers(20, 300), st.integers(0, 10_000))
def test_p_values_lie_in_the_unit_interval_and_fall_with_the_hits(total, seed):
    rng = np.random.default_rng(seed)
    size, successes = int(rng.integers(1, total)), int(rng.integers(1, total))
    hits = np.arange(max(0, size + successes - total), min(size, successes) + 1, dtype=float)
    for test in ("midp", "fisher", "chi2"):
        p = binary_p_values(hits, np.full(len(hits), float(size)), float(successes), float(total), test, "greater")
        assert ((p >= 0) & (p <= 1)).all()
        assert (np.diff(p) <= 1e-12).all()
