"""How a taxonomy grows level by level, and how no error is lost on the way.

One walk serves all: `grow` puts units into the categories that are given (a seed, a frozen taxonomy) and divides the
rest further. What the categories are and which unit belongs where is asked of a `Method`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.data.prompts import normalized
from faultmap_core.error_analysis.taxonomy.results import (
    OTHER_NAME,
    UNCLASSIFIED,
    Category,
    ErrorRecord,
    Taxonomy,
    TaxonomySettings,
    clean_description,
    clean_name,
    new_id,
    unique_name,
)

FITS_NONE: Final = -1
NO_ANSWER: Final = -2
NO_CATEGORY: Final = "fits_no_category"

_EXAMPLES = 12
_EXAMPLE_TITLES = 40
_EXAMPLE_TITLE = 160
_EXAMPLE_SUMMARY = 320


@dataclass(frozen=True)
class Unit:
    """Errors of equal title and summary: asked about once, counted as many as they are.

    title, summary: the most frequent spelling. title_key: the form in which equal titles are equal.
    """

    title: str
    summary: str
    title_key: str
    record_ids: tuple[str, ...]

    @property
    def count(self) -> int:
        """Errors."""
        return len(self.record_ids)


@dataclass(frozen=True)
class Group:
    """The units of one category, to be divided.

    path: names from the top to this category, () for all errors. positions: of `units` among all units. limit: most
    categories that it may be divided into.
    """

    category_id: str | None
    path: tuple[str, ...]
    description: str
    units: tuple[Unit, ...]
    positions: tuple[int, ...]
    limit: int

    @property
    def count(self) -> int:
        """Errors."""
        return sum(unit.count for unit in self.units)


@dataclass(frozen=True)
class Draft:
    """A category that has no place in the tree yet."""

    name: str
    description: str


@dataclass(frozen=True)
class Division:
    """How a group was divided.

    choices: for each unit of the group the position of its category, FITS_NONE or NO_ANSWER; reasons: why, for each
    unit (by position) without an answer; notes: what else went wrong.
    """

    drafts: tuple[Draft, ...]
    choices: tuple[int, ...]
    reasons: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Placing:
    """A group and the categories that its units may go to.

    words: what each category and those below it are called and described as. may_fit_none: a unit may belong to none
    of them. has_other: the level has an "Other", not always among `into`.
    """

    group: Group
    into: tuple[Category, ...]
    words: tuple[str, ...]
    may_fit_none: bool
    has_other: bool


class Method(Protocol):
    """Who makes categories and says what belongs to them."""

    @property
    def name(self) -> str:
        """ "model" or "clusters"."""

    @property
    def made_by(self) -> str:
        """The model's or the embedder's id."""

    def divide(self, groups: Sequence[Group]) -> list[Division]:
        """Make categories for each group, at most `limit`, and choose one for each of its units."""

    def place(self, placings: Sequence[Placing]) -> list[Division]:
        """Choose one of the given categories for each unit of each group."""


@dataclass(frozen=True)
class Grown:
    """What `grow` returns: categories without counts, and every record's leaf or why it has none."""

    categories: tuple[Category, ...]
    assignments: Mapping[str, str]
    reasons: Mapping[str, str]
    notes: tuple[str, ...]


def units_of(records: Sequence[ErrorRecord]) -> tuple[Unit, ...]:
    """Return the distinct (title, summary) pairs, white space and case aside, in an order that the records' has no
    part in.

    Raises: ConfigurationError when a record id occurs twice.
    """
    seen: set[str] = set()
    for record in records:
        if record.record_id in seen:
            raise ConfigurationError(
                f"error records: the id {record.record_id!r} occurs twice; expected one record per id"
            )
        seen.add(record.record_id)
    copies: dict[tuple[str, str], list[ErrorRecord]] = {}
    for record in records:
        copies.setdefault((normalized(record.title), normalized(record.summary)), []).append(record)
    units = []
    for key in sorted(copies):
        spellings = Counter((one.title, one.summary) for one in copies[key])
        title, summary = min(spellings, key=lambda pair: (-spellings[pair], pair))
        units.append(Unit(title, summary, key[0], tuple(sorted(one.record_id for one in copies[key]))))
    return tuple(units)


