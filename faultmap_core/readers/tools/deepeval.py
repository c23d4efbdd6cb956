"""Read the test cases of a DeepEval test run (`.latest_test_run.json`, or what `DEEPEVAL_RESULTS_FOLDER` gathers).

The run stands at the top of the document or under `testRunData`, there as an object or as a text that holds JSON. The
turns of a conversation are its prompt, up to the model's last answer. The run's own counts are compared with the rows.
Source: https://github.com/confident-ai/deepeval, `deepeval/test_run/test_run.py`, versions 0.20 to 3.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import RowError
from faultmap_core.readers.files.json_stream import JsonStream
from faultmap_core.readers.rows.raw_rows import NumberedRow
from faultmap_core.readers.rows.reconciliation import Tally, ToolSummary, compare_count, compare_mean
from faultmap_core.readers.rows.tabular import open_text

RUN_MEMBER = "testRunData"
CASE_MEMBERS = ("testCases", "conversationalTestCases")
_SUMMARY_MEMBERS = frozenset({"testPassed", "testFailed", "metricsScores"})


def is_test_run(path: Path) -> bool:
    """Say whether a JSON document is a test run, and not the table of one."""
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        return stream.peek() == "{" and any(member in (RUN_MEMBER, *CASE_MEMBERS) for member in stream.members())


def test_cases(path: Path) -> Iterator[NumberedRow]:
    """Yield the test cases of a run, numbered as they stand."""
    found = False
    number = 0
    with open_text(path) as text:
        for stream, member in _members(JsonStream(text, str(path)), path):
            if member not in CASE_MEMBERS or stream.peek() != "[":
                continue
            found = True
            for _ in stream.items():
                number += 1
                yield number, _case(stream)
    if not found:
        raise EvalFileError(f"{path}: this DeepEval test run has no {' or '.join(CASE_MEMBERS)}")


def compared(path: Path, tally: Tally) -> list[ToolSummary]:
    """Compare the counts and means of a test run with those of its rows; a table says nothing of itself."""
    if not path.name.lower().removesuffix(".gz").endswith(".json"):
        return []
    said: dict[str, Any] = {}
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        if stream.peek() != "{":
            return []
        for inner, member in _members(stream, path):
            if member in _SUMMARY_MEMBERS:
                said[member] = inner.value()
    found = [
        *compare_count("testPassed", said.get("testPassed"), tally.passed),
        *compare_count("testFailed", said.get("testFailed"), tally.failed),
    ]
    listed = said.get("metricsScores")
    for metric in listed if isinstance(listed, list) else []:
        name = metric.get("metric") if isinstance(metric, dict) else None
        scores = metric.get("scores") if isinstance(metric, dict) else None
        numbers = [score for score in (scores if isinstance(scores, list) else ()) if isinstance(score, int | float)]
        # Of a traced run the list holds the scores of spans, too; then it says nothing about the test cases.
        if numbers and len(numbers) == tally.count(str(name)):
            found += compare_mean(f"mean {name}", sum(numbers) / len(numbers), tally.mean(str(name)))
    return found


def _members(stream: JsonStream, path: Path) -> Iterator[tuple[JsonStream, str]]:
    """Walk along the members of a run, whichever way it is wrapped."""
    for member in stream.members():
        if member != RUN_MEMBER:
            yield stream, member
        elif stream.peek() == "{":
            yield from _members(stream, path)
        elif isinstance(inside := _value(stream), str):
            yield from _members(JsonStream(_Text(inside), f"{path}: {RUN_MEMBER}"), path)


def _value(stream: JsonStream) -> Any:
    try:
        return stream.value()
    except RowError as error:
        raise EvalFileError(f"{RUN_MEMBER}: {error}") from None


def _case(stream: JsonStream) -> dict[str, Any] | RowError:
    try:
        case = stream.value()
    except RowError as error:
        return error
    if not isinstance(case, dict):
        return RowError(f"a JSON {type(case).__name__}, expected an object")
    return _conversation(case) if isinstance(case.get("turns"), list) else case


def _conversation(case: Mapping[str, Any]) -> dict[str, Any]:
    """Give the turns of a conversation the places of a prompt and an answer."""
    turns = [turn for turn in case["turns"] if isinstance(turn, dict)]
    last = next((index for index in reversed(range(len(turns))) if turns[index].get("role") == "assistant"), len(turns))
    said = [{"role": turn.get("role"), "content": turn.get("content")} for turn in turns[:last]]
    answer = turns[last].get("content") if last < len(turns) else None
    rest = {name: value for name, value in case.items() if name != "turns"}
    return {"input": json.dumps(said), "actualOutput": answer, "expectedOutput": case.get("expectedOutcome"), **rest}


class _Text:
    """A text as a source of a stream."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def read(self, size: int, /) -> str:
        block = self._text[self._at : self._at + size]
        self._at += len(block)
        return block
