"""Finds the columns of a table that has none of our names: those that anybody would use, in any spelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


def plain_name(name: str) -> str:
    """Return a column's name in the form in which spellings are equal: `createdAt`, `Created at` -> `createdat`."""
    return "".join(character for character in name.casefold() if character.isalnum())


def columns_by_field(columns: Iterable[str], aliases: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return field -> the columns that may hold it, the likeliest first; a field without any is left out.

    Args:
        columns: the names in a file.
        aliases: field -> names that stand for it in any spelling (see `plain_name`), the likeliest first.
    """
    spelled: dict[str, str] = {}
    for column in columns:
        spelled.setdefault(plain_name(str(column)), column)
    found = {
        field: tuple(dict.fromkeys(spelled[name] for name in map(plain_name, names) if name in spelled))
        for field, names in aliases.items()
    }
    return {field: names for field, names in found.items() if names}
