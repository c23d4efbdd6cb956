"""Promise: a kind of error is rare by its number of errors, not of titles; merging kinds loses none of them."""

from collections import Counter

from faultmap_core.error_analysis.taxonomy.growth import Division, Draft, grow, units_of
from faultmap_core.error_analysis.taxonomy.results import Category, ErrorRecord, Taxonomy, TaxonomySettings

# Kind -> how often each of its titles occurs; the limit is 3 errors.
TITLES = {"often": [5], "various": [1, 1, 1], "seldom": [1, 1], "once": [1]}


class ByFirstWord:
    """Makes a category of each first word of a title."""

    name, made_by = "model", "first word"

    def divide(self, groups):
        return [self._of(group) for group in groups]

    def _of(self, group):
        kinds = sorted({unit.title.split()[0] for unit in group.units})
        choices = tuple(kinds.index(unit.title.split()[0]) for unit in group.units)
        return Division(tuple(Draft(kind, kind) for kind in kinds), choices)

    def place(self, placings):
        raise AssertionError("nothing is given")


def test_kinds_below_the_limit_and_only_these_become_other():
    titles = [
        f"{kind} number {which}"
        for kind, counts in TITLES.items()
        for which, count in enumerate(counts)
        for _ in range(count)
    ]
    records = [ErrorRecord(f"r{number}", title) for number, title in enumerate(titles)]
    grown = grow(units_of(records), ByFirstWord(), TaxonomySettings(merge_rare=3, max_depth=1, max_category_share=1))
    names = {one.category_id: "other" if one.other else one.name for one in grown.categories}
    assert Counter(names[place] for place in grown.assignments.values()) == {"often": 5, "various": 3, "other": 3}
    assert grown.assignments.keys() == {record.record_id for record in records}
    assert not grown.reasons


def test_in_a_frozen_taxonomy_nothing_is_divided_however_much_there_is():
    class Placed(ByFirstWord):
        def divide(self, groups):
            raise AssertionError("nothing is made")

        def place(self, placings):
            return [Division((), (0,) * len(one.group.units)) for one in placings]

    known = Taxonomy.of([Category("often", None, "often", "", 1)], "given")
    records = [ErrorRecord(f"r{number}", f"often number {number}") for number in range(400)]
    settings = TaxonomySettings(max_category_share=1)
    assert settings.min_size <= len(records)
    grown = grow(units_of(records), Placed(), settings, given=known, frozen=True)
    assert set(grown.assignments.values()) == {"often"}
    assert [one.category_id for one in grown.categories] == ["often"]
