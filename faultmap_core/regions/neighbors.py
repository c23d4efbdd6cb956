"""Find the nearest vectors: exact cosine neighbours by tiled float32 matrix products.

The one k-nearest-neighbour graph made here feeds the tree, the map, near-copies and representatives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ClusteringError

_TILE_BYTES = 64 << 20
_GROUPS_PER_NEIGHBOR = 8


@dataclass(frozen=True)
class Neighbors:
    """The k nearest corpus rows of each query, nearest first.

    Attributes:
        indices: (n, k) int32 rows of the corpus; of equal distances the lower index comes first.
        distances: (n, k) float32 cosine distances in [0, 2], ascending.
    """

    indices: NDArray[np.int32]
    distances: NDArray[np.float32]

    @property
    def k(self) -> int:
        """Neighbours per query."""
        return int(self.indices.shape[1])


def nearest_neighbors(queries: ArrayLike, corpus: ArrayLike, k: int, *, exclude_self: bool = False) -> Neighbors:
    """Return the k nearest corpus rows of every query by cosine distance (1 - cosine; zero rows are at distance 1).

    Args:
        queries: (n, d) finite; corpus: (m, d) finite. Rows need no unit length.
        k: >= 1; cut to what the corpus has (m, or m - 1 without the row itself).
        exclude_self: queries are the corpus, and row i is no neighbour of query i.
    Raises:
        ClusteringError: shapes do not fit, k < 1, or a value is not finite.
    """
    query_rows, corpus_rows = _unit(queries, "queries"), _unit(corpus, "corpus")
    n, m = len(query_rows), len(corpus_rows)
    if query_rows.shape[1] != corpus_rows.shape[1] and n and m:
        raise ClusteringError(f"queries have {query_rows.shape[1]} columns and the corpus {corpus_rows.shape[1]}")
    if k < 1:
        raise ClusteringError(f"k is {k}; expected 1 or more")
    if exclude_self and n != m:
        raise ClusteringError(f"exclude_self needs queries equal to the corpus, got {n} queries and {m} corpus rows")
    k = max(0, min(k, m - 1 if exclude_self else m))
    indices, distances = np.empty((n, k), dtype=np.int32), np.empty((n, k), dtype=np.float32)
    if n == 0 or k == 0:
        return Neighbors(indices, distances)
    rows = max(1, _TILE_BYTES // (4 * m))
    for first in range(0, n, rows):
        similar = query_rows[first : first + rows] @ corpus_rows.T
        if exclude_self:
            own = np.arange(len(similar))
            similar[own, first + own] = -np.inf
        indices[first : first + rows], found = _top(similar, k)
        distances[first : first + rows] = np.clip(1.0 - found, 0.0, 2.0)
    return Neighbors(indices, distances)


def _unit(vectors: ArrayLike, what: str) -> NDArray[np.float32]:
    rows = np.asarray(vectors, dtype=np.float32)
    if rows.ndim != 2:
        raise ClusteringError(f"{what} must be a table of vectors (n, d), got shape {rows.shape}")
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        bad = int(np.flatnonzero(~np.isfinite(norms[:, 0]))[0])
        raise ClusteringError(f"{what}: row {bad} is not finite")
    if np.all((np.abs(norms - 1.0) < 1e-6) | (norms == 0.0)):
        return np.ascontiguousarray(rows)
    return np.ascontiguousarray(rows / np.where(norms > 0, norms, 1.0), dtype=np.float32)


def _top(similar: NDArray[np.float32], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return columns and values of each row's k greatest entries, greatest first, ties by column.

    The maximum over strided groups of columns is one fast pass; k greatest entries lie in the k groups whose maxima
    are greatest, so only those are looked at entry by entry. Rows where the k-th value is tied are read in full.
    """
    n, m = similar.shape
    groups = max(k * _GROUPS_PER_NEIGHBOR, int(np.sqrt(m) * 4))
    members = m // groups
    if members < 4:
        columns = np.broadcast_to(np.arange(m), (n, m))
        maxima = similar
    else:
        maxima = similar[:, : members * groups].reshape(n, members, groups).max(axis=1)
        best = np.argpartition(maxima, -k, axis=1)[:, -k:]
        inside = (best[:, None, :] + groups * np.arange(members)[None, :, None]).reshape(n, -1)
        tail = np.broadcast_to(np.arange(members * groups, m), (n, m - members * groups))
        columns = np.concatenate([inside, tail], axis=1)
    values = np.take_along_axis(similar, columns, axis=1)
    kept = np.argpartition(values, -k, axis=1)[:, -k:]
    found, at = np.take_along_axis(values, kept, axis=1), np.take_along_axis(columns, kept, axis=1)
    order = np.lexsort((at, -found), axis=1)
    found, at = np.take_along_axis(found, order, axis=1), np.take_along_axis(at, order, axis=1)
    kth = found[:, -1:]
    tied = ((maxima >= kth).sum(axis=1) > k) | ((values >= kth).sum(axis=1) > k)
    for row in np.flatnonzero(tied):
        reached = np.flatnonzero(similar[row] >= kth[row, 0])
        at[row] = reached[np.argsort(-similar[row, reached], kind="stable")[:k]]
        found[row] = similar[row, at[row]]
    return at.astype(np.int32), found
