"""Reads chats as roles and texts, in whatever form a client or a tracer wrote the messages down.

Understood: OpenAI (also items of the Responses API), Anthropic, Gemini and Google ADK (`parts`), Cohere, OpenTelemetry
GenAI, OpenInference, LangChain and LangGraph (`type` and `content`, `lc` and `kwargs`, pairs of role and text, what
Python prints of them), LlamaIndex (`blocks`), Pydantic AI (`part_kind`), Haystack, AutoGen and ShareGPT.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from faultmap_core.data.payloads import decoded, text_of_json

Chat = list[dict[str, str]]

_ROLES = {
    "human": "user",
    "user": "user",
    "ai": "assistant",
    "model": "assistant",
    "assistant": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "gpt": "assistant",
    "function": "tool",
    "tool": "tool",
    "system": "system",
    "developer": "system",
}
# The names of LangChain's classes, also of their chunks.
_CLASS = re.compile(r"(Human|AI|System|Tool|Function|Developer)Message(?:Chunk)?")
_PART_ROLES = {
    "system-prompt": "system",
    "user-prompt": "user",
    "tool-return": "tool",
    "retry-prompt": "tool",
    "text": "assistant",
    "tool-call": "assistant",
}
_PART_CLASSES = {
    "SystemPromptPart": "system-prompt",
    "UserPromptPart": "user-prompt",
    "ToolReturnPart": "tool-return",
    "RetryPromptPart": "retry-prompt",
    "TextPart": "text",
    "ToolCallPart": "tool-call",
    "ThinkingPart": "thinking",
}
_CALLS = frozenset({"tool_call", "tool_use", "function", "function_call", "tool-call"})
_RESULTS = frozenset({"tool_result", "tool_call_response", "function_call_output", "tool-return"})
# Items of a run that are no message: they never make a list of messages something else.
_SILENT = frozenset(
    {"reasoning", "thinking", "web_search_call", "file_search_call", "item_reference", "redacted_thinking"}
)
_CONTENTS = ("parts", "contents", "content", "_content", "blocks", "text", "value", "message")


def chat_of(value: Any, *, media: bool = True) -> Chat | None:
    """Return messages as role and content, None where `value` is no message and no list of messages.

    Args: media: whether pictures and sounds are mentioned, as `[image]`; else they are left out.
    """
    value = decoded(value)
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list) and not _is_pair(value[0]):
        value = value[0]
    if not isinstance(value, list) or not value:
        return None
    chat: Chat = []
    for one in value:
        turns = _turns(one, media)
        if turns is None:
            return None
        chat += turns
    return chat or None


def last_question(chat: Chat) -> str | None:
    """Return what the user said last, None where no turn of the user says anything."""
    return next(
        (turn["content"] for turn in reversed(chat) if turn["role"] == "user" and turn["content"].strip()), None
    )


def last_answer(chat: Chat) -> str:
    """Return what the model said last; without a turn of it, what was said last."""
    said = [turn["content"] for turn in chat if turn["content"]]
    of_model = [turn["content"] for turn in chat if turn["role"] == "assistant" and turn["content"]]
    return next(iter((of_model or said)[-1:]), "")


def rendered(chat: Chat) -> str:
    """Return a chat as one text."""
    return "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in chat)


def content_of(message: Mapping[str, Any], *, media: bool = True) -> str:
    """Return a message's texts, calls of tools and their results, one a line."""
    parts = decoded(next((message[name] for name in _CONTENTS if message.get(name)), None))
    lines = [_part(part, media) for part in parts] if isinstance(parts, list) else [_part(parts, media)]
    calls = message.get("tool_calls")
    lines += [_call(call) for call in calls] if isinstance(calls, list) else []
    return "\n".join(line for line in lines if line)


def is_content(parts: Any) -> bool:
    """Say whether a list is the content of one message: typed parts with a text."""
    return (
        isinstance(parts, list)
        and bool(parts)
        and all(
            isinstance(part, Mapping) and isinstance(part.get("type"), str) and not part.get("role") for part in parts
        )
        and any(isinstance(part.get("text"), str) for part in parts)
    )


