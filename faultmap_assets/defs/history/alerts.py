"""Raise each alert once, and keep it open until its evidence is gone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from faultmap_assets.defs.history.alert_rows import (
    NUMBERS,
    SCHEMA,
    RaisedAlert,
    acknowledgements,
    alert_id,
    alert_of,
    close_alerts,
    row_of,
)
from faultmap_assets.defs.history.watch import Watched
from faultmap_assets.kit.failing_checks import FailingCheck
from faultmap_assets.warehouse.connection import Connection, insert
from faultmap_core.monitoring.acknowledgements import Acknowledgement
from faultmap_core.monitoring.alerting import Alert, WatchState, stream_key
from faultmap_core.monitoring.changes import Subject

_SLICE_KINDS = frozenset({"new_slice", "slice_rate"})


def merge_alerts(
    connection: Connection, watched: Sequence[Watched], checks: Sequence[FailingCheck], now: datetime
) -> tuple[RaisedAlert, ...]:
    """Bring the alerts up to date, in the transaction that appends an audit; return those that nobody was told of."""
    known = acknowledgements(connection)
    raised: list[RaisedAlert] = []
    for one in watched:
        _store_states(connection, one)
        raised += _merge_watched(connection, one, known, now)
        _close_what_is_over(connection, one)
    # An audit waits for everything above it: what failed before was made since.
    close_events(connection, "runs", ())
    raised += _merge_checks(connection, checks, known, now)
    raised += _speak_again(connection, known, now)
    return tuple(raised)


def _store_states(connection: Connection, watched: Watched) -> None:
    scope = {"area": watched.area, "dataset": watched.dataset, "since": watched.since}
    connection.execute(
        "DELETE FROM watch_states WHERE area = $area AND dataset = $dataset AND day >= $since", dict(scope)
    )
    rows = [
        {
            "area": watched.area,
            "dataset": watched.dataset,
            "day": step.day,
            "inputs": step.inputs,
            "state": json.dumps(step.state.to_dict(), sort_keys=True),
        }
        for step in watched.days
    ]
    insert(connection, "watch_states", pa.Table.from_pylist(rows))


def _merge_watched(
    connection: Connection, watched: Watched, known: Sequence[Acknowledgement], now: datetime
) -> list[RaisedAlert]:
    """Add what is new; an alert that was there before the days were watched anew stays itself and is not told again."""
    before = connection.execute(
        """SELECT stream, list(alert_id ORDER BY day) FROM alerts
        WHERE area = $area AND dataset = $dataset AND day >= $since AND area <> 'checks' GROUP BY stream""",
        {"area": watched.area, "dataset": watched.dataset, "since": watched.since},
    ).fetchall()
    earlier: dict[str, list[str]] = {stream: list(ids) for stream, ids in before}
    raised = []
    for alert in watched.alerts:
        stream = _stream(alert)
        if earlier.get(stream):
            _update(connection, earlier[stream].pop(0), alert)
            continue
        silenced = any(one.holds_for(alert) for one in known)
        row = row_of(watched.area, stream, alert, now, silenced=silenced)
        insert(connection, "alerts", pa.Table.from_pylist([row], SCHEMA))
        raised.append(RaisedAlert(row["alert_id"], alert.severity, alert.message, silenced))
    left = [one for ids in earlier.values() for one in ids]
    parameters = {"left": left}
    chosen = "list_contains($left, alert_id)"
    connection.execute(f"DELETE FROM alerts WHERE {chosen} AND delivery <> 'sent'", parameters)
    connection.execute(
        f"UPDATE alerts SET is_open = false, note = 'the data changed; it would not be raised now' WHERE {chosen}",
        parameters,
    )
    return raised


def _stream(alert: Alert) -> str:
    return stream_key(Subject(alert.kind, alert.dataset, alert.model, alert.finding_id, alert.name))


def _update(connection: Connection, known_id: str, alert: Alert) -> None:
    columns = {column: getattr(alert, name) for name, column in NUMBERS.items()}
    assignments = ", ".join(f"{column} = ${column}" for column in [*columns, "day", "days", "message", "severity"])
    connection.execute(
        f"UPDATE alerts SET {assignments} WHERE alert_id = $known",
        {
            **columns,
            "day": alert.day,
            "days": alert.days,
            "message": alert.message,
            "severity": alert.severity,
            "known": known_id,
        },
    )


def _close_what_is_over(connection: Connection, watched: Watched) -> None:
    """Leave open the last alert of each stream, while its evidence stands; of a slice, while the slice is there."""
    told = _told_streams(watched.days[-1].state)
    rows = connection.execute(
        """SELECT alert_id, kind, model, finding_id, stream FROM alerts
        WHERE area = $area AND dataset = $dataset AND is_open ORDER BY day DESC, alert_id""",
        {"area": watched.area, "dataset": watched.dataset},
    ).fetchall()
    seen: set[str] = set()
    over = []
    for known_id, kind, model, finding, stream in rows:
        about = f"{model}|{finding}" if kind in _SLICE_KINDS else stream
        there = kind not in _SLICE_KINDS or finding in watched.standing
        streams = {stream, f"new_slice|{model}|{finding}"} if kind == "slice_rate" else {stream}
        if about in seen or not there or not streams & told:
            over.append(known_id)
        seen.add(about)
    close_alerts(connection, over)


def _told_streams(state: WatchState) -> set[str]:
    return {key for key, stream in state.streams.items() if stream.told is not None}


def _merge_checks(
    connection: Connection, checks: Sequence[FailingCheck], known: Sequence[Acknowledgement], now: datetime
) -> list[RaisedAlert]:
    """Raise an alert for each check that began to fail; close those of checks that pass again."""
    failing = {one.stream: one for one in checks}
    rows = connection.execute("SELECT alert_id, stream FROM alerts WHERE area = 'checks' AND is_open").fetchall()
    close_alerts(connection, [known for known, stream in rows if stream not in failing])
    told = {stream for _, stream in rows}
    return [
        raise_event(connection, "checks", stream, one.severity, one.message, known, now)
        for stream, one in failing.items()
        if stream not in told
    ]


def raise_event(
    connection: Connection,
    area: str,
    stream: str,
    severity: str,
    message: str,
    known: Sequence[Acknowledgement],
    now: datetime,
) -> RaisedAlert:
    """Raise an alert about something that happened: a check that fails, a run that failed, data that does not come."""
    kind, _, name = stream.partition("|")
    # Of its own kind, so that somebody who knows of this check does not silence the others.
    about = alert_id(area, stream)
    silenced = any(one.finding_id == about and (not one.until or now.date().isoformat() <= one.until) for one in known)
    row: dict[str, Any] = {
        "alert_id": alert_id(area, stream, now.isoformat()),
        "area": area,
        "kind": kind,
        "name": name,
        "finding_id": about,
        **dict.fromkeys(("dataset", "model", "note"), ""),
        "severity": severity,
        "day": now.date().isoformat(),
        "message": message,
        "stream": stream,
        "raised_at": now,
        "is_open": True,
        "silenced": silenced,
        "delivery": "none" if silenced else "pending",
        "attempts": 0,
    }
    insert(connection, "alerts", pa.Table.from_pylist([row], SCHEMA))
    return RaisedAlert(row["alert_id"], severity, message, silenced)


def events_open(connection: Connection, area: str) -> set[str]:
    """Return the streams of an area's open alerts."""
    rows = connection.execute("SELECT stream FROM alerts WHERE area = $area AND is_open", {"area": area}).fetchall()
    return {row[0] for row in rows}


def close_events(connection: Connection, area: str, still: Sequence[str]) -> None:
    """Close an area's alerts but for the streams that are still so."""
    rows = connection.execute(
        "SELECT alert_id FROM alerts WHERE area = $area AND is_open AND NOT list_contains($still, stream)",
        {"area": area, "still": list(still)},
    ).fetchall()
    close_alerts(connection, [row[0] for row in rows])


def _speak_again(connection: Connection, known: Sequence[Acknowledgement], now: datetime) -> list[RaisedAlert]:
    """Tell what was snoozed and is still so after its day."""
    rows = connection.execute("SELECT * FROM alerts WHERE is_open AND silenced").to_arrow_table().to_pylist()
    again = []
    for row in rows:
        today = replace(alert_of(row), day=now.date().isoformat())
        if not any(one.holds_for(today) for one in known):
            again.append(RaisedAlert(row["alert_id"], row["severity"], row["message"], False))
    connection.execute(
        "UPDATE alerts SET silenced = false, delivery = 'pending', attempts = 0 WHERE list_contains($ids, alert_id)",
        {"ids": [one.alert_id for one in again]},
    )
    return again
