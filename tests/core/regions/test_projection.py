import numpy as np
import pytest

from faultmap_core.regions.projection import project


@pytest.mark.parametrize(("n", "method"), [(0, "umap"), (1, "umap"), (2, "umap"), (15, "umap"), (200, "pca")])
def test_few_vectors_or_on_request_all_are_laid_out_by_principal_components(n, method):
    vectors = np.random.default_rng(0).normal(size=(n, 6))
    places = project(vectors, method=method, seed=1)
    assert places.shape == (n, 2)
    if n > 2:
        from sklearn.decomposition import PCA

        assert np.abs(places) == pytest.approx(np.abs(PCA(2).fit_transform(vectors)), abs=1e-4)


@pytest.mark.parametrize("n", [1, 15, 60])
def test_space_has_a_third_dimension(n):
    vectors = np.random.default_rng(1).normal(size=(n, 6))
    places = project(vectors, dimensions=3, seed=1)
    assert places.shape == (n, 3)
    assert np.isfinite(places).all()
    if n > 3:
        assert np.linalg.matrix_rank(places - places.mean(axis=0)) == 3
        assert (places == project(vectors, dimensions=3, seed=1)).all()


def test_the_map_is_seeded_finite_and_keeps_groups_together():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], 40)
    vectors = np.eye(6)[group * 3] + 0.05 * rng.normal(size=(80, 6))
    places = project(vectors, seed=3)
    assert (places == project(vectors, seed=3)).all()
    assert places.shape == (80, 2)
    apart = np.linalg.norm(places[group == 0].mean(axis=0) - places[group == 1].mean(axis=0))
    assert apart > 2 * places[group == 0].std()
    sampled = project(vectors, seed=3, max_fit=40)
    nearest = np.linalg.norm(sampled[:, None] - sampled[None], axis=2) + np.eye(80) * 1e9
    assert (group[nearest.argmin(axis=1)] == group).mean() > 0.95
