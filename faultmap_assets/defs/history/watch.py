"""Select what is watched for alerts in an audit, and remember where the watch stopped.

Evals are watched once per audit and dataset, on the models whose outcomes changed; production once per day, when the
day is over. A day whose data came late is watched anew from the state before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from faultmap_assets.defs.history import store
from faultmap_assets.defs.history.state import (
    PRODUCTION,
    Area,
    AuditScope,
    Finding,
    ScopeState,
    coverage_range,
    digest_of,
)
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Connection
from faultmap_core.monitoring.alerting import Alert, AlertSettings, WatchState, watch
from faultmap_core.monitoring.changes import Change, Subject, new_slice
from faultmap_core.monitoring.gate import changes_between
from faultmap_core.monitoring.trends import DayFigures, TrendSettings, baseline_run, watch_days
from faultmap_core.stats.rates import Rate


@dataclass(frozen=True)
class WatchedDay:
    """One step of a watch: the day (of an audit of evals, its time), what it was watched on, and the state after it."""

    day: str
    inputs: str
    state: WatchState


@dataclass(frozen=True)
class Watched:
    """What came of watching one dataset.

    Attributes:
        since: the first of `days`; what was watched from there on before is replaced.
        alerts: in order of their days.
        standing: ids of the slices that are there now; an alert of another one is over.
    """

    area: Area
    dataset: str
    since: str
    days: tuple[WatchedDay, ...]
    alerts: tuple[Alert, ...]
    standing: frozenset[str]


def trend_settings(settings: Settings) -> TrendSettings:
    """Return what the settings say, in the core's form."""
    chosen = settings.alerts
    return TrendSettings(
        baseline_days=chosen.baseline_days,
        lag_days=chosen.lag_days,
        lag_runs=chosen.lag_runs,
        alerts=AlertSettings(
            false_alerts_per_year=chosen.false_alerts_per_year,
            tests_per_year=chosen.tests_per_year,
            min_difference=chosen.min_difference,
            error_from=chosen.error_from,
        ),
    )


def watch_evals(
    connection: Connection, states: Sequence[ScopeState], audited_at: datetime, settings: Settings
) -> list[Watched]:
    """Compare the models whose outcomes changed with their baseline runs, dataset by dataset.

    The same outcomes are no new evidence, whatever else of their results changed.
    """
    chosen, number = trend_settings(settings), _last_audit(connection)
    changes: dict[str, list[Change]] = {}
    of_scope = {one.scope: one for one in states}
    for state in states:
        if state.scope.area == "evals" and state.outcomes:
            runs = store.runs_of(connection, state.scope.dataset, state.scope.model)
            if runs and runs[-1][1] != state.outcomes:
                baseline = baseline_run([audit for audit, _ in runs], chosen)
                own = _changes(connection, state, of_scope, number, baseline or number)
                changes.setdefault(state.scope.dataset, []).extend(own)
    day = audited_at.isoformat(timespec="microseconds")
    watched = []
    for dataset, found in sorted(changes.items()):
        before = _last_state(connection, "evals", dataset)
        alerts, after = watch(found, before, day, chosen.alerts)
        standing = _standing(connection, number, states, dataset)
        watched.append(Watched("evals", dataset, day, (WatchedDay(day, "", after),), alerts, standing))
    return watched


def _changes(
    connection: Connection,
    state: ScopeState,
    of_scope: Mapping[AuditScope, ScopeState],
    number: int,
    baseline: int,
) -> tuple[Change, ...]:
    dataset, model = state.scope.dataset, state.scope.model
    pairs = AuditScope("comparisons", dataset)
    if pairs in of_scope:
        comparisons: Sequence[Finding] = of_scope[pairs].findings
    else:
        comparisons = store.findings_at(connection, number, ("comparisons",)).get(pairs, [])
    (then,) = store.summaries_at(connection, baseline, [dataset], [model])
    found, _ = changes_between(store.run_summary(state, comparisons), then)
    return found


def _standing(connection: Connection, number: int, states: Sequence[ScopeState], dataset: str) -> frozenset[str]:
    """Return the ids of a dataset's slices: of scopes that did not change as they were."""
    changed = {one.scope: one.findings for one in states}
    before = store.findings_at(connection, number, ("evals",), members=False)
    now: dict[AuditScope, Sequence[Finding]] = {**before, **changed}
    return frozenset(
        one.finding_id
        for scope, findings in now.items()
        if scope.area == "evals" and scope.dataset == dataset
        for one in findings
        if one.status != "gone"
    )


