"""Turn a gap into tests: its prompts, each once, as test cases for an eval harness."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from faultmap_assets.warehouse.connection import Warehouse
from faultmap_assets.warehouse.export import write_rows
from faultmap_core.base.errors import ConfigurationError
from faultmap_core.data.prompts import prompt_id

_GAPS = "SELECT DISTINCT gap_id, kind FROM coverage_gaps ORDER BY gap_id, kind"
# The oldest row stands for its copies.
_PROMPTS = """
SELECT c.gap_id, g.name AS gap, coalesce(l.question_text, l.prompt_text) AS input_text, c.day AS source_day, c.source,
    c.log_id
FROM coverage_prompts c
JOIN coverage_gaps g USING (day, gap_id)
JOIN production_logs l USING (day, source, log_id, model)
WHERE c.gap_id IS NOT NULL AND ($gaps IS NULL OR list_contains($gaps, c.gap_id))
ORDER BY c.day, g.rank, c.source, c.log_id, l.model
"""
_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("example_id", "input_text", "gap", "gap_id", "source_day", "source", "log_id")]
)


def export_tests(warehouse: Warehouse, target: Path, gaps: Sequence[str] | None = None) -> int:
    """Write the prompts of gaps as test cases; return their number.

    A prompt that comes back, on the same day or another one, is one test case with one `example_id` for ever.

    Args: target: .jsonl, or .csv that no spreadsheet executes; gaps: beginnings of gap ids, None for all gaps.
    Raises:
        ConfigurationError: a gap is not there or not unique, or holds no prompts of its own; an unknown format.
        WarehouseError: the file cannot be written; a former one is left as it was.
    """
    if target.suffix not in (".csv", ".jsonl"):
        raise ConfigurationError(f"{target}: unknown format; name it .csv or .jsonl")
    chosen = _chosen(warehouse, gaps) if gaps else None
    rows = []
    seen: set[str] = set()
    for row in warehouse.query(_PROMPTS, {"gaps": chosen}).to_pylist():
        example_id = f"gap-{prompt_id(row['input_text'])[:16]}"
        if example_id not in seen:
            seen.add(example_id)
            rows.append({"example_id": example_id, **row})
    write_rows(pa.Table.from_pylist(rows, schema=_SCHEMA), target)
    return len(rows)


def _chosen(warehouse: Warehouse, beginnings: Sequence[str]) -> list[str]:
    kinds: dict[str, set[str]] = {}
    for row in warehouse.query(_GAPS).to_pylist():
        kinds.setdefault(row["gap_id"], set()).add(row["kind"])
    chosen = []
    for beginning in beginnings:
        found = [gap_id for gap_id in kinds if beginning and gap_id.startswith(beginning)]
        if not found:
            raise ConfigurationError(f"gap {beginning!r} is not there; `faultmap coverage` shows the ids")
        if len(found) > 1:
            raise ConfigurationError(f"gap {beginning!r} could be {', '.join(found[:5])}; give more of the id")
        if kinds[found[0]] == {"under-tested"}:
            raise ConfigurationError(
                f"gap {found[0]} is under-tested, not untested: which of its prompts lack a test is not known"
            )
        chosen.append(found[0])
    return chosen
