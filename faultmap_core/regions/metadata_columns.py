"""Find units that share a value of one or two metadata columns: candidates beside the tree (category = law)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

MOST_VALUES = 100
MOST_SETS = 2_000

Rows = NDArray[np.int64]
Column = Sequence[str | None]

OF_THE_ANSWER = frozenset({"scored_explanation", "scorer", "scores", "error", "steps", "input_messages"})
"""What readers keep beside a row that is known only once it is answered; no slice is made of it."""

# A column tells the outcome where its values do so for this share of the rows, with so many rows of either outcome.
_TELLING, _MIN_ROWS_OF_EACH, _MIN_ROWS_PER_VALUE = 0.99, 20, 5


def input_columns(metadata: Mapping[str, Column], failed: NDArray[np.float64]) -> dict[str, Column]:
    """Return the columns that can describe a prompt: not those that only repeat how the answer went.

    A column repeats the outcome where knowing its value (or that it has none) is knowing the outcome: the reason that a
    grader gives, a verdict in words.

    Args: metadata: column name -> one value per row, None where absent; failed: (n,) 0 to 1, finite.
    """
    bad = failed >= 0.5
    enough = min(int(bad.sum()), int((~bad).sum())) >= _MIN_ROWS_OF_EACH
    return {
        name: values
        for name, values in metadata.items()
        if name not in OF_THE_ANSWER and not (enough and _tells(values, bad))
    }


def _tells(values: Column, bad: NDArray[np.bool_]) -> bool:
    _, value = np.unique(["" if one is None else f"={one}" for one in values], return_inverse=True)
    value = value.ravel()
    rows = np.bincount(value)
    if len(rows) < 2 or len(rows) * _MIN_ROWS_PER_VALUE > len(bad):
        return False
    failing = np.bincount(value, weights=bad)
    return bool(np.maximum(failing, rows - failing).sum() >= _TELLING * len(bad))


def metadata_sets(
    metadata: Mapping[str, Sequence[str | None]], unit: Rows, n_units: int, min_size: int
) -> dict[str, Rows]:
    """Return name -> ascending units, for each column = value and each pair of them that is large enough.

    Args:
        metadata: column name -> one value per row, None where absent.
        unit: (n,) the unit of each row. A unit has a value when more than half of its rows have it.
        min_size: least units in a set, and least units that lack it.
    Returns:
        At most 2,000 sets, larger ones first; columns of more than 100 values (ids) are left out, and so are pairs
        that hold the same units as one of their parts.
    """
    rows = np.bincount(unit, minlength=n_units)
    present = int((rows > 0).sum())
    single: dict[tuple[str, str], Rows] = {}
    for column, values in sorted(metadata.items()):
        texts = ["" if value is None else str(value) for value in values]
        distinct = sorted(set(texts) - {""})
        if len(distinct) > MOST_VALUES:
            continue
        code = {text: number for number, text in enumerate(distinct)}
        numbers = np.array([code.get(text, -1) for text in texts], dtype=np.int64)
        for value, number in code.items():
            having = np.bincount(unit[numbers == number], minlength=n_units)
            single[column, value] = np.flatnonzero(2 * having > rows)
    fitting = {name: units for name, units in single.items() if _fits(units, present, min_size)}
    sets = {f"{column} = {value}": units for (column, value), units in fitting.items()}
    for (first, a), (second, b) in combinations(sorted(fitting.items()), 2):
        if first[0] == second[0]:
            continue
        both = np.intersect1d(a, b, assume_unique=True)
        if _fits(both, present, min_size) and len(both) < min(len(a), len(b)):
            sets[f"{first[0]} = {first[1]}, {second[0]} = {second[1]}"] = both
    largest = sorted(sets, key=lambda name: (-len(sets[name]), name))[:MOST_SETS]
    return {name: sets[name] for name in largest}


def _fits(units: Rows, present: int, min_size: int) -> bool:
    return min_size <= len(units) <= present - min_size
