"""What the reads of the warehouse add to findings: p-values adjusted over all searches of an audit."""

from pathlib import Path

import pytest

from faultmap_assets.defs.evals import queries
from tests.history_data import results

MODELS = [f"m{number:02d}" for number in range(21)]


def test_a_slice_is_weighed_against_all_models_of_the_audit_whichever_are_asked_for(tmp_path: Path):
    made = results(tmp_path)
    failed = {f"e{number:03d}": number < 30 for number in range(100)}
    inside = [f"e{number:03d}" for number in range(20)]
    for model in MODELS:
        made.evals("exam", model, failed, {"tax": inside} if model == "m03" else {})
    # Nothing can be found where no answer failed: that is no search.
    made.evals("exam", "perfect", dict.fromkeys(failed, False))
    with made.warehouse.write() as connection:
        connection.execute("UPDATE failure_slices SET adjusted_p_value = .001")
    for found in (queries.failure_slices(made.warehouse), queries.failure_slices(made.warehouse, ["exam"], ["m03"])):
        assert [(row["model"], row["adjusted_p_value"]) for row in found] == [("m03", 0.001)]
        # By hand: one of 21 searches has a finding, so it is held to 1 / 21 of the level.
        assert found[0]["audit_adjusted_p_value"] == pytest.approx(0.021)
    assert queries.failure_slices(made.warehouse, ["other"]) == []


def test_a_comparisons_slice_is_weighed_against_all_pairs(tmp_path: Path):
    made = results(tmp_path)
    for number, dataset in enumerate(("a", "b", "c", "d")):
        made.comparison(dataset, "x", "y", "unresolved", 0.01 * number)
    numbers = ("size", "prompts", "failure_rate_a", "failure_rate_b", "advantage_rate", "rest_advantage_rate",
               "excess_wins_a", "discordant_a_wins", "discordant_b_wins", "concordant_pass", "concordant_fail",
               "p_value", "adjusted_p_value", "selection_p_value", "difference")  # fmt: skip
    row = {
        **dict.fromkeys(numbers, 0),
        **dict.fromkeys(("name", "description", "winner", "test_used", "named_by"), ""),
        **dict.fromkeys(("failure_rates", "examples", "cited_examples"), "{}"),
        **{"dataset": "b", "model_a": "x", "model_b": "y", "slice_id": "s", "rank": 1},
        "selection_adjusted_p_value": 0.002,
    }
    with made.warehouse.write() as connection:
        places = ", ".join(f"${name}" for name in row)
        connection.execute(f"INSERT INTO model_comparison_slices ({', '.join(row)}) VALUES ({places})", row)
    for pairs in (queries.comparisons(made.warehouse), queries.comparisons(made.warehouse, ["b"])):
        (found,) = [one for pair in pairs for one in pair["slices"]]
        # By hand: one of four pairs has a finding.
        assert found["audit_adjusted_p_value"] == pytest.approx(0.008)
