"""Findings of the warehouse with what is claimed of them: every reader of a finding renders the same record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.claims import Claim
from faultmap_core.base.finding_claims import gap_claim, pair_claim, signature_claim, slice_claim, topic_claim

Row = dict[str, Any]


def with_slice_claims(warehouse: Warehouse, slices: Sequence[Row]) -> list[Row]:
    """Give failure slices their `claim`, against the other scored answers of the model on the dataset."""
    counted = _scored(warehouse)
    return [
        {**row, "claim": slice_claim(row, counted[row["dataset"], row["model"]] - row["size"]).to_dict()}
        for row in slices
    ]


def _scored(warehouse: Warehouse) -> Counter[tuple[str, str]]:
    """Return how many answers of each model on each dataset passed or failed."""
    rows = warehouse.query("SELECT dataset, model, count(failed) AS scored FROM scores GROUP BY ALL").to_pylist()
    return Counter({(row["dataset"], row["model"]): row["scored"] for row in rows})


def with_pair_claims(pairs: Sequence[Row]) -> list[Row]:
    """Give comparisons their `claim`, and each of their slices who wins in it."""
    return [
        {
            **pair,
            "claim": pair_claim(pair, pair["model_a"], pair["model_b"], pair["compared"]).to_dict(),
            "slices": [
                {**one, "claim": pair_claim(one, pair["model_a"], pair["model_b"], one["size"]).to_dict()}
                for one in pair["slices"]
            ],
        }
        for pair in pairs
    ]


def with_feedback_claims(days: Sequence[Row]) -> list[Row]:
    """Give the slices of each window of production their `claim`, against the other answers with feedback."""
    return [
        {
            **day,
            "slices": [
                {**one, "claim": slice_claim(one, _looked_at(day) - one["size"], "answers with feedback").to_dict()}
                for one in day["slices"]
            ],
        }
        for day in days
    ]


def _looked_at(day: Row) -> int:
    return int(day["with_feedback"] if day["sampled"] is None else day["sampled"])


def with_topic_claims(days: Sequence[Row]) -> list[Row]:
    """Give the topics of each pair of windows their `claim`."""
    return [
        {
            **day,
            "topics": [
                {**one, "claim": topic_claim(one, day["prompts"], day["previous_prompts"]).to_dict()}
                for one in day["topics"]
            ],
        }
        for day in days
    ]


def with_gap_claims(gaps: Iterable[Row]) -> list[Row]:
    """Give coverage gaps their `claim`, None where nothing was tested."""
    return [{**gap, "claim": _dict(gap_claim(gap))} for gap in gaps]


def with_signature_claims(warehouse: Warehouse, rows: Sequence[Row]) -> list[Row]:
    """Give signatures their `claim`, None where nothing was tested."""
    scored = _scored(warehouse)
    errors = {(row["dataset"], row["model"]): row["total"] for row in rows if row["scope"] == "model"}
    claimed = []
    for row in rows:
        key = row["dataset"], row["model"]
        if row["scope"] == "model":
            n = scored[key]
            others = sum(number for (dataset, _), number in scored.items() if dataset == row["dataset"]) - n
        else:
            n, others = row["total"], errors.get(key, 0) - row["total"]
        claimed.append({**row, "claim": _dict(signature_claim(row, n, others))})
    return claimed


def _dict(claim: Claim | None) -> Row | None:
    return None if claim is None else claim.to_dict()
