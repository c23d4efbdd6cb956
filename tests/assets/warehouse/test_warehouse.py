"""Nobody sees half of a write, and nobody waits without being told for whom."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse, delete_partition, insert, open_warehouse, replace_partition
from faultmap_core.base.errors import WarehouseError, WarehouseLockedError, WarehouseVersionError

HOSTILE = [
    "'; DROP TABLE scores; --",
    '"',
    "$dataset",
    "{}",
    "\\",
    "%s",
    "a\x00b",
    "a\nb",
    "日本語",
    "😀",
    "",
    "NULL",
    "x" * 10_000,
]

_HOLD = """
import sys, time
import duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("BEGIN TRANSACTION")
connection.execute("UPDATE prompt_clusters SET x = 2")
print("held", flush=True)
sys.stdin.readline()
connection.execute("COMMIT")
connection.close()
"""


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "state" / "w.duckdb", lock_timeout_seconds=10)


def members(*rows):
    columns = ("dataset", "model", "slice_id", "example_id")
    return pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows])


def stored(warehouse, table="failure_slice_members"):
    return [tuple(row.values()) for row in warehouse.query(f"SELECT * FROM {table} ORDER BY ALL").to_pylist()]


@contextmanager
def held_by_another_process(path):
    """Another process writes to the warehouse until its standard input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield process
        if not process.stdin.closed:
            process.stdin.close()


def test_it_is_made_at_the_first_use(warehouse):
    assert not warehouse.path.exists()
    assert stored(warehouse) == []
    assert warehouse.path.is_file()


def test_every_table_has_partition_columns_named_alike(warehouse):
    columns = warehouse.query("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal").to_pylist()
    tables = {row["table_name"]: set() for row in columns}
    for row in columns:
        tables[row["table_name"]].add(row["column_name"])
    for table in ("raw_evals", "scores", "failure_slices", "failure_slice_members", "quarantine"):
        assert tables[table] >= {"dataset", "model"}
    for table in ("prompt_embeddings", "prompt_clusters"):
        assert "dataset" in tables[table]
        assert "model" not in tables[table]


def test_a_partition_is_replaced_and_no_other_one(warehouse):
    with warehouse.write() as connection:
        insert(connection, "failure_slice_members", members(*[(d, m, "s", "1") for d in "ab" for m in "xy"]))
    for _ in range(2):
        with warehouse.write() as connection:
            new = members(("a", "x", "s", "2"), ("a", "x", "s", "3"))
            replace_partition(connection, "failure_slice_members", {"dataset": "a", "model": "x"}, new)
        others = [("a", "y", "s", "1"), ("b", "x", "s", "1"), ("b", "y", "s", "1")]
        assert stored(warehouse) == [("a", "x", "s", "2"), ("a", "x", "s", "3"), *others]
    with warehouse.write() as connection:
        delete_partition(connection, "failure_slice_members", {"dataset": "b"})
    assert {row[0] for row in stored(warehouse)} == {"a"}
    with warehouse.write() as connection:
        replace_partition(connection, "failure_slice_members", {}, members(("c", "x", "s", "1")))
    assert stored(warehouse) == [("c", "x", "s", "1")]


def test_columns_are_matched_by_name(warehouse):
    rows = members(("a", "x", "s", "1")).select(["example_id", "model", "slice_id", "dataset"])
    with warehouse.write() as connection:
        insert(connection, "failure_slice_members", rows)
    assert stored(warehouse) == [("a", "x", "s", "1")]


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt(), WarehouseError("broken")])
def test_an_error_leaves_everything_as_it_was(warehouse, error):
    with warehouse.write() as connection:
        insert(connection, "failure_slice_members", members(("a", "x", "s", "1")))

    def fail_halfway():
        with warehouse.write() as connection:
            replace_partition(connection, "failure_slice_members", {"dataset": "a"}, members(("a", "x", "s", "2")))
            connection.execute("CREATE TABLE left_behind (x INTEGER)")
            raise error

    with pytest.raises(type(error)):
        fail_halfway()
    assert stored(warehouse) == [("a", "x", "s", "1")]
    assert warehouse.query("SELECT 1 FROM duckdb_tables() WHERE table_name = 'left_behind'").num_rows == 0


