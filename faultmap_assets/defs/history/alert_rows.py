"""Convert alerts to rows of the warehouse and back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from faultmap_assets.warehouse.connection import Connection
from faultmap_core.monitoring.acknowledgements import Acknowledgement
from faultmap_core.monitoring.alerting import Alert

NUMBERS = {
    "before": "before_value",
    "after": "after_value",
    "difference": "difference",
    "low": "low",
    "high": "high",
    "after_error": "after_error",
    "p_value": "p_value",
    "level": "level",
}


@dataclass(frozen=True)
class RaisedAlert:
    """Something that is told now: its id, how bad it is, what happened, and whether somebody knows of it already."""

    alert_id: str
    severity: str
    message: str
    silenced: bool


def alert_id(*parts: str) -> str:
    """Return the 12 hex digits of an alert: of what it is about and of the day that gave rise to it."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def open_alerts(connection: Connection, *, everything: bool = False) -> list[dict[str, Any]]:
    """Return the alerts that are open and that nobody acknowledged, or all that ever were; the newest first."""
    condition = "true" if everything else "is_open AND NOT silenced"
    rows: list[dict[str, Any]] = (
        connection.execute(f"SELECT * FROM alerts WHERE {condition} ORDER BY raised_at DESC, severity, alert_id")
        .to_arrow_table()
        .to_pylist()
    )
    return rows


SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("alert_id", "area", "kind", "dataset", "model", "finding_id", "name")),
        *((name, pa.string()) for name in ("severity", "day", "message", "stream", "delivery", "note")),
        *((name, pa.float64()) for name in NUMBERS.values()),
        *((name, pa.bool_()) for name in ("is_open", "silenced")),
        *((name, pa.int32()) for name in ("days", "attempts")),
        ("raised_at", pa.timestamp("us")),
    ]
)


def row_of(area: str, stream: str, alert: Alert, now: datetime, *, silenced: bool) -> dict[str, Any]:
    """Return the row of an alert that is raised now."""
    return {
        "alert_id": alert_id(area, alert.dataset, stream, alert.day),
        "area": area,
        **{name: getattr(alert, name) for name in ("kind", "dataset", "model", "finding_id", "name", "severity")},
        **{name: getattr(alert, name) for name in ("day", "days", "message")},
        **{column: getattr(alert, name) for name, column in NUMBERS.items()},
        "stream": stream,
        "raised_at": now,
        "is_open": True,
        "silenced": silenced,
        "delivery": "none" if silenced else "pending",
        "attempts": 0,
        "note": "",
    }


def close_alerts(connection: Connection, ids: Sequence[str]) -> None:
    """Mark alerts as over; what was not posted yet is not posted any more."""
    connection.execute(
        """UPDATE alerts SET is_open = false,
            delivery = if(delivery IN ('pending', 'sending'), 'none', delivery)
        WHERE list_contains($ids, alert_id)""",
        {"ids": list(ids)},
    )


def alert_of(row: Mapping[str, Any]) -> Alert:
    """Return a row in the core's form; what happened without being measured counts as 0."""
    values = {name: row[column] if row[column] is not None else 0.0 for name, column in NUMBERS.items()}
    texts = {name: row[name] for name in ("kind", "dataset", "model", "finding_id", "name", "severity", "day")}
    fields: dict[str, Any] = {**texts, **values, "days": row["days"] or 1, "message": row["message"]}
    return Alert(**fields)


def acknowledgements(connection: Connection) -> list[Acknowledgement]:
    """Return what somebody knows of."""
    rows = connection.execute(
        "SELECT dataset, finding_id, kind, model, until, value, error FROM acknowledgements ORDER BY ALL"
    ).fetchall()
    return [Acknowledgement(*row) for row in rows]
