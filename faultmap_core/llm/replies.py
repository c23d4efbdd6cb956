"""Define the schemas of structured replies, and parse and validate the replies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from faultmap_core.llm.calls import Message, R, Request

MOST_CANDIDATES = 200
MOST_COMPLAINTS = 5
MOST_SHOWN = 8000


def reply_model(request: Request[Any]) -> type[BaseModel] | None:
    """Return the model of a structured reply, None for plain text."""
    reply = request.reply
    return reply if reply is not None and issubclass(reply, BaseModel) else None


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


@lru_cache(maxsize=256)
def schema_text(reply: type[BaseModel]) -> str:
    """Return the schema as JSON, equal for equal schemas."""
    return json.dumps(json_schema(reply), sort_keys=True)


def response_format(reply: type[BaseModel], *, strict: bool) -> dict[str, Any]:
    """Return the parameter `response_format` of a chat completion, a new one that may be changed underway."""
    schema = json.loads(schema_text(reply))
    return {"type": "json_schema", "json_schema": {"name": reply.__name__, "schema": schema, "strict": strict}}


def stating_schema(messages: tuple[Message, ...], reply: type[BaseModel]) -> tuple[Message, ...]:
    """Say in the prompt what `response_format` says, for providers that do not take it."""
    text = f"Reply with one JSON object and nothing else. It must fit this JSON schema:\n{schema_text(reply)}"
    if messages and messages[0].role == "system":
        return (Message("system", f"{messages[0].content}\n\n{text}"), *messages[1:])
    return (Message("system", text), *messages)


def asking_again(
    messages: tuple[Message, ...], text: str, complaint: str, reply: type[BaseModel]
) -> tuple[Message, ...]:
    """Show the model its own reply, and what was wrong with it."""
    request = (
        f"That reply cannot be used: {complaint}. Reply again with one JSON object and nothing else. "
        f"It must fit this JSON schema:\n{schema_text(reply)}"
    )
    return (*messages, Message("assistant", text[:MOST_SHOWN] or "(empty)"), Message("user", request))


def read_reply(text: str, request: Request[R]) -> tuple[R | None, str]:
    """Return the reply that a text holds, or None and what is wrong with it, in one line.

    Text around the JSON object (fences, an introduction, thoughts) is passed over; of several objects that fit, the
    last one counts. A reply that the request's own check complains about is none.
    """
    reply = reply_model(request)
    found, complaint = (text, "") if reply is None else _fitting(text, reply)
    return _checked(cast("R | None", found), complaint, request)


def _checked(found: R | None, complaint: str, request: Request[R]) -> tuple[R | None, str]:
    if found is None or request.check is None:
        return found, complaint
    try:
        complaint = request.check(found) or ""
    except Exception as error:  # the check is the caller's: a reply that it stumbles over is a bad reply
        complaint = f"it could not be checked ({type(error).__name__}: {error})"
    return (None, " ".join(complaint.split())) if complaint else (found, "")


def _fitting(text: str, reply: type[BaseModel]) -> tuple[BaseModel | None, str]:
    try:
        return reply.model_validate_json(text), ""
    except ValidationError:
        complaint = "it holds no JSON object"
    for candidate in reversed(list(_objects(text))):
        try:
            return reply.model_validate_json(candidate), ""
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
