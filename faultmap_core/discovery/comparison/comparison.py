"""Compare two or more models, overall and by region.

Two things are asked and kept apart. A slice is *selected* where A's share of the disagreements differs from the rest's,
so that a model which is better everywhere is one sentence and not forty slices. Who *wins* inside it is a paired test,
with its p and its interval adjusted for the selection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.discovery.comparison.paired_rows import ComparisonSettings, PairedRows, Pairs, Verdict
from faultmap_core.discovery.comparison.results import (
    ComparisonResult,
    ManyComparisons,
    SliceComparison,
    SliceStanding,
    pairing_sentence,
)
from faultmap_core.naming.keywords import KeywordNamer, Namer, NamingTask, RegionName
from faultmap_core.regions.composition import composition
from faultmap_core.regions.rows import slice_id
from faultmap_core.regions.search import Candidates, Region, candidates_of, confirm_regions, find_regions
from faultmap_core.regions.tree import ClusterTree
from faultmap_core.stats import exact_tests as statistics

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_EXAMPLES_WITH, _EXAMPLES_AGAINST = 5, 2
_TYPICAL_PROMPTS = 5
_NAMED_FROM = 2_000


def compare(
    rows: PairedRows,
    tree: ClusterTree,
    vectors: ArrayLike,
    settings: ComparisonSettings | None = None,
    namer: Namer | None = None,
    *,
    model_a: str = "Model A",
    model_b: str = "Model B",
) -> ComparisonResult:
    """Compare two models on the same prompts, over all and where the answer changes.

    Args:
        rows: what was asked and how it went; rows without an outcome of both models stay out.
        tree: over the units that `rows.unit` names; vectors: (units, d), the units' vectors.
        namer: keyword names where None.
    Returns: a `ComparisonResult`, valid and without slices where there is nothing to find.
    Raises: ConfigurationError on settings that are not allowed or a `unit` outside the tree.
    """
    chosen = settings or ComparisonSettings()
    if len(rows) and (rows.unit.min() < 0 or rows.unit.max() >= tree.n_units):
        raise ConfigurationError(f"rows: unit lies outside 0 … {tree.n_units - 1}, the units of the tree")
    pairs = Pairs.of(rows, tree, vectors, chosen)
    candidates, node = _large_enough(candidates_of(tree), pairs.present, chosen.min_slice_size)
    regions, tested = _where_it_differs(candidates, pairs)
    members = _members(candidates, regions, pairs)
    slices = _slices(pairs, members, regions, node, tested, np.asarray(vectors), namer, (model_a, model_b))
    by_excess = tuple(sorted(slices, key=lambda one: (-abs(one.excess_wins_a), one.slice_id)))
    return _result(pairs, by_excess, tested, model_a, model_b)


def _result(
    pairs: Pairs, slices: tuple[SliceComparison, ...], tested: int, model_a: str, model_b: str
) -> ComparisonResult:
    """Judge all prompts together and put the slices beside that."""
    rows, settings = pairs.rows, pairs.settings
    whole = pairs.verdict(pairs.present, 1.0)
    a_wins, b_wins = pairs.row_wins(pairs.compared)
    return ComparisonResult(
        model_a=model_a,
        model_b=model_b,
        slices=slices,
        total_rows=len(rows),
        compared_rows=len(pairs.compared),
        units=int(pairs.present.sum()),
        failure_rate_a=_mean(rows.failed_a[pairs.compared]),
        failure_rate_b=_mean(rows.failed_b[pairs.compared]),
        global_winner=whole.winner(whole.p_value, settings.significance_level),
        global_advantage_rate=whole.advantage_rate,
        global_p_value=whole.p_value,
        global_adjusted_p_value=whole.p_value,
        global_test_used=pairs.test_used,
        global_discordant_a_wins=round(a_wins),
        global_discordant_b_wins=round(b_wins),
        difference=whole.difference,
        difference_low=whole.low,
        difference_high=whole.high,
        equivalent=whole.equivalent,
        tested=tested,
        significance_level=settings.significance_level,
        margin=settings.margin,
        outcome=settings.outcome,
        note="" if slices else _why_none(pairs, tested, settings),
        other_prompts=_other_prompts(rows),
    )


def _large_enough(
    candidates: Candidates, present: NDArray[np.bool_], least: int
) -> tuple[Candidates, NDArray[np.int64]]:
    """Keep the nodes with at least `least` compared prompts; also return each kept one's number in the tree."""
    kept = np.flatnonzero(candidates.sums(present.astype(np.float64)) >= least)
    parent = None
    if candidates.parent is not None:
        # A parent holds at least what its child holds, so it is kept too.
        number = np.full(len(candidates) + 1, -1, dtype=np.int64)
        number[kept] = np.arange(len(kept))
        parent = number[candidates.parent[kept]]
    return Candidates(candidates.order, candidates.start[kept], candidates.end[kept], parent=parent), kept


