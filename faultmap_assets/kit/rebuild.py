"""Tells an empty Dagster instance what the warehouse holds: a deleted Dagster folder costs no result and no lineage."""

from __future__ import annotations

import dagster as dg

from faultmap_assets.graph.declarations import NODES
from faultmap_assets.graph.partitions import dagster_key, sync_partitions
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import open_warehouse
from faultmap_assets.warehouse.materializations import read_state

_DATA_VERSION_TAG = "dagster/data_version"
_RECORDED = """
SELECT asset, partition_key, data_version, rows, seconds, run_id, materialized_at FROM materializations
ORDER BY materialized_at, asset, partition_key
"""


def rebuild_instance(settings: Settings, instance: dg.DagsterInstance) -> int:
    """Report every recorded materialisation to an instance that knows of none; return how many.

    Each bears its data version, its rows, the run that made it and when that was: Dagster's own time of such an event
    is that of the report. Runs and logs of before are gone.

    Raises: WarehouseError where the warehouse cannot be opened.
    """
    if not settings.warehouse_path.exists() or instance.all_asset_keys():
        return 0
    warehouse = open_warehouse(settings)
    with warehouse.read() as connection:
        state = read_state(connection)
    recorded = [row for row in warehouse.query(_RECORDED).to_pylist() if row["asset"] in NODES]
    if not recorded:
        return 0
    sync_partitions(instance, state.sources)
    for row in recorded:
        partition = Partition.parse(NODES[row["asset"]].scope, row["partition_key"])
        instance.report_runless_asset_event(
            dg.AssetMaterialization(
                row["asset"],
                description="Reported again from the warehouse's record: Dagster's folder was new.",
                partition=dagster_key(partition) if partition.key else None,
                metadata={
                    "dagster/row_count": row["rows"],
                    "seconds": round(row["seconds"], 3),
                    "made at (UTC)": f"{row['materialized_at']:%Y-%m-%d %H:%M:%S}",
                    "made by run": row["run_id"],
                },
                tags={_DATA_VERSION_TAG: row["data_version"]},
            )
        )
    return len(recorded)
