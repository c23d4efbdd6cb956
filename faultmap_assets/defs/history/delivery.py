"""Post alerts to the webhook, each once; an endpoint that does not answer fails nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from faultmap_assets.defs.history.webhook import Posted, Webhook, slack_message
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse

# A process that was killed while it posted has not told anybody, as far as is known.
_POSTING_MINUTES = 10
_MOST_ROUNDS = 10


@dataclass(frozen=True)
class Delivery:
    """Attributes: sent: alerts that were posted; note: why others were not, "" where nothing went wrong."""

    sent: int
    note: str = ""


def deliver(
    warehouse: Warehouse, settings: Settings, now: datetime | None = None, webhook: Webhook | None = None
) -> Delivery:
    """Post the alerts that nobody was told of, in one message; what fails is tried again at the next occasion.

    Each alert is claimed before it is posted, so that two processes do not tell it twice. Nothing is ever raised for a
    webhook that does not answer.
    """  # fmt: skip
    moment = now or datetime.now(UTC).replace(tzinfo=None)
    variable = settings.alerts.webhook_url_variable
    if variable is None:
        with warehouse.write() as connection:
            connection.execute("UPDATE alerts SET delivery = 'none' WHERE delivery = 'pending'")
        return Delivery(0)
    claimed = _claim(warehouse, moment)
    if not claimed:
        return Delivery(0)
    chosen = webhook or Webhook(variable)
    posted = chosen.post(_message(claimed))
    with warehouse.write() as connection:
        connection.execute(
            """UPDATE alerts SET note = $note, attempts = attempts + 1,
                delivery = CASE WHEN $delivered THEN 'sent' WHEN attempts + 1 >= $most THEN 'failed' ELSE 'pending' END
            WHERE list_contains($ids, alert_id)""",
            {
                "note": posted.note,
                "delivered": posted.delivered,
                "most": _MOST_ROUNDS,
                "ids": [row["alert_id"] for row in claimed],
            },
        )
    return _told(posted, claimed)


def _told(posted: Posted, claimed: Sequence[Mapping[str, Any]]) -> Delivery:
    return Delivery(len(claimed)) if posted.delivered else Delivery(0, posted.note)


def _claim(warehouse: Warehouse, now: datetime) -> list[dict[str, Any]]:
    waiting = "delivery = 'pending' OR (delivery = 'sending' AND tried_at < $stuck)"
    stuck = {"stuck": now - timedelta(minutes=_POSTING_MINUTES)}
    if not warehouse.query(f"SELECT 1 FROM alerts WHERE {waiting} LIMIT 1", stuck).num_rows:
        return []
    with warehouse.write() as connection:
        rows: list[dict[str, Any]] = (
            connection.execute(
                f"UPDATE alerts SET delivery = 'sending', tried_at = $now WHERE {waiting} RETURNING *",
                {**stuck, "now": now},
            )
            .to_arrow_table()
            .to_pylist()
        )
    return sorted(rows, key=lambda row: (row["severity"] != "error", row["raised_at"], row["alert_id"]))


def _message(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    errors = sum(row["severity"] == "error" for row in rows)
    title = f"faultmap: {len(rows)} alert{'s' if len(rows) > 1 else ''}" + (
        f", {errors} of them errors" if errors else ""
    )
    told = [
        (
            "error" if row["severity"] == "error" else "warning",
            f"{row['message']} (faultmap acknowledge {row['alert_id']})",
        )
        for row in rows
    ]
    return slack_message(title, told)


def try_again(warehouse: Warehouse) -> None:
    """Have alerts that were given up, or that were raised while there was no webhook, posted after all."""
    with warehouse.write() as connection:
        connection.execute(
            """UPDATE alerts SET delivery = 'pending', attempts = 0
            WHERE is_open AND NOT silenced AND delivery IN ('failed', 'none')"""
        )
