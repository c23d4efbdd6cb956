"""Decide which changes raise an alert, with few false alerts a year and none repeated.

Every day brings, for each question of a dataset, one test of that day's rows against a baseline window without them
(`regression`). Two rules share a yearly budget of false alerts:

- one day alone is beyond doubt: its p is at most half of the day's share of the budget;
- several days together are: a cumulative sum of the days' z-values (Page, 1954) passes a limit whose mean time to a
  false alert is the other half (Siegmund, 1985), and all their rows together differ at that level, too.

The expected number of false alerts is the sum of those shares: of the first rule however the tests hang together, of
the second where days differ only by what their tests allow for. Procedures for the false discovery rate online
(alpha-investing, Foster and Stine, 2008; LORD++, Ramdas et al., 2017) spend a fixed wealth instead: after a quiet year
the level of LORD++ is a thousandth of this one, and it finds nothing but large changes (bench/alerts_truth.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import _Record
from faultmap_core.monitoring.changes import FALLING, Change, ChangeKind, Subject

Severity = Literal["error", "warn"]

# Evidence that a change is over, in the same cumulative sum turned round.
_OVER = 4.0
_LEAST_P, _Z95 = 1e-300, 1.959963984540054


@dataclass(frozen=True)
class AlertSettings:
    """When to speak.

    Attributes:
        false_alerts_per_year: expected for a dataset on which nothing changes, > 0; shared by all its questions.
        tests_per_year: how often each question is asked, >= 1 (365: every day).
        shift: the lasting change, in standard errors of one day, that is to be found soonest, > 0.
        min_difference: smaller changes are not spoken of, >= 0 (0.01 is one percentage point).
        error_from: changes of at least this much are errors, smaller ones warnings, >= 0.
        forget_after: tests of a dataset after which a question that is no longer asked is forgotten, >= 1.
    """

    false_alerts_per_year: float = 0.5
    tests_per_year: int = 365
    shift: float = 1.0
    min_difference: float = 0.01
    error_from: float = 0.05
    forget_after: int = 90

    def __post_init__(self) -> None:
        for name in ("false_alerts_per_year", "shift"):
            if not 0.0 < getattr(self, name) < np.inf:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; expected above 0")
        for name in ("tests_per_year", "forget_after"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; expected 1 or more")
        for name in ("min_difference", "error_from"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; expected 0 or more")

    def level(self, questions: int) -> float:
        """Return the level of either rule when a dataset is asked this many questions a day, in (0, .25]."""
        return min(self.false_alerts_per_year / self.tests_per_year / max(questions, 1), 0.5) / 2.0


@dataclass(frozen=True)
class Alert(_Record):
    """Something new or worse.

    Attributes:
        kind, dataset, model, finding_id, name: see `regression.Subject`.
        severity: "error" or "warn"; day: of the rows that gave rise to it; days: how many days tell it together.
        before, after, difference, low, high: as in `regression.Change`, over those days together; after an earlier
            alert of the same thing `before` is what that one told.
        after_error: standard error of `after`.
        p_value: one-sided; level: what it was tested at.
        message: one or two sentences.
    """

    kind: ChangeKind
    dataset: str
    model: str
    finding_id: str
    name: str
    severity: Severity
    day: str
    days: int
    before: float
    after: float
    difference: float
    low: float
    high: float
    after_error: float
    p_value: float
    level: float
    message: str


@dataclass(frozen=True)
class Told:
    """What an alert said: its value, the value's standard error, and the sum that tells when it is over."""

    value: float
    error: float
    over: float = 0.0


@dataclass(frozen=True)
class Stream:
    """What is remembered of one question.

    Attributes: evidence: the cumulative sum, >= 0; days: since it was last 0; z_sum, weight, after_sum: over those
        days, of z, of 1 / after_error², and of `after` weighted by it; seen: number of the dataset's last test of it;
        told: the alert that is still open.
    """

    evidence: float = 0.0
    days: int = 0
    z_sum: float = 0.0
    weight: float = 0.0
    after_sum: float = 0.0
    seen: int = 0
    told: Told | None = None


