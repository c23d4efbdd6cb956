"""Finds what the user asked, and what was answered, in what a client wrote down around it.

A prompt may be a chat, the arguments of a function (Langfuse's `@observe`), the state of a chain or a graph, the body
of a request, each also as JSON in a text. Ids, session numbers and settings never are the prompt. Where it is not clear
which part is, the whole stays as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from faultmap_core.data.messages import Chat, chat_of, content_of, is_content, last_answer, last_question, rendered
from faultmap_core.data.payloads import decoded, text_of_json

_MAX_DEPTH = 8

# What holds the question wherever it stands, the surer name first; names are compared in snake_case.
_ASKED = (
    "question", "user_question", "query", "user_query", "query_str", "query_text", "str_or_query_bundle",
    "search_query", "user_input", "user_message", "user_prompt", "user_text", "user_request", "last_user_message",
    "chat_input", "human_input", "input_text", "prompt_text", "question_text", "current_question", "current_message",
    "new_message", "initial_message", "utterance", "prompt", "input", "input.value", "inputs", "inputs.value",
    "input_body_json",
)  # fmt: skip
_CHATS = (
    "messages", "contents", "input_messages", "prompt_messages", "chat_messages", "conversation", "conversations",
    "all_messages", "all_messages_events",
)  # fmt: skip
_HISTORIES = (
    "chat_history", "history", "conversation_history", "message_history", "messages_history", "previous_messages",
    "chat_log", "memory",
)  # fmt: skip
_INSTRUCTIONS = ("system", "system_instruction", "system_instructions", "system_prompt", "system_message")
_ANSWERED = (
    "final_output", "final_answer", "final_response", "final_result", "output_text", "answer", "response", "output",
    "outputs", "result", "completion", "generated_text", "generation", "text", "content", "message", "response_text",
    "actual_output", "prediction", "reply", "output.value", "output_body_json", "body", "data", "json", "value",
    "return_value", "return_values",
)  # fmt: skip
_CHOICES = ("choices", "generations", "candidates", "results", "completions")
# What stands beside a question or an answer and is neither.
_SETTINGS = frozenset({
    "model", "models", "model_name", "modelid", "model_kwargs", "provider", "temperature", "stream", "streaming",
    "stop", "stop_sequences", "seed", "n", "tools", "tool_choice", "tool_config", "response_format", "config",
    "configurable", "generation_config", "safety_settings", "parameters", "params", "settings",
    "text_generation_config", "inference_config", "additional_model_request_fields", "action", "tags", "metadata",
    "meta", "language", "lang", "locale", "user", "username", "user_name", "lc", "type", "kind", "object",
    "callbacks", "verbose", "stream_mode", "recursion_limit", "interrupt_before", "interrupt_after", "headers",
    "role", "channel", "source", "env", "environment", "version", "custom_embedding_strs", "embedding",
    "additional_kwargs", "response_metadata", "usage", "usage_metadata", "finish_reason", "stop_reason",
    "stop_sequence", "system_fingerprint", "llm_output", "is_last_step", "remaining_steps", "created", "done",
    "done_reason", "status", "score", "feedback", "name", "run_name", "class_name", "args", "kwargs", "domain",
    "plan",
})  # fmt: skip
_SETTING = re.compile(
    r"(?:.*_)?(?:ids?|uuid|guid|key|hash|session|thread|user|tenant|trace|span|run|timestamp|time|date|datetime|count"
    r"|tokens?|cost|latency|url|uri)|(?:top|max|min|num|is|has|use|enable|disable|request|created|updated)_\w+"
    r"|\w+_(?:at|penalty|size|type|version|config|tokens|details|reason|usage)"
)
_ASIDE_OF_ANSWERS = frozenset({
    "context", "contexts", "documents", "docs", "source_documents", "sources", "source_nodes", "citations",
    "references", "retrieved_documents", "retrieved_docs", "intermediate_steps", "steps", "annotations", "logprobs",
    "warnings", "error", "errors", "refusal", "thinking", "reasoning_content", "prompt_feedback", "index",
})  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_IDENTIFIER = re.compile(r"[0-9a-fA-F-]{8,}|[\w.:@/-]*[\d_][\w.:@/-]*|\S+@\S+\.\w+")
_OBJECT_IN_MEMORY = re.compile(r"<.* (?:object )?at 0x[0-9a-f]+>", re.DOTALL)


@dataclass(frozen=True)
class Prompt:
    """What was asked.

    Attributes:
        text: all of it, as one text.
        question: what the user asked last, where the text holds more than that.
        messages: the chat, where it is one.
    """

    text: str
    question: str | None = None
    messages: Sequence[Mapping[str, Any]] | None = None


def unwrap_prompt(value: Any) -> Prompt | None:
    """Return what was asked, None where there is nothing but ids and settings."""
    content = decoded(value)
    if isinstance(content, str):
        return Prompt(content) if content.strip() else None
    if not isinstance(content, list | Mapping):
        return None
    if not content and isinstance(value, str):
        return Prompt(value)
    found = _asked(content, 0)
    if found is None:
        return None
    if found.is_whole:
        return Prompt(value if isinstance(value, str) else text_of_json(content))
    chat, rest = found.chat, found.beside
    if chat is None:
        return Prompt("\n\n".join([found.text, *rest]), found.text if rest else None)
    if not any(turn["content"].strip() for turn in chat):
        return None
    return Prompt(rendered(chat), last_question(chat), content if _are_messages(content) else chat)


_MARKS_OF_MESSAGES = frozenset({"role", "type", "lc", "part_kind", "kind"})


def unwrap_answer(value: Any) -> str | None:
    """Return what was answered as text, None where there is nothing."""
    content = decoded(value)
    if content is None or content in ("", [], {}):
        return None
    if isinstance(value, str) and _is_list_of_words(content):
        return value
    found = _answered(content, 0)
    return found if found is not None else text_of_json(value)


def unwrap_response(value: Any) -> str | None:
    """Return what was answered in a message or an API's response as text; anything else as it is, None where absent.

    A model that is asked for JSON answers with it: `{"answer": "Paris", "confidence": 0.9}` is the whole answer.
    """
    content = decoded(value)
    if isinstance(content, list | Mapping) and content:
        found = _answered(content, 0) if _is_response(content) else None
        if found is not None:
            return found
        return value if isinstance(value, str) else text_of_json(value)
    return value if isinstance(value, str) else unwrap_answer(value)


def _is_response(content: list[Any] | Mapping[str, Any]) -> bool:
    """Say whether a structure is a message, several, or what an API wraps them in."""
    first = content[0] if isinstance(content, list) else content
    if not isinstance(first, Mapping):
        return False
    members = _members(first)
    if members.keys() & _MARKS_OF_MESSAGES and chat_of(content) is not None:
        return True
    choices = [members.get(name) for name in (*_CHOICES, *_CHATS)]
    return any(isinstance(one, list) and one and isinstance(decoded(one[0]), Mapping | list) for one in choices)


def _are_messages(value: Any) -> TypeGuard[list[Mapping[str, Any]]]:
    return isinstance(value, list) and all(isinstance(turn, Mapping) and "role" in turn for turn in value)


def asks_something(value: Any) -> bool:
    """Say whether there is a question in a value, for which `unwrap_prompt` would return it."""
    return isinstance(value, str | list | Mapping) and unwrap_prompt(value) is not None


@dataclass(frozen=True)
class _Found:
    """A chat, or a text with what else stands beside it; `is_whole` where nothing in it is clearly the question."""

    text: str = ""
    chat: Chat | None = None
    beside: tuple[str, ...] = ()
    is_whole: bool = False


def _asked(value: Any, depth: int) -> _Found | None:
    """Return what was asked in a value, None where it says nothing."""
    value = decoded(value)
    if isinstance(value, str):
        return _Found(value) if value.strip() and not _OBJECT_IN_MEMORY.fullmatch(value.strip()) else None
    if not isinstance(value, list | Mapping) or not value:
        return None
    chat = chat_of(value, media=False)
    if chat is not None:
        return _Found(chat=chat)
    if depth >= _MAX_DEPTH:
        return _whole(value)
    if isinstance(value, Mapping):
        return _asked_in_members(_members(value), value, depth)
    if is_content(value):
        return _Found(content_of({"content": value}, media=False))
    if len(value) == 1 and (not isinstance(value[0], str) or depth or not _is_list_of_words(value)):
        return _asked(value[0], depth + 1)
    return _whole(value)


def _whole(value: Any) -> _Found:
    return _Found(text_of_json(value), is_whole=True)


def _asked_in_members(members: Mapping[str, Any], value: Any, depth: int) -> _Found | None:
    found = _surely_asked(members, depth) or _in_arguments(members, depth)
    if found is not None:
        return found
    history = _history_in(members)
    contents = {name: one for name, one in members.items() if name not in _HISTORIES and _is_content(name, one)}
    if not contents:
        if last_question(history):
            return _Found(chat=history)
        # One sentence alone is no setting, whatever it is called.
        sentences = [one for one in members.values() if isinstance(one, str) and len(one.split()) > 2]
        if len(sentences) == 1:
            return _Found(sentences[0])
        unknown = [name for name, one in members.items() if not _is_setting(name) and one not in (None, "", [], {})]
        return _whole(value) if unknown else None
    if len(contents) > 1:
        return _whole(value)
    found = _asked(next(iter(contents.values())), depth + 1)
    return _after(history, found) if found is not None else None


def _surely_asked(members: Mapping[str, Any], depth: int) -> _Found | None:
    """Return what stands under a name that is known to hold a chat or a question."""
    system = [turn for name in _INSTRUCTIONS for turn in _instructions(members.get(name))]
    for name in _CHATS:
        chat = chat_of(members.get(name), media=False)
        if chat:
            return _Found(chat=[*system, *chat])
    history = _history_in(members)
    if system and isinstance(members.get("user"), str):
        return _Found(chat=[*system, *history, {"role": "user", "content": members["user"]}])
    for name in _ASKED:
        found = _asked(members.get(name), depth + 1)
        if found is None:
            continue
        if found.chat is not None or history or (system and not found.is_whole):
            return _after([*system, *history], found)
        if name == "input" and isinstance(members.get("instruction"), str):
            # The instruction is the question, and the input what it is about.
            return _Found("\n\n".join([members["instruction"], found.text]))
        if found.is_whole:
            return _Found(found.text, is_whole=depth == 0 and len(members) == 1)
        return _Found(found.text, beside=(*found.beside, *_beside(members, name)))
    return None


def _after(earlier: Chat, found: _Found) -> _Found:
    """Return what was asked after earlier turns."""
    if not earlier:
        return found
    return _Found(chat=[*earlier, *(found.chat or [{"role": "user", "content": found.text}])])


def _in_arguments(members: Mapping[str, Any], depth: int) -> _Found | None:
    """Return what was asked in a recorded call of a function, `{"args": [...], "kwargs": {...}}`."""
    args, kwargs = decoded(members.get("args")), decoded(members.get("kwargs"))
    named = _members(kwargs) if isinstance(kwargs, Mapping) else {}
    found = _surely_asked(named, depth + 1) if named else None
    if found is not None:
        return found
    found = _in_positions(args if isinstance(args, list) else [], depth)
    return found or (_asked_in_members(named, kwargs, depth + 1) if named else None)


def _in_positions(args: Sequence[Any], depth: int) -> _Found | None:
    texts: list[str] = []
    others: list[_Found] = []
    for one in args:
        found = _asked(one, depth + 1)
        if found is None or (found.chat is None and isinstance(one, str) and _IDENTIFIER.fullmatch(one.strip())):
            continue
        if found.chat is not None:
            return found
        if isinstance(one, str) and not found.is_whole:
            texts.append(found.text)
        else:
            others.append(found)
    sure = [one for one in others if not one.is_whole]
    for candidates in (
        texts,
        [one for one in texts if len(one.split()) > 1],
        [one for one in texts if one.endswith("?")],
    ):
        if len(candidates) == 1:
            return _Found(candidates[0], beside=tuple(one for one in texts if one != candidates[0]))
    if texts:
        return _whole(list(args))
    if len(sure) == 1 or len(others) == 1:
        return (sure or others)[0]
    return _whole(list(args)) if others else None


def _beside(members: Mapping[str, Any], chosen: str) -> Iterator[str]:
    for name, one in members.items():
        if name != chosen and name not in _HISTORIES and _is_content(name, one):
            yield f"{name}: {text_of_json(one)}"


def _history_in(members: Mapping[str, Any]) -> Chat:
    return next((chat for name in _HISTORIES if (chat := _history(members.get(name)))), [])


def _history(value: Any) -> Chat:
    """Return earlier turns: a chat, or pairs of question and answer."""
    value = decoded(value)
    if isinstance(value, list) and all(_are_two_texts(pair) for pair in value) and chat_of(value) is None:
        return [
            {"role": role, "content": text}
            for pair in value
            for role, text in zip(("user", "assistant"), pair, strict=True)
        ]
    return chat_of(value, media=False) or []


def _are_two_texts(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)


def _instructions(value: Any) -> Chat:
    value = decoded(value)
    if not value or not isinstance(value, str | list | Mapping):
        return []
    if isinstance(value, Mapping) and not isinstance(value.get("parts"), list):
        return []
    content = value if isinstance(value, Mapping) else {"content": value}
    text = content_of(content, media=False)
    return [{"role": "system", "content": text}] if text.strip() else []


def _answered(value: Any, depth: int) -> str | None:
    """Return the answer in a value, None where it is not clear which part is."""
    value = decoded(value)
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return text_of_json(value)
    if not isinstance(value, list | Mapping) or not value or depth >= _MAX_DEPTH:
        return None
    chat = chat_of(value)
    if chat is not None:
        return last_answer(chat)
    if isinstance(value, list):
        if is_content(value):
            return content_of({"content": value})
        return _answered(value[0], depth + 1) if len(value) == 1 else None
    members = _members(value)
    for name in _CHOICES:
        choices = members.get(name)
        if isinstance(choices, list) and choices:
            return _answered(choices[0], depth + 1)
    for name in _CHATS:
        chat = chat_of(members.get(name))
        if chat:
            return last_answer(chat)
    telling = [name for name, one in members.items() if not _is_aside_of_answers(name) and _says_something(one)]
    if len(telling) == 1 and telling[0] in _ANSWERED:
        return _answered(members[telling[0]], depth + 1)
    return None


def _is_aside_of_answers(name: str) -> bool:
    if name in _ANSWERED:
        return False
    return name in _ASIDE_OF_ANSWERS or name in _ASKED or name in _HISTORIES or _is_setting(name)


def _members(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return members by their names in snake_case; what JSON of n8n and of web servers wraps them in is taken off."""
    members = {_CAMEL.sub("_", str(name)).lower(): one for name, one in value.items()}
    for wrapper in ("json", "body", "payload"):
        inside = decoded(members.get(wrapper))
        if isinstance(inside, Mapping) and inside and not any(name in members for name in _ASKED):
            return {**{name: one for name, one in members.items() if name != wrapper}, **_members(inside)}
    return members


def _is_setting(name: str) -> bool:
    return name in _SETTINGS or _SETTING.fullmatch(name) is not None


def _is_content(name: str, value: Any) -> bool:
    """Say whether a member can be a question or belong to one; `options` are choices, or settings in an object."""
    return not _is_setting(name) and _says_something(value) and not (name == "options" and isinstance(value, Mapping))


def _says_something(value: Any) -> bool:
    """Numbers, truth values and what is empty say nothing that could be a question."""
    value = decoded(value)
    if isinstance(value, str):
        return bool(value.strip()) and not _OBJECT_IN_MEMORY.fullmatch(value.strip())
    return isinstance(value, list | Mapping) and bool(value)


def _is_list_of_words(value: Any) -> bool:
    """A list of one word is rather a text that looks like a list than a prompt in one."""
    return (
        isinstance(value, list)
        and all(isinstance(one, str | int | float) for one in value)
        and not (len(value) == 1 and isinstance(value[0], str) and len(value[0].split()) > 1)
    )
