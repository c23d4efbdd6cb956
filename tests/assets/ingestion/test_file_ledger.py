"""The conservation ledger: every line of every file is accounted for, from its bytes to the rows that count."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from faultmap_assets.cli import app
from faultmap_assets.ingestion.file_ledger import count_partition, ledger_line, ledger_rows
from faultmap_assets.ingestion.staging import ingest_file
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import EvalOptions
from faultmap_core.data.log_table import LogOptions
from faultmap_core.readers.files.conservation import FileSize, LineAccount, count_lines
from tests import tool_files
from tests.log_files import every_eval_ever_record, lm_eval_sample, openai_evals_lines, write_lines, write_lm_eval

HEADER = "dataset,example_id,model,input_text,output_text,score\n"


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "var" / "w.duckdb")


@pytest.mark.parametrize(
    ("text", "lines"),
    [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("a\r\nb\r\n", 2), ("a\rb\rc", 3), ("\n\n\n", 3), ("a\r\n\rb\n", 3)],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32", "utf-8-sig"])
def test_lines_are_counted_in_the_bytes(text, lines, encoding):
    # A character whose UTF-16 code has the byte of a line end in it is none.
    for more in ("", "Ċ਀\n"):
        content = (text + more).encode(encoding)
        expected = len(io.StringIO(text + more, newline=None).readlines())
        assert count_lines(io.BytesIO(content)) == expected
    assert count_lines(io.BytesIO(text.encode(encoding))) == lines


def test_line_ends_across_blocks_are_one(monkeypatch):
    monkeypatch.setattr("faultmap_core.readers.files.conservation._BLOCK", 1)
    assert count_lines(io.BytesIO(b"a\r\nb\r\n\rc")) == 4


def test_what_does_not_add_up_is_an_error_of_the_file(tmp_path):
    for account, lines, rows, told in (
        (LineAccount(by_line=True, header=1, in_records=30, records=30), 1_001, 30, "1,001 lines and 31 were read"),
        (LineAccount(by_line=True, header=1, in_records=30, records=30), 31, 29, "30 records became 29 rows"),
        (LineAccount(records=4, expected_records=5), None, 4, "it holds 5 records and 4 were found"),
        (LineAccount(by_line=True, in_records=9, records=4, set_aside=5, examples=("3–7",)), 9, 4, "line 3–7"),
    ):
        with pytest.raises(EvalFileError, match=told):
            account.check(tmp_path / "q.csv", lines, rows)
    LineAccount(by_line=True, header=1, blank=2, in_records=30, records=28).check(tmp_path / "q.csv", 33, 28)
    assert FileSize(1, None).account == LineAccount()


FILE = (
    "sep=,\n" + HEADER + "d,1,m,q 1,yes,1\n\n" + 'd,2,m,"q\n2",no,0\n' + "d,1,m,q 1,yes,1\n" + "d,3,m,q 3,no,three\n"
    + "d,4,m,q 4\n" + 'd,5,m,"open,no,0\n' + "d,6,m,q 6,no,0\n" + ",,,,,\n"
)  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
def test_the_ledger_of_one_file(warehouse, tmp_path, packed):
    content = FILE.encode()
    path = tmp_path / ("q.csv.gz" if packed else "q.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    ingest_file(warehouse, path, EvalOptions())
    (row,) = ledger_rows(warehouse)
    # By hand: 12 lines; `sep=` and the header; two without a value; the record of two lines, five good or bad lines and
    # the one that is set aside.
    assert {name: value for name, value in row.items() if name != "path"} == {
        "bytes": path.stat().st_size, "physical_lines": 12, "header_lines": 2, "blank_lines": 2, "record_lines": 8,
        "lines_set_aside": 1, "set_aside": "10", "records": 7, "rows_kept": 3, "rows_quarantined": 3,
        "rows_repeated": 1, "rows_left_out": 0, "rows_superseded": 0,
    }  # fmt: skip
    line = ledger_line([row])
    assert line.endswith(f" 1 line could not be read as rows ({path.name}: line 10).")
    assert "12 lines): of 7 rows, 3 kept, 3 set aside (quarantined), 1 repeated." in line
    assert "quarantined" not in ledger_line([{**row, "rows_kept": 7, "rows_quarantined": 0, "rows_repeated": 0}])


def test_superseded_rows_are_counted(warehouse, tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.jsonl"
    old.write_text(HEADER + "d,1,m,q,old,0\nd,2,m,q,old,0\nd,3,m,q,old,0\n")
    row = {"dataset": "d", "model": "m", "input_text": "q", "output_text": "new", "score": 1}
    new.write_text("".join(json.dumps({**row, "example_id": str(n)}) + "\n" for n in (2, 3, 4)))
    for path in (old, new):
        ingest_file(warehouse, path, EvalOptions())
    found = {Path(row["path"]).name: row for row in ledger_rows(warehouse)}
    assert {name: row["rows_superseded"] for name, row in found.items()} == {"old.csv": 2, "new.jsonl": 0}
    assert ledger_line(list(found.values())).endswith(
        "all 6 rows kept. 2 of the kept no longer count: a newer file has the same example."
    )
    with warehouse.read() as connection:
        counted = count_partition(connection, {"dataset": "d", "model": "m"})
    assert (counted.staged, counted.present, counted.superseded, counted.unbalanced) == (6, 6, 2, ())


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("DELETE FROM staging_rows WHERE example_id = '1'", "3 rows kept, 2 there"),
        ("DELETE FROM quarantine WHERE line = 8", "3 rows quarantined, 2 there"),
        ("UPDATE stagings SET rows_repeated = 0", "7 rows read, 6 accounted for"),
        ("UPDATE file_ledger SET record_lines = 7", "12 lines in its bytes, 11 read"),
    ],
)
def test_what_is_lost_afterwards_is_noticed(warehouse, tmp_path, sql, told):
    path = tmp_path / "q.csv"
    path.write_text(FILE)
    ingest_file(warehouse, path, EvalOptions())
    with warehouse.write() as connection:
        assert count_partition(connection, {"dataset": "d", "model": "m"}).unbalanced == ()
        connection.execute(sql)
        (wrong,) = count_partition(connection, {"dataset": "d", "model": "m"}).unbalanced
    assert told in wrong


def test_the_ledger_of_a_log(warehouse, tmp_path):
    path = tmp_path / "l.jsonl"
    rows = [{"timestamp": f"2026-01-0{n}", "prompt": f"q {n}", "id": str(n)} for n in (1, 2)]
    path.write_text("\n".join([json.dumps(rows[0]), "{broken", "", json.dumps(rows[1])]))
    ingest_file(warehouse, path, LogOptions())
    (row,) = ledger_rows(warehouse)
    assert (row["physical_lines"], row["blank_lines"], row["records"]) == (4, 1, 3)
    assert (row["rows_kept"], row["rows_quarantined"]) == (2, 1)
    with warehouse.read() as connection:
        counted = count_partition(connection, {"day": "2026-01-01"})
    assert (counted.staged, counted.present, counted.unbalanced) == (1, 1, ())


IN_LINES = sorted(
    name for name, seed in tool_files.SEEDS.items() if seed.entry.endswith(("jsonl", "csv")) and name != "mt-bench"
)  # fmt: skip


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["lm-eval", "openai-evals", "every-eval-ever", "ragas", *IN_LINES])
def test_the_lines_of_tools_files_are_accounted_for(warehouse, tmp_path, name, packed):
    path = tool_lines(name, tmp_path)
    good = path.read_text().splitlines()
    # Without its last line end: two blank lines and one that is cut off.
    content = "\n".join([*good, "", "  ", '{"cut": "o'])
    broken_tables = path.suffix == ".csv"
    if broken_tables:
        content = "\n".join([*good, "", ",,"])
    path.write_text(content)
    if packed:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
        path = path.with_name(f"{path.name}.gz")
    ingest_file(warehouse, path, EvalOptions(model_name="m"))
    (row,) = ledger_rows(warehouse)
    extra = 2 if broken_tables else 3
    assert row["physical_lines"] == len(good) + extra
    assert row["header_lines"] == broken_tables
    assert row["blank_lines"] == 2
    assert row["record_lines"] == len(good) + extra - 2 - broken_tables
    assert row["rows_quarantined"] == (0 if broken_tables else 1)
    assert row["records"] == row["rows_kept"] + row["rows_quarantined"]


def tool_lines(name: str, folder: Path) -> Path:
    """Write a small log of a tool, one object or record on each line."""
    if name == "lm-eval":
        samples = [lm_eval_sample(n, filter=one) for n in range(4) for one in ("strict-match", "flexible-extract")]
        return write_lm_eval(folder, *samples)
    if name == "openai-evals":
        return write_lines(folder / "a.jsonl", *openai_evals_lines())
    if name == "every-eval-ever":
        return write_lines(folder / "a.jsonl", *(every_eval_ever_record(str(n)) for n in range(4)))
    if name == "ragas":
        return write_lines(folder / "a.jsonl", *({"user_input": f"q {n}", "response": "a", "faithfulness": 0.5}
                                                 for n in range(4)))  # fmt: skip
    for file, content in tool_files.SEEDS[name].files.items():
        tool_files.write_file(folder / file, content)
    return folder / tool_files.SEEDS[name].entry


def test_the_lines_of_spans_are_accounted_for(warehouse, tmp_path):
    spans = [
        {"name": "chat", "context": {"trace_id": f"t{n}", "span_id": f"s{n}"}, "start_time": f"2026-01-01T10:00:0{n}Z",
         "attributes": {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.prompt.0.role": "user",
                        "gen_ai.prompt.0.content": f"why {n}?", "gen_ai.completion.0.content": "so"}}
        for n in range(3)
    ]  # fmt: skip
    path = tmp_path / "spans.jsonl"
    path.write_text("\n".join([*map(json.dumps, spans), "", "{broken"]))
    ingest_file(warehouse, path, LogOptions())
    (row,) = ledger_rows(warehouse)
    assert (row["physical_lines"], row["blank_lines"], row["record_lines"]) == (5, 1, 4)
    assert (row["records"], row["rows_kept"], row["rows_quarantined"]) == (4, 3, 1)


def test_where_all_rows_of_a_file_contradict_each_other_it_is_an_error(warehouse, tmp_path):
    path = tmp_path / "q.csv"
    path.write_text(HEADER + "d,1,m,q,yes,1\nd,1,m,q,no,0\n")
    with pytest.raises(EvalFileError, match="no row can be used; the first: lines 2, 3 differ under one example_id"):
        ingest_file(warehouse, path, EvalOptions())
    assert ledger_rows(warehouse) == []


def test_a_defect_that_one_file_brings_to_light_is_its_error(warehouse, tmp_path, monkeypatch):
    path = tmp_path / "q.csv"
    path.write_text(FILE)
    monkeypatch.setattr("faultmap_assets.ingestion.staging.read_eval_file", lambda *_: [][0])
    with pytest.raises(EvalFileError, match="reading it failed unexpectedly: IndexError: list index out of range"):
        ingest_file(warehouse, path, EvalOptions())


def run(*arguments: object):
    return CliRunner().invoke(app, [str(one) for one in arguments], terminal_width=200)


def good(folder: Path, name: str = "good.csv") -> Path:
    rows = "".join(f"d,{n},m,question {n},answer,{n % 2}\n" for n in range(40))
    (folder / name).write_text(HEADER + rows)
    return folder / name


@pytest.mark.parametrize(
    ("content", "told"),
    [("d,1,m,,a,1\nd,2,m,,a,1\n", "no row can be used; the first, on line 2: input_text is missing"),
     ("d,1,m,q,a,1\nd,1,m,q,b,1\n", "no row can be used; the first: lines 2, 3 differ"),
     ("".join(f"d,{n},m,q {n},a,{n}\n" for n in range(1, 11)), "scores run from 1 to 10"),
     ("", "the file holds no rows")],
)  # fmt: skip
def test_a_file_without_a_usable_row_ends_with_2_and_the_reason(tmp_path, monkeypatch, content, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.csv").write_text(HEADER + content)
    result = run("audit", "bad.csv")
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())


@pytest.mark.slow
def test_bad_and_empty_files_never_stop_the_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "evals"
    folder.mkdir()
    good(folder)
    (folder / "empty.csv").write_text("")
    (folder / "only_header.csv").write_text(HEADER)
    (folder / "empty.jsonl").write_text("")
    result = run("audit", folder)
    assert result.exit_code == 0
    assert result.stderr.count("it is left out") == 3
    assert "Read 1 file (" in result.stdout
    assert "41 lines): all 40 rows kept." in result.stdout
    page = (tmp_path / "var" / "reports" / "audit_report.html").read_text()
    assert "41 lines): all 40 rows kept." in page
    report = json.loads((tmp_path / "var" / "reports" / "audit_report.json").read_text())
    assert report["run"]["files"]["physical_lines"] == 41
    # A file that cannot be read does not stop them either; it is an error.
    (folder / "bad.parquet").write_bytes(b"PAR1 and then nothing")
    again = run("audit", folder)
    assert again.exit_code == 2
    assert "bad.parquet" in again.stderr
    # A row that is lost in the warehouse blocks what is made of it.
    with Warehouse(tmp_path / "var" / "faultmap.duckdb").write() as connection:
        connection.execute("DELETE FROM staging_rows WHERE example_id = '7'")
    blocked = run("audit", "--force")
    assert blocked.exit_code == 1
    told = " ".join(blocked.stderr.split())
    assert "the check rows_conserved of raw_evals failed: 40 rows delivered by files, 39 there" in told
