"""Vectors -> a tree whose every node is a candidate region.

Two methods, both on the k-nearest-neighbour graph: Ward agglomeration (default) and HDBSCAN's condensed tree. Built
from inputs only; what the regions mean is left to `regions`.
"""

from __future__ import annotations

import heapq
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ClusteringError
from faultmap_core.regions.neighbors import Neighbors, nearest_neighbors

Method = Literal["agglomerative", "hdbscan"]
METHODS: tuple[Method, ...] = ("agglomerative", "hdbscan")
GRAPH_NEIGHBORS = 15

# Below this size a condensed cluster is a chance cluster; HDBSCAN's own default.
_MIN_CONDENSED = 5

_Edges = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


@dataclass(frozen=True)
class ClusterTree:
    """Nested groups of units; node k covers `order[start[k]:end[k]]`.

    Attributes:
        order: (n,) units in leaf order.
        parent: (m,) the node that holds node k, -1 for a root; parents come before children.
        start, end: (m,) the node's range in `order`.
        height: (m,) the distance at which the node was joined, >= 0 (Ward: square root of twice the growth of the
            within-cluster sum of squares; HDBSCAN: 1 / lambda at birth).
        method: how it was built.
    """

    order: NDArray[np.int64]
    parent: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    height: NDArray[np.float64]
    method: str

    @property
    def n_units(self) -> int:
        """Units in the tree."""
        return len(self.order)

    @property
    def n_nodes(self) -> int:
        """Nodes in the tree (single units are no nodes)."""
        return len(self.parent)

    @property
    def size(self) -> NDArray[np.int64]:
        """(m,) units under each node."""
        return self.end - self.start

    def members(self, node: int) -> NDArray[np.int64]:
        """Return the units under `node`, ascending."""
        return np.sort(self.order[self.start[node] : self.end[node]])


def build_tree(
    vectors: ArrayLike,
    neighbors: Neighbors | None = None,
    *,
    method: Method = "agglomerative",
    min_size: int = 2,
    keep_graph: bool = False,
) -> ClusterTree:
    """Build the tree over `vectors` on their neighbour graph.

    Args:
        vectors: (n, d) finite, unit rows (a zero row is allowed); n may be 0.
        neighbors: their nearest neighbours without themselves (`nearest_neighbors(..., exclude_self=True)`);
            computed with k = 15 where None.
        method: "agglomerative" (Ward, 1963, on the graph, of vectors smoothed over it) or "hdbscan" (Campello et al.,
            2013, condensed tree).
        min_size: smaller nodes are left out (>= 2).
        keep_graph: take `neighbors` although some vectors are equal, the first of them for all; else they are computed
            anew then.
    Raises:
        ClusteringError: wrong shape, not finite, unknown method, neighbours of other vectors.
    """
    if method not in METHODS:
        raise ClusteringError(f"clustering method {method!r} is unknown; expected one of {', '.join(METHODS)}")
    if min_size < 2:
        raise ClusteringError(f"min_size is {min_size}; expected 2 or more")
    rows = _checked(vectors)
    distinct, copy_of = _distinct(rows)
    if neighbors is not None and keep_graph and len(neighbors.indices) == len(rows):
        neighbors = _among_distinct(neighbors, distinct, copy_of)
    elif len(distinct) < len(rows) or neighbors is None:
        neighbors = nearest_neighbors(rows[distinct], rows[distinct], GRAPH_NEIGHBORS, exclude_self=True)
    if len(neighbors.indices) != len(distinct):
        raise ClusteringError(f"neighbours are of {len(neighbors.indices)} vectors, the vectors are {len(rows)}")
    points = rows[distinct]
    edges = _connected(points, _graph(neighbors))
    if method == "agglomerative":
        links = _ward_links(_smoothed(points, neighbors), edges)
    else:
        links = _reachability_links(len(points), neighbors, edges)
    children, heights = _with_copies(links, distinct, copy_of)
    if method == "hdbscan":
        children, heights = _condensed(children, heights, len(rows), max(min_size, _MIN_CONDENSED))
    return _tree(children, heights, len(rows), min_size, method)


def flat_labels(tree: ClusterTree, clusters: int | None = None) -> NDArray[np.int64]:
    """Cut the tree into about `clusters` groups by opening the highest node again and again.

    Args:
        clusters: >= 1; None means round(sqrt(n / 5)) between 2 and 40, enough for a readable map.
    Returns:
        (n,) labels 0, 1, ... by falling size; -1 for units outside every cut node (single units).
    """
    labels = np.full(tree.n_units, -1, dtype=np.int64)
    wanted = clusters if clusters is not None else int(np.clip(round(float(np.sqrt(tree.n_units / 5))), 2, 40))
    children: dict[int, list[int]] = {}
    for node, parent in enumerate(tree.parent.tolist()):
        children.setdefault(parent, []).append(node)
    heap = [(-float(tree.height[node]), node) for node in children.get(-1, [])]
    heapq.heapify(heap)
    closed: list[int] = []
    while heap and len(heap) + len(closed) < wanted:
        _, node = heapq.heappop(heap)
        inside = children.get(node, [])
        if inside:
            for child in inside:
                heapq.heappush(heap, (-float(tree.height[child]), child))
        else:
            closed.append(node)
    kept = sorted([node for _, node in heap] + closed, key=lambda node: (tree.start[node] - tree.end[node], node))
    for label, node in enumerate(kept):
        labels[tree.order[tree.start[node] : tree.end[node]]] = label
    return labels


