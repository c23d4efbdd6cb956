import json

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from faultmap_core.base.errors import ClusteringError, ConfigurationError
from faultmap_core.discovery.drift.drift import DriftSettings, find_drift
from faultmap_core.embedding import get_embedder
from faultmap_core.naming.keywords import RegionName

TOPICS = 10


class FixedNamer:
    def __init__(self):
        self.tasks = []

    def name_regions(self, tasks, background):
        self.tasks.extend(tasks)
        return [RegionName(f"topic {i}", "", "fixed") for i in range(len(tasks))]


def window(seed, sizes, what="p"):
    """Texts, unit vectors and topics: sizes[t] prompts of topic t, a topic is a direction with spread around it."""
    rng = np.random.default_rng([seed, len(what)])
    centres = np.random.default_rng(0).normal(size=(TOPICS, 24))
    topic = np.repeat(np.arange(TOPICS), sizes)
    vectors = centres[topic] + 0.8 * rng.normal(size=(len(topic), 24))
    texts = [f"{what} {seed} {i} asks about topic{'abcdefghij'[one]}" for i, one in enumerate(topic)]
    return texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), topic


def sizes(usual=40, **other):
    return [other.get(f"t{topic}", usual) for topic in range(TOPICS)]


@pytest.fixture(scope="module")
def moved():
    """Topic 9 is new, 8 has vanished, 7 has tripled, 6 is a third of what it was."""
    now = window(1, sizes(t9=60, t8=0, t7=120, t6=30), "now")
    then = window(2, sizes(t9=0, t8=60, t7=40, t6=90), "before")
    return now, then, find_drift(*now[:2], *then[:2])


def test_each_kind_of_change_is_found_where_it_was_planted(moved):
    now, then, result = moved
    kinds = {}
    for one in result.topics:
        side, indices = (now, one.current_indices) if one.rises else (then, one.previous_indices)
        found = side[2][indices]
        majority = np.bincount(found).argmax()
        assert np.mean(found == majority) >= 0.8
        kinds[int(majority)] = one.kind
    assert kinds == {9: "new", 8: "vanished", 7: "growing", 6: "shrinking"}
    assert result.of_kind("new")[0].name
    json.dumps(result.to_dict(), allow_nan=False)


def test_shares_ratio_and_intervals_are_those_of_the_rows(moved):
    now, then, result = moved
    growing = result.of_kind("growing")[0]
    share = len(growing.current_indices) / len(now[0]), len(growing.previous_indices) / len(then[0])
    assert (growing.current_share, growing.previous_share) == pytest.approx(share)
    assert (growing.current_traffic, growing.previous_traffic) == pytest.approx(share)
    assert growing.ratio == pytest.approx(share[0] / share[1])
    # 120 of 450 against 40 of 470
    assert growing.ratio_low < (120 / 450) / (40 / 470) < growing.ratio_high
    assert growing.current_share_low < 120 / 450 < growing.current_share_high
    assert growing.previous_share_low < 40 / 470 < growing.previous_share_high
    assert growing.p_value <= growing.adjusted_p_value <= 0.05


def test_a_topic_that_was_never_there_has_no_ratio_but_an_interval(moved):
    *_, result = moved
    new = result.of_kind("new")[0]
    assert new.previous_share <= 0.2 * new.current_share
    # 60 of 450 and none of 430: score interval of the share of two Poisson counts at this level (statsmodels)
    assert len(new.current_indices) == 60
    assert new.previous_indices == []
    level = 1 - 0.05 * len(result.topics) / result.tested
    low, _ = proportion_confint(60, 60, alpha=1 - level, method="wilson")
    assert new.ratio_low == pytest.approx(low / (1 - low) * 430 / 450)
    assert (new.ratio, new.ratio_high) == (None, None)


def test_representatives_and_nearest_prompts_come_from_the_right_windows(moved):
    now, then, result = moved
    new = result.of_kind("new")[0]
    assert set(new.representative_prompts) <= set(now[0])
    centre = now[1][new.current_indices].mean(axis=0)
    cosine = then[1] @ (centre / np.linalg.norm(centre))
    nearest = new.nearest_other_prompts
    assert [one["index"] for one in nearest] == list(np.argsort(-cosine)[:3])
    assert nearest[0]["prompt"] == then[0][nearest[0]["index"]]
    assert nearest[0]["distance"] == pytest.approx(np.sqrt(2 - 2 * cosine.max()), abs=1e-3)
    gone = result.of_kind("vanished")[0]
    assert set(gone.representative_prompts) <= set(then[0])
    assert {one["prompt"] for one in gone.nearest_other_prompts} <= set(now[0])


