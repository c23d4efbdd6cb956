"""failure_slices: where one model fails on one dataset."""

from collections.abc import Sequence

import dagster as dg
import numpy as np
import pyarrow as pa

from faultmap_assets.defs.evals import queries
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.kit import checks
from faultmap_assets.kit import figures as pictures
from faultmap_assets.kit.asset_metadata import report_link
from faultmap_assets.kit.declared import declared_asset
from faultmap_assets.kit.markdown import Align, table
from faultmap_assets.kit.namer import WarehouseNamer
from faultmap_assets.kit.refresh import Made, Refresh
from faultmap_assets.kit.rows import rows_of
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.records import FailureSlice
from faultmap_core.discovery.slices.discovery import SliceSettings, find_failure_slices


@declared_asset()
def failure_slices(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    namer: dg.ResourceParam[WarehouseNamer],
) -> Made:
    """Regions of a dataset's prompts where one model fails significantly more than on the rest."""
    refresh = Refresh.begin(context, warehouse, settings)
    dataset = str(refresh.partition.dataset)
    prompts = queries.prompt_vectors(warehouse, dataset)
    tree = queries.cluster_tree(warehouse, dataset, prompts.prompt_ids)
    rows = queries.eval_rows(warehouse, refresh.partition, prompts.prompt_ids)
    analysis = find_failure_slices(
        rows,
        tree,
        prompts.vectors,
        SliceSettings(**settings.slices.model_dump(), seed=settings.seed),
        namer.of(refresh.purpose),
    )
    places = queries.example_places(warehouse, dataset, prompts.prompt_ids)[rows.unit]
    members = {found.name: found.sample_indices for found in analysis.slices}
    return refresh.write(
        {
            "failure_slices": slice_table("failure_slices", refresh.partition, analysis.slices),
            "failure_slice_members": _member_table(refresh.partition, analysis.slices, rows.example_ids),
        },
        metadata={
            "examples": analysis.total_rows,
            "scored": analysis.scored_rows,
            "failures": analysis.failures,
            "failure_rate": analysis.failure_rate,
            "candidates_tested": analysis.tested,
            "slices_found": len(analysis.slices),
            "slices": dg.MetadataValue.md(slice_summary(analysis.slices, "faultmap slices")),
            "map": dg.MetadataValue.md(pictures.slice_map(places, np.asarray(rows.failed), members)),
            "report": report_link(settings, "slices", **refresh.partition.columns),
            **({"note": analysis.note} if analysis.note else {}),
        },
        checks=[checks.named("failure_slices", [one.naming_note for one in analysis.slices])],
        pending=namer.pending(analysis.slices),
        calls=namer.calls,
    )


def slice_table(table: str, partition: Partition, slices: Sequence[FailureSlice]) -> pa.Table:
    """Return slices as rows of `failure_slices` or `production_slices`."""
    return rows_of(table, slices, partition.columns, prompts="units")


def _member_table(partition: Partition, slices: Sequence[FailureSlice], example_ids: Sequence[str]) -> pa.Table:
    members = [
        {**partition.columns, "slice_id": found.slice_id, "example_id": example_ids[row]}
        for found in slices
        for row in found.sample_indices
    ]
    return pa.Table.from_pylist(members)


def slice_summary(slices: Sequence[FailureSlice], more: str) -> str:
    """Return the slices as a markdown table for the asset's page; `more`: the command that prints all of them."""
    columns: dict[str, Align] = {
        "slice": "left", "what is claimed": "left", "expected excess": "right", "adjusted p": "right",
    }  # fmt: skip
    rows = (
        [
            found.name,
            found.claim.told,
            f"{found.estimated_excess_failures:.1f}",
            f"{found.adjusted_p_value:.2g}",
        ]
        for found in slices
    )
    return table(columns, rows, none="No region fails significantly more than the rest.", more=more)