def _where_it_differs(candidates: Candidates, pairs: Pairs) -> tuple[list[Region], int]:
    """Search for regions where A's share differs from elsewhere, and for parts of them that differ from the region.

    Every prompt belongs to the smallest region that holds it; what each then has is tested once more against all
    others, at the level that the search used.

    Returns: the regions, smallest first, and how many candidates were tested.
    """
    settings = pairs.settings.regions()
    search = find_regions(candidates, pairs.label(), settings)
    found: dict[int, Region] = {}
    waiting = list(search.regions)
    while waiting:
        region = waiting.pop()
        found[region.candidate] = region
        parts = find_regions(candidates, pairs.label(region.units), settings)
        waiting.extend(part for part in parts.regions if part.candidate not in found)
    smallest_first = sorted(found.values(), key=lambda one: (len(candidates.units(one.candidate)), one.candidate))
    again = confirm_regions(candidates, pairs.label(), tuple(smallest_first), settings)
    threshold = settings.significance_level * len(found) / max(search.n_tested, 1)
    return [one for one in again if one.p_value <= threshold], search.n_tested


def _members(candidates: Candidates, regions: Sequence[Region], pairs: Pairs) -> list[Rows]:
    """Return each region's units, the concordant ones too, without those of a smaller region."""
    taken = ~pairs.present
    members = []
    for region in regions:
        units = candidates.units(region.candidate)
        members.append(units[~taken[units]])
        taken[units] = True
    return members


def _slices(
    pairs: Pairs,
    members: Sequence[Rows],
    regions: Sequence[Region],
    node: NDArray[np.int64],
    tested: int,
    vectors: NDArray[Any],
    namer: Namer | None,
    models: tuple[str, str],
) -> list[SliceComparison]:
    """Put verdicts, names and numbers to the regions found."""
    if not regions:
        return []
    multiplicity = max(1.0, tested / len(regions))
    rows = [pairs.compared[np.isin(pairs.rows.unit[pairs.compared], units)] for units in members]
    typical = [_typical(pairs.rows, inside, vectors) for inside in rows]
    verdicts = [pairs.verdict(_mask(units, pairs.present), multiplicity) for units in members]
    names = (namer or KeywordNamer()).name_regions(
        [_task(pairs, order, models) for order in typical],
        _background(pairs),
    )
    return [
        _slice(pairs, order, region, int(node[region.candidate]), verdict, name, multiplicity)
        for order, region, verdict, name in zip(typical, regions, verdicts, names, strict=True)
    ]