def test_the_namer_is_told_which_window_and_shown_both(moved):
    now, then, _ = moved
    namer = FixedNamer()
    result = find_drift(*now[:2], *then[:2], None, namer)
    assert {one.name for one in result.topics} == {f"topic {i}" for i in range(len(namer.tasks))}
    assert {task.what for task in namer.tasks} == {"come from this window", "come from the window before"}
    for task in namer.tasks:
        sides = {"current": now[0], "previous": then[0]}
        for example in task.examples:
            side, row = example["example_id"].split()
            assert sides[side][int(row)] == example["prompt"]


def test_swapped_windows_swap_the_kinds(moved):
    now, then, result = moved
    swapped = find_drift(*then[:2], *now[:2])
    opposite = {"new": "vanished", "vanished": "new", "growing": "shrinking", "shrinking": "growing"}
    assert {(one.topic_id, opposite[one.kind]) for one in swapped.topics} == {
        (one.topic_id, one.kind) for one in result.topics
    }


def test_nothing_is_found_where_nothing_moved():
    runs = 24
    found = sum(
        bool(find_drift(*window(10 + run, sizes(20), "now")[:2], *window(60 + run, sizes(20), "old")[:2]).topics)
        for run in range(runs)
    )
    # 5 % and two standard errors
    assert found <= 1.2 + 2 * (24 * 0.05 * 0.95) ** 0.5


def burst(sessions):
    """Topic 3 has 60 prompts more, asked by this many users; everybody else asks once."""
    now, then = window(5, sizes(t3=100), "now"), window(6, sizes(), "old")
    extra = np.flatnonzero(now[2] == 3)[:60]
    who = [f"n{i}" for i in range(len(now[0]))]
    for number, row in enumerate(extra.tolist()):
        who[row] = f"user {number % sessions}"
    return find_drift(
        *now[:2], *then[:2], current_sessions=who, previous_sessions=[f"o{i}" for i in range(len(then[0]))]
    )


def test_a_burst_of_one_user_is_no_trend_and_sixty_users_are():
    assert burst(1).topics == ()
    assert burst(2).topics == ()
    many = burst(60).topics
    assert [one.kind for one in many] == ["growing"]


def test_what_one_user_asks_and_others_too_is_a_trend():
    """Topic 3 has 60 prompts more; one user asks all of them, and sixty others one each."""
    now, then = window(5, sizes(t3=100), "now"), window(6, sizes(), "old")
    extra = np.flatnonzero(now[2] == 3)[:60]
    texts, vectors = [*now[0], *(now[0][row] for row in extra)], np.concatenate([now[1], now[1][extra]])
    who = [f"n{i}" for i in range(len(now[0]))] + ["everything"] * len(extra)
    result = find_drift(
        texts, vectors, *then[:2], current_sessions=who, previous_sessions=[f"o{i}" for i in range(len(then[0]))]
    )
    assert [one.kind for one in result.topics] == ["growing"]


def test_users_with_many_topics_still_show_a_trend():
    """Users ask about every topic once; on one topic there are 110 users now and 40 before."""
    now, then = window(5, sizes(t3=110), "now"), window(6, sizes(), "old")
    users = [
        [f"{what} {i}" for size in own for i in range(size)] for what, own in (("n", sizes(t3=110)), ("o", sizes()))
    ]
    result = find_drift(*now[:2], *then[:2], current_sessions=users[0], previous_sessions=users[1])
    assert [one.kind for one in result.topics] == ["growing"]
    assert np.mean(now[2][result.topics[0].current_indices] == 3) >= 0.8


def test_rates_of_false_topics_with_sessions_of_one_topic_each():
    runs, found = 16, 0
    for run in range(runs):
        rng = np.random.default_rng(run)
        sides = []
        for what in ("now", "old"):
            # 40 sessions of 8 prompts, each about one topic drawn at random
            drawn = np.bincount(rng.integers(TOPICS, size=40), minlength=TOPICS) * 8
            texts, vectors, _ = window(200 + run, drawn.tolist(), what)
            sides.append((texts, vectors, [f"{what} {i // 8}" for i in range(len(texts))]))
        result = find_drift(*sides[0][:2], *sides[1][:2], current_sessions=sides[0][2], previous_sessions=sides[1][2])
        found += bool(result.topics)
    assert found <= 0.8 + 2 * (16 * 0.05 * 0.95) ** 0.5


