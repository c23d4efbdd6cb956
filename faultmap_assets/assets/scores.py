"""scores: one score and one verdict per example. `failed` is decided here and nowhere else."""

import dagster as dg
import numpy as np
import pyarrow as pa

from faultmap_assets import checks, pictures
from faultmap_assets.assets.refresh import Made, Refresh
from faultmap_assets.partitions import dataset_and_model
from faultmap_assets.settings import DatasetSettings, Settings
from faultmap_assets.staleness import NODES, Partition
from faultmap_assets.warehouse import Warehouse
from faultmap_core.scoring import ExampleScores, given_scores


@dg.asset(
    partitions_def=dataset_and_model,
    deps=["raw_evals"],
    group_name="evals",
    kinds={"duckdb"},
    code_version=NODES["scores"].code_version,
    check_specs=checks.SCORES_CHECKS,
)
def scores(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]
) -> Made:
    """How well one model did on each example of one dataset, and whether it failed."""
    refresh = Refresh.begin(context, warehouse, settings)
    answers = warehouse.query(
        "SELECT example_id, score FROM raw_evals WHERE dataset = $dataset AND model = $model"
        " ORDER BY example_id, epoch",
        refresh.partition.columns,
    )
    rules = settings.dataset(str(refresh.partition.dataset))
    example_scores = given_scores(
        answers.column("example_id").to_pylist(),
        answers.column("score").to_numpy(),
        success_threshold=rules.threshold,
        higher_is_better=rules.higher_is_better,
    )
    table = _table(refresh.partition, example_scores, rules)
    scored = int(np.isfinite(example_scores.scores).sum())
    judged = np.isfinite(example_scores.failed)
    counts = checks.ScoreCounts(
        examples=answers.column("example_id").combine_chunks().unique().__len__(),
        rows=table.num_rows,
        scored=scored,
        judged=int(judged.sum()),
        scored_and_judged=int((judged & np.isfinite(example_scores.scores)).sum()),
    )
    failures = int(np.nansum(example_scores.failed))
    return refresh.write(
        {"scores": table},
        metadata={
            "failures": failures,
            "failure_rate": failures / scored if scored else None,
            "unscored": table.num_rows - scored,
            "success_threshold": rules.threshold,
            "histogram": dg.MetadataValue.md(pictures.score_histogram(example_scores.scores, rules.threshold)),
        },
        checks=[checks.complete_scores(counts), checks.scored_share(counts)],
    )


def _table(partition: Partition, example_scores: ExampleScores, rules: DatasetSettings) -> pa.Table:
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
            "score_mode": pa.array([rules.score_mode] * size, pa.string()),
            "success_threshold": pa.array([rules.threshold] * size, pa.float64()),
        }
    )
