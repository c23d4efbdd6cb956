"""Score each answer and decide whether it failed. Repeats of one example are reduced to their mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faultmap_core.base.errors import ScoringError
from faultmap_core.data.prompts import normalized
from faultmap_core.embedding import Embedder


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
    example_ids: Sequence[str],
    scores: ArrayLike,
    *,
    success_threshold: float,
    higher_is_better: bool = True,
    passed: ArrayLike | None = None,
) -> ExampleScores:
    """Reduce given scores to one per example and decide what failed.

    Args:
        example_ids: one per answer; equal ids are epochs of one example.
        scores: (rows,) any finite range; nan means unscored.
        passed: (rows,) verdicts that were given with the scores: 1 passed, 0 failed, nan none. They go before the
            threshold: an example with verdicts failed where less than half of them say that it passed.
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
    if passed is not None:
        verdicts = np.asarray(passed, dtype=np.float64)
        given = ~np.isnan(verdicts)
        judged = np.bincount(position[given], minlength=len(ids))
        passes = np.bincount(position[given], weights=verdicts[given], minlength=len(ids))
        failed = np.where(judged > 0, (2 * passes < judged).astype(np.float64), failed)
    return ExampleScores(tuple(ids), means, epochs, scored_epochs, failed)


# Mismatched pairs: at most this many draws, and the share of them that a real match must exceed.
_MOST_PAIRS = 200_000
_ALL_PAIRS_UP_TO = 300
_MISMATCHED_SHARE = 0.95
# Without two different references nothing can be mismatched; half-way between unrelated and identical.
_FIXED_SIMILARITY = 0.5
_SAME = 1e-6


@dataclass(frozen=True)
class ReferenceScores:
    """How near each response comes to its reference.

    Attributes:
        scores: (n,) in [0, 1], NaN without a reference: 0.5 where the similarity equals `threshold`, 1 for equal
            texts, 0 for opposite directions, straight lines between. Below 0.5 a response is no nearer to its own
            reference than responses are to other examples' references.
        similarity: (n,) cosine of response and reference, in [-1, 1].
        threshold: the similarity that scores 0.5.
        source: "mismatched" (the 95 % quantile of response and reference of different examples) or "fixed" (0.5,
            because there are no two different references).
    """

    scores: NDArray[np.float64]
    similarity: NDArray[np.float64]
    threshold: float
    source: str


def reference_scores(
    responses: Sequence[str | None], references: Sequence[str | None], embedder: Embedder, *, seed: int = 0
) -> ReferenceScores:
    """Score responses by the cosine to their references, on a scale whose middle is derived from mismatched pairs.

    Args:
        responses, references: n each; a missing response counts as empty, which scores 0 unless the reference is empty
            too; a missing reference leaves the row unscored.
        embedder: both sides are embedded as documents.
        seed: for the draw of mismatched pairs (all of them up to 300 rows).
    Raises: ScoringError where the lengths differ or no row has a reference.
    """
    if len(responses) != len(references):
        raise ScoringError(f"{len(references)} references for {len(responses)} responses; expected one for each")
    known = np.array([reference is not None for reference in references], dtype=np.bool_)
    if not known.any():
        raise ScoringError("no row has a reference; give references or scores")
    given = [responses[row] or "" for row in np.flatnonzero(known).tolist()]
    wanted = [references[row] or "" for row in np.flatnonzero(known).tolist()]
    a, b = _embedded(given, embedder), _embedded(wanted, embedder)
    _, kind = np.unique([normalized(one) for one in wanted], return_inverse=True)
    threshold, source = _mismatched_similarity(a, b, kind.ravel(), seed)
    similarity = np.full(len(responses), np.nan)
    similarity[known] = np.clip((a * b).sum(axis=1), -1.0, 1.0)
    # Equal texts are equal whatever an embedder makes of them (of an empty text: nothing).
    equal = [normalized(one) == normalized(other) for one, other in zip(given, wanted, strict=True)]
    similarity[np.flatnonzero(known)[equal]] = 1.0
    scores = _scaled(similarity, threshold)
    # An empty response is no answer, however unlike each other the references are.
    empty = [not one.strip() and not same for one, same in zip(given, equal, strict=True)]
    scores[np.flatnonzero(known)[empty]] = 0.0
    return ReferenceScores(scores, similarity, threshold, source)


def _embedded(texts: list[str], embedder: Embedder) -> NDArray[np.float64]:
    distinct = sorted(set(texts))
    place = {text: number for number, text in enumerate(distinct)}
    vectors = np.asarray(embedder.embed(distinct, "document"), dtype=np.float64)
    return np.asarray(vectors[[place[text] for text in texts]], dtype=np.float64)


def _mismatched_similarity(
    responses: NDArray[np.float64], references: NDArray[np.float64], kind: NDArray[np.int64], seed: int
) -> tuple[float, str]:
    """Return the 95 % quantile of the cosine of responses to references of another kind, and where it is from."""
    n = len(kind)
    if n <= _ALL_PAIRS_UP_TO:
        left, right = np.divmod(np.arange(n * n), n)
    else:
        rng = np.random.default_rng(seed)
        left, right = rng.integers(0, n, size=(2, _MOST_PAIRS))
    different = kind[left] != kind[right]
    if not different.any():
        return _FIXED_SIMILARITY, "fixed"
    left, right = left[different], right[different]
    cosine = np.concatenate(
        [
            (responses[left[i : i + 4096]] * references[right[i : i + 4096]]).sum(axis=1)
            for i in range(0, len(left), 4096)
        ]
    )
    return float(np.clip(np.quantile(cosine, _MISMATCHED_SHARE), -1.0 + _SAME, 1.0)), "mismatched"


def _scaled(similarity: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Map -1, threshold, 1 to 0, 0.5, 1; where the threshold is 1 only equal texts score 0.5 or more."""
    below = 0.5 * (similarity + 1.0) / (threshold + 1.0)
    above = 0.5 + 0.5 * (similarity - threshold) / max(1.0 - threshold, _SAME)
    scores = np.where(similarity >= threshold - _SAME, np.maximum(above, 0.5), np.minimum(below, 0.5))
    scores = np.where(similarity >= 1.0 - _SAME, 1.0, scores)
    return np.asarray(np.where(np.isnan(similarity), np.nan, np.clip(scores, 0.0, 1.0)), dtype=np.float64)
