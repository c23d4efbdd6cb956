import json
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.embedding import get_embedder
from faultmap_core.llm import CallStore, Outcome
from faultmap_core.scoring.entropy import entropy_scores, sampling_requests, semantic_groups
from tests.llm_server import language_model


class Angles:
    """A text's vector points where its number of degrees says; a text without a number has none."""

    id = "angles"
    dimensions = 2

    def embed(self, texts, usage="query"):
        assert usage == "document"
        found = [re.search(r"-?\d+", text) for text in texts]
        return np.array([(0, 0) if one is None else point(float(one[0])) for one in found], dtype=np.float32)


def point(degrees):
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


class Scripted:
    """A model that answers from a list; None stands for a call that failed."""

    id = "scripted"

    def __init__(self, answers, reason="timeout"):
        self.answers = answers
        self.reason = reason
        self.asked = []

    def ask_all(self, requests, purpose):
        self.asked += requests
        return [self._outcome(one) for one in requests]

    def _outcome(self, request):
        answers = self.answers[request.messages[-1].content]
        answer = answers[request.sample % len(answers)]
        if answer is None:
            return Outcome(request.key, None, "failed", self.reason, "no answer in time")
        return Outcome(request.key, answer, "ok")


def scored(answers, responses=None, **options):
    """Score one prompt whose samples are given."""
    model = Scripted({"p": answers})
    return entropy_scores(["p"], model, Angles(), n_samples=len(answers), responses=responses, **options)


def vectors_of(texts):
    return Angles().embed(texts, "document")


def test_the_score_is_half_certainty_and_half_agreement():
    # 0 and 10 degrees agree (cosine .98), 90 and 100 too, the pairs do not: H = ln 2, of ln 4 at most; the response at
    # 5 degrees agrees with two of four
    found = scored(["0", "10", "90", "100"], ["5"])
    assert found.semantic_entropy[0] == pytest.approx(math.log(2))
    assert found.normalized_entropy[0] == pytest.approx(0.5)
    assert found.self_consistency[0] == pytest.approx(0.5)
    assert found.scores[0] == pytest.approx(0.5)
    assert found.groups == ((0, 0, 1, 1),)
    assert found.samples == (("0", "10", "90", "100"),)


def test_sure_and_unsure_models_reach_both_ends():
    assert scored(["7"] * 8, ["7"]).scores[0] == pytest.approx(1.0)
    unsure = scored(["0", "90", "180", "270"], ["45"])
    assert (unsure.scores[0], unsure.normalized_entropy[0]) == pytest.approx((0.0, 1.0))


def test_without_responses_the_largest_group_is_the_one_to_agree_with():
    assert scored(["0", "10", "20", "90"]).self_consistency[0] == pytest.approx(0.75)


# Cosine .8 is 36.9 degrees: 0 agrees with 30 and 30 with 60, but 0 not with 60.
def test_complete_linkage_does_not_chain_and_components_do():
    texts = ["0", "30", "60", "65"]
    assert semantic_groups(texts, vectors_of(texts), 0.8).tolist() == [0, 0, 1, 1]
    assert semantic_groups(texts, vectors_of(texts), 0.8, "components").tolist() == [0, 0, 0, 0]
    assert semantic_groups(texts, vectors_of(texts), 0.95, "components").tolist() == [0, 1, 2, 2]


def test_greedy_grouping_depends_on_the_order_as_faultmaps_does():
    for texts, expected in ((["0", "30", "60"], [0, 0, 1]), (["30", "0", "60"], [0, 0, 0])):
        assert semantic_groups(texts, vectors_of(texts), 0.8, "greedy").tolist() == expected


def faultmap_numbers(samples, response, threshold):
    """faultmap 0.5.0's numbers, written from the description in its docstrings.

    Pick the first unassigned sample as a new centre, give it all unassigned samples with similarity >= threshold;
    entropy of the clusters' shares, divided by log n; share of samples similar to the response, 0 for a zero response.
    """
    unit = [row / np.linalg.norm(row) if np.linalg.norm(row) else row for row in samples]
    left, sizes = list(range(len(unit))), []
    while left:
        centre = left[0]
        cluster = [j for j in left if j == centre or unit[centre] @ unit[j] >= threshold]
        left = [j for j in left if j not in cluster]
        sizes.append(len(cluster))
    entropy = stats.entropy(sizes)
    agree = [one @ response / np.linalg.norm(response) >= threshold for one in unit] if response.any() else [False]
    return entropy, np.mean(agree), 0.5 * (1 - entropy / math.log(len(unit))) + 0.5 * np.mean(agree)


