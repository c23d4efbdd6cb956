"""`SliceAnalyzer`: the in-memory front door, with the names and arguments of faultmap 0.5.0."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.base.records import FailureSlice, strict
from faultmap_core.compat.faultmap.analyzer_scoring import (
    FrontDoorModels,
    Sampling,
    Scored,
    by_entropy,
    by_references,
    side_by_side,
    split,
)
from faultmap_core.compat.faultmap.inputs import Floats, embedder_of, optional_texts_of, scores_of, texts_of
from faultmap_core.compat.faultmap.reports import (
    AnalysisReport,
    ComparisonReport,
    CoverageReport,
    comparison_report,
    coverage_report,
)
from faultmap_core.data.prompts import unique_prompts
from faultmap_core.discovery.comparison.comparison import compare
from faultmap_core.discovery.comparison.paired_rows import ComparisonSettings, PairedRows
from faultmap_core.discovery.coverage.audit import CoverageSettings, audit_coverage
from faultmap_core.discovery.slices.discovery import SliceSettings, find_failure_slices
from faultmap_core.embedding import Embedder
from faultmap_core.llm import Budget, LanguageModel
from faultmap_core.naming.keywords import Namer
from faultmap_core.regions.rows import EvalRows
from faultmap_core.regions.tree import METHODS, ClusterTree, Method, build_tree
from faultmap_core.scoring.entropy import GROUPINGS, Grouping
from faultmap_core.stats.concentration import TESTS, Test

logger = logging.getLogger("faultmap")

_ABOVE_0, _BELOW_1 = np.nextafter(0.0, 1.0), np.nextafter(1.0, 0.0)


@dataclass(frozen=True)
class _Prompts:
    """Distinct prompts with their vectors and tree; unit: (rows,) of each row."""

    unit: NDArray[np.int64]
    vectors: NDArray[np.float32]
    tree: ClusterTree


class SliceAnalyzer:
    """Find where a model fails, what the tests never ask, and which of two models wins where.

    Args:
        model: litellm name or `llm.LanguageModel` that names findings and, without scores and references, is the
            model under test; None, or no credentials for it, names them by keywords.
        embedding_model: a name (see `embedding.get_embedder`) or any object with `embed(texts) -> array`.
        embedding_max_text_chars: texts are cut here before they are embedded; None cuts nowhere.
        embedding_request_kwargs, embedding_usage_kwargs: sent to an embedding API.
        significance_level: expected share of false findings, in (0, 1).
        min_slice_size: least distinct prompts in a slice, > 0.
        failure_threshold: scores below it fail, in [0, 1].
        n_samples, temperature, consistency_threshold: of entropy scoring, see `entropy.entropy_scores`.
        max_concurrent_requests: to a model given by name.
        clustering_method: "agglomerative" (Ward tree) or "hdbscan" (condensed tree), both on the neighbour graph, all
            nodes of either being candidates.
        test: "midp" | "fisher" | "chi2".
        namer: names the findings instead; seed: for whatever is drawn at random.
        entropy_grouping: which samples count as one answer, see `entropy.entropy_scores`.
        llm_cache: SQLite file that keeps the replies of models given by name, so that a second run asks for what is
            missing only; in memory where None. budget: what they may spend. prompts_folder: templates instead of ours.
    Raises: ConfigurationError on a value that is not allowed.
    """

    def __init__(
        self,
        model: str | LanguageModel | None = "gpt-4o-mini",
        embedding_model: Any = "wordllama",
        embedding_max_text_chars: int | None = 2000,
        embedding_request_kwargs: dict[str, object] | None = None,
        embedding_usage_kwargs: dict[str, dict[str, object]] | None = None,
        significance_level: float = 0.05,
        min_slice_size: int = 10,
        failure_threshold: float = 0.5,
        n_samples: int = 8,
        clustering_method: Method = "agglomerative",
        max_concurrent_requests: int = 50,
        temperature: float = 1.0,
        consistency_threshold: float = 0.8,
        *,
        test: Test = "midp",
        namer: Namer | None = None,
        seed: int = 0,
        entropy_grouping: Grouping = "complete",
        llm_cache: Path | str | None = None,
        budget: Budget | None = None,
        prompts_folder: Path | str | None = None,
    ) -> None:
        _require(clustering_method in METHODS, "clustering_method", clustering_method, f"one of {', '.join(METHODS)}")
        _require(test in TESTS, "test", test, f"one of {', '.join(TESTS)}")
        grouping = entropy_grouping
        _require(grouping in GROUPINGS, "entropy_grouping", grouping, f"one of {', '.join(GROUPINGS)}")
        for name, value, low, high, expected in (
            ("significance_level", significance_level, _ABOVE_0, _BELOW_1, "in (0, 1)"),
            ("min_slice_size", min_slice_size, 1, np.inf, "above 0"),
            ("failure_threshold", failure_threshold, 0, 1, "in [0, 1]"),
            ("n_samples", n_samples, 2, np.inf, "2 or more"),
            ("max_concurrent_requests", max_concurrent_requests, 1, np.inf, "above 0"),
            ("temperature", temperature, 0, np.inf, "0 or more"),
            ("consistency_threshold", consistency_threshold, 0, 1, "in [0, 1]"),
        ):
            _require(_within(value, low, high), name, value, expected)
        self.model = model
        self.embedding_model = embedding_model
        self.embedding_max_text_chars = embedding_max_text_chars
        self.embedding_request_kwargs = embedding_request_kwargs
        self.embedding_usage_kwargs = embedding_usage_kwargs
        self.significance_level = significance_level
        self.min_slice_size = min_slice_size
        self.failure_threshold = failure_threshold
        self.n_samples = n_samples
        self.clustering_method = clustering_method
        self.max_concurrent_requests = max_concurrent_requests
        self.temperature = temperature
        self.consistency_threshold = consistency_threshold
        self.test = test
        self.namer = namer
        self.seed = seed
        self.entropy_grouping = entropy_grouping
        self._models = FrontDoorModels(model, llm_cache, budget, prompts_folder, max_concurrent_requests)
        self._embedder: Embedder = embedder_of(
            embedding_model, embedding_max_text_chars, embedding_request_kwargs, embedding_usage_kwargs
        )

    def analyze(self, prompts: Any, responses: Any, scores: Any = None, references: Any = None) -> AnalysisReport:
        """Find the slices of the prompts on which the model fails significantly more than on the rest.

        With neither scores nor references the analyzer's `model` is sampled and scored by how sure it is (entropy).

        Args: lists, numpy arrays or pandas Series of one length: prompts, responses and references are strings, scores
            numbers in [0, 1] (higher is better); None or NaN in scores, responses or references means missing. With
            both scores and references the scores count, with a warning.
        Returns: a report, valid also where there is nothing to find; its metadata holds a `note` that says why.
        Raises: ConfigurationError on wrong arguments, or where there is nothing to score by and no model that can be
            sampled; EmbeddingError where the embedder fails.
        """
        texts = texts_of("prompts", prompts)
        answers = optional_texts_of("responses", responses, len(texts))
        wanted = None if references is None else optional_texts_of("references", references, len(texts))
        given = None if scores is None else scores_of("scores", scores, len(texts))
        _warn_of_both(given, wanted)
        scored = self._scored(answers, given, wanted) or self._by_entropy(texts, answers, self._models.tested)
        failed = self._failed(scored.scores)
        known = failed[np.isfinite(failed)]
        logger.info("Failures: %d/%d below %g", int(known.sum()), len(known), self.failure_threshold)
        if not len(known) or known.min() == known.max():
            report = self._nothing_to_find(len(texts), known, scored)
        else:
            where = self._prepared(texts)
            rows = EvalRows(
                example_ids=_row_ids(len(texts)),
                prompts=texts,
                responses=answers,
                references=wanted or [None] * len(texts),
                scores=scored.scores,
                failed=failed,
                unit=where.unit,
            )
            report = self._analyzed(rows, where, scored)
        logger.info("%s", report.summary())
        return report

    def audit_coverage(
        self,
        test_prompts: Any,
        production_prompts: Any,
        distance_threshold: float | None = None,
        min_gap_size: int = 5,
    ) -> CoverageReport:
        """Find what production asks and the tests do not.

        Args:
            test_prompts, production_prompts: lists, numpy arrays or pandas Series of strings, not empty.
            distance_threshold: None looks for regions in which tests are missing; a number calls every production
                prompt farther than that from its nearest test uncovered (Euclidean between unit vectors), as faultmap.
            min_gap_size: least production prompts in a gap, > 0.
        Raises: ConfigurationError on wrong arguments; EmbeddingError where the embedder fails.
        """
        tests, asked = texts_of("test_prompts", test_prompts), texts_of("production_prompts", production_prompts)
        settings = CoverageSettings(
            significance_level=self.significance_level,
            min_gap_size=min_gap_size,
            distance_threshold=distance_threshold,
            clustering_method=self.clustering_method,
        )
        logger.info("Embedding %d test prompts and %d production prompts...", len(tests), len(asked))
        unique = unique_prompts([*tests, *asked], ["test"] * len(tests) + ["production"] * len(asked))
        vectors = self._embedder.embed(unique.texts, "query")[unique.unit]
        logger.info("Looking for regions without tests (%s)...", self.clustering_method)
        result = audit_coverage(tests, vectors[: len(tests)], asked, vectors[len(tests) :], settings, self._namer)
        report = coverage_report(result, self._embedder.id)
        logger.info("%s", report.summary())
        return report

    def compare_models(
        self,
        prompts: Any,
        responses_a: Any,
        responses_b: Any,
        *,
        scores_a: Any = None,
        scores_b: Any = None,
        references: Any = None,
        model_a_name: str = "Model A",
        model_b_name: str = "Model B",
        model_a: str | LanguageModel | None = None,
        model_b: str | LanguageModel | None = None,
    ) -> ComparisonReport:
        """Compare two models on the same prompts: who is better over all, and where does that change?

        Args: as in `analyze`, with two sets of responses, and either both sets of scores or references.
            model_a, model_b: the models that gave the responses (litellm names or `llm.LanguageModel`); each is sampled
                where there is neither.
        Raises: ConfigurationError on wrong arguments, such as one set of scores only.
        """
        texts = texts_of("prompts", prompts)
        answers_a = optional_texts_of("responses_a", responses_a, len(texts))
        answers_b = optional_texts_of("responses_b", responses_b, len(texts))
        if (scores_a is None) != (scores_b is None):
            missing = "scores_b" if scores_b is None else "scores_a"
            raise ConfigurationError(f"{missing} is missing; give scores of both models or of neither")
        wanted = None if references is None else optional_texts_of("references", references, len(texts))
        given_a = None if scores_a is None else scores_of("scores_a", scores_a, len(texts))
        given_b = None if scores_b is None else scores_of("scores_b", scores_b, len(texts))
        _warn_of_both(given_a, wanted)
        pair = self._scored_pair(answers_a, answers_b, given_a, given_b, wanted)
        if pair is None:
            first, second = self._models.pair_under_test(model_a, model_b)
            pair = self._by_entropy(texts, answers_a, first), self._by_entropy(texts, answers_b, second)
        scored_a, scored_b = pair
        where = self._prepared(texts)
        logger.info("Comparing %s with %s...", model_a_name, model_b_name)
        rows = PairedRows(
            example_ids=_row_ids(len(texts)),
            prompts=texts,
            responses_a=answers_a,
            responses_b=answers_b,
            references=wanted or [None] * len(texts),
            scores_a=scored_a.scores,
            scores_b=scored_b.scores,
            failed_a=self._failed(scored_a.scores),
            failed_b=self._failed(scored_b.scores),
            unit=where.unit,
        )
        return self._compared(rows, where, side_by_side(scored_a, scored_b), model_a_name, model_b_name)

    def _compared(
        self, rows: PairedRows, where: _Prompts, scored: Scored, model_a_name: str, model_b_name: str
    ) -> ComparisonReport:
        settings = ComparisonSettings(self.significance_level, self.min_slice_size, self.test, seed=self.seed)
        result = compare(
            rows, where.tree, where.vectors, settings, self._namer, model_a=model_a_name, model_b=model_b_name
        )
        report = comparison_report(
            replace(result, note=_joined(result.note, scored.note)),
            self.failure_threshold,
            scored.mode,
            self.clustering_method,
            self._embedder.id,
            scored.metadata,
        )
        logger.info("%s", report.summary())
        return report

    def _prepared(self, prompts: list[str]) -> _Prompts:
        """Embed the distinct prompts, without what all of them share, and build their tree."""
        unique = unique_prompts(prompts, ["prompts"] * len(prompts))
        logger.info("Embedding prompts: %d distinct of %d...", len(unique.texts), len(prompts))
        vectors = self._embedder.embed(unique.texts, "query")
        logger.info("Clustering (%s)...", self.clustering_method)
        return _Prompts(unique.unit, vectors, build_tree(vectors, method=self.clustering_method))

    def _failed(self, scores: Floats) -> Floats:
        """Return 1.0 below the threshold, 0.0 else, NaN unscored."""
        return np.where(np.isnan(scores), np.nan, (scores < self.failure_threshold).astype(np.float64))

    @property
    def _namer(self) -> Namer:
        return self.namer or self._models.namer

    def _scored(
        self, responses: list[str | None], scores: Floats | None, references: list[str | None] | None
    ) -> Scored | None:
        """Take the scores, or compute them from the references; None where there is neither."""
        if scores is not None:
            logger.info("Scoring mode: precomputed")
            return Scored(scores, "precomputed", {})
        return None if references is None else by_references(responses, references, self._embedder, self.seed)

    def _scored_pair(
        self,
        responses_a: list[str | None],
        responses_b: list[str | None],
        scores_a: Floats | None,
        scores_b: Floats | None,
        references: list[str | None] | None,
    ) -> tuple[Scored, Scored] | None:
        """Score both models on one scale."""
        both = None if scores_a is None or scores_b is None else np.concatenate([scores_a, scores_b])
        twice = None if references is None else [*references, *references]
        scored = self._scored([*responses_a, *responses_b], both, twice)
        return None if scored is None else split(scored)

    def _by_entropy(self, prompts: list[str], responses: list[str | None], model: LanguageModel) -> Scored:
        sampling = Sampling(
            self.n_samples, self.temperature, self.consistency_threshold, self.entropy_grouping, self.seed
        )
        return by_entropy(prompts, responses, model, self._embedder, sampling)

    def _nothing_to_find(self, total: int, known: Floats, scored: Scored) -> AnalysisReport:
        """Report without embedding anything: no row is scored, or none failed, or all did."""
        note = "No row has a score."
        if len(known):
            note = f"All {len(known):,} scored rows failed, so no region fails more than the rest."
            if not known.any():
                note = f"None of the {len(known):,} scored rows failed."
        return self._report(
            [],
            total,
            round(float(known.sum())),
            len(known),
            0,
            {"scoring_metadata": scored.metadata, "note": _joined(note, scored.note)},
            scored,
        )

    def _analyzed(self, rows: EvalRows, where: _Prompts, scored: Scored) -> AnalysisReport:
        settings = SliceSettings(
            significance_level=self.significance_level,
            min_slice_size=self.min_slice_size,
            test=self.test,
            seed=self.seed,
            outcome="auto" if self.test == "midp" else "failed",
        )
        logger.info("Testing the regions of the tree...")
        found = find_failure_slices(rows, where.tree, where.vectors, settings, self._namer)
        logger.info("%d of %d candidates are failure slices", len(found.slices), found.tested)
        metadata = {
            "scoring_metadata": scored.metadata,
            "note": _joined(found.note, scored.note),
            "scored_prompts": found.scored_rows,
            "distinct_prompts": found.units,
            "effective_prompts": found.effective_units,
            "test_used": found.test_used,
            "minimum_detectable_effect": strict(found.minimum_detectable_effect),
        }
        return self._report(
            list(found.slices), len(rows), found.failures, found.scored_rows, found.tested, metadata, scored
        )

    def _report(
        self,
        slices: list[FailureSlice],
        total: int,
        failures: int,
        known: int,
        tested: int,
        metadata: dict[str, Any],
        scored: Scored,
    ) -> AnalysisReport:
        return AnalysisReport(
            slices=slices,
            total_prompts=total,
            total_failures=failures,
            baseline_failure_rate=failures / known if known else 0.0,
            significance_level=self.significance_level,
            failure_threshold=self.failure_threshold,
            scoring_mode=scored.mode,
            num_clusters_tested=tested,
            num_significant=len(slices),
            clustering_method=self.clustering_method,
            embedding_model=self._embedder.id,
            metadata=metadata,
        )


def _warn_of_both(scores: Floats | None, references: list[str | None] | None) -> None:
    if scores is not None and references is not None:
        warnings.warn("both scores and references are given: the scores count", UserWarning, stacklevel=3)


def _joined(*notes: str) -> str:
    return " ".join(note for note in notes if note)


def _row_ids(n: int) -> list[str]:
    """Return ids that sort like the rows."""
    return [f"{row:0{len(str(n))}d}" for row in range(n)]


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise ConfigurationError(f"{name} is {value!r}; expected {expected}")


def _within(value: object, low: float, high: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    return bool(low <= value <= high)
