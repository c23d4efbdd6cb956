"""Read a Langfuse export as log rows: traces, or observations where a file has no traces.

A trace that says what was asked is one row. Of observations, the outermost generations, agents and chains are (see
`trace_tree`). Exports from the page (JSON, JSONL), pages of the public API and blob exports are read, with names in
camelCase or snake_case. Scores that stand in the row become metadata, `score.NAME`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import RowError
from faultmap_core.data.log_table import LogOptions
from faultmap_core.data.payloads import decoded
from faultmap_core.data.unwrapping import asks_something
from faultmap_core.readers.files.conservation import LineAccount
from faultmap_core.readers.rows.raw_rows import NumberedRow, add_metadata
from faultmap_core.readers.traces.documents import log_objects
from faultmap_core.readers.traces.trace_tree import Request, TraceStep, TraceTree

_CALLS = frozenset({"GENERATION", "AGENT", "CHAIN"})
_TYPES = _CALLS | {"SPAN", "EVENT", "TOOL", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL"}
_OF_TRACES = ("htmlPath", "projectId", "externalId", "bookmarked", "observations", "totalCost")
_KEPT = ("name", "release", "version", "environment", "latency", "totalCost", "level", "statusMessage")
_SNAKE = re.compile(r"(?<!^)(?=[A-Z])")


def is_langfuse(row: Mapping[str, Any]) -> bool:
    """Say whether a JSON object is a trace, an observation, or an export of one trace."""
    if isinstance(row.get("trace"), Mapping) and isinstance(row.get("observations"), list):
        return True
    if _get(row, "traceId") is not None and str(row.get("type", "")).upper() in _TYPES:
        return True
    is_trace = (
        _get(row, "id") is not None and _get(row, "timestamp") is not None and ("input" in row or "output" in row)
    )
    return is_trace and any(_get(row, name) is not None for name in _OF_TRACES)


def langfuse_rows(path: Path, options: LogOptions, account: LineAccount) -> Iterator[NumberedRow]:
    """Read the requests of an export, in two passes. A row's number is its line, or its place in the document.

    Raises: EvalFileError where nothing in the file is a request.
    """
    tree = TraceTree()
    for _, entry in _numbered_entries(path):
        if not isinstance(entry, RowError):
            tree.add(_step(entry))
    requests = tree.requests()
    told = 0
    for number, entry in _numbered_entries(path, account):
        if isinstance(entry, RowError):
            told += 1
            yield number, entry
        elif (key := _key(entry)) in requests:
            told += 1
            yield number, _row(entry, requests[key], options)
    if not told:
        raise EvalFileError(
            f"{path}: neither a trace with an input nor a generation, an agent or a chain is in this export of Langfuse"
        )


def _numbered_entries(
    path: Path, account: LineAccount | None = None
) -> Iterator[tuple[int, dict[str, Any] | RowError]]:
    number = 0
    for line, found in log_objects(path, account):
        for entry in _entries(found):
            number = max(number + 1, line)
            yield number, entry


def _entries(found: dict[str, Any] | RowError) -> Iterator[dict[str, Any] | RowError]:
    """Yield a trace and, after it, the observations that stand in it."""
    if isinstance(found, RowError):
        yield found
        return
    if isinstance(found.get("trace"), Mapping):
        found = {**found["trace"], **{name: found[name] for name in ("observations", "scores") if name in found}}
    if _get(found, "id") is None:
        yield RowError("neither a trace nor an observation of Langfuse: it has no id")
        return
    yield found
    observations = found.get("observations")
    for one in observations if isinstance(observations, list) else []:
        # Lists of traces name their observations by id alone.
        if isinstance(one, dict):
            yield {"traceId": _get(found, "id"), **one}


def _is_observation(entry: Mapping[str, Any]) -> bool:
    return _get(entry, "traceId") is not None


def _key(entry: Mapping[str, Any]) -> str:
    kind = "observation" if _is_observation(entry) else "trace"
    return f"{kind}:{_get(entry, 'id')}"


def _step(entry: Mapping[str, Any]) -> TraceStep:
    has_prompt = asks_something(entry.get("input"))
    session, user = _text(_get(entry, "sessionId")), _text(_get(entry, "userId"))
    if not _is_observation(entry):
        trace = str(_get(entry, "id"))
        return TraceStep(_key(entry), None, trace, "call", has_prompt, None, session, user)
    trace, parent = str(_get(entry, "traceId")), _get(entry, "parentObservationId")
    kind = str(entry.get("type", "")).upper()
    model = _text(_get(entry, "model") or _get(entry, "providedModelName"))
    return TraceStep(
        key=_key(entry),
        parent=f"observation:{parent}" if parent else f"trace:{trace}",
        trace=trace,
        role="call" if kind in _CALLS else "wrapper" if kind == "SPAN" else "inside",
        has_prompt=has_prompt,
        model=model,
        session=session,
        user=user,
    )


def _row(entry: Mapping[str, Any], request: Request, options: LogOptions) -> dict[str, Any]:
    row: dict[str, Any] = {
        "example_id": _text(_get(entry, "id")),
        "timestamp": _get(entry, "timestamp") or _get(entry, "startTime"),
        "model": request.model,
        "input_text": entry.get("input"),
        "output_text": entry.get("output"),
        "session_id": request.session,
        "user_id": request.user,
        "trace_id": _text(_get(entry, "traceId") if _is_observation(entry) else _get(entry, "id")),
        "is_whole_trace": not _is_observation(entry),
    }
    if _get(entry, "level") is not None:
        row["error"] = str(_get(entry, "level")).upper() == "ERROR"
    add_metadata(row, {name: _get(entry, name) for name in _KEPT if _get(entry, name) is not None}, "langfuse")
    add_metadata(row, decoded(entry.get("metadata")), "metadata")
    tags = decoded(entry.get("tags"))
    if isinstance(tags, list) and tags:
        row["tags"] = ", ".join(str(tag) for tag in tags)
    row |= _scores(decoded(entry.get("scores")))
    for name, column in options.column_map.items():
        if column in row:
            row[name] = row[column]
    return row


def _scores(scores: Any) -> dict[str, Any]:
    """Return named scores; one that is a word says it in `stringValue`. Of several with one name the last counts."""
    if isinstance(scores, Mapping):
        return {f"score.{name}": value for name, value in scores.items() if isinstance(value, str | int | float)}
    found: dict[str, Any] = {}
    for score in scores if isinstance(scores, list) else []:
        if isinstance(score, Mapping) and score.get("name"):
            word = _get(score, "stringValue")
            found[f"score.{score['name']}"] = word if word is not None else score.get("value")
    return found


def _get(row: Mapping[str, Any], name: str) -> Any:
    """Return a member by its name in camelCase or snake_case."""
    value = row.get(name)
    return value if value is not None else row.get(_SNAKE.sub("_", name).lower())


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)
