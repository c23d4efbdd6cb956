"""Find the regions in which a model fails more than elsewhere, as `FailureSlice`s."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import FailureSlice
from faultmap_core.naming.keywords import KeywordNamer, Namer, NamingTask, RegionName
from faultmap_core.naming.prompt_sources import Sources, sources_of
from faultmap_core.regions.composition import composition
from faultmap_core.regions.dependence import LEAST_NEAR_COPY_GROUPS, TEMPLATE_CORRELATION, dependence, near_copy_groups
from faultmap_core.regions.metadata_columns import input_columns, metadata_sets
from faultmap_core.regions.rows import EvalRows as EvalRows
from faultmap_core.regions.rows import by_typicality, distinct_prompts, equally_many, examples_of, unit_label
from faultmap_core.regions.rows import slice_id as slice_id
from faultmap_core.regions.search import (
    AnyLabel,
    Candidates,
    Label,
    Region,
    RegionSettings,
    ScoreLabel,
    Test,
    candidates_of,
    confirm_regions,
    find_regions,
)
from faultmap_core.regions.shrinkage import shrunken_difference, spread_of_regions
from faultmap_core.regions.tree import ClusterTree
from faultmap_core.stats.exact_tests import minimum_detectable_effect, newcombe_interval
from faultmap_core.stats.superiority import probability_of_superiority

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

Outcome = Literal["auto", "failed", "score"]
OUTCOMES: tuple[Outcome, ...] = ("auto", "failed", "score")

_TYPICAL_PROMPTS = 5
_NAMED_FROM = 2_000
# Scores are graded when they take this many values and the two most common hold no more than this share of the rows.
_GRADED_VALUES, _GRADED_SHARE = 5, 0.9
# With more units whose outcome is a fraction (repeats), the rank-sum test sees more than rounded counts do.
_FRACTIONAL_SHARE = 0.2


@dataclass(frozen=True)
class SliceSettings:
    """How to look for failure slices.

    Attributes:
        significance_level: expected share of false slices, in (0, 1).
        min_slice_size: least distinct prompts in a slice.
        test: "midp" | "fisher" | "chi2", for outcomes that are failed or not.
        seed: for the halves of `confirm`, and for which copies of a prompt stand for it where some have more.
        outcome: "failed" looks where failures gather; "score" where scores are worse, by the rank-sum test; "auto"
            takes the scores where they are graded. A slice always fails more than the rest, too.
        metadata: values of metadata columns, and pairs of them, are candidates beside the tree.
        correct_dependence: near-copies and `EvalRows.groups` with correlated outcomes count for less.
        confirm: find on one random half of the prompts, confirm on the other.
    """

    significance_level: float = 0.05
    min_slice_size: int = 10
    test: Test = "midp"
    seed: int = 0
    outcome: Outcome = "auto"
    metadata: bool = True
    correct_dependence: bool = True
    confirm: bool = False

    def regions(self) -> RegionSettings:
        """Return the engine's settings; raises ConfigurationError on a value that is not allowed."""
        if self.outcome not in OUTCOMES:
            raise ConfigurationError(f"outcome is {self.outcome!r}; expected one of {', '.join(OUTCOMES)}")
        return RegionSettings(significance_level=self.significance_level, min_size=self.min_slice_size, test=self.test)


