"""Fuzz: damaged files of every reader give rows, quarantined rows or one error, and no line is lost without a word.

A seed makes each input again: `make fuzz` tries `FAULTMAP_FUZZ_INPUTS` of them (20,000), the suite some hundreds. What
a file holds is counted here without the readers: line ends in the bytes, and what `json` and Parquet say.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions
from faultmap_core.logs import LogOptions
from faultmap_core.readers import read_eval_file, read_log_file
from tests.log_files import (
    every_eval_ever_record,
    helm_request,
    helm_stats,
    inspect_sample,
    lm_eval_sample,
    openai_evals_lines,
    promptfoo_result,
    write_helm,
    write_inspect_json,
    write_inspect_zip,
    write_lines,
    write_lm_eval,
    write_promptfoo,
)
from tests.tool_files import SEEDS, write_file

INPUTS = int(os.environ.get("FAULTMAP_FUZZ_INPUTS", "400"))
SEED = int(os.environ.get("FAULTMAP_FUZZ_SEED", "1"))

COLUMNS = ["example_id", "model", "input_text", "output_text", "score"]
TEXTS = ["why?", 'he said "hi"', "a, b; c", "two\nlines", "tab\there", "", "é 日本 😀", "\\frac{a}{b}", "'", "=1+1",
         "x" * 300, "[1, 2]", '{"role": "user"}', "\u2028", "\x00", "-", "null"]  # fmt: skip
SCORES: list[Any] = [0, 1, 0.5, "", None, "pass", "FAIL", "yes", "85%", True, False, "three", 1.0000001, "nan"]
LINES_OF_ONE_ROW = ("csv", "tsv", "jsonl", "csv.gz", "jsonl.gz", "log.jsonl", "log.csv")


def row(draw: random.Random, number: int) -> dict[str, Any]:
    made = {"example_id": f"e{number}", "model": draw.choice(["m", "n"]), "input_text": draw.choice(TEXTS) or "q",
            "output_text": draw.choice(TEXTS), "score": draw.choice(SCORES)}  # fmt: skip
    return {**made, "topic": draw.choice(TEXTS)} if draw.random() < 0.3 else made


def table_text(draw: random.Random, rows: list[dict[str, Any]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    quoting = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    end = draw.choice(["\n", "\r\n"])
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(COLUMNS)
    writer.writerows([made[name] for name in COLUMNS] for made in rows)
    start = f"sep={delimiter}{end}" if draw.random() < 0.1 else ""
    return (start + text.getvalue()).encode(draw.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))


def lines_text(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(made, ensure_ascii=False) + "\n" for made in rows).encode()


def log_rows(draw: random.Random, count: int) -> list[dict[str, Any]]:
    days = ["2026-01-05T10:00:00Z", "2026-01-06", 1767607200, "yesterday", ""]
    return [{"timestamp": draw.choice(days), "prompt": draw.choice(TEXTS) or "q", "response": draw.choice(TEXTS),
             "id": f"r{number}"} for number in range(count)]  # fmt: skip


def made_file(draw: random.Random, folder: Path, kind: str) -> Path:
    """Write one good file of a kind."""
    count = draw.randint(0, 30)
    rows = [row(draw, number) for number in range(count)]
    path = folder / f"q.{kind}"
    if kind.startswith(("csv", "tsv")):
        content = table_text(draw, rows, "\t" if kind == "tsv" else draw.choice(",,;|"))
        path.write_bytes(gzip.compress(content, mtime=0) if kind.endswith("gz") else content)
    elif kind.startswith("jsonl"):
        path.write_bytes(gzip.compress(lines_text(rows), mtime=0) if kind.endswith("gz") else lines_text(rows))
    elif kind == "log.jsonl":
        path.write_bytes(lines_text(log_rows(draw, count)))
    elif kind == "log.csv":
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, ["timestamp", "prompt", "response", "id"])
        writer.writeheader()
        writer.writerows(log_rows(draw, count))
        path.write_bytes(text.getvalue().encode())
    elif kind == "json":
        path.write_text(json.dumps(rows))
    elif kind == "parquet":
        for made in rows:
            made["score"] = made["score"] if isinstance(made["score"], float) else 1.0
        table = pa.Table.from_pylist(rows or [row(draw, 0) | {"score": 1.0}])
        pq.write_table(table, path, compression=draw.choice(["none", "zstd"]), row_group_size=draw.choice([2, 100]))
    else:
        return TOOL_FILES[kind](folder, draw)
    return path


def _seed_writer(name: str) -> Callable[[Path, random.Random], Path]:
    """Return a writer of a small example of tests/tool_files.py with all that lies beside it."""

    def write(folder: Path, _: random.Random) -> Path:
        for file, content in SEEDS[name].files.items():
            write_file(folder / file, content)
        return folder / SEEDS[name].entry

    return write


TOOL_FILES: dict[str, Callable[[Path, random.Random], Path]] = {
    "inspect.eval": lambda folder, _: write_inspect_zip(folder / "a.eval", inspect_sample(), inspect_sample(id=2)),
    "inspect.json": lambda folder, _: write_inspect_json(folder / "a.json", inspect_sample(), inspect_sample(id=2)),
    "promptfoo": lambda folder, _: write_promptfoo(folder / "a.json", promptfoo_result(0), promptfoo_result(1)),
    "lm-eval": lambda folder, _: write_lm_eval(folder, *(lm_eval_sample(n) for n in range(4))),
    "openai-evals": lambda folder, _: write_lines(folder / "a.jsonl", *openai_evals_lines()),
    "every-eval-ever": lambda folder, _: write_lines(
        folder / "a.jsonl", *(every_eval_ever_record(str(n)) for n in range(4))
    ),
    "helm": lambda folder, _: write_helm(folder, [helm_request("id1", " B")], [helm_stats("id1", exact_match=1.0)]),
    **{name: _seed_writer(name) for name in SEEDS},
}
KINDS = [*LINES_OF_ONE_ROW, *LINES_OF_ONE_ROW, "json", "parquet", *TOOL_FILES]

PIECES = [
    b'"', b'""', b"\n", b"\r", b",", b"\\", b'\\"', b"\x00", b"\xff", b"{", b"}", b"[", b"]", b"NaN", b"1e999",
    b"-", b"\t", b";", b"'", b"\n\n\n", b"null", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"9" * 5_000, b"[" * 3_000,
    b'{"a":' * 3_000,
]  # fmt: skip
CHANGES = ("insert", "insert", "cut", "truncate", "repeat", "shuffle lines", "flip", "drop line", "append")


def changed(draw: random.Random, content: bytes) -> bytes:
    at, length = draw.randrange(len(content) + 1), draw.randint(1, 60)
    before, after = content[:at], content[at:]
    lines = content.splitlines(keepends=True)
    how = draw.choice(CHANGES)
    if how == "insert":
        return before + draw.choice(PIECES) + after
    if how == "cut":
        return before + after[length:]
    if how == "truncate":
        return before
    if how == "repeat":
        return before + before[-length:] * 3 + after
    if how == "shuffle lines":
        return b"".join(draw.sample(lines, len(lines)))
    if how == "flip":
        return before + bytes([draw.randrange(256)]) + after[1:]
    if how == "drop line":
        return b"".join(lines[:-1])
    return content + draw.choice([b"\x00" * 100, b'"', b"{", b"\n", b"e1,m"])


def damaged(draw: random.Random, content: bytes) -> bytes:
    """Return the content with up to four things done to it."""
    for _ in range(draw.randint(0, 4)):
        content = changed(draw, content)
    return content


def unpacked(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def lines_in(content: bytes) -> int:
    """Count the lines of a text as an editor would."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = content.decode("utf-16", "replace") if wide else content.decode("latin-1")
    text = text.removeprefix("ï»¿")
    return len(io.StringIO(text, newline=None).readlines())


