import json

import numpy as np
import pytest

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.discovery.slices.discovery import EvalRows, SliceSettings, find_failure_slices, slice_id
from faultmap_core.embedding import get_embedder
from faultmap_core.regions.tree import build_tree

COLOURS = ["red", "blue", "green", "black", "white", "amber", "purple", "silver", "golden", "pink"]
PLACES = ["Paris", "Rome", "Oslo", "Cairo", "Lima", "Tokyo", "Delhi", "Quito"]


def prompts_of_three_skills():
    """240 prompts: sums, capitals and the painting of doors, 80 each."""
    sums = [f"What is {a} plus {b}?" for a in range(10, 18) for b in range(21, 31)]
    capitals = [
        f"Which country has {place} as its capital, seen from the {c} map?" for place in PLACES for c in COLOURS
    ]
    doors = [f"Paint the {c} door and then tell the painter in {p} about the brush." for p in PLACES for c in COLOURS]
    return sums + capitals + doors


def rows_of(prompts, failed, **columns):
    n = len(prompts)
    defaults = {
        "example_ids": [f"e{i:04d}" for i in range(n)],
        "prompts": prompts,
        "responses": [f"answer {i}" for i in range(n)],
        "references": [None] * n,
        "scores": 1.0 - np.asarray(failed, dtype=float),
        "failed": np.asarray(failed, dtype=float),
        "unit": np.arange(n),
    }
    return EvalRows(**{**defaults, **columns})


@pytest.fixture(scope="module")
def skills():
    prompts = prompts_of_three_skills()
    vectors = get_embedder().embed(prompts)
    return prompts, vectors, build_tree(vectors)


def planted(rng, n=240, start=0, end=80, inside=0.7, outside=0.1):
    failed = (rng.uniform(size=n) < outside).astype(float)
    failed[start:end] = rng.uniform(size=end - start) < inside
    return failed


def test_a_planted_skill_is_found_with_its_numbers(skills):
    prompts, vectors, tree = skills
    failed = planted(np.random.default_rng(0))
    analysis = find_failure_slices(rows_of(prompts, failed), tree, vectors)
    found = analysis.slices[0]
    assert len(analysis.slices) == 1
    assert found.sample_indices == list(range(80))
    assert found.failure_rate == pytest.approx(failed[:80].mean())
    assert found.baseline_rate == pytest.approx(failed[80:].mean())
    assert found.effect_size == pytest.approx(failed[:80].mean() / failed[80:].mean())
    assert found.excess_failures == pytest.approx(failed[:80].sum() - 80 * failed[80:].mean())
    assert found.risk_difference_low < found.risk_difference < found.risk_difference_high
    assert (analysis.total_rows, analysis.units, analysis.failures) == (240, 240, int(failed.sum()))
    assert "plus" in found.name


def test_examples_are_failing_ones_first_then_two_passing(skills):
    prompts, vectors, tree = skills
    failed = planted(np.random.default_rng(1))
    examples = find_failure_slices(rows_of(prompts, failed), tree, vectors).slices[0].examples
    assert [one["failed"] for one in examples] == [True] * 5 + [False] * 2
    assert set(examples[0]) == {"example_id", "prompt", "response", "reference", "score", "failed"}


def test_a_slice_is_strict_json_even_where_the_rest_never_fails(skills):
    prompts, vectors, tree = skills
    failed = planted(np.random.default_rng(2), outside=0.0)
    scores = np.where(np.arange(240) == 3, np.nan, 1.0 - failed)
    analysis = find_failure_slices(rows_of(prompts, failed, scores=scores), tree, vectors)
    assert analysis.slices[0].effect_size is None
    assert json.loads(json.dumps(analysis.slices[0].to_dict(), allow_nan=False))["baseline_rate"] == 0.0


def test_unscored_rows_stay_out_of_everything(skills):
    prompts, vectors, tree = skills
    failed = planted(np.random.default_rng(3))
    failed[:200:4] = np.nan
    analysis = find_failure_slices(rows_of(prompts, failed), tree, vectors)
    assert analysis.scored_rows == 190
    assert not set(range(0, 200, 4)) & set(analysis.slices[0].sample_indices)
    assert analysis.failures == int(np.nansum(failed))


def test_exact_copies_count_once_in_tests_and_every_time_in_sizes(skills):
    prompts, vectors, tree = skills
    failed = planted(np.random.default_rng(4))
    once = find_failure_slices(rows_of(prompts, failed), tree, vectors)
    copied = rows_of(prompts * 3, np.tile(failed, 3), unit=np.tile(np.arange(240), 3))
    thrice = find_failure_slices(copied, tree, vectors)
    assert [one.p_value for one in thrice.slices] == [one.p_value for one in once.slices]
    assert thrice.slices[0].size == 3 * once.slices[0].size
    assert thrice.slices[0].units == once.slices[0].units
    width = [one.risk_difference_high - one.risk_difference_low for one in (once.slices[0], thrice.slices[0])]
    assert width[0] == pytest.approx(width[1])


