"""Counts the bytes, lines and records of one file, so that every line of it can be accounted for.

The lines are counted in the bytes, by `count_lines`, and again by the reader that turns them into rows, in a
`LineAccount`; where the two disagree the file is refused, because some of it was lost on the way.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from faultmap_core.errors import EvalFileError

MAX_SHARE_SET_ASIDE = 0.5
"""Where more of a table's lines cannot be read, what is left is no fair sample of it: the file is refused."""

_BLOCK = 1 << 20
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass
class LineAccount:
    """What a reader says that it did with each physical line, or each record, of one file.

    Attributes:
        header: lines of the header, a `sep=` line included.
        blank: lines without any value.
        in_records: lines of records, good or bad.
        set_aside: of those, lines of CSV that no record could be made of; a range of them counts as one bad record.
        records: records found, good or bad; of a file without lines (Parquet) the only count.
        expected_records: how many the file itself says that it holds; None where it says nothing.
        by_line: whether the reader accounts for lines at all.
        one_row_each: whether each record becomes one row; tools write several for a row, or several rows in one.
        examples: the first ranges of lines that were set aside, as people write them.
    """

    header: int = 0
    blank: int = 0
    in_records: int = 0
    set_aside: int = 0
    records: int = 0
    expected_records: int | None = None
    by_line: bool = False
    one_row_each: bool = True
    examples: tuple[str, ...] = ()

    @property
    def lines(self) -> int:
        """Lines that the reader accounts for."""
        return self.header + self.blank + self.in_records

    def note_range(self, first: int, last: int) -> None:
        """Remember the first ranges of lines that were set aside, to name them."""
        if len(self.examples) < 3:
            self.examples += (str(first) if first == last else f"{first}–{last}",)

    def check(self, path: Path, physical_lines: int | None, rows: int) -> None:
        """Raise EvalFileError where lines, records and rows do not add up.

        Args: physical_lines: as `count_lines` counts them; rows: good and bad rows that came out of the reader.
        """
        if self.expected_records is not None and self.expected_records != self.records:
            raise EvalFileError(
                f"{path}: it says that it holds {self.expected_records:,} records and {self.records:,} were found;"
                " write it anew"
            )
        if not self.by_line:
            return
        if physical_lines is not None and self.lines != physical_lines:
            raise EvalFileError(
                f"{path}: it has {physical_lines:,} lines and {self.lines:,} were read; it was changed meanwhile, or"
                " this is a defect of this project: nothing of it is stored"
            )
        if self.one_row_each and self.records != rows:
            raise EvalFileError(
                f"{path}: {self.records:,} records became {rows:,} rows; this is a defect of this project: nothing of"
                " it is stored"
            )
        if self.set_aside > MAX_SHARE_SET_ASIDE * self.in_records:
            shown = ", ".join(self.examples)
            raise EvalFileError(
                f"{path}: {self.set_aside:,} of {self.lines:,} lines cannot be read (the first: line {shown}); mend"
                " the file, most often by closing or doubling a quote there"
            )


@dataclass(frozen=True)
class FileSize:
    """How large a file is.

    Attributes:
        bytes: on the disk, packed where it is packed.
        physical_lines: of its text, unpacked, counted by `count_lines`; None where it is no text.
        records: of which rows were made; of a log whose rows are made of several records, the rows.
        account: what the reader says that it did with them.
    """

    bytes: int
    physical_lines: int | None
    records: int = 0
    account: LineAccount = field(default_factory=LineAccount)


def count_lines(stream: IO[bytes]) -> int:
    """Count the physical lines of a text in its bytes; `\\n`, `\\r\\n` and a lone `\\r` end a line each."""
    lines, ended, after_return = 0, True, False
    for block in _eight_bit(stream):
        lines += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
        # The two halves of one line end may stand in two blocks.
        lines -= after_return and block.startswith(b"\n")
        after_return = block.endswith(b"\r")
        ended = block.endswith((b"\n", b"\r"))
    return lines + (not ended)


def _eight_bit(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a text in which a line end is one byte: as it is, or out of UTF-16 and UTF-32."""
    first = stream.read(_BLOCK)
    encoding = next((name for mark, name in _WIDE if first.startswith(mark)), None)
    decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
    block = first.removeprefix(codecs.BOM_UTF8)
    while block:
        yielded = decoder.decode(block).encode("utf-8", "replace") if decoder else block
        if yielded:
            yield yielded
        block = stream.read(_BLOCK)
