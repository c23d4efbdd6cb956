"""Promise: what single sessions ask, over however many related topics, is not reported as a change of topics."""

import numpy as np

from faultmap_core.drift import find_topic_drift
from faultmap_core.naming import RegionName

FIELDS, TOPICS_OF_FIELD, SESSIONS, RUNS = 6, 3, 40, 24


class NoNames:
    """Names are not looked at."""

    def name_regions(self, tasks, background):
        return [RegionName("topic", "", "fixed") for _ in tasks]


def window(rng: np.random.Generator, what: str) -> tuple[list[str], np.ndarray]:
    """Sessions of nine prompts, three on each of the three topics of one field, which is drawn at random."""
    fixed = np.random.default_rng(0)
    fields = 3.0 * fixed.normal(size=(FIELDS, 24))
    topics = fields.repeat(TOPICS_OF_FIELD, axis=0) + 1.2 * fixed.normal(size=(FIELDS * TOPICS_OF_FIELD, 24))
    drawn = rng.integers(FIELDS, size=SESSIONS)
    topic = (TOPICS_OF_FIELD * drawn[:, None] + np.arange(9) // 3).ravel()
    vectors = topics[topic] + 0.5 * rng.normal(size=(len(topic), 24))
    texts = [f"{what} {number}" for number in range(len(topic))]
    return texts, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def sessions(what: str) -> list[str]:
    return [f"{what} {number // 9}" for number in range(9 * SESSIONS)]


def test_where_nothing_changes_but_who_asks_few_windows_show_a_topic():
    found = 0
    for run in range(RUNS):
        rng = np.random.default_rng([run, 5])
        (now, now_vectors), (then, then_vectors) = window(rng, "now"), window(rng, "then")
        drift = find_topic_drift(
            now, now_vectors, then, then_vectors, namer=NoNames(),
            current_sessions=sessions("now"), previous_sessions=sessions("then"),
        )  # fmt: skip
        found += bool(drift.topics)
    # Of 24 windows at 5 %, 4 or fewer with probability .97 (scipy.stats.binom); every topic a draw of its own gives 8.
    assert found <= 4
