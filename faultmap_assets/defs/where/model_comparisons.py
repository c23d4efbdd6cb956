"""model_comparisons: which model wins on a dataset, and in which slices that changes."""

import json
import math
from collections.abc import Container, Sequence
from itertools import islice

import dagster as dg
import pyarrow as pa

from faultmap_assets.defs.evals import queries
from faultmap_assets.graph.partitions import by_dataset, datasets
from faultmap_assets.graph.staleness import NODES
from faultmap_assets.kit import checks
from faultmap_assets.kit import figures as pictures
from faultmap_assets.kit.asset_metadata import report_link
from faultmap_assets.kit.markdown import Align, cell, table
from faultmap_assets.kit.namer import WarehouseNamer
from faultmap_assets.kit.refresh import Made, Refresh
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse import metric_queries
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.records import strict
from faultmap_core.discovery.comparison.comparison import compare_all
from faultmap_core.discovery.comparison.paired_rows import ComparisonSettings
from faultmap_core.discovery.comparison.results import ComparisonResult, ManyComparisons, pairing_sentence

_LEAST_MODELS = 2
_SENTENCES_SHOWN = 20

# Counted in the warehouse, not by the core that is checked.
_SHARED_PAIRS = """
WITH judged AS (
    SELECT model, example_id, prompt_id FROM scores JOIN example_prompts USING (dataset, model, example_id)
    WHERE dataset = $dataset AND failed IS NOT NULL
)
SELECT DISTINCT a.model AS model_a, b.model AS model_b
FROM judged a JOIN judged b USING (example_id, prompt_id) WHERE a.model < b.model
"""


@dg.asset(
    partitions_def=datasets,
    deps=[
        dg.AssetDep("raw_evals", partition_mapping=by_dataset),
        dg.AssetDep("scores", partition_mapping=by_dataset),
        "prompt_clusters",
    ],
    group_name="where",
    kinds={"duckdb", "scipy"},
    code_version=NODES["model_comparisons"].code_version,
    check_specs=[*checks.MODEL_COMPARISONS_CHECKS, checks.named_spec("model_comparisons")],
)
def model_comparisons(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    namer: dg.ResourceParam[WarehouseNamer],
) -> Made:
    """Every pair of models on one dataset: the winner over all, and the slices where that changes."""
    refresh = Refresh.begin(context, warehouse, settings)
    dataset = str(refresh.partition.dataset)
    prompts = queries.prompt_vectors(warehouse, dataset)
    tree = queries.cluster_tree(warehouse, dataset, prompts.prompt_ids)
    examples, answers = queries.common_examples(warehouse, dataset, prompts.prompt_ids)
    apart = metric_queries.unlike_pairs(metric_queries.metrics_of(warehouse, dataset))
    found = ManyComparisons(tuple(answers), (), ())
    if len(answers) >= _LEAST_MODELS:
        found = compare_all(
            examples,
            answers,
            tree,
            prompts.vectors,
            _core_settings(settings, higher_is_better=metric_queries.higher_is_better(warehouse, dataset)),
            namer.of(refresh.purpose),
            apart=apart,
        )
    slices = [one for pair in found.pairs for one in pair.slices]
    return refresh.write(
        {
            "model_comparisons": _pair_table(dataset, found.pairs),
            "model_comparison_slices": _slice_table(dataset, found),
        },
        metadata={
            "models": len(answers),
            "pairs_decided": sum(pair.global_winner in ("a", "b") for pair in found.pairs),
            "slices_found": len(slices),
            "pairs": dg.MetadataValue.md(_markdown_pairs(found.pairs)),
            "who_wins_where": dg.MetadataValue.md(_markdown_standings(found)),
            "advantages": dg.MetadataValue.md(_picture(found.pairs)),
            "report": report_link(settings, "comparison", dataset=dataset),
        },
        checks=[
            checks.all_pairs(
                shared=_shared_pairs(warehouse, dataset, apart),
                compared=sum(pair.compared_rows > 0 for pair in found.pairs),
                pairs=math.comb(len(answers), 2),
            ),
            checks.named("model_comparisons", [one.naming_note for one in slices]),
        ],
        pending=namer.pending(slices),
        calls=namer.calls,
    )


def _shared_pairs(warehouse: Warehouse, dataset: str, apart: Container[tuple[str, str]]) -> int:
    """Count the pairs of models that share scored examples and are judged by the same metric."""
    rows = warehouse.query(_SHARED_PAIRS, {"dataset": dataset}).to_pylist()
    return sum((row["model_a"], row["model_b"]) not in apart for row in rows)


def _core_settings(settings: Settings, *, higher_is_better: bool) -> ComparisonSettings:
    return ComparisonSettings(
        **settings.slices.model_dump(exclude={"metadata"}),
        **settings.comparisons.model_dump(),
        higher_is_better=higher_is_better,
        seed=settings.seed,
    )


