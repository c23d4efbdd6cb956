"""What Dagster shows of the tables that the assets write: columns with their meaning, and where each comes from."""

from __future__ import annotations

import dagster as dg

from faultmap_assets.graph.declarations import NODES, Table


def tables_of(asset: str) -> list[Table]:
    """Return the tables that an asset writes, its own first."""
    return list(NODES[asset].tables.values())


def table_schema(table: Table) -> dg.TableSchema:
    """Return the columns in their order; a description ends with the column's sources."""
    # Dagster's open-source pages show descriptions, but not the lineage of columns.
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                column.type,
                description=column.meaning + (f". From {', '.join(column.sources)}" if column.sources else ""),
            )
            for name, column in table.columns.items()
        ]
    )


def column_lineage(table: Table) -> dg.TableColumnLineage | None:
    """Return which columns of the assets above each column is made of; None where the table declares none."""
    deps = {
        name: [dg.TableColumnDep(dg.AssetKey(asset), above) for asset, above in map(_parts, column.sources)]
        for name, column in table.columns.items()
        if column.sources
    }
    return dg.TableColumnLineage(deps) if deps else None


def _parts(source: str) -> tuple[str, str]:
    asset, _, column = source.partition(".")
    return asset, column
