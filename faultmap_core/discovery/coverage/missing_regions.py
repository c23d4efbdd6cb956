"""Find regions without tests in one tree of tests and production, and the status of each prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.regions.labels import Label
from faultmap_core.regions.neighbors import Neighbors, nearest_neighbors
from faultmap_core.regions.search import Candidates, Region, RegionSettings, candidates_of, find_regions
from faultmap_core.regions.tree import GRAPH_NEIGHBORS, ClusterTree, Method, build_tree

Floats = NDArray[np.float64]
Units = NDArray[np.int64]
Mask = NDArray[np.bool_]

_SMOOTHED_OVER = 10
# From here on the smoothed vectors get no graph of their own, which at 100,000 prompts would cost another minute. Over
# three draws of the mixture in bench/production_scale.py (15,000 prompts) the gaps were as good or better without.
_ONE_GRAPH_FROM = 30_000
_ROUNDS = 3
# A region of this many prompts has a chance to be significant at all when tests and production are equally many.
_USUAL_LEAST = 10
_HOPELESS_P = 5e-5
# A gap's prompt lies farther from the tests than 30 % of the tests do, and has at most 3 tests among 10 neighbours.
_NEAR_QUANTILE, _LOCAL, _MOST_LOCAL_TESTS = 0.3, 10, 3
_NEAR_COPY = 0.05
# A covered prompt is no farther than 80 % of the tests, has 2 tests among its neighbours, and its smallest region with
# 8 expected tests has more tests than a gap could have (one-sided 5 %).
_FAR_QUANTILE, _LEAST_LOCAL_TESTS, _EXPECTED_TESTS, _PROOF = 0.8, 2, 8.0, 0.05


@dataclass(frozen=True)
class PooledPrompts:
    """Distinct prompts of tests and production together, n units.

    Attributes:
        vectors: (n, d) unit rows; tests, production: (n,) whether a unit is among them, or both.
        neighbors: the nearest other units; tree: over smoothed vectors.
        distance: (n,) mean distance to the two nearest tests that are no copies of it (inf without).
    """

    vectors: NDArray[np.float32]
    tests: Mask
    production: Mask
    neighbors: Neighbors
    tree: ClusterTree
    distance: Floats


@dataclass(frozen=True)
class MissingRegion:
    """A region with significantly too few tests.

    Attributes: region: of the engine; production, tests: its units of each kind; expected_tests: distinct tests that
        the rest's ratio would give; is_gap: whether it has at most the allowed share of them.
    """

    region: Region
    production: Units
    tests: Units
    expected_tests: float
    is_gap: bool


@dataclass(frozen=True)
class MissingRegions:
    """Attributes: regions: none overlapping another; tests_per_prompt: outside of them; tested: candidates tested."""

    regions: tuple[MissingRegion, ...]
    tests_per_prompt: float
    tested: int


def pooled_prompts(
    vectors: NDArray[np.float32], tests: Mask, production: Mask, distance: Floats, method: Method = "agglomerative"
) -> PooledPrompts:
    """Build the tree over tests and production together, blind to which is which.

    Each vector is first averaged with its 10 nearest neighbours: the topics that hide behind the words stand out, and a
    fifth more of the hidden prompts is found (bench/coverage_truth.py).
    """
    neighbors = nearest_neighbors(vectors, vectors, GRAPH_NEIGHBORS, exclude_self=True)
    large = len(vectors) > _ONE_GRAPH_FROM
    tree = build_tree(smoothed(vectors, neighbors), neighbors if large else None, method=method, keep_graph=large)
    return PooledPrompts(vectors, tests, production, neighbors, tree, distance)


def smoothed(vectors: NDArray[np.float32], neighbors: Neighbors) -> NDArray[np.float32]:
    """Return unit rows halfway between each vector and the mean direction of its 10 nearest neighbours.

    Args: vectors: (n, d) unit rows; neighbors: theirs, without themselves.
    """
    rows = np.asarray(vectors, dtype=np.float32)
    if neighbors.k == 0:
        return rows
    around = np.zeros_like(rows)
    for column in neighbors.indices[:, :_SMOOTHED_OVER].T:
        around += rows[column]
    return _unit(rows + _unit(around))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), dtype=np.float32)


def find_missing(
    pool: PooledPrompts, significance_level: float, least_prompts: int, max_test_ratio: float
) -> MissingRegions:
    """Find the regions in which production concentrates because tests are missing.

    The gaps found leave the question and the rest is searched again (three times at most): while they are in, they
    raise the share of production that counts as usual.

    Args: least_prompts: of a region, >= 1; max_test_ratio: tests over expected tests up to which a region is a gap.
    """
    candidates = candidates_of(pool.tree)
    live = np.ones(len(pool.tests), dtype=np.bool_)
    found: dict[int, MissingRegion] = {}
    tested, per_prompt = 0, _ratio(pool, live)
    for turn in range(_ROUNDS):
        regions, n_tested = _search(pool, candidates, live, significance_level, least_prompts)
        tested = tested or n_tested
        away = [region for region in regions if _is_away(pool, region)]
        outside = live.copy()
        for region in away:
            outside[region.units] = False
        per_prompt = _ratio(pool, outside)
        described = [_described(pool, region, per_prompt, max_test_ratio) for region in away]
        found.update({one.region.candidate: one for one in described if one.is_gap or turn == 0})
        gaps = [one.region.units for one in described if one.is_gap]
        if not gaps:
            break
        live[np.concatenate(gaps)] = False
    return MissingRegions(_without_overlap(found, per_prompt, max_test_ratio), per_prompt, tested)


def _search(
    pool: PooledPrompts, candidates: Candidates, live: Mask, significance_level: float, least_prompts: int
) -> tuple[tuple[Region, ...], int]:
    production = np.where(live, pool.production, False).astype(np.float64)
    trials = production + np.where(live, pool.tests, False)
    usual = float(production.sum() / max(trials.sum(), 1.0))
    hopeless = np.log(_HOPELESS_P) / np.log(usual) if 0.0 < usual < 1.0 else 1.0
    least = max(least_prompts, min(_USUAL_LEAST, int(np.ceil(hopeless))))
    search = find_regions(candidates, Label(production, trials), RegionSettings(significance_level, least))
    return search.regions, search.n_tested


def _is_away(pool: PooledPrompts, region: Region) -> bool:
    """Say whether half of a region's production lies away from the tests, or tests lie among it.

    Else production only puts in other words what the tests ask.
    """
    production = region.units[pool.production[region.units]]
    among = len(region.units) - len(production) > _MOST_LOCAL_TESTS
    return bool(among or belongs_to_gap(pool, production).mean() >= 0.5)


def _ratio(pool: PooledPrompts, where: Mask) -> float:
    """Tests per production prompt; that of everything where too few prompts are left to tell."""
    tests, production = float((pool.tests & where).sum()), float((pool.production & where).sum())
    if production < _USUAL_LEAST:
        tests, production = float(pool.tests.sum()), float(pool.production.sum())
    return tests / max(production, 1.0)


def _described(pool: PooledPrompts, region: Region, per_prompt: float, max_test_ratio: float) -> MissingRegion:
    production = region.units[pool.production[region.units]]
    tests = region.units[pool.tests[region.units]]
    expected = len(production) * per_prompt
    return MissingRegion(region, production, tests, expected, len(tests) <= max_test_ratio * expected)


def _without_overlap(
    found: dict[int, MissingRegion], per_prompt: float, max_test_ratio: float
) -> tuple[MissingRegion, ...]:
    """Leave to an under-tested region only what no gap took in a later round, with the last round's expectation."""
    in_gaps = [one.region.units for one in found.values() if one.is_gap]
    taken = np.concatenate(in_gaps) if in_gaps else np.zeros(0, dtype=np.int64)
    kept = []
    for one in found.values():
        if not one.is_gap:
            production = one.production[~np.isin(one.production, taken)]
            tests = one.tests[~np.isin(one.tests, taken)]
            if len(production) < len(one.production) / 2:
                continue
            one = replace(one, production=production, tests=tests)
        expected = len(one.production) * per_prompt
        kept.append(replace(one, expected_tests=expected, is_gap=len(one.tests) <= max_test_ratio * expected))
    return tuple(kept)


