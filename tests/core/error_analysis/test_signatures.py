"""Error signatures against scipy, statsmodels, published tables and simulated models that do not differ."""

import dataclasses
import json

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.error_analysis.taxonomy.error_reach import blind_spot, explains_nothing, needs_reference
from faultmap_core.error_analysis.taxonomy.signatures import (
    ModelCounts,
    SignatureRows,
    SignatureSettings,
    error_signatures,
)
from faultmap_core.stats.exact_tests import mcnemar_midp
from faultmap_core.stats.matched_rates import log_ratio, matched_log_ratio, matched_midp


def rows_of(errors, counts, units=None):
    """errors: (dataset, model, example, category, slices)."""
    columns = list(zip(*errors, strict=True)) if errors else [()] * 5
    datasets, models, examples, categories, slices = columns
    ids = [str(i) for i in range(len(errors))]
    return SignatureRows(ids, datasets, models, categories, examples, slices, counts, units)


def by_key(signatures):
    return {(s.scope, s.dataset, s.model, s.category_id, s.slice_id): s for s in signatures}


def two_models(a_only, b_only, both, category="arithmetic"):
    ids = iter(range(10_000))
    errors = []
    for models, number in ((("a",), a_only), (("b",), b_only), (("a", "b"), both)):
        for _ in range(number):
            example = f"e{next(ids)}"
            errors += [("d", model, example, category, ()) for model in models]
    return errors


def test_two_models_are_compared_by_mcnemars_test():
    a, b, both = 7, 1, 30
    errors = two_models(a, b, both)
    counts = [ModelCounts("d", "a", 200, 37, 37), ModelCounts("d", "b", 200, 31, 31)]
    found = by_key(error_signatures(rows_of(errors, counts)))
    more, less = found["model", "d", "a", "arithmetic", ""], found["model", "d", "b", "arithmetic", ""]
    # Fagerland et al. 2013, table 2: two-sided mid-p 0.0391 of 1 and 7 discordant pairs.
    assert more.p_value == pytest.approx(0.0391 / 2, abs=3e-5)
    assert more.p_value == pytest.approx(mcnemar_midp(a, b) / 2, rel=1e-9)
    assert less.p_value == pytest.approx(1 - more.p_value, rel=1e-9)
    assert (more.count, more.total, more.share) == (37, 37, 1.0)
    assert (more.rate, more.rest_rate) == (pytest.approx(37 / 200), pytest.approx(31 / 200))
    assert more.risk_ratio == pytest.approx(37 / 31)
    assert more.risk_ratio_low < more.risk_ratio < more.risk_ratio_high
    # Two tests, so the smaller p doubles.
    assert more.adjusted_p_value == pytest.approx(2 * more.p_value)


def test_errors_that_never_coincide_are_binomial_among_the_models():
    # 9 events of A, 10 of three others: mid-p of Binomial(19, 1/4), up to the half pseudo-event of the rest.
    own = np.concatenate([np.full(9, 1 / 500), np.zeros(10)])
    theirs = np.concatenate([np.zeros(9), np.full(10, 1 / 1500)])
    p = matched_midp(own, theirs, 1e-12, np.zeros(19, dtype=np.int64), 1)[0]
    reference = stats.binom(19, 0.25)
    assert p == pytest.approx(reference.sf(9) + reference.pmf(9) / 2, rel=1e-4)
    assert matched_midp(own, theirs, 1.0, np.zeros(19, dtype=np.int64), 1)[0] > p


def test_a_rest_without_any_event_is_half_of_one():
    # Ten errors of A, none of the others: mid-p of Binomial(10, 1/2), as if the others were one model.
    p = matched_midp(np.full(10, 0.01), np.zeros(10), 1.0, np.zeros(10, dtype=np.int64), 1)[0]
    assert p == pytest.approx(0.5**10 / 2)
    assert matched_midp(np.zeros(3), np.ones(3), 1.0, np.zeros(3, dtype=np.int64), 1)[0] == 1.0