def test_a_failing_statement_leaves_everything_as_it_was(warehouse):
    def fail():
        with warehouse.write() as connection:
            insert(connection, "failure_slice_members", members(("a", "x", "s", "1")))
            connection.execute("INSERT INTO failure_slice_members VALUES (NULL, 'x', 's', '1')")

    with pytest.raises(duckdb.ConstraintException):
        fail()
    assert stored(warehouse) == []


@pytest.mark.parametrize("value", HOSTILE)
def test_values_are_values_and_never_sql(warehouse, value):
    row = (value, value, value, value)
    with warehouse.write() as connection:
        insert(connection, "failure_slice_members", members(row, ("other",) * 4))
        replace_partition(
            connection, "failure_slice_members", {"dataset": value, "model": value}, members(row, (*row[:3], "2"))
        )
    assert sorted(stored(warehouse)) == sorted([row, (*row[:3], "2"), ("other",) * 4])
    found = warehouse.query("SELECT count(*) AS n FROM failure_slice_members WHERE dataset = $d", {"d": value})
    assert found.to_pylist() == [{"n": 2}]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_any_text_comes_back_as_it_was(tmp_path_factory, text):
    warehouse = Warehouse(tmp_path_factory.getbasetemp() / "any-text.duckdb")
    with warehouse.write() as connection:
        replace_partition(connection, "failure_slice_members", {}, members((text,) * 4))
    assert stored(warehouse) == [(text,) * 4]


@pytest.mark.parametrize("name", ["scores; DROP TABLE scores", "Scores", "", "a b", '"scores"'])
def test_a_name_that_is_no_identifier_is_a_defect(warehouse, name):
    def delete():
        with warehouse.write() as connection:
            delete_partition(connection, name, {})

    with pytest.raises(ValueError, match="is no identifier"):
        delete()


@pytest.mark.parametrize("folder", ["with space", "ü", "it's", "[a-z]*", "a;b"])
def test_the_path_may_hold_anything(tmp_path, folder):
    warehouse = Warehouse(tmp_path / folder / "w.duckdb")
    assert stored(warehouse) == []


def test_vectors_come_back_as_floats(warehouse):
    vectors = pa.table(
        {"embedder": ["e"], "text_hash": ["h"], "vector": pa.array([[0.1, 0.2]], pa.list_(pa.float32()))}
    )
    with warehouse.write() as connection:
        insert(connection, "embedding_vectors", vectors)
    found = warehouse.query("SELECT vector FROM embedding_vectors").column("vector")
    assert found.type.value_type == pa.float32()
    assert found.to_pylist()[0] == pytest.approx([0.1, 0.2])


def one_prompt():
    return pa.table(
        {
            "dataset": ["a"], "position": pa.array([0], pa.int32()), "prompt_id": ["p"],
            "cluster": pa.array([0], pa.int32()), "x": pa.array([1], pa.float32()), "y": pa.array([1], pa.float32()),
        }
    )  # fmt: skip


@pytest.mark.parametrize("way", ["read", "write"])
def test_another_process_is_waited_for(warehouse, way):
    with warehouse.write() as connection:
        insert(connection, "prompt_clusters", one_prompt())
    with held_by_another_process(warehouse.path) as process:
        released = threading.Event()

        def let_go() -> None:
            released.set()
            process.stdin.close()

        release = threading.Timer(0.5, let_go)
        release.start()
        with getattr(warehouse, way)() as connection:
            # The other one's whole transaction, or none of it: here, having waited, the whole.
            assert connection.execute("SELECT x FROM prompt_clusters").fetchall() == [(2.0,)]
            assert released.is_set()
        release.join()


