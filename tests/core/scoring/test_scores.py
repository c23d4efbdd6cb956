"""One score per example: repeats are averaged, absent scores count for nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultmap_core.base.errors import ScoringError
from faultmap_core.scoring.scores import given_scores


def test_repeats_are_reduced_to_their_mean():
    found = given_scores(["b", "a", "b", "b", "c"], [1.0, 0.0, 0.0, math.nan, math.nan], success_threshold=0.5)
    assert found.example_ids == ("a", "b", "c")
    np.testing.assert_array_equal(found.scores, [0.0, 0.5, np.nan])
    np.testing.assert_array_equal(found.epochs, [1, 3, 1])
    np.testing.assert_array_equal(found.scored_epochs, [1, 2, 0])
    np.testing.assert_array_equal(found.failed, [1.0, 0.0, np.nan])


@pytest.mark.parametrize(("higher_is_better", "failed"), [(True, [1, 0, 0]), (False, [0, 0, 1])])
def test_a_score_equal_to_the_threshold_passes(higher_is_better, failed):
    found = given_scores(["a", "b", "c"], [1, 3, 5], success_threshold=3, higher_is_better=higher_is_better)
    assert found.failed.tolist() == failed


def test_no_answers_give_no_scores():
    assert given_scores([], [], success_threshold=0.5).example_ids == ()


@pytest.mark.parametrize("scores", [[0.5], [0.5, 0.5, 0.5], [[0.5, 0.5]]])
def test_as_many_scores_as_ids(scores):
    with pytest.raises(ScoringError, match="2 example ids need as many scores, found shape"):
        given_scores(["a", "b"], scores, success_threshold=0.5)


def test_an_infinite_score_is_named():
    with pytest.raises(ScoringError, match="score of example 'b' is infinite"):
        given_scores(["a", "b"], [0.5, math.inf], success_threshold=0.5)


score = st.none() | st.floats(0, 1)


@given(st.lists(st.tuples(st.sampled_from("abcd"), score), max_size=30), st.randoms(use_true_random=False))
def test_against_a_plain_loop_in_any_order(answers, random):
    def scored(pairs):
        values = [math.nan if value is None else value for _, value in pairs]
        return given_scores([name for name, _ in pairs], values, success_threshold=0.5)

    found = scored(answers)
    for position, name in enumerate(found.example_ids):
        values = [value for other, value in answers if other == name and value is not None]
        assert found.epochs[position] == sum(other == name for other, _ in answers)
        assert found.scored_epochs[position] == len(values)
        if values:
            assert found.scores[position] == pytest.approx(math.fsum(values) / len(values))
        else:
            assert math.isnan(found.failed[position])
    shuffled = list(answers)
    random.shuffle(shuffled)
    np.testing.assert_allclose(scored(shuffled).scores, found.scores, rtol=1e-12)


def test_a_verdict_goes_before_the_threshold_and_epochs_are_outvoted() -> None:
    ids = ["bias", "bias", "split", "split", "none"]
    found = given_scores(ids, [0.0, 0.0, 1.0, 1.0, 0.2], success_threshold=0.5, passed=[1, 1, 1, 0, float("nan")])
    assert dict(zip(found.example_ids, found.failed.tolist(), strict=True)) == {"bias": 0.0, "split": 0.0, "none": 1.0}
    outvoted = given_scores(["a"] * 3, [1.0] * 3, success_threshold=0.5, passed=[1, 0, 0])
    assert outvoted.failed.tolist() == [1.0]
