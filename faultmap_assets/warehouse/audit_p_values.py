"""The p-values of findings, adjusted once more over all searches of the warehouse.

They depend on every partition at once and so stand in no partition's table: each read makes them anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.stats.multiplicity import adjust_over_partitions

Row = dict[str, Any]


def with_audit_p_values(warehouse: Warehouse, slices: Sequence[Row]) -> list[Row]:
    """Give all failure slices `audit_adjusted_p_value`: over all models on all datasets with failures and passes."""
    searched = warehouse.query(
        """SELECT dataset, model FROM scores GROUP BY ALL
        HAVING count(*) FILTER (failed) > 0 AND count(*) FILTER (NOT failed) > 0"""
    ).to_pylist()
    return _adjusted(slices, ("dataset", "model"), "adjusted_p_value", searched)


def with_pair_p_values(slices: Sequence[Row], pairs: Iterable[Row]) -> list[Row]:
    """Give all slices of comparisons `audit_adjusted_p_value`: of differing from the rest, over all `pairs`."""
    return _adjusted(slices, ("dataset", "model_a", "model_b"), "selection_adjusted_p_value", pairs)


def _adjusted(slices: Sequence[Row], search: tuple[str, ...], column: str, searched: Iterable[Row]) -> list[Row]:
    def search_of(row: Row) -> tuple[str, ...]:
        return tuple(row[name] for name in search)

    found: dict[tuple[str, ...], list[float]] = {}
    for row in slices:
        found.setdefault(search_of(row), []).append(row[column])
    searches = {search_of(row) for row in searched} | set(found)
    adjusted = {key: iter(p) for key, p in adjust_over_partitions(found, len(searches)).items()}
    return [{**row, "audit_adjusted_p_value": next(adjusted[search_of(row)])} for row in slices]