def test_p_stays_above_zero():
    errors = two_models(3000, 0, 0)
    errors = [(d, m, e, c, ("s",)) for d, m, e, c, _ in errors] + [
        ("d", "a", f"x{i}", "other", ()) for i in range(3000)
    ]
    counts = [ModelCounts("d", "a", 9000, 6000, 6000), ModelCounts("d", "b", 9000, 0, 0)]
    smallest = [
        s for s in error_signatures(rows_of(errors, counts)) if s.category_id == "arithmetic" and s.model == "a"
    ]
    assert [s.scope for s in smallest] == ["model", "slice"]
    assert all(0.0 < s.p_value < 1e-300 for s in smallest)


def test_paired_ratio_has_the_textbook_error_but_for_the_half_events():
    # Desu and Raghavarao 2004: sqrt((b + c) / (x y)); with many events the halves vanish.
    a, b, both = 4000, 3000, 9000
    own, theirs = np.repeat([1.0, 0.0, 1.0], [a, b, both]), np.repeat([0.0, 1.0, 1.0], [a, b, both])
    ratio, error = matched_log_ratio(own, theirs, (1.0, 1.0), np.zeros(len(own), dtype=np.int64), 1)
    x, y = a + both, b + both
    assert ratio[0] == pytest.approx(np.log(x / y), rel=1e-3)
    assert error[0] == pytest.approx(np.sqrt((a + b) / (x * y)), rel=1e-3)


def test_ratio_of_two_groups_matches_statsmodels():
    ratio, error = log_ratio(*(np.array([float(one)]) for one in (9, 40, 12, 160)))
    low, high = confint_proportions_2indep(9, 40, 12, 160, method="log-adjusted", compare="ratio")
    z = stats.norm.ppf(0.975)
    assert (np.exp(ratio[0] - z * error[0]), np.exp(ratio[0] + z * error[0])) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize("family", [False, True])
def test_interval_of_the_matched_ratio_covers_the_true_one(family):
    rng, n, runs = np.random.default_rng(9), 800, 2000
    own, theirs, group = [], [], []
    for run in range(runs):
        hard = rng.beta(1, 4, n)
        draws = rng.random((n, 4))
        if family:
            draws[:, 2:] = draws[:, [1]]
        seen = draws < hard[:, None] * [0.4, 0.2, 0.2, 0.2]
        seen = seen[seen.any(axis=1)]
        own.append(seen[:, 0] / n)
        theirs.append(seen[:, 1:].sum(axis=1) / (3 * n))
        group.append(np.full(len(seen), run))
    ratio, error = matched_log_ratio(
        *map(np.concatenate, (own, theirs)), (1 / n, 1 / (3 * n)), np.concatenate(group), runs
    )
    covered = np.abs(ratio - np.log(2)) <= stats.norm.ppf(0.975) * error
    assert 0.935 <= covered.mean() <= 0.975


def null_events(rng, n, n_models, rate, kind):
    """Errors of models that all have the same rate. `kind`: what they have in common."""
    chance = np.full(n, rate) if kind == "independent" else rng.beta(0.3, 0.3 * (1 - rate) / rate, n)
    draws = rng.random((n, n_models))
    if kind == "family":
        draws[:, 2:] = draws[:, [1]]
    return draws < chance[:, None]


@pytest.mark.parametrize("kind", ["independent", "hard", "family"])
@pytest.mark.parametrize("judged", [(1.0, 1.0, 1.0, 1.0), (1.0, 0.3, 0.3, 0.3)])
@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_matched_test_keeps_its_size_whatever_models_share(kind, judged, rate):
    rng, runs, n = np.random.default_rng(1), 1500, 600
    own, theirs, group = [], [], []
    for run in range(runs):
        seen = null_events(rng, n, 4, rate, kind) & (rng.random((n, 4)) < judged)
        worth = seen[seen.any(axis=1)] / np.array(judged)
        own.append(worth[:, 0] / n)
        theirs.append(worth[:, 1:].sum(axis=1) / (3 * n))
        group.append(np.full(len(worth), run))
    all_others = sum(1 / one for one in judged[1:]) / 3
    p = matched_midp(*map(np.concatenate, (own, theirs)), all_others, np.concatenate(group), runs)
    assert (p <= 0.05).mean() <= 0.065
    assert (p <= 0.005).mean() <= 0.01
    if rate == 0.1:
        assert (p <= 0.05).mean() >= 0.03


