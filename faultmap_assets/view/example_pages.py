"""Find, sort and page examples in the database; texts are read last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faultmap_assets.report.examples import MOST_ROWS, examples_of
from faultmap_assets.report.scope import CONDITION, Row, Scope
from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.errors import ConfigurationError

MOST_LIMIT = 500
MOST_SEARCHED_CHARACTERS = 200
MOST_WORDS = 8
MOST_NAMED = 50
MOST_PARAMETER_CHARACTERS = 2_000

VERDICTS = {"failed": "s.failed", "passed": "NOT s.failed", "no score": "s.failed IS NULL"}
LABELS = {
    "judgment right": "l.judgment_right",
    "judgment wrong": "NOT l.judgment_right",
    "not labelled": "l.judgment_right IS NULL AND j.outcome IS NOT NULL",
}
SORTS = {
    "example_id": "s.example_id",
    "model": "s.model",
    "dataset": "s.dataset",
    "verdict": "s.failed",
    "score": "s.score",
    "error": "nullif(j.error_title, '')",
    "label": "l.judgment_right",
}
_TEXTS = ("coalesce(question_text, input_text)", "output_text", "correct_answer")
_NAMES = ("s.example_id", "j.error_title")
_KEYED = "USING (dataset, model, example_id)"


@dataclass(frozen=True)
class ExampleQuery:
    """What is asked of the examples.

    Attributes:
        dataset, model, kind, slice: names and ids; "" is all. kind takes what is below it, too.
        verdict, label: keys of `VERDICTS`, `LABELS`; "" is all.
        q: words that all occur in prompt, answer, reference, id or error title, in any case.
        ids: example ids; empty is all.
        sort: a key of `SORTS`, falling after "-"; what is equal stands by dataset, example, model.
        first: example ids that stand before what is equal to them, in this order.
        offset, limit: of the answers that fit.
    """

    dataset: str = ""
    model: str = ""
    kind: str = ""
    slice: str = ""
    verdict: str = ""
    label: str = ""
    q: str = ""
    sort: str = ""
    ids: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    offset: int = 0
    limit: int = 50

    @classmethod
    def of(cls, parameters: Sequence[tuple[str, str]]) -> ExampleQuery:
        """Read it from an address. Raises ConfigurationError that names what is not allowed."""
        read: dict[str, Any] = {}
        several: dict[str, list[str]] = {"id": [], "first": []}
        for name, value in parameters:
            if len(value) > MOST_PARAMETER_CHARACTERS:
                raise ConfigurationError(f"{name}: {len(value):,} characters; at most {MOST_PARAMETER_CHARACTERS:,}")
            if name in several:
                several[name].append(value)
            elif name in ("offset", "limit"):
                read[name] = _number(name, value)
            elif name in ("dataset", "model", "kind", "slice", "verdict", "label", "q", "sort"):
                read[name] = value
            else:
                raise ConfigurationError(f"{name!r} is nothing that examples are chosen by")
        if any(len(named) > MOST_NAMED for named in several.values()):
            raise ConfigurationError(f"more than {MOST_NAMED} examples are named")
        return cls(**read, ids=tuple(several["id"]), first=tuple(several["first"]))

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("verdict", self.verdict, VERDICTS),
            ("label", self.label, LABELS),
            ("sort", self.sort.removeprefix("-"), SORTS),
        ):
            if value and value not in allowed:
                raise ConfigurationError(f"{name} {value!r} is not one of {', '.join(allowed)}")
        if not 1 <= self.limit <= MOST_LIMIT:
            raise ConfigurationError(f"limit {self.limit} is not between 1 and {MOST_LIMIT}")
        if self.offset < 0:
            raise ConfigurationError(f"offset {self.offset} is below 0")
        if len(self.q) > MOST_SEARCHED_CHARACTERS or len(self.q.split()) > MOST_WORDS:
            raise ConfigurationError(
                f"a search takes at most {MOST_WORDS} words and {MOST_SEARCHED_CHARACTERS} characters"
            )


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 12):
        raise ConfigurationError(f"{name}: {value!r} is no number")
    return int(value)


def example_page(warehouse: Warehouse, scope: Scope, query: ExampleQuery) -> Row:
    """Return how many answers fit (`total`) and those of one page (`rows`), as the report tells them."""
    source, parameters = _fitting({**scope.parameters}, query)
    falling = "DESC" if query.sort.startswith("-") else "ASC"
    chosen = f"{SORTS[query.sort.removeprefix('-')]} {falling} NULLS LAST, " if query.sort else ""
    # A bound value that no part of the statement names would be an error.
    first = "nullif(list_position($first, s.example_id), 0) NULLS LAST, " if query.first else ""
    named = {"first": list(query.first)} if query.first else {}
    # Texts are searched once, for the page and for the number; what reads no text is quicker counted apart.
    counted = ", count(*) OVER () AS n" if query.q.split() else ""
    keys = warehouse.query(
        f"""SELECT s.dataset, s.model, s.example_id{counted} {source}
        ORDER BY {chosen}{first}s.dataset, s.example_id, s.model LIMIT $limit OFFSET $offset""",
        {**parameters, **named, "limit": query.limit, "offset": query.offset},
    ).to_pylist()
    if counted and (keys or not query.offset):
        total = keys[0]["n"] if keys else 0
    else:
        total = warehouse.query(f"SELECT count(*) AS n {source}", parameters).column("n")[0].as_py()
    return {"total": total, "offset": query.offset, "rows": rows_of(warehouse, scope, keys)}


def rows_of(warehouse: Warehouse, scope: Scope, keys: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the answers with these datasets, models and example ids, in their order."""
    if not keys:
        return []
    place = {(key["dataset"], key["model"], key["example_id"]): number for number, key in enumerate(keys)}
    wanted = sorted({(dataset, example_id) for dataset, _, example_id in place})
    told = {(row["dataset"], row["model"], row["example_id"]): row for row in examples_of(warehouse, scope, wanted)}
    return [told[key] for key in place if key in told]


