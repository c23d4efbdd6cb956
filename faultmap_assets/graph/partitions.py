"""The Dagster partitions of the assets; datasets and models appear as files deliver them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping

import dagster as dg

from faultmap_assets.graph.scopes import Partition, Scope
from faultmap_assets.settings import settings_at_import

_settings = settings_at_import()
days = dg.DailyPartitionsDefinition(
    start_date=_settings.logs.first_day.isoformat(), timezone=_settings.production.time_zone, end_offset=1
)
datasets = dg.DynamicPartitionsDefinition(name="dataset")
models = dg.DynamicPartitionsDefinition(name="model")
dataset_and_model = dg.MultiPartitionsDefinition({"dataset": datasets, "model": models})

PARTITIONS: Mapping[Scope, dg.PartitionsDefinition | None] = {
    Scope.DATASET_MODEL: dataset_and_model,
    Scope.DATASET: datasets,
    Scope.DAY: days,
    Scope.NONE: None,
}

with warnings.catch_warnings():
    # In beta at Dagster for years; its behaviour here is pinned by the graph test.
    warnings.simplefilter("ignore", dg.BetaWarning)
    between_dataset_and_model = dg.MultiToSingleDimensionPartitionMapping(partition_dimension_name="dataset")
"""dataset × model onto dataset, in both directions."""


def trailing(window_days: int) -> dg.TimeWindowPartitionMapping:
    """Map a day onto itself and the days before it, `window_days` in all; before the first day there is nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.TimeWindowPartitionMapping(start_offset=1 - window_days, allow_nonexistent_upstream_partitions=True)


def partition_of(context: dg.AssetExecutionContext) -> Partition:
    """Return the partition that a run makes."""
    if not context.has_partition_key:
        return Partition()
    key = context.partition_key
    if context.assets_def.partitions_def == days:
        return Partition(day=key)
    if isinstance(key, dg.MultiPartitionKey):
        return Partition(key.keys_by_dimension["dataset"], key.keys_by_dimension["model"])
    return Partition(key)


def sync_partitions(instance: dg.DagsterInstance, present: Iterable[Partition], *, prune: bool = False) -> None:
    """Give the instance the partition keys that `present` names; with `prune`, take away all others.

    Prune only with what was read a moment ago: another process may just have added a key.
    """
    present = list(present)
    for name, keys in (
        ("dataset", {partition.dataset for partition in present if partition.dataset}),
        ("model", {partition.model for partition in present if partition.model}),
    ):
        known = set(instance.get_dynamic_partitions(name))
        if new := sorted(keys - known):
            instance.add_dynamic_partitions(name, new)
        for vanished in sorted(known - keys) if prune else ():
            instance.delete_dynamic_partition(name, vanished)


def dagster_key(partition: Partition) -> str:
    """Return the partition key in the type that Dagster wants."""
    if partition.model is not None:
        return dg.MultiPartitionKey(partition.columns)
    return partition.key
