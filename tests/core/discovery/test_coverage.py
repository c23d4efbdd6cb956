import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.discovery.coverage.audit import CoverageSettings, audit_coverage
from faultmap_core.discovery.coverage.estimate import estimate_coverage, outlier_threshold
from faultmap_core.discovery.coverage.missing_regions import distances_beyond_copies, smoothed
from faultmap_core.embedding import get_embedder
from faultmap_core.regions.neighbors import nearest_neighbors

TOPICS, EACH = 10, 40


def prompts(seed, topics, each=EACH, what="p"):
    """Texts and vectors: `each` prompts of every topic, a topic is a direction with spread around it."""
    rng = np.random.default_rng([seed, len(what)])
    centres = np.random.default_rng(0).normal(size=(TOPICS, 24))
    topic = np.repeat(topics, each)
    vectors = centres[topic] + 0.8 * rng.normal(size=(len(topic), 24))
    texts = [f"{what} {i} asks about topic{'abcdefghij'[one]}" for i, one in enumerate(topic)]
    return texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), topic


@pytest.fixture(scope="module")
def hidden():
    """Tests know eight topics, production asks for ten; topics 8 and 9 are missing."""
    tests, test_vectors, _ = prompts(1, np.arange(8), what="test")
    production, production_vectors, topic = prompts(2, np.arange(10), what="production")
    return tests, test_vectors, production, production_vectors, topic


def test_missing_topics_are_found_with_their_numbers(hidden):
    *_, topic = hidden
    result = audit_coverage(*hidden[:4])
    inside = sorted(i for gap in result.gaps for i in gap.prompt_indices)
    assert np.mean(topic[inside] >= 8) >= 0.95
    assert len(inside) >= 0.8 * (topic >= 8).sum()
    gap = result.gaps[0]
    assert gap.kind == "gap"
    assert gap.tests <= 0.2 * gap.expected_tests
    assert gap.traffic_share == pytest.approx(gap.size / 400)
    assert gap.p_value <= gap.adjusted_p_value <= 0.05
    assert {result.status[i] for i in gap.prompt_indices} == {"gap"}
    low, high = result.coverage_range
    assert low <= 0.8 <= high
    assert result.overall_coverage_score == pytest.approx(0.8, abs=0.1)
    json.dumps(result.to_dict(), allow_nan=False)


def test_a_large_pool_finds_them_on_one_graph(hidden, monkeypatch):
    monkeypatch.setattr("faultmap_core.discovery.coverage.missing_regions._ONE_GRAPH_FROM", 100)
    *_, topic = hidden
    inside = [i for gap in audit_coverage(*hidden[:4]).gaps for i in gap.prompt_indices]
    assert np.mean(topic[inside] >= 8) >= 0.95
    assert len(inside) >= 0.8 * (topic >= 8).sum()


def test_mean_distance_and_nearest_tests_are_euclidean(hidden):
    tests, test_vectors, _, production_vectors, _ = hidden
    gap = audit_coverage(*hidden[:4]).gaps[0]
    apart = np.linalg.norm(production_vectors[gap.prompt_indices][:, None] - test_vectors[None], axis=2)
    assert gap.mean_distance == pytest.approx(apart.min(axis=1).mean(), abs=1e-5)
    centre = production_vectors[gap.prompt_indices].mean(axis=0)
    centre /= np.linalg.norm(centre)
    expected = np.argsort(np.linalg.norm(test_vectors - centre, axis=1))[:3]
    assert [one["index"] for one in gap.nearest_tests] == list(expected)
    assert gap.nearest_tests[0]["prompt"] == tests[expected[0]]


def test_covered_prompts_are_covered_and_the_states_add_up(hidden):
    *_, topic = hidden
    result = audit_coverage(*hidden[:4])
    status = np.array(result.status)
    assert np.mean(topic[status == "covered"] < 8) >= 0.97
    assert (status == "covered").mean() >= 0.4
    assert sum(result.share(one) for one in ("covered", "gap", "undetermined")) == pytest.approx(1.0)


def test_no_gap_where_nothing_is_hidden():
    runs = 20
    found = 0
    for seed in range(runs):
        tests, test_vectors, _ = prompts(10 + seed, np.arange(10), what="test")
        production, production_vectors, _ = prompts(100 + seed, np.arange(10), what="production")
        result = audit_coverage(tests, test_vectors, production, production_vectors)
        found += bool(result.gaps)
        assert result.coverage_range[1] >= 0.97
    # 5 % of 20 and two standard errors
    assert found <= 2


def test_a_topic_with_few_tests_is_under_tested_and_no_gap():
    tests, test_vectors, topic = prompts(3, np.arange(10), each=100, what="test")
    kept = (topic != 4) | (np.arange(len(topic)) % 100 < 40)
    production, production_vectors, asked = prompts(4, np.arange(10), each=100, what="production")
    result = audit_coverage(
        [text for text, keep in zip(tests, kept, strict=True) if keep],
        test_vectors[kept],
        production,
        production_vectors,
    )
    assert result.gaps == ()
    assert len(result.under_tested) == 1
    region = result.under_tested[0]
    assert np.mean(asked[region.prompt_indices] == 4) >= 0.9
    # 40 tests where production asks 100 times and the rest has one test per production prompt
    assert region.test_ratio == pytest.approx(0.4, abs=0.1)


