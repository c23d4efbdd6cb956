"""production_logs and coverage_gaps: what production asks, day by day, and what the test suite never does."""

from collections import Counter
from collections.abc import Sequence

import dagster as dg
import pyarrow as pa

from faultmap_assets.defs.evals import queries
from faultmap_assets.defs.production import queries as production_queries
from faultmap_assets.ingestion.file_ledger import count_partition
from faultmap_assets.ingestion.log_rows import newest_logs
from faultmap_assets.ingestion.redaction import redactions_of
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
from faultmap_core.base.records import strict
from faultmap_core.data.prompts import unique_prompts
from faultmap_core.discovery.coverage.audit import CoverageSettings, audit_coverage
from faultmap_core.discovery.coverage.results import CoverageGap, CoverageResult
from faultmap_core.embedding import Embedder


@declared_asset()
def production_logs(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Made:
    """What production was asked on one day (of `production.time_zone`), as the newest files deliver it."""
    refresh = Refresh.begin(context, warehouse, settings)
    with warehouse.read() as connection:
        rows = newest_logs(connection, str(refresh.partition.day), settings.logs.model_name)
        ledger = count_partition(connection, refresh.partition.columns)
    keys = rows.select(["source", "model", "log_id"])
    return refresh.write(
        {"production_logs": rows},
        version_of=rows.select(["source", "log_id", "model", "row_digest"]),
        metadata={
            "sources": len(rows.column("source").unique()),
            "models": len(rows.column("model").unique()),
            "sessions": len(rows.column("session_id").unique()),
            **redactions_of(warehouse, refresh.partition.columns),
        },
        checks=[
            checks.unique_log_ids(keys.num_rows, keys.group_by(keys.column_names).aggregate([]).num_rows),
            checks.rows_conserved("production_logs", rows.num_rows, ledger),
        ],
    )


@declared_asset()
def coverage_gaps(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    embedder: dg.ResourceParam[Embedder],
    namer: dg.ResourceParam[WarehouseNamer],
) -> Made:
    """Regions of one day's production prompts that the test suite never asks, or asks too rarely."""
    refresh = Refresh.begin(context, warehouse, settings)
    logs = queries.log_prompts(warehouse, str(refresh.partition.day))
    prompts = unique_prompts(logs.column("text").to_pylist(), logs.column("model").to_pylist())
    production = [prompts.texts[unit] for unit in prompts.unit]
    tests = queries.suite_prompts(warehouse, settings.coverage.datasets)
    new = embed_new(warehouse, embedder, [*prompts.texts, *tests])
    found = audit_coverage(
        tests,
        vectors_of(warehouse, embedder, tests, new),
        production,
        vectors_of(warehouse, embedder, production, new),
        CoverageSettings(
            significance_level=settings.slices.significance_level,
            min_gap_size=settings.coverage.min_gap_size,
            max_test_ratio=settings.coverage.max_test_ratio,
            clustering_method=settings.clusters.method,
        ),
        namer.of(refresh.purpose),
        production_sources=production_queries.asked_by(logs),
    )
    gaps = [*found.gaps, *found.under_tested]
    day = str(refresh.partition.day)
    judged = _prompt_table(day, logs, found)
    counts = _counts(logs, judged, found)
    low, high = found.coverage_range
    return refresh.write(
        {
            "coverage_gaps": _gap_table(day, gaps),
            "coverage_prompts": judged,
            "coverage_summaries": _summary_table(day, found),
        },
        vectors=new,
        metadata={
            "tests": found.num_test_prompts,
            "production": found.num_production_prompts,
            "coverage": found.overall_coverage_score,
            "coverage_low": low,
            "coverage_high": high,
            "gaps_found": len(found.gaps),
            "under_tested": len(found.under_tested),
            "share_in_gaps": found.share("gap"),
            "gaps": dg.MetadataValue.md(_markdown_table(found)),
            "report": report_link(settings, "coverage"),
            **({"note": found.note} if found.note else {}),
        },
        checks=[
            checks.every_prompt_judged(counts),
            checks.tests_present(counts),
            checks.named("coverage_gaps", [gap.naming_note for gap in gaps]),
        ],
        pending=namer.pending(gaps),
        calls=namer.calls,
    )


def _gap_table(day: str, gaps: Sequence[CoverageGap]) -> pa.Table:
    return rows_of("coverage_gaps", gaps, {"day": day}, prompts="units")


def _prompt_table(day: str, logs: pa.Table, found: CoverageResult) -> pa.Table:
    gap_of = {row: gap.gap_id for gap in found.gaps for row in gap.prompt_indices}
    return pa.table(
        {
            "day": pa.array([day] * logs.num_rows, pa.string()),
            "source": logs.column("source"),
            "log_id": logs.column("log_id"),
            "model": logs.column("model"),
            "status": pa.array(found.status, pa.string()),
            "gap_id": pa.array([gap_of.get(row) for row in range(logs.num_rows)], pa.string()),
        }
    )


def _counts(logs: pa.Table, judged: pa.Table, found: CoverageResult) -> checks.CoverageCounts:
    verdicts = Counter(judged.column("status").to_pylist())
    return checks.CoverageCounts(
        tests=found.test_units,
        logged=logs.num_rows,
        covered=verdicts["covered"],
        in_gaps=verdicts["gap"],
        undetermined=verdicts["undetermined"],
        naming_a_gap=judged.num_rows - judged.column("gap_id").null_count,
        gap_sizes=sum(gap.size for gap in found.gaps),
    )


def _summary_table(day: str, found: CoverageResult) -> pa.Table:
    low, high = found.coverage_range
    return pa.Table.from_pylist(
        [
            {
                "day": day,
                "tests": found.num_test_prompts,
                "production": found.num_production_prompts,
                "coverage": found.overall_coverage_score,
                "coverage_low": low,
                "coverage_high": high,
                "covered": found.share("covered"),
                "in_gaps": found.share("gap"),
                "undetermined": found.share("undetermined"),
                "outliers": len(found.outliers),
                "distance_threshold": strict(found.distance_threshold),
                "note": found.note,
            }
        ]
    )


def _markdown_table(found: CoverageResult) -> str:
    columns: dict[str, Align] = {
        "what": "left", "kind": "left", "prompts": "right", "share of traffic": "right", "tests": "right",
        "expected": "right",
    }  # fmt: skip
    rows = (
        [gap.name, gap.kind, str(gap.size), f"{gap.traffic_share:.1%}", str(gap.tests), f"{gap.expected_tests:.1f}"]
        for gap in [*found.gaps, *found.under_tested]
    )
    return table(columns, rows, none="No region of production demonstrably lacks tests.", more="faultmap coverage")
