"""Render findings about production in a terminal: worse feedback, and topics that changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from faultmap_assets.cli.render.tables import literal, p_value, plain_table, slice_value


def production_tables(slices: Sequence[Mapping[str, Any]], drift: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    """One table of slices and one of topics, of the newest day that has any window."""
    for day in slices[-1:]:
        if day["slices"]:
            yield _slice_table(day)
    for day in drift[-1:]:
        if day["topics"]:
            yield _drift_table(day)


def _slice_table(day: Mapping[str, Any]) -> Table:
    table = plain_table("worse feedback", ">rows", ">here", ">elsewhere", ">adj. p", "id")
    table.title = literal(f"Feedback of {day['first_day']} to {day['day']}", "bold")
    table.title_justify = "left"
    for row in day["slices"]:
        table.add_row(
            literal(row["name"]),
            f"{row['size']:,}",
            slice_value(row, "inside"),
            slice_value(row, "outside"),
            p_value(row["adjusted_p_value"]),
            literal(row["slice_id"], "dim"),
        )
    return table


def _drift_table(day: Mapping[str, Any]) -> Table:
    table = plain_table("topic", "change", ">requests", ">before", "id")
    table.title = literal(f"Topics of {day['first_day']} to {day['day']}, against as many days before", "bold")
    table.title_justify = "left"
    for row in day["topics"]:
        cell = literal(row["name"])
        cell.append_text(literal(f"\n{row['claim']['told']}", "dim"))
        table.add_row(
            cell,
            row["kind"],
            f"{row['current_rows']:,}",
            f"{row['previous_rows']:,}",
            literal(row["topic_id"], "dim"),
        )
    return table
