"""Files become staged rows once; what a file no longer says is forgotten; nothing of an unreadable file is kept."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faultmap_assets.assets.evals import raw_evals
from faultmap_assets.ingestion import find_source_files, ingest_file
from faultmap_assets.records import read_state
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse import Warehouse
from faultmap_core.errors import ConfigurationError, EvalFileError
from faultmap_core.evals import EvalOptions

HEADER = "example_id,model,input_text,output_text,score\n"
STAGING_TABLES = ("source_files", "stagings", "staging_partitions", "staging_rows", "quarantine")


@pytest.fixture
def warehouse(tmp_path):
    return Warehouse(tmp_path / "var" / "w.duckdb")


@pytest.fixture
def quiz(tmp_path):
    """A file of three good rows of two models, a bad one and a repeated one."""
    path = tmp_path / "quiz.csv"
    path.write_text(HEADER + "007,m,q 1,yes,1\n8,m,q 2,,0\n007,n,q 1,no,\n9,m,q 3,no,bad\n8,m,q 2,,0\n")
    return path


def ingest(warehouse, path, **options):
    return ingest_file(warehouse, path, EvalOptions(**options))


def staged(warehouse, *columns):
    rows = warehouse.query(f"SELECT {', '.join(columns)} FROM staging_rows ORDER BY dataset, model, line")
    return [tuple(row.values()) for row in rows.to_pylist()]


def count(warehouse, table):
    return warehouse.query(f"SELECT count(*) AS n FROM {table}").to_pylist()[0]["n"]


def quarantine(warehouse):
    rows = warehouse.query("SELECT path, line, reason FROM quarantine ORDER BY path, line").to_pylist()
    return [tuple(row.values()) for row in rows]


def sources(warehouse):
    with warehouse.read() as connection:
        return {source.key: digest for source, digest in read_state(connection).sources.items()}


def everything(warehouse):
    return {table: sorted(map(str, warehouse.query(f"SELECT * FROM {table}").to_pylist())) for table in STAGING_TABLES}


def newest_rows(warehouse, dataset, model):
    """Return what the asset `raw_evals` holds of one partition."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("dataset", [dataset])
        instance.add_dynamic_partitions("model", [model])
        resources = {"warehouse": warehouse, "settings": Settings()}
        key = dg.MultiPartitionKey({"dataset": dataset, "model": model})
        assert dg.materialize([raw_evals], partition_key=key, instance=instance, resources=resources).success
    columns = "example_id, epoch, output_text, source_path, source_line"
    rows = warehouse.query(f"SELECT {columns} FROM raw_evals ORDER BY example_id, epoch").to_pylist()
    return [tuple(row.values()) for row in rows]


def test_rows_are_staged_and_accounted_for(warehouse, quiz):
    seen = []
    result = ingest_file(warehouse, quiz, EvalOptions(), seen.append)
    assert result.news
    assert (result.rows_read, result.rows_kept, result.rows_quarantined, result.rows_repeated) == (5, 3, 1, 1)
    assert result.partitions == (("quiz", "m"), ("quiz", "n"))
    assert seen[-1] == 5
    assert staged(warehouse, "dataset", "model", "example_id", "output_text", "score", "line") == [
        ("quiz", "m", "007", "yes", 1.0, 2),
        ("quiz", "m", "8", "", 0.0, 3),
        ("quiz", "n", "007", "no", None, 4),
    ]
    assert quarantine(warehouse) == [(str(quiz), 5, "score 'bad' is no number")]
    assert set(sources(warehouse)) == {"quiz|m", "quiz|n"}


