"""Which partitions are out of date, why, and in which order are they to be made?

Staleness is a fact, not an event: every materialisation records what it was made from (`Inputs`), and a partition is
stale where that differs from the present. The functions here are pure; the audit, the status and the sensor all use
them. Conditions on events lose updates where branches of the graph join; a comparison cannot.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from functools import cached_property
from typing import Any

from faultmap_assets.settings import Settings
from faultmap_core.llm import PromptLibrary
from faultmap_core.taxonomy import TAXONOMY_TEMPLATES


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


@dataclass(frozen=True)
class AssetNode:
    """One asset of the graph, as far as staleness is concerned.

    Attributes:
        upstream: the assets it reads.
        code_version: changes when its result would change for other reasons than its inputs.
        settings: the part of the settings that its result depends on, as JSON values. It may ask for what the settings
            say of the partition's dataset or model, and for nothing else of the partition (see `Recipes`).
        tells_quarantine: it also tells which rows were set aside.
        window: of upstream days, how many it reads: its own and those before it.
    """

    name: str
    scope: Scope
    upstream: tuple[str, ...]
    code_version: str
    settings: Callable[[Settings, Partition], Any]
    tells_quarantine: bool = False
    window: Callable[[Settings], int] = lambda settings: 1


def window_of(day: str, days: int) -> list[str]:
    """Return the last `days` days up to and with `day`, oldest first, all as YYYY-MM-DD."""
    last = date.fromisoformat(day)
    return [(last - timedelta(days=back)).isoformat() for back in range(days - 1, -1, -1)]


def _share_keys(first: Partition, second: Partition) -> bool:
    """Partitions belong together where no key that both have differs."""
    pairs = ((first.dataset, second.dataset), (first.model, second.model), (first.day, second.day))
    return all(a is None or b is None or a == b for a, b in pairs)


def _no_settings(settings: Settings, partition: Partition) -> None:
    return None


def _language(settings: Settings, *templates: str) -> Any:
    """What of the language model a result that is made with these prompt templates depends on."""
    language_model = settings.language_model
    if language_model.model is None:
        return None
    return [language_model.identity, PromptLibrary(language_model.prompts_folder).version(*templates)]


def _naming(settings: Settings) -> Any:
    return _language(settings, "name_regions") if settings.language_model.names else None


def _scoring(settings: Settings, partition: Partition) -> Any:
    rules = settings.dataset(partition.dataset or "")
    if rules.score_mode == "given":
        return rules.model_dump()
    under_test = settings.entropy.model_dump(exclude={"models"}) if rules.score_mode == "entropy" else None
    sampled = settings.entropy.models.get(partition.model or "") if rules.score_mode == "entropy" else None
    return [
        rules.model_dump(),
        settings.embedding.model_dump(),
        under_test,
        sampled.model_dump(exclude={"price"}) if sampled else None,
        settings.seed,
    ]


def _judging(settings: Settings, partition: Partition) -> Any:
    language = _language(settings, "judge") if settings.judged_by_model else None
    return [settings.judging.model_dump(exclude={"judge"}), language, settings.seed]


def _taxonomy(settings: Settings, partition: Partition) -> Any:
    return taxonomy_recipe(settings)


def taxonomy_recipe(settings: Settings) -> list[Any]:
    """Return what an error taxonomy is built with; another recipe wants another taxonomy."""
    seed_file = settings.taxonomy.seed_file
    language = _language(settings, *TAXONOMY_TEMPLATES) if settings.judged_by_model else None
    return [
        settings.taxonomy.model_dump(exclude={"seed_file", "rebuild_above"}),
        seed_file.read_text(encoding="utf-8") if seed_file and seed_file.is_file() else None,
        # Vectors are looked at where neither the rules nor a model place an error.
        settings.embedding.model_dump() if seed_file and not settings.judged_by_model else None,
        language,
        settings.seed,
    ]


ASSET_GRAPH: tuple[AssetNode, ...] = (
    AssetNode("raw_evals", Scope.DATASET_MODEL, (), "3", lambda s, p: s.evals.max_quarantine_share),
    AssetNode("scores", Scope.DATASET_MODEL, ("raw_evals",), "3", _scoring),
    AssetNode("prompt_embeddings", Scope.DATASET, ("raw_evals",), "1", lambda s, p: s.embedding.model_dump()),
    AssetNode(
        "prompt_clusters",
        Scope.DATASET,
        ("prompt_embeddings",),
        "2",
        lambda s, p: [s.clusters.model_dump(), s.seed],
    ),
    AssetNode(
        "failure_slices",
        Scope.DATASET_MODEL,
        ("raw_evals", "scores", "prompt_clusters"),
        "6",
        lambda s, p: [s.slices.model_dump(), _naming(s), s.seed],
    ),
    AssetNode(
        "model_comparisons",
        Scope.DATASET,
        ("raw_evals", "scores", "prompt_clusters"),
        "4",
        lambda s, p: [
            s.slices.model_dump(),
            s.comparisons.model_dump(),
            _naming(s),
            s.seed,
        ],
    ),
    AssetNode("error_judgments", Scope.DATASET_MODEL, ("raw_evals", "scores"), "2", _judging),
    AssetNode(
        "dataset_quality",
        Scope.DATASET,
        ("raw_evals", "scores", "error_judgments"),
        "3",
        lambda s, p: [s.slices.significance_level, s.model_families],
    ),
    AssetNode("error_taxonomy", Scope.NONE, ("error_judgments",), "1", _taxonomy),
    AssetNode(
        "error_signatures",
        Scope.NONE,
        ("scores", "failure_slices", "error_judgments", "error_taxonomy"),
        "2",
        lambda s, p: s.slices.significance_level,
    ),
    AssetNode("production_logs", Scope.DAY, (), "2", _no_settings),
    AssetNode(
        "coverage_gaps",
        Scope.DAY,
        ("production_logs", "prompt_embeddings"),
        "4",
        lambda s, p: [
            s.coverage.model_dump(),
            s.embedding.model_dump(),
            s.slices.significance_level,
            s.clusters.method,
            _naming(s),
        ],
    ),
    AssetNode(
        "production_slices",
        Scope.DAY,
        ("production_logs",),
        "6",
        lambda s, p: [
            s.production.model_dump(include={"window_days", "feedback", "most_prompts"}),
            s.slices.model_dump(),
            s.embedding.model_dump(),
            s.clusters.method,
            _naming(s),
            s.seed,
        ],
        window=lambda s: s.production.window_days,
    ),
    AssetNode(
        "topic_drift",
        Scope.DAY,
        ("production_logs",),
        "4",
        lambda s, p: [
            s.production.model_dump(include={"window_days", "most_prompts", "min_topic_size"}),
            s.slices.significance_level,
            s.embedding.model_dump(),
            s.clusters.method,
            _naming(s),
            s.seed,
        ],
        # This window and the one before it.
        window=lambda s: 2 * s.production.window_days,
    ),
    AssetNode(
        "finding_history",
        Scope.NONE,
        (
            "raw_evals",
            "scores",
            "failure_slices",
            "model_comparisons",
            "error_judgments",
            "error_taxonomy",
            "production_logs",
            "coverage_gaps",
            "production_slices",
        ),
        "2",
        lambda s, p: [
            s.alerts.model_dump(exclude={"webhook_url_variable", "gate"}),
            s.production.model_dump(include={"time_zone", "window_days", "feedback"}),
        ],
        tells_quarantine=True,
    ),
    AssetNode(
        "audit_report",
        Scope.NONE,
        (
            "scores",
            "prompt_clusters",
            "failure_slices",
            "model_comparisons",
            "dataset_quality",
            "error_taxonomy",
            "error_signatures",
            "coverage_gaps",
            "production_slices",
            "topic_drift",
            "finding_history",
        ),
        "4",
        lambda s, p: s.privacy.report_texts,
        tells_quarantine=True,
    ),
)
"""Every asset after those that it reads."""

NODES: Mapping[str, AssetNode] = {node.name: node for node in ASSET_GRAPH}

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
        return _digest([self.code_version, self.settings, sorted(self.upstream.items())])

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


class Recipes:
    """The digests of what each node takes from the settings, each computed once: it reads prompt templates."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._digests: dict[tuple[str, str | None, str | None], str] = {}

    def digest(self, node: AssetNode, partition: Partition) -> str:
        """Return 32 hex digits that change with the part of the settings that one partition depends on."""
        # What the settings do not name is under the defaults, like all others that they do not name.
        dataset = partition.dataset if partition.dataset in self._settings.datasets else None
        model = partition.model if partition.model in self._settings.entropy.models else None
        key = (node.name, dataset, model)
        if key not in self._digests:
            self._digests[key] = _digest(node.settings(self._settings, partition))
        return self._digests[key]


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
                for day in window_of(partition.day or "", node.window(settings)):
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
        self, node: AssetNode, partition: Partition, settings: Settings, recipes: Recipes | None = None
    ) -> Inputs:
        """Return what a partition would be made from if it were made now.

        Args:
            recipes: those of `settings`, where many partitions are asked for.
        """
        versions: dict[str, list[list[str]]] = {name: [] for name in node.upstream}
        for name, upstream in self.upstream(node, partition, settings):
            record = self.materialized.get((name, upstream))
            versions[name].append([upstream.key, record.data_version if record else ""])
        upstream_digests = {name: _digest(found) for name, found in versions.items()}
        if node.tells_quarantine:
            upstream_digests["quarantine"] = self.quarantine
        if not node.upstream:
            upstream_digests["files"] = self.sources.get(partition, "")
        recipe = (recipes or Recipes(settings)).digest(node, partition)
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
    recipes = Recipes(settings)
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
            inputs = state.inputs(node, partition, settings, recipes)
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
        return _digest(
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


def _digest(content: Any) -> str:
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()
