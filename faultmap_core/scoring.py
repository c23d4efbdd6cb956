"""How good is each answer, and did it fail? Repeats of one example are reduced to their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.errors import ScoringError


@dataclass(frozen=True)
class ExampleScores:
    """One score per example, n examples in ascending order of their ids.

    Attributes:
        example_ids: n distinct ids.
        scores: (n,) mean of the scored epochs; nan where no epoch is scored.
        epochs, scored_epochs: (n,) how often the example was answered, and how many answers have a score.
        failed: (n,) 1.0 failed, 0.0 passed, nan unscored.
    """

    example_ids: tuple[str, ...]
    scores: NDArray[np.float64]
    epochs: NDArray[np.int64]
    scored_epochs: NDArray[np.int64]
    failed: NDArray[np.float64]


def given_scores(
    example_ids: Sequence[str], scores: ArrayLike, *, success_threshold: float, higher_is_better: bool = True
) -> ExampleScores:
    """Reduce given scores to one per example and decide what failed.

    Args:
        example_ids: one per answer; equal ids are epochs of one example.
        scores: (rows,) any finite range; nan means unscored.
        success_threshold: an example fails below it, or above it where lower scores are better. A score equal to it
            passes.
    Raises: ScoringError where the lengths differ or a score is infinite.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.shape != (len(example_ids),):
        raise ScoringError(f"{len(example_ids)} example ids need as many scores, found shape {values.shape}")
    if np.isinf(values).any():
        raise ScoringError(f"score of example {example_ids[int(np.argmax(np.isinf(values)))]!r} is infinite")
    ids = sorted(set(example_ids))
    index = {example_id: i for i, example_id in enumerate(ids)}
    position = np.fromiter((index[example_id] for example_id in example_ids), dtype=np.intp, count=len(example_ids))
    scored = ~np.isnan(values)
    epochs = np.bincount(position, minlength=len(ids))
    scored_epochs = np.bincount(position[scored], minlength=len(ids))
    totals = np.bincount(position[scored], weights=values[scored], minlength=len(ids))
    means = np.full(len(ids), np.nan)
    np.divide(totals, scored_epochs, out=means, where=scored_epochs > 0)
    worse = means < success_threshold if higher_is_better else means > success_threshold
    failed = np.where(np.isnan(means), np.nan, worse.astype(np.float64))
    return ExampleScores(tuple(ids), means, epochs, scored_epochs, failed)
