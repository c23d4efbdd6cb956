"""The form in which history keeps what an audit sees: findings, and the scopes in which they change together.

A scope is one model on one dataset, the comparisons of a dataset, the kinds of error of one model on one dataset, or a
day of production. Nothing is read of a scope whose digest is that of the audit before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from faultmap_core.data.metrics import Metric
from faultmap_core.monitoring.changes import CoverageRange
from faultmap_core.monitoring.finding_identity import FindingKey, FindingKind

Area = Literal["evals", "comparisons", "errors", "production"]

PRODUCTION = "production"
"""Under this name history knows all production traffic."""

CENTROID_PROMPTS = 200
"""A centroid of more prompts is no other one."""


@dataclass(frozen=True, order=True)
class AuditScope:
    """What changes together; what a scope does not have is empty."""

    area: Area
    dataset: str = ""
    model: str = ""
    day: str = ""


@dataclass(frozen=True, eq=False)
class Finding:
    """One row of `finding_history`, without its audit; see the migration for what the fields mean."""

    kind: FindingKind
    dataset: str
    model: str
    name: str
    value: float | None
    rows: float
    failures: float = 0.0
    low: float | None = None
    high: float | None = None
    error: float | None = None
    design_effect: float = 1.0
    rest: float | None = None
    rest_rows: float | None = None
    adjusted_p_value: float | None = None
    verdict: str = ""
    source_id: str = ""
    fixed_name: bool = True
    members: frozenset[str] = frozenset()
    centroid: NDArray[np.float64] | None = None
    finding_id: str = ""
    status: str = "new"

    @property
    def key(self) -> FindingKey:
        """What it is recognised by."""
        return FindingKey(
            self.kind,
            self.dataset,
            self.model,
            self.name,
            self.members,
            self.centroid,
            self.fixed_name,
            self.finding_id,
        )


@dataclass(frozen=True, eq=False)
class ScopeState:
    """What one audit sees of one scope.

    Attributes: digest: of what it was read from; findings; outcomes: id of the example outcomes, "" where there are
        none; failed: example key -> failed in [0, 1], NaN without an outcome; metric: by which they were judged, as
        JSON, "" where unknown.
    """

    scope: AuditScope
    digest: str
    findings: tuple[Finding, ...] = ()
    outcomes: str = ""
    failed: Mapping[str, float] = field(default_factory=dict)
    metric: str = ""


def unlike(one: str, other: str) -> str | None:
    """Say why outcomes that were judged by two metrics (JSON, "" unknown) must not be compared; None where they may."""
    return Metric.from_json(one).unlike(Metric.from_json(other)) if one and other else None


def example_key(example_id: str, prompt_id: str = "") -> str:
    """Return the 64-bit digest under which history knows an example: it holds no ids, which may be personal.

    Args: prompt_id: of the prompt that was asked; another prompt under the same id is another example. Production's
        rows have an id of their own and need none.
    """
    named = f"{example_id}\x00{prompt_id}" if prompt_id else example_id
    digest = hashlib.blake2b(named.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return str(int.from_bytes(digest, "big"))


def digest_of(*parts: Any) -> str:
    """Return 32 hex digits that identify JSON values."""
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()


def slice_finding(
    row: Mapping[str, Any], dataset: str, model: str, members: frozenset[str], centroid: NDArray[np.float64] | None
) -> Finding:
    """Return a failure slice, of evals or of a window of production, from its row."""
    return Finding(
        "slice",
        dataset,
        model,
        row["name"],
        row["failure_rate"],
        row["size"],
        row["failures"],
        low=row["risk_difference_low"],
        high=row["risk_difference_high"],
        rest=row["baseline_rate"],
        rest_rows=row["rest_rows"],
        adjusted_p_value=row["adjusted_p_value"],
        source_id=row["slice_id"],
        fixed_name=row["named_by"] == "metadata",
        members=members,
        centroid=centroid,
    )


def with_centroids(
    rows: Sequence[Mapping[str, Any]], column: str, vectors: Iterable[tuple[str, Sequence[float]]]
) -> Iterable[tuple[Mapping[str, Any], NDArray[np.float64] | None]]:
    """Give each row the mean of the vectors that name its id, where there are any."""
    own: dict[str, list[Sequence[float]]] = {}
    for name, vector in vectors:
        own.setdefault(name, []).append(vector)
    for row in rows:
        found = own.get(row[column])
        yield row, np.mean(np.array(found, dtype=np.float64), axis=0) if found else None


def coverage_range(finding: Finding) -> CoverageRange:
    """Return a finding of coverage in the core's form."""
    figures = (finding.value or 0.0, finding.low or 0.0, finding.high or 0.0)
    return CoverageRange(*figures, int(finding.rows))