@dataclass(frozen=True)
class WatchState:
    """What the caller keeps between the days of one dataset; `to_dict` and `from_dict` are JSON.

    Attributes: day: the last one watched, "" before the first; tests: days watched; streams: by question.
    """

    day: str = ""
    tests: int = 0
    streams: Mapping[str, Stream] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON's own types; a question without evidence takes two numbers."""
        return {
            "day": self.day,
            "tests": self.tests,
            "streams": {key: _stream_to_dict(one) for key, one in sorted(self.streams.items())},
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> WatchState:
        """Read what `to_dict` wrote; raises ConfigurationError where it is something else."""
        try:
            streams = {str(key): _stream_from_dict(one) for key, one in record["streams"].items()}
            return cls(str(record["day"]), int(record["tests"]), streams)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigurationError(
                f"the state of the alerts is not readable ({error!r}); start without one"
            ) from error


def _stream_to_dict(stream: Stream) -> dict[str, Any]:
    own = {name: value for name, value in stream.__dict__.items() if value and name != "told"}
    return {**own, "told": dict(stream.told.__dict__)} if stream.told is not None else own


def _stream_from_dict(record: Mapping[str, Any]) -> Stream:
    told = record.get("told")
    return Stream(**{**record, "told": None if told is None else Told(**told)})


def watch(
    changes: Sequence[Change], state: WatchState | None, day: str, settings: AlertSettings | None = None
) -> tuple[tuple[Alert, ...], WatchState]:
    """Take one day's changes of one dataset and say which of them, with those of the days before, are alerts.

    Args:
        changes: each question once, tested on this day's rows against rows that no day of the watch holds or held
            within the same stretch; those that did not get worse, too: the questions asked share the budget, and quiet
            days take evidence back. A question that is left out keeps its evidence.
        state: what the previous day returned; None on the first.
        day: ISO date (any text that sorts by time), after the state's.
    Returns: the alerts, errors first, and the state for the next day. The same arguments give the same answer, so a
        day that is computed anew starts from the state before it.
    Raises: ConfigurationError where datasets are mixed, a question stands twice or the day is not after the last one.
    """
    chosen = settings or AlertSettings()
    before = state or WatchState()
    keys = [stream_key(change.subject) for change in changes]
    _check(changes, keys, before, day)
    level, limit = chosen.level(len(changes)), _limit(chosen.level(len(changes)), chosen.shift)
    number = before.tests + 1
    streams = {key: one for key, one in before.streams.items() if number - one.seen <= chosen.forget_after}
    alerts = []
    for key, change in zip(keys, changes, strict=True):
        stream, alert = _step(streams.get(key, Stream()), change, day, level, limit, chosen)
        streams[key] = replace(stream, seen=number)
        if alert is not None:
            alerts.append(alert)
    alerts.sort(key=lambda one: (one.severity != "error", one.p_value, one.kind, one.model, one.finding_id))
    return tuple(alerts), WatchState(day, number, streams)


def stream_key(subject: Subject) -> str:
    """Return what tells the questions of a dataset apart; of a finding its id, so that a new name changes nothing."""
    return "|".join((subject.kind, subject.model, subject.finding_id or subject.name))


def _check(changes: Sequence[Change], keys: Sequence[str], state: WatchState, day: str) -> None:
    datasets = sorted({change.subject.dataset for change in changes})
    if len(datasets) > 1:
        raise ConfigurationError(f"changes of {datasets[0]} and {datasets[1]}; watch one dataset at a time")
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ConfigurationError(f"changes: {twice} stands twice on {day}; expected each question once a day")
    if state.day and day <= state.day:
        raise ConfigurationError(f"{day} is not after {state.day}, the state's day; give the state before that day")


def _step(
    stream: Stream, change: Change, day: str, level: float, limit: float, settings: AlertSettings
) -> tuple[Stream, Alert | None]:
    """Add a day to one question; an open alert is first asked whether it is over, then whether it got worse."""
    z, told = _z(change.p_value), stream.told
    half = settings.shift / 2.0
    if told is not None:
        told = replace(told, over=max(0.0, told.over + half - z))
        if told.over > _OVER:
            return Stream(), None
        change = _since(change, told)
        z = _z(change.p_value)
    evidence = max(0.0, stream.evidence + z - half)
    if evidence == 0.0:
        grown = Stream(told=told)
    else:
        weight = 1.0 / max(change.after_error, 1e-12) ** 2
        grown = Stream(
            evidence,
            stream.days + 1,
            stream.z_sum + z,
            stream.weight + weight,
            stream.after_sum + weight * change.after,
            told=told,
        )
    alert = _of_one_day(change, day, level, settings) or _of_days(grown, change, day, level, limit, settings)
    if alert is None:
        return grown, None
    if told is not None:
        alert = replace(alert, message=f"Worse than at the last alert. {alert.message}")
    return Stream(told=Told(alert.after, alert.after_error)), alert


def _since(change: Change, told: Told) -> Change:
    """Return the change from what was told to what is now."""
    from scipy.special import ndtr

    difference, error = change.after - told.value, float(np.hypot(change.after_error, told.error))
    worse = -difference if change.subject.kind in FALLING else difference
    # A slice is new only once.
    kind: ChangeKind = "slice_rate" if change.subject.kind == "new_slice" else change.subject.kind
    return replace(
        change,
        subject=replace(change.subject, kind=kind),
        before=told.value,
        difference=difference,
        low=difference - _Z95 * error,
        high=difference + _Z95 * error,
        p_value=float(ndtr(-worse / error)) if error > 0 else 0.5,
        before_error=told.error,
    )


def _of_one_day(change: Change, day: str, level: float, settings: AlertSettings) -> Alert | None:
    if change.p_value > level or not change.is_worse or change.worse_by < settings.min_difference:
        return None
    return _alert(change, day, 1, level, settings)


def _of_days(
    stream: Stream, change: Change, day: str, level: float, limit: float, settings: AlertSettings
) -> Alert | None:
    """Return an alert where the sum passed its limit and the days together differ from the baseline at the level.

    The baseline is the same for all of them, so its own error stays.
    """
    from scipy.special import ndtr

    if stream.evidence <= limit or stream.days < 2 or not change.is_worse:
        return None
    after, own = stream.after_sum / stream.weight, stream.weight**-0.5
    difference, error = after - change.before, float(np.hypot(own, change.before_error))
    worse = -difference if change.subject.kind in FALLING else difference
    p = max(float(ndtr(-stream.z_sum / stream.days**0.5)), float(ndtr(-worse / error)))
    if p > level or worse < settings.min_difference:
        return None
    low, high = difference - _Z95 * error, difference + _Z95 * error
    together = replace(change, after=after, difference=difference, low=low, high=high, p_value=p, after_error=own)
    return _alert(together, day, stream.days, level, settings)


def _alert(change: Change, day: str, days: int, level: float, settings: AlertSettings) -> Alert:
    subject = change.subject
    change = replace(change, level=level)
    message = f"{change.message}; {days} days together" if days > 1 else change.message
    return Alert(
        kind=subject.kind,
        dataset=subject.dataset,
        model=subject.model,
        finding_id=subject.finding_id,
        name=subject.name,
        severity="error" if change.worse_by >= settings.error_from else "warn",
        day=day,
        days=days,
        before=change.before,
        after=change.after,
        difference=change.difference,
        low=change.low,
        high=change.high,
        after_error=change.after_error,
        p_value=change.p_value,
        level=level,
        message=message,
    )


def _z(p: float) -> float:
    from scipy.special import ndtri

    return -float(ndtri(min(max(p, _LEAST_P), 1.0 - 1e-15)))


@lru_cache(maxsize=256)
def _limit(level: float, shift: float) -> float:
    """Return the limit of the cumulative sum with a mean time of 1 / level between false alerts.

    Source: Siegmund (1985), Sequential Analysis, ch. 2, with his correction of 1.166 for discrete time.
    """
    low, high = 0.0, 100.0 / shift
    for _ in range(80):
        middle = (low + high) / 2.0
        reach = shift * (middle + 1.166)
        # (e^(2kb) - 1 - 2kb) / 2k² with k = shift / 2
        low, high = (middle, high) if 2.0 * (np.expm1(reach) - reach) / shift**2 < 1.0 / level else (low, middle)
    return (low + high) / 2.0
