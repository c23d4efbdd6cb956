"""Odd values at any place in the files of batch APIs and benchmarks: a row or a clear error, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faultmap_core.readers import companions, is_eval_file
from tests.core.readers.test_formats_hostile import json_values, outcome, places, replaced
from tests.tool_files import SEEDS, write_file

# Changes of one file beside which the others lie as they are.
CASES = [(name, file) for name, seed in SEEDS.items() for file in seed.files]


def assert_rows_or_an_error(folder: Path, name: str, file: str, content: Any) -> None:
    seed = SEEDS[name]
    for other, whole in seed.files.items():
        write_file(folder / other, content if other == file else whole)
    path = folder / seed.entry
    low, high = seed.options.get("default_score_range", (0, 1))
    for changes in ({}, {"format": seed.format, "scorer": "success"}):
        rows, told = outcome(path, **{**seed.options, "model_name": "m", **changes})
        assert "\n" not in (told or "")
        for row in rows:
            metric = json.loads(row["metric"] or "{}")
            ends = [value for value in (metric.get("low"), metric.get("high")) if value is not None]
            assert row["score"] is None or min([low, *ends]) <= row["score"] <= max([high, *ends])
            assert row["passed"] in (None, True, False)
            json.loads(row["metadata"], parse_constant=pytest.fail)
    assert is_eval_file(path) in (True, False)
    assert path not in companions(path)


@pytest.mark.parametrize(("name", "file"), CASES)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_value_in_any_place_is_a_row_or_an_error(tmp_path, name, file, data):
    changed = SEEDS[name].files[file]
    for _ in range(data.draw(st.integers(1, 3))):
        changed = replaced(changed, data.draw(st.sampled_from(places(changed) or [()])), data.draw(json_values))
    assert_rows_or_an_error(tmp_path, name, file, changed)


@pytest.mark.parametrize(("name", "file"), CASES)
@pytest.mark.parametrize(
    "value", [True, ["x"], {"value": {"x": True}}, None], ids=["boolean", "list", "object", "null"]
)
def test_a_value_of_another_type_in_each_place_is_a_row_or_an_error(tmp_path, name, file, value):
    content = SEEDS[name].files[file]
    for place in places(content):
        assert_rows_or_an_error(tmp_path, name, file, replaced(content, place, value))


@pytest.mark.parametrize("name", SEEDS)
def test_a_truncated_file_is_an_error_or_loses_rows(tmp_path, name):
    seed = SEEDS[name]
    for other, whole in seed.files.items():
        write_file(tmp_path / other, whole)
    path = tmp_path / seed.entry
    complete = len(outcome(path, model_name="m", **seed.options)[0])
    assert complete
    raw = path.read_bytes()
    for size in range(0, len(raw) - 1, max(1, len(raw) // 25)):
        path.write_bytes(raw[:size])
        rows, told = outcome(path, format=seed.format, model_name="m", **seed.options)
        assert told is None or told.startswith(str(path))
        assert len(rows) <= complete