def grow(
    units: Sequence[Unit],
    method: Method,
    settings: TaxonomySettings,
    *,
    given: Taxonomy | None = None,
    frozen: bool = False,
    limit: int | None = None,
) -> Grown:
    """Return categories and a place for every record of `units`.

    Args:
        given: its categories are kept; where it has children, units go to them and nothing new is made. A unit that
            fits none goes to an "Other" beside them.
        frozen: nothing is made at all. A unit that fits no top category is unclassified; one level down it takes the
            level's "Other" where there is one, and else the nearest.
        limit: most categories of a level; None takes the settings'.
    """
    growth = _Growth(units, settings, given.categories if given else (), frozen, limit)
    level = [growth.group(None, range(len(units)))] if units else []
    while level:
        fixed = [group for group in level if growth.is_given(group)]
        free = [group for group in level if not growth.is_given(group) and growth.may_divide(group)]
        placings = [growth.placing(group) for group in fixed]
        asked = [one for one in placings if one.into]
        placed = iter(method.place(asked) if asked else ())
        divided = method.divide(free) if free else []
        level = []
        for one in placings:
            level += growth.settle_given(one, next(placed) if one.into else _none_fits(one.group))
        for group, division in zip(free, divided, strict=True):
            level += growth.settle_new(group, division)
    return growth.result()


def _none_fits(group: Group) -> Division:
    return Division((), (FITS_NONE,) * len(group.units))


