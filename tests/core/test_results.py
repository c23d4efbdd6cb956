import json

import numpy as np

from faultmap_core.results import AnalysisReport, FailureSlice, strict


def one_slice(**changes):
    fields = {
        "name": "[bold]brackets[/bold]", "description": "d", "size": np.int64(10), "failure_rate": np.float64(0.5),
        "baseline_rate": 0.1, "effect_size": float("inf"), "p_value": 1e-9, "adjusted_p_value": 1e-6,
        "test_used": "midp",
        "sample_indices": [np.int64(1)], "examples": [{"score": float("nan")}], "representative_prompts": ["p"],
        "cluster_id": 3,
    }  # fmt: skip
    return FailureSlice(**{**fields, **changes})


def report(*slices):
    return AnalysisReport(
        list(slices), 100, 20, 0.2, 0.05, 0.5, "precomputed", 7, len(slices), "agglomerative", "wordllama"
    )


def test_reports_become_strict_json():
    told = json.loads(json.dumps(report(one_slice()).to_dict(), allow_nan=False))
    assert told["slices"][0]["effect_size"] is None
    assert told["slices"][0]["examples"] == [{"score": None}]
    assert told["num_significant"] == 1


def test_strict_unpacks_numpy_and_sets():
    assert strict({1: np.arange(2), "x": {2.5}, "y": (np.float32(1.5), None)}) == {
        "1": [0, 1],
        "x": [2.5],
        "y": [1.5, None],
    }


def test_printed_reports_survive_brackets_and_say_nothing_found():
    assert "[bold]brackets[/bold]" in str(report(one_slice()))
    assert "No region of the 100 prompts" in str(report())
