"""Promise: what single sessions ask, over however many related topics, is not reported as a change of topics."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from faultmap_core.data.prompts import prompt_id
from faultmap_core.discovery.drift.drift import find_drift
from faultmap_core.naming.keywords import RegionName

FIELDS, TOPICS_OF_FIELD, SESSIONS, RUNS = 6, 3, 40, 24


class NoNames:
    """Names are not looked at."""

    def name_regions(self, tasks, background):
        return [RegionName("topic", "", "fixed") for _ in tasks]


def window(rng: np.random.Generator, what: str, drawn: np.ndarray) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Sessions of nine prompts, three on each of the three topics of one field: texts, vectors and topics."""
    fixed = np.random.default_rng(0)
    fields = 3.0 * fixed.normal(size=(FIELDS, 24))
    topics = fields.repeat(TOPICS_OF_FIELD, axis=0) + 1.2 * fixed.normal(size=(FIELDS * TOPICS_OF_FIELD, 24))
    topic = (TOPICS_OF_FIELD * drawn[:, None] + np.arange(9) // 3).ravel()
    vectors = topics[topic] + 0.5 * rng.normal(size=(len(topic), 24))
    texts = [f"{what} {number}" for number in range(len(topic))]
    return texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True), topic


def sessions(what: str, count: int = SESSIONS) -> list[str]:
    return [f"{what} {number // 9}" for number in range(9 * count)]


def test_where_nothing_changes_but_who_asks_few_windows_show_a_topic():
    found = 0
    for run in range(RUNS):
        rng = np.random.default_rng([run, 5])
        now, now_vectors, _ = window(rng, "now", rng.integers(FIELDS, size=SESSIONS))
        then, then_vectors, _ = window(rng, "then", rng.integers(FIELDS, size=SESSIONS))
        drift = find_drift(
            now, now_vectors, then, then_vectors, namer=NoNames(),
            current_sessions=sessions("now"), previous_sessions=sessions("then"),
        )  # fmt: skip
        found += bool(drift.topics)
    # Of 24 windows at 5 %, 4 or fewer with probability .97 (scipy.stats.binom); every topic a draw of its own gives 8.
    assert found <= 4


def test_intervals_of_what_sessions_ask_are_those_of_counted_sessions(monkeypatch):
    """Each session asks about three topics of its field: as evidence of the field's share it is one draw, not three."""
    rng = np.random.default_rng(0)
    now, now_vectors, now_topic = window(rng, "now", np.repeat(np.arange(FIELDS), [60, 12, 12, 12, 12, 12]))
    then, then_vectors, then_topic = window(rng, "then", np.repeat(np.arange(FIELDS), 12))
    topic = dict(zip(map(prompt_id, (*now, *then)), (*now_topic, *then_topic), strict=True))
    # The tree's own topics are not under test: with the true ones a session counts three on its field.
    monkeypatch.setattr(
        "faultmap_core.discovery.drift.drift.flat_labels", lambda _: np.array([topic[one] for one in sorted(topic)])
    )
    drift = find_drift(
        now, now_vectors, then, then_vectors, namer=NoNames(),
        current_sessions=sessions("now", 120), previous_sessions=sessions("then", 72),
    )  # fmt: skip
    (found,) = drift.topics
    assert (len(found.current_indices), len(found.previous_indices)) == (9 * 60, 9 * 12)
    # 60 of 120 sessions and 12 of 72 (Wilson, statsmodels), at the level for one finding among all that was tested
    for count, total, low, high in (
        (60, 120, found.current_share_low, found.current_share_high),
        (12, 72, found.previous_share_low, found.previous_share_high),
    ):
        expected = proportion_confint(count, total, alpha=0.05 / drift.tested, method="wilson")
        assert (low, high) == pytest.approx(expected)
    # and the ratio's: 60 of the 72 sessions of the field are of now, where 120 sessions stand against 72
    low, high = proportion_confint(60, 72, alpha=0.05 / drift.tested, method="wilson")
    expected = low / (1 - low) * 72 / 120, high / (1 - high) * 72 / 120
    assert (found.ratio_low, found.ratio_high) == pytest.approx(expected)
