import json
from dataclasses import replace

import numpy as np
import pytest

from faultmap_core.errors import ConfigurationError
from faultmap_core.gate import GateSettings, RunSummary, SliceSummary, changes_between, gate
from faultmap_core.history import FindingKey
from faultmap_core.metrics import UNSTATED, Metric
from faultmap_core.rates import Rate
from faultmap_core.regression import CoverageRange, Standing

N = 400


def run(failing, n=N, model="gpt", dataset="law", start=0, **more):
    """Examples start … start + n, of which those in `failing` fail."""
    failed = {f"e{i}": float(i in failing) for i in range(start, start + n)}
    return RunSummary(dataset, model, failed, **more)


def a_slice(members, p=1e-6, name="dates", finding_id="", **more):
    key = FindingKey("slice", "law", "gpt", name, frozenset(f"e{i}" for i in members), finding_id=finding_id, **more)
    return SliceSummary(key, p, (0.2, 0.6))


USUAL = set(range(0, N, 10))


def test_a_run_like_its_baseline_passes():
    result = gate([run(USUAL)], [run(USUAL)])
    assert (result.passed, result.reasons) == (True, ())
    assert result.compared == (("law", "gpt", "gpt"),)
    assert gate([run(set())], [run(USUAL)]).passed
    json.dumps(result.to_dict(), allow_nan=False)


def test_more_failures_on_the_same_examples_are_a_reason_with_figures():
    worse = USUAL | set(range(1, 200, 10))
    result = gate([run(worse)], [run(USUAL)])
    assert not result.passed
    (reason,) = result.reasons
    assert reason.startswith("gpt on law: the failure rate rose from 10.0% to 15.0% (+5.0 points")
    (change,) = result.changes
    assert change.test == "mcnemar_midp"
    # 20 only now, none only before
    assert change.p_value == pytest.approx(0.5**21)
    assert gate([run(worse)], [run(USUAL)], GateSettings(failure_margin=0.06)).passed
    json.dumps(result.to_dict(), allow_nan=False)


def test_new_examples_are_compared_as_two_samples():
    fresh = run(set(range(1000, 1100)), start=1000)
    result = gate([fresh], [run(USUAL)])
    assert not result.passed
    assert result.changes[0].test == "midp"


def test_another_model_is_a_baseline_where_the_dataset_has_one():
    worse = run(USUAL | set(range(1, 200, 10)))
    other = run(USUAL, model="claude")
    result = gate([worse], [other])
    assert not result.passed
    assert result.compared == (("law", "gpt", "claude"),)
    two = gate([worse], [other, run(USUAL, model="llama")])
    assert not two.passed
    assert "nothing to compare" in two.reasons[0]
    assert two.notes == ("gpt on law was not compared: the baseline has 2 other models",)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (Metric("recall"), "faithfulness and recall are different metrics"),
        (Metric("faithfulness", higher_is_better=False), "higher is better for faithfulness in one and lower"),
        (Metric("faithfulness", 1, 5), "faithfulness runs from 0 to 1 in one and from 1 to 5 in the other"),
        (Metric("faithfulness", threshold=0.7), "faithfulness passes from 0.5 in one and from 0.7 in the other"),
    ],
)
def test_unlike_metrics_are_a_reason_and_never_a_test(other, told):
    metric = Metric("faithfulness", 0, 1, threshold=0.5)
    now, then = run(range(50), metric=metric), run(range(5), metric=other)
    result = gate([now, run(range(5), dataset="tax")], [then, run(range(5), dataset="tax")])
    assert not result.passed
    assert len(result.reasons) == 1
    assert result.reasons[0].startswith(f"gpt on law cannot be compared: {told}")
    assert [one[0] for one in result.compared] == ["tax"]
    assert changes_between(now, then) == ((), result.reasons)


@pytest.mark.parametrize(
    "other",
    [None, Metric("faithfulness"), Metric("faithfulness", 0, 1, threshold=0.5), Metric("score", source=UNSTATED)],
)
def test_what_a_metric_does_not_say_contradicts_nothing(other):
    metric = Metric("faithfulness", 0, 1, threshold=0.5)
    assert gate([run(range(5), metric=metric)], [run(range(5), metric=other)]).passed


