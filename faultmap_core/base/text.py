"""How a report is printed: tables and sentences that survive any text, with colours only where a terminal shows them.

Everything evaluated is hostile: names, prompts and responses are never markup, and what could steer a terminal is
replaced before it gets there.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

# C0 and C1 controls, overrides of the writing direction, lone surrogates, and separators that end a line.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
_PLAIN_WIDTH = 100
_WIDEST = 140
_QUOTED = 160

Align = Literal["left", "right"]


@dataclass(frozen=True)
class Column:
    """One column of a table: its heading, its cells, and to which side they go."""

    heading: str
    cells: Sequence[str]
    align: Align = "left"


@dataclass(frozen=True)
class Section:
    """What stands below the table for one finding: its title, then lines."""

    title: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Page:
    """A report before it is printed or drawn: title, facts, one table, and a paragraph for each finding."""

    title: str
    facts: Sequence[str]
    columns: Sequence[Column]
    sections: Sequence[Section]


def printable(text: str) -> str:
    """Return `text` with control characters made visible; line ends and tabs stay."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def harmless(text: object) -> str:
    """Return text on one line without anything that steers a terminal."""
    return " ".join(_STEERING.sub(" ", str(text)).split())


def shortened(text: object, limit: int = _QUOTED) -> str:
    """Return harmless text of at most `limit` characters."""
    line = harmless(text)
    return line if len(line) <= limit else line[: limit - 2].rstrip() + " …"


def counted(number: int, one: str) -> str:
    """Return a number with its noun: "1 row", "1,680 rows"."""
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def rich_page(page: Page) -> RenderableType:
    """Return a report for `rich`."""
    parts: list[RenderableType] = [Text(harmless(page.title), style="bold")]
    parts.extend(Text(harmless(fact)) for fact in page.facts if fact)
    if page.columns and page.columns[0].cells:
        parts.append(_table(page.columns))
    for section in page.sections:
        parts.append(Text(harmless(section.title), style="bold"))
        parts.extend(Text("  " + harmless(line)) for line in section.lines if line)
    return Group(*parts)


def _table(columns: Sequence[Column]) -> Table:
    table = Table(box=box.ASCII2 if not _speaks_unicode() else box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        # The first column of text may fold; numbers stay whole.
        table.add_column(Text(column.heading), justify=column.align, no_wrap=column.align == "right", overflow="fold")
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*(Text(harmless(cell)) for cell in row))
    return table


def printed(content: RenderableType) -> str:
    """Return what `print` should show: with colours on a terminal, plain text anywhere else."""
    terminal = bool(getattr(sys.stdout, "isatty", lambda: False)())
    width = min(shutil.get_terminal_size((_PLAIN_WIDTH, 24)).columns, _WIDEST) if terminal else _PLAIN_WIDTH
    out = StringIO()
    Console(
        file=out, force_terminal=terminal, color_system="standard" if terminal else None, width=max(width, 40),
        highlight=False, emoji=False, markup=False,
    ).print(content)  # fmt: skip
    lines = "\n".join(line.rstrip() for line in out.getvalue().splitlines())
    return lines.encode(_encoding(), "replace").decode(_encoding())


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _speaks_unicode() -> bool:
    return _encoding().lower().replace("-", "").startswith("utf")
