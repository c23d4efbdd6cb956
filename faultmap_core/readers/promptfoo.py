"""Read promptfoo results (`-o results.json`, version 3, or `-o results.jsonl`) as eval rows.

An example is a test with one prompt template, so that providers meet; a test that ran several times (`--repeat`) is
one example with several epochs. The outcome is promptfoo's `success`; its scores stay beside it. Where the provider or
the grader failed (`failureReason` 2) there is neither. The counts of the file's own `stats` are compared with the rows.
Source: https://www.promptfoo.dev/docs/usage/node-package/ and the types `EvaluateSummaryV3`, `EvaluateResult`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, RowError
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import JsonStream
from faultmap_core.readers.raw_rows import (
    NumberedRow,
    ScorerChoice,
    add_metadata,
    set_error,
    text_or_json,
    verdict,
)
from faultmap_core.readers.reconciliation import Tally, ToolSummary, compare_count
from faultmap_core.readers.tabular import jsonl_rows, open_text

_MEMBERS = frozenset(
    {
        "testIdx", "promptIdx", "promptId", "prompt", "provider", "response", "score", "success", "failureReason",
        "error", "namedScores", "gradingResult", "testCase", "vars",
    }
)  # fmt: skip
_INFRASTRUCTURE_ERROR = 2
_SUCCESS = "success"
_PROMPT_COUNTS = {"successes": "testPassCount", "failures": "testFailCount", "errors": "testErrorCount"}
# Assertions whose value is code or a limit, not what the answer should be.
_NO_REFERENCE = frozenset(
    {
        "javascript", "python", "ruby", "webhook", "cost", "latency", "perplexity", "perplexity-score", "assert-set",
        "is-json", "is-valid-openai-tools-call", "is-valid-openai-function-call", "guardrails", "moderation",
        "trajectory", "finish-reason",
    }
)  # fmt: skip


def is_promptfoo_row(row: Mapping[str, Any]) -> bool:
    """Say whether a row is a result of promptfoo."""
    return {"testIdx", "promptIdx", "provider"} <= row.keys()


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Generator[NumberedRow, None, list[ToolSummary]]:
    """Read one results file; a row's line is the result's position (in JSONL its line)."""
    tests = _Tests(path)
    scorers, tally = ScorerChoice(options.scorer, (_SUCCESS,)), Tally()
    for line, result in _results(path, account):
        if isinstance(result, RowError):
            yield line, result
            continue
        try:
            row = _row(result, tests)
        except RowError as error:
            yield line, error
            continue
        scorers.apply(row, _scores(result))
        failed = result.get("failureReason") == _INFRASTRUCTURE_ERROR
        if failed:
            set_error(row, result.get("error") or "the provider failed")
        tally.add({**row, "passed": None if failed else _success(result)})
        yield line, row
    scorers.check(path)
    return _compared(path, tally)


def _success(result: Mapping[str, Any]) -> bool | None:
    """Return promptfoo's verdict on a test."""
    grading = result.get("gradingResult")
    graded = grading.get("pass") if isinstance(grading, dict) else None
    return next((one for one in (result.get("success"), graded) if isinstance(one, bool)), None)


def _scores(result: Mapping[str, Any]) -> dict[str, Any]:
    named = result.get("namedScores")
    named = named if isinstance(named, dict) else {}
    success = _success(result)
    values = {"score": result.get("score"), **named}
    scores = {name: value for name, value in values.items() if isinstance(value, bool | int | float)}
    # Where there is no verdict at all, the score decides.
    return scores if success is None else {_SUCCESS: verdict(_SUCCESS, success), **scores}


def _compared(path: Path, tally: Tally) -> list[ToolSummary]:
    """Compare the rows with promptfoo's `stats`, else with the metrics of its prompts."""
    if not _is_document(path):
        return []
    said = _said(path)
    ours = {"successes": tally.passed, "failures": tally.failed, "errors": tally.errors}
    return [one for name, count in ours.items() for one in compare_count(name, said.get(name), count)]


def _said(path: Path) -> dict[str, Any]:
    head: dict[str, Any] = {}
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        for member in stream.members():
            if member == "results" and stream.peek() == "{":
                head = stream.head({"stats", "prompts"})
                break
    if isinstance(stats := head.get("stats"), dict) and stats:
        return stats
    totals: dict[str, Any] = {}
    prompts = head.get("prompts")
    for prompt in prompts if isinstance(prompts, list) else []:
        metrics = prompt.get("metrics") if isinstance(prompt, dict) else None
        for name, member in _PROMPT_COUNTS.items():
            if isinstance(metrics, dict) and isinstance(count := metrics.get(member), int):
                totals[name] = totals.get(name, 0) + count
    return totals


