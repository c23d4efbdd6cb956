"""What do the tables of the assets hold? Their columns for the Dagster UI, and where each column comes from.

Names and types are those of the migrated tables; words and sources stand beside the migrations, in
`columns.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import dagster as dg
import duckdb
import yaml


@dataclass(frozen=True)
class TableColumns:
    """One table that an asset writes.

    Attributes:
        asset: who writes it; an asset's first table bears its name.
        row: what a row is, as the rest of "One row is …".
        descriptions: column -> words for people.
        sources: column -> "asset.column" of assets above that it is made of.
    """

    name: str
    asset: str
    row: str
    descriptions: Mapping[str, str]
    sources: Mapping[str, Sequence[str]]

    @property
    def schema(self) -> dg.TableSchema:
        """The columns in the warehouse's order; a description ends with the column's sources."""
        return dg.TableSchema(
            columns=[
                dg.TableColumn(name, type_name, description=self._told(name))
                for name, type_name in warehouse_columns()[self.name]
            ]
        )

    @property
    def lineage(self) -> dg.TableColumnLineage:
        """Which columns of the assets above each column is made of."""
        return dg.TableColumnLineage(
            {
                column: [dg.TableColumnDep(dg.AssetKey(asset), above) for asset, above in map(_parts, sources)]
                for column, sources in self.sources.items()
            }
        )

    def _told(self, column: str) -> str:
        # Dagster's open-source pages show descriptions, but not the lineage of columns.
        sources = self.sources.get(column)
        return self.descriptions[column] + (f". From {', '.join(sources)}" if sources else "")


def tables_of(asset: str) -> list[TableColumns]:
    """Return the tables that an asset writes, its own first."""
    return [table for table in _tables().values() if table.asset == asset]


@cache
def warehouse_columns() -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return table -> (column, type), as the migrations leave an empty warehouse."""
    folder = files("faultmap_assets.warehouse") / "migrations"
    scripts = sorted((entry.name, entry) for entry in folder.iterdir() if entry.name.endswith(".sql"))
    found: dict[str, list[tuple[str, str]]] = {}
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        for _, script in scripts:
            connection.execute(script.read_text(encoding="utf-8"))
        columns = connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
            " ORDER BY table_name, column_index"
        ).fetchall()
    for table, column, data_type in columns:
        found.setdefault(table, []).append((column, data_type))
    return found


@cache
def _tables() -> Mapping[str, TableColumns]:
    content = yaml.safe_load(
        (files("faultmap_assets.warehouse") / "migrations" / "columns.yaml").read_text(encoding="utf-8")
    )
    tables = {}
    for name, told in content["tables"].items():
        columns = [column for column, _ in warehouse_columns()[name]]
        own = {**{column: content["shared"].get(column, "") for column in columns}, **told["columns"]}
        tables[name] = TableColumns(name, told["asset"], told["row"], own, told.get("from", {}))
    return tables


def _parts(source: str) -> tuple[str, str]:
    asset, _, column = source.partition(".")
    return asset, column
