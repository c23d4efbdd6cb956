import numpy as np
import pytest
from scipy import stats

from faultmap_core.clustering import ClusterTree
from faultmap_core.errors import ConfigurationError
from faultmap_core.regions import Label, RegionSettings, candidates_of, find_regions


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
    assert region.low < region.risk_difference < region.high


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
