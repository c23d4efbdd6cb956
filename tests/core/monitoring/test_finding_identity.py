import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.monitoring.finding_identity import FindingKey, HistorySettings, finding_id, match_findings


def ids(start, end):
    return frozenset(f"e{i}" for i in range(start, end))


def key(members=frozenset(), name="a slice", **more):
    return FindingKey(**{"kind": "slice", "dataset": "law", "model": "m", "name": name, "members": members, **more})


def seen(members=frozenset(), made="first", **more):
    return key(members, finding_id=made, **more)


def of(matches, status):
    return [one for one in matches if one.status == status]


def test_the_first_sighting_gives_the_id_and_later_ones_keep_it():
    (first,) = match_findings([key(ids(0, 20))], [])
    assert (first.status, first.finding_id) == ("new", finding_id(key(ids(0, 20))))
    assert len(first.finding_id) == 16
    (second,) = match_findings([key(ids(4, 24), "renamed")], [seen(ids(0, 20), first.finding_id)])
    assert (second.status, second.finding_id, second.matched_by) == ("same", first.finding_id, "members")
    # 16 in common of 24, and of the 20 of either
    assert second.jaccard == pytest.approx(16 / 24)
    assert second.containment == pytest.approx(16 / 20)
    json.dumps(second.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("now", "same"),
    [
        (ids(0, 20), True),
        (ids(10, 20), True),  # half of it is left
        (ids(0, 4), False),  # a corner of it
        (ids(0, 60), True),  # it grew threefold, all of it inside
        (ids(0, 200), False),  # it drowned
        (ids(7, 27), False),  # 13 of 27, and of 20
        (ids(6, 26), True),  # 14 of 26
        (ids(40, 60), False),
    ],
)
def test_overlap_decides(now, same):
    matches = match_findings([key(now)], [seen(ids(0, 20))], shared_ids={("law", "m"): ids(0, 200)})
    assert (matches[0].status == "same") is same
    assert len(of(matches, "gone")) == (not same)


def test_only_ids_that_both_runs_examined_count():
    now, then = key(ids(0, 10) | ids(100, 140)), seen(ids(0, 10) | ids(200, 240))
    assert match_findings([now], [then])[0].status == "new"
    assert match_findings([now], [then], shared_ids={("law", "m"): ids(0, 50)})[0].status == "same"
    assert match_findings([now], [then], shared_ids={("other", "m"): ids(0, 50)})[0].status == "new"


def test_centroids_tell_where_members_cannot():
    day, next_day = ids(0, 30), ids(30, 60)
    near, far = np.array([1.0, 0.1]), np.array([0.1, 1.0])
    matches = match_findings([key(next_day, centroid=near)], [seen(day, centroid=2 * np.array([1.0, 0.0]))])
    assert (matches[0].status, matches[0].matched_by, matches[0].jaccard) == ("same", "centroid", None)
    assert matches[0].cosine == pytest.approx(1 / 1.01**0.5)
    assert match_findings([key(next_day, centroid=far)], [seen(day, centroid=near)])[0].status == "new"
    assert match_findings([key(next_day)], [seen(day, centroid=near)])[0].status == "new"
    # members that overlap nowhere although both runs saw them speak against the centroid
    shared = {("law", "m"): ids(0, 60)}
    assert (
        match_findings([key(next_day, centroid=near)], [seen(day, centroid=near)], shared_ids=shared)[0].status == "new"
    )
    # vectors of another embedder
    other = np.array([1.0, 0.0, 0.0])
    assert match_findings([key(next_day, centroid=near)], [seen(day, centroid=other)])[0].status == "new"


def test_a_metadata_slice_is_its_name():
    law, tax = key(ids(0, 20), "category = law", fixed_name=True), key(ids(20, 40), "category = tax", fixed_name=True)
    earlier = [
        seen(ids(20, 40), "1", name="category = law", fixed_name=True),
        seen(ids(100, 140), "2", name="category = tax", fixed_name=True),
    ]
    matches = match_findings([law, tax], earlier)
    assert [(one.finding_id, one.matched_by) for one in matches] == [("1", "name"), ("2", "name")]
    renamed = key(ids(0, 20), "category = patents", fixed_name=True)
    same_members = seen(ids(0, 20), name="category = law", fixed_name=True)
    assert match_findings([renamed], [same_members])[0].status == "new"
    # a region that is the same examples is the same finding
    assert match_findings([law], [seen(ids(0, 20), name="law questions")])[0].status == "same"


