"""What was each partition made from? The bridge between the warehouse's records and `staleness`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa

from faultmap_assets.staleness import NODES, AssetPartition, Inputs, Materialization, Partition, Scope, WarehouseState
from faultmap_assets.warehouse import Connection, insert

_SOURCES = """
SELECT dataset, model, md5(string_agg(digest, ',' ORDER BY sequence)) AS digest
FROM eval_staging_partitions
JOIN (SELECT staging_id, max(sequence) AS sequence FROM eval_files GROUP BY staging_id) USING (staging_id)
GROUP BY dataset, model ORDER BY dataset, model
"""


def read_state(connection: Connection) -> WarehouseState:
    """Read what files deliver now and what every partition was made from."""
    sources = {Partition(dataset, model): digest for dataset, model, digest in connection.execute(_SOURCES).fetchall()}
    rows = connection.execute(
        "SELECT asset, partition_key, data_version, inputs, blocked_by FROM materializations ORDER BY ALL"
    ).fetchall()
    materialized: dict[AssetPartition, Materialization] = {
        (asset, _partition(asset, key)): Materialization(data_version, Inputs.from_json(inputs), blocked_by)
        for asset, key, data_version, inputs, blocked_by in rows
        if asset in NODES
    }
    return WarehouseState(sources, materialized)


def record(
    connection: Connection,
    asset: str,
    partition: Partition,
    materialization: Materialization,
    *,
    run_id: str,
    rows: int,
    seconds: float,
) -> None:
    """Record one materialisation, in the transaction that writes its rows."""
    connection.execute(
        """INSERT OR REPLACE INTO materializations VALUES
        ($asset, $key, $data_version, $digest, $inputs, $blocked_by, $run_id, $rows, $seconds, $now)""",
        {
            "asset": asset,
            "key": partition.key,
            "data_version": materialization.data_version,
            "digest": materialization.inputs.digest,
            "inputs": materialization.inputs.to_json(),
            "blocked_by": materialization.blocked_by,
            "run_id": run_id,
            "rows": rows,
            "seconds": seconds,
            "now": datetime.now(UTC).replace(tzinfo=None),
        },
    )


def forget(connection: Connection, partitions: Sequence[AssetPartition]) -> None:
    """Drop records, so that the partitions are made anew."""
    for asset, partition in partitions:
        connection.execute(
            "DELETE FROM materializations WHERE asset = $asset AND partition_key = $key",
            {"asset": asset, "key": partition.key},
        )


def store_vectors(connection: Connection, vectors: pa.Table) -> None:
    """Add vectors (embedder, text_hash, vector) that are not stored yet."""
    connection.register("incoming_vectors", vectors)
    fresh = connection.execute(
        "SELECT * FROM incoming_vectors ANTI JOIN embedding_vectors USING (embedder, text_hash)"
    ).to_arrow_table()
    connection.unregister("incoming_vectors")
    insert(connection, "embedding_vectors", fresh)


def _partition(asset: str, key: str) -> Partition:
    if NODES[asset].scope is Scope.DATASET_MODEL:
        dataset, _, model = key.partition("|")
        return Partition(dataset, model)
    return Partition(key) if key else Partition()
