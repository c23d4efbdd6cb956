"""Materialize one partition: note what it is made from before anything is read, then write once."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import pyarrow as pa

from faultmap_assets.graph.declarations import NODES
from faultmap_assets.graph.partitions import partition_of
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.graph.staleness import Inputs, Materialization
from faultmap_assets.kit.asset_metadata import readable
from faultmap_assets.kit.failing_checks import record_checks
from faultmap_assets.kit.instance import PROCESS_TAG, process_tag
from faultmap_assets.kit.language_model import copy_calls
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Connection, Warehouse, replace_partition
from faultmap_assets.warehouse.materializations import read_state, record, store_vectors
from faultmap_core.llm import CallStore, Purpose

if TYPE_CHECKING:
    Made = dg.MaterializeResult[None]
else:
    # Dagster reads the annotation of an asset and knows the bare class alone.
    Made = dg.MaterializeResult


@dataclass(frozen=True)
class Refresh:
    """One materialisation of one partition.

    The inputs are noted before anything is read: what changes meanwhile makes the result stale, never silently wrong.
    """

    asset: str
    partition: Partition
    inputs: Inputs
    run_id: str
    warehouse: Warehouse
    started: float

    @classmethod
    def begin(cls, context: dg.AssetExecutionContext, warehouse: Warehouse, settings: Settings) -> Refresh:
        """Note what the partition is made from. Raises dg.Failure where there is nothing to make it from."""
        asset, partition = context.asset_key.to_user_string(), partition_of(context)
        with warehouse.read() as connection:
            state = read_state(connection)
        node = NODES[asset]
        if partition not in state.partitions(node.scope):
            raise dg.Failure(
                f"{asset}: no eval file delivers rows for {partition.key!r}; run `faultmap audit FILE` first",
                allow_retries=False,
            )
        upstream = list(state.upstream(node, partition, settings))
        made = {name for name, above in upstream if (name, above) in state.materialized}
        for name, needed in upstream:
            # Of what fans in, one may be held back by its check while the others are there.
            if name not in made:
                raise dg.Failure(
                    f"{asset} of {partition.key!r} needs {name} of {needed.key!r}, which was never made; make that"
                    " first",
                    allow_retries=False,
                )
        context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: process_tag()})
        inputs = state.inputs(node, partition, settings)
        return cls(asset, partition, inputs, context.run.run_id, warehouse, time.perf_counter())

    def write(
        self,
        tables: Mapping[str, pa.Table],
        *,
        metadata: Mapping[str, Any],
        checks: Sequence[dg.AssetCheckResult] = (),
        version_of: pa.Table | None = None,
        vectors: pa.Table | None = None,
        pending: int = 0,
        calls: CallStore | None = None,
        also: Callable[[Connection], None] | None = None,
    ) -> Made:
        """Replace the partition's rows, record what they were made from, and tell Dagster.

        Args:
            tables: table name -> rows; the first is the asset's own and gives the row count.
            checks: their results; a failed blocking one keeps everything below waiting.
            version_of: what the data version is derived from, where that is not `tables`.
            vectors: embeddings to store beside it.
            pending: rows that a language model did not answer for; they are asked for again later.
            calls: where calls were noted, to be copied to `llm_calls`.
            also: what else is written in the same transaction.
        """
        version = content_version([version_of] if version_of is not None else list(tables.values()))
        with self.warehouse.write() as connection:
            for table, rows in tables.items():
                replace_partition(connection, table, self.partition.columns, rows)
            if vectors is not None:
                store_vectors(connection, vectors)
            if calls is not None:
                copy_calls(connection, calls)
            if also is not None:
                also(connection)
            self.record(connection, version, next(iter(tables.values())).num_rows, checks, pending)
        return self.result(version, next(iter(tables.values())).num_rows, metadata, checks)

    def record(
        self,
        connection: Connection,
        version: str,
        rows: int,
        checks: Sequence[dg.AssetCheckResult],
        pending: int = 0,
    ) -> None:
        """Record the materialisation in the transaction that writes its rows.

        Raises: dg.Failure where no file delivers the partition any more; the transaction is then rolled back.
        """
        if self.partition not in read_state(connection).partitions(NODES[self.asset].scope):
            raise dg.Failure(
                f"{self.asset}: {self.partition.key!r} vanished while it was made; nothing was written",
                allow_retries=False,
            )
        record_checks(connection, self.asset, self.partition, checks)
        failed = [check for check in checks if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR]
        record(
            connection,
            self.asset,
            self.partition,
            Materialization(version, self.inputs, failed[0].check_name if failed else None, pending),
            run_id=self.run_id,
            rows=rows,
            seconds=self.seconds,
        )

    def result(
        self, version: str, rows: int, metadata: Mapping[str, Any], checks: Sequence[dg.AssetCheckResult]
    ) -> Made:
        """Tell Dagster what was made."""
        return dg.MaterializeResult(
            metadata={"dagster/row_count": rows, "seconds": round(self.seconds, 3), **readable(metadata)},
            data_version=dg.DataVersion(version),
            check_results=list(checks),
        )

    @property
    def purpose(self) -> Purpose:
        """Who asks a language model, for its ledger."""
        return Purpose(self.asset, self.partition.key)

    @property
    def seconds(self) -> float:
        """Seconds since `begin`."""
        return time.perf_counter() - self.started


def content_version(tables: Sequence[pa.Table]) -> str:
    """Return 32 hex digits that change when the content of the tables does."""
    digest = hashlib.blake2b(digest_size=16)
    for table in tables:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            for batch in table.combine_chunks().to_batches():
                stream.write_batch(batch)
        digest.update(sink.getvalue())
    return digest.hexdigest()
