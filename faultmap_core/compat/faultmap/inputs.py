"""What the front door is given, as plain lists and arrays: every wrong value is refused with its name and place."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import ConfigurationError, EmbeddingError
from faultmap_core.embedding import Embedder, Usage, unit_rows

Floats = NDArray[np.float64]


def texts_of(name: str, values: Any, length: int | None = None) -> list[str]:
    """Return `values` (list, tuple, numpy array or pandas Series of strings) as a list of strings.

    Raises: ConfigurationError where it is a single string, empty, of another length than `length`, or holds something
        else than strings.
    """
    listed = _listed(name, values)
    if not listed and length is None:
        raise ConfigurationError(f"{name} is empty; expected at least one")
    _check_length(name, listed, length)
    for row, value in enumerate(listed):
        if not isinstance(value, str):
            raise ConfigurationError(f"{name}[{row}] is {type(value).__name__}; expected a string")
    return [str(value) for value in listed]


def optional_texts_of(name: str, values: Any, length: int) -> list[str | None]:
    """Return `values` as strings, None where one is missing (None or NaN); raises as `texts_of`."""
    listed = _listed(name, values)
    _check_length(name, listed, length)
    for row, value in enumerate(listed):
        if not (isinstance(value, str) or _missing(value)):
            raise ConfigurationError(f"{name}[{row}] is {type(value).__name__}; expected a string or None")
    return [str(value) if isinstance(value, str) else None for value in listed]


def scores_of(name: str, values: Any, length: int) -> Floats:
    """Return scores in [0, 1] as (length,) floats, NaN where one is missing; any numeric type and bool will do.

    Raises: ConfigurationError on another length, on what is no number, and on numbers outside of [0, 1].
    """
    listed = _listed(name, values)
    _check_length(name, listed, length)
    scores = np.full(length, np.nan)
    for row, value in enumerate(listed):
        if _missing(value):
            continue
        try:
            number = math.nan if isinstance(value, (str, bytes)) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if math.isnan(number):
            raise ConfigurationError(f"{name}[{row}] is {value!r}; expected a number in [0, 1], or None for unscored")
        if not 0.0 <= number <= 1.0:
            raise ConfigurationError(f"{name}[{row}] is {number:g}; expected 0 to 1: bring scores to [0, 1] first")
        scores[row] = number
    return scores


def _listed(name: str, values: Any) -> list[Any]:
    if values is None or isinstance(values, (str, bytes, dict)) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{name} is {type(values).__name__}; expected a list, an array or a Series")
    return list(values)


def _check_length(name: str, listed: Sequence[Any], length: int | None) -> None:
    if length is not None and len(listed) != length:
        raise ConfigurationError(f"{name} has {len(listed)} values for {length} prompts; expected one for each")


def _missing(value: Any) -> bool:
    """None, NaN, pandas.NA and NaT all mean that there is no value; only what is missing differs from itself."""
    if value is None:
        return True
    if isinstance(value, (str, bytes)):
        return False
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return type(value).__name__ in ("NAType", "NaTType")


class AnyEmbedder:
    """Makes an `Embedder` of any object with `embed(texts) -> array`.

    faultmap's own embedders fit too: where an object has `embed_queries` and `embed_documents`, those are used.
    """

    def __init__(self, embedder: Any) -> None:
        if not callable(getattr(embedder, "embed", None)):
            raise ConfigurationError(
                f"embedding_model is {type(embedder).__name__}; expected a name or an object with embed(texts) -> array"
            )
        self._embedder = embedder

    @property
    def id(self) -> str:
        """The object's id or model_name, else the name of its type."""
        for attribute in ("id", "model_name"):
            name = getattr(self._embedder, attribute, None)
            if isinstance(name, str) and name:
                return name
        return type(self._embedder).__name__

    @property
    def dimensions(self) -> int:
        """Length of the vectors."""
        return int(self.embed(["text"]).shape[1])

    def embed(self, texts: Sequence[str], usage: Usage = "query") -> NDArray[np.float32]:
        """Return (n, d) unit rows.

        Raises: EmbeddingError where the object fails or does not return one finite row per text.
        """
        plural = {"query": "embed_queries", "document": "embed_documents"}[usage]
        special = getattr(self._embedder, plural, None)
        try:
            if callable(special):
                vectors = special(list(texts))
            elif "usage" in inspect.signature(self._embedder.embed).parameters:
                vectors = self._embedder.embed(list(texts), usage=usage)
            else:
                vectors = self._embedder.embed(list(texts))
            rows = np.asarray(vectors, dtype=np.float32)
        except EmbeddingError:
            raise
        except Exception as error:
            raise EmbeddingError(f"embedder {self.id} failed on {len(texts)} texts: {error}") from error
        if rows.ndim != 2 or len(rows) != len(texts) or not np.isfinite(rows).all():
            raise EmbeddingError(
                f"embedder {self.id} returned shape {rows.shape} for {len(texts)} texts; expected one finite row each"
            )
        return unit_rows(rows)


def embedder_of(
    embedding_model: Any,
    max_text_chars: int | None,
    request_kwargs: dict[str, object] | None,
    usage_kwargs: dict[str, dict[str, object]] | None,
) -> Embedder:
    """Return the embedder that a name or an object stands for; raises ConfigurationError where it is neither."""
    from faultmap_core.embedding import get_embedder

    if isinstance(embedding_model, str):
        return get_embedder(
            embedding_model, max_text_chars=max_text_chars, request_kwargs=request_kwargs, usage_kwargs=usage_kwargs
        )
    return AnyEmbedder(embedding_model)
