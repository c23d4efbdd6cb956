"""At most the promised share of findings is false: with nothing to find, and with much to find."""

from __future__ import annotations

import numpy as np

from faultmap_core.clustering import ClusterTree
from faultmap_core.regions import Label, RegionSettings, candidates_of, find_regions

LEVEL = 0.05
BLOCKS, SIZE = 40, 25


def blocks_in_pairs() -> ClusterTree:
    """A root over 20 pairs of blocks of 25 units: nested candidates, as in a real tree."""
    pairs = np.arange(0, BLOCKS * SIZE, 2 * SIZE)
    singles = np.arange(0, BLOCKS * SIZE, SIZE)
    start = np.concatenate(([0], pairs, singles))
    end = np.concatenate(([BLOCKS * SIZE], pairs + 2 * SIZE, singles + SIZE))
    parent = np.concatenate(([-1], np.zeros(len(pairs)), 1 + np.arange(BLOCKS) // 2)).astype(np.int64)
    return ClusterTree(np.arange(BLOCKS * SIZE), parent, start, end, np.zeros(len(parent)), "test")


def found_in(failed: np.ndarray) -> list[np.ndarray]:
    label = Label(failed.astype(float), np.ones(len(failed)))
    search = find_regions(candidates_of(blocks_in_pairs()), label, RegionSettings(significance_level=LEVEL))
    return [region.units for region in search.regions]


def test_with_nothing_planted_few_searches_find_anything():
    runs = 600
    rng = np.random.default_rng(1)
    any_found = sum(bool(found_in(rng.random(BLOCKS * SIZE) < 0.3)) for _ in range(runs))
    assert any_found / runs <= LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / runs)


def test_with_much_planted_few_findings_are_false():
    # Twelve of forty blocks fail at .9; the others at .2. A finding without one planted block is false.
    runs = 60
    rng = np.random.default_rng(2)
    false_shares = []
    for _ in range(runs):
        planted = rng.choice(BLOCKS, size=12, replace=False)
        rate = np.full(BLOCKS, 0.2)
        rate[planted] = 0.9
        found = found_in(rng.random(BLOCKS * SIZE) < np.repeat(rate, SIZE))
        false = [not np.isin(units // SIZE, planted).any() for units in found]
        false_shares.append(float(np.mean(false)) if false else 0.0)
        assert len(found) >= 6
    assert np.mean(false_shares) <= LEVEL + 2 * np.std(false_shares) / np.sqrt(runs)


def test_the_level_of_later_steps_ends_at_five_times_the_first():
    # Twenty blocks are beyond doubt; block 30 alone reaches p between 5 and 20 times the level.
    from scipy.stats import hypergeom

    failed = np.zeros((BLOCKS, SIZE), dtype=bool)
    failed[:20] = True
    failed[20:, ::5] = True
    for hits in range(5, SIZE):
        failed[30] = np.arange(SIZE) < hits
        others = int(failed[20:].sum())
        left = hypergeom(20 * SIZE, others, SIZE)
        p_left = left.sf(hits) + left.pmf(hits) / 2
        # 20 blocks and 10 pairs are left.
        adjusted = p_left * 30
        if 5 * LEVEL < adjusted <= 0.9:
            break
    else:
        raise AssertionError("no count lies between the limits")
    assert not any((units // SIZE == 30).all() for units in found_in(failed.ravel()))