@dataclass(frozen=True)
class SliceAnalysis:
    """What was found and how much was looked at.

    Attributes:
        slices: by falling estimated excess failures.
        total_rows, scored_rows, units: rows given, rows with an outcome, distinct prompts among those.
        failures: scored rows that failed (fractions of repeats rounded).
        failure_rate: their share, 0.0 where no row is scored.
        tested: candidates tested; test_used: "midp" | "fisher" | "chi2" | "ranksum".
        note: why there are no slices, for people; empty where there are.
        effective_units: independent observations that the units are worth.
        outcome_correlation: of outcomes within near-copies, group_correlation: within the given groups, beyond what
            their region explains; 0 where not significantly positive.
        minimum_detectable_effect: region size -> smallest risk difference found in four of five cases, None where
            even a region that always fails would not be.
    """

    slices: tuple[FailureSlice, ...]
    total_rows: int
    scored_rows: int
    units: int
    failures: int
    failure_rate: float
    tested: int
    note: str = ""
    test_used: str = "midp"
    effective_units: float = 0.0
    outcome_correlation: float = 0.0
    group_correlation: float = 0.0
    minimum_detectable_effect: Mapping[int, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Question:
    """The label that is looked for, failures as a label with the same weights, and what hangs together."""

    label: AnyLabel
    failures: Label
    test_used: str
    statistic: str
    groups: Rows
    near_correlation: float
    group_correlation: float


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
    points = np.asarray(vectors)
    scored = np.flatnonzero(np.isfinite(rows.failed))
    question = _question(rows, scored, tree, points, chosen)
    described = {name: [values[row] for row in scored.tolist()] for name, values in rows.metadata.items()}
    columns = input_columns(described, rows.failed[scored])
    rows = replace(rows, metadata={name: rows.metadata[name] for name in columns})
    sets = metadata_sets(columns, rows.unit[scored], tree.n_units, chosen.min_slice_size) if chosen.metadata else {}
    candidates = candidates_of(tree, sets)
    regions, held_out, tested = _search(candidates, question, chosen, region_settings)
    found = _found(rows, scored, candidates, regions, held_out, question.label)
    names = _named(rows, scored, points, found, namer or KeywordNamer())
    worth = float(question.label.trials.sum())
    spread = spread_of_regions(candidates, question.failures, chosen.min_slice_size) if found else 0.0
    slices = [
        _slice(rows, scored, points, one, name, chosen.significance_level, tested, question, spread)
        for one, name in zip(found, names, strict=True)
    ]
    failures = float(rows.failed[scored].sum())
    rate = failures / len(scored) if len(scored) else 0.0
    return SliceAnalysis(
        slices=tuple(sorted(slices, key=lambda one: (-one.estimated_excess_failures, one.slice_id))),
        total_rows=len(rows),
        scored_rows=len(scored),
        units=int((question.label.trials > 0).sum()),
        failures=round(failures),
        failure_rate=rate,
        tested=tested,
        note="" if slices else _why_none(len(scored), failures, tested, chosen),
        test_used=question.test_used,
        effective_units=worth,
        outcome_correlation=question.near_correlation,
        group_correlation=question.group_correlation,
        minimum_detectable_effect=_detectable(worth, rate, tested, chosen),
    )


def _question(
    rows: EvalRows, scored: Rows, tree: ClusterTree, vectors: NDArray[np.float32], settings: SliceSettings
) -> _Question:
    """Choose what is tested, and weigh units by what they are worth as observations."""
    failed = unit_label(rows.unit[scored], rows.failed[scored], tree.n_units)
    present = failed.trials > 0
    drawn = scored[equally_many(rows.unit[scored], settings.seed)]
    worse, statistic = _worse(rows, scored, drawn, tree.n_units, settings.outcome), "score"
    if worse is None and settings.outcome == "auto":
        repeats = unit_label(rows.unit[drawn], rows.failed[drawn], tree.n_units).successes
        if ((repeats > 0) & (repeats < 1)).sum() > _FRACTIONAL_SHARE * max(present.sum(), 1):
            worse, statistic = repeats, "failure rate over repeats"
    outcome = failed.successes if worse is None else worse
    groups, near, given = np.arange(tree.n_units), 0.0, 0.0
    weights = np.ones(tree.n_units)
    if settings.correct_dependence:
        groups = near_copy_groups(tree, vectors)
        copies = dependence(tree, outcome, present, groups, TEMPLATE_CORRELATION, LEAST_NEAR_COPY_GROUPS)
        weights, near = copies.weights, copies.correlation
        if rows.groups is not None:
            sessions = _unit_groups(rows.unit[scored], [rows.groups[row] for row in scored.tolist()], tree.n_units)
            together = dependence(tree, outcome, present, sessions)
            weights, given = np.minimum(weights, together.weights), together.correlation
    trials = np.where(present, weights, 0.0)
    failures = Label(failed.successes * trials, trials, failed.trials)
    if worse is not None:
        return _Question(ScoreLabel(worse, trials, failed.trials), failures, "ranksum", statistic, groups, near, given)
    return _Question(failures, failures, settings.test, "failure rate", groups, near, given)


def _worse(rows: EvalRows, scored: Rows, drawn: Rows, n_units: int, outcome: Outcome) -> Floats | None:
    """Return each unit's mean score over its rows drawn, turned so that greater is worse; None where failures are what
    is asked for."""
    scores = rows.scores[scored]
    if outcome == "failed" or not len(scored) or not np.isfinite(scores).all():
        return None
    values, counts = np.unique(scores, return_counts=True)
    graded = len(values) >= _GRADED_VALUES and np.sort(counts)[-2:].sum() <= _GRADED_SHARE * len(scored)
    if outcome == "auto" and not graded:
        return None
    # Where failing rows have the higher scores, lower is better (a loss, a distance).
    deviation = scores - scores.mean()
    sign = 1.0 if float((deviation * rows.failed[scored]).sum()) > 0 else -1.0
    counted = np.bincount(rows.unit[drawn], minlength=n_units).astype(np.float64)
    sums = np.bincount(rows.unit[drawn], weights=sign * rows.scores[drawn], minlength=n_units)
    mean: Floats = sums / np.maximum(counted, 1.0)
    return mean


def _unit_groups(unit: Rows, names: Sequence[str | None], n_units: int) -> Rows:
    """Return (n_units,) group numbers: that of a unit's first named row, or one of its own."""
    group = n_units + np.arange(n_units)
    number: dict[str, int] = {}
    for one, name in zip(unit[::-1].tolist(), reversed(names), strict=True):
        if name is not None and name != "":
            group[one] = number.setdefault(name, len(number))
    return group


def _search(
    candidates: Candidates, question: _Question, settings: SliceSettings, region_settings: RegionSettings
) -> tuple[tuple[Region, ...], tuple[Region, ...] | None, int]:
    """Return the regions, the same on the held-out half (None without one), and the number of candidates tested."""
    label = question.label
    if not settings.confirm:
        search = find_regions(candidates, label, region_settings)
        return search.regions, None, search.n_tested
    _, number = np.unique(question.groups, return_inverse=True)
    drawn = np.random.default_rng(settings.seed).random(len(question.groups))[number] < 0.5
    halved = RegionSettings(
        significance_level=settings.significance_level,
        min_size=max(settings.min_slice_size // 2, 1),
        test=settings.test,
    )
    search = find_regions(candidates, _only(label, drawn), halved)
    return search.regions, confirm_regions(candidates, _only(label, ~drawn), search.regions, halved), search.n_tested


def _only(label: AnyLabel, units: NDArray[np.bool_]) -> AnyLabel:
    trials = np.where(units, label.trials, 0.0)
    sizes = None if label.sizes is None else np.where(units, label.sizes, 0.0)
    if isinstance(label, Label):
        return Label(np.where(units, label.successes, 0.0), trials, sizes)
    return ScoreLabel(label.values, trials, sizes)


@dataclass(frozen=True)
class _Found:
    """A region with its rows, and itself on the held-out half."""

    region: Region
    inside: Rows
    held_out: Region | None
    units: int
    worth: float
    worth_rest: float


def _found(
    rows: EvalRows,
    scored: Rows,
    candidates: Candidates,
    regions: Sequence[Region],
    held_out: Sequence[Region] | None,
    label: AnyLabel,
) -> list[_Found]:
    """Give the regions their rows, on both halves where there are two; leave out those that do not fail more."""
    total = float(label.trials.sum())
    free = label.trials > 0
    failures = float(rows.failed[scored].sum())
    found = []
    for position, region in enumerate(regions):
        units = region.units if held_out is None else candidates.units(region.candidate)
        units = units[free[units]]
        free[units] = False
        inside = scored[np.isin(rows.unit[scored], units)]
        failed = float(rows.failed[inside].sum())
        worth = float(label.trials[units].sum())
        one = _Found(region, inside, held_out[position] if held_out else None, len(units), worth, total - worth)
        if failed * (len(scored) - len(inside)) > (failures - failed) * len(inside):
            found.append(one)
    return found


def _named(
    rows: EvalRows, scored: Rows, vectors: NDArray[np.float32], found: Sequence[_Found], namer: Namer
) -> list[RegionName]:
    if not found:
        return []
    total, failures = len(scored), float(rows.failed[scored].sum())
    tasks = []
    for one in found:
        order = by_typicality(rows, one.inside, vectors)
        failed = float(rows.failed[one.inside].sum())
        prompts = distinct_prompts(rows, order, _NAMED_FROM)
        tasks.append(
            NamingTask(
                prompts=prompts,
                size=len(one.inside),
                failures=round(failed),
                rate=failed / len(one.inside),
                rest_rate=(failures - failed) / max(total - len(one.inside), 1),
                examples=examples_of(rows, order),
                fixed_name=one.region.name,
                composition=composition(rows.metadata, one.inside, scored),
                sources=_sources(rows, order, len(prompts)),
            )
        )
    _, first = np.unique(rows.unit[scored], return_index=True)
    return namer.name_regions(tasks, [rows.prompts[row] for row in scored[np.sort(first)]])


def _sources(rows: EvalRows, order: Rows, distinct: int) -> Sources | None:
    """Return who asked each of the first `distinct` prompts in the order of some rows."""
    if rows.sources is None:
        return None
    place = {unit: at for at, unit in enumerate(dict.fromkeys(rows.unit[order].tolist()))}
    unit = np.array([place[one] for one in rows.unit[order].tolist()], dtype=np.int64)
    return sources_of(unit, [rows.sources[row] for row in order.tolist()], len(place))[:distinct]


def _slice(
    rows: EvalRows,
    scored: Rows,
    vectors: NDArray[np.float32],
    found: _Found,
    name: RegionName,
    significance_level: float,
    tested: int,
    question: _Question,
    spread: float,
) -> FailureSlice:
    """Put rates on rows (what a reader counts) and the interval on what the units are worth as observations."""
    region, inside, held_out = found.region, found.inside, found.held_out
    size, rest = len(inside), max(len(scored) - len(inside), 1)
    failed = float(rows.failed[inside].sum())
    rate, baseline = failed / size, min(max((float(rows.failed[scored].sum()) - failed) / rest, 0.0), 1.0)
    difference = rate - baseline
    low, high = (float(v) for v in newcombe_interval(rate, found.worth, baseline, found.worth_rest, region.level))
    estimate = shrunken_difference(rate, found.worth, baseline, spread)
    if held_out is not None and isinstance(question.label, Label):
        # The other half was not selected for what it shows.
        estimate = difference = held_out.risk_difference if held_out.trials > 0 else 0.0
        low, high = held_out.low, held_out.high
    order = by_typicality(rows, inside, vectors)
    found_slice = FailureSlice(
        name=name.name,
        description=name.description,
        size=size,
        failure_rate=rate,
        baseline_rate=baseline,
        effect_size=rate / baseline if baseline > 0 else None,
        p_value=region.p_value,
        adjusted_p_value=region.adjusted_p_value,
        test_used=question.test_used,
        sample_indices=[int(row) for row in inside],
        examples=examples_of(rows, order),
        representative_prompts=distinct_prompts(rows, order, _TYPICAL_PROMPTS),
        cluster_id=region.candidate,
        root_cause=name.root_cause,
        suggested_remediation=name.suggested_remediation,
        slice_id=slice_id(rows.example_ids[row] for row in inside),
        units=found.units,
        failures=round(failed),
        expected_failures=size * baseline,
        excess_failures=failed - size * baseline,
        risk_difference=difference,
        risk_difference_low=low,
        risk_difference_high=high,
        estimated_risk_difference=estimate,
        estimated_excess_failures=size * estimate,
        named_by=name.named_by,
        keywords=list(name.keywords),
        cited_examples=name.cited_examples,
        naming_note=name.note,
        minimum_detectable_effect=minimum_detectable_effect(
            found.worth, found.worth + found.worth_rest, baseline, significance_level / max(tested, 1)
        ),
        confirmed=None if held_out is None else held_out.adjusted_p_value <= significance_level,
        confirmation_p_value=None if held_out is None else held_out.p_value,
        statistic=question.statistic,
        rest_size=len(scored) - size,
        **_graded(rows, scored, found, question),
    )
    return _described(found_slice, name.typical) if question.statistic == "score" else found_slice


def _described(found: FailureSlice, typical: str) -> FailureSlice:
    """Describe a slice found by scores by what was tested: the namer knows failure rates only."""
    if found.named_by not in ("keywords", "metadata"):
        return found
    return replace(found, description=f"{found.claim}{typical}")


def _graded(rows: EvalRows, scored: Rows, found: _Found, question: _Question) -> dict[str, float | None]:
    """Return mean scores and probability of superiority, where ranks were tested."""
    label = question.label
    if not isinstance(label, ScoreLabel):
        return {}
    present = np.flatnonzero(label.trials > 0)
    within = np.isin(present, rows.unit[found.inside])
    values, weights = label.values[present], label.trials[present]
    estimate, low, high = probability_of_superiority(values, weights, within, found.region.level)
    figures: dict[str, float | None] = {"superiority": estimate, "superiority_low": low, "superiority_high": high}
    # Means that point the other way than the ranks would contradict what was tested.
    if question.statistic == "score" and values[within].mean() > values[~within].mean():
        outside = np.setdiff1d(scored, found.inside)
        means = {"mean_score": rows.scores[found.inside], "baseline_score": rows.scores[outside]}
        figures |= {name: float(scores.mean()) for name, scores in means.items()}
    return figures


def _detectable(worth: float, rate: float, tested: int, settings: SliceSettings) -> dict[int, float | None]:
    """What regions of several sizes would have had to show, at the threshold of the first step's smallest p."""
    sizes = sorted({settings.min_slice_size, 20, 50, 100, 200, 500, 1000})
    needed = settings.significance_level / max(tested, 1)
    fitting = [size for size in sizes if settings.min_slice_size <= size <= worth / 2] if tested else []
    return {size: minimum_detectable_effect(size, worth, rate, needed) for size in fitting}


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
