"""Select the examples that a report shows: all up to a limit, else a seeded sample."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from faultmap_assets.report.scope import CONDITION, Row, Scope
from faultmap_assets.warehouse.connection import Warehouse

MOST_ROWS = 20_000
MOST_BYTES = 28_000_000
"""Of texts, before compression: about 13 MB of the page."""
MOST_CHARACTERS = 20_000
"""Of one text; what is longer is cut, and says so."""

# Whole examples are drawn, so that all models' answers to one prompt stay together: those that a finding cites, then
# of every dataset in turn, in the order of a hash.
_CHOSEN = f"""
WITH cited AS (
    SELECT DISTINCT unnest($cited_datasets::VARCHAR[]) AS dataset, unnest($cited_ids::VARCHAR[]) AS example_id
),
sized AS (
    SELECT s.dataset, s.example_id, count(DISTINCT s.model) AS rows,
        rows * avg(least(strlen(r.input_text), $most) + least(strlen(r.output_text), $most)) AS bytes
    FROM scores s JOIN raw_evals r USING (dataset, model, example_id)
    WHERE {CONDITION} GROUP BY s.dataset, s.example_id
),
ordered AS (
    SELECT dataset, example_id, rows, bytes, c.example_id IS NULL AS late,
        row_number() OVER (
            PARTITION BY dataset ORDER BY late, md5(concat_ws(chr(10), $seed, dataset, example_id)), example_id
        ) AS turn
    FROM sized LEFT JOIN cited c USING (dataset, example_id)
)
SELECT dataset, example_id FROM ordered
WINDOW running AS (ORDER BY late, turn, dataset ROWS UNBOUNDED PRECEDING)
QUALIFY sum(rows) OVER running <= $most_rows AND sum(bytes) OVER running <= $most_bytes
"""
_EXAMPLES = f"""
WITH chosen AS (
    SELECT unnest($chosen_datasets::VARCHAR[]) AS dataset,
        unnest($chosen_ids::VARCHAR[]) AS example_id
),
answers AS (
    SELECT * FROM raw_evals SEMI JOIN chosen USING (dataset, example_id)
    QUALIFY row_number() OVER (PARTITION BY dataset, model, example_id ORDER BY epoch) = 1
),
members AS (
    SELECT dataset, model, example_id, list(slice_id ORDER BY slice_id) AS slices FROM failure_slice_members
    SEMI JOIN chosen USING (dataset, example_id) GROUP BY ALL
)
SELECT s.dataset, s.model, s.example_id, s.score, s.failed, s.epochs,
    coalesce(r.question_text, r.input_text) AS prompt,
    if(r.question_text IS NULL OR r.question_text = r.input_text, NULL, r.input_text) AS full_prompt,
    r.output_text AS response, r.correct_answer AS reference, r.metadata,
    coalesce(m.slices, []) AS slices, k.category_id,
    j.outcome, j.error_title, j.error_summary, j.judged_by, j.criteria, j.reason,
    c.x, c.y, c.x_3d, c.y_3d, c.z_3d,
    l.judgment_right AS "right", l.is_error, l.kind, l.note AS why, l.judged_title
FROM scores s JOIN answers r USING (dataset, model, example_id)
LEFT JOIN members m USING (dataset, model, example_id)
LEFT JOIN error_judgments j USING (dataset, model, example_id)
LEFT JOIN error_categories k USING (dataset, model, example_id)
LEFT JOIN judgment_labels l USING (dataset, model, example_id)
LEFT JOIN example_prompts e USING (dataset, model, example_id)
LEFT JOIN prompt_clusters c ON c.dataset = s.dataset AND c.prompt_id = e.prompt_id
WHERE {CONDITION}
ORDER BY s.dataset, s.example_id, s.model
"""
PLACES = ("x", "y", "x_3d", "y_3d", "z_3d")
"""Of an example: where its prompt lies on the dataset's map, in the plane and in space; null without a map."""

_CUT = ("prompt", "full_prompt", "response", "reference")
_JUDGED = ("outcome", "error_title", "error_summary", "judged_by", "criteria", "reason")
_LABELLED = ("right", "is_error", "kind", "why", "judged_title")


@dataclass(frozen=True)
class ShownExamples:
    """The examples of a report: `rows` of `total`, by dataset, example and model; a sample unless they are all."""

    total: int
    rows: list[Row]
    seed: int

    def to_dict(self) -> Row:
        """Return plain JSON values."""
        shown = len(self.rows)
        return {
            "total": self.total,
            "shown": shown,
            "sampled": shown < self.total,
            "seed": self.seed,
            "rows": self.rows,
        }


def shown_examples(
    warehouse: Warehouse,
    scope: Scope,
    cited: Iterable[tuple[str, str]],
    *,
    seed: int = 0,
    most_rows: int = MOST_ROWS,
    most_bytes: int = MOST_BYTES,
) -> ShownExamples:
    """Read the examples that a report shows.

    Args:
        cited: (dataset, example id) of examples that findings rest on; these are shown first.
        most_rows: answers shown, one per model and example. most_bytes: of their texts.
    """
    wanted = sorted(set(cited))
    total = warehouse.query(f"SELECT count(*) AS n FROM scores s WHERE {CONDITION}", scope.parameters)
    chosen = warehouse.query(
        _CHOSEN,
        {
            **scope.parameters,
            "cited_datasets": [dataset for dataset, _ in wanted],
            "cited_ids": [example_id for _, example_id in wanted],
            "seed": str(seed),
            "most": MOST_CHARACTERS,
            "most_rows": most_rows,
            "most_bytes": most_bytes,
        },
    )
    keys = list(zip(chosen.column("dataset").to_pylist(), chosen.column("example_id").to_pylist(), strict=True))
    return ShownExamples(total.column("n")[0].as_py(), examples_of(warehouse, scope, keys), seed)


def examples_of(warehouse: Warehouse, scope: Scope, keys: Sequence[tuple[str, str]]) -> list[Row]:
    """Return what is told of the scope's answers to some examples, by dataset, example and model.

    Args: keys: (dataset, example id).
    """
    rows = warehouse.query(
        _EXAMPLES,
        {
            **scope.parameters,
            "chosen_datasets": [dataset for dataset, _ in keys],
            "chosen_ids": [example_id for _, example_id in keys],
        },
    ).to_pylist()
    return [_example(row) for row in rows]


def _example(row: Row) -> Row:
    judgment = {name: row.pop(name) for name in _JUDGED}
    judgment["criteria"] = json.loads(judgment["criteria"] or "[]")
    label = {name: row.pop(name) for name in _LABELLED}
    shown = {**row, **{name: _cut(row[name]) for name in _CUT}, "metadata": json.loads(row["metadata"])}
    return {
        **shown,
        "judgment": judgment if judgment["outcome"] else None,
        "label": label if label["right"] is not None else None,
    }


def _cut(text: str | None) -> str | None:
    if text is None or len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}\n… {len(text) - MOST_CHARACTERS:,} more characters are in the warehouse"
