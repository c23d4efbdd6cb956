import json

import numpy as np

from faultmap_core.base.records import FailureSlice, strict


def test_a_slice_becomes_strict_json():
    found = FailureSlice(
        name="n", description="d", size=np.int64(10), failure_rate=np.float64(0.5), baseline_rate=0.1,
        effect_size=float("inf"), p_value=1e-9, adjusted_p_value=1e-6, test_used="midp", sample_indices=[np.int64(1)],
        examples=[{"score": float("nan")}], representative_prompts=["p"], cluster_id=3,
    )  # fmt: skip
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (told["size"], told["effect_size"], told["sample_indices"]) == (10, None, [1])
    assert told["examples"] == [{"score": None}]


def test_strict_unpacks_numpy_and_sets():
    assert strict({1: np.arange(2), "x": {2.5}, "y": (np.float32(1.5), None)}) == {
        "1": [0, 1],
        "x": [2.5],
        "y": [1.5, None],
    }
