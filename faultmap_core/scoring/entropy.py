"""Measure how sure a model is of its answers, when there is neither a score nor a reference.

The model under test answers each prompt several times; answers that mean the same form one group. The score is high
where the groups are few (semantic entropy: Kuhn, Gal, Farquhar, 2023, here with cosines for entailment) and where the
samples agree with the response that was given (self-consistency: Wang et al., 2022).

Groups do not depend on the order of the samples. By default every two answers of a group agree (complete linkage):
linking whatever has a neighbour in the group (components) puts "yes" and "no" together through a chain of hedged
answers, and so reports certainty where the model contradicts itself. faultmap's way (greedy) compares with a group's
first answer alone, so that another order of the same samples gives another entropy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import strict
from faultmap_core.data.prompts import normalized
from faultmap_core.embedding import Embedder
from faultmap_core.llm import LanguageModel, Message, Outcome, Purpose, Request

Floats = NDArray[np.float64]
Grouping = Literal["complete", "components", "greedy"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)

# Below this the samples say nothing about how they scatter.
_LEAST_ANSWERS = 2
# Unit rows are float32: equal vectors have cosines of 1 less this much.
_ROUNDING = 1e-6
# Seeds draw from ranges of sample numbers that do not overlap.
_SAMPLES_PER_SEED = 10_000


@dataclass(frozen=True)
class EntropyScores:
    """How sure the model is of each of n answers.

    Attributes:
        scores: (n,) in [0, 1], 1 is sure: half of 1 - normalized_entropy and half of self_consistency; NaN where fewer
            than two samples were answered.
        semantic_entropy: (n,) in nats, of the groups' shares; normalized_entropy: (n,) divided by the logarithm of the
            number of *answered* samples, in [0, 1]; self_consistency: (n,) share of the answered samples that agree
            with the response, in [0, 1] (without responses: share of the largest group). NaN where unscored.
        samples: per row the answers, None where a sample failed; groups: per row the group number of each answered
            sample, numbered as they first appear.
        answered: (n,) how many samples were answered; failures: per row, reason -> how many samples.
        unscored: row -> why it has no score.
        n_samples, temperature, consistency_threshold, grouping: as asked; model: its id.
    """

    scores: Floats
    semantic_entropy: Floats
    normalized_entropy: Floats
    self_consistency: Floats
    samples: tuple[tuple[str | None, ...], ...]
    groups: tuple[tuple[int, ...], ...]
    answered: NDArray[np.int64]
    failures: tuple[Mapping[str, int], ...]
    unscored: Mapping[int, str]
    n_samples: int
    temperature: float
    consistency_threshold: float
    grouping: Grouping
    model: str

    def metadata(self) -> dict[str, Any]:
        """Return all but the samples as JSON's own types, under faultmap's names where it has them."""
        total: Counter[str] = Counter()
        for one in self.failures:
            total.update(one)
        parts = {
            "n_samples": self.n_samples,
            "temperature": self.temperature,
            "semantic_entropy": self.semantic_entropy,
            "self_consistency": self.self_consistency,
            "normalized_entropy": self.normalized_entropy,
            "scores": self.scores,
            "model": self.model,
            "consistency_threshold": self.consistency_threshold,
            "grouping": self.grouping,
            "groups": self.groups,
            "answered_samples": self.answered,
            "normalized_by": "log(answered_samples)",
            "failed_samples": dict(sorted(total.items())),
            "unscored": self.unscored,
        }
        return {name: strict(part) for name, part in parts.items()}


def entropy_scores(
    prompts: Sequence[str],
    model: LanguageModel,
    embedder: Embedder,
    *,
    n_samples: int = 8,
    temperature: float = 1.0,
    consistency_threshold: float = 0.8,
    responses: Sequence[str | None] | None = None,
    system_prompt: str | None = None,
    grouping: Grouping = "complete",
    seed: int = 0,
    purpose: Purpose | None = None,
) -> EntropyScores:
    """Ask the model under test each prompt several times and score how far its answers scatter.

    Args:
        prompts: n; copies share their samples.
        model: asked through its cache, so a second run asks only for what is missing.
        embedder: answers are embedded as documents.
        n_samples: answers per prompt, 2 or more; temperature: at which they are drawn.
        consistency_threshold: cosine in [0, 1] from which two answers agree. Answers that are equal but for case and
            white space always agree.
        responses: n answers that the samples should agree with; a missing one counts as empty.
        system_prompt: sent before each prompt.
        grouping: "complete" (all of a group agree), "components" (each agrees with one), "greedy" (faultmap's, whose
            numbers it reproduces: cosines only, each compared with the first of a group in the order of sampling).
        seed: another seed draws other samples.
    Raises: ConfigurationError on a value that is not allowed or lengths that differ.
    """
    _check(prompts, responses, n_samples, temperature, consistency_threshold, grouping)
    distinct = list(dict.fromkeys(prompts))
    requests = sampling_requests(
        distinct, n_samples=n_samples, temperature=temperature, system_prompt=system_prompt, seed=seed
    )
    outcomes = model.ask_all(requests, purpose or Purpose())
    drawn = {prompt: _Drawn.of(outcomes[i * n_samples : (i + 1) * n_samples]) for i, prompt in enumerate(distinct)}
    given = [None] * len(prompts) if responses is None else [one or "" for one in responses]
    vectors = _Vectors(embedder, [*(text for one in drawn.values() for text in one.answers), *filter(None, given)])
    agreement = _Agreement(vectors, consistency_threshold, grouping)
    groups = {prompt: agreement.groups(one.answers) for prompt, one in drawn.items()}
    parts = [
        agreement.parts(drawn[prompt].answers, groups[prompt], response)
        for prompt, response in zip(prompts, given, strict=True)
    ]
    entropy, normal, consistency = np.array(parts, dtype=np.float64).reshape(-1, 3).T
    return EntropyScores(
        scores=np.clip(0.5 * (1.0 - normal) + 0.5 * consistency, 0.0, 1.0),
        semantic_entropy=entropy,
        normalized_entropy=normal,
        self_consistency=consistency,
        samples=tuple(drawn[prompt].samples for prompt in prompts),
        groups=tuple(tuple(groups[prompt].tolist()) for prompt in prompts),
        answered=np.array([len(drawn[prompt].answers) for prompt in prompts], dtype=np.int64),
        failures=tuple(drawn[prompt].failures for prompt in prompts),
        unscored={
            row: drawn[prompt].complaint()
            for row, prompt in enumerate(prompts)
            if len(drawn[prompt].answers) < _LEAST_ANSWERS
        },
        n_samples=n_samples,
        temperature=temperature,
        consistency_threshold=consistency_threshold,
        grouping=grouping,
        model=model.id,
    )


def sampling_requests(
    prompts: Sequence[str],
    *,
    n_samples: int,
    temperature: float = 1.0,
    system_prompt: str | None = None,
    seed: int = 0,
) -> list[Request[str]]:
    """Return what `entropy_scores` asks, `n_samples` requests per prompt, so that it can be estimated beforehand."""
    system = () if system_prompt is None else (Message("system", system_prompt),)
    return [
        Request(
            key=f"{number}/{sample}",
            messages=(*system, Message("user", prompt)),
            reply=None,
            template="entropy_sample",
            temperature=temperature,
            sample=seed * _SAMPLES_PER_SEED + sample,
        )
        for number, prompt in enumerate(prompts)
        for sample in range(n_samples)
    ]


def semantic_groups(
    answers: Sequence[str], vectors: ArrayLike, consistency_threshold: float, grouping: Grouping = "complete"
) -> NDArray[np.int64]:
    """Return the group number of each answer, numbered as they first appear.

    Args:
        answers: n texts; vectors: (n, d) unit rows, or zero rows for texts without a vector.
        consistency_threshold, grouping: see `entropy_scores`.
    Returns: (n,). But for "greedy", which answers share a group does not depend on their order; equal distances are
        ranked by text.
    """
    if not len(answers):
        return np.zeros(0, dtype=np.int64)
    points = np.asarray(vectors, dtype=np.float64)
    if grouping == "greedy":
        return _greedy(points @ points.T, consistency_threshold)
    # One text stands for those equal to it; sorted, because linkage breaks ties by position.
    place = {text: row for row, text in enumerate(answers)}
    first: dict[str, str] = {}
    for text in sorted(place):
        first.setdefault(normalized(text), text)
    kinds = sorted(first)
    rows = points[[place[first[kind]] for kind in kinds]]
    label = np.ones(1, dtype=np.int64)
    if len(kinds) > 1:
        above = np.triu_indices(len(kinds), 1)
        distance = np.clip(1.0 - (rows @ rows.T)[above], 0.0, 2.0)
        joined = linkage(distance, "complete" if grouping == "complete" else "single")
        label = fcluster(joined, 1.0 - consistency_threshold + _ROUNDING, "distance")
    number = dict(zip(kinds, label.tolist(), strict=True))
    seen: dict[int, int] = {}
    return np.array([seen.setdefault(number[normalized(text)], len(seen)) for text in answers], dtype=np.int64)


def _greedy(cosines: Floats, threshold: float) -> NDArray[np.int64]:
    group = np.full(len(cosines), -1, dtype=np.int64)
    number = 0
    for row in range(len(cosines)):
        if group[row] < 0:
            alike = (group < 0) & (cosines[row] >= threshold)
            alike[row] = True
            group[alike] = number
            number += 1
    return group


@dataclass(frozen=True)
class _Drawn:
    """What came of one prompt's samples."""

    samples: tuple[str | None, ...]
    failures: Mapping[str, int]
    detail: str

    @classmethod
    def of(cls, outcomes: Sequence[Outcome[str]]) -> _Drawn:
        failed = [one for one in outcomes if one.reply is None]
        return cls(
            tuple(one.reply for one in outcomes),
            dict(Counter(one.reason or one.status for one in failed)),
            next((one.detail for one in failed if one.detail), ""),
        )

    @property
    def answers(self) -> list[str]:
        return [one for one in self.samples if one is not None]

    def complaint(self) -> str:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.failures.items()))
        detail = f": {self.detail}" if self.detail else ""
        return f"{len(self.answers)} of {len(self.samples)} samples answered, 2 are needed ({reasons}){detail}"


