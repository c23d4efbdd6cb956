"""prompt_embeddings and prompt_clusters: one arrangement of a dataset's prompts, shared by all models."""

from functools import partial

import dagster as dg
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from faultmap_assets.defs.evals import queries
from faultmap_assets.kit import figures as pictures
from faultmap_assets.kit.declared import declared_asset
from faultmap_assets.kit.refresh import Made, Refresh
from faultmap_assets.settings import Settings
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_assets.warehouse.vectors import embed_new
from faultmap_core.data.prompts import UniquePrompts, text_hash, unique_prompts
from faultmap_core.embedding import Embedder
from faultmap_core.regions.neighbors import nearest_neighbors
from faultmap_core.regions.projection import project
from faultmap_core.regions.tree import ClusterTree, build_tree, flat_labels

NEIGHBORS = 15


@declared_asset()
def prompt_embeddings(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    embedder: dg.ResourceParam[Embedder],
) -> Made:
    """The distinct prompts of one dataset and their vectors; a text is embedded once in its life."""
    refresh = Refresh.begin(context, warehouse, settings)
    examples = queries.example_texts(warehouse, str(refresh.partition.dataset))
    prompts = unique_prompts(examples.column("text").to_pylist(), examples.column("model").to_pylist())
    new = embed_new(warehouse, embedder, prompts.texts)
    table = _prompt_table(str(refresh.partition.dataset), prompts, embedder)
    mapping = examples.select(["dataset", "model", "example_id"]).append_column(
        "prompt_id", pa.array([prompts.prompt_ids[unit] for unit in prompts.unit], pa.string())
    )
    return refresh.write(
        {"prompt_embeddings": table, "example_prompts": mapping},
        version_of=table,
        vectors=new,
        metadata={
            "examples": examples.num_rows,
            "embedded_now": new.num_rows,
            "known_before": len(prompts.prompt_ids) - new.num_rows,
            "embedder": embedder.id,
            "dimensions": embedder.dimensions,
        },
    )


@declared_asset()
def prompt_clusters(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Made:
    """The tree over one dataset's prompts, whose nodes are the candidate slices, and their maps in 2-D and 3-D."""
    refresh = Refresh.begin(context, warehouse, settings)
    prompts = queries.prompt_vectors(warehouse, str(refresh.partition.dataset))
    neighbors = nearest_neighbors(prompts.vectors, prompts.vectors, NEIGHBORS, exclude_self=True)
    tree = build_tree(prompts.vectors, neighbors, method=settings.clusters.method)
    labels = flat_labels(tree)
    lay_out = partial(project, prompts.vectors, neighbors, method=settings.clusters.map, seed=settings.seed)
    places, space = lay_out(dimensions=2), lay_out(dimensions=3)
    dataset = str(refresh.partition.dataset)
    return refresh.write(
        {
            "prompt_clusters": _cluster_table(dataset, prompts.prompt_ids, tree, labels, places, space),
            "prompt_cluster_nodes": _node_table(dataset, tree),
        },
        metadata={
            "nodes": tree.n_nodes,
            "clusters": len(np.unique(labels)),
            "method": tree.method,
            "map": dg.MetadataValue.md(pictures.prompt_map(places, labels)),
        },
    )


def _prompt_table(dataset: str, prompts: UniquePrompts, embedder: Embedder) -> pa.Table:
    size = len(prompts.prompt_ids)
    return pa.table(
        {
            "dataset": pa.array([dataset] * size, pa.string()),
            "prompt_id": pa.array(prompts.prompt_ids, pa.string()),
            "text": pa.array(prompts.texts, pa.string()),
            "text_hash": pa.array([text_hash(text) for text in prompts.texts], pa.string()),
            "embedder": pa.array([embedder.id] * size, pa.string()),
            "dimensions": pa.array([embedder.dimensions] * size, pa.int32()),
        }
    )


def _cluster_table(
    dataset: str,
    prompt_ids: list[str],
    tree: ClusterTree,
    labels: NDArray[np.int64],
    places: NDArray[np.float32],
    space: NDArray[np.float32],
) -> pa.Table:
    size = len(prompt_ids)
    order = tree.order
    return pa.table(
        {
            "dataset": pa.array([dataset] * size, pa.string()),
            "position": pa.array(np.arange(size), pa.int32()),
            "prompt_id": pa.array([prompt_ids[unit] for unit in order], pa.string()),
            "cluster": pa.array(labels[order], pa.int32()),
            "x": pa.array(places[order, 0], pa.float32()),
            "y": pa.array(places[order, 1], pa.float32()),
            **{f"{axis}_3d": pa.array(space[order, number], pa.float32()) for number, axis in enumerate("xyz")},
        }
    )


def _node_table(dataset: str, tree: ClusterTree) -> pa.Table:
    return pa.table(
        {
            "dataset": pa.array([dataset] * tree.n_nodes, pa.string()),
            "node": pa.array(np.arange(tree.n_nodes), pa.int32()),
            "parent": pa.array(tree.parent, pa.int32()),
            "start_position": pa.array(tree.start, pa.int32()),
            "end_position": pa.array(tree.end, pa.int32()),
            "height": pa.array(tree.height, pa.float64()),
            "method": pa.array([tree.method] * tree.n_nodes, pa.string()),
        }
    )
