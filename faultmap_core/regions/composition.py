"""What a region is made of by its metadata: "6 categories, mostly number-comparison, python-output, addition"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from faultmap_core.regions.metadata_columns import MOST_VALUES

Rows = NDArray[np.int64]

_SHOWN = 3
_MIN_KNOWN = 0.9
_MIN_SHARE = 0.05
_MIN_COVER = 0.25
_MOSTLY = 0.5
_MIN_LIFT = 1.5


def composition(metadata: Mapping[str, Sequence[str | None]], inside: Rows, everything: Rows) -> str:
    """Say which values of a metadata column make up most of a region, and more of it than of all rows.

    Args: metadata: column name -> one value per row; inside: rows of the region; everything: rows of the question,
        those inside among them.
    Returns:
        Of the column that sets the region apart most: "within category = law" where all known values are one, else the
        number of values and up to three of the most frequent ones: "mostly" where they make up half of the members,
        "such as" where they make up a quarter. Where it holds every value, the number says nothing and is left out.
        Empty where no column's do that 1.5 times as often inside as overall. Columns of more than 100 values are ids.
    """
    best: tuple[float, str, str] | None = None
    for column, values in sorted(metadata.items()):
        own = Counter(text for row in inside.tolist() if (text := values[row]))
        overall = Counter(text for row in everything.tolist() if (text := values[row]))
        if not 2 <= len(overall) <= MOST_VALUES or own.total() < _MIN_KNOWN * len(inside):
            continue
        ranked = sorted(own, key=lambda value: (-own[value], value))[:_SHOWN]
        shown = [value for value in ranked if own[value] >= _MIN_SHARE * own.total()]
        cover = sum(own[value] for value in shown) / max(own.total(), 1)
        usual = sum(overall[value] for value in shown) / max(overall.total(), 1)
        if cover < _MIN_COVER or cover < _MIN_LIFT * usual:
            continue
        if best is None or cover - usual > best[0] + 1e-12:
            best = (cover - usual, column, _phrase(column, shown, len(own), cover, len(own) == len(overall)))
    return best[2] if best else ""


def _phrase(column: str, shown: Sequence[str], number: int, cover: float, every: bool) -> str:
    if number == 1:
        return f"within {column} = {shown[0]}"
    if number == len(shown):
        return f"{_plural(column)} {', '.join(shown)}"
    if every:
        how = f"mostly {', '.join(shown)}" if cover >= _MOSTLY else f"more {', '.join(shown)} than elsewhere"
        return f"{_plural(column)}: {how}"
    how = "mostly" if cover >= _MOSTLY else "such as"
    return f"{number} {_plural(column)}, {how} {', '.join(shown)}"


def _plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"
