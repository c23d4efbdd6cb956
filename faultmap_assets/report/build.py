"""Build the report of a warehouse: one document for machines, and the same as one page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from faultmap_assets.report.content import report_content
from faultmap_assets.report.examples import MOST_ROWS
from faultmap_assets.report.page import render_page
from faultmap_assets.report.scope import Scope
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.atomic_write import replacing
from faultmap_core.base.errors import WarehouseError


@dataclass(frozen=True)
class AuditReport:
    """A report: `content` is the JSON document; `html` the page; `digest` identifies the findings."""

    content: dict[str, Any]

    @cached_property
    def html(self) -> str:
        """The page: one file that asks no other for anything."""
        return render_page(self.content)

    @cached_property
    def json(self) -> str:
        """The JSON document as text: strict JSON, keys in a fixed order."""
        return json.dumps(self.content, indent=1, ensure_ascii=False, allow_nan=False)

    @cached_property
    def digest(self) -> str:
        """32 hex digits that change when a finding or an example does; versions and costs do not count."""
        told = {name: value for name, value in self.content.items() if name != "run"}
        text = json.dumps(told, ensure_ascii=False, allow_nan=False)
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def build_report(
    warehouse: Warehouse,
    datasets: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
    *,
    texts: bool = True,
    settings: Settings | None = None,
    most_rows: int = MOST_ROWS,
) -> AuditReport:
    """Gather the findings of the warehouse; the same findings give the same bytes.

    Args:
        datasets, models: what it is about; None is everything.
        texts: False leaves out every prompt, answer and reference, and what quotes them.
        settings: named among the facts of the run, with the seed of the sample; None leaves them out.
        most_rows: answers shown one by one; of more, a seeded sample is.
    Raises: ConfigurationError for a dataset or model that is not there.
    """
    scope = Scope.of(warehouse, datasets, models, texts=texts)
    return AuditReport(report_content(warehouse, scope, settings, most_rows=most_rows))


def write_report(report: AuditReport, folder: Path, name: str = "audit_report") -> tuple[Path, Path]:
    """Write the page and the document; each replaces its predecessor in one step. Returns their paths.

    Raises: WarehouseError where the folder cannot be written; what was there before is still there.
    """
    html_path, json_path = folder / f"{name}.html", folder / f"{name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in ((json_path, report.json), (html_path, report.html)):
            with replacing(path) as stream:
                stream.write(text)
    except OSError as error:
        raise WarehouseError(f"report {folder}: cannot be written: {error.strerror}; the former one stands") from error
    return html_path, json_path
