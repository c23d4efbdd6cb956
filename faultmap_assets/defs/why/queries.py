"""Typed reads for the assets of "why": failures, judgments, taxonomies, and the rows of signatures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from faultmap_assets.graph.scopes import Partition
from faultmap_assets.warehouse.claimed import with_signature_claims
from faultmap_assets.warehouse.connection import Connection, Warehouse
from faultmap_assets.warehouse.materializations import make_again
from faultmap_core.error_analysis.judging.pipeline import (
    ContrastAnswer,
    FailedExample,
    Judgment,
    RuleJudge,
    choose_contrasts,
)
from faultmap_core.error_analysis.taxonomy.error_reach import blind_spot, explains_nothing, needs_reference
from faultmap_core.error_analysis.taxonomy.signatures import ModelCounts, SignatureRows
from faultmap_core.error_analysis.taxonomy.taxonomy import UNCLASSIFIED, Category, ErrorRecord, Taxonomy
from faultmap_core.regions.metadata_columns import MOST_VALUES

# Of repeats, the worst answer is judged.
_FAILURES = """
SELECT r.example_id, r.input_text, r.output_text, r.correct_answer, s.score, r.row_digest, r.metadata
FROM scores s JOIN raw_evals r USING (dataset, model, example_id)
WHERE s.dataset = $dataset AND s.model = $model AND s.failed
QUALIFY row_number() OVER (
    PARTITION BY r.example_id ORDER BY if($higher_is_better, r.score, -r.score) NULLS LAST, r.epoch
) = 1
ORDER BY r.example_id
"""


def _asked(row: str) -> str:
    """SQL of what was asked in a row, in the form in which copies are equal (as `prompts.normalized`)."""
    text = f"nfc_normalize(lower(coalesce({row}.question_text, {row}.input_text)))"
    return f"trim(regexp_replace({text}, '\\s+', ' ', 'g'))"


_RIGHT_ANSWERS = f"""
SELECT mine.example_id, r.model, r.output_text
FROM raw_evals mine
JOIN scores failed USING (dataset, model, example_id)
JOIN raw_evals r ON r.dataset = mine.dataset AND r.example_id = mine.example_id AND r.model <> mine.model
    AND {_asked("r")} = {_asked("mine")}
JOIN scores s ON s.dataset = r.dataset AND s.model = r.model AND s.example_id = r.example_id AND NOT s.failed
WHERE mine.dataset = $dataset AND mine.model = $model AND failed.failed AND trim(r.output_text) <> ''
QUALIFY row_number() OVER (
    PARTITION BY r.model, r.example_id ORDER BY if($higher_is_better, -r.score, r.score) NULLS LAST, r.epoch
) = 1
ORDER BY mine.example_id, r.model
"""
_REFERENCES = """
SELECT dataset, model, example_id, bool_or(trim(coalesce(correct_answer, '')) <> '') AS has_reference
FROM raw_evals GROUP BY ALL
"""


def without_error(warehouse: Warehouse) -> int:
    """Count the failures in whose answer the judge found no error."""
    rows = warehouse.query("SELECT count(*) AS number FROM error_judgments WHERE outcome = 'no_error_found'")
    return int(rows.column("number")[0].as_py())


def failed_examples(warehouse: Warehouse, partition: Partition, *, higher_is_better: bool) -> list[FailedExample]:
    """Return the failures of one model on one dataset, by example id."""
    rows = warehouse.query(_FAILURES, {**partition.columns, "higher_is_better": higher_is_better}).to_pylist()
    examples = []
    for row in rows:
        metadata = json.loads(row["metadata"])
        steps = metadata.pop("steps", None)
        examples.append(
            FailedExample(
                example_id=row["example_id"],
                prompt=row["input_text"],
                response=row["output_text"],
                reference=row["correct_answer"],
                score=row["score"],
                row_digest=row["row_digest"],
                dataset=str(partition.dataset),
                model=str(partition.model),
                steps=tuple(_step(step) for step in steps) if isinstance(steps, list) else (),
                metadata=metadata,
            )
        )
    return examples


def _step(step: Any) -> str:
    return step if isinstance(step, str) else json.dumps(step, ensure_ascii=False)


class RightAnswers:
    """What other models answered rightly, chosen when a failure is judged and then fixed."""

    def __init__(
        self, warehouse: Warehouse, partition: Partition, *, higher_is_better: bool, number: int, seed: int
    ) -> None:
        self._number, self._seed = number, seed
        self._answers: dict[str, dict[str, str]] = {}
        if number:
            parameters = {**partition.columns, "higher_is_better": higher_is_better}
            for row in warehouse.query(_RIGHT_ANSWERS, parameters).to_pylist():
                self._answers.setdefault(row["example_id"], {})[row["model"]] = row["output_text"]

    def __call__(self, example_id: str) -> Sequence[ContrastAnswer]:
        """Return up to `number` right answers of other models, drawn by the seed."""
        return choose_contrasts(example_id, self._answers.get(example_id, {}), self._number, self._seed)


def judgments(
    warehouse: Warehouse, datasets: Sequence[str] | None = None, models: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Return the judged errors with their category, criteria and signals decoded."""
    rows = warehouse.query(
        """SELECT j.*, c.category_id, c.reason AS unclassified_because
        FROM error_judgments j LEFT JOIN error_categories c USING (dataset, model, example_id)
        WHERE ($datasets IS NULL OR list_contains($datasets, j.dataset))
        AND ($models IS NULL OR list_contains($models, j.model))
        ORDER BY j.dataset, j.model, j.example_id""",
        {"datasets": list(datasets) if datasets else None, "models": list(models) if models else None},
    ).to_pylist()
    decoded = ("criteria", "signals", "contrast_models")
    return [{**row, **{name: json.loads(row[name]) for name in decoded}} for row in rows]


