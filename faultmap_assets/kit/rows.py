"""Rows of a declared table, made from the results of the core: a column is the attribute of its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import pyarrow as pa

from faultmap_assets.graph.declarations import declared_tables
from faultmap_core.base.records import strict


def rows_of(
    table: str,
    results: Iterable[Any],
    partition: Mapping[str, str],
    **columns: str | Callable[[int, Any], Any],
) -> pa.Table:
    """Return one row per result, in the columns and types that the table's declaration names.

    Args:
        table: a declared table.
        results: frozen dataclasses of the core, best first.
        partition: the values of the partition's columns.
        columns: where a column is not the attribute of its name: the attribute's name, or a function of the result's
            rank (from 1) and the result. `rank` itself needs none.
    Raises: AttributeError where a column is neither of these, so that none is left empty by mistake.

    What is no plain value (a list, a mapping) is written as JSON.
    """
    declared = declared_tables()[table]

    def value(name: str, rank: int, result: Any) -> Any:
        if name in partition:
            return partition[name]
        own = columns.get(name, name)
        if callable(own):
            return _plain(own(rank, result))
        return rank if name == "rank" and own == name else _plain(getattr(result, own))

    records = [
        {name: value(name, rank, result) for name in declared.columns} for rank, result in enumerate(results, start=1)
    ]
    return pa.Table.from_pylist(records, schema=declared.schema)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple, Mapping)):
        return json.dumps(strict(_without_classes(value)), ensure_ascii=False)
    return value


def _without_classes(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_without_classes(one) for one in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
