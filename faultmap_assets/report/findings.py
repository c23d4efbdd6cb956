"""Gather all findings of the warehouse that a report shows, except single examples."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faultmap_assets.defs.evals import queries
from faultmap_assets.defs.why import queries as error_queries
from faultmap_assets.report.scope import CONDITION, Row, Scope
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.stats.exact_tests import wilson_interval

_PROMPTS_PER_GAP, _PROMPTS_OF_GAPS = 200, 5_000


def audits(warehouse: Warehouse, scope: Scope) -> list[Row]:
    """Return each model on each dataset: its counts, its failure rate with a 95 % interval, and its slices."""
    slices: dict[tuple[str, str], list[Row]] = {}
    for row in queries.failure_slices(warehouse, scope.datasets, scope.models):
        slices.setdefault((row["dataset"], row["model"]), []).append(row)
    return [
        {**summary, **_interval(summary), "slices": slices.get((summary["dataset"], summary["model"]), [])}
        for summary in queries.score_summaries(warehouse)
        if scope.holds(summary)
    ]


def _interval(summary: Row) -> Row:
    rate = summary["failure_rate"]
    if rate is None:
        return {"failure_rate_low": None, "failure_rate_high": None}
    decided = round(summary["failures"] / rate) if rate else summary["scored"]
    low, high = wilson_interval(rate, decided)
    return {"failure_rate_low": float(low), "failure_rate_high": float(high)}


def comparisons(warehouse: Warehouse, scope: Scope) -> list[Row]:
    """Return the pairs of models with the slices where they differ."""
    return [row for row in queries.comparisons(warehouse, scope.datasets) if scope.holds_pair(row)]


def coverage(warehouse: Warehouse, scope: Scope) -> list[Row]:
    """Return the audited days with their gaps, each with prompts of the day that lie in it.

    A report of some datasets or models leaves it out: coverage is of the whole test suite.
    """
    if not scope.whole:
        return []
    asked: dict[tuple[str, str], list[Row]] = {}
    rows = warehouse.query(
        """SELECT c.day, c.gap_id, c.source, c.log_id, coalesce(l.question_text, l.prompt_text) AS prompt
        FROM coverage_prompts c JOIN production_logs l USING (day, source, log_id, model)
        WHERE c.gap_id IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY c.day, c.gap_id ORDER BY c.source, c.log_id, l.model) <= $most
        ORDER BY c.day DESC, c.gap_id, c.source, c.log_id, l.model LIMIT $most_of_all""",
        {"most": _PROMPTS_PER_GAP, "most_of_all": _PROMPTS_OF_GAPS},
    ).to_pylist()
    for row in rows:
        asked.setdefault((row.pop("day"), row.pop("gap_id")), []).append(row)
    return [
        {**day, "gaps": [{**gap, "prompts_asked": asked.get((day["day"], gap["gap_id"]), [])} for gap in day["gaps"]]}
        for day in queries.coverage(warehouse)
    ]


def taxonomy(warehouse: Warehouse, scope: Scope) -> Row | None:
    """Return the active taxonomy with its counts by dataset and model, or None where nothing was judged."""
    active = warehouse.query("SELECT version, method, built_from FROM taxonomies WHERE active").to_pylist()
    if not active:
        return None
    categories = error_queries.taxonomy_rows(warehouse)
    placed = warehouse.query(
        f"""SELECT s.dataset, s.model, s.category_id, count(*) AS errors FROM error_categories s
        WHERE {CONDITION} GROUP BY ALL ORDER BY ALL""",
        scope.parameters,
    ).to_pylist()
    counts = _subtree_counts(categories, placed)
    totals: Counter[str] = Counter()
    for row in counts:
        totals[row["category_id"]] += row["errors"]
    errors = sum(row["errors"] for row in placed)
    known = {row["category_id"] for row in categories}
    return {
        **active[0],
        "blind_spot": error_queries.blind_spot_of(warehouse, scope.datasets, scope.models),
        "errors": errors,
        "unclassified": sum(row["errors"] for row in placed if row["category_id"] not in known),
        "categories": [
            {
                **{name: value for name, value in row.items() if name != "version"},
                "examples": json.loads(row["examples"]),
                "errors": totals[row["category_id"]],
                "share": totals[row["category_id"]] / errors if errors else 0.0,
            }
            for row in categories
            if totals[row["category_id"]]
        ],
        "counts": counts,
        "quality": {
            row["measure"]: row["value"]
            for row in warehouse.query("SELECT measure, value FROM taxonomy_quality ORDER BY measure").to_pylist()
        },
    }


def _subtree_counts(categories: Sequence[Row], placed: Sequence[Row]) -> list[Row]:
    """Return the errors of each dataset and model in each category and what is below it."""
    parents = {row["category_id"]: row["parent_id"] for row in categories}
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in placed:
        at = row["category_id"] if row["category_id"] in parents else None
        while at is not None:
            counts[at, row["dataset"], row["model"]] += row["errors"]
            at = parents[at]
    return [
        {"category_id": category_id, "dataset": dataset, "model": model, "errors": errors}
        for (category_id, dataset, model), errors in sorted(counts.items())
    ]


def judging(warehouse: Warehouse, scope: Scope) -> list[Row]:
    """Return by dataset and model how many failures were judged, with which outcome, and by what."""
    rows: list[Row] = warehouse.query(
        f"""SELECT s.dataset, s.model, s.judged_by, s.outcome, count(*) AS rows FROM error_judgments s
        WHERE {CONDITION} GROUP BY ALL ORDER BY ALL""",
        scope.parameters,
    ).to_pylist()
    return rows


def quarantined(warehouse: Warehouse, scope: Scope) -> list[Row]:
    """Return the rows that were set aside, by file and reason, the most frequent first."""
    found = Counter(
        (row["path"], row["reason"])
        for row in queries.quarantined(warehouse)
        if scope.whole or (row["dataset"] and row["model"] and scope.holds(row))
    )
    return [
        {"path": path, "reason": reason, "rows": rows}
        for (path, reason), rows in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    ]


def cited_examples(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (dataset, example id) of the examples that findings show or rest on."""
    for audit in content["audits"]:
        for found in audit["slices"]:
            for example in found["examples"]:
                yield audit["dataset"], example["example_id"]
            for example_id in found["cited_examples"]:
                yield audit["dataset"], example_id
    for pair in content["comparisons"]:
        for found in pair["slices"]:
            for example in found["examples"]:
                yield pair["dataset"], example["example_id"]
    for dataset in content["quality"]:
        for item in dataset["items"][:_PROMPTS_PER_GAP]:
            yield dataset["dataset"], item["example_id"]