def null_table(rng, n_examples=400):
    """Four models of one dataset that make every kind of error equally often, in slices that mean nothing."""
    leaves = [f"top{i}/leaf{j}" for i in range(3) for j in range(3)]
    hard = rng.beta(1, 2, n_examples)
    kind = rng.integers(9, size=n_examples)
    slices = [tuple(f"s{i}" for i in range(4) if rng.random() < 0.2) for _ in range(n_examples)]
    errors, counts = [], []
    for model in "abcd":
        failed = np.flatnonzero(rng.random(n_examples) < hard)
        judged = failed[rng.random(len(failed)) < 0.8]
        counts.append(ModelCounts("d", model, n_examples, len(failed), len(judged)))
        own = np.where(rng.random(n_examples) < 0.5, kind, rng.integers(9, size=n_examples))
        errors += [("d", model, f"e{i}", leaves[own[i]], slices[i]) for i in judged]
    return errors, counts


def test_models_that_do_not_differ_have_no_signature():
    rng = np.random.default_rng(3)
    alarms = {"model": 0, "slice": 0}
    runs = 100
    for _ in range(runs):
        found = error_signatures(rows_of(*null_table(rng)))
        for scope in alarms:
            alarms[scope] += any(one.significant for one in found if one.scope == scope)
    # All discoveries are false: their rate is the share of runs with any; .05 and two and a half standard errors.
    assert alarms["model"] <= 10
    assert alarms["slice"] <= 10


def test_planted_signatures_are_found():
    rng = np.random.default_rng(4)
    errors, counts = null_table(rng)
    changed = []
    for dataset, model, example, category, slices in errors:
        if model == "b" and rng.random() < 0.5:
            category = "top0/leaf0"
        if model == "c" and "s2" in slices and rng.random() < 0.7:
            category = "top2/leaf1"
        changed.append((dataset, model, example, category, slices))
    found = by_key(s for s in error_signatures(rows_of(changed, counts)) if s.significant)
    assert ("model", "d", "b", "top0/leaf0", "") in found
    assert ("model", "d", "b", "top0", "") in found
    assert ("slice", "d", "c", "top2/leaf1", "s2") in found
    assert not [key for key in found if key[2] in "ad" and "leaf" in key[3]]


def test_slices_have_scipys_hypergeometric_midp_adjusted_over_all():
    rng = np.random.default_rng(5)
    errors, counts = null_table(rng, 2500)
    found = [s for s in error_signatures(rows_of(errors, counts)) if s.scope == "slice"]
    expected = []
    for one in found:
        mine = [e for e in errors if e[1] == one.model]
        good = [e for e in mine if e[3] == one.category_id or e[3].startswith(one.category_id + "/")]
        inside = [e for e in mine if one.slice_id in e[4]]
        both = [e for e in good if one.slice_id in e[4]]
        assert (one.count, one.total) == (len(both), len(inside))
        assert one.rest_rate == pytest.approx((len(good) - len(both)) / (len(mine) - len(inside)))
        law = stats.hypergeom(len(mine), len(good), len(inside))
        expected.append(law.sf(len(both)) + law.pmf(len(both)) / 2)
    p = np.array([one.p_value for one in found])
    assert p == pytest.approx(np.array(expected), rel=1e-9)
    # Every category occurs in every slice here, so that the rows are all tests.
    assert len(found) == 4 * 12 * 4
    assert [one.adjusted_p_value for one in found] == pytest.approx(multipletests(p, method="fdr_bh")[1], rel=1e-9)


