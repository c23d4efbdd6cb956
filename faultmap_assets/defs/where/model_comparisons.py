"""model_comparisons: which model wins on a dataset, and in which slices that changes."""

import math
from collections.abc import Container, Mapping, Sequence
from itertools import islice

import dagster as dg
import pyarrow as pa

from faultmap_assets.defs.evals import queries
from faultmap_assets.graph.declarations import declared_tables
from faultmap_assets.kit import checks
from faultmap_assets.kit import figures as pictures
from faultmap_assets.kit.asset_metadata import report_link
from faultmap_assets.kit.declared import declared_asset
from faultmap_assets.kit.markdown import Align, cell, table
from faultmap_assets.kit.namer import WarehouseNamer
from faultmap_assets.kit.refresh import Made, Refresh
from faultmap_assets.kit.rows import rows_of
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse import metric_queries
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.discovery.comparison.comparison import compare_models
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


@declared_asset()
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
        found = compare_models(
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
    return rows_of(
        "model_comparisons",
        pairs,
        {"dataset": dataset},
        compared="compared_rows",
        prompts="units",
        winner=lambda _, pair: _winner(pair, pair.global_winner),
        advantage_rate="global_advantage_rate",
        discordant_a_wins="global_discordant_a_wins",
        discordant_b_wins="global_discordant_b_wins",
        p_value="global_p_value",
        adjusted_p_value="global_adjusted_p_value",
        test_used="global_test_used",
        slices=lambda _, pair: len(pair.slices),
    )


def _slice_table(dataset: str, found: ManyComparisons) -> pa.Table:
    rates = {(one.model_a, one.model_b, one.slice_id): one.failure_rates for one in found.standings}
    return pa.concat_tables(
        [
            declared_tables()["model_comparison_slices"].schema.empty_table(),
            *(_slices_of(dataset, pair, rates) for pair in found.pairs),
        ]
    )


def _slices_of(
    dataset: str, pair: ComparisonResult, rates: Mapping[tuple[str, str, str], Mapping[str, float | None]]
) -> pa.Table:
    return rows_of(
        "model_comparison_slices",
        pair.slices,
        {"dataset": dataset, "model_a": pair.model_a, "model_b": pair.model_b},
        prompts="units",
        winner=lambda _, one: _winner(pair, one.winner),
        failure_rates=lambda _, one: rates[pair.model_a, pair.model_b, one.slice_id],
    )


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