def _pair_table(dataset: str, pairs: Sequence[ComparisonResult]) -> pa.Table:
    records = [
        {
            "dataset": dataset,
            "model_a": pair.model_a,
            "model_b": pair.model_b,
            "compared": pair.compared_rows,
            "prompts": pair.units,
            "failure_rate_a": pair.failure_rate_a,
            "failure_rate_b": pair.failure_rate_b,
            "winner": _winner(pair, pair.global_winner),
            "advantage_rate": pair.global_advantage_rate,
            "discordant_a_wins": pair.global_discordant_a_wins,
            "discordant_b_wins": pair.global_discordant_b_wins,
            "p_value": pair.global_p_value,
            "adjusted_p_value": pair.global_adjusted_p_value,
            "test_used": pair.global_test_used,
            "difference": pair.difference,
            "difference_low": pair.difference_low,
            "difference_high": pair.difference_high,
            "slices": len(pair.slices),
            "note": pair.note,
            "other_prompts": pair.other_prompts,
        }
        for pair in pairs
    ]
    return pa.Table.from_pylist(records)


def _slice_table(dataset: str, found: ManyComparisons) -> pa.Table:
    rates = {(one.model_a, one.model_b, one.slice_id): one.failure_rates for one in found.standings}
    records = [
        {
            "dataset": dataset,
            "model_a": pair.model_a,
            "model_b": pair.model_b,
            "slice_id": one.slice_id,
            "rank": rank,
            "name": one.name,
            "description": one.description,
            "size": one.size,
            "prompts": one.units,
            "failure_rate_a": one.failure_rate_a,
            "failure_rate_b": one.failure_rate_b,
            "winner": _winner(pair, one.winner),
            "advantage_rate": one.advantage_rate,
            "rest_advantage_rate": one.rest_advantage_rate,
            "excess_wins_a": one.excess_wins_a,
            "discordant_a_wins": one.discordant_a_wins,
            "discordant_b_wins": one.discordant_b_wins,
            "concordant_pass": one.concordant_pass,
            "concordant_fail": one.concordant_fail,
            "p_value": one.p_value,
            "adjusted_p_value": one.adjusted_p_value,
            "test_used": one.test_used,
            "selection_p_value": one.selection_p_value,
            "selection_adjusted_p_value": one.selection_adjusted_p_value,
            "difference": one.difference,
            "difference_low": one.difference_low,
            "difference_high": one.difference_high,
            "named_by": one.named_by,
            "root_cause": one.root_cause,
            "suggested_remediation": one.suggested_remediation,
            "cited_examples": json.dumps(one.cited_examples, ensure_ascii=False),
            "naming_note": one.naming_note,
            "failure_rates": json.dumps(strict(rates[pair.model_a, pair.model_b, one.slice_id]), ensure_ascii=False),
            "examples": json.dumps(strict(one.examples), ensure_ascii=False),
        }
        for pair in found.pairs
        for rank, one in enumerate(pair.slices, start=1)
    ]
    return pa.Table.from_pylist(records)


def _winner(pair: ComparisonResult, winner: str) -> str:
    """The winner by its model's name; `tie` and `unresolved` stay."""
    return {"a": pair.model_a, "b": pair.model_b}.get(winner, winner)


def _markdown_pairs(pairs: Sequence[ComparisonResult]) -> str:
    columns: dict[str, Align] = {
        "A": "left", "B": "left", "pairs": "right", "what is claimed": "left", "adjusted p": "right", "slices": "right",
    }  # fmt: skip
    rows = (
        [
            pair.model_a,
            pair.model_b,
            f"{pair.compared_rows:,}",
            pair.claim.told,
            f"{pair.global_adjusted_p_value:.2g}",
            str(len(pair.slices)),
        ]
        for pair in pairs
        if pair.compared_rows
    )
    none = "No two models have an outcome on the same prompt." if pairs else "One model alone: nothing to compare."
    told = table(columns, rows, none=none, more="faultmap compare")
    apart = (
        f"\n\n{cell(pair.model_a)} and {cell(pair.model_b)}: {sentence}"
        for pair in pairs
        if (sentence := pairing_sentence(pair.compared_rows, pair.other_prompts))
    )
    return told + "".join(islice(apart, _SENTENCES_SHOWN))


def _markdown_standings(found: ManyComparisons) -> str:
    columns: dict[str, Align] = {"slice": "left", "examples": "right", **{cell(one): "right" for one in found.models}}
    rows = (
        [one.name, str(one.size), *(_rate(one.failure_rates.get(model)) for model in found.models)]
        for one in found.standings
    )
    return table(columns, rows, none="No region in which the winner differs from elsewhere.", more="faultmap compare")


def _picture(pairs: Sequence[ComparisonResult]) -> str:
    compared = [pair for pair in pairs if pair.compared_rows]
    return pictures.interval_chart(
        [f"{pair.model_a} – {pair.model_b}" for pair in compared],
        [(pair.difference, pair.difference_low, pair.difference_high) for pair in compared],
        "advantage of the first in success rates",
    )


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.0%} failed"
