"""Where does a model fail? The question put to `regions`, and its answer as `FailureSlice`s."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.clustering import ClusterTree
from faultmap_core.errors import ConfigurationError
from faultmap_core.naming import KeywordNamer, Namer, NamingTask, RegionName
from faultmap_core.regions import Label, Region, RegionSettings, Test, candidates_of, find_regions
from faultmap_core.results import FailureSlice
from faultmap_core.statistics import newcombe_interval

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_FAILING_EXAMPLES = 5
_PASSING_EXAMPLES = 2
_TYPICAL_PROMPTS = 5
_NAMED_FROM = 2_000


@dataclass(frozen=True)
class EvalRows:
    """One row per example of one model on one dataset.

    Attributes:
        example_ids, prompts, responses, references: n each; a response or reference may be None.
        scores: (n,) NaN where unscored.
        failed: (n,) 1.0 failed, 0.0 passed, a fraction where it is a mean of repeats, NaN unscored.
        unit: (n,) which leaf of the tree (distinct prompt) each row has.
        metadata: column name -> n values; groups: n names of what rows belong together (session, template), or None.
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

    def __post_init__(self) -> None:
        n = len(self.example_ids)
        columns: dict[str, Sized] = {"prompts": self.prompts, "responses": self.responses}
        columns |= {"references": self.references, "scores": self.scores, "failed": self.failed, "unit": self.unit}
        columns |= self.metadata
        if self.groups is not None:
            columns["groups"] = self.groups
        for name, column in columns.items():
            if len(column) != n:
                raise ConfigurationError(f"rows: {name} has {len(column)} values for {n} example ids")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.example_ids)


@dataclass(frozen=True)
class SliceSettings:
    """How to look for failure slices.

    Attributes:
        significance_level: expected share of false slices, in (0, 1).
        min_slice_size: least distinct prompts in a slice.
        test: "midp" | "fisher" | "chi2".
        seed: for whatever is drawn at random.
    """

    significance_level: float = 0.05
    min_slice_size: int = 10
    test: Test = "midp"
    seed: int = 0

    def regions(self) -> RegionSettings:
        """Return the engine's settings; raises ConfigurationError on a value that is not allowed."""
        return RegionSettings(significance_level=self.significance_level, min_size=self.min_slice_size, test=self.test)


@dataclass(frozen=True)
class SliceAnalysis:
    """What was found and how much was looked at.

    Attributes:
        slices: by falling excess failures.
        total_rows, scored_rows, units: rows given, rows with an outcome, distinct prompts among those.
        failures: scored rows that failed (fractions of repeats rounded).
        failure_rate: their share, 0.0 where no row is scored.
        tested: candidates tested.
        note: why there are no slices, for people; empty where there are.
    """

    slices: tuple[FailureSlice, ...]
    total_rows: int
    scored_rows: int
    units: int
    failures: int
    failure_rate: float
    tested: int
    note: str = ""


def find_failure_slices(
    rows: EvalRows,
    tree: ClusterTree,
    vectors: ArrayLike,
    settings: SliceSettings | None = None,
    namer: Namer | None = None,
) -> SliceAnalysis:
    """Find the regions of the prompts in which the model fails significantly more than on the rest.

    Args:
        rows: what was asked and how it went; rows without an outcome stay out of tests and rates.
        tree: over the units that `rows.unit` names; vectors: (units, d), the units' vectors.
        namer: keyword names where None.
    Returns: a `SliceAnalysis`, valid and without slices where there is nothing to find.
    Raises: ConfigurationError on settings that are not allowed or a `unit` outside the tree.
    """
    chosen = settings or SliceSettings()
    region_settings = chosen.regions()
    if len(rows) and (rows.unit.min() < 0 or rows.unit.max() >= tree.n_units):
        raise ConfigurationError(f"rows: unit lies outside 0 … {tree.n_units - 1}, the units of the tree")
    scored = np.flatnonzero(np.isfinite(rows.failed))
    label = unit_label(rows.unit[scored], rows.failed[scored], tree.n_units)
    search = find_regions(candidates_of(tree), label, region_settings)
    members = [scored[np.isin(rows.unit[scored], region.units)] for region in search.regions]
    typical = [_typical(rows, inside, np.asarray(vectors)) for inside in members]
    names = _named(rows, scored, members, typical, search.regions, namer or KeywordNamer())
    slices = [
        _slice(rows, scored, inside, order, region, name, chosen)
        for inside, order, region, name in zip(members, typical, search.regions, names, strict=True)
    ]
    failures = float(rows.failed[scored].sum())
    return SliceAnalysis(
        slices=tuple(sorted(slices, key=lambda one: (-one.excess_failures, one.slice_id))),
        total_rows=len(rows),
        scored_rows=len(scored),
        units=int((label.trials > 0).sum()),
        failures=round(failures),
        failure_rate=failures / len(scored) if len(scored) else 0.0,
        tested=search.n_tested,
        note="" if slices else _why_none(len(scored), failures, search.n_tested, chosen),
    )


