"""Says who asked a prompt, so that nothing which only one person or session wrote becomes a name.

A name is shown where its rows are not, and stays when they are deleted. A word, a metadata value or a prompt is public
enough for it when at least two sources have it; a source is a user, else a session, else the row itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import ConfigurationError

Sources = tuple[frozenset[str], ...]
"""Of each prompt, who asked it: up to `MIN_SOURCES` of them, which is as many as the question needs."""

MIN_SOURCES = 2


def sources_of(unit: NDArray[np.int64], names: Sequence[str | None] | None, units: int, where: str = "") -> Sources:
    """Return who asked each distinct prompt.

    Args:
        unit: (rows,) distinct prompt of each row, 0 to units - 1.
        names: (rows,) user or session of each row; where None or empty, the row is a source of its own.
        where: tells apart the rows of several tables.
    Raises: ConfigurationError where there is not one name per row.
    """
    if names is not None and len(names) != len(unit):
        raise ConfigurationError(f"{len(names)} users or sessions for {len(unit)} prompts; expected one per prompt")
    found: list[set[str]] = [set() for _ in range(units)]
    for row, one in enumerate(unit.tolist()):
        if len(found[one]) < MIN_SOURCES:
            found[one].add(_source(names, row, where))
    return tuple(frozenset(one) for one in found)


def _source(names: Sequence[str | None] | None, row: int, where: str) -> str:
    name = names[row] if names is not None else None
    return f"named {name}" if name else f"row {where} {row}"


def are_two(sources: Iterable[frozenset[str]]) -> bool:
    """Say whether what these prompts have in common comes from at least two sources."""
    seen: set[str] = set()
    for one in sources:
        seen |= one
        if len(seen) >= MIN_SOURCES:
            return True
    return False


def shared_values(values: Sequence[str | None], names: Sequence[str | None] | None) -> list[str | None]:
    """Return the values, None in the place of those that only one source has.

    Args: values: one per row; names: as in `sources_of`.
    """
    number = {value: at for at, value in enumerate(dict.fromkeys(values))}
    unit = np.array([number[value] for value in values], dtype=np.int64)
    sources = sources_of(unit, names, len(number))
    return [value if are_two([sources[at]]) else None for value, at in zip(values, unit.tolist(), strict=True)]
