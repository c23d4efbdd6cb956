"""Record what each partition was made from, and read it back for `staleness`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pyarrow as pa

from faultmap_assets.graph.declarations import NODES
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.graph.staleness import AssetPartition, Inputs, Materialization, WarehouseState
from faultmap_assets.warehouse.connection import Connection, insert

_SOURCES = """
WITH newest AS (SELECT staging_id, max(sequence) AS sequence FROM source_files GROUP BY staging_id),
set_aside AS (SELECT dataset, model, count(*) AS set_aside FROM quarantine GROUP BY dataset, model),
-- Of two files that say the same the newer one counts: what it was renamed or copied to is no news.
said AS (
    SELECT dataset, model, day, digest, max(sequence) AS sequence
    FROM staging_partitions JOIN newest USING (staging_id) GROUP BY ALL
),
delivered AS (
    SELECT if(day IS NULL, dataset, NULL) AS dataset, if(day IS NULL, model, NULL) AS model, day,
        md5(string_agg(digest, ',' ORDER BY sequence, said.dataset, said.model)) AS digest
    FROM said GROUP BY 1, 2, 3
)
SELECT dataset, model, day, digest || coalesce(' ' || set_aside, '')
FROM delivered LEFT JOIN set_aside USING (dataset, model) ORDER BY ALL
"""
_QUARANTINE = "SELECT coalesce(md5(string_agg(path || line || reason, ',' ORDER BY path, line)), '') FROM quarantine"


def read_state(connection: Connection) -> WarehouseState:
    """Read what files deliver now and what every partition was made from."""
    found = connection.execute(_SOURCES).fetchall()
    sources = {Partition(dataset, model, day): digest for dataset, model, day, digest in found}
    rows = connection.execute(
        """SELECT asset, partition_key, data_version, inputs, blocked_by, pending, run_id, again FROM materializations
        ORDER BY asset, partition_key"""
    ).fetchall()
    materialized: dict[AssetPartition, Materialization] = {}
    for asset, key, data_version, inputs, blocked_by, pending, run_id, again in rows:
        if asset in NODES:
            partition = Partition.parse(NODES[asset].scope, key)
            materialized[asset, partition] = Materialization(
                data_version, Inputs.from_json(inputs), blocked_by, pending or 0, run_id, bool(again)
            )
    quarantine = connection.execute(_QUARANTINE).fetchone()
    return WarehouseState(sources, materialized, quarantine[0] if quarantine else "")


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
        """INSERT OR REPLACE INTO materializations (asset, partition_key, data_version, input_digest, inputs,
            blocked_by, run_id, rows, seconds, materialized_at, pending, again)
        VALUES ($asset, $key, $data_version, $digest, $inputs, $blocked_by, $run_id, $rows, $seconds, $now, $pending,
            false)""",
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
            "pending": materialization.pending,
            "now": datetime.now(UTC).replace(tzinfo=None),
        },
    )


def make_again(connection: Connection, wanted: Iterable[AssetPartition]) -> int:
    """Mark what was made as asked for again; return the number of partitions marked."""
    rows = [{"asset": asset, "partition_key": partition.key} for asset, partition in wanted]
    if not rows:
        return 0
    connection.register("wanted", pa.Table.from_pylist(rows))
    connection.execute(
        """UPDATE materializations SET again = true
        WHERE (asset, partition_key) IN (SELECT (asset, partition_key) FROM wanted)"""
    )
    row = connection.execute(
        "SELECT count(*) FROM materializations JOIN wanted USING (asset, partition_key)"
    ).fetchone()
    connection.unregister("wanted")
    return int(row[0]) if row else 0


def store_vectors(connection: Connection, vectors: pa.Table) -> None:
    """Add vectors (embedder, text_hash, vector) that are not stored yet."""
    connection.register("incoming_vectors", vectors)
    fresh = connection.execute(
        "SELECT * FROM incoming_vectors ANTI JOIN embedding_vectors USING (embedder, text_hash)"
    ).to_arrow_table()
    connection.unregister("incoming_vectors")
    insert(connection, "embedding_vectors", fresh)
