"""Gather how the findings came about: versions, seeds, parameters, rows in and out, and cost."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import PackageNotFoundError, version

from faultmap_assets.defs.why import queries as error_queries
from faultmap_assets.graph.declarations import ASSET_GRAPH
from faultmap_assets.ingestion.file_ledger import ledger_line, ledger_rows
from faultmap_assets.report.scope import Row
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse

_PARAMETERS = (
    "dataset_defaults",
    "datasets",
    "embedding",
    "clusters",
    "slices",
    "comparisons",
    "judging",
    "taxonomy",
    "coverage",
)
_OUTCOMES = ("rows_kept", "rows_quarantined", "rows_repeated", "rows_left_out")
FILE_COUNTS = (
    "files", "bytes", "physical_lines", "lines_set_aside", "records", "rows_read", *_OUTCOMES, "rows_superseded",
)  # fmt: skip
"""What is counted of all files together, from the byte to the row."""
_PACKAGES = ("faultmap-assets", "dagster", "duckdb", "numpy", "scipy", "scikit-learn", "umap-learn", "litellm")


def run_facts(warehouse: Warehouse, settings: Settings | None) -> Row:
    """Return what is known of the audit; no times, so that the same data gives the same bytes.

    Args:
        settings: what the parameters are read from; None leaves them out.
    """
    return {
        "seed": None if settings is None else settings.seed,
        "parameters": _parameters(settings),
        "versions": {name: _version(name) for name in _PACKAGES},
        "files": _files(warehouse),
        "assets": _assets(warehouse),
        "embedders": [
            str(row["embedder"])
            for row in warehouse.query("SELECT DISTINCT embedder FROM prompt_embeddings ORDER BY 1").to_pylist()
        ],
        "spent": error_queries.spent(warehouse),
    }


def _parameters(settings: Settings | None) -> Row:
    """Return the settings that decide about findings; where files lie, and who is asked for what price, does not."""
    if settings is None:
        return {}
    chosen: Row = settings.model_dump(mode="json", include=set(_PARAMETERS))
    model = settings.language_model
    asked = {"model": model.model, "temperature": model.temperature, "names": model.names} if model.model else {}
    return {**{name: chosen[name] for name in _PARAMETERS}, "language_model": asked}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _files(warehouse: Warehouse) -> Row:
    """Return the totals of the ledger, and the line that says them."""
    rows = [{**row, "rows_read": sum(row[name] for name in _OUTCOMES)} for row in ledger_rows(warehouse)]
    totals = {name: sum(row[name] or 0 for row in rows) for name in FILE_COUNTS if name != "files"}
    return {"files": len(rows), **totals, "ledger": ledger_line(rows)}


def _assets(warehouse: Warehouse) -> list[Row]:
    """Return partitions, rows, pending rows and failed checks of every asset above the report, in the graph's order."""
    partitions: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    blocked: Counter[str] = Counter()
    for made in warehouse.query("SELECT asset, rows, pending, blocked_by FROM materializations").to_pylist():
        partitions[made["asset"]] += 1
        rows[made["asset"]] += made["rows"]
        pending[made["asset"]] += made["pending"] or 0
        blocked[made["asset"]] += made["blocked_by"] is not None
    return [
        {
            "asset": node.name,
            "code_version": node.code_version,
            "partitions": partitions[node.name],
            "rows": rows[node.name],
            "pending": pending[node.name],
            "blocked": blocked[node.name],
        }
        for node in ASSET_GRAPH
        if node.name != "audit_report"
    ]
