"""What was asked and answered, in whatever form a tracer wrote it down? As a chat of roles and texts, or one text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Chat = list[dict[str, str]]

_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool", "developer": "system"}
_ASKED_UNDER = ("input", "question", "query", "prompt", "text", "message", "content", "user_input", "inputs", "request")
_ANSWERED_UNDER = ("output", "answer", "response", "text", "content", "result", "completion", "message", "outputs")
_MOST_NESTED = 6


def chat_of(value: Any) -> Chat | None:
    """Return messages as role and content, None where `value` is no list of messages.

    Understood: OpenTelemetry GenAI (role, parts), OpenAI and Anthropic (role, content), OpenInference
    ({message: {role, content}}), LangChain (type, content; also as {kwargs: ...}).
    """
    value = parsed(value)
    if isinstance(value, Mapping):
        value = [value] if _message(value) else None
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if not isinstance(value, list) or not value:
        return None
    turns = [_message(one) for one in value]
    return [turn for turn in turns if turn is not None] if all(turns) else None


def asked(value: Any) -> Chat | str | None:
    """Return what was asked: a chat, a text, or the JSON of anything else; None where there is nothing."""
    return _understood(value, _ASKED_UNDER, 0)


def answered(value: Any) -> str | None:
    """Return what was answered as text."""
    found = _understood(value, _ANSWERED_UNDER, 0)
    return last_turn(found) if isinstance(found, list) else found


def last_turn(chat: Chat) -> str:
    """Return what the last message says."""
    return chat[-1]["content"] if chat else ""


def content_of(message: Mapping[str, Any]) -> str:
    """Return a message's texts, calls of tools and their results, one a line."""
    parts = next((message[name] for name in ("parts", "contents", "content") if message.get(name)), None)
    lines = [_part(part) for part in parts] if isinstance(parts, list) else [_part(parts)]
    calls = message.get("tool_calls")
    lines += [_call(call) for call in calls] if isinstance(calls, list) else []
    return "\n".join(line for line in lines if line)


def parsed(value: Any) -> Any:
    """Return what a text that holds a JSON object or array means, anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def text_of_json(value: Any) -> str:
    """Return a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _understood(value: Any, names: Sequence[str], depth: int) -> Chat | str | None:
    value = parsed(value)
    if value is None or value == "" or value == {} or value == []:
        return None
    chat = chat_of(value)
    if chat is not None:
        return chat
    if isinstance(value, Mapping) and depth < _MOST_NESTED:
        choices = value.get("choices") or value.get("generations")
        if isinstance(choices, list) and choices:
            return _understood(choices[0], names, depth + 1)
        inside = [value[name] for name in ("messages", *names) if value.get(name) not in (None, "", [], {})]
        if inside and ("messages" in value or len(inside) == 1):
            return _understood(inside[0], names, depth + 1)
    if isinstance(value, list) and len(value) == 1 and depth < _MOST_NESTED:
        return _understood(value[0], names, depth + 1)
    return text_of_json(value)


def _message(value: Any) -> dict[str, str] | None:
    if not isinstance(value, Mapping):
        return None
    for wrapper in ("message", "kwargs"):
        if isinstance(value.get(wrapper), Mapping):
            value = value[wrapper]
    role = value.get("role") or (value.get("type") if value.get("type") in _ROLES else None)
    if value.get("type") == "system" and not role:
        role = "system"
    if not isinstance(role, str) or not any(name in value for name in ("parts", "content", "contents", "tool_calls")):
        return None
    return {"role": _ROLES.get(role, role), "content": content_of(value)}


def _part(part: Any) -> str:
    if part is None:
        return ""
    if not isinstance(part, Mapping):
        return text_of_json(part)
    part = part["message_content"] if isinstance(part.get("message_content"), Mapping) else part
    if part.get("type") in ("tool_call", "tool_use", "function"):
        return _call(part)
    for name in ("content", "text", "response", "result", "output"):
        if part.get(name) not in (None, "", []):
            inside = part[name]
            return "\n".join(map(_part, inside)) if isinstance(inside, list) else text_of_json(inside)
    # Pictures and sounds are told, not shown.
    return f"[{part['type']}]" if isinstance(part.get("type"), str) and part["type"] != "text" else ""


def _call(call: Any) -> str:
    if not isinstance(call, Mapping):
        return ""
    call = call["tool_call"] if isinstance(call.get("tool_call"), Mapping) else call
    function = call["function"] if isinstance(call.get("function"), Mapping) else call
    arguments = next((function[name] for name in ("arguments", "input", "args") if function.get(name)), "")
    return f"[calls {function.get('name') or 'a tool'}({text_of_json(arguments) if arguments else ''})]"
