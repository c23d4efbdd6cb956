"""List what changed since the last audit, and the course of each finding; empty before the second audit."""

from __future__ import annotations

from faultmap_assets.defs.history import queries as history_queries
from faultmap_assets.report.scope import Row, Scope
from faultmap_assets.warehouse.connection import Warehouse

_CHANGE = ("area", "kind", "dataset", "model", "day", "finding_id", "status", "value", "low", "high", "before")
_ALERT = ("kind", "dataset", "model", "finding_id", "name", "severity", "day", "message")
_TREND = ("area", "kind", "dataset", "model", "finding_id", "status", "present", "source_id")
_POINT = ("label", "value", "low", "high")


def changes(warehouse: Warehouse, scope: Scope) -> Row | None:
    """Return what the latest audit saw otherwise than the one before it, and the open alerts."""
    audits = history_queries.audits(warehouse)
    if len(audits) < 2:
        return None
    latest, before = audits[:2]
    return {
        "audit": latest["audit"],
        "audited_at": f"{latest['audited_at']:%Y-%m-%d %H:%M}",
        "since": f"{before['audited_at']:%Y-%m-%d %H:%M}",
        "findings": [
            {**{name: row[name] for name in (*_CHANGE, "source_id")}, "name": row["label"]}
            for row in history_queries.changes(warehouse, latest["audit"])
            if _holds(scope, row)
        ],
        "alerts": [
            {name: row[name] for name in _ALERT} for row in history_queries.alerts(warehouse) if _holds(scope, row)
        ],
    }


def trends(warehouse: Warehouse, scope: Scope) -> list[Row]:
    """Return the findings that were seen more than once, each with its values over time."""
    return [
        {
            **{name: row[name] for name in _TREND},
            "name": row["label"],
            "points": [{name: point[name] for name in _POINT} for point in row["points"]],
        }
        for row in history_queries.trends(warehouse, scope.datasets, scope.models)
        if sum(point["value"] is not None for point in row["points"]) > 1
    ]


def _holds(scope: Scope, row: Row) -> bool:
    # The model of a comparison names both.
    return scope.whole or (
        scope.holds_dataset(row["dataset"])
        and (scope.models is None or bool(set(row["model"].split("|")) & set(scope.models)))
    )
