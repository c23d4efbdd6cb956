from datetime import date, timedelta

import pytest
from scipy.stats import norm

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.monitoring.changes import CoverageRange, Subject, change_of_rate
from faultmap_core.monitoring.trends import (
    DayFigures,
    TrendSettings,
    baseline_days,
    baseline_run,
    questions_of_day,
    standing,
    trend_of,
    watch_days,
)
from faultmap_core.stats.rates import Rate

RATE = Subject("failure_rate", "production", "bot")


def days(number, start="2026-01-01", **more):
    first = date.fromisoformat(start)
    return [DayFigures((first + timedelta(days=i)).isoformat(), {"bot": Rate(10, 100)}, **more) for i in range(number)]


def test_a_day_is_held_against_the_four_weeks_that_end_a_week_before():
    chosen = [one.day for one in baseline_days("2026-03-01", days(70))]
    # Seven days before the first of March is the 22nd, which is not in it; 28 days before that is the 25th of January.
    assert (chosen[0], chosen[-1], len(chosen)) == ("2026-01-25", "2026-02-21", 28)


def test_until_there_are_enough_days_the_first_ones_are_the_baseline():
    assert baseline_days("2026-01-07", days(30)) == ()
    first = [one.day for one in baseline_days("2026-01-08", days(30))]
    assert (first[0], first[-1]) == ("2026-01-01", "2026-01-07")
    assert [one.day for one in baseline_days("2026-01-15", days(30))] == first
    # From the 16th on there is an eighth day that lies a week back.
    assert len(baseline_days("2026-01-16", days(30))) == 8


def test_the_baseline_of_evals_lies_some_runs_back():
    assert baseline_run([]) is None
    assert baseline_run([4]) == 4
    assert baseline_run([1, 2, 3, 4, 5, 6, 7]) == 1
    assert baseline_run([1, 2, 3, 4, 5, 6, 7, 8, 9]) == 3
    assert baseline_run([1, 2, 3], TrendSettings(lag_runs=1)) == 3


@pytest.mark.parametrize(("failures", "told"), [(10, "same"), (19, "worse"), (4, "better"), (13, "same")])
def test_a_trend_is_a_test_at_two_and_a_half_percent_on_either_side(failures, told):
    # Of 1,000 and 100 rows: 13 % is one standard error above 10 %, 19 % three, 4 % two below.
    assert trend_of(change_of_rate(RATE, Rate(100, 1000), Rate(failures, 100))) == told
    assert trend_of(None) == "same"


def test_coverage_is_held_against_the_mean_of_days_with_the_spread_between_them():
    ranges = [CoverageRange(score, score - 1.645 * 0.02, 1.0, 10_000) for score in (0.85, 0.9, 0.95)]
    today = DayFigures("2026-02-01", coverage=CoverageRange(0.8, 0.7, 0.8 + 2.6 * 0.01, 10_000))
    (change,) = questions_of_day(
        today, [DayFigures(f"2026-01-0{i}", coverage=one) for i, one in enumerate(ranges, 1)], "p"
    )
    # Of the days' mean .9 with its error .02, to .8 with the days' standard deviation .05.
    assert change.p_value == pytest.approx(norm.sf(0.1 / (0.02**2 + 0.05**2) ** 0.5))
    assert (change.before, change.after) == (pytest.approx(0.9), 0.8)


def test_each_model_is_a_question_and_a_day_without_a_baseline_asks_none():
    today = DayFigures("2026-02-01", {"bot": Rate(30, 100), "new": Rate(1, 10)})
    assert [one.subject.model for one in questions_of_day(today, days(7), "p")] == ["bot"]
    assert questions_of_day(today, (), "p") == ()


def test_days_are_watched_from_the_one_that_is_asked_for():
    found = list(watch_days(days(12), "production", "2026-01-10", None))
    assert [day for day, _, _ in found] == ["2026-01-10", "2026-01-11", "2026-01-12"]
    assert found[-1][2].tests == 3
    with pytest.raises(ConfigurationError, match="ascending"):
        list(watch_days(days(3)[::-1], "production", "2026-01-01", None))


def test_a_standing_takes_its_error_from_the_interval():
    found = standing("claude", "claude", "gpt", -0.05, (-0.05 - 1.959964 * 0.01, -0.05 + 1.959964 * 0.01), 0.05, 500)
    assert (found.verdict, found.advantage, found.rows) == ("lost", -0.05, 500)
    # `Standing.of` of the core takes twice the quantile, too.
    assert found.error == pytest.approx(0.01, rel=1e-4)
    assert standing("a", "unresolved", "b", 0.0, None, 0.05, 5).verdict == "unresolved"
    assert standing("a", "unresolved", "b", 0.0, None, 0.05, 5).error is None


@pytest.mark.parametrize("name", ["baseline_days", "least_days", "lag_runs"])
def test_settings_are_checked(name):
    with pytest.raises(ConfigurationError, match=name):
        TrendSettings(**{name: 0})
