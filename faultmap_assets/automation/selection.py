"""Select the part of all results that is to be made, or made again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from faultmap_assets.graph.scopes import Partition
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_assets.warehouse.materializations import make_again, read_state


@dataclass(frozen=True)
class Selection:
    """What of everything stale is to be made; None means all.

    Attributes:
        assets: their names.
        datasets, models: of partitions that have them; what has none (a report of all) is always selected, and is made
            of what there is.
        since: first day of production.
    """

    assets: Collection[str] | None = None
    datasets: Collection[str] | None = None
    models: Collection[str] | None = None
    since: str | None = None

    def holds(self, asset: str, partition: Partition) -> bool:
        """Say whether a partition of an asset is selected."""
        return (self.assets is None or asset in self.assets) and self.holds_keys(partition)

    def holds_keys(self, partition: Partition) -> bool:
        """Say whether no key of a partition is outside of the selection."""
        return (
            (self.datasets is None or partition.dataset is None or partition.dataset in self.datasets)
            and (self.models is None or partition.model is None or partition.model in self.models)
            and (self.since is None or partition.day is None or partition.day >= self.since)
        )

    def means(self, asset: str, partition: Partition) -> bool:
        """Say whether a selected partition is one that was asked for, rather than one that has no such key."""
        asked = ((self.datasets, partition.dataset), (self.models, partition.model), (self.since, partition.day))
        named = [key is not None for chosen, key in asked if chosen is not None]
        return self.holds(asset, partition) and (not named or any(named))

    def ask_again(self, warehouse: Warehouse) -> int:
        """Mark what is asked for as to be made again although nothing changed; return the number of partitions."""
        with warehouse.write() as connection:
            made = read_state(connection).materialized
            return make_again(
                connection, [(asset, partition) for asset, partition in made if self.means(asset, partition)]
            )


EVERYTHING = Selection()
"""What is selected where nobody selects."""
