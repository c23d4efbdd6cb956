"""Check by the clock, per day of production, whether data still arrives; Dagster's freshness policies cannot."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse


def overdue(warehouse: Warehouse, settings: Settings, now: datetime) -> list[str]:
    """Return one sentence for each kind of data that is late; what never arrived is not waited for.

    Args: now: an aware time; the newest day of logs is compared with its day in the time zone of production.
    """
    alerts = settings.alerts
    (row,) = warehouse.query(
        """SELECT (SELECT max(day) FROM staging_partitions WHERE day IS NOT NULL) AS day,
            (SELECT max(read_at) FROM source_files JOIN staging_partitions USING (staging_id)
                WHERE day IS NULL) AS read_at"""
    ).to_pylist()
    told = []
    if row["day"] is not None and alerts.stale_logs_after_days is not None:
        today = now.astimezone(ZoneInfo(settings.production.time_zone)).date()
        age = (today - date.fromisoformat(row["day"])).days
        if age > alerts.stale_logs_after_days:
            told.append(
                f"the newest day of production logs is {row['day']}, {age} days ago (expected:"
                f" {alerts.stale_logs_after_days} at most)"
            )
    if row["read_at"] is not None and alerts.stale_evals_after_days is not None:
        age = (now.astimezone(UTC).replace(tzinfo=None) - row["read_at"]).days
        if age > alerts.stale_evals_after_days:
            told.append(
                f"the last new eval file was read {age} days ago (expected: {alerts.stale_evals_after_days} at most)"
            )
    return told
