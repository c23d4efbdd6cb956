"""Finds the columns of a table that has none of our names: those that anybody would use, in any spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^0-9a-z]+")


def folded_name(name: str) -> str:
    """Return a column's name in the form in which spellings are equal: `createdAt`, `Created at` -> `created_at`."""
    return _SEPARATORS.sub("_", _CAMEL.sub("_", name.strip()).lower()).strip("_")


def columns_by_field(columns: Iterable[str], aliases: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return field -> the columns that may hold it, the likeliest first; a field without any is left out.

    Args:
        columns: the names in a file.
        aliases: field -> names that stand for it, folded (see `folded_name`), the likeliest first.
    """
    spelled: dict[str, str] = {}
    for column in columns:
        spelled.setdefault(folded_name(str(column)), column)
    found = {
        field: tuple(dict.fromkeys(spelled[alias] for alias in names if alias in spelled))
        for field, names in aliases.items()
    }
    return {field: names for field, names in found.items() if names}
