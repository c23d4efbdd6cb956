"""List the checks that fail now, and derive the checks of `finding_history` from the open alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
import pyarrow as pa

from faultmap_assets.graph.scopes import Partition
from faultmap_assets.warehouse.connection import Connection, insert

FINDING_HISTORY = "finding_history"

_KINDS: Mapping[str, tuple[str, ...]] = {
    "failure_rates": ("failure_rate",),
    "slices": ("new_slice", "slice_rate"),
    "coverage": ("coverage",),
    "winners": ("winner",),
    "row_quality": ("quarantined", "unscored", "unjudged"),
}
"""Check of `finding_history` -> the kinds of alerts that keep it failing."""


@dataclass(frozen=True)
class FailingCheck:
    """A check that fails on at least one partition: the first one's description stands for all."""

    asset: str
    check_name: str
    severity: str
    partitions: tuple[str, ...]
    description: str

    @property
    def stream(self) -> str:
        """What tells it from other checks."""
        return f"check|{self.asset}|{self.check_name}"

    @property
    def message(self) -> str:
        """What happened, in one sentence."""
        more = f" and {len(self.partitions) - 1:,} more partitions" if len(self.partitions) > 1 else ""
        of = f" of {self.partitions[0]}{more}" if self.partitions[0] else ""
        return f"the check {self.check_name} of {self.asset}{of} fails: {self.description}"


def record_checks(
    connection: Connection, asset: str, partition: Partition, results: Sequence[dg.AssetCheckResult]
) -> None:
    """Keep the verdicts of a partition's checks in the place of the former ones."""
    connection.execute(
        "DELETE FROM check_results WHERE asset = $asset AND partition_key = $key",
        {"asset": asset, "key": partition.key},
    )
    rows = [
        {
            "asset": asset,
            "partition_key": partition.key,
            "check_name": one.check_name or "",
            "passed": bool(one.passed),
            "severity": "warn" if one.severity is dg.AssetCheckSeverity.WARN else "error",
            "description": one.description or "",
        }
        for one in results
    ]
    insert(connection, "check_results", pa.Table.from_pylist(rows))


def failing_checks(connection: Connection) -> list[FailingCheck]:
    """Return the checks that fail now, on partitions that still exist."""
    rows = connection.execute(
        """SELECT c.asset, c.check_name, min(c.severity), list(c.partition_key ORDER BY c.partition_key),
            arg_min(c.description, c.partition_key)
        FROM check_results c JOIN materializations m ON m.asset = c.asset AND m.partition_key = c.partition_key
        WHERE NOT c.passed GROUP BY c.asset, c.check_name ORDER BY c.asset, c.check_name"""
    ).fetchall()
    # "error" sorts before "warn": one error makes it an error.
    return [FailingCheck(asset, name, severity, tuple(keys), told) for asset, name, severity, keys, told in rows]


def verdicts(open_alerts: Sequence[Mapping[str, object]], stale: Sequence[str]) -> list[dg.AssetCheckResult]:
    """Return the checks of `finding_history`: an alert keeps its check failing until it is over or acknowledged.

    None of them blocks: a regression is a finding, and the report tells it.
    """
    results = []
    for name, kinds in _KINDS.items():
        own = [alert for alert in open_alerts if alert["kind"] in kinds]
        error = any(alert["severity"] == "error" for alert in own)
        results.append(
            dg.AssetCheckResult(
                check_name=name,
                passed=not own,
                severity=dg.AssetCheckSeverity.ERROR if error else dg.AssetCheckSeverity.WARN,
                description="; ".join(str(alert["message"]) for alert in own[:5]) or "nothing new, nothing worse",
                metadata={"alerts": len(own)},
            )
        )
    results.append(fresh_data(stale))
    return results


def fresh_data(stale: Sequence[str]) -> dg.AssetCheckResult:
    """Judge whether data arrives: `stale` says of what it does not."""
    return dg.AssetCheckResult(
        asset_key=FINDING_HISTORY,
        check_name="fresh_data",
        passed=not stale,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(stale) or "nothing is overdue",
    )
