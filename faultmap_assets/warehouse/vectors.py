"""Find the texts that still need a vector; each text is embedded only once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.data.prompts import text_hash
from faultmap_core.embedding import Embedder


def embed_new(warehouse: Warehouse, embedder: Embedder, texts: Sequence[str]) -> pa.Table:
    """Embed the texts of which no vector is stored; return them as rows of `embedding_vectors`."""
    text_of = {text_hash(text): text for text in texts}
    missing = sorted(set(text_of) - _stored(warehouse, embedder.id))
    vectors = embedder.embed([text_of[digest] for digest in missing])
    width = vectors.shape[1] if vectors.ndim == 2 else 0
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).ravel(), pa.float32())
    offsets = pa.array(np.arange(len(missing) + 1, dtype=np.int32) * width, pa.int32())
    return pa.table(
        {
            "embedder": pa.array([embedder.id] * len(missing), pa.string()),
            "text_hash": pa.array(missing, pa.string()),
            "vector": pa.ListArray.from_arrays(offsets, flat),
        }
    )


def vectors_of(warehouse: Warehouse, embedder: Embedder, texts: Sequence[str], new: pa.Table) -> NDArray[np.float32]:
    """Return the (n, d) vectors of `texts`, from the store and from `new`, what `embed_new` returned for them."""
    hashes = [text_hash(text) for text in texts]
    with warehouse.read() as connection:
        connection.register("wanted", pa.table({"text_hash": pa.array(sorted(set(hashes)), pa.string())}))
        stored = connection.execute(
            "SELECT text_hash, vector FROM embedding_vectors JOIN wanted USING (text_hash) WHERE embedder = $embedder",
            {"embedder": embedder.id},
        ).to_arrow_table()
    both = pa.concat_tables([stored, new.select(["text_hash", "vector"])])
    flat = both.column("vector").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    rows = np.asarray(flat, dtype=np.float32).reshape(both.num_rows, -1 if both.num_rows else embedder.dimensions)
    position = {digest: index for index, digest in enumerate(both.column("text_hash").to_pylist())}
    return rows[np.array([position[digest] for digest in hashes], dtype=np.int64)]


def _stored(warehouse: Warehouse, embedder_id: str) -> set[str]:
    known = warehouse.query(
        "SELECT text_hash FROM embedding_vectors WHERE embedder = $embedder", {"embedder": embedder_id}
    )
    return set(known.column("text_hash").to_pylist())