def _results(path: Path, account: LineAccount | None = None) -> Iterator[NumberedRow]:
    if _is_document(path):
        yield from _document_results(path)
    else:
        yield from jsonl_rows(path, account)


def _is_document(path: Path) -> bool:
    return ".json" in path.suffixes or path.name.lower().endswith((".json", ".json.gz"))


def _document_results(path: Path) -> Iterator[NumberedRow]:
    with open_text(path) as text:
        stream = JsonStream(text, str(path))
        found = False
        for member in stream.members():
            if member != "results" or stream.peek() != "{":
                continue
            for inner in stream.members():
                if inner == "results" and stream.peek() == "[":
                    found = True
                    for position in stream.items():
                        try:
                            yield position + 1, stream.record(_MEMBERS)
                        except RowError as error:
                            yield position + 1, error
        if not found:
            raise EvalFileError(f"{path}: these are no results of promptfoo version 3: `results.results` is missing")


class _Tests:
    """Which results are of one test and one prompt template? Some 100 bytes a result."""

    def __init__(self, path: Path) -> None:
        self._templates: dict[str, int] = {}
        self._positions: dict[bytes, set[int]] = {}
        for _, result in _results(path):
            if isinstance(result, RowError) or not isinstance(result.get("testIdx"), int):
                continue
            position = result.get("promptIdx")
            template, order = _template(result), position if isinstance(position, int) else 0
            self._templates[template] = min(order, self._templates.get(template, order))
            self._positions.setdefault(_test(result), set()).add(result["testIdx"])
        ordered = sorted(self._templates, key=lambda template: (self._templates[template], template))
        self._templates = {template: position for position, template in enumerate(ordered)}

    def example(self, result: Mapping[str, Any]) -> tuple[str, int]:
        """Return the example's id and epoch. Raises RowError where the result does not name its test."""
        if not isinstance(result.get("testIdx"), int):
            raise RowError("testIdx is missing")
        positions = sorted(self._positions[_test(result)])
        example_id = str(positions[0])
        if len(self._templates) > 1:
            example_id += f"-{self._templates[_template(result)]}"
        return example_id, positions.index(result["testIdx"]) + 1

    @property
    def several_templates(self) -> bool:
        return len(self._templates) > 1


def _template(result: Mapping[str, Any]) -> str:
    prompt = result.get("prompt")
    label = prompt.get("label") if isinstance(prompt, dict) else None
    return str(result.get("promptId") or label or result.get("promptIdx"))


def _test(result: Mapping[str, Any]) -> bytes:
    case = result.get("testCase")
    case = case if isinstance(case, dict) else {}
    parts = [_template(result), case.get("vars", result.get("vars")), case.get("assert"), case.get("description")]
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()


def _row(result: Mapping[str, Any], tests: _Tests) -> dict[str, Any]:
    example_id, epoch = tests.example(result)
    case, response, prompt = (
        part if isinstance(part, dict) else {} for part in map(result.get, ("testCase", "response", "prompt"))
    )
    row: dict[str, Any] = {
        "model": _provider(result.get("provider")),
        "example_id": example_id,
        "epoch": epoch,
        "input_text": prompt.get("raw") if prompt else text_or_json(result.get("prompt")),
        "output_text": text_or_json(response.get("output")),
        "correct_answer": _reference(case.get("assert")),
    }
    if isinstance(description := case.get("description"), str) and description:
        row["description"] = description
    if tests.several_templates and isinstance(label := prompt.get("label"), str):
        row["prompt_label"] = label
    grading = result.get("gradingResult")
    reason = grading.get("reason") if isinstance(grading, dict) else None
    if isinstance(reason, str) and result.get("success") is False:
        row["scored_explanation"] = reason
    add_metadata(row, case.get("vars") or result.get("vars"), "vars")
    add_metadata(row, case.get("metadata"), "test")
    return row


def _provider(provider: Any) -> Any:
    """Return a provider's label, which tells two settings of one model apart, else its id."""
    return (provider.get("label") or provider.get("id")) if isinstance(provider, dict) else provider


def _reference(assertions: Any) -> Any:
    """Return what the first assertion that says so expects."""
    for assertion in assertions if isinstance(assertions, list) else []:
        kind = str(assertion.get("type", "")) if isinstance(assertion, dict) else ""
        if kind.startswith("not-") or kind in _NO_REFERENCE:
            continue
        value = assertion.get("value") if isinstance(assertion, dict) else None
        if value not in (None, "") and not (isinstance(value, str) and value.startswith("file://")):
            return value
    return None
