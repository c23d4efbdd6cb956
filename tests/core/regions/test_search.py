import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.regions.search import Label, RegionSettings, ScoreLabel, candidates_of, confirm_regions, find_regions
from faultmap_core.regions.tree import ClusterTree, build_tree


def comb_tree(blocks):
    """A tree of a root over consecutive blocks of units."""
    ends = np.cumsum(blocks)
    start = np.concatenate(([0], ends - blocks))
    end = np.concatenate(([ends[-1]], ends))
    parent = np.array([-1] + [0] * len(blocks))
    return ClusterTree(np.arange(ends[-1]), parent, start, end, np.zeros(len(parent)), "test")


def label_of(successes, trials=None):
    values = np.asarray(successes, dtype=float)
    return Label(values, np.ones(len(values)) if trials is None else np.asarray(trials, dtype=float))


def test_one_region_has_the_numbers_of_a_hand_made_table():
    tree = comb_tree([20, 30, 50])
    failed = np.zeros(100)
    failed[:15] = 1  # 15 of 20
    failed[50:55] = 1  # 5 of 50; none of 30
    search = find_regions(candidates_of(tree), label_of(failed), RegionSettings())
    (region,) = search.regions
    assert region.units.tolist() == list(range(20))
    assert (region.successes, region.trials, region.rest_successes, region.rest_trials) == (15, 20, 5, 80)
    assert region.risk_difference == pytest.approx(0.75 - 5 / 80)
    assert region.excess == pytest.approx(15 - 20 * 5 / 80)
    reference = stats.hypergeom(100, 20, 20)
    assert region.p_value == pytest.approx(reference.sf(15) + reference.pmf(15) / 2, rel=1e-9)
    # Three blocks have allowed sizes (the root has none outside): Benjamini-Hochberg of the smallest is 3 p.
    assert search.n_tested == 3
    assert region.adjusted_p_value == pytest.approx(3 * region.p_value, rel=1e-9)
    # One of three is reported: its interval errs a third as often (Benjamini and Yekutieli, 2005).
    bounds = confint_proportions_2indep(15, 20, 5, 80, method="newcomb", compare="diff", alpha=0.05 / 3)
    assert (region.low, region.high) == pytest.approx(bounds, abs=1e-9)


def test_a_parent_does_not_ride_on_its_child():
    # The parent of two blocks is significant only because of the first.
    tree = ClusterTree(
        np.arange(200),
        np.array([-1, 0, 1, 1]),
        np.array([0, 0, 0, 30]),
        np.array([200, 90, 30, 90]),
        np.zeros(4),
        "test",
    )
    failed = np.zeros(200)
    failed[:28] = 1
    failed[30:200:10] = 1
    found = find_regions(candidates_of(tree), label_of(failed), RegionSettings()).regions
    assert [region.units.tolist() for region in found] == [list(range(30))]


def test_what_is_bad_only_beside_the_rest_of_the_rest_is_no_region():
    # Once the first block is out, the second stands out; beside all others it does not.
    tree = comb_tree([100, 100, 100])
    failed = np.concatenate([np.ones(100), np.repeat([1.0, 0.0], [30, 70]), np.zeros(100)])
    found = find_regions(candidates_of(tree), label_of(failed), RegionSettings()).regions
    assert [region.candidate for region in found] == [1]


@pytest.mark.parametrize("outcome", [np.zeros(40), np.ones(40)])
def test_nothing_or_everything_carrying_the_label_finds_nothing(outcome):
    assert find_regions(candidates_of(comb_tree([20, 20])), label_of(outcome), RegionSettings()).regions == ()


def test_units_without_trials_stay_out():
    tree = comb_tree([20, 20, 20])
    failed = np.concatenate([np.ones(20), np.zeros(40)])
    masked = np.concatenate([np.ones(12), np.zeros(8), np.ones(40)])
    (region,) = find_regions(candidates_of(tree), label_of(failed * masked, masked), RegionSettings()).regions
    assert region.units.tolist() == list(range(12))
    assert region.trials == 12