def unit_label(unit: Rows, outcome: Floats, n_units: int) -> Label:
    """Reduce rows to units: a unit's outcome is the mean over its rows, so copies make no significance.

    Args: unit: (n,) leaf of each row; outcome: (n,) in [0, 1], finite.
    """
    counts = np.bincount(unit, minlength=n_units).astype(np.float64)
    sums = np.bincount(unit, weights=outcome, minlength=n_units)
    present = counts > 0
    return Label(np.where(present, sums / np.maximum(counts, 1.0), 0.0), present.astype(np.float64))


def slice_id(example_ids: Iterable[str]) -> str:
    """Return 12 hex digits that stand for a set of examples, whatever their order."""
    joined = "\x00".join(sorted(example_ids))
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _typical(rows: EvalRows, inside: Rows, vectors: NDArray[Any]) -> Rows:
    """Return the rows inside, those nearest to the centre of the slice first, ties by position."""
    own = vectors[rows.unit[inside]].astype(np.float64)
    similar = own @ own.mean(axis=0) if len(own) else np.zeros(0)
    return inside[np.lexsort((inside, -np.round(similar, 9)))]


def _named(
    rows: EvalRows,
    scored: Rows,
    members: Sequence[Rows],
    typical: Sequence[Rows],
    regions: Sequence[Region],
    namer: Namer,
) -> list[RegionName]:
    if not members:
        return []
    total, failures = len(scored), float(rows.failed[scored].sum())
    tasks = []
    for inside, order, region in zip(members, typical, regions, strict=True):
        failed = float(rows.failed[inside].sum())
        tasks.append(
            NamingTask(
                prompts=_distinct_prompts(rows, order, _NAMED_FROM),
                size=len(inside),
                failures=round(failed),
                rate=failed / len(inside),
                rest_rate=(failures - failed) / max(total - len(inside), 1),
                examples=_examples(rows, order),
                fixed_name=region.name,
            )
        )
    _, first = np.unique(rows.unit[scored], return_index=True)
    return namer.name_regions(tasks, [rows.prompts[row] for row in scored[np.sort(first)]])


def _distinct_prompts(rows: EvalRows, order: Rows, limit: int) -> list[str]:
    seen: set[int] = set()
    prompts: list[str] = []
    for row in order.tolist():
        if int(rows.unit[row]) not in seen:
            seen.add(int(rows.unit[row]))
            prompts.append(rows.prompts[row])
        if len(prompts) >= limit:
            break
    return prompts


def _examples(rows: EvalRows, order: Rows) -> list[dict[str, Any]]:
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


def _slice(
    rows: EvalRows, scored: Rows, inside: Rows, order: Rows, region: Region, name: RegionName, settings: SliceSettings
) -> FailureSlice:
    """Put rates on rows (what a reader counts) and the interval on units (what is independent)."""
    size, rest = len(inside), max(len(scored) - len(inside), 1)
    failed = float(rows.failed[inside].sum())
    rate, baseline = failed / size, (float(rows.failed[scored].sum()) - failed) / rest
    baseline = min(max(baseline, 0.0), 1.0)
    low, high = newcombe_interval(rate, region.trials, baseline, region.rest_trials, region.level)
    return FailureSlice(
        name=name.name,
        description=name.description,
        size=size,
        failure_rate=rate,
        baseline_rate=baseline,
        effect_size=rate / baseline if baseline > 0 else None,
        p_value=region.p_value,
        adjusted_p_value=region.adjusted_p_value,
        test_used=settings.test,
        sample_indices=[int(row) for row in inside],
        examples=_examples(rows, order),
        representative_prompts=_distinct_prompts(rows, order, _TYPICAL_PROMPTS),
        cluster_id=region.candidate,
        root_cause=name.root_cause,
        suggested_remediation=name.suggested_remediation,
        slice_id=slice_id(rows.example_ids[row] for row in inside),
        units=len(region.units),
        failures=round(failed),
        expected_failures=size * baseline,
        excess_failures=failed - size * baseline,
        risk_difference=rate - baseline,
        risk_difference_low=float(low),
        risk_difference_high=float(high),
        named_by=name.named_by,
        keywords=list(name.keywords),
    )


def _why_none(scored: int, failures: float, tested: int, settings: SliceSettings) -> str:
    if not scored:
        return "No row has a score."
    if failures == 0:
        return f"None of the {scored:,} scored rows failed."
    if failures >= scored:
        return f"All {scored:,} scored rows failed, so no region fails more than the rest."
    if not tested:
        return f"No region has {settings.min_slice_size} distinct prompts or more inside and outside of it."
    return (
        f"None of the {tested:,} regions tested fails significantly more than the rest (false discovery rate"
        f" {settings.significance_level:g})."
    )
