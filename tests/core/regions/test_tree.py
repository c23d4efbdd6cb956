import numpy as np
import pytest

from faultmap_core.base.errors import ClusteringError
from faultmap_core.regions.neighbors import nearest_neighbors
from faultmap_core.regions.tree import METHODS, build_tree, flat_labels


def blobs(sizes, dimensions=8, spread=0.05, seed=0):
    """Unit vectors around well separated centres, and the centre of each."""
    rng = np.random.default_rng(seed)
    centers = np.linalg.qr(rng.normal(size=(dimensions, dimensions)))[0][: len(sizes)]
    label = np.repeat(np.arange(len(sizes)), sizes)
    vectors = centers[label] + spread * rng.normal(size=(len(label), dimensions))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), label


def assert_nested(tree, n):
    assert sorted(tree.order.tolist()) == list(range(n))
    for node, parent in enumerate(tree.parent.tolist()):
        assert tree.end[node] - tree.start[node] >= 2
        if parent < 0:
            assert (node, tree.start[node], tree.end[node]) == (0, 0, n)
        else:
            assert parent < node
            assert tree.start[parent] <= tree.start[node] < tree.end[node] <= tree.end[parent]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 60])
@pytest.mark.parametrize("kind", ["random", "zero", "copies"])
def test_any_number_of_any_vectors_makes_a_nested_tree(method, n, kind):
    vectors = np.random.default_rng(n).normal(size=(n, 4))
    if kind == "zero":
        vectors[:] = 0.0
    if kind == "copies":
        vectors = vectors[np.arange(n) // 3]
    tree = build_tree(vectors, method=method)
    assert_nested(tree, n)
    assert tree.n_nodes >= (1 if n >= 2 else 0)
    assert len(flat_labels(tree)) == n


@pytest.mark.parametrize("method", METHODS)
def test_every_blob_is_a_node(method):
    vectors, label = blobs([30, 45, 60])
    tree = build_tree(vectors, nearest_neighbors(vectors, vectors, 15, exclude_self=True), method=method)
    nodes = {frozenset(tree.members(node).tolist()) for node in range(tree.n_nodes)}
    for blob in range(3):
        assert frozenset(np.flatnonzero(label == blob).tolist()) in nodes
    assert len(set(zip(flat_labels(tree, 3).tolist(), label.tolist(), strict=True))) == 3


def test_ward_on_a_full_graph_is_scipys_ward_of_the_smoothed_vectors():
    from scipy.cluster.hierarchy import to_tree, ward

    vectors, _ = blobs([9, 7], spread=0.3, seed=3)
    tree = build_tree(vectors)  # 15 neighbours of 16 points: every pair is joined
    smooth = vectors + (vectors.sum(axis=0) - vectors) / 15
    smooth /= np.linalg.norm(smooth, axis=1, keepdims=True)
    expected = {frozenset(node.pre_order()) for node in to_tree(ward(smooth), rd=True)[1] if node.count > 1}
    assert {frozenset(tree.members(node).tolist()) for node in range(tree.n_nodes)} == expected
    assert tree.height[0] == pytest.approx(ward(smooth)[-1, 2], rel=1e-4)


def test_a_zero_vector_is_not_drawn_to_others():
    vectors, _ = blobs([30, 30])
    vectors[7] = 0.0
    tree = build_tree(vectors)
    assert_nested(tree, 60)


def test_components_of_the_graph_are_joined():
    vectors, label = blobs([40] * 6, spread=1e-3)
    graph = nearest_neighbors(vectors, vectors, 5, exclude_self=True)
    assert (label[graph.indices] == label[:, None]).all(), "the test wants a disconnected graph"
    assert_nested(build_tree(vectors, graph), len(vectors))


def test_copies_stand_together_and_keep_their_own_neighbors_out():
    vectors, _ = blobs([20])
    repeated = np.repeat(vectors, 5, axis=0)
    tree = build_tree(repeated, min_size=5)
    nodes = {frozenset(tree.members(node).tolist()) for node in range(tree.n_nodes)}
    assert {frozenset(range(5 * i, 5 * i + 5)) for i in range(20)} <= nodes


def test_min_size_leaves_small_nodes_out():
    vectors, _ = blobs([30, 30])
    assert build_tree(vectors, min_size=10).size.min() >= 10


def test_wrong_input_is_named():
    with pytest.raises(ClusteringError, match="method 'kmeans'"):
        build_tree(np.eye(3), method="kmeans")
    with pytest.raises(ClusteringError, match="vector 1 is not finite"):
        build_tree(np.array([[1.0, 0.0], [np.inf, 0.0]]))
    with pytest.raises(ClusteringError, match="neighbours are of 2"):
        build_tree(np.eye(3), nearest_neighbors(np.eye(2), np.eye(2), 1))


def test_a_kept_graph_is_used_as_it_is_and_serves_copies_too():
    rows = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    neighbors = nearest_neighbors(rows, rows, 15, exclude_self=True)
    kept, computed = build_tree(rows, neighbors, keep_graph=True), build_tree(rows)
    assert np.array_equal(kept.order, computed.order)
    assert np.array_equal(kept.height, computed.height)
    rows[[10, 50]] = rows[3]
    copied = build_tree(rows, nearest_neighbors(rows, rows, 15, exclude_self=True), keep_graph=True)
    assert sorted(copied.order.tolist()) == list(range(200))
    # Copies share a leaf: some node holds exactly them.
    assert {3, 10, 50} in [set(copied.members(node).tolist()) for node in range(copied.n_nodes)]
