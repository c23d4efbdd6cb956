"""finding_history: what every audit saw, what became of each finding since, and what is worth an alert."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from faultmap_assets.defs.history import queries as history_queries
from faultmap_assets.defs.history.alert_rows import RaisedAlert, open_alerts
from faultmap_assets.defs.history.audits import record_audit_in_turn
from faultmap_assets.defs.history.delivery import deliver
from faultmap_assets.defs.production.data_arrival import overdue
from faultmap_assets.kit.asset_metadata import report_link
from faultmap_assets.kit.declared import declared_asset
from faultmap_assets.kit.failing_checks import verdicts
from faultmap_assets.kit.markdown import Align, cell, table
from faultmap_assets.kit.refresh import Made, Refresh
from faultmap_assets.settings import Settings, settings_at_import
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.embedding import Embedder

_stale_days = settings_at_import().alerts.stale_evals_after_days


@declared_asset(freshness_policy=dg.FreshnessPolicy.time_window(timedelta(days=_stale_days)) if _stale_days else None)
def finding_history(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    embedder: dg.ResourceParam[Embedder],
) -> Made:
    """Slices, kinds of error, coverage, comparisons and failure rates from audit to audit: new, worse, better, gone."""
    refresh = Refresh.begin(context, warehouse, settings)
    recorded = record_audit_in_turn(warehouse, settings, embedder.id, refresh.run_id)
    with warehouse.write() as connection:
        refresh.record(connection, recorded.version, recorded.rows, ())
        alerts = open_alerts(connection)
    told = deliver(warehouse, settings)
    return refresh.result(
        recorded.version,
        recorded.rows,
        {
            "audit": recorded.audit,
            "news": recorded.news,
            **{status: recorded.statuses.get(status, 0) for status in ("new", "worse", "better", "gone")},
            "changes": dg.MetadataValue.md(_markdown(history_queries.changes(warehouse, recorded.audit))),
            "alerts": dg.MetadataValue.md(_markdown_alerts(recorded.raised)),
            "open_alerts": len(alerts),
            "posted": told.sent,
            "report": report_link(settings, "trends"),
            **({"webhook": told.note} if told.note else {}),
        },
        verdicts(alerts, overdue(warehouse, settings, datetime.now(UTC))),
    )


def _markdown(changes: Sequence[Mapping[str, Any]]) -> str:
    columns: dict[str, Align] = {
        "status": "left", "what": "left", "dataset": "left", "model": "left", "before": "right", "now": "right",
    }  # fmt: skip
    rows = (
        [
            row["status"],
            f"{row['kind'].replace('_', ' ')}: {row['label']}",
            row["dataset"],
            row["model"].replace("|", " / "),
            _share(row["before"]),
            _share(row["value"]),
        ]
        for row in changes
    )
    return table(columns, rows, none="Nothing is otherwise than at the audit before.", more="faultmap history")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _markdown_alerts(raised: Sequence[RaisedAlert]) -> str:
    if not raised:
        return "Nothing is new, nothing got worse."
    return "\n".join(
        f"- **{one.severity}** {cell(one.message)}" + (" (acknowledged)" if one.silenced else "") for one in raised
    )