def previous_judgments(warehouse: Warehouse, partition: Partition) -> dict[str, Judgment]:
    """Return example id -> the judgment that stands."""
    rows = warehouse.query(
        "SELECT * EXCLUDE (dataset, model) FROM error_judgments WHERE dataset = $dataset AND model = $model",
        partition.columns,
    ).to_pylist()
    decoded = ("criteria", "signals", "contrast_models")
    return {
        row["example_id"]: Judgment.from_dict({**row, **{name: json.loads(row[name]) for name in decoded}})
        for row in rows
    }


ErrorKey = tuple[str, str, str]
"""Dataset, model and example id of an error."""


def record_id(key: ErrorKey) -> str:
    """Return the id under which the core knows an error; none of its parts holds a line end."""
    return "\n".join(key)


def error_records(warehouse: Warehouse) -> dict[ErrorKey, ErrorRecord]:
    """Return every judged error that was found to be one."""
    rows = warehouse.query(
        """SELECT dataset, model, example_id, error_title, error_summary FROM error_judgments
        WHERE outcome IN ('error', 'whole_solution_incorrect') ORDER BY ALL"""
    ).to_pylist()
    keys = [(row["dataset"], row["model"], row["example_id"]) for row in rows]
    return {
        key: ErrorRecord(record_id(key), row["error_title"], row["error_summary"])
        for key, row in zip(keys, rows, strict=True)
    }


@dataclass(frozen=True)
class StoredTaxonomy:
    """The active taxonomy, what it was built with, and where the errors stand in it (record id -> leaf)."""

    taxonomy: Taxonomy
    built_with: str
    places: Mapping[str, str]


def active_taxonomy(warehouse: Warehouse) -> StoredTaxonomy | None:
    """Return the taxonomy that errors are sorted into, or None before the first one."""
    rows = warehouse.query("SELECT built_with, content FROM taxonomies WHERE active").to_pylist()
    if not rows:
        return None
    placed = warehouse.query("SELECT dataset, model, example_id, category_id FROM error_categories").to_pylist()
    places = {record_id((row["dataset"], row["model"], row["example_id"])): row["category_id"] for row in placed}
    return StoredTaxonomy(taxonomy_of(rows[0]["content"]), rows[0]["built_with"], places)


def taxonomy_of(content: str) -> Taxonomy:
    """Read a taxonomy from its JSON."""
    stored = json.loads(content)
    categories = tuple(
        Category(**{**one, "examples": tuple((title, summary) for title, summary in one["examples"])})
        for one in stored.pop("categories")
    )
    return Taxonomy(categories=categories, **stored)


def activate_taxonomy(connection: Connection, taxonomy: Taxonomy, built_with: str) -> None:
    """Keep a taxonomy and make it the active one; former ones stay, so that trends can say what they compare."""
    connection.execute("UPDATE taxonomies SET active = false WHERE active")
    connection.execute("DELETE FROM taxonomies WHERE version = $version", {"version": taxonomy.version})
    connection.execute(
        """INSERT INTO taxonomies VALUES
        ($version, $method, $built_with, $built_from, current_localtimestamp(), true, $content)""",
        {
            "version": taxonomy.version,
            "method": taxonomy.method,
            "built_with": built_with,
            "built_from": taxonomy.built_from,
            "content": json.dumps(taxonomy.to_dict(), ensure_ascii=False, allow_nan=False),
        },
    )


def retire_taxonomy(connection: Connection) -> None:
    """Have the next audit build a new taxonomy."""
    connection.execute("UPDATE taxonomies SET active = false WHERE active")
    make_again(connection, [("error_taxonomy", Partition())])


