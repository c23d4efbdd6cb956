import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.monitoring.acknowledgements import Acknowledgement, unacknowledged
from faultmap_core.monitoring.alerting import AlertSettings, WatchState, stream_key, watch
from faultmap_core.monitoring.changes import Subject, Verdict, change_of_rate
from faultmap_core.stats.rates import Rate

RATE = Subject("failure_rate", "law", "gpt")
BEFORE = Rate(2800, 28_000)


def change(rate, rows=1000, subject=RATE, before=BEFORE):
    return change_of_rate(subject, before, Rate(rate * rows, rows))


def watched(days, settings=None, state=None, first=1):
    """Watch lists of changes day by day; return the alerts with the number of their day, and the last state."""
    told = []
    for number, changes in enumerate(days, start=first):
        alerts, state = watch(changes, state, f"2026-01-{number:02d}", settings)
        told.extend((number, alert) for alert in alerts)
    return told, state


def test_a_jump_is_told_on_its_day_with_its_figures():
    ((day, alert),), _ = watched([[change(0.1)], [change(0.1)], [change(0.16)]])
    assert (day, alert.day, alert.days, alert.severity) == (3, "2026-01-03", 1, "error")
    assert (alert.kind, alert.dataset, alert.model) == ("failure_rate", "law", "gpt")
    assert (alert.before, alert.after) == pytest.approx((0.1, 0.16))
    # half of half an alert a year
    assert alert.level == pytest.approx(0.5 / 365 / 2)
    assert alert.p_value == change(0.16).p_value <= alert.level
    assert alert.message == change(0.16).message
    json.dumps(alert.to_dict(), allow_nan=False)


def test_a_small_rise_is_told_when_several_days_show_it():
    # 2 points on 1,000 rows: two standard errors a day
    told, _ = watched([[change(0.12)] for _ in range(8)])
    (day, alert), *others = told
    assert others == []
    assert 2 <= day <= 6
    assert (alert.days, alert.severity) == (day, "warn")
    assert alert.message.endswith(f"; {day} days together")
    assert change(0.12).p_value > alert.level >= alert.p_value
    # all the days' rows in one two-sample test
    error = np.hypot(0.12 * 0.88 / 1000 / day, 0) ** 0.5
    pooled = np.hypot(error, (0.1 * 0.9 / 28_000) ** 0.5)
    assert alert.low == pytest.approx(0.02 - 1.96 * pooled, abs=5e-4)
    assert alert.p_value >= norm.sf(0.02 / pooled) * 0.9


def test_a_rise_in_one_day_and_a_fall_on_the_next_is_nothing():
    told, state = watched([[change(0.12)], [change(0.08)]] * 10)
    assert told == []
    assert state.streams[stream_key(RATE)].evidence < 2


def test_what_was_told_is_not_told_again_until_it_is_worse():
    days = [[change(0.16)]] * 10 + [[change(0.25)]] + [[change(0.25)]] * 5
    told, _ = watched(days)
    assert [day for day, _ in told] == [1, 11]
    again = told[1][1]
    assert again.before == pytest.approx(0.16)
    assert again.message.startswith("Worse than at the last alert.")
    assert "rose from 16.0% to 25.0%" in again.message


def test_what_was_over_is_told_when_it_returns():
    told, state = watched([[change(0.16)]] + [[change(0.1)]] * 14)
    assert len(told) == 1
    assert state.streams[stream_key(RATE)].told is None
    again, _ = watched([[change(0.16)]], state=state, first=16)
    assert len(again) == 1


def test_better_days_raise_no_alert():
    assert watched([[change(0.03)]] * 20)[0] == []


def test_the_questions_of_a_dataset_share_its_budget():
    subjects = [Subject("slice_rate", "law", "gpt", f"s{i}", f"slice {i}") for i in range(9)]
    quiet = [change(0.1, 100, subject) for subject in subjects]
    strong = change(0.134)
    assert 0.5 / 365 / 20 < strong.p_value < 0.5 / 365 / 2
    assert [day for day, _ in watched([[strong]])[0]] == [1]
    assert watched([[strong, *quiet]])[0] == []


def test_differences_too_small_to_matter_are_not_told():
    small = change_of_rate(RATE, Rate(100_000, 1_000_000), Rate(10_500, 100_000))
    assert small.p_value < 1e-6
    assert watched([[small]] * 5)[0] == []
    assert len(watched([[small]] * 5, AlertSettings(min_difference=0.004))[0]) == 1


def test_falling_coverage_is_worse_and_rising_is_not():
    subject = Subject("coverage", "law")
    fall = replace(change(0.1), subject=subject, before=0.9, after=0.8, difference=-0.1, p_value=1e-6)
    rise = replace(fall, after=0.97, difference=0.07, p_value=1 - 1e-6)
    assert [alert.kind for _, alert in watched([[fall]])[0]] == ["coverage"]
    assert watched([[rise]])[0] == []


def test_an_advantage_that_shrinks_without_a_lost_comparison_is_not_told():
    subject = Subject("winner", "law", "gpt", name="claude")
    shrunk = replace(change(0.1), subject=subject, before=0.2, after=0.1, difference=-0.1, p_value=1e-6)
    lost: Verdict = "lost"
    assert watched([[shrunk]])[0] == []
    assert len(watched([[replace(shrunk, verdict=lost)]])[0]) == 1


def test_a_new_slice_is_new_once_and_then_a_slice_that_got_worse():
    subject = Subject("new_slice", "law", "gpt", "s1", "dates")
    new = replace(change(0.5, 100, subject), p_value=1e-6)
    worse = replace(change(0.9, 100, subject), p_value=1e-9)
    told, _ = watched([[new], [new], [worse]])
    assert [(day, alert.kind) for day, alert in told] == [(1, "new_slice"), (3, "slice_rate")]
    assert {alert.finding_id for _, alert in told} == {"s1"}


