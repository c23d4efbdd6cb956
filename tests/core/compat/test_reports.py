"""What a report says, prints and becomes; the values in it are the analyzer's (see test_analyzer)."""

import json
from dataclasses import fields

import pytest

from faultmap_core.base.records import FailureSlice
from faultmap_core.compat.faultmap.reports import AnalysisReport

BRACKETS = "[bold]brackets[/bold]"

# Of `faultmap.models.AnalysisReport`, 0.5.0.
FAULTMAP_FIELDS = [
    "slices", "total_prompts", "total_failures", "baseline_failure_rate", "significance_level", "failure_threshold",
    "scoring_mode", "num_clusters_tested", "num_significant", "clustering_method", "embedding_model", "metadata",
]  # fmt: skip


def one_slice(**changes: object) -> FailureSlice:
    values = {
        "name": BRACKETS, "description": "d", "size": 10, "failure_rate": 0.5, "baseline_rate": 0.1,
        "effect_size": float("inf"), "p_value": 1e-9, "adjusted_p_value": 1e-6, "test_used": "midp",
        "sample_indices": [1], "examples": [{"score": float("nan")}], "representative_prompts": ["p"], "cluster_id": 3,
        "rest_size": 90, "risk_difference": 0.4, "risk_difference_low": 0.2, "risk_difference_high": 0.6,
    }  # fmt: skip
    return FailureSlice(**{**values, **changes})


def report(*slices: FailureSlice) -> AnalysisReport:
    return AnalysisReport(
        list(slices), 100, 20, 0.2, 0.05, 0.5, "precomputed", 7, len(slices), "agglomerative", "wordllama"
    )


def test_an_analysis_has_faultmaps_fields_in_its_order():
    assert [one.name for one in fields(AnalysisReport)][: len(FAULTMAP_FIELDS)] == FAULTMAP_FIELDS


def test_reports_become_strict_json():
    told = json.loads(json.dumps(report(one_slice()).to_dict(), allow_nan=False))
    assert told["slices"][0]["effect_size"] is None
    assert told["slices"][0]["examples"] == [{"score": None}]
    assert told["num_significant"] == 1


def test_the_summary_tells_the_worst_slice_or_that_there_is_none():
    assert report(one_slice()).summary() == (
        f'1 failure slice among 100 prompts. Most failures beyond the rest: "{BRACKETS}": 50% of 10 answers failed,'
        " 10% of the other 90: +40 points, between +20 and +60."
    )
    assert report(one_slice(), one_slice()).summary().startswith("2 failure slices among")
    assert report().summary() == (
        "No region of the 100 prompts fails significantly more than the rest (overall failure rate 20.0%, 7 candidates"
        " tested at 0.05)."
    )


@pytest.mark.parametrize("found", [(), (one_slice(),)])
def test_printed_reports_hold_the_summary_and_survive_brackets(found):
    shown = " ".join(str(report(*found)).split())
    assert report(*found).summary() in shown
    assert "20 failures (20.0%) below 0.5" in shown
    assert "\x1b" not in shown


def test_a_frame_has_one_row_per_slice_and_faultmaps_columns():
    frame = report(one_slice(), one_slice(name="other")).to_frame()
    assert frame["name"].tolist() == [BRACKETS, "other"]
    assert list(report().to_frame().columns) == [one.name for one in fields(FailureSlice)]
