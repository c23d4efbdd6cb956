"""Rows of prompts, reduced to the distinct ones with a vector each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.data.prompts import prompt_id
from faultmap_core.embedding import unit_rows

Units = NDArray[np.int64]


@dataclass(frozen=True)
class PromptSet:
    """Distinct prompts in ascending order of their ids.

    Attributes:
        ids, texts, vectors: one per unit; vectors (units, d) are unit rows.
        first_row: (units,) the first row of each; unit: (rows,) of each row.
    """

    ids: NDArray[np.str_]
    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    first_row: Units
    unit: Units

    @classmethod
    def of(cls, what: str, texts: Sequence[str], vectors: ArrayLike) -> PromptSet:
        """Find the distinct prompts; copies take the vector of the first.

        Args: what: "test" or "production", for messages; vectors: (rows, d).
        Raises: ConfigurationError where there is not one vector per text.
        """
        table = np.asarray(vectors, dtype=np.float32)
        if table.ndim != 2 or len(table) != len(texts):
            raise ConfigurationError(
                f"{what}: vectors have shape {table.shape} for {len(texts)} texts; expected (n, d)"
            )
        ids, first, unit = np.unique([prompt_id(one) for one in texts], return_index=True, return_inverse=True)
        kept = table[first] if len(texts) else table
        unit_vectors = unit_rows(kept) if len(texts) and np.isfinite(kept).all() else kept
        return cls(ids, tuple(texts[row] for row in first), unit_vectors, first.astype(np.int64), unit.ravel())

    @property
    def rows(self) -> NDArray[np.int64]:
        """(units,) how many rows each unit has."""
        return np.bincount(self.unit, minlength=len(self.ids))

    def rows_of(self, units: Units) -> list[int]:
        """Return the rows of some units, ascending."""
        return [int(row) for row in np.flatnonzero(np.isin(self.unit, units))]
