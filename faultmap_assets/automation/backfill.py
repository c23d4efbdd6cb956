"""Recompute a selection of results from Dagster's UI, by one run of the job `backfill`.

It only marks what is to be made again (`faultmap audit --force` does the same, and makes it there and then); the
staleness sensor then requests it upstream first, one run for each partition with all of its assets.

Dagster's own backfills work, too, with a run for each key. The assets have no single-run policy: a range of a sparse
product names combinations that no file delivers, and a result of one run for many partitions has neither a data version
nor checks of each of them.
"""

# No `from __future__ import annotations`: Dagster reads the annotation of an op's configuration.
import dagster as dg
from pydantic import Field

from faultmap_assets.automation.selection import Selection
from faultmap_assets.graph.declarations import NODES
from faultmap_assets.warehouse.connection import Warehouse


class WhatToMakeAgain(dg.Config):
    """Empty lists and no day mean all."""

    assets: list[str] = Field(default_factory=list)
    datasets: list[str] = Field(default_factory=list)
    models: list[str] = Field(default_factory=list)
    since: str = ""


@dg.op(description="Marks partitions as to be made again; the staleness sensor requests them.")
def mark_to_make_again(
    context: dg.OpExecutionContext, config: WhatToMakeAgain, warehouse: dg.ResourceParam[Warehouse]
) -> None:
    """Mark a selection. Raises dg.Failure where an asset's name is unknown."""
    unknown = sorted(set(config.assets) - set(NODES))
    if unknown:
        raise dg.Failure(f"{unknown[0]!r} is no asset; there are {', '.join(NODES)}", allow_retries=False)
    chosen = Selection(config.assets or None, config.datasets or None, config.models or None, config.since or None)
    context.log.info("%d partitions are to be made again", chosen.ask_again(warehouse))


@dg.job(
    executor_def=dg.in_process_executor,
    description="Makes a part of everything again: name assets, datasets, models or a first day in the launchpad.",
)
def backfill() -> None:
    """Mark what is to be made again."""
    mark_to_make_again()
