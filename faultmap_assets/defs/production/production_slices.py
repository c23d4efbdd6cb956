"""production_slices: where production's own feedback is worse than elsewhere, over a window of days."""

from collections.abc import Sequence

import dagster as dg
import numpy as np
import pyarrow as pa

from faultmap_assets.defs.evals import queries
from faultmap_assets.defs.production import queries as production_queries
from faultmap_assets.defs.production.queries import FeedbackRows, Window
from faultmap_assets.defs.where.failure_slices import slice_summary, slice_table
from faultmap_assets.kit import checks
from faultmap_assets.kit.asset_metadata import report_link
from faultmap_assets.kit.declared import declared_asset
from faultmap_assets.kit.namer import WarehouseNamer
from faultmap_assets.kit.refresh import Made, Refresh
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_assets.warehouse.vectors import embed_new, vectors_of
from faultmap_core.data.feedback import FeedbackRule
from faultmap_core.data.prompts import unique_prompts
from faultmap_core.discovery.slices.discovery import EvalRows, SliceAnalysis, SliceSettings, find_failure_slices
from faultmap_core.embedding import Embedder
from faultmap_core.naming.prompt_sources import shared_values
from faultmap_core.regions.tree import build_tree


@declared_asset()
def production_slices(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    embedder: dg.ResourceParam[Embedder],
    namer: dg.ResourceParam[WarehouseNamer],
) -> Made:
    """Regions of a window's prompts (the day and those before it) that users or error flags call failed more often."""
    refresh = Refresh.begin(context, warehouse, settings)
    window = Window.ending(str(refresh.partition.day), settings.production.window_days)
    rules = [feedback.rule() for feedback in settings.production.feedback]
    told = production_queries.feedback_rows(warehouse, window, rules, settings.production.most_prompts, settings.seed)
    prompts = unique_prompts(told.taken.texts("text"), told.taken.texts("model"))
    new = embed_new(warehouse, embedder, prompts.texts)
    vectors = vectors_of(warehouse, embedder, prompts.texts, new)
    rows = _eval_rows(told, rules, [prompts.texts[unit] for unit in prompts.unit], prompts.unit)
    analysis = find_failure_slices(
        rows,
        build_tree(vectors, method=settings.clusters.method),
        vectors,
        SliceSettings(**settings.slices.model_dump(), seed=settings.seed),
        namer.of(refresh.purpose),
    )
    summary = _summary(window, told, analysis)
    return refresh.write(
        {
            "production_slices": slice_table("production_slices", refresh.partition, analysis.slices),
            "production_slice_members": _member_table(window.last, told, analysis),
            "production_slice_summaries": pa.Table.from_pylist([summary]),
        },
        vectors=new,
        metadata={
            **{name: summary[name] for name in ("first_day", "rows", "with_feedback", "failures")},
            **({"failure_rate": summary["failure_rate"]} if told.with_feedback else {}),
            "candidates_tested": analysis.tested,
            "slices_found": len(analysis.slices),
            "embedded_now": new.num_rows,
            "slices": dg.MetadataValue.md(slice_summary(analysis.slices, "faultmap coverage")),
            "report": report_link(settings, "coverage"),
            **({"note": summary["note"]} if summary["note"] else {}),
        },
        checks=[
            checks.feedback_understood(told.with_feedback, told.unknown),
            checks.named("production_slices", [one.naming_note for one in analysis.slices]),
        ],
        pending=namer.pending(analysis.slices),
        calls=namer.calls,
    )


def _eval_rows(told: FeedbackRows, rules: list[FeedbackRule], prompts: list[str], unit: np.ndarray) -> EvalRows:
    taken = told.taken
    groups = taken.groups
    metadata = queries.metadata_columns(taken.texts("metadata"))
    # Values name slices, so one that only one person or session has is none.
    columns: dict[str, Sequence[str | None]] = {
        **production_queries.outcome_free(metadata, rules),
        "source": taken.texts("source"),
        "model": taken.texts("model"),
    }
    scores = taken.rows.column("score").cast(pa.float64()).to_numpy()
    return EvalRows(
        example_ids=[f"{day} {log}" for day, log in zip(taken.texts("day"), taken.texts("log_id"), strict=True)],
        prompts=prompts,
        responses=taken.texts("response_text"),
        references=[None] * len(prompts),
        scores=np.asarray(scores, dtype=np.float64),
        failed=told.failed,
        unit=unit,
        metadata={name: shared_values(values, groups) for name, values in columns.items()},
        groups=groups,
        sources=groups,
    )


def _member_table(day: str, told: FeedbackRows, analysis: SliceAnalysis) -> pa.Table:
    keys = told.taken.rows.select(["day", "source", "model", "log_id"]).rename_columns(
        ["log_day", "source", "model", "log_id"]
    )
    parts = [
        keys.take(pa.array(found.sample_indices, pa.int64()))
        .append_column("slice_id", pa.array([found.slice_id] * found.size, pa.string()))
        .append_column("day", pa.array([day] * found.size, pa.string()))
        for found in analysis.slices
    ]
    return pa.concat_tables(parts) if parts else pa.table({})


def _summary(window: Window, told: FeedbackRows, analysis: SliceAnalysis) -> dict[str, object]:
    note = analysis.note
    if not told.with_feedback:
        note = (
            f"None of the {told.logged:,} rows of this window says how the answer went, so where answers are worse"
            " cannot be told. Where a column does (thumbs, a rating, an error flag), name it in production.feedback."
        )
    elif told.taken.sampled is not None:
        note = f"{told.taken.sampled:,} of {told.with_feedback:,} rows with feedback were looked at. {note}".strip()
    return {
        "day": window.last,
        "first_day": window.first,
        "days": told.taken.days,
        "rows": told.logged,
        "sampled": told.taken.sampled,
        "with_feedback": told.with_feedback,
        "not_understood": sum(sum(values.values()) for values in told.unknown.values()),
        "failures": told.failures,
        "failure_rate": told.failures / told.with_feedback if told.with_feedback else None,
        "prompts": analysis.units,
        "tested": analysis.tested,
        "note": note,
    }
