"""Promise: what a slice is said to fail more than the rest is not exaggerated by its having been selected for it."""

import numpy as np

from faultmap_core.discovery.slices.discovery import EvalRows, SliceSettings, find_failure_slices
from faultmap_core.naming.keywords import RegionName
from faultmap_core.regions.tree import build_tree

GROUPS, IN_GROUP, BASE = 60, 20, 0.15


class NoNames:
    """Names are not looked at."""

    def name_regions(self, tasks, background):
        return [RegionName("slice", "", "fixed") for _ in tasks]


def test_estimated_differences_are_right_in_the_mean_and_order_the_slices():
    rng = np.random.default_rng(0)
    n = GROUPS * IN_GROUP
    raw = rng.normal(size=(GROUPS, 16)).repeat(IN_GROUP, axis=0) + 0.7 * rng.normal(size=(n, 16))
    vectors = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
    tree = build_tree(vectors)
    group = np.arange(n) // IN_GROUP
    observed, estimated = [], []
    for run in range(60):
        effect = (0.2, 0.3, 0.4)[run % 3]
        truth = BASE + effect * np.isin(group, rng.choice(GROUPS, 6, replace=False))
        failed = (rng.random(n) < truth).astype(float)
        none = [None] * n
        rows = EvalRows([str(i) for i in range(n)], [""] * n, none, none, 1 - failed, failed, np.arange(n))
        slices = find_failure_slices(rows, tree, vectors, SliceSettings(), NoNames()).slices
        by_estimate = [one.size * one.estimated_risk_difference for one in slices]
        assert by_estimate == sorted(by_estimate, reverse=True)
        for one in slices:
            inside = np.isin(np.arange(n), one.sample_indices)
            real = truth[inside].mean() - truth[~inside].mean()
            observed.append(one.risk_difference - real)
            estimated.append(one.estimated_risk_difference - real)
    assert len(observed) > 60
    # What is observed is too high by a tenth; the estimate is right within its error over so many slices.
    assert np.mean(observed) > 0.06
    assert abs(np.mean(estimated)) < 0.03