@pytest.mark.parametrize("way", ["read", "write"])
def test_after_the_time_is_up_the_holder_is_named(warehouse, way):
    stored(warehouse)
    impatient = Warehouse(warehouse.path, lock_timeout_seconds=0.3)

    def use():
        with getattr(impatient, way)():
            pass

    with held_by_another_process(warehouse.path) as process:
        with pytest.raises(WarehouseLockedError) as caught:
            use()
        assert f"PID {process.pid}" in str(caught.value)
    told = str(caught.value)
    assert str(warehouse.path) in told
    assert "has held it for 0.3 s; wait for it, or raise warehouse.lock_timeout_seconds" in told
    assert "\n" not in told
    use()


def test_readers_of_one_process_wait_for_its_writer(warehouse):
    stored(warehouse)
    seen = []
    reader = threading.Thread(target=lambda: seen.append(stored(warehouse)))
    with warehouse.write() as connection:
        insert(connection, "failure_slice_members", members(("a", "x", "s", "1")))
        reader.start()
        reader.join(0.3)
        assert seen in ([], [[]])
        insert(connection, "failure_slice_members", members(("a", "x", "s", "2")))
    reader.join(10)
    assert seen in ([[("a", "x", "s", "1"), ("a", "x", "s", "2")]], [[]])


def test_two_readers_do_not_disturb_each_other(warehouse):
    stored(warehouse)
    with warehouse.read() as first, warehouse.read() as second:
        assert first.execute("SELECT 1").fetchall() == second.execute("SELECT 1").fetchall() == [(1,)]


def test_many_writers_all_get_their_turn(warehouse):
    stored(warehouse)

    def write(number):
        with warehouse.write() as connection:
            insert(connection, "failure_slice_members", members(("a", "x", "s", str(number))))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [row[3] for row in stored(warehouse)] == list("012345")


def test_a_reader_cannot_write(warehouse):
    with warehouse.read() as connection, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        connection.execute("DELETE FROM scores")


@pytest.mark.parametrize("way", ["read", "write"])
def test_a_newer_warehouse_is_refused(warehouse, way):
    with warehouse.write() as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (999, '999_future.sql', current_localtimestamp())")

    def use():
        with getattr(warehouse, way)():
            pass

    with pytest.raises(WarehouseVersionError, match=r"newer version.*schema 999.*upgrade faultmap-assets"):
        use()


def test_an_older_warehouse_is_migrated_by_a_reader(tmp_path):
    path = tmp_path / "w.duckdb"
    duckdb.connect(str(path)).close()
    warehouse = Warehouse(path)
    assert stored(warehouse) == []
    applied = warehouse.query(
        "SELECT version, name FROM schema_migrations WHERE version > 0 ORDER BY version"
    ).to_pylist()
    assert applied[0] == {"version": 1, "name": "001_foundation.sql"}
    versions = [row["version"] for row in applied]
    assert versions == sorted(set(versions))
    assert len(versions) == len(list((files("faultmap_assets.warehouse") / "migrations").glob("[0-9]*.sql")))


@pytest.mark.parametrize("content", [b"this is no database\n" * 500, b"short", b"SQLite format 3\0" + b"\0" * 5000])
@pytest.mark.parametrize("way", ["read", "write"])
def test_a_file_that_is_no_database_is_named(tmp_path, content, way):
    path = tmp_path / "w.duckdb"
    path.write_bytes(content)

    def use():
        with getattr(Warehouse(path), way)():
            pass

    with pytest.raises(WarehouseError) as caught:
        use()
    assert str(caught.value).startswith(f"warehouse {path}: cannot be opened: ")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_place_that_cannot_hold_it_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "w.duckdb", tmp_path):
        with pytest.raises(WarehouseError, match=str(path)):
            Warehouse(path).query("SELECT 1")


def test_the_settings_say_where_and_how():
    warehouse = open_warehouse(
        Settings.model_validate(
            {"home": "h", "warehouse": {"lock_timeout_seconds": 3, "memory_limit_mb": 200}}
        )
    )  # fmt: skip
    assert warehouse == Warehouse(Path("h/faultmap.duckdb"), 3, 200)
    assert warehouse.query("SELECT current_setting('memory_limit') AS limit").to_pylist()[0]["limit"] == "190.7 MiB"