def test_copies_of_tests_are_covered_and_copies_in_production_count_once():
    tests, vectors, _ = prompts(5, np.arange(10), what="test")
    same = audit_coverage(tests, vectors, tests, vectors)
    assert (same.overall_coverage_score, same.coverage_range) == (1.0, (1.0, 1.0))
    assert set(same.status) == {"covered"}
    strange, strange_vectors, _ = prompts(6, np.arange(1), each=1, what="strange")
    copies = audit_coverage(
        tests, vectors, tests + strange * 200, np.concatenate([vectors, -strange_vectors.repeat(200, 0)])
    )
    assert copies.gaps == ()
    assert (copies.num_production_prompts, copies.production_units) == (600, 401)


def test_a_copy_of_a_test_is_covered_even_where_its_topic_has_too_few():
    tests, test_vectors, topic = prompts(3, np.arange(10), each=100, what="test")
    kept = (topic != 4) | (np.arange(len(topic)) % 100 < 40)
    production, production_vectors, _ = prompts(4, np.arange(10), each=100, what="production")
    production[400:410], production_vectors[400:410] = tests[400:410], test_vectors[400:410]
    kept_tests = [text for text, keep in zip(tests, kept, strict=True) if keep]
    result = audit_coverage(kept_tests, test_vectors[kept], production, production_vectors)
    (region,) = result.under_tested
    assert set(range(400, 410)) & set(region.prompt_indices)
    assert set(result.status[400:410]) == {"covered"}


def test_with_a_threshold_coverage_is_the_share_of_rows():
    vectors = np.eye(2)
    # One row is a test's copy, three rows are one prompt that is far from it.
    result = audit_coverage(
        ["known"], vectors[:1], ["known", *["far"] * 3], vectors[[0, 1, 1, 1]], CoverageSettings(distance_threshold=0.5)
    )
    assert result.overall_coverage_score == 0.25


def test_far_prompts_are_outliers_with_their_nearest_test():
    tests, vectors, _ = prompts(7, np.arange(10), what="test")
    production, production_vectors, _ = prompts(8, np.arange(10), each=10, what="production")
    far = -vectors.mean(axis=0, keepdims=True)
    result = audit_coverage(
        tests, vectors, [*production, "far away"], np.concatenate([production_vectors, far / np.linalg.norm(far)])
    )
    assert "far away" in [one.prompt for one in result.outliers]
    outlier = next(one for one in result.outliers if one.prompt == "far away")
    assert outlier.index == 100
    assert outlier.distance > result.distance_threshold
    assert outlier.nearest_test == tests[outlier.nearest_test_index]
    assert len(result.outliers) <= 3


def test_an_explicit_threshold_keeps_faultmaps_meaning(hidden):
    _, test_vectors, _, production_vectors, _ = hidden
    apart = np.linalg.norm(production_vectors[:, None] - test_vectors[None], axis=2).min(axis=1)
    threshold = float(np.quantile(apart, 0.85))
    result = audit_coverage(*hidden[:4], CoverageSettings(distance_threshold=threshold, min_gap_size=5))
    uncovered = set(np.flatnonzero(apart > threshold + 1e-6).tolist())
    assert {i for i, one in enumerate(result.status) if one == "gap"} == uncovered
    assert result.overall_coverage_score == pytest.approx(1 - len(uncovered) / len(apart))
    inside = {i for gap in result.gaps for i in gap.prompt_indices}
    assert inside | {one.index for one in result.outliers} == uncovered
    assert all(gap.size >= 5 and gap.kind == "distant" for gap in result.gaps)
    assert result.distance_threshold == threshold


def test_the_same_prompts_have_the_same_gap_id_in_any_order(hidden):
    tests, test_vectors, production, production_vectors, _ = hidden
    order = np.random.default_rng(9).permutation(len(production))
    one = audit_coverage(*hidden[:4])
    two = audit_coverage(tests, test_vectors, [production[i] for i in order], production_vectors[order])
    assert [gap.gap_id for gap in one.gaps] == [gap.gap_id for gap in two.gaps]
    assert one.overall_coverage_score == two.overall_coverage_score


@pytest.mark.parametrize(
    ("n_tests", "n_production"), [(0, 0), (0, 5), (5, 0), (1, 1), (1, 30), (2, 2), (10, 1), (10, 10)]
)
def test_small_inputs_are_valid_answers(n_tests, n_production):
    tests, test_vectors, _ = prompts(11, np.arange(10), each=1, what="test")
    production, production_vectors, _ = prompts(12, np.arange(10), each=3, what="production")
    result = audit_coverage(
        tests[:n_tests], test_vectors[:n_tests], production[:n_production], production_vectors[:n_production]
    )
    low, high = result.coverage_range
    assert 0 <= low <= result.overall_coverage_score <= high <= 1
    assert len(result.status) == n_production
    json.dumps(result.to_dict(), allow_nan=False)
    if n_tests == 0 and n_production:
        assert (result.overall_coverage_score, set(result.status)) == (0.0, {"gap"})
        assert "no tests" in result.note
    if n_tests in (1, 2):
        assert result.note.startswith(f"Distinct tests: {n_tests}. With fewer than")