def _fitting(parameters: dict[str, Any], query: ExampleQuery) -> tuple[str, dict[str, Any]]:
    """Return FROM and WHERE of the answers that fit, with the values of both."""
    joins, conditions = [], [CONDITION]
    words = query.q.lower().split()
    if words:
        joins.append(f"JOIN ({_words_in_texts(len(words), query)}) r {_KEYED}")
    sort = query.sort.removeprefix("-")
    if words or query.label or sort == "error":
        joins.append(f"LEFT JOIN error_judgments j {_KEYED}")
    if query.label or sort == "label":
        joins.append(f"LEFT JOIN judgment_labels l {_KEYED}")
    if query.label:
        conditions.append(LABELS[query.label])
    if query.kind:
        joins.append(
            f"""SEMI JOIN (SELECT dataset, model, example_id FROM error_categories
                WHERE category_id = $kind OR starts_with(category_id, $kind || '/')) k {_KEYED}"""
        )
        parameters["kind"] = query.kind
    if query.slice:
        joins.append(f"SEMI JOIN (SELECT * FROM failure_slice_members WHERE slice_id = $slice) m {_KEYED}")
        parameters["slice"] = query.slice
    for name in ("dataset", "model"):
        if getattr(query, name):
            conditions.append(f"s.{name} = ${name}")
            parameters[name] = getattr(query, name)
    if query.ids:
        conditions.append("list_contains($ids, s.example_id)")
        parameters["ids"] = list(query.ids)
    if query.verdict:
        conditions.append(VERDICTS[query.verdict])
    for number, word in enumerate(words):
        parameters[f"word_{number}"] = word
        conditions.append(f"r.word_{number} OR {_contained(_NAMES, number)}")
    return f"FROM scores s {' '.join(joins)} WHERE {' AND '.join(f'({one})' for one in conditions)}", parameters


def _words_in_texts(words: int, query: ExampleQuery) -> str:
    """Return the answers with a truth value for each word. The texts flow through: only the values are kept."""
    found = ", ".join(f"arg_min({_contained(_TEXTS, number)}, epoch) AS word_{number}" for number in range(words))
    chosen = [f"{name} = ${name}" for name in ("dataset", "model") if getattr(query, name)]
    where = f"WHERE {' AND '.join(chosen)}" if chosen else ""
    return f"SELECT dataset, model, example_id, {found} FROM raw_evals {where} GROUP BY dataset, model, example_id"


