"""Decodes structures that stand in a text: JSON, or what Python prints of its objects (`[HumanMessage(content='…')]`).

Nothing of the text is run.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping
from typing import Any

# Beyond this length Python's notation is left as text; JSON is decoded at any length.
_MAX_PYTHON_CHARACTERS = 200_000
_OBJECT = re.compile(
    r"\s*\[?\s*[A-Z]\w*(?:Message|MessageChunk|Prompt|PromptValue|PromptPart|Request|Response|Bundle|Content)\("
)
# `str(HumanMessage(...))`: the fields side by side, without the name of the class.
_PRINTED_MESSAGE = re.compile(
    r"content=(?P<content>'(?:[^'\\]|\\.)*+'|\"(?:[^\"\\]|\\.)*+\") (?:additional_kwargs|response_metadata)=\{"
)


def decoded(value: Any) -> Any:
    """Return what a text that holds an object or an array means; anything else, and text that is neither, as it is.

    Objects of Python become mappings of their fields, with the name of their class as `type`.
    """
    if not isinstance(value, str):
        return value
    if value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return _python(value) if "'" in value or "(" in value else value
    if "(" in value[:200] and _OBJECT.match(value):
        return _python(value)
    if value.startswith("messages=["):
        inside = _python(value.removeprefix("messages="))
        return {"messages": inside} if isinstance(inside, list) else value
    if value.startswith("content=") and (printed := _PRINTED_MESSAGE.match(value)):
        content = _python(printed["content"])
        return {"type": "HumanMessage", "content": content} if content != printed["content"] else value
    return value


def text_of_json(value: Any) -> str:
    """Return a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _python(text: str) -> Any:
    """Read Python's notation of a value without running it; the text itself where it is none."""
    if len(text) > _MAX_PYTHON_CHARACTERS:
        return text
    try:
        with warnings.catch_warnings():
            # A backslash that escapes nothing is no mistake of ours.
            warnings.simplefilter("ignore")
            return _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str | int | float | bool | None) else str(node.value)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [_value(element) for element in node.elts]
    if isinstance(node, ast.Dict):
        return {str(_value(key)): _value(one) for key, one in zip(node.keys, node.values, strict=True) if key}
    if isinstance(node, ast.Call):
        return _called(node)
    if _is_name(node):
        return None
    if isinstance(node, ast.UnaryOp) and isinstance(inside := _value(node.operand), int | float):
        return -inside
    raise ValueError("no notation of a value")


def _is_name(node: ast.expr) -> bool:
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _called(node: ast.Call) -> Any:
    if not _is_name(node.func):
        raise ValueError("a call of no class")
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    arguments = [_value(one) for one in node.args]
    if name in ("array", "OrderedDict", "list", "tuple") and arguments:
        return arguments[0]
    fields: Mapping[str, Any] = {one.arg: _value(one.value) for one in node.keywords if one.arg}
    return {"type": name, **({"args": arguments} if arguments else {}), **fields}