def test_two_different_rows_with_one_key_are_both_quarantined(warehouse, tmp_path):
    path = tmp_path / "quiz.csv"
    path.write_text(HEADER + "1,m,q 1,yes,1\n2,m,q 2,yes,1\n1,m,q 1,no,0\n3,m,q 3,yes,1\n3,m,q 3,yes,1\n")
    result = ingest(warehouse, path)
    assert (result.rows_read, result.rows_kept, result.rows_quarantined, result.rows_repeated) == (5, 2, 2, 1)
    assert staged(warehouse, "example_id", "line") == [("2", 3), ("3", 5)]
    reason = "lines 2, 4 differ under one example_id; give repeats an `epoch` column, other examples another id"
    assert quarantine(warehouse) == [(str(path), 2, reason), (str(path), 4, reason)]
    kept = warehouse.query("SELECT excerpt, dataset, model FROM quarantine ORDER BY line").to_pylist()
    assert kept[0] == {"excerpt": "q 1", "dataset": "quiz", "model": "m"}


def test_epochs_are_repeats_and_no_conflict(warehouse, tmp_path):
    path = tmp_path / "quiz.csv"
    path.write_text("example_id,model,input_text,output_text,score,epoch\n1,m,q,yes,1,1\n1,m,q,no,0,2\n")
    assert ingest(warehouse, path).rows_kept == 2
    assert [row[:3] for row in newest_rows(warehouse, "quiz", "m")] == [("1", 1, "yes"), ("1", 2, "no")]


