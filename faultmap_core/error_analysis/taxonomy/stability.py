"""Measure how stable a taxonomy is: two are built from halves of a sample and compared on the second half.

An error kind that the data really holds is found in either half; one that a run made up is not.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from faultmap_core.error_analysis.taxonomy.growth import NO_CATEGORY, Grown, Method, grow, units_of
from faultmap_core.error_analysis.taxonomy.results import (
    UNCLASSIFIED,
    ErrorRecord,
    Taxonomy,
    TaxonomyQuality,
    TaxonomySettings,
)

LEAST_RECORDS = 20


def halves(
    records: Sequence[ErrorRecord], wanted: int, seed: int
) -> tuple[list[ErrorRecord], list[ErrorRecord]] | None:
    """Return two halves of a seeded sample of `wanted` records; None where that is fewer than 20."""
    if min(wanted, len(records)) < LEAST_RECORDS:
        return None
    ordered = sorted(records, key=lambda record: record.record_id)
    chosen = np.random.default_rng(seed).permutation(len(ordered))[:wanted].tolist()
    middle = len(chosen) // 2
    return [ordered[i] for i in sorted(chosen[:middle])], [ordered[i] for i in sorted(chosen[middle:])]


def measure(records: Sequence[ErrorRecord], method: Method, settings: TaxonomySettings, wanted: int) -> TaxonomyQuality:
    """Return coverage and agreement on a sample of `wanted` records (see `TaxonomyQuality`).

    Top categories only, with the limits of the whole. Records whose call failed are left out of both figures; one that
    fits no category is a group of its own in the agreement.
    """
    parts = halves(records, wanted, settings.seed)
    if parts is None:
        return TaxonomyQuality()
    top = replace(settings, max_depth=1, merge_rare=None)
    limit = settings.category_limit(len(records))
    built, held_out = (units_of(part) for part in parts)
    first = grow(built, method, top, limit=limit)
    second = grow(held_out, method, top, limit=limit)
    taxonomy = Taxonomy.of(first.categories, method.name)
    if not taxonomy.categories:
        return TaxonomyQuality(sample=sum(map(len, parts)))
    applied = grow(held_out, method, top, given=taxonomy, frozen=True)
    answered = _answered(applied)
    other = {one.category_id for one in taxonomy.categories if one.other}
    covered = sum(place != UNCLASSIFIED and place not in other for place in answered.values())
    both = sorted(answered.keys() & _answered(second).keys())
    return TaxonomyQuality(
        coverage=covered / len(answered) if answered else None,
        agreement=_rand(answered, second.assignments, both) if len(both) > 1 else None,
        sample=sum(map(len, parts)),
    )


def _answered(grown: Grown) -> Mapping[str, str]:
    """The places of the records that did not fail."""
    return {
        record_id: place
        for record_id, place in grown.assignments.items()
        if place != UNCLASSIFIED or grown.reasons.get(record_id) == NO_CATEGORY
    }


def _rand(one: Mapping[str, str], other: Mapping[str, str], ids: Sequence[str]) -> float:
    from sklearn.metrics import adjusted_rand_score

    with warnings.catch_warnings():
        # scikit-learn warns where most labels are single; that is an answer here, no mistake.
        warnings.simplefilter("ignore")
        return float(adjusted_rand_score([one[i] for i in ids], [other[i] for i in ids]))
