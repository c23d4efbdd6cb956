"""Kinds of error of each model against the other models, and in its slices. Joins "where" with "why".

Kinds that need a reference are compared where there is one, and kinds that explain nothing are not compared. Counts of
error categories in, tested contrasts out. Judging, the taxonomy and the slices are given.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import _Record
from faultmap_core.stats import exact_tests as statistics
from faultmap_core.stats.matched_rates import log_ratio, matched_log_ratio, matched_midp

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]
Scope = Literal["model", "slice"]

_SLACK = 1e-9


@dataclass(frozen=True)
class ModelCounts:
    """What one model's errors on one dataset are errors of.

    Attributes:
        scored: examples with a score; failures: those that failed; judged: failures with a usable judgment, whatever it
            said. Each judged failure stands for failures / judged.
        with_reference: the same three of the examples with a reference; None where all have one.
    """

    dataset: str
    model: str
    scored: int
    failures: int
    judged: int
    with_reference: tuple[int, int, int] | None = None

    def where_reference(self) -> ModelCounts:
        """Return the counts of the examples with a reference."""
        if self.with_reference is None:
            return self
        return ModelCounts(self.dataset, self.model, *self.with_reference)


@dataclass(frozen=True)
class SignatureRows:
    """One row per judged error.

    Attributes:
        record_ids, datasets, models, category_ids, example_ids: n each; a category id is a path such as
            "reasoning/arithmetic".
        slice_ids: n; the slices of this dataset and model in which the example lies, may be empty.
        counts: one for every dataset and model that was judged, also where no error was found.
        units: n; what examples that are copies of one prompt share (else: each example for itself).
        has_reference: n; whether the example has a reference (else: all have). needs_reference: n; whether an error of
            this kind is seen only where there is one (else: none is). A kind is compared on rows with a reference if
            any of its errors needs one.
    """

    record_ids: Sequence[str]
    datasets: Sequence[str]
    models: Sequence[str]
    category_ids: Sequence[str]
    example_ids: Sequence[str]
    slice_ids: Sequence[Sequence[str]]
    counts: Sequence[ModelCounts]
    units: Sequence[str] | None = None
    has_reference: Sequence[bool] | None = None
    needs_reference: Sequence[bool] | None = None

    def __post_init__(self) -> None:
        n = len(self.record_ids)
        columns = ("datasets", "models", "category_ids", "example_ids", "slice_ids", "units")
        for name in (*columns, "has_reference", "needs_reference"):
            column = getattr(self, name)
            if column is not None and len(column) != n:
                raise ConfigurationError(f"signature rows: {name} has {len(column)} values for {n} record ids")
        if len(set(self.record_ids)) != n:
            raise ConfigurationError("signature rows: a record id occurs twice; every judged error has its own")
        for one in (*self.counts, *(one.where_reference() for one in self.counts)):
            if not 0 <= one.judged <= one.failures <= one.scored:
                raise ConfigurationError(
                    f"counts of {one.dataset!r}, {one.model!r}: expected judged <= failures <= scored, found "
                    f"{one.judged}, {one.failures}, {one.scored}"
                )

    def __len__(self) -> int:
        """Number of judged errors."""
        return len(self.record_ids)


@dataclass(frozen=True)
class SignatureSettings:
    """How to look for signatures.

    Attributes:
        significance_level: expected share of false ones among the significant of a scope, in (0, 1).
        min_count: a category is tested from this many errors in all, a slice from this many errors inside.
        untested: categories of which only the shares are given, those below them included: what is unclassified or
            explains nothing.
    """

    significance_level: float = 0.05
    min_count: int = 5
    untested: tuple[str, ...] = ("unclassified",)

    def __post_init__(self) -> None:
        if not 0.0 < self.significance_level < 1.0:
            raise ConfigurationError(f"significance_level is {self.significance_level}; expected between 0 and 1")
        if self.min_count < 1:
            raise ConfigurationError(f"min_count is {self.min_count}; expected 1 or more")


@dataclass(frozen=True)
class Signature(_Record):
    """One kind of error of one model, against the other models or, in a slice, against the model's other errors.

    Attributes:
        scope: "model" compares with the other models of the dataset, "slice" with the model's errors elsewhere.
        category_id, depth: the category and its depth, 1 at the top; slice_id: "" in scope "model".
        count: errors of the category; total: the model's judged errors, in the slice where there is one; share: count
            / total. All of a kind that needs a reference are of rows with one.
        rate: in scope "model" the estimated share of scored examples with such an error, in [0, 1] (sampled errors
            stand for those not sampled); in scope "slice" the share.
        rest_rate: the same of the other models together, or of the errors outside of the slice; None without any.
        risk_ratio: rate / rest_rate, None where the rest has none; with risk_ratio_low and risk_ratio_high, at the
            level 1 - significance_level, for significant ones adjusted for the selection (Benjamini and Yekutieli,
            2005); risk_ratio_high is None where the rest has none.
        p_value: one-sided, None where not tested; adjusted_p_value: Benjamini-Hochberg over all tests of the scope.
    """

    scope: Scope
    dataset: str
    model: str
    category_id: str
    depth: int
    slice_id: str
    count: int
    total: int
    share: float
    rate: float
    rest_rate: float | None
    risk_ratio: float | None
    risk_ratio_low: float | None
    risk_ratio_high: float | None
    p_value: float | None
    adjusted_p_value: float | None
    significant: bool


@dataclass(frozen=True)
class _Contrast:
    """A row of the table before the correction for many tests; log_ratio and log_error make the interval."""

    dataset: str
    model: str
    category_id: str
    slice_id: str
    count: int
    total: int
    rate: float
    rest_rate: float | None
    log_ratio: float = float("nan")
    log_error: float = float("nan")
    p_value: float | None = None


@dataclass(frozen=True)
class _Errors:
    """The judged errors of one dataset: numbers in place of names. `path_row`, `path_category`: a row of each pair of
    an error and a category that holds it, at every depth. `compared`: the categories that this population is for: all
    rows for kinds that need no reference, rows with a reference for those that do."""

    dataset: str
    models: tuple[ModelCounts, ...]
    categories: tuple[str, ...]
    model: Codes
    unit: Codes
    path_row: Codes
    path_category: Codes
    slices: Sequence[Sequence[str]]
    compared: NDArray[np.bool_]

    def testable(self, settings: SignatureSettings) -> NDArray[np.bool_]:
        """(categories,) what is compared in this population and may be tested at all."""
        out = [bool(set(_path(name)) & set(settings.untested)) for name in self.categories]
        return np.asarray(self.compared & ~np.array(out, dtype=np.bool_), dtype=np.bool_)


def error_signatures(rows: SignatureRows, settings: SignatureSettings | None = None) -> tuple[Signature, ...]:
    """Return the table of error categories by models, and by slices of each model, with tests.

    Scope "model": does a model make a kind of error on a larger share of the examples than the other models of the
    dataset together? All models answer the same examples, and they fail together on hard ones, most of all models of
    one family. So the unit is the example: the model's weighted error less the others' mean, whose expectation is 0
    under the null hypothesis whatever the sampling ratios and whatever the models have in common (see
    `matched_rates.matched_midp`; McNemar's test for two models). A binomial test of plain counts would be too strict
    where models agree, and find too much where the others agree with each other. Models are to have been given the
    same examples, or at least equally hard ones.

    Scope "slice": given the model's judged errors, do those in the slice belong to the category more often than the
    others? Mid-p hypergeometric. Slices may have been chosen by their failures, not by kinds of failure. Errors on
    copies of one prompt count once.

    Returns:
        Scope "model": every category of the dataset for every model with judgments; scope "slice": what was tested
        and occurs. What is tested depends on margins alone, so that the choice does not bias the tests. Sorted by
        scope, dataset, model, p, category, slice.
    Raises: ConfigurationError where an error's dataset and model have no counts, or fewer judged than errors.
    """
    chosen = settings or SignatureSettings()
    by_model: list[_Contrast] = []
    by_slice: list[_Contrast] = []
    slice_tests: list[Floats] = []
    for errors in _by_dataset(rows):
        by_model += _model_contrasts(errors, chosen)
        for model in range(len(errors.models)):
            found, p_values = _slice_contrasts(errors, model, chosen)
            by_slice += found
            slice_tests.append(p_values)
    model_tests = np.array([one.p_value for one in by_model if one.p_value is not None])
    return tuple(
        _corrected("model", by_model, model_tests, chosen)
        + _corrected("slice", by_slice, np.concatenate([*slice_tests, np.empty(0)]), chosen)
    )


def _by_dataset(rows: SignatureRows) -> list[_Errors]:
    """Number the names of each dataset, in sorted order."""
    judged = {(one.dataset, one.model): one for one in rows.counts}
    if len(judged) != len(rows.counts):
        raise ConfigurationError("signature rows: counts name a dataset and model twice")
    errors_of: dict[str, list[int]] = {one.dataset: [] for one in rows.counts}
    seen: dict[tuple[str, str], int] = {}
    for row, key in enumerate(zip(rows.datasets, rows.models, strict=True)):
        if key not in judged:
            raise ConfigurationError(f"record {rows.record_ids[row]!r}: no counts for {key[0]!r}, {key[1]!r}")
        errors_of[key[0]].append(row)
        seen[key] = seen.get(key, 0) + 1
    for key, errors in seen.items():
        if errors > judged[key].judged:
            raise ConfigurationError(f"{key[0]!r}, {key[1]!r}: {errors} errors, but {judged[key].judged} judged")
    # Where nothing is judged yet, there is nothing to hold against anything.
    known = sorted({one.dataset for one in rows.counts if one.judged})
    found = []
    for dataset in known:
        chosen, counts = errors_of[dataset], [one for one in rows.counts if one.dataset == dataset]
        bound = _bound_to_reference(rows, chosen)
        names = {name for row in chosen for name in _path(rows.category_ids[row])}
        found.append(_numbered(rows, dataset, chosen, counts, names - bound))
        if bound:
            has = rows.has_reference
            chosen = [row for row in chosen if has is None or has[row]]
            counts = [one.where_reference() for one in counts]
            found.append(_numbered(rows, dataset, chosen, counts, bound))
    return found


def _bound_to_reference(rows: SignatureRows, chosen: list[int]) -> frozenset[str]:
    """Return the categories, at every depth, in which an error needs a reference to be seen."""
    if rows.needs_reference is None:
        return frozenset()
    leaves = {rows.category_ids[row] for row in chosen if rows.needs_reference[row]}
    return frozenset(name for leaf in leaves for name in _path(leaf))


def _numbered(
    rows: SignatureRows,
    dataset: str,
    chosen: list[int],
    counts: Sequence[ModelCounts],
    compared: Set[str],
) -> _Errors:
    # A model with failures but no judgment yet says nothing about its kinds of error.
    models = sorted((c for c in counts if c.scored and (c.judged or not c.failures)), key=lambda one: one.model)
    units = rows.units if rows.units is not None else rows.example_ids
    # Sums of weights come out the same to the last digit, whatever the order of the rows.
    chosen = sorted(chosen, key=lambda row: (units[row], rows.models[row], rows.category_ids[row]))
    unit_number = {one: i for i, one in enumerate(sorted({units[row] for row in chosen}))}
    paths = {leaf: _path(leaf) for leaf in {rows.category_ids[row] for row in chosen}}
    categories = sorted({one for path in paths.values() for one in path})
    number = {one: i for i, one in enumerate(categories)}
    model_number = {one.model: i for i, one in enumerate(models)}
    path_numbers = {leaf: [number[one] for one in path] for leaf, path in paths.items()}
    of_row = [path_numbers[rows.category_ids[row]] for row in chosen]
    return _Errors(
        dataset=dataset,
        models=tuple(models),
        categories=tuple(categories),
        model=np.array([model_number[rows.models[row]] for row in chosen], dtype=np.int64),
        unit=np.array([unit_number[units[row]] for row in chosen], dtype=np.int64),
        path_row=np.repeat(np.arange(len(chosen)), [len(path) for path in of_row]).astype(np.int64),
        path_category=np.array([one for path in of_row for one in path], dtype=np.int64),
        slices=[rows.slice_ids[row] for row in chosen],
        compared=np.array([one in compared for one in categories], dtype=np.bool_),
    )


def _path(category_id: str) -> list[str]:
    """Return the category and all that hold it, from the top."""
    parts = category_id.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


@dataclass(frozen=True)
class _Events:
    """Weighted errors by category, example and model, one row for each category and example with an error.

    Attributes:
        values: (events, models); category: (events,); counts: (categories, models) errors, not weighted.
        scored, weight: (models,) scored examples, and how many failures one judged failure stands for.
    """

    values: Floats
    category: Codes
    counts: Codes
    scored: Floats
    weight: Floats


def _events(errors: _Errors) -> _Events:
    n_models, n_categories = len(errors.models), len(errors.categories)
    weight = np.array([one.failures / one.judged if one.judged else 1.0 for one in errors.models])
    model = errors.model[errors.path_row]
    n_units = int(errors.unit.max(initial=0)) + 1
    keys, event = np.unique(errors.path_category * n_units + errors.unit[errors.path_row], return_inverse=True)
    cells, tallies = event.ravel() * n_models + model, errors.path_category * n_models + model
    values: Floats = np.bincount(cells, weights=weight[model], minlength=len(keys) * n_models).astype(np.float64)
    counts = np.bincount(tallies, minlength=n_categories * n_models)
    scored = np.array([one.scored for one in errors.models], dtype=np.float64)
    return _Events(
        values.reshape(len(keys), n_models), keys // n_units, counts.reshape(n_categories, n_models), scored, weight
    )


def _model_contrasts(errors: _Errors, settings: SignatureSettings) -> list[_Contrast]:
    events = _events(errors)
    totals = np.bincount(errors.model, minlength=len(errors.models))
    testable = (events.counts.sum(axis=1) >= settings.min_count) & errors.testable(settings)
    contrasts = []
    for k, one in enumerate(errors.models):
        found = _against_others(events, k) if len(errors.models) > 1 else None
        for c, name in enumerate(errors.categories):
            if not errors.compared[c]:
                continue
            count = int(events.counts[c, k])
            rate = float(count * events.weight[k] / events.scored[k])
            shares = (errors.dataset, one.model, name, "", count, int(totals[k]), rate)
            if found is None:
                contrasts.append(_Contrast(*shares, rest_rate=None))
                continue
            rest, p, ratio, error = (float(column[c]) for column in found)
            contrasts.append(_Contrast(*shares, rest, ratio, error, p if testable[c] else None))
    return contrasts


def _against_others(events: _Events, model: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return, by category, the others' rate, the p-value, the log of the ratio of rates and its error."""
    n_categories = len(events.counts)
    others = np.arange(len(events.scored)) != model
    pooled = float(events.scored[others].sum())
    own, theirs = events.values[:, model] / events.scored[model], events.values[:, others].sum(axis=1) / pooled
    lone = (float(events.weight[model] / events.scored[model]), float(events.weight[others].max()) / pooled)
    all_others = float(events.weight[others].sum()) / pooled / lone[0]
    p = matched_midp(own, theirs, all_others, events.category, n_categories)
    ratio, error = matched_log_ratio(own, theirs, lone, events.category, n_categories)
    rest: Floats = np.bincount(events.category, weights=theirs, minlength=n_categories).astype(np.float64)
    return rest, p, ratio, error


def _slice_contrasts(errors: _Errors, model: int, settings: SignatureSettings) -> tuple[list[_Contrast], Floats]:
    """Return what was tested and occurs in slices of one model, and the p-values of all tests."""
    from scipy.sparse import csr_array

    mine = np.flatnonzero(errors.model == model)
    of_row = [sorted(set(errors.slices[row])) for row in mine.tolist()]
    slices = sorted({one for row in of_row for one in row})
    if not slices:
        return [], np.empty(0)
    number = {one: i for i, one in enumerate(slices)}
    pairs = np.array([(i, number[one]) for i, row in enumerate(of_row) for one in row], dtype=np.int64)
    members = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(mine), len(slices)))
    position = np.full(len(errors.model), -1)
    position[mine] = np.arange(len(mine))
    row = position[errors.path_row]
    path, shape = (row[row >= 0], errors.path_category[row >= 0]), (len(mine), len(errors.categories))
    _, unit = np.unique(errors.unit[mine], return_inverse=True)
    tables = []
    for weights in (np.ones(len(mine)), 1.0 / np.bincount(unit)[unit]):
        kinds = csr_array((weights[path[0]], path), shape=shape)
        tables.append(
            _Table((kinds.T @ members).toarray(), members.T @ weights, kinds.sum(axis=0), float(weights.sum()))
        )
    return _tested_slices(errors, model, slices, tables[0], tables[1], settings)


