import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from faultmap_core.base.errors import ClusteringError
from faultmap_core.regions.neighbors import nearest_neighbors


@pytest.mark.parametrize(("n", "m", "k"), [(40, 60, 5), (300, 4000, 15), (1, 1, 3)])
def test_neighbors_match_scikit_learn(n, m, k):
    rng = np.random.default_rng(1)
    queries, corpus = rng.normal(size=(n, 12)), rng.normal(size=(m, 12))
    found = nearest_neighbors(queries, corpus, k)
    expected = NearestNeighbors(n_neighbors=min(k, m), metric="cosine").fit(corpus).kneighbors(queries)
    assert (found.indices == expected[1]).all()
    assert found.distances == pytest.approx(expected[0], abs=1e-5)


def test_a_row_is_not_its_own_neighbor():
    vectors = np.random.default_rng(2).normal(size=(50, 4))
    found = nearest_neighbors(vectors, vectors, 49, exclude_self=True)
    assert all(set(row) == set(range(50)) - {i} for i, row in enumerate(found.indices.tolist()))


@pytest.mark.parametrize("n", [6, 3000])
def test_equal_distances_are_ordered_by_index(n):
    found = nearest_neighbors(np.ones((n, 3)), np.ones((n, 3)), 3, exclude_self=True)
    assert found.indices[-1].tolist() == [0, 1, 2]
    assert found.indices[0].tolist() == [1, 2, 3]


def test_zero_rows_are_at_distance_one():
    found = nearest_neighbors(np.zeros((1, 3)), np.eye(3), 3)
    assert found.distances.tolist() == [[1.0, 1.0, 1.0]]


def test_empty_and_small_corpora():
    assert nearest_neighbors(np.zeros((0, 3)), np.eye(3), 2).indices.shape == (0, 2)
    assert nearest_neighbors(np.eye(3)[:1], np.eye(3)[:1], 2, exclude_self=True).indices.shape == (1, 0)


@pytest.mark.parametrize(
    ("queries", "corpus", "k", "message"),
    [
        (np.zeros(3), np.eye(3), 1, "shape"),
        (np.eye(3), np.eye(4), 1, "columns"),
        (np.eye(3), np.eye(3), 0, "k is 0"),
        (np.full((1, 3), np.nan), np.eye(3), 1, "row 0 is not finite"),
    ],
)
def test_wrong_input_is_named(queries, corpus, k, message):
    with pytest.raises(ClusteringError, match=message):
        nearest_neighbors(queries, corpus, k)
