"""Prints comparisons: a ranking with a win matrix per dataset; single pairs, with their slices, on request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from faultmap_assets.cli.render.tables import breakable, literal, p_value, percent, plain_table

Row = Mapping[str, Any]

_NAME_WIDTH = 34
# More columns than this do not fit beside the names at 80 characters.
_MATRIX_MODELS = 12
_LEGEND = "+ better than the model of that number, − worse, = not told apart, ? not compared"
_MARKS = {"beats": "+", "loses_to": "−", "open": "=", "uncompared": "?"}


def comparison_parts(rankings: Sequence[Row], pairs: Sequence[Row], details: bool) -> Iterator[RenderableType]:
    """Per dataset its models in order and who is told apart from whom; with `details` also each pair."""
    for ranking in rankings:
        of_dataset = [pair for pair in pairs if pair["dataset"] == ranking["dataset"]]
        if not of_dataset:
            continue
        if len(ranking["models"]) > 2:
            yield from _ranking(ranking, of_dataset)
        if details or len(of_dataset) == 1:
            for number, pair in enumerate(of_dataset):
                if number or len(ranking["models"]) > 2:
                    yield Text()
                yield from pair_parts(pair)
        else:
            yield literal(_left(of_dataset), "dim")
        yield Text()


def _left(pairs: Sequence[Row]) -> str:
    changing = sum(bool(pair["slices"]) for pair in pairs)
    where = f"{changing} of them have prompts where that changes; " if changing else ""
    return f"{len(pairs)} pairs; {where}`faultmap compare --pairs`, or name two models."


def _ranking(ranking: Row, pairs: Sequence[Row]) -> Iterator[RenderableType]:
    models = ranking["models"]
    table = win_matrix(models) if 2 < len(models) <= _MATRIX_MODELS else counts_table(models)
    table.title = literal(f"{ranking['dataset']}, {_pairs_counted(pairs)}", "bold")
    table.title_justify = "left"
    yield table
    if 2 < len(models) <= _MATRIX_MODELS:
        yield literal(
            "+ better than the model of that number, − worse, = cannot be told apart, ? nothing shared", "dim"
        )
    yield literal(ranking["told"])


def _pairs_counted(pairs: Sequence[Row]) -> str:
    numbers = sorted(pair["compared"] for pair in pairs)
    low, high = numbers[0], numbers[-1]
    each = "" if len(pairs) == 1 else "each pair on "
    return f"{each}{high:,} common examples" if low == high else f"{each}{low:,} to {high:,} common examples"


def win_matrix(models: Sequence[Row]) -> Table:
    """Models in rows and, by their place, in columns: how the row's model does against the column's."""
    table = plain_table(">", "model", ">failed", *(f">{place}" for place in range(1, len(models) + 1)))
    for column in table.columns[3:]:
        column.min_width = 1
    table.padding = (0, 1, 0, 0)
    for place, one in enumerate(models, start=1):
        marks = {other: mark for kind, mark in _MARKS.items() for other in one[kind]}
        table.add_row(
            str(place),
            literal(breakable(one["model"], _NAME_WIDTH)),
            percent(one["failure_rate"]),
            *(marks.get(other["model"], "·") for other in models),
        )
    return table


def counts_table(models: Sequence[Row]) -> Table:
    """Models in rows with how many others each is shown to be better and worse than."""
    table = plain_table(">", "model", ">failed", ">better than", ">worse than", ">not told apart")
    for place, one in enumerate(models, start=1):
        table.add_row(
            str(place),
            literal(breakable(one["model"], _NAME_WIDTH)),
            percent(one["failure_rate"]),
            *(str(len(one[kind])) for kind in ("beats", "loses_to", "open")),
        )
    return table


def pair_parts(pair: Row) -> Iterator[RenderableType]:
    """One pair: what is claimed of it, then the slices where that changes."""
    yield literal(f"{pair['model_a']} (A) or {pair['model_b']} (B) on {pair['dataset']}", "bold")
    if not pair["compared"]:
        yield literal(pair["pairing"] or pair["claim"]["told"])
        return
    yield literal(pair["claim"]["told"])
    if pair["pairing"]:
        yield literal(pair["pairing"], "yellow")
    p = p_value(pair["adjusted_p_value"])
    yield literal(
        f"{pair['compared']:,} pairs: only A right {pair['discordant_a_wins']:,}, only B right"
        f" {pair['discordant_b_wins']:,}; p, adjusted over all pairs of models, {p}",
        "dim",
    )
    if pair["slices"]:
        yield _slices(pair)


def _slices(pair: Row) -> Table:
    value = "score" if pair["claim"]["statistic"] == "paired score" else "fails"
    table = plain_table("slice where that changes", ">pairs", f">A {value}", f">B {value}", "better there", "id")
    for row in pair["slices"]:
        winner = {pair["model_a"]: "A", pair["model_b"]: "B", "tie": "equal"}.get(row["winner"], "not shown")
        table.add_row(
            literal(row["name"]),
            f"{row['size']:,}",
            row["claim"]["inside_text"],
            row["claim"]["outside_text"],
            winner,
            literal(row["slice_id"], "dim"),
        )
    return table
