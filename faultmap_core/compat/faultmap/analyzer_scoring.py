"""The front door's three ways to score, and the language models that it is given."""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.compat.faultmap.inputs import Floats
from faultmap_core.embedding import Embedder
from faultmap_core.llm import Budget, CallStore, LanguageModel, PromptLibrary
from faultmap_core.naming.keywords import KeywordNamer, Namer
from faultmap_core.naming.llm_namer import ModelNamer
from faultmap_core.scoring.entropy import EntropyScores, Grouping, entropy_scores
from faultmap_core.scoring.scores import reference_scores

logger = logging.getLogger("faultmap")

_NOTHING_TO_SCORE_BY = "neither scores nor references are given"
_OTHERWISE = "or give scores in [0, 1] or reference answers"
_OPENAI_NAMES = ("gpt-3", "gpt-4", "gpt-5", "openai/")


@dataclass(frozen=True)
class Scored:
    """Attributes: scores: (rows,) in [0, 1], NaN unscored; mode; metadata: how they came about; note: for people."""

    scores: Floats
    mode: str
    metadata: dict[str, Any]
    note: str = ""


class FrontDoorModels:
    """The language models of one analyzer: those given by name share a cache, a budget and templates.

    Args: model: a litellm name, a LanguageModel or None; cache: SQLite file of replies, in memory where None; budget;
        prompts_folder: templates that go before ours; max_concurrent: requests at once.
    Raises: ConfigurationError where `model` is something else.
    """

    def __init__(
        self,
        model: Any,
        cache: Path | str | None,
        budget: Budget | None,
        folder: Path | str | None,
        max_concurrent: int,
    ) -> None:
        self._model = model
        self._cache = None if cache is None else Path(cache)
        self._budget = budget or Budget()
        self._folder = None if folder is None else Path(folder)
        self._max_concurrent = max_concurrent
        if model is not None:
            _check_model("model", model)

    @cached_property
    def main(self) -> LanguageModel | None:
        """The model that names and, where it is the only one, is under test."""
        return None if self._model is None else self._made("model", self._model)

    @cached_property
    def namer(self) -> Namer:
        """Names by the main model, by keywords without one."""
        return KeywordNamer() if self.main is None else ModelNamer(self.main)

    def under_test(self, argument: str, model: Any) -> LanguageModel:
        """Return the model to sample; raises ConfigurationError where it is none or has no credentials."""
        found = self._made(argument, model)
        missing = found.available()
        if missing:
            raise ConfigurationError(
                f"{_NOTHING_TO_SCORE_BY}, and {argument} {found.id} cannot be sampled: {missing.rstrip('.')},"
                f" {_OTHERWISE}"
            )
        return found

    @property
    def tested(self) -> LanguageModel:
        """The main model, to sample; raises ConfigurationError where there is none."""
        if self.main is None:
            raise ConfigurationError(
                f"{_NOTHING_TO_SCORE_BY}, and model is None; give model, the one under test, to score by entropy,"
                f" {_OTHERWISE}"
            )
        return self.under_test("model", self.main)

    def pair_under_test(self, model_a: Any, model_b: Any) -> tuple[LanguageModel, LanguageModel]:
        """Return two models to sample; raises ConfigurationError where one is missing or has no credentials."""
        missing = [name for name, model in (("model_a", model_a), ("model_b", model_b)) if model is None]
        if missing:
            raise ConfigurationError(
                f"{_NOTHING_TO_SCORE_BY}, and scoring by entropy samples each model itself: give"
                f" {' and '.join(missing)} (litellm names or LanguageModel objects), {_OTHERWISE}"
            )
        return self.under_test("model_a", model_a), self.under_test("model_b", model_b)

    @cached_property
    def _store(self) -> CallStore:
        return CallStore(self._cache)

    def _made(self, argument: str, model: Any) -> LanguageModel:
        _check_model(argument, model)
        if isinstance(model, LanguageModel):
            return model
        return _ModelByName(
            model,
            store=self._store,
            budget=self._budget,
            max_concurrent=self._max_concurrent,
            prompts=PromptLibrary(self._folder),
        )


class _ModelByName(LanguageModel):
    """A model of which no more than its name is given."""

    def available(self) -> str:
        """Say what is missing, without importing litellm (which takes seconds) where that is plain."""
        plain = self.model.startswith(_OPENAI_NAMES) and not os.environ.get("OPENAI_API_KEY")
        if plain and "litellm" not in sys.modules:
            return f"Credentials for {self.model} are missing; set the environment variable OPENAI_API_KEY."
        return super().available()


def _check_model(argument: str, model: Any) -> None:
    if not isinstance(model, LanguageModel) and not (isinstance(model, str) and model.strip()):
        raise ConfigurationError(
            f"{argument} is {model!r}; expected a litellm name such as 'gpt-4o-mini' or a LanguageModel"
        )


@dataclass(frozen=True)
class Sampling:
    """How models are sampled. Attributes: as in `entropy.entropy_scores`."""

    n_samples: int
    temperature: float
    consistency_threshold: float
    grouping: Grouping
    seed: int


def by_references(
    responses: Sequence[str | None], references: Sequence[str | None], embedder: Embedder, seed: int
) -> Scored:
    """Score responses by how near they come to their references."""
    logger.info("Scoring mode: reference")
    found = reference_scores(responses, references, embedder, seed=seed)
    logger.info("Similarity that scores 0.5: %.3f (%s)", found.threshold, found.source)
    metadata = {"similarity_threshold": found.threshold, "similarity_threshold_source": found.source}
    return Scored(found.scores, "reference", metadata)


def by_entropy(
    prompts: Sequence[str],
    responses: Sequence[str | None],
    model: LanguageModel,
    embedder: Embedder,
    sampling: Sampling,
) -> Scored:
    """Score responses by how sure the model that gave them is."""
    logger.info("Scoring mode: entropy, %d samples per prompt of %s", sampling.n_samples, model.id)
    found = entropy_scores(
        prompts,
        model,
        embedder,
        responses=responses,
        n_samples=sampling.n_samples,
        temperature=sampling.temperature,
        consistency_threshold=sampling.consistency_threshold,
        grouping=sampling.grouping,
        seed=sampling.seed,
    )
    note = _unscored_note(found)
    if note:
        logger.warning("%s", note)
    return Scored(found.scores, "entropy", found.metadata(), note)


def _unscored_note(found: EntropyScores) -> str:
    """Say how many prompts have no score and why, most often."""
    if not found.unscored:
        return ""
    [(why, _)] = Counter(found.unscored.values()).most_common(1)
    total = len(found.scores)
    return f"{len(found.unscored):,} of {total:,} prompts have no score from {found.model}: {why}."


def side_by_side(a: Scored, b: Scored) -> Scored:
    """Return A's and B's scores one after the other, and how both came about."""
    metadata = a.metadata if a.metadata is b.metadata else {"model_a": a.metadata, "model_b": b.metadata}
    return Scored(
        np.concatenate([a.scores, b.scores]), a.mode, metadata, " ".join(note for note in (a.note, b.note) if note)
    )


def split(scored: Scored) -> tuple[Scored, Scored]:
    """Take apart what was scored together: the first half of the rows is A's, the second B's."""
    first, second = np.split(scored.scores, 2)
    return Scored(first, scored.mode, scored.metadata), Scored(second, scored.mode, scored.metadata)