class _Vectors:
    """Vectors of texts, each embedded once."""

    def __init__(self, embedder: Embedder, texts: Sequence[str]) -> None:
        distinct = sorted(set(texts))
        self._place = {text: row for row, text in enumerate(distinct)}
        self._rows = np.asarray(embedder.embed(distinct, "document")) if distinct else np.zeros((0, 1))

    def of(self, texts: Sequence[str]) -> Floats:
        rows = np.zeros((len(texts), self._rows.shape[1]))
        known = [row for row, text in enumerate(texts) if text in self._place]
        rows[known] = self._rows[[self._place[texts[row]] for row in known]]
        return rows


@dataclass(frozen=True)
class _Agreement:
    """When two answers agree, and what that makes of a prompt's samples."""

    vectors: _Vectors
    threshold: float
    grouping: Grouping

    def groups(self, answers: Sequence[str]) -> NDArray[np.int64]:
        return semantic_groups(answers, self.vectors.of(answers), self.threshold, self.grouping)

    def parts(
        self, answers: Sequence[str], groups: NDArray[np.int64], response: str | None
    ) -> tuple[float, float, float]:
        """Return entropy, normalised entropy and self-consistency, NaN with too few answers."""
        n = len(answers)
        if n < _LEAST_ANSWERS:
            return np.nan, np.nan, np.nan
        shares = np.bincount(groups) / n
        entropy = float(max(0.0, -(shares * np.log(shares)).sum()))
        consistency = float(shares.max()) if response is None else self._share_that_agrees(answers, response)
        return entropy, min(entropy / float(np.log(n)), 1.0), consistency

    def _share_that_agrees(self, answers: Sequence[str], response: str) -> float:
        own = self.vectors.of([response])[0]
        cosines = self.vectors.of(answers) @ own
        if self.grouping == "greedy":
            return float((cosines >= self.threshold).mean()) if own.any() else 0.0
        equal = np.array([normalized(one) == normalized(response) for one in answers])
        alike = (cosines >= self.threshold - _ROUNDING) & bool(own.any())
        return float((equal | alike).mean())


def _check(
    prompts: Sequence[str],
    responses: Sequence[str | None] | None,
    n_samples: int,
    temperature: float,
    threshold: float,
    grouping: str,
) -> None:
    if responses is not None and len(responses) != len(prompts):
        raise ConfigurationError(f"{len(responses)} responses for {len(prompts)} prompts; expected one for each")
    if n_samples < _LEAST_ANSWERS:
        raise ConfigurationError(f"n_samples is {n_samples}; expected 2 or more, since one answer does not scatter")
    if not 0.0 <= temperature < np.inf:
        raise ConfigurationError(f"temperature is {temperature}; expected 0 or more")
    if not 0.0 <= threshold <= 1.0:
        raise ConfigurationError(f"consistency_threshold is {threshold}; expected in [0, 1]")
    if grouping not in GROUPINGS:
        raise ConfigurationError(f"grouping is {grouping!r}; expected one of {', '.join(GROUPINGS)}")
