"""Read the changes since the last audit, and the course of each finding, for the terminal and the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faultmap_assets.warehouse.connection import Warehouse

# The name of a kind of error is its path; people read its label.
_LABEL = "if(kind = 'error_category', source_id, name) AS label"
# Of a day of production that was audited more than once, the last time counts.
_LATEST = """SELECT * FROM finding_history
QUALIFY row_number() OVER (PARTITION BY area, finding_id, if(day = '', audit::VARCHAR, day) ORDER BY audit DESC) = 1"""

KINDS = (
    "failure_rate",
    "coverage",
    "slice",
    "gap",
    "comparison",
    "quarantined",
    "unscored",
    "unjudged",
    "error_category",
)
"""Kinds of finding, in the order in which people read them."""


def audits(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return every audit, newest first: its number, when it was, how many findings were new, worse, better, gone."""
    rows: list[dict[str, Any]] = warehouse.query(
        """SELECT a.audit, a.audited_at, count(f.audit) AS rows,
            count(*) FILTER (f.status = 'new') AS new, count(*) FILTER (f.status = 'worse') AS worse,
            count(*) FILTER (f.status = 'better') AS better, count(*) FILTER (f.status = 'gone') AS gone
        FROM audits a LEFT JOIN finding_history f USING (audit) GROUP BY ALL ORDER BY a.audit DESC"""
    ).to_pylist()
    return rows


def changes(warehouse: Warehouse, audit: int) -> list[dict[str, Any]]:
    """Return what an audit saw otherwise than the one before: worse first, then new, better, gone.

    Each with `before`, its value at its last sighting (None for a new one), and `value`, None for one that is gone.
    """
    rows: list[dict[str, Any]] = warehouse.query(
        f"""SELECT area, kind, dataset, model, day, finding_id, {_LABEL}, status,
            if(status = 'gone', NULL, value) AS value, low, high, rows, verdict, source_id,
            if(status = 'gone', value, (SELECT p.value FROM finding_history p
                WHERE p.finding_id = f.finding_id AND p.status <> 'gone' AND p.audit <= f.audit
                AND (p.audit < f.audit OR p.day < f.day) AND p.day <= f.day
                ORDER BY p.day DESC, p.audit DESC LIMIT 1)) AS before
        FROM finding_history f WHERE audit = $audit AND status <> 'same'
        ORDER BY list_position(['worse', 'new', 'better', 'gone'], status), kind, dataset, model, day, label,
            finding_id""",
        {"audit": audit},
    ).to_pylist()
    return rows


def trends(
    warehouse: Warehouse,
    datasets: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    kinds: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Return every finding with its series: first and last sighting, last status, and `points` in order of time.

    A point is an audit (of production a day): label, audit, value, low, high, rows, status. A finding that is gone has
    a last point without a value. `present` says whether it is there now.
    """
    rows: list[dict[str, Any]] = warehouse.query(
        f"""WITH seen AS ({_LATEST})
        SELECT area, kind, dataset, model, finding_id, arg_max(label, place) AS label,
            arg_max(source_id, place) AS source_id, arg_max(status, place) AS status,
            arg_max(status, place) <> 'gone' AS present, min(moment) FILTER (status <> 'gone') AS first_seen,
            max(moment) FILTER (status <> 'gone') AS last_seen,
            list({{label: moment, audit: audit, value: if(status = 'gone', NULL, value), low: low, high: high,
                rows: rows, status: status}} ORDER BY place) AS points
        FROM (
            SELECT *, {_LABEL}, coalesce(nullif(day, ''), strftime(audited_at, '%Y-%m-%d %H:%M')) AS moment,
                (day, audit) AS place
            FROM seen JOIN audits USING (audit)
            WHERE ($datasets IS NULL OR list_contains($datasets, dataset))
            AND ($models IS NULL OR list_has_any(string_split(model, '|'), $models))
            AND ($kinds IS NULL OR list_contains($kinds, kind))
        ) GROUP BY area, kind, dataset, model, finding_id
        ORDER BY area = 'production', dataset, model, list_position($order, kind), present DESC,
            last(value ORDER BY place) DESC NULLS LAST, finding_id""",
        {
            "datasets": list(datasets) if datasets else None,
            "models": list(models) if models else None,
            "kinds": list(kinds) if kinds else None,
            "order": list(KINDS),
        },
    ).to_pylist()
    return rows


def alerts(warehouse: Warehouse, *, everything: bool = False) -> list[dict[str, Any]]:
    """Return the open alerts that nobody acknowledged, or all that ever were; the newest first."""
    condition = "true" if everything else "is_open AND NOT silenced"
    rows: list[dict[str, Any]] = warehouse.query(
        f"SELECT * FROM alerts WHERE {condition} ORDER BY raised_at DESC, severity, alert_id"
    ).to_pylist()
    return rows


def known(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return the acknowledgements, newest first."""
    rows: list[dict[str, Any]] = warehouse.query(
        "SELECT * FROM acknowledgements ORDER BY acknowledged_at DESC, dataset, finding_id, kind"
    ).to_pylist()
    return rows