@dataclass(frozen=True)
class _Table:
    """One model's errors by category and slice, by slice, by category, and in all."""

    hits: Floats
    of_slice: Floats
    of_category: Floats
    total: float


def _tested_slices(
    errors: _Errors, model: int, slices: list[str], rows: _Table, worth: _Table, settings: SignatureSettings
) -> tuple[list[_Contrast], Floats]:
    """`rows` counts errors, `worth` counts errors on copies of one prompt as one."""
    kinds = (worth.of_category >= settings.min_count) & errors.testable(settings)
    usable = (worth.of_slice >= settings.min_count) & (worth.total - worth.of_slice >= 1.0)
    c, s = (one.ravel() for one in np.meshgrid(np.flatnonzero(kinds), np.flatnonzero(usable), indexing="ij"))
    if not len(c):
        return [], np.empty(0)
    hits, inside, of_category = worth.hits[c, s], worth.of_slice[s], worth.of_category[c]
    # Copies make fractions: fewer hits inside, more in all.
    n, whole = np.ceil(inside - _SLACK), float(np.ceil(worth.total - _SLACK))
    good = np.minimum(np.ceil(of_category - _SLACK), whole)
    k = np.clip(np.floor(hits + _SLACK), np.maximum(0.0, n - (whole - good)), np.minimum(n, good))
    p = np.maximum(statistics.midp_greater(k, n, good, whole), sys.float_info.min)
    ratio, error = log_ratio(hits, inside, of_category - hits, worth.total - inside)
    found = []
    for i in np.flatnonzero(hits > 0).tolist():
        count, size = float(rows.hits[c[i], s[i]]), float(rows.of_slice[s[i]])
        rest = (float(rows.of_category[c[i]]) - count) / (rows.total - size)
        names = (errors.dataset, errors.models[model].model, errors.categories[c[i]], slices[s[i]])
        interval = (float(ratio[i]), float(error[i]))
        found.append(_Contrast(*names, int(count), int(size), count / size, rest, *interval, float(p[i])))
    return found, p