def test_nothing_to_compare_does_not_pass():
    for current, baseline in (([], []), ([run(USUAL)], [run(USUAL, dataset="tax")]), ([run(set(), n=0)], [run(USUAL)])):
        result = gate(current, baseline)
        assert not result.passed
        assert "nothing to compare" in result.reasons[0]
    notes = gate([run(USUAL)], [run(USUAL), run(USUAL, dataset="tax")]).notes
    assert notes == ("gpt on tax is in the baseline only",)


def test_a_new_slice_is_a_reason_and_a_known_one_is_not():
    dates = set(range(0, 40))
    # 24 of the first, and example 30
    now = run(USUAL - set(range(300, 400)) | set(range(0, 24)), slices=[a_slice(dates)])
    then = run(USUAL)
    result = gate([now], [then])
    kinds = [change.subject.kind for change in result.changes]
    assert "new_slice" in kinds
    assert any('new failure slice "dates": 62% of 40 rows failed' in reason for reason in result.reasons)
    known = replace(then, slices=[a_slice(range(0, 36), name="old dates", finding_id="s1")])
    followed, _ = changes_between(now, known)
    assert [one.subject.kind for one in followed] == ["failure_rate", "slice_rate"]
    assert (followed[1].subject.finding_id, followed[1].after_rows) == ("s1", 36)


def test_a_slice_that_failed_as_much_before_is_not_new():
    failing = USUAL | set(range(0, 24))
    now, then = run(failing, slices=[a_slice(range(0, 40))]), run(failing)
    assert [one.subject.kind for one in changes_between(now, then)[0]] == ["failure_rate"]
    assert gate([now], [then]).passed


def test_a_slice_of_the_baseline_that_got_worse_is_followed_on_its_own_members():
    # 20 more of the slice's 60 fail now, 20 fewer elsewhere: the dataset's rate is the same
    members = range(0, 60)
    then = run(USUAL | set(range(0, 20)), slices=[a_slice(members, finding_id="s1")])
    now = run((USUAL | set(range(0, 40))) - set(range(200, 400, 10)))
    result = gate([now], [then])
    assert [change.subject.kind for change in result.changes] == ["slice_rate"]
    assert 'the failure rate of the slice "dates" rose' in result.reasons[0]


def test_coverage_quarantine_and_comparisons_are_gated_too():
    good = {
        "coverage": CoverageRange(0.9, 0.88, 0.93, 2000),
        "quarantined": Rate(2, 402),
        "standings": [Standing("claude", "won", 0.05, 0.01, N)],
    }
    bad = {
        "coverage": CoverageRange(0.7, 0.66, 0.73, 2000),
        "quarantined": Rate(60, 460),
        "standings": [Standing("claude", "lost", -0.05, 0.01, N)],
    }
    then = run(USUAL, **good)
    assert gate([run(USUAL, **good)], [then]).passed
    result = gate([run(USUAL, **bad)], [then])
    assert {change.subject.kind for change in result.changes} == {"coverage", "quarantined", "winner"}
    assert any("now loses to claude" in reason for reason in result.reasons)
    lenient = GateSettings(coverage_margin=0.3, quarantine_margin=0.3, winner_margin=0.3)
    assert gate([run(USUAL, **bad)], [then], lenient).passed
    blind = gate([run(USUAL)], [then])
    assert blind.passed
    assert "coverage is known of the baseline only" in blind.notes[0]


def test_a_run_no_worse_is_held_up_in_at_most_one_of_twenty_cases():
    rng, held, runs = np.random.default_rng(0), 0, 300
    for _ in range(runs):
        chance = np.where(rng.random(N) < 0.3, rng.random(N), rng.integers(0, 2, N))
        sides = [
            [run(set(np.flatnonzero(rng.random(N) < chance).tolist()), dataset=name) for name in ("law", "tax", "tort")]
            for _ in range(2)
        ]
        held += not gate(*sides).passed
    assert held / runs <= 0.05 + 2 * (0.05 * 0.95 / runs) ** 0.5


def test_a_model_twice_and_settings_out_of_range_are_refused():
    with pytest.raises(ConfigurationError, match="gpt on law stands twice"):
        gate([run(USUAL), run(USUAL)], [run(USUAL)])
    with pytest.raises(ConfigurationError, match="significance_level"):
        GateSettings(significance_level=1.0)
    for name in ("failure_margin", "slice_margin", "coverage_margin", "winner_margin", "quarantine_margin"):
        with pytest.raises(ConfigurationError, match=name):
            GateSettings(**{name: -0.1})
