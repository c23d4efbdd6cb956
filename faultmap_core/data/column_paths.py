"""Looks up what a column name stands for in a row, also where it is a path such as `choices[0].message.content`."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

MISSING = object()
"""What `value_at` returns where a row has no such column; a column without a value is None."""

_PART = re.compile(r"\.?([^.\[\]]+)|\[(-?\d+)\]")
_MAX_STEPS = 20


def is_path(column: str) -> bool:
    """Say whether a name may be a path: it has a dot or an index."""
    return "." in column or "[" in column


def value_at(row: Mapping[str, Any], column: str) -> Any:
    """Return a column's value, or `MISSING`.

    A column of exactly this name goes before a path. Of a path, `.` goes into an object, `.0` or `[0]` into an array
    (`[-1]` is its last); text that is JSON is looked into, and a key may itself hold dots.
    """
    if column in row:
        return row[column]
    return _walk(row, column, _MAX_STEPS) if is_path(column) else MISSING


def column_problem(column: str, present: Sequence[str]) -> str:
    """Say that there is no column of a name, which ones come near to it, and which there are."""
    near = difflib.get_close_matches(column.casefold(), {name.casefold(): name for name in present}, n=3, cutoff=0.5)
    spelled = {name.casefold(): name for name in reversed(present)}
    hint = f"did you mean {' or '.join(repr(one_line(spelled[name])) for name in near)}? " if near else ""
    return f"no column {one_line(column)!r} in any row; {hint}there are {', '.join(map(one_line, present[:12]))}"


def one_line(name: str) -> str:
    """A column's name as one short line that any terminal can print."""
    return "".join(character if character.isprintable() else "\ufffd" for character in name)[:60]


def _walk(value: Any, path: str, steps: int) -> Any:
    if not path or not steps:
        return value if not path else MISSING
    value = _decoded(value)
    if isinstance(value, Mapping):
        plain = path.removeprefix(".")
        # The longest key that the path begins with.
        for end in range(len(plain), 0, -1):
            if (end == len(plain) or plain[end] in ".[") and plain[:end] in value:
                return _walk(value[plain[:end]], plain[end:], steps - 1)
        return MISSING
    found = _PART.match(path)
    if not isinstance(value, list | tuple) or found is None:
        return MISSING
    index = found[2] or found[1]
    if not index.lstrip("-").isdecimal() or not -len(value) <= int(index) < len(value):
        return MISSING
    return _walk(value[int(index)], path[found.end() :], steps - 1)


def _decoded(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
