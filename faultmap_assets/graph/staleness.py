"""Find the partitions that are out of date, say why, and plan the runs that refresh them.

Staleness is a fact, not an event: every materialisation records what it was made from (`Inputs`), and a partition is
stale where that differs from the present. The functions here are pure; the audit, the status and the sensor all use
them. Conditions on events lose updates where branches of the graph join; a comparison cannot.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property

from faultmap_assets.graph.declarations import ASSET_GRAPH, NODES, AssetNode
from faultmap_assets.graph.fingerprints import SettingsFingerprints, digest_of
from faultmap_assets.graph.scopes import Partition, Scope, window_of
from faultmap_assets.settings import Settings


def _share_keys(first: Partition, second: Partition) -> bool:
    """Partitions belong together where no key that both have differs."""
    pairs = ((first.dataset, second.dataset), (first.model, second.model), (first.day, second.day))
    return all(a is None or b is None or a == b for a, b in pairs)


AssetPartition = tuple[str, Partition]


@dataclass(frozen=True)
class Inputs:
    """What a partition is made from: equal inputs give an equal result."""

    code_version: str
    settings: str
    upstream: Mapping[str, str]

    @property
    def digest(self) -> str:
        """32 hex digits that identify these inputs."""
        return digest_of([self.code_version, self.settings, sorted(self.upstream.items())])

    def to_json(self) -> str:
        """The form in which a materialisation records them."""
        return json.dumps(
            {"code_version": self.code_version, "settings": self.settings, "upstream": dict(self.upstream)},
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> Inputs:
        """Read what `to_json` wrote."""
        content = json.loads(text)
        return cls(content["code_version"], content["settings"], content["upstream"])


@dataclass(frozen=True)
class Materialization:
    """What is recorded of a partition's last materialisation.

    Attributes:
        blocked_by: the blocking check that failed on it, if one did; nothing below it is made then.
        pending: rows that a language model did not answer for. They make the partition stale, but what is below it
            does not wait for them.
        run_id: the run that made it.
        again: somebody asked for it to be made again, although nothing it is made from changed.
    """

    data_version: str
    inputs: Inputs
    blocked_by: str | None = None
    pending: int = 0
    run_id: str = ""
    again: bool = False


@dataclass(frozen=True)
class WarehouseState:
    """What exists now.

    Attributes:
        sources: dataset × model, or day -> digest of the rows that files deliver for it.
        materialized: what each partition was made from.
        quarantine: digest of the rows that were set aside, which the report tells.
    """

    sources: Mapping[Partition, str]
    materialized: Mapping[AssetPartition, Materialization] = field(default_factory=dict)
    quarantine: str = ""

    def partitions(self, scope: Scope) -> list[Partition]:
        """Return the partitions that exist for a scope, sorted."""
        return self._partitions[scope]

    @cached_property
    def _partitions(self) -> Mapping[Scope, list[Partition]]:
        pairs = sorted(source for source in self.sources if not source.day)
        return {
            Scope.DATASET_MODEL: pairs,
            Scope.DATASET: sorted({Partition(source.dataset) for source in pairs}),
            Scope.DAY: sorted(source for source in self.sources if source.day),
            Scope.NONE: [Partition()] if self.sources else [],
        }

    @cached_property
    def _pairs_of(self) -> Mapping[str | None, list[Partition]]:
        found: dict[str | None, list[Partition]] = {}
        for pair in self.partitions(Scope.DATASET_MODEL):
            found.setdefault(pair.dataset, []).append(pair)
        return found

    def upstream(self, node: AssetNode, partition: Partition, settings: Settings) -> Iterator[AssetPartition]:
        """Yield what one partition reads: for every upstream asset the partitions that share its keys.

        Of days, those of the node's window that have logs, oldest first.
        """
        for name in node.upstream:
            scope = NODES[name].scope
            if scope is node.scope is Scope.DAY:
                for day in window_of(partition.day or "", node.window_days(settings)):
                    if Partition(day=day) in self.sources:
                        yield name, Partition(day=day)
            elif scope is node.scope:
                yield name, partition
            elif scope is Scope.DATASET and node.scope is Scope.DATASET_MODEL:
                yield name, Partition(partition.dataset)
            elif scope is Scope.DATASET_MODEL and node.scope is Scope.DATASET:
                for pair in self._pairs_of.get(partition.dataset, []):
                    yield name, pair
            else:
                for candidate in self.partitions(scope):
                    if _share_keys(candidate, partition):
                        yield name, candidate

    def inputs(
        self,
        node: AssetNode,
        partition: Partition,
        settings: Settings,
        fingerprints: SettingsFingerprints | None = None,
    ) -> Inputs:
        """Return what a partition would be made from if it were made now.

        Args:
            fingerprints: those of `settings`, where many partitions are asked for.
        """
        versions: dict[str, list[list[str]]] = {name: [] for name in node.upstream}
        for name, upstream in self.upstream(node, partition, settings):
            record = self.materialized.get((name, upstream))
            versions[name].append([upstream.key, record.data_version if record else ""])
        upstream_digests = {name: digest_of(found) for name, found in versions.items()}
        if node.tells_quarantine:
            upstream_digests["quarantine"] = self.quarantine
        if not node.upstream:
            upstream_digests["files"] = self.sources.get(partition, "")
        recipe = (fingerprints or SettingsFingerprints(settings)).digest(node, partition)
        return Inputs(node.code_version, recipe, upstream_digests)


@dataclass(frozen=True)
class StalePartition:
    """A partition whose record differs from the present.

    Attributes:
        reason: why, in words.
        inputs: what it would be made from now.
        waits_for: partitions above it that are not settled yet; while there are any it cannot be made.
        pending_only: it is stale only because a language model did not answer for some rows.
        replaces: the run that made what is to be replaced, if any did.
    """

    asset: str
    partition: Partition
    reason: str
    inputs: Inputs
    waits_for: tuple[AssetPartition, ...] = ()
    pending_only: bool = False
    replaces: str = ""


def stale_partitions(
    state: WarehouseState,
    settings: Settings,
    in_progress: Set[AssetPartition] = frozenset(),
    within: Callable[[Partition], bool] = lambda partition: True,
) -> list[StalePartition]:
    """Return the stale partitions, each after everything that it waits for, then by key.

    A blocked partition holds back its own chain, and what is made of blocked ones alone; where others fan in beside
    it, the result is made without it.

    Args:
        in_progress: partitions that are being made at the moment; what is below them waits.
        within: false for partitions that are taken as they are, stale or not.
    """
    unsettled: set[AssetPartition] = set(in_progress)
    held: set[AssetPartition] = set()
    stale: list[StalePartition] = []
    fingerprints = SettingsFingerprints(settings)
    for node in ASSET_GRAPH:
        for partition in filter(within, state.partitions(node.scope)):
            upstream = list(state.upstream(node, partition, settings))
            free = {name for name, other in upstream if (name, other) not in held}
            waits_for = tuple(
                above
                for above in upstream
                # Its own day is no bystander: a window is not made without it.
                if above in unsettled and not (above in held and above[0] in free and above[1] != partition)
            )
            if any(above in held for above in waits_for):
                held.add((node.name, partition))
            inputs = state.inputs(node, partition, settings, fingerprints)
            record = state.materialized.get((node.name, partition))
            reason = _difference(record, inputs)
            pending = record.pending if record else 0
            if reason or pending:
                told = reason or f"{pending:,} rows wait for the language model"
                replaces = record.run_id if record else ""
                stale.append(StalePartition(node.name, partition, told, inputs, waits_for, not reason, replaces))
            if record and record.blocked_by:
                held.add((node.name, partition))
            if reason or waits_for or (node.name, partition) in held:
                unsettled.add((node.name, partition))
    return stale


@dataclass(frozen=True)
class PlannedRun:
    """Assets of one scope that one run can make for one partition, upstream first."""

    scope: Scope
    partition: Partition
    stale: tuple[StalePartition, ...]

    @property
    def assets(self) -> tuple[str, ...]:
        """The assets' names."""
        return tuple(item.asset for item in self.stale)

    @property
    def digest(self) -> str:
        """16 hex digits that identify what the run is to be made from, and in the place of what.

        Without the latter, a partition that goes from A to B and back to A could not be told from the first A. Where
        only answers of a language model are missing, every try replaces the one before and they are all the same.
        """
        return digest_of(
            [[item.asset, item.inputs.digest, "" if item.pending_only else item.replaces] for item in self.stale]
        )[:16]