def test_metadata_survives(warehouse, tmp_path):
    path = tmp_path / "quiz.jsonl"
    row = {"example_id": "1", "model": "m", "input_text": "q", "topic": "sums", "tags": ["a"], "gap": None}
    path.write_text(json.dumps(row) + "\n")
    ingest(warehouse, path)
    assert json.loads(staged(warehouse, "metadata")[0][0]) == {"topic": "sums", "tags": ["a"]}


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"])
def test_every_format_says_the_same(warehouse, tmp_path, suffix):
    rows = [
        {"example_id": "007", "model": "m", "input_text": 'é, "q"\n;', "output_text": "", "score": 1.0, "topic": "t"},
        {"example_id": "8", "model": "m", "input_text": "日本", "output_text": "x", "score": None, "topic": "u"},
    ]
    path = tmp_path / f"quiz.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        text = io.StringIO()
        if "csv" in suffix:
            writer = csv.DictWriter(text, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        else:
            text.writelines(json.dumps(row) + "\n" for row in rows)
        content = text.getvalue().encode()
        path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    assert ingest(warehouse, path).rows_kept == 2
    assert staged(warehouse, "dataset", "example_id", "input_text", "output_text", "score", "metadata") == [
        ("quiz", "007", 'é, "q"\n;', "", 1.0, '{"topic": "t"}'),
        ("quiz", "8", "日本", "x", None, '{"topic": "u"}'),
    ]


def test_the_same_file_again_is_no_news(warehouse, quiz):
    first = ingest(warehouse, quiz)
    before = everything(warehouse)
    os.utime(quiz, (1, 1))
    again = ingest(warehouse, quiz)
    assert (first.news, again.news) == (True, False)
    assert (again.rows_read, again.rows_kept, again.partitions) == (5, 3, first.partitions)
    assert everything(warehouse) == before


def test_the_same_bytes_elsewhere_change_nothing(warehouse, quiz, tmp_path):
    ingest(warehouse, quiz)
    before, rows = sources(warehouse), staged(warehouse, "line")
    copy = tmp_path / "elsewhere" / "quiz.csv"
    copy.parent.mkdir()
    copy.write_bytes(quiz.read_bytes())
    assert ingest(warehouse, copy).rows_read == 5
    assert sources(warehouse) == before
    assert staged(warehouse, "line") == rows
    # Only when both paths say something else is it forgotten; what is kept is named after a file that still says it.
    quiz.write_text(HEADER + "1,m,q,other,1\n")
    ingest(warehouse, quiz)
    assert quarantine(warehouse) == [(str(copy), 5, "score 'bad' is no number")]
    assert {row[3] for row in newest_rows(warehouse, "quiz", "m")} == {str(quiz), str(copy)}
    copy.write_text(HEADER + "2,m,q,another,1\n")
    ingest(warehouse, copy)
    assert staged(warehouse, "output_text") == [("other",), ("another",)]
    assert quarantine(warehouse) == []


def test_a_changed_file_replaces_what_it_said_before(warehouse, quiz):
    ingest(warehouse, quiz)
    before = sources(warehouse)
    quiz.write_text(HEADER + "007,m,q 1,yes,1\n")
    result = ingest(warehouse, quiz)
    assert (result.news, result.rows_read, result.partitions) == (True, 1, (("quiz", "m"),))
    assert staged(warehouse, "model", "example_id") == [("m", "007")]
    assert quarantine(warehouse) == []
    assert set(sources(warehouse)) == {"quiz|m"}
    assert sources(warehouse)["quiz|m"] != before["quiz|m"]
    assert count(warehouse, "source_files") == count(warehouse, "stagings") == 1


def test_a_vanished_partition_takes_everything_made_from_it_along(warehouse, quiz):
    ingest(warehouse, quiz)
    newest_rows(warehouse, "quiz", "m")
    newest_rows(warehouse, "quiz", "n")
    kept = quiz.read_text().replace("007,n,q 1,no,\n", "")
    quiz.write_text(kept)
    ingest(warehouse, quiz)
    assert warehouse.query("SELECT DISTINCT model FROM raw_evals").to_pylist() == [{"model": "m"}]
    records = warehouse.query("SELECT asset, partition_key FROM materializations").to_pylist()
    assert records == [{"asset": "raw_evals", "partition_key": "quiz|m"}]


def test_the_order_of_a_file_s_rows_is_no_difference(warehouse, tmp_path):
    digests = []
    for lines in (["1,m,q,a,1", "2,m,q,b,0"], ["2,m,q,b,0", "1,m,q,a,1"], ["2,m,q,b,0", "1,m,q,a,0"]):
        path = tmp_path / "quiz.csv"
        path.write_text(HEADER + "\n".join(lines))
        ingest(warehouse, path)
        digests.append(sources(warehouse)["quiz|m"])
    assert digests[0] == digests[1] != digests[2]


def test_a_newer_file_supersedes_the_same_key(warehouse, tmp_path):
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    named = "dataset," + HEADER
    first.write_text(named + "d,1,m,q 1,old,0\nd,2,m,q 2,old,0\n")
    second.write_text(named + "d,2,m,q 2,new,1\nd,3,m,q 3,new,1\n")
    ingest(warehouse, first)
    alone = sources(warehouse)
    ingest(warehouse, second)
    assert sources(warehouse) != alone
    assert newest_rows(warehouse, "d", "m") == [
        ("1", 1, "old", str(first), 2), ("2", 1, "new", str(second), 2), ("3", 1, "new", str(second), 3),
    ]  # fmt: skip
    second.write_text(named + "d,3,m,q 3,new,1\n")
    ingest(warehouse, second)
    assert [row[2] for row in newest_rows(warehouse, "d", "m")] == ["old", "old", "new"]


def test_other_options_read_the_file_again(warehouse, quiz):
    ingest(warehouse, quiz)
    wide = ingest(warehouse, quiz, default_score_range=(0.0, 2.0))
    assert (wide.news, wide.rows_kept, wide.rows_quarantined) == (True, 3, 1)
    named = ingest(warehouse, quiz, column_map={"dataset": "model"}, model_name="one", dataset_name="d")
    assert named.partitions == (("m", "m"), ("n", "n"))
    assert count(warehouse, "stagings") == 1
    assert not ingest(warehouse, quiz, column_map={"dataset": "model"}, model_name="one", dataset_name="d").news


def test_files_without_names_and_ids(warehouse, tmp_path):
    for model in ("a", "b"):
        path = tmp_path / f"{model}.csv"
        path.write_text("question,answer\nwhy?,so\nhow?,thus\n")
        options = {"column_map": {"input_text": "question", "output_text": "answer"}, "generate_ids": True}
        assert ingest(warehouse, path, dataset_name="exam", model_name=model, **options).rows_kept == 2
    ids = staged(warehouse, "model", "example_id")
    assert [one for model, one in ids if model == "a"] == [one for model, one in ids if model == "b"]
    assert set(sources(warehouse)) == {"exam|a", "exam|b"}


UNREADABLE = {
    "q.csv": b"",
    "r.csv": b"a,b\n1,2\n",
    "s.csv": b"\x00\x01\x02" * 99,
    "t.csv.gz": gzip.compress((HEADER + "1,m,q,yes,1\n" * 9000).encode())[:-30],
    "u.parquet": b"PAR1 and then nothing",
    "v.xlsx": b"PK",
    "w|w.csv": (HEADER + "1,m,q,yes,1\n").encode(),
    "x.jsonl": b'{"model": "m"}\n',
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_nothing_of_an_unreadable_file_is_stored(warehouse, quiz, tmp_path, name):
    ingest(warehouse, quiz)
    before = everything(warehouse)
    path = tmp_path / name
    path.write_bytes(UNREADABLE[name])
    with pytest.raises(EvalFileError, match=r".+: .+") as caught:
        ingest(warehouse, path)
    assert str(path) in str(caught.value)
    assert everything(warehouse) == before
    assert sorted(entry.name for entry in warehouse.path.parent.iterdir()) == ["w.duckdb"]


def test_a_missing_file_is_an_error(warehouse, tmp_path):
    with pytest.raises(EvalFileError, match=r"missing\.csv: No such file"):
        ingest(warehouse, tmp_path / "missing.csv")


def test_a_file_that_became_unreadable_leaves_what_it_said(warehouse, quiz):
    ingest(warehouse, quiz)
    before = everything(warehouse)
    quiz.write_bytes(b"")
    with pytest.raises(EvalFileError, match="is empty"):
        ingest(warehouse, quiz)
    assert everything(warehouse) == before


def test_a_file_name_of_bytes_that_are_no_text(warehouse, tmp_path):
    paths = [Path(os.fsdecode(os.fsencode(tmp_path) + name)) for name in (b"/\xff.csv", b"/\xfe.csv")]
    for number, path in enumerate(paths):
        path.write_text(f"{HEADER}{number},m,q,yes,1\n9,m,q,yes,bad\n")
        assert ingest(warehouse, path, dataset_name="d").rows_kept == 1
    assert count(warehouse, "source_files") == 2
    assert [Path(row[0]).name for row in quarantine(warehouse)] == ["\\xfe.csv", "\\xff.csv"]


def test_what_is_found_oldest_first(tmp_path):
    folder = tmp_path / "evals"
    for age, name in enumerate(["c.csv", "a.jsonl.gz", "sub/b.parquet", "sub/D.CSV", "e.tsv"]):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1000 - age, 1000 - age))
    for name in (".hidden.csv", ".git/x.csv", "sub/.cache/y.csv", "notes.txt", "notes.csv.bak"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "folder.csv").mkdir()

    def found(*patterns):
        return [str(path.relative_to(folder)) for path in find_source_files(patterns)]

    assert found(str(folder)) == ["e.tsv", "sub/D.CSV", "sub/b.parquet", "a.jsonl.gz", "c.csv"]
    assert found(f"{folder}/*.csv") == ["c.csv"]
    assert found(f"{folder}/**/*.parquet") == ["sub/b.parquet"]
    assert found(str(folder / "c.csv"), str(folder), f"{folder}/sub/../c.csv") == found(str(folder))
    assert found(str(folder / ".hidden.csv")) == [".hidden.csv"]
    assert found(str(folder / "notes.txt")) == ["notes.txt"]