def signature_rows(warehouse: Warehouse) -> SignatureRows:
    """Return what signatures are counted from."""
    rows = warehouse.query(
        f"""SELECT c.dataset, c.model, c.example_id, c.category_id, coalesce(m.slices, []) AS slices,
            coalesce(e.prompt_id, c.example_id) AS unit, coalesce(g.has_reference, false) AS has_reference,
            j.judged_by, j.error_title
        FROM error_categories c
        JOIN error_judgments j USING (dataset, model, example_id)
        LEFT JOIN ({_REFERENCES}) g USING (dataset, model, example_id)
        LEFT JOIN (
            SELECT dataset, model, example_id, list(slice_id ORDER BY slice_id) AS slices FROM failure_slice_members
            GROUP BY ALL
        ) m USING (dataset, model, example_id)
        LEFT JOIN example_prompts e USING (dataset, model, example_id)
        ORDER BY c.dataset, c.model, c.example_id"""
    )
    columns = {name: rows.column(name).to_pylist() for name in rows.column_names}
    keys = zip(columns["dataset"], columns["model"], columns["example_id"], strict=True)
    return SignatureRows(
        record_ids=[record_id(key) for key in keys],
        datasets=columns["dataset"],
        models=columns["model"],
        category_ids=columns["category_id"],
        example_ids=columns["example_id"],
        slice_ids=columns["slices"],
        counts=_model_counts(warehouse),
        units=columns["unit"],
        has_reference=columns["has_reference"],
        needs_reference=[
            judged_by == RuleJudge.id and needs_reference(title)
            for judged_by, title in zip(columns["judged_by"], columns["error_title"], strict=True)
        ],
    )


def _model_counts(warehouse: Warehouse) -> list[ModelCounts]:
    rows = warehouse.query(
        f"""SELECT s.dataset, s.model, count(s.failed) AS scored, count(*) FILTER (s.failed) AS failures,
            count(*) FILTER (s.failed AND j.outcome IS NOT NULL AND j.outcome <> 'failed') AS judged,
            count(s.failed) FILTER (g.has_reference) AS scored_with,
            count(*) FILTER (s.failed AND g.has_reference) AS failures_with,
            count(*) FILTER (s.failed AND g.has_reference AND j.outcome IS NOT NULL AND j.outcome <> 'failed')
                AS judged_with
        FROM scores s LEFT JOIN error_judgments j USING (dataset, model, example_id)
        LEFT JOIN ({_REFERENCES}) g USING (dataset, model, example_id)
        GROUP BY s.dataset, s.model ORDER BY ALL"""
    ).to_pylist()
    return [
        ModelCounts(
            **{name: row[name] for name in ("dataset", "model", "scored", "failures", "judged")},
            with_reference=(row["scored_with"], row["failures_with"], row["judged_with"]),
        )
        for row in rows
    ]


def untested_categories(warehouse: Warehouse) -> tuple[str, ...]:
    """Return the ids of the kinds that are counted and not compared: they explain nothing."""
    names = warehouse.query("SELECT category_id, name FROM error_taxonomy ORDER BY category_id").to_pylist()
    return (UNCLASSIFIED, *(row["category_id"] for row in names if explains_nothing(row["name"])))


def blind_spot_of(
    warehouse: Warehouse, datasets: Sequence[str] | None = None, models: Sequence[str] | None = None
) -> str:
    """Return what the judge of these datasets and models did not see, in a sentence; empty where it saw all."""
    rows = warehouse.query(
        f"""SELECT j.error_title AS title, count(*) AS errors,
            count(*) FILTER (NOT coalesce(g.has_reference, false)) AS without_reference
        FROM error_judgments j LEFT JOIN ({_REFERENCES}) g USING (dataset, model, example_id)
        WHERE j.outcome IN ('error', 'whole_solution_incorrect')
        AND ($datasets IS NULL OR list_contains($datasets, j.dataset))
        AND ($models IS NULL OR list_contains($models, j.model))
        GROUP BY ALL""",
        {"datasets": list(datasets) if datasets else None, "models": list(models) if models else None},
    ).to_pylist()
    blind = [row for row in rows if explains_nothing(row["title"])]
    return blind_spot(
        sum(row["errors"] for row in blind),
        sum(row["without_reference"] for row in blind),
        sum(row["errors"] for row in rows),
    )


