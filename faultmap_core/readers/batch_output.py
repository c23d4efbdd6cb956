"""Read the output of batch APIs (OpenAI, Azure OpenAI, Groq, Mistral; Anthropic's message batches) as eval rows.

The output holds answers by `custom_id` and no prompts; those stand in the request file, which is looked for beside it.
What the service failed (the error file, a status other than 200, an expired or cancelled request) has no score. A
request may name its reference in `body.metadata` (`correct_answer`, `reference`, `expected` or `answer`).
Sources: https://platform.openai.com/docs/guides/batch, https://console.groq.com/docs/batch,
https://docs.anthropic.com/en/docs/build-with-claude/batch-processing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from faultmap_core.errors import EvalFileError
from faultmap_core.evals import EvalOptions, RowError
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.json_stream import MAX_VALUE_CHARACTERS
from faultmap_core.readers.objects import LinesByKey, objects_of, siblings
from faultmap_core.readers.raw_rows import NumberedRow, add_metadata, set_error, text_or_json
from faultmap_core.readers.shapes import Shape, shape_of
from faultmap_core.readers.tabular import dataset_of, open_bytes
from faultmap_core.unwrapping import unwrap_answer

_KEY = "custom_id"
_LOOKED_AT_ROWS = 20
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*("(?:[^"\\]|\\.)*"|\d+)')
_REFERENCES = ("correct_answer", "reference", "expected", "answer")
# What people and services put behind the batch's own name.
_KIND = re.compile(r"[._-]*(?:in(?:put)?|out(?:put)?|requests?|results?|responses?|errors?)s?$", re.I)


def is_batch_output(shape: Shape) -> bool:
    """Say whether a file is the output or the error file of a batch."""
    return _KEY in shape.keys and (
        {"response", "error"} <= shape.keys or ("result" in shape.keys and "type" in shape.inside.get("result", ()))
    )


def is_batch_input(shape: Shape) -> bool:
    """Say whether a file holds the requests of a batch."""
    return _KEY in shape.keys and bool(shape.keys & {"body", "params"}) and not is_batch_output(shape)


def companions(path: Path) -> list[Path]:
    """Return the request file beside an output: the one most alike by name that holds its first custom ids."""
    wanted = _first_ids(path)
    for beside in siblings(path):
        try:
            if is_batch_input(shape_of(beside)):
                stat = beside.stat()
                if _holds(str(beside), stat.st_size, stat.st_mtime_ns, wanted):
                    return [beside]
        except OSError:
            continue
    return []


def rows(path: Path, options: EvalOptions, account: LineAccount) -> Iterator[NumberedRow]:
    """Read one output file; raises EvalFileError where no request file lies beside it."""
    requests = companions(path)
    if not requests:
        raise EvalFileError(
            f"{path}: a batch output holds no prompts, and no request file with its custom ids lies beside it; put the"
            " JSONL file there that was uploaded for the batch (lines with custom_id and body)"
        )
    dataset = options.dataset_name or _batch_name(requests[0])
    with LinesByKey(requests, lambda row: row.get(_KEY)) as by_id:
        for line, result in objects_of(path, account=account):
            if isinstance(result, RowError):
                yield line, result
                continue
            request = by_id.get(result.get(_KEY))
            if request is None:
                yield line, RowError(f"custom_id {str(result.get(_KEY))[:60]!r} is not in {requests[0].name}")
            else:
                yield line, {"dataset": dataset, **_row(result, request)}


def _first_ids(path: Path) -> frozenset[bytes]:
    try:
        with open_bytes(path) as stream:
            lines = [stream.readline(MAX_VALUE_CHARACTERS) for _ in range(_LOOKED_AT_ROWS)]
    except (EvalFileError, OSError, EOFError):
        return frozenset()
    found = (_CUSTOM_ID.search(line) for line in lines)
    return frozenset(one[1] for one in found if one)


# The folder is looked through often, and request files are large; the same file gives the same answer.
@lru_cache(maxsize=10_000)
def _holds(name: str, _size: int, _modified_ns: int, wanted: frozenset[bytes]) -> bool:
    """Say whether a request file has one of the ids; an output is in no order, so all of it may be looked through."""
    try:
        with open_bytes(Path(name)) as stream:
            while line := stream.readline(MAX_VALUE_CHARACTERS):
                found = _CUSTOM_ID.search(line)
                if found and found[1] in wanted:
                    return True
    except (EvalFileError, OSError, EOFError):
        pass
    return False


def _batch_name(path: Path) -> str:
    name = dataset_of(path)
    return _KIND.sub("", name) or name


def _row(result: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    asked, answer, error = _asked(request), _answer(result), _error(result)
    row: dict[str, Any] = {
        "model": _model(answer, asked),
        "example_id": result.get(_KEY),
        "input_text": _prompt(asked),
        "output_text": None if error else _answer_text(answer),
        "score": None,
    }
    metadata = asked.get("metadata")
    if isinstance(metadata, Mapping):
        name = next((name for name in _REFERENCES if isinstance(metadata.get(name), str | int | float)), None)
        row["correct_answer"] = metadata[name] if name else None
        add_metadata(row, {key: value for key, value in metadata.items() if key != name}, "request")
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    stopped = first.get("finish_reason") if isinstance(first, dict) else answer.get("stop_reason")
    add_metadata(row, {"finish_reason": stopped}, "response")
    if error:
        set_error(row, error)
    return row


def _asked(request: Mapping[str, Any]) -> Mapping[str, Any]:
    body = request.get("body", request.get("params"))
    return body if isinstance(body, Mapping) else {}


def _answer(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the service's answer, empty where it gave none."""
    response, outcome = result.get("response"), result.get("result")
    for container, member in ((response, "body"), (outcome, "message")):
        if isinstance(container, Mapping) and isinstance(container.get(member), Mapping):
            found: Mapping[str, Any] = container[member]
            return found
    return {}


