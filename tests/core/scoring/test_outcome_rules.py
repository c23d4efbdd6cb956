"""By which metric, threshold and direction do rows fail?"""

import pytest

from faultmap_core.data.metrics import Metric, UserRule
from faultmap_core.scoring.outcome_rules import outcome_rule

RELEVANCY = Metric("relevancy", 0.0, 1.0)
BIAS = Metric("bias", 0.0, 1.0, higher_is_better=False, threshold=0.3)
JUDGED = Metric("correctness", 1.0, 5.0)


@pytest.mark.parametrize(
    ("metric", "user", "threshold", "higher"),
    [
        # The tool's own threshold and direction; the middle of its range; the default.
        (BIAS, UserRule(), 0.3, False),
        (JUDGED, UserRule(), 3.0, True),
        (Metric("f1"), UserRule(default_threshold=0.5), 0.5, True),
        (None, UserRule(default_threshold=0.5), 0.5, True),
        # What the user sets goes before each of them, and one by one.
        (BIAS, UserRule(threshold=0.1), 0.1, False),
        (BIAS, UserRule(higher_is_better=True), 0.3, True),
        (JUDGED, UserRule(score_range=(0.0, 10.0)), 5.0, True),
        (JUDGED, UserRule(threshold=4.0, score_range=(1.0, 5.0)), 4.0, True),
        (None, UserRule(higher_is_better=False, default_threshold=2.0), 2.0, False),
    ],
)
def test_threshold_and_direction(metric, user, threshold, higher):
    rule = outcome_rule([metric, None], user)
    assert (rule.threshold, rule.metric.higher_is_better) == (threshold, higher)
    assert rule.counted.all()


def test_a_threshold_that_nobody_states_is_no_part_of_the_identity():
    assert outcome_rule([JUDGED], UserRule()).metric.threshold is None
    assert outcome_rule([JUDGED], UserRule(threshold=4.0)).metric.threshold == 4.0
    assert outcome_rule([JUDGED], UserRule(threshold=4.0)).metric.source == "settings"
    assert outcome_rule([None], UserRule(threshold=4.0)).metric.source == "unstated"


@pytest.mark.parametrize("turned", [False, True])
def test_one_metric_counts_that_of_most_rows_in_whatever_order_they_come(turned):
    metrics = [RELEVANCY, BIAS, None, RELEVANCY, BIAS, RELEVANCY]
    rule = outcome_rule(metrics[::-1] if turned else metrics, UserRule())
    assert rule.metric == RELEVANCY
    assert rule.others == {"bias": 2}
    assert rule.counted.sum() == 4


def test_of_equally_many_rows_the_first_name_counts():
    assert outcome_rule([RELEVANCY, BIAS], UserRule()).metric.name == "bias"
    assert outcome_rule([BIAS, RELEVANCY], UserRule()).metric.name == "bias"


def test_what_only_some_rows_say_of_a_metric_holds_for_all():
    plain, stated = Metric("match"), Metric("match", 0.0, 1.0, threshold=0.5)
    rule = outcome_rule([plain, plain, stated], UserRule())
    assert rule.metric == stated
    assert rule.counted.all()
    assert not rule.others


def test_a_metric_that_nobody_names_may_be_any():
    unstated = outcome_rule([None], UserRule()).metric
    assert unstated.unlike(BIAS) is None
    assert BIAS.unlike(unstated) is None
    assert BIAS.unlike(RELEVANCY) == "bias and relevancy are different metrics"
