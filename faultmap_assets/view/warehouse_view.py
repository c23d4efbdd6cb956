"""Answer the served page from the warehouse: findings, points of the map, pages of examples, and labels."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from faultmap_assets.defs.why.human_labels import Said, label_judgment, remove_label
from faultmap_assets.report.content import findings_content
from faultmap_assets.report.scope import CONDITION, Row, Scope
from faultmap_assets.settings import Settings
from faultmap_assets.view.example_pages import ExampleQuery, disagreement_page, example_page, map_points
from faultmap_assets.view.reading import opened
from faultmap_assets.warehouse.connection import Warehouse, open_warehouse

_Signature = tuple[int, int, int]


@dataclass
class _Part:
    """The JSON of one part, and of which state of the file it is."""

    signature: _Signature | None = None
    body: bytes = b""
    lock: threading.Lock = field(default_factory=threading.Lock)


class WarehouseView:
    """A warehouse as the page sees it; safe for several threads.

    Args: datasets, models: what it is about; None is everything.
    Raises: ConfigurationError for a dataset or model that is not there; WarehouseError where it cannot be read.
    """

    labels = True

    def __init__(
        self, settings: Settings, datasets: Sequence[str] | None = None, models: Sequence[str] | None = None
    ) -> None:
        self._settings = settings
        self._warehouse = open_warehouse(settings)
        with opened(self._warehouse) as warehouse:
            self._scope = Scope.of(warehouse, datasets, models, texts=True)
        self._parts: dict[str, tuple[_Part, Callable[[Warehouse], Row]]] = {
            "findings": (_Part(), self._findings),
            "points": (_Part(), self._points),
        }

    def part(self, name: str) -> bytes | None:
        """Return a part of the page as JSON, made anew only where the file has changed; None for an unknown one."""
        if name not in self._parts:
            return None
        part, make = self._parts[name]
        with part.lock:
            if part.signature is None or part.signature != self._signature():
                with opened(self._warehouse) as warehouse:
                    # While it is open for reading nobody writes it.
                    signature = self._signature()
                    part.body = as_json(make(warehouse))
                    part.signature = signature
            return part.body

    def _signature(self) -> _Signature | None:
        try:
            status = self._warehouse.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _findings(self, warehouse: Warehouse) -> Row:
        told = findings_content(warehouse, self._scope, self._settings)
        total = warehouse.query(f"SELECT count(*) AS n FROM scores s WHERE {CONDITION}", self._scope.parameters)
        rows = total.column("n")[0].as_py()
        told["examples"] = {"total": rows, "shown": rows, "sampled": False, "seed": self._settings.seed}
        return told

    def _points(self, warehouse: Warehouse) -> Row:
        return map_points(warehouse, self._scope, seed=self._settings.seed)

    def examples(self, query: ExampleQuery) -> Row:
        """Return one page of the answers that fit."""
        with opened(self._warehouse) as warehouse:
            return example_page(warehouse, self._scope, query)

    def disagreements(self, pair: tuple[str, str, str], right: str, offset: int, limit: int) -> Row:
        """Return one page of the examples that one of two models has right."""
        with opened(self._warehouse) as warehouse:
            return disagreement_page(warehouse, self._scope, pair, right, offset, limit)

    def label(self, key: tuple[str, str, str], said: Said | None, seen: tuple[str, str]) -> Row | None:
        """Keep what a person says of a judgment, or take it back; return what is kept now, as the report tells it."""
        if said is None:
            remove_label(self._warehouse, key)
        else:
            label_judgment(self._warehouse, key, said, seen)
        query = ExampleQuery(dataset=key[0], model=key[1], ids=(key[2],))
        rows = self.examples(query)["rows"]
        label: Row | None = rows[0]["label"] if rows else None
        return label


def as_json(told: Any) -> bytes:
    """Return strict JSON."""
    text = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
