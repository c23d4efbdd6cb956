"""Export scored rows as Every Eval Ever's instance-level records."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from faultmap_assets.warehouse.connection import Warehouse
from faultmap_core.base.errors import ConfigurationError, WarehouseError
from faultmap_core.base.records import strict
from faultmap_core.readers.tools.every_eval_ever import record_of

_BATCH_ROWS = 10_000
_ROWS = """
SELECT r.dataset, r.model, r.example_id, r.epoch, r.input_text, r.output_text, r.correct_answer, r.metadata,
    coalesce(r.score, s.score) AS score,
    coalesce(
        if(m.verdicts > 0, r.passed, NULL),
        if(coalesce(m.higher_is_better, true), coalesce(r.score, s.score) >= coalesce(m.success_threshold, 0.5),
            coalesce(r.score, s.score) <= m.success_threshold)
    ) AS is_correct
FROM raw_evals r LEFT JOIN scores s USING (dataset, model, example_id) LEFT JOIN metrics m USING (dataset, model)
WHERE ($datasets IS NULL OR list_contains($datasets, r.dataset))
AND ($models IS NULL OR list_contains($models, r.model))
ORDER BY ALL
"""


def export_every_eval_ever(
    warehouse: Warehouse,
    target: Path,
    datasets: Sequence[str] | None = None,
    models: Sequence[str] | None = None,
) -> tuple[int, int]:
    """Write the scored rows as instance-level records, each epoch as its own; a former file is replaced in one step.

    What is correct is what the tool says, else what the dataset's metric says of the score.
    Returns: how many were written, and how many left out because they have no score, which the format demands.
    Raises:
        ConfigurationError: the target is not named .jsonl.
        WarehouseError: the file cannot be written; a former one is left as it was.
    """
    if target.suffix != ".jsonl":
        raise ConfigurationError(f"{target}: Every Eval Ever's records are JSONL; name it .jsonl")
    if not target.resolve().parent.is_dir():
        raise WarehouseError(f"{target}: cannot be written: its folder does not exist; make it first")
    rows = warehouse.query(
        _ROWS, {"datasets": list(datasets) if datasets else None, "models": list(models) if models else None}
    )
    left_out = 0
    temporary = target.with_name(f".{target.name}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            for batch in rows.to_batches(max_chunksize=_BATCH_ROWS):
                for row in batch.to_pylist():
                    if row["score"] is None:
                        left_out += 1
                        continue
                    record = record_of(row, is_correct=row.pop("is_correct"))
                    stream.write(json.dumps(strict(record), ensure_ascii=False) + "\n")
        temporary.replace(target)
    except OSError as error:
        raise WarehouseError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return int(rows.num_rows) - left_out, left_out
