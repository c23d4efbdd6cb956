"""production_logs and coverage_gaps: what production asks, day by day, and what the test suite never does."""

import json
from collections.abc import Sequence

import dagster as dg
import pyarrow as pa

from faultmap_assets import queries
from faultmap_assets.assets.markdown import cell
from faultmap_assets.assets.refresh import Made, Refresh
from faultmap_assets.partitions import days
from faultmap_assets.settings import Settings
from faultmap_assets.staleness import NODES
from faultmap_assets.vectors import embed_new, vectors_of
from faultmap_assets.warehouse import Warehouse
from faultmap_core.coverage import CoverageSettings, find_coverage_gaps
from faultmap_core.coverage_results import CoverageGap, CoverageResult
from faultmap_core.embedding import Embedder
from faultmap_core.prompts import unique_prompts
from faultmap_core.results import strict

# The newest delivery wins a key, as in raw_evals.
_NEWEST_LOGS = """
SELECT day, dataset AS source, example_id AS log_id, timestamp, model, session_id, input_text AS prompt_text,
    question_text, output_text AS response_text, score, metadata, path AS source_path, line AS source_line, row_digest
FROM staging_rows
JOIN (
    SELECT staging_id, max(sequence) AS sequence, arg_max(path, sequence) AS path FROM source_files GROUP BY staging_id
) USING (staging_id)
WHERE day = $day
QUALIFY row_number() OVER (PARTITION BY dataset, model, example_id, epoch ORDER BY sequence DESC) = 1
ORDER BY dataset, example_id, model
"""


@dg.asset(
    partitions_def=days,
    group_name="production",
    kinds={"duckdb"},
    code_version=NODES["production_logs"].code_version,
)
def production_logs(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Made:
    """What production was asked on one day (UTC), as the newest files deliver it."""
    refresh = Refresh.begin(context, warehouse, settings)
    rows = warehouse.query(_NEWEST_LOGS, refresh.partition.columns)
    return refresh.write(
        {"production_logs": rows},
        version_of=rows.select(["source", "log_id", "model", "row_digest"]),
        metadata={
            "sources": len(rows.column("source").unique()),
            "models": len(rows.column("model").unique()),
            "sessions": len(rows.column("session_id").unique()),
        },
    )


@dg.asset(
    partitions_def=days,
    deps=[
        "production_logs",
        dg.AssetDep("prompt_embeddings", partition_mapping=dg.AllPartitionMapping()),
    ],
    group_name="production",
    kinds={"duckdb", "scipy"},
    code_version=NODES["coverage_gaps"].code_version,
)
def coverage_gaps(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    embedder: dg.ResourceParam[Embedder],
) -> Made:
    """Regions of one day's production prompts that the test suite never asks, or asks too rarely."""
    refresh = Refresh.begin(context, warehouse, settings)
    logs = queries.log_prompts(warehouse, str(refresh.partition.day))
    prompts = unique_prompts(logs.column("text").to_pylist(), logs.column("model").to_pylist())
    production = [prompts.texts[unit] for unit in prompts.unit]
    tests = queries.suite_prompts(warehouse, settings.coverage.datasets)
    new = embed_new(warehouse, embedder, [*prompts.texts, *tests])
    found = find_coverage_gaps(
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
    )
    day = str(refresh.partition.day)
    low, high = found.coverage_range
    return refresh.write(
        {
            "coverage_gaps": _gap_table(day, [*found.gaps, *found.under_tested]),
            "coverage_prompts": _prompt_table(day, logs, found),
            "coverage_summaries": _summary_table(day, found),
        },
        vectors=new,
        metadata={
            "tests": found.num_test_prompts,
            "production": found.num_production_prompts,
            "coverage": found.overall_coverage_score,
            "coverage_low": low,
            "coverage_high": high,
            "gaps": dg.MetadataValue.md(_markdown_table(found)),
            **({"note": found.note} if found.note else {}),
        },
    )


def _gap_table(day: str, gaps: Sequence[CoverageGap]) -> pa.Table:
    records = [
        {
            "day": day,
            "gap_id": gap.gap_id,
            "rank": rank,
            "kind": gap.kind,
            "name": gap.name,
            "description": gap.description,
            "size": gap.size,
            "prompts": gap.units,
            "traffic_share": gap.traffic_share,
            "tests": gap.tests,
            "expected_tests": gap.expected_tests,
            "test_ratio": gap.test_ratio,
            "mean_distance": gap.mean_distance,
            "p_value": gap.p_value,
            "adjusted_p_value": gap.adjusted_p_value,
            "named_by": gap.named_by,
            "representative_prompts": json.dumps(gap.representative_prompts, ensure_ascii=False),
            "nearest_tests": json.dumps(strict(gap.nearest_tests), ensure_ascii=False),
        }
        for rank, gap in enumerate(gaps, start=1)
    ]
    return pa.Table.from_pylist(records)


def _prompt_table(day: str, logs: pa.Table, found: CoverageResult) -> pa.Table:
    gap_of = {row: gap.gap_id for gap in found.gaps for row in gap.prompt_indices}
    return pa.table(
        {
            "day": pa.array([day] * logs.num_rows, pa.string()),
            "source": logs.column("source"),
            "log_id": logs.column("log_id"),
            "status": pa.array(found.status, pa.string()),
            "gap_id": pa.array([gap_of.get(row) for row in range(logs.num_rows)], pa.string()),
        }
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
    gaps = [*found.gaps, *found.under_tested]
    if not gaps:
        return "No region of production demonstrably lacks tests."
    lines = ["| what | kind | prompts | share of traffic | tests | expected |", "|---|---|--:|--:|--:|--:|"]
    lines += [
        f"| {cell(gap.name)} | {gap.kind} | {gap.size} | {gap.traffic_share:.1%} | {gap.tests}"
        f" | {gap.expected_tests:.1f} |"
        for gap in gaps
    ]
    return "\n".join(lines)
