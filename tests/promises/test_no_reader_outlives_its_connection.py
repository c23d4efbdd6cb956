"""A reader of a query's batches never outlives its connection: the next opening of the file would spin for ever."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import faultmap_assets
from faultmap_assets.warehouse.connection import Warehouse, batches

# What hands out a stream over an open connection, in the names that DuckDB has or had for it.
_STREAMS = re.compile(r"\.(to_arrow_reader|fetch_record_batch|fetch_arrow_reader|arrow)\(")


def _opens_again(warehouse: Warehouse) -> None:
    with warehouse.write() as connection:
        assert connection.execute("SELECT count(*) FROM many").fetchone() == (5_000,)


@pytest.mark.parametrize("how", ["read to the end", "left early", "an error in the middle"])
def test_the_file_opens_again_while_somebody_still_holds_the_batches(tmp_path: Path, how: str):
    warehouse = Warehouse(tmp_path / "w.duckdb")
    with warehouse.write() as connection:
        connection.execute("CREATE TABLE many AS SELECT range AS number FROM range(5_000)")
    held: list[object] = []
    rows = 0
    try:
        with warehouse.read() as connection:
            found = batches(connection, "SELECT number FROM many WHERE number >= $least", {"least": 1}, 1_000)
            held.append(found)
            for batch in found:
                held.append(batch)
                rows += batch.num_rows
                if how == "left early":
                    break
                if how == "an error in the middle":
                    raise ZeroDivisionError
    except ZeroDivisionError as error:
        # A kept error keeps the frames in which it was raised, and all that these hold.
        held.append(error)
    _opens_again(warehouse)
    assert held
    assert rows == (4_999 if how == "read to the end" else 1_000)


def test_no_module_asks_for_a_stream():
    root = Path(faultmap_assets.__file__).parent
    found = {
        str(path.relative_to(root)): len(_STREAMS.findall(path.read_text(encoding="utf-8")))
        for path in root.rglob("*.py")
        if _STREAMS.search(path.read_text(encoding="utf-8"))
    }
    assert found == {}
