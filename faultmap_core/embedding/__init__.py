"""Texts -> unit vectors, behind one small interface.

`get_embedder` chooses by name: the embedded static model (default), a sentence-transformers model on this machine, or
an embedding API through litellm. Which vectors mean what is left to the callers; they store `Embedder.id` with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import ConfigurationError

Usage = Literal["query", "document"]

LOCAL_PREFIXES = (
    "all-minilm", "all-mpnet", "paraphrase-", "multi-qa-", "msmarco-", "sentence-t5", "e5-", "bge-", "gte-", "nomic-",
    "sentence-transformers/", "baai/", "intfloat/", "thenlper/", "nomic-ai/",
)  # fmt: skip


@runtime_checkable
class Embedder(Protocol):
    """Anything that turns texts into unit vectors of one length."""

    @property
    def id(self) -> str:
        """What is stored with every vector: two embedders with one id give the same vectors."""

    @property
    def dimensions(self) -> int:
        """Length of every vector."""

    def embed(self, texts: Sequence[str], usage: Usage = "query") -> NDArray[np.float32]:
        """Return (n, dimensions) unit rows; an empty text gets a zero row, never NaN."""


def get_embedder(
    name: str = "wordllama",
    *,
    max_text_chars: int | None = 2000,
    request_kwargs: Mapping[str, object] | None = None,
    usage_kwargs: Mapping[str, Mapping[str, object]] | None = None,
) -> Embedder:
    """Return the embedder called `name`.

    Args:
        name: "wordllama" (embedded, offline), a sentence-transformers name such as "all-MiniLM-L6-v2" or a path to
            such a model, or else a litellm embedding model such as "text-embedding-3-small".
        max_text_chars: texts are cut here before they are embedded; None cuts nowhere.
        request_kwargs: sent with every API request (API models only).
        usage_kwargs: sent with API requests for "query" or "document" texts only, over `request_kwargs`.
    Raises:
        ConfigurationError: empty name, or `max_text_chars` below 1.
    """
    if not name or not name.strip():
        raise ConfigurationError("embedding model: the name is empty; expected for example 'wordllama'")
    if max_text_chars is not None and max_text_chars < 1:
        raise ConfigurationError(f"max_text_chars is {max_text_chars}; expected 1 or more, or None for no limit")
    if name.lower().split("/")[0] == "wordllama":
        from faultmap_core.embedding.static import StaticEmbedder

        return StaticEmbedder(max_text_chars=max_text_chars)
    if is_local(name):
        from faultmap_core.embedding.local import LocalEmbedder

        return LocalEmbedder(name, max_text_chars=max_text_chars)
    from faultmap_core.embedding.api import ApiEmbedder

    return ApiEmbedder(name, max_text_chars=max_text_chars, request_kwargs=request_kwargs, usage_kwargs=usage_kwargs)


def is_local(name: str) -> bool:
    """Say whether `name` means a sentence-transformers model: a known prefix or organisation, or a folder path."""
    return name.lower().startswith(LOCAL_PREFIXES) or name.startswith(("/", "./", "../", "~"))


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return `vectors` (n, d) with rows of length 1; rows that are zero or not finite become zero rows."""
    rows = np.array(vectors, dtype=np.float32, ndmin=2)
    rows[~np.isfinite(rows).all(axis=1)] = 0.0
    norms = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (rows / np.where(norms > 1e-12, norms, 1.0) * (norms > 1e-12)).astype(np.float32)
    return scaled


def shortened(texts: Sequence[str], max_text_chars: int | None) -> list[str]:
    """Return `texts` cut to `max_text_chars` characters each."""
    return list(texts) if max_text_chars is None else [text[:max_text_chars] for text in texts]
