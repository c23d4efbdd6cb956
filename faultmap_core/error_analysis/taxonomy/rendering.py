"""A classification to read: a tree of lines for a terminal, and a table with one row per category."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len

from faultmap_core.base.text import harmless
from faultmap_core.error_analysis.taxonomy.results import Category, Classification, Taxonomy


def tree_lines(classification: Classification) -> list[str]:
    """Return the categories as an indented tree with their errors and shares of all records, "unclassified" last.

    Names are made harmless for a terminal; they are not markup and must not be printed as such.
    """
    total = len(classification.assignments)
    rows = [("All errors", total)]
    loose = classification.unclassified
    rows += _rows(classification.taxonomy, None, "", more=loose > 0)
    if loose:
        rows.append(("└─ unclassified", loose))
    wide = max(cell_len(label) for label, _ in rows)
    digits = max(len(f"{count:,}") for _, count in rows)
    return [
        f"{label}{' ' * (wide - cell_len(label))}  {count:>{digits},}  {count / total if total else 0:>6.1%}"
        for label, count in rows
    ]


def category_rows(classification: Classification) -> list[dict[str, Any]]:
    """Return one row per category, parents before children, and one for "unclassified" where it holds a record.

    Keys: category_id, parent_id, name, description, path (names from the top), depth, count, share (of all records),
    leaf, other.
    """
    taxonomy, total = classification.taxonomy, len(classification.assignments)
    leaves = {leaf.category_id for leaf in taxonomy.leaves()}
    paths: dict[str | None, tuple[str, ...]] = {None: ()}
    rows: list[dict[str, Any]] = []
    for one in taxonomy.categories:
        paths[one.category_id] = (*paths[one.parent_id], one.name)
        rows.append(_row(one, " > ".join(paths[one.category_id]), total, one.category_id in leaves))
    if classification.unclassified:
        loose = Category(
            "unclassified", None, "unclassified", "Errors without a category.", 1, classification.unclassified
        )
        rows.append(_row(loose, loose.name, total, True))
    return rows


def _row(category: Category, path: str, total: int, leaf: bool) -> dict[str, Any]:
    return {
        "category_id": category.category_id,
        "parent_id": category.parent_id,
        "name": category.name,
        "description": category.description,
        "path": path,
        "depth": category.depth,
        "count": category.count,
        "share": category.count / total if total else 0.0,
        "leaf": leaf,
        "other": category.other,
    }


def _rows(taxonomy: Taxonomy, parent_id: str | None, indent: str, more: bool) -> Iterator[tuple[str, int]]:
    children = taxonomy.children(parent_id)
    for number, child in enumerate(children, 1):
        last = number == len(children) and not more
        yield f"{indent}{'└─ ' if last else '├─ '}{harmless(child.name)}", child.count
        yield from _rows(taxonomy, child.category_id, indent + ("   " if last else "│  "), more=False)