def test_patterns_are_relative_to_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a[1].csv").touch()
    monkeypatch.chdir(tmp_path / "in")
    for pattern in ("a[1].csv", "*.csv", ".", "../in/*"):
        assert find_source_files([pattern]) == [tmp_path / "in" / "a[1].csv"]


@pytest.mark.parametrize("pattern", ["missing.csv", "*.parquet", "empty", "x" * 5000])
def test_a_pattern_that_matches_nothing_is_an_error(tmp_path, pattern):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match=r"no eval file there; expected a file, a folder or a glob of \.csv"):
        find_source_files([pattern])


def test_another_home_may_have_any_name(tmp_path, quiz):
    warehouse = Warehouse(tmp_path / "a [b] *c 'd'" / "w.duckdb")
    assert ingest(warehouse, quiz).rows_kept == 3


any_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(any_text.filter(str.strip), min_size=1, max_size=30))
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_any_text_survives_from_file_to_warehouse(tmp_path, suffix, texts):
    rows = [
        {"example_id": str(number), "model": "m", "input_text": text, "output_text": text}
        for number, text in enumerate(texts)
    ]
    path = tmp_path / f"quiz.{suffix}"
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        if suffix == "csv":
            writer = csv.DictWriter(stream, list(rows[0]), quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)
        else:
            stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    warehouse = Warehouse(tmp_path / "w.duckdb")
    ingest(warehouse, path)
    assert staged(warehouse, "input_text", "output_text") == [(text, text) for text in texts]


