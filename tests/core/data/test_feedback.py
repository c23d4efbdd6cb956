"""Feedback: which values mean failed, which passed, and that nothing is guessed."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.data.feedback import FeedbackRule, read_feedback

THUMBS = FeedbackRule("thumbs", good=("up", 1), bad=("down", 0))


def verdicts(rules: list[FeedbackRule], *rows: dict, scores: list[float] | None = None) -> list[float | None]:
    found = read_feedback(rules, np.array(scores or [np.nan] * len(rows)), [json.dumps(row) for row in rows])
    return [None if math.isnan(value) else value for value in found.failed]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("up", 0.0), ("UP ", 0.0), (1, 0.0), (1.0, 0.0), ("1", 0.0), ("1.0", 0.0),
        ("down", 1.0), (0, 1.0), ("0", 1.0), (-0.0, 1.0),
        (None, None), ("", None), ("sideways", None), (2, None), (True, None), ([1], None),
    ],
)  # fmt: skip
def test_values_are_good_bad_or_unknown(value, expected):
    assert verdicts([THUMBS], {"thumbs": value}) == [expected]


@pytest.mark.parametrize(
    ("threshold", "higher", "value", "expected"),
    [
        (4, True, 3, 1.0), (4, True, 4, 0.0), (4, True, "5", 0.0), (4, True, "great", None), (4, True, True, None),
        (0.3, False, 0.5, 1.0), (0.3, False, 0.3, 0.0), (0.3, False, "nan", None), (4, True, "1e400", None),
    ],
)  # fmt: skip
def test_a_rating_fails_beyond_its_threshold(threshold, higher, value, expected):
    rule = FeedbackRule("rating", success_threshold=threshold, higher_is_better=higher)
    assert verdicts([rule], {"rating": value}) == [expected]


def test_any_rule_that_says_bad_decides():
    error = FeedbackRule("error", good=(False,), bad=(True,))
    rows = [
        {"thumbs": "up", "error": True},
        {"thumbs": "down", "error": False},
        {"thumbs": "up", "error": False},
        {"error": False},
        {"other": 1},
    ]
    assert verdicts([THUMBS, error], *rows) == verdicts([error, THUMBS], *rows) == [1.0, 1.0, 0.0, 0.0, None]


def test_the_logs_own_score_and_values_inside_of_others():
    score = FeedbackRule("score", success_threshold=0.5)
    assert verdicts([score], {}, {}, {"score": 0.9}, scores=[0.2, 0.7, math.nan]) == [1.0, 0.0, 0.0]
    assert verdicts([FeedbackRule("feedback.thumbs", bad=("down",))], {"feedback": {"thumbs": "down"}}) == [1.0]
    dotted = FeedbackRule("score.user.rating", success_threshold=3)
    assert verdicts([dotted], {"score.user.rating": 1}, {"score.user": {"rating": 5}}, {"score": 3}) == [1.0, 0.0, None]


def test_what_no_rule_knows_is_counted_and_not_guessed():
    rows = [json.dumps({"thumbs": value}) for value in ("up", "meh", "meh", "sideways", None)]
    found = read_feedback([THUMBS], np.full(5, np.nan), rows)
    assert (found.known, found.not_understood, dict(found.told)) == (1, 3, {"thumbs": 1})
    assert found.unknown == {"thumbs": {"meh": 2, "sideways": 1}}


def test_nothing_in_nothing_out():
    found = read_feedback([THUMBS], np.zeros(0), [])
    assert (found.failed.shape, found.known, found.unknown) == ((0,), 0, {})
    with pytest.raises(ConfigurationError, match="1 documents for 2 scores"):
        read_feedback([THUMBS], np.zeros(2), ["{}"])


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({}, "'c' has neither"),
        ({"good": ("a",), "success_threshold": 1}, "'c' has both"),
        ({"good": ("Up", 1), "bad": ("1.0",)}, "'1' is both good and bad"),
        ({"success_threshold": math.inf}, "expected a finite number"),
    ],
)
def test_a_rule_says_one_thing(rule, told):
    with pytest.raises(ConfigurationError, match=told):
        FeedbackRule("c", **rule)
