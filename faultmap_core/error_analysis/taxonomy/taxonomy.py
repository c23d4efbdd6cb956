"""Build a taxonomy of judged errors: a tree of categories, and one place for every error.

`build_taxonomy` makes categories (with a language model, else by clustering titles), `apply_taxonomy` sorts new errors
into one that stays as it is, so that trends compare like with like. Counts add up at every level: each record is in
exactly one leaf, or in a counted "unclassified".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from faultmap_core.embedding import Embedder
from faultmap_core.error_analysis.taxonomy.cluster_method import ClusterMethod
from faultmap_core.error_analysis.taxonomy.growth import NO_CATEGORY, Grown, Method, grow, units_of
from faultmap_core.error_analysis.taxonomy.llm_method import TAXONOMY_TEMPLATES, ModelMethod
from faultmap_core.error_analysis.taxonomy.rendering import category_rows, tree_lines
from faultmap_core.error_analysis.taxonomy.results import (
    UNCLASSIFIED,
    Category,
    Classification,
    ErrorRecord,
    Taxonomy,
    TaxonomyQuality,
    TaxonomySettings,
)
from faultmap_core.error_analysis.taxonomy.stability import LEAST_RECORDS, measure
from faultmap_core.error_analysis.taxonomy.yaml_io import load_taxonomy, taxonomy_to_yaml
from faultmap_core.llm import LanguageModel, Purpose

_DEFAULTS: Final = TaxonomySettings()
_NOBODY: Final = Purpose()


def build_taxonomy(
    records: Sequence[ErrorRecord],
    settings: TaxonomySettings = _DEFAULTS,
    *,
    model: LanguageModel | None,
    embedder: Embedder,
    seed_taxonomy: Taxonomy | None = None,
    purpose: Purpose = _NOBODY,
) -> Classification:
    """Build a taxonomy of `records` and classify them.

    The order of the records makes no difference. A call that fails leaves its records unclassified with the reason; it
    never raises.

    Args:
        model: None clusters titles offline.
        embedder: of the titles and summaries (offline only).
        seed_taxonomy: its categories are kept as they are, also empty ones, and divided further below; errors that fit
            none of them are counted in an "Other" beside them.
    Raises:
        ConfigurationError: a record id occurs twice.
    """
    units = units_of(records)
    method = _method(model, embedder, settings, purpose)
    grown = grow(units, method, settings, given=seed_taxonomy)
    quality = TaxonomyQuality()
    if seed_taxonomy is None:
        quality = measure(records, method, settings, settings.quality_records(len(records), model is not None))
    taxonomy = Taxonomy.of(grown.categories, method.name, len(records), method.made_by)
    return _classification(grown, taxonomy, quality)


def apply_taxonomy(
    taxonomy: Taxonomy,
    records: Sequence[ErrorRecord],
    previous: Mapping[str, str] | None = None,
    settings: TaxonomySettings = _DEFAULTS,
    *,
    model: LanguageModel | None,
    embedder: Embedder,
    purpose: Purpose = _NOBODY,
) -> Classification:
    """Classify `records` into `taxonomy` as it is; its version stays, its counts become those of `records`.

    A record keeps the leaf that it has in `previous`; only records without one, or "unclassified" there, are asked
    about. One that fits no top category is unclassified, so that new kinds of errors show (`needs_rebuild`); further
    down it takes the level's "Other", or where there is none the nearest category.

    Offline, a record takes the category with an example of equal title (of equal summary where the categories' titles
    do not differ), and else the nearest centroid of examples, unless that is farther than 95 % of the examples are
    from their own.

    Args:
        previous: record id -> category id, of an earlier classification under the same taxonomy.
    Raises:
        ConfigurationError: a record id occurs twice.
    """
    units_of(records)
    leaves = {leaf.category_id for leaf in taxonomy.leaves()}
    known = {one: place for one, place in (previous or {}).items() if place in leaves}
    new = [record for record in records if record.record_id not in known]
    method = _method(model, embedder, settings, purpose)
    grown = grow(units_of(new), method, settings, given=taxonomy, frozen=True)
    kept = {record.record_id: known[record.record_id] for record in records if record.record_id in known}
    merged = {**kept, **grown.assignments}
    whole = replace(grown, assignments={one: merged[one] for one in sorted(merged)})
    return _classification(whole, taxonomy, TaxonomyQuality())


def needs_rebuild(classification: Classification, settings: TaxonomySettings = _DEFAULTS) -> bool:
    """Say whether more errors than `rebuild_above` fit no category of a taxonomy that was applied.

    Errors whose call failed are left out: a server that is down is no reason to rebuild.
    """
    misfits = sum(reason == NO_CATEGORY for reason in classification.reasons.values())
    answered = len(classification.assignments) - len(classification.reasons) + misfits
    return misfits > settings.rebuild_above * answered


def estimate_calls(n_records: int, settings: TaxonomySettings = _DEFAULTS) -> int:
    """Return the most requests that `build_taxonomy` makes to a model for `n_records` errors, quality included.

    An upper bound: it takes all titles to be different, every level to be divided as far as allowed, and every reply to
    leave something out that is asked again. Retries and repairs inside the client are not counted.
    """
    levels = _level_calls(n_records, 1, settings)
    most_groups = 1
    for _ in range(1, settings.max_depth):
        most_groups = min(most_groups * settings.category_limit(n_records), n_records // settings.min_size)
        levels += _level_calls(n_records, most_groups, settings)
    sample = settings.quality_records(n_records, with_model=True)
    if sample >= LEAST_RECORDS:
        built, held_out = sample // 2, sample - sample // 2
        again = 2 * _batches(held_out, 1, settings.records_per_classification)
        levels += _level_calls(built, 1, settings) + _level_calls(held_out, 1, settings) + again
    return levels


def _level_calls(records: int, groups: int, settings: TaxonomySettings) -> int:
    """Most calls to divide `groups` groups of `records` records together: title batches, reviews, and every
    classification twice."""
    if not records or not groups:
        return 0
    titles = _batches(records, groups, settings.titles_per_batch)
    return titles + groups + 2 * _batches(records, groups, settings.records_per_classification)


def _batches(records: int, groups: int, size: int) -> int:
    """The most batches of `size` that `records` records in `groups` groups can take."""
    return min(records, (records + groups * (size - 1)) // size)


def _method(model: LanguageModel | None, embedder: Embedder, settings: TaxonomySettings, purpose: Purpose) -> Method:
    return ClusterMethod(embedder, settings.seed) if model is None else ModelMethod(model, settings, purpose)


def _classification(grown: Grown, taxonomy: Taxonomy, quality: TaxonomyQuality) -> Classification:
    total = len(grown.assignments)
    others = {one.category_id for one in taxonomy.categories if one.other}
    places = list(grown.assignments.values())
    shares = replace(
        quality,
        other_share=sum(place in others for place in places) / total if total else 0.0,
        unclassified_share=places.count(UNCLASSIFIED) / total if total else 0.0,
    )
    return Classification(grown.assignments, taxonomy.counted(grown.assignments), shares, grown.reasons, grown.notes)


__all__ = [
    "TAXONOMY_TEMPLATES",
    "UNCLASSIFIED",
    "Category",
    "Classification",
    "ErrorRecord",
    "Taxonomy",
    "TaxonomyQuality",
    "TaxonomySettings",
    "apply_taxonomy",
    "build_taxonomy",
    "category_rows",
    "estimate_calls",
    "load_taxonomy",
    "needs_rebuild",
    "taxonomy_to_yaml",
    "tree_lines",
]
