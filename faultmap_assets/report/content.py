"""Gather the document that the page shows and that machines read."""

from __future__ import annotations

from faultmap_assets.defs.production import queries as production_queries
from faultmap_assets.defs.why import queries as error_queries
from faultmap_assets.report import findings
from faultmap_assets.report.changes import changes, trends
from faultmap_assets.report.examples import MOST_ROWS, shown_examples
from faultmap_assets.report.memo import memo
from faultmap_assets.report.privacy import without_texts
from faultmap_assets.report.run_facts import run_facts
from faultmap_assets.report.scope import Row, Scope
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse

SCHEMA_VERSION = 2


def report_content(warehouse: Warehouse, scope: Scope, settings: Settings | None, *, most_rows: int = MOST_ROWS) -> Row:
    """Gather what the warehouse knows of the scope; `report.schema.json` says what each key means."""
    content = findings_content(warehouse, scope, settings)
    seed = settings.seed if settings else 0
    shown = shown_examples(warehouse, scope, findings.cited_examples(content), seed=seed, most_rows=most_rows)
    content["examples"] = shown.to_dict()
    return content if scope.texts else without_texts(content)


def findings_content(warehouse: Warehouse, scope: Scope, settings: Settings | None) -> Row:
    """Return the document without its examples; texts of all rows are not read for it."""
    content: Row = {
        "schema_version": SCHEMA_VERSION,
        "scope": scope.to_dict(),
        "audits": findings.audits(warehouse, scope),
        "changes": changes(warehouse, scope),
        "comparisons": findings.comparisons(warehouse, scope),
        "taxonomy": findings.taxonomy(warehouse, scope),
        "signatures": error_queries.signatures(warehouse, scope.datasets, scope.models),
        "judging": findings.judging(warehouse, scope),
        "coverage": findings.coverage(warehouse, scope),
        "production_slices": production_queries.production_slices(warehouse) if scope.whole else [],
        "topic_drift": production_queries.topic_drift(warehouse) if scope.whole else [],
        "quality": error_queries.quality(warehouse, scope.datasets),
        "trends": trends(warehouse, scope),
        "quarantined": findings.quarantined(warehouse, scope),
        "run": run_facts(warehouse, settings),
    }
    return {**content, "memo": memo(content)}