def belongs_to_gap(pool: PooledPrompts, units: Units) -> Mask:
    """Return which of a gap's `units` are themselves away from the tests, and not only among prompts that are."""
    alone = (pool.distance[units] >= _quantile_of_tests(pool, _NEAR_QUANTILE)) & (
        _local_tests(pool)[units] <= _MOST_LOCAL_TESTS
    )
    return np.asarray(alone & ~pool.tests[units], dtype=np.bool_)


def covered_units(pool: PooledPrompts, tests_per_prompt: float, max_test_ratio: float) -> Mask:
    """Return (n,) which production prompts demonstrably have tests around them; copies of a test do."""
    from scipy.stats import binom

    if not pool.tree.n_nodes or not pool.tests.any():
        return pool.production & pool.tests
    in_gap = max_test_ratio * tests_per_prompt / (1.0 + max_test_ratio * tests_per_prompt)
    usual = tests_per_prompt / (1.0 + tests_per_prompt)
    tree = pool.tree
    running = np.concatenate(([0], np.cumsum(pool.tests[tree.order])))
    tests = running[tree.end] - running[tree.start]
    proven = binom.sf(tests - 1, tree.size, in_gap) <= _PROOF
    node = _smallest_node(tree, tree.size * usual >= _EXPECTED_TESTS)
    near = (pool.distance <= _quantile_of_tests(pool, _FAR_QUANTILE)) & (_local_tests(pool) >= _LEAST_LOCAL_TESTS)
    covered = pool.production & (pool.tests | (near & (node >= 0) & proven[node]))
    return np.asarray(covered, dtype=np.bool_)