def taxonomy_rows(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return the active taxonomy's categories with their counts, parents before children.

    Kinds that explain nothing are `other`, and stand last: they are no finding.
    """
    rows: list[dict[str, Any]] = warehouse.query("SELECT * FROM error_taxonomy").to_pylist()
    last = tuple(row["category_id"] for row in rows if row["depth"] == 1 and explains_nothing(row["name"]))
    marked = [{**row, "other": row["other"] or explains_nothing(row["name"])} for row in rows]
    return sorted(marked, key=lambda row: row["category_id"].partition("/")[0] in last)


def unclassified(warehouse: Warehouse) -> int:
    """Return the number of judged errors that fit no category."""
    rows = warehouse.query(
        "SELECT count(*) AS n FROM error_categories WHERE category_id = $unclassified", {"unclassified": UNCLASSIFIED}
    ).to_pylist()
    return int(rows[0]["n"])


def signatures(
    warehouse: Warehouse, datasets: Sequence[str] | None = None, models: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Return the signatures with the names of categories and slices, the strongest first."""
    rows: list[dict[str, Any]] = warehouse.query(
        """SELECT s.*, coalesce(t.name, s.category_id) AS category, f.name AS slice
        FROM error_signatures s LEFT JOIN error_taxonomy t USING (category_id)
        LEFT JOIN failure_slices f ON f.dataset = s.dataset AND f.model = s.model AND f.slice_id = s.slice_id
        WHERE ($datasets IS NULL OR list_contains($datasets, s.dataset))
        AND ($models IS NULL OR list_contains($models, s.model))
        ORDER BY s.dataset, s.model, s.scope, s.adjusted_p_value NULLS LAST, s.errors DESC, s.category_id,
            s.slice_id""",
        {"datasets": list(datasets) if datasets else None, "models": list(models) if models else None},
    ).to_pylist()
    return with_signature_claims(warehouse, rows)


def answers_of_dataset(warehouse: Warehouse, dataset: str) -> pa.Table:
    """Return every model's first answer to each example, with its verdict, prompt and judgment."""
    return warehouse.query(
        """SELECT r.example_id, r.model, coalesce(r.question_text, r.input_text) AS prompt, r.input_text,
            r.output_text, r.correct_answer, s.score, s.failed::DOUBLE AS failed, r.metadata, j.outcome
        FROM raw_evals r JOIN scores s USING (dataset, model, example_id)
        LEFT JOIN error_judgments j USING (dataset, model, example_id)
        WHERE r.dataset = $dataset
        QUALIFY row_number() OVER (PARTITION BY r.model, r.example_id ORDER BY r.epoch) = 1
        ORDER BY r.example_id, r.model""",
        {"dataset": dataset},
    )


def judged_without_error(warehouse: Warehouse, dataset: str) -> list[tuple[str, str]]:
    """Return (example id, model) of failures in which the judge found no error."""
    rows = warehouse.query(
        """SELECT example_id, model FROM error_judgments WHERE dataset = $dataset AND outcome = 'no_error_found'
        ORDER BY ALL""",
        {"dataset": dataset},
    ).to_pylist()
    return [(row["example_id"], row["model"]) for row in rows]


def skills_of(example_ids: Sequence[str], documents: Sequence[str]) -> dict[str, set[str]]:
    """Return "column = value" -> example ids, for the metadata columns that have few values."""
    values: dict[str, dict[str, set[str]]] = {}
    for example_id, document in zip(example_ids, documents, strict=True):
        for name, value in json.loads(document).items():
            if isinstance(value, str | int | bool):
                values.setdefault(name, {}).setdefault(str(value), set()).add(example_id)
    return {
        f"{name} = {value}": ids
        for name, of_value in sorted(values.items())
        if len(of_value) <= MOST_VALUES
        for value, ids in sorted(of_value.items())
    }


def quality(warehouse: Warehouse, datasets: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the datasets' measures and flagged items."""
    parameters = {"datasets": list(datasets) if datasets else None}
    chosen = "WHERE ($datasets IS NULL OR list_contains($datasets, dataset))"
    measures = warehouse.query(f"SELECT * FROM dataset_quality {chosen} ORDER BY dataset", parameters).to_pylist()
    items = warehouse.query(
        f"SELECT * FROM dataset_quality_items {chosen} ORDER BY dataset, flag, rank_score DESC NULLS LAST, example_id",
        parameters,
    ).to_pylist()
    return [
        {
            "dataset": dataset,
            "measures": [row for row in measures if row["dataset"] == dataset],
            "items": [{**row, "models": json.loads(row["models"])} for row in items if row["dataset"] == dataset],
        }
        for dataset in dict.fromkeys(row["dataset"] for row in measures)
    ]


def spent(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return calls, tokens and cost by asset and model; the cost is null where one call's price is unknown."""
    rows: list[dict[str, Any]] = warehouse.query(
        """SELECT asset, model, count(*) FILTER (NOT cached) AS calls, count(*) FILTER (cached) AS cached,
            count(*) FILTER (outcome <> 'ok') AS failed, sum(prompt_tokens)::BIGINT AS prompt_tokens,
            sum(completion_tokens)::BIGINT AS completion_tokens,
            CASE WHEN bool_or(cost_usd IS NULL) THEN NULL ELSE sum(cost_usd) END AS cost_usd
        FROM llm_calls GROUP BY asset, model ORDER BY asset, model"""
    ).to_pylist()
    return rows
