import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.discovery.comparison.comparison import CommonExamples, ModelAnswers, compare, compare_models
from faultmap_core.discovery.comparison.paired_rows import ComparisonSettings, PairedRows
from faultmap_core.regions.tree import build_tree
from faultmap_core.stats.paired_tests import mcnemar_of_means, mean_interval, sign_flip, tango_interval

TOPICS, EACH = 6, 40


@pytest.fixture(scope="module")
def space():
    """240 prompts in six well separated topics of 40, their tree and vectors."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(TOPICS, 24))
    vectors = np.repeat(centres, EACH, axis=0) + 0.4 * rng.normal(size=(TOPICS * EACH, 24))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return build_tree(vectors), vectors


def rows_of(failed_a, failed_b, **columns):
    n = len(failed_a)
    a, b = np.asarray(failed_a, dtype=float), np.asarray(failed_b, dtype=float)
    defaults = {
        "example_ids": [f"e{i:04d}" for i in range(n)],
        "prompts": [f"prompt {i} of topic {'abcdef'[i // EACH % TOPICS]}" for i in range(n)],
        "responses_a": ["yes"] * n,
        "responses_b": ["no"] * n,
        "references": [None] * n,
        "scores_a": 1 - a,
        "scores_b": 1 - b,
        "failed_a": a,
        "failed_b": b,
        "unit": np.arange(n),
    }
    return PairedRows(**{**defaults, **columns})


def draw(seed, fail_a, fail_b):
    """Failures with one rate per topic and model."""
    rng = np.random.default_rng(seed)
    uniform = rng.random((2, TOPICS * EACH))
    rate_a = np.repeat(np.broadcast_to(fail_a, TOPICS), EACH)
    rate_b = np.repeat(np.broadcast_to(fail_b, TOPICS), EACH)
    return (uniform[0] < rate_a).astype(float), (uniform[1] < rate_b).astype(float)


def test_tango_interval_is_the_published_one():
    # Fagerland, Lydersen, Laake (2017), table 8.5, Cavo et al. 2012: 6 and 16 discordant of 161 pairs
    assert tango_interval(6, 16, 161) == pytest.approx((-0.1240, -0.0054), abs=5e-5)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 40), st.sampled_from([0.8, 0.95, 0.999]))
@settings(max_examples=60, deadline=None)
def test_tango_interval_holds_the_estimate_and_mirrors(a, b, concordant, level):
    n = a + b + concordant + 1
    low, high = tango_interval(a, b, n, level)
    assert -1 <= low <= (a - b) / n <= high <= 1
    assert tango_interval(b, a, n, level) == pytest.approx((-high, -low), abs=1e-9)


def test_tango_interval_agrees_with_mcnemar_at_its_limits():
    # at a difference of 0 the score statistic is McNemar's (b - c) / sqrt(b + c)
    b, c, n = 30, 12, 100
    level = 2 * stats.norm.cdf((b - c) / np.sqrt(b + c)) - 1
    assert tango_interval(b, c, n, level)[0] == pytest.approx(0.0, abs=1e-9)


def test_mcnemar_of_means_rounds_against_the_finding():
    # Fagerland et al. (2013), table 2: 1 and 7 discordant pairs, mid-p 0.0391
    assert mcnemar_of_means(1, 7) == pytest.approx(0.0391, abs=5e-5)
    assert mcnemar_of_means(0.4, 7.9) == mcnemar_of_means(1, 7)
    assert mcnemar_of_means(2.5, 2.5) == 1.0
    assert mcnemar_of_means(0, 0) == 1.0
    assert 0 < mcnemar_of_means(100_000, 0) < 1e-300


@pytest.mark.parametrize("n", [2, 3, 9, 14])
def test_sign_flip_is_exact_for_few_pairs(n):
    values = np.random.default_rng(n).normal(0.4, 1, size=n)
    expected = stats.permutation_test(
        (values,), lambda x: abs(x.sum()), permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    assert sign_flip(values) == pytest.approx(expected.pvalue)


def test_sign_flip_of_many_pairs_is_near_the_normal_limit_and_never_zero():
    values = np.random.default_rng(1).normal(0.1, 1, size=400)
    z = values.sum() / np.sqrt((values**2).sum())
    assert sign_flip(values, seed=3) == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.01)
    assert sign_flip(values, seed=3) == sign_flip(values, seed=3)
    assert 0 < sign_flip(np.ones(5_000)) < 1e-300
    assert sign_flip(np.zeros(5)) == 1.0


def test_sign_flip_counts_ties_of_lattice_scores():
    # 20 differences of +-1 with sum 4: P(|sum| >= 4) of 20 fair coins
    values = np.array([1.0] * 12 + [-1.0] * 8)
    expected = 2 * stats.binom.sf(11, 20, 0.5)
    assert sign_flip(values, seed=0) == pytest.approx(expected, abs=0.015)


def test_sign_flip_that_never_reaches_what_was_seen_still_has_its_size():
    # 250 of 400 signs: the exact p is below one in a million, the bound of Hoeffding (1963) a few of them.
    found = sign_flip(np.repeat([1.0, -1.0], [250, 150]))
    assert 2 * stats.binom.sf(249, 400, 0.5) <= found <= 2 * np.exp(-(100**2) / (2 * 400)) * 1.001


def test_mean_interval_is_students():
    values = np.random.default_rng(2).normal(size=30)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert mean_interval(values, 30, 0.9) == pytest.approx(tuple(expected))
    assert mean_interval(values[:1], 1) == (-np.inf, np.inf)


def test_a_slice_is_where_the_advantage_differs(space):
    tree, vectors = space
    fail_a, fail_b = draw(1, [0.1, 0.1, 0.1, 0.1, 0.1, 0.8], [0.5, 0.5, 0.5, 0.5, 0.5, 0.1])
    result = compare(rows_of(fail_a, fail_b), tree, vectors, model_a="large", model_b="small")
    assert [one.winner for one in result.slices] == ["b"]
    found = result.slices[0]
    assert set(found.sample_indices) == set(range(200, 240))
    assert found.failure_rate_a == pytest.approx(fail_a[200:].mean())
    assert found.failure_rate_diff == pytest.approx(fail_a[200:].mean() - fail_b[200:].mean())
    assert found.discordant_a_wins == int(((fail_a == 0) & (fail_b == 1))[200:].sum())
    assert found.discordant_b_wins == int(((fail_a == 1) & (fail_b == 0))[200:].sum())
    assert found.concordant_pass + found.concordant_fail == 40 - found.discordant_a_wins - found.discordant_b_wins
    assert found.difference_low <= found.difference <= found.difference_high < 0
    # One of `tested` regions was chosen for what it shows.
    assert found.adjusted_p_value == pytest.approx(min(1.0, found.p_value * result.tested))
    wins_a, wins_b = (fail_a < fail_b)[:200].sum(), (fail_a > fail_b)[:200].sum()
    assert found.rest_advantage_rate == pytest.approx(wins_a / (wins_a + wins_b))
    assert (result.global_winner, result.global_test_used) == ("a", "mcnemar_midp")
    assert "large" in found.description
    json.dumps(result.to_dict(), allow_nan=False)


def test_examples_are_disagreements_that_go_with_the_slice_first(space):
    tree, vectors = space
    fail_a, fail_b = draw(1, [0.1] * 5 + [0.8], [0.5] * 5 + [0.1])
    examples = compare(rows_of(fail_a, fail_b), tree, vectors).slices[0].examples
    assert [one["failed_a"] for one in examples[:5]] == [True] * 5
    assert all(one["failed_a"] != one["failed_b"] for one in examples)


def test_better_everywhere_is_one_sentence_and_no_slice(space):
    tree, vectors = space
    result = compare(rows_of(*draw(2, 0.1, 0.5)), tree, vectors)
    assert (result.global_winner, result.slices) == ("a", ())
    assert "differ" in result.note
    a, b = result.global_discordant_a_wins, result.global_discordant_b_wins
    assert result.global_p_value == pytest.approx(
        stats.binomtest(b, a + b).pvalue - stats.binom.pmf(b, a + b, 0.5), rel=1e-9
    )


def test_tie_is_shown_and_unresolved_is_not(space):
    tree, vectors = space
    same = np.zeros(240)
    few = same.copy()
    few[:3] = 1
    assert compare(rows_of(same, same), tree, vectors).global_winner == "tie"
    assert "agree on all 240" in compare(rows_of(same, same), tree, vectors).note
    assert compare(rows_of(few, same), tree, vectors).global_winner == "tie"
    assert compare(rows_of(*draw(5, 0.5, 0.5)), tree, vectors).global_winner == "unresolved"
    wide = ComparisonSettings(margin=0.5)
    assert compare(rows_of(*draw(5, 0.5, 0.5)), tree, vectors, wide).global_winner == "tie"


def test_swapping_the_models_swaps_the_answer(space):
    tree, vectors = space
    fail_a, fail_b = draw(7, [0.1] * 5 + [0.8], [0.5] * 5 + [0.1])
    one, two = compare(rows_of(fail_a, fail_b), tree, vectors), compare(rows_of(fail_b, fail_a), tree, vectors)
    swap = {"a": "b", "b": "a", "tie": "tie", "unresolved": "unresolved"}
    assert swap[one.global_winner] == two.global_winner
    assert [one.slice_id for one in one.slices] == [one.slice_id for one in two.slices]
    assert [swap[one.winner] for one in one.slices] == [one.winner for one in two.slices]
    assert one.slices[0].difference == pytest.approx(-two.slices[0].difference)
    assert one.slices[0].difference_low == pytest.approx(-two.slices[0].difference_high)


def test_scores_are_compared_by_sign_flip(space):
    tree, vectors = space
    rng = np.random.default_rng(3)
    a, b = rng.random(240), rng.random(240)
    a[:40] += 1.5
    result = compare(
        rows_of(np.zeros(240), np.zeros(240), scores_a=a, scores_b=b),
        tree,
        vectors,
        ComparisonSettings(outcome="score"),
    )
    assert result.global_test_used == "sign_flip"
    assert set(result.slices[0].sample_indices) == set(range(40))
    assert result.slices[0].winner == "a"
    assert result.difference == pytest.approx((a - b).mean())
    lower = ComparisonSettings(outcome="score", higher_is_better=False)
    reversed_ = compare(rows_of(np.zeros(240), np.zeros(240), scores_a=a, scores_b=b), tree, vectors, lower)
    assert reversed_.slices[0].winner == "b"


def test_copies_of_a_prompt_make_no_significance(space):
    tree, vectors = space
    fail_a, fail_b = np.zeros(240), np.zeros(240)
    fail_b[0] = 1
    once = compare(rows_of(fail_a, fail_b), tree, vectors)
    unit = np.concatenate([np.arange(240), np.zeros(60, dtype=int)])
    many = compare(rows_of(fail_a[unit], fail_b[unit], unit=unit), tree, vectors)
    # one discordant pair: 2 * 1/2 - 1/2
    assert many.global_p_value == once.global_p_value == 0.5
    assert (many.compared_rows, many.units, many.global_discordant_a_wins) == (300, 240, 61)


def test_nothing_is_found_where_nothing_is_planted(space):
    tree, vectors = space
    found = [compare(rows_of(*draw(100 + i, 0.3, 0.4)), tree, vectors).slices for i in range(60)]
    # 5 % of 60 and two standard errors
    assert sum(bool(one) for one in found) <= 6


def test_unscored_rows_stay_out_and_empty_input_is_an_answer(space):
    tree, vectors = space
    fail_a, fail_b = draw(1, 0.2, 0.4)
    fail_a[:20] = np.nan
    result = compare(rows_of(fail_a, fail_b), tree, vectors)
    assert (result.total_rows, result.compared_rows) == (240, 220)
    assert result.failure_rate_b == pytest.approx(fail_b[20:].mean())
    empty = compare(rows_of([], []), build_tree(np.zeros((0, 8))), np.zeros((0, 8)))
    assert (empty.global_winner, empty.global_p_value, empty.slices) == ("unresolved", 1.0, ())
    assert "no example has an outcome of both models" in empty.note
    one = compare(rows_of([0.0], [1.0]), build_tree(np.ones((1, 8))), np.ones((1, 8)))
    assert (one.global_winner, one.global_p_value) == ("unresolved", 0.5)


def test_wrong_settings_and_rows_are_refused(space):
    tree, vectors = space
    for wrong in ({"margin": -0.1}, {"outcome": "x"}, {"min_slice_size": 0}, {"significance_level": 1.0}):
        with pytest.raises(ConfigurationError):
            ComparisonSettings(**wrong)
    with pytest.raises(ConfigurationError, match="outside"):
        compare(rows_of(np.zeros(240), np.zeros(240), unit=np.arange(240) + 1), tree, vectors)
    with pytest.raises(ConfigurationError, match="responses_a has 1 values"):
        rows_of(np.zeros(3), np.zeros(3), responses_a=["x"])


def test_all_pairs_and_who_wins_where(space):
    tree, vectors = space
    good, weak = draw(1, [0.1] * 5 + [0.8], [0.5] * 5 + [0.1])
    third, _ = draw(9, 0.5, 0.5)
    examples = CommonExamples(
        [f"e{i}" for i in range(240)], [f"prompt {i}" for i in range(240)], [None] * 240, np.arange(240)
    )
    answers = {name: ModelAnswers([None] * 240, 1 - f, f) for name, f in {"m1": good, "m2": weak, "m3": third}.items()}
    result = compare_models(examples, answers, tree, vectors)
    assert [(pair.model_a, pair.model_b) for pair in result.pairs] == list(combinations(answers, 2))
    assert result.models[0] == "m1"
    p = stats.false_discovery_control([pair.global_p_value for pair in result.pairs])
    assert [pair.global_adjusted_p_value for pair in result.pairs] == pytest.approx(list(p))
    line = next(one for one in result.standings if (one.model_a, one.model_b) == ("m1", "m2"))
    assert (line.winner, line.best) == ("b", ["m2"])
    assert line.failure_rates["m3"] == pytest.approx(third[200:].mean())
    json.dumps(result.to_dict(), allow_nan=False)
    with pytest.raises(ConfigurationError, match="at least 2"):
        compare_models(examples, {"m1": answers["m1"]}, tree, vectors)


def test_who_is_better_alone_and_not_over_all_pairs_is_no_winner(space):
    tree, vectors = space
    # Different examples failed: 7 by m1, 17 by m2, 12 by m3.
    order = np.random.default_rng(0).permutation(240)
    failed = {
        name: np.isin(np.arange(240), order[first:end]).astype(float)
        for name, first, end in (("m1", 0, 7), ("m2", 7, 24), ("m3", 24, 36))
    }
    examples = CommonExamples(
        [f"e{i}" for i in range(240)], [f"prompt {i}" for i in range(240)], [None] * 240, np.arange(240)
    )
    answers = {name: ModelAnswers([None] * 240, 1 - one, one) for name, one in failed.items()}
    first = compare_models(examples, answers, tree, vectors).pairs[0]
    p = 2 * stats.binom.cdf(7, 24, 0.5) - stats.binom.pmf(7, 24, 0.5)
    assert first.global_p_value == pytest.approx(p)
    assert p < 0.05 < first.global_adjusted_p_value
    assert first.global_winner == "unresolved"


def test_pairs_of_unlike_metrics_are_a_note_and_no_test(space):
    tree, vectors = space
    failed = dict(zip("abc", (*draw(1, 0.2, 0.8), draw(2, 0.3, 0.3)[0]), strict=True))
    rows = rows_of(failed["a"], failed["b"])
    examples = CommonExamples(rows.example_ids, rows.prompts, rows.references, rows.unit)
    answers = {name: ModelAnswers(["x"] * len(one), 1 - one, one) for name, one in failed.items()}
    whole = compare_models(examples, answers, tree, vectors)
    found = compare_models(examples, answers, tree, vectors, apart={("a", "b"): "f1 and recall are different metrics"})
    apart, other, last = found.pairs
    assert (apart.model_a, apart.model_b, apart.compared_rows, apart.global_winner) == ("a", "b", 0, "unresolved")
    assert apart.note == "not compared: f1 and recall are different metrics"
    assert not apart.slices
    # The others are adjusted for two pairs, not three.
    assert [one.global_p_value for one in (other, last)] == [one.global_p_value for one in whole.pairs[1:]]
    assert other.global_adjusted_p_value <= 2 * other.global_p_value + 1e-15
    assert all("b" not in one.failure_rates for one in found.standings if one.model_a == "a")


def test_all_pairs_may_be_unlike(space):
    tree, vectors = space
    failed = dict(zip("ab", draw(1, 0.2, 0.8), strict=True))
    rows = rows_of(failed["a"], failed["b"])
    examples = CommonExamples(rows.example_ids, rows.prompts, rows.references, rows.unit)
    answers = {name: ModelAnswers(["x"] * len(one), 1 - one, one) for name, one in failed.items()}
    (pair,) = compare_models(examples, answers, tree, vectors, apart={("a", "b"): "why"}).pairs
    assert (pair.compared_rows, pair.global_adjusted_p_value) == (0, 1.0)
