"""The declarations of the assets: one YAML file per asset in its folder under `defs`, read and validated once.

A declaration is the only place that says an asset's scope, upstream, checks, settings and tables. From it come the
Dagster asset, the node of the staleness graph, the tables and their Arrow schemas, what is cleaned up with a partition,
the column descriptions and lineage in Dagster, and the asset catalogue of the documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal

import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from faultmap_assets.graph.scopes import Scope
from faultmap_assets.settings import Settings
from faultmap_core.base.errors import ConfigurationError

GROUPS = ("evals", "where", "why", "production", "history", "report")
"""The folders under `defs`, in the order in which people read their assets."""

ColumnType = Literal["VARCHAR", "BOOLEAN", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "TIMESTAMP", "FLOAT[]", "UBIGINT[]"]
_ARROW_TYPES: Mapping[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "TIMESTAMP": pa.timestamp("us"),
    "FLOAT[]": pa.list_(pa.float32()),
    "UBIGINT[]": pa.list_(pa.uint64()),
}


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Column(_Declared):
    """One column of a table.

    Attributes:
        type: of DuckDB.
        meaning: in words, without a full stop (`is` in the file).
        sources: "asset.column" of assets above that it is made of (`from` in the file).
    """

    type: ColumnType
    meaning: str = Field(alias="is", min_length=1)
    sources: tuple[str, ...] = Field(default=(), alias="from")


class Table(_Declared):
    """One table that an asset writes.

    Attributes:
        row: what a row is, as the rest of "One row is …".
        columns: in the order in which people see them.
    """

    name: str
    row: str = Field(min_length=1)
    columns: Mapping[str, Column]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of rows to be written."""
        return pa.schema([pa.field(name, _ARROW_TYPES[column.type]) for name, column in self.columns.items()])


class Check(_Declared):
    """One asset check: what holds where it passes (`is` in the file), and whether a failure stops what is below."""

    meaning: str = Field(alias="is", min_length=1)
    blocking: bool = False


class Window(_Declared):
    """How many upstream days an asset reads: the number that a setting says, `times` over."""

    setting: str
    times: int = Field(default=1, ge=1)


class AssetNode(_Declared):
    """One asset.

    Attributes:
        scope: by what it is partitioned.
        upstream: the assets it reads.
        group: of the Dagster graph; question: that it helps to answer, for the tag `question`.
        kinds: what Dagster shows as icons.
        code_version: changes when its result would change for other reasons than its inputs.
        settings: the part of the settings that its result depends on (see `fingerprints`); None for none.
        window: of upstream days; None for its own day.
        pool: of the runs that make it.
        tells_quarantine: it also tells which rows were set aside.
        checks: name -> check.
        tables: its own first, which bears its name.
    """

    name: str
    scope: Scope
    upstream: tuple[str, ...] = ()
    group: str
    question: str
    kinds: frozenset[str]
    code_version: str
    settings: Any = None
    window: Window | None = None
    pool: str | None = None
    tells_quarantine: bool = False
    checks: Mapping[str, Check] = Field(default_factory=dict)
    tables: Mapping[str, Table]

    @cached_property
    def own_table(self) -> Table:
        """The table that bears the asset's name."""
        return self.tables[self.name]

    def window_days(self, settings: Settings) -> int:
        """Return how many upstream days it reads: its own and those before it."""
        if self.window is None:
            return 1
        return self.window.times * int(settings.at(self.window.setting))


def partition_keys(node: AssetNode, table: Table) -> tuple[str, ...]:
    """Return the columns by which a table's rows belong to partitions; a table of a whole asset has none."""
    if node.scope is Scope.DAY:
        return ("day",)
    if node.scope is Scope.NONE:
        return ()
    return tuple(name for name in ("dataset", "model") if name in table.columns)


def tables_by_keys(*keys: str) -> tuple[str, ...]:
    """Return the tables whose rows belong to partitions by just these columns."""
    return tuple(
        table.name for node in ASSET_GRAPH for table in node.tables.values() if partition_keys(node, table) == keys
    )


@cache
def declared_tables() -> Mapping[str, Table]:
    """Return every table that an asset writes, by name."""
    return {table.name: table for node in ASSET_GRAPH for table in node.tables.values()}


def _load() -> tuple[AssetNode, ...]:
    """Read the declarations, every asset after those that it reads."""
    folder = files("faultmap_assets") / "defs"
    shared = yaml.safe_load((folder / "columns.yaml").read_text(encoding="utf-8"))
    nodes = {node.name: node for node in _nodes(folder, shared)}
    ordered: dict[str, AssetNode] = {}
    while len(ordered) < len(nodes):
        ready = next((n for n in nodes.values() if n.name not in ordered and ordered.keys() >= set(n.upstream)), None)
        if ready is None:
            waiting = ", ".join(sorted(nodes.keys() - ordered.keys()))
            raise ConfigurationError(
                f"declarations of assets: {waiting} wait for each other, or for one that is not declared"
            )
        ordered[ready.name] = ready
    return tuple(ordered.values())


def _nodes(folder: Traversable, shared: Mapping[str, Any]) -> Iterator[AssetNode]:
    for group in GROUPS:
        for entry in sorted((folder / group).iterdir(), key=lambda one: one.name):
            if entry.name.endswith(".yaml"):
                yield _node(entry.name.removesuffix(".yaml"), yaml.safe_load(entry.read_text(encoding="utf-8")), shared)


def _node(name: str, content: Any, shared: Mapping[str, Any]) -> AssetNode:
    """Raises ConfigurationError where a declaration is not complete, or has what nobody knows."""
    try:
        tables = {
            table: {
                **told,
                "name": table,
                "columns": {
                    column: {**shared.get(column, {}), **(own or {})} for column, own in told["columns"].items()
                },
            }
            for table, told in content["tables"].items()
        }
        node = AssetNode.model_validate({**content, "name": name, "tables": tables})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"declaration of the asset {name}: {place}: {first['msg']}") from error
    if next(iter(node.tables)) != name:
        raise ConfigurationError(f"declaration of the asset {name}: its first table has to bear its name")
    return node


ASSET_GRAPH: tuple[AssetNode, ...] = _load()
"""Every asset after those that it reads."""

NODES: Mapping[str, AssetNode] = {node.name: node for node in ASSET_GRAPH}
