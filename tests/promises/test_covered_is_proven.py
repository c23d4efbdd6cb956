"""Promise: a prompt is covered only where its region has more tests than a gap could have, and where tests are near."""

import numpy as np
import pytest
from scipy.stats import binom

from faultmap_core.discovery.coverage.missing_regions import PooledPrompts, covered_units, find_missing
from faultmap_core.regions.neighbors import Neighbors
from faultmap_core.regions.tree import ClusterTree

SIZE = 20
# As many tests as prompts are usual, and a gap has at most a fifth of that: one test among six of its units.
USUAL, MAX_RATIO, SHARE_IN_GAP = 1.0, 0.2, 1 / 6


def pool_of(tests_in: tuple[int, ...], distance: tuple[float, ...]) -> PooledPrompts:
    """One region of 20 units for each number of tests; its prompts lie so far from the nearest tests."""
    n = SIZE * len(tests_in)
    starts = np.arange(0, n, SIZE)
    start, end = np.concatenate(([0], starts)), np.concatenate(([n], starts + SIZE))
    parent = np.concatenate(([-1], np.zeros(len(starts), dtype=np.int64)))
    tree = ClusterTree(np.arange(n), parent, start, end, np.zeros(len(parent)), "test")
    within = np.arange(n) % SIZE
    tests = within < np.repeat(tests_in, SIZE)
    near = np.where(tests, np.linspace(0.1, 0.2, n), np.repeat(distance, SIZE))
    # Among the ten neighbours of each unit are the first ten of its region, and so the tests.
    around = (np.arange(n) // SIZE * SIZE)[:, None] + np.arange(10)
    neighbors = Neighbors(around.astype(np.int32), np.zeros((n, 10), dtype=np.float32))
    return PooledPrompts(np.zeros((n, 2), dtype=np.float32), tests, ~tests, neighbors, tree, near)


def test_a_region_that_could_be_a_gap_covers_nothing():
    least = next(k for k in range(SIZE) if binom.sf(k - 1, SIZE, SHARE_IN_GAP) <= 0.05)
    assert least == 7
    pool = pool_of((least, least - 1), (0.1, 0.1))
    covered = covered_units(pool, USUAL, MAX_RATIO).reshape(2, SIZE).sum(axis=1)
    assert covered.tolist() == [SIZE - least, 0]


def test_what_lies_far_from_the_tests_of_its_region_is_not_covered():
    pool = pool_of((10, 10), (0.1, 0.9))
    covered = covered_units(pool, USUAL, MAX_RATIO).reshape(2, SIZE).sum(axis=1)
    assert covered.tolist() == [10, 0]


@pytest.mark.parametrize(("distance", "gaps"), [(0.9, 1), (0.05, 0)])
def test_other_words_for_what_the_tests_ask_are_no_gap(distance, gaps):
    # The first region has 17 prompts and 3 tests; its prompts lie farther from tests than those do, or nearer.
    pool = pool_of((3, 10, 10, 10, 10), (distance, 0.1, 0.1, 0.1, 0.1))
    regions = find_missing(pool, 0.05, 5, MAX_RATIO).regions
    assert [one.is_gap for one in regions] == [True] * gaps
    assert all(one.region.units.tolist() == list(range(SIZE)) for one in regions)


def test_large_gaps_do_not_hide_a_small_one():
    # Six regions without any test make up half of production; beside them 3 tests of 20 look usual.
    pool = pool_of((0,) * 6 + (13,) * 6 + (3,), (0.9,) * 6 + (0.1,) * 6 + (0.9,))
    found = find_missing(pool, 0.05, 5, MAX_RATIO).regions
    assert sorted(int(one.region.units[0]) // SIZE for one in found if one.is_gap) == [0, 1, 2, 3, 4, 5, 12]
