"""Promise: where the tests ask everything that production asks, coverage and its range reach 1; and only there."""

import numpy as np
import pytest

from faultmap_core.discovery.coverage.estimate import estimate_coverage
from faultmap_core.discovery.coverage.missing_regions import distances_beyond_copies

RUNS, TOPICS, PROMPTS = 60, 30, 400


def estimates(hidden: int):
    """Split prompts of 30 topics at random into tests and production; the tests never ask about some topics."""
    found = []
    for run in range(RUNS):
        rng = np.random.default_rng([run, hidden])
        topic = rng.integers(0, TOPICS, 2 * PROMPTS)
        raw = 2.0 * np.random.default_rng(0).normal(size=(TOPICS, 24))[topic] + rng.normal(size=(2 * PROMPTS, 24))
        vectors = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
        asked = np.flatnonzero((np.arange(2 * PROMPTS) < PROMPTS) & (topic >= hidden))
        tests, production = vectors[asked], vectors[PROMPTS:]
        found.append(
            (
                estimate_coverage(
                    distances_beyond_copies(production, tests)[1],
                    distances_beyond_copies(tests, tests, exclude_self=True)[1],
                ),
                float((topic[PROMPTS:] >= hidden).mean()),
            )
        )
    return found


def test_of_a_covered_log_the_range_holds_1_and_the_estimate_mostly_reads_it():
    found = [estimate for estimate, _ in estimates(0)]
    # At 95 %, 54 of 60 or more hold with probability .97 (scipy.stats.binom); the range is to be better than that.
    assert sum(one.high == 1.0 for one in found) >= 57
    assert sum(one.score >= 0.995 for one in found) > RUNS / 2
    assert np.mean([one.score for one in found]) > 0.97


@pytest.mark.parametrize("hidden", [6, 15])
def test_where_topics_are_hidden_the_range_holds_what_is_covered_and_not_1(hidden):
    found = estimates(hidden)
    assert sum(estimate.low <= truth <= estimate.high for estimate, truth in found) >= 54
    assert sum(estimate.high < 1.0 for estimate, _ in found) >= 40
    assert max(estimate.score for estimate, _ in found) < 0.99
    # The smallest of many noisy quotients lies a little below the share itself.
    assert np.mean([estimate.score - truth for estimate, truth in found]) == pytest.approx(-0.04, abs=0.04)
