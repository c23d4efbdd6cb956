"""dataset_quality: what a dataset itself gets wrong, and what it can still tell apart."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from faultmap_assets.defs.why import queries as error_queries
from faultmap_assets.kit.asset_metadata import report_link
from faultmap_assets.kit.declared import declared_asset
from faultmap_assets.kit.markdown import Align, table
from faultmap_assets.kit.refresh import Made, Refresh
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse import metric_queries
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.data.metrics import Metric
from faultmap_core.error_analysis.quality.assessment import AnswerTable, DatasetQuality, QualitySettings, assess_dataset


@declared_asset()
def dataset_quality(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Made:
    """What the dataset itself gets wrong: suspect labels, duplicates, items and skills that tell no models apart."""
    refresh = Refresh.begin(context, warehouse, settings)
    dataset = str(refresh.partition.dataset)
    metrics = metric_queries.metrics_of(warehouse, dataset)
    judged = metric_queries.like_models(metrics)
    others = sorted(set(metrics) - set(judged))
    rows = error_queries.answers_of_dataset(warehouse, dataset)
    rows = rows.filter(pc.invert(pc.is_in(rows.column("model"), value_set=pa.array(others, pa.string()))))
    column = {name: rows.column(name).to_pylist() for name in rows.column_names if name not in ("failed", "score")}
    found = assess_dataset(
        AnswerTable(
            column["example_id"],
            column["model"],
            column["prompt"],
            column["output_text"],
            column["correct_answer"],
            np.asarray(rows.column("failed").to_numpy(), dtype=np.float64),
        ),
        QualitySettings(significance_level=settings.slices.significance_level, families=settings.model_families),
        no_error_found=[one for one in error_queries.judged_without_error(warehouse, dataset) if one[1] not in others],
        skills=error_queries.skills_of(column["example_id"], column["metadata"]),
    )
    measures = [*_measures(found), *_left_out(metrics, judged, others)]
    return refresh.write(
        {
            "dataset_quality": pa.Table.from_pylist([{"dataset": dataset, **vars(measure)} for measure in measures]),
            "dataset_quality_items": _item_table(dataset, found),
        },
        metadata={
            "examples": found.examples,
            "models": len(found.models),
            "flagged_items": len({item.example_id for item in found.items}),
            "figures": dg.MetadataValue.md(_markdown(measures)),
            "report": report_link(settings, "quality", dataset=dataset),
        },
    )


@dataclass(frozen=True)
class _Measure:
    measure: str
    value: float | None
    meaning: str


def _measures(found: DatasetQuality) -> Iterator[_Measure]:
    yield _Measure("examples", found.examples, f"{found.prompts:,} distinct prompts, {len(found.models)} models")
    if found.resolution:
        yield _Measure(
            "smallest_visible_difference",
            found.resolution.difference,
            f"of two models' success rates, found with {found.resolution.power:.0%} power at"
            f" {found.resolution.significance_level:g}",
        )
    yield _Measure("all_models_fail", found.all_fail, "examples that every model that answered failed")
    yield _Measure("all_models_pass", found.all_pass, "examples that every model that answered passed")
    yield _Measure("duplicate_share", found.duplicate_share, "share of examples that repeat another one's prompt")
    for flag, number in found.flags.items():
        if number and flag != "all_models_fail":
            yield _Measure(flag, number, "items that want a look")
    for skill in found.skills:
        if skill.state in ("saturated", "unsolved"):
            rate = skill.lowest_pass_rate if skill.state == "saturated" else skill.highest_pass_rate
            told = "every model passes nearly all of it" if skill.state == "saturated" else "every model fails it"
            yield _Measure(f"{skill.state}: {skill.skill}", rate, f"{told} ({skill.examples:,} examples)")


def _left_out(metrics: Mapping[str, Metric], judged: Sequence[str], others: Sequence[str]) -> Iterator[_Measure]:
    """Say which models are judged by another metric, so that their outcomes are no evidence about the same items."""
    if others:
        reason = next(filter(None, (metrics[one].unlike(metrics[others[0]]) for one in judged)), "")
        yield _Measure("models_left_out", len(others), f"judged by another metric: {', '.join(others)} ({reason})")


def _item_table(dataset: str, found: DatasetQuality) -> pa.Table:
    records: list[dict[str, Any]] = [
        {
            "dataset": dataset,
            "example_id": item.example_id,
            "flag": item.flag,
            "evidence": item.evidence,
            "models": json.dumps(item.models, ensure_ascii=False),
            "rank_score": item.score if np.isfinite(item.score) else None,
        }
        for item in found.items
    ]
    return pa.Table.from_pylist(records)


def _markdown(measures: list[_Measure]) -> str:
    rows = (
        [one.measure.replace("_", " "), "–" if one.value is None else f"{one.value:,.3g}", one.meaning]
        for one in measures
    )
    columns: dict[str, Align] = {"figure": "left", "value": "right", "meaning": "left"}
    return table(columns, rows, none="None.", more="faultmap quality")
