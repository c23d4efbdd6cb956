"""Estimate how many independent observations dependent rows hold: near-copies of a prompt, rows of one session.

Outcomes within such a group may be correlated beyond what their region of the inputs explains; then every unit counts
for less (Kish's design effect). Groups whose outcomes are independent, such as instances of one template, keep their
full weight, and so does a region that really fails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.regions.tree import ClusterTree

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]

# Mean cosine within a group of near-copies ("please …", other punctuation), and how many can be one prompt's copies.
NEAR_COPY_SIMILARITY = 0.85
LARGEST_NEAR_COPY_GROUP = 50

# Instances of one template are near-copies by their vectors, and their outcomes correlate a little because a template
# has a failure rate of its own (.15 to .20 in BIG-Bench Hard). That is what slices are made of; copies of one prompt
# share their outcome. Only what exceeds this correlation is counted against near-copies.
TEMPLATE_CORRELATION = 0.25

# A few templates of dozens of instances each are near-copies by their vectors, too. From so few groups the correlation
# cannot be told from one template's failure rate, and the correction would hide the very slice that is looked for.
LEAST_NEAR_COPY_GROUPS = 20

# The region that explains a group has this many units beside it, or twice the group's own.
_LEAST_OUTSIDE = 30
_SIGNIFICANT_Z = 1.645
_COLUMNS_AT_ONCE = 32


@dataclass(frozen=True)
class Dependence:
    """What was found about one grouping.

    Attributes:
        correlation: of outcomes within groups beyond their region and beyond what is tolerated, in [0, 1]; 0 where not
            significantly positive.
        groups: groups of two or more units; units: units in them.
        weights: (n,) in (0, 1], the share of an independent observation that each unit is worth.
    """

    correlation: float
    groups: int
    units: int
    weights: Floats


def near_copy_groups(tree: ClusterTree, vectors: ArrayLike) -> Groups:
    """Return (n,) group numbers: the largest nodes of at most 50 units whose mean cosine is at least .85.

    A unit in no such node has a group of its own. `vectors`: (n, d) unit rows.
    """
    n = tree.n_units
    group = np.arange(n, dtype=np.int64)
    if not tree.n_nodes:
        return group
    rows = np.asarray(vectors)
    length = np.zeros(tree.n_nodes)
    for first in range(0, rows.shape[1], _COLUMNS_AT_ONCE):
        part = rows[tree.order, first : first + _COLUMNS_AT_ONCE].astype(np.float64)
        running = np.concatenate([np.zeros((1, part.shape[1])), np.cumsum(part, axis=0)])
        length += ((running[tree.end] - running[tree.start]) ** 2).sum(axis=1)
    tight = (length / tree.size.astype(np.float64) ** 2 >= NEAR_COPY_SIMILARITY) & (
        tree.size <= LARGEST_NEAR_COPY_GROUP
    )
    inside = np.where(tree.parent >= 0, tight[tree.parent], False)
    for node in np.flatnonzero(tight & ~inside):
        units = tree.order[tree.start[node] : tree.end[node]]
        group[units] = units.min()
    return group


def dependence(
    tree: ClusterTree,
    outcome: Floats,
    present: NDArray[np.bool_],
    group: Groups,
    tolerated: float = 0.0,
    least_groups: int = 2,
) -> Dependence:
    """Estimate the correlation of outcomes within groups beyond their region, and what each unit is worth.

    A unit's residual is its outcome less the mean of its region: the smallest node with 30 units and twice the
    group's size outside of the group, which itself is left out. The correlation is the mean product of residuals of
    two units of one group over their mean square; it counts where it is significantly positive (one-sided 5 %).

    Args:
        outcome: (n,) finite where `present`; group: (n,) numbers of what belongs together.
        tolerated: correlation up to this is not counted, what exceeds it is stretched to [0, 1].
        least_groups: with fewer groups of two or more units, nothing is estimated and every unit keeps its weight.
    Source: Kish (1965), ch. 5: design effect 1 + (m - 1) * correlation for groups of m.
    """
    n = tree.n_units
    weights = np.ones(n)
    _, number = np.unique(group, return_inverse=True)
    members: Floats = np.bincount(number, weights=present.astype(np.float64)).astype(np.float64)
    grouped = present & (members[number] >= 2)
    if int((members >= 2).sum()) < least_groups or not grouped.any() or not tree.n_nodes:
        return Dependence(0.0, 0, 0, weights)
    units = np.flatnonzero(grouped)
    expected, outside = _expected(tree, outcome, present, number, units, members)
    residual = outcome[units] - expected
    at = number[units]
    sums = np.bincount(at, weights=residual, minlength=len(members))
    squares = np.bincount(at, weights=residual**2, minlength=len(members))
    spread = float((residual**2).mean())
    # Both residuals of a pair hold the error of the same region's mean.
    shared = np.bincount(at, weights=1.0 / outside, minlength=len(members)) * (members - 1.0) * spread
    products = np.where(members >= 2, sums**2 - squares - shared, 0.0)
    pairs = np.where(members >= 2, members * (members - 1.0), 0.0)
    noise = float(np.sqrt((products**2).sum()))
    correlation = 0.0
    if noise > 0 and spread > 0 and products.sum() > _SIGNIFICANT_Z * noise:
        measured = float(products.sum() / pairs.sum() / spread)
        correlation = float(np.clip((measured - tolerated) / (1.0 - tolerated), 0.0, 1.0))
    weights[units] = 1.0 / (1.0 + (members[at] - 1.0) * correlation)
    return Dependence(correlation, int((members >= 2).sum()), len(units), weights)


def _expected(
    tree: ClusterTree,
    outcome: Floats,
    present: NDArray[np.bool_],
    number: Groups,
    units: NDArray[np.int64],
    members: Floats,
) -> tuple[Floats, Floats]:
    """Return for each of `units` the mean outcome of its region without its own group, and of how many units."""
    n = tree.n_units
    y = np.where(present, outcome, 0.0)
    here = present.astype(np.float64)
    in_node = np.concatenate(([0.0], np.cumsum(here[tree.order])))
    of_node = np.concatenate(([0.0], np.cumsum(y[tree.order])))
    size, total = in_node[tree.end] - in_node[tree.start], of_node[tree.end] - of_node[tree.start]
    position = np.empty(n, dtype=np.int64)
    position[tree.order] = np.arange(n)
    by_group = np.lexsort((position, number))
    key = number[by_group] * n + position[by_group]
    own_count = np.concatenate(([0.0], np.cumsum(here[by_group])))
    own_total = np.concatenate(([0.0], np.cumsum(y[by_group])))
    node = _smallest_node(tree)[units]
    wanted = np.maximum(_LEAST_OUTSIDE, 2.0 * members[number[units]])
    while True:
        low = np.searchsorted(key, number[units] * n + tree.start[node])
        high = np.searchsorted(key, number[units] * n + tree.end[node])
        outside = size[node] - (own_count[high] - own_count[low])
        climbing = (outside < wanted) & (tree.parent[node] >= 0)
        if not climbing.any():
            break
        node = np.where(climbing, tree.parent[node], node)
    sums = total[node] - (own_total[high] - own_total[low])
    overall = float(y.sum() / here.sum())
    return (sums + overall) / (outside + 1.0), outside + 1.0


def _smallest_node(tree: ClusterTree) -> NDArray[np.int64]:
    """Return (n,) the smallest node that holds each unit; parents come first, so children overwrite them."""
    smallest = np.zeros(tree.n_units, dtype=np.int64)
    for node in range(tree.n_nodes):
        smallest[tree.start[node] : tree.end[node]] = node
    unit = np.empty(tree.n_units, dtype=np.int64)
    unit[tree.order] = smallest
    return unit