def _corrected(scope: Scope, contrasts: list[_Contrast], tests: Floats, settings: SignatureSettings) -> list[Signature]:
    """Adjust for all `tests` of a scope; contrasts were tested among them or not at all."""
    alpha = settings.significance_level
    adjusted = dict(zip(tests.tolist(), statistics.benjamini_hochberg(tests).tolist(), strict=True))
    discoveries = sum(adjusted[p] <= alpha for p in tests.tolist())
    result = []
    for one in contrasts:
        own = None if one.p_value is None else adjusted[one.p_value]
        found = own is not None and own <= alpha
        low, high = _interval(one, alpha * discoveries / len(tests) if found else alpha)
        result.append(
            Signature(
                scope=scope,
                dataset=one.dataset,
                model=one.model,
                category_id=one.category_id,
                depth=len(_path(one.category_id)),
                slice_id=one.slice_id,
                count=one.count,
                total=one.total,
                share=one.count / one.total if one.total else 0.0,
                rate=one.rate,
                rest_rate=one.rest_rate,
                risk_ratio=one.rate / one.rest_rate if one.rest_rate else None,
                risk_ratio_low=low,
                risk_ratio_high=high,
                p_value=one.p_value,
                adjusted_p_value=own,
                significant=found,
            )
        )
    return sorted(result, key=_order)


def _interval(one: _Contrast, alpha: float) -> tuple[float | None, float | None]:
    """Return the bounds of the ratio at level 1 - alpha, stretched to the ratio itself, and open where it is."""
    from scipy.special import ndtri

    if one.rest_rate is None:
        return None, None
    reach = float(ndtri(1.0 - alpha / 2.0)) * one.log_error
    low, high = float(np.exp(one.log_ratio - reach)), float(np.exp(one.log_ratio + reach))
    if not one.rest_rate:
        return low, None
    return min(low, one.rate / one.rest_rate), max(high, one.rate / one.rest_rate)


def _order(one: Signature) -> tuple[str, str, bool, float, str, str]:
    return one.dataset, one.model, one.p_value is None, one.p_value or 0.0, one.category_id, one.slice_id
