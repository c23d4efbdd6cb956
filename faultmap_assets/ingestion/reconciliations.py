"""Keep what a tool says of its own file beside what its rows gave, and read it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from faultmap_assets.graph.scopes import Partition
from faultmap_assets.warehouse.connection import Connection, Warehouse, insert
from faultmap_core.readers.rows.reconciliation import ToolSummary

_OF_FILES = """
SELECT f.path, r.what, r.tool_value, r.our_value, r.agrees FROM reconciliations r
JOIN (SELECT staging_id, arg_max(path, sequence) AS path FROM source_files GROUP BY staging_id) f USING (staging_id)
"""


@dataclass(frozen=True)
class FileSummary:
    """One figure of a tool about one file."""

    path: str
    summary: ToolSummary

    @property
    def agrees(self) -> bool:
        """Whether the rows give the same."""
        return self.summary.agrees

    def __str__(self) -> str:
        return f"{self.path}: {self.summary}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"path": self.path, **vars(self.summary)}


def record_summaries(connection: Connection, staging_id: str, summaries: Sequence[ToolSummary]) -> None:
    """Store the comparisons that the reader of one file made."""
    rows = [{"staging_id": staging_id, **vars(one)} for one in summaries]
    schema = pa.schema(
        [
            ("staging_id", pa.string()),
            ("what", pa.string()),
            ("tool_value", pa.float64()),
            ("our_value", pa.float64()),
            ("agrees", pa.bool_()),
        ]
    )
    insert(connection, "reconciliations", pa.Table.from_pylist(rows, schema=schema))


def of_partition(connection: Connection, partition: Partition) -> list[FileSummary]:
    """Return what was compared of the files that deliver a partition."""
    delivered = "SELECT staging_id FROM staging_partitions WHERE dataset = $dataset AND model = $model AND day IS NULL"
    query = f"{_OF_FILES} WHERE r.staging_id IN ({delivered}) ORDER BY ALL"
    return _read(connection.execute(query, partition.columns).fetchall())


def file_summaries(warehouse: Warehouse) -> list[FileSummary]:
    """Return what was compared of all files, those that disagree first."""
    with warehouse.read() as connection:
        found = _read(connection.execute(f"{_OF_FILES} ORDER BY f.path, r.what").fetchall())
    return sorted(found, key=lambda one: one.agrees)


def _read(rows: Sequence[tuple[Any, ...]]) -> list[FileSummary]:
    return [FileSummary(path, ToolSummary(what, tool, ours, agrees)) for path, what, tool, ours, agrees in rows]