def _contained(texts: Sequence[str], number: int) -> str:
    """Return SQL that is true where one of the texts has a word; never null."""
    return " OR ".join(f"coalesce(contains(lower({text}), $word_{number}), false)" for text in texts)


def disagreement_page(
    warehouse: Warehouse, scope: Scope, pair: tuple[str, str, str], right: str, offset: int, limit: int
) -> Row:
    """Return the examples that one of two models has right, as `example_page` does; `rows` holds both answers of each.

    Args: pair: dataset and two models. right: the model that has them right; "" is either.
    """
    dataset, model_a, model_b = pair
    source = f"""FROM scores s JOIN scores b ON b.dataset = s.dataset AND b.example_id = s.example_id
        LEFT JOIN example_prompts p ON p.dataset = s.dataset AND p.model = s.model AND p.example_id = s.example_id
        LEFT JOIN example_prompts q ON q.dataset = b.dataset AND q.model = b.model AND q.example_id = b.example_id
        WHERE p.prompt_id IS NOT DISTINCT FROM q.prompt_id AND s.dataset = $dataset
        AND s.model = $model_a AND b.model = $model_b AND s.failed <> b.failed
        AND ($right = '' OR ($right = $model_a) = (NOT s.failed)) AND {_IN_DATASETS}"""
    parameters = {"dataset": dataset, "model_a": model_a, "model_b": model_b, "right": right}
    parameters_of_scope = {"datasets": scope.parameters["datasets"]}
    total = warehouse.query(f"SELECT count(*) AS n {source}", {**parameters, **parameters_of_scope})
    keys = warehouse.query(
        f"SELECT s.example_id {source} ORDER BY s.example_id LIMIT $limit OFFSET $offset",
        {**parameters, **parameters_of_scope, "limit": limit, "offset": offset},
    )
    both = [
        {"dataset": dataset, "model": model, "example_id": example_id}
        for example_id in keys.column("example_id").to_pylist()
        for model in (model_a, model_b)
    ]
    # A report of one model shows its comparisons with the others, too.
    rows = rows_of(warehouse, Scope(scope.datasets, None, scope.texts), both)
    return {"total": total.column("n")[0].as_py(), "offset": offset, "rows": rows}


_IN_DATASETS = "($datasets IS NULL OR list_contains($datasets, s.dataset))"

# A share of the examples by a hash of their names, so that all models' answers to one stay together; no text is read.
_POINTS = f"""
WITH chosen AS (
    SELECT dataset, model, example_id, failed FROM scores s
    WHERE {CONDITION} AND hash(dataset, example_id, $seed) <= 18446744073709551615 * $share::DOUBLE
),
members AS (
    SELECT dataset, model, example_id, list(slice_id ORDER BY slice_id) AS slices FROM failure_slice_members
    SEMI JOIN chosen {_KEYED} GROUP BY ALL
)
SELECT s.dataset, s.model, s.example_id, s.failed, coalesce(m.slices, []) AS slices, c.x, c.y,
    c.x_3d, c.y_3d, c.z_3d
FROM chosen s LEFT JOIN members m {_KEYED} LEFT JOIN example_prompts e {_KEYED}
LEFT JOIN prompt_clusters c ON c.dataset = s.dataset AND c.prompt_id = e.prompt_id
ORDER BY s.dataset, s.example_id, s.model
"""


def map_points(warehouse: Warehouse, scope: Scope, *, seed: int, most: int = MOST_ROWS) -> Row:
    """Return the places of the answers on their maps, column by column; of more than about `most`, a seeded sample."""
    counted = warehouse.query(f"SELECT count(*) AS n FROM scores s WHERE {CONDITION}", scope.parameters)
    total = counted.column("n")[0].as_py()
    rows = warehouse.query(
        _POINTS, {**scope.parameters, "seed": seed, "share": min(1.0, most / total if total else 1.0)}
    )
    columns = {name: rows.column(name).to_pylist() for name in rows.column_names}
    return {"total": total, "shown": rows.num_rows, "columns": columns}
