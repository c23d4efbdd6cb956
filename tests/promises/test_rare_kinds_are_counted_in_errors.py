"""Promise: a kind of error is rare by its number of errors, not of titles; merging kinds loses none of them."""

from collections import Counter

from faultmap_core.taxonomy_levels import Division, Draft, grow, units_of
from faultmap_core.taxonomy_results import ErrorRecord, TaxonomySettings

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
