"""Refuses filters that name nothing: a misspelt name must never read like "no findings"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.errors import ConfigurationError

_MAX_NAMES = 20

_OF_EVALS = "SELECT DISTINCT {column} AS name FROM staging_partitions WHERE day IS NULL"
# Rows of logs bear one dataset and their models by name; they can be forgotten by it, not made.
_PRESENT = "SELECT DISTINCT {column} AS name FROM staging_partitions"
_PAST = "SELECT DISTINCT unnest(string_split({column}, '|')) FROM finding_history"


def check_names(
    warehouse: Warehouse,
    datasets: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    model_option: str = "--model",
    *,
    of_evals: bool = False,
) -> None:
    """Raise ConfigurationError where a dataset or model is neither in the warehouse nor in its history.

    Args:
        model_option: what a user wrote the models after; "model" where they were arguments.
        of_evals: whether they have to be those of evals that are there now.
    """
    names = _OF_EVALS if of_evals else f"{_PRESENT} UNION {_PAST}"
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
