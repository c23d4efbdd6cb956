"""Format rows as a table for Dagster's pages, in which external text never becomes markup."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

Align = Literal["left", "right"]

# Dagster's pages show Markdown in place below this length, and hide it behind a link above.
_INLINE_CHARACTERS = 1000
_LONGEST_CELL = 80


def cell(text: str) -> str:
    """Escape what Markdown and HTML would understand, and fold white space."""
    escaped = "".join("\\" + character if character in "\\`*_{}[]<>()#+!|&~" else character for character in text)
    return " ".join(escaped.split())


def table(columns: Mapping[str, Align], rows: Iterable[Sequence[str]], *, none: str, more: str) -> str:
    """Return as many rows, the first ones, as are shown in place.

    Args:
        columns: heading -> where its cells stand.
        rows: cells as they are; they are escaped, and long ones cut, here.
        none: the sentence that stands for no rows.
        more: the command that prints the rows that are left out.
    """
    lines = ["| " + " | ".join(_shortened(cells) for cells in row) + " |" for row in rows]
    if not lines:
        return none
    rule = "|".join("--:" if to == "right" else "---" for to in columns.values())
    head = ["| " + " | ".join(columns) + " |", f"|{rule}|"]
    room = _INLINE_CHARACTERS - sum(len(line) + 1 for line in head) - len(f"\n\n{len(lines):,} more: `{more}`")
    shown = 0
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        shown += 1
    shown = max(shown, 1)
    left_out = f"\n\n{len(lines) - shown:,} more: `{more}`" if shown < len(lines) else ""
    return "\n".join(head + lines[:shown]) + left_out


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return cell(line if len(line) <= _LONGEST_CELL else line[: _LONGEST_CELL - 1] + "…")