def test_a_sampled_error_stands_for_those_not_judged():
    errors = [("d", "a", f"e{i}", "x", ()) for i in range(20)]
    counts = [ModelCounts("d", "a", 1000, 200, 40), ModelCounts("d", "b", 1000, 0, 0)]
    one = by_key(error_signatures(rows_of(errors, counts)))["model", "d", "a", "x", ""]
    assert one.rate == pytest.approx(20 * 5 / 1000)
    assert (one.share, one.rest_rate, one.risk_ratio, one.risk_ratio_high) == (1.0, 0.0, None, None)
    assert one.risk_ratio_low > 1


def test_a_model_alone_has_shares_and_no_test():
    errors = [("d", "a", f"e{i}", "x" if i % 2 else "y", ()) for i in range(20)]
    # B failed and was not judged yet: nothing is known of its errors.
    counts = [ModelCounts("d", "a", 100, 20, 20), ModelCounts("d", "b", 100, 50, 0)]
    found = error_signatures(rows_of(errors, counts))
    assert [(s.category_id, s.share, s.p_value, s.rest_rate) for s in found] == [
        ("x", 0.5, None, None),
        ("y", 0.5, None, None),
    ]


def test_shares_of_every_depth_add_up():
    errors, counts = null_table(np.random.default_rng(6))
    found = [s for s in error_signatures(rows_of(errors, counts)) if s.scope == "model"]
    for model in "abcd":
        total = next(c.judged for c in counts if c.model == model)
        for depth in (1, 2):
            assert sum(s.count for s in found if s.model == model and s.depth == depth) == total
    weighted = {c.model: c.failures / c.scored for c in counts}
    for model, failure_rate in weighted.items():
        assert sum(s.rate for s in found if s.model == model and s.depth == 1) == pytest.approx(failure_rate)


def test_copies_of_a_prompt_do_not_make_significance():
    rng = np.random.default_rng(7)
    # Six examples of the slice are in the category, four elsewhere; then every example of the slice ten times.
    errors = [("d", "a", f"e{i}", "x" if i < 6 else "y", ("s",)) for i in range(8)]
    errors += [("d", "a", f"f{i}", "x" if i < 20 else "y", ()) for i in range(60)]
    counts = [ModelCounts("d", "a", 1000, 500, 500)]
    once = by_key(error_signatures(rows_of(errors, counts)))["slice", "d", "a", "x", "s"]
    copied = [(d, m, f"{e}-{copy}", c, s) for d, m, e, c, s in errors for copy in range(10 if s else 1)]
    order = rng.permutation(len(copied))
    copied = [copied[i] for i in order]
    units = [one[2].split("-")[0] for one in copied]
    many = by_key(error_signatures(rows_of(copied, counts, units)))["slice", "d", "a", "x", "s"]
    naive = by_key(error_signatures(rows_of(copied, counts)))["slice", "d", "a", "x", "s"]
    assert many.count == 60
    assert many.p_value == pytest.approx(once.p_value)
    assert naive.p_value < once.p_value / 100


def test_copies_count_once_between_models_too():
    errors = two_models(7, 1, 3)
    counts = [ModelCounts("d", "a", 200, 100, 100), ModelCounts("d", "b", 200, 100, 100)]
    once = by_key(error_signatures(rows_of(errors, counts)))["model", "d", "a", "arithmetic", ""]
    copied = [(d, m, f"{e}-{copy}", c, s) for d, m, e, c, s in errors for copy in range(5)]
    units = [one[2].split("-")[0] for one in copied]
    many = by_key(error_signatures(rows_of(copied, counts, units)))["model", "d", "a", "arithmetic", ""]
    assert many.p_value == pytest.approx(once.p_value)


