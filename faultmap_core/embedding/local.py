"""sentence-transformers models on this machine (extra `local`), loaded when the first text comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import EmbeddingError
from faultmap_core.embedding import Usage, shortened, unit_rows

INSTALL_LINE = "pip install 'faultmap-assets[local]'"


class LocalEmbedder:
    """A sentence-transformers model by name or path.

    Args:
        name: such as "all-MiniLM-L6-v2", or the path of a saved model.
        max_text_chars: texts are cut here first; the model has its own limit in tokens too.
        batch_size: texts per forward pass.
    """

    def __init__(self, name: str, *, max_text_chars: int | None = 2000, batch_size: int = 64) -> None:
        self._name = name
        self._max_text_chars = max_text_chars
        self._batch_size = batch_size
        self._loaded: Any = None

    @property
    def id(self) -> str:
        """The model's name and where texts are cut."""
        cut = "" if self._max_text_chars == 2000 else f"@{self._max_text_chars or 'whole'}"
        return f"sentence-transformers/{self._name.removeprefix('sentence-transformers/')}{cut}"

    @property
    def dimensions(self) -> int:
        """Length of the model's vectors; loads the model."""
        model = self._model()
        # Renamed in sentence-transformers 5.x; the old name warns there.
        read = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        return int(read())

    def embed(self, texts: Sequence[str], usage: Usage = "query") -> NDArray[np.float32]:
        """Return (n, dimensions) unit rows, with the model's own query or document prompt where it has one.

        Raises: EmbeddingError when the extra is missing or the model cannot be loaded or run.
        """
        model = self._model()
        if not len(texts):
            return np.zeros((0, self.dimensions), dtype=np.float32)
        cut = shortened(texts, self._max_text_chars)
        encode = getattr(model, f"encode_{usage}", model.encode)
        try:
            vectors = encode(cut, batch_size=self._batch_size, show_progress_bar=False, convert_to_numpy=True)
        except Exception as error:
            raise EmbeddingError(f"embedding model {self._name!r} failed on {len(cut)} texts: {error}") from error
        rows = np.array(vectors, dtype=np.float32)
        rows[[not text.strip() for text in cut]] = 0.0
        return unit_rows(rows)

    def _model(self) -> Any:
        if self._loaded is None:
            self._loaded = _load(self._name)
        return self._loaded


def _load(name: str) -> Any:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise EmbeddingError(
            f"embedding model {name!r} needs sentence-transformers, which is not installed; run: {INSTALL_LINE} "
            "(or use the embedded model 'wordllama')"
        ) from error
    try:
        return SentenceTransformer(str(Path(name).expanduser()) if name.startswith("~") else name)
    except Exception as error:
        raise EmbeddingError(f"embedding model {name!r} cannot be loaded: {error}") from error