def test_copies_count_once_and_are_traffic():
    now, then = window(7, sizes(), "now"), window(8, sizes(), "old")
    copied = [now[0][0].upper()] * 300
    result = find_drift(now[0] + copied, np.concatenate([now[1], now[1][:1].repeat(300, 0)]), *then[:2])
    assert result.topics == ()
    assert (result.current_rows, result.current_units) == (700, 400)


def test_prompts_of_both_windows_are_one_unit_in_both():
    now = window(9, sizes(t0=0), "same")
    new = window(10, sizes(usual=0, t0=50), "new")
    result = find_drift(now[0] + new[0], np.concatenate([now[1], new[1]]), *now[:2])
    (topic,) = result.topics
    assert topic.kind == "new"
    assert set(topic.current_indices) & set(range(len(now[0]), len(now[0]) + 50))


def test_empty_and_wholly_new_windows_have_valid_answers():
    some = window(11, sizes(), "some")
    nothing = ([], np.zeros((0, 24)))
    for sides, which in (((*nothing, *some[:2]), "current"), ((*some[:2], *nothing), "previous")):
        empty = find_drift(*sides)
        assert empty.topics == ()
        assert which in empty.note
        json.dumps(empty.to_dict(), allow_nan=False)
    assert find_drift(*nothing, *nothing).topics == ()
    before = window(12, sizes(usual=0, t0=80, t1=80), "before")
    after = window(13, sizes(usual=0, t5=80, t6=80), "after")
    result = find_drift(*after[:2], *before[:2])
    assert {one.kind for one in result.topics} == {"vanished"}
    assert sum(len(one.previous_indices) for one in result.topics) == 160
    assert sum(len(one.current_indices) for one in result.topics) == 0
    assert "100% of them) have hardly any like them before" in result.note
    single = find_drift(["a"], np.ones((1, 3)), ["b"], np.array([[1.0, 0.0, 0.0]]))
    assert single.topics == ()
    assert single.note


def test_order_of_rows_does_not_matter(moved):
    now, then, result = moved
    order = np.random.default_rng(1).permutation(len(now[0]))
    shuffled = find_drift([now[0][i] for i in order], now[1][order], *then[:2])
    assert [one.topic_id for one in shuffled.topics] == [one.topic_id for one in result.topics]
    assert sorted(order[shuffled.topics[0].current_indices]) == result.topics[0].current_indices


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigurationError, match="current: vectors have shape"):
        find_drift(["a"], np.ones((2, 3)), ["b"], np.ones((1, 3)))
    with pytest.raises(ConfigurationError, match="vectors have 3 and 2 columns"):
        find_drift(["a"], np.ones((1, 3)), ["b"], np.ones((1, 2)))
    with pytest.raises(ConfigurationError, match="2 sessions for 1 prompts"):
        find_drift(["a"], np.ones((1, 3)), ["b"], np.ones((1, 3)), current_sessions=["x", "y"])
    with pytest.raises(ClusteringError, match="not finite"):
        find_drift(["a"], np.full((1, 3), np.nan), ["b"], np.ones((1, 3)))
    with pytest.raises(ConfigurationError, match="absent_ratio"):
        DriftSettings(absent_ratio=1.0)
    with pytest.raises(ConfigurationError, match="significance_level"):
        DriftSettings(significance_level=0.0)
    with pytest.raises(ConfigurationError, match="clustering_method"):
        DriftSettings(clustering_method="kmeans")


def test_real_words_give_a_topic_its_name():
    cities = ["Oslo", "Rome", "Lima", "Cairo", "Paris", "Tokyo", "Delhi", "Quito", "Accra", "Hanoi"]
    usual = [f"What is the weather in {city} on day {day}?" for city in cities for day in range(8)]
    older = [f"How is the weather in {city} in week {day}?" for city in cities for day in range(8)]
    refund = [f"I want a refund for order number {i} from the {city} shop" for i, city in enumerate(cities * 4)]
    embed = get_embedder().embed
    result = find_drift(usual + refund, embed(usual + refund), older, embed(older))
    new = [one for one in result.topics if one.rises and min(one.current_indices) >= 80]
    assert any("refund" in one.keywords for one in new)
    assert "refund" in new[0].description