def test_unclassified_and_rare_categories_are_not_tested():
    errors = two_models(20, 0, 0, "unclassified") + [("d", "a", f"z{i}", "rare", ()) for i in range(4)]
    counts = [ModelCounts("d", "a", 100, 24, 24), ModelCounts("d", "b", 100, 10, 10)]
    assert {s.p_value for s in error_signatures(rows_of(errors, counts))} == {None}
    tested = error_signatures(rows_of(errors, counts), SignatureSettings(min_count=4))
    assert {s.category_id for s in tested if s.p_value is not None} == {"rare"}


def test_order_of_rows_does_not_matter_and_results_are_json():
    errors, counts = null_table(np.random.default_rng(8))
    found = error_signatures(rows_of(errors, counts))
    assert found == error_signatures(rows_of(errors[::-1], counts[::-1]))
    assert json.loads(json.dumps([s.to_dict() for s in found], allow_nan=False))[0]["scope"] == "model"


def test_nothing_judged_gives_no_signature():
    assert error_signatures(rows_of([], [])) == ()
    assert error_signatures(rows_of([], [ModelCounts("d", "a", 10, 0, 0), ModelCounts("d", "b", 10, 3, 3)])) == ()


def test_what_does_not_fit_is_refused():
    counts = [ModelCounts("d", "a", 10, 5, 1)]
    one = [("d", "a", "e", "x", ())]
    with pytest.raises(ConfigurationError, match="no counts for 'd', 'b'"):
        error_signatures(rows_of([("d", "b", "e", "x", ())], counts))
    with pytest.raises(ConfigurationError, match="2 errors, but 1 judged"):
        error_signatures(rows_of(one * 2, counts))
    with pytest.raises(ConfigurationError, match="twice"):
        error_signatures(rows_of(one, counts * 2))
    with pytest.raises(ConfigurationError, match="judged <= failures <= scored"):
        rows_of(one, [dataclasses.replace(counts[0], judged=6)])
    with pytest.raises(ConfigurationError, match="units has 2 values for 1"):
        rows_of(one, counts, ["u", "v"])
    with pytest.raises(ConfigurationError, match="occurs twice"):
        SignatureRows(["1", "1"], *(["d"] * 2,) * 4, [(), ()], counts)
    with pytest.raises(ConfigurationError, match="min_count is 0"):
        SignatureSettings(min_count=0)
    with pytest.raises(ConfigurationError, match="significance_level"):
        SignatureSettings(significance_level=1.5)


def test_a_dataset_without_a_judgment_yet_has_no_signature() -> None:
    counts = [ModelCounts("d", "m", 60, 20, 0), ModelCounts("d", "n", 60, 0, 0)]
    assert error_signatures(SignatureRows([], [], [], [], [], [], counts)) == ()
    assert error_signatures(SignatureRows([], [], [], [], [], [], [])) == ()


def reference_rows(kinds, counts, reference):
    """kinds: (model, example, category, needs a reference); reference: (model, example) -> has one."""
    models, examples, categories, needs = zip(*kinds, strict=True)
    return SignatureRows(
        [str(i) for i in range(len(kinds))], ["d"] * len(kinds), models, categories, examples, [()] * len(kinds),
        counts,
        has_reference=[reference(one[0], one[1]) for one in kinds], needs_reference=needs,
    )  # fmt: skip


