"""What do we tell people? The findings of the warehouse as one JSON document, and the same document as a page."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from faultmap_assets import pictures, queries
from faultmap_assets.staleness import Partition
from faultmap_assets.warehouse import Warehouse
from faultmap_core.errors import WarehouseError

SCHEMA_VERSION = 1
_REASONS_SHOWN = 20


@dataclass(frozen=True)
class AuditReport:
    """A report: `content` is the JSON document, `html` the page, `digest` identifies the content."""

    content: dict[str, Any]
    html: str

    @property
    def json(self) -> str:
        """The JSON document as text: strict JSON, keys in a fixed order."""
        return json.dumps(self.content, indent=1, ensure_ascii=False, allow_nan=False)

    @property
    def digest(self) -> str:
        """32 hex digits that change when the content does."""
        return hashlib.blake2b((self.json + self.html).encode("utf-8", "replace"), digest_size=16).hexdigest()


def build_report(warehouse: Warehouse) -> AuditReport:
    """Gather all findings of the warehouse; the same findings give the same bytes."""
    slices = queries.failure_slices(warehouse)
    audits = []
    for summary in queries.score_summaries(warehouse):
        found = [row for row in slices if (row["dataset"], row["model"]) == (summary["dataset"], summary["model"])]
        audits.append({**summary, "slices": found})
    quarantined = Counter((row["path"], row["reason"]) for row in queries.quarantined(warehouse))
    content = {
        "schema_version": SCHEMA_VERSION,
        "audits": audits,
        "comparisons": queries.comparisons(warehouse),
        "coverage": queries.coverage(warehouse),
        "quarantined": [
            {"path": path, "reason": reason, "rows": rows}
            for (path, reason), rows in sorted(quarantined.items(), key=lambda item: (-item[1], item[0]))
        ],
    }
    maps = {(audit["dataset"], audit["model"]): _map(warehouse, audit) for audit in audits}
    return AuditReport(content, _render(content, maps))


def write_report(report: AuditReport, folder: Path) -> tuple[Path, Path]:
    """Write the page and the document; each replaces its predecessor in one step. Returns their paths.

    Raises: WarehouseError where the folder cannot be written; what was there before is still there.
    """
    html_path, json_path = folder / "audit_report.html", folder / "audit_report.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(json_path, report.json)
        _replace(html_path, report.html)
    except OSError as error:
        raise WarehouseError(f"report {folder}: cannot be written: {error.strerror}; the former one stands") from error
    return html_path, json_path


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="\n") as stream:
            stream.write(text)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _map(warehouse: Warehouse, audit: dict[str, Any]) -> Markup:
    """The map of one model's examples with its slices lit. The SVG is ours; matplotlib escapes the names in it."""
    partition = Partition(audit["dataset"], audit["model"])
    points = queries.map_points(warehouse, partition)
    row = {example_id: index for index, example_id in enumerate(points.column("example_id").to_pylist())}
    members = queries.slice_members(warehouse, partition)
    names = {found["slice_id"]: found["name"] for found in audit["slices"]}
    lit = {
        name: [row[example_id] for example_id in members.get(slice_id, ()) if example_id in row]
        for slice_id, name in names.items()
    }
    places = np.column_stack([points.column("x").to_numpy(), points.column("y").to_numpy()]).astype(np.float32)
    failed = points.column("failed").to_numpy().astype(np.float64)
    return Markup(pictures.slice_map_svg(places, failed, lit))


def _render(content: dict[str, Any], maps: dict[tuple[str, str], Markup]) -> str:
    environment = Environment(
        loader=PackageLoader("faultmap_assets", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: "–" if share is None else f"{share:.0%}"
    environment.filters["p_value"] = lambda p: "< 0.0001" if p < 0.0001 else f"{p:.2g}"
    style = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    template = environment.get_template("page.html.j2")
    # The stylesheet is a file of ours, not text from outside.
    return template.render(content=content, maps=maps, style=Markup(style), reasons_shown=_REASONS_SHOWN)
