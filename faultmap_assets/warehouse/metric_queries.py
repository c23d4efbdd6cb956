"""Read by which metric each model's answers on a dataset were judged, and which models must not be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import combinations

from faultmap_assets.warehouse.connection import Connection, Warehouse
from faultmap_core.data.metrics import Metric

_COLUMNS = "name, low, high, higher_is_better, threshold, source"


def metrics_of(warehouse: Warehouse, dataset: str) -> dict[str, Metric]:
    """Return model -> the metric of its answers on a dataset."""
    with warehouse.read() as connection:
        rows = connection.execute(
            f"SELECT model, {_COLUMNS} FROM metrics WHERE dataset = $dataset ORDER BY model", {"dataset": dataset}
        ).fetchall()
    return {str(model): Metric(*values) for model, *values in rows}


def metric_of(connection: Connection, dataset: str, model: str) -> Metric | None:
    """Return the metric of one model's answers on a dataset; None before they were scored."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM metrics WHERE dataset = $dataset AND model = $model",
        {"dataset": dataset, "model": model},
    ).fetchone()
    return Metric(*row) if row else None


def higher_is_better(warehouse: Warehouse, dataset: str) -> bool:
    """Return the direction of a dataset's scores: the one of most models, a higher score being better where even."""
    directions = Counter(metric.higher_is_better for metric in metrics_of(warehouse, dataset).values())
    return directions[True] >= directions[False]


def unlike_pairs(metrics: Mapping[str, Metric]) -> dict[tuple[str, str], str]:
    """Return the pairs of models (in the order of the names) that must not be compared, and why."""
    reasons = {(a, b): metrics[a].unlike(metrics[b]) for a, b in combinations(sorted(metrics), 2)}
    return {pair: reason for pair, reason in reasons.items() if reason is not None}


def like_models(metrics: Mapping[str, Metric]) -> list[str]:
    """Return the largest group of models that may be compared with one another; of equals, the first by name."""
    unlike = unlike_pairs(metrics)
    groups: list[list[str]] = []
    for model in sorted(metrics):
        for group in groups:
            if not any((one, model) in unlike for one in group):
                group.append(model)
                break
        else:
            groups.append([model])
    return max(groups, key=len, default=[])
