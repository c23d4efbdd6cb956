"""The Dagster asset of a declaration: partitions, dependencies, checks and the rest come from the asset's YAML."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import dagster as dg

from faultmap_assets.graph.declarations import ASSET_GRAPH, NODES, AssetNode
from faultmap_assets.graph.partitions import PARTITIONS, between_dataset_and_model, trailing
from faultmap_assets.graph.scopes import Scope
from faultmap_assets.settings import settings_at_import
from faultmap_core.base.errors import ConfigurationError

_EVALS = {Scope.DATASET, Scope.DATASET_MODEL}


def declared_asset(**options: Any) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return a decorator that makes the asset that bears the function's name; its docstring is the description.

    Args: options: what else `dagster.asset` takes.
    Raises: KeyError where no declaration bears the name.
    """

    def decorate(function: Callable[..., Any]) -> dg.AssetsDefinition:
        node = NODES[function.__name__]
        made: dg.AssetsDefinition = dg.asset(
            partitions_def=PARTITIONS[node.scope],
            deps=[_dependency(node, NODES[name]) for name in node.upstream],
            group_name=node.group,
            kinds=set(node.kinds),
            code_version=node.code_version,
            check_specs=check_specs(node),
            pool=node.pool,
            **options,
        )(function)
        return made

    return decorate


def load_assets(package: ModuleType) -> list[dg.AssetsDefinition]:
    """Return the assets in a package's modules, in the order of the graph.

    Raises: ConfigurationError where a declaration has no asset.
    """
    found = {
        asset.key.to_user_string(): asset
        for asset in dg.load_assets_from_package_module(package)
        if isinstance(asset, dg.AssetsDefinition)
    }
    if missing := NODES.keys() - found.keys():
        raise ConfigurationError(
            f"{package.__name__}: no asset is made of the declaration of {', '.join(sorted(missing))}"
        )
    return [found[node.name] for node in ASSET_GRAPH]


def check_specs(node: AssetNode) -> list[dg.AssetCheckSpec]:
    """Return an asset's checks, each evaluated, and shown, for each partition of its asset.

    Without the partitions Dagster plans a check of a daily run for the day and evaluates it for none, so that what was
    planned never ends; and any partition's verdict hides that of the one before.
    """
    with warnings.catch_warnings():
        # A preview at Dagster 1.13; its behaviour here is pinned by the tests of the graph and of production.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            dg.AssetCheckSpec(
                name,
                asset=node.name,
                description=check.meaning,
                blocking=check.blocking,
                partitions_def=PARTITIONS[node.scope],
            )
            for name, check in node.checks.items()
        ]


def _dependency(node: AssetNode, above: AssetNode) -> dg.AssetDep:
    """Map partitions as `WarehouseState.upstream` does, so that Dagster's lineage is that of the staleness."""
    if above.scope is node.scope is Scope.DAY and node.window:
        return dg.AssetDep(above.name, partition_mapping=trailing(node.window_days(settings_at_import())))
    if above.scope is node.scope or above.scope is Scope.NONE:
        return dg.AssetDep(above.name)
    if {above.scope, node.scope} == _EVALS:
        return dg.AssetDep(above.name, partition_mapping=between_dataset_and_model)
    return dg.AssetDep(above.name, partition_mapping=dg.AllPartitionMapping())
