"""The second adjustment of p-values, over all searches of an audit, against its definition and simulations."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.stats.multiplicity import adjust_over_partitions


def survivors(families, level):
    """Benjamini and Bogomolov's two stages at one level, by statsmodels: select families, then test within them."""
    simes = [multipletests(p, method="fdr_bh")[1].min() for p in families]
    selected = multipletests(simes, alpha=level, method="fdr_bh")[0]
    held_to = level * selected.sum() / len(families)
    return {
        (family, index)
        for family, p in enumerate(families)
        if selected[family]
        for index, rejected in enumerate(multipletests(p, alpha=held_to, method="fdr_bh")[0])
        if rejected
    }


@pytest.mark.parametrize("seed", range(8))
def test_a_finding_survives_a_level_where_the_two_stage_procedure_rejects_it(seed):
    rng = np.random.default_rng(seed)
    families = [rng.random(30) ** (4 if number < 3 else 1) for number in range(7)]
    within = {number: multipletests(p, method="fdr_bh")[1] for number, p in enumerate(families)}
    # What a search reports: its findings at 5 %.
    reported = {number: q[q <= 0.05].tolist() for number, q in within.items()}
    places = {number: np.flatnonzero(q <= 0.05) for number, q in within.items()}
    adjusted = adjust_over_partitions(reported, len(families))
    for level in (0.0005, 0.002, 0.01, 0.03, 0.05):
        kept = {
            (number, int(place))
            for number, p in adjusted.items()
            for place, one in zip(places[number], p, strict=True)
            if one <= level
        }
        assert kept == survivors(families, level)


def test_one_search_changes_nothing_and_many_cost_their_number():
    assert adjust_over_partitions({"a": [0.01, 0.04]}, 1) == {"a": pytest.approx((0.01, 0.04))}
    # By hand: one of 21 selected, so 21 / 1 times.
    assert adjust_over_partitions({"a": [0.001, 0.04]}, 21) == {"a": pytest.approx((0.021, 0.84))}
    # Two of four selected from .02 on (4 * .01 / 2); each finding is held to 2 / 4 of the level.
    both = adjust_over_partitions({"a": [0.01], "b": [0.002, 0.03], "c": []}, 4)
    assert both == {"a": pytest.approx((0.02,)), "b": pytest.approx((0.008, 0.06)), "c": ()}
    assert adjust_over_partitions({}, 0) == {}


def test_with_nothing_to_find_in_21_searches_something_survives_in_at_most_one_of_20_audits():
    rng = np.random.default_rng(1)
    audits, anything = 4_000, 0
    for _ in range(audits):
        simes = np.array([(np.sort(rng.random(40)) * 40 / np.arange(1, 41)).min() for _ in range(21)])
        found = {number: [float(p)] for number, p in enumerate(simes) if p <= 0.05}
        anything += any(p[0] <= 0.05 for p in adjust_over_partitions(found, 21).values())
    assert anything / audits <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / audits)


def test_more_findings_than_searches_and_impossible_p_values_are_refused():
    with pytest.raises(ConfigurationError, match="at least the 2"):
        adjust_over_partitions({"a": [0.01], "b": [0.02]}, 1)
    with pytest.raises(ConfigurationError, match=r"b: a p-value lies outside"):
        adjust_over_partitions({"b": [1.2]}, 3)