def _checked(vectors: ArrayLike) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(vectors, dtype=np.float32)
    if rows.ndim != 2:
        raise ClusteringError(f"vectors must be a table (n, d), got shape {rows.shape}")
    if not np.isfinite(rows).all():
        bad = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise ClusteringError(f"vector {bad} is not finite")
    return rows


def _distinct(rows: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first row of each distinct vector, ascending, and for every row its place among them.

    Copies share one leaf: as hubs of the graph they would make the agglomeration quadratic.
    """
    if not len(rows):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel() if rows.shape[1] else None
    if keys is None:
        return np.zeros(1, dtype=np.int64), np.zeros(len(rows), dtype=np.int64)
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(first), dtype=np.int64)
    place[order] = np.arange(len(first))
    return first[order].astype(np.int64), place[inverse.ravel()]


def _among_distinct(neighbors: Neighbors, distinct: NDArray[np.int64], copy_of: NDArray[np.int64]) -> Neighbors:
    """Return the neighbours of the distinct rows as places among them; a copy of a row itself gives way to another."""
    indices = copy_of[neighbors.indices[distinct]]
    own = indices == np.arange(len(distinct))[:, None]
    if own.any():
        other = indices[np.arange(len(indices)), np.argmin(own, axis=1)]
        indices = np.where(own, other[:, None], indices)
    return Neighbors(indices.astype(np.int32), neighbors.distances[distinct])


def _graph(neighbors: Neighbors) -> _Edges:
    n, k = neighbors.indices.shape
    left, right = np.repeat(np.arange(n), k), neighbors.indices.ravel().astype(np.int64)
    # Euclidean length on the unit sphere; the floor keeps an edge between equal directions in the sparse matrix.
    lengths = np.sqrt(2.0 * np.maximum(neighbors.distances.ravel().astype(np.float64), 0.0))
    return left.astype(np.int64), right, np.maximum(lengths, 1e-9)


def _connected(points: NDArray[np.float32], edges: _Edges) -> _Edges:
    """Join the graph's components, each to the one with the nearest centroid, until one is left (Boruvka, 1926).

    scikit-learn would join them too, in quadratic time and with a warning.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(points)
    left, right, lengths = edges
    while n:
        graph = coo_array((lengths, (left, right)), shape=(n, n))
        count, label = connected_components(graph, directed=False)
        if count == 1:
            break
        sizes = np.bincount(label, minlength=count)
        belongs = coo_array((np.ones(n, dtype=np.float32), (label, np.arange(n))), shape=(count, n)).tocsr()
        centroids = (belongs @ points) / sizes[:, None]
        spread = ((points - centroids[label]) ** 2).sum(axis=1)
        middle = np.lexsort((spread, label))[np.concatenate(([0], np.cumsum(sizes)[:-1]))]
        nearest = nearest_neighbors(centroids, centroids, 1, exclude_self=True).indices[:, 0]
        added = np.sqrt(((points[middle] - points[middle[nearest]]) ** 2).sum(axis=1)).astype(np.float64)
        left, right = np.concatenate([left, middle]), np.concatenate([right, middle[nearest]])
        lengths = np.concatenate([lengths, np.maximum(added, 1e-9)])
    return left, right, lengths


def _smoothed(points: NDArray[np.float32], neighbors: Neighbors) -> NDArray[np.float32]:
    """Move every point half-way to the mean of its neighbours, on the sphere; zero rows stay.

    One step of diffusion on the graph draws a topic together, as UMAP does, for the price of a sparse product: the
    mean best F1 of nodes against true topics rises by .00 to .02 on every corpus of bench/slices_corpora.py but one.
    """
    from scipy.sparse import csr_array

    n, k = neighbors.indices.shape
    if n == 0 or k == 0:
        return points
    starts = np.arange(0, n * k + 1, k)
    graph = csr_array((np.full(n * k, 1.0 / k, dtype=np.float32), neighbors.indices.ravel(), starts), shape=(n, n))
    moved = points + graph @ points
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    kept = (lengths > 1e-6) & (np.abs(points).sum(axis=1, keepdims=True) > 0)
    smooth: NDArray[np.float32] = np.where(kept, moved / np.where(kept, lengths, 1.0), points).astype(np.float32)
    return smooth


def _ward_links(points: NDArray[np.float32], edges: _Edges) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return (n - 1, 2) merges (leaf < n, merge i is n + i) and their heights."""
    from scipy.sparse import coo_array
    from sklearn.cluster import ward_tree

    n = len(points)
    if n < 2:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0)
    left, right, _ = edges
    graph = coo_array((np.ones(len(left)), (left, right)), shape=(n, n)).tolil()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        children, _, _, _, heights = ward_tree(points, connectivity=graph, return_distance=True)
    return np.asarray(children, dtype=np.int64), np.asarray(heights, dtype=np.float64)


def _reachability_links(n: int, neighbors: Neighbors, edges: _Edges) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the single linkage of mutual reachability distances over the graph, in the form of `_ward_links`."""
    from hdbscan._hdbscan_linkage import label
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    if n < 2:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0)
    left, right, lengths = edges
    within = min(_MIN_CONDENSED, neighbors.k) - 1
    core = np.sqrt(2.0 * np.maximum(neighbors.distances[:, within].astype(np.float64), 0.0))
    reach = np.maximum(lengths, np.maximum(core[left], core[right]))
    # coo -> csr would add up an edge given from both sides; keep each pair once.
    low, high = np.minimum(left, right), np.maximum(left, right)
    _, once = np.unique(low * n + high, return_index=True)
    graph = coo_array((reach[once], (low[once], high[once])), shape=(n, n)).tocsr()
    spanning = minimum_spanning_tree(graph).tocoo()
    table = np.column_stack([spanning.row, spanning.col, spanning.data]).astype(np.float64)
    table = table[np.lexsort((table[:, 1], table[:, 0], table[:, 2]))]
    linked = np.asarray(label(table))
    return linked[:, :2].astype(np.int64), linked[:, 2].astype(np.float64)


