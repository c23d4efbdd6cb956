"""What is looked for in regions: one value and one exposure per unit of the tree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Label:
    """What is looked for, per unit of the tree.

    Attributes:
        successes: (n,) 0 <= successes <= trials; fractions allowed.
        trials: (n,) >= 0; 0 keeps a unit out of the question.
        sizes: (n,) what counts towards `min_size`; the trials where None.
    """

    successes: Floats
    trials: Floats
    sizes: Floats | None = None


@dataclass(frozen=True)
class ScoreLabel:
    """A graded label, tested by ranks: in which regions are the values greater than elsewhere?

    Attributes: values: (n,) finite where trials > 0; trials, sizes: as in `Label`.
    """

    values: Floats
    trials: Floats
    sizes: Floats | None = None

    @property
    def successes(self) -> Floats:
        """(n,) values weighted by trials, so that successes / trials is a mean value."""
        return np.where(self.trials > 0, self.values * self.trials, 0.0)


AnyLabel = Label | ScoreLabel
