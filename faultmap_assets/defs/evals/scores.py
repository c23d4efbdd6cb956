"""scores: one score and one verdict per example. `failed` is decided here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from faultmap_assets.graph.scopes import Partition
from faultmap_assets.kit import checks
from faultmap_assets.kit import figures as pictures
from faultmap_assets.kit.declared import declared_asset
from faultmap_assets.kit.language_model import open_model_under_test
from faultmap_assets.kit.refresh import Made, Refresh
from faultmap_assets.settings import DatasetSettings, Settings
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.data.metrics import Metric
from faultmap_core.embedding import Embedder
from faultmap_core.llm import CallStore
from faultmap_core.scoring.entropy import entropy_scores
from faultmap_core.scoring.outcome_rules import OutcomeRule, outcome_rule
from faultmap_core.scoring.scores import ExampleScores, given_scores, reference_scores

_ANSWERS = """
SELECT example_id, input_text, output_text, correct_answer, score, passed::DOUBLE AS passed, metric FROM raw_evals
WHERE dataset = $dataset AND model = $model ORDER BY example_id, epoch
"""


@dataclass(frozen=True)
class _Scored:
    """Scores of the answers, what they are made of, and how many answers a language model owes."""

    scores: NDArray[np.float64]
    parts: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    pending: int = 0
    calls: CallStore | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@declared_asset()
def scores(
    context: dg.AssetExecutionContext,
    warehouse: dg.ResourceParam[Warehouse],
    settings: dg.ResourceParam[Settings],
    embedder: dg.ResourceParam[Embedder],
) -> Made:
    """How well one model did on each example of one dataset, and whether it failed."""
    refresh = Refresh.begin(context, warehouse, settings)
    answers = warehouse.query(_ANSWERS, refresh.partition.columns)
    rules = settings.dataset(str(refresh.partition.dataset))
    scored = _scored(answers, rules, refresh, settings, embedder)
    example_ids = answers.column("example_id").to_pylist()
    rule = _rule(answers, rules)
    # What the user says goes before what a tool says.
    by_verdict = rules.score_mode == "given" and rules.success_threshold is None
    verdicts = np.where(rule.counted, answers.column("passed").to_numpy(), np.nan)
    example_scores = given_scores(
        example_ids,
        np.where(rule.counted, scored.scores, np.nan),
        success_threshold=rule.threshold,
        higher_is_better=rule.metric.higher_is_better,
        passed=verdicts if by_verdict else None,
    )
    table = _table(refresh.partition, example_scores, rules.score_mode, rule.threshold)
    decided = int(np.isfinite(verdicts).sum()) if by_verdict else 0
    judged = np.isfinite(example_scores.failed)
    finite = np.isfinite(example_scores.scores)
    counts = checks.ScoreCounts(
        examples=len(set(example_ids)),
        rows=table.num_rows,
        scored=int(finite.sum()),
        judged=int(judged.sum()),
        scored_and_judged=int((judged & finite).sum()),
    )
    failures = int(np.nansum(example_scores.failed))
    return refresh.write(
        {
            "scores": table,
            "score_parts": _part_table(refresh.partition, example_ids, scored.parts),
            "metrics": _metric_table(refresh.partition, rule, decided),
        },
        metadata={
            "failures": failures,
            "failure_rate": failures / counts.scored if counts.scored else None,
            "unscored": table.num_rows - counts.scored,
            "score_mode": rules.score_mode,
            "metric": rule.metric.name,
            "higher_is_better": rule.metric.higher_is_better,
            "decided_by_the_tool": decided,
            "success_threshold": rule.threshold,
            "histogram": dg.MetadataValue.md(pictures.score_histogram(example_scores.scores, rule.threshold)),
            **scored.facts,
        },
        checks=[
            checks.complete_scores(counts),
            checks.scored_share(counts),
            checks.one_metric(rule.metric.name, int(rule.counted.sum()), rule.others),
        ],
        pending=scored.pending,
        calls=scored.calls,
    )


def _scored(
    answers: pa.Table, rules: DatasetSettings, refresh: Refresh, settings: Settings, embedder: Embedder
) -> _Scored:
    """Take the given scores, or compute them as the dataset's `score_mode` says."""
    if rules.score_mode == "given":
        return _Scored(np.asarray(answers.column("score").to_numpy(), dtype=np.float64))
    responses = answers.column("output_text").to_pylist()
    if rules.score_mode == "reference":
        references = answers.column("correct_answer").to_pylist()
        found = reference_scores(responses, references, embedder, seed=settings.seed)
        facts = {"similarity_threshold": found.threshold, "similarity_threshold_source": found.source}
        return _Scored(found.scores, {"similarity": found.similarity}, facts=facts)
    model = open_model_under_test(settings, str(refresh.partition.model), calls := CallStore(settings.call_store_path))
    drawn = entropy_scores(
        answers.column("input_text").to_pylist(),
        model,
        embedder,
        responses=responses,
        seed=settings.seed,
        purpose=refresh.purpose,
        **settings.entropy.model_dump(exclude={"models"}),
    )
    parts = {
        "semantic_entropy": drawn.semantic_entropy,
        "normalized_entropy": drawn.normalized_entropy,
        "self_consistency": drawn.self_consistency,
        "answered_samples": drawn.answered.astype(np.float64),
    }
    pending = int((drawn.answered < drawn.n_samples).sum())
    facts = {"sampled_model": drawn.model, **({"stopped": model.stopped} if model.stopped else {})}
    return _Scored(drawn.scores, parts, pending, calls, facts)