def _slice(
    pairs: Pairs,
    order: Rows,
    region: Region,
    node: int,
    verdict: Verdict,
    name: RegionName,
    multiplicity: float,
) -> SliceComparison:
    rows, inside = pairs.rows, np.sort(order)
    adjusted = min(1.0, verdict.p_value * multiplicity)
    failed_a, failed_b = rows.failed_a[inside], rows.failed_b[inside]
    a_wins, b_wins = pairs.row_wins(inside)
    rest = pairs.present & ~_mask(rows.unit[inside], pairs.present)
    return SliceComparison(
        name=name.name,
        description=name.description,
        size=len(inside),
        failure_rate_a=_mean(failed_a),
        failure_rate_b=_mean(failed_b),
        failure_rate_diff=_mean(failed_a) - _mean(failed_b),
        concordant_pass=round(float(((1 - failed_a) * (1 - failed_b)).sum())),
        concordant_fail=round(float((failed_a * failed_b).sum())),
        discordant_a_wins=round(a_wins),
        discordant_b_wins=round(b_wins),
        advantage_rate=verdict.advantage_rate,
        p_value=verdict.p_value,
        adjusted_p_value=adjusted,
        test_used=pairs.test_used,
        winner=verdict.winner(adjusted, pairs.settings.significance_level),
        sample_indices=[int(row) for row in inside],
        examples=_examples(pairs, order, region.rate >= region.rest_rate),
        representative_prompts=_distinct_prompts(rows, order, _TYPICAL_PROMPTS),
        cluster_id=node,
        slice_id=slice_id(rows.example_ids[row] for row in inside),
        units=len(np.unique(rows.unit[inside])),
        rest_advantage_rate=pairs.advantage_rate(rest),
        excess_wins_a=region.excess,
        selection_p_value=region.p_value,
        selection_adjusted_p_value=min(1.0, region.p_value * multiplicity),
        difference=verdict.difference,
        difference_low=verdict.low,
        difference_high=verdict.high,
        equivalent=verdict.equivalent,
        named_by=name.named_by,
        keywords=list(name.keywords),
        root_cause=name.root_cause,
        suggested_remediation=name.suggested_remediation,
        cited_examples=name.cited_examples,
        naming_note=name.note,
    )


def _task(pairs: Pairs, order: Rows, models: tuple[str, str]) -> NamingTask:
    inside = _mask(pairs.rows.unit[order], pairs.present)
    rate, rest_rate = pairs.advantage_rate(inside), pairs.advantage_rate(pairs.present & ~inside)
    differing = int((inside & pairs.differing).sum())
    return NamingTask(
        prompts=_distinct_prompts(pairs.rows, order, _NAMED_FROM),
        size=differing,
        failures=round(rate * differing),
        rate=rate,
        rest_rate=rest_rate,
        what=f"disagreements go to {models[0]}",
        examples=_examples(pairs, order, rate >= rest_rate),
        composition=composition(pairs.rows.metadata, order, pairs.compared),
        question="comparison",
        models=models,
    )


def _background(pairs: Pairs) -> list[str]:
    _, first = np.unique(pairs.rows.unit[pairs.compared], return_index=True)
    return [pairs.rows.prompts[row] for row in pairs.compared[np.sort(first)]]


def _typical(rows: PairedRows, inside: Rows, vectors: NDArray[Any]) -> Rows:
    """Return the rows inside, those nearest to the centre of the slice first, ties by position."""
    own = vectors[rows.unit[inside]].astype(np.float64)
    return inside[np.lexsort((inside, -np.round(own @ own.mean(axis=0), 9)))]


def _distinct_prompts(rows: PairedRows, order: Rows, limit: int) -> list[str]:
    _, first = np.unique(rows.unit[order], return_index=True)
    return [rows.prompts[row] for row in order[np.sort(first)[:limit]]]


def _examples(pairs: Pairs, order: Rows, favours_a: bool) -> list[dict[str, Any]]:
    """Return typical disagreements that go with the slice and then some that go against it, one per prompt."""
    rows = pairs.rows
    if pairs.settings.outcome == "binary":
        better = rows.failed_b[order] - rows.failed_a[order]
    else:
        better = (rows.scores_a - rows.scores_b)[order] * (1.0 if pairs.settings.higher_is_better else -1.0)
    chosen: list[int] = []
    for with_slice, limit in ((True, _EXAMPLES_WITH), (False, _EXAMPLES_AGAINST)):
        going = order[better > 0 if with_slice == favours_a else better < 0]
        _, first = np.unique(rows.unit[going], return_index=True)
        chosen.extend(int(row) for row in going[np.sort(first)[:limit]])
    return [_example(rows, row) for row in chosen]


