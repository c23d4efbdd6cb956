"""Tells whether lines inside of a quoted CSV cell are rows of the table, swallowed between two stray quotes.

A text may hold a table of its own, of as many columns, with numbers in the same places. So the number of fields proves
nothing: a line is a swallowed row where it also has what only rows of this table have, the model's name, ids that are
written alike or a row number that goes on counting.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

_REMEMBERED = 50
_RENEWED_AFTER = 25
_MIN_REMEMBERED = 5
_MAX_KINDS = 3
_MAX_CHARACTERS = 80
_INNER_LINES_LOOKED_AT = 200
# Counting rows may leave some out; a table of numbers that merely rise leaves out more.
_MAX_GAP = 4
_DIGITS = re.compile(r"\d+")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class _Column:
    """What the last rows have in one column: numbers alone, few values, few spellings, or a count."""

    is_numeric: bool
    values: frozenset[str]
    spellings: frozenset[str]
    counted_to: int | None

    def fits(self, cell: str) -> tuple[bool, bool]:
        """Say whether a cell can stand in the column, and whether that proves that it belongs there."""
        if self.counted_to is not None:
            return _whole(cell) is not None, False
        if not cell or (self.is_numeric and _is_number(cell)):
            return True, False
        if self.is_numeric:
            return False, False
        if self.values:
            return cell in self.values, _LETTER.search(cell) is not None
        if self.spellings:
            return _spelling(cell) in self.spellings, True
        return True, False


class RowLikeness:
    """The last rows of one table, and what lines are compared with them.

    Args: delimiter: of the table; columns: how many it has.
    """

    def __init__(self, delimiter: str, columns: int) -> None:
        self._delimiter, self._width = delimiter, columns
        self._rows: deque[tuple[str, ...]] = deque(maxlen=_REMEMBERED)
        self._seen = self._described_at = 0
        self._columns: list[_Column] = []

    def note(self, cells: Sequence[str]) -> None:
        """Remember a good row."""
        self._rows.append(tuple(cell[:_MAX_CHARACTERS] for cell in cells))
        self._seen += 1

    def swallowed(self, lines: Sequence[str], cells: Sequence[str]) -> bool:
        """Say whether at least half of the lines inside of a quoted cell are rows.

        Args: lines: of the record; cells: those that it has as it stands.
        """
        # The last line ends the cell: what stands in it before the quote is text, and behind it the record goes on.
        inner = [line for line in lines[1:-1][:_INNER_LINES_LOOKED_AT] if line.strip()]
        split = [self._split(line) for line in inner]
        if not any(split):
            return False
        known = len(self._rows) >= _MIN_REMEMBERED
        columns = self._described() if known else [_described([cell]) for cell in cells]
        rows = [one for one in split if one is not None and _is_row(one, columns, cells)]
        # One row alone may go on counting by chance.
        if len(rows) < 2 or all(column.counted_to is None for column in columns):
            rows = [one for one in rows if _is_proven(one, columns, cells)]
        if not all(_counts_on(column, place, rows, cells) for place, column in enumerate(columns)):
            return False
        return 2 * len(rows) >= len(inner) if known else len(rows) == len(inner) >= _MIN_REMEMBERED

    def _split(self, line: str) -> list[str] | None:
        if line.count(self._delimiter) < self._width - 1:
            return None
        try:
            (cells,) = csv.reader([line], delimiter=self._delimiter, strict=True)
        except csv.Error:
            return None
        return cells if len(cells) == self._width else None

    def _described(self) -> list[_Column]:
        if (
            not self._columns
            or self._seen - self._described_at >= _RENEWED_AFTER
            or any(column.counted_to is not None for column in self._columns)
        ):
            self._columns = [_described(values) for values in zip(*self._rows, strict=True)]
            self._described_at = self._seen
        return self._columns


def _is_row(cells: Sequence[str], columns: Sequence[_Column], record: Sequence[str]) -> bool:
    return all(
        _is_shared(cell, own) or column.fits(cell[:_MAX_CHARACTERS])[0]
        for cell, column, own in zip(cells, columns, record, strict=True)
    )


def _is_proven(cells: Sequence[str], columns: Sequence[_Column], record: Sequence[str]) -> bool:
    return any(
        _is_shared(cell, own) or column.fits(cell[:_MAX_CHARACTERS])[1]
        for cell, column, own in zip(cells, columns, record, strict=True)
    )


def _is_shared(cell: str, own: str) -> bool:
    """A table may be sorted by model: what the record itself has is then as good as what the rows before have."""
    return cell == own and _LETTER.search(cell) is not None


def _counts_on(column: _Column, place: int, rows: Sequence[Sequence[str]], record: Sequence[str]) -> bool:
    """Say whether a column that counts goes on in the rows, from the first half of their record to its last."""
    if column.counted_to is None:
        return True
    counts = [int(row[place]) for row in rows]
    own = _whole(record[place])
    if own is None:
        return False
    swallowing = max(range(len(record)), key=lambda one: record[one].count("\n"))
    whole = [own, *counts] if place < swallowing else [*counts, own]
    # Damaged rows that were set aside before leave a larger gap.
    return whole[0] > column.counted_to and all(0 < b - a <= _MAX_GAP for a, b in itertools.pairwise(whole))


def _described(values: Sequence[str]) -> _Column:
    said = [value for value in values if value]
    is_numeric = bool(said) and all(map(_is_number, said))
    if len(values) < _MIN_REMEMBERED:
        return _Column(is_numeric, frozenset(), frozenset(), None)
    counts = [count for value in values if is_numeric and (count := _whole(value)) is not None]
    counting = len(counts) == len(values) and all(0 < b - a <= _MAX_GAP for a, b in itertools.pairwise(counts))
    distinct, spellings = frozenset(said), frozenset(map(_spelling, said))
    has_few = not is_numeric and len(distinct) <= _MAX_KINDS
    # Words alone are spelled alike by chance; an id has digits.
    alike = not has_few and len(spellings) <= _MAX_KINDS and all("0" in spelling for spelling in spellings)
    return _Column(
        is_numeric,
        distinct if has_few else frozenset(),
        spellings if alike and not is_numeric else frozenset(),
        counts[-1] if counting else None,
    )


def _spelling(cell: str) -> str:
    return _DIGITS.sub("0", cell)


def _whole(cell: str) -> int | None:
    return int(cell) if cell.isascii() and cell.isdecimal() and len(cell) < 19 else None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
