import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faultmap_core.base.errors import ScoringError
from faultmap_core.embedding import get_embedder
from faultmap_core.scoring.scores import _scaled, reference_scores

CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Norway": "Oslo", "Egypt": "Cairo", "Peru": "Lima", "Japan": "Tokyo",
    "India": "Delhi", "Ecuador": "Quito", "Ghana": "Accra", "Chile": "Santiago", "Cuba": "Havana", "Spain": "Madrid",
}  # fmt: skip


class Directions:
    """Embeds texts such as "x 30" as unit vectors at that angle in degrees; notes what it was asked."""

    id = "directions"
    dimensions = 2

    def __init__(self):
        self.usages = set()

    def embed(self, texts, usage="query"):
        self.usages.add(usage)
        angles = np.radians([float(text.split()[-1]) if text else np.nan for text in texts])
        return np.nan_to_num(np.column_stack([np.cos(angles), np.sin(angles)])).astype(np.float32)


def test_similarity_is_the_cosine_of_both_sides_as_documents():
    embedder = Directions()
    scored = reference_scores(["a 0", "b 60", "c 180"], ["r 0", "s 0", "t 90"], embedder)
    assert scored.similarity == pytest.approx([1, 0.5, 0], abs=1e-6)
    assert embedder.usages == {"document"}


def test_the_middle_of_the_scale_is_the_quantile_of_mismatched_pairs():
    responses, references = ["a 0", "b 50", "c 110"], ["r 10", "s 75", "t 100"]
    # the six mismatched cosines by hand
    mismatched = np.cos(np.radians([0 - 75, 0 - 100, 50 - 10, 50 - 100, 110 - 10, 110 - 75]))
    scored = reference_scores(responses, references, Directions())
    assert scored.threshold == pytest.approx(np.quantile(mismatched, 0.95), abs=1e-6)
    assert scored.source == "mismatched"
    ends = _scaled(np.array([-1.0, scored.threshold, 1.0]), scored.threshold)
    assert ends == pytest.approx([0, 0.5, 1])


def test_right_answers_pass_and_other_topics_fail_with_the_default_threshold():
    right = [f"The capital of {country} is {city}." for country, city in CAPITALS.items()]
    wrong = ["I like to cook rice with beans." for _ in CAPITALS]
    references = list(CAPITALS.values())
    passed = reference_scores(right, references, get_embedder()).scores
    mixed = reference_scores(right[:6] + wrong[6:], references, get_embedder()).scores
    assert (passed >= 0.5).mean() >= 0.9
    assert (mixed[6:] < 0.5).all()


def test_labels_must_match():
    # two labels, a fifth of the answers wrong: the quantile of mismatched pairs is 1, and only equal labels pass
    references = ["yes", "no"] * 25
    responses = [("no" if one == "yes" else "yes") if i % 5 == 0 else one for i, one in enumerate(references)]
    scored = reference_scores(responses, references, get_embedder())
    expected = np.array([response == reference for response, reference in zip(responses, references, strict=True)])
    assert scored.threshold == pytest.approx(1.0, abs=1e-6)
    assert ((scored.scores >= 0.5) == expected).all()


def test_missing_sides_and_equal_references():
    scored = reference_scores([None, "a 0", ""], ["r 0", None, ""], Directions())
    assert np.isnan(scored.scores[1])
    assert scored.scores[0] < 0.5
    assert scored.scores[2] == 1.0
    same = reference_scores(["a 0", "b 90"], ["r 0", "r 0"], Directions())
    assert (same.source, same.threshold) == ("fixed", 0.5)
    assert list(same.scores >= 0.5) == [True, False]
    with pytest.raises(ScoringError, match="no row has a reference"):
        reference_scores(["a"], [None], Directions())
    with pytest.raises(ScoringError, match="2 references for 1 responses"):
        reference_scores(["a"], ["b", "c"], Directions())


def test_many_rows_draw_their_mismatched_pairs_by_seed():
    rng = np.random.default_rng(0)
    responses = [f"a {angle}" for angle in rng.integers(0, 360, 500)]
    references = [f"r {angle}" for angle in rng.integers(0, 360, 500)]
    one = reference_scores(responses, references, Directions(), seed=1)
    assert one.threshold == reference_scores(responses, references, Directions(), seed=1).threshold
    # cosine of a uniform angle: P(cos > t) = acos(t) / pi = .05
    assert one.threshold == pytest.approx(np.cos(0.05 * np.pi), abs=0.01)


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.floats(-0.99, 1.0))
@settings(max_examples=50, deadline=None)
def test_the_scale_is_monotone_and_bounded(similarities, threshold):
    ordered = np.sort(np.array(similarities))
    scores = _scaled(ordered, threshold)
    assert (np.diff(scores) >= -1e-12).all()
    assert ((scores >= 0) & (scores <= 1)).all()
    assert ((scores >= 0.5) == (ordered >= threshold - 1e-6)).all() or np.isclose(ordered, threshold, atol=2e-6).any()