def test_the_same_members_have_the_same_id_in_any_order():
    assert slice_id(["b", "a"]) == slice_id(["a", "b"])
    assert slice_id(["a", "b"]) != slice_id(["a", "c"])
    assert slice_id(["ab", "c"]) != slice_id(["a", "bc"])
    assert len(slice_id(["\ud800"])) == 12


@pytest.mark.parametrize(
    ("failed", "note"),
    [
        (np.zeros(240), "None of the 240 scored rows failed"),
        (np.ones(240), "All 240 scored rows failed"),
        (np.full(240, np.nan), "No row has a score"),
        (np.tile([1.0, 0.0], 120), "regions tested fails significantly"),
    ],
)
def test_nothing_to_find_is_a_valid_answer_that_says_so(skills, failed, note):
    prompts, vectors, tree = skills
    analysis = find_failure_slices(rows_of(prompts, failed), tree, vectors)
    assert analysis.slices == ()
    assert note in analysis.note
    assert 0.0 <= analysis.failure_rate <= 1.0


@pytest.mark.parametrize("n", [0, 1, 2, 10])
def test_few_prompts_are_a_valid_answer(n):
    prompts = prompts_of_three_skills()[:n]
    vectors = get_embedder().embed(prompts)
    analysis = find_failure_slices(rows_of(prompts, np.arange(n) % 2), build_tree(vectors), vectors)
    assert analysis.slices == ()
    assert analysis.total_rows == n
    assert analysis.note


def test_two_runs_give_the_same_bytes(skills):
    prompts, vectors, _ = skills
    rows = rows_of(prompts, planted(np.random.default_rng(6)))
    first, second = (find_failure_slices(rows, build_tree(vectors), vectors).slices for _ in range(2))
    assert json.dumps([one.to_dict() for one in first]) == json.dumps([one.to_dict() for one in second])


def test_wrong_rows_and_settings_are_named(skills):
    prompts, vectors, tree = skills
    with pytest.raises(ConfigurationError, match="responses has 1 values for 240"):
        rows_of(prompts, np.zeros(240), responses=["x"])
    with pytest.raises(ConfigurationError, match="unit lies outside"):
        find_failure_slices(rows_of(prompts, np.zeros(240), unit=np.arange(240) + 1), tree, vectors)
    with pytest.raises(ConfigurationError, match="significance_level"):
        find_failure_slices(rows_of(prompts, np.zeros(240)), tree, vectors, SliceSettings(significance_level=2))


def test_a_metadata_value_is_found_where_the_tree_has_no_such_region(skills):
    prompts, vectors, tree = skills
    mobile = np.arange(240) % 4 == 0
    failed = (np.random.default_rng(7).uniform(size=240) < np.where(mobile, 0.8, 0.1)).astype(float)
    columns = {"source": ["mobile" if one else "web" for one in mobile]}
    analysis = find_failure_slices(rows_of(prompts, failed, metadata=columns), tree, vectors)
    assert [one.name for one in analysis.slices] == ["source = mobile"]
    assert analysis.slices[0].named_by == "metadata"
    off = SliceSettings(metadata=False)
    found = find_failure_slices(rows_of(prompts, failed, metadata=columns), tree, vectors, off).slices
    assert all(one.named_by == "keywords" for one in found)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_graded_scores_are_tested_by_ranks_in_either_direction(skills, direction):
    prompts, vectors, tree = skills
    rng = np.random.default_rng(8)
    quality = rng.normal(size=240) - np.where(np.arange(240) < 80, 0.9, 0.0)
    failed = (quality < -0.7).astype(float)
    rows = rows_of(prompts, failed, scores=direction * quality)
    analysis = find_failure_slices(rows, tree, vectors)
    assert analysis.test_used == "ranksum"
    assert [one.sample_indices for one in analysis.slices] == [list(range(80))]
    only_failures = find_failure_slices(rows, tree, vectors, SliceSettings(outcome="failed"))
    assert only_failures.test_used == "midp"
    assert analysis.slices[0].p_value < only_failures.slices[0].p_value


def test_a_held_out_half_confirms_what_is_real(skills):
    prompts, vectors, tree = skills
    failed = planted(np.random.default_rng(9), inside=0.8)
    analysis = find_failure_slices(rows_of(prompts, failed), tree, vectors, SliceSettings(confirm=True, seed=1))
    found = analysis.slices[0]
    assert found.confirmed is True
    assert found.confirmation_p_value < 0.05
    # Of the other half, whose outcomes differ.
    assert found.confirmation_p_value != found.p_value
    assert found.sample_indices == list(range(80))
    assert found.risk_difference_low < found.risk_difference < found.risk_difference_high


