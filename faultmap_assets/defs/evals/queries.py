"""Typed reads of eval results for assets, reports and commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from faultmap_assets.graph.scopes import Partition
from faultmap_assets.warehouse.audit_p_values import with_audit_p_values, with_pair_p_values
from faultmap_assets.warehouse.claimed import with_gap_claims, with_pair_claims, with_slice_claims
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.discovery.comparison.comparison import CommonExamples, ModelAnswers
from faultmap_core.discovery.comparison.results import pairing_sentence
from faultmap_core.discovery.slices.discovery import EvalRows
from faultmap_core.regions.metadata_columns import OF_THE_ANSWER
from faultmap_core.regions.tree import ClusterTree

# A repeated example shows its first epoch.
_FIRST_EPOCH = "QUALIFY row_number() OVER (PARTITION BY model, example_id ORDER BY epoch) = 1"


@dataclass(frozen=True)
class PromptVectors:
    """The distinct prompts of a dataset: n ids in ascending order, n texts, (n, d) unit vectors."""

    prompt_ids: list[str]
    texts: list[str]
    vectors: NDArray[np.float32]


def example_texts(warehouse: Warehouse, dataset: str) -> pa.Table:
    """Return dataset, model, example_id and text (of a chat, its last user turn) of all examples of a dataset."""
    return warehouse.query(
        f"""SELECT dataset, model, example_id, coalesce(question_text, input_text) AS text FROM raw_evals
        WHERE dataset = $dataset {_FIRST_EPOCH} ORDER BY model, example_id""",
        {"dataset": dataset},
    )


def prompt_vectors(warehouse: Warehouse, dataset: str) -> PromptVectors:
    """Return the distinct prompts of a dataset with their vectors."""
    rows = warehouse.query(
        """SELECT prompt_id, text, dimensions, vector FROM prompt_embeddings
        JOIN embedding_vectors USING (embedder, text_hash) WHERE dataset = $dataset ORDER BY prompt_id""",
        {"dataset": dataset},
    )
    width = rows.column("dimensions")[0].as_py() if rows.num_rows else 0
    flat = rows.column("vector").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = np.asarray(flat, dtype=np.float32).reshape(rows.num_rows, width)
    return PromptVectors(rows.column("prompt_id").to_pylist(), rows.column("text").to_pylist(), vectors)


def cluster_tree(warehouse: Warehouse, dataset: str, prompt_ids: Sequence[str]) -> ClusterTree:
    """Return a dataset's tree, its units numbered as `prompt_ids` is."""
    parameters = {"dataset": dataset}
    placed = warehouse.query(
        "SELECT prompt_id FROM prompt_clusters WHERE dataset = $dataset ORDER BY position", parameters
    )
    nodes = warehouse.query("SELECT * FROM prompt_cluster_nodes WHERE dataset = $dataset ORDER BY node", parameters)
    unit = {prompt_id: index for index, prompt_id in enumerate(prompt_ids)}
    order = np.array([unit[prompt_id] for prompt_id in placed.column("prompt_id").to_pylist()], dtype=np.int64)
    methods = nodes.column("method").to_pylist()
    return ClusterTree(
        order=order,
        parent=nodes.column("parent").to_numpy().astype(np.int64),
        start=nodes.column("start_position").to_numpy().astype(np.int64),
        end=nodes.column("end_position").to_numpy().astype(np.int64),
        height=nodes.column("height").to_numpy().astype(np.float64),
        method=methods[0] if methods else "agglomerative",
    )


def eval_rows(warehouse: Warehouse, partition: Partition, prompt_ids: Sequence[str]) -> EvalRows:
    """Return the examples of one model on one dataset, each with the position of its prompt in `prompt_ids`."""
    rows = warehouse.query(
        f"""SELECT s.example_id, p.text AS prompt, r.output_text, r.correct_answer, s.score, s.failed, e.prompt_id,
            r.metadata
        FROM scores s
        JOIN (
            SELECT * FROM raw_evals WHERE dataset = $dataset AND model = $model {_FIRST_EPOCH}
        ) r USING (dataset, model, example_id)
        JOIN example_prompts e USING (dataset, model, example_id)
        JOIN prompt_embeddings p ON p.dataset = s.dataset AND p.prompt_id = e.prompt_id
        WHERE s.dataset = $dataset AND s.model = $model ORDER BY s.example_id""",
        partition.columns,
    )
    unit = {prompt_id: index for index, prompt_id in enumerate(prompt_ids)}
    failed = rows.column("failed").cast(pa.float64())
    return EvalRows(
        example_ids=rows.column("example_id").to_pylist(),
        prompts=rows.column("prompt").to_pylist(),
        responses=rows.column("output_text").to_pylist(),
        references=rows.column("correct_answer").to_pylist(),
        scores=_floats(rows.column("score")),
        failed=_floats(failed),
        unit=np.array([unit[prompt_id] for prompt_id in rows.column("prompt_id").to_pylist()], dtype=np.int64),
        metadata=metadata_columns(rows.column("metadata").to_pylist()),
    )


