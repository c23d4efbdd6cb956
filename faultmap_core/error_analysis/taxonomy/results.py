"""What a taxonomy of errors is: records in, categories with counts and one place for every record out.

Counts are never stored beside the assignments while a taxonomy is made; they are computed from them here, once, so
that they cannot disagree. How categories come about is left to `taxonomy_model` and `taxonomy_offline`.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import _Record
from faultmap_core.base.text import shortened as cut_text

UNCLASSIFIED: Final = "unclassified"
OTHER_NAME: Final = "Other"

NAME_CHARS: Final = 80
DESCRIPTION_CHARS: Final = 300
_SLUG_CHARS = 60


@dataclass(frozen=True)
class ErrorRecord:
    """One judged error.

    record_id: unique among the records. title: what went wrong, in a few words; equal titles are classified together
    and counted apart. summary: a sentence or two on it.
    """

    record_id: str
    title: str
    summary: str = ""


@dataclass(frozen=True)
class TaxonomySettings:
    """How far a taxonomy is divided.

    Attributes:
        max_depth: levels (>= 1). min_size: a category is divided further from this many errors (>= 2).
        max_categories, max_category_share: at most so many categories side by side, and at most this share of the
            records that are divided, but two are always allowed. "Other" comes on top.
        titles_per_batch: distinct titles shown at once when categories are made.
        records_per_classification: records that one call classifies.
        merge_rare: categories with fewer errors than this become "Other"; None merges none.
        rebuild_above: share of new errors that fit no category from which a rebuild is due, in [0, 1].
        seed: of the sample for the quality measures.
        quality_sample: records that the quality measures use; 0 turns them off; None: 200, with a model 50.
    Raises:
        ConfigurationError: a value outside these bounds.
    """

    max_depth: int = 3
    min_size: int = 10
    max_categories: int = 25
    max_category_share: float = 0.10
    titles_per_batch: int = 500
    records_per_classification: int = 50
    merge_rare: int | None = None
    rebuild_above: float = 0.2
    seed: int = 0
    quality_sample: int | None = None

    def __post_init__(self) -> None:
        bounds: dict[str, tuple[float, float]] = {
            "max_depth": (1, 20),
            "min_size": (2, 10**9),
            "max_categories": (2, 100),
            "max_category_share": (0, 1),
            "titles_per_batch": (1, 5_000),
            "records_per_classification": (1, 200),
            "merge_rare": (1, 10**9),
            "rebuild_above": (0, 1),
            "quality_sample": (0, 10**6),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ConfigurationError(f"taxonomy setting {name} is {value}; expected {low:g} to {high:g}")

    def category_limit(self, n_records: int) -> int:
        """Return how many categories `n_records` errors may be divided into, "Other" not counted."""
        return max(2, min(self.max_categories, int(self.max_category_share * n_records)))

    def quality_records(self, n_records: int, with_model: bool) -> int:
        """Return how many records the quality measures use."""
        wanted = self.quality_sample if self.quality_sample is not None else (50 if with_model else 200)
        return min(wanted, n_records)


@dataclass(frozen=True)
class Category(_Record):
    """One node of a taxonomy.

    Attributes:
        category_id: path of slugs, "reasoning/arithmetic"; parent_id: None at the top; depth: 1 at the top.
        count: errors in its subtree.
        other: this is the remainder of its level ("Other"); its name does not tell, a user's category may bear it.
        examples: (title, summary) of typical errors, for finding the nearest category without a language model.
    """

    category_id: str
    parent_id: str | None
    name: str
    description: str
    depth: int
    count: int = 0
    other: bool = False
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Taxonomy(_Record):
    """Categories, parents before children, larger siblings first and "Other" last.

    Attributes:
        method: "model", "clusters" (offline) or "given" (a seed taxonomy); made_by: the model's or embedder's id.
        version: 12 hex digits of ids, names and descriptions: what is counted under one version can be compared.
        built_from: number of records that it was built from, 0 for a seed.
    """

    categories: tuple[Category, ...]
    method: str
    version: str
    built_from: int
    made_by: str = ""

    @classmethod
    def of(cls, categories: Iterable[Category], method: str, built_from: int = 0, made_by: str = "") -> Taxonomy:
        """Return the taxonomy of `categories` (any order, counts as they are) with its version.

        Raises: ConfigurationError when ids are not unique or a parent is missing.
        """
        found = list(categories)
        ordered = _ordered(found)
        if len(ordered) < len(found) or len({c.category_id for c in found}) < len(found):
            raise ConfigurationError("taxonomy: a category id occurs twice, or a parent_id is the id of no category")
        said = sorted([c.category_id, c.name, c.description, c.other] for c in ordered)
        version = hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).hexdigest()[:12]
        return cls(tuple(ordered), method, version, built_from, made_by)

    def children(self, category_id: str | None) -> tuple[Category, ...]:
        """Return the categories directly under one; of None the top ones."""
        return tuple(c for c in self.categories if c.parent_id == category_id)

    def leaves(self) -> tuple[Category, ...]:
        """Return the categories without children."""
        parents = {c.parent_id for c in self.categories}
        return tuple(c for c in self.categories if c.category_id not in parents)

    def counted(self, assignments: Mapping[str, str]) -> Taxonomy:
        """Return the same taxonomy with the counts of `assignments` (record id -> leaf)."""
        counts = subtree_counts(self.categories, assignments.values())
        counted = [replace(c, count=counts[c.category_id]) for c in self.categories]
        return replace(self, categories=tuple(_ordered(counted)))


@dataclass(frozen=True)
class TaxonomyQuality(_Record):
    """How far a taxonomy can be trusted; None where it was not measured.

    Attributes:
        coverage: of held-out errors, the share that a taxonomy of the other half has a category for.
        agreement: adjusted Rand index (Hubert, Arabie, 1985; 1 is equal, 0 chance) of the held-out errors' top
            categories by two taxonomies built from different halves.
        sample: records that these two were measured on.
        other_share, unclassified_share: of the records classified.
    """

    coverage: float | None = None
    agreement: float | None = None
    sample: int = 0
    other_share: float = 0.0
    unclassified_share: float = 0.0


@dataclass(frozen=True)
class Classification:
    """Every record's place.

    Attributes:
        assignments: record id -> id of a leaf of `taxonomy`, or "unclassified".
        taxonomy: with the counts of these records; quality: see there.
        reasons: record id -> why it is unclassified ("fits_no_category", "no_answer", "unknown_category", or the
            language model's reason: "timeout", "budget" ...).
        notes: one line for everything else that went wrong and what was done instead.
    """

    assignments: Mapping[str, str]
    taxonomy: Taxonomy
    quality: TaxonomyQuality
    reasons: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def unclassified(self) -> int:
        """Records without a category."""
        return sum(place == UNCLASSIFIED for place in self.assignments.values())

    def to_dict(self) -> dict[str, Any]:
        """Return strict JSON: the categories as a tree, the assignments, the quality, reasons and notes."""
        return {
            "taxonomy": {
                "method": self.taxonomy.method,
                "made_by": self.taxonomy.made_by,
                "version": self.taxonomy.version,
                "built_from": self.taxonomy.built_from,
                "categories": [_branch(self.taxonomy, top) for top in self.taxonomy.children(None)],
            },
            "records": len(self.assignments),
            "unclassified": self.unclassified,
            "assignments": dict(self.assignments),
            "reasons": dict(self.reasons),
            "quality": self.quality.to_dict(),
            "notes": list(self.notes),
        }


def subtree_counts(categories: Iterable[Category], places: Iterable[str]) -> Counter[str]:
    """Return the errors under each category, given each error's leaf."""
    parent = {c.category_id: c.parent_id for c in categories}
    counts: Counter[str] = Counter(dict.fromkeys(parent, 0))
    for place, number in Counter(places).items():
        at = place if place in parent else None
        while at is not None:
            counts[at] += number
            at = parent[at]
    return counts


def clean_name(text: str) -> str:
    """Return a category's name from text of any origin: one line, nothing that steers a terminal, 80 characters."""
    return cut_text(text, NAME_CHARS) or "No title"


def clean_description(text: str) -> str:
    """Return a description from text of any origin: one harmless line of at most 300 characters."""
    return cut_text(text, DESCRIPTION_CHARS)


def slug(name: str) -> str:
    """Return `name` as a part of a category's id: letters and digits of any script in lower case, and hyphens."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    kept = "".join(letter if unicodedata.category(letter)[0] in "LNM" else " " for letter in folded)
    return "-".join(kept.split())[:_SLUG_CHARS].strip("-") or "category"


def new_id(parent_id: str | None, name: str, taken: Container[str]) -> str:
    """Return the id of a category called `name` under `parent_id`; a number follows where it is taken already.

    "unclassified" is the id of no category.
    """
    start = f"{parent_id}/" if parent_id else ""
    plain = f"{start}{slug(name)}"
    found, number = plain, 2
    while found in taken or found == UNCLASSIFIED:
        found, number = f"{plain}-{number}", number + 1
    return found


def unique_name(name: str, taken: Container[str]) -> str:
    """Return `name`, with a number where its case-folded form is among `taken`."""
    found, number = name, 2
    while found.casefold() in taken:
        found, number = f"{name} ({number})", number + 1
    return found


def descendants(taxonomy: Taxonomy, category_id: str | None = None) -> Iterator[Category]:
    """Yield the categories under one (of None all), depth first."""
    for child in taxonomy.children(category_id):
        yield child
        yield from descendants(taxonomy, child.category_id)


def _ordered(categories: list[Category]) -> list[Category]:
    """Depth first; siblings by falling count, then id, "Other" last."""
    inside: dict[str | None, list[Category]] = {}
    for category in categories:
        inside.setdefault(category.parent_id, []).append(category)
    for siblings in inside.values():
        siblings.sort(key=lambda c: (c.other, -c.count, c.category_id))
    ordered: list[Category] = []
    waiting = list(reversed(inside.get(None, [])))
    while waiting:
        category = waiting.pop()
        ordered.append(category)
        waiting.extend(reversed(inside.get(category.category_id, [])))
    return ordered


def _branch(taxonomy: Taxonomy, category: Category) -> dict[str, Any]:
    own = category.to_dict()
    del own["parent_id"]
    return {**own, "children": [_branch(taxonomy, child) for child in taxonomy.children(category.category_id)]}


__all__ = [
    "DESCRIPTION_CHARS",
    "NAME_CHARS",
    "OTHER_NAME",
    "UNCLASSIFIED",
    "Category",
    "Classification",
    "ErrorRecord",
    "Taxonomy",
    "TaxonomyQuality",
    "TaxonomySettings",
    "clean_description",
    "clean_name",
    "descendants",
    "new_id",
    "slug",
    "subtree_counts",
    "unique_name",
]
