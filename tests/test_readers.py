"""Files of every format and encoding become rows with their lines; what cannot be read says why."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions
from faultmap_core.readers import EVAL_SUFFIXES, content_hash, dataset_of, read_eval_file

HEADER = "example_id,model,input_text,output_text,score\n"
ROWS = [
    {"example_id": "007", "model": "m", "input_text": "naïve “quoted” café", "output_text": "oui", "score": 1},
    {"example_id": "8", "model": "m", "input_text": "señor, €5; größer?", "output_text": "", "score": 0},
]


def read(path: Path, **options):
    """Return the accepted rows, the rejected ones and the conflicts of one file."""
    batches = list(read_eval_file(path, EvalOptions(**options)))
    assert all(batch.conflicts is None for batch in batches[:-1])
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    rejected = [row for batch in batches for row in batch.rejected]
    assert sum(batch.rows_read for batch in batches) == len(rows) + len(rejected)
    return rows, rejected, batches[-1].conflicts


def rows_of(path: Path, **options):
    rows, rejected, _ = read(path, **options)
    assert rejected == []
    return rows


def as_csv(rows, delimiter=","):
    quoted = [['"' + str(value).replace('"', '""') + '"' for value in row.values()] for row in rows]
    return "\n".join(delimiter.join(cells) for cells in [list(rows[0]), *quoted]) + "\n"


def as_jsonl(rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    raw = content if isinstance(content, bytes) else content.encode(encoding)
    path.write_bytes(gzip.compress(raw) if path.suffix.lower() == ".gz" else raw)
    return path


def write_parquet(path: Path, columns) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


ENCODINGS = {
    "utf-8": ("utf-8", b""),
    "utf-8 BOM": ("utf-8", b"\xef\xbb\xbf"),
    "utf-16 LE": ("utf-16-le", b"\xff\xfe"),
    "utf-16 BE": ("utf-16-be", b"\xfe\xff"),
    "utf-32 LE": ("utf-32-le", b"\xff\xfe\x00\x00"),
    "cp1252": ("cp1252", b""),
}


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "jsonl", "ndjson.gz", "CSV", "JSONL.GZ"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_encodings(tmp_path, suffix, encoding):
    codec, mark = ENCODINGS[encoding]
    text = as_csv(ROWS) if "csv" in suffix.lower() else as_jsonl(ROWS)
    rows = rows_of(write(tmp_path / f"quiz.{suffix}", mark + text.encode(codec)))
    assert [row["input_text"] for row in rows] == [row["input_text"] for row in ROWS]
    assert [row["example_id"] for row in rows] == ["007", "8"]
    assert {row["dataset"] for row in rows} == {"quiz"}


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("cp1252", "El niño comió jamón"),
        ("cp1252", "À bientôt, garçon"),
        ("cp1252", "it’s"),
        ("cp1250", "Zażółć gęślą jaźń"),
        ("cp1251", "Привет, как дела"),
        ("shift_jis", "こんにちは世界"),
        ("gb18030", "你好世界，这是一个测试"),
        ("euc_kr", "안녕하세요 세계"),
    ],
)
def test_legacy_encodings_are_recognised(tmp_path, codec, text):
    row = {**ROWS[0], "input_text": text}
    assert rows_of(write(tmp_path / "q.csv", as_csv([row]), codec))[0]["input_text"] == text


def test_the_last_byte_of_a_legacy_file_counts(tmp_path):
    path = write(
        tmp_path / "q.csv", (HEADER.replace("output_text,score", "output_text") + "1,m,q,olé").encode("cp1252")
    )
    assert rows_of(path)[0]["output_text"] == "olé"


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_one_damaged_character_in_utf8_costs_its_row_alone(tmp_path, suffix, mark):
    text = as_csv(ROWS) if suffix == "csv" else as_jsonl(ROWS)
    content = text.encode().replace("ï".encode(), b"\xc3")
    rows, rejected, _ = read(write(tmp_path / f"q.{suffix}", mark + content))
    assert [row["input_text"] for row in rows] == ["señor, €5; größer?"]
    assert [row.line for row in rejected] == [2 if suffix == "csv" else 1]
    assert "no UTF-8" in rejected[0].reason
    (rejected[0].excerpt + rejected[0].reason).encode()


def test_damage_far_behind_good_utf8_is_damage_not_another_encoding(tmp_path):
    filler = as_csv([{**ROWS[0], "example_id": str(number), "output_text": "x" * 1000} for number in range(1200)])
    content = filler.encode() + b"last,m,plain \xe9 text,out,1\n"
    rows, rejected, _ = read(write(tmp_path / "q.csv", content))
    assert {row["input_text"] for row in rows} == {"naïve “quoted” café"}
    assert [row.line for row in rejected] == [1202]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_delimiters(tmp_path, delimiter, suffix):
    rows = rows_of(write(tmp_path / f"q.{suffix}", as_csv(ROWS, delimiter)))
    assert [row["input_text"] for row in rows] == [row["input_text"] for row in ROWS]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_numbers_count_the_lines_inside_of_fields(tmp_path, end):
    lines = [
        "example_id,model,input_text,output_text,score",
        '1,m,"two',
        'lines, ""said"" so",out,1',
        "",
        "2,m,q,out,bad",
    ]
    lines += ["3,m,q,out,1", ""]
    rows, rejected, _ = read(write(tmp_path / "q.csv", end.join(lines)))
    assert [(row["example_id"], row["line"]) for row in rows] == [("1", 2), ("3", 6)]
    assert rows[0]["input_text"] == f'two{end}lines, "said" so'
    assert [row.line for row in rejected] == [5]


def test_jsonl_line_numbers_count_blank_lines(tmp_path):
    good = as_jsonl(ROWS[:1])
    rows, rejected, _ = read(write(tmp_path / "q.jsonl", f"\n{good}  \n{{broken\n[1, 2]\n3\nnull\n"))
    assert [row["line"] for row in rows] == [2]
    assert [row.line for row in rejected] == [4, 5, 6, 7]
    assert rejected[0].reason.startswith("no JSON:")
    assert rejected[1].reason == "a JSON list, expected an object"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2,m,q,out", "4 fields where the header has 5"),
        ("2,m,q,out,1,more", "6 fields where the header has 5"),
        ("2,m,,out,1", "input_text is missing"),
        ('2,m,"a"b,out,1', "not valid CSV"),
        ('2,m,"never closed,out,1', "not valid CSV"),
        ('2,m,q,out,"1', "not valid CSV"),
    ],
)
def test_a_bad_line_costs_itself_alone(tmp_path, line, reason):
    rows, rejected, _ = read(write(tmp_path / "q.csv", f"{HEADER}1,m,q,out,1\n{line}\n"))
    assert [row["example_id"] for row in rows] == ["1"]
    assert [(row.line, reason in row.reason) for row in rejected] == [(3, True)]


def test_reading_goes_on_after_a_bad_line(tmp_path):
    rows, rejected, _ = read(write(tmp_path / "q.csv", f'{HEADER}1,m,"a"b,out,1\n2,m,q,out,1\n3,m\n4,m,q,out,0\n'))
    assert [row["line"] for row in rows] == [3, 5]
    assert [row.line for row in rejected] == [2, 4]


def test_conflicts_span_batches(tmp_path):
    lines = "".join(f"{number},m,q {number},out,1\n" for number in range(4500))
    again = "0,m,q 0,out,1\n1,m,another prompt,out,1\n"
    rows, _, conflicts = read(write(tmp_path / "q.csv", HEADER + lines + again))
    assert len(rows) == 4502
    assert conflicts.repeated == (4502,)
    assert set(conflicts.conflicting) == {3, 4503}


PARQUET_IDS = {
    "text": (pa.array(["007", "8"]), ["007", "8"]),
    "int": (pa.array([7, 8]), ["7", "8"]),
    "float": (pa.array([7.0, 8.0]), ["7", "8"]),
    "large text": (pa.array(["007", "8"], pa.large_string()), ["007", "8"]),
    "dictionary": (pa.array(["007", "8"]).dictionary_encode(), ["007", "8"]),
}


@pytest.mark.parametrize("kind", PARQUET_IDS)
def test_parquet_ids(tmp_path, kind):
    column, ids = PARQUET_IDS[kind]
    path = write_parquet(tmp_path / "q.parquet", {"example_id": column, "model": ["m", "m"], "input_text": ["q", "r"]})
    rows = rows_of(path)
    assert [row["example_id"] for row in rows] == ids
    assert [row["line"] for row in rows] == [1, 2]


@pytest.mark.parametrize(("written", "text"), [('"007"', "007"), ("7", "7"), ("7.0", "7"), ("7.25", "7.25")])
def test_jsonl_ids(tmp_path, written, text):
    path = write(tmp_path / "q.jsonl", f'{{"example_id": {written}, "model": "m", "input_text": "q"}}\n')
    assert rows_of(path)[0]["example_id"] == text


def test_csv_ids_stay_as_they_are_written(tmp_path):
    ids = ["007", "1e5", "0x1F", "1.0", "true", "null", "+1"]
    path = write(tmp_path / "q.csv", HEADER + "".join(f"{one},m,q,out,1\n" for one in ids))
    assert [row["example_id"] for row in rows_of(path)] == ids


def test_parquet_types(tmp_path):
    chat = [{"role": "user", "content": "2 + 2?"}]
    path = write_parquet(
        tmp_path / "q.parquet",
        {
            "example_id": ["a", "b", "c"],
            "model": ["m"] * 3,
            "input_text": pa.array([chat, chat, None]),
            "output_text": [None, "4", "4"],
            "score": pa.array(["0.5", None, "1"]).cast(pa.decimal128(3, 2)),
            "seen": pa.array([0, None, 1], pa.timestamp("us")),
            "loss": [float("nan"), 1.5, 2.0],
        },
    )
    rows, rejected, _ = read(path)
    assert [(row["question_text"], row["output_text"], row["score"]) for row in rows] == [
        ("2 + 2?", "", 0.5), ("2 + 2?", "4", None),
    ]  # fmt: skip
    assert [json.loads(row["metadata"]) for row in rows] == [
        {"seen": "1970-01-01 00:00:00", "input_messages": chat}, {"loss": 1.5, "input_messages": chat},
    ]  # fmt: skip
    assert [(row.line, row.reason) for row in rejected] == [(3, "input_text is missing")]


def test_mapped_columns(tmp_path):
    path = write(tmp_path / "q.csv", "qid,question,answer\n007,why?,so\n")
    options = {
        "column_map": {"example_id": "qid", "input_text": "question", "output_text": "answer"},
        "model_name": "m",
    }
    row = rows_of(path, **options)[0]
    assert (row["example_id"], row["input_text"], row["output_text"]) == ("007", "why?", "so")


@pytest.mark.parametrize(
    ("name", "dataset"),
    [("a.csv", "a"), ("a.b.jsonl.gz", "a.b"), ("A.CSV.GZ", "A"), ("x.parquet", "x"), ("noend", "noend")],
)
def test_a_dataset_is_named_after_its_file(name, dataset):
    assert dataset_of(Path("/some/where") / name) == dataset


def test_batches_are_bounded(tmp_path):
    many = write(tmp_path / "many.csv", HEADER + "".join(f"{number},m,q,out,1\n" for number in range(5000)))
    assert max(batch.rows_read for batch in read_eval_file(many, EvalOptions())) == 2000
    chat = [{"role": "user", "content": "x" * 1_000_000}]
    long = as_jsonl({"example_id": number, "model": "m", "input_text": chat} for number in range(20))
    batches = list(read_eval_file(write(tmp_path / "long.jsonl", long), EvalOptions()))
    assert max(batch.rows_read for batch in batches) == 8


def utf16_without_mark():
    return as_csv(ROWS).encode("utf-16-le")


PARQUET = pa.table({"example_id": ["1"] * 5000, "model": ["m"] * 5000, "input_text": [f"q {n}" for n in range(5000)]})


def parquet_bytes():
    sink = pa.BufferOutputStream()
    pq.write_table(PARQUET, sink, compression="none", use_dictionary=False)
    return sink.getvalue().to_pybytes()


UNREADABLE = {
    "empty CSV": ("q.csv", b"", "is empty"),
    "empty JSONL": ("q.jsonl", b"", "holds no rows"),
    "blank JSONL": ("q.jsonl", b"\n  \n", "holds no rows"),
    "only a header": ("q.csv", HEADER.encode(), "holds no rows"),
    "empty gzip": ("q.csv.gz", gzip.compress(b""), "is empty"),
    "no column": (
        "q.csv",
        b"example_id,model,words\n1,m,q\n",
        "no column 'input_text'; it has example_id, model, words",
    ),
    "two columns of one name": (
        "q.csv",
        b"example_id,model,input_text,model\n1,m,q,m\n",
        "two columns are named 'model'",
    ),
    "truncated gzip": ("q.csv.gz", gzip.compress(as_csv(ROWS * 500).encode())[:-40], "ended before"),
    "no gzip": ("q.jsonl.gz", as_jsonl(ROWS).encode(), "Not a gzipped file"),
    "damaged gzip": ("q.csv.gz", gzip.compress(as_csv(ROWS).encode())[:-8] + b"\0" * 8, "CRC check failed"),
    "NUL bytes": ("q.csv", bytes(range(256)) * 20, "no text file"),
    "PNG named .csv": ("q.csv", b"\x89PNG\r\n\x1a\n" + b"\x80\x9b\x1b[31m" * 9, "no column"),
    "UTF-16 without mark": ("q.csv", utf16_without_mark(), "NUL bytes"),
    "truncated UTF-16": ("q.csv", b"\xff\xfe" + as_csv(ROWS).encode("utf-16-le")[:-1], "truncated data"),
    "truncated Parquet": ("q.parquet", parquet_bytes()[:-100], "Parquet"),
    "no Parquet": ("q.parquet", as_csv(ROWS).encode(), "Parquet magic bytes"),
    "gzipped Parquet": ("q.parquet.gz", gzip.compress(parquet_bytes()), "unknown format"),
    "unknown suffix": ("q.xlsx", b"PK\x03\x04", "unknown format; expected one of .csv"),
    "no suffix": ("q", as_csv(ROWS).encode(), "unknown format"),
    "not one good row": ("q.jsonl", b'{"a": 1}\n', "no column 'input_text' and no column"),
    "a bad file name": ("a|b.csv", as_csv(ROWS).encode(), "the file name holds '|'"),
    "a file name with three dots": ("a...b.csv", as_csv(ROWS).encode(), "the file name holds"),
    "a file name that is too long": ("x" * 201 + ".csv", as_csv(ROWS).encode(), "longer than 200"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_that_cannot_be_read_is_one_line_that_names_it_and_the_cause(tmp_path, case):
    name, content, cause = UNREADABLE[case]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(EvalFileError) as caught:
        read(path)
    told = str(caught.value)
    assert told.startswith(f"{path}: ")
    assert cause in told
    assert "\n" not in told
    assert re.fullmatch(r"[^\x00-\x1f\x7f]*", told)


def test_a_bad_file_name_is_no_matter_where_the_dataset_is_named(tmp_path):
    path = write(tmp_path / "a|b.csv", as_csv(ROWS))
    assert {row["dataset"] for row in rows_of(path, dataset_name="d")} == {"d"}


@pytest.mark.parametrize("name", ["missing.csv", "missing.csv.gz", "missing.parquet"])
def test_a_missing_file_is_an_error(tmp_path, name):
    for act in (lambda path: list(read_eval_file(path, EvalOptions())), content_hash):
        with pytest.raises(EvalFileError, match=f"{re.escape(name)}.*[Nn]o such file"):
            act(tmp_path / name)


def test_a_folder_is_no_file(tmp_path):
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    with pytest.raises(EvalFileError, match="Is a directory"):
        content_hash(folder)


def test_content_hashes_are_of_the_bytes_alone(tmp_path):
    first, second = write(tmp_path / "a.csv", "x"), write(tmp_path / "b.jsonl", "x")
    assert content_hash(first) == content_hash(second) != content_hash(write(tmp_path / "c.csv", "y"))
    assert len(content_hash(first)) == 32


def test_every_suffix_is_read(tmp_path):
    # Logs of tools alone end in these: tests/test_formats.py, tests/test_tool_formats.py
    for suffix in set(EVAL_SUFFIXES) - {".eval", ".zip", ".traj"}:
        path = tmp_path / f"q{suffix}"
        if suffix == ".parquet":
            write_parquet(path, {name: [row[name] for row in ROWS] for name in ROWS[0]})
        else:
            text = json.dumps(ROWS) if suffix == ".json" else as_jsonl(ROWS)
            write(path, text if "json" in suffix else as_csv(ROWS, "\t" if suffix == ".tsv" else ","))
        assert [row["example_id"] for row in rows_of(path)] == ["007", "8"]
