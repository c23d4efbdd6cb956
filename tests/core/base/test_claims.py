"""No claim is rendered that its own interval, test or population contradicts."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from faultmap_core.base.claims import Claim
from faultmap_core.base.errors import ClaimError
from faultmap_core.base.finding_claims import gap_claim, pair_claim, slice_claim, topic_claim
from faultmap_core.discovery.comparison.comparison import CommonExamples, ModelAnswers, compare_models
from faultmap_core.discovery.slices.discovery import EvalRows, SliceSettings, find_failure_slices
from faultmap_core.embedding import get_embedder
from faultmap_core.regions.tree import build_tree
from faultmap_core.stats.superiority import probability_of_superiority

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "evals"
RATES = Claim(
    statistic="failure rate", inside=0.8, outside=0.4, effect=0.4, low=0.2, high=0.6, test="midp",
    population="answers", n=50, n_other=400, p_value=1e-6, adjusted_p_value=1e-4,
)  # fmt: skip
PAIR = replace(
    RATES, statistic="paired failure rate", inside=0.2, outside=0.3, effect=0.1, low=0.05, high=0.15,
    test="mcnemar_midp", population="examples", n=840, n_other=840, first="alpha", second="beta",
)  # fmt: skip


def test_a_claim_whose_parts_agree_is_told_with_its_figures():
    assert str(RATES) == "80% of 50 answers failed, 40% of the other 400: +40 points, between +20 and +60."
    assert str(PAIR) == (
        "alpha is better than beta by 10 points, between 5 and 15: on 840 examples, alpha fails 20%, beta 30%."
    )
    ranks = replace(
        RATES, statistic="score", inside=0.21, outside=0.64, effect=0.78, low=0.66, high=0.87, test="ranksum"
    )
    assert str(ranks) == (
        "0.21 mean score in 50 answers, 0.64 in the other 400: one from here is worse than one from elsewhere in 78% of"
        " comparisons, between 66% and 87% (50% is no difference)."
    )


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (replace(RATES, low=-0.02), "interval includes none"),
        (replace(RATES, adjusted_p_value=0.2), "excludes no difference"),
        (replace(RATES, test="ranksum"), "tested something else"),
        (replace(RATES, statistic="score"), "tested something else"),
        (replace(RATES, other_population="judged errors"), "unlike things"),
        (replace(RATES, n=0), "nothing to compare"),
        (replace(RATES, effect=0.7, high=0.6), "does not hold the estimate"),
        (replace(RATES, inside=0.3, outside=0.4), "other direction"),
        (replace(RATES, low=float("nan")), "not finite"),
        (replace(PAIR, n_other=839), "paired"),
        (replace(PAIR, inside=0.3, outside=0.2), "other direction"),
        (replace(PAIR, adjusted_p_value=0.06), "excludes no difference"),
    ],
)
def test_a_claim_that_contradicts_itself_is_refused_and_only_what_holds_is_told(claim, why):
    with pytest.raises(ClaimError, match=why):
        _ = claim.sentence
    assert "between" not in claim.told
    assert "points" not in claim.told
    assert claim.to_dict()["flaw"] == claim.flaw != ""


def test_hostile_names_stay_text():
    claim = replace(PAIR, first="<b>x</b>\x1b[31m\n", second="y")
    assert "\x1b" not in str(claim)
    assert "\n" not in str(claim)
    assert "<b>" not in claim._repr_html_()
    assert "&lt;b&gt;" in claim._repr_html_()


def test_a_comparison_of_no_pairs_is_a_sentence_without_rates():
    claim = replace(PAIR, n=0, n_other=0, inside=0.0, outside=0.0, effect=0.0, low=None, high=None)
    assert "Nothing was compared" in claim.told
    assert "%" not in claim.told


@pytest.mark.parametrize("seed", range(40))
def test_the_interval_of_superiority_is_the_rank_sum_test_turned_round(seed):
    rng = np.random.default_rng(seed)
    n, m = rng.integers(5, 40), rng.integers(20, 200)
    a, b = rng.normal(rng.uniform(0, 1), 1, n).round(int(rng.integers(0, 3))), rng.normal(0, 1, m).round(2)
    values, inside = np.concatenate([a, b]), np.arange(n + m) < n
    test = mannwhitneyu(a, b, alternative="greater", method="asymptotic")
    for level in (0.9, 0.95, 0.99, 0.999):
        estimate, low, high = probability_of_superiority(values, np.ones(n + m), inside, level)
        assert estimate == pytest.approx(test.statistic / (n * m))
        assert 0 <= low <= estimate <= high <= 1
        assert (low > 0.5) == (test.pvalue < (1 - level) / 2)


def test_the_interval_of_superiority_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(3)
    # P(X > Y) of normals half a standard deviation apart is Phi(0.5 / sqrt 2) = 0.6382.
    hits = 0
    for _ in range(2_000):
        values = np.concatenate([rng.normal(0.5, 1, 30), rng.normal(0, 1, 120)])
        _, low, high = probability_of_superiority(values, np.ones(150), np.arange(150) < 30)
        hits += low <= 0.6382 <= high
    assert hits / 2_000 == pytest.approx(0.95, abs=0.015)


def test_nothing_to_rank_leaves_superiority_open():
    assert probability_of_superiority(np.ones(9), np.ones(9), np.arange(9) < 4) == (0.5, 0.0, 1.0)
    assert probability_of_superiority(np.arange(3.0), np.ones(3), np.ones(3, dtype=bool)) == (0.5, 0.0, 1.0)


WORDS = ("tax law of the country", "sum of two numbers", "colour of the door", "capital city of a land", "boil an egg")


@pytest.fixture(scope="module")
def asked():
    rng = np.random.default_rng(0)
    prompts = [f"Tell me about {WORDS[i % 5]}, case {i} in {rng.integers(1900, 2000)}" for i in range(300)]
    vectors = get_embedder().embed(prompts)
    return prompts, vectors, build_tree(vectors)


def outcomes(kind, rng, n):
    """Scores of n prompts of which every fifth is of the same kind and worse."""
    worse = np.arange(n) % 5 == 0
    if kind == "binary":
        return (rng.uniform(size=n) > np.where(worse, 0.6, 0.2)).astype(float)
    if kind == "graded":
        return np.clip(rng.normal(np.where(worse, 0.4, 0.6), 0.2), 0, 1)
    if kind == "extreme":
        return 1 / (1 + np.exp(-6 * rng.normal(np.where(worse, -0.5, 0.2), 1)))
    if kind == "spike":
        return np.where(rng.uniform(size=n) < np.where(worse, 0.5, 0.85), 1.0, rng.uniform(size=n))
    if kind == "epochs":
        return rng.binomial(5, np.where(worse, 0.4, 0.7)) / 5
    if kind == "one-sided":
        return np.where(worse, (rng.uniform(size=n) > 0.3).astype(float), 1.0)
    if kind == "all failing":
        return np.zeros(n)
    if kind == "all passing":
        return np.ones(n)
    return (rng.uniform(size=n) > 0.5).astype(float)


def claims_of(prompts, vectors, tree, scores, unit=None, **settings):
    n = len(prompts)
    unit = np.arange(n) if unit is None else unit
    failed = np.where(np.isfinite(scores), (scores < 0.5).astype(float), np.nan)
    rows = EvalRows([str(i) for i in range(n)], prompts, [""] * n, [None] * n, scores, failed, unit)
    analysis = find_failure_slices(rows, tree, vectors, SliceSettings(**settings))
    return [slice_claim(vars(one), one.rest_size) for one in analysis.slices]


def contradicted(told):
    """Read the printed interval and say whether it holds 0 (or, of comparisons of scores, 50 %)."""
    ends = re.search(r"between ([+−]?[\d.]+)%? and ([+−]?[\d.]+)%?", told)
    if ends is None or "may be chance" in told or "is shown to be better" in told or "about equal" in told:
        return False
    low, high = (float(end.replace("−", "-")) for end in ends.groups())
    null = 50 if "50% is no difference" in told else 1 if "times as often" in told else 0
    return low <= null <= high


KINDS = ("binary", "graded", "extreme", "spike", "epochs", "one-sided", "all failing", "all passing", "noise")


@pytest.mark.parametrize("kind", KINDS)
def test_no_rendered_claim_has_an_interval_that_contradicts_it(asked, kind):
    prompts, vectors, tree = asked
    told = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        scores = {model: outcomes(kind, rng, len(prompts)) for model in ("a", "b", "c")}
        scores["c"][:60] = np.nan
        told += [one.told for one in claims_of(prompts, vectors, tree, scores["a"], min_slice_size=5)]
        told += [one.told for one in pair_claims(prompts, vectors, tree, scores)]
    assert not [one for one in told if contradicted(one)]
    if kind in ("graded", "extreme"):
        assert any("mean score in" in one and "worse than one from elsewhere" in one for one in told)
    if kind == "binary":
        assert any("answers failed" in one and "points, between" in one for one in told)


def pair_claims(prompts, vectors, tree, scores):
    n = len(prompts)
    examples = CommonExamples([str(i) for i in range(n)], prompts, [None] * n, np.arange(n))
    answers = {
        model: ModelAnswers([""] * n, one, np.where(np.isfinite(one), (one < 0.5).astype(float), np.nan))
        for model, one in scores.items()
    }
    for pair in compare_models(examples, answers, tree, vectors).pairs:
        yield pair.claim
        for one in pair.slices:
            yield pair_claim(vars(one), pair.model_a, pair.model_b, one.size)


def test_a_few_rows_give_claims_that_do_not_contradict_themselves(asked):
    prompts, vectors, _ = asked
    tree = build_tree(vectors[:12])
    for seed in range(20):
        scores = np.random.default_rng(seed).integers(0, 2, 12).astype(float)
        for claim in claims_of(prompts[:12], vectors[:12], tree, scores, min_slice_size=2):
            assert not contradicted(claim.told)


@pytest.mark.skipif(not REAL.exists(), reason="wants the real results beside the project")
@pytest.mark.parametrize("name", ["bbh_cot_vs_direct", "gsm8k_4models", "halueval_general", "mmlupro_outputs_2models"])
def test_no_claim_of_real_results_contradicts_itself(name):
    import pandas as pd

    table = pd.read_parquet(REAL / f"{name}.parquet")
    found = 0
    for _, rows in table.groupby("model"):
        rows = rows.drop_duplicates("input_text").head(900)
        prompts = [str(one)[:500] for one in rows["input_text"]]
        vectors = get_embedder().embed(prompts)
        scores = rows["score"].astype(float).to_numpy()
        claims = claims_of(prompts, vectors, build_tree(vectors), scores)
        found += len(claims)
        assert not [one.told for one in claims if contradicted(one.told)]
    assert found or name == "halueval_general"


def test_topics_and_gaps_are_told_by_the_same_record():
    topic = {"current_share": 0.2, "previous_share": 0.02, "ratio": 10.0, "ratio_low": 4.0, "ratio_high": 26.0,
             "p_value": 1e-6, "adjusted_p_value": 1e-4}  # fmt: skip
    assert str(topic_claim(topic, 300, 280)) == (
        "20% of 300 prompts now, 2% of 280 before: 10 times as often, between 4 and 26."
    )
    new = topic | {"previous_share": 0.0, "ratio": None, "ratio_low": 4.0, "ratio_high": None}
    assert str(topic_claim(new, 300, 280)) == "20% of 300 prompts now, 0% of 280 before, at least 4 times as often."
    assert topic_claim(topic | {"ratio_low": 0.9}, 300, 280).flaw
    gap = {"kind": "gap", "tests": 0, "expected_tests": 9.5, "size": 30, "p_value": 0.001, "adjusted_p_value": 0.01}
    assert str(gap_claim(gap)) == "0 tests where 9.5 were expected."
    assert gap_claim(gap | {"kind": "distant"}) is None


def test_an_end_of_an_interval_never_reads_like_no_difference_by_rounding():
    ranks = replace(RATES, statistic="score", inside=0.1, outside=0.3, effect=0.6, low=0.5004, high=0.7, test="ranksum")
    assert "between 50.04% and 70%" in str(ranks)
    assert "between +0.02 and +60" in str(replace(RATES, low=0.0002))
    shares = {"current_share": 0.2, "previous_share": 0.1, "ratio": 2.0, "ratio_low": 1.0004, "ratio_high": 4.0}
    assert "between 1.0004 and 4" in str(topic_claim(shares | {"p_value": 0.01, "adjusted_p_value": 0.04}, 300, 280))
