"""Describe assets to Dagster: question, rows, columns and owners; and round the figures it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import dagster as dg

from faultmap_assets.graph.declarations import NODES
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.catalog import column_lineage, table_schema, tables_of

REPORT_PAGE = "audit_report.html"


def with_metadata(assets: Sequence[dg.AssetsDefinition], settings: Settings) -> list[dg.AssetsDefinition]:
    """Return the assets with their owners, tags, whole descriptions and what their tables hold.

    None of it is part of a code version or a data version: nothing becomes stale by it.
    """
    return [asset.map_asset_specs(lambda spec: _told(spec, settings)) for asset in assets]


def _told(spec: dg.AssetSpec, settings: Settings) -> dg.AssetSpec:
    name = spec.key.to_user_string()
    return spec.replace_attributes(description=_description(spec)).merge_attributes(
        owners=settings.owners,
        tags={"question": NODES[name].question, "partitioned_by": NODES[name].scope.value},
        metadata=_metadata(name, settings),
    )


def _description(spec: dg.AssetSpec) -> str:
    """The question in one sentence, from the docstring; then what the rows of each table are."""
    own, *others = tables_of(spec.key.to_user_string())
    lines = [str(spec.description), f"One row is {own.row}."]
    lines += [f"Beside it, `{table.name}`: {table.row}." for table in others]
    return "\n\n".join(lines)


def _metadata(name: str, settings: Settings) -> dict[str, Any]:
    own, *others = tables_of(name)
    lineage = column_lineage(own)
    return {
        "dagster/column_schema": table_schema(own),
        "dagster/table_name": f"{settings.warehouse_path.stem}.main.{name}",
        **({"dagster/column_lineage": lineage} if lineage else {}),
        **{f"table {table.name}": table_schema(table) for table in others},
    }


def readable(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a materialisation tells with figures as people read them: four significant digits."""
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in metadata.items()}


def report_link(settings: Settings, view: str, **parameters: str) -> dg.PathMetadataValue:
    """Return the address of a view of the report, to be copied: a browser follows no link from a server to a file."""
    page = (settings.report_folder / REPORT_PAGE).resolve().as_uri()
    query = urlencode(parameters)
    return dg.MetadataValue.path(f"{page}#/{view}" + (f"?{query}" if query else ""))
