"""Estimate the language model calls of the next audit and their maximum cost, without making any call.

Entropy samples and judgments are counted request by request, with what the cache has already; the taxonomy and the
names are upper bounds, because what they are asked depends on answers that are not there yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from faultmap_assets.defs.why import queries as error_queries
from faultmap_assets.graph.scopes import Partition
from faultmap_assets.graph.staleness import StalePartition, stale_partitions
from faultmap_assets.kit.language_model import open_language_model, open_model_under_test
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse import metric_queries
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_assets.warehouse.materializations import read_state
from faultmap_core.error_analysis.judging.pipeline import ModelJudge, plan_judging
from faultmap_core.error_analysis.taxonomy.taxonomy import TaxonomySettings, estimate_calls
from faultmap_core.llm import CallStore, Estimate, LanguageModel, Message, Request
from faultmap_core.llm.provider import CHARACTERS_PER_TOKEN
from faultmap_core.scoring.entropy import sampling_requests

_NAMING_ASSETS = ("failure_slices", "model_comparisons", "coverage_gaps")
_PROMPT_TOKENS = {"failure_slices": 8_000, "model_comparisons": 8_000, "coverage_gaps": 5_000, "error_taxonomy": 6_000}
_MOST_REGIONS, _REGIONS_PER_CALL = 24, 8


@dataclass(frozen=True)
class AssetEstimate:
    """What one asset would ask of one model, for how many partitions; most_cost is None where the price is unknown."""

    asset: str
    model: str
    partitions: int
    calls: int
    cached: int
    prompt_tokens: int
    most_completion_tokens: int
    most_cost: float | None


@dataclass(frozen=True)
class AuditEstimate:
    """The whole of it; notes: one line each."""

    rows: tuple[AssetEstimate, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"assets": [asdict(row) for row in self.rows], "notes": list(self.notes)}


def estimate_next_audit(settings: Settings, warehouse: Warehouse) -> AuditEstimate:
    """Return what `faultmap audit` would ask now."""
    with warehouse.read() as connection:
        stale = stale_partitions(read_state(connection), settings)
    store = CallStore(settings.call_store_path)
    model = open_language_model(settings, store)
    rows = list(_sampling(settings, warehouse, stale, store))
    notes = []
    if model is None:
        notes.append("No language model is set (language_model.model): names are keywords, errors are judged by rules.")
    else:
        if settings.judged_by_model:
            rows += _judging(settings, warehouse, stale, model)
            rows += _taxonomy(settings, warehouse, stale, model)
        if settings.language_model.names:
            rows += _naming(warehouse, stale, model)
        missing = model.available()
        if missing:
            notes.append(missing)
    if any(item.asset == "scores" for item in stale):
        notes.append(
            "Some scores are not made yet, so what is to be judged there is unknown: `faultmap audit --without-model"
            " PATH` makes them without a call, then ask again."
        )
    if not settings.language_model.budget.cost_usd and rows:
        notes.append("No budget is set (language_model.budget.cost_usd): all of it would be asked.")
    return AuditEstimate(tuple(rows), tuple(notes))


def _row(asset: str, model: LanguageModel, partitions: int, found: Estimate) -> AssetEstimate:
    return AssetEstimate(
        asset,
        model.id,
        partitions,
        found.calls,
        found.cached,
        found.prompt_tokens,
        found.most_completion_tokens,
        found.most_cost,
    )


def _sum(parts: list[Estimate]) -> Estimate:
    costs = [part.most_cost for part in parts]
    return Estimate(
        sum(part.calls for part in parts),
        sum(part.cached for part in parts),
        sum(part.prompt_tokens for part in parts),
        sum(part.most_completion_tokens for part in parts),
        None if None in costs else sum(cost for cost in costs if cost is not None),
    )


def _sampling(
    settings: Settings, warehouse: Warehouse, stale: list[StalePartition], store: CallStore
) -> Iterator[AssetEstimate]:
    """Samples of the models under test, where scores are made by entropy."""
    for item in stale:
        rules = settings.dataset(item.partition.dataset or "")
        if item.asset != "scores" or rules.score_mode != "entropy":
            continue
        prompts = warehouse.query(
            """SELECT DISTINCT input_text FROM raw_evals WHERE dataset = $dataset AND model = $model
            ORDER BY input_text""",
            item.partition.columns,
        )
        requests = sampling_requests(
            prompts.column("input_text").to_pylist(),
            n_samples=settings.entropy.n_samples,
            temperature=settings.entropy.temperature,
            seed=settings.seed,
        )
        model = open_model_under_test(settings, str(item.partition.model), store)
        yield _row("scores", model, 1, model.estimate(requests))


def _judging(
    settings: Settings, warehouse: Warehouse, stale: list[StalePartition], model: LanguageModel
) -> Iterator[AssetEstimate]:
    judge = ModelJudge(model)
    parts = []
    for item in stale:
        if item.asset != "error_judgments":
            continue
        higher = metric_queries.higher_is_better(warehouse, str(item.partition.dataset))
        plan = plan_judging(
            error_queries.failed_examples(warehouse, item.partition, higher_is_better=higher),
            judge,
            previous=error_queries.previous_judgments(warehouse, item.partition),
            ratio=settings.judging.ratio,
            seed=settings.seed,
            salt=item.partition.key,
        )
        answers = error_queries.RightAnswers(
            warehouse,
            item.partition,
            higher_is_better=higher,
            number=settings.judging.contrast_answers,
            seed=settings.seed,
        )
        parts.append(judge.estimate(plan.to_judge, [answers(one.example_id) for one in plan.to_judge]))
    if parts:
        yield _row("error_judgments", model, len(parts), _sum(parts))


def _taxonomy(
    settings: Settings, warehouse: Warehouse, stale: list[StalePartition], model: LanguageModel
) -> Iterator[AssetEstimate]:
    if any(item.asset == "error_taxonomy" for item in stale):
        core = TaxonomySettings(**settings.taxonomy.model_dump(exclude={"seed_file"}), seed=settings.seed)
        errors = sum(
            len(error_queries.failed_examples(warehouse, partition, higher_is_better=True))
            for partition in _partitions(warehouse)
        )
        calls = estimate_calls(math.ceil(errors * settings.judging.ratio), core)
        yield _bound("error_taxonomy", model, 1, calls)


def _naming(warehouse: Warehouse, stale: list[StalePartition], model: LanguageModel) -> Iterator[AssetEstimate]:
    for asset in _NAMING_ASSETS:
        partitions = sum(item.asset == asset for item in stale)
        if partitions:
            yield _bound(asset, model, partitions, partitions * math.ceil(_MOST_REGIONS / _REGIONS_PER_CALL))


def _bound(asset: str, model: LanguageModel, partitions: int, calls: int) -> AssetEstimate:
    """An upper bound from the number of calls, each as long as such calls are at most."""
    length = _PROMPT_TOKENS[asset] * CHARACTERS_PER_TOKEN
    requests = [Request[str](str(call), (Message("user", f"{call}".ljust(length)),)) for call in range(calls)]
    return _row(asset, model, partitions, model.estimate(requests))


def _partitions(warehouse: Warehouse) -> list[Partition]:
    rows = warehouse.query("SELECT DISTINCT dataset, model FROM scores ORDER BY ALL").to_pylist()
    return [Partition(row["dataset"], row["model"]) for row in rows]
