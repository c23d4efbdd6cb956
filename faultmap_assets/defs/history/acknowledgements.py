"""Keep acknowledged and snoozed findings in the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from faultmap_assets.defs.history.alert_rows import alert_of
from faultmap_assets.warehouse.connection import Connection, Warehouse, insert
from faultmap_core.base.errors import ConfigurationError
from faultmap_core.monitoring.acknowledgements import Acknowledgement


@dataclass(frozen=True)
class Acknowledged:
    """Attributes: name: of what was acknowledged; value: up to which it stays silent, None: whatever it is; until: a
    day or ""; silenced: alerts that are now silent."""

    name: str
    dataset: str
    value: float | None
    until: str
    silenced: int


def acknowledge(
    warehouse: Warehouse, finding: str, until: str = "", note: str = "", now: datetime | None = None
) -> Acknowledged:
    """Note that somebody knows of an alert or a finding; it is silent until it is significantly worse, or after a day.

    Args: finding: an alert's or a finding's id, or its beginning; until: an ISO day, "" for good.
    Raises: ConfigurationError where nothing, or more than one thing, has that id, or the day is none or is over.
    """
    moment = now or datetime.now(UTC).replace(tzinfo=None)
    if until and _day(until) < moment.date():
        raise ConfigurationError(f"--until {until} is over; expected a day from {moment.date().isoformat()} on")
    with warehouse.write() as connection:
        known, name = _to_acknowledge(connection, finding, until)
        row = {**known.to_dict(), "acknowledged_at": moment, "name": name, "note": note}
        _withdraw(connection, known)
        insert(connection, "acknowledgements", pa.Table.from_pylist([row], _ACKNOWLEDGEMENT_SCHEMA))
        silenced = _silence(connection, known)
    return Acknowledged(name, known.dataset, known.value, until, silenced)


def withdraw(warehouse: Warehouse, finding: str) -> str:
    """Take an acknowledgement back; return the name of what it was about. Raises as `acknowledge` does."""
    with warehouse.write() as connection:
        known, name = _to_acknowledge(connection, finding, "")
        if not _withdraw(connection, known):
            raise ConfigurationError(f"{finding} was not acknowledged; `faultmap alerts --all` lists what was")
        for row in connection.execute("SELECT * FROM alerts WHERE is_open AND silenced").to_arrow_table().to_pylist():
            if known.holds_for(alert_of(row)):
                connection.execute(
                    "UPDATE alerts SET silenced = false WHERE alert_id = $known", {"known": row["alert_id"]}
                )
    return name


_ACKNOWLEDGEMENT_SCHEMA = pa.schema(
    [
        ("acknowledged_at", pa.timestamp("us")),
        *((name, pa.string()) for name in ("dataset", "finding_id", "kind", "model", "name", "until", "note")),
        ("value", pa.float64()),
        ("error", pa.float64()),
    ]
)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"--until {text!r}: expected a day such as 2026-01-31") from None


_ALERTS = """SELECT * FROM alerts
WHERE starts_with(alert_id, $id) OR (finding_id <> '' AND starts_with(finding_id, $id))
QUALIFY row_number() OVER (PARTITION BY if(finding_id = '', alert_id, finding_id) ORDER BY raised_at DESC) = 1"""
_FINDINGS = """SELECT finding_id, kind, dataset, model, name, value,
    coalesce(error, sqrt(coalesce(value * (1 - value), 0) / greatest(rows, 1))) AS error
FROM finding_history WHERE starts_with(finding_id, $id) AND status <> 'gone'
QUALIFY row_number() OVER (PARTITION BY finding_id ORDER BY audit DESC) = 1"""


def _to_acknowledge(connection: Connection, finding: str, until: str) -> tuple[Acknowledgement, str]:
    """Find what an id means: an alert, else a finding as it was last seen."""
    if not finding:
        raise ConfigurationError("no id given; `faultmap alerts` and `faultmap history` list them")
    found: dict[str, tuple[Acknowledgement, str]] = {}
    for query in (_FINDINGS, _ALERTS):
        for row in connection.execute(query, {"id": finding}).to_arrow_table().to_pylist():
            known = _of_finding(row, until) if query is _FINDINGS else Acknowledgement.of(alert_of(row), until)
            # An alert says how bad it was when somebody was told.
            found[row["finding_id"] or row["alert_id"]] = known, row["name"] or row["kind"]
    if not found:
        raise ConfigurationError(
            f"no alert and no finding has an id that starts with {finding!r}; `faultmap alerts` and `faultmap history`"
            " list them"
        )
    if len(found) > 1:
        raise ConfigurationError(f"{finding!r} fits {len(found)}: {', '.join(sorted(found)[:5])}; give more of it")
    return next(iter(found.values()))


def _of_finding(row: dict[str, Any], until: str) -> Acknowledgement:
    """Acknowledge a finding as bad as it was last seen; what has no identity of its own is known by its kind."""
    if row["kind"] == "comparison":
        return Acknowledgement(row["dataset"], "", "winner", "", until)
    of_kind = row["kind"] not in ("slice", "gap", "error_category")
    return Acknowledgement(
        row["dataset"],
        "" if of_kind else row["finding_id"],
        row["kind"] if of_kind else "",
        row["model"],
        until,
        row["value"],
        row["error"],
    )


def _withdraw(connection: Connection, known: Acknowledgement) -> int:
    rows = connection.execute(
        """DELETE FROM acknowledgements WHERE dataset = $dataset AND finding_id = $finding_id AND kind = $kind
        AND model = $model RETURNING 1""",
        {name: getattr(known, name) for name in ("dataset", "finding_id", "kind", "model")},
    ).fetchall()
    return len(rows)


def _silence(connection: Connection, known: Acknowledgement) -> int:
    rows = connection.execute("SELECT * FROM alerts WHERE is_open AND NOT silenced").to_arrow_table().to_pylist()
    ids = [row["alert_id"] for row in rows if known.holds_for(alert_of(row))]
    connection.execute(
        """UPDATE alerts SET silenced = true, delivery = if(delivery IN ('pending', 'sending'), 'none', delivery)
        WHERE list_contains($ids, alert_id)""",
        {"ids": ids},
    )
    return len(ids)
