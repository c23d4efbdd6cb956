import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, hypergeom, norm, t
from statsmodels.stats.proportion import confint_proportions_2indep

from faultmap_core.change_claims import change_claim
from faultmap_core.errors import ClaimError, ConfigurationError
from faultmap_core.rates import Rate
from faultmap_core.regression import (
    CoverageRange,
    Standing,
    Subject,
    change_of_coverage,
    change_of_day,
    change_of_failures,
    change_of_rate,
    change_of_winner,
    new_slice,
    paired_change,
)

RATE = Subject("failure_rate", "law", "gpt")


def outcomes(failed, total, start=0):
    return {f"e{i}": float(i - start < failed) for i in range(start, start + total)}


def test_two_samples_are_tested_by_the_hypergeometric_midp_with_newcombes_interval():
    change = change_of_rate(RATE, Rate(30, 300), Rate(25, 120))
    tail = hypergeom(420, 55, 120)
    assert change.p_value == pytest.approx(tail.sf(25) + 0.5 * tail.pmf(25))
    low, high = confint_proportions_2indep(25, 120, 30, 300, method="newcomb")
    assert (change.low, change.high) == pytest.approx((low, high))
    assert change.difference == pytest.approx(25 / 120 - 0.1)
    assert (change.before_rows, change.after_rows, change.test) == (300, 120, "midp")
    assert change.message == (
        f"gpt on law: the failure rate rose from 10.0% to 20.8% (+10.8 points, 95% interval"
        f" {100 * low:+.1f} to {100 * high:+.1f}, p {change.p_value:.2g}; 300 rows before, 120 now)"
    )


def test_a_fall_is_no_regression_and_says_so():
    change = change_of_rate(RATE, Rate(60, 300), Rate(5, 120))
    assert change.p_value > 0.99
    assert not change.is_worse
    assert "fell from 20.0% to 4.2%" in change.message


def test_a_design_effect_divides_both_counts():
    change = change_of_rate(RATE, Rate(40, 400, 2.0), Rate(40, 200, 2.0))
    plain = change_of_rate(RATE, Rate(20, 200), Rate(20, 100))
    assert change.p_value == pytest.approx(plain.p_value)
    assert (change.low, change.high) == pytest.approx((plain.low, plain.high))
    assert (change.before_rows, change.after_rows) == (400, 200)


def test_without_rows_there_is_nothing_to_compare():
    assert change_of_rate(RATE, Rate(0, 0), Rate(1, 2)) is None
    assert change_of_day(RATE, [], Rate(1, 2)) is None
    assert paired_change(RATE, {"a": 1.0}, {"b": 1.0}) is None
    assert change_of_failures(RATE, {}, {"b": 1.0}) is None


def test_days_that_vary_by_themselves_need_a_larger_rise():
    steady = [Rate(20, 200)] * 14
    restless = [Rate(10, 200), Rate(30, 200)] * 7
    today = Rate(32, 200)
    calm, moved = change_of_day(RATE, steady, today), change_of_day(RATE, restless, today)
    assert calm.p_value == pytest.approx(change_of_rate(RATE, Rate(280, 2800), today).p_value)
    assert moved.p_value > 10 * calm.p_value
    # By hand: sampling .09 / 200 beside the days' variance, normal, then Student's t
    variance = 14 / 13 * 0.05**2 - 0.1 * 0.9 / 200
    both = (0.1 * 0.9 / 200 + variance) * (1 + 1 / 14)
    freedom = 13 * (1 + 0.1 * 0.9 / 200 / variance) ** 2
    assert moved.p_value == pytest.approx(t.sf(0.06 / both**0.5, freedom), rel=0.2)


def test_p_values_of_days_are_uniform_enough_where_days_vary():
    rng = np.random.default_rng(0)
    p = []
    for _ in range(1500):
        days = [Rate(float(k), 400) for k in rng.binomial(400, rng.normal(0.15, 0.02, 29).clip(0.01))]
        p.append(change_of_day(RATE, days[:-1], days[-1]).p_value)
    for level in (0.01, 0.05, 0.2):
        share = np.mean(np.array(p) <= level)
        assert share <= level + 3 * (level * (1 - level) / 1500) ** 0.5
        assert share >= 0.5 * level


def test_the_same_examples_are_compared_in_pairs():
    # 12 examples fail only now, 3 failed only before, 10 in both, 75 in neither
    before = {f"e{i}": float(i < 13) for i in range(100)}
    after = {f"e{i}": float(3 <= i < 25) for i in range(100)}
    change = paired_change(RATE, before, after)
    assert change.p_value == pytest.approx(binom.sf(12, 15, 0.5) + 0.5 * binom.pmf(12, 15, 0.5))
    assert (change.before, change.after) == pytest.approx((0.13, 0.22))
    assert change.difference == pytest.approx(0.09)
    assert change.low < 0.09 < change.high
    reverse = paired_change(RATE, after, before)
    assert reverse.p_value == pytest.approx(1 - change.p_value)
    assert (reverse.low, reverse.high) == pytest.approx((-change.high, -change.low), abs=1e-9)


