"""Vectors -> the map that people look at, in the plane or in space. For display only; no test ever reads it."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ClusteringError
from faultmap_core.regions.neighbors import Neighbors, nearest_neighbors

ProjectionMethod = Literal["umap", "pca"]

_SMALLEST_UMAP = 16
_PLACED_BY = 5


def project(
    vectors: ArrayLike,
    neighbors: Neighbors | None = None,
    *,
    method: ProjectionMethod = "umap",
    dimensions: Literal[2, 3] = 2,
    seed: int = 0,
    max_fit: int = 20_000,
) -> NDArray[np.float32]:
    """Lay (n, d) vectors out in two or three dimensions.

    Args:
        method: "umap" (McInnes et al., 2018) on the neighbour graph, or "pca", the principal components: they show less
            of the topics, and take no time (UMAP's code is compiled for some ten seconds in every process).
        neighbors: nearest neighbours of the vectors without themselves; computed where None.
        seed: the same seed, data and machine give the same map.
        max_fit: of more vectors, a seeded sample of this size is laid out, and the others are put between their five
            nearest of the sample.
    Returns:
        (n, dimensions) finite coordinates. Fewer than 16 vectors are laid out by their principal components.
    """
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise ClusteringError(f"vectors must be a finite table (n, d), got shape {rows.shape}")
    n = len(rows)
    if method == "pca" or n < _SMALLEST_UMAP:
        return _principal(rows, dimensions)
    if n <= max_fit:
        near = neighbors if neighbors is not None else nearest_neighbors(rows, rows, 15, exclude_self=True)
        return _umap(rows, near, dimensions, seed)
    sample = np.sort(np.random.default_rng(seed).choice(n, size=max(max_fit, _SMALLEST_UMAP), replace=False))
    chosen = rows[sample]
    laid_out = _umap(chosen, nearest_neighbors(chosen, chosen, 15, exclude_self=True), dimensions, seed)
    others = np.setdiff1d(np.arange(n), sample)
    near = nearest_neighbors(rows[others], chosen, _PLACED_BY)
    weights = 1.0 / (near.distances.astype(np.float64) + 1e-3)
    weights /= weights.sum(axis=1, keepdims=True)
    places = np.empty((n, dimensions), dtype=np.float32)
    places[sample] = laid_out
    places[others] = (laid_out[near.indices] * weights[:, :, None]).sum(axis=1)
    return places


def _principal(rows: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    places = np.zeros((len(rows), dimensions), dtype=np.float32)
    if len(rows) < 2:
        return places
    centered = rows.astype(np.float64) - rows.mean(axis=0)
    left, strength, _ = np.linalg.svd(centered, full_matrices=False)
    scores = (left * strength)[:, :dimensions]
    # An axis has no sign of its own; fix it so that the same data gives the same picture.
    greatest = np.abs(scores).argmax(axis=0)
    signs = np.where(scores[greatest, np.arange(scores.shape[1])] < 0, -1.0, 1.0)
    places[:, : scores.shape[1]] = scores * signs
    return places


def _umap(rows: NDArray[np.float32], neighbors: Neighbors, dimensions: int, seed: int) -> NDArray[np.float32]:
    own = np.arange(len(rows), dtype=np.int32)[:, None]
    indices = np.concatenate([own, neighbors.indices.astype(np.int32)], axis=1)
    lengths = np.sqrt(2.0 * neighbors.distances)
    distances = np.concatenate([np.zeros((len(rows), 1), dtype=np.float32), lengths], axis=1).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        model = UMAP(
            n_neighbors=indices.shape[1],
            n_components=dimensions,
            min_dist=0.1,
            init=_start(rows, dimensions, seed),
            precomputed_knn=(indices, distances),
            random_state=seed,
            n_jobs=1,
        )
        places = np.asarray(model.fit_transform(rows), dtype=np.float32)
    # Points that UMAP cannot connect come back as NaN; they stand at the middle.
    lost = ~np.isfinite(places).all(axis=1)
    places[lost] = np.zeros(dimensions) if lost.all() else places[~lost].mean(axis=0)
    return places


def _start(rows: NDArray[np.float32], dimensions: int, seed: int) -> NDArray[np.float32]:
    """Starting places: the principal components at UMAP's scale with a little noise, so that no two points are
    the same; UMAP's own spectral start warns and falls back on disconnected graphs."""
    centered = rows.astype(np.float64) - rows.mean(axis=0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    places = centered @ axes[:, ::-1][:, :dimensions]
    if places.shape[1] < dimensions:
        places = np.column_stack([places, np.zeros((len(rows), dimensions - places.shape[1]))])
    signs = np.where(places[np.abs(places).argmax(axis=0), np.arange(dimensions)] < 0, -1.0, 1.0)
    scale = max(float(np.abs(places).max()), 1e-12)
    noise = np.random.default_rng(seed).normal(scale=1e-3, size=places.shape)
    started: NDArray[np.float32] = (10.0 * places * signs / scale + noise).astype(np.float32)
    return started
