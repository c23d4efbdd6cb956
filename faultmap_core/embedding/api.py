"""Embedding APIs through litellm: batched and truncated by us, with options per role (query or document)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import EmbeddingError
from faultmap_core.embedding import Usage, shortened, unit_rows
from faultmap_core.llm.provider import Provider, import_litellm

# Asymmetric models answer nonsense without a role; what is known of them stands here, `usage_kwargs` goes over it.
_KNOWN_ROLES: dict[str, dict[str, dict[str, object]]] = {
    "nv-embedqa": {"query": {"input_type": "query"}, "document": {"input_type": "passage"}},
}


class ApiEmbedder:
    """A litellm embedding model.

    Args:
        name: litellm's model name, such as "text-embedding-3-small".
        max_text_chars: texts are cut here before they are sent; None sends them whole.
        request_kwargs: sent with every request.
        usage_kwargs: {"query": {...}, "document": {...}}, sent with requests of that role, over `request_kwargs`.
        batch_size: texts per request.
    """

    def __init__(
        self,
        name: str,
        *,
        max_text_chars: int | None = 2000,
        request_kwargs: Mapping[str, object] | None = None,
        usage_kwargs: Mapping[str, Mapping[str, object]] | None = None,
        batch_size: int = 128,
    ) -> None:
        self._name = name
        self._max_text_chars = max_text_chars
        self._request = dict(request_kwargs or {})
        known = next((roles for part, roles in _KNOWN_ROLES.items() if part in name.lower()), {})
        self._usage = {role: {**known.get(role, {}), **(usage_kwargs or {}).get(role, {})} for role in _ROLES}
        self._batch_size = batch_size
        self._dimensions: int | None = None

    @property
    def id(self) -> str:
        """The model's name and where texts are cut."""
        cut = "" if self._max_text_chars == 2000 else f"@{self._max_text_chars or 'whole'}"
        return f"api/{self._name}{cut}"

    @property
    def dimensions(self) -> int:
        """Length of the model's vectors; asks the API once where no text was embedded yet."""
        if self._dimensions is None:
            self._dimensions = len(self._request_vectors(["dimensions"], "query")[0])
        return self._dimensions

    def embed(self, texts: Sequence[str], usage: Usage = "query") -> NDArray[np.float32]:
        """Return (n, dimensions) unit rows; empty texts are not sent.

        Raises: EmbeddingError when a request fails or the reply holds another number of vectors than texts.
        """
        cut = shortened(texts, self._max_text_chars)
        filled = [row for row, text in enumerate(cut) if text.strip()]
        rows = np.zeros((len(cut), 0), dtype=np.float32)
        for first in range(0, len(filled), self._batch_size):
            batch = filled[first : first + self._batch_size]
            vectors = np.asarray(self._request_vectors([cut[row] for row in batch], usage), dtype=np.float32)
            if rows.shape[1] == 0:
                rows = np.zeros((len(cut), vectors.shape[1]), dtype=np.float32)
                self._dimensions = vectors.shape[1]
            rows[batch] = vectors
        return unit_rows(rows) if filled else np.zeros((len(cut), self.dimensions), dtype=np.float32)

    def _request_vectors(self, texts: list[str], usage: Usage) -> list[list[float]]:
        options: dict[str, Any] = {"encoding_format": "float", **self._request, **self._usage[usage]}
        try:
            reply = import_litellm().embedding(model=self._name, input=texts, **options)
            found = sorted(reply.data, key=lambda one: int(one["index"]))
            vectors = [[float(value) for value in one["embedding"]] for one in found]
        except Exception as error:
            # Some providers repeat the key that they refuse: neither the message nor its cause may carry it.
            told = Provider(self._name, options, None, None).scrub(f"{type(error).__name__}: {error}")
            raise EmbeddingError(f"embedding model {self._name!r} failed on {len(texts)} texts: {told}") from None
        if len(vectors) != len(texts):
            raise EmbeddingError(
                f"embedding model {self._name!r} returned {len(vectors)} vectors for {len(texts)} texts"
            )
        return vectors


_ROLES = ("query", "document")
