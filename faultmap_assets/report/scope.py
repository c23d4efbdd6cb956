"""The scope of a report: some datasets, some models, with or without the texts of the examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.errors import ConfigurationError

Row = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """The part of the warehouse that a report shows.

    Attributes:
        datasets, models: names, sorted; None is all of them.
        texts: whether prompts, answers, references and what quotes them are shown.
    """

    datasets: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    texts: bool = True

    @classmethod
    def of(
        cls, warehouse: Warehouse, datasets: Sequence[str] | None, models: Sequence[str] | None, *, texts: bool
    ) -> Scope:
        """Return the scope of these names.

        Raises: ConfigurationError for a name that the warehouse does not have.
        """
        known = warehouse.query("SELECT DISTINCT dataset, model FROM scores").to_pylist()
        return cls(
            _known("dataset", datasets, {row["dataset"] for row in known}),
            _known("model", models, {row["model"] for row in known}),
            texts,
        )

    @property
    def whole(self) -> bool:
        """Whether the report is about the whole warehouse."""
        return self.datasets is None and self.models is None

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of `CONDITION`."""
        return {
            "datasets": None if self.datasets is None else list(self.datasets),
            "models": None if self.models is None else list(self.models),
        }

    def holds_dataset(self, dataset: str) -> bool:
        """Whether the report shows this dataset."""
        return self.datasets is None or dataset in self.datasets

    def holds(self, row: Row) -> bool:
        """Whether the report shows what is told of a dataset and a model."""
        return self.holds_dataset(row["dataset"]) and (self.models is None or row["model"] in self.models)

    def holds_pair(self, row: Row) -> bool:
        """Whether the report shows a comparison: one of its models is enough."""
        shown = self.models is None or bool({row["model_a"], row["model_b"]} & set(self.models))
        return self.holds_dataset(row["dataset"]) and shown

    def to_dict(self) -> Row:
        """Return plain JSON values."""
        return {**self.parameters, "texts": self.texts}


CONDITION = """($datasets IS NULL OR list_contains($datasets, s.dataset))
    AND ($models IS NULL OR list_contains($models, s.model))"""
"""Rows of a table `s` with dataset and model that are in the scope."""


def _known(what: str, names: Sequence[str] | None, known: Iterable[str]) -> tuple[str, ...] | None:
    if names is None:
        return None
    there = sorted(known)
    for name in names:
        if name not in there:
            raise ConfigurationError(
                f"report: no {what} {name!r} in the warehouse; there {'is' if len(there) == 1 else 'are'}"
                f" {', '.join(there) or 'none: run `faultmap audit FILE`'}"
            )
    return tuple(sorted(set(names)))
