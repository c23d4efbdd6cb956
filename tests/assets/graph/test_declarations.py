"""One declaration per asset: what is said there reaches the warehouse, the rows and Dagster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from faultmap_assets.graph import declarations
from faultmap_assets.graph.declarations import ASSET_GRAPH, NODES, Column, Table, declared_tables, tables_by_keys
from faultmap_assets.graph.fingerprints import taken_from
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.kit.rows import rows_of
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse import connection as warehouse_module
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.errors import ConfigurationError

MINIMAL = {
    "scope": "dataset", "group": "where", "question": "where", "kinds": ["duckdb"], "code_version": "1",
    "tables": {"wins": {"row": "one win", "columns": {"dataset": None, "wins": {"type": "INTEGER", "is": "Wins"}}}},
}  # fmt: skip
SHARED = {"dataset": {"type": "VARCHAR", "is": "The dataset"}}


def test_every_asset_stands_after_those_that_it_reads():
    seen: set[str] = set()
    for node in ASSET_GRAPH:
        assert seen >= set(node.upstream), node.name
        seen.add(node.name)
    assert seen == NODES.keys()


def test_a_column_without_words_of_its_own_has_the_shared_ones():
    node = declarations._node("wins", MINIMAL, SHARED)
    assert node.own_table.columns["dataset"] == Column(type="VARCHAR", meaning="The dataset")
    assert node.own_table.schema == pa.schema({"dataset": pa.string(), "wins": pa.int32()})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"scope": "galaxy"}, "declaration of the asset wins: scope"),
        ({"upstreams": ["scores"]}, "declaration of the asset wins: upstreams"),
        ({"tables": {"wins": {"row": "one win", "columns": {"model": None}}}}, "tables.wins.columns.model.type"),
        ({"tables": {"losses": {"row": "one loss", "columns": {"dataset": None}}}}, "has to bear its name"),
    ],
)
def test_a_wrong_declaration_says_its_asset_and_the_place(change, told):
    with pytest.raises(ConfigurationError, match=told.replace(".", r"\.")):
        declarations._node("wins", {**MINIMAL, **change}, SHARED)


def test_what_belongs_to_a_partition_is_told_by_the_columns_of_its_tables():
    by_pair, by_dataset, by_day = (tables_by_keys(*keys) for keys in (("dataset", "model"), ("dataset",), ("day",)))
    for table in (*by_pair, *by_dataset, *by_day):
        columns = declared_tables()[table].columns
        assert ("dataset" in columns and "model" in columns) == (table in by_pair) or table in by_day, table
        assert ("day" in columns) == (table in by_day), table
    # Written by an asset of a dataset, for each of its models.
    assert "example_prompts" in by_pair


def test_a_declared_column_and_table_appear_in_a_warehouse_that_lacks_them(tmp_path: Path, monkeypatch):
    warehouse = Warehouse(tmp_path / "w.duckdb")
    with warehouse.write() as connection:
        connection.execute("INSERT INTO score_parts VALUES ('d', 'm', 'e', 'similarity', 0.5)")
    parts = declared_tables()["score_parts"]
    wider = parts.model_copy(
        update={"columns": {**parts.columns, "weight": Column(type="DOUBLE", meaning="Its weight")}}
    )
    new = Table(name="wins", row="one win", columns={"dataset": Column(type="VARCHAR", meaning="The dataset")})
    monkeypatch.setattr(warehouse_module, "_declared", lambda: [wider, new])
    warehouse_module._declared_digest.cache_clear()
    try:
        # A reader finds them, too.
        assert warehouse.query("SELECT * FROM score_parts").to_pylist() == [
            {"dataset": "d", "model": "m", "example_id": "e", "part": "similarity", "value": 0.5, "weight": None}
        ]
        assert warehouse.query("SELECT * FROM wins").to_pylist() == []
        before = (tmp_path / "w.duckdb").read_bytes()
        warehouse.query("SELECT 1")
        assert (tmp_path / "w.duckdb").read_bytes() == before
    finally:
        warehouse_module._declared_digest.cache_clear()
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM schema_migrations WHERE version = 0").fetchone() == (1,)


@dataclass(frozen=True)
class Part:
    example_id: str
    part: object
    number: float


def test_rows_take_the_attributes_that_bear_the_columns_names():
    made = rows_of(
        "score_parts",
        [Part("a", ["x", Part("c", 2, 0.5)], 0.25), Part("b", "y", float("inf"))],
        {"dataset": "d", "model": "m"},
        value="number",
    )
    assert made.schema == declared_tables()["score_parts"].schema
    nested = '["x", {"example_id": "c", "part": 2, "number": 0.5}]'
    assert made.to_pylist() == [
        {"dataset": "d", "model": "m", "example_id": "a", "part": nested, "value": 0.25},
        {"dataset": "d", "model": "m", "example_id": "b", "part": "y", "value": float("inf")},
    ]


def test_a_column_that_no_result_has_is_an_error():
    with pytest.raises(AttributeError, match="value"):
        rows_of("score_parts", [Part("a", "x", 1.0)], {"dataset": "d", "model": "m"})


def test_the_part_of_the_settings_is_what_the_declaration_names():
    settings = Settings()
    some = taken_from(settings, Partition(), [{"production": ["window_days"]}, "seed", "clusters.method", None])
    assert some == [{"window_days": settings.production.window_days}, settings.seed, settings.clusters.method, None]
    without = taken_from(settings, Partition(), {"alerts": {"without": ["gate"]}})
    assert without.keys() == settings.alerts.model_dump().keys() - {"gate"}