def test_absence_is_found_as_well_as_concentration():
    tree = comb_tree([30, 100])
    made = np.concatenate([np.zeros(30), np.repeat([1.0, 0.0], [60, 40])])
    less = find_regions(candidates_of(tree), label_of(made), RegionSettings(alternative="less")).regions
    both = find_regions(candidates_of(tree), label_of(made), RegionSettings(alternative="two-sided")).regions
    assert [region.candidate for region in less] == [region.candidate for region in both] == [1]
    assert both[0].p_value == pytest.approx(2 * less[0].p_value)


def test_named_sets_are_candidates_beside_the_tree():
    failed = np.zeros(90)
    odd = np.arange(1, 60, 3)
    failed[odd] = 1
    search = find_regions(
        candidates_of(comb_tree([45, 45]), {"source = mobile": odd}), label_of(failed), RegionSettings()
    )
    assert search.regions[0].name == "source = mobile"
    assert search.regions[0].units.tolist() == odd.tolist()


def test_copies_that_agree_do_not_add_significance():
    tree = comb_tree([9, 90])
    failed = np.concatenate([np.ones(9), np.zeros(90)])
    assert find_regions(candidates_of(tree), label_of(failed), RegionSettings(min_size=10)).regions == ()


def test_null_labels_find_something_in_at_most_five_per_cent_of_shuffles():
    rng = np.random.default_rng(5)
    tree = comb_tree([12, 18, 25, 30, 40, 60])
    failed = np.repeat([1.0, 0.0], [60, 125])
    hits = sum(
        bool(find_regions(candidates_of(tree), label_of(rng.permutation(failed)), RegionSettings()).regions)
        for _ in range(400)
    )
    assert hits <= 0.05 * 400 + 2 * np.sqrt(400 * 0.05 * 0.95)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"significance_level": 0.0}, "significance_level"),
        ({"min_size": 0}, "min_size"),
        ({"max_share": 1.5}, "max_share"),
        ({"test": "t"}, "test is 't'"),
    ],
)
def test_settings_that_are_not_allowed_are_named(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        RegionSettings(**changes)


def test_labels_that_do_not_fit_are_named():
    candidates = candidates_of(comb_tree([10, 10]))
    with pytest.raises(ConfigurationError, match="expected \\(20,\\)"):
        find_regions(candidates, label_of(np.zeros(3)), RegionSettings())
    with pytest.raises(ConfigurationError, match="finite"):
        find_regions(candidates, label_of(np.full(20, np.nan)), RegionSettings())


def nested_tree(inner, middle, total):
    """A root of `total` units, in it a node of the first `middle`, in that a node of the first `inner`."""
    start, end = np.array([0, 0, 0, inner]), np.array([total, middle, inner, middle])
    return ClusterTree(np.arange(total), np.array([-1, 0, 1, 1]), start, end, np.zeros(4), "test")


def test_a_homogeneous_region_is_reported_whole():
    failed = np.zeros(400)
    failed[:80:2] = 1
    found = find_regions(candidates_of(nested_tree(30, 80, 400)), label_of(failed), RegionSettings()).regions
    assert [len(region.units) for region in found] == [80]


def test_a_region_whose_part_stands_out_is_divided():
    failed = np.zeros(400)
    failed[:38] = 1  # 38 of 40
    failed[40:80:3] = 1  # 14 of 40
    found = find_regions(candidates_of(nested_tree(40, 80, 400)), label_of(failed), RegionSettings()).regions
    assert [len(region.units) for region in found] == [40, 40]
    assert found[0].rate == pytest.approx(38 / 40)


def test_graded_labels_are_tested_by_ranks():
    rng = np.random.default_rng(0)
    values = rng.normal(size=120)
    values[:20] += 1.5
    tree = comb_tree([20, 40, 60])
    search = find_regions(candidates_of(tree), ScoreLabel(values, np.ones(120)), RegionSettings())
    (region,) = search.regions
    assert region.units.tolist() == list(range(20))
    expected = stats.mannwhitneyu(values[:20], values[20:], alternative="greater", method="exact").pvalue
    assert region.p_value == pytest.approx(expected, rel=0.05)
    assert region.rate - region.rest_rate == pytest.approx(values[:20].mean() - values[20:].mean())
    assert region.low < region.risk_difference < region.high


def test_confirmation_uses_only_the_new_units():
    tree = comb_tree([40, 40, 80])
    failed = np.zeros(160)
    failed[:40] = 1  # real
    failed[40:80:2] = 1  # the second block fails in the first half only
    first = np.arange(160) % 2 == 0
    candidates = candidates_of(tree)
    label = lambda units: Label(np.where(units, failed, 0.0), units.astype(float))  # noqa: E731
    found = find_regions(candidates, label(first), RegionSettings()).regions
    again = confirm_regions(candidates, label(~first), found, RegionSettings())
    assert [region.candidate for region in again] == [region.candidate for region in found]
    by_block = {region.candidate: region for region in again}
    assert by_block[1].p_value < 1e-6
    assert by_block[1].units.tolist() == list(range(1, 40, 2))
    assert by_block[2].p_value > 0.5
    adjusted = stats.false_discovery_control([region.p_value for region in again])
    assert [region.adjusted_p_value for region in again] == pytest.approx(adjusted, rel=1e-9, abs=0.0)
    assert by_block[2].successes == 0


def test_sizes_decide_who_may_be_a_region_and_trials_what_it_is_worth():
    tree = comb_tree([20, 80])
    failed = np.concatenate([np.ones(20), np.zeros(80)])
    weights = np.full(100, 0.4)
    light = Label(failed * weights, weights, np.ones(100))
    (region,) = find_regions(candidates_of(tree), light, RegionSettings()).regions
    (full,) = find_regions(candidates_of(tree), label_of(failed), RegionSettings()).regions
    assert region.trials == pytest.approx(8)
    assert region.p_value > full.p_value
    assert region.low < full.low
    assert find_regions(candidates_of(tree), Label(failed * weights, weights), RegionSettings()).regions == ()


@settings(max_examples=40, deadline=None)
@example(366, 120, "greater")  # a part is taken whose own p is greater than that of the whole
@given(st.integers(0, 10_000), st.integers(20, 120), st.sampled_from(["greater", "less", "two-sided"]))
def test_regions_never_overlap_and_keep_their_promises(seed, n, alternative):
    rng = np.random.default_rng(seed)
    tree = build_tree(rng.normal(size=(n, 3)))
    failed = (rng.random(n) < np.where(tree.order.argsort() < n // 3, 0.9, 0.1)).astype(float)
    trials = (rng.random(n) < 0.9).astype(float)
    chosen = RegionSettings(min_size=5, alternative=alternative)
    search = find_regions(candidates_of(tree), Label(failed * trials, trials), chosen)
    units = [unit for region in search.regions for unit in region.units.tolist()]
    assert len(units) == len(set(units))
    adjusted = [region.adjusted_p_value for region in search.regions]
    assert adjusted == sorted(adjusted)
    for region in search.regions:
        assert region.trials == len(region.units) >= 5
        assert 0 <= region.p_value <= region.adjusted_p_value * 5 <= 0.25
        assert region.low <= region.risk_difference <= region.high
        assert region.successes + region.rest_successes == pytest.approx(search.successes)
        if alternative != "two-sided":
            assert (region.risk_difference > 0) == (alternative == "greater")


def test_a_region_needs_the_least_size_inside_and_outside():
    # Nine units pass, spread over both nodes; all others are the set.
    failed = np.ones(100)
    failed[5:100:11] = 0
    sets = {"most": np.flatnonzero(failed)}
    tree = comb_tree([50, 50])
    assert find_regions(candidates_of(tree, sets), label_of(failed), RegionSettings(min_size=10)).regions == ()
    (region,) = find_regions(candidates_of(tree, sets), label_of(failed), RegionSettings(min_size=9)).regions
    assert region.name == "most"


def test_a_node_holds_at_most_half_while_a_named_set_may_hold_more():
    failed = np.concatenate([np.ones(60), np.zeros(40)])
    tree = comb_tree([60, 40])
    assert find_regions(candidates_of(tree), label_of(failed), RegionSettings()).regions == ()
    named = candidates_of(tree, {"topic = x": np.arange(60)})
    assert [one.name for one in find_regions(named, label_of(failed), RegionSettings()).regions] == ["topic = x"]


def test_of_the_same_units_the_named_set_is_taken():
    failed = np.concatenate([np.ones(20), np.zeros(80)])
    candidates = candidates_of(comb_tree([20, 80]), {"topic = x": np.arange(20)})
    assert [one.name for one in find_regions(candidates, label_of(failed), RegionSettings()).regions] == ["topic = x"]
