"""Build the series from audit to audit, and the daily ones of production, that `alerting` watches.

An audit of evals is compared with an earlier run of the same examples (`gate.changes_between`), a day of production
with the days before it, which share no row with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.monitoring.alerting import Alert, AlertSettings, WatchState, watch
from faultmap_core.monitoring.changes import (
    Change,
    CoverageRange,
    Standing,
    Subject,
    Verdict,
    change_of_coverage,
    change_of_day,
)
from faultmap_core.stats.rates import Rate

Trend = Literal["same", "worse", "better"]

# A status describes and does not alarm: 2.5 % on either side.
_STATUS_LEVEL = 0.025
# What `coverage_estimate` puts between the estimate and its upper bound, in standard errors.
_COVERAGE_HIGH_Z = 2.6


@dataclass(frozen=True)
class TrendSettings:
    """Against what is new data held?

    Attributes:
        baseline_days: days of production before, >= 1; lag_days: days between them and the day that is tested, >= 0,
            so that a lasting change does not hide itself; least_days: with fewer than so many the first ones of all
            are the baseline, >= 1.
        lag_runs: of evals, the run so many before the current one is the baseline (else the first), >= 1.
        alerts: when to speak.
    """

    baseline_days: int = 28
    lag_days: int = 7
    least_days: int = 7
    lag_runs: int = 7
    alerts: AlertSettings = field(default_factory=AlertSettings)

    def __post_init__(self) -> None:
        for name, least in (("baseline_days", 1), ("lag_days", 0), ("least_days", 1), ("lag_runs", 1)):
            if getattr(self, name) < least:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; expected {least} or more")


@dataclass(frozen=True)
class DayFigures:
    """What one day of production says.

    Attributes:
        day: ISO date. failures: model -> failure rate by the users' feedback. coverage: by the test suite.
        new_slices: changes of kind "new_slice" of a window that ends on this day; such windows must not overlap.
    """

    day: str
    failures: Mapping[str, Rate] = field(default_factory=dict)
    coverage: CoverageRange | None = None
    new_slices: tuple[Change, ...] = ()


def trend_of(change: Change | None) -> Trend:
    """Say in one word what a change amounts to: worse or better at 2.5 % on either side, else the same."""
    if change is None:
        return "same"
    if change.p_value <= _STATUS_LEVEL and change.is_worse:
        return "worse"
    return "better" if change.p_value >= 1.0 - _STATUS_LEVEL and change.worse_by < 0 else "same"


def baseline_run(earlier: Sequence[int], settings: TrendSettings | None = None) -> int | None:
    """Return which of the earlier runs of the same examples a new one is held against, oldest first; None of none.

    It lies `lag_runs` back and moves on, so that what was accepted long ago is no regression for ever.
    """
    chosen = settings or TrendSettings()
    return earlier[max(0, len(earlier) - chosen.lag_runs)] if earlier else None


def baseline_days(
    today: str, days: Sequence[DayFigures], settings: TrendSettings | None = None
) -> tuple[DayFigures, ...]:
    """Return the days that a day is held against: none of them is, or is after, the day itself."""
    chosen = settings or TrendSettings()
    last = date.fromisoformat(today) - timedelta(days=chosen.lag_days)
    first = last - timedelta(days=chosen.baseline_days)
    earlier = [one for one in days if one.day < today]
    window = tuple(one for one in earlier if first.isoformat() <= one.day < last.isoformat())
    if len(window) >= chosen.least_days:
        return window
    return tuple(earlier[: chosen.least_days]) if len(earlier) >= chosen.least_days else ()


def questions_of_day(today: DayFigures, baseline: Sequence[DayFigures], dataset: str) -> tuple[Change, ...]:
    """Return what changed on one day against its baseline, for better or worse, each question once."""
    found: list[Change | None] = list(today.new_slices)
    for model in sorted(today.failures):
        rates = [day.failures[model] for day in baseline if model in day.failures]
        found.append(change_of_day(Subject("failure_rate", dataset, model), rates, today.failures[model]))
    ranges = [day.coverage for day in baseline if day.coverage is not None]
    if today.coverage is not None and ranges:
        found.append(_change_of_coverage(Subject("coverage", dataset), ranges, today.coverage))
    return tuple(change for change in found if change is not None)


def _change_of_coverage(subject: Subject, earlier: Sequence[CoverageRange], today: CoverageRange) -> Change | None:
    """Compare a day's coverage with that of earlier days: their mean, with the mean of their ranges.

    One suite measures them all, so that its error does not shrink with more days. Today's error is at least what days
    differ by.
    """
    weights = np.array([one.prompts for one in earlier], dtype=np.float64)
    if weights.sum() <= 0:
        return None
    mean = {
        name: float(np.average([getattr(one, name) for one in earlier], weights=weights))
        for name in ("score", "low", "high")
    }
    before = CoverageRange(**mean, prompts=int(weights.sum()))
    spread = float(np.std([one.score for one in earlier], ddof=1)) if len(earlier) > 1 else 0.0
    return change_of_coverage(
        subject, before, replace(today, high=max(today.high, today.score + _COVERAGE_HIGH_Z * spread))
    )


def watch_days(
    days: Sequence[DayFigures],
    dataset: str,
    since: str,
    state: WatchState | None,
    settings: TrendSettings | None = None,
) -> Iterator[tuple[str, tuple[Alert, ...], WatchState]]:
    """Watch the days from `since` on, in order; yield each with its alerts and the state after it.

    Args:
        days: all days, also those before `since`, ascending: they are baselines.
        state: after the last day before `since`; None where nothing was watched before.
    Raises: ConfigurationError where the days do not ascend.
    """
    chosen = settings or TrendSettings()
    names = [one.day for one in days]
    if names != sorted(set(names)):
        raise ConfigurationError("days: expected each day once, in ascending order")
    for one in days:
        if one.day >= since:
            changes = questions_of_day(one, baseline_days(one.day, days, chosen), dataset)
            alerts, state = watch(changes, state, one.day, chosen.alerts)
            yield one.day, alerts, state


def standing(
    opponent: str,
    winner: str,
    model: str,
    advantage: float,
    interval: tuple[float, float] | None,
    level: float,
    rows: int,
) -> Standing:
    """Return how a model stands against another one.

    Args: winner: a model's name, "tie" or "unresolved"; advantage: > 0 where `model` is better, with its interval at
        the significance level `level`; rows: compared.
    """  # fmt: skip
    from scipy.special import ndtri

    verdicts: dict[str, Verdict] = {model: "won", opponent: "lost", "tie": "tie"}
    error = None
    if interval is not None:
        error = (interval[1] - interval[0]) / (2.0 * float(ndtri(1.0 - level / 2.0)))
    return Standing(opponent, verdicts.get(winner, "unresolved"), advantage, error, rows)