def _last_audit(connection: Connection) -> int:
    past = store.audits(connection)
    return past[-1].audit if past else 0


def _last_state(connection: Connection, area: Area, dataset: str, before: str = "~") -> WatchState | None:
    """Return the state after the last day before `before`."""
    row = connection.execute(
        """SELECT state FROM watch_states WHERE area = $area AND dataset = $dataset AND day < $before
        ORDER BY day DESC LIMIT 1""",
        {"area": area, "dataset": dataset, "before": before},
    ).fetchone()
    return WatchState.from_dict(json.loads(row[0])) if row else None


def watch_production(
    connection: Connection, states: Sequence[ScopeState], number: int, audited_at: datetime, settings: Settings
) -> list[Watched]:
    """Watch the days that are over and were not watched yet, or were on other data."""
    found = store.findings_at(connection, number, (PRODUCTION,), members=False)
    days: dict[str, Sequence[Finding]] = {scope.day: findings for scope, findings in found.items()}
    days.update({one.scope.day: one.findings for one in states if one.scope.area == PRODUCTION})
    gone = {one.scope.day for one in states if one.scope.area == PRODUCTION and not one.digest}
    today = audited_at.replace(tzinfo=UTC).astimezone(ZoneInfo(settings.production.time_zone)).date().isoformat()
    newest = max(days, default="")
    ended = {day: findings for day, findings in days.items() if day not in gone and (day < today or day < newest)}
    figures = _figures(ended, settings.production.window_days)
    stamp = settings.alerts.model_dump(exclude={"webhook_url_variable", "gate"}, mode="json")
    inputs = {one.day: digest_of(stamp, _plain(one)) for one in figures}
    stored = dict(
        connection.execute(
            "SELECT day, inputs FROM watch_states WHERE area = $area AND dataset = $area", {"area": PRODUCTION}
        ).fetchall()
    )
    since = next((one.day for one in figures if stored.get(one.day) != inputs[one.day]), None)
    if since is None:
        return []
    steps: list[WatchedDay] = []
    alerts: list[Alert] = []
    before = _last_state(connection, "production", PRODUCTION, since)
    for day, raised, after in watch_days(figures, PRODUCTION, since, before, trend_settings(settings)):
        steps.append(WatchedDay(day, inputs[day], after))
        alerts.extend(raised)
    standing = frozenset(one.finding_id for one in days[newest] if one.status != "gone")
    return [Watched("production", PRODUCTION, since, tuple(steps), tuple(alerts), standing)]


def _figures(days: Mapping[str, Sequence[Finding]], window_days: int) -> list[DayFigures]:
    """Return what each day says. Slices are asked of windows that do not overlap; the first ones are the baseline."""
    figures = []
    asked: date | None = None
    known: set[str] = set()
    for day in sorted(days):
        slices = [one for one in days[day] if one.kind == "slice" and one.status != "gone"]
        fresh: list[Finding] = []
        if asked is None or (date.fromisoformat(day) - asked).days >= window_days:
            fresh = [one for one in slices if one.finding_id not in known] if asked is not None else []
            asked, known = date.fromisoformat(day), known | {one.finding_id for one in slices}
        coverage = [coverage_range(one) for one in days[day] if one.kind == "coverage"]
        figures.append(
            DayFigures(
                day,
                {
                    one.model: Rate(one.failures, one.rows, one.design_effect)
                    for one in days[day]
                    if one.kind == "failure_rate" and one.status != "gone"
                },
                coverage[0] if coverage else None,
                tuple(change for one in fresh if (change := _new_slice(one)) is not None),
            )
        )
    return figures


def _new_slice(found: Finding) -> Change | None:
    subject = Subject("new_slice", PRODUCTION, "", found.finding_id, found.name)
    rest = found.rest_rows or 0.0
    interval = None if found.low is None or found.high is None else (found.low, found.high)
    p = found.adjusted_p_value if found.adjusted_p_value is not None else 1.0
    return new_slice(subject, Rate(found.failures, found.rows), Rate((found.rest or 0.0) * rest, rest), p, interval)


def _plain(figures: DayFigures) -> list[object]:
    return [
        {model: vars(rate) for model, rate in sorted(figures.failures.items())},
        vars(figures.coverage) if figures.coverage else None,
        [change.to_dict() for change in figures.new_slices],
    ]