def near_copies(prompts=40, copies=10):
    """Vectors of prompts in near-copies (cosine about .97) and their tree."""
    rng = np.random.default_rng(1)
    centres = np.repeat(rng.normal(size=(prompts, 24)), copies, axis=0)
    vectors = centres + 0.15 * rng.normal(size=centres.shape)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return vectors, build_tree(vectors)


def test_near_copies_that_share_their_outcome_are_one_observation():
    vectors, tree = near_copies()
    failed = np.repeat((np.random.default_rng(2).random(40) < 0.3).astype(float), 10)
    rows = rows_of([f"prompt {i}" for i in range(400)], failed)
    analysis = find_failure_slices(rows, tree, vectors)
    assert analysis.outcome_correlation == pytest.approx(1.0, abs=0.2)
    # Kish: 400 observations of correlation 1 in groups of 10 are worth 40.
    assert analysis.effective_units == pytest.approx(40, rel=0.5)
    assert find_failure_slices(rows, tree, vectors, SliceSettings(correct_dependence=False)).slices


def test_copies_of_what_was_found_confirm_nothing():
    vectors, tree = near_copies()
    failed = (np.random.default_rng(3).random(400) < 0.05).astype(float)
    failed[:9] = 1.0  # of the ten copies of one prompt
    rows = rows_of([f"prompt {i}" for i in range(400)], failed)
    found = [
        one
        for seed in range(8)
        for one in find_failure_slices(rows, tree, vectors, SliceSettings(confirm=True, seed=seed)).slices
        if one.sample_indices == list(range(10))
    ]
    # In some draw the prompt is searched; then none of its copies is left in the other half.
    assert found
    assert [one.confirmed for one in found] == [False] * len(found)


def test_worse_scores_without_more_failures_are_no_slice(skills):
    prompts, vectors, tree = skills
    rng = np.random.default_rng(4)
    scores = rng.uniform(0.7, 1.0, 240)
    scores[:80] = rng.uniform(0.5, 0.6, 80)  # worse, and passed
    scores[100:240:20] = 0.1
    rows = rows_of(prompts, (scores < 0.5).astype(float), scores=scores)
    assert find_failure_slices(rows, tree, vectors, SliceSettings(outcome="score")).slices == ()


def test_rows_of_one_session_count_for_less(skills):
    prompts, vectors, tree = skills
    rng = np.random.default_rng(10)
    session = rng.permutation(np.repeat(np.arange(24), 10))
    failed = (rng.uniform(size=24) < 0.4).astype(float)[session]
    rows = rows_of(prompts, failed, groups=[f"s{one}" for one in session])
    together = find_failure_slices(rows, tree, vectors)
    apart = find_failure_slices(rows_of(prompts, failed), tree, vectors)
    assert together.group_correlation > 0.8
    assert together.effective_units == pytest.approx(24, rel=0.3)
    assert apart.effective_units == 240


def test_repeats_are_tested_by_ranks_when_most_outcomes_are_fractions(skills):
    prompts, vectors, tree = skills
    rate = np.where(np.arange(240) < 80, 0.6, 0.2)
    failed = np.random.default_rng(11).binomial(5, rate) / 5
    analysis = find_failure_slices(rows_of(prompts, failed, scores=np.full(240, 0.5)), tree, vectors)
    assert analysis.test_used == "ranksum"
    assert analysis.slices[0].sample_indices == list(range(80))
    assert analysis.slices[0].failure_rate == pytest.approx(failed[:80].mean())


def test_the_smallest_detectable_effect_falls_with_the_size(skills):
    prompts, vectors, tree = skills
    analysis = find_failure_slices(rows_of(prompts, planted(np.random.default_rng(12))), tree, vectors)
    effects = [effect for _, effect in sorted(analysis.minimum_detectable_effect.items())]
    assert len(effects) >= 3
    assert effects == sorted(effects, reverse=True)
    assert 0 < analysis.slices[0].minimum_detectable_effect < 1


@pytest.mark.parametrize("test", ["midp", "fisher", "chi2"])
def test_the_test_is_a_setting(skills, test):
    prompts, vectors, tree = skills
    failed = planted(np.random.default_rng(13))
    found = find_failure_slices(rows_of(prompts, failed), tree, vectors, SliceSettings(test=test)).slices
    assert {one.test_used for one in found} == {test}


def test_an_unknown_outcome_is_refused():
    with pytest.raises(ConfigurationError, match="outcome is 'loss'"):
        SliceSettings(outcome="loss").regions()