def _example(rows: PairedRows, row: int) -> dict[str, Any]:
    return {
        "example_id": rows.example_ids[row],
        "prompt": rows.prompts[row],
        "response_a": rows.responses_a[row],
        "response_b": rows.responses_b[row],
        "reference": rows.references[row],
        "score_a": float(rows.scores_a[row]) if np.isfinite(rows.scores_a[row]) else None,
        "score_b": float(rows.scores_b[row]) if np.isfinite(rows.scores_b[row]) else None,
        "failed_a": bool(rows.failed_a[row] >= 0.5),
        "failed_b": bool(rows.failed_b[row] >= 0.5),
    }


def _mask(units: Rows, like: NDArray[np.bool_]) -> NDArray[np.bool_]:
    mask = np.zeros(len(like), dtype=np.bool_)
    mask[units] = True
    return mask


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0


def _other_prompts(rows: PairedRows) -> int:
    """Return how many example ids both models have an outcome for, but never in one row: their prompts differ."""
    known_a, known_b = np.isfinite(rows.failed_a), np.isfinite(rows.failed_b)
    ids = np.asarray(rows.example_ids, dtype=object)
    paired = set(ids[known_a & known_b])
    return len((set(ids[known_a]) & set(ids[known_b])) - paired)


def _why_none(pairs: Pairs, tested: int, settings: ComparisonSettings) -> str:
    compared = len(pairs.compared)
    if not compared:
        return pairing_sentence(0, _other_prompts(pairs.rows))
    if not pairs.differing.any():
        return f"The models agree on all {compared:,} rows that have an outcome of both."
    if not tested:
        return f"No region has {settings.min_slice_size} distinct prompts and disagreements inside and outside of it."
    return (
        f"In none of the {tested:,} regions tested does the advantage differ significantly from the rest (false"
        f" discovery rate {settings.significance_level:g})."
    )


@dataclass(frozen=True)
class ModelAnswers:
    """How one of several models did on the common examples.

    Attributes: responses: n, each may be None; scores, failed: (n,) as in `PairedRows`, NaN where it has no outcome.
    """

    responses: Sequence[str | None]
    scores: Floats
    failed: Floats


@dataclass(frozen=True)
class CommonExamples:
    """The examples that several models were asked. Attributes: as in `PairedRows`."""

    example_ids: Sequence[str]
    prompts: Sequence[str]
    references: Sequence[str | None]
    unit: Rows
    metadata: Mapping[str, Sequence[str | None]] = field(default_factory=dict)


def paired_rows(examples: CommonExamples, a: ModelAnswers, b: ModelAnswers) -> PairedRows:
    """Return the rows of two models; raises ConfigurationError where a column has not one value per example."""
    return PairedRows(
        example_ids=examples.example_ids,
        prompts=examples.prompts,
        responses_a=a.responses,
        responses_b=b.responses,
        references=examples.references,
        scores_a=a.scores,
        scores_b=b.scores,
        failed_a=a.failed,
        failed_b=b.failed,
        unit=examples.unit,
        metadata=examples.metadata,
    )


