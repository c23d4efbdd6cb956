"""The rows that slices are found in: what was asked, how it went, and what of it people are shown."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.regions.search import Label

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_FAILING_EXAMPLES = 5
_PASSING_EXAMPLES = 2


@dataclass(frozen=True)
class EvalRows:
    """One row per example of one model on one dataset.

    Attributes:
        example_ids, prompts, responses, references: n each; a response or reference may be None.
        scores: (n,) NaN where unscored.
        failed: (n,) 1.0 failed, 0.0 passed, a fraction where it is a mean of repeats, NaN unscored.
        unit: (n,) which leaf of the tree (distinct prompt) each row has.
        metadata: column name -> n values; groups: n names of what rows belong together (session, template), or None.
        sources: n names of who asked (see `prompt_sources`), or None where the prompts are nobody's own.
    """

    example_ids: Sequence[str]
    prompts: Sequence[str]
    responses: Sequence[str | None]
    references: Sequence[str | None]
    scores: Floats
    failed: Floats
    unit: NDArray[np.int64]
    metadata: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    groups: Sequence[str | None] | None = None
    sources: Sequence[str | None] | None = None

    def __post_init__(self) -> None:
        n = len(self.example_ids)
        columns: dict[str, Sized] = {"prompts": self.prompts, "responses": self.responses}
        columns |= {"references": self.references, "scores": self.scores, "failed": self.failed, "unit": self.unit}
        columns |= self.metadata
        if self.groups is not None:
            columns["groups"] = self.groups
        if self.sources is not None:
            columns["sources"] = self.sources
        for name, column in columns.items():
            if len(column) != n:
                raise ConfigurationError(f"rows: {name} has {len(column)} values for {n} example ids")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.example_ids)


def unit_label(unit: Rows, outcome: Floats, n_units: int) -> Label:
    """Reduce rows to units: a unit's outcome is the mean over its rows, so copies make no significance.

    Args: unit: (n,) leaf of each row; outcome: (n,) in [0, 1], finite.
    """
    counts = np.bincount(unit, minlength=n_units).astype(np.float64)
    sums = np.bincount(unit, weights=outcome, minlength=n_units)
    present = counts > 0
    return Label(np.where(present, sums / np.maximum(counts, 1.0), 0.0), present.astype(np.float64))


def equally_many(unit: Rows, seed: int = 0) -> NDArray[np.bool_]:
    """Choose as many rows of every unit as the one with the fewest has, at random where there are more.

    A mean of ten copies varies less than a single row and is less often an extreme value, so ranks of means compare
    units only where each is the mean of equally many.

    Args: unit: (n,) leaf of each row. Returns: (n,) whether a row is chosen.
    """
    if not len(unit):
        return np.zeros(0, dtype=np.bool_)
    order = np.lexsort((np.random.default_rng(seed).random(len(unit)), unit))
    _, first, counts = np.unique(unit[order], return_index=True, return_counts=True)
    chosen = np.zeros(len(unit), dtype=np.bool_)
    chosen[order[np.arange(len(unit)) - np.repeat(first, counts) < counts.min()]] = True
    return chosen


def slice_id(example_ids: Iterable[str]) -> str:
    """Return 12 hex digits that stand for a set of examples, whatever their order."""
    joined = "\x00".join(sorted(example_ids))
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def by_typicality(rows: EvalRows, inside: Rows, vectors: NDArray[Any]) -> Rows:
    """Return the rows inside, those nearest to the centre of the slice first, ties by position."""
    own = vectors[rows.unit[inside]].astype(np.float64)
    similar = own @ own.mean(axis=0) if len(own) else np.zeros(0)
    return inside[np.lexsort((inside, -np.round(similar, 9)))]


def distinct_prompts(rows: EvalRows, order: Rows, limit: int) -> list[str]:
    seen: set[int] = set()
    prompts: list[str] = []
    for row in order.tolist():
        if int(rows.unit[row]) not in seen:
            seen.add(int(rows.unit[row]))
            prompts.append(rows.prompts[row])
        if len(prompts) >= limit:
            break
    return prompts


def examples_of(rows: EvalRows, order: Rows) -> list[dict[str, Any]]:
    """Return the most typical failing rows and then passing ones, one per distinct prompt."""
    chosen: list[int] = []
    for failing, limit in ((True, _FAILING_EXAMPLES), (False, _PASSING_EXAMPLES)):
        seen: set[int] = set()
        for row in order.tolist():
            if len(seen) < limit and (rows.failed[row] >= 0.5) == failing and int(rows.unit[row]) not in seen:
                seen.add(int(rows.unit[row]))
                chosen.append(row)
    return [
        {
            "example_id": rows.example_ids[row],
            "prompt": rows.prompts[row],
            "response": rows.responses[row],
            "reference": rows.references[row],
            "score": float(rows.scores[row]) if np.isfinite(rows.scores[row]) else None,
            "failed": bool(rows.failed[row] >= 0.5),
        }
        for row in chosen
    ]