@given(st.lists(st.integers(0, 359), min_size=2, max_size=9), st.integers(0, 359), st.sampled_from([0.3, 0.8, 0.95]))
@settings(max_examples=60, deadline=None)
def test_greedy_gives_faultmaps_numbers(degrees, response, threshold):
    texts = [str(one) for one in degrees]
    found = scored(texts, [str(response)], consistency_threshold=threshold, grouping="greedy")
    expected = faultmap_numbers(
        vectors_of(texts).astype(float), vectors_of([str(response)])[0].astype(float), threshold
    )
    assert (found.semantic_entropy[0], found.self_consistency[0], found.scores[0]) == pytest.approx(expected, abs=1e-9)


def test_greedy_knows_cosines_alone():
    # faultmap: an empty response has no direction, so nothing agrees with it, not even an empty sample
    assert scored(["", ""], [""], grouping="greedy").scores[0] == pytest.approx(0.0)
    assert scored(["", ""], [""]).scores[0] == pytest.approx(1.0)


@given(
    st.lists(st.integers(0, 24).map(lambda k: str(15 * k)), min_size=2, max_size=10),
    st.randoms(use_true_random=False),
    st.sampled_from(["complete", "components"]),
    st.sampled_from([0.0, 0.5, 0.8, 1.0]),
)
@settings(max_examples=150, deadline=None)
def test_groups_do_not_depend_on_the_order_of_the_samples(texts, random, grouping, threshold):
    """Multiples of 15 degrees are full of equal distances."""
    order = list(range(len(texts)))
    random.shuffle(order)
    shuffled = [texts[i] for i in order]
    once = semantic_groups(texts, vectors_of(texts), threshold, grouping)
    again = semantic_groups(shuffled, vectors_of(shuffled), threshold, grouping)
    back = np.empty_like(again)
    back[order] = again
    assert np.array_equal(once[:, None] == once, back[:, None] == back)


@given(st.lists(st.integers(0, 359).map(str), min_size=2, max_size=9), st.sampled_from([0.2, 0.8, 0.99]))
@settings(max_examples=100, deadline=None)
def test_all_pairs_of_a_complete_group_agree_and_components_are_no_finer(texts, threshold):
    vectors = vectors_of(texts).astype(float)
    complete = semantic_groups(texts, vectors, threshold)
    together = complete[:, None] == complete
    assert ((vectors @ vectors.T)[together] >= threshold - 1e-5).all()
    components = semantic_groups(texts, vectors, threshold, "components")
    assert (components[:, None] == components)[together].all()


ANSWERS = st.one_of(st.none(), st.text(max_size=8), st.integers(0, 359).map(str))


@given(st.lists(ANSWERS, min_size=2, max_size=9), st.one_of(st.none(), st.text(max_size=8)), st.booleans())
@settings(max_examples=150, deadline=None)
def test_all_parts_stay_within_their_bounds(answers, response, greedy):
    found = scored(answers, [response], grouping="greedy" if greedy else "complete")
    known = [one for one in answers if one is not None]
    assert found.answered[0] == len(known)
    assert found.answered[0] + sum(found.failures[0].values()) == len(answers)
    json.dumps(found.metadata(), allow_nan=False)
    if len(known) < 2:
        assert math.isnan(found.scores[0])
        assert 0 in found.unscored
        return
    assert not found.unscored
    assert found.semantic_entropy[0] == pytest.approx(stats.entropy(np.bincount(found.groups[0])), abs=1e-12)
    assert 0 <= found.semantic_entropy[0] <= math.log(len(known)) + 1e-12
    for part in (found.scores, found.normalized_entropy, found.self_consistency):
        assert 0 <= part[0] <= 1


def test_equal_answers_agree_whatever_the_embedder_makes_of_them():
    # without numbers there are no vectors at all
    found = scored(["Yes", " yes\n", "no", "YES"], ["yes"])
    assert found.groups == ((0, 0, 1, 0),)
    assert found.self_consistency[0] == pytest.approx(0.75)
    assert scored(["", "", "0", "0"], [None]).self_consistency[0] == pytest.approx(0.5)


def test_fewer_answers_than_asked_are_normalised_by_their_number():
    # two answers that differ are as uncertain as two can be: ln 2 of ln 2
    found = scored(["0", None, "90", None], ["0"])
    assert found.normalized_entropy[0] == pytest.approx(1.0)
    assert found.self_consistency[0] == pytest.approx(0.5)
    assert (found.answered[0], found.failures[0], found.samples[0]) == (2, {"timeout": 2}, ("0", None, "90", None))
    told = found.metadata()
    assert (told["answered_samples"], told["normalized_by"]) == ([2], "log(answered_samples)")
    assert told["failed_samples"] == {"timeout": 2}


