"""Which results are not to be trusted: the verdicts of the asset checks on counts."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest

from faultmap_assets.definitions import defs
from faultmap_assets.kit import checks
from faultmap_assets.kit.checks import CoverageCounts, all_pairs, every_prompt_judged, unique_log_ids

# 100 prompts: 70 covered, 20 in two gaps of 12 and 8, 10 undetermined.
DAY = CoverageCounts(tests=50, logged=100, covered=70, in_gaps=20, undetermined=10, naming_a_gap=20, gap_sizes=20)


def test_a_day_in_which_every_prompt_has_one_verdict_passes():
    assert every_prompt_judged(DAY).passed
    assert every_prompt_judged(CoverageCounts(50, 0, 0, 0, 0, 0, 0)).passed


@pytest.mark.parametrize(
    "fault",
    [
        {"logged": 101},  # one prompt without a verdict
        {"undetermined": 11},  # one verdict too many
        {"gap_sizes": 21},  # one prompt in two gaps
        {"naming_a_gap": 19},  # one prompt in a gap that nobody knows
        {"naming_a_gap": 0, "gap_sizes": 0},
    ],
)
def test_a_prompt_without_exactly_one_verdict_blocks_the_day(fault: dict[str, int]):
    result = every_prompt_judged(replace(DAY, **fault))
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.ERROR


def test_without_tests_everything_is_uncovered_and_no_gap_has_a_region():
    assert every_prompt_judged(CoverageCounts(0, 100, 0, 100, 0, 0, 0)).passed
    assert not every_prompt_judged(CoverageCounts(0, 100, 0, 100, 0, 5, 5)).passed


@pytest.mark.parametrize(("tests", "passed"), [(0, False), (9, False), (10, True)])
def test_few_tests_are_a_warning(tests: int, passed: bool):
    result = checks.tests_present(replace(DAY, tests=tests))
    assert (result.passed, result.severity) == (passed, dg.AssetCheckSeverity.WARN)


def test_a_pair_that_shares_examples_and_is_not_compared_is_a_warning():
    # Four models, two of which share nothing with the other two: 1 + 1 of 6 pairs.
    assert all_pairs(shared=2, compared=2, pairs=6).passed
    missing = all_pairs(shared=2, compared=1, pairs=6)
    assert (missing.passed, missing.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert missing.description.startswith(
        "1 of 2 pairs of models that share scored examples are compared; 4 of all 6 pairs share none; expected all"
    )
    assert all_pairs(shared=0, compared=0, pairs=0).passed


def test_a_log_id_that_stands_twice_fails():
    assert unique_log_ids(10, 10).passed
    assert not unique_log_ids(10, 9).passed


def test_every_check_is_described_and_has_its_assets_partitions():
    graph = defs.resolve_asset_graph()
    for key in graph.asset_check_keys:
        check = graph.get(key)
        assert check.description
        assert check.partitions_def == graph.get(key.asset_key).partitions_def