def test_a_single_example_that_got_worse_proves_nothing():
    before = {f"e{i}": 0.0 for i in range(43)}
    change = paired_change(RATE, before, {**before, "e0": 1.0})
    # half of the chance that the only discordant pair falls this way
    assert change.p_value == pytest.approx(0.25)
    assert change.low < 0 < 1 / 43 < change.high


def test_pairs_where_ids_are_shared_two_samples_where_they_are_not():
    assert change_of_failures(RATE, outcomes(10, 100), outcomes(20, 100)).test == "mcnemar_midp"
    assert change_of_failures(RATE, outcomes(10, 100), outcomes(20, 100, start=100)).test == "midp"
    few = change_of_failures(RATE, outcomes(10, 100), outcomes(20, 100, start=90))
    # the ten shared rows count for the later run only
    assert (few.test, few.before_rows, few.after_rows) == ("midp", 90, 100)
    grouped = change_of_failures(
        RATE,
        outcomes(10, 100),
        outcomes(20, 100, start=100),
        after_groups={f"e{i}": f"s{i // 10}" for i in range(100, 200)},
    )
    assert grouped.p_value > change_of_failures(RATE, outcomes(10, 100), outcomes(20, 100, start=100)).p_value


def test_rows_without_an_outcome_take_no_part():
    before = {**outcomes(10, 50), "unscored": float("nan")}
    change = change_of_failures(RATE, before, {**outcomes(10, 50), "unscored": 1.0})
    assert change.before_rows == 50
    assert change.p_value == pytest.approx(0.5)


def test_a_new_slice_says_what_fails_and_carries_the_p_of_its_search():
    subject = Subject("new_slice", "law", "gpt", "abc", "dates in contracts")
    change = new_slice(subject, Rate(30, 60), Rate(50, 500), 0.003, (0.2, 0.6))
    assert (change.p_value, change.low, change.high) == (0.003, 0.2, 0.6)
    assert 'new failure slice "dates in contracts": 50% of 60 rows failed, 10% of the other 500: +40' in change.message
    assert new_slice(subject, Rate(0, 0), Rate(5, 50), 0.01) is None
    record = json.loads(json.dumps(change.to_dict(), allow_nan=False))
    assert (record["kind"], record["finding_id"], record["name"]) == ("new_slice", "abc", "dates in contracts")


def test_coverage_ranges_become_standard_errors():
    subject = Subject("coverage", "law")
    before, after = CoverageRange(0.9, 0.9 - 1.645 * 0.02, 0.95, 5000), CoverageRange(0.8, 0.7, 0.8 + 2.6 * 0.03, 5000)
    change = change_of_coverage(subject, before, after)
    assert change.p_value == pytest.approx(norm.sf(0.1 / np.hypot(0.02, 0.03)))
    assert change.difference == pytest.approx(-0.1)
    assert change.is_worse
    assert "law: coverage by the tests fell from 90.0% to 80.0%" in change.message
    assert change_of_coverage(subject, after, before).p_value > 0.5
    # a range of no width still rests on a number of prompts
    exact = change_of_coverage(subject, CoverageRange(0.9, 0.9, 0.9, 50), CoverageRange(0.88, 0.88, 0.88, 50))
    assert exact.p_value > 0.3
    assert change_of_coverage(subject, CoverageRange(0, 0, 1, 0), before) is None


def comparison(winner, difference, error=0.01, **more):
    reach = 1.959964 * error
    known = {
        "model_a": "gpt",
        "model_b": "claude",
        "global_winner": winner,
        "difference": difference,
        "difference_low": difference - reach,
        "difference_high": difference + reach,
        "significance_level": 0.05,
        "compared_rows": 1000,
    }
    return SimpleNamespace(**{**known, **more})


def test_a_lost_comparison_is_told_from_the_models_side():
    subject = Subject("winner", "law", "gpt", name="claude")
    won, lost = Standing.of(comparison("a", 0.03), "gpt"), Standing.of(comparison("b", -0.02), "gpt")
    assert (won.verdict, won.opponent, won.advantage) == ("won", "claude", 0.03)
    assert won.error == pytest.approx(0.01, rel=1e-4)
    change = change_of_winner(subject, won, lost)
    assert change.p_value == pytest.approx(norm.sf(0.05 / np.hypot(0.01, 0.01)), rel=1e-3)
    assert change.is_worse
    assert "gpt on law: now loses to claude: its advantage went from +3.0 to -2.0 points" in change.message
    other = Standing.of(comparison("b", -0.02), "claude")
    assert (other.verdict, other.opponent, other.advantage) == ("won", "gpt", 0.02)
    tied = change_of_winner(subject, won, Standing.of(comparison("unresolved", 0.01), "gpt"))
    assert "no longer beats claude" in tied.message
    still = change_of_winner(subject, won, Standing.of(comparison("a", 0.01), "gpt"))
    assert not still.is_worse
    unknown = Standing.of(comparison("a", 0.1, difference_low=None), "gpt")
    assert change_of_winner(subject, unknown, lost) is None
    with pytest.raises(ConfigurationError, match="expected gpt or claude"):
        Standing.of(comparison("a", 0.1), "llama")


counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.floats(1, 5))
def test_between_whole_counts_p_lies_between_theirs(after, effect):
    before, (k, n) = Rate(100.0, 1000.0), after
    p = change_of_rate(RATE, before, Rate(float(k), float(n), effect)).p_value
    size = max(round(n / effect), 1)
    below = int(np.floor(k / n * size + 1e-9))

    def midp(hits):
        tail = hypergeom(1000 + size, 100 + hits, size)
        return tail.sf(hits) + 0.5 * tail.pmf(hits)

    assert midp(min(below + 1, size)) - 1e-9 <= p <= midp(below) + 1e-9


@given(counts, counts)
def test_one_sided_p_of_both_directions_add_up(before, after):
    up = change_of_rate(RATE, Rate(*map(float, before)), Rate(*map(float, after)))
    passed = [(n - k, n) for k, n in (before, after)]
    down = change_of_rate(RATE, *(Rate(float(k), float(n)) for k, n in passed))
    assert up.p_value + down.p_value == pytest.approx(1.0)
    assert up.low <= up.difference + 1e-9
    assert up.high >= up.difference - 1e-9
    json.dumps(up.to_dict(), allow_nan=False)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_paired_changes_of_means_of_repeats_are_sound(rows):
    before = {str(i): a for i, (a, _) in enumerate(rows)}
    after = {str(i): b for i, (_, b) in enumerate(rows)}
    change = paired_change(RATE, before, after)
    assert 0.0 < change.p_value <= 1.0
    assert change.difference == pytest.approx(np.mean([b - a for a, b in rows]), abs=1e-9)
    assert change.low - 1e-6 <= change.difference <= change.high + 1e-6


@pytest.mark.parametrize("rows", [20, 30, 45, 60, 100, 400])
def test_no_sentence_of_a_change_gives_an_interval_that_contradicts_its_p_value(rows):
    told = []
    for failures in range(rows // 10, rows):
        change = change_of_rate(Subject("failure_rate", "d", "m"), Rate(rows // 10, rows), Rate(failures, rows))
        assert change is not None
        if change.p_value <= 0.05:
            told.append(change.message)
            if "95% interval" in change.message:
                assert change.low > 0
    # Near the limit the one-sided test shows what the two-sided interval does not.
    assert any("so few cannot tell" in one for one in told)
    assert any("95% interval +" in one for one in told)


CHANGED = change_of_rate(RATE, Rate(30, 300), Rate(25, 120))
CONTRADICTIONS = [
    {"low": -0.01},
    {"adjusted_p_value": 0.2},
    {"difference": 0.4},
    {"difference": -0.1, "low": -0.2, "high": -0.05, "p_value": 0.99},
    {"test": "sign_flip"},
    {"after_rows": 0},
    {"high": float("nan")},
]


@pytest.mark.parametrize("kind", ["failure_rate", "slice_rate", "new_slice", "coverage", "quarantined", "winner"])
@pytest.mark.parametrize("wrong", CONTRADICTIONS)
def test_gates_and_alerts_refuse_figures_that_contradict_each_other(kind, wrong):
    test = {"coverage": "range", "winner": "advantage", "new_slice": "slice"}.get(kind, "midp")
    sign = -1 if kind in ("coverage", "winner") else 1
    subject = Subject(kind, "law", "gpt", "s1", "dates")
    sound = replace(CHANGED, subject=subject, test=test)
    if sign < 0:
        verdict = "lost" if kind == "winner" else None
        sound = replace(
            sound, before=0.2, after=0.1, difference=-0.1, low=-0.15, high=-0.05, verdict=verdict, p_value=1e-3
        )
        wrong = {"high": 0.01} if wrong == {"low": -0.01} else wrong
        wrong = {"difference": 0.1, "low": 0.05, "high": 0.2, "p_value": 0.99} if len(wrong) == 4 else wrong
    assert change_claim(sound).flaw == ""
    assert "points, " in sound.message
    broken = replace(sound, **wrong)
    with pytest.raises(ClaimError):
        _ = change_claim(broken).sentence
    assert "95% interval" not in broken.message
    assert "between" not in broken.message


def test_the_gate_says_the_p_value_that_it_decided_by():
    # Alone p is 0.03, of two tests together 0.06 and no reason; the claim carries what was decided.
    change = replace(CHANGED, p_value=0.03, adjusted_p_value=0.06)
    assert not change_claim(change).shown
    assert "may be chance" in change.message
    assert change_claim(replace(change, adjusted_p_value=0.04)).shown
