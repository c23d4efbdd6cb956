"""Bombs, truncation, nesting and nonsense in the logs of each tool: a clear error, in bounded memory and time."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import EvalOptions, RowError
from faultmap_core.readers import read_eval_file
from faultmap_core.readers.files import archives, json_stream
from faultmap_core.readers.files.json_stream import JsonStream
from tests.growth import MAX_GROWTH, growth
from tests.log_files import (
    every_eval_ever_record,
    helm_request,
    helm_stats,
    inspect_header,
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
    write_zip,
)

HEADER = json.dumps(inspect_header())


def read(path: Path, **options):
    batches = list(read_eval_file(path, EvalOptions(**options)))
    return (
        [row for batch in batches for row in batch.rows.to_pylist()],
        [row for batch in batches for row in batch.rejected],
    )


def problem(path: Path, **options) -> str:
    with pytest.raises(EvalFileError) as caught:
        read(path, **options)
    told = str(caught.value)
    assert "\n" not in told
    assert told.isprintable()
    return told


def outcome(path: Path, **options) -> tuple[list[dict[str, Any]], str | None]:
    """Return the rows of a file, or the error that says why there are none; any other exception is a defect."""
    try:
        return read(path, **options)[0], None
    except EvalFileError as error:
        return [], str(error)


def write_each(folder: Path) -> dict[str, Path]:
    """One small log of each format."""
    nested = inspect_sample(id=2, metadata={"a": [{"b": '\\"]}{'}]})
    (folder / "helm").mkdir()
    (folder / "lm").mkdir()
    frame = {"user_input": "q", "response": "a", "faithfulness": 0.5}
    (folder / "ragas.json").write_text(json.dumps([frame, frame]))
    return {
        "inspect zip": write_inspect_zip(folder / "a.eval", inspect_sample(), nested),
        "inspect zstandard": write_inspect_zip(folder / "b.eval", inspect_sample(), nested, zstandard=True),
        "inspect json": write_inspect_json(folder / "c.json", inspect_sample(), nested),
        "lm-eval": write_lm_eval(folder / "lm", lm_eval_sample(0), lm_eval_sample(1)),
        "helm": write_helm(folder / "helm", [helm_request("id1", " B")], [helm_stats("id1", exact_match=1.0)]),
        "promptfoo": write_promptfoo(folder / "d.json", promptfoo_result(0), promptfoo_result(1)),
        "openai-evals": write_lines(folder / "e.jsonl", *openai_evals_lines()),
        "every-eval-ever": write_lines(folder / "f.jsonl", every_eval_ever_record(), every_eval_ever_record("2")),
        "ragas": folder / "ragas.json",
    }


FORCED = {"ragas": {"format": "ragas", "model_name": "m"}}


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "samples\\..\\..\\x.json", "C:\\x.json"])
def test_an_entry_that_points_outside_is_refused(tmp_path, name):
    path = write_zip(tmp_path / "log.eval", {"header.json": HEADER, name: "{}"})
    told = problem(path)
    assert "points outside of the archive" in told
    assert [one.name for one in tmp_path.iterdir()] == ["log.eval"]


def zip_with(path: Path, change: dict[int, bytes]) -> Path:
    """A log whose first local and central entry are changed at some offsets of the central header."""
    write_zip(path, {"header.json": HEADER, "samples/1_epoch_1.json": json.dumps(inspect_sample())})
    raw = bytearray(path.read_bytes())
    central = raw.index(b"PK\x01\x02")
    for offset, value in change.items():
        raw[central + offset : central + offset + len(value)] = value
        if offset < 20:
            raw[offset - 2 : offset - 2 + len(value)] = value
    path.write_bytes(bytes(raw))
    return path


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({8: b"\x01\x00"}, "is encrypted"),
        ({10: b"\x0e\x00"}, "compressed by method 14; expected deflate or zstandard"),
        ({16: b"\0\0\0\0"}, "Bad CRC-32"),
        ({42: struct.pack("<I", 2**31)}, "cannot be read"),
        ({20: struct.pack("<I", 5)}, "damaged or truncated"),
    ],
)
def test_odd_entries_are_errors(tmp_path, change, cause):
    assert cause in problem(zip_with(tmp_path / "log.eval", change))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x03\x04" + b"\0" * 500, b"not a zip", b"\xff\xfe" * 9])
def test_what_is_no_zip_is_an_error(tmp_path, content):
    path = tmp_path / "log.eval"
    path.write_bytes(content)
    assert "no zip file, or a truncated one" in problem(path)


def test_another_zip_is_an_error(tmp_path):
    assert "no log of Inspect AI" in problem(write_zip(tmp_path / "logs.zip", {"a.csv": "x"}))


@pytest.mark.parametrize("inside", ["wanted", "skipped"])
def test_a_zip_bomb_is_an_error_in_bounded_memory(tmp_path, monkeypatch, inside):
    monkeypatch.setattr(archives, "FREE_BYTES", 2_000_000)
    bomb = '{"id": 1, "%s": "' % ("input" if inside == "wanted" else "events") + "a" * 40_000_000 + '"}'
    path = write_zip(tmp_path / "log.eval", {"header.json": HEADER, "samples/1_epoch_1.json": bomb})
    assert path.stat().st_size < 60_000
    tracemalloc.start()
    told = problem(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "expands to more than 200 times its size" in told
    # The allowed 2 MB + 200 × 40 kB of text, held as text and as bytes while it is decoded.
    assert peak < 60_000_000


@pytest.mark.parametrize("name", ["bomb.jsonl.gz", "bomb.csv.gz", "bomb.json.gz"])
def test_a_gzip_bomb_is_an_error(tmp_path, monkeypatch, name):
    monkeypatch.setattr(archives, "FREE_BYTES", 1_000_000)
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"\n" * 30_000_000))
    assert "expands to more than 200 times its size" in problem(path)


def test_a_zip_that_lists_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 5_000)
    entries = {"header.json": HEADER, **{f"samples/{one}_epoch_1.json": "{}" for one in range(200)}}
    assert "list of entries takes more than 5,000 bytes" in problem(write_zip(tmp_path / "log.eval", entries))


DEEP = 30_000
NESTED = {
    "arrays": "[" * DEEP + "]" * DEEP,
    "objects": '{"a":' * DEEP + "1" + "}" * DEEP,
    "unclosed": "[" * DEEP,
}


@pytest.mark.parametrize("kind", NESTED)
@pytest.mark.parametrize("place", ["events", "metadata", "document", "line"])
def test_deep_nesting(tmp_path, kind, place):
    closed = kind != "unclosed"
    sample = json.dumps(inspect_sample()).replace('"store"', f'"store{"" if closed else "_"}"')
    if place in ("events", "metadata"):
        nested = sample[:-1] + f', "{place}": {NESTED[kind]}' + "}"
        path = tmp_path / "log.json"
        path.write_text(HEADER[:-1] + f', "samples": [{sample}, {nested}]' + "}")
        if not closed:
            assert "truncated" in problem(path) or "no JSON" in problem(path)
            return
        rows, rejected = read(path)
        # What is skipped may be nested as deep as it likes.
        assert (len(rows), len(rejected)) == ((2, 0) if place == "events" else (1, 1))
        assert all("nested too deeply" in row.reason for row in rejected)
    else:
        path = tmp_path / ("log.json" if place == "document" else "log.jsonl")
        path.write_text(NESTED[kind])
        problem(path)


def test_a_large_document_is_read_in_bounded_memory_and_in_proportion_to_its_length(tmp_path):
    sample = inspect_sample(events=[{"data": ["x" * 100, {"a": [1, 2, 3]}]}] * 2_000, store={"y": "z" * 200_000})
    paths = [
        write_inspect_json(tmp_path / f"{samples}.json", *[{**sample, "id": one} for one in range(samples)])
        for samples in (5, 20)
    ]
    path = paths[1]
    assert path.stat().st_size > 8_000_000
    assert growth(read, *paths, rounds=2) < MAX_GROWTH
    tracemalloc.start()
    rows, _ = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(rows) == 20
    assert peak < 9_000_000


def test_values_beyond_the_limits_cost_their_row_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "MAX_VALUES", 1_000)
    dense = inspect_sample(id=1, metadata={"a": [[]] * 60_000})
    rows, rejected = read(write_inspect_json(tmp_path / "log.json", dense, inspect_sample(id=2)))
    assert [row["example_id"] for row in rows] == ["2"]
    assert [row.reason for row in rejected] == ["metadata: holds more than 1,000 values"]
    path = write_lines(tmp_path / "dense.jsonl", {"a": [[]] * 60_000}, lm_eval_sample(0))
    assert len(read(path, model_name="m", format="lm-eval")[1]) == 1


def test_too_long_a_value_is_skipped():
    text = json.dumps({"a": "x" * 300_000, "b": [1]})
    stream = JsonStream(io.StringIO(text), "log")
    with pytest.raises(RowError, match="a: a value is longer than 1,000 characters"):
        stream.record({"a", "b"}, limit=1_000)
    stream.end()


@pytest.mark.parametrize("name", [
    "inspect zip", "inspect zstandard", "inspect json", "lm-eval", "helm", "promptfoo", "openai-evals",
    "every-eval-ever", "ragas",
])  # fmt: skip
def test_a_truncated_log_is_an_error_or_loses_its_last_row(tmp_path, name):
    path = write_each(tmp_path)[name]
    options = FORCED.get(name, {})
    whole = path.read_bytes()
    complete = len(read(path, **options)[0])
    documents = path.suffix in (".eval", ".json")
    for size in range(0, len(whole) - 1, max(1, len(whole) // 60)):
        path.write_bytes(whole[:size])
        rows, told = outcome(path, **options)
        assert told is None or told.startswith(str(path))
        assert told or not documents
        assert len(rows) <= complete


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """Where a value has parts, at any depth."""
    found = [path] if path else []
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for key, part in inside:
        found += places(part, (*path, key))
    return found


def replaced(value: Any, path: tuple, new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


SEEDS: dict[str, Any] = {
    "inspect.json": {**inspect_header(), "samples": [inspect_sample(choices=["a", "b"]), inspect_sample(id=2)]},
    "scenario_state.json": {"adapter_spec": {}, "request_states": [helm_request("id1", " B")]},
    "per_instance_stats.json": [helm_stats("id1", exact_match=1.0)],
    "run_spec.json": {"name": "m:model=x", "metric_specs": [{"args": {"names": ["exact_match"]}}]},
    "promptfoo.json": {"evalId": "x", "results": {"version": 3, "prompts": [], "results": [promptfoo_result(0)]}},
    "samples_t.jsonl": [lm_eval_sample(0), lm_eval_sample(0, filter="other")],
    "results.json": {"config": {"model_args": "pretrained=x"}, "higher_is_better": {"t": {"exact_match": True}},
                     "configs": {"t": {"metric_list": [{"metric": "exact_match"}]}}},
    "openai.jsonl": openai_evals_lines(),
    "eee.jsonl": [every_eval_ever_record(messages=[{"role": "assistant", "tool_calls": [{"name": "x"}]}])],
    "ragas.json": [{"user_input": "q", "response": "a", "faithfulness": 0.5}],
    "deepeval.json": {"testCases": [{"input": "q", "metricsData": [{"name": "x", "score": 1}]}]},
    "langsmith.jsonl": [{"inputs.q": "q", "outputs.a": {"b": "c"}, "feedback.x": 1, "example_id": "e"}],
    "mlflow.jsonl": [{"request": {"messages": [{"role": "user", "content": "q"}]}, "ok/value": "yes"}],
}  # fmt: skip
ENTRY = {"per_instance_stats.json": "scenario_state.json", "run_spec.json": "scenario_state.json",
         "results.json": "samples_t.jsonl"}  # fmt: skip


def write_seed(folder: Path, name: str, content: Any) -> None:
    lines = name.endswith(".jsonl") and isinstance(content, list)
    text = "".join(json.dumps(one) + "\n" for one in content) if lines else json.dumps(content)
    (folder / name).write_text(text, encoding="utf-8", errors="surrogatepass")


def write_others(folder: Path) -> None:
    for other in (*ENTRY.values(), *ENTRY):
        write_seed(folder, other, SEEDS[other])


def assert_rows_or_an_error(folder: Path, name: str, content: Any) -> None:
    write_seed(folder, name, content)
    tool = name.split(".")[0]
    forced = {"format": tool, "model_name": "m"} if tool in ("ragas", "deepeval", "langsmith", "mlflow") else {}
    path = folder / ENTRY.get(name, name)
    for options in (forced, {**forced, "scorer": "success"}):
        rows, told = outcome(path, **options)
        assert "\n" not in (told or "")
        for row in rows:
            assert row["score"] is None or 0 <= row["score"] <= 1
            json.loads(row["metadata"], parse_constant=pytest.fail)


@pytest.mark.parametrize("name", SEEDS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_value_in_any_place_is_a_row_or_an_error(tmp_path, name, data):
    write_others(tmp_path)
    changed = SEEDS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        changed = replaced(changed, data.draw(st.sampled_from(places(changed) or [()])), data.draw(json_values))
    assert_rows_or_an_error(tmp_path, name, changed)


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize("value", [True, ["x"], {"value": {"x": True}}], ids=["boolean", "list", "object"])
def test_a_value_of_another_type_in_each_place_is_a_row_or_an_error(tmp_path, name, value):
    write_others(tmp_path)
    for place in places(SEEDS[name]):
        assert_rows_or_an_error(tmp_path, name, replaced(SEEDS[name], place, value))


@settings(max_examples=60, deadline=None)
@given(st.lists(json_values, max_size=4), st.integers(1, 7), st.data())
def test_the_stream_reads_what_json_reads(values, size, data):
    text = json.dumps(values, indent=data.draw(st.sampled_from([None, 1])), ensure_ascii=data.draw(st.booleans()))

    class Drops(io.StringIO):
        def read(self, _size=-1, /):
            return super().read(size)

    stream = JsonStream(Drops(text), "log")
    kept = []
    skipped = data.draw(st.sets(st.integers(0, 5)))
    for position in stream.items():
        if position in skipped:
            stream.skip()
        else:
            kept.append(stream.value())
    stream.end()
    assert json.dumps(kept) == json.dumps([value for index, value in enumerate(values) if index not in skipped])


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='[]{}",:\\ 01aeu.-\nnulltrefs', max_size=30))
def test_no_text_makes_the_stream_fail_otherwise(text):
    for skip in (True, False):
        stream = JsonStream(io.StringIO(text), "log")
        try:
            value = stream.skip() if skip else stream.value()
            stream.end()
        except (EvalFileError, RowError):
            continue
        if not skip:
            assert json.dumps(json.loads(text)) == json.dumps(value)


def test_the_members_of_a_zip_can_hold_anything(tmp_path):
    for content in ("", "[]", "null", "{", '{"id": 1', "\0", '{"input": "q"}'):
        path = write_zip(tmp_path / "log.eval", {"header.json": HEADER, "samples/1.json": content})
        problem(path)
    for header in ("", "[]", "{}", '{"eval": 3}', '{"eval": {}}'):
        problem(write_zip(tmp_path / "log.eval", {"header.json": header, "samples/1.json": "{}"}))


def test_a_stored_entry_may_not_lie_about_its_size(tmp_path):
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("header.json", HEADER)
        archive.writestr("samples/1_epoch_1.json", json.dumps(inspect_sample()))
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"What is 2+2?", b"What is 3+3?", 1))
    assert "Bad CRC-32" in problem(path)


@pytest.mark.parametrize("more", ['{"a": 1}', "]", "x", '[{"user_input": "q"}]'])
@pytest.mark.parametrize("name", ["ragas", "promptfoo", "inspect json", "helm"])
def test_what_follows_a_document_is_not_passed_over(tmp_path, name, more):
    path = write_each(tmp_path)[name]
    path.write_text(f"{path.read_text()}\n{more}\n")
    assert "something follows the document" in problem(path, **FORCED.get(name, {}))