def objects_in(content: bytes) -> int:
    """Count the lines of JSONL that hold anything."""
    text = content.decode("utf-8-sig", "surrogateescape")
    return sum(bool(line.strip()) for line in io.StringIO(text, newline=None))


def conserved(path: Path, kind: str, batches: list[Any]) -> None:
    """Compare what came out of the reader with what this test counts in the file itself."""
    size = batches[-1].size
    came_out = sum(batch.rows_read for batch in batches)
    named = [line for batch in batches for line in batch.rows.column("line").to_pylist()]
    named += [found.line for batch in batches for found in batch.rejected]
    assert len(set(named)) == len(named) == came_out
    if kind in LINES_OF_ONE_ROW:
        content = unpacked(path)
        assert size.physical_lines == lines_in(content) == size.account.lines
        assert max(named, default=0) <= size.physical_lines
        if "jsonl" in kind:
            assert came_out == objects_in(content)
        else:
            # A record of CSV may have several lines; it has at least one, and each line is in one.
            assert came_out <= size.account.in_records
            assert size.account.set_aside <= size.account.in_records / 2
    elif size.account.by_line:
        # Of tools a line may be several rows, or one of several of a row; each is accounted for all the same.
        assert size.physical_lines == lines_in(unpacked(path)) == size.account.lines
    elif kind == "json":
        whole = json.loads(path.read_bytes().decode("utf-8-sig", "surrogateescape"))
        assert came_out == (len(whole) if isinstance(whole, list) else came_out)
    elif kind == "parquet":
        assert came_out == pq.ParquetFile(path).metadata.num_rows
    if size.account.set_aside:
        # What was set aside is said, by its lines.
        assert any(
            "not valid CSV" in found.reason or "quoted cell" in found.reason
            for batch in batches
            for found in batch.rejected
        )


def tried(folder: Path, number: int) -> str:
    """Make, damage and read one input; return what came of it. Whatever is no EvalFileError is a defect."""
    draw = random.Random(f"{SEED} {number}")
    kind = KINDS[number % len(KINDS)]
    path = made_file(draw, folder, kind)
    content = path.read_bytes()
    if kind.endswith(".gz") and draw.random() < 0.7:
        path.write_bytes(gzip.compress(damaged(draw, gzip.decompress(content)), mtime=0))
    else:
        path.write_bytes(damaged(draw, content))
    try:
        if kind.startswith("log."):
            batches = list(read_log_file(path, LogOptions()))
        else:
            own = kind in LINES_OF_ONE_ROW or kind in ("json", "parquet")
            options = EvalOptions(model_name="m", generate_ids=draw.random() < 0.5, format="table" if own else None)
            batches = list(read_eval_file(path, options))
    except EvalFileError as error:
        told = str(error)
        assert "\n" not in told
        assert "unexpectedly" not in told
        return "refused"
    conserved(path, kind, batches)
    return "read"


def test_no_input_stops_a_reader_or_loses_a_line(tmp_path):
    outcomes = {"read": 0, "refused": 0}
    for number in range(INPUTS):
        folder = tmp_path / "input"
        folder.mkdir()
        try:
            outcomes[tried(folder, number)] += 1
        except Exception as error:
            kind = KINDS[number % len(KINDS)]
            pytest.fail(f"input {number} of seed {SEED} ({kind}): {type(error).__name__}: {error}")
        shutil.rmtree(folder)
    # Otherwise the damage is so heavy, or so light, that nothing is tried.
    assert outcomes["read"] > INPUTS / 5
    assert outcomes["refused"] > INPUTS / 20