def _rule(answers: pa.Table, rules: DatasetSettings) -> OutcomeRule:
    """Return by which metric, threshold and direction the answers fail."""
    if rules.score_mode != "given":
        counted = np.ones(answers.num_rows, dtype=np.bool_)
        metric = Metric(rules.score_mode, 0.0, 1.0, rules.higher_is_better, rules.success_threshold, "settings")
        return OutcomeRule(metric, rules.threshold, counted, {})
    known: dict[str, Metric] = {}
    metrics = [
        None if text is None else known.setdefault(text, Metric.from_json(text))
        for text in answers.column("metric").to_pylist()
    ]
    has_unstated_scores = pc.any(pc.and_(pc.is_null(answers["metric"]), pc.is_valid(answers["score"]))).as_py()
    return outcome_rule(metrics, rules.user_rule, has_unstated_scores=bool(has_unstated_scores))


def _metric_table(partition: Partition, rule: OutcomeRule, decided: int) -> pa.Table:
    metric = rule.metric
    row = {
        **partition.columns,
        "name": metric.name,
        "low": metric.low,
        "high": metric.high,
        "higher_is_better": metric.higher_is_better,
        "threshold": metric.threshold,
        "success_threshold": rule.threshold,
        "source": metric.source,
        "rows": int(rule.counted.sum()),
        "verdicts": decided,
        "left_out": sum(rule.others.values()),
    }
    return pa.Table.from_pylist([row])


def _table(partition: Partition, example_scores: ExampleScores, score_mode: str, threshold: float) -> pa.Table:
    size = len(example_scores.example_ids)
    failed = example_scores.failed
    return pa.table(
        {
            "dataset": pa.array([partition.dataset] * size, pa.string()),
            "model": pa.array([partition.model] * size, pa.string()),
            "example_id": pa.array(example_scores.example_ids, pa.string()),
            "score": pa.array(example_scores.scores, pa.float64(), from_pandas=True),
            "epochs": pa.array(example_scores.epochs, pa.int32()),
            "scored_epochs": pa.array(example_scores.scored_epochs, pa.int32()),
            "failed": pa.array(failed == 1.0, pa.bool_(), mask=np.isnan(failed)),
            "score_mode": pa.array([score_mode] * size, pa.string()),
            "success_threshold": pa.array([threshold] * size, pa.float64()),
        }
    )


def _part_table(partition: Partition, example_ids: list[str], parts: Mapping[str, NDArray[np.float64]]) -> pa.Table:
    """One row per answer and part; empty where the scores were given."""
    size = len(example_ids)
    tables = [
        pa.table(
            {
                "dataset": pa.array([partition.dataset] * size, pa.string()),
                "model": pa.array([partition.model] * size, pa.string()),
                "example_id": pa.array(example_ids, pa.string()),
                "part": pa.array([part] * size, pa.string()),
                "value": pa.array(values, pa.float64(), from_pandas=True),
            }
        )
        for part, values in parts.items()
    ]
    return pa.concat_tables(tables) if tables else pa.table({})