def _smallest_node(tree: ClusterTree, large_enough: Mask) -> Units:
    """Return (n,) the smallest node over each unit that is large enough; -1 where none is."""
    node = np.full(tree.n_units, -1, dtype=np.int64)
    # Parents come before their children, so a smaller node overwrites a greater one.
    for one in np.flatnonzero(large_enough):
        node[tree.order[tree.start[one] : tree.end[one]]] = one
    return node


def _quantile_of_tests(pool: PooledPrompts, share: float) -> float:
    """Return a quantile of the tests' distances from each other; 0.0 where there are no two tests."""
    distances = pool.distance[pool.tests]
    distances = distances[np.isfinite(distances)]
    return float(np.quantile(distances, share)) if len(distances) else 0.0


def _local_tests(pool: PooledPrompts) -> NDArray[np.int64]:
    return np.asarray(pool.tests[pool.neighbors.indices[:, :_LOCAL]].sum(axis=1), dtype=np.int64)


def distances_beyond_copies(
    queries: ArrayLike, tests: ArrayLike, *, exclude_self: bool = False
) -> tuple[Floats, Floats]:
    """Return (n,) the cosine distance of each query to the nearest test, and the mean of that to the two nearest.

    Near-copies of the query (cosine above .95) are passed over, as far as the 10 nearest go: in a suite that asks
    everything twice in other words, every prompt from elsewhere would else look far away. inf without other tests.
    """
    nearest = nearest_neighbors(queries, tests, _LOCAL, exclude_self=exclude_self)
    if nearest.k == 0:
        nothing = np.full(len(nearest.indices), np.inf)
        return nothing, nothing
    distances = nearest.distances.astype(np.float64)
    first = np.minimum((distances < _NEAR_COPY).sum(axis=1), nearest.k - 1)
    rows = np.arange(len(distances))
    one, two = distances[rows, first], distances[rows, np.minimum(first + 1, nearest.k - 1)]
    return np.asarray(one, dtype=np.float64), np.asarray((one + two) / 2.0, dtype=np.float64)
