"""Prints the memo of an audit: who leads, what to repair first, what may be chance, what the data cannot tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from faultmap_assets.terminal import breakable, literal, percent, plain_table
from faultmap_core.report_text import counted, shortened

Row = Mapping[str, Any]

_NAME_WIDTH = 32
_PROMPT_CHARACTERS = 140
_REPAIRS_SHOWN, _CHANCE_SHOWN = 3, 5


def memo_parts(memo: Row) -> Iterator[RenderableType]:
    """The memo, part by part, each below an empty line."""
    several = len(memo["rankings"]) > 1
    for ranking in memo["rankings"]:
        yield Text()
        yield from _ranking(ranking, several)
    yield Text()
    yield from _repairs(memo)
    if memo["may_be_chance"]:
        yield Text()
        yield from _may_be_chance(memo)
    if memo["cannot_tell"]:
        yield Text()
        yield literal("What these data cannot tell", "bold")
        for line in memo["cannot_tell"]:
            yield _indented(literal(f"- {line}"))


def _ranking(ranking: Row, several: bool) -> Iterator[RenderableType]:
    table = ranking_table(ranking["models"])
    table.title = literal(ranking["dataset"], "bold")
    table.title_justify = "left"
    yield table
    if ranking["told"]:
        yield literal(ranking["told"])


def ranking_table(models: Sequence[Row]) -> Table:
    """One row per model in its place, with who can be told apart from the leader."""
    alone = len([one for one in models if one["failure_rate"] is not None]) < 2
    table = plain_table(">", "model", ">failed", ">scored", *([] if alone else ["standing"]), ">weak spots")
    for place, one in enumerate(models, start=1):
        table.add_row(
            str(place),
            literal(breakable(one["model"], _NAME_WIDTH)),
            percent(one["failure_rate"]),
            f"{one['scored']:,}",
            *([] if alone else [one["place"]]),
            str(one["slices"]),
        )
    return table


def _repairs(memo: Row) -> Iterator[RenderableType]:
    if memo["no_outcome"]:
        yield literal(memo["no_outcome"])
        return
    if not memo["repairs"]:
        chance = " that is more than chance over the whole audit" if memo["may_be_chance"] else ""
        yield literal(f"No group of prompts was found in which a model fails more often than elsewhere{chance}.")
        return
    yield literal("Repair first", "bold")
    for number, one in enumerate(memo["repairs"][:_REPAIRS_SHOWN], start=1):
        yield Text.assemble(literal(f"{number}  {one['name']}", "bold"), literal(f"  {one['slice_id']}", "dim"))
        yield _indented(literal(f"{one['model']} on {one['dataset']}: {one['claim']['told']}"))
        yield _indented(literal(one["recoverable"]))
        if one["prompt"]:
            yield _indented(literal(f"e.g. {shortened(one['prompt'], _PROMPT_CHARACTERS)}", "dim"))
        if one["also_of"]:
            yield _indented(literal(f"The same prompts are a weak spot of {_listed(one['also_of'])}.", "dim"))
    total = sum(one["slices"] for ranking in memo["rankings"] for one in ranking["models"])
    shown = sum(1 + len(one["also_of"]) for one in memo["repairs"][:_REPAIRS_SHOWN])
    if total > shown:
        yield literal(f"These are {shown:,} of the {total:,} weak spots above; all of them: `faultmap slices`", "dim")


def _may_be_chance(memo: Row) -> Iterator[RenderableType]:
    found = memo["may_be_chance"]
    yield literal(f"May be chance: found by one of {memo['searches']} searches, not certain among all of them", "bold")
    for one in found[:_CHANCE_SHOWN]:
        values = f"{one['claim']['inside_text']} against {one['claim']['outside_text']}"
        yield _indented(literal(f"{one['name']} ({one['model']} on {one['dataset']}): {values}, {one['size']} answers"))
    if len(found) > _CHANCE_SHOWN:
        yield _indented(literal(f"{len(found) - _CHANCE_SHOWN} more: `faultmap slices`", "dim"))


def why_line(categories: Sequence[Row], errors: int, unexplained: int = 0) -> Text | None:
    """The three most frequent kinds of error in one line; None where nothing was judged.

    Args: unexplained: failures in whose answer the judge found no error.
    """
    top = [row for row in categories if row["depth"] == 1 and row["category_id"] != "unexplained"]
    if not top or not errors:
        return None
    kinds = ", ".join(f"{row['name'].lower()} {percent(row['errors'] / errors)}" for row in top[:3])
    without = ""
    if unexplained:
        without = f" In {counted(unexplained, 'more failure')} no error was found: `faultmap quality` lists them."
    return literal(f"How they fail, of {errors:,} errors: {kinds}.{without} `faultmap taxonomy`, `faultmap errors`")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {counted(len(names) - 3, 'other model')}"


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 3))
