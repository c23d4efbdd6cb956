"""Refuses filters that name nothing: a misspelt name must never read like "no findings"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from faultmap_assets.warehouse import Warehouse
from faultmap_core.errors import ConfigurationError

_MAX_NAMES = 20

# Rows of logs bear one dataset and one model by name, by which nothing can be selected.
_PRESENT = "SELECT DISTINCT {column} AS name FROM staging_partitions WHERE day IS NULL"
_PAST = "SELECT DISTINCT unnest(string_split({column}, '|')) FROM finding_history"


def check_names(
    warehouse: Warehouse,
    datasets: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    model_option: str = "--model",
    *,
    past: bool = True,
) -> None:
    """Raise ConfigurationError where a dataset or model is not in the warehouse, nor (where `past`) in its history.

    Args: model_option: what a user wrote the models after; "model" where they were arguments.
    """
    names = f"{_PRESENT} UNION {_PAST}" if past else _PRESENT
    for option, column, named in (("--dataset", "dataset", datasets), (model_option, "model", models)):
        if named:
            known = warehouse.query(f"{names.format(column=column)} ORDER BY name").column("name").to_pylist()
            check_choice(option, named, (name for name in known if name))


def check_choice(option: str, named: Iterable[str], known: Iterable[str]) -> None:
    """Raise ConfigurationError where one of `named` is not `known`; it lists what is, and names the nearest."""
    names = sorted(set(known))
    for name in named:
        if name in names:
            continue
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        there = f"there are {', '.join(names[:_MAX_NAMES])}{more}" if names else "there is none yet"
        raise ConfigurationError(f"{option} {name}: there is none of that name; {there}{hint}")
