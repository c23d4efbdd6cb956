"""The embedded default: wordllama's static token vectors, averaged. Offline, deterministic, numpy only.

The pooling is ours: wordllama pads every batch to its longest text, so a text's last bits would depend on its company.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import EmbeddingError
from faultmap_core.embedding import Usage, shortened, unit_rows

if TYPE_CHECKING:
    from wordllama.inference import WordLlamaInference

_BATCH = 512


class StaticEmbedder:
    """Mean of wordllama's `l2_supercat` token vectors (256 dimensions)."""

    def __init__(self, *, max_text_chars: int | None = 2000) -> None:
        self._max_text_chars = max_text_chars

    @property
    def id(self) -> str:
        """The model and where texts are cut, because both change the vectors."""
        cut = "" if self._max_text_chars == 2000 else f"@{self._max_text_chars or 'whole'}"
        return f"wordllama/l2_supercat_256{cut}"

    @property
    def dimensions(self) -> int:
        """256."""
        return 256

    def embed(self, texts: Sequence[str], usage: Usage = "query") -> NDArray[np.float32]:
        """Return (n, 256) unit rows; `usage` makes no difference here. Source: Arora et al. (2017), plain averaging.

        Raises: EmbeddingError when the wordllama installation lacks its weights.
        """
        model = _load()
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        cut = shortened(texts, self._max_text_chars)
        for first in range(0, len(cut), _BATCH):
            vectors[first : first + _BATCH] = _pooled(model, cut[first : first + _BATCH])
        return unit_rows(vectors) if len(cut) else vectors


def _pooled(model: WordLlamaInference, texts: list[str]) -> NDArray[np.float32]:
    """Sum of each text's token vectors; the row of a text without tokens is zero."""
    clean = [text.strip().encode("utf-8", "replace").decode("utf-8") for text in texts]
    ids: list[list[int]] = [encoded.ids for encoded in model.tokenizer.encode_batch(clean, add_special_tokens=False)]
    sums = np.zeros((len(texts), model.embedding.shape[1]), dtype=np.float32)
    filled = np.array([row for row, (one, text) in enumerate(zip(ids, clean, strict=True)) if one and text], dtype=int)
    if not len(filled):
        return sums
    lengths = np.array([len(ids[row]) for row in filled])
    tokens = np.clip(np.concatenate([ids[row] for row in filled]), 0, model.embedding.shape[0] - 1)
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    sums[filled] = np.add.reduceat(model.embedding[tokens], starts, axis=0)
    return sums


@lru_cache(maxsize=1)
def _load() -> WordLlamaInference:
    """Load the packaged weights without the network. Importing wordllama configures the root logger: undone here."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        import wordllama

        package = Path(wordllama.__file__).parent
        model: Any = wordllama.WordLlama.load(cache_dir=package, disable_download=True)
    except (ImportError, FileNotFoundError, OSError) as error:
        raise EmbeddingError(
            f"the embedded model wordllama cannot be loaded: {error}; install it again with: "
            "pip install --force-reinstall 'wordllama>=0.4,<0.5'"
        ) from error
    finally:
        root.handlers[:], root.level = handlers, level
    model.tokenizer.no_padding()
    loaded: WordLlamaInference = model
    return loaded
