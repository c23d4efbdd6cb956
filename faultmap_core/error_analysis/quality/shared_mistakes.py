"""Estimate how many unanimous contradictions of a label are mistakes that the models share.

A wrong label is contradicted by as many models as would have confirmed the right one, and that distribution is seen on
all other items. Shared mistakes become rarer with every further model. The two shapes are fitted to the counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RATIOS = np.arange(0.05, 0.96, 0.025)
_ROUNDS = 15
# One standard error of the ratio, as a rise of the deviance.
_SLACK = 1.0
# Few families in agreement are another matter than many: the shape is fitted to the last of them, four counts at least.
_FIRST, _MIN_COUNTS = 3, 4


@dataclass(frozen=True)
class MistakeProfile:
    """Attributes: contradicted: (k + 1,) items on which k families agree on another answer than the label's; mistakes:
    (k + 1,) how many of these have a right label, by estimate."""

    contradicted: Floats
    mistakes: Floats

    def wrong_share(self, agreeing: int) -> float:
        """Return the estimated share of wrong labels among the items that `agreeing` families contradict, in [0, 1]."""
        items = float(self.contradicted[agreeing])
        return max(0.0, 1.0 - float(self.mistakes[agreeing]) / items) if items else 0.0


def mistake_profile(contradicted: Floats, confirmed: Floats, independent: Floats) -> MistakeProfile:
    """Estimate the shared mistakes behind contradictions by k = 0, 1, … families.

    Args:
        contradicted: as in `MistakeProfile`; confirmed: (k + 1,) items whose label exactly k families give.
        independent: (k + 1,) the mistakes expected if families erred on their own, a lower bound.
    Returns:
        The profile. Counts from k = 3 (with few families, 2) are taken as Poisson with mean
        share * confirmed[k] + a * q ** k, a >= 0, share >= 0, q in (0, 1); of the q whose deviance is within
        one of the least, the one with the most mistakes counts, so that data which cannot tell the two shapes apart
        convict no label.
    """
    n = len(contradicted)
    mistakes = contradicted.astype(np.float64).copy()
    first = max(2, min(_FIRST, n - _MIN_COUNTS))
    if n > first + 1:
        k = np.arange(first, n)
        fits = [_fit(contradicted[k], confirmed[k].astype(np.float64), float(ratio)) for ratio in _RATIOS]
        least = min(deviance for deviance, _ in fits)
        mistakes[k] = np.max([shared for deviance, shared in fits if deviance <= least + _SLACK], axis=0)
    return MistakeProfile(contradicted.astype(np.float64), np.maximum(mistakes, independent))


def _fit(counts: Floats, confirmed: Floats, ratio: float) -> tuple[float, Floats]:
    """Return the deviance and the shared mistakes of the best fit at one ratio (weighted least squares, repeated)."""
    from scipy.optimize import nnls
    from scipy.special import xlogy

    shapes = np.column_stack([confirmed, ratio ** np.arange(len(counts))])
    expected = np.maximum(counts, 1.0)
    found = np.zeros(2)
    for _ in range(_ROUNDS):
        weight = 1.0 / np.sqrt(expected)
        found, _ = nnls(shapes * weight[:, None], counts * weight)
        expected = np.maximum(shapes @ found, 0.5)
    expected = np.maximum(shapes @ found, 1e-9)
    deviance = 2.0 * float((xlogy(counts, counts) - xlogy(counts, expected) - counts + expected).sum())
    return deviance, np.asarray(shapes[:, 1] * found[1], dtype=np.float64)