def compare_models(
    examples: CommonExamples,
    answers: Mapping[str, ModelAnswers],
    tree: ClusterTree,
    vectors: ArrayLike,
    settings: ComparisonSettings | None = None,
    namer: Namer | None = None,
    *,
    apart: Mapping[tuple[str, str], str] | None = None,
) -> ManyComparisons:
    """Compare every pair of models, and list who wins where.

    Args:
        answers: model name -> its answers, two models or more; the rest as in `compare`.
        apart: pairs (names in the order of `answers`) that must not be compared, such as those judged by unlike
            metrics, and why; such a pair is in the result without a single compared row, with the reason as its note.
    Returns: all pairs (in the order of the names given) with global p-values adjusted over the pairs by
        Benjamini-Hochberg and global winners accordingly, and one line per slice found by any pair.
    Raises: ConfigurationError as `compare`, and on fewer than two models.
    """
    if len(answers) < 2:
        raise ConfigurationError(f"a comparison needs at least 2 models, found {len(answers)}")
    chosen = settings or ComparisonSettings()
    apart = apart or {}
    pairs = [
        _not_compared(a, b, len(examples.example_ids), chosen, apart[a, b])
        if (a, b) in apart
        else compare(paired_rows(examples, answers[a], answers[b]), tree, vectors, chosen, namer, model_a=a, model_b=b)
        for a, b in combinations(answers, 2)
    ]
    tested = [pair for pair in pairs if (pair.model_a, pair.model_b) not in apart]
    adjusted = statistics.benjamini_hochberg([pair.global_p_value for pair in tested]) if tested else ()
    by_pair = {(one.model_a, one.model_b): float(p) for one, p in zip(tested, adjusted, strict=True)}
    pairs = [_adjusted(pair, by_pair.get((pair.model_a, pair.model_b), 1.0)) for pair in pairs]
    rates = {model: _rate(one.failed) for model, one in answers.items()}
    by_rate = sorted(answers, key=lambda model: (rates[model] is None, rates[model] or 0.0, model))
    found = sorted(
        ((pair, one) for pair in pairs for one in pair.slices),
        key=lambda item: (-abs(item[1].excess_wins_a), item[1].slice_id, item[0].model_a, item[0].model_b),
    )
    standings = tuple(_standing(pair, one, _like(pair.model_a, answers, apart)) for pair, one in found)
    return ManyComparisons(tuple(by_rate), tuple(pairs), standings)


def _not_compared(a: str, b: str, rows: int, settings: ComparisonSettings, reason: str) -> ComparisonResult:
    return ComparisonResult(
        model_a=a,
        model_b=b,
        slices=(),
        total_rows=rows,
        compared_rows=0,
        units=0,
        failure_rate_a=0.0,
        failure_rate_b=0.0,
        global_winner="unresolved",
        global_advantage_rate=0.5,
        global_p_value=1.0,
        global_adjusted_p_value=1.0,
        global_test_used="none",
        global_discordant_a_wins=0,
        global_discordant_b_wins=0,
        difference=0.0,
        difference_low=None,
        difference_high=None,
        equivalent=False,
        tested=0,
        significance_level=settings.significance_level,
        margin=settings.margin,
        outcome=settings.outcome,
        note=f"not compared: {reason}",
    )


def _like(
    model: str, answers: Mapping[str, ModelAnswers], apart: Mapping[tuple[str, str], str]
) -> dict[str, ModelAnswers]:
    """Return the answers that may be held against those of a model."""
    return {one: own for one, own in answers.items() if (one, model) not in apart and (model, one) not in apart}


def _adjusted(pair: ComparisonResult, p: float) -> ComparisonResult:
    keeps = pair.global_winner not in ("a", "b") or p <= pair.significance_level
    winner = pair.global_winner if keeps else ("tie" if pair.equivalent else "unresolved")
    return replace(pair, global_adjusted_p_value=p, global_winner=winner)


def _standing(pair: ComparisonResult, one: SliceComparison, answers: Mapping[str, ModelAnswers]) -> SliceStanding:
    inside = np.array(one.sample_indices, dtype=np.int64)
    rates = {model: _rate(answer.failed[inside]) for model, answer in answers.items()}
    known = {model: rate for model, rate in rates.items() if rate is not None}
    best = [model for model, rate in known.items() if rate <= min(known.values()) + 1e-12]
    return SliceStanding(one.slice_id, one.name, one.size, pair.model_a, pair.model_b, one.winner, rates, best)


def _rate(failed: Floats) -> float | None:
    known = failed[np.isfinite(failed)]
    return float(known.mean()) if len(known) else None
