"""The scopes of assets, and the partitions of which they are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum


class Scope(Enum):
    """By what an asset is partitioned."""

    DATASET_MODEL = "dataset_model"
    DATASET = "dataset"
    DAY = "day"
    NONE = "none"


@dataclass(frozen=True, order=True)
class Partition:
    """One partition of any asset; what the asset is not partitioned by is None."""

    dataset: str | None = None
    model: str | None = None
    day: str | None = None

    @property
    def key(self) -> str:
        """The partition key in Dagster's form: `dataset|model`, `dataset`, `YYYY-MM-DD`, or the empty string."""
        return "|".join(part for part in (self.dataset, self.model, self.day) if part is not None)

    @classmethod
    def parse(cls, scope: Scope, key: str) -> Partition:
        """Read what `key` returned."""
        if scope is Scope.DATASET_MODEL:
            dataset, _, model = key.partition("|")
            return cls(dataset, model)
        if scope is Scope.DATASET:
            return cls(dataset=key)
        return cls(day=key) if scope is Scope.DAY else cls()

    @property
    def columns(self) -> dict[str, str]:
        """The partition columns of a table and their values."""
        named = {"dataset": self.dataset, "model": self.model, "day": self.day}
        return {name: value for name, value in named.items() if value is not None}


def window_of(day: str, days: int) -> list[str]:
    """Return the last `days` days up to and with `day`, oldest first, all as YYYY-MM-DD."""
    last = date.fromisoformat(day)
    return [(last - timedelta(days=back)).isoformat() for back in range(days - 1, -1, -1)]