def plan_runs(stale: Iterable[StalePartition], in_progress: Set[AssetPartition] = frozenset()) -> list[PlannedRun]:
    """Group what can be made now into runs: a partition's stale assets whose unsettled inputs the same run makes.

    What only lacks answers of a language model runs by itself: with others it would be asked for as often as they are.
    """
    groups: dict[tuple[Scope, Partition, bool], list[StalePartition]] = {}
    for item in stale:
        alone = item.pending_only and not item.waits_for
        group = groups.setdefault((NODES[item.asset].scope, item.partition, alone), [])
        made_here = {(other.asset, other.partition) for other in group}
        if (item.asset, item.partition) not in in_progress and made_here.issuperset(item.waits_for):
            group.append(item)
    order = list(Scope)
    keys = sorted((key for key, group in groups.items() if group), key=lambda key: (order.index(key[0]), *key[1:]))
    return [PlannedRun(scope, partition, tuple(groups[scope, partition, alone])) for scope, partition, alone in keys]


def _difference(record: Materialization | None, present: Inputs) -> str | None:
    if record is None:
        return "never made"
    if record.again:
        return "asked for again"
    recorded = record.inputs
    if recorded == present:
        return None
    reasons = []
    if recorded.code_version != present.code_version:
        reasons.append(f"its code changed (version {recorded.code_version} to {present.code_version})")
    if recorded.settings != present.settings:
        reasons.append("its settings changed")
    names = sorted(set(recorded.upstream) | set(present.upstream))
    reasons += [f"{name} changed" for name in names if recorded.upstream.get(name) != present.upstream.get(name)]
    return ", ".join(reasons)