def _error(result: Mapping[str, Any]) -> Any:
    """Return why the service gave no answer, None where it gave one."""
    if error := result.get("error"):
        return error
    outcome, response = result.get("result"), result.get("response")
    if isinstance(outcome, Mapping):
        kind = outcome.get("type")
        return None if kind == "succeeded" else outcome.get("error") or f"the request {kind or 'failed'}"
    if not isinstance(response, Mapping):
        return "no response"
    status, body = response.get("status_code"), response.get("body")
    told = body.get("error") if isinstance(body, Mapping) else None
    if told or (isinstance(status, int) and status >= 400):
        return told or f"status {status}"
    return None if isinstance(body, Mapping) else "no response"


def _model(answer: Mapping[str, Any], asked: Mapping[str, Any]) -> Any:
    """Return the model asked for: an error names none, and an answer names its dated version."""
    return asked.get("model") or answer.get("model")


def _prompt(asked: Mapping[str, Any]) -> Any:
    messages = asked.get("messages", asked.get("input"))
    if isinstance(messages, list) and messages:
        system = asked.get("system", asked.get("instructions"))
        return [{"role": "system", "content": text_or_json(system)}, *messages] if system else messages
    prompt = asked.get("prompt", asked.get("input"))
    return prompt[0] if isinstance(prompt, list) and len(prompt) == 1 else text_or_json(prompt)


def _answer_text(answer: Mapping[str, Any]) -> str | None:
    choices = answer.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
        message = choices[0].get("message")
        if isinstance(message, Mapping):
            said = message.get("content") or message.get("refusal")
            calls = message.get("tool_calls")
            return unwrap_answer([{"role": "assistant", "content": said or "", "tool_calls": calls or []}])
        return text_or_json(choices[0].get("text"))
    output = answer.get("output")
    if isinstance(output, list):
        turns = [turn for turn in output if isinstance(turn, Mapping) and turn.get("type") in ("message", None)]
        return unwrap_answer(turns[-1:]) if turns else text_or_json(output)
    return unwrap_answer([answer]) if "content" in answer else text_or_json(output)