def test_a_prompt_without_answers_is_unscored_with_the_reason():
    model = Scripted({"good": ["0", "0"], "bad": [None, None], "once": ["0", None]})
    found = entropy_scores(["bad", "good", "once"], model, Angles(), n_samples=2, responses=["0", "0", "0"])
    assert np.isnan(found.scores).tolist() == [True, False, True]
    assert found.unscored[0] == "0 of 2 samples answered, 2 are needed (2 timeout): no answer in time"
    assert found.unscored[2].startswith("1 of 2 samples answered, 2 are needed (1 timeout)")
    assert found.metadata()["scores"] == [None, 1.0, None]


def test_copies_of_a_prompt_share_their_samples():
    model = Scripted({"p": ["0", "0"], "q": ["0", "90"]})
    found = entropy_scores(["p", "q", "p"], model, Angles(), n_samples=2, responses=["0", "0", "90"])
    assert len(model.asked) == 4
    assert found.scores == pytest.approx([1.0, 0.25, 0.5])


def test_requests_are_told_apart_by_sample_and_seed():
    requests = sampling_requests(["p", "q"], n_samples=3, temperature=0.7, system_prompt="Be brief.")
    assert len({one.key for one in requests}) == 6
    assert [one.sample for one in requests] == [0, 1, 2, 0, 1, 2]
    assert [one.role for one in requests[0].messages] == ["system", "user"]
    other = sampling_requests(["p", "q"], n_samples=3, seed=1)
    assert not {one.sample for one in other} & {one.sample for one in requests}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 1}, "n_samples is 1"),
        ({"temperature": -1}, "temperature is -1"),
        ({"temperature": math.nan}, "temperature is nan"),
        ({"consistency_threshold": 1.1}, "consistency_threshold is 1.1"),
        ({"grouping": "median"}, "grouping is 'median'"),
        ({"responses": ["a", "b"]}, "2 responses for 1 prompts"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ConfigurationError, match=message):
        entropy_scores(["p"], Scripted({"p": ["0"]}), Angles(), **{"n_samples": 2, **options})


def test_no_prompts_are_no_scores():
    found = entropy_scores([], Scripted({}), Angles())
    assert (len(found.scores), found.samples, found.unscored) == (0, (), {})


PROMPTS = ["Where is Oslo?", "Where is Atlantis?"]


def geography(body, n):
    sure = "Oslo" in body["messages"][-1]["content"]
    return "Oslo is in Norway." if sure else f"{['Crete', 'Peru', 'nowhere', 'my garden'][body['seed'] % 4]} hides it"


def test_a_model_is_sampled_through_its_client(llm_server):
    llm_server.reply = geography
    model = language_model(llm_server, max_concurrent=1)
    found = entropy_scores(
        PROMPTS, model, get_embedder(), n_samples=4, temperature=0.9, responses=["Oslo is in Norway.", "It is a myth."]
    )
    assert found.scores[0] == pytest.approx(1.0)
    assert found.scores[1] < 0.3
    assert llm_server.count == 8
    assert {body["temperature"] for body in llm_server.requests} == {0.9}
    assert found.model == model.id


def test_the_samples_of_a_prompt_do_not_share_a_seed(llm_server):
    """A provider that honours a seed would give the same answer every time."""
    entropy_scores(PROMPTS[:1], language_model(llm_server, max_concurrent=1), get_embedder(), n_samples=4)
    assert len({body["seed"] for body in llm_server.requests}) == 4


def test_a_second_run_asks_only_for_what_is_missing(llm_server, tmp_path):
    llm_server.reply = geography
    options = {"n_samples": 4, "responses": ["Oslo is in Norway.", None]}

    def run(**changed):
        model = language_model(llm_server, store=CallStore(tmp_path / "calls.db"), max_attempts=1, max_concurrent=1)
        return entropy_scores(PROMPTS, model, get_embedder(), **{**options, **changed})

    llm_server.plan = [None, None, "server_error", None, "server_error", "server_error", "server_error", "server_error"]
    first = run()
    assert first.answered.tolist() == [3, 0]
    assert list(first.unscored) == [1]
    assert "4 server" in first.unscored[1]
    asked = llm_server.count
    second = run()
    assert llm_server.count - asked == 5
    assert second.answered.tolist() == [4, 4]
    third = run()
    assert llm_server.count - asked == 5
    assert third.scores == pytest.approx(second.scores)
    run(n_samples=6)
    assert llm_server.count - asked == 9