def _turns(value: Any, media: bool) -> Chat | None:
    """Return the turns of one message: none of an item that says nothing, several of a message of Pydantic AI."""
    if _is_pair(value):
        return [{"role": _ROLES[value[0].lower()], "content": value[1]}]
    if not isinstance(value, Mapping):
        return None
    value = _inner(value)
    if value.get("type") in _SILENT:
        return []
    if parts := _pydantic_parts(value):
        return [
            {
                "role": _PART_ROLES[kind],
                "content": _call(part) if kind == "tool-call" else content_of(part, media=media),
            }
            for kind, part in parts
            if kind in _PART_ROLES
        ]
    role = _role(value)
    if role is None:
        if value.get("type") in _CALLS and value.get("name"):
            return [{"role": "assistant", "content": _call(value)}]
        if value.get("type") in _RESULTS:
            return [{"role": "tool", "content": _part(value, media)}]
        return None
    content = decoded(value.get("content"))
    if isinstance(content, list) and content and all(_is_tool_result(part) for part in content):
        # Anthropic sends the results of tools back under the role of the user.
        role = "tool"
    return [{"role": role, "content": content_of(value, media=media)}]


def _inner(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take a message out of what its library wraps around it."""
    dotted = {
        str(name).removeprefix("message."): one for name, one in value.items() if str(name).startswith("message.")
    }
    if "role" in dotted:
        return dotted
    kwargs = value.get("kwargs")
    if isinstance(kwargs, Mapping):
        kind = value.get("id")
        named = {"type": kind[-1]} if isinstance(kind, list) and kind else {}
        return {**kwargs, **(named if _CLASS.fullmatch(str(named.get("type", ""))) else {})}
    for wrapper in ("message", "data", "content"):
        inside = value.get(wrapper)
        if isinstance(inside, Mapping) and (wrapper == "message" or "role" in inside or "type" in value):
            return {"type": value["type"], **inside} if wrapper == "data" and "type" in value else inside
    return value


def _role(value: Mapping[str, Any]) -> str | None:
    if not any(name in value for name in (*_CONTENTS, "tool_calls")):
        return None
    role = next((value[name] for name in ("role", "_role", "from") if isinstance(value.get(name), str)), None)
    kind = value.get("type")
    if role is None and isinstance(kind, str):
        named = _CLASS.fullmatch(kind)
        role = named[1].lower() if named else kind if kind.lower() in _ROLES else None
        if role is None and kind.endswith("Message"):
            role = value.get("source")
    if role is None and isinstance(value.get("parts"), list) and all(_is_gemini_part(part) for part in value["parts"]):
        # Gemini takes a content without a role for the user's.
        role = "user"
    return _ROLES.get(role.lower(), role) if isinstance(role, str) and role else None


def _is_pair(value: Any) -> bool:
    """LangGraph takes `["human", "…"]` for a message."""
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], str)
        and value[0].lower() in _ROLES
    )


def _is_gemini_part(part: Any) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("text"), str) and "part_kind" not in part


def _is_tool_result(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") in _RESULTS


def _pydantic_parts(value: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    parts = value.get("parts")
    found = []
    for part in parts if isinstance(parts, list) else []:
        kind = (
            (part.get("part_kind") or _PART_CLASSES.get(str(part.get("type")))) if isinstance(part, Mapping) else None
        )
        if not isinstance(kind, str):
            return []
        found.append((kind, part))
    return found


def _part(part: Any, media: bool) -> str:
    if part is None:
        return ""
    if not isinstance(part, Mapping):
        return text_of_json(part)
    dotted = {name.removeprefix("message_content."): one for name, one in part.items() if "message_content." in name}
    part = dotted or (part["message_content"] if isinstance(part.get("message_content"), Mapping) else part)
    if part.get("type") in _CALLS:
        return _call(part)
    for name in ("functionCall", "function_call", "toolUse"):
        if isinstance(part.get(name), Mapping):
            return _call(part[name])
    if part.get("type") in _SILENT or part.get("thought") is True:
        return ""
    for name in (
        "content",
        "text",
        "response",
        "result",
        "output",
        "functionResponse",
        "function_response",
        "toolResult",
    ):
        if part.get(name) not in (None, "", []):
            inside = part[name]
            return "\n".join(_part(one, media) for one in inside) if isinstance(inside, list) else text_of_json(inside)
    return f"[{part['type']}]" if media and isinstance(part.get("type"), str) and part["type"] != "text" else ""


def _call(call: Any) -> str:
    if not isinstance(call, Mapping):
        return ""
    call = call["tool_call"] if isinstance(call.get("tool_call"), Mapping) else call
    function = call["function"] if isinstance(call.get("function"), Mapping) else call
    arguments = next((function[name] for name in ("arguments", "input", "args") if function.get(name)), "")
    name = function.get("name") or function.get("tool_name") or "a tool"
    return f"[calls {name}({text_of_json(arguments) if arguments else ''})]"