messy_cell = st.sampled_from(["1", "2", "m", "q", "0.5", "nan", "", "bad", '"', '"two\nlines"', 'a"b', "é", "x|y"])
messy_line = st.lists(messy_cell, max_size=7).map(",".join) | st.sampled_from(["1,m,q,yes,1", "1,m,q,no,0", "2,m,r,,"])


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(messy_line, max_size=25))
def test_every_row_of_a_messy_file_is_accounted_for(tmp_path, lines):
    # The same path every time: each example also replaces the one before.
    path = tmp_path / "quiz.csv"
    path.write_text(HEADER + "good,m,q,yes,1\n" + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    warehouse = Warehouse(tmp_path / "w.duckdb")
    result = ingest(warehouse, path)
    assert result.rows_read == result.rows_kept + result.rows_quarantined + result.rows_repeated
    assert result.rows_kept == count(warehouse, "staging_rows")
    assert result.rows_quarantined == count(warehouse, "quarantine")
    keys = warehouse.query("SELECT dataset, model, example_id, epoch FROM staging_rows").to_pylist()
    assert len({tuple(row.values()) for row in keys}) == len(keys)
    lines_named = warehouse.query(
        "SELECT line FROM staging_rows UNION ALL SELECT line FROM quarantine"
    ).column("line").to_pylist()  # fmt: skip
    assert len(set(lines_named)) == len(lines_named)
    assert set(lines_named) <= set(range(2, 2 + len(path.read_text(encoding="utf-8").splitlines())))


_INGEST_AND_TELL_PEAK = """
import json, resource, sys
from pathlib import Path
from faultmap_assets.ingestion import ingest_file
from faultmap_assets.warehouse import Warehouse
from faultmap_core.evals import EvalOptions

result = ingest_file(Warehouse(Path(sys.argv[2])), Path(sys.argv[1]), EvalOptions())
print(json.dumps([result.rows_read, result.rows_kept, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]))
"""


@pytest.mark.slow
def test_a_file_of_one_gigabyte_streams(tmp_path):
    path = tmp_path / "large.csv"
    words = ["what", "is", "the", "sum", "of", "seven", "and", "nine"]
    choose = random.Random(0)
    texts = [" ".join(choose.choices(words, k=90)) for _ in range(50)]
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(HEADER)
        while stream.tell() < 1_000_000_000:
            stream.writelines(
                f'{rows + n:09d},model-{n % 2},"{rows + n}: {texts[n % 50]}, ""ok""?",{texts[n % 49]},{n % 2}\n'
                for n in range(10_000)
            )
            rows += 10_000
    told = subprocess.run(
        [sys.executable, "-c", _INGEST_AND_TELL_PEAK, str(path), str(tmp_path / "w.duckdb")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    path.unlink()
    rows_read, rows_kept, peak_bytes = json.loads(told.stdout)
    assert rows_read == rows_kept == rows
    assert peak_bytes < 2_000_000_000
