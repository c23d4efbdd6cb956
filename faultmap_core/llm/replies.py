"""Structured replies: which schema is asked for, and does a text hold a reply that fits it?"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from faultmap_core.llm.calls import Message, R, Request

MOST_CANDIDATES = 200
MOST_COMPLAINTS = 5
MOST_SHOWN = 8000


def schema_of(request: Request[Any]) -> dict[str, Any] | None:
    """Return the schema of a request's reply, None for plain text."""
    if request.reply is None or not issubclass(request.reply, BaseModel):
        return None
    return json_schema(request.reply)


@lru_cache(maxsize=256)
def json_schema(reply: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a reply as strict providers want it: all fields required, none besides them."""
    return cast("dict[str, Any]", _strict(reply.model_json_schema()))


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(part) for part in node]
    if not isinstance(node, dict):
        return node
    strict = {name: _strict_part(name, part) for name, part in node.items() if name not in ("title", "default")}
    if "properties" in strict:
        strict["required"] = list(strict["properties"])
        strict["additionalProperties"] = False
    return strict


def _strict_part(name: str, part: Any) -> Any:
    """A property may be called "title" or "default", too: only keywords of the schema go."""
    if name in ("properties", "$defs"):
        return {key: _strict(value) for key, value in part.items()}
    return part if name in ("enum", "const", "required") else _strict(part)


def response_format(name: str, schema: dict[str, Any], *, strict: bool) -> dict[str, Any]:
    """Return the parameter `response_format` of a chat completion."""
    return {"type": "json_schema", "json_schema": {"name": name, "schema": copy.deepcopy(schema), "strict": strict}}


def stating_schema(messages: tuple[Message, ...], schema: dict[str, Any]) -> tuple[Message, ...]:
    """Say in the prompt what `response_format` says, for providers that do not take it."""
    text = f"Reply with one JSON object and nothing else. It must fit this JSON schema:\n{json.dumps(schema)}"
    if messages and messages[0].role == "system":
        return (Message("system", f"{messages[0].content}\n\n{text}"), *messages[1:])
    return (Message("system", text), *messages)


def asking_again(
    messages: tuple[Message, ...], text: str, complaint: str, schema: dict[str, Any]
) -> tuple[Message, ...]:
    """Show the model its own reply, and what was wrong with it."""
    request = (
        f"That reply cannot be used: {complaint}. Reply again with one JSON object and nothing else. "
        f"It must fit this JSON schema:\n{json.dumps(schema)}"
    )
    return (*messages, Message("assistant", text[:MOST_SHOWN] or "(empty)"), Message("user", request))


def read_reply(text: str, request: Request[R]) -> tuple[R | None, str]:
    """Return the reply that a text holds, or None and what is wrong with it, in one line.

    Text around the JSON object (fences, an introduction, thoughts) is passed over; of several objects that fit, the
    last one counts. A reply that the request's own check complains about is none.
    """
    if request.reply is None or not issubclass(request.reply, BaseModel):
        found, complaint = cast("R | None", text), ""
    else:
        found, complaint = _fitting(text, request.reply)
    if found is None or request.check is None:
        return found, complaint
    try:
        complaint = request.check(found) or ""
    except Exception as error:  # the check is the caller's: a reply that it stumbles over is a bad reply
        complaint = f"it could not be checked ({type(error).__name__}: {error})"
    return (None, " ".join(complaint.split())) if complaint else (found, "")


def _fitting(text: str, reply: type[R]) -> tuple[R | None, str]:
    schema = cast("type[BaseModel]", reply)
    try:
        return cast("R", schema.model_validate_json(text)), ""
    except ValidationError:
        complaint = "it holds no JSON object"
    for candidate in reversed(list(_objects(text))):
        try:
            return cast("R", schema.model_validate_json(candidate)), ""
        except ValidationError as error:
            complaint = _complaint(error)
    return None, complaint


def _objects(text: str) -> Iterator[str]:
    """Yield the JSON objects in a text that are not inside another one."""
    decoder, position = json.JSONDecoder(), 0
    for _ in range(MOST_CANDIDATES):
        position = text.find("{", position)
        if position < 0:
            return
        try:
            _, end = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            position += 1
        else:
            yield text[position:end]
            position = end


def _complaint(error: ValidationError) -> str:
    parts = [
        f"{'.'.join(str(step) for step in problem['loc']) or 'the reply'}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    more = f" and {len(parts) - MOST_COMPLAINTS} more" if len(parts) > MOST_COMPLAINTS else ""
    return " ".join(("; ".join(parts[:MOST_COMPLAINTS]) + more).split())
