import numpy as np

from faultmap_core.regions.metadata_columns import input_columns, metadata_sets


def test_values_and_pairs_of_values_become_sets():
    metadata = {"source": ["web", "app"] * 20, "kind": ["law"] * 20 + ["art"] * 20}
    sets = metadata_sets(metadata, np.arange(40), 40, min_size=10)
    assert sets["source = web"].tolist() == list(range(0, 40, 2))
    assert sets["kind = law, source = web"].tolist() == list(range(0, 20, 2))
    assert len(sets) == 4 + 4


def test_small_sets_ids_and_absent_values_are_left_out():
    metadata = {
        "id": [str(i) for i in range(200)],
        "rare": ["yes"] * 5 + ["no"] * 195,
        "some": [None] * 150 + ["x"] * 50,
        "empty": [""] * 200,
    }
    assert set(metadata_sets(metadata, np.arange(200), 200, min_size=10)) == {"some = x"}


def test_a_unit_has_the_value_of_most_of_its_rows():
    unit = np.repeat(np.arange(30), 3)
    values = ["a", "a", "b"] * 15 + ["b", "b", "a"] * 15
    sets = metadata_sets({"c": values}, unit, 30, min_size=10)
    assert sets["c = a"].tolist() == list(range(15))
    assert sets["c = b"].tolist() == list(range(15, 30))


def test_a_pair_that_says_nothing_new_is_left_out():
    metadata = {"a": ["x"] * 20 + ["y"] * 20, "b": ["same"] * 20 + ["other"] * 20}
    assert all("," not in name for name in metadata_sets(metadata, np.arange(40), 40, min_size=10))


def test_a_column_that_repeats_the_outcome_describes_no_prompt():
    failed = np.repeat([1.0, 0.0], [40, 60])
    topic = ["math" if row % 4 == 0 else "other" for row in range(100)]
    found = input_columns(
        {
            "topic": topic,
            # A grader's reason stands where the answer failed alone; a verdict says it in words.
            "reason": ["Expected output to contain"] * 40 + [None] * 60,
            "verdict": ["bad"] * 40 + ["fine"] * 60,
            "scored_explanation": topic,
            # It says much, but not all: 10 of its 40 rows passed.
            "hard": ["yes"] * 30 + ["no"] * 60 + ["yes"] * 10,
            "id": [f"row {row}" for row in range(100)],
        },
        failed,
    )
    assert set(found) == {"topic", "hard", "id"}


def test_with_few_failures_a_column_may_hold_them_all():
    # Twelve failures that are all of one category: a finding, and no verdict in disguise.
    failed = np.repeat([1.0, 0.0], [12, 200])
    assert set(input_columns({"category": ["law"] * 12 + ["art"] * 200}, failed)) == {"category"}
