"""Render a report in a notebook as a small table with long parts folded, and without any script.

Everything evaluated is hostile: each text is escaped, and what could steer a reader (overrides of the writing
direction, controls) is replaced as on a terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from faultmap_core.base.text import Column, Page, Section, shortened

ROWS_SHOWN = 10
"""Further rows, and further findings, are folded."""

_LONGEST_TEXT = 600
# Colours are the notebook's own, so that it reads in the light and in the dark.
_STYLE = """<style>
.faultmap {font-size: 13px; line-height: 1.45; max-width: 60em}
.faultmap table {border-collapse: collapse; margin: .5em 0; font-size: inherit}
.faultmap th, .faultmap td {padding: .2em .8em .2em 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid rgba(128, 128, 128, .3); background: none}
.faultmap .right {text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap}
.faultmap th {font-weight: 600}
.faultmap p {margin: .25em 0}
.faultmap details {margin: .25em 0}
.faultmap details p {margin-left: 1.2em; opacity: .85}
.faultmap summary {cursor: pointer}
.faultmap .title {font-weight: 600}
</style>"""


def html_page(page: Page) -> str:
    """Return a report as HTML: no script, no link, no picture, nothing that is loaded."""
    title, *others = [_text(fact) for fact in page.facts if fact]
    parts = [f'<p class="title">{title}</p>', *(f"<p>{fact}</p>" for fact in others)]
    if page.columns and page.columns[0].cells:
        parts += _tables(page.columns)
    parts += _folded([_section(one) for one in page.sections], "more findings")
    return f'{_STYLE}<div class="faultmap">{"".join(parts)}</div>'


def _tables(columns: Sequence[Column]) -> list[str]:
    rows = [
        "<tr>"
        + "".join(f"<td{_side(one)}>{_text(cell)}</td>" for one, cell in zip(columns, cells, strict=True))
        + "</tr>"
        for cells in zip(*(one.cells for one in columns), strict=True)
    ]
    head = "<tr>" + "".join(f"<th{_side(one)}>{_text(one.heading)}</th>" for one in columns) + "</tr>"
    shown, rest = rows[:ROWS_SHOWN], rows[ROWS_SHOWN:]
    tables = [f"<table><thead>{head}</thead><tbody>{''.join(shown)}</tbody></table>"]
    if rest:
        tables.append(
            f"<details><summary>{len(rest):,} more rows</summary><table><thead>{head}</thead>"
            f"<tbody>{''.join(rest)}</tbody></table></details>"
        )
    return tables


def _section(one: Section) -> str:
    lines = "".join(f"<p>{_text(line)}</p>" for line in one.lines if line)
    return f"<details><summary>{_text(one.title)}</summary>{lines}</details>"


def _folded(parts: Sequence[str], what: str) -> list[str]:
    rest = parts[ROWS_SHOWN:]
    folded = [f"<details><summary>{len(rest):,} {what}</summary>{''.join(rest)}</details>"] if rest else []
    return [*parts[:ROWS_SHOWN], *folded]


def _side(column: Column) -> str:
    return ' class="right"' if column.align == "right" else ""


def _text(text: object) -> str:
    return escape(shortened(text, _LONGEST_TEXT), quote=True)
