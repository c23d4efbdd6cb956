import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.meta_analysis import combine_effects

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.stats.rates import Rate, between_day_variance, rate_of


def test_rows_without_an_outcome_are_left_out():
    rate = rate_of([1.0, 0.0, np.nan, 0.5])
    assert (rate.failures, rate.trials, rate.rate, rate.worth) == (1.5, 3.0, 0.5, 3.0)
    assert rate_of([]).rate == 0.0


def test_sessions_that_share_their_outcome_count_once():
    outcome = np.repeat(np.random.default_rng(0).integers(0, 2, 400), 5).astype(float)
    rate = rate_of(outcome, [f"s{i // 5}" for i in range(2000)])
    assert rate.design_effect == pytest.approx(5.0, rel=0.01)
    assert rate_of(outcome, [None] * 2000).design_effect == 1.0


def test_the_design_effect_is_the_variance_that_repeated_draws_show():
    # ICC .3 in sessions of 5: 1 + 4 * .3
    rng = np.random.default_rng(1)
    groups = [f"s{i // 5}" for i in range(500)]
    spread = 0.3 / 0.7
    effects, rates = [], []
    for _ in range(300):
        chance = rng.beta(0.2 / spread, 0.8 / spread, 100).repeat(5)
        rate = rate_of((rng.random(500) < chance).astype(float), groups)
        effects.append(rate.design_effect)
        rates.append(rate.rate)
    assert np.mean(effects) == pytest.approx(2.2, rel=0.05)
    assert np.var(rates) / (0.2 * 0.8 / 500) == pytest.approx(np.mean(effects), rel=0.25)


def test_a_given_design_effect_is_the_least():
    assert rate_of([1.0, 0.0], least_design_effect=3.0).worth == pytest.approx(2 / 3)
    # nothing failed: rows of a session count once
    assert rate_of([0.0] * 6, ["a"] * 6).worth == pytest.approx(1.0)


def test_between_day_variance_is_that_of_dersimonian_and_laird():
    failures, trials = np.array([12, 30, 18, 44, 25]), np.array([100, 210, 150, 190, 180])
    rates = failures / trials
    middle = failures.sum() / trials.sum()
    expected = combine_effects(rates, middle * (1 - middle) / trials, method_re="chi2").tau2
    days = [Rate(float(k), float(n)) for k, n in zip(failures, trials, strict=True)]
    assert between_day_variance(days) == pytest.approx(expected)
    assert between_day_variance(days[:2]) == 0.0


def test_days_that_only_sample_vary_by_nothing_more():
    rng = np.random.default_rng(2)
    still = [between_day_variance([Rate(float(k), 500) for k in rng.binomial(500, 0.1, 28)]) for _ in range(200)]
    moving = [
        between_day_variance([Rate(float(k), 500) for k in rng.binomial(500, rng.normal(0.1, 0.03, 28).clip(0.01))])
        for _ in range(200)
    ]
    # one day's sampling variance is .1 * .9 / 500
    assert np.mean(still) < 0.1 * 0.09 / 500 * 2
    assert np.mean(moving) == pytest.approx(0.03**2, rel=0.1)


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from([None, "a", "b", "c"])), min_size=1, max_size=40))
def test_a_rate_is_worth_between_nothing_and_its_rows(rows):
    rate = rate_of([float(failed) for failed, _ in rows], [group for _, group in rows])
    assert rate.rate == pytest.approx(np.mean([failed for failed, _ in rows]))
    assert 0.0 < rate.worth <= len(rows)


def test_what_is_no_rate_is_refused():
    with pytest.raises(ConfigurationError, match="expected 0 to as many"):
        Rate(3.0, 2.0)
    with pytest.raises(ConfigurationError, match="design_effect"):
        Rate(1.0, 2.0, 0.5)
    with pytest.raises(ConfigurationError, match="1 groups for 2"):
        rate_of([0.0, 1.0], ["a"])