def metadata_columns(documents: Sequence[str]) -> dict[str, list[str | None]]:
    """Return the metadata of n rows by column, without structures and without what is said of the answer."""
    rows = [json.loads(document) for document in documents]
    names = sorted({name for row in rows for name in row} - OF_THE_ANSWER)
    return {name: [_label(row.get(name)) for row in rows] for name in names}


def _label(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float | bool) else None


def common_examples(
    warehouse: Warehouse, dataset: str, prompt_ids: Sequence[str]
) -> tuple[CommonExamples, dict[str, ModelAnswers]]:
    """Return all examples of a dataset and how each model did on them; nan where a model has no outcome.

    Models that were asked something else under one example id do not share the example.
    """
    rows = warehouse.query(
        f"""SELECT s.model, s.example_id, e.prompt_id, p.text AS prompt, r.output_text, r.correct_answer, s.score,
            s.failed::DOUBLE AS failed, r.metadata
        FROM scores s
        JOIN (SELECT * FROM raw_evals WHERE dataset = $dataset {_FIRST_EPOCH}) r USING (dataset, model, example_id)
        JOIN example_prompts e USING (dataset, model, example_id)
        JOIN prompt_embeddings p ON p.dataset = s.dataset AND p.prompt_id = e.prompt_id
        WHERE s.dataset = $dataset ORDER BY s.example_id, e.prompt_id, s.model""",
        {"dataset": dataset},
    ).to_pandas()
    keys = rows[["example_id", "prompt_id"]].drop_duplicates().reset_index(drop=True)
    first = rows.drop_duplicates(["example_id", "prompt_id"])
    unit = {prompt_id: index for index, prompt_id in enumerate(prompt_ids)}
    examples = CommonExamples(
        example_ids=keys["example_id"].tolist(),
        prompts=first["prompt"].tolist(),
        references=[_text_or_none(value) for value in first["correct_answer"]],
        unit=np.array([unit[prompt_id] for prompt_id in keys["prompt_id"]], dtype=np.int64),
        metadata=metadata_columns(first["metadata"].tolist()),
    )
    answers = {}
    for model, of_model in rows.groupby("model", sort=True):
        aligned = keys.merge(of_model, how="left", on=["example_id", "prompt_id"])
        answers[str(model)] = ModelAnswers(
            responses=[_text_or_none(value) for value in aligned["output_text"]],
            scores=aligned["score"].to_numpy(dtype=np.float64),
            failed=aligned["failed"].to_numpy(dtype=np.float64),
        )
    return examples, answers


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def comparisons(warehouse: Warehouse, datasets: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return every pair of models, its slices (with examples decoded) under `slices`, by dataset and names.

    A slice's `audit_adjusted_p_value` is its selection p, adjusted over all pairs in the warehouse. `pairing` says in a
    sentence what was not compared, and why.
    """
    pairs = warehouse.query("SELECT * FROM model_comparisons ORDER BY dataset, model_a, model_b").to_pylist()
    found = warehouse.query("SELECT * FROM model_comparison_slices ORDER BY rank").to_pylist()
    slices: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in with_pair_p_values(found, pairs):
        decoded = _decoded(row, "examples", "failure_rates", "cited_examples")
        slices.setdefault((row["dataset"], row["model_a"], row["model_b"]), []).append(decoded)
    chosen = [
        {
            **pair,
            "pairing": pairing_sentence(pair["compared"], pair["other_prompts"]),
            "slices": slices.get((pair["dataset"], pair["model_a"], pair["model_b"]), []),
        }
        for pair in pairs
        if not datasets or pair["dataset"] in datasets
    ]
    return with_pair_claims(chosen)


def failure_slices(
    warehouse: Warehouse, datasets: Sequence[str] | None = None, models: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Return the failure slices with their examples decoded, by dataset, model and rank.

    `audit_adjusted_p_value` is adjusted over all models on all datasets in the warehouse, whichever are asked for.
    """
    rows = warehouse.query("SELECT * FROM failure_slices ORDER BY dataset, model, rank").to_pylist()
    chosen = [
        _decoded(row, "examples", "cited_examples")
        for row in with_audit_p_values(warehouse, rows)
        if (not datasets or row["dataset"] in datasets) and (not models or row["model"] in models)
    ]
    return with_slice_claims(warehouse, chosen)


def _decoded(row: dict[str, Any], *columns: str) -> dict[str, Any]:
    return {**row, **{name: json.loads(row[name]) for name in columns}}


def score_summaries(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return examples, scored, failures and failure rate by dataset and model."""
    rows: list[dict[str, Any]] = warehouse.query(
        """SELECT dataset, model, count(*) AS examples, count(score) AS scored,
            count(*) FILTER (failed) AS failures, count(*) FILTER (failed) / nullif(count(failed), 0) AS failure_rate
        FROM scores GROUP BY dataset, model ORDER BY dataset, model"""
    ).to_pylist()
    return rows


def quarantined(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return the quarantined rows: path, line, reason, excerpt, dataset, model."""
    rows: list[dict[str, Any]] = warehouse.query(
        "SELECT path, line, reason, excerpt, dataset, model FROM quarantine ORDER BY path, line"
    ).to_pylist()
    return rows


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Null becomes nan."""
    return np.asarray(column.to_numpy(), dtype=np.float64)


def example_places(warehouse: Warehouse, dataset: str, prompt_ids: Sequence[str]) -> NDArray[np.float32]:
    """Return the (n, 2) places on the 2-D map of the prompts that `prompt_ids` names."""
    rows = warehouse.query(
        "SELECT prompt_id, x, y FROM prompt_clusters WHERE dataset = $dataset ORDER BY prompt_id", {"dataset": dataset}
    )
    place = {
        prompt_id: (x, y)
        for prompt_id, x, y in zip(*(rows.column(name).to_pylist() for name in ("prompt_id", "x", "y")), strict=True)
    }
    return np.array([place[prompt_id] for prompt_id in prompt_ids], dtype=np.float32).reshape(-1, 2)


def map_points(warehouse: Warehouse, partition: Partition) -> pa.Table:
    """Return example_id, x, y and failed (1.0, 0.0 or nan) of one model's examples on one dataset."""
    return warehouse.query(
        """SELECT s.example_id, c.x, c.y, coalesce(s.failed::DOUBLE, 'nan'::DOUBLE) AS failed
        FROM scores s JOIN example_prompts e USING (dataset, model, example_id)
        JOIN prompt_clusters c ON c.dataset = s.dataset AND c.prompt_id = e.prompt_id
        WHERE s.dataset = $dataset AND s.model = $model ORDER BY s.example_id""",
        partition.columns,
    )


def slice_members(warehouse: Warehouse, partition: Partition) -> dict[str, list[str]]:
    """Return slice id -> example ids of one model on one dataset."""
    rows = warehouse.query(
        """SELECT slice_id, list(example_id ORDER BY example_id) AS members FROM failure_slice_members
        WHERE dataset = $dataset AND model = $model GROUP BY slice_id ORDER BY slice_id""",
        partition.columns,
    )
    return dict(zip(rows.column("slice_id").to_pylist(), rows.column("members").to_pylist(), strict=True))


def log_prompts(warehouse: Warehouse, day: str) -> pa.Table:
    """Return source, log_id, model, session_id, user_id and text (of a chat, its last user turn) of one day's log."""
    return warehouse.query(
        """SELECT source, log_id, model, session_id, user_id, coalesce(question_text, prompt_text) AS text
        FROM production_logs WHERE day = $day ORDER BY source, log_id, model""",
        {"day": day},
    )


def suite_prompts(warehouse: Warehouse, datasets: Sequence[str]) -> list[str]:
    """Return the distinct prompts of the datasets that are the test suite; none named means all."""
    rows = warehouse.query(
        """SELECT DISTINCT text FROM prompt_embeddings
        WHERE len($datasets) = 0 OR list_contains($datasets, dataset) ORDER BY text""",
        {"datasets": list(datasets)},
    )
    return [str(text) for text in rows.column("text").to_pylist()]


def coverage(warehouse: Warehouse, days: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return each audited day's coverage with its gaps (prompts and nearest tests decoded) under `gaps`."""
    parameters = {"days": list(days) if days else None}
    chosen = "WHERE ($days IS NULL OR list_contains($days, day))"
    audited = warehouse.query(f"SELECT * FROM coverage_summaries {chosen} ORDER BY day", parameters).to_pylist()
    gaps: dict[str, list[dict[str, Any]]] = {}
    for row in warehouse.query(f"SELECT * FROM coverage_gaps {chosen} ORDER BY day, rank", parameters).to_pylist():
        decoded = _decoded(row, "representative_prompts", "nearest_tests", "cited_examples")
        gaps.setdefault(row["day"], []).append(decoded)
    return [{**day, "gaps": with_gap_claims(gaps.get(day["day"], []))} for day in audited]
