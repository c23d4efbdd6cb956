"""Promise: where nothing is to be found, a search reports something in at most one of twenty cases, ties or not."""

import numpy as np
import pytest

from faultmap_core.discovery.slices.discovery import EvalRows, SliceSettings, find_failure_slices
from faultmap_core.naming.keywords import RegionName
from faultmap_core.regions.labels import ScoreLabel
from faultmap_core.regions.search import RegionSettings, candidates_of, find_regions
from faultmap_core.regions.tree import build_tree

RUNS, PROMPTS = 150, 900
# Of 150 runs at a rate of 5 %, 14 or fewer have a finding with probability .99 (scipy.stats.binom).
ALLOWED = 14


@pytest.fixture(scope="module")
def space():
    """Prompts in 30 loose groups."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(30, 16)).repeat(30, axis=0) + 0.8 * rng.normal(size=(PROMPTS, 16))
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return vectors, build_tree(vectors)


def spiked(rng, share, levels=None):
    """Scores of which `share` equal 1; the rest lies anywhere below, or on so many levels."""
    below = rng.random(PROMPTS) if levels is None else rng.integers(0, levels, PROMPTS) / levels
    return np.where(rng.random(PROMPTS) < share, 1.0, below)


def findings(space, draw, settings):
    """In how many runs the search reports anything."""
    candidates = candidates_of(space[1])
    searches = (find_regions(candidates, ScoreLabel(draw(), np.ones(PROMPTS)), settings) for _ in range(RUNS))
    return sum(bool(search.regions) for search in searches)


@pytest.mark.parametrize(("share", "levels"), [(0.8, None), (0.89, None), (0.97, None), (0.8, 2)])
def test_random_scores_with_a_spike_give_no_regions(space, share, levels):
    candidates, rng = candidates_of(space[1]), np.random.default_rng([1, int(100 * share)])
    found = sum(
        bool(
            find_regions(
                candidates, ScoreLabel(-spiked(rng, share, levels), np.ones(PROMPTS)), RegionSettings()
            ).regions
        )
        for _ in range(RUNS)
    )
    assert found <= ALLOWED


def test_differences_of_models_that_mostly_agree_give_no_regions(space):
    candidates, rng = candidates_of(space[1]), np.random.default_rng(2)
    settings = RegionSettings(alternative="two-sided")
    found = sum(
        bool(
            find_regions(
                candidates, ScoreLabel(spiked(rng, 0.9) - spiked(rng, 0.9), np.ones(PROMPTS)), settings
            ).regions
        )
        for _ in range(RUNS)
    )
    assert found <= ALLOWED


class NoNames:
    """Names are not looked at."""

    def name_regions(self, tasks, background):
        return [RegionName("slice", "", "fixed") for _ in tasks]


def test_prompts_that_are_asked_more_often_are_no_finding(space):
    # One group's prompts come five times each: their mean is rarely perfect, and no worse than one answer.
    vectors, tree = space
    rng = np.random.default_rng(3)
    times = np.where(np.arange(PROMPTS) // 30 < 3, 5, 1)
    unit = np.repeat(np.arange(PROMPTS), times)
    n, found = len(unit), 0
    for _ in range(RUNS // 3):
        score = np.where(rng.random(n) < 0.8, 1.0, rng.random(n))
        rows = EvalRows([str(i) for i in range(n)], [""] * n, [None] * n, [None] * n, score, (score < 0.5) * 1.0, unit)
        found += bool(find_failure_slices(rows, tree, vectors, SliceSettings(), NoNames()).slices)
    # 6 or fewer of 50 with probability .99.
    assert found <= 6