def test_a_kind_that_needs_a_reference_is_compared_where_models_have_one():
    """A has references for 100 of 200 examples, B for the same 100, C for none, so C cannot show a wrong number."""
    kinds = [("a", f"e{i:03d}", "number/wrong", True) for i in range(9)]
    kinds += [("b", f"e{i:03d}", "number/wrong", True) for i in range(8, 10)]
    kinds += [("c", f"e{i:03d}", "loop", False) for i in range(20)] + [("a", "e150", "loop", False)]
    counts = [
        ModelCounts("d", "a", 200, 10, 10, (100, 9, 9)),
        ModelCounts("d", "b", 200, 2, 2, (100, 2, 2)),
        ModelCounts("d", "c", 200, 20, 20, (0, 0, 0)),
    ]
    found = by_key(error_signatures(reference_rows(kinds, counts, lambda m, e: m != "c" and e < "e100")))
    number = found["model", "d", "a", "number/wrong", ""]
    # Only A errs on 8 examples, only B on 1, both on 1: McNemar's mid-p, one-sided, of 8 of 9.
    exact = stats.binom.sf(8, 9, 0.5) + 0.5 * stats.binom.pmf(8, 9, 0.5)
    assert number.p_value == pytest.approx(exact, rel=1e-9)
    assert (number.rate, number.rest_rate) == (pytest.approx(9 / 100), pytest.approx(2 / 100))
    assert ("model", "d", "c", "number/wrong", "") not in found
    assert found["model", "d", "a", "number", ""].p_value == pytest.approx(exact, rel=1e-9)
    # What needs none is compared on all rows of all models.
    loop = found["model", "d", "c", "loop", ""]
    assert (loop.rate, loop.rest_rate) == (pytest.approx(20 / 200), pytest.approx(1 / 400))
    assert loop.significant


def test_a_kind_without_a_second_model_that_could_make_it_is_not_tested():
    kinds = [("a", f"e{i:03d}", "number", True) for i in range(40)] + [("b", "e000", "loop", False)]
    counts = [ModelCounts("d", "a", 50, 40, 40, (50, 40, 40)), ModelCounts("d", "b", 50, 1, 1, (0, 0, 0))]
    found = by_key(error_signatures(reference_rows(kinds, counts, lambda m, e: m == "a")))
    number = found["model", "d", "a", "number", ""]
    assert (number.count, number.rest_rate, number.p_value, number.significant) == (40, None, None, False)


def test_what_explains_nothing_is_counted_and_not_tested():
    errors = [("d", "a", f"e{i}", "unexplained/no_word", ("s",) if i < 20 else ()) for i in range(30)]
    errors += [("d", "a", f"f{i}", "loop", ()) for i in range(10)]
    counts = [ModelCounts("d", "a", 50, 40, 40), ModelCounts("d", "b", 50, 0, 0)]
    tested = error_signatures(rows_of(errors, counts), SignatureSettings(untested=("unexplained",)))
    assert {one.category_id for one in tested if one.p_value is not None} == {"loop"}
    assert by_key(tested)["model", "d", "a", "unexplained/no_word", ""].count == 30


@pytest.mark.parametrize(
    ("name", "nothing"),
    [
        ("Unexplained", True),
        ("Unexplained: a short answer that shares no word with the reference", True),
        ("No reference to compare with", True),
        ("Score below threshold", True),
        ("The score is too low", True),
        ("Low score", True),
        ("Wrong answer", True),
        ("Incorrect response.", True),
        ("Errors", True),
        ("Assertion failed", True),
        ("Wrong number", False),
        ("Wrong answer format", False),
        ("Incorrect unit conversion", False),
        ("Scores the wrong team", False),
        ("Arithmetic slip in the working", False),
        ("Errors in counting letters", False),
        ("Low-resource language misread", False),
    ],
)
def test_names_that_restate_the_score_explain_nothing(name, nothing):
    assert explains_nothing(name) is nothing


def test_every_rule_title_says_whether_it_needs_a_reference():
    # Titles that the rules give without looking at a reference, by reading `judging_rules`; "1" is the reference.
    assert [needs_reference(one) for one in ("Empty response", "Cut off before the end", "Declines to answer")] == [
        False,
        False,
        False,
    ]
    assert needs_reference("Final number too small")
    assert needs_reference("Chose the wrong option, without reasoning")
    assert needs_reference("Answers with words of the question")


def test_the_blind_spot_is_one_sentence_with_its_figures():
    told = blind_spot(296, 40, 898)
    assert "296 of 898 errors (33%)" in told
    assert "40 of them without a reference" in told
    assert blind_spot(0, 0, 898) == ""
