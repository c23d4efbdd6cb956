"""Reads the records of CSV and TSV text, and finds the way back where a quote is missing.

A record may run over several lines inside of quotes. Where the quotes are broken, the line at which a record began is
set aside and reading goes on with the next line that is a row. Backslash-escaped quotes, quotes that stand undoubled
inside of a cell, spaces before a quote and a leading `sep=;` line are understood. Every physical line is accounted for.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from faultmap_core.errors import EmptyFileError, EvalFileError
from faultmap_core.evals import RowError
from faultmap_core.readers.conservation import LineAccount
from faultmap_core.readers.csv_likeness import RowLikeness

MAX_FIELD_CHARACTERS = 32_000_000
"""A longer cell costs its row."""

_DELIMITERS = ",\t;|"
_MAX_LINE_CHARACTERS = 4 * MAX_FIELD_CHARACTERS
# Lines that were read in vain, in characters; above it a record may have but a few lines, so that time stays bounded.
_FREE_REREADING = 200_000_000
_SHORT_RECORD = 50
_LEARNED_FROM = 50
_TELLING_FROM = 5
_SEPARATOR_LINE = re.compile(r'\s*"?sep=(.)"?\s*$', re.IGNORECASE)
_DECIMAL_HALVES = re.compile(r"[-+]?\d+,\d+")
# An even number of backslashes before it is text of its own.
_ESCAPED_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)\\"')

Record = tuple[int, list[str] | RowError]


@dataclass(frozen=True)
class _Attempt:
    """What came of reading one record: its lines, and its cells or what is wrong."""

    lines: list[str]
    cells: list[str] | None
    problem: str = ""


class _Lines:
    """Physical lines, of which those taken last can be given back."""

    def __init__(self, stream: IO[str], name: str) -> None:
        self._stream, self._name = stream, name
        self._back: deque[str] = deque()
        self._limit: int | None = None
        self.escaped = False
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._limit is not None and len(self.taken) >= self._limit:
            raise StopIteration
        line = self._back.popleft() if self._back else self._stream.readline(_MAX_LINE_CHARACTERS)
        if not line:
            raise StopIteration
        if len(line) >= _MAX_LINE_CHARACTERS:
            raise EvalFileError(
                f"{self._name}: line {self.number + 1} is longer than {_MAX_LINE_CHARACTERS:,} characters"
            )
        self.number += 1
        self.taken.append(line)
        return _ESCAPED_QUOTE.sub(r'\1""', line) if self.escaped else line

    def begin(self, limit: int | None = None) -> None:
        """Note that a record begins here, of at most so many lines."""
        self.taken, self._limit = [], limit

    def give_back(self, keep: int = 0) -> list[str]:
        """Give the lines taken since `begin` back, but the first `keep`; return what is kept."""
        kept, given = self.taken[:keep], self.taken[keep:]
        self._back.extendleft(reversed(given))
        self.number -= len(given)
        self.taken = kept
        return kept


class CsvRecords:
    """The header and the records of one CSV text.

    Args:
        stream: the text, opened with `newline=""`.
        name: of the file, for errors.
        account: takes the count of every line.
    Raises: EvalFileError where there is no header.
    """

    def __init__(self, stream: IO[str], name: str, account: LineAccount) -> None:
        self._lines, self._name, self._account = _Lines(stream, name), name, account
        account.by_line = True
        csv.field_size_limit(MAX_FIELD_CHARACTERS)
        self._delimiter = self._find_delimiter()
        self._reader: Iterator[list[str]] = csv.reader(self._lines, delimiter=self._delimiter, strict=True)
        self._spaced: Iterator[list[str]] = csv.reader(
            self._lines, delimiter=self._delimiter, strict=True, skipinitialspace=True
        )
        self._learned = self._reread = 0
        self.header = self._read_header()
        self._numeric = set(range(len(self.header)))
        self._likeness = RowLikeness(self._delimiter, len(self.header))

    def __iter__(self) -> Iterator[Record]:
        """Yield the first line of each record and its cells, as many as the header has, or what is wrong with it."""
        damage: tuple[int, str] | None = None
        # Up to this line, what follows may be the text of a damaged record.
        suspect_until = 0
        while True:
            start = self._lines.number + 1
            attempt = self._attempt(self._reader)
            if not attempt.lines:
                break
            cells = self._cells_of(attempt)
            suspect = damage is not None or start <= suspect_until
            broken = cells is None and (attempt.cells is None or suspect)
            if broken or (cells and suspect and not self._looks_like_row(cells)):
                suspect_until = max(suspect_until, start + len(attempt.lines) - 1)
                self._give_back(keep=1)
                self._account.set_aside += 1
                self._account.in_records += 1
                damage = damage or (start, attempt.problem or self._wrong_count(attempt))
                continue
            if damage:
                yield self._damaged(*damage, start - 1)
                damage = None
            if cells == []:
                self._account.blank += len(self._lines.taken)
                continue
            self._account.in_records += len(self._lines.taken)
            self._account.records += 1
            yield start, self._learn(cells) if cells is not None else self._one_bad_record(start, attempt)
        if damage:
            yield self._damaged(*damage, self._lines.number)

    def _find_delimiter(self) -> str:
        """Return the delimiter that a `sep=` line names, else the commonest one of the header."""
        self._lines.begin()
        for line in self._lines:
            if found := _SEPARATOR_LINE.fullmatch(line):
                self._account.header += 1
                return found[1]
            if line.strip():
                self._lines.give_back()
                return max(_DELIMITERS, key=line.count)
            self._account.blank += 1
            self._lines.begin()
        raise EmptyFileError(f"{self._name}: the file is empty")

    def _read_header(self) -> list[str]:
        attempt = self._attempt(self._reader)
        if not attempt.lines:
            raise EmptyFileError(f"{self._name}: the file is empty")
        if attempt.cells is None:
            raise EvalFileError(f"{self._name}: the header is not valid CSV: {attempt.problem}")
        self._account.header += len(attempt.lines)
        names = [name.strip() for name in attempt.cells]
        # Spreadsheets leave columns without a name behind.
        unnamed = names.count("") > 1
        return [name or (f"column {place}" if unnamed else "") for place, name in enumerate(names, start=1)]

    def _attempt(self, reader: Iterator[list[str]], *, escaped: bool = False) -> _Attempt:
        """Read one record; afterwards `_lines.taken` are its lines."""
        self._lines.begin(_SHORT_RECORD if self._reread > _FREE_REREADING else None)
        self._lines.escaped = escaped
        try:
            cells = next(reader)
        except StopIteration:
            return _Attempt(self._lines.taken, None, _NOT_CLOSED)
        except csv.Error as error:
            return _Attempt(self._lines.taken, None, _in_words(str(error)))
        finally:
            self._lines.escaped = False
        return _Attempt(self._lines.taken, cells)

    def _give_back(self, keep: int = 0) -> None:
        self._reread += sum(map(len, self._lines.taken[keep:]))
        self._lines.give_back(keep)

    def _cells_of(self, attempt: _Attempt) -> list[str] | None:
        """Return the cells of a record, none where it is blank, None where it is damaged or has too few or too many.

        Afterwards `_lines.taken` are the lines of what was found, else those of the attempt.
        """
        cells = self._as_many(attempt.cells)
        if cells is not None:
            return None if self._swallowed(attempt, cells) else cells
        if attempt.cells is not None and not any(cell.strip() for cell in attempt.cells):
            return []
        first = attempt.lines[0]
        if '"' in first:
            if '\\"' in first and (cells := self._again(self._reader, escaped=True)) is not None:
                return cells
            if ' "' in first and (cells := self._again(self._spaced)) is not None:
                return cells
            if (cells := self._as_many(self._lenient(first))) is not None:
                self._retake(1)
                return cells
        self._retake(len(attempt.lines))
        return None

    def _again(self, reader: Iterator[list[str]], *, escaped: bool = False) -> list[str] | None:
        self._give_back()
        again = self._attempt(reader, escaped=escaped)
        cells = self._as_many(again.cells)
        return None if cells is None or self._swallowed(again, cells) else cells

    def _retake(self, count: int) -> None:
        self._give_back()
        self._lines.begin()
        for _ in range(count):
            next(self._lines)

    def _as_many(self, cells: list[str] | None) -> list[str] | None:
        """Return cells that are as many as the header's; None where they are not, or all are empty."""
        wanted = len(self.header)
        if cells is None or len(cells) < wanted or any(cells[wanted:]) or not any(cell.strip() for cell in cells):
            return None
        return cells[:wanted]

    def _lenient(self, line: str) -> list[str] | None:
        """Split one line at its delimiters; a quoted cell ends with a quote before a delimiter, whatever is inside."""
        text = line.rstrip("\r\n")
        mark = re.escape(self._delimiter)
        quoted = re.compile(rf'"((?:[^"]|"(?!{mark}|$))*+)"(?={mark}|$)')
        plain = re.compile(rf"[^{mark}]*")
        cells: list[str] = []
        at = 0
        while True:
            if found := quoted.match(text, at):
                cells.append(found[1].replace('""', '"'))
            elif text.startswith('"', at) and self._delimiter != "\t":
                # Tab-separated text is often written without any quoting.
                return None
            else:
                found = plain.match(text, at)
                assert found
                cells.append(found[0])
            at = found.end() + 1
            if at > len(text):
                return cells

    def _learn(self, cells: list[str]) -> list[str]:
        """Note what rows look like and which columns hold numbers alone: by them a row is told from a line of text."""
        self._likeness.note(cells)
        if self._learned < _LEARNED_FROM:
            self._learned += 1
            self._numeric = {place for place in self._numeric if not cells[place] or _is_number(cells[place])}
        return cells

    @property
    def _telling(self) -> bool:
        return bool(self._numeric) and self._learned >= _TELLING_FROM

    def _looks_like_row(self, cells: list[str]) -> bool:
        if not self._telling:
            return True
        numbers = [cells[place] for place in self._numeric]
        return any(numbers) and all(not cell or _is_number(cell) for cell in numbers)

    def _swallowed(self, attempt: _Attempt, cells: list[str]) -> bool:
        """Say whether lines inside of a quoted cell are rows themselves, as where a quote is missing."""
        return len(attempt.lines) > 2 and self._likeness.swallowed(attempt.lines, cells)

    def _one_bad_record(self, start: int, attempt: _Attempt) -> RowError:
        if self._as_many(attempt.cells) is None:
            return RowError(self._wrong_count(attempt))
        last = start + len(attempt.lines) - 1
        self._account.set_aside += len(attempt.lines)
        self._account.note_range(start, last)
        return RowError(
            f"lines {start}–{last} are one quoted cell, and lines in it look like rows of their own; is a quote missing"
            f" on line {start}?"
        )

    def _wrong_count(self, attempt: _Attempt) -> str:
        cells = attempt.cells or []
        told = f"{len(cells)} fields where the header has {len(self.header)}"
        halves = (f"{one},{other}" for one, other in itertools.pairwise(cells))
        decimal = next((text for text in halves if _DECIMAL_HALVES.fullmatch(text)), None)
        if self._delimiter == "," and len(cells) > len(self.header) and decimal:
            told += f"; is {decimal!r} a number with a decimal comma? Quote it, or separate the fields by semicolons"
        return told

    def _damaged(self, first: int, problem: str, last: int) -> Record:
        self._account.records += 1
        self._account.note_range(first, last)
        where = "not valid CSV" if first == last else f"lines {first}–{last} are not valid CSV"
        return first, RowError(f"{where}: {problem}")


_NOT_CLOSED = "a quote is never closed"


def _in_words(problem: str) -> str:
    """Say in words what the parser reports."""
    if "expected after" in problem:
        return "a quote inside of a quoted cell is not doubled, or one is missing before"
    if "unexpected end" in problem:
        return _NOT_CLOSED
    return problem


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