def test_kind_dataset_and_model_must_agree():
    for other in ({"kind": "gap"}, {"dataset": "tax"}, {"model": "n"}):
        matches = match_findings([key(ids(0, 20), **other)], [seen(ids(0, 20))])
        assert [one.status for one in matches] == ["new", "gone"]


def test_the_assignment_is_one_to_one_and_the_best_in_sum():
    # a overlaps both, b only the first: greedily a would take the first and b go without
    a, b = key(ids(0, 30)), key(ids(0, 12) | ids(90, 98))
    first, second = seen(ids(0, 20), "first"), seen(ids(8, 30), "second")
    shared = {("law", "m"): ids(0, 200)}
    matches = match_findings(
        [a, b], [first, second], HistorySettings(min_containment=1.0, min_jaccard=0.4), shared_ids=shared
    )
    assert [one.finding_id for one in matches] == ["second", "first"]


def test_a_finding_that_grew_out_of_anothers_members_gets_an_id_of_its_own():
    old = key(ids(0, 20))
    made = finding_id(old)
    # the old one is taken by name; the same members turn up as another finding
    earlier = [seen(ids(0, 20), made, name="x = 1", fixed_name=True)]
    now = [key(ids(50, 60), "x = 1", fixed_name=True), key(ids(0, 20))]
    matches = match_findings(now, earlier)
    assert matches[0].finding_id == made
    assert matches[1].status == "new"
    assert matches[1].finding_id not in (made, "")


def test_a_finding_that_was_away_comes_back_under_its_id():
    away = seen(ids(0, 20), "long ago")
    assert match_findings([], [away])[0].status == "gone"
    assert match_findings([key(ids(1, 20))], [away])[0].finding_id == "long ago"


members = st.frozensets(st.integers(0, 12).map(lambda i: f"e{i}"), min_size=1)


@given(st.lists(members, max_size=6, unique=True), st.lists(members, max_size=6, unique=True), st.randoms())
def test_every_finding_has_one_match_whatever_the_order(now, then, random):
    current = [key(one, name=str(number)) for number, one in enumerate(now)]
    previous = [seen(one, f"id{number}") for number, one in enumerate(then)]
    matches = match_findings(current, previous)
    assert [one.current for one in matches[: len(now)]] == list(range(len(now)))
    assert len({one.finding_id for one in matches}) == len(matches)
    assert sorted(one.previous for one in matches if one.previous is not None) == list(range(len(then)))
    shuffled, order = list(previous), list(range(len(now)))
    random.shuffle(shuffled)
    random.shuffle(order)
    again = match_findings([current[i] for i in order], shuffled)
    by_name = {now[i]: again[position].finding_id for position, i in enumerate(order)}
    assert all(by_name[now[i]] == matches[i].finding_id for i in range(len(now)))


@given(st.lists(members, max_size=6, unique=True))
def test_a_run_again_is_all_the_same(now):
    first = match_findings([key(one) for one in now], [])
    previous = [seen(one, match.finding_id) for one, match in zip(now, first, strict=True)]
    again = match_findings([key(one) for one in now], previous, HistorySettings(least_members=1))
    assert [(one.status, one.finding_id) for one in again] == [("same", one.finding_id) for one in first]


def test_what_cannot_be_matched_is_refused():
    with pytest.raises(ConfigurationError, match="has no finding_id"):
        match_findings([], [key(ids(0, 3))])
    with pytest.raises(ConfigurationError, match="stands twice"):
        match_findings([], [seen(ids(0, 3)), seen(ids(0, 4))])
    for name, value in (
        ("min_jaccard", 0.0),
        ("min_containment", 1.1),
        ("min_size_ratio", -1.0),
        ("min_cosine", 2.0),
        ("least_members", 0),
    ):
        with pytest.raises(ConfigurationError, match=name):
            HistorySettings(**{name: value})