class _Growth:
    """The tree while it grows: categories so far and each unit's place."""

    def __init__(
        self,
        units: Sequence[Unit],
        settings: TaxonomySettings,
        given: Sequence[Category],
        frozen: bool,
        limit: int | None,
    ) -> None:
        self._units = tuple(units)
        self._settings = settings
        self._frozen = frozen
        self._limit = limit
        self._categories: dict[str, Category] = {c.category_id: replace(c, count=0) for c in given}
        self._inside: dict[str | None, list[str]] = {}
        for category in given:
            self._inside.setdefault(category.parent_id, []).append(category.category_id)
        self._merged: set[str] = set()
        self._place: list[str | None] = [None] * len(self._units)
        self._reasons: dict[int, str] = {}
        self._notes: list[str] = []

    def group(self, category_id: str | None, positions: Sequence[int]) -> Group:
        units = tuple(self._units[i] for i in positions)
        path: list[str] = []
        at = category_id
        while at is not None:
            path.insert(0, self._categories[at].name)
            at = self._categories[at].parent_id
        limit = self._limit or self._settings.category_limit(sum(unit.count for unit in units))
        description = self._categories[category_id].description if category_id else ""
        return Group(category_id, tuple(path), description, units, tuple(positions), limit)

    def is_given(self, group: Group) -> bool:
        """Whether the group's units have categories to go to; in a frozen taxonomy, even an empty one, all do."""
        return bool(self._inside.get(group.category_id)) or (self._frozen and not group.path)

    def may_divide(self, group: Group) -> bool:
        if self._frozen or (group.category_id and self._categories[group.category_id].other):
            return False
        if not group.path:
            return True
        deep = len(group.path) >= self._settings.max_depth
        return not deep and group.count >= self._settings.min_size and len(group.units) > 1

    def placing(self, group: Group) -> Placing:
        children = [self._categories[child] for child in self._inside.get(group.category_id, [])]
        into = tuple(child for child in children if not child.other or child.examples)
        has_other = any(child.other for child in children)
        words = tuple(" ".join(self._words(child.category_id)) for child in into)
        return Placing(group, into, words, not self._frozen or not group.path or has_other, has_other)

    def _words(self, category_id: str) -> list[str]:
        own = self._categories[category_id]
        said = [f"{own.name}. {own.description}".strip()]
        return said + [words for child in self._inside.get(category_id, []) for words in self._words(child)]

    def settle_given(self, placing: Placing, division: Division) -> list[Group]:
        """Put a group's units into the given categories; return these, with their units, as the next level."""
        group = placing.group
        targets: dict[str | None, list[int]] = {}
        for local, choice in enumerate(division.choices):
            index = group.positions[local]
            if choice >= 0:
                targets.setdefault(placing.into[choice].category_id, []).append(index)
            elif choice == NO_ANSWER:
                self._leave_out(index, division.reasons.get(local, "no_answer"))
            elif self._frozen and not (group.path and placing.has_other):
                self._leave_out(index, NO_CATEGORY)
            else:
                targets.setdefault(self._other_of(group.category_id), []).append(index)
        self._notes.extend(division.notes)
        return self._filled(targets)

    def settle_new(self, group: Group, division: Division) -> list[Group]:
        """Make a group's new categories, unless the division says nothing; return them as the next level."""
        self._notes.extend(division.notes)
        members: dict[int, list[int]] = {}
        for local, choice in enumerate(division.choices):
            members.setdefault(choice, []).append(local)
        failed = members.pop(NO_ANSWER, [])
        rest = members.pop(FITS_NONE, [])
        rare = self._rare(group, members)
        merged = [division.drafts[choice].name for choice in rare]
        for choice in rare:
            rest += members.pop(choice)
        if group.path and len(members) + bool(rest) < 2:
            return []
        for local in failed:
            self._leave_out(group.positions[local], division.reasons.get(local, "no_answer"))
        targets: dict[str | None, list[int]] = {}
        for choice in sorted(members):
            draft = division.drafts[choice]
            made = self._add(group.category_id, draft.name, draft.description)
            targets[made] = [group.positions[local] for local in members[choice]]
        if rest:
            remainder = self._other_of(group.category_id, merged)
            targets[remainder] = [group.positions[local] for local in rest]
        return self._filled(targets)

    def _rare(self, group: Group, members: Mapping[int, Sequence[int]]) -> list[int]:
        if self._settings.merge_rare is None:
            return []
        counts = {choice: sum(group.units[local].count for local in own) for choice, own in members.items()}
        return sorted(choice for choice, count in counts.items() if count < self._settings.merge_rare)

    def _add(self, parent_id: str | None, name: str, description: str, other: bool = False) -> str:
        taken = {self._categories[sibling].name.casefold() for sibling in self._inside.get(parent_id, [])}
        shown = unique_name(clean_name(name), taken)
        made = new_id(parent_id, shown, self._categories)
        depth = self._categories[parent_id].depth + 1 if parent_id else 1
        text = clean_description(description)
        self._categories[made] = Category(made, parent_id, shown, text, depth, other=other)
        self._inside.setdefault(parent_id, []).append(made)
        return made

    def _other_of(self, parent_id: str | None, merged: Sequence[str] = ()) -> str:
        """Return the level's "Other", made where it has none."""
        for sibling in self._inside.get(parent_id, []):
            if self._categories[sibling].other:
                return sibling
        said = f"Rare: {'; '.join(sorted(merged))}." if merged else "Errors that fit none of the other categories."
        made = self._add(parent_id, OTHER_NAME, said, other=True)
        if merged:
            self._merged.add(made)
        return made

    def _filled(self, targets: Mapping[str | None, Sequence[int]]) -> list[Group]:
        for category_id, positions in targets.items():
            for index in positions:
                self._place[index] = category_id
        return [self.group(category_id, sorted(positions)) for category_id, positions in targets.items()]

    def _leave_out(self, index: int, reason: str) -> None:
        self._place[index] = UNCLASSIFIED
        self._reasons[index] = reason

    def result(self) -> Grown:
        assignments: dict[str, str] = {}
        reasons: dict[str, str] = {}
        for index, unit in enumerate(self._units):
            place = self._place[index]
            if place is None:
                raise AssertionError(f"the unit {unit.title!r} has no place")
            for record_id in unit.record_ids:
                assignments[record_id] = place
                if index in self._reasons:
                    reasons[record_id] = self._reasons[index]
        ids = sorted(assignments)
        categories = tuple(self._categories.values()) if self._frozen else self._with_examples()
        return Grown(
            categories,
            {one: assignments[one] for one in ids},
            {one: reasons[one] for one in ids if one in reasons},
            tuple(self._notes),
        )

    def _with_examples(self) -> tuple[Category, ...]:
        """The categories with their most frequent titles; an "Other" has none unless it was merged from rare ones."""
        own: dict[str, list[Unit]] = {}
        for unit, place in zip(self._units, self._place, strict=True):
            at = place if place != UNCLASSIFIED else None
            while at is not None:
                own.setdefault(at, []).append(unit)
                at = self._categories[at].parent_id
        return tuple(
            category
            if category.examples or (category.other and category.category_id not in self._merged)
            else replace(category, examples=_typical(own.get(category.category_id, [])))
            for category in self._categories.values()
        )


def _typical(units: Sequence[Unit]) -> tuple[tuple[str, str], ...]:
    """The most frequent unit of each of up to 40 titles; where there are fewer than 12, further units of theirs."""
    ranked = sorted(units, key=lambda unit: (-unit.count, unit.title, unit.summary))
    seen: Counter[str] = Counter()
    turns = []
    for rank, unit in enumerate(ranked):
        turns.append((seen[unit.title_key], rank, unit))
        seen[unit.title_key] += 1
    kept = min(max(len(seen), _EXAMPLES), _EXAMPLE_TITLES)
    chosen = [unit for _, _, unit in sorted(turns, key=lambda one: one[:2])[:kept]]
    return tuple((unit.title[:_EXAMPLE_TITLE], unit.summary[:_EXAMPLE_SUMMARY]) for unit in chosen)
