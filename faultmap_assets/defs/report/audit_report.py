"""audit_report: the findings as one page that can be sent, and as JSON."""

from datetime import UTC, datetime

import dagster as dg
import pyarrow as pa

from faultmap_assets.kit.declared import declared_asset
from faultmap_assets.kit.refresh import Made, Refresh
from faultmap_assets.report import build_report, write_report
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse


@declared_asset()
def audit_report(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Made:
    """All findings as one self-contained HTML page, with a JSON twin for machines."""
    refresh = Refresh.begin(context, warehouse, settings)
    report = build_report(warehouse, texts=settings.privacy.report_texts, settings=settings)
    html_path, json_path = write_report(report, settings.report_folder)
    audits = report.content["audits"]
    facts = {
        "html_path": str(html_path.resolve()),
        "json_path": str(json_path.resolve()),
        "digest": report.digest,
        "datasets": len({audit["dataset"] for audit in audits}),
        "models": len({audit["model"] for audit in audits}),
        "slices": sum(len(audit["slices"]) for audit in audits),
    }
    table = pa.Table.from_pylist([{**facts, "written_at": datetime.now(UTC).replace(tzinfo=None)}])
    return refresh.write(
        {"audit_report": table},
        version_of=pa.table({"digest": [report.digest]}),
        metadata={
            "page": dg.MetadataValue.path(html_path.resolve()),
            "open_with": "a browser (copy the path into its address bar), or `faultmap view`",
            "document": dg.MetadataValue.path(json_path.resolve()),
            **{name: facts[name] for name in ("datasets", "models", "slices")},
        },
    )