def test_a_copy_among_the_tests_is_no_yardstick():
    angles = np.arccos([0.97, 0.7, 0.5])
    tests = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    # The first is a copy; by hand, the next are 1 - .7 and 1 - .5 away.
    nearest, two = distances_beyond_copies(np.array([[1.0, 0.0]], dtype=np.float32), tests)
    assert (nearest[0], two[0]) == pytest.approx((0.3, 0.4), abs=1e-6)


def test_wrong_arguments_are_refused():
    for wrong in (
        {"min_gap_size": 0},
        {"distance_threshold": -1.0},
        {"max_test_ratio": 1.0},
        {"significance_level": 0.0},
        {"clustering_method": "k-means"},
    ):
        with pytest.raises(ConfigurationError):
            CoverageSettings(**wrong)
    with pytest.raises(ConfigurationError, match=r"test: vectors have shape \(1, 3\) for 2 texts"):
        audit_coverage(["a", "b"], np.ones((1, 3)), ["c"], np.ones((1, 3)))
    with pytest.raises(ConfigurationError, match="3 and 4 columns"):
        audit_coverage(["a"], np.ones((1, 3)), ["c"], np.ones((1, 4)))


@given(st.floats(0.0, 1.0), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_the_estimate_holds_the_share_of_a_mixture(share, seed):
    # covered prompts are drawn like the tests, uncovered ones beyond nearly all of them
    rng = np.random.default_rng(seed)
    covered = rng.random(1500) < share
    distances = np.where(covered, rng.beta(4, 4, size=1500), rng.uniform(0.8, 1.5, size=1500))
    estimate = estimate_coverage(distances, rng.beta(4, 4, size=1500))
    assert 0 <= estimate.low <= estimate.score <= estimate.high <= 1
    assert estimate.low - 0.03 <= covered.mean() <= estimate.high + 0.03
    assert estimate.score == pytest.approx(covered.mean(), abs=0.12)


def test_the_estimate_counts_copies_and_admits_ignorance():
    assert estimate_coverage([], [], copied=1.0).score == 1.0
    little = estimate_coverage(np.ones(50), np.ones(5), copied=0.25)
    assert (little.score, little.low, little.high) == (0.25, 0.25, 1.0)
    none = estimate_coverage(np.full(500, 9.0), np.random.default_rng(0).random(500), copied=0.5)
    assert none.score == pytest.approx(0.5, abs=0.01)


def test_repeated_rows_of_one_prompt_widen_the_range_and_do_not_narrow_it():
    rng = np.random.default_rng(1)
    tests, production = rng.random(300), rng.random(300)
    plain = estimate_coverage(production, tests)
    weights = np.ones(300)
    weights[0] = 300
    heavy = estimate_coverage(production, tests, weights)
    assert heavy.high - heavy.low > plain.high - plain.low


def test_the_outlier_threshold_is_conformal():
    # 990 of 1,000 prompts repeat the tests' distances, 10 lie beyond all: p = 1/1001, 1000 p / 10 = .0999 <= .1
    tests = np.linspace(0, 1, 1000)
    production = np.concatenate([tests[:990], np.full(10, 5.0)])
    threshold = outlier_threshold(production, tests)
    assert (production > threshold).sum() == 10
    assert outlier_threshold(tests, tests) == 1.0
    assert outlier_threshold([], tests) == 1.0
    assert outlier_threshold([1.0], []) == 0.0


def test_smoothing_moves_vectors_towards_their_neighbours():
    # two neighbours at 60 degrees: halfway is 30 degrees for both
    vectors = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]], dtype=np.float32)
    neighbors = nearest_neighbors(vectors, vectors, 1, exclude_self=True)
    expected = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6)])
    assert smoothed(vectors, neighbors) == pytest.approx(np.array([expected, expected]), abs=1e-6)


def test_a_missing_topic_is_named_by_its_words():
    embed = get_embedder().embed
    cities = ["Paris", "Rome", "Oslo", "Cairo", "Lima", "Tokyo", "Delhi", "Quito", "Bern", "Accra"]
    foods = ["rice", "beans", "soup", "bread", "fish", "cake", "salad", "curry", "eggs", "pasta"]
    tests = [f"how do I cook {a} with {b}?" for a in foods for b in foods if a != b]
    production = [f"could I cook {a} and {b} together?" for a in foods for b in foods if a != b]
    flights = [f"book a flight from {a} to {b}" for a in cities for b in cities if a != b]
    asked = production + flights
    result = audit_coverage(tests, embed(tests), asked, embed(asked))
    inside = {i for gap in result.gaps for i in gap.prompt_indices}
    assert len(inside & set(range(90, 180))) >= 80
    assert "flight" in result.gaps[0].name
    assert "there are 0" in result.gaps[0].description
