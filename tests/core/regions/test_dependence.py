import numpy as np
import pytest

from faultmap_core.regions.dependence import LEAST_NEAR_COPY_GROUPS, TEMPLATE_CORRELATION, dependence, near_copy_groups
from faultmap_core.regions.search import Label, RegionSettings, candidates_of, find_regions
from faultmap_core.regions.tree import build_tree


def prompts_in_copies(rng, prompts=40, copies=10, dimensions=24):
    """Vectors of distinct prompts in near-copies (cosine about .97), the tree over them, and the prompt of each."""
    centers = rng.normal(size=(prompts, dimensions))
    vectors = np.repeat(centers, copies, axis=0) + 0.15 * rng.normal(size=(prompts * copies, dimensions))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, build_tree(vectors), np.repeat(np.arange(prompts), copies)


def test_near_copies_are_grouped_by_prompt():
    vectors, tree, prompt = prompts_in_copies(np.random.default_rng(0))
    group = near_copy_groups(tree, vectors)
    assert len(set(zip(group.tolist(), prompt.tolist(), strict=True))) == 40 == len(set(group.tolist()))


def test_shared_outcomes_are_worth_one_observation_per_prompt():
    rng = np.random.default_rng(1)
    vectors, tree, prompt = prompts_in_copies(rng)
    outcome = (rng.random(40) < 0.3).astype(float)[prompt]
    found = dependence(tree, outcome, np.ones(400, dtype=bool), near_copy_groups(tree, vectors))
    assert found.correlation == pytest.approx(1.0, abs=0.15)
    # Kish: 400 observations of correlation 1 in groups of 10 are worth 40.
    assert found.weights.sum() == pytest.approx(40, rel=0.5)
    # Forty prompts are groups enough to tell this from the failure rate of a template.
    by_default = dependence(
        tree, outcome, np.ones(400, dtype=bool), near_copy_groups(tree, vectors), TEMPLATE_CORRELATION,
        LEAST_NEAR_COPY_GROUPS,
    )  # fmt: skip
    assert by_default.weights.sum() == pytest.approx(40, rel=0.5)


def test_independent_outcomes_keep_their_weight():
    rng = np.random.default_rng(2)
    vectors, tree, _ = prompts_in_copies(rng)
    group = near_copy_groups(tree, vectors)
    corrected = 0
    for _ in range(40):
        outcome = (rng.random(400) < 0.3).astype(float)
        found = dependence(tree, outcome, np.ones(400, dtype=bool), group, TEMPLATE_CORRELATION)
        corrected += found.correlation > 0
    assert corrected <= 2


def test_a_region_that_fails_is_no_dependence():
    rng = np.random.default_rng(3)
    vectors = np.repeat(np.eye(2), 150, axis=0) + 0.02 * rng.normal(size=(300, 2))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tree = build_tree(vectors)
    outcome = (rng.random(300) < np.repeat([0.9, 0.1], 150)).astype(float)
    found = dependence(tree, outcome, np.ones(300, dtype=bool), near_copy_groups(tree, vectors), TEMPLATE_CORRELATION)
    assert found.correlation == 0.0


def test_copies_make_no_significance():
    rng = np.random.default_rng(4)
    plain = corrected = 0
    for _ in range(16):
        vectors, tree, prompt = prompts_in_copies(rng)
        outcome = (rng.random(40) < 0.3).astype(float)[prompt]
        group = near_copy_groups(tree, vectors)
        weights = dependence(tree, outcome, np.ones(400, dtype=bool), group, TEMPLATE_CORRELATION).weights
        ones = np.ones(400)
        plain += bool(find_regions(candidates_of(tree), Label(outcome, ones), RegionSettings()).regions)
        label = Label(outcome * weights, weights, ones)
        corrected += bool(find_regions(candidates_of(tree), label, RegionSettings()).regions)
    assert plain >= 13
    assert corrected <= 3


def test_units_that_take_no_part_and_single_units_weigh_one():
    vectors, tree, prompt = prompts_in_copies(np.random.default_rng(5), prompts=6)
    outcome = np.where(prompt < 3, 1.0, 0.0)
    present = np.arange(60) % 10 == 0
    found = dependence(tree, outcome, present, near_copy_groups(tree, vectors))
    assert found.weights.tolist() == [1.0] * 60
    empty = build_tree(np.zeros((0, 3)))
    none = np.zeros(0, dtype=np.int64)
    assert dependence(empty, np.zeros(0), np.zeros(0, dtype=bool), none).correlation == 0.0


def test_a_template_that_fails_among_a_few_is_a_slice_and_no_dependence():
    # Three templates of 40 instances; the model fails 35 of 40 of one and 7 of 80 of the others.
    vectors, tree, template = prompts_in_copies(np.random.default_rng(5), prompts=3, copies=40)
    outcome = np.zeros(120)
    outcome[:35] = 1.0
    outcome[[41, 52, 63, 74, 85, 96, 107]] = 1.0
    group = near_copy_groups(tree, vectors)
    found = dependence(tree, outcome, np.ones(120, dtype=bool), group, TEMPLATE_CORRELATION, LEAST_NEAR_COPY_GROUPS)
    assert found.weights.tolist() == [1.0] * 120
    label = Label(outcome * found.weights, found.weights)
    (region,) = find_regions(candidates_of(tree), label, RegionSettings()).regions
    assert set(template[region.units]) == {0}
    assert len(region.units) >= 35