_Nodes = tuple[list[NDArray[np.int64]], NDArray[np.float64]]


def _with_copies(
    links: tuple[NDArray[np.int64], NDArray[np.float64]], distinct: NDArray[np.int64], copy_of: NDArray[np.int64]
) -> _Nodes:
    """Return nodes over all n units (unit < n, node i is n + i): one of height 0 per set of copies, then links."""
    merges, heights = links
    n, u = len(copy_of), len(distinct)
    by_copy = np.argsort(copy_of, kind="stable")
    sets = np.split(by_copy, np.cumsum(np.bincount(copy_of, minlength=u))[:-1]) if n else []
    several = [units for units in sets if len(units) > 1]
    name = np.zeros(u + len(merges), dtype=np.int64)
    name[:u] = distinct
    name[[place for place, units in enumerate(sets) if len(units) > 1]] = n + np.arange(len(several))
    name[u:] = n + len(several) + np.arange(len(merges))
    nodes = [units.astype(np.int64) for units in several] + list(name[merges])
    return nodes, np.concatenate([np.zeros(len(several)), heights])


def _condensed(nodes: list[NDArray[np.int64]], heights: NDArray[np.float64], n: int, min_size: int) -> _Nodes:
    """Keep the root and every node that leaves its parent beside another of `min_size` or more (runt pruning,
    Stuetzle, 2003); what falls off on the way stays a direct child of the node it fell from."""
    sizes = np.ones(n + len(nodes), dtype=np.int64)
    for index, inside in enumerate(nodes):
        sizes[n + index] = sizes[inside].sum()
    kept_nodes: list[NDArray[np.int64]] = []
    kept_heights: list[float] = []
    name: dict[int, int] = {}
    loose: dict[int, list[int]] = {}
    for index, inside in enumerate(nodes):
        node = n + index
        big = [int(child) for child in inside if sizes[child] >= min_size]
        own: list[int] = []
        for child in inside.tolist():
            if len(big) >= 2 and child in big:
                name[child] = n + len(kept_nodes)
                kept_nodes.append(np.array(loose.pop(child), dtype=np.int64))
                kept_heights.append(float(heights[child - n]))
                own.append(name[child])
            else:
                own.extend(loose.pop(child, [child]))
        loose[node] = own
    for node, own in loose.items():
        kept_nodes.append(np.array(own, dtype=np.int64))
        kept_heights.append(float(heights[node - n]))
    return kept_nodes, np.array(kept_heights)


def _tree(
    nodes: list[NDArray[np.int64]], heights: NDArray[np.float64], n: int, min_size: int, method: str
) -> ClusterTree:
    """Lay the nodes out as ranges of a leaf order, root first, and leave out those below `min_size`."""
    m = len(nodes)
    sizes = np.ones(n + m, dtype=np.int64)
    for index, inside in enumerate(nodes):
        sizes[n + index] = sizes[inside].sum()
    start = np.zeros(n + m, dtype=np.int64)
    parent = np.full(n + m, -1, dtype=np.int64)
    for index in range(m - 1, -1, -1):
        at = int(start[n + index])
        for child in nodes[index].tolist():
            start[child], parent[child] = at, index
            at += int(sizes[child])
    order = np.empty(n, dtype=np.int64)
    order[start[:n]] = np.arange(n)
    kept = np.arange(m)[::-1][sizes[n:][::-1] >= min_size]
    new = np.full(m + 1, -1, dtype=np.int64)
    new[kept] = np.arange(len(kept))
    first = start[n:][kept]
    return ClusterTree(order, new[parent[n:][kept]], first, first + sizes[n:][kept], heights[kept], method)
