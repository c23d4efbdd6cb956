"""What was written of a forgotten person is nowhere: not in names, alerts, taxonomies, reports, nor Dagster's logs."""

from __future__ import annotations

import json
import sqlite3
import zlib
from base64 import b64encode
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from faultmap_assets.cli import app
from faultmap_assets.defs.history.state import example_key
from faultmap_assets.ingestion.redaction import Subject
from faultmap_assets.ingestion.staging import ingest_file
from faultmap_assets.privacy.forget import find_rows, forget
from faultmap_assets.privacy.forget_runs import forget_runs
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse, open_warehouse
from faultmap_core.base.errors import ConfigurationError

PERSON, OTHER = "user-4711-jane", "user-0815-joe"
ASKED = "Please tell nobody about the tunnel under the mill in Ravensworth"
WORD = "ravensworth"


def log_row(number: int, asked: str, user: str | None, **more: object) -> dict[str, object]:
    row = {"id": f"request-{number}", "timestamp": f"2025-11-03T10:00:{number:02d}Z", "prompt": asked, "response": "ok"}
    return {**row, **({"user_id": user} if user else {}), **more}


def read_logs(settings: Settings, path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ingest_file(open_warehouse(settings), path, settings.log_options())


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    Path("faultmap.yaml").write_text("clusters: {map: pca}\n", encoding="utf-8")
    made = Settings.model_validate({"home": tmp_path / "var", "clusters": {"map": "pca"}})
    monkeypatch.setenv("FAULTMAP_HOME", str(made.home))
    rows = [log_row(n, f"What is the tax on a mill in {n} days?", OTHER) for n in range(5)]
    read_logs(made, tmp_path / "day.jsonl", [*rows, log_row(9, ASKED, PERSON)])
    return made


def everything(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file())


def rows_of(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with open_warehouse(settings).read() as connection:
        return connection.execute(sql).fetchall()


# Of two people one is forgotten: names that rest on the rows of the other stay as they are.
FINDING = """INSERT INTO finding_history (audit, area, kind, dataset, model, day, finding_id, name, status, rows,
    failures, design_effect, verdict, source_id, fixed_name, members)
VALUES (1, $area, $kind, $dataset, '', $day, $id, $name, 'same', 9, 3, 1, '', $source, $fixed, $members::UBIGINT[])"""
ALERT = """INSERT INTO alerts (alert_id, area, kind, dataset, model, finding_id, name, severity, day, message, stream,
    raised_at, is_open, silenced, delivery, attempts, note)
VALUES ($id, 'production', 'new_slice', 'production', '', $id, $name, 'warning', '2025-11-03', $message, $id,
    now()::TIMESTAMP, true, false, 'none', 0, '')"""
KNOWN = """INSERT INTO acknowledgements (acknowledged_at, dataset, finding_id, kind, model, name, until, error, note)
VALUES (now()::TIMESTAMP, 'production', $id, 'new_slice', '', $name, '', 0, 'known')"""


def finding(warehouse: Warehouse, number: int, name: str, **changes: object) -> str:
    row = {
        "area": "production", "kind": "gap", "dataset": "production", "day": "2025-11-01", "id": f"f-{number}",
        "name": name, "source": "", "fixed": False, "members": [],
    }  # fmt: skip
    with warehouse.write() as connection:
        connection.execute(FINDING, {**row, **changes})
        about = {"id": row["id"], "name": name}
        connection.execute(ALERT, {**about, "message": f"{name}: fails more often than before"})
        connection.execute(KNOWN, about)
    return str(row["id"])


def test_names_that_rest_on_a_forgotten_row_are_blank_and_those_that_do_not_stay(settings: Settings):
    warehouse = open_warehouse(settings)
    mine = int(example_key("2025-11-03|production|production|request-9"))
    theirs = int(example_key("2025-11-03|production|production|request-1"))
    blank = {
        finding(warehouse, 1, "tunnel, mill", kind="slice", members=sorted([mine, theirs])),
        finding(warehouse, 2, "tunnel gap", day="2025-11-03"),
        finding(warehouse, 3, "city = Ravensworth", kind="slice", fixed=True, members=[mine]),
    }
    kept = {
        finding(warehouse, 4, "tax, mill", kind="slice", members=[theirs]),
        finding(warehouse, 5, "gap of another day"),
        finding(warehouse, 6, "what = tax", kind="slice", fixed=True, members=[mine, theirs]),
    }
    done = forget(settings, [Subject("user", PERSON)])
    assert done.blanked["finding_history"] == done.blanked["alerts"] == done.blanked["acknowledgements"] == 3
    for table in ("finding_history", "alerts", "acknowledgements"):
        told = rows_of(settings, f"SELECT finding_id FROM {table} WHERE name = '[forgotten]'")
        assert {str(one) for (one,) in told} == blank, table
        left = rows_of(settings, f"SELECT finding_id FROM {table} WHERE name <> '[forgotten]'")
        assert {str(one) for (one,) in left} == kept, table
    messages = dict(rows_of(settings, "SELECT finding_id, message FROM alerts"))
    assert messages["f-1"] == "[forgotten]: fails more often than before"
    assert messages["f-4"] == "tax, mill: fails more often than before"
    members = [one for (own,) in rows_of(settings, "SELECT members FROM finding_history") for one in own]
    assert mine not in members
    assert members.count(theirs) == 3


def test_a_taxonomy_keeps_its_ids_and_loses_the_words_of_one_person(settings: Settings):
    category = {
        "category_id": "c1", "parent_id": None, "name": "Ravensworth tax", "description": "Errors about Ravensworth",
        "examples": [["Wrong town", "It says Ravensworth"], ["Wrong tax", "It says mill"]],
    }  # fmt: skip
    with open_warehouse(settings).write() as connection:
        connection.execute(
            "INSERT INTO taxonomies VALUES ('v1', 'model', 'x', 2, now()::TIMESTAMP, true, $content)",
            {"content": json.dumps({"version": "v1", "categories": [category]})},
        )
    assert forget(settings, [Subject("user", PERSON)]).blanked["taxonomies"] == 1
    [(content,)] = rows_of(settings, "SELECT content FROM taxonomies")
    [left] = json.loads(str(content))["categories"]
    assert left == {
        **category,
        "name": "[forgotten] tax",
        "description": "Errors about [forgotten]",
        "examples": [["Wrong tax", "It says mill"]],
    }


def test_what_checks_and_readers_say_names_nobody(settings: Settings):
    with open_warehouse(settings).write() as connection:
        for text in (f"two rows of {PERSON} differ", f"two rows of {PERSON}2 differ"):
            connection.execute("INSERT INTO check_results VALUES ('a', '', 'c', true, 'WARN', $text)", {"text": text})
    forget(settings, [Subject("user", PERSON)])
    told = rows_of(settings, "SELECT description FROM check_results ORDER BY 1")
    assert told == [("two rows of [forgotten] differ",), (f"two rows of {PERSON}2 differ",)]


# Dagster.


def event(instance: dg.DagsterInstance, text: str) -> None:
    metadata = {"slices": dg.MetadataValue.md(f"| {text} |")}
    instance.report_runless_asset_event(dg.AssetMaterialization("failure_slices", metadata=metadata))


def test_dagsters_events_and_logs_go_and_the_record_is_reported_again(settings: Settings):
    from faultmap_assets.kit.instance import open_instance

    with open_warehouse(settings).write() as connection:
        connection.execute(
            """INSERT INTO materializations (asset, partition_key, data_version, input_digest, inputs, run_id, rows,
                seconds, materialized_at)
            VALUES ('production_logs', '2025-11-03', 'v7', 'd', $inputs, 'r', 6, 1, now()::TIMESTAMP)""",
            {"inputs": '{"upstream": {}, "code_version": "", "settings": ""}'},
        )
    with open_instance(settings) as instance:
        event(instance, ASKED)
        instance.event_log_storage.set_concurrency_slots("warehouse_writer", 3)
    log = settings.home / "dagster" / "storage" / "a-run" / "compute_logs" / "step.out"
    log.parent.mkdir(parents=True)
    log.write_text(f"named: {ASKED}\n", encoding="utf-8")
    assert ASKED.encode() in everything(settings.home / "dagster")
    assert forget(settings, [Subject("user", PERSON)]).runs
    kept = everything(settings.home)
    assert ASKED.encode() not in kept
    assert WORD.encode() not in kept.lower()
    with open_instance(settings) as instance:
        [record] = instance.fetch_materializations(dg.AssetKey("production_logs"), limit=5).records
        assert record.asset_materialization.tags["dagster/data_version"] == "v7"
        assert instance.fetch_materializations(dg.AssetKey("failure_slices"), limit=5).records == []
        assert instance.event_log_storage.get_concurrency_info("warehouse_writer").slot_count == 3
    # Where nobody's rows were, Dagster keeps what it knows.
    assert not forget(settings, [Subject("user", "nobody-there")]).runs


def test_free_pages_and_the_write_ahead_log_hold_nothing(settings: Settings):
    path = settings.home / "dagster" / "extra.db"
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", (ASKED,))
        connection.execute("DELETE FROM t")
        assert ASKED.encode() in everything(path.parent)
        forget_runs(settings)
        assert ASKED.encode() not in everything(path.parent)


# Traces, names of datasets.


def test_a_step_of_the_same_trace_that_names_no_user_goes_and_stays_away(settings: Settings, tmp_path: Path):
    whole = log_row(20, ASKED, PERSON, trace_id="trace-abc", is_whole_trace=True)
    step = log_row(21, "the tunnel again", None, trace_id="trace-abc", is_whole_trace=False)
    other = log_row(22, "a tax question", None, trace_id="trace-xyz", is_whole_trace=False)
    with open_warehouse(settings).write() as connection:
        connection.execute("UPDATE staging_rows SET trace_id = 'trace-abc' WHERE user_id = $who", {"who": PERSON})
    read_logs(settings, tmp_path / "steps.jsonl", [whole, step, other])
    with open_warehouse(settings).write() as connection:
        # As the reader of Langfuse's exports says it.
        connection.execute(
            """UPDATE staging_rows SET trace_id = if(example_id = 'request-22', 'trace-xyz', 'trace-abc')
            WHERE example_id IN ('request-20', 'request-21', 'request-22')"""
        )
    subjects = [Subject("user", PERSON)]
    assert find_rows(open_warehouse(settings), subjects) == [("production", "production", "2025-11-03", 3)]
    forget(settings, subjects)
    left = {str(one) for (one,) in rows_of(settings, "SELECT example_id FROM staging_rows")}
    assert left == {f"request-{n}" for n in range(5)} | {"request-22"}
    digests = {str(one) for (one,) in rows_of(settings, "SELECT digest FROM forgotten")}
    [(trace,)] = rows_of(settings, "SELECT sha256(concat_ws(chr(31), 'trace', 'production', 'trace-abc'))")
    assert trace in digests


def test_a_misspelt_dataset_is_an_error_with_the_valid_names(settings: Settings):
    for subjects in ([Subject("user", PERSON, "prodution")], [Subject("id", "request-9", "school")]):
        for call in (lambda s=subjects: find_rows(open_warehouse(settings), s), lambda s=subjects: forget(settings, s)):
            with pytest.raises(ConfigurationError, match="there are production"):
                call()
    told = CliRunner().invoke(app, ["forget", "--user", PERSON, "--dataset", "prodution", "--home", str(settings.home)])
    assert told.exit_code != 0
    assert "did you mean production?" in str(told.exception)
    assert rows_of(settings, "SELECT count(*) FROM staging_rows") == [(6,)]


# Looking whether all of it is gone.


def found_by(settings: Settings, *sources: Path) -> tuple[int, dict[str, object]]:
    named = [part for source in sources for part in ("--source", str(source))]
    told = CliRunner().invoke(
        app, ["forget", "--user", PERSON, "--verify", "--json", *named, "--home", str(settings.home)]
    )
    assert told.exception is None or isinstance(told.exception, SystemExit), told.exception
    return told.exit_code, json.loads(told.output)


def test_it_is_found_before_and_not_after(settings: Settings, tmp_path: Path):
    source = tmp_path / "day.jsonl"
    code, told = found_by(settings, source)
    places = {(one["where"], one["what"].split(" ")[1]) for one in told["found"]}
    assert code == 1
    assert {("table staging_rows", "id"), ("table staging_rows", "text")} <= places
    forget(settings, [Subject("user", PERSON)])
    code, told = found_by(settings, source)
    assert (code, told["found"]) == (0, [])
    files = [path for path in settings.home.rglob("*") if path.is_file() and not path.is_symlink()]
    assert told["looked_at"]["files"] == len(files)
    assert told["looked_at"]["bytes"] == sum(path.stat().st_size for path in files)
    assert told["looked_for"] == {"ids": 2, "texts": 1, "texts_that_others_say_too": 0, "texts_too_short": 1}


@pytest.mark.parametrize("content", [
    f"named: {ASKED}".encode(),
    b"\x00\xff" * 9 + ASKED[:60].encode() + b"\x00",
    json.dumps({"metadata": json.dumps({"md": ASKED})}).encode(),
    b'<script data-part="texts-0">' + b64encode(zlib.compress(json.dumps([ASKED]).encode())) + b"</script>",
    b'<script data-part="rows">' + b64encode(zlib.compress(json.dumps([PERSON] * 9).encode())) + b"</script>",
    f"two rows of {PERSON} differ".encode(),
], ids=["plain", "cut, in binary", "JSON in JSON", "packed text", "packed id", "id"])  # fmt: skip
def test_whatever_holds_it_is_named(settings: Settings, tmp_path: Path, content: bytes):
    forget(settings, [Subject("user", PERSON)])
    hidden = settings.home / "somewhere" / "deep.bin"
    hidden.parent.mkdir()
    hidden.write_bytes(content)
    code, told = found_by(settings, tmp_path / "day.jsonl")
    assert code == 1
    assert {one["file"] for one in told["found"]} == {str(hidden.resolve())}


def test_deleted_rows_of_a_database_are_seen_until_it_is_written_anew(settings: Settings, tmp_path: Path):
    forget(settings, [Subject("user", PERSON)])
    with closing(sqlite3.connect(settings.home / "replies.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", (ASKED,))
        connection.execute("DELETE FROM t")
        assert found_by(settings, tmp_path / "day.jsonl")[0] == 1
        connection.execute("VACUUM")
    assert found_by(settings, tmp_path / "day.jsonl")[0] == 0


def test_what_others_say_too_is_not_looked_for_and_counted(settings: Settings, tmp_path: Path):
    source = tmp_path / "more.jsonl"
    common = "A question that two people have asked, word by word?"
    rows = [log_row(30, common, PERSON), log_row(31, common, OTHER), log_row(32, ASKED, PERSON)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    forget(settings, [Subject("user", PERSON)])
    (settings.home / "note.txt").write_text(common, encoding="utf-8")
    code, told = found_by(settings, source)
    assert (code, told["looked_for"]["texts_that_others_say_too"], told["looked_for"]["texts"]) == (0, 1, 1)


def test_a_short_id_is_compared_with_whole_values(settings: Settings, tmp_path: Path):
    read_logs(settings, tmp_path / "short.jsonl", [log_row(40, "q", "u-3"), log_row(41, "q", "u-30")])
    command = ["forget", "--user", "u-3", "--home", str(settings.home)]
    told = CliRunner().invoke(app, [*command, "--verify"], env={"COLUMNS": "200"})
    assert (told.exit_code, "table staging_rows: the id u-3" in told.output) == (1, True)
    forget(settings, [Subject("user", "u-3")])
    told = CliRunner().invoke(app, [*command, "--verify"], env={"COLUMNS": "200"})
    assert (told.exit_code, "Nothing of it was found." in told.output) == (0, True), told.output
    assert CliRunner().invoke(app, [*command, "--source", "x"]).exit_code == 2
