"""At most the promised share of findings is false: with nothing to find, and with much to find."""

from __future__ import annotations

from itertools import product

import numpy as np

from faultmap_core.regions.search import Label, RegionSettings, candidates_of, find_regions
from faultmap_core.regions.tree import ClusterTree

LEVEL = 0.05
BLOCKS, SIZE = 40, 25


def blocks_in_pairs(blocks: int = BLOCKS) -> ClusterTree:
    """A root over pairs of blocks of 25 units: nested candidates, as in a real tree."""
    pairs = np.arange(0, blocks * SIZE, 2 * SIZE)
    singles = np.arange(0, blocks * SIZE, SIZE)
    start = np.concatenate(([0], pairs, singles))
    end = np.concatenate(([blocks * SIZE], pairs + 2 * SIZE, singles + SIZE))
    parent = np.concatenate(([-1], np.zeros(len(pairs)), 1 + np.arange(blocks) // 2)).astype(np.int64)
    return ClusterTree(np.arange(blocks * SIZE), parent, start, end, np.zeros(len(parent)), "test")


def found_in(failed: np.ndarray, blocks: int = BLOCKS) -> list[np.ndarray]:
    label = Label(failed.astype(float), np.ones(len(failed)))
    search = find_regions(candidates_of(blocks_in_pairs(blocks)), label, RegionSettings(significance_level=LEVEL))
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
    # Twelve blocks far apart are beyond doubt, so that the next step is the 13th; then one more block stands out.
    from scipy.stats import hypergeom

    blocks, doubtless = 400, np.arange(12) * 4
    limit, endless = 5 * LEVEL, 12 * LEVEL
    seen = set()
    for usual, hits in product(range(3, 9), range(3, SIZE)):
        failed = np.arange(SIZE) < np.full((blocks, 1), usual)
        failed[doubtless] = True
        failed[200] = np.arange(SIZE) < hits
        left, everything = int(np.delete(failed, doubtless, axis=0).sum()), int(failed.sum())
        p = max(
            chance.sf(hits) + chance.pmf(hits) / 2
            for chance in (hypergeom((blocks - 12) * SIZE, left, SIZE), hypergeom(blocks * SIZE, everything, SIZE))
        )
        # The blocks that are left, and all pairs of blocks.
        adjusted = p * (blocks - 12 + blocks // 2)
        side = "within" if limit / 3 < adjusted < limit else "beyond" if limit < adjusted < endless else ""
        if side and side not in seen:
            seen.add(side)
            found = found_in(failed.ravel(), blocks)
            assert len(found) == 12 + (side == "within")
            assert any((units // SIZE == 200).all() for units in found) == (side == "within")
    assert seen == {"within", "beyond"}
