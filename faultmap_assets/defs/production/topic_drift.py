"""topic_drift: what production asks now that it did not ask before, and what it no longer asks."""

import dagster as dg
import pyarrow as pa

from faultmap_assets.defs.production import queries as production_queries
from faultmap_assets.defs.production.queries import Window, WindowRows
from faultmap_assets.kit import checks
from faultmap_assets.kit.asset_metadata import report_link
from faultmap_assets.kit.declared import declared_asset
from faultmap_assets.kit.markdown import Align, table
from faultmap_assets.kit.namer import WarehouseNamer
from faultmap_assets.kit.refresh import Made, Refresh
from faultmap_assets.kit.rows import rows_of
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_assets.warehouse.vectors import embed_new, vectors_of
from faultmap_core.data.prompts import unique_prompts
from faultmap_core.discovery.drift.drift import DriftSettings, TopicDrift, find_drift
from faultmap_core.embedding import Embedder


@declared_asset()
def topic_drift(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    embedder: dg.ResourceParam[Embedder],
    namer: dg.ResourceParam[WarehouseNamer],
) -> Made:
    """Topics whose share of a window's prompts differs from that of the window before; the windows share no day."""
    refresh = Refresh.begin(context, warehouse, settings)
    window = Window.ending(str(refresh.partition.day), settings.production.window_days)
    now, then = (
        production_queries.window_rows(warehouse, one, settings.production.most_prompts, settings.seed)
        for one in (window, window.before)
    )
    # One preamble is cut from both, or a window would differ by it.
    prompts = unique_prompts(now.texts("text") + then.texts("text"), now.texts("model") + then.texts("model"))
    asked = [prompts.texts[unit] for unit in prompts.unit]
    current, previous = asked[: now.rows.num_rows], asked[now.rows.num_rows :]
    new = embed_new(warehouse, embedder, prompts.texts)
    drift = find_drift(
        current,
        vectors_of(warehouse, embedder, current, new),
        previous,
        vectors_of(warehouse, embedder, previous, new),
        DriftSettings(
            significance_level=settings.slices.significance_level,
            min_topic_size=settings.production.min_topic_size,
            clustering_method=settings.clusters.method,
        ),
        namer.of(refresh.purpose),
        current_sessions=now.groups,
        previous_sessions=then.groups,
    )
    summary = _summary(window, now, then, drift)
    return refresh.write(
        {
            "topic_drift": _topic_table(window.last, drift),
            "topic_drift_members": _member_table(window.last, now, then, drift),
            "topic_drift_summaries": pa.Table.from_pylist([summary]),
        },
        vectors=new,
        metadata={
            **{name: summary[name] for name in ("first_day", "previous_first_day", "rows", "previous_rows", "tested")},
            "embedded_now": new.num_rows,
            "topics_changed": len(drift.topics),
            "topics": dg.MetadataValue.md(_markdown_table(drift)),
            "report": report_link(settings, "coverage"),
            **({"note": summary["note"]} if summary["note"] else {}),
        },
        checks=[checks.named("topic_drift", [topic.naming_note for topic in drift.topics])],
        pending=namer.pending(drift.topics),
        calls=namer.calls,
    )


def _topic_table(day: str, drift: TopicDrift) -> pa.Table:
    return rows_of(
        "topic_drift",
        drift.topics,
        {"day": day},
        prompts="units",
        current_rows=lambda _, topic: len(topic.current_indices),
        previous_rows=lambda _, topic: len(topic.previous_indices),
    )


def _member_table(day: str, now: WindowRows, then: WindowRows, drift: TopicDrift) -> pa.Table:
    parts = []
    for topic in drift.topics:
        for window, rows in ((now, topic.current_indices), (then, topic.previous_indices)):
            inside = window.rows.select(["day", "source", "model", "log_id"]).take(pa.array(rows, pa.int64()))
            parts.append(
                inside.rename_columns(["log_day", "source", "model", "log_id"])
                .append_column("topic_id", pa.array([topic.topic_id] * len(rows), pa.string()))
                .append_column("day", pa.array([day] * len(rows), pa.string()))
            )
    return pa.concat_tables(parts) if parts else pa.table({})


def _summary(window: Window, now: WindowRows, then: WindowRows, drift: TopicDrift) -> dict[str, object]:
    notes = [drift.note]
    if 0 < then.days < window.days:
        notes.append(f"The window before has logs of {then.days} of its {window.days} days.")
    for what, rows in (("this window", now), ("the window before", then)):
        if rows.sampled is not None:
            notes.append(f"Of {what}, {rows.sampled:,} of {rows.total:,} rows were looked at.")
    return {
        "day": window.last,
        "first_day": window.first,
        "previous_first_day": window.before.first,
        "days": now.days,
        "previous_days": then.days,
        "rows": now.rows.num_rows,
        "previous_rows": then.rows.num_rows,
        "prompts": drift.current_units,
        "previous_prompts": drift.previous_units,
        "tested": drift.tested,
        "note": " ".join(note for note in notes if note),
    }


def _markdown_table(drift: TopicDrift) -> str:
    columns: dict[str, Align] = {
        "topic": "left", "what": "left", "share now": "right", "share before": "right", "rows now": "right",
        "rows before": "right", "adjusted p": "right",
    }  # fmt: skip
    rows = (
        [
            topic.name,
            topic.kind,
            f"{topic.current_share:.1%}",
            f"{topic.previous_share:.1%}",
            str(len(topic.current_indices)),
            str(len(topic.previous_indices)),
            f"{topic.adjusted_p_value:.2g}",
        ]
        for topic in drift.topics
    )
    return table(columns, rows, none="No topic's share changed significantly.", more="faultmap coverage")
