"""Datasets that ask the same questions of different models: two names where one is needed for a comparison."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faultmap_assets.warehouse import Warehouse
from faultmap_core.readers import dataset_of

_MIN_SHARED = 0.5
_MAX_SHOWN = 3

_SHARED = """
WITH sizes AS (SELECT dataset, count(*) AS prompts FROM prompt_embeddings GROUP BY dataset),
models AS (
    SELECT dataset, list(DISTINCT model ORDER BY model) AS models FROM staging_partitions
    JOIN source_files USING (staging_id) WHERE day IS NULL GROUP BY dataset
),
shared AS (
    SELECT a.dataset AS first, b.dataset AS second, count(*) AS shared
    FROM prompt_embeddings a JOIN prompt_embeddings b ON a.prompt_id = b.prompt_id AND a.dataset < b.dataset
    GROUP BY ALL
)
SELECT first, second, shared, least(x.prompts, y.prompts) AS prompts,
    m.models AS first_models, n.models AS second_models
FROM shared JOIN sizes x ON x.dataset = first JOIN sizes y ON y.dataset = second
JOIN models m ON m.dataset = first JOIN models n ON n.dataset = second
WHERE shared > 1 AND shared >= $share * least(x.prompts, y.prompts)
ORDER BY first, second
"""
_FILES = """
SELECT DISTINCT path FROM source_files JOIN staging_partitions USING (staging_id)
WHERE dataset = $dataset AND day IS NULL ORDER BY path
"""


@dataclass(frozen=True)
class SameQuestions:
    """Two datasets that were asked the same and are not compared.

    Attributes: shared: distinct prompts of both; prompts: of the smaller one; files: of both, where the datasets are
        named after them, so that an option gives them one name; empty where their rows name the dataset.
    """

    first: str
    second: str
    shared: int
    prompts: int
    files: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return what is the matter, and what compares them."""
        told = (
            f"{self.first} and {self.second} ask different models the same questions ({self.shared:,} of"
            f" {self.prompts:,}), but they are two datasets, so these models are not compared"
        )
        if not self.files:
            return f"{told}; to compare them, give both the same dataset name in their files"
        named = " ".join(shlex.quote(one) for one in self.files)
        return f"{told}; to compare them: faultmap audit {named} --dataset-name NAME"


def same_questions(warehouse: Warehouse, datasets: Sequence[str] | None = None) -> list[SameQuestions]:
    """Return the pairs of datasets that share half of the smaller one's prompts and each have a model of their own.

    Args: datasets: only pairs with one of these.
    """
    found = []
    for row in warehouse.query(_SHARED, {"share": _MIN_SHARED}).to_pylist():
        pair = (row["first"], row["second"])
        if datasets and not set(pair) & set(datasets):
            continue
        first, second = set(row["first_models"]), set(row["second_models"])
        if first - second and second - first:
            found.append(SameQuestions(*pair, row["shared"], row["prompts"], _files(warehouse, pair)))
    return found


def same_questions_lines(found: Sequence[SameQuestions]) -> list[str]:
    """Return one sentence for each pair, of many for the first three."""
    more = len(found) - _MAX_SHOWN
    lines = [str(one) for one in found[:_MAX_SHOWN]]
    return [*lines, f"… {more:,} more such pairs of datasets"] if more > 0 else lines


def _files(warehouse: Warehouse, datasets: Sequence[str]) -> tuple[str, ...]:
    """Return the files of the datasets; none where one is not named after its file."""
    paths: list[str] = []
    for dataset in datasets:
        own = [str(path) for path in warehouse.query(_FILES, {"dataset": dataset}).column("path").to_pylist()]
        if any(dataset_of(Path(path)) != dataset for path in own):
            return ()
        paths += own
    return tuple(paths)