def test_a_new_name_of_a_finding_is_the_same_question():
    first = Subject("slice_rate", "law", "gpt", "s1", "dates")
    assert stream_key(first) == stream_key(replace(first, name="dates in contracts"))
    assert stream_key(first) != stream_key(replace(first, finding_id="s2"))


def test_the_state_is_json_and_the_same_day_gives_the_same_answer():
    days = [[change(0.12)], [change(0.16)], [change(0.12)], [change(0.125)]]
    told, state = watched(days)
    for cut in range(1, len(days)):
        early, half = watched(days[:cut])
        kept = WatchState.from_dict(json.loads(json.dumps(half.to_dict(), allow_nan=False)))
        assert kept == half
        late, end = watched(days[cut:], state=kept, first=cut + 1)
        assert [*early, *late] == told
        assert end == state


def test_questions_no_longer_asked_are_forgotten():
    other = Subject("slice_rate", "law", "gpt", "s1")
    _, state = watched([[change(0.12), change(0.12, 1000, other)]])
    _, kept = watched([[change(0.1)]] * 5, AlertSettings(forget_after=10), state, 2)
    assert stream_key(other) in kept.streams
    _, dropped = watched([[change(0.1)]] * 5, AlertSettings(forget_after=3), state, 2)
    assert stream_key(other) not in dropped.streams


def test_days_without_change_for_a_year_are_quiet():
    """The large simulation is bench/alerts_truth.py; five years here, 2.5 false alerts expected at most."""
    rng, alerts = np.random.default_rng(0), 0
    for _ in range(5):
        state = None
        for day, failures in enumerate(rng.binomial(300, 0.1, 365)):
            found, state = watch([change(failures / 300, 300)], state, f"{day:03d}")
            alerts += len(found)
    assert alerts <= 5


def test_what_cannot_be_watched_is_refused():
    _, state = watch([change(0.1)], None, "2026-01-02")
    with pytest.raises(ConfigurationError, match="not after 2026-01-02"):
        watch([change(0.1)], state, "2026-01-02")
    with pytest.raises(ConfigurationError, match="one dataset at a time"):
        watch([change(0.1), change(0.1, subject=Subject("failure_rate", "tax"))], None, "2026-01-01")
    with pytest.raises(ConfigurationError, match="stands twice"):
        watch([change(0.1), change(0.2)], None, "2026-01-01")
    with pytest.raises(ConfigurationError, match="not readable"):
        WatchState.from_dict({"day": "x"})
    with pytest.raises(ConfigurationError, match="not readable"):
        WatchState.from_dict({"day": "x", "tests": 1, "streams": {"a": {"wealth": 1}}})
    for name in ("false_alerts_per_year", "shift", "tests_per_year", "forget_after"):
        with pytest.raises(ConfigurationError, match=name):
            AlertSettings(**{name: 0})
    for name in ("min_difference", "error_from"):
        with pytest.raises(ConfigurationError, match=name):
            AlertSettings(**{name: -0.1})


@pytest.fixture
def alert():
    return watched([[change(0.16)]])[0][0][1]


def slice_alert(rate, day="2026-01-05"):
    subject = Subject("slice_rate", "law", "gpt", "s1", "dates")
    (alert,), _ = watch([change(rate, 1000, subject)], None, day)
    return alert


def test_an_acknowledged_alert_is_silent_and_others_are_not(alert):
    known = [Acknowledgement.of(alert)]
    other = slice_alert(0.16)
    assert unacknowledged([alert, other], known) == (other,)
    assert unacknowledged([alert, other], []) == (alert, other)
    assert unacknowledged([replace(alert, dataset="tax")], known) != ()
    assert unacknowledged([replace(alert, model="claude")], known) != ()


def test_it_speaks_again_when_it_is_significantly_worse():
    known = [Acknowledgement.of(slice_alert(0.16))]
    assert unacknowledged([slice_alert(0.17)], known) == ()
    assert len(unacknowledged([slice_alert(0.25)], known)) == 1
    silent = [replace(known[0], value=None)]
    assert unacknowledged([slice_alert(0.25)], silent) == ()
    # of coverage, less is worse
    coverage = replace(slice_alert(0.16), kind="coverage", finding_id="", after=0.8, after_error=0.01)
    seen = [Acknowledgement.of(coverage)]
    assert unacknowledged([replace(coverage, after=0.9)], seen) == ()
    assert len(unacknowledged([replace(coverage, after=0.6)], seen)) == 1


def test_a_snooze_ends_and_a_finding_is_known_under_every_kind():
    snoozed = [Acknowledgement.of(slice_alert(0.16), until="2026-01-10")]
    assert unacknowledged([slice_alert(0.16, "2026-01-10")], snoozed) == ()
    assert len(unacknowledged([slice_alert(0.16, "2026-01-11")], snoozed)) == 1
    as_new = replace(slice_alert(0.16), kind="new_slice")
    assert unacknowledged([as_new], snoozed) == ()
    whole_kind = [Acknowledgement("law", kind="slice_rate")]
    assert unacknowledged([slice_alert(0.9)], whole_kind) == ()
    assert len(unacknowledged([as_new], whole_kind)) == 1


def test_an_acknowledgement_of_nothing_or_until_no_day_is_refused():
    with pytest.raises(ConfigurationError, match="finding_id or a kind"):
        Acknowledgement("law")
    with pytest.raises(ConfigurationError, match="expected a date"):
        Acknowledgement("law", kind="coverage", until="tomorrow")
    json.dumps(Acknowledgement("law", kind="coverage").to_dict(), allow_nan=False)
