"""A deleted Dagster folder is rebuilt from the warehouse; a damaged warehouse is set aside and made again."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from faultmap_assets import cli
from faultmap_assets.cli.runner import refresh_stale
from faultmap_assets.kit.instance import open_instance
from faultmap_assets.kit.rebuild import rebuild_instance
from faultmap_assets.settings import Settings, load_settings
from faultmap_assets.warehouse.connection import open_warehouse
from faultmap_assets.warehouse.repair import damage_of, repair_warehouse

ROWS = [
    {
        "example_id": f"e{n}",
        "model": "m",
        "input_text": f"What is {n} plus {n}?" if n % 2 else f"Name city number {n}.",
        "output_text": str(n),
        "score": n % 3 % 2,
    }
    for n in range(40)
]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    Path("faultmap.yaml").write_text("clusters: {map: pca}\n")
    Path("quiz.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    assert run(monkeypatch, "audit", "quiz.jsonl")[0] == 0
    return load_settings()


def run(monkeypatch, *arguments: str) -> tuple[int, None]:
    monkeypatch.setattr(sys, "argv", ["faultmap", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return int(stop.value.code or 0), None


def versions(instance: dg.DagsterInstance) -> dict[tuple[str, str | None], str]:
    found = {}
    for key in instance.all_asset_keys():
        records = instance.fetch_materializations(key, limit=100).records
        for record in reversed(records):
            event = record.asset_materialization
            found[key.to_user_string(), event.partition] = event.tags["dagster/data_version"]
    return found


def test_a_deleted_dagster_folder_is_rebuilt(project: Settings):
    with open_instance(project) as instance:
        before = versions(instance)
        keys = {name: instance.get_dynamic_partitions(name) for name in ("dataset", "model")}
    shutil.rmtree(project.home / "dagster")
    with open_instance(project) as instance:
        assert versions(instance) == {}
        assert rebuild_instance(project, instance) == len(before)
        assert versions(instance) == before
        assert {name: instance.get_dynamic_partitions(name) for name in ("dataset", "model")} == keys
        # Once told, it is not told again, and nothing is made again.
        assert rebuild_instance(project, instance) == 0
        assert refresh_stale(project, instance).made == ()


def test_a_warehouse_that_is_well_is_left_alone(project: Settings, monkeypatch, capsys):
    assert damage_of(project) == ""
    before = project.warehouse_path.read_bytes()
    assert run(monkeypatch, "doctor", "--repair")[0] == 0
    assert "is not damaged; nothing was changed" in capsys.readouterr().out.replace("\n", " ")
    assert project.warehouse_path.read_bytes() == before


def label(settings: Settings) -> None:
    with open_warehouse(settings).write() as connection:
        connection.execute(
            """INSERT INTO judgment_labels VALUES ('quiz', 'm', 'e1', true, true, '', 'mine', 'error', '', '', 'rules',
            now()::TIMESTAMP)"""
        )


def test_a_file_that_is_no_warehouse_any_more_is_set_aside_and_nothing_is_read_before_forgetting(
    project: Settings, monkeypatch, capsys
):
    damaged = b"x" * 4096 + project.warehouse_path.read_bytes()[4096:]
    project.warehouse_path.write_bytes(damaged)
    assert run(monkeypatch, "status")[0] == 2
    capsys.readouterr()
    assert run(monkeypatch, "doctor", "--repair")[0] == 2
    told = capsys.readouterr()
    assert "faultmap forget" in told.err
    (aside,) = project.home.glob("faultmap.duckdb.damaged-*")
    assert aside.read_bytes() == damaged
    assert open_warehouse(project).query("SELECT count(*) AS n FROM staging_rows").column("n")[0].as_py() == 0


def test_what_people_said_is_taken_over_and_the_files_are_read_again(project: Settings, monkeypatch, capsys):
    label(project)
    # As if a block of the rows could not be read: everything else can.
    real = duckdb.connect

    class Damaged:
        def __init__(self, connection):
            self._connection = connection

        def execute(self, sql, *arguments):
            if "FROM raw_evals AS" in sql:
                raise duckdb.IOException("Corrupt database file: computed checksum does not match")
            return self._connection.execute(sql, *arguments)

        def __getattr__(self, name):
            return getattr(self._connection, name)

    with monkeypatch.context() as broken:
        broken.setattr(duckdb, "connect", lambda *args, **options: Damaged(real(*args, **options)))
        assert "checksum" in damage_of(project)
        done = repair_warehouse(project)
    assert done.rescued["judgment_labels"] == 1
    assert done.lost == ()
    assert [Path(path).name for path in done.evals] == ["quiz.jsonl"]
    assert done.set_aside.exists()
    warehouse = open_warehouse(project)
    assert warehouse.query("SELECT note FROM judgment_labels").to_pylist() == [{"note": "mine"}]
    assert run(monkeypatch, "audit", *done.evals)[0] == 0
    assert warehouse.query("SELECT count(*) AS n FROM scores").column("n")[0].as_py() == len(ROWS)
